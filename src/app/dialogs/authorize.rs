//! Authorize ingress: a rule that lets clients reach a network.

use egui::Ui;

use super::{
    add_member::groups,
    ports::{self, ports},
    until::Until,
};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice},
        preview::PreviewPane,
    },
    model::{
        Code, Command, EndpointId, IpProtocol, Refusal, Sid, Snapshot, command::AuthorizeIngress,
        net::everywhere,
    },
};

const TARGET: (&str, &str) = ("TargetNetworkCidr", "Destination network to enable access");
const GROUP: (&str, &str) = ("AccessGroupId", "Group");
const PROTOCOL: (&str, &str) = ("Protocol", "Protocol");
const END: &str = "ExpiresAt";
const DESCRIPTION: (&str, &str) = ("Description", "Description");

/// The dialog.
pub struct Authorize {
    endpoint: EndpointId,
    target: String,
    members_only: bool,
    group: Option<Sid>,
    protocol: Option<IpProtocol>,
    ports: String,
    until: Until,
    description: String,
    preview: PreviewPane,
    form: DialogForm,
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
            members_only: false,
            group: None,
            protocol: None,
            ports: String::new(),
            until: Until::default(),
            description: String::new(),
            preview: PreviewPane::default(),
            form: DialogForm::default(),
        }
    }

    /// For this network.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        self.target = target.to_owned();
        self
    }

    /// For the members of a group, or for all users.
    #[must_use]
    pub fn for_group(mut self, group: Option<Sid>) -> Self {
        self.members_only = group.is_some();
        self.group = group;
        self
    }

    fn command(&self, cx: &Context<'_>) -> Result<Command, Refusal> {
        let group = match (self.members_only, &self.group) {
            (false, _) => None,
            (true, Some(group)) => Some(group.to_string()),
            (true, None) => {
                let words = "Choose the group whose members are let in";
                return Err(Refusal::new(Code::MissingParameter, words).at(GROUP.0));
            }
        };
        let ports = ports(self.protocol, &self.ports)?;
        let end = self.until.at(cx.now, cx.zone);
        Ok(Command::AuthorizeClientVpnIngress(AuthorizeIngress {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            target_network_cidr: self.target.trim().to_owned(),
            authorize_all_groups: !self.members_only,
            access_group_id: group,
            description: self.description.trim().to_owned(),
            protocol: self.protocol.map(|protocol| protocol.to_string()),
            from_port: ports.map(|(from, _)| from),
            to_port: ports.map(|(_, to)| to),
            expires_at: end.map_err(|r| r.at(END))?.map(|end| end.to_string()),
        }))
    }

    /// What it grants now: the words said of it change nobody's reach, and an end that is counted
    /// from now would be another question each second.
    fn previewed(&self, cx: &Context<'_>) -> Option<Command> {
        let target = self.target.trim();
        // Half an address is none, and an empty field no network: neither is worth a question.
        target.parse::<ipnet::Ipv4Net>().ok()?;
        match self.command(cx).ok()? {
            Command::AuthorizeClientVpnIngress(rule) => {
                Some(Command::AuthorizeClientVpnIngress(AuthorizeIngress {
                    description: String::new(),
                    expires_at: None,
                    ..rule
                }))
            }
            _ => None,
        }
    }

    fn target_fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, TARGET, &mut self.target, |field| {
            field
                .hint("10.0.0.0/16")
                .mono()
                .help("The narrowest rule decides: it takes its addresses from those whom only a wider rule lets in.")
        });
        let offers = proposals(&cx.view.snapshot, &self.endpoint);
        if offers.is_empty() {
            return;
        }
        kit::fieldset(ui, "Proposed", "");
        for offer in offers {
            let mut chosen = self.target == offer.cidr;
            let card = kit::choice_card(&offer.title, &offer.detail).values(&offer.cidr, "");
            if card.radio(ui, &mut chosen, true).changed() {
                self.target = offer.cidr;
                form.chose(TARGET.0);
            }
        }
    }

    fn access_fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let groups = groups(&cx.view.snapshot);
        let mut other = false;
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            kit::fieldset(ui, "Grant access to", "");
            kit::two_columns(ui, |left, right| {
                let all = "Everyone the endpoint lets in";
                let all = kit::choice_card("All users", all);
                other |= all.radio(left, &mut self.members_only, false).changed();
                let none = groups
                    .is_empty()
                    .then_some("No group yet: create one first");
                let some = kit::choice_card("Users in a group", "Its members, as they come and go");
                let some = some.refused(none);
                other |= some.radio(right, &mut self.members_only, true).changed();
            });
        });
        if other {
            form.chose(GROUP.0);
        }
        if self.members_only {
            form.choose(ui, GROUP, &mut self.group, &groups, |field| {
                field.placeholder("Choose a group")
            });
        }
    }

    /// What AWS's rules do not have: unset, the rule is as there.
    fn limit_fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        kit::two_columns(ui, |left, right| {
            let protocols = PROTOCOLS.map(|(value, words)| Choice::new(value, words));
            form.choose(left, PROTOCOL, &mut self.protocol, &protocols, |field| {
                field
            });
            let words = ("Ports", "443 or 8000-8100", "");
            ports::field(right, form, words, self.protocol, &mut self.ports);
        });
        // Beside the end while there is room: what the rule changes is to be seen without scrolling.
        let mut described = false;
        let description = &mut self.description;
        self.until.ui(cx, ui, form, END, |ui, form| {
            described = true;
            describe(ui, form, description);
        });
        if !described {
            describe(ui, form, description);
        }
    }
}

fn describe(ui: &mut Ui, form: &mut DialogForm, description: &mut String) {
    form.text(ui, DESCRIPTION, description, |field| {
        field.optional().hint("What it is for")
    });
}

const PROTOCOLS: [(Option<IpProtocol>, &str); 4] = [
    (None, "All traffic"),
    (Some(IpProtocol::Tcp), "TCP"),
    (Some(IpProtocol::Udp), "UDP"),
    (Some(IpProtocol::Icmp), "ICMP"),
];

impl FormDialog for Authorize {
    fn title(&self) -> String {
        "Authorize ingress".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Authorize ingress"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.target_fields(cx, ui, form);
        self.access_fields(cx, ui, form);
        self.limit_fields(cx, ui, form);
        kit::fieldset(ui, "What changes for those connected", "");
        let command = self.previewed(cx);
        self.preview.ui(cx, ui, command.as_ref());
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let done = format!("{} authorized", self.target.trim());
        Ok(Act::command(self.command(cx)?, done))
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
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
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::{
        app::{
            context::EndpointTab,
            testing::{FakeConsole, Window, sample},
        },
        model::{Answer, Preview},
    };

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

    #[test]
    fn while_it_is_typed_it_says_what_it_takes_and_whose_reach_changes() {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        console.answer(|request| {
            let Command::PreviewChange(command) = &request.command else {
                return None;
            };
            let Command::AuthorizeClientVpnIngress(rule) = &**command else {
                return None;
            };
            Some(Ok(Answer::Preview(Preview {
                warnings: vec![format!("{} now decides alone.", rule.target_network_cidr)],
                sessions: Vec::new(),
                looked_at: 18,
                more_sessions: 0,
            })))
        });
        let mut window = Window::open(console);
        window.show_endpoint(1, Some(EndpointTab::Authorization));
        window.press("Authorize ingress");
        let says = |window: &Window, words: &str| {
            let harness = &window.harness;
            harness.query_by_label_contains(words).is_some()
        };
        assert!(
            says(&window, "0.0.0.0/0 now decides alone."),
            "what is proposed"
        );
        let target = "Destination network to enable access";
        window.harness.get_by_label(target).focus();
        window.settle();
        let all = egui::Modifiers::COMMAND;
        window.harness.key_press_modifiers(all, egui::Key::A);
        window.harness.get_by_label(target).type_text("10.0.0.");
        window.settle();
        assert!(says(&window, "Once the fields are filled in"));
        let so_far = window.console.commands().len();
        window.harness.get_by_label(target).type_text("9/32");
        window.settle();
        assert!(says(&window, "10.0.0.9/32 now decides alone."));
        assert!(!says(&window, "0.0.0.0/0 now decides alone."));
        window.type_into("Description", "for the audit");
        let asked = window.console.commands().len() - so_far;
        assert!(
            asked <= 2,
            "asked {asked} times for 9/3, 9/32 and a description"
        );
    }

    #[test]
    fn wrong_ports_are_no_trouble_once_the_protocol_has_none() {
        let (snapshot, live) = sample::office();
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window.show_endpoint(1, Some(EndpointTab::Authorization));
        window.press("Authorize ingress");
        window.choose("Protocol", "TCP");
        window.type_into("Ports", "https");
        window.harness.key_press(egui::Key::Tab);
        window.settle();
        assert!(window.says("\"https\" is neither a port"));
        window.choose("Protocol", "All traffic");
        assert!(!window.says("is neither a port"));
        assert!(!window.says("needs a change"));
        window.choose("Protocol", "TCP");
        let ports = window.harness.get_by_label("Ports");
        assert_eq!(ports.value().as_deref(), Some("https"), "it was kept");
    }
}
