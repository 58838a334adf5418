//! Which session has which address of a client range: read for every packet from the network.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use arc_swap::ArcSwap;
use ipnet::Ipv4Net;

use crate::openvpn::PeerId;

/// One client range, with the session that each address belongs to.
///
/// A table rather than a map: a lookup is one load, without a lock, and a /16 takes 256 KiB.
#[derive(Debug)]
pub(super) struct AddressRange {
    network: Ipv4Net,
    owners: Box<[AtomicU32]>,
}

impl AddressRange {
    /// A range of which no address belongs to anyone.
    pub(super) fn new(network: Ipv4Net) -> Self {
        let network = network.trunc();
        let size = 1usize << (32 - u32::from(network.prefix_len().max(16)));
        Self {
            network,
            owners: (0..size).map(|_| AtomicU32::new(PeerId::NONE)).collect(),
        }
    }

    /// Gives `address` to a session.
    pub(super) fn assign(&self, address: Ipv4Addr, owner: PeerId) {
        if let Some(entry) = self.entry(address) {
            entry.store(owner.as_u32(), Ordering::Release);
        }
    }

    /// Takes `address` from a session, unless it is another's by now.
    pub(super) fn withdraw(&self, address: Ipv4Addr, owner: PeerId) {
        if let Some(entry) = self.entry(address) {
            // Another's address stays as it is; that is no failure.
            entry
                .compare_exchange(
                    owner.as_u32(),
                    PeerId::NONE,
                    Ordering::AcqRel,
                    Ordering::Relaxed,
                )
                .ok();
        }
    }

    fn owner(&self, address: Ipv4Addr) -> Option<PeerId> {
        PeerId::new(self.entry(address)?.load(Ordering::Acquire))
    }

    fn entry(&self, address: Ipv4Addr) -> Option<&AtomicU32> {
        if !self.network.contains(&address) {
            return None;
        }
        let offset = u32::from(address) - u32::from(self.network.network());
        self.owners.get(offset as usize)
    }
}

/// The ranges of all endpoints that run.
#[derive(Debug, Default)]
pub(super) struct AddressBook {
    ranges: ArcSwap<Vec<Arc<AddressRange>>>,
}

impl AddressBook {
    /// Replaces the ranges.
    pub(super) fn set_ranges(&self, ranges: Vec<Arc<AddressRange>>) {
        self.ranges.store(Arc::new(ranges));
    }

    /// A view of the ranges as they are now, to look up a batch of packets in.
    pub(super) fn view(&self) -> AddressView {
        AddressView(self.ranges.load_full())
    }
}

/// The ranges at one moment.
pub(super) struct AddressView(Arc<Vec<Arc<AddressRange>>>);

impl AddressView {
    /// The session that `address` belongs to.
    pub(super) fn owner(&self, address: Ipv4Addr) -> Option<PeerId> {
        self.0.iter().find_map(|range| range.owner(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_whom_it_was_assigned_last() {
        let range = Arc::new(AddressRange::new("10.8.0.0/22".parse().unwrap()));
        let book = AddressBook::default();
        book.set_ranges(vec![Arc::clone(&range)]);
        let address = Ipv4Addr::new(10, 8, 3, 254);
        let (ada, bob) = (PeerId::new(8).unwrap(), PeerId::new(9).unwrap());

        assert_eq!(book.view().owner(address), None);
        range.assign(address, ada);
        range.assign(address, bob);
        range.withdraw(address, ada);
        assert_eq!(book.view().owner(address), Some(bob));
        range.withdraw(address, bob);
        assert_eq!(book.view().owner(address), None);
        assert_eq!(book.view().owner(Ipv4Addr::new(10, 9, 0, 2)), None);
    }
}
