//! A gateway on loopback whose target network is the test and whose service is in memory.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{sync::watch, time::timeout};
use zeroize::Zeroizing;

use super::{super::*, client::PATIENCE, pki::Authority};
use crate::{
    model::{
        Access, Association, AssociationId, AssociationState, Attempt, Authentication,
        AuthorizationRule, Connection, Endpoint, EndpointId, Refusal, Route, RouteOrigin,
        RouteState, RuleState, Snapshot, Subnet, SubnetId, Transport, Vpc, VpcId,
    },
    network::memory::{self, Wire},
};

/// The service: a configuration, and a record of what the gateway has reported.
pub(super) struct Keeper {
    pub(super) snapshot: watch::Sender<Arc<Snapshot>>,
    authority: Mutex<Arc<Authority>>,
    refusal: Mutex<Option<String>>,
    is_broken: AtomicBool,
    reports: watch::Sender<Vec<Report>>,
}

impl Gatekeeper for Keeper {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    fn credentials<'a>(&'a self, _: &'a EndpointId) -> BoxFuture<'a, Result<Credentials, Refusal>> {
        let authority = self.authority();
        Box::pin(async move {
            Ok(Credentials {
                server_chain: authority.server.chain_der.clone(),
                server_key: Zeroizing::new(authority.server.key_der.clone()),
                client_roots: vec![authority.der()],
            })
        })
    }

    fn admit<'a>(&'a self, _: &'a Candidate) -> BoxFuture<'a, Result<(), Denial>> {
        let refusal = self.refusal.lock().unwrap().clone();
        let is_broken = self.is_broken.load(Ordering::Relaxed);
        Box::pin(async move {
            assert!(!is_broken, "a fault that a test has made");
            refusal.map_or(Ok(()), |sentence| Err(sentence.into()))
        })
    }

    fn report(&self, report: Report) -> BoxFuture<'_, ()> {
        self.reports.send_modify(|reports| reports.push(report));
        Box::pin(async {})
    }
}

impl Keeper {
    pub(super) fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.authority.lock().unwrap())
    }

    /// The endpoint shows a certificate of another authority from now on, and its clients have to.
    pub(super) fn change_authority(&self) {
        *self.authority.lock().unwrap() = Arc::new(Authority::new());
        self.change(|snapshot| {
            let endpoint = snapshot.endpoints.get_mut(&endpoint_id()).unwrap();
            let arn = "arn:aws:acm:local-1:000000000000:certificate/b"
                .parse()
                .unwrap();
            endpoint.server_certificate = arn;
        });
    }

    pub(super) fn refuse(&self, sentence: &str) {
        *self.refusal.lock().unwrap() = Some(sentence.to_owned());
    }

    /// From now on, whoever asks to come in meets a fault.
    pub(super) fn break_down(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    /// Changes the configuration.
    pub(super) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            change(snapshot);
            snapshot.seq += 1;
        });
    }

    /// The first report, past or to come, that `pick` picks.
    pub(super) async fn reported<T>(&self, what: &str, pick: impl Fn(&Report) -> Option<T>) -> T {
        let mut reports = self.reports.subscribe();
        let picked = async {
            loop {
                if let Some(found) = reports.borrow_and_update().iter().find_map(&pick) {
                    return found;
                }
                reports.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, picked)
            .await
            .unwrap_or_else(|_| panic!("{what} was not reported"))
    }

    /// Waits until the reports so far are as wanted.
    pub(super) async fn until(&self, what: &str, wanted: impl Fn(&[Report]) -> bool) {
        let mut reports = self.reports.subscribe();
        let waited = timeout(PATIENCE, reports.wait_for(|reports| wanted(reports))).await;
        assert!(waited.is_ok(), "{what} was not reported");
    }

    /// Waits until the newest configuration runs, and says what stands in associations' way.
    pub(super) async fn reconciled(&self) -> BTreeMap<AssociationId, Option<String>> {
        let wanted = self.snapshot.borrow().seq;
        self.reported("the newest snapshot", |report| match report {
            Report::Reconciled { seq, associations } if *seq == wanted => {
                Some(associations.clone())
            }
            _ => None,
        })
        .await
    }

    pub(super) async fn opened(&self) -> Connection {
        self.reported("a connection", |report| match report {
            Report::Opened(connection) => Some(connection.clone()),
            _ => None,
        })
        .await
    }

    pub(super) async fn closed(&self) -> Connection {
        self.reported("the end of a connection", |report| match report {
            Report::Closed { connection, .. } => Some(connection.clone()),
            _ => None,
        })
        .await
    }

    pub(super) async fn refused(&self) -> Attempt {
        self.reported("a refusal", |report| match report {
            Report::Refused(attempt) => Some(attempt.clone()),
            _ => None,
        })
        .await
    }
}

/// A gateway with two workers.
pub(super) struct World {
    pub(super) keeper: Arc<Keeper>,
    pub(super) tunnel: Tunnel,
    pub(super) wires: Vec<Wire>,
    pub(super) port: u16,
    _state: tempfile::TempDir,
}

impl World {
    /// One endpoint with client range 10.8.0.0/22 and two associations of VPC 10.1.0.0/16, with
    /// routes and a rule for all of it; it listens before this returns.
    pub(super) async fn new(transport: Transport) -> Self {
        let world = Self::with_port(transport, free_port(transport)).await;
        let associations = world.keeper.reconciled().await;
        assert!(
            associations.values().all(Option::is_none),
            "{associations:?}"
        );
        world
    }

    pub(super) async fn with_port(transport: Transport, port: u16) -> Self {
        let keeper = Arc::new(Keeper {
            snapshot: watch::Sender::new(Arc::new(snapshot(transport, port))),
            authority: Mutex::new(Arc::new(Authority::new())),
            refusal: Mutex::default(),
            is_broken: AtomicBool::new(false),
            reports: watch::Sender::default(),
        });
        let state = tempfile::tempdir().unwrap();
        let network = userspace(state.path().to_owned()).await;
        let (ports, wires) = (0..2).map(|_| memory::port()).unzip();
        let gatekeeper: Arc<dyn Gatekeeper> = Arc::<Keeper>::clone(&keeper);
        let tunnel = Tunnel::start_with(gatekeeper, network, ports, 2).unwrap();
        Self {
            keeper,
            tunnel,
            wires,
            port,
            _state: state,
        }
    }

    /// The next packet that went into the target network, and through which worker.
    pub(super) async fn sent(&mut self) -> (usize, Vec<u8>) {
        let [first, second] = self.wires.as_mut_slice() else {
            panic!("there are two workers");
        };
        let sent = async {
            tokio::select! {
                Some(packet) = first.sent.recv() => (0, packet),
                Some(packet) = second.sent.recv() => (1, packet),
                else => panic!("no worker is left"),
            }
        };
        timeout(PATIENCE, sent).await.expect("a packet is sent")
    }

    /// Waits until what the gateway shows is as wanted.
    pub(super) async fn shows(&self, what: &str, wanted: impl Fn(&TunnelLive) -> bool) {
        let mut live = self.tunnel.live();
        let shown = timeout(PATIENCE, live.wait_for(|live| wanted(live))).await;
        assert!(
            shown.is_ok(),
            "{what} is not shown: {:?}",
            self.tunnel.live().borrow()
        );
    }
}

async fn userspace(state_dir: PathBuf) -> Network {
    let mut options = Options::new(state_dir);
    options.network = ModeChoice::Userspace;
    let opened = spawn_blocking(move || open_network(&options, 1)).await;
    opened.unwrap().unwrap()
}

/// A port that was free a moment ago.
pub(super) fn free_port(transport: Transport) -> u16 {
    let address = match transport {
        Transport::Udp => std::net::UdpSocket::bind("0.0.0.0:0").unwrap().local_addr(),
        Transport::Tcp => std::net::TcpListener::bind("0.0.0.0:0")
            .unwrap()
            .local_addr(),
    };
    address.unwrap().port()
}

pub(in crate::tunnel) fn endpoint_id() -> EndpointId {
    EndpointId::from_random([1; 9])
}

pub(in crate::tunnel) fn association_id(number: u8) -> AssociationId {
    AssociationId::from_random([number; 9])
}

pub(super) fn subnet_id(number: u8) -> SubnetId {
    SubnetId::from_random([number; 9])
}

pub(in crate::tunnel) fn snapshot(transport: Transport, port: u16) -> Snapshot {
    let arn = || {
        "arn:aws:acm:local-1:000000000000:certificate/a"
            .parse()
            .unwrap()
    };
    let vpc_id = VpcId::from_random([1; 9]);
    let mut snapshot = Snapshot {
        seq: 1,
        ..Snapshot::default()
    };
    let endpoint = Endpoint {
        id: endpoint_id(),
        description: String::new(),
        tags: BTreeMap::default(),
        client_cidr: "10.8.0.0/22".parse().unwrap(),
        server_certificate: arn(),
        authentication: vec![Authentication::Certificate {
            client_root_certificate_chain: arn(),
        }],
        transport,
        port,
        split_tunnel: true,
        dns_servers: vec![Ipv4Addr::new(10, 1, 0, 2)],
        vpc_id: Some(vpc_id.clone()),
        security_groups: std::collections::BTreeSet::new(),
        connection_log: None,
        deleting: false,
        created_at: jiff::Timestamp::UNIX_EPOCH,
    };
    snapshot.endpoints.insert(endpoint.id.clone(), endpoint);
    let vpc = Vpc {
        id: vpc_id.clone(),
        cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        dns_support: true,
        tags: BTreeMap::default(),
    };
    snapshot.vpcs.insert(vpc_id.clone(), vpc);
    for number in [1, 2] {
        let subnet = Subnet {
            id: subnet_id(number),
            vpc_id: vpc_id.clone(),
            cidr: format!("10.1.{number}.0/24").parse().unwrap(),
            availability_zone: format!("local-1{number}"),
            egress: crate::model::Egress::default(),
            tags: BTreeMap::default(),
        };
        snapshot.subnets.insert(subnet.id.clone(), subnet);
        let association = Association {
            id: association_id(number),
            endpoint_id: endpoint_id(),
            subnet_id: subnet_id(number),
            vpc_id: vpc_id.clone(),
            state: AssociationState::Associating,
        };
        snapshot
            .associations
            .insert(association.id.clone(), association);
        snapshot.routes.push(Route {
            endpoint_id: endpoint_id(),
            destination: "10.1.0.0/16".parse().unwrap(),
            subnet_id: subnet_id(number),
            origin: RouteOrigin::Associate,
            for_all: false,
            description: String::new(),
            state: RouteState::Creating,
        });
    }
    snapshot.rules.push(AuthorizationRule {
        endpoint_id: endpoint_id(),
        destination: "10.1.0.0/16".parse().unwrap(),
        access: Access::AllUsers,
        limits: Default::default(),
        description: String::new(),
        state: RuleState::Authorizing,
    });
    snapshot
}

/// A UDP packet.
pub(super) fn udp(
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    payload: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(28 + payload.len()).unwrap();
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&source.0.octets());
    packet.extend_from_slice(&destination.0.octets());
    packet.extend_from_slice(&source.1.to_be_bytes());
    packet.extend_from_slice(&destination.1.to_be_bytes());
    packet.extend_from_slice(&(length - 20).to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(payload);
    packet
}
