//! `GET /api/events/client`: what a client's jobs do, without a socket.

use super::Doors;
use super::body::Params;
use super::client_stream::ClientStream;
use super::events::position_asked_for;
use super::job_events::watched;
use super::jobs::{not_found, parse_job_id};
use super::problem::Refused;
use crate::access::{Caller, Peer};
use crate::connections::{Kind, Transport, Watches};
use crate::desk::NotDecided;
use crate::feed::{Framing, Of};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fleet::{ClientId, ClientKey, JobId, WorkflowId};
use serde::Deserialize;
use wire::Malformed;
use wire::client::ClientBody;
use wire::limits::FILTER_VALUES_MAX;

/// What a client's first message says.
pub(super) const GREETING: ClientBody<'static> = ClientBody::ConnectionEstablished { message: "Connected to server" };

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClientParams {
    client_id: Option<String>,
    /// Several with commas.
    job_id: Option<String>,
    workflow_id: Option<String>,
    since: Option<String>,
}

pub(super) async fn client(
    State(doors): State<Doors>,
    caller: Caller,
    peer: Peer,
    Params(params): Params<ClientParams>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let client = params.client_id.as_deref().map(parse_client_id).transpose()?;
    let workflow = params.workflow_id.as_deref().map(WorkflowId::parse).transpose();
    let workflow = workflow.map_err(|error| Malformed::field("workflow_id", error))?;
    let jobs = job_ids(params.job_id.as_deref())?;
    if client.is_none() && workflow.is_none() && jobs.is_empty() {
        return Err(Malformed::field("client_id", "is required, or job_id, or workflow_id").into());
    }
    for id in &jobs {
        check_visible(&doors, &caller, id).await?;
    }
    let id = client.as_ref().map(ToString::to_string);
    let seat = doors.seat(Watches { kind: Kind::Client, transport: Transport::Sse, id }, &caller, peer)?;
    let mut stream = ClientStream::open(doors.clone(), Framing::Sse, seat);
    let principal = caller.0.principal.clone();
    let key = client.map(|client| ClientKey { principal: principal.clone(), client });
    // They are followed before they are looked at, so nothing falls between.
    stream.follower.follow_all(key.map(Of::Client));
    stream.follower.follow_all(jobs.into_iter().map(Of::Job));
    stream.follower.follow_all(workflow.map(|workflow| Of::Workflow(principal, workflow)));
    stream.tell(GREETING, None);
    match position_asked_for(&headers, params.since) {
        Some(since) => {
            let resume = doors.desk.feed.resume(&doors.desk.store, &since).await;
            stream.begin_after(resume).await;
        }
        None => stream.begin_with_states().await,
    }
    Ok(watched(stream, &caller))
}

pub(super) fn parse_client_id(text: &str) -> Result<ClientId, Malformed> {
    ClientId::parse(text).map_err(|error| Malformed::field("client_id", error))
}

fn job_ids(text: Option<&str>) -> Result<Vec<JobId>, Refused> {
    let ids: Vec<_> = text.unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
    if ids.len() > FILTER_VALUES_MAX {
        let why = format!("has {} values; at most {FILTER_VALUES_MAX} are followed at once", ids.len());
        return Err(Malformed::field("job_id", why).into());
    }
    ids.into_iter().map(parse_job_id).collect()
}

/// # Errors
/// There is no such job for this caller.
pub(super) async fn check_visible(doors: &Doors, caller: &Caller, id: &JobId) -> Result<(), Refused> {
    let spec = doors.desk.feed.spec_of(&doors.desk.store, id).await.map_err(NotDecided::from)?;
    match spec {
        Some(spec) if caller.may_see(&spec) => Ok(()),
        _ => Err(not_found(id.clone())),
    }
}
