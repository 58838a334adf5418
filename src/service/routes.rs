//! The route tables of endpoints.

use super::{
    change::Change,
    endpoints::{endpoint, living},
    fields::{self, invalid, listed, needed},
    filters::select,
};
use crate::model::{
    Answer, AssociationState, Code, Endpoint, Refusal, Route, RouteOrigin, RouteState, Snapshot,
    SubnetId,
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
        let subnet_id = associated_subnet(&snapshot, endpoint, &command.target_vpc_subnet_id)?;
        self.concerns(&subnet_id);
        let route = Route {
            endpoint_id: endpoint.id.clone(),
            destination,
            subnet_id,
            origin: RouteOrigin::AddRoute,
            for_all: false,
            description: fields::description(&command.description)?,
            state: RouteState::Creating,
        };
        let same =
            |other: &&Route| other.destination == destination && other.subnet_id == route.subnet_id;
        match snapshot.routes_of(&endpoint.id).find(same) {
            // One that is going is replaced by the new one at once.
            Some(old) if old.state == RouteState::Deleting => self.tx.delete_route(old)?,
            Some(_) => {
                return Err(Refusal::new(
                    Code::DuplicateRoute,
                    format!(
                        "The route to {destination} through {} exists already",
                        route.subnet_id
                    ),
                )
                .at(DESTINATION));
            }
            None => {}
        }
        let by_hand = |route: &&Route| {
            route.origin == RouteOrigin::AddRoute && route.state != RouteState::Deleting
        };
        let most = snapshot.settings.max_routes as usize;
        if snapshot.routes_of(&endpoint.id).filter(by_hand).count() >= most {
            return Err(Refusal::new(
                Code::RouteLimitExceeded,
                format!(
                    "{} has {most} routes, as many as it may have; delete one first",
                    endpoint.id
                ),
            ));
        }
        self.tx.insert_route(&route)?;
        Ok(Answer::RouteStatus(route))
    }

    pub(super) fn delete_route(&mut self, command: &DeleteRoute) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let destination = fields::cidr(DESTINATION, &command.destination_cidr_block, "0.0.0.0/0")?;
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
