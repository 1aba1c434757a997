//! The fewest events that lead to a ledger, so that a checkpoint needs no format of its own.

use super::Ledger;
use crate::{Attempt, Declared, Event, Fact, Job, LeaseId, Machine, ReturnReason, SessionId, State, Status, Worker};
use std::sync::Arc;

impl Ledger {
    /// Replayed onto an empty ledger, these events lead to one that remembers the same.
    ///
    /// Jobs come first with all that has ended, so that no worker counts it twice; then
    /// machines and workers; then what is held now.
    pub fn shortest_story(&self) -> impl Iterator<Item = Event> {
        let finished = self.finished.iter().filter_map(|id| self.jobs.get(id));
        let live = || self.pending().chain(self.active());
        let jobs = finished.chain(live()).flat_map(history);
        let machines = self.machines.values().flat_map(machine_story);
        let workers = self.workers.values().flat_map(|worker| self.worker_story(worker));
        jobs.chain(machines).chain(workers).chain(live().flat_map(current))
    }

    fn worker_story(&self, worker: &Worker) -> Vec<Event> {
        let joined = Fact::WorkerJoined {
            worker: worker.id.clone(),
            machine: worker.machine.clone(),
            session: worker.session,
            slots: worker.slots,
            capabilities: Arc::clone(&worker.capabilities),
            jobs_completed: worker.jobs_completed,
            jobs_failed: worker.jobs_failed,
        };
        let mut story = vec![Event { at: worker.connected_at, fact: joined }];
        if worker.declared != Declared::Ready {
            let status = worker.status(false);
            let fact = Fact::WorkerDeclared {
                worker: worker.id.clone(),
                machine: worker.machine.clone(),
                declared: worker.declared,
                old: status,
                new: status,
            };
            story.push(Event { at: worker.connected_at, fact });
        }
        story
    }
}

fn machine_story(machine: &Machine) -> Vec<Event> {
    let joined =
        Fact::MachineJoined { machine: machine.id.clone(), facts: machine.facts.clone(), phase: machine.phase };
    let mut story = vec![Event { at: machine.joined_at, fact: joined }];
    if let Some(at) = machine.silent_since {
        story.push(Event { at, fact: Fact::MachineSilent { machine: machine.id.clone() } });
    }
    story
}

/// A job up to the end of its last ended attempt, and its end if it has ended.
fn history(job: &Job) -> Vec<Event> {
    let submitted = Fact::JobSubmitted { spec: Arc::clone(&job.spec), order: job.order };
    let mut story = vec![Event { at: job.created_at, fact: submitted }];
    for attempt in &job.attempts {
        let Some(end) = &attempt.end else { continue };
        story.extend(begun(job, attempt, ended_by(job), SessionId(0)));
        if let Some(reason) = &end.returned {
            story.push(Event { at: end.at, fact: returned(job, attempt, reason.clone()) });
        }
    }
    if let State::Finished { at, outcome, by } = &job.state {
        let last = job.attempts.last().filter(|_| by.is_some());
        let fact = Fact::JobFinished {
            job: job.spec.id.clone(),
            worker: last.map(|attempt| attempt.worker.clone()),
            machine: last.map(|attempt| attempt.machine.clone()),
            attempt: job.attempts.last().map_or(0, |attempt| attempt.number),
            runs_failed: job.runs_failed,
            outcome: outcome.clone(),
        };
        story.push(Event { at: *at, fact });
    }
    story
}

/// The attempt that is held now.
fn current(job: &Job) -> Vec<Event> {
    match (job.lease(), job.attempts.last()) {
        (Some(lease), Some(attempt)) => begun(job, attempt, lease.id, lease.session),
        _ => Vec::new(),
    }
}

/// The lease that ended the job; for attempts before it any name will do, it is dropped at once.
fn ended_by(job: &Job) -> LeaseId {
    match job.state {
        State::Finished { by: Some(lease), .. } => lease,
        _ => LeaseId(0),
    }
}

fn begun(job: &Job, attempt: &Attempt, lease: LeaseId, session: SessionId) -> Vec<Event> {
    let assigned = Fact::JobAssigned {
        job: job.spec.id.clone(),
        lease,
        attempt: attempt.number,
        worker: attempt.worker.clone(),
        machine: attempt.machine.clone(),
        session,
    };
    let mut story = vec![Event { at: attempt.assigned_at, fact: assigned }];
    if let Some(at) = attempt.started_at {
        let fact = Fact::JobStarted { job: job.spec.id.clone(), worker: attempt.worker.clone() };
        story.push(Event { at, fact });
    }
    story
}

/// Only the last return's counts and time matter; a later one overwrites an earlier one's.
fn returned(job: &Job, attempt: &Attempt, reason: ReturnReason) -> Fact {
    let retry_at = match job.state {
        State::Waiting { retry_at } => retry_at,
        _ => None,
    };
    Fact::JobReturned {
        job: job.spec.id.clone(),
        worker: attempt.worker.clone(),
        machine: attempt.machine.clone(),
        from: if attempt.started_at.is_some() { Status::InProgress } else { Status::Assigned },
        reason,
        retry_at,
        runs_failed: job.runs_failed,
        lost_in_a_row: job.lost_in_a_row,
    }
}
