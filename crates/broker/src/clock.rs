//! Where time comes from: the wall's time at start, carried on by the monotonic clock.

use fleet::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
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

/// How often the clock is compared with the wall's; in between no rounding adds up.
const CORRECT_EVERY: Duration = Duration::from_secs(1);
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
        let passed = at.duration_since(reading.at);
        let micros = reading.micros + i64::try_from(passed.as_micros()).unwrap_or(0);
        if passed < CORRECT_EVERY {
            return Timestamp(micros / 1_000);
        }
        let most = (micros - reading.micros) / DRIFT_DIVISOR;
        *reading = Reading { at, micros: micros + (wall_micros() - micros).clamp(-most, most) };
        Timestamp(reading.micros / 1_000)
    }

    /// The instant at which this clock will show `at`, near enough for a timer.
    pub(crate) fn instant_of(&self, at: Timestamp) -> Instant {
        Instant::now() + Duration::from_millis(at.since(self.now()))
    }
}

fn wall_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_starts_after_the_wall_goes_on_from_the_journal() {
        let floor = Timestamp(wall_micros() / 1_000 + 3_600_000);
        let clock = Clock::starting_after(floor);
        assert!(clock.now() >= floor);
        for _ in 0..10_000 {
            tokio::time::advance(Duration::from_nanos(99_900)).await;
            clock.now();
        }
        assert!((998..=1_000).contains(&clock.now().since(floor)), "asking often does not slow it");
        tokio::time::advance(Duration::from_secs(100)).await;
        let passed = clock.now().since(floor);
        assert!((99_900..=101_000).contains(&passed), "it drifts back by at most 1 %: {passed}");
    }
}
