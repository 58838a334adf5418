//! Fields of the commands about VPCs, what they reach, and security groups.

use serde::{Deserialize, Serialize};

use crate::model::Tags;

/// How packets leave this machine for a subnet, as it is asked for. Neither an interface nor an
/// address means by this machine's own routes; both is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressChoice {
    /// Through this interface, for example `eth1`.
    pub interface: Option<String>,
    /// From this IPv4 address of the machine.
    pub source_address: Option<String>,
    /// Whether targets see an address of this machine instead of the client's; yes if absent.
    pub nat: Option<bool>,
}

/// Fields of [`Command::ModifySubnetEgress`](super::Command::ModifySubnetEgress).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifySubnetEgress {
    /// The subnet.
    pub subnet_id: String,
    /// What it has from now on, as a whole.
    pub egress: EgressChoice,
}

/// Fields of [`Command::ModifyVpcAttribute`](super::Command::ModifyVpcAttribute).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyVpcAttribute {
    /// The VPC.
    pub vpc_id: String,
    /// Whether its resolver answers clients.
    pub enable_dns_support: Option<bool>,
}

/// Fields of [`Command::DescribeVpcAttribute`](super::Command::DescribeVpcAttribute).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribeVpcAttribute {
    /// The VPC.
    pub vpc_id: String,
    /// The attribute: `enableDnsSupport`.
    pub attribute: String,
}

/// Fields of [`Command::CreateVpcPeeringConnection`](super::Command::CreateVpcPeeringConnection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePeeringConnection {
    /// The VPC that asks.
    pub vpc_id: String,
    /// The VPC that is asked; it accepts by a command of its own.
    pub peer_vpc_id: String,
    /// Tags.
    pub tags: Tags,
}

/// Fields of [`Command::CreateVpnConnection`](super::Command::CreateVpnConnection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVpnConnection {
    /// The VPC it is attached to.
    pub vpc_id: String,
    /// The networks behind it: at least one.
    pub cidr_blocks: Vec<String>,
    /// Tags.
    pub tags: Tags,
}

/// Fields of [`Command::CreateVpnConnectionRoute`](super::Command::CreateVpnConnectionRoute) and
/// its reverse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnConnectionRoute {
    /// The VPN connection.
    pub vpn_connection_id: String,
    /// A network behind it.
    pub destination_cidr_block: String,
}

/// Fields of [`Command::CreateRouteTable`](super::Command::CreateRouteTable).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRouteTable {
    /// The VPC.
    pub vpc_id: String,
    /// Tags.
    pub tags: Tags,
}

/// Fields of [`Command::AssociateRouteTable`](super::Command::AssociateRouteTable) and its
/// reverse, after which the main table is for the subnet again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTableAssociation {
    /// The route table.
    pub route_table_id: String,
    /// A subnet of its VPC.
    pub subnet_id: String,
}

/// Fields of [`Command::CreateRoute`](super::Command::CreateRoute): a route of a VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVpcRoute {
    /// The route table.
    pub route_table_id: String,
    /// Where packets go to.
    pub destination_cidr_block: String,
    /// What they go through: an internet gateway, a peering connection or a VPN connection, by its
    /// identifier.
    pub target_id: String,
}

/// Fields of [`Command::DeleteRoute`](super::Command::DeleteRoute): a route of a VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteVpcRoute {
    /// The route table.
    pub route_table_id: String,
    /// The route's destination.
    pub destination_cidr_block: String,
}

/// Fields of [`Command::CreateSecurityGroup`](super::Command::CreateSecurityGroup).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSecurityGroup {
    /// Its name, unique in the VPC: 1 to 255 characters.
    pub group_name: String,
    /// What the administrator says of it: 1 to 255 characters.
    pub description: String,
    /// The VPC.
    pub vpc_id: String,
    /// Tags.
    pub tags: Tags,
}

/// Fields of [`Command::AuthorizeSecurityGroupIngress`](super::Command::AuthorizeSecurityGroupIngress)
/// and [`Command::AuthorizeSecurityGroupEgress`](super::Command::AuthorizeSecurityGroupEgress).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeSecurityGroup {
    /// The group.
    pub group_id: String,
    /// What to admit: at least one.
    pub permissions: Vec<Permission>,
}

/// Fields of [`Command::RevokeSecurityGroupIngress`](super::Command::RevokeSecurityGroupIngress)
/// and [`Command::RevokeSecurityGroupEgress`](super::Command::RevokeSecurityGroupEgress): rules by
/// identifier, or by what they admit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeSecurityGroup {
    /// The group.
    pub group_id: String,
    /// Rules by identifier.
    pub rule_ids: Vec<String>,
    /// Rules that admit exactly this.
    pub permissions: Vec<Permission>,
}

/// What a security group's rule admits, as it is asked for: one peer, a network or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    pub protocol: String,
    /// The first destination port; absent (or -1, as AWS has it for all) for all of them.
    pub from_port: Option<i32>,
    /// The last destination port.
    pub to_port: Option<i32>,
    /// The network at the other end.
    pub cidr: Option<String>,
    /// The security group at the other end.
    pub group_id: Option<String>,
    /// What the administrator says of it.
    pub description: String,
}

/// Fields of [`Command::CreateNetworkInterface`](super::Command::CreateNetworkInterface).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateNetworkInterface {
    /// The subnet the resource is in.
    pub subnet_id: String,
    /// Its address, inside the subnet.
    pub private_ip_address: String,
    /// Its security groups: at most 5; the VPC's default group where none is named.
    pub security_group_ids: Vec<String>,
    /// What the administrator says of it.
    pub description: String,
    /// Tags.
    pub tags: Tags,
}

/// Fields of
/// [`Command::ModifyNetworkInterfaceAttribute`](super::Command::ModifyNetworkInterfaceAttribute);
/// an absent one stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyNetworkInterface {
    /// The resource.
    pub network_interface_id: String,
    /// Its security groups from now on: 1 to 5.
    pub security_group_ids: Option<Vec<String>>,
    /// What the administrator says of it.
    pub description: Option<String>,
}

/// Fields of [`Command::ApplySecurityGroupsToClientVpnTargetNetwork`](super::Command::ApplySecurityGroupsToClientVpnTargetNetwork).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplySecurityGroups {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The VPC of its target networks.
    pub vpc_id: String,
    /// The groups that are applied from now on: 1 to 5 of that VPC.
    pub security_group_ids: Vec<String>,
}
