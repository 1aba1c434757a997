//! Where a job is, and what follows from it.

use crate::meets;
use crate::oracle::{Due, Held, Job, Place, Wait};
use fleet::{Capabilities, Status, Timestamp};
use std::cmp::Reverse;

impl Job {
    pub(crate) fn held(&self) -> Option<&Held> {
        match &self.place {
            Place::Held(held) => Some(held),
            _ => None,
        }
    }

    pub(crate) fn held_mut(&mut self) -> Option<&mut Held> {
        match &mut self.place {
            Place::Held(held) => Some(held),
            _ => None,
        }
    }

    pub(crate) fn waiting(&self) -> Option<&Wait> {
        match &self.place {
            Place::Waiting(wait) => Some(wait),
            _ => None,
        }
    }

    pub(crate) fn waiting_mut(&mut self) -> Option<&mut Wait> {
        match &mut self.place {
            Place::Waiting(wait) => Some(wait),
            _ => None,
        }
    }

    pub(crate) fn ended_at(&self) -> Option<Timestamp> {
        match self.place {
            Place::Finished { at, .. } => Some(at),
            _ => None,
        }
    }

    /// Whether it may be given; one that should have started or ended by now expires instead.
    pub(crate) fn is_eligible(&self, now: Timestamp) -> bool {
        self.waiting().is_some_and(|wait| wait.awake) && !self.is_overdue(now)
    }

    pub(crate) fn is_overdue(&self, now: Timestamp) -> bool {
        let timing = self.spec.timing();
        [timing.start_by, timing.finish_by].into_iter().flatten().any(|at| at <= now)
    }

    pub(crate) fn status(&self) -> Status {
        match &self.place {
            Place::Waiting(_) => Status::Pending,
            Place::Held(held) if held.started.is_some() => Status::InProgress,
            Place::Held(_) => Status::Assigned,
            Place::Finished { outcome, .. } => outcome.status(),
        }
    }

    /// Who starves first, by age; then priority, then time, then submission.
    pub(crate) fn place_in_queue(&self) -> (bool, Reverse<u32>, Timestamp, u64) {
        match self.starves {
            true => (false, Reverse(0), self.at, self.order),
            false => (true, Reverse(self.rank.priority), self.rank.at, self.order),
        }
    }

    /// Whether it could be run with these, but for the memory that another worker had too
    /// little of.
    pub(crate) fn suits(&self, has: &Capabilities) -> bool {
        let takes = match &self.spec.customer {
            None => has.access.allowed.is_empty(),
            Some(customer) => {
                let (allowed, denied) = (&has.access.allowed, &has.access.denied);
                !denied.contains(customer) && (allowed.is_empty() || allowed.contains(customer))
            }
        };
        let bound = has.workflow.is_some() && has.workflow.as_ref() != self.spec.workflow_id();
        takes && !bound && meets::fits(&self.spec.requirements, has)
    }
}

impl Held {
    /// When time alone ends the lease, and how.
    pub(crate) fn ends(&self) -> (Timestamp, Due) {
        let not_started = self.started.is_none().then_some((self.start_by, Due::NotStarted));
        let silent = self.progress_by.map(|at| (at, Due::NoProgress));
        let late = self.run_until.map(|at| (at, Due::RunFor));
        [not_started, silent, late].into_iter().flatten().fold((self.expires_at, Due::Expired), Ord::min)
    }
}
