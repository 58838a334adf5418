//! The networks that clients may be let into.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    Tags,
    id::{InternetGatewayId, SubnetId, VpcId},
};

/// A named address space that this machine can reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its identifier.
    pub id: VpcId,
    /// Its address blocks; the first is the primary one and stays for life.
    pub cidrs: Vec<Ipv4Net>,
    /// Its tags.
    pub tags: Tags,
}

impl Vpc {
    /// The tag `Name`, or else the identifier.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.tags, self.id.as_str())
    }

    /// Whether `net` lies inside one of the VPC's blocks.
    #[must_use]
    pub fn contains(&self, net: Ipv4Net) -> bool {
        self.cidrs.iter().any(|cidr| cidr.contains(&net))
    }
}

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
    /// Its tags.
    pub tags: Tags,
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
