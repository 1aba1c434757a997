//! What went wrong with a SQLite file, said for the person who reads it.

use crate::StoreError;
use rusqlite::{ErrorCode, ffi};
use std::path::Path;

/// What the work inside a transaction fails with. It becomes a [`StoreError`] where the path is
/// known.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    /// The file holds something that cannot be; `0` says what and where.
    Damaged(String),
    /// A person must act; what is wrong.
    Unusable(String),
    /// A rule says no.
    Store(StoreError),
}

impl Fault {
    /// Whether the connection must not be used again: after a failed `fsync` or write nobody
    /// knows which of its pages are on disk.
    pub(crate) fn breaks_the_connection(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt))
    }

    /// Whether there was no room; what was to be written is not there then.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Fault::Sql(error) => no_room(error),
            Fault::Store(error) => matches!(error, StoreError::Full { .. }),
            Fault::Damaged(_) | Fault::Unusable(_) => false,
        }
    }

    /// Whether a write failed, which SQLite also calls it when a quota is used up.
    pub(crate) fn is_failed_write(&self) -> bool {
        let Fault::Sql(error) = self else { return false };
        error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_WRITE)
    }

    /// The error of a store that was already open.
    pub(crate) fn into_store_error(self, path: &Path) -> StoreError {
        let why = match self {
            Fault::Store(error) => return error,
            Fault::Unusable(why) => why,
            Fault::Damaged(why) => format!("the file is damaged: {why}; restore a backup"),
            Fault::Sql(error) if no_room(&error) => {
                let why = format!("there is no room left for {} ({})", path.display(), sentence(&error));
                return StoreError::Full { why };
            }
            Fault::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    format!("the file is damaged: {}; restore a backup", sentence(&error))
                }
                _ => {
                    return StoreError::Unavailable { why: sentence(&error) };
                }
            },
        };
        unusable(path, why)
    }

    /// The error of a store that is being opened for the first time: all but a lock held by
    /// someone else and a full disk is for a person to mend.
    pub(crate) fn into_opening_error(self, path: &Path) -> StoreError {
        let why = match (self.code(), &self) {
            (Some(ErrorCode::NotADatabase), _) => "it is not a SQLite database".to_owned(),
            (Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied), Fault::Sql(error)) => {
                format!("{}; the file and its directory must be readable and writable for this user", sentence(error))
            }
            (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), Fault::Sql(error)) => {
                return StoreError::Unavailable { why: sentence(error) };
            }
            (_, Fault::Sql(error)) if !no_room(error) => sentence(error),
            _ => return self.into_store_error(path),
        };
        unusable(path, why)
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Fault::Sql(error) => error.sqlite_error_code(),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::Store(error)
    }
}

/// The error that names `path` and asks a person to act.
pub(crate) fn unusable(path: &Path, why: String) -> StoreError {
    StoreError::Unusable { path: path.display().to_string(), why }
}

fn no_room(error: &rusqlite::Error) -> bool {
    let Some(error) = error.sqlite_error() else {
        return false;
    };
    // Growing the shared memory file fails on a full disk only, and SQLite does not say FULL then.
    error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
}

/// SQLite's own sentence, and for the many causes of its "disk I/O error", which one.
fn sentence(error: &rusqlite::Error) -> String {
    let Some(code) = error.sqlite_error().filter(|code| code.code == ErrorCode::SystemIoFailure) else {
        return error.to_string();
    };
    let said = match code.extended_code {
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => "syncing to disk failed",
        ffi::SQLITE_IOERR_WRITE => "writing to disk failed",
        ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ => "reading from disk failed",
        _ => "the disk failed",
    };
    format!("{said} ({error}, SQLite code {})", code.extended_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> Fault {
        Fault::Sql(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn each_failure_is_said_by_its_own_error() {
        let path = Path::new("/x");
        let error = |code| failure(code).into_store_error(path);
        assert!(matches!(error(ffi::SQLITE_FULL), StoreError::Full { .. }));
        assert!(matches!(error(ffi::SQLITE_IOERR_SHMSIZE), StoreError::Full { .. }));
        let fsync = error(ffi::SQLITE_IOERR_FSYNC);
        assert!(matches!(&fsync, StoreError::Unavailable { why } if why.contains("syncing")), "{fsync}");
        assert!(matches!(error(ffi::SQLITE_BUSY), StoreError::Unavailable { .. }));
        assert!(matches!(error(ffi::SQLITE_CORRUPT), StoreError::Unusable { .. }));
    }

    #[test]
    fn a_failed_fsync_costs_the_connection_and_a_full_disk_does_not() {
        assert!(failure(ffi::SQLITE_IOERR_FSYNC).breaks_the_connection());
        assert!(!failure(ffi::SQLITE_FULL).breaks_the_connection());
        assert!(!failure(ffi::SQLITE_BUSY).breaks_the_connection());
    }
}
