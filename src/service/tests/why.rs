//! Why: what is asked, what is refused, and that the answer follows the configuration.

use super::{
    directory::{authorize, membership},
    *,
};
use crate::model::{
    Code, Decision, Explanation,
    command::{AuthorizeIngress, Why},
};

fn why(endpoint: &EndpointId, user: &str, destination: &str) -> Why {
    Why {
        client_vpn_endpoint_id: endpoint.to_string(),
        user: Some(user.to_owned()),
        destination: destination.to_owned(),
        ..Why::default()
    }
}

impl Bench {
    async fn explained(&self, wanted: Why) -> Explanation {
        match self.ok(Command::Why(wanted)).await {
            Answer::Explanation(explanation) => *explanation,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_answer_follows_rules_and_memberships() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let ask = || bench.explained(why(&endpoint, "alice", "10.1.1.9"));
    let before = ask().await;
    assert_eq!(before.verdict, Decision::Deny);
    assert_eq!(before.ways[0].refusal.as_deref(), Some("not-authorized"));
    assert_eq!(before.ways[0].association_id, association.id);

    let sid = bench.group("Engineering", &[]).await.sid;
    let rule = authorize(&endpoint, "10.1.0.0/16", sid.as_str());
    bench.ok(Command::AuthorizeClientVpnIngress(rule)).await;
    let outside = ask().await;
    assert_eq!(outside.verdict, Decision::Deny);
    assert!(
        outside.sentence.contains("which the user is not in"),
        "{}",
        outside.sentence
    );

    bench
        .ok(Command::AddUserToGroup(membership(&sid, "alice")))
        .await;
    let inside = ask().await;
    assert_eq!(inside.verdict, Decision::Allow);
    assert!(
        inside
            .sentence
            .starts_with("alice reaches 10.1.1.9 with all traffic")
    );

    bench
        .ok(Command::RemoveUserFromGroup(membership(&sid, "alice")))
        .await;
    assert_eq!(ask().await.verdict, Decision::Deny);
}

#[tokio::test]
async fn the_protocol_and_the_port_are_part_of_the_question() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let rule = AuthorizeIngress {
        authorize_all_groups: true,
        access_group_id: None,
        protocol: Some("tcp".to_owned()),
        from_port: Some(443),
        to_port: Some(443),
        ..authorize(&endpoint, "10.1.0.0/16", "")
    };
    bench.ok(Command::AuthorizeClientVpnIngress(rule)).await;
    for (protocol, port, expected) in [
        (None, None, Decision::Deny),
        (Some("tcp"), None, Decision::Deny),
        (Some("tcp"), Some(443), Decision::Allow),
        (Some("tcp"), Some(80), Decision::Deny),
        (Some("udp"), Some(443), Decision::Deny),
        (Some("icmp"), None, Decision::Deny),
    ] {
        let wanted = Why {
            protocol: protocol.map(str::to_owned),
            port,
            ..why(&endpoint, "alice", "10.1.1.9")
        };
        let told = bench.explained(wanted).await;
        assert_eq!(told.verdict, expected, "{protocol:?} {port:?}");
    }
}

#[tokio::test]
async fn the_machine_itself_is_closed_and_the_answer_says_so() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let told = bench.explained(why(&endpoint, "alice", "192.0.2.10")).await;
    assert_eq!(told.verdict, Decision::Deny);
    assert_eq!(told.ways[0].refusal.as_deref(), Some("gateway-address"));
}

#[tokio::test]
async fn each_associated_network_is_considered_and_none_is_a_refusal() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let other = bench.subnet(&subnet.vpc_id, "10.1.2.0/24").await;
    bench.associate(&endpoint, &other.id).await;
    bench.settle().await;
    let told = bench.explained(why(&endpoint, "alice", "10.1.1.9")).await;
    assert_eq!(told.ways.len(), 2);
    // Without an associated network nobody comes in at all.
    let lonely = {
        let certificates = bench.certificates().await;
        let mut create = create_endpoint(&certificates);
        create.client_cidr_block = "10.4.0.0/22".to_owned();
        create.vpn_port = Some(1195);
        bench.endpoint_with(&create).await
    };
    let told = bench.explained(why(&lonely, "alice", "10.1.1.9")).await;
    assert_eq!((told.verdict, told.ways.len()), (Decision::Deny, 0));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_at_its_field() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let base = || why(&endpoint, "alice", "10.1.1.9");
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (
            Why {
                user: None,
                ..base()
            },
            "User",
            Code::MissingParameter,
        ),
        (
            Why {
                connection_id: text("cvpn-connection-0a1b2c3d4e5f60718"),
                ..base()
            },
            "ConnectionId",
            Code::InvalidParameterCombination,
        ),
        (
            Why {
                user: None,
                connection_id: text("cvpn-connection-0a1b2c3d4e5f60718"),
                ..base()
            },
            "ConnectionId",
            Code::ConnectionNotFound,
        ),
        (
            Why {
                destination: text("host.example").unwrap(),
                ..base()
            },
            "Destination",
            Code::InvalidParameterValue,
        ),
        (
            Why {
                destination: String::new(),
                ..base()
            },
            "Destination",
            Code::MissingParameter,
        ),
        (
            Why {
                protocol: text("gre"),
                ..base()
            },
            "Protocol",
            Code::InvalidParameterValue,
        ),
        (
            Why {
                port: Some(1),
                ..base()
            },
            "Protocol",
            Code::InvalidParameterValue,
        ),
        (
            Why {
                protocol: text("icmp"),
                port: Some(1),
                ..base()
            },
            "Protocol",
            Code::InvalidParameterValue,
        ),
    ];
    for (wanted, field, code) in cases {
        let refusal = bench.refused(Command::Why(wanted.clone())).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{wanted:?}");
        assert_eq!(refusal.code, code, "{wanted:?}");
    }
    let unknown = Why {
        client_vpn_endpoint_id: "cvpn-endpoint-0a1b2c3d4e5f60718".to_owned(),
        ..base()
    };
    assert_eq!(
        bench.refused(Command::Why(unknown)).await.code,
        Code::EndpointNotFound
    );
}
