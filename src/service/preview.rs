//! What a change would do to who reaches what, before it is made.
//!
//! The command is carried out in a transaction that is rolled back. The policies before and after
//! it are then asked the same questions: one address of each part of the address space that some
//! prefix of either tells apart, with each kind of traffic that some rule of either tells apart,
//! for each kind of live session. So the preview cannot differ from what packets would meet.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::Ipv4Addr,
    sync::Arc,
};

use ipnet::{Ipv4Net, Ipv4Subnets};
use jiff::Timestamp;

use super::{Service, aside, change::Change, kinds::Kinds, warnings};
use crate::{
    clock,
    model::{
        Access, Answer, Command, Connection, Endpoint, EndpointId, Peer, Preview, ReachChange,
        ReachedPart, Refusal, SecurityGroup, Sid, Snapshot, SubnetId,
    },
    policy::{Asker, OwnAddresses, Policy, Reason, Traffic, Verdict, gateway_address},
    store::StoreError,
};

/// Why a transaction is rolled back that only looks.
enum Undone {
    Refused(Refusal),
    Seen {
        before: Arc<Snapshot>,
        after: Arc<Snapshot>,
    },
}

impl From<Refusal> for Undone {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Service {
    /// Answers what the command would do, or what it would be refused with.
    pub(super) async fn preview(&self, command: Command) -> Result<Answer, Refusal> {
        let now = clock::now();
        let machine = self.machine();
        let own = machine.host.own_addresses();
        let asked = command.clone();
        let undone = self.inner.store.transact(now, move |tx| {
            let before = tx.snapshot();
            let mut change = Change {
                snapshot: Arc::clone(&before),
                now,
                machine,
                tx,
                resources: Vec::new(),
                undoes: None,
            };
            change.apply(command)?;
            let after = change.tx.outcome()?;
            Err::<(), _>(Undone::Seen { before, after })
        });
        let (before, after) = match undone.await {
            Err(Undone::Seen { before, after }) => (before, after),
            Err(Undone::Refused(refusal)) => return Err(refusal),
            // The work never ends well.
            Ok(()) => return Ok(Answer::Preview(Preview::default())),
        };
        let live = self.inner.board.live();
        let compare = move || {
            let sides = Sides::new(&before, &after, &own, now);
            let (sessions, more_sessions) = sides.changes(&live);
            Ok(Answer::Preview(Preview {
                warnings: warnings::of(&asked, &before, &after, now),
                looked_at: live.len(),
                sessions,
                more_sessions,
            }))
        };
        aside(compare).await
    }
}

/// The configuration before and after the change.
pub(super) struct Sides<'a> {
    both: [&'a Snapshot; 2],
    own: &'a OwnAddresses,
    now: Timestamp,
    /// Single addresses that are closed to clients, as far as it matters which are asked about.
    closed: BTreeSet<Ipv4Addr>,
}

/// What sessions have in common that are judged alike.
type Likeness<'a> = (
    &'a EndpointId,
    &'a SubnetId,
    [BTreeSet<&'a Sid>; 2],
    Vec<Ipv4Net>,
);

/// What a session gains and loses.
struct Difference {
    gains: Vec<ReachedPart>,
    loses: Vec<ReachedPart>,
    /// Parts beyond those.
    more: usize,
}

impl<'a> Sides<'a> {
    pub(super) fn new(
        before: &'a Snapshot,
        after: &'a Snapshot,
        own: &'a OwnAddresses,
        now: Timestamp,
    ) -> Self {
        let both = [before, after];
        let subnets = both.iter().flat_map(|side| side.subnets.values());
        let edges = subnets.flat_map(|subnet| [subnet.cidr.network(), subnet.cidr.broadcast()]);
        let endpoints = both.iter().flat_map(|side| side.endpoints.values());
        let gateways = endpoints.map(|endpoint| gateway_address(endpoint.client_cidr));
        let machine = own.addresses.iter().chain(&own.broadcasts).copied();
        Self {
            both,
            own,
            now,
            closed: edges.chain(gateways).chain(machine).collect(),
        }
    }

    /// The sessions whose reach changes, who loses something first, and how many there are beyond
    /// those that are told of.
    pub(super) fn changes(&self, live: &[Connection]) -> (Vec<ReachChange>, usize) {
        let mut endpoints: BTreeMap<&EndpointId, Option<Compared>> = BTreeMap::new();
        let mut known: BTreeMap<Likeness<'_>, usize> = BTreeMap::new();
        let mut differences: Vec<Difference> = Vec::new();
        let mut changed: Vec<(&Connection, usize)> = Vec::new();
        for session in live {
            let of_endpoint = endpoints
                .entry(&session.endpoint_id)
                .or_insert_with(|| Compared::new(self, &session.endpoint_id));
            let Some(compared) = of_endpoint else {
                continue;
            };
            let association = self.both[0].associations.get(&session.association_id);
            let Some(subnet) = association.map(|association| &association.subnet_id) else {
                continue;
            };
            let at = *known
                .entry(self.likeness(session, subnet, compared))
                .or_insert_with(|| {
                    differences.push(compared.judge(session, subnet));
                    differences.len() - 1
                });
            let difference = &differences[at];
            if !(difference.gains.is_empty() && difference.loses.is_empty()) {
                changed.push((session, at));
            }
        }
        changed.sort_by_key(|&(_, at)| differences[at].loses.is_empty());
        let told = changed.iter().take(MAX_SESSIONS).map(|&(session, at)| {
            let difference = &differences[at];
            ReachChange {
                connection_id: session.id.clone(),
                endpoint_id: session.endpoint_id.clone(),
                common_name: session.common_name.clone(),
                client_ip: session.client_ip,
                gains: difference.gains.clone(),
                loses: difference.loses.clone(),
                more_parts: difference.more,
            }
        });
        (told.collect(), changed.len().saturating_sub(MAX_SESSIONS))
    }

    fn likeness<'s>(
        &'s self,
        session: &'s Connection,
        subnet: &'s SubnetId,
        compared: &Compared,
    ) -> Likeness<'s> {
        let groups = |side: &'s Snapshot| {
            let groups = side.groups_of(&session.common_name).map(|group| &group.sid);
            groups.filter(|sid| compared.sids.contains(sid)).collect()
        };
        let around = compared.peers.iter().copied();
        (
            &session.endpoint_id,
            subnet,
            self.both.map(groups),
            around
                .filter(|it| it.contains(&session.client_ip))
                .collect(),
        )
    }
}

/// One endpoint before and after the change, and the questions that tell the two apart.
struct Compared {
    policies: [Policy; 2],
    /// Groups that authorization rules name, before or after.
    sids: BTreeSet<Sid>,
    /// Networks that rules of security groups name.
    peers: BTreeSet<Ipv4Net>,
    /// First and last address of each part, and the one that is asked about.
    parts: Vec<(u32, u32, Ipv4Addr)>,
    /// The only networks where the two may differ, where that can be told.
    touched: Option<BTreeSet<Ipv4Net>>,
    kinds: Kinds,
}

impl Compared {
    fn new(sides: &Sides<'_>, id: &EndpointId) -> Option<Self> {
        let [before, after] = sides.both;
        let policy = |side: &Snapshot| {
            let endpoint = side.endpoints.get(id)?;
            let policy = Policy::compile(side, endpoint, sides.own, sides.now, 0);
            Some((endpoint.clone(), policy))
        };
        let (one, first) = policy(before)?;
        let (other, second) = policy(after)?;
        let mut prefixes = BTreeSet::new();
        let mut limits = BTreeSet::new();
        let mut peers = BTreeSet::new();
        let mut sids = BTreeSet::new();
        for (side, endpoint) in [(before, &one), (after, &other)] {
            prefixes.extend(prefixes_of(side, endpoint));
            for rule in side.rules_of(id) {
                limits.extend(Kinds::limit(rule.limits.protocol, rule.limits.ports));
                if let Access::Group(sid) = &rule.access {
                    sids.insert(sid.clone());
                }
            }
            for group in groups_of(side, endpoint) {
                for rule in &group.rules {
                    limits.extend(Kinds::limit(rule.protocol, rule.ports));
                    if let Peer::Cidr(cidr) = rule.peer {
                        peers.insert(cidr);
                    }
                }
            }
        }
        prefixes.extend(peers.iter().copied());
        Some(Self {
            policies: [first, second],
            parts: cut(&prefixes, &sides.closed),
            peers,
            sids,
            touched: touched(before, after, id),
            kinds: Kinds::new(&limits),
        })
    }

    /// What the session gains and loses.
    fn judge(&self, session: &Connection, subnet: &SubnetId) -> Difference {
        let asker = Asker {
            user: &session.common_name,
            address: Some(session.client_ip),
            subnet,
        };
        let mut gains = Merged::default();
        let mut loses = Merged::default();
        for &(first, last, asked) in &self.parts {
            let mut touched = self.touched.iter().flatten();
            if self.touched.is_some() && !touched.any(|network| network.contains(&asked)) {
                gains.add(first, last, None);
                loses.add(first, last, None);
                continue;
            }
            let ask = |policy: &Policy, traffic: Traffic| policy.allows(asker, asked, traffic);
            let [before, after] = &self.policies;
            if is_closed(ask(before, Traffic::ALL)) && is_closed(ask(after, Traffic::ALL)) {
                gains.pass_over(last);
                loses.pass_over(last);
                continue;
            }
            let kinds = self.kinds.all();
            let verdicts: Vec<(bool, bool)> = kinds
                .map(|traffic| {
                    let before = ask(before, traffic).is_allow();
                    (before, ask(after, traffic).is_allow())
                })
                .collect();
            let words = |pick: fn(&(bool, bool)) -> bool| {
                let changed: Vec<bool> = verdicts.iter().map(pick).collect();
                self.kinds.words(&changed)
            };
            gains.add(first, last, words(|&(before, after)| after && !before));
            loses.add(first, last, words(|&(before, after)| before && !after));
        }
        let (gains, more_gains) = gains.parts();
        let (loses, more_loses) = loses.parts();
        Difference {
            gains,
            loses,
            more: more_gains + more_loses,
        }
    }
}

/// Neighbouring parts with the same traffic, put together. What is closed to everyone before and
/// after lies in nobody's way.
#[derive(Default)]
struct Merged {
    runs: Vec<(u32, u32, String)>,
    /// Whether the last run goes on if what comes next has the same traffic.
    is_open: bool,
    /// Whether all addresses so far were closed.
    has_passed: bool,
    end_is_closed: bool,
}

impl Merged {
    fn pass_over(&mut self, last: u32) {
        self.end_is_closed = last == u32::MAX;
    }

    fn add(&mut self, first: u32, last: u32, traffic: Option<String>) {
        let is_first = !self.has_passed;
        self.has_passed = true;
        let Some(traffic) = traffic else {
            self.is_open = false;
            return;
        };
        match self.runs.last_mut() {
            Some(run) if self.is_open && run.2 == traffic => run.1 = last,
            _ => {
                let first = if is_first { 0 } else { first };
                self.runs.push((first, last, traffic));
            }
        }
        self.is_open = true;
    }

    /// The networks that are told of, each run as few of them as it can be, and how many more there
    /// are.
    fn parts(mut self) -> (Vec<ReachedPart>, usize) {
        if self.is_open
            && self.end_is_closed
            && let Some(run) = self.runs.last_mut()
        {
            run.1 = u32::MAX;
        }
        let mut networks = self.runs.into_iter().flat_map(|(first, last, traffic)| {
            let networks = Ipv4Subnets::new(first.into(), last.into(), 0);
            networks.map(move |network| ReachedPart {
                network,
                traffic: traffic.clone(),
            })
        });
        let told = networks.by_ref().take(MAX_PARTS).collect();
        (told, networks.count())
    }
}

/// The networks of the rules and routes in which the two sides differ, and of the rules for groups
/// that have other members; none where the sides differ in anything else that answers depend on.
fn touched(before: &Snapshot, after: &Snapshot, id: &EndpointId) -> Option<BTreeSet<Ipv4Net>> {
    let is_same = before.settings == after.settings
        && before.endpoints == after.endpoints
        && before.associations == after.associations
        && before.vpcs == after.vpcs
        && before.subnets == after.subnets
        && before.route_tables == after.route_tables
        && before.internet_gateways == after.internet_gateways
        && before.peering_connections == after.peering_connections
        && before.vpn_connections == after.vpn_connections
        && before.security_groups == after.security_groups
        && before.resources == after.resources;
    if !is_same {
        return None;
    }
    let mut networks = BTreeSet::new();
    for (one, other) in [(before, after), (after, before)] {
        let there: HashSet<_> = other
            .rules_of(id)
            .map(|it| (it.destination, &it.access, &it.limits, it.state))
            .collect();
        for rule in one.rules_of(id) {
            let is_there =
                there.contains(&(rule.destination, &rule.access, &rule.limits, rule.state));
            let has_same_members = match &rule.access {
                Access::AllUsers => true,
                Access::Group(sid) => {
                    let members = one.groups.get(sid).map(|group| &group.members);
                    members == other.groups.get(sid).map(|group| &group.members)
                }
            };
            if !(is_there && has_same_members) {
                networks.insert(rule.destination);
            }
        }
        let there: HashSet<_> = other
            .routes_of(id)
            .map(|it| (it.destination, &it.subnet_id, it.state))
            .collect();
        let routes = one.routes_of(id);
        let lacking =
            routes.filter(|it| !there.contains(&(it.destination, &it.subnet_id, it.state)));
        networks.extend(lacking.map(|route| route.destination));
    }
    Some(networks)
}

/// The prefixes of one side that an answer may depend on.
fn prefixes_of(side: &Snapshot, endpoint: &Endpoint) -> Vec<Ipv4Net> {
    let mut prefixes: Vec<Ipv4Net> = SPECIAL
        .iter()
        .map(|&(address, length)| Ipv4Net::new_assert(address.into(), length))
        .collect();
    prefixes.extend(side.rules_of(&endpoint.id).map(|rule| rule.destination));
    prefixes.extend(side.routes_of(&endpoint.id).map(|route| route.destination));
    prefixes.extend(side.endpoints.values().map(|other| other.client_cidr));
    prefixes.extend(side.resources.values().map(|it| Ipv4Net::from(it.address)));
    for association in side.associations_of(&endpoint.id) {
        if let Some(subnet) = side.subnets.get(&association.subnet_id) {
            prefixes.extend(
                side.vpc_routes(subnet)
                    .into_iter()
                    .map(|(prefix, _)| prefix),
            );
        }
    }
    prefixes
}

/// The security groups of the endpoint and of resources.
fn groups_of<'s>(
    side: &'s Snapshot,
    endpoint: &Endpoint,
) -> impl Iterator<Item = &'s SecurityGroup> {
    let of_resources = side.resources.values().flat_map(|it| &it.security_groups);
    let ids: BTreeSet<_> = endpoint
        .security_groups
        .iter()
        .chain(of_resources)
        .collect();
    let ids: Vec<_> = ids.into_iter().cloned().collect();
    ids.into_iter()
        .filter_map(|id| side.security_groups.get(&id).map(AsRef::as_ref))
}

/// Cuts the address space where a prefix begins or ends. Of each part one address is asked about:
/// one that is not closed by itself, where there is one.
fn cut(prefixes: &BTreeSet<Ipv4Net>, closed: &BTreeSet<Ipv4Addr>) -> Vec<(u32, u32, Ipv4Addr)> {
    let mut starts = BTreeSet::from([0]);
    for prefix in prefixes {
        starts.insert(u32::from(prefix.network()));
        starts.extend(u32::from(prefix.broadcast()).checked_add(1));
    }
    let ends = starts.iter().skip(1).map(|start| start - 1);
    let parts = starts.iter().copied().zip(ends.chain([u32::MAX]));
    parts
        .map(|(first, last)| {
            let mut addresses = (first..=last).map(Ipv4Addr::from);
            let open = addresses.find(|address| !closed.contains(address));
            (first, last, open.unwrap_or_else(|| first.into()))
        })
        .collect()
}

/// Whether the destination is closed to everyone by what it is.
fn is_closed(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Deny(
            Reason::ThisNetwork
                | Reason::Loopback
                | Reason::LinkLocal
                | Reason::Multicast
                | Reason::Broadcast
                | Reason::Reserved
                | Reason::GatewayAddress
                | Reason::ClientToClient
        )
    )
}

/// Networks whose addresses the policy tells from all others.
const SPECIAL: [([u8; 4], u8); 5] = [
    ([0, 0, 0, 0], 8),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];
/// Most sessions that are told of.
const MAX_SESSIONS: usize = 1_000;
/// Most parts that are told of, of what one session gains, and of what it loses.
const MAX_PARTS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_beyond_those_told_of_are_counted() {
        let mut merged = Merged::default();
        for at in 0..60 {
            merged.add(at * 2, at * 2, Some("all traffic".to_owned()));
            merged.add(at * 2 + 1, at * 2 + 1, None);
        }
        let (told, more) = merged.parts();
        assert_eq!((told.len(), more), (MAX_PARTS, 60 - MAX_PARTS));
    }

    #[test]
    fn a_run_is_as_few_networks_as_it_can_be() {
        let mut merged = Merged::default();
        merged.add(0, 9, None);
        for first in 10..32 {
            merged.add(first, first, Some("all traffic".to_owned()));
        }
        let (told, more) = merged.parts();
        let networks: Vec<_> = told.iter().map(|it| it.network.to_string()).collect();
        assert_eq!(networks, ["0.0.0.10/31", "0.0.0.12/30", "0.0.0.16/28"]);
        assert_eq!(more, 0);
    }
}
