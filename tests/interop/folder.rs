//! An authority of easy-rsa moves in with its whole folder, and is renewed: stock clients of before
//! and after enter, and those it revoked do not.

use std::{fs, os::unix, process::Command};

use serde_json::Value;

use crate::{
    certificates::{CLIENT_1, CLIENT_2, EasyRsa},
    gateway::{EndpointPlan, Gateway, Mode, text},
    lab::{Lab, TARGET, run},
    site::{PATIENT, Site},
    stock::StockClient,
};

/// The folder where the program may read it.
fn handed_over(lab: &Lab, made: &EasyRsa) -> String {
    let folder = lab.path("easy-rsa");
    let from = made.ca();
    let from = from.parent().expect("ca.crt lies in a folder");
    run(Command::new("cp").arg("-r").arg(from).arg(&folder));
    for entry in [".", "issued", "private"] {
        let below = folder.join(entry);
        unix::fs::chown(&below, Some(NOBODY), Some(NOBODY)).expect("root may give away");
        for file in fs::read_dir(&below).expect("it was copied") {
            let file = file.expect("it was copied").path();
            unix::fs::chown(&file, Some(NOBODY), Some(NOBODY)).expect("root may give away");
        }
    }
    folder.display().to_string()
}

/// The ARN of what came from a file.
fn of(done: &Value, path: &str) -> String {
    let all = done["Imported"].as_array().expect("a list");
    let one = all.iter().find(|it| it["Path"] == path);
    text(&one.unwrap_or_else(|| panic!("{path} is not in {done}"))["CertificateArn"])
}

#[test]
fn a_folder_of_easy_rsa_serves_its_clients_and_its_renewed_authority_those_of_before() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let made = EasyRsa::make("server", &[CLIENT_1, CLIENT_2, "gone.domain.tld"]);
    // Revoking moves the files away.
    let gone = made.identity("gone.domain.tld").appended_to("");
    made.easyrsa(&["revoke", "gone.domain.tld"]);

    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let subnet = gateway.create_networks();
    let folder = handed_over(&lab, &made);
    let done = gateway.tell(&["pki", "import-easy-rsa", &folder]);
    assert_eq!(done["Skipped"], serde_json::json!([]), "{done}");
    assert_eq!(done["Revoked"], 1);
    let ca = of(&done, "ca.crt");
    let endpoint = gateway.create_endpoint(&EndpointPlan {
        client_cidr: "10.200.0.0/22",
        server_certificate: &of(&done, "issued/server.crt"),
        client_ca: &ca,
        transport: "udp",
        port: 1194,
        subnet: &subnet,
        options: &[],
    });
    gateway.authorize(&endpoint, &format!("{TARGET}/32"));

    // As easy-rsa made them, and with the key that came with the folder.
    let before = gateway.export(&endpoint, None);
    let own = made.identity(CLIENT_1).appended_to(&before);
    let client_2 = of(&done, &format!("issued/{CLIENT_2}.crt"));
    let enters = |profile: &str| {
        let here = lab.client();
        let _client = StockClient::connect(&lab, &here, profile, &[]);
        PATIENT.page(&here, TARGET).expect("the target answers");
    };
    enters(&own);
    enters(&gateway.export(&endpoint, Some(&client_2)));
    let turned_away = |profile: &str| {
        let here = lab.client();
        let mut client = StockClient::start(&lab, &here, profile, &["--connect-retry-max", "1"]);
        client.wait_refused();
    };
    let revoked = format!("{before}{gone}");
    turned_away(&revoked);

    gateway.tell(&[
        "pki",
        "renew",
        "--certificate-arn",
        &ca,
        "--validity-days",
        "3000",
    ]);
    gateway.settle();
    let after = gateway.export(&endpoint, None);
    assert_ne!(after, before, "the new root is in it");
    // The file of before, the file of now with the certificate of before, and a new certificate.
    enters(&own);
    enters(&made.identity(CLIENT_1).appended_to(&after));
    let later = gateway.issue(&ca, "client", "later.domain.tld");
    enters(&gateway.export(&endpoint, Some(&later)));
    turned_away(&revoked);
}

/// The user that the program runs as.
const NOBODY: u32 = 65534;
