//! What VPCs reach beyond their own blocks, as it is meant.

use super::{UsageError, describe, tags_of};
use crate::{
    api::shape,
    cli::args::{self, GatewayAction},
    model::{
        Command,
        command::{
            ById, CreatePeeringConnection, CreateRouteTable, CreateVpcRoute, CreateVpnConnection,
            DeleteVpcRoute, RouteTableAssociation, VpnConnectionRoute,
        },
    },
};

/// What a command on peering connections, VPN connections or route tables means.
pub(super) fn command(action: GatewayAction) -> Result<Command, UsageError> {
    use GatewayAction as A;
    Ok(match action {
        A::CreateVpcPeeringConnection {
            vpc,
            peer_vpc_id,
            tags,
        } => Command::CreateVpcPeeringConnection(CreatePeeringConnection {
            vpc_id: vpc.vpc_id,
            peer_vpc_id,
            tags: tags_of(&tags, "vpc-peering-connection")?,
        }),
        A::AcceptVpcPeeringConnection(it) => Command::AcceptVpcPeeringConnection(peering(it)),
        A::DescribeVpcPeeringConnections {
            vpc_peering_connection_ids,
            filters,
        } => {
            Command::DescribeVpcPeeringConnections(describe(vpc_peering_connection_ids, &filters)?)
        }
        A::DeleteVpcPeeringConnection(it) => Command::DeleteVpcPeeringConnection(peering(it)),
        A::CreateVpnConnection {
            vpc,
            cidr_blocks,
            kind: _,
            tags,
        } => Command::CreateVpnConnection(CreateVpnConnection {
            vpc_id: vpc.vpc_id,
            cidr_blocks,
            tags: tags_of(&tags, "vpn-connection")?,
        }),
        A::CreateVpnConnectionRoute(it) => Command::CreateVpnConnectionRoute(behind(it)),
        A::DeleteVpnConnectionRoute(it) => Command::DeleteVpnConnectionRoute(behind(it)),
        A::DescribeVpnConnections {
            vpn_connection_ids,
            filters,
        } => Command::DescribeVpnConnections(describe(vpn_connection_ids, &filters)?),
        A::DeleteVpnConnection { vpn_connection_id } => Command::DeleteVpnConnection(ById {
            id: vpn_connection_id,
        }),
        A::CreateRouteTable { vpc, tags } => Command::CreateRouteTable(CreateRouteTable {
            vpc_id: vpc.vpc_id,
            tags: tags_of(&tags, "route-table")?,
        }),
        A::DescribeRouteTables {
            route_table_ids,
            filters,
        } => Command::DescribeRouteTables(describe(route_table_ids, &filters)?),
        A::DeleteRouteTable(it) => Command::DeleteRouteTable(ById {
            id: it.route_table_id,
        }),
        A::AssociateRouteTable { table, subnet_id } => {
            Command::AssociateRouteTable(RouteTableAssociation {
                route_table_id: table.route_table_id,
                subnet_id,
            })
        }
        A::DisassociateRouteTable { association_id } => {
            Command::DisassociateRouteTable(association(&association_id)?)
        }
        A::CreateRoute {
            table,
            destination_cidr_block,
            target,
        } => Command::CreateRoute(CreateVpcRoute {
            route_table_id: table.route_table_id,
            destination_cidr_block,
            target_id: target_id(target),
        }),
        A::DeleteRoute {
            table,
            destination_cidr_block,
        } => Command::DeleteRoute(DeleteVpcRoute {
            route_table_id: table.route_table_id,
            destination_cidr_block,
        }),
    })
}

fn peering(it: args::PeeringConnectionId) -> ById {
    ById {
        id: it.vpc_peering_connection_id,
    }
}

fn behind(it: args::VpnConnectionRoute) -> VpnConnectionRoute {
    VpnConnectionRoute {
        vpn_connection_id: it.vpn_connection_id,
        destination_cidr_block: it.destination_cidr_block,
    }
}

/// The one that was given: the grammar lets no other number of them through.
fn target_id(it: args::RouteTarget) -> String {
    it.gateway_id
        .or(it.vpc_peering_connection_id)
        .or(it.vpn_connection_id)
        .unwrap_or_default()
}

fn association(id: &str) -> Result<RouteTableAssociation, UsageError> {
    shape::route_table_association(id).ok_or_else(|| UsageError::Value {
        option: "association-id",
        what: format!(
            "{id} is not the association of a subnet, for example \
             rtbassoc-0a1b2c3d4e5f60718-0f1e2d3c4b5a69788; see describe-route-tables"
        ),
    })
}
