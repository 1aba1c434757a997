//! Jobs that ended so long ago that only the archive knows them.

use crate::board::{Board, memory};
use crate::http::request;
use broker::{Config, KeepFor};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use store::Store;

/// A board that forgets what has ended as soon as the archive has it.
pub(crate) async fn forgetful(store: Store) -> Board {
    Board::set(store, Config { ended_kept: Duration::ZERO, ended_tail: 0, ..Config::default() }).await
}

impl Board {
    /// Waits until so many jobs are in memory. What ended last goes when something happens later.
    pub(crate) async fn until_in_memory(&self, jobs: u64) {
        let mut beat = 0_u64;
        loop {
            let health = self.get("/health").await.json();
            if health["store"]["jobs_in_memory"] == jobs {
                return;
            }
            beat += 1;
            self.put(&format!("/api/machines/clock-{}", beat % 50), &json!({ "labels": { "beat": beat.to_string() } }))
                .await;
        }
    }

    pub(crate) async fn run(&self, job: &str, body: Value, result: Value) -> Value {
        let worker = self.worker("w").await;
        let answer = self.post("/api/jobs", &body.to_string()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let lease = worker.take().await;
        assert_eq!(lease.job["id"], job);
        let answer = self.report(&lease, "finish", &json!({ "result": result })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.job(job).await
    }
}

pub(crate) fn job(id: &str) -> Value {
    json!({ "job_id": id, "job_type": "hash", "payload": { "of": id }, "labels": { "a": "b" }, "workflow_id": "flow" })
}

#[tokio::test]
async fn a_forgotten_job_is_shown_as_it_was() {
    let board = forgetful(memory()).await;
    let known = board.run("j", job("j"), json!({ "x": 1 })).await;
    board.until_in_memory(0).await;
    assert_eq!(board.job("j").await, known);
    let explained = board.get("/api/jobs/j/explain").await.json();
    assert_eq!((&explained["verdict"], &explained["status"]), (&json!("finished"), &json!("completed")));
    let told = board.stream("/api/jobs/j/events", None).await.rest().await.pop().unwrap();
    assert_eq!((&told.data["type"], &told.data["result"]["data"]), (&json!("complete_job"), &json!({ "x": 1 })));
    let stats = board.get("/api/stats").await.json();
    assert_eq!((&stats["stats"]["completed_jobs"], &stats["stats"]["total_jobs"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_forgotten_job_can_be_submitted_again_by_id_and_by_key_and_is_the_same() {
    let board = forgetful(memory()).await;
    board.run("j", job("j"), json!(1)).await;
    let body = json!({ "job_type": "hash", "payload": 7 }).to_string();
    let keyed = request(board.at, "POST", "/api/jobs", "Idempotency-Key: k\r\n", &body).await.json();
    let id = keyed["job_id"].as_str().unwrap().to_owned();
    board.post(&format!("/api/jobs/{id}/cancel"), "").await;
    board.until_in_memory(0).await;

    let again = board.post("/api/jobs", &job("j").to_string()).await;
    assert_eq!(again.status, 200, "{again:?}");
    let again = again.json();
    assert_eq!((&again["duplicate"], &again["status"]), (&json!(true), &json!("completed")));
    let mut other = job("j");
    other["payload"] = json!("another");
    assert_eq!(board.post("/api/jobs", &other.to_string()).await.problem(), (409, "job_id_conflict".to_owned()));

    let again = request(board.at, "POST", "/api/jobs", "Idempotency-Key: k\r\n", &body).await;
    assert_eq!((again.status, &again.json()["job_id"]), (200, &json!(id)));
    let conflict = request(board.at, "POST", "/api/jobs", "Idempotency-Key: k\r\n", r#"{"job_type":"hash"}"#).await;
    assert_eq!(conflict.problem(), (409, "idempotency_conflict".to_owned()));

    let batch = json!({ "jobs": [job("j"), other, job("new")] }).to_string();
    let results = board.post("/api/jobs:batch", &batch).await.json()["results"].clone();
    let statuses: Vec<_> = results.as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(statuses, ["duplicate", "refused", "created"]);
}

#[tokio::test]
async fn a_forgotten_job_is_cancelled_no_more_and_retried_with_its_payload() {
    let board = forgetful(memory()).await;
    board.run("j", job("j"), json!(1)).await;
    board.submit("c", "hash").await;
    board.post("/api/jobs/c/cancel", "").await;
    board.until_in_memory(0).await;
    assert_eq!(board.post("/api/jobs/j/cancel", "").await.problem(), (409, "already_finished".to_owned()));
    assert_eq!(board.post("/api/jobs/c/cancel", "").await.status, 200, "that is how it ended");
    let retried = board.post("/api/jobs/j/retry", "").await;
    assert_eq!(retried.status, 201, "{retried:?}");
    let lease = board.worker("w").await.take().await;
    assert_eq!((&lease.job["payload"], &lease.job["retry_of"]), (&json!({ "of": "j" }), &json!("j")));
}

#[tokio::test]
async fn a_workflow_keeps_its_rank_when_its_jobs_are_forgotten() {
    let board = forgetful(memory()).await;
    let mut first = job("first");
    first["workflow_priority"] = json!(900);
    board.run("first", first, json!(1)).await;
    board.until_in_memory(0).await;
    board.submit("other", "hash").await;
    assert_eq!(board.post("/api/jobs", &job("second").to_string()).await.status, 201);
    let lease = board.worker("w").await.take().await;
    assert_eq!(lease.job["id"], "second", "it goes before what came earlier, as its workflow's first job said");
}

#[tokio::test]
async fn a_list_has_every_job_once_wherever_it_is() {
    let board = forgetful(memory()).await;
    let worker = board.worker("w").await;
    let (mut all, mut cancelled) = (Vec::new(), BTreeSet::new());
    for n in 0..60 {
        let id = format!("j{n:02}");
        let body =
            json!({ "job_id": id, "job_type": "hash", "customer_id": format!("c{}", n % 3), "priority": 60 - n });
        assert_eq!(board.post("/api/jobs", &body.to_string()).await.status, 201);
        all.push(id);
    }
    for (n, id) in all.iter().enumerate().take(20) {
        let lease = worker.take().await;
        assert_eq!(lease.job["id"], *id);
        board.report(&lease, "finish", &json!({ "result": n })).await;
    }
    for id in &all[20..30] {
        board.post(&format!("/api/jobs/{id}/cancel"), "").await;
        cancelled.insert(id.clone());
    }
    board.until_in_memory(30).await;
    all.reverse();
    let ids = async |query: &str| {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        let total = loop {
            let page = board.get(&format!("/api/jobs?limit=7{query}{cursor}")).await.json();
            ids.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
            assert_eq!(page["total_is"], "exact");
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break page["total"].clone(),
            }
        };
        assert_eq!(total, ids.len(), "{query}");
        ids
    };
    assert_eq!(ids("").await, all);
    assert_eq!(ids("&service=hash").await, all);
    assert_eq!(ids("&status=completed").await, all[40..]);
    assert_eq!(ids("&status=pending").await, all[..30]);
    assert_eq!(ids("&status=cancelled,pending").await, all[..40]);
    assert_eq!(ids("&status=cancelled").await.into_iter().collect::<BTreeSet<_>>(), cancelled);
    assert_eq!(ids("&worker_id=w").await, all[40..]);
    assert_eq!(ids("&machine_id=nobody").await, Vec::<String>::new());
    let of_one = all.iter().filter(|id| id[1..].parse::<u32>().unwrap() % 3 == 1).cloned().collect::<Vec<_>>();
    assert_eq!(ids("&customer_id=c1").await, of_one);
    let third = &board.job("j33").await["created_at"];
    let since = ids(&format!("&since={}", third.as_str().unwrap())).await;
    assert!(
        since.contains(&"j59".to_owned()) && since.contains(&"j33".to_owned()) && !since.contains(&"j00".to_owned())
    );
    let until = ids(&format!("&until={}", third.as_str().unwrap())).await;
    assert_eq!(until.len() + since.len(), 60);
    let offset = board.get("/api/jobs?limit=5&offset=28").await.json();
    let offset: Vec<_> = offset["jobs"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect();
    assert_eq!(offset, all[28..33]);
}

#[tokio::test]
async fn text_is_searched_only_if_it_was_kept() {
    let board = forgetful(memory()).await;
    let answer = board.get("/api/jobs?q=lighthouse").await;
    assert_eq!(answer.problem(), (400, "bad_field".to_owned()));
    assert!(answer.text.contains("--search"), "{}", answer.text);

    let store = store::open("memory:", &store::Options { search: true }).unwrap();
    let config = Config { ended_kept: Duration::ZERO, ended_tail: 0, search: true, ..Config::default() };
    let board = Board::set(store, config).await;
    let mut body = job("j");
    body["payload"] = json!({ "prompt": "a lighthouse at dusk" });
    board.run("j", body, json!(1)).await;
    board.run("k", job("k"), json!(1)).await;
    board.until_in_memory(0).await;
    let found = board.get("/api/jobs?q=lighthouse%20dusk").await.json();
    assert_eq!((&found["jobs"][0]["id"], &found["total"]), (&json!("j"), &json!(1)));
    assert_eq!(board.get("/api/jobs?q=lighthouse&status=failed").await.json()["jobs"], json!([]));
}

#[tokio::test]
async fn what_is_not_searched_yet_is_said_to_be_missing() {
    let store = store::open("memory:", &store::Options { search: true }).unwrap();
    let board = Board::set(store, Config { search: true, ..Config::default() }).await;
    board.run("lighthouse", job("lighthouse"), json!(1)).await;
    // Nothing has happened since, so more may have ended at that time.
    let found = board.get("/api/jobs?q=lighthouse").await.json();
    assert_eq!((&found["jobs"], &found["total"], &found["total_is"]), (&json!([]), &json!(0), &json!("at_least")));
    let others = board.get("/api/jobs?q=lighthouse&status=failed").await.json();
    assert_eq!(others["total_is"], "exact", "it completed");
    board.machine("later").await;
    let found = board.until("/api/jobs?q=lighthouse", |found| found["total_is"] == "exact").await;
    assert_eq!((&found["jobs"][0]["id"], &found["total"]), (&json!("lighthouse"), &json!(1)));
}

#[tokio::test]
async fn a_list_leaves_out_what_is_damaged_and_shows_the_rest() {
    let store = memory();
    let board = forgetful(store.clone()).await;
    for id in ["a", "b", "c"] {
        board.run(id, job(id), json!(1)).await;
    }
    board.until_in_memory(0).await;
    board.stop().await.unwrap();
    let Store { archive, .. } = store.clone();
    let place = archive.place().await.unwrap();
    let b = archive.named("job:b").await.unwrap().unwrap();
    archive.cut_back(b.seq - 1, place).await.unwrap();
    let damaged = store::Entry {
        number: b.number,
        seq: b.seq,
        began: 0,
        ended: 0,
        names: vec!["job:b".to_owned()],
        facets: Vec::new(),
        counted: store::CountedBy { day: 0, group: "hash".to_owned(), word: "completed".to_owned() },
        content_bytes: 0,
        bytes: b.bytes.slice(1..),
        text: None,
    };
    archive.put(vec![damaged], Vec::new(), place).await.unwrap();
    let board = forgetful(store).await;
    let listed = board.get("/api/jobs?limit=2").await.json();
    let ids = |listed: &Value| -> Vec<Value> {
        listed["jobs"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect()
    };
    assert_eq!((ids(&listed), &listed["total"]), (vec![json!("a")], &json!(2)));
}

#[tokio::test]
async fn a_restart_knows_what_is_archived_and_goes_on_archiving() {
    let store = memory();
    let board = forgetful(store.clone()).await;
    board.run("j", job("j"), json!(1)).await;
    board.until_in_memory(0).await;
    board.submit("k", "hash").await;
    board.stop().await.unwrap();
    let board = forgetful(store).await;
    assert_eq!(board.job("j").await["status"], "completed");
    let lease = board.worker("w").await.take().await;
    assert_eq!(lease.job["id"], "k");
    board.report(&lease, "finish", &json!({ "result": 2 })).await;
    board.until_in_memory(0).await;
    let listed = board.get("/api/jobs").await.json();
    assert_eq!(
        (&listed["jobs"][0]["id"], &listed["jobs"][1]["id"], &listed["total"]),
        (&json!("k"), &json!("j"), &json!(2))
    );
}

#[tokio::test]
async fn an_archive_that_was_lost_is_filled_anew_from_the_journal() {
    let store = memory();
    let board = forgetful(store.clone()).await;
    for id in ["a", "b", "c"] {
        board.run(id, job(id), json!(id)).await;
    }
    let known = board.job("a").await;
    board.until_in_memory(0).await;
    board.submit("d", "hash").await;
    board.stop().await.unwrap();
    let board = forgetful(Store { archive: memory().archive, ..store }).await;
    board.post("/api/jobs/d/cancel", "").await;
    board.until_in_memory(0).await;
    assert_eq!(board.job("a").await, known);
    let listed = board.get("/api/jobs").await.json();
    let ids: Vec<_> = listed["jobs"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect();
    assert_eq!((ids, &listed["total"]), (vec![json!("d"), json!("c"), json!("b"), json!("a")], &json!(4)));
    assert_eq!(board.post("/api/jobs", &job("b").to_string()).await.json()["duplicate"], true);
}

#[tokio::test]
async fn time_goes_on_from_the_last_event_though_nothing_else_tells_of_it() {
    let store = memory();
    let board = forgetful(store.clone()).await;
    board.run("a", job("a"), json!(1)).await;
    board.until_in_memory(0).await;
    board.stop().await.unwrap();
    // The archive closed with a time that the wall has not reached yet.
    let place = store.archive.place().await.unwrap();
    let before = place.before + 3_600_000;
    store.archive.put(Vec::new(), Vec::new(), store::Place { before, ..place }).await.unwrap();
    let board = forgetful(store).await;
    board.submit("b", "hash").await;
    board.post("/api/jobs/b/cancel", "").await;
    let listed = board.get("/api/jobs").await.json();
    assert_eq!((&listed["jobs"][0]["id"], &listed["total"]), (&json!("b"), &json!(2)));
}

#[tokio::test]
async fn what_an_answer_says_happened_can_be_read_at_once() {
    let board = Board::start().await;
    let submitted = board.submit("j", "hash").await;
    let after = submitted["event_id"].as_str().unwrap();
    assert_eq!(board.get(&format!("/api/jobs/j?after={after}")).await.status, 200);
    assert_eq!(board.get(&format!("/api/jobs?limit=1&after={after}&status=pending")).await.json()["total"], 1);
    assert_eq!(board.get("/api/jobs/j?after=x").await.problem(), (400, "bad_field".to_owned()));
    let (place, hash) = after.rsplit_once('-').unwrap();
    let other = format!("{place}-{}", hash.chars().rev().collect::<String>());
    assert_eq!(board.get(&format!("/api/jobs/j?after={other}")).await.problem(), (400, "bad_field".to_owned()));
    let ahead = format!("{}-999-{hash}", place.split('-').next().unwrap());
    let late = board.get(&format!("/api/jobs/j?after={ahead}")).await;
    assert_eq!(late.problem(), (503, "store_unavailable".to_owned()));
    assert!(late.head.to_lowercase().contains("retry-after: 1"), "{}", late.head);
}

#[tokio::test]
async fn large_payloads_and_results_come_back_whole() {
    let board = forgetful(memory()).await;
    let large = "x".repeat(300_000);
    let mut body = job("j");
    body["payload"] = json!(large);
    let result = "y".repeat(200_000);
    board.run("j", body, json!(result)).await;
    board.until_in_memory(0).await;
    let known = board.job("j").await;
    assert!(known["payload"] == large && known["result"] == result);
}

#[tokio::test]
async fn payloads_of_the_oldest_are_dropped_when_all_take_too_much_and_the_rest_stays() {
    let config = Config {
        ended_kept: Duration::ZERO,
        ended_tail: 0,
        archive_keep: KeepFor { age: Duration::from_secs(86_400), bytes: 40_000 },
        keep_every: Duration::from_millis(20),
        ..Config::default()
    };
    let board = Board::set(memory(), config).await;
    for n in 0..6 {
        let mut body = job(&format!("j{n}"));
        body["payload"] = json!("x".repeat(10_000));
        board.run(&format!("j{n}"), body, json!(n)).await;
    }
    board.until_in_memory(0).await;
    let dropped = board.until("/api/jobs/j0", |answer| answer["job"]["contents_dropped"] == true).await;
    assert_eq!((&dropped["job"]["payload"], &dropped["job"]["status"]), (&Value::Null, &json!("completed")));
    assert_eq!(board.post("/api/jobs/j0/retry", "").await.problem(), (410, "payload_gone".to_owned()));
    let newest = board.job("j5").await;
    assert_eq!((&newest["contents_dropped"], newest["payload"].as_str().map(str::len)), (&Value::Null, Some(10_000)));
}
