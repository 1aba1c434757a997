//! The checkpoint, in layers and in pieces. A state of hundreds of megabytes in one transaction
//! would hold up every append behind it, so it is written piece by piece between them.
//!
//! ```text
//!   whole       every part; confirmed by one transaction, it leaves what was before it behind
//!   over it     what changed since; confirmed the same way, then folded into the whole one
//! ```
//!
//! Until the confirmation a layer is `pending` and nobody reads it. What a crash leaves pending,
//! or confirmed and not folded, the next checkpoint finds in the table and finishes first.

use super::records;
use super::writer::Orders;
use crate::chain::{self, Page};
use crate::fault::Fault;
use crate::sum::sum;
use crate::{Part, Parts, Position, StoreError};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Rows};
use std::iter::Peekable;
use std::path::Path;

/// How much one transaction holds up an append at most; a part beyond it is a piece of its own.
const PIECE_BYTES_MAX: usize = 256 * 1024;

/// Parts whose pages are neighbours, if they come in the order of their keys.
const PIECE_PARTS_MAX: usize = 512;

/// Parts that are folded in, each on a page of its own perhaps.
const FOLDED_PARTS_MAX: usize = 128;

/// Newest means: of those confirmed, the last begun.
const NEWEST: &str = "SELECT layer, epoch, seq, hash FROM checkpoints WHERE state = 'confirmed'
                      ORDER BY layer DESC LIMIT 1";

/// A part as it is written: no bytes, none any more.
type Change = (Bytes, Option<Bytes>);

/// The same as it is read.
type Found = (Vec<u8>, Option<Vec<u8>>);

/// Writes a checkpoint, see [`crate::Journal::checkpoint`]. Blocks.
pub(super) fn write(
    orders: &Orders,
    epoch: u64,
    base: Option<Position>,
    at: Position,
    parts: Parts,
) -> Result<(), StoreError> {
    tidy(orders, epoch, at)?;
    let Some(layer) = orders.write(move |db| begin(db, epoch, base, at))? else {
        return Ok(());
    };
    let mut parts = parts.peekable();
    while parts.peek().is_some() {
        let piece = draw(&mut parts);
        orders.write(move |db| add(db, epoch, at, layer, &piece))?;
    }
    orders.write(move |db| confirm(db, epoch, base, at, layer))?;
    if let Err(error) = tidy(orders, epoch, at) {
        // It is confirmed, so this is not its failure; the next one tidies up first.
        tracing::warn!(%error, "older checkpoints were left behind");
    }
    Ok(())
}

/// The newest checkpoint's layer and place.
pub(super) fn newest(db: &Connection) -> Result<Option<(i64, Position)>, Fault> {
    let mut statement = db.prepare_cached(NEWEST)?;
    Ok(statement.query_row((), |row| Ok((row.get(0)?, records::position(row, 1)?))).optional()?)
}

/// See [`crate::Journal::checkpoint_parts`].
pub(super) fn parts(db: &Connection, at: Position, after: Option<&[u8]>, bytes_max: usize) -> Result<Vec<Part>, Fault> {
    let Some((layer, _)) = newest(db)?.filter(|(_, newest)| *newest == at) else {
        return Err(StoreError::Rewound { after: at, tail: records::tail(db)? }.into());
    };
    let whole = whole(db)?;
    let (mut below, mut above) = (select(db, after)?, select(db, after)?);
    let mut below = Layer::new(below.query((whole, after.unwrap_or_default()))?)?;
    // Nothing lies above a whole one; where the statement has no layer it finds none.
    let above_layer = Some(layer).filter(|layer| *layer != whole);
    let mut above = Layer::new(above.query((above_layer, after.unwrap_or_default()))?)?;
    let mut page = Page::new(bytes_max);
    loop {
        let next = match (&below.next, &above.next) {
            (None, None) => break,
            (Some((key, _)), Some((newer, _))) if key == newer => {
                below.step()?;
                above.step()?
            }
            (Some((key, _)), Some((newer, _))) if key < newer => below.step()?,
            (_, Some(_)) => above.step()?,
            (Some(_), None) => below.step()?,
        };
        if let Some((key, Some(bytes))) = next
            && !page.take(Part { key: key.into(), bytes: bytes.into() })
        {
            break;
        }
    }
    Ok(page.into_items())
}

/// The place of the newest checkpoint, and those of its parts that follow `after`.
pub(crate) fn newest_parts(
    db: &Connection,
    after: Option<&[u8]>,
    bytes_max: usize,
    path: &Path,
) -> Result<Option<(Position, Vec<Part>)>, StoreError> {
    let read = || match newest(db)? {
        Some((_, at)) => Ok(Some((at, parts(db, at, after, bytes_max)?))),
        None => Ok(None),
    };
    read().map_err(|fault: Fault| fault.into_store_error(path))
}

/// The parts of one layer, in order.
struct Layer<'a> {
    rows: Rows<'a>,
    next: Option<Found>,
}

impl<'a> Layer<'a> {
    fn new(rows: Rows<'a>) -> Result<Layer<'a>, Fault> {
        let mut layer = Layer { rows, next: None };
        layer.step()?;
        Ok(layer)
    }

    /// The next part, and moves on.
    fn step(&mut self) -> Result<Option<Found>, Fault> {
        let following = match self.rows.next()? {
            Some(row) => Some((row.get(0)?, row.get(1)?)),
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, following))
    }
}

fn select<'a>(db: &'a Connection, after: Option<&[u8]>) -> Result<rusqlite::CachedStatement<'a>, Fault> {
    // The empty key is a key too.
    let sql = match after {
        Some(_) => "SELECT key, bytes FROM parts WHERE layer = ?1 AND key > ?2 ORDER BY key",
        None => "SELECT key, bytes FROM parts WHERE layer = ?1 AND key >= ?2 ORDER BY key",
    };
    Ok(db.prepare_cached(sql)?)
}

/// The layer of the newest whole checkpoint.
fn whole(db: &Connection) -> Result<i64, Fault> {
    let sql = "SELECT layer FROM checkpoints WHERE state = 'confirmed' AND whole ORDER BY layer DESC LIMIT 1";
    Ok(db.prepare_cached(sql)?.query_row((), |row| row.get(0))?)
}

/// Begins a layer, or returns `None` if there is nothing to do.
fn begin(db: &Connection, epoch: u64, base: Option<Position>, at: Position) -> Result<Option<i64>, Fault> {
    if !judge(db, epoch, base, at)? {
        return Ok(None);
    }
    let sql = "INSERT INTO checkpoints (state, whole, epoch, seq, hash) VALUES ('pending', ?1, ?2, ?3, ?4)";
    db.prepare_cached(sql)?.execute((base.is_none(), at.epoch, at.seq, at.hash))?;
    Ok(Some(db.last_insert_rowid()))
}

/// Adds the next piece to `layer`.
fn add(db: &Connection, epoch: u64, at: Position, layer: i64, piece: &[Change]) -> Result<(), Fault> {
    records::check_epoch(db, epoch, at)?;
    check_pending(db, layer)?;
    let mut statement = db.prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4)")?;
    for (key, bytes) in piece {
        let sum = sum(key, bytes.as_deref().unwrap_or_default());
        statement.execute((layer, &key[..], bytes.as_deref(), sum))?;
    }
    Ok(())
}

/// Makes `layer`, all of whose pieces are written, the newest.
fn confirm(db: &Connection, epoch: u64, base: Option<Position>, at: Position, layer: i64) -> Result<(), Fault> {
    if !judge(db, epoch, base, at)? {
        return Ok(());
    }
    check_pending(db, layer)?;
    if base.is_none() {
        db.prepare_cached("UPDATE checkpoints SET state = 'left' WHERE layer <> ?1")?.execute([layer])?;
    }
    db.prepare_cached("UPDATE checkpoints SET state = 'confirmed' WHERE layer = ?1")?.execute([layer])?;
    Ok(())
}

fn judge(db: &Connection, epoch: u64, base: Option<Position>, at: Position) -> Result<bool, Fault> {
    records::check_epoch(db, epoch, at)?;
    let newest = newest(db)?.map(|(_, at)| at);
    let goes_on = chain::judge_checkpoint(newest, records::tail(db)?, base, at)?;
    if goes_on {
        records::check_held(db, at)?;
    }
    Ok(goes_on)
}

/// Refuses to go on with a layer that another handle of the same term has swept.
fn check_pending(db: &Connection, layer: i64) -> Result<(), Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM checkpoints WHERE layer = ?1 AND state = 'pending')";
    if db.prepare_cached(sql)?.query_row([layer], |row| row.get(0))? {
        return Ok(());
    }
    let why = "another checkpoint was begun meanwhile".to_owned();
    Err(StoreError::Unavailable { why }.into())
}

/// Takes the next piece out of `parts`.
fn draw(parts: &mut Peekable<Parts>) -> Vec<Change> {
    let size = |(key, bytes): &Change| key.len() + bytes.as_ref().map_or(0, Bytes::len);
    let (mut piece, mut total) = (Vec::new(), 0);
    while piece.len() < PIECE_PARTS_MAX
        && let Some(change) = parts.next_if(|change| total == 0 || total + size(change) <= PIECE_BYTES_MAX)
    {
        total += size(&change);
        piece.push(change);
    }
    piece
}

/// Sweeps what was left behind, and folds what is confirmed, until one whole layer is all there is.
fn tidy(orders: &Orders, epoch: u64, at: Position) -> Result<(), StoreError> {
    orders.write(move |db| {
        records::check_epoch(db, epoch, at)?;
        db.prepare_cached("UPDATE checkpoints SET state = 'left' WHERE state = 'pending'")?.execute(())?;
        Ok(())
    })?;
    while orders.write(move |db| {
        records::check_epoch(db, epoch, at)?;
        Ok(sweep(db)? || fold(db)?)
    })? {}
    Ok(())
}

/// Removes a piece of what was left behind. False when there is nothing.
fn sweep(db: &Connection) -> Result<bool, Fault> {
    let mut left = db.prepare_cached("SELECT layer FROM checkpoints WHERE state = 'left' LIMIT 1")?;
    let Some(layer) = left.query_row((), |row| row.get(0)).optional()? else {
        return Ok(false);
    };
    match piece_end(db, layer, PIECE_PARTS_MAX)? {
        Some(end) => remove_until(db, layer, &end)?,
        None => forget(db, layer)?,
    }
    Ok(true)
}

/// Moves a piece of what lies above the whole checkpoint into it; a reader sees the same before
/// and after. False when nothing lies above.
fn fold(db: &Connection) -> Result<bool, Fault> {
    let Some((above, at)) = newest(db)? else {
        return Ok(false);
    };
    let whole = whole(db)?;
    if above == whole {
        return Ok(false);
    }
    let Some(end) = piece_end(db, above, FOLDED_PARTS_MAX)? else {
        let sql = "UPDATE checkpoints SET epoch = ?2, seq = ?3, hash = ?4 WHERE layer = ?1";
        db.prepare_cached(sql)?.execute((whole, at.epoch, at.seq, at.hash))?;
        forget(db, above)?;
        return Ok(true);
    };
    let put = "INSERT OR REPLACE INTO parts
               SELECT ?1, key, bytes, sum FROM parts WHERE layer = ?2 AND key <= ?3 AND bytes IS NOT NULL";
    db.prepare_cached(put)?.execute((whole, above, &end))?;
    let remove = "DELETE FROM parts WHERE layer = ?1 AND key IN
                  (SELECT key FROM parts WHERE layer = ?2 AND key <= ?3 AND bytes IS NULL)";
    db.prepare_cached(remove)?.execute((whole, above, &end))?;
    remove_until(db, above, &end)?;
    Ok(true)
}

/// The key of the last part of the layer's first piece.
fn piece_end(db: &Connection, layer: i64, parts_max: usize) -> Result<Option<Vec<u8>>, Fault> {
    let sql = "SELECT key, length(key) + ifnull(length(bytes), 0) FROM parts WHERE layer = ?1 ORDER BY key LIMIT ?2";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((layer, parts_max))?;
    let (mut end, mut total) = (None, 0);
    while let Some(row) = rows.next()? {
        total += row.get::<_, usize>(1)?;
        if end.is_some() && total > PIECE_BYTES_MAX {
            break;
        }
        end = Some(row.get(0)?);
    }
    Ok(end)
}

fn remove_until(db: &Connection, layer: i64, end: &[u8]) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM parts WHERE layer = ?1 AND key <= ?2")?.execute((layer, end))?;
    Ok(())
}

fn forget(db: &Connection, layer: i64) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM checkpoints WHERE layer = ?1")?.execute([layer])?;
    Ok(())
}
