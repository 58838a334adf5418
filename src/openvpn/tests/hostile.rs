//! Packets that no honest peer sends, in every state a session can be in.

use std::time::Duration;

use proptest::prelude::*;

use super::pair::*;

/// Pairs in the states that differ: fresh, in TLS, waiting for a decision, up, in a rekey, closing.
fn in_state(state: u8) -> Pair {
    let mut setup = Setup::default();
    setup.client.reneg_after = Some(Duration::from_secs(30));
    let mut pair = Pair::new(setup);
    match state {
        0 => pair.run(Duration::from_millis(25)),
        1 => pair.run(Duration::from_millis(45)),
        2 => {
            pair.answer = Answer::Later;
            pair.run(Duration::from_secs(1));
        }
        3 => pair.run(Duration::from_secs(5)),
        4 => pair.run(Duration::from_millis(30_090)),
        _ => {
            pair.run(Duration::from_secs(5));
            let now = pair.now;
            pair.server().control.restart(now, "bye");
        }
    }
    pair
}

/// Every truncation and many changes of real packets, CVE-2014-8104 and CVE-2017-7478 among them.
#[test]
fn truncated_real_packets_disturb_no_state() {
    for state in 0..6 {
        let mut pair = in_state(state);
        let recorded = pair.client.sent.clone();
        for packet in recorded.iter().rev().take(12) {
            for len in (0..packet.len().min(60)).chain([packet.len() / 2]) {
                pair.put(To::Server, &packet[..len]);
            }
        }
        pair.run(Duration::from_millis(100));
        if state == 3 {
            pair.run(Duration::from_secs(1));
            pair.assert_carries_traffic();
        }
    }
}

/// CVE-2017-7478 among them.
#[test]
fn oversized_control_packets_end_no_session_and_hold_no_memory() {
    for state in 0..6 {
        let mut pair = in_state(state);
        let header = pair.client.sent[0][..9].to_vec();
        for (len, opcode) in [(1, 7), (5, 5), (2048, 3), (20_000, 8), (60_000, 4)] {
            let mut packet = header.clone();
            packet[0] = opcode << 3;
            packet.extend_from_slice(&[0, 0xff, 0, 0, 0]);
            packet.resize(14 + len, 0x16);
            pair.put(To::Server, &packet);
            pair.run(Duration::from_millis(20));
        }
        if state == 3 {
            pair.run(Duration::from_secs(5));
            assert_eq!(pair.server().closed, None);
            pair.assert_carries_traffic();
        }
    }
}

/// An acknowledgement that names another session belongs to one that was replaced: neither it nor what
/// comes with it counts (CVE-2026-12996 and its kin).
#[test]
fn acknowledgements_of_another_session_count_for_nothing() {
    let mut pair = in_state(3);
    let session = pair.client.control.local_session_id();
    let mut packet = vec![4 << 3];
    packet.extend_from_slice(session.as_bytes());
    packet.extend_from_slice(&[1, 0, 0, 0, 1]);
    packet.extend_from_slice(&[0xee; 8]);
    packet.extend_from_slice(&[0, 0, 0, 9, 0x15]);
    pair.put(To::Server, &packet);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.server().discards.get("foreign-ack"), Some(&1));
    pair.assert_carries_traffic();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn packets_of_every_opcode_in_every_state_never_panic(
        state in 0u8..6,
        packets in proptest::collection::vec(
            (0u8..32, 0u8..8, any::<bool>(), 0u8..10, proptest::collection::vec(any::<u8>(), 0..120)),
            1..20,
        ),
    ) {
        let mut pair = in_state(state);
        let client_session = pair.client.control.local_session_id();
        let server_session = pair.client.control.remote_session_id();
        for (opcode, key, is_known, acks, tail) in packets {
            for to in [To::Server, To::Client] {
                let mut packet = vec![opcode << 3 | key];
                let (from, receiver) = match to {
                    To::Server => (Some(client_session), server_session),
                    To::Client => (server_session, Some(client_session)),
                };
                if let (true, Some(from), Some(receiver)) = (is_known, from, receiver) {
                    packet.extend_from_slice(from.as_bytes());
                    packet.push(acks);
                    for id in 0..u32::from(acks) {
                        packet.extend_from_slice(&id.to_be_bytes());
                    }
                    if acks > 0 {
                        packet.extend_from_slice(receiver.as_bytes());
                    }
                    packet.extend_from_slice(&[0, 0, 0, tail.len() as u8 % 12]);
                }
                packet.extend_from_slice(&tail);
                pair.put(to, &packet);
            }
            pair.run(Duration::from_millis(20));
        }
        pair.run(Duration::from_secs(70));
    }
}
