//! Which waiting jobs no worker of the fleet could run. That is no end: a fleet may grow. It is
//! told when it begins and when it ends.

use super::{Ledger, seat};
use crate::{CustomerId, Fact, Job, JobId, Missing, Requirements, Timestamp, Told, WorkflowId, limits};
use std::collections::HashMap;
use std::sync::Arc;

/// What was required, and whose job it was as far as that matters.
type Asked = (Arc<Requirements>, Option<CustomerId>, Option<WorkflowId>);

/// What was missing for whom, while the kinds of workers were these.
#[derive(Debug, Default)]
pub(super) struct MissingKnown {
    /// So often they had changed.
    kinds: u64,
    of: HashMap<Asked, Missing>,
}

impl Ledger {
    /// Tells the verdict on one waiting job, if it is not what was told.
    pub(super) fn tell_verdict(&mut self, id: &JobId, now: Timestamp, told: &mut Told) {
        let Some(job) = self.jobs.get(id) else { return };
        let Some(waiting) = job.waiting() else { return };
        let is_capable = self.schedule.is_capable(seat(job));
        if is_capable != waiting.missing.is_some() {
            return;
        }
        let job = id.clone();
        let fact = match is_capable {
            true => Fact::JobSchedulable { job },
            false => Fact::JobUnschedulable { missing: self.missing_known(id), job },
        };
        self.emit(fact, now, told);
    }

    /// [`missing`](Self::missing), asked of all kinds of workers once as long as these stay the
    /// same: many jobs of one kind may come one after the other.
    fn missing_known(&mut self, id: &JobId) -> Missing {
        let Some(job) = self.jobs.get(id) else { return Missing::default() };
        let matters = self.schedule.matters_whose();
        let customer = job.spec.customer.clone().filter(|_| matters);
        let workflow = job.spec.workflow_id().cloned().filter(|_| matters);
        let key = (Arc::clone(&job.spec.requirements), customer, workflow);
        let kinds = self.schedule.changes();
        if self.missing.kinds != kinds || self.missing.of.len() >= limits::MISSING_KNOWN_MAX {
            self.missing = MissingKnown { kinds, of: HashMap::new() };
        }
        if let Some(missing) = self.missing.of.get(&key) {
            return Missing::clone(missing);
        }
        let missing = self.missing(id);
        self.missing.of.insert(key, Missing::clone(&missing));
        missing
    }

    /// Looks at jobs because workers came or went, some in every tick.
    pub(super) fn tell_verdicts(&mut self, now: Timestamp, told: &mut Told) {
        if self.next_look.is_some_and(|at| at > now) {
            return;
        }
        let turned = self.schedule.take_turned(limits::VERDICTS_PER_TICK_MAX);
        let is_full = turned.len() == limits::VERDICTS_PER_TICK_MAX;
        self.next_look = is_full.then(|| now + limits::VERDICTS_PAUSE_MS);
        for order in turned {
            if let Some(id) = self.by_order.get(&order).cloned() {
                self.tell_verdict(&id, now, told);
                // If nobody has more memory any more, whoever stands ready will do.
                if self.jobs.get(&id).is_some_and(|job| job.more_than_gb.is_some()) {
                    self.freed.push(id);
                }
            }
        }
    }

    /// A job that is about to be given was told to be one that nobody could run: no longer.
    pub(super) fn tell_schedulable(&mut self, id: &JobId, now: Timestamp, told: &mut Told) {
        let waiting = self.jobs.get(id).and_then(Job::waiting);
        if waiting.is_some_and(|waiting| waiting.missing.is_some()) {
            self.emit(Fact::JobSchedulable { job: id.clone() }, now, told);
        }
    }
}
