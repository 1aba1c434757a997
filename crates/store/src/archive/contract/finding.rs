//! What was put is found.

use super::{World, entries, entry, everything, filled, found, having, place};
use crate::{Entry, Facet, Query, StoreError};

type Numbers = &'static [u64];
type AllOf = &'static [(u8, Numbers)];

pub async fn pages_continue_while_entries_come_and_go(world: &dyn World) {
    // Over several chunks.
    let archive = filled(world, (1..=60).map(|step| step * 5_000)).await;
    let all = having(&[(1, &[0, 1, 2])]);
    for filter in [everything(), all] {
        let (mut below, mut seen, mut newest) = (u64::MAX, Vec::new(), 1_000_000);
        loop {
            let page = found(&*archive, &Query { below, limit: 7, ..filter.clone() }).await;
            let Some(last) = page.last() else { break };
            assert!(page.iter().all(|number| *number < below), "{page:?} below {below}");
            below = *last;
            seen.extend(page);
            newest += 1;
            archive.put(vec![entry(newest)], Vec::new(), place(newest * 10)).await.unwrap();
            if seen.len() == 35 {
                archive.remove(50_000_000, 0).await.unwrap();
            }
        }
        archive.cut_back(60 * 50_000, place(60 * 50_000)).await.unwrap();
        let left: Vec<u64> = (10..=60).rev().map(|step| step * 5_000).collect();
        assert_eq!(seen.iter().filter(|number| **number >= 50_000).copied().collect::<Vec<_>>(), left);
    }
}

pub async fn filters_join_and_part(world: &dyn World) {
    let archive = filled(world, [1, 2, 3, 4, 5, 6, 70_001, 70_002, 70_006]).await;
    let cases: [(AllOf, Numbers); 9] = [
        (&[(0, &[0])], &[70_006, 70_002, 6, 4, 2]),
        (&[(0, &[0, 1]), (1, &[0])], &[70_002, 6, 3]),
        (&[(0, &[1]), (1, &[1])], &[1]),
        (&[(0, &[0]), (1, &[0, 1])], &[70_006, 70_002, 6, 4]),
        (&[(2, &[3, 70_002])], &[70_002, 3]),
        (&[(0, &[1]), (2, &[70_002])], &[]),
        (&[(0, &[0]), (9, &[0])], &[]),
        (&[(0, &[0]), (1, &[])], &[]),
        (&[(0, &[0]), (0, &[1])], &[]),
    ];
    for (all_of, expected) in cases {
        let query = having(all_of);
        assert_eq!(found(&*archive, &query).await, expected, "{all_of:?}");
        let found = archive.find(&query).await.unwrap();
        assert_eq!((found.count, found.is_exact), (expected.len() as u64, true), "{all_of:?}");
    }
}

pub async fn what_is_assumed_is_found_where_nothing_is_said(world: &dyn World) {
    let archive = world.handle().await;
    let said = |kind, value: &str| Facet { kind, value: value.to_owned() };
    // Over two chunks; every third says nothing of kind 7, every other third something else.
    let put = [1, 2, 3, 4, 5, 6, 70_001, 70_002, 70_003].map(|number| {
        let mut entry = entry(number);
        entry.facets.extend(match number % 3 {
            0 => Some(said(7, "local")),
            1 => Some(said(7, "other")),
            _ => None,
        });
        entry
    });
    archive.put(put.into(), Vec::new(), place(700_030)).await.unwrap();
    let query = |of: &str, assumed: Option<&str>| Query {
        all_of: vec![vec![said(7, of)]],
        assumed: assumed.map(|value| said(7, value)),
        ..everything()
    };
    let cases: [(&str, Option<&str>, Numbers); 4] = [
        ("local", Some("local"), &[70_002, 70_001, 6, 5, 3, 2]),
        ("other", Some("local"), &[70_003, 4, 1]),
        ("local", None, &[70_002, 6, 3]),
        ("third", Some("third"), &[70_001, 5, 2]),
    ];
    for (of, assumed, expected) in cases {
        assert_eq!(found(&*archive, &query(of, assumed)).await, expected, "{of}, assumed {assumed:?}");
        let counted = archive.find(&query(of, assumed)).await.unwrap().count;
        assert_eq!(counted, expected.len() as u64, "{of}, assumed {assumed:?}");
    }
}

pub async fn an_entry_is_found_by_when_it_began(world: &dyn World) {
    let archive = filled(world, [1, 2, 3, 100_000, 100_001]).await;
    let cases: [(Option<i64>, Option<i64>, Numbers); 6] = [
        (Some(2_000), None, &[100_001, 100_000, 3, 2]),
        (Some(2_001), None, &[100_001, 100_000, 3]),
        (None, Some(3_000), &[2, 1]),
        (Some(2_000), Some(100_000_001), &[100_000, 3, 2]),
        (Some(3_000), Some(3_000), &[]),
        (Some(i64::MIN), Some(i64::MAX), &[100_001, 100_000, 3, 2, 1]),
    ];
    for (began_from, began_before, expected) in cases {
        let query = Query { began_from, began_before, ..everything() };
        assert_eq!(found(&*archive, &query).await, expected, "{began_from:?} to {began_before:?}");
        assert_eq!(archive.find(&query).await.unwrap().count, expected.len() as u64);
        let even: Vec<u64> = expected.iter().copied().filter(|number| number % 2 == 0).collect();
        assert_eq!(found(&*archive, &Query { began_from, began_before, ..having(&[(0, &[0])]) }).await, even);
    }
}

pub async fn a_count_stops_and_says_so(world: &dyn World) {
    let archive = filled(world, 1..=20).await;
    let even = having(&[(0, &[0])]);
    for (count_max, expected) in [(9, (9, false)), (10, (10, true)), (11, (10, true)), (0, (0, false))] {
        // Wherever the page begins, and however much of it there is.
        for (below, limit) in [(u64::MAX, 3), (5, 3), (0, 3), (5, 0)] {
            let found = archive.find(&Query { count_max, below, limit, ..even.clone() }).await.unwrap();
            assert_eq!((found.count, found.is_exact), expected, "at most {count_max}, below {below}");
        }
    }
    let found = archive.find(&Query { count_max: 3, ..everything() }).await.unwrap();
    assert_eq!((found.count, found.is_exact), (20, true), "all are counted already");
    let page = async |below, skip, limit| super::found(&*archive, &Query { below, skip, limit, ..even.clone() }).await;
    assert_eq!(page(u64::MAX, 0, 3).await, [20, 18, 16]);
    assert_eq!(page(u64::MAX, 3, 3).await, [14, 12, 10]);
    assert_eq!(page(10, 3, 3).await, [2]);
    assert_eq!(page(10, 4, 3).await, []);
}

pub async fn text_is_found_by_its_words(world: &dyn World) {
    let archive = world.handle().await;
    let texts = ["A red Fox-trot, they said", "the red hen", "nothing", "red red \"OR\" fox"];
    let saying = |(number, text): (u64, &&str)| Entry { text: Some((*text).to_owned()), ..entry(number) };
    archive.put((1..).zip(&texts).map(saying).collect(), Vec::new(), place(40)).await.unwrap();
    archive.put(entries([5]), Vec::new(), place(50)).await.unwrap();
    let query = |text: &str| Query { text: Some(text.to_owned()), ..everything() };
    if !world.keeps_text() {
        let answer = archive.find(&query("red")).await;
        assert!(matches!(answer, Err(StoreError::NoSearch)), "{answer:?}");
        return;
    }
    let cases: [(&str, Numbers); 12] = [
        ("red", &[4, 2, 1]),
        ("RED fox", &[4, 1]),
        ("fox-trot", &[1]),
        ("trot-fox", &[]),
        ("fo", &[]),
        ("OR", &[4]),
        ("red OR hen", &[]),
        ("NOT red*", &[]),
        ("\"red", &[4, 2, 1]),
        ("text:red ) ( \" \0 '", &[]),
        (" -- ", &[5, 4, 3, 2, 1]),
        ("", &[5, 4, 3, 2, 1]),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&*archive, &query(text)).await, expected, "{text:?}");
        assert_eq!(archive.find(&query(text)).await.unwrap().count, expected.len() as u64, "{text:?}");
    }
    let even = Query { text: Some("red".to_owned()), ..having(&[(0, &[0])]) };
    assert_eq!(found(&*archive, &even).await, [4, 2]);
    // However much of it.
    assert_eq!(found(&*archive, &query(&"red ".repeat(5_000))).await, [4, 2, 1]);
    assert_eq!(found(&*archive, &query(&"é".repeat(50_000))).await, []);

    archive.remove(2_000, 0).await.unwrap();
    archive.cut_back(30, place(30)).await.unwrap();
    assert_eq!(found(&*archive, &query("red")).await, [2]);
    // Another entry of that number says nothing.
    archive.put(entries([4]), Vec::new(), place(40)).await.unwrap();
    assert_eq!(found(&*archive, &query("red")).await, [2]);
}
