//! What a change would do to who reaches what, before it is made.
//!
//! The command is carried out in a transaction that is rolled back. The policies before and after
//! it are then asked the same questions: one address of each part of the address space that some
//! prefix of either tells apart, with each kind of traffic that some rule of either tells apart,
//! for each kind of live session. So the preview cannot differ from what packets would meet.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::Arc,
};

use ipnet::{Ipv4Net, Ipv4Subnets};
use jiff::Timestamp;

use super::{Service, aside, change::Change, kinds::Kinds, warnings};
use crate::{
    clock,
    model::{
        Answer, Command, Connection, Endpoint, EndpointId, Peer, Preview, ReachChange, ReachedPart,
        Refusal, SecurityGroup, Sid, Snapshot, SubnetId,
    },
    policy::{Asker, OwnAddresses, Policy, Reason, Traffic, Verdict, gateway_address},
    store::StoreError,
};

/// Why a transaction is rolled back that only looks.
enum Undone {
    Refused(Refusal),
    Seen {
        before: Arc<Snapshot>,
        after: Box<Snapshot>,
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
            };
            change.apply(command)?;
            let after = Box::new(change.tx.outcome()?);
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
            Ok(Answer::Preview(Preview {
                warnings: warnings::of(&asked, &before, &after, now),
                looked_at: live.len(),
                sessions: sides.changes(&live),
            }))
        };
        aside(compare).await
    }
}

/// The configuration before and after the change.
struct Sides<'a> {
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
type Difference = (Vec<ReachedPart>, Vec<ReachedPart>);

impl<'a> Sides<'a> {
    fn new(
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

    /// The sessions whose reach changes.
    fn changes(&self, live: &[Connection]) -> Vec<ReachChange> {
        let mut endpoints: BTreeMap<&EndpointId, Option<Compared>> = BTreeMap::new();
        let mut known: BTreeMap<Likeness<'_>, Difference> = BTreeMap::new();
        let mut changes = Vec::new();
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
            let (gains, loses) = known
                .entry(self.likeness(session, subnet, compared))
                .or_insert_with(|| compared.judge(session, subnet));
            if gains.is_empty() && loses.is_empty() {
                continue;
            }
            changes.push(ReachChange {
                connection_id: session.id.clone(),
                endpoint_id: session.endpoint_id.clone(),
                common_name: session.common_name.clone(),
                client_ip: session.client_ip,
                gains: gains.clone(),
                loses: loses.clone(),
            });
            if changes.len() == MAX_SESSIONS {
                break;
            }
        }
        changes
    }

    fn likeness<'s>(
        &'s self,
        session: &'s Connection,
        subnet: &'s SubnetId,
        compared: &Compared,
    ) -> Likeness<'s> {
        let groups = |side: &'s Snapshot| {
            let groups = side.groups_of(&session.common_name);
            groups.map(|group| &group.sid).collect()
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
    /// Networks that rules of security groups name.
    peers: BTreeSet<Ipv4Net>,
    /// First and last address of each part, and the one that is asked about.
    parts: Vec<(u32, u32, Ipv4Addr)>,
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
        for (side, endpoint) in [(before, &one), (after, &other)] {
            prefixes.extend(prefixes_of(side, endpoint));
            for rule in side.rules_of(id) {
                limits.extend(Kinds::limit(rule.limits.protocol, rule.limits.ports));
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
        (gains.parts(), loses.parts())
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

    fn parts(mut self) -> Vec<ReachedPart> {
        if self.is_open
            && self.end_is_closed
            && let Some(run) = self.runs.last_mut()
        {
            run.1 = u32::MAX;
        }
        let networks = self.runs.into_iter().flat_map(|(first, last, traffic)| {
            let networks = Ipv4Subnets::new(first.into(), last.into(), 0);
            networks.map(move |network| ReachedPart {
                network,
                traffic: traffic.clone(),
            })
        });
        networks.take(MAX_PARTS).collect()
    }
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
