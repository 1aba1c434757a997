//! The checkpoint, in pieces: a state of hundreds of megabytes in one transaction would hold up
//! every append behind it, so it is written piece by piece between them and then confirmed.

use super::fault::Fault;
use super::records;
use crate::{Checkpoint, Position, StoreError};
use rusqlite::{Connection, OptionalExtension};

/// How much one transaction holds up an append at most.
pub(super) const PIECE_BYTES_MAX: usize = 256 * 1024;

/// Begins a checkpoint at `at` and returns its id, or `None` if there is a newer one.
pub(super) fn begin(db: &Connection, at: Position) -> Result<Option<i64>, Fault> {
    records::check_held(db, at)?;
    if confirmed(db)?.is_some_and(|(_, newest)| newest.seq > at.seq) {
        return Ok(None);
    }
    db.prepare_cached("INSERT INTO checkpoints (epoch, seq, hash, confirmed) VALUES (?1, ?2, ?3, 0)")?
        .execute((at.epoch, at.seq, at.hash))?;
    Ok(Some(db.last_insert_rowid()))
}

/// Adds the next piece to the checkpoint `id`.
pub(super) fn add(db: &Connection, id: i64, piece: &[u8]) -> Result<(), Fault> {
    db.prepare_cached("INSERT INTO pieces (checkpoint, bytes) VALUES (?1, ?2)")?.execute((id, piece))?;
    Ok(())
}

/// Makes the checkpoint `id`, all of whose pieces are written, the newest.
pub(super) fn confirm(db: &Connection, id: i64, at: Position) -> Result<(), Fault> {
    match confirmed(db)? {
        Some((_, newest)) if newest.seq > at.seq => return Ok(()),
        // Another process confirmed one and sweeps what is older than it: ours, in part.
        Some((newest, _)) if newest > id => {
            let why = "another broker wrote a checkpoint meanwhile".to_owned();
            return Err(StoreError::Unavailable { why }.into());
        }
        _ => {}
    }
    records::check_held(db, at)?;
    db.prepare_cached("UPDATE checkpoints SET confirmed = 1 WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Removes one piece of what came before the newest checkpoint, also of what was never confirmed.
/// False when there is none left.
pub(super) fn sweep(db: &Connection) -> Result<bool, Fault> {
    let Some((newest, _)) = confirmed(db)? else {
        return Ok(false);
    };
    let sql = "DELETE FROM pieces WHERE id = (SELECT id FROM pieces WHERE checkpoint < ?1 LIMIT 1)";
    if db.prepare_cached(sql)?.execute([newest])? > 0 {
        return Ok(true);
    }
    db.prepare_cached("DELETE FROM checkpoints WHERE id < ?1")?.execute([newest])?;
    Ok(false)
}

/// The newest confirmed checkpoint, whole.
pub(super) fn newest(db: &Connection) -> Result<Option<Checkpoint>, Fault> {
    let Some((id, at)) = confirmed(db)? else {
        return Ok(None);
    };
    let mut statement = db.prepare_cached("SELECT bytes FROM pieces WHERE checkpoint = ?1 ORDER BY id")?;
    let mut rows = statement.query([id])?;
    let mut bytes = Vec::new();
    while let Some(row) = rows.next()? {
        let piece = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        bytes.extend_from_slice(piece);
    }
    Ok(Some(Checkpoint { at, bytes: bytes.into() }))
}

/// Of several confirmed ones, the one that stands furthest on; of those, the last.
fn confirmed(db: &Connection) -> Result<Option<(i64, Position)>, Fault> {
    let sql = "SELECT id, epoch, seq, hash FROM checkpoints WHERE confirmed = 1
               ORDER BY seq DESC, id DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_row((), |row| Ok((row.get(0)?, records::position(row, 1)?)));
    Ok(found.optional()?)
}
