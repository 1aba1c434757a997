//! What the holder of a lease reports.

use super::Doors;
use super::acting::OwnLease;
use super::body::{Body, Params, flag};
use super::machines::{done, done_with_orders};
use super::problem::Refused;
use super::workers::{assignment, fresh_lease, random};
use crate::contents::Attached;
use crate::desk::{Decided, NotDecided};
use axum::Json;
use axum::extract::State;
use fleet::{Answer, Command, Fail, LeaseId, Next, Timestamp};
use serde::Deserialize;
use wire::agent::{
    Assignment, Done, EmptyBody, FailAnswer, FailBody, FinishAnswer, FinishBody, ProgressBody, ReleaseBody,
};
use wire::rfc3339;

async fn ask_for_orders(doors: &Doors, command: Command) -> Result<Json<Done>, Refused> {
    Ok(done_with_orders(&doors.desk.ask(command).await?))
}

pub(super) async fn start(
    State(doors): State<Doors>,
    OwnLease(lease): OwnLease,
    body: Body,
) -> Result<Json<Done>, Refused> {
    body.read::<EmptyBody>()?;
    ask_for_orders(&doors, Command::Start { lease }).await
}

pub(super) async fn renew(
    State(doors): State<Doors>,
    OwnLease(lease): OwnLease,
    body: Body,
) -> Result<Json<Done>, Refused> {
    body.read::<EmptyBody>()?;
    ask_for_orders(&doors, Command::Renew { lease }).await
}

pub(super) async fn progress(
    State(doors): State<Doors>,
    OwnLease(lease): OwnLease,
    body: Body,
) -> Result<Json<Done>, Refused> {
    let progress = body.read::<ProgressBody>()?.progress()?;
    ask_for_orders(&doors, Command::Progress { lease, progress }).await
}

pub(super) async fn release(
    State(doors): State<Doors>,
    OwnLease(lease): OwnLease,
    body: Body,
) -> Result<Json<Done>, Refused> {
    let reason = body.read::<ReleaseBody>()?.reason();
    Ok(done(&doors.desk.ask(Command::Release { lease, reason }).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NextParam {
    next: Option<String>,
}

pub(super) async fn finish(
    State(doors): State<Doors>,
    OwnLease(lease): OwnLease,
    Params(param): Params<NextParam>,
    body: Body,
) -> Result<Json<FinishAnswer>, Refused> {
    let result = body.read::<FinishBody>()?.result()?;
    let next = next_of(&doors, lease, &param)?;
    let content = wire::jobs::content(&result);
    let attached = Attached::pressing(&doors.desk.store, content, result).await.map_err(NotDecided::from)?;
    let (decided, next) =
        ask_with_next(&doors, Command::Finish { lease, result: content }, vec![attached], next).await?;
    Ok(Json(FinishAnswer { success: true, next, event_id: decided.event_id() }))
}

pub(super) async fn fail(
    State(doors): State<Doors>,
    OwnLease(lease): OwnLease,
    Params(param): Params<NextParam>,
    body: Body,
) -> Result<Json<FailAnswer>, Refused> {
    let roll = u32::from_ne_bytes(random()?);
    let fail: Fail = body.read::<FailBody>()?.fail(lease, roll)?;
    let next = next_of(&doors, lease, &param)?;
    let (decided, next) = ask_with_next(&doors, Command::Fail(fail), Vec::new(), next).await?;
    let event_id = decided.event_id();
    let retry_at = match decided.answer {
        Answer::Failed { retry_at } => retry_at.map(rfc3339),
        _ => None,
    };
    Ok(Json(FailAnswer { success: true, will_retry: retry_at.is_some(), retry_at, next, event_id }))
}

/// The question for the next job that goes along with the end of this one. The leases that the
/// worker holds are known to it, so none of them is given again.
fn next_of(doors: &Doors, lease: LeaseId, param: &NextParam) -> Result<Option<Next>, Refused> {
    if !flag("next", param.next.as_deref())? {
        return Ok(None);
    }
    let fresh = fresh_lease()?;
    let view = doors.desk.feed.view();
    let Some(held) = view.ledger.lease(lease) else { return Ok(None) };
    let Some(worker) = view.ledger.worker(&held.worker) else { return Ok(None) };
    Ok(Some(Next {
        worker: worker.id.clone(),
        session: worker.session,
        have: worker.leases.iter().copied().collect(),
        lease: fresh,
        until: Timestamp::default(),
        start: true,
    }))
}

/// Both questions are put before the first is answered, so that they share a batch.
async fn ask_with_next(
    doors: &Doors,
    command: Command,
    attached: Vec<Attached>,
    next: Option<Next>,
) -> Result<(Decided, Option<Assignment>), Refused> {
    let (desk, now) = (&doors.desk, doors.desk.now());
    let Some(next) = next else { return Ok((desk.ask_with(command, attached, now).await?, None)) };
    let first = desk.submit(command, attached, now)?;
    let second = desk.submit(Command::Next(next), Vec::new(), now);
    let answer = first.await.unwrap_or(Err(NotDecided::ShuttingDown))?;
    // Without a next job the worker asks again by itself.
    let Ok(second) = second else { return Ok((answer, None)) };
    match second.await {
        Ok(Ok(decided)) => match &decided.answer {
            // If the next job cannot be read now, the worker is given it when it asks by itself.
            Answer::Next { grant: Some(grant), orders } => {
                Ok((answer, assignment(doors, grant, orders.into(), decided.event_id()).await.unwrap_or_default()))
            }
            _ => Ok((answer, None)),
        },
        _ => Ok((answer, None)),
    }
}
