//! What happens to the clients of an endpoint that an administrator changes, or keeps some of them
//! out of.

use std::time::Duration;

use crate::{
    gateway::{Endpoint, Gateway, Mode, SetUp},
    lab::Lab,
    process::until,
    stock::StockClient,
};

#[test]
fn a_live_session_meets_the_new_server_certificate_at_its_next_handshake() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    gateway.set("rekey-seconds", "10");
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("udp", &[]);
    let client = StockClient::connect(&lab, &here, &profile, &["--reneg-sec", "0"]);
    let connection = gateway.active_connection(&endpoint);
    assert!(client.running.log().contains("CN=vpn.example.test"));

    let certificates = gateway.tell(&["acm", "list-certificates"]);
    let list = certificates["CertificateSummaryList"].as_array();
    let ca = list
        .expect("a list of them")
        .iter()
        .find(|it| it["DomainName"] == "Interop CA")
        .expect("the authority")["CertificateArn"]
        .as_str()
        .expect("a text")
        .to_owned();
    let renewed = gateway.issue(&ca, "server", "new.example.test");
    let id = &endpoint.id;
    gateway.ec2_settled(&format!(
        "modify-client-vpn-endpoint --client-vpn-endpoint-id {id} --server-certificate-arn {renewed}"
    ));
    let met = until(Duration::from_secs(30), || {
        let log = client.running.log();
        log.contains("CN=new.example.test").then_some(())
    });
    assert!(met.is_some(), "{}", client.running.log());
    assert_eq!(client.restarts(), 0, "{}", client.running.log());
    assert_eq!(
        gateway.active_connection(&endpoint),
        connection,
        "it stayed"
    );
}

#[test]
fn a_terminated_client_that_is_blocked_cannot_come_back_until_it_is_unblocked() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("udp", &[]);
    let first = StockClient::connect(&lab, &here, &profile, &[]);
    let id = endpoint.id.clone();
    gateway.ec2(&format!(
        "terminate-client-vpn-connections --client-vpn-endpoint-id {id} --username alice \
         --block-minutes 5"
    ));
    let is_empty = |gateway: &Gateway<'_>, endpoint: &Endpoint| {
        gateway.active_connection(endpoint).is_none().then_some(())
    };
    let ended = until(Duration::from_secs(1), || is_empty(&gateway, &endpoint));
    assert!(ended.is_some(), "it ends within a second");
    drop(first);

    let mut again = StockClient::start(&lab, &here, &profile, &["--connect-retry-max", "1"]);
    again.wait_refused();
    drop(again);
    let blocks = gateway.tell(&["connections", "blocks", "--client-vpn-endpoint-id", &id]);
    assert!(blocks.to_string().contains("alice"), "{blocks}");

    gateway.tell(&[
        "connections",
        "unblock",
        "--client-vpn-endpoint-id",
        &id,
        "--common-name",
        "alice",
    ]);
    let _back = StockClient::connect(&lab, &here, &profile, &[]);
    assert!(gateway.active_connection(&endpoint).is_some());
}

#[test]
fn changed_dns_servers_and_split_tunnel_reach_a_client_that_connects_again() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("tcp", &["--split-tunnel"]);
    let client = StockClient::connect(&lab, &here, &profile, &[]);
    let log = client.running.log();
    assert!(!log.contains("dhcp-option DNS"), "{log}");
    assert!(!log.contains("redirect-gateway"), "{log}");
    let id = &endpoint.id;
    gateway.ec2_settled(&format!(
        "modify-client-vpn-endpoint --client-vpn-endpoint-id {id} --no-split-tunnel \
         --dns-servers CustomDnsServers=10.77.0.2,Enabled=true"
    ));
    drop(client);
    let client = StockClient::connect(&lab, &here, &profile, &[]);
    let log = client.running.log();
    assert!(log.contains("dhcp-option DNS 10.77.0.2"), "{log}");
    assert!(log.contains("redirect-gateway"), "{log}");
}
