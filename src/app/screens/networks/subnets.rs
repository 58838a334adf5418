//! The tab Subnets of a VPC: what endpoints are associated with, and how packets leave for it.

use egui::{Key, Ui};

use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::Confirm, create_subnet::NewSubnet, egress::ChangeEgress,
            manage_tags::ManageTags,
        },
        format,
        kit::{self, Column, Rows, Selection, column, icons, rest_column},
        nets,
        screens::listing::{self, Cells},
    },
    model::{AssociationState, Command, Endpoint, Snapshot, Subnet, SubnetId, Vpc, command::ById},
};

const COLUMNS: [Column<'static>; 8] = [
    column("Name", 114.0).unsorted(),
    column("Subnet ID", 204.0).unsorted(),
    column("Addresses", 148.0).unsorted(),
    column("Free addresses", 108.0).right().unsorted(),
    column("Availability Zone", 122.0)
        .unsorted()
        .from_width(960.0),
    column("Egress", 186.0).unsorted(),
    column("Route table", 130.0).unsorted().from_width(1100.0),
    rest_column("Target network of").unsorted(),
];

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<SubnetId>,
}

/// What is asked of a subnet.
#[derive(Clone, Copy)]
enum Act {
    Egress,
    Tags,
    Delete,
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
        let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
        let subnets = snapshot.subnets.values();
        let mut subnets: Vec<&Subnet> = subnets.filter(|it| it.vpc_id == vpc.id).collect();
        subnets.sort_by_key(|it| (it.title().to_lowercase(), it.cidr));
        self.selection
            .retain(|id| snapshot.subnets.contains_key(id));
        if subnets.is_empty() {
            let body = "A subnet is what an endpoint is associated with.";
            if kit::empty(ui, "No subnets yet", body, "Create subnet…") {
                cx.open(NewSubnet::new(vpc.clone()));
            }
            return;
        }
        let chosen = self.selection.single();
        let chosen = chosen.and_then(|id| snapshot.subnets.get(id));
        let mut act = chosen
            .filter(|_| cx.key(ui, Key::Delete))
            .map(|_| Act::Delete);
        let none = chosen.is_none().then_some("Select a subnet first");
        kit::panel_toolbar(
            ui,
            |ui| drop(kit::weak(ui, "What endpoints are associated with")),
            |ui| {
                if kit::button("Create subnet…").icon(icons::PLUS).clicked(ui) {
                    cx.open(NewSubnet::new(vpc.clone()));
                }
                let egress = kit::button("Change egress…");
                if egress.disabled_because(none).clicked(ui) {
                    act = Some(Act::Egress);
                }
                let delete = kit::button("Delete subnet…").icon(icons::TRASH);
                if delete.quiet_danger().disabled_because(none).clicked(ui) {
                    act = Some(Act::Delete);
                }
            },
        );
        let mut rows = SubnetRows {
            subnets,
            snapshot: &snapshot,
            act: None,
        };
        kit::table("Subnets", &COLUMNS, &mut self.selection)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut rows);
        listing::copy_selected(cx, ui, &self.selection, &rows);
        let asked = rows.act.or(act.zip(chosen));
        match asked {
            Some((Act::Egress, subnet)) => cx.open(ChangeEgress::new(subnet)),
            Some((Act::Tags, it)) => cx.open(ManageTags::new(&it.id, it.title(), &it.tags)),
            Some((Act::Delete, subnet)) => delete_subnet(cx, subnet),
            None => {}
        }
    }
}

fn delete_subnet(cx: &mut Context<'_>, subnet: &Subnet) {
    let name = subnet.title();
    let users = users(&cx.view.snapshot, subnet);
    let body = match users.as_str() {
        "" => format!("{} can no longer be a target network.", subnet.cidr),
        users => format!(
            "It is a target network of {users}: disassociate it there first, then {} can go.",
            subnet.cidr
        ),
    };
    cx.open(
        Confirm::new(
            format!("Delete {name}?"),
            "Delete subnet",
            Command::DeleteSubnet(ById {
                id: subnet.id.to_string(),
            }),
            format!("{name} deleted"),
        )
        .body(body),
    );
}

struct SubnetRows<'a> {
    subnets: Vec<&'a Subnet>,
    snapshot: &'a Snapshot,
    act: Option<(Act, &'a Subnet)>,
}

impl SubnetRows<'_> {
    fn route_table(&self, subnet: &Subnet) -> String {
        let table = self.snapshot.route_table_of(subnet);
        table.map_or_else(|| "–".to_owned(), super::route_tables::title)
    }
}

impl Cells for SubnetRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let subnet = self.subnets[row];
        vec![
            subnet.title().to_owned(),
            subnet.id.to_string(),
            subnet.cidr.to_string(),
            self.snapshot.free_addresses(subnet).to_string(),
            subnet.availability_zone.to_string(),
            nets::egress(&subnet.egress),
            self.route_table(subnet),
            users(self.snapshot, subnet),
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
        format!("{}, {}", self.subnets[row].id, self.subnets[row].cidr)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let subnet = self.subnets[row];
        match column {
            0 => drop(kit::cell_name(ui, subnet.title())),
            1 => drop(kit::cell_copyable(ui, "subnet ID", subnet.id.as_str())),
            2 => drop(kit::cell_mono(ui, &subnet.cidr.to_string())),
            3 => {
                let free = u64::from(self.snapshot.free_addresses(subnet));
                let why = "AWS keeps the first four and the last one; resources have the others";
                kit::cell(ui, &format::count(free)).on_hover_text(why);
            }
            4 => drop(kit::cell_mono(ui, &subnet.availability_zone)),
            5 => drop(kit::cell(ui, &nets::egress(&subnet.egress))),
            6 => drop(kit::cell(ui, &self.route_table(subnet))),
            _ => {
                let users = users(self.snapshot, subnet);
                kit::cell(ui, format::or_dash(&users));
            }
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let subnet = self.subnets[row];
        let egress = kit::menu_item("Change egress…").icon(icons::PENCIL_SIMPLE);
        if egress.clicked(ui) {
            self.act = Some((Act::Egress, subnet));
        }
        let tags = kit::menu_item("Manage tags…").icon(icons::TAG);
        if tags.clicked(ui) {
            self.act = Some((Act::Tags, subnet));
        }
        let delete = kit::menu_item("Delete…").icon(icons::TRASH).shortcut("Del");
        if delete.danger().clicked(ui) {
            self.act = Some((Act::Delete, subnet));
        }
    }
}

/// The endpoints that a subnet is associated with, by name.
fn users(snapshot: &Snapshot, subnet: &Subnet) -> String {
    let mut names: Vec<&str> = snapshot
        .associations
        .values()
        .filter(|a| a.subnet_id == subnet.id && a.state != AssociationState::Disassociating)
        .filter_map(|a| snapshot.endpoints.get(&a.endpoint_id))
        .map(Endpoint::title)
        .collect();
    names.sort_unstable();
    names.join(", ")
}
