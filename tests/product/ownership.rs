//! One owner for a data directory, and what everyone else is told.

use std::{fs, os::unix::fs::PermissionsExt as _, thread};

use rustix::process::Signal;

use crate::support::Installation;

#[test]
fn without_an_owner_a_command_says_how_to_start_one() {
    let on = Installation::new();
    let refusal = on.words("acm list-certificates").refusal();
    let message = refusal["Message"].as_str().unwrap();
    let data_dir = on.data_dir();
    let cure = format!("gatehouse --data-dir {} serve", data_dir.display());
    assert!(message.contains(&cure), "{message}");
    assert!(message.contains("--offline"), "{message}");
    assert!(!data_dir.exists(), "a command that failed made a directory");
}

#[test]
fn offline_opens_the_directory_itself_and_a_gateway_finds_what_it_did() {
    let on = Installation::new();
    let vpc = on.text(
        "ec2 create-vpc --cidr-block 10.1.0.0/16 --offline",
        "/Vpc/VpcId",
    );
    let _gateway = on.serve();
    assert_eq!(on.text("ec2 describe-vpcs", "/Vpcs/0/VpcId"), vpc);
}

#[test]
fn waiting_for_the_status_waits_for_a_gateway_too() {
    let on = Installation::new();
    let refusal = on.words("status --wait --timeout 1").refusal();
    assert!(refusal["Message"].as_str().unwrap().contains("--offline"));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| on.words("status --wait --timeout 60"));
        let _gateway = on.serve();
        assert_eq!(waiting.join().unwrap().json()["Settled"], true);
    });
}

#[test]
fn a_second_owner_is_refused_with_the_first_ones_process_id() {
    let on = Installation::new();
    let gateway = on.serve();
    let pid = gateway.pid();
    for second in ["serve --network userspace", "ec2 describe-vpcs --offline"] {
        let refusal = on.words(second).refusal();
        let message = refusal["Message"].as_str().unwrap();
        let owner = format!("is owned by process {pid} (gatehouse serve)");
        assert!(message.contains(&owner), "{message}");
    }
    assert_eq!(
        on.words("ec2 describe-vpcs").json()["Vpcs"][0],
        serde_json::Value::Null
    );
}

#[test]
fn each_signal_ends_it_and_leaves_no_socket() {
    let on = Installation::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let gateway = on.serve();
        let socket = on.data_dir().join("control.sock");
        let mode = fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(gateway.stop(signal).success());
        assert!(!socket.exists());
    }
}

#[test]
fn the_socket_of_a_killed_owner_is_in_nobodys_way() {
    let on = Installation::new();
    on.serve().kill();
    assert!(on.data_dir().join("control.sock").exists());
    let refusal = on.words("ec2 describe-vpcs").refusal();
    assert_eq!(refusal["Code"], "Unavailable");
    let gateway = on.serve();
    on.words("ec2 describe-vpcs").json();
    drop(gateway);
}

#[test]
fn the_directory_and_what_is_in_it_are_for_its_owner_alone() {
    let on = Installation::new();
    let _gateway = on.serve();
    on.words("pki create-ca --common-name CA").json();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&on.data_dir()), 0o700);
    for entry in fs::read_dir(on.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_mistyped_command_ends_with_status_2_and_says_where() {
    let on = Installation::new();
    for (line, part) in [
        ("ec2 describe-vpc", "unrecognized subcommand"),
        ("ec2 describe-vpcs --vpc-id x", "--vpc-id"),
        ("ec2 describe-vpcs --filters Name", "\"=\" is missing"),
        (
            "acm import-certificate --certificate file:///no/such",
            "cannot be read",
        ),
        ("status --wait --offline", "--offline is for"),
        ("serve --offline", "--offline is for"),
        ("--offline", "--offline is for"),
    ] {
        let outcome = on.words(line);
        assert_eq!(outcome.status.code(), Some(2), "{outcome:?}");
        assert_eq!(outcome.stdout, "");
        assert!(outcome.stderr.contains(part), "{outcome:?}");
    }
}

#[test]
fn the_record_names_the_local_user_and_the_face() {
    let on = Installation::new();
    let _gateway = on.serve();
    on.words("ec2 create-vpc --cidr-block 10.1.0.0/16").json();
    on.words("ec2 create-vpc --cidr-block 10.1.0.0/40")
        .refusal();
    let events = on.words("events").json();
    let events = events["Events"].as_array().unwrap();
    let made: Vec<_> = events
        .iter()
        .filter(|event| event["EventName"] == "CreateVpc")
        .collect();
    assert_eq!(made.len(), 2, "{events:?}");
    assert_eq!(made[0]["ErrorCode"], "InvalidParameterValue");
    assert!(made[1].get("ErrorCode").is_none());
    for event in made {
        assert_eq!(event["Face"], "cli");
        assert!(!event["Username"].as_str().unwrap().is_empty());
    }
}
