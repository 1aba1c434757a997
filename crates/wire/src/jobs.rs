//! Jobs over HTTP: the submission that comes in, the job that goes out (`wire.md` §8).

use crate::words::{self, FailureType, JobStatus};
use crate::{Fields, Json, Malformed, compact, limits, rfc3339};
use bytes::Bytes;
use fleet::limits as rules;
use fleet::{Content, CustomerId, IdError, Job, JobId, JobSpec, Outcome, Requirements, Service, State, Timestamp};
use fleet::{Workflow, WorkflowId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A submission that holds together.
#[derive(Clone, Debug)]
pub struct Submission {
    pub spec: JobSpec,
    pub payload: Bytes,
    pub ctx: Option<Bytes>,
    /// Fields that mean nothing here, in alphabetical order.
    pub ignored: Vec<String>,
}

/// Fields of the contract that this version cannot honour. Ignoring one would run the job
/// where or when it must not run, so they are refused by name.
const NOT_HONOURED: [&str; 9] = [
    "requirements",
    "not_before",
    "start_by",
    "finish_by",
    "run_for_ms",
    "no_progress_ms",
    "backoff",
    "fail_if_unmatched_ms",
    "idempotency_key",
];

/// Reads the body of `POST /api/jobs`. `minted` becomes the id of a job that states none.
///
/// # Errors
/// Names the first field that is wrong.
pub fn parse_submission(body: &[u8], minted: JobId, now: Timestamp) -> Result<Submission, Malformed> {
    let mut fields = Fields::parse(body)?;
    if let Some(field) = NOT_HONOURED.into_iter().find(|name| fields.take_raw(name).is_some()) {
        return Err(Malformed::Unknown { field: field.to_owned(), hint: ": this version cannot honour it".to_owned() });
    }
    let payload = fields.take_raw("payload");
    let payload = match &payload {
        Some(payload) => compact(payload, "payload", limits::PAYLOAD_BYTES_MAX)?,
        None => Bytes::from_static(b"{}"),
    };
    let ctx = fields.take_raw("ctx").map(|ctx| compact(&ctx, "ctx", limits::PAYLOAD_BYTES_MAX)).transpose()?;
    let mut spec = JobSpec {
        id: take_id(&mut fields, "job_id", JobId::parse)?.unwrap_or(minted),
        requirements: Requirements { service: take_service(&mut fields)? },
        payload: content(&payload),
        ctx: ctx.as_ref().map(content),
        priority: take_number(&mut fields, "priority", 0, rules::PRIORITY_MAX)?.unwrap_or(rules::PRIORITY_DEFAULT),
        attempts_max: take_attempts(&mut fields)?,
        customer: take_id(&mut fields, "customer_id", CustomerId::parse)?,
        workflow: take_workflow(&mut fields)?,
        labels: check_labels("labels", fields.take("labels")?.unwrap_or_default())?,
        digest: [0; 32],
    };
    // What was said is compared, not what became of it: the clock must not tell two repeats apart.
    spec.digest = digest(&spec);
    if let Some(at) = spec.workflow.as_mut().and_then(|workflow| workflow.at.as_mut()) {
        at.0 = at.0.clamp(now.0.saturating_sub(WORKFLOW_AGE_MS_MAX), now.0);
    }
    let ignored = fields.rest().map(str::to_owned).collect();
    Ok(Submission { spec, payload, ctx, ignored })
}

fn take_service(fields: &mut Fields) -> Result<Service, Malformed> {
    let mut found = None;
    for name in ["service_required", "job_type", "type"] {
        if let Some(text) = fields.take::<String>(name)? {
            found.get_or_insert((name, text));
        }
    }
    let (name, text) = found.ok_or_else(|| Malformed::field("service_required", "is required"))?;
    Service::parse(&text).map_err(|error| Malformed::field(name, error))
}

fn take_id<T>(
    fields: &mut Fields,
    name: &str,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Result<Option<T>, Malformed> {
    let text = fields.take::<String>(name)?;
    text.map(|text| parse(&text)).transpose().map_err(|error| Malformed::field(name, error))
}

fn take_number(fields: &mut Fields, name: &str, min: u32, max: u32) -> Result<Option<u32>, Malformed> {
    let Some(number) = fields.take::<i64>(name)? else { return Ok(None) };
    match u32::try_from(number).ok().filter(|number| (min..=max).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(Malformed::field(name, format!("is {number}; it must be from {min} to {max}"))),
    }
}

/// Runs in all; 0 and 1 both mean one.
fn take_attempts(fields: &mut Fields) -> Result<u32, Malformed> {
    let attempts = take_number(fields, "max_attempts", 0, rules::ATTEMPTS_MAX)?;
    let retries = take_number(fields, "max_retries", 0, rules::ATTEMPTS_MAX)?;
    if let (Some(attempts), Some(retries)) = (attempts, retries)
        && attempts != retries
    {
        let why = format!("is {retries}, but max_attempts is {attempts}; they mean the same");
        return Err(Malformed::field("max_retries", why));
    }
    Ok(attempts.or(retries).unwrap_or(rules::ATTEMPTS_DEFAULT).max(1))
}

/// A workflow's time is moved to within the last seven days.
const WORKFLOW_AGE_MS_MAX: i64 = 7 * 86_400_000;

fn take_workflow(fields: &mut Fields) -> Result<Option<Workflow>, Malformed> {
    let current = take_number(fields, "current_step", 1, u32::MAX)?;
    let alias = take_number(fields, "step_number", 1, u32::MAX)?;
    let at = fields.take::<i64>("workflow_datetime")?;
    let workflow = Workflow {
        id: take_id(fields, "workflow_id", WorkflowId::parse)?,
        priority: take_number(fields, "workflow_priority", 0, rules::PRIORITY_MAX)?,
        at: at.map(Timestamp),
        step: current.or(alias),
        steps: take_number(fields, "total_steps", 1, u32::MAX)?,
    };
    let Workflow { id, priority, at, step, steps } = &workflow;
    let says_nothing = id.is_none() && priority.is_none() && at.is_none() && step.is_none() && steps.is_none();
    Ok((!says_nothing).then_some(workflow))
}

/// # Errors
/// Too many labels, or one too long.
pub fn check_labels(field: &str, labels: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Malformed> {
    if labels.len() > limits::LABELS_MAX {
        let why = format!("has {} entries; at most {} are allowed", labels.len(), limits::LABELS_MAX);
        return Err(Malformed::field(field, why));
    }
    let too_long = |(key, value): &(&String, &String)| key.len().max(value.len()) > limits::LABEL_BYTES_MAX;
    match labels.iter().find(too_long) {
        Some((key, _)) => {
            let why = format!("a key or value is longer than {} bytes", limits::LABEL_BYTES_MAX);
            Err(Malformed::field(format!("{field}.{}", words::cut(key.clone(), 64)), why))
        }
        None => Ok(labels),
    }
}

/// The name of these bytes.
#[must_use]
pub fn content(bytes: &Bytes) -> Content {
    Content { hash: Sha256::digest(bytes).into(), bytes: bytes.len() as u64 }
}

/// Equal for equal submissions, whatever their white space, order of fields and ignored fields.
fn digest(spec: &JobSpec) -> [u8; 32] {
    let workflow = spec.workflow.as_ref();
    let canonical = serde_json::json!([
        spec.requirements.service.as_str(),
        words::hex(&spec.payload.hash),
        spec.ctx.map(|ctx| words::hex(&ctx.hash)),
        spec.priority,
        spec.attempts_max,
        spec.customer.as_ref().map(CustomerId::as_str),
        workflow.map(|w| (w.id.as_ref().map(WorkflowId::as_str), w.priority, w.at.map(|at| at.0), w.step, w.steps)),
        spec.labels,
    ]);
    Sha256::digest(canonical.to_string()).into()
}

/// The answer to `POST /api/jobs`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Submitted {
    pub success: bool,
    pub job_id: String,
    pub status: JobStatus,
    pub message: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    pub urls: JobUrls,
    /// The event that took the job in; absent for a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub timestamp: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobUrls {
    #[serde(rename = "self")]
    pub itself: String,
    pub events: String,
    pub cancel: String,
}

impl JobUrls {
    #[must_use]
    pub fn of(job: &JobId) -> JobUrls {
        let itself = format!("/api/jobs/{job}");
        JobUrls { events: format!("{itself}/events"), cancel: format!("{itself}/cancel"), itself }
    }
}

/// The answer to `POST /api/jobs/{id}/cancel`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Cancelled {
    pub success: bool,
    pub job_id: String,
    pub status: JobStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub timestamp: String,
}

/// The answer to `GET /api/jobs/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OneJob {
    pub success: bool,
    pub job: JobView,
    pub timestamp: String,
}

/// The answer to `GET /api/jobs`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    pub success: bool,
    pub jobs: Vec<JobView>,
    /// How many jobs pass the filter.
    pub total: u64,
    /// `exact`, or `at_least` when not all were looked at.
    pub total_is: String,
    /// Give it as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
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
    pub error: Option<String>,
    pub failure: Option<FailureView>,
    pub attempts: Vec<AttemptView>,
    pub queue_ms: u64,
    pub run_ms: Option<u64>,
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
        let workflow = spec.workflow.as_ref();
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
            retry_count: job.runs_failed,
            max_retries: spec.attempts_max,
            retry_at: match job.state {
                State::Waiting { retry_at } => retry_at.map(rfc3339),
                _ => None,
            },
            progress: (job.status() == fleet::Status::Completed).then_some(1.0),
            error,
            failure,
            attempts: job.attempts.iter().map(|attempt| attempt_view(job, attempt)).collect(),
            queue_ms: last.map_or(ended.unwrap_or(now), |a| a.assigned_at).since(job.created_at),
            run_ms: last.and_then(|attempt| {
                let end = attempt.end.as_ref().map_or(now, |end| end.at);
                attempt.started_at.map(|started| end.since(started))
            }),
            workflow_id: workflow.and_then(|w| w.id.as_ref()).map(ToString::to_string),
            workflow_priority: workflow.and_then(|w| w.priority),
            workflow_datetime: workflow.and_then(|w| w.at).map(|at| at.0),
            current_step: workflow.and_then(|w| w.step),
            total_steps: workflow.and_then(|w| w.steps),
            labels: spec.labels.clone(),
            ..JobView::default()
        }
    }
}

/// What a cancelled job says of itself.
pub const CANCELLED: &str = "Job cancelled by user";

/// The error of a job that ended unhappily, or of its last failed run.
fn failure_of(job: &Job) -> (Option<String>, Option<FailureView>) {
    match &job.state {
        State::Finished { outcome: Outcome::Failed { error, failure }, .. } => {
            (Some(error.to_string()), Some(failure.into()))
        }
        State::Finished { outcome: Outcome::Cancelled, .. } => (Some(CANCELLED.to_owned()), None),
        State::Finished { outcome: Outcome::Completed { .. }, .. } => (None, None),
        State::Waiting { .. } | State::Assigned { .. } | State::Running { .. } => {
            let returned = job.attempts.iter().rev().find_map(|attempt| attempt.end.as_ref()?.returned.as_ref());
            match returned {
                Some(fleet::ReturnReason::Failed { error, failure }) => (Some(error.to_string()), Some(failure.into())),
                _ => (None, None),
            }
        }
    }
}

fn attempt_view(job: &Job, attempt: &fleet::Attempt) -> AttemptView {
    let (outcome, error) = match (&attempt.end, &job.state) {
        (None, _) => (None, None),
        (Some(end), state) => match (&end.returned, state) {
            (Some(fleet::ReturnReason::Failed { error, .. }), _) => (Some("failed"), Some(error.to_string())),
            (Some(fleet::ReturnReason::Released { reason }), _) => {
                (Some("released"), reason.as_deref().map(str::to_owned))
            }
            (Some(reason), _) => (Some(reason.word()), None),
            (None, State::Finished { outcome, .. }) => match outcome {
                Outcome::Completed { .. } => (Some("completed"), None),
                Outcome::Failed { error, .. } => (Some("failed"), Some(error.to_string())),
                Outcome::Cancelled => (Some("cancelled"), None),
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

/// The filter and page of `GET /api/jobs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListQuery {
    /// Several with commas.
    pub status: Option<String>,
    pub service: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// A query that holds together.
#[derive(Clone, Debug)]
pub struct List {
    pub statuses: Vec<fleet::Status>,
    pub service: Option<String>,
    pub limit: usize,
    /// Jobs submitted before this number.
    pub before: u64,
}

impl ListQuery {
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn check(self) -> Result<List, Malformed> {
        let words = self.status.as_deref().unwrap_or_default().split(',').filter(|word| !word.is_empty());
        let statuses = words
            .map(|word| {
                let quoted = serde_json::Value::String(word.to_owned());
                let status = serde_json::from_value::<JobStatus>(quoted).map(Into::into);
                let why = "is no status; there are pending, assigned, in_progress, completed, failed, cancelled";
                status.map_err(|_| Malformed::field("status", format!("{:?} {why}", words::cut(word.to_owned(), 64))))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let limit = self.limit.unwrap_or(limits::PAGE_DEFAULT);
        if !(1..=limits::PAGE_MAX).contains(&limit) {
            let why = format!("is {limit}; it must be from 1 to {}", limits::PAGE_MAX);
            return Err(Malformed::field("limit", why));
        }
        let before = match self.cursor {
            None => u64::MAX,
            Some(cursor) => cursor.parse().map_err(|_| Malformed::field("cursor", "is not one that a list gave"))?,
        };
        Ok(List { statuses, service: self.service, limit, before })
    }
}

impl List {
    #[must_use]
    pub fn passes(&self, job: &Job) -> bool {
        let service = job.spec.requirements.service.as_str();
        (self.statuses.is_empty() || self.statuses.contains(&job.status()))
            && self.service.as_deref().is_none_or(|wanted| wanted == service)
    }
}
