//! Lists of revoked certificates: of endpoints, imported or generated, and of the store's own
//! authorities.

mod in_force;
mod preview;
mod renewal;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::{
    in_force::{InForce, Known, Lists, read, readmitted},
    renewal::{follow_lists, keep_lists},
};
use super::{
    Service, aside,
    certificates::{self, CA_ARN, CERTIFICATE_ARN, stored},
    change::{Change, Terms},
    endpoints::{endpoint, living},
    fields::invalid,
    limits::Limit,
};
use crate::{
    model::{
        Answer, Certificate, CertificateArn, CertificateUse, Code, Endpoint, Refusal, Revocation,
        RevocationList, RevocationListOrigin, RevocationReason, Snapshot,
        command::{
            CertificateName, GenerateRevocationList, ImportRevocationList, OfEndpoint,
            RevokeCertificate,
        },
        revocation::ExportedRevocationList,
    },
    pki::{self, CrlError, ListValidity, SecretPem},
};

impl Service {
    /// Puts a list in place of the endpoint's. Reading it is slow and done before the transaction.
    pub(super) async fn import_list(
        &self,
        terms: Terms,
        command: ImportRevocationList,
    ) -> Result<Answer, Refusal> {
        let (command, list) = self.read_list(command).await?;
        self.change(terms, move |change| change.import_list(&command, &list))
            .await
    }

    /// Reads the list that a command brings.
    async fn read_list(
        &self,
        command: ImportRevocationList,
    ) -> Result<(ImportRevocationList, pki::RevocationList), Refusal> {
        let limit = self.snapshot().settings.max_revocations;
        aside(move || {
            let text = &command.certificate_revocation_list.0;
            if text.trim_ascii().is_empty() {
                return Err(Refusal::missing(LIST, "-----BEGIN X509 CRL-----"));
            }
            let list = pki::read_revocation_list(text, limit as usize)
                .map_err(|error| refused(&error, limit))?;
            Ok((command, list))
        })
        .await
    }

    /// The endpoint's list as its file.
    pub(super) async fn export_endpoint_list(&self, wanted: OfEndpoint) -> Result<Answer, Refusal> {
        let id = wanted.client_vpn_endpoint_id;
        let found = self.inner.store.transact(crate::clock::now(), move |tx| {
            let snapshot = tx.snapshot();
            let endpoint = endpoint(&snapshot, &id)?;
            let list = snapshot.revocation_lists.get(&endpoint.id);
            let pem = tx.revocation_list_pem(&endpoint.id)?;
            let none = || {
                invalid(
                    super::endpoints::ENDPOINT_ID,
                    format!(
                        "{} has no client certificate revocation list; import one, or revoke a certificate of its authority",
                        endpoint.title()
                    ),
                )
            };
            let list = list.cloned().ok_or_else(none)?;
            Ok::<_, Refusal>((list, pem.ok_or_else(none)?))
        });
        let (list, pem) = found.await?;
        Ok(self.exported(&list, pem))
    }

    /// The list that was generated last for an authority as its file.
    pub(super) async fn export_authority_list(
        &self,
        wanted: CertificateName,
    ) -> Result<Answer, Refusal> {
        let found = self.inner.store.transact(crate::clock::now(), move |tx| {
            let snapshot = tx.snapshot();
            let authority = stored(&snapshot, CERTIFICATE_ARN, &wanted.certificate_arn)?;
            let list = snapshot.authority_lists.get(&authority.arn);
            let pem = tx.authority_list_pem(&authority.arn)?;
            let none = || {
                Refusal::new(
                    Code::ResourceNotFound,
                    format!(
                        "No revocation list was generated for {} yet; generate one, or revoke a certificate of it",
                        authority.title()
                    ),
                )
                .at(CERTIFICATE_ARN)
            };
            let list = list.cloned().ok_or_else(none)?;
            Ok::<_, Refusal>((list, pem.ok_or_else(none)?))
        });
        let (list, pem) = found.await?;
        Ok(self.exported(&list, pem))
    }

    fn exported(&self, list: &RevocationList, pem: String) -> Answer {
        let is_in_force = self.inner.lists.knows(&list.fingerprint);
        let state = if is_in_force { "active" } else { "pending" };
        Answer::ExportedRevocationList(ExportedRevocationList {
            pem,
            state: state.to_owned(),
        })
    }
}

impl Change<'_, '_> {
    fn import_list(
        &mut self,
        command: &ImportRevocationList,
        list: &pki::RevocationList,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let new = judged(&snapshot, endpoint, list, self.now)?;
        let present = snapshot.revocation_lists.get(&endpoint.id);
        if let Some(present) = present {
            if present.fingerprint == new.fingerprint {
                return Ok(Answer::Done);
            }
            if let Some(older) = older(present, &new)
                && !command.allow_older
            {
                return Err(invalid(
                    LIST,
                    format!(
                        "{older}; import the newest one, or say that the older one is meant (AllowOlder)"
                    ),
                ));
            }
        }
        self.tx
            .put_revocation_list(&endpoint.id, &new, &list.pem, &entries(list))?;
        Ok(Answer::Done)
    }

    /// Records that a certificate is revoked, and generates its authority's list anew.
    pub(super) fn revoke_certificate(
        &mut self,
        command: &RevokeCertificate,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let certificate = stored(&snapshot, CERTIFICATE_ARN, &command.certificate_arn)?;
        self.concerns(&certificate.arn);
        if command.reason == RevocationReason::RemoveFromCrl {
            return Err(invalid(
                "Reason",
                "remove-from-crl takes a certificate off a list and revokes none; give another reason, or unspecified",
            )
            .cure("unspecified"));
        }
        let authority = revoker(&snapshot, certificate)?;
        let revocation = Revocation {
            // Lists hold whole seconds.
            at: whole_seconds(self.now),
            reason: command.reason,
        };
        let is_new = self
            .tx
            .insert_revoked(&authority.arn, &certificate.serial, &revocation)?;
        if !is_new {
            let when = certificate.revoked.map_or(self.now, |it| it.at);
            return Err(Refusal::new(
                Code::Validation,
                format!(
                    "{} has been revoked since {when}; a revoked certificate stays so. Issue another one if its holder is to come in again",
                    certificate.title()
                ),
            )
            .at(CERTIFICATE_ARN));
        }
        self.revoke_replaced(certificate, authority, &revocation)?;
        self.generate(authority, None)
    }

    /// What a certificate took the place of is in its holder's hands as well.
    fn revoke_replaced(
        &mut self,
        certificate: &Certificate,
        authority: &Certificate,
        revocation: &Revocation,
    ) -> Result<(), Refusal> {
        let snapshot = self.snapshot.clone();
        let mut others = BTreeSet::new();
        for (arn, serial) in self.tx.replaced(&certificate.arn)? {
            self.tx.insert_revoked(&arn, &serial, revocation)?;
            if arn != authority.arn {
                others.insert(arn);
            }
        }
        for other in others {
            match snapshot.certificates.get(&other) {
                Some(other) if other.has_private_key => drop(self.generate(other, None)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// Generates the list of an authority.
    pub(super) fn generate_list(
        &mut self,
        command: &GenerateRevocationList,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let authority = stored(&snapshot, CA_ARN, &command.ca_arn)?;
        if authority.usage != CertificateUse::Authority {
            return Err(Refusal::new(
                Code::Validation,
                format!(
                    "{} is no certificate authority; give the authority whose list is wanted",
                    authority.title()
                ),
            )
            .at(CA_ARN));
        }
        if let Some(days) = command.validity_days
            && !(1..=pki::MAX_VALIDITY_DAYS).contains(&days)
        {
            return Err(Refusal::new(
                Code::Validation,
                format!(
                    "A list holds for 1 to {} days, for example {LIST_DAYS}",
                    pki::MAX_VALIDITY_DAYS
                ),
            )
            .at("ValidityDays")
            .cure(LIST_DAYS.to_string()));
        }
        self.generate(authority, command.validity_days)
    }

    /// Makes an authority's list of all that it has revoked, and puts it in the place of the one
    /// that was generated before, there and at the endpoints that trust the authority and have no
    /// other list. It lasts as long as the one before where nothing is said.
    ///
    /// Signing is done inside the transaction, unlike at certificates: a list that was made from
    /// what was revoked a moment ago might take back what was revoked since.
    pub(super) fn generate(
        &mut self,
        authority: &Certificate,
        days: Option<u32>,
    ) -> Result<Answer, Refusal> {
        self.concerns(&authority.arn);
        let snapshot = self.snapshot.clone();
        let revoked = self.tx.revoked(&authority.arn)?;
        let limit = snapshot.settings.max_revocations;
        if revoked.len() > limit as usize {
            return Err(too_many(revoked.len(), limit));
        }
        let made = self.make(authority, revoked, days)?;
        let list = RevocationList {
            origin: RevocationListOrigin::Generated,
            ..described(&made, Some(authority.arn.clone()), self.now)
        };
        self.tx
            .put_authority_list(&authority.arn, &list, &made.pem)?;
        for endpoint in trusting(&snapshot, authority) {
            let present = snapshot.revocation_lists.get(&endpoint.id);
            let gives_way = present.is_none_or(|present| {
                present.origin == RevocationListOrigin::Generated
                    && present.issued_by.as_ref() == Some(&authority.arn)
            });
            if gives_way {
                self.concerns(&endpoint.id);
                self.tx
                    .put_revocation_list(&endpoint.id, &list, &made.pem, &[])?;
            }
        }
        Ok(Answer::RevocationList(list))
    }

    /// Puts the list that was generated for an authority in place at a new endpoint that trusts it.
    pub(super) fn take_over_list(
        &mut self,
        endpoint: &Endpoint,
        authority: &Certificate,
    ) -> Result<(), Refusal> {
        let list = self.snapshot.authority_lists.get(&authority.arn).cloned();
        let pem = self.tx.authority_list_pem(&authority.arn)?;
        if let (Some(list), Some(pem)) = (list, pem) {
            self.tx
                .put_revocation_list(&endpoint.id, &list, &pem, &[])?;
        }
        Ok(())
    }

    fn make(
        &self,
        authority: &Certificate,
        revoked: Vec<(String, Revocation)>,
        days: Option<u32>,
    ) -> Result<pki::RevocationList, Refusal> {
        let key = self.tx.private_key(&authority.arn)?;
        let key = key.and_then(|key| String::from_utf8(key.to_vec()).ok());
        let key = key.map(SecretPem::new).ok_or_else(|| no_key(authority))?;
        let before = self.snapshot.authority_lists.get(&authority.arn);
        let length = match (days, before.and_then(|before| period(before))) {
            (None, Some(period)) => period,
            (days, _) => SignedDuration::from_hours(24 * i64::from(days.unwrap_or(LIST_DAYS))),
        };
        let this_update = whole_seconds(self.now);
        let request = pki::ListRequest {
            number: next_number(&self.snapshot, &authority.arn, this_update),
            this_update,
            next_update: this_update.checked_add(length).unwrap_or(Timestamp::MAX),
            entries: revoked
                .into_iter()
                .map(|(serial, revocation)| pki::Revoked {
                    serial,
                    at: revocation.at,
                    reason: (revocation.reason != RevocationReason::Unspecified)
                        .then_some(revocation.reason),
                })
                .collect(),
        };
        pki::make_revocation_list(&certificates::with_chain(authority), &key, &request).map_err(
            |error| match error.field() {
                Some(_) => Refusal::new(Code::Validation, error.to_string()).at(CA_ARN),
                None => Refusal::new(Code::InternalError, error.to_string()),
            },
        )
    }
}

/// The authority of the store that can revoke a certificate.
fn revoker<'s>(
    snapshot: &'s Snapshot,
    certificate: &Certificate,
) -> Result<&'s Certificate, Refusal> {
    let issuer = certificate.issued_by.as_ref();
    let issuer = issuer.and_then(|arn| snapshot.certificates.get(arn));
    let why = match issuer {
        Some(issuer) if issuer.has_private_key => return Ok(issuer),
        Some(issuer) => format!(
            "The store has no private key of {}, the authority that issued {}",
            issuer.title(),
            certificate.title()
        ),
        None => format!(
            "The authority that issued {} is not in the store",
            certificate.title()
        ),
    };
    Err(Refusal::new(
        Code::Validation,
        format!("{why}; revoke it there, and import the list that the authority then makes"),
    )
    .at(CERTIFICATE_ARN))
}

/// Why there is no list of an authority.
fn no_key(authority: &Certificate) -> Refusal {
    Refusal::new(
        Code::Validation,
        format!(
            "The store has no private key of {}, so it cannot sign a list; import the authority with its key, or the list that is made where the key is",
            authority.title()
        ),
    )
    .at(CA_ARN)
}

/// The endpoints whose clients an authority vouches for.
fn trusting<'s>(snapshot: &'s Snapshot, authority: &Certificate) -> Vec<&'s Endpoint> {
    let Ok(authority) = certificates::chain_der(authority) else {
        return Vec::new();
    };
    let endpoints = snapshot.endpoints.values().filter(|it| !it.deleting);
    endpoints
        .filter(|endpoint| {
            let roots = roots(snapshot, endpoint).unwrap_or_default();
            authority.first().is_some_and(|der| roots.contains(der))
        })
        .collect()
}

/// The authorities that clients of an endpoint must chain to, in DER.
fn roots(snapshot: &Snapshot, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>, Refusal> {
    match endpoint.client_root_certificate() {
        Some(arn) => {
            let root = stored(snapshot, certificates::CLIENT_ROOT, arn.as_str())?;
            certificates::client_roots(root)
        }
        None => Ok(Vec::new()),
    }
}

/// The list as the endpoint would have it, if it is one of its authorities', and of now.
fn judged(
    snapshot: &Snapshot,
    endpoint: &Endpoint,
    list: &pki::RevocationList,
    now: Timestamp,
) -> Result<RevocationList, Refusal> {
    let roots = roots(snapshot, endpoint)?;
    let limit = snapshot.settings.max_revocations;
    let signer = pki::verify_revocation_list(list, &roots).map_err(|it| refused(&it, limit))?;
    match list.validity(now) {
        ListValidity::Expired => {
            let end = list.next_update.unwrap_or(now);
            return Err(invalid(
                LIST,
                format!(
                    "The revocation list expired at {end}, and an expired list keeps every client out; have its authority make a newer one, for example with `easyrsa gen-crl`"
                ),
            ));
        }
        ListValidity::NotYet if list.this_update.duration_since(now) > CLOCKS_DIFFER => {
            return Err(invalid(
                LIST,
                format!(
                    "The revocation list was made at {}, which is yet to come; check the clocks of this machine and of its authority's",
                    list.this_update
                ),
            ));
        }
        _ => {}
    }
    let fingerprint = roots
        .get(signer)
        .and_then(|der| pki::inspect_der(der).ok())
        .map(|facts| facts.fingerprint_sha256.replace(':', ""));
    let mut stored = snapshot.certificates.values();
    let signer = stored.find(|it| Some(&it.fingerprint) == fingerprint.as_ref());
    Ok(described(list, signer.map(|it| it.arn.clone()), now))
}

/// The facts of an imported list.
fn described(
    list: &pki::RevocationList,
    issued_by: Option<CertificateArn>,
    now: Timestamp,
) -> RevocationList {
    RevocationList {
        issuer: list.issuer.clone(),
        issued_by,
        this_update: list.this_update,
        next_update: list.next_update,
        number: list.number.clone(),
        entries: u32::try_from(list.entries.len()).unwrap_or(u32::MAX),
        fingerprint: list.fingerprint.clone(),
        origin: RevocationListOrigin::Imported,
        imported_at: now,
    }
}

fn entries(list: &pki::RevocationList) -> Vec<(String, Revocation)> {
    let entries = list.entries.iter();
    entries
        .map(|entry| (entry.serial.clone(), revocation(entry)))
        .collect()
}

fn revocation(entry: &pki::Revoked) -> Revocation {
    Revocation {
        at: entry.at,
        reason: entry.reason.unwrap_or_default(),
    }
}

/// Why `new` is older than the list it would replace, as a sentence without its full stop.
fn older(present: &RevocationList, new: &RevocationList) -> Option<String> {
    if new.this_update < present.this_update {
        return Some(format!(
            "This list was made at {}, before the one that is in force, which was made at {}",
            new.this_update, present.this_update
        ));
    }
    let is_same_issuer = new.issuer == present.issuer && new.issued_by == present.issued_by;
    let (new, present) = (digits(new)?, digits(present)?);
    let is_lower = (new.len(), new) < (present.len(), present);
    (is_same_issuer && is_lower).then(|| {
        format!("This list has number {new}, and the one that is in force has number {present}")
    })
}

/// The hexadecimal digits of a list's number, without leading zeros: it may have 20 octets (RFC
/// 5280, section 5.2.3).
fn digits(list: &RevocationList) -> Option<&str> {
    Some(list.number.as_ref()?.trim_start_matches('0'))
}

/// A number above that of any list of the authority that is known. It is at least the seconds since
/// 1970, and so above those that went with a restore or were made elsewhere.
fn next_number(snapshot: &Snapshot, authority: &CertificateArn, now: Timestamp) -> u64 {
    let lists = snapshot.revocation_lists.values();
    let lists = lists.chain(snapshot.authority_lists.values());
    let its = lists.filter(|it| it.issued_by.as_ref() == Some(authority));
    let number = |list: &RevocationList| u64::from_str_radix(list.number.as_ref()?, 16).ok();
    let last = its.filter_map(|it| number(it)).max();
    let next = last.unwrap_or(0).saturating_add(1);
    next.max(now.as_second().try_into().unwrap_or(0))
}

fn period(list: &RevocationList) -> Option<SignedDuration> {
    let period = list.next_update?.duration_since(list.this_update);
    (period > SignedDuration::ZERO).then_some(period)
}

fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

fn refused(error: &CrlError, limit: u32) -> Refusal {
    match error {
        CrlError::TooManyEntries { entries, .. } => too_many(*entries, limit),
        error => invalid(LIST, format!("The revocation list {error}")),
    }
}

fn too_many(entries: usize, limit: u32) -> Refusal {
    Refusal::new(
        Code::RevocationListLimitExceeded,
        format!(
            "The revocation list revokes {entries} certificates, and at most {limit} may be; {}",
            Limit::Revocations.how_to_raise(limit)
        ),
    )
    .at(LIST)
}

const LIST: &str = "CertificateRevocationList";
/// How long a list holds that is generated here: as easy-rsa has it.
const LIST_DAYS: u32 = 180;
/// How far two clocks may differ before a list seems to come from the future.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);
