//! The jobs that are known, by number, by id and by key. A row is shared with every other ledger
//! that knows the job just so, and becomes a ledger's own when it changes there.

use crate::{Job, JobId, PrincipalId};
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// Numbers of one page. Most jobs of a page are known together; a page goes with its last one.
const PAGE: usize = 32;
/// An index is so many small tables: each grows by itself, so that none holds up a command.
const TABLES: usize = 256;
/// A table with so many times the room that it needs becomes smaller, but not below this.
const SPARSE: usize = 8;
const TABLE_MIN: usize = 16;

#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pages: BTreeMap<u64, Page>,
    len: usize,
    ids: Index,
    keys: Index,
}

#[derive(Clone, Debug)]
struct Page {
    rows: Box<[Option<Arc<Job>>; PAGE]>,
    len: usize,
}

fn place(number: u64) -> (u64, usize) {
    (number / PAGE as u64, (number % PAGE as u64) as usize)
}

fn id_of(job: &Job) -> Option<&str> {
    Some(job.spec.id.as_str())
}

/// The key is its principal's.
type Key<'a> = (&'a PrincipalId, &'a str);

fn key_of(job: &Job) -> Option<Key<'_>> {
    Some((&job.spec.owner.principal, job.spec.idempotency_key()?))
}

impl Rows {
    pub(super) fn shared(&self, number: u64) -> Option<&Arc<Job>> {
        let (page, at) = place(number);
        self.pages.get(&page)?.rows[at].as_ref()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, number: u64) -> Option<&Job> {
        self.shared(number).map(|job| &**job)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Job> {
        let (page, at) = place(number);
        self.pages.get_mut(&page)?.rows[at].as_mut().map(Arc::make_mut)
    }

    pub(super) fn number_of(&self, id: &JobId) -> Option<u64> {
        self.ids.find(&id.as_str(), &|number| id_of(self.get(number)?))
    }

    pub(super) fn of_id(&self, id: &JobId) -> Option<&Job> {
        self.get(self.number_of(id)?)
    }

    /// The newest job that the principal submitted with this key.
    pub(super) fn of_key(&self, principal: &PrincipalId, key: &str) -> Option<&Job> {
        self.get(self.keys.find(&(principal, key), &|number| key_of(self.get(number)?))?)
    }

    /// The caller has made sure that neither its number nor its id is known.
    pub(super) fn insert(&mut self, job: Job) {
        let number = job.order;
        let spec = Arc::clone(&job.spec);
        let (page, at) = place(number);
        let page = self.pages.entry(page).or_insert_with(|| Page { rows: Box::default(), len: 0 });
        page.rows[at] = Some(Arc::new(job));
        page.len += 1;
        self.len += 1;
        self.ids.insert(&spec.id.as_str(), number);
        if let Some(key) = spec.idempotency_key() {
            let key = (&spec.owner.principal, key);
            let pages = &self.pages;
            if let Some(known) = self.keys.find(&key, &|number| key_of(row(pages, number)?)) {
                self.keys.remove(&key, known);
            }
            self.keys.insert(&key, number);
        }
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Arc<Job>> {
        let (page, at) = place(number);
        let rows = self.pages.get_mut(&page)?;
        let job = rows.rows[at].take()?;
        rows.len -= 1;
        if rows.len == 0 {
            self.pages.remove(&page);
        }
        self.len -= 1;
        self.ids.remove(&job.spec.id.as_str(), number);
        if let Some(key) = key_of(&job) {
            self.keys.remove(&key, number);
        }
        Some(job)
    }

    /// Knows the job through this row from now on, if it is the same.
    pub(super) fn share(&mut self, row: &Arc<Job>) {
        let (page, at) = place(row.order);
        let Some(own) = self.pages.get_mut(&page).and_then(|page| page.rows[at].as_mut()) else { return };
        if !Arc::ptr_eq(own, row) && **own == **row {
            *own = Arc::clone(row);
        }
    }

    /// Those beyond this number, by number.
    pub(super) fn after(&self, number: Bound<u64>) -> impl Iterator<Item = &Job> {
        let page = match number {
            Bound::Unbounded => 0,
            Bound::Included(number) | Bound::Excluded(number) => place(number).0,
        };
        let jobs = self.pages.range(page..).flat_map(|(_, page)| page.rows.iter().flatten()).map(|job| &**job);
        jobs.skip_while(move |job| !(number, Bound::Unbounded).contains(&job.order))
    }

    /// Those of smaller numbers, the largest first.
    pub(super) fn before(&self, number: u64) -> impl Iterator<Item = &Job> {
        let (page, _) = place(number);
        let pages = self.pages.range(..=page).rev();
        let jobs = pages.flat_map(|(_, page)| page.rows.iter().rev().flatten()).map(|job| &**job);
        jobs.skip_while(move |job| job.order >= number)
    }
}

fn row(pages: &BTreeMap<u64, Page>, number: u64) -> Option<&Job> {
    let (page, at) = place(number);
    pages.get(&page)?.rows[at].as_deref()
}

impl PartialEq for Rows {
    fn eq(&self, other: &Rows) -> bool {
        self.len == other.len && self.after(Bound::Unbounded).eq(other.after(Bound::Unbounded))
    }
}

/// Numbers by a name that the job of the number has.
#[derive(Clone, Debug, Default)]
struct Index {
    /// None before the first entry.
    tables: Vec<HashTable<Entry>>,
    hasher: RandomState,
}

/// With half of the name's hash, so that a table grows without looking at names.
#[derive(Clone, Copy, Debug)]
struct Entry {
    low: u32,
    high: u32,
    hash: u32,
}

impl Entry {
    fn of(number: u64, hash: u32) -> Entry {
        Entry { low: number as u32, high: (number >> 32) as u32, hash }
    }

    fn number(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// Spreads it over the bits that a table looks at.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Index {
    /// Which table, and by what it is found there.
    fn place(&self, name: &impl Hash) -> (usize, u32) {
        let hash = self.hasher.hash_one(name);
        (hash as usize % TABLES, (hash >> 32) as u32)
    }

    fn find<N: Hash + PartialEq>(&self, name: &N, name_of: &dyn Fn(u64) -> Option<N>) -> Option<u64> {
        let (table, hash) = self.place(name);
        let is_it = |entry: &Entry| entry.hash == hash && name_of(entry.number()).as_ref() == Some(name);
        self.tables.get(table)?.find(spread(hash), is_it).map(|entry| entry.number())
    }

    fn insert(&mut self, name: &impl Hash, number: u64) {
        let (table, hash) = self.place(name);
        if self.tables.is_empty() {
            self.tables = vec![HashTable::new(); TABLES];
        }
        self.tables[table].insert_unique(spread(hash), Entry::of(number, hash), |entry| spread(entry.hash));
    }

    fn remove(&mut self, name: &impl Hash, number: u64) {
        let (table, hash) = self.place(name);
        let Some(table) = self.tables.get_mut(table) else { return };
        if let Ok(entry) = table.find_entry(spread(hash), |entry| entry.number() == number) {
            entry.remove();
        }
        // After a crowd has gone its room is given back.
        if table.capacity() > SPARSE * table.len().max(TABLE_MIN) {
            table.shrink_to(2 * table.len(), |entry| spread(entry.hash));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_name_is_found_as_long_as_it_is_in_and_room_is_given_back() {
        let (mut names, mut index) = (HashMap::new(), Index::default());
        // Numbers beyond 32 bits, too.
        let number = |n: u64| n * 0x1_0000_0001;
        for n in 0..40_000u64 {
            names.insert(number(n), format!("job-{n}"));
            index.insert(&format!("job-{n}").as_str(), number(n));
        }
        for n in 0..40_000u64 {
            if n % 100 > 0 {
                names.remove(&number(n));
                index.remove(&format!("job-{n}").as_str(), number(n));
            }
        }
        for n in 0..40_000u64 {
            let found = index.find(&format!("job-{n}").as_str(), &|number| names.get(&number).map(String::as_str));
            assert_eq!(found, (n % 100 == 0).then_some(number(n)), "job-{n}");
        }
        let room: usize = index.tables.iter().map(HashTable::capacity).sum();
        assert!(room < 40_000, "room for {room} is kept for 400");
    }
}
