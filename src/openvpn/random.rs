//! The source of randomness, injected so that tests repeat.

use super::packet::SessionId;

/// Where session ids, key material and jitter come from.
pub trait Random: Send {
    /// Fills `bytes` with unpredictable bytes; `false` if that failed.
    #[must_use]
    fn fill(&mut self, bytes: &mut [u8]) -> bool;
}

/// The operating system's source, through aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> bool {
        aws_lc_rs::rand::fill(bytes).is_ok()
    }
}

/// A fresh session id, or `None` if the source failed.
pub(crate) fn session_id(random: &mut dyn Random) -> Option<SessionId> {
    let mut bytes = [0; SessionId::LEN];
    // All zero is reserved; a source that gives it four times is broken.
    (0..4).find_map(|_| {
        let id = random.fill(&mut bytes).then_some(SessionId::new(bytes))?;
        (!id.is_zero()).then_some(id)
    })
}
