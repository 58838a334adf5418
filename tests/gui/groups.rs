//! Users and groups.

use gatehouse::model::{Command, Snapshot, command::CreateGroup};

use crate::{home::Home, support::window::Window};

fn with_group() -> Home {
    let home = Home::new();
    home.call(Command::CreateGroup(CreateGroup {
        name: "dba-team".to_owned(),
        sid: Some(SID.to_owned()),
    }));
    home
}

const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1104";

fn members(window: &Window) -> Vec<String> {
    let snapshot: &Snapshot = &window.view().snapshot;
    let groups = snapshot.groups.values();
    groups.flat_map(|group| group.members.clone()).collect()
}

#[test]
fn a_group_is_made_and_gets_a_sid_of_its_own() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Users and groups");
    window.press("Create group…");
    window.fill("Name", "dba-team");
    window.press("Create group");
    window.wait_for("dba-team, 0 members");
    let snapshot = window.view().snapshot.clone();
    let group = snapshot.groups.values().next().expect("it was made");
    assert!(group.sid.as_str().starts_with("S-1-5-21-"), "{}", group.sid);
}

#[test]
fn a_name_that_is_taken_and_a_sid_that_is_none_are_refused_at_their_fields() {
    let mut home = with_group();
    let window = &mut home.window;
    window.go("Users and groups");
    window.press("Create group…");
    window.fill("Name", "dba-team");
    window.press("Create group");
    window.wait_for("is called \"dba-team\" already");
    window.fill("Name", "staff");
    window.fill("SID", "dba");
    window.press("Create group");
    window.wait_for("is not of the form");
    assert_eq!(window.view().snapshot.groups.len(), 1);
}

#[test]
fn a_member_is_added_removed_and_brought_back_by_undo() {
    let mut home = with_group();
    let window = &mut home.window;
    window.go("Users and groups");
    window.press("dba-team, 0 members");
    window.press("Add user…");
    window.fill("User", "m.okafor");
    window.press("Add");
    window.wait_for("m.okafor, member");
    assert_eq!(members(window), ["m.okafor"]);
    window.press("m.okafor, member");
    window.press("Remove from group");
    window.wait("the member is gone", |window| members(window).is_empty());
    window.press("Undo");
    window.wait("the member is back", |window| !members(window).is_empty());
    window.press("Users 1");
    window.wait_for("m.okafor, dba-team");
}

#[test]
fn a_group_is_deleted_after_a_question() {
    let mut home = with_group();
    let window = &mut home.window;
    window.go("Users and groups");
    window.press("dba-team, 0 members");
    window.press("Delete group…");
    window.press("Delete group");
    window.wait("the group is gone", |window| {
        window.view().snapshot.groups.is_empty()
    });
    window.wait_for("No groups yet");
}
