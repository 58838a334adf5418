//! What revoking a certificate does to stock clients: by Debian's `easy-rsa` and an imported list,
//! and by an authority of our own.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    certificates::{CLIENT_1, CLIENT_2, EasyRsa},
    gateway::{Endpoint, EndpointPlan, Gateway, Mode, SetUp, text},
    lab::{Lab, TARGET, run},
    process::until,
    site::{PATIENT, Site},
    stock::StockClient,
};

#[test]
fn who_easy_rsa_revokes_is_out_within_a_second_and_the_other_stays() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let made = EasyRsa::make("server", &[CLIENT_1, CLIENT_2]);
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let subnet = gateway.create_networks();
    let server = made.identity("server");
    let server = gateway.import(&server.certificate, &server.key, &made.ca());
    let endpoint = gateway.create_endpoint(&EndpointPlan {
        client_cidr: "10.200.0.0/22",
        server_certificate: &server,
        client_ca: &server,
        transport: "udp",
        port: 1194,
        subnet: &subnet,
        options: &[],
    });
    gateway.authorize(&endpoint, &format!("{TARGET}/32"));
    let profile = gateway.export(&endpoint, None);
    let profiles = [CLIENT_1, CLIENT_2].map(|it| made.identity(it).appended_to(&profile));
    let (here, there) = (lab.client(), lab.client());
    let mut one = StockClient::connect(&lab, &here, &profiles[0], &[]);
    let two = StockClient::connect(&lab, &there, &profiles[1], &[]);
    let before = live(&gateway, &endpoint);
    assert_eq!(names(&before), [CLIENT_1, CLIENT_2]);

    easy_rsa(&made, &["revoke", CLIENT_1]);
    easy_rsa(&made, &["gen-crl"]);
    let list = fs::read_to_string(pki(&made).join("crl.pem")).expect("easy-rsa wrote it");
    let told = gateway.tell(&[
        "pki",
        "inspect-crl",
        "--client-vpn-endpoint-id",
        &endpoint.id,
        "--certificate-revocation-list",
        &list,
    ]);
    assert_eq!(told["Added"], 1, "{told}");
    assert_eq!(told["Connections"][0]["CommonName"], CLIENT_1, "{told}");
    assert_eq!(told["Connections"][1], Value::Null, "{told}");
    gateway.tell(&[
        "ec2",
        "import-client-vpn-client-certificate-revocation-list",
        "--client-vpn-endpoint-id",
        &endpoint.id,
        "--certificate-revocation-list",
        &list,
    ]);
    out_within_a_second(&gateway, &endpoint, CLIENT_1);
    told_why(&mut one);
    drop(one);
    cannot_come_back(&lab, &gateway, &endpoint, &profiles[0]);

    let after = live(&gateway, &endpoint);
    assert_eq!(after.len(), 1);
    let same = before.iter().find(|it| it["CommonName"] == CLIENT_2);
    assert_eq!(
        Some(&after[0]["ConnectionId"]),
        same.map(|it| &it["ConnectionId"])
    );
    assert_eq!(two.restarts(), 0, "{}", two.running.log());
    PATIENT.page(&there, TARGET).expect("it stayed");
    let exported = gateway.tell(&[
        "ec2",
        "export-client-vpn-client-certificate-revocation-list",
        "--client-vpn-endpoint-id",
        &endpoint.id,
    ]);
    let exported = text(&exported["CertificateRevocationList"]);
    assert_eq!(
        exported.trim(),
        list[list.find("-----BEGIN").unwrap_or(0)..].trim()
    );
}

#[test]
fn who_is_revoked_here_is_out_within_a_second_and_openssl_reads_the_list() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let SetUp {
        endpoint, profile, ..
    } = gateway.set_up("tcp", &[]);
    let (ca, alice) = (named(&gateway, "Interop CA"), named(&gateway, "alice"));
    let bob = gateway.issue(&ca, "client", "bob");
    let other = gateway.export(&endpoint, Some(&bob));
    let (here, there) = (lab.client(), lab.client());
    let mut one = StockClient::connect(&lab, &here, &profile, &[]);
    let two = StockClient::connect(&lab, &there, &other, &[]);
    assert_eq!(names(&live(&gateway, &endpoint)), ["alice", "bob"]);

    let revoke = ["pki", "revoke", "--certificate-arn", &alice];
    gateway.tell(&[&revoke[..], &["--reason", "key-compromise"]].concat());
    out_within_a_second(&gateway, &endpoint, "alice");
    told_why(&mut one);
    drop(one);
    cannot_come_back(&lab, &gateway, &endpoint, &profile);
    assert_eq!(names(&live(&gateway, &endpoint)), ["bob"]);
    assert_eq!(two.restarts(), 0, "{}", two.running.log());
    PATIENT.page(&there, TARGET).expect("it stayed");

    let list = gateway.tell(&["pki", "export-crl", "--certificate-arn", &ca]);
    let authority = gateway.tell(&["acm", "get-certificate", "--certificate-arn", &ca]);
    let (list_file, ca_file) = (lab.path("crl.pem"), lab.path("ca.pem"));
    let put =
        |path: &PathBuf, text: String| fs::write(path, text).expect("the lab's directory is ours");
    put(&list_file, text(&list["CertificateRevocationList"]));
    put(&ca_file, text(&authority["Certificate"]));
    let mut openssl = Command::new("openssl");
    openssl
        .args(["crl", "-noout", "-text", "-in"])
        .arg(&list_file);
    openssl.arg("-CAfile").arg(&ca_file);
    let output = openssl.output().expect("openssl can be started");
    let read = String::from_utf8_lossy(&output.stdout);
    let verified = String::from_utf8_lossy(&output.stderr);
    assert!(verified.contains("verify OK"), "{verified}");
    for part in ["Version 2", "X509v3 CRL Number", "Key Compromise"] {
        assert!(read.contains(part), "{read}");
    }
}

/// Waits until a client has no live connection, for a second from now at most.
fn out_within_a_second(gateway: &Gateway<'_>, endpoint: &Endpoint, name: &str) {
    let gone = until(Duration::from_secs(1), || {
        let live = live(gateway, endpoint);
        (!names(&live).contains(&name)).then_some(())
    });
    assert!(gone.is_some(), "{name} is still in after a second");
    let over = connections(gateway, endpoint);
    let over = over.iter().find(|it| it["CommonName"] == name);
    let why = over.map(|it| text(&it["Status"]["Message"]));
    let why = why.expect("it is told");
    assert!(
        why.starts_with(&format!("The certificate of {name} (serial number")),
        "{why}"
    );
    assert!(why.contains("was revoked at"), "{why}");
}

/// The client was told that its certificate is revoked, and has given up.
fn told_why(client: &mut StockClient) {
    let ended = until(Duration::from_secs(10), || client.running.ended());
    let log = client.running.log();
    assert!(ended.is_some(), "{log}");
    assert!(log.contains("AUTH_FAILED,The certificate of"), "{log}");
}

/// The client is refused when it tries again, and the record says why.
fn cannot_come_back(lab: &Lab, gateway: &Gateway<'_>, endpoint: &Endpoint, profile: &str) {
    let here = lab.client();
    let mut again = StockClient::start(lab, &here, profile, &["--connect-retry-max", "1"]);
    again.wait_refused();
    let attempt = until(Duration::from_secs(5), || {
        let answer = gateway.tell(&["attempts", "--client-vpn-endpoint-id", &endpoint.id]);
        answer["ConnectionAttempts"].get(0).cloned()
    });
    let why = text(&attempt.expect("the attempt is recorded")["Reason"]);
    assert!(why.contains("was revoked at"), "{why}");
}

fn connections(gateway: &Gateway<'_>, endpoint: &Endpoint) -> Vec<Value> {
    let command = format!(
        "describe-client-vpn-connections --client-vpn-endpoint-id {}",
        endpoint.id
    );
    let answer = gateway.ec2(&command);
    answer["Connections"]
        .as_array()
        .expect("a list of them")
        .clone()
}

/// The live connections, by name.
fn live(gateway: &Gateway<'_>, endpoint: &Endpoint) -> Vec<Value> {
    let mut live = connections(gateway, endpoint);
    live.retain(|it| it["Status"]["Code"] == "active");
    live.sort_by_key(|it| text(&it["CommonName"]));
    live
}

fn names(connections: &[Value]) -> Vec<&str> {
    connections
        .iter()
        .filter_map(|it| it["CommonName"].as_str())
        .collect()
}

/// The ARN of the certificate with this name.
fn named(gateway: &Gateway<'_>, name: &str) -> String {
    let answer = gateway.tell(&["acm", "list-certificates"]);
    let list = answer["CertificateSummaryList"].as_array();
    let mut list = list.expect("a list of them").iter();
    let found = list.find(|it| it["DomainName"] == name);
    text(&found.expect("it is there")["CertificateArn"])
}

fn pki(made: &EasyRsa) -> PathBuf {
    let ca = made.ca();
    ca.parent().expect("it is in a folder").to_owned()
}

fn easy_rsa(made: &EasyRsa, arguments: &[&str]) {
    let folder = pki(made);
    run(Command::new("/usr/share/easy-rsa/easyrsa")
        .current_dir(folder.parent().expect("it is in a folder"))
        .env("EASYRSA_BATCH", "1")
        .env("EASYRSA_PKI", &folder)
        .args(arguments));
}
