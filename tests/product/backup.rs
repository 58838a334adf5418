//! The whole installation in one file: made, lost, restored, moved to another machine.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::support::{Installation, Outcome, Parts, command, free_port};

/// An installation with an endpoint that has a target network, a rule, a route and a group.
struct Office {
    parts: Parts,
    endpoint: String,
}

impl Office {
    fn open(on: &Installation) -> Self {
        let parts = Parts::make(on);
        let create = parts.create_endpoint("10.250.0.0/22", &format!("--vpn-port {}", free_port()));
        let endpoint = on.text(&create, "/ClientVpnEndpointId");
        let (of, subnet) = (
            format!("--client-vpn-endpoint-id {endpoint}"),
            &parts.subnet,
        );
        let lines = [
            format!("ec2 associate-client-vpn-target-network {of} --subnet-id {subnet}"),
            format!(
                "ec2 authorize-client-vpn-ingress {of} --authorize-all-groups \
                 --target-network-cidr 10.40.0.0/16"
            ),
            format!(
                "ec2 create-client-vpn-route {of} --target-vpc-subnet-id {subnet} \
                 --destination-cidr-block 10.41.0.0/16"
            ),
        ];
        for line in lines {
            on.words(&line).json();
        }
        settle(on);
        Self { parts, endpoint }
    }

    /// Everything that is lost is lost: the endpoint with all it has, and a certificate.
    fn lose(&self, on: &Installation) {
        let of = format!("--client-vpn-endpoint-id {}", self.endpoint);
        let networks = format!("ec2 describe-client-vpn-target-networks {of}");
        let association = on.text(&networks, "/ClientVpnTargetNetworks/0/AssociationId");
        on.words(&format!(
            "ec2 disassociate-client-vpn-target-network {of} --association-id {association}"
        ))
        .json();
        settle(on);
        on.words(&format!("ec2 delete-client-vpn-endpoint {of}"))
            .json();
        settle(on);
        on.words(&format!(
            "acm delete-certificate --certificate-arn {}",
            self.parts.client
        ))
        .json();
        on.words("ec2 create-vpc --cidr-block 10.99.0.0/16").json();
    }
}

fn settle(on: &Installation) {
    on.words("status --wait --timeout 60").json();
}

/// What the commands that describe things say, for each.
fn described(on: &Installation) -> Vec<(String, Value)> {
    let mut lines: Vec<String> = [
        "acm list-certificates",
        "ec2 describe-vpcs",
        "ec2 describe-subnets",
        "ec2 describe-security-groups",
        "ec2 describe-client-vpn-endpoints",
    ]
    .map(str::to_owned)
    .to_vec();
    let endpoints = on.words("ec2 describe-client-vpn-endpoints").json();
    for endpoint in endpoints["ClientVpnEndpoints"].as_array().unwrap() {
        let id = endpoint["ClientVpnEndpointId"].as_str().unwrap();
        for what in ["target-networks", "authorization-rules", "routes"] {
            lines.push(format!(
                "ec2 describe-client-vpn-{what} --client-vpn-endpoint-id {id}"
            ));
        }
    }
    let said = |line: String| {
        let json = on.words(&line).json();
        (line, json)
    };
    lines.into_iter().map(said).collect()
}

fn passphrase(on: &Installation, words: &str) -> String {
    let file = on.file(&format!("{}.txt", words.replace(' ', "-")));
    fs::write(&file, format!("{words}\n")).unwrap();
    file.display().to_string()
}

/// `gatehouse backup` with a file and where its passphrase is.
fn backup(on: &Installation, verb: &str, file: &Path, words: &str, more: &[&str]) -> Outcome {
    let (file, from) = (file.display().to_string(), passphrase(on, words));
    let line = ["backup", verb, &file, "--passphrase-file", &from];
    on.run(&[&line[..], more].concat())
}

const WORDS: &str = "correct horse battery";

#[test]
fn what_was_lost_comes_back_and_the_event_history_keeps_it_all() {
    let on = Installation::new();
    let _gateway = on.serve();
    let office = Office::open(&on);
    let before = described(&on);
    let file = on.file("office.backup");
    let made = backup(&on, "create", &file, WORDS, &[]).json();
    let bytes = fs::read(&file).unwrap();
    assert_eq!(made["Bytes"], bytes.len());
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!bytes.windows(11).any(|it| it == b"PRIVATE KEY"));
    let shown = backup(&on, "show", &file, WORDS, &[]).json();
    assert_eq!(shown["ClientVpnEndpoints"], 1);
    assert_eq!(shown["Certificates"], 3);

    office.lose(&on);
    assert_ne!(described(&on), before);
    // Nobody is there to be asked.
    let refusal = backup(&on, "restore", &file, WORDS, &[]).refusal();
    assert!(refusal["Message"].as_str().unwrap().contains("--yes"));
    let restored = backup(&on, "restore", &file, WORDS, &["--yes"]).json();
    assert_eq!(restored, shown);
    settle(&on);
    assert_eq!(described(&on), before);

    let events = on.words("events").json();
    let events = events["Events"].as_array().unwrap();
    let done = |name: &str| {
        let named = events.iter().filter(|it| it["EventName"] == name);
        named.filter(|it| it.get("ErrorCode").is_none()).count()
    };
    for name in ["CreateBackup", "RestoreBackup", "DeleteClientVpnEndpoint"] {
        assert_eq!(done(name), 1, "{name}");
    }
    let text = serde_json::to_string(events).unwrap();
    assert!(!text.contains(WORDS) && !text.contains("PRIVATE KEY"));
}

#[test]
fn another_machine_takes_over_with_the_keys() {
    let (old, new) = (Installation::new(), Installation::new());
    let running = old.serve();
    let office = Office::open(&old);
    let before = described(&old);
    let export = [
        "pki",
        "export",
        "--certificate-arn",
        &office.parts.client,
        "--private-key",
    ];
    let key = old.run(&export).json();
    let file = old.file("office.backup");
    backup(&old, "create", &file, WORDS, &[]).json();
    drop(running);

    // Before its first start.
    backup(&new, "restore", &file, WORDS, &["--yes", "--offline"]).json();
    let gateway = new.serve();
    settle(&new);
    assert_eq!(described(&new), before);
    assert_eq!(new.run(&export).json(), key);
    // Each has a master key of its own, and this one opens what came here.
    drop(gateway);
    let _again = new.serve();
    settle(&new);
    assert_eq!(described(&new), before);
    assert_eq!(new.run(&export).json(), key);
    new.words(&format!(
        "pki issue --ca-arn {} --usage client --common-name bob",
        office.parts.ca
    ))
    .json();
}

#[test]
fn what_cannot_be_opened_is_refused_and_changes_nothing() {
    let on = Installation::new();
    let _gateway = on.serve();
    Parts::make(&on);
    let file = on.file("a.backup");
    backup(&on, "create", &file, WORDS, &[]).json();
    on.words("ec2 create-vpc --cidr-block 10.99.0.0/16").json();
    let before = described(&on);
    let good = fs::read(&file).unwrap();
    let bad = on.file("bad.backup");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let cases = [
        (good.clone(), "correct horse batterY", "Passphrase"),
        (good[..good.len() - 7].to_vec(), WORDS, "Passphrase"),
        (good[..30].to_vec(), WORDS, "Backup"),
        (flipped, WORDS, "Passphrase"),
        (b"-----BEGIN CERTIFICATE-----\n".to_vec(), WORDS, "Backup"),
        (Vec::new(), WORDS, "Backup"),
    ];
    for (index, (bytes, words, field)) in cases.iter().enumerate() {
        fs::write(&bad, bytes).unwrap();
        for (verb, more) in [("show", &[][..]), ("restore", &["--yes"][..])] {
            let refusal = backup(&on, verb, &bad, words, more).refusal();
            assert_eq!(
                refusal["Code"], "InvalidParameterValue",
                "{index} {refusal}"
            );
            assert_eq!(refusal["Field"], *field, "{index} {refusal}");
        }
        assert_eq!(described(&on), before, "case {index}");
    }
    let events = on.words("events").json();
    let refused = events["Events"].as_array().unwrap().iter();
    let refused = refused.filter(|it| it["EventName"] == "RestoreBackup");
    assert_eq!(refused.count(), cases.len());
    // The good one is still good.
    backup(&on, "restore", &file, WORDS, &["--yes"]).json();
    assert_ne!(described(&on), before);
}

#[test]
fn a_file_that_is_there_is_kept_and_a_short_passphrase_writes_none() {
    let on = Installation::new();
    let _gateway = on.serve();
    let file = on.file("a.backup");
    fs::write(&file, "mine").unwrap();
    let refusal = backup(&on, "create", &file, WORDS, &[]).refusal();
    assert!(refusal["Message"].as_str().unwrap().contains("--force"));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let refusal = backup(&on, "create", &file, "too short", &["--force"]).refusal();
    assert_eq!(refusal["Field"], "Passphrase");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    backup(&on, "create", &file, WORDS, &["--force"]).json();
    assert!(fs::read(&file).unwrap().starts_with(b"gatehouse-backup"));
    let missing = on.file("none.backup");
    let refusal = backup(&on, "restore", &missing, WORDS, &["--yes"]).refusal();
    assert_eq!(refusal["Field"], "Backup");
}

/// Runs `gatehouse backup create` on a terminal of its own, by `before`.
fn on_a_terminal(on: &Installation, before: &str, file: &Path) -> Child {
    let file = file.display().to_string();
    let line = command(&on.data_dir(), &["backup", "create", &file]);
    let words = std::iter::once(line.get_program()).chain(line.get_args());
    let words: Vec<String> = words
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let line = format!("{before} {}", words.join(" "));
    Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_remove("GATEHOUSE_DATA_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script of util-linux makes a terminal")
}

/// Reads what the terminal shows until it ends so, or to its end.
fn shown_until(child: &mut Child, end: &str) -> String {
    let terminal = child.stdout.as_mut().unwrap();
    let mut shown = Vec::new();
    let mut byte = [0];
    while !shown.ends_with(end.as_bytes()) || end.is_empty() {
        match terminal.read(&mut byte) {
            Ok(1) => shown.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal_twice_and_never_shown() {
    let on = Installation::new();
    let _gateway = on.serve();
    let file = on.file("a.backup");
    let mut child = on_a_terminal(&on, "exec", &file);
    let mut shown = String::new();
    for question in ["at least 12 characters: ", "again: "] {
        shown += &shown_until(&mut child, question);
        let typed = format!("{WORDS}\n");
        let keys = child.stdin.as_mut().unwrap();
        keys.write_all(typed.as_bytes()).unwrap();
    }
    shown += &shown_until(&mut child, "");
    assert!(child.wait().unwrap().success(), "{shown}");
    assert!(shown.contains("a lost one cannot be recovered"), "{shown}");
    assert!(!shown.contains(WORDS), "{shown}");
    backup(&on, "show", &file, WORDS, &[]).json();
}

#[test]
fn a_passphrase_that_would_show_is_not_read() {
    let on = Installation::new();
    let _gateway = on.serve();
    let file = on.file("a.backup");
    // Its input is a terminal, but not the one of its session.
    let mut child = on_a_terminal(&on, "exec setsid --wait", &file);
    drop(child.stdin.take());
    let shown = shown_until(&mut child, "");
    assert!(!child.wait().unwrap().success(), "{shown}");
    let message = "so the passphrase would show as it is typed";
    assert!(shown.contains(message), "{shown}");
    assert!(!file.exists());
}

#[test]
fn a_passphrase_is_the_first_line_of_input_that_is_no_terminal() {
    let on = Installation::new();
    let _gateway = on.serve();
    let file = on.file("a.backup");
    let path = file.display().to_string();
    let mut child = command(&on.data_dir(), &["backup", "create", &path])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(format!("{WORDS}\nmore\n").as_bytes())
        .unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    backup(&on, "show", &file, WORDS, &[]).json();
}

#[test]
fn the_help_says_where_the_passphrase_comes_from_and_that_it_cannot_be_recovered() {
    let on = Installation::new();
    let help = on.words("backup --help").stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "every private key",
        "asked for on the terminal, and not shown",
        "where standard input is no terminal, it is the first line of that",
        "a lost passphrase cannot be recovered",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
}
