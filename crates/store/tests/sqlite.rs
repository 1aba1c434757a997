//! What is SQLite's own: whose file it is, damage, backups, and processes side by side.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use store::{Batch, Blob, Journal, Position, SqliteJournal, StoreError};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    (folder, path)
}

fn batch(text: &str) -> Batch {
    Batch { events: 2, bytes: Bytes::copy_from_slice(text.as_bytes()), blobs: Vec::new() }
}

/// Writes four records of two events and closes the file.
async fn written(path: &Path) -> Vec<Position> {
    let journal = SqliteJournal::new(path).unwrap();
    let opened = journal.open(0).await.unwrap();
    let mut positions = vec![opened.tail];
    for number in 1..=4 {
        let after = positions[positions.len() - 1];
        let batch = batch(&format!("record {number}"));
        positions.push(journal.append(opened.epoch, after, &batch).await.unwrap());
    }
    positions
}

/// Opens `path`, expects a refusal that names it, and returns the reason.
fn refusal(path: &Path) -> String {
    match SqliteJournal::new(path) {
        Err(StoreError::Unusable { path: named, why }) => {
            assert_eq!(named, path.display().to_string());
            why
        }
        Err(error) => panic!("refused with {error:?}"),
        Ok(_) => panic!("{} was opened", path.display()),
    }
}

fn raw(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_missing_directory_is_named_with_what_to_do() {
    let (folder, _) = place();
    let why = refusal(&folder.path().join("no/such/journal.db"));
    assert!(why.contains("does not exist; create it: mkdir -p"), "{why}");
    assert!(!folder.path().join("no").exists());
}

#[test]
fn a_directory_is_no_file() {
    let (folder, _) = place();
    let why = refusal(folder.path());
    assert!(why.contains("it is a directory; name a file"), "{why}");
}

#[test]
fn what_is_no_database_is_left_as_it_is() {
    let (_folder, path) = place();
    let letter = "Dear diary, this is not a database but a text of some length. ".repeat(100);
    std::fs::write(&path, &letter).unwrap();
    let why = refusal(&path);
    assert!(why.contains("not a SQLite database"), "{why}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn the_database_of_another_program_is_left_as_it_is() {
    let (folder, path) = place();
    raw(&path, "PRAGMA application_id = 4711; CREATE TABLE bookmarks (url);");
    let before = std::fs::read(&path).unwrap();
    let why = refusal(&path);
    assert!(why.contains("another program (application id 0x00001267)"), "{why}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let unmarked = folder.path().join("unmarked.db");
    raw(&unmarked, "CREATE TABLE bookmarks (url)");
    let why = refusal(&unmarked);
    assert!(why.contains("database of another program"), "{why}");
}

#[tokio::test]
async fn a_newer_format_is_refused_by_its_number() {
    let (_folder, path) = place();
    written(&path).await;
    raw(&path, "UPDATE meta SET format = 7");
    let why = refusal(&path);
    assert!(why.contains("its format is 7") && why.contains("a newer Callboard"), "{why}");
}

#[tokio::test]
async fn an_url_with_a_meaning_to_sqlite_is_a_path_like_any_other() {
    let (folder, _) = place();
    for name in [":memory:", "file:x?mode=memory"] {
        let path = folder.path().join(name);
        let journal = store::open(&format!("sqlite:{}", path.display())).unwrap();
        journal.open(0).await.unwrap();
        assert!(path.is_file());
    }
}

#[test]
fn an_unknown_url_names_the_known_ones() {
    for url in ["redis://localhost", "sqlite:", "memory:x", ""] {
        let answer = store::open(url).err().unwrap();
        assert!(answer.to_string().contains("use sqlite:<path> or memory:"), "{answer}");
    }
}

#[tokio::test]
async fn a_flipped_byte_is_noticed_and_not_served() {
    let (_folder, path) = place();
    let positions = written(&path).await;
    raw(&path, "UPDATE records SET bytes = CAST('rekord 3' AS BLOB) WHERE last = 6");
    let journal = SqliteJournal::new(&path).unwrap();

    let damaged = |answer: Result<_, StoreError>| {
        let Err(StoreError::Unusable { why, .. }) = answer else {
            panic!("the damaged record was served: {answer:?}");
        };
        assert!(why.contains("the record of events 5 to 6"), "{why}");
    };
    damaged(journal.read(Position::START, usize::MAX).await);
    damaged(journal.read(positions[2], usize::MAX).await);
    damaged(journal.read_after_seq(5, usize::MAX).await);
    // What lies before it is still good.
    assert_eq!(journal.read(positions[1], 1).await.unwrap()[0].position, positions[2]);
}

#[tokio::test]
async fn a_hole_is_damage_and_not_a_beginning() {
    let (_folder, path) = place();
    let positions = written(&path).await;
    raw(&path, "DELETE FROM records WHERE last = 6");
    let journal = SqliteJournal::new(&path).unwrap();
    for answer in [
        journal.read(positions[1], usize::MAX).await,
        journal.read(positions[2], usize::MAX).await,
        journal.read_after_seq(4, usize::MAX).await,
    ] {
        assert!(matches!(answer, Err(StoreError::Unusable { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_damaged_blob_is_noticed() {
    let (_folder, path) = place();
    let journal = SqliteJournal::new(&path).unwrap();
    let opened = journal.open(0).await.unwrap();
    let blob = Blob::new(Bytes::from_static(b"payload"));
    let batch = Batch { blobs: vec![blob.clone()], ..batch("names it") };
    journal.append(opened.epoch, opened.tail, &batch).await.unwrap();
    raw(&path, "UPDATE blobs SET bytes = CAST('pay1oad' AS BLOB)");
    let answer = journal.blob(blob.hash).await;
    assert!(matches!(answer, Err(StoreError::Unusable { .. })), "{answer:?}");
}

#[tokio::test]
async fn what_was_trimmed_is_said_and_what_follows_is_read() {
    let (_folder, path) = place();
    let positions = written(&path).await;
    raw(&path, "DELETE FROM records WHERE last <= 4");
    let journal = SqliteJournal::new(&path).unwrap();
    for answer in [
        journal.read(Position::START, usize::MAX).await,
        journal.read(positions[1], usize::MAX).await,
        journal.read_after_seq(0, usize::MAX).await,
        journal.read_after_seq(3, usize::MAX).await,
    ] {
        assert!(matches!(answer, Err(StoreError::Trimmed { oldest: 5 })), "{answer:?}");
    }
    // The reader's own record is gone, and the next one says that it followed it.
    assert_eq!(journal.read(positions[2], usize::MAX).await.unwrap().len(), 2);
    assert_eq!(journal.read_after_seq(4, usize::MAX).await.unwrap().len(), 2);
    let stranger = Position { hash: [1; 8], ..positions[2] };
    let answer = journal.read(stranger, usize::MAX).await;
    assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_restored_backup_is_noticed_by_reader_and_writer() {
    let (folder, path) = place();
    let older = written(&path).await;
    let backup = folder.path().join("backup.db");
    std::fs::copy(&path, &backup).unwrap();
    let (epoch, newest) = {
        let journal = SqliteJournal::new(&path).unwrap();
        let opened = journal.open(0).await.unwrap();
        let newest = journal.append(opened.epoch, opened.tail, &batch("lost")).await.unwrap();
        (opened.epoch, newest)
    };
    std::fs::rename(&backup, &path).unwrap();

    let journal = SqliteJournal::new(&path).unwrap();
    let answer = journal.read(newest, usize::MAX).await;
    assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    // Its term is unknown to the backup, too: not even the old tail lets it write.
    for after in [newest, older[4]] {
        let answer = journal.append(epoch, after, &batch("more")).await;
        assert!(matches!(answer, Err(StoreError::Rewound { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_dropped_journal_leaves_one_tidy_file() {
    let (folder, path) = place();
    written(&path).await;
    let journal = SqliteJournal::new(&path).unwrap();
    journal.read(Position::START, usize::MAX).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "the log and its index");
    drop(journal);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn only_the_newest_checkpoint_takes_room() {
    let (_folder, path) = place();
    let positions = written(&path).await;
    let journal = SqliteJournal::new(&path).unwrap();
    // One that was begun and never confirmed, as after a kill.
    raw(
        &path,
        "INSERT INTO checkpoints VALUES (1, 1, 2, x'00', 0);
                INSERT INTO pieces VALUES (1, 1, x'00'), (2, 1, x'00');",
    );
    for at in &positions {
        journal.checkpoint(*at, Bytes::from(vec![1; 3_000_000])).await.unwrap();
    }
    let sql = "SELECT (SELECT count(*) FROM checkpoints), sum(length(bytes)) FROM pieces";
    let held: (i64, i64) =
        Connection::open(&path).unwrap().query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(held, (1, 3_000_000));
}

#[test]
fn processes_that_create_the_file_at_once_share_it() {
    for _ in 0..20 {
        let (_folder, path) = place();
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| SqliteJournal::new(&path).map(drop))).collect();
            for opened in opening {
                opened.join().unwrap().unwrap();
            }
        });
    }
}
