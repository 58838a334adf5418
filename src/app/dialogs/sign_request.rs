//! Sign a certificate request: a certificate for a key that never comes here.

use std::sync::{Arc, Mutex, PoisonError};

use egui::Ui;

use super::{
    Dialog, Stay,
    export_certificate::file_stem,
    import_certificate::{PemField, PemWords},
    issue_certificate::{AUTHORITY, USES, authorities, choose_authority, days, validity},
    sheet::sheet,
};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        files,
        form::{self, Act, DialogForm, FormDialog, Reading, dialog::TWO_COLUMNS},
        kit::{self, Tone, Value, icons},
    },
    control::Console,
    model::{
        Answer, CertificateArn, CertificateRequest, CertificateUse, Command, Refusal,
        command::{ExportCertificate, InspectCertificateRequest, SignCertificateRequest},
    },
};

/// The dialog: the form, then the certificate.
pub struct SignRequest {
    fields: Fields,
    signed: Arc<Mutex<Option<Signed>>>,
    shown: Option<Signed>,
    saving: Work<Option<String>>,
}

/// A certificate that was signed, to be handed to who asked for it.
#[derive(Clone, Debug)]
struct Signed {
    name: String,
    /// The certificate and those above it, in PEM.
    pem: String,
}

/// What is asked for.
struct Fields {
    authority: Option<CertificateArn>,
    request: PemField,
    read: Reading<CertificateRequest>,
    usage: CertificateUse,
    common_name: String,
    days: String,
    signed: Arc<Mutex<Option<Signed>>>,
    form: DialogForm,
}

impl SignRequest {
    /// A certificate under `authority`, if one is known already.
    #[must_use]
    pub fn new(authority: Option<CertificateArn>) -> Self {
        let signed = Arc::default();
        Self {
            fields: Fields {
                authority,
                request: PemField::default(),
                read: Reading::default(),
                usage: CertificateUse::Client,
                common_name: String::new(),
                days: String::new(),
                signed: Arc::clone(&signed),
                form: DialogForm::default(),
            },
            signed,
            shown: None,
            saving: Work::default(),
        }
    }
}

impl Dialog for SignRequest {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if let Some(signed) = self.shown.clone() {
            return self.result(cx, ctx, &signed);
        }
        let stay = self.fields.ui(cx, ctx);
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if stay == Stay::Closed && signed.is_some() {
            self.shown = signed.take();
            return Stay::Open;
        }
        stay
    }
}

impl SignRequest {
    /// The certificate, to be copied or saved.
    fn result(&mut self, cx: &mut Context<'_>, ctx: &egui::Context, signed: &Signed) -> Stay {
        match self.saving.poll() {
            Some(Ok(Some(words))) => cx.ask(Action::Toast(words)),
            Some(Err(refusal)) => cx.ask(Action::Trouble(refusal.message)),
            Some(Ok(None)) | None => {}
        }
        sheet(ctx, "Certificate signed", |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            let title = format!("Hand it to whoever asked for {}", signed.name);
            kit::banner(Tone::Success, &title)
                .body("The file holds the certificate and those above it. It is in the store too; its key is not here.")
                .ui(ui);
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                if kit::button("Copy certificate")
                    .icon(icons::COPY)
                    .clicked(ui)
                {
                    ui.ctx().copy_text(signed.pem.clone());
                    cx.ask(Action::Toast("Certificate copied".to_owned()));
                }
                let save = kit::button("Save certificate…").icon(icons::DOWNLOAD_SIMPLE);
                if save.working(self.saving.is_running()).clicked(ui) {
                    self.saving.start(save_as(cx, signed));
                }
            });
            for line in signed.pem.lines() {
                kit::mono(ui, line);
            }
        })
    }
}

fn save_as(cx: &Context<'_>, signed: &Signed) -> crate::app::backend::Pending<Option<String>> {
    let files = Arc::clone(cx.files);
    let name = format!("{}.crt", file_stem(&signed.name));
    let pem = signed.pem.clone();
    cx.backend.spawn(async move {
        let Some(path) = files.choose_target("Save certificate", &name).await else {
            return Ok(None);
        };
        files::write_private(&path, pem.as_bytes())?;
        Ok(Some(format!("Saved {}", path.display())))
    })
}

const REQUEST: PemWords = PemWords {
    field: "Csr",
    label: "Certificate request",
    choose: "Choose request file…",
    help: "In PEM, such as a.csr of openssl or reqs/a.req of easy-rsa.",
    is_secret: false,
};
const NAME: (&str, &str) = ("CommonName", "Name");

impl FormDialog for Fields {
    fn title(&self) -> String {
        "Sign a certificate request".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Sign"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        choose_authority(ui, form, &mut self.authority, &authorities(cx));
        self.request.ui(cx, ui, form, REQUEST, false);
        let ask = |csr| Command::InspectCertificateRequest(InspectCertificateRequest { csr });
        let typed = (self.request.as_bytes(), 0);
        self.read.follow(cx, typed, ask, |answer| match answer {
            Answer::CertificateRequest(it) => Some(*it),
            _ => None,
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            kit::fieldset(ui, "Use", "");
            kit::segmented_form(ui, "Use", &mut self.usage, &USES);
        });
        let asked = self.read.read().and_then(|it| it.common_name.clone());
        let help = match &asked {
            Some(_) => "Left empty, it is that of the request.",
            None => "Who or what connects with it.",
        };
        let hint = asked.as_deref().unwrap_or("a.lindqvist");
        form.text_with(ui, NAME, &mut self.common_name, (hint, help), |field| {
            field.optional()
        });
        validity(ui, form, &mut self.days, "825");
        let refused = form.error(REQUEST.field, REQUEST.label).is_some();
        if let Some(request) = self.read.read() {
            preview(ui, request, self.usage);
        } else if let Some(why) = self.read.refused().filter(|_| !refused) {
            kit::error_line(ui, why, None);
        }
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let Some(authority) = &self.authority else {
            return Err(Refusal::missing(AUTHORITY.0, "one of the list"));
        };
        let name = self.common_name.trim();
        let command = SignCertificateRequest {
            ca_arn: authority.to_string(),
            csr: self.request.bytes(),
            usage: self.usage,
            common_name: (!name.is_empty()).then(|| name.to_owned()),
            validity_days: days(&self.days)?,
        };
        let console = Arc::clone(cx.backend.console());
        let told = Arc::clone(&self.signed);
        let asked = self.read.read().and_then(|it| it.common_name.clone());
        let name = command.common_name.clone().or(asked).unwrap_or_default();
        Ok(Act::steps(async move {
            let pem = sign(&*console, command).await?;
            let done = format!("{name} signed");
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(Signed { name, pem });
            Ok(Some(done))
        }))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let nothing = self.request.is_empty();
        nothing.then(|| "Paste or choose a request first".to_owned())
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

async fn sign(console: &dyn Console, command: SignCertificateRequest) -> Result<String, Refusal> {
    let answer = form::call(console, Command::SignCertificateRequest(command)).await?;
    let Answer::CertificateArn(arn) = answer else {
        return Err(form::unexpected());
    };
    let export = Command::ExportCertificate(ExportCertificate {
        certificate_arn: arn.to_string(),
        with_private_key: false,
    });
    match form::call(console, export).await? {
        Answer::Exported(out) => Ok(format!("{}{}", out.certificate_pem, out.chain_pem)),
        _ => Err(form::unexpected()),
    }
}

/// What the request asks for, and what it gets.
fn preview(ui: &mut Ui, request: &CertificateRequest, usage: CertificateUse) {
    let names = match usage {
        CertificateUse::Server => request.alternative_names.join(", "),
        _ => String::new(),
    };
    kit::key_values(
        ui,
        &[
            ("Subject asked for", Value::Text(&request.subject)),
            ("Key", Value::Text(&request.key_algorithm)),
            ("Other names", Value::Text(&names)),
        ],
    );
    if usage != CertificateUse::Server && !request.alternative_names.is_empty() {
        kit::weak(
            ui,
            "A client is known by its name alone: the request's other names are left out.",
        );
    }
    for sentence in &request.left_out {
        kit::weak(ui, sentence);
    }
}
