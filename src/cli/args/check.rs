//! Commands that look before a change, and look for what is wrong.

use clap::{Args as Group, Subcommand, ValueEnum};

use super::{Directory, Ec2, Endpoint, Networks};

/// `gatehouse preview`: a command that changes something.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Preview {
    /// A command of gatehouse ec2
    Ec2(Ec2),
    /// A command of gatehouse directory
    #[command(subcommand)]
    Directory(Directory),
    /// A command of gatehouse networks
    #[command(subcommand)]
    Networks(Networks),
}

/// `gatehouse scenario`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Scenario {
    /// The endpoint.
    #[command(flatten)]
    pub endpoint: Endpoint,
    /// The scenario
    #[arg(long, value_enum)]
    pub name: ScenarioName,
    /// The VPC at the other end, for peered-vpc
    #[arg(long, value_name = "ID")]
    pub peer_vpc_id: Option<String>,
    /// The network to reach: on premises, or a part of a VPC; else the whole VPC
    #[arg(long, value_name = "CIDR")]
    pub destination_cidr_block: Option<String>,
    /// Who may: the members of this group; else everyone who is connected
    #[arg(long, value_name = "SID")]
    pub access_group_id: Option<String>,
    /// The resource that only clients reach, for restrict-resources
    #[arg(long, value_name = "ID")]
    pub network_interface_id: Option<String>,
    /// Keep clients from the resource instead
    #[arg(long)]
    pub keep_out: bool,
    /// Carry out what is missing, in order, until nothing is, something is refused, or a step takes
    /// something away from somebody; the exit status is 0 when nothing is missing
    #[arg(long)]
    pub apply: bool,
}

/// A scenario of AWS's guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScenarioName {
    /// Access to a VPC
    Vpc,
    /// Access to a peered VPC
    PeeredVpc,
    /// Access to an on-premises network
    OnPremises,
    /// Access to the internet
    Internet,
    /// Restrict access to specific resources in a VPC
    RestrictResources,
}

/// `gatehouse test-connection`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct TestConnection {
    /// The endpoint.
    #[command(flatten)]
    pub endpoint: Endpoint,
    /// The user to connect as, by the common name of the certificate
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// An address to reach through the tunnel; without one, only the tunnel is tested
    #[arg(long, value_name = "ADDRESS")]
    pub destination: Option<String>,
    /// How to reach it: icmp, as without it, or tcp
    #[arg(long, value_name = "PROTOCOL", requires = "destination")]
    pub protocol: Option<String>,
    /// The port, for tcp
    #[arg(long, value_name = "PORT", requires = "protocol")]
    pub port: Option<u16>,
}
