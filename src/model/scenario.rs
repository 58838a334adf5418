//! The guide's scenarios: what each needs, what is there of it, and the commands for the rest.

use serde::{Deserialize, Serialize};

use super::command::Command;

/// A scenario of AWS's guide for administrators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScenarioKind {
    /// Access to a VPC.
    #[default]
    Vpc,
    /// Access to a peered VPC.
    PeeredVpc,
    /// Access to an on-premises network.
    OnPremises,
    /// Access to the internet.
    Internet,
    /// Restrict access to specific resources in the VPC.
    RestrictResources,
}

impl ScenarioKind {
    /// All of them, in the guide's order.
    pub const ALL: [Self; 5] = [
        Self::Vpc,
        Self::PeeredVpc,
        Self::OnPremises,
        Self::Internet,
        Self::RestrictResources,
    ];

    /// Its name, as the command line has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::PeeredVpc => "peered-vpc",
            Self::OnPremises => "on-premises",
            Self::Internet => "internet",
            Self::RestrictResources => "restrict-resources",
        }
    }
}

/// Fields of [`Command::DescribeScenario`]. What is absent and cannot be told from the
/// configuration is asked for by the step that needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribeScenario {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The scenario.
    pub scenario: ScenarioKind,
    /// The VPC at the other end, for a peered VPC.
    pub peer_vpc_id: Option<String>,
    /// The network to reach: on premises, or the part of a VPC; the whole VPC if absent.
    pub destination_cidr_block: Option<String>,
    /// Who may: the SID of a group; everyone if absent.
    pub access_group_id: Option<String>,
    /// The resource that only (or never) VPN clients reach.
    pub network_interface_id: Option<String>,
    /// Whether VPN clients are kept from the resource rather than being the only ones let in.
    #[serde(default)]
    pub keep_out: bool,
}

/// How far a scenario has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// Which one.
    pub scenario: ScenarioKind,
    /// What it needs, in the order in which it is to be done.
    pub steps: Vec<ScenarioStep>,
}

impl Scenario {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(|step| step.is_done)
    }
}

/// One thing that a scenario needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioStep {
    /// A stable name, for example `authorization`.
    pub name: String,
    /// What to do, in the guide's words, for example `Authorize clients to access the VPC`.
    pub title: String,
    /// Whether it is there.
    pub is_done: bool,
    /// What is there, or what is missing, as a sentence.
    pub sentence: String,
    /// The commands that do it; empty where it is done, waits for an earlier step, or needs a
    /// choice that the sentence asks for.
    pub offer: Vec<Command>,
    /// Whether the offer takes something from someone or undoes what was made otherwise. Such an
    /// offer is to be carried out by hand once the sentence is read, never together with others.
    #[serde(default)]
    pub replaces: bool,
}
