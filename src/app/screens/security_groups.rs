//! Security groups, and below them the rules of the one selected.

mod panel;

use std::sync::Arc;

use egui::{Key, Ui};

use super::{
    Page, filter,
    listing::{self, Cells},
};
use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::Confirm,
            manage_tags::ManageTags,
            security_group::{AddRule, NewSecurityGroup},
        },
        kit::{self, Rows, Selection, Sort, column, icons, rest_column},
        nets,
        shell::plural,
    },
    model::{
        Command, Direction, SecurityGroup, SecurityGroupId, SecurityGroupRuleId, Snapshot, Vpc,
        command::ById,
    },
};
use panel::Part;

/// The page.
pub struct SecurityGroups {
    selection: Selection<SecurityGroupId>,
    rules: Selection<SecurityGroupRuleId>,
    sort: Sort,
    filter: String,
    part: Part,
    height: f32,
    closed: bool,
}

impl Default for SecurityGroups {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            rules: Selection::default(),
            sort: Sort::default(),
            filter: String::new(),
            part: Part::Inbound,
            height: 360.0,
            closed: false,
        }
    }
}

impl Page for SecurityGroups {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let snapshot = Arc::clone(&cx.view.snapshot);
        if cx.key(ui, Key::Escape) {
            match self.filter.is_empty() {
                true => self.closed = true,
                false => self.filter.clear(),
            }
        }
        let groups = &snapshot.security_groups;
        self.selection.retain(|id| groups.contains_key(id));
        let selected = self.selection.single().and_then(|id| groups.get(id));
        if let Some(group) = selected
            && !self.closed
        {
            self.split_panel(cx, ui, group, &snapshot);
        }
        self.list(cx, ui, &snapshot);
        if cx.shortcut(ui, Key::N) {
            cx.open(NewSecurityGroup::new(&snapshot, None));
        }
        let selected = self.selection.single().and_then(|id| groups.get(id));
        if let Some(group) = selected
            && (self.closed || self.rules.is_empty())
            && cx.key(ui, Key::Delete)
            && !group.is_default()
        {
            delete_group(cx, group);
        }
    }
}

impl SecurityGroups {
    /// Selects a group.
    pub fn select(&mut self, id: SecurityGroupId) {
        self.selection.select_only(id);
        self.rules.clear();
        self.filter.clear();
        self.closed = false;
    }

    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, snapshot: &Snapshot) {
        let all = snapshot.security_groups.len();
        let purpose = "What traffic is admitted to and from what has the group";
        kit::page_head(ui, "Security groups", &all.to_string(), purpose, |ui| {
            let none = snapshot.vpcs.is_empty();
            let create = kit::button("Create security group…").icon(icons::PLUS);
            let off = none.then_some("There is no VPC yet: create one first");
            if create.primary().disabled_because(off).clicked(ui) {
                cx.open(NewSecurityGroup::new(snapshot, None));
            }
        });
        if all == 0 {
            let body = "Each VPC is made with one, named default. Create a VPC first.";
            if kit::empty(ui, "No security groups yet", body, "Create VPC…") {
                cx.open(crate::app::dialogs::create_vpc::NewVpc::default());
            }
            return;
        }
        let rows = self.shown(snapshot);
        let find = cx.shortcut(ui, Key::F);
        let words = format!("{} of {all}", rows.len());
        kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter security groups")
                    .hint("Filter, for example vpc:office")
                    .keys("Ctrl F")
                    .width(320.0)
                    .focus(find)
                    .ui(ui);
            },
            |ui| kit::weak(ui, &words),
        );
        if rows.is_empty() {
            let title = "No security group passes the filter";
            listing::nothing_passes(ui, title, &mut self.filter);
            return;
        }
        let mut table = GroupRows {
            rows,
            snapshot,
            act: None,
        };
        let out = kit::table("Security groups", &COLUMNS, &mut self.selection)
            .sort(&mut self.sort)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        // The key is the panel's where that has rows selected.
        if self.closed || self.rules.is_empty() {
            listing::copy_selected(cx, ui, &self.selection, &table);
        }
        if out.selected || out.opened.is_some() {
            self.closed = false;
            self.rules.clear();
        }
        match table.act {
            Some((Act::Add(direction), group)) => cx.open(AddRule::new(group, direction)),
            Some((Act::Tags, it)) => cx.open(ManageTags::new(&it.id, &it.name, &it.tags)),
            Some((Act::Delete, group)) => delete_group(cx, group),
            None => {}
        }
    }

    /// The groups that pass the filter, sorted.
    fn shown<'s>(&self, snapshot: &'s Snapshot) -> Vec<&'s SecurityGroup> {
        let groups = snapshot.security_groups.values().map(AsRef::as_ref);
        let mut rows: Vec<&SecurityGroup> = groups
            .filter(|group| {
                let used = used_by(snapshot, group);
                let values = [
                    ("name", group.name.as_str()),
                    ("id", group.id.as_str()),
                    ("vpc", vpc(snapshot, group)),
                    ("used", used.as_str()),
                    ("description", group.description.as_str()),
                ];
                filter::passes(&self.filter, &values)
            })
            .collect();
        let count = |group: &SecurityGroup, direction| nets::rule_count(group, direction);
        rows.sort_by(|a, b| {
            let order = match self.sort.column {
                1 => a.id.cmp(&b.id),
                2 => vpc(snapshot, a).cmp(vpc(snapshot, b)),
                3 => count(a, Direction::Ingress).cmp(&count(b, Direction::Ingress)),
                4 => count(a, Direction::Egress).cmp(&count(b, Direction::Egress)),
                _ => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            };
            order
                .then_with(|| vpc(snapshot, a).cmp(vpc(snapshot, b)))
                .then_with(|| a.id.cmp(&b.id))
        });
        if self.sort.descending {
            rows.reverse();
        }
        rows
    }
}

const COLUMNS: [kit::Column<'static>; 6] = [
    column("Name", 170.0),
    column("Security group ID", 210.0),
    column("VPC", 130.0),
    column("Inbound rules", 120.0).right(),
    column("Outbound rules", 130.0).right(),
    rest_column("Used by").unsorted(),
];

/// The name of a group's VPC.
fn vpc<'s>(snapshot: &'s Snapshot, group: &'s SecurityGroup) -> &'s str {
    let vpc = snapshot.vpcs.get(&group.vpc_id);
    vpc.map_or(group.vpc_id.as_str(), Vpc::title)
}

/// What has a group or names it: `corp-staff, 2 resources, rules of web`; empty where nothing does.
fn used_by(snapshot: &Snapshot, group: &SecurityGroup) -> String {
    let endpoints = nets::endpoints_with(snapshot, &group.id);
    let mut users: Vec<String> = endpoints.map(|it| it.title().to_owned()).collect();
    let resources = snapshot.resources.values();
    let resources = resources.filter(|it| it.security_groups.contains(&group.id));
    match resources.count() {
        0 => {}
        n => users.push(plural(n, "resource", "resources")),
    }
    let naming = nets::groups_naming(snapshot, &group.id);
    users.extend(naming.map(|other| format!("rules of {}", other.name)));
    users.join(", ")
}

fn delete_group(cx: &mut Context<'_>, group: &SecurityGroup) {
    let name = &group.name;
    let command = Command::DeleteSecurityGroup(ById {
        id: group.id.to_string(),
    });
    let rules = plural(group.rules.len(), "rule goes", "rules go");
    let body = match used_by(&cx.view.snapshot, group).as_str() {
        "" => format!("Its {rules} with it. Nothing uses it."),
        users => format!("Its {rules} with it. It is used by {users}: take it from there first."),
    };
    let title = format!("Delete {name}?");
    let dialog = Confirm::new(
        title,
        "Delete security group",
        command,
        format!("{name} deleted"),
    );
    cx.open(dialog.body(body));
}

/// What a row's menu offers.
#[derive(Clone, Copy)]
enum Act {
    Add(Direction),
    Tags,
    Delete,
}

struct GroupRows<'a> {
    rows: Vec<&'a SecurityGroup>,
    snapshot: &'a Snapshot,
    act: Option<(Act, &'a SecurityGroup)>,
}

impl Cells for GroupRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let group = self.rows[row];
        let count = |direction| nets::rule_count(group, direction).to_string();
        vec![
            group.name.clone(),
            group.id.to_string(),
            vpc(self.snapshot, group).to_owned(),
            count(Direction::Ingress),
            count(Direction::Egress),
            used_by(self.snapshot, group),
        ]
    }
}

impl Rows for GroupRows<'_> {
    type Key = SecurityGroupId;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> SecurityGroupId {
        self.rows[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let group = self.rows[row];
        format!("{}, {}", group.name, vpc(self.snapshot, group))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let group = self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, &group.name)),
            1 => drop(kit::cell_copyable(
                ui,
                "security group ID",
                group.id.as_str(),
            )),
            2 => drop(kit::cell(ui, vpc(self.snapshot, group))),
            3 => count(ui, nets::rule_count(group, Direction::Ingress)),
            4 => count(ui, nets::rule_count(group, Direction::Egress)),
            _ => match used_by(self.snapshot, group).as_str() {
                "" => drop(kit::cell_weak(ui, "–")),
                users => drop(kit::cell(ui, users)),
            },
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let group = self.rows[row];
        let inbound = kit::menu_item("Add inbound rule…").icon(icons::PLUS);
        if inbound.clicked(ui) {
            self.act = Some((Act::Add(Direction::Ingress), group));
        }
        let outbound = kit::menu_item("Add outbound rule…").icon(icons::PLUS);
        if outbound.clicked(ui) {
            self.act = Some((Act::Add(Direction::Egress), group));
        }
        let tags = kit::menu_item("Manage tags…").icon(icons::TAG);
        if tags.clicked(ui) {
            self.act = Some((Act::Tags, group));
        }
        kit::menu_separator(ui);
        let delete = kit::menu_item("Delete…").icon(icons::TRASH).shortcut("Del");
        let delete = delete.danger().disabled_because(kept(group));
        if delete.clicked(ui) {
            self.act = Some((Act::Delete, group));
        }
    }
}

/// Why a group cannot be deleted by itself.
fn kept(group: &SecurityGroup) -> Option<&'static str> {
    group
        .is_default()
        .then_some("A VPC's default group goes with its VPC")
}

/// A number, weak where it is none.
fn count(ui: &mut Ui, count: usize) {
    match count {
        0 => drop(kit::cell_weak(ui, "0")),
        n => drop(kit::cell(ui, &n.to_string())),
    }
}

#[cfg(test)]
mod tests;
