//! Chance that a seed repeats.

use std::time::Duration;

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and every seed is a good one.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of their own for each `purpose` of one seed.
    pub(crate) fn new(seed: u64, purpose: u64) -> Dice {
        Dice(seed ^ purpose.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low + 1)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.roll().is_multiple_of(n)
    }

    /// Exponentially distributed, as times between independent accidents are.
    pub(crate) fn gap(&mut self, mean: Duration) -> Duration {
        // 53 bits make a fraction in (0, 1].
        let fraction = ((self.roll() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        mean.mul_f64(-fraction.ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_gaps_have_their_mean() {
        let (mut a, mut b) = (Dice::new(7, 1), Dice::new(7, 1));
        assert!((0..100).all(|_| a.roll() == b.roll()));
        let mean = Duration::from_millis(100);
        let sum: Duration = (0..10_000).map(|_| a.gap(mean)).sum();
        assert!((90..110).contains(&(sum.as_millis() / 10_000)), "{sum:?}");
        assert!((0..1_000).all(|_| (3..=5).contains(&a.between(3, 5))));
    }
}
