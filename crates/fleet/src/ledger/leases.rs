//! A lease is given, kept alive, and ends.

use super::Ledger;
use super::ends::{self, Failed};
use super::hold_offs;
use crate::presence::{LeaseDeadlines, Standing, Timer};
use crate::{
    Answer, Content, Event, Fact, Fail, FailureKind, Finished, Grant, Job, JobId, LeaseId, Next, Orders, Outcome,
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
        let (has_room, machine) = (self.has_room(worker), worker.machine.clone());
        let drain = self.drains(worker);
        self.hear(&machine, now, told);
        self.step_back(&next.worker);
        let grant = match unheard {
            Some(lease) => self.grant_again(lease, next.start, now, told),
            None if has_room => self.assign(&next.worker, next.lease, next.start, now, told),
            None => None,
        };
        if grant.is_none() && has_room && next.until > now {
            let since = self.presence.next_standing();
            let standing = Standing { until: next.until, lease: next.lease, start: next.start, since };
            self.stand(next.worker, standing);
        }
        Ok(Answer::Next { grant, orders: Orders { cancel, drain } })
    }

    pub(super) fn stand(&mut self, worker: WorkerId, standing: Standing) {
        let Some(profile) = self.profiles.get(&worker) else { return };
        self.schedule.stand(*profile, standing.since, worker.clone());
        self.presence.standing.insert(worker, standing);
    }

    pub(super) fn stand_down(&mut self, worker: &WorkerId, lease: LeaseId) -> Result<Answer, Refusal> {
        if self.presence.standing.get(worker).is_some_and(|standing| standing.lease == lease) {
            self.step_back(worker);
        }
        Ok(Answer::Done)
    }

    /// The answer that gave this lease was lost: the same lease again, alive as of now.
    fn grant_again(&mut self, lease: LeaseId, start: bool, now: Timestamp, told: &mut Told) -> Option<Grant> {
        let job = *self.leases.get(&lease)?;
        if start {
            self.ensure_started(job, now, told);
        }
        self.renew_lease(lease, now);
        self.grant(job)
    }

    /// Gives the worker the best job there is for it. One that should have started or ended by
    /// now expires instead, and the next best is looked for.
    pub(super) fn assign(
        &mut self,
        id: &WorkerId,
        lease: LeaseId,
        start: bool,
        now: Timestamp,
        told: &mut Told,
    ) -> Option<Grant> {
        let mut job = self.best_for(id)?;
        let mut expired = 0;
        while self.expire_overdue(job, now, told) {
            expired += 1;
            if expired == limits::ALARMS_PER_TICK_MAX {
                self.unserved.push(id.clone());
                return None;
            }
            job = self.best_for(id)?;
        }
        self.tell_schedulable(job, now, told);
        let worker = self.workers.get(id)?;
        let row = self.rows.get(job)?;
        let fact = Fact::JobAssigned {
            job: row.spec.id.clone(),
            lease,
            attempt: row.attempt() + 1,
            worker: id.clone(),
            machine: worker.machine.clone(),
            session: worker.session,
            seq: row.told + 1,
        };
        self.emit_turning(fact, id, now, told);
        if start {
            self.ensure_started(job, now, told);
        }
        self.grant(job)
    }

    fn best_for(&self, id: &WorkerId) -> Option<u64> {
        let held_off = self.hold_offs.of(id);
        if held_off.is_some_and(hold_offs::is_full) {
            return None;
        }
        let skip = |order| held_off.is_some_and(|jobs| jobs.contains_key(&order));
        self.schedule.best(*self.profiles.get(id)?, &self.workers.get(id)?.down, &skip)
    }

    fn grant(&self, number: u64) -> Option<Grant> {
        let job = self.rows.get(number)?;
        let lease = job.lease()?;
        let expires_at = self.presence.leases.get(&lease.id)?.expires_at;
        Some(Grant { lease: lease.id, attempt: lease.attempt, expires_at, job: job.spec.id.clone() })
    }

    /// The job that is under this lease now.
    fn held(&self, lease: LeaseId) -> Result<&Job, Refusal> {
        let job = self.leases.get(&lease).and_then(|job| self.rows.get(*job)).ok_or(Refusal::LeaseLost)?;
        match job.lease() {
            Some(held) if held.id == lease => Ok(job),
            _ => Err(Refusal::LeaseLost),
        }
    }

    fn ensure_started(&mut self, number: u64, now: Timestamp, told: &mut Told) {
        let Some(job) = self.rows.get(number) else { return };
        if let State::Assigned { lease } = &job.state {
            let (job, worker, seq) = (job.spec.id.clone(), lease.worker.clone(), job.told + 1);
            let fact = Fact::JobStarted { job, worker, seq };
            self.emit(fact, now, told);
        }
    }

    pub(super) fn start(&mut self, lease: LeaseId, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let job = self.held(lease)?.order;
        self.ensure_started(job, now, told);
        self.renew_lease(lease, now);
        Ok(Answer::Orders(self.orders_under(lease)))
    }

    pub(super) fn renew(&mut self, lease: LeaseId, now: Timestamp) -> Result<Answer, Refusal> {
        self.held(lease)?;
        self.renew_lease(lease, now);
        Ok(Answer::Orders(self.orders_under(lease)))
    }

    /// What the holder of a lease that it keeps should do.
    fn orders_under(&self, lease: LeaseId) -> Orders {
        let held = self.lease(lease).and_then(|lease| self.workers.get(&lease.worker));
        Orders { cancel: Vec::new(), drain: held.is_some_and(|worker| self.drains(worker)) }
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
        let (number, job, worker) =
            (job.order, job.spec.id.clone(), job.lease().ok_or(Refusal::LeaseLost)?.worker.clone());
        self.ensure_started(number, now, told);
        self.renew_lease(lease, now);
        if let Some(deadlines) = self.presence.leases.get_mut(&lease) {
            // Never earlier: a timer may already wait for the later one, as after a restart.
            deadlines.progress_by = deadlines.progress_by.max(deadlines.no_progress_ms.map(|ms| now + ms));
        }
        told.pulses.push(Pulse::Progress { job, worker, progress, at: now });
        Ok(Answer::Orders(self.orders_under(lease)))
    }

    /// Finishing twice with the same lease and the same result is one finish.
    pub(super) fn finish(
        &mut self,
        lease: LeaseId,
        result: Content,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let finished = self.leases.get(&lease).and_then(|job| self.rows.get(*job)?.finished());
        let is_again = |finished: &Finished| {
            finished.by == Some(lease)
                && matches!(finished.outcome, Outcome::Completed { result: known } if known == result)
        };
        if finished.is_some_and(is_again) {
            return Ok(Answer::Done);
        }
        let job = self.held(lease)?;
        let (number, runs_failed) = (job.order, job.counts.runs_failed);
        self.ensure_started(number, now, told);
        self.end(number, Outcome::Completed { result }, runs_failed, now, told);
        Ok(Answer::Done)
    }

    pub(super) fn fail(&mut self, fail: Fail, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let number = self.held(fail.lease)?.order;
        let Fail { error, failure, retry, retry_after_ms, roll, .. } = fail;
        Ok(self.fail_run(number, Failed { error, failure, retry, retry_after_ms, roll }, now, told))
    }

    pub(super) fn release(
        &mut self,
        lease: LeaseId,
        reason: Option<Arc<str>>,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let number = self.held(lease)?.order;
        self.hand_back(number, ReturnReason::Released { reason }, now, told);
        Ok(Answer::Done)
    }

    /// What presence has to follow of an event that is about to be applied.
    pub(super) fn heed(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::JobAssigned { job, lease, .. } => {
                let deadlines = LeaseDeadlines::assigned(at + limits::LEASE_MS, at + limits::START_MS);
                if let Some(job) = self.rows.number_of(job) {
                    self.presence.hold_lease(*lease, job, deadlines);
                }
            }
            Fact::JobStarted { job, .. } => self.heed_start(job, at),
            Fact::JobReturned { job, reason, .. } => {
                // A run that is out of time failed without its worker.
                let by_worker = match reason {
                    ReturnReason::Failed { failure, .. } => !ends::is_out_of_time(failure),
                    ReturnReason::Released { .. } => true,
                    _ => false,
                };
                self.drop_lease(job, by_worker);
            }
            Fact::JobFinished { job, outcome, .. } => {
                let by_worker = match outcome {
                    Outcome::Completed { .. } => true,
                    Outcome::Failed { failure, .. } => {
                        failure.kind != FailureKind::Broker && !ends::is_out_of_time(failure)
                    }
                    Outcome::Cancelled | Outcome::Expired(_) => false,
                };
                self.drop_lease(job, by_worker);
            }
            _ => {}
        }
    }

    fn heed_start(&mut self, job: &JobId, at: Timestamp) {
        let Some(job) = self.rows.of_id(job) else { return };
        let Some(lease) = job.lease().map(|lease| lease.id) else { return };
        let timing = job.spec.timing();
        let number = job.order;
        let Some(deadlines) = self.presence.leases.get_mut(&lease) else { return };
        deadlines.start_by = None;
        deadlines.run_until = timing.run_for_ms.map(|ms| at + ms);
        deadlines.progress_by = timing.no_progress_ms.map(|ms| at + ms);
        deadlines.no_progress_ms = timing.no_progress_ms;
        let next = deadlines.next();
        if next < deadlines.expires_at {
            self.presence.set_timer(next, Timer::Lease(lease, number));
        }
    }

    /// A lease ends; a machine that did not end it itself is to be told.
    fn drop_lease(&mut self, job: &JobId, by_worker: bool) {
        let Some(lease) = self.rows.of_id(job).and_then(Job::lease) else { return };
        self.presence.leases.remove(&lease.id);
        if !by_worker {
            self.presence.revoke(&lease.machine, lease.id);
        }
    }
}
