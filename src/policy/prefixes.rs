//! Values by network, found by the longest prefix that has an address.
//!
//! A table that is asked once for each length of prefix there is. A trie takes a step for each bit
//! in which its prefixes differ, and so more of them the more prefixes there are.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    net::Ipv4Addr,
};

use ipnet::Ipv4Net;

#[derive(Debug)]
pub(super) struct Prefixes<T> {
    /// Bit `n` is set where there is a prefix of `n` bits.
    lengths: u64,
    values: HashMap<u64, T, BuildHasherDefault<Mixer>>,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self {
            lengths: 0,
            values: HashMap::default(),
        }
    }
}

impl<T> Prefixes<T> {
    /// The value of exactly this prefix; a new one where there was none.
    pub(super) fn at(&mut self, prefix: Ipv4Net) -> &mut T
    where
        T: Default,
    {
        self.lengths |= 1 << prefix.prefix_len();
        self.values.entry(key(prefix)).or_default()
    }

    /// The longest prefix that has the address.
    pub(super) fn longest(&self, address: Ipv4Addr) -> Option<(Ipv4Net, &T)> {
        self.covering(address).next()
    }

    /// The prefixes that have the address, longest first.
    pub(super) fn covering(&self, address: Ipv4Addr) -> impl Iterator<Item = (Ipv4Net, &T)> {
        let mut left = self.lengths;
        let lengths = std::iter::from_fn(move || {
            let length = left.checked_ilog2()?;
            left &= !(1 << length);
            u8::try_from(length).ok()
        });
        lengths.filter_map(move |length| {
            let prefix = Ipv4Net::new(address, length).ok()?.trunc();
            Some((prefix, self.values.get(&key(prefix))?))
        })
    }
}

fn key(prefix: Ipv4Net) -> u64 {
    u64::from(u32::from(prefix.network())) << 8 | u64::from(prefix.prefix_len())
}

/// A hash of one multiplication. Nobody can gain by collisions: what is in the table comes from the
/// administrator, and asking for more addresses does not add to it.
#[derive(Debug, Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(ODD);
        let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
        self.0 = u64::try_from(low ^ high).unwrap_or_default();
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// 2⁶⁴ divided by the golden ratio, which spreads neighbours far.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(prefixes: &[&str]) -> Prefixes<usize> {
        let mut all = Prefixes::default();
        for (index, prefix) in prefixes.iter().enumerate() {
            *all.at(prefix.parse().unwrap()) = index;
        }
        all
    }

    fn found(all: &Prefixes<usize>, address: &str) -> Vec<String> {
        let covering = all.covering(address.parse().unwrap());
        covering.map(|(prefix, _)| prefix.to_string()).collect()
    }

    #[test]
    fn the_longest_comes_first_and_from_everything_to_a_host_each_is_found() {
        let all = filled(&["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32"]);
        assert_eq!(
            found(&all, "10.1.2.3"),
            ["10.1.2.3/32", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0"]
        );
        assert_eq!(found(&all, "10.2.2.3"), ["10.0.0.0/8", "0.0.0.0/0"]);
        assert_eq!(found(&all, "255.255.255.255"), ["0.0.0.0/0"]);
        let longest = all.longest("10.1.9.9".parse().unwrap());
        assert_eq!(longest.map(|(_, value)| *value), Some(2));
        assert_eq!(found(&filled(&[]), "10.1.2.3"), [""; 0]);
    }

    #[test]
    fn a_prefix_has_one_value() {
        let mut all = filled(&["10.0.0.0/8"]);
        *all.at("10.0.0.0/8".parse().unwrap()) += 5;
        assert_eq!(
            all.longest("10.0.0.1".parse().unwrap()).map(|it| *it.1),
            Some(5)
        );
        assert_eq!(all.values.len(), 1);
    }
}
