//! Opening the store and folding what it holds.

use crate::contents::{Slot, number};
use crate::feed::{Feed, Published, ReadError};
use crate::limits;
use bytes::Bytes;
use fleet::{Event, Ledger, Outcome, Rules, Timestamp};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use store::{FileHash, Position, Store, StoreError};
use tokio::sync::mpsc;
use wire::stored;

/// Pages of the checkpoint read ahead of who applies them.
const READ_AHEAD_PAGES: usize = 2;

/// The right to decide: a term of writing, and the ledger as the journal tells it.
pub(crate) struct Office {
    pub(crate) epoch: u64,
    pub(crate) tail: Position,
    pub(crate) ledger: Ledger,
    /// The time of the last event.
    pub(crate) last_at: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unreadable(#[from] stored::Unreadable),
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> OpenError {
        match error {
            ReadError::Store(error) => OpenError::Store(error),
            ReadError::Unreadable(error) => OpenError::Unreadable(error),
        }
    }
}

/// What a first opening found.
pub(crate) struct Opening {
    pub(crate) office: Office,
    pub(crate) feed: Feed,
    /// The checkpoint it began from.
    pub(crate) checkpoint: Option<Position>,
}

/// Opens the store for the first time in this process: checkpoint and journal make the ledger
/// and the view. Nothing is told, nobody listens yet.
pub(crate) async fn open(store: &Store, rules: Rules) -> Result<Opening, OpenError> {
    let opened = store.journal.open(unix_seconds()).await?;
    let mut folding =
        Folding { ledger: Ledger::with(rules), last_at: Timestamp::default(), decoder: stored::Decoder::default() };
    let mut parts = 0;
    if let Some(at) = opened.checkpoint {
        let (sender, mut pages) = mpsc::channel(READ_AHEAD_PAGES);
        let reading = tokio::spawn(read_parts(store.clone(), at, sender));
        while let Some(page) = pages.recv().await {
            parts += page.len();
            page.iter().flatten().for_each(|event| folding.apply(event));
        }
        folding.decoder = reading.await.map_err(|error| StoreError::Unavailable { why: error.to_string() })??;
    }
    let mut at = opened.checkpoint.unwrap_or(Position::START);
    let legacy = store.journal.legacy_checkpoint().await?;
    if let (Some((state_at, bytes)), None) = (&legacy, opened.checkpoint) {
        if !bytes.is_empty() {
            folding.fold(bytes, |_, _| {})?;
        }
        at = *state_at;
    }
    let (mut replayed, mut changed) = (0, BTreeSet::new());
    while at != opened.tail {
        let records = store.journal.read(at, limits::REPLAY_BYTES_MAX).await?;
        for record in &records {
            folding.fold(&record.bytes, |ledger, event| {
                ledger.touched_by(event, &mut |chapter| {
                    changed.insert(chapter);
                });
            })?;
            at = record.position;
        }
        replayed += records.len();
        if records.is_empty() {
            return Err(StoreError::Rewound { after: opened.tail, tail: at }.into());
        }
    }
    if legacy.is_some() {
        number_contents(store, &folding.ledger).await?;
    }
    folding.last_at = folding.last_at.max(last_time(store, opened.tail).await?);
    tracing::info!(parts, replayed, events = at.seq, epoch = opened.epoch, "the journal is open");
    let Folding { ledger, last_at, .. } = folding;
    let mut view = ledger.for_reading();
    view.catch_up(last_at);
    let feed = Feed::new(view, at, changed);
    let office = Office { epoch: opened.epoch, tail: at, ledger, last_at };
    Ok(Opening { office, feed, checkpoint: opened.checkpoint })
}

/// The time of the last event, of which the checkpoint may hold no trace; and not before what the
/// archive has closed with: what ends from now on must end after that.
async fn last_time(store: &Store, tail: Position) -> Result<Timestamp, OpenError> {
    let frontier = Timestamp(store.archive.place().await?.before);
    let last = store.journal.read_after_seq(tail.seq.saturating_sub(1), 1).await;
    let last = match last {
        Ok(records) => records.last().map(|record| stored::decode(&record.bytes)).transpose()?,
        Err(StoreError::Trimmed { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let last = last.as_ref().and_then(|events| events.last()).map_or(Timestamp::default(), |event| event.at);
    Ok(last.max(frontier))
}

/// A journal of the format in which contents had no numbers: those of all known jobs are given
/// theirs, and what belongs to none is let go.
async fn number_contents(store: &Store, ledger: &Ledger) -> Result<(), StoreError> {
    tracing::info!(jobs = ledger.jobs_known(), "payloads and results of an older format are numbered");
    let mut names = Vec::new();
    for job in ledger.submitted_before(u64::MAX) {
        let result = match job.outcome() {
            Some(Outcome::Completed { result }) => Some((*result, Slot::Result)),
            _ => None,
        };
        let ctx = job.spec.ctx().map(|ctx| (ctx, Slot::Ctx));
        for (content, slot) in [Some((job.spec.payload, Slot::Payload)), ctx, result].into_iter().flatten() {
            names.push((FileHash(content.hash), number(job.order, slot)));
        }
    }
    store.journal.legacy_name(&names, true).await
}

/// Reads the parts of the checkpoint at `at` ahead of who applies them: half of a start's time is
/// reading. Gives the decoder back, which knows by then what is said again and again.
async fn read_parts(
    store: Store,
    at: Position,
    pages: mpsc::Sender<Vec<Vec<Event>>>,
) -> Result<stored::Decoder, OpenError> {
    let mut decoder = stored::Decoder::default();
    let mut after: Option<Bytes> = None;
    loop {
        let page = store.journal.checkpoint_parts(at, after.as_deref(), limits::READ_AHEAD_BYTES_MAX).await?;
        let Some(last) = page.last() else { return Ok(decoder) };
        after = Some(last.key.clone());
        let events = page.iter().map(|part| decoder.decode(&part.bytes)).collect::<Result<Vec<_>, _>>()?;
        if pages.send(events).await.is_err() {
            // Nobody starts any more.
            return Ok(decoder);
        }
    }
}

struct Folding {
    ledger: Ledger,
    last_at: Timestamp,
    decoder: stored::Decoder,
}

impl Folding {
    /// `before` is asked of each event before it is applied.
    fn fold(&mut self, bytes: &[u8], mut before: impl FnMut(&Ledger, &Event)) -> Result<(), stored::Unreadable> {
        for event in self.decoder.decode(bytes)? {
            before(&self.ledger, &event);
            self.apply(&event);
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event) {
        self.last_at = self.last_at.max(event.at);
        self.ledger.apply(event);
    }
}

/// Opens the store again after it failed. What was written and not answered is told now; the
/// ledger is made anew from the view, which holds only what is durable.
pub(crate) async fn reopen(store: &Store, feed: &Feed, rules: Rules) -> Result<Office, OpenError> {
    let opened = store.journal.open(unix_seconds()).await?;
    let mut at = feed.position();
    while at != opened.tail {
        let records = store.journal.read(at, limits::REPLAY_BYTES_MAX).await?;
        let last = records.last().ok_or(StoreError::Rewound { after: at, tail: opened.tail })?;
        at = last.position;
        for record in &records {
            feed.publish(Published::read(feed, store, record, None).await?, &[]);
        }
    }
    let mut last_at = Timestamp::default();
    let mut ledger = Ledger::with(rules);
    for event in feed.view().ledger.shortest_story() {
        last_at = last_at.max(event.at);
        ledger.apply(&event);
    }
    Ok(Office { epoch: opened.epoch, tail: at, ledger, last_at })
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
