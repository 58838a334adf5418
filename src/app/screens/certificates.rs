//! The certificate store.

use std::sync::Arc;

use egui::{Key, Panel, Ui};
use jiff::{SignedDuration, Timestamp};

use super::Page;
use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::Confirm, create_ca::CreateCa, export_certificate::Export,
            import_certificate::Import, issue_certificate::Issue,
        },
        format,
        kit::{self, Rows, Selection, Sort, Tone, Value, column, icons, rest_column, tokens},
    },
    model::{
        Certificate, CertificateArn, CertificateOrigin, CertificateUse, Command, Snapshot,
        command::CertificateName,
    },
};

/// The page.
pub struct Certificates {
    selection: Selection<CertificateArn>,
    sort: Sort,
    filter: String,
    panel: f32,
    closed: bool,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            sort: Sort::default(),
            filter: String::new(),
            panel: 330.0,
            closed: false,
        }
    }
}

/// What can be done with a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Issue,
    Export,
    Delete,
}

impl Page for Certificates {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let snapshot = Arc::clone(&cx.view.snapshot);
        self.selection
            .retain(|arn| snapshot.certificates.contains_key(arn));
        let selected = self
            .selection
            .single()
            .and_then(|arn| snapshot.certificates.get(arn))
            .cloned();
        if let Some(certificate) = selected.filter(|_| !self.closed) {
            self.split_panel(cx, ui, &certificate);
        }
        self.list(cx, ui, &snapshot);
        self.keys(cx, ui, &snapshot);
    }
}

impl Certificates {
    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, snapshot: &Snapshot) {
        let count = snapshot.certificates.len().to_string();
        kit::page_head(ui, "Certificates", &count, "", |ui| head_buttons(cx, ui));
        if snapshot.certificates.is_empty() {
            let body = "An endpoint needs a server certificate, and an authority that its clients' certificates come from.";
            if kit::empty(
                ui,
                "No certificates yet",
                body,
                "Create certificate authority…",
            ) {
                cx.open(CreateCa::default());
            }
            return;
        }
        let rows = self.shown(snapshot);
        let find = cx.shortcut(ui, Key::F);
        let words = format!("{} of {count}", rows.len());
        kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter certificates")
                    .hint("Filter, for example client")
                    .keys("Ctrl F")
                    .width(320.0)
                    .focus(find)
                    .ui(ui);
            },
            |ui| kit::weak(ui, &words),
        );
        let mut table = CertificateRows {
            rows,
            snapshot,
            now: cx.now,
            cx: Zone(cx.zone.clone()),
            act: None,
        };
        let out = kit::table("Certificates", &columns(), &mut self.selection)
            .sort(&mut self.sort)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        if out.selected || out.opened.is_some() {
            self.closed = false;
        }
        if let Some((act, certificate)) = table.act {
            perform(cx, act, &certificate);
        }
    }

    /// The certificates that pass the filter, sorted.
    fn shown(&self, snapshot: &Snapshot) -> Vec<Arc<Certificate>> {
        let words = self.filter.to_lowercase();
        let mut rows: Vec<_> = snapshot
            .certificates
            .values()
            .filter(|c| {
                let hay = format!("{} {} {} {}", c.title(), use_word(c.usage), c.issuer, c.arn);
                hay.to_lowercase().contains(words.trim())
            })
            .cloned()
            .collect();
        rows.sort_by(|a, b| {
            let order = match self.sort.column {
                1 => use_word(a.usage).cmp(use_word(b.usage)),
                2 => issuer_name(a, snapshot).cmp(&issuer_name(b, snapshot)),
                3 => a.not_after.cmp(&b.not_after),
                4 => a.has_private_key.cmp(&b.has_private_key),
                _ => a.title().to_lowercase().cmp(&b.title().to_lowercase()),
            };
            order.then_with(|| a.arn.cmp(&b.arn))
        });
        if self.sort.descending {
            rows.reverse();
        }
        rows
    }

    fn split_panel(&mut self, cx: &mut Context<'_>, ui: &mut Ui, certificate: &Arc<Certificate>) {
        let room = ui.available_height();
        let mut height = self.panel;
        Panel::bottom("certificate panel")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(height.min(room - 120.0).max(180.0))
            .frame(egui::Frame::new().fill(tokens(ui).raised))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                kit::split_handle(ui, "Height of the certificate panel", &mut height, room);
                let mut act = None;
                let close = kit::panel_head(
                    ui,
                    certificate.title(),
                    |ui| {
                        expiry_status(certificate, cx.now).pill().ui(ui);
                    },
                    |ui| {
                        let close = kit::icon_button(icons::X, "Close panel").clicked(ui);
                        act = panel_buttons(ui, certificate);
                        close
                    },
                );
                details(cx, ui, certificate);
                if let Some(act) = act {
                    perform(cx, act, certificate);
                }
                self.closed = close;
            });
        self.panel = height;
    }

    fn keys(&mut self, cx: &mut Context<'_>, ui: &Ui, snapshot: &Snapshot) {
        if cx.shortcut(ui, Key::N) {
            cx.open(Issue::new(None));
        }
        let selected = self
            .selection
            .single()
            .and_then(|arn| snapshot.certificates.get(arn));
        if let Some(certificate) = selected
            && cx.key(ui, Key::Delete)
        {
            perform(cx, Act::Delete, certificate);
        }
    }
}

fn head_buttons(cx: &mut Context<'_>, ui: &mut Ui) {
    let can_sign = cx
        .view
        .snapshot
        .certificates
        .values()
        .any(|c| c.usage == CertificateUse::Authority && c.has_private_key);
    let lacks = (!can_sign).then_some("Create a certificate authority first");
    let issue = kit::button("Issue certificate…").icon(icons::PLUS);
    if issue.primary().disabled_because(lacks).clicked(ui) {
        cx.open(Issue::new(None));
    }
    if kit::button("Import…")
        .icon(icons::DOWNLOAD_SIMPLE)
        .clicked(ui)
    {
        cx.open(Import::default());
    }
    // The empty page has this button in its middle.
    if !cx.view.snapshot.certificates.is_empty()
        && kit::button("Create certificate authority…").clicked(ui)
    {
        cx.open(CreateCa::default());
    }
}

/// What the panel offers, from the right.
fn panel_buttons(ui: &mut Ui, certificate: &Certificate) -> Option<Act> {
    let mut act = None;
    let delete = kit::button("Delete…").icon(icons::TRASH).quiet_danger();
    if delete.clicked(ui) {
        act = Some(Act::Delete);
    }
    if kit::button("Export…").icon(icons::FILE_TEXT).clicked(ui) {
        act = Some(Act::Export);
    }
    let signs = certificate.usage == CertificateUse::Authority && certificate.has_private_key;
    if signs && kit::button("Issue from this authority…").clicked(ui) {
        act = Some(Act::Issue);
    }
    act
}

fn perform(cx: &mut Context<'_>, act: Act, certificate: &Arc<Certificate>) {
    match act {
        Act::Issue => cx.open(Issue::new(Some(certificate.arn.clone()))),
        Act::Export => cx.open(Export::new(Arc::clone(certificate))),
        Act::Delete => {
            let name = certificate.title();
            let authority = certificate.usage == CertificateUse::Authority;
            let body = if authority {
                "Nothing can be issued from it any more, and it cannot be made again. Keep an export if in doubt."
            } else {
                "Its private key goes with it. Exported files that hold it keep working until it expires."
            };
            let ask = Confirm::new(
                format!("Delete {name}?"),
                "Delete certificate",
                Command::DeleteCertificate(CertificateName {
                    certificate_arn: certificate.arn.to_string(),
                }),
                format!("{name} deleted"),
            )
            .body(body.to_owned());
            cx.open(if authority { ask.typed_name(name) } else { ask });
        }
    }
}

fn details(cx: &Context<'_>, ui: &mut Ui, certificate: &Certificate) {
    let snapshot = &cx.view.snapshot;
    let names = certificate.alternative_names.join(", ");
    let from = format::moment(certificate.not_before, cx.now, cx.zone);
    let until = format::moment(certificate.not_after, cx.now, cx.zone);
    let added = format::moment(certificate.created_at, cx.now, cx.zone);
    let users = users(certificate, snapshot).join(", ");
    let key = if certificate.has_private_key {
        format!("{}, private key here", certificate.key_algorithm)
    } else {
        format!("{}, no private key here", certificate.key_algorithm)
    };
    let origin = match certificate.origin {
        CertificateOrigin::Issued => "Made here",
        CertificateOrigin::Imported => "Imported",
    };
    let rows = [
        ("Name", Value::Text(certificate.title())),
        ("Use", Value::Text(use_word(certificate.usage))),
        ("Subject", Value::Text(&certificate.subject)),
        ("Issuer", Value::Text(&certificate.issuer)),
        ("Other names", Value::Text(&names)),
        ("Key", Value::Text(&key)),
        ("Used by", Value::Text(&users)),
        ("Valid from", Value::Text(&from)),
        ("Expires", Value::Text(&until)),
        ("Origin", Value::Text(origin)),
        ("Added", Value::Text(&added)),
        ("Serial number", Value::Mono(&certificate.serial)),
        ("Fingerprint", Value::Mono(&certificate.fingerprint)),
        ("ARN", Value::Mono(certificate.arn.as_str())),
    ];
    egui::ScrollArea::vertical()
        .id_salt("certificate details")
        .auto_shrink(false)
        .show(ui, |ui| {
            egui::Frame::new()
                .inner_margin(egui::Margin::symmetric(20, 8))
                .show(ui, |ui| kit::key_values(ui, &rows));
        });
}

/// The person's zone, kept beside the rows.
struct Zone(jiff::tz::TimeZone);

struct CertificateRows<'a> {
    rows: Vec<Arc<Certificate>>,
    snapshot: &'a Snapshot,
    now: Timestamp,
    cx: Zone,
    act: Option<(Act, Arc<Certificate>)>,
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
                let day = format::day(c.not_after, &self.cx.0);
                match expiry(c, self.now) {
                    Tone::Success => drop(kit::cell(ui, &day)),
                    tone => drop(
                        kit::status(tone, day)
                            .because(expiry_words(c, self.now))
                            .ui(ui),
                    ),
                }
            }
            4 => drop(kit::cell(ui, if c.has_private_key { "Here" } else { "–" })),
            _ => {
                let users = users(c, self.snapshot).join(", ");
                let words = if users.is_empty() { "–" } else { &users };
                kit::cell(ui, words);
            }
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let certificate = Arc::clone(&self.rows[row]);
        if kit::menu_item("Export…").icon(icons::FILE_TEXT).clicked(ui) {
            self.act = Some((Act::Export, Arc::clone(&certificate)));
        }
        kit::menu_separator(ui);
        let delete = kit::menu_item("Delete…").icon(icons::TRASH).shortcut("Del");
        if delete.danger().clicked(ui) {
            self.act = Some((Act::Delete, certificate));
        }
    }
}

fn columns() -> [kit::Column<'static>; 6] {
    [
        column("Name", 200.0),
        column("Use", 155.0),
        column("Issuer", 150.0),
        column("Expires", 130.0),
        column("Private key", 95.0),
        rest_column("Used by").unsorted(),
    ]
}

/// What a certificate is for, in words.
pub(super) const fn use_word(usage: CertificateUse) -> &'static str {
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
fn users(certificate: &Certificate, snapshot: &Snapshot) -> Vec<String> {
    let mut users: Vec<String> = snapshot
        .endpoints
        .values()
        .filter(|e| {
            e.server_certificate == certificate.arn
                || e.client_root_certificate() == Some(&certificate.arn)
        })
        .map(|e| e.title().to_owned())
        .collect();
    let signed = snapshot
        .certificates
        .values()
        .filter(|c| c.issued_by.as_ref() == Some(&certificate.arn))
        .count();
    match signed {
        0 => {}
        1 => users.push("1 certificate".to_owned()),
        _ => users.push(format!("{signed} certificates")),
    }
    users
}

/// How near its end it is: a month before, it is a warning.
fn expiry(certificate: &Certificate, now: Timestamp) -> Tone {
    let left = certificate.not_after.duration_since(now);
    if left <= SignedDuration::ZERO {
        Tone::Danger
    } else if left <= SignedDuration::from_hours(30 * 24) {
        Tone::Warning
    } else {
        Tone::Success
    }
}

fn expiry_words(certificate: &Certificate, now: Timestamp) -> String {
    let left = certificate.not_after.duration_since(now);
    match left.as_hours() {
        hours if left <= SignedDuration::ZERO || hours < 0 => "Expired".to_owned(),
        hours if hours < 48 => format!("Expires in {hours} h"),
        hours => format!("Expires in {} days", hours / 24),
    }
}

fn expiry_status(certificate: &Certificate, now: Timestamp) -> kit::status::Status {
    let tone = expiry(certificate, now);
    let words = match tone {
        Tone::Success => "Valid".to_owned(),
        _ => expiry_words(certificate, now),
    };
    kit::status(tone, words)
}
