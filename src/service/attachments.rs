//! What VPCs are connected to: other VPCs by peering, networks elsewhere by VPN.

use ipnet::Ipv4Net;

use super::{
    change::Change,
    fields::{self, invalid, listed, random},
    filters::{described, tag_values},
    networks::{in_use, vpc},
};
use crate::model::{
    Answer, Code, PeeringConnection, Refusal, RouteTarget, Snapshot, Vpc, VpcId,
    VpcPeeringConnectionId, VpnConnection, VpnConnectionId,
    command::{ById, CreatePeeringConnection, CreateVpnConnection, Describe, VpnConnectionRoute},
    net,
};

impl Change<'_, '_> {
    pub(super) fn create_peering(
        &mut self,
        command: CreatePeeringConnection,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let requester = vpc(&snapshot, &command.vpc_id)?;
        let accepter = vpc(&snapshot, &command.peer_vpc_id).map_err(|it| it.at(PEER_VPC_ID))?;
        if requester.id == accepter.id {
            return Err(invalid(
                PEER_VPC_ID,
                format!(
                    "{} cannot be peered with itself; name another VPC",
                    requester.id
                ),
            ));
        }
        let pair = |it: &&PeeringConnection| it.peer_of(&requester.id) == Some(&accepter.id);
        if let Some(other) = snapshot.peering_connections.values().find(pair) {
            return Err(Refusal::new(
                Code::PeeringConnectionExists,
                format!(
                    "{} and {} have the peering connection {} already, which is {}",
                    requester.id,
                    accepter.id,
                    other.id,
                    status(other)
                ),
            )
            .at(PEER_VPC_ID));
        }
        refuse_overlapping(requester, accepter)?;
        let peering = PeeringConnection {
            id: VpcPeeringConnectionId::from_random(random()?),
            requester_vpc_id: requester.id.clone(),
            accepter_vpc_id: accepter.id.clone(),
            is_active: false,
            tags: fields::tags(command.tags)?,
        };
        self.concerns(&peering.id);
        self.concerns(&requester.id);
        self.concerns(&accepter.id);
        self.tx.insert_peering_connection(&peering)?;
        Ok(Answer::PeeringConnection(peering))
    }

    /// Accepts a peering connection; from then on each VPC's main route table leads to the other.
    pub(super) fn accept_peering(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut peering = peering_connection(&snapshot, &command.id)?.clone();
        self.concerns(&peering.id);
        if peering.is_active {
            return Err(Refusal::new(
                Code::PeeringConnectionState,
                format!(
                    "{} is active already; only one that is pending-acceptance can be accepted",
                    peering.id
                ),
            )
            .at(PEERING_ID));
        }
        let requester = vpc(&snapshot, peering.requester_vpc_id.as_str())?;
        let accepter = vpc(&snapshot, peering.accepter_vpc_id.as_str())?;
        refuse_overlapping(requester, accepter)?;
        peering.is_active = true;
        self.tx.activate_peering_connection(&peering.id)?;
        let target = RouteTarget::PeeringConnection(peering.id.clone());
        for (from, to) in [(requester, accepter), (accepter, requester)] {
            self.concerns(&from.id);
            self.propagate(&from.id, &to.cidrs, &target)?;
        }
        Ok(Answer::PeeringConnection(peering))
    }

    pub(super) fn delete_peering(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let peering = peering_connection(&snapshot, &command.id)?;
        self.concerns(&peering.id);
        let target = RouteTarget::PeeringConnection(peering.id.clone());
        refuse_while_routed(&snapshot, PEERING_ID, &target)?;
        self.withdraw_all(&target)?;
        self.tx.delete_peering_connection(&peering.id)?;
        Ok(Answer::Done)
    }

    /// Gives the VPCs that a VPC is peered with the route to its new block.
    pub(super) fn tell_peers_of_block(
        &mut self,
        vpc: &VpcId,
        block: Ipv4Net,
    ) -> Result<(), Refusal> {
        let snapshot = self.snapshot.clone();
        for peering in active_peerings(&snapshot, vpc) {
            let target = RouteTarget::PeeringConnection(peering.id.clone());
            if let Some(peer) = peering.peer_of(vpc) {
                self.propagate(peer, &[block], &target)?;
            }
        }
        Ok(())
    }

    pub(super) fn create_vpn(&mut self, command: CreateVpnConnection) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let vpc = vpc(&snapshot, &command.vpc_id)?;
        if command.cidr_blocks.is_empty() {
            return Err(Refusal::missing(CIDR_BLOCKS, NETWORK).cure(NETWORK));
        }
        let mut cidrs: Vec<Ipv4Net> = Vec::new();
        for text in &command.cidr_blocks {
            let cidr = network_behind(vpc, &cidrs, CIDR_BLOCKS, text)?;
            cidrs.push(cidr);
        }
        let vpn = VpnConnection {
            id: VpnConnectionId::from_random(random()?),
            vpc_id: vpc.id.clone(),
            cidrs,
            tags: fields::tags(command.tags)?,
        };
        self.concerns(&vpn.id);
        self.concerns(&vpc.id);
        self.tx.insert_vpn_connection(&vpn)?;
        self.propagate(
            &vpc.id,
            &vpn.cidrs,
            &RouteTarget::VpnConnection(vpn.id.clone()),
        )?;
        Ok(Answer::VpnConnection(vpn))
    }

    pub(super) fn add_vpn_network(
        &mut self,
        command: &VpnConnectionRoute,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut vpn = vpn_connection(&snapshot, &command.vpn_connection_id)?.clone();
        let vpc = vpc(&snapshot, vpn.vpc_id.as_str())?;
        self.concerns(&vpn.id);
        let cidr = network_behind(
            vpc,
            &vpn.cidrs,
            DESTINATION,
            &command.destination_cidr_block,
        )?;
        self.tx.insert_vpn_connection_cidr(&vpn.id, cidr)?;
        let target = RouteTarget::VpnConnection(vpn.id.clone());
        self.propagate(&vpc.id, &[cidr], &target)?;
        vpn.cidrs.push(cidr);
        Ok(Answer::VpnConnection(vpn))
    }

    pub(super) fn remove_vpn_network(
        &mut self,
        command: &VpnConnectionRoute,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let mut vpn = vpn_connection(&snapshot, &command.vpn_connection_id)?.clone();
        self.concerns(&vpn.id);
        let cidr = fields::cidr(DESTINATION, &command.destination_cidr_block, NETWORK)?;
        if !vpn.cidrs.contains(&cidr) {
            let mut refusal = Refusal::new(
                Code::VpcRouteNotFound,
                format!(
                    "{cidr} is not behind {}, which has {}",
                    vpn.id,
                    listed(&vpn.cidrs)
                ),
            )
            .at(DESTINATION);
            refusal.cure = vpn.cidrs.first().map(ToString::to_string);
            return Err(refusal);
        }
        if vpn.cidrs.len() == 1 {
            return Err(in_use(
                DESTINATION,
                format!(
                    "{cidr} is the only network behind {}; delete the VPN connection instead",
                    vpn.id
                ),
            ));
        }
        self.tx.delete_vpn_connection_cidr(&vpn.id, cidr)?;
        self.withdraw(cidr, &RouteTarget::VpnConnection(vpn.id.clone()))?;
        vpn.cidrs.retain(|other| *other != cidr);
        Ok(Answer::VpnConnection(vpn))
    }

    pub(super) fn delete_vpn(&mut self, command: &ById) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let vpn = vpn_connection(&snapshot, &command.id)?;
        self.concerns(&vpn.id);
        let target = RouteTarget::VpnConnection(vpn.id.clone());
        refuse_while_routed(&snapshot, VPN_ID, &target)?;
        self.withdraw_all(&target)?;
        self.tx.delete_vpn_connection(&vpn.id)?;
        Ok(Answer::Done)
    }
}

pub(super) fn describe_peering_connections(
    snapshot: &Snapshot,
    wanted: &Describe,
) -> Result<Answer, Refusal> {
    let names = [
        "vpc-peering-connection-id",
        "requester-vpc-info.vpc-id",
        "accepter-vpc-info.vpc-id",
        "status-code",
        "tag-key",
    ];
    let value = |peering: &PeeringConnection, name: &str| match name {
        "vpc-peering-connection-id" => vec![peering.id.to_string()],
        "requester-vpc-info.vpc-id" => vec![peering.requester_vpc_id.to_string()],
        "accepter-vpc-info.vpc-id" => vec![peering.accepter_vpc_id.to_string()],
        "status-code" => vec![status(peering).to_owned()],
        _ => tag_values(&peering.tags, name),
    };
    let all = snapshot.peering_connections.values();
    let find = |id: &str| peering_connection(snapshot, id);
    described(all, wanted, find, &names, value).map(Answer::PeeringConnections)
}

pub(super) fn describe_vpn_connections(
    snapshot: &Snapshot,
    wanted: &Describe,
) -> Result<Answer, Refusal> {
    let names = [
        "vpn-connection-id",
        "vpc-id",
        "route.destination-cidr-block",
        "tag-key",
    ];
    let value = |vpn: &VpnConnection, name: &str| match name {
        "vpn-connection-id" => vec![vpn.id.to_string()],
        "vpc-id" => vec![vpn.vpc_id.to_string()],
        "route.destination-cidr-block" => vpn.cidrs.iter().map(ToString::to_string).collect(),
        _ => tag_values(&vpn.tags, name),
    };
    let all = snapshot.vpn_connections.values();
    let find = |id: &str| vpn_connection(snapshot, id);
    described(all, wanted, find, &names, value).map(Answer::VpnConnections)
}

/// The accepted peering connections of a VPC.
pub(super) fn active_peerings<'s>(
    snapshot: &'s Snapshot,
    vpc: &'s VpcId,
) -> impl Iterator<Item = &'s PeeringConnection> {
    snapshot
        .peering_connections
        .values()
        .filter(move |peering| peering.is_active && peering.peer_of(vpc).is_some())
}

/// Refuses a new block of a VPC that meets one of a VPC that it is, or is to be, peered with.
pub(super) fn refuse_overlap_with_peers(
    snapshot: &Snapshot,
    vpc: &VpcId,
    block: Ipv4Net,
) -> Result<(), Refusal> {
    let peerings = snapshot.peering_connections.values();
    let peers = peerings.filter_map(|peering| peering.peer_of(vpc));
    for peer in peers.filter_map(|peer| snapshot.vpcs.get(peer)) {
        if let Some(other) = peer.cidrs.iter().find(|other| net::overlap(**other, block)) {
            return Err(Refusal::new(
                Code::VpcRange,
                format!(
                    "{block} overlaps the block {other} of {}, with which the VPC is peered; choose a block outside it",
                    peer.title()
                ),
            )
            .at(super::networks::CIDR_BLOCK));
        }
    }
    Ok(())
}

/// Refuses to take a target away that routes made by hand lead through.
pub(super) fn refuse_while_routed(
    snapshot: &Snapshot,
    field: &str,
    target: &RouteTarget,
) -> Result<(), Refusal> {
    let mut routes = Vec::new();
    for table in snapshot.route_tables.values() {
        let by_hand = table.routes.iter().filter(|route| !route.is_propagated);
        let through = by_hand.filter(|route| route.target == *target);
        routes.extend(through.map(|route| format!("{} in {}", route.destination, table.id)));
    }
    if routes.is_empty() {
        return Ok(());
    }
    Err(in_use(
        field,
        format!(
            "Routes lead through {}: {}; delete them first",
            target.as_str(),
            listed(routes)
        ),
    ))
}

pub(super) fn peering_connection<'s>(
    snapshot: &'s Snapshot,
    text: &str,
) -> Result<&'s PeeringConnection, Refusal> {
    fields::named(
        &snapshot.peering_connections,
        PEERING_ID,
        ("vpcPeeringConnection", "pcx-0a1b2c3d4e5f60718"),
        Code::PeeringConnectionNotFound,
        text,
    )
}

pub(super) fn vpn_connection<'s>(
    snapshot: &'s Snapshot,
    text: &str,
) -> Result<&'s VpnConnection, Refusal> {
    fields::named(
        &snapshot.vpn_connections,
        VPN_ID,
        ("vpnConnection", "vpn-0a1b2c3d4e5f60718"),
        Code::VpnConnectionNotFound,
        text,
    )
}

/// AWS's word for where a peering connection stands.
fn status(peering: &PeeringConnection) -> &'static str {
    if peering.is_active {
        "active"
    } else {
        "pending-acceptance"
    }
}

fn refuse_overlapping(requester: &Vpc, accepter: &Vpc) -> Result<(), Refusal> {
    for block in &requester.cidrs {
        let meets = |other: &&Ipv4Net| net::overlap(**other, *block);
        if let Some(other) = accepter.cidrs.iter().find(meets) {
            return Err(Refusal::new(
                Code::PeeringConnectionState,
                format!(
                    "The block {block} of {} overlaps {other} of {}: VPCs whose blocks overlap cannot be peered; name a VPC with other blocks",
                    requester.title(),
                    accepter.title()
                ),
            )
            .at(PEER_VPC_ID));
        }
    }
    Ok(())
}

/// A network behind a VPN connection of `vpc`, beside `others`.
fn network_behind(
    vpc: &Vpc,
    others: &[Ipv4Net],
    field: &str,
    text: &str,
) -> Result<Ipv4Net, Refusal> {
    let cidr = fields::cidr(field, text, NETWORK)?;
    if vpc.contains(cidr) {
        return Err(invalid(
            field,
            format!(
                "{cidr} is inside the VPC's own blocks, {}, which are reached locally; name a network elsewhere, for example {NETWORK}",
                listed(&vpc.cidrs)
            ),
        )
        .cure(NETWORK));
    }
    if others.contains(&cidr) {
        return Err(Refusal::new(
            Code::VpcRouteExists,
            format!("{cidr} is behind the VPN connection already; name it once"),
        )
        .at(field));
    }
    Ok(cidr)
}

const PEER_VPC_ID: &str = "PeerVpcId";
const PEERING_ID: &str = "VpcPeeringConnectionId";
const VPN_ID: &str = "VpnConnectionId";
const CIDR_BLOCKS: &str = "CidrBlocks";
const DESTINATION: &str = "DestinationCidrBlock";
const NETWORK: &str = "192.168.0.0/16";
