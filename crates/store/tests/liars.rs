//! The contract bites: journals that break one promise each, and the claim that catches them.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use store::contract::{self, World};
use store::{
    Batch, Body, Extent, FileHash, Journal, Keep, MemoryJournal, Opened, Part, Parts, Position, Record, Room,
    StoreError, Trimmed,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// None, to see that the claims fail because of the others.
    Nothing,
    /// Answers before it has written, and then does not.
    DropsTheTail,
    /// Says durable and means the cache: what was written is gone when everybody has left.
    KeepsNothing,
    /// Shows what was answered only after the next append.
    AnswersLate,
    /// Skips a number before each record.
    GrowsAGap,
    /// The hash is that of the record alone.
    ChainsNothing,
    /// Stores contents although the record is refused.
    StoresContentsApart,
    ForgetsContents,
    /// The last content of a number wins.
    ReplacesContents,
    /// Removes the first number of a range only.
    RemovesOne,
    /// Says of every file that no content is it.
    NamesNoFile,
    SkipsARecord,
    RepeatsARecord,
    SwapsRecords,
    FencesNobody,
    /// Fences appends and lets checkpoints through.
    FencesAppendsOnly,
    ReusesEpochs,
    /// Takes a repeated append for a new one.
    WritesRepeatsAgain,
    ForgetsTheCheckpoint,
    /// Confirms a checkpoint of which the last part is missing.
    LosesAPart,
    /// Confirms what was there when the writing ended early.
    ConfirmsInPart,
    /// Takes a change for the whole.
    TakesChangesForAll,
    /// Believes in any base.
    OverlooksTheBase,
    /// Believes whatever place its callers name.
    OverlooksRewinds,
    TrimsPastTheCheckpoint,
    /// Trims as if nothing had to be kept.
    KeepsNoAge,
    /// Reads on behind what was trimmed, without a word.
    SkipsTheTrimmed,
    TrimsTheTail,
}

#[derive(Clone)]
struct Liar {
    lie: Lie,
    truth: Arc<Mutex<MemoryJournal>>,
    /// Alive as long as a handle is.
    session: Arc<()>,
    apart: MemoryJournal,
    answered: Arc<Mutex<HashSet<Position>>>,
    hidden_until: Arc<Mutex<u64>>,
}

fn liar(lie: Lie) -> Liar {
    Liar {
        lie,
        truth: Arc::default(),
        session: Arc::default(),
        apart: MemoryJournal::new(),
        answered: Arc::default(),
        hidden_until: Arc::default(),
    }
}

#[async_trait]
impl World for Liar {
    async fn handle(&self) -> Arc<dyn Journal> {
        if self.lie == Lie::KeepsNothing && Arc::strong_count(&self.session) == 1 {
            *self.truth.lock().unwrap() = MemoryJournal::new();
        }
        Arc::new(self.clone())
    }

    fn persists(&self) -> bool {
        true
    }
}

impl Liar {
    fn truth(&self) -> MemoryJournal {
        self.truth.lock().unwrap().clone()
    }

    /// Writes what is missing to make a content of a refused record durable.
    async fn store_apart(&self, batch: &Batch) {
        let opened = self.apart.open(0).await.unwrap();
        self.apart.append(opened.epoch, opened.tail, batch).await.unwrap();
    }

    fn told(&self, mut page: Vec<Record>) -> Vec<Record> {
        match self.lie {
            Lie::SkipsARecord if page.len() > 2 => drop(page.remove(1)),
            Lie::RepeatsARecord if page.len() > 2 => page.insert(1, page[0].clone()),
            Lie::SwapsRecords if page.len() > 2 => page.swap(0, 1),
            Lie::AnswersLate => drop(page.pop()),
            Lie::ChainsNothing => page.iter_mut().for_each(|record| record.position = unchained(record)),
            _ => {}
        }
        page
    }
}

fn unchained(record: &Record) -> Position {
    let Position { epoch, seq, .. } = record.position;
    Position { hash: Position::START.after(epoch, 1, &record.bytes).hash, epoch, seq }
}

#[async_trait]
impl Journal for Liar {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        let mut opened = self.truth().open(epoch_floor).await?;
        match self.lie {
            Lie::ForgetsTheCheckpoint => opened.checkpoint = None,
            Lie::ReusesEpochs => opened.epoch = epoch_floor.max(1),
            _ => {}
        }
        Ok(opened)
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        let (truth, mut batch) = (self.truth(), batch.clone());
        match self.lie {
            Lie::StoresContentsApart => self.store_apart(&batch).await,
            Lie::ForgetsContents => batch.contents.clear(),
            Lie::ReplacesContents => {
                let numbers: Vec<_> = batch.contents.iter().map(|content| content.number..=content.number).collect();
                truth.remove_contents(&numbers).await?;
                batch.contents.reverse();
            }
            Lie::DropsTheTail => return Ok(after.after(epoch, batch.events, &batch.bytes)),
            Lie::GrowsAGap => {
                let gap = truth.append(epoch, after, &Batch::default()).await?;
                return truth.append(epoch, gap, &batch).await;
            }
            _ => {}
        }
        match (self.lie, truth.append(epoch, after, &batch).await) {
            (Lie::FencesNobody, Err(StoreError::Fenced { newest, .. })) => {
                truth.append(newest, truth.tail().await?, &batch).await
            }
            (Lie::OverlooksRewinds, Err(StoreError::Rewound { tail, .. })) => truth.append(epoch, tail, &batch).await,
            (Lie::WritesRepeatsAgain, Ok(position)) if !self.answered.lock().unwrap().insert(position) => {
                truth.append(epoch, position, &batch).await
            }
            (_, answer) => answer,
        }
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let hidden = *self.hidden_until.lock().unwrap();
        if after.seq < hidden {
            return Err(StoreError::Trimmed { oldest: hidden + 1 });
        }
        let truth = self.truth();
        match (self.lie, truth.read(after, bytes_max).await) {
            (Lie::OverlooksRewinds, Err(StoreError::Rewound { .. })) => {
                truth.read_after_seq(after.seq, bytes_max).await
            }
            (Lie::SkipsTheTrimmed, Err(StoreError::Trimmed { oldest })) => {
                truth.read_after_seq(oldest - 1, bytes_max).await
            }
            (_, answer) => answer.map(|page| self.told(page)),
        }
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.truth().read_after_seq(seq, bytes_max).await
    }

    async fn checkpoint(
        &self,
        epoch: u64,
        base: Option<Position>,
        at: Position,
        parts: Parts,
    ) -> Result<(), StoreError> {
        let truth = self.truth();
        let (mut base, mut parts, mut epoch) = (base, parts, epoch);
        match self.lie {
            Lie::LosesAPart => {
                let mut all = parts.peekable();
                parts = Box::new(std::iter::from_fn(move || all.next().filter(|_| all.peek().is_some())));
            }
            Lie::ConfirmsInPart => {
                // Whoever draws may end early: that is not told.
                let (draw, mut drawn) = tokio::sync::mpsc::channel(10_000);
                let drawing = tokio::task::spawn_blocking(move || parts.for_each(|part| draw.try_send(part).unwrap()));
                let _ = drawing.await;
                parts = Box::new(std::iter::from_fn(move || drawn.try_recv().ok()));
            }
            Lie::TakesChangesForAll => base = None,
            Lie::OverlooksTheBase if base.is_some() => base = truth.open(0).await?.checkpoint,
            Lie::FencesAppendsOnly => {
                let all: Vec<_> = tokio::task::spawn_blocking(move || parts.collect()).await.unwrap();
                parts = Box::new(all.into_iter());
                epoch = truth.open(0).await?.epoch;
            }
            _ => {}
        }
        truth.checkpoint(epoch, base, at, parts).await
    }

    async fn checkpoint_parts(
        &self,
        at: Position,
        after: Option<&[u8]>,
        bytes_max: usize,
    ) -> Result<Vec<Part>, StoreError> {
        self.truth().checkpoint_parts(at, after, bytes_max).await
    }

    async fn trim(&self, keep: Keep) -> Result<Trimmed, StoreError> {
        let tail = self.truth().tail().await?;
        match self.lie {
            Lie::TrimsPastTheCheckpoint => *self.hidden_until.lock().unwrap() = keep.from.min(tail.seq - 1),
            Lie::TrimsTheTail => *self.hidden_until.lock().unwrap() = tail.seq,
            Lie::KeepsNoAge => return self.truth().trim(Keep { at_min: i64::MAX, ..keep }).await,
            _ => {}
        }
        self.truth().trim(keep).await
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        self.truth().extent().await
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        let tail = self.truth().tail().await?;
        Ok(if *self.hidden_until.lock().unwrap() == tail.seq { Position::START } else { tail })
    }

    async fn content(&self, number: u64) -> Result<Option<Body>, StoreError> {
        Ok(self.apart.content(number).await?.or(self.truth().content(number).await?))
    }

    async fn remove_contents(&self, numbers: &[RangeInclusive<u64>]) -> Result<(), StoreError> {
        if self.lie == Lie::RemovesOne {
            let first: Vec<_> = numbers.iter().map(|range| *range.start()..=*range.start()).collect();
            return self.truth().remove_contents(&first).await;
        }
        self.truth().remove_contents(numbers).await
    }

    async fn names_file(&self, file: FileHash) -> Result<bool, StoreError> {
        Ok(self.lie != Lie::NamesNoFile && self.truth().names_file(file).await?)
    }

    fn room(&self) -> Room {
        Room::Enough
    }

    fn be_told_full(&self, _: &str) {}

    async fn look_for_room(&self) -> Room {
        Room::Enough
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
                    assert!(caught, "{} was believed by {}", stringify!($lie), stringify!($claim));
                )+
            }
        )*
    };
}

caught! {
    a_dropped_tail_is_caught: DropsTheTail by
        an_append_is_there_when_it_returns, what_was_written_survives_its_handles;
    what_was_durable_in_words_only_is_caught: KeepsNothing by what_was_written_survives_its_handles;
    a_late_answer_is_caught: AnswersLate by an_append_is_there_when_it_returns;
    a_gap_is_caught: GrowsAGap by positions_are_dense_and_only_grow, an_append_is_there_when_it_returns;
    a_broken_chain_is_caught: ChainsNothing by a_reader_sees_every_record_once_in_order;
    contents_stored_apart_are_caught: StoresContentsApart by a_refused_append_leaves_nothing;
    forgotten_contents_are_caught: ForgetsContents by
        contents_are_stored_with_their_record, a_reader_beside_the_writer_sees_whole_batches_only;
    replaced_contents_are_caught: ReplacesContents by a_taken_number_keeps_its_content;
    contents_left_behind_are_caught: RemovesOne by contents_are_removed_by_their_numbers;
    an_unnamed_file_is_caught: NamesNoFile by files_are_named_while_a_content_is_one;
    a_skipped_record_is_caught: SkipsARecord by a_reader_sees_every_record_once_in_order;
    a_repeated_record_is_caught: RepeatsARecord by a_reader_sees_every_record_once_in_order;
    swapped_records_are_caught: SwapsRecords by a_reader_sees_every_record_once_in_order;
    a_missing_fence_is_caught: FencesNobody by
        an_earlier_writer_cannot_append, of_two_who_open_at_once_one_writes;
    a_fence_with_a_door_is_caught: FencesAppendsOnly by an_earlier_writer_cannot_checkpoint;
    a_reused_epoch_is_caught: ReusesEpochs by epochs_grow_and_respect_the_floor;
    a_second_writing_is_caught: WritesRepeatsAgain by a_repeated_append_writes_once;
    a_forgotten_checkpoint_is_caught: ForgetsTheCheckpoint by open_returns_the_newest_checkpoint;
    a_lost_part_is_caught: LosesAPart by
        open_returns_the_newest_checkpoint, a_checkpoint_is_what_its_changes_lead_to;
    half_a_checkpoint_is_caught: ConfirmsInPart by a_checkpoint_that_ended_early_leaves_the_newest_whole;
    a_change_taken_for_all_is_caught: TakesChangesForAll by a_checkpoint_is_what_its_changes_lead_to;
    an_overlooked_base_is_caught: OverlooksTheBase by a_change_of_another_checkpoint_is_refused;
    an_overlooked_rewind_is_caught: OverlooksRewinds by
        a_reader_of_another_history_is_told, a_writer_of_another_history_is_told,
        an_append_after_an_older_record_is_refused;
    a_trim_past_the_checkpoint_is_caught: TrimsPastTheCheckpoint by what_follows_the_checkpoint_is_never_trimmed;
    a_trim_of_what_is_young_is_caught: KeepsNoAge by a_trim_leaves_what_it_is_told_to;
    a_silent_gap_after_a_trim_is_caught: SkipsTheTrimmed by a_reader_of_what_was_trimmed_is_told;
    a_trimmed_tail_is_caught: TrimsTheTail by the_last_record_stays;
}

mod who_tells_no_lie {
    store::contract_tests!(super::liar(super::Lie::Nothing));
}
