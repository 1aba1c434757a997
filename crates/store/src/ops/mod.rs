//! What an operator does with a store on disk, beside the broker that runs on it or without one:
//! look at it, check it, back it up, restore it. Everything here blocks.

mod backup;
mod check;
mod database;
mod journal_check;
mod meaning;
mod pack;
mod report;
mod restore;
mod stats;

pub use backup::{BackedUp, backup};
pub use check::check;
pub use meaning::Meaning;
pub use pack::Manifest;
pub use report::{Finding, Report, Severity};
pub use restore::restore;
pub use stats::{CheckpointStats, Stats, stats};

use crate::StoreError;
use database::Database;
use std::path::{Path, PathBuf};

/// Where the parts of one store are.
#[derive(Clone, Debug)]
pub struct Places {
    /// Records, contents and the checkpoint; the store is called after it.
    pub journal: PathBuf,
    pub archive: PathBuf,
    /// There only if texts are kept.
    pub search: PathBuf,
    /// A folder.
    pub files: PathBuf,
    /// Room that is given back when the disk is full.
    pub reserve: PathBuf,
}

impl Places {
    /// Of the store at `path`.
    #[must_use]
    pub fn of(path: &Path) -> Places {
        let beside = |ending: &str| beside(path, ending);
        Places {
            journal: path.to_owned(),
            archive: beside(".archive"),
            search: beside(".search"),
            files: beside(".files"),
            reserve: beside(".reserve"),
        }
    }

    fn database(&self, database: Database) -> &Path {
        match database {
            Database::Archive => &self.archive,
            Database::Search => &self.search,
            Database::Journal => &self.journal,
        }
    }
}

/// The path whose name goes on with `ending`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The path from the root on: SQLite gives `:memory:` and `file:…` a meaning of their own.
fn absolute(path: &Path) -> Result<PathBuf, OpsError> {
    std::path::absolute(path).map_err(|error| OpsError::refused(path, error.to_string()))
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// What is in the way at this path, and what to do.
    #[error("{path}: {why}")]
    Refused { path: String, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpsError {
    pub(crate) fn refused(path: &Path, why: impl Into<String>) -> OpsError {
        OpsError::Refused { path: path.display().to_string(), why: why.into() }
    }
}
