//! The route tables of endpoints.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::{
    change::Change,
    endpoints::{endpoint, living},
    fields::{self, invalid, listed, needed},
    filters::select,
    limits::{self, Limit},
};
use crate::model::{
    Answer, AssociationState, Code, Endpoint, EndpointId, Refusal, Route, RouteOrigin, RouteState,
    Snapshot, SubnetId,
    command::{CreateRoute, DeleteRoute, DescribeOfEndpoint},
    net,
};

impl Change<'_, '_> {
    pub(super) fn create_route(&mut self, command: &CreateRoute) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let destination = fields::cidr(DESTINATION, &command.destination_cidr_block, "0.0.0.0/0")?;
        if destination != net::everywhere() && net::overlap(destination, endpoint.client_cidr) {
            return Err(invalid(
                DESTINATION,
                format!(
                    "{destination} overlaps the client range {}; only 0.0.0.0/0 may",
                    endpoint.client_cidr
                ),
            ));
        }
        let subnets = if command.all_associations {
            refuse_subnet_beside_all(&command.target_vpc_subnet_id)?;
            every_subnet(&snapshot, endpoint)?
        } else {
            let text = &command.target_vpc_subnet_id;
            vec![associated_subnet(&snapshot, endpoint, text)?]
        };
        let description = fields::description(&command.description)?;
        self.refuse_too_many_routes(endpoint)?;
        let mut first = None;
        for subnet_id in subnets {
            let route = Route {
                endpoint_id: endpoint.id.clone(),
                destination,
                subnet_id,
                origin: RouteOrigin::AddRoute,
                for_all: command.all_associations,
                description: description.clone(),
                state: RouteState::Creating,
            };
            self.concerns(&route.subnet_id);
            self.put_route(&route)?;
            first.get_or_insert(route);
        }
        // There is at least one subnet, or it would have been refused.
        first
            .map(Answer::RouteStatus)
            .ok_or_else(|| no_target_network(endpoint))
    }

    /// Adds a route, also in the place of one that is going.
    fn put_route(&mut self, route: &Route) -> Result<(), Refusal> {
        let snapshot = self.snapshot.clone();
        let same = |other: &&Route| {
            other.destination == route.destination && other.subnet_id == route.subnet_id
        };
        match snapshot.routes_of(&route.endpoint_id).find(same) {
            Some(old) if old.state == RouteState::Deleting => self.tx.delete_route(old)?,
            Some(old) => {
                let hint = if old.for_all {
                    ", as the route for all associations"
                } else if route.for_all && old.origin == RouteOrigin::AddRoute {
                    "; delete it, then the route for all associations can take its place"
                } else {
                    ""
                };
                return Err(Refusal::new(
                    Code::DuplicateRoute,
                    format!(
                        "The route to {} through {} exists already{hint}",
                        route.destination, route.subnet_id
                    ),
                )
                .at(DESTINATION));
            }
            None => {}
        }
        self.tx.insert_route(route)?;
        Ok(())
    }

    fn refuse_too_many_routes(&self, endpoint: &Endpoint) -> Result<(), Refusal> {
        let most = self.snapshot.settings.max_routes;
        if limits::routes(&self.snapshot, &endpoint.id) < most as usize {
            return Ok(());
        }
        Err(Refusal::new(
            Code::RouteLimitExceeded,
            format!(
                "{} has {most} routes, as many as it may have; delete one first, or {}",
                endpoint.id,
                Limit::Routes.how_to_raise(most)
            ),
        ))
    }

    /// Gives a new association the routes that are for all of them.
    pub(super) fn copy_routes_for_all(
        &mut self,
        endpoint: &EndpointId,
        subnet: &SubnetId,
    ) -> Result<(), Refusal> {
        let snapshot = self.snapshot.clone();
        let mut done = BTreeSet::new();
        for route in staying_for_all(&snapshot, endpoint) {
            if done.insert(route.destination) {
                self.put_route(&Route {
                    subnet_id: subnet.clone(),
                    state: RouteState::Creating,
                    ..route.clone()
                })?;
            }
        }
        Ok(())
    }

    pub(super) fn delete_route(&mut self, command: &DeleteRoute) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let destination = fields::cidr(DESTINATION, &command.destination_cidr_block, "0.0.0.0/0")?;
        if command.all_associations {
            let subnet = command.target_vpc_subnet_id.as_deref().unwrap_or_default();
            refuse_subnet_beside_all(subnet)?;
            return self.delete_route_for_all(endpoint, destination);
        }
        let subnet = command
            .target_vpc_subnet_id
            .as_deref()
            .map(str::trim)
            .filter(|subnet| !subnet.is_empty());
        let wanted = |route: &&Route| {
            route.destination == destination
                && route.state != RouteState::Deleting
                && subnet.is_none_or(|subnet| route.subnet_id.as_str() == subnet)
        };
        let found: Vec<&Route> = snapshot.routes_of(&endpoint.id).filter(wanted).collect();
        if let Some(route) = found.iter().find(|route| route.for_all) {
            return Err(invalid(
                DESTINATION,
                format!(
                    "The route to {destination} through {} is one for all associations, of which none can be deleted alone; delete it for all of them (AllAssociations=true), then add it to those that shall keep it",
                    route.subnet_id
                ),
            ));
        }
        let route = match found.as_slice() {
            [] => {
                return Err(Refusal::new(
                    Code::RouteNotFound,
                    format!("{} has no such route to {destination}", endpoint.id),
                )
                .at(DESTINATION));
            }
            [route] => *route,
            several => {
                return Err(Refusal::new(
                    Code::MissingParameter,
                    format!(
                        "Routes to {destination} go through {}; say which one is meant",
                        listed(several.iter().map(|route| &route.subnet_id))
                    ),
                )
                .at(TARGET_SUBNET));
            }
        };
        self.concerns(&route.subnet_id);
        if route.origin == RouteOrigin::Associate {
            return Err(invalid(
                DESTINATION,
                format!(
                    "The route to {destination} came with the association of {} and goes with it; disassociate the target network instead",
                    route.subnet_id
                ),
            ));
        }
        self.tx.set_route_state(route, RouteState::Deleting)?;
        Ok(Answer::RouteStatus(Route {
            state: RouteState::Deleting,
            ..route.clone()
        }))
    }

    fn delete_route_for_all(
        &mut self,
        endpoint: &Endpoint,
        destination: Ipv4Net,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let all = staying_for_all(&snapshot, &endpoint.id);
        let found: Vec<&Route> = all.filter(|it| it.destination == destination).collect();
        for route in &found {
            self.concerns(&route.subnet_id);
            self.tx.set_route_state(route, RouteState::Deleting)?;
        }
        let Some(first) = found.first() else {
            return Err(Refusal::new(
                Code::RouteNotFound,
                format!(
                    "{} has no route to {destination} for all associations; name the subnet of a single one instead",
                    endpoint.id
                ),
            )
            .at(DESTINATION));
        };
        Ok(Answer::RouteStatus(Route {
            state: RouteState::Deleting,
            ..(*first).clone()
        }))
    }
}

/// The routes of an endpoint that are for all its associations, and not going.
fn staying_for_all<'s>(
    snapshot: &'s Snapshot,
    endpoint: &'s EndpointId,
) -> impl Iterator<Item = &'s Route> {
    snapshot
        .routes_of(endpoint)
        .filter(|route| route.for_all && route.state != RouteState::Deleting)
}

fn refuse_subnet_beside_all(subnet: &str) -> Result<(), Refusal> {
    if subnet.trim().is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        Code::InvalidParameterCombination,
        format!("Give either {TARGET_SUBNET} or AllAssociations=true, not both"),
    )
    .at(TARGET_SUBNET))
}

/// The subnets of all associations that are not going.
fn every_subnet(snapshot: &Snapshot, endpoint: &Endpoint) -> Result<Vec<SubnetId>, Refusal> {
    let staying = snapshot
        .associations_of(&endpoint.id)
        .filter(|association| association.state != AssociationState::Disassociating);
    let subnets: Vec<_> = staying.map(|it| it.subnet_id.clone()).collect();
    if subnets.is_empty() {
        return Err(no_target_network(endpoint));
    }
    Ok(subnets)
}

fn no_target_network(endpoint: &Endpoint) -> Refusal {
    Refusal::new(
        Code::ActiveAssociationNotFound,
        format!(
            "{} has no target network yet; associate one first",
            endpoint.id
        ),
    )
    .at(TARGET_SUBNET)
}

pub(super) fn describe(
    snapshot: &Snapshot,
    wanted: &DescribeOfEndpoint,
) -> Result<Answer, Refusal> {
    let endpoint = endpoint(snapshot, &wanted.client_vpn_endpoint_id)?;
    let names = ["destination-cidr", "origin", "target-subnet"];
    let value = |route: &Route, name: &str| match name {
        "destination-cidr" => vec![route.destination.to_string()],
        "origin" => vec![route.origin.as_str().to_owned()],
        _ => vec![route.subnet_id.to_string()],
    };
    select(
        snapshot.routes_of(&endpoint.id),
        &wanted.filters,
        &names,
        value,
    )
    .map(Answer::Routes)
}

/// The subnet that the field names, if the endpoint has it as a target network.
fn associated_subnet(
    snapshot: &Snapshot,
    endpoint: &Endpoint,
    text: &str,
) -> Result<SubnetId, Refusal> {
    let text = needed(TARGET_SUBNET, text, "subnet-0a1b2c3d4e5f60718")?;
    let staying: Vec<_> = snapshot
        .associations_of(&endpoint.id)
        .filter(|association| association.state != AssociationState::Disassociating)
        .map(|association| &association.subnet_id)
        .collect();
    if let Some(subnet) = staying.iter().find(|subnet| subnet.as_str() == text) {
        return Ok((*subnet).clone());
    }
    let cure = staying.first().map(ToString::to_string);
    let hint = if staying.is_empty() {
        "it has no target network yet; associate one first".to_owned()
    } else {
        format!("it has {}", listed(staying))
    };
    let mut refusal = Refusal::new(
        Code::ActiveAssociationNotFound,
        format!(
            "The subnet {text} is not a target network of {}; {hint}",
            endpoint.id
        ),
    )
    .at(TARGET_SUBNET);
    refusal.cure = cure;
    Err(refusal)
}

const DESTINATION: &str = "DestinationCidrBlock";
const TARGET_SUBNET: &str = "TargetVpcSubnetId";
