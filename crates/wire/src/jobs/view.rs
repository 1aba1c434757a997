//! A job as it goes out over HTTP.

use super::TimingView;
use crate::explain::SchedulableView;
use crate::words::{FailureType, JobStatus};
use crate::{Json, requirements, rfc3339};
use fleet::{Expiry, Job, Outcome, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The answer to `GET /api/jobs/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OneJob {
    pub success: bool,
    pub job: JobView,
    pub timestamp: String,
}

/// A job as `GET /api/jobs` shows it. Times are RFC 3339.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobView {
    pub id: String,
    pub service_required: String,
    pub job_type: String,
    pub status: Option<JobStatus>,
    pub priority: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub payload: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub ctx: Option<Json>,
    /// Absent if only the service is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirements: Option<serde_json::Value>,
    pub customer_id: Option<String>,
    pub created_at: String,
    pub assigned_at: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    pub failed_at: Option<String>,
    pub worker_id: Option<String>,
    pub machine_id: Option<String>,
    /// Runs that failed.
    pub retry_count: u32,
    /// Runs in all.
    pub max_retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
    pub progress: Option<f64>,
    pub progress_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub result: Option<Json>,
    /// It ended so long ago that its payload and result were dropped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub contents_dropped: bool,
    pub error: Option<String>,
    pub failure: Option<FailureView>,
    pub attempts: Vec<AttemptView>,
    /// While it waits. In lists only for jobs that no worker could run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedulable: Option<SchedulableView>,
    #[serde(flatten)]
    pub timing: TimingView,
    pub queue_ms: u64,
    pub run_ms: Option<u64>,
    /// The ended job that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    pub workflow_id: Option<String>,
    pub workflow_priority: Option<u32>,
    pub workflow_datetime: Option<i64>,
    pub current_step: Option<u32>,
    pub total_steps: Option<u32>,
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    #[serde(rename = "type")]
    pub kind: FailureType,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    pub attempt: u32,
    pub worker_id: String,
    pub machine_id: String,
    pub assigned_at: String,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    /// `completed`, `failed`, `cancelled`, or why the job went back to the queue.
    pub outcome: Option<String>,
    pub error: Option<String>,
}

impl From<&fleet::Failure> for FailureView {
    fn from(failure: &fleet::Failure) -> FailureView {
        FailureView { kind: failure.kind.into(), reason: failure.reason.as_deref().map(str::to_owned) }
    }
}

impl JobView {
    /// The job without its payload, result and progress, which live elsewhere.
    #[must_use]
    pub fn of(job: &Job, now: Timestamp) -> JobView {
        let spec = &job.spec;
        let workflow = spec.workflow();
        let last = job.attempts.last();
        let ended = job.finished_at();
        let (completed, failed) = match job.status() {
            fleet::Status::Completed => (ended, None),
            _ => (None, ended),
        };
        let (error, failure) = failure_of(job);
        let service = spec.requirements.service.as_str();
        JobView {
            id: spec.id.to_string(),
            service_required: service.to_owned(),
            job_type: service.to_owned(),
            status: Some(job.status().into()),
            priority: spec.priority,
            customer_id: spec.customer.as_ref().map(ToString::to_string),
            created_at: rfc3339(job.created_at),
            assigned_at: last.map(|attempt| rfc3339(attempt.assigned_at)),
            started_at: last.and_then(|attempt| attempt.started_at).map(rfc3339),
            completed_at: completed.map(rfc3339),
            failed_at: failed.map(rfc3339),
            worker_id: last.map(|attempt| attempt.worker.to_string()),
            machine_id: last.map(|attempt| attempt.machine.to_string()),
            requirements: requirements::show(&spec.requirements),
            retry_count: job.counts.runs_failed,
            max_retries: spec.attempts_max,
            retry_at: retry_at(job).map(rfc3339),
            progress: (job.status() == fleet::Status::Completed).then_some(1.0),
            error,
            failure,
            attempts: job.attempts.iter().map(|attempt| attempt_view(job, attempt)).collect(),
            schedulable: SchedulableView::told(job),
            timing: spec.stated_timing().map(TimingView::of).unwrap_or_default(),
            queue_ms: last.map_or(ended.unwrap_or(now), |a| a.assigned_at).since(job.created_at),
            run_ms: last.and_then(|attempt| {
                let end = attempt.end.as_ref().map_or(now, |end| end.at);
                attempt.started_at.map(|started| end.since(started))
            }),
            retry_of: spec.retry_of().map(ToString::to_string),
            workflow_id: workflow.and_then(|w| w.id.as_ref()).map(ToString::to_string),
            workflow_priority: workflow.and_then(|w| w.priority),
            workflow_datetime: workflow.and_then(|w| w.at).map(|at| at.0),
            current_step: workflow.and_then(|w| w.step),
            total_steps: workflow.and_then(|w| w.steps),
            labels: spec.labels().cloned().unwrap_or_default(),
            ..JobView::default()
        }
    }
}

/// When a job that came back may run again; before its first run it is the submitter who says when.
pub(crate) fn retry_at(job: &Job) -> Option<Timestamp> {
    job.waiting().and_then(|waiting| waiting.not_before).filter(|_| !job.attempts.is_empty())
}

/// What an expired job says of itself.
#[must_use]
pub fn expired(expiry: Expiry) -> String {
    match expiry {
        Expiry::StartBy(at) => format!("Job expired: not started by {}", rfc3339(at)),
        Expiry::FinishBy(at) => format!("Job expired: not finished by {}", rfc3339(at)),
    }
}

/// What an expired job's failure is: the broker's doing, and which time it was.
pub(crate) fn expiry_failure(expiry: Expiry) -> FailureView {
    let reason = match expiry {
        Expiry::StartBy(_) => "start_by",
        Expiry::FinishBy(_) => "finish_by",
    };
    FailureView { kind: FailureType::Broker, reason: Some(reason.to_owned()) }
}

/// What a cancelled job says of itself.
pub const CANCELLED: &str = "Job cancelled by user";

/// The error of a job that ended unhappily, or of its last failed run.
fn failure_of(job: &Job) -> (Option<String>, Option<FailureView>) {
    match job.outcome() {
        Some(Outcome::Failed { error, failure }) => (Some(error.to_string()), Some(failure.into())),
        Some(Outcome::Cancelled) => (Some(CANCELLED.to_owned()), None),
        Some(Outcome::Expired(expiry)) => (Some(expired(*expiry)), Some(expiry_failure(*expiry))),
        Some(Outcome::Completed { .. }) => (None, None),
        None => {
            let returned = job.attempts.iter().rev().find_map(|attempt| attempt.end.as_ref()?.returned.as_ref());
            match returned {
                Some(fleet::ReturnReason::Failed { error, failure }) => (Some(error.to_string()), Some(failure.into())),
                _ => (None, None),
            }
        }
    }
}

fn attempt_view(job: &Job, attempt: &fleet::Attempt) -> AttemptView {
    let (outcome, error) = match (&attempt.end, job.outcome()) {
        (None, _) => (None, None),
        (Some(end), ended) => match (&end.returned, ended) {
            (Some(fleet::ReturnReason::Failed { error, .. }), _) => (Some("failed"), Some(error.to_string())),
            (Some(fleet::ReturnReason::Released { reason }), _) => {
                (Some("released"), reason.as_deref().map(str::to_owned))
            }
            (Some(reason), _) => (Some(reason.word()), None),
            (None, Some(outcome)) => match outcome {
                Outcome::Completed { .. } => (Some("completed"), None),
                Outcome::Failed { error, .. } => (Some("failed"), Some(error.to_string())),
                Outcome::Cancelled => (Some("cancelled"), None),
                Outcome::Expired(_) => (Some("expired"), None),
            },
            (None, _) => (None, None),
        },
    };
    AttemptView {
        attempt: attempt.number,
        worker_id: attempt.worker.to_string(),
        machine_id: attempt.machine.to_string(),
        assigned_at: rfc3339(attempt.assigned_at),
        started_at: attempt.started_at.map(rfc3339),
        ended_at: attempt.end.as_ref().map(|end| rfc3339(end.at)),
        outcome: outcome.map(str::to_owned),
        error,
    }
}
