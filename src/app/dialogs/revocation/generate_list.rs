//! Generate CRL: the list of an authority whose key is here.

use std::sync::Arc;

use egui::Ui;

use super::{facts, imported_stay, trusting};
use crate::{
    app::{
        context::Context,
        dialogs::issue_certificate::days,
        form::{Act, DialogForm, FormDialog},
        kit,
    },
    model::{Certificate, Command, Refusal, command::GenerateRevocationList},
};

/// Asks how long the list is to hold.
#[derive(Debug)]
pub struct GenerateList {
    authority: Arc<Certificate>,
    days: String,
    form: DialogForm,
}

impl GenerateList {
    /// The list of `authority`.
    #[must_use]
    pub fn new(authority: Arc<Certificate>) -> Self {
        Self {
            authority,
            days: String::new(),
            form: DialogForm::default(),
        }
    }
}

const VALIDITY: (&str, &str) = ("ValidityDays", "Validity in days");

impl FormDialog for GenerateList {
    fn title(&self) -> String {
        format!("Generate CRL of {}", self.authority.title())
    }

    fn verb(&self) -> &'static str {
        "Generate CRL"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let snapshot = &cx.view.snapshot;
        let present = snapshot.authority_lists.get(&self.authority.arn);
        match present {
            Some(list) => facts(cx, ui, list),
            None => {
                kit::body(ui, "No list of this authority was generated yet.");
            }
        }
        let takers = trusting(snapshot, &self.authority).filter(|(_, takes)| *takes);
        let takers: Vec<&str> = takers.map(|(it, _)| it.title()).collect();
        if !takers.is_empty() {
            let names = takers.join(", ");
            kit::body(ui, &format!("The new list is in force at once at {names}."));
        }
        let usual = match present {
            Some(_) => "as long as before",
            None => "180",
        };
        let help = "1 to 3,650 days. A list renews itself before its time is over.";
        form.text_with(ui, VALIDITY, &mut self.days, (usual, help), |field| {
            field.optional()
        });
        imported_stay(ui, snapshot, &[&self.authority]);
        form.error_below(ui, "CaArn");
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::GenerateRevocationList(GenerateRevocationList {
            ca_arn: self.authority.arn.to_string(),
            validity_days: days(&self.days)?,
        });
        let title = self.authority.title();
        Ok(Act::command(command, format!("CRL of {title} generated")))
    }
}
