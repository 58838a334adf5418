//! `gatehouse pki` as it is meant.

use super::{Action, Call, UsageError, words::contents};
use crate::{
    api::shape,
    cli::args::{self, Pki},
    control::pki_folder,
    model::{
        CertificateUse, Command, KeyType, client_names,
        command::{
            Bytes, CreateCertificateAuthority, ExportCertificate, ImportPki,
            InspectCertificateRequest, IssueCertificate, IssueCertificates, RenewCertificate,
            SignCertificateRequest,
        },
    },
};

pub(super) mod revocation;

/// Understands `gatehouse pki …`.
///
/// # Errors
/// [`UsageError`]; nothing was sent.
pub(super) fn action(pki: Pki) -> Result<Action, UsageError> {
    let command = match pki {
        Pki::IssueMany(it) => return many(it),
        Pki::SignCsr(it) => return Ok(Action::Sign(Box::new(sign(it)?))),
        pki => command(pki)?,
    };
    Ok(Action::Call(Box::new(Call {
        request: command.into(),
        shape: shape::answer_to,
    })))
}

fn command(pki: Pki) -> Result<Command, UsageError> {
    Ok(match pki {
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
            validity_days,
            alternative_names,
        } => Command::IssueCertificate(IssueCertificate {
            ca_arn,
            usage: use_of(usage),
            common_name,
            key_type: key_type(kind),
            validity_days,
            alternative_names,
        }),
        Pki::IssueMany(it) => Command::IssueCertificates(issue_many(&it)?),
        Pki::SignCsr(it) => Command::SignCertificateRequest(sign(it)?),
        Pki::InspectCsr { csr } => Command::InspectCertificateRequest(InspectCertificateRequest {
            csr: Bytes(contents("csr", csr)?),
        }),
        Pki::Renew {
            certificate,
            validity_days,
        } => Command::RenewCertificate(RenewCertificate {
            certificate_arn: certificate.certificate_arn,
            validity_days,
        }),
        Pki::Crl(action) => revocation::command(action)?,
        Pki::ImportEasyRsa { directory } => {
            let files = pki_folder::read(&directory).map_err(UsageError::Refused)?;
            Command::ImportPki(ImportPki { files })
        }
        Pki::Export {
            certificate_arn,
            private_key,
        } => Command::ExportCertificate(ExportCertificate {
            certificate_arn,
            with_private_key: private_key,
        }),
    })
}

fn many(it: args::IssueMany) -> Result<Action, UsageError> {
    let command = issue_many(&it)?;
    let (Some(directory), Some(endpoint)) = (it.profiles, it.client_vpn_endpoint_id) else {
        return Ok(Action::Call(Box::new(Call {
            request: Command::IssueCertificates(command).into(),
            shape: shape::answer_to,
        })));
    };
    Ok(Action::IssueMany(Box::new(Many {
        command,
        endpoint,
        directory,
        force: it.force,
    })))
}

fn sign(it: args::SignCsr) -> Result<SignCertificateRequest, UsageError> {
    Ok(SignCertificateRequest {
        ca_arn: it.ca_arn,
        csr: Bytes(contents("csr", it.csr)?),
        usage: use_of(it.usage),
        common_name: it.common_name,
        validity_days: it.validity_days,
    })
}

fn issue_many(it: &args::IssueMany) -> Result<IssueCertificates, UsageError> {
    let names = contents("names", it.names.clone())?;
    Ok(IssueCertificates {
        ca_arn: it.ca_arn.clone(),
        common_names: client_names::lines(&String::from_utf8_lossy(&names)),
        key_type: key_type(it.key_type),
        validity_days: it.validity_days,
        client_vpn_endpoint_id: it.client_vpn_endpoint_id.clone(),
    })
}

fn key_type(kind: args::KeyType) -> KeyType {
    match kind {
        args::KeyType::EcdsaP256 => KeyType::EcdsaP256,
        args::KeyType::Rsa2048 => KeyType::Rsa2048,
    }
}

fn use_of(usage: args::Usage) -> CertificateUse {
    match usage {
        args::Usage::Server => CertificateUse::Server,
        args::Usage::Client => CertificateUse::Client,
    }
}

/// Certificates for a list of names, each with a client configuration of its own.
#[derive(Debug)]
pub struct Many {
    /// The certificates.
    pub command: IssueCertificates,
    /// The endpoint that the configurations are for.
    pub endpoint: String,
    /// Where they go.
    pub directory: std::path::PathBuf,
    /// Whether files that are there are replaced.
    pub force: bool,
}
