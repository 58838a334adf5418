//! Issue a server or client certificate under an authority of the store.

use egui::Ui;

use super::create_ca::key_type;
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        format,
        kit::{self, Choice},
    },
    model::{
        CertificateArn, CertificateUse, Code, Command, KeyType, Refusal, command::IssueCertificate,
    },
};

/// Asks for authority, use, name and key.
#[derive(Debug)]
pub struct Issue {
    authority: Option<CertificateArn>,
    usage: CertificateUse,
    common_name: String,
    key_type: KeyType,
    days: String,
    names: String,
    form: DialogForm,
}

impl Issue {
    /// A certificate under `authority`, if one is known already.
    #[must_use]
    pub fn new(authority: Option<CertificateArn>) -> Self {
        Self {
            authority,
            usage: CertificateUse::Client,
            common_name: String::new(),
            key_type: KeyType::default(),
            days: String::new(),
            names: String::new(),
            form: DialogForm::default(),
        }
    }
}

impl Issue {
    /// The further names; a client has none, whatever was typed while it was to be a server.
    fn alternative_names(&self) -> Vec<String> {
        if self.usage != CertificateUse::Server {
            return Vec::new();
        }
        let names = self.names.split(|c: char| c == ',' || c.is_whitespace());
        let names = names.filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }
}

pub(super) const AUTHORITY: (&str, &str) = ("CaArn", "Certificate authority");
const NAMES: (&str, &str) = ("SubjectAlternativeNames", "Other names");
const VALIDITY: (&str, &str) = ("ValidityDays", "Validity in days");

/// The choice of the authority that signs; where there is one only, it is that.
pub(super) fn choose_authority(
    ui: &mut Ui,
    form: &mut DialogForm,
    chosen: &mut Option<CertificateArn>,
    authorities: &[Choice<Option<CertificateArn>>],
) {
    if chosen.is_none()
        && let [only] = authorities
    {
        *chosen = only.value.clone();
    }
    form.choose(ui, AUTHORITY, chosen, authorities, |field| {
        field.nothing("No authority here has its key: create one first")
    });
}

/// The field for how long a certificate is to last; left empty, it is `usual`.
pub(super) fn validity(ui: &mut Ui, form: &mut DialogForm, days: &mut String, usual: &str) {
    let help = "1 to 3,650 days from now, but never longer than the authority itself.";
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method alone is of one lifetime"
    )]
    form.text_with(ui, VALIDITY, days, (usual, help), |field| field.optional());
}

/// What was typed there; none where it was left empty.
pub(super) fn days(text: &str) -> Result<Option<u32>, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let refused = || {
        let words = format!("{text} is no number of days; type 1 to 3650, for example 365");
        Refusal::new(Code::Validation, words)
            .at(VALIDITY.0)
            .cure("365")
    };
    text.parse().map(Some).map_err(|_| refused())
}

impl FormDialog for Issue {
    fn title(&self) -> String {
        "Issue certificate".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Issue"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let authorities = authorities(cx);
        choose_authority(ui, form, &mut self.authority, &authorities);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            kit::fieldset(ui, "Use", "");
            kit::segmented_form(ui, "Use", &mut self.usage, &USES);
        });
        let (hint, help) = match self.usage {
            CertificateUse::Server => (
                "server.example.com",
                "The name that clients check the gateway by.",
            ),
            _ => ("a.lindqvist", "Who or what connects with it."),
        };
        form.text(ui, ("CommonName", "Name"), &mut self.common_name, |field| {
            field.hint(hint).help(help)
        });
        if self.usage == CertificateUse::Server {
            form.text(ui, NAMES, &mut self.names, |field| {
                field
                    .optional()
                    .hint("vpn2.example.com, 192.0.2.10")
                    .help("Further host names and addresses, with commas between.")
            });
        }
        validity(ui, form, &mut self.days, "825");
        key_type(ui, &mut self.key_type);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let Some(authority) = &self.authority else {
            return Err(Refusal::missing(AUTHORITY.0, "one of the list"));
        };
        let command = Command::IssueCertificate(IssueCertificate {
            ca_arn: authority.to_string(),
            usage: self.usage,
            common_name: self.common_name.trim().to_owned(),
            key_type: self.key_type,
            validity_days: days(&self.days)?,
            alternative_names: self.alternative_names(),
        });
        Ok(Act::command(
            command,
            format!("{} issued", self.common_name.trim()),
        ))
    }
}

/// The authorities that can sign here.
pub(super) fn authorities(cx: &Context<'_>) -> Vec<Choice<Option<CertificateArn>>> {
    let certificates = cx.view.snapshot.certificates.values();
    certificates
        .filter(|c| c.usage == CertificateUse::Authority && c.has_private_key)
        .map(|c| {
            let until = format!("until {}", format::day(c.not_after, cx.zone));
            Choice::new(Some(c.arn.clone()), c.title()).detail(until)
        })
        .collect()
}

pub(super) const USES: [(CertificateUse, &str); 2] = [
    (CertificateUse::Client, "Client"),
    (CertificateUse::Server, "Server"),
];
