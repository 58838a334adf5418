//! The connection log by the command line, filled by a client that the gateway itself sends.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::Value;

use crate::support::{Installation, Parts, command, free_port};

/// What a record says, from the text that holds it.
fn record(event: &Value) -> Value {
    serde_json::from_str(event["message"].as_str().unwrap()).unwrap()
}

#[test]
fn who_comes_in_is_found_in_the_chosen_group_and_followed() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    on.words("logs create-log-group --log-group-name vpn")
        .json();
    on.words("logs put-retention-policy --log-group-name vpn --retention-in-days 30")
        .json();
    let create = parts
        .create_endpoint("10.50.0.0/22", &format!("--vpn-port {}", free_port()))
        .replace("Enabled=false", "Enabled=true,CloudwatchLogGroup=vpn");
    let endpoint = on.text(&create, "/ClientVpnEndpointId");
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    on.words(&format!(
        "ec2 associate-client-vpn-target-network {of} --subnet-id {}",
        parts.subnet
    ))
    .json();
    on.words("status --wait").json();
    let described = on.words("ec2 describe-client-vpn-endpoints").json();
    let options = &described["ClientVpnEndpoints"][0]["ConnectionLogOptions"];
    assert_eq!(options["Enabled"], true);
    assert_eq!(options["CloudwatchLogGroup"], "vpn");
    let stream = options["CloudwatchLogStream"].as_str().unwrap();
    assert!(
        stream.starts_with(&format!("{endpoint}-local-1-")),
        "{stream}"
    );

    let follow = [
        "logs",
        "filter-log-events",
        "--log-group-name",
        "vpn",
        "--follow",
    ];
    let mut following = command(&on.data_dir(), &follow)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    // It ends as it may: what is asked here is only who came in.
    on.words(&format!("test-connection {of} --user ann"));
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["message"]["connection-attempt-status"], "successful");
    assert_eq!(first["message"]["common-name"], "ann");
    let second: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(second["message"]["connection-log-type"], "connection-reset");
    following.kill().unwrap();
    following.wait().unwrap();

    let all = on
        .words("logs filter-log-events --log-group-name vpn")
        .json();
    let events = all["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["logStreamName"], stream);
    assert!(events[0]["timestamp"].is_u64() && events[0]["eventId"].is_string());
    assert_eq!(record(&events[0])["client-vpn-endpoint-id"], endpoint);
    let one = on
        .words("logs filter-log-events --log-group-name vpn --max-items 1")
        .json();
    assert_eq!(one["events"].as_array().unwrap(), &events[..1]);
    assert!(one["nextToken"].is_string());
    let ends = "--filter-pattern client-left";
    let ends = on
        .words(&format!(
            "logs filter-log-events --log-group-name vpn {ends}"
        ))
        .json();
    assert_eq!(ends["events"].as_array().unwrap(), &events[1..]);

    let of_stream = format!("logs get-log-events --log-group-name vpn --log-stream-name {stream}");
    let page = on.words(&of_stream).json();
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
    let token = page["nextForwardToken"].as_str().unwrap();
    let end = on
        .words(&format!("{of_stream} --next-token {token}"))
        .json();
    assert_eq!(end["events"].as_array().unwrap().len(), 0);
    assert_eq!(end["nextForwardToken"], token);

    let groups = on.words("logs describe-log-groups").json();
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 30);
    assert!(groups["logGroups"][0]["storedBytes"].as_u64() > Some(500));
    let streams = on
        .words("logs describe-log-streams --log-group-name vpn")
        .json();
    assert_eq!(
        streams["logStreams"][0]["lastEventTimestamp"],
        events[1]["timestamp"]
    );
    let refusal = on
        .words("logs delete-log-group --log-group-name vpn")
        .refusal();
    assert_eq!(refusal["Code"], "ResourceInUseException");
    on.words(&format!(
        "ec2 modify-client-vpn-endpoint {of} --connection-log-options Enabled=false"
    ))
    .json();
    on.words("logs delete-log-group --log-group-name vpn")
        .json();
}
