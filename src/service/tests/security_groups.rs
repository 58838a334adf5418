//! Security groups: those that VPCs are made with, those made by hand, and what has them.

use super::*;
use crate::model::{
    RouteTarget, VpcRoute,
    command::{ById, GatewayAttachment, ImportHostNetworks},
};

#[tokio::test]
async fn a_vpc_is_made_with_its_default_group_and_main_table_and_both_go_with_it() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let snapshot = bench.service.snapshot();
    let group = snapshot.default_security_group(&vpc.id).unwrap();
    assert_eq!(group.name, "default");
    assert_eq!(group.rules.len(), 2);
    let table = snapshot.route_tables.values().next().unwrap();
    assert_eq!((table.is_main, &table.vpc_id), (true, &vpc.id));

    bench
        .ok(Command::DeleteVpc(ById {
            id: vpc.id.to_string(),
        }))
        .await;
    let snapshot = bench.service.snapshot();
    assert!(snapshot.security_groups.is_empty());
    assert!(snapshot.route_tables.is_empty());
}

#[tokio::test]
async fn imported_networks_have_a_default_group_too() {
    let bench = Bench::new().await;
    let import = ImportHostNetworks {
        interfaces: vec!["eth1".to_owned()],
    };
    bench.ok(Command::ImportHostNetworks(import)).await;
    let snapshot = bench.service.snapshot();
    let vpc = snapshot.vpcs.keys().next().unwrap();
    assert!(snapshot.default_security_group(vpc).is_some());
    assert_eq!(snapshot.route_tables.len(), 1);
}

#[tokio::test]
async fn the_first_association_sets_the_default_group_and_the_last_takes_it_along() {
    let bench = Bench::new().await;
    let (endpoint, subnet, association) = bench.associated().await;
    let snapshot = bench.service.snapshot();
    let group = snapshot.default_security_group(&subnet.vpc_id).unwrap();
    let groups = |service: &Service| {
        service.snapshot().endpoints[&endpoint]
            .security_groups
            .clone()
    };
    assert_eq!(groups(&bench.service), [group.id.clone()].into());

    bench.ok(disassociate(&endpoint, &association.id)).await;
    assert_eq!(groups(&bench.service).len(), 1);
    bench.settle().await;
    assert!(groups(&bench.service).is_empty());
}

#[tokio::test]
async fn an_endpoint_with_a_chosen_vpc_keeps_its_groups() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let command = CreateClientVpnEndpoint {
        vpc_id: Some(vpc.id.to_string()),
        ..create_endpoint(&bench.certificates().await)
    };
    let endpoint = bench.endpoint_with(&command).await;
    let groups = || {
        bench.service.snapshot().endpoints[&endpoint]
            .security_groups
            .clone()
    };
    assert_eq!(groups().len(), 1);
    let association = bench.associate(&endpoint, &subnet.id).await;
    bench.settle().await;
    bench.ok(disassociate(&endpoint, &association.id)).await;
    bench.settle().await;
    assert_eq!(groups().len(), 1);
}

#[tokio::test]
async fn an_internet_gateway_brings_its_route_along_and_takes_it_away() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let Answer::InternetGateway(gateway) = bench
        .ok(Command::CreateInternetGateway(Default::default()))
        .await
    else {
        panic!("no internet gateway");
    };
    let attachment = GatewayAttachment {
        internet_gateway_id: gateway.id.to_string(),
        vpc_id: vpc.id.to_string(),
    };
    let routes = || {
        let snapshot = bench.service.snapshot();
        let table = snapshot.route_tables.values().next().unwrap();
        table.routes.clone()
    };
    bench
        .ok(Command::AttachInternetGateway(attachment.clone()))
        .await;
    let expected = VpcRoute {
        destination: "0.0.0.0/0".parse().unwrap(),
        target: RouteTarget::InternetGateway(gateway.id),
        is_propagated: true,
    };
    assert_eq!(routes(), [expected]);
    bench.ok(Command::DetachInternetGateway(attachment)).await;
    assert_eq!(routes(), []);
}
