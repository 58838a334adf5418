//! Endpoints and their target networks.

use std::{collections::BTreeSet, net::Ipv4Addr};

use ipnet::Ipv4Net;

use super::{
    certificates::{self, CLIENT_ROOT, SERVER_CERTIFICATE},
    change::{Change, Machine},
    fields::{self, invalid, listed, needed, random},
    filters::{select, tag_values},
    limits::Limit,
    networks::{self, SUBNET_ID, VPC_ID},
    security_groups,
};
use crate::model::{
    Answer, Association, AssociationId, AssociationState, Authentication, Certificate,
    CertificateArn, Code, Endpoint, EndpointId, EndpointState, FEWEST_FREE, HostNetwork, Refusal,
    Route, RouteState, SMALLEST_TARGET, SecurityGroupId, Snapshot, Subnet, Transport, Vpc,
    command::{
        AssociateTargetNetwork, AuthenticationOption, CreateClientVpnEndpoint, Describe,
        DescribeOfEndpoint, DisassociateTargetNetwork, EndpointCreated, EndpointDescription,
        OfEndpoint,
    },
    net,
};

impl Change<'_, '_> {
    pub(super) fn create_endpoint(
        &mut self,
        command: CreateClientVpnEndpoint,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let host = self.machine.host.networks();
        let existing = || snapshot.endpoints.values().filter(|e| !e.deleting);
        let most = snapshot.settings.max_endpoints;
        if existing().count() >= most as usize {
            return Err(Refusal::new(
                Code::EndpointLimitExceeded,
                format!(
                    "There are {most} endpoints, as many as there may be; delete one first, or {}",
                    Limit::Endpoints.how_to_raise(most)
                ),
            ));
        }
        let client_cidr = client_range(&snapshot, &host, &command.client_cidr_block)?;
        let server = certificates::named(
            &snapshot,
            SERVER_CERTIFICATE,
            &command.server_certificate_arn,
        )?;
        certificates::check_server(server, self.now)?;
        let root = client_root(&snapshot, &command.authentication_options)?;
        certificates::check_client_root(root, self.now)?;
        let Some(is_logged) = command.connection_log_enabled else {
            return Err(Refusal::missing(CONNECTION_LOG, LOGS_NOTHING).cure(LOGS_NOTHING));
        };
        let vpc = command
            .vpc_id
            .as_deref()
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .map(|id| networks::vpc(&snapshot, id))
            .transpose()?;
        if let Some(vpc) = vpc {
            refuse_overlap(VPC_ID, Code::InvalidParameterValue, client_cidr, vpc)?;
        }
        let security_groups = first_groups(&snapshot, vpc, &command.security_group_ids)?;
        let id = EndpointId::from_random(random()?);
        let connection_log = self.connection_log(
            &id,
            is_logged,
            command.cloudwatch_log_group.as_deref(),
            command.cloudwatch_log_stream.as_deref(),
            None,
        )?;
        let endpoint = Endpoint {
            id,
            description: fields::description(&command.description)?,
            tags: fields::tags(command.tags)?,
            client_cidr,
            server_certificate: server.arn.clone(),
            authentication: vec![Authentication::Certificate {
                client_root_certificate_chain: root.arn.clone(),
            }],
            transport: command.transport_protocol,
            port: free_port(
                &snapshot,
                command.transport_protocol,
                command.vpn_port,
                None,
            )?,
            split_tunnel: command.split_tunnel,
            dns_servers: fields::dns_servers(&command.dns_servers)?,
            vpc_id: vpc.map(|vpc| vpc.id.clone()),
            security_groups,
            connection_log,
            deleting: false,
            created_at: self.now,
        };
        self.concerns(&endpoint.id);
        self.tx.insert_endpoint(&endpoint)?;
        self.take_over_list(&endpoint, root)?;
        self.ensure_role()?;
        Ok(Answer::EndpointCreated(EndpointCreated {
            dns_name: self.machine.dns_name_of(&snapshot, &endpoint.id),
            id: endpoint.id,
            state: EndpointState::PendingAssociate,
        }))
    }

    pub(super) fn delete_endpoint(&mut self, command: &OfEndpoint) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let staying: Vec<_> = snapshot
            .associations_of(&endpoint.id)
            .filter(|association| association.state != AssociationState::Disassociating)
            .map(|association| &association.id)
            .collect();
        if !staying.is_empty() {
            return Err(Refusal::new(
                Code::AssociationExists,
                format!(
                    "{} has the associations {}; disassociate its target networks first",
                    endpoint.id,
                    listed(staying)
                ),
            )
            .at(ENDPOINT_ID));
        }
        self.tx.mark_endpoint_deleting(&endpoint.id)?;
        Ok(Answer::EndpointStatus(EndpointState::Deleting))
    }

    /// Associates a subnet. The first one gives the endpoint its VPC and the VPC's default security
    /// group; each adds the routes to the
    /// VPC's blocks through itself.
    pub(super) fn associate(
        &mut self,
        command: &AssociateTargetNetwork,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        let subnet =
            networks::subnet(&snapshot, &command.subnet_id, Code::ClientVpnSubnetNotFound)?;
        self.concerns(&endpoint.id);
        self.concerns(&subnet.id);
        check_target(&snapshot, endpoint, subnet)?;
        let vpc = networks::vpc(&snapshot, subnet.vpc_id.as_str())?;
        refuse_overlap(SUBNET_ID, Code::OverlappingCidr, endpoint.client_cidr, vpc)?;

        if endpoint.vpc_id.is_none() {
            self.tx.set_endpoint_vpc(&endpoint.id, &vpc.id)?;
            let groups = security_groups::default_set(&snapshot, &vpc.id);
            self.tx
                .set_endpoint_security_groups(&endpoint.id, &vpc.id, &groups)?;
        }
        let association = Association {
            id: AssociationId::from_random(random()?),
            endpoint_id: endpoint.id.clone(),
            subnet_id: subnet.id.clone(),
            vpc_id: vpc.id.clone(),
            state: AssociationState::Associating,
        };
        self.concerns(&association.id);
        self.tx
            .insert_association(&association, &subnet.availability_zone)?;
        for cidr in &vpc.cidrs {
            self.add_local_route(&endpoint.id, &subnet.id, *cidr)?;
        }
        self.copy_routes_for_all(&endpoint.id, &subnet.id)?;
        Ok(Answer::AssociationStatus(association))
    }

    /// Makes an association and every route through it tombstones.
    pub(super) fn disassociate(
        &mut self,
        command: &DisassociateTargetNetwork,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        let mut association = association(&snapshot, endpoint, &command.association_id)?.clone();
        self.concerns(&endpoint.id);
        self.concerns(&association.id);
        let through = |route: &&Route| {
            route.subnet_id == association.subnet_id && route.state != RouteState::Deleting
        };
        for route in snapshot.routes_of(&endpoint.id).filter(through) {
            self.tx.set_route_state(route, RouteState::Deleting)?;
        }
        association.state = AssociationState::Disassociating;
        self.tx
            .set_association_state(&association.id, &association.state)?;
        Ok(Answer::AssociationStatus(association))
    }
}

/// The security groups of a new endpoint: those named, or else the default group of its VPC.
fn first_groups(
    snapshot: &Snapshot,
    vpc: Option<&Vpc>,
    ids: &[String],
) -> Result<BTreeSet<SecurityGroupId>, Refusal> {
    match vpc {
        Some(vpc) if ids.is_empty() => Ok(security_groups::default_set(snapshot, &vpc.id)),
        Some(vpc) => security_groups::of_vpc(snapshot, &vpc.id, ids),
        None if ids.is_empty() => Ok(BTreeSet::new()),
        None => Err(invalid(
            security_groups::GROUP_IDS,
            "Security groups cannot be specified without a VPC ID: name their VPC, or leave them out and apply them once a target network is associated",
        )),
    }
}

pub(super) fn describe(
    snapshot: &Snapshot,
    wanted: &Describe,
    machine: &Machine,
) -> Result<Answer, Refusal> {
    let named = wanted
        .ids
        .iter()
        .map(|id| endpoint(snapshot, id))
        .collect::<Result<Vec<_>, _>>()?;
    let names = ["endpoint-id", "transport-protocol", "tag-key"];
    let value = |endpoint: &Endpoint, name: &str| match name {
        "endpoint-id" => vec![endpoint.id.to_string()],
        "transport-protocol" => vec![endpoint.transport.to_string()],
        _ => tag_values(&endpoint.tags, name),
    };
    let found = if named.is_empty() {
        select(snapshot.endpoints.values(), &wanted.filters, &names, value)?
    } else {
        select(named.into_iter(), &wanted.filters, &names, value)?
    };
    // Where endpoints have no names of their own they share the machine's, which is asked once.
    let has_own = snapshot.settings.endpoint_domain.is_some();
    let shared = (!has_own).then(|| machine.dns_name(snapshot));
    let dns_name = |id: &EndpointId| match &shared {
        Some(name) => name.clone(),
        // As AWS describes it: with a star where clients put a random label.
        None => format!("*.{}", machine.dns_name_of(snapshot, id)),
    };
    let describe = |endpoint: Endpoint| EndpointDescription {
        state: snapshot.endpoint_state(&endpoint),
        dns_name: dns_name(&endpoint.id),
        associations: snapshot.associations_of(&endpoint.id).cloned().collect(),
        endpoint,
    };
    Ok(Answer::Endpoints(found.into_iter().map(describe).collect()))
}

pub(super) fn describe_target_networks(
    snapshot: &Snapshot,
    wanted: &DescribeOfEndpoint,
) -> Result<Answer, Refusal> {
    let endpoint = endpoint(snapshot, &wanted.client_vpn_endpoint_id)?;
    let named = wanted
        .ids
        .iter()
        .map(|id| known_association(snapshot, endpoint, id))
        .collect::<Result<Vec<_>, _>>()?;
    let names = ["association-id", "target-network-id", "vpc-id"];
    let value = |association: &Association, name: &str| match name {
        "association-id" => vec![association.id.to_string()],
        "target-network-id" => vec![association.subnet_id.to_string()],
        _ => vec![association.vpc_id.to_string()],
    };
    let found = if named.is_empty() {
        select(
            snapshot.associations_of(&endpoint.id),
            &wanted.filters,
            &names,
            value,
        )
    } else {
        select(named.into_iter(), &wanted.filters, &names, value)
    };
    found.map(|associations| {
        Answer::TargetNetworks(crate::model::command::TargetNetworks {
            associations,
            security_groups: endpoint.security_groups.clone(),
        })
    })
}

/// The endpoint that a field names, also while it is being deleted.
pub(super) fn endpoint<'s>(snapshot: &'s Snapshot, text: &str) -> Result<&'s Endpoint, Refusal> {
    let text = needed(ENDPOINT_ID, text, "cvpn-endpoint-0a1b2c3d4e5f60718")?;
    text.parse::<EndpointId>()
        .ok()
        .and_then(|id| snapshot.endpoints.get(&id))
        .ok_or_else(|| {
            Refusal::new(
                Code::EndpointNotFound,
                format!("Endpoint {text} does not exist"),
            )
            .at(ENDPOINT_ID)
        })
}

/// The endpoint that a field names, for a change of it.
pub(super) fn living<'s>(snapshot: &'s Snapshot, text: &str) -> Result<&'s Endpoint, Refusal> {
    let endpoint = endpoint(snapshot, text)?;
    if endpoint.deleting {
        return Err(Refusal::new(
            Code::EndpointNotFound,
            format!("Endpoint {} is being deleted", endpoint.id),
        )
        .at(ENDPOINT_ID));
    }
    Ok(endpoint)
}

fn known_association<'s>(
    snapshot: &'s Snapshot,
    endpoint: &Endpoint,
    text: &str,
) -> Result<&'s Association, Refusal> {
    let text = needed(ASSOCIATION_ID, text, "cvpn-assoc-0a1b2c3d4e5f60718")?;
    text.parse::<AssociationId>()
        .ok()
        .and_then(|id| snapshot.associations.get(&id))
        .filter(|association| association.endpoint_id == endpoint.id)
        .ok_or_else(|| {
            Refusal::new(
                Code::AssociationNotFound,
                format!("{} has no association {text}", endpoint.id),
            )
            .at(ASSOCIATION_ID)
        })
}

fn association<'s>(
    snapshot: &'s Snapshot,
    endpoint: &Endpoint,
    text: &str,
) -> Result<&'s Association, Refusal> {
    let association = known_association(snapshot, endpoint, text)?;
    if association.state == AssociationState::Disassociating {
        return Err(Refusal::new(
            Code::AssociationNotFound,
            format!("{} is being disassociated already", association.id),
        )
        .at(ASSOCIATION_ID));
    }
    Ok(association)
}

/// The range for clients: of a size AWS allows, of host addresses, no other endpoint's, and none
/// that this machine is in.
fn client_range(snapshot: &Snapshot, host: &[HostNetwork], text: &str) -> Result<Ipv4Net, Refusal> {
    let cidr = fields::cidr(CLIENT_CIDR, text, CLIENT_EXAMPLE)?;
    if !(LARGEST_RANGE..=SMALLEST_RANGE).contains(&cidr.prefix_len()) {
        return Err(invalid(
            CLIENT_CIDR,
            format!(
                "A client range is between /{SMALLEST_RANGE} and /{LARGEST_RANGE}, for example {CLIENT_EXAMPLE}"
            ),
        )
        .cure(range_near(cidr)));
    }
    if !fields::is_for_hosts(cidr) {
        return Err(invalid(
            CLIENT_CIDR,
            format!(
                "{cidr} holds addresses that no host may have; take a private range such as {CLIENT_EXAMPLE}"
            ),
        )
        .cure(CLIENT_EXAMPLE));
    }
    let meets = |other: &&Endpoint| net::overlap(other.client_cidr, cidr);
    if let Some(other) = snapshot.endpoints.values().find(meets) {
        let refusal = invalid(
            CLIENT_CIDR,
            format!(
                "{cidr} overlaps the client range {} of {}{}; endpoints share this machine, so each needs a range of its own",
                other.client_cidr,
                other.title(),
                if other.deleting {
                    ", which is still being deleted"
                } else {
                    ""
                }
            ),
        );
        return Err(with_free_range(refusal, snapshot, host, cidr.prefix_len()));
    }
    if let Some(own) = host.iter().find(|own| net::overlap(own.cidr, cidr)) {
        let refusal = invalid(
            CLIENT_CIDR,
            format!(
                "{cidr} overlaps {}, a network that this machine is in through {}, and would cut the machine off from it; choose another range",
                own.cidr, own.interface
            ),
        );
        return Err(with_free_range(refusal, snapshot, host, cidr.prefix_len()));
    }
    Ok(cidr)
}

/// The refusal with a client range that is free, of the size asked for if there is one.
fn with_free_range(
    refusal: Refusal,
    snapshot: &Snapshot,
    host: &[HostNetwork],
    prefix: u8,
) -> Refusal {
    let free =
        free_range(snapshot, host, prefix).or_else(|| free_range(snapshot, host, SMALLEST_RANGE));
    match free {
        Some(free) => refusal.cure(free.to_string()),
        None => refusal,
    }
}

/// The first range that no endpoint has, this machine is not in, and no VPC holds, as it might
/// become a target network.
pub(super) fn free_range(snapshot: &Snapshot, host: &[HostNetwork], prefix: u8) -> Option<Ipv4Net> {
    let ranges = snapshot.endpoints.values().map(|e| e.client_cidr);
    let blocks = snapshot.vpcs.values().flat_map(|vpc| vpc.cidrs.clone());
    let own = host.iter().map(|network| network.cidr);
    let taken: Vec<Ipv4Net> = ranges.chain(blocks).chain(own).collect();
    CLIENT_SPACE
        .iter()
        .filter_map(|&(address, length)| Ipv4Net::new(Ipv4Addr::from(address), length).ok())
        .filter_map(|space| space.subnets(prefix).ok())
        .flatten()
        .find(|range| !taken.iter().any(|other| net::overlap(*other, *range)))
}

/// The range of an allowed size that begins where `cidr` does.
fn range_near(cidr: Ipv4Net) -> String {
    let prefix = cidr.prefix_len().clamp(LARGEST_RANGE, SMALLEST_RANGE);
    let near = Ipv4Net::new_assert(cidr.addr(), prefix).trunc();
    if near.addr() == Ipv4Addr::UNSPECIFIED {
        CLIENT_EXAMPLE.to_owned()
    } else {
        near.to_string()
    }
}

/// The certificate that the one way of authentication there is names.
fn client_root<'s>(
    snapshot: &'s Snapshot,
    options: &[AuthenticationOption],
) -> Result<&'s Certificate, Refusal> {
    let option = match options {
        [] => return Err(Refusal::missing(AUTHENTICATION, CERTIFICATE_AUTHENTICATION)),
        [option] => option,
        _ => {
            return Err(invalid(
                AUTHENTICATION,
                "An endpoint has one way of certificate authentication; give it once",
            ));
        }
    };
    if option.kind != CERTIFICATE_AUTHENTICATION {
        return Err(invalid(
            AUTHENTICATION,
            format!(
                "\"{}\" is not a way of authentication here; take {CERTIFICATE_AUTHENTICATION}",
                option.kind
            ),
        )
        .cure(CERTIFICATE_AUTHENTICATION));
    }
    let arn = option
        .client_root_certificate_chain_arn
        .as_deref()
        .unwrap_or_default();
    certificates::named(snapshot, CLIENT_ROOT, arn)
}

/// The port, if no endpoint but `own` has it.
pub(super) fn free_port(
    snapshot: &Snapshot,
    transport: Transport,
    port: Option<u16>,
    own: Option<&EndpointId>,
) -> Result<u16, Refusal> {
    let port = port.unwrap_or(DEFAULT_PORT);
    if port == 0 {
        return Err(invalid(PORT, "A port is between 1 and 65535, for example 1194").cure("1194"));
    }
    let taken = |port: u16| {
        snapshot
            .endpoints
            .values()
            .filter(|endpoint| own != Some(&endpoint.id))
            .find(|endpoint| endpoint.transport == transport && endpoint.port == port)
    };
    let Some(other) = taken(port) else {
        return Ok(port);
    };
    let state = if other.deleting {
        "which is still being deleted"
    } else {
        "another endpoint"
    };
    let refusal = invalid(
        PORT,
        format!(
            "The {transport} port {port} is used by {}, {state}; choose a free one",
            other.title()
        ),
    );
    let free = [DEFAULT_PORT, 1194]
        .into_iter()
        .chain(1195..=u16::MAX)
        .find(|&port| taken(port).is_none());
    Err(match free {
        Some(free) => refusal.cure(free.to_string()),
        None => refusal,
    })
}

/// Whether the subnet can become a target network of the endpoint.
fn check_target(snapshot: &Snapshot, endpoint: &Endpoint, subnet: &Subnet) -> Result<(), Refusal> {
    if subnet.cidr.prefix_len() > SMALLEST_TARGET {
        return Err(invalid(
            SUBNET_ID,
            format!(
                "The subnet {} has {}; a target network is /{SMALLEST_TARGET} or larger",
                subnet.title(),
                subnet.cidr
            ),
        ));
    }
    let free = snapshot.free_addresses(subnet);
    if free < FEWEST_FREE {
        return Err(invalid(
            SUBNET_ID,
            format!(
                "The subnet {} has {free} free addresses of {}; a target network has at least {FEWEST_FREE}. Delete resources that are gone, or choose a larger subnet",
                subnet.title(),
                subnet.cidr
            ),
        ));
    }
    if let Some(vpc) = endpoint
        .vpc_id
        .as_ref()
        .filter(|vpc| **vpc != subnet.vpc_id)
    {
        return Err(Refusal::new(
            Code::ClientVpnSubnetNotFound,
            format!(
                "The subnet {} is of {}, but the target networks of {} are of {vpc}; choose a subnet of that VPC",
                subnet.id, subnet.vpc_id, endpoint.id
            ),
        )
        .at(SUBNET_ID));
    }
    for other in snapshot.associations_of(&endpoint.id) {
        refuse_same_place(snapshot, other, subnet)?;
    }
    Ok(())
}

fn refuse_same_place(
    snapshot: &Snapshot,
    other: &Association,
    subnet: &Subnet,
) -> Result<(), Refusal> {
    let going = other.state == AssociationState::Disassociating;
    let hint = if going {
        ", which is being disassociated; try again in a moment"
    } else {
        ""
    };
    if other.subnet_id == subnet.id {
        return Err(Refusal::new(
            Code::DuplicateAssociation,
            format!(
                "The subnet {} is associated already, by {}{hint}",
                subnet.id, other.id
            ),
        )
        .at(SUBNET_ID));
    }
    let same_zone = snapshot
        .subnets
        .get(&other.subnet_id)
        .is_some_and(|found| found.availability_zone == subnet.availability_zone);
    if same_zone {
        return Err(Refusal::new(
            Code::DuplicateAz,
            format!(
                "{} has a target network in {} already: {}{hint}",
                other.endpoint_id, subnet.availability_zone, other.subnet_id
            ),
        )
        .at(SUBNET_ID));
    }
    Ok(())
}

pub(super) fn refuse_overlap(
    field: &str,
    code: Code,
    client_cidr: Ipv4Net,
    vpc: &Vpc,
) -> Result<(), Refusal> {
    let Some(block) = vpc
        .cidrs
        .iter()
        .find(|cidr| net::overlap(**cidr, client_cidr))
    else {
        return Ok(());
    };
    Err(Refusal::new(
        code,
        format!(
            "The block {block} of the VPC {} overlaps the client range {client_cidr}; choose another VPC, or make the endpoint with another range",
            vpc.title()
        ),
    )
    .at(field))
}

/// What an endpoint's `authentication` names, for whoever asks which certificates are in use.
pub(super) fn certificates_of(endpoint: &Endpoint) -> impl Iterator<Item = &CertificateArn> {
    std::iter::once(&endpoint.server_certificate).chain(endpoint.client_root_certificate())
}

pub(super) const ENDPOINT_ID: &str = "ClientVpnEndpointId";
const ASSOCIATION_ID: &str = "AssociationId";
const CLIENT_CIDR: &str = "ClientCidrBlock";
const AUTHENTICATION: &str = "AuthenticationOptions";
const CONNECTION_LOG: &str = "ConnectionLogOptions";
const LOGS_NOTHING: &str = "Enabled=false";
const PORT: &str = "VpnPort";
const CERTIFICATE_AUTHENTICATION: &str = "certificate-authentication";
const CLIENT_EXAMPLE: &str = "10.0.0.0/22";
/// The sizes of AWS's guide of 2019.
const LARGEST_RANGE: u8 = 16;
const SMALLEST_RANGE: u8 = 22;
const DEFAULT_PORT: u16 = 443;
/// Where client ranges are proposed, in order: private networks (RFC 1918), then, for a machine
/// that is in all of those, the space shared behind carriers (RFC 6598) and that of benchmarks
/// (RFC 2544).
const CLIENT_SPACE: [([u8; 4], u8); 5] = [
    ([10, 0, 0, 0], 8),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
    ([100, 64, 0, 0], 10),
    ([198, 18, 0, 0], 15),
];
