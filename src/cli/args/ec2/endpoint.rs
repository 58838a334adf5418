//! Commands on endpoints, their target networks and connections.

use clap::{ArgAction, Args as Group, Subcommand, ValueEnum};

use super::{Endpoint, Filters, ModifyEndpoint, OfEndpoint, TagSpecifications};

/// Commands on endpoints, their target networks and connections.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum EndpointAction {
    /// Make a Client VPN endpoint
    CreateClientVpnEndpoint(Box<CreateEndpoint>),
    /// Show endpoints: all, or those named, or those that pass the filters
    DescribeClientVpnEndpoints {
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        client_vpn_endpoint_ids: Vec<String>,
        /// Filters endpoint-id, transport-protocol
        #[command(flatten)]
        filters: Filters,
    },
    /// Change an endpoint; what is not named stays
    ModifyClientVpnEndpoint(Box<ModifyEndpoint>),
    /// Delete an endpoint that has no target network any more
    DeleteClientVpnEndpoint(Endpoint),
    /// Open a subnet to an endpoint's clients; the first one opens the endpoint
    AssociateClientVpnTargetNetwork {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The subnet
        #[arg(long, value_name = "ID")]
        subnet_id: String,
    },
    /// Take a subnet from an endpoint; its routes go with it
    DisassociateClientVpnTargetNetwork {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The association
        #[arg(long, value_name = "ID")]
        association_id: String,
    },
    /// Show an endpoint's target networks
    DescribeClientVpnTargetNetworks {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// Show only these
        #[arg(long, value_name = "ID", num_args = 1..)]
        association_ids: Vec<String>,
        /// Filters.
        #[command(flatten)]
        filters: Filters,
    },
    /// Put security groups on an endpoint's target networks, in place of those they have
    ApplySecurityGroupsToClientVpnTargetNetwork {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// The VPC of its target networks
        #[arg(long, value_name = "ID")]
        vpc_id: String,
        /// The groups: 1 to 5 of that VPC
        #[arg(long, value_name = "ID", num_args = 1.., required = true)]
        security_group_ids: Vec<String>,
    },
    /// Print the file that clients connect with; --output text prints it as it is
    ExportClientVpnClientConfiguration {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// Put this client certificate of the store and its key inside
        #[arg(long, value_name = "ARN")]
        client_certificate_arn: Option<String>,
    },
    /// Show connections: active ones and those that ended within the last hour
    DescribeClientVpnConnections(OfEndpoint),
    /// End connections
    TerminateClientVpnConnections {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// This one
        #[arg(long, value_name = "ID")]
        connection_id: Option<String>,
        /// Or these
        #[arg(long, value_name = "ID", num_args = 1..)]
        connection_ids: Vec<String>,
        /// Or those of this user: at most five at once, unless the user is kept out too
        #[arg(long, value_name = "NAME")]
        username: Option<String>,
        /// Keep their clients out for so many minutes: 1 to 10080; all their connections end
        #[arg(long, value_name = "MINUTES")]
        block_minutes: Option<u32>,
    },
    /// Have clients reconnect at once, to get what they lack
    ReconnectClientVpnConnections {
        /// The endpoint.
        #[command(flatten)]
        endpoint: Endpoint,
        /// These; without it each one that lacks something
        #[arg(long, value_name = "ID", num_args = 1..)]
        connection_ids: Vec<String>,
    },
}

/// Options of `create-client-vpn-endpoint`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct CreateEndpoint {
    /// The range clients get addresses from: /16 to /22, for example 10.0.0.0/22
    #[arg(long, value_name = "CIDR")]
    pub client_cidr_block: String,
    /// The certificate the endpoint shows
    #[arg(long, value_name = "ARN")]
    pub server_certificate_arn: String,
    /// How clients prove who they are:
    /// Type=certificate-authentication,MutualAuthentication={ClientRootCertificateChainArn=ARN}
    #[arg(long, value_name = "OPTION", num_args = 1.., required = true)]
    pub authentication_options: Vec<String>,
    /// Whether and where connections are logged: Enabled=false, or
    /// Enabled=true,CloudwatchLogGroup=NAME and, where one is there, CloudwatchLogStream=NAME
    #[arg(long, value_name = "OPTION")]
    pub connection_log_options: String,
    /// DNS servers for clients: at most two
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    pub dns_servers: Vec<String>,
    /// What carries the tunnel
    #[arg(long, value_enum, default_value_t)]
    pub transport_protocol: Transport,
    /// The port to listen on; 443 where none is given
    #[arg(long, value_name = "PORT")]
    pub vpn_port: Option<u16>,
    /// Send only the route table's destinations through the tunnel
    #[arg(long, overrides_with = "no_split_tunnel", action = ArgAction::SetTrue)]
    pub split_tunnel: bool,
    /// Send everything through the tunnel; so it is where neither is given
    #[arg(long, action = ArgAction::SetTrue)]
    pub no_split_tunnel: bool,
    /// The VPC that target networks will be of
    #[arg(long, value_name = "ID")]
    pub vpc_id: Option<String>,
    /// Security groups of that VPC for the target networks; else the VPC's default group
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub security_group_ids: Vec<String>,
    /// What to say of it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub description: String,
    /// Tags.
    #[command(flatten)]
    pub tags: TagSpecifications,
}

/// What carries the tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// One datagram is one packet
    #[default]
    Udp,
    /// A stream, where UDP does not get through
    Tcp,
}
