//! The networks that clients may be let into.

use std::{collections::BTreeSet, net::Ipv4Addr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    Tags,
    id::{
        InternetGatewayId, RouteTableId, SubnetId, VpcId, VpcPeeringConnectionId, VpnConnectionId,
    },
};

/// A named address space that this machine can reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its identifier.
    pub id: VpcId,
    /// Its address blocks; the first is the primary one and stays for life.
    pub cidrs: Vec<Ipv4Net>,
    /// Whether its resolver answers clients (AWS's `enableDnsSupport`).
    #[serde(default = "yes")]
    pub dns_support: bool,
    /// Its tags.
    pub tags: Tags,
}

const fn yes() -> bool {
    true
}

impl Vpc {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.tags, self.id.as_str())
    }

    /// The address of its resolver, whether that answers or not: the primary block's plus two.
    #[must_use]
    pub fn resolver(&self) -> Option<Ipv4Addr> {
        let primary = self.cidrs.first()?;
        let address = u32::from(primary.network()).checked_add(RESOLVER)?;
        Some(Ipv4Addr::from(address)).filter(|address| primary.contains(address))
    }

    /// Whether `net` lies inside one of the VPC's blocks.
    #[must_use]
    pub fn contains(&self, net: Ipv4Net) -> bool {
        self.cidrs.iter().any(|cidr| cidr.contains(&net))
    }
}

/// Which address of its primary block AWS reserves for a VPC's resolver.
const RESOLVER: u32 = 2;

/// A part of a VPC in one Availability Zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its identifier.
    pub id: SubnetId,
    /// The VPC it is a part of.
    pub vpc_id: VpcId,
    /// Its addresses.
    pub cidr: Ipv4Net,
    /// Its Availability Zone, for example `local-1a`.
    pub availability_zone: String,
    /// How clients' packets leave this machine for it.
    #[serde(default)]
    pub egress: Egress,
    /// Its tags.
    pub tags: Tags,
}

/// The longest prefix of a subnet that can be a target network (AWS: /27).
pub const SMALLEST_TARGET: u8 = 27;
/// The fewest addresses of a target network that no resource may have (AWS: 8).
pub const FEWEST_FREE: u32 = 8;

impl Subnet {
    /// How many addresses AWS gives out of it: it keeps the first four and the last one.
    #[must_use]
    pub fn usable_addresses(&self) -> u32 {
        let all = 1u32.checked_shl(u32::from(
            self.cidr.max_prefix_len() - self.cidr.prefix_len(),
        ));
        all.unwrap_or(u32::MAX).saturating_sub(5)
    }
}

/// How packets of clients that are bound to a subnet leave this machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Egress {
    /// The way they take.
    pub via: Via,
    /// Whether targets see an address of this machine instead of the client's.
    pub nat: bool,
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            via: Via::HostRouting,
            nat: true,
        }
    }
}

/// The way out of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// As this machine's own routes say.
    #[default]
    HostRouting,
    /// Through this interface, by the routes that leave through it.
    Interface(String),
    /// From this address of the machine, through the interface that has it.
    SourceAddress(Ipv4Addr),
}

impl Subnet {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.tags, self.id.as_str())
    }
}

/// An attachment through which a VPC reaches everything outside it, by this machine's own routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// Its identifier.
    pub id: InternetGatewayId,
    /// The VPC it is attached to.
    pub vpc_id: Option<VpcId>,
    /// Its tags.
    pub tags: Tags,
}

impl InternetGateway {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.tags, self.id.as_str())
    }
}

/// A connection between two VPCs, by which each reaches the other's blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringConnection {
    /// Its identifier.
    pub id: VpcPeeringConnectionId,
    /// The VPC that asked for it.
    pub requester_vpc_id: VpcId,
    /// The VPC that was asked.
    pub accepter_vpc_id: VpcId,
    /// Whether it was accepted: before that it carries nothing (AWS's `pending-acceptance`).
    pub is_active: bool,
    /// Its tags.
    pub tags: Tags,
}

impl PeeringConnection {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.tags, self.id.as_str())
    }

    /// The VPC at the other end of it; none where `vpc` is at neither.
    #[must_use]
    pub fn peer_of(&self, vpc: &VpcId) -> Option<&VpcId> {
        if self.requester_vpc_id == *vpc {
            Some(&self.accepter_vpc_id)
        } else if self.accepter_vpc_id == *vpc {
            Some(&self.requester_vpc_id)
        } else {
            None
        }
    }
}

/// A connection of a VPC to networks elsewhere, for example a site's own VPN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnConnection {
    /// Its identifier.
    pub id: VpnConnectionId,
    /// The VPC it is attached to.
    pub vpc_id: VpcId,
    /// The networks behind it (AWS's static routes).
    pub cidrs: Vec<Ipv4Net>,
    /// Its tags.
    pub tags: Tags,
}

impl VpnConnection {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.tags, self.id.as_str())
    }
}

/// A route table of a VPC: what its subnets reach beyond the VPC's own blocks. The local routes are
/// not in [`Self::routes`]: they follow from the VPC's blocks and cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its identifier.
    pub id: RouteTableId,
    /// The VPC.
    pub vpc_id: VpcId,
    /// Whether it is for every subnet of the VPC that has no table of its own. Each VPC has one.
    pub is_main: bool,
    /// The subnets that it is for by name; each has at most one.
    pub subnets: BTreeSet<SubnetId>,
    /// Its routes, by destination: at most one for each.
    pub routes: Vec<VpcRoute>,
    /// Its tags.
    pub tags: Tags,
}

impl RouteTable {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.tags, self.id.as_str())
    }
}

/// A row of a VPC's route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcRoute {
    /// Where packets go to.
    pub destination: Ipv4Net,
    /// What they go through.
    pub target: RouteTarget,
    /// Whether it came with its target's attachment, and so goes with it.
    pub is_propagated: bool,
}

/// What a VPC's route leads through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    /// The internet gateway.
    InternetGateway(InternetGatewayId),
    /// A peering connection.
    PeeringConnection(VpcPeeringConnectionId),
    /// A VPN connection.
    VpnConnection(VpnConnectionId),
}

impl RouteTarget {
    /// The identifier of what it leads through.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::InternetGateway(id) => id.as_str(),
            Self::PeeringConnection(id) => id.as_str(),
            Self::VpnConnection(id) => id.as_str(),
        }
    }
}

/// A network that an interface of the gateway's machine is in, offered for import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostNetwork {
    /// The interface's name.
    pub interface: String,
    /// The machine's own address in it.
    pub address: Ipv4Addr,
    /// The network.
    pub cidr: Ipv4Net,
    /// Whether the machine's default route leaves through it.
    pub default_route: bool,
}

/// The tag `Name` where it says something, else `id`.
pub(super) fn title<'a>(tags: &'a Tags, id: &'a str) -> &'a str {
    tags.get("Name")
        .map(String::as_str)
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(id)
}
