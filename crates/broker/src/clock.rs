//! Where time comes from: the wall's time at start, carried on by the monotonic clock.

use fleet::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Never goes backwards and never jumps: it drifts toward the wall's time by at most 1 %, so
/// that a clock that is set moves no deadline.
#[derive(Debug)]
pub(crate) struct Clock(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    at: Instant,
    micros: i64,
}

/// Largest correction, as a divisor of the time that has passed.
const DRIFT_DIVISOR: i64 = 100;

impl Clock {
    /// Begins at the wall's time, or at `floor` – the last time that was journalled – if that is later.
    pub(crate) fn starting_after(floor: Timestamp) -> Clock {
        let micros = wall_micros().max(floor.0.saturating_mul(1_000));
        Clock(Mutex::new(Reading { at: Instant::now(), micros }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        let passed = i64::try_from(at.duration_since(reading.at).as_micros()).unwrap_or(0);
        let gap = wall_micros() - (reading.micros + passed);
        let most = passed / DRIFT_DIVISOR;
        *reading = Reading { at, micros: reading.micros + passed + gap.clamp(-most, most) };
        Timestamp(reading.micros / 1_000)
    }

    /// The instant at which this clock will show `at`, near enough for a timer.
    pub(crate) fn instant_of(&self, at: Timestamp) -> Instant {
        Instant::now() + std::time::Duration::from_millis(at.since(self.now()))
    }
}

fn wall_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_starts_after_the_wall_goes_on_from_the_journal() {
        let floor = Timestamp(wall_micros() / 1_000 + 3_600_000);
        let clock = Clock::starting_after(floor);
        assert!(clock.now() >= floor);
        tokio::time::advance(Duration::from_secs(100)).await;
        let passed = clock.now().since(floor);
        assert!((99_000..=100_000).contains(&passed), "it drifts back by at most 1 %: {passed}");
    }
}
