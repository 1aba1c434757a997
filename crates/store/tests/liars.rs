//! The contract bites: journals that break one promise each, and the claim that catches them.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use store::contract::{self, World};
use store::{Batch, BlobHash, Journal, MemoryJournal, Opened, Position, Record, StoreError};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// None, to see that the claims fail because of the others.
    Nothing,
    /// Answers before it has written, and then does not.
    DropsTheTail,
    /// Stores blobs although the record is refused.
    StoresBlobsApart,
    /// Leaves a record out of a page.
    SkipsARecord,
    /// Gives a record of a page twice.
    RepeatsARecord,
    FencesNobody,
    ReusesEpochs,
    /// Takes a repeated append for a new one.
    WritesRepeatsAgain,
    ForgetsTheCheckpoint,
    /// Believes whatever place its callers name.
    OverlooksRewinds,
}

#[derive(Clone)]
struct Liar {
    lie: Lie,
    truth: MemoryJournal,
    blobs_apart: Arc<Mutex<HashMap<BlobHash, Bytes>>>,
    answered: Arc<Mutex<HashSet<Position>>>,
}

fn liar(lie: Lie) -> Liar {
    Liar { lie, truth: MemoryJournal::new(), blobs_apart: Arc::default(), answered: Arc::default() }
}

#[async_trait]
impl World for Liar {
    async fn handle(&self) -> Arc<dyn Journal> {
        Arc::new(self.clone())
    }

    fn persists(&self) -> bool {
        true
    }
}

#[async_trait]
impl Journal for Liar {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        let mut opened = self.truth.open(epoch_floor).await?;
        match self.lie {
            Lie::ForgetsTheCheckpoint => opened.checkpoint = None,
            Lie::ReusesEpochs => opened.epoch = epoch_floor.max(1),
            _ => {}
        }
        Ok(opened)
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        if self.lie == Lie::StoresBlobsApart {
            let blobs = batch.blobs.iter().map(|blob| (blob.hash, blob.bytes.clone()));
            self.blobs_apart.lock().unwrap().extend(blobs);
        }
        if self.lie == Lie::DropsTheTail {
            return Ok(after.after(epoch, batch.events, &batch.bytes));
        }
        match (self.lie, self.truth.append(epoch, after, batch).await) {
            (Lie::FencesNobody, Err(StoreError::Fenced { newest, .. })) => {
                self.truth.append(newest, self.truth.tail().await?, batch).await
            }
            (Lie::OverlooksRewinds, Err(StoreError::Rewound { tail, .. })) => {
                self.truth.append(epoch, tail, batch).await
            }
            (Lie::WritesRepeatsAgain, Ok(position)) if !self.answered.lock().unwrap().insert(position) => {
                self.truth.append(epoch, position, batch).await
            }
            (_, answer) => answer,
        }
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        match (self.lie, self.truth.read(after, bytes_max).await) {
            (Lie::SkipsARecord, Ok(mut page)) if page.len() > 2 => {
                page.remove(1);
                Ok(page)
            }
            (Lie::RepeatsARecord, Ok(mut page)) if page.len() > 2 => {
                page.insert(1, page[0].clone());
                Ok(page)
            }
            (Lie::OverlooksRewinds, Err(StoreError::Rewound { .. })) => {
                self.truth.read_after_seq(after.seq, bytes_max).await
            }
            (_, answer) => answer,
        }
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.truth.read_after_seq(seq, bytes_max).await
    }

    async fn checkpoint(&self, at: Position, bytes: Bytes) -> Result<(), StoreError> {
        self.truth.checkpoint(at, bytes).await
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        self.truth.tail().await
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        let apart = self.blobs_apart.lock().unwrap().get(&hash).cloned();
        Ok(apart.or(self.truth.blob(hash).await?))
    }
}

/// Runs each claim on a journal with `lie` and expects it to panic.
macro_rules! caught {
    ($($test:ident: $lie:ident by $($claim:ident),+;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                $(
                    let claim = tokio::spawn(async { contract::$claim(&liar(Lie::$lie)).await });
                    let caught = claim.await.is_err_and(|error| error.is_panic());
                    assert!(caught, "{} was believed", stringify!($lie));
                )+
            }
        )*
    };
}

caught! {
    a_dropped_tail_is_caught: DropsTheTail by
        an_append_is_there_when_it_returns, what_was_written_survives_its_handles;
    blobs_stored_apart_are_caught: StoresBlobsApart by a_refused_append_leaves_nothing;
    a_skipped_record_is_caught: SkipsARecord by a_reader_sees_every_record_once_in_order;
    a_repeated_record_is_caught: RepeatsARecord by a_reader_sees_every_record_once_in_order;
    a_missing_fence_is_caught: FencesNobody by
        an_earlier_writer_cannot_append, of_two_who_open_at_once_one_writes;
    a_reused_epoch_is_caught: ReusesEpochs by epochs_grow_and_respect_the_floor;
    a_second_writing_is_caught: WritesRepeatsAgain by a_repeated_append_writes_once;
    a_forgotten_checkpoint_is_caught: ForgetsTheCheckpoint by open_returns_the_newest_checkpoint;
    an_overlooked_rewind_is_caught: OverlooksRewinds by
        a_reader_of_another_history_is_told, a_writer_of_another_history_is_told,
        an_append_after_an_older_record_is_refused;
}

mod who_tells_no_lie {
    store::contract_tests!(super::liar(super::Lie::Nothing));
}
