//! Routes and authorization rules of one endpoint, compiled: may this packet pass, and why not?
//!
//! Pure: no I/O, no clock, no device. [`Policy::compile`] takes a snapshot once per change;
//! [`Policy::verdict`] answers for a packet, in the order of AWS's guide:
//!
//! 1. the source is the address the session was given;
//! 2. destinations that no rule opens: the gateway itself, loopback, link-local (where clouds keep
//!    their metadata services), multicast, broadcast, reserved space;
//! 3. no endpoint's client range: clients do not reach each other;
//! 4. the longest matching route among those of the session's association;
//! 5. the longest matching authorization rule of the endpoint;
//! 6. the VPC reaches the destination: inside its blocks, or through an internet gateway.
//!
//! [`Flows`] is the shortcut: the first packet of a flow is judged, later ones hit its entry for as
//! long as the policy's generation stays the same. It is also what lets answers back in.

mod flow;
mod packet;
mod reason;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::Ipv4Addr};

use ipnet::Ipv4Net;
use prefix_trie::PrefixSet;

pub use self::{
    flow::Flows,
    packet::{Packet, Protocol},
    reason::Reason,
};
use crate::model::{Endpoint, RouteState, RuleState, Snapshot, SubnetId};

/// May the packet pass?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allow,
    /// It may not, for this reason.
    Deny(Reason),
}

impl Verdict {
    /// Whether the packet may pass.
    #[must_use]
    pub fn is_allow(self) -> bool {
        self == Self::Allow
    }
}

/// What a verdict needs to know of a session.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The address it was given from the client range.
    pub address: Ipv4Addr,
    /// The subnet of the association it is bound to.
    pub subnet: &'a SubnetId,
}

/// Addresses that are the gateway's machine itself, as its interfaces have them now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnAddresses {
    /// Its addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// The broadcast (and network) addresses of the networks it is in.
    pub broadcasts: Vec<Ipv4Addr>,
}

/// One endpoint's routes and rules, compiled.
#[derive(Debug)]
pub struct Policy {
    generation: u64,
    own: Vec<Ipv4Addr>,
    broadcasts: Vec<Ipv4Addr>,
    client_ranges: PrefixSet<Ipv4Net>,
    rules: PrefixSet<Ipv4Net>,
    subnets: BTreeMap<SubnetId, Reach>,
}

/// What one association's subnet leads to.
#[derive(Debug, Default)]
struct Reach {
    routes: PrefixSet<Ipv4Net>,
    vpc: PrefixSet<Ipv4Net>,
    internet_gateway: bool,
}

impl Policy {
    /// Compiles what `snapshot` says of `endpoint`. `generation` must differ from that of every
    /// earlier policy of the endpoint, so that flow entries of those are judged anew.
    #[must_use]
    pub fn compile(
        snapshot: &Snapshot,
        endpoint: &Endpoint,
        own: &OwnAddresses,
        generation: u64,
    ) -> Self {
        let ranges = || snapshot.endpoints.values().map(|e| e.client_cidr);
        let rules = snapshot
            .rules_of(&endpoint.id)
            .filter(|rule| rule.state != RuleState::Revoking)
            .map(|rule| rule.destination.trunc());
        Self {
            generation,
            own: sorted(
                own.addresses
                    .iter()
                    .copied()
                    .chain(ranges().map(gateway_address)),
            ),
            broadcasts: sorted(
                own.broadcasts
                    .iter()
                    .copied()
                    .chain(snapshot.subnets.values().flat_map(|s| edges(s.cidr))),
            ),
            client_ranges: ranges().map(|range| range.trunc()).collect(),
            rules: rules.collect(),
            subnets: reaches(snapshot, endpoint),
        }
    }

    /// Distinguishes this policy from every earlier one of the endpoint.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a packet from the session's client may pass.
    #[must_use]
    pub fn verdict(&self, session: Session<'_>, packet: &Packet) -> Verdict {
        if packet.source != session.address {
            return Verdict::Deny(Reason::SourceNotAssigned);
        }
        self.destination_verdict(session.subnet, packet.destination)
    }

    /// Whether a session bound to `subnet` may reach `destination`.
    #[must_use]
    pub fn destination_verdict(&self, subnet: &SubnetId, destination: Ipv4Addr) -> Verdict {
        match self.refusal(subnet, destination) {
            None => Verdict::Allow,
            Some(reason) => Verdict::Deny(reason),
        }
    }

    fn refusal(&self, subnet: &SubnetId, destination: Ipv4Addr) -> Option<Reason> {
        if let Some(reason) = special_refusal(destination) {
            return Some(reason);
        }
        if self.own.binary_search(&destination).is_ok() {
            return Some(Reason::GatewayAddress);
        }
        if self.broadcasts.binary_search(&destination).is_ok() {
            return Some(Reason::Broadcast);
        }
        let host = Ipv4Net::from(destination);
        if self.client_ranges.get_lpm(&host).is_some() {
            return Some(Reason::ClientToClient);
        }
        let reach = match self.subnets.get(subnet) {
            Some(reach) if reach.routes.get_lpm(&host).is_some() => reach,
            _ => return Some(Reason::NoRoute),
        };
        // Every rule opens its network to all who are connected, so whichever matches longest
        // decides the same: that one exists.
        if self.rules.get_lpm(&host).is_none() {
            return Some(Reason::NotAuthorized);
        }
        let reachable = reach.internet_gateway || reach.vpc.get_lpm(&host).is_some();
        (!reachable).then_some(Reason::OutsideVpc)
    }
}

/// The gateway's own address inside the tunnel: the first host address of the client range.
#[must_use]
pub fn gateway_address(client_range: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(client_range.network()).saturating_add(1))
}

/// Destinations that are refused by their kind, whatever routes and rules say.
fn special_refusal(destination: Ipv4Addr) -> Option<Reason> {
    match destination.octets() {
        [0, ..] => Some(Reason::ThisNetwork),
        [127, ..] => Some(Reason::Loopback),
        [169, 254, ..] => Some(Reason::LinkLocal),
        [224..=239, ..] => Some(Reason::Multicast),
        [255, 255, 255, 255] => Some(Reason::Broadcast),
        [240..=255, ..] => Some(Reason::Reserved),
        _ => None,
    }
}

fn reaches(snapshot: &Snapshot, endpoint: &Endpoint) -> BTreeMap<SubnetId, Reach> {
    let mut reaches = BTreeMap::new();
    for association in snapshot.associations_of(&endpoint.id) {
        let blocks = snapshot
            .vpcs
            .get(&association.vpc_id)
            .into_iter()
            .flat_map(|vpc| &vpc.cidrs);
        let reach = Reach {
            routes: snapshot
                .routes_of(&endpoint.id)
                .filter(|route| route.subnet_id == association.subnet_id)
                .filter(|route| route.state != RouteState::Deleting)
                .map(|route| route.destination.trunc())
                .collect(),
            vpc: blocks.map(Ipv4Net::trunc).collect(),
            internet_gateway: snapshot.internet_gateway_of(&association.vpc_id).is_some(),
        };
        reaches.insert(association.subnet_id.clone(), reach);
    }
    reaches
}

/// A network's first and last address, which name no host; a /31 and a /32 have none (RFC 3021).
fn edges(net: Ipv4Net) -> impl Iterator<Item = Ipv4Addr> {
    let has_edges = net.prefix_len() < 31;
    [net.network(), net.broadcast()]
        .into_iter()
        .filter(move |_| has_edges)
}

fn sorted(addresses: impl Iterator<Item = Ipv4Addr>) -> Vec<Ipv4Addr> {
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
