//! The journal: what was decided, in order.

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt;

/// A durable, ordered list of records with one writer at a time. It promises:
///
/// 1. `append` returns after the batch is durable, and all of it or none is visible.
/// 2. Positions are dense and only grow; a reader sees every record once, in order, or is
///    told [`StoreError::Trimmed`].
/// 3. After `open`, no earlier writer can append: its epoch is fenced.
/// 4. Repeating an append whose answer was lost does not write twice.
/// 5. `open` returns the newest checkpoint that `checkpoint` confirmed.
/// 6. A journal that lost its tail (a failover, a restored backup) is noticed: `append` and
///    `read` say [`StoreError::Rewound`].
///
/// Blobs that a record names are written in the same transaction as the record.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Begins a term of writing and fences every earlier one. The new epoch is the larger of
    /// `epoch_floor` and the last epoch plus one, so that it is never reused, also after a
    /// rewind (the caller passes Unix seconds).
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError>;

    /// Writes `batch` directly after the record at `after`, which the caller believes to be
    /// the last one. Returns the position of the new record, durable.
    ///
    /// The same batch after the same `after` again returns the same position and writes nothing.
    ///
    /// # Errors
    /// `Fenced` if a later `open` happened, `Rewound` if the journal does not hold `after` as
    /// its last record, `Full` if there is no room, `Unavailable` for all other weather;
    /// after the last two the batch may or may not be there, and the caller repeats or re-opens.
    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError>;

    /// The records after `after`, oldest first: at least one if there is one, and at most
    /// about `bytes_max` bytes of them. The reader's own `after` is checked against the chain.
    ///
    /// # Errors
    /// `Trimmed` if the record following `after` is gone, `Rewound` if `after` is not of this
    /// history (beyond the tail, or another hash).
    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError>;

    /// The records that hold the events after number `seq`, for a reader that knows only a
    /// number. The first record returned may begin at or before `seq`. `seq` at or beyond the
    /// tail gives an empty list.
    ///
    /// # Errors
    /// `Trimmed` if the event `seq + 1` is gone.
    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError>;

    /// Stores the state after `at`; confirmed, durable and the newest when this returns.
    /// Older checkpoints are removed. One at an earlier place than the newest changes nothing:
    /// the journal may have been trimmed behind that.
    ///
    /// # Errors
    /// `Rewound` if `at` is not of this history.
    async fn checkpoint(&self, at: Position, bytes: Bytes) -> Result<(), StoreError>;

    /// The position of the last record.
    async fn tail(&self) -> Result<Position, StoreError>;

    /// The blob named `hash`, or `None` if there is none.
    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError>;
}

/// A place between two records: everything up to and including event number `seq` is before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Position {
    /// The term of the writer of the last record.
    pub epoch: u64,
    /// The number of the last event; 0 before the first.
    pub seq: u64,
    /// The chain hash of the last record; zero before the first.
    pub hash: [u8; 8],
}

impl Position {
    /// Before everything.
    pub const START: Position = Position { epoch: 0, seq: 0, hash: [0; 8] };

    /// The position after a record of `events` events with these `bytes`, written in `epoch`.
    /// The hash is the first 8 bytes of SHA-256(hash before, bytes); a record without events
    /// takes one number.
    #[must_use]
    pub fn after(self, epoch: u64, events: u32, bytes: &[u8]) -> Position {
        let digest = Sha256::new().chain_update(self.hash).chain_update(bytes).finalize();
        let mut hash = [0; 8];
        hash.copy_from_slice(&digest[..8]);
        Position { epoch, seq: self.seq + u64::from(events.max(1)), hash }
    }
}

/// What one append writes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// How many events `bytes` holds.
    pub events: u32,
    /// The record, opaque.
    pub bytes: Bytes,
    /// Blobs that the record names, stored with it or not at all. One that exists stays as it is.
    pub blobs: Vec<Blob>,
}

/// Content and its name.
#[derive(Clone, Debug)]
pub struct Blob {
    pub hash: BlobHash,
    pub bytes: Bytes,
}

impl Blob {
    /// Names `bytes` by their hash.
    #[must_use]
    pub fn new(bytes: Bytes) -> Blob {
        Blob { hash: BlobHash(Sha256::digest(&bytes).into()), bytes }
    }
}

/// SHA-256 of a blob's bytes: its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobHash(pub [u8; 32]);

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One batch as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of its first event.
    pub first: u64,
    /// The position after it.
    pub position: Position,
    pub bytes: Bytes,
}

/// What `open` found.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The epoch to append with.
    pub epoch: u64,
    /// The last record's position.
    pub tail: Position,
    /// The state to begin from; without one, begin from nothing.
    pub checkpoint: Option<Checkpoint>,
}

/// A stored state and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub at: Position,
    pub bytes: Bytes,
}

/// Why the store did not do it. All but `BadUrl` and `Unusable` are weather: the caller
/// re-opens or waits.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no store is called {url:?}: use sqlite:<path> or memory:")]
    BadUrl { url: String },
    #[error("the store at {path} cannot be used: {why}")]
    Unusable { path: String, why: String },
    #[error("another broker opened the store (its epoch {newest} is newer than ours, {ours})")]
    Fenced { ours: u64, newest: u64 },
    #[error("the journal no longer holds position {after:?}; its tail is {tail:?}")]
    Rewound { after: Position, tail: Position },
    #[error("the journal begins at event {oldest}; what was asked for is gone")]
    Trimmed { oldest: u64 },
    #[error("the store is full: {why}")]
    Full { why: String },
    #[error("the store does not answer: {why}")]
    Unavailable { why: String },
}
