//! Scenarios: done by a person who only presses what is offered.

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use gatehouse::model::{
    Access, Answer, AssociationState, Command, EndpointId, Snapshot,
    command::{CreateNetworkInterface, CreateSubnet, CreateVpc},
};

use crate::{
    guide,
    home::Home,
    site::Site,
    support::getting_started::{certificates, endpoint},
    support::window::Window,
};

/// A VPC with one subnet, made behind the window's back.
fn network(home: &Home) {
    let vpc = home.call(Command::CreateVpc(CreateVpc {
        cidr_block: "192.0.2.0/24".to_owned(),
        ..CreateVpc::default()
    }));
    let Answer::Vpc(vpc) = vpc else {
        panic!("no VPC: {vpc:?}");
    };
    home.call(Command::CreateSubnet(CreateSubnet {
        vpc_id: vpc.id.to_string(),
        cidr_block: "192.0.2.0/25".to_owned(),
        ..CreateSubnet::default()
    }));
}

#[test]
fn access_to_a_vpc_is_had_by_doing_all_that_is_missing() {
    let mut home = Home::new();
    home.window.go("Scenarios");
    home.window.wait_for("No endpoint yet");
    home.window.press("Getting Started");
    let answers = guide::answers(home.dir.path().join("a.ovpn"));
    certificates(&mut home.window, &answers.certificates);
    endpoint(&mut home.window, &answers);

    home.window.go("Scenarios");
    home.window.wait_for("No subnet can be a target network");
    network(&home);
    let window = &mut home.window;
    window.wait_for("can be one");
    window.press("Do all missing steps");
    window.wait_for("Everything is there");
    let snapshot = window.view().snapshot.clone();
    let association = snapshot.associations.values().next().expect("it was made");
    assert_ne!(association.state, AssociationState::Disassociating);
    let [rule] = snapshot.rules.as_slice() else {
        panic!("{:?}", snapshot.rules);
    };
    assert_eq!(rule.destination.to_string(), "192.0.2.0/24");
    assert_eq!(rule.access, Access::AllUsers);

    window.press("Why?");
    window.fill("User", "a.lindqvist");
    window.fill("Destination address", "192.0.2.10");
    window.press("Explain");
    window.wait_for("Allowed: a.lindqvist reaches 192.0.2.10");
}

/// Chooses a scenario for the only endpoint.
fn choose(home: &mut Home, scenario: &str) {
    home.window.go("Scenarios");
    home.window.press(scenario);
}

/// Presses what does the rest, and waits until nothing is missing.
fn complete(home: &mut Home) {
    home.window.press("Do all missing steps");
    home.window.wait_for("Everything is there");
}

#[test]
fn access_to_a_peered_vpc_is_had() {
    let (mut site, endpoint) = Site::open();
    site.home.call(Command::CreateVpc(CreateVpc {
        cidr_block: "10.1.0.0/16".to_owned(),
        ..CreateVpc::default()
    }));
    choose(&mut site.home, "Access to a peered VPC");
    complete(&mut site.home);
    let snapshot = site.home.window.view().snapshot.clone();
    assert_eq!(snapshot.peering_connections.len(), 1);
    expect_open(&snapshot, &endpoint, "10.1.0.0/16");
}

#[test]
fn access_to_an_on_premises_network_is_had() {
    let (mut site, endpoint) = Site::open();
    choose(&mut site.home, "Access to an on-premises network");
    site.home.window.fill("Network to reach", "192.168.0.0/16");
    site.home.window.harness.key_press(egui::Key::Tab);
    complete(&mut site.home);
    let snapshot = site.home.window.view().snapshot.clone();
    assert_eq!(snapshot.vpn_connections.len(), 1);
    expect_open(&snapshot, &endpoint, "192.168.0.0/16");
}

#[test]
fn access_to_the_internet_is_had() {
    let (mut site, endpoint) = Site::open();
    choose(&mut site.home, "Access to the internet");
    complete(&mut site.home);
    let snapshot = site.home.window.view().snapshot.clone();
    assert!(snapshot.internet_gateway_of(&site.vpc).is_some());
    expect_open(&snapshot, &endpoint, "0.0.0.0/0");
}

/// A route and a rule for everyone lead to `destination`.
fn expect_open(snapshot: &Snapshot, endpoint: &EndpointId, destination: &str) {
    let mut routes = snapshot.routes.iter();
    assert!(
        routes.any(|it| it.endpoint_id == *endpoint && it.destination.to_string() == destination)
    );
    let mut rules = snapshot.rules.iter();
    assert!(
        rules.any(|it| it.access == Access::AllUsers && it.destination.to_string() == destination)
    );
}

/// The identifier of a resource at 10.0.0.9, described behind the window's back.
fn resource(site: &Site) -> String {
    let command = CreateNetworkInterface {
        subnet_id: site.subnets[0].id.to_string(),
        private_ip_address: "10.0.0.9".to_owned(),
        ..CreateNetworkInterface::default()
    };
    let answer = site.home.call(Command::CreateNetworkInterface(command));
    match answer {
        Answer::Resource(resource) => resource.id.to_string(),
        other => panic!("no resource: {other:?}"),
    }
}

/// Presses the step that takes something away from others, which is never done along with the
/// rest, until nothing is missing.
fn change_admission(window: &mut Window) {
    const DONE: &str = "Everything is there";
    const STEP: &str = "Change admission";
    window.wait(DONE, |window| {
        let mut steps = window.harness.query_all_by_label(STEP);
        if let Some(step) = steps.find(|it| !it.accesskit_node().is_disabled()) {
            step.click();
        }
        window.says(DONE)
    });
}

#[test]
fn a_resource_admits_only_vpn_clients_and_then_all_but_them() {
    let (mut site, _) = Site::open();
    let resource = resource(&site);
    choose(&mut site.home, "Restrict access to specific resources");
    let window = &mut site.home.window;
    window.press("Resource");
    window.press_containing(&resource);
    window.press("Only VPN clients");
    window.press("Do all missing steps");
    change_admission(window);
    let ask = |window: &mut Window| {
        window.go("Why?");
        window.fill("User", "a.lindqvist");
        window.fill("Destination address", "10.0.0.9");
        window.press("Explain");
    };
    ask(&mut site.home.window);
    site.home
        .window
        .wait_for("Allowed: a.lindqvist reaches 10.0.0.9");

    choose(&mut site.home, "Restrict access to specific resources");
    site.home.window.press("Never VPN clients");
    change_admission(&mut site.home.window);
    ask(&mut site.home.window);
    site.home
        .window
        .wait_for("Denied: a.lindqvist cannot reach 10.0.0.9");
}
