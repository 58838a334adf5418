//! The pane in the question before a change, and its words.

use std::sync::{Arc, Mutex, PoisonError};

use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::{
    app::{
        dialogs::confirm::Confirm,
        testing::{FakeConsole, Window, sample},
    },
    model::{
        Code, Request,
        command::{ById, RevokeIngress},
    },
};

fn revoke(network: &str) -> Command {
    Command::RevokeClientVpnIngress(RevokeIngress {
        client_vpn_endpoint_id: sample::endpoint_id(1).to_string(),
        target_network_cidr: network.to_owned(),
        revoke_all_groups: true,
        access_group_id: None,
    })
}

/// What one session gains and loses, each `network traffic`.
pub(crate) fn change(number: u8, gains: &[&str], loses: &[&str]) -> ReachChange {
    let connection = sample::connection(number, 0);
    let parts = |all: &[&str]| all.iter().map(|text| parsed(text)).collect();
    ReachChange {
        connection_id: connection.id,
        endpoint_id: connection.endpoint_id,
        common_name: connection.common_name,
        client_ip: connection.client_ip,
        gains: parts(gains),
        loses: parts(loses),
        more_parts: 0,
    }
}

fn parsed(text: &str) -> ReachedPart {
    let (network, traffic) = text.split_once(' ').unwrap_or((text, "all traffic"));
    ReachedPart {
        network: network.parse().unwrap(),
        traffic: traffic.to_owned(),
    }
}

fn three_of_twelve() -> Preview {
    Preview {
        warnings: vec!["10.0.0.9/32 takes 10.0.0.9 from whom only 10.0.0.0/8 lets in.".to_owned()],
        sessions: vec![
            change(0, &["10.0.0.9/32 tcp 443"], &[]),
            change(1, &[], &["10.1.0.0/16"]),
            change(2, &["10.0.0.9/32 tcp 443"], &["10.2.0.0/16 udp"]),
        ],
        looked_at: 12,
        more_sessions: 0,
    }
}

/// A window whose service answers previews so.
fn open(preview: impl Fn(&Command) -> Result<Preview, Refusal> + Send + 'static) -> Window {
    let (snapshot, live) = sample::office();
    let console = FakeConsole::new(snapshot, live);
    console.answer(move |request: &Request| match &request.command {
        Command::PreviewChange(command) => Some(preview(command).map(Answer::Preview)),
        _ => None,
    });
    Window::open(console)
}

fn ask(window: &mut Window, command: Command) {
    let question = Confirm::new("Revoke it?", "Revoke ingress", command, "Revoked").previewed();
    window.harness.state_mut().as_mut().unwrap().open(question);
    window.settle();
}

#[test]
fn the_summary_counts_who_changes_and_names_who_loses_first() {
    let (title, first) = summary(&sorted(three_of_twelve()));
    assert_eq!(title, "3 of 12 live sessions change");
    assert_eq!(
        first,
        "b.castro loses 10.1.0.0/16; c.nakamura loses 10.2.0.0/16 udp, gains 10.0.0.9 tcp 443; …"
    );
    let of = |changed: u8, looked_at| {
        summary(&Preview {
            sessions: (0..changed)
                .map(|n| change(n, &["10.0.0.9/32"], &[]))
                .collect(),
            looked_at,
            ..Preview::default()
        })
        .0
    };
    assert_eq!(of(0, 0), "Nobody is connected: it changes no session.");
    assert_eq!(of(0, 9), "All 9 live sessions reach the same as before.");
    assert_eq!(of(1, 1), "The one live session changes");
    assert_eq!(of(1, 1200), "1 of 1,200 live sessions changes");
}

#[test]
fn parts_beyond_the_third_are_counted_and_listed_whole() {
    let many = [
        "10.1.0.0/16",
        "10.2.0.0/16",
        "10.3.0.0/16",
        "10.4.0.0/16",
        "10.5.0.0/16",
    ];
    let change = change(0, &many, &[]);
    assert_eq!(
        sentence(&change),
        "a.lindqvist gains 10.1.0.0/16 and 10.2.0.0/16 and 10.3.0.0/16 and 2 more"
    );
    assert!(named(&change.gains, usize::MAX).ends_with("10.5.0.0/16"));
}

#[test]
fn a_question_says_whose_reach_changes_and_lists_them_all() {
    let mut window = open(|_| Ok(three_of_twelve()));
    ask(&mut window, revoke("10.1.0.0/16"));
    let harness = &window.harness;
    harness.get_by_label_contains("takes 10.0.0.9 from whom only 10.0.0.0/8 lets in");
    harness.get_by_label_contains("3 of 12 live sessions change. b.castro loses 10.1.0.0/16;");
    window.press("Show sessions");
    window
        .harness
        .get_by_label_contains("a.lindqvist 10.20.0.12 gains 10.0.0.9 tcp 443");
    window.press("Hide sessions");
    let listed = window
        .harness
        .query_by_label_contains("a.lindqvist 10.20.0.12");
    assert!(listed.is_none());
    let [Command::PreviewChange(asked)] = &window.console.commands()[..] else {
        panic!("{:?}", window.console.commands());
    };
    assert_eq!(
        **asked,
        revoke("10.1.0.0/16"),
        "asked once, whatever the frames"
    );
}

#[test]
fn it_is_asked_again_when_the_configuration_or_who_is_connected_changes_but_not_for_counters() {
    let mut window = open(|_| Ok(Preview::default()));
    ask(&mut window, revoke("10.1.0.0/16"));
    let asked = |window: &Window| window.console.commands().len();
    assert_eq!(asked(&window), 1);
    window
        .console
        .change(|_, live| live.connections[0].traffic.ingress_bytes += 1);
    window.settle();
    assert_eq!(asked(&window), 1);
    window
        .console
        .change(|_, live| drop(live.connections.remove(0)));
    window.settle();
    assert_eq!(asked(&window), 2);
    window.console.change(|snapshot, _| snapshot.seq += 1);
    window.settle();
    assert_eq!(asked(&window), 3);
}

#[test]
fn a_change_that_would_be_refused_says_why_before_it_is_tried() {
    let words = "There is no such rule any more";
    let mut window = open(move |_| Err(Refusal::new(Code::InvalidParameterValue, words)));
    ask(&mut window, revoke("10.1.0.0/16"));
    window.harness.get_by_label(words);
}

/// Draws a pane for the command that a test wants at the moment.
struct Typing {
    pane: PreviewPane,
    command: Arc<Mutex<Option<Command>>>,
}

impl crate::app::dialogs::Dialog for Typing {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> crate::app::dialogs::Stay {
        let command = self.command.lock().unwrap_or_else(PoisonError::into_inner);
        egui::Window::new("typing").show(ctx, |ui| self.pane.ui(cx, ui, command.as_ref()));
        crate::app::dialogs::Stay::Open
    }
}

#[test]
fn an_answer_to_what_was_typed_before_gives_way_to_the_one_to_what_is_typed_now() {
    let mut window = open(|command| {
        let network = match command {
            Command::RevokeClientVpnIngress(r) => r.target_network_cidr.clone(),
            other => panic!("{other:?}"),
        };
        Ok(Preview {
            sessions: vec![change(0, &[], &[&network])],
            looked_at: 18,
            ..Preview::default()
        })
    });
    let command = Arc::new(Mutex::new(None));
    let typing = Typing {
        pane: PreviewPane::default(),
        command: Arc::clone(&command),
    };
    window.harness.state_mut().as_mut().unwrap().open(typing);
    window.settle();
    window.harness.get_by_label(INCOMPLETE);
    assert!(
        window.console.commands().is_empty(),
        "there is nothing to ask about"
    );
    let set = |to| *command.lock().unwrap_or_else(PoisonError::into_inner) = to;
    set(Some(revoke("10.1.0.0/16")));
    // The question leaves with this frame; the next thing is typed before its answer comes.
    window.harness.step();
    set(Some(revoke("10.2.0.0/16")));
    window.harness.step();
    assert_eq!(
        window.console.commands().len(),
        0,
        "the runtime has not run yet"
    );
    window.settle();
    window
        .harness
        .get_by_label_contains("a.lindqvist loses 10.2.0.0/16");
    set(Some(revoke("10.3.0.0/16")));
    // The question is on its way, so what is known is about what was typed before.
    window.harness.step();
    window.harness.step();
    window.harness.get_by_label(LOOKING);
    let old = window.harness.query_by_label_contains("loses 10.2.0.0/16");
    assert!(old.is_none(), "it says nothing of what is typed now");
    set(Some(revoke("10.2.0.0/16")));
    window.settle();
    let old = window.harness.query_by_label_contains("loses 10.1.0.0/16");
    assert!(old.is_none());
    let asked = window.console.commands();
    assert_eq!(asked.len(), 4, "each was asked about once: {asked:?}");
    set(Some(Command::DeleteVpc(ById::default())));
    set(None);
    window.settle();
    window.harness.get_by_label(INCOMPLETE);
}
