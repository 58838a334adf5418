//! Each command through the service: what it does, what it refuses, and that a refusal changes
//! nothing.

mod attachments;
mod backup;
mod certificates;
mod connections;
mod directory;
mod egress;
mod endpoints;
mod export;
mod folders;
mod logs;
mod lookup;
mod modify;
mod networks;
mod permissions;
mod record;
mod revocation;
mod routes;
mod scenario;
mod security_groups;
mod settling;
mod signing;
mod tags;
mod test_connection;
mod undo;
mod why;

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use tempfile::TempDir;
use tokio::sync::watch;

use super::{Caller, Face, Host, Service};
use crate::{
    clock,
    model::{
        Answer, Association, AssociationId, CertificateArn, CertificateUse, Command, Connection,
        ConnectionId, EndpointId, GatewayStatus, HostNetwork, KeyType, NetworkMode, Outcome,
        Refusal, Request, Subnet, SubnetId, Vpc, VpcId,
        command::{
            AssociateTargetNetwork, AuthenticationOption, CreateCertificateAuthority,
            CreateClientVpnEndpoint, CreateSubnet, CreateVpc, DisassociateTargetNetwork,
            EndpointCreated, IssueCertificate, LookupEvents,
        },
    },
    policy::OwnAddresses,
    store::Store,
    tunnel::{BoxFuture, Gatekeeper as _, Gateway, Report, TunnelLive},
};

/// A service on a store of its own, and short ways to ask it.
struct Bench {
    service: Service,
    caller: Caller,
    dir: TempDir,
}

/// The certificates of one authority.
struct Certificates {
    ca: CertificateArn,
    server: CertificateArn,
    client: CertificateArn,
}

impl Bench {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open(dir.path(), clock::now()).unwrap();
        Self {
            service: Service::start(store, FakeHost).await.unwrap(),
            caller: Caller {
                uid: 1000,
                name: "anna".to_owned(),
                face: Face::Cli,
            },
            dir,
        }
    }

    /// A second service on the same directory, as after a crash of the first.
    async fn restarted(&self) -> Service {
        let store = Store::open(self.dir.path(), clock::now()).unwrap();
        Service::start(store, FakeHost).await.unwrap()
    }

    async fn call(&self, command: Command) -> Result<Answer, Refusal> {
        self.service.call(&self.caller, command.into()).await
    }

    async fn ok(&self, command: Command) -> Answer {
        self.call(command).await.unwrap()
    }

    /// The refusal of a command, which must have changed nothing and be in the event record.
    async fn refused(&self, command: Command) -> Refusal {
        let before = self.service.snapshot();
        let action = command.action();
        let refusal = self.call(command).await.unwrap_err();
        assert_eq!(
            self.service.snapshot(),
            before,
            "{action} changed something"
        );
        let recorded = self.events().await;
        let last = recorded
            .iter()
            .find(|event| event.action == action)
            .unwrap();
        assert_eq!(
            last.outcome,
            Outcome::Refused {
                code: refusal.code,
                message: refusal.message.clone()
            }
        );
        refusal
    }

    async fn events(&self) -> Vec<crate::model::Event> {
        let command = Command::LookupEvents(LookupEvents {
            max_results: Some(1000),
            ..LookupEvents::default()
        });
        match self.ok(command).await {
            Answer::Events(page) => page.events,
            other => panic!("{other:?}"),
        }
    }

    async fn ca(&self, name: &str) -> CertificateArn {
        let command = Command::CreateCertificateAuthority(CreateCertificateAuthority {
            common_name: name.to_owned(),
            key_type: KeyType::EcdsaP256,
        });
        arn(self.ok(command).await)
    }

    async fn issue(
        &self,
        ca: &CertificateArn,
        usage: CertificateUse,
        name: &str,
    ) -> CertificateArn {
        let command = Command::IssueCertificate(IssueCertificate {
            ca_arn: ca.to_string(),
            usage,
            common_name: name.to_owned(),
            key_type: KeyType::EcdsaP256,
            validity_days: None,
            alternative_names: Vec::new(),
        });
        arn(self.ok(command).await)
    }

    async fn certificates(&self) -> Certificates {
        let ca = self.ca("Example CA").await;
        Certificates {
            server: self
                .issue(&ca, CertificateUse::Server, "vpn.example.com")
                .await,
            client: self.issue(&ca, CertificateUse::Client, "client1").await,
            ca,
        }
    }

    /// An endpoint that clients get addresses of 10.0.0.0/22 from.
    async fn endpoint(&self) -> EndpointId {
        let certificates = self.certificates().await;
        self.endpoint_with(&create_endpoint(&certificates)).await
    }

    async fn endpoint_with(&self, command: &CreateClientVpnEndpoint) -> EndpointId {
        match self
            .ok(Command::CreateClientVpnEndpoint(command.clone()))
            .await
        {
            Answer::EndpointCreated(EndpointCreated { id, .. }) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn vpc(&self, cidr: &str) -> Vpc {
        let command = Command::CreateVpc(CreateVpc {
            cidr_block: cidr.to_owned(),
            ..CreateVpc::default()
        });
        match self.ok(command).await {
            Answer::Vpc(vpc) => vpc,
            other => panic!("{other:?}"),
        }
    }

    async fn subnet(&self, vpc: &VpcId, cidr: &str) -> Subnet {
        match self.ok(create_subnet(vpc, cidr)).await {
            Answer::Subnet(subnet) => subnet,
            other => panic!("{other:?}"),
        }
    }

    async fn associate(&self, endpoint: &EndpointId, subnet: &SubnetId) -> Association {
        match self.ok(associate(endpoint, subnet)).await {
            Answer::AssociationStatus(association) => association,
            other => panic!("{other:?}"),
        }
    }

    /// An endpoint with the target network 10.1.1.0/24 of the VPC 10.1.0.0/16, settled.
    async fn associated(&self) -> (EndpointId, Subnet, Association) {
        let endpoint = self.endpoint().await;
        let vpc = self.vpc("10.1.0.0/16").await;
        let subnet = self.subnet(&vpc.id, "10.1.1.0/24").await;
        let association = self.associate(&endpoint, &subnet.id).await;
        self.settle().await;
        (endpoint, subnet, association)
    }

    /// Reports that what runs matches the newest snapshot, with nothing in the way.
    async fn settle(&self) {
        self.settle_with(BTreeMap::new()).await;
    }

    async fn settle_with(&self, trouble: BTreeMap<AssociationId, String>) {
        let snapshot = self.service.snapshot();
        let associations = snapshot
            .associations
            .keys()
            .map(|id| (id.clone(), trouble.get(id).cloned()))
            .collect();
        let report = Report::Reconciled {
            seq: snapshot.seq,
            associations,
        };
        self.service.report(report).await;
        self.service.flush().await;
    }
}

fn arn(answer: Answer) -> CertificateArn {
    match answer {
        Answer::CertificateArn(arn) => arn,
        other => panic!("{other:?}"),
    }
}

fn create_endpoint(certificates: &Certificates) -> CreateClientVpnEndpoint {
    CreateClientVpnEndpoint {
        client_cidr_block: "10.0.0.0/22".to_owned(),
        server_certificate_arn: certificates.server.to_string(),
        authentication_options: vec![AuthenticationOption {
            kind: "certificate-authentication".to_owned(),
            client_root_certificate_chain_arn: Some(certificates.ca.to_string()),
        }],
        connection_log_enabled: Some(false),
        ..CreateClientVpnEndpoint::default()
    }
}

fn create_subnet(vpc: &VpcId, cidr: &str) -> Command {
    Command::CreateSubnet(CreateSubnet {
        vpc_id: vpc.to_string(),
        cidr_block: cidr.to_owned(),
        ..CreateSubnet::default()
    })
}

fn associate(endpoint: &EndpointId, subnet: &SubnetId) -> Command {
    Command::AssociateClientVpnTargetNetwork(AssociateTargetNetwork {
        client_vpn_endpoint_id: endpoint.to_string(),
        subnet_id: subnet.to_string(),
    })
}

fn dry_run(command: Command) -> Request {
    Request {
        dry_run: true,
        ..Request::from(command)
    }
}

/// A machine with some interfaces.
struct FakeHost;

impl Host for FakeHost {
    fn networks(&self) -> Vec<HostNetwork> {
        let network = |interface: &str, address: &str, cidr: &str| HostNetwork {
            interface: interface.to_owned(),
            address: address.parse().unwrap(),
            cidr: cidr.parse().unwrap(),
            default_route: interface == "eth0",
        };
        vec![
            network("eth0", "192.0.2.10", "192.0.2.0/24"),
            network("eth1", "10.7.0.1", "10.7.0.0/16"),
            network("small0", "10.8.0.1", "10.8.0.0/28"),
            network("mixed0", "10.9.0.1", "10.9.0.0/28"),
            network("mixed0", "10.9.1.1", "10.9.1.0/24"),
        ]
    }

    fn address(&self) -> Option<Ipv4Addr> {
        Some(Ipv4Addr::new(192, 0, 2, 10))
    }

    fn own_addresses(&self) -> OwnAddresses {
        OwnAddresses {
            addresses: vec![Ipv4Addr::new(192, 0, 2, 10)],
            broadcasts: Vec::new(),
        }
    }

    fn has_host_at(&self, address: Ipv4Addr) -> bool {
        address == Ipv4Addr::new(10, 7, 0, 2)
    }
}

/// A gateway that answers the same of every connection, or never.
struct FakeGateway {
    live: watch::Sender<Arc<TunnelLive>>,
    asked: Mutex<Vec<ConnectionId>>,
    reconnected: Mutex<Vec<ConnectionId>>,
    /// Whose clients were not to stay, and why.
    expelled: watch::Sender<Vec<(ConnectionId, String)>>,
    was_live: Option<bool>,
}

impl FakeGateway {
    fn new(was_live: Option<bool>) -> Arc<Self> {
        let live = TunnelLive {
            status: GatewayStatus {
                mode: Some(NetworkMode::Userspace),
                ..GatewayStatus::default()
            },
            connections: Vec::new(),
        };
        Arc::new(Self {
            live: watch::Sender::new(Arc::new(live)),
            asked: Mutex::default(),
            reconnected: Mutex::default(),
            expelled: watch::Sender::default(),
            was_live,
        })
    }
}

impl Gateway for FakeGateway {
    fn terminate(&self, ids: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>> {
        self.asked.lock().unwrap().extend(ids.iter().cloned());
        match self.was_live {
            Some(live) => Box::pin(async move { ids.into_iter().map(|id| (id, live)).collect() }),
            None => Box::pin(std::future::pending()),
        }
    }

    fn reconnect(&self, ids: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>> {
        self.reconnected.lock().unwrap().extend(ids.iter().cloned());
        Box::pin(std::future::ready(
            ids.into_iter().map(|id| (id, true)).collect(),
        ))
    }

    fn expel(&self, verdict: &dyn Fn(&Connection) -> Option<String>) -> Vec<ConnectionId> {
        let live = self.live.borrow().clone();
        let reasons = live
            .connections
            .iter()
            .filter_map(|it| Some((it.id.clone(), verdict(it)?)));
        let expelled: Vec<_> = reasons.collect();
        let ids = expelled.iter().map(|(id, _)| id.clone()).collect();
        self.expelled.send_modify(|all| all.extend(expelled));
        ids
    }

    fn live(&self) -> watch::Receiver<Arc<TunnelLive>> {
        self.live.subscribe()
    }
}

/// Takes a target network from an endpoint.
fn disassociate(endpoint: &EndpointId, association: &AssociationId) -> Command {
    Command::DisassociateClientVpnTargetNetwork(DisassociateTargetNetwork {
        client_vpn_endpoint_id: endpoint.to_string(),
        association_id: association.to_string(),
    })
}
