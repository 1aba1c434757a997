//! Jobs over HTTP: the submission that comes in, the job that goes out (`wire.md` §8).

mod answers;
mod list;
mod timing;
mod view;

pub use answers::{BatchItem, BatchStatus, Cancelled, EndedInTime, JobUrls, Submitted, SubmittedAll};
pub(crate) use list::check_limit;
pub use list::{JobList, List, ListQuery};
pub use timing::{BackoffBody, TimingView};
pub use view::{AttemptView, CANCELLED, FailureView, JobView, OneJob, expired};
pub(crate) use view::{expiry_failure, retry_at};

use crate::{Fields, Json, Malformed, compact, limits, requirements, words};
use bytes::Bytes;
use fleet::limits as rules;
use fleet::{Content, CustomerId, IdError, JobId, JobSpec, Options, Service, Timestamp, Workflow, WorkflowId};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A submission that holds together.
#[derive(Clone, Debug)]
pub struct Submission {
    pub spec: JobSpec,
    pub payload: Bytes,
    pub ctx: Option<Bytes>,
    /// Fields that mean nothing here, in alphabetical order.
    pub ignored: Vec<String>,
}

/// [`parse_submission_for`] nobody in particular.
///
/// # Errors
/// As there.
pub fn parse_submission(
    body: &[u8],
    minted: JobId,
    key: Option<&str>,
    now: Timestamp,
) -> Result<Submission, Malformed> {
    parse_submission_for(None, body, minted, key, now)
}

/// Reads the body of `POST /api/jobs`. A job that states no customer is `customer`'s, `minted`
/// becomes the id of one that states none, `key` is what the request's `Idempotency-Key` says.
///
/// # Errors
/// Names the first field that is wrong.
pub fn parse_submission_for(
    customer: Option<&CustomerId>,
    body: &[u8],
    minted: JobId,
    key: Option<&str>,
    now: Timestamp,
) -> Result<Submission, Malformed> {
    let key = key.map(|key| check_key("Idempotency-Key", key)).transpose()?;
    submission(Fields::parse(body)?, customer, minted, key, now)
}

/// Reads the body of `POST /api/jobs:batch`: each of its jobs, or what is wrong with it. Item
/// `i` has the idempotency key `<key>#<i>`; `customer` is as in [`parse_submission_for`].
///
/// # Errors
/// The body is no list of jobs, or there are too many.
pub fn parse_batch(
    customer: Option<&CustomerId>,
    body: &[u8],
    mint: impl Fn() -> Result<JobId, Malformed>,
    key: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Result<Submission, Malformed>>, Malformed> {
    // Before the numbers of the items come behind it.
    let key = key.map(|key| check_key("Idempotency-Key", key)).transpose()?;
    let mut fields = Fields::parse(body)?;
    let jobs = fields.take::<Vec<Json>>("jobs")?.ok_or_else(|| Malformed::field("jobs", "is required"))?;
    if let Some(field) = fields.rest().next() {
        return Err(Malformed::Unknown { field: field.to_owned(), hint: ", expected `jobs`".to_owned() });
    }
    if jobs.len() > rules::BATCH_JOBS_MAX {
        let (items, max) = (jobs.len(), rules::BATCH_JOBS_MAX);
        return Err(Malformed::TooMany { what: "jobs".to_owned(), items, max });
    }
    let job = |(index, job): (usize, &Json)| {
        let key = key.map(|key| format!("{key}#{index}"));
        let fields = Fields::parse(job.get().as_bytes())?;
        submission(fields, customer, mint()?, key.as_deref(), now)
    };
    Ok(jobs.iter().enumerate().map(job).collect())
}

/// A submission of which these are the fields, of a customer's if its token is bound to one; `named`
/// is the job's id unless they say one.
///
/// # Errors
/// As [`parse_submission`].
pub fn parse_fields(
    fields: Fields,
    customer: Option<&CustomerId>,
    named: JobId,
    now: Timestamp,
) -> Result<Submission, Malformed> {
    submission(fields, customer, named, None, now)
}

fn submission(
    mut fields: Fields,
    customer: Option<&CustomerId>,
    minted: JobId,
    key: Option<&str>,
    now: Timestamp,
) -> Result<Submission, Malformed> {
    let payload = fields.take_raw("payload");
    let payload = match &payload {
        Some(payload) => compact(payload, "payload", limits::PAYLOAD_BYTES_MAX)?,
        None => Bytes::from_static(b"{}"),
    };
    let ctx = fields.take_raw("ctx").map(|ctx| compact(&ctx, "ctx", limits::PAYLOAD_BYTES_MAX)).transpose()?;
    let asked = requirements::parse(fields.take_raw("requirements").as_deref(), take_service(&mut fields)?)?;
    let mut spec = JobSpec {
        id: take_id(&mut fields, "job_id", JobId::parse)?.unwrap_or(minted),
        requirements: Arc::new(asked.requirements),
        payload: content(&payload),
        priority: take_number(&mut fields, "priority", 0, rules::PRIORITY_MAX)?.unwrap_or(rules::PRIORITY_DEFAULT),
        attempts_max: take_attempts(&mut fields)?,
        customer: take_id(&mut fields, "customer_id", CustomerId::parse)?.or_else(|| customer.cloned()),
        owner: Arc::default(),
        options: Options {
            ctx: ctx.as_ref().map(content),
            workflow: take_workflow(&mut fields)?,
            labels: check_labels("labels", fields.take("labels")?.unwrap_or_default())?,
            timing: timing::take(&mut fields, asked.run_for_ms)?,
            idempotency_key: take_key(&mut fields, key)?,
            retry_of: None,
        }
        .stated(),
        digest: [0; 32],
    };
    // What was said is compared, not what became of it: the clock must not tell two repeats apart.
    spec.digest = digest(&spec);
    let workflow = spec.options.as_mut().and_then(|options| options.workflow.as_mut());
    if let Some(at) = workflow.and_then(|workflow| workflow.at.as_mut()) {
        at.0 = at.0.clamp(now.0.saturating_sub(WORKFLOW_AGE_MS_MAX), now.0);
    }
    let ignored = fields.rest().map(str::to_owned).collect();
    Ok(Submission { spec, payload, ctx, ignored })
}

/// The key of the request, or of a body that comes without a request of its own.
fn take_key(fields: &mut Fields, header: Option<&str>) -> Result<Option<Arc<str>>, Malformed> {
    let field = fields.take::<String>("idempotency_key")?;
    if let (Some(field), Some(header)) = (&field, header)
        && field != header
    {
        return Err(Malformed::field("idempotency_key", "is not what the header Idempotency-Key says"));
    }
    match field {
        Some(field) => check_key("idempotency_key", &field).map(|key| Some(Arc::from(key))),
        None => Ok(header.map(Arc::from)),
    }
}

/// # Errors
/// Empty, too long, or not printable ASCII.
fn check_key<'a>(name: &str, key: &'a str) -> Result<&'a str, Malformed> {
    let max = rules::IDEMPOTENCY_KEY_BYTES_MAX;
    match key {
        "" => Err(Malformed::field(name, "must not be empty")),
        key if key.len() > max => {
            Err(Malformed::field(name, format!("is {} bytes long; at most {max} are allowed", key.len())))
        }
        key if !key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => {
            Err(Malformed::field(name, "may hold printable ASCII characters only"))
        }
        key => Ok(key),
    }
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
/// What is not stated leaves no trace, so that a field added later changes no digest.
fn digest(spec: &JobSpec) -> [u8; 32] {
    let workflow = spec.workflow();
    let unlabelled = BTreeMap::new();
    let always = (
        spec.requirements.service.as_str(),
        words::hex(&spec.payload.hash),
        spec.ctx().map(|ctx| words::hex(&ctx.hash)),
        spec.priority,
        spec.attempts_max,
        spec.customer.as_ref().map(CustomerId::as_str),
        workflow.map(|w| (w.id.as_ref().map(WorkflowId::as_str), w.priority, w.at.map(|at| at.0), w.step, w.steps)),
        spec.labels().unwrap_or(&unlabelled),
    );
    let mut sha = Sha256::new();
    // Texts and numbers only: it can always be written.
    sha.update(serde_json::to_vec(&always).unwrap_or_default());
    let mut canonical = Vec::new();
    if let Some(requirements) = requirements::show(&spec.requirements) {
        canonical.push(serde_json::json!({"requirements": requirements}));
    }
    if let Some(timing) = spec.stated_timing() {
        canonical.push(serde_json::json!({"timing": TimingView::of(timing)}));
    }
    canonical.iter().for_each(|part| sha.update(part.to_string()));
    sha.finalize().into()
}
