//! Whose job is whose: what one may not see is answered as not existing.

use crate::board::{Board, Guest};
use broker::Config;
use serde_json::{Value, json};
use std::time::Duration;

const TOKENS: [&str; 5] = ["alice=client", "bob=client", "acme=client@acme", "monitor=monitor", "gpu=worker@gpu-a*"];

fn submission(id: &str, customer: Option<&str>) -> String {
    json!({ "job_id": id, "job_type": "hash", "payload": { "of": id }, "customer_id": customer }).to_string()
}

impl Guest {
    async fn submits(&self, id: &str, customer: Option<&str>) {
        let body = match customer {
            Some(_) => submission(id, customer),
            None => json!({ "job_id": id, "job_type": "hash", "payload": { "of": id } }).to_string(),
        };
        let answer = self.post("/api/jobs", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// The jobs of a list, and what it says of their number.
    async fn list(&self, query: &str) -> (Vec<String>, Value) {
        let list = self.get(&format!("/api/jobs{query}")).await.json();
        let ids = list["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned());
        (ids.collect(), json!([list["total"], list["total_is"]]))
    }
}

fn body(id: &str) -> String {
    json!({ "job_id": id, "job_type": "hash", "payload": { "of": id } }).to_string()
}

async fn forgetful(rights: &[&str]) -> Board {
    Board::guarded(rights, Config { ended_kept: Duration::ZERO, ended_tail: 0, ..Config::default() }).await
}

/// Whatever `guest` asks of this job, the answer is that of a job that there is none of.
async fn does_not_exist(guest: &Guest, id: &str) {
    for (method, path) in
        [("GET", ""), ("GET", "/explain"), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry")]
    {
        let answer = guest.ask(method, &format!("/api/jobs/{id}{path}"), "", "").await;
        let nobody = guest.ask(method, &format!("/api/jobs/{}{path}", "x".repeat(id.len())), "", "").await;
        assert_eq!(answer.problem(), (404, "job_not_found".to_owned()), "{method} {path}");
        assert_eq!(answer.text.replace(id, "?"), nobody.text.replace(&"x".repeat(id.len()), "?"), "{method} {path}");
    }
}

#[tokio::test]
async fn of_two_clients_each_sees_and_changes_only_its_own_alive_and_archived() {
    let board = forgetful(&TOKENS).await;
    let (alice, bob) = (board.guest("alice"), board.guest("bob"));
    alice.submits("of-alice", None).await;
    bob.submits("of-bob", None).await;
    for is_archived in [false, true] {
        does_not_exist(&bob, "of-alice").await;
        assert_eq!(alice.get("/api/jobs/of-alice").await.status, 200);
        assert_eq!(alice.get("/api/jobs/of-alice/explain").await.status, 200);
        let all = (vec!["of-bob".to_owned(), "of-alice".to_owned()], json!([2, "exact"]));
        for query in ["", "?status=pending,cancelled", "?service=hash"] {
            assert_eq!(alice.list(query).await, (vec!["of-alice".to_owned()], json!([1, "exact"])), "{query}");
            for whole in [board.guest("monitor"), board.guest("admin")] {
                assert_eq!(whole.list(query).await, all, "{query}");
            }
        }
        // Whoever submits the same under a taken id learns that it is taken.
        assert_eq!(bob.post("/api/jobs", &body("of-alice")).await.problem(), (409, "job_id_conflict".to_owned()));
        let batch =
            bob.post("/api/jobs:batch", &format!("{{\"jobs\":[{},{}]}}", body("of-alice"), body("of-bob"))).await;
        let results = &batch.json()["results"];
        assert_eq!((&results[0]["code"], &results[1]["status"]), (&json!("job_id_conflict"), &json!("duplicate")));
        assert_eq!(alice.post("/api/jobs", &body("of-alice")).await.json()["duplicate"], true);
        if !is_archived {
            assert_eq!(alice.post("/api/jobs/of-alice/cancel", "").await.status, 200);
            assert_eq!(board.post("/api/jobs/of-bob/cancel", "").await.status, 200, "an administrator may");
            board.until_in_memory(0).await;
        }
    }
    assert_eq!(alice.post("/api/jobs/of-alice/cancel", "").await.status, 200, "it was cancelled");
    let again = alice.post("/api/jobs/of-alice/retry", "").await.json();
    let path = format!("/api/jobs/{}", again["job_id"].as_str().unwrap());
    assert_eq!((alice.get(&path).await.status, bob.get(&path).await.status), (200, 404));
}

#[tokio::test]
async fn an_idempotency_key_is_its_principals_and_says_nothing_of_anothers() {
    let board = forgetful(&TOKENS).await;
    let submit = async |name: &str, of: u32| {
        let body = json!({ "job_type": "hash", "payload": of }).to_string();
        let answer = board.guest(name).ask("POST", "/api/jobs", "Idempotency-Key: k\r\n", &body).await;
        (answer.status, answer.json()["job_id"].clone())
    };
    let (of_alice, of_bob) = (submit("alice", 1).await, submit("bob", 1).await);
    assert!(of_alice.0 == 201 && of_bob.0 == 201 && of_alice.1 != of_bob.1);
    for job in [&of_alice.1, &of_bob.1] {
        assert_eq!(board.post(&format!("/api/jobs/{}/cancel", job.as_str().unwrap()), "").await.status, 200);
    }
    board.until_in_memory(0).await;
    assert_eq!(submit("bob", 1).await, (200, of_bob.1));
    assert_eq!(submit("alice", 2).await.0, 409);
}

#[tokio::test]
async fn an_administrators_retry_belongs_to_whoever_submitted_the_job() {
    let board = Board::guarded(&TOKENS, Config::default()).await;
    board.guest("alice").submits("j", None).await;
    board.post("/api/jobs/j/cancel", "").await;
    let again = board.post("/api/jobs/j/retry", "").await.json();
    let path = format!("/api/jobs/{}", again["job_id"].as_str().unwrap());
    assert_eq!(board.guest("alice").get(&path).await.status, 200);
}

#[tokio::test]
async fn a_token_bound_to_a_customer_sees_its_jobs_whoever_submitted_them_and_submits_for_no_other() {
    let board = Board::guarded(&TOKENS, Config::default()).await;
    let (alice, acme) = (board.guest("alice"), board.guest("acme"));
    alice.submits("for-acme", Some("acme")).await;
    alice.submits("for-other", Some("other")).await;
    acme.submits("unsaid", None).await;
    assert_eq!(board.job("unsaid").await["customer_id"], "acme");
    acme.submits("said", Some("acme")).await;
    let same = json!({ "job_id": "unsaid", "job_type": "hash", "payload": { "of": "unsaid" }, "customer_id": "acme" });
    assert_eq!(
        acme.post("/api/jobs", &same.to_string()).await.json()["duplicate"],
        true,
        "said or not, it is the same"
    );
    let other = acme.post("/api/jobs", &submission("x", Some("other"))).await;
    assert_eq!(other.problem(), (403, "forbidden".to_owned()));
    let batch = acme.post("/api/jobs:batch", &format!("{{\"jobs\":[{}]}}", submission("x", Some("other")))).await;
    assert_eq!(batch.json()["results"][0]["code"], "forbidden");
    let theirs: Vec<String> = ["said", "unsaid", "for-acme"].map(str::to_owned).into();
    for query in ["", "?customer_id=acme", "?customer_id=acme,other"] {
        assert_eq!(acme.list(query).await, (theirs.clone(), json!([3, "exact"])), "{query}");
    }
    assert_eq!(acme.list("?customer_id=other").await, (vec![], json!([0, "exact"])));
    does_not_exist(&acme, "for-other").await;
    assert_eq!(acme.post("/api/jobs/for-acme/cancel", "").await.status, 200);
}

#[tokio::test]
async fn of_its_own_job_a_client_is_told_counts_and_no_names() {
    let board = Board::guarded(&TOKENS, Config::default()).await;
    let alice = board.guest("alice");
    board.capable_worker("secret-worker", "secret-machine", json!({})).await;
    let body = json!({ "job_id": "j", "job_type": "hash", "requirements": { "cuda": 12 } });
    alice.post("/api/jobs", &body.to_string()).await;
    let (told, whole) = (alice.get("/api/jobs/j/explain").await, board.get("/api/jobs/j/explain").await);
    assert!(!told.text.contains("secret-") && whole.text.contains("secret-worker on secret-machine"), "{told:?}");
    assert_eq!(told.json()["machines"], json!({ "total": 1, "capable": 0 }));
    alice.submits("running", None).await;
    let worker = board.worker("secret-worker").await;
    worker.take().await;
    assert!(!alice.get("/api/jobs/running/explain").await.text.contains("secret-"));
}

#[tokio::test]
async fn monitors_are_shown_no_payloads_where_that_is_asked_for() {
    let config = Config { redact_payloads: true, ..Config::default() };
    let board = Board::guarded(&["alice=client", "monitor=monitor", "both=client+monitor"], config).await;
    let worker = board.worker("w").await;
    board.guest("alice").submits("j", None).await;
    let lease = worker.take().await;
    assert_eq!(lease.job["payload"], json!({ "of": "j" }), "a worker needs it");
    board.report(&lease, "finish", &json!({ "result": "secret" })).await;
    for (name, shown) in [("alice", true), ("admin", true), ("monitor", false), ("both", false)] {
        let job = board.guest(name).get("/api/jobs/j").await.json()["job"].clone();
        assert_eq!((job.get("payload").is_some(), job.get("result").is_some()), (shown, shown), "{name}");
    }
    let search = |name: &'static str| board.guest(name);
    assert_eq!(search("monitor").get("/api/jobs?q=secret").await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(search("alice").get("/api/jobs?q=secret").await.problem(), (400, "bad_field".to_owned()), "no --search");
}

#[tokio::test]
async fn a_worker_bound_to_machines_acts_for_no_other_and_takes_nothing_of_them() {
    let board = Board::guarded(&TOKENS, Config::default()).await;
    let gpu = board.guest("gpu");
    let joins = |worker: &str, machine: &str| {
        let (gpu, path) = (gpu.clone(), format!("/api/workers/{worker}"));
        let body = json!({ "machine_id": machine, "services": ["hash"] }).to_string();
        async move { gpu.ask("PUT", &path, "", &body).await.status }
    };
    assert_eq!(gpu.ask("PUT", "/api/machines/gpu-a1", "", "{}").await.status, 200);
    assert_eq!(gpu.ask("PUT", "/api/machines/gpu-b1", "", "{}").await.problem(), (403, "forbidden".to_owned()));
    let other = board.capable_worker("w-b", "gpu-b1", json!({})).await;
    board.guest("alice").submits("j", None).await;
    let lease = other.take().await;
    assert_eq!((joins("w-a", "gpu-a1").await, joins("w-x", "gpu-b1").await), (200, 403));
    assert_eq!(joins("w-b", "gpu-a1").await, 403, "it is another machine's worker");
    for (method, path) in [
        ("POST", "/api/machines/gpu-b1/heartbeat".to_owned()),
        ("POST", "/api/machines/gpu-b1/orders".to_owned()),
        ("DELETE", "/api/machines/gpu-b1".to_owned()),
        ("POST", "/api/workers/w-b/next".to_owned()),
        ("DELETE", "/api/workers/w-b".to_owned()),
        ("POST", format!("/api/leases/{}/finish", lease.id)),
        ("POST", format!("/api/leases/{}/release", lease.id)),
    ] {
        let answer = gpu.ask(method, &path, "", r#"{"result":1}"#).await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{path}");
        assert!(answer.text.contains("gpu-a*") && !answer.text.contains(&lease.id), "{}", answer.text);
    }
    assert_eq!(board.report(&lease, "finish", &json!({ "result": 1 })).await.status, 200, "nothing happened to it");
}

#[tokio::test]
async fn what_an_administrator_does_is_told_with_their_name() {
    let board = Board::guarded(&["alice=client", "gpu=worker"], Config::default()).await;
    let (alice, gpu) = (board.guest("alice"), board.guest("gpu"));
    alice.submits("own", None).await;
    alice.submits("other", None).await;
    let began = alice.post("/api/jobs", &body("first")).await.json()["event_id"].as_str().unwrap().to_owned();
    alice.post("/api/jobs/own/cancel", "").await;
    board.post("/api/jobs/other/cancel", "").await;
    board.post("/api/jobs/other/retry", "").await;
    assert_eq!(gpu.ask("PUT", "/api/machines/m", "", "{}").await.status, 200);
    board.post("/api/machines/m/drain", "").await;
    board.post("/api/services/hash/pause", "").await;
    board.post("/api/services/hash/resume", "").await;
    board.delete("/api/machines/m").await;
    assert_eq!(gpu.ask("PUT", "/api/machines/m", "", "{}").await.status, 200);
    assert_eq!(gpu.ask("DELETE", "/api/machines/m", "", "").await.status, 200);
    alice.submits("last", None).await;
    let path = format!("/api/events/monitor?since={began}&token={}", crate::board::secret_of("admin"));
    let mut told = Vec::new();
    let mut stream = board.stream(&path, None).await;
    while told.last() != Some(&("job_submitted".to_owned(), Value::Null)) {
        let frame = stream.next().await.unwrap();
        if frame.id.is_some() {
            told.push((frame.kind().to_owned(), frame.data["by"].clone()));
        }
    }
    told.retain(|(kind, _)| kind != "job_unschedulable");
    let by = |kind: &str, name: Option<&str>| (kind.to_owned(), json!(name));
    let admin = Some("admin");
    assert_eq!(
        told,
        [
            by("job_failed", None),
            by("job_failed", admin),
            by("job_submitted", admin),
            by("machine_startup", None),
            by("machine_status_change", admin),
            by("service_paused", admin),
            by("service_resumed", admin),
            by("machine_shutdown", admin),
            by("machine_startup", None),
            by("machine_shutdown", None),
            by("job_submitted", None),
        ]
    );
}
