//! The option grammar, and the options that a server pushes and a client takes (wire reference,
//! section 11).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::Ipv4Net;

use super::admission::{Grant, Ipv6Policy, PushUpdate, TunnelMode};
use super::control::Message;
use super::keys::{Cipher, DataFormat, Derivation, Framing};
use super::negotiate::Agreement;
use super::packet::PeerId;

/// Splits an option line into words as OpenVPN does: spaces separate, quotes hold together, a backslash
/// takes the next character as it is (outside single quotes). `#` or `;` at the start of a word begins
/// a comment.
///
/// `None` if a quote is not closed or the line ends in a backslash.
pub(crate) fn split_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#' | ';') => return Some(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_whitespace()) {
            match (c, quote) {
                ('\\', None | Some('"')) => word.push(chars.next()?),
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

/// The push reply for a grant: one or more messages of at most [`MAX_PUSH`] bytes.
pub(crate) fn push_reply(grant: &Grant, agreement: &Agreement) -> Vec<Message> {
    split_push(&pushed_options(grant, agreement), Message::PushReply)
}

/// The messages that change a client's settings, each of at most [`MAX_PUSH`] bytes; none if nothing
/// changes.
///
/// A client forgets all that it has of an option when the first line of it comes, so a change of a
/// list is the whole new list.
pub(crate) fn push_update(update: &PushUpdate) -> Vec<Message> {
    let mut options = Vec::new();
    match update.routes.as_deref() {
        Some([]) => options.push("-route".to_owned()),
        Some(routes) => options.extend(routes.iter().map(route_option)),
        None => {}
    }
    match update.tunnel {
        Some(TunnelMode::Full) => options.push(REDIRECT.to_owned()),
        Some(TunnelMode::Split) => options.push("-redirect-gateway".to_owned()),
        None => {}
    }
    match update.ipv6 {
        Some(Ipv6Policy::Block) => options.push("block-ipv6".to_owned()),
        Some(Ipv6Policy::Leave) => options.push("-block-ipv6".to_owned()),
        None => {}
    }
    match update.dns.as_deref() {
        Some([]) => options.push("-dhcp-option".to_owned()),
        Some(dns) => options.extend(dns.iter().map(dns_option)),
        None => {}
    }
    if options.is_empty() {
        return Vec::new();
    }
    split_push(&options, Message::PushUpdate)
}

fn route_option(route: &Ipv4Net) -> String {
    format!("route {} {}", route.network(), route.netmask())
}

fn dns_option(address: &IpAddr) -> String {
    format!("dhcp-option DNS {address}")
}

fn pushed_options(grant: &Grant, agreement: &Agreement) -> Vec<String> {
    let mut options: Vec<String> = grant.routes.iter().map(route_option).collect();
    if grant.tunnel == TunnelMode::Full {
        options.push(REDIRECT.into());
    }
    if grant.ipv6 == Ipv6Policy::Block {
        options.push("block-ipv6".into());
    }
    options.extend(grant.dns.iter().map(dns_option));
    options.push(format!("route-gateway {}", grant.gateway));
    options.push("topology subnet".into());
    options.push(format!("ping {}", grant.ping.as_secs().max(1)));
    options.push(format!(
        "ping-restart {}",
        grant.ping_restart.as_secs().max(1)
    ));
    options.extend(
        grant
            .extra_options
            .iter()
            .filter(|option| is_pushable(option))
            .cloned(),
    );
    options.extend(agreement.compression.map(str::to_owned));
    options.push(format!("ifconfig {} {}", grant.address, grant.netmask));
    if agreement.data_v2 {
        options.push(format!("peer-id {}", grant.peer_id.as_u32()));
    }
    if agreement.pushes_cipher {
        options.push(format!("cipher {}", agreement.cipher));
    }
    match (agreement.protocol_flags, agreement.derivation) {
        (true, Derivation::TlsExporter) => options.push("protocol-flags cc-exit tls-ekm".into()),
        (true, Derivation::Tls1Prf) => options.push("protocol-flags cc-exit".into()),
        (false, Derivation::TlsExporter) => options.push("key-derivation tls-ekm".into()),
        (false, Derivation::Tls1Prf) => {}
    }
    options
}

fn is_pushable(option: &str) -> bool {
    !option.is_empty()
        && option.len() <= MAX_OPTION
        && !option.chars().any(|c| c.is_control() || c == ',')
}

fn split_push(options: &[String], message: fn(String) -> Message) -> Vec<Message> {
    let mut parts = vec![String::new()];
    for option in options {
        let last = parts.last_mut().expect("starts with one and only grows");
        if !last.is_empty() && last.len() + 1 + option.len() > MAX_PUSH_OPTIONS {
            parts.push(option.clone());
        } else {
            if !last.is_empty() {
                last.push(',');
            }
            last.push_str(option);
        }
    }
    let count = parts.len();
    if count > 1 {
        for (index, part) in parts.iter_mut().enumerate() {
            part.push_str(if index + 1 == count {
                ",push-continuation 1"
            } else {
                ",push-continuation 2"
            });
        }
    }
    parts.into_iter().map(message).collect()
}

/// What a server pushed to a client of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Our address in the tunnel.
    pub address: Ipv4Addr,
    /// The netmask of the tunnel's network.
    pub netmask: Ipv4Addr,
    /// Where routes point.
    pub gateway: Option<Ipv4Addr>,
    /// Networks behind the tunnel.
    pub routes: Vec<Ipv4Net>,
    /// Whether everything goes through the tunnel.
    pub tunnel: TunnelMode,
    /// Whether to refuse IPv6 locally.
    pub ipv6: Ipv6Policy,
    /// Resolvers.
    pub dns: Vec<IpAddr>,
    /// How often to send a ping.
    pub ping: Option<Duration>,
    /// After how much silence the server is gone.
    pub ping_restart: Option<Duration>,
    /// Our number in data packets; `None` means DATA_V1.
    pub peer_id: Option<PeerId>,
    /// The chosen cipher, if one was pushed.
    pub cipher: Option<Cipher>,
    /// Whether leaving is told by control message.
    pub exit_by_control: bool,
    /// Options that this client does not act on, as they came.
    pub ignored: Vec<String>,
    pub(crate) derivation: Derivation,
    pub(crate) framing: Framing,
    /// Whether `ifconfig` has a netmask; without it, it has the address of the other end.
    is_subnet: bool,
}

impl Pushed {
    pub(crate) fn format(&self) -> DataFormat {
        self.peer_id.map_or(DataFormat::V1, DataFormat::V2)
    }

    /// Reads the options of all parts of a push reply.
    pub(crate) fn parse(options: &str) -> Result<Self, PushedError> {
        let mut pushed = Self {
            address: Ipv4Addr::UNSPECIFIED,
            netmask: Ipv4Addr::BROADCAST,
            gateway: None,
            routes: Vec::new(),
            tunnel: TunnelMode::Split,
            ipv6: Ipv6Policy::Leave,
            dns: Vec::new(),
            ping: None,
            ping_restart: None,
            peer_id: None,
            cipher: None,
            exit_by_control: false,
            ignored: Vec::new(),
            derivation: Derivation::Tls1Prf,
            framing: Framing::None,
            is_subnet: false,
        };
        for option in options.split(',').filter(|option| !option.is_empty()) {
            pushed.take(option)?;
        }
        if pushed.address.is_unspecified() {
            return Err(PushedError("it holds no ifconfig"));
        }
        if !pushed.is_subnet {
            // The older topologies, which stock servers up to 2.6 have as their default: two addresses.
            let peer = std::mem::replace(&mut pushed.netmask, Ipv4Addr::BROADCAST);
            pushed.gateway = pushed.gateway.or(Some(peer));
        }
        Ok(pushed)
    }

    /// What holds after a change of it, given the options of all its parts. The first line of an
    /// option takes the place of all that was there of it; `-` takes them away, and a `?` (behind
    /// the `-`, where both are there) means that the line may be left out.
    pub(crate) fn updated(&self, options: &str) -> Result<Self, PushedError> {
        let mut next = self.clone();
        let mut renewed = Vec::new();
        for line in options.split(',').filter(|line| !line.is_empty()) {
            let (is_removed, line) = match line.strip_prefix('-') {
                Some(line) => (true, line),
                None => (false, line),
            };
            let (is_optional, option) = match line.strip_prefix('?') {
                Some(option) => (true, option),
                None => (false, line),
            };
            if option.starts_with('-') {
                return Err(PushedError("a minus in it stands behind a question mark"));
            }
            let name = option.split(' ').next().unwrap_or_default();
            if name == "push-continuation" {
                continue;
            }
            if !CHANGEABLE.contains(&name) {
                if is_optional {
                    continue;
                }
                return Err(PushedError("an option in it cannot change while connected"));
            }
            if is_removed || !renewed.contains(&name) {
                next.forget(name);
                renewed.push(name);
            }
            if !is_removed {
                next.take(option)?;
            }
        }
        if next.address.is_unspecified() {
            return Err(PushedError("it takes the ifconfig away"));
        }
        Ok(next)
    }

    /// Forgets all lines of one of the options in [`CHANGEABLE`].
    fn forget(&mut self, name: &str) {
        match name {
            "route" => self.routes.clear(),
            "route-gateway" => self.gateway = None,
            "redirect-gateway" => self.tunnel = TunnelMode::Split,
            "block-ipv6" => self.ipv6 = Ipv6Policy::Leave,
            "ifconfig" => self.address = Ipv4Addr::UNSPECIFIED,
            "dhcp-option" => self.dns.clear(),
            _ => {}
        }
        let is_it = |line: &String| line.split(' ').next() == Some(name);
        self.ignored.retain(|line| !is_it(line));
    }

    fn take(&mut self, option: &str) -> Result<(), PushedError> {
        let words = split_words(option).ok_or(PushedError("a quote in it is not closed"))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // 32 bits: longer times could not be added to a clock.
        let seconds = |text: &str| {
            text.parse::<u32>()
                .ok()
                .filter(|n| *n > 0)
                .map(|n| Duration::from_secs(n.into()))
        };
        match words.as_slice() {
            ["ifconfig", address, netmask, ..] => {
                self.address = address
                    .parse()
                    .map_err(|_| PushedError("its ifconfig has no IPv4 address"))?;
                self.netmask = netmask
                    .parse()
                    .map_err(|_| PushedError("its ifconfig has no netmask"))?;
            }
            ["route-gateway", gateway] => self.gateway = gateway.parse().ok(),
            ["route", network, rest @ ..] => {
                let netmask = rest.first().copied().unwrap_or("255.255.255.255");
                let route = network.parse().ok().zip(netmask.parse().ok());
                let route = route
                    .and_then(|(network, netmask)| Ipv4Net::with_netmask(network, netmask).ok());
                self.routes
                    .push(route.ok_or(PushedError("a route is no network with a netmask"))?);
            }
            ["redirect-gateway", ..] => self.tunnel = TunnelMode::Full,
            ["block-ipv6"] => self.ipv6 = Ipv6Policy::Block,
            ["dhcp-option", "DNS", address] => self.dns.extend(address.parse::<IpAddr>().ok()),
            ["ping", secs] => self.ping = seconds(secs),
            ["ping-restart", secs] => self.ping_restart = seconds(secs),
            ["peer-id", id] => {
                let id = id.parse().ok().filter(|id| *id <= PeerId::NONE);
                self.peer_id =
                    PeerId::new(id.ok_or(PushedError("its peer-id is no 24-bit number"))?);
            }
            ["cipher", name] => {
                self.cipher = Some(
                    name.parse()
                        .map_err(|_| PushedError("its cipher is not offered by this client"))?,
                );
            }
            ["key-derivation", "tls-ekm"] => self.derivation = Derivation::TlsExporter,
            ["protocol-flags", flags @ ..] => self.take_flags(flags)?,
            ["compress", "stub-v2"] => self.framing = Framing::StubV2,
            ["comp-lzo", "no"] => self.framing = Framing::LzoStub,
            ["comp-lzo" | "compress", ..] => return Err(PushedError("it asks for compression")),
            ["topology", "subnet"] => self.is_subnet = true,
            ["push-continuation", _] | [] => {}
            // A secret: what is ignored may be shown.
            [name @ ("auth-token" | "auth-token-user"), ..] => {
                self.ignored.push((*name).to_owned());
            }
            _ => self.ignored.push(option.to_owned()),
        }
        Ok(())
    }

    fn take_flags(&mut self, flags: &[&str]) -> Result<(), PushedError> {
        for flag in flags {
            match *flag {
                "cc-exit" => self.exit_by_control = true,
                "tls-ekm" => self.derivation = Derivation::TlsExporter,
                // Each of these changes the wire, and none was offered.
                _ => {
                    return Err(PushedError(
                        "its protocol-flags hold one that was not offered",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Whether the part `options` of a push reply announces another part.
pub(crate) fn is_continued(options: &str) -> bool {
    options
        .split(',')
        .any(|option| option == "push-continuation 2")
}

/// What is wrong with a push reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PushedError(pub(crate) &'static str);

/// OpenVPN 2.x reads control messages into 1024 bytes, NUL included.
const MAX_PUSH: usize = 1023;
/// For the longer of the two words that a push begins with.
const MAX_PUSH_OPTIONS: usize = MAX_PUSH - "PUSH_UPDATE,".len() - ",push-continuation 2".len();
/// What sends everything through the tunnel.
const REDIRECT: &str = "redirect-gateway def1 bypass-dhcp";
/// What a client lets the server change while connected, as stock clients of 2.7 do. What ours
/// makes nothing of is noted and otherwise passed over.
const CHANGEABLE: [&str; 15] = [
    "route",
    "route-gateway",
    "route-ipv6",
    "route-metric",
    "redirect-gateway",
    "redirect-private",
    "block-ipv6",
    "block-outside-dns",
    "dhcp-option",
    "dns",
    "ifconfig",
    "ifconfig-ipv6",
    "topology",
    "tun-mtu",
    "keepalive",
];
/// The longest option that stock clients take.
const MAX_OPTION: usize = 255;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn agreement() -> Agreement {
        Agreement {
            cipher: Cipher::Aes256Gcm,
            pushes_cipher: true,
            derivation: Derivation::TlsExporter,
            data_v2: true,
            protocol_flags: true,
            push_early: true,
            push_update: true,
            framing: Framing::None,
            compression: None,
        }
    }

    fn grant() -> Grant {
        let mut grant = Grant::new(
            Ipv4Addr::new(10, 8, 0, 2),
            Ipv4Addr::new(255, 255, 252, 0),
            Ipv4Addr::new(10, 8, 0, 1),
            PeerId::new(7).unwrap(),
        );
        grant.routes = vec!["192.168.50.0/24".parse().unwrap()];
        grant.dns = vec!["10.8.0.1".parse().unwrap()];
        grant
    }

    fn joined(messages: &[Message]) -> String {
        let parts: Vec<_> = messages
            .iter()
            .map(|message| match message {
                Message::PushReply(options) | Message::PushUpdate(options) => options.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        parts.join(",")
    }

    #[test]
    fn a_small_push_reply_is_one_message_in_stock_order() {
        assert_eq!(
            joined(&push_reply(&grant(), &agreement())),
            "route 192.168.50.0 255.255.255.0,redirect-gateway def1 bypass-dhcp,block-ipv6,dhcp-option DNS 10.8.0.1,\
             route-gateway 10.8.0.1,topology subnet,ping 10,ping-restart 60,ifconfig 10.8.0.2 255.255.252.0,\
             peer-id 7,cipher AES-256-GCM,protocol-flags cc-exit tls-ekm"
        );
    }

    #[test]
    fn a_client_reads_what_a_server_pushes() {
        let pushed = Pushed::parse(&joined(&push_reply(&grant(), &agreement()))).unwrap();
        assert_eq!(pushed.address, grant().address);
        assert_eq!(pushed.netmask, grant().netmask);
        assert_eq!(pushed.gateway, Some(grant().gateway));
        assert_eq!(pushed.routes, grant().routes);
        assert_eq!(pushed.dns, grant().dns);
        assert_eq!(pushed.tunnel, TunnelMode::Full);
        assert_eq!(pushed.peer_id, PeerId::new(7));
        assert_eq!(pushed.cipher, Some(Cipher::Aes256Gcm));
        assert_eq!(pushed.derivation, Derivation::TlsExporter);
        assert!(pushed.exit_by_control && pushed.ignored.is_empty());
    }

    #[test]
    fn a_thousand_routes_go_in_continued_parts_that_fit_a_record() {
        let mut grant = grant();
        grant.routes = (0..1000u32)
            .map(|n| Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 + (n << 8)), 24).unwrap())
            .collect();
        let messages = push_reply(&grant, &agreement());
        assert!(messages.len() > 20);
        for (index, message) in messages.iter().enumerate() {
            assert!(message.to_record().len() <= 1024);
            let Message::PushReply(options) = message else {
                panic!()
            };
            assert_eq!(is_continued(options), index + 1 < messages.len());
        }
        assert_eq!(
            Pushed::parse(&joined(&messages)).unwrap().routes,
            grant.routes
        );
    }

    #[test]
    fn a_change_names_the_whole_new_list_and_nothing_that_stays() {
        let update = PushUpdate {
            routes: Some(vec!["10.2.0.0/16".parse().unwrap()]),
            dns: Some(Vec::new()),
            ..PushUpdate::default()
        };
        let messages = push_update(&update);
        assert_eq!(
            messages,
            [Message::PushUpdate(
                "route 10.2.0.0 255.255.0.0,-dhcp-option".to_owned()
            )]
        );
        assert_eq!(push_update(&PushUpdate::default()), []);
        let before = Pushed::parse(&joined(&push_reply(&grant(), &agreement()))).unwrap();
        let after = before.updated(&joined(&messages)).unwrap();
        assert_eq!(after.routes, ["10.2.0.0/16".parse().unwrap()]);
        assert!(after.dns.is_empty());
        assert_eq!(after.tunnel, TunnelMode::Full, "what is not named stays");
        assert_eq!(after.address, before.address);
        let split = PushUpdate {
            tunnel: Some(TunnelMode::Split),
            ipv6: Some(Ipv6Policy::Leave),
            routes: Some(Vec::new()),
            ..PushUpdate::default()
        };
        let split = after.updated(&joined(&push_update(&split))).unwrap();
        assert_eq!(
            (split.tunnel, split.ipv6, split.routes),
            (TunnelMode::Split, Ipv6Policy::Leave, Vec::new())
        );
    }

    #[test]
    fn a_thousand_changed_routes_go_in_continued_parts_too() {
        let routes: Vec<Ipv4Net> = (0..1000u32)
            .map(|n| Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 + (n << 8)), 24).unwrap())
            .collect();
        let update = PushUpdate {
            routes: Some(routes.clone()),
            ..PushUpdate::default()
        };
        let messages = push_update(&update);
        assert!(messages.iter().all(|m| m.to_record().len() <= 1024));
        let before = Pushed::parse("ifconfig 10.8.0.2 255.255.252.0,route 1.2.3.0 255.255.255.0");
        let after = before.unwrap().updated(&joined(&messages)).unwrap();
        assert_eq!(after.routes, routes);
    }

    #[test]
    fn a_change_touches_no_option_that_holds_for_the_whole_session() {
        let before = Pushed::parse("ifconfig 10.8.0.2 255.255.252.0,cipher AES-256-GCM").unwrap();
        for (option, optional) in [
            ("cipher AES-128-GCM", "?cipher AES-128-GCM"),
            ("peer-id 3", "?peer-id 3"),
            ("-cipher", "-?cipher"),
            ("unheard-of", "?unheard-of"),
        ] {
            assert!(before.updated(option).is_err(), "{option}");
            assert_eq!(before.updated(optional).as_ref(), Ok(&before));
        }
        assert!(before.updated("?-route").is_err(), "the minus comes first");
    }

    #[test]
    fn a_change_of_what_stock_clients_let_change_is_taken() {
        let text = "ifconfig 10.8.0.2 255.255.252.0,topology subnet,route-gateway 10.8.0.1";
        let before = Pushed::parse(text).unwrap();
        let moved = before.updated("ifconfig 10.8.0.9 255.255.252.0").unwrap();
        assert_eq!(moved.address, Ipv4Addr::new(10, 8, 0, 9));
        assert_eq!(before.updated("-route-gateway").unwrap().gateway, None);
        let other = before.updated("route-ipv6 2001:db8::/32,tun-mtu 1400");
        assert_eq!(other.unwrap().ignored.len(), 2);
        assert!(before.updated("-ifconfig").is_err(), "it needs an address");
    }

    #[test]
    fn options_that_could_smuggle_others_are_left_out() {
        let mut grant = grant();
        grant.extra_options = vec![
            "a,route 0.0.0.0 0.0.0.0".into(),
            "b\nc".into(),
            "x".repeat(300),
            "sndbuf 0".into(),
        ];
        let text = joined(&push_reply(&grant, &agreement()));
        assert!(
            text.contains(",sndbuf 0,")
                && !text.contains("0.0.0.0 0.0.0.0")
                && !text.contains("xxx")
        );
    }

    #[test]
    fn an_old_client_is_pushed_only_what_it_knows() {
        let old = Agreement {
            pushes_cipher: false,
            derivation: Derivation::Tls1Prf,
            data_v2: false,
            protocol_flags: false,
            ..agreement()
        };
        let text = joined(&push_reply(&grant(), &old));
        for word in ["cipher", "peer-id", "protocol-flags", "key-derivation"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn words_are_split_as_openvpn_splits_them() {
        let words = split_words(r#"  verify-x509-name "a b\"c" name\ d 'e\f' # comment"#).unwrap();
        assert_eq!(words, ["verify-x509-name", "a b\"c", "name d", "e\\f"]);
        assert_eq!(split_words("a \"b"), None);
        assert_eq!(split_words("; all comment").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_push_that_changes_the_wire_beyond_what_was_offered_is_refused() {
        for option in [
            "compress lz4",
            "protocol-flags aead-epoch",
            "cipher BF-CBC",
            "peer-id 99999999",
            "route x y",
        ] {
            let text = format!("ifconfig 10.0.0.2 255.0.0.0,{option}");
            assert!(Pushed::parse(&text).is_err(), "{option}");
        }
        assert!(Pushed::parse("topology subnet").is_err());
    }

    #[test]
    fn times_that_no_clock_can_hold_are_left_out() {
        let pushed = Pushed::parse(
            "ifconfig 10.8.0.2 255.255.255.0,ping 18446744073709551615,ping-restart 4294967295",
        )
        .unwrap();
        assert_eq!(pushed.ping, None);
        assert!(
            pushed
                .ping_restart
                .is_some_and(|time| std::time::Instant::now().checked_add(time).is_some())
        );
    }

    #[test]
    fn the_older_topologies_name_the_other_end_instead_of_a_netmask() {
        let pushed =
            Pushed::parse("route 10.8.0.1,topology net30,ifconfig 10.8.0.6 10.8.0.5").unwrap();
        assert_eq!(pushed.routes, ["10.8.0.1/32".parse().unwrap()]);
        assert_eq!(pushed.netmask, Ipv4Addr::BROADCAST);
        assert_eq!(pushed.gateway, Some(Ipv4Addr::new(10, 8, 0, 5)));
        let subnet = Pushed::parse("ifconfig 10.8.0.2 255.255.255.0,topology subnet").unwrap();
        assert_eq!(subnet.netmask, Ipv4Addr::new(255, 255, 255, 0));
        assert_eq!(subnet.gateway, None);
    }

    #[test]
    fn a_pushed_token_is_not_kept_where_it_could_be_shown() {
        let pushed = Pushed::parse("ifconfig 10.8.0.2 255.255.255.0,auth-token S3CRET").unwrap();
        assert!(!format!("{pushed:?}").contains("S3CRET"));
        assert_eq!(pushed.ignored, ["auth-token"]);
    }

    proptest! {
        #[test]
        fn arbitrary_options_never_panic(text in "\\PC{0,200}|((ifconfig|route|peer-id|ping|cipher|protocol-flags)[ 0-9.a\"'\\\\]{0,20},){0,6}") {
            std::hint::black_box(&split_words(&text));
            std::hint::black_box(&Pushed::parse(&text));
            if let Ok(pushed) = Pushed::parse("ifconfig 10.8.0.2 255.255.252.0") {
                std::hint::black_box(&pushed.updated(&text));
            }
        }
    }
}
