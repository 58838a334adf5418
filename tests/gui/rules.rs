//! Authorization rules with a group, ports and an end; and revoked again.

use std::time::Duration;

use gatehouse::{
    control::client::{Client, Profile},
    model::{Command, RuleState, command::CreateGroup},
};
use jiff::{Timestamp, civil::Weekday, tz::TimeZone};

use crate::{
    home::Home,
    support::window::Window,
    why::{SID, office},
};

#[test]
fn a_rule_is_limited_to_a_group_to_ports_and_to_a_time() {
    let mut home = office();
    home.call(Command::CreateGroup(CreateGroup {
        name: "dba-team".to_owned(),
        sid: Some(SID.to_owned()),
    }));
    let window = &mut home.window;
    window.go("Client VPN Endpoints");
    let view = window.view();
    let endpoint = view.snapshot.endpoints.values().next();
    window.press_containing(endpoint.expect("it is there").title());
    window.tab("Authorization");
    window.press("Authorize ingress");
    window.fill("Destination network to enable access", "192.0.2.128/25");
    window.press("Users in a group");
    window.press("Authorize ingress");
    window.wait_for("Choose the group whose members are let in");
    window.press("Group");
    window.press_containing("dba-team");
    window.press("Protocol");
    window.press("TCP");
    window.fill("Ports", "5433-5432");
    window.press("Valid until");
    window.press("Friday 18:00");
    window.press("Authorize ingress");
    window.wait_for("is neither a port");
    window.fill("Ports", "5432-5433");
    window.press("Authorize ingress");
    window.wait_for("192.0.2.128/25, dba-team, Active");

    let snapshot = window.view().snapshot.clone();
    let mut rules = snapshot.rules.iter();
    let rule = rules.find(|rule| rule.access.group().is_some());
    let rule = rule.expect("it was made");
    assert_eq!(
        rule.access.group().map(ToString::to_string).as_deref(),
        Some(SID)
    );
    assert_eq!(rule.limits.traffic(), "tcp 5432-5433");
    let end: Timestamp = rule.limits.expires_at.expect("it ends");
    let end = end.to_zoned(TimeZone::UTC);
    assert_eq!((end.weekday(), end.hour()), (Weekday::Friday, 18));
}

/// A client of our own, connected with the file that the guide wrote.
pub(crate) fn connected(home: &Home) -> Client {
    let file = home.dir.path().join("a.ovpn");
    let text = std::fs::read_to_string(file).expect("the guide wrote it");
    let mut profile = Profile::parse(&text).expect("it is one of ours");
    for remote in &mut profile.remotes {
        remote.host = "127.0.0.1".to_owned();
    }
    let client = Client::connect(&profile, Duration::from_secs(20), |_, _| ());
    let client = home.runtime().block_on(client);
    client.expect("the gateway lets it in")
}

#[test]
fn a_rule_is_revoked_once_it_is_said_who_loses_what_and_brought_back_by_undo() {
    let mut home = office();
    let client = connected(&home);
    let window = &mut home.window;
    window.go("Client VPN Endpoints");
    window.press_containing("corp-staff");
    window.tab("Authorization");
    let everywhere = |window: &Window| {
        let snapshot = window.view().snapshot.clone();
        snapshot
            .rules
            .iter()
            .any(|rule| rule.destination.prefix_len() == 0 && rule.state == RuleState::Active)
    };
    window.press("0.0.0.0/0, All users, Active");
    window.press("Revoke ingress");
    window.wait_for("Revoke 0.0.0.0/0 for all users?");
    window.wait_for("The one live session changes");
    window.wait_for("a.lindqvist loses");
    assert!(everywhere(window), "it was only looked at");
    window.press("Revoke ingress");
    window.wait_for("Rule for 0.0.0.0/0 revoked");
    window.wait("the rule is gone", |window| {
        let rules = &window.view().snapshot.rules;
        rules.iter().all(|rule| rule.destination.prefix_len() > 0)
    });
    window.press("Undo");
    window.wait("the rule is back", everywhere);
    home.runtime().block_on(client.leave());
}
