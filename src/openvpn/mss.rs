//! Lowers the maximum segment size in TCP SYN packets, so that full segments fit the tunnel.
//!
//! The packets come from the network: every length is checked before it is used, and whatever does not
//! look like a whole TCP header is left alone.

const TCP: u8 = 6;
const SYN: u8 = 0x02;
const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_MSS: u8 = 2;
const MIN_TCP_HEADER: usize = 20;
/// IPv6 headers are this much longer than IPv4's, so segments over IPv6 must be shorter.
const IPV6_EXTRA: u16 = 20;

/// Lowers the MSS of `packet`, if it is a TCP SYN over IPv4 or IPv6 that announces more than
/// `mss_over_ipv4` bytes (20 less over IPv6). The TCP checksum is adjusted.
pub(crate) fn clamp(packet: &mut [u8], mss_over_ipv4: u16) {
    let Some((tcp, limit)) = tcp_of(packet, mss_over_ipv4) else {
        return;
    };
    if tcp.len() < MIN_TCP_HEADER || tcp[13] & SYN == 0 {
        return;
    }
    let header_len = usize::from(tcp[12] >> 4) * 4;
    if header_len < MIN_TCP_HEADER || header_len > tcp.len() {
        return;
    }
    let Some(at) = find_mss(&tcp[MIN_TCP_HEADER..header_len]).map(|at| at + MIN_TCP_HEADER) else {
        return;
    };
    let old = u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    if old <= limit {
        return;
    }
    tcp[at..at + 2].copy_from_slice(&limit.to_be_bytes());
    let checksum = adjust(
        u16::from_be_bytes([tcp[16], tcp[17]]),
        old,
        limit,
        at % 2 == 1,
    );
    tcp[16..18].copy_from_slice(&checksum.to_be_bytes());
}

/// The TCP part of an IP packet, if it has one and starts it.
fn tcp_of(packet: &mut [u8], mss_over_ipv4: u16) -> Option<(&mut [u8], u16)> {
    match packet.first()? >> 4 {
        4 => {
            let header_len = usize::from(packet[0] & 0x0f) * 4;
            let is_first_fragment = packet.len() >= 20 && packet[6] & 0x1f == 0 && packet[7] == 0;
            if header_len < 20 || !is_first_fragment || packet[9] != TCP {
                return None;
            }
            Some((packet.get_mut(header_len..)?, mss_over_ipv4))
        }
        // Extension headers before TCP are rare enough to leave alone.
        6 if packet.len() >= 40 && packet[6] == TCP => Some((
            packet.get_mut(40..)?,
            mss_over_ipv4.saturating_sub(IPV6_EXTRA),
        )),
        _ => None,
    }
}

/// Where in the TCP options the two bytes of the MSS lie.
fn find_mss(options: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *options.get(at)? {
            OPTION_END => return None,
            OPTION_NOP => at += 1,
            kind => {
                let len = usize::from(*options.get(at + 1)?);
                if len < 2 || at + len > options.len() {
                    return None;
                }
                if kind == OPTION_MSS {
                    return (len == 4).then_some(at + 2);
                }
                at += len;
            }
        }
    }
}

/// A checksum after one 16-bit field changed (RFC 1624); a field at an odd offset counts swapped.
fn adjust(checksum: u16, old: u16, new: u16, is_odd: bool) -> u16 {
    let (old, new) = if is_odd {
        (old.swap_bytes(), new.swap_bytes())
    } else {
        (old, new)
    };
    let mut sum = u32::from(!checksum) + u32::from(!old) + u32::from(new);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    !u16::try_from(sum).expect("folded twice, three 16-bit numbers fit 16 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checksum(bytes: &[u8]) -> u16 {
        let mut sum: u32 = bytes
            .chunks(2)
            .map(|pair| {
                u32::from(u16::from_be_bytes([
                    pair[0],
                    pair.get(1).copied().unwrap_or(0),
                ]))
            })
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap()
    }

    /// A SYN whose checksum is right over the TCP part alone: enough to see an adjustment go wrong.
    fn syn(version: u8, options: &[u8]) -> Vec<u8> {
        let mut tcp = vec![0; 20];
        tcp[12] = u8::try_from((20 + options.len()) / 4).unwrap() << 4;
        tcp[13] = SYN;
        tcp.extend_from_slice(options);
        let sum = checksum(&tcp);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        let mut packet = vec![0; if version == 4 { 20 } else { 40 }];
        packet[0] = if version == 4 { 0x45 } else { 0x60 };
        packet[if version == 4 { 9 } else { 6 }] = TCP;
        packet.extend_from_slice(&tcp);
        packet
    }

    fn mss_and_checksum(packet: &[u8], ip_len: usize, at: usize) -> (u16, u16) {
        let tcp = &packet[ip_len..];
        (
            u16::from_be_bytes([tcp[20 + at], tcp[21 + at]]),
            checksum(tcp),
        )
    }

    #[test]
    fn lowers_a_large_mss_and_keeps_the_checksum_right() {
        let mut packet = syn(4, &[2, 4, 0x05, 0xb4]);
        clamp(&mut packet, 1360);
        assert_eq!(mss_and_checksum(&packet, 20, 2), (1360, 0));
        let mut packet = syn(6, &[2, 4, 0x05, 0xb4]);
        clamp(&mut packet, 1360);
        assert_eq!(mss_and_checksum(&packet, 40, 2), (1340, 0));
    }

    #[test]
    fn an_mss_at_an_odd_offset_keeps_the_checksum_right() {
        let mut packet = syn(4, &[1, 2, 4, 0x05, 0xb4, 1, 1, 0]);
        clamp(&mut packet, 1360);
        assert_eq!(mss_and_checksum(&packet, 20, 3), (1360, 0));
    }

    #[test]
    fn leaves_everything_else_alone() {
        let small = syn(4, &[2, 4, 0x02, 0x18]);
        let mut later_fragment = syn(4, &[2, 4, 0x05, 0xb4]);
        later_fragment[7] = 1;
        let mut not_syn = syn(4, &[2, 4, 0x05, 0xb4]);
        not_syn[20 + 13] = 0x10;
        let broken_option = syn(4, &[2, 9, 0x05, 0xb4]);
        for original in [small, later_fragment, not_syn, broken_option] {
            let mut packet = original.clone();
            clamp(&mut packet, 1360);
            assert_eq!(packet, original);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_packets_never_panic_and_keep_their_length(
            version in prop_oneof![Just(0x45u8), Just(0x60), Just(0x4f), any::<u8>()],
            mut packet in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            if let Some(first) = packet.first_mut() {
                *first = version;
            }
            if packet.len() > 9 {
                packet[9] = TCP;
                packet[6] &= 0x40;
                packet[7] = 0;
            }
            let len = packet.len();
            clamp(&mut packet, 1360);
            prop_assert_eq!(packet.len(), len);
        }

        #[test]
        fn every_truncation_of_a_syn_is_survived(cut in 0usize..64) {
            let mut packet = syn(4, &[2, 4, 0x05, 0xb4]);
            packet.truncate(cut);
            clamp(&mut packet, 1360);
        }
    }
}
