//! `GET /api/jobs/{id}/events`: one job's story in the client dialect, to its end.

use super::Doors;
use super::body::{Params, Segment};
use super::client_stream::{Begun, ClientStream};
use super::events::{position_asked_for, sse};
use super::jobs::{not_found, parse_job_id};
use super::problem::Refused;
use crate::access::{Caller, Peer};
use crate::connections::{Kind, Transport, Watches};
use crate::desk::NotDecided;
use crate::feed::{Framing, Of};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamParams {
    since: Option<String>,
}

pub(super) async fn stream(
    State(doors): State<Doors>,
    caller: Caller,
    peer: Peer,
    Segment(id): Segment,
    Params(params): Params<StreamParams>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let id = parse_job_id(&id)?;
    let since = position_asked_for(&headers, params.since);
    let resume = match since {
        Some(since) => Some(doors.desk.feed.resume(&doors.desk.store, &since).await),
        None => None,
    };
    let seat = doors.seat(Watches { kind: Kind::Client, transport: Transport::Sse, id: None }, &caller, peer)?;
    let mut stream = ClientStream::open(doors.clone(), Framing::Sse, seat);
    // It is followed before it is looked at, so nothing falls between.
    stream.follow(Of::Job(id.clone()));
    let (at, known) = {
        let view = doors.desk.feed.view();
        (view.event_id(), view.ledger.job(&id).cloned())
    };
    let job = match known {
        Some(job) => Some(job),
        None => doors.desk.archived(&id).await.map_err(NotDecided::from)?,
    };
    let job = job.filter(|job| caller.may_see(&job.spec)).ok_or_else(|| not_found(id))?;
    match stream.begin_one(job, at, resume).await {
        Begun::NothingLeft => Ok(StatusCode::NO_CONTENT.into_response()),
        Begun::Streaming => Ok(watched(stream, &caller)),
    }
}

async fn step(mut stream: ClientStream) -> Option<(Bytes, ClientStream)> {
    stream.next().await.map(|piece| (piece, stream))
}

pub(super) fn watched(stream: ClientStream, caller: &Caller) -> Response {
    let watcher = Arc::clone(&stream.seat.watcher);
    sse(stream, (caller, watcher), step)
}
