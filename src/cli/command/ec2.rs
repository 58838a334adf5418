//! `gatehouse ec2` as it is meant.

use super::{
    Action, Call, UsageError,
    words::{authentication, connection_log, filters_of, tags_of},
};
use crate::{
    api::shape,
    cli::args::{self, AccessAction, Ec2Action, EndpointAction, NetworkAction},
    model::{
        Command, Request, Transport,
        command::{
            AssociateTargetNetwork, AuthorizeIngress, ById, CreateClientVpnEndpoint,
            CreateInternetGateway, CreateRoute, CreateSubnet, CreateVpc, DeleteRoute, Describe,
            DescribeOfEndpoint, DisassociateTargetNetwork, ExportClientConfiguration,
            GatewayAttachment, OfEndpoint, ReconnectConnections, RevokeIngress,
            TerminateConnections, VpcCidrBlock,
        },
    },
};

/// Understands a command of `gatehouse ec2`.
pub(super) fn call(ec2: args::Ec2) -> Result<Action, UsageError> {
    let shape = match ec2.action {
        Ec2Action::Network(NetworkAction::AssociateVpcCidrBlock(_)) => shape::associated_block,
        _ => shape::answer,
    };
    let command = match ec2.action {
        Ec2Action::Endpoint(action) => endpoint_command(action)?,
        Ec2Action::Access(action) => access_command(action)?,
        Ec2Action::Network(action) => network_command(action)?,
    };
    Ok(Action::Call(Box::new(Call {
        request: Request {
            command,
            dry_run: ec2.dry_run,
            client_token: ec2.client_token,
        },
        shape,
    })))
}

fn endpoint_command(action: EndpointAction) -> Result<Command, UsageError> {
    use EndpointAction as A;
    Ok(match action {
        A::CreateClientVpnEndpoint(it) => Command::CreateClientVpnEndpoint(create_endpoint(*it)?),
        A::DescribeClientVpnEndpoints {
            client_vpn_endpoint_ids,
            filters,
        } => Command::DescribeClientVpnEndpoints(describe(client_vpn_endpoint_ids, &filters)?),
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
            username,
        } => Command::TerminateClientVpnConnections(TerminateConnections {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            connection_id,
            username,
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
            description,
        } => Command::CreateClientVpnRoute(CreateRoute {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            destination_cidr_block,
            target_vpc_subnet_id,
            all_associations: false,
            description,
        }),
        A::DeleteClientVpnRoute {
            endpoint,
            destination_cidr_block,
            target_vpc_subnet_id,
        } => Command::DeleteClientVpnRoute(DeleteRoute {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            destination_cidr_block,
            target_vpc_subnet_id,
            all_associations: false,
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
        A::DisassociateVpcCidrBlock(it) => Command::DisassociateVpcCidrBlock(vpc_block(it)),
        A::CreateSubnet {
            vpc,
            cidr_block,
            availability_zone,
            tags,
        } => Command::CreateSubnet(CreateSubnet {
            vpc_id: vpc.vpc_id,
            cidr_block,
            availability_zone,
            egress: None,
            tags: tags_of(&tags, "subnet")?,
        }),
        A::DescribeSubnets {
            subnet_ids,
            filters,
        } => Command::DescribeSubnets(describe(subnet_ids, &filters)?),
        A::DeleteSubnet { subnet_id } => Command::DeleteSubnet(ById { id: subnet_id }),
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
    Ok(CreateClientVpnEndpoint {
        client_cidr_block: it.client_cidr_block,
        server_certificate_arn: it.server_certificate_arn,
        authentication_options: authentication(&it.authentication_options)?,
        connection_log_enabled: connection_log(&it.connection_log_options)?,
        dns_servers: it.dns_servers,
        transport_protocol: match it.transport_protocol {
            args::Transport::Udp => Transport::Udp,
            args::Transport::Tcp => Transport::Tcp,
        },
        vpn_port: it.vpn_port,
        split_tunnel: it.split_tunnel && !it.no_split_tunnel,
        vpc_id: it.vpc_id,
        security_group_ids: Vec::new(),
        description: it.description,
        tags: tags_of(&it.tags, "client-vpn-endpoint")?,
    })
}
