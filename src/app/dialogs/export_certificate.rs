//! Export a certificate to a file; with its private key only when that is asked for.

use std::sync::Arc;

use egui::Ui;

use crate::{
    app::{
        context::Context,
        files,
        form::{self, Act, DialogForm, FormDialog},
        kit::{self, Tone, icons},
    },
    model::{Answer, Certificate, Command, Refusal, command::ExportCertificate},
};

/// Asks whether the key goes with it, then where to.
#[derive(Debug)]
pub struct Export {
    certificate: Arc<Certificate>,
    with_key: bool,
    form: DialogForm,
}

impl Export {
    /// Exports `certificate`.
    #[must_use]
    pub fn new(certificate: Arc<Certificate>) -> Self {
        Self {
            certificate,
            with_key: false,
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for Export {
    fn title(&self) -> String {
        format!("Export {}", self.certificate.title())
    }

    fn verb(&self) -> &'static str {
        "Export…"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, _form: &mut DialogForm) {
        kit::choice_card(
            "Certificate and chain",
            "What others need to trust it or to check it",
        )
        .icon(icons::CERTIFICATE)
        .radio(ui, &mut self.with_key, false);
        let lacks = (!self.certificate.has_private_key).then(|| self.certificate.without_key());
        kit::choice_card(
            "With the private key",
            "For the device that connects with it, or as a copy",
        )
        .icon(icons::KEY)
        .refused(lacks.as_deref())
        .radio(ui, &mut self.with_key, true);
        if self.with_key {
            kit::banner(Tone::Warning, "Whoever has this file can act as its owner")
                .body("It is written so that only you can read it, and the export is recorded.")
                .ui(ui);
        }
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let (console, files) = (Arc::clone(cx.backend.console()), Arc::clone(cx.files));
        let command = Command::ExportCertificate(ExportCertificate {
            certificate_arn: self.certificate.arn.to_string(),
            with_private_key: self.with_key,
        });
        let name = format!("{}.pem", file_stem(self.certificate.title()));
        Ok(Act::steps(async move {
            let Some(path) = files.choose_target("Export certificate", &name).await else {
                return Ok(None);
            };
            let Answer::Exported(out) = form::call(&*console, command).await? else {
                return Err(form::unexpected());
            };
            let mut bytes = zeroize::Zeroizing::new(out.certificate_pem.into_bytes());
            bytes.extend_from_slice(out.chain_pem.as_bytes());
            if let Some(key) = &out.private_key_pem {
                bytes.extend_from_slice(key.expose());
            }
            files::write_private(&path, &bytes)?;
            Ok(Some(format!("Saved {}", path.display())))
        }))
    }
}

/// A name without characters that file systems or shells take for something else.
pub(in crate::app) fn file_stem(title: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let stem: String = title.chars().take(64).map(safe).collect();
    let stem = stem.trim_matches(['.', '-']);
    if stem.is_empty() {
        "certificate".to_owned()
    } else {
        stem.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::file_stem;

    #[test]
    fn a_file_name_has_no_folder_in_it() {
        assert_eq!(file_stem("../etc/passwd"), "etc-passwd");
        assert_eq!(file_stem("server.example.com"), "server.example.com");
        assert_eq!(file_stem("///"), "certificate");
    }
}
