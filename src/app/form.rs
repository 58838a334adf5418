//! A form on its way to the service: refusals land at their field, and nothing typed is lost.

use egui::Ui;

use super::{
    backend::{Pending, Work},
    context::Context,
    kit::{
        self,
        field::{FieldResponse, TextField},
    },
};
use crate::{
    control::Console,
    model::{Answer, Code, Command, Refusal, Request},
};

/// What a form waits for and what it was told.
///
/// `T` is what its act brings: most often [`Answer`], or what a chain of commands ends in.
#[derive(Debug)]
pub struct Form<T = Answer> {
    work: Work<T>,
    check: Work<Option<Refusal>>,
    left: Vec<&'static str>,
    refusal: Option<Refusal>,
    shown: Vec<&'static str>,
    /// The refused field is to take the focus when it is drawn.
    focus: bool,
}

impl<T> Default for Form<T> {
    fn default() -> Self {
        Self {
            work: Work::default(),
            check: Work::default(),
            left: Vec::new(),
            refusal: None,
            shown: Vec::new(),
            focus: false,
        }
    }
}

impl<T> Form<T> {
    /// Whether its act is under way.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.work.is_running()
    }

    /// Begins the act; what it was told before is forgotten.
    pub fn start(&mut self, pending: Pending<T>) {
        self.refusal = None;
        self.work.start(pending);
    }

    /// What the act brought, once; a refusal is kept and shown instead.
    pub fn poll(&mut self) -> Option<T> {
        if let Some(Ok(Some(refusal))) = self.check.poll()
            && self.refusal.is_none()
            && let Some(field) = refusal.field.as_deref()
            && self.left.contains(&field)
        {
            self.refusal = Some(refusal);
        }
        match self.work.poll()? {
            Ok(done) => Some(done),
            Err(refusal) => {
                self.refuse(refusal);
                None
            }
        }
    }

    /// Takes a refusal, such as one that was found without the service; its field takes the focus.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
        self.focus = true;
    }

    /// Forgets what it was told.
    pub fn forget(&mut self) {
        self.refusal = None;
        self.left.clear();
    }

    /// Asks whether `command` would be carried out, once a field was left; what is wrong with a
    /// field not visited yet is not said yet.
    pub fn judge_when_left(&mut self, cx: &Context<'_>, command: impl FnOnce() -> Command) {
        if self.shown.contains(&LEFT) && !self.check.is_running() && !self.is_working() {
            self.check.start(cx.backend.judge(command()));
        }
        self.shown.retain(|field| *field != LEFT);
    }

    /// Says that `field` was changed in another way than by [`Form::text`].
    pub fn changed(&mut self, field: &str) {
        if self
            .refusal
            .as_ref()
            .is_some_and(|r| r.field.as_deref() == Some(field))
        {
            self.refusal = None;
        }
    }

    /// What is wrong with a field: the words, where the service's name of the field is replaced
    /// by the one on screen.
    #[must_use]
    pub fn error(&self, field: &str, label: &str) -> Option<String> {
        let refusal = self.at(field)?;
        if refusal.code == Code::MissingParameter && !label.is_empty() {
            return Some(refusal.message.replacen(field, label, 1));
        }
        Some(refusal.message.clone())
    }

    /// A value that would be right.
    #[must_use]
    pub fn cure(&self, field: &str) -> Option<String> {
        self.at(field)?.cure.clone()
    }

    fn at(&self, field: &str) -> Option<&Refusal> {
        self.refusal
            .as_ref()
            .filter(|r| r.field.as_deref() == Some(field))
    }

    /// A refusal that belongs to none of the fields drawn so far.
    #[must_use]
    pub fn elsewhere(&self) -> Option<&str> {
        let refusal = self.refusal.as_ref()?;
        let field = refusal.field.as_deref();
        let drawn = field.is_some_and(|field| self.shown.contains(&field));
        (!drawn).then_some(refusal.message.as_str())
    }

    /// How many fields are to be changed.
    #[must_use]
    pub fn errors(&self) -> usize {
        usize::from(self.refusal.is_some() && self.elsewhere().is_none())
    }

    /// Notes that a field is drawn, so that its refusal is not said elsewhere too.
    pub fn shows(&mut self, field: &'static str) {
        if !self.shown.contains(&field) {
            self.shown.push(field);
        }
    }

    /// Draws a text field with what is wrong with it; `describe` adds label, hint and help.
    pub fn text(
        &mut self,
        ui: &mut Ui,
        (field, label): (&'static str, &'static str),
        value: &mut String,
        describe: impl FnOnce(TextField<'_>) -> TextField<'_>,
    ) -> FieldResponse {
        self.text_with(ui, (field, label), value, ("", ""), describe)
    }

    /// The same with a hint and a help that are made for the moment.
    pub fn text_with(
        &mut self,
        ui: &mut Ui,
        (field, label): (&'static str, &'static str),
        value: &mut String,
        (hint, help): (&str, &str),
        describe: impl FnOnce(TextField<'_>) -> TextField<'_>,
    ) -> FieldResponse {
        self.shows(field);
        let error = self.error(field, label);
        let cure = self.cure(field).map(|cure| format!("Use {cure}"));
        let out = describe(kit::text_field(value).label(label).hint(hint).help(help))
            .error(error.as_deref())
            .cure(cure.as_deref())
            .ui(ui);
        self.react(field, value, &out);
        out
    }

    /// Gives a field drawn by the caller the focus if it was just refused.
    pub fn focus_refused(&mut self, field: &str, out: &FieldResponse) {
        if self.focus && self.at(field).is_some() {
            self.focus = false;
            out.request_focus();
        }
    }

    /// Takes in what was done to a field drawn by the caller.
    pub fn react(&mut self, field: &'static str, value: &mut String, out: &FieldResponse) {
        self.focus_refused(field, out);
        if out.cured {
            *value = self.cure(field).unwrap_or_default();
        }
        if out.cured || out.changed() {
            self.changed(field);
        }
        if out.lost_focus() && !value.trim().is_empty() {
            if !self.left.contains(&field) {
                self.left.push(field);
            }
            self.shows(LEFT);
        }
    }
}

impl Form<Answer> {
    /// Sends a command.
    pub fn send(&mut self, cx: &Context<'_>, command: Command) {
        self.start(cx.backend.call(command));
    }
}

/// Marks that a field was left in this frame; no field has this name.
const LEFT: &str = "";

/// Carries out one command of a chain.
///
/// # Errors
/// The service's refusal.
pub async fn call(console: &dyn Console, command: Command) -> Result<Answer, Refusal> {
    console.call(Request::from(command)).await
}

/// What an answer of another kind than asked for is called; the service never gives one.
#[must_use]
pub fn unexpected() -> Refusal {
    Refusal::new(
        Code::InternalError,
        "The gateway answered something else than was asked; look at the list, then try again.",
    )
}

/// The same refusal, at the field `to` where it was at `from`: a chain of commands has fields of
/// the same name.
#[must_use]
pub fn moved(refusal: Refusal, from: &str, to: &str) -> Refusal {
    if refusal.field.as_deref() != Some(from) {
        return refusal;
    }
    let message =
        refusal
            .message
            .replacen(&format!("{from} is needed"), &format!("{to} is needed"), 1);
    Refusal { message, ..refusal }.at(to)
}
