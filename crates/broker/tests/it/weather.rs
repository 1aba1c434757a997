//! The store fails, comes back, or is taken over: what was answered stays true.

use crate::board::Board;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use store::{Batch, BlobHash, Checkpoint, Journal, MemoryJournal, Opened, Position, Record, StoreError};

/// A journal that fails when it is told to.
struct Weather {
    journal: MemoryJournal,
    forecast: AtomicU8,
    checkpoint: Mutex<Option<Checkpoint>>,
}

const FAIR: u8 = 0;
/// Nothing is written.
const STORM: u8 = 1;
/// It is written, but the answer is lost.
const FOG: u8 = 2;
const FULL: u8 = 3;
/// Contents cannot be read.
const NIGHT: u8 = 4;

impl Weather {
    fn new() -> Arc<Weather> {
        let checkpoint = Mutex::new(None);
        Arc::new(Weather { journal: MemoryJournal::new(), forecast: AtomicU8::new(FAIR), checkpoint })
    }

    fn turn(&self, forecast: u8) {
        self.forecast.store(forecast, Ordering::SeqCst);
    }

    fn bad(&self) -> Result<(), StoreError> {
        match self.forecast.load(Ordering::SeqCst) {
            FAIR | NIGHT => Ok(()),
            FULL => Err(StoreError::Full { why: "no space left".to_owned() }),
            _ => Err(StoreError::Unavailable { why: "a storm".to_owned() }),
        }
    }
}

#[async_trait]
impl Journal for Weather {
    async fn open(&self, epoch_floor: u64) -> Result<Opened, StoreError> {
        self.bad()?;
        self.journal.open(epoch_floor).await
    }

    async fn append(&self, epoch: u64, after: Position, batch: &Batch) -> Result<Position, StoreError> {
        if self.forecast.load(Ordering::SeqCst) == FOG {
            self.journal.append(epoch, after, batch).await?;
        }
        self.bad()?;
        self.journal.append(epoch, after, batch).await
    }

    async fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.bad()?;
        self.journal.read(after, bytes_max).await
    }

    async fn read_after_seq(&self, seq: u64, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        self.journal.read_after_seq(seq, bytes_max).await
    }

    async fn checkpoint(&self, at: Position, bytes: Bytes) -> Result<(), StoreError> {
        *self.checkpoint.lock().unwrap() = Some(Checkpoint { at, bytes: bytes.clone() });
        self.journal.checkpoint(at, bytes).await
    }

    async fn tail(&self) -> Result<Position, StoreError> {
        self.journal.tail().await
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        if self.forecast.load(Ordering::SeqCst) == NIGHT {
            return Err(StoreError::Unavailable { why: "it is night".to_owned() });
        }
        self.journal.blob(hash).await
    }
}

async fn ready(board: &Board) {
    while board.get("/health/ready").await.status != 200 {}
}

#[tokio::test]
async fn a_store_that_fails_is_said_and_what_was_not_written_did_not_happen() {
    let weather = Weather::new();
    let board = Board::on(weather.clone()).await;
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
    let board = Board::on(weather.clone()).await;
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
    let board = Board::on(weather.clone()).await;
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
    let board = Board::on(weather.clone()).await;
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
    let board = Board::on(weather.clone()).await;
    weather.turn(STORM);
    assert_eq!(board.post("/api/jobs", r#"{"job_type":"hash"}"#).await.status, 503);
    tokio::time::timeout(crate::http::PATIENCE, board.stop()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_job_is_not_given_without_its_payload_nor_an_end_told_without_its_result() {
    let weather = Weather::new();
    let board = Board::on(weather.clone()).await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    weather.turn(NIGHT);
    assert_eq!(worker.ask("start=1", &[]).await.problem(), (503, "store_unavailable".to_owned()));
    assert_eq!(board.get("/api/jobs/j").await.status, 503);
    weather.turn(FAIR);
    let lease = worker.take().await;
    assert_eq!(lease.job["payload"], json!({ "of": "j" }));
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    weather.turn(NIGHT);
    let mut stream = board.stream("/api/jobs/j/events", None).await;
    assert!(stream.rest().await.is_empty(), "it ends without a position, and is opened again");
    weather.turn(FAIR);
    let mut stream = board.stream("/api/jobs/j/events", None).await;
    assert_eq!(stream.rest().await.pop().unwrap().data["result"]["data"], 1);
}

#[tokio::test]
async fn a_full_store_is_507() {
    let weather = Weather::new();
    let board = Board::on(weather.clone()).await;
    weather.turn(FULL);
    assert_eq!(board.post("/api/jobs", r#"{"job_type":"hash"}"#).await.problem(), (507, "store_full".to_owned()));
    weather.turn(FAIR);
    ready(&board).await;
    board.submit("j", "hash").await;
}

#[tokio::test]
async fn a_broker_whose_store_was_taken_over_answers_nothing_more_and_ends() {
    let store = Arc::new(MemoryJournal::new());
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
    let board = Board::on(weather.clone()).await;
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
    let crashed = Board::on(weather.clone()).await;
    check(&crashed).await;
    crashed.stop().await.unwrap();
    assert!(weather.checkpoint.lock().unwrap().is_some(), "a clean stop leaves a checkpoint");
    let restarted = Board::on(weather).await;
    check(&restarted).await;
    assert_eq!(restarted.report(&lease, "finish", &json!({ "result": 2 })).await.status, 200);
}
