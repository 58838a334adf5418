//! Commands on security groups and on resources, which have some of their own.

use clap::{Args as Group, Subcommand};

use super::{Filters, TagSpecifications, VpcId};

/// Commands on security groups and network interfaces.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum SecurityAction {
    /// Make a security group; it lets everything out and nothing in
    CreateSecurityGroup {
        /// Its name, unique in the VPC
        #[arg(long, value_name = "NAME")]
        group_name: String,
        /// What to say of it
        #[arg(long, value_name = "TEXT")]
        description: String,
        /// The VPC.
        #[command(flatten)]
        vpc: VpcId,
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Show security groups with what they admit
    DescribeSecurityGroups {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        group_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Show the rules of security groups one by one, with their identifiers
    DescribeSecurityGroupRules {
        /// Filters of their groups, for example Name=group-id,Values=ID.
        #[command(flatten)]
        filters: Filters,
    },
    /// Delete a security group that nothing has and no rule names
    DeleteSecurityGroup {
        /// The group
        #[arg(long, value_name = "ID")]
        group_id: String,
    },
    /// Admit traffic to what has a security group
    AuthorizeSecurityGroupIngress(Admission),
    /// Admit traffic from what has a security group
    AuthorizeSecurityGroupEgress(Admission),
    /// Admit traffic to what has a security group no longer
    RevokeSecurityGroupIngress(Revocation),
    /// Admit traffic from what has a security group no longer
    RevokeSecurityGroupEgress(Revocation),
    /// Give an address of a subnet security groups of its own
    CreateNetworkInterface {
        /// The subnet
        #[arg(long, value_name = "ID")]
        subnet_id: String,
        /// The address, inside the subnet
        #[arg(long, value_name = "ADDRESS")]
        private_ip_address: String,
        /// Its security groups: at most 5; else the VPC's default group
        #[arg(long, value_name = "ID", num_args = 1..)]
        groups: Vec<String>,
        /// What to say of it
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        description: String,
        /// Tags.
        #[command(flatten)]
        tags: TagSpecifications,
    },
    /// Change an address's security groups, or what is said of it
    ModifyNetworkInterfaceAttribute {
        /// The network interface.
        #[command(flatten)]
        interface: NetworkInterfaceId,
        /// Its security groups from now on: 1 to 5
        #[arg(long, value_name = "ID", num_args = 1.., required_unless_present = "description")]
        groups: Option<Vec<String>>,
        /// What to say of it
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Show addresses that have security groups of their own
    DescribeNetworkInterfaces {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        network_interface_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Take an address's own security groups from it
    DeleteNetworkInterface(NetworkInterfaceId),
}

/// What a security group is to admit.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct Admission {
    /// The group
    #[arg(long, value_name = "ID")]
    pub group_id: String,
    /// Traffic.
    #[command(flatten)]
    pub traffic: Traffic,
}

/// What a security group is to admit no longer.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct Revocation {
    /// The group
    #[arg(long, value_name = "ID")]
    pub group_id: String,
    /// These rules, as describe-security-groups shows them
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub security_group_rule_ids: Vec<String>,
    /// Traffic.
    #[command(flatten)]
    pub traffic: Traffic,
}

/// Traffic in either of AWS's forms: whole permissions, or one in words.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct Traffic {
    /// Whole permissions:
    /// IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=CIDR}],UserIdGroupPairs=[{GroupId=ID}]
    #[arg(long, value_name = "PERMISSION", num_args = 1..,
          conflicts_with_all = ["protocol", "port", "cidr", "source_group"])]
    pub ip_permissions: Vec<String>,
    /// Or one: its protocol, tcp, udp, icmp or -1 for all
    #[arg(long, value_name = "PROTOCOL", allow_hyphen_values = true)]
    pub protocol: Option<String>,
    /// Its port or ports, for example 443 or 8000-8100; -1 for all, as without it
    #[arg(
        long,
        value_name = "PORTS",
        requires = "protocol",
        allow_hyphen_values = true
    )]
    pub port: Option<String>,
    /// The network at the other end
    #[arg(long, value_name = "CIDR", requires = "protocol")]
    pub cidr: Option<String>,
    /// Or the security group at the other end
    #[arg(
        long,
        value_name = "ID",
        requires = "protocol",
        conflicts_with = "cidr"
    )]
    pub source_group: Option<String>,
}

/// Names a network interface.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct NetworkInterfaceId {
    /// The network interface
    #[arg(long, value_name = "ID")]
    pub network_interface_id: String,
}
