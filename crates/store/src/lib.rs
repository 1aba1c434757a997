//! Bytes: in order (the journal), by name (the archive), large (the files). This crate does not
//! know what a job is.
//!
//! ```text
//!   journal   one record per batch, dense positions, one writer at a time, hash-chained;
//!             the contents its records name, in the same transaction; checkpoints in parts
//!   archive   what has ended, by number, by name, by what it was about; a reader of the journal
//!   files     contents too large for a record's transaction, named by their hash
//! ```
//!
//! Which engine holds them is chosen by URL: [`open`].

pub mod archive;
mod chain;
mod fault;
pub mod files;
mod journal;
mod memory;
pub mod ops;
mod sqlite;
mod sum;

pub mod contract;

pub use archive::{
    Archive, CountedBy, Counts, Entry, Facet, Found, Holdings, Memo, MemoryArchive, Place, Postings, Query, Row,
    SqliteArchive, Totals,
};
pub use files::{DirectoryFiles, Files, Hold, MemoryFiles};
pub use journal::{
    Batch, Body, Content, Extent, FileHash, Journal, Keep, Opened, Part, Parts, Position, Record, Room, StoreError,
    Trimmed,
};
pub use memory::MemoryJournal;
pub use sqlite::SqliteJournal;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The three of one board.
#[derive(Clone)]
pub struct Store {
    pub journal: Arc<dyn Journal>,
    pub archive: Arc<dyn Archive>,
    pub files: Arc<dyn Files>,
}

/// What an engine may be told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keep the text of what has ended, so that it can be searched.
    pub search: bool,
}

/// Chooses the engine by the scheme of `url`: `sqlite:<path>` or `memory:`.
///
/// # Errors
/// [`StoreError::BadUrl`] names the schemes there are. A file that cannot be opened or is
/// not ours is [`StoreError::Unusable`], with the path.
pub fn open(url: &str, options: &Options) -> Result<Store, StoreError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Store {
            journal: Arc::new(MemoryJournal::new()),
            archive: Arc::new(MemoryArchive::new(options.search)),
            files: Arc::new(MemoryFiles::new()),
        }),
        Some(("sqlite", path)) if !path.is_empty() => {
            let path = Path::new(path);
            let search = options.search.then(|| beside(path, "search"));
            Ok(Store {
                journal: Arc::new(SqliteJournal::new(path)?),
                archive: Arc::new(SqliteArchive::new(beside(path, "archive"), search.as_deref())?),
                files: Arc::new(DirectoryFiles::new(beside(path, "files"))?),
            })
        }
        _ => Err(StoreError::BadUrl { url: url.to_owned() }),
    }
}

/// `callboard.db.archive` beside `callboard.db`.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(what);
    name.into()
}
