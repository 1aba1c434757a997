//! The rules every engine shares: who may append, and what a reader may be given. Pure.

use crate::{Batch, Keep, Part, Position, Record, StoreError, Trimmed};

/// What an item costs in a page beside its bytes, so that those without bytes fill one too.
const ITEM_OVERHEAD_BYTES: usize = 64;

/// What one piece of a trim removes at most.
const TRIM_RECORDS_MAX: u64 = 128;
const TRIM_BYTES_MAX: u64 = 256 * 1024;

/// What an append is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Append {
    /// New: write it, it ends at this position.
    Write(Position),
    /// The last record already: its answer was lost. Write nothing.
    Written(Position),
}

/// Judges an append of `epoch` to a journal whose newest epoch is `newest` and whose last record
/// is at `tail`. Must be asked in the transaction that writes.
pub(crate) fn judge_append(
    newest: u64,
    tail: Position,
    epoch: u64,
    after: Position,
    batch: &Batch,
) -> Result<Append, StoreError> {
    judge_epoch(newest, tail, epoch, after)?;
    if after == tail {
        return Ok(Append::Write(after.after(epoch, batch.events, &batch.bytes)));
    }
    if after.seq < tail.seq && after.after(epoch, batch.events, &batch.bytes) == tail {
        return Ok(Append::Written(tail));
    }
    Err(StoreError::Rewound { after, tail })
}

/// Judges whether the writer of `epoch`, which stands at `at`, may still write.
pub(crate) fn judge_epoch(newest: u64, tail: Position, epoch: u64, at: Position) -> Result<(), StoreError> {
    if epoch < newest {
        return Err(StoreError::Fenced { ours: epoch, newest });
    }
    // An epoch that this journal never gave: it lost its memory of our opening, and with it
    // perhaps of others'.
    if epoch > newest {
        return Err(StoreError::Rewound { after: at, tail });
    }
    Ok(())
}

/// Judges whether what changed since `base` makes a new checkpoint at `at` out of the `newest`.
/// False if that stands further on already.
pub(crate) fn judge_checkpoint(
    newest: Option<Position>,
    tail: Position,
    base: Option<Position>,
    at: Position,
) -> Result<bool, StoreError> {
    if newest.is_some_and(|newest| newest.seq > at.seq) {
        return Ok(false);
    }
    match base {
        Some(base) if newest != Some(base) => Err(StoreError::Rewound { after: base, tail }),
        _ => Ok(true),
    }
}

/// Judges whether a reader at `after` may be given `next`, the oldest record that ends beyond it.
/// `here` is the record that ends at exactly `after.seq`, if there is one.
pub(crate) fn judge_read(
    after: Position,
    here: Option<Position>,
    next: Option<&Record>,
    tail: Position,
) -> Result<(), StoreError> {
    let rewound = StoreError::Rewound { after, tail };
    if after == Position::START {
        return judge_read_after_seq(0, next);
    }
    match (here, next) {
        _ if after.seq == 0 => Err(rewound),
        (Some(here), _) if here == after => Ok(()),
        // Another record ends here, or nothing does and nothing follows: another history.
        (Some(_), _) | (None, None) => Err(rewound),
        (None, Some(next)) if next.first > after.seq + 1 => Err(StoreError::Trimmed { oldest: next.first }),
        // The reader's own record is gone, but what follows still says what it followed.
        (None, Some(next)) if next.first == after.seq + 1 && follows(after, next) => Ok(()),
        (None, Some(_)) => Err(rewound),
    }
}

/// Judges whether `next`, the oldest record that ends beyond `seq`, is the one that holds
/// event `seq + 1`.
pub(crate) fn judge_read_after_seq(seq: u64, next: Option<&Record>) -> Result<(), StoreError> {
    match next {
        Some(next) if next.first > seq.saturating_add(1) => Err(StoreError::Trimmed { oldest: next.first }),
        _ => Ok(()),
    }
}

/// Whether `record` is what was written directly after `before`.
pub(crate) fn follows(before: Position, record: &Record) -> bool {
    record.first == before.seq + 1
        && record.position.seq >= record.first
        && record.position.hash == before.after(record.position.epoch, 1, &record.bytes).hash
}

/// One piece of a trim: is told the records from the oldest on, and says where it ends.
pub(crate) struct Cut {
    keep: Keep,
    /// Bytes of the records that were not cut off.
    left: u64,
    /// Records that end beyond it stay.
    until: u64,
    pub(crate) trimmed: Trimmed,
}

impl Cut {
    /// For a journal of `bytes` bytes that ends at `tail` and has its newest checkpoint at
    /// `checkpoint`.
    pub(crate) fn new(keep: Keep, bytes: u64, checkpoint: Option<Position>, tail: Position) -> Cut {
        let until = checkpoint.map_or(0, |checkpoint| keep.from.min(checkpoint.seq));
        Cut { keep, left: bytes, until: until.min(tail.seq.saturating_sub(1)), trimmed: Trimmed::default() }
    }

    /// Whether the next record goes too, which ends at event `last` and was decided `at`.
    pub(crate) fn takes(&mut self, last: u64, at: i64, bytes: u64) -> bool {
        let needed = at >= self.keep.at_min && self.left <= self.keep.bytes_max;
        if last > self.until || needed {
            return false;
        }
        let Trimmed { records, bytes: before, .. } = self.trimmed;
        if records == TRIM_RECORDS_MAX || records > 0 && before + bytes > TRIM_BYTES_MAX {
            self.trimmed.more = true;
            return false;
        }
        self.left = self.left.saturating_sub(bytes);
        self.trimmed = Trimmed { records: records + 1, bytes: before + bytes, more: false };
        true
    }
}

/// What fills a page.
pub(crate) trait Weighed {
    fn bytes(&self) -> usize;
}

impl Weighed for Record {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl Weighed for Part {
    fn bytes(&self) -> usize {
        self.key.len() + self.bytes.len()
    }
}

/// Records or parts gathered until there are about `bytes_max` bytes of them.
pub(crate) struct Page<T> {
    items: Vec<T>,
    bytes: usize,
    bytes_max: usize,
}

impl<T: Weighed> Page<T> {
    pub(crate) fn new(bytes_max: usize) -> Page<T> {
        Page { items: Vec::new(), bytes: 0, bytes_max }
    }

    /// Takes `item` if it fits; the first one always does. False when the page is full.
    pub(crate) fn take(&mut self, item: T) -> bool {
        let bytes = self.bytes.saturating_add(item.bytes() + ITEM_OVERHEAD_BYTES);
        if !self.items.is_empty() && bytes > self.bytes_max {
            return false;
        }
        self.bytes = bytes;
        self.items.push(item);
        true
    }

    pub(crate) fn into_items(self) -> Vec<T> {
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn record(after: Position, bytes: &'static str) -> Record {
        let bytes = Bytes::from(bytes);
        Record { first: after.seq + 1, position: after.after(7, 1, &bytes), bytes }
    }

    #[test]
    fn a_reader_whose_record_was_trimmed_goes_on_if_the_chain_says_so() {
        let first = record(Position::START, "one");
        let second = record(first.position, "two");
        let tail = second.position;
        assert!(judge_read(first.position, None, Some(&second), tail).is_ok());

        let stranger = record(Position::START, "another history").position;
        let answer = judge_read(stranger, None, Some(&second), tail);
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    }

    #[test]
    fn what_was_trimmed_is_said_with_the_oldest_event_there_is() {
        let first = record(Position::START, "one");
        let second = record(first.position, "two");
        let third = record(second.position, "three");
        for after in [Position::START, first.position] {
            let answer = judge_read(after, None, Some(&third), third.position);
            assert!(matches!(answer, Err(StoreError::Trimmed { oldest: 3 })), "{answer:?}");
        }
        let answer = judge_read_after_seq(1, Some(&third));
        assert!(matches!(answer, Err(StoreError::Trimmed { oldest: 3 })), "{answer:?}");
        assert!(judge_read_after_seq(2, Some(&third)).is_ok());
    }

    #[test]
    fn a_writer_whose_opening_was_forgotten_is_told_of_the_rewind() {
        let answer = judge_append(6, Position::START, 7, Position::START, &Batch::default());
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    }

    #[test]
    fn records_without_bytes_fill_a_page_too() {
        let mut page = Page::new(3 * ITEM_OVERHEAD_BYTES);
        let taken = (0..10).take_while(|_| page.take(record(Position::START, ""))).count();
        assert_eq!(taken, 3);
    }
}
