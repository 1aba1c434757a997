//! The reader of the journal that puts away what has ended.

use crate::archived::Ended;
use crate::desk::Desk;
use crate::limits;
use fleet::{Chapter, Command, Event, Fact, JobId, Ledger, Timestamp};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::{Place, Position, StoreError};
use tokio_util::sync::CancellationToken;
use wire::stored;

/// Goes on where the archive stands. A job is put away when a later event is known to have a later
/// time: then everything that ended at its time is known.
pub(crate) struct Archiver {
    desk: Desk,
    /// Keeps the text of what it puts away.
    search: bool,
    place: Place,
    /// Up to where the journal was read.
    read: Position,
    /// Ended at one time, the latest there is.
    held: Vec<Found>,
    held_at: Timestamp,
    put_at: Instant,
    decoder: stored::Decoder,
    encoder: stored::Encoder,
    /// For an archive that begins anew under a journal that does not: the jobs that the view no
    /// longer knows, and up to where.
    forgotten: Option<(Ledger, u64)>,
}

struct Found {
    job: JobId,
    at: Timestamp,
    seq: u64,
}

impl Archiver {
    /// Takes up the archive's place; one that the journal does not hold (a backup was restored) is
    /// taken back to the latest that it does.
    pub(crate) async fn open(desk: Desk, search: bool, folded_from: u64) -> Result<Archiver, StoreError> {
        let mut place = desk.store.archive.place().await?;
        if !is_held(&desk, &place).await? {
            let found = earlier(&desk).await?;
            tracing::warn!(
                from = place.position.seq,
                to = found.position.seq,
                "the archive is ahead of the journal (was a backup restored?); it is taken back"
            );
            desk.store.archive.cut_back(found.position.seq, found).await?;
            place = found;
        }
        let forgotten =
            (place.position == Position::START && folded_from > 0).then(|| (Ledger::default(), folded_from));
        Ok(Archiver {
            desk,
            search,
            place,
            read: place.position,
            held: Vec::new(),
            held_at: Timestamp(place.before),
            put_at: Instant::now(),
            decoder: stored::Decoder::default(),
            encoder: stored::Encoder::default(),
            forgotten,
        })
    }

    /// Puts away what ends until it is told to stop.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        self.confirm();
        let mut wait = limits::ARCHIVE_EVERY;
        while !shutdown.is_cancelled() {
            match self.step().await {
                Ok(true) => {
                    wait = limits::ARCHIVE_EVERY;
                    continue;
                }
                Ok(false) => wait = limits::ARCHIVE_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "the archive does not keep up; what has ended stays in memory");
                    self.begin_again();
                    wait = (wait * 2).min(limits::REOPEN_MAX);
                }
            }
            tokio::select! {
                () = self.something_new(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    async fn something_new(&self, gather: Duration) {
        tokio::time::sleep(gather).await;
        self.desk.feed.view_reaches(self.read.seq + 1).await;
    }

    /// After a failure nobody knows what was read and not put.
    fn begin_again(&mut self) {
        self.read = self.place.position;
        self.held.clear();
        if let Some((ledger, _)) = &mut self.forgotten {
            *ledger = Ledger::default();
            self.read = Position::START;
        }
    }

    /// Reads on, and puts away what it found. False: there was nothing new.
    async fn step(&mut self) -> Result<bool, StoreError> {
        let before = self.read;
        let mut ready = Vec::new();
        let mut place = self.place;
        match self.forgotten.is_none().then(|| self.desk.feed.in_memory_after(self.read.seq)).flatten() {
            Some(records) => {
                for record in records {
                    let events = record.entries.iter().map(|entry| (entry.id.seq, &entry.event));
                    self.read_on(record.position, events, &mut ready, &mut place);
                    self.put_many(&mut ready, place).await?;
                }
            }
            None => {
                for record in self.read_journal().await? {
                    // What is not published yet is not in the view either.
                    if record.position.seq > self.desk.feed.position().seq {
                        break;
                    }
                    let unreadable = |error: stored::Unreadable| StoreError::Unavailable { why: error.to_string() };
                    let events = self.decoder.decode(&record.bytes).map_err(unreadable)?;
                    self.fold(&events, record.position.seq);
                    self.read_on(record.position, (record.first..).zip(&events), &mut ready, &mut place);
                    self.put_many(&mut ready, place).await?;
                }
            }
        }
        if self.held.is_empty() {
            place.position = self.read;
        }
        let is_due = place != self.place && self.put_at.elapsed() > limits::ARCHIVE_PLACE_EVERY;
        if !ready.is_empty() || is_due {
            self.put(ready, place).await?;
        }
        Ok(self.read != before)
    }

    async fn read_journal(&self) -> Result<Vec<store::Record>, StoreError> {
        let journal = &self.desk.store.journal;
        match journal.read(self.read, limits::ARCHIVE_READ_BYTES_MAX).await {
            Err(StoreError::Trimmed { oldest }) => {
                tracing::error!(
                    from = self.read.seq,
                    to = oldest,
                    "the journal was trimmed before the archive had read it; jobs that ended there are not archived"
                );
                journal.read_after_seq(oldest.saturating_sub(1), limits::ARCHIVE_READ_BYTES_MAX).await
            }
            records => records,
        }
    }

    /// One record: what ended before its time is ready, what ends in it is held.
    fn read_on<'a>(
        &mut self,
        position: Position,
        events: impl Iterator<Item = (u64, &'a Event)>,
        ready: &mut Vec<Found>,
        place: &mut Place,
    ) {
        for (seq, event) in events {
            if event.at > self.held_at {
                ready.extend(std::mem::take(&mut self.held));
                self.held_at = event.at;
                *place = Place { position: self.read, before: event.at.0 };
            }
            if let Fact::JobFinished { job, .. } = &event.fact {
                self.held.push(Found { job: job.clone(), at: event.at, seq });
            }
        }
        self.read = position;
        self.desk.feed.archived.store(position.seq, Ordering::Relaxed);
    }

    fn fold(&mut self, events: &[Event], seq: u64) {
        if let Some((ledger, until)) = &mut self.forgotten
            && seq <= *until
        {
            events.iter().for_each(|event| ledger.apply(event));
        }
    }

    async fn put_many(&mut self, ready: &mut Vec<Found>, place: Place) -> Result<(), StoreError> {
        if ready.len() >= limits::ARCHIVED_AT_ONCE_MAX {
            self.put(std::mem::take(ready), place).await?;
        }
        Ok(())
    }

    async fn put(&mut self, found: Vec<Found>, place: Place) -> Result<(), StoreError> {
        let (mut entries, mut memos) = (Vec::with_capacity(found.len()), Vec::new());
        for found in &found {
            let Some(ended) = self.ended(found) else {
                tracing::warn!(job = %found.job, "an ended job is not known any more and cannot be archived");
                continue;
            };
            let text = if self.search { Some(ended.text(&self.desk).await?) } else { None };
            memos.extend(ended.memos());
            entries.push(ended.entry(text, &mut self.encoder));
        }
        self.desk.store.archive.put(entries, memos, place).await?;
        self.place = place;
        self.put_at = Instant::now();
        self.confirm();
        Ok(())
    }

    /// The ledger may forget what is put away. If nobody hears it now, the next time tells it.
    fn confirm(&self) {
        let archived = Command::Archived { before: Timestamp(self.place.before) };
        let _ = self.desk.submit(archived, Vec::new(), self.desk.now());
    }

    fn ended(&self, found: &Found) -> Option<Ended> {
        let view = self.desk.feed.view();
        let old = self.forgotten.as_ref().map(|(ledger, _)| ledger);
        let ledger = [Some(&view.ledger), old].into_iter().flatten().find(|ledger| ledger.job(&found.job).is_some())?;
        let job = ledger.job(&found.job)?.clone();
        let story = ledger.story_of(&Chapter::Ended(found.at, job.order));
        Some(Ended { job, story, at: found.at, seq: found.seq })
    }
}

/// Whether the journal's history is the one the archive stands in; what was trimmed is believed.
async fn is_held(desk: &Desk, place: &Place) -> Result<bool, StoreError> {
    match desk.store.journal.read(place.position, 1).await {
        Ok(_) | Err(StoreError::Trimmed { .. }) => Ok(true),
        Err(StoreError::Rewound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn earlier(desk: &Desk) -> Result<Place, StoreError> {
    for place in desk.store.archive.earlier_places().await? {
        if is_held(desk, &place).await? {
            return Ok(place);
        }
    }
    Ok(Place::START)
}
