//! VPCs and what they reach.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{insert_some, list, status, tags};
use crate::model::{
    HostNetwork, InternetGateway, PeeringConnection, RouteTarget, Subnet, Via, Vpc, VpcRoute,
    VpnConnection,
    command::{RouteTableAssociation, RouteTableDescription, SubnetDescription},
    network::Egress,
};

pub(super) fn block(cidr: &str, state: &str) -> Value {
    json!({"CidrBlock": cidr, "CidrBlockState": {"State": state}})
}

pub(super) fn vpc(it: &Vpc) -> Value {
    let blocks = it.cidrs.iter();
    json!({
        "VpcId": it.id,
        "CidrBlock": it.cidrs.first(),
        "CidrBlockAssociationSet":
            blocks.map(|cidr| block(&cidr.to_string(), "associated")).collect::<Vec<_>>(),
        "EnableDnsSupport": it.dns_support,
        "DnsServer": it.resolver(),
        "State": "available",
        "IsDefault": false,
        "Tags": tags(&it.tags),
    })
}

pub(super) fn subnet(it: &Subnet) -> Value {
    json!({
        "SubnetId": it.id,
        "VpcId": it.vpc_id,
        "CidrBlock": it.cidr,
        "AvailabilityZone": it.availability_zone,
        "State": "available",
        "Egress": egress(&it.egress),
        "Tags": tags(&it.tags),
    })
}

pub(super) fn subnet_description(it: &SubnetDescription) -> Value {
    let mut shape = subnet(&it.subnet);
    shape["AvailableIpAddressCount"] = it.free_addresses.into();
    shape
}

/// How packets leave this machine for a subnet: AWS has nothing like it.
fn egress(it: &Egress) -> Value {
    match &it.via {
        Via::HostRouting => json!({"Via": "host-routing", "Nat": it.nat}),
        Via::Interface(name) => json!({"Via": "interface", "Interface": name, "Nat": it.nat}),
        Via::SourceAddress(address) => {
            json!({"Via": "source-address", "SourceAddress": address, "Nat": it.nat})
        }
    }
}

/// A zone in AWS's manner is a region and a letter, of which AWS makes its other names too. One that
/// somebody named otherwise is a region of its own.
pub(super) fn availability_zone(name: &str) -> Value {
    let letter = name.chars().next_back().filter(char::is_ascii_lowercase);
    let region = letter.and_then(|letter| name.strip_suffix(letter));
    let region = region.filter(|region| region.ends_with(|c: char| c.is_ascii_digit()));
    let (region, number) = match (region, letter) {
        (Some(region), Some(letter)) => (region, u32::from(letter) - u32::from('a') + 1),
        _ => (name, 1),
    };
    json!({
        "ZoneName": name,
        "ZoneId": format!("{}-az{number}", region.replace('-', "")),
        "ZoneType": "availability-zone",
        "RegionName": region,
        "GroupName": region,
        "NetworkBorderGroup": region,
        "OptInStatus": "opt-in-not-required",
        "State": "available",
        "Messages": [],
    })
}

pub(super) fn internet_gateway(it: &InternetGateway) -> Value {
    let attachments: Vec<Value> = it
        .vpc_id
        .iter()
        .map(|vpc| json!({"State": "available", "VpcId": vpc}))
        .collect();
    json!({
        "InternetGatewayId": it.id,
        "Attachments": attachments,
        "Tags": tags(&it.tags),
    })
}

pub(super) fn host_network(it: &HostNetwork) -> Value {
    json!({
        "Interface": it.interface,
        "Address": it.address,
        "CidrBlock": it.cidr,
        "DefaultRoute": it.default_route,
    })
}

pub(super) fn peering_connection(it: &PeeringConnection) -> Value {
    let code = if it.is_active {
        "active"
    } else {
        "pending-acceptance"
    };
    json!({
        "VpcPeeringConnectionId": it.id,
        "RequesterVpcInfo": {"VpcId": it.requester_vpc_id},
        "AccepterVpcInfo": {"VpcId": it.accepter_vpc_id},
        "Status": status(code),
        "Tags": tags(&it.tags),
    })
}

pub(super) fn vpn_connection(it: &VpnConnection) -> Value {
    let route = |cidr: &ipnet::Ipv4Net| json!({"DestinationCidrBlock": cidr, "Source": "Static", "State": "available"});
    json!({
        "VpnConnectionId": it.id,
        "VpcId": it.vpc_id,
        "State": "available",
        "Type": "ipsec.1",
        "Category": "VPN",
        "Options": {"StaticRoutesOnly": true},
        "Routes": list(&it.cidrs, route),
        "Tags": tags(&it.tags),
    })
}

pub(super) fn route_table(it: &RouteTableDescription) -> Value {
    let table = &it.table;
    let local = it.local.iter().map(|block| {
        json!({
            "DestinationCidrBlock": block,
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        })
    });
    let reasons = it.blackholes.iter().map(Option::as_ref);
    let routes = table
        .routes
        .iter()
        .zip(reasons.chain(std::iter::repeat(None)));
    let routes = routes.map(|(route, nowhere)| vpc_route(route, nowhere));
    let id = table.id.as_str();
    let main = table.is_main.then(|| association(id, None));
    // In the place of AWS's virtual private gateways stand the VPN connections themselves.
    let gateways: BTreeSet<&str> = table
        .routes
        .iter()
        .filter(|route| comes_by_vpn(route))
        .map(|route| route.target.as_str())
        .collect();
    let gateways = gateways.into_iter().map(|id| json!({"GatewayId": id}));
    let named = table.subnets.iter();
    let named = named.map(|subnet| association(id, Some(subnet.as_str())));
    json!({
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "Routes": local.chain(routes).collect::<Vec<_>>(),
        "Associations": main.into_iter().chain(named).collect::<Vec<_>>(),
        "PropagatingVgws": gateways.collect::<Vec<_>>(),
        "Tags": tags(&table.tags),
    })
}

fn vpc_route(it: &VpcRoute, nowhere: Option<&crate::model::Blackhole>) -> Value {
    let mut shape = Map::new();
    shape.insert("DestinationCidrBlock".to_owned(), json!(it.destination));
    let target = match it.target {
        RouteTarget::InternetGateway(_) | RouteTarget::VpnConnection(_) => "GatewayId",
        RouteTarget::PeeringConnection(_) => "VpcPeeringConnectionId",
    };
    shape.insert(target.to_owned(), json!(it.target.as_str()));
    let origin = if comes_by_vpn(it) {
        "EnableVgwRoutePropagation"
    } else {
        "CreateRoute"
    };
    shape.insert("Origin".to_owned(), json!(origin));
    let state = if nowhere.is_some() {
        "blackhole"
    } else {
        "active"
    };
    shape.insert("State".to_owned(), json!(state));
    // Beyond AWS, which leaves finding the cause to the reader.
    let because = nowhere.map(|nowhere| format!("Nothing is reached by it: {nowhere}."));
    insert_some(&mut shape, "Because", because);
    Value::Object(shape)
}

/// Whether it is propagated in AWS's sense, which knows that of VPNs only: here the routes of a peering
/// connection come by themselves too.
fn comes_by_vpn(it: &VpcRoute) -> bool {
    it.is_propagated && matches!(it.target, RouteTarget::VpnConnection(_))
}

fn association(table: &str, subnet: Option<&str>) -> Value {
    let mut shape = Map::new();
    shape.insert("Main".to_owned(), json!(subnet.is_none()));
    let id = association_id(table, subnet);
    shape.insert("RouteTableAssociationId".to_owned(), json!(id));
    shape.insert("RouteTableId".to_owned(), json!(table));
    insert_some(&mut shape, "SubnetId", subnet);
    let state = json!({"State": "associated"});
    shape.insert("AssociationState".to_owned(), state);
    Value::Object(shape)
}

/// What AWS's clients call the association of a route table with a subnet, or the main table's own:
/// made of the identifiers of both, of which it is the only bearer.
#[must_use]
pub fn association_id(table: &str, subnet: Option<&str>) -> String {
    let table = table.trim_start_matches("rtb-");
    match subnet {
        None => format!("rtbassoc-{table}"),
        Some(subnet) => format!("rtbassoc-{table}-{}", subnet.trim_start_matches("subnet-")),
    }
}

/// The table and the subnet that an association's identifier is made of; none where it is not the
/// association of a subnet.
#[must_use]
pub fn route_table_association(id: &str) -> Option<RouteTableAssociation> {
    let (table, subnet) = id.strip_prefix("rtbassoc-")?.split_once('-')?;
    if table.is_empty() || subnet.is_empty() {
        return None;
    }
    Some(RouteTableAssociation {
        route_table_id: format!("rtb-{table}"),
        subnet_id: format!("subnet-{subnet}"),
    })
}
