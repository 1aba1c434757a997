//! Jobs come in and are called off.

use super::{Ledger, seat};
use crate::presence::Standing;
use crate::{
    Answer, Fact, Job, JobId, JobSpec, Outcome, Rank, Refusal, State, Status, Submitted, Timestamp, Told, WorkerId,
};
use std::sync::Arc;

impl Ledger {
    pub(super) fn submit(
        &mut self,
        mut spec: Arc<JobSpec>,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Submitted, Refusal> {
        if let Some(known) = self.known_submission(&spec)? {
            return Ok(Submitted { job: known, duplicate: true });
        }
        if !self.schedule.has_room_for(&spec.requirements) {
            return Err(Refusal::TooManyClasses);
        }
        if let Some(known) = self.schedule.known(&spec.requirements) {
            Arc::make_mut(&mut spec).requirements = known;
        }
        let job = spec.id.clone();
        // Above all that are known. What is forgotten does not count, so that the shortest
        // story, which leaves it out, leads to the same next number.
        let order = self.by_order.last_key_value().map_or(0, |(order, _)| *order) + 1;
        let (rank, workflow_rank) = self.rank(&spec, now);
        self.emit(Fact::JobSubmitted { spec, order, rank, workflow_rank }, now, told);
        self.tell_verdict(&job, now, told);
        self.freed.push(job.clone());
        Ok(Submitted { job, duplicate: false })
    }

    /// The job that this submission repeats. Its idempotency key is asked first: who uses one
    /// need not choose an id.
    fn known_submission(&self, spec: &JobSpec) -> Result<Option<JobId>, Refusal> {
        if let Some(known) = spec.idempotency_key.as_ref().and_then(|key| self.job_by_key(key)) {
            return match known.spec.digest == spec.digest {
                true => Ok(Some(known.spec.id.clone())),
                false => Err(Refusal::IdempotencyConflict),
            };
        }
        match self.jobs.get(&spec.id) {
            Some(known) if known.spec.digest == spec.digest => Ok(Some(spec.id.clone())),
            Some(_) => Err(Refusal::JobIdConflict { job: spec.id.clone() }),
            None => Ok(None),
        }
    }

    /// What the job states of its rank. What it does not state, its workflow's first job has
    /// fixed; and if it is that first job, it fixes it.
    fn rank(&self, spec: &JobSpec, now: Timestamp) -> (Rank, Option<Rank>) {
        let workflow = spec.workflow.as_ref();
        let (priority, at) = workflow.map_or((None, None), |workflow| (workflow.priority, workflow.at));
        let fixed = spec.workflow_id().and_then(|id| self.workflows.get(id)).map(|known| known.rank);
        let rank = Rank {
            priority: priority.or(fixed.map(|fixed| fixed.priority)).unwrap_or(spec.priority),
            at: at.or(fixed.map(|fixed| fixed.at)).unwrap_or(now),
        };
        (rank, spec.workflow_id().map(|_| fixed.unwrap_or(rank)))
    }

    pub(super) fn submit_all(&mut self, specs: Vec<Arc<JobSpec>>, now: Timestamp, told: &mut Told) -> Answer {
        Answer::SubmittedAll(specs.into_iter().map(|spec| self.submit(spec, now, told)).collect())
    }

    /// A new job with all that was asked for, but for times that have passed.
    pub(super) fn retry(
        &mut self,
        id: &JobId,
        again: JobId,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Answer, Refusal> {
        let job = self.jobs.get(id).ok_or_else(|| Refusal::JobNotFound { job: id.clone() })?;
        if job.finished_at().is_none() {
            return Err(Refusal::NotFinished { job: id.clone() });
        }
        let mut spec = JobSpec::clone(&job.spec);
        if let Some(timing) = &mut spec.timing {
            for time in [&mut timing.not_before, &mut timing.start_by, &mut timing.finish_by] {
                *time = time.filter(|time| *time > now);
            }
        }
        (spec.id, spec.retry_of, spec.idempotency_key) = (again, Some(id.clone()), None);
        self.submit(Arc::new(spec), now, told).map(Answer::Submitted)
    }

    pub(super) fn cancel(&mut self, id: &JobId, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let job = self.jobs.get(id).ok_or_else(|| Refusal::JobNotFound { job: id.clone() })?;
        match job.state {
            State::Finished { outcome: Outcome::Cancelled, .. } => Ok(Answer::Done),
            State::Finished { .. } => Err(Refusal::AlreadyFinished { job: id.clone(), status: job.status() }),
            State::Waiting(_) | State::Assigned { .. } | State::Running { .. } => {
                self.end(id, Outcome::Cancelled, job.counts.runs_failed, now, told);
                Ok(Answer::Done)
            }
        }
    }

    /// Gives what this command made free to the workers that stand ready, in the order of the
    /// queue: only now, so that the order does not depend on what was freed first.
    pub(super) fn offer_freed(&mut self, now: Timestamp, told: &mut Told) {
        let mut freed = std::mem::take(&mut self.freed);
        freed.sort_by_key(|id| self.jobs.get(id).map(Job::order_key));
        for id in freed {
            self.offer(&id, now, told);
        }
    }

    /// As long as the job waits and somebody stands ready for it, that worker is given the
    /// best job there is for it, which may be another one.
    fn offer(&mut self, id: &JobId, now: Timestamp, told: &mut Told) {
        if self.jobs.get(id).is_some_and(|job| self.may_run(job)) {
            self.expire_overdue(id, now, told);
        }
        loop {
            let Some(job) = self.jobs.get(id).filter(|job| self.may_run(job)) else { return };
            let (service, order) = (&job.spec.requirements.service, job.order);
            let may_ask = |worker: &WorkerId| {
                !self.hold_offs.keep_away(worker, order)
                    && self.workers.get(worker).is_some_and(|worker| !worker.down.contains(service))
            };
            let Some(worker) = self.schedule.standing_for(seat(job), &may_ask) else { return };
            let Some(standing) = self.step_back(&worker) else { return };
            if standing.until > now && self.assign(&worker, standing.lease, standing.start, now, told).is_none() {
                // What there was has expired.
                return self.stand(worker, standing);
            }
        }
    }

    /// Whether the job waits and its delay, if it has one, is over.
    fn may_run(&self, job: &Job) -> bool {
        let delayed = |at| self.delayed.contains(&(at, job.spec.id.clone()));
        job.waiting().is_some_and(|waiting| !waiting.not_before.is_some_and(delayed))
    }

    /// Gives the workers that were kept from something what they may have now, those that
    /// stand longest first.
    pub(super) fn serve_unbarred(&mut self, now: Timestamp, told: &mut Told) {
        let mut unbarred = std::mem::take(&mut self.unbarred);
        unbarred.sort_by_key(|worker| self.presence.standing.get(worker).map(|standing| standing.since));
        for worker in unbarred {
            let Some(standing) = self.step_back(&worker) else { continue };
            let is_served =
                standing.until <= now || self.assign(&worker, standing.lease, standing.start, now, told).is_some();
            if !is_served {
                self.stand(worker, standing);
            }
        }
    }

    pub(super) fn status_of(&self, id: &JobId) -> Option<Status> {
        self.jobs.get(id).map(Job::status)
    }

    /// The worker stands ready no more.
    pub(super) fn step_back(&mut self, worker: &WorkerId) -> Option<Standing> {
        let standing = self.presence.standing.remove(worker)?;
        if let Some(profile) = self.profiles.get(worker) {
            self.schedule.step_back(*profile, standing.since, worker);
        }
        Some(standing)
    }
}
