//! The fewest events that lead to a ledger, so that a checkpoint needs no format of its own.

use super::Ledger;
use crate::{
    Attempt, Declared, Event, Fact, Job, LeaseId, Machine, Missing, ReturnReason, SessionId, State, Status, Timestamp,
    Waiting, Worker,
};
use std::sync::Arc;

impl Ledger {
    /// Replayed onto an empty ledger, these events lead to one that remembers the same.
    ///
    /// Jobs come first with all that has ended, so that no worker counts it twice; then
    /// machines and workers; then what is held now.
    pub fn shortest_story(&self) -> impl Iterator<Item = Event> {
        let finished = self.finished.iter().filter_map(|id| self.jobs.get(id));
        let live = || self.pending().chain(self.active());
        let jobs = finished.chain(live()).flat_map(|job| self.history(job));
        let paused = self.paused.iter().map(|(service, at)| Event {
            at: *at,
            fact: Fact::ServicePaused { service: service.clone(), is_paused: true },
        });
        let machines = self.machines.values().flat_map(machine_story);
        let workers = self.workers.values().flat_map(|worker| self.worker_story(worker));
        jobs.chain(paused).chain(machines).chain(workers).chain(live().flat_map(current))
    }

    fn worker_story(&self, worker: &Worker) -> Vec<Event> {
        let joined = Fact::WorkerJoined {
            worker: worker.id.clone(),
            machine: worker.machine.clone(),
            session: worker.session,
            slots: worker.slots,
            capabilities: Arc::clone(&worker.capabilities),
            loaded_models: worker.loaded_models.clone(),
            is_draining: worker.is_draining,
            jobs_completed: worker.jobs_completed,
            jobs_failed: worker.jobs_failed,
        };
        let mut story = vec![Event { at: worker.connected_at, fact: joined }];
        if worker.declared != Declared::Ready {
            let status = worker.status(false, false);
            let fact = Fact::WorkerDeclared {
                worker: worker.id.clone(),
                machine: worker.machine.clone(),
                declared: worker.declared,
                old: status,
                new: status,
            };
            story.push(Event { at: worker.connected_at, fact });
        }
        for service in &worker.down {
            let fact = Fact::ServiceTurned {
                worker: worker.id.clone(),
                machine: worker.machine.clone(),
                service: service.clone(),
                is_down: true,
                reason: None,
            };
            story.push(Event { at: worker.connected_at, fact });
        }
        story
    }

    /// A job up to the end of its last ended attempt, and its end if it has ended.
    fn history(&self, job: &Job) -> Vec<Event> {
        let workflow = job.spec.workflow_id().and_then(|workflow| self.workflows.get(workflow));
        let submitted = Fact::JobSubmitted {
            spec: Arc::clone(&job.spec),
            order: job.order,
            rank: job.rank,
            workflow_rank: workflow.map(|workflow| workflow.rank),
        };
        let mut story = vec![Event { at: job.created_at, fact: submitted }];
        if job.is_starving {
            // While it certainly waits.
            story.push(Event { at: job.created_at, fact: Fact::JobStarved { job: job.spec.id.clone() } });
        }
        let mut since = job.created_at;
        for attempt in &job.attempts {
            let Some(end) = &attempt.end else { continue };
            story.extend(begun(job, attempt, ended_by(job), SessionId(0)));
            if let Some(reason) = &end.returned {
                since = end.at;
                story.push(Event { at: end.at, fact: returned(job, attempt, reason.clone()) });
            }
        }
        story.extend(waits(job, since));
        if let State::Finished { at, outcome, by } = &job.state {
            let last = job.attempts.last().filter(|_| by.is_some());
            let fact = Fact::JobFinished {
                job: job.spec.id.clone(),
                worker: last.map(|attempt| attempt.worker.clone()),
                machine: last.map(|attempt| attempt.machine.clone()),
                attempt: job.attempt(),
                runs_failed: job.counts.runs_failed,
                outcome: outcome.clone(),
            };
            story.push(Event { at: *at, fact });
        }
        story
    }
}

/// The verdict that was last told of a waiting job, since when it waits so.
fn waits(job: &Job, since: Timestamp) -> Option<Event> {
    let waiting = job.waiting()?;
    let job = job.spec.id.clone();
    let fact = match &waiting.missing {
        Some(missing) => Fact::JobUnschedulable { job, missing: Missing::clone(missing) },
        None if waiting.since > since => Fact::JobSchedulable { job },
        None => return None,
    };
    Some(Event { at: waiting.since, fact })
}

fn machine_story(machine: &Machine) -> Vec<Event> {
    let joined =
        Fact::MachineJoined { machine: machine.id.clone(), facts: machine.facts.clone(), phase: machine.phase };
    let mut story = vec![Event { at: machine.joined_at, fact: joined }];
    if machine.is_draining {
        let fact = Fact::MachineChanged {
            machine: machine.id.clone(),
            facts: machine.facts.clone(),
            phase: machine.phase,
            is_draining: true,
            silent_since: None,
            workers: Vec::new(),
        };
        story.push(Event { at: machine.joined_at, fact });
    }
    if let Some(at) = machine.silent_since {
        story.push(Event { at, fact: Fact::MachineSilent { machine: machine.id.clone() } });
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
        State::Waiting(Waiting { not_before, .. }) => not_before,
        _ => None,
    };
    Fact::JobReturned {
        job: job.spec.id.clone(),
        worker: attempt.worker.clone(),
        machine: attempt.machine.clone(),
        from: if attempt.started_at.is_some() { Status::InProgress } else { Status::Assigned },
        reason,
        retry_at,
        counts: job.counts,
        more_than_gb: job.more_than_gb,
    }
}
