//! Two ledgers of one board – one decides, one is read – know a job through one row.

use super::Ledger;
use crate::{Event, Fact, Job};
use std::sync::Arc;

impl Ledger {
    /// Another ledger that remembers the same, to follow the events and be read. Jobs are shared.
    #[must_use]
    pub fn for_reading(&self) -> Ledger {
        Ledger {
            rows: self.rows.clone(),
            machines: self.machines.clone(),
            workers: self.workers.clone(),
            leases: self.leases.clone(),
            workflows: self.workflows.clone(),
            clients: self.clients.clone(),
            paused: self.paused.clone(),
            orders: self.orders,
            gone: self.gone,
            schedule: self.schedule.for_reading(),
            owners: self.owners.clone(),
            alarms: self.alarms.clone(),
            hold_offs: self.hold_offs.clone(),
            profiles: self.profiles.clone(),
            delayed: self.delayed.clone(),
            active: self.active.clone(),
            completed: self.completed.clone(),
            unhappy: self.unhappy.clone(),
            tally: self.tally,
            rules: self.rules,
            ..Ledger::default()
        }
    }

    /// The jobs that these events were about, as they are now, as far as they are known; for
    /// [`share`](Self::share).
    #[must_use]
    pub fn rows_of(&self, events: &[Event]) -> Vec<Arc<Job>> {
        let job = |event: &Event| match &event.fact {
            Fact::JobSubmitted { order, .. } => Some(*order),
            Fact::JobAssigned { job, .. }
            | Fact::JobStarted { job, .. }
            | Fact::JobReturned { job, .. }
            | Fact::JobUnschedulable { job, .. }
            | Fact::JobSchedulable { job }
            | Fact::JobStarved { job }
            | Fact::JobFinished { job, .. } => self.rows.number_of(job),
            _ => None,
        };
        let mut numbers: Vec<u64> = events.iter().filter_map(job).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|number| self.rows.shared(number).cloned()).collect()
    }

    /// Knows each of these jobs through this very row from now on, if it knows the job just so:
    /// then the two ledgers hold it once. Asked after the events they came with were applied;
    /// at any other time it does no harm.
    pub fn share(&mut self, rows: &[Arc<Job>]) {
        rows.iter().for_each(|row| self.rows.share(row));
    }
}
