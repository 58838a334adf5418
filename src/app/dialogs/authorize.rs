//! Authorize ingress: a rule that lets clients reach a network.

use super::{Dialog, Stay, form::Form};
use crate::{
    app::{
        context::{Action, Context},
        kit,
    },
    model::{Command, EndpointId, Snapshot, command::AuthorizeIngress, net::everywhere},
};

const TARGET: &str = "TargetNetworkCidr";
const DESCRIPTION: &str = "Description";

/// The dialog.
pub struct Authorize {
    endpoint: EndpointId,
    target: String,
    description: String,
    form: Form,
}

impl Authorize {
    /// For an endpoint, with the first network proposed that has no rule yet.
    #[must_use]
    pub fn new(snapshot: &Snapshot, endpoint: EndpointId) -> Self {
        let target = proposals(snapshot, &endpoint)
            .into_iter()
            .next()
            .map(|proposal| proposal.cidr)
            .unwrap_or_default();
        Self {
            endpoint,
            target,
            description: String::new(),
            form: Form::new("Authorize ingress", &[TARGET, DESCRIPTION]),
        }
    }

    /// What is true once it is carried out.
    fn done(&self) -> String {
        format!("{} authorized", self.target.trim())
    }

    fn command(&self) -> Command {
        Command::AuthorizeClientVpnIngress(AuthorizeIngress {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            target_network_cidr: self.target.trim().to_owned(),
            authorize_all_groups: true,
            description: self.description.trim().to_owned(),
            ..AuthorizeIngress::default()
        })
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut egui::Ui, form: &mut Form) {
        let cure = form.cure_words(TARGET);
        let field = kit::text_field(&mut self.target)
            .label("Destination network to enable access")
            .hint("10.0.0.0/16")
            .mono()
            .help("Clients reach addresses in it, on any port, if a route leads there.")
            .error(form.error(TARGET))
            .cure(cure.as_deref())
            .ui(ui);
        let mut judge = form.touch(TARGET, &field, &mut self.target);
        let offers = proposals(&cx.view.snapshot, &self.endpoint);
        if !offers.is_empty() {
            kit::fieldset(ui, "Proposed", "");
            for offer in offers {
                let mut chosen = self.target == offer.cidr;
                let card = kit::choice_card(&offer.title, &offer.detail).values(&offer.cidr, "");
                let response = card.radio(ui, &mut chosen, true);
                if response.changed() {
                    self.target = offer.cidr;
                    judge = true;
                    form.touched(TARGET, &response);
                }
            }
        }
        kit::fieldset(
            ui,
            "Grant access to",
            "All users: everyone whose certificate the endpoint lets in.",
        );
        let cure = form.cure_words(DESCRIPTION);
        let field = kit::text_field(&mut self.description)
            .label("Description")
            .optional()
            .limit(255)
            .error(form.error(DESCRIPTION))
            .cure(cure.as_deref())
            .ui(ui);
        form.touch(DESCRIPTION, &field, &mut self.description);
        if judge && !self.target.trim().is_empty() {
            form.judge(cx.backend, TARGET, self.command());
        }
    }
}

impl Dialog for Authorize {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll(ctx).is_some() {
            self.form.close(ctx);
            cx.ask(Action::Toast(self.done()));
            return Stay::Closed;
        }
        let mut form = std::mem::take(&mut self.form);
        let shown = form.show(ctx, "Authorize ingress", None, |ui, form| {
            self.fields(cx, ui, form);
        });
        self.form = form;
        match shown {
            kit::Dialog::Closed => {
                self.form.leave(cx, self.done());
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.form.is_working() => {
                let command = self.command();
                self.form.submit(cx.backend, command);
            }
            _ => {}
        }
        Stay::Open
    }
}

/// A network that a rule is likely wanted for.
#[derive(Debug, PartialEq, Eq)]
struct Proposal {
    cidr: String,
    title: String,
    detail: String,
}

/// The endpoint's VPC and everything, as far as they have no rule yet.
fn proposals(snapshot: &Snapshot, endpoint: &EndpointId) -> Vec<Proposal> {
    let has_rule =
        |cidr: ipnet::Ipv4Net| snapshot.rules_of(endpoint).any(|r| r.destination == cidr);
    let vpc = snapshot
        .associations_of(endpoint)
        .next()
        .and_then(|a| snapshot.vpcs.get(&a.vpc_id));
    let mut proposals: Vec<Proposal> = vpc
        .into_iter()
        .flat_map(|vpc| vpc.cidrs.iter().map(move |cidr| (vpc, *cidr)))
        .filter(|(_, cidr)| !has_rule(*cidr))
        .map(|(vpc, cidr)| Proposal {
            cidr: cidr.to_string(),
            title: format!("The VPC {}", vpc.title()),
            detail: "Its own addresses".to_owned(),
        })
        .collect();
    if !has_rule(everywhere()) {
        proposals.push(Proposal {
            cidr: everywhere().to_string(),
            title: "Everything".to_owned(),
            detail: "The internet and every network routed".to_owned(),
        });
    }
    proposals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn only_networks_without_a_rule_are_proposed() {
        let (mut snapshot, _) = sample::office();
        let cidrs = |snapshot: &Snapshot| -> Vec<String> {
            proposals(snapshot, &sample::endpoint_id(1))
                .into_iter()
                .map(|p| p.cidr)
                .collect()
        };
        assert_eq!(cidrs(&snapshot), ["0.0.0.0/0"], "the VPC has its rule");
        snapshot.rules.clear();
        assert_eq!(cidrs(&snapshot), ["10.1.0.0/16", "0.0.0.0/0"]);
    }
}
