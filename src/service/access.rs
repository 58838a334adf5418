//! Authorization rules: who may reach what.

use ipnet::Ipv4Net;
use jiff::{SignedDuration, Timestamp};

use super::{
    change::Change,
    directory,
    endpoints::{endpoint, living},
    fields::{self, invalid},
    filters::select,
    limits::{self, Limit},
};
use crate::model::{
    Access, Answer, AuthorizationRule, Code, EndpointId, IpProtocol, Limits, PortRange, Refusal,
    RuleState, Snapshot,
    command::{AuthorizeIngress, DescribeOfEndpoint, RevokeIngress},
};

impl Change<'_, '_> {
    pub(super) fn authorize(&mut self, command: &AuthorizeIngress) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let destination = fields::cidr(
            TARGET_NETWORK,
            &command.target_network_cidr,
            NETWORK_EXAMPLE,
        )?;
        let access = access(
            &snapshot,
            "AuthorizeAllGroups",
            command.authorize_all_groups,
            command.access_group_id.as_deref(),
        )?;
        let rule = AuthorizationRule {
            endpoint_id: endpoint.id.clone(),
            destination,
            access,
            limits: limits_of(command, self.now)?,
            description: fields::description(&command.description)?,
            state: RuleState::Authorizing,
        };
        match find(&snapshot, &endpoint.id, destination, &rule.access) {
            // One that is going is replaced by the new one at once: policy knows no order.
            Some(old) if old.state == RuleState::Revoking => self.tx.delete_rule(old)?,
            Some(_) => {
                return Err(Refusal::new(
                    Code::DuplicateRule,
                    format!(
                        "{} is authorized for {destination} already; to change what a rule is limited to, revoke it and authorize again",
                        whom(&snapshot, &rule.access)
                    ),
                )
                .at(TARGET_NETWORK));
            }
            None => {}
        }
        let most = snapshot.settings.max_rules;
        if limits::rules(&snapshot, &endpoint.id) >= most as usize {
            return Err(Refusal::new(
                Code::RuleLimitExceeded,
                format!(
                    "{} has {most} authorization rules, as many as it may have; revoke one first, or {}",
                    endpoint.id,
                    Limit::Rules.how_to_raise(most)
                ),
            ));
        }
        self.tx.insert_rule(&rule)?;
        Ok(Answer::RuleStatus(rule))
    }

    pub(super) fn revoke(&mut self, command: &RevokeIngress) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let destination = fields::cidr(
            TARGET_NETWORK,
            &command.target_network_cidr,
            NETWORK_EXAMPLE,
        )?;
        let access = access(
            &snapshot,
            "RevokeAllGroups",
            command.revoke_all_groups,
            command.access_group_id.as_deref(),
        )?;
        let found = find(&snapshot, &endpoint.id, destination, &access)
            .filter(|rule| rule.state != RuleState::Revoking);
        let Some(rule) = found else {
            return Err(Refusal::new(
                Code::RuleNotFound,
                format!(
                    "{} has no rule for {destination} that is for {}",
                    endpoint.id,
                    whom(&snapshot, &access).to_lowercase()
                ),
            )
            .at(TARGET_NETWORK));
        };
        self.tx.set_rule_state(rule, RuleState::Revoking)?;
        Ok(Answer::RuleStatus(AuthorizationRule {
            state: RuleState::Revoking,
            ..rule.clone()
        }))
    }
}

pub(super) fn describe(
    snapshot: &Snapshot,
    wanted: &DescribeOfEndpoint,
) -> Result<Answer, Refusal> {
    let endpoint = endpoint(snapshot, &wanted.client_vpn_endpoint_id)?;
    let names = ["description", "destination-cidr", "group-id"];
    let value = |rule: &AuthorizationRule, name: &str| match name {
        "description" => vec![rule.description.clone()],
        "destination-cidr" => vec![rule.destination.to_string()],
        // A rule for everyone has an empty group.
        _ => vec![
            rule.access
                .group()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ],
    };
    select(
        snapshot.rules_of(&endpoint.id),
        &wanted.filters,
        &names,
        value,
    )
    .map(Answer::AuthorizationRules)
}

fn find<'s>(
    snapshot: &'s Snapshot,
    endpoint: &'s EndpointId,
    destination: Ipv4Net,
    access: &Access,
) -> Option<&'s AuthorizationRule> {
    snapshot
        .rules_of(endpoint)
        .find(|rule| rule.destination == destination && rule.access == *access)
}

/// Whom a rule is to be for: everyone, or a group that the directory has.
fn access(
    snapshot: &Snapshot,
    field: &str,
    all_groups: bool,
    group: Option<&str>,
) -> Result<Access, Refusal> {
    let group = group.map(str::trim).filter(|group| !group.is_empty());
    match (all_groups, group) {
        (true, None) => Ok(Access::AllUsers),
        (true, Some(_)) => Err(Refusal::new(
            Code::InvalidParameterCombination,
            format!("Give either {GROUP} or {field}, not both"),
        )
        .at(GROUP)),
        (false, Some(sid)) => {
            let group = directory::group(snapshot, GROUP, sid)?;
            Ok(Access::Group(group.sid.clone()))
        }
        (false, None) => Err(Refusal::missing(field, "true").cure("true")),
    }
}

fn whom(snapshot: &Snapshot, access: &Access) -> String {
    match access {
        Access::AllUsers => "Everyone".to_owned(),
        Access::Group(sid) => match snapshot.groups.get(sid) {
            Some(group) => format!("The group \"{}\"", group.name),
            None => format!("The group {sid}"),
        },
    }
}

/// What a rule is to be limited to.
fn limits_of(command: &AuthorizeIngress, now: Timestamp) -> Result<Limits, Refusal> {
    let protocol = protocol(command.protocol.as_deref())?;
    let ports = match (command.from_port, command.to_port) {
        (None, None) => None,
        (Some(from), Some(to)) if from <= to => Some(PortRange { from, to }),
        (Some(from), Some(to)) => {
            return Err(invalid(
                "ToPort",
                format!("The last port, {to}, is below the first, {from}"),
            )
            .cure(from.to_string()));
        }
        (Some(from), None) => {
            let from = from.to_string();
            return Err(Refusal::missing("ToPort", &from).cure(from));
        }
        (None, Some(to)) => {
            let to = to.to_string();
            return Err(Refusal::missing("FromPort", &to).cure(to));
        }
    };
    if ports.is_some() && !protocol.is_some_and(IpProtocol::has_ports) {
        return Err(invalid(
            "Protocol",
            "Only tcp and udp have ports; name one, or no ports",
        )
        .cure("tcp"));
    }
    Ok(Limits {
        protocol,
        ports,
        expires_at: command
            .expires_at
            .as_deref()
            .map(|text| end(text, now))
            .transpose()?,
    })
}

/// When a rule is to end: in the future, or it would never have granted anything.
fn end(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let example = now
        .checked_add(SignedDuration::from_hours(24))
        .unwrap_or(now)
        .to_string();
    let wrong = |what: String| invalid("ExpiresAt", what).cure(&*example);
    let end: Timestamp = text.trim().parse().map_err(|_| {
        wrong(format!(
            "\"{text}\" is no time with a zone, for example {example}"
        ))
    })?;
    if end <= now {
        return Err(wrong(format!(
            "{end} is past: it is {now}. A rule ends later, for example {example}"
        )));
    }
    Ok(end)
}

/// A protocol that rules can be limited to, if the field says one.
///
/// # Errors
/// `InvalidParameterValue` at `Protocol`.
pub(super) fn protocol(text: Option<&str>) -> Result<Option<IpProtocol>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let all = [IpProtocol::Tcp, IpProtocol::Udp, IpProtocol::Icmp];
    let found = all
        .into_iter()
        .find(|it| it.as_str().eq_ignore_ascii_case(text));
    found.map(Some).ok_or_else(|| {
        invalid(
            "Protocol",
            format!("\"{text}\" is not tcp, udp or icmp; leave it out for all traffic"),
        )
        .cure("tcp")
    })
}

const GROUP: &str = "AccessGroupId";
const TARGET_NETWORK: &str = "TargetNetworkCidr";
const NETWORK_EXAMPLE: &str = "10.1.0.0/16";
