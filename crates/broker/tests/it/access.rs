//! Tokens: what they let in, what is refused and how, and what ends when one is taken back.

use crate::board::{Board, memory, secret_of};
use crate::http::{Stream, knock, raw, request};
use broker::{Broker, Config, KnownToken, Secret};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::path::Path;

fn line(name: &str, role: &str) -> String {
    KnownToken::new(name, &[role.to_owned()], None, None, &Secret::new(secret_of(name))).unwrap().to_string()
}

async fn with_file(path: &Path) -> Board {
    let admin = KnownToken::given(&Secret::new(format!("admin=admin:{}", secret_of("admin")))).unwrap();
    Board::set(memory(), Config { tokens: vec![admin], token_file: Some(path.to_owned()), ..Config::default() }).await
}

#[tokio::test]
async fn a_wrong_token_is_refused_at_every_door_and_one_address_cannot_go_on_guessing() {
    let board = Board::guarded(&["a=client"], Config::default()).await;
    let wrong = board.guest("nobody");
    assert_eq!(wrong.get("/api/jobs").await.problem(), (401, "unauthorized".to_owned()));
    assert_eq!(wrong.get("/").await.problem(), (401, "unauthorized".to_owned()), "who shows a token means it");
    let limited = wrong.until("/api/jobs", |answer| answer.status != 401).await;
    assert_eq!(limited.problem(), (429, "rate_limited".to_owned()));
    assert!(limited.head.to_lowercase().contains("retry-after: "), "{}", limited.head);
    assert_eq!(board.guest("a").get("/api/jobs").await.status, 200, "behind one proxy all have one address");
}

#[tokio::test]
async fn a_file_of_no_tokens_lets_nobody_in_and_one_that_is_wrong_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "# nobody yet\n").unwrap();
    let config = || Config { token_file: Some(path.clone()), ..Config::default() };
    let board = Board::set(memory(), config()).await;
    assert_eq!(board.get("/api/jobs").await.problem(), (401, "unauthorized".to_owned()));
    std::fs::write(&path, "a client the-secret-itself\n").unwrap();
    let why = Broker::start(memory(), config()).await.err().unwrap().to_string();
    assert!(why.contains("line 1") && why.contains("sha256:") && !why.contains("the-secret"), "{why}");
}

#[tokio::test]
async fn a_token_that_is_taken_back_ends_the_calls_that_wait_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, format!("{}\n{}\n", line("gone", "worker"), line("stays", "worker"))).unwrap();
    let board = with_file(&path).await;
    let admin = board.guest("admin");
    let mut waiting = Vec::new();
    for name in ["gone", "stays"] {
        let guest = board.guest(name);
        assert_eq!(guest.ask("PUT", &format!("/api/machines/{name}"), "", "{}").await.status, 200);
        let body = json!({ "machine_id": name, "services": ["hash"] }).to_string();
        let joined = guest.ask("PUT", &format!("/api/workers/{name}"), "", &body).await.json();
        let session = format!("X-Worker-Session: {}\r\n", joined["session"].as_str().unwrap());
        let (orders, next) = (format!("/api/machines/{name}/orders"), format!("/api/workers/{name}/next"));
        // Whatever a machine has to be told of at first.
        guest.post(&orders, "").await;
        let (asking, path) = (guest.clone(), format!("{next}?wait_ms=20000"));
        let work = tokio::spawn(async move { asking.ask("POST", &path, &session, r#"{"have":[]}"#).await });
        let path = format!("{orders}?wait_ms=20000");
        let orders = tokio::spawn(async move { guest.post(&path, "").await });
        waiting.push((work, orders));
    }
    admin.until("/health", |health| health.json()["connections"]["workers"] == 2).await;
    std::fs::write(&path, format!("{}\n", line("stays", "worker"))).unwrap();
    let (work, orders) = waiting.remove(0);
    for ended in [work.await.unwrap(), orders.await.unwrap()] {
        assert_eq!(ended.problem(), (401, "unauthorized".to_owned()));
        assert!(ended.text.contains("taken back"), "{}", ended.text);
    }
    assert_eq!(board.guest("gone").get("/api/stats").await.status, 401);
    // The worker stands ready no longer, so the other one is given the job.
    assert_eq!(admin.post("/api/jobs", r#"{"job_id":"j","job_type":"hash"}"#).await.status, 201);
    assert_eq!(waiting.remove(0).0.await.unwrap().json()["job"]["id"], "j");
}

#[tokio::test]
async fn a_token_may_stand_in_the_address_of_a_stream_only_and_comes_back_from_nowhere() {
    let board = Board::guarded(&["m=monitor"], Config::default()).await;
    let secret = secret_of("m");
    let mut stream = Stream::open(board.at, &format!("/api/events/monitor?token={secret}&snapshot=0"), None).await;
    assert_eq!((stream.status, stream.next().await.unwrap().kind().to_owned()), (200, "connected".to_owned()));
    let wrong = format!("/api/events/monitor?token={}", secret_of("nobody"));
    assert_eq!(board.stranger().get(&wrong).await.problem(), (401, "unauthorized".to_owned()));
    for path in ["/api/stats", "/api/jobs", "/version", "/nowhere", "/api/jobs/j", "/?x=1"] {
        for guest in [board.stranger(), board.guest("m")] {
            let (mark, param) = (if path.contains('?') { '&' } else { '?' }, ["token", "ticket"]);
            for param in param {
                let answer = guest.get(&format!("{path}{mark}{param}={secret}")).await;
                let expected = if path == "/nowhere" { (404, "not_found") } else { (400, "bad_field") };
                assert_eq!(answer.problem(), (expected.0, expected.1.to_owned()), "{path}");
                assert!(!answer.head.contains(&secret) && !answer.text.contains(&secret), "{answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn without_tokens_a_token_that_is_shown_is_not_looked_at() {
    let board = Board::start().await;
    assert_eq!(board.guest("anybody").get("/api/stats").await.status, 200);
    let stream = Stream::open(board.at, "/api/events/monitor?token=anything", None).await;
    assert_eq!(stream.status, 200);
}

#[tokio::test]
async fn a_page_from_elsewhere_needs_to_be_named_and_is_told_what_it_may() {
    let config = || Config { allow_origins: vec!["https://app.example".parse().unwrap()], ..Config::default() };
    let board = Board::guarded(&["c=client"], config()).await;
    let ask = async |method, origin: &str, more: &str| {
        let headers = format!("Origin: {origin}\r\n{more}");
        request(board.at, method, "/api/jobs", &headers, "").await
    };
    let elsewhere = ask("GET", "https://evil.example", "").await;
    assert_eq!(elsewhere.problem(), (403, "forbidden".to_owned()));
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://evil.example\r\n";
    assert_eq!(board.guest("c").ask("GET", "/ws/client/c", upgrade, "").await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(ask("GET", &format!("http://{}", board.at), "").await.status, 401, "ours");
    let named = ask("GET", "https://app.example", "").await;
    assert_eq!(named.problem(), (401, "unauthorized".to_owned()));
    let head = named.head.to_lowercase();
    for header in [
        "access-control-allow-origin: https://app.example",
        "access-control-allow-credentials: true",
        "access-control-expose-headers: retry-after, location",
        "vary: origin",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    let preflight = ask("OPTIONS", "https://app.example", "Access-Control-Request-Method: POST\r\n").await;
    assert_eq!(preflight.status, 204);
    let head = preflight.head.to_lowercase();
    assert!(head.contains("allow-methods: get, post, put, delete") && head.contains("authorization"), "{head}");
    let not = ask("OPTIONS", "https://evil.example", "Access-Control-Request-Method: POST\r\n").await;
    assert_eq!(not.problem(), (403, "forbidden".to_owned()));
    let board = Board::set(memory(), config()).await;
    assert_eq!(
        knock(board.at, "GET", "/api/jobs", "Origin: https://app.example\r\n").await,
        200,
        "also without tokens"
    );
    let rebound = raw(board.at, b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(rebound.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn with_tokens_the_board_answers_to_every_name() {
    let board = Board::guarded(&["c=client"], Config::default()).await;
    let text = format!(
        "GET /api/jobs HTTP/1.1\r\nHost: board.example\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        secret_of("c")
    );
    assert_eq!(raw(board.at, text.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn a_principal_that_submits_too_fast_is_told_when_to_come_back_and_others_are_not_held_up() {
    let config = Config { rate_limit: NonZeroU32::new(3), ..Config::default() };
    let board = Board::guarded(&["a=client", "b=client"], config).await;
    let batch = |jobs: usize| {
        let jobs: Vec<Value> = (0..jobs).map(|_| json!({ "job_type": "hash" })).collect();
        json!({ "jobs": jobs }).to_string()
    };
    let (a, b) = (board.guest("a"), board.guest("b"));
    let never = a.post("/api/jobs:batch", &batch(4)).await;
    assert_eq!(never.problem(), (429, "rate_limited".to_owned()));
    assert!(never.text.contains("split it"), "{}", never.text);
    assert_eq!(a.post("/api/jobs:batch", &batch(3)).await.status, 200);
    let late = a.post("/api/jobs:batch", &batch(3)).await;
    assert_eq!(late.problem(), (429, "rate_limited".to_owned()));
    assert!(late.head.to_lowercase().contains("retry-after: "), "{}", late.head);
    assert_eq!(b.post("/api/jobs:batch", &batch(3)).await.status, 200);
    assert_eq!(board.get("/api/stats").await.json()["stats"]["total_jobs"], 6);
}

#[tokio::test]
async fn a_client_id_that_is_none_is_named() {
    let board = Board::guarded(&["c=client"], Config::default()).await;
    let submit = async |id: &str| {
        let headers = format!("X-Client-Id: {id}\r\n");
        board.guest("c").ask("POST", "/api/jobs", &headers, r#"{"job_type":"hash"}"#).await
    };
    assert_eq!(submit("tab-1").await.status, 201);
    for wrong in ["", "a b", "-a", "ä", &"x".repeat(129)] {
        let answer = submit(wrong).await;
        assert_eq!(answer.problem(), (400, "bad_field".to_owned()), "{wrong}");
        assert!(answer.text.contains("X-Client-Id"), "{}", answer.text);
    }
}
