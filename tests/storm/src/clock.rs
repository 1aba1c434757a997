//! Time, for processes that share a wall clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970: every process of a storm writes the same clock into its log.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Lets real time pass.
#[expect(clippy::disallowed_methods, reason = "a storm paces load in real time; it is no test that waits for a state")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Lets real time pass until `at`.
pub(crate) fn pause_until(at: Instant) {
    pause(at.saturating_duration_since(Instant::now()));
}
