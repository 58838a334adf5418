//! Peering connections, VPN connections and the route tables that lead through them.

use super::*;
use crate::model::{
    Code, PeeringConnection, RouteTableId, VpnConnection,
    command::{
        ById, CreateInternetGateway, CreatePeeringConnection, CreateRouteTable, CreateVpcRoute,
        CreateVpnConnection, DeleteVpcRoute, Describe, Filter, GatewayAttachment,
        RouteTableAssociation, RouteTableDescription, VpcCidrBlock, VpnConnectionRoute,
    },
};

fn by_id(id: &impl ToString) -> ById {
    ById { id: id.to_string() }
}

fn peer(a: &VpcId, b: &VpcId) -> Command {
    Command::CreateVpcPeeringConnection(CreatePeeringConnection {
        vpc_id: a.to_string(),
        peer_vpc_id: b.to_string(),
        ..CreatePeeringConnection::default()
    })
}

fn vpn(vpc: &VpcId, cidrs: &[&str]) -> Command {
    Command::CreateVpnConnection(CreateVpnConnection {
        vpc_id: vpc.to_string(),
        cidr_blocks: cidrs.iter().map(|&cidr| cidr.to_owned()).collect(),
        ..CreateVpnConnection::default()
    })
}

fn network_of(vpn: &VpnConnection, cidr: &str) -> VpnConnectionRoute {
    VpnConnectionRoute {
        vpn_connection_id: vpn.id.to_string(),
        destination_cidr_block: cidr.to_owned(),
    }
}

fn route(table: &RouteTableId, destination: &str, target: &impl ToString) -> Command {
    Command::CreateRoute(CreateVpcRoute {
        route_table_id: table.to_string(),
        destination_cidr_block: destination.to_owned(),
        target_id: target.to_string(),
    })
}

fn unroute(table: &RouteTableId, destination: &str) -> Command {
    Command::DeleteRoute(DeleteVpcRoute {
        route_table_id: table.to_string(),
        destination_cidr_block: destination.to_owned(),
    })
}

impl Bench {
    async fn peering(&self, a: &VpcId, b: &VpcId) -> PeeringConnection {
        match self.ok(peer(a, b)).await {
            Answer::PeeringConnection(peering) => peering,
            other => panic!("{other:?}"),
        }
    }

    async fn vpn(&self, vpc: &VpcId, cidrs: &[&str]) -> VpnConnection {
        match self.ok(vpn(vpc, cidrs)).await {
            Answer::VpnConnection(vpn) => vpn,
            other => panic!("{other:?}"),
        }
    }

    async fn tables(&self, filter: &str, value: &str) -> Vec<RouteTableDescription> {
        let wanted = Describe {
            ids: vec![],
            filters: vec![Filter {
                name: filter.to_owned(),
                values: vec![value.to_owned()],
            }],
        };
        match self.ok(Command::DescribeRouteTables(wanted)).await {
            Answer::RouteTables(tables) => tables,
            other => panic!("{other:?}"),
        }
    }

    fn main_table(&self, vpc: &VpcId) -> RouteTableId {
        let snapshot = self.service.snapshot();
        let mut tables = snapshot.route_tables.values();
        let main = tables.find(|table| table.vpc_id == *vpc && table.is_main);
        main.unwrap().id.clone()
    }

    /// Destinations and targets of a VPC's main route table.
    fn routes(&self, vpc: &VpcId) -> Vec<(String, String)> {
        let snapshot = self.service.snapshot();
        let table = &snapshot.route_tables[&self.main_table(vpc)];
        let routes = table.routes.iter();
        routes
            .map(|it| (it.destination.to_string(), it.target.as_str().to_owned()))
            .collect()
    }
}

#[tokio::test]
async fn an_accepted_peering_leads_both_ways_and_takes_its_routes_along() {
    let bench = Bench::new().await;
    let (a, b) = (
        bench.vpc("10.1.0.0/16").await,
        bench.vpc("10.2.0.0/16").await,
    );
    let peering = bench.peering(&a.id, &b.id).await;
    assert!(!peering.is_active);
    assert!(bench.routes(&a.id).is_empty());
    let twice = bench.refused(peer(&b.id, &a.id)).await;
    assert_eq!(twice.code, Code::PeeringConnectionExists);

    let accept = Command::AcceptVpcPeeringConnection(by_id(&peering.id));
    bench.ok(accept.clone()).await;
    let target = peering.id.to_string();
    assert_eq!(
        bench.routes(&a.id),
        [("10.2.0.0/16".to_owned(), target.clone())]
    );
    assert_eq!(
        bench.routes(&b.id),
        [("10.1.0.0/16".to_owned(), target.clone())]
    );
    let again = bench.refused(accept).await;
    assert_eq!(again.code, Code::PeeringConnectionState);
    let last = bench.events().await;
    let accepted = last.iter().find(|event| {
        event.action == "AcceptVpcPeeringConnection" && event.outcome == Outcome::Allowed
    });
    for id in [target.as_str(), a.id.as_str(), b.id.as_str()] {
        assert!(
            accepted.unwrap().resources.iter().any(|it| it == id),
            "{id}"
        );
    }

    // A block that comes later is led to as well, and one that would meet the other's is not.
    let block = |cidr: &str| VpcCidrBlock {
        vpc_id: b.id.to_string(),
        cidr_block: cidr.to_owned(),
    };
    bench
        .ok(Command::AssociateVpcCidrBlock(block("10.3.0.0/16")))
        .await;
    assert_eq!(bench.routes(&a.id).len(), 2);
    let meets = bench
        .refused(Command::AssociateVpcCidrBlock(block("10.1.128.0/17")))
        .await;
    assert_eq!(meets.code, Code::VpcRange);
    bench
        .ok(Command::DisassociateVpcCidrBlock(block("10.3.0.0/16")))
        .await;
    assert_eq!(bench.routes(&a.id).len(), 1);

    let in_use = bench.refused(Command::DeleteVpc(by_id(&a.id))).await;
    assert!(in_use.message.contains(&target), "{in_use}");
    bench
        .ok(Command::DeleteVpcPeeringConnection(by_id(&peering.id)))
        .await;
    assert!(bench.routes(&a.id).is_empty() && bench.routes(&b.id).is_empty());
    bench.ok(Command::DeleteVpc(by_id(&a.id))).await;
}

#[tokio::test]
async fn vpcs_that_overlap_are_not_peered_nor_one_with_itself() {
    let bench = Bench::new().await;
    let (a, b) = (
        bench.vpc("10.1.0.0/16").await,
        bench.vpc("10.1.128.0/17").await,
    );
    let overlap = bench.refused(peer(&a.id, &b.id)).await;
    assert_eq!(overlap.field.as_deref(), Some("PeerVpcId"));
    assert!(overlap.message.contains("10.1.128.0/17"), "{overlap}");
    let itself = bench.refused(peer(&a.id, &a.id)).await;
    assert_eq!(itself.code, Code::InvalidParameterValue);
    let nobody = bench
        .refused(peer(&a.id, &VpcId::from_random([9; 9])))
        .await;
    assert_eq!(nobody.code, Code::VpcNotFound);
    assert_eq!(nobody.field.as_deref(), Some("PeerVpcId"));
}

#[tokio::test]
async fn networks_behind_a_vpn_connection_come_and_go_with_their_routes() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let made = bench.vpn(&vpc.id, &["192.168.0.0/16"]).await;
    let second = network_of(&made, "172.16.0.0/12");
    bench
        .ok(Command::CreateVpnConnectionRoute(second.clone()))
        .await;
    let destinations = || -> Vec<String> {
        bench
            .routes(&vpc.id)
            .into_iter()
            .map(|(to, _)| to)
            .collect()
    };
    assert_eq!(destinations(), ["172.16.0.0/12", "192.168.0.0/16"]);
    let twice = bench
        .refused(Command::CreateVpnConnectionRoute(second.clone()))
        .await;
    assert_eq!(twice.code, Code::VpcRouteExists);
    let own = bench
        .refused(Command::CreateVpnConnectionRoute(network_of(
            &made,
            "10.1.2.0/24",
        )))
        .await;
    assert_eq!(own.field.as_deref(), Some("DestinationCidrBlock"));

    bench
        .ok(Command::DeleteVpnConnectionRoute(second.clone()))
        .await;
    assert_eq!(destinations(), ["192.168.0.0/16"]);
    let unknown = bench
        .refused(Command::DeleteVpnConnectionRoute(second))
        .await;
    assert_eq!(unknown.cure.as_deref(), Some("192.168.0.0/16"));
    let last = network_of(&made, "192.168.0.0/16");
    let last = bench.refused(Command::DeleteVpnConnectionRoute(last)).await;
    assert_eq!(last.code, Code::DependencyViolation);
    let none = bench.refused(vpn(&vpc.id, &[])).await;
    assert_eq!(none.code, Code::MissingParameter);

    bench
        .ok(Command::DeleteVpnConnection(by_id(&made.id)))
        .await;
    assert!(destinations().is_empty());
    assert!(bench.service.snapshot().vpn_connections.is_empty());
}

#[tokio::test]
async fn a_route_is_checked_against_its_vpc_and_takes_the_place_of_one_that_came_by_itself() {
    let bench = Bench::new().await;
    let (a, b) = (
        bench.vpc("10.1.0.0/16").await,
        bench.vpc("10.2.0.0/16").await,
    );
    let made = bench.vpn(&a.id, &["192.168.0.0/16"]).await;
    let table = bench.main_table(&a.id);
    let inside = bench.refused(route(&table, "10.1.9.0/24", &made.id)).await;
    assert_eq!(inside.field.as_deref(), Some("DestinationCidrBlock"));
    let elsewhere = bench
        .refused(route(&bench.main_table(&b.id), "192.168.0.0/16", &made.id))
        .await;
    assert_eq!(elsewhere.code, Code::GatewayNotAttached);
    assert_eq!(elsewhere.field.as_deref(), Some("TargetId"));
    let word = bench
        .refused(route(&table, "192.168.0.0/16", &"local"))
        .await;
    assert_eq!(word.cure.as_deref(), Some(made.id.as_str()));
    let bits = bench
        .refused(route(&table, "192.168.0.1/16", &made.id))
        .await;
    assert_eq!(bits.cure.as_deref(), Some("192.168.0.0/16"));

    // The one that came with the connection gives way; a second one by hand is a duplicate.
    bench.ok(route(&table, "192.168.0.0/16", &made.id)).await;
    let kept = &bench.service.snapshot().route_tables[&table].routes;
    assert_eq!((kept.len(), kept[0].is_propagated), (1, false));
    let twice = bench
        .refused(route(&table, "192.168.0.0/16", &made.id))
        .await;
    assert_eq!(twice.code, Code::VpcRouteExists);
    let held = bench
        .refused(Command::DeleteVpnConnection(by_id(&made.id)))
        .await;
    assert!(held.message.contains("192.168.0.0/16"), "{held}");

    // With the one by hand gone, the one that came with the connection is back, and stays.
    bench.ok(unroute(&table, "192.168.0.0/16")).await;
    let kept = &bench.service.snapshot().route_tables[&table].routes;
    assert_eq!((kept.len(), kept[0].is_propagated), (1, true));
    let came = bench.refused(unroute(&table, "192.168.0.0/16")).await;
    assert_eq!(came.field.as_deref(), Some("DestinationCidrBlock"));
    assert!(came.message.contains(made.id.as_str()), "{came}");
    let gone = bench.refused(unroute(&table, "192.168.9.0/24")).await;
    assert_eq!(gone.code, Code::VpcRouteNotFound);
    let local = bench.refused(unroute(&table, "10.1.0.0/16")).await;
    assert!(local.message.contains("local route"), "{local}");
    bench
        .ok(Command::DeleteVpnConnection(by_id(&made.id)))
        .await;
}

#[tokio::test]
async fn a_subnet_uses_the_table_it_was_given_and_the_main_one_again() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let create = Command::CreateRouteTable(CreateRouteTable {
        vpc_id: vpc.id.to_string(),
        ..CreateRouteTable::default()
    });
    let Answer::RouteTable(made) = bench.ok(create).await else {
        panic!("no table");
    };
    let pair = RouteTableAssociation {
        route_table_id: made.table.id.to_string(),
        subnet_id: subnet.id.to_string(),
    };
    bench.ok(Command::AssociateRouteTable(pair.clone())).await;
    let used = || {
        bench
            .service
            .snapshot()
            .route_table_of(&subnet)
            .unwrap()
            .id
            .clone()
    };
    assert_eq!(used(), made.table.id);
    let twice = bench
        .refused(Command::AssociateRouteTable(pair.clone()))
        .await;
    assert_eq!(twice.code, Code::AlreadyAssociated);
    let delete = Command::DeleteRouteTable(by_id(&made.table.id));
    let held = bench.refused(delete.clone()).await;
    assert!(held.message.contains(subnet.id.as_str()), "{held}");

    let found = bench
        .tables("association.subnet-id", subnet.id.as_str())
        .await;
    assert_eq!(found[0].table.id, made.table.id);
    assert_eq!(found[0].local, vpc.cidrs);

    bench
        .ok(Command::DisassociateRouteTable(pair.clone()))
        .await;
    assert_eq!(used(), bench.main_table(&vpc.id));
    let again = bench.refused(Command::DisassociateRouteTable(pair)).await;
    assert_eq!(again.field.as_deref(), Some("SubnetId"));
    bench.ok(delete).await;
    let main = Command::DeleteRouteTable(by_id(&bench.main_table(&vpc.id)));
    let main = bench.refused(main).await;
    assert_eq!(main.code, Code::DependencyViolation);
}

#[tokio::test]
async fn a_route_through_what_is_pending_is_described_as_a_black_hole() {
    let bench = Bench::new().await;
    let (a, b) = (
        bench.vpc("10.1.0.0/16").await,
        bench.vpc("10.2.0.0/16").await,
    );
    let peering = bench.peering(&a.id, &b.id).await;
    let table = bench.main_table(&a.id);
    bench.ok(route(&table, "10.2.0.0/16", &peering.id)).await;
    let found = bench.tables("route.state", "blackhole").await;
    assert_eq!(found.len(), 1);
    assert!(found[0].blackholes[0].is_some());
    bench
        .ok(Command::AcceptVpcPeeringConnection(by_id(&peering.id)))
        .await;
    assert!(bench.tables("route.state", "blackhole").await.is_empty());
    // The route by hand stays in the peering's way.
    let held = bench
        .refused(Command::DeleteVpcPeeringConnection(by_id(&peering.id)))
        .await;
    assert!(held.message.contains(table.as_str()), "{held}");
}

#[tokio::test]
async fn of_two_connections_to_one_network_the_other_leads_there_once_the_first_is_gone() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let first = bench.vpn(&vpc.id, &["192.168.0.0/16"]).await;
    let second = bench
        .vpn(&vpc.id, &["192.168.0.0/16", "172.16.0.0/12"])
        .await;
    let through = |network: &str| {
        let mut routes = bench.routes(&vpc.id).into_iter();
        routes.find(|(to, _)| to == network).map(|(_, by)| by)
    };
    assert_eq!(through("192.168.0.0/16"), Some(first.id.to_string()));
    bench
        .ok(Command::DeleteVpnConnection(by_id(&first.id)))
        .await;
    assert_eq!(through("192.168.0.0/16"), Some(second.id.to_string()));

    // One network of a connection, likewise.
    let third = bench.vpn(&vpc.id, &["192.168.0.0/16"]).await;
    let network = network_of(&second, "192.168.0.0/16");
    bench.ok(Command::DeleteVpnConnectionRoute(network)).await;
    assert_eq!(through("192.168.0.0/16"), Some(third.id.to_string()));
    bench
        .ok(Command::DeleteVpnConnection(by_id(&third.id)))
        .await;
    assert_eq!(through("192.168.0.0/16"), None);
}

#[tokio::test]
async fn gateways_and_vpcs_that_routes_lead_through_name_them_when_they_are_to_go() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let command = Command::CreateInternetGateway(CreateInternetGateway::default());
    let Answer::InternetGateway(gateway) = bench.ok(command).await else {
        panic!("no gateway");
    };
    let attachment = GatewayAttachment {
        internet_gateway_id: gateway.id.to_string(),
        vpc_id: vpc.id.to_string(),
    };
    let attach = Command::AttachInternetGateway(attachment.clone());
    bench.ok(attach).await;
    let table = bench.main_table(&vpc.id);
    bench
        .ok(route(&table, "198.51.100.0/24", &gateway.id))
        .await;
    bench.ok(Command::DetachInternetGateway(attachment)).await;
    let delete = Command::DeleteInternetGateway(by_id(&gateway.id));
    let refusal = bench.refused(delete.clone()).await;
    assert_eq!(refusal.code, Code::DependencyViolation);
    let named = format!("198.51.100.0/24 in {table}");
    assert!(refusal.message.contains(&named), "{refusal}");
    // What leads nowhere any more does not keep its VPC.
    bench.ok(Command::DeleteVpc(by_id(&vpc.id))).await;
    bench.ok(delete).await;
}
