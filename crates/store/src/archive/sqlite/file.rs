//! The archive's files: whose they are, how they are laid out, what fails.

use crate::StoreError;
use crate::fault::Fault;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a connection waits for another one's lock.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// Pages that the writer keeps, in KiB: enough for the postings of a chunk and the inner pages of
/// the rest.
const WRITER_CACHE_KIB: i32 = 32 * 1024;
/// Pages that each reader keeps, in KiB.
const READER_CACHE_KIB: i32 = 8 * 1024;

/// The tables of one file.
struct Layout {
    /// The file's name in SQL.
    schema: &'static str,
    /// Marks the file as ours, for `file(1)` and for other programs.
    application_id: i32,
    /// A file of a higher format was written by a newer Callboard.
    format: u64,
    tables: &'static str,
    /// A table that files of this format may lack, and how it is made of what they have.
    later: Option<(&'static str, &'static str)>,
}

/// `rows`: the entries. `about` is what it takes to take one back. Both indexes grow at their end.
///
/// `names`: with the number in the key, so that an older entry of a name is found again when a
/// newer one is taken back.
///
/// `postings`: the numbers of a facet in a chunk, see `members.rs`; of kind -1: all there are.
/// Keyed by chunk first, so that what is written together lies together. Sets of more than
/// `SMALL_BYTES_MAX` are in `large_sets`: a key that does not fit into its page is read whole from
/// others whenever it is compared with, and so would they be as a part of this one.
///
/// `places`: the last one is where the archive stands.
const ARCHIVE: Layout = Layout {
    schema: "main",
    application_id: 0x4342_4152, // CBAR
    format: 1,
    tables: "
    CREATE TABLE rows (
        number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL,
        content_bytes INTEGER NOT NULL, is_dropped INTEGER NOT NULL, about BLOB NOT NULL, bytes BLOB NOT NULL
    ) STRICT;
    CREATE INDEX rows_by_end ON rows (seq, ended);
    CREATE INDEX rows_held ON rows (seq, content_bytes) WHERE is_dropped = 0 AND content_bytes > 0;
    CREATE TABLE names (name TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (name, number)) STRICT, WITHOUT ROWID;
    CREATE TABLE memos (name TEXT PRIMARY KEY, until INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
    CREATE INDEX memos_by_end ON memos (until);
    CREATE TABLE postings (
        chunk INTEGER NOT NULL, kind INTEGER NOT NULL, value TEXT NOT NULL, members BLOB NOT NULL,
        large INTEGER, PRIMARY KEY (chunk, kind, value)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE large_sets (id INTEGER PRIMARY KEY, members BLOB NOT NULL) STRICT;
    CREATE TABLE counts (
        day INTEGER NOT NULL, of_group TEXT NOT NULL, word TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (day, of_group, word)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE removals (number INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE places (
        id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
        before INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE meta (format INTEGER NOT NULL, entries INTEGER NOT NULL, content_bytes INTEGER NOT NULL) STRICT;
    INSERT INTO meta VALUES (1, 0, 0);
    ",
    later: Some(("totals", TOTALS)),
};

/// `counts` of all days. Triggers keep it, so that it is right whichever program of this format
/// writes.
const TOTALS: &str = "
    CREATE TABLE totals (
        of_group TEXT NOT NULL, word TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (of_group, word)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO totals SELECT of_group, word, sum(count) FROM counts GROUP BY of_group, word;
    CREATE TRIGGER count_added AFTER INSERT ON counts BEGIN
        INSERT INTO totals VALUES (new.of_group, new.word, new.count)
        ON CONFLICT DO UPDATE SET count = count + excluded.count;
    END;
    CREATE TRIGGER count_changed AFTER UPDATE ON counts BEGIN
        UPDATE totals SET count = count + new.count - old.count WHERE of_group = new.of_group AND word = new.word;
    END;
    CREATE TRIGGER count_removed AFTER DELETE ON counts BEGIN
        UPDATE totals SET count = count - old.count WHERE of_group = old.of_group AND word = old.word;
        DELETE FROM totals WHERE of_group = old.of_group AND word = old.word AND count = 0;
    END;
";

/// Texts by the numbers of their entries; only their words are kept.
const SEARCH: Layout = Layout {
    schema: "search",
    application_id: 0x4342_5354, // CBST
    format: 1,
    tables: "
    CREATE TABLE search.meta (format INTEGER NOT NULL) STRICT;
    INSERT INTO search.meta VALUES (1);
    CREATE VIRTUAL TABLE search.texts USING fts5(
        text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
    );
    ",
    later: None,
};

/// Where the files are.
#[derive(Clone)]
pub(super) struct Paths {
    pub(super) archive: PathBuf,
    pub(super) search: Option<PathBuf>,
}

impl Paths {
    /// Opens the files for writing, creating those that are not there. Afterwards they are ours,
    /// in our format and complete, and what can be read is durable.
    pub(super) fn open(&self) -> Result<Connection, StoreError> {
        let opening = |path: &Path, fault: Fault| fault.into_opening_error(path);
        let archive = &self.archive;
        let mut connection =
            connect(archive, OpenFlags::SQLITE_OPEN_CREATE).map_err(|error| opening(archive, error.into()))?;
        ARCHIVE.make_ours(&mut connection).map_err(|fault| opening(archive, fault))?;
        if let Some(search) = &self.search {
            let attached = attach(&connection, search).map_err(Fault::from);
            attached.and_then(|()| SEARCH.make_ours(&mut connection)).map_err(|fault| opening(search, fault))?;
        }
        self.configure(&connection).map_err(|fault| opening(archive, fault))?;
        // What a killed process left in the log was perhaps never synced.
        empty_the_log(&connection, "PASSIVE").map_err(|fault| opening(archive, fault))?;
        Ok(connection)
    }

    /// Opens the writer's connection again after a failure, with all that can be read made durable:
    /// what a failed `fsync` left in the log must not pass for written.
    pub(super) fn reopen(&self) -> Result<Connection, Fault> {
        let connection = self.connect()?;
        self.configure(&connection)?;
        empty_the_log(&connection, "FULL")?;
        Ok(connection)
    }

    /// Opens a connection for reading. It can recover the log as a writer could.
    pub(super) fn open_reader(&self) -> Result<Connection, Fault> {
        let connection = self.connect()?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(connection)
    }

    fn connect(&self) -> Result<Connection, Fault> {
        let connection = connect(&self.archive, OpenFlags::empty())?;
        if let Some(search) = &self.search {
            attach(&connection, search)?;
        }
        Ok(connection)
    }

    /// Sets what makes a commit durable.
    fn configure(&self, connection: &Connection) -> Result<(), Fault> {
        connection.pragma_update(None, "synchronous", "FULL")?;
        if self.search.is_some() {
            connection.pragma_update(Some("search"), "synchronous", "FULL")?;
        }
        // On a Mac, `fsync` alone does not reach the disk.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        // The writer empties the log itself: SQLite would keep a failure of that to itself.
        connection.query_row("PRAGMA wal_autocheckpoint = 0", (), |_| Ok(()))?;
        Ok(())
    }

    /// Bytes of the files and their logs.
    pub(super) fn disk_bytes(&self) -> u64 {
        let files = [Some(&self.archive), self.search.as_ref()].into_iter().flatten();
        let logs = files.clone().map(|path| {
            let mut log = path.clone().into_os_string();
            log.push("-wal");
            PathBuf::from(log)
        });
        files.cloned().chain(logs).filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
    }
}

fn connect(path: &Path, extra: OpenFlags) -> Result<Connection, rusqlite::Error> {
    // Each connection belongs to one thread at a time, so SQLite need not lock it as well.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Both files on one connection; each is written in transactions of its own all the same, because
/// one over both is whole in each file but not over both.
fn attach(connection: &Connection, search: &Path) -> Result<(), rusqlite::Error> {
    connection.execute("ATTACH ?1 AS search", [search.to_string_lossy()]).map(drop)
}

/// Brings the logs into the files: `FULL` all of them, or fails; `PASSIVE` what nobody is reading.
pub(super) fn empty_the_log(connection: &Connection, how: &str) -> Result<(), Fault> {
    let busy: bool = connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), (), |row| row.get(0))?;
    if busy && how == "FULL" {
        let why = "the log could not be brought into the file: it is locked".to_owned();
        return Err(StoreError::Unavailable { why }.into());
    }
    Ok(())
}

impl Layout {
    fn make_ours(&self, connection: &mut Connection) -> Result<(), Fault> {
        let schema = self.schema;
        // Whose file it is comes first: what follows changes it.
        self.is_empty(connection)?;
        let mode: String =
            connection.query_row(&format!("PRAGMA {schema}.journal_mode = WAL"), (), |row| row.get(0))?;
        if mode != "wal" {
            let why = format!("its file system cannot hold a write-ahead log (journal mode stays {mode})");
            return Err(Fault::Unusable(format!("{why}; use a local disk")));
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if self.is_empty(&transaction)? {
            transaction.execute_batch(self.tables)?;
            transaction.pragma_update(Some(schema), "application_id", self.application_id)?;
        }
        let known = self.format;
        let format: u64 = transaction.query_row(&format!("SELECT format FROM {schema}.meta"), (), |row| row.get(0))?;
        if format > known {
            return Err(Fault::Unusable(format!(
                "its format is {format} and this program knows formats up to {known}: \
                 a newer Callboard wrote it, run that one"
            )));
        }
        if let Some((table, make)) = self.later
            && !transaction.table_exists(Some(schema), table)?
        {
            transaction.execute_batch(make)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Whether nothing was ever written to it.
    fn is_empty(&self, connection: &Connection) -> Result<bool, Fault> {
        let schema = self.schema;
        let id: i32 = connection.pragma_query_value(Some(schema), "application_id", |row| row.get(0))?;
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {schema}.sqlite_schema)");
        let has_tables: bool = connection.query_row(&sql, (), |row| row.get(0))?;
        match (id, has_tables) {
            (id, _) if id == self.application_id => Ok(false),
            (0, false) => Ok(true),
            _ => Err(Fault::Unusable(format!("it is a database of another program (application id 0x{id:08x})"))),
        }
    }
}

/// What can only be if the file is damaged; `what` is and where.
pub(super) fn damaged(what: &str) -> Fault {
    Fault::Unusable(format!(
        "it is damaged: {what}; restore a backup, or move it away: it is then filled as far back as the journal reaches"
    ))
}
