//! A form on its way to the service: refusals land at their field, and nothing typed is lost.
//!
//! What a field holds is judged by the service alone: its answer to a dry run lands at the field
//! that was left, its answer to the act at the field it names. A page draws a [`Form`] in place; a
//! dialog is a [`FormDialog`], which [`dialog`] drives.

pub mod dialog;
mod reading;

use egui::Ui;

pub use self::{
    dialog::{Act, DialogForm, FormDialog},
    reading::Reading,
};
use super::{
    backend::{Outcome, Pending, Work},
    context::Context,
    kit::{
        self, Choice, Select,
        field::{FieldResponse, TextField},
    },
    limits::Limit,
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
    /// Fields that were filled in and left: only they are judged before the act.
    left: Vec<&'static str>,
    /// One of them was left in this frame.
    just_left: bool,
    /// What is wrong: at most one refusal for each field, and one for none.
    refusals: Vec<Refusal>,
    /// Fields that were drawn: in the pass before, and so far in this one.
    shown: [Vec<&'static str>; 2],
    changed: bool,
    /// The first refused field is to take the focus when it is drawn.
    focus: bool,
}

impl<T> Default for Form<T> {
    fn default() -> Self {
        Self {
            work: Work::default(),
            check: Work::default(),
            left: Vec::new(),
            just_left: false,
            refusals: Vec::new(),
            shown: Default::default(),
            changed: false,
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

    /// Whether something was typed or chosen.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Begins the act; what it was told before is forgotten.
    pub fn start(&mut self, pending: Pending<T>) {
        self.refusals.clear();
        self.outdate();
        self.work.start(pending);
    }

    /// Gives the act under way to whoever says how it ended, where the form goes before it does.
    #[must_use]
    pub fn hand_over(&mut self, words: impl Fn(T) -> String + 'static) -> Outcome
    where
        T: 'static,
    {
        std::mem::take(&mut self.work).saying(words)
    }

    /// What the act brought, once; a refusal is kept and shown instead. To be called in each pass,
    /// before the fields are drawn.
    pub fn poll(&mut self) -> Option<T> {
        // What is not drawn again is no longer where a refusal can be said.
        let [before, now] = &mut self.shown;
        *before = std::mem::take(now);
        match self.check.poll() {
            Some(Ok(Some(refusal))) => self.judged(refusal),
            Some(Ok(None)) => self.refusals.clear(),
            Some(Err(_)) | None => {}
        }
        match self.work.poll()? {
            Ok(done) => Some(done),
            Err(refusal) => {
                self.refuse(refusal);
                None
            }
        }
    }

    /// Lays what a draft is refused for at its field, if that was visited: what has not been
    /// reached yet is not held against it, nor is what is still missing.
    fn judged(&mut self, refusal: Refusal) {
        let visited = refusal
            .field
            .as_deref()
            .is_some_and(|field| self.left.contains(&field));
        if visited && refusal.code != Code::MissingParameter {
            self.lay(refusal);
        }
    }

    fn lay(&mut self, refusal: Refusal) {
        self.refusals.retain(|other| other.field != refusal.field);
        self.refusals.push(refusal);
    }

    /// Takes a refusal, such as one that was found without the service; its field takes the focus.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.lay(refusal);
        self.focus = true;
    }

    /// Forgets what it was told.
    pub fn forget(&mut self) {
        self.refusals.clear();
        self.left.clear();
        self.outdate();
    }

    /// Forgets what is wrong with a field that cannot be filled in now.
    pub fn forget_at(&mut self, field: &str) {
        self.refusals
            .retain(|it| it.field.as_deref() != Some(field));
    }

    /// What the service was asked about is no longer what is typed: its answer says nothing now.
    fn outdate(&mut self) {
        self.check = Work::default();
    }

    /// Asks whether `command` would be carried out, once a field was left; what is wrong with a
    /// field not visited yet is not said yet.
    pub fn judge_when_left(&mut self, cx: &Context<'_>, command: impl FnOnce() -> Command) {
        self.judge_draft_when_left(cx, || Ok(Some(command())));
    }

    /// The same for a draft that may be refused before it is sent, or cannot be judged.
    fn judge_draft_when_left(
        &mut self,
        cx: &Context<'_>,
        draft: impl FnOnce() -> Result<Option<Command>, Refusal>,
    ) {
        if std::mem::take(&mut self.just_left) && !self.is_working() {
            match draft() {
                Ok(Some(command)) => self.check.start(cx.backend.judge(command)),
                Ok(None) => {}
                Err(refusal) => self.judged(refusal),
            }
        }
    }

    /// Says that `field` was changed in another way than by [`Form::text`].
    pub fn changed(&mut self, field: &str) {
        self.changed = true;
        // What is at no field of the form is about the whole of it, which is another now.
        let mut refusals = std::mem::take(&mut self.refusals);
        refusals.retain(|it| it.field.as_deref() != Some(field) && self.is_shown(it));
        self.refusals = refusals;
        self.outdate();
    }

    /// Says that `field` was chosen rather than typed: it is judged at once.
    pub fn chose(&mut self, field: &'static str) {
        self.changed(field);
        self.leave(field);
    }

    /// Says that a field was left: it is judged now.
    pub fn leave(&mut self, field: &'static str) {
        if !self.left.contains(&field) {
            self.left.push(field);
        }
        self.just_left = true;
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

    /// The words of the link that fills it in ("Use 10.0.0.0/22").
    #[must_use]
    pub fn cure_words(&self, field: &str) -> Option<String> {
        Some(format!("Use {}", self.cure(field)?))
    }

    fn at(&self, field: &str) -> Option<&Refusal> {
        self.refusals
            .iter()
            .find(|r| r.field.as_deref() == Some(field))
    }

    fn is_shown(&self, refusal: &Refusal) -> bool {
        let field = refusal.field.as_deref();
        field.is_some_and(|field| self.shown.iter().any(|pass| pass.contains(&field)))
    }

    /// A refusal that belongs to none of the fields drawn so far.
    #[must_use]
    pub fn elsewhere(&self) -> Option<&str> {
        let mut elsewhere = self.refusals.iter().filter(|r| !self.is_shown(r));
        let refusal = elsewhere.find(|r| Limit::of_code(r.code).is_none())?;
        Some(refusal.message.as_str())
    }

    /// The limit that was reached, if that is what stands in the way, with the service's words.
    #[must_use]
    pub fn limit(&self) -> Option<(Limit, String)> {
        let mut all = self.refusals.iter();
        all.find_map(|r| Some((Limit::of_code(r.code)?, r.message.clone())))
    }

    /// The limit may be another now: the next try says whether it is still reached.
    pub fn forget_limit(&mut self) {
        self.refusals
            .retain(|refusal| Limit::of_code(refusal.code).is_none());
    }

    /// How many fields are to be changed.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.refusals.iter().filter(|r| self.is_shown(r)).count()
    }

    /// Notes that a field is drawn, so that its refusal is not said elsewhere too.
    pub fn shows(&mut self, field: &'static str) {
        let [_, now] = &mut self.shown;
        if !now.contains(&field) {
            now.push(field);
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
        let cure = self.cure_words(field);
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
            self.chose(field);
        } else if out.changed() {
            self.changed(field);
        }
        if out.lost_focus() && !value.trim().is_empty() {
            self.leave(field);
        }
    }

    /// Draws a choice of one with what is wrong with it; `describe` adds help and the like. True
    /// when another was chosen.
    pub fn choose<C: Clone + PartialEq>(
        &mut self,
        ui: &mut Ui,
        (field, label): (&'static str, &'static str),
        value: &mut C,
        choices: &[Choice<C>],
        describe: impl for<'a> FnOnce(Select<'a, C>) -> Select<'a, C>,
    ) -> bool {
        self.shows(field);
        let error = self.error(field, label);
        let select = kit::select(value, choices).label(label);
        let out = describe(select).error(error.as_deref()).ui(ui);
        self.focus_refused(field, &out);
        if out.changed() {
            self.chose(field);
        }
        out.changed()
    }

    /// Says below a field that is narrower than a sentence what is wrong with it, and else how it
    /// is filled in.
    pub fn line_below(&mut self, ui: &mut Ui, field: &'static str, value: &mut String, help: &str) {
        self.shows(field);
        let Some(error) = self.error(field, "") else {
            kit::help(ui, help);
            return;
        };
        if kit::error_line(ui, &error, self.cure_words(field).as_deref()) {
            *value = self.cure(field).unwrap_or_default();
            self.chose(field);
        }
    }

    /// Says below fields that have no place for it what is wrong with them.
    pub fn error_below(&mut self, ui: &mut Ui, field: &'static str) {
        self.shows(field);
        if let Some(error) = self.error(field, "") {
            kit::error_line(ui, &error, None);
        }
    }
}

impl Form<Answer> {
    /// Sends a command.
    pub fn send(&mut self, cx: &Context<'_>, command: Command) {
        self.start(cx.backend.call(command));
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "DestinationCidrBlock";

    fn refusal(code: Code, text: &str) -> Refusal {
        Refusal::new(code, text)
    }

    #[test]
    fn a_refusal_lands_at_the_field_it_names_or_above_the_form() {
        let mut form = Form::<Answer>::default();
        form.shows(ROUTE);
        let small = refusal(Code::InvalidParameterValue, "too small");
        form.refuse(small.at(ROUTE).cure("10.0.0.0/22"));
        form.refuse(refusal(Code::Unavailable, "the disk is full").at("Elsewhere"));
        assert_eq!(form.error(ROUTE, "Route").as_deref(), Some("too small"));
        assert_eq!(form.cure_words(ROUTE).as_deref(), Some("Use 10.0.0.0/22"));
        assert_eq!(form.elsewhere(), Some("the disk is full"));
        assert_eq!(form.errors(), 1, "the other is at no field");
        form.changed(ROUTE);
        assert_eq!((form.errors(), form.elsewhere()), (0, None));
    }

    #[test]
    fn what_is_wrong_with_a_field_that_is_no_longer_drawn_is_said_above_the_form() {
        let mut form = Form::<Answer>::default();
        let wrong = refusal(Code::InvalidParameterValue, "wrong");
        form.refuse(wrong.at(ROUTE));
        for is_drawn in [true, true, false] {
            assert!(form.poll().is_none());
            if is_drawn {
                form.shows(ROUTE);
            }
        }
        assert!(form.poll().is_none());
        assert_eq!(form.elsewhere(), Some("wrong"));
        form.shows(ROUTE);
        assert_eq!(form.elsewhere(), None);
    }

    #[test]
    fn a_draft_is_held_only_against_fields_that_were_left_and_not_for_what_is_missing() {
        let mut form = Form::<Answer>::default();
        form.shows(ROUTE);
        let wrong = || refusal(Code::InvalidParameterValue, "wrong").at(ROUTE);
        form.judged(wrong());
        assert_eq!(form.errors(), 0, "nobody was there yet");
        form.leave(ROUTE);
        form.judged(Refusal::missing(ROUTE, "10.0.0.0/16"));
        assert_eq!(form.errors(), 0, "it is said when the form is sent");
        form.judged(wrong());
        assert_eq!(form.errors(), 1);
    }

    #[test]
    fn what_is_missing_goes_by_the_fields_label() {
        let mut form = Form::<Answer>::default();
        form.refuse(Refusal::missing(ROUTE, "10.0.0.0/16"));
        let said = form.error(ROUTE, "Route destination");
        let words = "Route destination is needed, for example 10.0.0.0/16";
        assert_eq!(said.as_deref(), Some(words));
    }
}
