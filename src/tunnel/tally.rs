//! What was not carried, counted by reason. One tally per worker, so that counting never contends.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::strangers::Strangers;
use crate::{clock, openvpn::Discard, policy::Reason};

macro_rules! losses {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a packet was dropped between protocol, policy and network.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Loss {
            $($(#[$doc])* $name,)*
        }

        impl Loss {
            const ALL: &[Self] = &[$(Self::$name,)*];

            const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

losses! {
    /// A data packet for a session that does not exist.
    UnknownPeer = "unknown-peer",
    /// A data packet of a session that was told to end.
    SessionEnding = "session-ending",
    /// A packet from the network for an address that no client has.
    NoSuchClient = "no-such-client",
    /// The system's send buffer, or a slow client's queue, is full.
    SendQueueFull = "send-queue-full",
    /// The system refused to send.
    SendFailed = "send-failed",
    /// The queue between two workers is full.
    HandoverFull = "handover-full",
    /// A session has more control packets waiting than it may.
    ControlQueueFull = "control-queue-full",
    /// The session has no key to send with yet.
    NoKey = "no-key",
    /// Larger than any packet that a tunnel carries.
    Oversize = "oversize",
    /// As many handshakes are under way as may be, in total or from one prefix.
    HalfOpenLimit = "half-open-limit",
}

/// Counters by reason.
#[derive(Debug)]
pub(super) struct Tally {
    policy: [AtomicU64; Reason::ALL.len()],
    discards: [AtomicU64; Discard::ALL.len()],
    unproven: [AtomicU64; Discard::ALL.len()],
    losses: [AtomicU64; Loss::ALL.len()],
    /// Where strangers' packets came from.
    pub(super) strangers: Strangers,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            policy: std::array::from_fn(|_| AtomicU64::new(0)),
            discards: std::array::from_fn(|_| AtomicU64::new(0)),
            unproven: std::array::from_fn(|_| AtomicU64::new(0)),
            losses: std::array::from_fn(|_| AtomicU64::new(0)),
            strangers: Strangers::default(),
        }
    }
}

impl Tally {
    /// The policy refused a packet.
    pub(super) fn refused(&self, reason: Reason) {
        self.policy[reason as usize].fetch_add(1, Relaxed);
    }

    /// The protocol threw a session's packet away.
    pub(super) fn discarded(&self, discard: Discard) {
        self.discards[discard as usize].fetch_add(1, Relaxed);
    }

    /// A packet came from an address that has not proven itself.
    pub(super) fn unproven(&self, discard: Discard, remote: IpAddr) {
        self.unproven[discard as usize].fetch_add(1, Relaxed);
        self.strangers.count(remote, discard.name(), clock::now());
    }

    /// There is no room for another handshake.
    pub(super) fn no_room(&self, remote: IpAddr) {
        self.lost(Loss::HalfOpenLimit);
        let name = Loss::HalfOpenLimit.name();
        self.strangers.count(remote, name, clock::now());
    }

    /// A packet was lost here.
    pub(super) fn lost(&self, loss: Loss) {
        self.lost_many(loss, 1);
    }

    /// Packets were lost here.
    pub(super) fn lost_many(&self, loss: Loss, packets: usize) {
        self.losses[loss as usize].fetch_add(packets as u64, Relaxed);
    }

    /// Adds to `drops` what was dropped of sessions, and to `unproven` what came from strangers.
    pub(super) fn add_to(
        &self,
        drops: &mut BTreeMap<String, u64>,
        unproven: &mut BTreeMap<String, u64>,
    ) {
        let add = |to: &mut BTreeMap<String, u64>, name: &str, counter: &AtomicU64| {
            let count = counter.load(Relaxed);
            if count > 0 {
                *to.entry(name.to_owned()).or_default() += count;
            }
        };
        for reason in Reason::ALL {
            add(drops, reason.name(), &self.policy[*reason as usize]);
        }
        for discard in Discard::ALL {
            add(drops, discard.name(), &self.discards[*discard as usize]);
            add(unproven, discard.name(), &self.unproven[*discard as usize]);
        }
        for loss in Loss::ALL {
            let to = if *loss == Loss::HalfOpenLimit {
                &mut *unproven
            } else {
                &mut *drops
            };
            add(to, loss.name(), &self.losses[*loss as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_under_a_stable_name_and_absent_while_it_has_not_occurred() {
        let tally = Tally::default();
        let (mut drops, mut unproven) = (BTreeMap::new(), BTreeMap::new());
        tally.add_to(&mut drops, &mut unproven);
        assert!(drops.is_empty() && unproven.is_empty());

        Reason::ALL.iter().for_each(|reason| tally.refused(*reason));
        Discard::ALL
            .iter()
            .for_each(|discard| tally.discarded(*discard));
        Discard::ALL
            .iter()
            .for_each(|discard| tally.unproven(*discard, [192, 0, 2, 1].into()));
        Loss::ALL.iter().for_each(|loss| tally.lost_many(*loss, 3));
        tally.add_to(&mut drops, &mut unproven);
        let reasons = Reason::ALL.iter().map(|reason| reason.name());
        for name in reasons.chain(Discard::ALL.iter().map(|discard| discard.name())) {
            assert!(drops[name] > 0, "{name}");
        }
        for loss in Loss::ALL {
            let place = if *loss == Loss::HalfOpenLimit {
                &unproven
            } else {
                &drops
            };
            assert!(place[loss.name()] >= 3, "{}", loss.name());
        }
        let is_kebab = |name: &String| {
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        assert!(
            drops.keys().chain(unproven.keys()).all(is_kebab),
            "{drops:?}"
        );
    }
}
