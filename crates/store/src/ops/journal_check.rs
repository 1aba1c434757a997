//! Is the journal what was written? Reads one state of it, whole and in order, with statements of
//! its own: what is checked shall not be asked.

use super::Report;
use crate::sqlite::sum_of;
use crate::sum::sum;
use crate::{Position, Record, chain};
use rusqlite::{Connection, OptionalExtension, Row};

/// Whether each record follows the one before it, the newest checkpoint is whole and records go on
/// from where it stands, and each content is one.
pub(super) fn check(db: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let newest = "SELECT epoch, seq, hash FROM checkpoints WHERE state = 'confirmed' ORDER BY layer DESC LIMIT 1";
    let checkpoint = db.query_row(newest, (), position).optional()?;
    check_records(db, checkpoint, report)?;
    check_parts(db, checkpoint, report)?;
    check_contents(db, report)
}

fn check_records(db: &Connection, checkpoint: Option<Position>, report: &mut Report) -> rusqlite::Result<()> {
    let mut chain = Chain { before: None, checkpoint, goes_on: false };
    let mut statement = db.prepare("SELECT epoch, last, hash, first, bytes, at, total FROM records ORDER BY last")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(4)?;
        let record = Record { first: row.get(3)?, position: position(row)?, bytes: bytes.into() };
        report.records += 1;
        if let Some(wrong) = chain.link(&record, row.get(5)?, row.get(6)?) {
            let (first, last) = (record.first, record.position.seq);
            report.damage(format!("journal: the record of events {first} to {last} {wrong}; restore a backup"));
        }
    }
    let begins = chain.before.is_none() && checkpoint.is_none_or(|checkpoint| checkpoint == Position::START);
    if !chain.goes_on && !begins {
        let from =
            checkpoint.map_or("the beginning".to_owned(), |at| format!("the newest checkpoint (event {})", at.seq));
        report.damage(format!("journal: no record goes on from {from}, so a broker cannot start; restore a backup"));
    }
    Ok(())
}

/// The records so far.
struct Chain {
    /// The last one's position, its time, and the bytes of all up to it.
    before: Option<(Position, i64, u64)>,
    checkpoint: Option<Position>,
    /// The state to begin from stands where a record ends or the first one begins.
    goes_on: bool,
}

impl Chain {
    /// Takes the next record, and says what is wrong with it. What follows is judged by it.
    fn link(&mut self, record: &Record, at: i64, total: u64) -> Option<&'static str> {
        let bytes = record.bytes.len() as u64;
        let from = self.checkpoint.unwrap_or(Position::START);
        let known = match self.before {
            Some((before, ..)) => Some(before),
            // What it follows was trimmed, unless it is where everything begins from.
            None if record.first == 1 => Some(Position::START),
            None => Some(from).filter(|from| from.seq.saturating_add(1) == record.first),
        };
        self.goes_on |= known == Some(from) || record.position == from;
        let (before, at_before, total_before) =
            self.before.unwrap_or((Position::START, i64::MIN, total.saturating_sub(bytes)));
        self.before = Some((record.position, at, total));
        match known {
            Some(known) if record.first != known.seq.saturating_add(1) => {
                Some("does not follow the one before it: events are missing")
            }
            Some(known) if !chain::follows(known, record) => Some("is not what was written there"),
            _ if record.position.epoch < before.epoch || at < at_before => Some("is older than the one before it"),
            _ if total.checked_sub(bytes) != Some(total_before) => Some("is counted wrongly"),
            _ => None,
        }
    }
}

fn check_parts(db: &Connection, checkpoint: Option<Position>, report: &mut Report) -> rusqlite::Result<()> {
    let whole = "SELECT EXISTS (SELECT 1 FROM checkpoints WHERE state = 'confirmed' AND whole)";
    if checkpoint.is_some() && !db.query_row(whole, (), |row| row.get::<_, bool>(0))? {
        report.damage("journal: what the newest checkpoint changes is not there; restore a backup");
    }
    let astray = "SELECT count(*) FROM parts WHERE layer NOT IN (SELECT layer FROM checkpoints)";
    let astray: u64 = db.query_row(astray, (), |row| row.get(0))?;
    if astray > 0 {
        report.damage(format!("journal: {astray} parts belong to no checkpoint; restore a backup"));
    }
    let mut statement = db.prepare("SELECT key, bytes, sum FROM parts")?;
    let mut rows = statement.query(())?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        let (key, bytes) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob_or_null()?);
        damaged += u64::from(sum(key, bytes.unwrap_or_default())[..] != *row.get_ref(2)?.as_blob()?);
    }
    if damaged > 0 {
        report.damage(format!("journal: {damaged} parts of the checkpoint are not what was written; restore a backup"));
    }
    Ok(())
}

fn check_contents(db: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT number, bytes, file, sum FROM contents ORDER BY number")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let number: u64 = row.get(0)?;
        report.contents += 1;
        let (bytes, file) = (row.get_ref(1)?.as_blob_or_null()?, row.get_ref(2)?.as_blob_or_null()?);
        let kept = row.get_ref(3)?.as_blob()?;
        let body = bytes.xor(file).filter(|_| file.is_none_or(|file| file.len() == 32));
        if body.is_none_or(|body| sum_of(number, body)[..] != *kept) {
            report.damage(format!("journal: content {number} is not what was written; restore a backup"));
        }
    }
    Ok(())
}

/// Epoch, seq and hash in the first three columns.
pub(super) fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    Ok(Position { epoch: row.get(0)?, seq: row.get(1)?, hash: row.get(2)? })
}
