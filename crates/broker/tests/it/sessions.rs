//! Sessions of a browser, and tickets.

use crate::board::{Board, Guest, secret_of};
use crate::http::{Answer, Stream, knock, request};
use broker::Config;
use serde_json::json;
use std::time::Duration;

async fn sign_in(board: &Board, name: &str, headers: &str) -> Answer {
    let body = json!({ "token": secret_of(name) }).to_string();
    request(board.at, "POST", "/api/session", headers, &body).await
}

/// The cookie that an answer sets, and how.
fn cookie(answer: &Answer) -> (String, String) {
    let mut lines = answer.head.lines().filter(|line| line.to_lowercase().starts_with("set-cookie: "));
    let (cookie, attributes) = lines.next().unwrap()["set-cookie: ".len()..].split_once("; ").unwrap();
    (format!("Cookie: theme=dark; {cookie}\r\n"), attributes.to_owned())
}

async fn ticket(guest: &Guest) -> String {
    let answer = guest.post("/api/tickets", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_browser_signs_in_is_known_by_its_cookie_and_signs_out() {
    let board = Board::guarded(&["m=monitor"], Config::default()).await;
    let signed_in = sign_in(&board, "m", "").await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    assert_eq!((&signed_in.json()["principal"], &signed_in.json()["roles"]), (&json!("m"), &json!(["monitor"])));
    assert!(signed_in.head.to_lowercase().contains("cache-control: no-store"));
    let (cookie, attributes) = cookie(&signed_in);
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/; Max-Age=43200");
    assert!(!cookie.contains(&secret_of("m")));
    assert_eq!(knock(board.at, "GET", "/api/stats", &cookie).await, 200);
    assert_eq!(knock(board.at, "POST", "/api/jobs", &cookie).await, 403, "it may what its token may");
    let out = request(board.at, "DELETE", "/api/session", &cookie, "").await;
    assert_eq!(out.status, 200);
    assert!(out.head.contains("callboard_session=; ") && out.head.contains("Max-Age=0"), "{}", out.head);
    let after = request(board.at, "GET", "/api/stats", &cookie, "").await;
    assert_eq!(after.problem(), (401, "unauthorized".to_owned()));
    assert!(after.text.contains("session has ended"), "{}", after.text);
    assert_eq!(knock(board.at, "GET", "/", &cookie).await, 200, "the page that signs in again must come");
    assert_eq!(sign_in(&board, "m", &cookie).await.status, 200);
}

#[tokio::test]
async fn signing_in_with_a_wrong_token_is_refused_and_counted() {
    let board = Board::guarded(&["m=monitor"], Config::default()).await;
    assert_eq!(sign_in(&board, "nobody", "").await.problem(), (401, "unauthorized".to_owned()));
    for (body, code) in [("{", "bad_json"), ("{}", "bad_field"), (r#"{"token":"a","name":"b"}"#, "unknown_field")] {
        assert_eq!(board.stranger().post("/api/session", body).await.problem(), (400, code.to_owned()), "{body}");
    }
    let mut last = (401, "unauthorized".to_owned());
    while last.0 == 401 {
        last = sign_in(&board, "nobody", "").await.problem();
    }
    assert_eq!(last, (429, "rate_limited".to_owned()));
    assert_eq!(sign_in(&board, "m", "").await.status, 200);
}

#[tokio::test]
async fn behind_a_proxy_that_speaks_tls_the_cookie_is_secure() {
    let board = Board::guarded(&["m=monitor"], Config::default()).await;
    let (_, attributes) = cookie(&sign_in(&board, "m", "X-Forwarded-Proto: https\r\n").await);
    assert!(attributes.ends_with("; Secure"), "{attributes}");
    let (_, attributes) = cookie(&sign_in(&board, "m", "X-Forwarded-Proto: http\r\n").await);
    assert!(!attributes.contains("Secure"), "{attributes}");
}

#[tokio::test]
async fn a_page_from_elsewhere_signs_nobody_in_and_its_cookies_do_not_count() {
    let config = Config { allow_origins: vec!["*".parse().unwrap()], ..Config::default() };
    let open = Board::guarded(&["m=monitor"], config).await;
    let (cookie, _) = cookie(&sign_in(&open, "m", "").await);
    let page = "Origin: https://any.example\r\n";
    let by_cookie = request(open.at, "GET", "/api/stats", &format!("{cookie}{page}"), "").await;
    assert_eq!(by_cookie.problem(), (401, "unauthorized".to_owned()));
    let by_token = open.guest("m").ask("GET", "/api/stats", page, "").await;
    assert_eq!(by_token.status, 200);
    let head = by_token.head.to_lowercase();
    assert!(head.contains("access-control-allow-origin: *") && !head.contains("allow-credentials"), "{head}");
    let board = Board::guarded(&["m=monitor"], Config::default()).await;
    assert_eq!(sign_in(&board, "m", page).await.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn a_ticket_opens_one_stream_once() {
    let board = Board::guarded(&["m=monitor", "c=client"], Config::default()).await;
    let ticket_of_m = ticket(&board.guest("m")).await;
    let path = format!("/api/events/monitor?snapshot=0&ticket={ticket_of_m}");
    assert_eq!(Stream::open(board.at, &path, None).await.status, 200);
    let twice = board.stranger().get(&path).await;
    assert_eq!(twice.problem(), (401, "unauthorized".to_owned()));
    assert!(twice.text.contains("holds once"), "{}", twice.text);
    let ticket_of_c = ticket(&board.guest("c")).await;
    let path = format!("/api/events/monitor?ticket={ticket_of_c}");
    assert_eq!(board.stranger().get(&path).await.problem(), (403, "forbidden".to_owned()), "it is who asked for it");
}

#[tokio::test]
async fn a_ticket_that_is_too_old_opens_nothing() {
    let config = Config { ticket_life: Duration::ZERO, ..Config::default() };
    let board = Board::guarded(&["m=monitor"], config).await;
    let path = format!("/api/events/monitor?ticket={}", ticket(&board.guest("m")).await);
    assert_eq!(board.stranger().get(&path).await.problem(), (401, "unauthorized".to_owned()));
}

#[tokio::test]
async fn who_asks_for_tickets_without_end_is_told_to_wait() {
    let board = Board::guarded(&["m=monitor"], Config::default()).await;
    let mut last = (200, String::new());
    while last.0 == 200 {
        let answer = board.guest("m").post("/api/tickets", "").await;
        last = if answer.status == 200 { (200, String::new()) } else { answer.problem() };
    }
    assert_eq!(last, (429, "rate_limited".to_owned()));
    assert_eq!(board.guest("m").get("/api/stats").await.status, 200);
}
