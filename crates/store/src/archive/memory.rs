//! The archive in memory: gone with the process.

use super::members::{Bits, ends_of, low_of};
use super::postings::{Numbers, Postings};
use super::walk::{Sets, Term, Walk, lists_of, page};
use super::{Archive, CountedBy, Counts, Entry, Found, Holdings, Memo, Place, Query, Row, Totals, text};
use crate::StoreError;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries that one piece of work takes.
const PIECE: usize = 500;
/// Earlier places that are kept.
const PLACES_MAX: usize = 64;

/// An archive that dies with its last handle.
pub struct MemoryArchive {
    keeps_text: bool,
    state: Mutex<State>,
}

struct Kept {
    entry: Entry,
    is_dropped: bool,
    /// Its text as words, when that is kept.
    words: Vec<String>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<u64, Kept>,
    every: Numbers,
    postings: Postings,
    /// By the event that ended them.
    ends: BTreeSet<(u64, u64)>,
    names: BTreeSet<(String, u64)>,
    memos: HashMap<String, Memo>,
    counts: BTreeMap<CountedBy, u64>,
    /// Removed and not confirmed.
    removals: BTreeSet<u64>,
    /// The last one is where it stands.
    places: Vec<Place>,
    content_bytes: u64,
}

impl MemoryArchive {
    /// An empty one, which keeps text if `search`.
    #[must_use]
    pub fn new(search: bool) -> MemoryArchive {
        MemoryArchive { keeps_text: search, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn place(&self) -> Place {
        self.places.last().copied().unwrap_or(Place::START)
    }

    fn move_to(&mut self, place: Place) {
        if self.place() != place {
            self.places.push(place);
            let surplus = self.places.len().saturating_sub(PLACES_MAX + 1);
            self.places.drain(..surplus);
        }
    }

    fn row(&self, number: u64) -> Option<Row> {
        let kept = self.entries.get(&number)?;
        Some(Row { number, seq: kept.entry.seq, bytes: kept.entry.bytes.clone(), is_dropped: kept.is_dropped })
    }

    fn add(&mut self, entry: Entry, words: Vec<String>) {
        let number = entry.number;
        if self.entries.contains_key(&number) {
            return;
        }
        self.every.add(number);
        entry.facets.iter().for_each(|facet| self.postings.add(number, facet.clone()));
        self.ends.insert((entry.seq, number));
        self.names.extend(entry.names.iter().map(|name| (name.clone(), number)));
        *self.counts.entry(entry.counted.clone()).or_default() += 1;
        self.content_bytes += entry.content_bytes;
        self.entries.insert(number, Kept { entry, is_dropped: false, words });
    }

    fn take_back(&mut self, number: u64) {
        let Some(Kept { entry, is_dropped, .. }) = self.entries.remove(&number) else { return };
        self.every.remove(number);
        entry.facets.iter().for_each(|facet| self.postings.remove(number, facet));
        self.ends.remove(&(entry.seq, number));
        for name in entry.names {
            self.names.remove(&(name, number));
        }
        if let Some(count) = self.counts.get_mut(&entry.counted) {
            *count -= 1;
        }
        self.counts.retain(|_, count| *count > 0);
        self.content_bytes -= if is_dropped { 0 } else { entry.content_bytes };
    }

    /// The first number that began at or after `began`; without one, one beyond all.
    fn first_since(&self, began: i64) -> u64 {
        let mut range = 0..u64::MAX;
        while !range.is_empty() {
            let middle = range.start + (range.end - range.start) / 2;
            match self.entries.range(middle..range.end).next() {
                Some((number, kept)) if kept.entry.began < began => range.start = number + 1,
                _ => range.end = middle,
            }
        }
        range.start
    }
}

#[async_trait]
impl Archive for MemoryArchive {
    async fn place(&self) -> Result<Place, StoreError> {
        Ok(self.state().place())
    }

    async fn put(&self, entries: Vec<Entry>, memos: Vec<Memo>, place: Place) -> Result<(), StoreError> {
        let mut state = self.state();
        state.place().check_follows(place)?;
        for entry in entries {
            let text = entry.text.as_deref().filter(|_| self.keeps_text);
            let words = text.map(tokens).unwrap_or_default();
            state.add(entry, words);
        }
        state.memos.extend(memos.into_iter().map(|memo| (memo.name.clone(), memo)));
        state.move_to(place);
        Ok(())
    }

    async fn entry(&self, number: u64) -> Result<Option<Row>, StoreError> {
        Ok(self.state().row(number))
    }

    async fn named(&self, name: &str) -> Result<Option<Row>, StoreError> {
        let state = self.state();
        let newest = state.names.range((name.to_owned(), 0)..=(name.to_owned(), u64::MAX)).next_back();
        Ok(newest.and_then(|(_, number)| state.row(*number)))
    }

    async fn memo(&self, name: &str, now: i64) -> Result<Option<Bytes>, StoreError> {
        let state = self.state();
        Ok(state.memos.get(name).filter(|memo| now < memo.until).map(|memo| memo.bytes.clone()))
    }

    async fn find(&self, query: &Query) -> Result<Found, StoreError> {
        if query.text.is_some() && !self.keeps_text {
            return Err(StoreError::NoSearch);
        }
        let state = self.state();
        let from = query.began_from.map_or(0, |began| state.first_since(began));
        let to = query.began_before.map_or(u64::MAX, |began| state.first_since(began));
        let known = query.is_everything().then_some(state.entries.len() as u64);
        let Ok(page) = page(Walk::new(&*state, lists_of(query), from..to), query, known);
        let rows = page.numbers.into_iter().filter_map(|number| state.row(number)).collect();
        Ok(Found { rows, count: page.count, is_exact: page.is_exact, place: state.place() })
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let state = self.state();
        Ok(Counts { by: state.counts.clone(), place: state.place() })
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        let state = self.state();
        let mut by = BTreeMap::new();
        for (CountedBy { group, word, .. }, count) in &state.counts {
            *by.entry((group.clone(), word.clone())).or_default() += count;
        }
        Ok(Totals { by, place: state.place() })
    }

    async fn holdings(&self) -> Result<Holdings, StoreError> {
        let state = self.state();
        Ok(Holdings { entries: state.entries.len() as u64, content_bytes: state.content_bytes, disk_bytes: 0 })
    }

    async fn remove(&self, ended_before: i64, now: i64) -> Result<Vec<u64>, StoreError> {
        let mut state = self.state();
        state.memos.retain(|_, memo| now < memo.until);
        if state.removals.is_empty() {
            let ended = |number: &u64| state.entries.get(number).map(|kept| kept.entry.ended);
            let oldest = state.ends.iter().map(|(_, number)| *number).take(PIECE);
            let gone: Vec<u64> =
                oldest.take_while(|number| ended(number).is_some_and(|at| at < ended_before)).collect();
            gone.iter().for_each(|number| state.take_back(*number));
            state.removals.extend(gone);
        }
        Ok(state.removals.iter().copied().collect())
    }

    async fn removed(&self, numbers: &[u64]) -> Result<(), StoreError> {
        let mut state = self.state();
        for number in numbers {
            state.removals.remove(number);
        }
        Ok(())
    }

    async fn heaviest_oldest(&self, bytes: u64) -> Result<Vec<u64>, StoreError> {
        let state = self.state();
        let kept = state.ends.iter().filter_map(|(_, number)| state.entries.get(number));
        let held = kept.filter(|kept| !kept.is_dropped && kept.entry.content_bytes > 0);
        let mut taken = 0;
        let needed = held.take_while(|kept| {
            let is_needed = taken < bytes;
            taken += kept.entry.content_bytes;
            is_needed
        });
        Ok(needed.take(PIECE).map(|kept| kept.entry.number).collect())
    }

    async fn dropped(&self, numbers: &[u64]) -> Result<(), StoreError> {
        let mut state = self.state();
        for number in numbers {
            let Some(kept) = state.entries.get_mut(number).filter(|kept| !kept.is_dropped) else { continue };
            kept.is_dropped = true;
            let bytes = kept.entry.content_bytes;
            state.content_bytes -= bytes;
        }
        Ok(())
    }

    async fn cut_back(&self, seq: u64, place: Place) -> Result<(), StoreError> {
        let mut state = self.state();
        let beyond: Vec<u64> = state.ends.iter().rev().take_while(|end| end.0 > seq).map(|end| end.1).collect();
        beyond.iter().for_each(|number| state.take_back(*number));
        state.places.retain(|earlier| earlier.position.seq <= place.position.seq);
        let left = state.entries.keys().next_back().copied();
        state.removals.retain(|number| Some(*number) <= left);
        state.move_to(place);
        Ok(())
    }

    async fn earlier_places(&self) -> Result<Vec<Place>, StoreError> {
        Ok(self.state().places.iter().rev().skip(1).copied().collect())
    }
}

impl Sets for &State {
    type Error = Infallible;

    fn chunk_up_to(&self, chunk: u64, _: &[Vec<Term>]) -> Result<Option<u64>, Infallible> {
        Ok(self.every.chunk_up_to(chunk))
    }

    fn unite(&self, term: &Term, chunk: u64, bits: &mut Bits) -> Result<(), Infallible> {
        match term {
            Term::Every => self.every.unite(chunk, bits),
            Term::Is(_) => (&self.postings).unite(term, chunk, bits)?,
            Term::Lacks(kind) => {
                let (mut every, mut with) = (Bits::none(), Bits::none());
                self.every.unite(chunk, &mut every);
                self.postings.unite_kind(*kind, chunk, &mut with);
                bits.unite_others(&every, &with);
            }
            Term::Says(typed) => {
                let phrases: Vec<Vec<String>> = text::words(typed).map(tokens).collect();
                let (first, last) = ends_of(chunk);
                for (number, kept) in self.entries.range(first..=last) {
                    if phrases.iter().all(|said| kept.words.windows(said.len()).any(|words| words == said)) {
                        bits.add(low_of(*number));
                    }
                }
            }
        }
        Ok(())
    }
}

fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}
