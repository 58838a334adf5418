//! Route tables of VPCs: what their subnets reach beyond the VPC's own blocks.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::{
    attachments,
    change::Change,
    fields::{self, invalid, listed, needed, random},
    filters::{described, tag_values},
    networks::{self, SUBNET_ID, in_use, vpc},
};
use crate::model::{
    Answer, Code, InternetGatewayId, Refusal, RouteTable, RouteTableId, RouteTarget, Snapshot,
    Subnet, Vpc, VpcPeeringConnectionId, VpcRoute, VpnConnectionId,
    command::{
        ById, CreateRouteTable, CreateVpcRoute, DeleteVpcRoute, Describe, RouteTableAssociation,
        RouteTableDescription,
    },
};

impl Change<'_, '_> {
    pub(super) fn create_route_table(
        &mut self,
        command: CreateRouteTable,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let vpc = vpc(&snapshot, &command.vpc_id)?;
        let table = RouteTable {
            id: RouteTableId::from_random(random()?),
            vpc_id: vpc.id.clone(),
            is_main: false,
            subnets: BTreeSet::new(),
            routes: Vec::new(),
            tags: fields::tags(command.tags)?,
        };
        self.concerns(&table.id);
        self.concerns(&vpc.id);
        self.tx.insert_route_table(&table)?;
        Ok(answer(&snapshot, table))
    }

    pub(super) fn delete_route_table(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let table = route_table(&snapshot, &command.id)?;
        self.concerns(&table.id);
        if table.is_main {
            return Err(in_use(
                TABLE_ID,
                format!(
                    "{} is the main route table of {} and stays as long as that; delete its routes instead",
                    table.id, table.vpc_id
                ),
            ));
        }
        if !table.subnets.is_empty() {
            return Err(in_use(
                TABLE_ID,
                format!(
                    "{} is used by the subnets {}; disassociate them first",
                    table.id,
                    listed(&table.subnets)
                ),
            ));
        }
        self.tx.delete_route_table(&table.id)?;
        Ok(Answer::Done)
    }

    pub(super) fn associate_route_table(
        &mut self,
        command: &RouteTableAssociation,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let (table, subnet) = pair(&snapshot, command)?;
        self.concerns(&table.id);
        self.concerns(&subnet.id);
        if subnet.vpc_id != table.vpc_id {
            return Err(invalid(
                SUBNET_ID,
                format!(
                    "{} is of {}, but {} is of {}; name a subnet of that VPC",
                    subnet.id, subnet.vpc_id, table.id, table.vpc_id
                ),
            ));
        }
        let named = |other: &&RouteTable| other.subnets.contains(&subnet.id);
        if let Some(other) = snapshot.route_tables.values().find(named) {
            return Err(Refusal::new(
                Code::AlreadyAssociated,
                format!(
                    "{} uses {} already; disassociate it from that first",
                    subnet.id, other.id
                ),
            )
            .at(SUBNET_ID));
        }
        self.tx.associate_route_table(table, &subnet.id)?;
        let mut table = table.clone();
        table.subnets.insert(subnet.id.clone());
        Ok(answer(&snapshot, table))
    }

    pub(super) fn disassociate_route_table(
        &mut self,
        command: &RouteTableAssociation,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let (table, subnet) = pair(&snapshot, command)?;
        self.concerns(&table.id);
        self.concerns(&subnet.id);
        if !table.subnets.contains(&subnet.id) {
            let hint = if table.subnets.is_empty() {
                "it has no subnet by name".to_owned()
            } else {
                format!("it has {}", listed(&table.subnets))
            };
            return Err(Refusal::new(
                Code::RouteTableAssociationNotFound,
                format!("{} is not for {}; {hint}", table.id, subnet.id),
            )
            .at(SUBNET_ID));
        }
        self.tx.disassociate_route_table(&table.id, &subnet.id)?;
        let mut table = table.clone();
        table.subnets.remove(&subnet.id);
        Ok(answer(&snapshot, table))
    }

    /// Adds a route. One that came with an attachment gives way to it, as in AWS.
    pub(super) fn create_vpc_route(&mut self, command: &CreateVpcRoute) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut table = route_table(&snapshot, &command.route_table_id)?.clone();
        let vpc = vpc(&snapshot, table.vpc_id.as_str())?;
        self.concerns(&table.id);
        let destination = fields::cidr(DESTINATION, &command.destination_cidr_block, EXAMPLE)?;
        refuse_inside(vpc, destination)?;
        let target = attached_target(&snapshot, &table, &command.target_id)?;
        self.concerns(&target.as_str());
        let same = |route: &VpcRoute| route.destination == destination;
        if let Some(at) = table.routes.iter().position(same) {
            if !table.routes[at].is_propagated {
                return Err(Refusal::new(
                    Code::VpcRouteExists,
                    format!(
                        "{} has a route to {destination} already, through {}; delete it first",
                        table.id,
                        table.routes[at].target.as_str()
                    ),
                )
                .at(DESTINATION));
            }
            self.tx.delete_vpc_route(&table.id, destination)?;
            table.routes.remove(at);
        }
        let route = VpcRoute {
            destination,
            target,
            is_propagated: false,
        };
        self.tx.insert_vpc_route(&table.id, &route)?;
        table.routes.push(route);
        table.routes.sort_by_key(|route| route.destination);
        Ok(answer(&snapshot, table))
    }

    pub(super) fn delete_vpc_route(&mut self, command: &DeleteVpcRoute) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut table = route_table(&snapshot, &command.route_table_id)?.clone();
        let vpc = vpc(&snapshot, table.vpc_id.as_str())?;
        self.concerns(&table.id);
        let destination = fields::cidr(DESTINATION, &command.destination_cidr_block, EXAMPLE)?;
        let same = |route: &VpcRoute| route.destination == destination;
        let Some(at) = table.routes.iter().position(same) else {
            if vpc.cidrs.contains(&destination) {
                return Err(invalid(
                    DESTINATION,
                    format!(
                        "The local route to {destination} stays as long as {} has that block",
                        vpc.id
                    ),
                ));
            }
            let hint = if table.routes.is_empty() {
                "it has none but the local ones".to_owned()
            } else {
                let there = table.routes.iter().map(|route| route.destination);
                format!("it has routes to {}", listed(there))
            };
            return Err(Refusal::new(
                Code::VpcRouteNotFound,
                format!("{} has no route to {destination}; {hint}", table.id),
            )
            .at(DESTINATION));
        };
        let route = &table.routes[at];
        if route.is_propagated {
            return Err(invalid(
                DESTINATION,
                format!(
                    "The route to {destination} came with {target} and goes with it: delete or detach {target}, or make a route of your own to {destination}, which takes its place",
                    target = route.target.as_str()
                ),
            ));
        }
        self.tx.delete_vpc_route(&table.id, destination)?;
        let route = table.routes.remove(at);
        self.concerns(&route.target.as_str());
        // One that it took the place of comes back.
        if let Some(back) = networks::propagated(&snapshot, &table, destination, None) {
            self.tx.insert_vpc_route(&table.id, &back)?;
            table.routes.insert(at, back);
        }
        Ok(answer(&snapshot, table))
    }
}

pub(super) fn describe(snapshot: &Snapshot, wanted: &Describe) -> Result<Answer, Refusal> {
    let names = [
        "route-table-id",
        "vpc-id",
        "association.main",
        "association.subnet-id",
        "route.destination-cidr-block",
        "route.gateway-id",
        "route.vpc-peering-connection-id",
        "route.origin",
        "route.state",
        "tag-key",
    ];
    let of_routes = |table: &RouteTable, value: &dyn Fn(&VpcRoute) -> Option<String>| {
        table.routes.iter().filter_map(value).collect()
    };
    let value = |table: &RouteTable, name: &str| match name {
        "route-table-id" => vec![table.id.to_string()],
        "vpc-id" => vec![table.vpc_id.to_string()],
        "association.main" => vec![table.is_main.to_string()],
        "association.subnet-id" => table.subnets.iter().map(ToString::to_string).collect(),
        "route.destination-cidr-block" => {
            of_routes(table, &|route| Some(route.destination.to_string()))
        }
        "route.gateway-id" => of_routes(table, &|route| match &route.target {
            RouteTarget::PeeringConnection(_) => None,
            other => Some(other.as_str().to_owned()),
        }),
        "route.vpc-peering-connection-id" => of_routes(table, &|route| match &route.target {
            RouteTarget::PeeringConnection(id) => Some(id.to_string()),
            _ => None,
        }),
        "route.origin" => of_routes(table, &|route| Some(origin(route).to_owned())),
        "route.state" => of_routes(table, &|route| {
            let is_active = snapshot.blackhole(table, route).is_none();
            Some(if is_active { "active" } else { "blackhole" }.to_owned())
        }),
        _ => tag_values(&table.tags, name),
    };
    let find = |id: &str| route_table(snapshot, id);
    let found = described(snapshot.route_tables.values(), wanted, find, &names, value)?;
    let tables = found.into_iter().map(|table| description(snapshot, table));
    Ok(Answer::RouteTables(tables.collect()))
}

/// AWS's word for how a route came about.
fn origin(route: &VpcRoute) -> &'static str {
    if route.is_propagated {
        "EnableVgwRoutePropagation"
    } else {
        "CreateRoute"
    }
}

fn answer(snapshot: &Snapshot, table: RouteTable) -> Answer {
    Answer::RouteTable(description(snapshot, table))
}

fn description(snapshot: &Snapshot, table: RouteTable) -> RouteTableDescription {
    let vpc = snapshot.vpcs.get(&table.vpc_id);
    let routes = table.routes.iter();
    RouteTableDescription {
        local: vpc.map(|vpc| vpc.cidrs.clone()).unwrap_or_default(),
        blackholes: routes
            .map(|route| snapshot.blackhole(&table, route))
            .collect(),
        table,
    }
}

pub(super) fn route_table<'s>(
    snapshot: &'s Snapshot,
    text: &str,
) -> Result<&'s RouteTable, Refusal> {
    fields::named(
        &snapshot.route_tables,
        TABLE_ID,
        ("routeTable", "rtb-0a1b2c3d4e5f60718"),
        Code::RouteTableNotFound,
        text,
    )
}

fn pair<'s>(
    snapshot: &'s Snapshot,
    command: &RouteTableAssociation,
) -> Result<(&'s RouteTable, &'s Subnet), Refusal> {
    let table = route_table(snapshot, &command.route_table_id)?;
    let subnet = networks::subnet(snapshot, &command.subnet_id, Code::SubnetNotFound)?;
    Ok((table, subnet))
}

fn refuse_inside(vpc: &Vpc, destination: Ipv4Net) -> Result<(), Refusal> {
    if !vpc.contains(destination) {
        return Ok(());
    }
    Err(invalid(
        DESTINATION,
        format!(
            "{destination} is inside the VPC's own blocks, {}, which are reached locally before any route; name a destination elsewhere, for example {EXAMPLE}",
            listed(&vpc.cidrs)
        ),
    )
    .cure(EXAMPLE))
}

/// The target that the field names, if it is attached to the table's VPC.
fn attached_target(
    snapshot: &Snapshot,
    table: &RouteTable,
    text: &str,
) -> Result<RouteTarget, Refusal> {
    let text = needed(TARGET_ID, text, "igw-0a1b2c3d4e5f60718")?;
    let vpc = &table.vpc_id;
    if let Ok(id) = text.parse::<InternetGatewayId>() {
        let gateway = networks::internet_gateway(snapshot, text).map_err(|it| it.at(TARGET_ID))?;
        if gateway.vpc_id.as_ref() != Some(vpc) {
            return Err(not_attached(
                snapshot,
                table,
                text,
                Code::GatewayNotAttached,
            ));
        }
        return Ok(RouteTarget::InternetGateway(id));
    }
    if let Ok(id) = text.parse::<VpcPeeringConnectionId>() {
        let peering = attachments::peering_connection(snapshot, text);
        if peering
            .map_err(|it| it.at(TARGET_ID))?
            .peer_of(vpc)
            .is_none()
        {
            return Err(not_attached(
                snapshot,
                table,
                text,
                Code::InvalidParameterValue,
            ));
        }
        return Ok(RouteTarget::PeeringConnection(id));
    }
    if let Ok(id) = text.parse::<VpnConnectionId>() {
        let vpn = attachments::vpn_connection(snapshot, text).map_err(|it| it.at(TARGET_ID))?;
        if vpn.vpc_id != *vpc {
            return Err(not_attached(
                snapshot,
                table,
                text,
                Code::GatewayNotAttached,
            ));
        }
        return Ok(RouteTarget::VpnConnection(id));
    }
    Err(with_attached(
        invalid(
            TARGET_ID,
            format!(
                "\"{text}\" is not an internet gateway (igw-…), a peering connection (pcx-…) or a VPN connection (vpn-…)"
            ),
        ),
        &attached_to(snapshot, table),
    ))
}

fn not_attached(snapshot: &Snapshot, table: &RouteTable, text: &str, code: Code) -> Refusal {
    let attached = attached_to(snapshot, table);
    let hint = if attached.is_empty() {
        "nothing is yet".to_owned()
    } else {
        format!("these are: {}", listed(&attached))
    };
    let message = format!(
        "{text} is not attached to {}, the VPC of {}; {hint}",
        table.vpc_id, table.id
    );
    with_attached(Refusal::new(code, message).at(TARGET_ID), &attached)
}

fn with_attached(refusal: Refusal, attached: &[String]) -> Refusal {
    match attached.first() {
        Some(first) => refusal.cure(first.clone()),
        None => refusal,
    }
}

/// What routes of the table may lead through.
fn attached_to(snapshot: &Snapshot, table: &RouteTable) -> Vec<String> {
    let vpc = &table.vpc_id;
    let gateway = snapshot.internet_gateway_of(vpc);
    let gateway = gateway.map(|gateway| gateway.id.to_string());
    let peerings = snapshot.peering_connections.values();
    let peerings = peerings.filter(|it| it.peer_of(vpc).is_some());
    let vpns = snapshot.vpn_connections.values();
    let vpns = vpns.filter(|it| it.vpc_id == *vpc);
    gateway
        .into_iter()
        .chain(peerings.map(|it| it.id.to_string()))
        .chain(vpns.map(|it| it.id.to_string()))
        .collect()
}

const TABLE_ID: &str = "RouteTableId";
const DESTINATION: &str = "DestinationCidrBlock";
const TARGET_ID: &str = "TargetId";
const EXAMPLE: &str = "0.0.0.0/0";
