//! The tab Associations: the target networks of an endpoint.

use std::sync::Arc;

use egui::{Key, Ui};

use super::readiness;
use crate::{
    app::{
        context::Context,
        dialogs::{
            associate::Associate,
            confirm::{Change, Confirm},
        },
        kit::{self, Column, Rows, Selection, Tone, column, icons, rest_column},
        nets,
        screens::listing::{self, Cells, remove_words},
        shell::plural,
    },
    model::{
        Association, AssociationId, AssociationState, Command, Endpoint, RouteOrigin, Snapshot,
        View, command::DisassociateTargetNetwork,
    },
};

const COLUMNS: [Column<'static>; 7] = [
    column("Association ID", 240.0)
        .unsorted()
        .from_width(1060.0),
    column("Target network", 116.0).unsorted(),
    column("CIDR", 150.0).unsorted(),
    column("Availability Zone", 122.0).unsorted(),
    column("VPC", 80.0).unsorted(),
    column("Egress", 184.0).unsorted(),
    rest_column("State").unsorted(),
];

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<AssociationId>,
}

/// One association as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    id: AssociationId,
    subnet: String,
    cidr: String,
    zone: String,
    vpc: String,
    egress: String,
    state: AssociationState,
}

impl Row {
    /// Its cells as text, for the clipboard.
    fn cells(&self) -> Vec<String> {
        let state = kit::state_word(self.state.as_str());
        [
            self.id.as_str(),
            &self.subnet,
            &self.cidr,
            &self.zone,
            &self.vpc,
            &self.egress,
            &state,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

pub(super) fn rows(snapshot: &Snapshot, endpoint: &Endpoint) -> Vec<Row> {
    snapshot
        .associations_of(&endpoint.id)
        .map(|a| {
            let subnet = snapshot.subnets.get(&a.subnet_id);
            let vpc = snapshot.vpcs.get(&a.vpc_id);
            Row {
                id: a.id.clone(),
                subnet: subnet
                    .map_or(a.subnet_id.as_str(), |s| s.title())
                    .to_owned(),
                cidr: subnet.map(|s| s.cidr.to_string()).unwrap_or_default(),
                zone: subnet
                    .map(|s| s.availability_zone.clone())
                    .unwrap_or_default(),
                vpc: vpc.map_or(a.vpc_id.as_str(), |v| v.title()).to_owned(),
                egress: subnet.map_or_else(|| "–".to_owned(), |s| nets::egress(&s.egress)),
                state: a.state.clone(),
            }
        })
        .collect()
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        let rows = rows(&cx.view.snapshot, endpoint);
        self.selection.retain(|id| rows.iter().any(|r| r.id == *id));
        if rows.is_empty() {
            readiness::checklist(cx, endpoint, ui);
            return;
        }
        let view = Arc::clone(cx.view);
        let chosen: Vec<&Association> = self
            .selection
            .iter()
            .filter_map(|id| view.snapshot.associations.get(id))
            .filter(|it| it.state != AssociationState::Disassociating)
            .collect();
        let off = chosen.is_empty().then_some("Select an association first");
        let mut disassociate = !chosen.is_empty() && cx.key(ui, Key::Delete);
        let words = remove_words(
            chosen.len(),
            "Disassociate",
            "Disassociate",
            "target networks",
        );
        kit::panel_toolbar(
            ui,
            |ui| {
                kit::weak(ui, "Clients reach the VPC through these subnets");
            },
            |ui| {
                if kit::button("Associate").icon(icons::PLUS).clicked(ui) {
                    let dialog = Associate::new(&cx.view.snapshot, endpoint.id.clone());
                    cx.open(dialog);
                }
                disassociate |= kit::button(&words)
                    .quiet_danger()
                    .disabled_because(off)
                    .clicked(ui);
            },
        );
        for row in &rows {
            if let AssociationState::Failed { reason } = &row.state {
                egui::Frame::new()
                    .inner_margin(egui::Margin {
                        left: 20,
                        right: 20,
                        top: 0,
                        bottom: 8,
                    })
                    .show(ui, |ui| {
                        let title = format!("{} could not be associated", row.subnet);
                        kit::banner(Tone::Danger, &title).body(reason).ui(ui);
                    });
            }
        }
        let mut drawn = Drawn { rows: &rows };
        kit::table("Associations", &COLUMNS, &mut self.selection)
            .checkboxes()
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut drawn);
        listing::copy_selected(cx, ui, &self.selection, &drawn);
        if disassociate {
            ask(cx, endpoint, &chosen, words);
        }
    }
}

/// Asks before associations go: sessions through them end.
fn ask(cx: &mut Context<'_>, endpoint: &Endpoint, chosen: &[&Association], act: String) {
    let going = Going::of(cx.view, endpoint, chosen);
    let snapshot = &cx.view.snapshot;
    let change = |association: &&Association| {
        let subnet = nets::subnet(snapshot, &association.subnet_id);
        let done = format!("Disassociating {subnet}");
        let command = Command::DisassociateClientVpnTargetNetwork(DisassociateTargetNetwork {
            client_vpn_endpoint_id: endpoint.id.to_string(),
            association_id: association.id.to_string(),
        });
        Change::new(subnet, command, done)
    };
    let changes: Vec<Change> = chosen.iter().map(change).collect();
    let title = match chosen {
        [one] => format!("Disassociate {}?", nets::subnet(snapshot, &one.subnet_id)),
        _ => format!("{act}?"),
    };
    let confirm = Confirm::each(title, act, changes)
        .body(going.sentence())
        .listed("Sessions that end", going.sessions)
        .listed("Routes that go", going.routes);
    cx.open(confirm);
}

/// What goes with associations.
struct Going {
    /// The sessions through them: whose, and from where.
    sessions: Vec<String>,
    /// The routes through their subnets.
    routes: Vec<String>,
    /// How many they are.
    count: usize,
    /// None other is left.
    is_last: bool,
}

impl Going {
    fn of(view: &View, endpoint: &Endpoint, going: &[&Association]) -> Self {
        let goes = |id: &AssociationId| going.iter().any(|it| it.id == *id);
        let live = view.live.connections.iter();
        let through = live.filter(|c| c.ended_at.is_none() && goes(&c.association_id));
        let mut sessions: Vec<String> = through
            .map(|c| format!("{}, {}", c.common_name, c.client_ip))
            .collect();
        sessions.sort();
        let routes = view.snapshot.routes_of(&endpoint.id);
        let routes = routes
            .filter(|r| going.iter().any(|it| it.subnet_id == r.subnet_id))
            .map(|r| match r.origin {
                RouteOrigin::Associate => format!("{}, came with the association", r.destination),
                RouteOrigin::AddRoute => format!("{}, added by hand", r.destination),
            })
            .collect();
        let others = view.snapshot.associations_of(&endpoint.id);
        let is_last = others
            .filter(|it| it.state != AssociationState::Disassociating)
            .all(|it| goes(&it.id));
        Self {
            sessions,
            routes,
            count: going.len(),
            is_last,
        }
    }

    fn sentence(&self) -> String {
        let them = if self.count == 1 { "it" } else { "them" };
        let sessions = match self.sessions.len() {
            0 => format!("No session runs through {them}."),
            n => format!("Ends {}.", plural(n, "session", "sessions")),
        };
        let routes = match self.routes.len() {
            0 => format!("No route leads through {them}."),
            1 => format!("1 route through {them} goes too."),
            n => format!("{n} routes through {them} go too."),
        };
        let is = if self.count == 1 { "It is" } else { "They are" };
        let noun = if self.count == 1 {
            "network"
        } else {
            "networks"
        };
        let last = format!(
            "{is} the last target {noun}: the endpoint returns to pending-associate, and nobody can \
             connect until a network is associated again."
        );
        match self.is_last {
            true => format!("{sessions} {routes} {last}"),
            false => format!("{sessions} {routes}"),
        }
    }
}

struct Drawn<'a> {
    rows: &'a [Row],
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        self.rows[row].cells()
    }
}

impl Rows for Drawn<'_> {
    type Key = AssociationId;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> AssociationId {
        self.rows[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let row = &self.rows[row];
        format!("{}, {}", row.subnet, kit::state_word(row.state.as_str()))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let row = &self.rows[row];
        match column {
            0 => drop(kit::cell_mono(ui, row.id.as_str())),
            1 => drop(kit::cell_name(ui, &row.subnet)),
            2 => drop(kit::cell_mono(ui, &row.cidr)),
            3 => drop(kit::cell(ui, &row.zone)),
            4 => drop(kit::cell(ui, &row.vpc)),
            5 => drop(kit::cell(ui, &row.egress)),
            _ => match &row.state {
                AssociationState::Failed { reason } => {
                    kit::state(row.state.as_str()).because(reason).ui(ui);
                }
                state => drop(kit::state(state.as_str()).ui(ui)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn disassociating_says_whose_sessions_end_and_what_goes_along() {
        let (snapshot, live) = sample::office();
        let endpoint = snapshot.endpoints[&sample::endpoint_id(1)].clone();
        let association = snapshot.associations[&sample::association_id(1)].clone();
        let view = View {
            snapshot: snapshot.into(),
            live: live.into(),
        };
        let going = Going::of(&view, &endpoint, &[&association]);
        assert_eq!(going.sessions.len(), 18);
        assert!(going.sessions[0].starts_with("a.lindqvist, 10.20."));
        assert_eq!(
            going.routes,
            [
                "10.1.0.0/16, came with the association",
                "0.0.0.0/0, added by hand"
            ]
        );
        let said = going.sentence();
        assert!(said.starts_with("Ends 18 sessions. 2 routes through it go too."));
        assert!(said.contains("returns to pending-associate"), "{said}");
    }
}
