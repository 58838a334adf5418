//! What is known of the selected certificate, and what can be done with it.

use egui::Ui;

use super::{
    Act,
    rows::{use_word, users},
};
use crate::{
    app::{
        context::Context,
        dialogs::revocation,
        format,
        kit::{self, Value, icons},
    },
    model::{Certificate, CertificateOrigin, CertificateUse},
};

/// What the panel offers, from the right.
pub(super) fn buttons(cx: &Context<'_>, ui: &mut Ui, certificate: &Certificate) -> Option<Act> {
    let mut act = None;
    let delete = kit::button("Delete…").icon(icons::TRASH).quiet_danger();
    if delete.clicked(ui) {
        act = Some(Act::Delete);
    }
    if is_revocable(cx, certificate) && kit::button("Revoke…").icon(icons::PROHIBIT).clicked(ui) {
        act = Some(Act::Revoke);
    }
    if kit::button("Export…").icon(icons::FILE_TEXT).clicked(ui) {
        act = Some(Act::Export);
    }
    let renew = kit::button("Renew…").icon(icons::ARROW_COUNTER_CLOCKWISE);
    if certificate.renewer(&cx.view.snapshot).is_some() && renew.clicked(ui) {
        act = Some(Act::Renew);
    }
    if kit::button("Replace…").clicked(ui) {
        act = Some(Act::Replace);
    }
    let signs = certificate.usage == CertificateUse::Authority && certificate.has_private_key;
    if signs && kit::button("Issue from this authority…").clicked(ui) {
        act = Some(Act::Issue);
    }
    if signs {
        let lists = &cx.view.snapshot.authority_lists;
        let none = !lists.contains_key(&certificate.arn);
        let none = none.then_some("No list was generated yet");
        kit::button("CRL").caret().menu(ui, |ui| {
            let generate = kit::menu_item("Generate CRL…").icon(icons::ARROW_COUNTER_CLOCKWISE);
            if generate.clicked(ui) {
                act = Some(Act::GenerateList);
            }
            let export = kit::menu_item("Export CRL…").icon(icons::FILE_TEXT);
            if export.disabled_because(none).clicked(ui) {
                act = Some(Act::ExportList);
            }
        });
    }
    act
}

/// Whether it can be revoked here and is not yet.
fn is_revocable(cx: &Context<'_>, certificate: &Certificate) -> bool {
    certificate.revoked.is_none() && revocation::revoker(&cx.view.snapshot, certificate).is_some()
}

/// What is in a certificate, which signed so many others.
pub(super) fn details(cx: &Context<'_>, ui: &mut Ui, certificate: &Certificate, signed: usize) {
    let snapshot = &cx.view.snapshot;
    let names = certificate.alternative_names.join(", ");
    let from = format::moment(certificate.not_before, cx.now, cx.zone);
    let until = format::moment(certificate.not_after, cx.now, cx.zone);
    let added = format::moment(certificate.created_at, cx.now, cx.zone);
    let users = users(certificate, signed, snapshot).join(", ");
    let key = if certificate.has_private_key {
        format!("{}, private key here", certificate.key_algorithm)
    } else {
        format!("{}, no private key here", certificate.key_algorithm)
    };
    let origin = match certificate.origin {
        CertificateOrigin::Issued => "Made here",
        CertificateOrigin::Imported => "Imported",
    };
    let chain = chain(certificate);
    let revoked = match certificate.revoked {
        Some(it) => format!("On {}", format::moment(it.at, cx.now, cx.zone)),
        None => String::new(),
    };
    let list = snapshot.authority_lists.get(&certificate.arn);
    let list = list.map(|it| revocation::in_a_line(cx, it));
    let list = list.unwrap_or_default();
    let revocation = match certificate.usage {
        CertificateUse::Authority => ("Revocation list", Value::Text(&list)),
        _ => ("Revoked", Value::Text(&revoked)),
    };
    let rows = [
        ("Name", Value::Text(certificate.title())),
        ("Use", Value::Text(use_word(certificate.usage))),
        ("Subject", Value::Text(&certificate.subject)),
        ("Issuer", Value::Text(&certificate.issuer)),
        ("Other names", Value::Text(&names)),
        ("Chain", Value::Text(&chain)),
        ("Key", Value::Text(&key)),
        ("Used by", Value::Text(&users)),
        ("Valid from", Value::Text(&from)),
        ("Expires", Value::Text(&until)),
        revocation,
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

/// How many certificates stand above it.
fn chain(certificate: &Certificate) -> String {
    let above = certificate.chain_pem.matches("-----BEGIN").count();
    match above {
        0 => String::new(),
        1 => "1 certificate above it".to_owned(),
        count => format!("{count} certificates above it"),
    }
}
