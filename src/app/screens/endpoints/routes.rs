//! The tab Route Table: where packets go.

use egui::Ui;

use super::readiness;
use crate::{
    app::{
        context::Context,
        dialogs::create_route::CreateRoute,
        kit::{self, Column, Rows, Selection, column, rest_column},
        screens::listing::{self, Asked, Cells, Listing},
        shell::plural,
    },
    model::{
        Command, Endpoint, Route, RouteOrigin, RouteState, Snapshot, SubnetId,
        command::{CreateRoute as Create, DeleteRoute},
    },
};

const COLUMNS: [Column<'static>; 5] = [
    column("Destination CIDR", 150.0).unsorted(),
    column("Target network", 170.0).unsorted(),
    column("Origin", 120.0).unsorted(),
    column("State", 130.0).unsorted(),
    rest_column("Description").unsorted(),
];

/// What names a route: its destination and the subnet it goes through.
type Id = (ipnet::Ipv4Net, SubnetId);

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<Id>,
}

/// The routes, the most general last, as a packet meets them.
pub(super) fn rows<'a>(snapshot: &'a Snapshot, endpoint: &'a Endpoint) -> Vec<&'a Route> {
    let mut routes: Vec<&Route> = snapshot.routes_of(&endpoint.id).collect();
    routes.sort_by_key(|r| {
        let length = std::cmp::Reverse(r.destination.prefix_len());
        (length, r.destination, r.subnet_id.clone())
    });
    routes
}

fn key(route: &Route) -> Id {
    (route.destination, route.subnet_id.clone())
}

/// Why the chosen routes cannot be deleted, if they cannot.
fn not_deletable(chosen: &[&Route]) -> Option<&'static str> {
    if chosen.is_empty() {
        Some("Select a route first")
    } else if chosen.iter().any(|r| r.origin == RouteOrigin::Associate) {
        Some("A route that came with an association goes with it: disassociate the network")
    } else if chosen.iter().all(|r| r.state == RouteState::Deleting) {
        Some("It is being deleted")
    } else {
        None
    }
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        let view = std::sync::Arc::clone(cx.view);
        let routes = rows(&view.snapshot, endpoint);
        let chosen: Vec<&Route> = listing::chosen(&routes, &mut self.selection, |r| key(r))
            .into_iter()
            .copied()
            .collect();
        if routes.is_empty() {
            readiness::checklist(cx, endpoint, ui);
            return;
        }
        let said = plural(routes.len(), "route", "routes");
        let listing = Listing {
            name: "Routes",
            columns: &COLUMNS,
            create: "Create Route",
            remove: &listing::remove_words(chosen.len(), "Delete Route", "Delete", "routes"),
            off: not_deletable(&chosen).map(str::to_owned),
        };
        let mut drawn = Drawn {
            snapshot: &view.snapshot,
            routes: &routes,
        };
        let asked = listing.show(cx, ui, &mut self.selection, &mut drawn, |ui| {
            kit::weak(ui, &format!("{said}. The longest prefix decides"));
        });
        match asked {
            Some(Asked::Create) => {
                let dialog = CreateRoute::new(&cx.view.snapshot, endpoint.id.clone());
                cx.open(dialog);
            }
            Some(Asked::Remove) => {
                for route in chosen {
                    let done = format!("Route to {} deleted", route.destination);
                    cx.run(deleting(route), done, Some(creating(route)));
                }
            }
            None => {}
        }
    }
}

/// Takes a route away.
fn deleting(route: &Route) -> Command {
    Command::DeleteClientVpnRoute(DeleteRoute {
        client_vpn_endpoint_id: route.endpoint_id.to_string(),
        destination_cidr_block: route.destination.to_string(),
        target_vpc_subnet_id: Some(route.subnet_id.to_string()),
        all_associations: false,
    })
}

/// Brings a route back as it was.
fn creating(route: &Route) -> Command {
    Command::CreateClientVpnRoute(Create {
        client_vpn_endpoint_id: route.endpoint_id.to_string(),
        destination_cidr_block: route.destination.to_string(),
        target_vpc_subnet_id: route.subnet_id.to_string(),
        all_associations: false,
        description: route.description.clone(),
    })
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
    routes: &'a [&'a Route],
}

impl Drawn<'_> {
    fn subnet(&self, route: &Route) -> String {
        self.snapshot.subnets.get(&route.subnet_id).map_or_else(
            || route.subnet_id.to_string(),
            |subnet| subnet.title().to_owned(),
        )
    }
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let route = self.routes[row];
        vec![
            route.destination.to_string(),
            self.subnet(route),
            origin(route.origin).to_owned(),
            kit::state_word(route.state.as_str()),
            route.description.clone(),
        ]
    }
}

impl Rows for Drawn<'_> {
    type Key = Id;

    fn len(&self) -> usize {
        self.routes.len()
    }

    fn key(&self, row: usize) -> Id {
        key(self.routes[row])
    }

    fn name(&self, row: usize) -> String {
        let route = self.routes[row];
        format!(
            "{}, {}, {}",
            route.destination,
            self.subnet(route),
            kit::state_word(route.state.as_str())
        )
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let route = self.routes[row];
        match column {
            0 => drop(kit::cell_mono(ui, &route.destination.to_string())),
            1 => drop(kit::cell(ui, &self.subnet(route))),
            2 => drop(kit::cell(ui, origin(route.origin))),
            3 => drop(kit::state(route.state.as_str()).ui(ui)),
            _ => drop(kit::cell(ui, &route.description)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn a_route_of_an_association_is_not_deleted_by_hand() {
        let own = sample::route(1, "0.0.0.0/0", RouteOrigin::AddRoute);
        let automatic = sample::route(1, "10.1.0.0/16", RouteOrigin::Associate);
        assert_eq!(not_deletable(&[&own]), None);
        assert!(
            not_deletable(&[&own, &automatic])
                .unwrap()
                .contains("disassociate")
        );
        assert!(not_deletable(&[]).is_some());
    }
}
