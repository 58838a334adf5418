//! Users by the common name of their certificate, and the groups that rules let in.

mod panel;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use egui::{Key, Ui};

use super::{
    Page, filter,
    listing::{self, Cells},
};
use crate::{
    app::{
        context::{Action, Context, Question},
        dialogs::{add_member::AddMember, confirm::Confirm, create_group::CreateGroup},
        format,
        kit::{self, Rows, Selection, column, icons, rest_column},
        people::{People, Person},
        shell::plural,
    },
    model::{Command, Group, Sid, Snapshot, View, command::GroupName},
};

/// The page.
pub struct Groups {
    part: Part,
    groups: Selection<Sid>,
    users: Selection<String>,
    members: Selection<String>,
    /// The group that those are of.
    members_of: Option<Sid>,
    filter: String,
    height: f32,
    closed: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            part: Part::Groups,
            groups: Selection::default(),
            users: Selection::default(),
            members: Selection::default(),
            members_of: None,
            filter: String::new(),
            height: 330.0,
            closed: false,
        }
    }
}

/// What is listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Groups,
    Users,
}

impl Page for Groups {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let view = Arc::clone(cx.view);
        let snapshot = &view.snapshot;
        self.groups.retain(|sid| snapshot.groups.contains_key(sid));
        if self.members_of.as_ref() != self.groups.single() {
            self.members.clear();
            self.members_of = self.groups.single().cloned();
        }
        let people = cx.everyone.of(&view);
        let selected = self
            .groups
            .single()
            .and_then(|sid| snapshot.groups.get(sid));
        if self.part == Part::Groups
            && !self.closed
            && let Some(group) = selected
        {
            self.split_panel(cx, ui, group, &people);
        }
        head(cx, ui, snapshot);
        self.toolbar(cx, ui, &view, people.len());
        match self.part {
            Part::Groups => self.group_list(cx, ui, snapshot),
            Part::Users => self.user_list(cx, ui, &people),
        }
        self.keys(cx, ui, snapshot);
    }
}

fn head(cx: &mut Context<'_>, ui: &mut Ui, snapshot: &Snapshot) {
    let purpose = "Rules let in everyone, or the members of a group";
    kit::page_head(ui, "Users and groups", "", purpose, |ui| {
        let create = kit::button("Create group…").icon(icons::PLUS);
        if create.primary().clicked(ui) {
            cx.open(CreateGroup::default());
        }
        let none = snapshot
            .groups
            .is_empty()
            .then_some("There is no group yet: create one first");
        let add = kit::button("Add user to group…").icon(icons::USER_PLUS);
        if add.disabled_because(none).clicked(ui) {
            cx.open(AddMember::new(None, ""));
        }
    });
}

impl Groups {
    /// Selects a group.
    pub fn select(&mut self, sid: Sid) {
        self.part = Part::Groups;
        self.groups.select_only(sid);
        self.filter.clear();
        self.closed = false;
    }

    /// Lists the users that go by a name.
    pub fn find_user(&mut self, name: String) {
        self.part = Part::Users;
        self.users.select_only(name.clone());
        self.filter = name;
    }

    /// Keys of the page, once the panel has taken those that are for its members.
    fn keys(&mut self, cx: &mut Context<'_>, ui: &Ui, snapshot: &Snapshot) {
        if cx.shortcut(ui, Key::N) {
            cx.open(CreateGroup::default());
        }
        if cx.key(ui, Key::Escape) {
            self.step_back();
        }
        let selected = self.groups.single();
        if let Some(group) = selected.and_then(|sid| snapshot.groups.get(sid))
            && self.part == Part::Groups
            && self.passes(&[&group.name, group.sid.as_str()])
            && (self.closed || self.members.is_empty())
            && cx.key(ui, Key::Delete)
        {
            delete_group(cx, group);
        }
    }

    /// Takes back the filter, else what is selected: in the panel first.
    fn step_back(&mut self) {
        if !self.filter.is_empty() {
            self.filter.clear();
        } else if self.part == Part::Users {
            self.users.clear();
        } else if !self.closed && !self.members.is_empty() {
            self.members.clear();
        } else {
            self.groups.clear();
        }
    }

    fn toolbar(&mut self, cx: &Context<'_>, ui: &mut Ui, view: &View, people: usize) {
        let find = cx.shortcut(ui, Key::F);
        let labels = [
            format!("Groups {}", view.snapshot.groups.len()),
            format!("Users {people}"),
        ];
        kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter users and groups")
                    .hint("Filter, for example lind")
                    .keys("Ctrl F")
                    .width(320.0)
                    .focus(find)
                    .ui(ui);
                ui.add_space(8.0);
                let [groups, users] = &labels;
                let parts = [
                    (Part::Groups, groups.as_str()),
                    (Part::Users, users.as_str()),
                ];
                kit::segmented(ui, "What is listed", &mut self.part, &parts);
            },
            |_| (),
        );
    }

    fn passes(&self, words: &[&str]) -> bool {
        let filter = self.filter.trim();
        words.iter().any(|word| filter::holds(word, filter))
    }

    fn group_list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, snapshot: &Snapshot) {
        if snapshot.groups.is_empty() {
            let body = "A group is what an authorization rule lets in when it does not let in everyone. Its members go by the common name of their certificates.";
            if kit::empty(ui, "No groups yet", body, "Create group…") {
                cx.open(CreateGroup::default());
            }
            return;
        }
        let mut rows: Vec<&Group> = snapshot
            .groups
            .values()
            .map(AsRef::as_ref)
            .filter(|group| self.passes(&[&group.name, group.sid.as_str()]))
            .collect();
        if rows.is_empty() {
            listing::nothing_passes(ui, "No group passes the filter", &mut self.filter);
            return;
        }
        rows.sort_by_key(|group| group.name.to_lowercase());
        let columns = [
            column("Name", 220.0).unsorted(),
            column("SID", 400.0).unsorted(),
            column("Members", 90.0).right().unsorted(),
            rest_column("Let in to").unsorted(),
        ];
        let mut table = GroupRows {
            rows,
            snapshot,
            act: None,
        };
        let out = kit::table("Groups", &columns, &mut self.groups)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        // The key is the panel's where that has rows selected.
        if self.closed || self.members.is_empty() {
            listing::copy_selected(cx, ui, &self.groups, &table);
        }
        if out.selected || out.opened.is_some() {
            self.closed = false;
        }
        match table.act {
            Some((Act::Add, group)) => cx.open(AddMember::new(Some(group.sid.clone()), "")),
            Some((Act::Delete, group)) => delete_group(cx, group),
            None => {}
        }
    }

    fn user_list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, people: &People) {
        let passes = |(name, person): &(&String, &Person)| {
            self.passes(&[name]) || person.groups.iter().any(|it| self.passes(&[&it.name]))
        };
        let rows: Vec<_> = people.iter().filter(passes).collect();
        if rows.is_empty() {
            if !people.is_empty() {
                listing::nothing_passes(ui, "No user passes the filter", &mut self.filter);
                return;
            }
            let body =
                "Who has a client certificate of the store, is in a group or is connected is here.";
            kit::empty(ui, "Nobody is known yet", body, "");
            return;
        }
        let columns = [
            column("Common name", 260.0).unsorted(),
            column("Live connections", 220.0).unsorted(),
            rest_column("Groups").unsorted(),
        ];
        let view = Arc::clone(cx.view);
        let mut table = UserRows {
            rows,
            view: &view,
            act: None,
        };
        kit::table("Users", &columns, &mut self.users)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        listing::copy_selected(cx, ui, &self.users, &table);
        match table.act {
            Some((UserAct::Add, name)) => cx.open(AddMember::new(None, &name)),
            Some((UserAct::Why, name)) => cx.ask(Action::AskWhy(Question::of_user(name))),
            None => {}
        }
    }
}

/// The networks that rules let a group into: `10.1.0.0/16, 10.2.0.0/16`.
fn networks(snapshot: &Snapshot, group: &Group) -> String {
    let mut networks: Vec<String> = snapshot
        .rules
        .iter()
        .filter(|rule| rule.access.group() == Some(&group.sid))
        .map(|rule| rule.destination.to_string())
        .collect();
    networks.dedup();
    networks.join(", ")
}

fn delete_group(cx: &mut Context<'_>, group: &Group) {
    let name = &group.name;
    let command = Command::DeleteGroup(GroupName {
        sid: group.sid.to_string(),
    });
    let title = format!("Delete {name}?");
    let members = plural(group.members.len(), "member", "members");
    let dialog = Confirm::new(title, "Delete group", command, format!("{name} deleted"));
    cx.open(dialog.body(format!("It has {members}. No rule can name it any more.")));
}

enum Act {
    Add,
    Delete,
}

struct GroupRows<'a> {
    rows: Vec<&'a Group>,
    snapshot: &'a Snapshot,
    act: Option<(Act, &'a Group)>,
}

impl Cells for GroupRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let group = self.rows[row];
        vec![
            group.name.clone(),
            group.sid.to_string(),
            group.members.len().to_string(),
            networks(self.snapshot, group),
        ]
    }
}

impl Rows for GroupRows<'_> {
    type Key = Sid;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> Sid {
        self.rows[row].sid.clone()
    }

    fn name(&self, row: usize) -> String {
        let group = self.rows[row];
        let members = plural(group.members.len(), "member", "members");
        format!("{}, {members}", group.name)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let group = self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, &group.name)),
            1 => drop(kit::cell_copyable(ui, "SID", group.sid.as_str())),
            2 => drop(kit::cell(ui, &group.members.len().to_string())),
            _ => {
                let networks = networks(self.snapshot, group);
                kit::cell_mono(
                    ui,
                    if networks.is_empty() {
                        "–"
                    } else {
                        &networks
                    },
                );
            }
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let group = self.rows[row];
        let add = kit::menu_item("Add user…").icon(icons::USER_PLUS);
        if add.clicked(ui) {
            self.act = Some((Act::Add, group));
        }
        if kit::menu_item("Copy SID").icon(icons::COPY).clicked(ui) {
            ui.ctx().copy_text(group.sid.to_string());
        }
        let delete = kit::menu_item("Delete group…").icon(icons::TRASH);
        let delete = delete.shortcut("Del");
        if delete.danger().clicked(ui) {
            self.act = Some((Act::Delete, group));
        }
    }
}

enum UserAct {
    Add,
    Why,
}

struct UserRows<'a> {
    rows: Vec<(&'a String, &'a Person)>,
    view: &'a View,
    act: Option<(UserAct, String)>,
}

impl Cells for UserRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let (name, person) = self.rows[row];
        vec![
            name.clone(),
            addresses(person, self.view),
            person.group_names(),
        ]
    }
}

impl Rows for UserRows<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> String {
        self.rows[row].0.clone()
    }

    fn name(&self, row: usize) -> String {
        let (name, person) = &self.rows[row];
        match person.group_names().as_str() {
            "" => format!("{name}, in no group"),
            groups => format!("{name}, {groups}"),
        }
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let (name, person) = &self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, name)),
            1 => live(ui, person, self.view),
            _ => {
                let groups = person.group_names();
                kit::cell(ui, format::or_dash(&groups));
            }
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let name = self.rows[row].0;
        if kit::menu_item("Why?").icon(icons::PATH).clicked(ui) {
            self.act = Some((UserAct::Why, name.to_owned()));
        }
        let add = kit::menu_item("Add to group…").icon(icons::USER_PLUS);
        if add.clicked(ui) {
            self.act = Some((UserAct::Add, name.to_owned()));
        }
        let copy = kit::menu_item("Copy common name").icon(icons::COPY);
        if copy.clicked(ui) {
            ui.ctx().copy_text(name.to_owned());
        }
    }
}

/// The addresses under which somebody is connected.
fn addresses(person: &Person, view: &View) -> String {
    let addresses: Vec<String> = person.live(view).map(|c| c.client_ip.to_string()).collect();
    addresses.join(", ")
}

/// The same as a cell.
fn live(ui: &mut Ui, person: &Person, view: &View) {
    match addresses(person, view).as_str() {
        "" => drop(kit::cell_weak(ui, "–")),
        addresses => drop(kit::cell_mono(ui, addresses)),
    }
}
