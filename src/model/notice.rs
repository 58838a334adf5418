//! What nears its end: certificates in use, and lists of revoked ones.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    certificate::{Certificate, CertificateUse},
    diagnosis::Severity,
    endpoint::Endpoint,
    id::{CertificateArn, EndpointId},
    revocation::{RevocationList, RevocationListOrigin},
    snapshot::Snapshot,
};

/// How near an end is, as far as it is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nearness {
    /// 30 days or less.
    Month,
    /// 14 days or less.
    Fortnight,
    /// 7 days or less.
    Week,
    /// A day or less.
    Day,
    /// It is over.
    Over,
}

impl Nearness {
    /// How near `end` is at `now`; none where it is further away than 30 days.
    #[must_use]
    pub fn of(end: Timestamp, now: Timestamp) -> Option<Self> {
        let left = end.duration_since(now);
        let within = |days: i64| left <= SignedDuration::from_hours(24 * days);
        if left <= SignedDuration::ZERO {
            return Some(Self::Over);
        }
        let steps = [
            (1, Self::Day),
            (7, Self::Week),
            (14, Self::Fortnight),
            (30, Self::Month),
        ];
        let nearest = steps.into_iter().find(|(days, _)| within(*days));
        nearest.map(|(_, nearness)| nearness)
    }
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeSubject {
    /// A certificate of the store.
    Certificate(CertificateArn),
    /// The list of revoked client certificates of an endpoint.
    EndpointList(EndpointId),
    /// The list that was generated for an authority of the store.
    AuthorityList(CertificateArn),
}

/// What cures it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cure {
    /// Renew the certificate here.
    Renew,
    /// Renew the authority here, and hand out the client configurations, which hold it.
    RenewAuthority,
    /// Have it renewed where it was made, and import the new one in its place.
    Import,
    /// Import a newer list.
    ImportList,
    /// Generate a newer list.
    GenerateList,
}

/// Something that nears its end, or whose time is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// A problem keeps clients out; a warning will, or concerns one client.
    pub severity: Severity,
    /// How near the end is.
    pub nearness: Nearness,
    /// The end.
    pub ends_at: Timestamp,
    /// What it is about.
    pub about: NoticeSubject,
    /// The endpoints whose clients it concerns.
    pub endpoints: Vec<EndpointId>,
    /// What is so, as a sentence.
    pub sentence: String,
    /// What cures it.
    pub cure: Cure,
}

impl Notice {
    /// What cures it, as a sentence.
    #[must_use]
    pub fn cure_sentence(&self) -> &'static str {
        match self.cure {
            Cure::Renew => "Renew it: it keeps its ARN, and what uses it goes on with the new one.",
            Cure::RenewAuthority => {
                "Renew it: what it signed stays valid. Then hand out the client configurations again, as they hold it."
            }
            Cure::Import => {
                "Have it renewed where it was made, and import the new one in its place."
            }
            Cure::ImportList => "Have its authority make a newer list, and import that.",
            Cure::GenerateList => "Generate it anew.",
        }
    }
}

/// Every notice there is at `now`, the worst first.
#[must_use]
pub fn notices(snapshot: &Snapshot, now: Timestamp) -> Vec<Notice> {
    let latest = Latest::of(snapshot, now);
    let certificates = snapshot.certificates.values();
    let mut found: Vec<Notice> = certificates
        .filter_map(|it| of_certificate(snapshot, &latest, it, now))
        .collect();
    found.extend(of_endpoint_lists(snapshot, now));
    found.extend(of_authority_lists(snapshot, now));
    found.sort_by(|a, b| {
        let worst = (b.severity, b.nearness).cmp(&(a.severity, a.nearness));
        let soonest = worst.then_with(|| a.ends_at.cmp(&b.ends_at));
        soonest.then_with(|| a.sentence.cmp(&b.sentence))
    });
    found
}

/// The last end of the client certificates of each name: who has a later one needs no notice of
/// the earlier. Empty where no client certificate is near its end.
struct Latest<'s>(BTreeMap<(&'s str, &'s str), Timestamp>);

impl<'s> Latest<'s> {
    fn of(snapshot: &'s Snapshot, now: Timestamp) -> Self {
        let clients = || {
            let all = snapshot.certificates.values();
            all.filter(|it| it.usage == CertificateUse::Client && it.revoked.is_none())
        };
        let mut latest = BTreeMap::new();
        if !clients().any(|it| Nearness::of(it.not_after, now).is_some()) {
            return Self(latest);
        }
        for it in clients() {
            let end = latest.entry(Self::name(it)).or_insert(it.not_after);
            *end = it.not_after.max(*end);
        }
        Self(latest)
    }

    fn name(certificate: &Certificate) -> (&str, &str) {
        (certificate.title(), &certificate.issuer)
    }

    fn has_later(&self, certificate: &Certificate) -> bool {
        let latest = self.0.get(&Self::name(certificate));
        latest.is_some_and(|end| *end > certificate.not_after)
    }
}

fn of_certificate(
    snapshot: &Snapshot,
    latest: &Latest<'_>,
    certificate: &Certificate,
    now: Timestamp,
) -> Option<Notice> {
    let nearness = Nearness::of(certificate.not_after, now)?;
    let is_over = nearness == Nearness::Over;
    let title = certificate.title();
    let when = when(certificate.not_after, now);
    let living = || snapshot.endpoints.values().filter(|it| !it.deleting);
    let shown: Vec<_> = living()
        .filter(|it| it.server_certificate == certificate.arn)
        .collect();
    let trusted: Vec<_> = living()
        .filter(|it| it.client_root_certificate() == Some(&certificate.arn))
        .collect();
    let (sentence, endpoints) = if !shown.is_empty() {
        let so = if is_over { ": clients refuse it" } else { "" };
        let of = titles(&shown);
        (
            format!("The server certificate {title} of {of} {when}{so}."),
            shown,
        )
    } else if !trusted.is_empty() {
        let so = if is_over {
            ": its clients are refused"
        } else {
            ""
        };
        let of = titles(&trusted);
        (
            format!("The client authority {title} of {of} {when}{so}."),
            trusted,
        )
    } else {
        let sentence = match certificate.usage {
            CertificateUse::Authority if signs_here(snapshot, certificate) => {
                let so = if is_over {
                    ": what it signed is refused"
                } else {
                    ""
                };
                format!("The certificate authority {title} {when}{so}.")
            }
            CertificateUse::Client if is_news(latest, certificate, now) => {
                let so = if is_over {
                    ": who connects with it is refused"
                } else {
                    ""
                };
                format!("The client certificate {title} {when}{so}.")
            }
            _ => return None,
        };
        (sentence, Vec::new())
    };
    let is_problem = is_over && !endpoints.is_empty();
    let cure = match certificate.renewer(snapshot) {
        Some(_) if certificate.usage == CertificateUse::Authority => Cure::RenewAuthority,
        Some(_) => Cure::Renew,
        None => Cure::Import,
    };
    Some(Notice {
        severity: severity(is_problem),
        nearness,
        ends_at: certificate.not_after,
        about: NoticeSubject::Certificate(certificate.arn.clone()),
        endpoints: endpoints.iter().map(|it| it.id.clone()).collect(),
        sentence,
        cure,
    })
}

/// Whether an authority has signed, or can sign, something of the store.
fn signs_here(snapshot: &Snapshot, authority: &Certificate) -> bool {
    let mut all = snapshot.certificates.values();
    authority.has_private_key || all.any(|it| it.issued_by.as_ref() == Some(&authority.arn))
}

/// Whether the end of a client certificate is worth a word: not once it is revoked or its holder
/// has a later one, nor a month after it.
fn is_news(latest: &Latest<'_>, certificate: &Certificate, now: Timestamp) -> bool {
    let since = now.duration_since(certificate.not_after);
    certificate.revoked.is_none()
        && since < SignedDuration::from_hours(24 * 30)
        && !latest.has_later(certificate)
}

fn of_endpoint_lists(snapshot: &Snapshot, now: Timestamp) -> Vec<Notice> {
    let lists = snapshot.revocation_lists.iter();
    let found = lists.filter_map(|(id, list)| {
        let endpoint = snapshot.endpoints.get(id).filter(|it| !it.deleting)?;
        let end = list.next_update?;
        let nearness = Nearness::of(end, now)?;
        let renews = renews_itself(snapshot, list);
        if renews && nearness != Nearness::Over {
            return None;
        }
        let is_over = nearness == Nearness::Over;
        let so = if is_over {
            ": all its clients are refused"
        } else {
            ", and all its clients are refused from then on"
        };
        Some(Notice {
            severity: severity(is_over),
            nearness,
            ends_at: end,
            about: NoticeSubject::EndpointList(id.clone()),
            endpoints: vec![id.clone()],
            sentence: format!(
                "The client certificate revocation list of {} {}{so}.",
                endpoint.title(),
                when(end, now)
            ),
            cure: if renews || signer(snapshot, list).is_some() {
                Cure::GenerateList
            } else {
                Cure::ImportList
            },
        })
    });
    found.collect()
}

/// Lists that renew themselves are spoken of only where that has failed.
fn of_authority_lists(snapshot: &Snapshot, now: Timestamp) -> Vec<Notice> {
    let lists = snapshot.authority_lists.iter();
    let found = lists.filter_map(|(arn, list)| {
        let authority = snapshot.certificates.get(arn)?;
        let end = list.next_update?;
        let nearness = Nearness::of(end, now).filter(|it| *it == Nearness::Over)?;
        Some(Notice {
            severity: Severity::Warning,
            nearness,
            ends_at: end,
            about: NoticeSubject::AuthorityList(arn.clone()),
            endpoints: Vec::new(),
            sentence: format!(
                "The revocation list of {} {} and did not renew itself.",
                authority.title(),
                when(end, now)
            ),
            cure: Cure::GenerateList,
        })
    });
    found.collect()
}

/// The authority of the store that can make a list of the same issuer.
fn signer<'s>(snapshot: &'s Snapshot, list: &RevocationList) -> Option<&'s Certificate> {
    let signer = snapshot.certificates.get(list.issued_by.as_ref()?)?;
    Some(signer.as_ref()).filter(|it| it.has_private_key)
}

fn renews_itself(snapshot: &Snapshot, list: &RevocationList) -> bool {
    list.origin == RevocationListOrigin::Generated && signer(snapshot, list).is_some()
}

const fn severity(is_problem: bool) -> Severity {
    if is_problem {
        Severity::Problem
    } else {
        Severity::Warning
    }
}

fn titles(endpoints: &[&Endpoint]) -> String {
    let titles: Vec<_> = endpoints.iter().map(|it| it.title()).collect();
    match titles.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// When it ends, as the rest of a sentence: "expires in 12 days, on 8 Dec 2026". Days are UTC's.
fn when(end: Timestamp, now: Timestamp) -> String {
    let day = end.strftime("%-d %b %Y");
    if end <= now {
        return format!("expired on {day}");
    }
    format!("expires {}, on {day}", until(end, now))
}

/// How long it is until then: "in 12 days", "in 5 hours".
#[must_use]
pub fn until(end: Timestamp, now: Timestamp) -> String {
    let hours = end.duration_since(now).as_hours();
    match hours {
        ..1 => "within the hour".to_owned(),
        1 => "in 1 hour".to_owned(),
        2..48 => format!("in {hours} hours"),
        _ => format!("in {} days", hours / 24),
    }
}

#[cfg(test)]
mod tests;
