//! Calls and streams against a broker that says what the test wants.

#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use client::{Client, ClientError, NewJob};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Answer = Response<Body>;

/// Answers the n-th request with what `say` makes of it; gives the address.
async fn broker(say: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> String {
    let (count, say) = (Arc::new(AtomicUsize::new(0)), Arc::new(say));
    let app = Router::new()
        .fallback(move |request: Request| std::future::ready(say(count.fetch_add(1, Ordering::SeqCst), &request)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn answer(status: u16, kind: &str, body: &str) -> Answer {
    Response::builder().status(status).header("content-type", kind).body(Body::from(body.to_owned())).unwrap()
}

fn stream(body: &str) -> Answer {
    answer(200, "text/event-stream", body)
}

fn problem(status: u16, code: &str) -> Answer {
    let problem = wire::Problem::new(status, code, "a sentence");
    let mut answer = answer(status, "application/problem+json", &serde_json::to_string(&problem).unwrap());
    answer.headers_mut().insert("retry-after", "2".parse().unwrap());
    answer
}

async fn refused(answers: impl Fn() -> Answer + Send + Sync + 'static) -> ClientError {
    let url = broker(move |_, _| answers()).await;
    Client::new(&url).unwrap().renew(&"0".repeat(32)).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_has_its_code_and_is_no_weather() {
    let error = refused(|| problem(409, "lease_lost")).await;
    assert_eq!((error.code(), error.is_weather()), (Some("lease_lost"), false));
    assert_eq!(error.to_string(), "a sentence (lease_lost)");
}

#[tokio::test]
async fn a_busy_broker_is_weather_and_says_when_to_come_back() {
    let error = refused(|| problem(503, "inbox_full")).await;
    assert!(error.is_weather());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
}

#[tokio::test]
async fn a_full_store_is_weather() {
    assert!(refused(|| problem(507, "store_full")).await.is_weather());
}

#[tokio::test]
async fn a_proxy_that_finds_no_broker_is_weather() {
    let error = refused(|| answer(502, "text/html", "<h1>Bad Gateway</h1>")).await;
    assert!(matches!(error, ClientError::Unreachable { .. }) && error.is_weather(), "{error}");
}

#[tokio::test]
async fn what_is_no_broker_is_told_apart_and_names_no_lease() {
    for answer in [("text/html", 200), ("text/html", 404)] {
        let error = refused(move || self::answer(answer.1, answer.0, "<h1>Welcome</h1>")).await;
        let text = error.to_string();
        assert!(matches!(error, ClientError::Garbled { .. }) && !error.is_weather());
        assert!(text.contains("Welcome") && text.contains("POST /api/leases/…/renew"), "{text}");
    }
    let moved = || Response::builder().status(301).header("location", "https://b/").body(Body::empty()).unwrap();
    assert!(refused(moved).await.to_string().contains("redirect to https://b/"));
}

#[tokio::test]
async fn nobody_there_is_weather_and_names_no_lease() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let lease = "0123456789abcdef".repeat(2);
    let error = Client::new(&url).unwrap().renew(&lease).await.unwrap_err();
    assert!(matches!(&error, ClientError::Unreachable { why, .. } if why.contains("refused")), "{error}");
    assert!(!format!("{error} {error:?}").contains(&lease), "a lease is a secret: {error}");
}

#[tokio::test]
async fn next_sends_its_session_and_204_is_no_job() {
    let url = broker(|_, request| {
        assert_eq!(request.uri(), "/board/api/workers/w-1/next?wait_ms=5&start=1");
        assert_eq!(request.headers()["x-worker-session"], "abc");
        Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty()).unwrap()
    });
    let client = Client::new(&format!("{}/board", url.await)).unwrap();
    assert!(client.next("w-1", "abc", vec![], 5, true).await.unwrap().is_none());
}

#[tokio::test]
async fn a_job_is_submitted_from_a_builder_or_from_json() {
    let said = r#"{"success":true,"job_id":"j","status":"pending","message":"ok",
        "urls":{"self":"/api/jobs/j","events":"e","cancel":"c","explain":"later"},"timestamp":"t"}"#;
    let client = Client::new(&broker(move |_, _| answer(201, "application/json", said)).await).unwrap();
    assert_eq!(client.submit(&NewJob::new("digest", serde_json::json!(1))).await.unwrap().job_id, "j");
    assert!(!client.submit(&serde_json::json!({"job_type": "digest"})).await.unwrap().duplicate);
}

#[tokio::test]
async fn a_lost_stream_goes_on_after_its_last_whole_event() {
    let url = broker(|count, request| {
        let since = request.headers().get("last-event-id").map(|id| id.to_str().unwrap());
        match count {
            0 => {
                assert_eq!(since, Some("0"));
                stream("retry: 1\n\nid: 1\ndata: a\n\ndata: passing\n\nid: 2\ndata: cut of")
            }
            1 => {
                assert_eq!(since, Some("1"));
                answer(503, "text/html", "a proxy")
            }
            2 => {
                assert_eq!(since, Some("1"));
                stream("id: 2\ndata: b\n\nid: 5\n\n")
            }
            _ => {
                assert_eq!(since, Some("5"));
                Response::builder().status(204).body(Body::empty()).unwrap()
            }
        }
    });
    let mut events = Client::new(&url.await).unwrap().events("/api/events/monitor", Some("0"));
    let mut got = Vec::new();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        got.push((event.id, event.data));
    }
    let some = |id: &str| Some(id.to_owned());
    assert_eq!(got, [(some("1"), "a".into()), (None, "passing".into()), (some("2"), "b".into())]);
    assert_eq!(events.position(), Some("5"));
}

#[tokio::test]
async fn a_refused_stream_ends_with_the_refusal() {
    let client = Client::new(&broker(|_, _| problem(404, "job_not_found")).await).unwrap();
    let mut watch = client.watch_job("j-1").unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap_err().code(), Some("job_not_found"));
    assert!(watch.next().await.is_none());
    let client = Client::new(&broker(|_, _| answer(200, "text/html", "hi")).await).unwrap();
    let error = client.watch_all().next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("not text/event-stream"), "{error}");
}

#[tokio::test]
async fn a_watched_job_ends_with_its_last_message_over_any_number_of_connections() {
    let url = broker(|count, request| {
        assert_eq!(request.uri(), "/api/jobs/j-1/events");
        match count {
            0 => stream("retry: 1\n\nid: 1\ndata: {\"type\":\"job_accepted\"}\n\n"),
            1 => stream("data: {\"type\":\"error\",\"code\":\"shutting_down\",\"error\":\"bye\"}\n\n"),
            2 => stream("id: 2\ndata: {\"type\":\"complete_job\"}\n\ndata: {\"type\":\"never\"}\n\n"),
            _ => panic!("asked after the end"),
        }
    });
    let mut watch = Client::new(&url.await).unwrap().watch_job("j-1").unwrap();
    let mut kinds = Vec::new();
    while let Some(message) = watch.next().await {
        kinds.push(message.unwrap().kind);
    }
    assert_eq!(kinds, ["job_accepted", "complete_job"]);
}

#[tokio::test]
async fn many_jobs_are_submitted_in_one_call_and_each_has_its_answer() {
    let url = broker(|_, request| {
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/api/jobs:batch"));
        let results = r#"[{"index":0,"status":"created","job_id":"a"},
            {"index":1,"status":"refused","code":"bad_requirement","error":"/requirements/x: is null"}]"#;
        answer(200, "application/json", &format!(r#"{{"success":true,"results":{results},"timestamp":"t"}}"#))
    });
    let jobs = [NewJob::new("hash", 1), NewJob::new("hash", 2)];
    let results = Client::new(&url.await).unwrap().submit_all(&jobs).await.unwrap().results;
    assert_eq!((results[0].job_id.as_deref(), results[0].status), (Some("a"), wire::jobs::BatchStatus::Created));
    assert_eq!(
        (results[1].code.as_deref(), results[1].status),
        (Some("bad_requirement"), wire::jobs::BatchStatus::Refused)
    );
}

#[tokio::test]
async fn why_a_job_waits_is_asked_by_its_id_and_by_nothing_else() {
    let url = broker(|_, request| {
        assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/api/jobs/j-1/explain"));
        problem(404, "job_not_found")
    });
    let client = Client::new(&url.await).unwrap();
    assert_eq!(client.explain("j-1").await.unwrap_err().code(), Some("job_not_found"));
    assert_eq!(client.explain("../machines").await.unwrap_err().code(), Some("bad_field"), "it is not sent");
}
