//! Flows that a client did not open: from the target network by a security group's rule, and from
//! another client by an authorization rule for the client range.

use std::net::Ipv4Addr;

use crate::{
    gateway::{Gateway, Mode, text},
    lab::{GATEWAY_IN_SUBNET, Lab, Namespace, TARGET},
    site::{BRIEF, PATIENT, PORT, Site},
    stock::{StockClient, TUNNEL},
};

#[test]
fn the_target_network_opens_flows_where_a_security_group_admits_them() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let set_up = gateway.set_up("udp", &[]);
    // Clients keep their own addresses, and the target network knows the way to them.
    gateway.tell(&[
        "networks",
        "set-egress",
        "--subnet-id",
        &set_up.subnet,
        "--no-nat",
    ]);
    gateway.settle();
    lab.target
        .ip(&format!("route add 10.200.0.0/22 via {GATEWAY_IN_SUBNET}"));
    let _site = Site::open(&lab.target, TARGET);
    let client = StockClient::connect(&lab, &here, &set_up.profile, &[]);
    let address = tunnel_address(&here);
    let _desk = Site::open(&here, address);

    let page = PATIENT.page(&here, TARGET).expect("it is reached");
    assert_eq!(page, format!("welcome, {address}\n"), "there is no NAT");
    assert!(BRIEF.page(&lab.target, address).is_err(), "nobody asked it");

    let vpc = text(&gateway.ec2("describe-vpcs")["Vpcs"][0]["VpcId"]);
    let created = gateway.ec2(&format!(
        "create-security-group --group-name desks --description desks --vpc-id {vpc}"
    ));
    let group = text(&created["GroupId"]);
    let permission = format!("--group-id {group} --protocol tcp --port {PORT} --cidr {TARGET}/32");
    gateway.ec2(&format!("authorize-security-group-ingress {permission}"));
    gateway.ec2_settled(&format!(
        "apply-security-groups-to-client-vpn-target-network --client-vpn-endpoint-id {} \
         --vpc-id {vpc} --security-group-ids {group}",
        set_up.endpoint.id
    ));
    PATIENT
        .page(&lab.target, address)
        .expect("a rule admits it");
    assert!(
        BRIEF.echo(&lab.target, address).is_err(),
        "udp is not in it"
    );
    gateway.ec2_settled(&format!("revoke-security-group-ingress {permission}"));
    assert!(BRIEF.page(&lab.target, address).is_err(), "it was revoked");
    assert_eq!(client.restarts(), 0);
}

#[test]
fn user_space_refuses_to_do_without_nat_by_name() {
    let Some(lab) = Lab::build() else { return };
    let gateway = Gateway::start(&lab, Mode::UserSpace);
    let subnet = gateway.create_networks();
    let refused = gateway
        .ask(&["networks", "set-egress", "--subnet-id", &subnet, "--no-nat"])
        .expect_err("user space has no way to keep a client's address");
    let said = refused.to_string();
    assert!(said.contains("InvalidParameter"), "{said}");
    assert!(
        said.contains("user-space") || said.contains("user space"),
        "{said}"
    );
}

#[test]
fn clients_reach_each_other_only_by_a_rule_for_their_range_by_tun() {
    clients_reach_each_other_only_by_a_rule(Mode::Tun);
}

#[test]
fn clients_reach_each_other_only_by_a_rule_for_their_range_in_user_space() {
    clients_reach_each_other_only_by_a_rule(Mode::UserSpace);
}

fn clients_reach_each_other_only_by_a_rule(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let (here, there) = (lab.client(), lab.client());
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = gateway.set_up("udp", &[]);
    gateway.create_route(&set_up.endpoint, "0.0.0.0/0", &set_up.subnet);
    gateway.authorize(&set_up.endpoint, "0.0.0.0/0");
    let first = StockClient::connect(&lab, &here, &set_up.profile, &[]);
    let second = StockClient::connect(&lab, &there, &set_up.profile, &[]);
    let (address, other) = (tunnel_address(&here), tunnel_address(&there));
    let _sites = (Site::open(&here, address), Site::open(&there, other));

    assert!(
        BRIEF.page(&here, other).is_err(),
        "0.0.0.0/0 opens no client"
    );
    let rule = format!(
        "--client-vpn-endpoint-id {} --target-network-cidr 10.200.0.0/22",
        set_up.endpoint.id
    );
    gateway.ec2_settled(&format!(
        "authorize-client-vpn-ingress {rule} --authorize-all-groups"
    ));
    let page = PATIENT.page(&here, other).expect("a rule opens the range");
    assert_eq!(page, format!("welcome, {address}\n"));
    PATIENT.echo(&there, address).expect("and the other way");
    let gateway_itself = Ipv4Addr::new(10, 200, 0, 1);
    assert!(BRIEF.page(&here, gateway_itself).is_err(), "never");
    gateway.ec2_settled(&format!(
        "revoke-client-vpn-ingress {rule} --revoke-all-groups"
    ));
    assert!(BRIEF.page(&here, other).is_err(), "it was revoked");
    assert_eq!((first.restarts(), second.restarts()), (0, 0));
}

/// The address that a client's tunnel has.
fn tunnel_address(here: &Namespace) -> Ipv4Addr {
    let shown = crate::lab::run(
        here.command("ip")
            .args(["-4", "-o", "address", "show", TUNNEL]),
    );
    let address = shown
        .split_whitespace()
        .skip_while(|word| *word != "inet")
        .nth(1)
        .and_then(|word| word.split('/').next())
        .and_then(|word| word.parse().ok());
    address.unwrap_or_else(|| panic!("no address in {shown}"))
}
