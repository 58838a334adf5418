//! What every form shares: the errors at its fields, and the service's judgement of a draft.

use std::collections::BTreeMap;

use egui::Response;

use crate::{
    app::{
        backend::{Backend, Work},
        context::{Action, Context},
        kit::{self, field::FieldResponse},
    },
    model::{Answer, Command, Refusal},
};

/// What is wrong at a field.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    message: String,
    cure: Option<String>,
}

/// The errors of a form, by AWS's parameter name, and its command under way.
#[derive(Debug, Default)]
pub struct Form {
    title: &'static str,
    fields: &'static [&'static str],
    faults: BTreeMap<&'static str, Fault>,
    /// A refusal that belongs to no field of the form.
    refusal: Option<String>,
    submitting: Work<Answer>,
    judging: Work<Option<Refusal>>,
    judged: &'static str,
    changed: bool,
    /// Work of the dialog's own that is under way in place of a submit.
    working: bool,
}

impl Form {
    /// A form with its title and the fields at which a refusal can be shown.
    #[must_use]
    pub fn new(title: &'static str, fields: &'static [&'static str]) -> Self {
        Self {
            title,
            fields,
            ..Self::default()
        }
    }

    /// What is wrong at a field.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.faults.get(field).map(|fault| fault.message.as_str())
    }

    /// The words of the link that mends it ("Use 10.0.0.0/22").
    #[must_use]
    pub fn cure_words(&self, field: &str) -> Option<String> {
        let cure = self.faults.get(field)?.cure.as_ref()?;
        Some(format!("Use {cure}"))
    }

    /// Whether there is an answer to wait for before the form can be sent again.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.submitting.is_running() || self.working
    }

    /// Notes what was done to the field `name`: a change lets its error go, the cure becomes its
    /// value. True when the person left it, which is when the service is to judge it.
    pub fn touch(&mut self, name: &'static str, field: &FieldResponse, value: &mut String) -> bool {
        if field.cured {
            self.outdate();
        }
        if field.cured
            && let Some(cure) = self.faults.remove(name).and_then(|fault| fault.cure)
        {
            *value = cure;
            self.changed = true;
            return true;
        }
        self.touched(name, &field.response)
    }

    /// The same for a field that is not typed.
    pub fn touched(&mut self, name: &'static str, response: &Response) -> bool {
        if response.changed() {
            self.faults.remove(name);
            self.refusal = None;
            self.changed = true;
            self.outdate();
        }
        response.lost_focus() && self.changed
    }

    /// What the service was asked about is no longer what is typed: its answer says nothing now.
    fn outdate(&mut self) {
        self.judging = Work::default();
    }

    /// Takes the cure of a field's error, for a field that is chosen rather than typed.
    pub fn take_cure(&mut self, name: &str) -> Option<String> {
        self.faults.remove(name).and_then(|fault| fault.cure)
    }

    /// Lays a refusal at its field, or above the form where it has none here.
    pub fn refuse(&mut self, refusal: Refusal) {
        let named = refusal.field.as_deref();
        match self.fields.iter().find(|field| Some(**field) == named) {
            Some(field) => {
                let fault = Fault {
                    message: refusal.message,
                    cure: refusal.cure,
                };
                self.faults.insert(field, fault);
            }
            None => self.refusal = Some(refusal.message),
        }
    }

    /// Whether something was typed or chosen.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Asks the service what it would say to the draft, for the sake of the field just left.
    pub fn judge(&mut self, backend: &Backend, field: &'static str, draft: Command) {
        self.judged = field;
        self.judging.start(backend.judge(draft));
    }

    /// For a dialog whose act is more than one command: whether it is under way.
    pub fn set_working(&mut self, working: bool) {
        self.working = working;
    }

    /// Lets all errors go, as before a submit.
    pub fn clear(&mut self) {
        self.faults.clear();
        self.refusal = None;
    }

    /// Sends the form.
    pub fn submit(&mut self, backend: &Backend, command: Command) {
        self.clear();
        self.outdate();
        self.submitting.start(backend.call(command));
    }

    /// Takes in what the service said; the answer, once the form was carried out.
    pub fn poll(&mut self, ctx: &egui::Context) -> Option<Answer> {
        match self.judging.poll() {
            // Only the field that was left: what has not been reached yet is not held against it.
            Some(Ok(Some(refusal))) if refusal.field.as_deref() == Some(self.judged) => {
                self.refuse(refusal);
            }
            Some(Ok(None)) => self.faults.clear(),
            _ => {}
        }
        match self.submitting.poll()? {
            Ok(answer) => Some(answer),
            Err(refusal) => {
                self.refuse(refusal);
                kit::focus_first_error(ctx);
                None
            }
        }
    }

    /// Shows the form.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        submit: &str,
        off: Option<&str>,
        add: impl FnOnce(&mut egui::Ui, &mut Self),
    ) -> kit::Dialog {
        let refusal = self.refusal.clone();
        kit::form_dialog(self.title, submit)
            .errors(self.faults.len())
            .changed(self.changed)
            .working(self.is_working())
            .disabled_because(off)
            .refusal(refusal.as_deref())
            .show(ctx, |ui| add(ui, self))
    }

    /// Closed while it is sent: how that ends is said all the same, with what is true then.
    pub fn leave(&mut self, cx: &mut Context<'_>, done: String) {
        if self.submitting.is_running() {
            let work = std::mem::take(&mut self.submitting);
            cx.ask(Action::Follow(work.saying(move |_| done.clone())));
        }
    }

    /// Ends it, once its act is done.
    pub fn close(&self, ctx: &egui::Context) {
        kit::close_dialog(ctx, self.title);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    #[test]
    fn a_refusal_lands_at_the_field_it_names_or_above_the_form() {
        let mut form = Form::new("Create Route", &["DestinationCidrBlock"]);
        let refusal = |text: &str| Refusal::new(Code::InvalidParameterValue, text);
        form.refuse(
            refusal("too small")
                .at("DestinationCidrBlock")
                .cure("10.0.0.0/22"),
        );
        form.refuse(refusal("the disk is full").at("Elsewhere"));
        assert_eq!(form.error("DestinationCidrBlock"), Some("too small"));
        assert_eq!(
            form.cure_words("DestinationCidrBlock").as_deref(),
            Some("Use 10.0.0.0/22")
        );
        assert_eq!(form.refusal.as_deref(), Some("the disk is full"));
    }
}
