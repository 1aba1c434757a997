//! The same as a scan over a list would say, whatever happens.

use super::{World, found, of_all_days};
use crate::{Archive, CountedBy, Entry, Facet, Place, Position, Query};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: u64 = 4;
const STEPS: usize = 120;
const WORDS: [&str; 4] = ["red", "green", "blue", "black"];

/// Puts, takes back and finds at random, and compares with a list.
pub async fn it_agrees_with_a_scan(world: &dyn World) {
    for seed in 0..SEEDS {
        let archive = world.handle().await;
        // The world has one archive: the next list begins with none of it.
        archive.cut_back(0, Place::START).await.unwrap();
        let told = archive.remove(i64::MIN, 0).await.unwrap();
        archive.removed(&told).await.unwrap();
        let mut list = List::new(seed);
        for _ in 0..STEPS {
            match list.random(10) {
                0..=5 => list.put(&*archive).await,
                6 => list.remove(&*archive).await,
                7 => list.drop_contents(&*archive).await,
                8 if list.random(3) == 0 => list.cut_back(&*archive).await,
                _ => list.find(&*archive, world.keeps_text()).await,
            }
            list.compare(&*archive).await;
        }
    }
}

struct Kept {
    entry: Entry,
    is_dropped: bool,
}

/// What should be in the archive.
struct List {
    state: u64,
    kept: Vec<Kept>,
    /// Began and did not end: number and time.
    running: Vec<(u64, i64)>,
    told: BTreeSet<u64>,
    place: Place,
    number: u64,
    now: i64,
    seq: u64,
}

impl List {
    fn new(seed: u64) -> List {
        let (kept, running, told) = (Vec::new(), Vec::new(), BTreeSet::new());
        List { state: seed, kept, running, told, place: Place::START, number: 0, now: 0, seq: 0 }
    }

    /// Below `max`.
    fn random(&mut self, max: u64) -> u64 {
        // Knuth's MMIX generator.
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % max
    }

    fn later(&mut self) -> i64 {
        self.now += self.random(3) as i64;
        self.now
    }

    fn facet(&mut self) -> Facet {
        let kind = self.random(3) as u8;
        Facet { kind, value: self.random([2, 8, 60][usize::from(kind)]).to_string() }
    }

    fn text(&mut self) -> String {
        (0..=self.random(2)).map(|_| WORDS[self.random(4) as usize]).collect::<Vec<_>>().join(" ")
    }

    fn ended(&mut self, number: u64, began: i64) -> Entry {
        self.seq += 1 + self.random(2);
        let counted = CountedBy {
            day: self.random(2) as i32 - 1,
            group: self.random(2).to_string(),
            word: self.random(2).to_string(),
        };
        let mut facets: Vec<Facet> = (0..self.random(5)).map(|_| self.facet()).collect();
        facets.sort();
        facets.dedup();
        Entry {
            number,
            seq: self.seq,
            began,
            ended: self.later(),
            names: vec![self.random(50).to_string()],
            facets,
            counted,
            content_bytes: self.random(3) * 10,
            bytes: Bytes::from(format!("{number} ended with {}", self.seq)),
            text: (self.random(4) > 0).then(|| self.text()),
        }
    }

    async fn put(&mut self, archive: &dyn Archive) {
        for _ in 0..self.random(30) {
            // Mostly close, sometimes in another chunk.
            self.number += 1 + if self.random(12) == 0 { self.random(70_000) } else { 0 };
            let began = self.later();
            self.running.push((self.number, began));
        }
        let mut entries = Vec::new();
        for _ in 0..self.random(40).min(self.running.len() as u64) {
            let at = self.random(self.running.len() as u64) as usize;
            let (number, began) = self.running.swap_remove(at);
            entries.push(self.ended(number, began));
        }
        // What is there comes again, with other words.
        let again = self.random(3) as usize;
        let again = self.kept.iter().rev().take(again);
        let again = again.map(|kept| Entry { bytes: Bytes::new(), content_bytes: 1, ..kept.entry.clone() });
        let batch: Vec<Entry> = again.collect::<Vec<_>>().into_iter().chain(entries.iter().cloned()).collect();
        let position = Position { epoch: 1, seq: self.seq, hash: self.seq.to_le_bytes() };
        self.place = Place { position, before: self.now };
        archive.put(batch, Vec::new(), self.place).await.unwrap();
        self.kept.extend(entries.into_iter().map(|entry| Kept { entry, is_dropped: false }));
    }

    async fn remove(&mut self, archive: &dyn Archive) {
        let before = self.now - self.random(60) as i64;
        let told: BTreeSet<u64> = archive.remove(before, 0).await.unwrap().into_iter().collect();
        if self.told.is_empty() {
            // The list is in the order of ends.
            let gone = self.kept.partition_point(|kept| kept.entry.ended < before).min(told.len());
            self.told = self.kept.drain(..gone).map(|kept| kept.entry.number).collect();
            let left = self.kept.first().is_some_and(|kept| kept.entry.ended < before);
            assert!(!left || !told.is_empty(), "some are left, and none was told");
        }
        assert_eq!(told, self.told);
        let confirmed: Vec<u64> = told.into_iter().filter(|_| self.random(4) > 0).collect();
        archive.removed(&confirmed).await.unwrap();
        self.told.retain(|number| !confirmed.contains(number));
    }

    async fn drop_contents(&mut self, archive: &dyn Archive) {
        let bytes = self.random(200);
        let (mut expected, mut sum) = (Vec::new(), 0);
        for kept in &mut self.kept {
            if sum < bytes && !kept.is_dropped && kept.entry.content_bytes > 0 {
                sum += kept.entry.content_bytes;
                kept.is_dropped = true;
                expected.push(kept.entry.number);
            }
        }
        assert_eq!(archive.heaviest_oldest(bytes).await.unwrap(), expected);
        archive.dropped(&expected).await.unwrap();
    }

    async fn cut_back(&mut self, archive: &dyn Archive) {
        self.seq -= self.random(60).min(self.seq);
        let left = self.kept.partition_point(|kept| kept.entry.seq <= self.seq);
        // Of numbers that were taken back others may end.
        let back = self.kept.drain(left..).map(|kept| (kept.entry.number, kept.entry.began));
        self.running.extend(back);
        // Numbers above all that is left are told no longer.
        let newest = self.kept.iter().map(|kept| kept.entry.number).max();
        self.told.retain(|number| newest.is_some_and(|newest| *number <= newest));
        let position = Position { epoch: 2, seq: self.seq, hash: [2; 8] };
        self.place = Place { position, before: self.now };
        archive.cut_back(self.seq, self.place).await.unwrap();
    }

    async fn find(&mut self, archive: &dyn Archive, keeps_text: bool) {
        for _ in 0..10 {
            let query = self.query(keeps_text);
            let passing = |kept: &&Kept| {
                let Entry { began, facets, text, .. } = &kept.entry;
                let is_assumed = |facet: &Facet| {
                    let says = facets.iter().any(|said| said.kind == facet.kind);
                    query.assumed.as_ref() == Some(facet) && !says
                };
                let has = |facet: &Facet| facets.contains(facet) || is_assumed(facet);
                query.all_of.iter().all(|any_of| any_of.iter().any(has))
                    && query.began_from.is_none_or(|from| *began >= from)
                    && query.began_before.is_none_or(|before| *began < before)
                    && query
                        .text
                        .iter()
                        .flat_map(|words| words.split(' '))
                        .all(|word| text.as_ref().is_some_and(|text| text.split(' ').any(|said| said == word)))
            };
            let mut passing: Vec<u64> = self.kept.iter().filter(passing).map(|kept| kept.entry.number).collect();
            passing.sort_unstable_by(|one, other| other.cmp(one));
            let count = passing.len() as u64;
            let below = passing.iter().filter(|number| **number < query.below);
            let page: Vec<u64> = below.skip(query.skip).take(query.limit).copied().collect();
            assert_eq!(found(archive, &query).await, page, "{query:?}");
            let found = archive.find(&query).await.unwrap();
            let is_exact = query.is_everything() || count <= query.count_max;
            let counted = if is_exact { count } else { query.count_max };
            assert_eq!((found.count, found.is_exact), (counted, is_exact), "{query:?}");
        }
    }

    fn query(&mut self, keeps_text: bool) -> Query {
        let all_of = (0..self.random(3)).map(|_| (0..=self.random(2)).map(|_| self.facet()).collect()).collect();
        let sometimes = |list: &mut List, value: u64| (list.random(3) == 0).then(|| list.random(value + 1) as i64);
        let now = self.now.unsigned_abs();
        Query {
            all_of,
            assumed: (self.random(2) == 0).then(|| self.facet()),
            below: self.cursor(),
            began_from: sometimes(self, now),
            began_before: sometimes(self, now),
            text: (keeps_text && self.random(3) == 0).then(|| self.text()),
            limit: self.random(20) as usize,
            skip: if self.random(3) == 0 { self.random(20) as usize } else { 0 },
            count_max: self.random(100),
        }
    }

    /// Above all, behind an entry, or anywhere.
    fn cursor(&mut self) -> u64 {
        match (self.random(3), self.kept.len() as u64) {
            (0, _) => u64::MAX,
            (1, kept) if kept > 0 => {
                let at = self.random(kept) as usize;
                self.kept[at].entry.number
            }
            _ => self.random(self.number + 2),
        }
    }

    async fn compare(&mut self, archive: &dyn Archive) {
        let mut by = BTreeMap::new();
        for kept in &self.kept {
            *by.entry(kept.entry.counted.clone()).or_insert(0) += 1;
        }
        let counts = archive.counts().await.unwrap();
        assert_eq!((&counts.by, counts.place), (&by, self.place));
        assert_eq!(archive.totals().await.unwrap(), of_all_days(counts));
        let holdings = archive.holdings().await.unwrap();
        let held = self.kept.iter().filter(|kept| !kept.is_dropped).map(|kept| kept.entry.content_bytes).sum();
        assert_eq!((holdings.entries, holdings.content_bytes), (self.kept.len() as u64, held));
        let name = self.random(50).to_string();
        let of_name = self.kept.iter().filter(|kept| kept.entry.names.contains(&name));
        let newest = of_name.max_by_key(|kept| kept.entry.number);
        let named = archive.named(&name).await.unwrap();
        assert_eq!(named.map(|row| row.bytes), newest.map(|kept| kept.entry.bytes.clone()));
    }
}
