//! The tab Route Table: where packets go.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use egui::Ui;
use ipnet::Ipv4Net;

use super::readiness;
use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::{Change, Confirm},
            create_route::CreateRoute,
        },
        kit::{self, Column, Rows, Selection, Tone, column, rest_column},
        nets,
        screens::{
            filter,
            listing::{self, Asked, Cells, Filter, Listing},
        },
        shell::plural,
    },
    model::{
        Command, Endpoint, Route, RouteOrigin, RouteState, Snapshot, SubnetId,
        command::{CreateRoute as Create, DeleteRoute},
    },
};

const COLUMNS: [Column<'static>; 6] = [
    column("Destination CIDR", 150.0).unsorted(),
    column("Target network", 160.0).unsorted(),
    column("Clients that have it", 196.0).unsorted(),
    column("Origin", 100.0).unsorted(),
    column("State", 110.0).unsorted(),
    rest_column("Description").unsorted(),
];

/// What names a row: its destination, and the subnet it goes through, or none where it was made
/// for all of them.
type Id = (Ipv4Net, Option<SubnetId>);

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<Id>,
    pub(super) filter: String,
}

/// A row: one route, or the routes that were made as one for all target networks.
pub(super) struct Row<'a> {
    /// The first of them; they differ in their subnets and states only.
    route: &'a Route,
    state: RouteState,
    /// Why only some clients have it, where that is so: in a few words, and in a sentence.
    partial: Option<(String, String)>,
}

impl Row<'_> {
    fn id(&self) -> Id {
        let route = self.route;
        let subnet = (!route.for_all).then(|| route.subnet_id.clone());
        (route.destination, subnet)
    }

    fn passes(&self, words: &str, snapshot: &Snapshot) -> bool {
        filter::passes(
            words,
            &[
                ("destination", &self.route.destination.to_string()),
                ("network", &through(snapshot, self)),
                ("origin", origin(self.route.origin)),
                ("state", self.state.as_str()),
                ("description", &self.route.description),
            ],
        )
    }

    /// Takes it away; one for all goes from all.
    fn deleting(&self) -> Command {
        let (destination, subnet) = self.id();
        Command::DeleteClientVpnRoute(DeleteRoute {
            client_vpn_endpoint_id: self.route.endpoint_id.to_string(),
            destination_cidr_block: destination.to_string(),
            all_associations: subnet.is_none(),
            target_vpc_subnet_id: subnet.map(|subnet| subnet.to_string()),
        })
    }

    /// Brings it back as it was.
    fn creating(&self) -> Command {
        let (destination, subnet) = self.id();
        Command::CreateClientVpnRoute(Create {
            client_vpn_endpoint_id: self.route.endpoint_id.to_string(),
            destination_cidr_block: destination.to_string(),
            all_associations: subnet.is_none(),
            target_vpc_subnet_id: subnet.map(|it| it.to_string()).unwrap_or_default(),
            description: self.route.description.clone(),
        })
    }
}

/// The rows, the most general last, as a packet meets them.
pub(super) fn rows<'a>(snapshot: &'a Snapshot, endpoint: &'a Endpoint) -> Vec<Row<'a>> {
    let associated = nets::associated(snapshot, &endpoint.id);
    let mut rows: BTreeMap<_, Row<'a>> = BTreeMap::new();
    for route in snapshot.routes_of(&endpoint.id) {
        // By name, as a person looks for it, then by what tells two of one name apart.
        let subnet = (!route.for_all).then(|| {
            let id = &route.subnet_id;
            (nets::subnet(snapshot, id), id.clone())
        });
        let length = Reverse(route.destination.prefix_len());
        let row = rows
            .entry((length, route.destination, subnet))
            .or_insert_with(|| Row {
                route,
                state: route.state,
                partial: partial(snapshot, endpoint, &associated, route.destination),
            });
        // What is not done for all is not done.
        if row.state == RouteState::Active {
            row.state = route.state;
        }
    }
    rows.into_values().collect()
}

/// What is said of a destination that only some of the associations have a route to: clients that
/// are bound to another one do not reach it.
fn partial(
    snapshot: &Snapshot,
    endpoint: &Endpoint,
    associated: &BTreeSet<SubnetId>,
    destination: Ipv4Net,
) -> Option<(String, String)> {
    let having: BTreeSet<SubnetId> = snapshot
        .routes_of(&endpoint.id)
        .filter(|r| r.destination == destination && r.state != RouteState::Deleting)
        .map(|r| r.subnet_id.clone())
        .collect();
    let names = |ids: &mut dyn Iterator<Item = &SubnetId>| {
        let names: Vec<String> = ids.map(|id| nets::subnet(snapshot, id)).collect();
        names.join(", ")
    };
    let lacking = names(&mut associated.difference(&having));
    if lacking.is_empty() || having.is_empty() {
        return None;
    }
    let few = match names(&mut associated.intersection(&having)).as_str() {
        "" => "None now".to_owned(),
        having => format!("Only those of {having}"),
    };
    let sentence = format!(
        "Clients bound to {lacking} have no route to {destination}. Make it for all target \
         networks, or once more through each."
    );
    Some((few, sentence))
}

/// Why the chosen routes cannot be deleted, if they cannot.
fn not_deletable(snapshot: &Snapshot, chosen: &[&Row<'_>]) -> Option<String> {
    let automatic = |row: &&&Row<'_>| row.route.origin == RouteOrigin::Associate;
    if chosen.is_empty() {
        Some("Select a route first".to_owned())
    } else if let Some(row) = chosen.iter().find(automatic) {
        Some(made_by(snapshot, row.route))
    } else if chosen.iter().all(|row| row.state == RouteState::Deleting) {
        Some("It is being deleted".to_owned())
    } else {
        None
    }
}

/// Which association made a route that nobody added, and that it goes with it.
fn made_by(snapshot: &Snapshot, route: &Route) -> String {
    let subnet = nets::subnet(snapshot, &route.subnet_id);
    let mut all = snapshot.associations_of(&route.endpoint_id);
    let association = all.find(|it| it.subnet_id == route.subnet_id);
    let id = association.map_or_else(String::new, |it| format!(", {}", it.id));
    format!(
        "The route to {} came with the association of {subnet}{id} and goes with it: disassociate \
         that network",
        route.destination
    )
}

impl Tab {
    pub(super) fn ui(
        &mut self,
        cx: &mut Context<'_>,
        endpoint: &Endpoint,
        focus_filter: bool,
        ui: &mut Ui,
    ) {
        let view = std::sync::Arc::clone(cx.view);
        let mut rows = rows(&view.snapshot, endpoint);
        if rows.is_empty() {
            readiness::checklist(cx, endpoint, ui);
            return;
        }
        let all = plural(rows.len(), "route", "routes");
        listing::forget_gone(&rows, &mut self.selection, Row::id);
        rows.retain(|row| row.passes(&self.filter, &view.snapshot));
        let chosen = listing::chosen_of(&rows, &self.selection, Row::id);
        let hidden = self.selection.len() - chosen.len();
        let is_filtered = !self.filter.is_empty();
        let said = listing::said(all, is_filtered, [rows.len(), hidden]);
        let listing = Listing {
            name: "Routes",
            columns: &COLUMNS,
            create: "Create Route",
            remove: &listing::remove_words(chosen.len(), "Delete Route", "Delete", "routes"),
            off: not_deletable(&view.snapshot, &chosen),
            filter: Some(Filter {
                text: &mut self.filter,
                label: "Filter routes",
                nothing: "No route passes the filter",
                focus: focus_filter,
            }),
        };
        let mut drawn = Drawn {
            snapshot: &view.snapshot,
            rows: &rows,
        };
        let asked = listing.show(cx, ui, &mut self.selection, &mut drawn, |ui| {
            kit::weak(ui, &format!("{said}. The longest prefix decides"));
        });
        match asked {
            Some(Asked::Create) => {
                let dialog = CreateRoute::new(&cx.view.snapshot, endpoint.id.clone());
                cx.open(dialog);
            }
            Some(Asked::Remove) => delete(cx, &chosen),
            None => {}
        }
    }
}

/// Asks first: clients have no way any more to what only these lead to.
fn delete(cx: &mut Context<'_>, rows: &[&Row<'_>]) {
    let change = |row: &&Row<'_>| {
        let destination = row.route.destination;
        let label = format!("{destination}, {}", through(&cx.view.snapshot, row));
        let done = format!("Route to {destination} deleted");
        Change::new(label, row.deleting(), done).undo(Some(row.creating()))
    };
    let changes: Vec<Change> = rows.iter().map(change).collect();
    let title = match rows {
        [row] => format!("Delete the route to {}?", row.route.destination),
        rows => format!("Delete {} routes?", rows.len()),
    };
    let act = listing::remove_words(rows.len(), "Delete Route", "Delete", "routes");
    cx.open(Confirm::each(title, act, changes).previewed());
}

/// What a row goes through.
fn through(snapshot: &Snapshot, row: &Row<'_>) -> String {
    match row.id().1 {
        None => "All target networks".to_owned(),
        Some(subnet) => nets::subnet(snapshot, &subnet),
    }
}

/// Where a route comes from, as the guide has it.
const fn origin(origin: RouteOrigin) -> &'static str {
    match origin {
        RouteOrigin::Associate => "Associate",
        RouteOrigin::AddRoute => "Add route",
    }
}

struct Drawn<'a> {
    snapshot: &'a Snapshot,
    rows: &'a [Row<'a>],
}

impl Drawn<'_> {
    fn through(&self, row: &Row<'_>) -> String {
        through(self.snapshot, row)
    }
}

/// Which clients have a route, in a few words.
fn clients<'r>(row: &'r Row<'_>) -> &'r str {
    row.partial.as_ref().map_or("All", |(few, _)| few.as_str())
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let row = &self.rows[row];
        vec![
            row.route.destination.to_string(),
            self.through(row),
            clients(row).to_owned(),
            origin(row.route.origin).to_owned(),
            kit::state_word(row.state.as_str()),
            row.route.description.clone(),
        ]
    }
}

impl Rows for Drawn<'_> {
    type Key = Id;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> Id {
        self.rows[row].id()
    }

    fn name(&self, row: usize) -> String {
        let row = &self.rows[row];
        let (destination, through) = (row.route.destination, self.through(row));
        let state = kit::state_word(row.state.as_str());
        let mut name = format!("{destination}, {through}, {state}");
        if let Some((_, sentence)) = &row.partial {
            name = format!("{name}. {sentence}");
        }
        name
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let row = &self.rows[row];
        match column {
            0 => drop(kit::cell_mono(ui, &row.route.destination.to_string())),
            1 => drop(kit::cell(ui, &self.through(row))),
            2 => match &row.partial {
                None => drop(kit::cell_weak(ui, "All")),
                Some((few, sentence)) => {
                    let mark = kit::status(Tone::Warning, few.as_str());
                    mark.because(sentence.as_str()).ui(ui);
                }
            },
            3 => {
                let cell = kit::cell(ui, origin(row.route.origin));
                if row.route.origin == RouteOrigin::Associate {
                    cell.on_hover_ui(|ui| drop(kit::body(ui, &made_by(self.snapshot, row.route))));
                }
            }
            4 => drop(kit::state(row.state.as_str()).ui(ui)),
            _ => drop(kit::cell(ui, &row.route.description)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    /// The first endpoint with a second association, and a route for all besides one of the first
    /// network alone.
    fn two_networks() -> (Snapshot, Endpoint) {
        let (mut snapshot, _) = sample::office();
        let mut second = snapshot.associations[&sample::association_id(1)].clone();
        second.id = sample::association_id(9);
        second.subnet_id = sample::subnet_id(2);
        snapshot.associations.insert(second.id.clone(), second);
        for subnet in [1, 2] {
            let mut route = sample::route(1, "192.168.50.0/24", RouteOrigin::AddRoute);
            route.subnet_id = sample::subnet_id(subnet);
            route.for_all = true;
            snapshot.routes.push(route);
        }
        let endpoint = snapshot.endpoints[&sample::endpoint_id(1)].clone();
        (snapshot, endpoint)
    }

    #[test]
    fn a_route_for_all_is_one_row_that_is_deleted_from_all() {
        let (mut snapshot, endpoint) = two_networks();
        snapshot.routes.last_mut().unwrap().state = RouteState::Creating;
        let rows = rows(&snapshot, &endpoint);
        let all: Vec<&Row<'_>> = rows.iter().filter(|row| row.id().1.is_none()).collect();
        let [all] = all.as_slice() else {
            panic!("{} rows", all.len());
        };
        assert_eq!(all.state, RouteState::Creating, "one of them is not done");
        assert_eq!(all.partial, None);
        let Command::DeleteClientVpnRoute(delete) = all.deleting() else {
            panic!("it deletes");
        };
        assert!(delete.all_associations && delete.target_vpc_subnet_id.is_none());
        let Command::CreateClientVpnRoute(create) = all.creating() else {
            panic!("it creates");
        };
        assert!(create.all_associations && create.target_vpc_subnet_id.is_empty());
    }

    #[test]
    fn a_destination_that_only_some_associations_have_is_marked_with_a_sentence() {
        let (snapshot, endpoint) = two_networks();
        let rows = rows(&snapshot, &endpoint);
        let internet = rows.last().unwrap();
        let (few, sentence) = internet.partial.as_ref().unwrap();
        assert_eq!(few, "Only those of staff-a");
        let said = "Clients bound to staff-b have no route to 0.0.0.0/0.";
        assert!(sentence.starts_with(said), "{sentence}");
        let Command::DeleteClientVpnRoute(delete) = internet.deleting() else {
            panic!("it deletes");
        };
        assert_eq!(
            delete.target_vpc_subnet_id.as_deref(),
            Some(sample::subnet_id(1).as_str())
        );
    }

    #[test]
    fn a_route_of_an_association_is_not_deleted_by_hand() {
        let row = |route| Row {
            route,
            state: RouteState::Active,
            partial: None,
        };
        let own = sample::route(1, "0.0.0.0/0", RouteOrigin::AddRoute);
        let automatic = sample::route(1, "10.1.0.0/16", RouteOrigin::Associate);
        let (own, automatic) = (row(&own), row(&automatic));
        let (snapshot, _) = sample::office();
        assert_eq!(not_deletable(&snapshot, &[&own]), None);
        let both = not_deletable(&snapshot, &[&own, &automatic]).unwrap();
        let association = sample::association_id(1);
        assert_eq!(
            both,
            format!(
                "The route to 10.1.0.0/16 came with the association of staff-a, {association} and \
                 goes with it: disassociate that network"
            )
        );
        assert!(not_deletable(&snapshot, &[]).is_some());
    }
}
