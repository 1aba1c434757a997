//! Counts anew all that an archive keeps beside its rows, in one pass over them.

use super::about::{self, About};
use super::places;
use super::sets::EVERY;
use crate::archive::members::{Bits, Members, chunk_of, low_of};
use crate::ops::Report;
use crate::{CountedBy, Place};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What helps whatever of it is damaged.
const ADVICE: &str = "restore a backup, or stop the broker and move the archive's file away: it is then filled anew \
                      as far back as the journal reaches";

/// Compares the sets, counts, names and places of the archive in `db` with its rows, one chunk of
/// numbers after the other: takes memory for one chunk and for the counts.
pub(crate) fn recount(db: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let place = "SELECT epoch, seq, hash, before FROM places ORDER BY id DESC LIMIT 1";
    let place = db.query_row(place, (), places::place_in).optional()?.unwrap_or(Place::START);
    let mut recount = Recount {
        db,
        report,
        place,
        began: i64::MIN,
        chunk: 0,
        sets: BTreeMap::new(),
        sets_seen: 0,
        beyond: (0, None),
        entries: 0,
        content_bytes: 0,
        counts: BTreeMap::new(),
        names: Multiset::default(),
        ends: Multiset::default(),
    };
    let sql = "SELECT number, seq, began, ended, content_bytes, is_dropped, about, bytes FROM rows ORDER BY number";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        recount.add(row)?;
    }
    recount.compare_sets()?;
    recount.compare_totals()?;
    recount.compare_names()?;
    recount.compare_ends()
}

/// What the rows so far amount to.
struct Recount<'a> {
    db: &'a Connection,
    report: &'a mut Report,
    place: Place,
    began: i64,
    chunk: u64,
    /// Of this chunk, by kind and value.
    sets: BTreeMap<(i16, String), Members>,
    sets_seen: u64,
    /// Entries that ended beyond the place, and the first of them.
    beyond: (u64, Option<u64>),
    entries: u64,
    content_bytes: u64,
    counts: BTreeMap<CountedBy, u64>,
    names: Multiset,
    ends: Multiset,
}

impl Recount<'_> {
    fn damage(&mut self, what: &str) {
        self.report.damage(format!("archive: {what}; {ADVICE}"));
    }

    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let (number, seq, began, ended): (u64, u64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if chunk_of(number) != self.chunk {
            self.compare_sets()?;
            self.chunk = chunk_of(number);
        }
        let Some(about) = about::checked(row)? else {
            self.damage(&format!("the entry {number} is not what was written"));
            return Ok(());
        };
        if seq > self.place.position.seq || ended >= self.place.before {
            self.beyond.0 += 1;
            self.beyond.1.get_or_insert(number);
        }
        if began < self.began {
            self.damage(&format!("the entry {number} began before one of a smaller number"));
        }
        self.began = began;
        self.ends.add((number, seq, ended));
        self.entries += 1;
        self.content_bytes += if row.get(5)? { 0 } else { row.get::<_, u64>(4)? };
        self.count(number, about);
        Ok(())
    }

    fn count(&mut self, number: u64, about: About) {
        *self.counts.entry(about.counted).or_default() += 1;
        for name in about.names.into_iter().collect::<BTreeSet<_>>() {
            self.names.add((name, number));
        }
        let facets = about.facets.into_iter().map(|facet| (i16::from(facet.kind), facet.value));
        for set in std::iter::once((EVERY, String::new())).chain(facets) {
            self.sets.entry(set).or_insert_with(Members::new).add(low_of(number));
        }
    }

    /// Compares the sets of a chunk that is complete.
    fn compare_sets(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT kind, value, coalesce(large_sets.members, postings.members)
                   FROM postings LEFT JOIN large_sets ON large_sets.id = postings.large
                   WHERE chunk = ?1 ORDER BY kind, value";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut kept = statement.query([self.chunk])?;
        let mut sets = std::mem::take(&mut self.sets);
        while let Some(row) = kept.next()? {
            let (kind, value): (i16, String) = (row.get(0)?, row.get(1)?);
            let members = row.get_ref(2)?.as_blob()?;
            self.sets_seen += 1;
            let is_right = sets.remove(&(kind, value.clone())).is_some_and(|counted| is_set(&counted, members));
            if !is_right {
                self.damage(&format!("it finds others by {kind} = {value:?} than have it (chunk {})", self.chunk));
            }
        }
        for (kind, value) in sets.into_keys() {
            self.damage(&format!("it finds nothing by {kind} = {value:?} (chunk {})", self.chunk));
        }
        Ok(())
    }

    /// A file that no broker opened since counts of all days are kept has none yet.
    fn compare_all_days(&mut self) -> rusqlite::Result<()> {
        if !self.db.table_exists(None, "totals")? {
            return Ok(());
        }
        let mut all: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (CountedBy { group, word, .. }, count) in &self.counts {
            *all.entry((group, word)).or_default() += count;
        }
        let mut statement = self.db.prepare("SELECT of_group, word, count FROM totals")?;
        let mut kept = statement.query(())?;
        let (mut are_right, mut seen) = (true, 0);
        while let Some(row) = kept.next()? {
            let (group, word): (String, String) = (row.get(0)?, row.get(1)?);
            are_right &= all.get(&(&*group, &*word)) == Some(&row.get(2)?);
            seen += 1;
        }
        if !are_right || seen != all.len() {
            self.damage("its counts of all days are not those of its entries");
        }
        Ok(())
    }

    fn compare_totals(&mut self) -> rusqlite::Result<()> {
        if let (beyond, Some(first)) = self.beyond {
            let to = self.place.position.seq;
            self.damage(&format!(
                "{beyond} entries, the first is {first}, ended beyond event {to} up to which it was read"
            ));
        }
        let sets: u64 = self.db.query_row("SELECT count(*) FROM postings", (), |row| row.get(0))?;
        if sets > self.sets_seen {
            self.damage(&format!("{} sets are of numbers that have no entries", sets - self.sets_seen));
        }
        let unused =
            "SELECT count(*) FROM large_sets WHERE id NOT IN (SELECT large FROM postings WHERE large IS NOT NULL)";
        let unused: u64 = self.db.query_row(unused, (), |row| row.get(0))?;
        if unused > 0 {
            self.damage(&format!("{unused} large sets belong to nothing"));
        }
        let totals =
            self.db.query_row("SELECT entries, content_bytes FROM meta", (), |row| Ok((row.get(0)?, row.get(1)?)))?;
        if totals != (self.entries, self.content_bytes) {
            let (entries, bytes) = (self.entries, self.content_bytes);
            self.damage(&format!(
                "it counts {} entries with {} bytes, and has {entries} with {bytes}",
                totals.0, totals.1
            ));
        }
        self.compare_all_days()?;
        let mut statement = self.db.prepare("SELECT day, of_group, word, count FROM counts")?;
        let mut kept = statement.query(())?;
        let mut counts = std::mem::take(&mut self.counts);
        while let Some(row) = kept.next()? {
            let by = CountedBy { day: row.get(0)?, group: row.get(1)?, word: row.get(2)? };
            let (says, has) = (row.get::<_, u64>(3)?, counts.remove(&by).unwrap_or(0));
            if says != has {
                let CountedBy { day, group, word } = by;
                self.damage(&format!("it counts {says} entries of day {day}, {group:?}, {word:?}, and has {has}"));
            }
        }
        for CountedBy { day, group, word } in counts.into_keys() {
            self.damage(&format!("it counts no entry of day {day}, {group:?}, {word:?}, and has some"));
        }
        self.report.entries += self.entries;
        Ok(())
    }

    fn compare_names(&mut self) -> rusqlite::Result<()> {
        let mut kept = Multiset::default();
        let mut statement = self.db.prepare("SELECT name, number FROM names")?;
        let mut names = statement.query(())?;
        while let Some(row) = names.next()? {
            kept.add((row.get::<_, String>(0)?, row.get::<_, u64>(1)?));
        }
        if kept != self.names {
            self.damage(&format!(
                "{} names are kept and {} are of entries, or lead to others",
                kept.count, self.names.count
            ));
        }
        Ok(())
    }

    /// Entries in the order in which they ended, as they are removed and taken back by.
    fn compare_ends(&mut self) -> rusqlite::Result<()> {
        let (mut kept, mut before) = (Multiset::default(), i64::MIN);
        let mut statement =
            self.db.prepare("SELECT number, seq, ended FROM rows INDEXED BY rows_by_end ORDER BY seq, ended")?;
        let mut ends = statement.query(())?;
        while let Some(row) = ends.next()? {
            let end: (u64, u64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if end.2 < before {
                self.damage(&format!("the entry {} ended before one that ended at an earlier event", end.0));
            }
            before = end.2;
            kept.add(end);
        }
        if kept != self.ends {
            self.damage("its order of ends is of other entries than it has");
        }
        Ok(())
    }
}

/// Whether these bytes are the set `counted`, as a list or as bits.
fn is_set(counted: &Members, bytes: &[u8]) -> bool {
    if counted.encode() == bytes {
        return true;
    }
    let (mut ours, mut theirs) = (Bits::none(), Bits::none());
    ours.unite(counted);
    if theirs.unite_encoded(bytes).is_none() || ours.len() != theirs.len() {
        return false;
    }
    theirs.keep(&ours);
    theirs.len() == ours.len()
}

/// Things that were seen, in any order. Equal ones are of the same things, but for a chance of one
/// in 2^64.
#[derive(Default, PartialEq)]
struct Multiset {
    count: u64,
    sum: u64,
}

impl Multiset {
    fn add(&mut self, thing: impl Hash) {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}
