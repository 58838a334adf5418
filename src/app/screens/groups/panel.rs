//! One group with its members, below the list.

use std::sync::Arc;

use egui::{Key, Panel, Ui};

use super::{Groups, addresses, delete_group, live};
use crate::{
    app::{
        context::{Action, Context, OneOf},
        dialogs::add_member::AddMember,
        kit::{self, Rows, column, icons, rest_column, tokens},
        people::{People, Person},
        screens::listing::{self, Cells},
        shell::plural,
    },
    model::{Command, Group, View, command::Membership},
};

impl Groups {
    pub(super) fn split_panel(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
        group: &Group,
        people: &People,
    ) {
        let room = ui.available_height();
        let mut height = self.height;
        Panel::bottom("group panel")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(height.min(room - 120.0).max(180.0))
            .frame(egui::Frame::new().fill(tokens(ui).raised))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                kit::split_handle(ui, "Height of the group panel", &mut height, room);
                self.closed = kit::panel_head(
                    ui,
                    &group.name,
                    |ui| drop(kit::copyable(ui, "SID", group.sid.as_str())),
                    |ui| {
                        let close = kit::icon_button(icons::X, "Close panel").clicked(ui);
                        let delete = kit::button("Delete group…").icon(icons::TRASH);
                        if delete.quiet_danger().clicked(ui) {
                            delete_group(cx, group);
                        }
                        close
                    },
                );
                self.member_list(cx, ui, group, people);
            });
        self.height = height;
    }

    fn member_list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, group: &Group, people: &People) {
        self.members.retain(|name| group.members.contains(name));
        if group.members.is_empty() {
            let body = "Nobody is let in by rules for this group.";
            if kit::empty(ui, "No members yet", body, "Add user…") {
                cx.open(AddMember::new(Some(group.sid.clone()), ""));
            }
            return;
        }
        let chosen: Vec<String> = self.members.iter().cloned().collect();
        let mut remove = !chosen.is_empty() && cx.key(ui, Key::Delete);
        let count = plural(group.members.len(), "member", "members");
        kit::panel_toolbar(
            ui,
            |ui| drop(kit::weak(ui, &count)),
            |ui| {
                if kit::button("Add user…").icon(icons::PLUS).clicked(ui) {
                    cx.open(AddMember::new(Some(group.sid.clone()), ""));
                }
                let off = chosen.is_empty().then_some("Select a member first");
                let words = kit::button("Remove from group").quiet_danger();
                remove |= words.disabled_because(off).clicked(ui);
            },
        );
        let rows = group
            .members
            .iter()
            .filter_map(|name| people.get_key_value(name.as_str()))
            .collect();
        let view = Arc::clone(cx.view);
        let columns = [
            column("Member", 260.0).unsorted(),
            column("Live connections", 220.0).unsorted(),
            rest_column("Other groups").unsorted(),
        ];
        let mut table = MemberRows {
            rows,
            group,
            view: &view,
        };
        kit::table("Members", &columns, &mut self.members)
            .checkboxes()
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        listing::copy_selected(cx, ui, &self.members, &table);
        if remove {
            remove_members(cx, group, chosen);
        }
    }
}

fn remove_members(cx: &mut Context<'_>, group: &Group, names: Vec<String>) {
    let membership = |common_name: &str| Membership {
        sid: group.sid.to_string(),
        common_name: common_name.to_owned(),
    };
    if let [name] = names.as_slice() {
        cx.run(
            Command::RemoveUserFromGroup(membership(name)),
            format!("{name} is no longer in {}", group.name),
            Some(Command::AddUserToGroup(membership(name))),
        );
        return;
    }
    let act = format!("Remove {} users from {}", names.len(), group.name);
    let changes = names.into_iter().map(|name| OneOf {
        command: Command::RemoveUserFromGroup(membership(&name)),
        undo: Some(Command::AddUserToGroup(membership(&name))),
        label: name,
    });
    cx.ask(Action::RunAll {
        act,
        changes: changes.collect(),
    });
}

struct MemberRows<'a> {
    rows: Vec<(&'a String, &'a Person)>,
    group: &'a Group,
    view: &'a View,
}

impl MemberRows<'_> {
    /// The other groups that somebody is in.
    fn others(&self, person: &Person) -> String {
        let others = person.groups.iter().filter(|g| g.sid != self.group.sid);
        let others: Vec<&str> = others.map(|g| g.name.as_str()).collect();
        others.join(", ")
    }
}

impl Cells for MemberRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let (name, person) = self.rows[row];
        vec![
            name.clone(),
            addresses(person, self.view),
            self.others(person),
        ]
    }
}

impl Rows for MemberRows<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> String {
        self.rows[row].0.clone()
    }

    fn name(&self, row: usize) -> String {
        format!("{}, member", self.rows[row].0)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let (name, person) = &self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, name)),
            1 => live(ui, person, self.view),
            _ => match self.others(person).as_str() {
                "" => drop(kit::cell_weak(ui, "–")),
                others => drop(kit::cell(ui, others)),
            },
        }
    }
}
