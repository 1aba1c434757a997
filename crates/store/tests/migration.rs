//! A file of format 1, as it was written before contents had numbers.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use store::{Batch, Body, FileHash, Journal, Keep, Position, SqliteJournal, Trimmed};

const LAYOUT: &str = "
    PRAGMA application_id = 0x43425244;
    PRAGMA journal_mode = WAL;
    CREATE TABLE meta (
        only INTEGER PRIMARY KEY CHECK (only = 1), format INTEGER NOT NULL, epoch INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE records (
        last INTEGER PRIMARY KEY, first INTEGER NOT NULL, epoch INTEGER NOT NULL,
        hash BLOB NOT NULL, bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE blobs (hash BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL) STRICT;
    CREATE TABLE checkpoints (
        id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
        confirmed INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE pieces (
        id INTEGER PRIMARY KEY, checkpoint INTEGER NOT NULL, bytes BLOB NOT NULL
    ) STRICT;
    CREATE INDEX pieces_by_checkpoint ON pieces (checkpoint);
    INSERT INTO meta VALUES (1, 1, 41);
";

fn blob(number: u8) -> Vec<u8> {
    vec![number; 2_000]
}

/// Writes 50 records of two events, each with a blob, and a checkpoint at the 30th in two pieces.
fn written(path: &Path, with_checkpoint: bool) -> Vec<Position> {
    let db = Connection::open(path).unwrap();
    db.execute_batch(LAYOUT).unwrap();
    let mut positions = vec![Position::START];
    for number in 0..50_u8 {
        let before = positions[positions.len() - 1];
        let bytes = vec![number; 1_000];
        let at = before.after(41, 2, &bytes);
        db.execute(
            "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5)",
            (at.seq, before.seq + 1, at.epoch, at.hash, bytes),
        )
        .unwrap();
        db.execute("INSERT INTO blobs VALUES (?1, ?2)", (FileHash::of(&blob(number)).0, blob(number))).unwrap();
        positions.push(at);
    }
    if with_checkpoint {
        let at = positions[30];
        let sql = "INSERT INTO checkpoints VALUES (3, ?1, ?2, ?3, 1), (4, ?1, ?2, ?3, 0)";
        db.execute(sql, (at.epoch, at.seq, at.hash)).unwrap();
        db.execute_batch(
            "INSERT INTO pieces VALUES (7, 3, CAST('old ' AS BLOB)), (8, 3, CAST('state' AS BLOB)), (9, 4, x'00')",
        )
        .unwrap();
    }
    positions
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    (folder, path)
}

fn opened(path: &Path) -> SqliteJournal {
    SqliteJournal::with_reserve(path, 4096).unwrap()
}

async fn assert_has_all(journal: &SqliteJournal, positions: &[Position]) {
    let records = journal.read(Position::START, usize::MAX).await.unwrap();
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), positions[1..]);
    assert_eq!(records[7].bytes, vec![7; 1_000]);
    let extent = journal.extent().await.unwrap();
    assert_eq!((extent.oldest, extent.oldest_at, extent.bytes), (1, 0, 50_000));
}

#[tokio::test]
async fn an_older_format_is_changed_after_a_copy_and_its_contents_wait_for_their_numbers() {
    let (folder, path) = place();
    let positions = written(&path, true);
    // A copy that a crash left unfinished.
    std::fs::write(folder.path().join("journal.db.format-1.part"), "half a copy").unwrap();
    let journal = opened(&path);
    assert_has_all(&journal, &positions).await;

    let copy = Connection::open(folder.path().join("journal.db.format-1")).unwrap();
    let counts: (i64, i64, i64) = copy
        .query_row(
            "SELECT (SELECT format FROM meta), (SELECT count(*) FROM records), (SELECT count(*) FROM blobs)",
            (),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(counts, (1, 50, 50));
    assert!(!folder.path().join("journal.db.format-1.part").exists());

    // The old state is there beside, and nothing it needs is trimmed.
    let term = journal.open(0).await.unwrap();
    assert_eq!((term.epoch, term.tail, term.checkpoint), (42, positions[50], None));
    let old = Some((positions[30], Bytes::from_static(b"old state")));
    assert_eq!(journal.legacy_checkpoint().await.unwrap(), old);
    let parts = Box::new([(Bytes::from_static(b"k"), Some(Bytes::from_static(b"v")))].into_iter());
    journal.checkpoint(term.epoch, None, positions[50], parts).await.unwrap();
    let everything = Keep { from: u64::MAX, at_min: i64::MAX, bytes_max: 0 };
    assert_eq!(journal.trim(everything).await.unwrap(), Trimmed::default());

    // Named in two goes, one of them twice, with a crash between.
    let name = |number: u8| (FileHash::of(&blob(number)), u64::from(number) << 8);
    let names: Vec<_> = (0..40).map(name).collect();
    journal.legacy_name(&names[..20], false).await.unwrap();
    drop(journal);
    let journal = opened(&path);
    assert_eq!(journal.legacy_checkpoint().await.unwrap(), old);
    journal.legacy_name(&names, false).await.unwrap();
    journal.legacy_name(&[(FileHash::of(b"unknown"), 99)], true).await.unwrap();
    journal.legacy_name(&names, true).await.unwrap();
    assert_eq!(journal.legacy_checkpoint().await.unwrap(), None);
    for number in 0..50_u8 {
        let expected = (number < 40).then(|| Body::Inline(blob(number).into()));
        assert_eq!(journal.content(u64::from(number) << 8).await.unwrap(), expected);
    }
    assert_eq!(journal.content(99).await.unwrap(), None);

    // From here on it is a journal like any other.
    assert!(journal.trim(everything).await.unwrap().records > 0);
    let batch = Batch { events: 1, at: 5, bytes: Bytes::from_static(b"new"), ..Batch::default() };
    journal.append(term.epoch, positions[50], &batch).await.unwrap();
}

#[tokio::test]
async fn an_older_file_without_a_checkpoint_says_that_its_contents_have_no_numbers() {
    let (_folder, path) = place();
    let positions = written(&path, false);
    let journal = opened(&path);
    assert_has_all(&journal, &positions).await;
    assert_eq!(journal.legacy_checkpoint().await.unwrap(), Some((Position::START, Bytes::new())));
    journal.legacy_name(&[], true).await.unwrap();
    assert_eq!(journal.legacy_checkpoint().await.unwrap(), None);
}

#[tokio::test]
async fn a_crash_while_the_format_is_changed_leaves_the_older_one() {
    let (folder, path) = place();
    let positions = written(&path, true);
    drop(opened(&path));
    // As it was before the one transaction that changes it: the copy is what the file was.
    std::fs::copy(folder.path().join("journal.db.format-1"), &path).unwrap();
    assert_has_all(&opened(&path), &positions).await;
    assert_has_all(&opened(&path), &positions).await;
}
