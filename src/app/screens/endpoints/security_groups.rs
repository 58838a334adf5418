//! The tab Security Groups: which groups the target networks of an endpoint have.

use egui::Ui;

use crate::{
    app::{
        context::{Action, Context},
        dialogs::{apply_groups::ApplySecurityGroups, associate::Associate},
        kit::{self, Column, Rows, Selection, column, icons, rest_column},
        nets,
        screens::listing::{self, Cells},
    },
    model::{Direction, Endpoint, SecurityGroup, SecurityGroupId, Snapshot, VpcId},
};

const COLUMNS: [Column<'static>; 5] = [
    column("Name", 160.0).unsorted(),
    column("Security group ID", 210.0).unsorted(),
    column("Inbound rules", 120.0).right().unsorted(),
    column("Outbound rules", 130.0).right().unsorted(),
    rest_column("Description").unsorted(),
];

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<SecurityGroupId>,
}

/// The VPC of an endpoint's target networks: the one it was made with, or that of the first.
fn vpc_of(snapshot: &Snapshot, endpoint: &Endpoint) -> Option<VpcId> {
    let first = || snapshot.associations_of(&endpoint.id).next();
    let vpc = endpoint.vpc_id.clone();
    vpc.or_else(|| first().map(|a| a.vpc_id.clone()))
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
        self.selection
            .retain(|id| endpoint.security_groups.contains(id));
        let Some(vpc) = vpc_of(&snapshot, endpoint) else {
            let body = "The first target network sets the VPC, and the VPC's default security group with it.";
            if kit::empty(ui, "No VPC yet", body, "Associate") {
                cx.open(Associate::new(&snapshot, endpoint.id.clone()));
            }
            return;
        };
        if endpoint.security_groups.is_empty() {
            let body = "Without a security group everything is let out. Once one is applied, only what one of them lets out.";
            let apply = "Apply Security Groups";
            if kit::empty(ui, "No security groups are applied", body, apply) {
                cx.open(ApplySecurityGroups::new(endpoint, vpc));
            }
            return;
        }
        kit::panel_toolbar(
            ui,
            |ui| {
                let words = "What clients reach must be let out by one of them";
                kit::weak(ui, words);
            },
            |ui| {
                let apply = kit::button("Apply Security Groups").icon(icons::SHIELD_CHECK);
                if apply.clicked(ui) {
                    cx.open(ApplySecurityGroups::new(endpoint, vpc.clone()));
                }
            },
        );
        let groups = endpoint.security_groups.iter();
        let groups = groups.filter_map(|id| snapshot.security_groups.get(id));
        let mut groups: Vec<&SecurityGroup> = groups.map(AsRef::as_ref).collect();
        groups.sort_by_key(|group| (!group.is_default(), group.name.to_lowercase()));
        let mut drawn = Drawn { groups, show: None };
        let out = kit::table("Applied security groups", &COLUMNS, &mut self.selection)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut drawn);
        listing::copy_selected(cx, ui, &self.selection, &drawn);
        if let Some(id) = drawn.show.or(out.opened) {
            cx.ask(Action::ShowSecurityGroup(id));
        }
    }
}

struct Drawn<'a> {
    groups: Vec<&'a SecurityGroup>,
    /// The group whose rules are to be shown.
    show: Option<SecurityGroupId>,
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let group = self.groups[row];
        vec![group.name.clone(), group.id.to_string()]
    }
}

impl Rows for Drawn<'_> {
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
        let rules = |ui: &mut Ui, direction| match nets::rule_count(group, direction) {
            0 => drop(kit::cell_weak(ui, "0")),
            count => drop(kit::cell(ui, &count.to_string())),
        };
        match column {
            0 => {
                if kit::link(ui, &group.name).clicked() {
                    self.show = Some(group.id.clone());
                }
            }
            1 => drop(kit::cell_mono(ui, group.id.as_str())),
            2 => rules(ui, Direction::Ingress),
            3 => rules(ui, Direction::Egress),
            _ => drop(kit::cell(ui, &group.description)),
        }
    }
}
