//! What the subnets of an endpoint's associations lead to.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use prefix_trie::PrefixSet;

use crate::model::{Endpoint, RouteState, Snapshot, SubnetId, VpcId};

/// What one association's subnet leads to.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) routes: PrefixSet<Ipv4Net>,
    pub(super) vpc_id: VpcId,
    pub(super) vpc: PrefixSet<Ipv4Net>,
    pub(super) internet_gateway: bool,
}

pub(super) fn reaches(snapshot: &Snapshot, endpoint: &Endpoint) -> BTreeMap<SubnetId, Reach> {
    let mut reaches = BTreeMap::new();
    for association in snapshot.associations_of(&endpoint.id) {
        let blocks = snapshot
            .vpcs
            .get(&association.vpc_id)
            .into_iter()
            .flat_map(|vpc| &vpc.cidrs);
        let reach = Reach {
            routes: snapshot
                .routes_of(&endpoint.id)
                .filter(|route| route.subnet_id == association.subnet_id)
                .filter(|route| route.state != RouteState::Deleting)
                .map(|route| route.destination.trunc())
                .collect(),
            vpc_id: association.vpc_id.clone(),
            vpc: blocks.map(Ipv4Net::trunc).collect(),
            internet_gateway: snapshot.internet_gateway_of(&association.vpc_id).is_some(),
        };
        reaches.insert(association.subnet_id.clone(), reach);
    }
    reaches
}
