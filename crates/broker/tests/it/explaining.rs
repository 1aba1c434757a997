//! Why jobs wait: on the job, at `explain`, `classes` and `services`, and on the stream.

use crate::board::{Board, memory};
use crate::http::Stream;
use serde_json::{Value, json};

const NEEDS_24: &str = r#"{"job_id":"j","job_type":"hash","requirements":{"hardware":{"gpu_memory_gb":24}}}"#;

async fn monitor(board: &Board) -> Stream {
    let mut monitor = board.stream("/api/events/monitor?topics=jobs", None).await;
    monitor.until("full_state_snapshot").await;
    monitor
}

async fn explained(board: &Board, job: &str) -> Value {
    let answer = board.get(&format!("/api/jobs/{job}/explain")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn gpu(gb: u32) -> Value {
    json!({ "hardware": { "gpu_memory_gb": gb } })
}

#[tokio::test]
async fn a_job_that_nobody_can_run_says_what_it_lacks() {
    let board = Board::start().await;
    for (machine, gb) in [("m1", 8), ("m2", 16), ("m3", 12)] {
        board.capable_worker(&format!("w-{machine}"), machine, gpu(gb)).await;
    }
    board.post("/api/jobs", NEEDS_24).await;
    let why = explained(&board, "j").await;
    assert_eq!(why["sentence"], "needs 24 GB of GPU memory; the largest of 3 machines with hash has 16 GB");
    assert_eq!((&why["verdict"], &why["status"]), (&json!("no_capable_worker"), &json!("pending")));
    assert_eq!(why["workers"], json!({ "total": 3, "capable": 0, "free": 0 }));
    assert_eq!(why["machines"], json!({ "total": 3, "capable": 0 }));
    assert_eq!(why["requirements"], json!([{ "requirement": "hardware.gpu_memory_gb >= 24", "machines": 3 }]));
    assert_eq!(why["nearest"]["lacks"], json!(["hardware.gpu_memory_gb >= 24"]));
    assert!(why.get("ahead").is_none() && why.get("until").is_none(), "{why}");
    let job = board.job("j").await;
    assert_eq!(job["schedulable"]["verdict"], "no_capable_worker");
    assert_eq!(job["schedulable"]["missing"], json!(["hardware.gpu_memory_gb >= 24"]));
    assert_eq!(job["schedulable"]["since"], job["created_at"]);
    let row = &board.get("/api/jobs").await.json()["jobs"][0];
    assert_eq!(row["schedulable"], job["schedulable"], "a list shows what was told");
}

#[tokio::test]
async fn a_job_s_verdict_follows_what_happens_to_it() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("a", "hash").await;
    board.submit("b", "hash").await;
    let of = |why: &Value| (why["verdict"].clone(), why["ahead"]["jobs"].clone());
    assert_eq!(of(&explained(&board, "a").await), (json!("ready"), json!(0)));
    assert_eq!(of(&explained(&board, "b").await), (json!("ready"), json!(1)));
    assert_eq!(board.job("b").await["schedulable"]["verdict"], "ready");
    let lease = worker.take().await;
    assert_eq!(of(&explained(&board, "a").await), (json!("running"), Value::Null));
    assert_eq!(of(&explained(&board, "b").await), (json!("busy"), json!(0)));
    assert_eq!(board.job("b").await["schedulable"]["verdict"], "busy");
    assert!(board.job("a").await.get("schedulable").is_none(), "it does not wait");
    let body = json!({ "error": "no network", "failure": { "type": "network" }, "retry_after_ms": 60_000 });
    board.report(&lease, "fail", &body).await;
    let why = explained(&board, "a").await;
    assert_eq!((&why["verdict"], why["until"].is_string()), (&json!("backing_off"), true));
    assert_eq!(why["until"], board.job("a").await["retry_at"]);
    board.post("/api/services/hash/pause", "").await;
    assert_eq!(explained(&board, "b").await["verdict"], "paused");
    board.post("/api/jobs/a/cancel", "").await;
    assert_eq!(explained(&board, "a").await["verdict"], "finished");
}

#[tokio::test]
async fn classes_are_what_waits_by_what_it_needs() {
    let board = Board::start().await;
    board.capable_worker("w", "m", gpu(16)).await;
    board.post("/api/jobs", NEEDS_24).await;
    for job in ["a", "b"] {
        board.submit(job, "hash").await;
    }
    board.submit("c", "other").await;
    let all = board.get("/api/classes").await.json();
    assert_eq!(all["total"], 3);
    let first = &all["classes"][0];
    assert_eq!(
        (&first["service"], &first["waiting"], &first["oldest_job_id"]),
        (&json!("hash"), &json!(2), &json!("a"))
    );
    assert_eq!((&first["capable_workers"], &first["capable_machines"]), (&json!(1), &json!(1)));
    assert!(first.get("requirements").is_none() && first["missing"] == json!([]), "{first}");
    let hash = board.get("/api/classes?service=hash").await.json();
    assert_eq!(hash["total"], 2);
    let second = &hash["classes"][1];
    assert_eq!((&second["requirements"], &second["capable_workers"]), (&gpu(24), &json!(0)));
    assert_eq!(second["missing"], json!(["hardware.gpu_memory_gb >= 24"]));
    let page = board.get("/api/classes?limit=1").await.json();
    assert_eq!((page["classes"].as_array().unwrap().len(), &page["total"]), (1, &json!(3)));
}

#[tokio::test]
async fn services_are_those_that_wait_run_are_offered_or_paused() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    board.submit("a", "hash").await;
    board.submit("b", "hash").await;
    board.submit("c", "other").await;
    worker.take().await;
    board.post("/api/services/later/pause", "").await;
    let beat = json!({ "workers": { "w": { "services": { "hash": "error" } } } });
    assert_eq!(board.post("/api/machines/m/heartbeat", &beat.to_string()).await.status, 200);
    let told = board.get("/api/services").await.json();
    let row = |at: usize| {
        let row = &told["services"][at];
        let counts = ["waiting", "running", "workers", "workers_down"].map(|name| row[name].as_u64().unwrap());
        (row["name"].as_str().unwrap(), row["paused"].as_bool().unwrap(), counts)
    };
    assert_eq!(row(0), ("hash", false, [1, 1, 1, 1]));
    assert_eq!(row(1), ("later", true, [0, 0, 0, 0]));
    assert_eq!(row(2), ("other", false, [1, 0, 0, 0]));
    assert!(told["services"][1]["paused_since"].is_string() && told["services"][0].get("paused_since").is_none());
}

#[tokio::test]
async fn that_nobody_can_run_a_job_is_told_when_it_begins_and_when_it_ends() {
    let store = memory();
    let board = Board::on(store.clone()).await;
    let mut stream = monitor(&board).await;
    board.submit("j", "hash").await;
    let begins = stream.until("job_unschedulable").await.pop().unwrap();
    assert_eq!((&begins.data["job_id"], &begins.data["missing"]), (&json!("j"), &json!(["service: hash"])));
    assert_eq!(board.job("j").await["schedulable"]["missing"], json!(["service: hash"]));
    let session = board.worker("w").await.session;
    let ends = stream.until("job_schedulable").await.pop().unwrap();
    assert_eq!((&ends.data["job_id"], &ends.data["missing"]), (&json!("j"), &json!([])));
    assert_eq!(board.job("j").await["schedulable"]["verdict"], "ready");
    let headers = format!("X-Worker-Session: {session}\r\n");
    crate::http::request(board.at, "DELETE", "/api/workers/w", &headers, "").await;
    let again = stream.until("job_unschedulable").await;
    assert_eq!(again.iter().filter(|frame| frame.kind().ends_with("schedulable")).count(), 1, "once, not more");
    let job = board.job("j").await;
    let second = Board::on(store).await;
    assert_eq!(second.job("j").await["schedulable"], job["schedulable"], "a restart changes nothing");
    let mut stream = monitor(&second).await;
    second.worker("w").await;
    stream.until("job_schedulable").await;
}

#[tokio::test]
async fn a_snapshot_shows_which_jobs_nobody_can_run_and_what_is_down() {
    let board = Board::start().await;
    board.capable_worker("w", "m", gpu(16)).await;
    board.post("/api/jobs", NEEDS_24).await;
    let beat = json!({ "workers": { "w": { "services": { "hash": "error" } } } });
    board.post("/api/machines/m/heartbeat", &beat.to_string()).await;
    board.post("/api/machines/m/drain", "").await;
    let mut stream = board.stream("/api/events/monitor", None).await;
    let snapshot = stream.until("full_state_snapshot").await.pop().unwrap().data["data"].clone();
    assert_eq!(snapshot["jobs"]["pending"][0]["missing"], json!(["hardware.gpu_memory_gb >= 24"]));
    assert_eq!(snapshot["workers"][0]["connections"], json!([{ "service_type": "hash", "status": "error" }]));
    assert_eq!(snapshot["machines"][0]["status"]["machine"]["draining"], true);
    assert_eq!(snapshot["workers"][0]["status"], "draining");
}
