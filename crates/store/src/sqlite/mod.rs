//! The journal in one SQLite file.
//!
//! ```text
//!   open, append, checkpoint, trim ──▶ writer    one thread, one transaction per order
//!   read, tail, content, parts     ──▶ readers   a few connections, each read on one state
//!                                      log       one thread that brings the log into the file
//!                                      reserve   a file given back when the disk is full
//! ```
//!
//! Fencing and the order of records rest on the file alone: every order reads the epoch and the
//! tail in the transaction that writes, so that another process counts as much as another handle.

mod checkpoints;
mod contents;
mod log;
mod migration;
mod readers;
mod records;
mod reserve;
mod schema;
mod writer;

use crate::{
    Batch, Body, Extent, FileHash, Journal, Keep, Opened, Part, Parts, Position, Record, Room, StoreError, Trimmed,
};
pub(crate) use checkpoints::newest_parts;
pub(crate) use contents::sum_of;
pub(crate) use reserve::free;

use async_trait::async_trait;
use bytes::Bytes;
use readers::{Doubt, Readers};
use reserve::Reserve;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use writer::Writer;

/// Names given to contents of an older format in one transaction.
const NAMES_MAX: usize = 64;

/// A journal in the SQLite file at a path. Dropping it waits until the file is closed.
pub struct SqliteJournal {
    path: PathBuf,
    // Before the writer: the last connection to close tidies the file up.
    readers: Arc<Readers>,
    writer: Writer,
    reserve: Arc<Reserve>,
    /// Held while a checkpoint is written, so that the pieces of two do not alternate.
    checkpointing: Arc<Mutex<()>>,
}

impl SqliteJournal {
    /// Opens the file at `path`, or creates it in a directory that exists, with a reserve of
    /// 64 MiB beside it. Takes no term yet and fences nobody. A file of an older format is changed
    /// to ours after a copy was made.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] says what is wrong with the path or the file and what to do.
    pub fn new(path: impl AsRef<Path>) -> Result<SqliteJournal, StoreError> {
        SqliteJournal::with_reserve(path, reserve::RESERVE_BYTES)
    }

    /// The same with a reserve of `reserve_bytes`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_reserve(path: impl AsRef<Path>, reserve_bytes: u64) -> Result<SqliteJournal, StoreError> {
        // An absolute path is a path to SQLite too: `:memory:` and `file:…` have no meaning.
        let path = std::path::absolute(path.as_ref())
            .map_err(|error| crate::fault::unusable(path.as_ref(), error.to_string()))?;
        let connection = schema::found(&path)?;
        let doubt = Arc::new(Doubt::default());
        let reserve = Arc::new(Reserve::take(&path, reserve_bytes));
        Ok(SqliteJournal {
            readers: Arc::new(Readers::new(&path, doubt.clone())),
            writer: Writer::start(&path, connection, doubt, reserve.clone())?,
            reserve,
            checkpointing: Arc::default(),
            path,
        })
    }

    /// Bytes of the file and its log.
    fn disk_bytes(&self) -> u64 {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        size(&self.path) + size(log.as_ref())
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        self.writer.write(move |db| records::open(db, epoch_floor)).await
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        let batch = batch.clone();
        self.writer.write(move |db| records::append(db, epoch, after, &batch)).await
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.readers.read(move |db| records::read(db, after, bytes_max)).await
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.readers.read(move |db| records::read_after_seq(db, seq, bytes_max)).await
    }

    async fn checkpoint(
        &self,
        epoch: u64,
        base: Option<Position>,
        at: Position,
        parts: Parts,
    ) -> Result<(), StoreError> {
        let (orders, checkpointing) = (self.writer.orders()?, self.checkpointing.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let _alone = checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
            checkpoints::write(&orders, epoch, base, at, parts)
        });
        let ended = |error| StoreError::Unavailable { why: format!("the checkpoint ended early: {error}") };
        writing.await.map_err(ended)?
    }

    async fn checkpoint_parts(
        &self,
        at: Position,
        after: Option<&[u8]>,
        bytes_max: usize,
    ) -> Result<Vec<Part>, StoreError> {
        let after = after.map(<[u8]>::to_vec);
        self.readers.read(move |db| checkpoints::parts(db, at, after.as_deref(), bytes_max)).await
    }

    async fn trim(&self, keep: Keep) -> Result<Trimmed, StoreError> {
        self.writer.write(move |db| records::trim(db, keep)).await
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        let disk_bytes = self.disk_bytes();
        self.readers.read(move |db| records::extent(db, disk_bytes)).await
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        self.readers.read(|db| records::tail(db)).await
    }

    async fn content(&self, number: u64) -> Result<Option<Body>, StoreError> {
        self.readers.read(move |db| contents::content(db, number)).await
    }

    async fn remove_contents(&self, numbers: &[RangeInclusive<u64>]) -> Result<(), StoreError> {
        let numbers = numbers.to_vec();
        self.writer.write(move |db| contents::remove(db, &numbers)).await
    }

    async fn names_file(&self, file: FileHash) -> Result<bool, StoreError> {
        self.readers.read(move |db| contents::names_file(db, file)).await
    }

    fn room(&self) -> Room {
        self.reserve.room()
    }

    fn be_told_full(&self, why: &str) {
        self.reserve.be_told_full(why);
    }

    async fn look_for_room(&self) -> Room {
        let reserve = self.reserve.clone();
        let looked = tokio::task::spawn_blocking(move || reserve.look()).await;
        looked.unwrap_or_else(|_| self.reserve.room())
    }

    async fn legacy_checkpoint(&self) -> Result<Option<(Position, Bytes)>, StoreError> {
        self.readers.read(|db| migration::checkpoint(db)).await
    }

    async fn legacy_name(&self, names: &[(FileHash, u64)], last: bool) -> Result<(), StoreError> {
        for names in names.chunks(NAMES_MAX) {
            let names = names.to_vec();
            self.writer.write(move |db| migration::name(db, &names, false)).await?;
        }
        if last {
            self.writer.write(|db| migration::name(db, &[], true)).await?;
        }
        Ok(())
    }
}
