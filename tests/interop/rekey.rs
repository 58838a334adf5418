//! Two minutes of real time in which keys change every ten seconds under a running transfer.

use std::time::Duration;

use crate::{
    gateway::{Gateway, Mode, SetUp},
    lab::{Lab, TARGET},
    site::{PATIENT, Site, digest_of_blob},
    stock::StockClient,
};

const SECS: u64 = 120;
const BYTES_PER_SEC: u64 = 1_000_000;

#[test]
fn a_transfer_survives_two_minutes_of_rekeys_that_the_gateway_begins() {
    let Some(lab) = Lab::build() else { return };
    a_transfer_survives_rekeys(&lab, Mode::Tun, Begins::Gateway);
}

#[test]
fn a_transfer_survives_two_minutes_of_rekeys_that_the_client_begins() {
    let Some(lab) = Lab::build() else { return };
    a_transfer_survives_rekeys(&lab, Mode::UserSpace, Begins::Client);
}

#[derive(Clone, Copy)]
enum Begins {
    Gateway,
    Client,
}

fn a_transfer_survives_rekeys(lab: &Lab, mode: Mode, begins: Begins) {
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(lab, mode);
    let mut more = vec!["--reneg-sec", "0"];
    match begins {
        Begins::Gateway => gateway.set("rekey-seconds", "10"),
        Begins::Client => more = vec!["--reneg-sec", "10"],
    }
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("udp", &[]);
    let client = StockClient::connect(lab, &here, &profile, &more);

    let path = format!("/paced/{BYTES_PER_SEC}/{SECS}");
    let digest = PATIENT.digest(&here, TARGET, &path);
    assert_eq!(
        digest.expect("all of it arrives"),
        digest_of_blob(BYTES_PER_SEC * SECS)
    );
    assert_eq!(client.restarts(), 0, "{}", client.running.log());
    // OpenVPN spreads the time a little, so that peers do not rekey in step.
    let changes = client.key_exchanges();
    assert!(changes >= 9, "{changes} in {:?}", Duration::from_secs(SECS));
    assert!(gateway.active_connection(&endpoint).is_some());
}
