//! `/api/machines`, `/api/workers`, `/api/leases`: a job's whole life, and its accidents.

use crate::board::{Board, lease_of};
use crate::http;
use serde_json::json;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_job_lives_from_submission_to_result() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.post("/api/jobs", r#"{"job_id":"j","job_type":"hash","payload":{"a":1},"ctx":{"secret":2}}"#).await;
    let answer = worker.ask("", &[]).await;
    let assignment = answer.json();
    assert_eq!((&assignment["job"]["payload"], &assignment["job"]["ctx"]), (&json!({"a":1}), &json!({"secret":2})));
    assert_eq!((&assignment["job"]["status"], &assignment["lease"]["attempt"]), (&json!("assigned"), &json!(1)));
    let lease = lease_of(&assignment);
    assert_eq!(board.report(&lease, "start", &json!({})).await.status, 200);
    assert_eq!(board.report(&lease, "progress", &json!({ "progress": 0.4, "message": "tile 3/8" })).await.status, 200);
    let job = board.job("j").await;
    assert_eq!(
        (&job["status"], &job["progress"], &job["progress_message"]),
        (&json!("in_progress"), &json!(0.4), &json!("tile 3/8"))
    );
    assert!(job.get("ctx").is_none(), "ctx is for the worker alone");
    assert_eq!(board.report(&lease, "renew", &json!({})).await.status, 200);
    assert_eq!(board.report(&lease, "finish", &json!({ "result": { "hash": "x" } })).await.status, 200);
    let job = board.job("j").await;
    assert_eq!(
        (&job["status"], &job["result"], &job["worker_id"]),
        (&json!("completed"), &json!({"hash":"x"}), &json!("w"))
    );
    assert_eq!(job["attempts"][0]["outcome"], "completed");
}

#[tokio::test]
async fn finishing_again_with_the_same_result_is_one_finish() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    for _ in 0..2 {
        assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.status, 200);
    }
    let other = board.report(&lease, "finish", &json!({ "result": 2 })).await;
    assert_eq!(other.problem(), (409, "lease_lost".to_owned()));
}

#[tokio::test]
async fn a_worker_that_waits_is_given_the_job_as_it_comes() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    let (answer, _) = tokio::join!(worker.ask("wait_ms=20000&start=1", &[]), async {
        while board.get("/health").await.json()["connections"]["workers"] != 1 {}
        board.submit("j", "hash").await;
    });
    assert_eq!((answer.status, &answer.json()["job"]["id"]), (200, &json!("j")));
    assert_eq!(board.job("j").await["status"], "in_progress");
}

#[tokio::test]
async fn a_worker_that_hung_up_is_given_nothing() {
    let board = Board::start().await;
    let (gone, there) = (board.worker("gone").await, board.worker("there").await);
    let mut socket = tokio::net::TcpStream::connect(board.at).await.unwrap();
    let head = format!(
        "POST /api/workers/gone/next?wait_ms=60000 HTTP/1.1\r\nHost: {}\r\nX-Worker-Session: {}\r\nContent-Length: 0\r\n\r\n",
        board.at, gone.session
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    while board.get("/health").await.json()["connections"]["workers"] != 1 {}
    drop(socket);
    while board.get("/health").await.json()["connections"]["workers"] != 0 {}
    board.submit("j", "hash").await;
    assert_eq!(there.take().await.job["id"], "j");
}

#[tokio::test]
async fn an_assignment_whose_answer_was_lost_is_given_again() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let first = worker.take().await;
    assert_eq!(worker.ask("", &[&first.id]).await.status, 204, "it has one slot, and says what it has");
    assert_eq!(worker.take().await.id, first.id, "it does not know of it, so it hears of it again");
}

#[tokio::test]
async fn a_later_session_takes_the_place_of_an_earlier_one() {
    let board = Board::start().await;
    let old = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = old.take().await;
    let new = board.worker("w").await;
    assert_eq!(old.ask("", &[]).await.problem(), (409, "session_replaced".to_owned()));
    assert_eq!(board.report(&lease, "renew", &json!({})).await.problem(), (409, "lease_lost".to_owned()));
    let session = format!("X-Worker-Session: {}\r\n", old.session);
    let leaves = http::request(board.at, "DELETE", "/api/workers/w", &session, "");
    assert_eq!(leaves.await.problem(), (409, "session_replaced".to_owned()), "it does not take the later one away");
    let again = new.take().await;
    assert_eq!((&again.job["id"], &again.job["attempts"][0]["outcome"]), (&json!("j"), &json!("session_replaced")));
}

#[tokio::test]
async fn a_later_session_may_go_on_with_what_it_names() {
    let board = Board::start().await;
    let lease = {
        let old = board.worker("w").await;
        board.submit("j", "hash").await;
        old.take().await
    };
    let body = json!({ "machine_id": "m", "services": ["hash"], "resume": [lease.id] });
    assert_eq!(board.put("/api/workers/w", &body).await.status, 200);
    assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.status, 200);
}

#[tokio::test]
async fn the_end_of_one_job_may_bring_the_next() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    for job in ["a", "b", "c"] {
        board.submit(job, "hash").await;
    }
    let first = worker.take().await;
    let answer = board.report(&first, "finish?next=1", &json!({ "result": 1 })).await.json();
    let second = lease_of(&answer["next"]);
    assert_eq!((&second.job["id"], &second.job["status"]), (&json!("b"), &json!("in_progress")));
    let answer = board.report(&second, "fail?next=1", &json!({ "error": "no", "retry": false })).await.json();
    assert_eq!((&answer["will_retry"], &answer["next"]["job"]["id"]), (&json!(false), &json!("c")));
    let last = lease_of(&answer["next"]);
    let answer = board.report(&last, "finish?next=1", &json!({ "result": 1 })).await.json();
    assert!(answer.get("next").is_none(), "{answer}");
}

#[tokio::test]
async fn a_failed_run_comes_back_later_and_a_final_failure_does_not() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    let body = json!({ "error": "no memory", "failure": { "type": "out_of_memory" }, "retry_after_ms": 1 });
    let answer = board.report(&lease, "fail", &body).await.json();
    assert_eq!(answer["will_retry"], true);
    let again = worker.take().await;
    assert_eq!((&again.job["retry_count"], &again.job["error"]), (&json!(1), &json!("no memory")));
    let body = json!({ "error": "what is that?", "failure": { "type": "bad_input" } });
    assert_eq!(board.report(&again, "fail", &body).await.json()["will_retry"], false);
    let job = board.job("j").await;
    assert_eq!((&job["status"], &job["failure"]["type"]), (&json!("failed"), &json!("bad_input")));
}

#[tokio::test]
async fn a_released_job_waits_again_and_no_run_is_counted() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    assert_eq!(board.report(&lease, "release", &json!({ "reason": "draining" })).await.status, 200);
    let job = board.job("j").await;
    assert_eq!((&job["status"], &job["retry_count"]), (&json!("pending"), &json!(0)));
    assert_eq!(job["attempts"][0]["error"], "draining");
}

#[tokio::test]
async fn a_cancelled_job_s_machine_is_told_at_once() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    let (orders, _) = tokio::join!(board.post("/api/machines/m/orders?wait_ms=20000", ""), async {
        board.post("/api/jobs/j/cancel", "").await
    });
    assert_eq!(orders.json()["orders"]["cancel"], json!([lease.id]));
    let beat = board.post("/api/machines/m/heartbeat", &json!({ "leases": [lease.id] }).to_string()).await;
    assert_eq!(beat.json()["orders"]["cancel"], json!([lease.id]), "a heartbeat that still names it is told too");
    assert_eq!(board.report(&lease, "finish", &json!({})).await.problem(), (409, "lease_lost".to_owned()));
}

#[tokio::test]
async fn a_machine_that_leaves_gives_its_jobs_back() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    worker.take().await;
    assert_eq!(board.delete("/api/machines/m").await.status, 200);
    assert_eq!(board.job("j").await["status"], "pending");
    assert_eq!(board.get("/api/workers").await.json()["workers"], json!([]));
    let beat = board.post("/api/machines/m/heartbeat", "{}").await;
    assert_eq!(beat.problem(), (404, "unknown_machine".to_owned()));
}

#[tokio::test]
async fn what_a_machine_tells_of_itself_has_limits() {
    let board = Board::start().await;
    board.machine("m").await;
    let long = "x".repeat(257);
    for (path, body, field) in [
        ("/api/machines/m", json!({ "hostname": long }), "hostname: is 257 bytes"),
        ("/api/machines/m", json!({ "host_info": { "gpu_models": [long] } }), "host_info.gpu_models: is 257 bytes"),
        ("/api/machines/m", json!({ "host_info": { "gpu_models": vec!["x"; 65] } }), "has 65 entries"),
        (
            "/api/workers/w",
            json!({ "machine_id": "m", "services": ["a"], "capabilities": { "models": { "a": vec!["x"; 2_001] } } }),
            "capabilities.models: has 2001 entries",
        ),
        ("/api/workers/w", json!({ "machine_id": "m", "services": ["a"], "slots": 65 }), "slots: is 65"),
        ("/api/workers/w", json!({ "machine_id": "m", "services": [] }), "services: must name 1 to 256"),
    ] {
        let answer = board.put(path, &body).await;
        assert_eq!(answer.problem(), (400, "bad_field".to_owned()), "{path}: {field}");
        assert!(answer.text.contains(field), "{field}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_a_worker_says_wrongly_is_named() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("j", "hash").await;
    let lease = worker.take().await;
    for (verb, body, code, sentence) in [
        ("progress", json!({ "progress": 1.5 }), "bad_field", "progress: is 1.5; it is a fraction"),
        ("progress", json!({}), "bad_field", "progress: is required"),
        ("progress", json!({ "progress": 0.5, "colour": 1 }), "unknown_field", "colour is not a field"),
        ("fail", json!({ "error": "x", "failure": { "type": "broker" } }), "bad_field", "only the broker"),
        ("fail", json!({ "error": "x", "failure": { "type": "bored" } }), "bad_field", "unknown variant `bored`"),
        ("start", json!({ "now": true }), "unknown_field", "now is not a field"),
    ] {
        let answer = board.report(&lease, verb, &body).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{verb} {body}");
        assert!(answer.text.contains(sentence), "{verb} {body}: {}", answer.text);
    }
    let too_large = json!({ "result": "x".repeat(wire::limits::RESULT_BYTES_MAX) });
    assert_eq!(board.report(&lease, "finish", &too_large).await.problem().0, 413);
    let answer = http::request(board.at, "POST", "/api/workers/w/next", "", "{}").await;
    assert_eq!(answer.problem(), (400, "bad_field".to_owned()), "a session is required");
    assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.status, 200, "nobody was disturbed");
}
