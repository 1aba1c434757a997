//! All that wait, in the order in which they run, without keeping that order anywhere: each class
//! has its own, and they are merged as far as somebody reads.

use super::{OrderKey, Schedule};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Keys in order, and further sources that begin with one of them.
trait Source<'a> {
    /// The next key, and the source that opens with it.
    fn next(&mut self) -> Option<(OrderKey, Option<Box<dyn Source<'a> + 'a>>)>;
}

struct Keys<I>(I);

impl<'a, I: Iterator<Item = OrderKey>> Source<'a> for Keys<I> {
    fn next(&mut self) -> Option<(OrderKey, Option<Box<dyn Source<'a> + 'a>>)> {
        self.0.next().map(|key| (key, None))
    }
}

struct Heads<I>(I);

impl<'a, I, L> Source<'a> for Heads<I>
where
    I: Iterator<Item = (OrderKey, L)>,
    L: Iterator<Item = OrderKey> + 'a,
{
    fn next(&mut self) -> Option<(OrderKey, Option<Box<dyn Source<'a> + 'a>>)> {
        self.0.next().map(|(key, after)| (key, Some(Box::new(Keys(after)) as Box<dyn Source<'a> + 'a>)))
    }
}

/// The sources, and the next key of each.
#[derive(Default)]
struct Merge<'a> {
    sources: Vec<Box<dyn Source<'a> + 'a>>,
    /// What each opens with its next key.
    opens: Vec<Option<Box<dyn Source<'a> + 'a>>>,
    next: BinaryHeap<Reverse<(OrderKey, usize)>>,
}

impl<'a> Merge<'a> {
    fn add(&mut self, source: Box<dyn Source<'a> + 'a>) {
        self.sources.push(source);
        self.opens.push(None);
        self.advance(self.sources.len() - 1);
    }

    fn advance(&mut self, source: usize) {
        if let Some((key, opens)) = self.sources[source].next() {
            self.opens[source] = opens;
            self.next.push(Reverse((key, source)));
        }
    }
}

impl Iterator for Merge<'_> {
    type Item = OrderKey;

    fn next(&mut self) -> Option<OrderKey> {
        let Reverse((key, source)) = self.next.pop()?;
        if let Some(opened) = self.opens[source].take() {
            self.add(opened);
        }
        self.advance(source);
        Some(key)
    }
}

impl Schedule {
    /// All that wait, in the order in which they run.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = OrderKey> + '_ {
        let mut merge = Merge::default();
        for class in self.classes.values().filter(|class| !class.is_idle()) {
            merge.add(Box::new(Heads(class.by_customer())));
            merge.add(Box::new(Keys(class.resting.iter().copied())));
        }
        merge
    }
}
