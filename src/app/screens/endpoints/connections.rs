//! The tab Connections: who is connected, who was, and who could not.

use std::{collections::BTreeMap, sync::Arc};

use egui::{Key, Rect, Ui};
use jiff::{Timestamp, tz::TimeZone};

use super::{copied, list::throughput, readiness};
use crate::{
    app::{
        context::{Action, Context, Question},
        dialogs::terminate::Terminate,
        format,
        kit::{self, Column, Rows, Selection, Sort, Tone, column, icons, rest_column},
        rates::Rates,
        screens::filter,
    },
    model::{
        Attempt, Command, Connection, ConnectionId, ConnectionState, Endpoint, Live, Snapshot,
        Subnet, View, command::ReconnectConnections,
    },
};

const COLUMNS: [Column<'static>; 12] = [
    column("Status", 112.0),
    rest_column("Common name"),
    column("Client IP", 106.0),
    column("Device address", 166.0).from_width(1340.0),
    column("Client", 114.0).from_width(1180.0),
    NETWORK.from_width(1040.0),
    column("Duration", 82.0).right(),
    column("Throughput now", 140.0).right(),
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
const REFUSED: [Column<'static>; 4] = [
    column("Time", 150.0).unsorted(),
    column("Common name", 130.0).unsorted(),
    column("Device address", 170.0).unsorted(),
    rest_column("Why").unsorted(),
];

/// Which of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Active,
    Ended,
    Refused,
}

/// The tab.
pub(super) struct Tab {
    selection: Selection<ConnectionId>,
    refused: Selection<u64>,
    kind: Kind,
    filter: String,
    sort: Sort,
    ended_sort: Sort,
    rows: Read,
    shown: Vec<ConnectionId>,
    /// How many new rows wait for the pointer to leave.
    waiting: usize,
    /// What the rows shown were chosen by; a change of it lets them move.
    by: (Kind, String, Sort),
    /// The reading and the hold they were chosen in: the same again is not chosen anew.
    chosen_in: Option<(u64, bool)>,
    table: Option<Rect>,
}

/// The connections as they are read, kept as long as nothing of them can be another: to build ten
/// thousand rows costs more than a frame has.
#[derive(Default)]
struct Read {
    of: Option<(Arc<Live>, Arc<Snapshot>, i64)>,
    /// Counts the readings.
    number: u64,
    rows: Arc<BTreeMap<ConnectionId, Row>>,
}

impl Read {
    /// The rows of an endpoint, of which a tab has but one. Durations move with the second, rates
    /// with the view, target networks with the configuration.
    fn of(&mut self, cx: &Context<'_>, endpoint: &Endpoint) -> Arc<BTreeMap<ConnectionId, Row>> {
        let second = cx.now.as_second();
        let is_same = self.of.as_ref().is_some_and(|(live, snapshot, at)| {
            Arc::ptr_eq(live, &cx.view.live)
                && Arc::ptr_eq(snapshot, &cx.view.snapshot)
                && *at == second
        });
        if !is_same {
            let all = cx.view.live.connections.iter();
            let rows = all
                .filter(|c| c.endpoint_id == endpoint.id)
                .map(|c| {
                    let network = target_network(&cx.view.snapshot, c);
                    (
                        c.id.clone(),
                        Row::new(c, network, cx.rates, (cx.now, cx.zone)),
                    )
                })
                .collect();
            let (live, snapshot) = (&cx.view.live, &cx.view.snapshot);
            self.of = Some((Arc::clone(live), Arc::clone(snapshot), second));
            self.number += 1;
            self.rows = Arc::new(rows);
        }
        Arc::clone(&self.rows)
    }
}

impl Default for Tab {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            refused: Selection::default(),
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
            rows: Read::default(),
            shown: Vec::new(),
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
        let rows = self.rows.of(cx, endpoint);
        let attempts: Vec<&Attempt> = view
            .live
            .attempts
            .iter()
            .filter(|a| a.endpoint_id == endpoint.id)
            .collect();
        if rows.is_empty() && attempts.is_empty() && !readiness::is_ready(&view.snapshot, endpoint)
        {
            readiness::checklist(cx, endpoint, ui);
            return;
        }
        self.selection.retain(|id| rows.contains_key(id));
        self.choose(&rows, ui);
        let around = (endpoint, attempts.len(), focus_filter);
        self.toolbar(cx, &view, &rows, around, ui);
        match self.kind {
            Kind::Refused => self.attempts(cx, &attempts, ui),
            _ => self.connections(cx, &view, (endpoint, &rows), ui),
        }
    }

    /// Which rows are shown, in which order; how many wait for the pointer to leave.
    fn choose(&mut self, rows: &BTreeMap<ConnectionId, Row>, ui: &Ui) {
        let (sort, ended) = match self.kind {
            Kind::Ended => (self.ended_sort, true),
            _ => (self.sort, false),
        };
        let by = (self.kind, self.filter.clone(), sort);
        let over = self
            .table
            .is_some_and(|rect| ui.rect_contains_pointer(rect));
        let held = over && self.by == by;
        let chosen_in = Some((self.rows.number, held));
        if self.by == by && self.chosen_in == chosen_in {
            return;
        }
        let mut fresh: Vec<&Row> = rows
            .values()
            .filter(|r| r.ended == ended && r.passes(&self.filter))
            .collect();
        sort_rows(&mut fresh, sort, ended);
        let fresh = fresh.into_iter().map(|r| r.id.clone()).collect();
        (self.shown, self.waiting) =
            filter::hold(&self.shown, fresh, held, |id| rows.contains_key(id));
        self.by = by;
        self.chosen_in = chosen_in;
    }

    fn toolbar(
        &mut self,
        cx: &mut Context<'_>,
        view: &View,
        rows: &BTreeMap<ConnectionId, Row>,
        (endpoint, refused, focus_filter): (&Endpoint, usize, bool),
        ui: &mut Ui,
    ) {
        let live = rows.values().filter(|r| !r.ended).count();
        let ended = rows.len() - live;
        let labels = [
            format!("Active {live}"),
            format!("Ended {ended}"),
            format!("Refused {refused}"),
        ];
        let total = match self.kind {
            Kind::Active => live,
            Kind::Ended => ended,
            Kind::Refused => refused,
        };
        // What is selected on another list is out of sight, and not ended by a key pressed here.
        let is_here = self.kind == Kind::Active;
        let chosen: Vec<ConnectionId> = self
            .selection
            .iter()
            .filter(|_| is_here)
            .filter(|id| {
                rows.get(id)
                    .is_some_and(|r| r.state == ConnectionState::Active)
            })
            .cloned()
            .collect();
        let lacking: Vec<ConnectionId> = rows
            .values()
            .filter(|row| is_here && !row.lacks.is_empty())
            .map(|row| row.id.clone())
            .collect();
        let returning = if chosen.is_empty() { &lacking } else { &chosen };
        let (mut why, mut reconnect) = (false, false);
        // In a narrow window the buttons need the room.
        let (filter_width, ask) = if ui.available_width() < 940.0 {
            (160.0, kit::icon_button(icons::PATH, "Why?"))
        } else {
            (240.0, kit::button("Why?").icon(icons::PATH))
        };
        let mut terminate = !chosen.is_empty() && cx.key(ui, Key::Delete);
        let kind = self.kind;
        let of_list = |id: &&ConnectionId| {
            rows.get(id)
                .is_some_and(|r| r.ended == (self.kind == Kind::Ended))
        };
        let selected = match self.kind {
            Kind::Refused => self.refused.len(),
            _ => self.selection.iter().filter(of_list).count(),
        };
        let said = said(self.shown_len(refused), total, selected);
        kit::panel_toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter connections")
                    .hint("Filter, for example lind")
                    .keys("Ctrl F")
                    .width(filter_width)
                    .focus(focus_filter)
                    .ui(ui);
                let [active, ended, refused] = &labels;
                let kinds = [
                    (Kind::Active, active.as_str()),
                    (Kind::Ended, ended.as_str()),
                    (Kind::Refused, refused.as_str()),
                ];
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
            _ => self.selection.is_empty(),
        }
    }

    fn shown_len(&self, refused: usize) -> usize {
        match self.kind {
            Kind::Refused => refused,
            _ => self.shown.len(),
        }
    }

    fn connections(
        &mut self,
        cx: &mut Context<'_>,
        view: &View,
        (endpoint, rows): (&Endpoint, &BTreeMap<ConnectionId, Row>),
        ui: &mut Ui,
    ) {
        let shown: Vec<&Row> = self.shown.iter().filter_map(|id| rows.get(id)).collect();
        self.table = Some(ui.available_rect_before_wrap());
        if shown.is_empty() {
            self.nothing(ui);
            return;
        }
        let ended = self.kind == Kind::Ended;
        let lacking = !ended && rows.values().any(|row| !row.lacks.is_empty());
        let with_lacks;
        let (columns, sort): (&[Column<'_>], _) = if ended {
            (&ENDED, &mut self.ended_sort)
        } else if lacking {
            let mut columns = [&COLUMNS[..LACKING], &[LACKS]].concat();
            columns[NETWORK_AT] = NETWORK.from_width(1340.0);
            with_lacks = columns;
            (&with_lacks, &mut self.sort)
        } else {
            (&COLUMNS, &mut self.sort)
        };
        let mut drawn = Drawn {
            rows: &shown,
            rates: cx.rates,
            ended,
            lacking,
            terminate: None,
            reconnect: None,
            why: None,
        };
        let table = kit::table("Connections", columns, &mut self.selection)
            .sort(sort)
            .comfortable(cx.prefs.comfortable);
        let table = if ended { table } else { table.checkboxes() };
        table.show(ui, &mut drawn);
        if let Some(id) = &drawn.why {
            ask_why(cx, view, id);
        }
        if let Some(id) = drawn.reconnect {
            have_reconnect(cx, endpoint, &[id]);
        }
        if let Some(id) = drawn.terminate {
            let dialog = Terminate::new(view, std::iter::once(&id));
            cx.open(dialog);
        }
        if !self.selection.is_empty() && copied(cx, ui) {
            let chosen = shown.iter().filter(|r| self.selection.contains(&r.id));
            ui.ctx()
                .copy_text(filter::tab_separated(chosen.map(|r| r.cells())));
        }
    }

    fn nothing(&mut self, ui: &mut Ui) {
        if !self.filter.is_empty() {
            if kit::empty(ui, "No connection passes the filter", "", "Clear filter") {
                self.filter.clear();
            }
            return;
        }
        let (title, body) = match self.kind {
            Kind::Ended => (
                "No connection ended within the last hour",
                "Those that end stay here for an hour, with the reason.",
            ),
            _ => (
                "Nobody is connected",
                "A client that connects is here at once. One that is turned away is under Refused, \
                 with the reason.",
            ),
        };
        kit::empty(ui, title, body, "");
    }

    fn attempts(&mut self, cx: &Context<'_>, attempts: &[&Attempt], ui: &mut Ui) {
        let rows: Vec<Refused> = attempts
            .iter()
            .map(|a| Refused::new(a, cx.now, cx.zone))
            .filter(|r| r.passes(&self.filter))
            .collect();
        if rows.is_empty() {
            kit::empty(
                ui,
                "Nobody was turned away",
                "A client that may not come in is here, with the reason in plain words.",
                "",
            );
            return;
        }
        kit::table("Refused attempts", &REFUSED, &mut self.refused)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut Attempts { rows: &rows });
        if !self.refused.is_empty() && copied(cx, ui) {
            let chosen = rows.iter().filter(|r| self.refused.contains(&r.key));
            ui.ctx()
                .copy_text(filter::tab_separated(chosen.map(Refused::cells)));
        }
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

/// "3 of 18", "2 selected".
fn said(shown: usize, total: usize, selected: usize) -> String {
    match (selected, shown == total) {
        (0, true) => String::new(),
        (0, false) => format!("{shown} of {total}"),
        (n, true) => format!("{n} selected"),
        (n, false) => format!("{shown} of {total}, {n} selected"),
    }
}

/// One connection as it is read.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: ConnectionId,
    state: ConnectionState,
    ended: bool,
    name: String,
    client_ip: std::net::Ipv4Addr,
    ip: String,
    device: String,
    client: String,
    /// The target network the session is bound to.
    network: String,
    secs: i64,
    duration: String,
    ended_at: Option<Timestamp>,
    ended_words: String,
    why: String,
    /// What the client lacks, as a sentence; empty if it has all that it should.
    lacks: String,
    /// Bits a second now.
    now: f32,
    bytes: (u64, u64),
    bytes_words: (String, String),
    packets: (u64, u64),
    packets_words: (String, String),
}

impl Row {
    fn new(
        c: &Connection,
        network: String,
        rates: &Rates,
        (now, zone): (Timestamp, &TimeZone),
    ) -> Self {
        let until = c.ended_at.unwrap_or(now);
        let traffic = &c.traffic;
        Self {
            id: c.id.clone(),
            state: c.state,
            ended: c.ended_at.is_some(),
            name: c.common_name.clone(),
            client_ip: c.client_ip,
            ip: c.client_ip.to_string(),
            device: c.device.to_string(),
            client: client(&c.client_version, &c.platform),
            network,
            secs: until.as_second() - c.established_at.as_second(),
            duration: format::duration(c.established_at, until),
            ended_at: c.ended_at,
            ended_words: c
                .ended_at
                .map(|at| format::moment(at, now, zone))
                .unwrap_or_default(),
            why: c.end_reason.clone().unwrap_or_default(),
            lacks: c
                .reconnect
                .clone()
                .filter(|_| c.state == ConnectionState::Active)
                .unwrap_or_default(),
            now: rates.now_of_connection(&c.id),
            bytes: (traffic.ingress_bytes, traffic.egress_bytes),
            bytes_words: (
                format::bytes(traffic.ingress_bytes),
                format::bytes(traffic.egress_bytes),
            ),
            packets: (traffic.ingress_packets, traffic.egress_packets),
            packets_words: (
                format::count(traffic.ingress_packets),
                format::count(traffic.egress_packets),
            ),
        }
    }

    fn passes(&self, words: &str) -> bool {
        filter::passes(
            words,
            &[
                ("name", &self.name),
                ("ip", &self.ip),
                ("device", &self.device),
                ("client", &self.client),
                ("network", &self.network),
                ("state", self.state.as_str()),
                ("id", self.id.as_str()),
                ("why", &self.why),
                ("lacks", &self.lacks),
            ],
        )
    }

    /// Its cells as text, for the clipboard, counters as plain numbers.
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            kit::state_word(self.state.as_str()),
            self.name.clone(),
            self.ip.clone(),
            self.device.clone(),
            self.client.clone(),
            self.network.clone(),
            self.duration.clone(),
            self.bytes.0.to_string(),
            self.bytes.1.to_string(),
            self.packets.0.to_string(),
            self.packets.1.to_string(),
        ]
    }
}

/// "staff-a, local-1a": the subnet a session is bound to, and its zone. It is another once the
/// session moved.
fn target_network(snapshot: &Snapshot, connection: &Connection) -> String {
    let association = snapshot.associations.get(&connection.association_id);
    let subnet = association.and_then(|it| snapshot.subnets.get(&it.subnet_id));
    let words = |subnet: &Subnet| format!("{}, {}", subnet.title(), subnet.availability_zone);
    subnet.map_or_else(|| "–".to_owned(), words)
}

/// "2.6.14 Linux": the client as it names itself, platforms by the names people use.
fn client(version: &str, platform: &str) -> String {
    let platform = match platform {
        "linux" => "Linux",
        "win" => "Windows",
        "mac" => "macOS",
        "ios" => "iOS",
        "android" => "Android",
        "freebsd" => "FreeBSD",
        other => other,
    };
    match (version, platform) {
        ("", "") => "–".to_owned(),
        ("", platform) => platform.to_owned(),
        (version, "") => version.to_owned(),
        (version, platform) => format!("{version} {platform}"),
    }
}

/// Sorts by a column of [`COLUMNS`] or [`ENDED`]; equal rows keep their order.
fn sort_rows(rows: &mut [&Row], sort: Sort, ended: bool) {
    let column = match (ended, sort.column) {
        (false, column) => column,
        (true, column @ 0..=2) => column,
        (true, 3) => 20,
        (true, 4) => 6,
        (true, 5) => 8,
        (true, 6) => 9,
        (true, _) => 21,
    };
    match column {
        0 => rows.sort_by(|a, b| a.state.as_str().cmp(b.state.as_str())),
        2 => rows.sort_by_key(|r| r.client_ip),
        3 => rows.sort_by(|a, b| a.device.cmp(&b.device)),
        4 => rows.sort_by(|a, b| a.client.cmp(&b.client)),
        NETWORK_AT => rows.sort_by(|a, b| a.network.cmp(&b.network)),
        6 => rows.sort_by_key(|r| r.secs),
        7 => rows.sort_by(|a, b| a.now.total_cmp(&b.now)),
        8 => rows.sort_by_key(|r| r.bytes.0),
        9 => rows.sort_by_key(|r| r.bytes.1),
        10 => rows.sort_by_key(|r| r.packets.0),
        11 => rows.sort_by_key(|r| r.packets.1),
        20 => rows.sort_by_key(|r| r.ended_at),
        21 => rows.sort_by(|a, b| a.why.cmp(&b.why)),
        _ => rows.sort_by_key(|r| r.name.to_lowercase()),
    }
    if sort.descending {
        rows.reverse();
    }
}

struct Drawn<'a> {
    rows: &'a [&'a Row],
    rates: &'a Rates,
    ended: bool,
    /// The last column says what clients lack.
    lacking: bool,
    terminate: Option<ConnectionId>,
    reconnect: Option<ConnectionId>,
    why: Option<ConnectionId>,
}

impl Rows for Drawn<'_> {
    type Key = ConnectionId;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> ConnectionId {
        self.rows[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let row = self.rows[row];
        format!(
            "{}, {}, {}",
            row.name,
            kit::state_word(row.state.as_str()),
            row.ip
        )
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let row = self.rows[row];
        if self.lacking && column == LACKING {
            self.lacks_cell(ui, row);
            return;
        }
        match (column, self.ended) {
            (0, _) => drop(kit::state(row.state.as_str()).ui(ui)),
            (1, _) => drop(kit::cell_name(ui, &row.name)),
            (2, _) => {
                // Where a narrow table has no column for it, it is here.
                let through = format!("Through the target network {}", row.network);
                kit::cell_mono(ui, &row.ip).on_hover_text(through);
            }
            (3, false) => drop(kit::cell_mono(ui, &row.device)),
            (4, false) => drop(kit::cell(ui, &row.client)),
            (NETWORK_AT, false) => drop(kit::cell(ui, &row.network)),
            (6, false) | (4, true) => drop(kit::cell(ui, &row.duration)),
            (7, false) => {
                let rates = self.rates.of_connection(&row.id);
                throughput(ui, &rates, row.state != ConnectionState::Active);
            }
            (8, false) | (5, true) => drop(kit::cell(ui, &row.bytes_words.0)),
            (9, false) | (6, true) => drop(kit::cell(ui, &row.bytes_words.1)),
            (10, false) => drop(kit::cell(ui, &row.packets_words.0)),
            (11, false) => drop(kit::cell(ui, &row.packets_words.1)),
            (3, true) => {
                let utc = row.ended_at.map(format::utc).unwrap_or_default();
                kit::cell(ui, &row.ended_words).on_hover_text(utc);
            }
            _ => drop(kit::cell(ui, &row.why)),
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let row = self.rows[row];
        if row.state == ConnectionState::Active
            && kit::menu_item("Why?").icon(icons::PATH).clicked(ui)
        {
            self.why = Some(row.id.clone());
        }
        for (words, value) in [
            ("Copy client IP", &row.ip),
            ("Copy device address", &row.device),
        ] {
            if kit::menu_item(words).icon(icons::COPY).clicked(ui) {
                ui.ctx().copy_text(value.clone());
            }
        }
        if kit::menu_item("Copy connection ID")
            .icon(icons::COPY)
            .clicked(ui)
        {
            ui.ctx().copy_text(row.id.to_string());
        }
        if row.state == ConnectionState::Active
            && kit::menu_item("Reconnect")
                .icon(icons::PLUGS_CONNECTED)
                .clicked(ui)
        {
            self.reconnect = Some(row.id.clone());
        }
        if row.state == ConnectionState::Active
            && kit::menu_item("Terminate Connection…")
                .icon(icons::STOP_CIRCLE)
                .shortcut("Del")
                .danger()
                .clicked(ui)
        {
            self.terminate = Some(row.id.clone());
        }
    }
}

impl Drawn<'_> {
    /// "Reconnect to get the route 10.2.0.0/16.", of which the first word does it.
    fn lacks_cell(&mut self, ui: &mut Ui, row: &Row) {
        let Some(rest) = row.lacks.strip_prefix(RECONNECT) else {
            kit::cell_weak(ui, &row.lacks);
            return;
        };
        let link = kit::link(ui, RECONNECT).on_hover_text(&row.lacks);
        if link.clicked() {
            self.reconnect = Some(row.id.clone());
        }
        kit::cell(ui, rest.trim_start());
    }
}

/// The first word of what a client lacks.
const RECONNECT: &str = "Reconnect";

/// One attempt as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    /// Time and place of the attempt as one number: attempts have no identifier.
    key: u64,
    at: String,
    utc: String,
    name: String,
    device: String,
    why: String,
}

impl Refused {
    fn new(attempt: &Attempt, now: Timestamp, zone: &TimeZone) -> Self {
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

    fn passes(&self, words: &str) -> bool {
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

struct Attempts<'a> {
    rows: &'a [Refused],
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{now, sample};

    fn rows() -> Vec<Row> {
        let (snapshot, live) = sample::office();
        let row = |c| {
            let network = target_network(&snapshot, c);
            Row::new(c, network, &Rates::default(), (now(), &TimeZone::UTC))
        };
        live.connections.iter().map(row).collect()
    }

    #[test]
    fn a_row_reads_as_people_say_it() {
        let rows = rows();
        assert_eq!(rows[1].client, "2.6.12 Windows");
        assert_eq!(client("", ""), "–");
        assert_eq!(rows[0].duration, "6 m");
        assert_eq!(rows[0].network, "staff-a, local-1a");
        assert!(rows[18].ended);
        assert_eq!(rows[18].ended_words, "09:29:02");
    }

    #[test]
    fn durations_and_addresses_sort_by_what_they_are() {
        let rows = rows();
        let mut shown: Vec<&Row> = rows.iter().filter(|r| !r.ended).collect();
        let by = |column, descending| Sort { column, descending };
        sort_rows(&mut shown, by(6, true), false);
        assert!(shown.is_sorted_by(|a, b| a.secs >= b.secs));
        sort_rows(&mut shown, by(2, false), false);
        assert!(shown.is_sorted_by(|a, b| a.client_ip <= b.client_ip));
        let mut ended: Vec<&Row> = rows.iter().filter(|r| r.ended).collect();
        sort_rows(&mut ended, by(7, false), true);
        assert_eq!(ended[0].why, "Terminated by an administrator");
    }

    #[test]
    fn what_is_shown_and_selected_is_said_in_few_words() {
        assert_eq!(said(18, 18, 0), "");
        assert_eq!(said(3, 18, 0), "3 of 18");
        assert_eq!(said(3, 18, 2), "3 of 18, 2 selected");
    }
}
