//! An installation as tests and pictures need it: four endpoints, two VPCs, people connected.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Access, Association, AssociationId, AssociationState, Attempt, Authentication,
    AuthorizationRule, Certificate, CertificateArn, CertificateOrigin, CertificateUse, Connection,
    ConnectionId, ConnectionState, Endpoint, EndpointId, GatewayStatus, InternetGateway,
    InternetGatewayId, ListenerStatus, Live, NetworkMode, Route, RouteOrigin, RouteState,
    RuleState, Snapshot, Subnet, SubnetId, Tags, Traffic, Transport, Vpc, VpcId,
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
        endpoint_id: endpoint_id(1),
        at,
        device: "198.51.100.70:51820".parse().unwrap(),
        common_name: name.map(str::to_owned),
        reason: reason.to_owned(),
    }
}

/// Four endpoints: one busy, two quiet, one that lacks everything.
pub(crate) fn office() -> (Snapshot, Live) {
    let endpoints = [
        endpoint(1, "corp-staff", "10.20.0.0/20", Transport::Udp, 443),
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
    let vpc = Vpc {
        id: vpc_id(1),
        cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        tags: named("office"),
    };
    let gateway = InternetGateway {
        id: InternetGatewayId::from_random(spread(1)),
        vpc_id: Some(vpc_id(1)),
        tags: named("line"),
    };
    let snapshot = Snapshot {
        seq: 41,
        certificates: certificates
            .into_iter()
            .map(|c| (c.arn.clone(), c))
            .collect(),
        vpcs: BTreeMap::from([(vpc.id.clone(), vpc)]),
        subnets: subnets.into_iter().map(|s| (s.id.clone(), s)).collect(),
        internet_gateways: BTreeMap::from([(gateway.id.clone(), gateway)]),
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
    (snapshot, live(0))
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
