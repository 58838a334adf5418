//! Revoke a certificate: whoever shows it is refused from then on.

use std::sync::Arc;

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit::{self, Choice, Tone},
        shell::plural,
    },
    model::{Certificate, Command, Refusal, RevocationReason, View, command::RevokeCertificate},
};

/// Asks why.
#[derive(Debug)]
pub struct Revoke {
    certificate: Arc<Certificate>,
    reason: RevocationReason,
    form: DialogForm,
}

impl Revoke {
    /// Revokes `certificate`.
    #[must_use]
    pub fn new(certificate: Arc<Certificate>) -> Self {
        Self {
            certificate,
            reason: RevocationReason::default(),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for Revoke {
    fn title(&self) -> String {
        format!("Revoke {}", self.certificate.title())
    }

    fn verb(&self) -> &'static str {
        "Revoke"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let reasons = REASONS.map(|(reason, words)| Choice::new(reason, words));
        form.choose(ui, REASON, &mut self.reason, &reasons, |field| field);
        let sessions = sessions(cx.view, &self.certificate);
        let title = match sessions {
            0 => "Nobody is connected with it".to_owned(),
            count => format!("Ends {}", plural(count, "session", "sessions")),
        };
        kit::banner(Tone::Warning, &title)
            .body("A new revocation list of its authority takes effect at once, and it cannot be taken back: whoever needs access again needs a new certificate.")
            .ui(ui);
        form.error_below(ui, "CertificateArn");
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::RevokeCertificate(RevokeCertificate {
            certificate_arn: self.certificate.arn.to_string(),
            reason: self.reason,
        });
        let title = self.certificate.title();
        Ok(Act::command(command, format!("{title} revoked")))
    }
}

/// Live connections whose client showed this certificate.
fn sessions(view: &View, certificate: &Certificate) -> usize {
    let live = view.live.connections.iter();
    live.filter(|it| it.ended_at.is_none() && it.common_name == certificate.title())
        .filter(|it| {
            let shown = it.certificates.first();
            shown.is_some_and(|shown| shown.serial == certificate.serial)
        })
        .count()
}

const REASON: (&str, &str) = ("RevocationReason", "Reason");
const REASONS: [(RevocationReason, &str); 6] = [
    (RevocationReason::Unspecified, "Not said"),
    (
        RevocationReason::KeyCompromise,
        "Somebody else may have the key",
    ),
    (
        RevocationReason::CessationOfOperation,
        "It is no longer needed",
    ),
    (RevocationReason::Superseded, "Another takes its place"),
    (
        RevocationReason::AffiliationChanged,
        "Its holder's name or work has changed",
    ),
    (
        RevocationReason::PrivilegeWithdrawn,
        "Its holder may no longer connect",
    ),
];
