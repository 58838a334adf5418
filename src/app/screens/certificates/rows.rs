//! The rows of the certificate store.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use egui::Ui;
use jiff::{Timestamp, tz::TimeZone};

use super::Act;
use crate::{
    app::{
        dialogs::revocation,
        format,
        kit::{self, Rows, Sort, Tone, column, icons, rest_column},
        screens::{filter, listing::Cells},
    },
    model::{Certificate, CertificateArn, CertificateUse, Nearness, Snapshot, notice::until},
};

pub(super) struct CertificateRows<'a> {
    pub(super) rows: &'a [Arc<Certificate>],
    /// What was found, with how many each authority signed.
    pub(super) found: &'a Shown,
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
    pub(super) act: Option<(Act, Arc<Certificate>)>,
}

/// The certificates that pass the filter, sorted; found anew only where one of these is another.
#[derive(Default)]
pub(super) struct Shown {
    of: Option<(Arc<Snapshot>, String, Sort)>,
    pub(super) rows: Arc<[Arc<Certificate>]>,
    /// How many certificates each authority of the store signed.
    signed: BTreeMap<CertificateArn, usize>,
}

impl Shown {
    /// How many certificates of the store another one signed.
    pub(super) fn signed_by(&self, authority: &Certificate) -> usize {
        self.signed.get(&authority.arn).copied().unwrap_or_default()
    }

    pub(super) fn find(&mut self, snapshot: &Arc<Snapshot>, filter: &str, sort_by: Sort) {
        let is_same = |(of, text, sorted): &(Arc<Snapshot>, String, Sort)| {
            Arc::ptr_eq(of, snapshot) && text == filter && *sorted == sort_by
        };
        if self.of.as_ref().is_some_and(is_same) {
            return;
        }
        let all = snapshot.certificates.values();
        let mut rows: Vec<_> = all
            .filter(|it| passes(it, filter, snapshot))
            .cloned()
            .collect();
        sort(&mut rows, sort_by, snapshot);
        self.rows = rows.into();
        self.signed.clear();
        for authority in snapshot
            .certificates
            .values()
            .filter_map(|it| it.issued_by.as_ref())
        {
            *self.signed.entry(authority.clone()).or_default() += 1;
        }
        self.of = Some((Arc::clone(snapshot), filter.to_owned(), sort_by));
    }
}

impl Cells for CertificateRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let it = &self.rows[row];
        vec![
            it.title().to_owned(),
            use_word(it.usage).to_owned(),
            issuer_name(it, self.snapshot),
            it.not_after.to_string(),
            it.revoked
                .map_or_else(String::new, |revoked| format!("revoked {}", revoked.at)),
            it.serial.clone(),
            it.arn.to_string(),
        ]
    }
}

/// Whether a certificate passes the filter.
fn passes(it: &Certificate, filter: &str, snapshot: &Snapshot) -> bool {
    let issuer = issuer_name(it, snapshot);
    let names = it.alternative_names.join(" ");
    filter::passes(
        filter,
        &[
            ("name", it.title()),
            ("use", use_word(it.usage)),
            ("issuer", &issuer),
            ("serial", &it.serial),
            ("other", &names),
            ("arn", it.arn.as_str()),
            ("state", if it.revoked.is_some() { "revoked" } else { "" }),
        ],
    )
}

/// Sorts by the column that the person chose.
fn sort(rows: &mut [Arc<Certificate>], sort: Sort, snapshot: &Snapshot) {
    rows.sort_by(|a, b| a.arn.cmp(&b.arn));
    let name = |it: &Certificate| it.title().to_lowercase();
    match (sort.column, sort.descending) {
        (1, false) => rows.sort_by_key(|it| use_word(it.usage)),
        (1, true) => rows.sort_by_key(|it| Reverse(use_word(it.usage))),
        (2, false) => rows.sort_by_cached_key(|it| issuer_name(it, snapshot)),
        (2, true) => rows.sort_by_cached_key(|it| Reverse(issuer_name(it, snapshot))),
        (3, false) => rows.sort_by_key(|it| it.not_after),
        (3, true) => rows.sort_by_key(|it| Reverse(it.not_after)),
        (4, false) => rows.sort_by_key(|it| it.has_private_key),
        (4, true) => rows.sort_by_key(|it| Reverse(it.has_private_key)),
        (_, false) => rows.sort_by_cached_key(|it| name(it)),
        (_, true) => rows.sort_by_cached_key(|it| Reverse(name(it))),
    }
}

impl Rows for CertificateRows<'_> {
    type Key = CertificateArn;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> CertificateArn {
        self.rows[row].arn.clone()
    }

    fn name(&self, row: usize) -> String {
        let c = &self.rows[row];
        format!("{}, {}", c.title(), use_word(c.usage))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let c = &self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, c.title())),
            1 => drop(kit::cell(ui, use_word(c.usage))),
            2 => drop(kit::cell(ui, &issuer_name(c, self.snapshot))),
            3 => {
                let day = format::day(c.not_after, self.zone);
                match (c.revoked, expiry(c, self.now)) {
                    (Some(it), _) => {
                        let since = format::day(it.at, self.zone);
                        kit::status(Tone::Danger, format!("Revoked {since}")).ui(ui);
                    }
                    (None, Tone::Success) => drop(kit::cell(ui, &day)),
                    (None, tone) => {
                        let words = format!("{day}, {}", expiry_words(c, self.now));
                        kit::status(tone, words).ui(ui);
                    }
                }
            }
            4 => drop(kit::cell(ui, if c.has_private_key { "Here" } else { "–" })),
            _ => {
                let signed = self.found.signed_by(c);
                let users = users(c, signed, self.snapshot).join(", ");
                kit::cell(ui, format::or_dash(&users));
            }
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let certificate = Arc::clone(&self.rows[row]);
        if certificate.renewer(self.snapshot).is_some()
            && kit::menu_item("Renew…")
                .icon(icons::ARROW_COUNTER_CLOCKWISE)
                .clicked(ui)
        {
            self.act = Some((Act::Renew, Arc::clone(&certificate)));
        }
        if kit::menu_item("Export…").icon(icons::FILE_TEXT).clicked(ui) {
            self.act = Some((Act::Export, Arc::clone(&certificate)));
        }
        kit::menu_separator(ui);
        if certificate.usage != CertificateUse::Authority {
            let revoke = kit::menu_item("Revoke…").icon(icons::PROHIBIT);
            let why = unrevocable(&certificate, self.snapshot);
            if revoke.disabled_because(why).clicked(ui) {
                self.act = Some((Act::Revoke, Arc::clone(&certificate)));
            }
        }
        let delete = kit::menu_item("Delete…").icon(icons::TRASH).shortcut("Del");
        if delete.danger().clicked(ui) {
            self.act = Some((Act::Delete, certificate));
        }
    }
}

/// Why it cannot be revoked here, if it cannot.
fn unrevocable(certificate: &Certificate, snapshot: &Snapshot) -> Option<&'static str> {
    if certificate.revoked.is_some() {
        return Some("It is revoked already");
    }
    revocation::revoker(snapshot, certificate)
        .is_none()
        .then_some("The key of its authority is not here: revoke it there, and import the list")
}

pub(super) fn columns() -> [kit::Column<'static>; 6] {
    [
        column("Name", 200.0),
        column("Use", 155.0),
        column("Issuer", 150.0),
        column("Expires", 210.0),
        column("Private key", 95.0),
        rest_column("Used by").unsorted(),
    ]
}

/// What a certificate is for, in words.
pub(in crate::app::screens) const fn use_word(usage: CertificateUse) -> &'static str {
    match usage {
        CertificateUse::Authority => "Certificate authority",
        CertificateUse::Server => "Server",
        CertificateUse::Client => "Client",
        CertificateUse::Other => "Other",
    }
}

/// Who signed it, by name: itself, one of the store, or what the certificate says.
fn issuer_name(certificate: &Certificate, snapshot: &Snapshot) -> String {
    let stored = certificate
        .issued_by
        .as_ref()
        .and_then(|arn| snapshot.certificates.get(arn));
    match stored {
        Some(issuer) => issuer.title().to_owned(),
        None if certificate.issuer == certificate.subject => "Itself".to_owned(),
        None => certificate.issuer.trim_start_matches("CN=").to_owned(),
    }
}

/// Endpoints that show or trust it, and how many certificates it signed.
pub(super) fn users(certificate: &Certificate, signed: usize, snapshot: &Snapshot) -> Vec<String> {
    let mut users: Vec<String> = snapshot
        .endpoints
        .values()
        .filter(|e| {
            e.server_certificate == certificate.arn
                || e.client_root_certificate() == Some(&certificate.arn)
        })
        .map(|e| e.title().to_owned())
        .collect();
    match signed {
        0 => {}
        1 => users.push("1 certificate".to_owned()),
        _ => users.push(format!("{signed} certificates")),
    }
    users
}

/// How near its end it is: a month before, it is a warning.
fn expiry(certificate: &Certificate, now: Timestamp) -> Tone {
    match Nearness::of(certificate.not_after, now) {
        None => Tone::Success,
        Some(Nearness::Over) => Tone::Danger,
        Some(_) => Tone::Warning,
    }
}

fn expiry_words(certificate: &Certificate, now: Timestamp) -> String {
    if certificate.not_after <= now {
        return "expired".to_owned();
    }
    until(certificate.not_after, now)
}

pub(super) fn expiry_status(certificate: &Certificate, now: Timestamp) -> kit::status::Status {
    if certificate.revoked.is_some() {
        return kit::status(Tone::Danger, "Revoked");
    }
    let tone = expiry(certificate, now);
    let words = match tone {
        Tone::Success => "Valid".to_owned(),
        Tone::Danger => "Expired".to_owned(),
        _ => format!("Expires {}", expiry_words(certificate, now)),
    };
    kit::status(tone, words)
}
