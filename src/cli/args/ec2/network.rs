//! Commands on VPCs and what they reach.

use clap::{Args as Group, Subcommand};

use super::{Filters, TagSpecifications};

/// Commands on VPCs, subnets and internet gateways.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum NetworkAction {
    /// Make a VPC: a named address space that the gateway's machine reaches
    CreateVpc {
        /// Its addresses, for example 10.0.0.0/16
        #[arg(long, value_name = "CIDR")]
        cidr_block: String,
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Show VPCs
    DescribeVpcs {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        vpc_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Delete a VPC that nothing is in
    DeleteVpc(VpcId),
    /// Give a VPC one more block of addresses
    AssociateVpcCidrBlock(VpcCidrBlock),
    /// Take a secondary block from a VPC
    DisassociateVpcCidrBlock(VpcCidrBlock),
    /// Have a VPC's DNS server, the address of its block plus two, answer clients or not
    ModifyVpcAttribute {
        /// The VPC.
        #[command(flatten)]
        vpc: VpcId,
        /// Whether it answers: Value=true or Value=false
        #[arg(long, value_name = "Value=BOOL", value_parser = attribute_value)]
        enable_dns_support: Option<bool>,
    },
    /// Show an attribute of a VPC
    DescribeVpcAttribute {
        /// The VPC.
        #[command(flatten)]
        vpc: VpcId,
        /// The attribute: enableDnsSupport
        #[arg(long, value_name = "NAME")]
        attribute: String,
    },
    /// Make a subnet of a VPC
    CreateSubnet {
        /// The VPC.
        #[command(flatten)]
        vpc: VpcId,
        /// Its addresses, inside the VPC's
        #[arg(long, value_name = "CIDR")]
        cidr_block: String,
        /// Its zone, for example local-1a; without one, the first that is free
        #[arg(long, value_name = "ZONE")]
        availability_zone: Option<String>,
        /// Egress.
        #[command(flatten)]
        egress: SubnetEgress,
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Show subnets
    DescribeSubnets {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        subnet_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Delete a subnet that no endpoint uses
    DeleteSubnet {
        /// The subnet
        #[arg(long, value_name = "ID")]
        subnet_id: String,
    },
    /// Show the zones that subnets can be in
    DescribeAvailabilityZones,
    /// Make an internet gateway
    CreateInternetGateway {
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Let a VPC reach what is outside it
    AttachInternetGateway(Attachment),
    /// Take an internet gateway from its VPC
    DetachInternetGateway(Attachment),
    /// Show internet gateways
    DescribeInternetGateways {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        internet_gateway_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Delete an internet gateway that is not attached
    DeleteInternetGateway {
        /// The gateway
        #[arg(long, value_name = "ID")]
        internet_gateway_id: String,
    },
}

/// A value as AWS's clients write one: `Value=true` or `{"Value": true}`.
fn attribute_value(text: &str) -> Result<bool, String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Attribute {
        value: bool,
    }
    let text = text.trim();
    let parsed = match text.strip_prefix("Value=").unwrap_or(text) {
        "true" => Some(true),
        "false" => Some(false),
        json => serde_json::from_str::<Attribute>(json)
            .map(|it| it.value)
            .ok(),
    };
    parsed.ok_or_else(|| "say Value=true or Value=false".to_owned())
}

/// Names a VPC.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct VpcId {
    /// The VPC
    #[arg(long, value_name = "ID")]
    pub vpc_id: String,
}

/// A block of a VPC.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct VpcCidrBlock {
    /// The VPC.
    #[command(flatten)]
    pub vpc: VpcId,
    /// The block, for example 10.1.0.0/16
    #[arg(long, value_name = "CIDR")]
    pub cidr_block: String,
}

/// An internet gateway and a VPC.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Attachment {
    /// The gateway
    #[arg(long, value_name = "ID")]
    pub internet_gateway_id: String,
    /// The VPC.
    #[command(flatten)]
    pub vpc: VpcId,
}

/// How packets leave the machine for a new subnet; AWS has none of this.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct SubnetEgress {
    /// Have packets leave the machine through this interface, for example eth1
    #[arg(long, value_name = "NAME", conflicts_with = "egress_source_address")]
    pub egress_interface: Option<String>,
    /// Have packets leave the machine from this address of it
    #[arg(long, value_name = "ADDRESS")]
    pub egress_source_address: Option<String>,
    /// Show targets the clients' own addresses; they need a route back
    #[arg(long)]
    pub no_egress_nat: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_as_aws_s_clients_write_it() {
        for (text, value) in [
            ("Value=true", true),
            ("Value=false", false),
            (r#"{"Value": false}"#, false),
            ("true", true),
        ] {
            assert_eq!(attribute_value(text), Ok(value), "{text}");
        }
        for text in ["", "Value=", "Value=yes", r#"{"Value": 1}"#, "{}"] {
            assert!(attribute_value(text).is_err(), "{text}");
        }
    }
}
