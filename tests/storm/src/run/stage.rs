//! What the threads of a storm share.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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

/// Jobs that a watcher may choose from.
const RECENT_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) seed: u64,
    phase: AtomicU8,
    pub(crate) acknowledged: AtomicU64,
    recent: Mutex<VecDeque<String>>,
}

impl Stage {
    pub(crate) fn new(address: SocketAddr, seed: u64) -> Stage {
        let (phase, acknowledged) = (AtomicU8::new(Phase::Storm as u8), AtomicU64::new(0));
        Stage { address, seed, phase, acknowledged, recent: Mutex::default() }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::Relaxed);
    }

    pub(crate) fn is_past(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) > phase as u8
    }

    /// `job` was acknowledged and is worth following.
    pub(crate) fn offer(&self, job: String) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.truncate(RECENT_MAX - 1);
        recent.push_front(job);
    }

    /// The newest job that nobody follows yet.
    pub(crate) fn take_recent(&self) -> Option<String> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}
