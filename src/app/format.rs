//! Numbers and times as people read them.

use jiff::{Timestamp, tz::TimeZone};

/// Bytes in binary units, with one decimal under 10: `88 MiB`, `6.8 GiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    scaled(count as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

/// A rate in bits a second, in decimal units: `940 kbit/s`, `4.0 Mbit/s`.
#[must_use]
pub fn rate(bits_per_second: f64) -> String {
    scaled(
        bits_per_second.max(0.0),
        1000.0,
        &["bit/s", "kbit/s", "Mbit/s", "Gbit/s"],
    )
}

/// `value` in the largest unit that leaves at least 1.
fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    if unit == 0 || value >= 9.95 {
        return format!("{value:.0} {}", units[unit]);
    }
    format!("{value:.1} {}", units[unit])
}

/// What stands in a cell that has nothing to say.
#[must_use]
pub fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

/// A count with a comma between thousands: `12,340`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long something has lasted: `24 s`, `52 m`, `6 h 12 m`, `3 d 4 h`.
#[must_use]
pub fn duration(from: Timestamp, to: Timestamp) -> String {
    let secs = (to.as_second() - from.as_second()).max(0);
    let (minutes, hours, days) = (secs / 60, secs / 3600, secs / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs} s"),
        (0, 0, _) => format!("{minutes} m"),
        (0, _, _) => format!("{hours} h {:02} m", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// A moment in local time: `09:41:02` today, else `12 Nov 2026, 14:02`.
#[must_use]
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    if local.date() == now.to_zoned(zone.clone()).date() {
        return local.strftime("%H:%M:%S").to_string();
    }
    local.strftime("%-d %b %Y, %H:%M").to_string()
}

/// The same moment in UTC, for the hover.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%-d %b %Y, %H:%M:%S UTC")
        .to_string()
}

/// A day: `12 Nov 2026`.
#[must_use]
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn bytes_have_one_decimal_under_ten() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(88 << 20), "88 MiB");
    }

    #[test]
    fn rates_are_decimal() {
        assert_eq!(rate(940_000.0), "940 kbit/s");
        assert_eq!(rate(4_000_000.0), "4.0 Mbit/s");
        assert_eq!(rate(-1.0), "0 bit/s");
    }

    #[test]
    fn counts_have_commas() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1234), "1,234");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn durations_use_two_units() {
        let from = at("2026-11-22T09:00:00Z");
        assert_eq!(duration(from, at("2026-11-22T09:00:24Z")), "24 s");
        assert_eq!(duration(from, at("2026-11-22T09:52:00Z")), "52 m");
        assert_eq!(duration(from, at("2026-11-22T15:12:00Z")), "6 h 12 m");
        assert_eq!(duration(from, at("2026-11-25T13:00:00Z")), "3 d 4 h");
        assert_eq!(duration(from, at("2026-11-22T08:00:00Z")), "0 s");
    }

    #[test]
    fn a_moment_of_another_day_carries_its_date() {
        let now = at("2026-11-22T12:00:00Z");
        let zone = TimeZone::UTC;
        assert_eq!(moment(at("2026-11-22T09:41:02Z"), now, &zone), "09:41:02");
        assert_eq!(
            moment(at("2026-11-12T14:02:00Z"), now, &zone),
            "12 Nov 2026, 14:02"
        );
    }
}
