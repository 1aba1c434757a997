//! The journal: what was decided, in order.

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt;
use std::ops::RangeInclusive;

/// A durable, ordered list of records with one writer at a time. It promises:
///
/// 1. `append` returns after the batch is durable, and all of it or none is visible.
/// 2. Positions are dense and only grow; a reader sees every record once, in order, or is
///    told [`StoreError::Trimmed`].
/// 3. After `open`, no earlier writer can append or checkpoint: its epoch is fenced.
/// 4. Repeating an append whose answer was lost does not write twice.
/// 5. `open` returns the place of the newest checkpoint that `checkpoint` confirmed, and its
///    parts can be read whole until a newer one is confirmed.
/// 6. A journal that lost its tail (a failover, a restored backup) is noticed: `append` and
///    `read` say [`StoreError::Rewound`].
/// 7. Nothing that follows the newest confirmed checkpoint is ever trimmed.
///
/// Contents that a record names are written in the same transaction as the record.
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
    /// its last record, `Full` if there is no room, not even in the reserve, `Unavailable` for
    /// all other weather; after the last two the batch may or may not be there, and the caller
    /// repeats or re-opens.
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

    /// Changes the newest checkpoint, which is that at `base`, into one at `at`; without a
    /// `base` everything older is replaced. Confirmed, durable and the newest when this returns;
    /// until then the one at `base` stays whole and the newest. Written in pieces between
    /// appends, so that none waits long; `parts` is drawn from as it is written, on a thread
    /// that may block.
    ///
    /// One at an earlier place than the newest changes nothing.
    ///
    /// # Errors
    /// `Fenced` as for `append`. `Rewound` if `at` is not of this history, or the newest
    /// checkpoint is not the one at `base`: the caller begins a whole one.
    async fn checkpoint(
        &self,
        epoch: u64,
        base: Option<Position>,
        at: Position,
        parts: Parts,
    ) -> Result<(), StoreError>;

    /// The parts of the newest checkpoint, which is that at `at`, whose keys follow `after`, in
    /// the order of their keys: at least one if there is one, and at most about `bytes_max` bytes.
    ///
    /// # Errors
    /// `Rewound` if the newest checkpoint is another one.
    async fn checkpoint_parts(
        &self,
        at: Position,
        after: Option<&[u8]>,
        bytes_max: usize,
    ) -> Result<Vec<Part>, StoreError>;

    /// Removes a piece of the oldest records that nobody needs: those that end at or before
    /// `keep.from` and, besides, are older than `keep.at_min` or of more than `keep.bytes_max`
    /// bytes in all. The last record always stays. The caller repeats while `more` is told; a
    /// piece is small enough not to hold up an append for long.
    async fn trim(&self, keep: Keep) -> Result<Trimmed, StoreError>;

    /// What the journal reaches from and to, and how large it is.
    async fn extent(&self) -> Result<Extent, StoreError>;

    /// The position of the last record.
    async fn tail(&self) -> Result<Position, StoreError>;

    /// The content of this number, or `None` if there is none (any more).
    async fn content(&self, number: u64) -> Result<Option<Body>, StoreError>;

    /// Removes the contents whose numbers are in these ranges, if they are there. Each call is
    /// one transaction; callers pass at most about a hundred ranges.
    async fn remove_contents(&self, numbers: &[RangeInclusive<u64>]) -> Result<(), StoreError>;

    /// Whether any content is this file.
    async fn names_file(&self, file: FileHash) -> Result<bool, StoreError>;

    /// Whether there is room for more than what must go on. Cheap: what the last append or
    /// [`look_for_room`](Self::look_for_room) found.
    fn room(&self) -> Room;

    /// Somebody who writes to the disk beside the journal found it full: from now on there is no
    /// room for more than what must go on, until [`look_for_room`](Self::look_for_room) finds it.
    fn be_told_full(&self, why: &str);

    /// Looks whether there is enough room again, and if so takes the reserve back. Called about
    /// once a second while there is none.
    async fn look_for_room(&self) -> Room;

    /// What is left of a journal that an older program wrote, whose contents have hashes and no
    /// numbers: the state it had confirmed and where that stands ([`Position::START`] and no bytes
    /// if it had none). `None` once [`legacy_name`](Self::legacy_name) was told the last name, and
    /// on every journal that began with numbers. Until then nothing is trimmed, and what `open`
    /// calls the newest checkpoint is not this one.
    async fn legacy_checkpoint(&self) -> Result<Option<(Position, Bytes)>, StoreError> {
        Ok(None)
    }

    /// Gives contents with these hashes these numbers; an unknown hash is passed over, a number
    /// that is taken keeps its content. With `last` whatever has no number by then is removed, and
    /// the old state too. May be repeated, also after a crash.
    async fn legacy_name(&self, _names: &[(FileHash, u64)], _last: bool) -> Result<(), StoreError> {
        Ok(())
    }
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
    /// When it was decided, in Unix milliseconds; never before an earlier batch.
    pub at: i64,
    /// The record, opaque.
    pub bytes: Bytes,
    /// What the record names, stored with it or not at all. A number that is taken keeps its
    /// content: it was written by the same append before.
    pub contents: Vec<Content>,
}

/// Bytes under a number that the caller chooses; later ones have larger numbers.
#[derive(Clone, Debug)]
pub struct Content {
    pub number: u64,
    pub body: Body,
}

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In the journal's own transaction.
    Inline(Bytes),
    /// In a file that was durable before, see [`crate::Files`].
    File(FileHash),
}

/// SHA-256 of a file's bytes: its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileHash(pub [u8; 32]);

impl FileHash {
    /// The name of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> FileHash {
        FileHash(Sha256::digest(bytes).into())
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A piece of a state: its key gives its place among the others, its bytes are opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub key: Bytes,
    pub bytes: Bytes,
}

/// What changed between two checkpoints: the new bytes under a key, or none.
pub type Parts = Box<dyn Iterator<Item = (Bytes, Option<Bytes>)> + Send>;

/// What a trim must leave.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Everything after this event.
    pub from: u64,
    /// Every record of this time or later, while there is room.
    pub at_min: i64,
    /// About so many bytes of records at most, whatever their time.
    pub bytes_max: u64,
}

/// What one piece of a trim removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    pub records: u64,
    pub bytes: u64,
    /// There is more to remove.
    pub more: bool,
}

/// From where to where, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first event that can still be read; beyond the tail's if there is no record.
    pub oldest: u64,
    /// When it was decided.
    pub oldest_at: i64,
    pub tail: Position,
    /// Bytes of all records.
    pub bytes: u64,
    /// Bytes on disk, with contents and what is free inside.
    pub disk_bytes: u64,
}

/// Whether there is room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Room {
    Enough,
    /// Only what must go on may be written; why, for people.
    Full(String),
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
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// The epoch to append with.
    pub epoch: u64,
    /// The last record's position.
    pub tail: Position,
    /// Where the state stands to begin from; without one, begin from nothing.
    pub checkpoint: Option<Position>,
}

/// Why the store did not do it. All but `BadUrl`, `Unusable` and `Damaged` are weather: the caller
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
    #[error("text is not searched here: start the broker with --search")]
    NoSearch,
    #[error("something in the store is damaged: {why}")]
    Damaged { why: String },
    #[error("the store does not answer: {why}")]
    Unavailable { why: String },
}

impl StoreError {
    /// Whether what was asked for cannot be read, now or later, until a person acts.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, StoreError::Damaged { .. } | StoreError::Unusable { .. })
    }
}
