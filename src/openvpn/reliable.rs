//! Makes datagrams a reliable, ordered stream of control packets (wire reference, section 3).
//!
//! Three small machines per key: what we sent and is not acknowledged yet, what arrived and is not
//! delivered yet, and which acknowledgements the peer still has to see. Packet ids start at 0, have no
//! gaps, and are independent in each direction.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Discard;
use super::packet::{AckList, MAX_ACKS, Opcode};

/// Packets that were sent, or wait for room to be sent.
#[derive(Debug)]
pub(crate) struct SendWindow {
    next_id: u32,
    /// How many packets may be unacknowledged at once.
    limit: usize,
    pace: Pace,
    queue: VecDeque<Segment>,
}

/// How unacknowledged packets are repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Never: the transport loses nothing.
    Never,
    /// After this time, doubling up to the second.
    Doubling(Duration, Duration),
}

/// One packet on its way.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u32,
    pub(crate) opcode: Opcode,
    pub(crate) payload: Vec<u8>,
    /// `None` while it was never sent.
    sent: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    /// When to repeat it; `None` over transports that lose nothing.
    repeat_at: Option<Instant>,
    pause: Duration,
    /// Packets sent after this one that were acknowledged since: signs that this one was lost.
    overtaken: u8,
}

impl SendWindow {
    pub(crate) fn new(first_id: u32, limit: usize, pace: Pace) -> Self {
        Self {
            next_id: first_id,
            limit,
            pace,
            queue: VecDeque::new(),
        }
    }

    /// Changes how many packets may be unacknowledged, once the peer's version is known.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Queues a packet and returns its id.
    pub(crate) fn push(&mut self, opcode: Opcode, payload: Vec<u8>) -> u32 {
        let id = self.next_id;
        // A session would need 2³² control packets; ids are compared by order, so never wrap.
        self.next_id = self.next_id.saturating_add(1);
        self.queue.push_back(Segment {
            id,
            opcode,
            payload,
            sent: None,
        });
        id
    }

    /// Forgets `id`, which the peer has.
    pub(crate) fn acknowledge(&mut self, id: u32) {
        let Ok(at) = self.queue.binary_search_by_key(&id, |segment| segment.id) else {
            return;
        };
        if self.queue[at].sent.is_none() {
            // It was never sent: the acknowledgement is a lie.
            return;
        }
        self.queue.remove(at);
        for earlier in self.queue.iter_mut().take(at) {
            if let Some(sent) = &mut earlier.sent {
                sent.overtaken = sent.overtaken.saturating_add(1);
            }
        }
    }

    /// The next packet to put on the wire, marked as sent at `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<&Segment> {
        let at = self.due(now).or_else(|| self.sendable())?;
        let pace = self.pace;
        let segment = &mut self.queue[at];
        segment.sent = Some(match (pace, &segment.sent) {
            (Pace::Never, _) => Sent {
                repeat_at: None,
                pause: Duration::ZERO,
                overtaken: 0,
            },
            (Pace::Doubling(first, _), None) => Sent {
                repeat_at: Some(now + first),
                pause: first,
                overtaken: 0,
            },
            (Pace::Doubling(_, longest), Some(sent)) => {
                let pause = (sent.pause * 2).min(longest);
                Sent {
                    repeat_at: Some(now + pause),
                    pause,
                    overtaken: 0,
                }
            }
        });
        Some(segment)
    }

    /// When the next repetition is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.queue
            .iter()
            .filter_map(|segment| segment.sent.as_ref()?.repeat_at)
            .min()
    }

    /// Packets that wait to be sent or acknowledged.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether everything that was queued has been acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether every packet up to and including `id` has been acknowledged.
    pub(crate) fn is_acknowledged(&self, id: u32) -> bool {
        self.queue.front().is_none_or(|oldest| oldest.id > id)
    }

    fn due(&self, now: Instant) -> Option<usize> {
        self.queue.iter().position(|segment| {
            segment.sent.as_ref().is_some_and(|sent| {
                sent.repeat_at
                    .is_some_and(|at| at <= now || sent.overtaken >= FAST_RETRANSMIT)
            })
        })
    }

    fn sendable(&self) -> Option<usize> {
        let oldest = self.queue.front()?.id;
        let in_flight = self
            .queue
            .iter()
            .filter(|segment| segment.sent.is_some())
            .count();
        let at = self
            .queue
            .iter()
            .position(|segment| segment.sent.is_none())?;
        (in_flight < self.limit && self.queue[at].id - oldest < PEER_WINDOW).then_some(at)
    }
}

/// Packets that arrived, until those before them have.
#[derive(Debug)]
pub(crate) struct ReceiveWindow {
    next_id: u32,
    slots: VecDeque<Option<(Opcode, Vec<u8>)>>,
    bytes: usize,
}

impl ReceiveWindow {
    pub(crate) fn new(first_id: u32) -> Self {
        Self {
            next_id: first_id,
            slots: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Takes a packet. `Ok` means that it must be acknowledged, new or not.
    pub(crate) fn accept(
        &mut self,
        id: u32,
        opcode: Opcode,
        payload: &[u8],
    ) -> Result<(), Discard> {
        let Some(ahead) = id.checked_sub(self.next_id) else {
            return Ok(());
        };
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        if ahead >= RECEIVE_WINDOW {
            return Err(Discard::BeyondWindow);
        }
        if self.slots.len() <= ahead {
            self.slots.resize_with(ahead + 1, || None);
        }
        let slot = &mut self.slots[ahead];
        if slot.is_none() {
            if self.bytes + payload.len() > MAX_HELD_BYTES {
                return Err(Discard::BufferFull);
            }
            self.bytes += payload.len();
            *slot = Some((opcode, payload.to_vec()));
        }
        Ok(())
    }

    /// The next packet in order.
    pub(crate) fn pop(&mut self) -> Option<(Opcode, Vec<u8>)> {
        let packet = self.slots.front_mut()?.take()?;
        self.slots.pop_front();
        self.bytes -= packet.1.len();
        self.next_id = self.next_id.saturating_add(1);
        Some(packet)
    }
}

/// Acknowledgements to send, and those to repeat.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    /// Not sent yet, oldest first.
    pending: VecDeque<u32>,
    /// Sent before, newest first: repeating them makes a lost packet of acknowledgements harmless.
    recent: VecDeque<u32>,
}

impl Acks {
    pub(crate) fn add(&mut self, id: u32) {
        if !self.pending.contains(&id) && self.pending.len() < RECEIVE_WINDOW {
            self.pending.push_back(id);
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Up to `max` ids for one packet: the pending ones, then repetitions.
    pub(crate) fn take(&mut self, max: usize) -> AckList {
        let mut list = AckList::default();
        let fresh: Vec<u32> = self.pending.drain(..self.pending.len().min(max)).collect();
        for id in &fresh {
            list.push(*id);
        }
        let room = max - fresh.len();
        for id in self
            .recent
            .iter()
            .filter(|id| !fresh.contains(id))
            .take(room)
        {
            list.push(*id);
        }
        for id in fresh {
            self.recent.retain(|old| *old != id);
            self.recent.push_front(id);
        }
        self.recent.truncate(MAX_ACKS);
        list
    }
}

/// Unacknowledged packets towards a peer of unknown version.
pub(crate) const CAUTIOUS_LIMIT: usize = 4;
/// Unacknowledged packets towards a peer that is known to take them.
pub(crate) const KNOWN_LIMIT: usize = 6;
/// Acknowledgements in a packet that carries something else.
pub(crate) const PIGGYBACKED_ACKS: usize = 4;
/// The smallest receive window in use (OpenVPN 2.5, OpenVPN 3): nothing beyond it is kept.
const PEER_WINDOW: u32 = 8;
/// Our own receive window.
const RECEIVE_WINDOW: usize = 12;
const MAX_HELD_BYTES: usize = 32 << 10;
const FAST_RETRANSMIT: u8 = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace::Doubling(Duration::from_secs(1), Duration::from_secs(8));

    fn sent_ids(window: &mut SendWindow, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| window.poll(now).map(|segment| segment.id)).collect()
    }

    fn filled(limit: usize, count: usize) -> SendWindow {
        let mut window = SendWindow::new(0, limit, PACE);
        for _ in 0..count {
            window.push(Opcode::Control, Vec::new());
        }
        window
    }

    #[test]
    fn no_more_than_the_limit_is_in_flight() {
        let now = Instant::now();
        let mut window = filled(4, 10);
        assert_eq!(sent_ids(&mut window, now), [0, 1, 2, 3]);
        window.acknowledge(1);
        assert_eq!(sent_ids(&mut window, now), [4]);
    }

    #[test]
    fn nothing_is_sent_past_the_smallest_receive_window() {
        let now = Instant::now();
        let mut window = filled(6, 20);
        assert_eq!(sent_ids(&mut window, now), [0, 1, 2, 3, 4, 5]);
        for id in [1, 2] {
            window.acknowledge(id);
        }
        assert_eq!(sent_ids(&mut window, now), [6, 7]);
        window.acknowledge(3);
        // Three later ones arrived, so 0 is repeated; 8 lies outside the peer's window.
        assert_eq!(sent_ids(&mut window, now), [0]);
    }

    #[test]
    fn pauses_between_repetitions_double_up_to_the_longest() {
        let start = Instant::now();
        let mut window = filled(4, 1);
        let mut now = start;
        let mut times = Vec::new();
        for _ in 0..6 {
            assert_eq!(sent_ids(&mut window, now), [0]);
            times.push((now - start).as_secs());
            now = window.next_deadline().unwrap();
        }
        assert_eq!(times, [0, 1, 3, 7, 15, 23]);
    }

    #[test]
    fn a_transport_that_loses_nothing_gets_no_repetition() {
        let now = Instant::now();
        let mut window = SendWindow::new(0, 4, Pace::Never);
        for _ in 0..4 {
            window.push(Opcode::Control, Vec::new());
        }
        assert_eq!(sent_ids(&mut window, now), [0, 1, 2, 3]);
        for id in 1..4 {
            window.acknowledge(id);
        }
        assert_eq!(window.next_deadline(), None);
        assert_eq!(
            sent_ids(&mut window, now + Duration::from_secs(100)),
            Vec::<u32>::new()
        );
    }

    #[test]
    fn acknowledging_what_was_never_sent_changes_nothing() {
        let mut window = filled(4, 6);
        window.acknowledge(5);
        window.acknowledge(77);
        assert_eq!(sent_ids(&mut window, Instant::now()), [0, 1, 2, 3]);
        assert!(!window.is_acknowledged(0));
    }

    #[test]
    fn everything_within_the_window_is_acknowledged_and_nothing_beyond() {
        let mut window = ReceiveWindow::new(1);
        for id in 2..13 {
            assert_eq!(window.accept(id, Opcode::Control, b"x"), Ok(()), "{id}");
        }
        assert_eq!(
            window.accept(13, Opcode::Control, b"x"),
            Err(Discard::BeyondWindow)
        );
        assert_eq!(
            window.accept(0, Opcode::Control, b"x"),
            Ok(()),
            "a duplicate of what was consumed"
        );
        assert!(window.pop().is_none());
        assert_eq!(window.accept(1, Opcode::Control, b"x"), Ok(()));
        assert_eq!(std::iter::from_fn(|| window.pop()).count(), 12);
    }

    #[test]
    fn bytes_held_are_bounded() {
        let mut window = ReceiveWindow::new(0);
        let large = vec![0; 20_000];
        assert_eq!(window.accept(1, Opcode::Control, &large), Ok(()));
        assert_eq!(
            window.accept(2, Opcode::Control, &large),
            Err(Discard::BufferFull)
        );
    }

    #[test]
    fn recent_acknowledgements_are_repeated_newest_first() {
        let mut acks = Acks::default();
        for id in 0..3 {
            acks.add(id);
            assert_eq!(acks.take(4).as_slice()[0], id);
        }
        acks.add(3);
        assert_eq!(acks.take(4).as_slice(), [3, 2, 1, 0]);
        assert!(!acks.is_due());
        acks.add(1);
        assert_eq!(acks.take(8).as_slice(), [1, 3, 2, 0]);
    }

    proptest! {
        #[test]
        fn every_packet_arrives_once_and_in_order(
            count in 1usize..40,
            fates in proptest::collection::vec((any::<bool>(), any::<bool>(), 0usize..4), 1..200),
        ) {
            let mut now = Instant::now();
            let mut sender = SendWindow::new(0, 6, PACE);
            let mut receiver = ReceiveWindow::new(0);
            let mut acks = Acks::default();
            for index in 0..count {
                sender.push(Opcode::Control, vec![u8::try_from(index).unwrap()]);
            }
            let mut wire: Vec<(u32, Vec<u8>)> = Vec::new();
            let mut received = Vec::new();
            let mut fates = fates.into_iter().chain(std::iter::repeat((true, true, 0)));
            for _ in 0..3000 {
                while let Some(segment) = sender.poll(now) {
                    wire.push((segment.id, segment.payload.clone()));
                }
                let (arrives, is_acknowledged, pick) = fates.next().unwrap();
                if !wire.is_empty() {
                    let (id, payload) = wire.remove(pick % wire.len());
                    if arrives && receiver.accept(id, Opcode::Control, &payload).is_ok() {
                        acks.add(id);
                        received.extend(std::iter::from_fn(|| receiver.pop()).map(|(_, payload)| usize::from(payload[0])));
                    }
                    if is_acknowledged {
                        acks.take(4).as_slice().iter().for_each(|id| sender.acknowledge(*id));
                    } else {
                        acks.take(4);
                    }
                } else if let Some(deadline) = sender.next_deadline() {
                    now = now.max(deadline);
                }
                if sender.is_empty() {
                    break;
                }
            }
            prop_assert!(sender.is_empty());
            prop_assert_eq!(received, (0..count).collect::<Vec<_>>());
        }
    }
}
