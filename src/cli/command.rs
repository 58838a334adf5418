//! The command line as it is meant: files are read, shorthand is understood, and what is left is a
//! [`Request`] like any other face's. Values are judged by the service, not here.

use std::{io, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use self::words::contents;
use super::{
    args::{self, Acm, Connections, Directory, Face, Iam, Networks, Setting, Settings},
    connect::Connect,
    shorthand::ShorthandError,
};
use crate::{
    api::shape,
    control::ModeChoice,
    model::{
        Answer, Code, Command, Refusal, Request, ScenarioKind,
        command::{
            Bytes, CertificateName, CreateGroup, EgressChoice, ExportCertificate, GroupName,
            ImportCertificate, ImportHostNetworks, LookupEvents, Membership, ModifySettings,
            ModifySubnetEgress, OfEndpoint, RoleDeletionTask, Secret, SignCertificateRequest,
            UnblockClient, Why,
        },
        diagnosis::TestConnection,
        role::{ROLE_NAME, ROLE_SERVICE},
        scenario::DescribeScenario,
    },
};

mod ec2;
pub mod line;
mod logs;
mod pki;
mod record;
mod words;

pub use self::{logs::Search, pki::Many};

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Open the window.
    Window,
    /// Run without a window.
    Serve(ModeChoice),
    /// Show the status, once or when it has settled within the time.
    Status {
        /// How long to wait for it; none shows it as it is.
        wait: Option<Duration>,
    },
    /// Be a client of a server.
    Connect(Box<Connect>),
    /// Send a command and print its answer.
    Call(Box<Call>),
    /// Issue certificates for many, and write a configuration for each.
    IssueMany(Box<Many>),
    /// Search a log over all pages, or follow it.
    Search(Box<Search>),
    /// Sign a certificate request, and print the certificate.
    Sign(Box<SignCertificateRequest>),
    /// Make, show or restore a backup.
    Backup(args::Backup),
    /// Show how far a scenario has come.
    Scenario {
        /// Which one, and what is to be known of it.
        of: DescribeScenario,
        /// Whether to carry out what is missing first.
        apply: bool,
    },
}

/// A command and the shape its answer is printed in.
#[derive(Debug)]
pub struct Call {
    /// The command.
    pub request: Request,
    /// AWS's shape of the answer.
    pub shape: Shape,
}

/// Makes the form in which the answer to a command is printed, at a time.
pub type Shape = fn(&Command, &Answer, Timestamp) -> Value;

/// Why a command line cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A structured option is malformed.
    #[error("--{option}: {source}")]
    Shorthand {
        /// The option.
        option: &'static str,
        /// Where and why.
        source: ShorthandError,
    },
    /// A structured option is well formed and says something that it cannot say.
    #[error("--{option}: {what}")]
    Value {
        /// The option.
        option: &'static str,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A file that an option names cannot be read.
    #[error("--{option}: {path} cannot be read: {source}")]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It was understood, and would be refused.
    #[error("{0}")]
    Refused(Refusal),
}

/// Understands a command line.
///
/// # Errors
/// [`UsageError`]; nothing was sent.
pub fn understand(face: Option<Face>) -> Result<Action, UsageError> {
    let mut shape: Shape = shape::answer_to;
    let command = match face {
        None => return Ok(Action::Window),
        Some(Face::Serve { network }) => return Ok(Action::Serve(mode_choice(network))),
        Some(Face::Status { wait, timeout }) => {
            let wait = wait.then(|| Duration::from_secs(timeout));
            return Ok(Action::Status { wait });
        }
        Some(Face::Connect(connect)) => return Ok(Action::Connect(Box::new(connect))),
        Some(Face::Ec2(it)) => return Ok(Action::Call(Box::new(ec2::call(it)?))),
        Some(Face::Backup(it)) => return Ok(Action::Backup(it)),
        Some(Face::CloudTrail(it)) => return Ok(Action::Call(Box::new(record::call(it)?))),
        Some(Face::Scenario(it)) => {
            let apply = it.apply;
            let of = scenario(it);
            return Ok(Action::Scenario { of, apply });
        }
        Some(Face::Settings(settings)) => settings_command(settings),
        Some(Face::Pki(it)) => return pki::action(it),
        Some(Face::Acm(acm)) => acm_command(acm)?,
        Some(Face::Iam(iam)) => iam_command(iam)?,
        Some(Face::Logs(it)) => return Ok(logs::action(it)),
        Some(Face::Connections(it)) => connections_command(it),
        Some(Face::Networks(networks)) => networks_command(networks),
        Some(Face::Directory(directory)) => directory_command(directory),
        Some(Face::Why(it)) => Command::Why(Why {
            client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
            user: it.user,
            connection_id: it.connection_id,
            destination: it.destination,
            protocol: it.protocol,
            port: it.port,
        }),
        Some(Face::Preview(it)) => Command::PreviewChange(Box::new(change(*it)?)),
        Some(Face::Doctor) => Command::Diagnose,
        Some(Face::TestConnection(it)) => Command::TestConnection(test_connection(it)),
        Some(Face::Drops) => {
            shape = shape::drops;
            Command::DescribeStatus
        }
        Some(Face::Events { max_results }) => Command::LookupEvents(LookupEvents {
            max_results,
            ..LookupEvents::default()
        }),
        Some(Face::Attempts {
            client_vpn_endpoint_id,
        }) => Command::DescribeConnectionAttempts(OfEndpoint {
            client_vpn_endpoint_id,
        }),
    };
    let request = command.into();
    Ok(Action::Call(Box::new(Call { request, shape })))
}

/// The command that `gatehouse preview` is asked about.
fn change(preview: args::Preview) -> Result<Command, UsageError> {
    match preview {
        args::Preview::Ec2(it) if it.dry_run => Err(previewed("dry-run")),
        args::Preview::Ec2(it) if it.client_token.is_some() => Err(previewed("client-token")),
        args::Preview::Ec2(it) => ec2::command(it.action),
        args::Preview::Directory(it) => Ok(directory_command(it)),
        args::Preview::Networks(it) => Ok(networks_command(it)),
    }
}

fn previewed(option: &'static str) -> UsageError {
    UsageError::Value {
        option,
        what: "a preview carries nothing out: leave it away".to_owned(),
    }
}

fn scenario(it: args::Scenario) -> DescribeScenario {
    use args::ScenarioName as Name;
    DescribeScenario {
        client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
        scenario: match it.name {
            Name::Vpc => ScenarioKind::Vpc,
            Name::PeeredVpc => ScenarioKind::PeeredVpc,
            Name::OnPremises => ScenarioKind::OnPremises,
            Name::Internet => ScenarioKind::Internet,
            Name::RestrictResources => ScenarioKind::RestrictResources,
        },
        peer_vpc_id: it.peer_vpc_id,
        destination_cidr_block: it.destination_cidr_block,
        access_group_id: it.access_group_id,
        network_interface_id: it.network_interface_id,
        keep_out: it.keep_out,
    }
}

fn test_connection(it: args::TestConnection) -> TestConnection {
    TestConnection {
        client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
        user: it.user,
        destination: it.destination,
        protocol: it.protocol,
        port: it.port,
    }
}

fn networks_command(networks: Networks) -> Command {
    match networks {
        Networks::List => Command::DescribeHostNetworks,
        Networks::Import { interfaces } => {
            Command::ImportHostNetworks(ImportHostNetworks { interfaces })
        }
        Networks::SetEgress {
            subnet_id,
            interface,
            source_address,
            no_nat,
        } => Command::ModifySubnetEgress(ModifySubnetEgress {
            subnet_id,
            egress: EgressChoice {
                interface,
                source_address,
                nat: no_nat.then_some(false),
            },
        }),
    }
}

fn mode_choice(choice: args::NetworkChoice) -> ModeChoice {
    match choice {
        args::NetworkChoice::Auto => ModeChoice::Auto,
        args::NetworkChoice::Tun => ModeChoice::Tun,
        args::NetworkChoice::Userspace => ModeChoice::Userspace,
    }
}

fn settings_command(settings: Settings) -> Command {
    let Settings::Set(setting) = settings else {
        return Command::DescribeSettings;
    };
    let mut modify = ModifySettings::default();
    match setting {
        Setting::PublicAddress { host } => modify.public_address = Some(host),
        Setting::RekeySeconds { seconds } => modify.rekey_secs = Some(seconds),
        Setting::EndpointDomain { domain } => modify.endpoint_domain = Some(domain),
        Setting::MaxEndpoints { number } => modify.max_endpoints = Some(number),
        Setting::MaxAuthorizationRules { number } => modify.max_rules = Some(number),
        Setting::MaxRoutes { number } => modify.max_routes = Some(number),
        Setting::MaxConnections { number } => modify.max_connections = Some(number),
        Setting::MaxRevocations { number } => modify.max_revocations = Some(number),
    }
    Command::ModifySettings(modify)
}

fn connections_command(connections: Connections) -> Command {
    match connections {
        Connections::Unblock {
            endpoint,
            common_name,
        } => Command::UnblockClient(UnblockClient {
            client_vpn_endpoint_id: endpoint.client_vpn_endpoint_id,
            common_name,
        }),
        Connections::Blocks(it) => Command::DescribeClientBlocks(OfEndpoint {
            client_vpn_endpoint_id: it.client_vpn_endpoint_id,
        }),
    }
}

/// There is one role and one service: a command for another names nothing that the service knows.
fn iam_command(iam: Iam) -> Result<Command, UsageError> {
    let only = |field, given: &str, there_is: &str| {
        if given == there_is {
            return Ok(());
        }
        let what = format!("\"{given}\" is not here; there is {there_is}");
        let refusal = Refusal::new(Code::NoSuchEntity, what).at(field);
        Err(UsageError::Refused(refusal.cure(there_is)))
    };
    Ok(match iam {
        Iam::GetRole(it) => {
            only("RoleName", &it.role_name, ROLE_NAME)?;
            Command::GetServiceLinkedRole
        }
        Iam::CreateServiceLinkedRole { aws_service_name } => {
            only("AWSServiceName", &aws_service_name, ROLE_SERVICE)?;
            Command::CreateServiceLinkedRole
        }
        Iam::DeleteServiceLinkedRole(it) => {
            only("RoleName", &it.role_name, ROLE_NAME)?;
            Command::DeleteServiceLinkedRole
        }
        Iam::GetServiceLinkedRoleDeletionStatus { deletion_task_id } => {
            Command::GetServiceLinkedRoleDeletionStatus(RoleDeletionTask { deletion_task_id })
        }
    })
}

fn directory_command(directory: Directory) -> Command {
    let membership = |it: args::Membership| Membership {
        sid: it.sid,
        common_name: it.common_name,
    };
    match directory {
        Directory::CreateGroup { name, sid } => Command::CreateGroup(CreateGroup { name, sid }),
        Directory::DeleteGroup { sid } => Command::DeleteGroup(GroupName { sid }),
        Directory::AddUser(it) => Command::AddUserToGroup(membership(it)),
        Directory::RemoveUser(it) => Command::RemoveUserFromGroup(membership(it)),
        Directory::ListGroups => Command::DescribeGroups,
        Directory::ListUsers => Command::DescribeUsers,
    }
}

fn acm_command(acm: Acm) -> Result<Command, UsageError> {
    let name = |it: args::CertificateArn| CertificateName {
        certificate_arn: it.certificate_arn,
    };
    Ok(match acm {
        Acm::ImportCertificate {
            certificate,
            private_key,
            certificate_chain,
            certificate_arn,
        } => {
            let key = private_key.map(|value| contents("private-key", value));
            let chain = certificate_chain.map(|value| contents("certificate-chain", value));
            Command::ImportCertificate(ImportCertificate {
                certificate: Bytes(contents("certificate", certificate)?),
                private_key: key.transpose()?.map(Secret::new),
                certificate_chain: chain.transpose()?.map(Bytes),
                certificate_arn,
            })
        }
        Acm::ListCertificates => Command::ListCertificates,
        Acm::DescribeCertificate(it) => Command::DescribeCertificate(name(it)),
        Acm::GetCertificate(it) => Command::ExportCertificate(ExportCertificate {
            certificate_arn: it.certificate_arn,
            with_private_key: false,
        }),
        Acm::DeleteCertificate(it) => Command::DeleteCertificate(name(it)),
    })
}

#[cfg(test)]
mod tests;
