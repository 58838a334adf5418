//! A Client VPN endpoint and what hangs on it.

use std::{fmt, net::Ipv4Addr};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Tags,
    id::{AssociationId, CertificateArn, EndpointId, SubnetId, VpcId},
};

/// What carries the tunnel.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// One datagram is one packet.
    #[default]
    Udp,
    /// Packets with a length before each.
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

/// How clients prove who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// Mutual: every clientAuth certificate that chains to the named certificate's CA comes in.
    Certificate {
        /// The CA's certificate, or the server's own where both share a CA.
        client_root_certificate_chain: CertificateArn,
    },
}

/// Where an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointState {
    /// No target network is associated yet.
    PendingAssociate,
    /// Clients can connect.
    Available,
    /// Going; the row leaves when the gateway has let go of it.
    Deleting,
}

impl EndpointState {
    /// AWS's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingAssociate => "pending-associate",
            Self::Available => "available",
            Self::Deleting => "deleting",
        }
    }
}

/// A Client VPN endpoint: a listener with its certificate, client range and authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its identifier.
    pub id: EndpointId,
    /// What the administrator says of it; may be empty.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
    /// The range that clients get their addresses from: /16 to /22, fixed for life.
    pub client_cidr: Ipv4Net,
    /// The certificate it shows.
    pub server_certificate: CertificateArn,
    /// How clients prove who they are: at least one way.
    pub authentication: Vec<Authentication>,
    /// What carries the tunnel; fixed for life.
    pub transport: Transport,
    /// The port it listens on; (transport, port) is unique among endpoints.
    pub port: u16,
    /// Whether only the route table's destinations enter the tunnel, rather than everything.
    pub split_tunnel: bool,
    /// DNS servers that clients are told to use: at most two; none leaves the client its own.
    pub dns_servers: Vec<Ipv4Addr>,
    /// The VPC of its target networks: set by the first association or at creation.
    pub vpc_id: Option<VpcId>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Endpoint {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        super::network::title(&self.tags, self.id.as_str())
    }

    /// The certificate whose CA clients must chain to.
    #[must_use]
    pub fn client_root_certificate(&self) -> Option<&CertificateArn> {
        self.authentication
            .iter()
            .map(|way| match way {
                Authentication::Certificate {
                    client_root_certificate_chain,
                } => client_root_certificate_chain,
            })
            .next()
    }
}

/// Where an association stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssociationState {
    /// The gateway has not finished it.
    Associating,
    /// Clients reach the target network through it.
    Associated,
    /// The gateway could not do it, for the reason given; it tries again by itself.
    Failed {
        /// What stands in the way and what would help.
        reason: String,
    },
    /// Going; the row leaves when the gateway has let go of it.
    Disassociating,
}

impl AssociationState {
    /// AWS's word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Associating => "associating",
            Self::Associated => "associated",
            Self::Failed { .. } => "association-failed",
            Self::Disassociating => "disassociating",
        }
    }
}

/// A subnet associated with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// Its identifier.
    pub id: AssociationId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The subnet.
    pub subnet_id: SubnetId,
    /// The subnet's VPC.
    pub vpc_id: VpcId,
    /// Where it stands.
    pub state: AssociationState,
}

/// Whom a rule lets in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Everyone who is connected.
    AllUsers,
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleState {
    /// The gateway does not apply it yet.
    Authorizing,
    /// Applied to every packet.
    Active,
    /// Going.
    Revoking,
}

impl RuleState {
    /// AWS's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorizing => "authorizing",
            Self::Active => "active",
            Self::Revoking => "revoking",
        }
    }
}

/// Who may reach a network through an endpoint. Its key is (endpoint, destination, access).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRule {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The network it opens.
    pub destination: Ipv4Net,
    /// Whom it lets in.
    pub access: Access,
    /// What the administrator says of it; may be empty.
    pub description: String,
    /// Where it stands.
    pub state: RuleState,
}

/// How a route came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteOrigin {
    /// With an association; it goes with it and cannot be deleted by hand.
    Associate,
    /// By hand.
    AddRoute,
}

impl RouteOrigin {
    /// AWS's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Associate => "associate",
            Self::AddRoute => "add-route",
        }
    }
}

/// Where a route stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteState {
    /// The gateway does not use it yet.
    Creating,
    /// In use.
    Active,
    /// Going.
    Deleting,
}

impl RouteState {
    /// AWS's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Active => "active",
            Self::Deleting => "deleting",
        }
    }
}

/// A row of an endpoint's route table. Its key is (endpoint, destination, subnet).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Where packets go to.
    pub destination: Ipv4Net,
    /// The associated subnet they go through.
    pub subnet_id: SubnetId,
    /// How it came to be.
    pub origin: RouteOrigin,
    /// What the administrator says of it; `Default Route` for an automatic one.
    pub description: String,
    /// Where it stands.
    pub state: RouteState,
}
