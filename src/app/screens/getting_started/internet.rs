//! Step 5: the way to the internet, which may be left out.

use std::sync::Arc;

use egui::Ui;

use super::{Facts, Primary, Step, heading, refused, what_this_does};
use crate::{
    app::{
        context::Context,
        dialogs::internet_gateway::create_and_attach,
        form::{self, Form},
        kit::{self, Tone, icons},
    },
    control::Console,
    model::{
        Code, Command, InternetGatewayId, Refusal, SubnetId, VpcId,
        command::{AuthorizeIngress, CreateRoute, GatewayAttachment},
        net,
    },
};

/// What is chosen and how far it is.
#[derive(Default)]
pub(super) struct Internet {
    wanted: bool,
    form: Form<()>,
}

impl Step for Internet {
    fn poll(&mut self, _cx: &mut Context<'_>) -> bool {
        self.form.poll().is_some()
    }

    fn ui(&mut self, _cx: &mut Context<'_>, ui: &mut Ui, facts: &Facts) {
        let full = facts.endpoint.as_ref().is_some_and(|e| !e.split_tunnel);
        let purpose = if full {
            "The tunnel is full: while connected, everything a client sends goes through it, so without a route to the internet it has none."
        } else {
            "The tunnel is split: clients reach the internet by their own connection, whatever you choose here."
        };
        heading(ui, "Internet and other routes", purpose);
        if facts.internet {
            kit::banner(
                Tone::Success,
                "Clients reach the internet through this machine",
            )
            .body("A route to 0.0.0.0/0 and a rule for it are there.")
            .ui(ui);
            return;
        }
        refused(ui, self.form.elsewhere());
        ui.spacing_mut().item_spacing.y = 8.0;
        kit::choice_card(
            "Only the target network",
            "Add routes at any time in the Route Table tab",
        )
        .icon(icons::NETWORK)
        .radio(ui, &mut self.wanted, false);
        kit::choice_card(
            "The internet too, through this machine",
            "By an internet gateway and this machine's own routes",
        )
        .values("0.0.0.0/0", "")
        .icon(icons::GLOBE)
        .radio(ui, &mut self.wanted, true);
        ui.add_space(4.0);
        let words = match (self.wanted, full) {
            (true, _) => {
                "Makes an internet gateway and attaches it to the VPC, adds a route to 0.0.0.0/0, and authorizes all users for it."
            }
            (false, true) => {
                "Nothing. Connected clients reach the target network and no other, also not the internet."
            }
            (false, false) => "Nothing. Clients keep their own way to the internet.",
        };
        what_this_does(ui, words);
    }

    fn primary(&self, facts: &Facts) -> Primary {
        if facts.internet {
            return Primary::new("Continue");
        }
        if !self.wanted {
            return Primary::new("Continue without");
        }
        let lacks = facts
            .subnet
            .is_none()
            .then_some("The target network comes first");
        Primary::new("Add route and continue")
            .working(self.form.is_working())
            .off(lacks)
    }

    fn act(&mut self, cx: &mut Context<'_>, facts: &Facts) -> bool {
        if facts.internet || !self.wanted {
            return true;
        }
        let (Some(endpoint), Some(subnet)) = (&facts.endpoint, &facts.subnet) else {
            return false;
        };
        let gateways = &cx.view.snapshot.internet_gateways;
        let way = Way {
            endpoint: endpoint.id.to_string(),
            subnet: subnet.id.clone(),
            vpc: subnet.vpc_id.clone(),
            attached: cx
                .view
                .snapshot
                .internet_gateway_of(&subnet.vpc_id)
                .is_some(),
            loose: gateways
                .values()
                .find(|gateway| gateway.vpc_id.is_none())
                .map(|gateway| gateway.id.clone()),
        };
        let console = Arc::clone(cx.backend.console());
        self.form
            .start(cx.backend.spawn(async move { open(&*console, way).await }));
        false
    }
}

/// What there is of the way to the internet.
struct Way {
    endpoint: String,
    subnet: SubnetId,
    vpc: VpcId,
    /// Whether the VPC has an internet gateway.
    attached: bool,
    /// One that no VPC uses.
    loose: Option<InternetGatewayId>,
}

/// Makes what lacks; what a first try made is taken up again.
async fn open(console: &dyn Console, way: Way) -> Result<(), Refusal> {
    match (way.attached, way.loose) {
        (true, _) => {}
        (false, None) => {
            create_and_attach(console, &way.vpc, "internet").await?;
        }
        (false, Some(gateway)) => {
            let attach = Command::AttachInternetGateway(GatewayAttachment {
                internet_gateway_id: gateway.to_string(),
                vpc_id: way.vpc.to_string(),
            });
            form::call(console, attach).await?;
        }
    }
    let everywhere = net::everywhere().to_string();
    let route = CreateRoute {
        client_vpn_endpoint_id: way.endpoint.clone(),
        destination_cidr_block: everywhere.clone(),
        target_vpc_subnet_id: way.subnet.to_string(),
        all_associations: false,
        description: "Internet".to_owned(),
    };
    unless_there(form::call(console, Command::CreateClientVpnRoute(route)).await)?;
    let rule = AuthorizeIngress {
        client_vpn_endpoint_id: way.endpoint,
        target_network_cidr: everywhere,
        authorize_all_groups: true,
        description: "Internet".to_owned(),
        ..AuthorizeIngress::default()
    };
    unless_there(form::call(console, Command::AuthorizeClientVpnIngress(rule)).await)
}

fn unless_there<T>(outcome: Result<T, Refusal>) -> Result<(), Refusal> {
    match outcome {
        Err(refusal) if matches!(refusal.code, Code::DuplicateRoute | Code::DuplicateRule) => {
            Ok(())
        }
        other => other.map(drop),
    }
}
