//! The configuration as one immutable value.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    certificate::Certificate,
    connection::{Attempt, ClientBlock, Connection},
    directory::{Group, Sid},
    endpoint::{Association, AssociationState, AuthorizationRule, Endpoint, EndpointState, Route},
    gateway::GatewayStatus,
    id::{
        AssociationId, CertificateArn, EndpointId, InternetGatewayId, NetworkInterfaceId,
        RouteTableId, SecurityGroupId, SubnetId, VpcId, VpcPeeringConnectionId, VpnConnectionId,
    },
    log::LogGroup,
    network::{InternetGateway, PeeringConnection, RouteTable, Subnet, Vpc, VpnConnection},
    revocation::RevocationList,
    role::ServiceLinkedRole,
    security_group::{Resource, SecurityGroup},
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
    /// VPC peering connections.
    #[serde(default)]
    pub peering_connections: BTreeMap<VpcPeeringConnectionId, PeeringConnection>,
    /// VPN connections.
    #[serde(default)]
    pub vpn_connections: BTreeMap<VpnConnectionId, VpnConnection>,
    /// Route tables of VPCs.
    #[serde(default)]
    pub route_tables: BTreeMap<RouteTableId, RouteTable>,
    /// Security groups.
    #[serde(default)]
    pub security_groups: BTreeMap<SecurityGroupId, Arc<SecurityGroup>>,
    /// Resources.
    #[serde(default)]
    pub resources: BTreeMap<NetworkInterfaceId, Resource>,
    /// Endpoints, tombstones included.
    pub endpoints: BTreeMap<EndpointId, Endpoint>,
    /// Associations, tombstones included.
    pub associations: BTreeMap<AssociationId, Association>,
    /// Authorization rules, tombstones included.
    pub rules: Vec<AuthorizationRule>,
    /// Routes, tombstones included.
    pub routes: Vec<Route>,
    /// The list of revoked client certificates of each endpoint that has one.
    #[serde(default)]
    pub revocation_lists: BTreeMap<EndpointId, Arc<RevocationList>>,
    /// The list that was generated last for each authority of the store that has one.
    #[serde(default)]
    pub authority_lists: BTreeMap<CertificateArn, Arc<RevocationList>>,
    /// Clients that are kept out for a while, also those whose time is over.
    #[serde(default)]
    pub blocks: Vec<ClientBlock>,
    /// Log groups by name.
    #[serde(default)]
    pub log_groups: BTreeMap<String, LogGroup>,
    /// The service-linked role, where there is one.
    #[serde(default)]
    pub service_linked_role: Option<ServiceLinkedRole>,
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

    /// How many addresses of a subnet no resource has.
    #[must_use]
    pub fn free_addresses(&self, subnet: &Subnet) -> u32 {
        let taken = self
            .resources
            .values()
            .filter(|it| it.subnet_id == subnet.id);
        let taken = u32::try_from(taken.count()).unwrap_or(u32::MAX);
        subnet.usable_addresses().saturating_sub(taken)
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

    /// The security group that a VPC was made with.
    #[must_use]
    pub fn default_security_group(&self, vpc: &VpcId) -> Option<&SecurityGroup> {
        self.security_groups
            .values()
            .map(AsRef::as_ref)
            .find(|group| group.vpc_id == *vpc && group.is_default())
    }

    /// The route table that is for a subnet: the one that names it, or else its VPC's main one.
    #[must_use]
    pub fn route_table_of(&self, subnet: &Subnet) -> Option<&RouteTable> {
        let of_vpc = |table: &&RouteTable| table.vpc_id == subnet.vpc_id;
        let mut tables = self.route_tables.values().filter(of_vpc);
        let named = tables.clone().find(|t| t.subnets.contains(&subnet.id));
        named.or_else(|| tables.find(|table| table.is_main))
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
