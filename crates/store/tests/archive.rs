//! The archives against their contract, and against liars.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use std::sync::Arc;
use store::archive::contract::World;
use store::{Archive, MemoryArchive, SqliteArchive};

struct InMemory(Arc<MemoryArchive>, bool);

fn memory(search: bool) -> InMemory {
    InMemory(Arc::new(MemoryArchive::new(search)), search)
}

#[async_trait]
impl World for InMemory {
    async fn handle(&self) -> Arc<dyn Archive> {
        self.0.clone()
    }

    fn persists(&self) -> bool {
        false
    }

    fn keeps_text(&self) -> bool {
        self.1
    }
}

struct InFile(tempfile::TempDir, bool);

fn file(search: bool) -> InFile {
    InFile(tempfile::tempdir().unwrap(), search)
}

#[async_trait]
impl World for InFile {
    async fn handle(&self) -> Arc<dyn Archive> {
        let search = self.0.path().join("board.search");
        Arc::new(SqliteArchive::new(self.0.path().join("board.archive"), self.1.then_some(&*search)).unwrap())
    }

    fn persists(&self) -> bool {
        true
    }

    fn keeps_text(&self) -> bool {
        self.1
    }
}

mod in_memory {
    store::archive_contract_tests!(super::memory(false));
}

mod in_memory_with_text {
    store::archive_contract_tests!(super::memory(true));
}

mod in_a_file {
    store::archive_contract_tests!(super::file(false));
}

mod in_a_file_with_text {
    store::archive_contract_tests!(super::file(true));
}

/// What is SQLite's own: whose file it is, its format, and what a kill leaves.
mod files {
    use super::{InFile, World, file};
    use rusqlite::Connection;
    use std::fs;
    use std::path::{Path, PathBuf};
    use store::{Archive, CountedBy, Entry, Place, Position, Query, SqliteArchive, StoreError};

    fn paths(world: &InFile) -> (PathBuf, PathBuf) {
        (world.0.path().join("board.archive"), world.0.path().join("board.search"))
    }

    fn entry(number: u64) -> Entry {
        Entry {
            number,
            seq: number,
            began: 0,
            ended: 0,
            names: vec![format!("job:{number}")],
            facets: Vec::new(),
            counted: CountedBy { day: 0, group: String::new(), word: String::new() },
            content_bytes: 1,
            bytes: "story".into(),
            text: Some("red".to_owned()),
        }
    }

    fn place(seq: u64) -> Place {
        Place { position: Position { epoch: 1, seq, hash: [0; 8] }, before: 0 }
    }

    async fn red(archive: &dyn Archive) -> Vec<u64> {
        let text = Some("red".to_owned());
        let (all_of, below, began_from, began_before) = (Vec::new(), u64::MAX, None, None);
        let assumed = None;
        let query = Query { all_of, assumed, below, began_from, began_before, text, limit: 9, skip: 0, count_max: 9 };
        archive.find(&query).await.unwrap().rows.iter().map(|row| row.number).collect()
    }

    fn raw(path: &Path, sql: &str) {
        Connection::open(path).unwrap().execute_batch(sql).unwrap();
    }

    /// Opens the archive, expects a refusal that names `path`, and returns the reason.
    fn refusal(archive: &Path, search: Option<&Path>, path: &Path) -> String {
        match SqliteArchive::new(archive, search) {
            Err(StoreError::Unusable { path: named, why }) => {
                assert_eq!(named, path.display().to_string());
                why
            }
            Err(error) => panic!("refused with {error:?}"),
            Ok(_) => panic!("{} was opened", path.display()),
        }
    }

    #[tokio::test]
    async fn a_newer_format_is_refused_by_its_number() {
        let world = file(true);
        drop(world.handle().await);
        let (archive, search) = paths(&world);
        raw(&search, "UPDATE meta SET format = 9");
        let why = refusal(&archive, Some(&search), &search);
        assert!(why.contains("its format is 9") && why.contains("a newer Callboard"), "{why}");
        raw(&archive, "UPDATE meta SET format = 7");
        let why = refusal(&archive, None, &archive);
        assert!(why.contains("its format is 7") && why.contains("a newer Callboard"), "{why}");
    }

    #[tokio::test]
    async fn an_archive_that_had_no_counts_of_all_days_gets_them_and_keeps_them() {
        let world = file(false);
        world.handle().await.put((1..=5).map(entry).collect(), Vec::new(), place(5)).await.unwrap();
        raw(
            &paths(&world).0,
            "DROP TRIGGER count_added; DROP TRIGGER count_changed; DROP TRIGGER count_removed; DROP TABLE totals",
        );
        let archive = world.handle().await;
        let total = async || archive.totals().await.unwrap().by.into_values().collect::<Vec<_>>();
        assert_eq!(total().await, [5]);
        archive.put(vec![entry(6)], Vec::new(), place(6)).await.unwrap();
        assert_eq!(total().await, [6]);
        archive.cut_back(0, place(0)).await.unwrap();
        assert_eq!(total().await, []);
    }

    #[test]
    fn what_is_not_ours_is_left_as_it_is() {
        let world = file(false);
        let (archive, search) = paths(&world);
        let why = refusal(world.0.path(), None, world.0.path());
        assert!(why.contains("readable and writable"), "{why}");
        fs::write(&archive, "a letter of some length ".repeat(100)).unwrap();
        assert!(refusal(&archive, None, &archive).contains("not a SQLite database"));
        assert_eq!(fs::read(&archive).unwrap().len(), 2_400);
        fs::remove_file(&archive).unwrap();
        raw(&search, "CREATE TABLE bookmarks (url)");
        let before = fs::read(&search).unwrap();
        assert!(refusal(&search, None, &search).contains("database of another program"));
        assert!(refusal(&archive, Some(&search), &search).contains("database of another program"));
        assert_eq!(fs::read(&search).unwrap(), before);
    }

    /// The files as they stand, as after a kill.
    fn killed(world: &InFile) -> InFile {
        let after = file(world.1);
        for file in fs::read_dir(world.0.path()).unwrap().map(|file| file.unwrap()) {
            if !file.file_name().to_string_lossy().ends_with("-shm") {
                fs::copy(file.path(), after.0.path().join(file.file_name())).unwrap();
            }
        }
        after
    }

    #[tokio::test]
    async fn after_a_kill_everything_that_was_answered_is_there() {
        let world = file(true);
        let archive = world.handle().await;
        for seq in 1..=20 {
            archive.put(vec![entry(seq)], Vec::new(), place(seq)).await.unwrap();
            let copy = killed(&world);
            let after = copy.handle().await;
            assert_eq!(after.place().await.unwrap(), place(seq));
            assert_eq!(after.holdings().await.unwrap().entries, seq);
            assert_eq!(red(&*after).await[0], seq);
        }
        let told = archive.remove(1, 0).await.unwrap();
        assert_eq!(told, (1..=20).collect::<Vec<_>>());
        archive.removed(&told[..15]).await.unwrap();
        let copy = killed(&world);
        let after = copy.handle().await;
        assert_eq!(after.remove(1, 0).await.unwrap(), told[15..]);
    }

    #[tokio::test]
    async fn a_text_whose_entry_was_not_written_any_more_is_found_by_nobody() {
        let world = file(true);
        world.handle().await.put(vec![entry(1)], Vec::new(), place(1)).await.unwrap();
        raw(&paths(&world).1, "INSERT INTO texts (rowid, text) VALUES (2, 'red'), (3, 'red')");
        let archive = world.handle().await;
        assert_eq!(red(&*archive).await, [1]);
        let silent = Entry { text: None, ..entry(3) };
        archive.put(vec![entry(2), silent], Vec::new(), place(3)).await.unwrap();
        assert_eq!(red(&*archive).await, [2, 1]);
    }

    #[tokio::test]
    async fn what_was_put_without_search_is_not_found_by_its_text() {
        let world = file(true);
        let (archive, _) = paths(&world);
        SqliteArchive::new(&archive, None).unwrap().put(vec![entry(1)], Vec::new(), place(1)).await.unwrap();
        let archive = world.handle().await;
        archive.put(vec![entry(2)], Vec::new(), place(2)).await.unwrap();
        assert_eq!(red(&*archive).await, [2]);
    }

    #[tokio::test]
    async fn a_damaged_set_is_said() {
        let world = file(false);
        world.handle().await.put(vec![entry(1)], Vec::new(), place(1)).await.unwrap();
        raw(&paths(&world).0, "UPDATE postings SET members = x'00'");
        let answer = world.handle().await.put(vec![entry(2)], Vec::new(), place(2)).await;
        assert!(matches!(&answer, Err(StoreError::Unusable { why, .. }) if why.contains("damaged")), "{answer:?}");
    }
}
