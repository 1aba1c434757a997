//! Archives that break a promise, each caught by the contract.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use store::archive::contract::{self, World};
use store::{
    Archive, Counts, Entry, Facet, Found, Holdings, Memo, MemoryArchive, Place, Query, Row, StoreError, Totals,
};

#[derive(Clone, Copy, PartialEq)]
enum Lie {
    Nothing,
    /// Leaves out the last of several entries.
    ForgetsAnEntry,
    /// Counts an entry that it has again.
    CountsTwice,
    /// Keeps what it was given to itself until it is given more.
    AnswersBeforeDurable,
    /// Stays where it is while entries come.
    LosesItsPlace,
    /// Leaves what ended first beyond the event.
    CutsBackTooLittle,
    /// Still finds what it removed.
    KeepsARemovedPosting,
    /// Tells what it removed once.
    ForgetsToTellAgain,
    /// Still tells what it removed, whatever became of the history.
    TellsOfALostHistory,
    /// Takes in what comes late.
    TakesFromWhoIsBehind,
    /// Begins the next page with the last row of this one.
    RepeatsARow,
}

type Batch = (Vec<Entry>, Vec<Memo>, Place);

#[derive(Default)]
struct Lies {
    again: u64,
    removed: BTreeSet<u64>,
    lost: Vec<u64>,
    was_told: bool,
}

struct Liar {
    lie: Lie,
    truth: Arc<MemoryArchive>,
    lies: Arc<Mutex<Lies>>,
    /// Dies with the handle.
    waiting: Mutex<Option<Batch>>,
}

/// Where all handles tell the same lie about the same archive.
struct Lying(Lie, Arc<MemoryArchive>, Arc<Mutex<Lies>>);

fn lying(lie: Lie) -> Lying {
    Lying(lie, Arc::new(MemoryArchive::new(true)), Arc::default())
}

#[async_trait]
impl World for Lying {
    async fn handle(&self) -> Arc<dyn Archive> {
        Arc::new(Liar { lie: self.0, truth: self.1.clone(), lies: self.2.clone(), waiting: Mutex::default() })
    }

    fn persists(&self) -> bool {
        true
    }

    fn keeps_text(&self) -> bool {
        true
    }
}

#[async_trait]
impl Archive for Liar {
    async fn place(&self) -> Result<Place, StoreError> {
        self.truth.place().await
    }

    async fn put(&self, mut entries: Vec<Entry>, memos: Vec<Memo>, mut place: Place) -> Result<(), StoreError> {
        match self.lie {
            Lie::ForgetsAnEntry if entries.len() > 1 => drop(entries.pop()),
            Lie::LosesItsPlace if !entries.is_empty() => place = self.truth.place().await?,
            Lie::TakesFromWhoIsBehind => {
                let here = self.truth.place().await?;
                if place.position.seq < here.position.seq {
                    place = here;
                }
            }
            Lie::CountsTwice => {
                for entry in &entries {
                    let is_there = self.truth.entry(entry.number).await?.is_some();
                    self.lies.lock().unwrap().again += u64::from(is_there);
                }
            }
            Lie::AnswersBeforeDurable => {
                let Some(earlier) = self.waiting.lock().unwrap().replace((entries, memos, place)) else {
                    return Ok(());
                };
                (entries, _, place) = earlier;
                return self.truth.put(entries, Vec::new(), place).await;
            }
            _ => {}
        }
        self.truth.put(entries, memos, place).await
    }

    async fn entry(&self, number: u64) -> Result<Option<Row>, StoreError> {
        self.truth.entry(number).await
    }

    async fn named(&self, name: &str) -> Result<Option<Row>, StoreError> {
        self.truth.named(name).await
    }

    async fn memo(&self, name: &str, now: i64) -> Result<Option<Bytes>, StoreError> {
        self.truth.memo(name, now).await
    }

    async fn find(&self, query: &Query) -> Result<Found, StoreError> {
        let below = match self.lie {
            Lie::RepeatsARow => query.below.saturating_add(1),
            _ => query.below,
        };
        let mut found = self.truth.find(&Query { below, ..query.clone() }).await?;
        if self.lie == Lie::KeepsARemovedPosting {
            let ours = |number: &&u64| query.all_of == [vec![Facet { kind: 2, value: number.to_string() }]];
            found.count += self.lies.lock().unwrap().removed.iter().filter(ours).count() as u64;
        }
        Ok(found)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = self.truth.counts().await?;
        let again = self.lies.lock().unwrap().again;
        if let Some(count) = counts.by.values_mut().next() {
            *count += again;
        }
        Ok(counts)
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        self.truth.totals().await
    }

    async fn holdings(&self) -> Result<Holdings, StoreError> {
        self.truth.holdings().await
    }

    async fn remove(&self, ended_before: i64, now: i64) -> Result<Vec<u64>, StoreError> {
        let numbers = self.truth.remove(ended_before, now).await?;
        let mut lies = self.lies.lock().unwrap();
        if self.lie == Lie::TellsOfALostHistory && numbers.is_empty() {
            return Ok(lies.lost.clone());
        }
        lies.removed.extend(&numbers);
        let is_again = std::mem::replace(&mut lies.was_told, true);
        Ok(if self.lie == Lie::ForgetsToTellAgain && is_again { Vec::new() } else { numbers })
    }

    async fn removed(&self, numbers: &[u64]) -> Result<(), StoreError> {
        self.truth.removed(numbers).await
    }

    async fn heaviest_oldest(&self, bytes: u64) -> Result<Vec<u64>, StoreError> {
        self.truth.heaviest_oldest(bytes).await
    }

    async fn dropped(&self, numbers: &[u64]) -> Result<(), StoreError> {
        self.truth.dropped(numbers).await
    }

    async fn cut_back(&self, seq: u64, place: Place) -> Result<(), StoreError> {
        let told = self.truth.remove(i64::MIN, i64::MIN).await?;
        self.lies.lock().unwrap().lost.extend(told);
        let more = if self.lie == Lie::CutsBackTooLittle && seq > 0 { 10 } else { 0 };
        self.truth.cut_back(seq + more, place).await
    }

    async fn earlier_places(&self) -> Result<Vec<Place>, StoreError> {
        self.truth.earlier_places().await
    }
}

/// Runs each claim on an archive with `lie` and expects it to panic.
macro_rules! caught {
    ($($test:ident: $lie:ident by $($claim:ident),+;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                $(
                    let claim = tokio::spawn(async { contract::$claim(&lying(Lie::$lie)).await });
                    let caught = claim.await.is_err_and(|error| error.is_panic());
                    assert!(caught, "{} was believed by {}", stringify!($lie), stringify!($claim));
                )+
            }
        )*
    };
}

caught! {
    a_forgotten_entry_is_caught: ForgetsAnEntry by what_was_put_is_there_with_its_place, it_agrees_with_a_scan;
    a_double_count_is_caught: CountsTwice by the_same_entry_again_changes_nothing, it_agrees_with_a_scan;
    an_early_answer_is_caught: AnswersBeforeDurable by
        what_was_put_is_there_with_its_place, what_was_put_survives_its_handles;
    a_lost_place_is_caught: LosesItsPlace by what_was_put_is_there_with_its_place, it_agrees_with_a_scan;
    too_short_a_cut_is_caught: CutsBackTooLittle by
        what_ended_beyond_an_event_is_taken_back, counts_are_exact_after_every_change, it_agrees_with_a_scan;
    a_removed_posting_is_caught: KeepsARemovedPosting by what_was_removed_is_told_until_it_is_confirmed;
    a_removal_told_once_is_caught: ForgetsToTellAgain by
        what_was_removed_is_told_until_it_is_confirmed, it_agrees_with_a_scan;
    what_is_told_of_a_lost_history_is_caught: TellsOfALostHistory by what_was_removed_of_a_lost_history_is_told_no_more;
    one_that_takes_from_who_is_behind_is_caught: TakesFromWhoIsBehind by who_is_behind_puts_nothing;
    a_repeated_row_is_caught: RepeatsARow by pages_continue_while_entries_come_and_go, it_agrees_with_a_scan;
}

mod who_tells_no_lie {
    store::archive_contract_tests!(super::lying(super::Lie::Nothing));
}
