//! What a security group's rule admits, as it is asked for.

use super::{
    attachments,
    fields::{self, invalid, random},
    security_groups,
};
use crate::model::{
    Code, Direction, IpProtocol, Peer, PortRange, Refusal, SecurityGroup, SecurityGroupRule,
    SecurityGroupRuleId, Snapshot, command::Permission,
};

/// The rule of `group` that is asked for.
pub(super) fn rule(
    snapshot: &Snapshot,
    group: &SecurityGroup,
    direction: Direction,
    wanted: &Permission,
) -> Result<SecurityGroupRule, Refusal> {
    let peer = peer(snapshot, wanted)?;
    refuse_far(snapshot, group, &peer)?;
    asked_for(direction, wanted, peer)
}

/// The rule that is to be revoked, by what it admits. Its peer need not be near any more: a peering
/// may have gone since it was made.
pub(super) fn revoked(
    snapshot: &Snapshot,
    direction: Direction,
    wanted: &Permission,
) -> Result<SecurityGroupRule, Refusal> {
    asked_for(direction, wanted, peer(snapshot, wanted)?)
}

fn asked_for(
    direction: Direction,
    wanted: &Permission,
    peer: Peer,
) -> Result<SecurityGroupRule, Refusal> {
    let protocol = protocol(&wanted.protocol)?;
    Ok(SecurityGroupRule {
        id: SecurityGroupRuleId::from_random(random()?),
        direction,
        protocol,
        ports: ports(protocol, wanted.from_port, wanted.to_port)?,
        peer,
        description: fields::description(&wanted.description)?,
    })
}

/// Whether the two rules of one group admit the same traffic by the same words.
pub(super) fn admit_the_same(a: &SecurityGroupRule, b: &SecurityGroupRule) -> bool {
    (a.direction, a.protocol, a.ports, &a.peer) == (b.direction, b.protocol, b.ports, &b.peer)
}

/// AWS's word for the direction.
pub(super) fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

/// What the rule admits, in words.
pub(super) fn described(rule: &SecurityGroupRule) -> String {
    let traffic = match (rule.protocol, rule.ports) {
        (None, _) => "all traffic".to_owned(),
        (Some(protocol), None) => protocol.to_string(),
        (Some(protocol), Some(ports)) => format!("{protocol} {ports}"),
    };
    let with = match rule.direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    match &rule.peer {
        Peer::Cidr(cidr) => format!("{traffic} {with} {cidr}"),
        Peer::Group(group) => format!("{traffic} {with} {group}"),
    }
}

/// The protocol, by AWS's name or by its number; none is all of them.
fn protocol(text: &str) -> Result<Option<IpProtocol>, Refusal> {
    let text = fields::needed(PROTOCOL, text, "tcp")?;
    match text.to_ascii_lowercase().as_str() {
        "-1" | "all" => Ok(None),
        "tcp" | "6" => Ok(Some(IpProtocol::Tcp)),
        "udp" | "17" => Ok(Some(IpProtocol::Udp)),
        "icmp" | "1" => Ok(Some(IpProtocol::Icmp)),
        _ => Err(invalid(
            PROTOCOL,
            format!(
                "\"{text}\" is not a protocol that rules tell apart: tcp (6), udp (17), icmp (1), or -1 for all"
            ),
        )
        .cure("tcp")),
    }
}

fn ports(
    protocol: Option<IpProtocol>,
    from: Option<i32>,
    to: Option<i32>,
) -> Result<Option<PortRange>, Refusal> {
    let Some(protocol) = protocol else {
        // As in AWS, a rule for all protocols is for all ports, whatever is named.
        return Ok(None);
    };
    let given = |port: Option<i32>| port.filter(|port| *port != ALL);
    let (from, to) = (given(from), given(to));
    if !protocol.has_ports() {
        let named = from.map(|_| FROM_PORT).or(to.map(|_| TO_PORT));
        return match named {
            None => Ok(None),
            Some(field) => Err(invalid(
                field,
                "Types and codes of icmp are not told apart here; give -1, which is all of them",
            )
            .cure("-1")),
        };
    }
    let (from, to) = match (from, to) {
        (None, None) => return Ok(None),
        (Some(from), Some(to)) => (port(FROM_PORT, from)?, port(TO_PORT, to)?),
        (Some(from), None) => {
            let from = from.to_string();
            return Err(Refusal::missing(TO_PORT, &from).cure(from));
        }
        (None, Some(to)) => {
            let to = to.to_string();
            return Err(Refusal::missing(FROM_PORT, &to).cure(to));
        }
    };
    if from > to {
        return Err(invalid(
            TO_PORT,
            format!("The last port, {to}, is below the first, {from}"),
        )
        .cure(from.to_string()));
    }
    let all = (from, to) == (0, u16::MAX);
    Ok((!all).then_some(PortRange { from, to }))
}

fn port(field: &str, port: i32) -> Result<u16, Refusal> {
    u16::try_from(port).map_err(|_| {
        invalid(
            field,
            format!("{port} is not a port: they go from 0 to 65535, and -1 is all of them"),
        )
        .cure("443")
    })
}

/// The other end: a network, or a group.
fn peer(snapshot: &Snapshot, wanted: &Permission) -> Result<Peer, Refusal> {
    let given = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let id = match (given(&wanted.cidr), given(&wanted.group_id)) {
        (Some(cidr), None) => return fields::cidr(CIDR, &cidr, CIDR_EXAMPLE).map(Peer::Cidr),
        (None, Some(id)) => id,
        (Some(_), Some(_)) => {
            return Err(Refusal::new(
                Code::InvalidParameterCombination,
                format!("A rule is for one peer: give either {CIDR} or {PEER_GROUP}, not both"),
            )
            .at(PEER_GROUP));
        }
        (None, None) => return Err(Refusal::missing(CIDR, CIDR_EXAMPLE).cure(CIDR_EXAMPLE)),
    };
    let peer = security_groups::group(snapshot, PEER_GROUP, &id)?;
    Ok(Peer::Group(peer.id.clone()))
}

/// Refuses a group that is neither of the VPC of `group` nor of one that is peered with it.
fn refuse_far(snapshot: &Snapshot, group: &SecurityGroup, peer: &Peer) -> Result<(), Refusal> {
    let Peer::Group(id) = peer else {
        return Ok(());
    };
    let peer = security_groups::group(snapshot, PEER_GROUP, id.as_str())?;
    let mut peerings = attachments::active_peerings(snapshot, &group.vpc_id);
    let is_near = peer.vpc_id == group.vpc_id
        || peerings.any(|it| it.peer_of(&group.vpc_id) == Some(&peer.vpc_id));
    if !is_near {
        return Err(Refusal::new(
            Code::SecurityGroupNotFound,
            format!(
                "{} is of {}, which is neither {}, the VPC of {}, nor peered with it; name a group of that VPC, or peer the two",
                peer.id, peer.vpc_id, group.vpc_id, group.id
            ),
        )
        .at(PEER_GROUP)
        .cure(group.id.to_string()));
    }
    Ok(())
}

pub(super) const PERMISSIONS: &str = "IpPermissions";
pub(super) const RULE_IDS: &str = "SecurityGroupRuleIds";
const PROTOCOL: &str = "IpProtocol";
const FROM_PORT: &str = "FromPort";
const TO_PORT: &str = "ToPort";
const CIDR: &str = "CidrIp";
const PEER_GROUP: &str = "SourceSecurityGroupId";
const CIDR_EXAMPLE: &str = "10.1.0.0/16";
/// AWS's number for all ports, or all types.
const ALL: i32 = -1;
