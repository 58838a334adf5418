//! A client of our own: it speaks to any server of the protocol over UDP or TCP, and changes nothing
//! on this machine: no device, no route, no resolver. Packets go in and out by its owner's hand.
//!
//! [`Client::connect`] makes a session from a [`Profile`], [`Client::next`] drives it and says what
//! happens, [`Client::probe`] asks an address behind it for a sign of life.

mod io;
mod packet;

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use tokio::time::{sleep_until, timeout};

use self::io::Socket;
pub use self::packet::{BadProbe, Probe, ProbeOutcome, udp_packet};
use crate::openvpn::{
    ClientConfig, Control, Data, Event, HEADROOM, Ipv6Policy, Opened, OsRandom, TlsVersions,
    TunnelMode, peek,
};
pub use crate::openvpn::{CloseReason, Profile, ProfileError, Pushed, Remote, Transport};

/// What a session tells its owner.
#[derive(Debug)]
pub enum Heard {
    /// The server has answered the first packet.
    Answered,
    /// TLS and the exchange of keys are done, and the server's certificate is the right one.
    Handshake {
        /// Version and suite, for example `TLSv1.3 TLS_AES_256_GCM_SHA384`.
        tls: String,
        /// The common name of the server's certificate.
        server: String,
    },
    /// The server has sent its options: the session stands.
    Options(Box<Pushed>),
    /// The server has changed its options; these are all that hold now.
    Updated(Box<Pushed>),
    /// New keys are in use from now on.
    Rekeyed,
    /// A rekey came to nothing; another one is tried later.
    RekeyFailed(CloseReason),
    /// The server has something to show.
    Info(String),
    /// An IP packet out of the tunnel.
    Packet(Vec<u8>),
    /// The session has ended.
    Closed(CloseReason),
    /// The socket does not work any more, as a sentence; the session has ended with it.
    Lost(String),
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The profile cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The profile asks for what this client does not do.
    #[error(
        "auth-user-pass: this client has no user name and password to send, only a certificate"
    )]
    NeedsPassword,
    /// A name has no address.
    #[error("the name {host} has no address: {source}")]
    Name {
        /// The name.
        host: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The server cannot be reached.
    #[error("{server} cannot be reached: {problem}")]
    Unreachable {
        /// The server.
        server: String,
        /// What the system says.
        problem: String,
    },
    /// The server did not finish what it began, or never began.
    #[error("{server} {missing} within {secs} seconds")]
    Silent {
        /// The server.
        server: String,
        /// What did not come.
        missing: &'static str,
        /// How long it was waited for.
        secs: u64,
    },
    /// The session ended before it stood.
    #[error("{server} was not joined: {reason}")]
    Refused {
        /// The server.
        server: String,
        /// Why.
        reason: CloseReason,
    },
}

impl ClientError {
    /// Whether the next server of the profile would say the same.
    fn is_final(&self) -> bool {
        match self {
            Self::Profile(_) | Self::NeedsPassword | Self::Refused { .. } => true,
            Self::Name { .. } | Self::Unreachable { .. } | Self::Silent { .. } => false,
        }
    }
}

/// A session with a server.
pub struct Client {
    socket: Socket,
    control: Control,
    data: Option<Data>,
    pushed: Option<Pushed>,
    cipher: Option<&'static str>,
    heard: VecDeque<Heard>,
    server: String,
    started: Instant,
    is_answered: bool,
    is_authenticated: bool,
    has_keys: bool,
    /// One packet as it comes.
    buffer: Vec<u8>,
    /// One packet as it goes.
    sealed: Vec<u8>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.server)
            .field("pushed", &self.pushed)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the first server of the profile that answers, and returns once the session
    /// stands. Each server has `patience`; `tell` hears each step with the time it came after.
    ///
    /// # Errors
    /// [`ClientError`], that of the last server that was tried.
    pub async fn connect(
        profile: &Profile,
        patience: Duration,
        mut tell: impl FnMut(&Heard, Duration),
    ) -> Result<Self, ClientError> {
        if profile.auth_user_pass {
            return Err(ClientError::NeedsPassword);
        }
        let mut last = ClientError::Profile(ProfileError::Missing("remote"));
        for remote in &profile.remotes {
            match Self::join(profile, remote, patience, &mut tell).await {
                Err(error) if !error.is_final() => last = error,
                outcome => return outcome,
            }
        }
        Err(last)
    }

    async fn join(
        profile: &Profile,
        remote: &Remote,
        patience: Duration,
        tell: &mut impl FnMut(&Heard, Duration),
    ) -> Result<Self, ClientError> {
        let started = Instant::now();
        let server = title(remote);
        let silent = |missing| ClientError::Silent {
            server: title(remote),
            missing,
            secs: patience.as_secs(),
        };
        let Ok(socket) = timeout(patience, Socket::open(remote)).await else {
            return Err(silent("took no connection"));
        };
        let mut client = Self::start(profile, remote, socket?, started)?;
        loop {
            let left = patience.saturating_sub(started.elapsed());
            let Ok(heard) = timeout(left, client.next()).await else {
                return Err(silent(client.missing()));
            };
            tell(&heard, started.elapsed());
            match heard {
                Heard::Options(_) => return Ok(client),
                Heard::Closed(reason) => return Err(ClientError::Refused { server, reason }),
                Heard::Lost(problem) => return Err(ClientError::Unreachable { server, problem }),
                _ => {}
            }
        }
    }

    fn start(
        profile: &Profile,
        remote: &Remote,
        socket: Socket,
        started: Instant,
    ) -> Result<Self, ClientError> {
        let mut config = ClientConfig::new(profile.tls(TlsVersions::Both)?);
        let renews = profile.reneg_secs > 0;
        config.reneg_after = renews.then(|| Duration::from_secs(u64::from(profile.reneg_secs)));
        let control = Control::client(started, config, remote.transport, Box::new(OsRandom))
            .map_err(|reason| ClientError::Refused {
                server: title(remote),
                reason,
            })?;
        Ok(Self {
            socket,
            control,
            data: None,
            pushed: None,
            cipher: None,
            heard: VecDeque::new(),
            server: title(remote),
            started,
            is_answered: false,
            is_authenticated: false,
            has_keys: false,
            buffer: vec![0; MAX_DATAGRAM],
            sealed: Vec::new(),
        })
    }

    /// What has not come yet, as the middle of a sentence.
    fn missing(&self) -> &'static str {
        if !self.is_answered {
            "did not answer; check its address and port, and that no firewall is in between,"
        } else if !self.is_authenticated {
            "answered but did not finish the handshake; it may not accept the certificate"
        } else {
            "sent no options"
        }
    }

    /// The server, for example `vpn.example.com:443 (udp)`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What the server has given; all of it once the session stands.
    #[must_use]
    pub fn pushed(&self) -> Option<&Pushed> {
        self.pushed.as_ref()
    }

    /// The data channel's cipher, once the session stands.
    #[must_use]
    pub fn cipher(&self) -> Option<&'static str> {
        self.cipher
    }

    /// Bytes and packets inside the tunnel so far.
    #[must_use]
    pub fn traffic(&self) -> crate::openvpn::Traffic {
        self.data.as_ref().map(Data::traffic).unwrap_or_default()
    }

    /// Drives the session until there is something to tell. After [`Heard::Closed`] or
    /// [`Heard::Lost`] nothing more comes. It may be dropped before it returns; nothing is lost.
    pub async fn next(&mut self) -> Heard {
        loop {
            self.drive();
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            let data = self.data.as_ref().and_then(Data::poll_timeout);
            let due = self.control.poll_timeout().into_iter().chain(data).min();
            let due = due.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                received = self.socket.receive(&mut self.buffer) => match received {
                    Ok(len) => self.take(len),
                    // A UDP server that is away for a moment is not gone.
                    Err(error) if self.pushed.is_some() && self.socket.is_datagram() => {
                        tracing::debug!(%error, "the server's port is closed for now");
                    }
                    Err(error) => self.heard.push_back(Heard::Lost(error.to_string())),
                },
                () = sleep_until(due.into()) => {}
            }
        }
    }

    /// Sends an IP packet into the tunnel. False if it could not go: there is no key to send with,
    /// or the network takes nothing more at the moment.
    pub fn send(&mut self, packet: &[u8]) -> bool {
        let Some(data) = &mut self.data else {
            return false;
        };
        self.sealed.clear();
        self.sealed.resize(HEADROOM, 0);
        self.sealed.extend_from_slice(packet);
        let end = self.sealed.len();
        match data.seal(Instant::now(), &mut self.sealed, HEADROOM..end) {
            Ok(range) => self.socket.send(&self.sealed[range]),
            Err(_) => false,
        }
    }

    /// Leaves, saying so, and waits a moment for the server to have heard it.
    pub async fn leave(mut self) {
        self.control.close(Instant::now());
        let farewell = async {
            while !self.control.is_done() {
                if let Heard::Lost(_) = self.next().await {
                    break;
                }
            }
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            tracing::debug!("the server did not acknowledge the farewell");
        }
    }

    /// Asks an address behind the tunnel for a sign of life, again each second until `limit` is
    /// over. What else the session tells meanwhile is told by [`Client::next`] afterwards; other
    /// packets are dropped.
    pub async fn probe(&mut self, probe: Probe, limit: Duration) -> ProbeOutcome {
        let Some(source) = self.pushed.as_ref().map(|pushed| pushed.address) else {
            return ProbeOutcome::NoAnswer;
        };
        let begun = Instant::now();
        let question = probe.question(source, self.started.elapsed());
        let mut later = Vec::new();
        let outcome = loop {
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break ProbeOutcome::NoAnswer;
            }
            self.send(question.packet());
            let asked = timeout(left.min(ASK_AGAIN), self.answer_to(&question, &mut later));
            match asked.await {
                Ok(Some(Ok(()))) => break ProbeOutcome::Answered(begun.elapsed()),
                Ok(Some(Err(why))) => break ProbeOutcome::Refused(why),
                Ok(None) => break ProbeOutcome::NoAnswer,
                Err(_) => {}
            }
        };
        for heard in later.into_iter().rev() {
            self.heard.push_front(heard);
        }
        outcome
    }

    /// What the question's target says; none where the session ends before.
    async fn answer_to(
        &mut self,
        question: &packet::Question,
        later: &mut Vec<Heard>,
    ) -> Option<Result<(), String>> {
        loop {
            match self.next().await {
                Heard::Packet(packet) => {
                    let Some(answer) = question.judge(&packet) else {
                        continue;
                    };
                    // A half-open connection is not left behind.
                    if let Some(reset) = question.reset(&packet) {
                        self.send(&reset);
                    }
                    return Some(answer);
                }
                heard @ (Heard::Closed(_) | Heard::Lost(_)) => {
                    later.push(heard);
                    return None;
                }
                heard => later.push(heard),
            }
        }
    }

    /// Does what is due and sends what is to be sent.
    fn drive(&mut self) {
        let now = Instant::now();
        if self.control.poll_timeout().is_some_and(|due| due <= now) {
            self.control.handle_timeout(now);
        }
        if let Some(data) = &mut self.data {
            if data.poll_timeout().is_some_and(|due| due <= now) {
                data.handle_timeout(now);
            }
            while let Some(event) = data.poll_event() {
                self.control.handle_data_event(now, event);
            }
        }
        self.note_progress();
        while let Some(event) = self.control.poll_event() {
            self.take_event(now, event);
        }
        let mut packet = Vec::new();
        while self.control.poll_transmit(now, &mut packet) {
            self.socket.send(&packet);
            packet.clear();
        }
        if let Some(data) = &mut self.data {
            while data.poll_transmit(now, &mut packet) {
                self.socket.send(&packet);
                packet.clear();
            }
        }
    }

    fn note_progress(&mut self) {
        if !self.is_answered && self.control.remote_session_id().is_some() {
            self.is_answered = true;
            self.heard.push_back(Heard::Answered);
        }
        if !self.is_authenticated
            && let Some(identity) = self.control.identity()
        {
            self.is_authenticated = true;
            self.heard.push_back(Heard::Handshake {
                tls: self.control.tls().unwrap_or_default(),
                server: identity.common_name.clone(),
            });
        }
    }

    fn take_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Established(session) => {
                self.cipher = Some(session.negotiated.cipher.name());
                self.data = Some(Data::new(now, session.data, &session.options));
            }
            Event::Pushed(pushed) => {
                self.pushed = Some((*pushed).clone());
                self.heard.push_back(Heard::Options(pushed));
            }
            Event::Updated(pushed) => {
                self.pushed = Some((*pushed).clone());
                self.heard.push_back(Heard::Updated(pushed));
            }
            Event::Install(keys) => {
                if let Some(data) = &mut self.data {
                    data.install(now, &keys);
                }
                if std::mem::replace(&mut self.has_keys, true) {
                    self.heard.push_back(Heard::Rekeyed);
                }
            }
            Event::Promote(key) => self.with_data(|data| data.promote(key)),
            Event::Retire(key) => self.with_data(|data| data.retire(key)),
            Event::SendExit => self.with_data(Data::send_exit),
            Event::Info(text) => self.heard.push_back(Heard::Info(text)),
            Event::RekeyFailed(reason) => self.heard.push_back(Heard::RekeyFailed(reason)),
            Event::Closed(reason) => self.heard.push_back(Heard::Closed(reason)),
            // Only servers are asked.
            Event::Admit(_) => {}
        }
    }

    fn with_data(&mut self, act: impl FnOnce(&mut Data)) {
        if let Some(data) = &mut self.data {
            act(data);
        }
    }

    /// Takes the packet that lies in the buffer.
    fn take(&mut self, len: usize) {
        let now = Instant::now();
        let packet = &mut self.buffer[..len];
        let Some(header) = peek(packet) else {
            return;
        };
        if !header.opcode.is_data() {
            if let Err(discard) = self.control.handle_packet(now, packet) {
                tracing::debug!(%discard, "a control packet was dropped");
            }
            return;
        }
        let Some(data) = &mut self.data else {
            return;
        };
        if let Ok(Opened::Packet(range)) = data.open(now, packet) {
            self.heard.push_back(Heard::Packet(packet[range].to_vec()));
        }
    }
}

/// The server as people read it.
fn title(remote: &Remote) -> String {
    let transport = match remote.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    format!("{}:{} ({transport})", remote.host, remote.port)
}

/// What a server has pushed, one option each, in words of their own.
#[must_use]
pub fn options(pushed: &Pushed) -> Vec<String> {
    let mut list = vec![format!("address {}/{}", pushed.address, pushed.netmask)];
    list.extend(pushed.gateway.map(|gateway| format!("gateway {gateway}")));
    list.extend(pushed.routes.iter().map(|route| format!("route {route}")));
    if pushed.tunnel == TunnelMode::Full {
        list.push("redirect-gateway: all traffic enters the tunnel".to_owned());
    }
    if pushed.ipv6 == Ipv6Policy::Block {
        list.push("block-ipv6".to_owned());
    }
    list.extend(pushed.dns.iter().map(|server| format!("dns {server}")));
    let secs = |name: &str, time: Option<Duration>| {
        time.map(|time| format!("{name} {} seconds", time.as_secs()))
    };
    list.extend(secs("ping", pushed.ping));
    list.extend(secs("ping-restart", pushed.ping_restart));
    list.extend(pushed.cipher.map(|cipher| format!("cipher {cipher}")));
    list.extend(
        pushed
            .ignored
            .iter()
            .map(|other| format!("not used: {other}")),
    );
    list
}

/// A look at the clock where nothing is due: there is always something due in a live session.
const IDLE: Duration = Duration::from_secs(1);
/// How long a farewell is waited for.
const FAREWELL: Duration = Duration::from_secs(1);
/// A probe is repeated after this long.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// The longest datagram.
const MAX_DATAGRAM: usize = 65_536;
