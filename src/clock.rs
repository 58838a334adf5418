//! The one place that reads the system's time.

use jiff::Timestamp;

/// The wall-clock time now, to the second, as records and certificates carry it.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
#[must_use]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
