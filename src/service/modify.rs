//! Changing an endpoint that is there.

use std::collections::BTreeSet;

use super::{
    certificates::{self, SERVER_CERTIFICATE},
    change::Change,
    endpoints::{self, ENDPOINT_ID, living},
    fields::{self, invalid},
    networks::{self, VPC_ID},
    security_groups::{self, GROUP_IDS},
};
use crate::model::{
    Answer, Code, ConnectionLog, Endpoint, Refusal, SecurityGroupId, Snapshot, Vpc,
    command::ModifyClientVpnEndpoint,
};

impl Change<'_, '_> {
    /// Changes what of an endpoint can change. What is not named, or is as it was, stays and is not
    /// judged again.
    pub(super) fn modify_endpoint(
        &mut self,
        command: &ModifyClientVpnEndpoint,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let before = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&before.id);
        if let Some(seq) = command.seen_seq {
            self.refuse_changed_since(before, seq)?;
        }
        let mut endpoint = before.clone();
        if let Some(arn) = &command.server_certificate_arn {
            let server = certificates::named(&snapshot, SERVER_CERTIFICATE, arn)?;
            if server.arn != before.server_certificate {
                certificates::check_server(server, self.now)?;
                self.concerns(&server.arn);
                endpoint.server_certificate = server.arn.clone();
            }
        }
        if let Some(text) = &command.description {
            endpoint.description = fields::description(text)?;
        }
        if let Some(port) = command.vpn_port {
            endpoint.port =
                endpoints::free_port(&snapshot, before.transport, Some(port), Some(&before.id))?;
        }
        if let Some(split_tunnel) = command.split_tunnel {
            endpoint.split_tunnel = split_tunnel;
        }
        if let Some(servers) = &command.dns_servers {
            endpoint.dns_servers = fields::dns_servers(servers)?;
        }
        endpoint.connection_log = self.modified_log(before, command)?;
        let networks = networks_of(&snapshot, before, command)?;
        if endpoint != *before {
            self.tx.update_endpoint(&endpoint)?;
        }
        if let Some((vpc, groups)) = networks {
            for group in &groups {
                self.concerns(group);
            }
            if before.vpc_id.as_ref() == Some(&vpc.id) {
                self.tx
                    .set_endpoint_security_groups(&before.id, &vpc.id, &groups)?;
            } else {
                self.concerns(&vpc.id);
                self.tx.choose_endpoint_vpc(&before.id, &vpc.id, &groups)?;
            }
        }
        Ok(Answer::Done)
    }

    /// Where connections are logged from now on; a group or stream says nothing without being
    /// switched on, as it is at creation.
    fn modified_log(
        &mut self,
        before: &Endpoint,
        command: &ModifyClientVpnEndpoint,
    ) -> Result<Option<ConnectionLog>, Refusal> {
        let present = before.connection_log.as_ref();
        let group = command.cloudwatch_log_group.as_deref();
        let stream = command.cloudwatch_log_stream.as_deref();
        match command.connection_log_enabled {
            None if group.is_none() && stream.is_none() => Ok(present.cloned()),
            enabled => {
                let enabled = enabled.unwrap_or(present.is_some());
                self.connection_log(&before.id, enabled, group, stream, present)
            }
        }
    }

    /// Refuses a change by somebody who does not know what the endpoint is now.
    fn refuse_changed_since(&self, endpoint: &Endpoint, seq: u64) -> Result<(), Refusal> {
        let Some(last) = self.tx.endpoint_changed_since(&endpoint.id, seq)? else {
            return Ok(());
        };
        let at = last.at.strftime("%Y-%m-%d %H:%M:%S UTC");
        let message = match last.by {
            Some((caller, action)) => format!(
                "{caller} has changed the endpoint since you opened it: {action} at {at}. Look at what it is now, then change it"
            ),
            None => format!(
                "Somebody has changed the endpoint since you opened it, at {at}. Look at what it is now, then change it"
            ),
        };
        Err(Refusal::new(Code::IncorrectState, message).at(ENDPOINT_ID))
    }
}

/// The VPC and the security groups that the endpoint is to have, if either becomes another.
fn networks_of<'s>(
    snapshot: &'s Snapshot,
    endpoint: &Endpoint,
    command: &ModifyClientVpnEndpoint,
) -> Result<Option<(&'s Vpc, BTreeSet<SecurityGroupId>)>, Refusal> {
    let named = command.vpc_id.as_deref().map(str::trim);
    let Some(id) = named.filter(|id| !id.is_empty()) else {
        return match (&command.security_group_ids, &endpoint.vpc_id) {
            (None, _) => Ok(None),
            (Some(_), own) => {
                let text =
                    "Security groups cannot be specified without a VPC ID: name their VPC too";
                Err(match own {
                    Some(own) => invalid(VPC_ID, text).cure(own.to_string()),
                    None => invalid(GROUP_IDS, text),
                })
            }
        };
    };
    let vpc = networks::vpc(snapshot, id)?;
    let groups = command.security_group_ids.as_deref();
    if endpoint.vpc_id.as_ref() == Some(&vpc.id) {
        let Some(ids) = groups else {
            return Ok(None);
        };
        let groups = security_groups::of_vpc(snapshot, &vpc.id, ids)?;
        return Ok((groups != endpoint.security_groups).then_some((vpc, groups)));
    }
    if let Some(association) = snapshot.associations_of(&endpoint.id).next() {
        let refusal = invalid(
            VPC_ID,
            format!(
                "The VPC of {} cannot change while it has target networks, as {} is one; disassociate them first",
                endpoint.id, association.subnet_id
            ),
        );
        return Err(match &endpoint.vpc_id {
            Some(own) => refusal.cure(own.to_string()),
            None => refusal,
        });
    }
    endpoints::refuse_overlap(
        VPC_ID,
        Code::InvalidParameterValue,
        endpoint.client_cidr,
        vpc,
    )?;
    let groups = match groups {
        Some(ids) => security_groups::of_vpc(snapshot, &vpc.id, ids)?,
        None => security_groups::default_set(snapshot, &vpc.id),
    };
    Ok(Some((vpc, groups)))
}
