//! How each fact changes the ledger. Total: replaying any journal never fails; a fact that cannot
//! follow what is known changes nothing.

use super::{Gone, Ledger, WorkflowRank, seat};
use crate::schedule::ProfileId;
use crate::{
    Attempt, AttemptEnd, Counts, Event, Fact, Finished, Job, JobSpec, Lease, LeaseId, Machine, Missing, Outcome, Rank,
    ReturnReason, State, Timestamp, Waiting, Worker, WorkerId, limits,
};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Ledger {
    /// Replays one event. `handle` changes state only through this.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::JobSubmitted { spec, order, rank, workflow_rank } => {
                self.apply_submitted(spec, *order, (*rank, *workflow_rank), at);
            }
            Fact::JobsForgotten { completed, unhappy } => self.forget_oldest(*completed, *unhappy),
            Fact::Counted { orders, completed, failed, cancelled } => {
                self.recount(*orders, Gone { completed: *completed, failed: *failed, cancelled: *cancelled });
            }
            Fact::ServicePaused { service, is_paused } => {
                self.schedule.pause(service, *is_paused);
                match is_paused {
                    true => self.paused.insert(service.clone(), at),
                    false => self.paused.remove(service),
                };
            }
            Fact::JobAssigned { job, .. }
            | Fact::JobStarted { job, .. }
            | Fact::JobReturned { job, .. }
            | Fact::JobUnschedulable { job, .. }
            | Fact::JobSchedulable { job }
            | Fact::JobStarved { job }
            | Fact::JobFinished { job, .. }
            | Fact::JobForgotten { job } => {
                if let Some(number) = self.rows.number_of(job) {
                    self.apply_to_job(number, &event.fact, at);
                }
            }
            Fact::ClientFollows { .. }
            | Fact::ClientUnfollows { .. }
            | Fact::ClientsSeen { .. }
            | Fact::ClientsForgotten { .. } => self.apply_to_clients(&event.fact, at),
            fact => self.apply_to_fleet(fact, at),
        }
    }

    fn apply_to_job(&mut self, number: u64, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::JobAssigned { lease, attempt, worker, machine, session, seq, .. } => {
                let lease = Lease {
                    id: *lease,
                    attempt: *attempt,
                    worker: worker.clone(),
                    machine: machine.clone(),
                    session: *session,
                    assigned_at: at,
                };
                self.apply_assigned(number, lease, *seq);
            }
            Fact::JobStarted { seq, .. } => self.apply_started(number, *seq, at),
            Fact::JobReturned { .. } => self.apply_returned(number, fact, at),
            Fact::JobUnschedulable { missing, .. } => self.apply_verdict(number, Some(missing), at),
            Fact::JobSchedulable { .. } => self.apply_verdict(number, None, at),
            Fact::JobStarved { .. } => self.apply_starved(number),
            Fact::JobFinished { runs_failed, outcome, seq, .. } => {
                self.apply_finished(number, *runs_failed, outcome, *seq, at);
            }
            Fact::JobForgotten { .. } => self.forget(number),
            // Not of one job.
            _ => {}
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
        if self.rows.number_of(&spec.id).is_some() || self.rows.get(order).is_some() {
            return;
        }
        let not_before = spec.stated_timing().and_then(|timing| timing.not_before).filter(|time| *time > at);
        let job = Job {
            spec: Arc::clone(spec),
            created_at: at,
            order,
            rank,
            is_starving: false,
            told: 1,
            state: State::Waiting(Waiting { since: at, not_before, missing: None }),
            counts: Counts::default(),
            more_than_gb: None,
            attempts: Vec::new(),
        };
        self.orders = self.orders.max(order);
        if let (Some(workflow), Some(rank)) = (spec.workflow_id(), workflow_rank) {
            let of = (spec.owner.principal.clone(), workflow.clone());
            let known = self.workflows.entry(of).or_insert(WorkflowRank { rank, jobs: 0 });
            known.jobs += 1;
        }
        self.owners.job_began(&spec.owner);
        self.clients.job_began(&spec.id, &spec.owner);
        self.rows.insert(job);
        self.enter_queue(order);
    }

    /// The job's state has become waiting: into the indexes and the tally.
    fn enter_queue(&mut self, number: u64) {
        let Some(job) = self.rows.get(number) else { return };
        let State::Waiting(waiting) = &job.state else { return };
        self.tally.pending += 1;
        if let Some(not_before) = waiting.not_before {
            self.delayed.insert((not_before, number));
        }
        self.schedule.insert(seat(job), waiting.not_before.is_none());
        self.arm(number);
    }

    fn apply_assigned(&mut self, number: u64, lease: Lease, seq: u32) {
        if self.rows.get(number).is_none_or(|job| job.waiting().is_none()) {
            return;
        }
        self.leave_state(number);
        let Some(job) = self.rows.get_mut(number) else { return };
        if job.attempts.len() == limits::ATTEMPTS_KEPT_MAX {
            job.attempts.remove(0);
        }
        // Most have one.
        job.attempts.reserve_exact(1);
        job.attempts.push(Attempt {
            number: lease.attempt,
            worker: lease.worker.clone(),
            machine: lease.machine.clone(),
            assigned_at: lease.assigned_at,
            started_at: None,
            end: None,
        });
        self.leases.insert(lease.id, number);
        self.active.insert(number);
        self.tally.assigned += 1;
        if let Some(worker) = self.workers.get_mut(&lease.worker) {
            self.tally.workers_busy += u64::from(worker.leases.is_empty());
            worker.leases.insert(lease.id);
        }
        job.state = State::Assigned { lease: Box::new(lease) };
        job.tell(seq);
        self.arm(number);
    }

    fn apply_started(&mut self, number: u64, seq: u32, at: Timestamp) {
        self.disarm(number);
        let Some(job) = self.rows.get_mut(number) else { return };
        let State::Assigned { lease } = &job.state else { return };
        job.state = State::Running { lease: lease.clone(), started_at: at };
        job.tell(seq);
        if let Some(attempt) = job.attempts.last_mut() {
            attempt.started_at = Some(at);
        }
        self.tally.assigned -= 1;
        self.tally.in_progress += 1;
        self.arm(number);
    }

    fn apply_returned(&mut self, number: u64, fact: &Fact, at: Timestamp) {
        let Fact::JobReturned { reason, retry_at, counts, more_than_gb, seq, .. } = fact else { return };
        if self.rows.get(number).is_none_or(|job| job.lease().is_none()) {
            return;
        }
        let lease = self.leave_state(number);
        if let Some(lease) = &lease {
            self.leases.remove(&lease.id);
            let failed = matches!(reason, ReturnReason::Failed { .. });
            self.end_lease(&lease.worker, lease.id, (0, u64::from(failed)));
        }
        let Some(job) = self.rows.get_mut(number) else { return };
        if let Some(attempt) = job.attempts.last_mut() {
            attempt.end = Some(AttemptEnd { at, returned: Some(reason.clone()) });
            if reason.is_handed_back() {
                let until = at + limits::HOLD_OFF_MS;
                self.hold_offs.begin(&attempt.worker, job.order, until);
            }
        }
        job.state = State::Waiting(Waiting { since: at, not_before: *retry_at, missing: None });
        job.counts = *counts;
        job.more_than_gb = *more_than_gb;
        job.tell(*seq);
        self.enter_queue(number);
    }

    fn apply_verdict(&mut self, number: u64, missing: Option<&Missing>, at: Timestamp) {
        self.disarm(number);
        if let Some(Job { state: State::Waiting(waiting), .. }) = self.rows.get_mut(number) {
            waiting.since = at;
            waiting.missing = missing.cloned();
        }
        self.arm(number);
    }

    fn apply_starved(&mut self, number: u64) {
        if self.rows.get(number).is_none_or(|job| job.waiting().is_none() || job.is_starving) {
            return;
        }
        self.leave_state(number);
        let Some(job) = self.rows.get_mut(number) else { return };
        job.is_starving = true;
        // If its delay is over by now, it is woken at once.
        self.enter_queue(number);
    }

    fn apply_finished(&mut self, number: u64, runs_failed: u32, outcome: &Outcome, seq: u32, at: Timestamp) {
        if self.rows.get(number).is_none_or(|job| job.finished_at().is_some()) {
            return;
        }
        let lease = self.leave_state(number);
        if let Some(lease) = &lease {
            let completed = matches!(outcome, Outcome::Completed { .. });
            let failed = matches!(outcome, Outcome::Failed { .. });
            if !completed {
                self.leases.remove(&lease.id);
            }
            self.end_lease(&lease.worker, lease.id, (u64::from(completed), u64::from(failed)));
        }
        let Some(job) = self.rows.get_mut(number) else { return };
        if let (Some(_), Some(attempt)) = (&lease, job.attempts.last_mut()) {
            attempt.end = Some(AttemptEnd { at, returned: None });
        }
        let by = lease.map(|lease| lease.id);
        job.state = State::Finished(Box::new(Finished { at, outcome: outcome.clone(), by }));
        job.counts = Counts { runs_failed, lost_in_a_row: 0, ..job.counts };
        job.tell(seq);
        let ended = (at, job.order);
        let spec = Arc::clone(&job.spec);
        self.owners.job_ended(&spec.owner);
        self.clients.job_ended(&spec.id, at);
        *self.tally.of(outcome.status()) += 1;
        self.ended(outcome.status()).insert(ended);
    }

    /// Takes a job out of the indexes of its state and of the tally; gives the lease it held.
    fn leave_state(&mut self, number: u64) -> Option<Lease> {
        self.disarm(number);
        let job = self.rows.get(number)?;
        *self.tally.of(job.status()) -= 1;
        match &job.state {
            State::Waiting(waiting) => {
                let delayed = waiting.not_before.is_some_and(|at| self.delayed.remove(&(at, number)));
                self.schedule.remove(seat(job), !delayed);
                None
            }
            State::Assigned { lease } | State::Running { lease, .. } => {
                self.active.remove(&number);
                Some(Lease::clone(lease))
            }
            State::Finished(_) => None,
        }
    }

    /// Sets the alarm of the job's next time to pass.
    fn arm(&mut self, number: u64) {
        if let Some((at, order)) = self.alarm(number) {
            self.alarms.insert((at, order));
        }
    }

    /// Takes the alarm back, before what it depends on changes.
    fn disarm(&mut self, number: u64) {
        if let Some((at, order)) = self.alarm(number) {
            self.alarms.remove(&(at, order));
        }
    }

    fn alarm(&self, number: u64) -> Option<(Timestamp, u64)> {
        let job = self.rows.get(number)?;
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
            let Some(job) = self.leases.get(lease).and_then(|job| self.rows.get_mut(*job)) else { continue };
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
