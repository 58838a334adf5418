//! What came from addresses that have not proven themselves, counted by reason and prefix.
//!
//! Whoever sends from forged addresses can make up any number of prefixes, so only so many are told
//! apart; those that were not heard of for a while make room for others.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::{SignedDuration, Timestamp};

use crate::model::UnprovenPrefix;

/// The counts of one worker.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    by_prefix: HashMap<IpNet, Entry>,
    /// Of all other prefixes.
    others: Entry,
    /// When room was made last.
    tidied_at: Timestamp,
}

#[derive(Debug, Default)]
struct Entry {
    reasons: BTreeMap<&'static str, u64>,
    last_at: Timestamp,
}

impl Entry {
    fn count(&mut self, reason: &'static str, count: u64, at: Timestamp) {
        *self.reasons.entry(reason).or_default() += count;
        self.last_at = self.last_at.max(at);
    }
}

impl Strangers {
    /// Counts one packet.
    pub(super) fn count(&self, remote: IpAddr, reason: &'static str, now: Timestamp) {
        let prefix = prefix(remote);
        let mut counts = self.lock();
        if !counts.by_prefix.contains_key(&prefix) && counts.by_prefix.len() >= MAX_PREFIXES {
            counts.tidy(now);
        }
        let is_full = counts.by_prefix.len() >= MAX_PREFIXES;
        let entry = match counts.by_prefix.get_mut(&prefix) {
            Some(entry) => entry,
            None if is_full => &mut counts.others,
            None => counts.by_prefix.entry(prefix).or_default(),
        };
        entry.count(reason, 1, now);
    }

    /// Adds what was counted to `total`.
    pub(super) fn add_to(&self, total: &mut Totals) {
        let counts = self.lock();
        let named = counts.by_prefix.iter();
        let named = named.map(|(prefix, entry)| (Some(*prefix), entry));
        for (prefix, entry) in named.chain([(None, &counts.others)]) {
            let sum = total.0.entry(prefix).or_default();
            for (reason, count) in &entry.reasons {
                sum.count(reason, *count, entry.last_at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Counts those among the others that were not heard of for long; not more often than it is
    /// worth while a flood goes on.
    fn tidy(&mut self, now: Timestamp) {
        if now.duration_since(self.tidied_at) < TIDIED_EVERY {
            return;
        }
        self.tidied_at = now;
        let others = &mut self.others;
        self.by_prefix.retain(|_, entry| {
            let is_recent = now.duration_since(entry.last_at) < HEARD_OF;
            if !is_recent {
                for (reason, count) in &entry.reasons {
                    others.count(reason, *count, entry.last_at);
                }
            }
            is_recent
        });
    }
}

/// The sum over all workers.
#[derive(Debug, Default)]
pub(super) struct Totals(BTreeMap<Option<IpNet>, Entry>);

impl Totals {
    /// The prefixes that sent most, first the loudest, and one line for all others.
    pub(super) fn loudest(self) -> Vec<UnprovenPrefix> {
        let mut others = Entry::default();
        let mut named = Vec::new();
        for (prefix, entry) in self.0 {
            match prefix {
                Some(_) => named.push(line(prefix, entry)),
                None => others = entry,
            }
        }
        named.sort_by_key(|it| (std::cmp::Reverse(it.count), it.prefix));
        let mut others = line(None, others);
        for beyond in named.drain(SHOWN.min(named.len())..) {
            others.count += beyond.count;
            others.last_at = others.last_at.max(beyond.last_at);
            for (reason, count) in beyond.reasons {
                *others.reasons.entry(reason).or_default() += count;
            }
        }
        named.extend((others.count > 0).then_some(others));
        named
    }
}

fn line(prefix: Option<IpNet>, entry: Entry) -> UnprovenPrefix {
    let reasons = entry.reasons.into_iter();
    UnprovenPrefix {
        prefix,
        last_at: entry.last_at,
        reasons: reasons.map(|(name, n)| (name.to_owned(), n)).collect(),
        count: 0,
    }
    .summed()
}

/// How many attempts of each prefix were recorded within the minute. Whoever comes again and again
/// would push out the records of all others.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    of_minute: Mutex<(i64, HashMap<IpNet, u32>)>,
}

impl Recorded {
    /// Whether one more is recorded.
    pub(super) fn takes(&self, remote: IpAddr, now: Timestamp) -> bool {
        let mut recorded = self
            .of_minute
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (minute, by_prefix) = &mut *recorded;
        let this = now.as_second().div_euclid(60);
        if *minute != this {
            *minute = this;
            by_prefix.clear();
        }
        let prefix = prefix(remote);
        if by_prefix.len() >= MAX_PREFIXES && !by_prefix.contains_key(&prefix) {
            return false;
        }
        let count = by_prefix.entry(prefix).or_default();
        *count = count.saturating_add(1);
        *count <= RECORDED_A_MINUTE
    }
}

/// Why an attempt has no record though it was one.
pub(super) const TOO_MANY: &str = "too-many-attempts";

/// The part of an address that one customer usually has to itself: /24, or /56 for IPv6.
fn prefix(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), 24))
        }
        IpAddr::V6(ip) => {
            let kept = ip.to_bits() >> 72 << 72;
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_bits(kept), 56))
        }
    }
}

/// Attempts of one prefix that are recorded within a minute.
const RECORDED_A_MINUTE: u32 = 600;
/// Prefixes that one worker tells apart.
const MAX_PREFIXES: usize = 1024;
/// Prefixes that are shown.
const SHOWN: usize = 50;
/// A prefix that was not heard of for so long makes room for another.
const HEARD_OF: SignedDuration = SignedDuration::from_mins(60);
const TIDIED_EVERY: SignedDuration = SignedDuration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn shown(strangers: &[&Strangers]) -> Vec<UnprovenPrefix> {
        let mut totals = Totals::default();
        strangers.iter().for_each(|it| it.add_to(&mut totals));
        totals.loudest()
    }

    #[test]
    fn prefixes_are_told_apart_and_summed_over_workers() {
        let (one, two) = (Strangers::default(), Strangers::default());
        assert!(shown(&[&one, &two]).is_empty());
        one.count([198, 51, 100, 7].into(), "bad-cookie", at(1));
        two.count([198, 51, 100, 9].into(), "bad-cookie", at(3));
        two.count([198, 51, 100, 9].into(), "truncated", at(2));
        two.count([192, 0, 2, 1].into(), "truncated", at(2));
        two.count("::ffff:192.0.2.9".parse().unwrap(), "truncated", at(2));
        one.count("2001:db8:1:2ff::1".parse().unwrap(), "truncated", at(2));
        let all = shown(&[&one, &two]);
        let named: Vec<_> = all
            .iter()
            .map(|it| (it.prefix.unwrap().to_string(), it.count))
            .collect();
        let expected = [
            ("198.51.100.0/24", 3),
            ("192.0.2.0/24", 2),
            ("2001:db8:1:200::/56", 1),
        ];
        assert_eq!(
            named,
            expected.map(|(prefix, count)| (prefix.to_owned(), count))
        );
        assert_eq!(all[0].reasons["bad-cookie"], 2);
        assert_eq!(all[0].last_at, at(3));
    }

    #[test]
    fn a_prefix_has_so_many_records_a_minute_and_takes_none_from_others() {
        let recorded = Recorded::default();
        let loud = |n: u8| IpAddr::from([198, 51, 100, n]);
        for n in 0..RECORDED_A_MINUTE {
            assert!(recorded.takes(loud(n as u8), at(1)));
        }
        assert!(!recorded.takes(loud(7), at(1)));
        assert!(recorded.takes([192, 0, 2, 1].into(), at(1)));
        assert!(recorded.takes(loud(7), at(2)));
        for n in 0..5_000_u32 {
            recorded.takes(Ipv4Addr::from_bits(n << 8).into(), at(3));
        }
        assert_eq!(recorded.of_minute.lock().unwrap().1.len(), MAX_PREFIXES);
    }

    #[test]
    fn a_flood_of_made_up_prefixes_takes_no_more_room_and_does_not_last() {
        let strangers = Strangers::default();
        let address = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(n << 8));
        for n in 0..5_000 {
            strangers.count(address(n), "bad-cookie", at(1));
        }
        assert_eq!(strangers.lock().by_prefix.len(), MAX_PREFIXES);
        let all = shown(&[&strangers]);
        assert_eq!(all.len(), SHOWN + 1);
        assert_eq!(all.iter().map(|it| it.count).sum::<u64>(), 5_000);
        assert_eq!(all.last().unwrap().prefix, None);

        for _ in 0..2 {
            strangers.count([198, 51, 100, 7].into(), "truncated", at(70));
        }
        let all = shown(&[&strangers]);
        assert_eq!(all.len(), 2, "one prefix and the others");
        assert_eq!((all[0].count, all[1].count), (2, 5_000));
    }
}
