//! Create certificate authority.

use super::{Dialog, Stay};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
        kit,
    },
    model::{Command, KeyType, command::CreateCertificateAuthority},
};

/// Asks for the authority's name and key.
#[derive(Debug, Default)]
pub struct CreateCa {
    common_name: String,
    key_type: KeyType,
    form: Form,
}

impl Dialog for CreateCa {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            cx.ask(Action::Toast(format!(
                "{} created",
                self.common_name.trim()
            )));
            return Stay::Closed;
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog("Create certificate authority", "Create")
            .errors(self.form.errors())
            .changed(!self.common_name.is_empty())
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| {
                self.form
                    .text(ui, ("CommonName", "Name"), &mut self.common_name, |field| {
                        field
                            .hint("Example VPN CA")
                            .help("Clients whose certificates it signs can be let in.")
                    });
                key_type(ui, &mut self.key_type);
            });
        match shown {
            kit::Dialog::Open => Stay::Open,
            kit::Dialog::Closed => Stay::Closed,
            kit::Dialog::Submitted => {
                let common_name = self.common_name.trim().to_owned();
                let command = CreateCertificateAuthority {
                    common_name,
                    key_type: self.key_type,
                };
                self.form
                    .send(cx, Command::CreateCertificateAuthority(command));
                Stay::Open
            }
        }
    }
}

/// The two kinds of key.
pub(super) fn key_type(ui: &mut egui::Ui, value: &mut KeyType) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        kit::fieldset(
            ui,
            "Key",
            "ECDSA costs the gateway least. RSA is for clients that know nothing else.",
        );
        kit::segmented_form(ui, "Key", value, &KEY_TYPES);
    });
}

const KEY_TYPES: [(KeyType, &str); 2] = [
    (KeyType::EcdsaP256, "ECDSA P-256"),
    (KeyType::Rsa2048, "RSA 2048"),
];

/// Width of a dialog with one column, in points.
pub(super) const WIDTH: f32 = 480.0;
