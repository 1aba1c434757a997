//! How a run ends, and how a job does.

use super::Ledger;
use crate::{
    Answer, Counts, Expiry, Fact, Failure, FailureKind, Job, Lease, LeaseId, Outcome, ReturnReason, Service, Status,
    Timestamp, Told, WorkerId, limits,
};
use std::sync::Arc;

/// A run that failed, whoever says so.
pub(super) struct Failed {
    pub(super) error: Arc<str>,
    pub(super) failure: Failure,
    /// Whether another run is wanted at all.
    pub(super) retry: bool,
    pub(super) retry_after_ms: Option<u64>,
    /// For the jitter of the backoff.
    pub(super) roll: u32,
}

/// How a job comes back to the queue.
#[derive(Clone, Copy)]
struct Back {
    retry_at: Option<Timestamp>,
    counts: Counts,
    more_than_gb: Option<crate::Number>,
}

impl Ledger {
    /// The run failed: another one follows, if the failure may pass and runs are left.
    pub(super) fn fail_run(&mut self, number: u64, failed: Failed, now: Timestamp, told: &mut Told) -> Answer {
        let Some(job) = self.rows.get(number) else { return Answer::Failed { retry_at: None } };
        let Some(lease) = job.lease().cloned() else { return Answer::Failed { retry_at: None } };
        let kind = failed.failure.kind;
        let asked = failed.retry_after_ms.map(|ms| ms.min(limits::RETRY_AFTER_MS_MAX));
        if kind == FailureKind::ServiceDown {
            let service = job.spec.requirements.service.clone();
            self.turn_service(&lease.worker, &service, Some(&failed.error), now, told);
            if failed.retry {
                let reason = ReturnReason::Failed { error: failed.error, failure: failed.failure };
                return self.return_unrun(number, reason, asked.map(|ms| now + ms), now, told);
            }
        }
        let Some(job) = self.rows.get(number) else { return Answer::Failed { retry_at: None } };
        let counts = Counts { runs_failed: job.counts.runs_failed + 1, lost_in_a_row: 0, ..job.counts };
        let another = failed.retry && kind.is_retryable() && counts.runs_failed < job.spec.attempts_max;
        if !another {
            let outcome = Outcome::Failed { error: failed.error, failure: failed.failure };
            self.end(number, outcome, counts.runs_failed, now, told);
            return Answer::Failed { retry_at: None };
        }
        let backoff = || job.spec.timing().backoff.delay_ms(counts.runs_failed, failed.roll);
        let retry_at = now + asked.unwrap_or_else(backoff);
        let had = self.workers.get(&lease.worker).map(|worker| worker.capabilities.hardware.gpu_memory_gb);
        let more_than_gb = match kind {
            FailureKind::OutOfMemory => job.more_than_gb.max(had),
            _ => job.more_than_gb,
        };
        let reason = ReturnReason::Failed { error: failed.error, failure: failed.failure };
        self.give_back(number, reason, Back { retry_at: Some(retry_at), counts, more_than_gb }, now, told);
        Answer::Failed { retry_at: Some(retry_at) }
    }

    /// The run took too long, or said nothing of its progress for too long.
    pub(super) fn run_out(&mut self, number: u64, silent: bool, now: Timestamp, told: &mut Told) {
        let Some(job) = self.rows.get(number) else { return };
        let Some(lease) = job.lease().map(|lease| lease.id) else { return };
        let timing = job.spec.timing();
        let (error, reason) = match silent {
            true => (
                format!("said nothing of its progress for {} ms (no_progress_ms)", timing.no_progress_ms.unwrap_or(0)),
                NO_PROGRESS,
            ),
            false => (format!("ran longer than {} ms (run_for_ms)", timing.run_for_ms.unwrap_or(0)), RUN_FOR),
        };
        let failure = Failure { kind: FailureKind::Timeout, reason: Some(reason.into()) };
        let failed = Failed { error: error.into(), failure, retry: true, retry_after_ms: None, roll: roll_of(lease) };
        self.fail_run(number, failed, now, told);
    }

    /// The worker handed the job back or did not start it.
    pub(super) fn hand_back(&mut self, number: u64, reason: ReturnReason, now: Timestamp, told: &mut Told) {
        self.return_unrun(number, reason, None, now, told);
    }

    /// Back to the queue without a run; so often, and the job fails as undeliverable.
    fn return_unrun(
        &mut self,
        number: u64,
        reason: ReturnReason,
        retry_at: Option<Timestamp>,
        now: Timestamp,
        told: &mut Told,
    ) -> Answer {
        let Some(job) = self.rows.get(number) else { return Answer::Failed { retry_at: None } };
        let counts = Counts { handed_back: job.counts.handed_back + 1, ..job.counts };
        if counts.handed_back >= limits::HANDED_BACK_MAX {
            let why = format!("came back {} times without a run, the last time: {}", counts.handed_back, reason.word());
            self.end_by_broker(number, why, "undeliverable", now, told);
            return Answer::Failed { retry_at: None };
        }
        let more_than_gb = job.more_than_gb;
        self.give_back(number, reason, Back { retry_at, counts, more_than_gb }, now, told);
        Answer::Failed { retry_at: Some(retry_at.unwrap_or(now)) }
    }

    /// The lease ends without an answer of its worker. The third time in a row that this ends a
    /// run ends the job; a job that had not started cannot be what took its worker down.
    pub(super) fn lose(&mut self, number: u64, reason: ReturnReason, now: Timestamp, told: &mut Told) {
        let Some(job) = self.rows.get(number) else { return };
        let ran = job.status() == Status::InProgress;
        let lost_in_a_row = job.counts.lost_in_a_row + u32::from(ran);
        if lost_in_a_row < limits::LOST_IN_A_ROW_MAX {
            let counts = Counts { lost_in_a_row, ..job.counts };
            let back = Back { retry_at: None, counts, more_than_gb: job.more_than_gb };
            return self.give_back(number, reason, back, now, told);
        }
        let why = format!("its worker was lost {lost_in_a_row} times in a row, the last time: {}", reason.word());
        self.end_by_broker(number, why, "poison", now, told);
    }

    fn give_back(&mut self, number: u64, reason: ReturnReason, back: Back, now: Timestamp, told: &mut Told) {
        let Some(row) = self.rows.get(number) else { return };
        let Some(Lease { worker, machine, .. }) = row.lease().cloned() else { return };
        let Back { retry_at, counts, more_than_gb } = back;
        let (job, from, seq) = (row.spec.id.clone(), row.status(), row.told + 1);
        let fact = Fact::JobReturned {
            job,
            worker: worker.clone(),
            machine,
            from,
            reason,
            retry_at,
            counts,
            more_than_gb,
            seq,
        };
        self.emit_turning(fact, &worker, now, told);
        if retry_at.is_none() {
            self.freed.push(number);
        }
        self.tell_verdict(number, now, told);
    }

    /// The broker gives the job up.
    fn end_by_broker(&mut self, number: u64, why: String, reason: &str, now: Timestamp, told: &mut Told) {
        let failure = Failure { kind: FailureKind::Broker, reason: Some(reason.into()) };
        let runs_failed = self.rows.get(number).map_or(0, |job| job.counts.runs_failed);
        self.end(number, Outcome::Failed { error: why.into(), failure }, runs_failed, now, told);
    }

    pub(super) fn end_unschedulable(&mut self, number: u64, ms: u64, now: Timestamp, told: &mut Told) {
        let waiting = self.rows.get(number).and_then(Job::waiting);
        let missing = waiting.and_then(|waiting| waiting.missing.clone()).unwrap_or_default();
        let why = format!("no worker could run it for {ms} ms (fail_if_unmatched_ms); missing: {}", missing.join("; "));
        self.end_by_broker(number, why, "unschedulable", now, told);
    }

    pub(super) fn expire(&mut self, number: u64, expiry: Expiry, now: Timestamp, told: &mut Told) {
        let runs_failed = self.rows.get(number).map_or(0, |job| job.counts.runs_failed);
        self.end(number, Outcome::Expired(expiry), runs_failed, now, told);
    }

    /// Ends a job for good, wherever it is.
    pub(super) fn end(&mut self, number: u64, outcome: Outcome, runs_failed: u32, now: Timestamp, told: &mut Told) {
        let Some(job) = self.rows.get(number) else { return };
        debug_assert!(job.finished_at().is_none(), "a job ends once");
        let lease = job.lease();
        let worker = lease.map(|lease| lease.worker.clone());
        let fact = Fact::JobFinished {
            job: job.spec.id.clone(),
            worker: worker.clone(),
            machine: lease.map(|lease| lease.machine.clone()),
            attempt: job.attempt(),
            runs_failed,
            outcome,
            seq: job.told + 1,
        };
        match worker {
            Some(worker) => self.emit_turning(fact, &worker, now, told),
            None => self.emit(fact, now, told),
        }
    }

    /// A service of a worker does not work, and why, or it works again. Told when it turns.
    pub(super) fn turn_service(
        &mut self,
        id: &WorkerId,
        service: &Service,
        down: Option<&Arc<str>>,
        now: Timestamp,
        told: &mut Told,
    ) {
        let Some(worker) = self.workers.get(id) else { return };
        let is_down = down.is_some();
        if worker.down.contains(service) == is_down || !worker.capabilities.services.contains(service) {
            return;
        }
        let (worker, machine) = (id.clone(), worker.machine.clone());
        let fact = Fact::ServiceTurned { worker, machine, service: service.clone(), is_down, reason: down.cloned() };
        self.emit(fact, now, told);
        if !is_down {
            self.unbarred.push(id.clone());
        }
    }
}

const RUN_FOR: &str = "run_for";
const NO_PROGRESS: &str = "no_progress";

/// Whether it is the broker who ended the run, because its time was over.
pub(super) fn is_out_of_time(failure: &Failure) -> bool {
    failure.kind == FailureKind::Timeout && matches!(failure.reason.as_deref(), Some(RUN_FOR | NO_PROGRESS))
}

/// A lease's name is random, so it can be what jitter is made of.
fn roll_of(lease: LeaseId) -> u32 {
    (lease.0 >> 64) as u32 ^ lease.0 as u32
}
