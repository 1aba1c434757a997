//! A job and its life.
//!
//! ```text
//!     submit             lease            start            finish
//!    ────────▶ Waiting ─────────▶ Assigned ─────▶ Running ─────────▶ Finished
//!                 ▲                  │               │                  ▲
//!                 └──── returned ────┴───────────────┘                  │
//!                 └──────────────── cancelled, failed ──────────────────┘
//! ```

use crate::{
    CustomerId, JobId, Lease, LeaseId, MachineId, OrderKey, Requirements, ReturnReason, Timestamp, WorkerId, WorkflowId,
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
    pub requirements: Requirements,
    pub payload: Content,
    /// Given to the worker beside the payload, shown to nobody else.
    pub ctx: Option<Content>,
    /// Larger runs first.
    pub priority: u32,
    /// Runs in all, at least one.
    pub attempts_max: u32,
    pub customer: Option<CustomerId>,
    pub workflow: Option<Workflow>,
    pub labels: BTreeMap<String, String>,
    /// Tells whether the same id was submitted with the same content.
    pub digest: [u8; 32],
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
    /// Its place among all submissions, from 1.
    pub order: u64,
    pub state: State,
    /// Runs that failed.
    pub runs_failed: u32,
    /// Runs in a row of which the worker was lost.
    pub lost_in_a_row: u32,
    /// The newest attempts, oldest first; the last one is running while there is a lease.
    pub attempts: Vec<Attempt>,
}

/// Where a job is in its life. What belongs to a state lives in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    Waiting { retry_at: Option<Timestamp> },
    Assigned { lease: Lease },
    Running { lease: Lease, started_at: Timestamp },
    Finished { at: Timestamp, outcome: Outcome, by: Option<LeaseId> },
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Completed { result: Content },
    Failed { error: Arc<str>, failure: Failure },
    Cancelled,
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
    /// The lease that is held now, if one is.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Assigned { lease } | State::Running { lease, .. } => Some(lease),
            State::Waiting { .. } | State::Finished { .. } => None,
        }
    }

    #[must_use]
    pub fn status(&self) -> Status {
        match &self.state {
            State::Waiting { .. } => Status::Pending,
            State::Assigned { .. } => Status::Assigned,
            State::Running { .. } => Status::InProgress,
            State::Finished { outcome, .. } => outcome.status(),
        }
    }

    /// Where the job stands in the queue whenever it waits: a returned job keeps its place.
    #[must_use]
    pub fn order_key(&self) -> OrderKey {
        let workflow = self.spec.workflow.as_ref();
        let priority = workflow.and_then(|w| w.priority).unwrap_or(self.spec.priority);
        let at = workflow.and_then(|w| w.at).unwrap_or(self.created_at);
        OrderKey::new(priority, at, self.order)
    }

    #[must_use]
    pub fn finished_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Finished { at, .. } => Some(at),
            _ => None,
        }
    }
}

impl Outcome {
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Outcome::Completed { .. } => Status::Completed,
            Outcome::Failed { .. } => Status::Failed,
            Outcome::Cancelled => Status::Cancelled,
        }
    }
}
