//! Revoke: certificates of authorities whose keys are here.

use std::sync::Arc;

use egui::Ui;

use super::{counted, imported_stay, revoker, trusting};
use crate::{
    app::{
        context::Context,
        dialogs::confirm::listed,
        form::{self, Act, DialogForm, FormDialog},
        kit::{self, Choice},
    },
    model::{
        Certificate, Command, Connection, Refusal, RevocationReason, Snapshot,
        command::RevokeCertificate,
    },
};

/// Asks why, and says what ends.
#[derive(Debug)]
pub struct Revoke {
    certificates: Vec<Arc<Certificate>>,
    reason: RevocationReason,
    form: DialogForm,
}

impl Revoke {
    /// Of `certificates` those that can be revoked here; none where there is none.
    #[must_use]
    pub fn new(snapshot: &Snapshot, certificates: Vec<Arc<Certificate>>) -> Option<Self> {
        let mut certificates = certificates;
        certificates.retain(|it| it.revoked.is_none() && revoker(snapshot, it).is_some());
        (!certificates.is_empty()).then(|| Self {
            certificates,
            reason: RevocationReason::default(),
            form: DialogForm::default(),
        })
    }

    fn named(&self) -> String {
        match self.certificates.as_slice() {
            [only] => only.title().to_owned(),
            all => format!("{} certificates", all.len()),
        }
    }

    fn authorities<'s>(&self, snapshot: &'s Snapshot) -> Vec<&'s Certificate> {
        let all = self.certificates.iter();
        let mut all: Vec<_> = all.filter_map(|it| revoker(snapshot, it)).collect();
        all.sort_by(|a, b| a.arn.cmp(&b.arn));
        all.dedup_by(|a, b| a.arn == b.arn);
        all
    }
}

const REASON: (&str, &str) = ("Reason", "Reason");

impl FormDialog for Revoke {
    fn title(&self) -> String {
        format!("Revoke {}", self.named())
    }

    fn verb(&self) -> &'static str {
        "Revoke"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let snapshot = &cx.view.snapshot;
        let holders = match self.certificates.as_slice() {
            [_] => "Its holder cannot connect any more",
            _ => "Their holders cannot connect any more",
        };
        kit::banner(kit::Tone::Warning, holders)
            .body("A revoked certificate stays so. Who is to come in again gets another one.")
            .ui(ui);
        let reasons = REASONS.map(|(reason, words)| Choice::new(reason, words));
        form.choose(ui, REASON, &mut self.reason, &reasons, |field| {
            field.help("It is written into the list, for whoever reads it.")
        });
        let authorities = self.authorities(snapshot);
        let lists = [
            ("Sessions that end".to_owned(), self.ends(cx, &authorities)),
            ("Certificates".to_owned(), self.listed()),
        ];
        if lists[0].1.is_empty() {
            kit::help(ui, "No session ends.");
        }
        listed(ui, &lists, 200.0);
        imported_stay(ui, snapshot, &authorities);
        form.error_below(ui, "CertificateArn");
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let done = format!("{} revoked", self.named());
        if let [only] = self.certificates.as_slice() {
            return Ok(Act::command(self.command(only), done));
        }
        let console = Arc::clone(cx.backend.console());
        let snapshot = &cx.view.snapshot;
        // What a first try has revoked is not tried again.
        let is_left = |it: &&Arc<Certificate>| {
            let now = snapshot.certificates.get(&it.arn);
            now.is_none_or(|now| now.revoked.is_none())
        };
        let left = self.certificates.iter().filter(is_left);
        let left: Vec<_> = left
            .map(|it| (it.title().to_owned(), self.command(it)))
            .collect();
        Ok(Act::steps(async move {
            let all = left.len();
            for (turn, (name, command)) in left.into_iter().enumerate() {
                form::call(&*console, command).await.map_err(|refusal| {
                    let so_far = counted(turn, "certificate was", "certificates were");
                    let why = &refusal.message;
                    let message = format!(
                        "{name} was not revoked: {why}. Before it, {so_far} revoked of {all}"
                    );
                    Refusal { message, ..refusal }
                })?;
            }
            Ok(Some(done))
        }))
    }
}

impl Revoke {
    fn command(&self, certificate: &Certificate) -> Command {
        Command::RevokeCertificate(RevokeCertificate {
            certificate_arn: certificate.arn.to_string(),
            reason: self.reason,
        })
    }

    /// The certificates by name; none where there is one, which the title names.
    fn listed(&self) -> Vec<String> {
        match self.certificates.as_slice() {
            [_] => Vec::new(),
            all => all.iter().map(|it| it.title().to_owned()).collect(),
        }
    }

    /// The live sessions that showed one of them where the new list is in force at once.
    fn ends(&self, cx: &Context<'_>, authorities: &[&Certificate]) -> Vec<String> {
        let snapshot = &cx.view.snapshot;
        let shows = |it: &Connection| {
            let serial = it.certificates.first().map(|leaf| &leaf.serial);
            let mut ours = self.certificates.iter();
            serial.is_some_and(|serial| ours.any(|it| it.serial == *serial))
        };
        let takes = |it: &Connection| {
            let mut endpoints = authorities.iter().flat_map(|of| trusting(snapshot, of));
            endpoints.any(|(endpoint, takes)| takes && endpoint.id == it.endpoint_id)
        };
        let live = cx.view.live.connections.iter();
        live.filter(|it| it.ended_at.is_none() && shows(it) && takes(it))
            .map(|it| format!("{}, {}", it.common_name, it.id))
            .collect()
    }
}

/// What a list can say of a certificate that is revoked for good.
const REASONS: [(RevocationReason, &str); 7] = [
    (RevocationReason::Unspecified, "Not said"),
    (
        RevocationReason::KeyCompromise,
        "Somebody else may have the key",
    ),
    (RevocationReason::CessationOfOperation, "No longer needed"),
    (
        RevocationReason::Superseded,
        "Another certificate has taken its place",
    ),
    (
        RevocationReason::AffiliationChanged,
        "The holder has left or has other work",
    ),
    (
        RevocationReason::PrivilegeWithdrawn,
        "A right was taken back",
    ),
    (RevocationReason::CertificateHold, "On hold"),
];
