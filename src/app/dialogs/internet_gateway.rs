//! Create an internet gateway and attach it to a VPC.

use std::sync::Arc;

use egui::Ui;

use super::create_vpc::{NAME, named};
use crate::{
    app::{
        context::Context,
        form::{self, Act, DialogForm, FormDialog},
        kit,
    },
    control::Console,
    model::{
        Answer, Command, InternetGatewayId, Refusal, Vpc, VpcId,
        command::{ById, CreateInternetGateway, GatewayAttachment},
    },
};

/// Asks for its name.
#[derive(Debug)]
pub struct NewInternetGateway {
    vpc: Vpc,
    name: String,
    form: DialogForm,
}

impl NewInternetGateway {
    /// An internet gateway for `vpc`.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            name: String::new(),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for NewInternetGateway {
    fn title(&self) -> String {
        "Create internet gateway".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create and attach"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NAME, &mut self.name, |field| {
            field.optional().hint("internet")
        });
        let what = format!(
            "{} then reaches everything outside it by this machine's own routes. Clients need a route and a rule for it too.",
            self.vpc.title()
        );
        kit::help(ui, &what);
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let console = Arc::clone(cx.backend.console());
        let (vpc, name) = (self.vpc.id.clone(), self.name.clone());
        let done = format!("{} reaches the internet", self.vpc.title());
        Ok(Act::steps(async move {
            create_and_attach(&*console, &vpc, &name).await?;
            Ok(Some(done))
        }))
    }
}

/// Makes an internet gateway and attaches it.
///
/// # Errors
/// The service's refusal; a gateway that could not be attached does not stay behind.
pub(in crate::app) async fn create_and_attach(
    console: &dyn Console,
    vpc: &VpcId,
    name: &str,
) -> Result<InternetGatewayId, Refusal> {
    let create = Command::CreateInternetGateway(CreateInternetGateway { tags: named(name) });
    let Answer::InternetGateway(gateway) = form::call(console, create).await? else {
        return Err(form::unexpected());
    };
    let attach = Command::AttachInternetGateway(GatewayAttachment {
        internet_gateway_id: gateway.id.to_string(),
        vpc_id: vpc.to_string(),
    });
    if let Err(refusal) = form::call(console, attach).await {
        let id = gateway.id.to_string();
        // What is told is why it was not attached, whatever becomes of it.
        drop(form::call(console, Command::DeleteInternetGateway(ById { id })).await);
        return Err(refusal);
    }
    Ok(gateway.id)
}
