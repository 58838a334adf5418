//! An installation at AWS's limits, and far more people connected than one endpoint takes there.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use gatehouse::model::{
    Access, Association, AssociationId, AssociationState, Authentication, AuthorizationRule,
    CertificateArn, Connection, ConnectionId, ConnectionState, Endpoint, EndpointId, GatewayStatus,
    Live, NetworkMode, Route, RouteOrigin, RouteState, RuleState, Snapshot, Subnet, SubnetId,
    Traffic, Transport, Vpc, VpcId,
};
use ipnet::Ipv4Net;
use jiff::{SignedDuration, Timestamp};

pub(crate) const ENDPOINTS: u8 = 5;
pub(crate) const RULES: u8 = 50;
pub(crate) const ROUTES: u8 = 10;
pub(crate) const CONNECTIONS: u32 = 10_000;

/// When the window opens.
pub(crate) fn began() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a time in bounds")
}

fn bytes(number: u32) -> [u8; 9] {
    let mut bytes = [0; 9];
    // Spread, so that the order of identifiers is not that of anything else.
    let spread = number.wrapping_mul(0x9e37_79b1);
    bytes[..4].copy_from_slice(&spread.to_be_bytes());
    bytes[4..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub(crate) fn endpoint_id(number: u8) -> EndpointId {
    EndpointId::from_random(bytes(number.into()))
}

fn net(address: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from(address), length)
}

fn arn(number: u8) -> CertificateArn {
    CertificateArn::from_random("local-1", "000000000000", [number; 16])
}

fn named(name: String) -> BTreeMap<String, String> {
    BTreeMap::from([("Name".to_owned(), name)])
}

/// The configuration: all rules and routes on the first endpoint, where the people are.
pub(crate) fn snapshot(now: Timestamp) -> Snapshot {
    let vpc_id = VpcId::from_random(bytes(1));
    let subnet_id = SubnetId::from_random(bytes(1));
    let mut snapshot = Snapshot::default();
    snapshot.settings.getting_started_done = true;
    snapshot.vpcs.insert(
        vpc_id.clone(),
        Vpc {
            id: vpc_id.clone(),
            cidrs: vec![net([10, 1, 0, 0], 16)],
            dns_support: true,
            tags: named("corp".to_owned()),
        },
    );
    snapshot.subnets.insert(
        subnet_id.clone(),
        Subnet {
            id: subnet_id.clone(),
            vpc_id: vpc_id.clone(),
            cidr: net([10, 1, 1, 0], 24),
            availability_zone: "local-1a".to_owned(),
            egress: Default::default(),
            tags: named("staff-a".to_owned()),
        },
    );
    for number in 0..ENDPOINTS {
        let endpoint = endpoint(number, &vpc_id, now);
        let association = Association {
            id: AssociationId::from_random(bytes(number.into())),
            endpoint_id: endpoint.id.clone(),
            subnet_id: subnet_id.clone(),
            vpc_id: vpc_id.clone(),
            state: AssociationState::Associated,
        };
        snapshot
            .associations
            .insert(association.id.clone(), association);
        snapshot.endpoints.insert(endpoint.id.clone(), endpoint);
    }
    snapshot.rules = (0..RULES)
        .map(|number| AuthorizationRule {
            endpoint_id: endpoint_id(0),
            destination: net([10, 1, number, 0], 24),
            access: Access::AllUsers,
            limits: Default::default(),
            description: format!("Team {number}"),
            state: RuleState::Active,
        })
        .collect();
    snapshot.routes = (0..ROUTES)
        .map(|number| Route {
            endpoint_id: endpoint_id(0),
            destination: net([10, 100 + number, 0, 0], 16),
            subnet_id: subnet_id.clone(),
            for_all: false,
            origin: RouteOrigin::AddRoute,
            description: format!("Site {number}"),
            state: RouteState::Active,
        })
        .collect();
    snapshot
}

fn endpoint(number: u8, vpc_id: &VpcId, now: Timestamp) -> Endpoint {
    Endpoint {
        id: endpoint_id(number),
        description: String::new(),
        tags: named(format!("site-{number}")),
        client_cidr: net([10, 16 * (number + 2), 0, 0], 16),
        server_certificate: arn(2),
        authentication: vec![Authentication::Certificate {
            client_root_certificate_chain: arn(1),
        }],
        transport: Transport::Udp,
        port: 1194 + u16::from(number),
        split_tunnel: false,
        dns_servers: Vec::new(),
        vpc_id: Some(vpc_id.clone()),
        security_groups: Default::default(),
        connection_log: None,
        deleting: false,
        created_at: now - SignedDuration::from_hours(24 * 30),
    }
}

/// How many come with every second, and how many go.
const COME_AND_GO: u32 = 20;

/// What runs after `second` seconds: each client has sent more, twenty have gone and twenty others
/// come with every second. The newest are first, as a gateway has them.
pub(crate) fn live(second: u32, now: Timestamp) -> Live {
    let gone = second * COME_AND_GO;
    let mut connections: Vec<Connection> = (gone..gone + CONNECTIONS)
        .map(|number| connection(number, second, now))
        .chain(
            (gone.saturating_sub(COME_AND_GO)..gone).map(|number| Connection {
                ended_at: Some(now),
                end_reason: Some("The client said goodbye".to_owned()),
                state: ConnectionState::Terminated,
                ..connection(number, second, now)
            }),
        )
        .collect();
    connections.sort_by(|a, b| (b.established_at, &b.id).cmp(&(a.established_at, &a.id)));
    Live {
        gateway: GatewayStatus {
            mode: Some(NetworkMode::Tun),
            workers: 2,
            applied_seq: 1,
            ..GatewayStatus::default()
        },
        connections,
        attempts: Vec::new(),
    }
}

fn connection(number: u32, second: u32, now: Timestamp) -> Connection {
    let counted = u64::from(second) * (1_000 + u64::from(number % 977) * 40);
    let [.., high, low] = number.to_be_bytes();
    Connection {
        id: ConnectionId::from_random(bytes(number)),
        endpoint_id: endpoint_id(0),
        association_id: AssociationId::from_random(bytes(0)),
        common_name: format!("user-{number:05}"),
        client_ip: Ipv4Addr::new(10, 32, high, low),
        device: ([203, 0, high, low], 40_000 + number as u16 % 20_000).into(),
        client_version: "2.6.14".to_owned(),
        platform: "linux".to_owned(),
        cipher: "AES-256-GCM".to_owned(),
        state: ConnectionState::Active,
        // Those of the first second have come one after the other, as all others do.
        established_at: began() + SignedDuration::from_secs(i64::from(number / COME_AND_GO))
            - SignedDuration::from_secs(i64::from(CONNECTIONS / COME_AND_GO)),
        ended_at: None,
        certificates: Vec::new(),
        end_reason: None,
        reconnect: None,
        traffic: Traffic {
            ingress_bytes: counted,
            egress_bytes: counted * 3,
            ingress_packets: counted / 700,
            egress_packets: counted / 300,
        },
        counted_at: now,
    }
}

/// The configuration and what runs, each shared.
pub(crate) fn parts(now: Timestamp) -> (Arc<Snapshot>, Arc<Live>) {
    (Arc::new(snapshot(now)), Arc::new(live(0, now)))
}
