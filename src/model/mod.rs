//! The nouns of the product and the commands that change them.
//!
//! Plain values: no I/O, no async, no clock. Everything here can travel over the control socket,
//! so nothing here holds a private key except the commands that carry one in or out.

pub mod backup;
pub mod certificate;
pub mod client_names;
pub mod command;
pub mod connection;
pub mod diagnosis;
pub mod directory;
pub mod endpoint;
pub mod event;
pub mod explanation;
pub mod gateway;
pub mod id;
pub mod log;
pub mod net;
pub mod network;
pub mod notice;
pub mod preview;
mod reach;
pub mod refusal;
mod resolver;
pub mod revocation;
pub mod role;
pub mod scenario;
pub mod security_group;
pub mod settings;
pub mod snapshot;

pub use self::{
    certificate::{Certificate, CertificateOrigin, CertificateRequest, CertificateUse, KeyType},
    command::{Answer, Command, Request},
    connection::{Attempt, ClientBlock, Connection, ConnectionState, Traffic},
    diagnosis::{ConnectionTest, Finding, Severity, TestStep},
    directory::{Group, Sid, User},
    endpoint::{
        Access, Association, AssociationState, Authentication, AuthorizationRule, Endpoint,
        EndpointState, IpProtocol, Limits, PortRange, Route, RouteOrigin, RouteState, RuleState,
        Transport,
    },
    event::{Event, FieldChange, Outcome, Undo},
    explanation::{
        Blackhole, BlackholeCause, Decision, Explanation, GroupTitle, Miss, Step, VpcReach, Way,
        WeighedRule,
    },
    gateway::{GatewayStatus, ListenerStatus, NetworkMode, UnprovenPrefix},
    id::{
        AssociationId, CertificateArn, ConnectionId, EndpointId, InternetGatewayId,
        NetworkInterfaceId, RouteTableId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId,
        VpcPeeringConnectionId, VpnConnectionId,
    },
    log::{
        ConnectionLog, ConnectionRecord, EndReason, FailureReason, LogEvent, LogEventPage,
        LogGroup, LogStream,
    },
    network::{
        Egress, FEWEST_FREE, HostNetwork, InternetGateway, PeeringConnection, RouteTable,
        RouteTarget, SMALLEST_TARGET, Subnet, Via, Vpc, VpcRoute, VpnConnection,
    },
    notice::{Cure, Nearness, Notice, NoticeSubject, notices},
    preview::{Preview, ReachChange, ReachedPart},
    refusal::{Code, Refusal},
    resolver::DnsLack,
    revocation::{
        CertificateId, Revocation, RevocationList, RevocationListOrigin, RevocationReason,
    },
    role::ServiceLinkedRole,
    scenario::{Scenario, ScenarioKind, ScenarioStep},
    security_group::{Direction, Peer, Resource, SecurityGroup, SecurityGroupRule},
    settings::Settings,
    snapshot::{Live, Snapshot, View},
};

/// Key and value pairs an administrator hangs on a thing; the key `Name` is what screens show.
pub type Tags = std::collections::BTreeMap<String, String>;
