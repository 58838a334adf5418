//! Security groups: their rules, and what they are applied to.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::{
    change::Change,
    endpoints::{ENDPOINT_ID, living},
    fields::{self, invalid, listed, needed, random},
    filters::{described, tag_values},
    networks::{VPC_ID, in_use, vpc},
    permissions,
};
use crate::model::{
    Answer, Code, Direction, Endpoint, EndpointId, NetworkMode, Peer, Refusal, SecurityGroup,
    SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, Snapshot, Tags, VpcId,
    command::{
        ApplySecurityGroups, AuthorizeSecurityGroup, AuthorizedRules, ById, CreateSecurityGroup,
        Describe, RevokeSecurityGroup,
    },
    net,
};

impl Change<'_, '_> {
    /// Makes a group, which lets out everything and lets in nothing, as in AWS.
    pub(super) fn create_security_group(
        &mut self,
        command: CreateSecurityGroup,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let name = group_name(&command.group_name)?;
        let description = group_description(&command.description)?;
        let vpc = vpc(&snapshot, &command.vpc_id)?;
        let same = |group: &&SecurityGroup| group.vpc_id == vpc.id && group.name == name;
        let mut groups = snapshot.security_groups.values().map(AsRef::as_ref);
        if let Some(other) = groups.find(same) {
            return Err(Refusal::new(
                Code::DuplicateSecurityGroup,
                format!(
                    "The security group '{name}' already exists for VPC '{}', as {}; choose another name",
                    vpc.id, other.id
                ),
            )
            .at(GROUP_NAME)
            .cure(format!("{name}-2")));
        }
        let group = SecurityGroup {
            id: SecurityGroupId::from_random(random()?),
            name,
            description,
            vpc_id: vpc.id.clone(),
            rules: vec![everything(
                Direction::Egress,
                Peer::Cidr(net::everywhere()),
            )?],
            tags: fields::tags(command.tags)?,
        };
        self.concerns(&group.id);
        self.concerns(&vpc.id);
        self.tx.insert_security_group(&group)?;
        Ok(Answer::SecurityGroup(group))
    }

    pub(super) fn delete_security_group(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, GROUP_ID, &command.id)?;
        self.concerns(&group.id);
        if group.is_default() {
            return Err(Refusal::new(
                Code::CannotDelete,
                format!(
                    "{} is the default group of {} and stays as long as that",
                    group.id, group.vpc_id
                ),
            )
            .at(GROUP_ID));
        }
        let endpoints = snapshot.endpoints.values();
        let endpoints = endpoints.filter(|it| it.security_groups.contains(&group.id));
        let resources = snapshot.resources.values();
        let resources = resources.filter(|it| it.security_groups.contains(&group.id));
        let users: Vec<String> = endpoints
            .map(|endpoint| endpoint.id.to_string())
            .chain(resources.map(|resource| resource.id.to_string()))
            .chain(rules_that_name(&snapshot, &group.id))
            .collect();
        if !users.is_empty() {
            return Err(in_use(
                GROUP_ID,
                format!(
                    "{} is still used by {}; give those another group, or revoke those rules, first",
                    group.id,
                    listed(users)
                ),
            ));
        }
        self.tx.delete_security_group(&group.id)?;
        Ok(Answer::Done)
    }

    pub(super) fn authorize_group(
        &mut self,
        command: &AuthorizeSecurityGroup,
        direction: Direction,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, GROUP_ID, &command.group_id)?;
        self.concerns(&group.id);
        if command.permissions.is_empty() {
            return Err(Refusal::missing(
                permissions::PERMISSIONS,
                "IpProtocol=tcp,FromPort=443,ToPort=443,CidrIp=10.1.0.0/16",
            ));
        }
        let mut rules: Vec<SecurityGroupRule> = Vec::new();
        for permission in &command.permissions {
            let rule = permissions::rule(&snapshot, group, direction, permission)?;
            let there = group.rules.iter().chain(&rules);
            if let Some(same) = there
                .clone()
                .find(|other| permissions::admit_the_same(other, &rule))
            {
                return Err(Refusal::new(
                    Code::DuplicatePermission,
                    format!(
                        "{} has the {} rule for {} already, as {}",
                        group.id,
                        permissions::word(direction),
                        permissions::described(&rule),
                        same.id
                    ),
                )
                .at(permissions::PERMISSIONS));
            }
            if there.filter(|other| other.direction == direction).count() >= MAX_RULES {
                return Err(Refusal::new(
                    Code::RulesPerGroupLimitExceeded,
                    format!(
                        "{} has {MAX_RULES} {} rules, as many as it may have; revoke one first",
                        group.id,
                        permissions::word(direction)
                    ),
                )
                .at(permissions::PERMISSIONS));
            }
            if direction == Direction::Ingress
                && self.machine.mode == Some(NetworkMode::Userspace)
                && let Some(endpoint) = applied_to(&snapshot, &group.id)
                && let Peer::Cidr(cidr) = rule.peer
            {
                return Err(in_vain(&cidr, &endpoint.id));
            }
            self.concerns(&rule.id);
            rules.push(rule);
        }
        for rule in &rules {
            self.tx.insert_security_group_rule(&group.id, rule)?;
        }
        Ok(Answer::SecurityGroupRules(AuthorizedRules {
            group_id: group.id.clone(),
            rules,
        }))
    }

    pub(super) fn revoke_group(
        &mut self,
        command: &RevokeSecurityGroup,
        direction: Direction,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, GROUP_ID, &command.group_id)?;
        self.concerns(&group.id);
        if command.rule_ids.is_empty() && command.permissions.is_empty() {
            let example = group.rules_of(direction).next();
            let example = example.map_or("sgr-0a1b2c3d4e5f60718", |rule| rule.id.as_str());
            return Err(Refusal::missing(permissions::RULE_IDS, example).cure(example));
        }
        let mut going = BTreeSet::new();
        for id in &command.rule_ids {
            let mut rules = group.rules_of(direction);
            let rule = rules.find(|rule| rule.id.as_str() == id.trim());
            going.insert(&rule.ok_or_else(|| no_rule(group, direction, id))?.id);
        }
        for permission in &command.permissions {
            let wanted = permissions::revoked(&snapshot, direction, permission)?;
            let mut rules = group.rules_of(direction);
            let rule = rules.find(|rule| permissions::admit_the_same(rule, &wanted));
            let rule = rule.ok_or_else(|| {
                let mut refusal = no_rule(group, direction, &permissions::described(&wanted));
                refusal.field = Some(permissions::PERMISSIONS.to_owned());
                refusal.cure = None;
                refusal
            })?;
            going.insert(&rule.id);
        }
        for rule in going {
            self.concerns(rule);
            self.tx.delete_security_group_rule(&group.id, rule)?;
        }
        Ok(Answer::Done)
    }

    /// Applies groups to every target network of an endpoint, in place of those it has.
    pub(super) fn apply_security_groups(
        &mut self,
        command: &ApplySecurityGroups,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let vpc = vpc(&snapshot, &command.vpc_id)?;
        match &endpoint.vpc_id {
            Some(own) if *own == vpc.id => {}
            Some(own) => {
                return Err(invalid(
                    VPC_ID,
                    format!(
                        "The target networks of {} are of {own}, not of {}",
                        endpoint.id, vpc.id
                    ),
                )
                .cure(own.to_string()));
            }
            None => {
                return Err(Refusal::new(
                    Code::ActiveAssociationNotFound,
                    format!(
                        "{} has no target network yet, so no security group can be applied; associate a subnet of {} first",
                        endpoint.id, vpc.id
                    ),
                )
                .at(ENDPOINT_ID));
            }
        }
        let groups = of_vpc(&snapshot, &vpc.id, &command.security_group_ids)?;
        for group in &groups {
            self.concerns(group);
        }
        self.tx
            .set_endpoint_security_groups(&endpoint.id, &vpc.id, &groups)?;
        Ok(Answer::SecurityGroupIds(groups.into_iter().collect()))
    }
}

pub(super) fn describe(snapshot: &Snapshot, wanted: &Describe) -> Result<Answer, Refusal> {
    let names = [
        "group-id",
        "group-name",
        "description",
        "vpc-id",
        "ip-permission.cidr",
        "ip-permission.group-id",
        "ip-permission.protocol",
        "egress.ip-permission.cidr",
        "egress.ip-permission.group-id",
        "tag-key",
    ];
    let value = |group: &SecurityGroup, name: &str| match name {
        "group-id" => vec![group.id.to_string()],
        "group-name" => vec![group.name.clone()],
        "description" => vec![group.description.clone()],
        "vpc-id" => vec![group.vpc_id.to_string()],
        "ip-permission.cidr" => peers(group, Direction::Ingress, false),
        "ip-permission.group-id" => peers(group, Direction::Ingress, true),
        "ip-permission.protocol" => {
            let rules = group.rules_of(Direction::Ingress);
            rules
                .map(|rule| rule.protocol.map_or("-1", |it| it.as_str()).to_owned())
                .collect()
        }
        "egress.ip-permission.cidr" => peers(group, Direction::Egress, false),
        "egress.ip-permission.group-id" => peers(group, Direction::Egress, true),
        _ => tag_values(&group.tags, name),
    };
    let all = snapshot.security_groups.values().map(AsRef::as_ref);
    let find = |id: &str| group(snapshot, GROUP_ID, id);
    described(all, wanted, find, &names, value).map(Answer::SecurityGroups)
}

/// The networks, or the groups, that the rules of one direction name.
fn peers(group: &SecurityGroup, direction: Direction, groups: bool) -> Vec<String> {
    let rules = group.rules_of(direction);
    rules
        .filter_map(|rule| match &rule.peer {
            Peer::Group(id) if groups => Some(id.to_string()),
            Peer::Cidr(cidr) if !groups => Some(cidr.to_string()),
            _ => None,
        })
        .collect()
}

/// The group that a field names.
pub(super) fn group<'s>(
    snapshot: &'s Snapshot,
    field: &str,
    text: &str,
) -> Result<&'s SecurityGroup, Refusal> {
    fields::named(
        &snapshot.security_groups,
        field,
        ("security group", "sg-0a1b2c3d4e5f60718"),
        Code::SecurityGroupNotFound,
        text,
    )
    .map(AsRef::as_ref)
}

/// The groups that a field names: 1 to 5, each of the VPC.
pub(super) fn of_vpc(
    snapshot: &Snapshot,
    vpc: &VpcId,
    ids: &[String],
) -> Result<BTreeSet<SecurityGroupId>, Refusal> {
    let default = snapshot.default_security_group(vpc);
    let example = default.map_or("sg-0a1b2c3d4e5f60718", |group| group.id.as_str());
    if ids.is_empty() {
        return Err(Refusal::missing(GROUP_IDS, example).cure(example));
    }
    let mut groups = BTreeSet::new();
    for id in ids {
        let group = group(snapshot, GROUP_IDS, id)?;
        if group.vpc_id != *vpc {
            return Err(invalid(
                GROUP_IDS,
                format!(
                    "{} is of {}; name groups of {vpc}, for example {example}",
                    group.id, group.vpc_id
                ),
            )
            .cure(example));
        }
        groups.insert(group.id.clone());
    }
    if groups.len() > MAX_GROUPS {
        return Err(Refusal::new(
            Code::GroupsPerInterfaceLimitExceeded,
            format!(
                "At most {MAX_GROUPS} security groups are applied to one thing; these are {}",
                groups.len()
            ),
        )
        .at(GROUP_IDS));
    }
    Ok(groups)
}

fn applied_to<'s>(snapshot: &'s Snapshot, id: &SecurityGroupId) -> Option<&'s Endpoint> {
    let mut endpoints = snapshot.endpoints.values();
    endpoints.find(|endpoint| endpoint.security_groups.contains(id))
}

/// The refusal of a rule that would let a network in to clients where nothing carries that.
fn in_vain(cidr: &Ipv4Net, endpoint: &EndpointId) -> Refusal {
    invalid(
        permissions::PERMISSIONS,
        format!(
            "In user-space mode nothing in the network opens connections to clients, so a rule that lets in {cidr} to those of {endpoint} would do nothing; run the gateway where it may open a TUN device (gatehouse doctor says what that lacks)"
        ),
    )
}

/// The rules of other groups that name this one, each as `rule of group`.
pub(super) fn rules_that_name(snapshot: &Snapshot, id: &SecurityGroupId) -> Vec<String> {
    let others = snapshot.security_groups.values();
    let others = others.filter(|group| group.id != *id);
    let peer = Peer::Group(id.clone());
    others
        .flat_map(|group| {
            let rules = group.rules.iter().filter(|rule| rule.peer == peer);
            rules.map(|rule| format!("{} of {}", rule.id, group.id))
        })
        .collect()
}

fn no_rule(group: &SecurityGroup, direction: Direction, what: &str) -> Refusal {
    let there: Vec<_> = group.rules_of(direction).map(|rule| &rule.id).collect();
    let hint = if there.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", listed(&there))
    };
    let refusal = Refusal::new(
        Code::PermissionNotFound,
        format!(
            "{} has no {} rule {what}; {hint}",
            group.id,
            permissions::word(direction)
        ),
    )
    .at(permissions::RULE_IDS);
    match there.first() {
        Some(first) => refusal.cure(first.to_string()),
        None => refusal,
    }
}

fn group_name(text: &str) -> Result<String, Refusal> {
    let name = needed(GROUP_NAME, text, NAME_EXAMPLE)?;
    let refuse = |message: String| Err(invalid(GROUP_NAME, message).cure(NAME_EXAMPLE));
    if name.eq_ignore_ascii_case(SecurityGroup::DEFAULT) {
        return Err(Refusal::new(
            Code::ReservedSecurityGroup,
            format!("'default' is kept for the group that a VPC is made with; choose another name, for example {NAME_EXAMPLE}"),
        )
        .at(GROUP_NAME)
        .cure(NAME_EXAMPLE));
    }
    if name.starts_with("sg-") {
        return refuse(format!(
            "A name that begins with sg- would look like an identifier; choose another, for example {NAME_EXAMPLE}"
        ));
    }
    if name.chars().count() > MAX_TEXT || !name.chars().all(is_plain) {
        return refuse(format!(
            "A group's name has 1 to {MAX_TEXT} letters, digits, spaces and ._-:/()#,@[]+=&;{{}}!$*, for example {NAME_EXAMPLE}"
        ));
    }
    Ok(name.to_owned())
}

fn group_description(text: &str) -> Result<String, Refusal> {
    let text = needed(DESCRIPTION, text, DESCRIPTION_EXAMPLE)?;
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(invalid(
            DESCRIPTION,
            format!("A group's description is one line of 1 to {MAX_TEXT} characters, for example {DESCRIPTION_EXAMPLE}"),
        )
        .cure(DESCRIPTION_EXAMPLE));
    }
    Ok(text.to_owned())
}

/// What AWS takes in the name of a group of a VPC.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c)
}

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

pub(super) const GROUP_ID: &str = "GroupId";
pub(super) const GROUP_IDS: &str = "SecurityGroupIds";
const GROUP_NAME: &str = "GroupName";
const DESCRIPTION: &str = "Description";
const NAME_EXAMPLE: &str = "vpn-clients";
const DESCRIPTION_EXAMPLE: &str = "Clients of the VPN";
/// AWS's default quotas.
const MAX_RULES: usize = 60;
pub(super) const MAX_GROUPS: usize = 5;
const MAX_TEXT: usize = 255;
