//! An archive that is behind: it was away, or an older one was put back. What ended meanwhile is
//! nowhere but in the journal and in memory, and must not be lost there.

use crate::archived::{forgetful, job};
use crate::board::{Board, memory};
use async_trait::async_trait;
use broker::{Config, KeepFor};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use store::{Archive, Counts, Entry, Found, Holdings, Memo, Place, Query, Row, Store, StoreError};

/// An archive that takes nothing when it is told to, and of which a copy is made for a while.
struct Shelf {
    archive: Arc<dyn Archive>,
    copy: Arc<dyn Archive>,
    is_copied: AtomicBool,
    is_away: AtomicBool,
    /// How often something was to be put away while it was away.
    tried: AtomicU64,
}

impl Shelf {
    fn new() -> Arc<Shelf> {
        Arc::new(Shelf {
            archive: memory().archive,
            copy: memory().archive,
            is_copied: AtomicBool::new(true),
            is_away: AtomicBool::new(false),
            tried: AtomicU64::new(0),
        })
    }

    fn be_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    async fn until_tried(&self, times: u64) {
        while self.tried.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Archive for Shelf {
    async fn place(&self) -> Result<Place, StoreError> {
        self.archive.place().await
    }

    async fn put(&self, entries: Vec<Entry>, memos: Vec<Memo>, place: Place) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            self.tried.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable { why: "the archive is away".to_owned() });
        }
        if self.is_copied.load(Ordering::SeqCst) {
            self.copy.put(entries.clone(), memos.clone(), place).await?;
        }
        self.archive.put(entries, memos, place).await
    }

    async fn entry(&self, number: u64) -> Result<Option<Row>, StoreError> {
        self.archive.entry(number).await
    }

    async fn named(&self, name: &str) -> Result<Option<Row>, StoreError> {
        self.archive.named(name).await
    }

    async fn memo(&self, name: &str, now: i64) -> Result<Option<Bytes>, StoreError> {
        self.archive.memo(name, now).await
    }

    async fn find(&self, query: &Query) -> Result<Found, StoreError> {
        self.archive.find(query).await
    }

    async fn totals(&self) -> Result<store::Totals, StoreError> {
        self.archive.totals().await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.archive.counts().await
    }

    async fn holdings(&self) -> Result<Holdings, StoreError> {
        self.archive.holdings().await
    }

    async fn remove(&self, ended_before: i64, now: i64) -> Result<Vec<u64>, StoreError> {
        self.archive.remove(ended_before, now).await
    }

    async fn removed(&self, numbers: &[u64]) -> Result<(), StoreError> {
        self.archive.removed(numbers).await
    }

    async fn heaviest_oldest(&self, bytes: u64) -> Result<Vec<u64>, StoreError> {
        self.archive.heaviest_oldest(bytes).await
    }

    async fn dropped(&self, numbers: &[u64]) -> Result<(), StoreError> {
        self.archive.dropped(numbers).await
    }

    async fn cut_back(&self, seq: u64, place: Place) -> Result<(), StoreError> {
        self.archive.cut_back(seq, place).await
    }

    async fn earlier_places(&self) -> Result<Vec<Place>, StoreError> {
        self.archive.earlier_places().await
    }
}

/// Each of them is there as it was, once, the newest first, and is not decided again.
async fn all_are_there(board: &Board, known: &[Value]) {
    for job in known {
        let id = job["id"].as_str().unwrap();
        assert_eq!(board.job(id).await, *job);
        let again = board.post("/api/jobs", &crate::archived::job(id).to_string()).await;
        assert_eq!((again.status, &again.json()["duplicate"]), (200, &json!(true)), "{id}");
        let other = json!({ "job_id": id, "job_type": "hash", "payload": "another" });
        assert_eq!(board.post("/api/jobs", &other.to_string()).await.problem().0, 409, "{id}");
    }
    for query in ["/api/jobs", "/api/jobs?status=completed", "/api/jobs?service=hash"] {
        let listed = board.get(query).await.json();
        let ids: Vec<_> = listed["jobs"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
        let expected: Vec<_> = known.iter().rev().map(|job| &job["id"]).collect();
        assert_eq!((ids, &listed["total"]), (expected, &json!(known.len())), "{query}");
    }
}

#[tokio::test]
async fn nothing_is_lost_when_an_older_archive_is_put_back() {
    let (store, shelf) = (memory(), Shelf::new());
    let board = forgetful(Store { archive: shelf.clone(), ..store.clone() }).await;
    let mut known = vec![board.run("a", job("a"), json!("a")).await];
    board.until_in_memory(0).await;
    shelf.is_copied.store(false, Ordering::SeqCst);
    for id in ["b", "c"] {
        known.push(board.run(id, job(id), json!(id)).await);
    }
    board.until_in_memory(0).await;
    board.stop().await.unwrap();
    assert!(shelf.copy.named("job:b").await.unwrap().is_none());
    let board = forgetful(Store { archive: shelf.copy.clone(), ..store }).await;
    known.push(board.run("d", job("d"), json!("d")).await);
    board.until_in_memory(0).await;
    all_are_there(&board, &known).await;
}

#[tokio::test]
async fn nothing_is_forgotten_before_the_archive_has_it() {
    let shelf = Shelf::new();
    let board = forgetful(Store { archive: shelf.clone(), ..memory() }).await;
    shelf.be_away(true);
    let known = [board.run("a", job("a"), json!("a")).await];
    // Something happens later, so that it could be put away, and is forgotten if it may be.
    for machine in ["x", "y"] {
        let tried = shelf.tried.load(Ordering::SeqCst);
        board.machine(machine).await;
        shelf.until_tried(tried + 1).await;
    }
    board.machine("z").await;
    all_are_there(&board, &known).await;
    shelf.be_away(false);
    board.until_in_memory(0).await;
    all_are_there(&board, &known).await;
}

#[tokio::test]
async fn the_journal_is_not_trimmed_behind_a_checkpoint_before_the_archive_has_read_it() {
    let (store, shelf) = (memory(), Shelf::new());
    let store = Store { archive: shelf.clone(), ..store };
    let board = forgetful(store.clone()).await;
    let mut known = vec![board.run("a", job("a"), json!("a")).await];
    board.until_in_memory(0).await;
    shelf.be_away(true);
    for id in ["b", "c"] {
        known.push(board.run(id, job(id), json!(id)).await);
    }
    // Now the ends are in a checkpoint, and nothing but the archive needs the journal.
    board.stop().await.unwrap();
    let config = Config {
        ended_kept: Duration::ZERO,
        ended_tail: 0,
        journal_keep: KeepFor { age: Duration::ZERO, bytes: 0 },
        keep_every: Duration::from_millis(5),
        ..Config::default()
    };
    let board = Board::set(store.clone(), config.clone()).await;
    while store.journal.extent().await.unwrap().oldest == 1 {
        tokio::task::yield_now().await;
    }
    board.stop().await.unwrap();
    shelf.be_away(false);
    let board = Board::set(store, config).await;
    known.push(board.run("d", job("d"), json!("d")).await);
    board.until_in_memory(0).await;
    all_are_there(&board, &known).await;
}
