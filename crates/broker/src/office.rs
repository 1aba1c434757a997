//! Opening the store and folding what it holds.

use crate::feed::{Feed, Published, ReadError};
use crate::limits;
use fleet::{Ledger, Rules, Timestamp};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use store::{Journal, Position, StoreError};
use wire::stored;

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

/// Opens the store for the first time in this process: checkpoint and journal make the ledger
/// and the view. Nothing is told, nobody listens yet.
pub(crate) async fn open(store: &Arc<dyn Journal>, rules: Rules) -> Result<(Office, Feed), OpenError> {
    let opened = store.open(unix_seconds()).await?;
    let (mut ledger, mut view) = (Ledger::with(rules), Ledger::default());
    let (mut at, mut last_at) = (Position::START, Timestamp::default());
    if let Some(checkpoint) = opened.checkpoint {
        for event in stored::decode(&checkpoint.bytes)? {
            last_at = last_at.max(event.at);
            ledger.apply(&event);
            view.apply(&event);
        }
        at = checkpoint.at;
    }
    let mut replayed = 0;
    while at != opened.tail {
        let records = store.read(at, limits::REPLAY_BYTES_MAX).await?;
        for record in &records {
            for event in stored::decode(&record.bytes)? {
                last_at = last_at.max(event.at);
                ledger.apply(&event);
                view.apply(&event);
            }
            at = record.position;
        }
        replayed += records.len();
        if records.is_empty() {
            return Err(StoreError::Rewound { after: opened.tail, tail: at }.into());
        }
    }
    if replayed > limits::REPLAYED_RECORDS_MAX {
        checkpoint(&**store, &view, at).await?;
    }
    tracing::info!(replayed, events = at.seq, epoch = opened.epoch, "the journal is open");
    let office = Office { epoch: opened.epoch, tail: at, ledger, last_at };
    Ok((office, Feed::new(view, at)))
}

/// Opens the store again after it failed. What was written and not answered is told now; the
/// ledger is made anew from the view, which holds only what is durable.
pub(crate) async fn reopen(store: &Arc<dyn Journal>, feed: &Feed, rules: Rules) -> Result<Office, OpenError> {
    let opened = store.open(unix_seconds()).await?;
    let mut at = feed.position();
    while at != opened.tail {
        let records = store.read(at, limits::REPLAY_BYTES_MAX).await?;
        let last = records.last().ok_or(StoreError::Rewound { after: at, tail: opened.tail })?;
        at = last.position;
        for record in &records {
            feed.publish(Published::read(&**store, record, None).await?);
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

/// Stores the state of `ledger`, which is that after `at`.
pub(crate) async fn checkpoint(store: &dyn Journal, ledger: &Ledger, at: Position) -> Result<(), StoreError> {
    let story: Vec<_> = ledger.shortest_story().collect();
    store.checkpoint(at, stored::encode(&story)).await
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
