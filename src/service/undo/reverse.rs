//! The commands that reverse what an event changed.

use super::{
    super::diff,
    thing::{Thing, added, read, removed, things},
};
use crate::model::{
    Access, Command, ConnectionLog, Direction, Egress, FieldChange, IpProtocol, Limits, Peer,
    PortRange, Route, RouteOrigin, RouteState, SecurityGroupRule, Snapshot, Tags, Via, VpcRoute,
    command::*,
};

/// The commands that reverse what `action` changed, or why there are none.
pub(super) fn reverse(
    action: &str,
    changes: &[FieldChange],
    now: &Snapshot,
) -> Result<Vec<Command>, String> {
    let things = things(changes);
    let commands = networks(action, &things, now).or_else(|| access(action, &things, now));
    let Some(commands) = commands else {
        return Err(format!("there is no way back from {action}"));
    };
    let commands: Option<Vec<Command>> = commands.into_iter().collect();
    commands.filter(|it| !it.is_empty()).ok_or_else(|| {
        match action {
            "ImportCertificate" => {
                "the certificate that was there before is not kept. Import the one that is to count"
            }
            "ModifyClientVpnEndpoint" => {
                "an endpoint that has been given a VPC has one from then on. Give it another one"
            }
            _ => "what it changed does not say how things were",
        }
        .to_owned()
    })
}

/// Ways back of commands about VPCs and what is in them; none for other commands, and a command
/// that is not there where it cannot be made of what is known.
fn networks(action: &str, things: &[Thing<'_>], now: &Snapshot) -> Option<Vec<Option<Command>>> {
    let of = |kind: &'static str| things.iter().filter(move |it| it.kind == kind);
    Some(match action {
        "CreateVpc" => deletions(things, diff::VPC, Command::DeleteVpc),
        "CreateSubnet" => deletions(things, diff::SUBNET, Command::DeleteSubnet),
        "ImportHostNetworks" => {
            let mut commands = deletions(things, diff::SUBNET, Command::DeleteSubnet);
            commands.extend(deletions(things, diff::VPC, Command::DeleteVpc));
            commands
        }
        "CreateInternetGateway" => deletions(things, diff::GATEWAY, Command::DeleteInternetGateway),
        "CreateVpcPeeringConnection" => {
            deletions(things, diff::PEERING, Command::DeleteVpcPeeringConnection)
        }
        "CreateVpnConnection" => deletions(things, diff::VPN, Command::DeleteVpnConnection),
        "CreateRouteTable" => deletions(things, diff::TABLE, Command::DeleteRouteTable),
        "CreateSecurityGroup" => {
            deletions(things, diff::SECURITY_GROUP, Command::DeleteSecurityGroup)
        }
        "CreateNetworkInterface" => {
            deletions(things, diff::RESOURCE, Command::DeleteNetworkInterface)
        }
        "AssociateVpcCidrBlock" => of(diff::VPC)
            .flat_map(added("cidrs/"))
            .map(|(it, cidr)| Some(Command::DisassociateVpcCidrBlock(it.block(cidr))))
            .collect(),
        "DisassociateVpcCidrBlock" => of(diff::VPC)
            .flat_map(removed("cidrs/"))
            .map(|(it, cidr)| Some(Command::AssociateVpcCidrBlock(it.block(cidr))))
            .collect(),
        "ModifyVpcAttribute" => of(diff::VPC)
            .map(|it| {
                Some(Command::ModifyVpcAttribute(ModifyVpcAttribute {
                    vpc_id: it.name.to_owned(),
                    enable_dns_support: it.before("dns_support"),
                }))
            })
            .collect(),
        "ModifySubnetEgress" => of(diff::SUBNET).map(egress).collect(),
        "AttachInternetGateway" => of(diff::GATEWAY)
            .map(|it| {
                Some(Command::DetachInternetGateway(
                    it.attachment(it.after("vpc_id")?),
                ))
            })
            .collect(),
        "DetachInternetGateway" => of(diff::GATEWAY)
            .map(|it| {
                Some(Command::AttachInternetGateway(
                    it.attachment(it.before("vpc_id")?),
                ))
            })
            .collect(),
        "CreateVpnConnectionRoute" => of(diff::VPN)
            .flat_map(added("cidrs/"))
            .map(|(it, cidr)| Some(Command::DeleteVpnConnectionRoute(it.vpn_route(cidr))))
            .collect(),
        "DeleteVpnConnectionRoute" => of(diff::VPN)
            .flat_map(removed("cidrs/"))
            .map(|(it, cidr)| Some(Command::CreateVpnConnectionRoute(it.vpn_route(cidr))))
            .collect(),
        "AssociateRouteTable" => of(diff::TABLE)
            .flat_map(added("subnets/"))
            .map(|(it, subnet)| Some(Command::DisassociateRouteTable(it.table(subnet))))
            .collect(),
        "DisassociateRouteTable" => of(diff::TABLE)
            .flat_map(removed("subnets/"))
            .map(|(it, subnet)| Some(Command::AssociateRouteTable(it.table(subnet))))
            .collect(),
        "CreateRoute" => of(diff::TABLE).flat_map(vpc_routes_back).collect(),
        "DeleteRoute" => of(diff::TABLE).flat_map(vpc_routes_again).collect(),
        "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => {
            of(diff::SECURITY_GROUP).map(revoke_permissions).collect()
        }
        "RevokeSecurityGroupIngress" | "RevokeSecurityGroupEgress" => of(diff::SECURITY_GROUP)
            .map(authorize_permissions)
            .collect(),
        "ModifyNetworkInterfaceAttribute" => {
            of(diff::RESOURCE).map(|it| interface(it, now)).collect()
        }
        _ => return None,
    })
}

/// As [`networks`], of commands about endpoints, people and the installation.
fn access(action: &str, things: &[Thing<'_>], now: &Snapshot) -> Option<Vec<Option<Command>>> {
    let of = |kind: &'static str| things.iter().filter(move |it| it.kind == kind);
    Some(match action {
        "CreateGroup" => of(diff::GROUP)
            .map(|it| {
                Some(Command::DeleteGroup(GroupName {
                    sid: it.name.to_owned(),
                }))
            })
            .collect(),
        "DeleteGroup" => of(diff::GROUP).flat_map(group).collect(),
        "AddUserToGroup" => of(diff::GROUP)
            .flat_map(added("members/"))
            .map(|(it, name)| Some(Command::RemoveUserFromGroup(it.membership(name))))
            .collect(),
        "RemoveUserFromGroup" => of(diff::GROUP)
            .flat_map(removed("members/"))
            .map(|(it, name)| Some(Command::AddUserToGroup(it.membership(name))))
            .collect(),
        "CreateClientVpnEndpoint" => of(diff::ENDPOINT)
            .map(|it| {
                Some(Command::DeleteClientVpnEndpoint(OfEndpoint {
                    client_vpn_endpoint_id: it.name.to_owned(),
                }))
            })
            .collect(),
        "ModifyClientVpnEndpoint" => of(diff::ENDPOINT).map(|it| endpoint(it, now)).collect(),
        "ApplySecurityGroupsToClientVpnTargetNetwork" => {
            of(diff::ENDPOINT).map(|it| applied(it, now)).collect()
        }
        "AssociateClientVpnTargetNetwork" => of(diff::ASSOCIATION)
            .map(|it| {
                Some(Command::DisassociateClientVpnTargetNetwork(
                    DisassociateTargetNetwork {
                        client_vpn_endpoint_id: it.after("endpoint_id")?,
                        association_id: it.after("id")?,
                    },
                ))
            })
            .collect(),
        "DisassociateClientVpnTargetNetwork" => associated_again(things, now),
        "AuthorizeClientVpnIngress" => of(diff::RULE).map(revoke).collect(),
        "RevokeClientVpnIngress" => of(diff::RULE).map(authorize).collect(),
        "CreateClientVpnRoute" => once(of(diff::ROUTE).map(delete_route)),
        "DeleteClientVpnRoute" => once(of(diff::ROUTE).map(create_route)),
        "CreateTags" | "DeleteTags" => things.iter().flat_map(tags).collect(),
        "PutRetentionPolicy" => of(diff::LOG_GROUP)
            .map(|it| {
                Some(Command::PutRetentionPolicy(PutRetentionPolicy {
                    log_group_name: it.name.to_owned(),
                    retention_in_days: it.before("retention_days"),
                }))
            })
            .collect(),
        "CreateServiceLinkedRole" => vec![Some(Command::DeleteServiceLinkedRole)],
        "DeleteServiceLinkedRole" => vec![Some(Command::CreateServiceLinkedRole)],
        "ModifySettings" => of(diff::SETTINGS).map(settings).collect(),
        "ImportCertificate" => of(diff::CERTIFICATE).map(imported).collect(),
        _ => return None,
    })
}

/// Deletes every thing of a kind.
fn deletions(
    things: &[Thing<'_>],
    kind: &str,
    command: fn(ById) -> Command,
) -> Vec<Option<Command>> {
    let of_kind = things.iter().filter(|it| it.kind == kind);
    of_kind
        .map(|it| {
            Some(command(ById {
                id: it.name.to_owned(),
            }))
        })
        .collect()
}

/// Each command once: a route for all associations is there for each of them.
fn once(commands: impl Iterator<Item = Option<Command>>) -> Vec<Option<Command>> {
    let mut all = Vec::new();
    for command in commands {
        if !all.contains(&command) {
            all.push(command);
        }
    }
    all
}

fn egress(it: &Thing<'_>) -> Option<Command> {
    let before: Egress = it.before("egress")?;
    let mut egress = EgressChoice {
        nat: Some(before.nat),
        ..EgressChoice::default()
    };
    match before.via {
        Via::HostRouting => {}
        Via::Interface(name) => egress.interface = Some(name),
        Via::SourceAddress(address) => egress.source_address = Some(address.to_string()),
    }
    Some(Command::ModifySubnetEgress(ModifySubnetEgress {
        subnet_id: it.name.to_owned(),
        egress,
    }))
}

/// Takes the routes away that somebody put into a VPC's route table.
fn vpc_routes_back(it: &Thing<'_>) -> Vec<Option<Command>> {
    let made = it.changed("routes/").filter(|(_, change)| {
        let after: Option<VpcRoute> = read(change.after.as_ref());
        after.is_some_and(|route| !route.is_propagated)
    });
    made.map(|(destination, _)| {
        Some(Command::DeleteRoute(DeleteVpcRoute {
            route_table_id: it.name.to_owned(),
            destination_cidr_block: destination.to_owned(),
        }))
    })
    .collect()
}

/// Puts the routes that somebody took from a VPC's route table back.
fn vpc_routes_again(it: &Thing<'_>) -> Vec<Option<Command>> {
    let taken = it.changed("routes/").filter_map(|(_, change)| {
        let before: VpcRoute = read(change.before.as_ref())?;
        (!before.is_propagated).then_some(before)
    });
    taken
        .map(|route| {
            Some(Command::CreateRoute(CreateVpcRoute {
                route_table_id: it.name.to_owned(),
                destination_cidr_block: route.destination.to_string(),
                target_id: route.target.as_str().to_owned(),
            }))
        })
        .collect()
}

fn revoke_permissions(it: &Thing<'_>) -> Option<Command> {
    let rules: Option<Vec<SecurityGroupRule>> = it
        .changed("rules/")
        .map(|(_, change)| read(change.after.as_ref()))
        .collect();
    let rules = rules?;
    let direction = rules.first()?.direction;
    let command = RevokeSecurityGroup {
        group_id: it.name.to_owned(),
        permissions: rules.into_iter().map(permission).collect(),
        ..RevokeSecurityGroup::default()
    };
    Some(match direction {
        Direction::Ingress => Command::RevokeSecurityGroupIngress(command),
        Direction::Egress => Command::RevokeSecurityGroupEgress(command),
    })
}

fn authorize_permissions(it: &Thing<'_>) -> Option<Command> {
    let rules: Option<Vec<SecurityGroupRule>> = it
        .changed("rules/")
        .map(|(_, change)| read(change.before.as_ref()))
        .collect();
    let rules = rules?;
    let direction = rules.first()?.direction;
    let command = AuthorizeSecurityGroup {
        group_id: it.name.to_owned(),
        permissions: rules.into_iter().map(permission).collect(),
    };
    Some(match direction {
        Direction::Ingress => Command::AuthorizeSecurityGroupIngress(command),
        Direction::Egress => Command::AuthorizeSecurityGroupEgress(command),
    })
}

/// What a rule of a security group admits, as it is asked for.
fn permission(rule: SecurityGroupRule) -> Permission {
    let (cidr, group_id) = match rule.peer {
        Peer::Cidr(cidr) => (Some(cidr.to_string()), None),
        Peer::Group(id) => (None, Some(id.to_string())),
    };
    Permission {
        protocol: rule.protocol.map_or("-1", IpProtocol::as_str).to_owned(),
        from_port: rule.ports.map(|ports| ports.from.into()),
        to_port: rule.ports.map(|ports| ports.to.into()),
        cidr,
        group_id,
        description: rule.description,
    }
}

fn interface(it: &Thing<'_>, now: &Snapshot) -> Option<Command> {
    let resource = now.resources.get(&it.name.parse().ok()?)?;
    let groups = it.changed(GROUPS).next().is_some();
    let groups = groups.then(|| it.list_before(GROUPS, &resource.security_groups));
    Some(Command::ModifyNetworkInterfaceAttribute(
        ModifyNetworkInterface {
            network_interface_id: it.name.to_owned(),
            security_group_ids: groups,
            description: it.text_before("description"),
        },
    ))
}

/// Makes a group again, with its members.
fn group(it: &Thing<'_>) -> Vec<Option<Command>> {
    let mut commands = vec![it.before("name").map(|name| {
        Command::CreateGroup(CreateGroup {
            name,
            sid: Some(it.name.to_owned()),
        })
    })];
    let members = it.removed("members/");
    commands.extend(members.map(|name| Some(Command::AddUserToGroup(it.membership(name)))));
    commands
}

fn endpoint(it: &Thing<'_>, now: &Snapshot) -> Option<Command> {
    let mut command = ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: it.name.to_owned(),
        server_certificate_arn: it.before("server_certificate"),
        description: it.text_before("description"),
        vpn_port: it.before("port"),
        split_tunnel: it.before("split_tunnel"),
        ..ModifyClientVpnEndpoint::default()
    };
    if it.fields.contains_key("dns_servers") {
        command.dns_servers = Some(it.before("dns_servers").unwrap_or_default());
    }
    if it.fields.contains_key("connection_log") {
        let log: Option<ConnectionLog> = it.before("connection_log");
        command.connection_log_enabled = Some(log.is_some());
        let (group, stream) = log.map(|log| (log.group, log.stream)).unzip();
        command.cloudwatch_log_group = group;
        command.cloudwatch_log_stream = stream;
    }
    let vpc_changed = it.fields.contains_key("vpc_id");
    if vpc_changed || it.changed(GROUPS).next().is_some() {
        let found = now.endpoints.get(&it.name.parse().ok()?)?;
        let vpc = found.vpc_id.as_ref().map(ToString::to_string);
        command.vpc_id = if vpc_changed {
            it.before("vpc_id")
        } else {
            vpc
        };
        // One that has been given a VPC has one from then on.
        command.vpc_id.as_ref()?;
        command.security_group_ids = Some(it.list_before(GROUPS, &found.security_groups));
    }
    Some(Command::ModifyClientVpnEndpoint(command))
}

fn applied(it: &Thing<'_>, now: &Snapshot) -> Option<Command> {
    let endpoint = now.endpoints.get(&it.name.parse().ok()?)?;
    Some(Command::ApplySecurityGroupsToClientVpnTargetNetwork(
        ApplySecurityGroups {
            client_vpn_endpoint_id: it.name.to_owned(),
            vpc_id: endpoint.vpc_id.as_ref()?.to_string(),
            security_group_ids: it.list_before(GROUPS, &endpoint.security_groups),
        },
    ))
}

/// Associates a subnet again, with the routes through it and, where they went with it, the
/// endpoint's security groups.
fn associated_again(things: &[Thing<'_>], now: &Snapshot) -> Vec<Option<Command>> {
    let of = |kind: &'static str| things.iter().filter(move |it| it.kind == kind);
    let mut commands: Vec<_> = of(diff::ASSOCIATION)
        .map(|it| {
            Some(Command::AssociateClientVpnTargetNetwork(
                AssociateTargetNetwork {
                    client_vpn_endpoint_id: it.before("endpoint_id")?,
                    subnet_id: it.before("subnet_id")?,
                },
            ))
        })
        .collect();
    for it in of(diff::ENDPOINT) {
        let vpc: Option<String> = it.before("vpc_id");
        commands.push(vpc.map(|vpc_id| {
            Command::ApplySecurityGroupsToClientVpnTargetNetwork(ApplySecurityGroups {
                client_vpn_endpoint_id: it.name.to_owned(),
                vpc_id,
                security_group_ids: it.removed(GROUPS).map(str::to_owned).collect(),
            })
        }));
    }
    let by_hand = of(diff::ROUTE).filter(|it| {
        let origin: Option<RouteOrigin> = it.before("origin");
        let for_all = it.before("for_all").unwrap_or(false);
        // Others that have it hand it on to the new association.
        let is_there = |route: &Route| {
            route.for_all
                && route.state != RouteState::Deleting
                && it.before("endpoint_id").as_ref() == Some(&route.endpoint_id)
                && it.before("destination").as_ref() == Some(&route.destination)
        };
        origin == Some(RouteOrigin::AddRoute) && !(for_all && now.routes.iter().any(is_there))
    });
    commands.extend(by_hand.map(create_route));
    commands
}

fn revoke(it: &Thing<'_>) -> Option<Command> {
    let access: Access = it.after("access")?;
    Some(Command::RevokeClientVpnIngress(RevokeIngress {
        client_vpn_endpoint_id: it.after("endpoint_id")?,
        target_network_cidr: it.after("destination")?,
        revoke_all_groups: access == Access::AllUsers,
        access_group_id: access.group().map(ToString::to_string),
    }))
}

fn authorize(it: &Thing<'_>) -> Option<Command> {
    let access: Access = it.before("access")?;
    let limits: Limits = it.before("limits").unwrap_or_default();
    let ports: Option<PortRange> = limits.ports;
    Some(Command::AuthorizeClientVpnIngress(AuthorizeIngress {
        client_vpn_endpoint_id: it.before("endpoint_id")?,
        target_network_cidr: it.before("destination")?,
        authorize_all_groups: access == Access::AllUsers,
        access_group_id: access.group().map(ToString::to_string),
        description: it.before("description").unwrap_or_default(),
        protocol: limits.protocol.map(|it| it.as_str().to_owned()),
        from_port: ports.map(|ports| ports.from),
        to_port: ports.map(|ports| ports.to),
        expires_at: limits.expires_at.map(|end| end.to_string()),
    }))
}

fn delete_route(it: &Thing<'_>) -> Option<Command> {
    let for_all = it.after("for_all").unwrap_or(false);
    let subnet: String = it.after("subnet_id")?;
    Some(Command::DeleteClientVpnRoute(DeleteRoute {
        client_vpn_endpoint_id: it.after("endpoint_id")?,
        destination_cidr_block: it.after("destination")?,
        target_vpc_subnet_id: (!for_all).then_some(subnet),
        all_associations: for_all,
    }))
}

fn create_route(it: &Thing<'_>) -> Option<Command> {
    let for_all = it.before("for_all").unwrap_or(false);
    let subnet: String = it.before("subnet_id")?;
    Some(Command::CreateClientVpnRoute(CreateRoute {
        client_vpn_endpoint_id: it.before("endpoint_id")?,
        destination_cidr_block: it.before("destination")?,
        target_vpc_subnet_id: if for_all { String::new() } else { subnet },
        all_associations: for_all,
        description: it.before("description").unwrap_or_default(),
    }))
}

/// Takes off the tags that came, and hangs those on again that went or became others.
fn tags(it: &Thing<'_>) -> Vec<Option<Command>> {
    let resources = vec![it.name.to_owned()];
    let mut back = Tags::new();
    let mut off = Vec::new();
    for (key, change) in it.changed("tags/") {
        match read::<String>(change.before.as_ref()) {
            Some(value) => drop(back.insert(key.to_owned(), value)),
            None => off.push((key.to_owned(), read(change.after.as_ref()))),
        }
    }
    let mut commands = Vec::new();
    if !off.is_empty() {
        commands.push(Some(Command::DeleteTags(DeleteTags {
            resources: resources.clone(),
            tags: off,
        })));
    }
    if !back.is_empty() {
        let tags = back;
        commands.push(Some(Command::CreateTags(CreateTags { resources, tags })));
    }
    commands
}

fn settings(it: &Thing<'_>) -> Option<Command> {
    Some(Command::ModifySettings(ModifySettings {
        public_address: it.text_before("public_address"),
        getting_started_done: it.before("getting_started_done"),
        rekey_secs: it.before("rekey_secs"),
        endpoint_domain: it.text_before("endpoint_domain"),
        max_endpoints: it.before("max_endpoints"),
        max_rules: it.before("max_rules"),
        max_routes: it.before("max_routes"),
        max_connections: it.before("max_connections"),
        max_revocations: it.before("max_revocations"),
    }))
}

/// A certificate that came in goes; one that was put in place of another does not come back.
fn imported(it: &Thing<'_>) -> Option<Command> {
    let is_new = it.fields.values().all(|change| change.before.is_none());
    let name = CertificateName {
        certificate_arn: it.name.to_owned(),
    };
    is_new.then_some(Command::DeleteCertificate(name))
}

const GROUPS: &str = "security_groups/";
