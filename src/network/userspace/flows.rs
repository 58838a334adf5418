//! The table of a worker's flows.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Way;
use super::datagram::DatagramFlow;
use super::ready::{FlowWaker, ReadyQueue};
use super::tcp::TcpFlow;

/// What carries a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Carrier {
    Tcp,
    Udp,
    /// ICMP echo; the client's port is the identifier, the target's is 0.
    Echo,
}

/// What makes packets belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowKey {
    pub(super) carrier: Carrier,
    pub(super) client: SocketAddrV4,
    pub(super) target: SocketAddrV4,
}

/// A place in the table, and which of its tenants is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowId {
    index: usize,
    tenant: u32,
}

pub(super) enum Flow {
    Tcp(Box<TcpFlow>),
    Datagram(DatagramFlow),
}

impl Flow {
    pub(super) fn last_activity(&self) -> Instant {
        match self {
            Self::Tcp(flow) => flow.last_activity(),
            Self::Datagram(flow) => flow.last_activity(),
        }
    }

    /// Whether it is over but for late packets.
    pub(super) fn is_spent(&self) -> bool {
        match self {
            Self::Tcp(flow) => flow.is_spent(),
            Self::Datagram(_) => false,
        }
    }
}

/// A flow and what the stack keeps about it.
pub(super) struct Entry {
    pub(super) key: FlowKey,
    /// What its socket leads through.
    pub(super) way: Way,
    pub(super) flow: Flow,
    pub(super) waker: Arc<FlowWaker>,
    pub(super) task: Waker,
    /// When the flow wants to be polled even if nothing happens.
    pub(super) deadline: Option<Instant>,
    /// The earliest timer set for it, so that a later deadline needs no new one.
    pub(super) timer: Option<Instant>,
    /// Whether a packet came for it that it has not been polled for.
    pub(super) touched: bool,
    /// Whether it stands in a list of flows to be polled, so that none lists it twice.
    listed: bool,
}

impl Entry {
    /// Puts the flow into `list` unless it stands in one.
    pub(super) fn list(&mut self, id: FlowId, list: &mut Vec<FlowId>) {
        if !std::mem::replace(&mut self.listed, true) {
            list.push(id);
        }
    }

    /// Says that the flow was taken out of its list.
    pub(super) fn unlist(&mut self) {
        self.listed = false;
    }
}

#[derive(Default)]
struct Place {
    tenant: u32,
    entry: Option<Entry>,
}

/// Flows by what their packets carry and by a handle that outlives them safely.
#[derive(Default)]
pub(super) struct Flows {
    places: Vec<Place>,
    free: Vec<usize>,
    by_key: HashMap<FlowKey, FlowId>,
    /// How many flows of each [`Class`] a client has; clients without any are not in it.
    by_client: [HashMap<Ipv4Addr, usize>; 2],
    tcp: usize,
    /// The place from which the next sample is taken.
    hand: usize,
}

/// Flows that are limited together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Tcp,
    Datagram,
}

impl Class {
    fn of(carrier: Carrier) -> Self {
        match carrier {
            Carrier::Tcp => Self::Tcp,
            Carrier::Udp | Carrier::Echo => Self::Datagram,
        }
    }
}

/// Flows among which the one to give way is chosen.
const SAMPLE: usize = 64;

impl Flows {
    /// Flows that are TCP.
    pub(super) fn tcp(&self) -> usize {
        self.tcp
    }

    /// Flows that are UDP or echo.
    pub(super) fn datagrams(&self) -> usize {
        self.by_key.len() - self.tcp
    }

    /// Flows of one client that are limited together with those of `carrier`.
    pub(super) fn count(&self, carrier: Carrier, client: Ipv4Addr) -> usize {
        let counts = &self.by_client[Class::of(carrier) as usize];
        counts.get(&client).copied().unwrap_or(0)
    }

    pub(super) fn find(&self, key: &FlowKey) -> Option<FlowId> {
        self.by_key.get(key).copied()
    }

    pub(super) fn get_mut(&mut self, id: FlowId) -> Option<&mut Entry> {
        let place = self.places.get_mut(id.index)?;
        if place.tenant != id.tenant {
            return None;
        }
        place.entry.as_mut()
    }

    /// Adds a flow; the key must not be in the table.
    pub(super) fn insert(
        &mut self,
        key: FlowKey,
        way: Way,
        flow: Flow,
        ready: &Arc<ReadyQueue>,
    ) -> FlowId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        let place = &mut self.places[index];
        let id = FlowId {
            index,
            tenant: place.tenant,
        };
        let waker = FlowWaker::new(id, Arc::clone(ready));
        self.tcp += usize::from(key.carrier == Carrier::Tcp);
        *self.by_client[Class::of(key.carrier) as usize]
            .entry(*key.client.ip())
            .or_default() += 1;
        place.entry = Some(Entry {
            key,
            way,
            flow,
            task: Waker::from(Arc::clone(&waker)),
            waker,
            deadline: None,
            timer: None,
            touched: false,
            listed: false,
        });
        self.by_key.insert(key, id);
        id
    }

    pub(super) fn remove(&mut self, id: FlowId) -> Option<Entry> {
        let place = self
            .places
            .get_mut(id.index)
            .filter(|place| place.tenant == id.tenant)?;
        let entry = place.entry.take()?;
        place.tenant = place.tenant.wrapping_add(1);
        self.free.push(id.index);
        self.by_key.remove(&entry.key);
        self.tcp -= usize::from(entry.key.carrier == Carrier::Tcp);
        let client = *entry.key.client.ip();
        let counts = &mut self.by_client[Class::of(entry.key.carrier) as usize];
        if let Some(count) = counts.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&client);
            }
        }
        Some(entry)
    }

    /// The flow that makes room for another one of `client`, so that no client crowds out the rest:
    /// one of the client that has most, or of `client` itself once it has as many. Flows that are
    /// over go first, then those idle longest. `None` if a TCP flow in use would end for one more of
    /// the same client.
    pub(super) fn flow_to_give_way(
        &mut self,
        carrier: Carrier,
        client: Ipv4Addr,
    ) -> Option<FlowId> {
        let class = Class::of(carrier);
        let counts = &self.by_client[class as usize];
        let own = self.count(carrier, client);
        let (&crowding, &most) = counts
            .iter()
            .max_by_key(|&(client, count)| (*count, *client))?;
        // Between equals a TCP flow in use is worth more than one that only begins.
        let taken_from = if own + usize::from(class == Class::Tcp) < most {
            crowding
        } else {
            client
        };
        let id = self.sample(class, taken_from)?;
        let is_spent = self.get_mut(id).is_some_and(|entry| entry.flow.is_spent());
        (class == Class::Datagram || is_spent || taken_from != client).then_some(id)
    }

    /// Of the next flows of a client the one to be missed least. To look at all of them for each
    /// packet would let one client slow down the others.
    fn sample(&mut self, class: Class, client: Ipv4Addr) -> Option<FlowId> {
        let (before, after) = self.places.split_at(self.hand.min(self.places.len()));
        let start = before.len();
        let places = (start..).zip(after).chain((0..).zip(before));
        let sample: Vec<_> = places
            .filter_map(|(index, place)| Some((index, place.tenant, place.entry.as_ref()?)))
            .filter(|(_, _, entry)| {
                Class::of(entry.key.carrier) == class && *entry.key.client.ip() == client
            })
            .take(SAMPLE)
            .collect();
        let (last, ..) = sample.last()?;
        self.hand = last + 1;
        sample
            .iter()
            .min_by_key(|(_, _, entry)| (!entry.flow.is_spent(), entry.flow.last_activity()))
            .map(|&(index, tenant, _)| FlowId { index, tenant })
    }

    /// The flows of one client.
    pub(super) fn of_client(&self, client: Ipv4Addr) -> Vec<FlowId> {
        let own = self
            .iter()
            .filter(|(_, entry)| *entry.key.client.ip() == client);
        own.map(|(id, _)| id).collect()
    }

    fn iter(&self) -> impl Iterator<Item = (FlowId, &Entry)> {
        self.places.iter().enumerate().filter_map(|(index, place)| {
            let id = FlowId {
                index,
                tenant: place.tenant,
            };
            Some((id, place.entry.as_ref()?))
        })
    }
}
