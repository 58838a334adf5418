//! Security groups and their rules.

use std::collections::BTreeSet;

use super::fields::random;
use crate::model::{
    Direction, Peer, Refusal, SecurityGroup, SecurityGroupId, SecurityGroupRule,
    SecurityGroupRuleId, Snapshot, Tags, VpcId, net,
};

/// The group that a VPC is made with: what has it may reach each other, and everything else.
pub(super) fn default_of(vpc: &VpcId) -> Result<SecurityGroup, Refusal> {
    let id = SecurityGroupId::from_random(random()?);
    Ok(SecurityGroup {
        name: SecurityGroup::DEFAULT.to_owned(),
        description: "default VPC security group".to_owned(),
        vpc_id: vpc.clone(),
        rules: vec![
            everything(Direction::Ingress, Peer::Group(id.clone()))?,
            everything(Direction::Egress, Peer::Cidr(net::everywhere()))?,
        ],
        tags: Tags::new(),
        id,
    })
}

/// The default group of a VPC, for what has been given no other.
pub(super) fn default_set(snapshot: &Snapshot, vpc: &VpcId) -> BTreeSet<SecurityGroupId> {
    snapshot
        .default_security_group(vpc)
        .map(|group| group.id.clone())
        .into_iter()
        .collect()
}

/// A rule that admits all traffic with `peer`.
fn everything(direction: Direction, peer: Peer) -> Result<SecurityGroupRule, Refusal> {
    Ok(SecurityGroupRule {
        id: SecurityGroupRuleId::from_random(random()?),
        direction,
        protocol: None,
        ports: None,
        peer,
        description: String::new(),
    })
}
