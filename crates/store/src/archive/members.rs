//! Sets of numbers, by chunks of 65,536: how they are kept, and how they are joined.
//!
//! A set within a chunk is either a list of its low 16 bits in order, or one bit for each number
//! (as the containers of Roaring bitmaps are: <https://arxiv.org/abs/1603.06549>). A chunk is one
//! such container, so its bytes need no header: 8,192 bytes are bits, fewer are a list.

use std::ops::Range;

/// Numbers of one chunk share all but this many bits.
const CHUNK_BITS: u32 = 16;
const WORDS: usize = 1024;
const BITS_BYTES: usize = WORDS * 8;
/// One more, and bits take less room.
const LIST_MAX: usize = BITS_BYTES / 2 - 1;
/// Bits become a list again at half of that, so that no set changes to and fro.
const LIST_AGAIN: usize = LIST_MAX / 2;

pub(super) fn chunk_of(number: u64) -> u64 {
    number >> CHUNK_BITS
}

/// The place of `number` in its chunk.
pub(super) fn low_of(number: u64) -> u16 {
    (number & 0xffff) as u16
}

/// All numbers of `chunk`, the last one included.
pub(super) fn ends_of(chunk: u64) -> (u64, u64) {
    (chunk << CHUNK_BITS, chunk << CHUNK_BITS | 0xffff)
}

/// A set that is kept.
#[derive(Debug, Clone)]
pub(super) enum Members {
    List(Vec<u16>),
    Bits { len: usize, words: Box<[u64; WORDS]> },
}

impl Members {
    pub(super) fn new() -> Members {
        Members::List(Vec::new())
    }

    /// The set of these bytes; `None` if no set has them.
    pub(super) fn decode(bytes: &[u8]) -> Option<Members> {
        if bytes.len() == BITS_BYTES {
            let mut bits = Bits::none();
            bits.unite_encoded(bytes)?;
            return Some(Members::Bits { len: bits.len(), words: bits.0 });
        }
        list_in(bytes).map(|list| Members::List(list.collect()))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Members::List(list) => list.iter().flat_map(|low| low.to_le_bytes()).collect(),
            Members::Bits { words, .. } => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Members::List(list) if list.is_empty())
    }

    pub(super) fn add(&mut self, low: u16) {
        match self {
            Members::List(list) => {
                if let Err(at) = list.binary_search(&low) {
                    list.insert(at, low);
                    if list.len() > LIST_MAX {
                        let mut bits = Bits::none();
                        bits.unite(self);
                        *self = Members::Bits { len: bits.len(), words: bits.0 };
                    }
                }
            }
            Members::Bits { len, words } => {
                let (word, mask) = bit(low);
                *len += usize::from(words[word] & mask == 0);
                words[word] |= mask;
            }
        }
    }

    pub(super) fn remove(&mut self, low: u16) {
        match self {
            Members::List(list) => {
                if let Ok(at) = list.binary_search(&low) {
                    list.remove(at);
                }
            }
            Members::Bits { len, words } => {
                let (word, mask) = bit(low);
                *len -= usize::from(words[word] & mask != 0);
                words[word] &= !mask;
                if *len <= LIST_AGAIN {
                    let mut list: Vec<u16> = Bits(words.clone()).backwards().collect();
                    list.reverse();
                    *self = Members::List(list);
                }
            }
        }
    }
}

/// A set that is worked with.
pub(super) struct Bits(Box<[u64; WORDS]>);

impl Bits {
    pub(super) fn none() -> Bits {
        Bits(Box::new([0; WORDS]))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn add(&mut self, low: u16) {
        let (word, mask) = bit(low);
        self.0[word] |= mask;
    }

    /// Adds the members.
    pub(super) fn unite(&mut self, members: &Members) {
        match members {
            Members::List(list) => list.iter().for_each(|low| self.add(*low)),
            Members::Bits { words, .. } => self.0.iter_mut().zip(words.iter()).for_each(|(mine, word)| *mine |= word),
        }
    }

    /// Adds the members of the set of these bytes; `None` if no set has them.
    pub(super) fn unite_encoded(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.len() == BITS_BYTES {
            let words = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
            self.0.iter_mut().zip(words).for_each(|(mine, word)| *mine |= word);
        } else {
            list_in(bytes)?.for_each(|low| self.add(low));
        }
        Some(())
    }

    /// Adds what is in `every` but not in `these`.
    pub(super) fn unite_others(&mut self, every: &Bits, these: &Bits) {
        let others = every.0.iter().zip(these.0.iter()).map(|(every, these)| every & !these);
        self.0.iter_mut().zip(others).for_each(|(mine, word)| *mine |= word);
    }

    /// Leaves what is in both.
    pub(super) fn keep(&mut self, other: &Bits) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(mine, word)| *mine &= word);
    }

    /// Leaves what is in `range`, as members of `chunk`.
    pub(super) fn keep_range(&mut self, chunk: u64, range: &Range<u64>) {
        let (first, last) = ends_of(chunk);
        if range.start <= first && range.end > last {
            return;
        }
        for (at, word) in self.0.iter_mut().enumerate().filter(|(_, word)| **word != 0) {
            let lowest = first + at as u64 * 64;
            if range.start <= lowest && lowest + 64 <= range.end {
                continue;
            }
            *word &= (0..64).filter(|bit| range.contains(&(lowest + bit))).fold(0, |mask, bit| mask | 1 << bit);
        }
    }

    /// The largest first.
    pub(super) fn backwards(self) -> impl Iterator<Item = u16> {
        let Bits(mut words) = self;
        let mut at = WORDS;
        std::iter::from_fn(move || {
            while at > 0 {
                let word = words[at - 1];
                if word != 0 {
                    let highest = word.ilog2();
                    words[at - 1] &= !(1 << highest);
                    return Some(((at - 1) * 64) as u16 | highest as u16);
                }
                at -= 1;
            }
            None
        })
    }
}

fn bit(low: u16) -> (usize, u64) {
    (usize::from(low / 64), 1 << (low % 64))
}

fn list_in(bytes: &[u8]) -> Option<impl Iterator<Item = u16>> {
    let (pairs, rest) = bytes.as_chunks();
    (rest.is_empty() && pairs.len() <= LIST_MAX).then(|| pairs.iter().map(|pair| u16::from_le_bytes(*pair)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The same as the code, by a set of numbers.
    fn agrees(members: &Members, oracle: &BTreeSet<u16>) {
        let again = Members::decode(&members.encode()).unwrap();
        for members in [members, &again] {
            let mut bits = Bits::none();
            bits.unite(members);
            assert_eq!(bits.len(), oracle.len());
            assert_eq!(members.is_empty(), oracle.is_empty());
            assert!(bits.backwards().eq(oracle.iter().rev().copied()));
        }
    }

    #[test]
    fn a_set_grows_into_bits_and_shrinks_into_a_list_and_loses_nothing() {
        let (mut members, mut oracle) = (Members::new(), BTreeSet::new());
        let spread = |step: u16| step.wrapping_mul(40_503);
        for step in 0..9_000 {
            members.add(spread(step % 8_000));
            oracle.insert(spread(step % 8_000));
            if step % 500 == 0 || oracle.len().abs_diff(LIST_MAX) < 3 {
                agrees(&members, &oracle);
            }
        }
        assert!(matches!(members, Members::Bits { .. }));
        for step in 0..9_000 {
            members.remove(spread(step));
            oracle.remove(&spread(step));
            if step % 500 == 0 || oracle.len().abs_diff(LIST_AGAIN) < 3 {
                agrees(&members, &oracle);
            }
        }
        assert!(members.is_empty());
    }

    #[test]
    fn a_range_cuts_a_chunk_at_any_number() {
        let (first, last) = ends_of(3);
        for range in
            [0..u64::MAX, first..last, first + 1..first + 64, first + 100..first + 50, 0..first, last..last + 1]
        {
            let mut bits = Bits::none();
            (0..=u16::MAX).for_each(|low| bits.add(low));
            bits.keep_range(3, &range);
            let expected = (first..=last).rev().filter(|number| range.contains(number)).map(low_of);
            assert!(bits.backwards().eq(expected), "{range:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_set_are_refused() {
        for length in [1, 8_191, 8_193, 8_194] {
            assert!(Members::decode(&vec![0; length]).is_none(), "{length}");
        }
    }
}
