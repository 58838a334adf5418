//! Step 3: the network that clients are let into.

use std::sync::Arc;

use egui::Ui;
use ipnet::Ipv4Net;

use super::{Facts, Primary, Step, heading, listens, refused, what_this_does};
use crate::{
    app::{
        backend::Work,
        context::Context,
        dialogs::create_vpc::named,
        form::{self, Form},
        kit::{self, Tone, Value, icons},
    },
    control::Console,
    model::{
        Answer, AssociationState, Code, Command, HostNetwork, Refusal, SMALLEST_TARGET, Snapshot,
        SubnetId, VpcId,
        command::{AssociateTargetNetwork, CreateSubnet, CreateVpc},
        net,
    },
};

/// What is chosen and how far it is.
#[derive(Default)]
pub(super) struct Network {
    looking: Work<Answer>,
    /// The networks of the gateway's machine, once they are known.
    networks: Option<Vec<HostNetwork>>,
    choice: Option<Choice>,
    by_hand: bool,
    name: String,
    cidr: String,
    form: Form<()>,
}

/// What is to become the target network.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    /// A subnet that is known here.
    Subnet(SubnetId),
    /// A network of the machine.
    Host(String, Ipv4Net),
    /// What is typed.
    ByHand,
}

/// One card.
struct Offer {
    choice: Choice,
    title: String,
    detail: String,
    cidr: Ipv4Net,
    end: String,
    recommended: bool,
    refused: Option<String>,
}

impl Step for Network {
    fn poll(&mut self, _cx: &mut Context<'_>) -> bool {
        self.form.poll().is_some()
    }

    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, facts: &Facts) {
        let name = facts
            .endpoint
            .as_ref()
            .map_or("the endpoint", |e| e.title());
        let purpose =
            format!("Clients of {name} reach the network you choose here. Add more at any time.");
        heading(ui, "Associate a target network", &purpose);
        if facts.association.is_some() {
            summary(ui, facts);
            return;
        }
        self.look(cx);
        refused(ui, self.form.elsewhere());
        let offers = offers(&cx.view.snapshot, self.networks.as_deref(), facts);
        if self.choice.is_none() {
            self.choice = offers
                .iter()
                .filter(|offer| offer.refused.is_none())
                .max_by_key(|offer| offer.recommended)
                .map(|offer| offer.choice.clone());
        }
        self.cards(ui, &offers);
        self.what_this_does(ui, &offers, facts);
    }

    fn primary(&self, facts: &Facts) -> Primary {
        if facts.association.is_some() {
            return Primary::new("Continue");
        }
        let lacks = match (&facts.endpoint, &self.choice) {
            (None, _) => Some("The endpoint comes first"),
            (Some(_), None) => Some("Choose a network first"),
            (Some(_), Some(_)) => None,
        };
        Primary::new("Associate and continue")
            .working(self.form.is_working())
            .off(lacks)
    }

    fn act(&mut self, cx: &mut Context<'_>, facts: &Facts) -> bool {
        if facts.association.is_some() {
            return true;
        }
        self.associate(cx, facts);
        false
    }
}

impl Network {
    fn look(&mut self, cx: &Context<'_>) {
        match self.looking.poll() {
            Some(Ok(Answer::HostNetworks(networks))) => self.networks = Some(networks),
            Some(Err(refusal)) => {
                self.networks = Some(Vec::new());
                self.form.refuse(refusal);
            }
            Some(Ok(_)) | None => {}
        }
        if self.networks.is_none() && !self.looking.is_running() {
            self.looking
                .start(cx.backend.call(Command::DescribeHostNetworks));
        }
    }

    fn cards(&mut self, ui: &mut Ui, offers: &[Offer]) {
        ui.spacing_mut().item_spacing.y = 8.0;
        for offer in offers {
            let cidr = offer.cidr.to_string();
            let card = kit::choice_card(&offer.title, &offer.detail)
                .values(&cidr, &offer.end)
                .refused(offer.refused.as_deref());
            let card = if offer.recommended && offer.refused.is_none() {
                card.tag("Recommended")
            } else {
                card
            };
            let this = Some(offer.choice.clone());
            if card.radio(ui, &mut self.choice, this).changed() {
                self.form.forget();
            }
        }
        if self.by_hand {
            self.typed(ui);
        }
        ui.horizontal(|ui| {
            let by_hand = kit::button("Enter a network by hand")
                .ghost()
                .icon(icons::PLUS);
            if !self.by_hand && by_hand.clicked(ui) {
                self.by_hand = true;
                self.choice = Some(Choice::ByHand);
                kit::focus_first_field(ui.ctx());
            }
            let again = kit::button("Look again")
                .ghost()
                .icon(icons::ARROW_COUNTER_CLOCKWISE)
                .working(self.looking.is_running());
            if again.clicked(ui) {
                self.networks = None;
            }
        });
    }

    fn typed(&mut self, ui: &mut Ui) {
        kit::choice_card(
            "Another network",
            "One that this machine reaches by its routes",
        )
        .radio(ui, &mut self.choice, Some(Choice::ByHand));
        let form = &mut self.form;
        kit::two_columns(ui, |left, right| {
            form.text(left, ("CidrBlock", "Network"), &mut self.cidr, |field| {
                field
                    .mono()
                    .hint("192.168.10.0/24")
                    .help("A target network is /27 or larger.")
            });
            form.text(right, ("Name", "Name"), &mut self.name, |field| {
                field.optional().hint("Office LAN")
            });
        });
    }

    fn what_this_does(&self, ui: &mut Ui, offers: &[Offer], facts: &Facts) {
        let listener = facts
            .endpoint
            .as_ref()
            .map_or_else(String::new, |endpoint| {
                format!("opens the listener on {}", listens(endpoint))
            });
        let words = match &self.choice {
            None => "Makes a VPC with one subnet of the network you choose, and associates it."
                .to_owned(),
            Some(Choice::Subnet(id)) => {
                let offer = offers
                    .iter()
                    .find(|o| o.choice == Choice::Subnet(id.clone()));
                let title = offer.map_or(id.as_str(), |offer| offer.title.as_str());
                format!("Associates {title}, {listener} and adds the local route.")
            }
            Some(Choice::Host(interface, cidr)) => format!(
                "Makes the VPC {interface} with the subnet {cidr}, {listener} and adds the local route."
            ),
            Some(Choice::ByHand) => {
                format!("Makes a VPC with that one subnet, {listener} and adds the local route.")
            }
        };
        what_this_does(ui, &words);
    }

    fn associate(&mut self, cx: &Context<'_>, facts: &Facts) {
        let (Some(endpoint), Some(choice)) = (&facts.endpoint, &self.choice) else {
            return;
        };
        let target = match choice {
            Choice::Subnet(id) => Ok(Target::Subnet(id.clone())),
            Choice::Host(interface, cidr) => Ok(Target::New(interface.clone(), *cidr)),
            Choice::ByHand => {
                let cidr = net::parse_cidr("CidrBlock", &self.cidr, "192.168.10.0/24");
                cidr.and_then(|cidr| match wrong(cidr, Some(endpoint.client_cidr)) {
                    Some(wrong) => {
                        Err(Refusal::new(Code::InvalidParameterValue, wrong).at("CidrBlock"))
                    }
                    None => Ok(Target::New(self.name.clone(), cidr)),
                })
            }
        };
        let target = match target {
            Ok(Target::New(name, cidr)) => known(&cx.view.snapshot, name, cidr),
            Ok(target) => target,
            Err(refusal) => {
                self.form.refuse(refusal);
                return;
            }
        };
        let console = Arc::clone(cx.backend.console());
        let endpoint = endpoint.id.to_string();
        self.form.start(
            cx.backend
                .spawn(async move { associate(&*console, endpoint, target).await }),
        );
    }
}

/// What is to be made before it is associated.
enum Target {
    /// Nothing.
    Subnet(SubnetId),
    /// A subnet of a VPC that is there, such as of a first try that came half the way.
    InVpc(VpcId, String, Ipv4Net),
    /// A VPC of that name with one subnet.
    New(String, Ipv4Net),
}

/// Takes up what is there of `cidr` already.
fn known(snapshot: &Snapshot, name: String, cidr: Ipv4Net) -> Target {
    if let Some(subnet) = snapshot.subnets.values().find(|s| s.cidr == cidr) {
        return Target::Subnet(subnet.id.clone());
    }
    match snapshot.vpcs.values().find(|vpc| vpc.contains(cidr)) {
        Some(vpc) => Target::InVpc(vpc.id.clone(), name, cidr),
        None => Target::New(name, cidr),
    }
}

async fn associate(
    console: &dyn Console,
    client_vpn_endpoint_id: String,
    target: Target,
) -> Result<(), Refusal> {
    let subnet_id = match target {
        Target::Subnet(id) => id,
        Target::InVpc(vpc, name, cidr) => create_subnet(console, &vpc, &name, cidr).await?,
        Target::New(name, cidr) => {
            let create = Command::CreateVpc(CreateVpc {
                cidr_block: cidr.to_string(),
                tags: named(&name),
            });
            let Answer::Vpc(vpc) = form::call(console, create).await? else {
                return Err(form::unexpected());
            };
            create_subnet(console, &vpc.id, &name, cidr).await?
        }
    };
    let associate = Command::AssociateClientVpnTargetNetwork(AssociateTargetNetwork {
        client_vpn_endpoint_id,
        subnet_id: subnet_id.to_string(),
    });
    form::call(console, associate).await.map(drop)
}

async fn create_subnet(
    console: &dyn Console,
    vpc: &VpcId,
    name: &str,
    cidr: Ipv4Net,
) -> Result<SubnetId, Refusal> {
    let create = Command::CreateSubnet(CreateSubnet {
        vpc_id: vpc.to_string(),
        cidr_block: cidr.to_string(),
        availability_zone: None,
        egress: None,
        tags: named(name),
    });
    match form::call(console, create).await? {
        Answer::Subnet(subnet) => Ok(subnet.id),
        _ => Err(form::unexpected()),
    }
}

/// The subnets known here, then the machine's networks that are not among them.
fn offers(snapshot: &Snapshot, networks: Option<&[HostNetwork]>, facts: &Facts) -> Vec<Offer> {
    let range = facts.endpoint.as_ref().map(|endpoint| endpoint.client_cidr);
    let vpc = facts.vpc.as_ref();
    let subnets = snapshot.subnets.values().map(|subnet| {
        let of = snapshot.vpcs.get(&subnet.vpc_id);
        let other = vpc.filter(|vpc| vpc.id != subnet.vpc_id).map(|vpc| {
            format!(
                "The endpoint's target networks are of the VPC {}",
                vpc.title()
            )
        });
        Offer {
            choice: Choice::Subnet(subnet.id.clone()),
            title: subnet.title().to_owned(),
            detail: format!(
                "{}, in the VPC {}",
                addresses(subnet.cidr),
                of.map_or("", |vpc| vpc.title())
            ),
            cidr: subnet.cidr,
            end: subnet.availability_zone.clone(),
            recommended: false,
            refused: other.or_else(|| wrong(subnet.cidr, range)),
        }
    });
    let mut offers: Vec<Offer> = subnets.collect();
    for network in networks.unwrap_or_default() {
        if offers.iter().any(|offer| offer.cidr == network.cidr) {
            continue;
        }
        offers.push(Offer {
            choice: Choice::Host(network.interface.clone(), network.cidr),
            title: network.interface.clone(),
            detail: format!(
                "{}, this machine is {}",
                addresses(network.cidr),
                network.address
            ),
            cidr: network.cidr,
            end: if network.default_route {
                "internet"
            } else {
                ""
            }
            .to_owned(),
            recommended: network.default_route,
            refused: wrong(network.cidr, range),
        });
    }
    offers
}

/// Why a network cannot be a target network of an endpoint with that client range.
fn wrong(cidr: Ipv4Net, range: Option<Ipv4Net>) -> Option<String> {
    if cidr.prefix_len() > SMALLEST_TARGET {
        return Some(format!("A target network is /{SMALLEST_TARGET} or larger"));
    }
    if cidr.prefix_len() < LARGEST {
        return Some(format!("A VPC's block is /{LARGEST} or smaller"));
    }
    let range = range.filter(|range| net::overlap(*range, cidr))?;
    Some(format!("{cidr} overlaps the client range {range}"))
}

/// How many hosts a network has room for, in words.
fn addresses(cidr: Ipv4Net) -> String {
    let all = 1_u64 << (32 - u32::from(cidr.prefix_len()));
    format!(
        "{} addresses",
        crate::app::format::count(all.saturating_sub(2))
    )
}

fn summary(ui: &mut Ui, facts: &Facts) {
    let (Some(association), Some(subnet), Some(vpc)) =
        (&facts.association, &facts.subnet, &facts.vpc)
    else {
        return;
    };
    if let AssociationState::Failed { reason } = &association.state {
        kit::banner(Tone::Danger, "The gateway cannot serve it yet")
            .body(reason)
            .ui(ui);
    }
    let cidr = subnet.cidr.to_string();
    kit::key_values(
        ui,
        &[
            ("VPC", Value::Text(vpc.title())),
            ("Subnet", Value::Text(subnet.title())),
            ("Addresses", Value::Mono(&cidr)),
            ("State", Value::State(association.state.as_str())),
        ],
    );
}

/// The shortest prefix of a VPC's block.
const LARGEST: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_refused_for_its_size_or_for_meeting_the_client_range() {
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        let range = Some(net("10.20.0.0/20"));
        assert_eq!(wrong(net("192.168.10.0/24"), range), None);
        assert!(wrong(net("10.60.4.0/28"), range).unwrap().contains("/27"));
        let overlap = wrong(net("10.20.4.0/24"), range).unwrap();
        assert!(overlap.contains("10.20.0.0/20"));
    }
}
