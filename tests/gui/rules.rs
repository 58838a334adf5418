//! Authorization rules with a group, ports and an end.

use gatehouse::model::{Command, command::CreateGroup};
use jiff::{Timestamp, civil::Weekday, tz::TimeZone};

use crate::why::{SID, office};

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
