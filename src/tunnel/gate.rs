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

use super::{address::AddressRange, door::Doors, lease::Leases};
use crate::{
    model::{AssociationId, EndpointId, SubnetId},
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
    /// Destinations of its routes.
    pub(super) routes: Vec<Ipv4Net>,
}

#[derive(Debug)]
struct Places {
    leases: Leases,
    sessions: BTreeMap<AssociationId, usize>,
}

/// A session's place: an address and an association. Dropping it gives both back.
pub(super) struct Place {
    gate: Arc<Gate>,
    pub(super) address: Ipv4Addr,
    pub(super) association_id: AssociationId,
    pub(super) association: Association,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPlace {
    #[error("this endpoint is closing; try again in a moment")]
    Closing,
    #[error("no target network is associated with this endpoint")]
    NoAssociation,
    #[error("this endpoint has its most connections already ({0}); try again later")]
    TooManyConnections(usize),
    #[error("every address of the client range is in use; try again later")]
    RangeExhausted,
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
        let terms = self.terms();
        let mut places = self.lock();
        if places.leases.len() >= terms.max_connections {
            return Err(NoPlace::TooManyConnections(terms.max_connections));
        }
        let count = |id: &AssociationId| places.sessions.get(id).copied().unwrap_or(0);
        let (id, association) = terms
            .associations
            .iter()
            .min_by_key(|(id, _)| count(id))
            .ok_or(NoPlace::NoAssociation)?;
        let address = places.leases.lease(client).ok_or(NoPlace::RangeExhausted)?;
        *places.sessions.entry(id.clone()).or_default() += 1;
        Ok(Place {
            gate: Arc::clone(self),
            address,
            association_id: id.clone(),
            association: association.clone(),
        })
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

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.gate.lock();
        places.leases.release(self.address);
        if let Some(count) = places.sessions.get_mut(&self.association_id) {
            *count -= 1;
            if *count == 0 {
                places.sessions.remove(&self.association_id);
            }
        }
    }
}
