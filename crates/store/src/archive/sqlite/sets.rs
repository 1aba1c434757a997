//! The sets of numbers as they are stored, each by its chunk, kind and value.

use super::file::damaged;
use crate::archive::members::{Bits, Members};
use crate::fault::Fault;
use rusqlite::{Transaction, params};

/// The kind of the sets that hold every number.
pub(super) const EVERY: i16 = -1;

/// Larger sets have a table of their own; one of these fits beside its key into a page.
const SMALL_BYTES_MAX: usize = 768;

pub(super) type Key<'a> = (u64, i16, &'a str);

/// Adds the members of the set of this key to `bits`.
pub(super) fn unite(tx: &Transaction<'_>, key: Key<'_>, bits: &mut Bits) -> Result<(), Fault> {
    match read(tx, key, |bytes| bits.unite_encoded(bytes))? {
        Some((None, _)) => Err(unreadable()),
        _ => Ok(()),
    }
}

/// Adds the members of all sets of this kind to `bits`.
pub(super) fn unite_kind(tx: &Transaction<'_>, chunk: u64, kind: i16, bits: &mut Bits) -> Result<(), Fault> {
    let mut values = tx.prepare_cached("SELECT value FROM postings WHERE chunk = ?1 AND kind = ?2")?;
    let values = values.query_map(params![chunk, kind], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    values.iter().try_for_each(|value| unite(tx, (chunk, kind, value), bits))
}

/// What `with` makes of the bytes of the set of this key, and where they are if it is a large one.
fn read<T>(
    tx: &Transaction<'_>,
    key: Key<'_>,
    with: impl FnOnce(&[u8]) -> T,
) -> Result<Option<(T, Option<i64>)>, Fault> {
    let sql = "SELECT members, large FROM postings WHERE chunk = ?1 AND kind = ?2 AND value = ?3";
    let mut small = tx.prepare_cached(sql)?;
    let mut small = small.query(key)?;
    let Some(row) = small.next()? else { return Ok(None) };
    let large: Option<i64> = row.get(1)?;
    let Some(id) = large else {
        return Ok(Some((with(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?), None)));
    };
    let mut large = tx.prepare_cached("SELECT members FROM large_sets WHERE id = ?1")?;
    Ok(Some((large.query_row([id], |row| Ok(with(row.get_ref(0)?.as_blob()?)))?, Some(id))))
}

/// Applies `change` to the set of this key.
pub(super) fn change(tx: &Transaction<'_>, key: Key<'_>, change: impl FnOnce(&mut Members)) -> Result<(), Fault> {
    let (mut members, large) = match read(tx, key, Members::decode)? {
        Some((members, large)) => (members.ok_or_else(unreadable)?, large),
        None => (Members::new(), None),
    };
    change(&mut members);
    let bytes = members.encode();
    if let Some(id) = large
        && bytes.len() > SMALL_BYTES_MAX
    {
        tx.prepare_cached("UPDATE large_sets SET members = ?2 WHERE id = ?1")?.execute(params![id, bytes])?;
        return Ok(());
    }
    if let Some(id) = large {
        tx.prepare_cached("DELETE FROM large_sets WHERE id = ?1")?.execute([id])?;
    }
    let (chunk, kind, value) = key;
    if members.is_empty() {
        let delete = "DELETE FROM postings WHERE chunk = ?1 AND kind = ?2 AND value = ?3";
        tx.prepare_cached(delete)?.execute(key)?;
        return Ok(());
    }
    let mut write = tx.prepare_cached("REPLACE INTO postings VALUES (?1, ?2, ?3, ?4, ?5)")?;
    if bytes.len() > SMALL_BYTES_MAX {
        tx.prepare_cached("INSERT INTO large_sets (members) VALUES (?1)")?.execute([bytes])?;
        write.execute(params![chunk, kind, value, [0_u8; 0], tx.last_insert_rowid()])?;
    } else {
        write.execute(params![chunk, kind, value, bytes, None::<i64>])?;
    }
    Ok(())
}

fn unreadable() -> Fault {
    damaged("a set of postings cannot be read")
}
