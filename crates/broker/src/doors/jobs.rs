//! Jobs: submit, show, cancel, retry.

use super::Doors;
use super::body::{BatchBody, Body, Segment};
use super::problem::Refused;
use super::wait;
use crate::access::Caller;
use crate::archived::Recalled;
use crate::contents::{self, Attached, Slot};
use crate::desk::{Decided, Desk, NotDecided};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fleet::{Answer, ClientId, Command, Job, JobId, JobSpec, Outcome, Owner, Refusal, Timestamp};
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use store::StoreError;
use wire::agent::EmptyBody;
use wire::explain::{Explained, SchedulableView};
use wire::jobs::{
    BatchItem, BatchStatus, Cancelled, JobUrls, JobView, OneJob, Submission, Submitted, SubmittedAll, parse_batch,
    parse_submission_for,
};
use wire::{EventId, JobStatus, Malformed, Problem, monitor, rfc3339};

pub(super) async fn submit(
    State(doors): State<Doors>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    caller.0.allowance.submit(1)?;
    let desk = &doors.desk;
    let (key, minted, now) = (idempotency_key(&headers)?, mint_job_id()?, desk.now());
    let wait = wait::asked_for(&headers)?;
    let owner = Arc::new(caller.owner(client_id(&headers)?));
    let submission = parse_submission_for(caller.0.customer.as_ref(), &body.0, minted.clone(), key, now)?;
    let submission = signed(refuse_ignored(submission, wants_strictness(&headers))?, &caller, &owner)?;
    let is_minted = submission.spec.id == minted;
    desk.check_room()?;
    let recalled = match desk.recall(&submission.spec, is_minted).await.map_err(NotDecided::from)? {
        Recalled::Nothing(rank) => rank,
        Recalled::Same(job) => return wait::for_end(&doors, wait, repeated(&doors, &job, submission.ignored)).await,
        Recalled::OtherOfThisId => return Err(Refusal::JobIdConflict { job: submission.spec.id }.into()),
        Recalled::OtherOfThisKey => return Err(Refusal::IdempotencyConflict.into()),
    };
    let (spec, attached, ignored) = taken_apart(desk, submission).await?;
    let decided = desk.ask_with(Command::Submit { spec: Arc::new(spec), recalled }, attached, now).await?;
    wait::for_end(&doors, wait, submitted(&doors, &decided, ignored, None)?).await
}

/// A submission in the caller's name.
pub(super) fn signed(
    mut submission: Submission,
    caller: &Caller,
    owner: &Arc<Owner>,
) -> Result<Submission, Box<Problem>> {
    let spec = &mut submission.spec;
    if !caller.may_submit_for(spec.customer.as_ref()) {
        let bound = caller.0.customer.as_ref().map_or("", |customer| customer.as_str());
        let why = format!("customer_id: {} submits for {bound} only", caller.0.principal);
        return Err(Box::new(Problem::new(403, "forbidden", why)));
    }
    spec.owner = Arc::clone(owner);
    Ok(submission)
}

/// What was asked for, of a job that lives or has ended.
async fn spec_of(desk: &Desk, id: &JobId) -> Result<Option<Arc<JobSpec>>, NotDecided> {
    if let Some(job) = desk.feed.view().ledger.job(id) {
        return Ok(Some(Arc::clone(&job.spec)));
    }
    Ok(desk.archived(id).await?.map(|job| job.spec))
}

/// Which of the principal's programs submits.
fn client_id(headers: &HeaderMap) -> Result<Option<ClientId>, Malformed> {
    let Some(value) = headers.get("x-client-id") else { return Ok(None) };
    let text = String::from_utf8_lossy(value.as_bytes());
    ClientId::parse(&text).map(Some).map_err(|error| Malformed::field("X-Client-Id", error))
}

/// The answer to a submission that the archive knows.
fn repeated(doors: &Doors, job: &Job, ignored: Vec<String>) -> Submitted {
    taken(doors, &job.spec.id, job.status().into(), Taken { duplicate: true, ignored, ..Taken::default() })
}

/// The answer to a submission that stands.
fn submitted(
    doors: &Doors,
    decided: &Decided,
    ignored: Vec<String>,
    retry_of: Option<&JobId>,
) -> Result<Submitted, Refused> {
    let Answer::Submitted(fleet::Submitted { job, duplicate }) = &decided.answer else { return Err(strange_answer()) };
    let status = doors.desk.feed.view().ledger.job(job).map_or(JobStatus::Pending, |job| job.status().into());
    let event_id = decided.event.map(|id| id.to_string());
    let retry_of = retry_of.map(ToString::to_string);
    Ok(taken(doors, job, status, Taken { duplicate: *duplicate, ignored, event_id, retry_of }))
}

/// What an answer to a submission says beside the job and its status.
#[derive(Default)]
struct Taken {
    duplicate: bool,
    ignored: Vec<String>,
    event_id: Option<String>,
    retry_of: Option<String>,
}

fn taken(doors: &Doors, job: &JobId, status: JobStatus, taken: Taken) -> Submitted {
    let Taken { duplicate, ignored, event_id, retry_of } = taken;
    Submitted {
        success: true,
        job_id: job.to_string(),
        status,
        message: "Job submitted successfully".to_owned(),
        duplicate,
        ignored,
        urls: JobUrls::of(job),
        event_id,
        retry_of,
        timestamp: rfc3339(doors.desk.now()),
    }
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

/// What is decided on, what is stored with it, and what nobody looked at. Large contents are
/// durable when this returns.
pub(super) async fn taken_apart(
    desk: &Desk,
    submission: Submission,
) -> Result<(fleet::JobSpec, Vec<Attached>, Vec<String>), NotDecided> {
    let Submission { spec, payload, ctx, ignored } = submission;
    let mut attached = vec![Attached::new(&desk.store, spec.payload, payload).await?];
    if let (Some(content), Some(bytes)) = (spec.ctx(), ctx) {
        attached.push(Attached::new(&desk.store, content, bytes).await?);
    }
    Ok((spec, attached, ignored))
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
    caller: Caller,
    headers: HeaderMap,
    body: BatchBody,
) -> Result<Json<SubmittedAll>, Refused> {
    let desk = &doors.desk;
    let (key, strict, now) = (idempotency_key(&headers)?, wants_strictness(&headers), desk.now());
    let owner = Arc::new(caller.owner(client_id(&headers)?));
    desk.check_room()?;
    let minted = RefCell::new(HashSet::new());
    let mint = || {
        mint_job_id().inspect(|id| {
            minted.borrow_mut().insert(id.clone());
        })
    };
    let parsed = parse_batch(caller.0.customer.as_ref(), &body.0, mint, key, now)?;
    caller.0.allowance.submit(parsed.len())?;
    let minted = minted.into_inner();
    let (mut results, mut specs, mut attached, mut asked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, submission) in parsed.into_iter().enumerate() {
        let submission = submission.and_then(|submission| refuse_ignored(submission, strict));
        let submission = match submission.map_err(|malformed| Box::new(Problem::from(&malformed))) {
            Ok(submission) => signed(submission, &caller, &owner),
            Err(problem) => Err(problem),
        };
        let submission = match submission {
            Ok(submission) => submission,
            Err(problem) => {
                results.push(refused_item(index, &problem));
                continue;
            }
        };
        let is_minted = minted.contains(&submission.spec.id);
        match desk.recall(&submission.spec, is_minted).await.map_err(NotDecided::from)? {
            Recalled::Nothing(rank) => {
                let (spec, contents, ignored) = taken_apart(desk, submission).await?;
                specs.push((Arc::new(spec), rank));
                attached.extend(contents);
                asked.push((index, ignored));
            }
            Recalled::Same(job) => {
                let known = fleet::Submitted { job: job.spec.id.clone(), duplicate: true };
                results.push(item(index, &known, submission.ignored));
            }
            Recalled::OtherOfThisId => {
                let refusal = Refusal::JobIdConflict { job: submission.spec.id };
                results.push(refused_item(index, &Problem::from(&refusal)));
            }
            Recalled::OtherOfThisKey => {
                results.push(refused_item(index, &Problem::from(&Refusal::IdempotencyConflict)));
            }
        }
    }
    let mut event = None;
    if !specs.is_empty() {
        let decided = desk.ask_with(Command::SubmitAll { specs }, attached, now).await?;
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
pub(super) async fn retry(
    State(doors): State<Doors>,
    caller: Caller,
    Segment(id): Segment,
    body: Body,
) -> Result<Response, Refused> {
    body.read::<EmptyBody>()?;
    caller.0.allowance.submit(1)?;
    let desk = &doors.desk;
    let (id, again, now) = (parse_job_id(&id)?, mint_job_id()?, desk.now());
    let job = desk.job(&id).await.map_err(NotDecided::from)?.filter(|job| caller.may_change(&job.spec));
    let job = job.ok_or_else(|| not_found(id.clone()))?;
    if job.finished_at().is_none() {
        return Err(Refusal::NotFinished { job: id }.into());
    }
    desk.check_room()?;
    let spec = job.spec.again(again, Arc::clone(&job.spec.owner), now);
    let mut attached = Vec::new();
    let ctx = job.spec.ctx().map(|ctx| (ctx, Slot::Ctx));
    for (content, slot) in [Some((job.spec.payload, Slot::Payload)), ctx].into_iter().flatten() {
        let bytes = match contents::read(&desk.feed, &desk.store, &content, job.order, slot).await {
            Err(error) if error.is_damage() => None,
            outcome => outcome.map_err(NotDecided::from)?,
        };
        let gone = || {
            let why = "its payload was dropped since, or is damaged; submit it anew (see --archive-keep)";
            Refused::new(410, "payload_gone", why)
        };
        attached.push(Attached::new(&desk.store, content, bytes.ok_or_else(gone)?).await.map_err(NotDecided::from)?);
    }
    let recalled = desk.recalled_rank(&spec).await.map_err(NotDecided::from)?;
    let (by, command) = (caller.by_office(&spec), Command::Submit { spec: Arc::new(spec), recalled });
    let decided = desk.ask_by(by, command, attached, now).await?;
    Ok(wait::answer(submitted(&doors, &decided, Vec::new(), Some(&id))?))
}

/// Why a job waits.
pub(super) async fn explain(
    State(doors): State<Doors>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<Explained>, Refused> {
    let id = parse_job_id(&id)?;
    let now = doors.desk.now();
    let spec = spec_of(&doors.desk, &id).await?.filter(|spec| caller.may_see(spec));
    if spec.is_none() {
        return Err(not_found(id));
    }
    if let Some(explained) = Explained::of(&doors.desk.feed.view().ledger, &id, caller.sees_all(), now) {
        return Ok(Json(explained));
    }
    let job = doors.desk.archived(&id).await.map_err(NotDecided::from)?.ok_or_else(|| not_found(id))?;
    Ok(Json(Explained::of_ended(&job, now)))
}

/// RFC 7240: `Prefer: handling=strict`, alone or among others.
fn wants_strictness(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split([',', ';'])).any(|one| one.trim().eq_ignore_ascii_case("handling=strict"))
}

/// Time-ordered, so that ids sort roughly as jobs came.
pub(super) fn mint_job_id() -> Result<JobId, Malformed> {
    let id = uuid::Uuid::now_v7().to_string();
    JobId::parse(&id).map_err(|error| Malformed::field("job_id", error))
}

pub(super) fn parse_job_id(text: &str) -> Result<JobId, Refused> {
    JobId::parse(text).map_err(|error| Malformed::field("job_id", error).into())
}

pub(super) fn not_found(job: JobId) -> Refused {
    Refusal::JobNotFound { job }.into()
}

pub(super) async fn show(
    State(doors): State<Doors>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Json<OneJob>, Refused> {
    let id = parse_job_id(&id)?;
    let now = doors.desk.now();
    let known = {
        let view = doors.desk.feed.view();
        view.ledger.job(&id).map(|job| (job.clone(), SchedulableView::of(&view.ledger, job)))
    };
    let (job, schedulable) = match known {
        Some(known) => known,
        None => match doors.desk.archived(&id).await.map_err(NotDecided::from)? {
            Some(job) => (job, None),
            None => return Err(not_found(id)),
        },
    };
    if !caller.may_see(&job.spec) {
        return Err(not_found(id));
    }
    let job = match caller.may_read(&job.spec, &doors.config) {
        true => whole(&doors, &job, now, For::Reader).await.map_err(NotDecided::from)?,
        false => row(&doors, &job, now),
    };
    Ok(Json(OneJob { success: true, job: JobView { schedulable, ..job }, timestamp: rfc3339(now) }))
}

/// Who is shown a whole job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Is told that something is not there (any more).
    Reader,
    /// Is given everything, `ctx` too, or nothing: a job that lacks its payload would be run on nothing.
    Worker,
}

/// A job with everything that is kept elsewhere.
///
/// # Errors
/// It cannot be read now; for a worker also that it never can.
pub(super) async fn whole(doors: &Doors, job: &Job, now: Timestamp, who: For) -> Result<JobView, StoreError> {
    let (feed, store) = (&*doors.desk.feed, &doors.desk.store);
    let mut view = row(doors, job, now);
    if who == For::Worker {
        let payload = contents::must_read(feed, store, &job.spec.payload, job.order, Slot::Payload).await?;
        view.payload = monitor::json(&payload);
        if let Some(ctx) = job.spec.ctx() {
            view.ctx = monitor::json(&contents::must_read(feed, store, &ctx, job.order, Slot::Ctx).await?);
        }
        return Ok(view);
    }
    let read = async |content, slot| match contents::read(feed, store, content, job.order, slot).await {
        Err(error) if error.is_damage() => Ok(None),
        outcome => outcome,
    };
    let payload = read(&job.spec.payload, Slot::Payload).await?;
    view.contents_dropped = payload.is_none();
    view.payload = payload.as_deref().and_then(monitor::json);
    if let Some(Outcome::Completed { result }) = job.outcome() {
        let result = read(result, Slot::Result).await?;
        view.contents_dropped |= result.is_none();
        view.result = result.as_deref().and_then(monitor::json);
    }
    Ok(view)
}

/// A job as a list shows it: without payload and result.
pub(super) fn row(doors: &Doors, job: &Job, now: Timestamp) -> JobView {
    let mut view = JobView::of(job, now);
    if let Some(progress) = doors.desk.feed.progress(&job.spec.id) {
        view.progress = Some(progress.fraction);
        view.progress_message = progress.message;
    }
    view
}

pub(super) async fn cancel(
    State(doors): State<Doors>,
    caller: Caller,
    Segment(id): Segment,
    body: Body,
) -> Result<Json<Cancelled>, Refused> {
    body.read::<EmptyBody>()?;
    let job = parse_job_id(&id)?;
    let desk = &doors.desk;
    let spec = spec_of(desk, &job).await?.filter(|spec| caller.may_change(spec));
    let by = caller.by_office(&*spec.ok_or_else(|| not_found(job.clone()))?);
    let event = match desk.ask_by(by, Command::Cancel { job: job.clone() }, Vec::new(), desk.now()).await {
        Ok(decided) => decided.event,
        Err(NotDecided::Refused(Refusal::JobNotFound { .. })) => {
            // It may be over for so long that only the archive knows it.
            let known = doors.desk.archived(&job).await.map_err(NotDecided::from)?;
            let known = known.ok_or_else(|| not_found(job.clone()))?;
            if known.status() != fleet::Status::Cancelled {
                return Err(Refusal::AlreadyFinished { job, status: known.status() }.into());
            }
            None
        }
        Err(not) => return Err(not.into()),
    };
    let event_id = event.map(|id| id.to_string());
    let timestamp = rfc3339(doors.desk.now());
    Ok(Json(Cancelled { success: true, job_id: id, status: JobStatus::Cancelled, event_id, timestamp }))
}
