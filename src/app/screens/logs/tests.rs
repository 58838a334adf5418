//! The page by its labels: search, follow, details, export, and what is empty.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use egui_kittest::kittest::Queryable as _;

use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{
        Answer, Code, Command, ConnectionLog, LogEvent, LogEventPage, Refusal, UnprovenPrefix,
        command::FilterLogEvents,
    },
};

/// What a record says of a client that was turned away, or came in.
fn message(user: &str, is_in: bool) -> String {
    let (status, reason, explanation, next) = if is_in {
        (
            "successful",
            "NA",
            format!("{user} came in from 198.51.100.7."),
            "Nothing needs to be done.",
        )
    } else {
        (
            "failed",
            "certificate-expired",
            format!("The certificate of {user} has expired."),
            "Renew the client's certificate.",
        )
    };
    serde_json::json!({
        "connection-log-type": "connection-attempt",
        "connection-attempt-status": status,
        "connection-reset-status": "NA",
        "connection-attempt-failure-reason": reason,
        "connection-id": "cvpn-connection-01010101010101010",
        "client-vpn-endpoint-id": sample::endpoint_id(1),
        "transport-protocol": "udp",
        "connection-start-time": "NA",
        "connection-last-update-time": "2026-11-22 09:40:00",
        "client-ip": "NA",
        "common-name": user,
        "device-type": "linux",
        "device-ip": "198.51.100.7",
        "port": "51820",
        "ingress-bytes": "0",
        "egress-bytes": "0",
        "ingress-packets": "0",
        "egress-packets": "0",
        "connection-end-time": "NA",
        "connection-duration-seconds": "0",
        "username": "NA",
        "explanation": explanation,
        "next-step": next,
    })
    .to_string()
}

fn event(seq: u64, user: &str, is_in: bool) -> LogEvent {
    LogEvent {
        seq,
        stream: "office".to_owned(),
        at: crate::app::testing::now(),
        ingested_at: crate::app::testing::now(),
        message: message(user, is_in),
    }
}

/// A log as the service has it: the oldest event first.
type Log = Arc<Mutex<Vec<LogEvent>>>;

/// Answers as the service would, up to `page` events at once.
fn search(log: &[LogEvent], wanted: &FilterLogEvents, page: usize) -> LogEventPage {
    let words = wanted.filter_pattern.clone().unwrap_or_default();
    let matches = |event: &&LogEvent| event.message.contains(&words);
    let at = |token: &Option<String>| token.as_ref().map(|it| it.parse::<u64>().unwrap());
    let newest = log.last().map_or(0, |event| event.seq);
    if wanted.newest_first {
        let before = at(&wanted.next_token).unwrap_or(u64::MAX);
        let older = log.iter().rev().filter(|event| event.seq < before);
        let mut events: Vec<_> = older.filter(matches).cloned().collect();
        let is_more = events.len() > page;
        events.truncate(page);
        return LogEventPage {
            next_backward_token: events
                .last()
                .filter(|_| is_more)
                .map(|event| event.seq.to_string()),
            events,
            next_forward_token: None,
            resume_token: Some(newest.to_string()),
        };
    }
    let after = at(&wanted.next_token).unwrap_or(0);
    let newer = log.iter().filter(|event| event.seq > after);
    LogEventPage {
        events: newer.filter(matches).cloned().collect(),
        resume_token: Some(newest.to_string()),
        ..LogEventPage::default()
    }
}

/// The page on a log with these events.
fn open_with(events: Vec<LogEvent>, page: usize) -> (Window, Log) {
    let (mut snapshot, live) = sample::office();
    snapshot
        .log_groups
        .insert("vpn".to_owned(), sample::log_group("vpn"));
    let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1));
    endpoint.unwrap().connection_log = Some(ConnectionLog {
        group: "vpn".to_owned(),
        stream: "office".to_owned(),
    });
    let console = FakeConsole::new(snapshot, live);
    let log: Log = Arc::new(Mutex::new(events));
    let answering = Arc::clone(&log);
    console.answer(move |request| match &request.command {
        Command::FilterLogEvents(wanted) => {
            let pattern = wanted.filter_pattern.as_deref();
            if pattern == Some("{ $.a") {
                let refusal = Refusal::new(
                    Code::InvalidParameterException,
                    "The pattern cannot be read at character 6",
                );
                return Some(Err(refusal.at("filterPattern")));
            }
            let log = answering.lock().unwrap();
            Some(Ok(Answer::LogEvents(search(&log, wanted, page))))
        }
        Command::DescribeLogStreams(_) => {
            let streams = ["lab", "office"].map(|name| sample::log_stream("vpn", name));
            Some(Ok(Answer::LogStreams(streams.to_vec())))
        }
        Command::DescribeLogGroups(_) => {
            let mut group = sample::log_group("vpn");
            group.stored_bytes = 4 << 20;
            Some(Ok(Answer::LogGroups(vec![group])))
        }
        _ => None,
    });
    let mut window = Window::open(console);
    window.go("Logs");
    window.settle();
    (window, log)
}

/// Lets the window's clock go on by a bit more than a second.
fn a_second(window: &mut Window) {
    window.harness.run_steps(80);
    window.settle();
}

fn open() -> (Window, Log) {
    open_with(
        vec![
            event(1, "ana", false),
            event(2, "bruno", true),
            event(3, "chen", false),
        ],
        100,
    )
}

#[test]
fn each_event_says_who_what_and_what_to_do() {
    let (mut window, _) = open();
    assert!(window.says("3 events"));
    window.click("Turned away, ana, The certificate of ana has expired.");
    assert!(window.says("Renew the client's certificate."));
    assert!(window.says("connection-attempt-failure-reason"));
    window.press("Copy event");
    window.press("Close panel");
    assert!(!window.says("Renew the client's certificate."));
}

#[test]
fn a_search_is_the_services_and_what_is_wrong_with_it_is_said_below() {
    let (mut window, _) = open();
    window.type_into("Search events", "bruno");
    a_second(&mut window);
    assert!(window.says("1 event"));
    assert!(!window.says("The certificate of ana"));
    window.type_into("Search events", "x");
    a_second(&mut window);
    assert!(window.says("No event matches"));
    window.press("Clear search");
    assert!(window.says("3 events"));
    window.type_into("Search events", "{ $.a");
    a_second(&mut window);
    assert!(window.says("The pattern cannot be read at character 6"));
}

#[test]
fn new_events_come_by_themselves_while_they_are_followed() {
    let (mut window, log) = open();
    log.lock().unwrap().push(event(4, "dora", true));
    a_second(&mut window);
    assert!(window.says("4 events"));
    window.press("Follow");
    log.lock().unwrap().push(event(5, "emil", true));
    a_second(&mut window);
    assert!(!window.says("emil"));
    window.press("Follow");
    a_second(&mut window);
    assert!(window.says("5 events"));
}

/// Has the service not answer a search as long as this is set, and then give as many at once.
fn is_away(window: &Window, log: &Log, at_once: usize) -> Arc<AtomicBool> {
    let away = Arc::new(AtomicBool::new(true));
    let (is_set, answering) = (Arc::clone(&away), Arc::clone(log));
    window
        .console
        .answer(move |request| match &request.command {
            Command::FilterLogEvents(_) if is_set.load(Ordering::SeqCst) => {
                let refusal = Refusal::new(Code::Unavailable, "The gateway does not answer");
                Some(Err(refusal))
            }
            Command::FilterLogEvents(wanted) => {
                let log = answering.lock().unwrap();
                Some(Ok(Answer::LogEvents(search(&log, wanted, at_once))))
            }
            _ => None,
        });
    away
}

#[test]
fn following_goes_on_when_the_service_is_back() {
    let (mut window, log) = open();
    let away = is_away(&window, &log, 100);
    a_second(&mut window);
    assert!(window.says("The gateway does not answer"));
    log.lock().unwrap().push(event(4, "dora", true));
    away.store(false, Ordering::SeqCst);
    a_second(&mut window);
    assert!(window.says("4 events"));
    assert!(!window.says("The gateway does not answer"));
}

#[test]
fn a_long_log_is_read_page_by_page_and_only_what_is_seen_is_drawn() {
    let events = (1..=12_000).map(|n| event(n, &format!("user-{n}"), true));
    let (mut window, _) = open_with(events.collect(), 4_000);
    window.settle();
    assert!(window.says("12,000 events") || window.says("12000 events"));
    let rows = window.harness.query_all_by_label_contains("Came in, user-");
    assert!(rows.count() < 100);
    assert!(window.says("user-12000"), "the newest is first");
}

#[test]
fn stream_and_time_narrow_what_is_asked_for() {
    let (mut window, _) = open();
    window.choose("Log stream", "lab");
    window.click("1 h");
    let last = window.console.commands().into_iter().rev();
    let asked = last
        .filter_map(|command| match command {
            Command::FilterLogEvents(wanted) if wanted.newest_first => Some(wanted),
            _ => None,
        })
        .next()
        .unwrap();
    assert_eq!(asked.log_stream_names, ["lab"]);
    let hour_ago = crate::app::testing::now() - jiff::SignedDuration::from_hours(1);
    assert_eq!(asked.start_time, Some(hour_ago.as_millisecond()));
}

#[test]
fn events_are_exported_as_json_and_as_csv_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let (mut window, _) = open();
    for (item, name) in [("As JSON…", "a.json"), ("As CSV…", "a.csv")] {
        window.files.next_target(dir.path().join(name));
        window.press("Export");
        window.click(item);
        window.settle();
        assert!(window.says("3 events were saved to "));
    }
    let json = std::fs::read_to_string(dir.path().join("a.json")).unwrap();
    let events: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["common-name"], "ana");
    let csv = std::fs::read_to_string(dir.path().join("a.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("connection-log-type,connection-attempt-status,"));
    assert!(lines[1].contains(",certificate-expired,") && lines[1].contains(",ana,"));
    let proposed = window.files.proposed.lock().unwrap().clone();
    assert_eq!(proposed, ["vpn.json", "vpn.csv"]);
}

#[test]
fn without_a_log_group_there_is_one_button_and_it_makes_one() {
    let (snapshot, live) = sample::office();
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.go("Logs");
    assert!(window.says("No log groups yet"));
    window.press("Create log group…");
    window.type_into("Name", "client-vpn");
    window.press("Create log group");
    let sent = window.console.commands();
    assert!(sent.iter().any(|command| matches!(
        command,
        Command::CreateLogGroup(it) if it.log_group_name == "client-vpn"
    )));
}

#[test]
fn a_group_is_kept_for_days_shown_with_its_size_and_deleted_by_name() {
    let (mut window, _) = open();
    window.click("Log groups");
    assert!(window.says("4.0 MiB"));
    assert!(window.says("corp-staff"));
    window.click("vpn, keeps events: For good");
    window.settle();
    assert!(window.says("office"));
    window.press("Set retention…");
    window.choose("Keep events for", "30 days");
    window.press("Save");
    window.press("Delete log group…");
    window.type_into("Type vpn to confirm", "vpn");
    window.press("Delete log group");
    let sent = window.console.commands();
    assert!(sent.iter().any(|command| matches!(
        command,
        Command::PutRetentionPolicy(it) if it.retention_in_days == Some(30)
    )));
    assert!(sent.iter().any(|command| matches!(
        command,
        Command::DeleteLogGroup(it) if it.log_group_name == "vpn"
    )));
}

#[test]
fn what_cost_no_record_is_counted_by_where_it_came_from() {
    let (mut window, _) = open();
    window.click("Without a record");
    assert!(window.says("Every attempt has a record so far"));
    window.console.change(|_, live| {
        live.gateway.unproven_prefixes = vec![
            UnprovenPrefix {
                prefix: "203.0.113.0/24".parse().ok(),
                count: 1200,
                reasons: [("bad-cookie".to_owned(), 1200)].into(),
                last_at: crate::app::testing::now(),
            },
            UnprovenPrefix {
                prefix: None,
                count: 7,
                reasons: [("truncated".to_owned(), 7)].into(),
                last_at: crate::app::testing::now(),
            },
        ];
    });
    window.settle();
    assert!(window.says("203.0.113.0/24, bad cookie 1,200"));
    assert!(window.says("All others, truncated 7"));
}

/// Lines of a log that are no records of a connection: short, as there are many.
fn lines(count: u64) -> Vec<LogEvent> {
    let line = |seq: u64| LogEvent {
        message: format!("line {seq}"),
        ..event(seq, "", true)
    };
    (1..=count).map(line).collect()
}

#[test]
fn an_export_says_how_many_were_saved_and_what_is_not_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut events = lines(20_001);
    events.push(event(20_002, "ana", true));
    let (mut window, _) = open_with(events, 20_000);
    for (item, words) in [
        ("As JSON…", "20,000 events were saved to "),
        ("As CSV…", "1 event was saved to "),
    ] {
        let path = dir.path().join("a");
        window.files.next_target(&path);
        window.press("Export");
        window.click(item);
        assert!(window.says(&format!("{words}{}", path.display())));
    }
    assert!(window.says("19,999 are no records of a connection, and not in it"));
    assert!(window.says("; older ones are not loaded, and not in it"));
}

#[test]
fn new_events_wait_while_the_pointer_is_over_the_list() {
    let (mut window, log) = open();
    let ana = "Turned away, ana, The certificate of ana has expired.";
    window.harness.get_by_label("Live");
    window.harness.get_by_label(ana).hover();
    window.settle();
    let place = window.harness.get_by_label(ana).rect();
    log.lock().unwrap().push(event(4, "dora", true));
    a_second(&mut window);
    assert!(window.says("Live, 1 new row waits"));
    log.lock().unwrap().push(event(5, "emil", true));
    a_second(&mut window);
    assert!(window.says("Live, 2 new rows wait"));
    assert!(window.says("3 events") && !window.says("emil"));
    assert_eq!(window.harness.get_by_label(ana).rect(), place);
    window.harness.get_by_label("Search events").hover();
    window.settle();
    window.harness.get_by_label("Live");
    assert!(window.says("5 events") && window.says("emil"));
}

/// How many pages of older events were asked for.
fn asked_for_older(window: &Window) -> usize {
    let asked = window.console.commands().into_iter();
    let is_older = |command: &Command| matches!(command, Command::FilterLogEvents(it) if it.newest_first && it.next_token.is_some());
    asked.filter(is_older).count()
}

#[test]
fn older_events_are_asked_for_once_and_the_rows_that_are_read_stay_where_they_are() {
    let (mut window, log) = open_with(lines(20_100), 20_000);
    window.click("line 20100");
    for _ in 0..3 {
        window.harness.key_press(egui::Key::PageDown);
        window.settle();
    }
    let button = "Load older events";
    window.harness.get_by_label(button).hover();
    window.settle();
    let at = |window: &Window| {
        let row = egui::Role::Row;
        let harness = &window.harness;
        harness.get_by_role_and_label(row, "line 20080").rect()
    };
    let place = at(&window);
    log.lock().unwrap().push(lines(20_101).pop().unwrap());
    // Nothing comes back before the tasks are run.
    for _ in 0..2 {
        window.harness.get_by_label(button).click();
        window.harness.run_steps(4);
    }
    a_second(&mut window);
    assert_eq!(asked_for_older(&window), 1);
    assert!(window.says("20,100 events"));
    assert!(window.says("Live, 1 new row waits"), "it is scrolled down");
    assert!(!window.says(button), "there are none before the first");
    assert_eq!(at(&window), place);
    window.click("line 20080");
    window.harness.key_press(egui::Key::Home);
    window.settle();
    window.harness.get_by_label("Search events").hover();
    window.settle();
    assert!(window.says("20,101 events") && window.says("line 20101"));
}

#[test]
fn what_is_older_can_be_asked_for_again_when_the_service_is_back() {
    let (mut window, log) = open_with(lines(20_100), 20_000);
    window.press("Follow");
    let away = is_away(&window, &log, 20_000);
    window.press("Load older events");
    assert!(window.says("The gateway does not answer"));
    assert!(window.says("20,000 events"));
    away.store(false, Ordering::SeqCst);
    window.press("Load older events");
    assert!(window.says("20,100 events"));
    assert!(!window.says("The gateway does not answer"));
}

#[test]
fn the_selected_events_are_copied_as_a_table() {
    let (mut window, log) = open();
    log.lock().unwrap().extend(lines(4).pop());
    a_second(&mut window);
    assert_eq!(window.copied(), None, "nothing is selected");
    window.click("line 4");
    window
        .harness
        .get_by_label("Came in, bruno, bruno came in from 198.51.100.7.")
        .click_modifiers(egui::Modifiers::COMMAND);
    window.settle();
    assert!(window.says("2 of 4 selected"));
    let endpoint = "corp-staff";
    assert_eq!(
        window.copied().unwrap(),
        format!(
            "22 Nov 2026, 09:41:02 UTC\tline 4\n\
             22 Nov 2026, 09:41:02 UTC\tCame in\tbruno\t198.51.100.7:51820\t{endpoint}\t\
             bruno came in from 198.51.100.7.\n"
        )
    );
    window.harness.key_press(egui::Key::Escape);
    window.settle();
    assert!(window.says("4 events"), "Esc selects none");
}

#[test]
fn what_happened_has_the_room_and_the_controls_have_one_height() {
    let (mut window, _) = open();
    let rect = |label: &str| window.harness.get_by_label(label).rect();
    let what = rect("What happened");
    assert!(what.width() > 420.0, "{what:?}");
    assert!(window.harness.query_by_label("Endpoint").is_none());
    let middle = rect("Log group").center().y;
    for label in ["Log group", "Log stream", "What is shown", "Time range"] {
        let it = rect(label);
        assert_eq!((it.height(), it.center().y), (28.0, middle), "{label}");
    }
    window.harness.set_size(egui::vec2(960.0, 600.0));
    window.settle();
    let range = window.harness.get_by_label("Time range").rect();
    assert!(range.right() <= 940.0, "{range:?}");
    window.harness.set_size(egui::vec2(1920.0, 1080.0));
    window.settle();
    window.harness.get_by_label("Endpoint");
    let what = window.harness.get_by_label("What happened").rect();
    assert!(what.right() > 1890.0, "{what:?}");
}

#[test]
fn keys_delete_a_log_group_or_its_stream_once_asked_and_esc_selects_none() {
    let (mut window, _) = open();
    let key = |window: &mut Window, key: egui::Key| {
        window.harness.key_press(key);
        window.settle();
    };
    window.click("Log groups");
    window.click("vpn, keeps events: For good");
    key(&mut window, egui::Key::Delete);
    assert!(window.says("Delete vpn?"));
    window.press("Cancel");
    window.click("office");
    key(&mut window, egui::Key::Delete);
    assert!(window.says("Delete office?"));
    window.press("Cancel");
    key(&mut window, egui::Key::Escape);
    assert!(window.says("Set retention…"), "the group is still selected");
    key(&mut window, egui::Key::Escape);
    assert!(!window.says("Set retention…"));
    key(&mut window, egui::Key::Delete);
    assert!(!window.says("Delete vpn?"));
}

#[test]
fn groups_and_their_streams_are_copied_the_stream_where_one_is_selected() {
    let (mut window, _) = open();
    window.click("Log groups");
    window.click("vpn, keeps events: For good");
    let group = window.copied().unwrap();
    assert!(group.starts_with("vpn\tFor good\t4.0 MiB\t"), "{group}");
    assert!(group.ends_with("\tcorp-staff\n"), "{group}");
    window.click("office");
    assert!(window.copied().unwrap().starts_with("office\t"));
}

#[test]
fn a_reason_that_is_cut_is_whole_on_hover_and_in_the_panel() {
    let name = "a".repeat(120);
    let whole = format!("The certificate of {name} has expired.");
    let (mut window, _) = open_with(vec![event(1, &name, false)], 100);
    let said = |window: &Window| {
        let all = window.harness.query_all_by_label(&whole);
        all.count()
    };
    assert_eq!(said(&window), 1);
    window.harness.get_by_label(&whole).hover();
    a_second(&mut window);
    assert_eq!(said(&window), 2, "the tooltip says it too");
    window.click(&format!("Turned away, {name}, {whole}"));
    assert!(window.says(&format!("{whole} Renew the client's certificate.")));
}

#[test]
fn an_export_says_that_older_events_lack_also_where_they_were_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mut window, _) = open_with(lines(20_100), 20_000);
    window.press("Follow");
    window.console.answer(|request| match &request.command {
        Command::FilterLogEvents(_) => {
            let refusal = Refusal::new(Code::InvalidPaginationToken, "There is no such page");
            Some(Err(refusal))
        }
        _ => None,
    });
    window.press("Load older events");
    window.files.next_target(dir.path().join("a"));
    window.press("Export");
    window.click("As JSON…");
    assert!(window.says("; older ones are not loaded, and not in it"));
}
