//! Authorize ingress: a rule that lets clients reach a network.

use super::{Dialog, Stay, add_member::groups, form::Form, until::Until};
use crate::{
    app::{
        context::{Action, Context},
        kit::{self, Choice},
    },
    model::{
        Code, Command, EndpointId, IpProtocol, Refusal, Sid, Snapshot, command::AuthorizeIngress,
        net::everywhere,
    },
};

const TARGET: &str = "TargetNetworkCidr";
const GROUP: &str = "AccessGroupId";
const PROTOCOL: &str = "Protocol";
const PORTS: &str = "FromPort";
const LAST_PORT: &str = "ToPort";
const END: &str = "ExpiresAt";
const DESCRIPTION: &str = "Description";

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
        let fields = &[TARGET, GROUP, PROTOCOL, PORTS, LAST_PORT, END, DESCRIPTION];
        Self {
            endpoint,
            target,
            members_only: false,
            group: None,
            protocol: None,
            ports: String::new(),
            until: Until::default(),
            description: String::new(),
            form: Form::new("Authorize ingress", fields),
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

    /// What is true once it is carried out.
    fn done(&self) -> String {
        format!("{} authorized", self.target.trim())
    }

    fn command(&self, cx: &Context<'_>) -> Result<Command, Refusal> {
        let group = match (self.members_only, &self.group) {
            (false, _) => None,
            (true, Some(group)) => Some(group.to_string()),
            (true, None) => {
                let words = "Choose the group whose members are let in";
                return Err(Refusal::new(Code::MissingParameter, words).at(GROUP));
            }
        };
        let ports = match self.protocol.is_some_and(IpProtocol::has_ports) {
            true => ports(&self.ports)?,
            false => None,
        };
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

    fn fields(&mut self, cx: &Context<'_>, ui: &mut egui::Ui, form: &mut Form) {
        let mut judge = self.target_field(cx, ui, form);
        judge |= self.access_fields(cx, ui, form);
        self.limit_fields(cx, ui, form);
        let cure = form.cure_words(DESCRIPTION);
        let field = kit::text_field(&mut self.description)
            .label("Description")
            .optional()
            .limit(255)
            .error(form.error(DESCRIPTION))
            .cure(cure.as_deref())
            .ui(ui);
        form.touch(DESCRIPTION, &field, &mut self.description);
        if judge
            && !self.target.trim().is_empty()
            && let Ok(command) = self.command(cx)
        {
            form.judge(cx.backend, TARGET, command);
        }
    }

    fn target_field(&mut self, cx: &Context<'_>, ui: &mut egui::Ui, form: &mut Form) -> bool {
        let cure = form.cure_words(TARGET);
        let field = kit::text_field(&mut self.target)
            .label("Destination network to enable access")
            .hint("10.0.0.0/16")
            .mono()
            .help("The longest network that holds an address decides: a rule for a part takes that part from whom only a wider rule lets in.")
            .error(form.error(TARGET))
            .cure(cure.as_deref())
            .ui(ui);
        let mut judge = form.touch(TARGET, &field, &mut self.target);
        let offers = proposals(&cx.view.snapshot, &self.endpoint);
        if offers.is_empty() {
            return judge;
        }
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
        judge
    }

    fn access_fields(&mut self, cx: &Context<'_>, ui: &mut egui::Ui, form: &mut Form) -> bool {
        let groups = groups(&cx.view.snapshot);
        let mut judge = false;
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            kit::fieldset(ui, "Grant access to", "");
            let all = "Everyone whose certificate the endpoint lets in";
            let out = kit::choice_card("All users", all).radio(ui, &mut self.members_only, false);
            judge |= form.touched(GROUP, &out) || out.changed();
            let none = groups
                .is_empty()
                .then_some("There is no group yet: create one under Users and groups");
            let out = kit::choice_card("Users in a group", "The members, as they come and go")
                .refused(none)
                .radio(ui, &mut self.members_only, true);
            judge |= form.touched(GROUP, &out) || out.changed();
        });
        if self.members_only {
            let field = kit::select(&mut self.group, &groups)
                .label("Group")
                .placeholder("Choose a group")
                .error(form.error(GROUP))
                .ui(ui);
            judge |= field.changed();
            form.touched(GROUP, &field.response);
        }
        judge
    }

    /// What AWS's rules do not have: unset, the rule is as there.
    fn limit_fields(&mut self, cx: &Context<'_>, ui: &mut egui::Ui, form: &mut Form) {
        kit::two_columns(ui, |left, right| {
            let protocols = PROTOCOLS.map(|(value, words)| Choice::new(value, words));
            let field = kit::select(&mut self.protocol, &protocols)
                .label("Protocol")
                .error(form.error(PROTOCOL))
                .ui(left);
            form.touched(PROTOCOL, &field.response);
            let has_ports = self.protocol.is_some_and(IpProtocol::has_ports);
            if !has_ports {
                self.ports.clear();
            }
            let error = form.error(PORTS).or(form.error(LAST_PORT));
            let field = kit::text_field(&mut self.ports)
                .label("Ports")
                .optional()
                .mono()
                .hint("443 or 8000-8100")
                .limit(11)
                .disabled_because((!has_ports).then_some("Only TCP and UDP have ports"))
                .error(error)
                .ui(right);
            form.touch(PORTS, &field, &mut self.ports);
            form.touched(LAST_PORT, &field.response);
        });
        let error = form.error(END).map(str::to_owned);
        if let Some(response) = self.until.ui(cx, ui, error.as_deref()) {
            form.touched(END, &response);
        }
    }
}

/// Ports as they are typed: none, one, or from one to another.
fn ports(typed: &str) -> Result<Option<(u16, u16)>, Refusal> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let (from, to) = typed.split_once('-').unwrap_or((typed, typed));
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    match (port(from), port(to)) {
        (Some(from), Some(to)) if from <= to => Ok(Some((from, to))),
        _ => {
            let words = format!(
                "\"{typed}\" is neither a port between 1 and 65535 nor two with a - between, for example 8000-8100"
            );
            Err(Refusal::new(Code::InvalidParameterValue, words).at(PORTS))
        }
    }
}

const PROTOCOLS: [(Option<IpProtocol>, &str); 4] = [
    (None, "All traffic"),
    (Some(IpProtocol::Tcp), "TCP"),
    (Some(IpProtocol::Udp), "UDP"),
    (Some(IpProtocol::Icmp), "ICMP"),
];

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
            kit::Dialog::Submitted if !self.form.is_working() => match self.command(cx) {
                Ok(command) => self.form.submit(cx.backend, command),
                Err(refusal) => {
                    self.form.clear();
                    self.form.refuse(refusal);
                    kit::focus_first_error(ctx);
                }
            },
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

    #[test]
    fn ports_are_one_or_a_range_and_anything_else_is_refused() {
        assert_eq!(ports(" ").unwrap(), None);
        assert_eq!(ports("443").unwrap(), Some((443, 443)));
        assert_eq!(ports("8000 - 8100").unwrap(), Some((8000, 8100)));
        for wrong in ["0", "https", "8100-8000", "1-70000", "-"] {
            assert_eq!(ports(wrong).unwrap_err().field.as_deref(), Some(PORTS));
        }
    }
}
