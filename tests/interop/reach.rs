//! Who may reach what, by real packets: memberships, revocations, limits and end times take effect
//! on a live session at once, and `why` says the same each time.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    gateway::{Endpoint, Gateway, Mode, text},
    lab::{Lab, Namespace, TARGET},
    process::until,
    site::{BRIEF, PATIENT, PORT, Site},
    stock::StockClient,
};

#[test]
fn a_live_session_follows_its_groups_by_tun() {
    a_live_session_follows_its_groups(Mode::Tun);
}

#[test]
fn a_live_session_follows_its_groups_in_user_space() {
    a_live_session_follows_its_groups(Mode::UserSpace);
}

fn a_live_session_follows_its_groups(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = gateway.set_up("udp", &[]);
    let client = StockClient::connect(&lab, &here, &set_up.profile, &[]);
    let reach = Reach {
        gateway: &gateway,
        endpoint: &set_up.endpoint,
        session: gateway
            .active_connection(&set_up.endpoint)
            .expect("one client is connected"),
    };

    // The rule for everyone gives way to one for a group that alice is not in.
    let created = gateway.tell(&["directory", "create-group", "--name", "Engineering"]);
    let sid = text(&created["Group"]["GroupId"]);
    reach.authorize(&["--access-group-id", &sid]);
    reach.revoke(&["--revoke-all-groups"]);
    assert_eq!(reach.why("tcp"), "deny");
    assert!(
        BRIEF.page(&here, TARGET).is_err(),
        "she is not in the group"
    );

    let member = ["--sid", &sid, "--common-name", "alice"];
    gateway.tell(&[&["directory", "add-user"], &member[..]].concat());
    assert_eq!(reach.why("tcp"), "allow");
    PATIENT
        .page(&here, TARGET)
        .expect("she is in the group now");

    cuts_a_download(&here, &reach, || {
        reach.revoke(&["--access-group-id", &sid]);
    });
    assert!(BRIEF.page(&here, TARGET).is_err(), "no rule is left");

    // The same by leaving the group.
    reach.authorize(&["--access-group-id", &sid]);
    cuts_a_download(&here, &reach, || {
        gateway.tell(&[&["directory", "remove-user"], &member[..]].concat());
    });
    assert_eq!(client.restarts(), 0);
}

#[test]
fn limits_of_a_rule_hold_for_packets_by_tun() {
    limits_of_a_rule_hold_for_packets(Mode::Tun);
}

#[test]
fn limits_of_a_rule_hold_for_packets_in_user_space() {
    limits_of_a_rule_hold_for_packets(Mode::UserSpace);
}

fn limits_of_a_rule_hold_for_packets(mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = gateway.set_up("udp", &[]);
    let client = StockClient::connect(&lab, &here, &set_up.profile, &[]);
    let reach = Reach {
        gateway: &gateway,
        endpoint: &set_up.endpoint,
        session: gateway
            .active_connection(&set_up.endpoint)
            .expect("one client is connected"),
    };

    let port = PORT.to_string();
    for (limits, tcp, udp) in [
        (["--protocol", "tcp", "--port", &port], true, false),
        (["--protocol", "udp", "--port", &port], false, true),
        (["--protocol", "tcp", "--port", "81"], false, false),
    ] {
        reach.revoke(&["--revoke-all-groups"]);
        reach.authorize(&[&["--authorize-all-groups"], &limits[..]].concat());
        let word = |reached| if reached { "allow" } else { "deny" };
        assert_eq!(reach.why("tcp"), word(tcp), "{limits:?}");
        assert_eq!(reach.why("udp"), word(udp), "{limits:?}");
        let visit = |reached| if reached { PATIENT } else { BRIEF };
        assert_eq!(visit(tcp).page(&here, TARGET).is_ok(), tcp, "{limits:?}");
        assert_eq!(visit(udp).echo(&here, TARGET).is_ok(), udp, "{limits:?}");
    }

    // Until the due second everything passes, and what is under way ends then.
    let end = gatehouse::clock::now() + Duration::from_secs(5);
    reach.revoke(&["--revoke-all-groups"]);
    reach.authorize(&["--authorize-all-groups", "--expires-at", &end.to_string()]);
    assert_eq!(reach.why("tcp"), "allow");
    cuts_a_download(&here, &reach, || {
        let is_over = || (gatehouse::clock::now() >= end).then_some(());
        until(Duration::from_secs(10), is_over).expect("time passes");
    });
    let answer = gateway.tell(&[
        "ec2",
        "describe-client-vpn-authorization-rules",
        "--client-vpn-endpoint-id",
        &set_up.endpoint.id,
    ]);
    let status = &answer["AuthorizationRules"][0]["Status"];
    assert_eq!(status["Code"], "expired", "{answer}");
    assert_eq!(client.restarts(), 0);
}

/// Downloads while `cut` is done: bytes come before, none from a second after on, the session stays
/// and `why` says that the way is closed.
fn cuts_a_download(here: &Namespace, reach: &Reach<'_>, cut: impl FnOnce()) {
    let received = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| here.enter(|| download(&received, &is_over)));
        let begun = until(Duration::from_secs(10), || {
            (received.load(Ordering::Relaxed) > 200_000).then_some(())
        });
        assert!(begun.is_some(), "the download did not begin");
        cut();
        let cut_at = Instant::now();
        assert_eq!(reach.why("tcp"), "deny");
        let count = || received.load(Ordering::Relaxed);
        until(Duration::from_secs(2), || {
            (cut_at.elapsed() >= Duration::from_secs(1)).then_some(())
        });
        let after = count();
        let more = until(Duration::from_secs(2), || (count() > after).then_some(()));
        is_over.store(true, Ordering::Relaxed);
        assert!(more.is_none(), "{} bytes came late", count() - after);
    });
    let still = reach.gateway.active_connection(reach.endpoint);
    assert_eq!(still.as_ref(), Some(&reach.session), "the session ended");
}

/// A paced download that counts what comes, until it is told that it is over.
fn download(received: &AtomicU64, is_over: &AtomicBool) {
    let mut stream = TcpStream::connect((TARGET, PORT)).expect("the target answers");
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("it is not zero");
    write!(stream, "GET /paced/1000000/60 HTTP/1.1\r\n\r\n").expect("the target reads");
    let mut chunk = vec![0; 64 * 1024];
    while !is_over.load(Ordering::Relaxed) {
        // Silence and a reset are what a refused flow looks like.
        if let Ok(len) = stream.read(&mut chunk) {
            received.fetch_add(len as u64, Ordering::Relaxed);
        }
    }
}

/// One session and the rules for the target that hold for it.
struct Reach<'a> {
    gateway: &'a Gateway<'a>,
    endpoint: &'a Endpoint,
    session: String,
}

impl Reach<'_> {
    fn authorize(&self, more: &[&str]) {
        self.rule("authorize-client-vpn-ingress", more);
    }

    fn revoke(&self, more: &[&str]) {
        self.rule("revoke-client-vpn-ingress", more);
    }

    fn rule(&self, order: &str, more: &[&str]) {
        let network = format!("{TARGET}/32");
        let mut arguments = vec!["ec2", order, "--client-vpn-endpoint-id", &self.endpoint.id];
        arguments.extend(["--target-network-cidr", &network]);
        arguments.extend(more);
        self.gateway.tell(&arguments);
        self.gateway.tell(&["status", "--wait"]);
    }

    /// What is said of the session's way to the target's port, and of its user's.
    fn why(&self, protocol: &str) -> String {
        let (target, port) = (TARGET.to_string(), PORT.to_string());
        let ask = |who: [&str; 2]| {
            let mut arguments = vec!["why", "--client-vpn-endpoint-id", &self.endpoint.id];
            arguments.extend(who);
            arguments.extend(["--destination", &target]);
            arguments.extend(["--protocol", protocol, "--port", &port]);
            text(&self.gateway.tell(&arguments)["Verdict"])
        };
        let verdict = ask(["--connection-id", &self.session]);
        assert_eq!(verdict, ask(["--user", "alice"]));
        verdict
    }
}
