//! Which jobs are not offered to which worker for a while, because it handed them back.
//! Derived from the jobs' attempts.

use crate::{Timestamp, WorkerId, limits};
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Clone, Debug, Default)]
pub(super) struct HoldOffs {
    /// Jobs by their numbers of submission, and until when.
    of: HashMap<WorkerId, BTreeMap<u64, Timestamp>>,
    ends: BTreeSet<(Timestamp, WorkerId, u64)>,
}

impl HoldOffs {
    pub(super) fn begin(&mut self, worker: &WorkerId, job: u64, until: Timestamp) {
        if let Some(earlier) = self.of.entry(worker.clone()).or_default().insert(job, until) {
            self.ends.remove(&(earlier, worker.clone(), job));
        }
        self.ends.insert((until, worker.clone(), job));
    }

    /// What the worker is not offered.
    pub(super) fn of(&self, worker: &WorkerId) -> Option<&BTreeMap<u64, Timestamp>> {
        self.of.get(worker)
    }

    pub(super) fn keep_away(&self, worker: &WorkerId, job: u64) -> bool {
        self.of.get(worker).is_some_and(|jobs| jobs.contains_key(&job) || is_full(jobs))
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, ..)| *at)
    }

    /// Takes out one that has ended; gives the worker.
    pub(super) fn end(&mut self, now: Timestamp) -> Option<WorkerId> {
        if self.next_end()? > now {
            return None;
        }
        let (_, worker, job) = self.ends.pop_first()?;
        if let Some(jobs) = self.of.get_mut(&worker) {
            jobs.remove(&job);
            if jobs.is_empty() {
                self.of.remove(&worker);
            }
        }
        Some(worker)
    }
}

/// Whether so many are held off that the worker is offered nothing at all.
pub(super) fn is_full(jobs: &BTreeMap<u64, Timestamp>) -> bool {
    jobs.len() >= limits::HOLD_OFFS_PER_WORKER_MAX
}
