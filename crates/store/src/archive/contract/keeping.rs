//! What is put stays, what is taken back is gone.

use super::{World, counted, entries, entry, everything, filled, found, having, memo, place};
use crate::{Entry, Place, StoreError};
use bytes::Bytes;

pub async fn what_was_put_is_there_with_its_place(world: &dyn World) {
    let (archive, other) = (world.handle().await, world.handle().await);
    assert_eq!(archive.place().await.unwrap(), Place::START);
    assert_eq!(archive.entry(3).await.unwrap(), None);
    archive.put(entries(1..=5), Vec::new(), place(50)).await.unwrap();
    for archive in [archive, other] {
        assert_eq!(archive.place().await.unwrap(), place(50));
        assert_eq!(found(&*archive, &everything()).await, [5, 4, 3, 2, 1]);
        let row = archive.entry(3).await.unwrap().unwrap();
        assert_eq!((&*row.bytes, row.seq, row.is_dropped), (&b"entry 3"[..], 30, false));
        assert_eq!(archive.find(&everything()).await.unwrap().place, place(50));
        assert_eq!(archive.counts().await.unwrap().place, place(50));
    }
}

pub async fn what_was_put_survives_its_handles(world: &dyn World) {
    if !world.persists() {
        return;
    }
    drop(filled(world, 1..=5).await);
    let archive = world.handle().await;
    assert_eq!(archive.place().await.unwrap(), place(50));
    assert_eq!(found(&*archive, &having(&[(0, &[1])])).await, [5, 3, 1]);
    assert_eq!(counted(&*archive).await, 5);
}

pub async fn the_same_entry_again_changes_nothing(world: &dyn World) {
    let archive = filled(world, 1..=5).await;
    let (counts, holdings) = (archive.counts().await.unwrap(), archive.holdings().await.unwrap());
    // Also if its other half is new, and whatever it says now.
    let other = Entry { bytes: Bytes::from_static(b"other"), content_bytes: 7, facets: Vec::new(), ..entry(4) };
    archive.put(vec![entry(5), other], Vec::new(), place(50)).await.unwrap();
    assert_eq!(archive.counts().await.unwrap(), counts);
    assert_eq!(archive.holdings().await.unwrap().content_bytes, holdings.content_bytes);
    assert_eq!(archive.holdings().await.unwrap().entries, holdings.entries);
    assert_eq!(found(&*archive, &having(&[(0, &[0])])).await, [4, 2]);
    archive.put(entries(4..=7), Vec::new(), place(70)).await.unwrap();
    assert_eq!(counted(&*archive).await, 7);
    assert_eq!(archive.find(&having(&[(0, &[1])])).await.unwrap().count, 4);
}

pub async fn counts_are_exact_after_every_change(world: &dyn World) {
    let archive = filled(world, 1..=9).await;
    let odd = entry(1).counted;
    assert_eq!(archive.counts().await.unwrap().by[&odd], 5);
    let numbers = archive.remove(4_000, 0).await.unwrap();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(archive.counts().await.unwrap().by[&odd], 3);
    archive.cut_back(80, place(80)).await.unwrap();
    assert_eq!(archive.counts().await.unwrap().by[&odd], 2);
    assert_eq!(counted(&*archive).await, 5);
    archive.cut_back(0, Place::START).await.unwrap();
    assert_eq!(counted(&*archive).await, 0);
    assert_eq!(archive.holdings().await.unwrap().content_bytes, 0);
}

pub async fn what_was_removed_is_told_until_it_is_confirmed(world: &dyn World) {
    let mut archive = filled(world, 1..=9).await;
    archive.put(Vec::new(), vec![memo("over", 10, "a"), memo("not over", 11, "b")], place(90)).await.unwrap();
    assert_eq!(archive.remove(4_000, 10).await.unwrap(), [1, 2, 3]);
    assert_eq!(archive.memo("over", 0).await.unwrap(), None);
    assert_eq!(archive.memo("not over", 0).await.unwrap(), Some(Bytes::from_static(b"b")));
    if world.persists() {
        drop(archive);
        archive = world.handle().await;
    }
    archive.removed(&[2]).await.unwrap();
    assert_eq!(archive.remove(4_000, 10).await.unwrap(), [1, 3]);
    archive.removed(&[1, 3]).await.unwrap();
    assert_eq!(archive.remove(4_000, 10).await.unwrap(), []);
    for number in 1..=3 {
        assert_eq!(archive.entry(number).await.unwrap(), None);
        assert_eq!(archive.named(&format!("job:{number}")).await.unwrap(), None);
        assert_eq!(archive.find(&having(&[(2, &[number])])).await.unwrap().count, 0);
    }
    assert_eq!(found(&*archive, &having(&[(0, &[1])])).await, [9, 7, 5]);
    assert_eq!(archive.find(&everything()).await.unwrap().count, 6);
    assert_eq!(archive.place().await.unwrap(), place(90));
}

pub async fn what_was_dropped_stays_without_its_contents(world: &dyn World) {
    let archive = world.handle().await;
    let mut all = entries(1..=5);
    all[1].content_bytes = 0;
    archive.put(all, Vec::new(), place(50)).await.unwrap();
    assert_eq!(archive.heaviest_oldest(0).await.unwrap(), []);
    assert_eq!(archive.heaviest_oldest(150).await.unwrap(), [1, 3], "2 has nothing to drop");
    assert_eq!(archive.heaviest_oldest(u64::MAX).await.unwrap(), [1, 3, 4, 5]);
    assert!(!archive.entry(1).await.unwrap().unwrap().is_dropped, "nothing is marked by asking");
    for _ in 0..2 {
        archive.dropped(&[1, 3, 77]).await.unwrap();
        let holdings = archive.holdings().await.unwrap();
        assert_eq!((holdings.entries, holdings.content_bytes), (5, 200));
        assert_eq!(archive.heaviest_oldest(1).await.unwrap(), [4]);
    }
    let rows = archive.find(&everything()).await.unwrap().rows;
    assert_eq!(rows.iter().filter(|row| row.is_dropped).map(|row| row.number).collect::<Vec<_>>(), [3, 1]);
    archive.remove(4_000, 0).await.unwrap();
    assert_eq!(archive.holdings().await.unwrap().content_bytes, 200);
}

pub async fn what_ended_beyond_an_event_is_taken_back(world: &dyn World) {
    let archive = filled(world, 1..=5).await;
    // Began first and ended last.
    let late = Entry { number: 0, seq: 70, began: 0, ended: 7_000, ..entry(1) };
    archive.put(vec![entry(6), late], Vec::new(), place(70)).await.unwrap();
    archive.cut_back(50, place(50)).await.unwrap();
    assert_eq!(archive.place().await.unwrap(), place(50));
    assert_eq!(found(&*archive, &everything()).await, [5, 4, 3, 2, 1]);
    assert_eq!(archive.named("job:6").await.unwrap(), None);
    assert_eq!(found(&*archive, &having(&[(0, &[0])])).await, [4, 2]);
    // Another history has another entry of this number.
    let other = Entry { bytes: Bytes::from_static(b"other"), names: vec!["other".to_owned()], seq: 51, ..entry(6) };
    archive.put(vec![other], Vec::new(), place(51)).await.unwrap();
    assert_eq!(archive.named("other").await.unwrap().unwrap().bytes, "other");
    assert_eq!(archive.named("job:6").await.unwrap(), None);
    // More than a piece, and sets of every size.
    let even = having(&[(0, &[0])]);
    for (first, count) in [(100, 453), (500, 2_453), (1_000, 4_703)] {
        archive.put(entries(first..9_500.min(first * 10)), Vec::new(), place(95_000)).await.unwrap();
        assert_eq!(archive.find(&even).await.unwrap().count, count);
    }
    archive.cut_back(20_000, place(20_000)).await.unwrap();
    assert_eq!(archive.find(&even).await.unwrap().count, 954);
    archive.cut_back(51, place(51)).await.unwrap();
    assert_eq!(found(&*archive, &even).await, [6, 4, 2]);
    assert_eq!(counted(&*archive).await, 6);
    assert_eq!(archive.place().await.unwrap(), place(51));
}

pub async fn what_was_removed_of_a_lost_history_is_told_no_more(world: &dyn World) {
    let archive = filled(world, 1..=9).await;
    assert_eq!(archive.remove(4_000, 0).await.unwrap(), [1, 2, 3]);
    archive.cut_back(50, place(50)).await.unwrap();
    assert_eq!(archive.remove(0, 0).await.unwrap(), [1, 2, 3], "4 and 5 are left, and came later");
    // Of nothing that is left anybody knows that it came later: 1 to 3 may be others now.
    archive.cut_back(0, Place::START).await.unwrap();
    assert_eq!(archive.remove(0, 0).await.unwrap(), []);
}

pub async fn who_is_behind_puts_nothing(world: &dyn World) {
    let (archive, late) = (filled(world, 1..=5).await, world.handle().await);
    let (counts, earlier) = (archive.counts().await.unwrap(), archive.earlier_places().await.unwrap());
    let of_its_time = Place { before: place(40).before, ..place(60) };
    for behind in [place(40), of_its_time, Place::START] {
        let memos = vec![memo("late", 10, "late")];
        let answer = late.put(vec![entry(6)], memos, behind).await;
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
        assert_eq!(archive.place().await.unwrap(), place(50));
        assert_eq!(archive.counts().await.unwrap(), counts);
        assert_eq!((archive.entry(6).await.unwrap(), archive.memo("late", 0).await.unwrap()), (None, None));
    }
    assert_eq!(archive.earlier_places().await.unwrap(), earlier);
    late.put(entries(4..=6), Vec::new(), place(60)).await.unwrap();
    assert_eq!(counted(&*archive).await, 6);
}

pub async fn of_one_name_the_newest_entry_counts(world: &dyn World) {
    let archive = world.handle().await;
    let named = |number| Entry { names: vec!["key:a".to_owned(), format!("job:{number}")], ..entry(number) };
    for number in [2, 3, 1] {
        archive.put(vec![named(number)], Vec::new(), place(30)).await.unwrap();
    }
    let number = async |name| archive.named(name).await.unwrap().map(|row| row.number);
    assert_eq!(number("key:a").await, Some(3));
    assert_eq!(number("job:1").await, Some(1));
    assert_eq!(number("key").await, None);
    archive.cut_back(20, place(20)).await.unwrap();
    assert_eq!(number("key:a").await, Some(2));
    archive.remove(2_000, 0).await.unwrap();
    assert_eq!((number("key:a").await, number("job:1").await), (Some(2), None));
}

pub async fn a_memo_is_remembered_until_it_is_over(world: &dyn World) {
    let archive = world.handle().await;
    archive.put(Vec::new(), vec![memo("a", 10, "first"), memo("b", 5, "b")], place(1)).await.unwrap();
    let (first, second) = (Some(Bytes::from_static(b"first")), Some(Bytes::from_static(b"second")));
    assert_eq!(archive.memo("a", 9).await.unwrap(), first);
    assert_eq!(archive.memo("a", 10).await.unwrap(), None);
    assert_eq!(archive.memo("c", 0).await.unwrap(), None);
    archive.put(Vec::new(), vec![memo("a", 20, "second")], place(2)).await.unwrap();
    assert_eq!(archive.memo("a", 10).await.unwrap(), second);
    assert_eq!(archive.remove(0, 15).await.unwrap(), []);
    assert_eq!(archive.memo("a", 15).await.unwrap(), second);
    assert_eq!(archive.memo("b", 0).await.unwrap(), None);
}

pub async fn earlier_places_are_told_newest_first(world: &dyn World) {
    let archive = world.handle().await;
    assert_eq!(archive.earlier_places().await.unwrap(), []);
    for seq in 1..=200 {
        archive.put(Vec::new(), Vec::new(), place(seq)).await.unwrap();
        // The same place again is no other place.
        archive.put(Vec::new(), Vec::new(), place(seq)).await.unwrap();
    }
    let told = archive.earlier_places().await.unwrap();
    assert!(told.len() >= 50 && told.len() < 100, "{}", told.len());
    let newest: Vec<Place> = (150..200).rev().map(place).collect();
    assert_eq!(told[..50], newest);
    assert!(told.is_sorted_by(|one, next| one.position.seq > next.position.seq));
    archive.cut_back(180, place(180)).await.unwrap();
    assert_eq!(archive.earlier_places().await.unwrap()[0], place(179));
    archive.put(Vec::new(), Vec::new(), place(190)).await.unwrap();
    assert_eq!(archive.earlier_places().await.unwrap()[..2], [place(180), place(179)]);
}
