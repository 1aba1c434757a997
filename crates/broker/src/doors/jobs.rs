//! Jobs: submit, show, list, cancel.

use super::Doors;
use super::body::{Body, Params, Segment};
use super::problem::Refused;
use crate::limits;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fleet::{Answer, Command, Job, JobId, Outcome, Refusal, State as JobState, Timestamp};
use std::sync::Arc;
use store::{Blob, BlobHash};
use wire::agent::EmptyBody;
use wire::jobs::{Cancelled, JobList, JobUrls, JobView, ListQuery, OneJob, Submission, Submitted, parse_submission};
use wire::{JobStatus, Malformed, monitor, rfc3339};

pub(super) async fn submit(State(doors): State<Doors>, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let desk = &doors.desk;
    if headers.contains_key("idempotency-key") {
        let hint = ": this version cannot honour it; give the job an id of your own (job_id), which does the same";
        return Err(Malformed::Unknown { field: "Idempotency-Key".to_owned(), hint: hint.to_owned() }.into());
    }
    let Submission { spec, payload, ctx, ignored } = parse_submission(&body.0, mint_job_id()?, desk.now())?;
    if let Some(field) = ignored.first().filter(|_| wants_strictness(&headers)) {
        let hint = ", and Prefer: handling=strict was asked for".to_owned();
        return Err(Malformed::Unknown { field: field.clone(), hint }.into());
    }
    let job = spec.id.clone();
    let mut blobs = vec![Blob { hash: BlobHash(spec.payload.hash), bytes: payload }];
    if let (Some(content), Some(bytes)) = (spec.ctx, ctx) {
        blobs.push(Blob { hash: BlobHash(content.hash), bytes });
    }
    let decided = desk.ask(Command::Submit { spec: Arc::new(spec) }, blobs).await?;
    let duplicate = matches!(decided.answer, Answer::Submitted { duplicate: true });
    let status = desk.feed.view().ledger.job(&job).map_or(JobStatus::Pending, |job| job.status().into());
    let urls = JobUrls::of(&job);
    let location = urls.itself.clone();
    let answer = Submitted {
        success: true,
        job_id: job.to_string(),
        status,
        message: "Job submitted successfully".to_owned(),
        duplicate,
        ignored,
        urls,
        event_id: decided.event.map(|id| id.to_string()),
        timestamp: rfc3339(desk.now()),
    };
    let code = if duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok((code, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// RFC 7240: `Prefer: handling=strict`, alone or among others.
fn wants_strictness(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split([',', ';'])).any(|one| one.trim().eq_ignore_ascii_case("handling=strict"))
}

/// Time-ordered, so that ids sort roughly as jobs came.
fn mint_job_id() -> Result<JobId, Refused> {
    let id = uuid::Uuid::now_v7().to_string();
    JobId::parse(&id).map_err(|error| Malformed::field("job_id", error).into())
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
    let job = doors.desk.feed.view().ledger.job(&id).cloned().ok_or_else(|| not_found(id))?;
    let job = whole(&doors, &job, now, false).await?;
    Ok(Json(OneJob { success: true, job, timestamp: rfc3339(now) }))
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
