//! Where one watcher of everything is, and what it is given next.

use super::published::put_frame;
use super::view::event_id;
use super::{Feed, Published, Records, Resume};
use crate::limits;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use store::{Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;
use wire::{EventId, Topics};

/// A place in what was told. It costs nothing while its connection is slow.
pub(crate) struct Cursor {
    feed: Arc<Feed>,
    topics: Topics,
    /// Everything durable up to here was given, and no more: where its watcher may resume.
    pub(crate) at: EventId,
    passing: u64,
    passing_due: Instant,
    version: watch::Receiver<u64>,
}

/// What is next.
pub(crate) enum Piece {
    /// Frames, in order.
    Frames(Bytes),
    /// There is nothing new.
    UpToDate,
    /// What follows is no longer kept: only a snapshot helps.
    Trimmed,
    /// The store is away, so what the log no longer holds cannot be read now.
    Away,
}

impl Cursor {
    /// Stands at the view's head. What is passing now is given first.
    pub(crate) fn at_head(feed: &Arc<Feed>, topics: Topics) -> Cursor {
        let version = feed.version.subscribe();
        Cursor {
            feed: Arc::clone(feed),
            topics,
            at: feed.view().event_id(),
            passing: 0,
            passing_due: Instant::now(),
            version,
        }
    }

    /// Stands there from now on.
    pub(crate) fn move_to(&mut self, at: EventId) {
        self.at = at;
    }

    /// Everything that was not given yet, up to a bound.
    pub(crate) async fn next(&mut self, store: &Store) -> Piece {
        self.version.mark_unchanged();
        let records = match self.feed.records_after(store, self.at.seq, None).await {
            Records::Known(records) => records,
            Records::Trimmed => return Piece::Trimmed,
            // What is passing is known all the same, and that the store is away is part of it.
            Records::Away => {
                let mut frames = BytesMut::new();
                self.put_passing(&mut frames);
                return if frames.is_empty() { Piece::Away } else { Piece::Frames(frames.freeze()) };
            }
        };
        // One record to a reader of everything is shared as it is; more are joined into one write.
        if let [record] = records.as_slice()
            && self.wants_all_of(record)
            && self.passing_is_empty()
        {
            self.at = event_id(record.position);
            return Piece::Frames(record.monitor_sse().clone());
        }
        let mut frames = BytesMut::new();
        for record in &records {
            self.put(record, &mut frames);
            if frames.len() >= limits::PIECE_BYTES_MAX {
                return Piece::Frames(frames.freeze());
            }
        }
        self.put_passing(&mut frames);
        if records.is_empty() && frames.is_empty() { Piece::UpToDate } else { Piece::Frames(frames.freeze()) }
    }

    /// Waits until there may be something new; passing values alone not before their time.
    pub(crate) async fn changed(&mut self) {
        if self.passing_is_empty() {
            // The sender lives as long as the feed, which the cursor holds.
            let _ = self.version.changed().await;
        }
        let due = self.passing_due;
        let durable = async { while !self.has_durable() && self.version.changed().await.is_ok() {} };
        tokio::select! {
            () = durable => {}
            () = tokio::time::sleep_until(due) => {}
        }
    }

    fn has_durable(&self) -> bool {
        self.feed.told().log.head().seq > self.at.seq
    }

    fn wants_all_of(&self, record: &Published) -> bool {
        self.topics == Topics::ALL && record.first_seq() > self.at.seq
    }

    fn put(&mut self, record: &Published, frames: &mut BytesMut) {
        match self.wants_all_of(record) {
            true => frames.extend_from_slice(record.monitor_sse()),
            false => frames.extend_from_slice(&record.monitor_sse_of(self.topics, self.at.seq)),
        }
        self.at = event_id(record.position);
    }

    fn passing_is_empty(&self) -> bool {
        self.feed.told().passing.after(self.passing).next().is_none()
    }

    /// The latest passing values, at most ten times a second.
    fn put_passing(&mut self, frames: &mut BytesMut) {
        let now = Instant::now();
        if now < self.passing_due {
            return;
        }
        let before = frames.len();
        let told = self.feed.told();
        for value in told.passing.after(self.passing).filter(|value| value.topics().shares(self.topics)) {
            put_frame(frames, None, &value.monitor_message());
        }
        self.passing = told.passing.version();
        if frames.len() > before {
            self.passing_due = now + limits::PASSING_EVERY;
        }
    }
}

impl Feed {
    /// Whether a watcher can go on where it says it was.
    pub(crate) async fn resume(&self, store: &Store, since: &str) -> Resume {
        let Ok(id) = since.parse::<EventId>() else { return Resume::Malformed };
        if tokio::time::timeout(limits::AHEAD_WAIT, self.view_reaches(id.seq)).await.is_err() {
            return Resume::Ahead;
        }
        if id.seq == 0 {
            return if event_id(store::Position::START) == id { Resume::From(id) } else { Resume::Diverged };
        }
        let known = self.told().log.holding(id.seq).map(|record| record.position);
        let position = match known {
            Some(position) => position,
            None if self.position().seq == id.seq => self.position(),
            None => match store.journal.read_after_seq(id.seq - 1, 1).await {
                Ok(records) => match records.first() {
                    Some(record) => record.position,
                    None => return Resume::Diverged,
                },
                Err(StoreError::Trimmed { .. }) => return Resume::Expired,
                Err(_) => return Resume::Away,
            },
        };
        let same = position.epoch == id.epoch && position.hash == id.hash;
        if same { Resume::From(id) } else { Resume::Diverged }
    }
}
