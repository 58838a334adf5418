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
use crate::network::egress::EgressId;

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

    /// Hands each train to `write` as pieces that make one TUN write of its egress' device, and to `lost` the number of
    /// packets and the error where that failed.
    pub(super) fn write(
        &mut self,
        slots: &mut [Slot],
        mut write: impl FnMut(EgressId, &[IoSlice<'_>]) -> io::Result<usize>,
        mut lost: impl FnMut(usize, &io::Error),
    ) {
        self.couple(slots);
        for train in &self.trains {
            prepare(&mut slots[usize::from(train.first)], train);
            let first = &slots[usize::from(train.first)];
            let egress = first.egress();
            let result = if train.members == 1 {
                write(egress, &[IoSlice::new(first.packet())])
            } else {
                let mut pieces = [IoSlice::new(&[]); BATCH_SLOTS];
                let count = self.collect(slots, train, &mut pieces);
                write(egress, &pieces[..count])
            };
            if let Err(error) = result {
                lost(usize::from(train.members), &error);
            }
        }
    }

    fn couple(&mut self, slots: &[Slot]) {
        self.trains.clear();
        for (index, slot) in (0u8..).zip(slots) {
            let segment = Segment::parse(slot.packet());
            if !self.append(slots, index, slot, segment) {
                self.begin(index, segment);
            }
        }
    }

    /// Adds the packet to the open train of its flow if it continues it; otherwise closes that train,
    /// so that nothing of the flow overtakes this packet.
    fn append(&mut self, slots: &[Slot], index: u8, slot: &Slot, segment: Option<Segment>) -> bool {
        let packet = slot.packet();
        let open = self
            .trains
            .iter_mut()
            .rev()
            .filter(|train| train.open)
            .take(OPEN_TRAINS);
        for train in open {
            let leader = &slots[usize::from(train.first)];
            let first = leader.packet();
            if !same_flow(first, packet) {
                continue;
            }
            // A session that has just moved to another egress leaves a train behind.
            let segment = segment.filter(|segment| {
                leader.egress() == slot.egress() && continues(train, first, packet, segment)
            });
            let Some(segment) = segment else {
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;
    use smoltcp::wire::{Ipv4Packet, TcpPacket};

    use super::*;

    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 2);
    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

    /// A TCP segment with timestamps-like options and valid checksums.
    fn segment(port: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let total = 52 + payload.len();
        let mut packet = vec![0; total];
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&u16::try_from(total).unwrap().to_be_bytes());
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = TCP;
        packet[12..16].copy_from_slice(&CLIENT.octets());
        packet[16..20].copy_from_slice(&SERVER.octets());
        packet[20..22].copy_from_slice(&port.to_be_bytes());
        packet[22..24].copy_from_slice(&443u16.to_be_bytes());
        packet[24..28].copy_from_slice(&sequence.to_be_bytes());
        packet[28..32].copy_from_slice(&77u32.to_be_bytes());
        packet[32] = 8 << 4;
        packet[33] = flags;
        packet[34..36].copy_from_slice(&512u16.to_be_bytes());
        packet[40..52].copy_from_slice(&[1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 4]);
        packet[52..].copy_from_slice(payload);
        fill_checksums(&mut packet);
        packet
    }

    fn fill_checksums(packet: &mut [u8]) {
        let mut ip = Ipv4Packet::new_unchecked(packet);
        ip.fill_checksum();
        TcpPacket::new_unchecked(ip.payload_mut()).fill_checksum(&SERVER.into(), &CLIENT.into());
    }

    fn batch_of(packets: &[Vec<u8>]) -> PacketBatch {
        let mut batch = PacketBatch::new();
        for packet in packets {
            assert!(batch.push(packet));
        }
        batch
    }

    /// What the kernel is given for these packets, one entry a write.
    fn written(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut writes = Vec::new();
        Coalescer::new().write(
            batch_of(packets).slots_mut(),
            |_, pieces| {
                writes.push(pieces.iter().flat_map(|piece| piece.to_vec()).collect());
                Ok(0)
            },
            |_, error| panic!("{error}"),
        );
        writes
    }

    /// What a reader makes of those writes.
    fn split_again(writes: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut batch = PacketBatch::new();
        for write in writes {
            assert!(matches!(
                split(&mut write.clone(), &mut batch),
                Split::Packets(_)
            ));
        }
        batch.iter().map(<[u8]>::to_vec).collect()
    }

    /// The packet without what joining may change: the identification, and PSH within a train.
    fn essence(packet: &[u8]) -> Vec<u8> {
        let mut packet = packet.to_vec();
        packet[4..6].fill(0);
        if packet[9] == TCP && packet.len() >= 40 {
            packet[33] &= !FLAG_PSH;
            fill_checksums(&mut packet);
        }
        packet
    }

    #[test]
    fn segments_in_sequence_are_written_once_and_split_into_what_they_were() {
        let packets: Vec<_> = (0..20u8)
            .map(|n| segment(5000, 1 + 1000 * u32::from(n), FLAG_ACK, &[n; 1000]))
            .chain([segment(5000, 20_001, FLAG_ACK | FLAG_PSH, b"the rest")])
            .collect();
        let writes = written(&packets);
        assert_eq!(writes.len(), 1);
        let header = VirtioNetHdr::decode(&writes[0]).unwrap();
        assert_eq!(
            (header.gso_type, header.gso_size, header.hdr_len),
            (VIRTIO_NET_HDR_GSO_TCPV4, 1000, 52)
        );
        let mut again = split_again(&writes);
        assert_eq!(again.pop().unwrap()[33], FLAG_ACK | FLAG_PSH);
        for (packet, again) in packets.iter().zip(&again) {
            assert_eq!(essence(packet), essence(again));
            let ip = Ipv4Packet::new_checked(&again[..]).unwrap();
            assert!(ip.verify_checksum());
            let tcp = TcpPacket::new_checked(ip.payload()).unwrap();
            assert!(tcp.verify_checksum(&CLIENT.into(), &SERVER.into()));
        }
    }

    #[test]
    fn a_gap_a_flag_and_a_shorter_segment_end_a_train() {
        let full = [0; 500];
        let writes = written(&[
            segment(1, 0, FLAG_ACK, &full),
            segment(1, 500, FLAG_ACK, &full),
            segment(1, 1500, FLAG_ACK, &full),
            segment(1, 2000, FLAG_ACK, &full[..9]),
            segment(1, 2009, FLAG_ACK, &full),
            segment(1, 2509, FLAG_ACK | 1, &full),
        ]);
        let lengths: Vec<_> = writes
            .iter()
            .map(|write| write.len() - VIRTIO_NET_HDR_LEN - 52)
            .collect();
        assert_eq!(lengths, [1000, 509, 500, 500]);
    }

    #[test]
    fn interleaved_flows_are_joined_each_for_itself() {
        let packets: Vec<_> = (0..10u32)
            .flat_map(|n| {
                [
                    segment(1, n * 100, FLAG_ACK, &[1; 100]),
                    segment(2, n * 100, FLAG_ACK, &[2; 100]),
                ]
            })
            .collect();
        assert_eq!(written(&packets).len(), 2);
    }

    #[test]
    fn a_wrong_checksum_is_not_hidden_by_joining() {
        let mut corrupt = segment(1, 100, FLAG_ACK, &[0; 100]);
        corrupt[60] ^= 1;
        let packets = [
            segment(1, 0, FLAG_ACK, &[0; 100]),
            corrupt.clone(),
            segment(1, 200, FLAG_ACK, &[0; 100]),
        ];
        let writes = written(&packets);
        assert_eq!(writes.len(), 3);
        assert_eq!(writes[1][VIRTIO_NET_HDR_LEN..], corrupt[..]);
    }

    #[test]
    fn a_read_that_does_not_fit_is_kept_for_the_next_batch() {
        let packets: Vec<_> = (0..30u32)
            .map(|n| segment(1, n * 100, FLAG_ACK, &[1; 100]))
            .collect();
        let mut write = written(&packets).remove(0);
        let mut batch = PacketBatch::new();
        while batch.remaining() > 29 {
            assert!(batch.push(b"filler"));
        }
        assert_eq!(split(&mut write, &mut batch), Split::NoRoom);
        batch.clear();
        assert_eq!(split(&mut write, &mut batch), Split::Packets(30));
    }

    proptest! {
        #[test]
        fn no_read_makes_the_splitter_panic(mut read in proptest::collection::vec(any::<u8>(), 0..400), kind in 0u8..6, v4 in any::<bool>()) {
            if read.len() > VIRTIO_NET_HDR_LEN {
                read[1] = kind;
                if v4 {
                    read[VIRTIO_NET_HDR_LEN] = 0x45;
                }
            }
            split(&mut read, &mut PacketBatch::new());
        }

        #[test]
        fn any_batch_arrives_as_it_was(shapes in proptest::collection::vec((0u16..3, 0usize..4, 0usize..300, any::<bool>()), 1..60)) {
            let mut sequences = [0u32; 3];
            let packets: Vec<_> = shapes
                .iter()
                .map(|&(port, kind, len, push)| {
                    let sequence = &mut sequences[usize::from(port)];
                    let len = if kind == 0 { len } else { 200 };
                    let flags = FLAG_ACK | if push { FLAG_PSH } else { 0 } | u8::from(kind == 3 && push);
                    let packet = segment(port, *sequence, flags, &vec![9; len]);
                    *sequence += u32::try_from(len).unwrap() + u32::from(kind == 2 && push);
                    packet
                })
                .collect();
            let again = split_again(&written(&packets));
            for port in 0..3u16 {
                let of_port = |packets: &[Vec<u8>]| -> Vec<Vec<u8>> {
                    packets.iter().filter(|packet| packet[20..22] == port.to_be_bytes()).map(|packet| essence(packet)).collect()
                };
                prop_assert_eq!(of_port(&packets), of_port(&again));
            }
        }
    }
}
