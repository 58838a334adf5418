//! New keys under way, asked for by either side or both, on good links and bad.

use std::collections::HashSet;
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;

use super::pair::*;
use crate::openvpn::*;

fn rekeying(client: Option<u64>, server: Option<u64>) -> Setup {
    let mut setup = Setup::default();
    setup.client.reneg_after = client.map(Duration::from_secs);
    setup.server.reneg_after = server.map(Duration::from_secs);
    setup
}

#[test]
fn either_side_may_start_a_rekey_and_both_may_at_once() {
    for (client, server) in [(Some(20), None), (None, Some(20)), (Some(20), Some(20))] {
        for derivation in [Derivation::TlsExporter, Derivation::Tls1Prf] {
            for transport in [Transport::Udp, Transport::Tcp] {
                let mut setup = Setup {
                    transport,
                    ..rekeying(client, server)
                };
                setup.client.derivation = derivation;
                let mut pair = Pair::connected(setup);
                pair.run(Duration::from_secs(200));
                assert!(
                    pair.client.installed.len() > 8,
                    "{:?}",
                    pair.client.installed
                );
                assert_eq!(
                    pair.server.as_ref().unwrap().installed,
                    pair.client.installed
                );
                assert_eq!(pair.client.rekey_failures + pair.server().rekey_failures, 0);
                assert!(
                    pair.server().admissions[1..]
                        .iter()
                        .all(|admission| admission.is_rekey)
                );
                pair.assert_carries_traffic();
            }
        }
    }
}

#[test]
fn rekeys_that_cross_on_the_wire_become_one() {
    let mut pair = Pair::connected(rekeying(None, None));
    let now = pair.now;
    pair.client
        .control
        .handle_data_event(now, DataEvent::RekeyWanted(KeyId::FIRST));
    pair.server()
        .control
        .handle_data_event(now, DataEvent::RekeyWanted(KeyId::FIRST));
    pair.run(Duration::from_secs(10));
    let expected = [KeyId::FIRST, KeyId::FIRST.next()];
    assert_eq!(pair.client.installed, expected);
    assert_eq!(pair.server().installed, expected);
    pair.assert_carries_traffic();
}

/// The stream of issue 2: half an hour, a rekey every half minute or so from both sides, 5 % loss and
/// reordering.
#[test]
fn thirty_minutes_of_rekeys_and_loss_lose_no_stream() {
    let link = Weather {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(30),
        loss: 5,
        duplication: 2,
    };
    let mut pair = Pair::connected(Setup {
        link,
        ..rekeying(Some(37), Some(31))
    });
    let mut longest_gap = 0;
    let mut gap = 0;
    let seconds = 30 * 60;
    for second in 0..seconds {
        let (up, down) = (pair.server().received.len(), pair.client.received.len());
        for part in 0..10 {
            pair.send_up(second * 10 + part);
            pair.send_down(second * 10 + part);
            pair.run(Duration::from_millis(100));
        }
        let is_quiet =
            pair.server().received.len() < up + 5 || pair.client.received.len() < down + 5;
        gap = if is_quiet { gap + 1 } else { 0 };
        longest_gap = longest_gap.max(gap);
    }
    assert_eq!(
        (&pair.client.closed, &pair.server.as_ref().unwrap().closed),
        (&None, &None)
    );
    assert!(
        longest_gap <= 1,
        "at no time was the tunnel unusable for two seconds"
    );
    assert!(
        pair.client.installed.len() > 40,
        "{} keys",
        pair.client.installed.len()
    );
    assert_eq!(pair.client.seal_errors + pair.server().seal_errors, 0);
    let sent = u64::from(seconds) * 10;
    for received in [
        &pair.client.received,
        &pair.server.as_ref().unwrap().received,
    ] {
        let distinct: HashSet<_> = received.iter().collect();
        assert_eq!(distinct.len(), received.len(), "nothing is delivered twice");
        assert!(
            received.len() as u64 > sent * 93 / 100,
            "{} of {sent} arrived",
            received.len()
        );
    }
    for end in [&pair.client, pair.server.as_ref().unwrap()] {
        assert_eq!(end.discards.get("bad-tag"), None, "{:?}", end.discards);
        assert_eq!(
            end.discards.get("unknown-data-key"),
            None,
            "{:?}",
            end.discards
        );
    }
}

#[test]
fn no_nonce_is_used_twice_under_a_key() {
    let mut pair = Pair::connected(rekeying(Some(15), Some(15)));
    for number in 0..2000 {
        pair.send_up(number);
        pair.run(Duration::from_millis(100));
    }
    // Key ids come around after seven rekeys, so count a key's packets from each time it was installed.
    let mut seen = HashSet::new();
    let mut last = None;
    let mut generation = 0;
    for packet in &pair.client.sent {
        let header = peek(packet).unwrap();
        if !header.opcode.is_data() {
            continue;
        }
        if last != Some(header.key_id) {
            generation += 1;
            last = Some(header.key_id);
        }
        let id = u32::from_be_bytes(packet[4..8].try_into().unwrap());
        assert!(
            seen.insert((generation, id)),
            "key {generation}, packet {id}"
        );
    }
    assert!(generation > 10);
}

#[test]
fn the_old_key_is_used_until_the_new_one_is_known_to_be_there() {
    let mut pair = Pair::connected(rekeying(None, None));
    let now = pair.now;
    pair.server()
        .control
        .handle_data_event(now, DataEvent::RekeyWanted(KeyId::FIRST));
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.client.installed.len(), 2);
    pair.send_up(1);
    assert_eq!(
        peek(pair.client.sent.last().unwrap()).unwrap().key_id,
        KeyId::FIRST
    );
    pair.run(Duration::from_secs(60));
    pair.send_up(2);
    assert_eq!(
        peek(pair.client.sent.last().unwrap()).unwrap().key_id,
        KeyId::FIRST.next()
    );
    pair.assert_carries_traffic();
}

#[test]
fn a_rekey_that_finds_no_answer_leaves_the_old_key_in_use() {
    let mut pair = Pair::connected(rekeying(None, None));
    let now = pair.now;
    pair.lose = Box::new(|_, packet| !peek(packet).unwrap().opcode.is_data());
    pair.server()
        .control
        .handle_data_event(now, DataEvent::RekeyWanted(KeyId::FIRST));
    pair.run(Duration::from_secs(70));
    assert_eq!(pair.server().rekey_failures, 1);
    pair.assert_carries_traffic();
    pair.lose = Box::new(|_, _| false);
    pair.run(Duration::from_secs(60));
    assert!(
        pair.server().installed.len() > 1,
        "another attempt succeeded"
    );
    assert_eq!(pair.client.installed.len(), pair.server().installed.len());
    pair.assert_carries_traffic();
}

#[test]
fn a_session_ends_when_no_rekey_succeeds_before_the_old_key_expires() {
    let mut setup = rekeying(None, Some(60));
    setup.server.limits.tran_window = Duration::from_secs(300);
    let mut pair = Pair::connected(setup);
    pair.lose = Box::new(|_, packet| !peek(packet).unwrap().opcode.is_data());
    pair.run(Duration::from_secs(280));
    assert_eq!(pair.server().closed, None);
    pair.run(Duration::from_secs(120));
    assert_eq!(pair.server().closed, Some(CloseReason::KeyExpired));
}

#[test]
fn a_refused_rekey_ends_the_session_with_its_reason() {
    let mut pair = Pair::connected(rekeying(Some(35), None));
    pair.answer = Answer::Refuse;
    pair.run(Duration::from_secs(30));
    assert_eq!(
        pair.client.closed,
        Some(CloseReason::AuthFailed("not today, sorry".into()))
    );
    assert_eq!(pair.server().installed.len(), 1);
}

#[test]
fn a_rekey_gives_no_key_before_the_owner_has_decided() {
    let mut pair = Pair::connected(rekeying(Some(30), None));
    pair.answer = Answer::Later;
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.server().admissions.len(), 2);
    assert_eq!(pair.server().installed.len(), 1);
    let (now, grant) = (pair.now, pair.grant());
    pair.server()
        .control
        .handle_decision(now, Decision::Admit(Box::new(grant)));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.server().installed.len(), 2);
    pair.assert_carries_traffic();
}

#[test]
fn a_rekey_with_another_identity_is_refused() {
    let ca = &CERTIFICATES.ca;
    let mut pair = Pair::connected(rekeying(Some(30), None));
    let bob = ca.issue("bob", Some(ExtendedKeyUsagePurpose::ClientAuth));
    pair.client.control.replace_client_tls(client_tls(
        &ca.certificate,
        Some(&bob),
        TlsVersions::Both,
    ));
    pair.run(Duration::from_secs(30));
    assert_eq!(pair.server().closed, Some(CloseReason::IdentityChanged));
    assert_eq!(pair.server().admissions.len(), 1);
    assert!(matches!(
        pair.client.closed,
        Some(CloseReason::AuthFailed(_))
    ));
}

#[test]
fn rekeys_faster_than_the_limit_are_slowed() {
    let mut pair = Pair::connected(rekeying(None, None));
    for _ in 0..40 {
        let now = pair.now;
        let newest = *pair.client.installed.last().unwrap();
        pair.client
            .control
            .handle_data_event(now, DataEvent::RekeyWanted(newest));
        pair.run(Duration::from_secs(1));
    }
    let keys = pair.server().installed.len();
    assert!((5..=10).contains(&keys), "{keys} keys in 40 s");
    assert!(pair.server().discards.contains_key("rekey-too-soon"));
    pair.run(Duration::from_secs(30));
    pair.assert_carries_traffic();
}

#[test]
fn a_rekey_before_admission_is_not_answered() {
    let mut pair = Pair::new(Setup::default());
    pair.answer = Answer::Later;
    pair.run(Duration::from_secs(2));
    let mut packet = pair.client.sent[0].clone();
    packet[0] = 3 << 3 | 1;
    pair.put(To::Server, &packet);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.server().discards.get("rekey-too-soon"), Some(&1));
}

/// Two rekeys may not wait for a decision at once: the first one's answer would be taken for the
/// second's, and the second's for nothing (CVE-2022-0547 and its kin).
#[test]
fn a_late_decision_is_never_taken_for_another_rekeys() {
    let mut pair = Pair::connected(rekeying(Some(30), Some(45)));
    pair.answer = Answer::Later;
    pair.run(Duration::from_secs(120));
    assert_eq!(
        pair.server().admissions.len(),
        2,
        "the first, and one rekey"
    );
    assert_eq!(pair.server().rekey_failures, 0);
    let now = pair.now;
    let reason = "disabled meanwhile".to_owned();
    pair.server()
        .control
        .handle_decision(now, Decision::Refuse { reason });
    pair.run(Duration::from_secs(1));
    assert!(matches!(
        pair.server().closed,
        Some(CloseReason::Refused(_))
    ));
}

#[test]
fn a_peer_cannot_drop_the_question_whether_it_may_stay() {
    let mut pair = Pair::connected(rekeying(Some(30), None));
    pair.answer = Answer::Later;
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.server().admissions.len(), 2);
    let session = pair.client.control.local_session_id();
    for id in 0..12 {
        let mut garbage = vec![4 << 3 | 1];
        garbage.extend_from_slice(session.as_bytes());
        garbage.extend_from_slice(&[0, 0, 0, 0, id]);
        garbage.extend_from_slice(&[0xff; 40]);
        pair.put(To::Server, &garbage);
    }
    pair.run(Duration::from_secs(1));
    assert!(
        matches!(pair.server().closed, Some(CloseReason::Tls(_))),
        "{:?}",
        pair.server().closed
    );
}
