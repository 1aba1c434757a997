//! What is merely heard: deadlines of leases and machines, who stands ready. Nothing here is
//! journalled; after a restart the next heartbeats rebuild it.

use crate::{LeaseId, MachineId, Timestamp, WorkerId, limits};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Deadlines are lazy: a renewal only moves the deadline in its map, and a timer that comes
/// due looks there whether it still means it. So a heartbeat costs one map write.
#[derive(Debug, Default)]
pub struct Presence {
    pub(crate) leases: HashMap<LeaseId, LeaseDeadlines>,
    pub(crate) machines: HashMap<MachineId, MachineDeadlines>,
    pub(crate) standing: HashMap<WorkerId, Standing>,
    /// Leases taken from a machine that it was not yet told of.
    pub(crate) revoked: HashMap<MachineId, VecDeque<LeaseId>>,
    /// Machines that were drained, or no longer are, and were not yet told.
    pub(crate) ordered: BTreeSet<MachineId>,
    /// No client is forgotten before: until then nobody could be seen.
    pub(crate) clients_until: Timestamp,
    /// What ended before can be read in the archive.
    pub(crate) archived: Option<Timestamp>,
    timers: BTreeSet<(Timestamp, Timer)>,
    standing_count: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseDeadlines {
    pub(crate) expires_at: Timestamp,
    /// Until when it must have started; `None` once it has.
    pub(crate) start_by: Option<Timestamp>,
    /// Until when the run must have ended.
    pub(crate) run_until: Option<Timestamp>,
    /// Until when something must be said of its progress.
    pub(crate) progress_by: Option<Timestamp>,
    pub(crate) no_progress_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineDeadlines {
    pub(crate) silent_at: Timestamp,
    pub(crate) gone_at: Timestamp,
}

/// A worker that asked and got nothing yet.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) until: Timestamp,
    pub(crate) lease: LeaseId,
    pub(crate) start: bool,
    /// Who stands longest is served first.
    pub(crate) since: u64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Timer {
    /// With the number of its job.
    Lease(LeaseId, u64),
    Machine(MachineId),
}

impl Presence {
    pub(crate) fn set_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    /// The next timer that is due, removed.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<Timer> {
        let (at, _) = self.timers.first()?;
        if *at > now {
            return None;
        }
        self.timers.pop_first().map(|(_, timer)| timer)
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub(crate) fn hear_machine(&mut self, machine: &MachineId, now: Timestamp, silent_at: Timestamp) {
        let gone_at = silent_at + (limits::MACHINE_GONE_MS - limits::MACHINE_SILENT_MS);
        let known = self.machines.insert(machine.clone(), MachineDeadlines { silent_at, gone_at });
        // Once it was silent, its timer waits for the day it is gone.
        if known.is_none_or(|known| known.silent_at <= now) {
            self.set_timer(silent_at, Timer::Machine(machine.clone()));
        }
    }

    pub(crate) fn hold_lease(&mut self, lease: LeaseId, job: u64, deadlines: LeaseDeadlines) {
        self.leases.insert(lease, deadlines);
        self.set_timer(deadlines.next(), Timer::Lease(lease, job));
    }

    pub(crate) fn next_standing(&mut self) -> u64 {
        self.standing_count += 1;
        self.standing_count
    }

    /// Remembers that `machine` is to be told whether it drains.
    pub(crate) fn order(&mut self, machine: &MachineId) {
        self.ordered.insert(machine.clone());
    }

    /// Remembers that `machine` should stop the work of `lease`.
    pub(crate) fn revoke(&mut self, machine: &MachineId, lease: LeaseId) {
        let revoked = self.revoked.entry(machine.clone()).or_default();
        if revoked.len() == limits::REVOKED_PER_MACHINE_MAX {
            revoked.pop_front();
        }
        revoked.push_back(lease);
    }
}

impl LeaseDeadlines {
    /// Of a lease that has not started.
    pub(crate) fn assigned(expires_at: Timestamp, start_by: Timestamp) -> LeaseDeadlines {
        let start_by = Some(start_by);
        LeaseDeadlines { expires_at, start_by, run_until: None, progress_by: None, no_progress_ms: None }
    }

    pub(crate) fn next(self) -> Timestamp {
        [self.start_by, self.run_ends()].into_iter().flatten().fold(self.expires_at, Timestamp::min)
    }

    /// When a run that has started is out of time.
    pub(crate) fn run_ends(self) -> Option<Timestamp> {
        [self.run_until, self.progress_by].into_iter().flatten().min()
    }
}
