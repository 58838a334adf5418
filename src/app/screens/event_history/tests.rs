//! The page driven by its labels, as a person would.

use std::sync::{Arc, Mutex};

use egui_kittest::kittest::Queryable as _;

use crate::{
    app::testing::{FakeConsole, Window, sample},
    control::{Caller, Face},
    model::{
        Answer, Code, Command, Event, FieldChange, Outcome, Refusal, Undo,
        command::{EventPage, LookupEvents, UndoEvent},
    },
};

fn event(seq: u64, action: &str) -> Event {
    Event {
        seq,
        at: "2026-11-22T09:40:00Z".parse().unwrap(),
        caller: Caller::myself(Face::Window).name,
        face: "window".to_owned(),
        action: action.to_owned(),
        resources: vec!["cvpn-endpoint-0a1b2c3d4e5f60718".to_owned()],
        parameters: serde_json::json!({"vpn_port": 1194}),
        outcome: Outcome::Allowed,
        read_only: false,
        changes: Vec::new(),
        changes_left_out: 0,
        undo: Undo::Nothing,
    }
}

fn modified() -> Event {
    Event {
        changes: vec![FieldChange {
            resource_type: "client-vpn-endpoint".to_owned(),
            resource: "cvpn-endpoint-0a1b2c3d4e5f60718".to_owned(),
            field: "port".to_owned(),
            before: Some(443.into()),
            after: Some(1194.into()),
        }],
        undo: Undo::Possible,
        ..event(3, "ModifyClientVpnEndpoint")
    }
}

fn record() -> Vec<Event> {
    vec![
        modified(),
        Event {
            outcome: Outcome::Refused {
                code: Code::VpcRange,
                message: "A VPC's block is between /28 and /8".to_owned(),
            },
            caller: "bert".to_owned(),
            ..event(2, "CreateVpc")
        },
        Event {
            undo: Undo::Impossible("the private key is gone".to_owned()),
            ..event(1, "DeleteCertificate")
        },
    ]
}

/// The page on a service with these events, of which `refusal` says why none is taken back now.
fn open(events: Vec<Event>, refusal: Option<Refusal>) -> (Window, Arc<Mutex<Vec<LookupEvents>>>) {
    let (snapshot, live) = sample::office();
    let console = FakeConsole::new(snapshot, live);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    console.answer(move |request| match &request.command {
        Command::LookupEvents(wanted) => {
            seen.lock().unwrap().push(wanted.clone());
            Some(Ok(Answer::Events(EventPage {
                events: match wanted.next_token {
                    None => events.clone(),
                    Some(_) => vec![event(0, "CreateGroup")],
                },
                next_token: wanted.next_token.is_none().then(|| "1".to_owned()),
            })))
        }
        Command::UndoEvent(_) if request.dry_run => refusal.clone().map(Err),
        _ => None,
    });
    let mut window = Window::open(console);
    window.go("Event history");
    (window, asked)
}

fn select(window: &mut Window, action: &str) {
    window.click(action);
}

fn undone(window: &Window) -> Vec<Command> {
    let commands = window.console.commands().into_iter();
    commands
        .filter(|it| matches!(it, Command::UndoEvent(_)))
        .collect()
}

#[test]
fn an_event_shows_what_it_changed_and_is_taken_back_after_a_question() {
    let (mut window, _) = open(record(), None);
    select(&mut window, "ModifyClientVpnEndpoint");
    assert!(window.says("443 → 1194"), "before and after");
    window.press("Undo…");
    assert!(window.says("Take back ModifyClientVpnEndpoint of event 3?"));
    assert!(window.says("1194 → 443"), "what it will do");
    assert_eq!(undone(&window), []);
    window.press("Undo");
    assert_eq!(
        undone(&window),
        [Command::UndoEvent(UndoEvent { event_seq: 3 })]
    );
    assert!(window.says("ModifyClientVpnEndpoint was taken back"));
}

#[test]
fn what_cannot_be_taken_back_says_why_and_is_not_asked_about() {
    let (mut window, _) = open(record(), None);
    select(&mut window, "DeleteCertificate");
    assert!(window.says("It cannot be taken back: the private key is gone."));
    window.press("Undo…");
    assert!(!window.says("Take back"));
    let since = Refusal::new(Code::IncorrectState, "Somebody has changed port since");
    let (mut window, _) = open(record(), Some(since));
    select(&mut window, "ModifyClientVpnEndpoint");
    assert!(window.says("Somebody has changed port since"));
}

#[test]
fn a_refused_event_shows_its_code_and_words_and_is_found_by_them() {
    let (mut window, _) = open(record(), None);
    select(&mut window, "CreateVpc");
    assert!(window.says("A VPC's block is between /28 and /8"));
    assert!(window.says("InvalidVpc.Range"));
    window.type_into("Filter events", "result:range user:bert");
    assert!(window.harness.query_by_label("DeleteCertificate").is_none());
    assert!(
        window
            .harness
            .query_all_by_label("CreateVpc")
            .next()
            .is_some()
    );
}

#[test]
fn events_are_cut_by_time_and_older_ones_follow() {
    let (mut window, asked) = open(record(), None);
    window.press("Show older events");
    assert!(window.says("CreateGroup") && window.says("DeleteCertificate"));
    window.click("Last hour");
    let last = asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last.start_time.as_deref(), Some("2026-11-22T08:41:02Z"));
    assert_eq!(last.next_token, None);
}

#[test]
fn what_is_shown_is_exported_as_json() {
    let (mut window, _) = open(record(), None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.json");
    window.files.next_target(&path);
    window.type_into("Filter events", "name:modify");
    window.press("Export…");
    let text = std::fs::read_to_string(&path).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(saved["Events"].as_array().unwrap().len(), 1);
    assert_eq!(saved["Events"][0]["Changes"][0]["Before"], 443);
    assert!(window.says("1 event was saved"));
}

#[test]
fn the_last_change_of_ones_own_is_taken_back_from_anywhere_by_the_palette() {
    let (mut window, asked) = open(record(), None);
    window.go("Certificates");
    window
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.settle();
    let typed = egui::Event::Text("undo last".to_owned());
    window.harness.event(typed);
    window.settle();
    window.harness.key_press(egui::Key::Enter);
    window.settle();
    // The page asks now and then too, without a name.
    let asked = asked.lock().unwrap().clone();
    let me = Caller::myself(Face::Window).name;
    let mut attributes = asked.iter().flat_map(|it| &it.lookup_attributes);
    assert!(attributes.any(|it| it.key == "Username" && it.value == me));
    assert!(window.says("Take back ModifyClientVpnEndpoint of event 3?"));
    window.press("Undo");
    assert_eq!(undone(&window).len(), 1);
}

#[test]
fn ctrl_z_on_the_page_asks_and_says_where_there_is_nothing() {
    let (mut window, _) = open(record()[1..].to_vec(), None);
    window
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.settle();
    assert!(window.says("None of your latest changes can be taken back"));
    assert_eq!(undone(&window), []);
}

#[test]
fn what_was_loaded_stays_when_somebody_changes_something() {
    let (mut window, asked) = open(record(), None);
    window.press("Show older events");
    assert!(window.says("CreateGroup"));
    window.console.change(|snapshot, _| snapshot.seq += 1);
    window.settle();
    let last = asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last.next_token, None, "it was looked for what is new");
    assert!(window.says("CreateGroup"));
    assert!(window.says("4 of 4"));
}

#[test]
fn reads_are_asked_for_only_where_they_are_shown() {
    let (mut window, asked) = open(record(), None);
    let last = || asked.lock().unwrap().last().cloned().unwrap();
    let only = &last().lookup_attributes[0];
    assert_eq!(
        (only.key.as_str(), only.value.as_str()),
        ("ReadOnly", "false")
    );
    window.click("All, with reads");
    assert!(last().lookup_attributes.is_empty());
}

#[test]
fn a_filter_that_nothing_passes_is_cleared_by_the_one_button() {
    let (mut window, _) = open(record(), None);
    window.type_into("Filter events", "nonsense");
    assert!(window.says("No event passes the filter"));
    window.press("Clear filter");
    assert!(window.says("3 of 3"));
}

#[test]
fn ctrl_z_in_the_filter_takes_back_what_was_typed_and_no_event() {
    let (mut window, _) = open(record(), None);
    window.type_into("Filter events", "Create");
    window
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.settle();
    assert!(!window.says("Take back"));
}

#[test]
fn esc_selects_none() {
    let (mut window, _) = open(record(), None);
    select(&mut window, "CreateVpc");
    assert!(window.says("Close panel"));
    window.harness.key_press(egui::Key::Escape);
    window.settle();
    assert!(!window.says("Close panel"));
}

#[test]
fn where_none_of_the_newest_was_refused_the_older_ones_are_offered() {
    let (mut window, asked) = open(vec![modified()], None);
    window.click("Refused");
    assert!(window.says("There is no such event among the newest"));
    let before = asked.lock().unwrap().len();
    window.click("Show older events");
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), before + 1);
    assert!(asked.last().unwrap().next_token.is_some());
}
