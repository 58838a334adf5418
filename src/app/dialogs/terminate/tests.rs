//! The dialog driven by its labels.

use std::sync::Arc;

use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::{
    app::{
        context::EndpointTab,
        testing::{FakeConsole, Window, sample},
    },
    model::{
        Answer, Command,
        command::{TerminateConnections, Termination, Terminations},
    },
};

fn victim(name: &str) -> Victim {
    Victim {
        endpoint: EndpointId::from_random([1; 9]),
        id: ConnectionId::from_random([2; 9]),
        name: name.into(),
        ip: "10.20.0.9".into(),
    }
}

#[test]
fn the_question_says_how_many_and_whom() {
    assert_eq!(
        question(&[victim("a.lindqvist")]),
        "Terminate the connection of a.lindqvist?"
    );
    let many: Vec<Victim> = (0..8).map(|n| victim(&format!("u{n}"))).collect();
    assert_eq!(question(&many), "Terminate 8 connections?");
    let many: Vec<&Victim> = many.iter().collect();
    assert!(consequence(&many).starts_with("Ends 8 sessions: u0, u1, u2, u3, u4, u5 and 2 more."));
}

/// A window at the connections of the first endpoint, where a.lindqvist has two.
fn connections() -> (Window, Arc<FakeConsole>) {
    let (snapshot, mut live) = sample::office();
    let mut second = sample::connection(60, 0);
    second.common_name = "a.lindqvist".to_owned();
    live.connections.push(second);
    let console = FakeConsole::new(snapshot, live);
    let mut window = Window::open(console.clone());
    window.show_endpoint(1, Some(EndpointTab::Connections));
    (window, console)
}

fn select(window: &mut Window, names: &[&str]) {
    for name in names {
        let label = format!("Select {name}");
        let boxes = window.harness.get_all_by_label(&label);
        boxes.last().unwrap().click();
        window.settle();
    }
}

/// What was sent to end connections.
fn sent(console: &FakeConsole) -> Vec<TerminateConnections> {
    let all = console.commands().into_iter();
    all.filter_map(|command| match command {
        Command::TerminateClientVpnConnections(fields) => Some(fields),
        _ => None,
    })
    .collect()
}

/// Answers as the service does: all named connections end, but those of `silent` do not answer.
fn answers(console: &FakeConsole, silent: Vec<ConnectionId>) {
    console.answer(move |request| match &request.command {
        Command::TerminateClientVpnConnections(t) => {
            let one = t.connection_id.iter().chain(&t.connection_ids);
            let connections = one
                .filter_map(|id| id.parse::<ConnectionId>().ok())
                .map(|id| Termination {
                    current: match silent.contains(&id) {
                        true => ConnectionState::FailedToTerminate,
                        false => ConnectionState::Terminated,
                    },
                    previous: ConnectionState::Active,
                    id,
                })
                .collect();
            Some(Ok(Answer::Terminations(Terminations {
                client_vpn_endpoint_id: sample::endpoint_id(1),
                username: t.username.clone(),
                connections,
            })))
        }
        _ => None,
    });
}

#[test]
fn several_are_one_command_and_each_has_its_outcome() {
    let (mut window, console) = connections();
    answers(&console, vec![sample::connection_id(2)]);
    select(&mut window, &["b.castro", "c.nakamura", "e.adeyemi"]);
    window.press("Terminate 3 connections");
    assert!(sent(&console).is_empty(), "not before it was confirmed");
    window.press("Terminate 3 connections");
    let sent = sent(&console);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].connection_ids.len(), 3);
    assert_eq!(sent[0].block_minutes, None);
    assert!(window.says("2 connections terminated, 1 did not answer"));
    assert!(window.says("Failed: the gateway did not answer"));
    window.press("Close");
    assert!(!window.says("What became of the connections"));
}

#[test]
fn one_that_ended_meanwhile_does_not_keep_the_others() {
    let (mut window, console) = connections();
    let gone = sample::connection_id(2);
    console.answer(move |request| match &request.command {
        Command::TerminateClientVpnConnections(t) => {
            let one = t.connection_id.iter().chain(&t.connection_ids);
            let ids: Vec<ConnectionId> = one.filter_map(|id| id.parse().ok()).collect();
            if ids.contains(&gone) {
                let words = "There is no active connection";
                return Some(Err(Refusal::new(Code::ConnectionNotFound, words)));
            }
            let ended = |id| Termination {
                id,
                previous: ConnectionState::Active,
                current: ConnectionState::Terminated,
            };
            Some(Ok(Answer::Terminations(Terminations {
                client_vpn_endpoint_id: sample::endpoint_id(1),
                username: None,
                connections: ids.into_iter().map(ended).collect(),
            })))
        }
        _ => None,
    });
    select(&mut window, &["b.castro", "c.nakamura"]);
    window.press("Terminate 2 connections");
    window.press("Terminate 2 connections");
    assert!(window.says("2 connections terminated"));
    assert!(window.says("Had ended by itself"));
    assert_eq!(sent(&console).len(), 3, "all at once, then each");
}

#[test]
fn all_of_a_user_end_by_name() {
    let (mut window, console) = connections();
    select(&mut window, &["a.lindqvist"]);
    window.press("Terminate Connection");
    window.click("End all 2 connections of a.lindqvist");
    assert!(window.says("Ends 2 sessions: a.lindqvist, a.lindqvist."));
    window.press("Terminate 2 connections");
    let sent = sent(&console);
    assert_eq!(sent[0].username.as_deref(), Some("a.lindqvist"));
    assert_eq!(sent[0].connection_id, None);
}

#[test]
fn a_client_is_kept_out_for_as_long_as_was_said() {
    let (mut window, console) = connections();
    answers(&console, Vec::new());
    select(&mut window, &["b.castro"]);
    window.press("Terminate Connection");
    window.click("Keep the client out for a while");
    window.type_into("Minutes", "x");
    window.press("Terminate Connection");
    assert!(window.says("Minutes are a whole number from 1 to 10,080"));
    assert!(sent(&console).is_empty());
    window.click("Use 60");
    window.press("Terminate Connection");
    let sent = sent(&console);
    assert_eq!(sent[0].block_minutes, Some(60));
    assert_eq!(
        sent[0].connection_id.as_deref(),
        Some(sample::connection_id(1).as_str())
    );
    assert!(window.says("1 connection terminated"));
}

#[test]
fn the_services_refusal_of_a_block_is_at_the_minutes() {
    let (mut window, console) = connections();
    console.answer(|request| match &request.command {
        Command::TerminateClientVpnConnections(_) => {
            let words = "Clients are kept out for 1 to 10080 minutes (a week), for example 60";
            let refusal = Refusal::new(Code::InvalidParameterValue, words);
            Some(Err(refusal.at("BlockMinutes").cure("60")))
        }
        _ => None,
    });
    select(&mut window, &["b.castro"]);
    window.press("Terminate Connection");
    window.click("Keep the client out for a while");
    window.type_into("Minutes", "0000");
    window.press("Terminate Connection");
    assert!(window.says("Clients are kept out for 1 to 10080 minutes"));
    window.harness.get_by_label("Use 60");
}
