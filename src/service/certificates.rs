//! The certificate store: make, issue, import, hand out, delete; and what may serve where.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, UnixTime};
use zeroize::Zeroizing;

mod import_pki;
mod issue;
mod replace;
mod sign;

use super::{
    change::Change,
    endpoints,
    fields::{invalid, listed, needed, random},
};
use crate::{
    model::{
        Answer, Certificate, CertificateArn, CertificateId, CertificateOrigin, CertificateUse,
        Code, Refusal, Snapshot,
        command::{CertificateName, ExportCertificate, Exported, ImportCertificate, Secret},
    },
    pki::{self, ExtendedKeyUsage, Inspected, SecretPem, Validity},
    store::{StoreError, Tx},
};

pub(super) use self::{issue::make_authority, sign::inspect as inspect_request};

/// A certificate that is not in the store yet.
pub(super) struct NewCertificate {
    facts: Inspected,
    certificate_pem: String,
    chain_pem: String,
    private_key: Option<SecretPem>,
    origin: CertificateOrigin,
    issued_by: Option<CertificateArn>,
}

/// Reads and checks a certificate that was made elsewhere.
pub(super) fn import(
    command: &ImportCertificate,
    now: Timestamp,
) -> Result<NewCertificate, Refusal> {
    if command.certificate.0.trim_ascii().is_empty() {
        return Err(Refusal::missing(
            "Certificate",
            "-----BEGIN CERTIFICATE-----",
        ));
    }
    let chain = command
        .certificate_chain
        .as_ref()
        .map(|chain| chain.0.as_slice())
        .filter(|chain| !chain.trim_ascii().is_empty());
    let key = command.private_key.as_ref().map(Secret::expose);
    let imported = pki::import(&command.certificate.0, key, chain, now)
        .map_err(|error| refuse(error.field(), error.to_string()))?;
    Ok(NewCertificate {
        facts: imported.inspected,
        certificate_pem: imported.certificate_pem,
        chain_pem: imported.chain_pem.unwrap_or_default(),
        private_key: imported.private_key_pem,
        origin: CertificateOrigin::Imported,
        issued_by: None,
    })
}

impl NewCertificate {
    fn issued(made: pki::Issued, issued_by: Option<CertificateArn>) -> Result<Self, Refusal> {
        Ok(Self {
            facts: inspected(&made.certificate_pem)?,
            certificate_pem: made.certificate_pem,
            chain_pem: made.chain_pem.unwrap_or_default(),
            private_key: Some(made.private_key_pem),
            origin: CertificateOrigin::Issued,
            issued_by,
        })
    }
}

impl Change<'_, '_> {
    pub(super) fn insert_certificate(&mut self, new: NewCertificate) -> Result<Answer, Refusal> {
        Ok(Answer::CertificateArn(self.insert(new)?.arn))
    }

    fn insert(&mut self, new: NewCertificate) -> Result<Certificate, Refusal> {
        let issuer = self.issuer(&new)?;
        self.insert_below(new, issuer.as_ref())
    }

    /// Puts a certificate into the store whose issuer is known.
    fn insert_below(
        &mut self,
        new: NewCertificate,
        issuer: Option<&CertificateArn>,
    ) -> Result<Certificate, Refusal> {
        let settings = &self.snapshot.settings;
        let arn = CertificateArn::from_random(&settings.region, &settings.account_id, random()?);
        let (certificate, key) = self.described(new, arn, issuer.cloned());
        self.concerns(&certificate.arn);
        let key = key.as_ref().map(|key| key.expose().as_bytes());
        self.tx.insert_certificate(&certificate, key)?;
        adopt(self.tx, &self.snapshot, &certificate)?;
        Ok(certificate)
    }

    /// The certificate of the store that signed a new one.
    fn issuer(&self, new: &NewCertificate) -> Result<Option<CertificateArn>, Refusal> {
        Ok(match &new.issued_by {
            // It was there when the certificate was made; it may have been deleted since.
            Some(arn) => Some(stored(&self.snapshot, CA_ARN, arn.as_str())?.arn.clone()),
            None => issuer_in_store(&self.snapshot, new, self.now),
        })
    }

    /// A new certificate as the store has it under `arn`, and its key.
    fn described(
        &self,
        new: NewCertificate,
        arn: CertificateArn,
        issued_by: Option<CertificateArn>,
    ) -> (Certificate, Option<SecretPem>) {
        let facts = new.facts;
        let certificate = Certificate {
            arn,
            usage: usage(&facts),
            serial: facts.serial.replace(':', ""),
            alternative_names: facts.sans.iter().map(ToString::to_string).collect(),
            key_algorithm: facts.key_algorithm.to_string(),
            fingerprint: facts.fingerprint_sha256.replace(':', ""),
            common_name: facts.common_name,
            subject: facts.subject,
            issuer: facts.issuer,
            not_before: facts.not_before,
            not_after: facts.not_after,
            origin: new.origin,
            issued_by,
            certificate_pem: new.certificate_pem,
            chain_pem: new.chain_pem,
            has_private_key: new.private_key.is_some(),
            created_at: self.now,
            revoked: None,
        };
        (certificate, new.private_key)
    }

    /// Hands a certificate out, with its private key if that is asked for.
    pub(super) fn export_certificate(
        &mut self,
        command: &ExportCertificate,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let certificate = stored(&snapshot, CERTIFICATE_ARN, &command.certificate_arn)?;
        self.concerns(&certificate.arn);
        let private_key_pem = if command.with_private_key {
            Some(Secret::new(self.private_key(certificate)?.to_vec()))
        } else {
            None
        };
        Ok(Answer::Exported(Exported {
            certificate_pem: certificate.certificate_pem.clone(),
            chain_pem: certificate.chain_pem.clone(),
            private_key_pem,
        }))
    }

    pub(super) fn delete_certificate(
        &mut self,
        command: &CertificateName,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let arn = &stored(&snapshot, CERTIFICATE_ARN, &command.certificate_arn)?.arn;
        self.concerns(arn);
        let mut users: Vec<String> = snapshot
            .endpoints
            .values()
            .filter(|endpoint| endpoints::certificates_of(endpoint).any(|used| used == arn))
            .map(|endpoint| endpoint.id.to_string())
            .collect();
        users.extend(
            snapshot
                .certificates
                .values()
                .filter(|other| other.issued_by.as_ref() == Some(arn))
                .map(|other| format!("the certificate {}", other.title())),
        );
        if !users.is_empty() {
            return Err(Refusal::new(
                Code::ResourceInUse,
                format!("The certificate is still used by {}", listed(users)),
            )
            .at(CERTIFICATE_ARN));
        }
        self.keeps_nobody_out(arn)?;
        self.tx.delete_certificate(arn)?;
        Ok(Answer::Done)
    }

    /// Refuses where what an authority has revoked would be forgotten with it, and where an endpoint
    /// would let those clients in again.
    fn keeps_nobody_out(&self, arn: &CertificateArn) -> Result<(), Refusal> {
        let snapshot = &self.snapshot;
        let revoked = self.tx.revoked(arn)?.len();
        let Some(authority) = snapshot.certificates.get(arn).filter(|_| revoked > 0) else {
            return Ok(());
        };
        let path = chain_der(authority)?;
        let endpoints = snapshot.endpoints.values().filter(|it| !it.deleting);
        let trusting = endpoints.filter(|endpoint| {
            let root = endpoint.client_root_certificate();
            let root = root.and_then(|arn| snapshot.certificates.get(arn));
            let roots = root.and_then(|root| client_roots(root).ok());
            roots.is_some_and(|roots| roots.iter().any(|root| path.contains(root)))
        });
        let trusting: Vec<String> = trusting.map(|it| it.id.to_string()).collect();
        if trusting.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(
            Code::ResourceInUse,
            format!(
                "{} has revoked {revoked} certificates, which would be let in again without it; it stays for as long as its clients may connect to {}",
                authority.title(),
                listed(trusting)
            ),
        )
        .at(CERTIFICATE_ARN))
    }

    /// The private key of a certificate in PEM.
    pub(super) fn private_key(
        &self,
        certificate: &Certificate,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        self.tx
            .private_key(&certificate.arn)?
            .ok_or_else(|| refuse(CERTIFICATE_ARN, format!("{}.", certificate.without_key())))
    }
}

/// The certificate of the store that the certificate store's own commands name.
pub(super) fn stored<'s>(
    snapshot: &'s Snapshot,
    field: &str,
    text: &str,
) -> Result<&'s Certificate, Refusal> {
    find(snapshot, field, text, Code::ResourceNotFound)
}

/// The certificate of the store that a field of an endpoint command names.
pub(super) fn named<'s>(
    snapshot: &'s Snapshot,
    field: &str,
    text: &str,
) -> Result<&'s Certificate, Refusal> {
    find(snapshot, field, text, Code::InvalidParameterValue)
}

fn find<'s>(
    snapshot: &'s Snapshot,
    field: &str,
    text: &str,
    missing: Code,
) -> Result<&'s Certificate, Refusal> {
    let text = needed(field, text, ARN_EXAMPLE)?;
    text.parse::<CertificateArn>()
        .ok()
        .and_then(|arn| snapshot.certificates.get(&arn))
        .map(AsRef::as_ref)
        .ok_or_else(|| {
            Refusal::new(missing, format!("The certificate {text} does not exist")).at(field)
        })
}

/// Whether an endpoint can show the certificate.
pub(super) fn check_server(certificate: &Certificate, now: Timestamp) -> Result<(), Refusal> {
    let facts = inspected(&certificate.certificate_pem)?;
    pki::check_server(&facts).map_err(|error| invalid(SERVER_CERTIFICATE, error.to_string()))?;
    check_dates(SERVER_CERTIFICATE, &facts, now)?;
    if certificate.has_private_key {
        return Ok(());
    }
    let why = certificate.without_key();
    Err(invalid(
        SERVER_CERTIFICATE,
        format!("{why}. Import the certificate with its key"),
    ))
}

/// Whether clients can be checked against the certificate's authorities.
pub(super) fn check_client_root(certificate: &Certificate, now: Timestamp) -> Result<(), Refusal> {
    for der in client_roots(certificate)? {
        let facts = pki::inspect_der(&der)
            .map_err(|error| invalid(CLIENT_ROOT, format!("The authority {error}")))?;
        check_dates(CLIENT_ROOT, &facts, now)?;
    }
    Ok(())
}

/// The authorities that the certificate stands for, in DER.
pub(super) fn client_roots(certificate: &Certificate) -> Result<Vec<Vec<u8>>, Refusal> {
    let chain = Some(certificate.chain_pem.as_str()).filter(|chain| !chain.is_empty());
    pki::check_client_ca(&certificate.certificate_pem, chain)
        .map_err(|error| invalid(CLIENT_ROOT, error.to_string()))
}

/// The certificate followed by those above it in PEM.
pub(super) fn with_chain(certificate: &Certificate) -> String {
    format!("{}{}", certificate.certificate_pem, certificate.chain_pem)
}

/// The certificate and those above it in DER, leaf first.
pub(super) fn chain_der(certificate: &Certificate) -> Result<Vec<Vec<u8>>, Refusal> {
    pki::split_bundle(with_chain(certificate)).map_err(|error| damaged(&error))
}

/// Whether a client that shows the certificate would pass at an endpoint whose client CA is
/// `root`.
pub(super) fn check_client(
    certificate: &Certificate,
    root: &Certificate,
    now: Timestamp,
) -> Result<(), Refusal> {
    let facts = inspected(&certificate.certificate_pem)?;
    let for_clients = facts
        .extended_key_usages
        .as_ref()
        .is_some_and(|usages| usages.contains(&ExtendedKeyUsage::ClientAuth));
    if !for_clients {
        return Err(invalid(
            CLIENT_CERTIFICATE,
            format!(
                "{} is no client certificate: its extended key usage lacks clientAuth",
                certificate.title()
            ),
        ));
    }
    check_dates(CLIENT_CERTIFICATE, &facts, now)?;
    if let Some(revocation) = certificate.revoked {
        return Err(invalid(
            CLIENT_CERTIFICATE,
            format!(
                "{} was revoked at {} and is not let in; choose another certificate",
                certificate.title(),
                revocation.at
            ),
        ));
    }
    if leads_to(certificate, root, now)? {
        return Ok(());
    }
    Err(invalid(
        CLIENT_CERTIFICATE,
        format!(
            "{} was not issued by the endpoint's client CA, {}; choose a certificate of that CA",
            certificate.title(),
            root.title()
        ),
    ))
}

/// Whether the certificate chains to an authority that `root` stands for.
fn leads_to(
    certificate: &Certificate,
    root: &Certificate,
    now: Timestamp,
) -> Result<bool, Refusal> {
    let roots: Vec<_> = client_roots(root)?
        .into_iter()
        .map(CertificateDer::from)
        .collect();
    let anchors: Vec<_> = roots
        .iter()
        .filter_map(|root| webpki::anchor_from_trusted_cert(root).ok())
        .collect();
    let mut chain = chain_der(certificate)?
        .into_iter()
        .map(CertificateDer::from);
    let Some(leaf) = chain.next() else {
        return Ok(false);
    };
    let above: Vec<_> = chain.collect();
    let Ok(leaf) = webpki::EndEntityCert::try_from(&leaf) else {
        return Ok(false);
    };
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let verified = leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &above,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        webpki::KeyUsage::client_auth(),
        None,
        None,
    );
    Ok(verified.is_ok())
}

/// What revocation lists name a certificate by; none where it cannot be read.
pub(super) fn id_of(der: &[u8]) -> Option<CertificateId> {
    let (issuer, serial) = pki::certificate_id(der)?;
    Some(CertificateId {
        issuer: digest(&issuer),
        serial,
    })
}

/// SHA-256 in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    data_encoding::HEXLOWER.encode(digest.as_ref())
}

pub(super) fn inspected(pem: &str) -> Result<Inspected, Refusal> {
    pki::inspect(pem).map_err(|error| damaged(&error))
}

fn check_dates(field: &str, facts: &Inspected, now: Timestamp) -> Result<(), Refusal> {
    match facts.validity_at(now) {
        Validity::Valid => Ok(()),
        Validity::Expired => Err(invalid(
            field,
            format!(
                "{} expired at {}; renew it and import the new one",
                facts.display_name(),
                facts.not_after
            ),
        )),
        Validity::NotYetValid => Err(invalid(
            field,
            format!(
                "{} is not valid before {}; check this machine's clock",
                facts.display_name(),
                facts.not_before
            ),
        )),
    }
}

/// The authority of the store that signed a certificate made elsewhere.
fn issuer_in_store(
    snapshot: &Snapshot,
    new: &NewCertificate,
    now: Timestamp,
) -> Option<CertificateArn> {
    if new.facts.self_signed {
        return None;
    }
    let signed = |authority: &&std::sync::Arc<Certificate>| {
        authority.usage == CertificateUse::Authority
            && authority.subject == new.facts.issuer
            && leads_straight_to(&new.certificate_pem, authority, now)
    };
    snapshot
        .certificates
        .values()
        .find(signed)
        .map(|authority| authority.arn.clone())
}

/// Finds the certificates that came into the store before the authority that issued them: whoever
/// has the authority can revoke them.
fn adopt(tx: &mut Tx<'_>, snapshot: &Snapshot, authority: &Certificate) -> Result<(), StoreError> {
    if authority.usage != CertificateUse::Authority {
        return Ok(());
    }
    for orphan in snapshot.certificates.values() {
        if orphan.issued_by.is_none() && is_issued_by(orphan, authority, tx.now()) {
            tx.set_issuer(&orphan.arn, Some(&authority.arn))?;
        }
    }
    Ok(())
}

/// Does so for all authorities of the store.
pub(super) fn adopt_all(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let snapshot = tx.snapshot();
    for authority in snapshot.certificates.values() {
        adopt(tx, &snapshot, authority)?;
    }
    Ok(())
}

/// Whether an authority signed a certificate of the store that is not its own.
fn is_issued_by(certificate: &Certificate, authority: &Certificate, now: Timestamp) -> bool {
    certificate.arn != authority.arn
        && certificate.issuer == authority.subject
        && certificate.issuer != certificate.subject
        && leads_straight_to(&certificate.certificate_pem, authority, now)
}

fn leads_straight_to(certificate_pem: &str, authority: &Certificate, now: Timestamp) -> bool {
    let chain = Some(authority.certificate_pem.as_bytes());
    pki::import(certificate_pem.as_bytes(), None, chain, now).is_ok()
}

fn usage(facts: &Inspected) -> CertificateUse {
    let has = |usage| {
        facts
            .extended_key_usages
            .as_ref()
            .is_some_and(|usages| usages.contains(&usage))
    };
    if facts.may_sign_certificates() {
        CertificateUse::Authority
    } else if has(ExtendedKeyUsage::ServerAuth) {
        CertificateUse::Server
    } else if has(ExtendedKeyUsage::ClientAuth) {
        CertificateUse::Client
    } else {
        CertificateUse::Other
    }
}

fn refuse(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Validation, message).at(field)
}

fn not_issued(error: &pki::IssueError) -> Refusal {
    match error.field() {
        Some("CertificateAuthority") => refuse(CA_ARN, error.to_string()),
        Some(field) => refuse(field, error.to_string()),
        None => Refusal::new(Code::InternalError, error.to_string()),
    }
}

/// What was checked when it came into the store can no longer be read.
fn damaged(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a stored certificate cannot be read");
    Refusal::new(
        Code::InternalError,
        "A certificate of the store cannot be read; the log has the cause",
    )
}

pub(super) const SERVER_CERTIFICATE: &str = "ServerCertificateArn";
pub(super) const CLIENT_ROOT: &str = "ClientRootCertificateChainArn";
pub(super) const CLIENT_CERTIFICATE: &str = "ClientCertificateArn";
pub(super) const CA_ARN: &str = "CaArn";
pub(super) const CERTIFICATE_ARN: &str = "CertificateArn";
const COMMON_NAME: &str = "CommonName";
const ARN_EXAMPLE: &str =
    "arn:aws:acm:local-1:000000000000:certificate/12345678-1234-4234-8234-123456789012";
