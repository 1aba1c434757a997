//! Where the archive stands and stood.

use crate::fault::Fault;
use crate::{Place, Position};
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// So many of the newest places are kept, and of older ones every so-many-th, and of those that
/// are older still every so-many-th of these, and so on.
const KEPT: i64 = 64;

/// The newest place.
pub(super) fn newest(tx: &Transaction<'_>) -> Result<Place, Fault> {
    let sql = "SELECT epoch, seq, hash, before FROM places ORDER BY id DESC LIMIT 1";
    Ok(tx.prepare_cached(sql)?.query_row((), place_in).optional()?.unwrap_or(Place::START))
}

/// All but the newest, newest first.
pub(super) fn earlier(tx: &Transaction<'_>) -> Result<Vec<Place>, Fault> {
    let sql = "SELECT epoch, seq, hash, before FROM places ORDER BY id DESC LIMIT -1 OFFSET 1";
    Ok(tx.prepare_cached(sql)?.query_map((), place_in)?.collect::<Result<_, _>>()?)
}

/// Makes `place` the newest, if it is not.
pub(super) fn move_to(tx: &Transaction<'_>, place: Place) -> Result<(), Fault> {
    if newest(tx)? == place {
        return Ok(());
    }
    let Place { position: Position { epoch, seq, hash }, before } = place;
    let mut put =
        tx.prepare_cached("INSERT INTO places (epoch, seq, hash, before) VALUES (?1, ?2, ?3, ?4) RETURNING id")?;
    let id: i64 = put.query_row(params![epoch, seq, hash, before], |row| row.get(0))?;
    let mut thin_out = tx.prepare_cached("DELETE FROM places WHERE id = ?1")?;
    let mut step = 1_i64;
    while id > step * KEPT {
        let old = id - step * KEPT;
        if old % (step * KEPT) != 0 {
            thin_out.execute([old])?;
        }
        step *= KEPT;
    }
    Ok(())
}

/// Forgets what lies beyond `place` and makes it the newest.
pub(super) fn cut_back(tx: &Transaction<'_>, place: Place) -> Result<(), Fault> {
    tx.execute("DELETE FROM places WHERE seq > ?1", [place.position.seq])?;
    move_to(tx, place)
}

pub(super) fn place_in(row: &Row<'_>) -> Result<Place, rusqlite::Error> {
    let position = Position { epoch: row.get(0)?, seq: row.get(1)?, hash: row.get(2)? };
    Ok(Place { position, before: row.get(3)? })
}
