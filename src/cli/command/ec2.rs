//! `gatehouse ec2` as it is meant.

use super::{
    Call, UsageError,
    words::{authentication, filters_of, log_words, tags_of},
};
use crate::{
    api::shape,
    cli::args::{self, AccessAction, Ec2Action, EndpointAction, NetworkAction, SecurityAction},
    model::{
        Command, Request, Transport,
        command::{
            ApplySecurityGroups, AssociateTargetNetwork, AuthorizeIngress, ById,
            CreateClientVpnEndpoint, CreateInternetGateway, CreateRoute, CreateSubnet, CreateVpc,
            DeleteRoute, Describe, DescribeOfEndpoint, DescribeVpcAttribute,
            DisassociateTargetNetwork, EgressChoice, ExportClientConfiguration, GatewayAttachment,
            ModifyVpcAttribute, OfEndpoint, ReconnectConnections, RevokeIngress,
            TerminateConnections, VpcCidrBlock,
        },
    },
};

mod gateway;
mod modify;
mod security;

/// Understands a command of `gatehouse ec2`.
pub(super) fn call(ec2: args::Ec2) -> Result<Call, UsageError> {
    let shape = match ec2.action {
        Ec2Action::Security(SecurityAction::DescribeSecurityGroupRules { .. }) => {
            shape::security_group_rules
        }
        _ => shape::answer_to,
    };
    Ok(Call {
        request: Request {
            command: command(ec2.action)?,
            dry_run: ec2.dry_run,
            client_token: ec2.client_token,
        },
        shape,
    })
}

/// What a command of `gatehouse ec2` means.
pub(super) fn command(action: Ec2Action) -> Result<Command, UsageError> {
    match action {
        Ec2Action::Endpoint(action) => endpoint_command(action),
        Ec2Action::Access(action) => access_command(action),
        Ec2Action::Revocation(action) => super::pki::revocation::of_endpoint(action),
        Ec2Action::Network(action) => network_command(action),
        Ec2Action::Gateway(action) => gateway::command(action),
        Ec2Action::Security(action) => security::command(action),
        Ec2Action::Tag(action) => modify::tags(action),
    }
}

fn endpoint_command(action: EndpointAction) -> Result<Command, UsageError> {
    use EndpointAction as A;
    Ok(match action {
        A::CreateClientVpnEndpoint(it) => Command::CreateClientVpnEndpoint(create_endpoint(*it)?),
        A::DescribeClientVpnEndpoints {
            client_vpn_endpoint_ids,
            filters,
        } => Command::DescribeClientVpnEndpoints(describe(client_vpn_endpoint_ids, &filters)?),
        A::ModifyClientVpnEndpoint(it) => Command::ModifyClientVpnEndpoint(modify::modify(*it)?),
        A::DeleteClientVpnEndpoint(it) => Command::DeleteClientVpnEndpoint(OfEndpoint {
            client_vpn_endpoint_id: it.client_vpn_endpoint_id,
        }),
        A::AssociateClientVpnTargetNetwork {
            endpoint,
            subnet_id,
        } => Command::AssociateClientVpnTargetNetwork(AssociateTargetNetwork {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            subnet_id,
        }),
        A::DisassociateClientVpnTargetNetwork {
            endpoint,
            association_id,
        } => Command::DisassociateClientVpnTargetNetwork(DisassociateTargetNetwork {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            association_id,
        }),
        A::DescribeClientVpnTargetNetworks {
            endpoint,
            association_ids,
            filters,
        } => Command::DescribeClientVpnTargetNetworks(DescribeOfEndpoint {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            ids: association_ids,
            filters: filters_of(&filters)?,
        }),
        A::ApplySecurityGroupsToClientVpnTargetNetwork {
            endpoint,
            vpc_id,
            security_group_ids,
        } => Command::ApplySecurityGroupsToClientVpnTargetNetwork(ApplySecurityGroups {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            vpc_id,
            security_group_ids,
        }),
        A::ExportClientVpnClientConfiguration {
            endpoint,
            client_certificate_arn,
        } => Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            client_certificate_arn,
        }),
        A::DescribeClientVpnConnections(it) => {
            Command::DescribeClientVpnConnections(of_endpoint(it)?)
        }
        A::TerminateClientVpnConnections {
            endpoint,
            connection_id,
            connection_ids,
            username,
            block_minutes,
        } => Command::TerminateClientVpnConnections(TerminateConnections {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            connection_id,
            username,
            connection_ids,
            block_minutes,
        }),
        A::ReconnectClientVpnConnections {
            endpoint,
            connection_ids,
        } => Command::ReconnectClientVpnConnections(ReconnectConnections {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            connection_ids,
        }),
    })
}

fn access_command(action: AccessAction) -> Result<Command, UsageError> {
    use AccessAction as A;
    Ok(match action {
        A::AuthorizeClientVpnIngress {
            endpoint,
            target_network_cidr,
            authorize_all_groups,
            access_group_id,
            limits,
            description,
        } => Command::AuthorizeClientVpnIngress(AuthorizeIngress {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            target_network_cidr,
            authorize_all_groups,
            access_group_id,
            description,
            protocol: limits.protocol,
            from_port: limits.port.or(limits.from_port),
            to_port: limits.port.or(limits.to_port),
            expires_at: limits.expires_at,
        }),
        A::RevokeClientVpnIngress {
            endpoint,
            target_network_cidr,
            revoke_all_groups,
            access_group_id,
        } => Command::RevokeClientVpnIngress(RevokeIngress {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            target_network_cidr,
            revoke_all_groups,
            access_group_id,
        }),
        A::DescribeClientVpnAuthorizationRules(it) => {
            Command::DescribeClientVpnAuthorizationRules(of_endpoint(it)?)
        }
        A::CreateClientVpnRoute {
            endpoint,
            destination_cidr_block,
            target_vpc_subnet_id,
            all_target_networks,
            description,
        } => Command::CreateClientVpnRoute(CreateRoute {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            destination_cidr_block,
            target_vpc_subnet_id: target_vpc_subnet_id.unwrap_or_default(),
            all_associations: all_target_networks,
            description,
        }),
        A::DeleteClientVpnRoute {
            endpoint,
            destination_cidr_block,
            target_vpc_subnet_id,
            all_target_networks,
        } => Command::DeleteClientVpnRoute(DeleteRoute {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            destination_cidr_block,
            target_vpc_subnet_id,
            all_associations: all_target_networks,
        }),
        A::DescribeClientVpnRoutes(it) => Command::DescribeClientVpnRoutes(of_endpoint(it)?),
    })
}

fn network_command(action: NetworkAction) -> Result<Command, UsageError> {
    use NetworkAction as A;
    Ok(match action {
        A::CreateVpc { cidr_block, tags } => Command::CreateVpc(CreateVpc {
            cidr_block,
            tags: tags_of(&tags, "vpc")?,
        }),
        A::DescribeVpcs { vpc_ids, filters } => Command::DescribeVpcs(describe(vpc_ids, &filters)?),
        A::DeleteVpc(it) => Command::DeleteVpc(ById { id: it.vpc_id }),
        A::AssociateVpcCidrBlock(it) => Command::AssociateVpcCidrBlock(vpc_block(it)),
        A::ModifyVpcAttribute {
            vpc,
            enable_dns_support,
        } => Command::ModifyVpcAttribute(ModifyVpcAttribute {
            vpc_id: vpc.vpc_id,
            enable_dns_support,
        }),
        A::DescribeVpcAttribute { vpc, attribute } => {
            Command::DescribeVpcAttribute(DescribeVpcAttribute {
                vpc_id: vpc.vpc_id,
                attribute,
            })
        }
        A::DisassociateVpcCidrBlock(it) => Command::DisassociateVpcCidrBlock(vpc_block(it)),
        A::CreateSubnet {
            vpc,
            cidr_block,
            availability_zone,
            egress,
            tags,
        } => Command::CreateSubnet(CreateSubnet {
            vpc_id: vpc.vpc_id,
            cidr_block,
            availability_zone,
            egress: egress_of(egress),
            tags: tags_of(&tags, "subnet")?,
        }),
        A::DescribeSubnets {
            subnet_ids,
            filters,
        } => Command::DescribeSubnets(describe(subnet_ids, &filters)?),
        A::DeleteSubnet { subnet_id } => Command::DeleteSubnet(ById { id: subnet_id }),
        A::DescribeAvailabilityZones => Command::DescribeAvailabilityZones,
        A::CreateInternetGateway { tags } => {
            let tags = tags_of(&tags, "internet-gateway")?;
            Command::CreateInternetGateway(CreateInternetGateway { tags })
        }
        A::AttachInternetGateway(it) => Command::AttachInternetGateway(attachment(it)),
        A::DetachInternetGateway(it) => Command::DetachInternetGateway(attachment(it)),
        A::DescribeInternetGateways {
            internet_gateway_ids,
            filters,
        } => Command::DescribeInternetGateways(describe(internet_gateway_ids, &filters)?),
        A::DeleteInternetGateway {
            internet_gateway_id,
        } => Command::DeleteInternetGateway(ById {
            id: internet_gateway_id,
        }),
    })
}

fn vpc_block(it: args::VpcCidrBlock) -> VpcCidrBlock {
    VpcCidrBlock {
        vpc_id: it.vpc.vpc_id,
        cidr_block: it.cidr_block,
    }
}

/// None where nothing was said of it.
fn egress_of(it: args::SubnetEgress) -> Option<EgressChoice> {
    let choice = EgressChoice {
        interface: it.egress_interface,
        source_address: it.egress_source_address,
        nat: it.no_egress_nat.then_some(false),
    };
    (choice != EgressChoice::default()).then_some(choice)
}

fn attachment(it: args::Attachment) -> GatewayAttachment {
    GatewayAttachment {
        internet_gateway_id: it.internet_gateway_id,
        vpc_id: it.vpc.vpc_id,
    }
}

fn describe(ids: Vec<String>, filters: &args::Filters) -> Result<Describe, UsageError> {
    let filters = filters_of(filters)?;
    Ok(Describe { ids, filters })
}

fn of_endpoint(it: args::OfEndpoint) -> Result<DescribeOfEndpoint, UsageError> {
    Ok(DescribeOfEndpoint {
        client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
        ids: Vec::new(),
        filters: filters_of(&it.filters)?,
    })
}

fn create_endpoint(it: args::CreateEndpoint) -> Result<CreateClientVpnEndpoint, UsageError> {
    let log = log_words(&it.connection_log_options)?;
    Ok(CreateClientVpnEndpoint {
        client_cidr_block: it.client_cidr_block,
        server_certificate_arn: it.server_certificate_arn,
        authentication_options: authentication(&it.authentication_options)?,
        connection_log_enabled: log.enabled,
        cloudwatch_log_group: log.group,
        cloudwatch_log_stream: log.stream,
        dns_servers: it.dns_servers,
        transport_protocol: match it.transport_protocol {
            args::Transport::Udp => Transport::Udp,
            args::Transport::Tcp => Transport::Tcp,
        },
        vpn_port: it.vpn_port,
        split_tunnel: it.split_tunnel && !it.no_split_tunnel,
        vpc_id: it.vpc_id,
        security_group_ids: it.security_group_ids,
        description: it.description,
        tags: tags_of(&it.tags, "client-vpn-endpoint")?,
    })
}
