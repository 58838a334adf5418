//! The data plane of one worker: from the client's packet to the network and back.
//!
//! Plain calls on one value: tasks of the worker's thread borrow it for a batch at a time, never
//! across an await. Nothing here waits, and a packet that is known costs no allocation, no lock and
//! no message to another thread.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use tokio::sync::oneshot;

use super::{
    Handover, Origin, Side, StreamId, slot_of,
    tcp::Stream,
    udp::{Listening, Route, Sent, Train},
    worker_of,
};
use crate::{
    clock,
    network::{self, PacketBatch, Port},
    openvpn::{self, Accepted, Data, DataEvent, Header, Opened, PeerId, SealError, peek},
    policy::{Flows, Policy, Verdict},
    tunnel::{
        Shared,
        gate::{Gate, GateKey},
        roster::Member,
        session::{self, Input, Link},
        tally::{Loss, Tally},
    },
};

const _: () = assert!(network::HEADROOM >= openvpn::HEADROOM);

/// One reading of the clock, for a whole batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    /// Seconds since the worker's first reading, for flows.
    pub(super) secs: u32,
}

impl Now {
    pub(super) fn read() -> Self {
        thread_local! {
            static START: Instant = Instant::now();
        }
        let instant = Instant::now();
        let secs = START.with(|start| instant.saturating_duration_since(*start).as_secs());
        Self {
            instant,
            secs: u32::try_from(secs).unwrap_or(u32::MAX),
        }
    }
}

/// A session as its worker has it.
struct Seat {
    member: Arc<Member>,
    gate: Arc<Gate>,
    data: Data,
    flows: Flows,
    path: Path,
}

/// How packets get to a client.
pub(super) enum Path {
    Udp {
        listening: Rc<Listening>,
        route: Route,
    },
    Tcp(Rc<Stream>),
}

/// All that one worker owns.
pub(super) struct Core {
    index: usize,
    shared: Arc<Shared>,
    tally: Arc<Tally>,
    port: Port,
    listeners: BTreeMap<GateKey, Rc<Listening>>,
    streams: BTreeMap<StreamId, Rc<Stream>>,
    seats: Vec<Option<Box<Seat>>>,
    /// Sessions of clients that send no peer id. They cannot move to another address.
    without_peer_id: HashMap<(GateKey, SocketAddr), PeerId>,
    outgoing: PacketBatch,
    /// From one client to another, to be delivered; allocated when the first one comes.
    between: Option<PacketBatch>,
    train: Train,
    /// Packets of ours that answer for a session: pings and the like.
    speech: Vec<u8>,
    read_buffer: Vec<u8>,
    /// For packets that another worker received; allocated when the first one comes.
    handed: Option<PacketBatch>,
    /// (slot, packet) of the batch that is being delivered.
    order: Vec<(usize, usize)>,
    /// By worker: what it is to take.
    handovers: Vec<Handover>,
}

impl Core {
    pub(super) fn new(index: usize, shared: Arc<Shared>, port: Port) -> Self {
        let workers = shared.workers.len();
        Self {
            index,
            tally: Arc::clone(&shared.workers[index].tally),
            shared,
            port,
            listeners: BTreeMap::new(),
            streams: BTreeMap::new(),
            seats: Vec::new(),
            without_peer_id: HashMap::new(),
            outgoing: PacketBatch::new(),
            between: None,
            train: Train::default(),
            speech: Vec::new(),
            read_buffer: vec![0; READ_BUFFER],
            handed: None,
            order: Vec::new(),
            handovers: (0..workers).map(|_| Handover::default()).collect(),
        }
    }

    pub(super) fn port(&mut self) -> &mut Port {
        &mut self.port
    }

    pub(super) fn listen(&mut self, listening: Rc<Listening>) {
        self.listeners.insert(listening.gate.key, listening);
    }

    pub(super) fn unlisten(&mut self, gate: GateKey) {
        self.listeners.remove(&gate);
    }

    pub(super) fn add_stream(&mut self, stream: Rc<Stream>) {
        self.streams.insert(stream.id(), stream);
    }

    pub(super) fn remove_stream(&mut self, id: StreamId) {
        self.streams.remove(&id);
    }

    pub(super) fn stream(&self, id: StreamId) -> Option<&Rc<Stream>> {
        self.streams.get(&id)
    }

    /// The buffer that streams are read into, one after the other.
    pub(super) fn take_read_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.read_buffer)
    }

    pub(super) fn return_read_buffer(&mut self, buffer: Vec<u8>) {
        self.read_buffer = buffer;
    }

    pub(super) fn lost(&self, loss: Loss) {
        self.tally.lost(loss);
    }

    // From the client.

    /// Takes a datagram. Call [`Core::flush`] after the last of a batch.
    pub(super) fn datagram(
        &mut self,
        listening: &Rc<Listening>,
        route: Route,
        bytes: &mut [u8],
        now: Now,
    ) {
        let Some(header) = peek(bytes) else {
            let discard = openvpn::Discard::Truncated;
            self.tally.unproven(discard, route.remote.ip());
            return;
        };
        if !header.opcode.is_data() {
            self.control(listening, route, header, bytes, now);
            return;
        }
        let peer_id = header.peer_id.or_else(|| {
            let place = (listening.gate.key, route.remote);
            self.without_peer_id.get(&place).copied()
        });
        match peer_id {
            Some(peer_id) if worker_of(peer_id) == self.index => {
                self.data(listening, route, peer_id, bytes, now);
            }
            Some(peer_id) if worker_of(peer_id) < self.handovers.len() => {
                self.handovers[worker_of(peer_id)].push_datagram(listening.gate.key, route, bytes);
            }
            _ => self.tally.lost(Loss::UnknownPeer),
        }
    }

    fn data(
        &mut self,
        listening: &Rc<Listening>,
        route: Route,
        peer_id: PeerId,
        bytes: &mut [u8],
        now: Now,
    ) {
        let slot = slot_of(peer_id);
        let known = match self.seats.get(slot) {
            Some(Some(seat)) if seat.gate.key == listening.gate.key => match &seat.path {
                Path::Udp { route: known, .. } => Some(*known),
                Path::Tcp(_) => None,
            },
            _ => None,
        };
        let Some(known) = known else {
            self.tally.lost(Loss::UnknownPeer);
            return;
        };
        // Only a packet that opens proves that the client is at its new address.
        if self.open(slot, bytes, now) && known.remote != route.remote {
            self.float(slot, listening, route);
        }
    }

    /// Takes a data packet from a client's stream.
    pub(super) fn stream_data(
        &mut self,
        stream: &Stream,
        place: (GateKey, SocketAddr),
        header: Header,
        bytes: &mut [u8],
        now: Now,
    ) {
        let peer_id = header
            .peer_id
            .or_else(|| self.without_peer_id.get(&place).copied());
        let slot = peer_id
            .filter(|id| worker_of(*id) == self.index)
            .map(slot_of);
        let is_its_own = |seat: &Seat| matches!(&seat.path, Path::Tcp(s) if s.id() == stream.id());
        match slot {
            Some(slot) if self.seat(slot).is_some_and(is_its_own) => {
                self.open(slot, bytes, now);
            }
            _ => self.tally.lost(Loss::UnknownPeer),
        }
    }

    /// Opens a session's packet and carries what is in it; says whether it opened.
    fn open(&mut self, slot: usize, bytes: &mut [u8], now: Now) -> bool {
        if self.between.as_ref().is_some_and(PacketBatch::is_full) {
            self.deliver_between(now);
        }
        let Some(Some(seat)) = self.seats.get_mut(slot) else {
            return false;
        };
        if seat.member.is_ending() {
            self.tally.lost(Loss::SessionEnding);
            return false;
        }
        match seat.data.open(now.instant, bytes) {
            Ok(Opened::Packet(range)) => {
                let packet = &bytes[range];
                let policy = seat.gate.policy.load();
                let binding = seat.member.binding.load();
                let session = seat.member.policy_session(&binding);
                match seat.flows.outbound(&policy, session, packet, now.secs) {
                    Verdict::Allow if is_for_client(&policy, packet) => {
                        let between = self.between.get_or_insert_default();
                        if !between.push(packet) {
                            self.tally.lost(Loss::Oversize);
                        }
                    }
                    Verdict::Allow => {
                        if self.outgoing.is_full() {
                            self.port.send(&mut self.outgoing);
                        }
                        if !self.outgoing.push_by(packet, binding.egress) {
                            self.tally.lost(Loss::Oversize);
                        }
                    }
                    Verdict::Deny(reason) => self.tally.refused(reason),
                }
            }
            Ok(Opened::OptionsRequest) => seat.speak(now, &mut self.speech, &self.tally),
            Ok(Opened::Ping | Opened::Exit | Opened::Ignored) => {}
            Err(discard) => {
                self.tally.discarded(discard);
                return false;
            }
        }
        seat.tell_events();
        true
    }

    fn float(&mut self, slot: usize, listening: &Rc<Listening>, route: Route) {
        let Some(Some(seat)) = self.seats.get_mut(slot) else {
            return;
        };
        seat.path = Path::Udp {
            listening: Rc::clone(listening),
            route,
        };
        seat.member.set_device(route.remote);
        let moved = Input::Moved(Arc::downgrade(&listening.io), route);
        if !session::offer_move(&seat.member.inbox, moved) {
            tracing::debug!(
                "a moved session's inbox is full; its next rekey goes to the old address"
            );
        }
        self.shared.roster.changed.notify_one();
    }

    /// A control packet: to the session that it belongs to, or to the one who answers strangers.
    fn control(
        &mut self,
        listening: &Rc<Listening>,
        route: Route,
        header: Header,
        bytes: &[u8],
        now: Now,
    ) {
        let gate = &listening.gate;
        let session = header
            .session_id
            .and_then(|id| gate.doors.find(route.remote, id));
        if let Some(inbox) = session {
            if !session::deliver(&inbox, bytes) {
                self.tally.lost(Loss::ControlQueueFull);
            }
            return;
        }
        if gate.is_closing.load(std::sync::atomic::Ordering::Acquire) {
            return;
        }
        let local = SocketAddr::new(route.local.unwrap_or(UNKNOWN_LOCAL), gate.port);
        self.speech.clear();
        let verdict = listening.acceptor.borrow_mut().handle(
            now.instant,
            local,
            route.remote,
            bytes,
            &mut self.speech,
        );
        match verdict {
            openvpn::Verdict::Drop(discard) => self.tally.unproven(discard, route.remote.ip()),
            openvpn::Verdict::Reply => {
                if listening.io.send(route, &self.speech, None).is_err() {
                    self.tally.lost(Loss::SendFailed);
                }
            }
            openvpn::Verdict::Accept(accepted) => {
                let link = Link::Udp {
                    io: Arc::downgrade(&listening.io),
                    route,
                };
                self.accept(gate, link, route.remote, accepted, bytes);
            }
        }
    }

    fn accept(
        &self,
        gate: &Arc<Gate>,
        link: Link,
        remote: SocketAddr,
        accepted: Accepted,
        first_packet: &[u8],
    ) {
        match self.shared.half_open.enter(remote.ip()) {
            Some(permit) => {
                let knock = session::Knock {
                    gate: Arc::clone(gate),
                    link,
                    remote,
                    accepted,
                    worker: self.index,
                    permit,
                };
                session::spawn(&self.shared, knock, first_packet);
            }
            None => self.tally.no_room(remote.ip()),
        }
    }

    /// Sends what a batch of packets has gathered: to the network, to other clients and to other
    /// workers.
    pub(super) fn flush(&mut self) {
        self.port.send(&mut self.outgoing);
        self.deliver_between(Now::read());
        self.hand_over();
    }

    fn hand_over(&mut self) {
        for (handover, worker) in self.handovers.iter_mut().zip(&self.shared.workers) {
            if handover.is_empty() {
                continue;
            }
            let handover = std::mem::take(handover);
            let packets = handover.len();
            if !worker.hand_over(handover) {
                self.tally.lost_many(Loss::HandoverFull, packets);
            }
        }
    }

    /// Takes packets that another worker received for sessions of this one.
    pub(super) fn take(&mut self, mut handover: Handover, now: Now) {
        let mut batch = self.handed.take().unwrap_or_default();
        let mut gathered = Side::Network;
        for (origin, bytes) in handover.iter_mut() {
            let (gate, route) = match origin {
                Origin::Datagram(gate, route) => (gate, route),
                Origin::Packet(side) => {
                    if batch.is_full() || side != gathered {
                        self.deliver(&mut batch, gathered, now);
                        batch.clear();
                    }
                    gathered = side;
                    if !batch.push(bytes) {
                        self.tally.lost(Loss::Oversize);
                    }
                    continue;
                }
            };
            let listening = self.listeners.get(&gate).map(Rc::clone);
            let peer_id = peek(bytes).and_then(|header| header.peer_id);
            match (listening, peer_id) {
                (Some(listening), Some(peer_id)) => {
                    self.data(&listening, route, peer_id, bytes, now);
                }
                _ => self.tally.lost(Loss::UnknownPeer),
            }
        }
        self.deliver(&mut batch, gathered, now);
        batch.clear();
        self.handed = Some(batch);
        self.flush();
    }

    // To the client.

    /// Delivers what clients have sent to each other.
    fn deliver_between(&mut self, now: Now) {
        let Some(mut batch) = self.between.take_if(|batch| !batch.is_empty()) else {
            return;
        };
        self.deliver(&mut batch, Side::Peer, now);
        batch.clear();
        self.between = Some(batch);
    }

    /// Seals packets for clients and sends each to its client.
    pub(super) fn deliver(&mut self, batch: &mut PacketBatch, side: Side, now: Now) {
        let mut order = std::mem::take(&mut self.order);
        self.sort_by_client(batch, side, &mut order);
        for packets in order.chunk_by(|a, b| a.0 == b.0) {
            let Some(Some(seat)) = self.seats.get_mut(packets[0].0) else {
                self.tally.lost_many(Loss::NoSuchClient, packets.len());
                continue;
            };
            let packets = (packets, side);
            seat.deliver(batch, packets, now, &mut self.train, &self.tally);
            seat.tell_events();
        }
        order.clear();
        self.order = order;
        self.hand_over();
    }

    /// Fills `order` with this worker's packets, client by client, each client's in their order;
    /// other workers' packets go to them.
    fn sort_by_client(&mut self, batch: &PacketBatch, side: Side, order: &mut Vec<(usize, usize)>) {
        let view = self.shared.book.view();
        for (index, packet) in batch.iter().enumerate() {
            let Some(peer_id) = destination(packet).and_then(|address| view.owner(address)) else {
                self.tally.lost(Loss::NoSuchClient);
                continue;
            };
            let worker = worker_of(peer_id);
            if worker == self.index {
                order.push((slot_of(peer_id), index));
            } else if let Some(handover) = self.handovers.get_mut(worker) {
                handover.push_packet(side, packet);
            }
        }
        order.sort_unstable();
    }

    // Orders of control tasks.

    /// Seats a session that has come in. Its address leads here from now on.
    pub(super) fn join(&mut self, joining: super::Joining) -> bool {
        let super::Joining {
            member,
            gate,
            data,
            link,
            has_peer_id,
        } = joining;
        let path = match link {
            super::JoiningLink::Udp(route) => match self.listeners.get(&gate.key) {
                Some(listening) => Path::Udp {
                    listening: Rc::clone(listening),
                    route,
                },
                None => return false,
            },
            super::JoiningLink::Tcp(id) => match self.streams.get(&id) {
                Some(stream) => Path::Tcp(Rc::clone(stream)),
                None => return false,
            },
        };
        if !has_peer_id {
            let place = (gate.key, device_of(&member));
            self.without_peer_id.insert(place, member.peer_id);
        }
        gate.addresses.assign(member.address, member.peer_id);
        let slot = slot_of(member.peer_id);
        if self.seats.len() <= slot {
            self.seats.resize_with(slot + 1, || None);
        }
        self.seats[slot] = Some(Box::new(Seat {
            member,
            gate,
            data: *data,
            flows: Flows::default(),
            path,
        }));
        true
    }

    /// Does something to a session's data channel, then sends what it wants to say.
    pub(super) fn with_data(&mut self, peer_id: PeerId, now: Now, act: impl FnOnce(&mut Data)) {
        if let Some(Some(seat)) = self.seats.get_mut(slot_of(peer_id)) {
            act(&mut seat.data);
            seat.speak(now, &mut self.speech, &self.tally);
            seat.tell_events();
        }
    }

    /// Removes a session; its counters are final when `done` is told.
    pub(super) fn leave(&mut self, peer_id: PeerId, done: oneshot::Sender<()>) {
        if let Some(seat) = self.seats.get_mut(slot_of(peer_id)).and_then(Option::take) {
            let member = &seat.member;
            member.counts.update(seat.data.traffic(), clock::now);
            seat.gate.addresses.withdraw(member.address, peer_id);
            self.port.forget_client(member.address);
            let place = (seat.gate.key, device_of(member));
            if self.without_peer_id.get(&place) == Some(&peer_id) {
                self.without_peer_id.remove(&place);
            }
        }
        // Whoever asked may have gone by now.
        done.send(()).ok();
    }

    /// Pings, silence and counters. Called a few times a second.
    pub(super) fn tick(&mut self, now: Now) {
        for seat in self.seats.iter_mut().flatten() {
            if seat
                .data
                .poll_timeout()
                .is_some_and(|due| due <= now.instant)
            {
                seat.data.handle_timeout(now.instant);
                seat.speak(now, &mut self.speech, &self.tally);
            }
            seat.tell_events();
            seat.member.counts.update(seat.data.traffic(), clock::now);
        }
    }

    fn seat(&self, slot: usize) -> Option<&Seat> {
        self.seats.get(slot)?.as_deref()
    }
}

impl Seat {
    /// Seals packets of `batch`, all for this client, and sends them.
    fn deliver(
        &mut self,
        batch: &mut PacketBatch,
        (packets, side): (&[(usize, usize)], Side),
        now: Now,
        train: &mut Train,
        tally: &Tally,
    ) {
        if self.member.is_ending() {
            tally.lost_many(Loss::SessionEnding, packets.len());
            return;
        }
        let policy = self.gate.policy.load();
        let binding = self.member.binding.load();
        let session = self.member.policy_session(&binding);
        for &(_, index) in packets {
            let slot = &mut batch.slots_mut()[index];
            if let Path::Tcp(stream) = &self.path
                && !stream.has_room()
            {
                // Before it is sealed: a gap in packet ids would cost the client its tunnel.
                tally.lost(Loss::SendQueueFull);
                continue;
            }
            let packet = slot.packet();
            let verdict = match side {
                Side::Network => self.flows.inbound(&policy, session, packet, now.secs),
                Side::Peer => self.flows.from_peer(&policy, session, packet, now.secs),
            };
            if let Verdict::Deny(reason) = verdict {
                tally.refused(reason);
                continue;
            }
            let range = slot.range();
            let sealed = match self.data.seal(now.instant, slot.buffer_mut(), range) {
                Ok(range) => &slot.buffer_mut()[range],
                Err(SealError::NoKey | SealError::KeyExhausted | SealError::NoRoom) => {
                    tally.lost(Loss::NoKey);
                    continue;
                }
            };
            match &self.path {
                Path::Tcp(stream) => stream.push(sealed),
                Path::Udp { listening, route } => {
                    if !train.takes(&listening.io, sealed.len()) {
                        count(tally, train.send(&listening.io, *route));
                    }
                    train.couple(sealed);
                }
            }
        }
        match &self.path {
            Path::Tcp(stream) => stream.flush(),
            Path::Udp { listening, route } => count(tally, train.send(&listening.io, *route)),
        }
    }

    /// Sends what the data channel itself has to say.
    fn speak(&mut self, now: Now, speech: &mut Vec<u8>, tally: &Tally) {
        loop {
            speech.clear();
            if !self.data.poll_transmit(now.instant, speech) {
                break;
            }
            match &self.path {
                Path::Tcp(stream) => {
                    stream.push(speech);
                    stream.flush();
                }
                Path::Udp { listening, route } => {
                    if listening.io.send(*route, speech, None).is_err() {
                        tally.lost(Loss::SendFailed);
                    }
                }
            }
        }
    }

    /// Carries the data channel's events to the control task.
    fn tell_events(&mut self) {
        while let Some(event) = self.data.poll_event() {
            if !session::offer_event(&self.member.inbox, event) {
                let is_lost = matches!(event, DataEvent::PeerExit | DataEvent::PeerSilent);
                tracing::debug!(?event, is_lost, "a session's inbox is full or gone");
            }
        }
    }
}

fn count(tally: &Tally, sent: Sent) {
    match sent {
        Sent::All => {}
        Sent::BufferFull(packets) => tally.lost_many(Loss::SendQueueFull, packets),
        Sent::Failed(packets) => tally.lost_many(Loss::SendFailed, packets),
    }
}

fn device_of(member: &Member) -> SocketAddr {
    *member
        .device
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Whether a packet that was allowed goes to another client of the endpoint.
fn is_for_client(policy: &Policy, packet: &[u8]) -> bool {
    destination(packet).is_some_and(|address| policy.is_client(address))
}

fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = *packet.get(16..20)?.first_chunk()?;
    Some(octets.into())
}

/// Stands for our address where the system does not tell it.
const UNKNOWN_LOCAL: std::net::IpAddr = std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What one read of a TCP connection takes at most.
const READ_BUFFER: usize = 64 << 10;

/// What the tasks of a worker share.
pub(super) type SharedCore = Rc<RefCell<Core>>;
