//! Any bytes on any door: a named answer, and nobody disturbed.

use crate::board::Board;
use crate::http::{raw, request};

#[tokio::test]
async fn bytes_that_are_no_request_end_at_most_their_own_connection() {
    let board = Board::start().await;
    for bytes in [
        &b"\0\0\0\0"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = raw(board.at, bytes).await;
        assert!(answer.status == 0 || (400..500).contains(&answer.status), "{bytes:?}: {answer:?}");
    }
    board.submit("j", "hash").await;
}

#[tokio::test]
async fn every_mistake_in_a_body_has_a_name() {
    let board = Board::start().await;
    board.machine("m").await;
    let deep = format!(r#"{{"job_type":"a","payload":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let paths = [
        ("POST", "/api/jobs"),
        ("PUT", "/api/machines/m"),
        ("POST", "/api/machines/m/heartbeat"),
        ("PUT", "/api/workers/w"),
        ("POST", "/api/leases/00000000000000000000000000000000/progress"),
        ("POST", "/api/leases/00000000000000000000000000000000/finish"),
        ("POST", "/api/leases/00000000000000000000000000000000/fail"),
        ("POST", "/api/leases/00000000000000000000000000000000/release"),
        ("POST", "/api/jobs:batch"),
        ("POST", "/api/jobs/j/retry"),
        ("POST", "/api/machines/m/drain"),
        ("POST", "/api/machines/m/undrain"),
        ("POST", "/api/workers/w/drain"),
        ("POST", "/api/services/s/pause"),
        ("POST", "/api/services/s/resume"),
    ];
    for (method, path) in paths {
        for (body, code) in [("{", "bad_json"), ("[1]", "bad_field"), ("\u{fffd}", "bad_json"), (&deep, "bad_json")] {
            let answer = request(board.at, method, path, "", body).await;
            assert_eq!(answer.problem(), (400, code.to_owned()), "{method} {path} {}", &body[..body.len().min(20)]);
        }
    }
    board.submit("j", "hash").await;
}

#[tokio::test]
async fn invalid_utf8_in_a_body_is_no_json() {
    let board = Board::start().await;
    let mut bytes =
        format!("POST /api/jobs HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 18\r\n\r\n", board.at)
            .into_bytes();
    bytes.extend_from_slice(b"{\"job_type\":\"\xff\xfe\"}  ");
    assert_eq!(raw(board.at, &bytes).await.problem(), (400, "bad_json".to_owned()));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let board = Board::start().await;
    let body = "x".repeat(wire::limits::BODY_BYTES_MAX + 1);
    let answer = request(board.at, "POST", "/api/jobs", "", &body).await;
    // A client that goes on sending may see the connection cut before it reads the answer.
    assert!(answer.status == 0 || answer.problem() == (413, "payload_too_large".to_owned()), "{}", answer.status);
    board.submit("j", "hash").await;
}

#[tokio::test]
async fn ids_at_the_edge_and_paths_that_are_none_are_named() {
    let board = Board::start().await;
    for (method, path, expected) in [
        ("GET", "/api/jobs/a%20b", (400, "bad_field")),
        ("GET", "/api/jobs/..%2f..%2fetc", (400, "bad_field")),
        ("GET", "/api/jobs/%ff", (400, "bad_field")),
        ("PUT", "/api/machines/-m", (400, "bad_field")),
        ("POST", "/api/leases/short/renew", (409, "lease_lost")),
        ("GET", "/nowhere", (404, "not_found")),
        ("GET", "/assets/../../Cargo.toml", (404, "not_found")),
        ("GET", "/assets/..%2f..%2fCargo.toml", (404, "not_found")),
        ("DELETE", "/api/jobs", (405, "method_not_allowed")),
        ("POST", "/api/machines/m/orders?wait_ms=60001", (400, "bad_field")),
        ("GET", "/api/jobs/a%20b/explain", (400, "bad_field")),
        ("GET", "/api/jobs/..%2f..%2fetc/explain", (400, "bad_field")),
        ("POST", "/api/jobs/%ff/retry", (400, "bad_field")),
        ("POST", "/api/jobs/-j/retry", (400, "bad_field")),
        ("POST", "/api/machines/a%00b/drain", (400, "bad_field")),
        ("POST", "/api/machines/%2e%2e/undrain", (400, "bad_field")),
        ("POST", "/api/workers/a%2fb/drain", (400, "bad_field")),
        ("POST", "/api/workers/%ff/undrain", (400, "bad_field")),
        ("POST", "/api/services/a%0ab/pause", (400, "bad_field")),
        ("POST", "/api/services/%ff/resume", (400, "bad_field")),
        ("POST", "/api/services//pause", (400, "bad_field")),
        ("POST", "/api/machines/m/drain", (404, "unknown_machine")),
        ("POST", "/api/workers/w/undrain", (404, "unknown_worker")),
        ("GET", "/api/jobs/nobody/explain", (404, "job_not_found")),
        ("GET", "/api/services/s", (404, "not_found")),
        ("POST", "/api/machines/m/pause", (404, "not_found")),
        ("GET", "/api/jobs:batch", (405, "method_not_allowed")),
        ("GET", "/api/jobs/j/retry", (405, "method_not_allowed")),
        ("POST", "/api/jobs/j/explain", (405, "method_not_allowed")),
        ("DELETE", "/api/machines/m/drain", (405, "method_not_allowed")),
        ("GET", "/api/workers/w/undrain", (405, "method_not_allowed")),
        ("PUT", "/api/services/s/pause", (405, "method_not_allowed")),
        ("POST", "/api/services", (405, "method_not_allowed")),
        ("POST", "/api/classes", (405, "method_not_allowed")),
        ("GET", "/api/classes?limit=0", (400, "bad_field")),
        ("GET", "/api/classes?limit=501", (400, "bad_field")),
        ("GET", "/api/classes?service=", (400, "bad_field")),
        ("GET", "/api/classes?colour=red", (400, "bad_field")),
    ] {
        let answer = request(board.at, method, path, "", "").await;
        assert_eq!(answer.problem(), (expected.0, expected.1.to_owned()), "{method} {path}");
    }
}

#[tokio::test]
async fn a_page_or_a_name_from_elsewhere_is_refused() {
    let board = Board::start().await;
    let from_page =
        request(board.at, "POST", "/api/jobs", "Origin: https://evil.example\r\n", r#"{"job_type":"a"}"#).await;
    assert_eq!(from_page.problem(), (403, "forbidden".to_owned()));
    let rebound = raw(board.at, b"GET /api/stats HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(rebound.problem(), (403, "forbidden".to_owned()));
    assert_eq!(board.get("/api/stats").await.json()["stats"]["total_jobs"], 0);
}
