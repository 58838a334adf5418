//! The clients that were not let in, as rows.

use egui::Ui;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    app::{
        format,
        kit::{self, Column, Rows, Tone, column, rest_column},
        screens::{filter, listing::Cells},
    },
    model::Attempt,
};

pub(super) const COLUMNS: [Column<'static>; 4] = [
    column("Time", 150.0).unsorted(),
    column("Common name", 130.0).unsorted(),
    column("Device address", 170.0).unsorted(),
    rest_column("Why").unsorted(),
];

/// One attempt as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Time and place of the attempt as one number: attempts have no identifier.
    pub(super) key: u64,
    at: String,
    utc: String,
    name: String,
    device: String,
    why: String,
}

impl Refused {
    pub(super) fn new(attempt: &Attempt, now: Timestamp, zone: &TimeZone) -> Self {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        (attempt.at, attempt.device, &attempt.reason).hash(&mut hasher);
        Self {
            key: hasher.finish(),
            at: format::moment(attempt.at, now, zone),
            utc: format::utc(attempt.at),
            name: attempt
                .common_name
                .clone()
                .unwrap_or_else(|| "–".to_owned()),
            device: attempt.device.to_string(),
            why: attempt.reason.clone(),
        }
    }

    /// Its cells as text, for the clipboard; the time with its day and zone.
    fn cells(&self) -> Vec<String> {
        [&self.utc, &self.name, &self.device, &self.why]
            .map(String::clone)
            .to_vec()
    }

    pub(super) fn passes(&self, words: &str) -> bool {
        filter::passes(
            words,
            &[
                ("name", &self.name),
                ("device", &self.device),
                ("why", &self.why),
            ],
        )
    }
}

pub(super) struct Attempts<'a> {
    pub(super) rows: &'a [Refused],
}

impl Cells for Attempts<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        self.rows[row].cells()
    }
}

impl Rows for Attempts<'_> {
    type Key = u64;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> u64 {
        self.rows[row].key
    }

    fn name(&self, row: usize) -> String {
        let row = &self.rows[row];
        format!("{}, {}, {}", row.name, row.device, row.why)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let row = &self.rows[row];
        match column {
            0 => drop(kit::cell(ui, &row.at).on_hover_text(&row.utc)),
            1 => drop(kit::cell_name(ui, &row.name)),
            2 => drop(kit::cell_mono(ui, &row.device)),
            _ => drop(kit::status(Tone::Danger, &row.why).ui(ui)),
        }
    }
}
