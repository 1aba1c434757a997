//! What is counted where it happens. All else that `/metrics` tells is looked up when it is asked.

use crate::limits;
use fleet::Timestamp;
use governor::DefaultDirectRateLimiter;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds, in seconds, of the appends that are counted together.
const APPEND_BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

pub(crate) struct Metrics {
    pub(crate) started_at: Timestamp,
    decided: AtomicU64,
    appends: [AtomicU64; APPEND_BOUNDS.len() + 1],
    append_micros: AtomicU64,
    refused: HashMap<&'static str, AtomicU64>,
    /// Lines about those who tried what they may not: whoever tries often must not fill the log.
    lines: DefaultDirectRateLimiter,
}

impl Metrics {
    pub(crate) fn new(started_at: Timestamp) -> Metrics {
        Metrics {
            started_at,
            decided: AtomicU64::new(0),
            appends: Default::default(),
            append_micros: AtomicU64::new(0),
            refused: wire::openapi::problem_codes().map(|code| (code, AtomicU64::new(0))).collect(),
            lines: DefaultDirectRateLimiter::direct(limits::REFUSALS_LOGGED_QUOTA),
        }
    }

    pub(crate) fn decided(&self, asks: usize) {
        self.decided.fetch_add(asks as u64, Relaxed);
    }

    /// A batch is written.
    pub(crate) fn appended(&self, took: Duration) {
        let at = APPEND_BOUNDS.partition_point(|bound| *bound < took.as_secs_f64());
        self.appends[at].fetch_add(1, Relaxed);
        self.append_micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Somebody was told no.
    pub(crate) fn refused(&self, code: &str) {
        if let Some(counted) = self.refused.get(code) {
            counted.fetch_add(1, Relaxed);
        }
    }

    /// Whether one more refusal may be logged now.
    pub(crate) fn may_log(&self) -> bool {
        self.lines.check().is_ok()
    }

    pub(crate) fn asks_decided(&self) -> u64 {
        self.decided.load(Relaxed)
    }

    /// Each upper bound with how many appends are between the one before and it.
    pub(crate) fn appends(&self) -> Vec<(f64, u64)> {
        let bounds = APPEND_BOUNDS.into_iter().chain([f64::INFINITY]);
        bounds.zip(self.appends.iter().map(|counted| counted.load(Relaxed))).collect()
    }

    pub(crate) fn append_seconds(&self) -> f64 {
        Duration::from_micros(self.append_micros.load(Relaxed)).as_secs_f64()
    }

    /// Each code and how often it was told.
    pub(crate) fn refusals(&self) -> Vec<(&'static str, u64)> {
        let mut all: Vec<_> = self.refused.iter().map(|(code, counted)| (*code, counted.load(Relaxed))).collect();
        all.sort_unstable();
        all
    }
}
