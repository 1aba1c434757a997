//! Workers: register, ask for work, leave.

use super::Doors;
use super::acting::{OwnWorker, check_acts_for};
use super::body::{Body, Params, Segment, flag, wait_ms};
use super::jobs::{self, For};
use super::machines::{done, orders_of};
use super::problem::Refused;
use crate::access::{Caller, NotLetIn};
use crate::desk::{Desk, NotDecided};
use crate::feed::{Bell, Counted, Key};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use fleet::limits::{LEASE_MS, RENEW_MS, START_MS};
use fleet::{
    Answer, Command, Fail, Failure, FailureKind, Grant, LeaseId, Next, Refusal, SessionId, Timestamp, WorkerId,
};
use serde::Deserialize;
use std::time::Duration;
use store::StoreError;
use tokio::time::Instant;
use wire::agent::{Assignment, Done, JoinWorkerBody, NextBody, Orders, WorkerJoined, parse_session, session_text};
use wire::ops::Workers;
use wire::snapshot::WorkerView;
use wire::{Malformed, rfc3339};

const SESSION: &str = "x-worker-session";

/// Random bits from the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Refused> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Refused::new(500, "internal", format!("the system gives no random numbers: {error}"))),
    }
}

pub(super) fn fresh_lease() -> Result<LeaseId, Refused> {
    random().map(|bytes| LeaseId(u128::from_ne_bytes(bytes)))
}

pub(super) fn parse_worker_id(text: &str) -> Result<WorkerId, Refused> {
    WorkerId::parse(text).map_err(|error| Malformed::field("worker_id", error).into())
}

pub(super) async fn join(
    State(doors): State<Doors>,
    caller: Caller,
    OwnWorker(worker): OwnWorker,
    body: Body,
) -> Result<Json<WorkerJoined>, Refused> {
    let (worker_id, session) = (worker.to_string(), SessionId(u64::from_ne_bytes(random()?)));
    let join = body.read::<JoinWorkerBody>()?.join(worker, session)?;
    check_acts_for(&caller, &join.machine)?;
    let decided = doors.desk.ask(Command::JoinWorker(join)).await?;
    Ok(Json(WorkerJoined {
        success: true,
        worker_id,
        session: session_text(session),
        lease_ms: LEASE_MS,
        renew_ms: RENEW_MS,
        start_ms: START_MS,
        orders: orders_of(&decided),
        event_id: decided.event_id(),
    }))
}

/// A worker that was replaced must not take its successor away, so it says which session it is.
pub(super) async fn leave(
    State(doors): State<Doors>,
    OwnWorker(worker): OwnWorker,
    headers: HeaderMap,
) -> Result<Json<Done>, Refused> {
    let session = if headers.contains_key(SESSION) { Some(session_of(&headers)?) } else { None };
    Ok(done(&doors.desk.ask(Command::LeaveWorker { worker, session }).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NextParams {
    wait_ms: Option<u64>,
    start: Option<String>,
}

/// The next job for a worker, waiting for one if there is none yet.
pub(super) async fn next(
    State(doors): State<Doors>,
    caller: Caller,
    OwnWorker(worker): OwnWorker,
    Params(params): Params<NextParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let session = session_of(&headers)?;
    let start = flag("start", params.start.as_deref())?;
    let wait = Duration::from_millis(wait_ms(params.wait_ms)?);
    let have = body.read::<NextBody>()?.have()?;
    let asked = Next { worker, session, have, lease: fresh_lease()?, until: Timestamp::default(), start };
    let _counted = Counted::new(&doors.desk.feed, |feed| &feed.workers);
    let assignment = match wait_for_work(&doors, &caller, asked, wait).await? {
        Some((grant, orders, event_id)) => assignment(&doors, &grant, (&orders).into(), event_id).await?,
        None => None,
    };
    match assignment {
        Some(assignment) => Ok(Json(assignment).into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

fn session_of(headers: &HeaderMap) -> Result<SessionId, Refused> {
    let text = headers.get(SESSION).and_then(|value| value.to_str().ok());
    let why = "is required: the session that PUT /api/workers/{id} gave";
    text.and_then(parse_session).ok_or_else(|| Malformed::field("X-Worker-Session", why).into())
}

async fn wait_for_work(
    doors: &Doors,
    caller: &Caller,
    mut next: Next,
    wait: Duration,
) -> Result<Option<(Grant, fleet::Orders, Option<String>)>, Refused> {
    let desk = &doors.desk;
    let until = Instant::now() + wait;
    let bell = Bell::hang(&desk.feed, Key::Worker(next.worker.clone()));
    // If the caller hangs up, the worker must not be given a job that nobody hears of.
    let mut standing = Standing { desk: desk.clone(), worker: next.worker.clone(), lease: next.lease };
    loop {
        // A lease may have been given and have ended since the last time, so its name is used up.
        next.lease = fresh_lease()?;
        standing.lease = next.lease;
        let rung = bell.notify.notified();
        tokio::pin!(rung);
        rung.as_mut().enable();
        let left = until.saturating_duration_since(Instant::now());
        let is_last = left.is_zero() || doors.closing.is_cancelled();
        next.until = if is_last { Timestamp::default() } else { desk.now() + ms(left) };
        let decided = desk.ask(Command::Next(next.clone())).await?;
        let event_id = decided.event_id();
        match decided.answer {
            Answer::Next { grant: Some(grant), orders } => return Ok(Some((grant, orders, event_id))),
            _ if is_last => return Ok(None),
            _ => {}
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep_until(until) => {}
            () = doors.closing.cancelled() => {}
            () = caller.0.gone.cancelled() => return Err(NotLetIn::Revoked.into()),
        }
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A worker that stands ready as long as this lives.
struct Standing {
    desk: Desk,
    worker: WorkerId,
    lease: LeaseId,
}

impl Drop for Standing {
    fn drop(&mut self) {
        let stand_down = Command::StandDown { worker: self.worker.clone(), lease: self.lease };
        // With a full inbox the assignment comes back by itself: if the worker still lives, it is
        // given it again, else it is not started or not renewed.
        let _ = self.desk.submit(stand_down, Vec::new(), self.desk.now());
    }
}

/// The lease and its job, as the worker is told of them. `None`: the job is gone meanwhile. If its
/// contents cannot be read now, the worker has not heard of the lease and is given it again; if they
/// never can, the job fails, and the worker asks for another.
pub(super) async fn assignment(
    doors: &Doors,
    grant: &Grant,
    orders: Orders,
    event_id: Option<String>,
) -> Result<Option<Assignment>, Refused> {
    let Some(job) = doors.desk.feed.view().ledger.job(&grant.job).cloned() else { return Ok(None) };
    let job = match jobs::whole(doors, &job, doors.desk.now(), For::Worker).await {
        Ok(job) => job,
        Err(damage) if damage.is_damage() => {
            doors.desk.ask(Command::Fail(damaged(grant.lease, &damage))).await?;
            return Ok(None);
        }
        Err(away) => return Err(NotDecided::from(away).into()),
    };
    Ok(Some(Assignment { lease: grant.into(), job, orders, event_id }))
}

fn damaged(lease: LeaseId, damage: &StoreError) -> Fail {
    let failure = Failure { kind: FailureKind::Broker, reason: Some("payload_damaged".into()) };
    let error = format!("its payload cannot be read any more: {damage}").into();
    Fail { lease, error, failure, retry: false, retry_after_ms: None, roll: 0 }
}

pub(super) async fn list(State(doors): State<Doors>) -> Json<Workers> {
    let now = doors.desk.now();
    let view = doors.desk.feed.view();
    let workers = view.ledger.workers().map(|worker| WorkerView::of(&view.ledger, worker)).collect();
    Json(Workers { success: true, workers, timestamp: rfc3339(now) })
}

pub(super) async fn show(State(doors): State<Doors>, Segment(id): Segment) -> Result<Json<Workers>, Refused> {
    let id = parse_worker_id(&id)?;
    let view = doors.desk.feed.view();
    match view.ledger.worker(&id) {
        Some(worker) => {
            let workers = vec![WorkerView::of(&view.ledger, worker)];
            Ok(Json(Workers { success: true, workers, timestamp: rfc3339(doors.desk.now()) }))
        }
        None => Err(Refusal::UnknownWorker { worker: id }.into()),
    }
}
