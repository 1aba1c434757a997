//! What is SQLite's own: whose file it is, damage, backups, and processes side by side.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use store::{Batch, Body, Content, Journal, Position, SqliteJournal, StoreError};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    (folder, path)
}

fn journal(path: &Path) -> Result<SqliteJournal, StoreError> {
    SqliteJournal::with_reserve(path, 4096)
}

fn batch(text: &str) -> Batch {
    Batch { events: 2, bytes: Bytes::copy_from_slice(text.as_bytes()), ..Batch::default() }
}

/// Writes four records of two events and closes the file.
async fn written(path: &Path) -> Vec<Position> {
    let journal = journal(path).unwrap();
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
    match journal(path) {
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
        let journal = journal(&path).unwrap();
        journal.open(0).await.unwrap();
        assert!(path.is_file());
    }
}

#[test]
fn an_unknown_url_names_the_known_ones() {
    for url in ["redis://localhost", "sqlite:", "memory:x", ""] {
        let answer = store::open(url, &store::Options::default()).err().unwrap();
        assert!(answer.to_string().contains("use sqlite:<path> or memory:"), "{answer}");
    }
}

#[tokio::test]
async fn a_flipped_byte_is_noticed_and_not_served() {
    let (_folder, path) = place();
    let positions = written(&path).await;
    raw(&path, "UPDATE records SET bytes = CAST('rekord 3' AS BLOB) WHERE last = 6");
    let journal = journal(&path).unwrap();

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
    let journal = journal(&path).unwrap();
    for answer in [
        journal.read(positions[1], usize::MAX).await,
        journal.read(positions[2], usize::MAX).await,
        journal.read_after_seq(4, usize::MAX).await,
    ] {
        assert!(matches!(answer, Err(StoreError::Unusable { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_damaged_content_is_noticed() {
    let (_folder, path) = place();
    let journal = journal(&path).unwrap();
    let opened = journal.open(0).await.unwrap();
    let contents = vec![Content { number: 1, body: Body::Inline(Bytes::from_static(b"payload")) }];
    journal.append(opened.epoch, opened.tail, &Batch { contents, ..batch("names it") }).await.unwrap();
    raw(&path, "UPDATE contents SET bytes = NULL");
    let answer = journal.content(1).await;
    assert!(matches!(answer, Err(StoreError::Unusable { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_restored_backup_is_noticed_by_reader_and_writer() {
    let (folder, path) = place();
    let older = written(&path).await;
    let backup = folder.path().join("backup.db");
    std::fs::copy(&path, &backup).unwrap();
    let (epoch, newest) = {
        let journal = journal(&path).unwrap();
        let opened = journal.open(0).await.unwrap();
        let newest = journal.append(opened.epoch, opened.tail, &batch("lost")).await.unwrap();
        (opened.epoch, newest)
    };
    std::fs::rename(&backup, &path).unwrap();

    let journal = journal(&path).unwrap();
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
    let journal = journal(&path).unwrap();
    journal.read(Position::START, usize::MAX).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "the reserve, the log and its index");
    drop(journal);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn only_the_newest_checkpoint_takes_room() {
    let (_folder, path) = place();
    let positions = written(&path).await;
    let journal = journal(&path).unwrap();
    let opened = journal.open(0).await.unwrap();
    // One that was begun and never confirmed, as after a kill.
    raw(
        &path,
        "INSERT INTO checkpoints VALUES (1, 'pending', 1, 1, 2, x'00');
                INSERT INTO parts VALUES (1, x'01', x'00', x''), (1, x'02', x'00', x'');",
    );
    let mut base = None;
    for at in &positions {
        let parts = (0..3_000_u32)
            .map(|key| (Bytes::copy_from_slice(&key.to_be_bytes()), Some(Bytes::from_static(&[1; 1_000]))));
        journal.checkpoint(opened.epoch, base, *at, Box::new(parts)).await.unwrap();
        base = Some(*at);
    }
    let gone = (0..1_000_u32).map(|key| (Bytes::copy_from_slice(&key.to_be_bytes()), None));
    let at = positions[positions.len() - 1];
    journal.checkpoint(opened.epoch, base, at, Box::new(gone)).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM checkpoints), sum(length(bytes)) FROM parts";
    let held: (i64, i64) =
        Connection::open(&path).unwrap().query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(held, (1, 2_000_000));
}

#[tokio::test]
async fn a_crash_before_the_changes_are_folded_in_hides_none_of_them() {
    let (_folder, path) = place();
    let positions = written(&path).await;
    let journal = journal(&path).unwrap();
    let opened = journal.open(0).await.unwrap();
    let part = |key: u8, bytes: &'static [u8]| (Bytes::from(vec![key]), Some(Bytes::from_static(bytes)));
    let parts = Box::new((0..6).map(move |key| part(key * 2, b"old")));
    journal.checkpoint(opened.epoch, None, positions[1], parts).await.unwrap();
    // As the confirmation leaves it: 1 is new, 4 is changed, 6 and 7 are removed, 20 is new.
    raw(
        &path,
        "INSERT INTO checkpoints SELECT 2, 'confirmed', 0, epoch, last, hash FROM records WHERE last = 4;
                INSERT INTO parts VALUES (2, x'01', 'new', x''), (2, x'04', 'new', x''), (2, x'06', NULL, x''),
                                         (2, x'07', NULL, x''), (2, x'14', 'new', x'');"
            .replace("'new'", "CAST('new' AS BLOB)")
            .as_str(),
    );
    let expected = [(0, "old"), (1, "new"), (2, "old"), (4, "new"), (8, "old"), (10, "old"), (20, "new")];
    assert_eq!(journal.open(0).await.unwrap().checkpoint, Some(positions[2]));
    for bytes_max in [1, 150, usize::MAX] {
        assert_eq!(parts_at(&journal, positions[2], bytes_max).await, expected.map(told));
    }

    let epoch = journal.open(0).await.unwrap().epoch;
    let parts = Box::new([part(30, b"newer")].into_iter());
    journal.checkpoint(epoch, Some(positions[2]), positions[3], parts).await.unwrap();
    let expected: Vec<_> = expected.into_iter().chain([(30, "newer")]).map(told).collect();
    assert_eq!(parts_at(&journal, positions[3], usize::MAX).await, expected);
}

fn told((key, bytes): (u8, &str)) -> (u8, String) {
    (key, bytes.to_owned())
}

async fn parts_at(journal: &SqliteJournal, at: Position, bytes_max: usize) -> Vec<(u8, String)> {
    let mut all: Vec<(u8, String)> = Vec::new();
    loop {
        let after = all.last().map(|(key, _)| [*key]);
        let page = journal.checkpoint_parts(at, after.as_ref().map(<[u8; 1]>::as_slice), bytes_max).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page.into_iter().map(|part| (part.key[0], String::from_utf8(part.bytes.to_vec()).unwrap())));
    }
}

#[tokio::test]
async fn the_log_begins_anew_under_steady_load() {
    let (_folder, path) = place();
    let journal = journal(&path).unwrap();
    let opened = journal.open(0).await.unwrap();
    let batch = Batch { events: 1, bytes: Bytes::from(vec![7; 512 * 1024]), ..Batch::default() };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let (mut at, mut written, mut length) = (opened.tail, 0, 0);
    // However slow the thread is that empties the log: from 256 MiB on the writer waits for it.
    while written < 2 * length.max(1024 * 1024) {
        at = journal.append(opened.epoch, at, &batch).await.unwrap();
        written += 512 * 1024;
        length = std::fs::metadata(&log).unwrap().len();
        assert!(length < 258 * 1024 * 1024, "after {written} bytes the log has {length}");
    }
}

#[test]
fn processes_that_create_the_file_at_once_share_it() {
    for _ in 0..20 {
        let (_folder, path) = place();
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| journal(&path).map(drop))).collect();
            for opened in opening {
                opened.join().unwrap().unwrap();
            }
        });
    }
}
