//! Step 4: who may reach what.

use std::sync::Arc;

use egui::Ui;

use super::{Facts, Primary, Step, heading, refused, what_this_does};
use crate::{
    app::{
        context::Context,
        form::{self, Form},
        kit::{self, icons},
    },
    control::Console,
    model::{Access, Command, Refusal, Snapshot, command::AuthorizeIngress},
};

/// What is chosen and how far it is.
#[derive(Default)]
pub(super) struct Authorization {
    what: What,
    network: String,
    form: Form<()>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    #[default]
    WholeVpc,
    Part,
}

impl Step for Authorization {
    fn poll(&mut self, _cx: &mut Context<'_>) -> bool {
        self.form.poll().is_some()
    }

    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, facts: &Facts) {
        heading(
            ui,
            "Authorize access",
            "A route leads clients to a network; a rule lets them in. Without a rule they reach nothing.",
        );
        if !facts.rules.is_empty() {
            rules(ui, &cx.view.snapshot, facts);
            return;
        }
        refused(ui, self.form.elsewhere());
        let blocks = blocks(facts).join(", ");
        ui.spacing_mut().item_spacing.y = 8.0;
        kit::choice_card(
            "All users, the whole VPC",
            "Everyone whose certificate is let in",
        )
        .values(&blocks, "")
        .icon(icons::USERS)
        .radio(ui, &mut self.what, What::WholeVpc);
        kit::choice_card(
            "All users, another network",
            "A part of the VPC, or one address",
        )
        .icon(icons::USERS)
        .radio(ui, &mut self.what, What::Part);
        if self.what == What::Part {
            ui.add_space(4.0);
            let hint = blocks.split(',').next().unwrap_or_default().to_owned();
            self.form.text_with(
                ui,
                ("TargetNetworkCidr", "Destination network"),
                &mut self.network,
                (&hint, "One address is a network of /32."),
                |field| field.mono().width(320.0),
            );
        }
        ui.add_space(4.0);
        let to = match self.what {
            What::WholeVpc => blocks.as_str(),
            What::Part if self.network.trim().is_empty() => "that network",
            What::Part => self.network.trim(),
        };
        let words = format!(
            "Lets every connected client reach {to}, and nothing else until you add more rules."
        );
        what_this_does(ui, &words);
    }

    fn primary(&self, facts: &Facts) -> Primary {
        if !facts.rules.is_empty() {
            return Primary::new("Continue");
        }
        let lacks = facts
            .vpc
            .is_none()
            .then_some("The target network comes first");
        Primary::new("Authorize and continue")
            .working(self.form.is_working())
            .off(lacks)
    }

    fn act(&mut self, cx: &mut Context<'_>, facts: &Facts) -> bool {
        if !facts.rules.is_empty() {
            return true;
        }
        let Some(endpoint) = &facts.endpoint else {
            return false;
        };
        let networks = match self.what {
            What::WholeVpc => blocks(facts),
            What::Part => vec![self.network.trim().to_owned()],
        };
        let endpoint = endpoint.id.to_string();
        let console = Arc::clone(cx.backend.console());
        self.form.start(
            cx.backend
                .spawn(async move { authorize(&*console, endpoint, networks).await }),
        );
        false
    }
}

async fn authorize(
    console: &dyn Console,
    endpoint: String,
    networks: Vec<String>,
) -> Result<(), Refusal> {
    for target_network_cidr in networks {
        let rule = AuthorizeIngress {
            client_vpn_endpoint_id: endpoint.clone(),
            target_network_cidr,
            authorize_all_groups: true,
            ..AuthorizeIngress::default()
        };
        form::call(console, Command::AuthorizeClientVpnIngress(rule)).await?;
    }
    Ok(())
}

fn blocks(facts: &Facts) -> Vec<String> {
    let cidrs = facts.vpc.iter().flat_map(|vpc| &vpc.cidrs);
    cidrs.map(ToString::to_string).collect()
}

fn rules(ui: &mut Ui, snapshot: &Snapshot, facts: &Facts) {
    for rule in &facts.rules {
        ui.horizontal(|ui| {
            kit::state(rule.state.as_str()).ui(ui);
            match &rule.access {
                Access::AllUsers => kit::strong(ui, "All users"),
                Access::Group(sid) => {
                    let group = snapshot.groups.get(sid);
                    kit::strong(ui, group.map_or(sid.as_str(), |group| &group.name))
                }
            };
            kit::mono(ui, &rule.destination.to_string());
        });
    }
}
