//! Entries come, are changed and go, with all that they are found and counted by.

use super::about::{self, About};
use super::sets::EVERY;
use super::{places, sets};
use crate::archive::members::{chunk_of, low_of};
use crate::fault::Fault;
use crate::{CountedBy, Entry, Facet, Memo, Place};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::BTreeMap;

/// Entries that one transaction takes back or marks: some 20 ms.
const PIECE: usize = 500;

/// The largest number that SQLite can hold.
pub(super) const NUMBER_MAX: u64 = i64::MAX as u64;

/// Whether there is a file of texts.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Texts {
    Kept,
    NotKept,
}

/// Writes the texts of those entries that are new.
pub(super) fn put_texts(tx: &Transaction<'_>, entries: &[Entry]) -> Result<(), Fault> {
    let mut exists = tx.prepare_cached("SELECT 1 FROM rows WHERE number = ?1")?;
    let mut put = tx.prepare_cached("REPLACE INTO search.texts (rowid, text) VALUES (?1, ?2)")?;
    for entry in entries {
        match &entry.text {
            _ if exists.exists([entry.number])? => {}
            Some(text) => drop(put.execute(params![entry.number, text])?),
            // One of the same number may have been left behind.
            None => forget_text(tx, entry.number)?,
        }
    }
    Ok(())
}

fn forget_text(tx: &Transaction<'_>, number: u64) -> Result<(), Fault> {
    tx.prepare_cached("DELETE FROM search.texts WHERE rowid = ?1")?.execute([number])?;
    Ok(())
}

/// Writes all of it; an entry that is there already is passed over.
pub(super) fn put(tx: &Transaction<'_>, entries: &[Entry], memos: &[Memo], place: Place) -> Result<(), Fault> {
    places::newest(tx)?.check_follows(place)?;
    let mut row = tx.prepare_cached("INSERT OR IGNORE INTO rows VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)")?;
    let mut name = tx.prepare_cached("INSERT OR IGNORE INTO names VALUES (?1, ?2)")?;
    let mut tally = Tally::new(Change::Add);
    for entry in entries {
        let Entry { number, seq, began, ended, content_bytes, .. } = entry;
        let about = about::encode(entry);
        let bytes: &[u8] = &entry.bytes;
        if row.execute(params![number, seq, began, ended, content_bytes, about, bytes])? == 0 {
            continue;
        }
        for called in &entry.names {
            name.execute(params![called, number])?;
        }
        tally.count(*number, &entry.facets, &entry.counted, *content_bytes);
    }
    tally.write(tx)?;
    let mut put = tx.prepare_cached("REPLACE INTO memos VALUES (?1, ?2, ?3)")?;
    for memo in memos {
        put.execute(params![memo.name, memo.until, &*memo.bytes])?;
    }
    places::move_to(tx, place)
}

/// Takes a piece of the entries that ended beyond `seq` back, newest first. Says whether it was
/// the last one; then the archive stands at `place`.
pub(super) fn cut_back(tx: &Transaction<'_>, texts: Texts, seq: u64, place: Place) -> Result<bool, Fault> {
    let seq = seq.min(NUMBER_MAX);
    let mut beyond = tx.prepare_cached("SELECT number FROM rows WHERE seq > ?1 ORDER BY seq DESC LIMIT ?2")?;
    let beyond = beyond.query_map(params![seq, PIECE], |row| row.get(0))?.collect::<Result<Vec<u64>, _>>()?;
    take_back(tx, texts, &beyond)?;
    let is_last = beyond.len() < PIECE;
    if is_last {
        tx.execute("DELETE FROM removals WHERE number > (SELECT coalesce(max(number), -1) FROM rows)", ())?;
        places::cut_back(tx, place)?;
    }
    Ok(is_last)
}

/// Removes a piece of the entries that ended before `ended_before`, oldest first, and returns all
/// that were removed and not confirmed. Takes none if there are such.
pub(super) fn remove(tx: &Transaction<'_>, texts: Texts, ended_before: i64) -> Result<Vec<u64>, Fault> {
    let mut told = tx.prepare_cached("SELECT number FROM removals ORDER BY number")?;
    let told = told.query_map((), |row| row.get(0))?.collect::<Result<Vec<u64>, _>>()?;
    if !told.is_empty() {
        return Ok(told);
    }
    let mut oldest = tx.prepare_cached("SELECT number, ended FROM rows ORDER BY seq LIMIT ?1")?;
    let oldest = oldest.query_map([PIECE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let oldest = oldest.collect::<Result<Vec<(u64, i64)>, _>>()?;
    let gone = oldest.into_iter().take_while(|(_, ended)| *ended < ended_before).map(|(number, _)| number);
    let gone: Vec<u64> = gone.collect();
    take_back(tx, texts, &gone)?;
    let mut tell = tx.prepare_cached("INSERT INTO removals VALUES (?1)")?;
    for number in &gone {
        tell.execute([number])?;
    }
    Ok(gone)
}

/// Removes a piece of the memos that are over at `now`; says whether it was the last one.
pub(super) fn remove_memos(tx: &Transaction<'_>, now: i64) -> Result<bool, Fault> {
    let sql = "DELETE FROM memos WHERE name IN (SELECT name FROM memos WHERE until <= ?1 ORDER BY until LIMIT ?2)";
    Ok(tx.prepare_cached(sql)?.execute(params![now, PIECE])? < PIECE)
}

pub(super) fn removed(tx: &Transaction<'_>, numbers: &[u64]) -> Result<(), Fault> {
    let mut confirm = tx.prepare_cached("DELETE FROM removals WHERE number = ?1")?;
    for number in numbers {
        confirm.execute([number])?;
    }
    Ok(())
}

pub(super) fn heaviest_oldest(tx: &Transaction<'_>, bytes: u64) -> Result<Vec<u64>, Fault> {
    let sql = "SELECT number, content_bytes FROM rows INDEXED BY rows_held
               WHERE is_dropped = 0 AND content_bytes > 0 ORDER BY seq LIMIT ?1";
    let mut held = tx.prepare_cached(sql)?;
    let mut held = held.query([PIECE])?;
    let (mut numbers, mut taken) = (Vec::new(), 0_u64);
    while taken < bytes
        && let Some(row) = held.next()?
    {
        numbers.push(row.get(0)?);
        taken = taken.saturating_add(row.get(1)?);
    }
    Ok(numbers)
}

/// Marks a piece of `numbers`.
pub(super) fn dropped(tx: &Transaction<'_>, numbers: &[u64]) -> Result<(), Fault> {
    let mut mark = tx.prepare_cached(
        "UPDATE rows SET is_dropped = 1 WHERE number = ?1 AND is_dropped = 0 RETURNING content_bytes",
    )?;
    let mut tally = Tally::new(Change::Remove);
    for number in numbers {
        let bytes: Option<u64> = mark.query_row([number], |row| row.get(0)).optional()?;
        tally.content_bytes += bytes.unwrap_or(0);
    }
    tally.write(tx)
}

/// `numbers` in pieces of one transaction each.
pub(super) fn pieces(numbers: &[u64]) -> impl Iterator<Item = &[u64]> {
    numbers.chunks(PIECE)
}

/// Removes the entries of these numbers from all that they are found and counted by. Their texts
/// go in the same transaction: one that outlives its entry is not found either.
fn take_back(tx: &Transaction<'_>, texts: Texts, numbers: &[u64]) -> Result<(), Fault> {
    let mut delete =
        tx.prepare_cached("DELETE FROM rows WHERE number = ?1 RETURNING content_bytes, is_dropped, about")?;
    let mut unname = tx.prepare_cached("DELETE FROM names WHERE name = ?1 AND number = ?2")?;
    let mut gone: Vec<(u64, u64, About)> = Vec::with_capacity(numbers.len());
    for number in numbers {
        let (bytes, is_dropped, about): (u64, bool, Vec<u8>) =
            delete.query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let about = about::decode(&about)?;
        if texts == Texts::Kept {
            forget_text(tx, *number)?;
        }
        for name in &about.names {
            unname.execute(params![name, number])?;
        }
        gone.push((*number, if is_dropped { 0 } else { bytes }, about));
    }
    let mut tally = Tally::new(Change::Remove);
    for (number, bytes, about) in &gone {
        tally.count(*number, &about.facets, &about.counted, *bytes);
    }
    tally.write(tx)
}

#[derive(Clone, Copy, PartialEq)]
enum Change {
    Add,
    Remove,
}

/// Chunk, kind, value, and the place in the chunk.
type Posting<'a> = (u64, i16, &'a str, u16);

/// What entries of one transaction change together: each set and each count is written once.
struct Tally<'a> {
    change: Change,
    entries: u64,
    content_bytes: u64,
    counts: BTreeMap<&'a CountedBy, u64>,
    postings: Vec<Posting<'a>>,
}

impl<'a> Tally<'a> {
    fn new(change: Change) -> Tally<'a> {
        Tally { change, entries: 0, content_bytes: 0, counts: BTreeMap::new(), postings: Vec::new() }
    }

    fn count(&mut self, number: u64, facets: &'a [Facet], counted: &'a CountedBy, content_bytes: u64) {
        let (chunk, low) = (chunk_of(number), low_of(number));
        self.entries += 1;
        self.content_bytes += content_bytes;
        *self.counts.entry(counted).or_default() += 1;
        self.postings.push((chunk, EVERY, "", low));
        self.postings.extend(facets.iter().map(|facet| (chunk, i16::from(facet.kind), &*facet.value, low)));
    }

    fn write(mut self, tx: &Transaction<'_>) -> Result<(), Fault> {
        let sign = if self.change == Change::Add { 1 } else { -1 };
        let mut totals =
            tx.prepare_cached("UPDATE meta SET entries = entries + ?1 * ?3, content_bytes = content_bytes + ?2 * ?3")?;
        totals.execute(params![self.entries, self.content_bytes, sign])?;
        let mut count = tx.prepare_cached(
            "INSERT INTO counts VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        for (CountedBy { day, group, word }, entries) in &self.counts {
            count.execute(params![day, group, word, i64::try_from(*entries).unwrap_or(i64::MAX) * sign])?;
        }
        if self.change == Change::Remove {
            tx.prepare_cached("DELETE FROM counts WHERE count = 0")?.execute(())?;
        }
        self.postings.sort_unstable();
        let of_one = |one: &Posting<'_>, other: &Posting<'_>| (one.0, one.1, one.2) == (other.0, other.1, other.2);
        for changed in self.postings.chunk_by(of_one) {
            let (chunk, kind, value, _) = changed[0];
            sets::change(tx, (chunk, kind, value), |members| match self.change {
                Change::Add => changed.iter().for_each(|(_, _, _, low)| members.add(*low)),
                Change::Remove => changed.iter().for_each(|(_, _, _, low)| members.remove(*low)),
            })?;
        }
        Ok(())
    }
}
