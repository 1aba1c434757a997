//! Jobs whose time passes: they expire, run too long, or have waited longest.

use crate::board::{Board, memory};
use broker::Config;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Soon, in Unix milliseconds.
fn in_ms(ms: u64) -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap() + ms
}

async fn submit(board: &Board, job: &str, timing: Value) {
    let mut body = json!({ "job_id": job, "job_type": "hash" });
    body.as_object_mut().unwrap().extend(timing.as_object().unwrap().clone());
    let answer = board.post("/api/jobs", &body.to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn a_job_that_is_not_started_in_time_expires_and_everyone_is_told() {
    let board = Board::start().await;
    let mut monitor = board.stream("/api/events/monitor?snapshot=0", None).await;
    submit(&board, "j", json!({ "start_by": in_ms(300) })).await;
    let mut client = board.stream("/api/jobs/j/events", None).await;
    let last = client.rest().await.pop().expect("the stream ends with the job").data;
    assert_eq!((&last["type"], &last["result"]["status"]), (&json!("complete_job"), &json!("failed")));
    assert_eq!(last["result"]["expired"], true, "{last}");
    let told = monitor.until("job_failed").await.pop().unwrap().data;
    assert_eq!((&told["expired"], &told["failure"]["reason"]), (&json!(true), &json!("start_by")));
    assert_eq!(told["failure"]["type"], "broker");
    let job = board.job("j").await;
    assert_eq!((&job["status"], &job["failure"]["reason"]), (&json!("failed"), &json!("start_by")));
    assert!(job["error"].as_str().unwrap().starts_with("Job expired: not started by "), "{job}");
    let why = board.get("/api/jobs/j/explain").await.json();
    assert!(why["sentence"].as_str().unwrap().contains("it had not started by"), "{why}");
}

#[tokio::test]
async fn a_job_that_has_not_ended_in_time_is_taken_from_its_worker() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    submit(&board, "j", json!({ "finish_by": in_ms(500) })).await;
    let lease = worker.take().await;
    let orders = board.post("/api/machines/m/orders?wait_ms=20000", "").await.json();
    assert_eq!(orders["orders"]["cancel"], json!([lease.id]));
    assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.problem(), (409, "lease_lost".to_owned()));
    let job = board.job("j").await;
    assert_eq!((&job["status"], &job["failure"]["reason"]), (&json!("failed"), &json!("finish_by")));
    assert_eq!(job["attempts"][0]["outcome"], "expired");
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_ended_and_counts() {
    for (limit, reason) in [("run_for_ms", "run_for"), ("no_progress_ms", "no_progress")] {
        let board = Board::start().await;
        let worker = board.worker("w").await;
        submit(&board, "j", json!({ limit: 100, "max_attempts": 2, "backoff": { "base_ms": 0 } })).await;
        let first = worker.take().await;
        let orders = board.post("/api/machines/m/orders?wait_ms=20000", "").await.json();
        assert_eq!(orders["orders"]["cancel"], json!([first.id]), "{limit}");
        let late = board.report(&first, "progress", &json!({ "progress": 0.9 })).await;
        assert_eq!(late.problem(), (409, "lease_lost".to_owned()), "{limit}");
        let second = worker.take().await;
        assert_eq!((&second.job["retry_count"], &second.job["failure"]["type"]), (&json!(1), &json!("timeout")));
        let told = board.stream("/api/jobs/j/events", None).await.rest().await.pop().unwrap().data;
        assert_eq!(told["result"]["status"], "failed", "{limit}");
        let job = board.job("j").await;
        assert_eq!((&job["failure"]["type"], &job["failure"]["reason"]), (&json!("timeout"), &json!(reason)));
        assert_eq!((&job["status"], &job["retry_count"]), (&json!("failed"), &json!(2)));
        assert!(job["error"].as_str().unwrap().contains(limit), "{job}");
    }
}

#[tokio::test]
async fn a_job_is_not_given_before_its_time_and_is_given_to_who_waits_then() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    submit(&board, "later", json!({ "not_before": in_ms(600), "priority": 99 })).await;
    board.submit("now", "hash").await;
    let first = worker.take().await;
    assert_eq!(first.job["id"], "now", "a job that may not run yet holds nobody up");
    board.report(&first, "finish", &json!({ "result": 1 })).await;
    let second = worker.take().await;
    assert_eq!(second.job["id"], "later");
    assert!(second.job["assigned_at"].as_str() >= second.job["not_before"].as_str(), "{:?}", second.job);
    assert!(second.job["retry_at"].is_null(), "it was its submitter's wish and no retry");
}

#[tokio::test]
async fn a_job_that_nobody_can_run_for_too_long_fails_if_it_asked_for_that() {
    let board = Board::start().await;
    submit(&board, "j", json!({ "fail_if_unmatched_ms": 50 })).await;
    let told = board.stream("/api/jobs/j/events", None).await.rest().await.pop().unwrap().data;
    assert_eq!((&told["type"], &told["result"]["status"]), (&json!("complete_job"), &json!("failed")));
    let job = board.job("j").await;
    assert_eq!((&job["failure"]["type"], &job["failure"]["reason"]), (&json!("broker"), &json!("unschedulable")));
    assert!(job["error"].as_str().unwrap().contains("missing: service: hash"), "{job}");
}

#[tokio::test]
async fn a_time_that_passes_while_the_broker_is_away_passes_all_the_same() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    submit(&board, "j", json!({ "start_by": in_ms(200), "run_for_ms": 60_000 })).await;
    submit(&board, "k", json!({ "finish_by": "2999-01-01T00:00:00Z", "backoff": { "factor": 3 } })).await;
    let kept = board.job("k").await;
    board.stop().await.unwrap();
    let board = Board::on(store).await;
    board.until("/api/jobs/j", |job| job["job"]["status"] == "failed").await;
    let again = board.job("k").await;
    for field in ["finish_by", "backoff", "created_at", "schedulable"] {
        assert_eq!(again[field], kept[field], "{field}");
    }
    assert_eq!(again["finish_by"], "2999-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn who_has_waited_too_long_goes_first_if_the_board_is_set_so() {
    let config = Config { starve_after: Some(Duration::from_millis(200)), ..Config::default() };
    let board = Board::set(memory(), config).await;
    let worker = board.worker("w").await;
    submit(&board, "old", json!({ "priority": 1 })).await;
    submit(&board, "young", json!({ "priority": 9 })).await;
    board.until("/api/jobs/old/explain", |why| why["ahead"]["jobs"] == 0).await;
    assert_eq!(worker.take().await.job["id"], "old");
    let board = Board::start().await;
    let worker = board.worker("w").await;
    submit(&board, "old", json!({ "priority": 1 })).await;
    submit(&board, "young", json!({ "priority": 9 })).await;
    assert_eq!(worker.take().await.job["id"], "young", "without it, order is strict");
}
