//! The deadlines of a session: one slot per kind.

use std::time::Instant;

/// What a session waits for besides packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Timer {
    /// The negotiation of a key must be finished.
    Handshake,
    /// A rekey is due.
    Rekey,
    /// We may switch sending to the newest key.
    Promote,
    /// The key in use dies if no rekey succeeded.
    KeyExpiry,
    /// The previous key is forgotten.
    RetireOldKey,
    /// The previous key's control packets are forgotten.
    DropOldChannel,
    /// The client repeats its request for configuration.
    PushRequest,
    /// The client gives up waiting for configuration.
    PushWindow,
    /// A closed session stops answering.
    Linger,
}

/// When each [`Timer`] is due.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: [Option<Instant>; Timer::ALL.len()],
}

impl Timer {
    pub(crate) const ALL: [Self; 9] = [
        Self::Handshake,
        Self::Rekey,
        Self::Promote,
        Self::KeyExpiry,
        Self::RetireOldKey,
        Self::DropOldChannel,
        Self::PushRequest,
        Self::PushWindow,
        Self::Linger,
    ];
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, due: Instant) {
        self.due[timer as usize] = Some(due);
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.due[timer as usize] = None;
    }

    pub(crate) fn stop_all(&mut self) {
        self.due = Default::default();
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.due[timer as usize].is_some()
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.iter().flatten().min().copied()
    }

    /// Takes one timer that is due at `now`, stopping it.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Timer> {
        let timer = Timer::ALL
            .into_iter()
            .find(|timer| self.due[*timer as usize].is_some_and(|due| due <= now))?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_timer_expires_once_and_not_before_its_time() {
        let now = Instant::now();
        let mut timers = Timers::default();
        timers.set(Timer::Rekey, now + Duration::from_secs(2));
        timers.set(Timer::Linger, now + Duration::from_secs(1));
        assert_eq!(timers.next(), Some(now + Duration::from_secs(1)));
        assert_eq!(timers.expire(now), None);
        assert_eq!(
            timers.expire(now + Duration::from_secs(1)),
            Some(Timer::Linger)
        );
        assert_eq!(timers.expire(now + Duration::from_secs(1)), None);
        assert!(timers.is_set(Timer::Rekey));
    }

    #[test]
    fn every_timer_has_its_own_slot() {
        for (index, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, index);
        }
    }
}
