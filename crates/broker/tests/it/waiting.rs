//! `Prefer: wait=N`: submit, and be answered with the ended job.

use crate::board::Board;
use crate::http::{Answer, request};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;

const JOB: &str = r#"{"job_id":"j","service_required":"hash","payload":{"n":1}}"#;

async fn submit(at: SocketAddr, prefer: &str) -> Answer {
    request(at, "POST", "/api/jobs", &format!("Prefer: {prefer}\r\n"), JOB).await
}

fn is_applied(answer: &Answer) -> bool {
    answer.head.contains("preference-applied: wait") && answer.head.contains("location: /api/jobs/j")
}

#[tokio::test]
async fn a_job_that_ends_in_time_is_the_answer() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    let waiting = tokio::spawn(submit(board.at, "handling=strict, wait=60"));
    let lease = worker.take().await;
    assert!(!waiting.is_finished(), "it has only begun");
    assert_eq!(board.report(&lease, "finish", &json!({ "result": { "sum": 7 } })).await.status, 200);
    let answer = waiting.await.unwrap();
    assert!(answer.status == 200 && is_applied(&answer), "{answer:?}");
    let ended = answer.json();
    assert_eq!((&ended["success"], &ended["job_id"]), (&json!(true), &json!("j")));
    assert_eq!(ended["job"], board.job("j").await, "as it is shown to everybody");
    assert_eq!(ended["job"]["result"], json!({ "sum": 7 }));
    assert!(ended["event_id"].is_string() && ended.get("duplicate").is_none(), "{ended}");
}

#[tokio::test]
async fn a_job_that_does_not_end_in_time_is_answered_with_its_state() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    let waiting = tokio::spawn(submit(board.at, "wait=1"));
    worker.take().await;
    let answer = waiting.await.unwrap();
    assert!(answer.status == 202 && is_applied(&answer), "{answer:?}");
    assert_eq!((&answer.json()["job_id"], &answer.json()["status"]), (&json!("j"), &json!("in_progress")));
    assert_eq!(board.job("j").await["status"], "in_progress", "it goes on");
}

#[tokio::test]
async fn a_job_that_ended_before_is_answered_at_once() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    assert_eq!(board.post("/api/jobs", JOB).await.status, 201);
    let lease = worker.take().await;
    assert_eq!(board.report(&lease, "fail", &json!({ "error": "no", "retry": false })).await.status, 200);
    let answer = submit(board.at, "wait=60").await;
    assert!(answer.status == 200 && is_applied(&answer), "{answer:?}");
    let ended = answer.json();
    assert_eq!((&ended["duplicate"], &ended["job"]["status"]), (&json!(true), &json!("failed")));
    assert_eq!(ended.get("event_id"), None, "nothing happened");
}

#[tokio::test]
async fn who_waits_is_answered_when_the_broker_shuts_down() {
    let board = Board::start().await;
    let waiting = tokio::spawn(submit(board.at, "wait=60"));
    board.until("/api/jobs", |list| list["total"] == 1).await;
    board.stop().await.unwrap();
    let answer = waiting.await.unwrap();
    assert!(answer.status == 202 && is_applied(&answer), "{answer:?}");
    assert_eq!(answer.json()["status"], "pending");
}

#[tokio::test]
async fn hanging_up_cancels_nothing() {
    let board = Board::start().await;
    let mut socket = TcpStream::connect(board.at).await.unwrap();
    let (at, length) = (board.at, JOB.len());
    let head = format!("POST /api/jobs HTTP/1.1\r\nHost: {at}\r\nPrefer: wait=60\r\nContent-Length: {length}\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut socket, format!("{head}{JOB}").as_bytes()).await.unwrap();
    board.until("/api/jobs", |list| list["total"] == 1).await;
    drop(socket);
    let lease = board.worker("w").await.take().await;
    assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.status, 200);
    assert_eq!(board.job("j").await["status"], "completed");
}

#[tokio::test]
async fn who_would_wait_too_long_submits_nothing() {
    let board = Board::start().await;
    let (status, code) = submit(board.at, "wait=61").await.problem();
    assert_eq!((status, code.as_str()), (400, "bad_field"));
    assert_eq!(board.get("/api/jobs").await.json()["total"], Value::from(0));
}
