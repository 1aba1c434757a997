//! Something cannot be read: what is damaged, and what is away. Who watches is told the rest.

use crate::board::Board;
use crate::weather::{FAIR, FOG, NIGHT, ROT, Weather};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::DirectoryFiles;

#[tokio::test]
async fn what_is_damaged_is_told_as_if_it_had_been_dropped_and_stops_nobody() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let first = board.submit("first", "other").await["event_id"].as_str().map(str::to_owned);
    board.submit("j", "hash").await;
    let lease = board.worker("w").await.take().await;
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    board.submit("last", "other").await;
    board.stop().await.unwrap();
    // What was told is in the journal only now.
    let board = Board::on(weather.store()).await;
    weather.turn(ROT);
    let mut monitor = board.stream("/api/events/monitor", first.as_deref()).await;
    let complete = monitor.until("complete_job").await.pop().unwrap();
    assert_eq!((&complete.data["job_id"], &complete.data["result"]), (&json!("j"), &Value::Null));
    let last = monitor.until("job_submitted").await.pop().unwrap();
    assert_eq!((&last.data["job_id"], &last.data["job_data"]["payload"]), (&json!("last"), &Value::Null));
    for since in [None, first.as_deref()] {
        let end = board.stream("/api/jobs/j/events", since).await.rest().await.pop().unwrap();
        assert_eq!((end.kind(), &end.data["result"]["status"]), ("complete_job", &json!("success")), "{since:?}");
        assert_eq!(end.data["result"]["data"], Value::Null);
    }
}

#[tokio::test]
async fn a_job_whose_payload_is_damaged_fails_and_its_worker_is_given_the_next() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    board.submit("j", "hash").await;
    board.stop().await.unwrap();
    let board = Board::on(weather.store()).await;
    weather.turn(ROT);
    let shown = board.job("j").await;
    assert_eq!((&shown["status"], &shown["contents_dropped"]), (&json!("pending"), &json!(true)));
    let worker = board.worker("w").await;
    assert_eq!(worker.ask("start=1", &[]).await.status, 204, "nothing can be run");
    let failed = board.job("j").await;
    assert_eq!((&failed["status"], &failed["failure"]["reason"]), (&json!("failed"), &json!("payload_damaged")));
    assert_eq!(board.post("/api/jobs/j/retry", "{}").await.problem(), (410, "payload_gone".to_owned()));
    weather.turn(FAIR);
    board.submit("k", "hash").await;
    assert_eq!(worker.take().await.job["id"], "k");
}

/// A file on a disk, and not what stands in for one.
#[tokio::test]
async fn a_large_result_that_rotted_stops_nobody_either() {
    let folder = tempfile::tempdir().unwrap();
    let weather = Weather::new();
    let on_disk = || store::Store { files: Arc::new(DirectoryFiles::new(folder.path()).unwrap()), ..weather.store() };
    let board = Board::on(on_disk()).await;
    let first = board.submit("first", "other").await["event_id"].as_str().map(str::to_owned);
    board.submit("j", "hash").await;
    let lease = board.worker("w").await.take().await;
    board.report(&lease, "finish", &json!({ "result": "r".repeat(100_000) })).await;
    board.stop().await.unwrap();
    for file in files_below(folder.path()) {
        std::fs::write(file, b"rot").unwrap();
    }
    let board = Board::on(on_disk()).await;
    let mut monitor = board.stream("/api/events/monitor", first.as_deref()).await;
    assert_eq!(monitor.until("complete_job").await.pop().unwrap().data["result"], Value::Null);
    let end = board.stream("/api/jobs/j/events", None).await.rest().await.pop().unwrap();
    assert_eq!((end.kind(), &end.data["result"]["data"]), ("complete_job", &Value::Null));
    let shown = board.job("j").await;
    assert_eq!((&shown["status"], &shown["contents_dropped"]), (&json!("completed"), &json!(true)));
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_store_comes_back_though_a_content_that_was_not_told_yet_is_damaged() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let mut monitor = board.stream("/api/events/monitor", None).await;
    monitor.until("full_state_snapshot").await;
    weather.turn(FOG);
    assert_eq!(board.post("/api/jobs", r#"{"job_id":"j","job_type":"hash","payload":1}"#).await.status, 503);
    weather.turn(ROT);
    board.until("/health", |health| health["upstream"] == "live").await;
    let told = monitor.until("job_submitted").await.pop().unwrap();
    assert_eq!((&told.data["job_id"], &told.data["job_data"]["payload"]), (&json!("j"), &Value::Null));
    board.submit("k", "hash").await;
}

#[tokio::test]
async fn who_comes_back_to_a_job_while_the_store_is_away_is_not_kept_waiting() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let first = board.submit("first", "other").await["event_id"].as_str().map(str::to_owned);
    board.submit("j", "hash").await;
    let lease = board.worker("w").await.take().await;
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    board.stop().await.unwrap();
    let board = Board::on(weather.store()).await;
    weather.turn(NIGHT);
    let mut stream = board.stream("/api/jobs/j/events", first.as_deref()).await;
    assert!(stream.rest().await.is_empty(), "it ends without a position, and is opened again");
    weather.turn(FAIR);
    let mut stream = board.stream("/api/jobs/j/events", first.as_deref()).await;
    assert_eq!(stream.rest().await.pop().unwrap().data["result"]["data"], 1);
}

async fn until_archived(weather: &Weather, job: &str) {
    while weather.store.archive.named(&format!("job:{job}")).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn for_who_comes_back_to_a_job_the_journal_is_read_no_further_than_to_its_end() {
    let weather = Weather::new();
    let board = Board::on(weather.store()).await;
    let first = board.submit("first", "other").await["event_id"].as_str().map(str::to_owned);
    board.submit("j", "hash").await;
    let lease = board.worker("w").await.take().await;
    let mut stream = board.stream("/api/jobs/j/events", None).await;
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    let end = stream.rest().await.pop().unwrap().id.unwrap();
    let head = async |board: &Board| {
        let head = board.get("/health").await.json()["store"]["event_id"].clone();
        head.as_str().unwrap().split('-').nth(1).unwrap().parse::<u64>().unwrap()
    };
    let over = head(&board).await;
    // More than is read at once.
    let labels: Map<String, Value> = (0..32).map(|n| (format!("l{n}"), json!("x".repeat(256)))).collect();
    let jobs = json!({ "jobs": vec![json!({ "job_type": "other", "labels": labels }); 150] }).to_string();
    for _ in 0..3 {
        assert_eq!(board.post("/api/jobs:batch", &jobs).await.status, 200);
    }
    until_archived(&weather, "j").await;
    board.stop().await.unwrap();
    let board = Board::on(weather.store()).await;
    let newest = head(&board).await;
    weather.read_to.store(0, Ordering::SeqCst);
    let after_the_end = board.submit("after", "other").await["event_id"].as_str().unwrap().to_owned();
    assert_eq!(board.stream("/api/jobs/j/events", Some(&end)).await.status, 204);
    assert_eq!(board.stream("/api/jobs/j/events", Some(&after_the_end)).await.status, 204);
    assert!(weather.read_to.load(Ordering::SeqCst) <= over, "nothing is left to be read");
    let told = board.stream("/api/jobs/j/events", first.as_deref()).await.rest().await;
    assert_eq!((told[0].kind(), told.last().unwrap().kind()), ("job_accepted", "complete_job"));
    assert!(weather.read_to.load(Ordering::SeqCst) <= newest - 150);
}
