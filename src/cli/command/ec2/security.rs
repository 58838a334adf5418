//! Security groups and resources, as it is meant.

use super::{UsageError, describe, tags_of};
use crate::{
    cli::{
        args::{self, SecurityAction},
        command::words::permissions,
    },
    model::{
        Command,
        command::{
            AuthorizeSecurityGroup, ById, CreateNetworkInterface, CreateSecurityGroup,
            ModifyNetworkInterface, Permission, RevokeSecurityGroup,
        },
    },
};

/// What a command on security groups or network interfaces means.
pub(super) fn command(action: SecurityAction) -> Result<Command, UsageError> {
    use SecurityAction as A;
    Ok(match action {
        A::CreateSecurityGroup {
            group_name,
            description,
            vpc,
            tags,
        } => Command::CreateSecurityGroup(CreateSecurityGroup {
            group_name,
            description,
            vpc_id: vpc.vpc_id,
            tags: tags_of(&tags, "security-group")?,
        }),
        A::DescribeSecurityGroups { group_ids, filters } => {
            Command::DescribeSecurityGroups(describe(group_ids, &filters)?)
        }
        A::DescribeSecurityGroupRules { filters } => {
            Command::DescribeSecurityGroups(describe(Vec::new(), &filters)?)
        }
        A::DeleteSecurityGroup { group_id } => Command::DeleteSecurityGroup(ById { id: group_id }),
        A::AuthorizeSecurityGroupIngress(it) => {
            Command::AuthorizeSecurityGroupIngress(admission(it)?)
        }
        A::AuthorizeSecurityGroupEgress(it) => {
            Command::AuthorizeSecurityGroupEgress(admission(it)?)
        }
        A::RevokeSecurityGroupIngress(it) => Command::RevokeSecurityGroupIngress(revocation(it)?),
        A::RevokeSecurityGroupEgress(it) => Command::RevokeSecurityGroupEgress(revocation(it)?),
        A::CreateNetworkInterface {
            subnet_id,
            private_ip_address,
            groups,
            description,
            tags,
        } => Command::CreateNetworkInterface(CreateNetworkInterface {
            subnet_id,
            private_ip_address,
            security_group_ids: groups,
            description,
            tags: tags_of(&tags, "network-interface")?,
        }),
        A::ModifyNetworkInterfaceAttribute {
            interface,
            groups,
            description,
        } => Command::ModifyNetworkInterfaceAttribute(ModifyNetworkInterface {
            network_interface_id: interface.network_interface_id,
            security_group_ids: groups,
            description,
        }),
        A::DescribeNetworkInterfaces {
            network_interface_ids,
            filters,
        } => Command::DescribeNetworkInterfaces(describe(network_interface_ids, &filters)?),
        A::DeleteNetworkInterface(it) => Command::DeleteNetworkInterface(ById {
            id: it.network_interface_id,
        }),
    })
}

fn admission(it: args::Admission) -> Result<AuthorizeSecurityGroup, UsageError> {
    Ok(AuthorizeSecurityGroup {
        group_id: it.group_id,
        permissions: traffic(it.traffic)?,
    })
}

fn revocation(it: args::Revocation) -> Result<RevokeSecurityGroup, UsageError> {
    Ok(RevokeSecurityGroup {
        group_id: it.group_id,
        rule_ids: it.security_group_rule_ids,
        permissions: traffic(it.traffic)?,
    })
}

fn traffic(it: args::Traffic) -> Result<Vec<Permission>, UsageError> {
    let Some(protocol) = it.protocol else {
        return permissions(&it.ip_permissions);
    };
    let (from_port, to_port) = it.port.as_deref().map_or(Ok((None, None)), ports)?;
    Ok(vec![Permission {
        protocol,
        from_port,
        to_port,
        cidr: it.cidr,
        group_id: it.source_group,
        description: String::new(),
    }])
}

/// `443`, `8000-8100`, or -1 or `all` for all of them.
fn ports(text: &str) -> Result<(Option<i32>, Option<i32>), UsageError> {
    if matches!(text, "-1" | "all") {
        return Ok((None, None));
    }
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| {
        text.trim().parse().map_err(|_| UsageError::Value {
            option: "port",
            what: format!("\"{text}\" is not a port; write 443, 8000-8100 or -1"),
        })
    };
    Ok((Some(port(from)?), Some(port(to)?)))
}
