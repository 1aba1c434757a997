//! Bytes: in order (the journal), by name (the blobs). This crate does not know what a job is.
//!
//! ```text
//!   journal   one record per batch, dense positions, one writer at a time, hash-chained
//!   blobs     payloads and results, named by their hash, written in the record's own transaction
//! ```
//!
//! Which engine holds them is chosen by URL: [`open`].

mod chain;
mod journal;
mod memory;
mod sqlite;

pub mod contract;

pub use journal::{Batch, Blob, BlobHash, Checkpoint, Journal, Opened, Position, Record, StoreError};
pub use memory::MemoryJournal;
pub use sqlite::SqliteJournal;

use std::sync::Arc;

/// Chooses the engine by the scheme of `url`: `sqlite:<path>` or `memory:`.
///
/// # Errors
/// [`StoreError::BadUrl`] names the schemes there are. A file that cannot be opened or is
/// not ours is [`StoreError::Unusable`], with the path.
pub fn open(url: &str) -> Result<Arc<dyn Journal>, StoreError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryJournal::new())),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Arc::new(SqliteJournal::new(path)?)),
        _ => Err(StoreError::BadUrl { url: url.to_owned() }),
    }
}
