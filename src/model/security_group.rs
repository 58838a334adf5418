//! Security groups, and the resources that have them.

use std::{collections::BTreeSet, net::Ipv4Addr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    Tags,
    endpoint::{IpProtocol, PortRange},
    id::{NetworkInterfaceId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId},
};

/// A stateful set of rules: what they admit passes, and so do the answers to it; nothing else does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its identifier.
    pub id: SecurityGroupId,
    /// Its name, unique in the VPC: 1 to 255 characters. A VPC's first group is [`Self::DEFAULT`].
    pub name: String,
    /// What the administrator says of it: 1 to 255 characters, as in AWS.
    pub description: String,
    /// The VPC it belongs to.
    pub vpc_id: VpcId,
    /// Its rules, in the order they were made.
    pub rules: Vec<SecurityGroupRule>,
    /// Its tags.
    pub tags: Tags,
}

impl SecurityGroup {
    /// The name of the group that every VPC is made with, and that goes with the VPC only.
    pub const DEFAULT: &'static str = "default";

    /// Whether it is the one its VPC was made with.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.name == Self::DEFAULT
    }

    /// The rules of one direction.
    pub fn rules_of(&self, direction: Direction) -> impl Iterator<Item = &SecurityGroupRule> {
        self.rules
            .iter()
            .filter(move |rule| rule.direction == direction)
    }
}

/// The direction of a security group's rule, seen from what has the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Traffic to it.
    Ingress,
    /// Traffic from it.
    Egress,
}

/// What a security group admits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// Its identifier.
    pub id: SecurityGroupRuleId,
    /// To or from what has the group.
    pub direction: Direction,
    /// Only this protocol; none is all of them (AWS's `-1`).
    pub protocol: Option<IpProtocol>,
    /// Only these destination ports; none is all of them. Needs a protocol that has ports.
    pub ports: Option<PortRange>,
    /// Who is at the other end.
    pub peer: Peer,
    /// What the administrator says of it; may be empty.
    pub description: String,
}

/// The other end of what a security group's rule admits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// Every address of a network.
    Cidr(Ipv4Net),
    /// Everything that has this group: resources, and clients of endpoints it is applied to.
    Group(SecurityGroupId),
}

/// An address of a subnet that has security groups of its own, so that a rule can be about one
/// server: what AWS calls a network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its identifier.
    pub id: NetworkInterfaceId,
    /// The subnet it is in.
    pub subnet_id: SubnetId,
    /// The subnet's VPC.
    pub vpc_id: VpcId,
    /// Its address, unique in the VPC.
    pub address: Ipv4Addr,
    /// Its security groups, of the same VPC: 1 to 5.
    pub security_groups: BTreeSet<SecurityGroupId>,
    /// What the administrator says of it; may be empty.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
}

impl Resource {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        super::network::title(&self.tags, self.id.as_str())
    }
}
