use super::*;
use crate::{
    model::{
        AssociationState, Code, EndpointState, RouteOrigin, RouteState, RuleState, Transport,
        command::{
            AuthorizeIngress, Bytes, CreateNetworkInterface, CreateRoute, DeleteRoute, Describe,
            DescribeOfEndpoint, Filter, ImportCertificate, ModifySettings, OfEndpoint,
            RevokeIngress, Secret,
        },
    },
    pki,
};

type Create = CreateClientVpnEndpoint;

async fn refused_create(
    bench: &Bench,
    valid: &Create,
    change: impl FnOnce(&mut Create),
) -> Refusal {
    let mut command = valid.clone();
    change(&mut command);
    bench
        .refused(Command::CreateClientVpnEndpoint(command))
        .await
}

fn route(endpoint: &EndpointId, destination: &str, subnet: &SubnetId) -> Command {
    Command::CreateClientVpnRoute(CreateRoute {
        client_vpn_endpoint_id: endpoint.to_string(),
        destination_cidr_block: destination.to_owned(),
        target_vpc_subnet_id: subnet.to_string(),
        all_associations: false,
        description: "by hand".to_owned(),
    })
}

fn delete_route(endpoint: &EndpointId, destination: &str, subnet: Option<&SubnetId>) -> Command {
    Command::DeleteClientVpnRoute(DeleteRoute {
        client_vpn_endpoint_id: endpoint.to_string(),
        destination_cidr_block: destination.to_owned(),
        target_vpc_subnet_id: subnet.map(ToString::to_string),
        all_associations: false,
    })
}

fn authorize(endpoint: &EndpointId, cidr: &str) -> AuthorizeIngress {
    AuthorizeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: cidr.to_owned(),
        authorize_all_groups: true,
        ..AuthorizeIngress::default()
    }
}

fn revoke(endpoint: &EndpointId, cidr: &str) -> RevokeIngress {
    RevokeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: cidr.to_owned(),
        revoke_all_groups: true,
        access_group_id: None,
    }
}

fn delete(endpoint: &EndpointId) -> Command {
    Command::DeleteClientVpnEndpoint(OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    })
}

fn state(bench: &Bench, endpoint: &EndpointId) -> Option<EndpointState> {
    let snapshot = bench.service.snapshot();
    let endpoint = snapshot.endpoints.get(endpoint)?;
    Some(snapshot.endpoint_state(endpoint))
}

#[tokio::test]
async fn an_endpoint_begins_as_pending_associate_on_port_443() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let answer = bench
        .ok(Command::CreateClientVpnEndpoint(create_endpoint(&made)))
        .await;
    let Answer::EndpointCreated(created) = answer else {
        panic!()
    };
    assert_eq!(created.state, EndpointState::PendingAssociate);
    assert_eq!(created.dns_name, "192.0.2.10");
    let endpoint = bench.service.snapshot().endpoints[&created.id].clone();
    assert_eq!((endpoint.transport, endpoint.port), (Transport::Udp, 443));
    assert_eq!(endpoint.vpc_id, None);

    let Answer::Endpoints(described) = bench
        .ok(Command::DescribeClientVpnEndpoints(Describe::default()))
        .await
    else {
        panic!()
    };
    assert_eq!(described[0].endpoint, endpoint);
    assert_eq!(described[0].state, EndpointState::PendingAssociate);
}

#[tokio::test]
async fn a_client_range_outside_16_to_22_is_refused_with_one_that_is_right() {
    let bench = Bench::new().await;
    let valid = create_endpoint(&bench.certificates().await);
    for (range, cure) in [
        ("10.0.0.0/24", "10.0.0.0/22"),
        ("10.0.5.0/24", "10.0.4.0/22"),
        ("10.0.0.0/8", "10.0.0.0/16"),
    ] {
        let refusal =
            refused_create(&bench, &valid, |c| c.client_cidr_block = range.to_owned()).await;
        assert_eq!(refusal.code, Code::InvalidParameterValue);
        assert_eq!(refusal.field.as_deref(), Some("ClientCidrBlock"));
        assert_eq!(
            refusal.message,
            "A client range is between /22 and /16, for example 10.0.0.0/22"
        );
        assert_eq!(refusal.cure.as_deref(), Some(cure));
    }
}

#[tokio::test]
async fn a_client_range_that_is_none_is_refused_at_its_field() {
    let bench = Bench::new().await;
    let valid = create_endpoint(&bench.certificates().await);
    for (range, code) in [
        ("", Code::MissingParameter),
        ("10.0.0.0", Code::InvalidParameterValue),
        ("10.0.0.1/22", Code::InvalidParameterValue),
        ("127.0.0.0/16", Code::InvalidParameterValue),
        ("2001:db8::/32", Code::InvalidParameterValue),
    ] {
        let refusal =
            refused_create(&bench, &valid, |c| c.client_cidr_block = range.to_owned()).await;
        assert_eq!(refusal.code, code, "{range}");
        assert_eq!(refusal.field.as_deref(), Some("ClientCidrBlock"), "{range}");
        assert!(refusal.cure.is_some(), "{range}");
    }
}

#[tokio::test]
async fn a_client_range_that_meets_another_endpoint_s_or_the_vpc_s_is_refused() {
    let bench = Bench::new().await;
    let valid = create_endpoint(&bench.certificates().await);
    let vpc = bench.vpc("10.4.0.0/16").await;
    let refusal = refused_create(&bench, &valid, |c| {
        c.client_cidr_block = "10.4.0.0/22".to_owned();
        c.vpc_id = Some(vpc.id.to_string());
    })
    .await;
    assert_eq!(refusal.field.as_deref(), Some("VpcId"));

    let first = bench.endpoint_with(&valid).await;
    let refusal = refused_create(&bench, &valid, |c| {
        c.client_cidr_block = "10.0.0.0/20".to_owned();
        c.vpn_port = Some(1194);
    })
    .await;
    assert_eq!(refusal.field.as_deref(), Some("ClientCidrBlock"));
    assert!(refusal.message.contains(first.as_str()), "{refusal}");
    assert_eq!(refusal.cure.as_deref(), Some("10.0.16.0/20"));
}

#[tokio::test]
async fn a_client_range_that_meets_a_network_of_this_machine_is_refused_with_one_that_is_free() {
    let bench = Bench::new().await;
    let valid = create_endpoint(&bench.certificates().await);
    // A range that is proposed should not stand in the way of a VPC either.
    bench.vpc("10.0.0.0/14").await;
    for (range, own, cure) in [
        ("10.7.4.0/22", "10.7.0.0/16", "10.4.0.0/22"),
        ("10.8.0.0/16", "10.8.0.0/28", "10.4.0.0/16"),
    ] {
        let refusal =
            refused_create(&bench, &valid, |c| c.client_cidr_block = range.to_owned()).await;
        assert_eq!(refusal.code, Code::InvalidParameterValue);
        assert_eq!(refusal.field.as_deref(), Some("ClientCidrBlock"));
        assert!(refusal.message.contains(own), "{refusal}");
        assert!(refusal.message.contains("this machine"), "{refusal}");
        assert_eq!(refusal.cure.as_deref(), Some(cure));
        let cured = CreateClientVpnEndpoint {
            client_cidr_block: cure.to_owned(),
            ..valid.clone()
        };
        let judged = dry_run(Command::CreateClientVpnEndpoint(cured));
        let judged = bench.service.call(&bench.caller, judged).await.unwrap_err();
        assert_eq!(judged.code, Code::DryRunOperation, "{judged}");
    }
}

#[test]
fn a_machine_that_is_in_every_private_network_still_gets_a_free_client_range() {
    let own = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(|cidr| HostNetwork {
        interface: "eth0".to_owned(),
        address: Ipv4Addr::new(10, 0, 0, 1),
        cidr: cidr.parse().unwrap(),
        default_route: true,
    });
    let free = |prefix| {
        crate::service::endpoints::free_range(&crate::model::Snapshot::default(), &own, prefix)
    };
    assert_eq!(free(22).unwrap().to_string(), "100.64.0.0/22");
    assert_eq!(free(16).unwrap().to_string(), "100.64.0.0/16");
}

#[tokio::test]
async fn a_port_of_another_endpoint_is_refused_with_a_free_one() {
    let bench = Bench::new().await;
    let valid = create_endpoint(&bench.certificates().await);
    bench.endpoint_with(&valid).await;
    let other_range = |c: &mut Create| c.client_cidr_block = "10.5.0.0/22".to_owned();
    let refusal = refused_create(&bench, &valid, other_range).await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    assert_eq!(refusal.field.as_deref(), Some("VpnPort"));
    assert_eq!(refusal.cure.as_deref(), Some("1194"));
    let refusal = refused_create(&bench, &valid, |c| {
        other_range(c);
        c.vpn_port = Some(0);
    })
    .await;
    assert_eq!(refusal.field.as_deref(), Some("VpnPort"));
    // TCP has ports of its own.
    let mut tcp = valid;
    other_range(&mut tcp);
    tcp.transport_protocol = Transport::Tcp;
    bench.endpoint_with(&tcp).await;
}

#[tokio::test]
async fn a_server_certificate_that_cannot_serve_is_refused() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let valid = create_endpoint(&made);
    let unknown = CertificateArn::from_random("local-1", "000000000000", [1; 16]);
    for wrong in [
        made.ca.to_string(),
        made.client.to_string(),
        unknown.to_string(),
        "x".to_owned(),
    ] {
        let refusal =
            refused_create(&bench, &valid, |c| c.server_certificate_arn = wrong.clone()).await;
        assert_eq!(refusal.code, Code::InvalidParameterValue, "{wrong}");
        assert_eq!(
            refusal.field.as_deref(),
            Some("ServerCertificateArn"),
            "{wrong}"
        );
    }
    let refusal = refused_create(&bench, &valid, |c| c.server_certificate_arn.clear()).await;
    assert_eq!(refusal.code, Code::MissingParameter);
}

#[tokio::test]
async fn a_server_certificate_without_its_key_is_refused() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let server = bench.service.snapshot().certificates[&made.server].clone();
    let imported = bench
        .ok(Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(server.certificate_pem.clone().into_bytes()),
            private_key: None,
            certificate_chain: Some(Bytes(server.chain_pem.clone().into_bytes())),
            ..ImportCertificate::default()
        }))
        .await;
    let keyless = arn(imported).to_string();
    let valid = create_endpoint(&made);
    let refusal = refused_create(&bench, &valid, |c| c.server_certificate_arn = keyless).await;
    assert_eq!(refusal.field.as_deref(), Some("ServerCertificateArn"));
    assert!(refusal.message.contains("private key"), "{refusal}");
}

#[tokio::test]
async fn a_server_certificate_that_has_expired_since_is_refused() {
    let bench = Bench::new().await;
    let long_ago = "2020-01-01T00:00:00Z".parse().unwrap();
    let ca = pki::make_ca("Old CA", pki::KeyType::EcdsaP256, long_ago).unwrap();
    let mut request = pki::Request::server("old.example.com");
    request.validity_days = 30;
    let issued = pki::issue(&ca.certificate_pem, &ca.private_key_pem, &request, long_ago).unwrap();
    // It was good when it came into the store.
    let import = ImportCertificate {
        certificate: Bytes(issued.certificate_pem.into_bytes()),
        private_key: Some(Secret::new(
            issued.private_key_pem.expose().as_bytes().to_vec(),
        )),
        certificate_chain: Some(Bytes(ca.certificate_pem.into_bytes())),
        ..ImportCertificate::default()
    };
    let new = crate::service::certificates::import(&import, long_ago).unwrap();
    let terms =
        crate::service::change::Terms::new(&bench.caller, &Command::ListCertificates.into())
            .unwrap();
    let old = bench
        .service
        .change(terms, move |change| change.insert_certificate(new))
        .await
        .unwrap();
    let valid = create_endpoint(&bench.certificates().await);
    let old = arn(old).to_string();
    let refusal = refused_create(&bench, &valid, |c| c.server_certificate_arn = old).await;
    assert_eq!(refusal.field.as_deref(), Some("ServerCertificateArn"));
    assert!(refusal.message.contains("expired"), "{refusal}");
}

#[tokio::test]
async fn authentication_without_a_client_ca_or_with_a_public_one_is_refused() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let valid = create_endpoint(&made);
    let root = |arn: Option<String>| {
        vec![AuthenticationOption {
            kind: "certificate-authentication".to_owned(),
            client_root_certificate_chain_arn: arn,
        }]
    };
    let field = "ClientRootCertificateChainArn";
    let refusal = refused_create(&bench, &valid, |c| c.authentication_options = root(None)).await;
    assert_eq!(
        (refusal.code, refusal.field.as_deref()),
        (Code::MissingParameter, Some(field))
    );
    // A leaf that was imported without a chain names no authority.
    let leaf = bench.service.snapshot().certificates[&made.client].clone();
    let leaf = bench
        .ok(Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(leaf.certificate_pem.clone().into_bytes()),
            ..ImportCertificate::default()
        }))
        .await;
    let leaf = Some(arn(leaf).to_string());
    let refusal = refused_create(&bench, &valid, |c| c.authentication_options = root(leaf)).await;
    assert_eq!(
        (refusal.code, refusal.field.as_deref()),
        (Code::InvalidParameterValue, Some(field))
    );

    let public = bench
        .ok(Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(include_bytes!("../../pki/fixtures/public-root.pem").to_vec()),
            ..ImportCertificate::default()
        }))
        .await;
    let public = Some(arn(public).to_string());
    let refusal = refused_create(&bench, &valid, |c| c.authentication_options = root(public)).await;
    assert_eq!(refusal.field.as_deref(), Some(field));
    assert!(refusal.message.contains("public"), "{refusal}");

    let none = refused_create(&bench, &valid, |c| c.authentication_options.clear()).await;
    assert_eq!(none.field.as_deref(), Some("AuthenticationOptions"));
    let other = refused_create(&bench, &valid, |c| {
        c.authentication_options[0].kind = "directory-service-authentication".to_owned();
    })
    .await;
    assert_eq!(other.field.as_deref(), Some("AuthenticationOptions"));
    let twice = refused_create(&bench, &valid, |c| {
        c.authentication_options
            .push(c.authentication_options[0].clone());
    })
    .await;
    assert_eq!(twice.field.as_deref(), Some("AuthenticationOptions"));
}

#[tokio::test]
async fn the_server_s_own_certificate_may_name_the_client_ca() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let mut command = create_endpoint(&made);
    command.authentication_options[0].client_root_certificate_chain_arn =
        Some(made.server.to_string());
    bench.endpoint_with(&command).await;
}

#[tokio::test]
async fn other_fields_of_an_endpoint_are_refused_by_name() {
    let bench = Bench::new().await;
    let valid = create_endpoint(&bench.certificates().await);
    let check = |refusal: Refusal, code, field: &str| {
        assert_eq!(
            (refusal.code, refusal.field.as_deref()),
            (code, Some(field))
        );
    };
    let invalid = Code::InvalidParameterValue;
    check(
        refused_create(&bench, &valid, |c| c.connection_log_enabled = None).await,
        Code::MissingParameter,
        "ConnectionLogOptions",
    );
    check(
        refused_create(&bench, &valid, |c| c.connection_log_enabled = Some(true)).await,
        Code::MissingParameter,
        "ConnectionLogOptions.CloudwatchLogGroup",
    );
    check(
        refused_create(&bench, &valid, |c| c.description = "x".repeat(256)).await,
        invalid,
        "Description",
    );
    check(
        refused_create(&bench, &valid, |c| c.description = "a\nb".to_owned()).await,
        invalid,
        "Description",
    );
    for (servers, field) in [
        (vec!["1.1.1.1"; 3], "DnsServers"),
        (vec!["dns.example.com"], "DnsServers.1"),
        (vec!["1.1.1.1", "0.0.0.0"], "DnsServers.2"),
    ] {
        let servers: Vec<_> = servers.into_iter().map(str::to_owned).collect();
        check(
            refused_create(&bench, &valid, |c| c.dns_servers = servers).await,
            invalid,
            field,
        );
    }
    check(
        refused_create(&bench, &valid, |c| {
            c.vpc_id = Some("vpc-00000000".to_owned());
        })
        .await,
        Code::VpcNotFound,
        "VpcId",
    );
}

#[tokio::test]
async fn there_are_no_more_endpoints_rules_and_routes_than_the_limits() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let valid = create_endpoint(&bench.certificates().await);
    for n in 1..5 {
        let mut command = valid.clone();
        command.client_cidr_block = format!("10.{}.0.0/22", 100 + n);
        command.vpn_port = Some(2000 + n);
        bench.endpoint_with(&command).await;
    }
    let refusal = refused_create(&bench, &valid, |c| {
        c.client_cidr_block = "10.200.0.0/22".to_owned();
        c.vpn_port = Some(3000);
    })
    .await;
    assert_eq!(refusal.code, Code::EndpointLimitExceeded);
    assert!(
        refusal.message.ends_with("set max-endpoints 10"),
        "{refusal}"
    );

    for n in 0..10 {
        bench
            .ok(route(&endpoint, &format!("172.16.{n}.0/24"), &subnet.id))
            .await;
    }
    let refusal = bench
        .refused(route(&endpoint, "172.16.99.0/24", &subnet.id))
        .await;
    assert_eq!(refusal.code, Code::RouteLimitExceeded);
    assert!(refusal.message.ends_with("set max-routes 20"), "{refusal}");

    for n in 0..50 {
        let rule = authorize(&endpoint, &format!("172.16.{n}.0/24"));
        bench.ok(Command::AuthorizeClientVpnIngress(rule)).await;
    }
    let rule = authorize(&endpoint, "172.16.99.0/24");
    let refusal = bench
        .refused(Command::AuthorizeClientVpnIngress(rule))
        .await;
    assert_eq!(refusal.code, Code::RuleLimitExceeded);
    assert!(
        refusal.message.ends_with("set max-authorization-rules 100"),
        "{refusal}"
    );
}

#[tokio::test]
async fn the_first_association_sets_the_vpc_and_adds_the_local_route() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let association = bench.associate(&endpoint, &subnet.id).await;
    assert_eq!(association.state, AssociationState::Associating);
    let snapshot = bench.service.snapshot();
    assert_eq!(snapshot.endpoints[&endpoint].vpc_id.as_ref(), Some(&vpc.id));
    let [route] = snapshot.routes.as_slice() else {
        panic!("{:?}", snapshot.routes)
    };
    assert_eq!(route.destination, vpc.cidrs[0]);
    assert_eq!(route.origin, RouteOrigin::Associate);
    assert_eq!(route.description, "Default Route");
    assert_eq!(route.state, RouteState::Creating);
    assert_eq!(
        state(&bench, &endpoint),
        Some(EndpointState::PendingAssociate)
    );
    bench.settle().await;
    assert_eq!(state(&bench, &endpoint), Some(EndpointState::Available));
}

#[tokio::test]
async fn a_subnet_that_cannot_be_a_target_network_is_refused() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let small = bench.subnet(&subnet.vpc_id, "10.1.2.0/28").await;
    let refusal = bench.refused(associate(&endpoint, &small.id)).await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    assert!(refusal.message.contains("/27"), "{refusal}");

    let full = bench.subnet(&subnet.vpc_id, "10.1.2.32/27").await;
    assert_eq!(full.usable_addresses(), 27);
    for host in 36..56 {
        let resource = CreateNetworkInterface {
            subnet_id: full.id.to_string(),
            private_ip_address: format!("10.1.2.{host}"),
            ..CreateNetworkInterface::default()
        };
        bench.ok(Command::CreateNetworkInterface(resource)).await;
    }
    let Answer::Subnets(found) = bench
        .ok(Command::DescribeSubnets(Describe::default()))
        .await
    else {
        panic!()
    };
    let found = found.iter().find(|it| it.subnet == full).unwrap();
    assert_eq!(found.free_addresses, 7);
    let refusal = bench.refused(associate(&endpoint, &full.id)).await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    assert_eq!(refusal.field.as_deref(), Some("SubnetId"));
    assert!(refusal.message.contains("7 free addresses"), "{refusal}");

    let refusal = bench.refused(associate(&endpoint, &subnet.id)).await;
    assert_eq!(refusal.code, Code::DuplicateAssociation);

    let command = Command::CreateSubnet(CreateSubnet {
        vpc_id: subnet.vpc_id.to_string(),
        cidr_block: "10.1.3.0/24".to_owned(),
        availability_zone: Some(subnet.availability_zone.clone()),
        ..CreateSubnet::default()
    });
    let Answer::Subnet(same_zone) = bench.ok(command).await else {
        panic!()
    };
    let refusal = bench.refused(associate(&endpoint, &same_zone.id)).await;
    assert_eq!(refusal.code, Code::DuplicateAz);

    let other = bench.vpc("10.2.0.0/16").await;
    let elsewhere = bench.subnet(&other.id, "10.2.1.0/24").await;
    let refusal = bench.refused(associate(&endpoint, &elsewhere.id)).await;
    assert_eq!(refusal.code, Code::ClientVpnSubnetNotFound);
    assert_eq!(refusal.field.as_deref(), Some("SubnetId"));
    let unknown: SubnetId = "subnet-00000000".parse().unwrap();
    let refusal = bench.refused(associate(&endpoint, &unknown)).await;
    assert_eq!(refusal.code, Code::ClientVpnSubnetNotFound);
}

#[tokio::test]
async fn a_subnet_of_a_vpc_that_meets_the_client_range_is_refused() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let vpc = bench.vpc("10.0.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.0.200.0/24").await;
    let refusal = bench.refused(associate(&endpoint, &subnet.id)).await;
    assert_eq!(refusal.code, Code::OverlappingCidr);
    assert_eq!(refusal.field.as_deref(), Some("SubnetId"));
}

#[tokio::test]
async fn a_disassociated_network_takes_its_routes_and_the_last_one_the_vpc_along() {
    let bench = Bench::new().await;
    let (endpoint, subnet, association) = bench.associated().await;
    bench.ok(route(&endpoint, "0.0.0.0/0", &subnet.id)).await;
    bench.ok(disassociate(&endpoint, &association.id)).await;
    let snapshot = bench.service.snapshot();
    assert_eq!(
        snapshot.associations[&association.id].state,
        AssociationState::Disassociating
    );
    assert_eq!(snapshot.routes.len(), 2);
    assert!(
        snapshot
            .routes
            .iter()
            .all(|r| r.state == RouteState::Deleting)
    );
    // Neither again, nor a new one in its place, before the gateway has let go of it.
    let refusal = bench
        .refused(disassociate(&endpoint, &association.id))
        .await;
    assert_eq!(refusal.code, Code::AssociationNotFound);
    let refusal = bench.refused(associate(&endpoint, &subnet.id)).await;
    assert_eq!(refusal.code, Code::DuplicateAssociation);

    bench.settle().await;
    let snapshot = bench.service.snapshot();
    assert!(snapshot.associations.is_empty());
    assert!(snapshot.routes.is_empty());
    assert_eq!(snapshot.endpoints[&endpoint].vpc_id, None);
}

#[tokio::test]
async fn a_vpc_named_at_creation_stays() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let mut command = create_endpoint(&bench.certificates().await);
    command.vpc_id = Some(vpc.id.to_string());
    let endpoint = bench.endpoint_with(&command).await;
    let association = bench.associate(&endpoint, &subnet.id).await;
    bench.ok(disassociate(&endpoint, &association.id)).await;
    bench.settle().await;
    let snapshot = bench.service.snapshot();
    assert_eq!(snapshot.endpoints[&endpoint].vpc_id.as_ref(), Some(&vpc.id));
}

#[tokio::test]
async fn an_endpoint_with_associations_is_not_deleted_and_they_are_named() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let refusal = bench.refused(delete(&endpoint)).await;
    assert_eq!(refusal.code, Code::AssociationExists);
    assert!(
        refusal.message.contains(association.id.as_str()),
        "{refusal}"
    );

    bench.ok(disassociate(&endpoint, &association.id)).await;
    let answer = bench.ok(delete(&endpoint)).await;
    assert_eq!(answer, Answer::EndpointStatus(EndpointState::Deleting));
    assert_eq!(state(&bench, &endpoint), Some(EndpointState::Deleting));
    assert_eq!(
        bench.refused(delete(&endpoint)).await.code,
        Code::EndpointNotFound
    );
    bench.settle().await;
    assert_eq!(state(&bench, &endpoint), None);
    assert_eq!(
        bench.refused(delete(&endpoint)).await.code,
        Code::EndpointNotFound
    );
}

#[tokio::test]
async fn a_route_is_made_once_through_an_associated_subnet_only() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let Answer::RouteStatus(made) = bench.ok(route(&endpoint, "0.0.0.0/0", &subnet.id)).await
    else {
        panic!()
    };
    assert_eq!(made.state, RouteState::Creating);
    assert_eq!(made.origin, RouteOrigin::AddRoute);
    for duplicate in ["0.0.0.0/0", "10.1.0.0/16"] {
        let refusal = bench.refused(route(&endpoint, duplicate, &subnet.id)).await;
        assert_eq!(refusal.code, Code::DuplicateRoute);
    }
    let other = bench.subnet(&subnet.vpc_id, "10.1.2.0/24").await;
    let refusal = bench
        .refused(route(&endpoint, "172.16.0.0/12", &other.id))
        .await;
    assert_eq!(refusal.code, Code::ActiveAssociationNotFound);
    assert_eq!(refusal.cure.as_deref(), Some(subnet.id.as_str()));
    for overlapping in ["10.0.0.0/24", "10.0.0.0/8"] {
        let refusal = bench
            .refused(route(&endpoint, overlapping, &subnet.id))
            .await;
        assert_eq!(refusal.code, Code::InvalidParameterValue);
        assert_eq!(refusal.field.as_deref(), Some("DestinationCidrBlock"));
    }
}

#[tokio::test]
async fn only_routes_made_by_hand_are_deleted_by_hand() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let refusal = bench
        .refused(delete_route(&endpoint, "10.1.0.0/16", None))
        .await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    let refusal = bench
        .refused(delete_route(&endpoint, "0.0.0.0/0", None))
        .await;
    assert_eq!(refusal.code, Code::RouteNotFound);

    bench.ok(route(&endpoint, "0.0.0.0/0", &subnet.id)).await;
    bench
        .ok(delete_route(&endpoint, "0.0.0.0/0", Some(&subnet.id)))
        .await;
    // Made again before it is gone: one row, which comes.
    bench.ok(route(&endpoint, "0.0.0.0/0", &subnet.id)).await;
    bench.settle().await;
    assert_eq!(bench.service.snapshot().routes.len(), 2);
    bench.ok(delete_route(&endpoint, "0.0.0.0/0", None)).await;
    bench.settle().await;
    assert_eq!(bench.service.snapshot().routes.len(), 1);
}

#[tokio::test]
async fn a_route_through_several_subnets_is_deleted_only_by_name() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let second = bench.subnet(&subnet.vpc_id, "10.1.2.0/24").await;
    bench.associate(&endpoint, &second.id).await;
    bench.ok(route(&endpoint, "0.0.0.0/0", &subnet.id)).await;
    bench.ok(route(&endpoint, "0.0.0.0/0", &second.id)).await;
    let refusal = bench
        .refused(delete_route(&endpoint, "0.0.0.0/0", None))
        .await;
    assert_eq!(refusal.code, Code::MissingParameter);
    assert_eq!(refusal.field.as_deref(), Some("TargetVpcSubnetId"));
    bench
        .ok(delete_route(&endpoint, "0.0.0.0/0", Some(&second.id)))
        .await;
}

#[tokio::test]
async fn a_rule_is_authorized_once_and_revoked() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let grant = || Command::AuthorizeClientVpnIngress(authorize(&endpoint, "10.1.0.0/16"));
    let take = || Command::RevokeClientVpnIngress(revoke(&endpoint, "10.1.0.0/16"));
    let Answer::RuleStatus(rule) = bench.ok(grant()).await else {
        panic!()
    };
    assert_eq!(rule.state, RuleState::Authorizing);
    assert_eq!(bench.refused(grant()).await.code, Code::DuplicateRule);
    bench.settle().await;
    assert_eq!(bench.service.snapshot().rules[0].state, RuleState::Active);

    bench.ok(take()).await;
    assert_eq!(bench.service.snapshot().rules[0].state, RuleState::Revoking);
    assert_eq!(bench.refused(take()).await.code, Code::RuleNotFound);
    bench.ok(grant()).await;
    assert_eq!(
        bench.service.snapshot().rules[0].state,
        RuleState::Authorizing
    );
    bench.ok(take()).await;
    bench.settle().await;
    assert!(bench.service.snapshot().rules.is_empty());
}

#[tokio::test]
async fn rules_for_groups_are_refused_while_there_are_none() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let mut group = authorize(&endpoint, "10.1.0.0/16");
    group.authorize_all_groups = false;
    let neither = bench
        .refused(Command::AuthorizeClientVpnIngress(group.clone()))
        .await;
    assert_eq!(neither.code, Code::MissingParameter);
    group.access_group_id = Some("S-1-5-21".to_owned());
    let refusal = bench
        .refused(Command::AuthorizeClientVpnIngress(group.clone()))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("AccessGroupId"));
    group.authorize_all_groups = true;
    let both = bench
        .refused(Command::AuthorizeClientVpnIngress(group))
        .await;
    assert_eq!(both.code, Code::InvalidParameterCombination);

    let mut bad = authorize(&endpoint, "10.1.0.7/16");
    let refusal = bench
        .refused(Command::AuthorizeClientVpnIngress(bad.clone()))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("TargetNetworkCidr"));
    assert_eq!(refusal.cure.as_deref(), Some("10.1.0.0/16"));
    bad.client_vpn_endpoint_id.clear();
    let refusal = bench.refused(Command::AuthorizeClientVpnIngress(bad)).await;
    assert_eq!(refusal.code, Code::MissingParameter);
}

#[tokio::test]
async fn what_hangs_on_an_endpoint_is_described_through_filters() {
    let bench = Bench::new().await;
    let (endpoint, subnet, association) = bench.associated().await;
    bench.ok(route(&endpoint, "0.0.0.0/0", &subnet.id)).await;
    bench
        .ok(Command::AuthorizeClientVpnIngress(authorize(
            &endpoint,
            "0.0.0.0/0",
        )))
        .await;
    let wanted = |name: &str, value: &str| DescribeOfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
        ids: vec![],
        filters: vec![Filter {
            name: name.to_owned(),
            values: vec![value.to_owned()],
        }],
    };
    let Answer::Routes(routes) = bench
        .ok(Command::DescribeClientVpnRoutes(wanted(
            "origin",
            "add-route",
        )))
        .await
    else {
        panic!()
    };
    assert_eq!(routes.len(), 1);
    let Answer::AuthorizationRules(rules) = bench
        .ok(Command::DescribeClientVpnAuthorizationRules(wanted(
            "destination-cidr",
            "0.0.0.0/0",
        )))
        .await
    else {
        panic!()
    };
    assert_eq!(rules.len(), 1);
    let mut by_id = wanted("vpc-id", subnet.vpc_id.as_str());
    by_id.ids = vec![association.id.to_string()];
    let Answer::TargetNetworks(networks) = bench
        .ok(Command::DescribeClientVpnTargetNetworks(by_id.clone()))
        .await
    else {
        panic!()
    };
    assert_eq!(networks.associations[0].id, association.id);
    by_id.ids = vec!["cvpn-assoc-00000000".to_owned()];
    let refusal = bench
        .refused(Command::DescribeClientVpnTargetNetworks(by_id))
        .await;
    assert_eq!(refusal.code, Code::AssociationNotFound);
}

#[tokio::test]
async fn settings_are_kept_and_checked() {
    let bench = Bench::new().await;
    let modify = |change: fn(&mut ModifySettings)| {
        let mut command = ModifySettings::default();
        change(&mut command);
        Command::ModifySettings(command)
    };
    bench
        .ok(modify(|s| {
            s.public_address = Some("vpn.example.com".to_owned());
            s.rekey_secs = Some(10);
            s.getting_started_done = Some(true);
        }))
        .await;
    let settings = bench.restarted().await.snapshot().settings.clone();
    assert_eq!(settings.public_address.as_deref(), Some("vpn.example.com"));
    assert_eq!(settings.rekey_secs, 10);
    assert!(settings.getting_started_done);

    let refusal = bench.refused(modify(|s| s.rekey_secs = Some(9))).await;
    assert_eq!(refusal.field.as_deref(), Some("RekeySecs"));
    let refusal = bench.refused(modify(|s| s.rekey_secs = Some(86_401))).await;
    assert_eq!(refusal.field.as_deref(), Some("RekeySecs"));
    let refusal = bench
        .refused(modify(|s| s.public_address = Some("a\nb".to_owned())))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("PublicAddress"));
    bench
        .ok(modify(|s| s.public_address = Some(String::new())))
        .await;
    assert_eq!(bench.service.snapshot().settings.public_address, None);
}
