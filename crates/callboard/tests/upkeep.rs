//! `callboard store` as an operator meets it: words and exit codes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use fleet::{Chapter, Command, Event, JobId, Ledger, Timestamp, Told};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use store::ops::Places;
use store::{
    Archive, Batch, Body, Content, CountedBy, DirectoryFiles, Entry, Files, Journal, Place, Position, SqliteArchive,
    SqliteJournal,
};
use wire::jobs::parse_submission;
use wire::stored;

/// When everything happened.
const AT: Timestamp = Timestamp(1_764_000_000_000);

/// One job's life: taken in, nobody could run it, called off. Its events, and its own story.
fn life() -> (Vec<Event>, Vec<Event>) {
    let (mut ledger, mut told, id) = (Ledger::default(), Told::default(), JobId::parse("one").unwrap());
    let submission = parse_submission(br#"{"job_type":"upscale","payload":"p"}"#, id.clone(), None, AT).unwrap();
    let submit = Command::Submit { spec: Arc::new(submission.spec), recalled: None };
    for command in [submit, Command::Cancel { job: id }] {
        ledger.handle(command, AT, &mut told).unwrap();
    }
    (told.events, ledger.story_of(&Chapter::Ended(AT, 1)))
}

/// A store in which one job was decided and has ended, with a small and a large content.
async fn written(path: &Path) {
    let places = Places::of(path);
    let journal = SqliteJournal::with_reserve(&places.journal, 4096).unwrap();
    let archive = SqliteArchive::new(&places.archive, None).unwrap();
    let files = DirectoryFiles::new(&places.files).unwrap();
    let epoch = journal.open(0).await.unwrap().epoch;
    let file = files.put("large".repeat(20_000).into()).await.unwrap();
    let contents = vec![
        Content { number: 256, body: Body::Inline("payload".into()) },
        Content { number: 258, body: Body::File(file) },
    ];
    let (events, story) = life();
    assert_eq!(events.len(), 3);
    let batch = Batch { events: 3, at: AT.0, bytes: stored::encode(&events), contents };
    let position = journal.append(epoch, Position::START, &batch).await.unwrap();
    let entry = Entry {
        number: 1,
        seq: 3,
        began: AT.0,
        ended: AT.0,
        names: vec!["job:one".to_owned()],
        facets: Vec::new(),
        counted: CountedBy { day: 20_416, group: "upscale".to_owned(), word: "cancelled".to_owned() },
        content_bytes: 100_007,
        bytes: stored::encode(&story),
        text: None,
    };
    let place = Place { position, before: entry.ended + 1 };
    archive.put(vec![entry], Vec::new(), place).await.unwrap();
}

/// Exit code, standard output and standard error of `callboard store …` in `folder`.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_callboard"));
    let done = command.arg("store").args(args).current_dir(folder).env_remove("CALLBOARD_STORE").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[tokio::test]
async fn a_store_is_checked_backed_up_restored_and_measured() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run(folder.path(), args);
    written(&folder.path().join("callboard.db")).await;
    let counted = "1 records, 2 contents, 1 files, 1 entries of the archive\n";
    let (code, said, _) = run(&["check"]);
    assert_eq!((code, said), (0, format!("{counted}0 jobs alive, 1 ended\nsound\n")));
    assert_eq!(run(&["check", "--deep", "sqlite:callboard.db"]).0, 0);

    let (code, said, _) = run(&["backup", "b.tar"]);
    assert_eq!(code, 0);
    assert!(said.starts_with("b.tar: everything up to event 3, "), "{said}");
    let (code, _, error) = run(&["backup", "b.tar"]);
    assert_eq!(code, 2);
    assert!(error.contains("b.tar: is there already; choose another name"), "{error}");

    let (code, said, _) = run(&["restore", "b.tar", "again.db"]);
    assert_eq!(code, 0);
    let next = "restored up to event 3; go on with: callboard serve --store sqlite:again.db\n";
    assert_eq!(said, format!("{next}{counted}sound\n"));
    let (code, _, error) = run(&["restore", "b.tar", "again.db"]);
    assert_eq!(code, 2);
    assert!(error.contains("again.db: is there already; nothing is overwritten"), "{error}");

    let (code, said, _) = run(&["stats", "again.db"]);
    assert_eq!(code, 0);
    for line in
        ["events      1 to 3 in 1 records (", ", 2025-11-24T16:00:00Z to", "1 cancelled of upscale", "search off"]
    {
        assert!(said.contains(line), "{said}");
    }
    let (_, said, _) = run(&["stats", "--json", "again.db"]);
    let stats: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(stats["contents"]["files_bytes"], 100_000);
    assert_eq!(stats["archive"]["by"][0]["count"], 1);
}

#[tokio::test]
async fn what_is_damaged_and_what_is_no_store_have_codes_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run(folder.path(), args);
    let (code, said, error) = run(&["check"]);
    assert_eq!((code, said), (2, String::new()));
    assert!(error.contains("callboard.db: there is no store"), "{error}");
    assert_eq!(run(&["check", "memory:"]).0, 2);

    let path = folder.path().join("callboard.db");
    written(&path).await;
    fs::remove_dir_all(Places::of(&path).files).unwrap();
    let (code, said, _) = run(&["check"]);
    assert_eq!(code, 1);
    assert!(said.contains("damage: ") && said.contains("is missing") && said.ends_with("damaged\n"), "{said}");
    let (code, said, error) = run(&["backup", "b.tar"]);
    assert_eq!(code, 1);
    assert!(said.contains("1 large contents are missing or damaged in the store and not in the backup"), "{said}");
    assert!(error.contains("left out: "), "{error}");
}
