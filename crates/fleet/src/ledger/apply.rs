//! How each fact changes the ledger. Total: replaying any journal never fails; a fact about
//! something unknown changes nothing.

use super::Ledger;
use crate::matching::Offer;
use crate::{
    Attempt, AttemptEnd, Event, Fact, Job, JobId, JobSpec, Lease, LeaseId, Machine, Outcome, ReturnReason, State,
    Status, Timestamp, Worker, WorkerId, limits,
};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

impl Ledger {
    /// Replays one event. `handle` changes state only through this.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::JobSubmitted { spec, order } => self.apply_submitted(spec, *order, at),
            Fact::JobAssigned { job, lease, attempt, worker, machine, session } => {
                let lease = Lease {
                    id: *lease,
                    attempt: *attempt,
                    worker: worker.clone(),
                    machine: machine.clone(),
                    session: *session,
                    assigned_at: at,
                };
                self.apply_assigned(job, lease);
            }
            Fact::JobStarted { job, .. } => self.apply_started(job, at),
            Fact::JobReturned { job, reason, retry_at, runs_failed, lost_in_a_row, .. } => {
                self.apply_returned(job, reason, *retry_at, (*runs_failed, *lost_in_a_row), at);
            }
            Fact::JobFinished { job, runs_failed, outcome, .. } => self.apply_finished(job, *runs_failed, outcome, at),
            Fact::JobForgotten { job } => self.apply_forgotten(job),
            Fact::MachineJoined { machine, facts, phase } => {
                let machine = Machine {
                    id: machine.clone(),
                    facts: facts.clone(),
                    phase: *phase,
                    joined_at: at,
                    silent_since: None,
                    workers: BTreeSet::new(),
                };
                self.machines.insert(machine.id.clone(), machine);
            }
            Fact::MachineChanged { machine, facts, phase, .. } => {
                if let Some(machine) = self.machines.get_mut(machine) {
                    machine.facts = facts.clone();
                    machine.phase = *phase;
                    machine.silent_since = None;
                }
            }
            Fact::MachineSilent { machine } => {
                if let Some(machine) = self.machines.get_mut(machine) {
                    machine.silent_since = Some(at);
                }
            }
            Fact::MachineLeft { machine, .. } => {
                self.machines.remove(machine);
            }
            Fact::WorkerJoined { .. } => self.apply_worker_joined(event),
            Fact::WorkerDeclared { worker, declared, .. } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.declared = *declared;
                }
            }
            Fact::WorkerTurned { .. } => {}
            Fact::WorkerLeft { worker, .. } => self.apply_worker_left(worker),
        }
    }

    fn apply_submitted(&mut self, spec: &Arc<JobSpec>, order: u64, at: Timestamp) {
        let job = Job {
            spec: Arc::clone(spec),
            created_at: at,
            order,
            state: State::Waiting { retry_at: None },
            runs_failed: 0,
            lost_in_a_row: 0,
            attempts: Vec::new(),
        };
        let key = job.order_key();
        self.schedule.insert(key, spec.id.clone(), &spec.requirements);
        self.waiting.insert(key, spec.id.clone());
        self.by_order.insert(order, spec.id.clone());
        self.tally.pending += 1;
        self.jobs.insert(spec.id.clone(), job);
    }

    fn apply_assigned(&mut self, id: &JobId, lease: Lease) {
        self.leave_state(id);
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.attempts.len() == limits::ATTEMPTS_KEPT_MAX {
            job.attempts.remove(0);
        }
        job.attempts.push(Attempt {
            number: lease.attempt,
            worker: lease.worker.clone(),
            machine: lease.machine.clone(),
            assigned_at: lease.assigned_at,
            started_at: None,
            end: None,
        });
        self.leases.insert(lease.id, id.clone());
        self.active.insert(id.clone());
        self.tally.assigned += 1;
        if let Some(worker) = self.workers.get_mut(&lease.worker) {
            self.tally.workers_busy += u64::from(worker.leases.is_empty());
            worker.leases.insert(lease.id);
        }
        job.state = State::Assigned { lease };
    }

    fn apply_started(&mut self, id: &JobId, at: Timestamp) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let State::Assigned { lease } = &job.state else { return };
        job.state = State::Running { lease: lease.clone(), started_at: at };
        if let Some(attempt) = job.attempts.last_mut() {
            attempt.started_at = Some(at);
        }
        self.tally.assigned -= 1;
        self.tally.in_progress += 1;
    }

    fn apply_returned(
        &mut self,
        id: &JobId,
        reason: &ReturnReason,
        retry_at: Option<Timestamp>,
        (runs_failed, lost_in_a_row): (u32, u32),
        at: Timestamp,
    ) {
        let lease = self.leave_state(id);
        if let Some(lease) = &lease {
            self.leases.remove(&lease.id);
            let failed = matches!(reason, ReturnReason::Failed { .. });
            self.end_lease(&lease.worker, lease.id, (0, u64::from(failed)));
        }
        let Some(job) = self.jobs.get_mut(id) else { return };
        if let Some(attempt) = job.attempts.last_mut() {
            attempt.end = Some(AttemptEnd { at, returned: Some(reason.clone()) });
        }
        job.state = State::Waiting { retry_at };
        job.runs_failed = runs_failed;
        job.lost_in_a_row = lost_in_a_row;
        let key = job.order_key();
        self.waiting.insert(key, id.clone());
        self.tally.pending += 1;
        match retry_at {
            Some(retry_at) => {
                self.delayed.insert((retry_at, id.clone()));
            }
            None => self.schedule.insert(key, id.clone(), &job.spec.requirements),
        }
    }

    fn apply_finished(&mut self, id: &JobId, runs_failed: u32, outcome: &Outcome, at: Timestamp) {
        let lease = self.leave_state(id);
        if let Some(lease) = &lease {
            let completed = matches!(outcome, Outcome::Completed { .. });
            let failed = matches!(outcome, Outcome::Failed { .. });
            if !completed {
                self.leases.remove(&lease.id);
            }
            self.end_lease(&lease.worker, lease.id, (u64::from(completed), u64::from(failed)));
        }
        let Some(job) = self.jobs.get_mut(id) else { return };
        if let (Some(_), Some(attempt)) = (&lease, job.attempts.last_mut()) {
            attempt.end = Some(AttemptEnd { at, returned: None });
        }
        job.state = State::Finished { at, outcome: outcome.clone(), by: lease.map(|lease| lease.id) };
        job.runs_failed = runs_failed;
        job.lost_in_a_row = 0;
        *self.tally.of(outcome.status()) += 1;
        self.finished.push_back(id.clone());
        self.ended(outcome.status()).push_back(id.clone());
    }

    fn apply_forgotten(&mut self, id: &JobId) {
        let Some(job) = self.jobs.remove(id) else { return };
        if let State::Finished { by: Some(lease), .. } = &job.state {
            self.leases.remove(lease);
        }
        *self.tally.of(job.status()) -= 1;
        self.by_order.remove(&job.order);
        let ended = self.ended(job.status());
        // Jobs are forgotten in the order they ended, so it is found at the front.
        if let Some(place) = ended.iter().position(|ended| ended == id) {
            ended.remove(place);
        }
        if let Some(place) = self.finished.iter().position(|finished| finished == id) {
            self.finished.remove(place);
        }
    }

    fn ended(&mut self, status: Status) -> &mut VecDeque<JobId> {
        if status == Status::Completed { &mut self.completed } else { &mut self.unhappy }
    }

    /// Takes a job out of the indexes of its state and of the tally; gives the lease it held.
    fn leave_state(&mut self, id: &JobId) -> Option<Lease> {
        let job = self.jobs.get(id)?;
        *self.tally.of(job.status()) -= 1;
        match &job.state {
            State::Waiting { retry_at } => {
                let key = job.order_key();
                self.waiting.remove(&key);
                let delayed = retry_at.is_some_and(|at| self.delayed.remove(&(at, id.clone())));
                if !delayed {
                    self.schedule.remove(key, &job.spec.requirements);
                }
                None
            }
            State::Assigned { lease } | State::Running { lease, .. } => {
                self.active.remove(id);
                Some(lease.clone())
            }
            State::Finished { .. } => None,
        }
    }

    fn end_lease(&mut self, worker: &WorkerId, lease: LeaseId, (completed, failed): (u64, u64)) {
        let Some(worker) = self.workers.get_mut(worker) else { return };
        if worker.leases.remove(&lease) {
            self.tally.workers_busy -= u64::from(worker.leases.is_empty());
        }
        worker.jobs_completed += completed;
        worker.jobs_failed += failed;
    }

    fn apply_worker_joined(&mut self, event: &Event) {
        let Fact::WorkerJoined { worker: id, machine, session, slots, capabilities, jobs_completed, jobs_failed } =
            &event.fact
        else {
            return;
        };
        let leases = self.forget_worker(id).map(|old| old.leases).unwrap_or_default();
        for lease in &leases {
            let Some(job) = self.leases.get(lease).and_then(|job| self.jobs.get_mut(job)) else { continue };
            if let State::Assigned { lease } | State::Running { lease, .. } = &mut job.state {
                lease.session = *session;
            }
        }
        let worker = Worker {
            id: id.clone(),
            machine: machine.clone(),
            session: *session,
            capabilities: Arc::clone(capabilities),
            slots: *slots,
            declared: crate::Declared::Ready,
            connected_at: event.at,
            leases,
            jobs_completed: *jobs_completed,
            jobs_failed: *jobs_failed,
        };
        self.tally.workers_busy += u64::from(!worker.leases.is_empty());
        self.profiles.insert(id.clone(), self.schedule.join(Offer::of(capabilities)));
        if let Some(machine) = self.machines.get_mut(machine) {
            machine.workers.insert(id.clone());
        }
        self.workers.insert(id.clone(), worker);
    }

    fn apply_worker_left(&mut self, id: &WorkerId) {
        self.forget_worker(id);
    }

    fn forget_worker(&mut self, id: &WorkerId) -> Option<Worker> {
        let worker = self.workers.remove(id)?;
        self.tally.workers_busy -= u64::from(!worker.leases.is_empty());
        if let Some(profile) = self.profiles.remove(id) {
            self.schedule.leave(profile);
        }
        if let Some(machine) = self.machines.get_mut(&worker.machine) {
            machine.workers.remove(id);
        }
        Some(worker)
    }
}
