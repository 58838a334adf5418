//! Options that change what is there: endpoints and tags.

use clap::{ArgAction, Args as Group};

use super::{Endpoint, Filters};

/// Options of `modify-client-vpn-endpoint`; what is not named stays. Client range, authentication
/// and transport never change.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct ModifyEndpoint {
    /// The endpoint.
    #[command(flatten)]
    pub endpoint: Endpoint,
    /// The certificate it shows from the next handshake on; sessions stay
    #[arg(long, value_name = "ARN")]
    pub server_certificate_arn: Option<String>,
    /// Whether and where connections are logged: Enabled=false, or
    /// Enabled=true,CloudwatchLogGroup=NAME and, where one is there, CloudwatchLogStream=NAME
    #[arg(long, value_name = "OPTION")]
    pub connection_log_options: Option<String>,
    /// All its DNS servers: CustomDnsServers=ADDRESS,ADDRESS,Enabled=true, or Enabled=false for none
    #[arg(long, value_name = "OPTION")]
    pub dns_servers: Option<String>,
    /// The port to listen on; live sessions end, and clients need the configuration file anew
    #[arg(long, value_name = "PORT")]
    pub vpn_port: Option<u16>,
    /// Send only the route table's destinations through the tunnel
    #[arg(long, overrides_with = "no_split_tunnel", action = ArgAction::SetTrue)]
    pub split_tunnel: bool,
    /// Send everything through the tunnel
    #[arg(long, action = ArgAction::SetTrue)]
    pub no_split_tunnel: bool,
    /// The VPC of the security groups; another one only without target networks
    #[arg(long, value_name = "ID")]
    pub vpc_id: Option<String>,
    /// Security groups of that VPC, in place of those there
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub security_group_ids: Vec<String>,
    /// What to say of it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Refuse where somebody has changed it since this change number; status shows it
    #[arg(long, value_name = "NUMBER")]
    pub seen_seq: Option<u64>,
}

/// Things and tags.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Tagging {
    /// The things: endpoints, VPCs and what belongs to them
    #[arg(long, value_name = "ID", num_args = 1.., required = true)]
    pub resources: Vec<String>,
    /// The tags: Key=KEY,Value=VALUE
    #[arg(long, value_name = "TAG", num_args = 1.., required = true)]
    pub tags: Vec<String>,
}

/// Things and tags to take off.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Untagging {
    /// The things
    #[arg(long, value_name = "ID", num_args = 1.., required = true)]
    pub resources: Vec<String>,
    /// The tags: Key=KEY, or Key=KEY,Value=VALUE for no other value; without this option all of them
    #[arg(long, value_name = "TAG", num_args = 1..)]
    pub tags: Vec<String>,
}

/// Commands on tags.
#[derive(Clone, Debug, PartialEq, clap::Subcommand)]
pub enum TagAction {
    /// Hang tags on things, in place of tags of the same keys
    CreateTags(Tagging),
    /// Take tags off things
    DeleteTags(Untagging),
    /// Show tags, and what they hang on
    DescribeTags {
        /// Filters key, value, resource-id, resource-type
        #[command(flatten)]
        filters: Filters,
    },
}
