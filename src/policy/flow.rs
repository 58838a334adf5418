//! The flows of one session: what was opened by it or to it, judged once.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::Ipv4Addr,
};

use super::{Packet, Policy, Protocol, Reason, Session, Traffic, Verdict};

/// The flows of one session, at most [`Flows::MAX`] of them.
///
/// It starts small, doubles as flows are opened, and allocates nothing for a flow it knows. When it
/// is full the flow that was idle longest among those that share its place makes room; the next
/// packet of the client opens that one again.
///
/// A flow remembers which side opened it, and is judged as that side's when the policy has changed.
/// One that is refused then is kept until it is idle: the answers which are still under way would
/// otherwise pass for a flow that their side opens.
#[derive(Debug)]
pub struct Flows {
    slots: Vec<Slot>,
    /// What places are drawn with, so that nobody can tell which flows share one.
    seeds: [u64; 2],
}

impl Default for Flows {
    fn default() -> Self {
        let random = RandomState::new();
        Self {
            slots: vec![Slot::FREE; MIN_SLOTS],
            seeds: [0, 1].map(|half| random.hash_one(half)),
        }
    }
}

impl Flows {
    /// The most flows of one session.
    pub const MAX: usize = 4096;

    /// Whether `bytes`, a packet from the client, may pass. `now` is in seconds of any clock that
    /// only goes forward, the same for every call.
    pub fn outbound(
        &mut self,
        policy: &Policy,
        session: Session<'_>,
        bytes: &[u8],
        now: u32,
    ) -> Verdict {
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(reason) => return Verdict::Deny(reason),
        };
        if packet.source == session.address
            && let Some(verdict) = self.known(policy, session, (&packet, bytes), now)
        {
            return verdict;
        }
        let key = Key::from_client(&packet);
        let traffic = Traffic::from_client(&packet, bytes);
        let verdict = policy.verdict(session, &packet, traffic);
        match verdict {
            Verdict::Allow if packet.protocol.opens_a_flow() => {
                self.insert(key, Opener::Client, policy.generation(), now);
            }
            Verdict::Allow => {}
            Verdict::Deny(_) => self.refuse(key),
        }
        verdict
    }

    /// Whether `bytes`, a packet from the network for the client, may pass: it is of a flow that is
    /// open and that its opener may still open, or opens one that security groups admit.
    pub fn inbound(
        &mut self,
        policy: &Policy,
        session: Session<'_>,
        bytes: &[u8],
        now: u32,
    ) -> Verdict {
        self.receive(policy, session, (bytes, Opener::Network), now)
    }

    /// Whether `bytes`, a packet for the client from another client of the endpoint, may pass. Let
    /// the other's own [`Self::outbound`] judge it before: that knows what its user may reach.
    pub fn from_peer(
        &mut self,
        policy: &Policy,
        session: Session<'_>,
        bytes: &[u8],
        now: u32,
    ) -> Verdict {
        self.receive(policy, session, (bytes, Opener::Peer), now)
    }

    /// The verdict on a packet from the client that is of a known flow; none where it is to be judged
    /// as the client's own. Of a flow that the other side opened and that is refused now it is not:
    /// that would be the client's flow from there on, and what the other side sends an answer.
    fn known(
        &mut self,
        policy: &Policy,
        session: Session<'_>,
        (packet, bytes): (&Packet, &[u8]),
        now: u32,
    ) -> Option<Verdict> {
        let is_report = packet.protocol == Protocol::IcmpError;
        let key = match is_report.then(|| Packet::quoted(bytes)) {
            None => Key::from_client(packet),
            // About an answer of the one it goes to.
            Some(Some(quoted))
                if (quoted.source, quoted.destination) == (packet.destination, packet.source) =>
            {
                Key::towards_client(&quoted)
            }
            Some(_) => return None,
        };
        let slot = self.find(key)?;
        let opener = slot.opener;
        if opener == Opener::Client {
            // Otherwise the packet is judged as the client's own, which comes to the same.
            let is_open = slot.generation == policy.generation() && !is_report;
            return is_open.then(|| {
                slot.seen = now;
                Verdict::Allow
            });
        }
        if slot.is_idle(now) {
            return None;
        }
        let verdict = slot.judge(policy, session);
        if !verdict.is_allow() {
            return (!begins_anew(packet, bytes)).then_some(verdict);
        }
        slot.seen = now;
        if packet.has_later_fragments && !is_report {
            let later = Key::from_client(&packet.later_fragment());
            self.insert(later, opener, policy.generation(), now);
        }
        Some(verdict)
    }

    /// Whether a packet for the client, from the side that could open a flow as `side`, may pass.
    fn receive(
        &mut self,
        policy: &Policy,
        session: Session<'_>,
        (bytes, side): (&[u8], Opener),
        now: u32,
    ) -> Verdict {
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(reason) => return Verdict::Deny(reason),
        };
        if packet.destination != session.address {
            return Verdict::Deny(Reason::NoFlow);
        }
        let is_report = packet.protocol == Protocol::IcmpError;
        let key = match is_report.then(|| Packet::quoted(bytes)) {
            None => Key::towards_client(&packet),
            Some(Some(quoted)) if quoted.source == session.address => Key::from_client(&quoted),
            Some(_) => return Verdict::Deny(Reason::NoFlow),
        };
        // Nothing in the network speaks for a client, nor a client for anything in the network.
        let is_of_side = |address| policy.is_client(address) == (side == Opener::Peer);
        if !is_of_side(packet.source) || !is_of_side(key.peer.into()) {
            return Verdict::Deny(Reason::NoFlow);
        }
        let opener = match self.find(key) {
            Some(slot) if !slot.is_idle(now) => {
                let verdict = slot.judge(policy, session);
                if !verdict.is_allow() {
                    return verdict;
                }
                slot.seen = now;
                slot.opener
            }
            _ if packet.protocol.opens_a_flow() && is_start(&packet, bytes) => {
                let verdict = side.may_open(key, policy, session);
                if !verdict.is_allow() {
                    return verdict;
                }
                self.insert(key, side, policy.generation(), now);
                side
            }
            _ => return Verdict::Deny(Reason::NoFlow),
        };
        if packet.has_later_fragments && !is_report {
            // They have no ports: what lets them in is that their first has come by a flow. A report of
            // a router has no flow of its own, and is never that long.
            let later = Key::towards_client(&packet.later_fragment());
            self.insert(later, opener, policy.generation(), now);
        }
        Verdict::Allow
    }

    /// Flows that are open now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| slot.is_used && slot.generation != REFUSED)
            .count()
    }

    /// Whether no flow is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&mut self, key: Key) -> Option<&mut Slot> {
        self.places(key)
            .iter_mut()
            .find(|slot| slot.is_used && slot.key == key)
    }

    fn refuse(&mut self, key: Key) {
        if let Some(slot) = self.find(key) {
            slot.generation = REFUSED;
        }
    }

    fn insert(&mut self, key: Key, opener: Opener, generation: u64, now: u32) {
        let flow = Slot {
            key,
            opener,
            generation,
            seen: now,
            is_used: true,
        };
        if let Some(slot) = self.find(key) {
            *slot = flow;
            return;
        }
        loop {
            let can_grow = self.slots.len() < Self::MAX;
            let oldest = self
                .places(key)
                .iter_mut()
                .min_by_key(|slot| (slot.is_used && !slot.is_idle(now), slot.seen))
                .expect("a set has places");
            if !can_grow || !oldest.is_used || oldest.is_idle(now) {
                *oldest = flow;
                return;
            }
            self.grow();
        }
    }

    fn grow(&mut self) {
        let larger = vec![Slot::FREE; self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, larger);
        for slot in old.into_iter().filter(|slot| slot.is_used) {
            // A set splits into two, so each of them has room for all of the old one.
            let free = self.places(slot.key).iter_mut().find(|s| !s.is_used);
            *free.expect("half of a set fits into a set") = slot;
        }
    }

    /// The set of places that a flow may be in.
    fn places(&mut self, key: Key) -> &mut [Slot] {
        let sets = self.slots.len() / WAYS;
        // A power of two.
        let mask = sets as u64 - 1;
        let place = key.mixed(self.seeds) & mask;
        let set = usize::try_from(place).expect("smaller than a table's length");
        &mut self.slots[set * WAYS..(set + 1) * WAYS]
    }
}

/// The side that sent the first packet of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opener {
    /// The session's client.
    Client,
    /// Something in the network.
    Network,
    /// Another client of the endpoint.
    Peer,
}

impl Opener {
    /// Whether this side may open the flow.
    fn may_open(self, key: Key, policy: &Policy, session: Session<'_>) -> Verdict {
        let peer = Ipv4Addr::from(key.peer);
        match self {
            Self::Client => policy.allows(session.into(), peer, key.traffic()),
            Self::Network => policy.lets_open(session, peer, key.traffic_to_client()),
            Self::Peer => policy.opens_to_some(session, key.traffic_to_client()),
        }
    }
}

/// Whether a packet of the client is none of a flow that the other side opened: a SYN opens another,
/// and later fragments of all flows with that side share one place.
fn begins_anew(packet: &Packet, bytes: &[u8]) -> bool {
    match packet.protocol {
        Protocol::Tcp(..) => is_start(packet, bytes),
        Protocol::Fragment(_) => true,
        _ => false,
    }
}

/// Whether a packet may be the first of a flow that is opened to the client: of TCP only a SYN is,
/// so that nothing gets in by what was once part of a flow.
fn is_start(packet: &Packet, bytes: &[u8]) -> bool {
    match packet.protocol {
        Protocol::Tcp(..) => {
            Packet::tcp_flags(bytes).is_some_and(|flags| flags & (FIN | SYN | RST | ACK) == SYN)
        }
        _ => true,
    }
}

impl Protocol {
    /// Whether a packet lets answers through. An ICMP answer or error is one itself, and
    /// a later fragment belongs to a flow that its first one opened.
    fn opens_a_flow(self) -> bool {
        !matches!(
            self,
            Self::IcmpAnswer(_) | Self::IcmpError | Self::Fragment(_)
        )
    }
}

/// A flow as seen from the client, whose own address all flows of a session share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    peer: u32,
    client_port: u16,
    peer_port: u16,
    kind: u16,
}

impl Key {
    fn from_client(packet: &Packet) -> Self {
        let (kind, client_port, peer_port) = parts(packet.protocol);
        Self {
            peer: packet.destination.into(),
            client_port,
            peer_port,
            kind,
        }
    }

    /// One multiplication, folded: flows that share a place only make room for each other, and all
    /// are of one session, so no more is needed.
    fn mixed(self, [first, second]: [u64; 2]) -> u64 {
        let ports = u64::from(self.client_port) << 16 | u64::from(self.peer_port);
        let ends = u64::from(self.peer) << 32 | ports;
        let odd = (u64::from(self.kind) ^ second) | 1;
        let product = u128::from(ends ^ first) * u128::from(odd);
        let high = u64::try_from(product >> 64).expect("half of its bits");
        (ends ^ first).wrapping_mul(odd) ^ high
    }

    /// What the client sends in it.
    fn traffic(self) -> Traffic {
        self.traffic_to(self.peer_port)
    }

    /// What the other end sends in it.
    fn traffic_to_client(self) -> Traffic {
        self.traffic_to(self.client_port)
    }

    fn traffic_to(self, port: u16) -> Traffic {
        Traffic::opened(match self.kind {
            TCP => Protocol::Tcp(0, port),
            UDP => Protocol::Udp(0, port),
            ICMP_QUERY | ICMP_ANSWER => Protocol::IcmpQuery(0),
            kind if kind >= FRAGMENT => Protocol::Fragment(low_byte(kind)),
            kind => Protocol::Other(low_byte(kind)),
        })
    }

    fn towards_client(packet: &Packet) -> Self {
        let (kind, client_port, peer_port) = match packet.protocol {
            Protocol::IcmpAnswer(id) => parts(Protocol::IcmpQuery(id)),
            Protocol::IcmpQuery(id) => parts(Protocol::IcmpAnswer(id)),
            protocol => {
                let (kind, source, destination) = parts(protocol);
                (kind, destination, source)
            }
        };
        Self {
            peer: packet.source.into(),
            client_port,
            peer_port,
            kind,
        }
    }
}

/// The protocol's number in a kind.
fn low_byte(kind: u16) -> u8 {
    kind.to_be_bytes()[1]
}

/// Kind, source port and destination port.
fn parts(protocol: Protocol) -> (u16, u16, u16) {
    match protocol {
        Protocol::Tcp(source, destination) => (TCP, source, destination),
        Protocol::Udp(source, destination) => (UDP, source, destination),
        Protocol::IcmpQuery(id) => (ICMP_QUERY, id, 0),
        Protocol::IcmpAnswer(id) => (ICMP_ANSWER, id, 0),
        Protocol::IcmpError => (ICMP_ERROR, 0, 0),
        Protocol::Other(number) => (u16::from(number), 0, 0),
        Protocol::Fragment(number) => (FRAGMENT + u16::from(number), 0, 0),
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: Key,
    opener: Opener,
    /// That of the policy which last allowed it, or [`REFUSED`].
    generation: u64,
    /// When the last packet of the flow passed, in seconds.
    seen: u32,
    is_used: bool,
}

impl Slot {
    const FREE: Self = Self {
        key: Key {
            peer: 0,
            client_port: 0,
            peer_port: 0,
            kind: 0,
        },
        opener: Opener::Client,
        generation: 0,
        seen: 0,
        is_used: false,
    };

    /// What the policy says of it now: at the first packet after a change it is asked anew.
    fn judge(&mut self, policy: &Policy, session: Session<'_>) -> Verdict {
        if self.generation == policy.generation() {
            return Verdict::Allow;
        }
        let verdict = self.opener.may_open(self.key, policy, session);
        self.generation = match verdict {
            Verdict::Allow => policy.generation(),
            Verdict::Deny(_) => REFUSED,
        };
        verdict
    }

    fn is_idle(&self, now: u32) -> bool {
        let limit = match self.key.kind {
            TCP => TCP_IDLE_SECS,
            UDP => UDP_IDLE_SECS,
            _ => OTHER_IDLE_SECS,
        };
        now.saturating_sub(self.seen) > limit
    }
}

/// The generation of no policy: they count from the lowest on.
const REFUSED: u64 = u64::MAX;

/// RFC 9293, section 3.1.
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

const TCP: u16 = 6;
const UDP: u16 = 17;
/// Above every protocol number.
const ICMP_QUERY: u16 = 0x100;
const ICMP_ANSWER: u16 = 0x101;
const ICMP_ERROR: u16 = 0x102;
const FRAGMENT: u16 = 0x200;

/// Longer than the keep-alive of 2 hours that hosts use by default (RFC 1122, section 4.2.3.6).
const TCP_IDLE_SECS: u32 = 7_500;
/// RFC 4787 asks for at least 2 minutes and recommends 5.
const UDP_IDLE_SECS: u32 = 300;
/// RFC 5508 asks for at least 60 seconds for ICMP queries.
const OTHER_IDLE_SECS: u32 = 60;

/// Places of one set.
const WAYS: usize = 4;
const MIN_SLOTS: usize = 16 * WAYS;
