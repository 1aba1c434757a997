//! Opening the store and folding what it holds.

use crate::contents::{Slot, number};
use crate::feed::{Contents, Feed, Published, ReadError};
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

/// Events of the view's story that are applied at once when the ledger is made anew.
const EVENTS_AT_ONCE: usize = 1_000;

/// The right to decide: a term of writing, and the ledger as the journal tells it.
pub(crate) struct Office {
    pub(crate) epoch: u64,
    pub(crate) tail: Position,
    pub(crate) ledger: Ledger,
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
    /// The time of the last event.
    pub(crate) last_at: Timestamp,
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
    let office = Office { epoch: opened.epoch, tail: at, ledger };
    Ok(Opening { office, feed, last_at, checkpoint: opened.checkpoint })
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
            feed.publish(Published::read(feed, store, record, Contents::Read).await?, &[]);
        }
    }
    let mut ledger = Ledger::with(rules);
    let view = feed.view();
    let mut story = view.ledger.shortest_story();
    loop {
        let events: Vec<Event> = story.by_ref().take(EVENTS_AT_ONCE).collect();
        if events.is_empty() {
            break;
        }
        events.iter().for_each(|event| ledger.apply(event));
        // Piece by piece, so that at no time every job is there twice.
        ledger.share(&view.ledger.rows_of(&events));
    }
    Ok(Office { epoch: opened.epoch, tail: at, ledger })
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::{Command, JobId, Told};
    use std::sync::Arc;
    use store::Batch;

    /// A store whose journal tells of jobs that wait and of some that have ended.
    async fn board() -> Store {
        let store = store::open("memory:", &store::Options::default()).unwrap();
        let (mut ledger, mut told) = (Ledger::with(Rules::default()), Told::default());
        let mut decide = |command| ledger.handle(command, Timestamp(1_000), &mut told).map(drop).unwrap();
        for n in 0..2_500 {
            let job = JobId::parse(&format!("j{n}")).unwrap();
            let body = format!(r#"{{"job_id":"j{n}","job_type":"hash","labels":{{"n":"{n}"}}}}"#);
            let spec = wire::jobs::parse_submission(body.as_bytes(), job.clone(), None, Timestamp(1_000)).unwrap().spec;
            decide(Command::Submit { spec: Arc::new(spec), recalled: None });
            if n % 10 == 0 {
                decide(Command::Cancel { job });
            }
        }
        let opened = store.journal.open(0).await.unwrap();
        let bytes = stored::Encoder::default().encode(&told.events);
        let events = u32::try_from(told.events.len()).unwrap();
        let batch = Batch { events, at: 1_000, bytes, contents: Vec::new() };
        store.journal.append(opened.epoch, opened.tail, &batch).await.unwrap();
        store
    }

    #[tokio::test]
    async fn a_ledger_that_was_made_anew_holds_no_job_that_the_view_holds_a_second_time() {
        let store = board().await;
        let Opening { feed, .. } = open(&store, Rules::default()).await.unwrap();
        let office = reopen(&store, &feed, Rules::default()).await.unwrap();
        let view = feed.view();
        let story: Vec<Event> = view.ledger.shortest_story().collect();
        let (own, read) = (office.ledger.rows_of(&story), view.ledger.rows_of(&story));
        assert_eq!((own.len(), read.len()), (2_500, 2_500));
        assert_eq!(own.iter().zip(&read).filter(|(own, read)| !Arc::ptr_eq(own, read)).count(), 0);
    }
}
