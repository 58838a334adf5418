//! The command line as it is typed. Names and options of `ec2` and `acm` are AWS's.

use std::path::PathBuf;

use clap::{ArgAction, Args as Group, Parser, Subcommand, ValueEnum};

/// What AWS Client VPN does, on a machine of your own.
#[derive(Clone, Debug, PartialEq, Parser)]
#[command(name = "gatehouse", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    /// Options that go with every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do; without it, the window opens.
    #[command(subcommand)]
    pub face: Option<Face>,
}

/// Options that go with every command.
#[derive(Clone, Debug, Default, PartialEq, Group)]
pub struct Common {
    /// Where configuration and keys are kept [default: $GATEHOUSE_DATA_DIR, else a directory of
    /// your own]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// Accepted for scripts that were written for AWS; this installation is one region
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "REGION")]
    pub region: Option<String>,
    /// Open the data directory itself where no gatehouse runs on it, for this one command
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub offline: bool,
    /// How to print the answer
    #[arg(long, global = true, help_heading = EVERYWHERE, value_enum, default_value_t)]
    pub output: Output,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Indented JSON in AWS's shapes
    #[default]
    Json,
    /// Bare values with tabs between, as the AWS CLI prints them; a file as it is
    Text,
}

/// The commands of the first level.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Face {
    /// Run service and gateway without a window until SIGTERM, SIGINT or SIGHUP
    Serve {
        /// How packets get into the target network
        #[arg(long, value_enum, default_value_t)]
        network: NetworkChoice,
    },
    /// Show what runs, and whether it matches the configuration
    Status {
        /// Wait for a gateway, and until it matches; fail where an association cannot be made
        #[arg(long)]
        wait: bool,
        /// Give up waiting after this many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "wait",
              value_parser = clap::value_parser!(u64).range(1..=86_400))]
        timeout: u64,
    },
    /// Show or change what holds for the whole installation
    #[command(subcommand)]
    Settings(Settings),
    /// Make and hand out certificates of your own
    #[command(subcommand)]
    Pki(Pki),
    /// The certificate store, by the AWS CLI's names
    #[command(subcommand)]
    Acm(Acm),
    /// Endpoints, networks and connections, by the AWS CLI's names
    Ec2(Ec2),
    /// Networks that the gateway's machine is in
    #[command(subcommand)]
    Networks(Networks),
    /// Groups of users, who are known by the common name of their certificate
    #[command(subcommand)]
    Directory(Directory),
    /// Say whether a user reaches an address, and why
    Why(Why),
    /// Show who did what and how it ended, newest first
    Events {
        /// Show at most this many
        #[arg(long, value_name = "COUNT")]
        max_results: Option<u32>,
    },
    /// Show clients that were not let in, newest first
    Attempts {
        /// The endpoint
        #[arg(long, value_name = "ID")]
        client_vpn_endpoint_id: String,
    },
}

/// How packets get into the target network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NetworkChoice {
    /// Through a TUN device where one may be opened, else in user space
    #[default]
    Auto,
    /// Through a TUN device; needs CAP_NET_ADMIN
    Tun,
    /// Through ordinary sockets; needs no rights
    Userspace,
}

/// `gatehouse settings`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Settings {
    /// Show all settings
    Show,
    /// Change one setting
    #[command(subcommand)]
    Set(Setting),
}

/// `gatehouse settings set`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Setting {
    /// The host that client configurations name; "" goes back to this machine's own address
    PublicAddress {
        /// A host name or an IPv4 address, for example vpn.example.com
        host: String,
    },
    /// Seconds after which a session's keys are renewed
    RekeySeconds {
        /// 10 to 86400
        seconds: u32,
    },
}

/// `gatehouse pki`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Pki {
    /// Make a certificate authority
    CreateCa {
        /// The authority's name, for example "Example VPN CA"
        #[arg(long, value_name = "NAME")]
        common_name: String,
        /// The kind of its key
        #[arg(long, value_enum, default_value_t)]
        key_type: KeyType,
    },
    /// Issue a certificate under an authority made here or imported with its key
    Issue {
        /// The authority
        #[arg(long, value_name = "ARN")]
        ca_arn: String,
        /// What the certificate proves
        #[arg(long, value_enum)]
        usage: Usage,
        /// A server's domain name, or a client's name
        #[arg(long, value_name = "NAME")]
        common_name: String,
        /// The kind of its key
        #[arg(long, value_enum, default_value_t)]
        key_type: KeyType,
    },
    /// Hand out a certificate and the chain above it
    Export {
        /// The certificate
        #[arg(long, value_name = "ARN")]
        certificate_arn: String,
        /// Hand out its private key too; that is recorded
        #[arg(long)]
        private_key: bool,
    },
}

/// The kind of a key pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// ECDSA on P-256
    #[default]
    EcdsaP256,
    /// RSA with 2048 bits, for clients that know nothing else
    #[value(name = "rsa-2048")]
    Rsa2048,
}

/// What an issued certificate proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Usage {
    /// A server: extended key usage serverAuth
    Server,
    /// A client: extended key usage clientAuth
    Client,
}

/// `gatehouse acm`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Acm {
    /// Take in a certificate that was made elsewhere
    ImportCertificate {
        /// The certificate in PEM: file://PATH or the text itself
        #[arg(long, value_name = "PEM", allow_hyphen_values = true)]
        certificate: String,
        /// Its private key in PEM: file://PATH; a CA that only lets clients in needs none
        #[arg(long, value_name = "PEM", allow_hyphen_values = true)]
        private_key: Option<String>,
        /// The certificates above it in PEM: file://PATH
        #[arg(long, value_name = "PEM", allow_hyphen_values = true)]
        certificate_chain: Option<String>,
    },
    /// List the certificates of the store
    ListCertificates,
    /// Show what is in a certificate
    DescribeCertificate(CertificateArn),
    /// Print a certificate and its chain in PEM
    GetCertificate(CertificateArn),
    /// Take a certificate out of the store
    DeleteCertificate(CertificateArn),
}

/// Names a certificate.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct CertificateArn {
    /// The certificate
    #[arg(long, value_name = "ARN")]
    pub certificate_arn: String,
}

/// `gatehouse networks`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Networks {
    /// List the networks that can be imported
    List,
    /// Make a VPC with a subnet of each named interface's network
    Import {
        /// The interfaces, for example eth0
        #[arg(long, value_name = "NAME", num_args = 1.., required = true)]
        interfaces: Vec<String>,
    },
}

/// `gatehouse directory`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Directory {
    /// Make a group
    CreateGroup {
        /// What people call it
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Its SID, for example that of the group in another directory; else one is made
        #[arg(long, value_name = "SID")]
        sid: Option<String>,
    },
    /// Delete a group that no authorization rule names
    DeleteGroup {
        /// The group
        #[arg(long, value_name = "SID")]
        sid: String,
    },
    /// Make a user a member of a group; live sessions follow at once
    AddUser(Membership),
    /// End a user's membership in a group; live sessions follow at once
    RemoveUser(Membership),
    /// List the groups with their members
    ListGroups,
    /// List users: members, holders of client certificates of the store, and who is connected
    ListUsers,
}

/// A user in a group.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Membership {
    /// The group
    #[arg(long, value_name = "SID")]
    pub sid: String,
    /// The common name of the user's certificate
    #[arg(long, value_name = "NAME")]
    pub common_name: String,
}

/// `gatehouse why`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct Why {
    /// The endpoint.
    #[command(flatten)]
    pub endpoint: Endpoint,
    /// The user, by the common name of the certificate; each associated network is considered
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Or a live connection, with the target network it is bound to
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    pub connection_id: Option<String>,
    /// The address to reach
    #[arg(long, value_name = "ADDRESS")]
    pub destination: String,
    /// tcp, udp or icmp; without it, all traffic
    #[arg(long, value_name = "PROTOCOL")]
    pub protocol: Option<String>,
    /// The destination port; without it, all ports
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
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
    /// VPCs, subnets and internet gateways.
    #[command(flatten)]
    Network(NetworkAction),
}

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
        /// Or those of this user
        #[arg(long, value_name = "NAME")]
        username: Option<String>,
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
        #[arg(long, value_name = "ID")]
        target_vpc_subnet_id: String,
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
    },
    /// Show an endpoint's route table
    DescribeClientVpnRoutes(OfEndpoint),
}

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
    /// Whether connections are logged to a log group: Enabled=false
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

/// The heading in help of what a command shares with others.
const EVERYWHERE: &str = "Shared options";
/// What `gatehouse --help` ends with.
const EXAMPLES: &str = "\
Examples:
  gatehouse                                   open the window
  gatehouse serve                             run the gateway without a window
  gatehouse status --wait                     wait until what runs matches the configuration
  gatehouse pki create-ca --common-name \"Example VPN CA\"
  gatehouse acm import-certificate --certificate file://server.crt --private-key file://server.key
  gatehouse ec2 describe-client-vpn-endpoints
  gatehouse why --client-vpn-endpoint-id ID --user alice --destination 10.0.0.9 --protocol tcp --port 443
  gatehouse ec2 export-client-vpn-client-configuration --client-vpn-endpoint-id ID --output text

A command that is refused ends with status 1 and says why as JSON on standard error; one that is
mistyped ends with status 2.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_has_no_contradiction() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_option_and_command_has_a_sentence() {
        fn check(command: &clap::Command, path: &str) {
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string);
                assert!(
                    help.is_some_and(|help| help.len() > 5 && !help.ends_with('.')),
                    "{path} --{}",
                    arg.get_id()
                );
            }
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                assert!(sub.get_about().is_some(), "{path}");
                check(sub, &path);
            }
        }
        check(&Args::command(), "gatehouse");
    }

    #[test]
    fn help_shows_a_commands_own_options_first_and_apart() {
        let line = "gatehouse ec2 create-vpc --help".split_whitespace();
        let help = Args::try_parse_from(line).unwrap_err().to_string();
        let (own, shared) = help.split_once(EVERYWHERE).unwrap();
        assert!(own.contains("--cidr-block"), "{help}");
        for option in ["--data-dir", "--region", "--output", "--dry-run"] {
            assert!(shared.contains(option) && !own.contains(option), "{help}");
        }
    }

    #[test]
    fn options_for_every_command_may_stand_anywhere() {
        let parse = |text: &str| Args::try_parse_from(text.split_whitespace()).unwrap();
        let before = parse("gatehouse --data-dir /d --region eu-west-1 ec2 describe-vpcs");
        let after = parse("gatehouse ec2 describe-vpcs --region eu-west-1 --data-dir /d");
        assert_eq!(before, after);
        assert_eq!(before.common.region.as_deref(), Some("eu-west-1"));
    }
}
