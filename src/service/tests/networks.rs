use super::*;
use crate::model::{
    Code, DnsLack, InternetGateway, RouteState, Tags,
    command::{
        AuthorizeIngress, ById, CreateInternetGateway, CreateRoute, Describe, DescribeVpcAttribute,
        Filter, GatewayAttachment, ImportHostNetworks, ModifyVpcAttribute, VpcCidrBlock,
    },
};

fn create_vpc(cidr: &str) -> Command {
    Command::CreateVpc(CreateVpc {
        cidr_block: cidr.to_owned(),
        ..CreateVpc::default()
    })
}

fn block(vpc: &VpcId, cidr: &str) -> VpcCidrBlock {
    VpcCidrBlock {
        vpc_id: vpc.to_string(),
        cidr_block: cidr.to_owned(),
    }
}

fn by_id(id: &impl ToString) -> ById {
    ById { id: id.to_string() }
}

async fn internet_gateway(bench: &Bench) -> InternetGateway {
    let command = Command::CreateInternetGateway(CreateInternetGateway::default());
    match bench.ok(command).await {
        Answer::InternetGateway(gateway) => gateway,
        other => panic!("{other:?}"),
    }
}

fn attachment(gateway: &InternetGateway, vpc: &VpcId) -> GatewayAttachment {
    GatewayAttachment {
        internet_gateway_id: gateway.id.to_string(),
        vpc_id: vpc.to_string(),
    }
}

#[tokio::test]
async fn a_vpc_with_tags_is_made_described_and_deleted() {
    let bench = Bench::new().await;
    let tags = Tags::from([("Name".to_owned(), "office".to_owned())]);
    let command = Command::CreateVpc(CreateVpc {
        cidr_block: "10.1.0.0/16".to_owned(),
        tags,
    });
    let Answer::Vpc(vpc) = bench.ok(command).await else {
        panic!()
    };
    assert_eq!(bench.service.snapshot().vpcs[&vpc.id], vpc);
    bench.vpc("10.2.0.0/16").await;
    let filter = Filter {
        name: "tag:Name".to_owned(),
        values: vec!["off*".to_owned()],
    };
    let wanted = Describe {
        ids: vec![],
        filters: vec![filter],
    };
    assert_eq!(
        bench.ok(Command::DescribeVpcs(wanted)).await,
        Answer::Vpcs(vec![vpc.clone()])
    );
    bench.ok(Command::DeleteVpc(by_id(&vpc.id))).await;
    assert!(!bench.service.snapshot().vpcs.contains_key(&vpc.id));
    let refusal = bench.refused(Command::DeleteVpc(by_id(&vpc.id))).await;
    assert_eq!(refusal.code, Code::VpcNotFound);
}

#[tokio::test]
async fn a_vpc_block_of_a_wrong_size_or_kind_is_refused_at_its_field() {
    let bench = Bench::new().await;
    for (cidr, code) in [
        ("10.0.0.0/29", Code::VpcRange),
        ("0.0.0.0/0", Code::VpcRange),
        ("127.0.0.0/16", Code::VpcRange),
        ("10.0.0.1/16", Code::InvalidParameterValue),
        ("office", Code::InvalidParameterValue),
        ("", Code::MissingParameter),
    ] {
        let refusal = bench.refused(create_vpc(cidr)).await;
        assert_eq!(refusal.code, code, "{cidr}");
        assert_eq!(refusal.field.as_deref(), Some("CidrBlock"), "{cidr}");
        assert!(refusal.cure.is_some(), "{cidr}");
    }
}

#[tokio::test]
async fn tags_that_aws_reserves_are_refused() {
    let bench = Bench::new().await;
    let refusal = bench
        .refused(Command::CreateVpc(CreateVpc {
            cidr_block: "10.1.0.0/16".to_owned(),
            tags: Tags::from([("aws:x".to_owned(), "1".to_owned())]),
        }))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("TagSpecification"));
}

#[tokio::test]
async fn subnets_without_a_zone_get_the_first_free_one() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let first = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let second = bench.subnet(&vpc.id, "10.1.2.0/24").await;
    assert_eq!(first.availability_zone, "local-1a");
    assert_eq!(second.availability_zone, "local-1b");
}

#[tokio::test]
async fn a_subnet_outside_its_vpc_across_another_or_too_small_is_refused() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    bench.subnet(&vpc.id, "10.1.1.0/24").await;
    for (cidr, code) in [
        ("10.2.0.0/24", Code::SubnetRange),
        ("10.1.2.0/29", Code::SubnetRange),
        ("10.1.1.128/25", Code::SubnetConflict),
    ] {
        let refusal = bench.refused(create_subnet(&vpc.id, cidr)).await;
        assert_eq!(refusal.code, code, "{cidr}");
        assert_eq!(refusal.field.as_deref(), Some("CidrBlock"));
    }
    let unknown: VpcId = "vpc-00000000".parse().unwrap();
    let refusal = bench.refused(create_subnet(&unknown, "10.1.2.0/24")).await;
    assert_eq!(refusal.code, Code::VpcNotFound);
    let refusal = bench
        .refused(Command::CreateSubnet(CreateSubnet {
            vpc_id: vpc.id.to_string(),
            cidr_block: "10.1.2.0/24".to_owned(),
            availability_zone: Some("Zone A".to_owned()),
            egress: None,
            tags: Tags::new(),
        }))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("AvailabilityZone"));
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted_and_the_users_are_named() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let gateway = internet_gateway(&bench).await;
    bench
        .ok(Command::AttachInternetGateway(attachment(
            &gateway,
            &subnet.vpc_id,
        )))
        .await;

    let refusal = bench
        .refused(Command::DeleteVpc(by_id(&subnet.vpc_id)))
        .await;
    assert_eq!(refusal.code, Code::DependencyViolation);
    for user in [subnet.id.as_str(), gateway.id.as_str(), endpoint.as_str()] {
        assert!(refusal.message.contains(user), "{refusal}");
    }
    let refusal = bench
        .refused(Command::DeleteSubnet(by_id(&subnet.id)))
        .await;
    assert_eq!(refusal.code, Code::DependencyViolation);
    assert!(refusal.message.contains(endpoint.as_str()), "{refusal}");
    let refusal = bench
        .refused(Command::DeleteInternetGateway(by_id(&gateway.id)))
        .await;
    assert_eq!(refusal.code, Code::DependencyViolation);
    assert!(
        refusal.message.contains(subnet.vpc_id.as_str()),
        "{refusal}"
    );
}

#[tokio::test]
async fn an_internet_gateway_has_one_vpc_and_a_vpc_has_one() {
    let bench = Bench::new().await;
    let (one, two) = (
        bench.vpc("10.1.0.0/16").await,
        bench.vpc("10.2.0.0/16").await,
    );
    let (first, second) = (
        internet_gateway(&bench).await,
        internet_gateway(&bench).await,
    );
    let attach = |gateway, vpc| Command::AttachInternetGateway(attachment(gateway, vpc));
    let detach = |gateway, vpc| Command::DetachInternetGateway(attachment(gateway, vpc));
    bench.ok(attach(&first, &one.id)).await;
    assert_eq!(
        bench
            .service
            .snapshot()
            .internet_gateway_of(&one.id)
            .map(|found| &found.id),
        Some(&first.id)
    );
    for again in [attach(&first, &two.id), attach(&second, &one.id)] {
        assert_eq!(bench.refused(again).await.code, Code::AlreadyAssociated);
    }
    let refusal = bench.refused(detach(&second, &one.id)).await;
    assert_eq!(refusal.code, Code::GatewayNotAttached);
    bench.ok(detach(&first, &one.id)).await;
    bench
        .ok(Command::DeleteInternetGateway(by_id(&first.id)))
        .await;
    let refusal = bench
        .refused(Command::DeleteInternetGateway(by_id(&first.id)))
        .await;
    assert_eq!(refusal.code, Code::InternetGatewayNotFound);
}

#[tokio::test]
async fn a_vpc_that_gains_a_block_gives_its_associations_the_route_there() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let second = block(&subnet.vpc_id, "10.9.0.0/16");
    bench
        .ok(Command::AssociateVpcCidrBlock(second.clone()))
        .await;
    let state = |bench: &Bench| {
        let snapshot = bench.service.snapshot();
        let mut routes = snapshot.routes_of(&endpoint);
        let found = routes.find(|route| route.destination.to_string() == "10.9.0.0/16");
        found.map(|route| route.state)
    };
    assert_eq!(state(&bench), Some(RouteState::Creating));
    bench.settle().await;
    assert_eq!(state(&bench), Some(RouteState::Active));

    bench
        .ok(Command::DisassociateVpcCidrBlock(second.clone()))
        .await;
    assert_eq!(state(&bench), Some(RouteState::Deleting));
    // It comes back before the gateway has let go of the route.
    bench
        .ok(Command::AssociateVpcCidrBlock(second.clone()))
        .await;
    assert_eq!(state(&bench), Some(RouteState::Creating));
    bench.ok(Command::DisassociateVpcCidrBlock(second)).await;
    bench.settle().await;
    assert_eq!(state(&bench), None);
}

#[tokio::test]
async fn a_vpc_in_use_cannot_gain_a_block_that_meets_the_client_range() {
    let bench = Bench::new().await;
    let (_, subnet, _) = bench.associated().await;
    let command = Command::AssociateVpcCidrBlock(block(&subnet.vpc_id, "10.0.0.0/20"));
    let refusal = bench.refused(command).await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    assert_eq!(refusal.field.as_deref(), Some("CidrBlock"));
    assert!(refusal.message.contains("10.0.0.0/22"), "{refusal}");
}

#[tokio::test]
async fn a_block_that_is_primary_unknown_double_or_in_use_stays_as_it_is() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let inside = Command::AssociateVpcCidrBlock(block(&vpc.id, "10.1.4.0/24"));
    assert_eq!(bench.refused(inside).await.code, Code::VpcRange);
    for cidr in ["10.1.0.0/16", "10.3.0.0/16"] {
        let refusal = bench
            .refused(Command::DisassociateVpcCidrBlock(block(&vpc.id, cidr)))
            .await;
        assert_eq!(refusal.code, Code::InvalidParameterValue, "{cidr}");
    }
    bench
        .ok(Command::AssociateVpcCidrBlock(block(
            &vpc.id,
            "10.2.0.0/16",
        )))
        .await;
    let subnet = bench.subnet(&vpc.id, "10.2.1.0/24").await;
    let refusal = bench
        .refused(Command::DisassociateVpcCidrBlock(block(
            &vpc.id,
            "10.2.0.0/16",
        )))
        .await;
    assert_eq!(refusal.code, Code::DependencyViolation);
    assert!(refusal.message.contains(subnet.id.as_str()), "{refusal}");
}

#[tokio::test]
async fn networks_of_the_machine_are_imported_under_their_interface_s_name() {
    let bench = Bench::new().await;
    let import = |interface: &str| {
        Command::ImportHostNetworks(ImportHostNetworks {
            interfaces: vec![interface.to_owned()],
        })
    };
    let Answer::Subnets(subnets) = bench.ok(import("eth0")).await else {
        panic!()
    };
    let [subnet] = subnets.as_slice() else {
        panic!("{subnets:?}")
    };
    assert_eq!(subnet.subnet.cidr.to_string(), "192.0.2.0/24");
    assert_eq!(subnet.free_addresses, 251);
    assert_eq!(
        bench.service.snapshot().vpcs[&subnet.subnet.vpc_id].title(),
        "eth0"
    );

    for (interface, word) in [("eth0", "already"), ("eth9", "eth1"), ("small0", "/27")] {
        let refusal = bench.refused(import(interface)).await;
        assert_eq!(refusal.field.as_deref(), Some("Interfaces"));
        assert!(refusal.message.contains(word), "{refusal}");
    }
    // Of several networks those that fit are imported, once.
    let Answer::Subnets(subnets) = bench.ok(import("mixed0")).await else {
        panic!()
    };
    let imported: Vec<_> = subnets.iter().map(|s| s.subnet.cidr.to_string()).collect();
    assert_eq!(imported, ["10.9.1.0/24"]);
    let refusal = bench.refused(import("mixed0")).await;
    for named in ["10.9.0.0/28", "10.9.1.0/24"] {
        assert!(refusal.message.contains(named), "{refusal}");
    }
    let none = Command::ImportHostNetworks(ImportHostNetworks::default());
    assert_eq!(bench.refused(none).await.code, Code::MissingParameter);
}

#[tokio::test]
async fn describing_an_unknown_identifier_is_refused_and_an_unmatched_filter_is_empty() {
    let bench = Bench::new().await;
    let named = |id: &str| Describe {
        ids: vec![id.to_owned()],
        filters: vec![],
    };
    for (command, code) in [
        (
            Command::DescribeVpcs(named("vpc-00000000")),
            Code::VpcNotFound,
        ),
        (
            Command::DescribeSubnets(named("subnet-00000000")),
            Code::SubnetNotFound,
        ),
        (
            Command::DescribeInternetGateways(named("igw-00000000")),
            Code::InternetGatewayNotFound,
        ),
        (
            Command::DescribeClientVpnEndpoints(named("x")),
            Code::EndpointNotFound,
        ),
    ] {
        assert_eq!(bench.refused(command).await.code, code);
    }
    let filter = Filter {
        name: "vpc-id".to_owned(),
        values: vec!["vpc-1".to_owned()],
    };
    let wanted = Describe {
        ids: vec![],
        filters: vec![filter],
    };
    assert_eq!(
        bench.ok(Command::DescribeSubnets(wanted)).await,
        Answer::Subnets(vec![])
    );
}

fn dns_support(vpc: &VpcId, enable: Option<bool>) -> Command {
    Command::ModifyVpcAttribute(ModifyVpcAttribute {
        vpc_id: vpc.to_string(),
        enable_dns_support: enable,
    })
}

#[tokio::test]
async fn a_vpc_s_dns_server_is_switched_off_and_on_and_described() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    assert!(vpc.dns_support, "as on AWS");
    for answers in [false, false, true] {
        bench.ok(dns_support(&vpc.id, Some(answers))).await;
        assert_eq!(bench.service.snapshot().vpcs[&vpc.id].dns_support, answers);
    }
    let ask = |attribute: &str| {
        Command::DescribeVpcAttribute(DescribeVpcAttribute {
            vpc_id: vpc.id.to_string(),
            attribute: attribute.to_owned(),
        })
    };
    assert_eq!(
        bench.ok(ask("enableDnsSupport")).await,
        Answer::Vpc(vpc.clone())
    );
    for (command, code, field) in [
        (ask(""), Code::MissingParameter, "Attribute"),
        (ask("colour"), Code::InvalidParameterValue, "Attribute"),
        (
            dns_support(&vpc.id, None),
            Code::MissingParameter,
            "EnableDnsSupport",
        ),
        (
            dns_support(&VpcId::from_random([9; 9]), Some(true)),
            Code::VpcNotFound,
            "VpcId",
        ),
    ] {
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.code, code);
        assert_eq!(refusal.field.as_deref(), Some(field));
    }
}

#[tokio::test]
async fn an_imported_network_answers_dns_unless_a_machine_is_at_that_address() {
    let bench = Bench::new().await;
    let command = Command::ImportHostNetworks(ImportHostNetworks {
        interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
    });
    bench.ok(command).await;
    let snapshot = bench.service.snapshot();
    let answers = snapshot.vpcs.values().map(|vpc| {
        let address = vpc.resolver().unwrap().to_string();
        (address, vpc.dns_support)
    });
    let answers: BTreeMap<_, _> = answers.collect();
    assert!(answers["192.0.2.2"]);
    assert!(!answers["10.7.0.2"], "the machine knows one there");
}

#[tokio::test]
async fn each_thing_that_a_dns_server_lacks_is_said_until_it_is_there() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let certificates = bench.certificates().await;
    let endpoint = bench
        .endpoint_with(&CreateClientVpnEndpoint {
            dns_servers: vec!["10.1.0.2".to_owned(), "192.0.2.53".to_owned()],
            ..create_endpoint(&certificates)
        })
        .await;
    let lacks = || {
        let snapshot = bench.service.snapshot();
        let lacks = snapshot.dns_lacks(&snapshot.endpoints[&endpoint], clock::now());
        lacks
            .into_iter()
            .map(|(server, lack)| (server.octets()[0], lack))
            .collect::<Vec<_>>()
    };
    assert_eq!(lacks(), [], "without a target network nothing is reached");
    bench.associate(&endpoint, &subnet.id).await;
    assert_eq!(lacks(), [(10, DnsLack::Rule), (192, DnsLack::Route)]);
    let authorize = |cidr: &str| {
        Command::AuthorizeClientVpnIngress(AuthorizeIngress {
            client_vpn_endpoint_id: endpoint.to_string(),
            target_network_cidr: cidr.to_owned(),
            authorize_all_groups: true,
            ..AuthorizeIngress::default()
        })
    };
    bench.ok(authorize("0.0.0.0/0")).await;
    assert_eq!(lacks(), [(192, DnsLack::Route)]);
    bench
        .ok(Command::CreateClientVpnRoute(CreateRoute {
            client_vpn_endpoint_id: endpoint.to_string(),
            destination_cidr_block: "192.0.2.0/24".to_owned(),
            target_vpc_subnet_id: subnet.id.to_string(),
            ..CreateRoute::default()
        }))
        .await;
    assert_eq!(lacks(), [(192, DnsLack::Reach)]);
    let off = dns_support(&vpc.id, Some(false));
    let Answer::Preview(preview) = bench
        .ok(Command::PreviewChange(Box::new(off.clone())))
        .await
    else {
        panic!()
    };
    assert!(
        preview.warnings[0].contains("10.1.0.2: it is the VPC's DNS server"),
        "{:?}",
        preview.warnings
    );
    bench.ok(off).await;
    assert_eq!(lacks(), [(10, DnsLack::Support), (192, DnsLack::Reach)]);
}
