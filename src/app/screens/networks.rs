//! VPCs, and below them what is in the one selected and what it is attached to.

mod attachments;
mod groups;
mod panel;
mod resources;
mod route_tables;
mod subnets;

use std::sync::Arc;

use egui::{Key, Ui};

use super::{
    Page,
    listing::{self, Cells},
};
use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::Confirm, create_subnet::NewSubnet, create_vpc::NewVpc,
            import_networks::ImportNetworks, manage_tags::ManageTags,
        },
        format,
        kit::{self, Rows, Selection, Sort, column, icons, rest_column},
        nets::blocks,
    },
    model::{Command, Snapshot, Vpc, VpcId, command::ById},
};
use panel::{Panel, Part};

/// The page.
pub struct Networks {
    selection: Selection<VpcId>,
    sort: Sort,
    filter: String,
    panel: Panel,
    height: f32,
    closed: bool,
}

impl Default for Networks {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            sort: Sort::default(),
            filter: String::new(),
            panel: Panel::default(),
            height: 360.0,
            closed: false,
        }
    }
}

/// The tabs of a VPC, as they are numbered.
const PARTS: [(Key, Part); 6] = [
    (Key::Num1, Part::Subnets),
    (Key::Num2, Part::RouteTables),
    (Key::Num3, Part::Attachments),
    (Key::Num4, Part::SecurityGroups),
    (Key::Num5, Part::Resources),
    (Key::Num6, Part::Blocks),
];

impl Page for Networks {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let snapshot = Arc::clone(&cx.view.snapshot);
        if cx.key(ui, Key::Escape) {
            match self.filter.is_empty() {
                true => self.closed = true,
                false => self.filter.clear(),
            }
        }
        self.selection.retain(|id| snapshot.vpcs.contains_key(id));
        let selected = self
            .selection
            .single()
            .and_then(|id| snapshot.vpcs.get(id))
            .filter(|_| !self.closed);
        if let Some(vpc) = selected {
            self.split_panel(cx, ui, vpc);
        }
        self.list(cx, ui, &snapshot);
        if cx.shortcut(ui, Key::N) {
            cx.open(NewVpc::default());
        }
        for (key, part) in PARTS {
            if cx.shortcut(ui, key) {
                self.panel.part = part;
            }
        }
        let selected = self.selection.single().and_then(|id| snapshot.vpcs.get(id));
        // The key is the panel's where that has rows selected.
        if let Some(vpc) = selected
            && (self.closed || self.panel.selects_nothing())
            && cx.key(ui, Key::Delete)
        {
            delete_vpc(cx, vpc);
        }
    }
}

impl Networks {
    /// Selects a VPC and shows its route tables, whatever hid it.
    pub fn show_route_tables(&mut self, id: VpcId) {
        self.selection.select_only(id);
        self.filter.clear();
        self.panel.part = Part::RouteTables;
        self.closed = false;
    }

    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, snapshot: &Snapshot) {
        let count = snapshot.vpcs.len().to_string();
        let none = snapshot.vpcs.is_empty();
        kit::page_head(ui, "VPCs and subnets", &count, "", |ui| {
            let create = kit::button("Create VPC…").icon(icons::PLUS);
            if create.primary().clicked(ui) {
                cx.open(NewVpc::default());
            }
            // The empty page has this button in its middle.
            if !none && kit::button("Import this machine's networks…").clicked(ui) {
                cx.open(ImportNetworks::default());
            }
        });
        if none {
            let body = "A VPC is an address space that this machine reaches. Its subnets are what clients are let into.";
            let import = "Import this machine's networks…";
            if kit::empty(ui, "No VPCs yet", body, import) {
                cx.open(ImportNetworks::default());
            }
            return;
        }
        let rows = self.shown(snapshot);
        let find = cx.shortcut(ui, Key::F);
        let words = format!("{} of {count}", rows.len());
        kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter VPCs")
                    .hint("Filter, for example 10.1.")
                    .keys("Ctrl F")
                    .width(320.0)
                    .focus(find)
                    .ui(ui);
            },
            |ui| kit::weak(ui, &words),
        );
        if rows.is_empty() {
            listing::nothing_passes(ui, "No VPC passes the filter", &mut self.filter);
            return;
        }
        let mut table = VpcRows {
            rows,
            snapshot,
            act: None,
        };
        let out = kit::table("VPCs", &columns(), &mut self.selection)
            .sort(&mut self.sort)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        // The key is the panel's where that has rows selected.
        if self.closed || self.panel.selects_nothing() {
            listing::copy_selected(cx, ui, &self.selection, &table);
        }
        if out.selected || out.opened.is_some() {
            self.closed = false;
        }
        match table.act {
            Some((Act::Subnet, vpc)) => cx.open(NewSubnet::new(vpc.clone())),
            Some((Act::Tags, vpc)) => cx.open(ManageTags::new(&vpc.id, vpc.title(), &vpc.tags)),
            Some((Act::Delete, vpc)) => delete_vpc(cx, vpc),
            None => {}
        }
    }

    /// The VPCs that pass the filter, sorted.
    fn shown<'s>(&self, snapshot: &'s Snapshot) -> Vec<&'s Vpc> {
        let words = self.filter.trim().to_lowercase();
        let mut rows: Vec<_> = snapshot
            .vpcs
            .values()
            .filter(|vpc| {
                let subnets = snapshot.subnets.values().filter(|s| s.vpc_id == vpc.id);
                let mut hay = format!("{} {} {}", vpc.title(), vpc.id, blocks(vpc));
                for subnet in subnets {
                    hay.push_str(&format!(
                        " {} {} {}",
                        subnet.title(),
                        subnet.id,
                        subnet.cidr
                    ));
                }
                hay.to_lowercase().contains(&words)
            })
            .collect();
        rows.sort_by(|a, b| {
            let order = match self.sort.column {
                1 => a.id.cmp(&b.id),
                2 => a.cidrs.cmp(&b.cidrs),
                3 => subnet_count(snapshot, a).cmp(&subnet_count(snapshot, b)),
                _ => a.title().to_lowercase().cmp(&b.title().to_lowercase()),
            };
            order.then_with(|| a.id.cmp(&b.id))
        });
        if self.sort.descending {
            rows.reverse();
        }
        rows
    }

    fn split_panel(&mut self, cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
        let room = ui.available_height();
        let mut height = self.height;
        egui::Panel::bottom("VPC panel")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(height.min(room - 120.0).max(180.0))
            .frame(egui::Frame::new().fill(kit::tokens(ui).raised))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                kit::split_handle(ui, "Height of the VPC panel", &mut height, room);
                self.closed = self.panel.ui(cx, ui, vpc);
            });
        self.height = height;
    }
}

/// What a row's menu offers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Subnet,
    Tags,
    Delete,
}

fn delete_vpc(cx: &mut Context<'_>, vpc: &Vpc) {
    let name = vpc.title();
    cx.open(
        Confirm::new(
            format!("Delete {name}?"),
            "Delete VPC",
            Command::DeleteVpc(ById {
                id: vpc.id.to_string(),
            }),
            format!("{name} deleted"),
        )
        .body(format!(
            "Its address space {} is no longer known here. The network itself is not touched.",
            blocks(vpc)
        )),
    );
}

struct VpcRows<'a> {
    rows: Vec<&'a Vpc>,
    snapshot: &'a Snapshot,
    act: Option<(Act, &'a Vpc)>,
}

impl Cells for VpcRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let vpc = self.rows[row];
        let gateway = self.snapshot.internet_gateway_of(&vpc.id);
        vec![
            vpc.title().to_owned(),
            vpc.id.to_string(),
            blocks(vpc),
            subnet_count(self.snapshot, vpc).to_string(),
            gateway.map_or_else(String::new, |gateway| gateway.title().to_owned()),
            endpoints_in(self.snapshot, vpc).join(", "),
        ]
    }
}

impl Rows for VpcRows<'_> {
    type Key = VpcId;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> VpcId {
        self.rows[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        format!("{}, {}", self.rows[row].title(), blocks(self.rows[row]))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let vpc = self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, vpc.title())),
            1 => drop(kit::cell_copyable(ui, "VPC ID", vpc.id.as_str())),
            2 => drop(kit::cell_mono(ui, &blocks(vpc))),
            3 => drop(kit::cell(ui, &subnet_count(self.snapshot, vpc).to_string())),
            4 => {
                let gateway = self.snapshot.internet_gateway_of(&vpc.id);
                kit::cell(ui, gateway.map_or("–", |gateway| gateway.title()));
            }
            _ => {
                let users = endpoints_in(self.snapshot, vpc).join(", ");
                kit::cell(ui, format::or_dash(&users));
            }
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        if kit::menu_item("Create subnet…")
            .icon(icons::PLUS)
            .clicked(ui)
        {
            self.act = Some((Act::Subnet, self.rows[row]));
        }
        let tags = kit::menu_item("Manage tags…").icon(icons::TAG);
        if tags.clicked(ui) {
            self.act = Some((Act::Tags, self.rows[row]));
        }
        kit::menu_separator(ui);
        let delete = kit::menu_item("Delete…").icon(icons::TRASH).shortcut("Del");
        if delete.danger().clicked(ui) {
            self.act = Some((Act::Delete, self.rows[row]));
        }
    }
}

fn columns() -> [kit::Column<'static>; 6] {
    [
        column("Name", 180.0),
        column("VPC ID", 210.0),
        column("Address blocks", 190.0),
        column("Subnets", 90.0).right(),
        column("Internet gateway", 190.0).unsorted(),
        rest_column("Endpoints").unsorted(),
    ]
}

fn subnet_count(snapshot: &Snapshot, vpc: &Vpc) -> usize {
    let subnets = snapshot.subnets.values();
    subnets.filter(|subnet| subnet.vpc_id == vpc.id).count()
}

/// The endpoints whose target networks are of the VPC, by name.
fn endpoints_in(snapshot: &Snapshot, vpc: &Vpc) -> Vec<String> {
    let endpoints = snapshot.endpoints.values();
    let mut names: Vec<String> = endpoints
        .filter(|endpoint| endpoint.vpc_id.as_ref() == Some(&vpc.id))
        .map(|endpoint| endpoint.title().to_owned())
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests;
