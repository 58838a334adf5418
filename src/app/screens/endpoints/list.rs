//! The rows of the list of endpoints.

use egui::Ui;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    app::{
        dialogs::manage_tags,
        format,
        kit::{self, Column, Rows, Sort, column, icons, rest_column},
        nets,
        rates::Rates,
        screens::{filter, listing::Cells},
        tally::Tally,
    },
    model::{AssociationState, Authentication, Endpoint, EndpointId, Snapshot, View},
};

pub(super) const COLUMNS: [Column<'static>; 13] = [
    rest_column("Name"),
    column("Client VPN endpoint ID", 242.0),
    column("State", 146.0),
    column("Client CIDR", 114.0),
    column("Transport", 88.0).from_width(940.0),
    column("Authentication", 104.0).from_width(1000.0),
    column("Tags", 170.0).from_width(1240.0),
    column("Description", 200.0).from_width(1440.0),
    column("DNS name", 300.0).from_width(1900.0),
    column("Split tunnel", 92.0).from_width(1960.0),
    column("Created", 110.0).from_width(2040.0),
    column("Connected", 84.0).right(),
    column("Throughput", 146.0).right(),
];

/// One endpoint as it is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) id: EndpointId,
    pub(super) name: String,
    /// The state as the API spells it.
    pub(super) state: &'static str,
    /// Why a target network could not be associated, if one could not.
    pub(super) trouble: Option<String>,
    pub(super) has_networks: bool,
    /// Why it cannot be deleted now.
    kept: Option<String>,
    /// Why there is no list of revoked certificates to export.
    listless: Option<&'static str>,
    pub(super) cidr: String,
    range: ipnet::Ipv4Net,
    pub(super) transport: String,
    port: u16,
    pub(super) authentication: String,
    /// The tags beside the name, in a line and each for itself.
    tags: String,
    each_tag: Vec<(String, String)>,
    description: String,
    /// What clients connect to, as far as it is known here.
    dns_name: String,
    split_tunnel: &'static str,
    created_at: Timestamp,
    pub(super) connected: usize,
    pub(super) rates: Vec<f32>,
}

/// What a row asks for.
pub(super) enum Ask {
    Associate(EndpointId),
    Download(EndpointId),
    Modify(EndpointId),
    Tags(EndpointId),
    ImportList(EndpointId),
    ExportList(EndpointId),
    Delete(EndpointId),
}

/// All endpoints, in the order of their identifiers.
pub(super) fn rows(view: &View, rates: &Rates, tally: &Tally) -> Vec<Row> {
    view.snapshot
        .endpoints
        .values()
        .map(|endpoint| {
            let connected = tally.of_endpoint(&endpoint.id);
            row(view, rates, endpoint, connected)
        })
        .collect()
}

fn row(view: &View, rates: &Rates, endpoint: &Endpoint, connected: usize) -> Row {
    let trouble = view
        .snapshot
        .associations_of(&endpoint.id)
        .find_map(|a| match &a.state {
            AssociationState::Failed { reason } => Some(reason.clone()),
            _ => None,
        });
    Row {
        id: endpoint.id.clone(),
        name: endpoint.title().to_owned(),
        state: view.snapshot.endpoint_state(endpoint).as_str(),
        trouble,
        kept: kept(&view.snapshot, &endpoint.id),
        listless: listless(&view.snapshot, &endpoint.id),
        has_networks: view.snapshot.associations_of(&endpoint.id).next().is_some(),
        cidr: endpoint.client_cidr.to_string(),
        range: endpoint.client_cidr,
        transport: transport(endpoint),
        port: endpoint.port,
        authentication: authentication(endpoint),
        tags: manage_tags::in_a_line(&endpoint.tags),
        each_tag: endpoint
            .tags
            .iter()
            .map(|(key, value)| (key.to_lowercase(), format!("{key}={value}")))
            .collect(),
        description: endpoint.description.clone(),
        dns_name: nets::dns_name(&view.snapshot, &endpoint.id),
        split_tunnel: if endpoint.split_tunnel { "On" } else { "Off" },
        created_at: endpoint.created_at,
        connected,
        rates: rates.of_endpoint(&endpoint.id),
    }
}

/// "UDP 443".
pub(super) fn transport(endpoint: &Endpoint) -> String {
    format!(
        "{} {}",
        endpoint.transport.to_string().to_uppercase(),
        endpoint.port
    )
}

/// "Certificate".
pub(super) fn authentication(endpoint: &Endpoint) -> String {
    let ways: Vec<&str> = endpoint
        .authentication
        .iter()
        .map(|way| match way {
            Authentication::Certificate { .. } => "Certificate",
        })
        .collect();
    ways.join(", ")
}

/// Why an endpoint cannot be deleted now, if it cannot: as in AWS it stays while networks are
/// associated.
pub(super) fn kept(snapshot: &Snapshot, id: &EndpointId) -> Option<String> {
    let associated = snapshot
        .associations_of(id)
        .filter(|it| it.state != AssociationState::Disassociating)
        .count();
    match associated {
        0 => None,
        1 => Some("1 target network is still associated. Disassociate it first".to_owned()),
        n => Some(format!(
            "{n} target networks are still associated. Disassociate them first"
        )),
    }
}

/// Why there is no list of revoked certificates to export, if there is none.
pub(super) fn listless(snapshot: &Snapshot, id: &EndpointId) -> Option<&'static str> {
    let none = !snapshot.revocation_lists.contains_key(id);
    none.then_some("It has no list: import one, or revoke a certificate of its authority")
}

/// Sorts by a column of [`COLUMNS`]; equal rows keep their order.
pub(super) fn sort(rows: &mut [Row], sort: Sort) {
    match sort.column {
        1 => rows.sort_by(|a, b| a.id.cmp(&b.id)),
        2 => rows.sort_by(|a, b| a.state.cmp(b.state)),
        3 => rows.sort_by_key(|r| r.range),
        4 => rows.sort_by(|a, b| {
            let kind = |r: &Row| r.transport.get(..3).map(str::to_owned);
            (kind(a), a.port).cmp(&(kind(b), b.port))
        }),
        5 => rows.sort_by(|a, b| a.authentication.cmp(&b.authentication)),
        6 => rows.sort_by(|a, b| a.tags.cmp(&b.tags)),
        7 => rows.sort_by_key(|r| r.description.to_lowercase()),
        8 => rows.sort_by(|a, b| a.dns_name.cmp(&b.dns_name)),
        9 => rows.sort_by_key(|r| r.split_tunnel),
        10 => rows.sort_by_key(|r| r.created_at),
        11 => rows.sort_by_key(|r| r.connected),
        12 => rows.sort_by(|a, b| a.now().total_cmp(&b.now())),
        _ => rows.sort_by_key(|r| r.name.to_lowercase()),
    }
    if sort.descending {
        rows.reverse();
    }
}

impl Row {
    /// Bits a second now.
    fn now(&self) -> f32 {
        self.rates.last().copied().unwrap_or(0.0)
    }

    pub(super) fn passes(&self, words: &str) -> bool {
        let mut values = vec![
            ("name", self.name.as_str()),
            ("id", self.id.as_str()),
            ("state", self.state),
            ("cidr", &self.cidr),
            ("transport", &self.transport),
            ("authentication", &self.authentication),
            ("description", &self.description),
            ("dns", &self.dns_name),
            ("split", self.split_tunnel),
        ];
        for (key, tag) in &self.each_tag {
            values.push(("tag", tag));
            values.push((key, tag));
        }
        filter::passes(words, &values)
    }

    /// Its cells as text, for the clipboard.
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.id.to_string(),
            kit::state_word(self.state),
            self.cidr.clone(),
            self.transport.clone(),
            self.authentication.clone(),
            self.tags.clone(),
            self.description.clone(),
            self.dns_name.clone(),
            self.split_tunnel.to_owned(),
            self.created_at.to_string(),
            self.connected.to_string(),
        ]
    }
}

/// The rows being drawn, and what was asked at them.
pub(super) struct Drawn<'a> {
    pub(super) rows: &'a [Row],
    pub(super) zone: &'a TimeZone,
    pub(super) actions: Vec<Ask>,
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        self.rows[row].cells()
    }
}

impl Rows for Drawn<'_> {
    type Key = EndpointId;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> EndpointId {
        self.rows[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let row = &self.rows[row];
        format!("{}, {}, {}", row.name, kit::state_word(row.state), row.cidr)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let row = &self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, &row.name)),
            1 => drop(kit::cell_mono(ui, row.id.as_str())),
            2 => state(ui, row),
            3 => drop(kit::cell_mono(ui, &row.cidr)),
            4 => drop(kit::cell(ui, &row.transport)),
            5 => drop(kit::cell(ui, &row.authentication)),
            6 => drop(kit::cell(ui, &row.tags)),
            7 => drop(kit::cell(ui, &row.description)),
            8 => drop(kit::cell_mono(ui, format::or_dash(&row.dns_name))),
            9 => drop(kit::cell(ui, row.split_tunnel)),
            10 => {
                let day = format::day(row.created_at, self.zone);
                kit::cell(ui, &day).on_hover_text(format::utc(row.created_at));
            }
            11 => drop(kit::cell(ui, &format::count(row.connected as u64))),
            _ if !row.has_networks => {
                if kit::link(ui, "Associate a network").clicked() {
                    self.actions.push(Ask::Associate(row.id.clone()));
                }
            }
            _ => throughput(ui, &row.rates, false),
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let id = self.rows[row].id.clone();
        if kit::menu_item("Associate target network…")
            .icon(icons::TREE_STRUCTURE)
            .clicked(ui)
        {
            self.actions.push(Ask::Associate(id));
        } else if kit::menu_item("Download Client Configuration…")
            .icon(icons::DOWNLOAD_SIMPLE)
            .clicked(ui)
        {
            self.actions.push(Ask::Download(id));
        } else if kit::menu_item("Modify Client VPN Endpoint…")
            .icon(icons::PENCIL_SIMPLE)
            .shortcut("F2")
            .clicked(ui)
        {
            self.actions.push(Ask::Modify(id));
        } else if kit::menu_item("Manage tags…").icon(icons::TAG).clicked(ui) {
            self.actions.push(Ask::Tags(id));
        } else if kit::menu_item(super::IMPORT_LIST)
            .icon(icons::PROHIBIT)
            .clicked(ui)
        {
            self.actions.push(Ask::ImportList(id));
        } else if kit::menu_item(super::EXPORT_LIST)
            .icon(icons::FILE_TEXT)
            .disabled_because(self.rows[row].listless)
            .clicked(ui)
        {
            self.actions.push(Ask::ExportList(id));
        } else if kit::menu_item("Delete Client VPN Endpoint…")
            .icon(icons::TRASH)
            .shortcut("Del")
            .danger()
            .disabled_because(self.rows[row].kept.as_deref())
            .clicked(ui)
        {
            self.actions.push(Ask::Delete(id));
        }
    }
}

fn state(ui: &mut Ui, row: &Row) {
    match &row.trouble {
        // Another target network stands: clients get through.
        Some(reason) if row.state == "available" => {
            let word = kit::state_word(row.state);
            kit::status(kit::Tone::Warning, word).because(reason).ui(ui)
        }
        Some(reason) => kit::status(kit::Tone::Danger, "Association failed")
            .because(reason)
            .ui(ui),
        None => kit::state(row.state).ui(ui),
    };
}

/// A sparkline and the figure now, in a cell laid out from the right.
pub(super) fn throughput(ui: &mut Ui, rates: &[f32], stale: bool) {
    let now = rates.last().copied();
    let words = now.map_or_else(|| "–".to_owned(), |now| format::rate(f64::from(now)));
    let wide = 76.0;
    let (rect, _) = ui.allocate_exact_size(egui::vec2(wide, 20.0), egui::Sense::hover());
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let mut figure = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout));
    kit::cell(&mut figure, &words);
    let room = (ui.available_width() - 8.0).min(72.0);
    if room >= 24.0 && rates.len() > 1 {
        kit::sparkline(ui, &format!("Throughput {words}"), rates, room, 20.0, stale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    fn office() -> Vec<Row> {
        let (snapshot, live) = sample::office();
        let view = View {
            snapshot: snapshot.into(),
            live: live.into(),
        };
        let mut tally = Tally::default();
        tally.take_in(&view.live);
        rows(&view, &Rates::default(), &tally)
    }

    fn names(rows: &[Row]) -> Vec<&str> {
        rows.iter().map(|r| r.name.as_str()).collect()
    }

    #[test]
    fn a_row_says_where_the_endpoint_stands_and_who_is_on_it() {
        let rows = office();
        let first = &rows[0];
        assert_eq!(first.state, "available");
        assert_eq!(first.connected, 18);
        assert_eq!(first.transport, "UDP 443");
        assert_eq!(rows[3].state, "pending-associate");
        assert!(!rows[3].has_networks);
        assert!(rows[2].trouble.as_deref().unwrap().contains("11940"));
    }

    #[test]
    fn rows_sort_by_what_a_column_means_not_by_its_letters() {
        let mut rows = office();
        let by = |column, descending| Sort { column, descending };
        sort(&mut rows, by(0, false));
        assert_eq!(
            names(&rows),
            ["build-farm", "contractors", "corp-staff", "lab-lisbon"]
        );
        sort(&mut rows, by(4, false));
        assert_eq!(
            names(&rows),
            ["contractors", "corp-staff", "lab-lisbon", "build-farm"],
            "TCP 443, UDP 443, UDP 1195, UDP 11940"
        );
        sort(&mut rows, by(11, true));
        assert_eq!(rows[0].name, "corp-staff");
    }

    #[test]
    fn the_filter_understands_columns() {
        let mut rows = office();
        rows.retain(|r| r.passes("state:available transport:tcp"));
        assert_eq!(names(&rows), ["contractors"]);
    }
}
