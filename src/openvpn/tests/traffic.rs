//! The data channel by itself: limits, replays, floats, old framings.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::pair::*;
use crate::openvpn::keys::KeyMaterial;
use crate::openvpn::*;

const CONFIG: DataConfig = DataConfig {
    ping: Some(Duration::from_secs(10)),
    silence: Some(Duration::from_secs(60)),
    max_segment: Some(1360),
};

fn keys(
    role: Role,
    key_id: KeyId,
    cipher: Cipher,
    format: DataFormat,
    framing: Framing,
) -> DataKeys {
    let material = KeyMaterial::new(std::array::from_fn(|index| u8::try_from(index).unwrap()));
    DataKeys {
        key_id,
        cipher,
        format,
        framing,
        role,
        material,
    }
}

pub(super) fn two_ends(
    cipher: Cipher,
    format: DataFormat,
    framing: Framing,
) -> (Instant, Data, Data) {
    let now = Instant::now();
    let end = |role| {
        let mut data = Data::new(now, CONFIG, "V4,tls-server");
        data.install(now, &keys(role, KeyId::FIRST, cipher, format, framing));
        data
    };
    (now, end(Role::Client), end(Role::Server))
}

pub(super) fn v2() -> DataFormat {
    DataFormat::V2(PeerId::new(5).unwrap())
}

pub(super) fn seal(data: &mut Data, now: Instant, payload: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM];
    buffer.extend_from_slice(payload);
    let end = buffer.len();
    let range = data.seal(now, &mut buffer, HEADROOM..end).unwrap();
    buffer[range].to_vec()
}

#[test]
fn every_cipher_format_and_framing_carries_packets_both_ways() {
    for cipher in Cipher::ALL {
        for format in [DataFormat::V1, v2()] {
            for framing in [Framing::None, Framing::StubV2, Framing::LzoStub] {
                let (now, mut client, mut server) = two_ends(cipher, format, framing);
                for number in 0..5 {
                    let inner = inner_packet(number);
                    for (from, to) in [(true, false), (false, true)] {
                        let (sender, receiver) = if from && !to {
                            (&mut client, &mut server)
                        } else {
                            (&mut server, &mut client)
                        };
                        let mut packet = seal(sender, now, &inner);
                        let Ok(Opened::Packet(range)) = receiver.open(now, &mut packet) else {
                            panic!()
                        };
                        assert_eq!(packet[range], inner);
                    }
                }
                let traffic = server.traffic();
                assert_eq!((traffic.packets_in, traffic.bytes_in), (5, 120));
                assert_eq!((traffic.packets_out, traffic.bytes_out), (5, 120));
            }
        }
    }
}

/// Vector A's last line: the first packet of a server, byte for byte before the tag.
#[test]
fn the_first_packet_has_the_header_of_stock_openvpn() {
    let (now, _, mut server) = two_ends(
        Cipher::Aes256Gcm,
        DataFormat::V2(PeerId::new(0).unwrap()),
        Framing::None,
    );
    let packet = seal(&mut server, now, &inner_packet(1));
    assert_eq!(packet[..8], [0x48, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(packet.len(), 24 + inner_packet(1).len());
}

#[test]
fn a_packet_is_opened_once() {
    let (now, mut client, mut server) = two_ends(Cipher::Aes256Gcm, v2(), Framing::None);
    let packet = seal(&mut client, now, &inner_packet(1));
    assert!(server.open(now, &mut packet.clone()).is_ok());
    assert_eq!(
        server.open(now, &mut packet.clone()),
        Err(Discard::Replayed)
    );
}

#[test]
fn any_changed_bit_is_noticed_and_leaves_the_session_intact() {
    let (now, mut client, mut server) = two_ends(Cipher::ChaCha20Poly1305, v2(), Framing::None);
    let packet = seal(&mut client, now, &inner_packet(1));
    for bit in 0..packet.len() * 8 {
        let mut changed = packet.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(server.open(now, &mut changed).is_err(), "bit {bit}");
    }
    for len in 0..packet.len() {
        assert!(
            server.open(now, &mut packet[..len].to_vec()).is_err(),
            "{len} bytes"
        );
    }
    assert!(server.open(now, &mut packet.clone()).is_ok());
}

#[test]
fn packets_of_another_peer_or_format_are_not_tried() {
    let (now, _, mut server) = two_ends(Cipher::Aes256Gcm, v2(), Framing::None);
    let other = DataFormat::V2(PeerId::new(6).unwrap());
    for format in [other, DataFormat::V1] {
        let (_, mut client, _) = two_ends(Cipher::Aes256Gcm, format, Framing::None);
        let mut packet = seal(&mut client, now, &inner_packet(1));
        assert_eq!(
            server.open(now, &mut packet),
            Err(Discard::UnexpectedOpcode)
        );
    }
}

#[test]
fn pings_and_options_requests_stay_inside_and_are_answered() {
    let (now, mut client, mut server) = two_ends(Cipher::Aes256Gcm, v2(), Framing::LzoStub);
    let later = now + Duration::from_secs(10);
    assert_eq!(client.poll_timeout(), Some(later));
    client.handle_timeout(later);
    let mut packet = Vec::new();
    assert!(client.poll_transmit(later, &mut packet));
    assert_eq!(packet.len(), 24 + 1 + 16);
    assert_eq!(server.open(later, &mut packet), Ok(Opened::Ping));

    let request = [
        0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81, 0x2d, 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45,
        0x9c, 0,
    ];
    let mut packet = seal(&mut client, later, &request);
    assert_eq!(server.open(later, &mut packet), Ok(Opened::OptionsRequest));
    let mut answer = Vec::new();
    assert!(server.poll_transmit(later, &mut answer));
    assert_eq!(client.open(later, &mut answer), Ok(Opened::Ignored));
    assert!(!server.poll_transmit(later, &mut Vec::new()));
    assert_eq!(server.traffic(), Traffic::default());
}

#[test]
fn traffic_puts_off_pings() {
    let (now, mut client, _) = two_ends(Cipher::Aes256Gcm, v2(), Framing::None);
    seal(&mut client, now + Duration::from_secs(9), &inner_packet(1));
    client.handle_timeout(now + Duration::from_secs(10));
    assert!(!client.poll_transmit(now + Duration::from_secs(10), &mut Vec::new()));
}

#[test]
fn compressed_payloads_are_never_decompressed() {
    let (now, mut plain, _) = two_ends(Cipher::Aes256Gcm, v2(), Framing::None);
    let (_, _, mut server) = two_ends(Cipher::Aes256Gcm, v2(), Framing::LzoStub);
    for first in [0x66, 0x69, 0x45] {
        let mut packet = seal(&mut plain, now, &[first, 1, 2, 3]);
        assert_eq!(server.open(now, &mut packet), Err(Discard::Compressed));
    }
    let mut swapped = seal(&mut plain, now, &[0xfb, 2, 3, 0x45]);
    let Ok(Opened::Packet(range)) = server.open(now, &mut swapped) else {
        panic!()
    };
    assert_eq!(swapped[range], [0x45, 2, 3]);
}

#[test]
fn what_is_not_ip_does_not_reach_the_network() {
    let (now, mut client, mut server) = two_ends(Cipher::Aes256Gcm, v2(), Framing::None);
    for first in [0x00, 0x50, 0xff] {
        let mut packet = seal(&mut client, now, &[first, 0, 0, 0]);
        assert_eq!(server.open(now, &mut packet), Err(Discard::NotIp));
    }
}

#[test]
fn a_payload_without_headroom_is_refused_rather_than_cut() {
    let (now, mut client, _) = two_ends(Cipher::Aes256Gcm, v2(), Framing::None);
    let mut buffer = vec![0; 100];
    assert_eq!(
        client.seal(now, &mut buffer, HEADROOM - 1..50),
        Err(SealError::NoRoom)
    );
    assert_eq!(
        client.seal(now, &mut buffer, HEADROOM..HEADROOM),
        Err(SealError::NoRoom)
    );
    assert_eq!(
        client.seal(now, &mut buffer, HEADROOM..101),
        Err(SealError::NoRoom)
    );
}

/// CVE-2020-11810: only a packet that opens may move a session, and replays never do.
#[test]
fn a_session_follows_its_client_to_a_new_address_only_by_an_opened_packet() {
    let mut pair = Pair::connected(Setup::default());
    pair.send_up(1);
    pair.run(Duration::from_millis(100));
    let replay = pair.client.sent.last().unwrap().clone();
    let now = pair.now;
    assert_eq!(
        pair.server().data().open(now, &mut replay.clone()),
        Err(Discard::Replayed)
    );
    let mut forged = replay.clone();
    forged[7] = forged[7].wrapping_add(9);
    assert_eq!(
        pair.server().data().open(now, &mut forged),
        Err(Discard::BadTag)
    );
    // From another address the packet is the same: the peer id finds the session, the tag proves it.
    pair.send_up(2);
    let moved = pair.client.sent.last().unwrap().clone();
    assert_eq!(peek(&moved).unwrap().peer_id, Some(pair.grant().peer_id));
    assert!(matches!(
        pair.server().data().open(now, &mut moved.clone()),
        Ok(Opened::Packet(_))
    ));
}

proptest! {
    #[test]
    fn arbitrary_data_packets_never_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..100),
        opcode in prop_oneof![Just(6u8), Just(9), 0u8..32],
        key in 0u8..3,
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = opcode << 3 | key;
        }
        let (now, _, mut server) = two_ends(Cipher::Aes128Gcm, v2(), Framing::StubV2);
        prop_assert!(server.open(now, &mut bytes).is_err());
    }

    #[test]
    fn arbitrary_inner_packets_survive_the_tunnel_unless_they_are_syns(
        mut inner in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        inner[0] = 0x45;
        if inner.len() > 9 {
            inner[9] = 17;
        }
        let (now, mut client, mut server) = two_ends(Cipher::Aes256Gcm, v2(), Framing::None);
        let mut packet = seal(&mut client, now, &inner);
        let Ok(Opened::Packet(range)) = server.open(now, &mut packet) else { panic!() };
        prop_assert_eq!(&packet[range], inner.as_slice());
    }
}
