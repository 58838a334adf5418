//! Making certificates: authorities, single ones, many at once, and for keys made elsewhere.

use std::{net::IpAddr, num::NonZero, thread};

use jiff::Timestamp;

use super::{CA_ARN, COMMON_NAME, NewCertificate, not_issued, refuse, with_chain};
use crate::{
    model::{
        Answer, Certificate, CertificateUse, Code, KeyType, Refusal,
        client_names::{self, MAX_NAMES},
        command::{CreateCertificateAuthority, IssueCertificate, IssueCertificates},
    },
    pki::{self, SecretPem},
    service::{
        Service, aside,
        change::{Change, Terms},
        endpoints::living,
        fields::needed,
    },
};

impl Service {
    /// Issues a certificate. What is slow is done before the transaction, here and below.
    pub(in crate::service) async fn issue_certificate(
        &self,
        terms: Terms,
        command: IssueCertificate,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let (authority, key) = self.authority(&command.ca_arn).await?;
        let new = aside(move || issue(&command, &authority, &key, now)).await?;
        self.change(terms, move |change| change.insert_certificate(new))
            .await
    }

    /// Issues a certificate for each name, all or none.
    pub(in crate::service) async fn issue_certificates(
        &self,
        terms: Terms,
        command: IssueCertificates,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        check_names(&command.common_names)?;
        let (authority, key) = self.authority(&command.ca_arn).await?;
        let endpoint = command.client_vpn_endpoint_id.clone();
        if let Some(id) = &endpoint {
            living(&self.snapshot(), id)?;
        }
        let new = aside(move || issue_many(&command, &authority, &key, now)).await?;
        self.change(terms, move |change| {
            change.insert_certificates(new, endpoint.as_deref())
        })
        .await
    }

    /// The authority that is to issue a certificate, with its private key.
    pub(in crate::service) async fn authority(
        &self,
        arn: &str,
    ) -> Result<(Certificate, SecretPem), Refusal> {
        let snapshot = self.snapshot();
        let authority = super::stored(&snapshot, CA_ARN, arn)?.clone();
        if let Some(key) = self.key_of(&authority).await? {
            return Ok((authority, key));
        }
        Err(refuse(
            CA_ARN,
            format!(
                "The store has no private key of {}, so it cannot issue; import the authority with its key, or make one here",
                authority.title()
            ),
        ))
    }
}

impl Change<'_, '_> {
    /// Puts them into the store; none where the configuration of an endpoint is wanted for each and
    /// could not be written, so that a second try does not issue each again.
    fn insert_certificates(
        &mut self,
        all: Vec<NewCertificate>,
        endpoint: Option<&str>,
    ) -> Result<Answer, Refusal> {
        let inserted = all.into_iter().map(|new| self.insert(new));
        let inserted = inserted.collect::<Result<Vec<_>, _>>()?;
        if let (Some(endpoint), Some(first)) = (endpoint, inserted.first()) {
            let snapshot = self.snapshot.clone();
            let endpoint = living(&snapshot, endpoint)?;
            self.client_configuration(endpoint, Some(first))?;
        }
        let arns = inserted.into_iter().map(|it| it.arn).collect();
        Ok(Answer::CertificateArns(arns))
    }
}

/// Makes an authority. Slow: to be called outside the transaction.
pub(in crate::service) fn make_authority(
    command: &CreateCertificateAuthority,
    now: Timestamp,
) -> Result<NewCertificate, Refusal> {
    needed(COMMON_NAME, &command.common_name, "Example VPN CA")?;
    let made = pki::make_ca(&command.common_name, key_type(command.key_type), now)
        .map_err(|error| not_issued(&error))?;
    NewCertificate::issued(made, None)
}

fn issue(
    command: &IssueCertificate,
    authority: &Certificate,
    key: &SecretPem,
    now: Timestamp,
) -> Result<NewCertificate, Refusal> {
    needed(COMMON_NAME, &command.common_name, "server.example.com")?;
    let mut request = pki::Request {
        key_type: key_type(command.key_type),
        validity_days: days(command.validity_days),
        ..match purpose(command.usage)? {
            pki::Usage::Server => pki::Request::server(&command.common_name),
            pki::Usage::Client => pki::Request::client(&command.common_name),
        }
    };
    add_names(&mut request, &command.alternative_names)?;
    issued(authority, key, &request, now)
}

fn issue_many(
    command: &IssueCertificates,
    authority: &Certificate,
    key: &SecretPem,
    now: Timestamp,
) -> Result<Vec<NewCertificate>, Refusal> {
    let each = |names: &[String]| {
        let each = names.iter().map(|name| {
            let request = pki::Request {
                key_type: key_type(command.key_type),
                validity_days: days(command.validity_days),
                ..pki::Request::client(name)
            };
            issued(authority, key, &request, now)
        });
        each.collect::<Result<Vec<_>, _>>()
    };
    // An RSA key takes a good part of a second: every core makes its share.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = command.common_names.len().div_ceil(cores).max(1);
    let parts = thread::scope(|scope| {
        let parts = command.common_names.chunks(share);
        let running: Vec<_> = parts.map(|names| scope.spawn(|| each(names))).collect();
        let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
        ended.collect::<Result<Vec<_>, _>>()
    });
    let parts = parts.map_err(|_| {
        Refusal::new(
            Code::InternalError,
            "The certificates could not be made; the log has the cause",
        )
    })?;
    let all = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().flatten().collect())
}

pub(super) fn issued(
    authority: &Certificate,
    key: &SecretPem,
    request: &pki::Request,
    now: Timestamp,
) -> Result<NewCertificate, Refusal> {
    let issued = pki::issue(&with_chain(authority), key, request, now)
        .map_err(|error| not_issued(&error))?;
    NewCertificate::issued(issued, Some(authority.arn.clone()))
}

pub(super) fn days(wanted: Option<u32>) -> u32 {
    wanted.unwrap_or(pki::DEFAULT_VALIDITY_DAYS)
}

pub(super) fn purpose(usage: CertificateUse) -> Result<pki::Usage, Refusal> {
    match usage {
        CertificateUse::Server => Ok(pki::Usage::Server),
        CertificateUse::Client => Ok(pki::Usage::Client),
        CertificateUse::Authority | CertificateUse::Other => {
            Err(refuse(USAGE, "A certificate is issued for a server or a client").cure("client"))
        }
    }
}

/// Takes in the further names of a server: each an address, or else a host name.
fn add_names(request: &mut pki::Request, names: &[String]) -> Result<(), Refusal> {
    if names.is_empty() {
        return Ok(());
    }
    if request.usage == pki::Usage::Client {
        return Err(refuse(
            ALTERNATIVE_NAMES,
            "A client is known by its common name alone; alternative names are for a server",
        ));
    }
    if names.len() > MAX_ALTERNATIVE_NAMES {
        return Err(refuse(
            ALTERNATIVE_NAMES,
            format!(
                "A certificate has at most {MAX_ALTERNATIVE_NAMES} alternative names; these are {}",
                names.len()
            ),
        ));
    }
    for name in names.iter().map(|name| name.trim()) {
        match name.parse::<IpAddr>() {
            Ok(address) => request.ip_addresses.push(address),
            Err(_) => request.dns_names.push(name.to_owned()),
        }
    }
    Ok(())
}

fn check_names(names: &[String]) -> Result<(), Refusal> {
    if names.is_empty() {
        return Err(Refusal::missing(COMMON_NAMES, "a.lindqvist"));
    }
    if names.len() > MAX_NAMES {
        return Err(Refusal::new(
            Code::Validation,
            format!(
                "At most {MAX_NAMES} certificates are issued at once; line {} is the first too many, so issue them in parts",
                MAX_NAMES + 1
            ),
        )
        .at(COMMON_NAMES));
    }
    match client_names::faults(names).into_iter().next() {
        Some(first) => Err(refuse(COMMON_NAMES, first.sentence)),
        None => Ok(()),
    }
}

pub(super) fn key_type(key_type: KeyType) -> pki::KeyType {
    match key_type {
        KeyType::EcdsaP256 => pki::KeyType::EcdsaP256,
        KeyType::Rsa2048 => pki::KeyType::Rsa2048,
    }
}

const ALTERNATIVE_NAMES: &str = "SubjectAlternativeNames";
const COMMON_NAMES: &str = "CommonNames";
const USAGE: &str = "Usage";
/// As many as ACM lets a certificate have.
const MAX_ALTERNATIVE_NAMES: usize = 100;
