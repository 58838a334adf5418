//! Import Client Certificate CRL: pasted or from a file, with what it would do before it does.

use egui::Ui;

use super::{counted, facts};
use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::listed,
            import_certificate::{PemField, PemWords},
        },
        form::{Act, DialogForm, FormDialog, Reading, dialog::TWO_COLUMNS},
        format,
        kit::{self, Tone},
    },
    model::{
        Answer, Command, Endpoint, EndpointId, Refusal, command::ImportRevocationList,
        revocation::RevocationListPreview,
    },
};

/// Asks for the list of an endpoint.
#[derive(Debug)]
pub struct ImportList {
    endpoint: EndpointId,
    title: String,
    list: PemField,
    preview: Reading<RevocationListPreview>,
    allow_older: bool,
    form: DialogForm,
}

impl ImportList {
    /// For `endpoint`.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.id.clone(),
            title: endpoint.title().to_owned(),
            list: PemField::default(),
            preview: Reading::default(),
            allow_older: false,
            form: DialogForm::default(),
        }
    }

    fn command(&self) -> ImportRevocationList {
        ImportRevocationList {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            certificate_revocation_list: self.list.bytes(),
            allow_older: self.allow_older,
        }
    }

    /// Has the service read what is there, and again as sessions come and go.
    fn look(&mut self, cx: &Context<'_>) {
        let connected = cx.tally.of_endpoint(&self.endpoint) as u64;
        let against = cx.view.snapshot.seq.rotate_left(32) ^ connected;
        let endpoint = self.endpoint.to_string();
        let ask = |certificate_revocation_list| {
            Command::InspectRevocationList(ImportRevocationList {
                client_vpn_endpoint_id: endpoint,
                certificate_revocation_list,
                allow_older: true,
            })
        };
        let typed = (self.list.as_bytes(), against);
        self.preview.follow(cx, typed, ask, |answer| match answer {
            Answer::RevocationListPreview(it) => Some(*it),
            _ => None,
        });
    }
}

const LIST: PemWords = PemWords {
    field: "CertificateRevocationList",
    label: "Certificate revocation list",
    choose: "Choose CRL file…",
    help: "In PEM or DER, such as crl.pem of easy-rsa after easyrsa gen-crl.",
    is_secret: false,
};

impl FormDialog for ImportList {
    fn title(&self) -> String {
        format!("Import Client Certificate CRL into {}", self.title)
    }

    fn verb(&self) -> &'static str {
        "Import CRL"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.list.ui(cx, ui, form, LIST, false);
        self.look(cx);
        let refused = form.error(LIST.field, LIST.label).is_some();
        if let Some(preview) = self.preview.read() {
            let older = preview.older.as_deref();
            shown(cx, ui, preview);
            if let Some(older) = older {
                kit::banner(Tone::Warning, "The list is older than the present one")
                    .body(older)
                    .ui(ui);
                if kit::checkbox(ui, &mut self.allow_older, OLDER).changed() {
                    form.chose(LIST.field);
                }
            }
        } else if let Some(why) = self.preview.refused().filter(|_| !refused) {
            kit::error_line(ui, why, None);
        }
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::ImportClientVpnClientCertificateRevocationList(self.command());
        Ok(Act::command(
            command,
            format!(
                "Client certificate revocation list of {} imported",
                self.title
            ),
        ))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let why = match self.preview.read() {
            _ if self.list.is_empty() => "Paste or choose a list first",
            None if self.preview.refused().is_some() => "This list cannot be imported",
            None => "The list is being read",
            Some(it) if it.older.is_some() && !self.allow_older => {
                "The list is older: say first that it is meant"
            }
            Some(_) => return None,
        };
        Some(why.to_owned())
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

const OLDER: &str =
    "Import the older list: certificates that only the present one revokes come in again";

/// What the list holds, and what importing it does.
fn shown(cx: &Context<'_>, ui: &mut Ui, preview: &RevocationListPreview) {
    facts(cx, ui, &preview.list);
    kit::body(ui, &against_present(preview));
    let certificates = preview.certificates.iter();
    let revoked: Vec<String> = certificates
        .map(|(name, _, it)| format!("{name}, since {}", format::moment(it.at, cx.now, cx.zone)))
        .collect();
    let ended: Vec<String> = preview
        .connections
        .iter()
        .map(|(name, id)| format!("{name}, {id}"))
        .collect();
    if ended.is_empty() {
        kit::help(ui, "It ends no session.");
    }
    let lists = [
        ("Sessions it ends".to_owned(), ended),
        ("Certificates here that it revokes".to_owned(), revoked),
    ];
    listed(ui, &lists, 220.0);
}

fn against_present(preview: &RevocationListPreview) -> String {
    let certificates = |count: u32| counted(count as usize, "certificate", "certificates");
    match (preview.added, preview.removed) {
        (0, 0) => "It revokes what the present list revokes.".to_owned(),
        (added, 0) => format!("It revokes {} more than now.", certificates(added)),
        (0, removed) => format!("It takes {} off the list.", certificates(removed)),
        (added, removed) => format!(
            "It revokes {} more than now, and takes {} off the list.",
            certificates(added),
            certificates(removed)
        ),
    }
}
