//! Ways out of the VPC: to a peered VPC, to networks on premises, to the internet.

use ipnet::Ipv4Net;

use super::{Found, Plan, waits};
use crate::{
    model::{
        Command, PeeringConnection, Refusal, Vpc, VpcPeeringConnectionId, VpcReach, VpnConnection,
        VpnConnectionId,
        command::{
            ById, CreateInternetGateway, CreatePeeringConnection, CreateVpnConnection,
            GatewayAttachment, VpnConnectionRoute,
        },
        net,
    },
    service::{
        fields::{invalid, listed},
        networks,
    },
};

impl<'s> Plan<'s> {
    pub(super) fn peered_vpc(&mut self, peer: Option<&str>) -> Result<(), Refusal> {
        let snapshot = self.snapshot;
        let own = self.vpc();
        let named = peer.map(str::trim).filter(|id| !id.is_empty());
        let peer = match named {
            Some(id) => Some(networks::vpc(snapshot, id).map_err(|it| it.at("PeerVpcId"))?),
            None => own.and_then(|own| self.only_peer(own)),
        };
        let pair = |it: &&PeeringConnection| match (own, peer) {
            (Some(own), Some(peer)) => it.peer_of(&own.id) == Some(&peer.id),
            _ => false,
        };
        let peering = snapshot.peering_connections.values().find(pair);
        let found = match (own, peer, peering) {
            (_, _, Some(peering)) => Found::Done(format!("{} connects the two.", peering.title())),
            (None, ..) => waits("the association"),
            (Some(_), None, None) => Found::Missing(
                "Say which VPC is at the other end: there is none, or more than one.".to_owned(),
                Vec::new(),
            ),
            (Some(own), Some(peer), None) => {
                let command = Command::CreateVpcPeeringConnection(CreatePeeringConnection {
                    vpc_id: own.id.to_string(),
                    peer_vpc_id: peer.id.to_string(),
                    ..CreatePeeringConnection::default()
                });
                Found::Missing(
                    format!("{} and {} are not peered.", own.title(), peer.title()),
                    vec![command],
                )
            }
        };
        self.step(
            "peering-connection",
            "Create the VPC peering connection",
            found,
        );
        let found = match peering {
            None => waits("the peering connection"),
            Some(it) if it.is_active => Found::Done(format!("{} is active.", it.title())),
            Some(it) => Found::Missing(
                format!("{} is pending-acceptance.", it.title()),
                vec![Command::AcceptVpcPeeringConnection(ById {
                    id: it.id.to_string(),
                })],
            ),
        };
        self.step("acceptance", "Accept the peering connection", found);
        let destinations = match (self.destination, peer) {
            (Some(destination), _) => vec![destination],
            (None, peer) => peer.map(|peer| peer.cidrs.clone()).unwrap_or_default(),
        };
        if let (Some(destination), Some(peer)) = (self.destination, peer)
            && !peer.contains(destination)
        {
            return Err(not_behind(peer, destination));
        }
        let active = peering.filter(|it| it.is_active).map(|it| it.id.clone());
        let leads = |by: &VpcReach| matches!(by, VpcReach::PeeringConnection(id) if Some(id) == active.as_ref());
        self.vpc_route(
            &destinations,
            active.as_ref().map(VpcPeeringConnectionId::as_str),
            leads,
        );
        self.client_route(&destinations);
        self.authorization(&destinations, "Authorize clients to access the peered VPC");
        self.let_out(&destinations);
        Ok(())
    }

    /// The VPC that is at the other end if none was named: the only one that can be.
    fn only_peer(&self, own: &Vpc) -> Option<&'s Vpc> {
        let peered = self.snapshot.peering_connections.values();
        let mut peered = peered.filter_map(|it| it.peer_of(&own.id));
        if let (Some(only), None) = (peered.next(), peered.next()) {
            return self.snapshot.vpcs.get(only);
        }
        let overlaps = |other: &Vpc| {
            let mut blocks = other.cidrs.iter();
            blocks.any(|block| own.cidrs.iter().any(|it| net::overlap(*it, *block)))
        };
        let mut others = self.snapshot.vpcs.values();
        let mut others = others
            .by_ref()
            .filter(|it| it.id != own.id && !overlaps(it));
        match (others.next(), others.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    pub(super) fn on_premises(&mut self) {
        let vpns = self.snapshot.vpn_connections.values();
        let vpc = self.vpc();
        let of_vpc = |it: &&VpnConnection| vpc.is_some_and(|vpc| it.vpc_id == vpc.id);
        let vpns: Vec<&VpnConnection> = vpns.filter(of_vpc).collect();
        let destinations: Vec<Ipv4Net> = match (self.destination, vpns.as_slice()) {
            (Some(destination), _) => vec![destination],
            (None, [only]) => only.cidrs.clone(),
            (None, _) => Vec::new(),
        };
        let behind = |vpn: &&&VpnConnection| {
            let mut all = destinations.iter();
            all.all(|it| vpn.cidrs.iter().any(|cidr| cidr.contains(it)))
        };
        let serving = vpns
            .iter()
            .find(behind)
            .copied()
            .filter(|_| !destinations.is_empty());
        let found = match (vpc, serving) {
            (None, _) => waits("the association"),
            (_, Some(vpn)) => Found::Done(format!(
                "{} leads to {}.",
                vpn.title(),
                listed(&destinations)
            )),
            (Some(_), None) if destinations.is_empty() => Found::Missing(
                "Say which network on premises is to be reached, for example 192.168.0.0/16."
                    .to_owned(),
                Vec::new(),
            ),
            (Some(vpc), None) => Found::Missing(
                format!(
                    "Nothing connects {} to {}.",
                    vpc.title(),
                    listed(&destinations)
                ),
                vec![vpn_command(vpc, vpns.first().copied(), &destinations)],
            ),
        };
        self.step(
            "vpn-connection",
            "Connect the VPC to the network by a VPN connection",
            found,
        );
        let id = serving.map(|vpn| vpn.id.clone());
        let leads =
            |by: &VpcReach| matches!(by, VpcReach::VpnConnection(it) if Some(it) == id.as_ref());
        self.vpc_route(
            &destinations,
            id.as_ref().map(VpnConnectionId::as_str),
            leads,
        );
        self.client_route(&destinations);
        self.authorization(&destinations, "Authorize clients to access the network");
        self.let_out(&destinations);
    }

    pub(super) fn internet(&mut self) {
        const TITLE: &str = "Attach the internet gateway to the VPC";
        let snapshot = self.snapshot;
        let vpc = self.vpc();
        let attached = vpc.and_then(|vpc| snapshot.internet_gateway_of(&vpc.id));
        let mut free = snapshot.internet_gateways.values();
        let free = free.find(|gateway| gateway.vpc_id.is_none());
        let found = match attached.or(free) {
            Some(gateway) => Found::Done(format!("{} is there.", gateway.title())),
            None => Found::Missing(
                "There is no internet gateway that could be attached.".to_owned(),
                vec![Command::CreateInternetGateway(
                    CreateInternetGateway::default(),
                )],
            ),
        };
        self.step("internet-gateway", "Create an internet gateway", found);
        let found = match (vpc, attached, free) {
            (None, ..) => waits("the association"),
            (Some(vpc), Some(gateway), _) => Found::Done(format!(
                "{} is attached to {}.",
                gateway.title(),
                vpc.title()
            )),
            (Some(_), None, None) => waits("the internet gateway"),
            (Some(vpc), None, Some(gateway)) => Found::Missing(
                format!("No internet gateway is attached to {}.", vpc.title()),
                vec![Command::AttachInternetGateway(GatewayAttachment {
                    internet_gateway_id: gateway.id.to_string(),
                    vpc_id: vpc.id.to_string(),
                })],
            ),
        };
        self.step("attachment", TITLE, found);
        let everywhere = [net::everywhere()];
        let gateway = attached.map(|gateway| gateway.id.as_str());
        self.vpc_route(&everywhere, gateway, |by| *by == VpcReach::InternetGateway);
        self.client_route(&everywhere);
        self.authorization(&everywhere, "Authorize clients to access the internet");
        self.let_out(&everywhere);
    }
}

/// The refusal of a destination of which a peer has no more than a part.
fn not_behind(peer: &Vpc, destination: Ipv4Net) -> Refusal {
    let refusal = invalid(
        "DestinationCidrBlock",
        format!(
            "{destination} is not wholly inside a block of {}, which has {}; name one of those, or a part of one",
            peer.title(),
            listed(&peer.cidrs)
        ),
    );
    match peer.cidrs.first() {
        Some(first) => refusal.cure(first.to_string()),
        None => refusal,
    }
}

/// The command by which a VPN connection leads to the destinations: a new one, or one more network
/// behind the one there is.
fn vpn_command(vpc: &Vpc, there: Option<&VpnConnection>, destinations: &[Ipv4Net]) -> Command {
    match (there, destinations) {
        (Some(vpn), [only]) => Command::CreateVpnConnectionRoute(VpnConnectionRoute {
            vpn_connection_id: vpn.id.to_string(),
            destination_cidr_block: only.to_string(),
        }),
        _ => Command::CreateVpnConnection(CreateVpnConnection {
            vpc_id: vpc.id.to_string(),
            cidr_blocks: destinations.iter().map(ToString::to_string).collect(),
            ..CreateVpnConnection::default()
        }),
    }
}
