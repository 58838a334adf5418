//! What commands changed, and that it can be taken back.

use std::collections::BTreeSet;

use super::*;
use crate::model::{
    Code, Event, FieldChange, IpProtocol, Snapshot, Undo,
    command::{
        ApplySecurityGroups, AuthorizeIngress, AuthorizeSecurityGroup, ById, CreateGroup,
        CreateInternetGateway, CreateNetworkInterface, CreatePeeringConnection, CreateRoute,
        CreateRouteTable, CreateSecurityGroup, CreateTags, CreateVpcRoute, CreateVpnConnection,
        DeleteRoute, DeleteTags, DeleteVpcRoute, EgressChoice, GatewayAttachment, GroupName,
        ImportHostNetworks, Membership, ModifyClientVpnEndpoint, ModifyNetworkInterface,
        ModifySettings, ModifySubnetEgress, ModifyVpcAttribute, OfEndpoint, Permission,
        RevokeIngress, RevokeSecurityGroup, RouteTableAssociation, UndoEvent, VpcCidrBlock,
        VpnConnectionRoute,
    },
};

impl Bench {
    async fn last(&self, action: &str) -> Event {
        let mut events = self.events().await.into_iter();
        events.find(|event| event.action == action).unwrap()
    }

    async fn undo(&self, event: &Event) -> Result<Answer, Refusal> {
        let event_seq = event.seq;
        self.call(Command::UndoEvent(UndoEvent { event_seq })).await
    }

    /// Carries a command out and takes it back, before and after the gateway has followed; all is
    /// as it was then. Leaves it carried out.
    async fn back_and_again(&self, command: Command) {
        let action = command.action();
        self.settle().await;
        let before = plain(&self.service.snapshot());
        for settles in [true, false] {
            // What is on its way out is still in the way of its own return.
            if !settles && action == "DisassociateClientVpnTargetNetwork" {
                continue;
            }
            self.ok(command.clone()).await;
            if settles {
                self.settle().await;
            }
            let event = self.last(action).await;
            assert_ne!(event.changes, [], "{action}");
            assert_eq!(event.undo, Undo::Possible, "{action}");
            self.undo(&event).await.unwrap_or_else(|refusal| {
                panic!(
                    "{action} is not taken back: {refusal:?}; {:?}",
                    event.changes
                )
            });
            self.settle().await;
            let after = plain(&self.service.snapshot());
            assert_eq!(after, before, "{action} was taken back, settled {settles}");
            let undoing = self.last("UndoEvent").await;
            assert_eq!(self.last(action).await.undo, Undo::Done(undoing.seq));
            assert!(
                event
                    .resources
                    .iter()
                    .all(|it| undoing.resources.contains(it))
            );
            let told = |it: &FieldChange| (it.resource.clone(), it.field.clone());
            let told = |event: &Event| event.changes.iter().map(told).collect::<BTreeSet<_>>();
            let role_stays = |it: &(String, String)| !it.0.contains("role");
            assert!(
                told(&event)
                    .iter()
                    .filter(|it| role_stays(it))
                    .all(|it| told(&undoing).contains(it)),
                "{action}: {event:?}\n{undoing:?}"
            );
            let refusal = self.undo(&event).await.unwrap_err();
            assert_eq!(refusal.code, Code::IncorrectState, "{refusal:?}");
        }
        self.ok(command).await;
        self.settle().await;
    }
}

/// A snapshot without numbers and without identifiers that are made anew.
fn plain(snapshot: &Snapshot) -> Snapshot {
    let mut plain = snapshot.clone();
    plain.seq = 0;
    plain.service_linked_role = None;
    let associations = std::mem::take(&mut plain.associations).into_values();
    plain.associations = associations
        .map(|mut it| {
            let digits = it.subnet_id.as_str().trim_start_matches(SubnetId::PREFIX);
            it.id = format!("{}{digits}", AssociationId::PREFIX)
                .parse()
                .unwrap();
            (it.id.clone(), it)
        })
        .collect();
    for group in plain.security_groups.values_mut() {
        let group = Arc::make_mut(group);
        for rule in &mut group.rules {
            rule.id = crate::model::SecurityGroupRuleId::from_random([0; 9]);
        }
        group.rules.sort_by_key(|rule| {
            (
                rule.direction,
                rule.peer.clone(),
                rule.protocol.map(IpProtocol::as_str),
            )
        });
    }
    plain
}

fn by_id(id: &impl ToString) -> ById {
    ById { id: id.to_string() }
}

fn texts(words: &[&dyn std::fmt::Display]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn modify(endpoint: &EndpointId, change: impl FnOnce(&mut ModifyClientVpnEndpoint)) -> Command {
    let mut command = ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
        ..ModifyClientVpnEndpoint::default()
    };
    change(&mut command);
    Command::ModifyClientVpnEndpoint(command)
}

fn everyone(endpoint: &EndpointId, cidr: &str) -> AuthorizeIngress {
    AuthorizeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: cidr.to_owned(),
        authorize_all_groups: true,
        ..AuthorizeIngress::default()
    }
}

fn revoke(endpoint: &EndpointId, cidr: &str) -> Command {
    Command::RevokeClientVpnIngress(RevokeIngress {
        client_vpn_endpoint_id: endpoint.to_string(),
        target_network_cidr: cidr.to_owned(),
        revoke_all_groups: true,
        ..RevokeIngress::default()
    })
}

#[tokio::test]
async fn networks_go_back_to_what_they_were() {
    let bench = Bench::new().await;
    let interfaces = vec!["eth1".to_owned(), "mixed0".to_owned()];
    let import = Command::ImportHostNetworks(ImportHostNetworks { interfaces });
    bench.back_and_again(import).await;
    let create = CreateVpc {
        cidr_block: "10.1.0.0/16".to_owned(),
        tags: BTreeMap::from([("Name".to_owned(), "office".to_owned())]),
    };
    bench.back_and_again(Command::CreateVpc(create)).await;
    let vpcs = bench.service.snapshot();
    let vpc = vpcs
        .vpcs
        .values()
        .find(|it| it.title() == "office")
        .unwrap();

    let block = |cidr: &str| VpcCidrBlock {
        vpc_id: vpc.id.to_string(),
        cidr_block: cidr.to_owned(),
    };
    bench
        .back_and_again(Command::AssociateVpcCidrBlock(block("10.11.0.0/16")))
        .await;
    bench
        .back_and_again(Command::DisassociateVpcCidrBlock(block("10.11.0.0/16")))
        .await;
    let attribute = ModifyVpcAttribute {
        vpc_id: vpc.id.to_string(),
        enable_dns_support: Some(false),
    };
    bench
        .back_and_again(Command::ModifyVpcAttribute(attribute))
        .await;
    bench
        .back_and_again(create_subnet(&vpc.id, "10.1.1.0/24"))
        .await;
    let snapshot = bench.service.snapshot();
    let subnet = snapshot
        .subnets
        .values()
        .find(|it| it.vpc_id == vpc.id)
        .unwrap();
    for interface in ["eth0", "eth1"] {
        let egress = EgressChoice {
            interface: Some(interface.to_owned()),
            ..EgressChoice::default()
        };
        let subnet_id = subnet.id.to_string();
        bench
            .back_and_again(Command::ModifySubnetEgress(ModifySubnetEgress {
                subnet_id,
                egress,
            }))
            .await;
    }
}

#[tokio::test]
async fn attachments_and_their_routes_go_back_to_what_they_were() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let other = bench.vpc("10.2.0.0/16").await;

    let create = CreateInternetGateway::default();
    bench
        .back_and_again(Command::CreateInternetGateway(create))
        .await;
    let gateway = bench
        .service
        .snapshot()
        .internet_gateways
        .keys()
        .next()
        .unwrap()
        .clone();
    let attachment = GatewayAttachment {
        internet_gateway_id: gateway.to_string(),
        vpc_id: vpc.id.to_string(),
    };
    bench
        .back_and_again(Command::AttachInternetGateway(attachment.clone()))
        .await;
    bench
        .back_and_again(Command::DetachInternetGateway(attachment.clone()))
        .await;
    bench.ok(Command::AttachInternetGateway(attachment)).await;

    let peer = CreatePeeringConnection {
        vpc_id: vpc.id.to_string(),
        peer_vpc_id: other.id.to_string(),
        ..CreatePeeringConnection::default()
    };
    bench
        .back_and_again(Command::CreateVpcPeeringConnection(peer))
        .await;
    let create = CreateVpnConnection {
        vpc_id: vpc.id.to_string(),
        cidr_blocks: vec!["192.168.0.0/24".to_owned()],
        ..CreateVpnConnection::default()
    };
    bench
        .back_and_again(Command::CreateVpnConnection(create))
        .await;
    let vpn = bench
        .service
        .snapshot()
        .vpn_connections
        .keys()
        .next()
        .unwrap()
        .clone();
    let network = VpnConnectionRoute {
        vpn_connection_id: vpn.to_string(),
        destination_cidr_block: "192.168.7.0/24".to_owned(),
    };
    bench
        .back_and_again(Command::CreateVpnConnectionRoute(network.clone()))
        .await;
    bench
        .back_and_again(Command::DeleteVpnConnectionRoute(network))
        .await;
}

#[tokio::test]
async fn route_tables_go_back_to_what_they_were() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let vpn = Command::CreateVpnConnection(CreateVpnConnection {
        vpc_id: vpc.id.to_string(),
        cidr_blocks: vec!["192.168.0.0/24".to_owned()],
        ..CreateVpnConnection::default()
    });
    let Answer::VpnConnection(vpn) = bench.ok(vpn).await else {
        panic!()
    };
    let gateway = bench.ok(Command::CreateInternetGateway(
        CreateInternetGateway::default(),
    ));
    let Answer::InternetGateway(gateway) = gateway.await else {
        panic!()
    };
    bench
        .ok(Command::AttachInternetGateway(GatewayAttachment {
            internet_gateway_id: gateway.id.to_string(),
            vpc_id: vpc.id.to_string(),
        }))
        .await;

    let create = CreateRouteTable {
        vpc_id: vpc.id.to_string(),
        ..CreateRouteTable::default()
    };
    bench
        .back_and_again(Command::CreateRouteTable(create))
        .await;
    let snapshot = bench.service.snapshot();
    let id = &vpc.id;
    let of_vpc = |main| {
        snapshot
            .route_tables
            .values()
            .find(move |it| it.vpc_id == *id && it.is_main == main)
    };
    let (main, second) = (of_vpc(true).unwrap(), of_vpc(false).unwrap());
    let pair = RouteTableAssociation {
        route_table_id: second.id.to_string(),
        subnet_id: subnet.id.to_string(),
    };
    bench
        .back_and_again(Command::AssociateRouteTable(pair.clone()))
        .await;
    bench
        .back_and_again(Command::DisassociateRouteTable(pair))
        .await;
    // The second takes the place of the route that came with the gateway.
    for destination in ["172.16.0.0/12", "0.0.0.0/0"] {
        let create = CreateVpcRoute {
            route_table_id: main.id.to_string(),
            destination_cidr_block: destination.to_owned(),
            target_id: vpn.id.to_string(),
        };
        bench.back_and_again(Command::CreateRoute(create)).await;
        let delete = DeleteVpcRoute {
            route_table_id: main.id.to_string(),
            destination_cidr_block: destination.to_owned(),
        };
        bench.back_and_again(Command::DeleteRoute(delete)).await;
    }
}

#[tokio::test]
async fn security_groups_resources_and_tags_go_back_to_what_they_were() {
    let bench = Bench::new().await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;

    let create = CreateSecurityGroup {
        group_name: "vpn-clients".to_owned(),
        description: "Clients".to_owned(),
        vpc_id: vpc.id.to_string(),
        ..CreateSecurityGroup::default()
    };
    bench
        .back_and_again(Command::CreateSecurityGroup(create))
        .await;
    let snapshot = bench.service.snapshot();
    let group = snapshot
        .security_groups
        .values()
        .find(|it| it.name == "vpn-clients")
        .unwrap();
    let permission = |protocol: &str, port: Option<i32>, peer: &str| Permission {
        protocol: protocol.to_owned(),
        from_port: port,
        to_port: port.map(|port| port + 1),
        cidr: (!peer.starts_with("sg-")).then(|| peer.to_owned()),
        group_id: peer.starts_with("sg-").then(|| peer.to_owned()),
        description: "A rule".to_owned(),
    };
    let permissions = vec![
        permission("tcp", Some(443), "10.0.0.0/8"),
        permission("-1", None, group.id.as_str()),
    ];
    let authorize = AuthorizeSecurityGroup {
        group_id: group.id.to_string(),
        permissions: permissions.clone(),
    };
    let revoke = RevokeSecurityGroup {
        group_id: group.id.to_string(),
        permissions,
        ..RevokeSecurityGroup::default()
    };
    bench
        .back_and_again(Command::AuthorizeSecurityGroupIngress(authorize.clone()))
        .await;
    bench
        .back_and_again(Command::RevokeSecurityGroupIngress(revoke.clone()))
        .await;
    bench
        .back_and_again(Command::AuthorizeSecurityGroupEgress(authorize))
        .await;
    bench
        .back_and_again(Command::RevokeSecurityGroupEgress(revoke))
        .await;

    let create = CreateNetworkInterface {
        subnet_id: subnet.id.to_string(),
        private_ip_address: "10.1.1.9".to_owned(),
        description: "Wiki".to_owned(),
        ..CreateNetworkInterface::default()
    };
    bench
        .back_and_again(Command::CreateNetworkInterface(create))
        .await;
    let resource = bench
        .service
        .snapshot()
        .resources
        .keys()
        .next()
        .unwrap()
        .clone();
    let change = ModifyNetworkInterface {
        network_interface_id: resource.to_string(),
        security_group_ids: Some(texts(&[&group.id])),
        description: Some(String::new()),
    };
    bench
        .back_and_again(Command::ModifyNetworkInterfaceAttribute(change))
        .await;

    let tags = |pairs: &[(&str, &str)]| {
        let owned = pairs.iter();
        owned
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let create = CreateTags {
        resources: texts(&[&vpc.id, &subnet.id, &group.id]),
        tags: tags(&[("Team", "社員"), ("Empty", ""), ("Name", "renamed")]),
    };
    bench.back_and_again(Command::CreateTags(create)).await;
    let delete = DeleteTags {
        resources: texts(&[&vpc.id, &subnet.id]),
        tags: vec![("Empty".to_owned(), None), ("Name".to_owned(), None)],
    };
    bench.back_and_again(Command::DeleteTags(delete)).await;
}

#[tokio::test]
async fn endpoints_and_their_networks_go_back_to_what_they_were() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let other = bench
        .issue(&made.ca, CertificateUse::Server, "new.example.com")
        .await;
    let create = create_endpoint(&made);
    bench
        .back_and_again(Command::CreateClientVpnEndpoint(create))
        .await;
    let snapshot = bench.service.snapshot();
    let endpoint = snapshot
        .endpoints
        .values()
        .find(|it| !it.deleting)
        .unwrap()
        .id
        .clone();
    for change in [
        modify(&endpoint, |it| {
            it.description = Some("Mitarbeiter".to_owned());
        }),
        modify(&endpoint, |it| it.description = Some(String::new())),
        modify(&endpoint, |it| {
            it.dns_servers = Some(vec!["10.1.0.2".to_owned()]);
        }),
        modify(&endpoint, |it| {
            it.split_tunnel = Some(true);
            it.vpn_port = Some(1194);
            it.dns_servers = Some(Vec::new());
            it.server_certificate_arn = Some(other.to_string());
        }),
    ] {
        bench.back_and_again(change).await;
    }

    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    let second = bench.subnet(&vpc.id, "10.1.2.0/24").await;
    bench.back_and_again(associate(&endpoint, &subnet.id)).await;
    let group = Command::CreateSecurityGroup(CreateSecurityGroup {
        group_name: "vpn-clients".to_owned(),
        description: "Clients".to_owned(),
        vpc_id: vpc.id.to_string(),
        ..CreateSecurityGroup::default()
    });
    let Answer::SecurityGroup(group) = bench.ok(group).await else {
        panic!()
    };
    let apply = ApplySecurityGroups {
        client_vpn_endpoint_id: endpoint.to_string(),
        vpc_id: vpc.id.to_string(),
        security_group_ids: texts(&[&group.id]),
    };
    bench
        .back_and_again(Command::ApplySecurityGroupsToClientVpnTargetNetwork(apply))
        .await;
    let default = bench
        .service
        .snapshot()
        .default_security_group(&vpc.id)
        .unwrap()
        .id
        .clone();
    let both = modify(&endpoint, |it| {
        it.vpc_id = Some(vpc.id.to_string());
        it.security_group_ids = Some(texts(&[&group.id, &default]));
    });
    bench.back_and_again(both).await;

    let route = |all: bool| CreateRoute {
        client_vpn_endpoint_id: endpoint.to_string(),
        destination_cidr_block: if all { "0.0.0.0/0" } else { "192.168.0.0/16" }.to_owned(),
        target_vpc_subnet_id: if all {
            String::new()
        } else {
            subnet.id.to_string()
        },
        all_associations: all,
        description: "A way".to_owned(),
    };
    for all in [true, false] {
        bench
            .back_and_again(Command::CreateClientVpnRoute(route(all)))
            .await;
        let delete = DeleteRoute {
            client_vpn_endpoint_id: endpoint.to_string(),
            destination_cidr_block: route(all).destination_cidr_block,
            target_vpc_subnet_id: None,
            all_associations: all,
        };
        bench
            .back_and_again(Command::DeleteClientVpnRoute(delete))
            .await;
        bench.ok(Command::CreateClientVpnRoute(route(all))).await;
        bench.settle().await;
    }
    bench.back_and_again(associate(&endpoint, &second.id)).await;
    // First one of two, then the last one, with which the endpoint's groups go.
    for target in [&second, &subnet] {
        let snapshot = bench.service.snapshot();
        let mut associations = snapshot.associations_of(&endpoint);
        let association = associations.find(|it| it.subnet_id == target.id).unwrap();
        let command = disassociate(&endpoint, &association.id);
        bench.back_and_gone(command).await;
    }
}

#[tokio::test]
async fn who_is_let_in_and_the_settings_go_back_to_what_they_were() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;

    let limited = AuthorizeIngress {
        protocol: Some("tcp".to_owned()),
        from_port: Some(443),
        to_port: Some(444),
        expires_at: Some("2199-01-01T00:00:00Z".to_owned()),
        description: "Web".to_owned(),
        ..everyone(&endpoint, "10.1.0.0/16")
    };
    bench
        .back_and_again(Command::AuthorizeClientVpnIngress(limited))
        .await;
    bench.back_and_again(revoke(&endpoint, "10.1.0.0/16")).await;

    let named = CreateGroup {
        name: "Engineering".to_owned(),
        sid: Some("S-1-5-21-1-2-3-1104".to_owned()),
    };
    bench.back_and_again(Command::CreateGroup(named)).await;
    let sid = "S-1-5-21-1-2-3-1104".to_owned();
    for name in ["alice", "bob"] {
        let member = Membership {
            sid: sid.clone(),
            common_name: name.to_owned(),
        };
        bench
            .back_and_again(Command::AddUserToGroup(member.clone()))
            .await;
        bench
            .back_and_again(Command::RemoveUserFromGroup(member.clone()))
            .await;
        bench.ok(Command::AddUserToGroup(member)).await;
    }
    bench
        .back_and_again(Command::DeleteGroup(GroupName { sid }))
        .await;

    let settings = |change: fn(&mut ModifySettings)| {
        let mut modify = ModifySettings::default();
        change(&mut modify);
        Command::ModifySettings(modify)
    };
    for change in [
        settings(|it| it.public_address = Some("vpn.example.com".to_owned())),
        settings(|it| it.endpoint_domain = Some("vpn.example.com".to_owned())),
        settings(|it| {
            it.public_address = Some(String::new());
            it.rekey_secs = Some(600);
            it.getting_started_done = Some(true);
            it.max_endpoints = Some(9);
            it.max_rules = Some(51);
            it.max_routes = Some(11);
            it.max_connections = Some(17);
            it.max_revocations = Some(18);
        }),
    ] {
        bench.back_and_again(change).await;
    }
}

impl Bench {
    /// As [`Self::back_and_again`] of a disassociation, of which the association to name is another
    /// one each time.
    async fn back_and_gone(&self, command: Command) {
        self.settle().await;
        let before = plain(&self.service.snapshot());
        self.ok(command).await;
        let event = self.last("DisassociateClientVpnTargetNetwork").await;
        let early = self.undo(&event).await.unwrap_err();
        assert_eq!(early.code, Code::DuplicateAssociation, "{early:?}");
        self.settle().await;
        self.undo(&event).await.unwrap();
        self.settle().await;
        assert_eq!(plain(&self.service.snapshot()), before);
        let Command::DisassociateClientVpnTargetNetwork(again) = self.way_out(&event) else {
            panic!()
        };
        self.ok(Command::DisassociateClientVpnTargetNetwork(again))
            .await;
        self.settle().await;
    }

    /// The disassociation of what an event disassociated, by its present identifier.
    fn way_out(&self, event: &Event) -> Command {
        let snapshot = self.service.snapshot();
        let mut fields = event.changes.iter();
        let subnet = fields.find(|it| it.field == "subnet_id").unwrap();
        let subnet = subnet.before.as_ref().unwrap().as_str().unwrap();
        let mut all = snapshot.associations.values();
        let association = all.find(|it| it.subnet_id.as_str() == subnet).unwrap();
        disassociate(&association.endpoint_id, &association.id)
    }
}

#[tokio::test]
async fn what_somebody_has_changed_since_is_not_taken_back() {
    let bench = Bench::new().await;
    let (endpoint, subnet, _) = bench.associated().await;
    bench
        .ok(modify(&endpoint, |it| it.vpn_port = Some(1194)))
        .await;
    let port = bench.last("ModifyClientVpnEndpoint").await;
    bench
        .ok(modify(&endpoint, |it| it.vpn_port = Some(1195)))
        .await;
    let undo = |event: &Event| {
        Command::UndoEvent(UndoEvent {
            event_seq: event.seq,
        })
    };
    let refusal = bench.refused(undo(&port)).await;
    assert_eq!(refusal.code, Code::IncorrectState);
    assert_eq!(refusal.field.as_deref(), Some("EventId"));
    assert!(
        refusal.message.contains("port of cvpn-endpoint-"),
        "{}",
        refusal.message
    );
    assert!(
        refusal.message.contains("it is 1195 now"),
        "{}",
        refusal.message
    );
    bench
        .ok(modify(&endpoint, |it| it.vpn_port = Some(443)))
        .await;
    let refusal = bench.refused(undo(&port)).await;
    assert!(
        refusal.message.contains("443 already"),
        "{}",
        refusal.message
    );

    // A rule that is gone already.
    bench
        .ok(Command::AuthorizeClientVpnIngress(everyone(
            &endpoint,
            "10.1.0.0/16",
        )))
        .await;
    let rule = bench.last("AuthorizeClientVpnIngress").await;
    bench.ok(revoke(&endpoint, "10.1.0.0/16")).await;
    let refusal = bench.refused(undo(&rule)).await;
    assert_eq!(refusal.code, Code::RuleNotFound);
    assert!(
        refusal.message.contains("as things are now"),
        "{}",
        refusal.message
    );

    // A route that would go with the association, which had no such route.
    let association = bench.last("AssociateClientVpnTargetNetwork").await;
    bench
        .ok(Command::CreateClientVpnRoute(CreateRoute {
            client_vpn_endpoint_id: endpoint.to_string(),
            destination_cidr_block: "0.0.0.0/0".to_owned(),
            target_vpc_subnet_id: subnet.id.to_string(),
            ..CreateRoute::default()
        }))
        .await;
    let refusal = bench.refused(undo(&association)).await;
    assert_eq!(refusal.code, Code::IncorrectState);
    assert!(refusal.message.contains("0.0.0.0/0"), "{}", refusal.message);
}

#[tokio::test]
async fn what_cannot_be_taken_back_says_why() {
    let bench = Bench::new().await;
    let undo = |event_seq| Command::UndoEvent(UndoEvent { event_seq });
    let refusal = bench.refused(undo(999)).await;
    assert_eq!(refusal.code, Code::ResourceNotFound);

    let vpc = bench.vpc("10.1.0.0/16").await;
    bench.ok(Command::DeleteVpc(by_id(&vpc.id))).await;
    let gone = bench.last("DeleteVpc").await;
    let Undo::Impossible(why) = &gone.undo else {
        panic!("{gone:?}")
    };
    let refusal = bench.refused(undo(gone.seq)).await;
    assert!(
        refusal.message.contains(why.as_str()),
        "{}",
        refusal.message
    );

    bench.ca("Example CA").await;
    let ca = bench.last("CreateCertificateAuthority").await;
    assert!(matches!(&ca.undo, Undo::Impossible(_)), "{:?}", ca.undo);
    let told = serde_json::to_string(&ca.changes).unwrap();
    assert!(
        told.contains("Example CA") && !told.contains("-----"),
        "{told}"
    );

    bench.refused(Command::DeleteVpc(by_id(&vpc.id))).await;
    let refused = bench.last("DeleteVpc").await;
    assert_eq!((&refused.undo, refused.changes.len()), (&Undo::Nothing, 0));
    let refusal = bench.refused(undo(refused.seq)).await;
    assert!(
        refusal.message.contains("was refused"),
        "{}",
        refusal.message
    );

    bench.vpc("10.1.0.0/16").await;
    let made = bench.last("CreateVpc").await;
    bench.ok(undo(made.seq)).await;
    let undoing = bench.last("UndoEvent").await;
    let refusal = bench.refused(undo(undoing.seq)).await;
    assert!(
        refusal.message.contains("took something back"),
        "{}",
        refusal.message
    );
}

#[tokio::test]
async fn whether_an_event_can_be_taken_back_is_judged_without_doing_it() {
    let bench = Bench::new().await;
    bench.vpc("10.1.0.0/16").await;
    let event = bench.last("CreateVpc").await;
    let before = bench.service.snapshot();
    let undo = Command::UndoEvent(UndoEvent {
        event_seq: event.seq,
    });
    let judged = bench
        .service
        .call(&bench.caller, dry_run(undo.clone()))
        .await;
    assert_eq!(judged.unwrap_err().code, Code::DryRunOperation);
    let preview = Command::PreviewChange(Box::new(undo.clone()));
    bench.ok(preview).await;
    assert_eq!(bench.service.snapshot(), before);
    assert_eq!(bench.last("CreateVpc").await.undo, Undo::Possible);
    let snapshot = bench.service.snapshot();
    let vpc = snapshot.vpcs.keys().next().unwrap();
    bench.subnet(vpc, "10.1.1.0/24").await;
    let judged = bench.service.call(&bench.caller, dry_run(undo)).await;
    assert_eq!(judged.unwrap_err().code, Code::DependencyViolation);
}

#[tokio::test]
async fn a_deleted_endpoint_and_its_creation_read_as_what_was_decided() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let created = bench.last("CreateClientVpnEndpoint").await;
    let names = |event: &Event, field: &str| {
        let mut changes = event.changes.iter();
        let change = changes.find(|it| it.field == field && it.resource == endpoint.to_string());
        change.map(|it| (it.before.clone(), it.after.clone()))
    };
    let range = serde_json::json!("10.0.0.0/22");
    assert_eq!(
        names(&created, "client_cidr"),
        Some((None, Some(range.clone())))
    );
    assert_eq!(names(&created, "deleting"), None);
    let delete = OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    };
    bench.ok(Command::DeleteClientVpnEndpoint(delete)).await;
    let deleted = bench.last("DeleteClientVpnEndpoint").await;
    assert_eq!(names(&deleted, "client_cidr"), Some((Some(range), None)));
    assert!(matches!(deleted.undo, Undo::Impossible(_)));
}
