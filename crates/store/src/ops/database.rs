//! The databases of a store, opened to be read beside whoever writes them.

use super::OpsError;
use crate::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a lock is waited for that is held for a moment only.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// Which of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Database {
    Archive,
    Search,
    Journal,
}

impl Database {
    /// In the order in which they are copied: the archive stands at a place that the journal,
    /// copied later, holds.
    pub(super) const ALL: [Database; 3] = [Database::Archive, Database::Search, Database::Journal];

    /// What it is called in a backup.
    pub(super) fn name(self) -> &'static str {
        match self {
            Database::Archive => "callboard.db.archive",
            Database::Search => "callboard.db.search",
            Database::Journal => "callboard.db",
        }
    }

    /// The application id and the newest format that this program knows.
    fn known(self) -> (i32, u64) {
        match self {
            Database::Archive => (0x4342_4152, 1),
            Database::Search => (0x4342_5354, 1),
            Database::Journal => (0x4342_5244, 2),
        }
    }

    /// Opens it at `path`. Nothing can be written through it.
    ///
    /// # Errors
    /// `Refused` if it is not there, not ours, or of another format.
    pub(super) fn open(self, path: &Path) -> Result<Connection, OpsError> {
        if !path.is_file() {
            let why = match self {
                Database::Journal => "there is no store; name the one that the broker is started with (--store)",
                _ => "this part of the store is missing; a broker that is started on the store makes it",
            };
            return Err(OpsError::refused(path, why));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, &error))?;
        connection.busy_timeout(LOCK_WAIT_MAX).map_err(|error| failed(path, &error))?;
        let (known_id, known_format) = self.known();
        let id: i32 = connection
            .pragma_query_value(None, "application_id", |row| row.get(0))
            .map_err(|error| failed(path, &error))?;
        if id != known_id {
            return Err(OpsError::refused(path, "is no file of Callboard, or not the one of this name"));
        }
        let format: u64 = connection
            .query_row("SELECT format FROM meta", (), |row| row.get(0))
            .map_err(|error| failed(path, &error))?;
        match format.cmp(&known_format) {
            std::cmp::Ordering::Equal => Ok(connection),
            std::cmp::Ordering::Less => {
                let why =
                    format!("its format is {format}, this program's is {known_format}; start a broker on it once");
                Err(OpsError::refused(path, why))
            }
            std::cmp::Ordering::Greater => {
                let why = format!("its format is {format}: a newer Callboard wrote it, use that one");
                Err(OpsError::refused(path, why))
            }
        }
    }
}

/// Whether the file itself is not what it should be, and not the moment.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure),
        // A value of another kind, or none where there must be one.
        None => true,
    }
}

/// The error of reading the database at `path`.
pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> OpsError {
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { why: format!("{}: {why}", path.display()) }.into(),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpsError::refused(path, format!("{why}; the file and its folder must be readable for this user"))
        }
        _ if is_damage(error) => OpsError::refused(path, format!("is damaged: {why}; restore a backup")),
        _ => StoreError::Unavailable { why: format!("{}: {why}", path.display()) }.into(),
    }
}
