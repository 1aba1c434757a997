//! Times of HTTP bodies: RFC 3339, UTC, milliseconds.

use fleet::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

const TO_THE_MILLISECOND: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// `2026-11-21T22:44:16.746Z`. A time that no calendar holds becomes the epoch's.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    TO_THE_MILLISECOND.timestamp_to_string(&time)
}

/// The time that an RFC 3339 text means; `None` if it is none.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_milliseconds_and_read_back() {
        let at = Timestamp(1_763_765_056_746);
        assert_eq!(rfc3339(at), "2025-11-21T22:44:16.746Z");
        assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
