//! The connection log as stock clients fill it: one who comes in and leaves, and one whose
//! certificate is of another authority.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    certificates::{CLIENT_1, EasyRsa},
    gateway::{Gateway, Mode, text},
    lab::{Lab, TARGET},
    process::until,
    site::{PATIENT, Site},
    stock::StockClient,
};

#[test]
fn each_attempt_and_end_is_logged_once_over_udp_by_tun() {
    each_attempt_and_end_is_logged_once("udp", Mode::Tun);
}

#[test]
fn each_attempt_and_end_is_logged_once_over_tcp_in_user_space() {
    each_attempt_and_end_is_logged_once("tcp", Mode::UserSpace);
}

fn each_attempt_and_end_is_logged_once(transport: &str, mode: Mode) {
    let Some(lab) = Lab::build() else { return };
    let here = lab.client();
    let _site = Site::open(&lab.target, TARGET);
    let mut gateway = Gateway::start(&lab, mode);
    let set_up = gateway.set_up(transport, &[]);
    let id = set_up.endpoint.id.as_str();
    gateway.tell(&["logs", "create-log-group", "--log-group-name", "vpn"]);
    for stream in ["other", "office"] {
        let of = ["--log-group-name", "vpn", "--log-stream-name", stream];
        gateway.tell(&[&["logs", "create-log-stream"][..], &of].concat());
    }
    gateway.ec2_settled(&format!(
        "modify-client-vpn-endpoint --client-vpn-endpoint-id {id} --connection-log-options \
         Enabled=true,CloudwatchLogGroup=vpn,CloudwatchLogStream=office"
    ));

    // Over TCP the end of the connection is the end; over UDP a client has to say that it leaves.
    let (says_so, end): (&[&str], _) = match transport {
        "udp" => (&["--explicit-exit-notify", "1"], "client-left"),
        _ => (&[], "connection-reset"),
    };
    let mut client = StockClient::connect(&lab, &here, &set_up.profile, says_so);
    let connection = gateway
        .active_connection(&set_up.endpoint)
        .expect("one client is connected");
    PATIENT.page(&here, TARGET).expect("it is reached");
    client.running.signal(Signal::TERM);
    let left = until(Duration::from_secs(10), || client.running.ended());
    assert!(left.is_some(), "the client does not leave");
    let records = logged(&gateway, 2);

    let began = &records[0];
    assert_eq!(began["connection-log-type"], "connection-attempt");
    assert_eq!(began["connection-attempt-status"], "successful");
    assert_eq!(began["connection-attempt-failure-reason"], "NA");
    assert_eq!(began["connection-id"], connection);
    assert_eq!(began["client-vpn-endpoint-id"], id);
    assert_eq!(began["transport-protocol"], transport);
    assert_eq!(began["common-name"], "alice");
    assert_eq!(began["device-type"], "linux");
    assert_eq!(began["connection-end-time"], "NA");
    assert!(text(&began["client-ip"]).starts_with("10.200."), "{began}");
    assert!(text(&began["client-version"]).starts_with("2."), "{began}");

    let ended = &records[1];
    assert_eq!(ended["connection-log-type"], "connection-reset");
    assert_eq!(ended["connection-attempt-status"], "NA");
    for same in [
        "connection-id",
        "connection-start-time",
        "client-ip",
        "device-ip",
        "port",
    ] {
        assert_eq!(ended[same], began[same], "{same}");
    }
    for counted in [
        "ingress-bytes",
        "egress-bytes",
        "ingress-packets",
        "egress-packets",
    ] {
        let count: u64 = text(&ended[counted]).parse().expect("a number");
        assert!(count > 0, "{counted}");
    }
    assert_ne!(ended["connection-end-time"], "NA");
    assert_eq!(ended["connection-end-reason"], end);

    // A certificate of an authority that the endpoint does not know, for one attempt.
    let strangers = EasyRsa::shared();
    let profile = gateway.export(&set_up.endpoint, None);
    let profile = strangers.identity(CLIENT_1).appended_to(&profile);
    let once = ["--connect-retry-max", "1"];
    let mut stranger = StockClient::start(&lab, &here, &profile, &once);
    stranger.wait_refused();
    // Over UDP it would go on until its own time for a handshake is over.
    stranger.running.kill();
    let records = logged(&gateway, 3);
    let failed = &records[2];
    assert_eq!(failed["connection-attempt-status"], "failed");
    assert_eq!(
        failed["connection-attempt-failure-reason"],
        "certificate-untrusted"
    );
    assert_eq!(failed["connection-start-time"], "NA");
    assert_eq!(failed["device-ip"], began["device-ip"]);
    assert_ne!(failed["connection-id"], connection);
    assert!(!text(&failed["next-step"]).is_empty());

    // A mark: it comes in its order, after anything more that was still to be said of those before.
    let _mark = StockClient::connect(&lab, &here, &set_up.profile, says_so);
    let records = logged(&gateway, 4);
    assert_eq!(records[3]["connection-attempt-status"], "successful");
    assert_eq!(records[3]["common-name"], "alice");

    // They are where they should be, and only there.
    let of = ["--log-group-name", "vpn", "--log-stream-name"];
    for (stream, count) in [("office", 4), ("other", 0)] {
        let words = [&["logs", "get-log-events"][..], &of, &[stream]].concat();
        let answer = gateway.tell(&words);
        assert_eq!(answer["events"].as_array().map(Vec::len), Some(count));
    }
    let pattern = "{ $.connection-attempt-failure-reason = certificate-* }";
    let found = gateway.tell(&[
        "logs",
        "filter-log-events",
        "--log-group-name",
        "vpn",
        "--filter-pattern",
        pattern,
    ]);
    assert_eq!(found["events"].as_array().map(Vec::len), Some(1));
}

/// The records of the group, once there are as many; more of them are too many.
fn logged(gateway: &Gateway<'_>, count: usize) -> Vec<Value> {
    let records = || {
        let answer = gateway.tell(&["logs", "filter-log-events", "--log-group-name", "vpn"]);
        let events = answer["events"].as_array().expect("a list of them");
        let records = events.iter().map(|event| text(&event["message"]));
        records
            .map(|message| serde_json::from_str(&message).expect("a record is JSON"))
            .collect::<Vec<Value>>()
    };
    let enough = until(Duration::from_secs(20), || {
        Some(records()).filter(|records| records.len() >= count)
    });
    assert!(enough.is_some(), "{:#?}", records());
    let records = records();
    assert_eq!(records.len(), count, "{records:#?}");
    records
}
