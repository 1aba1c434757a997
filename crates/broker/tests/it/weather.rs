//! The store fails, comes back, or is taken over: what was answered stays true.

use crate::board::{Board, memory};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use store::{
    Batch, Body, Extent, FileHash, Files, Hold, Journal, Keep, Opened, Part, Parts, Position, Record, Room, Store,
    StoreError, Trimmed,
};

/// A journal that fails when it is told to.
pub(crate) struct Weather {
    pub(crate) store: Store,
    forecast: AtomicU8,
    /// The last event that was read for a watcher.
    pub(crate) read_to: AtomicU64,
}

pub(crate) const FAIR: u8 = 0;
/// Nothing is written.
const STORM: u8 = 1;
/// It is written, but the answer is lost.
pub(crate) const FOG: u8 = 2;
const FULL: u8 = 3;
/// Contents cannot be read.
pub(crate) const NIGHT: u8 = 4;
/// There is room only for what must go on.
const NARROW: u8 = 5;
/// Contents are damaged.
pub(crate) const ROT: u8 = 6;

impl Weather {
    pub(crate) fn new() -> Arc<Weather> {
        Arc::new(Weather { store: memory(), forecast: AtomicU8::new(FAIR), read_to: AtomicU64::new(0) })
    }

    /// The store with this journal.
    pub(crate) fn store(self: &Arc<Weather>) -> Store {
        Store { journal: self.clone(), ..self.store.clone() }
    }

    pub(crate) fn turn(&self, forecast: u8) {
        self.forecast.store(forecast, Ordering::SeqCst);
    }

    fn is(&self, forecast: u8) -> bool {
        self.forecast.load(Ordering::SeqCst) == forecast
    }

    fn bad(&self) -> Result<(), StoreError> {
        match self.forecast.load(Ordering::SeqCst) {
            FAIR | NIGHT | NARROW | ROT => Ok(()),
            FULL => Err(StoreError::Full { why: "no space left".to_owned() }),
            _ => Err(StoreError::Unavailable { why: "a storm".to_owned() }),
        }
    }
}

#[async_trait]
impl Journal for Weather {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        self.bad()?;
        self.store.journal.open(epoch_floor).await
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        if self.is(FOG) {
            self.store.journal.append(epoch, after, batch).await?;
        }
        self.bad()?;
        self.store.journal.append(epoch, after, batch).await
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.bad()?;
        self.store.journal.read(after, bytes_max).await
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let read = self.store.journal.read_after_seq(seq, bytes_max).await?;
        self.read_to.fetch_max(read.last().map_or(0, |record| record.position.seq), Ordering::SeqCst);
        Ok(read)
    }

    async fn checkpoint(
        &self,
        epoch: u64,
        base: Option<Position>,
        at: Position,
        parts: Parts,
    ) -> Result<(), StoreError> {
        self.bad()?;
        self.store.journal.checkpoint(epoch, base, at, parts).await
    }

    async fn checkpoint_parts(
        &self,
        at: Position,
        after: Option<&[u8]>,
        bytes_max: usize,
    ) -> Result<Vec<Part>, StoreError> {
        self.store.journal.checkpoint_parts(at, after, bytes_max).await
    }

    async fn trim(&self, keep: Keep) -> Result<Trimmed, StoreError> {
        self.bad()?;
        self.store.journal.trim(keep).await
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        self.store.journal.extent().await
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        self.store.journal.tail().await
    }

    async fn content(&self, number: u64) -> Result<Option<Body>, StoreError> {
        if self.is(NIGHT) {
            return Err(StoreError::Unavailable { why: "it is night".to_owned() });
        }
        if self.is(ROT) {
            return Err(StoreError::Damaged { why: "it is not what was written".to_owned() });
        }
        self.store.journal.content(number).await
    }

    async fn remove_contents(&self, numbers: &[RangeInclusive<u64>]) -> Result<(), StoreError> {
        self.store.journal.remove_contents(numbers).await
    }

    async fn names_file(&self, file: FileHash) -> Result<bool, StoreError> {
        self.store.journal.names_file(file).await
    }

    fn room(&self) -> Room {
        if self.is(NARROW) { Room::Full("the disk is nearly full".to_owned()) } else { Room::Enough }
    }

    fn be_told_full(&self, _: &str) {
        self.turn(NARROW);
    }

    async fn look_for_room(&self) -> Room {
        self.room()
    }
}

async fn ready(board: &Board) {
    while board.get("/health/ready").await.status != 200 {}
}

#[tokio::test]
async fn a_store_that_fails_is_said_and_what_was_not_written_did_not_happen() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    board.submit("before", "hash").await;
    let mut monitor = board.stream("/api/events/monitor", None).await;
    monitor.until("full_state_snapshot").await;
    weather.turn(STORM);
    let answer = board.post("/api/jobs", r#"{"job_id":"during","job_type":"hash"}"#).await;
    assert_eq!(answer.problem(), (503, "store_unavailable".to_owned()));
    assert!(answer.head.to_lowercase().contains("retry-after: 1"), "{}", answer.head);
    let stale = monitor.until("upstream").await.pop().unwrap();
    assert_eq!(stale.data["upstream"], "stale");
    let health = board.get("/health").await.json();
    assert_eq!((&health["status"], &health["upstream"]), (&json!("degraded"), &json!("stale")));
    assert_eq!(board.job("before").await["status"], "pending", "reads go on");
    weather.turn(FAIR);
    ready(&board).await;
    assert_eq!(monitor.until("upstream").await.pop().unwrap().data["upstream"], "live");
    assert_eq!(board.get("/api/jobs/during").await.status, 404);
    board.submit("during", "hash").await;
}

#[tokio::test]
async fn what_was_written_and_not_answered_did_happen_and_is_told_once() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let mut monitor = board.stream("/api/events/monitor", None).await;
    monitor.until("full_state_snapshot").await;
    weather.turn(FOG);
    let body = r#"{"job_id":"j","job_type":"hash"}"#;
    assert_eq!(board.post("/api/jobs", body).await.status, 503);
    weather.turn(FAIR);
    ready(&board).await;
    assert_eq!(board.post("/api/jobs", body).await.json()["duplicate"], true, "asking again tells that it happened");
    board.submit("k", "hash").await;
    let told = [monitor.until("job_submitted").await, monitor.until("job_submitted").await];
    let jobs: Vec<_> = told.iter().map(|frames| frames.last().unwrap().data["job_id"].clone()).collect();
    assert_eq!(jobs, ["j", "k"]);
}

#[tokio::test]
async fn leases_outlive_a_failure_of_the_store() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    weather.turn(STORM);
    assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.status, 503);
    weather.turn(FAIR);
    ready(&board).await;
    assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.status, 200);
    assert_eq!(board.job("j").await["status"], "completed");
}

#[tokio::test]
async fn who_stood_ready_before_the_storm_is_given_work_after_it() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let worker = board.worker("w").await;
    let storm = async {
        while board.get("/health").await.json()["connections"]["workers"] != 1 {}
        weather.turn(STORM);
        assert_eq!(board.post("/api/jobs", r#"{"job_type":"hash"}"#).await.status, 503);
        weather.turn(FAIR);
        ready(&board).await;
        board.submit("j", "hash").await;
    };
    // The test's patience is shorter than the worker's wait.
    let (answer, ()) = tokio::join!(worker.ask("wait_ms=60000", &[]), storm);
    assert_eq!(answer.json()["job"]["id"], "j");
}

#[tokio::test]
async fn a_broker_can_be_stopped_while_its_store_is_away() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    weather.turn(STORM);
    assert_eq!(board.post("/api/jobs", r#"{"job_type":"hash"}"#).await.status, 503);
    tokio::time::timeout(crate::http::PATIENCE, board.stop()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_job_is_not_given_without_its_payload_nor_an_end_told_without_its_result() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    board.submit("j", "hash").await;
    // What was written lately is in memory; a broker that starts has to read it.
    board.stop().await.unwrap();
    let board = Board::on(weather.store()).await;
    let worker = board.worker("w").await;
    weather.turn(NIGHT);
    assert_eq!(worker.ask("start=1", &[]).await.problem(), (503, "store_unavailable".to_owned()));
    assert_eq!(board.get("/api/jobs/j").await.status, 503);
    weather.turn(FAIR);
    let lease = worker.take().await;
    assert_eq!(lease.job["payload"], json!({ "of": "j" }));
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    board.stop().await.unwrap();
    let board = Board::on(weather.store()).await;
    weather.turn(NIGHT);
    let mut stream = board.stream("/api/jobs/j/events", None).await;
    assert!(stream.rest().await.is_empty(), "it ends without a position, and is opened again");
    weather.turn(FAIR);
    let mut stream = board.stream("/api/jobs/j/events", None).await;
    assert_eq!(stream.rest().await.pop().unwrap().data["result"]["data"], 1);
}

#[tokio::test]
async fn a_full_store_refuses_what_takes_in_work_and_what_it_had_decided_happens_when_there_is_room() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    weather.turn(FULL);
    let body = |job: &str| json!({ "job_id": job, "job_type": "hash" }).to_string();
    let unknown = board.post("/api/jobs", &body("first")).await;
    assert_eq!(unknown.problem(), (503, "store_unavailable".to_owned()), "it may have happened");
    assert_eq!(board.post("/api/jobs", &body("second")).await.problem(), (507, "store_full".to_owned()));
    let batch = json!({ "jobs": [{ "job_type": "hash" }] }).to_string();
    assert_eq!(board.post("/api/jobs:batch", &batch).await.problem(), (507, "store_full".to_owned()));
    let other = board.put("/api/machines/m", &json!({})).await;
    assert_eq!(other.problem(), (503, "store_unavailable".to_owned()));
    assert!(other.head.to_lowercase().contains("retry-after: 1\r"), "{}", other.head);
    assert_eq!(board.get("/health").await.json()["upstream"], "stale");
    weather.turn(FAIR);
    ready(&board).await;
    assert_eq!(board.post("/api/jobs", &body("first")).await.json()["duplicate"], true, "asking again tells");
    assert_eq!(board.post("/api/jobs", &body("second")).await.status, 201);
}

/// Files on a disk that has no room for another one.
struct FullFiles(Store);

#[async_trait]
impl Files for FullFiles {
    async fn put(&self, _: Bytes) -> Result<FileHash, StoreError> {
        Err(StoreError::Full { why: "no space left".to_owned() })
    }

    async fn get(&self, file: FileHash) -> Result<Option<Bytes>, StoreError> {
        self.0.files.get(file).await
    }

    async fn older_than(
        &self,
        age: Duration,
        after: Option<FileHash>,
        max: usize,
    ) -> Result<Vec<FileHash>, StoreError> {
        self.0.files.older_than(age, after, max).await
    }

    fn hold(&self, file: FileHash) -> Hold {
        self.0.files.hold(file)
    }

    async fn remove(&self, file: FileHash, age: Duration) -> Result<bool, StoreError> {
        self.0.files.remove(file, age).await
    }

    async fn extent(&self) -> Result<(u64, u64), StoreError> {
        self.0.files.extent().await
    }
}

#[tokio::test]
async fn without_room_for_a_file_a_large_result_is_kept_all_the_same_and_no_more_work_is_taken_in() {
    let large = json!("x".repeat(100_000));
    for is_the_result_first in [true, false] {
        let weather = Weather::new();
        let store = weather.store();
        let board = Board::on(Store { files: Arc::new(FullFiles(store.clone())), ..store }).await;
        let worker = board.worker("w").await;
        board.submit("j", "hash").await;
        let lease = worker.take().await;
        if !is_the_result_first {
            let body = json!({ "job_type": "hash", "payload": large });
            assert_eq!(board.post("/api/jobs", &body.to_string()).await.problem(), (507, "store_full".to_owned()));
            assert!(weather.is(NARROW), "the journal was told");
        }
        let finished = board.report(&lease, "finish", &json!({ "result": large })).await;
        assert_eq!(finished.status, 200, "{finished:?}");
        let small = board.post("/api/jobs", r#"{"job_type":"hash"}"#).await;
        assert_eq!(small.problem(), (507, "store_full".to_owned()), "it is full for small ones too");
        let health = board.get("/health").await.json();
        assert_eq!((&health["status"], &health["upstream"]), (&json!("degraded"), &json!("live")));
        assert_eq!(health["store"]["full"], "the disk is nearly full");
        let job = board.job("j").await;
        assert!(job["status"] == "completed" && job["result"] == large);
        weather.turn(FAIR);
        board.submit("k", "hash").await;
    }
}

#[tokio::test]
async fn with_little_room_jobs_are_not_taken_in_and_everything_else_goes_on() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let worker = board.worker("w").await;
    for job in ["a", "b", "c"] {
        board.submit(job, "hash").await;
    }
    let running = worker.take().await;
    weather.turn(NARROW);
    for (path, body) in
        [("/api/jobs", r#"{"job_type":"hash"}"#), ("/api/jobs:batch", r#"{"jobs":[{"job_type":"hash"}]}"#)]
    {
        let answer = board.post(path, body).await;
        assert_eq!(answer.problem(), (507, "store_full".to_owned()), "{path}");
        assert!(answer.head.to_lowercase().contains("retry-after: 30"), "{}", answer.head);
    }
    assert_eq!(board.report(&running, "finish", &json!({ "result": 1 })).await.status, 200);
    assert_eq!(board.post("/api/jobs/a/retry", "").await.problem().0, 507, "a retry is a submission");
    let next = worker.take().await;
    assert_eq!(board.report(&next, "fail", &json!({ "error": "x" })).await.status, 200);
    assert_eq!(board.post("/api/jobs/c/cancel", "").await.status, 200);
    weather.turn(FAIR);
    board.submit("d", "hash").await;
}

#[tokio::test]
async fn a_broker_whose_store_was_taken_over_answers_nothing_more_and_ends() {
    let store = memory();
    let (old, new) = (Board::on(store.clone()).await, Board::on(store).await);
    let answer = old.post("/api/jobs", r#"{"job_id":"j","job_type":"hash"}"#).await;
    assert!(answer.status == 503 || answer.status == 0, "{answer:?}");
    assert!(old.ended().await.unwrap_err().to_string().contains("another broker"), "it says why");
    assert_eq!(new.get("/api/jobs/j").await.status, 404);
    new.submit("j", "hash").await;
}

#[tokio::test]
async fn a_restart_remembers_everything_with_and_without_a_checkpoint() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let worker = board.worker("w").await;
    for job in ["a", "b", "c"] {
        board.submit(job, "hash").await;
    }
    let lease = worker.take().await;
    board.report(&lease, "finish", &json!({ "result": { "x": 1 } })).await;
    let lease = worker.take().await;
    board.post("/api/jobs/c/cancel", "").await;
    let before = [board.job("a").await, board.job("b").await, board.job("c").await];
    let check = async |board: &Board| {
        for (job, before) in ["a", "b", "c"].into_iter().zip(&before) {
            let now = board.job(job).await;
            for field in ["status", "payload", "result", "created_at", "attempts", "worker_id"] {
                assert_eq!(now[field], before[field], "{job}.{field}");
            }
        }
        assert_eq!(board.get("/api/stats").await.json()["stats"]["total_workers"], 1);
    };
    let crashed = Board::on(weather.store()).await;
    check(&crashed).await;
    crashed.stop().await.unwrap();
    let opened = weather.store.journal.open(0).await.unwrap();
    assert_eq!(opened.checkpoint, Some(opened.tail), "a clean stop leaves a checkpoint");
    let restarted = Board::on(weather.store()).await;
    check(&restarted).await;
    assert_eq!(restarted.report(&lease, "finish", &json!({ "result": 2 })).await.status, 200);
}
