//! Durations, and what they come to.

use serde::Serialize;
use std::time::{Duration, Instant};

/// Durations of one kind of call in one run.
#[derive(Default, Debug)]
pub(super) struct Samples(Vec<Duration>);

/// What they come to, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Spread {
    pub(super) count: usize,
    pub(super) p50_us: f64,
    pub(super) p95_us: f64,
    pub(super) p99_us: f64,
    pub(super) max_us: f64,
}

impl Samples {
    pub(super) fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let answer = call();
        self.0.push(started.elapsed());
        answer
    }

    pub(super) async fn time_async<T>(&mut self, call: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let answer = call.await;
        self.0.push(started.elapsed());
        answer
    }

    pub(super) fn put(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// Those of several lanes together.
    pub(super) fn merge(&mut self, other: Samples) {
        self.0.extend(other.0);
    }

    pub(super) fn spread(mut self) -> Spread {
        self.0.sort();
        let us = |duration: &Duration| duration.as_secs_f64() * 1e6;
        let at = |share: f64| {
            let place = (self.0.len() as f64 * share).ceil() as usize;
            self.0.get(place.saturating_sub(1)).map_or(0.0, us)
        };
        Spread { count: self.0.len(), p50_us: at(0.5), p95_us: at(0.95), p99_us: at(0.99), max_us: at(1.0) }
    }
}

/// The median of each figure over several runs.
pub(super) fn median(runs: &[Spread]) -> Spread {
    let of = |figure: fn(&Spread) -> f64| {
        let mut figures: Vec<f64> = runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(0.0)
    };
    Spread {
        count: runs.iter().map(|run| run.count).sum(),
        p50_us: of(|run| run.p50_us),
        p95_us: of(|run| run.p95_us),
        p99_us: of(|run| run.p99_us),
        max_us: of(|run| run.max_us),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_places_of_the_sorted_row() {
        let samples = Samples((1..=200).rev().map(Duration::from_micros).collect());
        let spread = samples.spread();
        assert_eq!((spread.count, spread.p50_us.round(), spread.p99_us.round()), (200, 100.0, 198.0));
        assert_eq!((spread.p95_us.round(), spread.max_us.round()), (190.0, 200.0));
    }
}
