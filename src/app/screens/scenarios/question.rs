//! Which scenario, and the little it needs to be told.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::Form,
        kit::{self, Choice, icons},
        nets,
    },
    model::{EndpointId, NetworkInterfaceId, ScenarioKind, Sid, VpcId, scenario::DescribeScenario},
};

const ENDPOINT: (&str, &str) = ("ClientVpnEndpointId", "Endpoint");
const PEER: (&str, &str) = ("PeerVpcId", "Peer VPC");
const DESTINATION: (&str, &str) = ("DestinationCidrBlock", "Network to reach");
const GROUP: (&str, &str) = ("AccessGroupId", "Who may");
const RESOURCE: (&str, &str) = ("NetworkInterfaceId", "Resource");
const ADMITS: [(bool, &str); 2] = [(false, "Only VPN clients"), (true, "Never VPN clients")];

/// What is chosen.
#[derive(Debug, Default)]
pub(super) struct Draft {
    endpoint: Option<EndpointId>,
    kind: ScenarioKind,
    peer: Option<VpcId>,
    destination: String,
    /// The destination as it was when its field was left: half an address is not asked about.
    left: String,
    group: Option<Sid>,
    resource: Option<NetworkInterfaceId>,
    keep_out: bool,
}

impl Draft {
    /// The scenarios, one of them chosen.
    pub(super) fn kinds(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = 8.0;
        for kind in ScenarioKind::ALL {
            let (title, line, icon) = words(kind);
            let card = kit::choice_card(title, line).icon(icon);
            card.radio(ui, &mut self.kind, kind);
        }
    }

    /// What the one chosen is to be told.
    pub(super) fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut Form) {
        let endpoints = self.endpoints(cx);
        let network = match self.kind {
            ScenarioKind::Vpc => Some("All of the VPC if left empty"),
            ScenarioKind::OnPremises => Some("What is behind its VPN connection if left empty"),
            _ => None,
        };
        kit::two_columns(ui, |left, right| {
            // The only endpoint there is needs no choice.
            if endpoints.len() > 1 {
                form.choose(left, ENDPOINT, &mut self.endpoint, &endpoints, |it| it);
                self.group(cx, right, form);
            } else {
                self.group(cx, left, form);
            }
            if let Some(help) = network {
                let place = if endpoints.len() > 1 { left } else { right };
                self.destination(place, form, help);
            }
        });
        match self.kind {
            ScenarioKind::Vpc | ScenarioKind::OnPremises | ScenarioKind::Internet => {}
            ScenarioKind::PeeredVpc => {
                kit::two_columns(ui, |left, right| {
                    self.peer(cx, left, form);
                    self.destination(right, form, "All of the peer VPC if left empty");
                });
            }
            ScenarioKind::RestrictResources => {
                kit::two_columns(ui, |left, right| {
                    self.resource(cx, left, form);
                    right.add_space(LABEL);
                    let name = "Whom the resource admits";
                    kit::segmented_form(right, name, &mut self.keep_out, &ADMITS);
                });
            }
        }
    }

    /// The endpoints by name; the only one is chosen already.
    fn endpoints(&mut self, cx: &Context<'_>) -> Vec<Choice<Option<EndpointId>>> {
        let endpoints = cx.view.snapshot.endpoints.values();
        let choices: Vec<_> = endpoints
            .filter(|endpoint| !endpoint.deleting)
            .map(|endpoint| Choice::new(Some(endpoint.id.clone()), endpoint.title()))
            .collect();
        if !choices.iter().any(|choice| choice.value == self.endpoint) {
            self.endpoint = match choices.as_slice() {
                [only] => only.value.clone(),
                _ => None,
            };
        }
        choices
    }

    fn group(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut Form) {
        let groups = cx.view.snapshot.groups.values();
        let groups = groups.map(|it| Choice::new(Some(it.sid.clone()), it.name.clone()));
        let choices: Vec<_> = [Choice::new(None, "All users")]
            .into_iter()
            .chain(groups)
            .collect();
        form.choose(ui, GROUP, &mut self.group, &choices, |it| it);
    }

    fn destination(&mut self, ui: &mut Ui, form: &mut Form, help: &str) {
        let hint = ("192.168.0.0/16", help);
        let out = form.text_with(ui, DESTINATION, &mut self.destination, hint, |field| {
            field.optional().mono()
        });
        if out.lost_focus() || out.cured {
            self.destination.trim().clone_into(&mut self.left);
        }
    }

    fn peer(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut Form) {
        let endpoints = &cx.view.snapshot.endpoints;
        let endpoint = self.endpoint.as_ref().and_then(|id| endpoints.get(id));
        let own = endpoint.and_then(|endpoint| endpoint.vpc_id.as_ref());
        let others = cx.view.snapshot.vpcs.values();
        let others = others.filter(|vpc| Some(&vpc.id) != own);
        let choices: Vec<_> = others
            .map(|vpc| Choice::new(Some(vpc.id.clone()), vpc.title()).detail(nets::blocks(vpc)))
            .collect();
        form.choose(ui, PEER, &mut self.peer, &choices, |field| {
            field
                .placeholder("The only other one")
                .nothing("There is no other VPC yet")
        });
    }

    fn resource(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut Form) {
        let resources = cx.view.snapshot.resources.values();
        let choices: Vec<_> = resources
            .map(|it| Choice::new(Some(it.id.clone()), it.title()).detail(it.address.to_string()))
            .collect();
        form.choose(ui, RESOURCE, &mut self.resource, &choices, |field| {
            field.nothing("No resource is described yet")
        });
    }

    /// The endpoint chosen.
    pub(super) fn endpoint(&self) -> Option<&EndpointId> {
        self.endpoint.as_ref()
    }

    /// What is to be asked; none while the endpoint is not chosen.
    pub(super) fn wanted(&self) -> Option<DescribeScenario> {
        let kind = self.kind;
        let restricts = kind == ScenarioKind::RestrictResources;
        let destination = Some(self.left.clone()).filter(|text| !text.is_empty());
        let peer = self.peer.as_ref().map(ToString::to_string);
        let resource = self.resource.as_ref().map(ToString::to_string);
        Some(DescribeScenario {
            client_vpn_endpoint_id: self.endpoint.as_ref()?.to_string(),
            scenario: kind,
            peer_vpc_id: peer.filter(|_| kind == ScenarioKind::PeeredVpc),
            destination_cidr_block: destination
                .filter(|_| !restricts && kind != ScenarioKind::Internet),
            access_group_id: self.group.as_ref().map(ToString::to_string),
            network_interface_id: resource.filter(|_| restricts),
            keep_out: restricts && self.keep_out,
        })
    }
}

/// A scenario as the guide calls it, what it is for, and its icon.
fn words(kind: ScenarioKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        ScenarioKind::Vpc => (
            "Access to a VPC",
            "The target network's own",
            icons::NETWORK,
        ),
        ScenarioKind::PeeredVpc => (
            "Access to a peered VPC",
            "Through a peering connection",
            icons::ARROWS_LEFT_RIGHT,
        ),
        ScenarioKind::OnPremises => (
            "Access to an on-premises network",
            "Through a VPN connection",
            icons::BUILDINGS,
        ),
        ScenarioKind::Internet => (
            "Access to the internet",
            "Through an internet gateway",
            icons::GLOBE,
        ),
        ScenarioKind::RestrictResources => (
            "Restrict access to specific resources",
            "Only VPN clients, or all but them",
            icons::SHIELD_CHECK,
        ),
    }
}

/// Height of a label with its gap, in points.
const LABEL: f32 = 21.0;
