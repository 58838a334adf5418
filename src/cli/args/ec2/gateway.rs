//! Commands on what VPCs reach beyond their own blocks: peering connections, VPN connections and
//! route tables.

use clap::{Args as Group, Subcommand, ValueEnum};

use super::{Filters, TagSpecifications, VpcId};

/// Commands on peering connections, VPN connections and route tables of VPCs.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum GatewayAction {
    /// Ask for a connection of two VPCs
    CreateVpcPeeringConnection {
        /// The VPC that asks.
        #[command(flatten)]
        vpc: VpcId,
        /// The VPC that is asked
        #[arg(long, value_name = "ID")]
        peer_vpc_id: String,
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Accept a connection of two VPCs: it carries nothing before
    AcceptVpcPeeringConnection(PeeringConnectionId),
    /// Show peering connections
    DescribeVpcPeeringConnections {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        vpc_peering_connection_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Delete a peering connection that no route made by hand leads through; those that came with it go
    DeleteVpcPeeringConnection(PeeringConnectionId),
    /// Attach networks elsewhere to a VPC, for example those of an office
    CreateVpnConnection {
        /// The VPC.
        #[command(flatten)]
        vpc: VpcId,
        /// The networks behind it, for example 192.168.0.0/16
        #[arg(long, value_name = "CIDR", num_args = 1.., required = true)]
        cidr_blocks: Vec<String>,
        /// Accepted for scripts that were written for AWS; there is one kind
        #[arg(long = "type", value_enum, value_name = "TYPE")]
        kind: Option<VpnType>,
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Add a network behind a VPN connection
    CreateVpnConnectionRoute(VpnConnectionRoute),
    /// Take a network from behind a VPN connection
    DeleteVpnConnectionRoute(VpnConnectionRoute),
    /// Show VPN connections
    DescribeVpnConnections {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        vpn_connection_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Delete a VPN connection that no route made by hand leads through; those that came with it go
    DeleteVpnConnection {
        /// The VPN connection
        #[arg(long, value_name = "ID")]
        vpn_connection_id: String,
    },
    /// Make a route table, for subnets that reach other things than the VPC's main table says
    CreateRouteTable {
        /// The VPC.
        #[command(flatten)]
        vpc: VpcId,
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Show route tables of VPCs
    DescribeRouteTables {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        route_table_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Delete a route table that no subnet uses
    DeleteRouteTable(RouteTableId),
    /// Have a subnet use a route table instead of the main one
    AssociateRouteTable {
        /// The route table.
        #[command(flatten)]
        table: RouteTableId,
        /// The subnet
        #[arg(long, value_name = "ID")]
        subnet_id: String,
    },
    /// Have a subnet use the main route table again
    DisassociateRouteTable {
        /// The association, as describe-route-tables shows it
        #[arg(long, value_name = "ID")]
        association_id: String,
    },
    /// Add a route to a route table
    CreateRoute {
        /// The route table.
        #[command(flatten)]
        table: RouteTableId,
        /// Where packets go to, for example 0.0.0.0/0
        #[arg(long, value_name = "CIDR")]
        destination_cidr_block: String,
        /// Target.
        #[command(flatten)]
        target: RouteTarget,
    },
    /// Take a route from a route table
    DeleteRoute {
        /// The route table.
        #[command(flatten)]
        table: RouteTableId,
        /// The route's destination
        #[arg(long, value_name = "CIDR")]
        destination_cidr_block: String,
    },
}

/// The kind of a VPN connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VpnType {
    /// The only kind there is
    #[value(name = "ipsec.1")]
    Ipsec1,
}

/// What a route of a VPC leads through: one of these.
#[derive(Clone, Debug, Default, PartialEq, Group)]
#[group(required = true, multiple = false)]
pub struct RouteTarget {
    /// Through this internet gateway, or this VPN connection
    #[arg(long, value_name = "ID")]
    pub gateway_id: Option<String>,
    /// Through this peering connection
    #[arg(long, value_name = "ID")]
    pub vpc_peering_connection_id: Option<String>,
    /// Through this VPN connection
    #[arg(long, value_name = "ID")]
    pub vpn_connection_id: Option<String>,
}

/// Names a peering connection.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct PeeringConnectionId {
    /// The peering connection
    #[arg(long, value_name = "ID")]
    pub vpc_peering_connection_id: String,
}

/// A network behind a VPN connection.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct VpnConnectionRoute {
    /// The VPN connection
    #[arg(long, value_name = "ID")]
    pub vpn_connection_id: String,
    /// The network, for example 192.168.0.0/16
    #[arg(long, value_name = "CIDR")]
    pub destination_cidr_block: String,
}

/// Names a route table of a VPC.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct RouteTableId {
    /// The route table
    #[arg(long, value_name = "ID")]
    pub route_table_id: String,
}
