//! What a server and a client agree on, from what the client says it can (wire reference, section 7).

use super::admission::PeerInfo;
use super::config::ClientConfig;
use super::keys::{Cipher, Derivation, Framing};
use super::{Offer, Role, Transport};

/// Bits of a client's `IV_PROTO`.
pub(crate) mod proto {
    /// DATA_V2.
    pub(crate) const DATA_V2: u32 = 1 << 1;
    /// The push reply may come without a request.
    pub(crate) const REQUEST_PUSH: u32 = 1 << 2;
    /// Keys by the TLS exporter.
    pub(crate) const EXPORTER: u32 = 1 << 3;
    /// Point-to-point negotiation: the client does not pull.
    pub(crate) const P2P: u32 = 1 << 5;
    /// Exit by control message, and `protocol-flags`.
    pub(crate) const CONTROL_EXIT: u32 = 1 << 7;
    /// Options may change while connected.
    pub(crate) const PUSH_UPDATE: u32 = 1 << 12;
}

/// The outcome on the server's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) cipher: Cipher,
    /// The client understands a pushed `cipher`.
    pub(crate) pushes_cipher: bool,
    pub(crate) derivation: Derivation,
    pub(crate) data_v2: bool,
    /// The client understands `protocol-flags`, and so exit by control message.
    pub(crate) protocol_flags: bool,
    pub(crate) push_early: bool,
    /// The client takes changes of its options while connected.
    pub(crate) push_update: bool,
    pub(crate) framing: Framing,
    /// The option that settles compression, if the client has it on.
    pub(crate) compression: Option<&'static str>,
}

impl Agreement {
    /// Agrees with a client, given its peer-info and its options string.
    ///
    /// # Errors
    /// Why nothing can be agreed on, in words for the client and the record.
    pub(crate) fn reach(
        server_ciphers: &[Cipher],
        info: &PeerInfo,
        options: &str,
    ) -> Result<Self, &'static str> {
        let has_option = |name: &str| {
            options
                .split(',')
                .any(|option| option.split(' ').next() == Some(name))
        };
        let bits = info.number("IV_PROTO");
        if bits & proto::P2P != 0 {
            return Err(
                "the client does not ask for its configuration: it needs the option client or pull",
            );
        }
        if has_option("mtu-dynamic") {
            return Err("the client uses the option fragment, which is not supported");
        }
        let offered = offered_ciphers(info, options);
        let cipher = *server_ciphers
            .iter()
            .find(|cipher| {
                offered
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(cipher.name()))
            })
            .ok_or("Data channel cipher negotiation failed (no shared cipher)")?;
        let (framing, compression) = match (has_option("comp-lzo"), info.value("IV_COMP_STUBv2")) {
            (false, _) => (Framing::None, None),
            (true, Some("1")) => (Framing::StubV2, Some("compress stub-v2")),
            (true, _) => (Framing::LzoStub, Some("comp-lzo no")),
        };
        Ok(Self {
            cipher,
            pushes_cipher: info.value("IV_CIPHERS").is_some() || info.number("IV_NCP") >= 2,
            derivation: if bits & proto::EXPORTER == 0 {
                Derivation::Tls1Prf
            } else {
                Derivation::TlsExporter
            },
            data_v2: bits & proto::DATA_V2 != 0,
            protocol_flags: bits & proto::CONTROL_EXIT != 0,
            push_early: bits & proto::REQUEST_PUSH != 0,
            push_update: bits & proto::PUSH_UPDATE != 0,
            framing,
            compression,
        })
    }
}

/// The ciphers that a client offers, as it names them. Names that no cipher can have are left out: what
/// is kept may be shown and logged.
pub(crate) fn offered_ciphers(info: &PeerInfo, options: &str) -> Vec<String> {
    if let Some(list) = info.value("IV_CIPHERS") {
        return list
            .split(':')
            .filter(|name| is_cipher_name(name))
            .map(str::to_owned)
            .collect();
    }
    if info.number("IV_NCP") >= 2 {
        return vec![
            Cipher::Aes256Gcm.name().to_owned(),
            Cipher::Aes128Gcm.name().to_owned(),
        ];
    }
    options
        .split(',')
        .filter_map(|option| option.strip_prefix("cipher "))
        .filter(|name| is_cipher_name(name))
        .take(1)
        .map(str::to_owned)
        .collect()
}

fn is_cipher_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The peer-info of a client of ours.
pub(crate) fn client_peer_info(config: &ClientConfig) -> String {
    let mut bits = proto::REQUEST_PUSH;
    if config.data_v2 == Offer::Yes {
        bits |= proto::DATA_V2;
    }
    if config.derivation == Derivation::TlsExporter {
        bits |= proto::EXPORTER;
    }
    if config.exit_by_control == Offer::Yes {
        bits |= proto::CONTROL_EXIT;
    }
    if config.push_update == Offer::Yes {
        bits |= proto::PUSH_UPDATE;
    }
    let ciphers: Vec<_> = config.ciphers.iter().map(|cipher| cipher.name()).collect();
    format!(
        "IV_VER=2.6.0_gatehouse-{}\nIV_PLAT={}\nIV_PROTO={bits}\nIV_NCP=2\nIV_CIPHERS={}\nIV_TCPNL=1\n",
        env!("CARGO_PKG_VERSION"),
        match std::env::consts::OS {
            "macos" => "mac",
            "windows" => "win",
            os => os,
        },
        ciphers.join(":"),
    )
}

/// The options string of a client of ours: peers compare it only to warn.
pub(crate) fn client_options(transport: Transport, cipher: Cipher) -> String {
    let proto = match transport {
        Transport::Udp => "UDPv4",
        Transport::Tcp => "TCPv4_CLIENT",
    };
    let bits = if cipher == Cipher::Aes128Gcm {
        128
    } else {
        256
    };
    format!(
        "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto {proto},cipher {cipher},auth [null-digest],keysize {bits},key-method 2,tls-client"
    )
}

/// What a `role` answers to the other side's options string: the same with the roles exchanged, so that
/// its comparison finds nothing to warn of.
pub(crate) fn mirror_options(role: Role, theirs: &str) -> String {
    let is_plain =
        theirs.len() <= MAX_OPTIONS && theirs.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if theirs.is_empty() || !is_plain {
        let own = match role {
            Role::Client => "tls-client",
            Role::Server => "tls-server",
        };
        return format!(
            "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,key-method 2,{own}"
        );
    }
    let mirrored: Vec<_> = theirs
        .split(',')
        .map(|option| match option {
            "tls-client" => "tls-server".to_owned(),
            "tls-server" => "tls-client".to_owned(),
            option if option.starts_with("proto ") => {
                if option.ends_with("_CLIENT") {
                    option.replace("_CLIENT", "_SERVER")
                } else {
                    option.replace("_SERVER", "_CLIENT")
                }
            }
            option => option.to_owned(),
        })
        .collect();
    mirrored.join(",")
}

/// Stock OpenVPN reads no longer options string.
const MAX_OPTIONS: usize = 511;

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(info: &str, options: &str) -> Result<Agreement, &'static str> {
        Agreement::reach(&Cipher::ALL, &PeerInfo::parse(info), options)
    }

    #[test]
    fn openvpn_2_6_gets_exporter_keys_and_control_exit() {
        let agreement = reach(
            "IV_PROTO=990\nIV_NCP=2\nIV_CIPHERS=AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305",
            "V4",
        );
        let agreement = agreement.unwrap();
        assert_eq!(agreement.cipher, Cipher::Aes256Gcm);
        assert_eq!(agreement.derivation, Derivation::TlsExporter);
        assert!(
            agreement.data_v2
                && agreement.protocol_flags
                && agreement.push_early
                && agreement.pushes_cipher
        );
    }

    #[test]
    fn openvpn_2_5_gets_prf_keys_and_waits_for_its_request_only_without_the_bit() {
        let agreement = reach("IV_PROTO=6\nIV_CIPHERS=CHACHA20-POLY1305", "").unwrap();
        assert_eq!(
            (agreement.cipher, agreement.derivation),
            (Cipher::ChaCha20Poly1305, Derivation::Tls1Prf)
        );
        assert!(agreement.push_early && !agreement.protocol_flags);
        assert!(!reach("IV_PROTO=2\nIV_NCP=2", "").unwrap().push_early);
    }

    #[test]
    fn a_client_without_negotiation_is_taken_by_its_options_string() {
        let agreement = reach("", "V4,dev-type tun,cipher AES-128-GCM,auth SHA1").unwrap();
        assert_eq!(agreement.cipher, Cipher::Aes128Gcm);
        assert!(!agreement.pushes_cipher && !agreement.data_v2);
    }

    #[test]
    fn offered_cipher_names_cannot_forge_a_log_line() {
        let none = PeerInfo::parse("");
        assert!(offered_ciphers(&none, "V4,cipher \u{1b}[2Jx\n").is_empty());
        assert!(offered_ciphers(&none, &format!("cipher {}", "A".repeat(65))).is_empty());
        assert_eq!(offered_ciphers(&none, "V4,cipher BF-CBC"), ["BF-CBC"]);
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_reason() {
        assert!(
            reach("IV_CIPHERS=BF-CBC", "")
                .unwrap_err()
                .contains("no shared cipher")
        );
        assert!(
            reach("IV_NCP=2", "V4,mtu-dynamic")
                .unwrap_err()
                .contains("fragment")
        );
        assert!(
            reach("IV_NCP=2\nIV_PROTO=34", "")
                .unwrap_err()
                .contains("pull")
        );
    }

    #[test]
    fn old_compression_options_become_stubs() {
        let stub = reach("IV_NCP=2\nIV_COMP_STUBv2=1", "V4,comp-lzo").unwrap();
        assert_eq!(
            (stub.framing, stub.compression),
            (Framing::StubV2, Some("compress stub-v2"))
        );
        let lzo = reach("IV_NCP=2", "V4,comp-lzo,tun-mtu 1500").unwrap();
        assert_eq!(
            (lzo.framing, lzo.compression),
            (Framing::LzoStub, Some("comp-lzo no"))
        );
    }

    #[test]
    fn the_mirrored_options_string_exchanges_the_roles_only() {
        let theirs = "V4,dev-type tun,proto TCPv4_CLIENT,auth SHA1,key-method 2,tls-client";
        assert_eq!(
            mirror_options(Role::Server, theirs),
            "V4,dev-type tun,proto TCPv4_SERVER,auth SHA1,key-method 2,tls-server"
        );
        assert!(mirror_options(Role::Server, "a\nb").ends_with("tls-server"));
        assert!(mirror_options(Role::Server, "").starts_with("V4"));
    }
}
