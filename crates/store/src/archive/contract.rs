//! The contract of [`Archive`] as tests, for every engine alike; a claim that does not hold panics.
//!
//! ```ignore
//! store::archive_contract_tests!(MyWorld::new());   // inside a module: one #[tokio::test] per claim
//! ```
#![allow(clippy::unwrap_used)]

mod finding;
mod keeping;
mod scan;

pub use finding::*;
pub use keeping::*;
pub use scan::*;

use super::{Archive, CountedBy, Counts, Entry, Facet, Memo, Place, Query, Totals};
use crate::Position;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A place with one archive, new when the world is, and as many handles on it as are asked for.
#[async_trait]
pub trait World: Send + Sync {
    /// Another handle on the archive, as another process would have it.
    async fn handle(&self) -> Arc<dyn Archive>;

    /// Whether the archive outlives its last handle.
    fn persists(&self) -> bool;

    /// Whether it can be searched.
    fn keeps_text(&self) -> bool;
}

/// Makes a `#[tokio::test]` of every claim; `$world` is evaluated anew for each.
#[macro_export]
macro_rules! archive_contract_tests {
    ($world:expr) => {
        $crate::archive_contract_tests! { $world =>
            // 1: durable, with its place
            what_was_put_is_there_with_its_place
            what_was_put_survives_its_handles
            // 2: again
            the_same_entry_again_changes_nothing
            // 3: counted
            counts_are_exact_after_every_change
            // 4: pages
            pages_continue_while_entries_come_and_go
            filters_join_and_part
            what_is_assumed_is_found_where_nothing_is_said
            an_entry_is_found_by_when_it_began
            a_count_stops_and_says_so
            text_is_found_by_its_words
            // 5: taken back
            what_was_removed_is_told_until_it_is_confirmed
            what_was_dropped_stays_without_its_contents
            what_ended_beyond_an_event_is_taken_back
            what_was_removed_of_a_lost_history_is_told_no_more
            // 6: fenced
            who_is_behind_puts_nothing
            // names, memos, places
            of_one_name_the_newest_entry_counts
            a_memo_is_remembered_until_it_is_over
            earlier_places_are_told_newest_first
            // all of it at once
            it_agrees_with_a_scan
        }
    };
    ($world:expr => $($claim:ident)*) => {
        $(
            #[tokio::test]
            async fn $claim() {
                $crate::archive::contract::$claim(&$world).await;
            }
        )*
    };
}

/// Entry `number`, which began at its thousandfold, ended 500 ms later with its tenfold event, and
/// is even or odd, one of three and alone.
fn entry(number: u64) -> Entry {
    let began = i64::try_from(number).unwrap() * 1_000;
    let facet = |kind, value: u64| Facet { kind, value: value.to_string() };
    Entry {
        number,
        seq: number * 10,
        began,
        ended: began + 500,
        names: vec![format!("job:{number}")],
        facets: vec![facet(0, number % 2), facet(1, number % 3), facet(2, number)],
        counted: CountedBy { day: 20_000, group: "upscale".to_owned(), word: format!("of-{}", number % 2) },
        content_bytes: 100,
        bytes: Bytes::from(format!("entry {number}")),
        text: None,
    }
}

fn entries(numbers: impl IntoIterator<Item = u64>) -> Vec<Entry> {
    numbers.into_iter().map(entry).collect()
}

/// The place behind the event `seq`.
fn place(seq: u64) -> Place {
    let position = Position { epoch: 7, seq, hash: seq.to_le_bytes() };
    Place { position, before: i64::try_from(seq).unwrap() * 100 }
}

/// A new archive with the entries of `numbers`.
async fn filled(world: &dyn World, numbers: impl IntoIterator<Item = u64>) -> Arc<dyn Archive> {
    let archive = world.handle().await;
    let entries = entries(numbers);
    let place = entries.last().map_or(Place::START, |entry| place(entry.seq));
    archive.put(entries, Vec::new(), place).await.unwrap();
    archive
}

/// A query for everything.
fn everything() -> Query {
    Query {
        all_of: Vec::new(),
        assumed: None,
        below: u64::MAX,
        began_from: None,
        began_before: None,
        text: None,
        limit: 100,
        skip: 0,
        count_max: 10_000,
    }
}

/// A query for what has one of the values of each kind.
fn having(all_of: &[(u8, &[u64])]) -> Query {
    let facet = |kind, value: &u64| Facet { kind, value: value.to_string() };
    let all_of = all_of.iter().map(|(kind, values)| values.iter().map(|value| facet(*kind, value)).collect());
    Query { all_of: all_of.collect(), ..everything() }
}

/// The numbers of the page, after a look at its rows.
async fn found(archive: &dyn Archive, query: &Query) -> Vec<u64> {
    let found = archive.find(query).await.unwrap();
    assert!(found.rows.len() <= query.limit);
    let mut numbers = Vec::new();
    for row in found.rows {
        assert!(numbers.last().is_none_or(|last| row.number < *last), "the order of {numbers:?}, {}", row.number);
        assert_eq!(archive.entry(row.number).await.unwrap().as_ref(), Some(&row));
        numbers.push(row.number);
    }
    numbers
}

/// How many entries there are by everything that counts them.
async fn counted(archive: &dyn Archive) -> u64 {
    let counts = archive.counts().await.unwrap();
    assert!(counts.by.values().all(|count| *count > 0), "{counts:?}");
    let (by, entries) = (counts.by.values().sum(), archive.holdings().await.unwrap().entries);
    assert_eq!(by, entries);
    assert_eq!(archive.totals().await.unwrap(), of_all_days(counts));
    by
}

/// What the counts of single days come to.
fn of_all_days(counts: Counts) -> Totals {
    let mut by = BTreeMap::new();
    for (CountedBy { group, word, .. }, count) in counts.by {
        *by.entry((group, word)).or_insert(0) += count;
    }
    Totals { by, place: counts.place }
}

fn memo(name: &str, until: i64, text: &'static str) -> Memo {
    Memo { name: name.to_owned(), until, bytes: Bytes::from_static(text.as_bytes()) }
}
