//! The tab Connections: who is connected, who was, and who could not.

mod drawn;
mod reading;
mod refused;

use std::{collections::HashSet, sync::Arc};

use egui::{Key, Rect, Ui};

use super::{
    blocked::{self, Blocked},
    choose_columns, readiness,
};
use crate::{
    app::{
        context::{Action, Context, Question},
        dialogs::{connection_details::ConnectionDetails, terminate::Terminate},
        kit::{self, Column, Selection, Sort, column, icons, rest_column},
        screens::listing,
    },
    model::{
        Attempt, Command, ConnectionId, ConnectionState, Endpoint, View,
        command::ReconnectConnections,
    },
};
use drawn::{Ask, Drawn};
use reading::{Kind, Reading};
use refused::{Attempts, Refused};

const TABLE: &str = "Connections";
const COLUMNS: [Column<'static>; 12] = [
    column("Status", 104.0),
    rest_column("Common name"),
    column("Client IP", 106.0),
    column("Device address", 166.0).from_width(1340.0),
    column("Client", 114.0).from_width(1180.0),
    NETWORK.from_width(1040.0),
    column("Duration", 82.0).right(),
    column("Throughput now", 128.0).right(),
    column("Ingress", 76.0).right(),
    column("Egress", 76.0).right(),
    column("Packets in", 82.0).right().from_width(940.0),
    column("Packets out", 92.0).right().from_width(940.0),
];
/// Which target network the session is bound to.
const NETWORK: Column<'static> = column("Target network", 136.0);
/// Where it is among [`COLUMNS`].
const NETWORK_AT: usize = 5;
/// The columns of [`COLUMNS`] that make room where a client lacks something.
const LACKING: usize = 10;
/// Takes their room.
const LACKS: Column<'static> = column("To take effect", 400.0).unsorted();
const ENDED: [Column<'static>; 8] = [
    column("Status", 120.0),
    column("Common name", 130.0),
    column("Client IP", 108.0),
    column("Ended", 150.0),
    column("Duration", 88.0).right(),
    column("Ingress", 86.0).right(),
    column("Egress", 86.0).right(),
    rest_column("Why"),
];
/// The tab.
pub(super) struct Tab {
    selection: Selection<ConnectionId>,
    refused: Selection<u64>,
    /// The attempts that pass the filter, while they are listed.
    attempts: Vec<Refused>,
    blocked: Blocked,
    kind: Kind,
    pub(super) filter: String,
    sort: Sort,
    ended_sort: Sort,
    rows: Reading,
    /// Counts what was shown.
    chosen: u64,
    picked: Picked,
    /// How many new rows wait for the pointer to leave.
    waiting: usize,
    /// What the rows shown were chosen by; a change of it lets them move.
    by: (Kind, String, Sort),
    /// The reading and the hold they were chosen in: the same again is not chosen anew.
    chosen_in: Option<(u64, bool)>,
    table: Option<Rect>,
}

/// What the toolbar acts on, found again only when it may be another.
#[derive(Default)]
struct Picked {
    of: Option<(u64, u64, u64)>,
    /// How many rows that are shown are selected.
    selected: usize,
    /// How many are selected that the filter hides: nothing is done with them.
    hidden: usize,
    /// The selected connections that are shown and can be ended.
    active: Vec<ConnectionId>,
    /// Those whose clients lack something.
    lacking: Vec<ConnectionId>,
}

impl Picked {
    fn find(
        &mut self,
        rows: &Reading,
        chosen: u64,
        selection: &Selection<ConnectionId>,
        kind: Kind,
    ) {
        let of = Some((rows.number, chosen, selection.version()));
        if self.of == of {
            return;
        }
        self.of = of;
        // What is selected on another list is out of sight, and not ended by a key pressed here.
        let is_here = kind == Kind::Active;
        self.selected = 0;
        self.active.clear();
        if !selection.is_empty() {
            let selected = rows.lines().filter(|row| selection.contains(&row.words.id));
            for row in selected {
                self.selected += 1;
                if is_here && row.state == ConnectionState::Active {
                    self.active.push(row.words.id.clone());
                }
            }
        }
        let of_list = |id: &&ConnectionId| {
            let row = rows.get(id);
            row.is_some_and(|row| row.ended == (kind == Kind::Ended))
        };
        let of_list = selection.iter().filter(of_list).count();
        self.hidden = of_list.saturating_sub(self.selected);
        let lacks = |row: &&reading::Row| is_here && !rows.lacks(row).is_empty();
        self.lacking = match rows.lacking {
            0 => Vec::new(),
            _ => rows
                .iter()
                .filter(lacks)
                .map(|row| row.words.id.clone())
                .collect(),
        };
    }
}

impl Default for Tab {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            refused: Selection::default(),
            attempts: Vec::new(),
            blocked: Blocked::default(),
            kind: Kind::Active,
            filter: String::new(),
            sort: Sort {
                column: 1,
                descending: false,
            },
            ended_sort: Sort {
                column: 3,
                descending: true,
            },
            rows: Reading::default(),
            chosen: 0,
            picked: Picked::default(),
            waiting: 0,
            by: (Kind::Active, String::new(), Sort::default()),
            chosen_in: None,
            table: None,
        }
    }
}

impl Tab {
    pub(super) fn ui(
        &mut self,
        cx: &mut Context<'_>,
        endpoint: &Endpoint,
        focus_filter: bool,
        ui: &mut Ui,
    ) {
        let view = Arc::clone(cx.view);
        let before = self.rows.number;
        self.rows.take_in(cx, endpoint);
        let attempts: Vec<&Attempt> = view
            .live
            .attempts
            .iter()
            .filter(|a| a.endpoint_id == endpoint.id)
            .collect();
        let blocked = blocked::count(&view.snapshot, endpoint, cx.now);
        if self.rows.is_empty()
            && attempts.is_empty()
            && blocked == 0
            && !readiness::is_ready(&view.snapshot, endpoint)
        {
            readiness::checklist(cx, endpoint, ui);
            return;
        }
        if self.rows.number != before {
            let rows = &self.rows;
            self.selection.retain(|id| rows.get(id).is_some());
        }
        self.choose(ui);
        self.picked
            .find(&self.rows, self.chosen, &self.selection, self.kind);
        let kind = self.kind;
        self.look_at_others(cx, endpoint, &attempts);
        let around = (endpoint, [attempts.len(), blocked], focus_filter);
        self.toolbar(cx, &view, around, ui);
        if self.kind != kind {
            self.look_at_others(cx, endpoint, &attempts);
        }
        match self.kind {
            Kind::Refused => self.attempts(cx, ui),
            Kind::Blocked if self.filter.is_empty() || !self.blocked.is_empty() => {
                self.blocked.ui(cx, endpoint, ui);
            }
            Kind::Blocked => self.nothing(ui),
            _ => self.connections(cx, &view, endpoint, ui),
        }
    }

    /// Those that are no connections, as far as they are listed and pass the filter.
    fn look_at_others(&mut self, cx: &Context<'_>, endpoint: &Endpoint, attempts: &[&Attempt]) {
        self.attempts.clear();
        match self.kind {
            Kind::Refused => {
                let rows = attempts.iter().map(|a| Refused::new(a, cx.now, cx.zone));
                let (shown, hidden): (Vec<_>, Vec<_>) =
                    rows.partition(|row| row.passes(&self.filter));
                let keys: HashSet<u64> = shown.iter().chain(&hidden).map(|row| row.key).collect();
                self.refused.retain(|key| keys.contains(key));
                self.attempts = shown;
            }
            Kind::Blocked => self.blocked.look(cx, endpoint, &self.filter),
            _ => {}
        }
    }

    /// Which rows are shown, in which order; how many wait for the pointer to leave.
    fn choose(&mut self, ui: &Ui) {
        let sort = match self.kind {
            Kind::Ended => self.ended_sort,
            _ => self.sort,
        };
        let over = self
            .table
            .is_some_and(|rect| ui.rect_contains_pointer(rect));
        let is_same = (self.by.0, self.by.2) == (self.kind, sort) && self.by.1 == self.filter;
        let held = over && is_same;
        let chosen_in = Some((self.rows.number, held));
        if is_same && self.chosen_in == chosen_in {
            return;
        }
        let by = (self.kind, self.filter.as_str(), sort);
        self.waiting = self.rows.choose(by, held);
        self.by = (self.kind, self.filter.clone(), sort);
        self.chosen_in = chosen_in;
        self.chosen += 1;
    }

    fn toolbar(
        &mut self,
        cx: &mut Context<'_>,
        view: &View,
        (endpoint, [refused, blocked], focus_filter): (&Endpoint, [usize; 2], bool),
        ui: &mut Ui,
    ) {
        let live = self.rows.live;
        let ended = self.rows.len() - live;
        let labels = [
            format!("Active {live}"),
            format!("Ended {ended}"),
            format!("Refused {refused}"),
            format!("Blocked {blocked}"),
        ];
        let total = match self.kind {
            Kind::Active => live,
            Kind::Ended => ended,
            Kind::Refused => refused,
            Kind::Blocked => blocked,
        };
        let Picked {
            selected,
            hidden,
            active: chosen,
            lacking,
            ..
        } = &self.picked;
        let returning = if chosen.is_empty() { lacking } else { chosen };
        let (mut why, mut reconnect) = (false, false);
        // In a narrow window the buttons need the room.
        let (filter_width, ask) = if ui.available_width() < 940.0 {
            (160.0, kit::icon_button(icons::PATH, "Why?"))
        } else {
            (240.0, kit::button("Why?").icon(icons::PATH))
        };
        let mut terminate = !chosen.is_empty() && cx.key(ui, Key::Delete);
        let kind = self.kind;
        let (shown, [selected, hidden]) = match self.kind {
            Kind::Refused => {
                let is_chosen = |row: &&Refused| self.refused.contains(&row.key);
                let selected = self.attempts.iter().filter(is_chosen).count();
                (
                    self.attempts.len(),
                    [selected, self.refused.len() - selected],
                )
            }
            Kind::Blocked => self.blocked.counts(),
            _ => (self.rows.shown_len(), [*selected, *hidden]),
        };
        let said = said(shown, total, [selected, hidden]);
        let width = ui.available_width();
        let listed = matches!(kind, Kind::Active | Kind::Ended);
        let columns = listed.then(|| self.columns());
        kit::panel_toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter connections")
                    .hint("Filter, for example lind")
                    .keys("Ctrl F")
                    .width(filter_width)
                    .focus(focus_filter)
                    .ui(ui);
                let kinds = [Kind::Active, Kind::Ended, Kind::Refused, Kind::Blocked];
                let kinds: Vec<(Kind, &str)> = kinds
                    .into_iter()
                    .zip(labels.iter().map(String::as_str))
                    // Seldom is anybody kept out, and the room is scarce.
                    .filter(|(it, _)| *it != Kind::Blocked || blocked > 0 || kind == Kind::Blocked)
                    .collect();
                kit::segmented(ui, "Which connections", &mut self.kind, &kinds);
                if self.kind == Kind::Active {
                    let words = match self.waiting {
                        0 => "Live".to_owned(),
                        1 => "Live, 1 new row waits".to_owned(),
                        n => format!("Live, {n} new rows wait"),
                    };
                    kit::live(ui, &words);
                }
            },
            |ui| {
                if kind == Kind::Active {
                    let words = match chosen.len() {
                        0 | 1 => "Terminate Connection".to_owned(),
                        n => format!("Terminate {n} connections"),
                    };
                    let off = chosen
                        .is_empty()
                        .then_some("Select the connections to end first");
                    terminate |= kit::button(&words)
                        .icon(icons::STOP_CIRCLE)
                        .quiet_danger()
                        .disabled_because(off)
                        .clicked(ui);
                    let off = (chosen.len() != 1).then_some("Select one connection first");
                    why = ask.disabled_because(off).clicked(ui);
                    if !lacking.is_empty() {
                        let words = match returning.len() {
                            1 => "Reconnect 1 client".to_owned(),
                            n => format!("Reconnect {n} clients"),
                        };
                        reconnect = kit::button(&words).icon(icons::PLUGS_CONNECTED).clicked(ui);
                    }
                }
                if kind == Kind::Blocked {
                    self.blocked.button(cx, endpoint, ui);
                }
                if let Some(columns) = &columns {
                    choose_columns(cx, ui, (TABLE, columns), width);
                }
                kit::weak(ui, &said);
            },
        );
        if why && let Some(id) = chosen.first() {
            ask_why(cx, view, id);
        }
        if reconnect {
            have_reconnect(cx, endpoint, returning);
        }
        if terminate {
            let dialog = Terminate::new(view, chosen.iter());
            cx.open(dialog);
        }
    }

    /// Whether no row is selected on the list that is shown.
    pub(super) fn selects_nothing(&self) -> bool {
        match self.kind {
            Kind::Refused => self.refused.is_empty(),
            Kind::Blocked => self.blocked.selection.is_empty(),
            _ => self.selection.is_empty(),
        }
    }

    fn connections(&mut self, cx: &mut Context<'_>, view: &View, endpoint: &Endpoint, ui: &mut Ui) {
        self.table = Some(ui.available_rect_before_wrap());
        if self.rows.shown_len() == 0 {
            self.nothing(ui);
            return;
        }
        let ended = self.kind == Kind::Ended;
        let lacking = !ended && self.rows.lacking > 0;
        let columns = self.columns();
        let sort = match ended {
            true => &mut self.ended_sort,
            false => &mut self.sort,
        };
        let shown = cx.prefs.columns_of(TABLE);
        let mut drawn = Drawn {
            reading: &self.rows,
            rates: cx.rates,
            kind: self.kind,
            version: self.chosen,
            lacking,
            now: cx.now,
            zone: cx.zone,
            asked: None,
        };
        let table = kit::table(TABLE, &columns, &mut self.selection)
            .sort(sort)
            .chosen(&shown)
            .comfortable(cx.prefs.comfortable);
        let table = if ended { table } else { table.checkboxes() };
        let opened = table.show(ui, &mut drawn).opened;
        listing::copy_selected(cx, ui, &self.selection, &drawn);
        match drawn.asked.or(opened.map(Ask::Details)) {
            Some(Ask::Why(id)) => ask_why(cx, view, &id),
            Some(Ask::Reconnect(id)) => have_reconnect(cx, endpoint, &[id]),
            Some(Ask::Terminate(id)) => cx.open(Terminate::new(view, std::iter::once(&id))),
            Some(Ask::TerminateUser(id)) => cx.open(Terminate::all_of_user(view, &id)),
            Some(Ask::Details(id)) => {
                if let Some(dialog) = ConnectionDetails::new(view, &id) {
                    cx.open(dialog);
                }
            }
            None => {}
        }
    }

    /// The columns of the list that is shown.
    fn columns(&self) -> Vec<Column<'static>> {
        match self.kind {
            Kind::Ended => ENDED.to_vec(),
            _ if self.rows.lacking > 0 => {
                let mut columns = [&COLUMNS[..LACKING], &[LACKS]].concat();
                columns[NETWORK_AT] = NETWORK.from_width(1340.0);
                columns
            }
            _ => COLUMNS.to_vec(),
        }
    }

    fn nothing(&mut self, ui: &mut Ui) {
        if !self.filter.is_empty() {
            let title = match self.kind {
                Kind::Refused => "No attempt passes the filter",
                Kind::Blocked => "No blocked client passes the filter",
                Kind::Active | Kind::Ended => "No connection passes the filter",
            };
            listing::nothing_passes(ui, title, &mut self.filter);
            return;
        }
        let (title, body) = match self.kind {
            Kind::Ended => (
                "No connection ended within the last hour",
                "Those that end stay here for an hour, with the reason.",
            ),
            Kind::Refused => (
                "Nobody was turned away",
                "A client that may not come in is here, with the reason in plain words.",
            ),
            _ => (
                "Nobody is connected",
                "A client that connects is here at once. One that is turned away is under Refused, \
                 with the reason.",
            ),
        };
        kit::empty(ui, title, body, "");
    }

    fn attempts(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        let rows = &self.attempts;
        if rows.is_empty() {
            self.nothing(ui);
            return;
        }
        let mut drawn = Attempts { rows };
        kit::table("Refused attempts", &refused::COLUMNS, &mut self.refused)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut drawn);
        listing::copy_selected(cx, ui, &self.refused, &drawn);
    }
}

/// Asks what the gateway does with what comes through a connection.
fn ask_why(cx: &mut Context<'_>, view: &View, id: &ConnectionId) {
    let connection = view.live.connections.iter().find(|c| c.id == *id);
    if let Some(connection) = connection {
        cx.ask(Action::AskWhy(Question::of_connection(connection)));
    }
}

/// Has clients come back at once. Each of them is away for a moment and keeps its address, so
/// nothing is asked before.
fn have_reconnect(cx: &mut Context<'_>, endpoint: &Endpoint, ids: &[ConnectionId]) {
    let command = Command::ReconnectClientVpnConnections(ReconnectConnections {
        client_vpn_endpoint_id: endpoint.id.to_string(),
        connection_ids: ids.iter().map(ToString::to_string).collect(),
    });
    let done = match ids.len() {
        1 => "1 client was told to reconnect".to_owned(),
        n => format!("{n} clients were told to reconnect"),
    };
    cx.run(command, done, None);
}

/// "3 of 18", "2 selected", "2 selected, 1 more hidden".
fn said(shown: usize, total: usize, [selected, hidden]: [usize; 2]) -> String {
    let mut parts = Vec::new();
    if shown != total {
        parts.push(format!("{shown} of {total}"));
    }
    if selected > 0 {
        parts.push(format!("{selected} selected"));
    }
    if hidden > 0 {
        let more = if selected > 0 { "more " } else { "selected " };
        parts.push(format!("{hidden} {more}hidden"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_and_selected_is_said_in_few_words() {
        assert_eq!(said(18, 18, [0, 0]), "");
        assert_eq!(said(3, 18, [0, 0]), "3 of 18");
        assert_eq!(said(3, 18, [2, 0]), "3 of 18, 2 selected");
        assert_eq!(said(3, 18, [2, 1]), "3 of 18, 2 selected, 1 more hidden");
        assert_eq!(said(3, 18, [0, 1]), "3 of 18, 1 selected hidden");
    }
}
