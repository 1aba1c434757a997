//! What is merely heard: deadlines of leases and machines, who stands ready. Nothing here is
//! journalled; after a restart the next heartbeats rebuild it.

use crate::{JobId, LeaseId, MachineId, Timestamp, WorkerId, limits};
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
    timers: BTreeSet<(Timestamp, Timer)>,
    standing_count: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseDeadlines {
    pub(crate) expires_at: Timestamp,
    /// Until when it must have started; `None` once it has.
    pub(crate) start_by: Option<Timestamp>,
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
    Lease(LeaseId, JobId),
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

    pub(crate) fn hold_lease(&mut self, lease: LeaseId, job: &JobId, deadlines: LeaseDeadlines) {
        self.leases.insert(lease, deadlines);
        self.set_timer(deadlines.next(), Timer::Lease(lease, job.clone()));
    }

    pub(crate) fn next_standing(&mut self) -> u64 {
        self.standing_count += 1;
        self.standing_count
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
    pub(crate) fn next(self) -> Timestamp {
        self.start_by.map_or(self.expires_at, |start_by| start_by.min(self.expires_at))
    }
}
