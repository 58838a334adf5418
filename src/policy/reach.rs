//! What the subnets of an endpoint's associations lead to.

use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    sync::Arc,
};

use ipnet::Ipv4Net;
use prefix_trie::{PrefixMap, PrefixSet};

use super::guard::Guard;
use crate::model::{
    Endpoint, RouteState, Snapshot, Subnet, SubnetId, VpcId, VpcReach, explanation::ResourceTitle,
    security_group::Resource,
};

/// What one association's subnet leads to.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) routes: PrefixSet<Ipv4Net>,
    pub(super) vpc_id: VpcId,
    vpc: PrefixMap<Ipv4Net, Target>,
    /// The addresses that what is reached sees in place of the clients', where it does not see
    /// those.
    pub(super) seen_as: Option<Ipv4Net>,
}

/// What a prefix leads to.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) by: VpcReach,
    /// The resources of the VPC it leads into; none where it leads into no VPC.
    residents: Option<Arc<Residents>>,
}

/// The resources of a VPC.
type Residents = HashMap<Ipv4Addr, Resident>;

/// A resource.
#[derive(Debug)]
pub(super) struct Resident {
    pub(super) title: ResourceTitle,
    pub(super) guard: Guard,
}

impl Reach {
    /// What leads to the host, if something does.
    pub(super) fn target(&self, host: Ipv4Net) -> Option<&Target> {
        self.vpc.get_lpm(&host).map(|(_, target)| target)
    }

    /// Routes that match, but not with the longest prefix; longest first.
    pub(super) fn shorter_routes(&self, host: Ipv4Net) -> Vec<Ipv4Net> {
        let mut routes: Vec<_> = self.routes.cover(&host).collect();
        routes.pop();
        routes.reverse();
        routes
    }
}

impl Target {
    /// Whether what it leads to is reached.
    pub(super) fn is_reached(&self) -> bool {
        self.by.blackhole().is_none()
    }

    /// The resource at the address.
    pub(super) fn resident(&self, address: Ipv4Addr) -> Option<&Resident> {
        self.residents.as_ref()?.get(&address)
    }
}

pub(super) fn reaches(snapshot: &Snapshot, endpoint: &Endpoint) -> BTreeMap<SubnetId, Reach> {
    let mut places = Places::new(snapshot);
    let associations = snapshot.associations_of(&endpoint.id);
    associations
        .map(|association| {
            let subnet = snapshot.subnets.get(&association.subnet_id);
            let reach = Reach {
                routes: snapshot
                    .routes_of(&endpoint.id)
                    .filter(|route| route.subnet_id == association.subnet_id)
                    .filter(|route| route.state != RouteState::Deleting)
                    .map(|route| route.destination.trunc())
                    .collect(),
                vpc_id: association.vpc_id.clone(),
                vpc: subnet
                    .map(|subnet| places.targets(subnet))
                    .unwrap_or_default(),
                seen_as: subnet.filter(|it| it.egress.nat).map(|it| it.cidr),
            };
            (association.subnet_id.clone(), reach)
        })
        .collect()
}

/// The resources of each VPC that was asked for, put together once.
struct Places<'s> {
    snapshot: &'s Snapshot,
    of_vpc: BTreeMap<VpcId, Arc<Residents>>,
}

impl<'s> Places<'s> {
    fn new(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            of_vpc: BTreeMap::new(),
        }
    }

    fn targets(&mut self, subnet: &Subnet) -> PrefixMap<Ipv4Net, Target> {
        let reached = self.snapshot.vpc_routes(subnet).into_iter();
        reached
            .map(|(prefix, by)| {
                let vpc = match &by {
                    VpcReach::Local(_) => Some(subnet.vpc_id.clone()),
                    VpcReach::PeeringConnection(id) => {
                        let peering = self.snapshot.peering_connections.get(id);
                        peering.and_then(|it| it.peer_of(&subnet.vpc_id).cloned())
                    }
                    VpcReach::InternetGateway
                    | VpcReach::VpnConnection(_)
                    | VpcReach::Blackhole(_) => None,
                };
                let residents = vpc.map(|vpc| self.residents(&vpc));
                (prefix.trunc(), Target { by, residents })
            })
            .collect()
    }

    fn residents(&mut self, vpc: &VpcId) -> Arc<Residents> {
        if let Some(known) = self.of_vpc.get(vpc) {
            return known.clone();
        }
        let resident = |resource: &Resource| Resident {
            title: ResourceTitle {
                id: resource.id.clone(),
                name: resource.title().to_owned(),
            },
            guard: Guard::new(self.snapshot, &resource.security_groups),
        };
        let resources = self.snapshot.resources.values();
        let residents: Residents = resources
            .filter(|resource| resource.vpc_id == *vpc)
            .map(|resource| (resource.address, resident(resource)))
            .collect();
        let residents = Arc::new(residents);
        self.of_vpc.insert(vpc.clone(), residents.clone());
        residents
    }
}
