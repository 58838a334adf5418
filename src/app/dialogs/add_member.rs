//! Make somebody a member of a group.

use super::{Dialog, Stay, create_ca::WIDTH};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
        kit::{self, Choice},
        people::people,
    },
    model::{Command, Refusal, Sid, Snapshot, command::Membership},
};

const GROUP: (&str, &str) = ("Sid", "Group");
const USER: (&str, &str) = ("CommonName", "User");
/// Names proposed at once.
const PROPOSED: usize = 8;

/// Asks for group and user, as far as they are not known already.
#[derive(Debug)]
pub struct AddMember {
    group: Option<Sid>,
    user: String,
    form: Form,
}

impl AddMember {
    /// With what is known already filled in.
    #[must_use]
    pub fn new(group: Option<Sid>, user: &str) -> Self {
        Self {
            group,
            user: user.to_owned(),
            form: Form::default(),
        }
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut egui::Ui) {
        let groups = groups(&cx.view.snapshot);
        self.form.shows(GROUP.0);
        let error = self.form.error(GROUP.0, GROUP.1);
        let chosen = kit::select(&mut self.group, &groups)
            .label(GROUP.1)
            .nothing("There is no group yet: create one first")
            .error(error.as_deref())
            .ui(ui);
        if chosen.changed() {
            self.form.changed(GROUP.0);
        }
        self.form.text(ui, USER, &mut self.user, |field| {
            field
                .hint("a.lindqvist")
                .limit(256)
                .help("The common name of the user's certificate.")
        });
        let proposed = self.proposed(cx);
        if proposed.is_empty() {
            return;
        }
        kit::help(ui, "Known here");
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(8.0, 8.0);
            for name in proposed {
                if kit::button(&name).clicked(ui) {
                    self.user = name;
                    self.form.changed(USER.0);
                }
            }
        });
    }

    /// Who is not in the group yet and goes by what is typed.
    fn proposed(&self, cx: &Context<'_>) -> Vec<String> {
        let typed = self.user.trim().to_lowercase();
        people(cx.view)
            .into_iter()
            .filter(|(name, person)| {
                let member = person
                    .groups
                    .iter()
                    .any(|g| Some(&g.sid) == self.group.as_ref());
                !member && *name != self.user && name.to_lowercase().contains(&typed)
            })
            .take(PROPOSED)
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    fn command(&self, group: &Sid) -> Command {
        Command::AddUserToGroup(Membership {
            sid: group.to_string(),
            common_name: self.user.trim().to_owned(),
        })
    }
}

impl Dialog for AddMember {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            let group = self.group.as_ref();
            let group = group.and_then(|sid| cx.view.snapshot.groups.get(sid));
            let name = group.map_or("the group", |group| group.name.as_str());
            let words = format!("{} is in {name}", self.user.trim());
            cx.ask(Action::Toast(words));
            return Stay::Closed;
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog("Add user to group", "Add")
            .errors(self.form.errors())
            .changed(!self.user.is_empty())
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| self.fields(cx, ui));
        match (shown, self.group.clone()) {
            (kit::Dialog::Open, _) => {}
            (kit::Dialog::Closed, _) => return Stay::Closed,
            (kit::Dialog::Submitted, None) => {
                self.form
                    .refuse(Refusal::missing(GROUP.0, "one of the list"));
            }
            (kit::Dialog::Submitted, Some(group)) => {
                let command = self.command(&group);
                self.form.send(cx, command);
            }
        }
        Stay::Open
    }
}

/// The groups by name, to choose one.
pub(super) fn groups(snapshot: &Snapshot) -> Vec<Choice<Option<Sid>>> {
    let mut groups: Vec<_> = snapshot.groups.values().collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let choice = |group: &std::sync::Arc<crate::model::Group>| {
        let members = crate::app::shell::plural(group.members.len(), "member", "members");
        Choice::new(Some(group.sid.clone()), group.name.clone()).detail(members)
    };
    groups.into_iter().map(choice).collect()
}
