//! Step 6: the file of the first client, and waiting for it.

use std::{path::PathBuf, sync::Arc};

use egui::Ui;

use super::{Facts, Primary, Step, facts, finish, heading, refused, what_this_does};
use crate::{
    app::{
        context::{Action, Context, Screen},
        files::{self, Files},
        form::{self, Form},
        format,
        kit::{self, Choice, Tone, icons},
    },
    control::Console,
    model::{
        Answer, AssociationState, CertificateArn, CertificateUse, Command, KeyType, Refusal,
        command::{ExportClientConfiguration, IssueCertificate},
    },
};

/// What is chosen and how far it is.
#[derive(Default)]
pub(super) struct FirstClient {
    who: Who,
    name: String,
    known: Option<CertificateArn>,
    form: Form<Option<Saved>>,
    saved: Option<Saved>,
    /// One more file is wanted though a client is connected.
    another: bool,
}

/// Whose certificate goes into the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Who {
    #[default]
    Issue,
    Known,
    Nobody,
}

/// The file that was written.
#[derive(Clone, Debug)]
struct Saved {
    path: PathBuf,
    has_key: bool,
}

impl Step for FirstClient {
    /// The last step: what follows is shown in its own place.
    fn poll(&mut self, _cx: &mut Context<'_>) -> bool {
        if let Some(Some(saved)) = self.form.poll() {
            self.saved = Some(saved);
            self.another = false;
        }
        false
    }

    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, facts: &Facts) {
        heading(
            ui,
            "Save the client configuration",
            "One file with all that an OpenVPN client needs. Each person or device gets a certificate, and so a file, of its own.",
        );
        if let Some(AssociationState::Failed { reason }) =
            facts.association.as_ref().map(|a| &a.state)
        {
            kit::banner(Tone::Danger, "Clients cannot connect yet")
                .body(reason)
                .ui(ui);
        }
        if let Some(saved) = self.saved.clone() {
            self.waiting(cx, ui, &saved);
            return;
        }
        if self.is_over(facts) {
            let body = "The guide is at its end. More clients, rules and routes are made on the endpoint's page.";
            kit::banner(Tone::Success, "A client got through")
                .body(body)
                .ui(ui);
            self.more(cx, ui);
            return;
        }
        refused(ui, self.form.elsewhere());
        self.choose(cx, ui, facts);
        let words = match self.who {
            Who::Issue => {
                "Issues a client certificate and writes it, its key and the authority's certificate into the file, which only you can read."
            }
            Who::Known => {
                "Writes that certificate, its key and the authority's certificate into the file, which only you can read."
            }
            Who::Nobody => {
                "Writes a file without certificate and key: its owner adds them before connecting."
            }
        };
        what_this_does(ui, words);
    }

    fn primary(&self, facts: &Facts) -> Primary {
        if self.is_over(facts) {
            return Primary::new("Finish");
        }
        let lacks = facts
            .endpoint
            .is_none()
            .then_some("The endpoint comes first");
        Primary::new("Save client configuration…")
            .working(self.form.is_working())
            .off(lacks)
    }

    fn act(&mut self, cx: &mut Context<'_>, facts: &Facts) -> bool {
        if self.is_over(facts) {
            finish(cx, "Getting Started finished");
            return false;
        }
        self.save(cx, facts);
        false
    }
}

impl FirstClient {
    fn choose(&mut self, cx: &Context<'_>, ui: &mut Ui, facts: &Facts) {
        let signs = facts
            .root
            .as_ref()
            .is_some_and(|root| root.usage == CertificateUse::Authority && root.has_private_key);
        let known = self.known_clients(cx, facts);
        let no_signer = (!signs).then_some("The authority's key is not here");
        let no_client = known
            .is_empty()
            .then_some("No client certificate of that authority is here with its key");
        if !signs && self.who == Who::Issue {
            self.who = if known.is_empty() {
                Who::Nobody
            } else {
                Who::Known
            };
        }
        ui.spacing_mut().item_spacing.y = 8.0;
        kit::choice_card("A new client", "Its certificate is issued here")
            .icon(icons::USER_PLUS)
            .refused(no_signer)
            .radio(ui, &mut self.who, Who::Issue);
        if self.who == Who::Issue {
            self.form.text(
                ui,
                ("CommonName", "Name of the client"),
                &mut self.name,
                |field| {
                    field
                        .hint("a.lindqvist")
                        .width(320.0)
                        .help("Who or what connects; connections are listed by this name.")
                },
            );
        }
        kit::choice_card("A client certificate of the store", "With its private key")
            .icon(icons::CERTIFICATE)
            .refused(no_client)
            .radio(ui, &mut self.who, Who::Known);
        if self.who == Who::Known {
            if self.known.is_none() {
                self.known = known.first().and_then(|choice| choice.value.clone());
            }
            self.form.shows("ClientCertificateArn");
            let error = self
                .form
                .error("ClientCertificateArn", "Client certificate");
            kit::select(&mut self.known, &known)
                .label("Client certificate")
                .width(320.0)
                .error(error.as_deref())
                .ui(ui);
        }
        kit::choice_card(
            "Without a certificate",
            "For clients that have theirs already",
        )
        .icon(icons::FILE_TEXT)
        .radio(ui, &mut self.who, Who::Nobody);
        ui.add_space(4.0);
    }

    fn known_clients(
        &self,
        cx: &Context<'_>,
        facts: &Facts,
    ) -> Vec<Choice<Option<CertificateArn>>> {
        let Some(root) = &facts.root else {
            return Vec::new();
        };
        facts::clients(&cx.view.snapshot, root, cx.now)
            .map(|c| {
                let until = format!("until {}", format::day(c.not_after, cx.zone));
                Choice::new(Some(c.arn.clone()), c.title()).detail(until)
            })
            .collect()
    }

    fn waiting(&mut self, cx: &mut Context<'_>, ui: &mut Ui, saved: &Saved) {
        let path = saved.path.display().to_string();
        let inside = if saved.has_key {
            "It holds a private key: hand it only to its owner, and over a safe way."
        } else {
            "It holds no private key: its owner adds certificate and key."
        };
        let title = format!("Saved {path}");
        kit::banner(Tone::Success, &title).body(inside).ui(ui);
        kit::group_label(ui, "On the client");
        kit::body(
            ui,
            "Import the file into an OpenVPN client, or run this as root where the file is:",
        );
        let name = saved.path.file_name().unwrap_or_default().to_string_lossy();
        kit::copyable(ui, "command", &format!("openvpn --config {name}"));
        ui.add_space(4.0);
        self.more(cx, ui);
    }

    fn more(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        if kit::button("Save another file")
            .icon(icons::PLUS)
            .clicked(ui)
        {
            self.another = true;
            self.saved = None;
            self.name.clear();
            self.form.forget();
        }
        let on = "Go on with a scenario: a peered VPC, an on-premises network, the internet, single resources";
        if kit::link(ui, on).clicked() {
            cx.ask(Action::Go(Screen::Scenarios));
        }
    }

    /// Whether nothing is left to do here but to wait or to go on.
    fn is_over(&self, facts: &Facts) -> bool {
        self.saved.is_some() || facts.connection.is_some() && !self.another
    }

    fn save(&mut self, cx: &Context<'_>, facts: &Facts) {
        let Some(endpoint) = &facts.endpoint else {
            return;
        };
        let name = self.name.trim().to_owned();
        let with = match (self.who, &facts.root) {
            (Who::Issue, _) if name.is_empty() => {
                let refusal = Refusal::missing("CommonName", "a.lindqvist");
                self.form.refuse(refusal);
                return;
            }
            (Who::Issue, Some(root)) => With::Issue {
                authority: root.arn.clone(),
                name,
            },
            (Who::Known, _) => With::Known(self.known.clone()),
            (Who::Issue, None) | (Who::Nobody, _) => With::Known(None),
        };
        let (console, files) = (Arc::clone(cx.backend.console()), Arc::clone(cx.files));
        let endpoint = endpoint.id.to_string();
        self.form.start(
            cx.backend
                .spawn(async move { save(&*console, &*files, endpoint, with).await }),
        );
    }
}

/// The certificate that goes into the file.
enum With {
    Issue {
        authority: CertificateArn,
        name: String,
    },
    Known(Option<CertificateArn>),
}

/// Asks where to first, so that nothing is made for one who thinks better of it.
async fn save(
    console: &dyn Console,
    files: &dyn Files,
    endpoint: String,
    with: With,
) -> Result<Option<Saved>, Refusal> {
    let proposed = match &with {
        With::Issue { name, .. } => crate::app::dialogs::export_certificate::file_stem(name),
        With::Known(_) => "client".to_owned(),
    };
    let title = "Save client configuration";
    let Some(path) = files
        .choose_target(title, &format!("{proposed}.ovpn"))
        .await
    else {
        return Ok(None);
    };
    let client_certificate_arn = match with {
        With::Issue { authority, name } => Some(issue(console, &authority, name).await?),
        With::Known(arn) => arn,
    };
    let export = ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint,
        client_certificate_arn: client_certificate_arn.map(|arn| arn.to_string()),
    };
    let export = Command::ExportClientVpnClientConfiguration(export);
    let Answer::ClientConfiguration(file) = form::call(console, export).await? else {
        return Err(form::unexpected());
    };
    files::write_private(&path, file.text.expose())?;
    Ok(Some(Saved {
        path,
        has_key: file.has_private_key,
    }))
}

async fn issue(
    console: &dyn Console,
    authority: &CertificateArn,
    common_name: String,
) -> Result<CertificateArn, Refusal> {
    let command = IssueCertificate {
        ca_arn: authority.to_string(),
        usage: CertificateUse::Client,
        common_name,
        key_type: KeyType::default(),
        validity_days: None,
        alternative_names: Vec::new(),
    };
    match form::call(console, Command::IssueCertificate(command)).await? {
        Answer::CertificateArn(arn) => Ok(arn),
        _ => Err(form::unexpected()),
    }
}
