//! A journal that ends with the process: for tests, demonstrations, and `memory:`.

use crate::chain::{self, Append, Page};
use crate::{Batch, BlobHash, Checkpoint, Journal, Opened, Position, Record, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Holds everything in memory. A clone is another handle on the same journal; handles fence one
/// another as two processes on one file would.
#[derive(Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    epoch: u64,
    /// Ascending by `position.seq`, dense.
    records: Vec<Record>,
    blobs: HashMap<BlobHash, Bytes>,
    checkpoint: Option<Checkpoint>,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> MemoryJournal {
        MemoryJournal::default()
    }

    /// Every change below is complete or not begun when something panics, so a poisoned lock
    /// still guards a whole journal.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn tail(&self) -> Position {
        self.records.last().map_or(Position::START, |record| record.position)
    }

    /// The index of the oldest record that ends beyond `seq`.
    fn beyond(&self, seq: u64) -> usize {
        self.records.partition_point(|record| record.position.seq <= seq)
    }

    /// The record that ends at exactly `seq`.
    fn ending_at(&self, seq: u64) -> Option<Position> {
        let before = self.beyond(seq).checked_sub(1)?;
        Some(self.records[before].position).filter(|position| position.seq == seq)
    }

    fn page(&self, from: usize, bytes_max: usize) -> Vec<Record> {
        let mut page = Page::new(bytes_max);
        for record in &self.records[from..] {
            if !page.take(record.clone()) {
                break;
            }
        }
        page.into_records()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        let mut held = self.held();
        held.epoch = epoch_floor.max(held.epoch.saturating_add(1));
        Ok(Opened { epoch: held.epoch, tail: held.tail(), checkpoint: held.checkpoint.clone() })
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        let mut held = self.held();
        match chain::judge_append(held.epoch, held.tail(), epoch, after, batch)? {
            Append::Written(position) => Ok(position),
            Append::Write(position) => {
                for blob in &batch.blobs {
                    held.blobs.entry(blob.hash).or_insert_with(|| blob.bytes.clone());
                }
                let bytes = batch.bytes.clone();
                held.records.push(Record { first: after.seq + 1, position, bytes });
                Ok(position)
            }
        }
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let held = self.held();
        let from = held.beyond(after.seq);
        let next = held.records.get(from);
        chain::judge_read(after, held.ending_at(after.seq), next, held.tail())?;
        Ok(held.page(from, bytes_max))
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let held = self.held();
        let from = held.beyond(seq);
        chain::judge_read_after_seq(seq, held.records.get(from))?;
        Ok(held.page(from, bytes_max))
    }

    async fn checkpoint(&self, at: Position, bytes: Bytes) -> Result<(), StoreError> {
        let mut held = self.held();
        let next = held.records.get(held.beyond(at.seq));
        chain::judge_read(at, held.ending_at(at.seq), next, held.tail())?;
        if held.checkpoint.as_ref().is_none_or(|newest| newest.at.seq <= at.seq) {
            held.checkpoint = Some(Checkpoint { at, bytes });
        }
        Ok(())
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        Ok(self.held().tail())
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        Ok(self.held().blobs.get(&hash).cloned())
    }
}
