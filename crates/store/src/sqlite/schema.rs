//! Opening the file: whose it is, how it is laid out, how it is written.

use super::migration;
use crate::StoreError;
use crate::fault::{Fault, unusable};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Marks the file as ours ("CBRD"), for `file(1)` and for other programs.
const APPLICATION_ID: i32 = 0x4342_5244;

/// The layout below. A file with a higher number was written by a newer Callboard.
pub(super) const FORMAT: u64 = 2;

/// How long a connection waits for another one's lock.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// How often a new file is switched to a log while others are switching it too.
const LOG_TRIES_MAX: usize = 50;

const META: &str = "CREATE TABLE meta (
        only INTEGER PRIMARY KEY CHECK (only = 1), format INTEGER NOT NULL, epoch INTEGER NOT NULL
    ) STRICT;";

/// `records`: one row per batch, under the number of its last event. Whoever trims must leave the
/// last row: it is the tail. `total` counts the bytes of all records up to this one that ever were,
/// so that the size of any stretch is a difference.
///
/// `parts` lie in layers, each ordered by key: a whole checkpoint, and what changed since over it
/// (no bytes: the part is gone). `checkpoints` says what each layer is.
///
/// Records vouch for one another; `sum` vouches for a content under its number and a part under its key.
pub(super) const LAYOUT: &str = "
    CREATE TABLE records (
        last INTEGER PRIMARY KEY, first INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL,
        at INTEGER NOT NULL, total INTEGER NOT NULL, bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE contents (number INTEGER PRIMARY KEY, bytes BLOB, file BLOB, sum BLOB NOT NULL) STRICT;
    CREATE INDEX contents_by_file ON contents (file) WHERE file IS NOT NULL;
    CREATE TABLE checkpoints (
        layer INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, whole INTEGER NOT NULL,
        epoch INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE parts (
        layer INTEGER NOT NULL, key BLOB NOT NULL, bytes BLOB, sum BLOB NOT NULL, PRIMARY KEY (layer, key)
    ) STRICT, WITHOUT ROWID;
";

/// Opens the file at `path` for the first time in this process, creating it if there is none.
/// Afterwards it is ours, in our format, and complete.
///
/// # Errors
/// `Unusable` with what to do; nothing of a foreign file has been changed then.
pub(super) fn found(path: &Path) -> Result<Connection, StoreError> {
    check_place(path)?;
    let opening = |fault: Fault| fault.into_opening_error(path);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(|error| opening(error.into()))?;
    // Whose file it is comes first: what follows changes it.
    let empty = look_at(&mut connection, path).map_err(opening)?;
    configure(&connection, path).map_err(opening)?;
    if empty {
        lay_out(&mut connection, path).map_err(opening)?;
    }
    if check_format(&connection, path).map_err(opening)? < FORMAT {
        migration::migrate(&mut connection, path).map_err(opening)?;
    }
    // What a killed process left in the log was perhaps never synced: durable before it is read.
    // If another process is alive this does what it can and does not wait.
    move_the_log(&connection).map_err(|error| opening(error.into()))?;
    Ok(connection)
}

/// Opens another connection that writes, after [`found`].
pub(super) fn reopen(path: &Path) -> Result<Connection, Fault> {
    let connection = connect(path, OpenFlags::empty())?;
    configure(&connection, path)?;
    Ok(connection)
}

/// Opens a connection for reading. It may write as far as the file is concerned, so that it can
/// recover the log and the last one to close tidies up; `query_only` keeps it from doing so.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Fault> {
    let connection = connect(path, OpenFlags::empty())?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Brings everything in the log into the file, durably, or fails. What a failed `fsync` left in
/// the log cannot be made durable there, since the kernel no longer takes those pages for dirty;
/// copying them can.
pub(super) fn empty_the_log(connection: &Connection) -> Result<(), Fault> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(FULL)", (), |row| row.get(0))?;
    if busy {
        let why = "the log could not be brought into the file: it is locked".to_owned();
        return Err(StoreError::Unavailable { why }.into());
    }
    Ok(())
}

/// Brings as much of the log into the file as nobody else is reading, without waiting.
pub(super) fn move_the_log(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))
}

/// How many pages the log holds, and how many of them the file does not have yet.
pub(super) fn log_pages(connection: &Connection) -> Result<(u64, u64), rusqlite::Error> {
    let mut look = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
    // Both are -1 as long as there is no log.
    let (all, moved) = look.query_row((), |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    Ok((u64::try_from(all).unwrap_or(0), u64::try_from(all - moved).unwrap_or(0)))
}

fn connect(path: &Path, extra: OpenFlags) -> Result<Connection, rusqlite::Error> {
    // Each connection belongs to one thread at a time, so SQLite need not lock it as well.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    Ok(connection)
}

fn check_place(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        let why = format!("it is a directory; name a file, for example {}/callboard.db", path.display());
        return Err(unusable(path, why));
    }
    match path.parent() {
        Some(directory) if !directory.exists() => {
            let why = format!("its directory does not exist; create it: mkdir -p {}", directory.display());
            Err(unusable(path, why))
        }
        Some(directory) if !directory.is_dir() => {
            Err(unusable(path, format!("{} is not a directory", directory.display())))
        }
        _ => Ok(()),
    }
}

/// [`is_empty`] on one state of the file: another process may be laying it out just now.
fn look_at(connection: &mut Connection, path: &Path) -> Result<bool, Fault> {
    let transaction = connection.transaction()?;
    is_empty(&transaction, path)
}

/// Whether nothing was ever written to the database.
///
/// # Errors
/// `Unusable` if what was written is not ours.
fn is_empty(connection: &Connection, path: &Path) -> Result<bool, Fault> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    match (id, tables) {
        (APPLICATION_ID, _) => Ok(false),
        (0, 0) => Ok(true),
        (0, _) => Err(unusable(path, "it is a database of another program".to_owned()).into()),
        _ => {
            let why = format!("it is a database of another program (application id 0x{id:08x})");
            Err(unusable(path, why).into())
        }
    }
}

/// Sets what makes a commit durable. None but `journal_mode` is stored in the file.
fn configure(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let mode = keep_a_log(connection)?;
    if mode != "wal" {
        let why =
            format!("its file system cannot hold a write-ahead log (journal mode stays {mode}); use a local disk");
        return Err(unusable(path, why).into());
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On a Mac, `fsync` alone does not reach the disk.
    connection.pragma_update(None, "fullfsync", true)?;
    // The writer empties the log itself, after it has answered: SQLite would do so before, and
    // keep a failure to itself.
    connection.query_row("PRAGMA wal_autocheckpoint = 0", (), |_| Ok(()))?;
    Ok(())
}

/// Switches to a write-ahead log and returns the mode there is then. The switch does not wait for
/// the locks of others who open a new file at the same time; beginning a transaction does.
fn keep_a_log(connection: &Connection) -> Result<String, rusqlite::Error> {
    for _ in 1..LOG_TRIES_MAX {
        match connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            }
            outcome => return outcome,
        }
    }
    connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
}

/// Lays the tables out, unless another process has done so meanwhile.
fn lay_out(connection: &mut Connection, path: &Path) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_empty(&transaction, path)? {
        transaction.execute_batch(META)?;
        transaction.execute_batch(LAYOUT)?;
        transaction.execute("INSERT INTO meta VALUES (1, ?1, 0)", [FORMAT])?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()?;
    Ok(())
}

/// The file's format, which is at most ours.
fn check_format(connection: &Connection, path: &Path) -> Result<u64, Fault> {
    let format = format(connection)?;
    if format > FORMAT {
        let why = format!(
            "its format is {format} and this program knows formats up to {FORMAT}: \
             a newer Callboard wrote it, run that one"
        );
        return Err(unusable(path, why).into());
    }
    Ok(format)
}

pub(super) fn format(connection: &Connection) -> Result<u64, Fault> {
    Ok(connection.query_row("SELECT format FROM meta", (), |row| row.get(0))?)
}
