//! Commands on authorization rules and routes of endpoints.

use clap::{Args as Group, Subcommand};

use super::{Endpoint, OfEndpoint};

/// Commands on authorization rules and routes.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum AccessAction {
    /// Let clients reach a network
    AuthorizeClientVpnIngress {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The network, for example 10.0.0.0/16, or 0.0.0.0/0 for everything
        #[arg(long, value_name = "CIDR")]
        target_network_cidr: String,
        /// Everyone who is connected
        #[arg(long)]
        authorize_all_groups: bool,
        /// The members of this group of the directory
        #[arg(long, value_name = "SID")]
        access_group_id: Option<String>,
        /// Limits.
        #[command(flatten)]
        limits: Limits,
        /// What to say of it
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        description: String,
    },
    /// Take an authorization back
    RevokeClientVpnIngress {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The rule's network
        #[arg(long, value_name = "CIDR")]
        target_network_cidr: String,
        /// The rule for everyone
        #[arg(long)]
        revoke_all_groups: bool,
        /// The rule for this group
        #[arg(long, value_name = "SID")]
        access_group_id: Option<String>,
    },
    /// Show an endpoint's authorization rules
    DescribeClientVpnAuthorizationRules(OfEndpoint),
    /// Send clients' packets for a network through a target network
    CreateClientVpnRoute {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// Where packets go to, for example 0.0.0.0/0
        #[arg(long, value_name = "CIDR")]
        destination_cidr_block: String,
        /// The associated subnet they go through
        #[arg(
            long,
            value_name = "ID",
            required_unless_present = "all_target_networks"
        )]
        target_vpc_subnet_id: Option<String>,
        /// Or every associated subnet, those that are associated later included
        #[arg(long, conflicts_with = "target_vpc_subnet_id")]
        all_target_networks: bool,
        /// What to say of it
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        description: String,
    },
    /// Delete a route that was made by hand
    DeleteClientVpnRoute {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The route's destination
        #[arg(long, value_name = "CIDR")]
        destination_cidr_block: String,
        /// The route's subnet, where several have such a route
        #[arg(long, value_name = "ID")]
        target_vpc_subnet_id: Option<String>,
        /// Or the route that was made for every associated subnet
        #[arg(long, conflicts_with = "target_vpc_subnet_id")]
        all_target_networks: bool,
    },
    /// Show an endpoint's route table
    DescribeClientVpnRoutes(OfEndpoint),
}

/// What an authorization rule is limited to; AWS has none of this.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct Limits {
    /// Only this protocol: tcp, udp or icmp
    #[arg(long, value_name = "PROTOCOL")]
    pub protocol: Option<String>,
    /// Only this destination port
    #[arg(long, value_name = "PORT", conflicts_with_all = ["from_port", "to_port"])]
    pub port: Option<u16>,
    /// Only destination ports from this one on
    #[arg(long, value_name = "PORT", requires = "to_port")]
    pub from_port: Option<u16>,
    /// Only destination ports up to this one
    #[arg(long, value_name = "PORT", requires = "from_port")]
    pub to_port: Option<u16>,
    /// Grant nothing from this time on, for example 2026-11-27T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub expires_at: Option<String>,
}
