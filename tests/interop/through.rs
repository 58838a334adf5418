//! The product's main job: an unmodified client gets through to a target network.

use std::time::{Duration, Instant};

use crate::{
    certificates::{CLIENT_1, EasyRsa},
    gateway::{Endpoint, EndpointPlan, Gateway, Mode},
    lab::{GATEWAY_IN_SUBNET, Lab, NEIGHBOUR, Namespace, TARGET, run},
    process::until,
    site::{BRIEF, PATIENT, Site, blob_digest, digest_of_blob},
    stock::StockClient,
};

/// Who made the certificates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Gatehouse,
    EasyRsa,
}

#[test]
fn over_udp_by_tun_with_our_certificates() {
    a_client_gets_through("udp", Mode::Tun, Maker::Gatehouse);
}

#[test]
fn over_udp_by_tun_with_certificates_of_easy_rsa() {
    a_client_gets_through("udp", Mode::Tun, Maker::EasyRsa);
}

#[test]
fn over_tcp_by_tun_with_our_certificates() {
    a_client_gets_through("tcp", Mode::Tun, Maker::Gatehouse);
}

#[test]
fn over_tcp_by_tun_with_certificates_of_easy_rsa() {
    a_client_gets_through("tcp", Mode::Tun, Maker::EasyRsa);
}

#[test]
fn over_udp_in_user_space_with_our_certificates() {
    a_client_gets_through("udp", Mode::UserSpace, Maker::Gatehouse);
}

#[test]
fn over_udp_in_user_space_with_certificates_of_easy_rsa() {
    a_client_gets_through("udp", Mode::UserSpace, Maker::EasyRsa);
}

#[test]
fn over_tcp_in_user_space_with_our_certificates() {
    a_client_gets_through("tcp", Mode::UserSpace, Maker::Gatehouse);
}

#[test]
fn over_tcp_in_user_space_with_certificates_of_easy_rsa() {
    a_client_gets_through("tcp", Mode::UserSpace, Maker::EasyRsa);
}

fn a_client_gets_through(transport: &str, mode: Mode, maker: Maker) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let neighbour = Site::open(&lab.target, NEIGHBOUR);

    let mut gateway = Gateway::start(&lab, mode);
    // Ports below 1024 are not for ordinary users.
    let port = if mode == Mode::Tun { 443 } else { 1194 };
    let (endpoint, profile) = set_up(&mut gateway, transport, port, maker);
    gateway.authorize(&endpoint, &format!("{TARGET}/32"));
    assert!(
        BRIEF.page(&here, TARGET).is_err(),
        "there is a way past the tunnel"
    );
    let client = StockClient::connect(&lab, &here, &profile, &[]);

    reaches_the_target(&here);
    only_what_is_authorized(&here, &mut gateway, &endpoint, &neighbour);
    is_gone_once_terminated(&gateway, &endpoint, &client);
}

fn set_up(
    gateway: &mut Gateway<'_>,
    transport: &str,
    port: u16,
    maker: Maker,
) -> (Endpoint, String) {
    let subnet = gateway.create_networks();
    let made = EasyRsa::shared();
    let (server, ca) = match maker {
        Maker::Gatehouse => {
            let ca = gateway.create_ca("Interop CA");
            (gateway.issue(&ca, "server", "vpn.example.test"), ca)
        }
        Maker::EasyRsa => {
            let server = made.identity("server");
            let arn = gateway.import(&server.certificate, &server.key, &made.ca());
            // As in the guide: both sides share the CA, so the server's name stands for it.
            (arn.clone(), arn)
        }
    };
    let endpoint = gateway.create_endpoint(&EndpointPlan {
        client_cidr: "10.200.0.0/22",
        server_certificate: &server,
        client_ca: &ca,
        transport,
        port,
        subnet: &subnet,
        options: &[],
    });
    let profile = match maker {
        Maker::Gatehouse => {
            let client = gateway.issue(&ca, "client", "alice");
            gateway.export(&endpoint, Some(&client))
        }
        Maker::EasyRsa => made
            .identity(CLIENT_1)
            .appended_to(&gateway.export(&endpoint, None)),
    };
    (endpoint, profile)
}

fn reaches_the_target(here: &Namespace) {
    let page = PATIENT.page(here, TARGET).expect("the target answers");
    // The target has no route to the clients' range: only the gateway's address can come back.
    assert_eq!(page, format!("welcome, {GATEWAY_IN_SUBNET}\n"));
    PATIENT.echo(here, TARGET).expect("a datagram returns");
    run(here
        .command("ping")
        .args(["-c", "1", "-W", "10", &TARGET.to_string()]));

    let down = PATIENT.digest(here, TARGET, "/blob");
    assert_eq!(down.expect("all of it arrives"), blob_digest());
    let length = 20 * 1024 * 1024;
    let up = PATIENT.upload(here, TARGET, length);
    assert_eq!(up.expect("all of it arrives"), digest_of_blob(length));
}

fn only_what_is_authorized(
    here: &Namespace,
    gateway: &mut Gateway<'_>,
    endpoint: &Endpoint,
    neighbour: &Site,
) {
    assert!(BRIEF.page(here, NEIGHBOUR).is_err(), "no rule opens it");
    assert!(BRIEF.echo(here, NEIGHBOUR).is_err(), "no rule opens it");
    assert_eq!(neighbour.visits(), 0);

    gateway.authorize(endpoint, &format!("{NEIGHBOUR}/32"));
    let page = PATIENT.page(here, NEIGHBOUR).expect("a rule opens it now");
    assert_eq!(page, format!("welcome, {GATEWAY_IN_SUBNET}\n"));
}

fn is_gone_once_terminated(gateway: &Gateway<'_>, endpoint: &Endpoint, client: &StockClient) {
    let id = gateway
        .active_connection(endpoint)
        .expect("one client is connected");
    let begin = Instant::now();
    let answer = gateway.tell(&[
        "ec2",
        "terminate-client-vpn-connections",
        "--client-vpn-endpoint-id",
        &endpoint.id,
        "--connection-id",
        &id,
    ]);
    let status = &answer["ConnectionStatuses"][0];
    assert_eq!(status["ConnectionId"], id.as_str());
    assert_eq!(status["PreviousStatus"]["Code"], "active");

    let second = Duration::from_secs(1);
    let gone = until(second, || {
        let all = gateway.connections(endpoint);
        all.iter()
            .any(|(other, state)| *other == id && state == "terminated")
            .then_some(())
    });
    assert!(
        gone.is_some() && begin.elapsed() < second + Duration::from_millis(500),
        "{:?} after {:?}",
        gateway.connections(endpoint),
        begin.elapsed()
    );
    let told = until(Duration::from_secs(5), || {
        (client.restarts() > 0 || client.running.log().contains("AUTH_FAILED")).then_some(())
    });
    assert!(told.is_some(), "the client was not told");
}
