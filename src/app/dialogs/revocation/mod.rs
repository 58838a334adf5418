//! Client certificate revocation lists: import and export an endpoint's, revoke certificates of an
//! authority that is here, and generate its list.

mod export_list;
mod generate_list;
mod import_list;
mod revoke;

use egui::Ui;

pub use self::{
    export_list::ExportList, generate_list::GenerateList, import_list::ImportList, revoke::Revoke,
};
use crate::{
    app::{
        context::Context,
        format,
        kit::{self, Value},
    },
    model::{Certificate, Endpoint, RevocationList, RevocationListOrigin, Snapshot},
};

/// What a list is, in a line: "3 entries, until 26 May 2027, made here".
#[must_use]
pub fn in_a_line(cx: &Context<'_>, list: &RevocationList) -> String {
    let until = match list.next_update {
        Some(_) if list.is_expired(cx.now) => "expired".to_owned(),
        Some(next) => format!("until {}", format::day(next, cx.zone)),
        None => "without an end".to_owned(),
    };
    let origin = match list.origin {
        RevocationListOrigin::Generated => "made here",
        RevocationListOrigin::Imported => "imported",
    };
    format!("{}, {until}, {origin}", entries(list.entries))
}

/// "1 entry", "20,000 entries".
fn entries(count: u32) -> String {
    counted(count as usize, "entry", "entries")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{} {many}", format::count(count as u64)),
    }
}

/// Whose list it is, from when until when, and how much is in it.
fn facts(cx: &Context<'_>, ui: &mut Ui, list: &RevocationList) {
    let made = format::moment(list.this_update, cx.now, cx.zone);
    let next = match list.next_update {
        Some(next) => format::moment(next, cx.now, cx.zone),
        None => "Not said: the list does not expire".to_owned(),
    };
    let entries = entries(list.entries);
    kit::key_values(
        ui,
        &[
            ("Issuer", Value::Text(&list.issuer)),
            ("Made", Value::Text(&made)),
            ("Next one due", Value::Text(&next)),
            ("Number", Value::Mono(list.number.as_deref().unwrap_or(""))),
            ("Entries", Value::Text(&entries)),
        ],
    );
}

/// The authority of the store that can revoke `certificate`, if its key is here.
#[must_use]
pub fn revoker<'s>(snapshot: &'s Snapshot, certificate: &Certificate) -> Option<&'s Certificate> {
    let issuer = certificate.issued_by.as_ref()?;
    let issuer = snapshot.certificates.get(issuer)?;
    let is_other = issuer.arn != certificate.arn;
    (is_other && issuer.has_private_key).then_some(issuer)
}

/// The endpoints that let clients of `authority` in; true where they take its list as it is
/// generated, false where they have an imported one, which stays.
fn trusting<'s>(
    snapshot: &'s Snapshot,
    authority: &Certificate,
) -> impl Iterator<Item = (&'s Endpoint, bool)> {
    let arn = authority.arn.clone();
    let endpoints = snapshot.endpoints.values();
    endpoints
        .filter(|it| !it.deleting)
        .filter(move |it| it.client_root_certificate() == Some(&arn))
        .map(|it| {
            let present = snapshot.revocation_lists.get(&it.id);
            let gives_way = present.is_none_or(|it| it.origin == RevocationListOrigin::Generated);
            (it, gives_way)
        })
}

/// Says where a list that is generated is not taken up, if anywhere.
fn imported_stay(ui: &mut Ui, snapshot: &Snapshot, authorities: &[&Certificate]) {
    let mut names: Vec<&str> = Vec::new();
    for authority in authorities {
        let others = trusting(snapshot, authority).filter(|(_, takes)| !takes);
        names.extend(others.map(|(it, _)| it.title()));
    }
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let title = format!("The imported list of {} stays", names.join(", "));
    kit::banner(kit::Tone::Warning, &title)
        .body(
            "Export the new list of the authority and import it there, if it is to hold there too.",
        )
        .ui(ui);
}
