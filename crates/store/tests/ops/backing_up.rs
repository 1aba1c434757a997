use crate::board::{Board, assert_clean, check};
use std::fs;
use store::ops::{self, OpsError, Places};
use store::{Body, Files, Journal, Position};

fn quiet() -> impl FnMut(&str) {
    |_: &str| {}
}

#[tokio::test]
async fn a_backup_restored_is_the_store_it_was_taken_of() {
    let board = Board::of(120).await;
    board.trim(80).await;
    let (out, elsewhere) = (board.beside("backup.tar"), board.beside("restored.db"));
    let backed_up = ops::backup(&board.path(), &out, &mut quiet()).unwrap();
    assert_eq!((backed_up.manifest.tail, backed_up.lost), (board.at, 0));
    let (manifest, report) = ops::restore(&out, &elsewhere, &mut quiet()).unwrap();
    assert_eq!(manifest, backed_up.manifest);
    assert_clean(&report);
    assert_clean(&check(&elsewhere));
    let (ours, theirs) = (board.places(), Places::of(&elsewhere));
    assert_eq!(dump(&ours.journal), dump(&theirs.journal));
    assert_eq!(dump(&ours.archive), dump(&theirs.archive));
    let ours = ops::stats(&board.path()).unwrap();
    let theirs = ops::stats(&elsewhere).unwrap();
    assert_eq!((ours.files, ours.files_bytes, ours.contents), (theirs.files, theirs.files_bytes, theirs.contents));
    assert_eq!(ours.files, 12, "80 steps, every seventh with a large content");
    let left = fs::read_dir(out.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> =
        left.map(|name| name.into_string().unwrap()).filter(|name| !name.ends_with("-shm")).collect();
    left.retain(|name| !name.ends_with("-wal"));
    left.sort();
    let ours = ["board.db", "board.db.archive", "board.db.files", "board.db.reserve", "board.db.search"];
    let theirs = ["restored.db", "restored.db.archive", "restored.db.files", "restored.db.search"];
    assert_eq!(left, ["backup.tar"].iter().chain(&ours).chain(&theirs).copied().collect::<Vec<_>>().as_slice());
}

/// All rows of all tables, in words.
pub(crate) fn dump(path: &std::path::Path) -> Vec<String> {
    let db = rusqlite::Connection::open(path).unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for table in tables {
        let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let row =
            |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column)).collect();
        let rows = statement.query_map((), row).unwrap();
        let rows = rows.map(|row: Result<Vec<_>, _>| format!("{table} {:?}", row.unwrap()));
        all.extend(rows.filter(|row| !row.starts_with("sqlite_sequence")));
    }
    all
}

/// While one task appends, ends, checkpoints and trims as fast as it can, backups are taken and
/// the store is checked. Each backup is a store of its own that leads to what was written.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_checked_and_backed_up_while_it_is_written_and_trimmed() {
    let mut board = Board::of(200).await;
    let (path, folder) = (board.path(), board.beside(""));
    let watching = tokio::task::spawn_blocking(move || {
        let mut tails = Vec::new();
        for round in 0..8 {
            assert_clean(&ops::check(&path, true, &mut quiet()).unwrap());
            let (out, restored) = (folder.join(format!("{round}.tar")), folder.join(format!("{round}.db")));
            let backed_up = ops::backup(&path, &out, &mut quiet()).unwrap();
            assert_eq!(backed_up.lost, 0);
            let (manifest, report) = ops::restore(&out, &restored, &mut quiet()).unwrap();
            assert_clean(&report);
            assert_clean(&check(&restored));
            tails.push(manifest.tail);
        }
        tails
    });
    let mut positions = Vec::new();
    while !watching.is_finished() {
        for _ in 0..10 {
            board.step().await;
            positions.push(board.at);
        }
        board.trim(60).await;
    }
    let tails = watching.await.unwrap();
    assert!(tails.is_sorted_by_key(|tail| tail.seq), "{tails:?}");
    assert!(tails.iter().skip(1).all(|tail| positions.contains(tail)), "a backup ends where nothing was written");
    assert_clean(&check(&board.path()));
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let board = Board::of(10).await;
    let (out, elsewhere) = (board.beside("backup.tar"), board.beside("restored.db"));
    fs::write(&out, b"mine").unwrap();
    let refused = ops::backup(&board.path(), &out, &mut quiet());
    assert!(
        matches!(&refused, Err(OpsError::Refused { why, .. }) if why.contains("nothing is overwritten")),
        "{refused:?}"
    );
    assert_eq!(fs::read(&out).unwrap(), b"mine");
    fs::remove_file(&out).unwrap();
    ops::backup(&board.path(), &out, &mut quiet()).unwrap();

    let places = Places::of(&elsewhere);
    let log = board.beside("restored.db-wal");
    for there in [&places.journal, &places.archive, &places.search, &places.files, &places.reserve, &log] {
        fs::write(there, b"mine").unwrap();
        let refused = ops::restore(&out, &elsewhere, &mut quiet());
        let Err(OpsError::Refused { path, why }) = &refused else { panic!("{refused:?}") };
        assert_eq!((path, why.contains("nothing is overwritten")), (&there.display().to_string(), true));
        assert_eq!(fs::read(there).unwrap(), b"mine");
        fs::remove_file(there).unwrap();
    }
    let half = board.beside("restored.db.restoring");
    fs::create_dir(&half).unwrap();
    let refused = ops::restore(&out, &elsewhere, &mut quiet());
    assert!(
        matches!(&refused, Err(OpsError::Refused { path, .. }) if *path == half.display().to_string()),
        "{refused:?}"
    );
    fs::remove_dir(&half).unwrap();
    ops::restore(&out, &elsewhere, &mut quiet()).unwrap();
}

#[tokio::test]
async fn a_backup_that_was_cut_off_is_written_over_and_one_that_runs_is_not() {
    let board = Board::of(10).await;
    let (out, partial) = (board.beside("backup.tar"), board.beside("backup.tar.partial"));
    let other = fs::File::create(&partial).unwrap();
    other.lock().unwrap();
    let refused = ops::backup(&board.path(), &out, &mut quiet());
    assert!(matches!(&refused, Err(OpsError::Refused { why, .. }) if why.contains("another backup")), "{refused:?}");
    assert!(partial.exists() && !out.exists());
    drop(other);
    fs::write(&partial, vec![7; 1 << 20]).unwrap();
    fs::write(board.beside("backup.tar.db.partial"), b"of a copy").unwrap();
    ops::backup(&board.path(), &out, &mut quiet()).unwrap();
    assert!(!partial.exists());
    ops::restore(&out, &board.beside("restored.db"), &mut quiet()).unwrap();
}

#[tokio::test]
async fn what_is_lost_already_is_left_out_and_counted() {
    let board = Board::of(30).await;
    let files = board.files.older_than(std::time::Duration::ZERO, None, 10).await.unwrap();
    let hex = files[1].to_string();
    fs::write(board.places().files.join(&hex[..2]).join(&hex), b"damaged").unwrap();
    let (out, elsewhere) = (board.beside("backup.tar"), board.beside("restored.db"));
    let mut told = Vec::new();
    let backed_up = ops::backup(&board.path(), &out, &mut |line| told.push(line.to_owned())).unwrap();
    assert_eq!((backed_up.lost, backed_up.manifest.files), (1, files.len() as u64 - 1));
    assert!(told.iter().any(|line| line.starts_with("left out") && line.contains(&hex)), "{told:?}");
    let (_, report) = ops::restore(&out, &elsewhere, &mut quiet()).unwrap();
    assert!(!report.is_sound());
    assert!(report.findings()[0].what.contains(&hex), "{:?}", report.findings());
}

/// The broker goes on from a restored store, with every content.
#[tokio::test]
async fn a_restored_store_is_opened_and_written() {
    let board = Board::of(60).await;
    let (out, elsewhere) = (board.beside("backup.tar"), board.beside("restored.db"));
    ops::backup(&board.path(), &out, &mut quiet()).unwrap();
    ops::restore(&out, &elsewhere, &mut quiet()).unwrap();
    let journal = store::SqliteJournal::with_reserve(&elsewhere, 4096).unwrap();
    let files = store::DirectoryFiles::new(Places::of(&elsewhere).files).unwrap();
    let opened = journal.open(0).await.unwrap();
    assert_eq!(opened.tail, board.at);
    assert!(opened.checkpoint.is_some());
    assert_eq!(journal.read(Position::START, usize::MAX).await.unwrap().len(), 60);
    let Some(Body::File(file)) = journal.content(49 << 8 | 2).await.unwrap() else { panic!("no large content") };
    assert_eq!(files.get(file).await.unwrap(), board.files.get(file).await.unwrap());
}
