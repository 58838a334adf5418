//! Previews, scenarios, test connections, diagnosis and what was not carried.

use std::sync::Arc;

use super::*;
use crate::model::{
    ConnectionTest, Finding, GatewayStatus, Live, Preview, ReachChange, ReachedPart, Scenario,
    ScenarioKind, ScenarioStep, Severity, TestStep, UnprovenPrefix, command::ById,
};

#[test]
fn a_preview_lists_what_each_session_gains_and_loses() {
    let part = |network: &str, traffic: &str| ReachedPart {
        network: net(network),
        traffic: traffic.to_owned(),
    };
    let preview = Preview {
        warnings: vec!["It takes something.".to_owned()],
        sessions: vec![ReachChange {
            connection_id: ConnectionId::from_random([0x11; 9]),
            endpoint_id: endpoint_id(),
            common_name: "alice".to_owned(),
            client_ip: "10.9.0.2".parse().unwrap(),
            gains: vec![part("10.0.0.9/32", "tcp 443")],
            loses: Vec::new(),
            more_parts: 2,
        }],
        more_sessions: 3,
        looked_at: 7,
    };
    assert_eq!(
        answer(&Answer::Preview(preview), now()),
        json!({
            "Warnings": ["It takes something."],
            "Sessions": [{
                "ConnectionId": "cvpn-connection-11111111111111111",
                "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
                "CommonName": "alice",
                "ClientIp": "10.9.0.2",
                "Gains": [{"Network": "10.0.0.9/32", "Traffic": "tcp 443"}],
                "Loses": [],
                "MoreParts": 2,
            }],
            "MoreSessions": 3,
            "SessionsLookedAt": 7,
        })
    );
}

#[test]
fn a_scenario_has_its_steps_with_commands_in_the_faces_words() {
    let step = |name: &str, is_done, offer| ScenarioStep {
        name: name.to_owned(),
        title: format!("Do {name}"),
        is_done,
        sentence: "So it is.".to_owned(),
        offer,
        replaces: name == "route",
    };
    let delete = Command::DeleteVpc(ById {
        id: "vpc-1".to_owned(),
    });
    let it = Scenario {
        scenario: ScenarioKind::OnPremises,
        steps: vec![
            step("association", true, Vec::new()),
            step("route", false, vec![delete]),
        ],
    };
    let shape = scenario(&it, |command| format!("please {}", command.action()));
    assert_eq!(shape["Scenario"], "on-premises");
    assert_eq!(shape["Complete"], false);
    assert_eq!(
        shape["Steps"][1],
        json!({
            "Name": "route",
            "Title": "Do route",
            "Done": false,
            "Sentence": "So it is.",
            "Replaces": true,
            "Commands": ["please DeleteVpc"],
        })
    );
    assert_eq!(shape["Steps"][0]["Done"], true);
    assert_eq!(shape["Steps"][0]["Replaces"], false);
    let shape = answer(&Answer::Scenario(it), now());
    assert_eq!(shape["Steps"][1]["Commands"], json!(["DeleteVpc"]));
}

#[test]
fn a_test_connection_says_each_step() {
    let test = ConnectionTest {
        passed: false,
        steps: vec![TestStep {
            name: "handshake".to_owned(),
            passed: false,
            sentence: "Nobody answers.".to_owned(),
            details: vec!["udp 1194".to_owned()],
            milliseconds: 12,
        }],
    };
    assert_eq!(
        answer(&Answer::ConnectionTest(test), now()),
        json!({"Passed": false, "Steps": [{
            "Name": "handshake",
            "Passed": false,
            "Sentence": "Nobody answers.",
            "Details": ["udp 1194"],
            "Milliseconds": 12,
        }]})
    );
}

#[test]
fn a_finding_has_its_mend_with_one_command_in_each_line() {
    let finding = |severity, mend: Option<&str>, commands: Option<&str>| Finding {
        check: "rp-filter".to_owned(),
        severity,
        sentence: "It is so.".to_owned(),
        mend: mend.map(str::to_owned),
        commands: commands.map(str::to_owned),
    };
    let all = vec![
        finding(
            Severity::Problem,
            Some("Mend it."),
            Some("sysctl a\nsysctl b\n"),
        ),
        finding(Severity::Good, None, None),
    ];
    assert_eq!(
        answer(&Answer::Diagnosis(all), now()),
        json!({"Findings": [
            {
                "Check": "rp-filter",
                "Severity": "problem",
                "Sentence": "It is so.",
                "Mend": "Mend it.",
                "Commands": ["sysctl a", "sysctl b"],
            },
            {"Check": "rp-filter", "Severity": "good", "Sentence": "It is so."},
        ]})
    );
}

#[test]
fn drops_are_in_the_status_and_alone() {
    let gateway = GatewayStatus {
        drops: [("no-route".to_owned(), 3)].into(),
        unproven: [("stray".to_owned(), 1)].into(),
        unproven_prefixes: vec![UnprovenPrefix {
            prefix: Some("198.51.100.0/24".parse().unwrap()),
            count: 1,
            reasons: [("stray".to_owned(), 1)].into(),
            last_at: now(),
        }],
        ..GatewayStatus::default()
    };
    let live = Arc::new(Live {
        gateway,
        ..Live::default()
    });
    let view = Answer::View(Box::new(View {
        live,
        ..View::default()
    }));
    let status = answer(&view, now());
    assert_eq!(status["Gateway"]["Drops"], json!({"no-route": 3}));
    assert_eq!(
        drops(&Command::DescribeStatus, &view, now()),
        json!({
            "Drops": {"no-route": 3},
            "Unproven": {"stray": 1},
            "UnprovenByPrefix": [{
                "Prefix": "198.51.100.0/24",
                "Count": 1,
                "Reasons": {"stray": 1},
                "LastAt": now(),
            }],
        })
    );
}
