//! Keepalive, leaving, and being sent away.

use std::time::Duration;

use super::pair::*;
use crate::openvpn::*;

#[test]
fn an_idle_session_stays_up_on_pings() {
    let mut pair = Pair::connected(Setup::default());
    pair.run(Duration::from_secs(600));
    assert_eq!(
        (&pair.client.closed, &pair.server.as_ref().unwrap().closed),
        (&None, &None)
    );
    assert!(
        pair.client.received.is_empty(),
        "pings never leave the tunnel"
    );
    pair.assert_carries_traffic();
}

#[test]
fn a_vanished_peer_is_noticed_by_both_sides() {
    let mut pair = Pair::connected(Setup::default());
    pair.lose = Box::new(|_, _| true);
    pair.run(Duration::from_secs(75));
    assert_eq!(pair.client.closed, Some(CloseReason::PeerSilent));
    assert_eq!(pair.server().closed, None, "the server waits twice as long");
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.server().closed, Some(CloseReason::PeerSilent));
}

#[test]
fn a_leaving_client_is_noticed_at_once_in_both_forms() {
    for exit_by_control in [Offer::Yes, Offer::No] {
        let mut setup = Setup::default();
        setup.client.exit_by_control = exit_by_control;
        let mut pair = Pair::connected(setup);
        let now = pair.now;
        pair.client.control.close(now);
        pair.run(Duration::from_millis(50));
        assert_eq!(pair.client.closed, Some(CloseReason::Closed));
        assert_eq!(
            pair.server().closed,
            Some(CloseReason::PeerExit),
            "{exit_by_control:?}"
        );
        assert!(
            !pair.server().control.is_done(),
            "stays to acknowledge repetitions"
        );
        pair.run(Duration::from_secs(6));
        assert!(pair.server().control.is_done() && pair.client.control.is_done());
    }
}

/// CVE-2024-28882: a repeated EXIT kept sessions alive.
#[test]
fn repeating_exit_does_not_lengthen_a_session() {
    let mut pair = Pair::connected(Setup::default());
    let now = pair.now;
    pair.client.control.close(now);
    pair.drain();
    let exit = pair.client.sent.last().unwrap().clone();
    for _ in 0..100 {
        pair.put(To::Server, &exit);
        pair.run(Duration::from_millis(100));
    }
    assert_eq!(pair.server().closed, Some(CloseReason::PeerExit));
    assert!(pair.server().control.is_done());
}

#[test]
fn a_stopping_server_sends_its_clients_to_reconnect() {
    let mut pair = Pair::connected(Setup {
        link: Weather {
            loss: 20,
            ..Weather::default()
        },
        ..Setup::default()
    });
    let now = pair.now;
    pair.server().control.restart(now, "the gateway stops");
    pair.run(Duration::from_secs(3));
    assert_eq!(
        pair.client.closed,
        Some(CloseReason::Restarted("[P]the gateway stops".into()))
    );
    assert_eq!(
        pair.server().closed,
        Some(CloseReason::Stopped("the gateway stops".into()))
    );
    assert!(pair.server().control.is_done());
}

#[test]
fn a_client_that_takes_changes_has_them_while_connected() {
    let mut pair = Pair::connected(Setup {
        link: Weather {
            loss: 20,
            ..Weather::default()
        },
        ..Setup::default()
    });
    assert!(
        pair.server()
            .session
            .as_ref()
            .unwrap()
            .negotiated
            .push_update
    );
    let before = pair.client.pushed.clone().unwrap();
    // Longer than one message, so that the parts have to be put together in their order.
    let routes: Vec<_> = (0..200u8)
        .map(|n| format!("10.{n}.0.0/16").parse().unwrap())
        .collect();
    let update = PushUpdate {
        routes: Some(routes.clone()),
        dns: Some(Vec::new()),
        ..PushUpdate::default()
    };
    tell(&mut pair, &update);
    pair.run(Duration::from_secs(30));
    let after = pair.client.pushed.clone().unwrap();
    assert_eq!(after.routes, routes);
    assert!(after.dns.is_empty() && after.address == before.address);
    assert_eq!(pair.client.closed, None);
    pair.assert_carries_traffic();
}

/// Tells the client of a change as soon as it can be told.
fn tell(pair: &mut Pair, update: &PushUpdate) {
    for _ in 0..600 {
        let now = pair.now;
        match pair.server().control.push_update(now, update) {
            Telling::UnderWay => return,
            Telling::Later => pair.run(Duration::from_millis(100)),
            Telling::Unable => panic!("it takes changes"),
        }
    }
    panic!("there was no moment to tell it");
}

#[test]
fn a_change_that_meets_a_rekey_arrives_or_is_known_to_be_lost() {
    let mut outcomes = Vec::new();
    // Each run tells the client at another moment around a rekey that either side begins.
    for step in 0..60_u8 {
        let mut pair = Pair::connected(Setup {
            link: Weather {
                loss: 20,
                ..Weather::default()
            },
            seed: u64::from(step) + 1,
            ..Setup::default()
        });
        pair.run(Duration::from_secs(2));
        begin_rekey(&mut pair, step % 2 == 0);
        pair.run(Duration::from_millis(20) * (u32::from(step) / 2));
        let route = format!("10.{step}.0.0/16").parse().unwrap();
        let update = PushUpdate {
            routes: Some(vec![route]),
            ..PushUpdate::default()
        };
        tell(&mut pair, &update);
        if step % 3 == 0 {
            begin_rekey(&mut pair, step % 2 == 0);
        }
        let outcome = (0..600).find_map(|_| {
            let outcome = pair.server().control.update_outcome();
            if outcome.is_none() {
                pair.run(Duration::from_millis(100));
            }
            outcome
        });
        let has_arrived = outcome.expect("it is settled some time");
        let has_it = pair.client.pushed.clone().unwrap().routes == [route];
        assert!(has_it || !has_arrived, "{step}: it did not arrive");
        pair.run(Duration::from_secs(30));
        assert!(pair.client.installed.len() > 1, "{step}: no rekey was done");
        outcomes.push(has_arrived);
    }
    let lost = outcomes.iter().filter(|arrived| !**arrived).count();
    assert!((1..30).contains(&lost), "{lost} were lost");
}

fn begin_rekey(pair: &mut Pair, by_server: bool) {
    let (now, key) = (pair.now, *pair.client.installed.last().unwrap());
    let end = if by_server {
        pair.server()
    } else {
        &mut pair.client
    };
    let wanted = DataEvent::RekeyWanted(key);
    end.control.handle_data_event(now, wanted);
    pair.drain();
}

#[test]
fn a_client_that_does_not_take_changes_is_sent_none() {
    let mut setup = Setup::default();
    setup.client.push_update = Offer::No;
    let mut pair = Pair::connected(setup);
    let update = PushUpdate {
        routes: Some(vec!["10.2.0.0/16".parse().unwrap()]),
        ..PushUpdate::default()
    };
    let (now, before) = (pair.now, pair.client.pushed.clone());
    let told = pair.server().control.push_update(now, &update);
    assert_eq!(told, Telling::Unable);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.client.pushed, before);
}

#[test]
fn a_live_session_can_be_refused() {
    let mut pair = Pair::connected(Setup::default());
    let now = pair.now;
    pair.server().control.refuse(now, "certificate revoked");
    pair.run(Duration::from_secs(1));
    assert_eq!(
        pair.client.closed,
        Some(CloseReason::AuthFailed("certificate revoked".into()))
    );
    assert!(pair.server().control.is_done());
}

#[test]
fn the_last_word_survives_its_loss() {
    let mut pair = Pair::new(Setup::default());
    pair.answer = Answer::Refuse;
    let mut is_lost = false;
    pair.lose = Box::new(move |to, packet| {
        // The first large packet after the handshake towards the client is lost once.
        let is_target = to == To::Client && !is_lost && packet.len() < 200 && packet.len() > 60;
        is_lost |= is_target;
        is_target
    });
    pair.run(Duration::from_secs(5));
    assert_eq!(
        pair.client.closed,
        Some(CloseReason::AuthFailed("not today, sorry".into()))
    );
}

#[test]
fn a_second_hard_reset_does_not_disturb_a_live_session() {
    let mut pair = Pair::connected(Setup::default());
    let reset = pair.client.sent[0].clone();
    let mut other = reset.clone();
    other[1] ^= 0xff;
    pair.put(To::Server, &reset);
    pair.put(To::Server, &other);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.server().discards.get("wrong-session"), Some(&1));
    pair.assert_carries_traffic();
}

#[test]
fn a_flood_of_control_bytes_ends_a_session_before_and_after_the_decision() {
    for answer in [Answer::Admit, Answer::Later] {
        let mut pair = Pair::new(Setup::default());
        pair.answer = answer;
        pair.run(Duration::from_secs(5));
        let mut packet = pair
            .client
            .sent
            .iter()
            .rfind(|packet| !peek(packet).unwrap().opcode.is_data())
            .unwrap()
            .clone();
        packet.resize(1200, 0);
        packet[0] = 4 << 3;
        for _ in 0..200 {
            pair.put(To::Server, &packet);
        }
        pair.run(Duration::from_secs(1));
        assert_eq!(
            pair.server().closed,
            Some(CloseReason::ControlFlood),
            "{answer:?}"
        );
    }
}

#[test]
fn a_client_that_asks_on_and_acknowledges_nothing_costs_one_reply() {
    let mut setup = Setup {
        routes: 1000,
        ..Setup::default()
    };
    // How long our client asks.
    setup.client.limits.hand_window = Duration::from_secs(600);
    let mut pair = Pair::new(setup);
    pair.answer = Answer::Later;
    pair.run(Duration::from_secs(2));
    let grant = pair.grant();
    let now = pair.now;
    pair.lose =
        Box::new(|to, packet| to == To::Client && peek(packet).unwrap().opcode == Opcode::Control);
    pair.server()
        .control
        .handle_decision(now, Decision::Admit(Box::new(grant)));
    pair.run(Duration::from_secs(300));
    assert_eq!(pair.server().closed, None, "each request is a sign of life");
    pair.lose = Box::new(|_, _| false);
    let sent = pair.server().sent.len();
    pair.run(Duration::from_secs(20));
    assert!(pair.client.pushed.is_some());
    let sent = pair.server().sent.len() - sent;
    assert!((30..60).contains(&sent), "{sent} packets");
}

#[test]
fn what_waits_to_be_acknowledged_is_bounded() {
    let mut pair = Pair::new(Setup {
        routes: 49_000,
        ..Setup::default()
    });
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.server().closed, Some(CloseReason::ControlFlood));
}
