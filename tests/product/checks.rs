//! Looking before a change, and looking for what is wrong: by the command line.

use serde_json::{Value, json};

use crate::support::{Installation, Parts, free_port};

#[test]
fn what_was_not_carried_is_shown_alone_as_in_the_status() {
    let on = Installation::new();
    let _gateway = on.serve();
    assert_eq!(
        on.words("drops").json(),
        json!({"Drops": {}, "Unproven": {}, "UnprovenByPrefix": []})
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
fn a_preview_changes_nothing_and_is_refused_as_the_change_would_be() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let endpoint = bare_endpoint(&on, &parts);
    let authorize = format!(
        "ec2 authorize-client-vpn-ingress --client-vpn-endpoint-id {endpoint} \
         --target-network-cidr 10.40.0.0/16 --authorize-all-groups"
    );
    let preview = on.words(&format!("preview {authorize}")).json();
    assert_eq!(preview["Sessions"], json!([]));
    assert_eq!(preview["SessionsLookedAt"], 0);
    let rules =
        format!("ec2 describe-client-vpn-authorization-rules --client-vpn-endpoint-id {endpoint}");
    assert_eq!(on.words(&rules).json(), json!({"AuthorizationRules": []}));
    on.words(&authorize).json();
    let again = on.words(&format!("preview {authorize}")).refusal();
    assert_eq!(again, on.words(&authorize).refusal());
}

#[test]
fn a_scenario_offers_lines_that_can_be_pasted_until_it_is_complete() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let endpoint = bare_endpoint(&on, &parts);
    let ask = format!("scenario --client-vpn-endpoint-id {endpoint} --name vpc");
    let data_dir = on.data_dir();
    let before = format!("gatehouse --data-dir {} ", data_dir.to_str().unwrap());
    let mut pasted = 0;
    loop {
        let told = on.words(&ask).json();
        let steps = told["Steps"].as_array().unwrap();
        let mut offered = steps
            .iter()
            .flat_map(|step| step["Commands"].as_array().unwrap());
        let Some(line) = offered.next() else {
            assert_eq!(told["Complete"], true, "{told}");
            break;
        };
        let line = line.as_str().unwrap().strip_prefix(&before).unwrap();
        on.words(line).json();
        pasted += 1;
        assert!(pasted < 10, "{told}");
    }
    assert!(pasted >= 2, "{pasted}");
}

#[test]
fn a_scenario_is_carried_out_and_says_what_it_did() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let endpoint = bare_endpoint(&on, &parts);
    let apply = format!("scenario --client-vpn-endpoint-id {endpoint} --name internet --apply");
    let told = on.words(&apply).json();
    assert_eq!(told["Complete"], true, "{told}");
    let applied = told["Applied"].as_array().unwrap();
    assert!(
        applied.iter().any(|line| line
            .as_str()
            .unwrap()
            .contains(" ec2 create-client-vpn-route ")),
        "{told}"
    );
    assert_eq!(on.words(&apply).json()["Applied"], json!([]));
    // Nobody but the administrator knows which VPC is meant: what is missing still is no success.
    let peered = format!("scenario --client-vpn-endpoint-id {endpoint} --name peered-vpc");
    let incomplete = on.words(&format!("{peered} --apply"));
    assert_eq!(incomplete.status.code(), Some(1), "{incomplete:?}");
    let told: Value = serde_json::from_str(&incomplete.stdout).unwrap();
    assert_eq!(told["Complete"], false);
    assert_eq!(on.words(&peered).json()["Complete"], false);
    let unknown = "scenario --client-vpn-endpoint-id cvpn-endpoint-0a1b2c3d4e5f60718 --name vpc";
    let refusal = on.words(unknown).refusal();
    assert_eq!(refusal["Code"], "InvalidClientVpnEndpointId.NotFound");
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
