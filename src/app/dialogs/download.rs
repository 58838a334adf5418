//! Download Client Configuration: the file for an OpenVPN client, with or without a certificate.

use std::{path::PathBuf, sync::Arc};

use super::{Dialog, Stay, form::Form};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        files::{self, Files},
        format,
        kit::{self, Choice, Tone, icons},
    },
    control::Console,
    model::{
        Answer, Certificate, CertificateUse, Code, Command, EndpointId, KeyType, Refusal, Request,
        Snapshot,
        command::{ExportClientConfiguration, IssueCertificate},
    },
};

const NAME: &str = "CommonName";
const CERTIFICATE: &str = "ClientCertificateArn";

/// What goes into the file beside the endpoint's own lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// A certificate made for this file.
    New,
    /// One of the store.
    Chosen,
    /// None: the client has its own.
    Nothing,
}

/// The dialog.
pub struct Download {
    endpoint: EndpointId,
    inside: Option<Inside>,
    name: String,
    chosen: Option<String>,
    form: Form,
    work: Work<Option<Written>>,
    /// Issued by an earlier try, so that a second one does not issue another.
    issued: Work<String>,
}

/// What was written.
struct Written {
    path: PathBuf,
    has_private_key: bool,
}

impl Download {
    /// For an endpoint.
    #[must_use]
    pub fn new(endpoint: EndpointId) -> Self {
        Self {
            endpoint,
            inside: None,
            name: String::new(),
            chosen: None,
            form: Form::new("Download Client Configuration", &[NAME, CERTIFICATE]),
            work: Work::default(),
            issued: Work::default(),
        }
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut egui::Ui, form: &mut Form) {
        let snapshot = &cx.view.snapshot;
        let issuer = issuer(snapshot, &self.endpoint);
        let clients = choices(cx, &self.endpoint);
        let inside = self
            .inside
            .get_or_insert(match (&issuer, clients.is_empty()) {
                (_, false) => Inside::Chosen,
                (Some(_), true) => Inside::New,
                (None, true) => Inside::Nothing,
            });
        kit::fieldset(
            ui,
            "Client certificate",
            "Each person has a certificate of their own.",
        );
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            let cards = [
                (
                    Inside::New,
                    "Issue a new one",
                    "Made here and put inside with its key: ready to use",
                    icons::USER_PLUS,
                    issuer.is_none().then_some(
                        "The key of the client certificate authority is not in the store",
                    ),
                ),
                (
                    Inside::Chosen,
                    "Choose one from the store",
                    "Put inside with its key: ready to use",
                    icons::CERTIFICATE,
                    clients.is_empty().then_some(
                        "The store has no client certificate with a key that this endpoint lets in",
                    ),
                ),
                (
                    Inside::Nothing,
                    "None",
                    "For a client that has its own certificate and key",
                    icons::FILE_TEXT,
                    None,
                ),
            ];
            for (kind, title, detail, icon, refused) in cards {
                kit::choice_card(title, detail)
                    .icon(icon)
                    .refused(refused)
                    .radio(ui, inside, kind);
            }
        });
        match *inside {
            Inside::New => {
                let cure = form.cure_words(NAME);
                let field = kit::text_field(&mut self.name)
                    .label("Common name")
                    .hint("a.lindqvist")
                    .limit(64)
                    .help("Who uses the file; Connections shows it.")
                    .error(form.error(NAME))
                    .cure(cure.as_deref())
                    .ui(ui);
                form.touch(NAME, &field, &mut self.name);
            }
            Inside::Chosen => {
                let field = kit::select(&mut self.chosen, &clients)
                    .label("Certificate")
                    .placeholder("Choose a client certificate")
                    .error(form.error(CERTIFICATE))
                    .ui(ui);
                form.touched(CERTIFICATE, &field.response);
            }
            Inside::Nothing => {}
        }
        if *inside == Inside::Nothing {
            kit::help(ui, "The file holds no private key.");
        } else {
            kit::banner(Tone::Info, "The file holds a private key")
                .body("Whoever has it can connect. Only you can read the file (mode 0600).")
                .ui(ui);
        }
    }

    fn off(&self) -> Option<&'static str> {
        match self.inside {
            Some(Inside::New) if self.name.trim().is_empty() => Some("Type the common name first"),
            Some(Inside::Chosen) if self.chosen.is_none() => Some("Choose a certificate first"),
            _ => None,
        }
    }

    /// Issues where asked, exports, asks where to, writes.
    fn start(&mut self, cx: &Context<'_>) {
        let snapshot = &cx.view.snapshot;
        let console = Arc::clone(cx.backend.console());
        let files = Arc::clone(cx.files);
        let endpoint = self.endpoint.to_string();
        let issue = match self.inside {
            Some(Inside::New) => issuer(snapshot, &self.endpoint).map(|ca| IssueCertificate {
                ca_arn: ca.arn.to_string(),
                usage: CertificateUse::Client,
                common_name: self.name.trim().to_owned(),
                key_type: KeyType::default(),
            }),
            _ => None,
        };
        let chosen = match self.inside {
            Some(Inside::Chosen) => self.chosen.clone(),
            _ => None,
        };
        let (told, hear) = tokio::sync::oneshot::channel();
        self.issued.start(cx.backend.spawn(async move {
            hear.await
                .map_err(|_| Refusal::new(Code::Unavailable, "No certificate was issued"))
        }));
        self.work.start(cx.backend.spawn(async move {
            let certificate = match issue {
                Some(fields) => {
                    let arn = issued(console.as_ref(), fields).await?;
                    drop(told.send(arn.clone()));
                    Some(arn)
                }
                None => chosen,
            };
            export(console.as_ref(), files.as_ref(), endpoint, certificate).await
        }));
    }
}

/// Issues a client certificate; its name.
async fn issued(console: &dyn Console, fields: IssueCertificate) -> Result<String, Refusal> {
    match console
        .call(Command::IssueCertificate(fields).into())
        .await?
    {
        Answer::CertificateArn(arn) => Ok(arn.to_string()),
        _ => Err(unexpected()),
    }
}

/// Fetches the configuration and writes it where the person says; none if they thought better.
async fn export(
    console: &dyn Console,
    files: &dyn Files,
    endpoint: String,
    certificate: Option<String>,
) -> Result<Option<Written>, Refusal> {
    let command = Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint,
        client_certificate_arn: certificate,
    });
    let Answer::ClientConfiguration(file) = console.call(Request::from(command)).await? else {
        return Err(unexpected());
    };
    let title = "Save the client configuration";
    let Some(path) = files.choose_target(title, &file.file_name).await else {
        return Ok(None);
    };
    files::write_private(&path, file.text.expose())?;
    Ok(Some(Written {
        path,
        has_private_key: file.has_private_key,
    }))
}

/// What is true once it is done.
fn said(written: Option<Written>) -> String {
    let Some(written) = written else {
        return "No file was saved".to_owned();
    };
    let key = match written.has_private_key {
        true => "It holds a private key",
        false => "It holds no private key",
    };
    format!("Saved as {}. {key}", written.path.display())
}

fn unexpected() -> Refusal {
    Refusal::new(
        Code::InternalError,
        "The gateway answered something else than was asked; it may be of another version",
    )
}

impl Dialog for Download {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if let Some(Ok(arn)) = self.issued.poll() {
            self.chosen = Some(arn);
            self.inside = Some(Inside::Chosen);
        }
        match self.work.poll() {
            Some(Ok(Some(written))) => {
                self.form.close(ctx);
                cx.ask(Action::Toast(said(Some(written))));
                return Stay::Closed;
            }
            Some(Err(refusal)) => {
                self.form.refuse(refusal);
                kit::focus_first_error(ctx);
            }
            Some(Ok(None)) | None => {}
        }
        let off = self.off();
        let mut form = std::mem::take(&mut self.form);
        form.set_working(self.work.is_running());
        let shown = form.show(ctx, "Download", off, |ui, form| self.fields(cx, ui, form));
        self.form = form;
        match shown {
            kit::Dialog::Closed => {
                if self.work.is_running() {
                    let work = std::mem::take(&mut self.work);
                    cx.ask(Action::Follow(work.saying(said)));
                }
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.work.is_running() => {
                self.form.clear();
                self.start(cx);
            }
            _ => {}
        }
        Stay::Open
    }
}

/// The authority whose clients the endpoint lets in, if it can sign here.
fn issuer<'a>(snapshot: &'a Snapshot, endpoint: &EndpointId) -> Option<&'a Certificate> {
    let named = snapshot
        .endpoints
        .get(endpoint)?
        .client_root_certificate()?;
    let certificate = snapshot.certificates.get(named)?;
    let authority = match certificate.usage {
        CertificateUse::Authority => certificate,
        // The server's own may be named where both share an authority.
        _ => snapshot.certificates.get(certificate.issued_by.as_ref()?)?,
    };
    Some(authority.as_ref()).filter(|ca| ca.has_private_key)
}

/// The client certificates with a key, those of the endpoint's own authority.
fn choices(cx: &Context<'_>, endpoint: &EndpointId) -> Vec<Choice<Option<String>>> {
    let snapshot = &cx.view.snapshot;
    let authority = issuer(snapshot, endpoint).map(|ca| &ca.arn);
    let mut clients: Vec<&Certificate> = snapshot
        .certificates
        .values()
        .map(AsRef::as_ref)
        .filter(|c| c.usage == CertificateUse::Client && c.has_private_key)
        // Where the authority is not known here, the service judges.
        .filter(|c| {
            authority.is_none() || c.issued_by.is_none() || c.issued_by.as_ref() == authority
        })
        .collect();
    clients.sort_by_key(|c| c.title().to_lowercase());
    clients
        .into_iter()
        .map(|c| {
            let expires = format!("expires {}", format::day(c.not_after, cx.zone));
            Choice::new(Some(c.arn.to_string()), c.title()).detail(expires)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use egui_kittest::kittest::Queryable as _;

    use crate::{
        app::testing::{FakeConsole, Window, sample},
        model::{
            Answer, Command,
            command::{ClientConfiguration, Secret},
        },
    };

    fn answers(console: &FakeConsole) {
        console.answer(|request| match &request.command {
            Command::IssueCertificate(_) => Some(Ok(Answer::CertificateArn(sample::arn(9)))),
            Command::ExportClientVpnClientConfiguration(_) => {
                Some(Ok(Answer::ClientConfiguration(ClientConfiguration {
                    text: Secret::new(b"client\n".to_vec()),
                    has_private_key: true,
                    file_name: "corp-staff.ovpn".into(),
                })))
            }
            _ => None,
        });
    }

    #[test]
    fn a_new_certificate_is_issued_and_its_file_written_for_its_owner_alone() {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        answers(&console);
        let mut window = Window::open(console.clone());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ovpn");
        window.files.next_target(&path);
        window.show_endpoint(1, None);
        window
            .harness
            .get_by_label("Download Client Configuration")
            .click();
        window.settle();
        window.harness.get_by_label("Issue a new one").click();
        window.settle();
        window.type_into("Common name", "a.lindqvist");
        window.press("Download");
        let sent = console.commands();
        assert!(
            sent.iter().any(
                |c| matches!(c, Command::IssueCertificate(i) if i.common_name == "a.lindqvist")
            )
        );
        assert!(sent.iter().any(|c| matches!(c,
            Command::ExportClientVpnClientConfiguration(e)
                if e.client_certificate_arn.as_deref() == Some(sample::arn(9).as_str()))));
        assert_eq!(std::fs::read(&path).unwrap(), b"client\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(*window.files.proposed.lock().unwrap(), ["corp-staff.ovpn"]);
        window
            .harness
            .get_by_label_contains("It holds a private key");
    }

    #[test]
    fn who_thinks_better_of_the_file_is_not_issued_a_second_certificate() {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        answers(&console);
        let mut window = Window::open(console.clone());
        window.show_endpoint(1, None);
        window
            .harness
            .get_by_label("Download Client Configuration")
            .click();
        window.settle();
        window.harness.get_by_label("Issue a new one").click();
        window.settle();
        window.type_into("Common name", "a.lindqvist");
        window.press("Download");
        window.press("Download");
        let issued = console
            .commands()
            .iter()
            .filter(|c| matches!(c, Command::IssueCertificate(_)))
            .count();
        assert_eq!(issued, 1);
    }
}
