//! VPCs, subnets, address blocks and internet gateways.

use gatehouse::model::{Command, Tags, command::CreateVpc};

use crate::home::Home;

fn with_vpc() -> Home {
    let home = Home::new();
    home.call(Command::CreateVpc(CreateVpc {
        cidr_block: "10.1.0.0/16".to_owned(),
        tags: Tags::from([("Name".to_owned(), "office".to_owned())]),
    }));
    home
}

#[test]
fn a_vpc_and_a_subnet_are_made() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("VPCs and subnets");
    window.press("Create VPC…");
    window.fill("Name", "office");
    window.fill("Address block", "10.1.0.0/16");
    window.press("Create VPC");
    window.press("office, 10.1.0.0/16");
    window.press("Create subnet…");
    window.fill("Name", "office-a");
    window.fill("Addresses", "10.1.1.0/24");
    window.press("Create subnet");
    window.wait_for("Subnet created");
    let snapshot = window.view().snapshot.clone();
    let subnet = snapshot.subnets.values().next().expect("it was made");
    assert_eq!(subnet.title(), "office-a");
    assert_eq!(subnet.cidr.to_string(), "10.1.1.0/24");
    assert_eq!(subnet.availability_zone, "local-1a");
}

#[test]
fn a_field_is_judged_when_it_is_left_and_mended_by_its_cure() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("VPCs and subnets");
    window.press("Create VPC…");
    window.fill("Address block", "10.1.2.3/16");
    window.harness.key_press(egui::Key::Tab);
    window.press("Use 10.1.0.0/16");
    assert_eq!(window.value("Address block"), "10.1.0.0/16");
    assert!(window.view().snapshot.vpcs.is_empty(), "judged, not made");
}

#[test]
fn a_subnet_outside_its_vpc_is_refused_at_its_field() {
    let mut home = with_vpc();
    let window = &mut home.window;
    window.go("VPCs and subnets");
    window.press("office, 10.1.0.0/16");
    window.press("Create subnet…");
    window.fill("Addresses", "10.2.1.0/24");
    window.press("Create subnet");
    window.wait_for("10.2.1.0/24 is not inside the VPC");
    assert!(window.view().snapshot.subnets.is_empty());
}

#[test]
fn an_internet_gateway_is_made_detached_and_brought_back_by_undo() {
    let mut home = with_vpc();
    let window = &mut home.window;
    let attached = |window: &crate::support::window::Window| {
        let snapshot = window.view().snapshot.clone();
        let vpc = snapshot.vpcs.keys().next().expect("the VPC");
        snapshot.internet_gateway_of(vpc).is_some()
    };
    window.go("VPCs and subnets");
    window.press("office, 10.1.0.0/16");
    window.tab("Attachments");
    window.press("Create internet gateway…");
    window.fill("Name", "internet");
    window.press("Create and attach");
    window.wait("it is attached", attached);
    window.press("internet, Internet gateway, Attached");
    window.press("Actions");
    window.press("Detach internet gateway…");
    window.press("Detach internet gateway");
    window.wait("it is detached", |window| !attached(window));
    window.press("Undo");
    window.wait("it is attached again", attached);
}

#[test]
fn an_address_block_is_added_and_removed() {
    let mut home = with_vpc();
    let window = &mut home.window;
    window.go("VPCs and subnets");
    window.press("office, 10.1.0.0/16");
    window.tab("Address blocks");
    window.press("Add address block…");
    window.fill("Address block", "10.2.0.0/16");
    window.press("Add");
    window.wait_for("10.2.0.0/16 added");
    window.press("Remove 10.2.0.0/16");
    window.wait("it is gone", |window| {
        let snapshot = window.view().snapshot.clone();
        snapshot.vpcs.values().all(|vpc| vpc.cidrs.len() == 1)
    });
}

#[test]
fn a_vpc_with_a_subnet_is_not_deleted_and_an_empty_one_is() {
    let mut home = with_vpc();
    let window = &mut home.window;
    window.go("VPCs and subnets");
    window.press("office, 10.1.0.0/16");
    window.press("Create subnet…");
    window.fill("Addresses", "10.1.1.0/24");
    window.press("Create subnet");
    window.wait_for("Subnet created");
    window.press("Delete VPC…");
    window.press("Delete VPC");
    window.wait_for("subnet");
    window.press("Cancel");
    assert_eq!(window.view().snapshot.vpcs.len(), 1);
    window.press_containing("subnet-");
    window.press("Delete subnet…");
    window.press("Delete subnet");
    window.wait("the subnet is gone", |window| {
        window.view().snapshot.subnets.is_empty()
    });
    window.press("Delete VPC…");
    window.press("Delete VPC");
    window.wait("the VPC is gone", |window| {
        window.view().snapshot.vpcs.is_empty()
    });
}
