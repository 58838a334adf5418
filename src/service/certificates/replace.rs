//! Putting a certificate in another's place: renewed here, or imported again.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use super::{
    CERTIFICATE_ARN, NewCertificate, check_client_root, check_server, issue, refuse, stored,
};
use crate::{
    model::{
        Answer, Certificate, CertificateArn, CertificateUse, Code, Refusal,
        command::{ImportCertificate, RenewCertificate},
    },
    pki::{self, ExtendedKeyUsage, Inspected, KeyAlgorithm, SecretPem, SubjectAltName},
    service::{
        Service, aside,
        change::{Change, Terms},
        endpoints, fields,
    },
};

impl Service {
    /// Puts a certificate with later dates in the place of one like it.
    pub(in crate::service) async fn renew_certificate(
        &self,
        terms: Terms,
        command: RenewCertificate,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot();
        let old = stored(&snapshot, CERTIFICATE_ARN, &command.certificate_arn)?.clone();
        let Some(signer) = old.renewer(&snapshot).cloned() else {
            return Err(cannot_renew(&old));
        };
        let key = self
            .key_of(&signer)
            .await?
            .ok_or_else(|| cannot_renew(&old))?;
        let days = command.validity_days;
        let (new, old) = aside(move || Ok((renewed(&old, &signer, &key, days, now)?, old))).await?;
        self.change(terms, move |change| {
            change.replace(&old, new, CERTIFICATE_ARN)
        })
        .await
    }

    /// Takes in a certificate made elsewhere, in the place of another where one is named.
    pub(in crate::service) async fn import_certificate(
        &self,
        terms: Terms,
        command: ImportCertificate,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let old = command.certificate_arn.as_deref().map(str::trim);
        let old = match old.filter(|arn| !arn.is_empty()) {
            Some(arn) => Some(stored(&self.snapshot(), CERTIFICATE_ARN, arn)?.clone()),
            None => None,
        };
        let new = aside(move || super::import(&command, now)).await?;
        self.change(terms, move |change| match old {
            Some(old) => change.replace(&old, new, CERTIFICATE),
            None => change.insert_certificate(new),
        })
        .await
    }

    /// The private key of a certificate, if the store has it.
    pub(super) async fn key_of(
        &self,
        certificate: &Certificate,
    ) -> Result<Option<SecretPem>, Refusal> {
        let arn = certificate.arn.clone();
        let key = self.inner.store.transact(crate::clock::now(), move |tx| {
            Ok::<_, Refusal>(tx.private_key(&arn)?)
        });
        let key = key.await?;
        Ok(key
            .and_then(|key| String::from_utf8(key.to_vec()).ok())
            .map(SecretPem::new))
    }
}

fn cannot_renew(certificate: &Certificate) -> Refusal {
    let title = certificate.title();
    let why = if let Some(revocation) = certificate.revoked {
        format!(
            "{title} was revoked at {}, and a revoked certificate stays so; issue another one",
            revocation.at
        )
    } else if !certificate.has_private_key {
        format!(
            "{}; sign a new request of its holder, or import the renewed certificate in its place",
            certificate.without_key()
        )
    } else {
        format!(
            "The authority that issued {title} is not in the store with its private key; import the renewed certificate in its place"
        )
    };
    refuse(CERTIFICATE_ARN, why)
}

fn renewed(
    old: &Certificate,
    signer: &Certificate,
    key: &SecretPem,
    days: Option<u32>,
    now: Timestamp,
) -> Result<NewCertificate, Refusal> {
    let facts = super::inspected(&old.certificate_pem)?;
    if old.usage == CertificateUse::Authority {
        let days = days.unwrap_or_else(|| lasted(&facts));
        return renewed_authority(old, signer, key, days, now);
    }
    let usages = facts.extended_key_usages.as_deref().unwrap_or_default();
    let [ExtendedKeyUsage::ServerAuth | ExtendedKeyUsage::ClientAuth] = usages else {
        return Err(refuse(
            CERTIFICATE_ARN,
            format!(
                "{} is not for servers alone or for clients alone, and no certificate like it is made here; renew it where it was issued, and import it in its place",
                old.title()
            ),
        ));
    };
    let mut request = like(&facts);
    if let Some(days) = days {
        request.validity_days = days;
    }
    issue::issued(signer, key, &request, now)
}

/// An authority keeps its name and key, so that what it signed goes on.
fn renewed_authority(
    old: &Certificate,
    signer: &Certificate,
    key: &SecretPem,
    days: u32,
    now: Timestamp,
) -> Result<NewCertificate, Refusal> {
    let is_root = signer.arn == old.arn;
    let certificate_pem = pki::renew_ca(
        &old.certificate_pem,
        &super::with_chain(signer),
        key,
        days,
        now,
    )
    .map_err(|error| match super::not_issued(&error) {
        refusal if refusal.field.as_deref() == Some(super::CA_ARN) => refusal.at(CERTIFICATE_ARN),
        refusal => refusal,
    })?;
    Ok(NewCertificate {
        facts: super::inspected(&certificate_pem)?,
        certificate_pem,
        chain_pem: match is_root {
            true => String::new(),
            false => super::with_chain(signer),
        },
        private_key: None,
        origin: old.origin,
        issued_by: (!is_root).then(|| signer.arn.clone()),
    })
}

/// A request for a certificate like this one, that lasts as long.
fn like(facts: &Inspected) -> pki::Request {
    let name = facts.display_name();
    let is_server = facts
        .extended_key_usages
        .as_ref()
        .is_some_and(|usages| usages.contains(&ExtendedKeyUsage::ServerAuth));
    let mut request = match is_server {
        true => pki::Request::server(name),
        false => pki::Request::client(name),
    };
    if matches!(facts.key_algorithm, KeyAlgorithm::Rsa(_)) {
        request.key_type = pki::KeyType::Rsa2048;
    }
    for name in &facts.sans {
        match name {
            SubjectAltName::Dns(name) => request.dns_names.push(name.clone()),
            SubjectAltName::Ip(address) => request.ip_addresses.push(*address),
            _ => {}
        }
    }
    request.validity_days = lasted(facts);
    request
}

/// How many days a certificate was to last, as far as one may last that is made here.
fn lasted(facts: &Inspected) -> u32 {
    let hours = facts.not_after.duration_since(facts.not_before).as_hours();
    let days = u32::try_from(hours / 24).unwrap_or(pki::MAX_VALIDITY_DAYS);
    days.clamp(1, pki::MAX_VALIDITY_DAYS)
}

impl Change<'_, '_> {
    /// Puts `new` in the place of `old`: its ARN, and what uses it, stay. What is wrong with that
    /// is laid at `field`.
    fn replace(
        &mut self,
        old: &Certificate,
        new: NewCertificate,
        field: &str,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let there = stored(&snapshot, CERTIFICATE_ARN, old.arn.as_str())?;
        if there.fingerprint != old.fingerprint {
            return Err(Refusal::new(
                Code::IncorrectState,
                format!(
                    "Somebody else has replaced {} meanwhile; look at it, then try again",
                    old.title()
                ),
            )
            .at(CERTIFICATE_ARN));
        }
        let has_key = new.private_key.is_some();
        let issuer = self.issuer(&new)?;
        let (mut certificate, key) = self.described(new, old.arn.clone(), issuer);
        certificate.created_at = old.created_at;
        if !has_key && old.has_private_key && is_same_key(old, &certificate)? {
            // The same key goes on: it need not be handed in again.
            certificate.has_private_key = true;
        }
        self.check_place(old, &certificate, field)?;
        self.concerns(&old.arn);
        if (&old.issued_by, &old.serial) != (&certificate.issued_by, &certificate.serial) {
            self.tx.insert_replaced(old)?;
        }
        let keep = certificate.has_private_key && key.is_none();
        let key = key.as_ref().map(|key| key.expose().as_bytes());
        self.tx.replace_certificate(&certificate, key, keep)?;
        self.renew_chains(old, &certificate)?;
        super::adopt(self.tx, &snapshot, &certificate)?;
        Ok(Answer::CertificateArn(old.arn.clone()))
    }

    /// What uses the certificate must be able to go on with the new one.
    fn check_place(
        &self,
        old: &Certificate,
        new: &Certificate,
        field: &str,
    ) -> Result<(), Refusal> {
        let living = || {
            let all = self.snapshot.endpoints.values();
            all.filter(|it| !it.deleting)
        };
        let users = || living().filter(|it| endpoints::certificates_of(it).any(|u| *u == old.arn));
        let signed = self.snapshot.certificates.values();
        let signed = signed.filter(|it| it.issued_by.as_ref() == Some(&old.arn));
        let (in_use, has_signed) = (users().next().is_some(), signed.count() > 0);
        let has_list = self.snapshot.authority_lists.contains_key(&old.arn);
        if (in_use || has_signed || has_list) && old.usage != new.usage {
            let users = users().map(|it| it.title().to_owned());
            let by = match in_use {
                true => format!("by {}", fields::listed(users.collect::<Vec<_>>())),
                false => "as the issuer of others".to_owned(),
            };
            return Err(refuse(
                field,
                format!(
                    "{} is used {by} and is {}; this one is {}. Import it as a certificate of its own",
                    old.title(),
                    kind(old.usage),
                    kind(new.usage)
                ),
            ));
        }
        if (has_signed || has_list) && (old.subject != new.subject || !is_same_key(old, new)?) {
            return Err(refuse(
                field,
                format!(
                    "What {} signed would no longer lead to it: this one has another name or key. Import it as a certificate of its own",
                    old.title()
                ),
            ));
        }
        let moved = |refusal: Refusal| refusal.at(field);
        if living().any(|it| it.server_certificate == old.arn) {
            check_server(new, self.now).map_err(moved)?;
        }
        if living().any(|it| it.client_root_certificate() == Some(&old.arn)) {
            check_client_root(new, self.now).map_err(moved)?;
        }
        Ok(())
    }

    /// What stands below an authority names it in its chain, which clients are given.
    fn renew_chains(&mut self, old: &Certificate, new: &Certificate) -> Result<(), Refusal> {
        if old.usage != CertificateUse::Authority {
            return Ok(());
        }
        let below: Vec<(CertificateArn, String)> = self
            .snapshot
            .certificates
            .values()
            .map(Arc::as_ref)
            .filter(|it| it.arn != old.arn && it.chain_pem.contains(&old.certificate_pem))
            .map(|it| {
                let chain = it
                    .chain_pem
                    .replace(&old.certificate_pem, &new.certificate_pem);
                (it.arn.clone(), chain)
            })
            .collect();
        for (arn, chain) in below {
            self.tx.set_chain(&arn, &chain)?;
        }
        Ok(())
    }
}

fn is_same_key(old: &Certificate, new: &Certificate) -> Result<bool, Refusal> {
    let key = |certificate: &Certificate| {
        let der = super::chain_der(certificate)?.into_iter().next();
        let der = CertificateDer::from(der.unwrap_or_default());
        let anchor =
            webpki::anchor_from_trusted_cert(&der).map_err(|error| super::damaged(&error))?;
        Ok::<_, Refusal>(anchor.subject_public_key_info.as_ref().to_vec())
    };
    Ok(key(old)? == key(new)?)
}

const fn kind(usage: CertificateUse) -> &'static str {
    match usage {
        CertificateUse::Authority => "a certificate authority",
        CertificateUse::Server => "a server certificate",
        CertificateUse::Client => "a client certificate",
        CertificateUse::Other => "neither for servers nor for clients",
    }
}

const CERTIFICATE: &str = "Certificate";
