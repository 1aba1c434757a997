//! A lease is given, kept alive, and ends.

use super::Ledger;
use crate::presence::{LeaseDeadlines, Standing};
use crate::{
    Answer, Content, Event, Fact, Fail, Failure, FailureKind, Grant, Job, JobId, Lease, LeaseId, Next, Orders, Outcome,
    Progress, Pulse, Refusal, ReturnReason, State, Timestamp, Told, WorkerId, limits,
};
use std::sync::Arc;

impl Ledger {
    pub(super) fn next(&mut self, next: Next, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let worker =
            self.workers.get(&next.worker).ok_or_else(|| Refusal::UnknownWorker { worker: next.worker.clone() })?;
        if worker.session != next.session {
            return Err(Refusal::SessionReplaced { worker: next.worker });
        }
        let unheard = worker.leases.iter().find(|lease| !next.have.contains(lease)).copied();
        let cancel = next.have.iter().copied().filter(|lease| !worker.leases.contains(lease)).collect();
        let (has_room, machine) = (worker.has_room(), worker.machine.clone());
        self.hear(&machine, now, told);
        self.step_back(&next.worker);
        let grant = match unheard {
            Some(lease) => self.grant_again(lease, next.start, now, told),
            None if has_room => self.assign(&next.worker, next.lease, next.start, now, told),
            None => None,
        };
        if grant.is_none() && has_room && next.until > now {
            self.stand(next);
        }
        Ok(Answer::Next { grant, orders: Orders { cancel } })
    }

    fn stand(&mut self, next: Next) {
        let Some(profile) = self.profiles.get(&next.worker) else { return };
        let since = self.presence.next_standing();
        self.schedule.stand(*profile, since, next.worker.clone());
        let standing = Standing { until: next.until, lease: next.lease, start: next.start, since };
        self.presence.standing.insert(next.worker, standing);
    }

    pub(super) fn stand_down(&mut self, worker: &WorkerId, lease: LeaseId) -> Result<Answer, Refusal> {
        if self.presence.standing.get(worker).is_some_and(|standing| standing.lease == lease) {
            self.step_back(worker);
        }
        Ok(Answer::Done)
    }

    /// The answer that gave this lease was lost: the same lease again, alive as of now.
    fn grant_again(&mut self, lease: LeaseId, start: bool, now: Timestamp, told: &mut Told) -> Option<Grant> {
        let job = self.leases.get(&lease)?.clone();
        if start {
            self.ensure_started(&job, now, told);
        }
        self.renew_lease(lease, now);
        self.grant(&job)
    }

    /// Gives the worker the best job there is for it.
    pub(super) fn assign(
        &mut self,
        id: &WorkerId,
        lease: LeaseId,
        start: bool,
        now: Timestamp,
        told: &mut Told,
    ) -> Option<Grant> {
        let job = self.schedule.best(*self.profiles.get(id)?)?.clone();
        let worker = self.workers.get(id)?;
        let attempt = self.jobs.get(&job)?.attempts.last().map_or(0, |attempt| attempt.number) + 1;
        let fact = Fact::JobAssigned {
            job: job.clone(),
            lease,
            attempt,
            worker: id.clone(),
            machine: worker.machine.clone(),
            session: worker.session,
        };
        self.emit_turning(fact, id, now, told);
        if start {
            self.ensure_started(&job, now, told);
        }
        self.grant(&job)
    }

    fn grant(&self, id: &JobId) -> Option<Grant> {
        let lease = self.jobs.get(id)?.lease()?;
        let expires_at = self.presence.leases.get(&lease.id)?.expires_at;
        Some(Grant { lease: lease.id, attempt: lease.attempt, expires_at, job: id.clone() })
    }

    /// The job that is under this lease now.
    fn held(&self, lease: LeaseId) -> Result<&Job, Refusal> {
        let job = self.leases.get(&lease).and_then(|id| self.jobs.get(id)).ok_or(Refusal::LeaseLost)?;
        match job.lease() {
            Some(held) if held.id == lease => Ok(job),
            _ => Err(Refusal::LeaseLost),
        }
    }

    fn ensure_started(&mut self, id: &JobId, now: Timestamp, told: &mut Told) {
        let Some(job) = self.jobs.get(id) else { return };
        if let State::Assigned { lease } = &job.state {
            let fact = Fact::JobStarted { job: id.clone(), worker: lease.worker.clone() };
            self.emit(fact, now, told);
        }
    }

    pub(super) fn start(&mut self, lease: LeaseId, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let job = self.held(lease)?.spec.id.clone();
        self.ensure_started(&job, now, told);
        self.renew_lease(lease, now);
        Ok(Answer::Orders(Orders::default()))
    }

    pub(super) fn renew(&mut self, lease: LeaseId, now: Timestamp) -> Result<Answer, Refusal> {
        self.held(lease)?;
        self.renew_lease(lease, now);
        Ok(Answer::Orders(Orders::default()))
    }

    pub(super) fn renew_lease(&mut self, lease: LeaseId, now: Timestamp) {
        if let Some(deadlines) = self.presence.leases.get_mut(&lease) {
            deadlines.expires_at = deadlines.expires_at.max(now + limits::LEASE_MS);
        }
    }

    pub(super) fn progress(
        &mut self,
        lease: LeaseId,
        progress: Progress,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let job = self.held(lease)?;
        let (job, worker) = (job.spec.id.clone(), job.lease().ok_or(Refusal::LeaseLost)?.worker.clone());
        self.ensure_started(&job, now, told);
        self.renew_lease(lease, now);
        told.pulses.push(Pulse::Progress { job, worker, progress, at: now });
        Ok(Answer::Orders(Orders::default()))
    }

    /// Finishing twice with the same lease and the same result is one finish.
    pub(super) fn finish(
        &mut self,
        lease: LeaseId,
        result: Content,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        if let Some(job) = self.leases.get(&lease).and_then(|id| self.jobs.get(id)) {
            let again = State::Finished {
                at: job.finished_at().unwrap_or_default(),
                outcome: Outcome::Completed { result },
                by: Some(lease),
            };
            if job.state == again {
                return Ok(Answer::Done);
            }
        }
        let job = self.held(lease)?;
        let (id, runs_failed) = (job.spec.id.clone(), job.runs_failed);
        self.ensure_started(&id, now, told);
        self.end(&id, Outcome::Completed { result }, runs_failed, now, told);
        Ok(Answer::Done)
    }

    pub(super) fn fail(&mut self, fail: Fail, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let job = self.held(fail.lease)?;
        let id = job.spec.id.clone();
        let runs_failed = job.runs_failed + 1;
        let another = fail.retry && fail.failure.kind.is_retryable() && runs_failed < job.spec.attempts_max;
        if !another {
            let outcome = Outcome::Failed { error: fail.error, failure: fail.failure };
            self.end(&id, outcome, runs_failed, now, told);
            return Ok(Answer::Failed { retry_at: None });
        }
        let asked = fail.retry_after_ms.map(|ms| ms.min(limits::RETRY_AFTER_MS_MAX));
        let retry_at = now + asked.unwrap_or_else(|| backoff_ms(runs_failed, fail.roll));
        let reason = ReturnReason::Failed { error: fail.error, failure: fail.failure };
        self.give_back(&id, reason, Some(retry_at), (runs_failed, 0), now, told);
        Ok(Answer::Failed { retry_at: Some(retry_at) })
    }

    pub(super) fn release(
        &mut self,
        lease: LeaseId,
        reason: Option<Arc<str>>,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let job = self.held(lease)?;
        let (id, counts) = (job.spec.id.clone(), (job.runs_failed, job.lost_in_a_row));
        self.give_back(&id, ReturnReason::Released { reason }, None, counts, now, told);
        Ok(Answer::Done)
    }

    /// The lease ends without an answer of its worker. The third time in a row that this ends a
    /// run ends the job; a job that had not started cannot be what took its worker down.
    pub(super) fn lose(&mut self, id: &JobId, reason: ReturnReason, now: Timestamp, told: &mut Told) {
        let Some(job) = self.jobs.get(id) else { return };
        let ran = matches!(job.state, State::Running { .. });
        let lost_in_a_row = job.lost_in_a_row + u32::from(ran && reason.is_lost());
        let runs_failed = job.runs_failed;
        if lost_in_a_row < limits::LOST_IN_A_ROW_MAX {
            return self.give_back(id, reason, None, (runs_failed, lost_in_a_row), now, told);
        }
        let failure = Failure { kind: FailureKind::Broker, reason: Some("poison".into()) };
        let error = format!("its worker was lost {lost_in_a_row} times in a row, the last time: {}", reason.word());
        self.end(id, Outcome::Failed { error: error.into(), failure }, runs_failed, now, told);
    }

    fn give_back(
        &mut self,
        id: &JobId,
        reason: ReturnReason,
        retry_at: Option<Timestamp>,
        (runs_failed, lost_in_a_row): (u32, u32),
        now: Timestamp,
        told: &mut Told,
    ) {
        let Some(from) = self.status_of(id) else { return };
        let Some(Lease { worker, machine, .. }) = self.jobs.get(id).and_then(Job::lease).cloned() else { return };
        let job = id.clone();
        let fact = Fact::JobReturned {
            job,
            worker: worker.clone(),
            machine,
            from,
            reason,
            retry_at,
            runs_failed,
            lost_in_a_row,
        };
        self.emit_turning(fact, &worker, now, told);
        if retry_at.is_none() {
            self.freed.push(id.clone());
        }
    }

    /// What presence has to follow of an event that is about to be applied.
    pub(super) fn heed(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::JobAssigned { job, lease, .. } => {
                let start_by = Some(at + limits::START_MS);
                let deadlines = LeaseDeadlines { expires_at: at + limits::LEASE_MS, start_by };
                self.presence.hold_lease(*lease, job, deadlines);
            }
            Fact::JobStarted { job, .. } => {
                let lease = self.jobs.get(job).and_then(Job::lease).map(|lease| lease.id);
                if let Some(deadlines) = lease.and_then(|lease| self.presence.leases.get_mut(&lease)) {
                    deadlines.start_by = None;
                }
            }
            Fact::JobReturned { job, reason, .. } => {
                let by_worker = matches!(reason, ReturnReason::Failed { .. } | ReturnReason::Released { .. });
                self.drop_lease(&job.clone(), by_worker);
            }
            Fact::JobFinished { job, outcome, .. } => {
                let by_worker = match outcome {
                    Outcome::Completed { .. } => true,
                    Outcome::Failed { failure, .. } => failure.kind != FailureKind::Broker,
                    Outcome::Cancelled => false,
                };
                self.drop_lease(&job.clone(), by_worker);
            }
            _ => {}
        }
    }

    /// A lease ends; a machine that did not end it itself is to be told.
    fn drop_lease(&mut self, job: &JobId, by_worker: bool) {
        let Some(lease) = self.jobs.get(job).and_then(Job::lease) else { return };
        self.presence.leases.remove(&lease.id);
        if !by_worker {
            self.presence.revoke(&lease.machine, lease.id);
        }
    }
}

/// Exponential backoff with full jitter: anything up to base × 2^(failed runs - 1).
fn backoff_ms(runs_failed: u32, roll: u32) -> u64 {
    let doublings = (runs_failed - 1).min(32);
    let ceiling = (limits::BACKOFF_BASE_MS << doublings).min(limits::BACKOFF_MS_MAX);
    (ceiling * u64::from(roll)) >> 32
}
