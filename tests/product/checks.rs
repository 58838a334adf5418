//! Looking before a change, and looking for what is wrong: by the command line.

use serde_json::{Value, json};

use crate::support::{Installation, Parts, free_port};

#[test]
fn what_was_not_carried_is_shown_alone_as_in_the_status() {
    let on = Installation::new();
    let _gateway = on.serve();
    assert_eq!(
        on.words("drops").json(),
        json!({"Drops": {}, "Unproven": {}})
    );
    assert_eq!(on.words("status").json()["Gateway"]["Drops"], json!({}));
}

/// An endpoint that has neither a target network nor a rule.
fn bare_endpoint(on: &Installation, parts: &Parts) -> String {
    let port = free_port();
    let vpc = &parts.vpc;
    let line = parts.create_endpoint("10.50.0.0/22", &format!("--vpn-port {port} --vpc-id {vpc}"));
    on.text(&line, "/ClientVpnEndpointId")
}

#[test]
fn the_doctor_fails_exactly_where_there_is_a_problem() {
    let on = Installation::new();
    let _gateway = on.serve();
    let outcome = on.words("doctor");
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = told["Findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    let is_bad = findings.iter().any(|it| it["Severity"] == "problem");
    assert_eq!(outcome.status.code(), Some(i32::from(is_bad)), "{told}");
}

#[test]
fn a_test_connection_passes_through_the_endpoint_or_fails_with_the_step() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let endpoint = bare_endpoint(&on, &parts);
    on.words(&format!(
        "ec2 associate-client-vpn-target-network --client-vpn-endpoint-id {endpoint} \
         --subnet-id {}",
        parts.subnet
    ))
    .json();
    on.words("status --wait").json();
    let test = format!("test-connection --client-vpn-endpoint-id {endpoint} --user ann");
    let told = on.words(&test).json();
    assert_eq!(told["Passed"], true, "{told}");
    let failed = on.words(&format!("{test} --destination 10.40.1.9"));
    assert_eq!(failed.status.code(), Some(1));
    let told: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(told["Passed"], false);
    let last = told["Steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["Name"], "reachability");
    assert_eq!(last["Passed"], false);
}
