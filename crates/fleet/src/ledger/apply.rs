//! How each fact changes the ledger. Total: replaying any journal never fails; a fact about
//! something unknown changes nothing.

use super::{Ledger, WorkflowRank, seat};
use crate::schedule::ProfileId;
use crate::{
    Attempt, AttemptEnd, Counts, Event, Fact, Job, JobId, JobSpec, Lease, LeaseId, Machine, Missing, Number, Outcome,
    Rank, ReturnReason, State, Status, Timestamp, Waiting, Worker, WorkerId, limits,
};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

impl Ledger {
    /// Replays one event. `handle` changes state only through this.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::JobSubmitted { spec, order, rank, workflow_rank } => {
                self.apply_submitted(spec, *order, (*rank, *workflow_rank), at);
            }
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
            Fact::JobReturned { job, reason, retry_at, counts, more_than_gb, .. } => {
                self.apply_returned(job, reason, *retry_at, (*counts, *more_than_gb), at);
            }
            Fact::JobUnschedulable { job, missing } => self.apply_verdict(job, Some(missing), at),
            Fact::JobSchedulable { job } => self.apply_verdict(job, None, at),
            Fact::JobStarved { job } => self.apply_starved(job),
            Fact::JobFinished { job, runs_failed, outcome, .. } => self.apply_finished(job, *runs_failed, outcome, at),
            Fact::JobForgotten { job } => self.apply_forgotten(job),
            Fact::ServicePaused { service, is_paused } => {
                self.schedule.pause(service, *is_paused);
                match is_paused {
                    true => self.paused.insert(service.clone(), at),
                    false => self.paused.remove(service),
                };
            }
            fact => self.apply_to_fleet(fact, at),
        }
    }

    /// What concerns machines and workers.
    fn apply_to_fleet(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::MachineJoined { machine, facts, phase } => {
                let machine = Machine {
                    id: machine.clone(),
                    facts: facts.clone(),
                    phase: *phase,
                    joined_at: at,
                    silent_since: None,
                    is_draining: false,
                    workers: BTreeSet::new(),
                };
                self.machines.insert(machine.id.clone(), machine);
            }
            Fact::MachineChanged { machine, facts, phase, is_draining, silent_since, .. } => {
                if let Some(machine) = self.machines.get_mut(machine) {
                    machine.facts = facts.clone();
                    machine.phase = *phase;
                    machine.is_draining = *is_draining;
                    machine.silent_since = *silent_since;
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
            Fact::WorkerJoined { .. } => self.apply_worker_joined(fact, at),
            Fact::WorkerLeft { worker, .. } => {
                self.forget_worker(worker);
            }
            Fact::WorkerDeclared { worker, declared, .. } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.declared = *declared;
                }
            }
            Fact::WorkerDrained { worker, is_draining, .. } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.is_draining = *is_draining;
                }
            }
            Fact::ServiceTurned { worker, service, is_down, .. } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    match is_down {
                        true => worker.down.insert(service.clone()),
                        false => worker.down.remove(service),
                    };
                }
            }
            // Derived, or not of machines and workers.
            _ => {}
        }
    }

    fn apply_submitted(
        &mut self,
        spec: &Arc<JobSpec>,
        order: u64,
        (rank, workflow_rank): (Rank, Option<Rank>),
        at: Timestamp,
    ) {
        let not_before =
            spec.timing.as_ref().and_then(|timing| timing.not_before).filter(|not_before| *not_before > at);
        let job = Job {
            spec: Arc::clone(spec),
            created_at: at,
            order,
            rank,
            is_starving: false,
            state: State::Waiting(Waiting { since: at, not_before, missing: None }),
            counts: Counts::default(),
            more_than_gb: None,
            attempts: Vec::new(),
        };
        self.by_order.insert(order, spec.id.clone());
        if let Some(key) = &spec.idempotency_key {
            self.keys.insert(Arc::clone(key), spec.id.clone());
        }
        if let (Some(workflow), Some(rank)) = (spec.workflow_id(), workflow_rank) {
            let known = self.workflows.entry(workflow.clone()).or_insert(WorkflowRank { rank, jobs: 0 });
            known.jobs += 1;
        }
        self.jobs.insert(spec.id.clone(), job);
        self.enter_queue(&spec.id);
    }

    /// The job's state has become waiting: into the indexes and the tally.
    fn enter_queue(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let State::Waiting(waiting) = &job.state else { return };
        self.tally.pending += 1;
        self.waiting.insert(job.order_key(), id.clone());
        if let Some(not_before) = waiting.not_before {
            self.delayed.insert((not_before, id.clone()));
        }
        self.schedule.insert(seat(job), waiting.not_before.is_none());
        self.arm(id);
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
        self.arm(id);
    }

    fn apply_started(&mut self, id: &JobId, at: Timestamp) {
        self.disarm(id);
        let Some(job) = self.jobs.get_mut(id) else { return };
        let State::Assigned { lease } = &job.state else { return };
        job.state = State::Running { lease: lease.clone(), started_at: at };
        if let Some(attempt) = job.attempts.last_mut() {
            attempt.started_at = Some(at);
        }
        self.tally.assigned -= 1;
        self.tally.in_progress += 1;
        self.arm(id);
    }

    fn apply_returned(
        &mut self,
        id: &JobId,
        reason: &ReturnReason,
        retry_at: Option<Timestamp>,
        (counts, more_than_gb): (Counts, Option<Number>),
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
            if reason.is_handed_back() {
                let until = at + limits::HOLD_OFF_MS;
                self.hold_offs.begin(&attempt.worker, job.order, until);
            }
        }
        job.state = State::Waiting(Waiting { since: at, not_before: retry_at, missing: None });
        job.counts = counts;
        job.more_than_gb = more_than_gb;
        self.enter_queue(id);
    }

    fn apply_verdict(&mut self, id: &JobId, missing: Option<&Missing>, at: Timestamp) {
        self.disarm(id);
        if let Some(Job { state: State::Waiting(waiting), .. }) = self.jobs.get_mut(id) {
            waiting.since = at;
            waiting.missing = missing.cloned();
        }
        self.arm(id);
    }

    fn apply_starved(&mut self, id: &JobId) {
        if self.jobs.get(id).is_none_or(|job| job.waiting().is_none() || job.is_starving) {
            return;
        }
        self.leave_state(id);
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.is_starving = true;
        // If its delay is over by now, it is woken at once.
        self.enter_queue(id);
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
        job.counts = Counts { runs_failed, lost_in_a_row: 0, ..job.counts };
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
        if let Some(key) = job.spec.idempotency_key.as_ref().filter(|key| self.keys.get(*key) == Some(id)) {
            self.keys.remove(key);
        }
        self.forget_in_workflow(&job);
        let ended = self.ended(job.status());
        // Jobs are forgotten in the order they ended, so it is found at the front.
        if let Some(place) = ended.iter().position(|ended| ended == id) {
            ended.remove(place);
        }
        if let Some(place) = self.finished.iter().position(|finished| finished == id) {
            self.finished.remove(place);
        }
    }

    fn forget_in_workflow(&mut self, job: &Job) {
        let Some(workflow) = job.spec.workflow_id() else { return };
        let Some(known) = self.workflows.get_mut(workflow) else { return };
        known.jobs -= 1;
        if known.jobs == 0 {
            self.workflows.remove(workflow);
        }
    }

    fn ended(&mut self, status: Status) -> &mut VecDeque<JobId> {
        if status == Status::Completed { &mut self.completed } else { &mut self.unhappy }
    }

    /// Takes a job out of the indexes of its state and of the tally; gives the lease it held.
    fn leave_state(&mut self, id: &JobId) -> Option<Lease> {
        self.disarm(id);
        let job = self.jobs.get(id)?;
        *self.tally.of(job.status()) -= 1;
        match &job.state {
            State::Waiting(waiting) => {
                self.waiting.remove(&job.order_key());
                let delayed = waiting.not_before.is_some_and(|at| self.delayed.remove(&(at, id.clone())));
                self.schedule.remove(seat(job), !delayed);
                None
            }
            State::Assigned { lease } | State::Running { lease, .. } => {
                self.active.remove(id);
                Some(lease.clone())
            }
            State::Finished { .. } => None,
        }
    }

    /// Sets the alarm of the job's next time to pass.
    fn arm(&mut self, id: &JobId) {
        if let Some((at, order)) = self.alarm(id) {
            self.alarms.insert((at, order));
        }
    }

    /// Takes the alarm back, before what it depends on changes.
    fn disarm(&mut self, id: &JobId) {
        if let Some((at, order)) = self.alarm(id) {
            self.alarms.remove(&(at, order));
        }
    }

    fn alarm(&self, id: &JobId) -> Option<(Timestamp, u64)> {
        let job = self.jobs.get(id)?;
        Some((self.next_time_of(job)?, job.order))
    }

    fn end_lease(&mut self, worker: &WorkerId, lease: LeaseId, (completed, failed): (u64, u64)) {
        let Some(worker) = self.workers.get_mut(worker) else { return };
        if worker.leases.remove(&lease) {
            self.tally.workers_busy -= u64::from(worker.leases.is_empty());
        }
        worker.jobs_completed += completed;
        worker.jobs_failed += failed;
    }

    fn apply_worker_joined(&mut self, fact: &Fact, at: Timestamp) {
        let Fact::WorkerJoined {
            worker: id,
            machine,
            session,
            slots,
            capabilities,
            loaded_models,
            is_draining,
            jobs_completed,
            jobs_failed,
        } = fact
        else {
            return;
        };
        // First in, then out: a worker that comes again as it was leaves no moment without it.
        let profile = self.schedule.join(id, capabilities);
        let leases = self.forget_worker_but(id, Some(profile)).map(|old| old.leases).unwrap_or_default();
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
            loaded_models: loaded_models.clone(),
            slots: *slots,
            declared: crate::Declared::Ready,
            is_draining: *is_draining,
            down: BTreeSet::new(),
            connected_at: at,
            leases,
            jobs_completed: *jobs_completed,
            jobs_failed: *jobs_failed,
        };
        self.tally.workers_busy += u64::from(!worker.leases.is_empty());
        self.profiles.insert(id.clone(), profile);
        if let Some(machine) = self.machines.get_mut(machine) {
            machine.workers.insert(id.clone());
        }
        self.workers.insert(id.clone(), worker);
    }

    fn forget_worker(&mut self, id: &WorkerId) -> Option<Worker> {
        self.forget_worker_but(id, None)
    }

    /// Forgets a worker, but stays with its profile if that is the one to keep.
    fn forget_worker_but(&mut self, id: &WorkerId, keep: Option<ProfileId>) -> Option<Worker> {
        let worker = self.workers.remove(id)?;
        self.tally.workers_busy -= u64::from(!worker.leases.is_empty());
        if let Some(profile) = self.profiles.remove(id).filter(|profile| keep != Some(*profile)) {
            self.schedule.leave(id, profile);
        }
        if let Some(machine) = self.machines.get_mut(&worker.machine) {
            machine.workers.remove(id);
        }
        Some(worker)
    }
}
