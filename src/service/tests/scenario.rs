//! Scenarios: doing what is offered, step by step, completes each of them.

use super::*;
use crate::model::{
    Connection, ConnectionState, Decision, Preview, Scenario, ScenarioKind, Traffic,
    command::{AuthorizeIngress, CreateNetworkInterface, Why},
    scenario::DescribeScenario,
};

impl Bench {
    async fn scenario(&self, wanted: &DescribeScenario) -> Scenario {
        match self.ok(Command::DescribeScenario(wanted.clone())).await {
            Answer::Scenario(scenario) => scenario,
            other => panic!("{other:?}"),
        }
    }

    /// Does what is offered until nothing is.
    async fn complete(&self, wanted: &DescribeScenario) {
        for _ in 0..20 {
            let scenario = self.scenario(wanted).await;
            let offers: Vec<_> = scenario
                .steps
                .iter()
                .flat_map(|it| it.offer.clone())
                .collect();
            if offers.is_empty() {
                assert!(scenario.is_complete(), "{scenario:#?}");
                return;
            }
            assert!(!scenario.is_complete());
            for offer in offers {
                self.ok(offer).await;
            }
            self.settle().await;
        }
        panic!("{:#?}", self.scenario(wanted).await);
    }

    async fn decided(&self, endpoint: &EndpointId, destination: &str) -> Decision {
        let why = Why {
            client_vpn_endpoint_id: endpoint.to_string(),
            user: Some("alice".to_owned()),
            destination: destination.to_owned(),
            ..Why::default()
        };
        match self.ok(Command::Why(why)).await {
            Answer::Explanation(explanation) => explanation.verdict,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_offered_completes_each_way() {
    for (kind, network, destination) in [
        (ScenarioKind::Vpc, None, "10.1.1.9"),
        (ScenarioKind::PeeredVpc, None, "10.2.1.9"),
        (
            ScenarioKind::OnPremises,
            Some("192.168.0.0/16"),
            "192.168.1.9",
        ),
        (ScenarioKind::Internet, None, "203.0.113.9"),
    ] {
        let bench = Bench::new().await;
        let endpoint = bench.endpoint().await;
        let vpc = bench.vpc("10.1.0.0/16").await;
        bench.subnet(&vpc.id, "10.1.1.0/24").await;
        if kind == ScenarioKind::PeeredVpc {
            bench.vpc("10.2.0.0/16").await;
        }
        let wanted = DescribeScenario {
            client_vpn_endpoint_id: endpoint.to_string(),
            scenario: kind,
            destination_cidr_block: network.map(str::to_owned),
            ..DescribeScenario::default()
        };
        assert_eq!(bench.decided(&endpoint, destination).await, Decision::Deny);
        bench.complete(&wanted).await;
        let decided = bench.decided(&endpoint, destination).await;
        assert_eq!(decided, Decision::Allow, "{kind:?}");
    }
}

#[tokio::test]
async fn a_resource_is_for_clients_only_or_for_all_but_them() {
    for (keep_out, decision) in [(false, Decision::Allow), (true, Decision::Deny)] {
        let bench = Bench::new().await;
        let (endpoint, subnet, _) = bench.associated().await;
        let resource = CreateNetworkInterface {
            subnet_id: subnet.id.to_string(),
            private_ip_address: "10.1.1.9".to_owned(),
            ..CreateNetworkInterface::default()
        };
        let Answer::Resource(resource) = bench.ok(Command::CreateNetworkInterface(resource)).await
        else {
            panic!("no resource");
        };
        let wanted = DescribeScenario {
            client_vpn_endpoint_id: endpoint.to_string(),
            scenario: ScenarioKind::RestrictResources,
            network_interface_id: Some(resource.id.to_string()),
            keep_out,
            ..DescribeScenario::default()
        };
        bench.complete(&wanted).await;
        assert_eq!(bench.decided(&endpoint, "10.1.1.9").await, decision);
        // What is no resource stays open to clients.
        assert_eq!(bench.decided(&endpoint, "10.1.1.8").await, Decision::Allow);
    }
}

#[tokio::test]
async fn a_preview_tells_who_gains_and_loses_and_changes_nothing() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = Connection {
        id: ConnectionId::from_random([1; 9]),
        endpoint_id: endpoint.clone(),
        association_id: association.id.clone(),
        common_name: "alice".to_owned(),
        client_ip: Ipv4Addr::new(10, 0, 0, 5),
        device: "198.51.100.1:4000".parse().unwrap(),
        client_version: String::new(),
        platform: String::new(),
        cipher: "AES-256-GCM".to_owned(),
        state: ConnectionState::Active,
        established_at: clock::now(),
        ended_at: None,
        end_reason: None,
        reconnect: None,
        traffic: Traffic::default(),
        counted_at: clock::now(),
    };
    bench.service.report(Report::Opened(live)).await;
    bench.service.flush().await;
    let preview = |command: Command| async {
        let before = bench.service.snapshot();
        let answer = bench.ok(Command::PreviewChange(Box::new(command))).await;
        assert_eq!(bench.service.snapshot(), before);
        match answer {
            Answer::Preview(preview) => preview,
            other => panic!("{other:?}"),
        }
    };
    let everyone = Command::AuthorizeClientVpnIngress(AuthorizeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: "10.1.0.0/16".to_owned(),
        authorize_all_groups: true,
        ..AuthorizeIngress::default()
    });
    let seen: Preview = preview(everyone.clone()).await;
    assert_eq!(seen.looked_at, 1);
    let gains = &seen.sessions[0].gains;
    assert_eq!(gains.len(), 1, "{gains:?}");
    assert_eq!(gains[0].network.to_string(), "10.1.0.0/16");
    assert_eq!(gains[0].traffic, "all traffic");
    assert!(seen.sessions[0].loses.is_empty());

    bench.ok(everyone).await;
    let sid = bench.group("Engineering", &[]).await.sid;
    let narrow = directory::authorize(&endpoint, "10.1.1.9/32", sid.as_str());
    let seen = preview(Command::AuthorizeClientVpnIngress(narrow)).await;
    let loses = &seen.sessions[0].loses;
    assert_eq!(loses.len(), 1, "{loses:?}");
    assert_eq!(loses[0].network.to_string(), "10.1.1.9/32");
    assert_eq!(
        seen.warnings[0],
        "Users outside Engineering lose 10.1.1.9/32, which the rule for 10.1.0.0/16 gives them."
    );
}
