//! `gatehouse ec2`: AWS's names and options.

use clap::{Args as Group, Subcommand};

use super::EVERYWHERE;

mod access;
mod endpoint;
mod gateway;
mod modify;
mod network;
mod revocation;
mod security;

pub use self::{
    access::*, endpoint::*, gateway::*, modify::*, network::*, revocation::*, security::*,
};

/// `gatehouse ec2`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Ec2 {
    /// Only say whether it would be carried out
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub dry_run: bool,
    /// A word of yours: the same word again has the first answer again and changes nothing
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "TOKEN")]
    pub client_token: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub action: Ec2Action,
}

/// The commands of `gatehouse ec2`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Ec2Action {
    /// Endpoints, their target networks and connections.
    #[command(flatten)]
    Endpoint(EndpointAction),
    /// Authorization rules and routes.
    #[command(flatten)]
    Access(AccessAction),
    /// Revocation lists of endpoints.
    #[command(flatten)]
    Revocation(RevocationAction),
    /// VPCs, subnets and internet gateways.
    #[command(flatten)]
    Network(NetworkAction),
    /// What VPCs reach beyond their own blocks.
    #[command(flatten)]
    Gateway(GatewayAction),
    /// Security groups and what has them.
    #[command(flatten)]
    Security(SecurityAction),
    /// Tags.
    #[command(flatten)]
    Tag(TagAction),
}

/// Names an endpoint.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Endpoint {
    /// The endpoint
    #[arg(long, value_name = "ID")]
    pub client_vpn_endpoint_id: String,
}

/// Names an endpoint and which of its things to show.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct OfEndpoint {
    /// The endpoint.
    #[command(flatten)]
    pub endpoint: Endpoint,
    /// Filters.
    #[command(flatten)]
    pub filters: Filters,
}

/// Filters of a describe command.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct Filters {
    /// Show only what passes all of these: Name=NAME,Values=VALUE,VALUE; tag:KEY is a name too
    #[arg(long, value_name = "FILTER", num_args = 1..)]
    pub filters: Vec<String>,
}

/// Tags of a new thing.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct TagSpecifications {
    /// Tags of it: ResourceType=TYPE,Tags=[{Key=Name,Value=NAME}]
    #[arg(long, value_name = "TAGS", num_args = 1..)]
    pub tag_specifications: Vec<String>,
}
