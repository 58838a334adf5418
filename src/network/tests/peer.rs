//! A client at the other end of a port: a smoltcp host with its own address.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant as StackInstant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::network::{PacketBatch, Port};

/// Tests that hang fail after this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client's address in every test.
pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);

#[derive(Default)]
struct Link {
    to_client: VecDeque<Vec<u8>>,
    to_port: VecDeque<Vec<u8>>,
}

impl Device for Link {
    type RxToken<'t> = Rx;
    type TxToken<'t> = Tx<'t>;

    fn receive(&mut self, _: StackInstant) -> Option<(Rx, Tx<'_>)> {
        let packet = self.to_client.pop_front()?;
        Some((Rx(packet), Tx(&mut self.to_port)))
    }

    fn transmit(&mut self, _: StackInstant) -> Option<Tx<'_>> {
        (self.to_port.len() < 512).then_some(Tx(&mut self.to_port))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = 1400;
        capabilities
    }
}

struct Rx(Vec<u8>);

impl RxToken for Rx {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub(super) struct Tx<'t>(&'t mut VecDeque<Vec<u8>>);

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let result = f(&mut packet);
        self.0.push_back(packet);
        result
    }
}

/// A client host and the port its packets go through.
pub(super) struct Peer {
    pub(super) port: Port,
    interface: Interface,
    sockets: SocketSet<'static>,
    link: Link,
    batch: PacketBatch,
    origin: Instant,
    next_port: u16,
    /// Of so many packets in each direction one is lost; 0 for none.
    pub(super) loss: usize,
    carried: usize,
    /// The window that the last TCP segment to the client offered, as it stands in the segment.
    pub(super) window: u16,
    /// Packets to the client that are not TCP.
    pub(super) others: Vec<Vec<u8>>,
}

impl Peer {
    pub(super) fn new(port: Port) -> Self {
        let mut link = Link::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = 7;
        let mut interface = Interface::new(config, &mut link, StackInstant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::new(IpAddress::Ipv4(CLIENT), 24))
                .unwrap();
        });
        Self {
            port,
            interface,
            sockets: SocketSet::new(Vec::new()),
            link,
            batch: PacketBatch::new(),
            origin: Instant::now(),
            next_port: 40_000,
            loss: 0,
            carried: 0,
            window: u16::MAX,
            others: Vec::new(),
        }
    }

    /// Begins to connect and says the socket.
    pub(super) fn connect(&mut self, target: SocketAddrV4) -> SocketHandle {
        let buffer = || SocketBuffer::new(vec![0; 256 * 1024]);
        let mut socket = Socket::new(buffer(), buffer());
        self.next_port += 1;
        let remote = (IpAddress::Ipv4(*target.ip()), target.port());
        socket
            .connect(self.interface.context(), remote, self.next_port)
            .unwrap();
        self.sockets.add(socket)
    }

    pub(super) fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub(super) fn state(&mut self, handle: SocketHandle) -> State {
        self.socket(handle).state()
    }

    /// Sends a packet that the client's own stack does not make.
    pub(super) fn send_raw(&mut self, packet: &[u8]) {
        self.link.to_port.push_back(packet.to_vec());
    }

    /// Carries packets both ways until `done` says so.
    pub(super) async fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let now = StackInstant::from_micros(
                i64::try_from(self.origin.elapsed().as_micros()).unwrap(),
            );
            self.interface.poll(now, &mut self.link, &mut self.sockets);
            self.flush();
            if done(self) {
                return;
            }
            assert!(Instant::now() < end, "{what} did not happen");
            let delay = self.interface.poll_delay(now, &self.sockets);
            let delay = delay.map_or(20_000, |delay| delay.total_micros().clamp(100, 20_000));
            let wait = tokio::time::timeout(
                Duration::from_micros(delay),
                self.port.recv(&mut self.batch),
            );
            if let Ok(result) = wait.await {
                result.unwrap();
            }
            self.take_received();
        }
    }

    fn take_received(&mut self) {
        for packet in self.batch.iter() {
            self.carried += 1;
            if self.loss > 0 && self.carried.is_multiple_of(self.loss) {
                continue;
            }
            if packet[9] == 6 {
                self.window = u16::from_be_bytes([packet[34], packet[35]]);
                self.link.to_client.push_back(packet.to_vec());
            } else {
                self.others.push(packet.to_vec());
            }
        }
        self.batch.clear();
    }

    fn flush(&mut self) {
        let mut batch = PacketBatch::new();
        while let Some(packet) = self.link.to_port.pop_front() {
            self.carried += 1;
            if self.loss > 0 && self.carried.is_multiple_of(self.loss) {
                continue;
            }
            assert!(batch.push(&packet));
            if batch.is_full() {
                self.port.send(&mut batch);
            }
        }
        self.port.send(&mut batch);
    }

    /// Sends and receives on one flow until both directions carried what they should: `upload` goes
    /// out, and everything up to the target's FIN comes back.
    pub(super) async fn exchange(&mut self, handle: SocketHandle, upload: &[u8]) -> Vec<u8> {
        let (mut sent, mut received) = (0, Vec::new());
        self.until("the exchange", |peer| {
            let socket = peer.socket(handle);
            if sent < upload.len() && socket.can_send() {
                sent += socket.send_slice(&upload[sent..]).unwrap();
            }
            if sent == upload.len()
                && matches!(socket.state(), State::Established | State::CloseWait)
            {
                socket.close();
            }
            while socket.can_recv() {
                socket
                    .recv(|bytes| {
                        received.extend_from_slice(bytes);
                        (bytes.len(), ())
                    })
                    .unwrap();
            }
            matches!(socket.state(), State::TimeWait | State::Closed)
        })
        .await;
        received
    }
}

/// Bytes that repeat nowhere near each other, so that a lost, doubled or shifted piece shows.
pub(super) fn pattern(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
