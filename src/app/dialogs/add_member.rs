//! Make somebody a member of a group.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit::{self, Choice},
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
    form: DialogForm,
}

impl AddMember {
    /// With what is known already filled in.
    #[must_use]
    pub fn new(group: Option<Sid>, user: &str) -> Self {
        Self {
            group,
            user: user.to_owned(),
            form: DialogForm::default(),
        }
    }

    /// Who is not in the group yet and goes by what is typed.
    fn proposed(&self, cx: &Context<'_>) -> Vec<String> {
        let typed = self.user.trim().to_lowercase();
        let everyone = cx.everyone.of(cx.view);
        everyone
            .iter()
            .filter(|(name, person)| {
                let member = person
                    .groups
                    .iter()
                    .any(|g| Some(&g.sid) == self.group.as_ref());
                !member && **name != self.user && name.to_lowercase().contains(&typed)
            })
            .take(PROPOSED)
            .map(|(name, _)| name.clone())
            .collect()
    }
}

impl FormDialog for AddMember {
    fn title(&self) -> String {
        "Add user to group".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Add"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let groups = groups(&cx.view.snapshot);
        form.choose(ui, GROUP, &mut self.group, &groups, |field| {
            field.nothing("There is no group yet: create one first")
        });
        form.text(ui, USER, &mut self.user, |field| {
            field
                .hint("a.lindqvist")
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
                    form.chose(USER.0);
                }
            }
        });
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let Some(group) = &self.group else {
            return Err(Refusal::missing(GROUP.0, "one of the list"));
        };
        let command = Command::AddUserToGroup(Membership {
            sid: group.to_string(),
            common_name: self.user.trim().to_owned(),
        });
        let known = cx.view.snapshot.groups.get(group);
        let name = known.map_or("the group", |group| group.name.as_str());
        let done = format!("{} is in {name}", self.user.trim());
        Ok(Act::command(command, done))
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
