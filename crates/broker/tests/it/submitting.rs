//! `/api/jobs` in more depth: requirements, batches, idempotency keys, once more.

use crate::board::{Board, memory};
use crate::http::{Answer, request};
use serde_json::{Value, json};

async fn keyed(board: &Board, key: &str, path: &str, body: &Value) -> Answer {
    request(board.at, "POST", path, &format!("Idempotency-Key: {key}\r\n"), &body.to_string()).await
}

async fn batch(board: &Board, headers: &str, body: &Value) -> Value {
    let answer = request(board.at, "POST", "/api/jobs:batch", headers, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn column<'a>(answer: &'a Value, name: &str) -> Vec<&'a str> {
    answer["results"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn a_wrong_requirement_is_pointed_at() {
    let board = Board::start().await;
    for (requirements, pointer) in [
        (json!({ "hardware": { "gpu_memory_gb": "lots" } }), "/requirements/hardware/gpu_memory_gb"),
        (json!({ "tags": null }), "/requirements/tags"),
        (
            json!({ "negative_requirements": { "a": { "b": { "$no": 1 } } } }),
            "/requirements/negative_requirements/a/b/$no",
        ),
        (json!({ "a/b": { "c~d": null } }), "/requirements/a~1b/c~0d"),
        (json!("24 GB"), "/requirements"),
        (json!({ "x": { "$gte": 2, "$lte": 1 } }), "/requirements"),
    ] {
        let body = json!({ "job_type": "hash", "requirements": requirements });
        let answer = board.post("/api/jobs", &body.to_string()).await;
        assert_eq!(answer.problem(), (400, "bad_requirement".to_owned()), "{body}");
        assert_eq!(answer.json()["pointer"], pointer, "{body}");
    }
    assert_eq!(board.get("/api/stats").await.json()["stats"]["total_jobs"], 0);
}

#[tokio::test]
async fn a_job_waits_for_a_worker_that_can_run_it() {
    let board = Board::start().await;
    let small = board.capable_worker("small", "m1", json!({ "hardware": { "gpu_memory_gb": 16 } })).await;
    let body = json!({ "job_id": "big", "job_type": "hash", "requirements": { "hardware": { "gpu_memory_gb": 24 } } });
    assert_eq!(board.post("/api/jobs", &body.to_string()).await.status, 201);
    assert_eq!(board.job("big").await["requirements"], body["requirements"]);
    assert_eq!(small.ask("", &[]).await.status, 204);
    board.submit("any", "hash").await;
    assert_eq!(small.take().await.job["id"], "any", "what comes later and fits is not held up");
    let large = board.capable_worker("large", "m2", json!({ "hardware": { "gpu_memory_gb": 24.0 } })).await;
    assert_eq!(large.take().await.job["id"], "big");
}

#[tokio::test]
async fn the_jobs_of_a_batch_are_decided_together_and_the_first_in_order_goes_first() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    let jobs = json!({ "jobs": [
        { "job_id": "low", "job_type": "hash", "priority": 1 },
        { "job_id": "high", "job_type": "hash", "priority": 9 },
        { "job_id": "middle", "job_type": "hash", "priority": 5 },
    ] });
    let (given, taken) = tokio::join!(worker.ask("wait_ms=20000&start=1", &[]), async {
        board.until_waiting(1).await;
        batch(&board, "", &jobs).await
    });
    assert_eq!(column(&taken, "status"), ["created"; 3]);
    assert_eq!(column(&taken, "job_id"), ["low", "high", "middle"]);
    assert_eq!(given.json()["job"]["id"], "high", "the worker that waited was not given what was read first");
    assert!(taken["event_id"].is_string() && taken["success"] == true, "{taken}");
}

#[tokio::test]
async fn each_job_of_a_batch_has_its_own_answer() {
    let board = Board::start().await;
    board.submit("known", "hash").await;
    let jobs = json!({ "jobs": [
        { "job_id": "a", "job_type": "hash", "colour": "red" },
        { "job_id": "a", "job_type": "hash" },
        { "job_id": "a", "job_type": "hash", "priority": 51 },
        { "job_id": "known", "service_required": "hash", "payload": { "of": "known" } },
        { "job_type": "hash", "requirements": { "tags": null } },
        { "job_id": "b", "job_type": "hash" },
        "no job",
    ] });
    let answer = batch(&board, "", &jobs).await;
    let expected = ["created", "duplicate", "refused", "duplicate", "refused", "created", "refused"];
    assert_eq!(column(&answer, "status"), expected);
    assert_eq!(column(&answer, "job_id"), ["a", "a", "-", "known", "-", "b", "-"]);
    assert_eq!(column(&answer, "code"), ["-", "-", "job_id_conflict", "-", "bad_requirement", "-", "bad_field"]);
    assert_eq!(answer["results"][0]["ignored"], json!(["colour"]));
    assert_eq!(answer["results"][6]["index"], 6);
    assert_eq!(board.get("/api/stats").await.json()["stats"]["total_jobs"], 3);
    let again = batch(&board, "", &json!({ "jobs": [{ "job_id": "b", "job_type": "hash" }] })).await;
    assert_eq!((column(&again, "status"), &again["event_id"]), (vec!["duplicate"], &Value::Null));
    assert_eq!(batch(&board, "", &json!({ "jobs": [] })).await["results"], json!([]));
}

#[tokio::test]
async fn strictness_refuses_in_a_batch_the_one_that_says_too_much() {
    let board = Board::start().await;
    let jobs = json!({ "jobs": [{ "job_type": "hash", "colour": "red" }, { "job_id": "b", "job_type": "hash" }] });
    let answer = batch(&board, "Prefer: handling=strict\r\n", &jobs).await;
    assert_eq!(column(&answer, "status"), ["refused", "created"]);
    assert_eq!(column(&answer, "code"), ["unknown_field", "-"]);
    assert!(column(&answer, "error")[0].contains("colour"), "{answer}");
}

#[tokio::test]
async fn a_batch_may_be_longer_than_one_job_and_has_its_own_limits() {
    let board = Board::start().await;
    let large = json!({ "job_type": "hash", "payload": "x".repeat(4 << 20) });
    let jobs = json!({ "jobs": [large, large, large] });
    assert!(jobs.to_string().len() > wire::limits::BODY_BYTES_MAX);
    assert_eq!(column(&batch(&board, "", &jobs).await, "status"), ["created"; 3]);
    let job = json!({ "job_type": "hash" });
    let most = batch(&board, "", &json!({ "jobs": vec![&job; 1_000] })).await;
    assert!(column(&most, "status").iter().all(|status| *status == "created"));
    let too_many = board.post("/api/jobs:batch", &json!({ "jobs": vec![&job; 1_001] }).to_string()).await;
    assert_eq!(too_many.problem(), (413, "payload_too_large".to_owned()));
    let too_long = board.post("/api/jobs:batch", &"x".repeat(wire::limits::BATCH_BYTES_MAX + 1)).await;
    // A client that goes on sending may see the connection cut before it reads the answer.
    assert!(too_long.status == 0 || too_long.problem() == (413, "payload_too_large".to_owned()), "{too_long:?}");
    assert_eq!(board.get("/api/stats").await.json()["stats"]["total_jobs"], 1_003);
}

#[tokio::test]
async fn the_same_key_is_the_same_job_and_other_content_under_it_is_refused() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let body = json!({ "job_type": "hash", "payload": { "a": 1 } });
    let first = keyed(&board, "order 17", "/api/jobs", &body).await;
    assert_eq!(first.status, 201, "{first:?}");
    let job = first.json()["job_id"].clone();
    let second = Board::on(store).await;
    for board in [&board, &second] {
        let again = keyed(board, "order 17", "/api/jobs", &body).await;
        assert_eq!((again.status, &again.json()["duplicate"], &again.json()["job_id"]), (200, &json!(true), &job));
        assert!(again.head.contains(&format!("/api/jobs/{}", job.as_str().unwrap())), "{}", again.head);
        let other = keyed(board, "order 17", "/api/jobs", &json!({ "job_type": "hash", "payload": { "a": 2 } })).await;
        assert_eq!(other.problem(), (409, "idempotency_conflict".to_owned()));
        assert!(!other.text.contains(job.as_str().unwrap()), "it says nothing about the other job: {}", other.text);
        assert_eq!(board.get("/api/stats").await.json()["stats"]["total_jobs"], 1);
        if board.at != second.at {
            continue;
        }
        let another = keyed(board, "order 18", "/api/jobs", &body).await;
        assert_eq!((another.status, another.json()["job_id"] == job), (201, false));
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_named() {
    let board = Board::start().await;
    for (key, sentence) in [
        ("", "Idempotency-Key: must not be empty"),
        (&*"k".repeat(256), "Idempotency-Key: is 256 bytes long; at most 255 are allowed"),
        ("caf\u{e9}", "Idempotency-Key: may hold printable ASCII characters only"),
    ] {
        for path in ["/api/jobs", "/api/jobs:batch"] {
            let answer = keyed(&board, key, path, &json!({ "job_type": "hash", "jobs": [] })).await;
            assert_eq!(answer.problem(), (400, "bad_field".to_owned()), "{key:?}");
            assert!(answer.text.contains(sentence), "{key:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_batch_that_is_sent_again_under_its_key_is_the_same_jobs() {
    let board = Board::start().await;
    let jobs = json!({ "jobs": [{ "job_type": "hash" }, { "job_type": "hash", "priority": 9 }] });
    let first = keyed(&board, "b", "/api/jobs:batch", &jobs).await.json();
    let again = keyed(&board, "b", "/api/jobs:batch", &jobs).await.json();
    assert_eq!((column(&first, "status"), column(&again, "status")), (vec!["created"; 2], vec!["duplicate"; 2]));
    assert_eq!(column(&first, "job_id"), column(&again, "job_id"));
    let alone = keyed(&board, "b#1", "/api/jobs", &json!({ "job_type": "hash", "priority": 9 })).await.json();
    assert_eq!(alone["job_id"], first["results"][1]["job_id"], "an item's key is the batch's, with its place");
    let swapped = json!({ "jobs": [jobs["jobs"][1], jobs["jobs"][0]] });
    let swapped = keyed(&board, "b", "/api/jobs:batch", &swapped).await.json();
    assert_eq!(column(&swapped, "code"), ["idempotency_conflict"; 2]);
}

#[tokio::test]
async fn an_ended_job_is_done_once_more_as_a_new_one() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    assert_eq!(board.post("/api/jobs/j/retry", "").await.problem(), (409, "not_finished".to_owned()));
    let lease = worker.take().await;
    assert_eq!(board.post("/api/jobs/j/retry", "{}").await.problem(), (409, "not_finished".to_owned()));
    board.report(&lease, "fail", &json!({ "error": "no", "retry": false })).await;
    let answer = board.post("/api/jobs/j/retry", "{}").await;
    let again = answer.json();
    assert_eq!((answer.status, &again["retry_of"], &again["status"]), (201, &json!("j"), &json!("pending")));
    let id = again["job_id"].as_str().unwrap();
    assert!(id != "j" && answer.head.contains(&format!("location: /api/jobs/{id}")), "{}", answer.head);
    assert_eq!(again["urls"]["explain"], format!("/api/jobs/{id}/explain"));
    assert_eq!(worker.take().await.job["id"], id);
    let other = board.post("/api/jobs/j/retry", "").await;
    assert_eq!((other.status, other.json()["job_id"] == id), (201, false), "each time it is a new one");
    assert_eq!(board.post("/api/jobs/nobody/retry", "").await.problem(), (404, "job_not_found".to_owned()));
    let named = board.post("/api/jobs/j/retry", r#"{"job_id":"x"}"#).await;
    assert_eq!(named.problem(), (400, "unknown_field".to_owned()));
    let second = Board::on(store).await;
    for board in [&board, &second] {
        let job = board.job(id).await;
        assert_eq!((&job["retry_of"], &job["payload"]), (&json!("j"), &json!({ "of": "j" })));
        assert_eq!(board.job("j").await["status"], "failed", "the old one never changes");
    }
}
