//! Two associations in two zones: when the egress of one fails, its sessions go on through the other.

use std::time::Duration;

use serde_json::Value;

use crate::{
    gateway::{Gateway, Mode, text},
    lab::{CORE, Lab, OTHER_SUBNET},
    process::until,
    site::{PATIENT, Site},
    stock::StockClient,
};

#[test]
fn a_session_moves_to_the_other_zone_when_its_egress_fails_by_tun() {
    a_session_moves_to_the_other_zone_when_its_egress_fails(Mode::Tun);
}

#[test]
fn a_session_moves_to_the_other_zone_when_its_egress_fails_in_user_space() {
    a_session_moves_to_the_other_zone_when_its_egress_fails(Mode::UserSpace);
}

fn a_session_moves_to_the_other_zone_when_its_egress_fails(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    lab.other_zone();
    let here = lab.client();
    let _core = Site::open(&lab.target, CORE);
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = gateway.set_up("udp", &[]);
    gateway.authorize(&set_up.endpoint, "10.77.0.0/16");
    let vpc = text(&gateway.ec2("describe-vpcs")["Vpcs"][0]["VpcId"]);
    let other = gateway.ec2(&format!(
        "create-subnet --vpc-id {vpc} --cidr-block {OTHER_SUBNET} --egress-interface lan1"
    ));
    let other = text(&other["Subnet"]["SubnetId"]);
    gateway.tell(&[
        "networks",
        "set-egress",
        "--subnet-id",
        &set_up.subnet,
        "--interface",
        "lan0",
    ]);
    let of_endpoint = format!("--client-vpn-endpoint-id {}", set_up.endpoint.id);
    gateway.ec2_settled(&format!(
        "associate-client-vpn-target-network {of_endpoint} --subnet-id {other}"
    ));

    let client = StockClient::connect(&lab, &here, &set_up.profile, &[]);
    let session = gateway
        .active_connection(&set_up.endpoint)
        .expect("one client is connected");
    let from = || {
        let page = PATIENT.page(&here, CORE).expect("it is reached");
        page.trim().trim_start_matches("welcome, ").to_owned()
    };
    // The gateway's address in the zone that the session is bound to.
    let first = from();
    let (mine, link, zone_after) = match first.as_str() {
        "10.77.1.1" => (&set_up.subnet, "lan0", "10.77.2.1"),
        "10.77.2.1" => (&other, "lan1", "10.77.1.1"),
        elsewhere => panic!("it came from {elsewhere}"),
    };
    lab.gateway.ip(&format!("link set {link} down"));
    let state = || {
        let answer = gateway.ec2(&format!(
            "describe-client-vpn-target-networks {of_endpoint}"
        ));
        let networks = answer["ClientVpnTargetNetworks"].as_array().cloned();
        let failed = |one: &&Value| one["TargetNetworkId"] == **mine;
        let networks = networks.unwrap_or_default();
        networks
            .iter()
            .find(failed)
            .map(|one| text(&one["Status"]["Code"]))
    };
    let failed = until(Duration::from_secs(10), || {
        (state().as_deref() == Some("association-failed")).then_some(())
    });
    assert!(failed.is_some(), "the association is {:?}", state());
    assert_eq!(from(), zone_after, "it goes through the other zone");
    let still = gateway.active_connection(&set_up.endpoint);
    assert_eq!(still.as_ref(), Some(&session), "the session stays");
    assert_eq!(client.restarts(), 0);

    // What comes back is used again, and nobody is moved for it.
    lab.gateway.ip(&format!("link set {link} up"));
    let healed = until(Duration::from_secs(10), || {
        (state().as_deref() == Some("associated")).then_some(())
    });
    assert!(healed.is_some(), "the association is {:?}", state());
    assert_eq!(from(), zone_after);
}
