//! The scenarios of AWS's guide: what each needs, what is there of it, and the commands for the
//! rest.

mod access;
mod restrict;
mod ways;

use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::{endpoints::living, fields};
use crate::model::{
    Answer, Association, AssociationState, Command, Endpoint, Refusal, Scenario, ScenarioKind,
    ScenarioStep, Snapshot, Subnet, Vpc, command::AssociateTargetNetwork, net,
    scenario::DescribeScenario,
};

pub(super) fn describe(
    snapshot: &Snapshot,
    wanted: &DescribeScenario,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let endpoint = living(snapshot, &wanted.client_vpn_endpoint_id)?;
    let given = wanted.destination_cidr_block.as_deref().map(str::trim);
    let given = given.filter(|text| !text.is_empty());
    let destination = given
        .map(|text| fields::cidr("DestinationCidrBlock", text, "192.168.0.0/16"))
        .transpose()?;
    let group = wanted.access_group_id.as_deref().map(str::trim);
    let group = group.filter(|sid| !sid.is_empty());
    let group = group
        .map(|sid| super::directory::group(snapshot, "AccessGroupId", sid))
        .transpose()?;
    let associations = snapshot
        .associations_of(&endpoint.id)
        .filter(|it| stays(it));
    let mut plan = Plan {
        snapshot,
        endpoint,
        subnets: associations
            .filter_map(|it| snapshot.subnets.get(&it.subnet_id))
            .collect(),
        destination,
        group: group.map(|group| (group.sid.to_string(), group.name.clone())),
        now,
        steps: Vec::new(),
    };
    plan.association();
    match wanted.scenario {
        ScenarioKind::Vpc => {
            let blocks = plan.vpc_part();
            plan.authorization(&blocks, "Authorize clients to access the VPC");
            plan.let_out(&blocks);
        }
        ScenarioKind::PeeredVpc => plan.peered_vpc(wanted.peer_vpc_id.as_deref())?,
        ScenarioKind::OnPremises => plan.on_premises(),
        ScenarioKind::Internet => plan.internet(),
        ScenarioKind::RestrictResources => {
            plan.restrict(wanted.network_interface_id.as_deref(), wanted.keep_out)?;
        }
    }
    Ok(Answer::Scenario(Scenario {
        scenario: wanted.scenario,
        steps: plan.steps,
    }))
}

/// A scenario as it is put together, step by step.
struct Plan<'s> {
    snapshot: &'s Snapshot,
    endpoint: &'s Endpoint,
    /// The target networks of the endpoint.
    subnets: Vec<&'s Subnet>,
    /// What is to be reached, where it was said.
    destination: Option<Ipv4Net>,
    /// The SID and the name of the group that is to have access.
    group: Option<(String, String)>,
    now: Timestamp,
    steps: Vec<ScenarioStep>,
}

/// What became of a step, as a sentence, and the commands that do what is missing.
enum Found {
    Done(String),
    Missing(String, Vec<Command>),
    /// As missing, but the commands take something away, which the sentence names.
    Replaces(String, Vec<Command>),
}

impl<'s> Plan<'s> {
    fn step(&mut self, name: &str, title: &str, found: Found) {
        let replaces = matches!(found, Found::Replaces(..));
        let (is_done, sentence, offer) = match found {
            Found::Done(sentence) => (true, sentence, Vec::new()),
            Found::Missing(sentence, offer) | Found::Replaces(sentence, offer) => {
                (false, sentence, offer)
            }
        };
        self.steps.push(ScenarioStep {
            name: name.to_owned(),
            title: title.to_owned(),
            is_done,
            sentence,
            offer,
            replaces,
        });
    }

    /// The VPC of the target networks.
    fn vpc(&self) -> Option<&'s Vpc> {
        let subnet = self.subnets.first()?;
        self.snapshot.vpcs.get(&subnet.vpc_id)
    }

    /// What is to be reached of the VPC: what was said, or all of it.
    fn vpc_part(&self) -> Vec<Ipv4Net> {
        match self.destination {
            Some(destination) => vec![destination],
            None => self.vpc().map(|vpc| vpc.cidrs.clone()).unwrap_or_default(),
        }
    }

    fn association(&mut self) {
        const TITLE: &str = "Associate a subnet of the VPC with the Client VPN endpoint";
        let found = if self.subnets.is_empty() {
            self.offer_association()
        } else {
            let names = self.subnets.iter().map(|subnet| subnet.title());
            Found::Done(format!("Target networks: {}.", fields::listed(names)))
        };
        self.step("association", TITLE, found);
    }

    fn offer_association(&self) -> Found {
        let fits = |subnet: &&Subnet| {
            let chosen = self.endpoint.vpc_id.as_ref();
            let vpc = self.snapshot.vpcs.get(&subnet.vpc_id);
            let mut blocks = vpc.into_iter().flat_map(|vpc| &vpc.cidrs);
            chosen.is_none_or(|vpc| subnet.vpc_id == *vpc)
                && subnet.cidr.prefix_len() <= crate::model::SMALLEST_TARGET
                && !blocks.any(|block| net::overlap(*block, self.endpoint.client_cidr))
        };
        let fitting: Vec<&Subnet> = self.snapshot.subnets.values().filter(fits).collect();
        let going = self.snapshot.associations_of(&self.endpoint.id).next();
        if let Some(going) = going {
            return Found::Missing(
                format!(
                    "{} is {}; look at it first.",
                    going.id,
                    going.state.as_str()
                ),
                Vec::new(),
            );
        }
        let Some(first) = fitting.first() else {
            return Found::Missing(
                "No subnet can be a target network; make a VPC with a subnet, or import this machine's networks.".to_owned(),
                Vec::new(),
            );
        };
        if fitting.iter().any(|subnet| subnet.vpc_id != first.vpc_id) {
            let names = fitting.iter().map(|subnet| subnet.title());
            return Found::Missing(
                format!(
                    "Choose which subnet to associate: {}.",
                    fields::listed(names)
                ),
                Vec::new(),
            );
        }
        let command = Command::AssociateClientVpnTargetNetwork(AssociateTargetNetwork {
            client_vpn_endpoint_id: self.endpoint.id.to_string(),
            subnet_id: first.id.to_string(),
        });
        Found::Missing(
            format!(
                "The endpoint has no target network; {} can be one.",
                first.title()
            ),
            vec![command],
        )
    }
}

/// Something is missing, and what doing it takes away is named: each a sentence.
fn missing(sentence: String, taken: &[String], offer: Vec<Command>) -> Found {
    if taken.is_empty() {
        return Found::Missing(sentence, offer);
    }
    Found::Replaces(format!("{sentence} {}", taken.join(" ")), offer)
}

/// Whether the association is, or is coming to be, a target network.
fn stays(association: &Association) -> bool {
    matches!(
        association.state,
        AssociationState::Associating | AssociationState::Associated
    )
}

/// What is said of a step that cannot be told before an earlier one is done.
fn waits(for_what: &str) -> Found {
    Found::Missing(format!("Waits for {for_what}."), Vec::new())
}
