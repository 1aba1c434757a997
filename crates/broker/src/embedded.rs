//! The feed for a service in the same process: events as values, without sockets.

use crate::desk::Desk;
use crate::feed::{self, CaughtUp, Entry, Follower, Of, Resume, Taken};
use crate::limits;
use bytes::Bytes;
use fleet::{Fact, JobId, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use store::Store;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{EventId, client};

/// What a broker tells, for who runs it. Cheap to clone; see [`Broker::feed`](crate::Broker::feed).
#[derive(Clone)]
pub struct Feed {
    feed: Arc<feed::Feed>,
    store: Store,
    closing: CancellationToken,
}

/// The events of certain jobs, one after the other: durable ones in order, without a gap and without
/// a repeat, and what is passing between them.
///
/// It has no queue that could overflow. One that is not read costs nothing, and later reads the
/// journal; only when that was trimmed past its place, it says [`Lost::Expired`].
pub struct Subscription {
    follower: Follower,
    store: Store,
    closing: CancellationToken,
    /// Taken, and not given yet.
    events: VecDeque<Event>,
    passing: VecDeque<Bytes>,
    passing_due: Instant,
    /// What is not noted has to be caught up.
    behind: bool,
    position: EventId,
}

/// What a subscriber is told.
#[derive(Clone)]
pub enum Told {
    Event(Event),
    /// The client dialect's JSON of what is passing, the latest value at most ten times a second:
    /// `update_job_progress`, and `upstream` when the store goes away or comes back.
    Passing(Bytes),
}

/// A durable event about a job. Cheap to clone: it is shared with all who are told of it.
#[derive(Clone)]
pub struct Event {
    entry: Arc<Entry>,
    job: JobId,
}

/// Why a subscription cannot go on where it was. Begin a new one at the present, and look at the
/// jobs themselves for what happened before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Lost {
    #[error("what follows this position is no longer kept (see Config::journal_keep)")]
    Expired,
    #[error("this position has not happened yet; was an older store put back?")]
    Ahead,
    #[error("this position is of another history; was an older store put back?")]
    Diverged,
    /// It may be asked again.
    #[error("the store is away, so nobody can tell whether this position is ours")]
    Away,
}

impl Feed {
    pub(crate) fn of(desk: &Desk, closing: &CancellationToken) -> Feed {
        Feed { feed: Arc::clone(&desk.feed), store: desk.store.clone(), closing: closing.clone() }
    }

    /// Follows these from `since` on – a [`position`](Subscription::position) or
    /// [`Event::id`] that was kept, also of an earlier run – or from now on.
    ///
    /// # Errors
    /// Nothing can follow `since`.
    pub async fn subscribe(
        &self,
        of: impl IntoIterator<Item = Of>,
        since: Option<EventId>,
    ) -> Result<Subscription, Lost> {
        let mut follower = Follower::new(&self.feed);
        follower.follow_all(of);
        if let Some(since) = since {
            match self.feed.resume(&self.store, &since.to_string()).await {
                Resume::From(since) => follower.move_to(since),
                Resume::Expired => return Err(Lost::Expired),
                Resume::Ahead => return Err(Lost::Ahead),
                Resume::Diverged | Resume::Malformed => return Err(Lost::Diverged),
                Resume::Away => return Err(Lost::Away),
            }
        }
        Ok(Subscription {
            position: follower.at,
            behind: since.is_some(),
            follower,
            store: self.store.clone(),
            closing: self.closing.clone(),
            events: VecDeque::new(),
            passing: VecDeque::new(),
            passing_due: Instant::now(),
        })
    }
}

impl Subscription {
    /// What is told next; `None`: the broker is shutting down, and the next run goes on after
    /// [`position`](Self::position). While the store is away it waits. Given up half-way, nothing
    /// is lost.
    ///
    /// # Errors
    /// [`Lost::Expired`]: it was not read for so long that what follows is no longer kept. It stays so.
    pub async fn next(&mut self) -> Result<Option<Told>, Lost> {
        loop {
            if let Some(event) = self.events.pop_front() {
                self.position = event.id();
                return Ok(Some(Told::Event(event)));
            }
            self.position = self.follower.at;
            if let Some(message) = self.passing.pop_front() {
                return Ok(Some(Told::Passing(message)));
            }
            if self.closing.is_cancelled() {
                return Ok(None);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.follower.take() {
                Taken::Entries(entries) => self.events.extend(entries.into_iter().filter_map(Event::of)),
                Taken::Behind => self.behind = true,
            }
            if self.events.is_empty() && !self.behind && !self.take_passing() {
                self.wait().await;
            }
        }
    }

    /// Everything up to here was given: where to [subscribe](Feed::subscribe) from later. Keep it
    /// with what was made of the events.
    #[must_use]
    pub fn position(&self) -> EventId {
        self.position
    }

    /// Follows these too, from its [`position`](Self::position) on.
    pub fn follow(&mut self, of: Of) {
        self.follower.follow(of);
        // What was taken and not given is taken again, together with what is followed now.
        self.events.clear();
        self.follower.move_to(self.position);
        self.behind = true;
    }

    async fn catch_up(&mut self) -> Result<(), Lost> {
        match self.follower.catch_up(&self.store).await {
            CaughtUp::Page(entries) => self.events.extend(entries.into_iter().filter_map(Event::of)),
            CaughtUp::UpToDate => self.behind = false,
            CaughtUp::Trimmed => return Err(Lost::Expired),
            CaughtUp::Away => tokio::select! {
                () = tokio::time::sleep(limits::AWAY_WAIT) => {}
                () = self.closing.cancelled() => {}
            },
        }
        Ok(())
    }

    /// Whether there was anything.
    fn take_passing(&mut self) -> bool {
        if Instant::now() < self.passing_due {
            return false;
        }
        self.passing.extend(self.follower.passing().into_iter().filter(|message| !message.is_empty()));
        if !self.passing.is_empty() {
            self.passing_due = Instant::now() + limits::PASSING_EVERY;
        }
        !self.passing.is_empty()
    }

    async fn wait(&self) {
        let passing_waits = Instant::now() < self.passing_due;
        tokio::select! {
            () = self.follower.bell.notified() => {}
            () = tokio::time::sleep_until(self.passing_due), if passing_waits => {}
            () = self.closing.cancelled() => {}
        }
    }
}

impl Event {
    fn of(entry: Arc<Entry>) -> Option<Event> {
        let job = client::subject(&entry.event.fact)?.clone();
        Some(Event { entry, job })
    }

    /// Its name everywhere, and a place to subscribe from.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.entry.id
    }

    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.entry.event.at
    }

    #[must_use]
    pub fn job(&self) -> &JobId {
        &self.job
    }

    /// Which of its job's events it is, from 1 without a gap; `None` for those that were written by
    /// a version that did not count.
    #[must_use]
    pub fn job_seq(&self) -> Option<u32> {
        client::job_seq(&self.entry.event.fact)
    }

    /// What happened. Of payloads and results it has the names; they are in [`json`](Self::json).
    #[must_use]
    pub fn fact(&self) -> &Fact {
        &self.entry.event.fact
    }

    /// The message that clients are sent of it, made once for all who ask.
    #[must_use]
    pub fn json(&self) -> &str {
        std::str::from_utf8(self.entry.client()).unwrap_or_default()
    }

    /// Whether it is the last of its job.
    #[must_use]
    pub fn is_end(&self) -> bool {
        client::is_terminal(&self.entry.event.fact)
    }
}
