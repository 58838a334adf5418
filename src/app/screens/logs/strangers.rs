//! Attempts that cost no record, by where they came from.

use egui::Ui;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    app::{
        context::Context,
        format,
        kit::{self, Rows, Selection, column, rest_column},
        screens::listing::{self, Cells},
    },
    model::UnprovenPrefix,
};

/// Draws the list.
pub(super) fn list(cx: &Context<'_>, ui: &mut Ui, selection: &mut Selection<String>) {
    let prefixes = &cx.view.live.gateway.unproven_prefixes;
    if prefixes.is_empty() {
        let body = "Whoever sends something else than a client does, does not answer from its own address, or comes more than 600 times a minute, is counted here instead of being logged.";
        kit::empty(ui, "Every attempt has a record so far", body, "");
        return;
    }
    let columns = [
        column("From", 240.0).unsorted(),
        column("Count", 110.0).right().unsorted(),
        column("Last one", 150.0).unsorted(),
        rest_column("Reasons").unsorted(),
    ];
    let mut rows = PrefixRows {
        prefixes,
        now: cx.now,
        zone: cx.zone,
    };
    kit::table("Attempts without a record", &columns, selection)
        .comfortable(cx.prefs.comfortable)
        .show(ui, &mut rows);
    listing::copy_selected(cx, ui, selection, &rows);
}

struct PrefixRows<'a> {
    prefixes: &'a [UnprovenPrefix],
    now: Timestamp,
    zone: &'a TimeZone,
}

fn prefix(it: &UnprovenPrefix) -> String {
    match it.prefix {
        Some(prefix) => prefix.to_string(),
        None => "All others".to_owned(),
    }
}

/// `bad cookie 12, truncated 3`.
fn reasons(it: &UnprovenPrefix) -> String {
    let words = it.reasons.iter();
    let words =
        words.map(|(reason, n)| format!("{} {}", reason.replace('-', " "), format::count(*n)));
    words.collect::<Vec<_>>().join(", ")
}

impl Cells for PrefixRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let it = &self.prefixes[row];
        vec![
            prefix(it),
            it.count.to_string(),
            format::utc(it.last_at),
            reasons(it),
        ]
    }
}

impl Rows for PrefixRows<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.prefixes.len()
    }

    fn key(&self, row: usize) -> String {
        prefix(&self.prefixes[row])
    }

    fn name(&self, row: usize) -> String {
        let it = &self.prefixes[row];
        format!("{}, {}", prefix(it), reasons(it))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let it = &self.prefixes[row];
        match column {
            0 => drop(kit::cell_mono(ui, &prefix(it))),
            1 => drop(kit::cell(ui, &format::count(it.count))),
            2 => drop(kit::cell(
                ui,
                &format::moment(it.last_at, self.now, self.zone),
            )),
            _ => drop(kit::cell(ui, &reasons(it))),
        }
    }
}
