//! What lies in the files at any moment, as a process that was killed leaves them.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use std::path::{Path, PathBuf};
use store::{Batch, Body, Content, Journal, Position, Record, SqliteJournal};
use tempfile::TempDir;

fn journal(path: &Path) -> SqliteJournal {
    SqliteJournal::with_reserve(path, 4096).unwrap()
}

/// A batch of several pages whose contents have numbers of their own.
fn batch(number: u64) -> Batch {
    let contents = (0..3).map(|slot| Content {
        number: number << 8 | slot,
        body: Body::Inline(Bytes::from(vec![number as u8 + 1; 3_000])),
    });
    Batch { events: 2, at: 1, bytes: Bytes::from(vec![number as u8; 9_000]), contents: contents.collect() }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The file and its log as they are now, elsewhere.
fn copied(path: &Path) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("journal.db");
    std::fs::copy(path, &copy).unwrap();
    std::fs::copy(log_of(path), log_of(&copy)).unwrap();
    (folder, copy)
}

async fn all(journal: &SqliteJournal) -> Vec<Record> {
    journal.read(Position::START, usize::MAX).await.unwrap()
}

#[tokio::test]
async fn what_was_answered_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let writer = journal(&path);
    let opened = writer.open(0).await.unwrap();
    let mut at = opened.tail;
    for number in 0..8 {
        at = writer.append(opened.epoch, at, &batch(number)).await.unwrap();
        let (_folder, copy) = copied(&path);
        let found = journal(&copy);
        assert_eq!(found.tail().await.unwrap(), at);
        assert_eq!(all(&found).await.len() as u64, number + 1);
        for content in batch(number).contents {
            assert_eq!(found.content(content.number).await.unwrap(), Some(content.body));
        }
        // Its term is known there too.
        assert!(found.open(0).await.unwrap().epoch > opened.epoch);
    }
}

#[tokio::test]
async fn a_torn_log_holds_whole_batches_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let writer = journal(&path);
    let opened = writer.open(0).await.unwrap();
    let begins = std::fs::metadata(log_of(&path)).unwrap().len();
    let mut at = opened.tail;
    for number in 0..5 {
        at = writer.append(opened.epoch, at, &batch(number)).await.unwrap();
    }
    let written = all(&writer).await;
    let ends = std::fs::metadata(log_of(&path)).unwrap().len();
    let mut lengths = std::collections::BTreeSet::new();
    // Cuts all over, at no page's edge but by chance, and just before the end.
    for cut in (0..24).map(|step| begins + (ends - begins) * step / 24 + step * 7).chain([ends - 1, ends]) {
        let (_folder, copy) = copied(&path);
        std::fs::File::options().write(true).open(log_of(&copy)).unwrap().set_len(cut).unwrap();
        let found = journal(&copy);
        let read = all(&found).await;
        assert_eq!(read, written[..read.len()], "cut at byte {cut}");
        assert_eq!(found.tail().await.unwrap(), read.last().map_or(Position::START, |record| record.position));
        for number in 0..5 {
            for content in batch(number).contents {
                let is_there = found.content(content.number).await.unwrap().is_some();
                assert_eq!(is_there, number < read.len() as u64, "content {} cut at {cut}", content.number);
            }
        }
        lengths.insert(read.len());
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5], "cuts fell behind every batch");
}

#[tokio::test]
async fn a_torn_page_ends_the_log_before_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let writer = journal(&path);
    let opened = writer.open(0).await.unwrap();
    let first = writer.append(opened.epoch, opened.tail, &batch(0)).await.unwrap();
    let end = std::fs::metadata(log_of(&path)).unwrap().len() as usize;
    writer.append(opened.epoch, first, &batch(1)).await.unwrap();
    let (_folder, copy) = copied(&path);
    let mut log = std::fs::read(log_of(&copy)).unwrap();
    log[end + 5_000] ^= 1;
    std::fs::write(log_of(&copy), log).unwrap();
    assert_eq!(journal(&copy).tail().await.unwrap(), first);
}
