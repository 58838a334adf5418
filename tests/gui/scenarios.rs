//! Scenarios: done by a person who only presses what is offered.

use gatehouse::model::{
    Access, Answer, AssociationState, Command,
    command::{CreateSubnet, CreateVpc},
};

use crate::{
    guide,
    home::Home,
    support::getting_started::{certificates, endpoint},
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
