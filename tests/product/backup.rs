//! Backups by command line: what is in one comes back, on another data directory too, and a file
//! that will not do changes nothing.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use crate::support::{Gateway, Installation, Outcome, Parts, free_port};

/// A passphrase in a file, as `--passphrase-file` takes it.
fn passphrase(on: &Installation, name: &str, words: &str) -> String {
    let path = on.file(name);
    fs::write(&path, words).unwrap();
    path.display().to_string()
}

fn backup(on: &Installation, act: &str, file: &str, passphrase: &str, more: &[&str]) -> Outcome {
    let line = ["backup", act, file, "--passphrase-file", passphrase];
    on.run(&[&line[..], more].concat())
}

/// What is configured, as the commands describe it.
fn described(on: &Installation) -> Vec<Value> {
    [
        "ec2 describe-client-vpn-endpoints",
        "ec2 describe-vpcs",
        "ec2 describe-subnets",
        "acm list-certificates",
        "settings show",
    ]
    .map(|line| on.words(line).json())
    .into()
}

/// An installation with an endpoint, and a backup of it.
struct BackedUp {
    /// Ends before its directory goes.
    _gateway: Gateway,
    on: Installation,
    parts: Parts,
    endpoint: String,
    file: String,
    key: String,
}

impl BackedUp {
    fn new() -> Self {
        let on = Installation::new();
        let gateway = on.serve();
        let parts = Parts::make(&on);
        let port = format!("--vpn-port {}", free_port());
        let create = parts.create_endpoint("10.200.0.0/22", &port);
        let endpoint = on.text(&create, "/ClientVpnEndpointId");
        let key = passphrase(&on, "passphrase", "correct horse battery\n");
        let file = on.file("a.backup").display().to_string();
        backup(&on, "create", &file, &key, &[]).json();
        Self {
            _gateway: gateway,
            on,
            parts,
            endpoint,
            file,
            key,
        }
    }
}

#[test]
fn what_was_lost_comes_back_and_the_record_says_so() {
    let it = BackedUp::new();
    let mode = fs::metadata(&it.file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds every key");
    let before = described(&it.on);
    let line = format!(
        "ec2 delete-client-vpn-endpoint --client-vpn-endpoint-id {}",
        it.endpoint
    );
    it.on.words(&line).json();
    it.on.words("status --wait").json();
    assert_ne!(described(&it.on), before);

    let shown = backup(&it.on, "show", &it.file, &it.key, &[]).json();
    assert_eq!(shown["ClientVpnEndpoints"], 1, "{shown}");
    assert_eq!(shown["Certificates"], 3, "{shown}");
    let refusal = backup(&it.on, "restore", &it.file, &it.key, &[]).refusal();
    assert!(
        refusal["Message"].as_str().unwrap().contains("--yes"),
        "{refusal}"
    );
    backup(&it.on, "restore", &it.file, &it.key, &["--yes"]).json();
    assert_eq!(described(&it.on), before);
    it.on.words("status --wait").json();

    let events = it
        .on
        .words("cloudtrail lookup-events --max-results 50")
        .json();
    let names: Vec<&str> = events["Events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["EventName"].as_str())
        .collect();
    for name in ["RestoreBackup", "CreateBackup", "DeleteClientVpnEndpoint"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(!events.to_string().contains("correct horse"));
}

#[test]
fn another_data_directory_becomes_what_the_first_one_was() {
    let it = BackedUp::new();
    let other = Installation::new();
    let _gateway = other.serve();
    let key = passphrase(&other, "passphrase", "correct horse battery\n");
    backup(&other, "restore", &it.file, &key, &["--yes"]).json();
    assert_eq!(described(&other), described(&it.on));
    let export = |on: &Installation| {
        let arn = &it.parts.client;
        let line = format!("pki export --certificate-arn {arn} --private-key");
        on.text(&line, "/PrivateKey")
    };
    assert_eq!(export(&other), export(&it.on));
}

#[test]
fn a_file_that_will_not_do_changes_nothing_and_none_is_replaced_unasked() {
    let it = BackedUp::new();
    let before = described(&it.on);
    let whole = fs::read(&it.file).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let wrong = passphrase(&it.on, "wrong", "another passphrase\n");
    let cases: [(&str, &[u8], &str, &str); 5] = [
        ("wrong", &whole, &wrong, "does not open the backup"),
        (
            "cut",
            &whole[..whole.len() - 1],
            &it.key,
            "was cut or changed",
        ),
        ("short", &whole[..20], &it.key, "it is cut"),
        ("flipped", &flipped, &it.key, "was cut or changed"),
        ("other", b"not a backup", &it.key, "is no backup"),
    ];
    for (name, bytes, key, words) in cases {
        let path = it.on.file(name).display().to_string();
        fs::write(&path, bytes).unwrap();
        for act in [&["show"][..], &["restore", "--yes"][..]] {
            let refusal = backup(&it.on, act[0], &path, key, &act[1..]).refusal();
            let message = refusal["Message"].as_str().unwrap();
            assert!(message.contains(words), "{name}: {message}");
        }
    }
    let short = passphrase(&it.on, "few", "short\n");
    let refusal = backup(&it.on, "create", &format!("{}2", it.file), &short, &[]).refusal();
    assert!(refusal["Message"].as_str().unwrap().contains("at least 12"));
    let refusal = backup(&it.on, "create", &it.file, &it.key, &[]).refusal();
    assert!(refusal["Message"].as_str().unwrap().contains("--force"));
    assert_eq!(fs::read(&it.file).unwrap(), whole);
    backup(&it.on, "create", &it.file, &it.key, &["--force"]).json();
    assert_ne!(fs::read(&it.file).unwrap(), whole, "salt and nonce are new");
    assert_eq!(described(&it.on), before);
}
