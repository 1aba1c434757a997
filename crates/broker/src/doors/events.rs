//! `GET /api/events/monitor`: everything, as it happens.

use super::Doors;
use super::body::Params;
use super::problem::Refused;
use crate::feed::{Counted, Cursor, Piece, Resume};
use crate::limits;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;
use wire::monitor::{MonitorBody, MonitorMessage, ResyncReason};
use wire::{EventId, Topics};

/// What monitors of this door are called in their own messages.
const MONITOR_ID: &str = "sse";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MonitorParams {
    topics: Option<String>,
    since: Option<String>,
    snapshot: Option<String>,
}

pub(super) async fn monitor(
    State(doors): State<Doors>,
    Params(params): Params<MonitorParams>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let topics = params.topics.as_deref().map(Topics::parse).transpose()?.unwrap_or(Topics::ALL);
    let with_snapshot = super::body::flag("snapshot", Some(params.snapshot.as_deref().unwrap_or("1")))?;
    let since = position_asked_for(&headers, params.since);
    let mut stream = MonitorStream::open(doors, topics, with_snapshot);
    stream.begin(since.as_deref()).await;
    Ok(sse(stream, MonitorStream::next))
}

/// `Last-Event-ID` is what a browser sends by itself; it is newer than the URL's.
pub(super) fn position_asked_for(headers: &HeaderMap, since: Option<String>) -> Option<String> {
    let last = headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    last.filter(|last| !last.is_empty()).or(since).filter(|position| !position.is_empty())
}

/// An answer that is a stream of frames made by `next`.
pub(super) fn sse<S, F>(stream: S, next: fn(S) -> F) -> Response
where
    S: Send + 'static,
    F: Future<Output = Option<(Bytes, S)>> + Send + 'static,
{
    let frames = futures_util::stream::unfold(stream, move |stream| async move {
        let (frame, stream) = next(stream).await?;
        Some((Ok::<_, Infallible>(frame), stream))
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

pub(super) fn data(message: &str) -> Bytes {
    format!("data: {message}\n\n").into()
}

/// An id without data: a browser keeps it and dispatches nothing.
pub(super) fn bookmark(id: EventId) -> Bytes {
    format!("id: {id}\n\n").into()
}

struct MonitorStream {
    doors: Doors,
    cursor: Cursor,
    /// Frames that go before anything else.
    first: VecDeque<Bytes>,
    with_snapshot: bool,
    topics: Topics,
    said_at: Instant,
    bookmark_at: Instant,
    ack_at: Instant,
    /// A stream that was resumed says so when it has everything.
    catching_up: bool,
    is_over: bool,
    _counted: Counted,
}

impl MonitorStream {
    fn open(doors: Doors, topics: Topics, with_snapshot: bool) -> MonitorStream {
        let feed = &doors.desk.feed;
        let now = Instant::now();
        MonitorStream {
            cursor: Cursor::at_head(feed, topics),
            first: VecDeque::from([
                retry(),
                data(&MonitorMessage::passing(MonitorBody::Connected {}, doors.desk.now())),
            ]),
            with_snapshot,
            topics,
            said_at: now,
            bookmark_at: now + spread(limits::BOOKMARK_EVERY),
            ack_at: now + limits::HEARTBEAT_ACK_EVERY,
            catching_up: false,
            is_over: false,
            _counted: Counted::new(feed, |feed| &feed.monitors),
            doors,
        }
    }

    /// Goes on after `since`, or says why not and begins with a snapshot.
    async fn begin(&mut self, since: Option<&str>) {
        let resume = match since {
            Some(since) => Some(self.doors.desk.feed.resume(&self.doors.desk.store, since).await),
            None => None,
        };
        match resume {
            Some(Resume::From(at)) => {
                self.cursor.move_to(at);
                self.catching_up = true;
            }
            // It cannot be checked now; the same position is asked for again soon.
            Some(Resume::Away) => self.is_over = true,
            Some(other) => self.resync(other.resync()),
            None => self.snapshot(),
        }
    }

    fn resync(&mut self, reason: Option<ResyncReason>) {
        let now = self.doors.desk.now();
        if let Some(reason) = reason {
            self.first.push_back(data(&MonitorMessage::passing(MonitorBody::Resync { reason }, now)));
        }
        self.snapshot();
    }

    fn snapshot(&mut self) {
        let feed = &self.doors.desk.feed;
        if self.with_snapshot {
            let (at, frame) = feed.snapshot(MONITOR_ID, self.doors.desk.now());
            self.first.push_back(frame);
            self.cursor.move_to(at);
        } else {
            let at = feed.view().event_id();
            self.first.push_back(bookmark(at));
            self.cursor.move_to(at);
        }
    }

    async fn next(mut self) -> Option<(Bytes, MonitorStream)> {
        loop {
            if let Some(frame) = self.first.pop_front() {
                return Some(self.say(frame));
            }
            if self.is_over {
                return None;
            }
            if let Some(tick) = self.doors.desk.feed.tick() {
                tokio::time::sleep_until(self.said_at + tick).await;
            }
            if Instant::now() >= self.ack_at {
                self.ack();
                continue;
            }
            if Instant::now() >= self.bookmark_at {
                self.bookmark_at = Instant::now() + spread(limits::BOOKMARK_EVERY);
                self.first.push_back(bookmark(self.cursor.at));
                continue;
            }
            match self.cursor.next(&self.doors.desk.store).await {
                Piece::Frames(frames) if !frames.is_empty() => return Some(self.say(frames)),
                Piece::Frames(_) => {}
                Piece::Trimmed => self.resync(Some(ResyncReason::Expired)),
                Piece::Away => tokio::select! {
                    () = tokio::time::sleep(limits::AWAY_WAIT) => {}
                    () = self.doors.closing.cancelled() => self.is_over = true,
                },
                Piece::UpToDate if self.catching_up => self.ack(),
                Piece::UpToDate => self.wait().await,
            }
        }
    }

    fn say(mut self, frames: Bytes) -> (Bytes, MonitorStream) {
        self.said_at = Instant::now();
        (frames, self)
    }

    /// Until there is something new, or it is time to say where we are.
    async fn wait(&mut self) {
        tokio::select! {
            () = self.cursor.changed() => {}
            () = tokio::time::sleep_until(self.ack_at) => {}
            () = tokio::time::sleep_until(self.bookmark_at) => {}
            () = self.doors.closing.cancelled() => {
                self.is_over = true;
                self.first.push_back(retry());
            }
        }
    }

    fn ack(&mut self) {
        self.ack_at = Instant::now() + limits::HEARTBEAT_ACK_EVERY;
        if !self.topics.shares(Topics::HEARTBEAT) {
            self.catching_up = false;
            return;
        }
        let (head, now) = (self.doors.desk.feed.view().event_id(), self.doors.desk.now());
        let head_event_id = head.to_string();
        let events_missed = head.seq.saturating_sub(self.cursor.at.seq);
        self.catching_up &= events_missed > 0;
        let ack = MonitorBody::HeartbeatAck {
            monitor_id: MONITOR_ID,
            server_timestamp: now.0,
            head_event_id: &head_event_id,
            events_missed,
        };
        self.first.push_back(data(&MonitorMessage::passing(ack, now)));
    }
}

/// ± 20 %, so that many streams do not speak at once.
pub(super) fn spread(duration: Duration) -> Duration {
    let mut byte = [128];
    // Without randomness they speak at once, which is no harm.
    let _ = getrandom::fill(&mut byte);
    duration.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}
