//! From format 1, whose contents had hashes and whose checkpoint was one value, to ours. Which
//! content has which number stands in the records, and those only the broker reads: the old
//! contents and the old state stay until it has named them all.

use super::{contents, records, schema};
use crate::fault::{Fault, unusable};
use crate::{Body, Content, FileHash, Position};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Room for the copy, for the records in their new table, and for the log on its way there.
const ROOM_FILES: u64 = 3;

/// Changes the file at `path` from format 1 to ours, after a copy was made. All of it or nothing:
/// after a crash it is begun anew.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Fault> {
    copy(connection, path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it meanwhile.
    if schema::format(&transaction)? == 1 {
        transaction.execute_batch(
            "ALTER TABLE records RENAME TO old_records; ALTER TABLE checkpoints RENAME TO old_checkpoints;",
        )?;
        transaction.execute_batch(schema::LAYOUT)?;
        move_records(&transaction)?;
        transaction.execute("UPDATE meta SET format = ?1", [schema::FORMAT])?;
    }
    transaction.commit()?;
    // The log is as large as the records just now.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    Ok(())
}

fn move_records(db: &Connection) -> Result<(), Fault> {
    let mut old = db.prepare("SELECT last, first, epoch, hash, bytes FROM old_records ORDER BY last")?;
    let mut new = db.prepare("INSERT INTO records VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)")?;
    let mut rows = old.query(())?;
    let mut total = 0;
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(4)?;
        total += bytes.len();
        let (last, first, epoch): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        new.execute((last, first, epoch, row.get::<_, [u8; 8]>(3)?, total, bytes))?;
    }
    drop(rows);
    drop(old);
    Ok(db.execute_batch("DROP TABLE old_records")?)
}

/// Writes `<path>.format-1`, durable before anything is changed.
fn copy(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let (copy, unfinished) = (beside(".format-1"), beside(".format-1.part"));
    let failed = |error: io::Error| unusable(path, format!("its format is 1, and {}: {error}", copy.display()));
    let folder = path.parent().unwrap_or(path);

    let size: u64 =
        connection.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", (), |row| {
            row.get(0)
        })?;
    let found = rustix::fs::statvfs(folder).map_err(|error| failed(error.into()))?;
    check_room(path, size, found.f_bavail.saturating_mul(found.f_frsize))?;
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error).into()),
        _ => {}
    }
    let name = unfinished.to_str().ok_or_else(|| unusable(path, "its path is not UTF-8".to_owned()))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    let finish = || {
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, &copy)?;
        File::open(folder)?.sync_all()
    };
    finish().map_err(failed)?;
    tracing::info!(path = %path.display(), copy = %copy.display(), "the store's format is changed, a copy was kept");
    Ok(())
}

fn check_room(path: &Path, size: u64, free: u64) -> Result<(), Fault> {
    let needed = size.saturating_mul(ROOM_FILES);
    if free >= needed {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path).display();
    let why = format!(
        "its format is 1; to change it, and to keep a copy, {needed} bytes must be free and {free} are: \
         make room in {folder}"
    );
    Err(unusable(path, why).into())
}

/// Whether contents without numbers are left.
pub(super) fn is_unfinished(db: &Connection) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'blobs')";
    Ok(db.prepare_cached(sql)?.query_row((), |row| row.get(0))?)
}

/// See [`crate::Journal::legacy_checkpoint`].
pub(super) fn checkpoint(db: &Connection) -> Result<Option<(Position, Bytes)>, Fault> {
    if !is_unfinished(db)? {
        return Ok(None);
    }
    let sql = "SELECT id, epoch, seq, hash FROM old_checkpoints WHERE confirmed = 1
               ORDER BY seq DESC, id DESC LIMIT 1";
    let newest = db.query_row(sql, (), |row| Ok((row.get::<_, i64>(0)?, records::position(row, 1)?)));
    let Some((id, at)) = newest.optional()? else {
        return Ok(Some((Position::START, Bytes::new())));
    };
    let mut statement = db.prepare("SELECT bytes FROM pieces WHERE checkpoint = ?1 ORDER BY id")?;
    let mut rows = statement.query([id])?;
    let mut bytes = Vec::new();
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    Ok(Some((at, bytes.into())))
}

/// See [`crate::Journal::legacy_name`].
pub(super) fn name(db: &Connection, names: &[(FileHash, u64)], last: bool) -> Result<(), Fault> {
    if !is_unfinished(db)? {
        return Ok(());
    }
    let mut statement = db.prepare_cached("SELECT bytes FROM blobs WHERE hash = ?1")?;
    for (hash, number) in names {
        let bytes: Option<Vec<u8>> = statement.query_row([hash.0], |row| row.get(0)).optional()?;
        let content = bytes.map(|bytes| Content { number: *number, body: Body::Inline(bytes.into()) });
        contents::add(db, content.as_slice())?;
    }
    drop(statement);
    if last {
        db.execute_batch("DROP TABLE blobs; DROP TABLE old_checkpoints; DROP TABLE pieces;")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;

    #[test]
    fn a_change_of_format_without_room_for_it_is_refused_with_what_is_missing() {
        let path = Path::new("/p/callboard.db");
        assert!(check_room(path, 1_000, 3_000).is_ok());
        let Err(Fault::Store(StoreError::Unusable { why, .. })) = check_room(path, 1_000, 2_999) else {
            panic!("there was no room");
        };
        assert!(why.contains("3000 bytes must be free and 2999 are: make room in /p"), "{why}");
    }
}
