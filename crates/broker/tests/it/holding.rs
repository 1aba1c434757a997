//! What operators hold back: machines and workers that drain, services that are paused.

use crate::board::{Board, memory};
use crate::http::Stream;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn told_from_now(board: &Board) -> Stream {
    let mut monitor = board.stream("/api/events/monitor", None).await;
    monitor.until("full_state_snapshot").await;
    monitor
}

async fn does(board: &Board, path: &str) {
    let answer = board.post(path, "").await;
    assert_eq!((answer.status, answer.json()["success"].clone()), (200, json!(true)), "{path}: {answer:?}");
}

async fn orders(board: &Board, wait_ms: u64) -> Value {
    board.post(&format!("/api/machines/m/orders?wait_ms={wait_ms}"), "").await.json()["orders"].clone()
}

fn drain(is_draining: bool) -> Value {
    json!({ "cancel": [], "drain": is_draining })
}

#[tokio::test]
async fn a_machine_that_waits_for_orders_is_told_at_once_that_it_drains_and_only_once() {
    let board = Board::start().await;
    board.worker("w").await;
    assert_eq!(orders(&board, 0).await, drain(false));
    let (told, ()) = tokio::join!(orders(&board, 20_000), does(&board, "/api/machines/m/drain"));
    assert_eq!(told, drain(true));
    let asked = Instant::now();
    assert_eq!(orders(&board, 100).await, drain(true));
    assert!(asked.elapsed() >= Duration::from_millis(100), "nothing was new, so it waited");
    does(&board, "/api/machines/m/drain").await;
    let asked = Instant::now();
    assert_eq!(orders(&board, 100).await, drain(true));
    assert!(asked.elapsed() >= Duration::from_millis(100), "draining what drains is nothing new");
    let (told, ()) = tokio::join!(orders(&board, 20_000), does(&board, "/api/machines/m/undrain"));
    assert_eq!(told, drain(false));
    let beat = board.post("/api/machines/m/heartbeat", "{}").await.json();
    assert_eq!(beat["orders"], drain(false));
}

#[tokio::test]
async fn a_machine_that_drains_is_told_so_by_every_answer() {
    let board = Board::start().await;
    board.worker("w").await;
    does(&board, "/api/machines/m/drain").await;
    assert_eq!(board.post("/api/machines/m/heartbeat", "{}").await.json()["orders"], drain(true));
    assert_eq!(board.put("/api/machines/m", &json!({})).await.json()["orders"], drain(true), "joining again, too");
    let body = json!({ "machine_id": "m", "services": ["hash"] });
    assert_eq!(board.put("/api/workers/w", &body).await.json()["orders"], drain(true));
    let machine = board.get("/api/machines/m").await.json();
    assert_eq!(machine["machines"][0]["status"]["machine"]["draining"], true);
    assert_eq!(board.get("/api/workers/w").await.json()["workers"][0]["status"], "draining");
}

#[tokio::test]
async fn who_drains_finishes_what_it_has_and_is_given_nothing_more() {
    for what in ["/api/machines/m", "/api/workers/w"] {
        let board = Board::start().await;
        let worker = board.worker("w").await;
        board.submit("held", "hash").await;
        let lease = worker.take().await;
        does(&board, &format!("{what}/drain")).await;
        board.submit("next", "hash").await;
        let finished = board.report(&lease, "finish?next=1", &json!({ "result": 1 })).await;
        assert_eq!((finished.status, finished.json().get("next")), (200, None), "{what}");
        assert_eq!(worker.ask("", &[]).await.status, 204, "{what}");
        assert_eq!(board.job("next").await["schedulable"]["verdict"], "busy", "{what}: it could run it, later");
        let (given, ()) = tokio::join!(worker.ask("wait_ms=20000", &[]), async {
            board.until_waiting(1).await;
            does(&board, &format!("{what}/undrain")).await;
        });
        assert_eq!((given.status, &given.json()["job"]["id"]), (200, &json!("next")), "{what}");
    }
}

#[tokio::test]
async fn a_worker_drains_alone() {
    let board = Board::start().await;
    let (one, other) = (board.worker("one").await, board.worker("other").await);
    let mut stream = told_from_now(&board).await;
    does(&board, "/api/workers/one/drain").await;
    let turned = stream.until("worker_status_changed").await.pop().unwrap().data;
    assert_eq!(
        (&turned["worker_id"], &turned["old_status"], &turned["new_status"]),
        (&json!("one"), &json!("idle"), &json!("draining"))
    );
    board.submit("j", "hash").await;
    assert_eq!(one.ask("", &[]).await.status, 204);
    assert_eq!(other.take().await.job["id"], "j");
    assert_eq!(orders(&board, 0).await, drain(false), "the machine does not drain");
}

#[tokio::test]
async fn a_drained_machine_is_told_with_all_its_workers() {
    let board = Board::start().await;
    board.worker("w").await;
    let mut stream = told_from_now(&board).await;
    does(&board, "/api/machines/m/drain").await;
    let changed = stream.until("machine_status_change").await.pop().unwrap().data;
    assert_eq!(changed["status_data"]["machine"]["draining"], true);
    assert_eq!(changed["status_data"]["workers"]["w"]["status"], "draining");
    let turned = stream.until("worker_status_changed").await.pop().unwrap().data;
    assert_eq!((&turned["worker_id"], &turned["new_status"]), (&json!("w"), &json!("draining")));
}

#[tokio::test]
async fn a_paused_service_takes_jobs_and_gives_none_until_it_is_resumed() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    let mut stream = told_from_now(&board).await;
    does(&board, "/api/services/hash/pause").await;
    assert_eq!(stream.until("service_paused").await.pop().unwrap().data["service"], "hash");
    board.submit("j", "hash").await;
    assert_eq!(worker.ask("", &[]).await.status, 204);
    does(&board, "/api/services/hash/pause").await;
    let (given, ()) = tokio::join!(worker.ask("wait_ms=20000", &[]), async {
        board.until_waiting(1).await;
        does(&board, "/api/services/hash/resume").await;
    });
    assert_eq!((given.status, &given.json()["job"]["id"]), (200, &json!("j")));
    let told = stream.until("service_resumed").await;
    assert!(!told.iter().any(|frame| frame.kind() == "service_paused"), "paused twice is told once");
}

#[tokio::test]
async fn a_service_that_no_worker_offers_yet_can_be_paused() {
    let board = Board::start().await;
    does(&board, "/api/services/up%20scale/pause").await;
    assert_eq!(board.get("/api/services").await.json()["services"][0]["name"], "up scale");
    does(&board, "/api/services/up%20scale/resume").await;
    assert_eq!(board.get("/api/services").await.json()["services"], json!([]));
}

/// Once from the journal alone, once from the checkpoint that an orderly stop leaves.
#[tokio::test]
async fn what_is_held_back_stays_so_over_a_restart() {
    for is_orderly in [false, true] {
        let store = memory();
        let board = Board::on(store.clone()).await;
        board.worker("w").await;
        board.capable_worker("alone", "m2", json!({})).await;
        for path in ["/api/machines/m/drain", "/api/workers/alone/drain", "/api/services/hash/pause"] {
            does(&board, path).await;
        }
        let services = board.get("/api/services").await.json()["services"].clone();
        if is_orderly {
            board.stop().await.unwrap();
        }
        let board = Board::on(store).await;
        assert_eq!(orders(&board, 0).await, drain(true), "orderly: {is_orderly}");
        let status = |workers: Value| workers["workers"][0]["status"].clone();
        for worker in ["w", "alone"] {
            assert_eq!(status(board.get(&format!("/api/workers/{worker}")).await.json()), "draining", "{worker}");
        }
        assert_eq!(board.get("/api/services").await.json()["services"], services);
        does(&board, "/api/services/hash/resume").await;
        board.submit("j", "hash").await;
        let alone = board.capable_worker("alone", "m2", json!({})).await;
        assert_eq!(alone.ask("", &[]).await.status, 204, "the operator's word about it outlives its session");
        does(&board, "/api/workers/alone/undrain").await;
        assert_eq!(alone.take().await.job["id"], "j");
    }
}
