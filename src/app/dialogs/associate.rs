//! Associate: a subnet becomes a target network of an endpoint.

use egui::Ui;

use super::{create_subnet::NewSubnet, create_vpc::NewVpc};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice, icons},
    },
    model::{
        Association, AssociationState, Command, EndpointId, FEWEST_FREE, Refusal, SMALLEST_TARGET,
        Snapshot, Subnet, SubnetId, VpcId, command::AssociateTargetNetwork, net::overlap,
    },
};

const VPC: (&str, &str) = ("VpcId", "VPC");
const SUBNET: &str = "SubnetId";

/// The dialog.
pub struct Associate {
    endpoint: EndpointId,
    vpc: Option<VpcId>,
    subnet: Option<SubnetId>,
    lacking: Option<Lacking>,
    form: DialogForm,
}

/// What is to be made before anything can be associated.
#[derive(Clone, Copy)]
enum Lacking {
    Vpc,
    Subnet,
}

impl Associate {
    /// For an endpoint; its VPC is chosen already, and so is the only one there is.
    #[must_use]
    pub fn new(snapshot: &Snapshot, endpoint: EndpointId) -> Self {
        let mut dialog = Self {
            vpc: fixed_vpc(snapshot, &endpoint),
            endpoint,
            subnet: None,
            lacking: None,
            form: DialogForm::default(),
        };
        dialog.choose_only(snapshot);
        dialog
    }

    /// Chooses the VPC and the subnet where there is but one, also one that was made just now.
    fn choose_only(&mut self, snapshot: &Snapshot) {
        self.vpc.take_if(|id| !snapshot.vpcs.contains_key(id));
        self.subnet.take_if(|id| !snapshot.subnets.contains_key(id));
        if self.vpc.is_none() {
            let mut all = snapshot.vpcs.keys();
            self.vpc = all.next().filter(|_| all.next().is_none()).cloned();
        }
        if self.subnet.is_none() {
            self.choose_only_subnet(snapshot);
        }
    }

    fn choose_only_subnet(&mut self, snapshot: &Snapshot) {
        let mut open = offers(snapshot, &self.endpoint, self.vpc.as_ref())
            .into_iter()
            .filter(|offer| offer.refused.is_none());
        let first = open.next().filter(|_| open.next().is_none());
        self.subnet = first.map(|offer| offer.subnet);
    }

    fn command(&self) -> Command {
        Command::AssociateClientVpnTargetNetwork(AssociateTargetNetwork {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            subnet_id: self
                .subnet
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        })
    }

    fn vpc_field(&mut self, snapshot: &Snapshot, ui: &mut Ui, form: &mut DialogForm) {
        let fixed = fixed_vpc(snapshot, &self.endpoint).is_some();
        let vpcs: Vec<Choice<Option<VpcId>>> = snapshot
            .vpcs
            .values()
            .map(|vpc| {
                let cidrs: Vec<String> = vpc.cidrs.iter().map(ToString::to_string).collect();
                Choice::new(Some(vpc.id.clone()), vpc.title()).detail(cidrs.join(", "))
            })
            .collect();
        let other = form.choose(ui, VPC, &mut self.vpc, &vpcs, |field| {
            field
                .placeholder("Choose a VPC")
                .nothing("There is no VPC yet")
                .disabled_because(fixed.then_some(
                    "All target networks of an endpoint are in one VPC; the first one chose it",
                ))
        });
        if other {
            self.choose_only_subnet(snapshot);
        }
    }
}

impl FormDialog for Associate {
    fn title(&self) -> String {
        "Associate target network".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Associate"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.choose_only(&cx.view.snapshot);
        self.vpc_field(&cx.view.snapshot, ui, form);
        if self.vpc.is_none() {
            if cx.view.snapshot.vpcs.is_empty() && kit::link(ui, "Create a VPC").clicked() {
                self.lacking = Some(Lacking::Vpc);
            }
            return;
        }
        kit::fieldset(
            ui,
            "Subnet",
            "Clients reach the VPC through it. One for each Availability Zone.",
        );
        let offers = offers(&cx.view.snapshot, &self.endpoint, self.vpc.as_ref());
        if offers.is_empty() {
            kit::help(ui, "This VPC has no subnet yet.");
            if kit::link(ui, "Create a subnet").clicked() {
                self.lacking = Some(Lacking::Subnet);
            }
        }
        for offer in offers {
            // The rule that stands in the way needs the room that else the CIDR has.
            let named = format!("{}  {}", offer.title, offer.cidr);
            let card = match &offer.refused {
                None => kit::choice_card(&offer.title, &offer.zone).values(&offer.cidr, ""),
                Some(rule) => kit::choice_card(&named, &offer.zone).refused(rule.as_str()),
            };
            let card = card.icon(icons::TREE_STRUCTURE);
            let response = card.radio(ui, &mut self.subnet, Some(offer.subnet));
            if response.changed() {
                form.chose(SUBNET);
            }
        }
        form.error_below(ui, SUBNET);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        Ok(Act::command(self.command(), "Associating"))
    }

    fn open_above(&mut self, cx: &mut Context<'_>) {
        let vpcs = &cx.view.snapshot.vpcs;
        match self.lacking.take() {
            None => {}
            Some(Lacking::Vpc) => cx.open(NewVpc::default()),
            Some(Lacking::Subnet) => {
                let vpc = self.vpc.as_ref().and_then(|id| vpcs.get(id));
                if let Some(vpc) = vpc.cloned() {
                    cx.open(NewSubnet::new(vpc));
                }
            }
        }
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let nothing = self.subnet.is_none();
        nothing.then(|| "Choose a subnet first".to_owned())
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

/// The VPC that the endpoint's associations are in.
fn fixed_vpc(snapshot: &Snapshot, endpoint: &EndpointId) -> Option<VpcId> {
    let endpoint = snapshot.endpoints.get(endpoint)?;
    let of_associations = snapshot.associations_of(&endpoint.id).next();
    endpoint
        .vpc_id
        .clone()
        .or_else(|| of_associations.map(|a| a.vpc_id.clone()))
}

/// A subnet as it is offered.
#[derive(Debug, PartialEq, Eq)]
struct Offer {
    subnet: SubnetId,
    title: String,
    zone: String,
    cidr: String,
    /// The rule that stands in the way, seen from what is on screen; the service has the last word.
    refused: Option<String>,
}

fn offers(snapshot: &Snapshot, endpoint: &EndpointId, vpc: Option<&VpcId>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = snapshot
        .subnets
        .values()
        .filter(|subnet| Some(&subnet.vpc_id) == vpc)
        .map(|subnet| Offer {
            subnet: subnet.id.clone(),
            title: subnet.title().to_owned(),
            zone: subnet.availability_zone.clone(),
            cidr: subnet.cidr.to_string(),
            refused: in_the_way(snapshot, endpoint, subnet),
        })
        .collect();
    offers.sort_by(|a, b| (&a.zone, &a.title).cmp(&(&b.zone, &b.title)));
    offers
}

fn in_the_way(snapshot: &Snapshot, endpoint: &EndpointId, subnet: &Subnet) -> Option<String> {
    let associated = |a: &&Association| a.state != AssociationState::Disassociating;
    let same_zone = |a: &&Association| {
        snapshot
            .subnets
            .get(&a.subnet_id)
            .is_some_and(|other| other.availability_zone == subnet.availability_zone)
    };
    let all = || snapshot.associations_of(endpoint).filter(associated);
    if all().any(|a| a.subnet_id == subnet.id) {
        return Some("Associated already".to_owned());
    }
    if all().any(|a| same_zone(&a)) {
        return Some(format!(
            "{} has a target network already: one for each Availability Zone",
            subnet.availability_zone
        ));
    }
    if subnet.cidr.prefix_len() > SMALLEST_TARGET {
        return Some(format!(
            "{} is too small: a target network is /{SMALLEST_TARGET} or larger",
            subnet.cidr
        ));
    }
    let free = snapshot.free_addresses(subnet);
    if free < FEWEST_FREE {
        return Some(format!(
            "Only {free} addresses are free: a target network has {FEWEST_FREE} or more"
        ));
    }
    let range = snapshot.endpoints.get(endpoint)?.client_cidr;
    let vpc = snapshot.vpcs.get(&subnet.vpc_id)?;
    let met = vpc.cidrs.iter().find(|cidr| overlap(**cidr, range))?;
    Some(format!("{met} of its VPC meets the client range {range}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{FakeConsole, Window, sample};

    #[test]
    fn a_zone_that_has_a_target_network_is_shown_refused_with_the_rule() {
        let (snapshot, _) = sample::office();
        let endpoint = sample::endpoint_id(1);
        let offers = offers(&snapshot, &endpoint, Some(&sample::vpc_id(1)));
        let said: Vec<Option<&str>> = offers.iter().map(|o| o.refused.as_deref()).collect();
        assert_eq!(
            said,
            [
                Some("Associated already"),
                None,
                Some("10.1.9.0/28 is too small: a target network is /27 or larger")
            ]
        );
    }

    #[test]
    fn where_there_is_nothing_to_associate_it_is_made_on_the_way_and_chosen() {
        let (mut snapshot, live) = sample::office();
        let subnet = snapshot.subnets[&sample::subnet_id(2)].clone();
        let vpc = snapshot.vpcs[&subnet.vpc_id].clone();
        snapshot.vpcs.clear();
        snapshot.subnets.clear();
        snapshot.associations.clear();
        let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1)).unwrap();
        endpoint.vpc_id = None;
        let dialog = Associate::new(&snapshot, sample::endpoint_id(1));
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        let app = window.harness.state_mut().as_mut().unwrap();
        app.open(dialog);
        window.settle();
        window.click("Create a VPC");
        assert!(window.says("Address block"));
        window.press("Cancel");
        let is_made = vpc.clone();
        window.console.change(move |snapshot, _| {
            snapshot.vpcs.insert(is_made.id.clone(), is_made);
        });
        window.settle();
        window.click("Create a subnet");
        assert!(window.says("Addresses"));
        window.press("Cancel");
        window.console.change(move |snapshot, _| {
            snapshot.subnets.insert(subnet.id.clone(), subnet);
        });
        window.settle();
        window.press("Associate");
        let sent = window.console.commands();
        assert!(
            matches!(sent.last(), Some(Command::AssociateClientVpnTargetNetwork(it))
                if it.subnet_id == sample::subnet_id(2).to_string()),
            "{sent:?}"
        );
    }

    #[test]
    fn the_vpc_of_the_first_association_is_the_endpoints() {
        let (snapshot, _) = sample::office();
        let dialog = Associate::new(&snapshot, sample::endpoint_id(1));
        assert_eq!(dialog.vpc, Some(sample::vpc_id(1)));
        assert!(dialog.subnet.is_some(), "the only one left is chosen");
    }
}
