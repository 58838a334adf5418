//! The reference: the same questions asked of the snapshot itself, one row at a time; and what the
//! questions and snapshots are taken from.

use std::collections::BTreeSet;

use super::*;
use crate::model::{
    NetworkInterfaceId, PeeringConnection, SecurityGroupRuleId, VpcPeeringConnectionId,
    VpnConnection, VpnConnectionId,
    security_group::{Resource, SecurityGroup, SecurityGroupRule},
};

/// What is sent, as the reference sees it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sent {
    Tcp(u16),
    Udp(u16),
    Ping,
    /// GRE, which no rule can be limited to.
    Gre,
}

impl Sent {
    pub(super) fn protocol(self) -> Protocol {
        match self {
            Self::Tcp(port) => Protocol::Tcp(40_000, port),
            Self::Udp(port) => Protocol::Udp(40_000, port),
            Self::Ping => Protocol::IcmpQuery(7),
            Self::Gre => Protocol::Other(47),
        }
    }

    /// A packet that opens a flow.
    pub(super) fn packet(self, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
        let ports = |port: u16| [&40_000u16.to_be_bytes()[..], &port.to_be_bytes()].concat();
        match self {
            Self::Tcp(port) => {
                let payload = [&ports(port)[..], &[0; 8], &[0x50, 0x02], &[0; 6]].concat();
                ipv4(from, to, 6, &payload)
            }
            Self::Udp(port) => ipv4(from, to, 17, &[&ports(port)[..], &[0, 8, 0, 0]].concat()),
            Self::Ping => ipv4(from, to, 1, &[8, 0, 0, 0, 0, 7, 0, 1]),
            Self::Gre => ipv4(from, to, 47, &[0; 4]),
        }
    }

    fn name_and_port(self) -> (&'static str, Option<u16>) {
        match self {
            Self::Tcp(port) => ("tcp", Some(port)),
            Self::Udp(port) => ("udp", Some(port)),
            Self::Ping => ("icmp", None),
            Self::Gre => ("gre", None),
        }
    }
}

/// Whether the rule grants `USER` what is sent, at `now()`.
pub(super) fn grants(snapshot: &Snapshot, rule: &AuthorizationRule, sent: Sent) -> bool {
    let is_for_user = match &rule.access {
        Access::AllUsers => true,
        Access::Group(sid) => snapshot.groups[sid].members.iter().any(|m| m == USER),
    };
    let is_over = matches!(rule.limits.expires_at, Some(end) if now() >= end);
    is_for_user && is_for(rule.limits.protocol, rule.limits.ports, sent) && !is_over
}

fn is_for(protocol: Option<IpProtocol>, ports: Option<PortRange>, sent: Sent) -> bool {
    let (name, port) = sent.name_and_port();
    let has_protocol = protocol.is_none_or(|p| p.as_str() == name);
    let has_port = match (ports, port) {
        (Some(range), Some(port)) => range.from <= port && port <= range.to,
        (None, _) => true,
        (Some(_), None) => false,
    };
    has_protocol && has_port
}

/// Whether one of the groups has a rule of the direction for what is sent and for that end.
fn admits(
    snapshot: &Snapshot,
    groups: &BTreeSet<SecurityGroupId>,
    direction: Direction,
    sent: Sent,
    (net, its_groups): (Ipv4Net, &BTreeSet<SecurityGroupId>),
) -> bool {
    for id in groups {
        for rule in &snapshot.security_groups[id].rules {
            let is_end = match &rule.peer {
                Peer::Cidr(cidr) => {
                    cidr.contains(&net.network()) && cidr.contains(&net.broadcast())
                }
                Peer::Group(group) => its_groups.contains(group),
            };
            if rule.direction == direction && is_for(rule.protocol, rule.ports, sent) && is_end {
                return true;
            }
        }
    }
    false
}

/// Whether VPC 1 reaches the address, and the VPC that it is then in.
fn reached(snapshot: &Snapshot, to: Ipv4Addr) -> (bool, Option<VpcId>) {
    let own = &snapshot.vpcs[&vpc_id()];
    if own.cidrs.iter().any(|block| block.contains(&to)) {
        return (true, Some(own.id.clone()));
    }
    let mut best: Option<&VpcRoute> = None;
    for table in snapshot.route_tables.values() {
        for route in &table.routes {
            let is_longer =
                best.is_none_or(|it| it.destination.prefix_len() < route.destination.prefix_len());
            if route.destination.contains(&to) && is_longer {
                best = Some(route);
            }
        }
    }
    match best.map(|route| &route.target) {
        None => (false, None),
        Some(RouteTarget::InternetGateway(id)) => {
            let gateway = snapshot.internet_gateways.get(id);
            (gateway.is_some_and(|it| it.vpc_id == Some(vpc_id())), None)
        }
        Some(RouteTarget::PeeringConnection(id)) => {
            let Some(peering) = snapshot.peering_connections.get(id) else {
                return (false, None);
            };
            let other = &snapshot.vpcs[&peering.accepter_vpc_id];
            let is_there = other.cidrs.iter().any(|block| block.contains(&to));
            (peering.is_active && is_there, Some(other.id.clone()))
        }
        Some(RouteTarget::VpnConnection(id)) => {
            let vpn = snapshot.vpn_connections.get(id);
            (
                vpn.is_some_and(|it| it.cidrs.iter().any(|net| net.contains(&to))),
                None,
            )
        }
    }
}

fn groups_at(
    snapshot: &Snapshot,
    vpc: Option<&VpcId>,
    address: Ipv4Addr,
) -> Option<BTreeSet<SecurityGroupId>> {
    let mut resources = snapshot.resources.values();
    let found = resources.find(|it| Some(&it.vpc_id) == vpc && it.address == address);
    found.map(|it| it.security_groups.clone())
}

pub(super) fn reference(
    snapshot: &Snapshot,
    subnet: &SubnetId,
    source: Ipv4Addr,
    to: Ipv4Addr,
    sent: Sent,
) -> Verdict {
    let endpoint = &snapshot.endpoints[&EndpointId::from_random([1; 9])];
    let deny = Verdict::Deny;
    if source != ip(CLIENT) {
        return deny(Reason::SourceNotAssigned);
    }
    if let Some(reason) = closed_by_kind(snapshot, to) {
        return deny(reason);
    }
    let longest_rules = || {
        let rules = snapshot.rules_of(&endpoint.id);
        let matching: Vec<_> = rules
            .filter(|r| r.state != RuleState::Revoking && r.destination.contains(&to))
            .collect();
        let longest = matching.iter().map(|r| r.destination.prefix_len()).max();
        let is_granted = matching
            .iter()
            .filter(|r| Some(r.destination.prefix_len()) == longest)
            .any(|r| grants(snapshot, r, sent));
        (longest, is_granted)
    };
    let ranges = snapshot.endpoints.values().map(|e| e.client_cidr);
    if ranges.into_iter().any(|range| range.contains(&to)) {
        // No other endpoint's, and only by a rule that is no wider than the range (a /22).
        if !endpoint.client_cidr.contains(&to) || longest_rules().0.is_none_or(|len| len < 22) {
            return deny(Reason::ClientToClient);
        }
        return match longest_rules().1 {
            true => Verdict::Allow,
            false => deny(Reason::NotAuthorized),
        };
    }
    let has_route = snapshot
        .routes_of(&endpoint.id)
        .filter(|r| r.state != RouteState::Deleting && r.subnet_id == *subnet)
        .any(|r| r.destination.contains(&to));
    let mut associations = snapshot.associations_of(&endpoint.id);
    if !has_route || !associations.any(|a| a.subnet_id == *subnet) {
        return deny(Reason::NoRoute);
    }
    if !longest_rules().1 {
        return deny(Reason::NotAuthorized);
    }
    let (is_reached, vpc) = reached(snapshot, to);
    let there = is_reached
        .then(|| groups_at(snapshot, vpc.as_ref(), to))
        .flatten();
    let host = Ipv4Net::new(to, 32).unwrap();
    let its_groups = there.clone().unwrap_or_default();
    let mine = &endpoint.security_groups;
    if !mine.is_empty() && !admits(snapshot, mine, Direction::Egress, sent, (host, &its_groups)) {
        return deny(Reason::SecurityGroupOut);
    }
    if !is_reached {
        return deny(Reason::OutsideVpc);
    }
    let subnet = &snapshot.subnets[subnet];
    let from = match subnet.egress.nat {
        true => subnet.cidr,
        false => Ipv4Net::new(source, 32).unwrap(),
    };
    match there {
        Some(there) if !admits(snapshot, &there, Direction::Ingress, sent, (from, mine)) => {
            deny(Reason::SecurityGroupIn)
        }
        _ => Verdict::Allow,
    }
}

/// What becomes of the first packet of a flow that `source` in the network opens to the client.
pub(super) fn reference_inbound(
    snapshot: &Snapshot,
    subnet: &SubnetId,
    source: Ipv4Addr,
    sent: Sent,
) -> Verdict {
    let endpoint = &snapshot.endpoints[&EndpointId::from_random([1; 9])];
    let mine = &endpoint.security_groups;
    let mut ranges = snapshot.endpoints.values().map(|e| e.client_cidr);
    let is_client = ranges.any(|range| range.contains(&source));
    if mine.is_empty() || is_client || closed_by_kind(snapshot, source).is_some() {
        return Verdict::Deny(Reason::NoFlow);
    }
    let mut associations = snapshot.associations_of(&endpoint.id);
    let (is_reached, vpc) = reached(snapshot, source);
    if !is_reached || !associations.any(|a| a.subnet_id == *subnet) {
        return Verdict::Deny(Reason::OutsideVpc);
    }
    let there = groups_at(snapshot, vpc.as_ref(), source);
    let its_groups = there.clone().unwrap_or_default();
    let sender = Ipv4Net::new(source, 32).unwrap();
    let client = Ipv4Net::new(ip(CLIENT), 32).unwrap();
    let is_let_in = admits(
        snapshot,
        mine,
        Direction::Ingress,
        sent,
        (sender, &its_groups),
    );
    let is_let_out = match there {
        None => true,
        Some(there) => admits(snapshot, &there, Direction::Egress, sent, (client, mine)),
    };
    match is_let_in && is_let_out {
        true => Verdict::Allow,
        false => Verdict::Deny(Reason::SecurityGroupInbound),
    }
}

/// Why nothing opens the address, were it not a client's.
fn closed_by_kind(snapshot: &Snapshot, to: Ipv4Addr) -> Option<Reason> {
    for (special, reason) in [
        ("0.0.0.0/8", Reason::ThisNetwork),
        ("127.0.0.0/8", Reason::Loopback),
        ("169.254.0.0/16", Reason::LinkLocal),
        ("224.0.0.0/4", Reason::Multicast),
        ("255.255.255.255/32", Reason::Broadcast),
        ("240.0.0.0/4", Reason::Reserved),
    ] {
        if net(special).contains(&to) {
            return Some(reason);
        }
    }
    let ranges: Vec<_> = snapshot.endpoints.values().map(|e| e.client_cidr).collect();
    let is_gateway = |range: &Ipv4Net| range.hosts().next() == Some(to);
    if own().addresses.contains(&to) || ranges.iter().any(is_gateway) {
        return Some(Reason::GatewayAddress);
    }
    let is_edge = |s: &Subnet| s.cidr.network() == to || s.cidr.broadcast() == to;
    let is_end = |range: &Ipv4Net| range.network() == to || range.broadcast() == to;
    let is_edge = snapshot.subnets.values().any(is_edge) || ranges.iter().any(is_end);
    (own().broadcasts.contains(&to) || is_edge).then_some(Reason::Broadcast)
}

/// Addresses that cluster around the borders of the networks in play.
pub(super) fn an_address() -> impl Strategy<Value = Ipv4Addr> {
    let near = prop::sample::select(vec![
        ip("10.1.0.0"),
        ip("10.1.1.0"),
        ip("10.1.2.0"),
        ip("10.2.0.0"),
        ip("10.8.0.0"),
        ip("10.8.4.0"),
        ip("10.12.0.0"),
        ip("192.0.2.0"),
        ip("127.0.0.0"),
        ip("169.254.0.0"),
        ip("224.0.0.0"),
        ip("240.0.0.0"),
        ip("0.0.0.0"),
    ]);
    prop_oneof![
        3 => (near, -4i64..300).prop_map(|(base, by)| {
            let moved = (i64::from(u32::from(base)) + by).rem_euclid(1 << 32);
            Ipv4Addr::from(u32::try_from(moved).unwrap())
        }),
        1 => any::<u32>().prop_map(Ipv4Addr::from),
    ]
}

pub(super) fn a_network() -> impl Strategy<Value = Ipv4Net> {
    (an_address(), 0u8..=32).prop_map(|(address, len)| Ipv4Net::new(address, len).unwrap().trunc())
}

pub(super) fn an_access() -> impl Strategy<Value = Access> {
    prop_oneof![
        1 => Just(Access::AllUsers),
        2 => (1u8..=3).prop_map(|number| Access::Group(sid(number))),
    ]
}

pub(super) fn a_limit() -> impl Strategy<Value = Limits> {
    let ports = prop::option::of((0u16..10, 0u16..10).prop_map(|(from, more)| PortRange {
        from,
        to: from + more,
    }));
    let traffic = prop_oneof![
        2 => Just((None, None)),
        1 => ports.clone().prop_map(|ports| (Some(IpProtocol::Tcp), ports)),
        1 => ports.prop_map(|ports| (Some(IpProtocol::Udp), ports)),
        1 => Just((Some(IpProtocol::Icmp), None)),
    ];
    let end = prop_oneof![4 => Just(None), 1 => (-2i64..=2).prop_map(Some)];
    (traffic, end).prop_map(|((protocol, ports), end)| Limits {
        protocol,
        ports,
        expires_at: end.map(|secs| now() + jiff::SignedDuration::from_secs(secs)),
    })
}

pub(super) fn a_sending() -> impl Strategy<Value = Sent> {
    prop_oneof![
        (0u16..20).prop_map(Sent::Tcp),
        (0u16..20).prop_map(Sent::Udp),
        Just(Sent::Ping),
        Just(Sent::Gre),
    ]
}

pub(super) fn security_group_id(number: u8) -> SecurityGroupId {
    SecurityGroupId::from_random([number; 9])
}

/// A rule of a security group: direction, protocol and ports, other end.
pub(super) type Admission = (Direction, (Option<IpProtocol>, Option<PortRange>), Peer);

/// A security group of VPC 1 with these rules. It replaces one of the same number.
pub(super) fn with_security_group(
    mut snapshot: Snapshot,
    number: u8,
    rules: impl IntoIterator<Item = Admission>,
) -> Snapshot {
    let id = security_group_id(number);
    let rules = (0u8..).zip(rules).map(|(index, it)| SecurityGroupRule {
        id: SecurityGroupRuleId::from_random([index; 9]),
        direction: it.0,
        protocol: it.1.0,
        ports: it.1.1,
        peer: it.2,
        description: String::new(),
    });
    let group = SecurityGroup {
        id: id.clone(),
        name: format!("sg {number}"),
        description: "test".to_owned(),
        vpc_id: vpc_id(),
        rules: rules.collect(),
        tags: Default::default(),
    };
    snapshot.security_groups.insert(id, Arc::new(group));
    snapshot
}

/// Applies security groups to the endpoint.
pub(super) fn applied(mut snapshot: Snapshot, numbers: impl IntoIterator<Item = u8>) -> Snapshot {
    let endpoint = snapshot.endpoints.get_mut(&EndpointId::from_random([1; 9]));
    endpoint.unwrap().security_groups = numbers.into_iter().map(security_group_id).collect();
    snapshot
}

/// A security group that lets everything in and out is applied to the endpoint.
pub(super) fn admitting_all(snapshot: Snapshot) -> Snapshot {
    let all = |direction| (direction, (None, None), Peer::Cidr(net("0.0.0.0/0")));
    let rules = [all(Direction::Ingress), all(Direction::Egress)];
    applied(with_security_group(snapshot, 9, rules), [9])
}

/// A resource of VPC 1 or 2 with these security groups.
pub(super) fn with_resource(
    mut snapshot: Snapshot,
    (vpc, address): (u8, &str),
    groups: impl IntoIterator<Item = u8>,
) -> Snapshot {
    let count = u8::try_from(snapshot.resources.len()).unwrap();
    let id = NetworkInterfaceId::from_random([count; 9]);
    let resource = Resource {
        id: id.clone(),
        subnet_id: subnet_id(1),
        vpc_id: VpcId::from_random([vpc; 9]),
        address: ip(address),
        security_groups: groups.into_iter().map(security_group_id).collect(),
        description: String::new(),
        tags: Default::default(),
    };
    snapshot.resources.insert(id, resource);
    snapshot
}

pub(super) fn peering_id(number: u8) -> VpcPeeringConnectionId {
    VpcPeeringConnectionId::from_random([number; 9])
}

pub(super) fn vpn_id() -> VpnConnectionId {
    VpnConnectionId::from_random([1; 9])
}

/// VPC 2 (10.2/16) at the other end of peering connection 1, and of 2, which was not accepted; a
/// VPN connection to 192.168/16. No route leads to them yet.
pub(super) fn with_neighbours(mut snapshot: Snapshot) -> Snapshot {
    let id = VpcId::from_random([2; 9]);
    let vpc = Vpc {
        id: id.clone(),
        cidrs: vec![net("10.2.0.0/16")],
        dns_support: true,
        tags: Default::default(),
    };
    snapshot.vpcs.insert(id.clone(), vpc);
    for number in 1..=2 {
        let peering = PeeringConnection {
            id: peering_id(number),
            requester_vpc_id: vpc_id(),
            accepter_vpc_id: id.clone(),
            is_active: number == 1,
            tags: Default::default(),
        };
        snapshot
            .peering_connections
            .insert(peering_id(number), peering);
    }
    let vpn = VpnConnection {
        id: vpn_id(),
        vpc_id: vpc_id(),
        cidrs: vec![net("192.168.0.0/16")],
        tags: Default::default(),
    };
    snapshot.vpn_connections.insert(vpn_id(), vpn);
    snapshot
}

pub(super) fn without_nat(mut snapshot: Snapshot) -> Snapshot {
    for subnet in snapshot.subnets.values_mut() {
        subnet.egress.nat = false;
    }
    snapshot
}

/// Where resources may be.
pub(super) const SERVERS: [(u8, &str); 4] = [
    (1, "10.1.0.7"),
    (1, "10.1.1.7"),
    (1, "10.1.9.7"),
    (2, "10.2.0.7"),
];

fn a_target() -> impl Strategy<Value = RouteTarget> {
    prop_oneof![
        2 => Just(RouteTarget::InternetGateway(internet_gateway_id())),
        3 => (1u8..=3).prop_map(|n| RouteTarget::PeeringConnection(peering_id(n))),
        2 => Just(RouteTarget::VpnConnection(vpn_id())),
    ]
}

fn an_admission() -> impl Strategy<Value = Admission> {
    let direction = prop_oneof![Just(Direction::Ingress), Just(Direction::Egress)];
    let traffic = a_limit().prop_map(|limits| (limits.protocol, limits.ports));
    let wide = prop::sample::select(vec![
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.1.1.0/24",
        "10.8.0.0/22",
    ]);
    let peer = prop_oneof![
        3 => wide.prop_map(|wide| Peer::Cidr(net(wide))),
        1 => a_network().prop_map(Peer::Cidr),
        2 => (1u8..=3).prop_map(|number| Peer::Group(security_group_id(number))),
    ];
    (direction, traffic, peer)
}

prop_compose! {
    /// What lies beyond the authorization rules.
    fn beyond()(
        vpc_routes in prop::collection::vec((a_network(), a_target()), 0..6),
        to_peer in any::<bool>(),
        groups in prop::array::uniform3(prop::collection::vec(an_admission(), 0..5)),
        is_applied in prop::array::uniform3(prop::bool::weighted(0.3)),
        resources in prop::array::uniform4(prop::option::weighted(0.7, 1u8..=3)),
        nat in any::<bool>(),
    ) -> Snapshot {
        let mut it = with_neighbours(snapshot());
        for (destination, target) in vpc_routes {
            it = with_vpc_route(it, &destination.to_string(), target);
        }
        if to_peer {
            it = with_vpc_route(it, "10.2.0.0/16", RouteTarget::PeeringConnection(peering_id(1)));
        }
        for (number, rules) in (1..=3).zip(groups) {
            it = with_security_group(it, number, rules);
        }
        it = applied(it, (1..=3).zip(is_applied).filter(|(_, is)| *is).map(|(number, _)| number));
        for (server, group) in SERVERS.into_iter().zip(resources) {
            if let Some(group) = group {
                it = with_resource(it, server, [group]);
            }
        }
        if nat { it } else { without_nat(it) }
    }
}

prop_compose! {
    pub(super) fn a_snapshot()(
        routes in prop::collection::vec((a_network(), 1u8..=3, any::<bool>()), 0..12),
        rules in prop::collection::vec((a_network(), an_access(), a_limit(), prop::bool::weighted(0.2)), 0..12),
        memberships in prop::array::uniform3(any::<bool>()),
        internet in any::<bool>(),
        second_block in prop::option::of(a_network()),
        to_clients in any::<bool>(),
        beyond in beyond(),
    ) -> Snapshot {
        let mut snapshot = beyond;
        if to_clients {
            snapshot = with_rule(snapshot, "10.8.0.0/24");
        }
        for (destination, subnet, deleting) in routes {
            snapshot = with_route(snapshot, &destination.to_string(), subnet);
            if deleting {
                snapshot.routes.last_mut().unwrap().state = RouteState::Deleting;
            }
        }
        for (number, is_member) in (1..=3).zip(memberships) {
            let others = ["bob", "carol"].into_iter();
            let members = others.chain(is_member.then_some(USER));
            snapshot = with_group(snapshot, number, members);
        }
        for (destination, access, limits, revoking) in rules {
            snapshot = with_rule(snapshot, &destination.to_string());
            let rule = snapshot.rules.last_mut().unwrap();
            (rule.access, rule.limits) = (access, limits);
            if revoking {
                rule.state = RuleState::Revoking;
            }
        }
        if internet {
            snapshot = with_internet_gateway(snapshot);
        }
        snapshot.vpcs.get_mut(&vpc_id()).unwrap().cidrs.extend(second_block);
        snapshot
    }
}

/// Addresses of which many are inside the VPC and some are closed for a reason each.
pub(super) fn a_telling_address() -> impl Strategy<Value = Ipv4Addr> {
    let in_vpc = (0u8..20, any::<u8>()).prop_map(|(net, host)| Ipv4Addr::new(10, 1, net, host));
    let beside = any::<u8>().prop_map(|host| Ipv4Addr::new(10, 2, 0, host));
    let closed = prop::sample::select(vec![
        ip("0.1.2.3"),
        ip("127.0.0.1"),
        ip("169.254.169.254"),
        ip("224.0.0.251"),
        ip("255.255.255.255"),
        ip("241.0.0.1"),
        ip("192.0.2.1"),
        ip("10.8.0.77"),
        ip("10.12.0.77"),
    ]);
    let server = prop::sample::select(SERVERS.to_vec()).prop_map(|(_, address)| ip(address));
    prop_oneof![5 => in_vpc, 4 => server, 1 => beside, 2 => closed, 2 => an_address()]
}
