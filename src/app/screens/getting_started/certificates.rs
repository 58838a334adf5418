//! Step 1: an authority and a server certificate.

use std::sync::Arc;

use egui::Ui;

use super::{Facts, Primary, Step, heading, refused, what_this_does};
use crate::{
    app::{
        context::Context,
        dialogs::import_certificate::{PemField, PemWords},
        form::{self, Form, moved},
        format,
        kit::{self, Value, icons},
    },
    control::Console,
    model::{
        Answer, CertificateArn, CertificateUse, Code, Command, KeyType, Refusal, Request,
        command::{
            CertificateName, CreateCertificateAuthority, ImportCertificate, IssueCertificate,
        },
    },
};

/// What is typed and how far it is.
#[derive(Default)]
pub(super) struct Certificates {
    way: Way,
    ca_name: Option<String>,
    server_name: Option<String>,
    ca: PemField,
    ca_key: PemField,
    server: PemField,
    server_key: PemField,
    form: Form<()>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Make,
    Bring,
}

impl Step for Certificates {
    fn poll(&mut self, _cx: &mut Context<'_>) -> bool {
        self.form.poll().is_some()
    }

    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, facts: &Facts) {
        heading(
            ui,
            "Certificates",
            "The gateway proves itself to clients by a server certificate; clients prove themselves by certificates of an authority.",
        );
        if facts.is_done(0) {
            summary(cx, ui, facts);
            return;
        }
        refused(ui, self.form.elsewhere());
        kit::choice_card(
            "Make them here",
            "An authority and a server certificate, in a moment",
        )
        .tag("Recommended")
        .icon(icons::CERTIFICATE)
        .radio(ui, &mut self.way, Way::Make);
        kit::choice_card(
            "Bring your own",
            "Such as ca.crt, server.crt and server.key of easy-rsa",
        )
        .icon(icons::FILE_TEXT)
        .radio(ui, &mut self.way, Way::Bring);
        match self.way {
            Way::Make => self.names(cx, ui),
            Way::Bring => self.files(cx, ui),
        }
    }

    fn primary(&self, facts: &Facts) -> Primary {
        let words = match (facts.is_done(0), self.way) {
            (true, _) => "Continue",
            (false, Way::Make) => "Create and continue",
            (false, Way::Bring) => "Import and continue",
        };
        Primary::new(words).working(self.form.is_working())
    }

    fn act(&mut self, cx: &mut Context<'_>, facts: &Facts) -> bool {
        if facts.is_done(0) {
            return true;
        }
        match self.way {
            Way::Make => self.make(cx),
            Way::Bring => self.bring(cx),
        }
        false
    }
}

impl Certificates {
    fn names(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        let ca_name = self
            .ca_name
            .get_or_insert_with(|| "Gatehouse CA".to_owned());
        let server_name = self
            .server_name
            .get_or_insert_with(|| server_name(&cx.about.host));
        let form = &mut self.form;
        kit::two_columns(ui, |left, right| {
            form.text(left, CA_NAME, ca_name, |field| {
                field.help("Signs the server's and the clients' certificates.")
            });
            form.text(right, SERVER_NAME, server_name, |field| {
                field.help("Clients check the gateway by this name. It needs no DNS record.")
            });
        });
        what_this_does(
            ui,
            "Makes an authority whose key stays here, encrypted, and issues a server certificate from it.",
        );
    }

    fn files(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        let form = &mut self.form;
        kit::two_columns(ui, |left, right| {
            self.ca.ui(cx, left, form, CA, false);
            self.server.ui(cx, right, form, SERVER, false);
            self.ca_key.ui(cx, left, form, CA_KEY, true);
            self.server_key.ui(cx, right, form, SERVER_KEY, false);
        });
        what_this_does(
            ui,
            "Checks that they belong together, then keeps them here, the keys encrypted.",
        );
    }

    fn make(&mut self, cx: &Context<'_>) {
        let ca = self.ca_name.clone().unwrap_or_default().trim().to_owned();
        let server = self.server_name.clone().unwrap_or_default();
        let server = server.trim().to_owned();
        if server.is_empty() {
            let example = "server.example.com";
            self.form
                .refuse(Refusal::missing(SERVER_NAME.0, example).cure(example));
            return;
        }
        // A first try may have made the authority and no certificate: it is taken up again.
        let certificates = cx.view.snapshot.certificates.values();
        let made = certificates
            .filter(|c| c.usage == CertificateUse::Authority && c.has_private_key)
            .find(|c| c.title() == ca)
            .map(|c| c.arn.clone());
        let console = Arc::clone(cx.backend.console());
        self.form.start(cx.backend.spawn(async move {
            let authority = match made {
                Some(arn) => arn,
                None => create_authority(&*console, ca).await?,
            };
            issue_server(&*console, &authority, server).await
        }));
    }

    fn bring(&mut self, cx: &Context<'_>) {
        for (field, words, example) in [
            (&self.ca, CA, "ca.crt"),
            (&self.server, SERVER, "server.crt"),
            (&self.server_key, SERVER_KEY, "server.key"),
        ] {
            if field.is_empty() {
                self.form.refuse(Refusal::missing(words.field, example));
                return;
            }
        }
        let server = ImportCertificate {
            certificate: self.server.bytes(),
            private_key: self.server_key.secret(),
            certificate_chain: Some(self.ca.bytes()),
            ..ImportCertificate::default()
        };
        let ca = ImportCertificate {
            certificate: self.ca.bytes(),
            private_key: self.ca_key.secret(),
            certificate_chain: None,
            ..ImportCertificate::default()
        };
        let console = Arc::clone(cx.backend.console());
        self.form.start(
            cx.backend
                .spawn(async move { import(&*console, ca, server).await }),
        );
    }
}

async fn create_authority(
    console: &dyn Console,
    common_name: String,
) -> Result<CertificateArn, Refusal> {
    let command = CreateCertificateAuthority {
        common_name,
        key_type: KeyType::default(),
    };
    let made = form::call(console, Command::CreateCertificateAuthority(command)).await;
    match made.map_err(|refusal| moved(refusal, "CommonName", CA_NAME.0))? {
        Answer::CertificateArn(arn) => Ok(arn),
        _ => Err(form::unexpected()),
    }
}

async fn issue_server(
    console: &dyn Console,
    authority: &CertificateArn,
    common_name: String,
) -> Result<(), Refusal> {
    let command = IssueCertificate {
        ca_arn: authority.to_string(),
        usage: CertificateUse::Server,
        common_name,
        key_type: KeyType::default(),
        validity_days: None,
        alternative_names: Vec::new(),
    };
    let issued = form::call(console, Command::IssueCertificate(command)).await;
    issued
        .map(drop)
        .map_err(|refusal| moved(refusal, "CommonName", SERVER_NAME.0))
}

/// Imports authority and server certificate, or neither: the server's is judged first, since what
/// is wrong is most often wrong there.
async fn import(
    console: &dyn Console,
    ca: ImportCertificate,
    server: ImportCertificate,
) -> Result<(), Refusal> {
    let of_server = |refusal: Refusal| {
        let refusal = moved(refusal, "Certificate", SERVER.field);
        let refusal = moved(refusal, "PrivateKey", SERVER_KEY.field);
        moved(refusal, "CertificateChain", CA.field)
    };
    let judged = Request {
        dry_run: true,
        ..Command::ImportCertificate(server.clone()).into()
    };
    match console.call(judged).await {
        Err(refusal) if refusal.code != Code::DryRunOperation => return Err(of_server(refusal)),
        _ => {}
    }
    let ca = form::call(console, Command::ImportCertificate(ca)).await;
    let ca = ca.map_err(|refusal| {
        let refusal = moved(refusal, "Certificate", CA.field);
        moved(refusal, "PrivateKey", CA_KEY.field)
    })?;
    let server = form::call(console, Command::ImportCertificate(server)).await;
    let server = server.map_err(of_server)?;
    let (Answer::CertificateArn(ca), Answer::CertificateArn(server)) = (ca, server) else {
        return Err(form::unexpected());
    };
    check_uses(console, &ca, &server).await
}

/// Takes both out again if one of them is not what it is to be used as.
async fn check_uses(
    console: &dyn Console,
    ca: &CertificateArn,
    server: &CertificateArn,
) -> Result<(), Refusal> {
    let wanted = [
        (
            server,
            CertificateUse::Server,
            SERVER,
            "is no server certificate: its extended key usage lacks serverAuth. Take the one made by \"build-server-full\", such as server.crt",
        ),
        (
            ca,
            CertificateUse::Authority,
            CA,
            "is no certificate authority. Take the one that signed the server's certificate, such as ca.crt",
        ),
    ];
    for (arn, usage, words, wrong) in wanted {
        let command = Command::DescribeCertificate(named(arn));
        let Answer::Certificate(found) = form::call(console, command).await? else {
            return Err(form::unexpected());
        };
        if found.usage != usage {
            for arn in [server, ca] {
                form::call(console, Command::DeleteCertificate(named(arn))).await?;
            }
            let message = format!("{} {wrong}", found.title());
            return Err(Refusal::new(Code::Validation, message).at(words.field));
        }
    }
    Ok(())
}

fn named(arn: &CertificateArn) -> CertificateName {
    CertificateName {
        certificate_arn: arn.to_string(),
    }
}

fn summary(cx: &Context<'_>, ui: &mut Ui, facts: &Facts) {
    let (Some(server), Some(root)) = (&facts.server, &facts.root) else {
        return;
    };
    let until = format::day(server.not_after, cx.zone);
    let signs = if root.has_private_key && root.usage == CertificateUse::Authority {
        "Can issue client certificates here"
    } else {
        "Its key is not here: clients' certificates are made where it is"
    };
    kit::key_values(
        ui,
        &[
            ("Server certificate", Value::Text(server.title())),
            ("Expires", Value::Text(&until)),
            ("Clients come from", Value::Text(root.title())),
            ("That authority", Value::Text(signs)),
        ],
    );
}

/// A name for the server: that of the machine, where it can stand in a certificate.
fn server_name(host: &str) -> String {
    let right = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if host.is_empty() || host.len() > 64 || !host.chars().all(right) {
        "server".to_owned()
    } else {
        host.to_owned()
    }
}

const CA_NAME: (&str, &str) = ("CaName", "Name of the authority");
const SERVER_NAME: (&str, &str) = ("ServerName", "Name of the server");
const CA: PemWords = PemWords {
    field: "CaCertificate",
    label: "Authority's certificate",
    choose: "Choose ca.crt…",
    help: "Also lets clients in that it signed.",
    is_secret: false,
};
const CA_KEY: PemWords = PemWords {
    field: "CaKey",
    label: "Authority's key",
    choose: "Choose ca.key…",
    help: "Only to issue client certificates here.",
    is_secret: true,
};
const SERVER: PemWords = PemWords {
    field: "ServerCertificate",
    label: "Server's certificate",
    choose: "Choose server.crt…",
    help: "Signed by that authority.",
    is_secret: false,
};
const SERVER_KEY: PemWords = PemWords {
    field: "ServerKey",
    label: "Server's key",
    choose: "Choose server.key…",
    help: "In PEM, without a passphrase.",
    is_secret: true,
};
