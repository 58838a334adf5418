//! Packets on their way to the client, and the device through which smoltcp writes them.

use std::collections::VecDeque;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::network::MTU;
use crate::network::batch::{PacketBatch, Slot};

/// Packets that may wait before flows are held back: what a worker takes in a few batches.
const CAPACITY: usize = 512;
/// Replies to what a client sent (acknowledgements, resets) may still use this much more.
const CAPACITY_FOR_REPLIES: usize = 2 * CAPACITY;

/// A queue of packets in slots that are used again, handed to the worker by exchange.
#[derive(Debug, Default)]
pub(super) struct Output {
    queue: VecDeque<Slot>,
    spare: Vec<Slot>,
    refused: bool,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < CAPACITY
    }

    /// Whether a sender was held back since the last call: it is to be tried again once there is room.
    pub(super) fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    /// Lets `fill` write a packet of at most the MTU and say its length; `None` gives the slot back.
    /// False if none was added, be it for want of room.
    pub(super) fn push_with(&mut self, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        if self.queue.len() >= CAPACITY_FOR_REPLIES {
            return false;
        }
        let mut slot = self.spare.pop().unwrap_or_else(Slot::new);
        match fill(slot.room_mut()) {
            Some(len) => {
                slot.set_len(len);
                self.queue.push_back(slot);
                true
            }
            None => {
                self.spare.push(slot);
                false
            }
        }
    }

    /// Moves packets into the batch until it is full or none is left.
    pub(super) fn drain_into(&mut self, batch: &mut PacketBatch) {
        while !batch.is_full() {
            let Some(mut slot) = self.queue.pop_front() else {
                return;
            };
            batch.push_swap(&mut slot);
            self.spare.push(slot);
        }
    }
}

/// The device smoltcp sees for one call: at most one packet in, packets out into the queue.
pub(super) struct Wire<'s> {
    pub(super) input: Option<&'s [u8]>,
    pub(super) output: &'s mut Output,
}

impl Device for Wire<'_> {
    type RxToken<'t>
        = Received<'t>
    where
        Self: 't;
    type TxToken<'t>
        = Transmit<'t>
    where
        Self: 't;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Transmit<'_>)> {
        let packet = self.input.take()?;
        Some((Received(packet), Transmit(self.output)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Transmit<'_>> {
        if self.output.has_room() {
            return Some(Transmit(self.output));
        }
        self.output.refused = true;
        None
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = usize::from(MTU);
        capabilities
    }
}

/// The one packet that comes in.
pub(super) struct Received<'t>(&'t [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, process: F) -> R {
        process(self.0)
    }
}

/// A place in the queue.
pub(super) struct Transmit<'t>(&'t mut Output);

impl TxToken for Transmit<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, emit: F) -> R {
        let mut emit = Some(emit);
        let mut result = None;
        self.0.push_with(|room| {
            result = emit.take().map(|emit| emit(&mut room[..len]));
            Some(len)
        });
        match (result, emit) {
            (Some(result), _) => result,
            // Without room the packet is lost, as on any full link; the peer sends again.
            (None, Some(emit)) => emit(&mut [0; MTU as usize][..len]),
            (None, None) => unreachable!("the closure runs once"),
        }
    }
}
