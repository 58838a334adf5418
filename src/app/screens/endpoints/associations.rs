//! The tab Associations: the target networks of an endpoint.

use egui::{Key, Ui};

use super::{copied, readiness};
use crate::{
    app::{
        context::Context,
        dialogs::{associate::Associate, confirm::Confirm},
        kit::{self, Column, Rows, Selection, Tone, column, icons, rest_column},
        nets,
        screens::filter::tab_separated,
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
        let one = self.selection.single().cloned();
        let off = one.is_none().then_some("Select one association first");
        let mut disassociate = one.is_some() && cx.key(ui, Key::Delete);
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
                disassociate |= kit::button("Disassociate")
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
        kit::table("Associations", &COLUMNS, &mut self.selection)
            .checkboxes()
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut Drawn { rows: &rows });
        if !self.selection.is_empty() && copied(cx, ui) {
            let chosen = rows.iter().filter(|r| self.selection.contains(&r.id));
            ui.ctx().copy_text(tab_separated(chosen.map(Row::cells)));
        }
        if disassociate && let Some(id) = one {
            ask(cx, endpoint, &id);
        }
    }
}

/// Asks before an association goes: sessions through it end.
fn ask(cx: &mut Context<'_>, endpoint: &Endpoint, id: &AssociationId) {
    let Some(association) = cx.view.snapshot.associations.get(id) else {
        return;
    };
    let subnet = cx
        .view
        .snapshot
        .subnets
        .get(&association.subnet_id)
        .map_or(association.subnet_id.as_str(), |s| s.title());
    let going = Going::of(cx.view, endpoint, association);
    let confirm = Confirm::new(
        format!("Disassociate {subnet}?"),
        "Disassociate",
        Command::DisassociateClientVpnTargetNetwork(DisassociateTargetNetwork {
            client_vpn_endpoint_id: endpoint.id.to_string(),
            association_id: id.to_string(),
        }),
        format!("Disassociating {subnet}"),
    )
    .body(going.sentence())
    .listed("Sessions that end", going.sessions)
    .listed("Routes that go", going.routes);
    cx.open(confirm);
}

/// What goes with an association.
struct Going {
    /// The sessions through it: whose, and from where.
    sessions: Vec<String>,
    /// The routes through its subnet.
    routes: Vec<String>,
    is_last: bool,
}

impl Going {
    fn of(view: &View, endpoint: &Endpoint, association: &Association) -> Self {
        let live = view.live.connections.iter();
        let through = live.filter(|c| c.association_id == association.id && c.ended_at.is_none());
        let mut sessions: Vec<String> = through
            .map(|c| format!("{}, {}", c.common_name, c.client_ip))
            .collect();
        sessions.sort();
        let routes = view.snapshot.routes_of(&endpoint.id);
        let routes = routes
            .filter(|r| r.subnet_id == association.subnet_id)
            .map(|r| match r.origin {
                RouteOrigin::Associate => format!("{}, came with the association", r.destination),
                RouteOrigin::AddRoute => format!("{}, added by hand", r.destination),
            })
            .collect();
        let others = view.snapshot.associations_of(&endpoint.id);
        let is_last = others
            .filter(|it| it.state != AssociationState::Disassociating)
            .all(|it| it.id == association.id);
        Self {
            sessions,
            routes,
            is_last,
        }
    }

    fn sentence(&self) -> String {
        let sessions = match self.sessions.len() {
            0 => "No session runs through it.".to_owned(),
            n => format!("Ends {}.", plural(n, "session", "sessions")),
        };
        let routes = match self.routes.len() {
            0 => "No route leads through it.".to_owned(),
            1 => "1 route through it goes too.".to_owned(),
            n => format!("{n} routes through it go too."),
        };
        let last = "It is the last target network: the endpoint returns to pending-associate, and \
                    nobody can connect until a network is associated again.";
        match self.is_last {
            true => format!("{sessions} {routes} {last}"),
            false => format!("{sessions} {routes}"),
        }
    }
}

struct Drawn<'a> {
    rows: &'a [Row],
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
        let going = Going::of(&view, &endpoint, &association);
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
