//! A journal that ends with the process: for tests, demonstrations, and `memory:`.

use crate::chain::{self, Append, Cut, Page};
use crate::{
    Batch, Body, Extent, FileHash, Journal, Keep, Opened, Part, Parts, Position, Record, Room, StoreError, Trimmed,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::ops::{Bound, RangeInclusive};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Holds everything in memory. A clone is another handle on the same journal; handles fence one
/// another as two processes on one file would.
#[derive(Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    epoch: u64,
    /// Ascending by `position.seq`, dense, each with when it was decided.
    records: VecDeque<(Record, i64)>,
    /// Of all records.
    bytes: u64,
    contents: BTreeMap<u64, Body>,
    checkpoint: Option<Position>,
    parts: BTreeMap<Bytes, Bytes>,
    weather: Option<fn() -> StoreError>,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> MemoryJournal {
        MemoryJournal::default()
    }

    /// From now on every append fails so, or none does: for tests of what goes on meanwhile.
    pub fn fail(&self, weather: Option<fn() -> StoreError>) {
        self.held().weather = weather;
    }

    /// Every change below is complete or not begun when something panics, so a poisoned lock
    /// still guards a whole journal.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn tail(&self) -> Position {
        self.records.back().map_or(Position::START, |(record, _)| record.position)
    }

    /// The index of the oldest record that ends beyond `seq`.
    fn beyond(&self, seq: u64) -> usize {
        self.records.partition_point(|(record, _)| record.position.seq <= seq)
    }

    fn record(&self, index: usize) -> Option<&Record> {
        self.records.get(index).map(|(record, _)| record)
    }

    /// The record that ends at exactly `seq`.
    fn ending_at(&self, seq: u64) -> Option<Position> {
        let before = self.record(self.beyond(seq).checked_sub(1)?)?;
        Some(before.position).filter(|position| position.seq == seq)
    }

    fn check_held(&self, at: Position) -> Result<(), StoreError> {
        chain::judge_read(at, self.ending_at(at.seq), self.record(self.beyond(at.seq)), self.tail())
    }

    fn page(&self, from: usize, bytes_max: usize) -> Vec<Record> {
        let mut page = Page::new(bytes_max);
        for (record, _) in self.records.range(from..) {
            if !page.take(record.clone()) {
                break;
            }
        }
        page.into_items()
    }

    /// Whether a checkpoint may be begun, or, drawn whole, be confirmed.
    fn judge_checkpoint(&self, epoch: u64, base: Option<Position>, at: Position) -> Result<bool, StoreError> {
        chain::judge_epoch(self.epoch, self.tail(), epoch, at)?;
        let goes_on = chain::judge_checkpoint(self.checkpoint, self.tail(), base, at)?;
        if goes_on {
            self.check_held(at)?;
        }
        Ok(goes_on)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        let mut held = self.held();
        held.epoch = epoch_floor.max(held.epoch.saturating_add(1));
        Ok(Opened { epoch: held.epoch, tail: held.tail(), checkpoint: held.checkpoint })
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        let mut held = self.held();
        if let Some(weather) = held.weather {
            return Err(weather());
        }
        match chain::judge_append(held.epoch, held.tail(), epoch, after, batch)? {
            Append::Written(position) => Ok(position),
            Append::Write(position) => {
                for content in &batch.contents {
                    held.contents.entry(content.number).or_insert_with(|| content.body.clone());
                }
                held.bytes += batch.bytes.len() as u64;
                let record = Record { first: after.seq + 1, position, bytes: batch.bytes.clone() };
                held.records.push_back((record, batch.at));
                Ok(position)
            }
        }
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let held = self.held();
        held.check_held(after)?;
        Ok(held.page(held.beyond(after.seq), bytes_max))
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let held = self.held();
        let from = held.beyond(seq);
        chain::judge_read_after_seq(seq, held.record(from))?;
        Ok(held.page(from, bytes_max))
    }

    async fn checkpoint(
        &self,
        epoch: u64,
        base: Option<Position>,
        at: Position,
        parts: Parts,
    ) -> Result<(), StoreError> {
        if !self.held().judge_checkpoint(epoch, base, at)? {
            return Ok(());
        }
        let drawing = tokio::task::spawn_blocking(move || parts.collect::<Vec<_>>());
        let ended = |error| StoreError::Unavailable { why: format!("the checkpoint ended early: {error}") };
        let drawn = drawing.await.map_err(ended)?;

        let mut held = self.held();
        if held.judge_checkpoint(epoch, base, at)? {
            if base.is_none() {
                held.parts.clear();
            }
            for (key, bytes) in drawn {
                match bytes {
                    Some(bytes) => held.parts.insert(key, bytes),
                    None => held.parts.remove(&key),
                };
            }
            held.checkpoint = Some(at);
        }
        Ok(())
    }

    async fn checkpoint_parts(
        &self,
        at: Position,
        after: Option<&[u8]>,
        bytes_max: usize,
    ) -> Result<Vec<Part>, StoreError> {
        let held = self.held();
        if held.checkpoint != Some(at) {
            return Err(StoreError::Rewound { after: at, tail: held.tail() });
        }
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut page = Page::new(bytes_max);
        for (key, bytes) in held.parts.range::<[u8], _>((from, Bound::Unbounded)) {
            if !page.take(Part { key: key.clone(), bytes: bytes.clone() }) {
                break;
            }
        }
        Ok(page.into_items())
    }

    async fn trim(&self, keep: Keep) -> Result<Trimmed, StoreError> {
        let mut held = self.held();
        let mut cut = Cut::new(keep, held.bytes, held.checkpoint, held.tail());
        let goes = |(record, at): &&(Record, i64)| cut.takes(record.position.seq, *at, record.bytes.len() as u64);
        let count = held.records.iter().take_while(goes).count();
        held.records.drain(..count);
        held.bytes -= cut.trimmed.bytes;
        Ok(cut.trimmed)
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        let held = self.held();
        let tail = held.tail();
        let (oldest, oldest_at) = held.records.front().map_or((tail.seq + 1, 0), |(record, at)| (record.first, *at));
        let contents = held.contents.values().map(|body| match body {
            Body::Inline(bytes) => bytes.len() as u64,
            Body::File(_) => 0,
        });
        let parts: u64 = held.parts.iter().map(|(key, bytes)| (key.len() + bytes.len()) as u64).sum();
        let disk_bytes = held.bytes + parts + contents.sum::<u64>();
        Ok(Extent { oldest, oldest_at, tail, bytes: held.bytes, disk_bytes })
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        Ok(self.held().tail())
    }

    async fn content(&self, number: u64) -> Result<Option<Body>, StoreError> {
        Ok(self.held().contents.get(&number).cloned())
    }

    async fn remove_contents(&self, numbers: &[RangeInclusive<u64>]) -> Result<(), StoreError> {
        let mut held = self.held();
        for range in numbers.iter().filter(|range| !range.is_empty()) {
            let there: Vec<u64> = held.contents.range(range.clone()).map(|(number, _)| *number).collect();
            for number in there {
                held.contents.remove(&number);
            }
        }
        Ok(())
    }

    async fn names_file(&self, file: FileHash) -> Result<bool, StoreError> {
        Ok(self.held().contents.values().any(|body| *body == Body::File(file)))
    }

    fn room(&self) -> Room {
        match self.held().weather.map(|weather| weather()) {
            Some(StoreError::Full { why }) => Room::Full(why),
            _ => Room::Enough,
        }
    }

    /// Memory is no disk; and what is said of it is over at once.
    fn be_told_full(&self, _: &str) {}

    async fn look_for_room(&self) -> Room {
        self.room()
    }
}
