//! The command line as it is typed. Names and options of `ec2` and `acm` are AWS's.

use std::path::PathBuf;

use super::connect::{self, Connect};
use crate::model::settings::most;
use clap::{Args as Group, Parser, Subcommand, ValueEnum};

mod backup;
mod check;
mod connections;
mod ec2;
mod logs;
mod pki;
mod record;
mod role;

pub use self::{backup::*, check::*, connections::*, ec2::*, logs::*, pki::*, record::*, role::*};

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
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIRECTORY",
          overrides_with = "data_dir")]
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
    /// Connect to a server as a client does, to test it; this machine's network stays as it is
    #[command(after_help = connect::EXAMPLES)]
    Connect(Connect),
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
    /// The service-linked role, by the AWS CLI's names
    #[command(subcommand)]
    Iam(Iam),
    /// The connection log, by the AWS CLI's names
    #[command(subcommand)]
    Logs(Logs),
    /// The event record, by the AWS CLI's names
    #[command(name = "cloudtrail", subcommand)]
    CloudTrail(CloudTrail),
    /// The whole installation in one file
    ///
    /// The file holds the configuration, the certificates, the revocation lists and every private
    /// key; the event history, the events of logs and the connections stay with the machine. It is
    /// locked with a passphrase: who has both has every key, so keep them apart.
    ///
    /// The passphrase is asked for on the terminal, and not shown as it is typed; where standard
    /// input is no terminal, it is the first line of that. --passphrase-file takes it from a file. It
    /// is kept nowhere: a lost passphrase cannot be recovered, and without it nobody opens the file
    /// again.
    #[command(subcommand)]
    Backup(Backup),
    /// Clients that are kept out for a while
    #[command(subcommand)]
    Connections(Connections),
    /// Networks that the gateway's machine is in
    #[command(subcommand)]
    Networks(Networks),
    /// Groups of users, who are known by the common name of their certificate
    #[command(subcommand)]
    Directory(Directory),
    /// Say whether a user reaches an address, and why
    Why(Why),
    /// Show what a change would do to who reaches what, without making it
    #[command(subcommand)]
    Preview(Box<Preview>),
    /// Show how far a scenario of AWS's guide has come and what is missing, or do what is missing
    Scenario(Scenario),
    /// Find what this machine does to the traffic of clients, and how to mend it; fails on a problem
    Doctor,
    /// Connect as a user's client would, and say step by step what it meets; fails where it fails
    TestConnection(TestConnection),
    /// Show what was not carried: packets and attempts by reason, and attempts by where they came from
    Drops,
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
    /// The domain whose names all lead here, so that each endpoint has a name of its own; "" for none
    EndpointDomain {
        /// A host name with a dot, for example vpn.example.com; its DNS answers for *.vpn.example.com
        domain: String,
    },
    /// Most endpoints
    MaxEndpoints {
        /// How many; the help says up to what.
        #[arg(help = format!("1 to {}", most::ENDPOINTS))]
        number: u32,
    },
    /// Most authorization rules of one endpoint
    MaxAuthorizationRules {
        /// How many; the help says up to what.
        #[arg(help = format!("1 to {}", most::RULES))]
        number: u32,
    },
    /// Most routes of one endpoint that are added by hand
    MaxRoutes {
        /// How many; the help says up to what.
        #[arg(help = format!("1 to {}", most::ROUTES))]
        number: u32,
    },
    /// Most live connections of one endpoint
    MaxConnections {
        /// How many; the help says up to what.
        #[arg(help = format!("1 to {}", most::CONNECTIONS))]
        number: u32,
    },
    /// Most entries of a revocation list
    MaxRevocations {
        /// How many; the help says up to what.
        #[arg(help = format!("1 to {}", most::REVOCATIONS))]
        number: u32,
    },
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
        /// The certificate to put it in place of: it keeps its ARN, and what uses it goes on with
        /// the new one
        #[arg(long, value_name = "ARN")]
        certificate_arn: Option<String>,
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
    /// Say how packets leave this machine for a subnet, in place of what was said before
    SetEgress {
        /// The subnet
        #[arg(long, value_name = "ID")]
        subnet_id: String,
        /// Through this interface, for example eth1; without it and an address, by its own routes
        #[arg(long, value_name = "NAME", conflicts_with = "source_address")]
        interface: Option<String>,
        /// From this address of the machine
        #[arg(long, value_name = "ADDRESS")]
        source_address: Option<String>,
        /// Show targets the clients' own addresses; they need a route back
        #[arg(long)]
        no_nat: bool,
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
  gatehouse preview ec2 revoke-client-vpn-ingress --client-vpn-endpoint-id ID --target-network-cidr 10.0.0.0/16 --revoke-all-groups
  gatehouse scenario --client-vpn-endpoint-id ID --name internet
  gatehouse logs filter-log-events --log-group-name client-vpn --filter-pattern failed --follow
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
