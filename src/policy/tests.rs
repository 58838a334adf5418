use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::model::{
    Access, Association, AssociationId, AssociationState, AuthorizationRule, EndpointId,
    InternetGateway, InternetGatewayId, IpProtocol, Limits, PortRange, Route, RouteOrigin,
    RouteState, RouteTableId, SecurityGroupId, Step, Subnet, Transport, Vpc, VpcId,
    network::{RouteTable, RouteTarget, VpcRoute},
    security_group::{Direction, Peer},
};

mod guards;
mod opened;
mod reference;
mod rules;

use reference::*;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn endpoint(number: u8, client_cidr: &str) -> Endpoint {
    Endpoint {
        id: EndpointId::from_random([number; 9]),
        description: String::new(),
        tags: Default::default(),
        client_cidr: net(client_cidr),
        server_certificate: "arn:aws:acm:local-1:000000000000:certificate/a"
            .parse()
            .unwrap(),
        authentication: Vec::new(),
        transport: Transport::Udp,
        port: 1194,
        split_tunnel: false,
        dns_servers: Vec::new(),
        vpc_id: None,
        security_groups: std::collections::BTreeSet::new(),
        connection_log: None,
        deleting: false,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn subnet_id(number: u8) -> SubnetId {
    SubnetId::from_random([number; 9])
}

fn vpc_id() -> VpcId {
    VpcId::from_random([1; 9])
}

/// An endpoint (10.8.0.0/22) with subnets 1 (10.1.1.0/24) and 2 (10.1.2.0/24) of VPC 10.1.0.0/16
/// associated, and another endpoint (10.12.0.0/22).
fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::default();
    for endpoint in [endpoint(1, "10.8.0.0/22"), endpoint(2, "10.12.0.0/22")] {
        snapshot.endpoints.insert(endpoint.id.clone(), endpoint);
    }
    snapshot.vpcs.insert(
        vpc_id(),
        Vpc {
            id: vpc_id(),
            cidrs: vec![net("10.1.0.0/16")],
            dns_support: true,
            tags: Default::default(),
        },
    );
    for (number, cidr) in [(1, "10.1.1.0/24"), (2, "10.1.2.0/24")] {
        let id = subnet_id(number);
        snapshot.subnets.insert(
            id.clone(),
            Subnet {
                id: id.clone(),
                vpc_id: vpc_id(),
                cidr: net(cidr),
                availability_zone: format!("local-1{number}"),
                egress: crate::model::Egress::default(),
                tags: Default::default(),
            },
        );
        let association = Association {
            id: AssociationId::from_random([number; 9]),
            endpoint_id: EndpointId::from_random([1; 9]),
            subnet_id: id,
            vpc_id: vpc_id(),
            state: AssociationState::Associated,
        };
        snapshot
            .associations
            .insert(association.id.clone(), association);
    }
    snapshot
}

fn with_route(mut snapshot: Snapshot, destination: &str, subnet: u8) -> Snapshot {
    snapshot.routes.push(Route {
        endpoint_id: EndpointId::from_random([1; 9]),
        destination: net(destination),
        subnet_id: subnet_id(subnet),
        origin: RouteOrigin::AddRoute,
        for_all: false,
        description: String::new(),
        state: RouteState::Active,
    });
    snapshot
}

fn with_rule(mut snapshot: Snapshot, destination: &str) -> Snapshot {
    snapshot.rules.push(AuthorizationRule {
        endpoint_id: EndpointId::from_random([1; 9]),
        destination: net(destination),
        access: Access::AllUsers,
        limits: Default::default(),
        description: String::new(),
        state: RuleState::Active,
    });
    snapshot
}

fn sid(number: u8) -> Sid {
    Sid::from_random([number; 16])
}

fn with_group<'a>(
    mut snapshot: Snapshot,
    number: u8,
    members: impl IntoIterator<Item = &'a str>,
) -> Snapshot {
    let group = Group {
        sid: sid(number),
        name: format!("Group {number}"),
        members: members.into_iter().map(str::to_owned).collect(),
    };
    snapshot.groups.insert(sid(number), Arc::new(group));
    snapshot
}

/// A route of VPC 1's main route table; one to the same destination is replaced.
fn with_vpc_route(mut snapshot: Snapshot, destination: &str, target: RouteTarget) -> Snapshot {
    let id = RouteTableId::from_random([1; 9]);
    let table = snapshot.route_tables.entry(id.clone());
    let table = table.or_insert_with(|| RouteTable {
        id,
        vpc_id: vpc_id(),
        is_main: true,
        subnets: Default::default(),
        routes: Vec::new(),
        tags: Default::default(),
    });
    let destination = net(destination);
    table
        .routes
        .retain(|route| route.destination != destination);
    table.routes.push(VpcRoute {
        destination,
        target,
        is_propagated: false,
    });
    snapshot
}

fn internet_gateway_id() -> InternetGatewayId {
    InternetGatewayId::from_random([1; 9])
}

fn with_internet_gateway(mut snapshot: Snapshot) -> Snapshot {
    let id = internet_gateway_id();
    let target = RouteTarget::InternetGateway(id.clone());
    snapshot = with_vpc_route(snapshot, "0.0.0.0/0", target);
    snapshot.internet_gateways.insert(
        id.clone(),
        InternetGateway {
            id,
            vpc_id: Some(vpc_id()),
            tags: Default::default(),
        },
    );
    snapshot
}

/// The local route of subnet 1 and a rule for the whole VPC.
fn usual() -> Snapshot {
    with_rule(with_route(snapshot(), "10.1.0.0/16", 1), "10.1.0.0/16")
}

/// Everything that an administrator can open: all routes, all rules, an internet gateway.
fn wide_open() -> Snapshot {
    with_internet_gateway(with_rule(
        with_route(snapshot(), "0.0.0.0/0", 1),
        "0.0.0.0/0",
    ))
}

fn own() -> OwnAddresses {
    OwnAddresses {
        addresses: vec![ip("192.0.2.1"), ip("10.1.1.5")],
        broadcasts: vec![ip("192.0.2.255")],
    }
}

fn compile(snapshot: &Snapshot, generation: u64) -> Policy {
    let endpoint = &snapshot.endpoints[&EndpointId::from_random([1; 9])];
    Policy::compile(snapshot, endpoint, &own(), now(), generation)
}

fn now() -> Timestamp {
    "2026-11-27T18:00:00Z".parse().unwrap()
}

const CLIENT: &str = "10.8.0.2";
/// The user of the session.
const USER: &str = "alice";

fn judge(snapshot: &Snapshot, destination: &str) -> Verdict {
    let packet = Packet {
        source: ip(CLIENT),
        destination: ip(destination),
        protocol: Protocol::Tcp(40_000, 443),
        has_later_fragments: false,
    };
    let subnet = subnet_id(1);
    verdict(&compile(snapshot, 1), &subnet, &packet)
}

fn verdict(policy: &Policy, subnet: &SubnetId, packet: &Packet) -> Verdict {
    policy.verdict(session(subnet), packet, Traffic::opened(packet.protocol))
}

fn session(subnet: &SubnetId) -> Session<'_> {
    Session {
        address: ip(CLIENT),
        subnet,
        user: USER,
    }
}

#[test]
fn a_destination_with_route_rule_and_vpc_is_open() {
    assert_eq!(judge(&usual(), "10.1.1.9"), Verdict::Allow);
}

#[test]
fn a_forged_source_is_refused_before_anything_else() {
    let packet = Packet {
        source: ip("10.8.0.3"),
        destination: ip("127.0.0.1"),
        protocol: Protocol::Other(47),
        has_later_fragments: false,
    };
    let subnet = subnet_id(1);
    let verdict = verdict(&compile(&usual(), 1), &subnet, &packet);
    assert_eq!(verdict, Verdict::Deny(Reason::SourceNotAssigned));
}

#[test]
fn no_rule_opens_the_gateway_or_what_names_no_host() {
    for (destination, reason) in [
        ("0.0.0.0", Reason::ThisNetwork),
        ("0.1.2.3", Reason::ThisNetwork),
        ("127.0.0.1", Reason::Loopback),
        ("127.255.0.1", Reason::Loopback),
        ("169.254.169.254", Reason::LinkLocal),
        ("224.0.0.1", Reason::Multicast),
        ("239.255.255.250", Reason::Multicast),
        ("240.0.0.1", Reason::Reserved),
        ("255.255.255.255", Reason::Broadcast),
        ("192.0.2.255", Reason::Broadcast),
        ("10.1.1.255", Reason::Broadcast),
        ("10.1.2.0", Reason::Broadcast),
        ("192.0.2.1", Reason::GatewayAddress),
        ("10.1.1.5", Reason::GatewayAddress),
        ("10.8.0.0", Reason::Broadcast),
        ("10.8.3.255", Reason::Broadcast),
        ("10.8.0.1", Reason::GatewayAddress),
        ("10.12.0.1", Reason::GatewayAddress),
        ("10.8.0.3", Reason::ClientToClient),
        ("10.12.1.3", Reason::ClientToClient),
    ] {
        assert_eq!(
            judge(&wide_open(), destination),
            Verdict::Deny(reason),
            "{destination}"
        );
    }
    assert_eq!(judge(&wide_open(), "192.0.2.2"), Verdict::Allow);
    assert_eq!(judge(&wide_open(), "169.253.1.1"), Verdict::Allow);
}

#[test]
fn only_routes_of_the_sessions_own_association_count() {
    let snapshot = with_rule(with_route(snapshot(), "10.1.0.0/16", 2), "10.1.0.0/16");
    assert_eq!(judge(&snapshot, "10.1.1.9"), Verdict::Deny(Reason::NoRoute));
}

#[test]
fn a_route_without_a_rule_is_not_enough() {
    let snapshot = with_route(snapshot(), "10.1.0.0/16", 1);
    assert_eq!(
        judge(&snapshot, "10.1.1.9"),
        Verdict::Deny(Reason::NotAuthorized)
    );
}

#[test]
fn outside_the_vpc_only_an_internet_gateway_leads_on() {
    let closed = with_rule(with_route(snapshot(), "0.0.0.0/0", 1), "0.0.0.0/0");
    assert_eq!(
        judge(&closed, "198.51.100.1"),
        Verdict::Deny(Reason::OutsideVpc)
    );
    assert_eq!(judge(&closed, "10.1.9.9"), Verdict::Allow);
    assert_eq!(
        judge(&with_internet_gateway(closed), "198.51.100.1"),
        Verdict::Allow
    );
}

#[test]
fn a_route_being_deleted_and_a_rule_being_revoked_no_longer_count() {
    let mut snapshot = usual();
    snapshot.routes[0].state = RouteState::Deleting;
    assert_eq!(judge(&snapshot, "10.1.1.9"), Verdict::Deny(Reason::NoRoute));
    let mut snapshot = usual();
    snapshot.rules[0].state = RuleState::Revoking;
    assert_eq!(
        judge(&snapshot, "10.1.1.9"),
        Verdict::Deny(Reason::NotAuthorized)
    );
}

#[test]
fn a_route_or_rule_not_yet_confirmed_counts_already() {
    let mut snapshot = usual();
    snapshot.routes[0].state = RouteState::Creating;
    snapshot.rules[0].state = RuleState::Authorizing;
    assert_eq!(judge(&snapshot, "10.1.1.9"), Verdict::Allow);
}

#[test]
fn reasons_have_distinct_kebab_case_names_and_sentences() {
    let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.name()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    for (index, reason) in Reason::ALL.iter().enumerate() {
        assert_eq!(*reason as usize, index);
        let is_kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(reason.name().bytes().all(is_kebab), "{reason}");
        assert!(reason.sentence().ends_with('.'), "{reason}");
    }
}

// Packets.

/// An IPv4 packet without options.
fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
    packet.extend_from_slice(&source.octets());
    packet.extend_from_slice(&destination.octets());
    packet.extend_from_slice(payload);
    let total = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet
}

fn udp(source: (&str, u16), destination: (&str, u16)) -> Vec<u8> {
    let mut payload = Vec::new();
    payload.extend_from_slice(&source.1.to_be_bytes());
    payload.extend_from_slice(&destination.1.to_be_bytes());
    payload.extend_from_slice(&[0, 8, 0, 0]);
    ipv4(ip(source.0), ip(destination.0), 17, &payload)
}

fn icmp(source: &str, destination: &str, kind: u8, id: u16) -> Vec<u8> {
    let mut payload = vec![kind, 0, 0, 0];
    payload.extend_from_slice(&id.to_be_bytes());
    payload.extend_from_slice(&[0, 1]);
    ipv4(ip(source), ip(destination), 1, &payload)
}

/// "Fragmentation needed", quoting `packet`.
fn icmp_error(source: &str, destination: &str, packet: &[u8]) -> Vec<u8> {
    let mut payload = vec![3, 4, 0, 0, 0, 0, 0x05, 0x14];
    payload.extend_from_slice(packet);
    ipv4(ip(source), ip(destination), 1, &payload)
}

#[test]
fn every_truncation_of_a_packet_is_malformed_and_none_panics() {
    let whole = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    assert!(Packet::parse(&whole).is_ok());
    for len in 0..whole.len() {
        assert_eq!(
            Packet::parse(&whole[..len]),
            Err(Reason::Malformed),
            "{len}"
        );
    }
    let mut longer = whole;
    longer.push(0);
    assert_eq!(Packet::parse(&longer), Err(Reason::Malformed));
}

#[test]
fn other_versions_options_and_short_transport_headers_are_refused_by_name() {
    let whole = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    let with_first_byte = |byte: u8| {
        let mut packet = whole.clone();
        packet[0] = byte;
        Packet::parse(&packet)
    };
    assert_eq!(with_first_byte(0x60), Err(Reason::NotIpv4));
    assert_eq!(with_first_byte(0x44), Err(Reason::Malformed));
    assert_eq!(with_first_byte(0x46), Err(Reason::IpOptions));
    let short = ipv4(ip(CLIENT), ip("10.1.1.9"), 6, &[1, 2, 3]);
    assert_eq!(Packet::parse(&short), Err(Reason::Malformed));
}

#[test]
fn a_later_fragment_has_no_ports() {
    let mut packet = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    packet[7] = 1;
    assert_eq!(
        Packet::parse(&packet).unwrap().protocol,
        Protocol::Fragment(17)
    );
}

// Flows.

#[test]
fn only_answers_to_what_the_client_sent_come_back() {
    let policy = compile(&usual(), 1);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let question = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    let answer = udp(("10.1.1.9", 53), (CLIENT, 40_000));
    let other = udp(("10.1.1.9", 53), (CLIENT, 40_001));
    let inbound =
        |packet: &[u8], flows: &mut Flows| flows.inbound(&policy, session(&subnet), packet, 0);

    assert_eq!(inbound(&answer, &mut flows), Verdict::Deny(Reason::NoFlow));
    assert_eq!(
        flows.outbound(&policy, session(&subnet), &question, 0),
        Verdict::Allow
    );
    assert_eq!(inbound(&answer, &mut flows), Verdict::Allow);
    assert_eq!(inbound(&other, &mut flows), Verdict::Deny(Reason::NoFlow));
}

#[test]
fn an_echo_answer_comes_back_and_an_echo_question_does_not() {
    let policy = compile(&usual(), 1);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let echo = icmp(CLIENT, "10.1.1.9", 8, 7);
    assert!(
        flows
            .outbound(&policy, session(&subnet), &echo, 0)
            .is_allow()
    );
    let back = |kind, id| icmp("10.1.1.9", CLIENT, kind, id);
    let mut inbound = |packet: Vec<u8>| flows.inbound(&policy, session(&subnet), &packet, 0);
    assert_eq!(inbound(back(0, 7)), Verdict::Allow);
    assert_eq!(inbound(back(0, 8)), Verdict::Deny(Reason::NoFlow));
    assert_eq!(inbound(back(8, 7)), Verdict::Deny(Reason::NoFlow));
}

#[test]
fn a_router_may_report_about_a_flow_and_about_nothing_else() {
    let policy = compile(&usual(), 1);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let sent = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    let never_sent = udp((CLIENT, 40_000), ("10.1.1.10", 53));
    assert!(
        flows
            .outbound(&policy, session(&subnet), &sent, 0)
            .is_allow()
    );
    let mut inbound = |quoted: &[u8]| {
        let error = icmp_error("203.0.113.1", CLIENT, quoted);
        flows.inbound(&policy, session(&subnet), &error, 0)
    };
    assert_eq!(inbound(&sent), Verdict::Allow);
    assert_eq!(inbound(&never_sent), Verdict::Deny(Reason::NoFlow));
}

#[test]
fn a_changed_policy_ends_an_open_flow_in_both_directions() {
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let question = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    let answer = udp(("10.1.1.9", 53), (CLIENT, 40_000));
    let before = compile(&usual(), 1);
    assert!(
        flows
            .outbound(&before, session(&subnet), &question, 0)
            .is_allow()
    );
    let mut revoked = usual();
    revoked.rules.clear();
    let after = compile(&revoked, 2);
    assert_eq!(
        flows.inbound(&after, session(&subnet), &answer, 0),
        Verdict::Deny(Reason::NotAuthorized)
    );
    assert_eq!(
        flows.outbound(&after, session(&subnet), &question, 0),
        Verdict::Deny(Reason::NotAuthorized)
    );
    assert!(flows.is_empty());
}

#[test]
fn later_fragments_come_in_behind_the_first_of_an_open_flow_only() {
    let policy = compile(&usual(), 1);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let question = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    assert!(
        flows
            .outbound(&policy, session(&subnet), &question, 0)
            .is_allow()
    );
    let fragment = |from: &str, port: u16, flags_and_offset: [u8; 2]| {
        let mut packet = udp((from, port), (CLIENT, 40_000));
        packet[6..8].copy_from_slice(&flags_and_offset);
        packet
    };
    let later = |from| fragment(from, 53, [0, 185]);
    let mut inbound = |packet: Vec<u8>, now| flows.inbound(&policy, session(&subnet), &packet, now);
    assert_eq!(inbound(later("10.1.1.9"), 0), Verdict::Deny(Reason::NoFlow));
    let unasked = fragment("10.1.1.9", 54, [0x20, 0]);
    assert_eq!(inbound(unasked, 0), Verdict::Deny(Reason::NoFlow));
    assert_eq!(inbound(later("10.1.1.9"), 0), Verdict::Deny(Reason::NoFlow));

    let mut report = icmp_error("203.0.113.1", CLIENT, &question);
    report[6] = 0x20;
    assert_eq!(inbound(report, 0), Verdict::Allow);
    let behind_it = later("203.0.113.1");
    assert_eq!(inbound(behind_it, 0), Verdict::Deny(Reason::NoFlow));

    let first = fragment("10.1.1.9", 53, [0x20, 0]);
    assert_eq!(inbound(first, 0), Verdict::Allow);
    assert_eq!(inbound(later("10.1.1.9"), 0), Verdict::Allow);
    assert_eq!(
        inbound(later("10.1.1.10"), 0),
        Verdict::Deny(Reason::NoFlow)
    );
    assert_eq!(
        inbound(later("10.1.1.9"), 100),
        Verdict::Deny(Reason::NoFlow)
    );
}

#[test]
fn an_idle_flow_lets_nothing_in_until_the_client_sends_again() {
    let policy = compile(&usual(), 1);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let question = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    let answer = udp(("10.1.1.9", 53), (CLIENT, 40_000));
    flows.outbound(&policy, session(&subnet), &question, 0);
    assert!(
        flows
            .inbound(&policy, session(&subnet), &answer, 300)
            .is_allow()
    );
    assert_eq!(
        flows.inbound(&policy, session(&subnet), &answer, 601),
        Verdict::Deny(Reason::NoFlow)
    );
    flows.outbound(&policy, session(&subnet), &question, 602);
    assert!(
        flows
            .inbound(&policy, session(&subnet), &answer, 602)
            .is_allow()
    );
}

#[test]
fn flows_stay_within_their_bound_and_the_newest_is_kept() {
    let policy = compile(&usual(), 1);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    for port in 0..20_000u16 {
        let question = udp((CLIENT, port), ("10.1.1.9", 53));
        flows.outbound(&policy, session(&subnet), &question, 1);
        let answer = udp(("10.1.1.9", 53), (CLIENT, port));
        assert!(
            flows
                .inbound(&policy, session(&subnet), &answer, 1)
                .is_allow()
        );
    }
    assert!(flows.len() <= Flows::MAX);
    assert!(flows.len() > Flows::MAX / 2);
}

#[test]
fn a_refused_destination_opens_no_flow() {
    let policy = compile(&usual(), 1);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let refused = udp((CLIENT, 40_000), ("198.51.100.1", 53));
    assert_eq!(
        flows.outbound(&policy, session(&subnet), &refused, 0),
        Verdict::Deny(Reason::NoRoute)
    );
    assert!(flows.is_empty());
}

proptest! {
    #[test]
    fn the_compiled_policy_agrees_with_the_reference(
        snapshot in a_snapshot(),
        questions in prop::collection::vec((an_address(), a_sending()), 1..40),
        subnet in 1u8..=3,
        forged in prop::bool::weighted(0.1),
    ) {
        let policy = compile(&snapshot, 1);
        let subnet = subnet_id(subnet);
        let source = if forged { ip("10.8.0.9") } else { ip(CLIENT) };
        for (destination, sent) in questions {
            let protocol = sent.protocol();
            let packet = Packet { source, destination, protocol, has_later_fragments: false };
            let expected = reference(&snapshot, &subnet, source, destination, sent);
            prop_assert_eq!(
                verdict(&policy, &subnet, &packet), expected, "{} {:?}", destination, sent
            );
            if !forged {
                let traffic = Traffic::opened(protocol);
                let (told, steps) = policy.explain(session(&subnet).into(), destination, traffic);
                prop_assert_eq!(told, expected);
                prop_assert_eq!(steps.iter().all(Step::passes), expected.is_allow());
                prop_assert!(steps.iter().rev().skip(1).all(Step::passes));
            }
        }
    }

    #[test]
    fn what_the_network_may_open_agrees_with_the_reference(
        snapshot in a_snapshot(),
        packets in prop::collection::vec((a_telling_address(), a_sending()), 1..40),
    ) {
        let policy = compile(&snapshot, 1);
        let subnet = subnet_id(1);
        for (source, sent) in packets {
            let mut flows = Flows::default();
            prop_assert_eq!(
                flows.inbound(&policy, session(&subnet), &sent.packet(source, ip(CLIENT)), 0),
                reference_inbound(&snapshot, &subnet, source, sent),
                "{} {:?}", source, sent
            );
        }
    }

    #[test]
    fn no_bytes_make_the_parser_or_the_flows_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let open = with_rule(admitting_all(usual()), "10.8.0.0/22");
        let policy = compile(&open, 1);
        let subnet = subnet_id(1);
        let mut flows = Flows::default();
        flows.outbound(&policy, session(&subnet), &bytes, 0);
        flows.inbound(&policy, session(&subnet), &bytes, 0);
        flows.from_peer(&policy, session(&subnet), &bytes, 0);
        let mut shaped = bytes;
        if shaped.len() >= 20 {
            shaped[0] = 0x45;
            let len = u16::try_from(shaped.len()).unwrap();
            shaped[2..4].copy_from_slice(&len.to_be_bytes());
            shaped[16..20].copy_from_slice(&ip(CLIENT).octets());
            flows.inbound(&policy, session(&subnet), &shaped, 0);
            flows.from_peer(&policy, session(&subnet), &shaped, 0);
            shaped[12..16].copy_from_slice(&ip(CLIENT).octets());
            flows.outbound(&policy, session(&subnet), &shaped, 0);
        }
    }
}
