//! A job and its life.
//!
//! ```text
//!     submit             lease            start            finish
//!    ────────▶ Waiting ─────────▶ Assigned ─────▶ Running ─────────▶ Finished
//!                 ▲                  │               │                  ▲
//!                 └──── returned ────┴───────────────┘                  │
//!                 └──────────── cancelled, expired, failed ─────────────┘
//! ```

use crate::{
    ClientId, CustomerId, JobId, Lease, LeaseId, MachineId, Number, OrderKey, PrincipalId, Requirements, ReturnReason,
    Timestamp, WorkerId, WorkflowId, limits,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes that are kept elsewhere – a payload, a result: their SHA-256 and length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Content {
    pub hash: [u8; 32],
    pub bytes: u64,
}

/// What was asked for. Never changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobSpec {
    pub id: JobId,
    /// Shared with all known jobs of the same class.
    pub requirements: Arc<Requirements>,
    pub payload: Content,
    /// Larger runs first.
    pub priority: u32,
    /// Runs in all, at least one.
    pub attempts_max: u32,
    pub customer: Option<CustomerId>,
    /// Shared with the jobs that the ledger knows of the same owner.
    pub owner: Arc<Owner>,
    /// Apart, because most jobs state none of it; see [`Options::stated`].
    pub options: Option<Box<Options>>,
    /// Tells whether the same id was submitted with the same content.
    pub digest: [u8; 32],
}

/// Who submitted a job, and by which client: it is told of the job from the first event on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Owner {
    pub principal: PrincipalId,
    pub client: Option<ClientId>,
}

/// What few jobs state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Given to the worker beside the payload, shown to nobody else.
    pub ctx: Option<Content>,
    pub workflow: Option<Workflow>,
    pub labels: BTreeMap<String, String>,
    pub timing: Option<Box<Timing>>,
    /// Another name by which the same submission is known again.
    pub idempotency_key: Option<Arc<str>>,
    /// The ended job that this one repeats.
    pub retry_of: Option<JobId>,
}

impl Options {
    /// None, if nothing is stated.
    #[must_use]
    pub fn stated(self) -> Option<Box<Options>> {
        (self != Options::default()).then(|| Box::new(self))
    }
}

/// When a job may run, and how long.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timing {
    /// It is not given before.
    pub not_before: Option<Timestamp>,
    /// It expires if it has not started by then.
    pub start_by: Option<Timestamp>,
    /// It expires if it has not ended by then.
    pub finish_by: Option<Timestamp>,
    /// A run that takes longer fails.
    pub run_for_ms: Option<u64>,
    /// A run that says nothing of its progress for so long fails.
    pub no_progress_ms: Option<u64>,
    /// It fails when no worker could run it for so long.
    pub fail_if_unmatched_ms: Option<u64>,
    pub backoff: Backoff,
}

/// How long to wait before another run: anything from none at all up to
/// `base_ms × factor^(failed runs - 1)`, and never more than `max_ms` ("full jitter").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    pub base_ms: u64,
    /// At least 1.
    pub factor: Number,
    pub max_ms: u64,
}

impl Default for Backoff {
    fn default() -> Backoff {
        let factor = Number::from(limits::BACKOFF_FACTOR);
        Backoff { base_ms: limits::BACKOFF_BASE_MS, factor, max_ms: limits::BACKOFF_MS_MAX }
    }
}

impl Backoff {
    /// `roll` picks from the range; it is random.
    #[must_use]
    pub fn delay_ms(&self, runs_failed: u32, roll: u32) -> u64 {
        let doublings = i32::try_from(runs_failed.saturating_sub(1)).unwrap_or(i32::MAX);
        let ceiling = self.base_ms as f64 * self.factor.get().powi(doublings);
        // What is too large for the type becomes its largest value.
        let ceiling = (ceiling as u64).min(self.max_ms);
        ((u128::from(ceiling) * u128::from(roll)) >> 32) as u64
    }
}

/// Which step of what a job is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Workflow {
    pub id: Option<WorkflowId>,
    /// Takes the place of the job's priority.
    pub priority: Option<u32>,
    /// Takes the place of the time of submission.
    pub at: Option<Timestamp>,
    pub step: Option<u32>,
    pub steps: Option<u32>,
}

/// A job as the ledger knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    pub spec: Arc<JobSpec>,
    pub created_at: Timestamp,
    /// Its place among all submissions, from 1; never given twice.
    pub order: u64,
    pub rank: Rank,
    /// It waits for so long that it goes before all that wait less.
    pub is_starving: bool,
    /// The number of the newest event of it that clients are told.
    pub told: u32,
    pub state: State,
    pub counts: Counts,
    /// A worker with so much GPU memory had too little, so the next run should get more.
    pub more_than_gb: Option<Number>,
    /// The newest attempts, oldest first; the last one is running while there is a lease.
    pub attempts: Vec<Attempt>,
}

/// What decides the order: larger priorities first, then earlier times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rank {
    pub priority: u32,
    pub at: Timestamp,
}

/// How the job's runs went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Runs that failed.
    pub runs_failed: u32,
    /// Runs in a row of which the worker was lost.
    pub lost_in_a_row: u32,
    /// How often a worker handed it back or did not start it.
    pub handed_back: u32,
}

/// What the workers of the fleet lack to run a job, in words; see [`Need`](crate::Need).
pub type Missing = Arc<[String]>;

/// Where a job is in its life. What belongs to a state lives in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    Waiting(Waiting),
    Assigned { lease: Box<Lease> },
    Running { lease: Box<Lease>, started_at: Timestamp },
    Finished(Box<Finished>),
}

/// When and how a job ended, and by which lease if it ended under one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finished {
    pub at: Timestamp,
    pub outcome: Outcome,
    pub by: Option<LeaseId>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Since it came to the queue, or since somebody could run it or nobody any more.
    pub since: Timestamp,
    /// A backoff, or the submitter's wish.
    pub not_before: Option<Timestamp>,
    /// Told while no worker of the fleet could run it.
    pub missing: Option<Missing>,
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Completed { result: Content },
    Failed { error: Arc<str>, failure: Failure },
    Cancelled,
    Expired(Expiry),
}

/// Which of its times passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    StartBy(Timestamp),
    FinishBy(Timestamp),
}

/// One lease of the job and what became of it. Its number grows with every lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    pub number: u32,
    pub worker: WorkerId,
    pub machine: MachineId,
    pub assigned_at: Timestamp,
    pub started_at: Option<Timestamp>,
    /// Empty while it runs.
    pub end: Option<AttemptEnd>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptEnd {
    pub at: Timestamp,
    /// Why the job went back to the queue; `None` if this attempt ended it.
    pub returned: Option<ReturnReason>,
}

/// What went wrong, as a class that rules can use and a reason for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub reason: Option<Arc<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    BadInput,
    Refusal,
    OutOfMemory,
    ServiceDown,
    Timeout,
    RateLimit,
    Auth,
    Network,
    BadOutput,
    Internal,
    /// The broker itself ended the job.
    Broker,
}

impl FailureKind {
    /// Whether another run could end otherwise.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        !matches!(self, FailureKind::BadInput | FailureKind::Refusal)
    }
}

/// The state without its data: what the outside calls the status of a job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    Pending,
    Assigned,
    InProgress,
    Completed,
    Failed,
    Cancelled,
}

/// What a worker says of a running job: passing, never journalled. `fraction` is 0 to 1.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Progress {
    pub fraction: f64,
    pub message: Option<String>,
    pub current_step: Option<u32>,
    pub total_steps: Option<u32>,
    pub estimated_completion: Option<String>,
}

impl Job {
    /// Clients are told of it once more; events of earlier versions have no number.
    pub(crate) fn tell(&mut self, seq: u32) {
        self.told = if seq > 0 { seq } else { self.told + 1 };
    }

    /// The lease that is held now, if one is.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Assigned { lease } | State::Running { lease, .. } => Some(lease),
            State::Waiting(_) | State::Finished(_) => None,
        }
    }

    #[must_use]
    pub fn status(&self) -> Status {
        match &self.state {
            State::Waiting(_) => Status::Pending,
            State::Assigned { .. } => Status::Assigned,
            State::Running { .. } => Status::InProgress,
            State::Finished(finished) => finished.outcome.status(),
        }
    }

    /// Where the job stands in the queue whenever it waits: a returned job keeps its place.
    #[must_use]
    pub fn order_key(&self) -> OrderKey {
        match self.is_starving {
            true => OrderKey::starving(self.created_at, self.order),
            false => OrderKey::new(self.rank.priority, self.rank.at, self.order),
        }
    }

    /// What it is while it waits.
    #[must_use]
    pub fn waiting(&self) -> Option<&Waiting> {
        match &self.state {
            State::Waiting(waiting) => Some(waiting),
            _ => None,
        }
    }

    /// The number of its newest attempt; 0 before the first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempts.last().map_or(0, |attempt| attempt.number)
    }

    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.finished_at().is_some()
    }

    #[must_use]
    pub fn finished_at(&self) -> Option<Timestamp> {
        self.finished().map(|finished| finished.at)
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn finished(&self) -> Option<&Finished> {
        match &self.state {
            State::Finished(finished) => Some(finished),
            _ => None,
        }
    }

    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.finished().map(|finished| &finished.outcome)
    }
}

impl Outcome {
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Outcome::Completed { .. } => Status::Completed,
            Outcome::Failed { .. } | Outcome::Expired(_) => Status::Failed,
            Outcome::Cancelled => Status::Cancelled,
        }
    }
}

impl JobSpec {
    /// What it states of its timing, or what holds for a job that states nothing.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.stated_timing().cloned().unwrap_or_default()
    }

    #[must_use]
    pub fn stated_timing(&self) -> Option<&Timing> {
        self.options.as_ref()?.timing.as_deref()
    }

    #[must_use]
    pub fn ctx(&self) -> Option<Content> {
        self.options.as_ref()?.ctx
    }

    #[must_use]
    pub fn workflow(&self) -> Option<&Workflow> {
        self.options.as_ref()?.workflow.as_ref()
    }

    #[must_use]
    pub fn workflow_id(&self) -> Option<&WorkflowId> {
        self.workflow()?.id.as_ref()
    }

    #[must_use]
    pub fn labels(&self) -> Option<&BTreeMap<String, String>> {
        Some(&self.options.as_ref()?.labels).filter(|labels| !labels.is_empty())
    }

    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.options.as_ref()?.idempotency_key.as_deref()
    }

    #[must_use]
    pub fn retry_of(&self) -> Option<&JobId> {
        self.options.as_ref()?.retry_of.as_ref()
    }

    /// Whether `other`, if it has the same id or key, is this one once more.
    #[must_use]
    pub fn is_same_submission(&self, other: &JobSpec) -> bool {
        self.digest == other.digest && self.owner.principal == other.owner.principal
    }

    /// The same job under a fresh id: all that was asked for, but for times that have passed at
    /// `now` and the key, which stands for this one. It belongs to the same principal. `owner` is
    /// who retries it: one of that principal gets it as its own client's, anybody else repeats it
    /// for the client that had it.
    #[must_use]
    pub fn again(&self, id: JobId, owner: Arc<Owner>, now: Timestamp) -> JobSpec {
        let mut options = self.options.as_deref().cloned().unwrap_or_default();
        (options.retry_of, options.idempotency_key) = (Some(self.id.clone()), None);
        if let Some(timing) = &mut options.timing {
            for time in [&mut timing.not_before, &mut timing.start_by, &mut timing.finish_by] {
                *time = time.filter(|time| *time > now);
            }
        }
        let is_own = owner.principal == self.owner.principal;
        let owner = if is_own { owner } else { Arc::clone(&self.owner) };
        JobSpec { id, owner, options: options.stated(), ..self.clone() }
    }
}
