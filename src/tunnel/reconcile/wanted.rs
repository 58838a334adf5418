//! What the newest snapshot asks for, and how that differs from what runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use ipnet::Ipv4Net;

use crate::{
    model::{
        self, AssociationId, AssociationState, Certificate, CertificateArn, Egress, Endpoint,
        EndpointId, RouteState, Snapshot, Transport, Vpc,
    },
    network::{EgressId, ResolverPlan},
    tunnel::{
        egress::Egresses,
        gate::{Association, Terms},
    },
};

/// How one endpoint should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) listen: Listen,
    pub(super) identity: Identity,
    pub(super) rekey_after: Duration,
    pub(super) terms: Terms,
}

/// What cannot change while an endpoint runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listen {
    pub(super) transport: Transport,
    pub(super) port: u16,
    pub(super) client_range: Ipv4Net,
}

/// The certificates in play; another value means that credentials must be fetched again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) server: (CertificateArn, Option<Arc<Certificate>>),
    pub(super) clients: Option<(CertificateArn, Option<Arc<Certificate>>)>,
}

/// Every endpoint that should run: not going, with an association that is not going.
pub(super) fn wanted(snapshot: &Snapshot, egresses: &Egresses) -> BTreeMap<EndpointId, Wanted> {
    let endpoints = snapshot.endpoints.values().filter(|e| !e.deleting);
    endpoints
        .map(|endpoint| (endpoint.id.clone(), wanted_of(snapshot, endpoint, egresses)))
        .filter(|(_, wanted)| !wanted.terms.associations.is_empty())
        .collect()
}

fn wanted_of(snapshot: &Snapshot, endpoint: &Endpoint, egresses: &Egresses) -> Wanted {
    let certificate = |arn: &CertificateArn| (arn.clone(), snapshot.certificates.get(arn).cloned());
    Wanted {
        listen: Listen {
            transport: endpoint.transport,
            port: endpoint.port,
            client_range: endpoint.client_cidr,
        },
        identity: Identity {
            server: certificate(&endpoint.server_certificate),
            clients: endpoint.client_root_certificate().map(certificate),
        },
        rekey_after: Duration::from_secs(snapshot.settings.rekey_secs.into()),
        terms: Terms {
            associations: associations(snapshot, &endpoint.id, egresses),
            split_tunnel: endpoint.split_tunnel,
            dns_servers: endpoint.dns_servers.clone(),
            max_connections: snapshot.settings.max_connections as usize,
        },
    }
}

fn associations(
    snapshot: &Snapshot,
    endpoint: &EndpointId,
    egresses: &Egresses,
) -> BTreeMap<AssociationId, Association> {
    staying(snapshot, endpoint)
        .map(|association| {
            let routes = snapshot
                .routes_of(endpoint)
                .filter(|r| r.subnet_id == association.subnet_id)
                .filter(|r| r.state != RouteState::Deleting)
                .map(|r| r.destination)
                .collect();
            let subnet = snapshot.subnets.get(&association.subnet_id);
            let egress = subnet.map_or(EgressId::DEFAULT, |it| egresses.id_of(&it.egress));
            let running = Association {
                subnet_id: association.subnet_id.clone(),
                zone: subnet.map_or_else(String::new, |it| it.availability_zone.clone()),
                egress,
                is_open: egresses.is_open(egress),
                trouble: egresses.trouble_of(egress).cloned(),
                routes,
            };
            (association.id.clone(), running)
        })
        .collect()
}

/// The endpoint's associations that are not going.
pub(super) fn staying<'s>(
    snapshot: &'s Snapshot,
    endpoint: &'s EndpointId,
) -> impl Iterator<Item = &'s model::Association> {
    let all = snapshot.associations_of(endpoint);
    all.filter(|a| a.state != AssociationState::Disassociating)
}

/// The egress of every subnet that is associated with an endpoint that should run.
pub(super) fn wanted_egresses(snapshot: &Snapshot) -> impl Iterator<Item = &Egress> {
    let endpoints = snapshot.endpoints.values().filter(|e| !e.deleting);
    let associations = endpoints.flat_map(|endpoint| staying(snapshot, &endpoint.id));
    let subnets = associations.filter_map(|a| snapshot.subnets.get(&a.subnet_id));
    subnets.map(|subnet| &subnet.egress)
}

/// The resolvers that answer: those of the VPCs of endpoints that should run.
pub(super) fn wanted_resolvers(snapshot: &Snapshot) -> Vec<ResolverPlan> {
    let endpoints = snapshot.endpoints.values().filter(|e| !e.deleting);
    let resolvers = endpoints.flat_map(|endpoint| {
        let vpcs = staying(snapshot, &endpoint.id).filter_map(|a| snapshot.vpcs.get(&a.vpc_id));
        let addresses = vpcs.filter(|vpc| vpc.dns_support).filter_map(Vpc::resolver);
        addresses.map(|address| ResolverPlan {
            range: endpoint.client_cidr,
            address,
        })
    });
    // Each association of a VPC names the same one.
    let resolvers: BTreeSet<_> = resolvers.collect();
    resolvers.into_iter().collect()
}

/// What a pass has to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) close: Vec<EndpointId>,
    pub(super) open: Vec<EndpointId>,
}

/// Compares what runs with what should. What listens elsewhere than it should is closed and opened.
pub(super) fn difference(
    running: &BTreeMap<EndpointId, Listen>,
    wanted: &BTreeMap<EndpointId, Wanted>,
) -> Difference {
    let is_right = |id: &EndpointId, listen: &Listen| {
        wanted
            .get(id)
            .is_some_and(|wanted| wanted.listen == *listen)
    };
    let close: Vec<_> = running
        .iter()
        .filter(|(id, listen)| !is_right(id, listen))
        .map(|(id, _)| id.clone())
        .collect();
    let open = wanted
        .keys()
        .filter(|id| !running.contains_key(*id) || close.contains(*id))
        .cloned()
        .collect();
    Difference { close, open }
}

/// The endpoints that should run.
pub(super) fn wanted_ids(snapshot: &Snapshot) -> BTreeSet<&EndpointId> {
    let endpoints = snapshot.endpoints.values().filter(|e| !e.deleting);
    let ids = endpoints.map(|endpoint| &endpoint.id);
    ids.filter(|id| staying(snapshot, id).next().is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::tests::world::{association_id, endpoint_id, snapshot};

    fn listens(snapshot: &Snapshot) -> BTreeMap<EndpointId, Listen> {
        let wanted = wanted(snapshot, &Egresses::default()).into_iter();
        wanted.map(|(id, wanted)| (id, wanted.listen)).collect()
    }

    fn endpoint(snapshot: &mut Snapshot) -> &mut Endpoint {
        snapshot.endpoints.get_mut(&endpoint_id()).unwrap()
    }

    #[test]
    fn what_runs_as_it_should_is_left_alone() {
        let snapshot = snapshot(Transport::Udp, 1194);
        let difference = difference(
            &listens(&snapshot),
            &wanted(&snapshot, &Egresses::default()),
        );
        assert_eq!(difference, Difference::default());
    }

    #[test]
    fn a_new_endpoint_is_opened_and_one_that_goes_is_closed() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        let opening = difference(&BTreeMap::new(), &wanted(&snapshot, &Egresses::default()));
        assert_eq!(opening.open, [endpoint_id()]);
        assert!(opening.close.is_empty());

        let running = listens(&snapshot);
        endpoint(&mut snapshot).deleting = true;
        let closing = difference(&running, &wanted(&snapshot, &Egresses::default()));
        assert_eq!(closing.close, [endpoint_id()]);
        assert!(closing.open.is_empty());
    }

    #[test]
    fn an_endpoint_that_should_listen_elsewhere_is_closed_and_opened() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        let running = listens(&snapshot);
        endpoint(&mut snapshot).port = 443;
        let difference = difference(&running, &wanted(&snapshot, &Egresses::default()));
        assert_eq!(difference.close, [endpoint_id()]);
        assert_eq!(difference.open, [endpoint_id()]);
    }

    #[test]
    fn an_endpoint_listens_only_while_an_association_is_not_going() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        let leave = |snapshot: &mut Snapshot, number| {
            let going = snapshot.associations.get_mut(&association_id(number));
            going.unwrap().state = AssociationState::Disassociating;
        };
        leave(&mut snapshot, 1);
        let staying = &wanted(&snapshot, &Egresses::default())[&endpoint_id()]
            .terms
            .associations;
        assert_eq!(staying.keys().collect::<Vec<_>>(), [&association_id(2)]);
        leave(&mut snapshot, 2);
        assert!(wanted(&snapshot, &Egresses::default()).is_empty());
    }

    #[test]
    fn a_failed_association_is_tried_again() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        for association in snapshot.associations.values_mut() {
            let reason = "UDP port 1194 is in use by another program.".to_owned();
            association.state = AssociationState::Failed { reason };
        }
        assert_eq!(
            wanted(&snapshot, &Egresses::default())[&endpoint_id()]
                .terms
                .associations
                .len(),
            2
        );
    }

    #[test]
    fn routes_that_are_going_are_not_given_to_clients() {
        let mut snapshot = snapshot(Transport::Udp, 1194);
        snapshot.routes[0].state = RouteState::Deleting;
        let associations = &wanted(&snapshot, &Egresses::default())[&endpoint_id()]
            .terms
            .associations;
        assert!(associations[&association_id(1)].routes.is_empty());
        assert_eq!(associations[&association_id(2)].routes.len(), 1);
    }
}
