//! Create an internet gateway and attach it to a VPC.

use std::sync::Arc;

use super::{Dialog, Stay, create_ca::WIDTH, create_vpc::named};
use crate::{
    app::{
        context::{Action, Context},
        form::{self, Form},
        kit,
    },
    control::Console,
    model::{
        Answer, Command, InternetGatewayId, Refusal, Vpc, VpcId,
        command::{CreateInternetGateway, GatewayAttachment},
    },
};

/// Asks for its name.
#[derive(Debug)]
pub struct NewInternetGateway {
    vpc: Vpc,
    name: String,
    form: Form<()>,
}

impl NewInternetGateway {
    /// An internet gateway for `vpc`.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            name: String::new(),
            form: Form::default(),
        }
    }
}

impl Dialog for NewInternetGateway {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            cx.ask(Action::Toast(format!(
                "{} reaches the internet",
                self.vpc.title()
            )));
            return Stay::Closed;
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog("Create internet gateway", "Create and attach")
            .errors(self.form.errors())
            .changed(!self.name.is_empty())
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| {
                self.form
                    .text(ui, ("Name", "Name"), &mut self.name, |field| {
                        field.optional().hint("internet")
                    });
                let what = format!(
                    "{} then reaches everything outside it by this machine's own routes. Clients need a route and a rule for it too.",
                    self.vpc.title()
                );
                kit::help(ui, &what);
            });
        match shown {
            kit::Dialog::Open => {}
            kit::Dialog::Closed => return Stay::Closed,
            kit::Dialog::Submitted => {
                let console = Arc::clone(cx.backend.console());
                let (vpc, name) = (self.vpc.id.clone(), self.name.clone());
                self.form.start(cx.backend.spawn(async move {
                    create_and_attach(&*console, &vpc, &name).await.map(drop)
                }));
            }
        }
        Stay::Open
    }
}

/// Makes an internet gateway and attaches it.
///
/// # Errors
/// The service's refusal; then the gateway may exist, unattached.
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
    form::call(console, attach).await?;
    Ok(gateway.id)
}
