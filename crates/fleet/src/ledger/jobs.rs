//! Jobs come in and are called off.

use super::{Ledger, seat};
use crate::presence::Standing;
use crate::{
    Answer, ClientKey, Fact, Job, JobId, JobSpec, Outcome, Rank, Refusal, Submitted, Timestamp, Told, WorkerId, limits,
};
use std::sync::Arc;

impl Ledger {
    pub(super) fn submit(
        &mut self,
        mut spec: Arc<JobSpec>,
        recalled: Option<Rank>,
        now: Timestamp,
        told: &mut Told,
    ) -> Result<Submitted, Refusal> {
        if let Some(known) = self.known_submission(&spec)? {
            return Ok(Submitted { job: known, duplicate: true });
        }
        if let Some(client) = ClientKey::of(&spec.owner)
            && self.live_of(&client) >= limits::FOLLOWED_MAX
        {
            return Err(Refusal::TooManyFollowed { client: client.client });
        }
        if !self.schedule.has_room_for(&spec.requirements) {
            return Err(Refusal::TooManyClasses);
        }
        self.share_what_is_known(&mut spec);
        let job = spec.id.clone();
        let order = self.orders + 1;
        let (rank, workflow_rank) = self.rank(&spec, recalled, now);
        self.emit(Fact::JobSubmitted { spec, order, rank, workflow_rank }, now, told);
        self.tell_verdict(order, now, told);
        self.freed.push(order);
        Ok(Submitted { job, duplicate: false })
    }

    /// What many jobs have in common exists once.
    fn share_what_is_known(&self, spec: &mut Arc<JobSpec>) {
        let requirements = self.schedule.known(&spec.requirements);
        let customer = spec.customer.as_ref().and_then(|customer| self.schedule.known_customer(customer));
        let owner = self.owners.known(&spec.owner);
        let spec = Arc::make_mut(spec);
        spec.requirements = requirements.unwrap_or_else(|| Arc::clone(&spec.requirements));
        spec.customer = customer.or_else(|| spec.customer.take());
        spec.owner = owner.unwrap_or_else(|| Arc::clone(&spec.owner));
    }

    /// The job that this submission repeats. Its idempotency key is asked first: who uses one
    /// need not choose an id. What another principal submitted is never the same.
    fn known_submission(&self, spec: &JobSpec) -> Result<Option<JobId>, Refusal> {
        let principal = &spec.owner.principal;
        if let Some(known) = spec.idempotency_key().and_then(|key| self.job_by_key(principal, key)) {
            return match known.spec.digest == spec.digest {
                true => Ok(Some(known.spec.id.clone())),
                false => Err(Refusal::IdempotencyConflict),
            };
        }
        match self.rows.of_id(&spec.id) {
            Some(known) if known.spec.is_same_submission(spec) => Ok(Some(spec.id.clone())),
            Some(_) => Err(Refusal::JobIdConflict { job: spec.id.clone() }),
            None => Ok(None),
        }
    }

    /// What the job states of its rank. What it does not state, its workflow's first job has
    /// fixed; and if it is that first job, it fixes it.
    fn rank(&self, spec: &JobSpec, recalled: Option<Rank>, now: Timestamp) -> (Rank, Option<Rank>) {
        let workflow = spec.workflow();
        let (priority, at) = workflow.map_or((None, None), |workflow| (workflow.priority, workflow.at));
        let fixed = spec.workflow_id().and_then(|id| self.workflow_rank(&spec.owner.principal, id).or(recalled));
        let rank = Rank {
            priority: priority.or(fixed.map(|fixed| fixed.priority)).unwrap_or(spec.priority),
            at: at.or(fixed.map(|fixed| fixed.at)).unwrap_or(now),
        };
        (rank, spec.workflow_id().map(|_| fixed.unwrap_or(rank)))
    }

    pub(super) fn submit_all(
        &mut self,
        specs: Vec<(Arc<JobSpec>, Option<Rank>)>,
        now: Timestamp,
        told: &mut Told,
    ) -> Answer {
        let submit = |(spec, recalled)| self.submit(spec, recalled, now, told);
        Answer::SubmittedAll(specs.into_iter().map(submit).collect())
    }

    pub(super) fn cancel(&mut self, id: &JobId, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let job = self.rows.of_id(id).ok_or_else(|| Refusal::JobNotFound { job: id.clone() })?;
        match job.outcome() {
            Some(Outcome::Cancelled) => Ok(Answer::Done),
            Some(outcome) => Err(Refusal::AlreadyFinished { job: id.clone(), status: outcome.status() }),
            None => {
                self.end(job.order, Outcome::Cancelled, job.counts.runs_failed, now, told);
                Ok(Answer::Done)
            }
        }
    }

    /// Gives what this command made free to the workers that stand ready, in the order of the
    /// queue: only now, so that the order does not depend on what was freed first.
    pub(super) fn offer_freed(&mut self, now: Timestamp, told: &mut Told) {
        let mut freed = std::mem::take(&mut self.freed);
        freed.sort_by_key(|number| self.rows.get(*number).map(Job::order_key));
        for number in freed {
            self.offer(number, now, told);
        }
    }

    /// As long as the job waits and somebody stands ready for it, that worker is given the
    /// best job there is for it, which may be another one.
    fn offer(&mut self, number: u64, now: Timestamp, told: &mut Told) {
        if self.rows.get(number).is_some_and(|job| self.may_run(job)) {
            self.expire_overdue(number, now, told);
        }
        loop {
            let Some(job) = self.rows.get(number).filter(|job| self.may_run(job)) else { return };
            let service = &job.spec.requirements.service;
            let may_ask = |worker: &WorkerId| {
                !self.hold_offs.keep_away(worker, number)
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
        let delayed = |at| self.delayed.contains(&(at, job.order));
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

    /// The worker stands ready no more.
    pub(super) fn step_back(&mut self, worker: &WorkerId) -> Option<Standing> {
        let standing = self.presence.standing.remove(worker)?;
        if let Some(profile) = self.profiles.get(worker) {
            self.schedule.step_back(*profile, standing.since, worker);
        }
        Some(standing)
    }
}
