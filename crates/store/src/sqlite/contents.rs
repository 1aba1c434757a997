//! Contents under their numbers, inside a transaction.

use super::records::storable;
use crate::fault::Fault;
use crate::sum::{SUM_BYTES, sum};
use crate::{Body, Content, FileHash};
use rusqlite::Connection;
use std::ops::RangeInclusive;

/// Stores what has a number that is free.
pub(super) fn add(db: &Connection, contents: &[Content]) -> Result<(), Fault> {
    if contents.is_empty() {
        return Ok(());
    }
    let sql = "INSERT OR IGNORE INTO contents (number, bytes, file, sum) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = db.prepare_cached(sql)?;
    for Content { number, body } in contents {
        match body {
            Body::Inline(bytes) => statement.execute((number, &bytes[..], None::<&[u8]>, sum_of(*number, bytes)))?,
            Body::File(file) => statement.execute((number, None::<&[u8]>, file.0, sum_of(*number, &file.0)))?,
        };
    }
    Ok(())
}

/// What vouches for the bytes, or for the name of the file, under this number.
pub(crate) fn sum_of(number: u64, body: &[u8]) -> [u8; SUM_BYTES] {
    sum(&number.to_le_bytes(), body)
}

/// See [`crate::Journal::content`].
pub(super) fn content(db: &Connection, number: u64) -> Result<Option<Body>, Fault> {
    let Ok(number) = i64::try_from(number) else {
        return Ok(None);
    };
    let mut statement = db.prepare_cached("SELECT bytes, file, sum FROM contents WHERE number = ?1")?;
    let mut rows = statement.query([number])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (bytes, file): (Option<Vec<u8>>, Option<[u8; 32]>) = (row.get(0)?, row.get(1)?);
    let kept: [u8; SUM_BYTES] = row.get(2)?;
    let is_whole = |body: &[u8]| sum_of(number.cast_unsigned(), body) == kept;
    match (bytes, file) {
        (Some(bytes), None) if is_whole(&bytes) => Ok(Some(Body::Inline(bytes.into()))),
        (None, Some(file)) if is_whole(&file) => Ok(Some(Body::File(FileHash(file)))),
        _ => Err(Fault::Damaged(format!("content {number} is not what was written"))),
    }
}

/// See [`crate::Journal::remove_contents`].
pub(super) fn remove(db: &Connection, numbers: &[RangeInclusive<u64>]) -> Result<(), Fault> {
    let mut statement = db.prepare_cached("DELETE FROM contents WHERE number BETWEEN ?1 AND ?2")?;
    for range in numbers {
        statement.execute((storable(*range.start()), storable(*range.end())))?;
    }
    Ok(())
}

/// See [`crate::Journal::names_file`].
pub(super) fn names_file(db: &Connection, file: FileHash) -> Result<bool, Fault> {
    let mut statement = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM contents WHERE file = ?1)")?;
    Ok(statement.query_row([file.0], |row| row.get(0))?)
}
