//! What `/metrics` tells: of the fleet, of who watches, of what was refused.

use crate::board::Board;
use crate::http::{Answer, Stream};
use crate::socket::Socket;
use broker::Config;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// What one figure says, with its labels if it has some.
fn figure(told: &Answer, name: &str) -> f64 {
    let lines = || told.text.lines().filter_map(|line| line.rsplit_once(' '));
    let found = lines().find(|(named, _)| *named == format!("callboard_{name}"));
    found.unwrap_or_else(|| panic!("no {name} in {}", told.text)).1.parse().unwrap()
}

/// The names of all samples, without what a histogram appends to its own.
fn samples(told: &Answer) -> BTreeSet<String> {
    let names = told.text.lines().filter(|line| !line.starts_with('#'));
    let names = names.map(|line| line.split(['{', ' ']).next().unwrap());
    let ends = ["_bucket", "_count", "_sum"];
    names.map(|name| ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()).collect()
}

#[tokio::test]
async fn the_fleet_and_who_watches_it_are_told_in_figures() {
    let board = Board::start().await;
    let worker = board.worker("w").await;
    for job in ["done", "failed", "called-off", "running", "waits"] {
        board.submit(job, "hash").await;
    }
    let done = worker.take().await;
    assert_eq!(board.report(&done, "finish", &json!({ "result": 1 })).await.status, 200);
    let failed = worker.take().await;
    let why = json!({ "error": "no", "failure": { "type": "bad_input" } });
    assert_eq!(board.report(&failed, "fail", &why).await.status, 200);
    assert_eq!(board.post("/api/jobs/called-off/cancel", "").await.status, 200);
    worker.take().await;
    let mut monitor = board.stream("/api/events/monitor", None).await;
    let mut client = Socket::open(board.at, "/ws/client/c").await;
    let mut legacy = Socket::open(board.at, "/").await;
    monitor.until("full_state_snapshot").await;
    client.until("connection_established").await;
    legacy.until("connected").await;
    assert_eq!(board.get("/api/jobs/nobodys").await.status, 404);
    client.say(&json!({ "type": "dance" })).await;
    client.until("error").await;
    let told = board.get("/metrics").await;
    assert!(told.head.contains("application/openmetrics-text; version=1.0.0"), "{}", told.head);
    assert!(told.text.ends_with("# EOF\n") && told.text.contains("# HELP callboard_machines "), "{}", told.text);
    for (name, value) in [
        ("jobs{status=\"pending\"}", 1.0),
        ("jobs{status=\"in_progress\"}", 1.0),
        ("jobs_ended_total{outcome=\"completed\"}", 1.0),
        ("jobs_ended_total{outcome=\"failed\"}", 1.0),
        ("jobs_ended_total{outcome=\"cancelled\"}", 1.0),
        ("workers{status=\"busy\"}", 1.0),
        ("workers{status=\"idle\"}", 0.0),
        ("machines", 1.0),
        ("connections{kind=\"monitor\",transport=\"sse\"}", 1.0),
        ("connections{kind=\"client\",transport=\"socket\"}", 1.0),
        ("connections{kind=\"legacy\",transport=\"socket\"}", 1.0),
        ("connections{kind=\"client\",transport=\"sse\"}", 0.0),
        ("requests_refused_total{code=\"job_not_found\"}", 1.0),
        ("requests_refused_total{code=\"unknown_type\"}", 1.0),
        ("store_up", 1.0),
        ("store_full", 0.0),
        ("inbox_length", 0.0),
    ] {
        assert_eq!(figure(&told, name), value, "{name}: {}", told.text);
    }
    let batches = figure(&told, "batches_written_total");
    assert!(batches >= 5.0 && figure(&told, "asks_decided_total") >= batches, "{}", told.text);
    assert_eq!(figure(&told, "append_seconds_count"), batches);
    assert_eq!(figure(&told, "append_seconds_bucket{le=\"+Inf\"}"), batches);
    assert!(figure(&told, "events_total") >= 10.0 && figure(&told, "start_time_seconds") > 1e9, "{}", told.text);
    drop((monitor, client, legacy));
    let gone = "callboard_connections{kind=\"client\",transport=\"socket\"} 0";
    board.stranger().until("/metrics", |told| told.text.contains(gone)).await;
}

#[tokio::test]
async fn a_watcher_that_has_all_that_concerns_it_is_not_behind() {
    let board = Board::start().await;
    board.submit("watched", "hash").await;
    let mut stream = Stream::open(board.at, "/api/jobs/watched/events", None).await;
    stream.next().await.unwrap();
    board.stranger().until("/metrics", |told| told.text.contains("callboard_watchers_lag_max_events 0")).await;
    for job in 0..10 {
        board.submit(&format!("other-{job}"), "hash").await;
    }
    assert_eq!(figure(&board.get("/metrics").await, "watchers_lag_max_events"), 0.0);
}

#[tokio::test]
async fn what_the_guide_lists_is_what_is_told() {
    let board = Board::start().await;
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `callboard_"));
    let listed: BTreeSet<_> = rows.map(|row| format!("callboard_{}", row.split(['{', '`']).next().unwrap())).collect();
    assert_eq!(listed, samples(&board.get("/metrics").await));
}

#[tokio::test]
async fn figures_are_for_who_may_see_everything() {
    let board = Board::guarded(&["m=monitor", "bound=monitor@acme", "c=client"], Config::default()).await;
    assert_eq!(board.guest("m").get("/metrics").await.status, 200);
    for (who, status) in [(board.guest("bound"), 403), (board.guest("c"), 403), (board.stranger(), 401)] {
        assert_eq!(who.get("/metrics").await.status, status);
    }
    let told = board.guest("m").get("/metrics").await;
    assert_eq!(figure(&told, "requests_refused_total{code=\"forbidden\"}"), 2.0);
    assert_eq!(figure(&told, "requests_refused_total{code=\"unauthorized\"}"), 1.0);
}
