//! The table of a worker's flows.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

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
}

/// A flow and what the stack keeps about it.
pub(super) struct Entry {
    pub(super) key: FlowKey,
    pub(super) flow: Flow,
    pub(super) waker: Arc<FlowWaker>,
    pub(super) task: Waker,
    /// When the flow wants to be polled even if nothing happens.
    pub(super) deadline: Option<Instant>,
    /// The earliest timer set for it, so that a later deadline needs no new one.
    pub(super) timer: Option<Instant>,
    /// Whether a packet came for it that it has not been polled for.
    pub(super) touched: bool,
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
    tcp: usize,
}

impl Flows {
    /// Flows that are TCP.
    pub(super) fn tcp(&self) -> usize {
        self.tcp
    }

    /// Flows that are UDP or echo.
    pub(super) fn datagrams(&self) -> usize {
        self.by_key.len() - self.tcp
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
    pub(super) fn insert(&mut self, key: FlowKey, flow: Flow, ready: &Arc<ReadyQueue>) -> FlowId {
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
        place.entry = Some(Entry {
            key,
            flow,
            task: Waker::from(Arc::clone(&waker)),
            waker,
            deadline: None,
            timer: None,
            touched: false,
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
        Some(entry)
    }

    /// The UDP or echo flow that has been idle longest.
    pub(super) fn oldest_datagram(&self) -> Option<FlowId> {
        let idle = self
            .iter()
            .filter(|(_, entry)| entry.key.carrier != Carrier::Tcp);
        idle.min_by_key(|(_, entry)| entry.flow.last_activity())
            .map(|(id, _)| id)
    }

    /// The TCP flow that is over but for late packets and has been so longest.
    pub(super) fn oldest_spent(&self) -> Option<FlowId> {
        let spent = self
            .iter()
            .filter(|(_, entry)| matches!(&entry.flow, Flow::Tcp(flow) if flow.is_spent()));
        spent
            .min_by_key(|(_, entry)| entry.flow.last_activity())
            .map(|(id, _)| id)
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
