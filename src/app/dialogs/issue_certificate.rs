//! Issue a server or client certificate under an authority of the store.

use super::{
    Dialog, Stay,
    create_ca::{WIDTH, key_type},
};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
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
    form: Form,
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
            form: Form::default(),
        }
    }

    fn fields(&mut self, ui: &mut egui::Ui, authorities: &[Choice<Option<CertificateArn>>]) {
        self.form.shows("CaArn");
        let error = self.form.error("CaArn", "Certificate authority");
        let chosen = kit::select(&mut self.authority, authorities)
            .label("Certificate authority")
            .nothing("No authority here has its key: create one first")
            .error(error.as_deref())
            .ui(ui);
        if chosen.changed() {
            self.form.changed("CaArn");
        }
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
        self.form
            .text(ui, ("CommonName", "Name"), &mut self.common_name, |field| {
                field.hint(hint).help(help)
            });
        key_type(ui, &mut self.key_type);
    }
}

impl Dialog for Issue {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            cx.ask(Action::Toast(format!("{} issued", self.common_name.trim())));
            return Stay::Closed;
        }
        let authorities = authorities(cx);
        if self.authority.is_none()
            && let [only] = authorities.as_slice()
        {
            self.authority = only.value.clone();
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog("Issue certificate", "Issue")
            .errors(self.form.errors())
            .changed(!self.common_name.is_empty())
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| self.fields(ui, &authorities));
        match (shown, &self.authority) {
            (kit::Dialog::Open, _) => {}
            (kit::Dialog::Closed, _) => return Stay::Closed,
            (kit::Dialog::Submitted, None) => {
                self.form
                    .refuse(Refusal::missing("CaArn", "one of the list"));
            }
            (kit::Dialog::Submitted, Some(authority)) => {
                let command = IssueCertificate {
                    ca_arn: authority.to_string(),
                    usage: self.usage,
                    common_name: self.common_name.trim().to_owned(),
                    key_type: self.key_type,
                };
                self.form.send(cx, Command::IssueCertificate(command));
            }
        }
        Stay::Open
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
