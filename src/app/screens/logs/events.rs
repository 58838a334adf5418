//! The list of events, and one of them with each of its fields.

use std::sync::Arc;

use egui::Ui;
use jiff::{Timestamp, tz::TimeZone};

use super::feed::Row;
use crate::{
    app::{
        format,
        kit::{self, Column, Rows, Tone, Value, column, rest_column},
        screens::listing::Cells,
    },
    model::{ConnectionRecord, Snapshot},
};

/// The columns: what happened has the room that the others leave, as it is a sentence.
pub(super) const COLUMNS: [Column<'static>; 6] = [
    column("Time", 134.0).unsorted(),
    column("Result", 138.0).unsorted(),
    column("User", 130.0).unsorted(),
    column("From", 170.0).unsorted(),
    column("Endpoint", 140.0).unsorted().from_width(1200.0),
    rest_column("What happened").unsorted(),
];

/// Rows of the table.
pub(super) struct EventRows<'a> {
    rows: &'a [Arc<Row>],
    snapshot: &'a Snapshot,
    now: Timestamp,
    zone: &'a TimeZone,
    /// The first row that was drawn.
    first: Option<usize>,
}

impl<'a> EventRows<'a> {
    pub(super) const fn new(
        rows: &'a [Arc<Row>],
        snapshot: &'a Snapshot,
        now: Timestamp,
        zone: &'a TimeZone,
    ) -> Self {
        Self {
            rows,
            snapshot,
            now,
            zone,
            first: None,
        }
    }

    /// Whether the newest is out of sight above.
    pub(super) fn is_scrolled(&self) -> bool {
        self.first.is_some_and(|row| row > 0)
    }
}

impl Cells for EventRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let row = &self.rows[row];
        let mut cells = vec![format::utc(row.event.at)];
        match &row.record {
            Some(record) => cells.extend([
                result(record).1.to_owned(),
                or_dash(&record.common_name).to_owned(),
                device(record),
                endpoint(self.snapshot, record).to_owned(),
                record.explanation.clone(),
            ]),
            None => cells.push(row.event.message.clone()),
        }
        // What would end a cell or a row is of no table.
        for cell in &mut cells {
            *cell = cell.replace(['\t', '\r', '\n'], " ");
        }
        cells
    }
}

impl Rows for EventRows<'_> {
    type Key = u64;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> u64 {
        self.rows[row].event.seq
    }

    fn name(&self, row: usize) -> String {
        let row = &self.rows[row];
        match &row.record {
            Some(record) => format!(
                "{}, {}, {}",
                result(record).1,
                record.common_name,
                record.explanation
            ),
            None => row.event.message.clone(),
        }
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        self.first = Some(self.first.map_or(row, |first| first.min(row)));
        let row = &self.rows[row];
        if column == 0 {
            let at = format::moment(row.event.at, self.now, self.zone);
            kit::cell(ui, &at).on_hover_text(format::utc(row.event.at));
            return;
        }
        let Some(record) = &row.record else {
            if column == 5 {
                kit::cell_mono(ui, &row.event.message);
            }
            return;
        };
        match column {
            1 => {
                let (tone, word) = result(record);
                drop(kit::status(tone, word).ui(ui));
            }
            2 => drop(kit::cell_name(ui, or_dash(&record.common_name))),
            3 => drop(kit::cell_mono(ui, &device(record))),
            4 => drop(kit::cell(ui, endpoint(self.snapshot, record))),
            _ => drop(kit::cell(ui, &record.explanation)),
        }
    }
}

/// What happened, in a word.
pub(super) fn result(record: &ConnectionRecord) -> (Tone, &'static str) {
    match record.connection_attempt_status.as_str() {
        "successful" => (Tone::Success, "Came in"),
        "failed" => (Tone::Danger, "Turned away"),
        _ if record.connection_end_time == "NA" => (Tone::Warning, "Keys not renewed"),
        _ => (Tone::Ended, "Ended"),
    }
}

fn device(record: &ConnectionRecord) -> String {
    format!("{}:{}", record.device_ip, record.port)
}

/// The endpoint's name where it is still there.
fn endpoint<'a>(snapshot: &'a Snapshot, record: &'a ConnectionRecord) -> &'a str {
    let id = record.client_vpn_endpoint_id.parse().ok();
    let found = id.and_then(|id| snapshot.endpoints.get(&id));
    found.map_or(record.client_vpn_endpoint_id.as_str(), |it| it.title())
}

fn or_dash(text: &str) -> &str {
    if text == "NA" { "–" } else { text }
}

/// All that an event says: first what happened and what to do, then each field.
pub(super) fn details(ui: &mut Ui, row: &Row, now: Timestamp, zone: &TimeZone) {
    let at = format::moment(row.event.at, now, zone);
    let utc = format::utc(row.event.at);
    if let Some(record) = &row.record {
        let (tone, _) = result(record);
        // A title has no full stop.
        let title = record.explanation.trim_end_matches('.');
        kit::banner(tone, title).body(&record.next_step).ui(ui);
    }
    let mut rows = vec![
        ("Time", Value::Text(&at)),
        ("In UTC", Value::Text(&utc)),
        ("Log stream", Value::Mono(&row.event.stream)),
    ];
    if let Some(record) = &row.record {
        let shown = |name: &str| !matches!(name, "explanation" | "next-step");
        let fields = record.fields().into_iter();
        rows.extend(
            fields
                .filter(|(name, _)| shown(name))
                .map(|(name, value)| (name, Value::Mono(value))),
        );
    }
    kit::key_values(ui, &rows);
    if row.record.is_none() {
        kit::mono(ui, &row.event.message);
    }
}
