//! Which waiting jobs no worker of the fleet could run. That is no end: a fleet may grow. It is
//! told when it begins and when it ends.

use super::{Ledger, seat};
use crate::{Fact, Job, JobId, Timestamp, Told, limits};

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
            false => Fact::JobUnschedulable { missing: self.missing(id), job },
        };
        self.emit(fact, now, told);
    }

    /// Looks at jobs because workers came or went, some in every tick.
    pub(super) fn tell_verdicts(&mut self, now: Timestamp, told: &mut Told) {
        for order in self.schedule.take_turned(limits::VERDICTS_PER_TICK_MAX) {
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
