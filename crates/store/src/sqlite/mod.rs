//! The journal in one SQLite file.
//!
//! ```text
//!   open, append, checkpoint ──▶ writer    one thread, one transaction per order
//!   read, tail, blob         ──▶ readers   a few connections, each read on one state
//! ```
//!
//! Fencing and the order of records rest on the file alone: every order reads the epoch and the
//! tail in the transaction that writes, so that another process counts as much as another handle.

mod checkpoints;
mod fault;
mod readers;
mod records;
mod schema;
mod writer;

use crate::{Batch, BlobHash, Journal, Opened, Position, Record, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use readers::{Doubt, Readers};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;
use writer::Writer;

/// What a blob costs in the log beside its bytes: its random hash touches a page of the index.
const BLOB_OVERHEAD_BYTES: usize = 4096;

/// A journal in the SQLite file at a path. Dropping it waits until the file is closed.
pub struct SqliteJournal {
    // Before the writer: the last connection to close tidies the file up.
    readers: Arc<Readers>,
    writer: Writer,
    /// Held while a checkpoint is written, so that the pieces of two do not alternate.
    checkpointing: Mutex<()>,
}

impl SqliteJournal {
    /// Opens the file at `path`, or creates it in a directory that exists. Takes no term yet and
    /// fences nobody.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] says what is wrong with the path or the file and what to do.
    pub fn new(path: impl AsRef<Path>) -> Result<SqliteJournal, StoreError> {
        // An absolute path is a path to SQLite too: `:memory:` and `file:…` have no meaning.
        let path =
            std::path::absolute(path.as_ref()).map_err(|error| fault::unusable(path.as_ref(), error.to_string()))?;
        let connection = schema::found(&path)?;
        let doubt = Arc::new(Doubt::default());
        Ok(SqliteJournal {
            readers: Arc::new(Readers::new(&path, doubt.clone())),
            writer: Writer::start(&path, connection, doubt)?,
            checkpointing: Mutex::new(()),
        })
    }

    /// Removes what came before the newest checkpoint. That one is confirmed, so a failure here
    /// is not its failure; the next checkpoint sweeps again.
    async fn sweep(&self) {
        loop {
            match self.writer.write(0, |db| checkpoints::sweep(db)).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return tracing::warn!(%error, "older checkpoints were left behind"),
            }
        }
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        self.writer.write(0, move |db| records::open(db, epoch_floor)).await
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        let batch = batch.clone();
        let blobs: usize = batch.blobs.iter().map(|blob| blob.bytes.len() + BLOB_OVERHEAD_BYTES).sum();
        let bytes = batch.bytes.len() + blobs;
        self.writer.write(bytes, move |db| records::append(db, epoch, after, &batch)).await
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.readers.read(move |db| records::read(db, after, bytes_max)).await
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.readers.read(move |db| records::read_after_seq(db, seq, bytes_max)).await
    }

    async fn checkpoint(&self, at: Position, bytes: Bytes) -> Result<(), StoreError> {
        let _alone = self.checkpointing.lock().await;
        let Some(id) = self.writer.write(0, move |db| checkpoints::begin(db, at)).await? else {
            return Ok(());
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(checkpoints::PIECE_BYTES_MAX));
            self.writer.write(piece.len(), move |db| checkpoints::add(db, id, &piece)).await?;
        }
        self.writer.write(0, move |db| checkpoints::confirm(db, id, at)).await?;
        self.sweep().await;
        Ok(())
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        self.readers.read(|db| records::tail(db)).await
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        self.readers.read(move |db| records::blob(db, hash)).await
    }
}
