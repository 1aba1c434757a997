//! Which numbers have which facet, in memory.

use super::members::{Bits, Members, chunk_of, ends_of, low_of};
use super::walk::{Sets, Term, Walk};
use crate::Facet;
use std::collections::HashMap;
use std::convert::Infallible;

/// Numbers by their facets, kept by chunks of 65,536: two bytes for each at most, beside the chunk.
/// The first number of a facet takes no room of its own, since of many facets there is only one.
#[derive(Default)]
pub struct Postings(HashMap<Facet, Numbers>);

impl Postings {
    /// Afterwards `number` is found by `facet`.
    pub fn add(&mut self, number: u64, facet: Facet) {
        self.0.entry(facet).or_default().add(number);
    }

    /// Afterwards `number` is not found by `facet` any more.
    pub fn remove(&mut self, number: u64, facet: &Facet) {
        let Some(numbers) = self.0.get_mut(facet) else { return };
        numbers.remove(number);
        if numbers.is_empty() {
            self.0.remove(facet);
        }
    }

    /// The numbers below `below` that have at least one facet of each list, the largest first.
    /// Costs what is drawn from it. Without any list it is empty: who does not filter does not
    /// need this.
    pub fn matching(&self, all_of: &[Vec<Facet>], below: u64) -> impl Iterator<Item = u64> {
        let mut walk = self.walk(all_of, below);
        let chunks = std::iter::from_fn(move || walk.next().unwrap_or_else(|never| match never {}));
        chunks.flat_map(|(chunk, bits)| bits.backwards().map(move |low| ends_of(chunk).0 | u64::from(low)))
    }

    /// How many numbers have at least one facet of each list, if they are not more than `max`;
    /// otherwise `max` and `false`.
    #[must_use]
    pub fn count(&self, all_of: &[Vec<Facet>], max: u64) -> (u64, bool) {
        let (mut walk, mut count) = (self.walk(all_of, u64::MAX), 0);
        while let Some((_, bits)) = walk.next().unwrap_or_else(|never| match never {}) {
            count += bits.len() as u64;
            if count > max {
                return (max, false);
            }
        }
        (count, true)
    }

    /// Adds the members of `chunk` that have any facet of this kind.
    pub(super) fn unite_kind(&self, kind: u8, chunk: u64, bits: &mut Bits) {
        let of_kind = self.0.iter().filter(|(facet, _)| facet.kind == kind);
        of_kind.for_each(|(_, numbers)| numbers.unite(chunk, bits));
    }

    fn walk(&self, all_of: &[Vec<Facet>], below: u64) -> Walk<&Postings> {
        let lists = all_of.iter().map(|any_of| any_of.iter().cloned().map(Term::Is).collect());
        Walk::new(self, lists.collect(), 0..if all_of.is_empty() { 0 } else { below })
    }
}

impl Sets for &Postings {
    type Error = Infallible;

    fn chunk_up_to(&self, chunk: u64, lists: &[Vec<Term>]) -> Result<Option<u64>, Infallible> {
        let largest = |term: &Term| match term {
            Term::Is(facet) => self.0.get(facet)?.chunk_up_to(chunk),
            Term::Every | Term::Lacks(_) | Term::Says(_) => Some(chunk),
        };
        // None is less than any: a list without members lets nothing pass.
        Ok(lists.iter().map(|any_of| any_of.iter().filter_map(largest).max()).min().flatten())
    }

    fn unite(&self, term: &Term, chunk: u64, bits: &mut Bits) -> Result<(), Infallible> {
        if let Term::Is(facet) = term
            && let Some(numbers) = self.0.get(facet)
        {
            numbers.unite(chunk, bits);
        }
        Ok(())
    }
}

/// A set of any numbers.
pub(super) enum Numbers {
    One(u64),
    /// By chunk, in order; none of them empty.
    Chunks(Vec<(u64, Members)>),
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers::Chunks(Vec::new())
    }
}

impl Numbers {
    pub(super) fn add(&mut self, number: u64) {
        match self {
            Numbers::One(other) => {
                let other = *other;
                if other != number {
                    *self = Numbers::Chunks(Vec::new());
                    self.insert(other);
                    self.insert(number);
                }
            }
            Numbers::Chunks(chunks) if chunks.is_empty() => *self = Numbers::One(number),
            Numbers::Chunks(_) => self.insert(number),
        }
    }

    fn insert(&mut self, number: u64) {
        let Numbers::Chunks(chunks) = self else { return };
        let chunk = chunk_of(number);
        let at = chunks.binary_search_by_key(&chunk, |(chunk, _)| *chunk).unwrap_or_else(|at| {
            chunks.insert(at, (chunk, Members::new()));
            at
        });
        chunks[at].1.add(low_of(number));
    }

    pub(super) fn remove(&mut self, number: u64) {
        match self {
            Numbers::One(only) if *only == number => *self = Numbers::default(),
            Numbers::One(_) => {}
            Numbers::Chunks(chunks) => {
                if let Ok(at) = chunks.binary_search_by_key(&chunk_of(number), |(chunk, _)| *chunk) {
                    chunks[at].1.remove(low_of(number));
                    if chunks[at].1.is_empty() {
                        chunks.remove(at);
                    }
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Numbers::Chunks(chunks) if chunks.is_empty())
    }

    pub(super) fn chunk_up_to(&self, chunk: u64) -> Option<u64> {
        match self {
            Numbers::One(number) => Some(chunk_of(*number)).filter(|only| *only <= chunk),
            Numbers::Chunks(chunks) => {
                let after = chunks.partition_point(|(other, _)| *other <= chunk);
                chunks[..after].last().map(|(chunk, _)| *chunk)
            }
        }
    }

    pub(super) fn unite(&self, chunk: u64, bits: &mut Bits) {
        match self {
            Numbers::One(number) if chunk_of(*number) == chunk => bits.add(low_of(*number)),
            Numbers::One(_) => {}
            Numbers::Chunks(chunks) => {
                if let Ok(at) = chunks.binary_search_by_key(&chunk, |(chunk, _)| *chunk) {
                    bits.unite(&chunks[at].1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn facet(kind: u8, value: u64) -> Facet {
        Facet { kind, value: value.to_string() }
    }

    #[test]
    fn what_matches_is_what_a_scan_finds() {
        let (mut postings, mut oracle) = (Postings::default(), BTreeSet::new());
        let mut state = 1_u64;
        let mut random = |max: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % max
        };
        for step in 0..60_000_u64 {
            // Common, rare and lone values, over several chunks.
            let kind = random(3) as u8;
            let (number, value) = (random(5 * 65_536), random([2, 300, 1_000_000][usize::from(kind)]));
            postings.add(number, facet(kind, value));
            oracle.insert((kind, value, number));
            if step % 3 == 0 {
                let (kind, value, number) = *oracle.iter().nth(random(40) as usize % oracle.len()).unwrap();
                postings.remove(number, &facet(kind, value));
                oracle.remove(&(kind, value, number));
            }
            if step % 2_000 == 0 {
                let of = |kind, value| oracle.range((kind, value, 0)..=(kind, value, u64::MAX)).map(|entry| entry.2);
                let (a, b, c) = (random(2), random(300), random(300));
                let below = random(6 * 65_536);
                let either: BTreeSet<u64> = of(1, b).chain(of(1, c)).collect();
                let both: Vec<u64> = of(0, a).filter(|number| either.contains(number)).rev().collect();
                let all_of = [vec![facet(0, a)], vec![facet(1, b), facet(1, c)]];
                let expected = both.iter().copied().filter(|number| *number < below);
                assert!(postings.matching(&all_of, below).eq(expected));
                let (max, len) = (random(10), both.len() as u64);
                assert_eq!(postings.count(&all_of, max), (len.min(max), len <= max));
            }
        }
        for (kind, value, number) in oracle {
            postings.remove(number, &facet(kind, value));
        }
        assert!(postings.0.is_empty());
    }

    #[test]
    fn an_empty_list_lets_nothing_pass_and_no_list_lists_nothing() {
        let mut postings = Postings::default();
        postings.add(7, facet(0, 1));
        assert_eq!(postings.matching(&[vec![facet(0, 1)]], u64::MAX).collect::<Vec<_>>(), [7]);
        assert_eq!(postings.matching(&[vec![facet(0, 1)], Vec::new()], u64::MAX).count(), 0);
        assert_eq!(postings.matching(&[], u64::MAX).count(), 0);
    }
}
