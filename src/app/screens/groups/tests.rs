//! The page by its labels: what a filter leaves, and its keys.

use egui::Key;
use egui_kittest::kittest::Queryable as _;

use crate::{
    app::testing::{FakeConsole, Window, sample},
    model::{Command, Group, Sid},
};

fn open() -> Window {
    let (mut snapshot, live) = sample::office();
    let sid: Sid = "S-1-5-21-1-2-3-1105".parse().unwrap();
    let group = Group {
        sid: sid.clone(),
        name: "engineering".to_owned(),
        members: ["a.lindqvist", "b.castro"].map(str::to_owned).into(),
    };
    snapshot.groups.insert(sid, group.into());
    let mut window = Window::open(FakeConsole::new(snapshot, live));
    window.go("Users and groups");
    window
}

fn key(window: &mut Window, key: Key) {
    window.harness.key_press(key);
    window.settle();
}

#[test]
fn a_filter_that_nothing_passes_is_said_and_cleared() {
    let mut window = open();
    window.type_into("Filter users and groups", "nothing like it");
    assert!(window.says("No group passes the filter"));
    window.press("Clear filter");
    assert!(window.says("engineering, "));
    window.type_into("Filter users and groups", "nothing like it");
    let segments = window.harness.query_all_by_role(egui::Role::RadioButton);
    let users = segments.last().unwrap();
    users.click();
    window.settle();
    assert!(window.says("No user passes the filter"));
    window.press("Clear filter");
    assert!(window.says("a.lindqvist, "));
}

#[test]
fn a_key_deletes_the_selected_group_once_asked_and_esc_selects_none() {
    let mut window = open();
    window.click("engineering, 2 members");
    assert!(window.says("Delete group…"));
    key(&mut window, Key::Delete);
    assert!(window.says("Delete engineering?"));
    window.press("Delete group");
    let sent = window.console.commands();
    assert!(matches!(sent.last(), Some(Command::DeleteGroup(_))));
    key(&mut window, Key::Escape);
    assert!(!window.says("Delete group…"), "nothing is selected");
    key(&mut window, Key::Delete);
    assert!(!window.says("Delete engineering?"));
}

#[test]
fn keys_are_the_panels_while_members_are_selected() {
    let mut window = open();
    window.click("engineering, 2 members");
    window.click("Select a.lindqvist");
    key(&mut window, Key::Delete);
    assert!(!window.says("Delete engineering?"));
    let sent = window.console.commands();
    assert!(matches!(sent.last(), Some(Command::RemoveUserFromGroup(_))));
    key(&mut window, Key::Escape);
    assert!(window.says("Delete group…"), "the group is still selected");
    key(&mut window, Key::Escape);
    assert!(!window.says("Delete group…"));
}

#[test]
fn the_selected_rows_are_copied_those_of_the_panel_where_it_has_any() {
    let mut window = open();
    window.click("engineering, 2 members");
    let group = window.copied().unwrap();
    assert_eq!(group, "engineering\tS-1-5-21-1-2-3-1105\t2\t\n");
    window.click("Select a.lindqvist");
    assert!(window.copied().unwrap().starts_with("a.lindqvist\t"));
}

#[test]
fn members_selected_in_one_group_are_not_in_the_next() {
    let mut window = open();
    window.console.change(|snapshot, _| {
        let sid: Sid = "S-1-5-21-1-2-3-1106".parse().unwrap();
        let group = Group {
            sid: sid.clone(),
            name: "staff".to_owned(),
            members: ["a.lindqvist".to_owned()].into(),
        };
        snapshot.groups.insert(sid, group.into());
    });
    window.settle();
    window.click("engineering, 2 members");
    window.click("Select a.lindqvist");
    window.click("staff, 1 member");
    key(&mut window, Key::Delete);
    assert!(window.console.commands().is_empty());
    assert!(window.says("Delete staff?"));
}
