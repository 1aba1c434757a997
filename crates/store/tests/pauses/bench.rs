//! How long an append waits: one of 32 KiB after the other, beside a checkpoint and a trim, and
//! the disk's own syncs for comparison.
//!
//! `cargo bench -p store --bench pauses -- FILE SECONDS disk|alone|beside|contents|read`
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use bytes::Bytes;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Batch, Body, Content, Journal, Keep, Position, SqliteJournal};

const RECORD_BYTES: usize = 32 * 1024;
const PARTS: u64 = 100_000;

fn told(what: &str, mut millis: Vec<f64>, elapsed: Duration) {
    millis.sort_by(f64::total_cmp);
    let of = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
    let rate = millis.len() as f64 / elapsed.as_secs_f64();
    println!(
        "{what}: {rate:.0}/s, ms: p50 {:.3} p99 {:.3} p99.9 {:.3} p99.99 {:.3} longest {:.2?}",
        of(0.5),
        of(0.99),
        of(0.999),
        of(0.9999),
        &millis[millis.len().saturating_sub(5)..]
    );
}

/// A plain write and sync of as many bytes, over and over the same 32 MiB.
fn disk(path: &str, seconds: u64) {
    let file = File::options().create(true).truncate(true).write(true).open(path).unwrap();
    let (record, size) = (vec![7; RECORD_BYTES], 32 * 1024 * 1024);
    file.write_all_at(&vec![1; size], 0).unwrap();
    file.sync_all().unwrap();
    let (mut millis, mut at, began) = (Vec::new(), 0, Instant::now());
    while began.elapsed() < Duration::from_secs(seconds) {
        let start = Instant::now();
        file.write_all_at(&record, at).unwrap();
        file.sync_data().unwrap();
        millis.push(start.elapsed().as_secs_f64() * 1e3);
        at = (at + RECORD_BYTES as u64) % size as u64;
    }
    told("disk alone", millis, began.elapsed());
    std::fs::remove_file(path).unwrap();
}

fn parts(round: u64) -> impl Iterator<Item = (Bytes, Option<Bytes>)> + Send {
    // Each round changes other keys, all over the place: the whole state grows to a million.
    let mut keys: Vec<u64> =
        (0..PARTS).map(|number| (number + round * PARTS).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_000_000).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| (key.to_be_bytes().to_vec().into(), Some(Bytes::from(vec![3; 300]))))
}

async fn checkpoints(journal: Arc<dyn Journal>, epoch: u64) {
    let mut base = None;
    for round in 0.. {
        let at = journal.tail().await.unwrap();
        let start = Instant::now();
        let whole = parts(round);
        journal.checkpoint(epoch, base, at, Box::new(whole)).await.unwrap();
        println!(
            "checkpoint of {PARTS} parts, {}: {:?}",
            if base.is_some() { "changes" } else { "whole" },
            start.elapsed()
        );
        base = Some(at);
        let (mut records, mut pieces, start) = (0, 0, Instant::now());
        loop {
            let keep = Keep { from: u64::MAX, at_min: i64::MAX, bytes_max: 0 };
            let piece = journal.trim(keep).await.unwrap();
            (records, pieces) = (records + piece.records, pieces + 1);
            if !piece.more {
                break;
            }
        }
        println!("trim of {records} records in {pieces} pieces: {:?}", start.elapsed());
    }
}

async fn appends(path: &str, seconds: u64, how: &str) {
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::new(path).unwrap());
    let opened = journal.open(0).await.unwrap();
    let mut at = opened.tail;
    let contents = |from: u64| match how {
        "contents" => {
            (from..from + 64).map(|number| Content { number, body: Body::Inline(Bytes::from(vec![5; 1024])) }).collect()
        }
        _ => Vec::new(),
    };
    let bytes = Bytes::from(vec![7; if how == "contents" { 1024 } else { RECORD_BYTES }]);
    if how == "beside" {
        tokio::spawn(checkpoints(journal.clone(), opened.epoch));
    }
    let (mut millis, began) = (Vec::new(), Instant::now());
    let mut disk_bytes = 0;
    while began.elapsed() < Duration::from_secs(seconds) {
        let batch = Batch { events: 1, at: 1, bytes: bytes.clone(), contents: contents(millis.len() as u64 * 64) };
        let start = Instant::now();
        at = journal.append(opened.epoch, at, &batch).await.unwrap();
        millis.push(start.elapsed().as_secs_f64() * 1e3);
        if millis.len() % 1000 == 0 {
            disk_bytes = disk_bytes.max(std::fs::metadata(format!("{path}-wal")).unwrap().len());
        }
    }
    told(how, millis, began.elapsed());
    println!("longest log: {} MiB", disk_bytes >> 20);
}

async fn read(path: &str) {
    const READ_PARTS: u64 = 1_000_000;
    let journal = SqliteJournal::new(path).unwrap();
    let epoch = journal.open(0).await.unwrap().epoch;
    let parts = (0..READ_PARTS).map(|key| (key.to_be_bytes().to_vec().into(), Some(Bytes::from(vec![3; 300]))));
    let start = Instant::now();
    journal.checkpoint(epoch, None, Position::START, Box::new(parts)).await.unwrap();
    println!("{READ_PARTS} parts written in {:?}", start.elapsed());
    for _ in 0..3 {
        let (mut after, mut count, start) = (None::<Bytes>, 0, Instant::now());
        loop {
            let page = journal.checkpoint_parts(Position::START, after.as_deref(), 4 * 1024 * 1024).await.unwrap();
            let Some(last) = page.last() else { break };
            (after, count) = (Some(last.key.clone()), count + page.len());
        }
        println!("{count} parts read in {:?}", start.elapsed());
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, seconds, how, ..] = &arguments[..] else {
        return eprintln!("tell it FILE SECONDS disk|alone|beside|contents|read");
    };
    let seconds = seconds.parse().unwrap();
    match how.as_str() {
        "disk" => disk(path, seconds),
        "read" => read(path).await,
        how => appends(path, seconds, how).await,
    }
}
