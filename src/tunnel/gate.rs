//! One endpoint as it runs: what its workers and sessions share.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use arc_swap::ArcSwap;
use ipnet::Ipv4Net;
use tokio::sync::watch;

use super::{address::AddressRange, door::Doors, lease::Leases, told::Told};
use crate::{
    model::{AssociationId, EndpointId, FailureReason, SubnetId},
    network::EgressId,
    openvpn::ServerConfig,
    policy::Policy,
};

/// Tells listeners apart, also two that the same endpoint had one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GateKey(u32);

impl GateKey {
    fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One endpoint as it runs.
pub(super) struct Gate {
    pub(super) key: GateKey,
    pub(super) endpoint_id: EndpointId,
    pub(super) port: u16,
    pub(super) client_range: Ipv4Net,
    pub(super) addresses: Arc<AddressRange>,
    pub(super) doors: Arc<Doors>,
    /// Judges every packet; replaced as a whole when routes, rules or the host's addresses change.
    pub(super) policy: ArcSwap<Policy>,
    /// What new handshakes use.
    pub(super) server: ArcSwap<ServerConfig>,
    /// What sessions get. Each of them watches it, to tell its client what is new.
    pub(super) terms: watch::Sender<Arc<Terms>>,
    /// No new session comes in.
    pub(super) is_closing: AtomicBool,
    places: Mutex<Places>,
}

/// What a gate is made of.
pub(super) struct Opening {
    pub(super) endpoint_id: EndpointId,
    pub(super) port: u16,
    pub(super) client_range: Ipv4Net,
    pub(super) policy: Policy,
    pub(super) server: Arc<ServerConfig>,
    pub(super) terms: Terms,
}

/// What a session is given when it comes in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// The associations that run, with their subnets.
    pub(super) associations: BTreeMap<AssociationId, Association>,
    pub(super) split_tunnel: bool,
    pub(super) dns_servers: Vec<Ipv4Addr>,
    /// The most sessions at once.
    pub(super) max_connections: usize,
}

/// An association that sessions can be bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Association {
    pub(super) subnet_id: SubnetId,
    /// Its subnet's Availability Zone.
    pub(super) zone: String,
    /// How packets leave this machine for it.
    pub(super) egress: EgressId,
    /// Whether that way out was opened, so that it is known whether it works.
    pub(super) is_open: bool,
    /// Why it carries nothing, as a sentence.
    pub(super) trouble: Option<String>,
    /// Destinations of its routes.
    pub(super) routes: Vec<Ipv4Net>,
}

/// What a session is bound to; read for every packet of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) association_id: AssociationId,
    pub(super) subnet_id: SubnetId,
    pub(super) egress: EgressId,
    zone: String,
}

impl Binding {
    fn to(id: &AssociationId, association: &Association) -> Self {
        Self {
            association_id: id.clone(),
            subnet_id: association.subnet_id.clone(),
            egress: association.egress,
            zone: association.zone.clone(),
        }
    }
}

#[derive(Debug)]
struct Places {
    leases: Leases,
    /// Sessions of each association.
    sessions: BTreeMap<AssociationId, usize>,
    /// Of each session, by its address.
    bindings: BTreeMap<Ipv4Addr, Arc<ArcSwap<Binding>>>,
}

/// A session's place: an address and an association. Dropping it gives both back.
pub(super) struct Place {
    gate: Arc<Gate>,
    pub(super) address: Ipv4Addr,
    /// Changes when its association fails or goes while others stay.
    pub(super) binding: Arc<ArcSwap<Binding>>,
}

/// Why there is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPlace {
    #[error("this endpoint is closing; try again in a moment")]
    Closing,
    #[error("no target network is associated with this endpoint")]
    NoAssociation,
    #[error("none of this endpoint's target networks can be reached now: {0}")]
    NoneHealthy(String),
    #[error(
        "this endpoint has {0} connections, as many as it may have; try again later, or have an \
         administrator raise MaxConnections in Settings"
    )]
    TooManyConnections(usize),
    #[error(
        "every address of the client range {0} is in use; try again later, or use an endpoint with a \
         larger range"
    )]
    RangeExhausted(Ipv4Net),
}

impl NoPlace {
    /// The connection log's word for it.
    pub(super) fn failure(&self) -> FailureReason {
        match self {
            Self::Closing => FailureReason::EndpointClosing,
            Self::NoAssociation => FailureReason::NoTargetNetwork,
            Self::NoneHealthy(_) => FailureReason::TargetNetworkUnreachable,
            Self::TooManyConnections(_) => FailureReason::ConnectionLimit,
            Self::RangeExhausted(_) => FailureReason::ClientRangeExhausted,
        }
    }
}

impl Gate {
    pub(super) fn new(opening: Opening) -> Self {
        Self {
            key: GateKey::next(),
            addresses: Arc::new(AddressRange::new(opening.client_range)),
            doors: Arc::default(),
            policy: ArcSwap::from_pointee(opening.policy),
            server: ArcSwap::new(opening.server),
            terms: watch::Sender::new(Arc::new(opening.terms)),
            is_closing: AtomicBool::new(false),
            places: Mutex::new(Places {
                leases: Leases::new(opening.client_range),
                sessions: BTreeMap::new(),
                bindings: BTreeMap::new(),
            }),
            endpoint_id: opening.endpoint_id,
            port: opening.port,
            client_range: opening.client_range,
        }
    }

    /// A place for a client: its previous address if that is free, in the association that has the
    /// fewest sessions.
    pub(super) fn take_place(self: &Arc<Self>, client: &str) -> Result<Place, NoPlace> {
        if self.is_closing.load(Ordering::Acquire) {
            return Err(NoPlace::Closing);
        }
        let mut places = self.lock();
        let terms = self.terms();
        if places.leases.len() >= terms.max_connections {
            return Err(NoPlace::TooManyConnections(terms.max_connections));
        }
        let binding = places.choose(&terms, None)?;
        let address = places.leases.lease(client);
        let address = address.ok_or(NoPlace::RangeExhausted(self.client_range))?;
        places.count(&binding.association_id);
        let binding = Arc::new(ArcSwap::from_pointee(binding));
        places.bindings.insert(address, Arc::clone(&binding));
        Ok(Place {
            gate: Arc::clone(self),
            address,
            binding,
        })
    }

    /// Replaces what sessions get, and says how many of them are bound otherwise now: a session moves
    /// when its association goes or does not work and another one works. Nothing moves it back.
    pub(super) fn set_terms(&self, terms: &Terms) -> usize {
        if **self.terms.borrow() == *terms {
            return 0;
        }
        // Under the lock, so that nobody is bound by the earlier ones meanwhile.
        let mut places = self.lock();
        let moved = places.rebind(terms);
        self.terms.send_replace(Arc::new(terms.clone()));
        moved
    }

    /// What the client at `place` is to be told; none once the endpoint has no association.
    pub(super) fn told(&self, place: &Place) -> Option<Told> {
        let _unchanged = self.lock();
        let terms = self.terms();
        let binding = place.binding.load();
        let association = terms.associations.get(&binding.association_id)?;
        Some(Told::of(&terms, association))
    }

    /// What sessions get now.
    pub(super) fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.terms.borrow())
    }

    /// Whether any session has a place.
    pub(super) fn has_sessions(&self) -> bool {
        self.lock().leases.len() > 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// The association for a session that comes in, or that has been `at` another one: a healthy one,
    /// of which nobody has to wait and see whether it works, in another Availability Zone first, of
    /// those the one with the fewest sessions.
    fn choose(&self, terms: &Terms, at: Option<&Binding>) -> Result<Binding, NoPlace> {
        let count = |id: &AssociationId| self.sessions.get(id).copied().unwrap_or(0);
        let is_same_zone = |it: &Association| at.is_some_and(|at| at.zone == it.zone);
        let healthy = terms
            .associations
            .iter()
            .filter(|(_, a)| a.trouble.is_none());
        healthy
            .min_by_key(|(id, it)| (!it.is_open, is_same_zone(it), count(id)))
            .map(|(id, association)| Binding::to(id, association))
            .ok_or_else(|| {
                let troubles = terms.associations.values().map(|a| a.trouble.as_ref());
                match troubles.flatten().next() {
                    Some(trouble) => NoPlace::NoneHealthy(trouble.trim_end_matches('.').to_owned()),
                    None => NoPlace::NoAssociation,
                }
            })
    }

    /// Where a session that is bound so should be by `terms`; none where it stays as it is.
    fn better(&self, terms: &Terms, now: &Binding) -> Option<Binding> {
        let own = terms.associations.get(&now.association_id);
        if let Some(own) = own.filter(|own| own.trouble.is_none()) {
            // By the way out that it has until the new one is open.
            return own.is_open.then(|| Binding::to(&now.association_id, own));
        }
        // Where nothing works it waits for its own association, or for any that is left.
        self.choose(terms, Some(now)).ok().or_else(|| {
            let left = own.map(|own| (&now.association_id, own));
            let (id, association) = left.or_else(|| terms.associations.first_key_value())?;
            Some(Binding::to(id, association))
        })
    }

    /// Binds every session as `terms` want it; says for how many that is news.
    fn rebind(&mut self, terms: &Terms) -> usize {
        let bindings: Vec<_> = self.bindings.values().map(Arc::clone).collect();
        let mut moved = 0;
        for binding in bindings {
            let now = binding.load_full();
            let Some(next) = self.better(terms, &now).filter(|next| *next != *now) else {
                continue;
            };
            self.discount(&now.association_id);
            self.count(&next.association_id);
            binding.store(Arc::new(next));
            moved += 1;
        }
        moved
    }

    fn count(&mut self, id: &AssociationId) {
        *self.sessions.entry(id.clone()).or_default() += 1;
    }

    fn discount(&mut self, id: &AssociationId) {
        if let Some(count) = self.sessions.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                self.sessions.remove(id);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.gate.lock();
        places.leases.release(self.address);
        places.bindings.remove(&self.address);
        places.discount(&self.binding.load().association_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> AssociationId {
        AssociationId::from_random([number; 9])
    }

    /// Associations by number, zone and whether they work.
    fn terms(associations: &[(u8, &str, bool)]) -> Terms {
        let all = associations.iter().map(|&(number, zone, works)| {
            let association = Association {
                subnet_id: SubnetId::from_random([number; 9]),
                zone: zone.to_owned(),
                egress: EgressId(number.into()),
                is_open: true,
                trouble: (!works).then(|| format!("Association {number} fails.")),
                routes: Vec::new(),
            };
            (id(number), association)
        });
        Terms {
            associations: all.collect(),
            ..Terms::default()
        }
    }

    /// Sessions that are bound by number.
    fn places(sessions: &[u8], terms: &Terms) -> Places {
        let mut places = Places {
            leases: Leases::new("10.8.0.0/22".parse().unwrap()),
            sessions: BTreeMap::new(),
            bindings: BTreeMap::new(),
        };
        for (index, &number) in sessions.iter().enumerate() {
            let binding = Binding::to(&id(number), &terms.associations[&id(number)]);
            places.count(&binding.association_id);
            let address = Ipv4Addr::from(0x0a08_0002 + u32::try_from(index).unwrap());
            let binding = Arc::new(ArcSwap::from_pointee(binding));
            places.bindings.insert(address, binding);
        }
        places
    }

    fn counts(places: &Places) -> Vec<usize> {
        let count = |number| places.sessions.get(&id(number)).copied().unwrap_or(0);
        (1..=4).map(count).collect()
    }

    const ALL: [(u8, &str, bool); 4] = [
        (1, "a", true),
        (2, "a", true),
        (3, "b", true),
        (4, "c", true),
    ];

    fn failing(numbers: &[u8]) -> Terms {
        let all = ALL.map(|(number, zone, _)| (number, zone, !numbers.contains(&number)));
        terms(&all)
    }

    #[test]
    fn sessions_move_to_other_zones_first_and_spread_there() {
        let mut places = places(&[1, 1, 1, 4], &terms(&ALL));
        assert_eq!(places.rebind(&failing(&[1])), 3);
        assert_eq!(counts(&places), [0, 0, 2, 2]);
        // Nothing moves back,
        assert_eq!(places.rebind(&terms(&ALL)), 0);
        assert_eq!(places.rebind(&failing(&[1, 4])), 2);
        assert_eq!(counts(&places), [0, 2, 2, 0]);
        assert_eq!(places.rebind(&failing(&[1, 3, 4])), 2);
        assert_eq!(counts(&places), [0, 4, 0, 0]);
        // the own zone will do where the others fail,
        assert_eq!(places.rebind(&failing(&[2, 3, 4])), 4);
        assert_eq!(counts(&places), [4, 0, 0, 0]);
        // and where all fail they stay.
        assert_eq!(places.rebind(&failing(&[1, 2, 3, 4])), 0);
        let refused = places.choose(&failing(&[1, 2, 3, 4]), None);
        let sentence = "Association 1 fails".to_owned();
        assert_eq!(refused, Err(NoPlace::NoneHealthy(sentence)));
    }

    #[test]
    fn a_way_out_that_was_not_opened_yet_is_chosen_only_where_there_is_no_other() {
        let opening = |numbers: &[u8]| {
            let mut terms = terms(&ALL);
            for &number in numbers {
                let association = terms.associations.get_mut(&id(number)).unwrap();
                association.is_open = false;
                association.egress = EgressId(100 + u16::from(number));
            }
            terms
        };
        let mut places = places(&[2, 3, 3, 4, 4, 4], &terms(&ALL));
        let chosen = |places: &Places, terms: &Terms, at| {
            let binding = places.choose(terms, at).unwrap();
            binding.association_id
        };
        // One is empty, and would be the next one's.
        assert_eq!(chosen(&places, &terms(&ALL), None), id(1));
        assert_eq!(chosen(&places, &opening(&[1]), None), id(2));
        assert_eq!(chosen(&places, &opening(&[1, 2, 3, 4]), None), id(1));
        let at = terms(&ALL).associations[&id(4)].clone();
        let at = Binding::to(&id(4), &at);
        assert_eq!(chosen(&places, &opening(&[1, 2]), Some(&at)), id(3));

        // A session stays by its way out until the new one is open.
        assert_eq!(places.rebind(&opening(&[4])), 0);
        let mut open = opening(&[4]);
        open.associations.get_mut(&id(4)).unwrap().is_open = true;
        assert_eq!(places.rebind(&open), 3);
        assert_eq!(counts(&places), [0, 1, 2, 3]);
    }

    #[test]
    fn sessions_of_an_association_that_goes_wait_in_another_where_none_works() {
        let mut places = places(&[1], &terms(&ALL));
        assert_eq!(places.rebind(&terms(&[(2, "a", false)])), 1);
        assert_eq!(counts(&places), [0, 1, 0, 0]);
        assert_eq!(
            places.choose(&Terms::default(), None),
            Err(NoPlace::NoAssociation)
        );
    }
}
