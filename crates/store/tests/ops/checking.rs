use crate::board::{Board, assert_clean, check};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};
use store::ops::{self, OpsError, Severity};
use store::{FileHash, Files};

#[tokio::test]
async fn a_store_is_counted_and_clean() {
    let board = Board::of(120).await;
    let report = check(&board.path());
    assert_clean(&report);
    assert_eq!((report.records, report.contents, report.files, report.entries), (120, 137, 17, 120));
    board.trim(50).await;
    assert_clean(&check(&board.path()));
    board.close();
}

/// What is planted, in which database, and what is found.
const DAMAGES: [(&str, &str, &str); 27] = [
    (
        "",
        "UPDATE records SET bytes = x'00' WHERE last = (SELECT last FROM records LIMIT 1 OFFSET 9)",
        "is not what was written there",
    ),
    (
        "",
        "UPDATE records SET hash = x'0000000000000000' WHERE last = (SELECT last FROM records LIMIT 1 OFFSET 9)",
        "is not what was written there",
    ),
    ("", "DELETE FROM records WHERE last = (SELECT last FROM records LIMIT 1 OFFSET 9)", "events are missing"),
    (
        "",
        "UPDATE records SET at = 0 WHERE last = (SELECT last FROM records LIMIT 1 OFFSET 9)",
        "is older than the one before it",
    ),
    (
        "",
        "UPDATE records SET total = total + 1 WHERE last = (SELECT last FROM records LIMIT 1 OFFSET 9)",
        "is counted wrongly",
    ),
    (
        "",
        "DELETE FROM records WHERE last <= (SELECT seq FROM checkpoints WHERE state = 'confirmed') + 5",
        "no record goes on from the newest checkpoint",
    ),
    ("", "UPDATE checkpoints SET hash = x'0000000000000000'", "no record goes on from the newest checkpoint"),
    ("", "DELETE FROM checkpoints; DELETE FROM records WHERE last < 50", "no record goes on from the beginning"),
    ("", "DELETE FROM records WHERE last > 90", "the journal ends at event 90"),
    ("", "UPDATE contents SET bytes = NULL WHERE number = 5 << 8", "content 1280 is not what was written"),
    ("", "UPDATE contents SET bytes = x'00' WHERE number = 5 << 8", "content 1280 is not what was written"),
    ("", "UPDATE contents SET number = 77 WHERE number = 5 << 8", "content 77 is not what was written"),
    (
        "",
        "UPDATE parts SET bytes = x'00' WHERE key = (SELECT max(key) FROM parts)",
        "1 parts of the checkpoint are not",
    ),
    (".archive", "UPDATE rows SET bytes = x'00' WHERE number = 9", "the entry 9 is not what was written"),
    (".archive", "UPDATE rows SET ended = ended + 1 WHERE number = 9", "the entry 9 is not what was written"),
    (
        ".archive",
        "UPDATE rows SET is_dropped = 1 WHERE number = 9",
        "it counts 120 entries with 7260 bytes, and has 120 with 7251",
    ),
    (".archive", "DELETE FROM rows WHERE number = 9", "it counts 120 entries"),
    (".archive", "UPDATE counts SET count = count + 1 WHERE day = 1 AND word = 'w0'", "it counts 21 entries of day 1"),
    (".archive", "DELETE FROM counts WHERE day = 1 AND word = 'w0'", "it counts no entry of day 1"),
    (".archive", "UPDATE totals SET count = count + 1 WHERE word = 'w0'", "its counts of all days"),
    (".archive", "DELETE FROM totals WHERE word = 'w0'", "its counts of all days"),
    (".archive", "UPDATE postings SET members = x'0100' WHERE value = 'red'", "it finds others by 1 = \"red\""),
    (".archive", "DELETE FROM postings WHERE value = 'red'", "it finds nothing by 1 = \"red\""),
    (
        ".archive",
        "INSERT INTO postings VALUES (9, 1, 'red', x'0100', NULL)",
        "1 sets are of numbers that have no entries",
    ),
    (
        ".archive",
        "UPDATE names SET name = 'job:nine' WHERE name = 'job:9'",
        "240 names are kept and 240 are of entries",
    ),
    (".archive", "DELETE FROM names WHERE name = 'job:9'", "239 names are kept and 240 are of entries"),
    (".archive", "INSERT INTO places VALUES (1000, 1, 50, x'0000000000000000', 1000000)", "beyond event 50"),
];

#[tokio::test]
async fn each_damage_is_found_and_said() {
    let board = Board::of(120).await;
    let places = board.places();
    let folder = board.close();
    let whole = places.journal;
    for (index, (ending, planted, found)) in DAMAGES.into_iter().enumerate() {
        let path = folder.path().join(format!("{index}.db"));
        copy(&whole, &path);
        assert_clean(&check(&path));
        let db = Connection::open(format!("{}{ending}", path.display())).unwrap();
        db.execute_batch(planted).unwrap();
        drop(db);
        let report = check(&path);
        assert!(!report.is_sound(), "{planted}");
        let said: Vec<_> = report.findings().iter().map(|finding| &finding.what).collect();
        assert!(said.iter().any(|what| what.contains(found)), "{planted}: {said:#?}");
        assert!(said.iter().all(|what| what.contains("restore") || what.contains("takes back")), "{said:#?}");
    }
}

/// What can be read decides: a flip that changes a row that is checked, or its order, is found.
/// What is free inside a page, and what is not checked (the time of a record, what is remembered
/// for a while, places of earlier days), may be flipped.
#[tokio::test]
async fn every_flipped_bit_that_changes_what_is_read_is_found() {
    let board = Board::of(60).await;
    let (places, folder) = (board.places(), board.close());
    let path = folder.path().join("flipped.db");
    let checked = [
        ("", "records last, first, hash, total, bytes; contents *; parts *"),
        (".archive", "rows *; names *; postings *; counts *; totals *; meta *"),
    ];
    let mut found = 0;
    for (ending, tables) in checked {
        let ours = format!("{}{ending}", places.journal.display());
        let (whole, said) = (fs::read(&ours).unwrap(), rows(Path::new(&ours), tables));
        let flipped_path = format!("{}{ending}", path.display());
        for step in 0..150_usize {
            copy(&places.journal, &path);
            let mut flipped = whole.clone();
            let at = (step * 7_919_191 + 104_729) % whole.len();
            flipped[at] ^= 1 << (step % 8);
            fs::write(&flipped_path, &flipped).unwrap();
            let is_changed = rows(Path::new(&flipped_path), tables) != said;
            let is_found = !ops::check(&path, true, &mut |_| {}).is_ok_and(|report| report.is_sound());
            assert!(is_found || !is_changed, "the flip of bit {} at {at} of {ending:?} went unnoticed", step % 8);
            found += u32::from(is_found && is_changed);
        }
    }
    assert!(found > 50, "only {found} flips changed anything");
}

/// What a file says in these tables and columns, or why it says nothing.
fn rows(path: &Path, tables: &str) -> Result<Vec<String>, rusqlite::Error> {
    let db = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut all = Vec::new();
    for table in tables.split("; ") {
        let (table, columns) = table.split_once(' ').unwrap();
        let mut statement = db.prepare(&format!("SELECT {columns} FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let row: Vec<rusqlite::types::Value> =
                (0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?;
            all.push(format!("{table} {row:?}"));
        }
    }
    Ok(all)
}

/// The databases and the large contents of a store nobody has open.
fn copy(from: &Path, to: &Path) {
    for ending in ["", ".archive", ".search"] {
        fs::copy(format!("{}{ending}", from.display()), format!("{}{ending}", to.display())).unwrap();
    }
    let files = format!("{}.files", to.display());
    if !Path::new(&files).exists() {
        std::os::unix::fs::symlink(format!("{}.files", from.display()), files).unwrap();
    }
}

#[tokio::test]
async fn large_contents_are_compared_with_what_names_them() {
    let board = Board::of(40).await;
    let files = board.files.older_than(Duration::ZERO, None, 10).await.unwrap();
    let path = |file: FileHash| {
        let hex = file.to_string();
        board.places().files.join(&hex[..2]).join(&hex)
    };
    // One that nothing names is a leftover when it is old.
    let unnamed = board.files.put("nobody's".into()).await.unwrap();
    assert_clean(&check(&board.path()));
    let old = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    fs::File::options().write(true).open(path(unnamed)).unwrap().set_modified(old).unwrap();
    let report = check(&board.path());
    assert!(report.is_sound());
    assert_eq!(report.findings()[0].severity, Severity::Leftover);
    assert!(report.findings()[0].what.contains("1 files (8 bytes)"), "{:?}", report.findings());

    // A damaged one is found when it is read, a missing one always.
    fs::write(path(files[0]), b"damaged").unwrap();
    assert!(ops::check(&board.path(), false, &mut |_| {}).unwrap().is_sound());
    let report = check(&board.path());
    assert!(report.findings()[0].what.contains(&files[0].to_string()), "{:?}", report.findings());
    fs::remove_file(path(files[0])).unwrap();
    let report = ops::check(&board.path(), false, &mut |_| {}).unwrap();
    assert!(report.findings()[0].what.contains("is missing"), "{:?}", report.findings());
}

#[tokio::test]
async fn what_is_no_store_is_said() {
    let board = Board::of(3).await;
    let missing = ops::check(&board.beside("nowhere.db"), false, &mut |_| {});
    assert!(matches!(&missing, Err(OpsError::Refused { why, .. }) if why.contains("there is no store")), "{missing:?}");
    fs::write(board.beside("text.db"), "no database".repeat(500)).unwrap();
    let text = ops::check(&board.beside("text.db"), false, &mut |_| {});
    assert!(text.is_err());
    let newer = Connection::open(board.places().archive).unwrap();
    newer.execute("UPDATE meta SET format = 99", ()).unwrap();
    let newer = ops::check(&board.path(), false, &mut |_| {});
    assert!(matches!(&newer, Err(OpsError::Refused { why, .. }) if why.contains("newer Callboard")), "{newer:?}");
}
