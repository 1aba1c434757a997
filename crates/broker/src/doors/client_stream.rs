//! What a client is told, over whatever connection: where its jobs are or what it missed, then
//! everything of the jobs that it follows, as it happens.

use super::Doors;
use super::events::{bookmark, retry, spread};
use crate::connections::Seat;
use crate::contents::{self, Slot};
use crate::feed::{CaughtUp, Counted, Entry, Follower, Framing, Of, Resume, Taken};
use crate::limits;
use bytes::{Bytes, BytesMut};
use fleet::{Fact, Job, JobId, Outcome};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use store::StoreError;
use tokio::time::Instant;
use wire::client::{self, ClientBody};
use wire::monitor::ResyncReason;
use wire::{EventId, Json};

pub(super) struct ClientStream {
    pub(super) doors: Doors,
    framing: Framing,
    pub(super) follower: Follower,
    /// Pieces that go before anything else.
    first: VecDeque<Bytes>,
    /// The one job whose end is the stream's.
    only: Option<JobId>,
    /// What is not noted has to be caught up.
    behind: bool,
    passing_due: Instant,
    bookmark_at: Instant,
    pub(super) is_over: bool,
    /// The number of the last event that was not passed over.
    pub(super) given: u64,
    /// Submissions of this connection whose first event has not passed, and what they are called by.
    pub(super) references: HashMap<JobId, Json>,
    pub(super) seat: Seat,
    _counted: Counted,
}

#[derive(PartialEq, Eq, Debug)]
pub(super) enum Begun {
    Streaming,
    /// The watcher has seen the end already.
    NothingLeft,
}

impl ClientStream {
    /// Is told of nothing yet, and of everything that it is let follow from now on.
    pub(super) fn open(doors: Doors, framing: Framing, seat: Seat) -> ClientStream {
        let feed = &doors.desk.feed;
        let now = Instant::now();
        ClientStream {
            framing,
            follower: Follower::new(feed),
            first: if framing == Framing::Sse { VecDeque::from([retry()]) } else { VecDeque::new() },
            only: None,
            behind: false,
            passing_due: now,
            bookmark_at: now + spread(limits::BOOKMARK_EVERY),
            is_over: false,
            given: 0,
            references: HashMap::new(),
            seat,
            _counted: Counted::new(feed, |feed| &feed.clients),
            doors,
        }
    }

    pub(super) fn tell(&mut self, body: ClientBody<'_>, reference: Option<&Json>) {
        let message = client::reply(body, reference, self.doors.desk.now());
        self.first.push_back(self.framing.frame(None, message.as_bytes()));
    }

    /// Tells where `job` is, as the view or the archive had it at `at`; as part of the stream, or
    /// apart from it as the answer to a request.
    async fn tell_state(&mut self, job: &Job, at: Option<EventId>) -> Result<(), StoreError> {
        let (feed, store) = (&*self.doors.desk.feed, &self.doors.desk.store);
        let mut result = None;
        if let Some(Outcome::Completed { result: named }) = job.outcome() {
            match contents::read(feed, store, named, job.order, Slot::Result).await {
                // Of a job that is over for long it may have been dropped.
                Ok(bytes) => result = bytes,
                // The store has said so; the end is told without it, as if it had been dropped.
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        let id = at.map(|at| at.to_string());
        let message = client::current(job, id.as_deref(), &|_| result.clone(), self.doors.desk.now());
        // One of several states is no place to come back to: the others would be missed.
        let place = id.as_deref().filter(|_| self.only.is_some());
        self.first.push_back(self.framing.frame(place, message.as_bytes()));
        Ok(())
    }

    /// Follows one job, to its end, from its state now or from where its watcher was.
    pub(super) async fn begin_one(&mut self, job: Job, at: EventId, resume: Option<Resume>) -> Begun {
        self.only = Some(job.spec.id.clone());
        self.follower.stand(at);
        let resumed = match resume {
            None => None,
            Some(Resume::From(since)) => Some(since),
            // It cannot be checked now; the same position is asked for again soon.
            Some(Resume::Away) => {
                self.is_over = true;
                return Begun::Streaming;
            }
            Some(other) => {
                self.say_resync(other.resync().unwrap_or(ResyncReason::Malformed));
                None
            }
        };
        let Some(since) = resumed else {
            self.say_where(&job, at).await;
            return Begun::Streaming;
        };
        self.follower.move_to(since);
        self.behind = true;
        if job.finished_at().is_none() {
            return Begun::Streaming;
        }
        if self.doors.desk.archived_end(&job).await.is_some_and(|end| since.seq >= end) {
            return Begun::NothingLeft;
        }
        let said = self.first.len();
        while self.behind && !self.is_over && self.first.len() == said {
            self.catch_up().await;
        }
        if self.is_over || self.first.len() > said { Begun::Streaming } else { Begun::NothingLeft }
    }

    async fn say_where(&mut self, job: &Job, at: EventId) {
        // An end without its result would be a lie; the watcher asks again soon.
        self.is_over = self.tell_state(job, Some(at)).await.is_err() || job.finished_at().is_some();
    }

    /// Goes on where the client says it was.
    pub(super) async fn begin_after(&mut self, resume: Resume) {
        match resume {
            Resume::From(since) => {
                self.follower.move_to(since);
                self.behind = true;
            }
            Resume::Away => self.is_over = true,
            other => {
                self.say_resync(other.resync().unwrap_or(ResyncReason::Malformed));
                self.begin_with_states().await;
            }
        }
    }

    /// Tells where each live job is that is followed, and the end of each that is followed by name
    /// and has ended.
    pub(super) async fn begin_with_states(&mut self) {
        let (at, live, named) = self.follower.live();
        self.follower.stand(at);
        for job in &live {
            if self.tell_state(job, Some(at)).await.is_err() {
                self.is_over = true;
                return;
            }
        }
        for id in named.iter().filter(|id| !live.iter().any(|job| job.spec.id == **id)) {
            match self.doors.desk.job(id).await {
                Ok(Some(job)) if self.tell_state(&job, Some(at)).await.is_ok() => {}
                Ok(None) => {}
                // An end without its result would be a lie; the watcher asks again soon.
                _ => {
                    self.is_over = true;
                    return;
                }
            }
        }
        if self.framing == Framing::Sse {
            self.first.push_back(bookmark(at));
        }
    }

    fn say_resync(&mut self, reason: ResyncReason) {
        self.tell(ClientBody::Resync { reason }, None);
    }

    /// The next piece; `None`: it is over. Given up half-way, nothing is lost.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.first.pop_front() {
                return Some(piece);
            }
            if self.is_over {
                return None;
            }
            if Instant::now() >= self.bookmark_at {
                self.bookmark_at = Instant::now() + spread(limits::BOOKMARK_EVERY);
                if self.framing == Framing::Sse {
                    self.first.push_back(bookmark(self.follower.at));
                }
                continue;
            }
            if self.behind {
                // Rare, and large: kept out of what every idle connection holds.
                Box::pin(self.catch_up()).await;
                continue;
            }
            match self.follower.take() {
                Taken::Entries(entries) => self.give(&entries),
                Taken::Behind => self.behind = true,
            }
            self.seat.watcher.stands(self.follower.at.seq);
            if !self.behind && !self.is_over {
                self.take_passing();
            }
            if self.first.is_empty() && !self.behind && !self.is_over {
                self.wait().await;
            }
        }
    }

    /// Whether all that it told of up to its place was given.
    pub(super) fn is_drained(&self) -> bool {
        self.first.is_empty()
    }

    /// What is ready without waiting.
    pub(super) fn ready(&mut self) -> Option<Bytes> {
        self.first.pop_front()
    }

    async fn catch_up(&mut self) {
        match self.follower.catch_up(&self.doors.desk.store).await {
            CaughtUp::Page(entries) => {
                self.give(&entries);
                self.seat.watcher.stands(self.follower.at.seq);
                if self.doors.closing.is_cancelled() {
                    self.is_over = true;
                }
            }
            CaughtUp::UpToDate => self.behind = false,
            CaughtUp::Trimmed => self.begin_anew().await,
            // Asked again soon, with the same position.
            CaughtUp::Away if self.only.is_some() => self.is_over = true,
            CaughtUp::Away => tokio::select! {
                () = tokio::time::sleep(limits::AWAY_WAIT) => {}
                () = self.doors.closing.cancelled() => self.is_over = true,
            },
        }
    }

    /// What it missed is no longer kept.
    async fn begin_anew(&mut self) {
        self.behind = false;
        self.say_resync(ResyncReason::Expired);
        match self.only.clone() {
            Some(id) => {
                let at = self.doors.desk.feed.view().event_id();
                match self.doors.desk.job(&id).await {
                    Ok(Some(job)) => {
                        self.follower.stand(at);
                        self.say_where(&job, at).await;
                    }
                    _ => self.is_over = true,
                }
            }
            None => self.begin_with_states().await,
        }
    }

    fn give(&mut self, entries: &[Arc<Entry>]) {
        let mut frames = BytesMut::new();
        for entry in entries {
            self.given = entry.id.seq;
            let id = entry.id.to_string();
            match self.reference_of(entry) {
                Some(reference) => {
                    let message = entry.client_for(Some(&reference)).unwrap_or_default();
                    self.framing.put(&mut frames, Some(&id), message.as_bytes());
                }
                None if entry.client().is_empty() => {}
                None => self.framing.put(&mut frames, Some(&id), entry.client()),
            }
            if self.only.is_some() && client::is_terminal(&entry.event.fact) {
                self.is_over = true;
                break;
            }
        }
        if !frames.is_empty() {
            self.first.push_back(frames.freeze());
        }
    }

    fn reference_of(&mut self, entry: &Entry) -> Option<Json> {
        match &entry.event.fact {
            Fact::JobSubmitted { spec, .. } if !self.references.is_empty() => self.references.remove(&spec.id),
            _ => None,
        }
    }

    /// What is passing, at most ten times a second.
    fn take_passing(&mut self) {
        if Instant::now() < self.passing_due {
            return;
        }
        let messages = self.follower.passing();
        let mut frames = BytesMut::new();
        messages.iter().filter(|message| !message.is_empty()).for_each(|message| {
            self.framing.put(&mut frames, None, message);
        });
        if !frames.is_empty() {
            self.passing_due = Instant::now() + limits::PASSING_EVERY;
            self.first.push_back(frames.freeze());
        }
    }

    async fn wait(&mut self) {
        self.seat.watcher.has_everything(self.doors.desk.now());
        let passing_waits = Instant::now() < self.passing_due;
        tokio::select! {
            () = self.follower.bell.notified() => {}
            () = tokio::time::sleep_until(self.passing_due), if passing_waits => {}
            () = tokio::time::sleep_until(self.bookmark_at) => {}
            () = self.doors.closing.cancelled() => {
                self.is_over = true;
                if self.framing == Framing::Sse {
                    self.first.push_back(retry());
                }
            }
        }
    }

    /// Follows, and is told what came before: the end of a job that has ended.
    pub(super) async fn also_follow(&mut self, jobs: &[JobId]) -> Result<(), StoreError> {
        for id in jobs {
            let (at, known) = {
                let view = self.doors.desk.feed.view();
                (view.event_id(), view.ledger.job(id).cloned())
            };
            let job = match known {
                Some(job) => Some(job),
                None => self.doors.desk.archived(id).await?,
            };
            if let Some(job) = job.filter(|job| job.finished_at().is_some()) {
                self.tell_state(&job, None).await?;
                self.follower.was_told(job.spec.id.clone(), at.seq);
            }
        }
        Ok(())
    }

    pub(super) fn follow(&mut self, of: Of) {
        self.follower.follow(of);
    }
}
