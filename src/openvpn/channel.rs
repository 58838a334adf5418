//! The control packets of one key: from the reliability layer to the wire and back.

use std::time::Instant;

use super::Discard;
use super::config::{Limits, Transport};
use super::packet::{self, Control, KeyId, MAX_ACKS, Opcode, SessionId};
use super::reliable::{
    Acks, CAUTIOUS_LIMIT, KNOWN_LIMIT, PIGGYBACKED_ACKS, Pace, ReceiveWindow, SendWindow,
};

/// A reliable, ordered channel under one key id.
#[derive(Debug)]
pub(crate) struct Channel {
    key_id: KeyId,
    send: SendWindow,
    receive: ReceiveWindow,
    acks: Acks,
    max_payload: usize,
}

impl Channel {
    /// `first_id` is 0, or 1 if both sides' resets were exchanged without us (the stateless start).
    pub(crate) fn new(key_id: KeyId, first_id: u32, transport: Transport, limits: &Limits) -> Self {
        let pace = match transport {
            Transport::Udp => Pace::Doubling(limits.retransmit, limits.max_retransmit),
            Transport::Tcp => Pace::Never,
        };
        let overhead = packet::control_overhead(PIGGYBACKED_ACKS);
        Self {
            key_id,
            send: SendWindow::new(first_id, CAUTIOUS_LIMIT, pace),
            receive: ReceiveWindow::new(first_id),
            acks: Acks::default(),
            max_payload: limits
                .control_packet
                .saturating_sub(overhead)
                .max(MIN_PAYLOAD),
        }
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The peer's version is known: more packets may be in flight.
    pub(crate) fn widen(&mut self) {
        self.send.set_limit(KNOWN_LIMIT);
    }

    /// Takes a packet whose session ids were checked. `Err` means it was neither stored nor
    /// acknowledged; its acknowledgements still counted.
    pub(crate) fn receive(&mut self, opcode: Opcode, content: &Control<'_>) -> Result<(), Discard> {
        for id in content.acks.as_slice() {
            self.send.acknowledge(*id);
        }
        let Some(id) = content.packet_id else {
            return Ok(());
        };
        self.receive.accept(id, opcode, content.payload)?;
        self.acks.add(id);
        Ok(())
    }

    /// The next packet in order: its opcode and payload.
    pub(crate) fn read(&mut self) -> Option<(Opcode, Vec<u8>)> {
        self.receive.pop()
    }

    /// Queues a packet without payload that starts a session or a rekey.
    pub(crate) fn write_reset(&mut self, opcode: Opcode) {
        self.send.push(opcode, Vec::new());
    }

    /// Queues TLS bytes, cut into packets, and returns the id of the last.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Option<u32> {
        bytes
            .chunks(self.max_payload)
            .map(|chunk| self.send.push(Opcode::Control, chunk.to_vec()))
            .last()
    }

    /// Whether everything up to `id` has arrived at the peer.
    pub(crate) fn is_acknowledged(&self, id: u32) -> bool {
        self.send.is_acknowledged(id)
    }

    /// Whether nothing waits to be sent or acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.send.is_empty() && !self.acks.is_due()
    }

    /// Whether more waits to be acknowledged than any honest peer lets pile up.
    pub(crate) fn is_overfull(&self) -> bool {
        self.send.len() > MAX_QUEUED
    }

    /// Whether everything that was written has arrived at the peer.
    pub(crate) fn is_delivered(&self) -> bool {
        self.send.is_empty()
    }

    /// Appends the next packet to send to `out`. `remote` is unknown only before a server's first answer.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        local: SessionId,
        remote: Option<SessionId>,
        out: &mut Vec<u8>,
    ) -> bool {
        let (opcode, packet_id, payload, max_acks) = match self.send.poll(now) {
            Some(segment) => (
                segment.opcode,
                Some(segment.id),
                segment.payload.as_slice(),
                PIGGYBACKED_ACKS,
            ),
            None if self.acks.is_due() && remote.is_some() => {
                (Opcode::Ack, None, [].as_slice(), MAX_ACKS)
            }
            None => return false,
        };
        let acks = if remote.is_some() {
            self.acks.take(max_acks)
        } else {
            Default::default()
        };
        let acked_session = remote.filter(|_| !acks.is_empty());
        let content = Control {
            acks,
            acked_session,
            packet_id,
            payload,
        };
        packet::write_control(opcode, self.key_id, local, &content, out);
        true
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.send.next_deadline()
    }
}

/// Packets that may wait to be acknowledged. The longest configuration that clients take, 768 KiB, needs
/// about 800.
const MAX_QUEUED: usize = 1024;
/// Even an absurdly small packet limit must carry something.
const MIN_PAYLOAD: usize = 64;
