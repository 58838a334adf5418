//! Create a group of the built-in directory.

use super::{Dialog, Stay, create_ca::WIDTH};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
        kit,
    },
    model::{Command, command::CreateGroup as Fields},
};

/// Asks for its name and, where it stands for a group of another directory, its SID.
#[derive(Debug, Default)]
pub struct CreateGroup {
    name: String,
    sid: String,
    form: Form,
}

impl Dialog for CreateGroup {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            cx.ask(Action::Toast(format!("{} created", self.name.trim())));
            return Stay::Closed;
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog("Create group", "Create group")
            .errors(self.form.errors())
            .changed(!self.name.is_empty() || !self.sid.is_empty())
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| {
                self.form
                    .text(ui, ("Name", "Name"), &mut self.name, |field| {
                        field
                            .hint("dba-team")
                            .limit(256)
                            .help("Whom authorization rules let in.")
                    });
                self.form.text(ui, ("Sid", "SID"), &mut self.sid, |field| {
                    field
                        .optional()
                        .mono()
                        .limit(184)
                        .hint("S-1-5-21-…")
                        .help("One is made. Give one to use that of another directory.")
                });
            });
        let command = || {
            let sid = self.sid.trim();
            Command::CreateGroup(Fields {
                name: self.name.trim().to_owned(),
                sid: (!sid.is_empty()).then(|| sid.to_owned()),
            })
        };
        self.form.judge_when_left(cx, command);
        match shown {
            kit::Dialog::Open => {}
            kit::Dialog::Closed => return Stay::Closed,
            kit::Dialog::Submitted => self.form.send(cx, command()),
        }
        Stay::Open
    }
}
