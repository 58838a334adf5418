//! Changes of endpoints and tags as they are meant.

use super::super::{
    UsageError,
    words::{dns_servers, filters_of, log_words, tag_keys, tag_pairs},
};
use crate::{
    cli::args::{self, TagAction},
    model::{
        Command,
        command::{CreateTags, DeleteTags, Describe, ModifyClientVpnEndpoint},
    },
};

pub(super) fn modify(it: args::ModifyEndpoint) -> Result<ModifyClientVpnEndpoint, UsageError> {
    let log = it.connection_log_options.as_deref().map(log_words);
    let log = log.transpose()?.unwrap_or_default();
    let dns_servers = it.dns_servers.as_deref().map(dns_servers).transpose()?;
    let split_tunnel = match (it.split_tunnel, it.no_split_tunnel) {
        (_, true) => Some(false),
        (true, false) => Some(true),
        (false, false) => None,
    };
    Ok(ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
        server_certificate_arn: it.server_certificate_arn,
        connection_log_enabled: log.enabled,
        cloudwatch_log_group: log.group,
        cloudwatch_log_stream: log.stream,
        dns_servers,
        description: it.description,
        vpn_port: it.vpn_port,
        split_tunnel,
        vpc_id: it.vpc_id,
        security_group_ids: (!it.security_group_ids.is_empty()).then_some(it.security_group_ids),
        seen_seq: it.seen_seq,
    })
}

pub(super) fn tags(action: TagAction) -> Result<Command, UsageError> {
    Ok(match action {
        TagAction::CreateTags(it) => Command::CreateTags(CreateTags {
            resources: it.resources,
            tags: tag_pairs(&it.tags)?,
        }),
        TagAction::DeleteTags(it) => Command::DeleteTags(DeleteTags {
            resources: it.resources,
            tags: tag_keys(&it.tags)?,
        }),
        TagAction::DescribeTags { filters } => Command::DescribeTags(Describe {
            ids: Vec::new(),
            filters: filters_of(&filters)?,
        }),
    })
}
