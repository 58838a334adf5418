//! A client that drives our own client role over a real socket, one step at a time.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use super::pki::{Authority, Identity};
use crate::openvpn::{
    ClientConfig, ClientTls, CloseReason, Control, Data, Deframer, Event, HEADROOM, Opened,
    OsRandom, Pushed, TlsVersions, Transport, peek, write_framed,
};

pub(super) struct Client {
    io: Io,
    control: Control,
    data: Option<Data>,
    pub(super) pushed: Option<Pushed>,
    /// How often it was told something else since.
    pub(super) updates: usize,
    pub(super) closed: Option<CloseReason>,
}

enum Io {
    Udp(UdpSocket),
    Tcp(TcpStream, Deframer),
}

/// How long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

impl Client {
    /// Starts a session; it stands once [`Client::pushed`] is there.
    pub(super) fn start(
        transport: Transport,
        port: u16,
        authority: &Authority,
        identity: &Identity,
    ) -> Self {
        Self::start_as(transport, port, authority, identity, |_| {})
    }

    /// Starts a session of a client that is not as modern as ours usually is.
    pub(super) fn start_as(
        transport: Transport,
        port: u16,
        authority: &Authority,
        identity: &Identity,
        age: impl FnOnce(&mut ClientConfig),
    ) -> Self {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let io = match transport {
            Transport::Udp => Io::Udp(udp_to(server)),
            Transport::Tcp => {
                let stream = TcpStream::connect(server).unwrap();
                Io::Tcp(stream, Deframer::new(4096))
            }
        };
        let pem = identity.chain_pem.as_bytes();
        let tls = ClientTls::from_pem(
            authority.pem().as_bytes(),
            Some((pem, identity.key_pem.as_bytes())),
            Some("server"),
            TlsVersions::Both,
        )
        .unwrap();
        let mut config = ClientConfig::new(tls);
        age(&mut config);
        let control =
            Control::client(Instant::now(), config, transport, Box::new(OsRandom)).unwrap();
        Self {
            io,
            control,
            data: None,
            pushed: None,
            updates: 0,
            closed: None,
        }
    }

    /// A session that stands.
    pub(super) fn connect(
        transport: Transport,
        port: u16,
        authority: &Authority,
        identity: &Identity,
    ) -> Self {
        let mut client = Self::start(transport, port, authority, identity);
        client.wait_for("the push reply", |c| c.pushed.is_some());
        client
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        self.pushed.as_ref().unwrap().address
    }

    /// Goes on until `done`.
    pub(super) fn wait_for(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "{what} did not come: {:?}",
                self.closed
            );
            self.step(Duration::from_millis(50));
        }
    }

    /// Goes on until the server has ended the session.
    pub(super) fn wait_for_end(&mut self) -> CloseReason {
        self.wait_for("the end", |c| c.closed.is_some());
        self.closed.clone().unwrap()
    }

    /// Goes on for a while, whatever comes.
    pub(super) fn go_on(&mut self, limit: Duration) {
        let start = Instant::now();
        while start.elapsed() < limit {
            self.step(Duration::from_millis(50));
        }
    }

    /// Sends an IP packet.
    pub(super) fn send(&mut self, packet: &[u8]) {
        let sealed = self.seal(packet);
        self.transmit(&sealed);
    }

    /// Sends an IP packet from another port, as behind a router that has forgotten the client.
    pub(super) fn float(&mut self) {
        let Io::Udp(socket) = &mut self.io else {
            panic!("a TCP client does not float");
        };
        *socket = udp_to(socket.peer_addr().unwrap());
    }

    /// Waits until a UDP packet lies there to be read, and leaves it there.
    pub(super) fn wait_for_packet(&self) {
        let Io::Udp(socket) = &self.io else {
            panic!("a TCP client has no packets");
        };
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.peek(&mut [0; 1]).unwrap();
    }

    /// The next IP packet from the server, or none within `limit`.
    pub(super) fn receive(&mut self, limit: Duration) -> Option<Vec<u8>> {
        let start = Instant::now();
        loop {
            let left = limit.checked_sub(start.elapsed())?;
            if let Some(packet) = self.step(left.max(Duration::from_millis(1))) {
                return Some(packet);
            }
        }
    }

    fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; HEADROOM];
        buffer.extend_from_slice(packet);
        let end = buffer.len();
        let data = self.data.as_mut().expect("the session stands");
        let range = data
            .seal(Instant::now(), &mut buffer, HEADROOM..end)
            .unwrap();
        buffer[range].to_vec()
    }

    /// Drains what is to be sent, then receives one packet, if one comes within `wait`.
    fn step(&mut self, wait: Duration) -> Option<Vec<u8>> {
        self.drain();
        let due = self.control.poll_timeout();
        let until_due = due.map_or(wait, |due| due.saturating_duration_since(Instant::now()));
        let packet = self.receive_one(wait.min(until_due).max(Duration::from_millis(1)));
        let inner = packet.and_then(|packet| self.take(packet));
        let now = Instant::now();
        if due.is_some_and(|due| due <= now) {
            self.control.handle_timeout(now);
        }
        if let Some(data) = &mut self.data {
            while let Some(event) = data.poll_event() {
                self.control.handle_data_event(now, event);
            }
        }
        self.drain();
        inner
    }

    fn take(&mut self, mut packet: Vec<u8>) -> Option<Vec<u8>> {
        let now = Instant::now();
        let header = peek(&packet)?;
        if !header.opcode.is_data() {
            // What the state machine throws away is its own business.
            self.control.handle_packet(now, &packet).ok();
            return None;
        }
        match self.data.as_mut()?.open(now, &mut packet) {
            Ok(Opened::Packet(range)) => Some(packet[range].to_vec()),
            _ => None,
        }
    }

    fn drain(&mut self) {
        let now = Instant::now();
        while let Some(event) = self.control.poll_event() {
            match event {
                Event::Established(session) => {
                    self.data = Some(Data::new(now, session.data, &session.options));
                }
                Event::Pushed(pushed) => self.pushed = Some(*pushed),
                Event::Updated(pushed) => {
                    self.pushed = Some(*pushed);
                    self.updates += 1;
                }
                Event::Install(keys) => self.data.as_mut().unwrap().install(now, &keys),
                Event::Promote(key) => self.data.as_mut().unwrap().promote(key),
                Event::Retire(key) => self.data.as_mut().unwrap().retire(key),
                Event::SendExit => self.data.as_mut().unwrap().send_exit(),
                Event::Closed(reason) => self.closed = Some(reason),
                Event::Admit(_) | Event::Info(_) | Event::RekeyFailed(_) => {}
            }
        }
        let mut packet = Vec::new();
        while self.control.poll_transmit(now, &mut packet) {
            self.transmit(&packet);
            packet.clear();
        }
    }

    /// Leaves, saying so.
    pub(super) fn leave(&mut self) {
        self.control.close(Instant::now());
        self.drain();
    }

    fn transmit(&mut self, packet: &[u8]) {
        let sent = match &mut self.io {
            Io::Udp(socket) => socket.send(packet).map(|_| ()),
            Io::Tcp(stream, _) => {
                let mut framed = Vec::new();
                write_framed(packet, &mut framed).unwrap();
                stream.write_all(&framed)
            }
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "the server's socket has gone");
        }
    }

    fn receive_one(&mut self, wait: Duration) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 65_536];
        match &mut self.io {
            Io::Udp(socket) => {
                socket.set_read_timeout(Some(wait)).unwrap();
                let count = socket.recv(&mut buffer).ok()?;
                Some(buffer[..count].to_vec())
            }
            Io::Tcp(stream, deframer) => {
                if let Some(packet) = deframer.poll_packet().unwrap() {
                    return Some(packet.to_vec());
                }
                stream.set_read_timeout(Some(wait)).unwrap();
                match stream.read(&mut buffer) {
                    Ok(0) => {
                        self.closed.get_or_insert(CloseReason::PeerExit);
                        None
                    }
                    Ok(count) => {
                        deframer.handle_bytes(&buffer[..count]);
                        deframer.poll_packet().unwrap().map(|p| p.to_vec())
                    }
                    Err(error) if is_timeout(&error) => None,
                    Err(_) => {
                        self.closed.get_or_insert(CloseReason::PeerExit);
                        None
                    }
                }
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn udp_to(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(server).unwrap();
    socket
}
