//! `/api/jobs`: submit, show, list, cancel.

use crate::board::Board;
use crate::http::request;
use serde_json::{Value, json};

#[tokio::test]
async fn a_submitted_job_is_there_with_its_payload() {
    let board = Board::start().await;
    let answer = board.post("/api/jobs", r#"{"job_type":"hash","payload":{"a": [1, 2]},"priority":7,"x":1}"#).await;
    assert_eq!(answer.status, 201);
    let taken = answer.json();
    let id = taken["job_id"].as_str().unwrap();
    assert!(answer.head.contains(&format!("location: /api/jobs/{id}")), "{}", answer.head);
    assert_eq!((&taken["status"], &taken["ignored"]), (&json!("pending"), &json!(["x"])));
    assert_eq!(taken["urls"]["events"], format!("/api/jobs/{id}/events"));
    let job = board.job(id).await;
    assert_eq!(job["payload"], json!({ "a": [1, 2] }));
    assert_eq!(
        (&job["service_required"], &job["priority"], &job["status"]),
        (&json!("hash"), &json!(7), &json!("pending"))
    );
}

#[tokio::test]
async fn who_asks_for_strictness_is_told_what_would_be_ignored() {
    let board = Board::start().await;
    let body = r#"{"job_type":"hash","colour":"red"}"#;
    let strict = request(board.at, "POST", "/api/jobs", "Prefer: wait=1, handling=strict\r\n", body).await;
    assert_eq!(strict.problem(), (400, "unknown_field".to_owned()));
    let long = format!(r#"{{"job_type":"hash","{}":1}}"#, "x".repeat(1 << 20));
    let strict = request(board.at, "POST", "/api/jobs", "Prefer: handling=strict\r\n", &long).await;
    assert!(strict.text.len() < 4_096, "what was sent is not sent back whole");
}

#[tokio::test]
async fn the_same_submission_again_is_the_same_job() {
    let board = Board::start().await;
    let body = r#"{"job_id":"j","job_type":"hash","payload":{"a":1}}"#;
    assert_eq!(board.post("/api/jobs", body).await.status, 201);
    let again = board.post("/api/jobs", r#"{ "payload": {"a": 1}, "job_type": "hash", "job_id": "j" }"#).await;
    assert_eq!((again.status, &again.json()["duplicate"]), (200, &json!(true)));
    let other = board.post("/api/jobs", r#"{"job_id":"j","job_type":"hash","payload":{"a":2}}"#).await;
    assert_eq!(other.problem(), (409, "job_id_conflict".to_owned()));
    assert_eq!(board.get("/api/stats").await.json()["stats"]["total_jobs"], 1);
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_once() {
    let board = Board::start().await;
    board.submit("j", "hash").await;
    let cancelled = board.post("/api/jobs/j/cancel", "").await;
    assert_eq!((cancelled.status, &cancelled.json()["status"]), (200, &json!("cancelled")));
    let again = board.post("/api/jobs/j/cancel", "").await;
    assert_eq!((again.status, &again.json()["event_id"]), (200, &Value::Null));
    assert_eq!(board.job("j").await["status"], "cancelled");
    assert_eq!(board.post("/api/jobs/nobody/cancel", "").await.problem(), (404, "job_not_found".to_owned()));
}

#[tokio::test]
async fn a_finished_job_cannot_be_cancelled() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    board.report(&lease, "finish", &json!({ "result": 1 })).await;
    assert_eq!(board.post("/api/jobs/j/cancel", "").await.problem(), (409, "already_finished".to_owned()));
}

#[tokio::test]
async fn a_list_is_paged_newest_first_and_filtered() {
    let board = Board::start().await;
    for n in 0..7 {
        board.submit(&format!("j{n}"), if n % 2 == 0 { "hash" } else { "other" }).await;
    }
    board.post("/api/jobs/j3/cancel", "").await;
    let mut seen = Vec::new();
    let mut path = "/api/jobs?limit=3".to_owned();
    loop {
        let page = board.get(&path).await.json();
        assert_eq!((&page["total"], &page["total_is"]), (&json!(7), &json!("exact")));
        seen.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/jobs?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["j6", "j5", "j4", "j3", "j2", "j1", "j0"]);
    let ids = |page: Value| page["jobs"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(board.get("/api/jobs?service=other&status=pending,cancelled").await.json()), ["j5", "j3", "j1"]);
    assert_eq!(ids(board.get("/api/jobs?status=cancelled").await.json()), ["j3"]);
}

#[tokio::test]
async fn a_wrong_query_is_named() {
    let board = Board::start().await;
    for (query, sentence) in [
        ("limit=501", "limit: is 501; it must be from 1 to 500"),
        ("limit=x", "invalid digit"),
        ("status=happy", "\\\"happy\\\" is no status"),
        ("cursor=x", "cursor: is not one that a list gave"),
        ("colour=red", "unknown field `colour`"),
    ] {
        let answer = board.get(&format!("/api/jobs?{query}")).await;
        assert_eq!(answer.problem(), (400, "bad_field".to_owned()), "{query}");
        assert!(answer.text.contains(sentence), "{query}: {}", answer.text);
    }
}
