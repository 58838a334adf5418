//! What drives a dialog that is a form: it waits for its act, shows its fields, judges what was
//! left, and says how the act ended, even when the dialog was closed meanwhile.

use std::{future::Future, pin::Pin};

use egui::Ui;

use super::Form;
use crate::{
    app::{
        backend::{Backend, Pending},
        context::{Action, Context},
        dialogs::{Dialog, Stay, raise_limit::RaiseLimit},
        kit,
        limits::Limit,
    },
    model::{Answer, Command, Refusal},
};

/// Width of a dialog with one column, in points.
pub const ONE_COLUMN: f32 = 480.0;

/// Width of a dialog with two columns, in points.
pub const TWO_COLUMNS: f32 = kit::tokens::size::FORM_DIALOG;

/// Work of several steps; it brings what is true after it, or nothing where the person thought
/// better of it.
pub type Steps = Pin<Box<dyn Future<Output = Result<Option<String>, Refusal>> + Send>>;

/// What a dialog does once it is sent.
pub enum Act {
    /// One command, with what is true once it was carried out.
    Command(Box<Command>, String),
    /// More than that; nothing of it happens before it is sent.
    Steps(Steps),
}

impl Act {
    /// One command, with what is true once it was carried out.
    pub fn command(command: Command, done: impl Into<String>) -> Self {
        Self::Command(Box::new(command), done.into())
    }

    /// Work of several steps.
    pub fn steps(
        work: impl Future<Output = Result<Option<String>, Refusal>> + Send + 'static,
    ) -> Self {
        Self::Steps(Box::pin(work))
    }

    fn begin(self, backend: &Backend) -> Pending<Ended> {
        match self {
            Self::Command(command, done) => {
                let console = std::sync::Arc::clone(backend.console());
                backend.spawn(async move {
                    let answer = super::call(&*console, *command).await?;
                    Ok(Ended::Answered(Box::new(answer), done))
                })
            }
            Self::Steps(work) => backend.spawn(async move { Ok(Ended::Said(work.await?)) }),
        }
    }
}

/// How an act ended.
#[derive(Debug)]
pub enum Ended {
    /// The service's answer to the command, and what is true now.
    Answered(Box<Answer>, String),
    /// What is true after several steps; none if the person thought better of it.
    Said(Option<String>),
}

/// The form of a dialog.
pub type DialogForm = Form<Ended>;

/// A dialog that is a form.
pub trait FormDialog {
    /// Names it in its head.
    fn title(&self) -> String;

    /// The verb of its button.
    fn verb(&self) -> &'static str;

    /// Where it keeps what it waits for and was told.
    fn form(&mut self) -> &mut DialogForm;

    /// Draws its fields.
    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm);

    /// What it does, as it is filled in now.
    ///
    /// # Errors
    /// What is wrong already here, at its field.
    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal>;

    /// What the service is asked to judge when a field was left; none where it cannot know.
    ///
    /// # Errors
    /// What is wrong already here, at its field.
    fn draft(&self, cx: &Context<'_>) -> Result<Option<Command>, Refusal> {
        Ok(match self.act(cx)? {
            Act::Command(command, _) => Some(*command),
            Act::Steps(_) => None,
        })
    }

    /// Opens above itself what was asked for among its fields.
    fn open_above(&mut self, _cx: &mut Context<'_>) {}

    /// Does what follows from the answer, beside saying so.
    fn follow(&mut self, _cx: &mut Context<'_>, _answer: Answer) {}

    /// Does what follows once its steps are done, beside saying so.
    fn follow_steps(&mut self, _cx: &mut Context<'_>) {}

    /// Why it cannot be sent yet, where nothing at a field says so.
    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        None
    }

    /// Whether what it does cannot be taken back.
    fn is_final(&self) -> bool {
        false
    }

    /// Its width in points.
    fn width(&self) -> f32 {
        ONE_COLUMN
    }
}

impl<D: FormDialog> Dialog for D {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let title = self.title();
        if ended(self, cx) {
            kit::close_dialog(ctx, &title);
            return Stay::Closed;
        }
        let (shown, limit) = shown(self, cx, ctx, &title);
        self.open_above(cx);
        if let Some(limit) = limit {
            self.form().forget_limit();
            cx.open(RaiseLimit::new(&cx.view.snapshot, limit));
        }
        match shown {
            kit::Dialog::Closed => {
                leave(self, cx);
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.form().is_working() => submit(self, cx, ctx),
            _ => {}
        }
        Stay::Open
    }
}

/// Takes in how the act ended; true when the dialog is done.
fn ended(dialog: &mut impl FormDialog, cx: &mut Context<'_>) -> bool {
    let words = match dialog.form().poll() {
        Some(Ended::Answered(answer, done)) => {
            dialog.follow(cx, *answer);
            done
        }
        Some(Ended::Said(Some(words))) => {
            dialog.follow_steps(cx);
            words
        }
        Some(Ended::Said(None)) | None => return false,
    };
    cx.ask(Action::Toast(words));
    true
}

/// Draws it; beside what was done, the limit that is to be raised.
fn shown(
    dialog: &mut impl FormDialog,
    cx: &Context<'_>,
    ctx: &egui::Context,
    title: &str,
) -> (kit::Dialog, Option<Limit>) {
    // The fields draw themselves on the form, which is the dialog's own.
    let mut form = std::mem::take(dialog.form());
    let off = dialog.off(cx);
    let refusal = form.elsewhere().map(str::to_owned);
    let reached = form.limit();
    let mut raise = None;
    let shown = kit::form_dialog(title, dialog.verb())
        .errors(form.errors())
        .changed(form.is_changed())
        .working(form.is_working())
        .danger(dialog.is_final())
        .disabled_because(off.as_deref())
        .refusal(refusal.as_deref())
        .width(dialog.width())
        .show(ctx, |ui| {
            if let Some((limit, words)) = &reached {
                let banner = kit::banner(kit::Tone::Danger, "A limit is reached").body(words);
                raise = banner.action("Raise the limit…").ui(ui).then_some(*limit);
            }
            dialog.fields(cx, ui, &mut form);
        });
    form.judge_draft_when_left(cx, || dialog.draft(cx));
    // What was to take the focus has had its turn.
    form.focus = false;
    *dialog.form() = form;
    (shown, raise)
}

fn submit(dialog: &mut impl FormDialog, cx: &Context<'_>, ctx: &egui::Context) {
    match dialog.act(cx) {
        Ok(act) => dialog.form().start(act.begin(cx.backend)),
        Err(refusal) => {
            dialog.form().refusals.clear();
            dialog.form().refuse(refusal);
            kit::focus_first_error(ctx);
        }
    }
}

/// Closed while it is sent: how that ends is said all the same, with what is true then.
fn leave(dialog: &mut impl FormDialog, cx: &mut Context<'_>) {
    if !dialog.form().is_working() {
        return;
    }
    let words = |ended| match ended {
        Ended::Answered(_, done) => done,
        Ended::Said(words) => words.unwrap_or_else(|| "Nothing was saved".to_owned()),
    };
    let outcome = dialog.form().hand_over(words);
    cx.ask(Action::Follow(outcome));
}
