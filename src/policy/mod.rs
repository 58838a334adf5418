//! Routes and authorization rules of one endpoint, compiled: may this packet pass, and why not?
//!
//! Pure: no I/O, no clock, no device. [`Policy::compile`] takes a snapshot once per change;
//! [`Policy::verdict`] answers for a packet, in the order of AWS's guide:
//!
//! 1. the source is the address the session was given;
//! 2. destinations that no rule opens: the gateway itself, loopback, link-local (where clouds keep
//!    their metadata services), multicast, broadcast, reserved space;
//! 3. client ranges: clients do not reach each other, unless a rule for a part of the endpoint's own
//!    client range opens it; then 5 alone decides;
//! 4. the longest matching route among those of the session's association;
//! 5. the authorization rules of the longest matching prefix, over all rules of the endpoint: one
//!    that is for the user, is not over and is for this protocol and port is enough;
//! 6. the endpoint's security groups let it out;
//! 7. the VPC reaches the destination: inside its blocks, or by its subnet's route table;
//! 8. the security groups of the resource at the destination let it in.
//!
//! [`Policy::explain`] takes the same way and tells of each step.
//!
//! [`Flows`] is the shortcut: the first packet of a flow is judged, later ones hit its entry for as
//! long as the policy's generation stays the same. It is also what lets answers through, whoever
//! opened the flow: the client, something in the network that a security group's rule lets open
//! one, or another client.

mod flow;
mod guard;
mod judge;
mod packet;
mod prefixes;
mod reach;
mod reason;
#[cfg(test)]
mod tests;
mod traffic;

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use prefix_trie::PrefixSet;

pub use self::{
    flow::Flows,
    judge::Asker,
    packet::{Packet, Protocol},
    reason::Reason,
    traffic::Traffic,
};
use self::{guard::Guard, judge::Rule, prefixes::Prefixes, reach::Reach};
use crate::model::{Endpoint, Group, RuleState, Sid, Snapshot, SubnetId};

/// May the packet pass?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allow,
    /// It may not, for this reason.
    Deny(Reason),
}

impl From<Result<(), Reason>> for Verdict {
    fn from(result: Result<(), Reason>) -> Self {
        result.map_or_else(Self::Deny, |()| Self::Allow)
    }
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
    /// The common name of the user's certificate.
    pub user: &'a str,
}

impl<'a> From<Session<'a>> for Asker<'a> {
    fn from(session: Session<'a>) -> Self {
        Self {
            user: session.user,
            address: Some(session.address),
            subnet: session.subnet,
        }
    }
}

/// Addresses that are the gateway's machine itself, as its interfaces have them now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnAddresses {
    /// Its addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// The broadcast (and network) addresses of the networks it is in.
    pub broadcasts: Vec<Ipv4Addr>,
}

/// One endpoint's routes, rules and security groups, compiled.
#[derive(Debug)]
pub struct Policy {
    generation: u64,
    own: Vec<Ipv4Addr>,
    broadcasts: Vec<Ipv4Addr>,
    client_range: Ipv4Net,
    /// Those of all endpoints.
    client_ranges: PrefixSet<Ipv4Net>,
    rules: Prefixes<Vec<Rule>>,
    groups: BTreeMap<Sid, Arc<Group>>,
    guard: Guard,
    subnets: BTreeMap<SubnetId, Reach>,
}

impl Policy {
    /// Compiles what `snapshot` says of `endpoint` at `now`. `generation` must differ from that of
    /// every earlier policy of the endpoint, so that flow entries of those are judged anew, and from
    /// `u64::MAX`.
    #[must_use]
    pub fn compile(
        snapshot: &Snapshot,
        endpoint: &Endpoint,
        own: &OwnAddresses,
        now: Timestamp,
        generation: u64,
    ) -> Self {
        let ranges = || snapshot.endpoints.values().map(|e| e.client_cidr);
        let mut rules: Prefixes<Vec<_>> = Prefixes::default();
        for rule in snapshot.rules_of(&endpoint.id) {
            if rule.state == RuleState::Revoking {
                continue;
            }
            let of_prefix = rules.at(rule.destination.trunc());
            of_prefix.push(Rule::new(snapshot, rule, now));
        }
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
                    .chain(snapshot.subnets.values().flat_map(|s| edges(s.cidr)))
                    .chain(ranges().flat_map(edges)),
            ),
            client_range: endpoint.client_cidr.trunc(),
            client_ranges: ranges().map(|range| range.trunc()).collect(),
            rules,
            groups: snapshot.groups.clone(),
            guard: Guard::new(snapshot, &endpoint.security_groups),
            subnets: reach::reaches(snapshot, endpoint),
        }
    }

    /// Distinguishes this policy from every earlier one of the endpoint.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a packet from the session's client, which carries `traffic`, may pass.
    #[must_use]
    pub fn verdict(&self, session: Session<'_>, packet: &Packet, traffic: Traffic) -> Verdict {
        if packet.source != session.address {
            return Verdict::Deny(Reason::SourceNotAssigned);
        }
        self.allows(session.into(), packet.destination, traffic)
    }

    /// Whether it is an address that the endpoint gives to clients. What is allowed to go to one is
    /// delivered to that client ([`Flows::from_peer`]) and not sent to the network.
    #[must_use]
    pub fn is_client(&self, address: Ipv4Addr) -> bool {
        let range = self.client_range;
        let is_given = |edge| edge != address;
        range.contains(&address) && address != gateway_address(range) && edges(range).all(is_given)
    }

    /// Why nobody reaches the destination, whatever routes and rules say.
    fn closed(&self, destination: Ipv4Addr) -> Option<Reason> {
        if let Some(reason) = special_refusal(destination) {
            return Some(reason);
        }
        if self.own.binary_search(&destination).is_ok() {
            return Some(Reason::GatewayAddress);
        }
        if self.broadcasts.binary_search(&destination).is_ok() {
            return Some(Reason::Broadcast);
        }
        let is_client = self.client_ranges.get_lpm(&destination.into()).is_some();
        let is_closed = is_client && self.rules_within_clients(destination).is_none();
        is_closed.then_some(Reason::ClientToClient)
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
