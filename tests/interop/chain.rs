//! Each link of the chain that a packet goes along, broken and mended: route, rule, security group
//! out, what the VPC reaches, security group in. Packets of the stock client and `why` agree.

use std::net::Ipv4Addr;

use crate::{
    gateway::{Destination, Gateway, Mode, text},
    lab::{Lab, Namespace, TARGET},
    site::{BRIEF, PATIENT, PORT, Site},
    stock::StockClient,
};

/// A server elsewhere, beside the VPC.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 10);

#[test]
fn each_link_of_the_chain_denies_and_admits_by_tun() {
    each_link_of_the_chain_denies_and_admits(Mode::Tun);
}

#[test]
fn each_link_of_the_chain_denies_and_admits_in_user_space() {
    each_link_of_the_chain_denies_and_admits(Mode::UserSpace);
}

fn each_link_of_the_chain_denies_and_admits(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let elsewhere = lab.beside(1, "192.168.77.1/24", "192.168.77.10/24");
    let _site = Site::open(&lab.target, TARGET);
    let _other = Site::open(&elsewhere, ELSEWHERE);
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = gateway.set_up("udp", &[]);
    let client = StockClient::connect(&lab, &here, &set_up.profile, &[]);
    let session = gateway
        .active_connection(&set_up.endpoint)
        .expect("one client is connected");
    let id = set_up.endpoint.id.as_str();
    let of_endpoint = format!("--client-vpn-endpoint-id {id}");
    let link = Link {
        gateway: &gateway,
        here: &here,
        endpoint: id,
        session: &session,
    };

    // Elsewhere: route, rule, and what the VPC reaches.
    link.refuses(ELSEWHERE, "route");
    gateway.ec2_settled(&format!(
        "create-client-vpn-route {of_endpoint} --destination-cidr-block 192.168.77.0/24 \
         --target-vpc-subnet-id {}",
        set_up.subnet
    ));
    link.refuses(ELSEWHERE, "rules");
    gateway.ec2_settled(&format!(
        "authorize-client-vpn-ingress {of_endpoint} --target-network-cidr 192.168.77.0/24 \
         --authorize-all-groups"
    ));
    link.admits(ELSEWHERE); // through the internet gateway that the VPC has
    let vpc = text(&gateway.ec2("describe-vpcs")["Vpcs"][0]["VpcId"]);
    let internet = text(
        &gateway.ec2("describe-internet-gateways")["InternetGateways"][0]["InternetGatewayId"],
    );
    gateway.ec2_settled(&format!(
        "detach-internet-gateway --internet-gateway-id {internet} --vpc-id {vpc}"
    ));
    link.refuses(ELSEWHERE, "vpc");
    gateway.ec2_settled(&format!(
        "create-vpn-connection --vpc-id {vpc} --cidr-blocks 192.168.77.0/24"
    ));
    link.admits(ELSEWHERE);

    // The security groups of the association, out.
    let group = |name: &str| {
        let created = gateway.ec2(&format!(
            "create-security-group --group-name {name} --description {name} --vpc-id {vpc}"
        ));
        text(&created["GroupId"])
    };
    let clients = group("clients");
    let everything = "--protocol -1 --cidr 0.0.0.0/0";
    // A new group lets everything out, as in AWS.
    gateway.ec2(&format!(
        "revoke-security-group-egress --group-id {clients} {everything}"
    ));
    gateway.ec2_settled(&format!(
        "apply-security-groups-to-client-vpn-target-network {of_endpoint} --vpc-id {vpc} \
         --security-group-ids {clients}"
    ));
    link.refuses(TARGET, "security-group-out");
    gateway.ec2_settled(&format!(
        "authorize-security-group-egress --group-id {clients} --protocol tcp --port {PORT} \
         --cidr {TARGET}/32"
    ));
    link.admits(TARGET);
    link.refuses(ELSEWHERE, "security-group-out");
    assert!(BRIEF.echo(&here, TARGET).is_err(), "udp is not let out");

    // The security groups of the resource, in.
    let servers = group("servers");
    gateway.ec2_settled(&format!(
        "create-network-interface --subnet-id {} --private-ip-address {TARGET} --groups {servers}",
        set_up.subnet
    ));
    link.refuses(TARGET, "resource-security-group-in");
    gateway.ec2_settled(&format!(
        "authorize-security-group-ingress --group-id {servers} --protocol tcp --port {PORT} \
         --source-group {clients}"
    ));
    link.admits(TARGET);
    gateway.ec2_settled(&format!(
        "revoke-security-group-ingress --group-id {servers} --protocol tcp --port {PORT} \
         --source-group {clients}"
    ));
    link.refuses(TARGET, "resource-security-group-in");

    // None of it has ended the session.
    assert_eq!(client.restarts(), 0);
    let still = gateway.active_connection(&set_up.endpoint);
    assert_eq!(still.as_ref(), Some(&session));
}

/// One live session and what it reaches.
struct Link<'a> {
    gateway: &'a Gateway<'a>,
    here: &'a Namespace,
    endpoint: &'a str,
    session: &'a str,
}

impl Link<'_> {
    fn refusing_step(&self, address: Ipv4Addr) -> Option<String> {
        let to = Destination {
            endpoint: self.endpoint,
            address,
            protocol: "tcp",
            port: PORT,
        };
        let who = ["--connection-id", self.session];
        self.gateway.refusing_step(who, to)
    }

    fn admits(&self, address: Ipv4Addr) {
        assert_eq!(self.refusing_step(address), None);
        PATIENT.page(self.here, address).expect("it is reached");
    }

    fn refuses(&self, address: Ipv4Addr, step: &str) {
        assert_eq!(self.refusing_step(address).as_deref(), Some(step));
        assert!(BRIEF.page(self.here, address).is_err(), "{step}: reached");
    }
}
