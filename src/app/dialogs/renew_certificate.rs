//! Renew a certificate: one like it with later dates takes its place.

use std::sync::Arc;

use egui::Ui;

use super::issue_certificate::{days, validity};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        format,
        kit::{self, Tone},
    },
    model::{Certificate, CertificateUse, Command, Refusal, command::RenewCertificate},
};

/// Asks how long the new one is to last.
#[derive(Debug)]
pub struct Renew {
    certificate: Arc<Certificate>,
    days: String,
    form: DialogForm,
}

impl Renew {
    /// Renews `certificate`.
    #[must_use]
    pub fn new(certificate: Arc<Certificate>) -> Self {
        Self {
            certificate,
            days: String::new(),
            form: DialogForm::default(),
        }
    }

    /// How long the present one lasts from its beginning, in days.
    fn lasts(&self) -> i64 {
        let it = &self.certificate;
        it.not_after.duration_since(it.not_before).as_hours() / 24
    }
}

impl FormDialog for Renew {
    fn title(&self) -> String {
        format!("Renew {}", self.certificate.title())
    }

    fn verb(&self) -> &'static str {
        "Renew"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let until = format::day(self.certificate.not_after, cx.zone);
        kit::body(ui, &format!("The present one expires on {until}."));
        let usual = self.lasts().to_string();
        validity(ui, form, &mut self.days, &usual);
        let (title, body) = consequence(self.certificate.usage);
        kit::banner(Tone::Info, title).body(body).ui(ui);
        form.error_below(ui, "CertificateArn");
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::RenewCertificate(RenewCertificate {
            certificate_arn: self.certificate.arn.to_string(),
            validity_days: days(&self.days)?,
        });
        let title = self.certificate.title();
        Ok(Act::command(command, format!("{title} renewed")))
    }
}

/// What follows, in a line and as sentences.
const fn consequence(usage: CertificateUse) -> (&'static str, &'static str) {
    match usage {
        CertificateUse::Authority => (
            "It keeps its key and its ARN",
            "What it signed stays valid, and clients of both come in. Client configurations hold the old one: hand them out again before it expires.",
        ),
        CertificateUse::Server => (
            "It gets a new key and keeps its ARN",
            "Endpoints that use it show the new one from the next handshake on. Sessions stay up.",
        ),
        CertificateUse::Client | CertificateUse::Other => (
            "It gets a new key and keeps its ARN",
            "Hand the client configuration out again. The old certificate stays valid until it expires, unless it is revoked.",
        ),
    }
}
