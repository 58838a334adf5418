//! Rules of security groups, what has the groups, and resources.

use super::*;
use crate::model::{
    Code, Direction, IpProtocol, Peer, PortRange, Resource, SecurityGroup, SecurityGroupId,
    SecurityGroupRule,
    command::{
        ApplySecurityGroups, AuthorizeSecurityGroup, ById, CreateNetworkInterface,
        CreatePeeringConnection, CreateSecurityGroup, Describe, Filter, ModifyNetworkInterface,
        Permission, RevokeSecurityGroup,
    },
};

fn by_id(id: &impl ToString) -> ById {
    ById { id: id.to_string() }
}

fn create(vpc: &VpcId, name: &str) -> Command {
    Command::CreateSecurityGroup(CreateSecurityGroup {
        group_name: name.to_owned(),
        description: "made by a test".to_owned(),
        vpc_id: vpc.to_string(),
        ..CreateSecurityGroup::default()
    })
}

fn tcp(from: i32, to: i32, cidr: &str) -> Permission {
    Permission {
        protocol: "tcp".to_owned(),
        from_port: Some(from),
        to_port: Some(to),
        cidr: Some(cidr.to_owned()),
        ..Permission::default()
    }
}

fn all_of(group: &SecurityGroupId) -> Permission {
    Permission {
        protocol: "-1".to_owned(),
        group_id: Some(group.to_string()),
        ..Permission::default()
    }
}

fn ingress(group: &SecurityGroupId, permissions: Vec<Permission>) -> Command {
    Command::AuthorizeSecurityGroupIngress(AuthorizeSecurityGroup {
        group_id: group.to_string(),
        permissions,
    })
}

fn revoke(group: &SecurityGroupId, ids: &[&str], permissions: Vec<Permission>) -> Command {
    Command::RevokeSecurityGroupIngress(RevokeSecurityGroup {
        group_id: group.to_string(),
        rule_ids: ids.iter().map(|&id| id.to_owned()).collect(),
        permissions,
    })
}

fn resource(subnet: &SubnetId, address: &str) -> CreateNetworkInterface {
    CreateNetworkInterface {
        subnet_id: subnet.to_string(),
        private_ip_address: address.to_owned(),
        ..CreateNetworkInterface::default()
    }
}

fn apply(endpoint: &EndpointId, vpc: &VpcId, groups: &[&SecurityGroupId]) -> Command {
    Command::ApplySecurityGroupsToClientVpnTargetNetwork(ApplySecurityGroups {
        client_vpn_endpoint_id: endpoint.to_string(),
        vpc_id: vpc.to_string(),
        security_group_ids: groups.iter().map(|&id| id.to_string()).collect(),
    })
}

impl Bench {
    async fn security_group(&self, vpc: &VpcId, name: &str) -> SecurityGroup {
        match self.ok(create(vpc, name)).await {
            Answer::SecurityGroup(group) => group,
            other => panic!("{other:?}"),
        }
    }

    async fn ingress(&self, group: &SecurityGroupId, permission: Permission) -> SecurityGroupRule {
        match self.ok(ingress(group, vec![permission])).await {
            Answer::SecurityGroupRules(mut made) => made.rules.pop().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn resource(&self, command: CreateNetworkInterface) -> Resource {
        match self.ok(Command::CreateNetworkInterface(command)).await {
            Answer::Resource(resource) => resource,
            other => panic!("{other:?}"),
        }
    }

    fn default_group(&self, vpc: &VpcId) -> SecurityGroupId {
        let snapshot = self.service.snapshot();
        snapshot.default_security_group(vpc).unwrap().id.clone()
    }
}

#[tokio::test]
async fn a_new_group_lets_out_everything_and_in_nothing() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let made = bench.security_group(&vpc.id, "vpn-clients").await;
    assert_eq!(made.rules_of(Direction::Ingress).count(), 0);
    assert_eq!(made.rules_of(Direction::Egress).count(), 1);
    let twice = bench.refused(create(&vpc.id, "vpn-clients")).await;
    assert_eq!(twice.code, Code::DuplicateSecurityGroup);
    for (name, code) in [
        ("default", Code::ReservedSecurityGroup),
        ("sg-mine", Code::InvalidParameterValue),
        ("", Code::MissingParameter),
        ("a\nb", Code::InvalidParameterValue),
    ] {
        let refusal = bench.refused(create(&vpc.id, name)).await;
        assert_eq!(refusal.code, code, "{name}");
        assert_eq!(refusal.field.as_deref(), Some("GroupName"));
    }
    let wanted = Describe {
        ids: vec![],
        filters: vec![Filter {
            name: "group-name".to_owned(),
            values: vec!["vpn-*".to_owned()],
        }],
    };
    let found = bench.ok(Command::DescribeSecurityGroups(wanted)).await;
    assert_eq!(found, Answer::SecurityGroups(vec![made.clone()]));
    bench
        .ok(Command::DeleteSecurityGroup(by_id(&made.id)))
        .await;
    assert_eq!(bench.service.snapshot().security_groups.len(), 1);
    let default = Command::DeleteSecurityGroup(by_id(&bench.default_group(&vpc.id)));
    assert_eq!(bench.refused(default).await.code, Code::CannotDelete);
}

#[tokio::test]
async fn protocols_and_ports_are_read_by_name_and_number() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let group = bench.security_group(&vpc.id, "web").await.id;
    let cidr = "10.9.0.0/16";
    let of = |protocol: &str, from, to| Permission {
        protocol: protocol.to_owned(),
        from_port: from,
        to_port: to,
        cidr: Some(cidr.to_owned()),
        ..Permission::default()
    };
    let https = Some(PortRange { from: 443, to: 443 });
    for (wanted, protocol, ports) in [
        (of("6", Some(443), Some(443)), Some(IpProtocol::Tcp), https),
        (of("udp", Some(-1), Some(-1)), Some(IpProtocol::Udp), None),
        (of("tcp", Some(0), Some(65535)), Some(IpProtocol::Tcp), None),
        (of("icmp", Some(-1), Some(-1)), Some(IpProtocol::Icmp), None),
        (of("-1", Some(5), Some(6)), None, None),
    ] {
        let rule = bench.ingress(&group, wanted).await;
        assert_eq!((rule.protocol, rule.ports), (protocol, ports));
    }
    for (wanted, code, field) in [
        (
            of("sctp", None, None),
            Code::InvalidParameterValue,
            "IpProtocol",
        ),
        (of("", None, None), Code::MissingParameter, "IpProtocol"),
        (of("tcp", Some(80), None), Code::MissingParameter, "ToPort"),
        (
            of("tcp", None, Some(80)),
            Code::MissingParameter,
            "FromPort",
        ),
        (
            of("tcp", Some(81), Some(80)),
            Code::InvalidParameterValue,
            "ToPort",
        ),
        (
            of("tcp", Some(1), Some(65536)),
            Code::InvalidParameterValue,
            "ToPort",
        ),
        (
            of("tcp", Some(-2), Some(3)),
            Code::InvalidParameterValue,
            "FromPort",
        ),
        (
            of("icmp", Some(8), Some(0)),
            Code::InvalidParameterValue,
            "FromPort",
        ),
        (
            tcp(1, 1, "10.9.0.1/16"),
            Code::InvalidParameterValue,
            "CidrIp",
        ),
        (
            Permission {
                cidr: None,
                ..tcp(1, 1, "")
            },
            Code::MissingParameter,
            "CidrIp",
        ),
        (
            tcp(443, 443, cidr),
            Code::DuplicatePermission,
            "IpPermissions",
        ),
        (
            Permission {
                cidr: Some(cidr.to_owned()),
                ..all_of(&group)
            },
            Code::InvalidParameterCombination,
            "SourceSecurityGroupId",
        ),
    ] {
        let refusal = bench.refused(ingress(&group, vec![wanted.clone()])).await;
        assert_eq!(
            (refusal.code, refusal.field.as_deref()),
            (code, Some(field)),
            "{wanted:?}"
        );
    }
    let twice = vec![tcp(1, 2, cidr), tcp(1, 2, cidr)];
    let twice = bench.refused(ingress(&group, twice)).await;
    assert_eq!(twice.code, Code::DuplicatePermission);
    assert_eq!(
        bench.refused(ingress(&group, vec![])).await.code,
        Code::MissingParameter
    );
}

#[tokio::test]
async fn a_group_has_at_most_sixty_rules_in_each_direction() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let group = bench.security_group(&vpc.id, "many").await.id;
    let many = (0..60).map(|port| tcp(port, port, "10.9.0.0/16")).collect();
    bench.ok(ingress(&group, many)).await;
    let more = bench
        .refused(ingress(&group, vec![tcp(60, 60, "10.9.0.0/16")]))
        .await;
    assert_eq!(more.code, Code::RulesPerGroupLimitExceeded);
    let egress = AuthorizeSecurityGroup {
        group_id: group.to_string(),
        permissions: vec![tcp(60, 60, "10.9.0.0/16")],
    };
    bench
        .ok(Command::AuthorizeSecurityGroupEgress(egress))
        .await;
}

#[tokio::test]
async fn a_rule_names_groups_of_its_vpc_or_of_a_peered_one() {
    let bench = Bench::new().await;
    let (a, b) = (
        bench.vpc("10.1.0.0/16").await,
        bench.vpc("10.2.0.0/16").await,
    );
    let (own, other) = (bench.default_group(&a.id), bench.default_group(&b.id));
    let far = bench.refused(ingress(&own, vec![all_of(&other)])).await;
    assert_eq!(far.field.as_deref(), Some("SourceSecurityGroupId"));
    let peer = CreatePeeringConnection {
        vpc_id: a.id.to_string(),
        peer_vpc_id: b.id.to_string(),
        ..CreatePeeringConnection::default()
    };
    let peering = match bench.ok(Command::CreateVpcPeeringConnection(peer)).await {
        Answer::PeeringConnection(peering) => peering,
        other => panic!("{other:?}"),
    };
    bench.refused(ingress(&own, vec![all_of(&other)])).await;
    bench
        .ok(Command::AcceptVpcPeeringConnection(by_id(&peering.id)))
        .await;
    let rule = bench.ingress(&own, all_of(&other)).await;
    assert_eq!(rule.peer, Peer::Group(other.clone()));
    // The rule outlives the peering, and the named group's VPC cannot go before it.
    bench
        .ok(Command::DeleteVpcPeeringConnection(by_id(&peering.id)))
        .await;
    let held = bench.refused(Command::DeleteVpc(by_id(&b.id))).await;
    assert!(held.message.contains(rule.id.as_str()), "{held}");
    bench.ok(revoke(&own, &[rule.id.as_str()], vec![])).await;
    bench.ok(Command::DeleteVpc(by_id(&b.id))).await;
}

#[tokio::test]
async fn rules_are_revoked_by_identifier_or_by_what_they_admit() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let group = bench.security_group(&vpc.id, "web").await;
    let one = bench.ingress(&group.id, tcp(80, 80, "10.9.0.0/16")).await;
    bench.ingress(&group.id, tcp(443, 443, "10.9.0.0/16")).await;
    let left = || {
        let snapshot = bench.service.snapshot();
        snapshot.security_groups[&group.id]
            .rules_of(Direction::Ingress)
            .count()
    };
    bench
        .ok(revoke(&group.id, &[one.id.as_str()], vec![]))
        .await;
    assert_eq!(left(), 1);
    // An egress rule is not one that this takes.
    let egress = group.rules[0].id.as_str();
    let unknown = bench.refused(revoke(&group.id, &[egress], vec![])).await;
    assert_eq!(unknown.code, Code::PermissionNotFound);
    let unknown = bench
        .refused(revoke(&group.id, &[], vec![tcp(80, 80, "10.9.0.0/16")]))
        .await;
    assert_eq!(unknown.code, Code::PermissionNotFound);
    bench
        .ok(revoke(&group.id, &[], vec![tcp(443, 443, "10.9.0.0/16")]))
        .await;
    assert_eq!(left(), 0);
    assert_eq!(
        bench.refused(revoke(&group.id, &[], vec![])).await.code,
        Code::MissingParameter
    );
}

#[tokio::test]
async fn a_group_in_use_names_its_users() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let group = bench.security_group(&subnet.vpc_id, "web").await.id;
    let other = bench.security_group(&subnet.vpc_id, "other").await.id;
    bench.ok(apply(&endpoint, &subnet.vpc_id, &[&group])).await;
    let server = bench
        .resource(CreateNetworkInterface {
            security_group_ids: vec![group.to_string()],
            ..resource(&subnet.id, "10.1.1.9")
        })
        .await;
    let rule = bench.ingress(&other, all_of(&group)).await;
    let delete = Command::DeleteSecurityGroup(by_id(&group));
    let held = bench.refused(delete.clone()).await;
    assert_eq!(held.code, Code::DependencyViolation);
    for user in [endpoint.as_str(), server.id.as_str(), rule.id.as_str()] {
        assert!(held.message.contains(user), "{held}");
    }
    let default = bench.default_group(&subnet.vpc_id);
    bench
        .ok(apply(&endpoint, &subnet.vpc_id, &[&default]))
        .await;
    bench
        .ok(Command::DeleteNetworkInterface(by_id(&server.id)))
        .await;
    bench.ok(revoke(&other, &[rule.id.as_str()], vec![])).await;
    // A rule of its own that names it goes with it.
    bench.ingress(&group, all_of(&group)).await;
    bench.ok(delete).await;
}

#[tokio::test]
async fn groups_are_applied_to_the_target_networks_of_their_vpc() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    let vpc = &subnet.vpc_id;
    let far = bench.vpc("10.2.0.0/16").await;
    let mut groups = Vec::new();
    for n in 0..6 {
        groups.push(bench.security_group(vpc, &format!("group {n}")).await.id);
    }
    let two = [&groups[0], &groups[1]];
    let Answer::SecurityGroupIds(applied) = bench.ok(apply(&endpoint, vpc, &two)).await else {
        panic!("no groups");
    };
    assert_eq!(applied.len(), 2);
    let kept = bench.service.snapshot().endpoints[&endpoint]
        .security_groups
        .clone();
    assert_eq!(kept, [groups[0].clone(), groups[1].clone()].into());

    let six: Vec<_> = groups.iter().collect();
    let many = bench.refused(apply(&endpoint, vpc, &six)).await;
    assert_eq!(many.code, Code::GroupsPerInterfaceLimitExceeded);
    let none = bench.refused(apply(&endpoint, vpc, &[])).await;
    assert_eq!(none.field.as_deref(), Some("SecurityGroupIds"));
    let theirs = bench.default_group(&far.id);
    let wrong = bench.refused(apply(&endpoint, &far.id, &[&theirs])).await;
    assert_eq!(wrong.field.as_deref(), Some("VpcId"));
    assert_eq!(wrong.cure.as_deref(), Some(vpc.as_str()));
    let wrong = bench.refused(apply(&endpoint, vpc, &[&theirs])).await;
    assert_eq!(wrong.field.as_deref(), Some("SecurityGroupIds"));
}

#[tokio::test]
async fn an_endpoint_is_made_with_groups_only_of_its_vpc() {
    let bench = Bench::new().await;
    let certificates = bench.certificates().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let group = bench.security_group(&vpc.id, "vpn-clients").await.id;
    let with = |vpc: Option<&VpcId>| CreateClientVpnEndpoint {
        vpc_id: vpc.map(ToString::to_string),
        security_group_ids: vec![group.to_string()],
        ..create_endpoint(&certificates)
    };
    let refusal = bench
        .refused(Command::CreateClientVpnEndpoint(with(None)))
        .await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    assert_eq!(refusal.field.as_deref(), Some("SecurityGroupIds"));
    let far = bench.vpc("10.2.0.0/16").await;
    bench
        .refused(Command::CreateClientVpnEndpoint(with(Some(&far.id))))
        .await;

    let endpoint = bench.endpoint_with(&with(Some(&vpc.id))).await;
    let kept = || {
        bench.service.snapshot().endpoints[&endpoint]
            .security_groups
            .clone()
    };
    assert_eq!(kept(), [group.clone()].into());
    // Its first association leaves them as they were chosen.
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    bench.associate(&endpoint, &subnet.id).await;
    bench.settle().await;
    assert_eq!(kept(), [group].into());
}

#[tokio::test]
async fn a_resource_has_an_address_of_its_own_in_its_subnet() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let made = bench.resource(resource(&subnet.id, "10.1.1.1")).await;
    let default = bench.default_group(&vpc.id);
    assert_eq!(made.security_groups, [default.clone()].into());
    for (address, code) in [
        ("10.1.2.9", Code::InvalidParameterValue),
        ("10.1.1.0", Code::InvalidParameterValue),
        ("10.1.1.255", Code::InvalidParameterValue),
        ("server", Code::InvalidParameterValue),
        ("10.1.1.1", Code::AddressInUse),
        ("", Code::MissingParameter),
    ] {
        let command = Command::CreateNetworkInterface(resource(&subnet.id, address));
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.code, code, "{address}");
        assert_eq!(refusal.field.as_deref(), Some("PrivateIpAddress"));
        assert_eq!(refusal.cure.as_deref(), Some("10.1.1.2"));
    }
    let held = bench
        .refused(Command::DeleteSubnet(by_id(&subnet.id)))
        .await;
    assert!(held.message.contains(made.id.as_str()), "{held}");

    let group = bench.security_group(&vpc.id, "db").await.id;
    let modify = ModifyNetworkInterface {
        network_interface_id: made.id.to_string(),
        security_group_ids: Some(vec![group.to_string()]),
        description: Some("database".to_owned()),
    };
    bench
        .ok(Command::ModifyNetworkInterfaceAttribute(modify.clone()))
        .await;
    let kept = bench.restarted().await.snapshot().resources[&made.id].clone();
    assert_eq!(kept.security_groups, [group.clone()].into());
    assert_eq!(kept.description, "database");
    let none = ModifyNetworkInterface {
        security_group_ids: Some(vec![]),
        ..modify
    };
    let none = bench
        .refused(Command::ModifyNetworkInterfaceAttribute(none))
        .await;
    assert_eq!(none.code, Code::MissingParameter);

    let wanted = Describe {
        ids: vec![],
        filters: vec![Filter {
            name: "group-name".to_owned(),
            values: vec!["db".to_owned()],
        }],
    };
    let found = bench.ok(Command::DescribeNetworkInterfaces(wanted)).await;
    assert_eq!(found, Answer::Resources(vec![kept]));
    bench
        .ok(Command::DeleteNetworkInterface(by_id(&made.id)))
        .await;
    bench.ok(Command::DeleteSubnet(by_id(&subnet.id))).await;
}

#[tokio::test]
async fn a_rule_that_names_a_group_out_of_reach_is_revoked_by_what_it_admits() {
    let bench = Bench::new().await;
    let (a, b) = (
        bench.vpc("10.1.0.0/16").await,
        bench.vpc("10.2.0.0/16").await,
    );
    let peer = Command::CreateVpcPeeringConnection(CreatePeeringConnection {
        vpc_id: a.id.to_string(),
        peer_vpc_id: b.id.to_string(),
        ..CreatePeeringConnection::default()
    });
    let Answer::PeeringConnection(peering) = bench.ok(peer).await else {
        panic!("no peering");
    };
    let id = by_id(&peering.id);
    bench
        .ok(Command::AcceptVpcPeeringConnection(id.clone()))
        .await;
    let group = bench.security_group(&a.id, "web").await;
    let far = all_of(&bench.default_group(&b.id));
    bench.ingress(&group.id, far.clone()).await;
    bench.ok(Command::DeleteVpcPeeringConnection(id)).await;

    let refusal = bench.refused(ingress(&group.id, vec![far.clone()])).await;
    assert_eq!(refusal.code, Code::SecurityGroupNotFound);
    bench.ok(revoke(&group.id, &[], vec![far])).await;
    let snapshot = bench.service.snapshot();
    let mut rules = snapshot.security_groups[&group.id].rules_of(Direction::Ingress);
    assert_eq!(rules.next(), None);
}

#[tokio::test]
async fn in_user_space_a_rule_that_lets_a_network_in_to_clients_is_refused() {
    let bench = Bench::new().await;
    let (_, subnet, _) = bench.associated().await;
    let group = bench.default_group(&subnet.vpc_id);
    let unused = bench.security_group(&subnet.vpc_id, "servers").await.id;
    let rule =
        |group: &SecurityGroupId, port: i32| ingress(group, vec![tcp(port, port, "10.1.0.0/16")]);
    bench.ok(rule(&group, 80)).await;
    bench.service.attach(FakeGateway::new(None));
    let refusal = bench.refused(rule(&group, 81)).await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    assert_eq!(refusal.field.as_deref(), Some("IpPermissions"));
    assert!(refusal.message.contains("user-space"), "{refusal}");
    // To what resources have, and to each other, it is another matter.
    bench.ok(rule(&unused, 81)).await;
    bench.ok(ingress(&group, vec![all_of(&unused)])).await;
}
