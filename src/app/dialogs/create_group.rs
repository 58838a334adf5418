//! Create a group of the built-in directory.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
    },
    model::{Command, Refusal, command::CreateGroup as Fields},
};

/// Asks for its name and, where it stands for a group of another directory, its SID.
#[derive(Debug, Default)]
pub struct CreateGroup {
    name: String,
    sid: String,
    form: DialogForm,
}

impl FormDialog for CreateGroup {
    fn title(&self) -> String {
        "Create group".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create group"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, ("Name", "Name"), &mut self.name, |field| {
            field
                .hint("dba-team")
                .help("Whom authorization rules let in.")
        });
        form.text(ui, ("Sid", "SID"), &mut self.sid, |field| {
            field
                .optional()
                .mono()
                .hint("S-1-5-21-…")
                .help("One is made. Give one to use that of another directory.")
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let sid = self.sid.trim();
        let command = Command::CreateGroup(Fields {
            name: self.name.trim().to_owned(),
            sid: (!sid.is_empty()).then(|| sid.to_owned()),
        });
        Ok(Act::command(
            command,
            format!("{} created", self.name.trim()),
        ))
    }
}
