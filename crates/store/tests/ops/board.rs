//! A store on disk with something in it, as a broker would have written it.

use bytes::Bytes;
use std::path::PathBuf;
use store::ops::{self, Places, Report};
use store::{
    Archive, Batch, Body, Content, CountedBy, DirectoryFiles, Entry, Facet, Files, Journal, Keep, Memo, Place,
    Position, SqliteArchive, SqliteJournal,
};

/// Every so-many-th record has a large content, ends something, or is followed by a checkpoint.
const LARGE_EVERY: u64 = 7;
const CHECKPOINT_EVERY: u64 = 25;

pub(crate) struct Board {
    folder: tempfile::TempDir,
    pub(crate) journal: SqliteJournal,
    pub(crate) archive: SqliteArchive,
    pub(crate) files: DirectoryFiles,
    epoch: u64,
    pub(crate) at: Position,
    confirmed: Option<Position>,
    steps: u64,
}

impl Board {
    pub(crate) async fn new() -> Board {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::of(&folder.path().join("board.db"));
        let journal = SqliteJournal::with_reserve(&places.journal, 4096).unwrap();
        let archive = SqliteArchive::new(&places.archive, Some(&places.search)).unwrap();
        let files = DirectoryFiles::new(&places.files).unwrap();
        let epoch = journal.open(0).await.unwrap().epoch;
        Board { folder, journal, archive, files, epoch, at: Position::START, confirmed: None, steps: 0 }
    }

    pub(crate) async fn of(steps: u64) -> Board {
        let mut board = Board::new().await;
        for _ in 0..steps {
            board.step().await;
        }
        board
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("board.db")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn places(&self) -> Places {
        Places::of(&self.path())
    }

    /// Closes the files, so that their logs are in them.
    pub(crate) fn close(self) -> tempfile::TempDir {
        self.folder
    }

    /// One record with contents, at times a large one, and the end of what began a while ago.
    pub(crate) async fn step(&mut self) {
        self.steps += 1;
        let (step, number) = (self.steps, self.steps << 8);
        let text = format!("record {step} ").repeat(30);
        let mut contents = vec![Content { number, body: Body::Inline(Bytes::from(format!("payload {step}"))) }];
        if step.is_multiple_of(LARGE_EVERY) {
            let file = self.files.put(Bytes::from(format!("large {step} ").repeat(9_000))).await.unwrap();
            contents.push(Content { number: number | 2, body: Body::File(file) });
        }
        let batch = Batch { events: 1 + (step % 3) as u32, at: step as i64 * 10, bytes: text.into(), contents };
        self.at = self.journal.append(self.epoch, self.at, &batch).await.unwrap();
        self.archive(step).await;
        if step.is_multiple_of(CHECKPOINT_EVERY) {
            self.checkpoint().await;
        }
    }

    async fn archive(&self, step: u64) {
        let facets = ["red", "green", "blue"][step as usize % 3];
        let facets = vec![
            Facet { kind: 1, value: facets.to_owned() },
            Facet { kind: 2, value: format!("customer {}", step % 50) },
        ];
        let entry = Entry {
            number: step,
            seq: self.at.seq,
            began: step as i64 * 10,
            ended: step as i64 * 10 + 5,
            names: vec![format!("job:{step}"), format!("key:{}", step * 7919 % 1000)],
            facets,
            counted: CountedBy { day: (step / 40) as i32, group: "upscale".to_owned(), word: format!("w{}", step % 2) },
            content_bytes: step,
            bytes: Bytes::from(format!("what ended {step}")),
            text: Some(format!("words of {step}")),
        };
        let memo = Memo { name: format!("workflow:{}", step % 9), until: i64::MAX, bytes: Bytes::from("memo") };
        let place = Place { position: self.at, before: entry.ended + 1 };
        self.archive.put(vec![entry], vec![memo], place).await.unwrap();
    }

    async fn checkpoint(&mut self) {
        let key = |number: u64| Bytes::from(format!("part {:02}", number % 20));
        let parts: Vec<_> = (0..5).map(|part| (key(self.steps + part), Some(Bytes::from(vec![7; 600])))).collect();
        self.journal.checkpoint(self.epoch, self.confirmed, self.at, Box::new(parts.into_iter())).await.unwrap();
        self.confirmed = Some(self.at);
    }

    /// Removes everything that is older than `steps` steps, as far as a broker may.
    pub(crate) async fn trim(&self, steps: u64) {
        let from = self.confirmed.map_or(0, |at| at.seq).min(self.at.seq);
        let keep = Keep { from, at_min: (self.steps.saturating_sub(steps) * 10) as i64, bytes_max: u64::MAX };
        while self.journal.trim(keep).await.unwrap().more {}
        let until = self.steps.saturating_sub(steps) << 8;
        self.journal.remove_contents(&[0..=until]).await.unwrap();
        for file in self.files.older_than(std::time::Duration::ZERO, None, 1000).await.unwrap() {
            if !self.journal.names_file(file).await.unwrap() {
                self.files.remove(file, std::time::Duration::ZERO).await.unwrap();
            }
        }
    }
}

pub(crate) fn check(path: &std::path::Path) -> Report {
    ops::check(path, true, &mut |_| {}).unwrap()
}

pub(crate) fn assert_clean(report: &Report) {
    assert!(report.findings().is_empty(), "{:#?}", report.findings());
}
