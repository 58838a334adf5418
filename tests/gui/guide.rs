//! Getting Started, from nothing to a file that a client can use.

use std::{
    fs,
    net::UdpSocket,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use gatehouse::{
    clock,
    model::{
        AssociationState, CertificateUse, Connection, ConnectionId, ConnectionState, Snapshot,
        Traffic, View,
    },
    pki,
};

use crate::{
    home::{Home, Overlay},
    support::{
        getting_started::{self, Answers, Certificates, walk_through},
        window::Window,
    },
};

/// A port that nobody has just now.
pub(crate) fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("it is bound").port()
}

pub(crate) fn answers(file: PathBuf) -> Answers {
    Answers {
        certificates: Certificates::Make,
        endpoint: "corp-staff".to_owned(),
        public_address: "vpn.example.com".to_owned(),
        range: Some("10.201.0.0/22".to_owned()),
        transport: "UDP",
        port: Some(free_port()),
        network: "192.0.2.0/24".to_owned(),
        internet: true,
        client: "a.lindqvist".to_owned(),
        file,
    }
}

/// A connection of the only endpoint, as the gateway would report it.
pub(crate) fn connected(view: &View) -> Connection {
    let endpoint = view.snapshot.endpoints.keys().next().expect("an endpoint");
    let association = view.snapshot.associations.keys().next().expect("a network");
    let at = clock::now();
    Connection {
        id: ConnectionId::from_random([7; 9]),
        endpoint_id: endpoint.clone(),
        association_id: association.clone(),
        common_name: "a.lindqvist".to_owned(),
        client_ip: [10, 201, 0, 2].into(),
        device: "203.0.113.17:50000".parse().expect("an address"),
        client_version: "2.6.14".to_owned(),
        platform: "linux".to_owned(),
        cipher: "AES-256-GCM".to_owned(),
        state: ConnectionState::Active,
        established_at: at,
        ended_at: None,
        certificates: Vec::new(),
        end_reason: None,
        reconnect: None,
        traffic: Traffic::default(),
        counted_at: at,
    }
}

#[test]
fn the_guide_leads_from_nothing_to_a_file_and_the_first_connection() {
    let mut home = Home::new();
    let overlay = Overlay::new(home.console());
    home.window = Window::open(overlay.clone(), &home.runtime());
    let answers = answers(home.dir.path().join("a.lindqvist.ovpn"));
    let file = walk_through(&mut home.window, &answers);
    expect_configured(&home.window.view().snapshot, &answers);
    expect_usable(&file, &answers);

    home.window.wait_for("Waiting for the first connection");
    overlay.connect(connected(&home.window.view()));
    home.window.wait_for("a.lindqvist is connected");
    assert!(!home.window.says("Waiting for the first connection"));
    home.window.wait_for("203.0.113.17 as 10.201.0.2");

    home.window.press("Finish");
    home.window.wait("the guide is done", |window| {
        window.view().snapshot.settings.getting_started_done && !window.has("Getting Started")
    });
}

fn expect_configured(snapshot: &Snapshot, answers: &Answers) {
    let endpoint = snapshot.endpoints.values().next().expect("the endpoint");
    assert_eq!(endpoint.title(), answers.endpoint);
    assert_eq!(Some(endpoint.port), answers.port);
    assert_eq!(endpoint.client_cidr.to_string(), "10.201.0.0/22");
    assert_eq!(
        snapshot.settings.public_address.as_deref(),
        Some("vpn.example.com")
    );
    let subnet = snapshot.subnets.values().next().expect("the subnet");
    assert_eq!(subnet.cidr.to_string(), answers.network);
    let association = snapshot
        .associations
        .values()
        .next()
        .expect("it is a target network");
    assert_eq!(association.subnet_id, subnet.id);
    assert_ne!(association.state, AssociationState::Disassociating);
    let destinations = |of: Vec<String>| {
        let mut of = of;
        of.sort();
        of
    };
    let rules = snapshot.rules.iter().map(|r| r.destination.to_string());
    assert_eq!(destinations(rules.collect()), ["0.0.0.0/0", "192.0.2.0/24"]);
    let routes = snapshot.routes.iter().map(|r| r.destination.to_string());
    assert_eq!(
        destinations(routes.collect()),
        ["0.0.0.0/0", "192.0.2.0/24"]
    );
    assert!(snapshot.internet_gateway_of(&subnet.vpc_id).is_some());
    let uses: Vec<_> = snapshot.certificates.values().map(|c| c.usage).collect();
    for usage in [
        CertificateUse::Authority,
        CertificateUse::Server,
        CertificateUse::Client,
    ] {
        assert_eq!(uses.iter().filter(|u| **u == usage).count(), 1, "{usage:?}");
    }
}

fn expect_usable(file: &Path, answers: &Answers) {
    let text = fs::read_to_string(file).expect("the file is there");
    for part in [
        "<ca>",
        "</ca>",
        "<cert>",
        "<key>",
        "PRIVATE KEY",
        "proto udp",
    ] {
        assert!(text.contains(part), "{part} is in the file");
    }
    let remote = format!("remote vpn.example.com {}", answers.port.expect("given"));
    assert!(text.contains(&remote));
    let mode = fs::metadata(file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner reads the key");
}

#[test]
fn a_new_window_comes_back_to_the_step_that_is_next() {
    let mut home = Home::new();
    let answers = answers(home.dir.path().join("a.ovpn"));
    home.window.go("Getting Started");
    getting_started::certificates(&mut home.window, &Certificates::Make);
    home.reopen();
    home.window.go("Getting Started");
    home.window.wait_for("Step 2 of 6");
    assert_eq!(home.window.described("Getting Started"), "2 of 6");
    getting_started::endpoint(&mut home.window, &answers);
    home.reopen();
    home.window.go("Getting Started");
    home.window.wait_for("Step 3 of 6");
    home.window.step("Certificates");
    home.window.wait_for("Step 1 of 6");
    home.window.press("Continue");
    home.window.wait_for("Step 2 of 6");
    home.window.wait_for("10.201.0.0/22");
    home.window.press("Back");
    home.window.wait_for("Step 1 of 6");
}

#[test]
fn a_client_range_that_is_too_small_is_refused_at_its_field_with_one_that_is_right() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Getting Started");
    getting_started::certificates(window, &Certificates::Make);
    window.wait("a proposed port", |window| !window.value("Port").is_empty());
    window.fill("Client range", "10.0.0.0/24");
    window.fill("Name", "kept");
    window.press("Create endpoint and continue");
    window.press("Use 10.0.0.0/22");
    assert_eq!(window.value("Client range"), "10.0.0.0/22");
    assert_eq!(window.value("Name"), "kept", "nothing typed is lost");
    assert!(window.view().snapshot.endpoints.is_empty());
    window.press("Create endpoint and continue");
    window.wait_for("Step 3 of 6");
}

#[test]
fn a_network_by_hand_that_is_too_small_makes_nothing() {
    let mut home = Home::new();
    let answers = answers(home.dir.path().join("a.ovpn"));
    let window = &mut home.window;
    window.go("Getting Started");
    getting_started::certificates(window, &Certificates::Make);
    getting_started::endpoint(window, &answers);
    window.wait_to_press("Look again");
    window.press("Enter a network by hand");
    window.fill("Network", "192.0.2.0/28");
    window.press("Associate and continue");
    window.wait_for("A target network is /27 or larger");
    window.fill("Network", "10.201.0.0/24");
    window.press("Associate and continue");
    window.wait_for("overlaps the client range 10.201.0.0/22");
    assert!(window.view().snapshot.vpcs.is_empty());
    window.fill("Network", "192.0.2.0/24");
    window.press("Associate and continue");
    window.wait_for("Step 4 of 6");
}

/// An authority and a certificate under it, written as easy-rsa lays them out.
fn files(dir: &Path, server: bool) -> Certificates {
    let now = clock::now();
    let key = pki::KeyType::EcdsaP256;
    let ca = pki::make_ca("Easy-RSA CA", key, now).expect("an authority");
    let request = if server {
        pki::Request::server("server")
    } else {
        pki::Request::client("server")
    };
    let issued = pki::issue(&ca.certificate_pem, &ca.private_key_pem, &request, now)
        .expect("a certificate under it");
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    Certificates::Bring {
        ca: write("ca.crt", &ca.certificate_pem),
        ca_key: write("ca.key", ca.private_key_pem.expose()),
        server: write("server.crt", &issued.certificate_pem),
        server_key: write("server.key", issued.private_key_pem.expose()),
    }
}

#[test]
fn certificates_made_elsewhere_serve_as_well_as_those_made_here() {
    let mut home = Home::new();
    let mut answers = answers(home.dir.path().join("b.ovpn"));
    answers.certificates = files(home.dir.path(), true);
    answers.internet = false;
    let file = walk_through(&mut home.window, &answers);
    expect_usable(&file, &answers);
    let snapshot = &home.window.view().snapshot;
    let client = snapshot
        .certificates
        .values()
        .find(|c| c.usage == CertificateUse::Client)
        .expect("the client's certificate");
    assert_eq!(client.issuer, "CN=Easy-RSA CA");
    let rules: Vec<_> = snapshot.rules.iter().map(|r| r.destination).collect();
    assert_eq!(rules.len(), 1, "no way to the internet was asked for");
}

#[test]
fn a_clients_certificate_is_refused_as_the_servers_and_leaves_nothing_behind() {
    let mut home = Home::new();
    let Certificates::Bring {
        ca,
        server,
        server_key,
        ..
    } = files(home.dir.path(), false)
    else {
        unreachable!("files are brought");
    };
    let window = &mut home.window;
    window.go("Getting Started");
    window.press_containing("Bring your own");
    for (button, file) in [
        ("Choose ca.crt…", &ca),
        ("Choose server.crt…", &server),
        ("Choose server.key…", &server_key),
    ] {
        window.open_file(button, file);
    }
    assert!(
        window.value("Server's key").is_empty(),
        "a key is not shown"
    );
    window.press("Import and continue");
    window.wait_for("is no server certificate");
    window.wait("nothing is kept", |window| {
        window.view().snapshot.certificates.is_empty()
    });
}

#[test]
fn the_guide_can_be_skipped_and_had_again() {
    let mut home = Home::new();
    let window = &mut home.window;
    window.go("Getting Started");
    window.press("Skip for now");
    window.wait("it left the navigation", |window| {
        !window.has("Getting Started")
    });
    window.go("Settings");
    window.press("Show Getting Started again");
    window.wait_for("Step 1 of 6");
}
