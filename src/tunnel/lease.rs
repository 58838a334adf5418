//! The addresses of one client range: who has which, and who gets which.

use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    sync::Arc,
};

use ipnet::Ipv4Net;

/// The leases of one client range.
///
/// The network's and the broadcast address name no host, and the first host address is the
/// gateway's. Addresses that were never used go first, then the one that has been free longest, so
/// that whoever comes back finds its previous address free for as long as possible.
#[derive(Debug)]
pub(super) struct Leases {
    range: Ipv4Net,
    /// By offset from the network's address: who has it, or had it last.
    holders: Vec<Holder>,
    /// The offsets that a client had last, or has: several if it is connected several times.
    previous: BTreeMap<Arc<str>, Vec<u32>>,
    /// Offsets that have been given back, the longest free first. It may name one that was leased
    /// again since, or one twice.
    returned: VecDeque<u32>,
    /// The lowest offset that was never leased.
    fresh: u32,
    leased: usize,
}

#[derive(Clone, Debug, Default)]
struct Holder {
    client: Option<Arc<str>>,
    is_leased: bool,
}

impl Leases {
    /// All addresses of `range` free; `range` is at least a /30.
    pub(super) fn new(range: Ipv4Net) -> Self {
        let range = range.trunc();
        let size = 1usize << (32 - u32::from(range.prefix_len().max(16)));
        Self {
            range,
            holders: vec![Holder::default(); size],
            previous: BTreeMap::new(),
            returned: VecDeque::new(),
            fresh: FIRST,
            leased: 0,
        }
    }

    /// An address for `client`: its previous one if that is free. `None` if none is free.
    pub(super) fn lease(&mut self, client: &str) -> Option<Ipv4Addr> {
        let offset = self.previous_of(client).or_else(|| self.next_free())?;
        self.give(offset, client);
        Some(self.address(offset))
    }

    /// Gives an address back.
    pub(super) fn release(&mut self, address: Ipv4Addr) {
        let Some(offset) = self.offset(address) else {
            return;
        };
        let holder = &mut self.holders[offset as usize];
        if std::mem::take(&mut holder.is_leased) {
            self.leased -= 1;
            // An address that came and went again is in the queue from before; it is enough once.
            if self.returned.len() < self.holders.len() {
                self.returned.push_back(offset);
            } else {
                self.compact(offset);
            }
        }
    }

    /// Addresses in use.
    pub(super) fn len(&self) -> usize {
        self.leased
    }

    fn previous_of(&self, client: &str) -> Option<u32> {
        let mut offsets = self.previous.get(client)?.iter().copied();
        offsets.find(|&offset| !self.holders[offset as usize].is_leased)
    }

    fn next_free(&mut self) -> Option<u32> {
        if self.fresh < self.last() {
            self.fresh += 1;
            return Some(self.fresh - 1);
        }
        while let Some(offset) = self.returned.pop_front() {
            if !self.holders[offset as usize].is_leased {
                return Some(offset);
            }
        }
        None
    }

    fn give(&mut self, offset: u32, client: &str) {
        let client: Arc<str> = client.into();
        let holder = Holder {
            client: Some(Arc::clone(&client)),
            is_leased: true,
        };
        let before = std::mem::replace(&mut self.holders[offset as usize], holder);
        if let Some(other) = before.client {
            self.forget(&other, offset);
        }
        self.previous.entry(client).or_default().push(offset);
        self.leased += 1;
    }

    fn forget(&mut self, client: &str, offset: u32) {
        if let Some(offsets) = self.previous.get_mut(client) {
            offsets.retain(|&other| other != offset);
            if offsets.is_empty() {
                self.previous.remove(client);
            }
        }
    }

    /// Rewrites the queue of returned offsets without those that are leased and without repeats,
    /// with `newest` at its end.
    fn compact(&mut self, newest: u32) {
        let mut seen = vec![false; self.holders.len()];
        seen[newest as usize] = true;
        let holders = &self.holders;
        self.returned.retain(|&offset| {
            let is_free = !holders[offset as usize].is_leased;
            is_free && !std::mem::replace(&mut seen[offset as usize], true)
        });
        self.returned.push_back(newest);
    }

    fn offset(&self, address: Ipv4Addr) -> Option<u32> {
        let offset = u32::from(address).checked_sub(self.range.network().into())?;
        (FIRST..self.last()).contains(&offset).then_some(offset)
    }

    fn address(&self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.range.network()) + offset)
    }

    /// The offset of the broadcast address: the first that is not for clients.
    fn last(&self) -> u32 {
        u32::try_from(self.holders.len() - 1).expect("a range has at most 65,536 addresses")
    }
}

/// The first address for clients: after the network's and the gateway's ([`crate::policy::gateway_address`]).
const FIRST: u32 = 2;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn network_gateway_and_broadcast_address_are_never_leased() {
        let mut leases = Leases::new(range("10.8.0.0/29"));
        let leased: Vec<_> = (0..).map_while(|n| leases.lease(&n.to_string())).collect();
        let expected: Vec<Ipv4Addr> = (2..7).map(|n| Ipv4Addr::new(10, 8, 0, n)).collect();
        assert_eq!(leased, expected);
        assert!(!leased.contains(&crate::policy::gateway_address(range("10.8.0.0/29"))));
    }

    #[test]
    fn a_client_gets_its_previous_address_back() {
        let mut leases = Leases::new(range("10.8.0.0/29"));
        let first = leases.lease("ada").unwrap();
        leases.lease("bob").unwrap();
        leases.release(first);
        assert_ne!(leases.lease("cyd").unwrap(), first);
        assert_eq!(leases.lease("ada").unwrap(), first);
    }

    #[test]
    fn a_client_that_is_connected_twice_has_two_addresses() {
        let mut leases = Leases::new(range("10.8.0.0/29"));
        let first = leases.lease("ada").unwrap();
        let second = leases.lease("ada").unwrap();
        assert_ne!(first, second);
        assert_eq!(leases.len(), 2);
    }

    #[test]
    fn an_exhausted_range_leases_again_after_a_release() {
        let mut leases = Leases::new(range("10.8.0.0/30"));
        let only = leases.lease("ada").unwrap();
        assert_eq!(leases.lease("bob"), None);
        leases.release(only);
        leases.release(only);
        assert_eq!(leases.lease("bob"), Some(only));
        assert_eq!(leases.lease("ada"), None);
        assert_eq!(leases.len(), 1);
    }

    #[test]
    fn memory_of_who_had_what_is_bounded_by_the_range() {
        let mut leases = Leases::new(range("10.8.0.0/28"));
        for client in 0..1000 {
            let address = leases.lease(&client.to_string()).unwrap();
            leases.release(address);
        }
        assert!(leases.previous.len() <= 16);
        assert!(leases.returned.len() <= 16);
    }

    proptest! {
        #[test]
        fn no_address_is_ever_leased_twice_at_once(
            steps in prop::collection::vec((0u8..12, any::<bool>()), 1..300),
        ) {
            let mut leases = Leases::new(range("10.8.0.0/29"));
            let mut held: BTreeMap<u8, Vec<Ipv4Addr>> = BTreeMap::new();
            for (client, arrives) in steps {
                let mine = held.entry(client).or_default();
                if arrives {
                    mine.extend(leases.lease(&client.to_string()));
                } else if let Some(address) = mine.pop() {
                    leases.release(address);
                }
                let all: Vec<_> = held.values().flatten().copied().collect();
                let distinct: BTreeSet<_> = all.iter().collect();
                prop_assert_eq!(all.len(), distinct.len());
                prop_assert_eq!(all.len(), leases.len());
                let probe = leases.lease("probe");
                prop_assert_eq!(probe.is_some(), all.len() < 5);
                if let Some(address) = probe {
                    leases.release(address);
                }
            }
        }
    }
}
