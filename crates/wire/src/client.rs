//! The client dialect ("EmProps format", `wire.md` §5).

use crate::jobs::{CANCELLED, expired};
use crate::monitor::{ProgressData, ResyncReason, Upstream, json};
use crate::words::JobStatus;
use crate::{Contents, Json};
use fleet::{Event, Fact, Finished, Job, JobId, Outcome, Pulse, State, Status, Timestamp};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// One message to a client. Durable ones carry an `event_id`, passing ones none.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientMessage<'a> {
    #[serde(flatten)]
    pub body: ClientBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<&'a str>,
    /// Unix milliseconds.
    pub timestamp: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientBody<'a> {
    JobAccepted {
        job_id: &'a str,
        status: &'a str,
    },
    JobAssigned {
        job_id: &'a str,
        worker_id: &'a str,
    },
    JobStatusChanged {
        job_id: &'a str,
        old_status: JobStatus,
        new_status: JobStatus,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    UpdateJobProgress(ProgressData<'a>),
    CompleteJob {
        job_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        worker_id: Option<&'a str>,
        result: JobResult<'a>,
    },
    Upstream {
        upstream: Upstream,
        since: i64,
    },
    Resync {
        reason: ResyncReason,
    },
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum JobResult<'a> {
    Success {
        #[schema(value_type = Option<serde_json::Value>)]
        data: Option<Json>,
    },
    Failed {
        #[schema(value_type = String)]
        error: Cow<'a, str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        cancelled: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        expired: bool,
    },
}

/// The message of one event; `None` if clients are told nothing of it.
#[must_use]
pub fn event(event: &Event, event_id: &str, contents: Contents<'_>) -> Option<String> {
    let body = match &event.fact {
        Fact::JobSubmitted { spec, .. } => ClientBody::JobAccepted { job_id: spec.id.as_str(), status: "queued" },
        Fact::JobAssigned { job, worker, .. } => {
            ClientBody::JobAssigned { job_id: job.as_str(), worker_id: worker.as_str() }
        }
        Fact::JobStarted { job, .. } => ClientBody::JobStatusChanged {
            job_id: job.as_str(),
            old_status: JobStatus::Assigned,
            new_status: JobStatus::InProgress,
            reason: None,
        },
        Fact::JobReturned { job, from, reason, .. } => ClientBody::JobStatusChanged {
            job_id: job.as_str(),
            old_status: (*from).into(),
            new_status: JobStatus::Pending,
            reason: Some(reason.word()),
        },
        Fact::JobFinished { job, worker, outcome, .. } => {
            let worker_id = worker.as_ref().map(fleet::WorkerId::as_str);
            ClientBody::CompleteJob { job_id: job.as_str(), worker_id, result: result(outcome, contents) }
        }
        _ => return None,
    };
    Some(text(body, Some(event_id), event.at))
}

fn result<'a>(outcome: &'a Outcome, contents: Contents<'_>) -> JobResult<'a> {
    let failed = |error, cancelled, expired| JobResult::Failed { error, cancelled, expired };
    match outcome {
        Outcome::Completed { result } => JobResult::Success { data: contents(result).and_then(|bytes| json(&bytes)) },
        Outcome::Failed { error, .. } => failed(Cow::Borrowed(error), false, false),
        Outcome::Cancelled => failed(Cow::Borrowed(CANCELLED), true, false),
        Outcome::Expired(expiry) => failed(Cow::Owned(expired(*expiry)), false, true),
    }
}

/// Whether an event ends its job's stream.
#[must_use]
pub fn is_terminal(fact: &Fact) -> bool {
    matches!(fact, Fact::JobFinished { .. })
}

/// The job that clients are told this event of.
#[must_use]
pub fn subject(fact: &Fact) -> Option<&JobId> {
    match fact {
        Fact::JobSubmitted { spec, .. } => Some(&spec.id),
        Fact::JobAssigned { job, .. }
        | Fact::JobStarted { job, .. }
        | Fact::JobReturned { job, .. }
        | Fact::JobFinished { job, .. } => Some(job),
        _ => None,
    }
}

/// What a client that comes to a job in the middle is told of where it is.
#[must_use]
pub fn current(job: &Job, event_id: &str, contents: Contents<'_>, now: Timestamp) -> String {
    let job_id = job.spec.id.as_str();
    let body = match &job.state {
        State::Waiting(_) => ClientBody::JobAccepted { job_id, status: "queued" },
        State::Assigned { lease } => ClientBody::JobAssigned { job_id, worker_id: lease.worker.as_str() },
        State::Running { .. } => ClientBody::JobStatusChanged {
            job_id,
            old_status: JobStatus::Assigned,
            new_status: Status::InProgress.into(),
            reason: None,
        },
        State::Finished(finished) => {
            let Finished { outcome, by, .. } = &**finished;
            let last = job.attempts.last().filter(|_| by.is_some());
            let worker_id = last.map(|attempt| attempt.worker.as_str());
            ClientBody::CompleteJob { job_id, worker_id, result: result(outcome, contents) }
        }
    };
    text(body, Some(event_id), job.finished_at().unwrap_or(now))
}

#[must_use]
pub fn progress(pulse: &Pulse) -> String {
    let Pulse::Progress { at, .. } = pulse;
    text(ClientBody::UpdateJobProgress(pulse.into()), None, *at)
}

#[must_use]
pub fn passing(body: ClientBody<'_>, at: Timestamp) -> String {
    text(body, None, at)
}

fn text(body: ClientBody<'_>, event_id: Option<&str>, at: Timestamp) -> String {
    serde_json::to_string(&ClientMessage { body, event_id, timestamp: at.0 }).unwrap_or_default()
}
