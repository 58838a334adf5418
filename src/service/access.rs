//! Authorization rules: who may reach what.

use ipnet::Ipv4Net;

use super::{
    change::Change,
    endpoints::{endpoint, living},
    fields::{self, invalid},
    filters::select,
};
use crate::model::{
    Access, Answer, AuthorizationRule, Code, EndpointId, Limits, Refusal, RuleState, Snapshot,
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
        refuse_groups(
            "AuthorizeAllGroups",
            command.authorize_all_groups,
            command.access_group_id.as_deref(),
        )?;
        refuse_limits(command)?;
        let rule = AuthorizationRule {
            endpoint_id: endpoint.id.clone(),
            destination,
            access: Access::AllUsers,
            limits: Limits::default(),
            description: fields::description(&command.description)?,
            state: RuleState::Authorizing,
        };
        match find(&snapshot, &endpoint.id, destination) {
            // One that is going is replaced by the new one at once: policy knows no order.
            Some(old) if old.state == RuleState::Revoking => self.tx.delete_rule(old)?,
            Some(_) => {
                return Err(Refusal::new(
                    Code::DuplicateRule,
                    format!("Everyone is authorized for {destination} already"),
                )
                .at(TARGET_NETWORK));
            }
            None => {}
        }
        let staying = |rule: &&AuthorizationRule| rule.state != RuleState::Revoking;
        let most = snapshot.settings.max_rules as usize;
        if snapshot.rules_of(&endpoint.id).filter(staying).count() >= most {
            return Err(Refusal::new(
                Code::RuleLimitExceeded,
                format!(
                    "{} has {most} authorization rules, as many as it may have; revoke one first",
                    endpoint.id
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
        refuse_groups(
            "RevokeAllGroups",
            command.revoke_all_groups,
            command.access_group_id.as_deref(),
        )?;
        let found = find(&snapshot, &endpoint.id, destination)
            .filter(|rule| rule.state != RuleState::Revoking);
        let Some(rule) = found else {
            return Err(Refusal::new(
                Code::RuleNotFound,
                format!(
                    "{} has no rule that authorizes everyone for {destination}",
                    endpoint.id
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
        _ => vec![String::new()],
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
) -> Option<&'s AuthorizationRule> {
    snapshot
        .rules_of(endpoint)
        .find(|rule| rule.destination == destination && rule.access == Access::AllUsers)
}

/// Passes only a rule for everyone: certificates carry no groups.
fn refuse_groups(field: &str, all_groups: bool, group: Option<&str>) -> Result<(), Refusal> {
    let group = group.map(str::trim).filter(|group| !group.is_empty());
    match (all_groups, group) {
        (true, None) => Ok(()),
        (true, Some(_)) => Err(Refusal::new(
            Code::InvalidParameterCombination,
            format!("Give either AccessGroupId or {field}, not both"),
        )
        .at("AccessGroupId")),
        (false, Some(_)) => Err(invalid(
            "AccessGroupId",
            format!("Users have no groups yet, so a rule is for everyone: give {field} instead"),
        )),
        (false, None) => Err(Refusal::missing(field, "true").cure("true")),
    }
}

/// Passes only a rule without limits.
fn refuse_limits(command: &AuthorizeIngress) -> Result<(), Refusal> {
    let has_limits = command.protocol.is_some()
        || command.from_port.is_some()
        || command.to_port.is_some()
        || command.expires_at.is_some();
    if has_limits {
        return Err(invalid(
            "Protocol",
            "Rules have no limits yet: leave protocol, ports and end time out",
        ));
    }
    Ok(())
}

const TARGET_NETWORK: &str = "TargetNetworkCidr";
const NETWORK_EXAMPLE: &str = "10.1.0.0/16";
