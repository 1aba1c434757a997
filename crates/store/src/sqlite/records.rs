//! Records, inside a transaction.

use super::{checkpoints, contents, migration};
use crate::chain::{self, Append, Cut, Page};
use crate::fault::Fault;
use crate::{Batch, Extent, Keep, Opened, Position, Record, Trimmed};
use rusqlite::{Connection, OptionalExtension, Row};

/// Begins a term, see [`crate::Journal::open`].
pub(super) fn open(db: &Connection, epoch_floor: u64) -> Result<Opened, Fault> {
    let tail = tail(db)?;
    let last = newest_epoch(db)?.max(tail.epoch);
    let epoch = epoch_floor.max(last + 1);
    db.prepare_cached("UPDATE meta SET epoch = ?1")?.execute([epoch])?;
    Ok(Opened { epoch, tail, checkpoint: checkpoints::newest(db)?.map(|(_, at)| at) })
}

/// Writes `batch` after `after`, or finds that it is written, see [`crate::Journal::append`].
pub(super) fn append(db: &Connection, epoch: u64, after: Position, batch: &Batch) -> Result<Position, Fault> {
    let position = match chain::judge_append(newest_epoch(db)?, tail(db)?, epoch, after, batch)? {
        Append::Written(position) => return Ok(position),
        Append::Write(position) => position,
    };
    contents::add(db, &batch.contents)?;
    let sql = "INSERT INTO records (last, first, epoch, hash, at, total, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let total = total(db)? + batch.bytes.len() as u64;
    db.prepare_cached(sql)?.execute((
        position.seq,
        after.seq + 1,
        epoch,
        position.hash,
        batch.at,
        total,
        &batch.bytes[..],
    ))?;
    Ok(position)
}

/// The records after `after`, see [`crate::Journal::read`].
pub(super) fn read(db: &Connection, after: Position, bytes_max: usize) -> Result<Vec<Record>, Fault> {
    let before = last_until(db, after.seq)?;
    let records = page(db, after.seq, bytes_max)?;
    let here = before.filter(|before| before.seq == after.seq);
    chain::judge_read(after, here, records.first(), tail(db)?)?;
    check_chain(Some(after), &records)?;
    Ok(records)
}

/// The records that hold what follows event `seq`, see [`crate::Journal::read_after_seq`].
pub(super) fn read_after_seq(db: &Connection, seq: u64, bytes_max: usize) -> Result<Vec<Record>, Fault> {
    let before = last_until(db, seq)?;
    let records = page(db, seq, bytes_max)?;
    // What the oldest record of a trimmed journal followed is not known here.
    let begins = records.first().is_some_and(|record| record.first == 1);
    check_chain(before.or(begins.then_some(Position::START)), &records)?;
    chain::judge_read_after_seq(seq, records.first())?;
    Ok(records)
}

/// The position of the last record.
pub(super) fn tail(db: &Connection) -> Result<Position, Fault> {
    Ok(last_until(db, u64::MAX)?.unwrap_or(Position::START))
}

/// Removes a piece of the oldest records, see [`crate::Journal::trim`].
pub(super) fn trim(db: &Connection, keep: Keep) -> Result<Trimmed, Fault> {
    // The records of an older format say which contents have which number.
    if migration::is_unfinished(db)? {
        return Ok(Trimmed::default());
    }
    let Extent { tail, bytes, .. } = extent(db, 0)?;
    let checkpoint = checkpoints::newest(db)?.map(|(_, at)| at);
    let mut cut = Cut::new(keep, bytes, checkpoint, tail);
    let mut statement = db.prepare_cached("SELECT last, at, length(bytes) FROM records ORDER BY last")?;
    let mut rows = statement.query(())?;
    let mut end: Option<u64> = None;
    while let Some(row) = rows.next()? {
        let last = row.get(0)?;
        if !cut.takes(last, row.get(1)?, row.get(2)?) {
            break;
        }
        end = Some(last);
    }
    drop(rows);
    if let Some(end) = end {
        db.prepare_cached("DELETE FROM records WHERE last <= ?1")?.execute([end])?;
    }
    Ok(cut.trimmed)
}

/// See [`crate::Journal::extent`]; whoever asks knows the size of the file.
pub(super) fn extent(db: &Connection, disk_bytes: u64) -> Result<Extent, Fault> {
    let (tail, total) = (tail(db)?, total(db)?);
    let sql = "SELECT first, at, total - length(bytes) FROM records ORDER BY last LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let oldest = statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (oldest, oldest_at, before): (u64, i64, u64) = oldest.optional()?.unwrap_or((tail.seq + 1, 0, total));
    Ok(Extent { oldest, oldest_at, tail, bytes: total.saturating_sub(before), disk_bytes })
}

/// Refuses a writer whose term is over, or was never begun here.
pub(super) fn check_epoch(db: &Connection, epoch: u64, at: Position) -> Result<(), Fault> {
    Ok(chain::judge_epoch(newest_epoch(db)?, tail(db)?, epoch, at)?)
}

/// Refuses a position that this journal does not hold as a record's end, unless the record was
/// trimmed.
pub(super) fn check_held(db: &Connection, at: Position) -> Result<(), Fault> {
    let here = last_until(db, at.seq)?.filter(|before| before.seq == at.seq);
    let next = page(db, at.seq, 0)?;
    Ok(chain::judge_read(at, here, next.first(), tail(db)?)?)
}

fn newest_epoch(db: &Connection) -> Result<u64, Fault> {
    Ok(db.prepare_cached("SELECT epoch FROM meta")?.query_row((), |row| row.get(0))?)
}

/// Bytes of all records that ever were.
fn total(db: &Connection) -> Result<u64, Fault> {
    let mut statement = db.prepare_cached("SELECT total FROM records ORDER BY last DESC LIMIT 1")?;
    Ok(statement.query_row((), |row| row.get(0)).optional()?.unwrap_or(0))
}

/// The position of the last record that ends at or before `seq`.
fn last_until(db: &Connection, seq: u64) -> Result<Option<Position>, Fault> {
    let sql = "SELECT epoch, last, hash FROM records WHERE last <= ?1 ORDER BY last DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement.query_row([storable(seq)], |row| position(row, 0)).optional()?)
}

/// The records that end beyond `seq`, as they stand.
fn page(db: &Connection, seq: u64, bytes_max: usize) -> Result<Vec<Record>, Fault> {
    let sql = "SELECT epoch, last, hash, first, bytes FROM records WHERE last > ?1 ORDER BY last";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([storable(seq)])?;
    let mut page = Page::new(bytes_max);
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(4)?;
        let record = Record { first: row.get(3)?, position: position(row, 0)?, bytes: bytes.into() };
        if !page.take(record) {
            break;
        }
    }
    Ok(page.into_items())
}

/// Refuses to serve a record that is not what was written after the one before it.
fn check_chain(before: Option<Position>, records: &[Record]) -> Result<(), Fault> {
    let mut before = before;
    for record in records {
        if before.is_some_and(|before| !chain::follows(before, record)) {
            let Position { epoch, seq, .. } = record.position;
            let first = record.first;
            return Err(Fault::Damaged(format!(
                "the record of events {first} to {seq} (epoch {epoch}) is not what was written there"
            )));
        }
        before = Some(record.position);
    }
    Ok(())
}

/// Epoch, seq and hash in three columns from `column` on.
pub(super) fn position(row: &Row<'_>, column: usize) -> rusqlite::Result<Position> {
    Ok(Position { epoch: row.get(column)?, seq: row.get(column + 1)?, hash: row.get(column + 2)? })
}

/// SQLite's integers end at 2^63 - 1, and so do the numbers of events.
pub(super) fn storable(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
