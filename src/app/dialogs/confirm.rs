//! The question before an act that drops sessions or cannot be taken back.

use super::{Dialog, Stay};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        kit,
    },
    model::{Answer, Command},
};

/// One command, asked for first.
pub struct Confirm {
    title: String,
    act: String,
    body: String,
    typed: Option<String>,
    command: Command,
    done: String,
    work: Work<Answer>,
    refusal: Option<String>,
}

impl Confirm {
    /// A question with the name in it, the verb of the act, its command, and what is true after.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        act: impl Into<String>,
        command: Command,
        done: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            act: act.into(),
            body: String::new(),
            typed: None,
            command,
            done: done.into(),
            work: Work::default(),
            refusal: None,
        }
    }

    /// What follows from it, with numbers.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// For what cannot be taken back: this name must be typed first.
    #[must_use]
    pub fn typed_name(mut self, name: impl Into<String>) -> Self {
        self.typed = Some(name.into());
        self
    }
}

impl Dialog for Confirm {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        match self.work.poll() {
            Some(Ok(_)) => {
                kit::close_dialog(ctx, &self.title);
                cx.ask(Action::Toast(std::mem::take(&mut self.done)));
                return Stay::Closed;
            }
            Some(Err(refusal)) => self.refusal = Some(refusal.message),
            None => {}
        }
        let mut dialog = kit::confirm_dialog(&self.title, &self.act)
            .body(&self.body)
            .working(self.work.is_running())
            .refusal(self.refusal.as_deref());
        if let Some(name) = &self.typed {
            dialog = dialog.typed_name(name);
        }
        match dialog.show(ctx) {
            kit::Dialog::Closed => {
                if self.work.is_running() {
                    let (work, done) = (std::mem::take(&mut self.work), self.done.clone());
                    cx.ask(Action::Follow(work.saying(move |_| done.clone())));
                }
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.work.is_running() => {
                self.refusal = None;
                self.work.start(cx.backend.call(self.command.clone()));
            }
            _ => {}
        }
        Stay::Open
    }
}
