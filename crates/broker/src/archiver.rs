//! The reader of the journal that puts away what has ended.

use crate::archived::Ended;
use crate::desk::Desk;
use crate::limits;
use fleet::{Chapter, Command, Event, Fact, Job, JobId, Ledger, Timestamp};
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
    /// For an archive that is behind what the view has forgotten (an older one was put back, or it
    /// begins anew): the jobs of the journal as far as it reaches back, and up to where they are needed.
    forgotten: Option<(Ledger, u64)>,
    /// The journal was read from its beginning for what cannot be found otherwise.
    has_looked_back: bool,
}

/// What became of what was to be put away.
#[derive(PartialEq, Eq)]
enum Put {
    Done,
    /// Something of it is known to nobody: it is read from the beginning again.
    LookBack,
}

struct Found {
    job: JobId,
    at: Timestamp,
    seq: u64,
}

impl Archiver {
    /// Takes up the archive's place; one that the journal does not hold (a backup was restored) is
    /// taken back to the latest that it does.
    pub(crate) async fn open(desk: Desk, search: bool) -> Result<Archiver, StoreError> {
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
            forgotten: None,
            has_looked_back: false,
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
                Ok(false) => {
                    wait = limits::ARCHIVE_EVERY;
                    // A ledger that was made anew has not heard it.
                    self.confirm();
                }
                Err(error) => {
                    tracing::warn!(%error, "the archive does not keep up; what has ended stays in memory");
                    self.begin_again().await;
                    wait = (wait * 2).min(limits::REOPEN_MAX);
                }
            }
            tokio::select! {
                () = self.something_new(wait) => {}
                () = tokio::time::sleep(limits::ARCHIVE_PLACE_EVERY.max(wait)) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    async fn something_new(&self, gather: Duration) {
        tokio::time::sleep(gather).await;
        self.desk.feed.view_reaches(self.read.seq + 1).await;
    }

    /// After a failure nobody knows what was read and not put. What was put and not answered for, or
    /// by another broker, is not put again.
    async fn begin_again(&mut self) {
        if let Ok(place) = self.desk.store.archive.place().await {
            self.place = place;
        }
        self.read = self.place.position;
        self.held.clear();
        self.held_at = Timestamp(self.place.before);
        if self.forgotten.take().is_some() {
            self.has_looked_back = false;
        }
    }

    /// What the view no longer knows is gathered from the journal, from where that begins.
    fn look_back(&mut self) {
        tracing::warn!(
            from = self.place.position.seq,
            to = self.read.seq,
            "the archive is behind what is in memory; the journal is read once more for what ended there"
        );
        self.forgotten = Some((Ledger::default(), self.read.seq));
        self.has_looked_back = true;
        self.read = Position::START;
        self.held.clear();
        self.held_at = Timestamp::default();
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
                    if self.put_many(&mut ready, place).await? == Put::LookBack {
                        return Ok(true);
                    }
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
                    self.fold(&events);
                    self.read_on(record.position, (record.first..).zip(&events), &mut ready, &mut place);
                    if self.put_many(&mut ready, place).await? == Put::LookBack {
                        return Ok(true);
                    }
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
                if self.forgotten.is_none() {
                    tracing::error!(
                        from = self.read.seq,
                        to = oldest,
                        "the journal was trimmed before the archive had read it; what ended there is not archived"
                    );
                }
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

    /// Nothing is forgotten here before it is put away.
    fn fold(&mut self, events: &[Event]) {
        let Some((ledger, _)) = &mut self.forgotten else { return };
        let is_kept = |event: &&Event| !matches!(event.fact, Fact::JobsForgotten { .. } | Fact::JobForgotten { .. });
        events.iter().filter(is_kept).for_each(|event| ledger.apply(event));
    }

    async fn put_many(&mut self, ready: &mut Vec<Found>, place: Place) -> Result<Put, StoreError> {
        match ready.len() >= limits::ARCHIVED_AT_ONCE_MAX {
            true => self.put(std::mem::take(ready), place).await,
            false => Ok(Put::Done),
        }
    }

    async fn put(&mut self, found: Vec<Found>, place: Place) -> Result<Put, StoreError> {
        let (mut entries, mut memos) = (Vec::with_capacity(found.len()), Vec::new());
        for found in &found {
            let Some(ended) = self.ended(found) else {
                if !self.has_looked_back {
                    self.look_back();
                    return Ok(Put::LookBack);
                }
                tracing::warn!(job = %found.job, "the journal does not reach back to an ended job; it is not archived");
                continue;
            };
            // A payload that cannot be read must not keep everything else from being put away.
            let text = if self.search { Some(ended.text(&self.desk).await) } else { None };
            memos.extend(ended.memos());
            entries.push(ended.entry(text, &mut self.encoder));
        }
        let place = if place.position.seq < self.place.position.seq { self.place } else { place };
        self.desk.store.archive.put(entries, memos, place).await?;
        self.place = place;
        self.put_at = Instant::now();
        self.let_go(found);
        self.confirm();
        Ok(Put::Done)
    }

    /// What is put away need not be gathered any longer; when all is, nothing has to.
    fn let_go(&mut self, found: Vec<Found>) {
        let Some((ledger, until)) = &mut self.forgotten else { return };
        for Found { job, at, .. } in found {
            ledger.apply(&Event { at, fact: Fact::JobForgotten { job }, by: None });
        }
        if self.place.position.seq >= *until {
            self.forgotten = None;
            self.has_looked_back = false;
        }
    }

    /// The ledger may forget what is put away. If nobody hears it now, the next time tells it.
    fn confirm(&self) {
        let archived = Command::Archived { before: Timestamp(self.place.before) };
        let _ = self.desk.submit(archived, Vec::new(), self.desk.now());
    }

    fn ended(&self, found: &Found) -> Option<Ended> {
        let view = self.desk.feed.view();
        let gathered = self.forgotten.as_ref().map(|(ledger, _)| ledger);
        // Its id may be another job's by now.
        let knows = |ledger: &&Ledger| ledger.job(&found.job).and_then(Job::finished_at) == Some(found.at);
        let ledger = gathered.into_iter().chain([&view.ledger]).find(knows)?;
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
