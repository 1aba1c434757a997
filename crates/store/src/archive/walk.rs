//! What passes a filter, from the newest down, chunk by chunk, wherever the sets are kept.

use super::Query;
use super::members::{Bits, chunk_of, ends_of};
use super::text::words;
use crate::Facet;
use std::ops::Range;

/// Something that a number may be.
#[derive(Clone)]
pub(super) enum Term {
    /// There at all.
    Every,
    Is(Facet),
    /// Without any facet of this kind.
    Lacks(u8),
    Says(String),
}

/// Where the sets are kept.
pub(super) trait Sets {
    type Error;

    /// The largest chunk up to `chunk` in which anything may pass `lists`.
    fn chunk_up_to(&self, chunk: u64, lists: &[Vec<Term>]) -> Result<Option<u64>, Self::Error>;

    /// Adds the members of `chunk` of which `term` holds.
    fn unite(&self, term: &Term, chunk: u64, bits: &mut Bits) -> Result<(), Self::Error>;
}

/// A walk over what passes: at least one term of each list holds of it.
pub(super) struct Walk<S> {
    sets: S,
    lists: Vec<Vec<Term>>,
    range: Range<u64>,
}

impl<S: Sets> Walk<S> {
    /// Over the numbers in `range`.
    pub(super) fn new(sets: S, lists: Vec<Vec<Term>>, range: Range<u64>) -> Walk<S> {
        Walk { sets, lists, range }
    }

    /// The next chunk in which anything passes, and what.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Bits)>, S::Error> {
        while !self.range.is_empty() {
            let Some(chunk) = self.sets.chunk_up_to(chunk_of(self.range.end - 1), &self.lists)? else {
                break;
            };
            let bits = self.passing(chunk)?;
            self.range.end = self.range.end.min(ends_of(chunk).0);
            if let Some(bits) = bits {
                return Ok(Some((chunk, bits)));
            }
        }
        Ok(None)
    }

    fn passing(&mut self, chunk: u64) -> Result<Option<Bits>, S::Error> {
        let mut passing: Option<Bits> = None;
        for at in 0..self.lists.len() {
            let mut bits = Bits::none();
            for term in &self.lists[at] {
                self.sets.unite(term, chunk, &mut bits)?;
            }
            match &passing {
                Some(others) => bits.keep(others),
                None => bits.keep_range(chunk, &self.range),
            }
            if bits.is_empty() {
                // What is rare here is likely to be rare in the next chunk: ask for it first.
                if !matches!(self.lists[at][..], [Term::Says(_)]) {
                    self.lists[..=at].rotate_right(1);
                }
                return Ok(None);
            }
            passing = Some(bits);
        }
        Ok(passing)
    }
}

/// The lists that `query` asks for; text comes last, since it is the dearest.
pub(super) fn lists_of(query: &Query) -> Vec<Vec<Term>> {
    let facets = query.all_of.iter().map(|any_of| {
        let lacks =
            query.assumed.iter().filter(|assumed| any_of.contains(assumed)).map(|facet| Term::Lacks(facet.kind));
        any_of.iter().cloned().map(Term::Is).chain(lacks).collect()
    });
    let text = query.text.iter().filter(|text| words(text).next().is_some()).map(|text| vec![Term::Says(text.clone())]);
    let mut lists: Vec<Vec<Term>> = facets.chain(text).collect();
    if !lists.iter().flatten().any(|term| matches!(term, Term::Is(_))) {
        // A text may outlive its entry, a facet does not.
        lists.insert(0, vec![Term::Every]);
    }
    lists
}

/// A page of numbers.
pub(super) struct Page {
    pub(super) numbers: Vec<u64>,
    pub(super) count: u64,
    pub(super) is_exact: bool,
}

/// Walks until the page of `query` is full and counted. What is `known` is not counted.
pub(super) fn page<S: Sets>(mut walk: Walk<S>, query: &Query, known: Option<u64>) -> Result<Page, S::Error> {
    let (mut numbers, mut skip, mut count) = (Vec::new(), query.skip, 0);
    loop {
        let is_counted = known.is_some() || count > query.count_max;
        if is_counted {
            walk.range.end = walk.range.end.min(query.below);
        }
        if is_counted && numbers.len() >= query.limit {
            break;
        }
        let Some((chunk, mut bits)) = walk.next()? else {
            break;
        };
        count += bits.len() as u64;
        bits.keep_range(chunk, &(0..query.below));
        let room = query.limit - numbers.len();
        let passed = if room > 0 { bits.len() } else { 0 };
        if passed > skip {
            let lows = bits.backwards().skip(skip).take(room);
            numbers.extend(lows.map(|low| ends_of(chunk).0 | u64::from(low)));
        }
        skip = skip.saturating_sub(passed);
    }
    let is_exact = known.is_some() || count <= query.count_max;
    Ok(Page { numbers, count: known.unwrap_or(count.min(query.count_max)), is_exact })
}
