//! The flows of one session: what it has opened, judged once.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::Ipv4Addr,
};

use super::{Packet, Policy, Protocol, Reason, Session, Traffic, Verdict};

/// The flows that one session has opened, at most [`Flows::MAX`] of them.
///
/// It starts small, doubles as flows are opened, and allocates nothing for a flow it knows. When it
/// is full the flow that was idle longest among those that share its place makes room; the next
/// packet of the client opens that one again.
#[derive(Debug)]
pub struct Flows {
    slots: Vec<Slot>,
    hasher: RandomState,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            slots: vec![Slot::FREE; MIN_SLOTS],
            hasher: RandomState::new(),
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
        let key = Key::from_client(&packet);
        if packet.source == session.address
            && let Some(slot) = self.find(key)
            && slot.generation == policy.generation()
        {
            slot.seen = now;
            return Verdict::Allow;
        }
        let traffic = Traffic::from_client(&packet, bytes);
        let verdict = policy.verdict(session, &packet, traffic);
        match verdict {
            Verdict::Allow if packet.protocol.opens_a_flow() => {
                self.insert(key, policy.generation(), now);
            }
            Verdict::Allow => {}
            Verdict::Deny(_) => self.forget(key),
        }
        verdict
    }

    /// Whether `bytes`, a packet for the client, may pass: it answers what the client has sent, and
    /// the client may still reach the one that answers.
    pub fn inbound(
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
        if packet.destination != session.address {
            return Verdict::Deny(Reason::NoFlow);
        }
        let key = match packet.protocol {
            Protocol::IcmpError => match Packet::quoted(bytes) {
                Some(quoted) if quoted.source == session.address => Key::from_client(&quoted),
                _ => return Verdict::Deny(Reason::NoFlow),
            },
            _ => Key::towards_client(&packet),
        };
        let Some(slot) = self.find(key) else {
            return Verdict::Deny(Reason::NoFlow);
        };
        if slot.is_idle(now) {
            slot.is_used = false;
            return Verdict::Deny(Reason::NoFlow);
        }
        if slot.generation != policy.generation() {
            let peer = Ipv4Addr::from(key.peer);
            let verdict = policy.allows(session.into(), peer, key.traffic());
            if !verdict.is_allow() {
                slot.is_used = false;
                return verdict;
            }
            slot.generation = policy.generation();
        }
        slot.seen = now;
        if packet.has_later_fragments && packet.protocol != Protocol::IcmpError {
            // They have no ports: what lets them in is that their first has come by a flow. A report of
            // a router has no flow of its own, and is never that long.
            let later = Key::towards_client(&packet.later_fragment());
            self.insert(later, policy.generation(), now);
        }
        Verdict::Allow
    }

    /// Flows that are remembered now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_used).count()
    }

    /// Whether no flow is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&mut self, key: Key) -> Option<&mut Slot> {
        self.places(key)
            .iter_mut()
            .find(|slot| slot.is_used && slot.key == key)
    }

    fn forget(&mut self, key: Key) {
        if let Some(slot) = self.find(key) {
            slot.is_used = false;
        }
    }

    fn insert(&mut self, key: Key, generation: u64, now: u32) {
        let flow = Slot {
            key,
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
        let hash = self.hasher.hash_one(key);
        let set = usize::try_from(hash % sets as u64).expect("smaller than a table's length");
        &mut self.slots[set * WAYS..(set + 1) * WAYS]
    }
}

impl Protocol {
    /// Whether a packet of the client lets answers in. An ICMP answer or error is one itself, and
    /// a later fragment belongs to a flow that its first one opened.
    fn opens_a_flow(self) -> bool {
        !matches!(
            self,
            Self::IcmpAnswer(_) | Self::IcmpError | Self::Fragment(_)
        )
    }
}

/// A flow as seen from the client, whose own address all flows of a session share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// What the client sends in it.
    fn traffic(self) -> Traffic {
        Traffic::opened(match self.kind {
            TCP => Protocol::Tcp(self.client_port, self.peer_port),
            UDP => Protocol::Udp(self.client_port, self.peer_port),
            ICMP_QUERY => Protocol::IcmpQuery(self.client_port),
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
        generation: 0,
        seen: 0,
        is_used: false,
    };

    fn is_idle(&self, now: u32) -> bool {
        let limit = match self.key.kind {
            TCP => TCP_IDLE_SECS,
            UDP => UDP_IDLE_SECS,
            _ => OTHER_IDLE_SECS,
        };
        now.saturating_sub(self.seen) > limit
    }
}

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
