//! What clients negotiate and are told: versions, ciphers, routes, and when to come back.

use std::time::Duration;

use crate::{
    gateway::{Gateway, Mode, SetUp},
    lab::{GATEWAY_IN_SUBNET, INTERNET_HOST, Lab, TARGET},
    process::until,
    site::{BRIEF, PATIENT, Site},
    stock::StockClient,
};

#[test]
fn every_cipher_and_both_versions_of_tls_are_agreed_on() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let SetUp { profile, .. } = gateway.set_up("udp", &[]);

    let here = lab.client();
    for cipher in ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"] {
        for version in ["1.2", "1.3"] {
            let wish = [
                "--data-ciphers",
                cipher,
                "--tls-version-min",
                version,
                "--tls-version-max",
                version,
            ];
            let mut client = StockClient::connect(&lab, &here, &profile, &wish);
            for agreed in [
                format!("Data Channel: cipher '{cipher}'"),
                format!("Control Channel: TLSv{version}"),
            ] {
                client.running.wait_for(&agreed, Duration::from_secs(5));
            }
            PATIENT.page(&here, TARGET).expect("the target answers");
        }
    }
}

#[test]
fn a_split_tunnel_takes_only_what_the_route_table_names() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let _internet = Site::open(&lab.router, INTERNET_HOST);
    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let SetUp { profile, .. } = gateway.set_up("udp", &["--split-tunnel"]);

    let here = lab.client();
    let past = PATIENT.page(&here, INTERNET_HOST);
    let past = past.expect("the internet answers");
    let _client = StockClient::connect(&lab, &here, &profile, &[]);
    let page = PATIENT.page(&here, TARGET).expect("the target answers");
    assert_eq!(page, format!("welcome, {GATEWAY_IN_SUBNET}\n"));
    let page = PATIENT.page(&here, INTERNET_HOST);
    assert_eq!(
        page.expect("the internet answers"),
        past,
        "it took the tunnel"
    );
}

#[test]
fn a_full_tunnel_takes_everything_and_lets_out_what_is_authorized() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let _internet = Site::open(&lab.router, INTERNET_HOST);
    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let SetUp { profile, .. } = gateway.set_up("udp", &[]);

    let here = lab.client();
    PATIENT
        .page(&here, INTERNET_HOST)
        .expect("the internet answers without a tunnel");
    let _client = StockClient::connect(&lab, &here, &profile, &[]);
    PATIENT.page(&here, TARGET).expect("the target answers");
    let page = BRIEF.page(&here, INTERNET_HOST);
    assert!(page.is_err(), "it went past the tunnel: {page:?}");
}

#[test]
fn clients_come_back_by_themselves_after_the_gateway_was_restarted() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("tcp", &[]);
    let here = lab.client();
    let client = StockClient::connect(&lab, &here, &profile, &[]);
    PATIENT.page(&here, TARGET).expect("the target answers");

    assert!(gateway.stop().success());
    let told = until(Duration::from_secs(5), || {
        (client.restarts() > 0).then_some(())
    });
    assert!(told.is_some(), "the client was not told");
    gateway.serve();
    gateway.settle();
    let back = until(Duration::from_secs(30), || {
        gateway.active_connection(&endpoint)
    });
    assert!(back.is_some(), "{}", client.running.log());
    PATIENT.page(&here, TARGET).expect("the target answers");
}
