//! The client of our own, test connections and the diagnosis, by real packets.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use gatehouse::{
    control::{Console as _, Face, Follow, Remote},
    model::{self, Answer, ConnectionTest, Finding, Severity, diagnosis::TestConnection},
};
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    gateway::{Endpoint, Gateway, Mode},
    lab::{Lab, NEIGHBOUR, Namespace, TARGET, run},
    process::{Running, until},
    site::Site,
};

#[test]
fn connect_tells_and_probes_over_udp_by_tun() {
    connect_tells_and_probes("udp", Mode::Tun);
}

#[test]
fn connect_tells_and_probes_over_tcp_in_user_space() {
    connect_tells_and_probes("tcp", Mode::UserSpace);
}

fn connect_tells_and_probes(transport: &str, mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = gateway.set_up(transport, &["--split-tunnel"]);
    let file = written(&lab, &set_up.profile);

    let routes =
        || run(here.command("ip").args(["address"])) + &run(here.command("ip").arg("route"));
    let before = routes();
    let target = TARGET.to_string();
    let (page, closed) = (format!("{target}:80"), format!("{target}:81"));
    let neighbour = NEIGHBOUR.to_string();
    let good = connect(
        &here,
        &file,
        &["--for", "0", "--probe", &target, "--probe", &page],
    );
    assert!(good.status.success(), "{good:?}");
    let told = lines(&good);
    let events: Vec<&str> = told
        .iter()
        .filter_map(|line| line["Event"].as_str())
        .collect();
    let stages: Vec<&str> = events
        .iter()
        .copied()
        .filter(|event| *event != "Option")
        .collect();
    assert_eq!(
        stages,
        [
            "Connecting",
            "Answered",
            "Handshake",
            "Connected",
            "Probe",
            "Probe",
            "Left"
        ]
    );
    assert!(
        told.iter()
            .any(|line| line["Option"] == "route 10.77.0.0/16"),
        "{told:?}"
    );
    assert!(
        results(&told).iter().all(|result| result == "answered"),
        "{told:?}"
    );
    assert_eq!(routes(), before, "this machine's network was changed");

    // A port that nothing listens on, and an address that no rule opens.
    let bad = connect(
        &here,
        &file,
        &["--for", "0", "--probe", &closed, "--probe", &neighbour],
    );
    assert!(!bad.status.success());
    assert_eq!(results(&lines(&bad)), ["refused", "no answer"], "{bad:?}");
}

#[test]
fn connect_follows_updates_and_rekeys_and_leaves_when_it_is_told_to() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    gateway.set("rekey-seconds", "10");
    let set_up = gateway.set_up("udp", &["--split-tunnel"]);
    let file = written(&lab, &set_up.profile);
    let mut command = here.command(env!("CARGO_BIN_EXE_gatehouse"));
    command.arg("connect").arg(&file);
    let mut client = Running::start("gatehouse connect", &mut command, lab.path("connect.log"));
    client.wait_for("\"Connected\"", Duration::from_secs(20));
    gateway.create_route(&set_up.endpoint, "10.99.0.0/16", &set_up.subnet);
    client.wait_for("\"Option\":\"route 10.99.0.0/16\"", Duration::from_secs(20));
    client.wait_for("\"Rekeyed\"", Duration::from_secs(30));
    client.signal(Signal::INT);
    let ended = until(Duration::from_secs(10), || client.ended());
    assert!(
        ended.is_some_and(|status| status.success()),
        "{}",
        client.log()
    );
    assert!(client.log().contains("\"Left\""), "{}", client.log());
    let gone = until(Duration::from_secs(5), || {
        gateway
            .active_connection(&set_up.endpoint)
            .is_none()
            .then_some(())
    });
    assert!(gone.is_some(), "the gateway did not hear that it left");
}

#[test]
fn connect_carries_load_by_several_sessions_and_says_what_is_wrong_with_a_file() {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let set_up = gateway.set_up("udp", &[]);
    let file = written(&lab, &set_up.profile);
    let load = format!("{TARGET}:80");
    let options = [
        "--for",
        "2",
        "--sessions",
        "3",
        "--load",
        &load,
        "--rate",
        "2",
    ];
    let output = connect(&here, &file, &options);
    assert!(output.status.success(), "{output:?}");
    let told = lines(&output);
    let summary = told.last().expect("it ends with a summary");
    assert_eq!(summary["Event"], "Summary", "{summary}");
    assert_eq!(summary["Connected"], 3, "{summary}");
    let number = |name: &str| summary[name].as_u64().expect("a number");
    // 3 sessions, 2 seconds, 2 Mbit/s, 1,200 bytes: about 1,250 packets.
    assert!(number("PacketsSent") > 600, "{summary}");
    assert!(
        number("PacketsReceived") * 10 > number("PacketsSent") * 9,
        "{summary}"
    );

    let broken = written(&lab, &set_up.profile.replace("proto udp", "proto sctp"));
    let output = connect(&here, &broken, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("line 3, proto"), "{said}");
}

#[test]
fn a_test_connection_passes_and_fails_rightly() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::UserSpace);
    let set_up = gateway.set_up("udp", &[]);
    let target = TARGET.to_string();
    for (user, port) in [("alice", Some(80)), ("bob", None)] {
        let test = tested(&gateway, &set_up.endpoint, user, &target, port);
        assert!(test.passed, "{test:#?}");
        assert_eq!(test.steps.len(), 4);
    }
    let test = tested(
        &gateway,
        &set_up.endpoint,
        "alice",
        &NEIGHBOUR.to_string(),
        Some(80),
    );
    let step = test.steps.last().expect("there are steps");
    assert_eq!((step.name.as_str(), step.passed), ("reachability", false));
    assert!(
        step.sentence.contains("No authorization rule"),
        "{}",
        step.sentence
    );
    let test = tested(&gateway, &set_up.endpoint, "alice", &target, Some(81));
    let step = test.steps.last().expect("there are steps");
    assert!(!step.passed);
    assert!(
        step.sentence.contains("The rules let it pass"),
        "{}",
        step.sentence
    );
}

#[test]
fn the_diagnosis_finds_what_is_planted_and_its_commands_mend_it() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, Mode::Tun);
    let set_up = gateway.set_up("udp", &[]);
    let target = TARGET.to_string();
    let clean = diagnosed(&gateway);
    assert!(bad(&clean).is_empty(), "{:#?}", bad(&clean));

    let plant = "add table ip planted\n\
         add chain ip planted FORWARD { type filter hook forward priority 0; policy drop; }\n\
         add chain ip planted INPUT { type filter hook input priority 0; policy accept; }\n\
         add rule ip planted INPUT iifname lo accept\n\
         add rule ip planted INPUT icmp type echo-request accept\n\
         add rule ip planted INPUT counter drop";
    run(lab.gateway.command("nft").arg(plant));
    lab.gateway.sysctl("net/ipv4/conf/lan0/rp_filter", "1");
    let test = tested(&gateway, &set_up.endpoint, "alice", &target, Some(80));
    assert!(!test.passed, "the planted chain does not drop: {test:#?}");
    let found = diagnosed(&gateway);
    let mut checks: Vec<&str> = bad(&found).iter().map(|it| it.check.as_str()).collect();
    checks.sort_unstable();
    assert_eq!(
        checks,
        ["forward-firewall", "input-firewall", "rp-filter"],
        "{found:#?}"
    );

    for finding in bad(&found) {
        let commands = finding.commands.as_ref().expect("it can be mended");
        run(lab.gateway.command("sh").args(["-ec", commands]));
    }
    let after = diagnosed(&gateway);
    assert!(bad(&after).is_empty(), "{:#?}", bad(&after));
    let test = tested(&gateway, &set_up.endpoint, "alice", &target, Some(80));
    assert!(test.passed, "{test:#?}");
}

#[test]
fn a_stranger_on_a_network_beside_it_knocks_at_the_gateways_ports() {
    let Some(lab) = Lab::build() else { return };
    let mut gateway = Gateway::prepare(&lab, Mode::Tun);
    // Namespaces are files that root makes.
    gateway.more = ",+sys_admin,+dac_override";
    gateway.serve();
    gateway.settle();
    gateway.set_up("udp", &[]);
    // No process has this number: a look that was killed has left it.
    let stale = "gatehouse-look-4194999";
    run(Command::new("ip").args(["netns", "add", stale]));

    let both = std::thread::scope(|scope| {
        let one = || scope.spawn(|| outside(&diagnosed(&gateway)));
        [one(), one()].map(|it| it.join().expect("it ends"))
    });
    for found in &both {
        assert!(found.sentence.contains("answers a stranger"), "{both:?}");
    }
    let left = run(Command::new("ip").args(["netns", "list"]));
    assert!(!left.contains(stale), "{left}");
    let links = || run(lab.gateway.command("ip").args(["-brief", "link"]));
    assert!(!links().contains("ghlook"), "{}", links());

    // What no judgement of rules can know, knocking does.
    let plant = "add table ip planted\n\
         add chain ip planted INPUT { type filter hook input priority 0; policy drop; }\n\
         add rule ip planted INPUT ip saddr 203.0.113.0/24 accept";
    run(lab.gateway.command("nft").arg(plant));
    let passed = diagnosed(&gateway);
    assert!(bad(&passed).is_empty(), "{:#?}", bad(&passed));
    run(lab
        .gateway
        .command("nft")
        .arg("flush chain ip planted INPUT"));
    let found = diagnosed(&gateway);
    let mut checks: Vec<&str> = bad(&found).iter().map(|it| it.check.as_str()).collect();
    checks.sort_unstable();
    assert_eq!(
        checks,
        ["input-firewall", "reach-from-outside"],
        "{found:#?}"
    );
    assert!(outside(&found).sentence.contains("does not answer"));
}

/// What knocking from outside came to.
fn outside(findings: &[Finding]) -> Finding {
    let mut found = findings.iter();
    found
        .find(|finding| finding.check == "reach-from-outside")
        .cloned()
        .expect("it is always told")
}

/// Runs the client to its end.
fn connect(here: &Namespace, file: &PathBuf, options: &[&str]) -> Output {
    let mut command: Command = here.command(env!("CARGO_BIN_EXE_gatehouse"));
    command.arg("connect").arg(file).args(options);
    command.output().expect("the program can be started")
}

fn written(lab: &Lab, profile: &str) -> PathBuf {
    let path = lab.path(&format!("{}.ovpn", profile.len()));
    fs::write(&path, profile).expect("the lab's directory is ours");
    path
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

fn results(told: &[Value]) -> Vec<String> {
    told.iter()
        .filter_map(|line| line["Result"].as_str().map(str::to_owned))
        .collect()
}

fn bad(findings: &[Finding]) -> Vec<&Finding> {
    findings
        .iter()
        .filter(|finding| finding.severity != Severity::Good)
        .collect()
}

fn tested(
    gateway: &Gateway<'_>,
    endpoint: &Endpoint,
    user: &str,
    destination: &str,
    port: Option<u16>,
) -> ConnectionTest {
    let asked = TestConnection {
        client_vpn_endpoint_id: endpoint.id.clone(),
        user: user.to_owned(),
        destination: Some(destination.to_owned()),
        protocol: port.map(|_| "tcp".to_owned()),
        port,
    };
    match asked_of(gateway, model::Command::TestConnection(asked)) {
        Answer::ConnectionTest(test) => test,
        other => panic!("{other:?}"),
    }
}

fn diagnosed(gateway: &Gateway<'_>) -> Vec<Finding> {
    match asked_of(gateway, model::Command::Diagnose) {
        Answer::Diagnosis(findings) => findings,
        other => panic!("{other:?}"),
    }
}

/// Asks the running service by its control socket.
fn asked_of(gateway: &Gateway<'_>, command: model::Command) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let remote = Remote::attach(&gateway.data_dir, Face::Cli, Follow::Nothing);
        let remote = remote.await.expect("it runs");
        remote
            .call(command.into())
            .await
            .expect("it is not refused")
    })
}
