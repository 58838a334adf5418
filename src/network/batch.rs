//! Packets move in vectors: one [`PacketBatch`] is allocated once, filled, handed on whole and used again.

use std::ops::Range;

use super::egress::EgressId;

/// Packets a batch can hold. One TUN read with segmentation offload gives up to 47 full-size
/// packets, so a batch takes two such reads and some single packets.
pub const BATCH_SLOTS: usize = 128;

/// Bytes kept free before each packet: enough for any tunnel header (24 bytes of DATA_V2, a TCP
/// length prefix) and for the 10 bytes of virtio header a TUN write needs.
pub const HEADROOM: usize = 64;

/// Bytes kept free after a packet of the largest size, for an authentication tag.
pub const TAILROOM: usize = 64;

/// The largest packet a slot takes, in bytes. It leaves room above the MTU for peers that were
/// configured otherwise.
pub const MAX_PACKET: usize = SLOT_SIZE - HEADROOM - TAILROOM;

/// A slot's whole buffer: a power of two, so that slots start on cache lines of their own.
const SLOT_SIZE: usize = 2048;

/// One packet's buffer: headroom, the packet, tail room.
#[derive(Debug)]
pub struct Slot {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    egress: EgressId,
}

impl Slot {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; SLOT_SIZE].into_boxed_slice(),
            start: HEADROOM,
            end: HEADROOM,
            egress: EgressId::DEFAULT,
        }
    }

    /// The packet.
    #[must_use]
    pub fn packet(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The packet, to be changed in place.
    pub fn packet_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.end]
    }

    /// The way out of this machine that the packet takes if it is sent.
    #[must_use]
    pub fn egress(&self) -> EgressId {
        self.egress
    }

    /// Where the packet lies in [`Slot::buffer_mut`].
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The whole buffer, headroom and tail room included, for whoever writes headers around the
    /// packet. Tell the slot the outcome by [`Slot::set_range`].
    pub fn buffer_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Says where the packet lies now: wider after a header was written before it, narrower after
    /// one was taken off.
    ///
    /// # Panics
    /// If the range is not inside the buffer; that is a fault of the caller, never of a packet.
    pub fn set_range(&mut self, range: Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.buffer.len(),
            "a packet lies inside its slot"
        );
        self.start = range.start;
        self.end = range.end;
    }

    /// The room for a packet of the largest size, behind the headroom.
    pub(super) fn room_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[HEADROOM..HEADROOM + MAX_PACKET]
    }

    /// Makes the first `len` bytes behind the headroom the packet, of the default egress.
    pub(super) fn set_len(&mut self, len: usize) {
        self.egress = EgressId::DEFAULT;
        self.start = HEADROOM;
        self.end = HEADROOM + len.min(MAX_PACKET);
    }
}

impl AsRef<[u8]> for Slot {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl AsMut<[u8]> for Slot {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }
}

/// Up to [`BATCH_SLOTS`] packets in buffers that stay allocated.
///
/// A batch is a few words to move, so workers hand packets to each other by sending batches.
#[derive(Debug)]
pub struct PacketBatch {
    slots: Vec<Slot>,
    len: usize,
}

impl Default for PacketBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl PacketBatch {
    /// An empty batch with all its buffers allocated (256 KiB).
    #[must_use]
    pub fn new() -> Self {
        Self {
            slots: (0..BATCH_SLOTS).map(|_| Slot::new()).collect(),
            len: 0,
        }
    }

    /// Packets in the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether no further packet fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len == self.slots.len()
    }

    /// Packets that still fit.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.slots.len() - self.len
    }

    /// Bytes of all packets.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.iter().map(<[u8]>::len).sum()
    }

    /// Forgets all packets; the buffers stay.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Forgets the packets from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Copies a packet in. False, and nothing changed, if the batch is full or the packet is larger
    /// than [`MAX_PACKET`].
    #[must_use = "a packet that does not fit is lost"]
    pub fn push(&mut self, packet: &[u8]) -> bool {
        if self.is_full() || packet.len() > MAX_PACKET {
            return false;
        }
        let slot = &mut self.slots[self.len];
        slot.room_mut()[..packet.len()].copy_from_slice(packet);
        slot.set_len(packet.len());
        self.len += 1;
        true
    }

    /// Copies a packet in that leaves this machine by `egress`. False, and nothing changed, where
    /// [`PacketBatch::push`] says so.
    #[must_use = "a packet that does not fit is lost"]
    pub fn push_by(&mut self, packet: &[u8], egress: EgressId) -> bool {
        let is_pushed = self.push(packet);
        if is_pushed {
            self.slots[self.len - 1].egress = egress;
        }
        is_pushed
    }

    /// Lets `fill` write a packet into a slot of [`MAX_PACKET`] bytes and say its length; `None`
    /// gives the slot back. False if no packet was added.
    #[must_use = "a packet that does not fit is lost"]
    pub fn push_with(&mut self, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        if self.is_full() {
            return false;
        }
        let slot = &mut self.slots[self.len];
        let Some(len) = fill(slot.room_mut()) else {
            return false;
        };
        slot.set_len(len);
        self.len += 1;
        true
    }

    /// Takes packet `index` out of `from` without copying it: the two batches exchange buffers and
    /// `from`'s last packet moves to `index`. False, and nothing changed, if this batch is full.
    ///
    /// # Panics
    /// If `from` has no such packet.
    #[must_use = "a packet that does not fit stays where it was"]
    pub fn take_from(&mut self, from: &mut Self, index: usize) -> bool {
        assert!(index < from.len, "packet {index} of {}", from.len);
        if self.is_full() {
            return false;
        }
        from.len -= 1;
        from.slots.swap(index, from.len);
        self.push_swap(&mut from.slots[from.len]);
        true
    }

    /// Adds the packet in `slot` by exchanging buffers; the caller has checked that it fits.
    pub(super) fn push_swap(&mut self, slot: &mut Slot) {
        std::mem::swap(&mut self.slots[self.len], slot);
        self.len += 1;
    }

    /// Keeps the packets for which `keep` says so, in their order. Nothing is copied.
    pub fn retain_mut(&mut self, mut keep: impl FnMut(&mut Slot) -> bool) {
        let mut kept = 0;
        for index in 0..self.len {
            if keep(&mut self.slots[index]) {
                self.slots.swap(kept, index);
                kept += 1;
            }
        }
        self.len = kept;
    }

    /// The packets.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.slots[..self.len].iter().map(Slot::packet)
    }

    /// Packet `index`.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn packet(&self, index: usize) -> &[u8] {
        self.slots()[index].packet()
    }

    /// Packet `index`, to be changed in place.
    ///
    /// # Panics
    /// If there is none.
    pub fn packet_mut(&mut self, index: usize) -> &mut [u8] {
        self.slots_mut()[index].packet_mut()
    }

    /// The slots of the packets.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots[..self.len]
    }

    /// The slots of the packets, for whoever writes around a packet in place.
    pub fn slots_mut(&mut self) -> &mut [Slot] {
        &mut self.slots[..self.len]
    }

    /// The slots without a packet; [`PacketBatch::commit`] makes packets of the first ones.
    pub(super) fn free_mut(&mut self) -> &mut [Slot] {
        &mut self.slots[self.len..]
    }

    /// Makes packets of the first free slots, whose lengths behind the headroom are given.
    pub(super) fn commit(&mut self, lengths: &[usize]) {
        for &len in lengths {
            self.slots[self.len].set_len(len);
            self.len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(batch: &PacketBatch) -> Vec<Vec<u8>> {
        batch.iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn a_full_batch_takes_no_further_packet_and_is_usable_after_clear() {
        let mut batch = PacketBatch::new();
        for index in 0..BATCH_SLOTS {
            assert!(batch.push(&[u8::try_from(index).unwrap()]));
        }
        assert!(batch.is_full());
        assert!(!batch.push(b"one more"));
        assert!(!batch.push_with(|_| Some(1)));
        batch.clear();
        assert!(batch.is_empty());
        assert!(batch.push(b"again"));
        assert_eq!(batch.packet(0), b"again");
    }

    #[test]
    fn a_packet_larger_than_a_slot_is_refused() {
        let mut batch = PacketBatch::new();
        assert!(batch.push(&[7; MAX_PACKET]));
        assert!(!batch.push(&[7; MAX_PACKET + 1]));
        assert_eq!(batch.len(), 1);
    }

    #[test]
    fn a_header_written_into_the_headroom_becomes_part_of_the_packet() {
        let mut batch = PacketBatch::new();
        assert!(batch.push(b"payload"));
        let slot = &mut batch.slots_mut()[0];
        let range = slot.range();
        assert_eq!(range.start, HEADROOM);
        slot.buffer_mut()[range.start - 2..range.start].copy_from_slice(b"h:");
        slot.buffer_mut()[range.end..range.end + 2].copy_from_slice(b":t");
        slot.set_range(range.start - 2..range.end + 2);
        assert_eq!(batch.packet(0), b"h:payload:t");
    }

    #[test]
    fn retain_keeps_order_and_reuses_the_slots_it_freed() {
        let mut batch = PacketBatch::new();
        for byte in 0..6u8 {
            assert!(batch.push(&[byte]));
        }
        batch.retain_mut(|slot| slot.packet()[0] % 2 == 0);
        assert_eq!(packets(&batch), [[0], [2], [4]]);
        assert!(batch.push(&[9]));
        assert_eq!(packets(&batch), [[0], [2], [4], [9]]);
    }

    #[test]
    fn a_packet_moves_between_batches_without_its_bytes_being_copied() {
        let (mut from, mut to) = (PacketBatch::new(), PacketBatch::new());
        assert!(from.push(b"a") && from.push(b"b") && from.push(b"c"));
        let address = from.packet(0).as_ptr();
        assert!(to.take_from(&mut from, 0));
        assert_eq!(to.packet(0).as_ptr(), address);
        assert_eq!(packets(&to), [b"a"]);
        assert_eq!(packets(&from), [b"c", b"b"]);
    }

    #[test]
    fn a_packet_keeps_its_egress_and_the_next_one_in_its_slot_does_not_inherit_it() {
        let (mut from, mut to) = (PacketBatch::new(), PacketBatch::new());
        assert!(from.push_by(b"a", EgressId(3)) && from.push(b"b"));
        assert!(to.take_from(&mut from, 0));
        assert_eq!(to.slots()[0].egress(), EgressId(3));
        assert_eq!(from.slots()[0].egress(), EgressId::DEFAULT);
        to.clear();
        assert!(to.push(b"c"));
        assert_eq!(to.slots()[0].egress(), EgressId::DEFAULT);
    }

    #[test]
    fn a_fill_that_gives_up_leaves_the_batch_as_it_was() {
        let mut batch = PacketBatch::new();
        assert!(!batch.push_with(|_| None));
        assert!(batch.is_empty());
        assert!(batch.push_with(|room| {
            room[..2].copy_from_slice(b"ok");
            Some(2)
        }));
        assert_eq!(batch.packet(0), b"ok");
    }
}
