//! A Client VPN endpoint and what hangs on it.

use std::{collections::BTreeSet, fmt, net::Ipv4Addr};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Tags,
    directory::Sid,
    id::{AssociationId, CertificateArn, EndpointId, SecurityGroupId, SubnetId, VpcId},
    log::ConnectionLog,
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
    /// The security groups of its target networks, of that VPC: at most 5. The first association
    /// sets the VPC's default group where none was chosen.
    #[serde(default)]
    pub security_groups: BTreeSet<SecurityGroupId>,
    /// Where its connections are logged; nowhere if none.
    #[serde(default)]
    pub connection_log: Option<ConnectionLog>,
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
    /// The members of a group.
    Group(Sid),
}

impl Access {
    /// The group, where it is for one.
    #[must_use]
    pub fn group(&self) -> Option<&Sid> {
        match self {
            Self::AllUsers => None,
            Self::Group(sid) => Some(sid),
        }
    }
}

/// A protocol that a rule can be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpProtocol {
    /// TCP, which has ports.
    Tcp,
    /// UDP, which has ports.
    Udp,
    /// ICMP for IPv4, which has none.
    Icmp,
}

impl IpProtocol {
    /// Its name, as the command line has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }

    /// Whether its packets name ports.
    #[must_use]
    pub fn has_ports(self) -> bool {
        self != Self::Icmp
    }
}

impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Destination ports from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// The first port.
    pub from: u16,
    /// The last port; not below the first.
    pub to: u16,
}

impl PortRange {
    /// Whether the port is in it.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        (self.from..=self.to).contains(&port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            return write!(f, "{}", self.from);
        }
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// What a rule is limited to beyond AWS: unset, it grants all traffic for good, as there.
///
/// Limits are about what a rule grants. Whatever they say, its network counts when the longest
/// prefix is looked for: a rule for port 443 of one host takes the host's other ports from whoever
/// reached them by a shorter prefix, and one that has expired goes on doing so until it is revoked,
/// so that time alone never opens anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Only this protocol.
    pub protocol: Option<IpProtocol>,
    /// Only these destination ports of it; needs a protocol that has ports.
    pub ports: Option<PortRange>,
    /// From this time on the rule grants nothing.
    pub expires_at: Option<Timestamp>,
}

impl Limits {
    /// Protocol and ports in words, for example `tcp 443`; `all traffic` without a limit.
    #[must_use]
    pub fn traffic(&self) -> String {
        match (self.protocol, self.ports) {
            (None, _) => "all traffic".to_owned(),
            (Some(protocol), None) => protocol.to_string(),
            (Some(protocol), Some(ports)) => format!("{protocol} {ports}"),
        }
    }

    /// Whether a rule so limited is for all traffic of this protocol to this port, whatever its
    /// time; none is all of them.
    #[must_use]
    pub fn takes(&self, protocol: Option<IpProtocol>, port: Option<u16>) -> bool {
        let Some(own) = self.protocol else {
            return true;
        };
        let takes_port = self.ports.is_none_or(|ports| match port {
            Some(port) => ports.contains(port),
            // Nobody sends to port 0 (RFC 6335, section 6).
            None => ports.from <= 1 && ports.to == u16::MAX,
        });
        protocol == Some(own) && takes_port
    }

    /// Whether the time is over at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
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
    /// What of their traffic it grants, and until when.
    #[serde(default)]
    pub limits: Limits,
    /// What the administrator says of it; may be empty.
    pub description: String,
    /// Where it stands.
    pub state: RuleState,
}

impl AuthorizationRule {
    /// Where it stands at `now`, in AWS's word, or `expired` where it would be active but its time
    /// is over.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> &'static str {
        match self.state {
            RuleState::Active if self.limits.is_expired(now) => "expired",
            state => state.as_str(),
        }
    }
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
    /// Whether it was made for all associations: each one that comes later gets it too.
    #[serde(default)]
    pub for_all: bool,
    /// What the administrator says of it; `Default Route` for an automatic one.
    pub description: String,
    /// Where it stands.
    pub state: RouteState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_all_ports_takes_a_question_about_any_port() {
        let tcp = |from, to| Limits {
            protocol: Some(IpProtocol::Tcp),
            ports: Some(PortRange { from, to }),
            expires_at: None,
        };
        let asked = Some(IpProtocol::Tcp);
        for all in [tcp(0, u16::MAX), tcp(1, u16::MAX)] {
            assert!(all.takes(asked, None) && all.takes(asked, Some(443)));
            assert!(!all.takes(Some(IpProtocol::Udp), None));
            assert!(!all.takes(None, None), "all traffic is more than that");
        }
        assert!(!tcp(2, u16::MAX).takes(asked, None));
        assert!(tcp(443, 443).takes(asked, Some(443)));
        assert!(!tcp(443, 443).takes(asked, Some(444)));
        assert!(Limits::default().takes(None, None));
    }
}
