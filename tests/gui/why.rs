//! Why?: asked by a person, answered by the policy that judges packets.

use gatehouse::model::{
    Command, RouteState, RuleState,
    command::{CreateGroup, RevokeIngress},
};

use crate::{
    guide,
    home::{Home, Overlay},
    support::{getting_started::walk_through, window::Window},
};

/// An endpoint with a target network and a rule for all of it, made as a person makes it.
pub(crate) fn office() -> Home {
    let mut home = Home::new();
    let answers = guide::answers(home.dir.path().join("a.ovpn"));
    walk_through(&mut home.window, &answers);
    home.window.wait("everything has taken effect", |window| {
        let snapshot = window.view().snapshot.clone();
        snapshot.rules.iter().all(|r| r.state == RuleState::Active)
            && snapshot
                .routes
                .iter()
                .all(|r| r.state == RouteState::Active)
    });
    home
}

fn ask(window: &mut Window, user: &str, destination: &str) {
    window.go("Why?");
    window.fill("User", user);
    window.fill("Destination address", destination);
    window.press("Explain");
}

/// Takes back the rule for everywhere, and lets only a group into the target network.
fn only_for_a_group(home: &Home) {
    let endpoint = home.window.view().snapshot.endpoints.keys().next().cloned();
    let endpoint = endpoint.expect("the endpoint");
    for network in ["0.0.0.0/0", "192.0.2.0/24"] {
        home.call(Command::RevokeClientVpnIngress(RevokeIngress {
            client_vpn_endpoint_id: endpoint.to_string(),
            target_network_cidr: network.to_owned(),
            revoke_all_groups: true,
            access_group_id: None,
        }));
    }
    home.call(Command::CreateGroup(CreateGroup {
        name: "dba-team".to_owned(),
        sid: Some(SID.to_owned()),
    }));
}

pub(crate) const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1104";

#[test]
fn who_is_let_in_is_told_by_which_rule() {
    let mut home = office();
    let window = &mut home.window;
    ask(window, "a.lindqvist", "192.0.2.10");
    window.wait_for("Allowed: a.lindqvist reaches 192.0.2.10");
    window.wait_for("192.0.2.0/24, All users, Decides");
    window.wait_for("0.0.0.0/0, All users, Shadowed");
    assert!(window.has("VPC reachability, passed"));
    assert!(!window.has("What would allow it"));
}

#[test]
fn a_rule_for_a_group_is_made_and_the_answer_follows_what_is_done_about_it() {
    let mut home = office();
    only_for_a_group(&home);
    let window = &mut home.window;
    ask(window, "m.okafor", "192.0.2.10");
    window.wait_for("Denied: m.okafor cannot reach 192.0.2.10");
    window.wait_for("Authorization rule, refused here");
    assert!(window.has("VPC reachability, not reached"));

    window.press("Authorize ingress…");
    window.wait("the destination is filled in", |window| {
        window.value("Destination network to enable access") == "192.0.2.10/32"
    });
    window.press("Users in a group");
    window.press("Group");
    window.press_containing("dba-team");
    window.press("Authorize ingress");
    window.wait_for("192.0.2.10/32, Group dba-team, Decides");
    window.wait_for("m.okafor is not a member");

    window.press("Add to group…");
    window.wait_for("Add user to group");
    window.press("Add");
    window.wait_for("Allowed: m.okafor reaches 192.0.2.10");
}

#[test]
fn an_address_that_is_none_is_refused_at_its_field() {
    let mut home = office();
    let window = &mut home.window;
    ask(window, "a.lindqvist", "host.example");
    window.wait_for("is not an IPv4 address");
    window.press("Use 10.1.1.9");
    assert_eq!(window.value("Destination address"), "10.1.1.9");
}

#[test]
fn asked_from_a_connection_it_is_filled_in() {
    let mut home = office();
    let overlay = Overlay::new(home.console());
    home.window = Window::open(overlay.clone(), &home.runtime());
    let view = home.window.view();
    overlay.connect(guide::connected(&view));
    let window = &mut home.window;
    window.go("Client VPN Endpoints");
    let endpoint = view
        .snapshot
        .endpoints
        .values()
        .next()
        .expect("it is there");
    window.press_containing(endpoint.title());
    window.tab("Connections");
    window.press_containing("a.lindqvist, Active");
    window.press("Why?");
    window.wait_for("The connection from 10.201.0.2");
    assert_eq!(window.value("User"), "a.lindqvist");
}
