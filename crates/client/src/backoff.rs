//! How long to wait before asking again.

use crate::ClientError;
use crate::limits::DOUBLINGS_MAX;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Exponential backoff with full jitter: each pause is drawn evenly between zero and a ceiling
/// that doubles, so that a thousand machines that lost one broker do not come back in step.
/// (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// The first pause is at most `base`, no pause is longer than `max`.
    #[must_use]
    pub fn new(base: Duration, max: Duration) -> Backoff {
        Backoff { base: base.min(max), max, failures: 0 }
    }

    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        self.pause_rolled(roll())
    }

    /// The next pause, but not before the broker wants to be asked again.
    pub fn pause_after(&mut self, error: &ClientError) -> Duration {
        self.pause().max(error.retry_after().unwrap_or_default())
    }

    /// How many pauses there were since it last went well.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// From now on the first pause is at most `base`.
    pub fn set_base(&mut self, base: Duration) {
        self.base = base.min(self.max);
    }

    /// It went well: the next pause is short again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    fn pause_rolled(&mut self, roll: f64) -> Duration {
        let doublings = self.failures.min(DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.base.saturating_mul(1 << doublings).min(self.max).mul_f64(roll.clamp(0.0, 1.0))
    }
}

/// A random number, evenly from 0 to 1. Good enough for jitter, and for nothing secret.
#[must_use]
pub fn roll() -> f64 {
    // Each `RandomState` has fresh keys; hashing nothing with them gives a fresh number.
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_its_limit_and_falls_back_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let ceilings: Vec<_> = (0..8).map(|_| backoff.pause_rolled(1.0).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        for _ in 0..100_000 {
            assert!(backoff.pause_rolled(1.0) <= Duration::from_secs(5));
        }
        backoff.reset();
        assert_eq!(backoff.pause_rolled(1.0).as_millis(), 100);
        assert_eq!(backoff.pause_rolled(0.0), Duration::ZERO);
    }

    #[test]
    fn rolls_are_spread_between_zero_and_one() {
        let rolls: Vec<f64> = (0..1_000).map(|_| roll()).collect();
        assert!(rolls.iter().all(|roll| (0.0..1.0).contains(roll)));
        let mean = rolls.iter().sum::<f64>() / 1_000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }
}
