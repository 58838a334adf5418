//! The tab Resources of a VPC: addresses that have security groups of their own.

use egui::{Key, Ui};

use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::Confirm,
            resource::{ChangeGroups, NewResource},
        },
        kit::{self, Column, Rows, Selection, column, icons, rest_column},
        nets,
        screens::listing::{self, Cells},
    },
    model::{Command, NetworkInterfaceId, Resource, Snapshot, Vpc, command::ById},
};

const COLUMNS: [Column<'static>; 6] = [
    column("Name", 140.0).unsorted(),
    column("Address", 130.0).unsorted(),
    column("Resource ID", 200.0).unsorted(),
    column("Subnet", 130.0).unsorted(),
    column("Security groups", 200.0).unsorted(),
    rest_column("Description").unsorted(),
];

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<NetworkInterfaceId>,
}

/// What is asked of a resource.
#[derive(Clone, Copy)]
enum Act {
    Groups,
    Delete,
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
        let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
        let resources = snapshot.resources.values();
        let mut resources: Vec<&Resource> = resources.filter(|it| it.vpc_id == vpc.id).collect();
        resources.sort_by_key(|it| it.address);
        self.selection
            .retain(|id| snapshot.resources.contains_key(id));
        if resources.is_empty() {
            let body = "Every address of the VPC may be reached. One that has security groups of its own is a resource.";
            if kit::empty(ui, "No resources yet", body, "Create resource…") {
                cx.open(NewResource::new(&snapshot, vpc.clone()));
            }
            return;
        }
        let chosen = self.selection.single();
        let chosen = chosen.and_then(|id| snapshot.resources.get(id));
        let mut act = chosen
            .filter(|_| cx.key(ui, Key::Delete))
            .map(|_| Act::Delete);
        let none = chosen.is_none().then_some("Select a resource first");
        kit::panel_toolbar(
            ui,
            |ui| {
                kit::weak(ui, "Addresses with security groups of their own");
            },
            |ui| {
                let create = kit::button("Create resource…").icon(icons::PLUS);
                if create.clicked(ui) {
                    cx.open(NewResource::new(&snapshot, vpc.clone()));
                }
                let groups = kit::button("Change security groups…");
                if groups.disabled_because(none).clicked(ui) {
                    act = Some(Act::Groups);
                }
                let delete = kit::button("Delete resource…").icon(icons::TRASH);
                if delete.quiet_danger().disabled_because(none).clicked(ui) {
                    act = Some(Act::Delete);
                }
            },
        );
        let mut rows = ResourceRows {
            resources,
            snapshot: &snapshot,
            act: None,
        };
        kit::table("Resources", &COLUMNS, &mut self.selection)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut rows);
        listing::copy_selected(cx, ui, &self.selection, &rows);
        match rows.act.or(act.zip(chosen)) {
            Some((Act::Groups, it)) => cx.open(ChangeGroups::new(it.clone())),
            Some((Act::Delete, it)) => delete(cx, it),
            None => {}
        }
    }
}

fn delete(cx: &mut Context<'_>, resource: &Resource) {
    let name = resource.title();
    let command = Command::DeleteNetworkInterface(ById {
        id: resource.id.to_string(),
    });
    let title = format!("Delete {name}?");
    let groups = nets::groups(&cx.view.snapshot, &resource.security_groups);
    let body = format!(
        "{} is then reached as any address of its subnet: what {groups} did not let in is no longer held back.",
        resource.address
    );
    let dialog = Confirm::new(title, "Delete resource", command, format!("{name} deleted"));
    cx.open(dialog.body(body));
}

struct ResourceRows<'a> {
    resources: Vec<&'a Resource>,
    snapshot: &'a Snapshot,
    act: Option<(Act, &'a Resource)>,
}

impl Cells for ResourceRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let it = self.resources[row];
        vec![
            it.title().to_owned(),
            it.address.to_string(),
            it.id.to_string(),
            nets::subnet(self.snapshot, &it.subnet_id),
            nets::groups(self.snapshot, &it.security_groups),
            it.description.clone(),
        ]
    }
}

impl Rows for ResourceRows<'_> {
    type Key = NetworkInterfaceId;

    fn len(&self) -> usize {
        self.resources.len()
    }

    fn key(&self, row: usize) -> NetworkInterfaceId {
        self.resources[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let it = self.resources[row];
        format!("{}, {}", it.title(), it.address)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let it = self.resources[row];
        match column {
            0 => drop(kit::cell_name(ui, it.title())),
            1 => drop(kit::cell_mono(ui, &it.address.to_string())),
            2 => drop(kit::cell_copyable(ui, "resource ID", it.id.as_str())),
            3 => drop(kit::cell(ui, &nets::subnet(self.snapshot, &it.subnet_id))),
            4 => {
                let groups = nets::groups(self.snapshot, &it.security_groups);
                kit::cell(ui, &groups);
            }
            _ => drop(kit::cell(ui, &it.description)),
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let it = self.resources[row];
        let groups = kit::menu_item("Change security groups…").icon(icons::SHIELD_CHECK);
        if groups.clicked(ui) {
            self.act = Some((Act::Groups, it));
        }
        let delete = kit::menu_item("Delete…").icon(icons::TRASH).shortcut("Del");
        if delete.danger().clicked(ui) {
            self.act = Some((Act::Delete, it));
        }
    }
}
