//! The command line as it is meant: files are read, shorthand is understood, and what is left is a
//! [`Request`] like any other face's. Values are judged by the service, not here.

use std::{io, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use self::words::contents;
use super::{
    args::{self, Acm, Directory, Face, Networks, Pki, Setting, Settings},
    shorthand::ShorthandError,
};
use crate::{
    api::shape,
    control::ModeChoice,
    model::{
        Answer, CertificateUse, Command, KeyType, Request,
        command::{
            Bytes, CertificateName, CreateCertificateAuthority, CreateGroup, ExportCertificate,
            GroupName, ImportCertificate, ImportHostNetworks, IssueCertificate, LookupEvents,
            Membership, ModifySettings, OfEndpoint, Secret, Why,
        },
    },
};

mod ec2;
mod words;

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
    /// Send a command and print its answer.
    Call(Box<Call>),
}

/// A command and the shape its answer is printed in.
#[derive(Debug)]
pub struct Call {
    /// The command.
    pub request: Request,
    /// AWS's shape of the answer.
    pub shape: fn(&Answer, Timestamp) -> Value,
}

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
}

/// Understands a command line.
///
/// # Errors
/// [`UsageError`]; nothing was sent.
pub fn understand(face: Option<Face>) -> Result<Action, UsageError> {
    let command = match face {
        None => return Ok(Action::Window),
        Some(Face::Serve { network }) => return Ok(Action::Serve(mode_choice(network))),
        Some(Face::Status { wait, timeout }) => {
            let wait = wait.then(|| Duration::from_secs(timeout));
            return Ok(Action::Status { wait });
        }
        Some(Face::Ec2(ec2)) => return ec2::call(ec2),
        Some(Face::Settings(settings)) => settings_command(settings),
        Some(Face::Pki(pki)) => pki_command(pki),
        Some(Face::Acm(acm)) => acm_command(acm)?,
        Some(Face::Networks(Networks::List)) => Command::DescribeHostNetworks,
        Some(Face::Networks(Networks::Import { interfaces })) => {
            Command::ImportHostNetworks(ImportHostNetworks { interfaces })
        }
        Some(Face::Directory(directory)) => directory_command(directory),
        Some(Face::Why(it)) => Command::Why(Why {
            client_vpn_endpoint_id: it.endpoint.client_vpn_endpoint_id,
            user: it.user,
            connection_id: it.connection_id,
            destination: it.destination,
            protocol: it.protocol,
            port: it.port,
        }),
        Some(Face::Events { max_results }) => Command::LookupEvents(LookupEvents { max_results }),
        Some(Face::Attempts {
            client_vpn_endpoint_id,
        }) => Command::DescribeConnectionAttempts(OfEndpoint {
            client_vpn_endpoint_id,
        }),
    };
    Ok(Action::Call(Box::new(Call {
        request: command.into(),
        shape: shape::answer,
    })))
}

fn mode_choice(choice: args::NetworkChoice) -> ModeChoice {
    match choice {
        args::NetworkChoice::Auto => ModeChoice::Auto,
        args::NetworkChoice::Tun => ModeChoice::Tun,
        args::NetworkChoice::Userspace => ModeChoice::Userspace,
    }
}

fn settings_command(settings: Settings) -> Command {
    match settings {
        Settings::Show => Command::DescribeSettings,
        Settings::Set(Setting::PublicAddress { host }) => Command::ModifySettings(ModifySettings {
            public_address: Some(host),
            ..ModifySettings::default()
        }),
        Settings::Set(Setting::RekeySeconds { seconds }) => {
            Command::ModifySettings(ModifySettings {
                rekey_secs: Some(seconds),
                ..ModifySettings::default()
            })
        }
    }
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

fn key_type(kind: args::KeyType) -> KeyType {
    match kind {
        args::KeyType::EcdsaP256 => KeyType::EcdsaP256,
        args::KeyType::Rsa2048 => KeyType::Rsa2048,
    }
}

fn pki_command(pki: Pki) -> Command {
    match pki {
        Pki::CreateCa {
            common_name,
            key_type: kind,
        } => Command::CreateCertificateAuthority(CreateCertificateAuthority {
            common_name,
            key_type: key_type(kind),
        }),
        Pki::Issue {
            ca_arn,
            usage,
            common_name,
            key_type: kind,
        } => Command::IssueCertificate(IssueCertificate {
            ca_arn,
            usage: match usage {
                args::Usage::Server => CertificateUse::Server,
                args::Usage::Client => CertificateUse::Client,
            },
            common_name,
            key_type: key_type(kind),
        }),
        Pki::Export {
            certificate_arn,
            private_key,
        } => Command::ExportCertificate(ExportCertificate {
            certificate_arn,
            with_private_key: private_key,
        }),
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
        } => {
            let key = private_key.map(|value| contents("private-key", value));
            let chain = certificate_chain.map(|value| contents("certificate-chain", value));
            Command::ImportCertificate(ImportCertificate {
                certificate: Bytes(contents("certificate", certificate)?),
                private_key: key.transpose()?.map(Secret::new),
                certificate_chain: chain.transpose()?.map(Bytes),
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
