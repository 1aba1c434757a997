//! What time alone does.

use super::Ledger;
use crate::presence::{LeaseDeadlines, Timer};
use crate::{Answer, Fact, Job, JobId, LeaseId, MachineId, Refusal, ReturnReason, State, Timestamp, Told, limits};

impl Ledger {
    /// Begins to decide on what was replayed, or goes on after a standstill: nobody could be
    /// heard, so no lease and no machine expires before a grace has passed.
    pub fn resume(&mut self, now: Timestamp) {
        let grace = now + limits::OPENING_GRACE_MS;
        let machines: Vec<_> = self.machines.keys().cloned().collect();
        for machine in machines {
            self.presence.hear_machine(&machine, now, grace);
        }
        let held: Vec<_> = self.active().filter_map(|job| Some((job.lease()?.id, job))).map(deadlines_of).collect();
        for (lease, job, started) in held {
            let start_by = (!started).then_some(grace);
            self.presence.hold_lease(lease, &job, LeaseDeadlines { expires_at: grace, start_by });
        }
    }

    /// When [`Command::Tick`](crate::Command::Tick) has something to do; a tick before that is harmless.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let delayed = self.delayed.first().map(|(at, _)| *at);
        let forget = self.finished.front().and_then(|id| self.jobs.get(id)).and_then(Job::finished_at);
        let forget = forget.map(|at| at + limits::FINISHED_KEPT_MS);
        [self.presence.next_deadline(), delayed, forget].into_iter().flatten().min()
    }

    /// The first deadline of a lease or machine: by then it should have been heard, or is looked
    /// at again.
    #[must_use]
    pub fn next_silence(&self) -> Option<Timestamp> {
        self.presence.next_deadline()
    }

    pub(super) fn tick(&mut self, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        while let Some(timer) = self.presence.due(now) {
            match timer {
                Timer::Lease(lease, job) => self.lease_is_due(lease, &job, now, told),
                Timer::Machine(machine) => self.machine_is_due(machine, now, told),
            }
        }
        self.wake_delayed(now);
        self.forget_finished(now, told);
        Ok(Answer::Done)
    }

    fn lease_is_due(&mut self, lease: LeaseId, job: &JobId, now: Timestamp, told: &mut Told) {
        let Some(deadlines) = self.presence.leases.get(&lease).copied() else { return };
        if deadlines.next() > now {
            return self.presence.set_timer(deadlines.next(), Timer::Lease(lease, job.clone()));
        }
        let expired = deadlines.expires_at <= now;
        self.lose(job, if expired { ReturnReason::LeaseExpired } else { ReturnReason::NotStarted }, now, told);
    }

    fn machine_is_due(&mut self, id: MachineId, now: Timestamp, told: &mut Told) {
        let Some(deadlines) = self.presence.machines.get(&id).copied() else { return };
        let Some(machine) = self.machines.get(&id) else { return };
        if deadlines.silent_at > now {
            return self.presence.set_timer(deadlines.silent_at, Timer::Machine(id));
        }
        if machine.silent_since.is_none() {
            // What stands there may not be there any more; it asks again when it is heard.
            for worker in machine.workers.clone() {
                self.step_back(&worker);
            }
            self.emit(Fact::MachineSilent { machine: id.clone() }, now, told);
        }
        match deadlines.gone_at > now {
            true => self.presence.set_timer(deadlines.gone_at, Timer::Machine(id)),
            false => self.remove_machine(&id, Some("gone"), now, told),
        }
    }

    /// Jobs whose backoff is over may be given.
    fn wake_delayed(&mut self, now: Timestamp) {
        while self.delayed.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, id)) = self.delayed.pop_first() else { return };
            let Some(job) = self.jobs.get(&id) else { continue };
            self.schedule.insert(job.order_key(), id.clone(), &job.spec.requirements);
            self.freed.push(id);
        }
    }

    fn forget_finished(&mut self, now: Timestamp, told: &mut Told) {
        for _ in 0..limits::FORGOTTEN_PER_TICK_MAX {
            let Some(job) = self.finished.front().and_then(|id| self.jobs.get(id)) else { return };
            if job.finished_at().is_none_or(|at| at + limits::FINISHED_KEPT_MS > now) {
                return;
            }
            let job = job.spec.id.clone();
            self.emit(Fact::JobForgotten { job }, now, told);
        }
    }
}

fn deadlines_of((lease, job): (LeaseId, &Job)) -> (LeaseId, JobId, bool) {
    (lease, job.spec.id.clone(), matches!(job.state, State::Running { .. }))
}
