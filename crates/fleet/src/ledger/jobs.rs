//! Jobs come in and are called off.

use super::Ledger;
use crate::{Answer, Fact, Job, JobId, JobSpec, Outcome, Refusal, State, Status, Timestamp, Told, WorkerId};
use std::sync::Arc;

impl Ledger {
    pub(super) fn submit(&mut self, spec: Arc<JobSpec>, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        if let Some(known) = self.jobs.get(&spec.id) {
            return match known.spec.digest == spec.digest {
                true => Ok(Answer::Submitted { duplicate: true }),
                false => Err(Refusal::JobIdConflict { job: spec.id.clone() }),
            };
        }
        if !self.schedule.has_room_for(&spec.requirements) {
            return Err(Refusal::TooManyClasses);
        }
        let job = spec.id.clone();
        // Above all that are known. What is forgotten does not count, so that the shortest
        // story, which leaves it out, leads to the same next number.
        let order = self.by_order.last_key_value().map_or(0, |(order, _)| *order) + 1;
        self.emit(Fact::JobSubmitted { spec, order }, now, told);
        self.freed.push(job);
        Ok(Answer::Submitted { duplicate: false })
    }

    pub(super) fn cancel(&mut self, id: &JobId, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let job = self.jobs.get(id).ok_or_else(|| Refusal::JobNotFound { job: id.clone() })?;
        match job.state {
            State::Finished { outcome: Outcome::Cancelled, .. } => Ok(Answer::Done),
            State::Finished { .. } => Err(Refusal::AlreadyFinished { job: id.clone(), status: job.status() }),
            State::Waiting { .. } | State::Assigned { .. } | State::Running { .. } => {
                self.end(id, Outcome::Cancelled, job.runs_failed, now, told);
                Ok(Answer::Done)
            }
        }
    }

    /// Ends a job for good, wherever it is.
    pub(super) fn end(&mut self, id: &JobId, outcome: Outcome, runs_failed: u32, now: Timestamp, told: &mut Told) {
        let Some(job) = self.jobs.get(id) else { return };
        debug_assert!(!matches!(job.status(), Status::Completed | Status::Failed | Status::Cancelled));
        let lease = job.lease();
        let worker = lease.map(|lease| lease.worker.clone());
        let fact = Fact::JobFinished {
            job: id.clone(),
            worker: worker.clone(),
            machine: lease.map(|lease| lease.machine.clone()),
            attempt: job.attempts.last().map_or(0, |attempt| attempt.number),
            runs_failed,
            outcome,
        };
        match worker {
            Some(worker) => self.emit_turning(fact, &worker, now, told),
            None => self.emit(fact, now, told),
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
        let Some(job) = self.jobs.get(id) else { return };
        let requirements = job.spec.requirements.clone();
        while self.status_of(id) == Some(Status::Pending)
            && let Some(worker) = self.schedule.standing_for(&requirements)
        {
            let Some(standing) = self.step_back(&worker) else { return };
            if standing.until > now {
                self.assign(&worker, standing.lease, standing.start, now, told);
            }
        }
    }

    pub(super) fn status_of(&self, id: &JobId) -> Option<Status> {
        self.jobs.get(id).map(Job::status)
    }

    /// The worker stands ready no more.
    pub(super) fn step_back(&mut self, worker: &WorkerId) -> Option<crate::presence::Standing> {
        let standing = self.presence.standing.remove(worker)?;
        if let Some(profile) = self.profiles.get(worker) {
            self.schedule.step_back(*profile, standing.since, worker);
        }
        Some(standing)
    }
}
