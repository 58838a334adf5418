//! The rows of connections on screen.

use egui::Ui;
use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::list::throughput,
    LACKING, NETWORK_AT,
    reading::{Kind, Reading, Row},
};
use crate::{
    app::{
        format,
        kit::{self, Rows, Selection, icons},
        rates::Rates,
        screens::listing::Cells,
    },
    model::{ConnectionId, ConnectionState, Traffic},
};

/// Rows of a reading in the order shown, and what a person asked of one.
pub(super) struct Drawn<'a> {
    pub(super) reading: &'a Reading,
    pub(super) rates: &'a Rates,
    pub(super) kind: Kind,
    /// Counts what was shown.
    pub(super) version: u64,
    /// The last column says what clients lack.
    pub(super) lacking: bool,
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
    pub(super) asked: Option<Ask>,
}

/// What is asked of a row.
pub(super) enum Ask {
    Why(ConnectionId),
    Details(ConnectionId),
    Reconnect(ConnectionId),
    Terminate(ConnectionId),
    TerminateUser(ConnectionId),
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        self.reading.cells(self.shown(row), self.now)
    }
}

impl Rows for Drawn<'_> {
    type Key = ConnectionId;

    fn len(&self) -> usize {
        self.reading.shown_len()
    }

    fn key(&self, row: usize) -> ConnectionId {
        self.shown(row).words.id.clone()
    }

    fn is_selected(&self, row: usize, selection: &Selection<ConnectionId>) -> bool {
        !selection.is_empty() && selection.contains(&self.shown(row).words.id)
    }

    fn version(&self) -> Option<u64> {
        Some(self.version)
    }

    fn name(&self, row: usize) -> String {
        let row = self.shown(row);
        let words = &row.words;
        let state = kit::state_word(row.state.as_str());
        format!("{}, {state}, {}", words.name, words.ip)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let reading = self.reading;
        let row = self.shown(row);
        if self.lacking && column == LACKING {
            self.lacks_cell(ui, row);
            return;
        }
        let words = &row.words;
        let traffic = |of: fn(&Traffic) -> u64, words: fn(u64) -> String, ui: &mut Ui| {
            let count = reading.connection(row).map_or(0, |c| of(&c.traffic));
            drop(kit::cell(ui, &words(count)));
        };
        match (column, self.kind) {
            (0, _) => drop(kit::state(row.state.as_str()).ui(ui)),
            (1, _) => drop(kit::cell_name(ui, &words.name)),
            (2, _) => {
                // Where a narrow table has no column for it, it is here.
                kit::cell_mono(ui, &words.ip).on_hover_ui(|ui| {
                    kit::body(ui, &format!("Through the target network {}", words.network));
                });
            }
            (3, Kind::Active) => drop(kit::cell_mono(ui, &words.device)),
            (4, Kind::Active) => drop(kit::cell(ui, &words.client)),
            (NETWORK_AT, Kind::Active) => drop(kit::cell(ui, &words.network)),
            (6, Kind::Active) | (4, Kind::Ended) => {
                drop(kit::cell(ui, &reading.duration(row, self.now)));
            }
            (7, Kind::Active) => {
                let rates: Vec<f32> = self.rates.at(row.at).collect();
                throughput(ui, &rates, row.state != ConnectionState::Active);
            }
            (8, Kind::Active) | (5, Kind::Ended) => traffic(|t| t.ingress_bytes, format::bytes, ui),
            (9, Kind::Active) | (6, Kind::Ended) => traffic(|t| t.egress_bytes, format::bytes, ui),
            (10, Kind::Active) => traffic(|t| t.ingress_packets, format::count, ui),
            (11, Kind::Active) => traffic(|t| t.egress_packets, format::count, ui),
            (3, _) => {
                let (local, utc) = reading.ended(row, self.now, self.zone);
                kit::cell(ui, &local).on_hover_text(utc);
            }
            _ => drop(kit::cell(ui, reading.why(row))),
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let row = self.shown(row).clone();
        let words = &row.words;
        if row.state == ConnectionState::Active
            && kit::menu_item("Why?").icon(icons::PATH).clicked(ui)
        {
            self.asked = Some(Ask::Why(row.words.id.clone()));
        }
        if kit::menu_item("Details…")
            .icon(icons::INFO)
            .shortcut("Enter")
            .clicked(ui)
        {
            self.asked = Some(Ask::Details(row.words.id.clone()));
        }
        for (what, value) in [
            ("Copy client IP", &words.ip),
            ("Copy device address", &words.device),
        ] {
            if kit::menu_item(what).icon(icons::COPY).clicked(ui) {
                ui.ctx().copy_text(value.clone());
            }
        }
        if kit::menu_item("Copy connection ID")
            .icon(icons::COPY)
            .clicked(ui)
        {
            ui.ctx().copy_text(words.id.to_string());
        }
        if row.state == ConnectionState::Active
            && kit::menu_item("Reconnect")
                .icon(icons::PLUGS_CONNECTED)
                .clicked(ui)
        {
            self.asked = Some(Ask::Reconnect(row.words.id.clone()));
        }
        if row.state == ConnectionState::Active
            && kit::menu_item("Terminate Connection…")
                .icon(icons::STOP_CIRCLE)
                .shortcut("Del")
                .danger()
                .clicked(ui)
        {
            self.asked = Some(Ask::Terminate(row.words.id.clone()));
        }
        if row.state == ConnectionState::Active
            && kit::menu_item("Terminate all of this user…")
                .icon(icons::STOP_CIRCLE)
                .danger()
                .clicked(ui)
        {
            self.asked = Some(Ask::TerminateUser(row.words.id.clone()));
        }
    }
}

impl<'a> Drawn<'a> {
    /// A row of the table, which asks for no more than there are.
    #[expect(clippy::expect_used, reason = "as an index is")]
    fn shown(&self, row: usize) -> &'a Row {
        let reading: &'a Reading = self.reading;
        reading
            .line(row)
            .expect("the table knows how many there are")
    }

    /// "Reconnect to get the route 10.2.0.0/16.", of which the first word does it.
    fn lacks_cell(&mut self, ui: &mut Ui, row: &Row) {
        let lacks = self.reading.lacks(row);
        let Some(rest) = lacks.strip_prefix(RECONNECT) else {
            kit::cell_weak(ui, lacks);
            return;
        };
        let link = kit::link(ui, RECONNECT).on_hover_text(lacks);
        if link.clicked() {
            self.asked = Some(Ask::Reconnect(row.words.id.clone()));
        }
        kit::cell(ui, rest.trim_start());
    }
}

/// The first word of what a client lacks.
const RECONNECT: &str = "Reconnect";
