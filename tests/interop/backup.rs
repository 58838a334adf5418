//! What a restore does to a client that is connected, and that files handed out before let their
//! clients in again: where everything was taken away since, and on a machine that is new.

use std::{fs, os::unix::fs as unix, time::Duration};

use serde_json::Value;

use crate::{
    gateway::{Gateway, Mode, NOBODY, SetUp, text},
    lab::{Lab, TARGET},
    process::until,
    site::{PATIENT, Site},
    stock::StockClient,
};

#[test]
fn a_session_outlives_a_restore_that_leaves_its_endpoint_as_it_is_by_tun() {
    a_session_outlives_a_restore(Mode::Tun);
}

#[test]
fn a_session_outlives_a_restore_that_leaves_its_endpoint_as_it_is_in_user_space() {
    a_session_outlives_a_restore(Mode::UserSpace);
}

fn a_session_outlives_a_restore(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, mode);
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("udp", &[]);
    let client = StockClient::connect(&lab, &here, &profile, &[]);
    PATIENT.page(&here, TARGET).expect("it is reached");
    let connection = gateway.active_connection(&endpoint);
    let backup = Backup::of(&lab, &gateway);

    let id = endpoint.id.as_str();
    gateway.ec2_settled(&format!(
        "revoke-client-vpn-ingress --client-vpn-endpoint-id {id} --target-network-cidr {TARGET}/32 \
         --revoke-all-groups"
    ));
    let describe = format!("describe-client-vpn-authorization-rules --client-vpn-endpoint-id {id}");
    let rule = || gateway.ec2(&describe)["AuthorizationRules"][0].clone();
    assert_eq!(rule(), Value::Null);

    let restored = backup.restore(&gateway, &[]);
    assert_eq!(restored["EndingConnections"], 0, "{restored}");
    gateway.tell(&["status", "--wait"]);
    assert_eq!(rule()["DestinationCidr"], format!("{TARGET}/32"));
    PATIENT.page(&here, TARGET).expect("it is reached again");
    assert_eq!(client.restarts(), 0, "{}", client.running.log());
    assert_eq!(gateway.active_connection(&endpoint), connection);
}

#[test]
fn files_handed_out_before_let_their_clients_in_after_a_restore_here_and_elsewhere() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let SetUp {
        endpoint,
        profile,
        subnet,
    } = gateway.set_up("tcp", &[]);
    let backup = Backup::of(&lab, &gateway);
    let mut client = StockClient::connect(&lab, &here, &profile, &[]);

    let id = endpoint.id.as_str();
    let of = format!("--client-vpn-endpoint-id {id}");
    let networks = gateway.ec2(&format!("describe-client-vpn-target-networks {of}"));
    let association = text(&networks["ClientVpnTargetNetworks"][0]["AssociationId"]);
    gateway.ec2_settled(&format!(
        "disassociate-client-vpn-target-network {of} --association-id {association}"
    ));
    gateway.ec2_settled(&format!("delete-client-vpn-endpoint {of}"));
    gateway.ec2_settled(&format!("delete-subnet --subnet-id {subnet}"));
    let left = until(Duration::from_secs(10), || {
        (client.restarts() > 0).then_some(())
    });
    assert!(left.is_some(), "{}", client.running.log());

    backup.restore(&gateway, &[]);
    gateway.settle();
    // It tries again by itself, and comes in.
    let back = until(Duration::from_secs(30), || {
        gateway.active_connection(&endpoint)
    });
    assert!(back.is_some(), "{}", client.running.log());
    PATIENT.page(&here, TARGET).expect("it is reached again");
    assert!(client.running.ended().is_none());
    drop(client);

    gateway.stop();
    let mut elsewhere = Gateway::prepare(&lab, Mode::UserSpace);
    backup.restore(&elsewhere, &["--offline"]);
    elsewhere.serve();
    elsewhere.settle();
    let _client = StockClient::connect(&lab, &here, &profile, &[]);
    PATIENT
        .page(&here, TARGET)
        .expect("it is reached from there");
}

/// A backup that lies where every gateway of the lab can read it.
struct Backup {
    file: String,
    passphrase_file: String,
}

impl Backup {
    fn of(lab: &Lab, gateway: &Gateway<'_>) -> Self {
        let folder = lab.path("backup");
        fs::create_dir(&folder).expect("the lab's directory is ours");
        let passphrase = folder.join("passphrase");
        fs::write(&passphrase, "correct horse battery staple\n").expect("it is a moment old");
        for path in [&folder, &passphrase] {
            unix::chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give away");
        }
        let backup = Self {
            file: folder.join("vpn.backup").display().to_string(),
            passphrase_file: passphrase.display().to_string(),
        };
        gateway.tell(&backup.words("create", &[]));
        backup
    }

    fn words<'w>(&'w self, what: &'w str, more: &[&'w str]) -> Vec<&'w str> {
        let mut words = vec!["backup", what, &self.file];
        words.extend(["--passphrase-file", &self.passphrase_file]);
        words.extend(more);
        words
    }

    fn restore(&self, gateway: &Gateway<'_>, more: &[&str]) -> Value {
        gateway.tell(&self.words("restore", &[&["--yes"], more].concat()))
    }
}
