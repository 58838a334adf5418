//! A worker's UDP sockets: batches in, trains out.

use std::{
    cell::RefCell,
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr, UdpSocket},
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;

use super::core::{Core, Now};
use crate::{
    openvpn::{Acceptor, AcceptorLimits, OsRandom},
    tunnel::{gate::Gate, tally::Loss},
};

/// One worker's socket of a listener. Sessions' control tasks send through it too.
#[derive(Debug)]
pub(in crate::tunnel) struct UdpIo {
    socket: tokio::net::UdpSocket,
    state: UdpSocketState,
}

/// Where a datagram came from, and where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tunnel) struct Route {
    /// The client's address.
    pub(in crate::tunnel) remote: SocketAddr,
    /// The address of ours that it sent to; answers must come from there.
    pub(in crate::tunnel) local: Option<IpAddr>,
}

impl UdpIo {
    /// Takes over a bound socket; must be called inside the worker's runtime.
    fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        // quinn forbids fragmentation. A tunnel has to carry full-size packets over paths that are
        // not wider than the tunnel, so the outer packets may be cut.
        rustix::net::sockopt::set_ip_mtu_discover(
            &socket,
            rustix::net::sockopt::Ipv4PathMtuDiscovery::DONT,
        )?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        Ok(Self { socket, state })
    }

    /// Sends one datagram, or with `segment` several of that size (the last may be shorter).
    pub(in crate::tunnel) fn send(
        &self,
        route: Route,
        contents: &[u8],
        segment: Option<usize>,
    ) -> io::Result<()> {
        let transmit = Transmit {
            destination: route.remote,
            ecn: None,
            contents,
            segment_size: segment,
            src_ip: route.local,
        };
        self.state.try_send((&self.socket).into(), &transmit)
    }

    fn max_segments(&self) -> usize {
        self.state.max_gso_segments().min(MAX_SEGMENTS)
    }
}

/// A listener as one worker has it.
pub(super) struct Listening {
    pub(super) gate: Arc<Gate>,
    pub(super) io: Arc<UdpIo>,
    pub(super) acceptor: RefCell<Acceptor>,
}

impl Listening {
    pub(super) fn new(gate: Arc<Gate>, socket: UdpSocket) -> io::Result<Self> {
        let acceptor = Acceptor::new(Instant::now(), AcceptorLimits::default(), &mut OsRandom)
            .ok_or_else(|| io::Error::other("the system's random source failed"))?;
        Ok(Self {
            gate,
            io: Arc::new(UdpIo::new(socket)?),
            acceptor: RefCell::new(acceptor),
        })
    }
}

/// Receives for as long as the worker lives or the task is aborted.
pub(super) async fn receive(core: Rc<RefCell<Core>>, listening: Rc<Listening>) {
    let io = &listening.io;
    let size = MAX_DATAGRAM * io.state.gro_segments();
    let mut space = vec![0; size.min(MAX_COALESCED) * BATCH_SIZE];
    let per_slot = space.len() / BATCH_SIZE;
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    loop {
        let count = match receive_batch(io, &mut space, per_slot, &mut metas).await {
            Ok(count) => count,
            Err(error) => {
                // Linux reports here what happened to packets sent earlier; the socket stays good.
                tracing::debug!(%error, "receive failed");
                tokio::task::yield_now().await;
                continue;
            }
        };
        take_batch(&core, &listening, &metas[..count], &mut space, per_slot);
        if count == BATCH_SIZE {
            // More is waiting, most likely: what comes back from the network has its turn first.
            tokio::task::yield_now().await;
        }
    }
}

fn take_batch(
    core: &RefCell<Core>,
    listening: &Rc<Listening>,
    metas: &[RecvMeta],
    space: &mut [u8],
    per_slot: usize,
) {
    let now = Now::read();
    let mut core = core.borrow_mut();
    for (meta, buffer) in metas.iter().zip(space.chunks_mut(per_slot)) {
        let route = Route {
            remote: meta.addr,
            local: meta.dst_ip,
        };
        let len = meta.len.min(buffer.len());
        for datagram in buffer[..len].chunks_mut(meta.stride.max(1)) {
            if datagram.len() > MAX_DATAGRAM {
                // No client sends one; a control packet may have to wait somewhere.
                core.lost(Loss::Oversize);
                continue;
            }
            core.datagram(listening, route, datagram, now);
        }
    }
    core.flush();
}

async fn receive_batch(
    io: &UdpIo,
    space: &mut [u8],
    per_slot: usize,
    metas: &mut [RecvMeta; BATCH_SIZE],
) -> io::Result<usize> {
    loop {
        io.socket.readable().await?;
        let result = io.socket.try_io(Interest::READABLE, || {
            let mut chunks = space.chunks_mut(per_slot);
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
            io.state.recv((&io.socket).into(), &mut slices, metas)
        });
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

/// Sealed packets of one client that leave together: all of one size, only the last may be shorter.
#[derive(Debug, Default)]
pub(super) struct Train {
    bytes: Vec<u8>,
    segment: usize,
    packets: usize,
    /// A shorter packet was added: it is the last.
    is_closed: bool,
}

/// What became of a train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is on its way, or was empty.
    All,
    /// So many packets found the system's send buffer full.
    BufferFull(usize),
    /// So many packets were refused by the system.
    Failed(usize),
}

impl Train {
    /// Whether a packet of `len` bytes may still be coupled.
    pub(super) fn takes(&self, io: &UdpIo, len: usize) -> bool {
        self.packets == 0
            || (!self.is_closed
                && len <= self.segment
                && self.packets < io.max_segments()
                && self.bytes.len() + len <= MAX_TRAIN)
    }

    /// Couples a packet; [`Train::takes`] has said that it may be.
    pub(super) fn couple(&mut self, packet: &[u8]) {
        if self.packets == 0 {
            self.segment = packet.len();
        } else if packet.len() < self.segment {
            self.is_closed = true;
        }
        self.bytes.extend_from_slice(packet);
        self.packets += 1;
    }

    /// Sends what is coupled and leaves the train empty.
    pub(super) fn send(&mut self, io: &UdpIo, route: Route) -> Sent {
        let packets = std::mem::take(&mut self.packets);
        if packets == 0 {
            return Sent::All;
        }
        let segment = (packets > 1).then_some(self.segment);
        let sent = match io.send(route, &self.bytes, segment) {
            Ok(()) => Sent::All,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::BufferFull(packets),
            // A path or device that does not take trains may take the packets one by one.
            Err(_) if packets > 1 => self.send_singly(io, route, packets),
            Err(error) => {
                tracing::debug!(%error, "send failed");
                Sent::Failed(packets)
            }
        };
        self.bytes.clear();
        self.is_closed = false;
        sent
    }

    fn send_singly(&self, io: &UdpIo, route: Route, packets: usize) -> Sent {
        for (index, packet) in self.bytes.chunks(self.segment).enumerate() {
            match io.send(route, packet, None) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Sent::BufferFull(packets - index);
                }
                Err(error) => {
                    tracing::debug!(%error, "send failed");
                    return Sent::Failed(packets - index);
                }
            }
        }
        Sent::All
    }
}

/// The largest UDP payload that a client sends: a full tunnel packet and its envelope, with room.
const MAX_DATAGRAM: usize = 2048;
/// What the kernel may hand over as one: the largest IP packet.
const MAX_COALESCED: usize = 65_536;
/// The kernel's own limit (`UDP_MAX_SEGMENTS` in `linux/udp.h`, of the oldest kernels that have it).
const MAX_SEGMENTS: usize = 64;
/// The largest UDP payload over IPv4.
const MAX_TRAIN: usize = 65_507;

#[cfg(test)]
mod tests {
    use super::*;

    fn io() -> UdpIo {
        UdpIo::new(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_train_arrives_as_the_packets_that_were_coupled() {
        let io = io();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let route = Route {
            remote: client.local_addr().unwrap(),
            local: None,
        };
        let packets = [vec![1; 700], vec![2; 700], vec![3; 700], vec![4; 30]];
        let mut train = Train::default();
        for packet in &packets {
            assert!(train.takes(&io, packet.len()));
            train.couple(packet);
        }
        assert!(!train.takes(&io, 30), "nothing follows a shorter packet");
        assert_eq!(train.send(&io, route), Sent::All);
        let mut buffer = [0; 2048];
        for packet in &packets {
            let len = client.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..len], packet.as_slice());
        }
        assert_eq!(
            train.send(&io, route),
            Sent::All,
            "an empty train sends nothing"
        );
        assert!(train.takes(&io, 1400), "and takes any packet");
    }

    #[tokio::test]
    async fn a_longer_packet_and_one_too_many_start_another_train() {
        let io = io();
        let mut train = Train::default();
        train.couple(&[0; 100]);
        assert!(!train.takes(&io, 101));
        while train.packets < io.max_segments() {
            train.couple(&[0; 100]);
        }
        assert!(!train.takes(&io, 100));
    }
}
