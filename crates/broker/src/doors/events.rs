//! `GET /api/events/monitor`: everything, as it happens.

use super::Doors;
use super::body::{Params, flag};
use super::monitor_stream::MonitorStream;
use super::problem::Refused;
use crate::access::{Caller, Peer};
use crate::connections::{Kind, Transport, Watcher, Watches};
use crate::feed::{Framing, Subscription, Variant};
use crate::limits;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use wire::{EventId, Filters, FiltersBody, Malformed, Topics};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MonitorParams {
    topics: Option<String>,
    job_types: Option<String>,
    worker_ids: Option<String>,
    machine_ids: Option<String>,
    priority_range: Option<String>,
    customer_ids: Option<String>,
    workflow_ids: Option<String>,
    pub(super) since: Option<String>,
    snapshot: Option<String>,
    payloads: Option<String>,
}

impl MonitorParams {
    /// Filters are lists with commas; a range of priorities is `min,max`.
    pub(super) fn subscription(&self, framing: Framing) -> Result<Subscription, Malformed> {
        let list = |text: &Option<String>| {
            text.as_deref().map(|text| text.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect())
        };
        let range = |text: &str| {
            let (min, max) = text.split_once(',')?;
            Some((min.trim().parse().ok()?, max.trim().parse().ok()?))
        };
        let priority_range = match self.priority_range.as_deref() {
            Some(text) => {
                let why = || Malformed::field("priority_range", "must be the smallest and largest priority: 10,50");
                Some(range(text).ok_or_else(why)?)
            }
            None => None,
        };
        let filters = FiltersBody {
            job_types: list(&self.job_types),
            worker_ids: list(&self.worker_ids),
            machine_ids: list(&self.machine_ids),
            priority_range,
            customer_ids: list(&self.customer_ids),
            workflow_ids: list(&self.workflow_ids),
        };
        Ok(Subscription {
            topics: self.topics.as_deref().map(Topics::parse).transpose()?.unwrap_or(Topics::ALL),
            filters: Filters::try_from(filters)?,
            variant: Variant { framing, payloads: flag("payloads", Some(self.payloads.as_deref().unwrap_or("1")))? },
        })
    }

    pub(super) fn with_snapshot(&self) -> Result<bool, Malformed> {
        flag("snapshot", Some(self.snapshot.as_deref().unwrap_or("1")))
    }
}

pub(super) async fn monitor(
    State(doors): State<Doors>,
    caller: Caller,
    peer: Peer,
    Params(params): Params<MonitorParams>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (subscription, with_snapshot) = (params.subscription(Framing::Sse)?, params.with_snapshot()?);
    let since = position_asked_for(&headers, params.since);
    let seat = doors.seat(Watches { kind: Kind::Monitor, transport: Transport::Sse, id: None }, &caller, peer)?;
    let mut stream = MonitorStream::open(doors, subscription, with_snapshot, seat);
    stream.begin(since.as_deref()).await;
    let watcher = Arc::clone(&stream.seat.watcher);
    Ok(sse(stream, (&caller, watcher), step))
}

async fn step(mut stream: MonitorStream) -> Option<(Bytes, MonitorStream)> {
    stream.next().await.map(|piece| (piece, stream))
}

/// `Last-Event-ID` is what a browser sends by itself; it is newer than the URL's.
pub(super) fn position_asked_for(headers: &HeaderMap, since: Option<String>) -> Option<String> {
    let last = headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    last.filter(|last| !last.is_empty()).or(since).filter(|position| !position.is_empty())
}

/// An answer that is a stream of frames made by `next`; it ends with the caller's token.
pub(super) fn sse<S, F>(stream: S, (caller, watcher): (&Caller, Arc<Watcher>), next: fn(S) -> F) -> Response
where
    S: Send + 'static,
    F: Future<Output = Option<(Bytes, S)>> + Send + 'static,
{
    let gone = caller.0.gone.clone();
    let frames = futures_util::stream::unfold((stream, gone, watcher), move |(stream, gone, watcher)| async move {
        // What this gives up it drops, and with it the seat.
        let next = async {
            let next = next(stream).await;
            next.is_none().then(|| watcher.ends("it is over"));
            next
        };
        let Some(next) = gone.run_until_cancelled(next).await else {
            watcher.ends("the token is gone");
            return None;
        };
        let (frame, stream) = next?;
        Some((Ok::<_, Infallible>(frame), (stream, gone, watcher)))
    });
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Body::from_stream(frames)).into_response()
}

pub(super) fn retry() -> Bytes {
    format!("retry: {}\n\n", limits::SSE_RETRY_MS).into()
}

/// An id without data: a browser keeps it and dispatches nothing.
pub(super) fn bookmark(id: EventId) -> Bytes {
    format!("id: {id}\n\n").into()
}

/// ± 20 %, so that many streams do not speak at once.
pub(super) fn spread(duration: Duration) -> Duration {
    let mut byte = [128];
    // Without randomness they speak at once, which is no harm.
    let _ = getrandom::fill(&mut byte);
    duration.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}
