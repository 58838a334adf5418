//! [`Pair`]: two ends, a link that delays, loses, repeats and reorders, and a clock that is moved by hand.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, RsaKeySize,
};

use crate::openvpn::*;

/// A certificate and its key in PEM.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// A CA that issues what tests need.
pub(super) struct Authority {
    pub(super) certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    pub(super) fn issue(&self, name: &str, usage: Option<ExtendedKeyUsagePurpose>) -> Issued {
        self.issue_with(named(name), usage, &KeyPair::generate().unwrap())
    }

    pub(super) fn issue_rsa(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Issued {
        let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        self.issue_with(named(name), Some(usage), &key)
    }

    pub(super) fn issue_with(
        &self,
        mut params: CertificateParams,
        usage: Option<ExtendedKeyUsagePurpose>,
        key: &KeyPair,
    ) -> Issued {
        params.extended_key_usages = usage.into_iter().collect();
        params.use_authority_key_identifier_extension = true;
        if params.key_usages.is_empty() {
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }
        let certificate = params.signed_by(key, &self.issuer).unwrap().pem();
        Issued {
            certificate,
            key: key.serialize_pem(),
        }
    }
}

/// Parameters of a certificate with one common name and nothing else.
pub(super) fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// The certificates that most tests use.
pub(super) struct Certificates {
    pub(super) ca: Authority,
    pub(super) server: Issued,
    pub(super) client: Issued,
}

pub(super) static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| {
    let ca = Authority::new("Test CA");
    let server = ca.issue("server", Some(ExtendedKeyUsagePurpose::ServerAuth));
    let client = ca.issue("alice", Some(ExtendedKeyUsagePurpose::ClientAuth));
    Certificates { ca, server, client }
});

pub(super) fn server_tls(server: &Issued, client_ca: &str, versions: TlsVersions) -> ServerTls {
    ServerTls::from_pem(
        server.certificate.as_bytes(),
        server.key.as_bytes(),
        client_ca.as_bytes(),
        versions,
    )
    .unwrap()
}

pub(super) fn client_tls(ca: &str, client: Option<&Issued>, versions: TlsVersions) -> ClientTls {
    let identity = client.map(|issued| (issued.certificate.as_bytes(), issued.key.as_bytes()));
    ClientTls::from_pem(ca.as_bytes(), identity, Some("server"), versions).unwrap()
}

/// What a test varies.
pub(super) struct Setup {
    pub(super) transport: Transport,
    pub(super) server: ServerConfig,
    pub(super) client: ClientConfig,
    pub(super) link: Weather,
    pub(super) seed: u64,
    pub(super) routes: usize,
}

impl Default for Setup {
    fn default() -> Self {
        let certificates = &*CERTIFICATES;
        let ca = &certificates.ca.certificate;
        let server = ServerConfig::new(server_tls(&certificates.server, ca, TlsVersions::Both));
        Self {
            transport: Transport::Udp,
            server: Arc::unwrap_or_clone(server),
            client: ClientConfig::new(client_tls(
                ca,
                Some(&certificates.client),
                TlsVersions::Both,
            )),
            link: Weather::default(),
            seed: 1,
            routes: 1,
        }
    }
}

/// What the link does to datagrams.
#[derive(Clone, Copy)]
pub(super) struct Weather {
    pub(super) delay: Duration,
    /// Added at random, so packets overtake each other.
    pub(super) jitter: Duration,
    /// In percent.
    pub(super) loss: u64,
    pub(super) duplication: u64,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            loss: 0,
            duplication: 0,
        }
    }
}

/// A small generator of repeatable randomness.
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides.max(1)
    }
}

impl Random for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> bool {
        bytes.fill_with(|| u8::try_from(self.roll(256)).unwrap());
        true
    }
}

/// How the server's owner answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Admit,
    Refuse,
    /// Not at all, until the test does.
    Later,
}

/// One end: the two halves of a session and what its owner saw.
pub(super) struct End {
    pub(super) control: Control,
    pub(super) data: Option<Data>,
    pub(super) session: Option<Session>,
    pub(super) pushed: Option<Pushed>,
    pub(super) admissions: Vec<Admission>,
    pub(super) received: Vec<u32>,
    pub(super) closed: Option<CloseReason>,
    pub(super) installed: Vec<KeyId>,
    pub(super) rekey_failures: usize,
    pub(super) discards: BTreeMap<&'static str, usize>,
    pub(super) seal_errors: usize,
    /// Packets with what an attacker could replay.
    pub(super) sent: Vec<Vec<u8>>,
}

impl End {
    fn new(control: Control) -> Self {
        Self {
            control,
            data: None,
            session: None,
            pushed: None,
            admissions: Vec::new(),
            received: Vec::new(),
            closed: None,
            installed: Vec::new(),
            rekey_failures: 0,
            discards: BTreeMap::new(),
            seal_errors: 0,
            sent: Vec::new(),
        }
    }

    pub(super) fn data(&mut self) -> &mut Data {
        self.data.as_mut().expect("established")
    }

    fn discard(&mut self, discard: Discard) {
        *self.discards.entry(discard.name()).or_default() += 1;
    }

    fn handle_packet(&mut self, now: Instant, packet: &mut [u8]) {
        let Some(header) = peek(packet) else {
            return self.discard(Discard::Truncated);
        };
        if !header.opcode.is_data() {
            match self.control.handle_packet(now, packet) {
                Ok(()) => {
                    if let Some(data) = &mut self.data {
                        data.heard(now);
                    }
                }
                Err(discard) => self.discard(discard),
            }
            return;
        }
        let Some(data) = &mut self.data else {
            return self.discard(Discard::UnknownDataKey);
        };
        match data.open(now, packet) {
            Ok(Opened::Packet(range)) => self.received.push(number(&packet[range])),
            Ok(_) => {}
            Err(discard) => self.discard(discard),
        }
    }

    fn timeout(&self) -> Option<Instant> {
        let data = self.data.as_ref().and_then(Data::poll_timeout);
        self.control.poll_timeout().into_iter().chain(data).min()
    }

    /// Sends one numbered inner packet, if there is a key.
    fn seal(&mut self, now: Instant, number: u32) -> Option<Vec<u8>> {
        let inner = inner_packet(number);
        let mut buffer = vec![0; HEADROOM];
        buffer.extend_from_slice(&inner);
        let end = buffer.len();
        match self.data.as_mut()?.seal(now, &mut buffer, HEADROOM..end) {
            Ok(range) => Some(buffer[range].to_vec()),
            Err(_) => {
                self.seal_errors += 1;
                None
            }
        }
    }
}

/// An IPv4 packet that carries a number.
pub(super) fn inner_packet(number: u32) -> Vec<u8> {
    let mut packet = vec![0; 20];
    packet[0] = 0x45;
    packet.extend_from_slice(&number.to_be_bytes());
    packet
}

fn number(packet: &[u8]) -> u32 {
    u32::from_be_bytes(packet[20..24].try_into().unwrap())
}

/// Which end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(super) enum To {
    Client,
    Server,
}

/// Whether to lose a packet.
pub(super) type Loss = Box<dyn FnMut(To, &[u8]) -> bool>;

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) client: End,
    pub(super) server: Option<End>,
    pub(super) acceptor: Acceptor,
    pub(super) answer: Answer,
    pub(super) weather: Weather,
    /// Drops matching packets, for losses that a test aims at.
    pub(super) lose: Loss,
    pub(super) refused_first_packets: Vec<Discard>,
    setup: SharedSetup,
    dice: Dice,
    wire: BTreeMap<(Instant, u64), (To, Vec<u8>)>,
    sequence: u64,
    deframers: [Deframer; 2],
    last_arrival: [Instant; 2],
}

struct SharedSetup {
    transport: Transport,
    server: Arc<ServerConfig>,
    routes: usize,
    seed: u64,
}

pub(super) const SERVER: &str = "192.0.2.1:443";
pub(super) const CLIENT: &str = "198.51.100.7:40000";

impl Pair {
    pub(super) fn new(setup: Setup) -> Self {
        let now = Instant::now();
        let client = Control::client(
            now,
            setup.client,
            setup.transport,
            Box::new(Dice::new(setup.seed ^ 0xc11e)),
        )
        .unwrap();
        let acceptor = Acceptor::new(
            now,
            AcceptorLimits::default(),
            &mut Dice::new(setup.seed ^ 0xc00c),
        )
        .unwrap();
        Self {
            now,
            client: End::new(client),
            server: None,
            acceptor,
            answer: Answer::Admit,
            weather: setup.link,
            lose: Box::new(|_, _| false),
            refused_first_packets: Vec::new(),
            setup: SharedSetup {
                transport: setup.transport,
                server: Arc::new(setup.server),
                routes: setup.routes,
                seed: setup.seed,
            },
            dice: Dice::new(setup.seed),
            wire: BTreeMap::new(),
            sequence: 0,
            deframers: [Deframer::new(2048), Deframer::new(2048)],
            last_arrival: [now; 2],
        }
    }

    /// A pair that has connected over whatever `setup` says.
    pub(super) fn connected(setup: Setup) -> Self {
        let mut pair = Self::new(setup);
        pair.run(Duration::from_secs(30));
        assert_eq!(pair.client.closed, None);
        assert!(
            pair.client.data.is_some(),
            "the client has no tunnel: {:?}",
            pair.client.discards
        );
        pair
    }

    pub(super) fn server(&mut self) -> &mut End {
        self.server.as_mut().expect("a session exists")
    }

    pub(super) fn grant(&self) -> Grant {
        let mut grant = Grant::new(
            Ipv4Addr::new(10, 8, 0, 2),
            Ipv4Addr::new(255, 255, 252, 0),
            Ipv4Addr::new(10, 8, 0, 1),
            PeerId::new(77).unwrap(),
        );
        grant.routes = (0..self.setup.routes)
            .map(|n| {
                format!("10.{}.{}.0/24", 64 + n / 256, n % 256)
                    .parse()
                    .unwrap()
            })
            .collect();
        grant
    }

    /// Lets `time` pass.
    pub(super) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.drain();
            let server = self.server.as_ref().and_then(End::timeout);
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let next = self
                .client
                .timeout()
                .into_iter()
                .chain(server)
                .chain(arrival)
                .min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            self.deliver();
            let now = self.now;
            for end in [Some(&mut self.client), self.server.as_mut()]
                .into_iter()
                .flatten()
            {
                end.control.handle_timeout(now);
                if let Some(data) = &mut end.data {
                    data.handle_timeout(now);
                }
            }
        }
        self.now = until;
        self.drain();
    }

    /// Carries everything that both ends want to say.
    pub(super) fn drain(&mut self) {
        let (answer, grant) = (self.answer, self.grant());
        for to in [To::Server, To::Client] {
            let now = self.now;
            let end = match to {
                To::Server => Some(&mut self.client),
                To::Client => self.server.as_mut(),
            };
            let Some(end) = end else { continue };
            let mut packets = Vec::new();
            drain_end(end, now, answer, &grant, &mut packets);
            end.sent.extend(packets.iter().cloned());
            for packet in packets {
                self.put(to, &packet);
            }
        }
    }

    /// Puts a packet on the link.
    pub(super) fn put(&mut self, to: To, packet: &[u8]) {
        if (self.lose)(to, packet) {
            return;
        }
        if self.setup.transport == Transport::Tcp {
            let mut framed = Vec::new();
            write_framed(packet, &mut framed).unwrap();
            let half = framed.len() / 2;
            let rest = framed.split_off(half);
            for bytes in [framed, rest] {
                let at = (self.now + self.weather.delay).max(self.last_arrival[to as usize]);
                self.last_arrival[to as usize] = at;
                self.schedule(at, to, bytes);
            }
            return;
        }
        let copies = 1 + u64::from(self.dice.roll(100) < self.weather.duplication);
        for _ in 0..copies {
            if self.dice.roll(100) < self.weather.loss {
                continue;
            }
            let jitter = u64::try_from(self.weather.jitter.as_micros()).unwrap();
            let delay = self.weather.delay + Duration::from_micros(self.dice.roll(jitter + 1));
            self.schedule(self.now + delay, to, packet.to_vec());
        }
    }

    fn schedule(&mut self, at: Instant, to: To, bytes: Vec<u8>) {
        self.sequence += 1;
        self.wire.insert((at, self.sequence), (to, bytes));
    }

    fn deliver(&mut self) {
        while let Some(entry) = self
            .wire
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            let (to, mut bytes) = entry.remove();
            if self.setup.transport == Transport::Udp {
                self.arrive(to, &mut bytes);
                continue;
            }
            let mut deframer =
                std::mem::replace(&mut self.deframers[to as usize], Deframer::new(1));
            deframer.handle_bytes(&bytes);
            while let Some(packet) = deframer.poll_packet().unwrap() {
                self.arrive(to, packet);
            }
            self.deframers[to as usize] = deframer;
        }
    }

    fn arrive(&mut self, to: To, packet: &mut [u8]) {
        let now = self.now;
        match (to, &mut self.server) {
            (To::Client, _) => self.client.handle_packet(now, packet),
            (To::Server, Some(server)) => server.handle_packet(now, packet),
            (To::Server, None) => self.first_packet(packet),
        }
    }

    fn first_packet(&mut self, packet: &mut [u8]) {
        let mut random = Dice::new(self.setup.seed ^ 0x5e5e);
        let (local, remote): (SocketAddr, SocketAddr) =
            (SERVER.parse().unwrap(), CLIENT.parse().unwrap());
        let accepted = match self.setup.transport {
            Transport::Tcp => Accepted::stream(packet, &mut random).unwrap(),
            Transport::Udp => {
                let mut reply = Vec::new();
                match self
                    .acceptor
                    .handle(self.now, local, remote, packet, &mut reply)
                {
                    Verdict::Accept(accepted) => accepted,
                    Verdict::Reply => return self.put(To::Client, &reply),
                    Verdict::Drop(discard) => return self.refused_first_packets.push(discard),
                }
            }
        };
        let config = self.setup.server.clone();
        let control = Control::server(
            self.now,
            config,
            accepted,
            self.setup.transport,
            Box::new(random),
        )
        .unwrap();
        let mut server = End::new(control);
        server.handle_packet(self.now, packet);
        self.server = Some(server);
        self.drain();
    }

    /// Sends one numbered packet from the client.
    pub(super) fn send_up(&mut self, number: u32) {
        if let Some(packet) = self.client.seal(self.now, number) {
            self.client.sent.push(packet.clone());
            self.put(To::Server, &packet);
        }
    }

    /// Sends one numbered packet from the server.
    pub(super) fn send_down(&mut self, number: u32) {
        let now = self.now;
        if let Some(packet) = self.server().seal(now, number) {
            self.put(To::Client, &packet);
        }
    }

    /// Both directions carry a packet right now.
    pub(super) fn assert_carries_traffic(&mut self) {
        let mark = u32::MAX - self.client.received.len() as u32;
        self.send_up(mark);
        self.send_down(mark);
        self.run(Duration::from_millis(200));
        assert_eq!(
            self.client.received.last(),
            Some(&mark),
            "client: {:?}",
            self.client.discards
        );
        let server = self.server();
        assert_eq!(
            server.received.last(),
            Some(&mark),
            "server: {:?}",
            server.discards
        );
    }
}

/// The owner's loop for one end, as the module's documentation describes it.
fn drain_end(
    end: &mut End,
    now: Instant,
    answer: Answer,
    grant: &Grant,
    packets: &mut Vec<Vec<u8>>,
) {
    loop {
        let mut is_idle = true;
        while let Some(event) = end.control.poll_event() {
            is_idle = false;
            take_event(end, now, event, answer, grant);
        }
        if let Some(data) = &mut end.data {
            while let Some(event) = data.poll_event() {
                is_idle = false;
                end.control.handle_data_event(now, event);
            }
        }
        if is_idle {
            break;
        }
    }
    loop {
        let mut packet = Vec::new();
        if !end.control.poll_transmit(now, &mut packet) {
            break;
        }
        packets.push(packet);
    }
    if let Some(data) = &mut end.data {
        loop {
            let mut packet = Vec::new();
            if !data.poll_transmit(now, &mut packet) {
                break;
            }
            packets.push(packet);
        }
    }
    if end.closed.is_some() {
        end.data = None;
    }
}

fn take_event(end: &mut End, now: Instant, event: Event, answer: Answer, grant: &Grant) {
    match event {
        Event::Admit(admission) => {
            end.admissions.push(*admission);
            match answer {
                Answer::Admit => end
                    .control
                    .handle_decision(now, Decision::Admit(Box::new(grant.clone()))),
                Answer::Refuse => {
                    end.control.handle_decision(
                        now,
                        Decision::Refuse {
                            reason: "not today, sorry".into(),
                        },
                    );
                }
                Answer::Later => {}
            }
        }
        Event::Established(session) => {
            assert!(end.data.is_none(), "a session is established once");
            end.data = Some(Data::new(now, session.data, &session.options));
            end.session = Some(*session);
        }
        Event::Pushed(pushed) => end.pushed = Some(*pushed),
        Event::Install(keys) => {
            end.installed.push(keys.key_id());
            end.data().install(now, &keys);
        }
        Event::Promote(key) => end.data().promote(key),
        Event::Retire(key) => end.data().retire(key),
        Event::SendExit => end.data().send_exit(),
        Event::Updated(pushed) => end.pushed = Some(*pushed),
        Event::Info(_) => {}
        Event::RekeyFailed(_) => end.rekey_failures += 1,
        Event::Closed(reason) => {
            assert_eq!(end.closed, None, "a session closes once");
            end.closed = Some(reason);
        }
    }
}
