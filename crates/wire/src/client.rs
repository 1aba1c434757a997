//! The client dialect ("EmProps format", `wire.md` §5).

use crate::jobs::{CANCELLED, JobView, expired};
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
    /// Which of its job's messages it is, from 1 without a gap; passing ones have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<&'a str>,
    /// What the request that it answers was called by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub message_id: Option<&'a Json>,
    /// Unix milliseconds.
    pub timestamp: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientBody<'a> {
    ConnectionEstablished {
        message: &'a str,
    },
    /// The first message of the older door, which names its clients itself.
    Connected {
        client_id: &'a str,
    },
    JobAccepted {
        job_id: &'a str,
        status: &'a str,
        /// The same submission was there before; `status` is the job's status now.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    },
    /// The older door's answer to a submission.
    JobSubmitted {
        job_id: &'a str,
    },
    JobStatus {
        job: &'a JobView,
    },
    JobCancelled {
        job_id: &'a str,
    },
    Subscribed {
        #[serde(skip_serializing_if = "Option::is_none")]
        job_id: Option<&'a str>,
        #[serde(skip_serializing_if = "<[&str]>::is_empty")]
        job_ids: &'a [&'a str],
        #[serde(skip_serializing_if = "Option::is_none")]
        workflow_id: Option<&'a str>,
    },
    Unsubscribed {
        #[serde(skip_serializing_if = "Option::is_none")]
        job_id: Option<&'a str>,
        #[serde(skip_serializing_if = "<[&str]>::is_empty")]
        job_ids: &'a [&'a str],
        #[serde(skip_serializing_if = "Option::is_none")]
        workflow_id: Option<&'a str>,
    },
    Error {
        code: &'a str,
        error: &'a str,
    },
    Pong {},
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

/// The message of one event; `None` if clients are told nothing of it. `reference` is what the
/// request that led to it was called by, for the one socket that it came from.
#[must_use]
pub fn event(event: &Event, event_id: &str, contents: Contents<'_>, reference: Option<&Json>) -> Option<String> {
    let body = match &event.fact {
        Fact::JobSubmitted { spec, .. } => {
            ClientBody::JobAccepted { job_id: spec.id.as_str(), status: "queued", duplicate: false }
        }
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
    let job_seq = job_seq(&event.fact);
    Some(text(&ClientMessage { body, job_seq, event_id: Some(event_id), message_id: reference, timestamp: event.at.0 }))
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

/// Which of its job's messages it is, from 1 without a gap.
#[must_use]
pub fn job_seq(fact: &Fact) -> Option<u32> {
    match fact {
        Fact::JobSubmitted { .. } => Some(1),
        Fact::JobAssigned { seq, .. }
        | Fact::JobStarted { seq, .. }
        | Fact::JobReturned { seq, .. }
        | Fact::JobFinished { seq, .. } => Some(*seq).filter(|seq| *seq > 0),
        _ => None,
    }
}

/// What a client that comes to a job in the middle is told of where it is. `event_id` is where
/// a stream then stands; what answers a request has none.
#[must_use]
pub fn current(job: &Job, event_id: Option<&str>, contents: Contents<'_>, now: Timestamp) -> String {
    let job_id = job.spec.id.as_str();
    let body = match &job.state {
        State::Waiting(_) => ClientBody::JobAccepted { job_id, status: "queued", duplicate: false },
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
    let at = job.finished_at().unwrap_or(now);
    text(&ClientMessage { body, job_seq: Some(job.told), event_id, message_id: None, timestamp: at.0 })
}

#[must_use]
pub fn progress(pulse: &Pulse) -> String {
    let Pulse::Progress { at, .. } = pulse;
    passing(ClientBody::UpdateJobProgress(pulse.into()), *at)
}

#[must_use]
pub fn passing(body: ClientBody<'_>, at: Timestamp) -> String {
    reply(body, None, at)
}

/// The answer to a request that is called by `reference`.
#[must_use]
pub fn reply(body: ClientBody<'_>, reference: Option<&Json>, at: Timestamp) -> String {
    text(&ClientMessage { body, job_seq: None, event_id: None, message_id: reference, timestamp: at.0 })
}

fn text(message: &ClientMessage<'_>) -> String {
    serde_json::to_string(message).unwrap_or_default()
}
