//! Which waiting jobs no worker of the fleet could run. That is no end: a fleet may grow. It is
//! told when it begins and when it ends.

use super::{Ledger, seat};
use crate::{CustomerId, Fact, Missing, Requirements, Timestamp, Told, WorkflowId, limits};
use std::collections::HashMap;
use std::sync::Arc;

/// What was required, by its place, and whose job it was as far as that matters.
type Asked = (usize, Option<CustomerId>, Option<WorkflowId>);

/// What was missing for whom, while the kinds of workers were these.
#[derive(Debug, Default)]
pub(super) struct MissingKnown {
    /// So often they had changed.
    kinds: u64,
    of: HashMap<Asked, (Arc<Requirements>, Missing)>,
}

impl Ledger {
    /// Tells the verdict on one waiting job, if it is not what was told.
    pub(super) fn tell_verdict(&mut self, number: u64, now: Timestamp, told: &mut Told) {
        let Some(job) = self.rows.get(number) else { return };
        let Some(waiting) = job.waiting() else { return };
        let is_capable = self.schedule.is_capable(seat(job));
        if is_capable != waiting.missing.is_some() {
            return;
        }
        let job = job.spec.id.clone();
        let fact = match is_capable {
            true => Fact::JobSchedulable { job },
            false => Fact::JobUnschedulable { missing: self.missing_known(number), job },
        };
        self.emit(fact, now, told);
    }

    /// [`missing`](Self::missing), asked of all kinds of workers once as long as these stay the
    /// same: many jobs of one kind may come one after the other.
    fn missing_known(&mut self, number: u64) -> Missing {
        let Some(job) = self.rows.get(number) else { return Missing::default() };
        let matters = self.schedule.matters_whose();
        let customer = job.spec.customer.clone().filter(|_| matters);
        let workflow = job.spec.workflow_id().cloned().filter(|_| matters);
        let requirements = Arc::clone(&job.spec.requirements);
        let key = (Arc::as_ptr(&requirements) as usize, customer, workflow);
        let kinds = self.schedule.changes();
        if self.missing.kinds != kinds || self.missing.of.len() >= limits::MISSING_KNOWN_MAX {
            self.missing = MissingKnown { kinds, of: HashMap::new() };
        }
        if let Some((_, missing)) = self.missing.of.get(&key) {
            return Missing::clone(missing);
        }
        let missing = self.rows.get(number).map(|job| self.lacked(job)).unwrap_or_default();
        self.missing.of.insert(key, (requirements, Missing::clone(&missing)));
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
        for number in turned {
            self.tell_verdict(number, now, told);
            // If nobody has more memory any more, whoever stands ready will do.
            if self.rows.get(number).is_some_and(|job| job.more_than_gb.is_some()) {
                self.freed.push(number);
            }
        }
    }

    /// A job that is about to be given was told to be one that nobody could run: no longer.
    pub(super) fn tell_schedulable(&mut self, number: u64, now: Timestamp, told: &mut Told) {
        let Some(job) = self.rows.get(number) else { return };
        if job.waiting().is_some_and(|waiting| waiting.missing.is_some()) {
            self.emit(Fact::JobSchedulable { job: job.spec.id.clone() }, now, told);
        }
    }
}
