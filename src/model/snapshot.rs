//! The configuration as one immutable value.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    certificate::Certificate,
    connection::{Attempt, Connection},
    directory::{Group, Sid},
    endpoint::{Association, AssociationState, AuthorizationRule, Endpoint, EndpointState, Route},
    gateway::GatewayStatus,
    id::{AssociationId, CertificateArn, EndpointId, InternetGatewayId, SubnetId, VpcId},
    network::{InternetGateway, Subnet, Vpc},
    settings::Settings,
};

/// The whole configuration after change number `seq`. It holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The number of the last change in it.
    pub seq: u64,
    /// Settings of the installation.
    pub settings: Settings,
    /// The certificate store, without keys.
    pub certificates: BTreeMap<CertificateArn, Arc<Certificate>>,
    /// Groups of the built-in directory.
    #[serde(default)]
    pub groups: BTreeMap<Sid, Arc<Group>>,
    /// VPCs.
    pub vpcs: BTreeMap<VpcId, Vpc>,
    /// Subnets.
    pub subnets: BTreeMap<SubnetId, Subnet>,
    /// Internet gateways.
    pub internet_gateways: BTreeMap<InternetGatewayId, InternetGateway>,
    /// Endpoints, tombstones included.
    pub endpoints: BTreeMap<EndpointId, Endpoint>,
    /// Associations, tombstones included.
    pub associations: BTreeMap<AssociationId, Association>,
    /// Authorization rules, tombstones included.
    pub rules: Vec<AuthorizationRule>,
    /// Routes, tombstones included.
    pub routes: Vec<Route>,
}

impl Snapshot {
    /// Where an endpoint stands: it follows from its associations.
    #[must_use]
    pub fn endpoint_state(&self, endpoint: &Endpoint) -> EndpointState {
        if endpoint.deleting {
            return EndpointState::Deleting;
        }
        let open = self
            .associations_of(&endpoint.id)
            .any(|a| a.state == AssociationState::Associated);
        if open {
            EndpointState::Available
        } else {
            EndpointState::PendingAssociate
        }
    }

    /// The associations of an endpoint.
    pub fn associations_of<'a>(
        &'a self,
        endpoint: &'a EndpointId,
    ) -> impl Iterator<Item = &'a Association> {
        self.associations
            .values()
            .filter(move |a| a.endpoint_id == *endpoint)
    }

    /// The authorization rules of an endpoint.
    pub fn rules_of<'a>(
        &'a self,
        endpoint: &'a EndpointId,
    ) -> impl Iterator<Item = &'a AuthorizationRule> {
        self.rules
            .iter()
            .filter(move |r| r.endpoint_id == *endpoint)
    }

    /// The route table of an endpoint.
    pub fn routes_of<'a>(&'a self, endpoint: &'a EndpointId) -> impl Iterator<Item = &'a Route> {
        self.routes
            .iter()
            .filter(move |r| r.endpoint_id == *endpoint)
    }

    /// The groups that a user is in, by the common name of the user's certificate.
    pub fn groups_of<'a>(&'a self, common_name: &'a str) -> impl Iterator<Item = &'a Group> {
        self.groups
            .values()
            .map(AsRef::as_ref)
            .filter(move |group| group.members.contains(common_name))
    }

    /// The internet gateway attached to a VPC.
    #[must_use]
    pub fn internet_gateway_of(&self, vpc: &VpcId) -> Option<&InternetGateway> {
        self.internet_gateways
            .values()
            .find(|gateway| gateway.vpc_id.as_ref() == Some(vpc))
    }
}

/// What changes by itself: the gateway and its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The gateway.
    pub gateway: GatewayStatus,
    /// Connections that are live and those that ended within the last hour, newest first.
    pub connections: Vec<Connection>,
    /// The latest clients that were not let in, newest first.
    pub attempts: Vec<Attempt>,
}

/// All that a face shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The configuration.
    pub snapshot: Arc<Snapshot>,
    /// What runs.
    pub live: Arc<Live>,
}

impl View {
    /// Whether what runs matches the configuration and nothing is under way.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let snapshot = &self.snapshot;
        let under_way = snapshot.endpoints.values().any(|e| e.deleting)
            || snapshot.associations.values().any(|a| {
                matches!(
                    a.state,
                    AssociationState::Associating | AssociationState::Disassociating
                )
            })
            || snapshot
                .rules
                .iter()
                .any(|r| r.state != super::endpoint::RuleState::Active)
            || snapshot
                .routes
                .iter()
                .any(|r| r.state != super::endpoint::RouteState::Active);
        !under_way
            && self.live.gateway.mode.is_some()
            && self.live.gateway.applied_seq >= snapshot.seq
    }
}
