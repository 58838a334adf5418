//! Apply Security Groups: which groups the target networks of an endpoint have.

use egui::Ui;

use super::group_choice::GroupChoice;
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit, nets,
        preview::PreviewPane,
    },
    model::{
        Command, Endpoint, EndpointId, Refusal, VpcId, command::ApplySecurityGroups as Fields,
    },
};

const GROUPS: &str = "SecurityGroupIds";

/// The dialog.
#[derive(Debug)]
pub struct ApplySecurityGroups {
    endpoint: EndpointId,
    title: String,
    vpc: VpcId,
    groups: GroupChoice,
    preview: PreviewPane,
    form: DialogForm,
}

impl ApplySecurityGroups {
    /// To an endpoint whose target networks are of `vpc`; those it has are chosen already.
    #[must_use]
    pub fn new(endpoint: &Endpoint, vpc: VpcId) -> Self {
        Self {
            endpoint: endpoint.id.clone(),
            title: endpoint.title().to_owned(),
            vpc,
            groups: GroupChoice::of(&endpoint.security_groups),
            preview: PreviewPane::default(),
            form: DialogForm::default(),
        }
    }

    fn command(&self) -> Command {
        Command::ApplySecurityGroupsToClientVpnTargetNetwork(Fields {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            vpc_id: self.vpc.to_string(),
            security_group_ids: self.groups.ids(),
        })
    }
}

impl FormDialog for ApplySecurityGroups {
    fn title(&self) -> String {
        format!("Apply Security Groups to {}", self.title)
    }

    fn verb(&self) -> &'static str {
        "Apply Security Groups"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.groups
            .ui(&cx.view.snapshot, &self.vpc, ui, form, GROUPS);
        kit::fieldset(ui, "What changes for those connected", "");
        let command = (!self.groups.chosen.is_empty()).then(|| self.command());
        self.preview.ui(cx, ui, command.as_ref());
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let names = nets::groups(&cx.view.snapshot, &self.groups.chosen);
        Ok(Act::command(self.command(), format!("Applied {names}")))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let nothing = self.groups.chosen.is_empty();
        nothing.then(|| "Choose at least one security group".to_owned())
    }
}
