//! The certificate store.

mod panel;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use egui::{Key, Panel, Ui};

use self::rows::{CertificateRows, Shown, columns, expiry_status};
use super::{
    Page,
    listing::{self, choose_columns},
};
use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::{Change, Confirm},
            create_ca::CreateCa,
            export_certificate::Export,
            import_certificate::Import,
            import_folder::ImportFolder,
            issue_certificate::Issue,
            issue_many::IssueMany,
            renew_certificate::Renew,
            revocation::{ExportList, GenerateList, ImportList, Revoke},
            sign_request::SignRequest,
        },
        kit::{self, Selection, Sort, Tone, icons, tokens},
    },
    model::{
        Certificate, CertificateArn, CertificateUse, Command, Cure, Notice, NoticeSubject,
        Severity, Snapshot, command::CertificateName,
    },
};

/// The page.
pub struct Certificates {
    selection: Selection<CertificateArn>,
    sort: Sort,
    filter: String,
    shown: Shown,
    panel: f32,
    closed: bool,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            sort: Sort::default(),
            filter: String::new(),
            shown: Shown::default(),
            panel: 330.0,
            closed: false,
        }
    }
}

const TABLE: &str = "Certificates";

/// What can be done with a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Issue,
    Export,
    Renew,
    Replace,
    Revoke,
    GenerateList,
    ExportList,
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
        self.shown.find(&snapshot, &self.filter, self.sort);
        if let Some(certificate) = selected.filter(|_| !self.closed) {
            self.split_panel(cx, ui, &certificate);
        }
        self.list(cx, ui, &snapshot);
        self.keys(cx, ui);
    }
}

impl Certificates {
    /// Selects a certificate.
    pub fn select(&mut self, arn: CertificateArn) {
        self.selection.select_only(arn);
        self.closed = false;
        self.filter.clear();
    }

    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, snapshot: &Arc<Snapshot>) {
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
        notice_banner(cx, ui);
        self.shown.find(snapshot, &self.filter, self.sort);
        let rows = Arc::clone(&self.shown.rows);
        let find = cx.shortcut(ui, Key::F);
        let chosen = self.chosen();
        let hidden = self.selection.len() - chosen.len();
        let words = listing::said(count, true, [rows.len(), hidden]);
        let several = chosen.len() > 1;
        let revocation = several
            .then(|| Revoke::new(snapshot, chosen.clone()))
            .flatten();
        let width = ui.available_width();
        let (revoke, delete) = kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter certificates")
                    .hint("Filter, for example client")
                    .keys("Ctrl F")
                    .width(320.0)
                    .focus(find)
                    .ui(ui);
            },
            |ui| {
                choose_columns(cx, ui, (TABLE, &columns()), width);
                kit::weak(ui, &words);
                let words = format!("Delete {} certificates…", chosen.len());
                let delete = kit::button(&words).icon(icons::TRASH).quiet_danger();
                let delete = several && delete.clicked(ui);
                let revoke = kit::button("Revoke…").icon(icons::PROHIBIT);
                (revocation.is_some() && revoke.clicked(ui), delete)
            },
        );
        if delete {
            delete_several(cx, chosen);
        }
        if revoke && let Some(dialog) = revocation {
            cx.open(dialog);
        }
        if rows.is_empty() {
            listing::nothing_passes(ui, "No certificate passes the filter", &mut self.filter);
            return;
        }
        let mut table = CertificateRows {
            rows: &rows,
            found: &self.shown,
            snapshot,
            now: cx.now,
            zone: cx.zone,
            act: None,
        };
        let chosen = cx.prefs.columns_of(TABLE);
        let out = kit::table(TABLE, &columns(), &mut self.selection)
            .chosen(&chosen)
            .checkboxes()
            .sort(&mut self.sort)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        listing::copy_selected(cx, ui, &self.selection, &table);
        if out.selected || out.opened.is_some() {
            self.closed = false;
        }
        let act = table.act;
        if let Some((act, certificate)) = act {
            perform(cx, act, &certificate);
        }
    }

    /// The selected certificates that are shown: nothing is done with those that the filter hides.
    fn chosen(&self) -> Vec<Arc<Certificate>> {
        if self.selection.is_empty() {
            return Vec::new();
        }
        let shown = self.shown.rows.iter();
        let chosen = shown.filter(|it| self.selection.contains(&it.arn));
        chosen.cloned().collect()
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
                        act = panel::buttons(cx, ui, certificate);
                        close
                    },
                );
                panel::details(cx, ui, certificate, self.shown.signed_by(certificate));
                if let Some(act) = act {
                    perform(cx, act, certificate);
                }
                self.closed = close;
            });
        self.panel = height;
    }

    fn keys(&mut self, cx: &mut Context<'_>, ui: &Ui) {
        if cx.shortcut(ui, Key::N) {
            cx.open(Issue::new(None));
        }
        if cx.key(ui, Key::Escape) {
            match self.filter.is_empty() {
                true => self.selection.clear(),
                false => self.filter.clear(),
            }
        }
        let chosen = self.chosen();
        if chosen.is_empty() || !cx.key(ui, Key::Delete) {
            return;
        }
        match chosen.as_slice() {
            [one] => perform(cx, Act::Delete, one),
            _ => delete_several(cx, chosen),
        }
    }
}

fn delete_several(cx: &mut Context<'_>, mut chosen: Vec<Arc<Certificate>>) {
    // What an authority signed goes before it does: while there is any, it cannot go.
    chosen.sort_by_key(|it| (it.usage == CertificateUse::Authority, it.title().to_owned()));
    cx.open(delete_all(&chosen));
}

/// The question before several certificates are deleted, each on its own: one that is in use stays,
/// and says where.
fn delete_all(chosen: &[Arc<Certificate>]) -> Confirm {
    let named: Vec<_> = chosen.iter().take(NAMED).map(|it| it.title()).collect();
    let more = match chosen.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let count = chosen.len();
    let changes = chosen
        .iter()
        .map(|it| Change::new(it.title(), delete(it), deleted(it)));
    let words = format!("Delete {count} certificates");
    let ask = Confirm::each(format!("{words}?"), words, changes.collect()).body(format!(
        "{}{more}. Their private keys go with them. One that is still in use stays, and it is said where.",
        named.join(", ")
    ));
    let mut authorities = chosen
        .iter()
        .filter(|it| it.usage == CertificateUse::Authority);
    match authorities.next() {
        // Nothing can be issued from it any more.
        Some(authority) => ask.typed_name(authority.title()),
        None => ask,
    }
}

fn delete(certificate: &Certificate) -> Command {
    Command::DeleteCertificate(CertificateName {
        certificate_arn: certificate.arn.to_string(),
    })
}

fn deleted(certificate: &Certificate) -> String {
    format!("{} deleted", certificate.title())
}

/// Certificates that a question names; the others are counted.
const NAMED: usize = 5;

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
    if kit::button("Issue for many…")
        .icon(icons::USERS_THREE)
        .disabled_because(lacks)
        .clicked(ui)
    {
        cx.open(IssueMany::new(None));
    }
    if kit::button("Import…")
        .icon(icons::DOWNLOAD_SIMPLE)
        .clicked(ui)
    {
        cx.open(Import::default());
    }
    kit::button("More").caret().menu(ui, |ui| {
        let sign = kit::menu_item("Sign a certificate request…").icon(icons::FILE_TEXT);
        if sign.disabled_because(lacks).clicked(ui) {
            cx.open(SignRequest::new(None));
        }
        let folder = kit::menu_item("Import an easy-rsa folder…").icon(icons::DOWNLOAD_SIMPLE);
        if folder.clicked(ui) {
            cx.open(ImportFolder::default());
        }
    });
    // The empty page has this button in its middle.
    if !cx.view.snapshot.certificates.is_empty()
        && kit::button("Create certificate authority…").clicked(ui)
    {
        cx.open(CreateCa::default());
    }
}

fn perform(cx: &mut Context<'_>, act: Act, certificate: &Arc<Certificate>) {
    match act {
        Act::Issue => cx.open(Issue::new(Some(certificate.arn.clone()))),
        Act::Export => cx.open(Export::new(Arc::clone(certificate))),
        Act::Renew => cx.open(Renew::new(Arc::clone(certificate))),
        Act::Replace => cx.open(Import::replacing(certificate.arn.clone())),
        Act::Revoke => {
            if let Some(dialog) = Revoke::new(&cx.view.snapshot, vec![Arc::clone(certificate)]) {
                cx.open(dialog);
            }
        }
        Act::GenerateList => cx.open(GenerateList::new(Arc::clone(certificate))),
        Act::ExportList => {
            if let Some(dialog) = ExportList::of_authority(&cx.view.snapshot, certificate) {
                cx.open(dialog);
            }
        }
        Act::Delete => {
            let name = certificate.title();
            let authority = certificate.usage == CertificateUse::Authority;
            let body = if authority {
                "Nothing can be issued from it any more, and it cannot be made again. Keep an export if in doubt."
            } else {
                "Its private key goes with it. Exported files that hold it work until it expires: to end that, revoke it first, which cannot be done once it is deleted."
            };
            let ask = Confirm::new(
                format!("Delete {name}?"),
                "Delete certificate",
                delete(certificate),
                deleted(certificate),
            )
            .body(body.to_owned());
            cx.open(if authority { ask.typed_name(name) } else { ask });
        }
    }
}

/// What cures a notice.
pub(in crate::app) fn cure(cx: &mut Context<'_>, notice: &Notice) {
    let snapshot = Arc::clone(&cx.view.snapshot);
    let stored = |arn: &CertificateArn| snapshot.certificates.get(arn).cloned();
    match &notice.about {
        NoticeSubject::Certificate(arn) => {
            if let Some(certificate) = stored(arn) {
                let act = match certificate.renewer(&snapshot) {
                    Some(_) => Act::Renew,
                    None => Act::Replace,
                };
                perform(cx, act, &certificate);
            }
        }
        NoticeSubject::EndpointList(id) => {
            let list = snapshot.revocation_lists.get(id);
            let signer = list.and_then(|it| it.issued_by.as_ref()).and_then(stored);
            match (notice.cure, signer) {
                (Cure::GenerateList, Some(signer)) => perform(cx, Act::GenerateList, &signer),
                _ => {
                    if let Some(endpoint) = snapshot.endpoints.get(id) {
                        cx.open(ImportList::new(endpoint));
                    }
                }
            }
        }
        NoticeSubject::AuthorityList(arn) => {
            if let Some(authority) = stored(arn) {
                perform(cx, Act::GenerateList, &authority);
            }
        }
    }
}

/// The words of the button that cures a notice.
pub(in crate::app) const fn cure_words(notice: &Notice) -> &'static str {
    match notice.cure {
        Cure::Renew | Cure::RenewAuthority => "Renew…",
        Cure::Import => "Import…",
        Cure::ImportList => "Import Client Certificate CRL…",
        Cure::GenerateList => "Generate CRL…",
    }
}

/// What is so, as a banner's title, which has no full stop.
pub(in crate::app) fn headline(notice: &Notice) -> &str {
    notice.sentence.trim_end_matches('.')
}

/// The worst of what nears its end, with its cure.
fn notice_banner(cx: &mut Context<'_>, ui: &mut Ui) {
    let Some(worst) = cx.notices.first().cloned() else {
        return;
    };
    let more = match cx.notices.len() - 1 {
        0 => String::new(),
        1 => " One more is near its end.".to_owned(),
        count => format!(" {count} more are near their end."),
    };
    let body = format!("{}{more}", worst.cure_sentence());
    egui::Frame::new()
        .inner_margin(egui::Margin::symmetric(20, 8))
        .show(ui, |ui| {
            let banner = kit::banner(tone(worst.severity), headline(&worst));
            if banner.body(&body).action(cure_words(&worst)).ui(ui) {
                cure(cx, &worst);
            }
        });
}

/// How bad something is, as a colour.
pub(in crate::app) const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Problem => Tone::Danger,
        Severity::Warning => Tone::Warning,
        Severity::Good => Tone::Success,
    }
}
