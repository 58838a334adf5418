//! An installation as tests and pictures need it: four endpoints, two VPCs, people connected.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Access, Association, AssociationId, AssociationState, Attempt, Authentication,
    AuthorizationRule, Certificate, CertificateArn, CertificateOrigin, CertificateUse, Connection,
    ConnectionId, ConnectionState, Direction, Endpoint, EndpointId, FailureReason, GatewayStatus,
    InternetGateway, InternetGatewayId, IpProtocol, ListenerStatus, Live, LogGroup, LogStream,
    NetworkInterfaceId, NetworkMode, Peer, PeeringConnection, PortRange, Resource, Route,
    RouteOrigin, RouteState, RouteTable, RouteTableId, RouteTarget, RuleState, SecurityGroup,
    SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, Snapshot, Subnet, SubnetId, Tags,
    Traffic, Transport, Vpc, VpcId, VpcPeeringConnectionId, VpcRoute, VpnConnection,
    VpnConnectionId,
};

pub(crate) fn endpoint_id(number: u8) -> EndpointId {
    EndpointId::from_random(spread(number))
}

pub(crate) fn vpc_id(number: u8) -> VpcId {
    VpcId::from_random(spread(number))
}

pub(crate) fn subnet_id(number: u8) -> SubnetId {
    SubnetId::from_random(spread(number))
}

pub(crate) fn group_id(number: u8) -> SecurityGroupId {
    SecurityGroupId::from_random(spread(number))
}

pub(crate) fn resource_id(number: u8) -> NetworkInterfaceId {
    NetworkInterfaceId::from_random(spread(number))
}

pub(crate) fn route_table_id(number: u8) -> RouteTableId {
    RouteTableId::from_random(spread(number))
}

pub(crate) fn gateway_id() -> InternetGatewayId {
    InternetGatewayId::from_random(spread(1))
}

pub(crate) fn peering_id() -> VpcPeeringConnectionId {
    VpcPeeringConnectionId::from_random(spread(1))
}

pub(crate) fn vpn_id() -> VpnConnectionId {
    VpnConnectionId::from_random(spread(1))
}

pub(crate) fn connection_id(number: u8) -> ConnectionId {
    ConnectionId::from_random(spread(number))
}

pub(crate) fn association_id(number: u8) -> AssociationId {
    AssociationId::from_random(spread(number))
}

pub(crate) fn arn(number: u8) -> CertificateArn {
    CertificateArn::from_random("local-1", "000000000000", [number; 16])
}

/// Bytes that look random and begin with the number, so that identifiers sort by it.
fn spread(number: u8) -> [u8; 9] {
    std::array::from_fn(|place| match place {
        0 => number,
        _ => number
            .wrapping_mul(37)
            .wrapping_add((place as u8).wrapping_mul(71)),
    })
}

fn named(name: &str) -> Tags {
    Tags::from([("Name".to_owned(), name.to_owned())])
}

pub(crate) fn endpoint(
    number: u8,
    name: &str,
    cidr: &str,
    transport: Transport,
    port: u16,
) -> Endpoint {
    Endpoint {
        id: endpoint_id(number),
        description: String::new(),
        tags: named(name),
        client_cidr: cidr.parse().unwrap(),
        server_certificate: arn(2),
        authentication: vec![Authentication::Certificate {
            client_root_certificate_chain: arn(1),
        }],
        transport,
        port,
        split_tunnel: false,
        dns_servers: Vec::new(),
        vpc_id: None,
        security_groups: std::collections::BTreeSet::new(),
        connection_log: None,
        deleting: false,
        created_at: super::now() - SignedDuration::from_hours(24 * 30),
    }
}

fn certificate(number: u8, name: &str, usage: CertificateUse) -> Arc<Certificate> {
    let issued_by = (number > 1).then(|| arn(1));
    Arc::new(Certificate {
        arn: arn(number),
        common_name: Some(name.to_owned()),
        subject: format!("CN={name}"),
        issuer: "CN=Corp VPN CA".to_owned(),
        serial: format!("{number:02x}"),
        alternative_names: Vec::new(),
        not_before: super::now() - SignedDuration::from_hours(24 * 30),
        not_after: super::now() + SignedDuration::from_hours(24 * 800),
        key_algorithm: "EC_prime256v1".to_owned(),
        usage,
        origin: CertificateOrigin::Issued,
        issued_by,
        fingerprint: "ab".repeat(32),
        certificate_pem: String::new(),
        chain_pem: String::new(),
        has_private_key: true,
        created_at: super::now(),
        revoked: None,
    })
}

fn subnet(number: u8, name: &str, cidr: &str, zone: &str) -> Subnet {
    Subnet {
        id: subnet_id(number),
        vpc_id: vpc_id(1),
        cidr: cidr.parse().unwrap(),
        availability_zone: zone.to_owned(),
        egress: crate::model::Egress::default(),
        tags: named(name),
    }
}

fn association(number: u8, endpoint: u8, subnet: u8, state: AssociationState) -> Association {
    Association {
        id: association_id(number),
        endpoint_id: endpoint_id(endpoint),
        subnet_id: subnet_id(subnet),
        vpc_id: vpc_id(1),
        state,
    }
}

fn rule(endpoint: u8, cidr: &str, description: &str, state: RuleState) -> AuthorizationRule {
    AuthorizationRule {
        endpoint_id: endpoint_id(endpoint),
        destination: cidr.parse().unwrap(),
        access: Access::AllUsers,
        limits: Default::default(),
        description: description.to_owned(),
        state,
    }
}

pub(crate) fn route(endpoint: u8, cidr: &str, origin: RouteOrigin) -> Route {
    Route {
        endpoint_id: endpoint_id(endpoint),
        destination: cidr.parse().unwrap(),
        subnet_id: subnet_id(1),
        for_all: false,
        origin,
        description: match origin {
            RouteOrigin::Associate => "Default Route".to_owned(),
            RouteOrigin::AddRoute => "Through the office line".to_owned(),
        },
        state: RouteState::Active,
    }
}

const PEOPLE: [&str; 20] = [
    "a.lindqvist",
    "b.castro",
    "c.nakamura",
    "d.ivanova",
    "e.adeyemi",
    "f.moreau",
    "g.haddad",
    "h.petersen",
    "i.rossi",
    "j.kowalczyk",
    "k.okafor",
    "l.svensson",
    "m.dubois",
    "n.tanaka",
    "o.fernandez",
    "p.novak",
    "q.nguyen",
    "r.schmidt",
    "s.kaya",
    "t.olsen",
];

/// One of the people, connected to the first endpoint; `secs` later than the others' last count.
pub(crate) fn connection(number: u8, secs: i64) -> Connection {
    let n = u64::from(number);
    let (version, platform) = match number % 4 {
        0 => ("2.6.14", "linux"),
        1 => ("2.6.12", "win"),
        2 => ("3.10", "mac"),
        _ => ("3.9", "android"),
    };
    let busy = 1 + n * 7919 % 9;
    let moved = |bytes: u64| bytes + (busy * 400_000 * secs.unsigned_abs()) / (1 + n % 3);
    Connection {
        id: connection_id(number),
        endpoint_id: endpoint_id(1),
        association_id: association_id(1),
        common_name: PEOPLE
            .get(usize::from(number) % PEOPLE.len())
            .copied()
            .unwrap_or_default()
            .to_owned(),
        client_ip: [10, 20, number / 8, number.wrapping_mul(7).wrapping_add(12)].into(),
        device: format!(
            "203.0.113.{}:{}",
            number.wrapping_mul(3).wrapping_add(17),
            40_000 + n * 331
        )
        .parse()
        .unwrap(),
        client_version: version.to_owned(),
        platform: platform.to_owned(),
        cipher: "AES-256-GCM".to_owned(),
        state: ConnectionState::Active,
        established_at: super::now() - SignedDuration::from_secs(400 + i64::from(number) * 1931),
        ended_at: None,
        certificates: Vec::new(),
        end_reason: None,
        reconnect: None,
        traffic: Traffic {
            ingress_bytes: moved(3_000_000 * busy * n),
            egress_bytes: moved(52_000_000 * busy * n),
            ingress_packets: 4_000 * busy * n,
            egress_packets: 41_000 * busy * n,
        },
        counted_at: super::now() + SignedDuration::from_secs(secs),
    }
}

fn ended(number: u8, reason: &str) -> Connection {
    let mut connection = connection(number, 0);
    connection.state = ConnectionState::Terminated;
    connection.ended_at = Some(super::now() - SignedDuration::from_mins(12));
    connection.end_reason = Some(reason.to_owned());
    connection
}

fn attempt(minutes: i64, name: Option<&str>, reason: &str) -> Attempt {
    let at: Timestamp = super::now() - SignedDuration::from_mins(minutes);
    Attempt {
        id: None,
        endpoint_id: endpoint_id(1),
        at,
        device: "198.51.100.70:51820".parse().unwrap(),
        common_name: name.map(str::to_owned),
        client_version: String::new(),
        platform: String::new(),
        failure: FailureReason::default(),
        reason: reason.to_owned(),
    }
}

/// A log group of that name.
pub(crate) fn log_group(name: &str) -> LogGroup {
    LogGroup {
        name: name.to_owned(),
        created_at: super::now(),
        retention_days: None,
        stored_bytes: 0,
    }
}

/// A stream of a log group.
pub(crate) fn log_stream(group: &str, name: &str) -> LogStream {
    LogStream {
        group: group.to_owned(),
        name: name.to_owned(),
        created_at: super::now(),
        first_event_at: None,
        last_event_at: None,
    }
}

/// Four endpoints: one busy, two quiet, one that lacks everything.
pub(crate) fn office() -> (Snapshot, Live) {
    let mut staff = endpoint(1, "corp-staff", "10.20.0.0/20", Transport::Udp, 443);
    staff.vpc_id = Some(vpc_id(1));
    staff.security_groups.insert(group_id(3));
    let endpoints = [
        staff,
        endpoint(2, "contractors", "10.24.0.0/22", Transport::Tcp, 443),
        endpoint(3, "build-farm", "10.28.0.0/22", Transport::Udp, 11940),
        endpoint(4, "lab-lisbon", "10.32.0.0/22", Transport::Udp, 1195),
    ];
    let subnets = [
        subnet(1, "staff-a", "10.1.1.0/24", "local-1a"),
        subnet(2, "staff-b", "10.1.2.0/24", "local-1b"),
        subnet(3, "tiny", "10.1.9.0/28", "local-1c"),
    ];
    let failed = AssociationState::Failed {
        reason: "UDP port 11940 is taken by another program. Free it; it is tried again by itself."
            .to_owned(),
    };
    let associations = [
        association(1, 1, 1, AssociationState::Associated),
        association(2, 2, 1, AssociationState::Associated),
        association(3, 3, 2, failed),
    ];
    let certificates = [
        certificate(1, "Corp VPN CA", CertificateUse::Authority),
        certificate(2, "vpn.corp.example", CertificateUse::Server),
    ];
    let mut snapshot = Snapshot {
        seq: 41,
        certificates: certificates
            .into_iter()
            .map(|c| (c.arn.clone(), c))
            .collect(),
        subnets: subnets.into_iter().map(|s| (s.id.clone(), s)).collect(),
        endpoints: endpoints.into_iter().map(|e| (e.id.clone(), e)).collect(),
        associations: associations
            .into_iter()
            .map(|a| (a.id.clone(), a))
            .collect(),
        rules: vec![
            rule(1, "10.1.0.0/16", "The office", RuleState::Active),
            rule(1, "10.2.0.0/16", "", RuleState::Authorizing),
        ],
        routes: vec![
            route(1, "10.1.0.0/16", RouteOrigin::Associate),
            route(1, "0.0.0.0/0", RouteOrigin::AddRoute),
        ],
        ..Snapshot::default()
    };
    attach(&mut snapshot);
    guard(&mut snapshot);
    (snapshot, live(0))
}

/// Two VPCs and what the first is attached to: a gateway, a peering that was not accepted yet, and
/// a site's networks.
fn attach(snapshot: &mut Snapshot) {
    for (number, name, block) in [(1, "office", "10.1.0.0/16"), (2, "lab", "10.50.0.0/16")] {
        let vpc = Vpc {
            id: vpc_id(number),
            cidrs: vec![block.parse().unwrap()],
            dns_support: true,
            tags: named(name),
        };
        snapshot.vpcs.insert(vpc.id.clone(), vpc);
    }
    let gateway = InternetGateway {
        id: gateway_id(),
        vpc_id: Some(vpc_id(1)),
        tags: named("line"),
    };
    let peering = PeeringConnection {
        id: peering_id(),
        requester_vpc_id: vpc_id(1),
        accepter_vpc_id: vpc_id(2),
        is_active: false,
        tags: named("office-lab"),
    };
    let vpn = VpnConnection {
        id: vpn_id(),
        vpc_id: vpc_id(1),
        cidrs: ["192.168.50.0/24", "192.168.60.0/24"]
            .map(|net| net.parse().unwrap())
            .to_vec(),
        tags: named("lisbon"),
    };
    let vpc_route = |net: &str, target| VpcRoute {
        destination: net.parse().unwrap(),
        target,
        is_propagated: false,
    };
    let routes = vec![
        vpc_route("0.0.0.0/0", RouteTarget::InternetGateway(gateway_id())),
        vpc_route("10.50.0.0/16", RouteTarget::PeeringConnection(peering_id())),
        vpc_route("192.168.50.0/24", RouteTarget::VpnConnection(vpn_id())),
    ];
    for (number, vpc, is_main, routes) in [
        (1, 1, true, routes),
        (2, 2, true, Vec::new()),
        (3, 1, false, Vec::new()),
    ] {
        let table = RouteTable {
            id: route_table_id(number),
            vpc_id: vpc_id(vpc),
            is_main,
            subnets: (number == 3).then(|| subnet_id(3)).into_iter().collect(),
            routes,
            tags: if is_main {
                Tags::new()
            } else {
                named("closed")
            },
        };
        snapshot.route_tables.insert(table.id.clone(), table);
    }
    snapshot.internet_gateways.insert(gateway_id(), gateway);
    snapshot.peering_connections.insert(peering_id(), peering);
    snapshot.vpn_connections.insert(vpn_id(), vpn);
}

/// Groups as the guide has them: one that VPN clients get, and one that lets only those in.
fn guard(snapshot: &mut Snapshot) {
    let everywhere: Peer = Peer::Cidr(Default::default());
    let rule = |number, direction, port: Option<u16>, peer| SecurityGroupRule {
        id: SecurityGroupRuleId::from_random(spread(number)),
        direction,
        protocol: port.map(|_| IpProtocol::Tcp),
        ports: port.map(|port| PortRange {
            from: port,
            to: port,
        }),
        peer,
        description: String::new(),
    };
    let out = |number| rule(number, Direction::Egress, None, everywhere.clone());
    let clients = Peer::Group(group_id(3));
    let web = vec![rule(5, Direction::Ingress, Some(443), clients), out(2)];
    for (number, vpc, name, description, rules) in [
        (1, 1, "default", "The VPC's own group", vec![out(1)]),
        (2, 1, "web", "Only VPN clients", web),
        (3, 1, "vpn-clients", "Of the endpoint", vec![out(3)]),
        (4, 2, "default", "The VPC's own group", vec![out(4)]),
    ] {
        let group = SecurityGroup {
            id: group_id(number),
            name: name.to_owned(),
            description: description.to_owned(),
            vpc_id: vpc_id(vpc),
            rules,
            tags: Tags::new(),
        };
        snapshot
            .security_groups
            .insert(group.id.clone(), Arc::new(group));
    }
    let wiki = Resource {
        id: resource_id(1),
        subnet_id: subnet_id(1),
        vpc_id: vpc_id(1),
        address: [10, 1, 1, 10].into(),
        security_groups: [group_id(2)].into(),
        description: "Behind the load balancer".to_owned(),
        tags: named("wiki"),
    };
    snapshot.resources.insert(wiki.id.clone(), wiki);
}

/// What runs, `secs` after [`super::now`].
pub(crate) fn live(secs: i64) -> Live {
    let mut connections: Vec<Connection> = (0..18).map(|n| connection(n, secs)).collect();
    if let Some(fourth) = connections.get_mut(3) {
        fourth.state = ConnectionState::Terminating;
    }
    connections.push(ended(18, "The client said goodbye"));
    connections.push(ended(19, "Terminated by an administrator"));
    let listener = |number, transport, port, trouble: Option<&str>| ListenerStatus {
        endpoint_id: endpoint_id(number),
        transport,
        port,
        trouble: trouble.map(str::to_owned),
    };
    Live {
        gateway: GatewayStatus {
            mode: Some(NetworkMode::Tun),
            mode_reason: "This process may open a TUN device".to_owned(),
            workers: 2,
            listeners: vec![
                listener(1, Transport::Udp, 443, None),
                listener(2, Transport::Tcp, 443, None),
            ],
            applied_seq: 41,
            ..GatewayStatus::default()
        },
        connections,
        attempts: vec![
            attempt(
                1,
                Some("m.okafor"),
                "The certificate was signed by another authority",
            ),
            attempt(16, None, "The client offered no certificate"),
        ],
    }
}
