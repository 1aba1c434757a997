//! Jobs: submit, show, list, cancel.

use super::Doors;
use super::body::{BatchBody, Body, Params, Segment};
use super::problem::Refused;
use crate::desk::{Decided, Desk};
use crate::limits;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fleet::{Answer, Command, Job, JobId, Outcome, Refusal, State as JobState, Timestamp};
use std::sync::Arc;
use store::{Blob, BlobHash};
use wire::agent::EmptyBody;
use wire::explain::{Explained, SchedulableView};
use wire::jobs::{
    BatchItem, BatchStatus, Cancelled, JobList, JobUrls, JobView, ListQuery, OneJob, Submission, Submitted,
    SubmittedAll, parse_batch, parse_submission,
};
use wire::{EventId, JobStatus, Malformed, Problem, monitor, rfc3339};

pub(super) async fn submit(State(doors): State<Doors>, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let desk = &doors.desk;
    let key = idempotency_key(&headers)?;
    let submission = parse_submission(&body.0, mint_job_id()?, key, desk.now())?;
    let strict = wants_strictness(&headers);
    let (spec, blobs, ignored) = taken_apart(refuse_ignored(submission, strict)?);
    let decided = desk.ask(Command::Submit { spec: Arc::new(spec) }, blobs).await?;
    submitted(&doors, &decided, ignored, None)
}

/// The answer to a submission that stands.
fn submitted(
    doors: &Doors,
    decided: &Decided,
    ignored: Vec<String>,
    retry_of: Option<&JobId>,
) -> Result<Response, Refused> {
    let Answer::Submitted(fleet::Submitted { job, duplicate }) = &decided.answer else { return Err(strange_answer()) };
    let status = doors.desk.feed.view().ledger.job(job).map_or(JobStatus::Pending, |job| job.status().into());
    let urls = JobUrls::of(job);
    let location = urls.itself.clone();
    let answer = Submitted {
        success: true,
        job_id: job.to_string(),
        status,
        message: "Job submitted successfully".to_owned(),
        duplicate: *duplicate,
        ignored,
        urls,
        event_id: decided.event.map(|id| id.to_string()),
        retry_of: retry_of.map(ToString::to_string),
        timestamp: rfc3339(doors.desk.now()),
    };
    let code = if *duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok((code, [(header::LOCATION, location)], Json(answer)).into_response())
}

fn strange_answer() -> Refused {
    Refused::new(500, "internal", "a submission was answered with something else; this is a bug")
}

fn refuse_ignored(submission: Submission, strict: bool) -> Result<Submission, Malformed> {
    match submission.ignored.first().filter(|_| strict) {
        Some(field) => {
            let hint = ", and Prefer: handling=strict was asked for".to_owned();
            Err(Malformed::Unknown { field: field.clone(), hint })
        }
        None => Ok(submission),
    }
}

/// What is decided on, what is stored, and what nobody looked at.
fn taken_apart(submission: Submission) -> (fleet::JobSpec, Vec<Blob>, Vec<String>) {
    let Submission { spec, payload, ctx, ignored } = submission;
    let mut blobs = vec![Blob { hash: BlobHash(spec.payload.hash), bytes: payload }];
    if let (Some(content), Some(bytes)) = (spec.ctx, ctx) {
        blobs.push(Blob { hash: BlobHash(content.hash), bytes });
    }
    (spec, blobs, ignored)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Malformed> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Malformed::field("Idempotency-Key", "is given twice"));
    }
    let why = || Malformed::field("Idempotency-Key", "may hold printable ASCII characters only");
    value.to_str().map(Some).map_err(|_| why())
}

/// Many jobs at once. Each stands or falls alone; those that stand are decided together.
pub(super) async fn submit_all(
    State(doors): State<Doors>,
    headers: HeaderMap,
    body: BatchBody,
) -> Result<Json<SubmittedAll>, Refused> {
    let desk = &doors.desk;
    let (key, strict) = (idempotency_key(&headers)?, wants_strictness(&headers));
    let parsed = parse_batch(&body.0, mint_job_id, key, desk.now())?;
    let (mut results, mut specs, mut blobs, mut asked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, submission) in parsed.into_iter().enumerate() {
        match submission.and_then(|submission| refuse_ignored(submission, strict)) {
            Ok(submission) => {
                let (spec, contents, ignored) = taken_apart(submission);
                specs.push(Arc::new(spec));
                blobs.extend(contents);
                asked.push((index, ignored));
            }
            Err(malformed) => results.push(refused_item(index, &Problem::from(&malformed))),
        }
    }
    let mut event = None;
    if !specs.is_empty() {
        let decided = desk.ask(Command::SubmitAll { specs }, blobs).await?;
        event = decided.event;
        let Answer::SubmittedAll(answers) = decided.answer else { return Err(strange_answer()) };
        results.extend(asked.into_iter().zip(answers).map(|((index, ignored), answer)| match answer {
            Ok(submitted) => item(index, &submitted, ignored),
            Err(refusal) => refused_item(index, &Problem::from(&refusal)),
        }));
    }
    results.sort_by_key(|item| item.index);
    Ok(Json(batch(desk, results, event)))
}

fn batch(desk: &Desk, results: Vec<BatchItem>, event: Option<EventId>) -> SubmittedAll {
    let event_id = event.map(|id| id.to_string());
    SubmittedAll { success: true, results, event_id, timestamp: rfc3339(desk.now()) }
}

fn item(index: usize, submitted: &fleet::Submitted, ignored: Vec<String>) -> BatchItem {
    let status = if submitted.duplicate { BatchStatus::Duplicate } else { BatchStatus::Created };
    BatchItem { index, status, job_id: Some(submitted.job.to_string()), code: None, error: None, ignored }
}

fn refused_item(index: usize, problem: &Problem) -> BatchItem {
    let (code, error) = (Some(problem.code.clone()), Some(problem.detail.clone()));
    BatchItem { index, status: BatchStatus::Refused, job_id: None, code, error, ignored: Vec::new() }
}

/// An ended job once more, as a new one.
pub(super) async fn retry(State(doors): State<Doors>, Segment(id): Segment, body: Body) -> Result<Response, Refused> {
    body.read::<EmptyBody>()?;
    let (job, again) = (parse_job_id(&id)?, mint_job_id()?);
    let decided = doors.desk.ask(Command::Retry { job: job.clone(), again }, Vec::new()).await?;
    submitted(&doors, &decided, Vec::new(), Some(&job))
}

/// Why a job waits.
pub(super) async fn explain(State(doors): State<Doors>, Segment(id): Segment) -> Result<Json<Explained>, Refused> {
    let id = parse_job_id(&id)?;
    let now = doors.desk.now();
    let explained = Explained::of(&doors.desk.feed.view().ledger, &id, now);
    explained.map(Json).ok_or_else(|| not_found(id))
}

/// RFC 7240: `Prefer: handling=strict`, alone or among others.
fn wants_strictness(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split([',', ';'])).any(|one| one.trim().eq_ignore_ascii_case("handling=strict"))
}

/// Time-ordered, so that ids sort roughly as jobs came.
fn mint_job_id() -> Result<JobId, Malformed> {
    let id = uuid::Uuid::now_v7().to_string();
    JobId::parse(&id).map_err(|error| Malformed::field("job_id", error))
}

pub(super) fn parse_job_id(text: &str) -> Result<JobId, Refused> {
    JobId::parse(text).map_err(|error| Malformed::field("job_id", error).into())
}

pub(super) fn not_found(job: JobId) -> Refused {
    Refusal::JobNotFound { job }.into()
}

pub(super) async fn show(State(doors): State<Doors>, Segment(id): Segment) -> Result<Json<OneJob>, Refused> {
    let id = parse_job_id(&id)?;
    let now = doors.desk.now();
    let (job, schedulable) = {
        let view = doors.desk.feed.view();
        let job = view.ledger.job(&id).ok_or_else(|| not_found(id))?;
        (job.clone(), SchedulableView::of(&view.ledger, job))
    };
    let job = whole(&doors, &job, now, false).await?;
    Ok(Json(OneJob { success: true, job: JobView { schedulable, ..job }, timestamp: rfc3339(now) }))
}

/// A job with everything that is kept elsewhere. `ctx` is for its worker only. Without its
/// contents it is not given at all: a job that lacks its payload would be run on nothing.
pub(super) async fn whole(doors: &Doors, job: &Job, now: Timestamp, with_ctx: bool) -> Result<JobView, Refused> {
    let desk = &doors.desk;
    let mut view = row(doors, job, now);
    view.payload = monitor::json(&desk.content(&job.spec.payload).await?);
    if let Some(ctx) = job.spec.ctx.filter(|_| with_ctx) {
        view.ctx = monitor::json(&desk.content(&ctx).await?);
    }
    if let JobState::Finished { outcome: Outcome::Completed { result }, .. } = &job.state {
        view.result = monitor::json(&desk.content(result).await?);
    }
    Ok(view)
}

/// A job as a list shows it: without payload and result.
fn row(doors: &Doors, job: &Job, now: Timestamp) -> JobView {
    let mut view = JobView::of(job, now);
    if let Some(progress) = doors.desk.feed.progress(&job.spec.id) {
        view.progress = Some(progress.fraction);
        view.progress_message = progress.message;
    }
    view
}

pub(super) async fn list(
    State(doors): State<Doors>,
    Params(query): Params<ListQuery>,
) -> Result<Json<JobList>, Refused> {
    let query = query.check()?;
    let now = doors.desk.now();
    let (mut found, mut looked_at, mut last) = (Vec::new(), 0, None);
    let total;
    {
        let view = doors.desk.feed.view();
        total = view.ledger.tally().jobs();
        for job in view.ledger.submitted_before(query.before) {
            if found.len() == query.limit || looked_at == limits::LIST_SCAN_MAX {
                break;
            }
            looked_at += 1;
            last = Some(job.order);
            if query.passes(job) {
                found.push(job.clone());
            }
        }
    }
    let jobs: Vec<_> = found.iter().map(|job| row(&doors, job, now)).collect();
    let everything = query.statuses.is_empty() && query.service.is_none();
    let (total, total_is) = if everything { (total, "exact") } else { (jobs.len() as u64, "at_least") };
    // The oldest job there is has order 1 or more; a cursor of 1 has nothing before it.
    let next_cursor = last.filter(|last| *last > 1).map(|last| last.to_string());
    let next_cursor = next_cursor.filter(|_| found.len() == query.limit || looked_at == limits::LIST_SCAN_MAX);
    let (total_is, timestamp) = (total_is.to_owned(), rfc3339(now));
    Ok(Json(JobList { success: true, jobs, total, total_is, next_cursor, timestamp }))
}

pub(super) async fn cancel(
    State(doors): State<Doors>,
    Segment(id): Segment,
    body: Body,
) -> Result<Json<Cancelled>, Refused> {
    body.read::<EmptyBody>()?;
    let job = parse_job_id(&id)?;
    let decided = doors.desk.ask(Command::Cancel { job }, Vec::new()).await?;
    let event_id = decided.event.map(|id| id.to_string());
    let timestamp = rfc3339(doors.desk.now());
    Ok(Json(Cancelled { success: true, job_id: id, status: JobStatus::Cancelled, event_id, timestamp }))
}
