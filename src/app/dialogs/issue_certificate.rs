//! Issue a server or client certificate under an authority of the store.

use egui::Ui;

use super::create_ca::key_type;
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        format,
        kit::{self, Choice},
    },
    model::{CertificateArn, CertificateUse, Command, KeyType, Refusal, command::IssueCertificate},
};

/// Asks for authority, use, name and key.
#[derive(Debug)]
pub struct Issue {
    authority: Option<CertificateArn>,
    usage: CertificateUse,
    common_name: String,
    key_type: KeyType,
    form: DialogForm,
}

impl Issue {
    /// A certificate under `authority`, if one is known already.
    #[must_use]
    pub fn new(authority: Option<CertificateArn>) -> Self {
        Self {
            authority,
            usage: CertificateUse::Client,
            common_name: String::new(),
            key_type: KeyType::default(),
            form: DialogForm::default(),
        }
    }
}

const AUTHORITY: (&str, &str) = ("CaArn", "Certificate authority");

impl FormDialog for Issue {
    fn title(&self) -> String {
        "Issue certificate".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Issue"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let authorities = authorities(cx);
        if self.authority.is_none()
            && let [only] = authorities.as_slice()
        {
            self.authority = only.value.clone();
        }
        form.choose(ui, AUTHORITY, &mut self.authority, &authorities, |field| {
            field.nothing("No authority here has its key: create one first")
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            kit::fieldset(ui, "Use", "");
            kit::segmented_form(ui, "Use", &mut self.usage, &USES);
        });
        let (hint, help) = match self.usage {
            CertificateUse::Server => (
                "server.example.com",
                "The name that clients check the gateway by.",
            ),
            _ => ("a.lindqvist", "Who or what connects with it."),
        };
        form.text(ui, ("CommonName", "Name"), &mut self.common_name, |field| {
            field.hint(hint).help(help)
        });
        key_type(ui, &mut self.key_type);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let Some(authority) = &self.authority else {
            return Err(Refusal::missing(AUTHORITY.0, "one of the list"));
        };
        let command = Command::IssueCertificate(IssueCertificate {
            ca_arn: authority.to_string(),
            usage: self.usage,
            common_name: self.common_name.trim().to_owned(),
            key_type: self.key_type,
            validity_days: None,
            alternative_names: Vec::new(),
        });
        Ok(Act::command(
            command,
            format!("{} issued", self.common_name.trim()),
        ))
    }
}

/// The authorities that can sign here.
fn authorities(cx: &Context<'_>) -> Vec<Choice<Option<CertificateArn>>> {
    let certificates = cx.view.snapshot.certificates.values();
    certificates
        .filter(|c| c.usage == CertificateUse::Authority && c.has_private_key)
        .map(|c| {
            let until = format!("until {}", format::day(c.not_after, cx.zone));
            Choice::new(Some(c.arn.clone()), c.title()).detail(until)
        })
        .collect()
}

const USES: [(CertificateUse, &str); 2] = [
    (CertificateUse::Client, "Client"),
    (CertificateUse::Server, "Server"),
];
