//! Scenarios: doing what is offered, step by step, completes each of them.

use super::{super::preview, *};
use crate::model::{
    Connection, ConnectionState, Decision, Direction, Preview, ReachedPart, Scenario, ScenarioKind,
    ScenarioStep, Snapshot, Traffic,
    command::{
        AuthorizeIngress, AuthorizeSecurityGroup, CreateInternetGateway, CreateNetworkInterface,
        CreateVpcRoute, CreateVpnConnection, GatewayAttachment, Permission, RevokeSecurityGroup,
        Why,
    },
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

    /// The step of that name.
    async fn step(&self, wanted: &DescribeScenario, name: &str) -> ScenarioStep {
        let mut steps = self.scenario(wanted).await.steps.into_iter();
        steps.find(|step| step.name == name).unwrap()
    }

    /// The preview of a command, which changes nothing.
    async fn preview(&self, command: Command) -> Preview {
        let before = self.service.snapshot();
        let answer = self.ok(Command::PreviewChange(Box::new(command))).await;
        assert_eq!(self.service.snapshot(), before);
        match answer {
            Answer::Preview(preview) => preview,
            other => panic!("{other:?}"),
        }
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
    let live = live(&endpoint, &association, "alice", 1);
    bench.service.report(Report::Opened(live)).await;
    bench.service.flush().await;
    let everyone = Command::AuthorizeClientVpnIngress(AuthorizeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: "10.1.0.0/16".to_owned(),
        authorize_all_groups: true,
        ..AuthorizeIngress::default()
    });
    let seen: Preview = bench.preview(everyone.clone()).await;
    assert_eq!(seen.looked_at, 1);
    let gains = &seen.sessions[0].gains;
    assert_eq!(gains.len(), 1, "{gains:?}");
    assert_eq!(gains[0].network.to_string(), "10.1.0.0/16");
    assert_eq!(gains[0].traffic, "all traffic");
    assert!(seen.sessions[0].loses.is_empty());

    bench.ok(everyone).await;
    let sid = bench.group("Engineering", &[]).await.sid;
    let narrow = directory::authorize(&endpoint, "10.1.1.9/32", sid.as_str());
    let seen = bench
        .preview(Command::AuthorizeClientVpnIngress(narrow))
        .await;
    let loses = &seen.sessions[0].loses;
    assert_eq!(loses.len(), 1, "{loses:?}");
    assert_eq!(loses[0].network.to_string(), "10.1.1.9/32");
    assert_eq!(
        seen.warnings[0],
        "Users outside Engineering lose 10.1.1.9/32, which the rule for 10.1.0.0/16 gives them."
    );
}

fn live(endpoint: &EndpointId, association: &Association, user: &str, n: u16) -> Connection {
    let [high, low] = n.to_be_bytes();
    let mut id = [1; 9];
    id[..2].copy_from_slice(&[high, low]);
    Connection {
        id: ConnectionId::from_random(id),
        endpoint_id: endpoint.clone(),
        association_id: association.id.clone(),
        common_name: user.to_owned(),
        client_ip: Ipv4Addr::new(10, 0, 0, 5),
        device: "198.51.100.1:4000".parse().unwrap(),
        client_version: String::new(),
        platform: String::new(),
        cipher: "AES-256-GCM".to_owned(),
        state: ConnectionState::Active,
        established_at: clock::now(),
        ended_at: None,
        certificates: Vec::new(),
        end_reason: None,
        reconnect: None,
        traffic: Traffic::default(),
        counted_at: clock::now(),
    }
}

#[tokio::test]
async fn of_more_sessions_than_are_told_of_those_who_lose_come_first_and_the_rest_is_counted() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let one = bench.group("Sales", &["zoe"]).await.sid;
    let other = bench.group("Engineering", &["alice"]).await.sid;
    let wide = directory::authorize(&endpoint, "10.1.0.0/16", one.as_str());
    bench.ok(Command::AuthorizeClientVpnIngress(wide)).await;
    let before = bench.service.snapshot();
    let narrow = directory::authorize(&endpoint, "10.1.1.0/24", other.as_str());
    bench.ok(Command::AuthorizeClientVpnIngress(narrow)).await;
    let after = bench.service.snapshot();

    let mut sessions: Vec<Connection> = (0..1_100)
        .map(|n| live(&endpoint, &association, "alice", n))
        .collect();
    sessions.push(live(&endpoint, &association, "zoe", 1_100));
    let own = OwnAddresses::default();
    let sides = preview::Sides::new(&before, &after, &own, clock::now());
    let (told, more) = sides.changes(&sessions);
    assert_eq!((told.len(), more), (1_000, 101));
    assert_eq!(told[0].common_name, "zoe");
    let networks = |parts: &[ReachedPart]| -> Vec<String> {
        parts.iter().map(|it| it.network.to_string()).collect()
    };
    assert_eq!(networks(&told[0].loses), ["10.1.1.0/24"]);
    assert_eq!(networks(&told[1].gains), ["10.1.1.0/24"]);
    assert_eq!(told[1].more_parts, 0);
}

fn wanted(endpoint: &EndpointId, scenario: ScenarioKind) -> DescribeScenario {
    DescribeScenario {
        client_vpn_endpoint_id: endpoint.to_string(),
        scenario,
        ..DescribeScenario::default()
    }
}

fn everyone(endpoint: &EndpointId, network: &str) -> AuthorizeIngress {
    AuthorizeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: network.to_owned(),
        authorize_all_groups: true,
        ..AuthorizeIngress::default()
    }
}

#[tokio::test]
async fn an_offer_that_takes_a_network_from_another_group_says_so_and_is_marked() {
    let bench = Bench::new().await;
    let (endpoint, _, _) = bench.associated().await;
    let one = bench.group("Sales", &["bob"]).await.sid;
    let other = bench.group("Engineering", &["alice"]).await.sid;
    let mut wanted = wanted(&endpoint, ScenarioKind::Vpc);
    wanted.access_group_id = Some(other.to_string());
    let free = bench.step(&wanted, "authorization").await;
    assert!(!free.replaces && !free.offer.is_empty(), "{free:?}");

    let wide = directory::authorize(&endpoint, "10.0.0.0/8", one.as_str());
    bench.ok(Command::AuthorizeClientVpnIngress(wide)).await;
    let step = bench.step(&wanted, "authorization").await;
    let loses = "Members of Sales who are not in Engineering lose 10.1.0.0/16, which the rule for 10.0.0.0/8 gives them.";
    assert!(step.replaces && step.sentence.contains(loses), "{step:?}");

    // A longer prefix inside that opens nothing to them is named.
    let inner = directory::authorize(&endpoint, "10.1.1.9/32", one.as_str());
    bench.ok(Command::AuthorizeClientVpnIngress(inner)).await;
    for command in step.offer {
        bench.ok(command).await;
    }
    let step = bench.step(&wanted, "authorization").await;
    assert!(
        step.is_done && step.sentence.contains("10.1.1.9/32"),
        "{step:?}"
    );
}

#[tokio::test]
async fn an_offer_that_replaces_a_rule_or_widens_a_group_names_it_and_is_marked() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let limited = AuthorizeIngress {
        protocol: Some("tcp".to_owned()),
        from_port: Some(443),
        to_port: Some(443),
        ..everyone(&endpoint, "10.1.0.0/16")
    };
    bench.ok(Command::AuthorizeClientVpnIngress(limited)).await;
    let wanted = wanted(&endpoint, ScenarioKind::Vpc);
    let step = bench.step(&wanted, "authorization").await;
    assert!(
        step.replaces && step.sentence.contains("tcp 443"),
        "{step:?}"
    );
    assert!(matches!(step.offer[0], Command::RevokeClientVpnIngress(_)));

    let snapshot = bench.service.snapshot();
    let group = snapshot.default_security_group(&subnet.vpc_id).unwrap();
    let all = group.rules_of(Direction::Egress).next().unwrap();
    bench
        .ok(Command::RevokeSecurityGroupEgress(RevokeSecurityGroup {
            group_id: group.id.to_string(),
            rule_ids: vec![all.id.to_string()],
            permissions: vec![],
        }))
        .await;
    let nothing = bench.step(&wanted, "security-group").await;
    assert!(
        !nothing.replaces && !nothing.offer.is_empty(),
        "{nothing:?}"
    );
    bench
        .ok(Command::AuthorizeSecurityGroupEgress(
            AuthorizeSecurityGroup {
                group_id: group.id.to_string(),
                permissions: vec![Permission {
                    protocol: "tcp".to_owned(),
                    from_port: Some(443),
                    to_port: Some(443),
                    cidr: Some("0.0.0.0/0".to_owned()),
                    ..Permission::default()
                }],
            },
        ))
        .await;
    let step = bench.step(&wanted, "security-group").await;
    assert!(
        step.replaces && step.sentence.contains("tcp 443 to 0.0.0.0/0"),
        "{step:?}"
    );
}

#[tokio::test]
async fn a_route_by_hand_gives_way_once_for_two_subnets_and_is_named() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let second = bench.subnet(&subnet.vpc_id, "10.1.2.0/24").await;
    bench.associate(&endpoint, &second.id).await;
    bench.settle().await;
    let vpn = Command::CreateVpnConnection(CreateVpnConnection {
        vpc_id: subnet.vpc_id.to_string(),
        cidr_blocks: vec!["192.168.0.0/16".to_owned()],
        ..CreateVpnConnection::default()
    });
    let Answer::VpnConnection(vpn) = bench.ok(vpn).await else {
        panic!("no connection");
    };
    let table = bench
        .service
        .snapshot()
        .route_table_of(&subnet)
        .unwrap()
        .id
        .clone();
    bench
        .ok(Command::CreateRoute(CreateVpcRoute {
            route_table_id: table.to_string(),
            destination_cidr_block: "0.0.0.0/0".to_owned(),
            target_id: vpn.id.to_string(),
        }))
        .await;
    let Answer::InternetGateway(gateway) = bench
        .ok(Command::CreateInternetGateway(
            CreateInternetGateway::default(),
        ))
        .await
    else {
        panic!("no gateway");
    };
    bench
        .ok(Command::AttachInternetGateway(GatewayAttachment {
            internet_gateway_id: gateway.id.to_string(),
            vpc_id: subnet.vpc_id.to_string(),
        }))
        .await;
    let wanted = wanted(&endpoint, ScenarioKind::Internet);
    let step = bench.step(&wanted, "vpc-route").await;
    assert!(
        step.replaces && step.sentence.contains(vpn.id.as_str()),
        "{step:?}"
    );
    assert_eq!(step.offer.len(), 2, "{step:?}");
    assert!(matches!(step.offer[0], Command::DeleteRoute(_)));
    assert!(matches!(step.offer[1], Command::CreateRoute(_)));
    bench.complete(&wanted).await;
    assert_eq!(
        bench.decided(&endpoint, "203.0.113.9").await,
        Decision::Allow
    );
}

#[tokio::test]
async fn a_destination_that_a_peer_has_not_wholly_is_refused_with_what_it_has() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    bench.vpc("10.2.0.0/16").await;
    let mut wanted = wanted(&endpoint, ScenarioKind::PeeredVpc);
    wanted.destination_cidr_block = Some("10.2.0.0/15".to_owned());
    let refusal = bench.refused(Command::DescribeScenario(wanted)).await;
    assert_eq!(refusal.field.as_deref(), Some("DestinationCidrBlock"));
    assert_eq!(refusal.cure.as_deref(), Some("10.2.0.0/16"));
}

#[tokio::test]
async fn what_is_restricted_keeps_what_else_was_admitted_and_let_out() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let default = bench.service.snapshot().endpoints[&endpoint]
        .security_groups
        .clone();
    let resource = |address: &str| {
        Command::CreateNetworkInterface(CreateNetworkInterface {
            subnet_id: subnet.id.to_string(),
            private_ip_address: address.to_owned(),
            ..CreateNetworkInterface::default()
        })
    };
    bench.ok(resource("10.1.1.8")).await;
    let Answer::Resource(resource) = bench.ok(resource("10.1.1.9")).await else {
        panic!("no resource");
    };
    let open = Command::AuthorizeSecurityGroupIngress(AuthorizeSecurityGroup {
        group_id: default.first().unwrap().to_string(),
        permissions: vec![Permission {
            protocol: "tcp".to_owned(),
            from_port: Some(443),
            to_port: Some(443),
            cidr: Some("172.16.0.0/12".to_owned()),
            ..Permission::default()
        }],
    });
    bench.ok(open).await;
    let mut wanted = wanted(&endpoint, ScenarioKind::RestrictResources);
    wanted.network_interface_id = Some(resource.id.to_string());
    wanted.keep_out = true;
    let words = |snapshot: &Snapshot, direction| -> Vec<String> {
        let groups = snapshot.resources[&resource.id].security_groups.iter();
        let rules = groups.flat_map(|id| snapshot.security_groups[id].rules_of(direction));
        rules
            .map(|rule| format!("{:?} {:?}", rule.ports, rule.peer))
            .collect()
    };
    let before = bench.service.snapshot();
    bench.complete(&wanted).await;
    let after = bench.service.snapshot();
    // All but what admits clients is as it was, and the group that others have is not touched.
    let kept = &words(&before, Direction::Ingress)[1..];
    assert_eq!(kept.len(), 1);
    assert_eq!(words(&after, Direction::Ingress), kept);
    assert_eq!(
        words(&after, Direction::Egress),
        words(&before, Direction::Egress)
    );
    let first = default.first().unwrap();
    assert_eq!(after.security_groups[first], before.security_groups[first]);
    assert_eq!(after.endpoints[&endpoint].security_groups, default);

    // The clients' own group comes beside those the endpoint has, and lets out nothing more.
    wanted.keep_out = false;
    bench.complete(&wanted).await;
    let after = bench.service.snapshot();
    let groups = &after.endpoints[&endpoint].security_groups;
    assert!(groups.is_superset(&default) && groups.len() == default.len() + 1);
    let own = groups.difference(&default).next().unwrap();
    assert_eq!(after.security_groups[own].rules, []);
    assert_eq!(bench.decided(&endpoint, "10.1.1.9").await, Decision::Allow);

    // Kept out again, its own group only loses the rule; and that is marked.
    wanted.keep_out = true;
    let step = bench.step(&wanted, "resource-group").await;
    assert!(step.replaces, "{step:?}");
    assert!(matches!(
        step.offer[..],
        [Command::RevokeSecurityGroupIngress(_)]
    ));
    bench.complete(&wanted).await;
    assert_eq!(bench.decided(&endpoint, "10.1.1.9").await, Decision::Deny);
    assert_eq!(bench.decided(&endpoint, "10.1.1.8").await, Decision::Allow);
}

#[tokio::test]
async fn warnings_are_of_what_is_so() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let says = |preview: Preview, what: &str| preview.warnings.iter().any(|it| it.contains(what));
    let authorize =
        |network: &str| Command::AuthorizeClientVpnIngress(everyone(&endpoint, network));
    // Clients reach each other without a route.
    let seen = bench.preview(authorize("10.0.0.0/22")).await;
    assert!(!says(seen.clone(), "No route of"), "{seen:?}");
    assert!(!says(seen.clone(), "The VPC"), "{seen:?}");
    // The VPC's own block is no way to the internet.
    let seen = bench.preview(authorize("0.0.0.0/0")).await;
    assert!(
        says(seen.clone(), "reaches only a part of 0.0.0.0/0"),
        "{seen:?}"
    );
    let seen = bench.preview(authorize("172.16.0.0/12")).await;
    assert!(
        says(seen.clone(), "does not reach 172.16.0.0/12"),
        "{seen:?}"
    );
    let seen = bench.preview(authorize("10.1.1.0/24")).await;
    assert!(!says(seen.clone(), "The VPC"), "{seen:?}");

    // Limits take nothing from those who had nothing, nor where they have all that was granted.
    let one = bench.group("Sales", &["bob"]).await.sid;
    let other = bench.group("Engineering", &["alice"]).await.sid;
    let mut wide = directory::authorize(&endpoint, "10.1.0.0/16", one.as_str());
    wide.protocol = Some("tcp".to_owned());
    (wide.from_port, wide.to_port) = (Some(443), Some(443));
    bench.ok(Command::AuthorizeClientVpnIngress(wide)).await;
    for (sid, protocol, ports, narrows) in [
        (&other, "udp", (53, 53), false),
        (&one, "tcp", (400, 500), false),
        (&one, "tcp", (80, 80), true),
    ] {
        let mut narrow = directory::authorize(&endpoint, "10.1.1.0/24", sid.as_str());
        narrow.protocol = Some(protocol.to_owned());
        (narrow.from_port, narrow.to_port) = (Some(ports.0), Some(ports.1));
        let seen = bench
            .preview(Command::AuthorizeClientVpnIngress(narrow))
            .await;
        assert_eq!(says(seen.clone(), "all but"), narrows, "{seen:?}");
    }
}

#[tokio::test]
async fn to_look_only_where_the_two_differ_finds_what_to_look_everywhere_does() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let users: Vec<String> = (0..RULES).map(|n| format!("u{n}")).collect();
    for n in 0..RULES {
        // Each user is in other groups than the next.
        let members: Vec<&str> = users[n..].iter().map(String::as_str).collect();
        let sid = bench.group(&format!("G{n}"), &members).await.sid;
        let rule = directory::authorize(&endpoint, &format!("10.1.{n}.0/24"), sid.as_str());
        bench.ok(Command::AuthorizeClientVpnIngress(rule)).await;
    }
    let before = bench.service.snapshot();
    let rule = everyone(&endpoint, "10.1.3.128/25");
    bench.ok(Command::AuthorizeClientVpnIngress(rule)).await;
    let group = before.groups_of("u7").next().unwrap();
    let leaves = directory::membership(&group.sid, "u7");
    bench.ok(Command::RemoveUserFromGroup(leaves)).await;
    let after = bench.service.snapshot();
    // A tag makes no difference, but is not looked for.
    let mut tagged = Snapshot::clone(&after);
    for vpc in tagged.vpcs.values_mut() {
        vpc.tags.insert("Name".to_owned(), "office".to_owned());
    }
    let sessions = users.iter().zip(0..);
    let sessions: Vec<Connection> = sessions
        .map(|(user, n)| live(&endpoint, &association, user, n))
        .collect();
    let own = OwnAddresses::default();
    let changes = |after: &Snapshot| {
        preview::Sides::new(&before, after, &own, clock::now()).changes(&sessions)
    };
    let (told, more) = changes(&after);
    assert!(!told.is_empty());
    assert_eq!((told, more), changes(&tagged));
}

const RULES: usize = 12;
