//! Routes for all associations: one to who makes it, one through each target network.

use super::*;
use crate::model::{
    Code, Route, RouteState,
    command::{CreateRoute, DeleteRoute, DescribeOfEndpoint},
};

fn for_all(endpoint: &EndpointId) -> CreateRoute {
    CreateRoute {
        client_vpn_endpoint_id: endpoint.to_string(),
        destination_cidr_block: "0.0.0.0/0".to_owned(),
        all_associations: true,
        ..CreateRoute::default()
    }
}

fn delete_for_all(endpoint: &EndpointId) -> DeleteRoute {
    DeleteRoute {
        client_vpn_endpoint_id: endpoint.to_string(),
        destination_cidr_block: "0.0.0.0/0".to_owned(),
        all_associations: true,
        ..DeleteRoute::default()
    }
}

impl Bench {
    /// The routes to everywhere that are not going.
    async fn everywhere(&self, endpoint: &EndpointId) -> Vec<Route> {
        let wanted = DescribeOfEndpoint {
            client_vpn_endpoint_id: endpoint.to_string(),
            ..DescribeOfEndpoint::default()
        };
        let Answer::Routes(routes) = self.ok(Command::DescribeClientVpnRoutes(wanted)).await else {
            panic!("no routes");
        };
        let wanted =
            |it: &Route| it.destination.prefix_len() == 0 && it.state != RouteState::Deleting;
        routes.into_iter().filter(wanted).collect()
    }
}

#[tokio::test]
async fn each_association_has_it_those_that_come_later_included() {
    let bench = Bench::new().await;
    let (endpoint, subnet, association) = bench.associated().await;
    bench
        .ok(Command::CreateClientVpnRoute(for_all(&endpoint)))
        .await;
    let other = bench.subnet(&subnet.vpc_id, "10.1.2.0/24").await;
    bench.associate(&endpoint, &other.id).await;
    bench.settle().await;
    let routes = bench.everywhere(&endpoint).await;
    let through: Vec<_> = routes.iter().map(|route| &route.subnet_id).collect();
    assert_eq!(routes.len(), 2);
    assert!(through.contains(&&subnet.id) && through.contains(&&other.id));
    assert!(routes.iter().all(|route| route.for_all));
    let twice = bench
        .refused(Command::CreateClientVpnRoute(for_all(&endpoint)))
        .await;
    assert_eq!(twice.code, Code::DuplicateRoute);

    // An association takes its copy along, and the other keeps its own.
    bench.ok(disassociate(&endpoint, &association.id)).await;
    bench.settle().await;
    let routes = bench.everywhere(&endpoint).await;
    assert_eq!(routes.len(), 1);
    assert_eq!(routes[0].subnet_id, other.id);
}

#[tokio::test]
async fn it_goes_as_a_whole_and_never_in_part() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let other = bench.subnet(&subnet.vpc_id, "10.1.2.0/24").await;
    bench.associate(&endpoint, &other.id).await;
    bench.settle().await;
    let missing = bench
        .refused(Command::DeleteClientVpnRoute(delete_for_all(&endpoint)))
        .await;
    assert_eq!(missing.code, Code::RouteNotFound);
    bench
        .ok(Command::CreateClientVpnRoute(for_all(&endpoint)))
        .await;
    for target in [None, Some(subnet.id.to_string())] {
        let single = DeleteRoute {
            target_vpc_subnet_id: target,
            all_associations: false,
            ..delete_for_all(&endpoint)
        };
        let refusal = bench.refused(Command::DeleteClientVpnRoute(single)).await;
        assert!(
            refusal.message.contains("AllAssociations=true"),
            "{refusal}"
        );
    }
    bench
        .ok(Command::DeleteClientVpnRoute(delete_for_all(&endpoint)))
        .await;
    assert!(bench.everywhere(&endpoint).await.is_empty());
    // While the old ones are going, new ones take their place.
    bench
        .ok(Command::CreateClientVpnRoute(for_all(&endpoint)))
        .await;
    bench.settle().await;
    assert_eq!(bench.everywhere(&endpoint).await.len(), 2);
}

#[tokio::test]
async fn it_needs_a_target_network_and_no_subnet() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let with_subnet = CreateRoute {
        target_vpc_subnet_id: subnet.id.to_string(),
        ..for_all(&endpoint)
    };
    let both = bench
        .refused(Command::CreateClientVpnRoute(with_subnet.clone()))
        .await;
    assert_eq!(both.code, Code::InvalidParameterCombination);
    let single = CreateRoute {
        all_associations: false,
        ..with_subnet
    };
    bench.ok(Command::CreateClientVpnRoute(single)).await;
    let in_the_way = bench
        .refused(Command::CreateClientVpnRoute(for_all(&endpoint)))
        .await;
    assert!(in_the_way.message.contains("delete it"), "{in_the_way}");

    let create = CreateClientVpnEndpoint {
        client_cidr_block: "10.20.0.0/22".to_owned(),
        vpn_port: Some(1194),
        ..create_endpoint(&bench.certificates().await)
    };
    let lonely = bench.endpoint_with(&create).await;
    let none = bench
        .refused(Command::CreateClientVpnRoute(for_all(&lonely)))
        .await;
    assert_eq!(none.code, Code::ActiveAssociationNotFound);
}
