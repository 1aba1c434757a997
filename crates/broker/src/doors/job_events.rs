//! `GET /api/jobs/{id}/events`: one job's story in the client dialect, to its end.

use super::Doors;
use super::body::{Params, Segment};
use super::events::{bookmark, data, position_asked_for, retry, spread, sse};
use super::jobs::{not_found, parse_job_id};
use super::problem::Refused;
use crate::contents::{self, Slot};
use crate::desk::NotDecided;
use crate::feed::{Bell, Counted, Entry, Key, Records, Resume, Trail};
use crate::limits;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use fleet::{Job, JobId, Outcome};
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::Arc;
use store::StoreError;
use tokio::time::Instant;
use wire::EventId;
use wire::client::{self, ClientBody};
use wire::monitor::ResyncReason;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamParams {
    since: Option<String>,
}

pub(super) async fn stream(
    State(doors): State<Doors>,
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
    // The trail is kept before the job is looked at, so nothing falls between.
    let mut stream = JobStream::open(doors, id.clone());
    let job = stream.look().await.map_err(NotDecided::from)?.ok_or_else(|| not_found(id))?;
    match resume {
        None => stream.begin_with_state(&job).await,
        Some(resume) => {
            if stream.begin_after(resume, &job).await == Begun::NothingLeft {
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
        }
    }
    Ok(sse(stream, JobStream::next))
}

#[derive(PartialEq, Eq)]
enum Begun {
    Streaming,
    /// The watcher has seen the end already.
    NothingLeft,
}

/// What a watcher that comes back has missed.
enum Missed {
    Known(Vec<Arc<Entry>>),
    /// It is no longer kept.
    Trimmed,
    /// It cannot be read now: the watcher asks again soon.
    Away,
}

struct JobStream {
    doors: Doors,
    trail: Trail,
    bell: Bell,
    /// Everything about the job up to here was given, and no more: where its watcher may resume.
    at: EventId,
    passing: u64,
    passing_due: Instant,
    first: VecDeque<Bytes>,
    bookmark_at: Instant,
    is_over: bool,
    _counted: Counted,
}

impl JobStream {
    fn open(doors: Doors, job: JobId) -> JobStream {
        let feed = &doors.desk.feed;
        let (now, at) = (Instant::now(), feed.view().event_id());
        JobStream {
            trail: Trail::follow(feed, job.clone()),
            bell: Bell::hang(feed, Key::Job(job)),
            at,
            passing: 0,
            passing_due: now,
            first: VecDeque::from([retry()]),
            bookmark_at: now + spread(limits::BOOKMARK_EVERY),
            is_over: false,
            _counted: Counted::new(feed, |feed| &feed.clients),
            doors,
        }
    }

    /// The job as it is now; the stream then stands after what is in it.
    async fn look(&mut self) -> Result<Option<Job>, StoreError> {
        {
            let view = self.doors.desk.feed.view();
            self.at = view.event_id();
            if let Some(job) = view.ledger.job(&self.trail.job) {
                return Ok(Some(job.clone()));
            }
        }
        self.doors.desk.archived(&self.trail.job).await
    }

    async fn begin_with_state(&mut self, job: &Job) {
        let (id, now) = (self.at.to_string(), self.doors.desk.now());
        let mut result = None;
        let (feed, store) = (&*self.doors.desk.feed, &self.doors.desk.store);
        if let Some(Outcome::Completed { result: named }) = job.outcome() {
            match contents::read(feed, store, named, job.order, Slot::Result).await {
                // Of a job that is over for long it may have been dropped.
                Ok(bytes) => result = bytes,
                // The store has said so; the end is told without it, as if it had been dropped.
                Err(error) if error.is_damage() => {}
                // An end without its result would be a lie; the watcher asks again soon.
                Err(_) => {
                    self.is_over = true;
                    return;
                }
            }
        }
        let message = client::current(job, &id, &|_| result.clone(), now);
        self.first.push_back(format!("id: {id}\ndata: {message}\n\n").into());
        self.is_over = job.finished_at().is_some();
    }

    /// Goes on where the watcher was, with what it missed.
    async fn begin_after(&mut self, resume: Resume, job: &Job) -> Begun {
        match resume {
            Resume::From(at) if at.seq < self.at.seq => match self.missed(at.seq, job).await {
                Missed::Known(missed) if missed.is_empty() && job.finished_at().is_some() => return Begun::NothingLeft,
                Missed::Known(missed) => self.give(&missed),
                Missed::Trimmed => self.begin_anew(ResyncReason::Expired, job).await,
                Missed::Away => self.is_over = true,
            },
            Resume::From(_) if job.finished_at().is_some() => return Begun::NothingLeft,
            Resume::From(_) => {}
            // It cannot be checked now; the same position is asked for again soon.
            Resume::Away => self.is_over = true,
            other => self.begin_anew(other.resync().unwrap_or(ResyncReason::Malformed), job).await,
        }
        Begun::Streaming
    }

    async fn begin_anew(&mut self, reason: ResyncReason, job: &Job) {
        let message = client::passing(ClientBody::Resync { reason }, self.doors.desk.now());
        self.first.push_back(data(&message));
        self.begin_with_state(job).await;
    }

    /// The job's events after `since` and up to where the stream stands, or to the job's end.
    async fn missed(&self, since: u64, job: &Job) -> Missed {
        let desk = &self.doors.desk;
        let (mut missed, mut seq) = (Vec::new(), since);
        let end = if job.finished_at().is_some() { desk.archived_end(job).await } else { None };
        let to = end.unwrap_or(self.at.seq);
        desk.feed.log_reaches(to).await;
        while seq < to {
            if self.doors.closing.is_cancelled() {
                return Missed::Away;
            }
            match desk.feed.records_after(&desk.store, seq, Some(&self.trail.job)).await {
                Records::Known(records) => {
                    let Some(last) = records.last() else { return Missed::Trimmed };
                    seq = last.position.seq;
                    let entries = records.iter().flat_map(|record| &record.entries);
                    missed.extend(entries.filter(|entry| self.is_ours(entry)).cloned());
                }
                Records::Trimmed => return Missed::Trimmed,
                Records::Away => return Missed::Away,
            }
        }
        // A record may begin before the one and end after the other.
        missed.retain(|entry| (since + 1..=to).contains(&entry.id.seq));
        Missed::Known(missed)
    }

    fn is_ours(&self, entry: &Entry) -> bool {
        client::subject(&entry.event.fact) == Some(&self.trail.job)
    }

    fn give(&mut self, entries: &[Arc<Entry>]) {
        let mut frames = BytesMut::new();
        for entry in entries {
            frames.extend_from_slice(entry.client_sse());
            if entry.id.seq > self.at.seq {
                self.at = entry.id;
            }
            self.is_over |= client::is_terminal(&entry.event.fact);
        }
        if !frames.is_empty() {
            self.first.push_back(frames.freeze());
        }
    }

    async fn next(mut self) -> Option<(Bytes, JobStream)> {
        loop {
            if let Some(frame) = self.first.pop_front() {
                return Some((frame, self));
            }
            if self.is_over {
                return None;
            }
            if Instant::now() >= self.bookmark_at {
                self.bookmark_at = Instant::now() + spread(limits::BOOKMARK_EVERY);
                self.first.push_back(bookmark(self.at));
                continue;
            }
            let notify = Arc::clone(&self.bell.notify);
            let rung = notify.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            self.take().await;
            if !self.first.is_empty() || self.is_over {
                continue;
            }
            let passing_at = self.passing_due;
            let passing_waits = Instant::now() < passing_at;
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep_until(passing_at), if passing_waits => {}
                () = tokio::time::sleep_until(self.bookmark_at) => {}
                () = self.doors.closing.cancelled() => {
                    self.is_over = true;
                    self.first.push_back(retry());
                }
            }
        }
    }

    /// Takes what is new: events first, then what is passing, at most ten times a second.
    async fn take(&mut self) {
        match self.trail.after(self.at.seq) {
            Some((entries, head)) => {
                self.give(&entries);
                if head.seq > self.at.seq {
                    self.at = head;
                }
            }
            None => match self.look().await {
                // The trail was cut: more happened to this job than is kept in memory.
                Ok(Some(job)) => self.begin_anew(ResyncReason::Expired, &job).await,
                Ok(None) | Err(_) => self.is_over = true,
            },
        }
        if self.is_over || Instant::now() < self.passing_due {
            return;
        }
        let (messages, version) = self.trail.passing_after(self.passing);
        self.passing = version;
        if !messages.is_empty() {
            self.passing_due = Instant::now() + limits::PASSING_EVERY;
            self.first.extend(messages.iter().map(|message| data(message)));
        }
    }
}
