//! The tab Route tables of a VPC: what its subnets reach beyond it, and which of them use which
//! table.

use egui::Ui;
use ipnet::Ipv4Net;

use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::{Change, Confirm},
            route_table::{AddVpcRoute, AssociateSubnet, NewRouteTable},
        },
        kit::{self, Choice, Column, Rows, Selection, Tone, column, icons, rest_column},
        nets,
        screens::listing::{self, Asked, Cells, Listing},
        shell::plural,
    },
    model::{
        Blackhole, BlackholeCause, Command, RouteTable, RouteTableId, Snapshot, Subnet, SubnetId,
        Vpc, VpcRoute,
        command::{ById, CreateVpcRoute, DeleteVpcRoute, RouteTableAssociation},
    },
};

const ROUTES: [Column<'static>; 5] = [
    column("Destination", 160.0).unsorted(),
    column("Target", 250.0).unsorted(),
    column("State", 120.0).unsorted(),
    column("Propagated", 110.0).unsorted(),
    rest_column("Why").unsorted(),
];

const SUBNETS: [Column<'static>; 4] = [
    column("Name", 180.0).unsorted(),
    column("Subnet ID", 220.0).unsorted(),
    column("Addresses", 150.0).unsorted(),
    rest_column("Association").unsorted(),
];

/// What of the table is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Routes,
    Subnets,
}

#[derive(Default)]
pub(super) struct Tab {
    table: Option<RouteTableId>,
    part: Part,
    routes: Selection<Ipv4Net>,
    subnets: Selection<SubnetId>,
}

/// What a table goes by: the main one may have no name of its own.
pub(super) fn title(table: &RouteTable) -> String {
    let named = table.title() != table.id.as_str();
    match (table.is_main, named) {
        (true, true) => format!("{} (main)", table.title()),
        (true, false) => "Main".to_owned(),
        (false, _) => table.title().to_owned(),
    }
}

/// Why a route leads nowhere.
fn because(snapshot: &Snapshot, blackhole: &Blackhole) -> String {
    let target = nets::target(snapshot, &blackhole.target);
    match blackhole.cause {
        BlackholeCause::Gone => "Its target does not exist any more".to_owned(),
        BlackholeCause::NotAttached => format!("{target} is not attached to the VPC"),
        BlackholeCause::Pending => format!("{target} was not accepted yet"),
        BlackholeCause::NotBehind => {
            format!("{} does not lie behind {target}", blackhole.destination)
        }
    }
}

impl Tab {
    pub(super) fn selects_nothing(&self) -> bool {
        self.routes.is_empty() && self.subnets.is_empty()
    }

    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
        let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
        let tables = snapshot.route_tables.values();
        let mut tables: Vec<&RouteTable> = tables.filter(|it| it.vpc_id == vpc.id).collect();
        tables.sort_by_key(|it| (!it.is_main, title(it)));
        let chosen = self.table.as_ref();
        let chosen = tables.iter().find(|it| Some(&it.id) == chosen);
        let Some(table) = chosen.or(tables.first()).copied() else {
            let body = "A route table says what a VPC's subnets reach beyond its own blocks.";
            if kit::empty(ui, "No route tables", body, "Create route table…") {
                cx.open(NewRouteTable::new(vpc.clone()));
            }
            return;
        };
        match self.part {
            Part::Routes => self.routes(cx, ui, vpc, &snapshot, &tables, table),
            Part::Subnets => self.subnets(cx, ui, vpc, &snapshot, &tables, table),
        }
    }

    /// Chooses the table and what of it is shown; a change forgets what was selected.
    fn chooser(
        &mut self,
        ui: &mut Ui,
        of: (&Snapshot, &Vpc),
        tables: &[&RouteTable],
        table: &RouteTable,
    ) -> Ask {
        let (snapshot, vpc) = of;
        let choices: Vec<Choice<RouteTableId>> = tables
            .iter()
            .map(|it| {
                let subnets = plural(users(snapshot, it).count(), "subnet", "subnets");
                Choice::new(it.id.clone(), title(it)).detail(subnets)
            })
            .collect();
        let mut chosen = table.id.clone();
        let select = kit::select(&mut chosen, &choices).named("Route table");
        let mut changed = select.width(220.0).in_toolbar().ui(ui).changed();
        let routes = format!("Routes {}", vpc.cidrs.len() + table.routes.len());
        let subnets = format!("Subnets {}", users(snapshot, table).count());
        let parts = [
            (Part::Routes, routes.as_str()),
            (Part::Subnets, subnets.as_str()),
        ];
        changed |= kit::segmented(ui, "Parts of the route table", &mut self.part, &parts);
        self.table = Some(chosen);
        if changed {
            self.routes.clear();
            self.subnets.clear();
        }
        let asked = kit::button("Actions").caret().menu(ui, |ui| {
            let create = kit::menu_item("Create route table…").icon(icons::PLUS);
            if create.clicked(ui) {
                return Ask::Create;
            }
            let kept = table
                .is_main
                .then_some("The main route table goes with its VPC");
            let delete = kit::menu_item("Delete route table…").icon(icons::TRASH);
            match delete.danger().disabled_because(kept).clicked(ui) {
                true => Ask::Delete,
                false => Ask::Nothing,
            }
        });
        asked.unwrap_or(Ask::Nothing)
    }

    fn routes(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
        vpc: &Vpc,
        snapshot: &Snapshot,
        tables: &[&RouteTable],
        table: &RouteTable,
    ) {
        let mut rows = RouteRows::new(snapshot, vpc, table);
        let mut selection = std::mem::take(&mut self.routes);
        let chosen: Vec<Row<'_>> =
            listing::chosen(&rows.rows, &mut selection, |row| row.destination)
                .into_iter()
                .copied()
                .collect();
        let count = chosen.len();
        let listing = Listing {
            filter: None,
            name: "Routes of the route table",
            columns: &ROUTES,
            create: "Add route…",
            remove: &listing::remove_words(count, "Delete route", "Delete", "routes"),
            off: not_deletable(&chosen).map(str::to_owned),
        };
        let mut ask = Ask::Nothing;
        let mut emptied = false;
        let asked = listing.show(cx, ui, &mut selection, &mut rows, |ui| {
            let before = (self.table.clone(), self.part);
            ask = self.chooser(ui, (snapshot, vpc), tables, table);
            emptied = before != (self.table.clone(), self.part);
        });
        if !emptied {
            self.routes = selection;
        }
        ask.answer(cx, vpc, table);
        match asked {
            Some(Asked::Create) => cx.open(AddVpcRoute::new(table.clone())),
            Some(Asked::Remove) => {
                let routes: Vec<&VpcRoute> = chosen.iter().filter_map(|row| row.route).collect();
                delete_routes(cx, table, &routes);
            }
            None => {}
        }
    }

    fn subnets(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
        vpc: &Vpc,
        snapshot: &Snapshot,
        tables: &[&RouteTable],
        table: &RouteTable,
    ) {
        let mut rows = SubnetRows::new(snapshot, table);
        let mut selection = std::mem::take(&mut self.subnets);
        let chosen: Vec<Subnet> =
            listing::chosen(&rows.subnets, &mut selection, |it| it.id.clone())
                .into_iter()
                .map(|it| (*it).clone())
                .collect();
        let implied = chosen.iter().any(|it| !table.subnets.contains(&it.id));
        let off = match chosen.is_empty() {
            true => Some("Select a subnet first"),
            false if implied => Some("It has no table of its own, so it uses the main one"),
            false => None,
        };
        let listing = Listing {
            filter: None,
            name: "Subnets of the route table",
            columns: &SUBNETS,
            create: "Associate subnet…",
            remove: "Disassociate",
            off: off.map(str::to_owned),
        };
        let mut ask = Ask::Nothing;
        let mut emptied = false;
        let asked = listing.show(cx, ui, &mut selection, &mut rows, |ui| {
            let before = (self.table.clone(), self.part);
            ask = self.chooser(ui, (snapshot, vpc), tables, table);
            emptied = before != (self.table.clone(), self.part);
        });
        if !emptied {
            self.subnets = selection;
        }
        ask.answer(cx, vpc, table);
        match asked {
            Some(Asked::Create) => cx.open(AssociateSubnet::new(table)),
            Some(Asked::Remove) => {
                for subnet in &chosen {
                    disassociate(cx, table, subnet);
                }
            }
            None => {}
        }
    }
}

/// What is asked of the tables themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Nothing,
    Create,
    Delete,
}

impl Ask {
    fn answer(self, cx: &mut Context<'_>, vpc: &Vpc, table: &RouteTable) {
        match self {
            Self::Nothing => {}
            Self::Create => cx.open(NewRouteTable::new(vpc.clone())),
            Self::Delete => {
                let name = title(table);
                let command = Command::DeleteRouteTable(ById {
                    id: table.id.to_string(),
                });
                let routes = plural(table.routes.len(), "route goes", "routes go");
                let mut body = format!("Its {routes} with it.");
                match table.subnets.len() {
                    0 => body.push_str(" No subnet uses it."),
                    n => {
                        let use_it = plural(n, "subnet uses", "subnets use");
                        body.push_str(&format!(" {use_it} it: disassociate first."));
                    }
                }
                let title = format!("Delete {name}?");
                let done = format!("{name} deleted");
                cx.open(Confirm::new(title, "Delete route table", command, done).body(body));
            }
        }
    }
}

/// Asks first: nobody reaches any more what only these lead to.
fn delete_routes(cx: &mut Context<'_>, table: &RouteTable, routes: &[&VpcRoute]) {
    let deleting = |route: &&VpcRoute| delete_route(&cx.view.snapshot, table, route);
    let changes: Vec<Change> = routes.iter().map(deleting).collect();
    let title = match routes {
        [route] => format!("Delete the route to {}?", route.destination),
        routes => format!("Delete {} routes?", routes.len()),
    };
    let act = listing::remove_words(routes.len(), "Delete route", "Delete", "routes");
    cx.open(Confirm::each(title, act, changes).previewed());
}

/// Deletes a route; undo brings it back.
fn delete_route(snapshot: &Snapshot, table: &RouteTable, route: &VpcRoute) -> Change {
    let (route_table_id, destination) = (table.id.to_string(), route.destination.to_string());
    let undo = Command::CreateRoute(CreateVpcRoute {
        route_table_id: route_table_id.clone(),
        destination_cidr_block: destination.clone(),
        target_id: route.target.as_str().to_owned(),
    });
    let command = Command::DeleteRoute(DeleteVpcRoute {
        route_table_id,
        destination_cidr_block: destination.clone(),
    });
    let label = format!("{destination}, {}", nets::target(snapshot, &route.target));
    let done = format!("Route to {destination} deleted");
    Change::new(label, command, done).undo(Some(undo))
}

/// Has a subnet use the main table again; undo takes that back.
fn disassociate(cx: &mut Context<'_>, table: &RouteTable, subnet: &Subnet) {
    let association = RouteTableAssociation {
        route_table_id: table.id.to_string(),
        subnet_id: subnet.id.to_string(),
    };
    cx.run(
        Command::DisassociateRouteTable(association.clone()),
        format!("{} uses the main route table", subnet.title()),
        Some(Command::AssociateRouteTable(association)),
    );
}

/// A route of the table, or without one the local route of a block of the VPC.
#[derive(Clone, Copy)]
struct Row<'a> {
    destination: Ipv4Net,
    route: Option<&'a VpcRoute>,
}

/// Why the chosen routes cannot be deleted, if they cannot.
fn not_deletable(chosen: &[Row<'_>]) -> Option<&'static str> {
    if chosen.is_empty() {
        return Some("Select a route first");
    }
    let propagated = |row: &Row<'_>| row.route.is_some_and(|route| route.is_propagated);
    if chosen.iter().any(|row| row.route.is_none()) {
        Some("A local route goes with the VPC's address block")
    } else if chosen.iter().any(propagated) {
        Some("A propagated route goes with its VPN connection: remove the network there")
    } else {
        None
    }
}

struct RouteRows<'a> {
    rows: Vec<Row<'a>>,
    snapshot: &'a Snapshot,
    table: &'a RouteTable,
}

impl<'a> RouteRows<'a> {
    fn new(snapshot: &'a Snapshot, vpc: &Vpc, table: &'a RouteTable) -> Self {
        let local = vpc.cidrs.iter().map(|block| Row {
            destination: *block,
            route: None,
        });
        let own = table.routes.iter().map(|route| Row {
            destination: route.destination,
            route: Some(route),
        });
        Self {
            rows: local.chain(own).collect(),
            snapshot,
            table,
        }
    }

    fn target(&self, row: &Row<'_>) -> String {
        match row.route {
            None => "Local".to_owned(),
            Some(route) => nets::target(self.snapshot, &route.target),
        }
    }

    fn blackhole(&self, row: &Row<'_>) -> Option<Blackhole> {
        self.snapshot.blackhole(self.table, row.route?)
    }

    fn state(&self, row: &Row<'_>) -> &'static str {
        match self.blackhole(row) {
            None => "Active",
            Some(_) => "Blackhole",
        }
    }

    fn why(&self, row: &Row<'_>) -> String {
        let nowhere = self.blackhole(row);
        nowhere.map_or_else(String::new, |it| because(self.snapshot, &it))
    }
}

impl Cells for RouteRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let row = &self.rows[row];
        let propagated = row.route.is_some_and(|route| route.is_propagated);
        vec![
            row.destination.to_string(),
            self.target(row),
            self.state(row).to_owned(),
            if propagated { "Yes" } else { "No" }.to_owned(),
            self.why(row),
        ]
    }
}

impl Rows for RouteRows<'_> {
    type Key = Ipv4Net;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> Ipv4Net {
        self.rows[row].destination
    }

    fn name(&self, row: usize) -> String {
        let row = &self.rows[row];
        let (target, state) = (self.target(row), self.state(row));
        format!("{}, {target}, {state}", row.destination)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let row = self.rows[row];
        match column {
            0 => drop(kit::cell_mono(ui, &row.destination.to_string())),
            1 => drop(kit::cell(ui, &self.target(&row))),
            2 => {
                let state = self.state(&row);
                let tone = match state {
                    "Active" => Tone::Success,
                    _ => Tone::Warning,
                };
                kit::status(tone, state).because(self.why(&row)).ui(ui);
            }
            3 => match row.route.is_some_and(|route| route.is_propagated) {
                true => drop(kit::cell(ui, "Yes")),
                false => drop(kit::cell_weak(ui, "No")),
            },
            _ => drop(kit::cell(ui, &self.why(&row))),
        }
    }
}

/// The subnets that use a table, because it names them or because no other does.
fn users<'s>(snapshot: &'s Snapshot, table: &RouteTable) -> impl Iterator<Item = &'s Subnet> {
    snapshot.subnets.values().filter(|it| {
        let of = snapshot.route_table_of(it);
        of.is_some_and(|of| of.id == table.id)
    })
}

struct SubnetRows<'a> {
    subnets: Vec<&'a Subnet>,
    table: &'a RouteTable,
}

impl<'a> SubnetRows<'a> {
    fn new(snapshot: &'a Snapshot, table: &'a RouteTable) -> Self {
        Self {
            subnets: users(snapshot, table).collect(),
            table,
        }
    }

    fn association(&self, subnet: &Subnet) -> &'static str {
        match self.table.subnets.contains(&subnet.id) {
            true => "Associated with this table",
            false => "Uses the main table, having none of its own",
        }
    }
}

impl Cells for SubnetRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let subnet = self.subnets[row];
        vec![
            subnet.title().to_owned(),
            subnet.id.to_string(),
            subnet.cidr.to_string(),
            self.association(subnet).to_owned(),
        ]
    }
}

impl Rows for SubnetRows<'_> {
    type Key = SubnetId;

    fn len(&self) -> usize {
        self.subnets.len()
    }

    fn key(&self, row: usize) -> SubnetId {
        self.subnets[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let subnet = self.subnets[row];
        format!("{}, {}", subnet.title(), self.association(subnet))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let subnet = self.subnets[row];
        match column {
            0 => drop(kit::cell_name(ui, subnet.title())),
            1 => drop(kit::cell_mono(ui, subnet.id.as_str())),
            2 => drop(kit::cell_mono(ui, &subnet.cidr.to_string())),
            _ => drop(kit::cell(ui, self.association(subnet))),
        }
    }
}
