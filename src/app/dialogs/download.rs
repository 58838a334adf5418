//! Download Client Configuration: the file for an OpenVPN client, with or without a certificate.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use egui::Ui;

use super::hand_out::HandOutPage;
use crate::{
    app::{
        context::Context,
        files::{self, Files},
        form::{self, Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        format,
        kit::{self, Choice, Tone, icons},
    },
    control::Console,
    model::{
        Answer, Certificate, CertificateUse, Command, EndpointId, KeyType, Refusal, Snapshot,
        command::{ExportClientConfiguration, IssueCertificate},
    },
};

const NAME: (&str, &str) = ("CommonName", "Common name");
const CERTIFICATE: (&str, &str) = ("ClientCertificateArn", "Certificate");

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
    form: DialogForm,
    /// Issued by an earlier try, so that a second one does not issue another.
    issued: Arc<Mutex<Option<String>>>,
    written: Arc<Mutex<Option<Written>>>,
}

/// What was written.
#[derive(Clone)]
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
            form: DialogForm::default(),
            issued: Arc::default(),
            written: Arc::default(),
        }
    }

    /// The three ways, one of which is taken.
    fn ways(&mut self, cx: &Context<'_>, ui: &mut Ui, has_clients: bool) -> Inside {
        let issuer = issuer(&cx.view.snapshot, &self.endpoint);
        let inside = self.inside.get_or_insert(match (&issuer, has_clients) {
            (_, true) => Inside::Chosen,
            (Some(_), false) => Inside::New,
            (None, false) => Inside::Nothing,
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
                    (!has_clients).then_some(
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
        *inside
    }

    /// A certificate that an earlier try issued is the one of the next.
    fn take_in_issued(&mut self) {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arn) = issued.take() {
            self.chosen = Some(arn);
            self.inside = Some(Inside::Chosen);
        }
    }
}

impl FormDialog for Download {
    fn title(&self) -> String {
        "Download Client Configuration".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Download"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.take_in_issued();
        let clients = choices(cx, &self.endpoint);
        // One that was revoked or has expired meanwhile is no longer to be had.
        self.chosen
            .take_if(|arn| !clients.iter().any(|it| it.value.as_ref() == Some(arn)));
        let inside = self.ways(cx, ui, !clients.is_empty());
        match inside {
            Inside::New => {
                form.text(ui, NAME, &mut self.name, |field| {
                    field
                        .hint("a.lindqvist")
                        .help("Who uses the file; Connections shows it.")
                });
            }
            Inside::Chosen => {
                form.choose(ui, CERTIFICATE, &mut self.chosen, &clients, |field| {
                    field.placeholder("Choose a client certificate")
                });
            }
            Inside::Nothing => {}
        }
        if inside == Inside::Nothing {
            kit::help(ui, "The file holds no private key.");
        } else {
            kit::banner(Tone::Info, "The file holds a private key")
                .body("Whoever has it can connect. Only you can read the file (mode 0600).")
                .ui(ui);
        }
    }

    /// Issues where asked, exports, asks where to, writes.
    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let console = Arc::clone(cx.backend.console());
        let files = Arc::clone(cx.files);
        let endpoint = self.endpoint.to_string();
        let issue = match self.inside {
            Some(Inside::New) => {
                issuer(&cx.view.snapshot, &self.endpoint).map(|ca| IssueCertificate {
                    ca_arn: ca.arn.to_string(),
                    usage: CertificateUse::Client,
                    common_name: self.name.trim().to_owned(),
                    key_type: KeyType::default(),
                    validity_days: None,
                    alternative_names: Vec::new(),
                })
            }
            _ => None,
        };
        let chosen = self.chosen.clone();
        let chosen = chosen.filter(|_| self.inside == Some(Inside::Chosen));
        let told = Arc::clone(&self.issued);
        let tell = Arc::clone(&self.written);
        Ok(Act::steps(async move {
            let certificate = match issue {
                Some(fields) => {
                    let arn = issued(console.as_ref(), fields).await?;
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(arn.clone());
                    Some(arn)
                }
                None => chosen,
            };
            let written = export(console.as_ref(), files.as_ref(), endpoint, certificate).await?;
            let words = written.as_ref().map(said);
            *tell.lock().unwrap_or_else(PoisonError::into_inner) = written;
            Ok(words)
        }))
    }

    /// Whoever gets the file is to know what to do with it.
    fn follow_steps(&mut self, cx: &mut Context<'_>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Written {
            path,
            has_private_key,
        }) = written.take()
        {
            let page = HandOutPage::new(cx, &self.endpoint, Some((path, has_private_key)));
            cx.open(page);
        }
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let lacks = match self.inside {
            Some(Inside::New) if self.name.trim().is_empty() => "Type the common name first",
            Some(Inside::Chosen) if self.chosen.is_none() => "Choose a certificate first",
            _ => return None,
        };
        Some(lacks.to_owned())
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

/// Issues a client certificate; its name.
async fn issued(console: &dyn Console, fields: IssueCertificate) -> Result<String, Refusal> {
    match form::call(console, Command::IssueCertificate(fields)).await? {
        Answer::CertificateArn(arn) => Ok(arn.to_string()),
        _ => Err(form::unexpected()),
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
    let Answer::ClientConfiguration(file) = form::call(console, command).await? else {
        return Err(form::unexpected());
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
fn said(written: &Written) -> String {
    let key = match written.has_private_key {
        true => "It holds a private key",
        false => "It holds no private key",
    };
    format!("Saved as {}. {key}", written.path.display())
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

/// The client certificates with a key that can connect, those of the endpoint's own authority.
fn choices(cx: &Context<'_>, endpoint: &EndpointId) -> Vec<Choice<Option<String>>> {
    let snapshot = &cx.view.snapshot;
    let authority = issuer(snapshot, endpoint).map(|ca| &ca.arn);
    let mut clients: Vec<&Certificate> = snapshot
        .certificates
        .values()
        .map(AsRef::as_ref)
        .filter(|c| c.usage == CertificateUse::Client && c.has_private_key)
        .filter(|c| c.revoked.is_none() && c.not_after > cx.now)
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
