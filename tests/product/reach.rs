//! Groups, rules for them, and why: by the command line, through the real program.

use serde_json::{Value, json};

use crate::support::{Installation, Parts, free_port};

/// An endpoint with the target network 10.40.1.0/24, open for clients.
fn endpoint(on: &Installation, parts: &Parts) -> String {
    let line = parts.create_endpoint("10.50.0.0/22", &format!("--vpn-port {}", free_port()));
    let endpoint = on.text(&line, "/ClientVpnEndpointId");
    let subnet = &parts.subnet;
    on.words(&format!(
        "ec2 associate-client-vpn-target-network --client-vpn-endpoint-id {endpoint} \
         --subnet-id {subnet}"
    ))
    .json();
    on.words("status --wait").json();
    endpoint
}

fn group(on: &Installation, name: &str) -> String {
    on.text(
        &format!("directory create-group --name {name}"),
        "/Group/GroupId",
    )
}

#[test]
fn a_rule_for_a_group_follows_its_members_and_why_says_so() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let endpoint = endpoint(&on, &parts);
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let sid = group(&on, "Engineering");
    let rule = format!("--target-network-cidr 10.40.0.0/16 --access-group-id {sid}");
    on.words(&format!("ec2 authorize-client-vpn-ingress {of} {rule}"))
        .json();
    on.words("status --wait").json();

    let ask = format!("why {of} --user ann --destination 10.40.1.9");
    let told = on.words(&ask).json();
    assert_eq!(told["Verdict"], "deny");
    let reasons = told["Reasons"].as_array().unwrap();
    let rules = reasons.iter().find(|it| it["Step"] == "rules").unwrap();
    assert_eq!(rules["DestinationCidr"], "10.40.0.0/16");
    assert_eq!(rules["Rules"][0]["GroupName"], "Engineering");
    assert_eq!(rules["Rules"][0]["Because"], "not-member");
    let last = reasons.last().unwrap();
    assert!(
        last["Text"]
            .as_str()
            .unwrap()
            .starts_with("ann does not reach")
    );

    let member = format!("--sid {sid} --common-name ann");
    let added = on.words(&format!("directory add-user {member}")).json();
    assert_eq!(added["Group"]["Members"], json!(["ann"]));
    assert_eq!(on.words(&ask).json()["Verdict"], "allow");
    let users = on.words("directory list-users").json();
    assert_eq!(
        users,
        json!({"Users": [{"CommonName": "ann", "GroupIds": [sid]}]})
    );

    let in_use = on
        .words(&format!("directory delete-group --sid {sid}"))
        .refusal();
    assert_eq!(in_use["Code"], "DependencyViolation");
    on.words(&format!("directory remove-user {member}")).json();
    assert_eq!(on.words(&ask).json()["Verdict"], "deny");
    on.words(&format!("ec2 revoke-client-vpn-ingress {of} {rule}"))
        .json();
    let gone = on.words(&format!("directory delete-group --sid {sid}"));
    assert_eq!(gone.json(), Value::Null);
    assert_eq!(
        on.words("directory list-groups").json(),
        json!({"Groups": []})
    );
}

#[test]
fn a_rule_with_limits_says_them_and_one_without_says_what_aws_does() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let endpoint = endpoint(&on, &parts);
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let authorize = |cidr: &str, more: &str| {
        on.words(&format!(
            "ec2 authorize-client-vpn-ingress {of} --target-network-cidr {cidr} \
             --authorize-all-groups {more}"
        ))
    };
    authorize("10.40.0.0/16", "").json();
    let end = "2126-11-27T18:00:00Z";
    let limits = format!("--protocol tcp --port 443 --expires-at {end}");
    authorize("10.40.1.9/32", &limits).json();
    on.words("status --wait").json();
    let rules = on
        .words(&format!("ec2 describe-client-vpn-authorization-rules {of}"))
        .json();
    let rule = |cidr: &str| {
        let rules = rules["AuthorizationRules"].as_array().unwrap();
        let found = rules.iter().find(|rule| rule["DestinationCidr"] == cidr);
        found.unwrap().as_object().unwrap().clone()
    };
    let limited = rule("10.40.1.9/32");
    assert_eq!(limited["Protocol"], "tcp");
    assert_eq!(
        (&limited["FromPort"], &limited["ToPort"]),
        (&json!(443), &json!(443))
    );
    assert_eq!(limited["ExpiresAt"], end);
    let names: Vec<_> = rule("10.40.0.0/16").keys().cloned().collect();
    let aws = [
        "AccessAll",
        "ClientVpnEndpointId",
        "Description",
        "DestinationCidr",
        "GroupId",
        "Status",
    ];
    assert_eq!(names, aws);

    for (destination, traffic, verdict) in [
        ("10.40.1.9", "--protocol tcp --port 443", "allow"),
        ("10.40.1.9", "--protocol tcp --port 80", "deny"),
        ("10.40.1.9", "--protocol udp --port 443", "deny"),
        ("10.40.1.8", "--protocol udp --port 443", "allow"),
        ("10.40.1.8", "", "allow"),
    ] {
        let line = format!("why {of} --user ann --destination {destination} {traffic}");
        assert_eq!(on.words(&line).json()["Verdict"], verdict, "{line}");
    }
    let past = authorize("10.40.2.0/24", "--expires-at 2001-01-01T00:00:00Z").refusal();
    assert_eq!(past["Field"], "ExpiresAt");
}

#[test]
fn a_group_that_is_unknown_is_refused_with_those_that_are_known() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let endpoint = endpoint(&on, &parts);
    let sid = group(&on, "Engineering");
    for order in ["authorize", "revoke"] {
        let refusal = on
            .words(&format!(
                "ec2 {order}-client-vpn-ingress --client-vpn-endpoint-id {endpoint} \
                 --target-network-cidr 10.40.0.0/16 --access-group-id S-1-5-32"
            ))
            .refusal();
        assert_eq!(refusal["Code"], "InvalidParameterValue");
        assert_eq!(refusal["Field"], "AccessGroupId");
        assert_eq!(refusal["Cure"], sid.as_str());
    }
}
