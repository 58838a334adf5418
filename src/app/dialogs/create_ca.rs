//! Create certificate authority.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit,
    },
    model::{Command, KeyType, Refusal, command::CreateCertificateAuthority},
};

/// Asks for the authority's name and key.
#[derive(Debug, Default)]
pub struct CreateCa {
    common_name: String,
    key_type: KeyType,
    form: DialogForm,
}

impl FormDialog for CreateCa {
    fn title(&self) -> String {
        "Create certificate authority".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, ("CommonName", "Name"), &mut self.common_name, |field| {
            field
                .hint("Example VPN CA")
                .help("Clients whose certificates it signs can be let in.")
        });
        key_type(ui, &mut self.key_type);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::CreateCertificateAuthority(CreateCertificateAuthority {
            common_name: self.common_name.trim().to_owned(),
            key_type: self.key_type,
        });
        Ok(Act::command(
            command,
            format!("{} created", self.common_name.trim()),
        ))
    }
}

/// The two kinds of key.
pub(super) fn key_type(ui: &mut Ui, value: &mut KeyType) {
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
