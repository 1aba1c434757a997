//! The contract of [`Journal`] as tests, one or more for each of its seven promises, for every
//! engine alike. They are compiled into the library so that an engine elsewhere can be held to
//! them; a claim that does not hold panics.
//!
//! ```ignore
//! store::contract_tests!(MyWorld::new());   // inside a module: one #[tokio::test] per claim
//! ```
#![allow(clippy::unwrap_used)]

mod appending;
mod contents;
mod fencing;
mod reading;
mod remembering;
mod trimming;

pub use appending::*;
pub use contents::*;
pub use fencing::*;
pub use reading::*;
pub use remembering::*;
pub use trimming::*;

use crate::{Batch, Body, Content, Journal, Opened, Part, Parts, Position, Record};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A place with one journal, new when the world is, and as many handles on it as are asked for.
#[async_trait]
pub trait World: Send + Sync {
    /// Another handle on the journal, as another process would have it.
    async fn handle(&self) -> Arc<dyn Journal>;

    /// Whether the journal outlives its last handle.
    fn persists(&self) -> bool;
}

/// Makes a `#[tokio::test]` of every claim; `$world` is evaluated anew for each.
#[macro_export]
macro_rules! contract_tests {
    ($world:expr) => {
        $crate::contract_tests! { $world =>
            // 1: durable, whole or not at all
            an_append_is_there_when_it_returns
            a_reader_beside_the_writer_sees_whole_batches_only
            a_refused_append_leaves_nothing
            large_values_come_back_whole
            what_was_written_survives_its_handles
            // 2: dense, in order
            positions_are_dense_and_only_grow
            an_empty_batch_takes_one_number
            a_reader_sees_every_record_once_in_order
            reads_come_in_pages
            a_reader_may_begin_inside_a_record
            a_reader_at_the_tail_gets_nothing
            // 3: fencing
            an_earlier_writer_cannot_append
            an_earlier_writer_cannot_repeat_its_append
            an_earlier_writer_cannot_checkpoint
            of_two_who_open_at_once_one_writes
            epochs_grow_and_respect_the_floor
            // 4: repeats
            a_repeated_append_writes_once
            the_same_batch_after_itself_is_another_record
            // 5: checkpoints
            open_returns_the_newest_checkpoint
            a_checkpoint_is_what_its_changes_lead_to
            parts_come_in_pages_in_the_order_of_their_keys
            a_checkpoint_is_seen_when_it_is_confirmed
            a_checkpoint_that_ended_early_leaves_the_newest_whole
            an_older_checkpoint_does_not_replace_a_newer_one
            a_checkpoint_of_another_history_is_refused
            a_change_of_another_checkpoint_is_refused
            // 6: rewinds
            a_reader_of_another_history_is_told
            a_writer_of_another_history_is_told
            an_append_after_an_older_record_is_refused
            // 7: trimming
            what_follows_the_checkpoint_is_never_trimmed
            a_trim_leaves_what_it_is_told_to
            a_trim_comes_in_pieces
            a_reader_of_what_was_trimmed_is_told
            the_last_record_stays
            the_extent_says_what_there_is
            // contents
            contents_are_stored_with_their_record
            a_taken_number_keeps_its_content
            contents_are_removed_by_their_numbers
            files_are_named_while_a_content_is_one
        }
    };
    ($world:expr => $($claim:ident)*) => {
        $(
            #[tokio::test]
            async fn $claim() {
                $crate::contract::$claim(&$world).await;
            }
        )*
    };
}

/// A writer with a term, and where it stands.
struct Writer {
    journal: Arc<dyn Journal>,
    epoch: u64,
    at: Position,
}

impl Writer {
    async fn open(world: &dyn World) -> Writer {
        let journal = world.handle().await;
        let Opened { epoch, tail, .. } = journal.open(0).await.unwrap();
        Writer { journal, epoch, at: tail }
    }

    /// Appends and moves on.
    async fn write(&mut self, batch: &Batch) -> Position {
        self.at = self.journal.append(self.epoch, self.at, batch).await.unwrap();
        self.at
    }

    /// Appends `count` records of `events` events and 100 bytes each; returns the positions.
    async fn write_many(&mut self, count: usize, events: u32) -> Vec<Position> {
        let mut positions = Vec::with_capacity(count);
        for number in 0..count {
            positions.push(self.write(&batch(events, &format!("{number:0>100}"))).await);
        }
        positions
    }
}

fn batch(events: u32, text: &str) -> Batch {
    Batch { events, bytes: Bytes::copy_from_slice(text.as_bytes()), ..Batch::default() }
}

fn inline(number: u64, bytes: impl Into<Bytes>) -> Content {
    Content { number, body: Body::Inline(bytes.into()) }
}

/// What a checkpoint holds.
type State = BTreeMap<Bytes, Bytes>;

/// All of `state`, as a whole checkpoint is written.
fn whole(state: &State) -> Parts {
    Box::new(state.clone().into_iter().map(|(key, bytes)| (key, Some(bytes))))
}

fn one(key: &'static str, bytes: &'static str) -> State {
    State::from([(Bytes::from(key), Bytes::from(bytes))])
}

/// The checkpoint at `at`, in pages of about `bytes_max`; checks that they are in order.
async fn state_at(journal: &dyn Journal, at: Position, bytes_max: usize) -> State {
    let mut state = State::new();
    loop {
        let after = state.keys().next_back().cloned();
        let page = journal.checkpoint_parts(at, after.as_deref(), bytes_max).await.unwrap();
        if page.is_empty() {
            return state;
        }
        for Part { key, bytes } in page {
            let last = state.keys().next_back();
            assert!(last.is_none_or(|last| *last < key), "{key:?} after {last:?}");
            state.insert(key, bytes);
        }
    }
}

/// Bytes that no other `seed` gives and that do not repeat within a page of any store.
fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        // Knuth's MMIX generator: good enough to be told apart.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A position that no journal of these tests ever held, `records` records from the beginning.
fn elsewhere(epoch: u64, records: usize) -> Position {
    (0..records).fold(Position::START, |at, _| at.after(epoch, 1, b"another history"))
}

/// Reads from `after` to the end in pages, and checks that each record follows the one before.
async fn read_all(journal: &dyn Journal, after: Position, bytes_max: usize) -> Vec<Record> {
    let (mut at, mut all) = (after, Vec::new());
    loop {
        let page = journal.read(at, bytes_max).await.unwrap();
        let Some(last) = page.last() else { return all };
        let end = last.position;
        for record in page {
            assert_follows(at, &record);
            at = record.position;
            all.push(record);
        }
        assert_eq!(at, end);
    }
}

fn assert_follows(before: Position, record: &Record) {
    assert_eq!(record.first, before.seq + 1, "a gap or a repeat before {record:?}");
    let events = u32::try_from(record.position.seq - before.seq).unwrap();
    let expected = before.after(record.position.epoch, events, &record.bytes);
    assert_eq!(record.position, expected, "the chain is broken");
}
