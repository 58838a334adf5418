//! The tab Security groups of a VPC: each with a link to its rules.

use egui::Ui;

use crate::{
    app::{
        context::{Action, Context},
        dialogs::security_group::NewSecurityGroup,
        kit::{self, Column, Rows, Selection, column, icons, rest_column},
        nets,
        screens::listing::{self, Cells},
    },
    model::{Direction, SecurityGroup, SecurityGroupId, Vpc},
};

const COLUMNS: [Column<'static>; 5] = [
    column("Name", 180.0).unsorted(),
    column("Security group ID", 220.0).unsorted(),
    column("Inbound rules", 120.0).right().unsorted(),
    column("Outbound rules", 130.0).right().unsorted(),
    rest_column("Description").unsorted(),
];

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<SecurityGroupId>,
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
        let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
        let groups = snapshot.security_groups.values().map(AsRef::as_ref);
        let mut groups: Vec<&SecurityGroup> = groups.filter(|it| it.vpc_id == vpc.id).collect();
        groups.sort_by_key(|it| (!it.is_default(), it.name.to_lowercase()));
        let mut create = false;
        if groups.is_empty() {
            let body = "A security group says what traffic is admitted to and from what has it.";
            create |= kit::empty(ui, "No security groups yet", body, "Create security group…");
        } else {
            kit::panel_toolbar(
                ui,
                |ui| drop(kit::weak(ui, "Open one for its rules")),
                |ui| {
                    let button = kit::button("Create security group…").icon(icons::PLUS);
                    create |= button.clicked(ui);
                },
            );
            let mut rows = GroupRows { groups, show: None };
            let out = kit::table("Security groups of the VPC", &COLUMNS, &mut self.selection)
                .comfortable(cx.prefs.comfortable)
                .show(ui, &mut rows);
            listing::copy_selected(cx, ui, &self.selection, &rows);
            if let Some(id) = rows.show.or(out.opened) {
                cx.ask(Action::ShowSecurityGroup(id));
            }
        }
        if create {
            cx.open(NewSecurityGroup::new(&snapshot, Some(vpc.id.clone())));
        }
    }
}

struct GroupRows<'a> {
    groups: Vec<&'a SecurityGroup>,
    /// The group whose rules are to be shown.
    show: Option<SecurityGroupId>,
}

impl Cells for GroupRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let group = self.groups[row];
        let count = |direction| nets::rule_count(group, direction).to_string();
        vec![
            group.name.clone(),
            group.id.to_string(),
            count(Direction::Ingress),
            count(Direction::Egress),
            group.description.clone(),
        ]
    }
}

impl Rows for GroupRows<'_> {
    type Key = SecurityGroupId;

    fn len(&self) -> usize {
        self.groups.len()
    }

    fn key(&self, row: usize) -> SecurityGroupId {
        self.groups[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let group = self.groups[row];
        format!("{}, {}", group.name, group.id)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let group = self.groups[row];
        let count = |direction| nets::rule_count(group, direction).to_string();
        match column {
            0 => {
                if kit::link(ui, &group.name).clicked() {
                    self.show = Some(group.id.clone());
                }
            }
            1 => drop(kit::cell_copyable(
                ui,
                "security group ID",
                group.id.as_str(),
            )),
            2 => drop(kit::cell(ui, &count(Direction::Ingress))),
            3 => drop(kit::cell(ui, &count(Direction::Egress))),
            _ => drop(kit::cell(ui, &group.description)),
        }
    }
}
