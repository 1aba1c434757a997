//! The monitor dialect ("original format", `wire.md` §3).

mod about;
mod fleet_events;

pub use about::{job_of, named};

use crate::agent::HostInfo;
use crate::jobs::{CANCELLED, FailureView, expired, expiry_failure};
use crate::snapshot::{CapabilitiesView, MachineStatus, RankView, Snapshot, StatsView, Structure};
use crate::words::{JobStatus, PhaseWord, WorkerWord};
use crate::{Contents, Json, limits, requirements};
use fleet::{Content, Event, Fact, JobSpec, Outcome, Pulse, ReturnReason, Timestamp, WorkflowId};
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::ToSchema;

/// One message to a monitor. Durable ones carry an `event_id`, passing ones none.
#[derive(Debug, Serialize, ToSchema)]
pub struct MonitorMessage<'a> {
    #[serde(flatten)]
    pub body: MonitorBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<&'a str>,
    /// What the request that it answers was called by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub message_id: Option<&'a Json>,
    /// The administrator whose act led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'a str>,
    /// Unix milliseconds.
    pub timestamp: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MonitorBody<'a> {
    Connected {},
    FullStateSnapshot {
        monitor_id: &'a str,
        data: &'a Snapshot,
    },
    JobSubmitted {
        job_id: &'a str,
        job_data: JobData<'a>,
    },
    JobAssigned {
        job_id: &'a str,
        worker_id: &'a str,
        old_status: JobStatus,
        new_status: JobStatus,
        assigned_at: i64,
    },
    JobStatusChanged {
        job_id: &'a str,
        old_status: JobStatus,
        new_status: JobStatus,
        #[serde(skip_serializing_if = "Option::is_none")]
        worker_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_at: Option<i64>,
    },
    UpdateJobProgress(ProgressData<'a>),
    CompleteJob {
        job_id: &'a str,
        worker_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<serde_json::Value>)]
        result: Option<Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result_bytes: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        completed_at: i64,
    },
    JobFailed {
        job_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        worker_id: Option<&'a str>,
        #[schema(value_type = String)]
        error: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<FailureView>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        cancelled: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        expired: bool,
        attempt: u32,
        failed_at: i64,
    },
    /// No worker of the fleet could run it; `missing` is what the nearest ones lack.
    JobUnschedulable {
        job_id: &'a str,
        missing: &'a [String],
    },
    /// Some worker of the fleet could run it again.
    JobSchedulable {
        job_id: &'a str,
        missing: &'a [String],
    },
    /// Nothing of the service is given until it is resumed.
    ServicePaused {
        service: &'a str,
    },
    ServiceResumed {
        service: &'a str,
    },
    ConnectorStatusChanged {
        connector_id: String,
        service_type: &'a str,
        worker_id: &'a str,
        status: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        service_info: Option<ServiceInfo<'a>>,
    },
    WorkerConnected {
        worker_id: &'a str,
        machine_id: &'a str,
        worker_data: WorkerData<'a>,
    },
    WorkerDisconnected {
        worker_id: &'a str,
        machine_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    WorkerStatusChanged {
        worker_id: &'a str,
        machine_id: &'a str,
        old_status: WorkerWord,
        new_status: WorkerWord,
        #[serde(skip_serializing_if = "Option::is_none")]
        current_job_id: Option<&'a str>,
    },
    MachineStartup {
        machine_id: &'a str,
        phase: PhaseWord,
        host_info: HostInfo,
    },
    MachineStatusChange {
        machine_id: &'a str,
        host_info: HostInfo,
        structure: Structure,
        status_data: MachineStatus,
    },
    MachineShutdown {
        machine_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    MachineDisconnected {
        machine_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    SystemStats {
        stats: StatsView,
    },
    /// The answer to `subscribe`: what is subscribed to now.
    Subscribed {
        monitor_id: &'a str,
        topics: Vec<&'static str>,
    },
    /// The answer to `resync_request`: what was missed, oldest first.
    ResyncResponse {
        monitor_id: &'a str,
        #[schema(value_type = Vec<serde_json::Value>)]
        events: Vec<&'a RawValue>,
        has_more: bool,
        oldest_available_timestamp: i64,
    },
    Error {
        code: &'a str,
        error: &'a str,
    },
    Pong {},
    HeartbeatAck {
        monitor_id: &'a str,
        server_timestamp: i64,
        head_event_id: &'a str,
        events_missed: u64,
    },
    /// The node lost its store, or has it back.
    Upstream {
        upstream: Upstream,
        since: i64,
    },
    /// The position that was asked for cannot be resumed; a snapshot follows.
    Resync {
        reason: ResyncReason,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Upstream {
    Live,
    Stale,
}

/// Why a position cannot be resumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    /// What follows it is no longer kept.
    Expired,
    /// It is not yet known here.
    Ahead,
    /// It is of another history.
    Diverged,
    Malformed,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceInfo<'a> {
    /// Why it does not work.
    pub reason: &'a str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct JobData<'a> {
    pub id: &'a str,
    pub job_type: &'a str,
    pub status: JobStatus,
    pub priority: u32,
    /// What decides its place in the queue.
    pub rank: RankView,
    pub created_at: i64,
    pub max_retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub payload: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it demands of a worker beside the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirements: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_datetime: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_steps: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressData<'a> {
    pub job_id: &'a str,
    pub worker_id: &'a str,
    /// 0 to 1.
    pub progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_steps: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_completion: Option<&'a str>,
}

impl<'a> From<&'a Pulse> for ProgressData<'a> {
    fn from(pulse: &'a Pulse) -> ProgressData<'a> {
        let Pulse::Progress { job, worker, progress, .. } = pulse;
        ProgressData {
            job_id: job.as_str(),
            worker_id: worker.as_str(),
            progress: progress.fraction,
            message: progress.message.as_deref(),
            current_step: progress.current_step,
            total_steps: progress.total_steps,
            estimated_completion: progress.estimated_completion.as_deref(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerData<'a> {
    pub id: &'a str,
    pub status: WorkerWord,
    pub capabilities: CapabilitiesView,
    pub connected_at: i64,
    pub jobs_completed: u64,
    pub jobs_failed: u64,
}

impl MonitorMessage<'_> {
    #[must_use]
    pub fn passing(body: MonitorBody<'_>, at: Timestamp) -> String {
        MonitorMessage::reply(body, None, at)
    }

    /// The answer to a request that is called by `reference`.
    #[must_use]
    pub fn reply(body: MonitorBody<'_>, reference: Option<&Json>, at: Timestamp) -> String {
        text(&MonitorMessage { body, event_id: None, message_id: reference, by: None, timestamp: at.0 })
    }
}

/// The message of one event; `None` for an event that is told to nobody.
#[must_use]
pub fn event(event: &Event, event_id: &str, contents: Contents<'_>) -> Option<String> {
    let body = body(&event.fact, event.at, contents)?;
    let by = event.by.as_ref().map(fleet::PrincipalId::as_str);
    Some(text(&MonitorMessage { body, event_id: Some(event_id), message_id: None, by, timestamp: event.at.0 }))
}

/// How the message of a snapshot begins for one monitor; [`snapshot_rest`] follows.
#[must_use]
pub fn snapshot_head(monitor_id: &str, reference: Option<&Json>) -> String {
    #[derive(Serialize)]
    struct Head<'a> {
        r#type: &'a str,
        monitor_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_id: Option<&'a Json>,
    }
    let head = Head { r#type: "full_state_snapshot", monitor_id, message_id: reference };
    let mut head = serde_json::to_string(&head).unwrap_or_default();
    head.pop();
    head.push(',');
    head
}

/// How it goes on, the same for all monitors that ask after the event `event_id`.
#[must_use]
pub fn snapshot_rest(data: &Snapshot, event_id: &str, at: Timestamp) -> String {
    #[derive(Serialize)]
    struct Rest<'a> {
        data: &'a Snapshot,
        event_id: &'a str,
        timestamp: i64,
    }
    let mut rest = serde_json::to_string(&Rest { data, event_id, timestamp: at.0 }).unwrap_or_default();
    rest.remove(0);
    rest
}

fn text(message: &MonitorMessage<'_>) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

fn body<'a>(fact: &'a Fact, at: Timestamp, contents: Contents<'_>) -> Option<MonitorBody<'a>> {
    Some(match fact {
        Fact::JobSubmitted { spec, rank, .. } => {
            MonitorBody::JobSubmitted { job_id: spec.id.as_str(), job_data: job_data(spec, *rank, at, contents) }
        }
        Fact::JobAssigned { job, worker, .. } => MonitorBody::JobAssigned {
            job_id: job.as_str(),
            worker_id: worker.as_str(),
            old_status: JobStatus::Pending,
            new_status: JobStatus::Assigned,
            assigned_at: at.0,
        },
        Fact::JobStarted { job, worker, .. } => MonitorBody::JobStatusChanged {
            job_id: job.as_str(),
            old_status: JobStatus::Assigned,
            new_status: JobStatus::InProgress,
            worker_id: Some(worker.as_str()),
            reason: None,
            error: None,
            retry_at: None,
        },
        Fact::JobReturned { job, worker, from, reason, retry_at, .. } => MonitorBody::JobStatusChanged {
            job_id: job.as_str(),
            old_status: (*from).into(),
            new_status: JobStatus::Pending,
            worker_id: Some(worker.as_str()),
            reason: Some(reason.word()),
            error: match reason {
                ReturnReason::Failed { error, .. } => Some(error),
                _ => None,
            },
            retry_at: retry_at.map(|at| at.0),
        },
        Fact::JobFinished { .. } => finished(fact, at, contents)?,
        Fact::JobUnschedulable { job, missing } => MonitorBody::JobUnschedulable { job_id: job.as_str(), missing },
        Fact::JobSchedulable { job } => MonitorBody::JobSchedulable { job_id: job.as_str(), missing: &[] },
        Fact::ServicePaused { service, is_paused: true } => MonitorBody::ServicePaused { service: service.as_str() },
        Fact::ServicePaused { service, is_paused: false } => MonitorBody::ServiceResumed { service: service.as_str() },
        Fact::ClientFollows { .. }
        | Fact::ClientUnfollows { .. }
        | Fact::ClientsSeen { .. }
        | Fact::ClientsForgotten { .. }
        | Fact::JobForgotten { .. }
        | Fact::JobsForgotten { .. }
        | Fact::Counted { .. }
        | Fact::JobStarved { .. } => return None,
        Fact::MachineJoined { .. }
        | Fact::MachineChanged { .. }
        | Fact::MachineSilent { .. }
        | Fact::MachineLeft { .. } => fleet_events::machine(fact, at)?,
        Fact::WorkerJoined { .. }
        | Fact::WorkerDeclared { .. }
        | Fact::WorkerDrained { .. }
        | Fact::WorkerTurned { .. }
        | Fact::ServiceTurned { .. }
        | Fact::WorkerLeft { .. } => fleet_events::worker(fact, at)?,
    })
}

fn finished<'a>(fact: &'a Fact, at: Timestamp, contents: Contents<'_>) -> Option<MonitorBody<'a>> {
    let Fact::JobFinished { job, worker, attempt, outcome, .. } = fact else { return None };
    let (job_id, worker_id, attempt) = (job.as_str(), worker.as_ref().map(fleet::WorkerId::as_str), *attempt);
    Some(match outcome {
        Outcome::Completed { result } => {
            let (shown, result_bytes, url) = told(result, job_id, contents);
            let worker_id = worker_id.unwrap_or_default();
            MonitorBody::CompleteJob { job_id, worker_id, result: shown, result_bytes, url, completed_at: at.0 }
        }
        Outcome::Failed { error, failure } => {
            failed(job_id, worker_id, attempt, at, (Cow::Borrowed(error), Some(failure.into()), outcome))
        }
        Outcome::Cancelled => failed(job_id, worker_id, attempt, at, (Cow::Borrowed(CANCELLED), None, outcome)),
        Outcome::Expired(expiry) => {
            let failure = Some(expiry_failure(*expiry));
            failed(job_id, worker_id, attempt, at, (Cow::Owned(expired(*expiry)), failure, outcome))
        }
    })
}

fn failed<'a>(
    job_id: &'a str,
    worker_id: Option<&'a str>,
    attempt: u32,
    at: Timestamp,
    (error, failure, outcome): (Cow<'a, str>, Option<FailureView>, &Outcome),
) -> MonitorBody<'a> {
    MonitorBody::JobFailed {
        job_id,
        worker_id,
        error,
        failure,
        cancelled: matches!(outcome, Outcome::Cancelled),
        expired: matches!(outcome, Outcome::Expired(_)),
        attempt,
        failed_at: at.0,
    }
}

fn job_data<'a>(spec: &'a JobSpec, rank: fleet::Rank, at: Timestamp, contents: Contents<'_>) -> JobData<'a> {
    let workflow = spec.workflow();
    let (payload, payload_bytes, url) = told(&spec.payload, spec.id.as_str(), contents);
    JobData {
        id: spec.id.as_str(),
        job_type: spec.requirements.service.as_str(),
        status: JobStatus::Pending,
        priority: spec.priority,
        rank: rank.into(),
        created_at: at.0,
        max_retries: spec.attempts_max,
        payload,
        payload_bytes,
        url,
        requirements: requirements::show(&spec.requirements),
        customer_id: spec.customer.as_ref().map(fleet::CustomerId::as_str),
        workflow_id: workflow.and_then(|w| w.id.as_ref()).map(WorkflowId::as_str),
        workflow_priority: workflow.and_then(|w| w.priority),
        workflow_datetime: workflow.and_then(|w| w.at).map(|at| at.0),
        current_step: workflow.and_then(|w| w.step),
        total_steps: workflow.and_then(|w| w.steps),
    }
}

/// A payload or result as monitors see it: itself while it is small, else its size and where it is.
fn told(content: &Content, job: &str, contents: Contents<'_>) -> (Option<Json>, Option<u64>, Option<String>) {
    let is_small = content.bytes <= limits::TOLD_BYTES_MAX as u64;
    let shown = if is_small { contents(content).and_then(|bytes| json(&bytes)) } else { None };
    match shown {
        Some(shown) => (Some(shown), None, None),
        None => (None, Some(content.bytes), Some(format!("/api/jobs/{job}"))),
    }
}

/// Stored JSON as it was stored.
#[must_use]
pub fn json(bytes: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(bytes).ok()?;
    RawValue::from_string(text.to_owned()).ok()
}
