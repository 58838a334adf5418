//! Why an address is reached, or is not: the steps that the policy took, as data and in words.

use std::{fmt, net::Ipv4Addr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    directory::Sid,
    endpoint::{Access, IpProtocol, Limits},
    id::{
        AssociationId, ConnectionId, NetworkInterfaceId, SecurityGroupId, SecurityGroupRuleId,
        SubnetId, VpcId, VpcPeeringConnectionId, VpnConnectionId,
    },
    network::RouteTarget,
    security_group::{Direction, Peer, SecurityGroup, SecurityGroupRule},
};

/// What the policy says of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It passes.
    Allow,
    /// It does not.
    Deny,
}

impl Decision {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// The answer to "may this user reach that address, and why?"
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Allow only where every way allows: which one a session takes is settled when it connects.
    pub verdict: Decision,
    /// The user, by the common name of the certificate.
    pub user: String,
    /// The connection that was asked for.
    pub connection_id: Option<ConnectionId>,
    /// The address to reach.
    pub destination: Ipv4Addr,
    /// The protocol that was asked for; none means all traffic.
    pub protocol: Option<IpProtocol>,
    /// The destination port that was asked for; none means all ports.
    pub port: Option<u16>,
    /// That of the connection's association, or one for each association that a session of the user
    /// could be bound to. Empty where there is none.
    pub ways: Vec<Way>,
    /// The verdict as a sentence.
    pub sentence: String,
}

/// What happens to a session that is bound to one association.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The association.
    pub association_id: AssociationId,
    /// Its subnet.
    pub subnet_id: SubnetId,
    /// What becomes of the traffic.
    pub verdict: Decision,
    /// The name of the refusal, as drop counters have it, for example `no-route`.
    pub refusal: Option<String>,
    /// What was looked at, in order; the last step is the one that refused, if one did.
    pub steps: Vec<Step>,
}

/// One step on the way to a verdict. Its words are its [`Display`](fmt::Display) form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Who sends.
    Source {
        /// The common name of the user's certificate.
        user: String,
        /// The address of the session; none where the user is not connected.
        address: Option<Ipv4Addr>,
        /// The user's groups.
        groups: Vec<GroupTitle>,
    },
    /// Whether the destination is one that no rule opens.
    Destination {
        /// The destination.
        address: Ipv4Addr,
        /// Why it is closed, as a sentence; none where it is not.
        closed: Option<String>,
    },
    /// The longest matching route of the association's subnet.
    Route {
        /// The subnet.
        subnet_id: SubnetId,
        /// The route's destination; none where no route matches.
        chosen: Option<Ipv4Net>,
        /// Routes that match with a shorter prefix, longest first.
        shadowed: Vec<Ipv4Net>,
    },
    /// The authorization rules of the longest matching prefix.
    Rules {
        /// The prefix; none where no rule matches.
        prefix: Option<Ipv4Net>,
        /// The rules of exactly that prefix: one that grants is enough.
        rules: Vec<WeighedRule>,
        /// Rules that match with a shorter prefix, longest first. They are not consulted.
        shadowed: Vec<WeighedRule>,
    },
    /// Whether the endpoint's security groups let the traffic out.
    SecurityGroupOut {
        /// The groups; where there is none, nothing is limited.
        groups: Vec<SecurityGroupTitle>,
        /// The rule that lets it out; none where none does.
        admitted_by: Option<AdmittingRule>,
    },
    /// Whether the VPC reaches the destination.
    Vpc {
        /// The VPC.
        vpc_id: VpcId,
        /// By what; none where nothing leads there.
        by: Option<VpcReach>,
    },
    /// Whether the security groups of the resource at the destination let the traffic in.
    ResourceSecurityGroupIn {
        /// The resource; none where no resource is known there, and then nothing is limited.
        resource: Option<ResourceTitle>,
        /// Where the traffic comes from, as the resource sees it.
        from: Ipv4Net,
        /// The resource's groups.
        groups: Vec<SecurityGroupTitle>,
        /// The rule that lets it in; none where none does.
        admitted_by: Option<AdmittingRule>,
    },
}

/// A security group as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupTitle {
    /// Its identifier.
    pub id: SecurityGroupId,
    /// Its name; the identifier again where the group is gone.
    pub name: String,
}

/// A resource as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceTitle {
    /// Its identifier.
    pub id: NetworkInterfaceId,
    /// Its tag `Name`, or else its identifier.
    pub name: String,
}

/// The rule of a security group that admits what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmittingRule {
    /// The group it is of.
    pub security_group_id: SecurityGroupId,
    /// Its identifier.
    pub rule_id: SecurityGroupRuleId,
    /// What it admits, for example `tcp 443 to 10.0.0.0/16`.
    pub words: String,
}

impl AdmittingRule {
    /// A rule of `group` as the one that admits.
    #[must_use]
    pub fn new(group: &SecurityGroup, rule: &SecurityGroupRule) -> Self {
        let limits = Limits {
            protocol: rule.protocol,
            ports: rule.ports,
            expires_at: None,
        };
        let side = match rule.direction {
            Direction::Ingress => "from",
            Direction::Egress => "to",
        };
        let peer = match &rule.peer {
            Peer::Cidr(net) => net.to_string(),
            Peer::Group(id) => id.to_string(),
        };
        Self {
            security_group_id: group.id.clone(),
            rule_id: rule.id.clone(),
            words: format!("{} {side} {peer}", limits.traffic()),
        }
    }
}

impl fmt::Display for AdmittingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.words, self.rule_id)
    }
}

/// A group as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTitle {
    /// Its identifier.
    pub sid: Sid,
    /// Its name.
    pub name: String,
}

/// A rule, and what it is worth to the one who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeighedRule {
    /// The network it opens.
    pub destination: Ipv4Net,
    /// Whom it lets in.
    pub access: Access,
    /// The name of its group.
    pub group_name: Option<String>,
    /// What it is limited to.
    pub limits: Limits,
    /// What the administrator says of it.
    pub description: String,
    /// Why it grants nothing here; none where it grants.
    pub miss: Option<Miss>,
}

/// Why a rule grants nothing to the one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Miss {
    /// The user is not in its group.
    NotMember,
    /// Its time is over.
    Expired,
    /// It is for another protocol or other ports.
    OtherTraffic,
}

/// By what a VPC reaches a destination, or what keeps it from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VpcReach {
    /// It is inside this block of the VPC's addresses.
    Local(Ipv4Net),
    /// Through the internet gateway that is attached.
    InternetGateway,
    /// In the VPC at the other end of this peering connection.
    PeeringConnection(VpcPeeringConnectionId),
    /// Behind this VPN connection.
    VpnConnection(VpnConnectionId),
    /// The route that decides leads nowhere: it is not reached.
    Blackhole(Blackhole),
}

impl VpcReach {
    /// What is reached through a target that works.
    #[must_use]
    pub fn through(target: &RouteTarget) -> Self {
        match target {
            RouteTarget::InternetGateway(_) => Self::InternetGateway,
            RouteTarget::PeeringConnection(id) => Self::PeeringConnection(id.clone()),
            RouteTarget::VpnConnection(id) => Self::VpnConnection(id.clone()),
        }
    }

    /// Why it is not reached, if it is not.
    #[must_use]
    pub fn blackhole(&self) -> Option<&Blackhole> {
        match self {
            Self::Blackhole(nowhere) => Some(nowhere),
            Self::Local(_)
            | Self::InternetGateway
            | Self::PeeringConnection(_)
            | Self::VpnConnection(_) => None,
        }
    }
}

/// A route of a VPC that leads nowhere. Its words are its [`Display`](fmt::Display) form, for the
/// middle of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Blackhole {
    /// Where the route goes to.
    pub destination: Ipv4Net,
    /// What it goes through.
    pub target: RouteTarget,
    /// Why that does not lead there.
    pub cause: BlackholeCause,
}

/// Why a route of a VPC leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlackholeCause {
    /// Its target does not exist any more.
    Gone,
    /// Its target is not attached to the VPC.
    NotAttached,
    /// Its target is a peering connection that was not accepted yet.
    Pending,
    /// The destination does not lie behind its target.
    NotBehind,
}

impl fmt::Display for Blackhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (destination, target) = (self.destination, self.target.as_str());
        write!(f, "the route to {destination} leads to {target}, ")?;
        f.write_str(match self.cause {
            BlackholeCause::Gone => "which does not exist any more",
            BlackholeCause::NotAttached => "which is not attached to the VPC",
            BlackholeCause::Pending => "which was not accepted yet",
            BlackholeCause::NotBehind => "behind which the destination does not lie",
        })
    }
}

impl Step {
    /// A stable name for the kind of step, for example `route`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Source { .. } => "source",
            Self::Destination { .. } => "destination",
            Self::Route { .. } => "route",
            Self::Rules { .. } => "rules",
            Self::SecurityGroupOut { .. } => "security-group-out",
            Self::Vpc { .. } => "vpc",
            Self::ResourceSecurityGroupIn { .. } => "resource-security-group-in",
        }
    }

    /// Whether the traffic gets past it.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Source { .. } => true,
            Self::Destination { closed, .. } => closed.is_none(),
            Self::Route { chosen, .. } => chosen.is_some(),
            Self::Rules { rules, .. } => rules.iter().any(|rule| rule.miss.is_none()),
            Self::SecurityGroupOut {
                groups,
                admitted_by,
            } => groups.is_empty() || admitted_by.is_some(),
            Self::Vpc { by, .. } => by.as_ref().is_some_and(|by| by.blackhole().is_none()),
            Self::ResourceSecurityGroupIn {
                resource,
                admitted_by,
                ..
            } => resource.is_none() || admitted_by.is_some(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source {
                user,
                address,
                groups,
            } => {
                write!(f, "{user}")?;
                if let Some(address) = address {
                    write!(f, ", who sends from {address},")?;
                }
                match groups.as_slice() {
                    [] => f.write_str(" is in no group."),
                    groups => write!(f, " is in {}.", and(groups.iter().map(|it| &it.name))),
                }
            }
            Self::Destination { address, closed } => match closed {
                None => write!(
                    f,
                    "{address} is not one of the addresses that are always closed."
                ),
                Some(sentence) => f.write_str(sentence),
            },
            Self::Route {
                subnet_id,
                chosen: None,
                ..
            } => write!(f, "No route through {subnet_id} leads to the destination."),
            Self::Route {
                subnet_id,
                chosen: Some(chosen),
                shadowed,
            } => {
                write!(
                    f,
                    "The route to {chosen} through {subnet_id} is the longest that matches"
                )?;
                if !shadowed.is_empty() {
                    write!(f, "; it goes before {}", and(shadowed))?;
                }
                f.write_str(".")
            }
            Self::Rules {
                prefix,
                rules,
                shadowed,
            } => write_rules(f, *prefix, rules, shadowed),
            Self::SecurityGroupOut {
                groups,
                admitted_by,
            } => write_group_out(f, groups, admitted_by.as_ref()),
            Self::Vpc { vpc_id, by } => write_vpc(f, vpc_id, by.as_ref()),
            Self::ResourceSecurityGroupIn { resource: None, .. } => f.write_str(
                "No resource is known at the destination, so no security group guards it.",
            ),
            Self::ResourceSecurityGroupIn {
                resource: Some(resource),
                from,
                groups,
                admitted_by,
            } => {
                let (name, id) = (&resource.name, &resource.id);
                match admitted_by {
                    Some(rule) => write!(f, "A security group of {name} lets it in: {rule}."),
                    None => write!(
                        f,
                        "{name} ({id}) sees it come from {from}, and no inbound rule of its {} lets that in.",
                        groups_by_name(groups)
                    ),
                }
            }
        }
    }
}

fn write_group_out(
    f: &mut fmt::Formatter<'_>,
    groups: &[SecurityGroupTitle],
    admitted_by: Option<&AdmittingRule>,
) -> fmt::Result {
    match (groups, admitted_by) {
        ([], _) => f.write_str(
            "No security group is applied to the endpoint, so none limits what its clients send.",
        ),
        (_, Some(rule)) => write!(f, "A security group of the endpoint lets it out: {rule}."),
        (groups, None) => write!(
            f,
            "No outbound rule of the endpoint's {} lets it out.",
            groups_by_name(groups)
        ),
    }
}

/// "security groups web and db".
fn groups_by_name(groups: &[SecurityGroupTitle]) -> String {
    let noun = match groups.len() {
        1 => "security group",
        _ => "security groups",
    };
    format!("{noun} {}", and(groups.iter().map(|group| &group.name)))
}

fn write_vpc(f: &mut fmt::Formatter<'_>, vpc_id: &VpcId, by: Option<&VpcReach>) -> fmt::Result {
    match by {
        Some(VpcReach::Local(block)) => {
            write!(f, "{vpc_id} has the destination in its block {block}.")
        }
        Some(VpcReach::InternetGateway) => write!(
            f,
            "The destination is outside {vpc_id}, which reaches it through its internet gateway."
        ),
        Some(VpcReach::PeeringConnection(id)) => write!(
            f,
            "The destination is outside {vpc_id}, which reaches it through the peering connection {id}."
        ),
        Some(VpcReach::VpnConnection(id)) => write!(
            f,
            "The destination is outside {vpc_id}, which reaches it through the VPN connection {id}."
        ),
        Some(VpcReach::Blackhole(nowhere)) => write!(
            f,
            "The destination is outside {vpc_id}, which does not reach it: {nowhere}."
        ),
        None => write!(
            f,
            "The destination is outside {vpc_id}, and no route of its route table leads there."
        ),
    }
}

fn write_rules(
    f: &mut fmt::Formatter<'_>,
    prefix: Option<Ipv4Net>,
    rules: &[WeighedRule],
    shadowed: &[WeighedRule],
) -> fmt::Result {
    let Some(prefix) = prefix else {
        return f.write_str("No authorization rule matches the destination.");
    };
    write!(
        f,
        "The rules for {prefix} decide, being the longest that match"
    )?;
    if let Some(grant) = rules.iter().find(|rule| rule.miss.is_none()) {
        write!(f, ": {grant}")?;
    } else {
        write!(f, ", and none grants this: {}", and(rules))?;
    }
    let lost = shadowed.iter().filter(|rule| rule.miss.is_none());
    let lost: Vec<_> = lost.map(|rule| rule.destination).collect();
    if !lost.is_empty() && rules.iter().all(|rule| rule.miss.is_some()) {
        write!(
            f,
            "; what {} would grant is not consulted any more",
            and(lost)
        )?;
    }
    f.write_str(".")
}

impl fmt::Display for WeighedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the one for ")?;
        match (&self.access, &self.group_name) {
            (Access::AllUsers, _) => f.write_str("all users")?,
            (Access::Group(_), Some(name)) => write!(f, "the group {name}")?,
            (Access::Group(sid), None) => write!(f, "the group {sid}")?,
        }
        if self.limits.protocol.is_some() {
            write!(f, " ({} only)", self.limits.traffic())?;
        }
        match self.miss {
            None => f.write_str(" grants it"),
            Some(Miss::NotMember) => f.write_str(", which the user is not in"),
            Some(Miss::Expired) => match self.limits.expires_at {
                Some(end) => write!(f, " expired at {end}"),
                None => f.write_str(" has expired"),
            },
            Some(Miss::OtherTraffic) => f.write_str(" is for other traffic"),
        }
    }
}

/// "a, b and c".
fn and<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    let Some(last) = items.pop() else {
        return String::new();
    };
    if items.is_empty() {
        return last;
    }
    format!("{} and {last}", items.join(", "))
}
