//! Export Client Certificate CRL: an endpoint's list, or an authority's, to a file.

use std::sync::Arc;

use egui::Ui;

use super::facts;
use crate::{
    app::{
        context::Context,
        dialogs::export_certificate::file_stem,
        files,
        form::{self, Act, DialogForm, FormDialog},
        kit,
    },
    model::{
        Answer, Certificate, Command, Endpoint, Refusal, RevocationList, Snapshot,
        command::{CertificateName, OfEndpoint},
    },
};

/// Shows what the list is, then asks where to put it.
#[derive(Debug)]
pub struct ExportList {
    of: String,
    list: Arc<RevocationList>,
    command: Command,
    form: DialogForm,
}

impl ExportList {
    /// The list of `endpoint`; none where it has none.
    #[must_use]
    pub fn of_endpoint(snapshot: &Snapshot, endpoint: &Endpoint) -> Option<Self> {
        let list = snapshot.revocation_lists.get(&endpoint.id)?;
        let of = OfEndpoint {
            client_vpn_endpoint_id: endpoint.id.to_string(),
        };
        let command = Command::ExportClientVpnClientCertificateRevocationList(of);
        Some(Self::new(endpoint.title(), list, command))
    }

    /// The list that was generated for `authority` last; none where there is none.
    #[must_use]
    pub fn of_authority(snapshot: &Snapshot, authority: &Certificate) -> Option<Self> {
        let list = snapshot.authority_lists.get(&authority.arn)?;
        let command = Command::ExportRevocationList(CertificateName {
            certificate_arn: authority.arn.to_string(),
        });
        Some(Self::new(authority.title(), list, command))
    }

    fn new(of: &str, list: &Arc<RevocationList>, command: Command) -> Self {
        Self {
            of: of.to_owned(),
            list: Arc::clone(list),
            command,
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for ExportList {
    fn title(&self) -> String {
        format!("Export Client Certificate CRL of {}", self.of)
    }

    fn verb(&self) -> &'static str {
        "Export CRL…"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, _form: &mut DialogForm) {
        facts(cx, ui, &self.list);
        kit::help(ui, "The file is in PEM. It holds no secret.");
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let (console, files) = (Arc::clone(cx.backend.console()), Arc::clone(cx.files));
        let command = self.command.clone();
        let name = format!("{}-crl.pem", file_stem(&self.of));
        Ok(Act::steps(async move {
            let Some(path) = files.choose_target("Export CRL", &name).await else {
                return Ok(None);
            };
            let Answer::ExportedRevocationList(list) = form::call(&*console, command).await? else {
                return Err(form::unexpected());
            };
            files::write_private(&path, list.pem.as_bytes())?;
            Ok(Some(format!("Saved {}", path.display())))
        }))
    }
}
