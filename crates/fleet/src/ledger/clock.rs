//! What time alone does.

use super::{Ledger, seat};
use crate::presence::{LeaseDeadlines, Timer};
use crate::{Answer, Expiry, Fact, Job, LeaseId, MachineId, Refusal, ReturnReason, State, Timestamp, Told, limits};

impl Ledger {
    /// Begins to decide on what was replayed, or goes on after a standstill: nobody could be
    /// heard, so no lease and no machine expires, and no run is too long, before a grace has
    /// passed. What a job's submitter fixed by the clock passes by the clock.
    pub fn resume(&mut self, now: Timestamp) {
        let grace = now + limits::OPENING_GRACE_MS;
        self.presence.clients_until = grace;
        let machines: Vec<_> = self.machines.keys().cloned().collect();
        for machine in machines {
            self.presence.hear_machine(&machine, now, grace);
        }
        let held: Vec<_> = self.active().filter_map(|job| deadlines_of(job, now, grace)).collect();
        for (lease, job, deadlines) in held {
            self.presence.hold_lease(lease, job, deadlines);
        }
        // After a start nobody stands whom it would have to be offered to; else the next tick does it.
        if self.presence.standing.is_empty() {
            self.catch_up(now);
        }
        self.schedule.turn_all();
    }

    /// Brings what is derived from time up to `now`, for a ledger that only follows. It tells
    /// nothing; one that decides does it with [`Command::Tick`](crate::Command::Tick).
    pub fn catch_up(&mut self, now: Timestamp) {
        self.wake_delayed(now, usize::MAX);
        self.end_hold_offs(now);
        self.freed.clear();
        self.unbarred.clear();
        self.schedule.forget_turned();
    }

    /// When [`Command::Tick`](crate::Command::Tick) has something to do; a tick before that is harmless.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let delayed = self.delayed.first().map(|(at, _)| *at);
        let alarm = self.alarms.first().map(|(at, _)| *at);
        let verdicts = self.schedule.has_turned().then_some(self.next_look.unwrap_or(Timestamp(i64::MIN)));
        let forgotten = [self.next_to_forget(), self.next_unseen()].into_iter().flatten().min();
        let first = [self.presence.next_deadline(), delayed, forgotten, alarm, verdicts, self.hold_offs.next_end()];
        first.into_iter().flatten().min()
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
                Timer::Lease(lease, job) => self.lease_is_due(lease, job, now, told),
                Timer::Machine(machine) => self.machine_is_due(machine, now, told),
            }
        }
        self.unbarred.append(&mut self.unserved);
        self.ring_alarms(now, told);
        self.wake_delayed(now, limits::WOKEN_PER_TICK_MAX);
        self.end_hold_offs(now);
        self.tell_verdicts(now, told);
        self.forget_finished(now, told);
        self.forget_unseen(now, told);
        Ok(Answer::Done)
    }

    fn lease_is_due(&mut self, lease: LeaseId, job: u64, now: Timestamp, told: &mut Told) {
        let Some(deadlines) = self.presence.leases.get(&lease).copied() else { return };
        let next = deadlines.next();
        if next > now {
            return self.presence.set_timer(next, Timer::Lease(lease, job));
        }
        // Whichever came first; of two at once the one that blames the worker least.
        if deadlines.expires_at == next {
            self.lose(job, ReturnReason::LeaseExpired, now, told);
        } else if deadlines.start_by == Some(next) {
            self.hand_back(job, ReturnReason::NotStarted, now, told);
        } else {
            self.run_out(job, deadlines.progress_by == Some(next), now, told);
        }
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

    /// The next moment at which something of the job's timing passes, in the state it is in.
    pub(super) fn next_time_of(&self, job: &Job) -> Option<Timestamp> {
        let timing = job.spec.stated_timing();
        let (start_by, finish_by) = timing.map_or((None, None), |timing| (timing.start_by, timing.finish_by));
        match &job.state {
            State::Waiting(waiting) => {
                let unmatched = timing.and_then(|timing| timing.fail_if_unmatched_ms);
                let unmatched = unmatched.filter(|_| waiting.missing.is_some()).map(|ms| waiting.since + ms);
                let starves = self.rules.starve_after_ms.filter(|_| !job.is_starving).map(|ms| job.created_at + ms);
                [start_by, finish_by, unmatched, starves].into_iter().flatten().min()
            }
            State::Assigned { .. } => [start_by, finish_by].into_iter().flatten().min(),
            State::Running { .. } => finish_by,
            State::Finished(_) => None,
        }
    }

    fn ring_alarms(&mut self, now: Timestamp, told: &mut Told) {
        for _ in 0..limits::ALARMS_PER_TICK_MAX {
            let Some((at, number)) = self.alarms.first().copied().filter(|(at, _)| *at <= now) else { return };
            let Some(job) = self.rows.get(number) else {
                self.alarms.remove(&(at, number));
                continue;
            };
            let id = job.spec.id.clone();
            if self.expire_overdue(number, now, told) {
                continue;
            }
            if let Some(ms) = self.unmatched_too_long(number, now) {
                self.end_unschedulable(number, ms, now, told);
            } else {
                self.emit(Fact::JobStarved { job: id }, now, told);
                // Moving it to its new place made its class forget that it was to be looked at.
                self.tell_verdict(number, now, told);
                self.freed.push(number);
            }
        }
    }

    /// Expires a job that should have started or ended by now; says whether it did.
    pub(super) fn expire_overdue(&mut self, number: u64, now: Timestamp, told: &mut Told) -> bool {
        let Some(job) = self.rows.get(number) else { return false };
        let Some(timing) = job.spec.stated_timing() else { return false };
        let may_start = !matches!(job.state, State::Running { .. });
        let expiry = match (timing.start_by, timing.finish_by) {
            (_, Some(finish_by)) if finish_by <= now => Expiry::FinishBy(finish_by),
            (Some(start_by), _) if start_by <= now && may_start => Expiry::StartBy(start_by),
            _ => return false,
        };
        self.expire(number, expiry, now, told);
        true
    }

    fn unmatched_too_long(&self, number: u64, now: Timestamp) -> Option<u64> {
        let job = self.rows.get(number)?;
        let ms = job.spec.stated_timing()?.fail_if_unmatched_ms?;
        let waiting = job.waiting().filter(|waiting| waiting.missing.is_some())?;
        (waiting.since + ms <= now).then_some(ms)
    }

    fn end_hold_offs(&mut self, now: Timestamp) {
        while let Some(worker) = self.hold_offs.end(now) {
            self.unbarred.push(worker);
        }
    }

    /// Jobs whose delay is over may be given.
    fn wake_delayed(&mut self, now: Timestamp, max: usize) {
        for _ in 0..max {
            let Some((_, number)) = self.delayed.first().copied().filter(|(at, _)| *at <= now) else { return };
            self.delayed.pop_first();
            let Some(job) = self.rows.get(number) else { continue };
            self.schedule.wake(seat(job));
            self.freed.push(number);
        }
    }
}

/// Of a lease that is held while nobody can be heard until `grace`.
fn deadlines_of(job: &Job, now: Timestamp, grace: Timestamp) -> Option<(LeaseId, u64, LeaseDeadlines)> {
    let lease = job.lease()?.id;
    let timing = job.spec.timing();
    let deadlines = match &job.state {
        State::Running { started_at, .. } => LeaseDeadlines {
            expires_at: grace,
            start_by: None,
            run_until: timing.run_for_ms.map(|ms| (*started_at + ms).max(grace)),
            // When it last spoke of its progress is not remembered; perhaps just now.
            progress_by: timing.no_progress_ms.map(|ms| (now + ms).max(grace)),
            no_progress_ms: timing.no_progress_ms,
        },
        _ => LeaseDeadlines::assigned(grace, grace),
    };
    Some((lease, job.order, deadlines))
}
