//! The lists in force, read once and kept in memory, and who is judged by them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::{revocation, roots};
use crate::{
    clock,
    model::{
        CertificateId, Endpoint, EndpointId, Refusal, Revocation, RevocationList, RevocationReason,
        Snapshot,
    },
    pki,
    service::{Service, aside, certificates},
    store::Tx,
};

/// The lists that were read, by their fingerprint. Each is read once, when it comes into force, and
/// looked up at every handshake.
#[derive(Default)]
pub(in crate::service) struct Lists {
    known: ArcSwap<Known>,
    /// Held by who reads lists, so that a thousand handshakes at once read a new one once.
    reading: tokio::sync::Mutex<()>,
}

/// Lists by their fingerprints.
pub(in crate::service) type Known = BTreeMap<String, Arc<Entries>>;

/// What one list revokes.
#[derive(Debug)]
pub(in crate::service) struct Entries {
    /// As [`CertificateId::issuer`] has it.
    issuer: String,
    by_serial: HashMap<String, Revocation>,
}

impl Entries {
    pub(super) fn of(list: &pki::RevocationList) -> Self {
        let entries = list.entries.iter();
        Self {
            issuer: certificates::digest(&list.issuer_der),
            by_serial: entries
                .map(|entry| (entry.serial.clone(), revocation(entry)))
                .collect(),
        }
    }

    /// When and why the list revokes the certificate: one look, however long the list.
    pub(super) fn find(&self, certificate: &CertificateId) -> Option<Revocation> {
        if self.issuer != certificate.issuer {
            return None;
        }
        self.by_serial.get(&certificate.serial).copied()
    }

    /// How many of these `other` does not revoke.
    pub(super) fn beyond(&self, other: &Self) -> usize {
        let is_beyond = |serial: &&String| {
            self.issuer != other.issuer || !other.by_serial.contains_key(*serial)
        };
        self.by_serial.keys().filter(is_beyond).count()
    }

    /// Serial numbers, and when and why each was revoked.
    pub(in crate::service) fn rows(&self) -> impl Iterator<Item = (String, Revocation)> {
        let rows = self.by_serial.iter();
        rows.map(|(serial, revocation)| (serial.clone(), *revocation))
    }

    pub(super) fn len(&self) -> usize {
        self.by_serial.len()
    }

    pub(super) fn serials(&self) -> &HashMap<String, Revocation> {
        &self.by_serial
    }
}

impl Lists {
    /// Whether the list has come into force.
    pub(super) fn knows(&self, fingerprint: &str) -> bool {
        self.known.load().contains_key(fingerprint)
    }
}

/// A configuration, and the lists in force in it.
pub(in crate::service) struct InForce {
    pub(in crate::service) snapshot: Arc<Snapshot>,
    known: Arc<Known>,
    /// The authorities of endpoints, once they were asked for.
    anchors: Mutex<BTreeMap<EndpointId, Arc<[Anchor]>>>,
}

/// An authority that an endpoint trusts. Clients need not show it.
#[derive(Debug)]
struct Anchor {
    /// Its name, as [`CertificateId::issuer`] of those that it issued.
    subject: String,
    id: CertificateId,
}

impl Service {
    /// The configuration of now with the lists that judge clients of `endpoint`, or of all.
    ///
    /// # Errors
    /// When the store cannot be read, or a list in it.
    pub(in crate::service) async fn in_force(
        &self,
        endpoint: Option<&EndpointId>,
    ) -> Result<InForce, Refusal> {
        if let Some(ready) = self.ready(endpoint) {
            return Ok(ready);
        }
        let _reading = self.inner.lists.reading.lock().await;
        if let Some(ready) = self.ready(endpoint) {
            return Ok(ready);
        }
        let known = self.inner.lists.known.load_full();
        let fetch = move |tx: &mut Tx<'_>| {
            let snapshot = tx.snapshot();
            let mut files = Vec::new();
            for (id, list) in &snapshot.revocation_lists {
                if !known.contains_key(&list.fingerprint) {
                    files.extend(tx.revocation_list_pem(id)?);
                }
            }
            for (arn, list) in &snapshot.authority_lists {
                if !known.contains_key(&list.fingerprint) {
                    files.extend(tx.authority_list_pem(arn)?);
                }
            }
            files.sort();
            files.dedup();
            Ok::<_, Refusal>((snapshot, files))
        };
        let (snapshot, files) = self.inner.store.transact(clock::now(), fetch).await?;
        let read = aside(move || {
            files
                .iter()
                .map(|file| read(file))
                .collect::<Result<Vec<_>, _>>()
        });
        let read = read.await?;
        let mut known = BTreeMap::clone(&self.inner.lists.known.load_full());
        known.extend(read);
        let lists = |snapshot: &Snapshot| {
            let lists = snapshot.revocation_lists.values();
            let lists = lists.chain(snapshot.authority_lists.values());
            lists
                .map(|list| list.fingerprint.clone())
                .collect::<Vec<_>>()
        };
        // Those that are no longer in force go; who judges by them now holds them itself.
        let kept = lists(&snapshot);
        known.retain(|fingerprint, _| kept.contains(fingerprint));
        let known = Arc::new(known);
        self.inner.lists.known.store(Arc::clone(&known));
        Ok(InForce::new(snapshot, known))
    }

    fn ready(&self, endpoint: Option<&EndpointId>) -> Option<InForce> {
        let it = InForce::new(self.snapshot(), self.inner.lists.known.load_full());
        it.is_whole(endpoint).then_some(it)
    }
}

impl InForce {
    fn new(snapshot: Arc<Snapshot>, known: Arc<Known>) -> Self {
        Self {
            snapshot,
            known,
            anchors: Mutex::default(),
        }
    }

    fn is_whole(&self, endpoint: Option<&EndpointId>) -> bool {
        let has = |list: &Arc<RevocationList>| self.known.contains_key(&list.fingerprint);
        let lists = &self.snapshot.revocation_lists;
        let of_endpoints = match endpoint {
            Some(id) => lists.get(id).is_none_or(has),
            None => lists.values().all(has),
        };
        of_endpoints && self.snapshot.authority_lists.values().all(has)
    }

    /// The lists that were read.
    pub(in crate::service) fn known(&self) -> Known {
        Known::clone(&self.known)
    }

    /// What the endpoint's list revokes, if it has one.
    pub(super) fn of_endpoint(&self, endpoint: &EndpointId) -> Option<&Entries> {
        let list = self.snapshot.revocation_lists.get(endpoint)?;
        self.known.get(&list.fingerprint).map(AsRef::as_ref)
    }

    /// Why a client that shows these certificates may not be at an endpoint, as a sentence: the
    /// endpoint's list revokes one, or an authority of the store has. The authorities that the
    /// endpoint trusts are judged with them, as clients may leave them out.
    pub(in crate::service) fn revoked(
        &self,
        endpoint: &EndpointId,
        common_name: &str,
        certificates: &[CertificateId],
    ) -> Option<String> {
        let own = self.snapshot.authority_lists.values();
        let own = own.filter_map(|list| self.known.get(&list.fingerprint));
        let lists = self.of_endpoint(endpoint).into_iter();
        let lists: Vec<&Entries> = lists.chain(own.map(AsRef::as_ref)).collect();
        if lists.is_empty() {
            return None;
        }
        let path = self.path(endpoint, certificates);
        lists.iter().find_map(|list| {
            let found = path.iter().enumerate();
            let mut found = found.filter_map(|(place, it)| Some((place, it, list.find(it)?)));
            let (place, certificate, revocation) = found.next()?;
            Some(sentence(common_name, place, certificate, revocation))
        })
    }

    /// The certificates that a client shows, and behind them those of the endpoint's authorities
    /// that they chain to.
    pub(super) fn path(
        &self,
        endpoint: &EndpointId,
        certificates: &[CertificateId],
    ) -> Vec<CertificateId> {
        let mut path = certificates.to_vec();
        let anchors = self.anchors(endpoint);
        let mut at = 0;
        while let Some(issuer) = path.get(at).map(|it| it.issuer.clone()) {
            for anchor in anchors.iter().filter(|it| it.subject == issuer) {
                if !path.contains(&anchor.id) {
                    path.push(anchor.id.clone());
                }
            }
            at += 1;
        }
        path
    }

    fn anchors(&self, endpoint: &EndpointId) -> Arc<[Anchor]> {
        let mut known = self.anchors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(anchors) = known.get(endpoint) {
            return Arc::clone(anchors);
        }
        let of_it = self.snapshot.endpoints.get(endpoint);
        let roots = of_it.and_then(|it| roots(&self.snapshot, it).ok());
        let anchors = roots.unwrap_or_default().into_iter().filter_map(|der| {
            Some(Anchor {
                subject: certificates::digest(&pki::subject_der(&der)?),
                id: certificates::id_of(&der)?,
            })
        });
        let anchors: Arc<[Anchor]> = anchors.collect();
        known.insert(endpoint.clone(), Arc::clone(&anchors));
        anchors
    }

    /// Why nobody may come in by an endpoint, as a sentence: its list is over, as in AWS.
    pub(in crate::service) fn over(&self, endpoint: &Endpoint, now: Timestamp) -> Option<String> {
        let list = self.snapshot.revocation_lists.get(&endpoint.id)?;
        let end = list.next_update.filter(|_| list.is_expired(now))?;
        Some(format!(
            "The client certificate revocation list of the endpoint expired at {end}, so nobody is let in until an administrator puts a newer one in its place"
        ))
    }
}

fn sentence(
    common_name: &str,
    place: usize,
    certificate: &CertificateId,
    revocation: Revocation,
) -> String {
    let what = match place {
        0 => format!("The certificate of {common_name}"),
        _ => format!("An authority above the certificate of {common_name}"),
    };
    let why = match words(revocation.reason) {
        "" => String::new(),
        words => format!(", because {words}"),
    };
    format!(
        "{what} (serial number {}) was revoked at {}{why}",
        certificate.serial, revocation.at
    )
}

/// Why, as the rest of a sentence; empty where nothing is said.
fn words(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Unspecified => "",
        RevocationReason::KeyCompromise => "somebody else may have its key",
        RevocationReason::CaCompromise => "somebody else may have its authority's key",
        RevocationReason::AffiliationChanged => "its holder's name or work has changed",
        RevocationReason::Superseded => "another certificate has taken its place",
        RevocationReason::CessationOfOperation => "it is no longer needed",
        RevocationReason::CertificateHold | RevocationReason::RemoveFromCrl => "it is on hold",
        RevocationReason::PrivilegeWithdrawn => "its holder's right was taken back",
        RevocationReason::AaCompromise => "somebody else may have the key of what vouched for it",
    }
}

/// How many certificates endpoints of `after` let in that the lists of `before` keep out.
pub(in crate::service) fn readmitted(before: &Snapshot, after: &Snapshot, known: &Known) -> usize {
    let lists = |snapshot: &Snapshot, endpoint: &EndpointId| {
        let own = snapshot.authority_lists.iter();
        let own = own.filter(|(authority, _)| after.certificates.contains_key(*authority));
        let of_endpoint = snapshot.revocation_lists.get(endpoint).into_iter();
        let lists = own.map(|(_, list)| list).chain(of_endpoint);
        let lists = lists.filter_map(|list| known.get(&list.fingerprint).cloned());
        lists.collect::<Vec<_>>()
    };
    let mut found = BTreeSet::new();
    for endpoint in after.endpoints.keys() {
        let then = lists(after, endpoint);
        let keeps_out = |issuer: &str, serial: &str| {
            let mut lists = then.iter().filter(|list| list.issuer == issuer);
            lists.any(|list| list.by_serial.contains_key(serial))
        };
        for list in lists(before, endpoint) {
            let serials = list.by_serial.keys();
            let back = serials.filter(|serial| !keeps_out(&list.issuer, serial));
            found.extend(back.map(|serial| (list.issuer.clone(), serial.clone())));
        }
    }
    found.len()
}

/// Reads a list that was checked when it came into the store.
pub(in crate::service) fn read(file: &str) -> Result<(String, Arc<Entries>), Refusal> {
    let list = pki::read_revocation_list(file.as_bytes(), usize::MAX).map_err(|error| {
        tracing::error!(%error, "a stored revocation list cannot be read");
        Refusal::new(
            crate::model::Code::InternalError,
            "A revocation list of the store cannot be read; the log has the cause",
        )
    })?;
    Ok((list.fingerprint.clone(), Arc::new(Entries::of(&list))))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn entries(count: usize) -> Entries {
        let revocation = Revocation {
            at: Timestamp::UNIX_EPOCH,
            reason: RevocationReason::Unspecified,
        };
        Entries {
            issuer: "aa".repeat(32),
            by_serial: (0..count)
                .map(|number| (format!("{number:032x}"), revocation))
                .collect(),
        }
    }

    /// The time of a look for each of a thousand certificates, half of them revoked.
    fn looks(entries: &Entries) -> Duration {
        let count = entries.len();
        let wanted: Vec<_> = (0..1_000)
            .map(|number| CertificateId {
                issuer: entries.issuer.clone(),
                serial: match number % 2 {
                    0 => format!("{:032x}", number * 7 % count),
                    _ => format!("{:032x}", count + number),
                },
            })
            .collect();
        let began = Instant::now();
        let found = wanted.iter().filter(|it| entries.find(it).is_some());
        assert_eq!(found.count(), 500);
        began.elapsed()
    }

    #[test]
    fn a_look_takes_no_longer_in_twenty_thousand_entries_than_in_ten() {
        let (few, many) = (entries(10), entries(20_000));
        let best = |entries: &Entries| (0..20).map(|_| looks(entries)).min().unwrap();
        let (few, many) = (best(&few), best(&many));
        // A walk through the list would take two thousand times as long.
        assert!(many < few * 20, "{few:?} for 1000 looks, then {many:?}");
    }

    #[test]
    fn a_number_of_another_issuer_is_not_the_one_that_is_revoked() {
        let entries = entries(1);
        let mut id = CertificateId {
            issuer: entries.issuer.clone(),
            serial: "0".repeat(32),
        };
        assert!(entries.find(&id).is_some());
        id.issuer = "bb".repeat(32);
        assert!(entries.find(&id).is_none());
    }
}
