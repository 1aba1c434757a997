//! Entries are found.

use super::file::damaged;
use super::rows::NUMBER_MAX;
use super::sets::EVERY;
use super::{places, sets};
use crate::archive::members::{Bits, ends_of, low_of};
use crate::archive::text::words;
use crate::archive::walk::{Sets, Term, Walk, lists_of, page};
use crate::fault::Fault;
use crate::{CountedBy, Counts, Found, Query, Row, Totals};
use bytes::Bytes;
use rusqlite::{OptionalExtension, Transaction, params};
use std::cell::Cell;

pub(super) fn entry(tx: &Transaction<'_>, number: u64) -> Result<Option<Row>, Fault> {
    if number > NUMBER_MAX {
        return Ok(None);
    }
    let mut row = tx.prepare_cached("SELECT seq, bytes, is_dropped FROM rows WHERE number = ?1")?;
    let row = row.query_row([number], |row| {
        Ok(Row { number, seq: row.get(0)?, bytes: Bytes::from(row.get::<_, Vec<u8>>(1)?), is_dropped: row.get(2)? })
    });
    Ok(row.optional()?)
}

pub(super) fn named(tx: &Transaction<'_>, name: &str) -> Result<Option<Row>, Fault> {
    let mut newest = tx.prepare_cached("SELECT number FROM names WHERE name = ?1 ORDER BY number DESC LIMIT 1")?;
    match newest.query_row([name], |row| row.get(0)).optional()? {
        Some(number) => entry(tx, number),
        None => Ok(None),
    }
}

pub(super) fn memo(tx: &Transaction<'_>, name: &str, now: i64) -> Result<Option<Bytes>, Fault> {
    let mut memo = tx.prepare_cached("SELECT bytes FROM memos WHERE name = ?1 AND until > ?2")?;
    let bytes = memo.query_row(params![name, now], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(bytes.map(Bytes::from))
}

pub(super) fn counts(tx: &Transaction<'_>) -> Result<Counts, Fault> {
    let mut counts = tx.prepare_cached("SELECT day, of_group, word, count FROM counts")?;
    let by = counts.query_map((), |row| {
        Ok((CountedBy { day: row.get(0)?, group: row.get(1)?, word: row.get(2)? }, row.get(3)?))
    })?;
    Ok(Counts { by: by.collect::<Result<_, _>>()?, place: places::newest(tx)? })
}

pub(super) fn totals(tx: &Transaction<'_>) -> Result<Totals, Fault> {
    let mut totals = tx.prepare_cached("SELECT of_group, word, count FROM totals")?;
    let by = totals.query_map((), |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(Totals { by: by.collect::<Result<_, _>>()?, place: places::newest(tx)? })
}

/// Entries, and bytes of contents that were not dropped.
pub(super) fn holdings(tx: &Transaction<'_>) -> Result<(u64, u64), Fault> {
    let mut holdings = tx.prepare_cached("SELECT entries, content_bytes FROM meta")?;
    Ok(holdings.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// A page of one state of the archive. The texts are looked at after it: a text is there before
/// its entry, so none is missed.
pub(super) fn find(tx: &Transaction<'_>, query: &Query) -> Result<Found, Fault> {
    let place = places::newest(tx)?;
    let from = query.began_from.map_or(Ok(0), |began| first_since(tx, began))?;
    let to = query.began_before.map_or(Ok(NUMBER_MAX), |began| first_since(tx, began))?;
    let known = if query.is_everything() { Some(holdings(tx)?.0) } else { None };
    let page = page(Walk::new(Postings { tx, assumed: Cell::new(0) }, lists_of(query), from..to), query, known)?;
    let mut rows = Vec::with_capacity(page.numbers.len());
    for number in page.numbers {
        let row = entry(tx, number)?;
        rows.push(row.ok_or_else(|| damaged("a posting names an entry that is not there"))?);
    }
    Ok(Found { rows, count: page.count, is_exact: page.is_exact, place })
}

/// The first number that began at or after `began`; without one, one beyond all.
fn first_since(tx: &Transaction<'_>, began: i64) -> Result<u64, Fault> {
    let ends: (Option<u64>, Option<u64>) = tx
        .prepare_cached("SELECT (SELECT min(number) FROM rows), (SELECT max(number) FROM rows)")?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = ends else { return Ok(0) };
    let mut next = tx.prepare_cached("SELECT number, began FROM rows WHERE number >= ?1 ORDER BY number LIMIT 1")?;
    let mut range = first..last.saturating_add(1);
    while !range.is_empty() {
        let middle = range.start + (range.end - range.start) / 2;
        // There is one, since the last one is not before the middle.
        let (number, at): (u64, i64) = next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if at < began {
            range.start = number + 1;
        } else {
            range.end = middle;
        }
    }
    Ok(range.start)
}

/// How often it is assumed that the next chunk is there before it is looked up: numbers are dense,
/// and a lookup costs as much as one of a set.
const ASSUMED_MAX: u32 = 15;

/// The sets in the files.
struct Postings<'a> {
    tx: &'a Transaction<'a>,
    assumed: Cell<u32>,
}

impl Sets for Postings<'_> {
    type Error = Fault;

    fn chunk_up_to(&self, chunk: u64, _: &[Vec<Term>]) -> Result<Option<u64>, Fault> {
        let assumed = self.assumed.get();
        if assumed > 0 {
            self.assumed.set(assumed - 1);
            return Ok(Some(chunk));
        }
        self.assumed.set(ASSUMED_MAX);
        let mut largest = self.tx.prepare_cached("SELECT max(chunk) FROM postings WHERE chunk <= ?1")?;
        Ok(largest.query_row([chunk], |row| row.get(0))?)
    }

    fn unite(&self, term: &Term, chunk: u64, bits: &mut Bits) -> Result<(), Fault> {
        let (kind, value) = match term {
            Term::Every => (EVERY, ""),
            Term::Is(facet) => (i16::from(facet.kind), &*facet.value),
            Term::Lacks(kind) => {
                let (mut every, mut with) = (Bits::none(), Bits::none());
                sets::unite(self.tx, (chunk, EVERY, ""), &mut every)?;
                sets::unite_kind(self.tx, chunk, i16::from(*kind), &mut with)?;
                bits.unite_others(&every, &with);
                return Ok(());
            }
            Term::Says(typed) => return self.unite_text(typed, chunk, bits),
        };
        sets::unite(self.tx, (chunk, kind, value), bits)
    }
}

impl Postings<'_> {
    fn unite_text(&self, typed: &str, chunk: u64, bits: &mut Bits) -> Result<(), Fault> {
        // In quotes a word is a word, whatever it means to FTS5 without them.
        let quoted: Vec<String> = words(typed).map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
        let sql = "SELECT rowid FROM search.texts WHERE texts MATCH ?1 AND rowid BETWEEN ?2 AND ?3";
        let mut saying = self.tx.prepare_cached(sql)?;
        let (first, last) = ends_of(chunk);
        let mut saying = saying.query(params![quoted.join(" "), first, last])?;
        while let Some(row) = saying.next()? {
            bits.add(low_of(row.get(0)?));
        }
        Ok(())
    }
}
