//! VPCs, subnets and internet gateways.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::{
    attachments,
    change::Change,
    egress,
    fields::{self, invalid, listed, random},
    filters::{described, tag_values},
    security_groups,
};
use crate::model::{
    Answer, AssociationState, Code, Endpoint, EndpointId, HostNetwork, InternetGateway,
    InternetGatewayId, Refusal, Resource, Route, RouteOrigin, RouteState, RouteTable, RouteTableId,
    RouteTarget, SMALLEST_TARGET, Snapshot, Subnet, SubnetId, Tags, Vpc, VpcId, VpcRoute,
    command::{
        ById, CreateInternetGateway, CreateSubnet, CreateVpc, Describe, DescribeVpcAttribute,
        GatewayAttachment, ImportHostNetworks, ModifyVpcAttribute, SubnetDescription, VpcCidrBlock,
    },
    net,
};

impl Change<'_, '_> {
    pub(super) fn create_vpc(&mut self, command: CreateVpc) -> Result<Answer, Refusal> {
        let cidr = vpc_block(&command.cidr_block)?;
        let vpc = Vpc {
            id: VpcId::from_random(random()?),
            cidrs: vec![cidr],
            dns_support: true,
            tags: fields::tags(command.tags)?,
        };
        self.insert_vpc(&vpc)?;
        Ok(Answer::Vpc(vpc))
    }

    /// Adds a VPC with what each is made with: the default security group and the main route table.
    fn insert_vpc(&mut self, vpc: &Vpc) -> Result<(), Refusal> {
        self.concerns(&vpc.id);
        self.tx.insert_vpc(vpc)?;
        self.tx
            .insert_security_group(&security_groups::default_of(&vpc.id)?)?;
        self.tx.insert_route_table(&RouteTable {
            id: RouteTableId::from_random(random()?),
            vpc_id: vpc.id.clone(),
            is_main: true,
            subnets: BTreeSet::new(),
            routes: Vec::new(),
            tags: Tags::new(),
        })?;
        Ok(())
    }

    /// Gives a VPC one more block, and every association in it the route there.
    pub(super) fn associate_vpc_cidr_block(
        &mut self,
        command: &VpcCidrBlock,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut vpc = vpc(&snapshot, &command.vpc_id)?.clone();
        let cidr = vpc_block(&command.cidr_block)?;
        self.concerns(&vpc.id);
        if let Some(other) = vpc.cidrs.iter().find(|other| net::overlap(**other, cidr)) {
            return Err(Refusal::new(
                Code::VpcRange,
                format!("{cidr} overlaps the block {other} that the VPC has already"),
            )
            .at(CIDR_BLOCK));
        }
        for endpoint in endpoints_of(&snapshot, &vpc.id) {
            refuse_overlap(endpoint, cidr)?;
        }
        attachments::refuse_overlap_with_peers(&snapshot, &vpc.id, cidr)?;
        self.tx.insert_vpc_cidr(&vpc.id, cidr)?;
        self.tell_peers_of_block(&vpc.id, cidr)?;
        for association in snapshot.associations.values() {
            let staying = association.state != AssociationState::Disassociating;
            if association.vpc_id == vpc.id && staying {
                self.add_local_route(&association.endpoint_id, &association.subnet_id, cidr)?;
            }
        }
        vpc.cidrs.push(cidr);
        Ok(Answer::Vpc(vpc))
    }

    pub(super) fn modify_vpc_attribute(
        &mut self,
        command: &ModifyVpcAttribute,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut vpc = vpc(&snapshot, &command.vpc_id)?.clone();
        let answers = command
            .enable_dns_support
            .ok_or_else(|| Refusal::missing(DNS_SUPPORT, "true"))?;
        self.concerns(&vpc.id);
        if vpc.dns_support != answers {
            self.tx.set_dns_support(&vpc.id, answers)?;
        }
        vpc.dns_support = answers;
        Ok(Answer::Vpc(vpc))
    }

    /// Takes a secondary block from a VPC, and the routes there.
    pub(super) fn disassociate_vpc_cidr_block(
        &mut self,
        command: &VpcCidrBlock,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut vpc = vpc(&snapshot, &command.vpc_id)?.clone();
        let cidr = fields::cidr(CIDR_BLOCK, &command.cidr_block, VPC_EXAMPLE)?;
        self.concerns(&vpc.id);
        match vpc.cidrs.iter().position(|block| *block == cidr) {
            Some(0) => {
                return Err(invalid(
                    CIDR_BLOCK,
                    format!(
                        "{cidr} is the primary block of the VPC and stays for its life; delete the VPC instead"
                    ),
                ));
            }
            Some(_) => {}
            None => {
                return Err(invalid(
                    CIDR_BLOCK,
                    format!("The VPC has no block {cidr}; it has {}", listed(&vpc.cidrs)),
                ));
            }
        }
        let inside = |subnet: &&Subnet| subnet.vpc_id == vpc.id && cidr.contains(&subnet.cidr);
        let users: Vec<_> = snapshot.subnets.values().filter(inside).collect();
        if !users.is_empty() {
            return Err(in_use(
                CIDR_BLOCK,
                format!(
                    "The block holds the subnets {}; delete them first",
                    listed(users.iter().map(|subnet| &subnet.id))
                ),
            ));
        }
        self.tx.delete_vpc_cidr(&vpc.id, cidr)?;
        for peering in attachments::active_peerings(&snapshot, &vpc.id) {
            let target = RouteTarget::PeeringConnection(peering.id.clone());
            self.withdraw(cidr, &target)?;
        }
        for route in &snapshot.routes {
            let of_vpc = snapshot
                .subnets
                .get(&route.subnet_id)
                .is_some_and(|subnet| subnet.vpc_id == vpc.id);
            let automatic = route.origin == RouteOrigin::Associate && route.destination == cidr;
            if of_vpc && automatic && route.state != RouteState::Deleting {
                self.tx.set_route_state(route, RouteState::Deleting)?;
            }
        }
        vpc.cidrs.retain(|block| *block != cidr);
        Ok(Answer::Vpc(vpc))
    }

    pub(super) fn delete_vpc(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let vpc = vpc(&snapshot, &command.id)?;
        self.concerns(&vpc.id);
        let mut users: Vec<String> = snapshot
            .subnets
            .values()
            .filter(|subnet| subnet.vpc_id == vpc.id)
            .map(|subnet| subnet.id.to_string())
            .collect();
        users.extend(
            snapshot
                .internet_gateway_of(&vpc.id)
                .map(|gateway| gateway.id.to_string()),
        );
        users.extend(attached_to(&snapshot, &vpc.id));
        // A rule of another VPC's group may name a group of this one as long as they are peered,
        // and stays when they no longer are.
        if let Some(group) = snapshot.default_security_group(&vpc.id) {
            users.extend(security_groups::rules_that_name(&snapshot, &group.id));
        }
        users.extend(
            snapshot
                .endpoints
                .values()
                .filter(|endpoint| endpoint.vpc_id.as_ref() == Some(&vpc.id))
                .map(|endpoint| endpoint.id.to_string()),
        );
        if !users.is_empty() {
            return Err(in_use(
                VPC_ID,
                format!("The VPC {} is still used by {}", vpc.id, listed(users)),
            ));
        }
        self.tx.delete_vpc(&vpc.id)?;
        Ok(Answer::Done)
    }

    pub(super) fn create_subnet(&mut self, command: CreateSubnet) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let vpc = vpc(&snapshot, &command.vpc_id)?;
        let cidr = fields::cidr(CIDR_BLOCK, &command.cidr_block, SUBNET_EXAMPLE)?;
        let zone = match command.availability_zone.as_deref().map(str::trim) {
            None | Some("") => free_zone(&snapshot, &vpc.id),
            Some(zone) => named_zone(zone)?,
        };
        let mut subnet = new_subnet(&snapshot, vpc, cidr, zone, fields::tags(command.tags)?)?;
        if let Some(choice) = &command.egress {
            subnet.egress = egress::chosen(choice, &self.machine)?;
        }
        self.concerns(&subnet.id);
        self.tx.insert_subnet(&subnet)?;
        Ok(Answer::Subnet(subnet))
    }

    pub(super) fn delete_subnet(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let subnet = subnet(&snapshot, &command.id, Code::SubnetNotFound)?;
        self.concerns(&subnet.id);
        let users: Vec<_> = snapshot
            .associations
            .values()
            .filter(|association| association.subnet_id == subnet.id)
            .collect();
        if !users.is_empty() {
            return Err(in_use(
                SUBNET_ID,
                format!(
                    "The subnet {} is a target network of {}; disassociate it first",
                    subnet.id,
                    listed(users.iter().map(|association| &association.endpoint_id))
                ),
            ));
        }
        let inside = |resource: &&Resource| resource.subnet_id == subnet.id;
        let resources: Vec<_> = snapshot.resources.values().filter(inside).collect();
        if !resources.is_empty() {
            return Err(in_use(
                SUBNET_ID,
                format!(
                    "The subnet {} holds the resources {}; delete them first",
                    subnet.id,
                    listed(resources.iter().map(|resource| &resource.id))
                ),
            ));
        }
        self.tx.delete_subnet(&subnet.id)?;
        Ok(Answer::Done)
    }

    pub(super) fn create_internet_gateway(
        &mut self,
        command: CreateInternetGateway,
    ) -> Result<Answer, Refusal> {
        let gateway = InternetGateway {
            id: InternetGatewayId::from_random(random()?),
            vpc_id: None,
            tags: fields::tags(command.tags)?,
        };
        self.concerns(&gateway.id);
        self.tx.insert_internet_gateway(&gateway)?;
        Ok(Answer::InternetGateway(gateway))
    }

    pub(super) fn attach_internet_gateway(
        &mut self,
        command: &GatewayAttachment,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let gateway = internet_gateway(&snapshot, &command.internet_gateway_id)?;
        let vpc = vpc(&snapshot, &command.vpc_id)?;
        self.concerns(&gateway.id);
        self.concerns(&vpc.id);
        if let Some(other) = &gateway.vpc_id {
            return Err(Refusal::new(
                Code::AlreadyAssociated,
                format!("{} is attached to {other} already", gateway.id),
            )
            .at(INTERNET_GATEWAY_ID));
        }
        if let Some(other) = snapshot.internet_gateway_of(&vpc.id) {
            return Err(Refusal::new(
                Code::AlreadyAssociated,
                format!("{} has the internet gateway {} already", vpc.id, other.id),
            )
            .at(VPC_ID));
        }
        self.tx
            .attach_internet_gateway(&gateway.id, Some(&vpc.id))?;
        let target = RouteTarget::InternetGateway(gateway.id.clone());
        self.propagate(&vpc.id, &[net::everywhere()], &target)?;
        Ok(Answer::Done)
    }

    /// Puts the routes that come with an attachment into the main route table of its VPC, except
    /// to destinations that the table has a route to.
    pub(super) fn propagate(
        &mut self,
        vpc: &VpcId,
        destinations: &[Ipv4Net],
        target: &RouteTarget,
    ) -> Result<(), Refusal> {
        let snapshot = self.snapshot.clone();
        let is_main = |table: &&RouteTable| table.vpc_id == *vpc && table.is_main;
        let Some(table) = snapshot.route_tables.values().find(is_main) else {
            return Ok(());
        };
        for destination in destinations {
            let taken = |route: &VpcRoute| route.destination == *destination;
            if !table.routes.iter().any(taken) {
                let route = VpcRoute {
                    destination: *destination,
                    target: target.clone(),
                    is_propagated: true,
                };
                self.tx.insert_vpc_route(&table.id, &route)?;
            }
        }
        Ok(())
    }

    /// Takes the routes to `destination` away that came with the attachment of `target`. Where
    /// another attachment leads there too, its route takes their place.
    pub(super) fn withdraw(
        &mut self,
        destination: Ipv4Net,
        target: &RouteTarget,
    ) -> Result<(), Refusal> {
        let gone = |route: &VpcRoute| route.target == *target && route.destination == destination;
        self.withdraw_those(&gone, target)
    }

    /// As [`Self::withdraw`], for every destination.
    pub(super) fn withdraw_all(&mut self, target: &RouteTarget) -> Result<(), Refusal> {
        self.withdraw_those(&|route| route.target == *target, target)
    }

    fn withdraw_those(
        &mut self,
        gone: &dyn Fn(&VpcRoute) -> bool,
        target: &RouteTarget,
    ) -> Result<(), Refusal> {
        let snapshot = self.snapshot.clone();
        for table in snapshot.route_tables.values() {
            let going = table.routes.iter();
            for route in going.filter(|route| route.is_propagated && gone(route)) {
                self.tx.delete_vpc_route(&table.id, route.destination)?;
                if let Some(next) = propagated(&snapshot, table, route.destination, Some(target)) {
                    self.tx.insert_vpc_route(&table.id, &next)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn detach_internet_gateway(
        &mut self,
        command: &GatewayAttachment,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let gateway = internet_gateway(&snapshot, &command.internet_gateway_id)?;
        let vpc = vpc(&snapshot, &command.vpc_id)?;
        self.concerns(&gateway.id);
        self.concerns(&vpc.id);
        if gateway.vpc_id.as_ref() != Some(&vpc.id) {
            return Err(Refusal::new(
                Code::GatewayNotAttached,
                format!("{} is not attached to {}", gateway.id, vpc.id),
            )
            .at(VPC_ID));
        }
        self.withdraw_all(&RouteTarget::InternetGateway(gateway.id.clone()))?;
        self.tx.attach_internet_gateway(&gateway.id, None)?;
        Ok(Answer::Done)
    }

    pub(super) fn delete_internet_gateway(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let gateway = internet_gateway(&snapshot, &command.id)?;
        self.concerns(&gateway.id);
        if let Some(vpc) = &gateway.vpc_id {
            return Err(in_use(
                INTERNET_GATEWAY_ID,
                format!("{} is attached to {vpc}; detach it first", gateway.id),
            ));
        }
        let target = RouteTarget::InternetGateway(gateway.id.clone());
        attachments::refuse_while_routed(&snapshot, INTERNET_GATEWAY_ID, &target)?;
        self.tx.delete_internet_gateway(&gateway.id)?;
        Ok(Answer::Done)
    }

    /// Makes a VPC with one subnet of each network of the machine's named interfaces. Of an
    /// interface in several networks those are left out that cannot be imported; one in none that
    /// can be is refused.
    pub(super) fn import_host_networks(
        &mut self,
        command: &ImportHostNetworks,
    ) -> Result<Answer, Refusal> {
        let networks = self.machine.host.networks();
        if command.interfaces.is_empty() {
            return Err(Refusal::missing(INTERFACES, "eth0"));
        }
        let snapshot = self.snapshot.clone();
        let wanted: BTreeSet<&str> = command.interfaces.iter().map(String::as_str).collect();
        let mut subnets = Vec::new();
        for interface in wanted {
            for network in importable(&snapshot, interface, &networks)? {
                subnets.push(self.import_host_network(&snapshot, network)?);
            }
        }
        let described = |subnet: Subnet| SubnetDescription {
            free_addresses: subnet.usable_addresses(),
            subnet,
        };
        Ok(Answer::Subnets(
            subnets.into_iter().map(described).collect(),
        ))
    }

    /// The VPC's resolver answers, unless a machine is known at its address: its own DNS, which
    /// clients may want, would be hidden.
    fn import_host_network(
        &mut self,
        snapshot: &Snapshot,
        network: &HostNetwork,
    ) -> Result<Subnet, Refusal> {
        let cidr = network.cidr;
        let tags = Tags::from([("Name".to_owned(), network.interface.clone())]);
        let mut vpc = Vpc {
            id: VpcId::from_random(random()?),
            cidrs: vec![cidr],
            dns_support: true,
            tags: tags.clone(),
        };
        vpc.dns_support = vpc
            .resolver()
            .is_some_and(|address| !self.machine.host.has_host_at(address));
        let zone = free_zone(snapshot, &vpc.id);
        let subnet = new_subnet(snapshot, &vpc, cidr, zone, tags)?;
        self.insert_vpc(&vpc)?;
        self.concerns(&subnet.id);
        self.tx.insert_subnet(&subnet)?;
        Ok(subnet)
    }

    /// Adds the automatic route to a block of the VPC through an associated subnet.
    pub(super) fn add_local_route(
        &mut self,
        endpoint: &EndpointId,
        subnet: &SubnetId,
        destination: Ipv4Net,
    ) -> Result<(), Refusal> {
        let same = |route: &&Route| {
            route.endpoint_id == *endpoint
                && route.subnet_id == *subnet
                && route.destination == destination
        };
        let snapshot = self.snapshot.clone();
        if let Some(old) = snapshot.routes.iter().find(same) {
            if old.state != RouteState::Deleting {
                return Err(Refusal::new(
                    Code::DuplicateRoute,
                    format!(
                        "{endpoint} has a route of its own to {destination} through {subnet}; delete it first"
                    ),
                )
                .at(CIDR_BLOCK));
            }
            self.tx.delete_route(old)?;
        }
        self.tx.insert_route(&Route {
            endpoint_id: endpoint.clone(),
            destination,
            subnet_id: subnet.clone(),
            origin: RouteOrigin::Associate,
            for_all: false,
            description: "Default Route".to_owned(),
            state: RouteState::Creating,
        })?;
        Ok(())
    }
}

/// The route to `destination` that an attachment of the VPC brings its main route table, were it
/// not for `without`; none for another table.
pub(super) fn propagated(
    snapshot: &Snapshot,
    table: &RouteTable,
    destination: Ipv4Net,
    without: Option<&RouteTarget>,
) -> Option<VpcRoute> {
    let vpc = &table.vpc_id;
    let gateway = snapshot
        .internet_gateway_of(vpc)
        .filter(|_| destination == net::everywhere())
        .map(|gateway| RouteTarget::InternetGateway(gateway.id.clone()));
    let peerings = attachments::active_peerings(snapshot, vpc).filter(|peering| {
        let peer = peering.peer_of(vpc).and_then(|id| snapshot.vpcs.get(id));
        peer.is_some_and(|peer| peer.cidrs.contains(&destination))
    });
    let peerings = peerings.map(|it| RouteTarget::PeeringConnection(it.id.clone()));
    let vpns = snapshot.vpn_connections.values();
    let vpns = vpns.filter(|vpn| vpn.vpc_id == *vpc && vpn.cidrs.contains(&destination));
    let vpns = vpns.map(|vpn| RouteTarget::VpnConnection(vpn.id.clone()));
    let mut targets = gateway.into_iter().chain(peerings).chain(vpns);
    let target = targets.find(|target| table.is_main && Some(target) != without)?;
    Some(VpcRoute {
        destination,
        target,
        is_propagated: true,
    })
}

pub(super) fn describe_vpc_attribute(
    snapshot: &Snapshot,
    wanted: &DescribeVpcAttribute,
) -> Result<Answer, Refusal> {
    let vpc = vpc(snapshot, &wanted.vpc_id)?;
    match wanted.attribute.trim() {
        "enableDnsSupport" => Ok(Answer::Vpc(vpc.clone())),
        "" => Err(Refusal::missing(ATTRIBUTE, "enableDnsSupport")),
        other => Err(invalid(
            ATTRIBUTE,
            format!("A VPC has no attribute {other} here; it has enableDnsSupport"),
        )),
    }
}

pub(super) fn describe_vpcs(snapshot: &Snapshot, wanted: &Describe) -> Result<Answer, Refusal> {
    let names = ["vpc-id", "cidr", "tag-key"];
    let value = |vpc: &Vpc, name: &str| match name {
        "vpc-id" => vec![vpc.id.to_string()],
        "cidr" => vpc.cidrs.iter().take(1).map(ToString::to_string).collect(),
        _ => tag_values(&vpc.tags, name),
    };
    let find = |id: &str| vpc(snapshot, id);
    let all = snapshot.vpcs.values();
    described(all, wanted, find, &names, value).map(Answer::Vpcs)
}

pub(super) fn describe_subnets(snapshot: &Snapshot, wanted: &Describe) -> Result<Answer, Refusal> {
    let names = [
        "subnet-id",
        "vpc-id",
        "cidr-block",
        "availability-zone",
        "tag-key",
    ];
    let value = |subnet: &Subnet, name: &str| match name {
        "subnet-id" => vec![subnet.id.to_string()],
        "vpc-id" => vec![subnet.vpc_id.to_string()],
        "cidr-block" => vec![subnet.cidr.to_string()],
        "availability-zone" => vec![subnet.availability_zone.clone()],
        _ => tag_values(&subnet.tags, name),
    };
    let find = |id: &str| subnet(snapshot, id, Code::SubnetNotFound);
    let all = snapshot.subnets.values();
    let found = described(all, wanted, find, &names, value)?;
    let described = |subnet: Subnet| SubnetDescription {
        free_addresses: snapshot.free_addresses(&subnet),
        subnet,
    };
    Ok(Answer::Subnets(found.into_iter().map(described).collect()))
}

pub(super) fn describe_internet_gateways(
    snapshot: &Snapshot,
    wanted: &Describe,
) -> Result<Answer, Refusal> {
    let names = ["internet-gateway-id", "attachment.vpc-id", "tag-key"];
    let value = |gateway: &InternetGateway, name: &str| match name {
        "internet-gateway-id" => vec![gateway.id.to_string()],
        "attachment.vpc-id" => gateway.vpc_id.iter().map(ToString::to_string).collect(),
        _ => tag_values(&gateway.tags, name),
    };
    let find = |id: &str| internet_gateway(snapshot, id);
    let all = snapshot.internet_gateways.values();
    described(all, wanted, find, &names, value).map(Answer::InternetGateways)
}

/// The VPC that a field names.
pub(super) fn vpc<'s>(snapshot: &'s Snapshot, text: &str) -> Result<&'s Vpc, Refusal> {
    fields::named(
        &snapshot.vpcs,
        VPC_ID,
        ("vpc", "vpc-0a1b2c3d4e5f60718"),
        Code::VpcNotFound,
        text,
    )
}

/// The subnet that a field names; `missing` is the code for one that is unknown.
pub(super) fn subnet<'s>(
    snapshot: &'s Snapshot,
    text: &str,
    missing: Code,
) -> Result<&'s Subnet, Refusal> {
    fields::named(
        &snapshot.subnets,
        SUBNET_ID,
        ("subnet", "subnet-0a1b2c3d4e5f60718"),
        missing,
        text,
    )
}

/// The internet gateway that a field names.
pub(super) fn internet_gateway<'s>(
    snapshot: &'s Snapshot,
    text: &str,
) -> Result<&'s InternetGateway, Refusal> {
    fields::named(
        &snapshot.internet_gateways,
        INTERNET_GATEWAY_ID,
        ("internetGateway", "igw-0a1b2c3d4e5f60718"),
        Code::InternetGatewayNotFound,
        text,
    )
}

/// The security groups, route tables and connections that were made in the VPC.
fn attached_to(snapshot: &Snapshot, vpc: &VpcId) -> Vec<String> {
    let groups = snapshot
        .security_groups
        .values()
        .filter(|group| group.vpc_id == *vpc && !group.is_default())
        .map(|group| group.id.to_string());
    let tables = snapshot
        .route_tables
        .values()
        .filter(|table| table.vpc_id == *vpc && !table.is_main)
        .map(|table| table.id.to_string());
    let peerings = snapshot
        .peering_connections
        .values()
        .filter(|peering| peering.peer_of(vpc).is_some())
        .map(|peering| peering.id.to_string());
    let vpns = snapshot
        .vpn_connections
        .values()
        .filter(|vpn| vpn.vpc_id == *vpc)
        .map(|vpn| vpn.id.to_string());
    groups.chain(tables).chain(peerings).chain(vpns).collect()
}

/// The endpoints whose target networks are of the VPC.
fn endpoints_of<'s>(snapshot: &'s Snapshot, vpc: &'s VpcId) -> impl Iterator<Item = &'s Endpoint> {
    snapshot
        .endpoints
        .values()
        .filter(move |endpoint| !endpoint.deleting && endpoint.vpc_id.as_ref() == Some(vpc))
}

fn refuse_overlap(endpoint: &Endpoint, cidr: Ipv4Net) -> Result<(), Refusal> {
    if !net::overlap(endpoint.client_cidr, cidr) {
        return Ok(());
    }
    Err(invalid(
        CIDR_BLOCK,
        format!(
            "{cidr} overlaps the client range {} of {}; choose a block outside it",
            endpoint.client_cidr,
            endpoint.title()
        ),
    ))
}

fn vpc_block(text: &str) -> Result<Ipv4Net, Refusal> {
    let cidr = fields::cidr(CIDR_BLOCK, text, VPC_EXAMPLE)?;
    let size = LARGEST_VPC..=SMALLEST_SUBNET;
    if !size.contains(&cidr.prefix_len()) {
        return Err(Refusal::new(
            Code::VpcRange,
            format!(
                "A VPC's block is between /{SMALLEST_SUBNET} and /{LARGEST_VPC}, for example {VPC_EXAMPLE}"
            ),
        )
        .at(CIDR_BLOCK)
        .cure(VPC_EXAMPLE));
    }
    if !fields::is_for_hosts(cidr) {
        return Err(Refusal::new(
            Code::VpcRange,
            format!("{cidr} holds addresses that no host may have; take one such as {VPC_EXAMPLE}"),
        )
        .at(CIDR_BLOCK)
        .cure(VPC_EXAMPLE));
    }
    Ok(cidr)
}

fn new_subnet(
    snapshot: &Snapshot,
    vpc: &Vpc,
    cidr: Ipv4Net,
    availability_zone: String,
    tags: Tags,
) -> Result<Subnet, Refusal> {
    if cidr.prefix_len() > SMALLEST_SUBNET {
        return Err(Refusal::new(
            Code::SubnetRange,
            format!(
                "A subnet is /{SMALLEST_SUBNET} or larger; to be a target network, /{SMALLEST_TARGET} or larger"
            ),
        )
        .at(CIDR_BLOCK));
    }
    if !vpc.contains(cidr) {
        return Err(Refusal::new(
            Code::SubnetRange,
            format!(
                "{cidr} is not inside the VPC, which has {}",
                listed(&vpc.cidrs)
            ),
        )
        .at(CIDR_BLOCK));
    }
    let meets = |other: &&Subnet| other.vpc_id == vpc.id && net::overlap(other.cidr, cidr);
    if let Some(other) = snapshot.subnets.values().find(meets) {
        return Err(Refusal::new(
            Code::SubnetConflict,
            format!(
                "{cidr} overlaps the subnet {} with {}",
                other.title(),
                other.cidr
            ),
        )
        .at(CIDR_BLOCK));
    }
    Ok(Subnet {
        id: SubnetId::from_random(random()?),
        vpc_id: vpc.id.clone(),
        cidr,
        availability_zone,
        egress: crate::model::Egress::default(),
        tags,
    })
}

/// The first zone of the region in which the VPC has no subnet; the first of all if it has one in
/// each.
fn free_zone(snapshot: &Snapshot, vpc: &VpcId) -> String {
    let used = |zone: &String| {
        snapshot
            .subnets
            .values()
            .any(|subnet| subnet.vpc_id == *vpc && subnet.availability_zone == *zone)
    };
    let zone = |letter: char| format!("{}{letter}", snapshot.settings.region);
    ('a'..='z')
        .map(zone)
        .find(|zone| !used(zone))
        .unwrap_or_else(|| zone('a'))
}

fn named_zone(zone: &str) -> Result<String, Refusal> {
    let right = zone.len() <= 64
        && zone
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if right {
        return Ok(zone.to_owned());
    }
    Err(invalid(
        "AvailabilityZone",
        "An Availability Zone has up to 64 small letters, digits and hyphens, for example local-1a",
    )
    .cure("local-1a"))
}

/// The networks of an interface that can be imported: at least one.
fn importable<'h>(
    snapshot: &Snapshot,
    interface: &str,
    networks: &'h [HostNetwork],
) -> Result<Vec<&'h HostNetwork>, Refusal> {
    let mut fit = Vec::new();
    let mut troubles = Vec::new();
    for network in networks.iter().filter(|n| n.interface == interface) {
        match trouble_of_import(snapshot, network) {
            None => fit.push(network),
            Some(trouble) => troubles.push(trouble),
        }
    }
    if !fit.is_empty() {
        for trouble in troubles {
            tracing::info!(interface, "not imported: {trouble}");
        }
        return Ok(fit);
    }
    if troubles.is_empty() {
        troubles.push(format!(
            "This machine has no interface \"{interface}\" in an IPv4 network; it has {}",
            listed(networks.iter().map(|network| &network.interface))
        ));
    }
    Err(invalid(INTERFACES, troubles.join(". ")))
}

/// Why the network cannot be imported, if it cannot.
fn trouble_of_import(snapshot: &Snapshot, network: &HostNetwork) -> Option<String> {
    let HostNetwork {
        cidr, interface, ..
    } = network;
    if cidr.prefix_len() > SMALLEST_TARGET {
        return Some(format!(
            "The network {cidr} of {interface} is smaller than /{SMALLEST_TARGET} and cannot be a target network"
        ));
    }
    if cidr.prefix_len() < LARGEST_VPC {
        return Some(format!(
            "The network {cidr} of {interface} is larger than /{LARGEST_VPC}; make a VPC of a part of it by hand"
        ));
    }
    let known = snapshot
        .vpcs
        .values()
        .find(|vpc| vpc.tags.get("Name") == Some(interface) && vpc.cidrs.contains(cidr))?;
    Some(format!(
        "The network {cidr} of {interface} was imported already, as {}",
        known.id
    ))
}

pub(super) fn in_use(field: &str, message: String) -> Refusal {
    Refusal::new(Code::DependencyViolation, message).at(field)
}

pub(super) const VPC_ID: &str = "VpcId";
const DNS_SUPPORT: &str = "EnableDnsSupport";
const ATTRIBUTE: &str = "Attribute";
pub(super) const SUBNET_ID: &str = "SubnetId";
pub(super) const CIDR_BLOCK: &str = "CidrBlock";
const INTERNET_GATEWAY_ID: &str = "InternetGatewayId";
const INTERFACES: &str = "Interfaces";
const VPC_EXAMPLE: &str = "10.1.0.0/16";
const SUBNET_EXAMPLE: &str = "10.1.1.0/24";
/// AWS stops at /16; what a machine reaches may be larger.
const LARGEST_VPC: u8 = 8;
const SMALLEST_SUBNET: u8 = 28;
