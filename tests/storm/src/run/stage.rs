//! What the threads of a storm share.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How far a storm is. It only goes forward.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    Storm,
    /// No job is submitted any more; those that were begun are submitted to the end.
    Calm,
    /// No further job is followed.
    Unfollowed,
    /// Nothing goes on.
    Over,
}

/// Streams of jobs that have ended end by themselves; one that does not is given up after so long.
const FOLLOWED_WAIT: Duration = Duration::from_secs(20);
/// Jobs that a watcher may choose from.
const RECENT_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) seed: u64,
    phase: AtomicU8,
    pub(crate) acknowledged: AtomicU64,
    /// Submissions sent and not answered.
    pub(crate) in_flight: AtomicU64,
    /// Submissions refused because there was no room.
    pub(crate) refused: AtomicU64,
    recent: Mutex<VecDeque<String>>,
    long: Mutex<VecDeque<String>>,
    unfollowed: OnceLock<Instant>,
    /// Jobs with large payloads.
    large: Mutex<Vec<(String, Large)>>,
}

/// Bytes of the texts of a large job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Large {
    pub(crate) payload: usize,
    pub(crate) result: usize,
}

impl Stage {
    pub(crate) fn new(address: SocketAddr, seed: u64) -> Stage {
        Stage {
            address,
            seed,
            phase: AtomicU8::new(Phase::Storm as u8),
            acknowledged: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            recent: Mutex::default(),
            long: Mutex::default(),
            unfollowed: OnceLock::new(),
            large: Mutex::default(),
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::Relaxed);
    }

    /// Whether no further job is followed and those that are should have ended long ago.
    pub(crate) fn is_given_up(&self) -> bool {
        self.is_past(Phase::Calm) && self.unfollowed.get_or_init(Instant::now).elapsed() > FOLLOWED_WAIT
    }

    pub(crate) fn is_past(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) > phase as u8
    }

    /// `job` was acknowledged and is worth following.
    pub(crate) fn offer(&self, job: String) {
        put_front(&self.recent, job);
    }

    /// The newest job that nobody follows yet.
    pub(crate) fn take_recent(&self) -> Option<String> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// `job` was acknowledged and takes long.
    pub(crate) fn offer_long(&self, job: String) {
        put_front(&self.long, job);
    }

    /// The newest long job that was acknowledged.
    pub(crate) fn take_long(&self) -> Option<String> {
        self.long.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub(crate) fn remember_large(&self, job: String, large: Large) {
        self.large.lock().unwrap_or_else(PoisonError::into_inner).push((job, large));
    }

    pub(crate) fn large(&self) -> Vec<(String, Large)> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn put_front(jobs: &Mutex<VecDeque<String>>, job: String) {
    let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
    jobs.truncate(RECENT_MAX - 1);
    jobs.push_front(job);
}
