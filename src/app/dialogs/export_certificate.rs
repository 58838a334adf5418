//! Export a certificate to a file; with its private key only when that is asked for.

use std::{path::PathBuf, sync::Arc};

use super::{Dialog, Stay, create_ca::WIDTH};
use crate::{
    app::{
        context::{Action, Context},
        files,
        form::{self, Form},
        kit::{self, Tone, icons},
    },
    model::{Answer, Certificate, Command, command::ExportCertificate},
};

/// Asks whether the key goes with it, then where to.
#[derive(Debug)]
pub struct Export {
    certificate: Arc<Certificate>,
    with_key: bool,
    form: Form<Option<PathBuf>>,
}

impl Export {
    /// Exports `certificate`.
    #[must_use]
    pub fn new(certificate: Arc<Certificate>) -> Self {
        Self {
            certificate,
            with_key: false,
            form: Form::default(),
        }
    }

    fn fields(&mut self, ui: &mut egui::Ui) {
        kit::choice_card(
            "Certificate and chain",
            "What others need to trust it or to check it",
        )
        .icon(icons::CERTIFICATE)
        .radio(ui, &mut self.with_key, false);
        let lacks = (!self.certificate.has_private_key)
            .then_some("The store has no private key of this certificate");
        kit::choice_card(
            "With the private key",
            "For the device that connects with it, or as a copy",
        )
        .icon(icons::KEY)
        .refused(lacks)
        .radio(ui, &mut self.with_key, true);
        if self.with_key {
            kit::banner(Tone::Warning, "Whoever has this file can act as its owner")
                .body("It is written so that only you can read it, and the export is recorded.")
                .ui(ui);
        }
    }

    fn start(&mut self, cx: &Context<'_>) {
        let (console, files) = (Arc::clone(cx.backend.console()), Arc::clone(cx.files));
        let command = Command::ExportCertificate(ExportCertificate {
            certificate_arn: self.certificate.arn.to_string(),
            with_private_key: self.with_key,
        });
        let name = format!("{}.pem", file_stem(self.certificate.title()));
        self.form.start(cx.backend.spawn(async move {
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
            Ok(Some(path))
        }));
    }
}

impl Dialog for Export {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if let Some(Some(path)) = self.form.poll() {
            cx.ask(Action::Toast(format!("Saved {}", path.display())));
            return Stay::Closed;
        }
        let title = format!("Export {}", self.certificate.title());
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog(&title, "Export…")
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| self.fields(ui));
        match shown {
            kit::Dialog::Open => {}
            kit::Dialog::Closed => return Stay::Closed,
            kit::Dialog::Submitted => self.start(cx),
        }
        Stay::Open
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
