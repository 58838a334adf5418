//! Segmentation offload at the TUN's edge: splitting what one read gives, joining what one write takes.
//!
//! Both use the kernel's virtio-net header (`include/uapi/linux/virtio_net.h`). Joining copies no
//! payload: a train of segments is written with one `writev` from the slots they lie in.

use std::io::{self, IoSlice};

use tun_rs::{
    VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_UDP_L4, VIRTIO_NET_HDR_LEN, VirtioNetHdr,
    checksum, gso_split,
};

use crate::network::batch::{BATCH_SLOTS, HEADROOM, MAX_PACKET, PacketBatch, Slot};

/// The checksum field holds only the pseudo-header's sum (`VIRTIO_NET_HDR_F_NEEDS_CSUM`).
const NEEDS_CHECKSUM: u8 = 1;
/// One plain packet (`VIRTIO_NET_HDR_GSO_NONE`).
const GSO_NONE: u8 = 0;
/// Joined packets are never larger than an IPv4 packet can be.
const MAX_TRAIN: usize = 65_535;
/// IPv4 header without options; packets with options are never joined.
const IP_HEADER: usize = 20;
const TCP: u8 = 6;
const FLAG_PSH: u8 = 0x08;
const FLAG_ACK: u8 = 0x10;
/// Trains that may be open at once. Beyond it the oldest is closed, which costs only speed.
const OPEN_TRAINS: usize = 8;

/// What became of one TUN read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// This many packets were added to the batch.
    Packets(usize),
    /// The batch has too little room left: try again with an empty one.
    NoRoom,
    /// Not IPv4, or not a form the kernel should have sent.
    Unusable,
}

/// Splits what one read of the TUN gave (virtio header first) into packets of their own, with
/// complete checksums.
pub(super) fn split(read: &mut [u8], batch: &mut PacketBatch) -> Split {
    let Ok(header) = VirtioNetHdr::decode(read) else {
        return Split::Unusable;
    };
    let packet = &mut read[VIRTIO_NET_HDR_LEN..];
    if packet.len() < IP_HEADER || packet[0] >> 4 != 4 {
        return Split::Unusable;
    }
    match header.gso_type {
        GSO_NONE => split_none(packet, header, batch),
        VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_UDP_L4 => split_train(packet, header, batch),
        _ => Split::Unusable,
    }
}

fn split_none(packet: &mut [u8], header: VirtioNetHdr, batch: &mut PacketBatch) -> Split {
    if batch.is_full() {
        return Split::NoRoom;
    }
    if header.flags & NEEDS_CHECKSUM != 0 && complete_checksum(packet, header).is_none() {
        return Split::Unusable;
    }
    if batch.push(packet) {
        Split::Packets(1)
    } else {
        Split::Unusable
    }
}

/// Replaces the pseudo-header's sum, which the kernel left in the checksum field, by the checksum.
fn complete_checksum(packet: &mut [u8], header: VirtioNetHdr) -> Option<()> {
    let start = usize::from(header.csum_start);
    let at = start + usize::from(header.csum_offset);
    let field: [u8; 2] = packet.get(at..at + 2)?.try_into().ok()?;
    packet[at..at + 2].fill(0);
    let sum = !checksum(&packet[start..], u64::from(u16::from_be_bytes(field)));
    // UDP's zero means "no checksum" (RFC 768).
    let sum = if sum == 0 && header.csum_offset == 6 {
        u16::MAX
    } else {
        sum
    };
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    Some(())
}

fn split_train(packet: &mut [u8], mut header: VirtioNetHdr, batch: &mut PacketBatch) -> Split {
    // The kernel's hdr_len may count the whole first segment when it forwards, so the header's own
    // length field is read instead.
    let start = usize::from(header.csum_start);
    let transport = if header.gso_type == VIRTIO_NET_HDR_GSO_UDP_L4 {
        8
    } else {
        match packet.get(start + 12) {
            Some(offset) => usize::from(offset >> 4) * 4,
            None => return Split::Unusable,
        }
    };
    let headers = start + transport;
    let segment = usize::from(header.gso_size);
    if segment == 0 || headers >= packet.len() || headers + segment > MAX_PACKET {
        return Split::Unusable;
    }
    let segments = (packet.len() - headers).div_ceil(segment);
    if segments > BATCH_SLOTS {
        return Split::Unusable;
    }
    if segments > batch.remaining() {
        return Split::NoRoom;
    }
    header.hdr_len = u16::try_from(headers).unwrap_or(u16::MAX);
    let mut lengths = [0; BATCH_SLOTS];
    let free = &mut batch.free_mut()[..segments];
    match gso_split(
        packet,
        header,
        free,
        &mut lengths[..segments],
        HEADROOM,
        false,
    ) {
        Ok(count) => {
            batch.commit(&lengths[..count]);
            Split::Packets(count)
        }
        Err(_) => Split::Unusable,
    }
}

/// Where a TCP segment that may be joined to others has its parts.
#[derive(Clone, Copy)]
struct Segment {
    headers: usize,
    payload: usize,
    sequence: u32,
    push: bool,
}

impl Segment {
    /// `None` for what must travel alone: other protocols, IP options, fragments, segments without
    /// payload or with flags other than ACK and PSH, wrong checksums (which joining would hide).
    fn parse(packet: &[u8]) -> Option<Self> {
        if packet.len() < IP_HEADER + 20 || packet[0] != 0x45 || packet[9] != TCP {
            return None;
        }
        let fragment = u16::from_be_bytes([packet[6], packet[7]]) & 0x3fff;
        let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        let headers = IP_HEADER + usize::from(packet[32] >> 4) * 4;
        let flags = packet[33];
        let plain = fragment == 0 && total == packet.len() && headers >= IP_HEADER + 20;
        if !plain || headers >= total || flags & !FLAG_PSH != FLAG_ACK {
            return None;
        }
        if checksum(&packet[IP_HEADER..], pseudo_sum(packet, total - IP_HEADER)) != u16::MAX {
            return None;
        }
        Some(Self {
            headers,
            payload: total - headers,
            sequence: u32::from_be_bytes([packet[24], packet[25], packet[26], packet[27]]),
            push: flags & FLAG_PSH != 0,
        })
    }
}

/// The sum of the TCP pseudo-header (RFC 9293, 3.1), unfolded.
fn pseudo_sum(packet: &[u8], tcp_len: usize) -> u64 {
    let words = packet[12..20].chunks_exact(2);
    words
        .map(|word| u64::from(u16::from_be_bytes([word[0], word[1]])))
        .sum::<u64>()
        + u64::from(TCP)
        + tcp_len as u64
}

/// Packets that are written at once: one packet of any kind, or TCP segments in sequence.
#[derive(Clone, Copy)]
struct Train {
    first: u8,
    last: u8,
    members: u8,
    /// Header length and largest payload of the segments; zero payload for a packet that travels alone.
    headers: usize,
    segment: usize,
    payload: usize,
    next_sequence: u32,
    push: bool,
    open: bool,
}

/// Joins the TCP segments of a batch into trains and writes each train once.
///
/// A flow's packets keep their order: trains are written in the order in which they began, and a
/// flow has one open train at most.
pub(super) struct Coalescer {
    trains: Vec<Train>,
    next: [u8; BATCH_SLOTS],
}

impl Coalescer {
    pub(super) fn new() -> Self {
        Self {
            trains: Vec::with_capacity(BATCH_SLOTS),
            next: [0; BATCH_SLOTS],
        }
    }

    /// Hands each train to `write` as pieces that make one TUN write, and to `lost` the number of
    /// packets and the error where that failed.
    pub(super) fn write(
        &mut self,
        slots: &mut [Slot],
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
        mut lost: impl FnMut(usize, &io::Error),
    ) {
        self.couple(slots);
        for train in &self.trains {
            prepare(&mut slots[usize::from(train.first)], train);
            let result = if train.members == 1 {
                write(&[IoSlice::new(slots[usize::from(train.first)].packet())])
            } else {
                let mut pieces = [IoSlice::new(&[]); BATCH_SLOTS];
                let count = self.collect(slots, train, &mut pieces);
                write(&pieces[..count])
            };
            if let Err(error) = result {
                lost(usize::from(train.members), &error);
            }
        }
    }

    fn couple(&mut self, slots: &[Slot]) {
        self.trains.clear();
        for (index, slot) in (0u8..).zip(slots) {
            let packet = slot.packet();
            let segment = Segment::parse(packet);
            if !self.append(slots, index, packet, segment) {
                self.begin(index, segment);
            }
        }
    }

    /// Adds the packet to the open train of its flow if it continues it; otherwise closes that train,
    /// so that nothing of the flow overtakes this packet.
    fn append(
        &mut self,
        slots: &[Slot],
        index: u8,
        packet: &[u8],
        segment: Option<Segment>,
    ) -> bool {
        let open = self
            .trains
            .iter_mut()
            .rev()
            .filter(|train| train.open)
            .take(OPEN_TRAINS);
        for train in open {
            let first = slots[usize::from(train.first)].packet();
            if !same_flow(first, packet) {
                continue;
            }
            let Some(segment) = segment.filter(|segment| continues(train, first, packet, segment))
            else {
                train.open = false;
                return false;
            };
            self.next[usize::from(train.last)] = index;
            train.last = index;
            train.members += 1;
            train.payload += segment.payload;
            train.next_sequence = train
                .next_sequence
                .wrapping_add(u32::try_from(segment.payload).unwrap_or(0));
            train.push |= segment.push;
            train.open = segment.payload == train.segment && !segment.push;
            return true;
        }
        false
    }

    fn begin(&mut self, index: u8, segment: Option<Segment>) {
        let parts = segment.unwrap_or(Segment {
            headers: 0,
            payload: 0,
            sequence: 0,
            push: false,
        });
        self.trains.push(Train {
            first: index,
            last: index,
            members: 1,
            headers: parts.headers,
            segment: parts.payload,
            payload: parts.payload,
            next_sequence: parts
                .sequence
                .wrapping_add(u32::try_from(parts.payload).unwrap_or(0)),
            push: parts.push,
            open: segment.is_some() && !parts.push,
        });
    }

    fn collect<'s>(
        &self,
        slots: &'s [Slot],
        train: &Train,
        pieces: &mut [IoSlice<'s>; BATCH_SLOTS],
    ) -> usize {
        let mut index = usize::from(train.first);
        pieces[0] = IoSlice::new(slots[index].packet());
        for piece in &mut pieces[1..usize::from(train.members)] {
            index = usize::from(self.next[index]);
            *piece = IoSlice::new(&slots[index].packet()[train.headers..]);
        }
        usize::from(train.members)
    }
}

fn same_flow(a: &[u8], b: &[u8]) -> bool {
    // Addresses and ports; an open train's first packet has no IP options.
    b.len() >= IP_HEADER + 4 && b[0] == 0x45 && b[9] == TCP && a[12..24] == b[12..24]
}

fn continues(train: &Train, first: &[u8], packet: &[u8], segment: &Segment) -> bool {
    segment.sequence == train.next_sequence
        && segment.payload <= train.segment
        && segment.headers == train.headers
        && train.headers + train.payload + segment.payload <= MAX_TRAIN
        // Type of service, don't-fragment and time to live; acknowledgement, window and options.
        && first[1] == packet[1]
        && first[6] == packet[6]
        && first[8] == packet[8]
        && first[28..32] == packet[28..32]
        && first[34..36] == packet[34..36]
        && first[40..train.headers] == packet[40..train.headers]
}

/// Writes the virtio header before the train's first packet and makes that packet's headers those
/// of the whole train.
fn prepare(slot: &mut Slot, train: &Train) {
    let mut header = VirtioNetHdr::default();
    if train.members > 1 {
        let total = train.headers + train.payload;
        let packet = slot.packet_mut();
        packet[2..4].copy_from_slice(&u16::try_from(total).unwrap_or(u16::MAX).to_be_bytes());
        packet[10..12].fill(0);
        let ip_sum = !checksum(&packet[..IP_HEADER], 0);
        packet[10..12].copy_from_slice(&ip_sum.to_be_bytes());
        if train.push {
            packet[33] |= FLAG_PSH;
        }
        // The kernel completes the checksum; it wants the folded pseudo-header sum.
        let partial = checksum(&[], pseudo_sum(packet, total - IP_HEADER));
        packet[36..38].copy_from_slice(&partial.to_be_bytes());
        header = VirtioNetHdr {
            flags: NEEDS_CHECKSUM,
            gso_type: VIRTIO_NET_HDR_GSO_TCPV4,
            hdr_len: u16::try_from(train.headers).unwrap_or(u16::MAX),
            gso_size: u16::try_from(train.segment).unwrap_or(u16::MAX),
            csum_start: 20,
            csum_offset: 16,
        };
    }
    let range = slot.range();
    let start = range.start - VIRTIO_NET_HDR_LEN;
    header
        .encode(&mut slot.buffer_mut()[start..range.start])
        .expect("the slice is as long as the header");
    slot.set_range(start..range.end);
}
