//! Where one watcher of everything is, and what it is given next.

use super::published::Variant;
use super::view::event_id;
use super::{Contents, Entry, Feed, Published, Records, Resume};
use crate::limits;
use bytes::{Bytes, BytesMut};
use fleet::{JobSpec, Pulse, WorkerId};
use std::sync::Arc;
use store::{Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;
use wire::{About, EventId, Filters, Topics, monitor};

/// What a monitor wants to be told.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Subscription {
    pub(crate) topics: Topics,
    pub(crate) filters: Filters,
    pub(crate) variant: Variant,
}

impl Subscription {
    fn is_to_everything(&self) -> bool {
        self.topics == Topics::ALL && self.filters.is_open()
    }
}

/// A place in what was told. It costs nothing while its connection is slow.
pub(crate) struct Cursor {
    feed: Arc<Feed>,
    pub(crate) subscription: Subscription,
    /// Everything durable up to here was given, and no more: where its watcher may resume.
    pub(crate) at: EventId,
    passing: u64,
    passing_due: Instant,
    beat: watch::Receiver<u64>,
}

/// What is next.
pub(crate) enum Piece {
    /// Frames, in order. None at all: there was something, which is not for this watcher.
    Frames(Vec<Bytes>),
    /// There is nothing new.
    UpToDate,
    /// What follows is no longer kept: only a snapshot helps.
    Trimmed,
    /// The store is away, so what the log no longer holds cannot be read now.
    Away,
}

impl Cursor {
    /// Stands at the view's head. What is passing now is given first.
    pub(crate) fn at_head(feed: &Arc<Feed>, subscription: Subscription) -> Cursor {
        let beat = feed.beat.subscribe();
        let at = feed.view().event_id();
        Cursor { feed: Arc::clone(feed), subscription, at, passing: 0, passing_due: Instant::now(), beat }
    }

    /// Stands there from now on.
    pub(crate) fn move_to(&mut self, at: EventId) {
        self.at = at;
    }

    /// Everything that was not given yet, up to a bound. Given up half-way, nothing is lost.
    pub(crate) async fn next(&mut self, store: &Store) -> Piece {
        self.beat.mark_unchanged();
        let mut pieces = Vec::new();
        let variant = self.subscription.variant;
        if self.subscription.is_to_everything()
            && let Some((to, frames)) = self.feed.rounds().get(variant, self.at.seq)
        {
            self.at = to;
            pieces.push(frames);
        } else {
            let records = match self.feed.in_memory_after(self.at.seq) {
                Some(records) => records,
                // Rare, and large: kept out of what every idle watcher holds.
                None => match Box::pin(self.feed.records_after(store, self.at.seq, Contents::Read)).await {
                    Records::Known(records) => records,
                    Records::Trimmed => return Piece::Trimmed,
                    // What is passing is known all the same, and that the store is away is part of it.
                    Records::Away => {
                        self.put_passing(&mut pieces);
                        return if pieces.is_empty() { Piece::Away } else { Piece::Frames(pieces) };
                    }
                },
            };
            let given = match self.subscription.is_to_everything() {
                true => Ok(self.join(&records, &mut pieces)),
                false => Box::pin(self.pick(store, &records, &mut pieces)).await,
            };
            match given {
                Ok(Given::Some) if pieces.is_empty() => return Piece::Frames(pieces),
                Ok(Given::Some | Given::Nothing) => {}
                Err(_) => return Piece::Away,
            }
        }
        self.put_passing(&mut pieces);
        if pieces.is_empty() { Piece::UpToDate } else { Piece::Frames(pieces) }
    }

    /// All of these records, for whoever stands here.
    fn join(&mut self, records: &[Arc<Published>], pieces: &mut Vec<Bytes>) -> Given {
        let Subscription { variant, .. } = self.subscription;
        let (after, Some(first)) = (self.at.seq, records.first()) else { return Given::Nothing };
        if let ([record], true) = (records, first.first_seq() > after) {
            self.at = event_id(record.position);
            pieces.push(record.monitor(variant).clone());
            return Given::Some;
        }
        let mut frames = BytesMut::new();
        for record in records {
            match record.first_seq() > after {
                true => frames.extend_from_slice(record.monitor(variant)),
                false => {
                    let left = record.entries.iter().filter(|entry| entry.id.seq > after);
                    left.for_each(|entry| entry.put(variant, &mut frames));
                }
            }
            self.at = event_id(record.position);
            if frames.len() >= limits::PIECE_BYTES_MAX {
                break;
            }
        }
        let frames = frames.freeze();
        self.feed.rounds().put(variant, after, self.at, frames.clone());
        pieces.push(frames);
        Given::Some
    }

    /// What of these records is subscribed to.
    async fn pick(
        &mut self,
        store: &Store,
        records: &[Arc<Published>],
        pieces: &mut Vec<Bytes>,
    ) -> Result<Given, StoreError> {
        let (after, mut frames, mut to) = (self.at.seq, BytesMut::new(), None);
        for record in records {
            for entry in record.entries.iter().filter(|entry| entry.id.seq > after) {
                if self.feed.is_wanted(store, entry, &self.subscription).await? {
                    entry.put(self.subscription.variant, &mut frames);
                }
            }
            to = Some(event_id(record.position));
            if frames.len() >= limits::PIECE_BYTES_MAX {
                break;
            }
        }
        if !frames.is_empty() {
            pieces.push(frames.freeze());
        }
        let Some(to) = to else { return Ok(Given::Nothing) };
        self.at = to;
        Ok(Given::Some)
    }

    /// Waits until there may be something new; passing values alone not before their time.
    pub(crate) async fn changed(&mut self) {
        if !self.has_passing() {
            // The sender lives as long as the feed, which the cursor holds.
            let _ = self.beat.changed().await;
        }
        let due = self.passing_due;
        let durable = async { while !self.has_durable() && self.beat.changed().await.is_ok() {} };
        tokio::select! {
            () = durable => {}
            () = tokio::time::sleep_until(due) => {}
        }
    }

    fn has_durable(&self) -> bool {
        self.feed.told().log.head().seq > self.at.seq
    }

    fn has_passing(&self) -> bool {
        self.feed.told().passing.version() > self.passing
    }

    /// The latest passing values, at most ten times a second.
    fn put_passing(&mut self, pieces: &mut Vec<Bytes>) {
        let now = Instant::now();
        if now < self.passing_due {
            return;
        }
        let (values, version) = {
            let told = self.feed.told();
            let values: Vec<_> = told.passing.after(self.passing).cloned().collect();
            (values, told.passing.version())
        };
        self.passing = version;
        let mut frames = BytesMut::new();
        for told in values.iter().filter(|told| told.value.topics().shares(self.subscription.topics)) {
            if self.passes(&told.value) {
                self.subscription.variant.framing.put(&mut frames, None, told.monitor());
            }
        }
        if !frames.is_empty() {
            pieces.push(frames.freeze());
            self.passing_due = now + limits::PASSING_EVERY;
        }
    }

    /// Of what is passing only progress is about a job.
    fn passes(&self, value: &super::passing::Value) -> bool {
        let super::passing::Value::Pulse(Pulse::Progress { job, worker, .. }) = value else { return true };
        if self.subscription.filters.is_open() {
            return true;
        }
        let view = self.feed.view();
        // It runs, so it is known; if not any more, its progress is of no use either.
        let Some(job) = view.ledger.job(job) else { return false };
        passes(&self.subscription.filters, Some(&job.spec), (vec![worker.clone()], Vec::new()), &view.ledger)
    }
}

/// Whether there was anything to look at.
enum Given {
    Some,
    Nothing,
}

fn passes(
    filters: &Filters,
    spec: Option<&JobSpec>,
    (workers, mut machines): (Vec<WorkerId>, Vec<fleet::MachineId>),
    ledger: &fleet::Ledger,
) -> bool {
    if machines.is_empty() {
        machines.extend(workers.iter().filter_map(|id| ledger.worker(id)).map(|worker| worker.machine.clone()));
    }
    filters.pass(About { spec, workers: &workers, machines: &machines })
}

impl Feed {
    pub(crate) async fn is_wanted(&self, store: &Store, entry: &Entry, by: &Subscription) -> Result<bool, StoreError> {
        if !entry.topics.shares(by.topics) {
            return Ok(false);
        }
        if by.filters.is_open() {
            return Ok(true);
        }
        let spec = match entry.spec(self, store).await {
            // Nobody will ever know whose it was.
            Err(error) if error.is_damage() => None,
            outcome => outcome?,
        };
        let named = monitor::named(&entry.event.fact);
        Ok(passes(&by.filters, spec.map(|spec| &**spec), named, &self.view().ledger))
    }

    /// Whether a watcher can go on where it says it was.
    pub(crate) async fn resume(&self, store: &Store, since: &str) -> Resume {
        let Ok(id) = since.parse::<EventId>() else { return Resume::Malformed };
        if tokio::time::timeout(limits::AHEAD_WAIT, self.view_reaches(id.seq)).await.is_err() {
            return Resume::Ahead;
        }
        match self.place_of(store, id.seq).await {
            Resume::From(known) if known == id => Resume::From(id),
            Resume::From(_) => Resume::Diverged,
            other => other,
        }
    }

    /// The event of this number, which is not ahead.
    pub(crate) async fn place_of(&self, store: &Store, seq: u64) -> Resume {
        let named = |position| Resume::From(EventId { seq, ..event_id(position) });
        if seq == 0 {
            return named(store::Position::START);
        }
        let known = self.told().log.holding(seq).map(|record| record.position);
        match known {
            Some(position) => named(position),
            None if self.position().seq == seq => named(self.position()),
            None => match store.journal.read_after_seq(seq - 1, 1).await {
                Ok(records) => records.first().map_or(Resume::Diverged, |record| named(record.position)),
                Err(StoreError::Trimmed { .. }) => Resume::Expired,
                Err(_) => Resume::Away,
            },
        }
    }
}
