//! Every door and every role, as `wire.md` §12 has it. Written by hand, from there.

use crate::board::Board;
use crate::http::knock;
use broker::Config;

const NO: &str = "–";
const YES: &str = "yes";

/// A door, and what it says to a client, a monitor, a worker, an administrator, and without a token.
type Row = (&'static str, &'static str, [&'static str; 5]);

const SUBMIT: [&str; 5] = [YES, NO, NO, YES, NO];
const READ: [&str; 5] = [YES, YES, NO, YES, NO];
const WATCH: [&str; 5] = [NO, YES, NO, YES, NO];
const OPERATE: [&str; 5] = [NO, NO, NO, YES, NO];
const WORK: [&str; 5] = [NO, NO, YES, YES, NO];
const SIGNED_IN: [&str; 5] = [YES, YES, YES, YES, NO];
const ALL: [&str; 5] = [YES; 5];

const MATRIX: &[Row] = &[
    ("GET", "/ws/monitor/m", WATCH),
    ("GET", "/api/events/monitor", WATCH),
    ("GET", "/ws/client/c", SUBMIT),
    ("GET", "/ws", SUBMIT),
    ("GET", "/ws/any/other", SUBMIT),
    ("GET", "/api/events/client", SUBMIT),
    ("POST", "/api/jobs", SUBMIT),
    ("POST", "/api/jobs:batch", SUBMIT),
    ("GET", "/api/jobs", READ),
    ("GET", "/api/jobs/j", READ),
    ("GET", "/api/jobs/j/events", READ),
    ("GET", "/api/jobs/j/progress", READ),
    ("POST", "/api/jobs/j/cancel", SUBMIT),
    ("POST", "/api/jobs/j/retry", SUBMIT),
    ("GET", "/api/jobs/j/explain", READ),
    ("GET", "/api/machines", WATCH),
    ("GET", "/api/machines/m", WATCH),
    ("GET", "/api/workers", WATCH),
    ("GET", "/api/workers/w", WATCH),
    ("GET", "/api/services", WATCH),
    ("GET", "/api/classes", WATCH),
    ("GET", "/api/stats", WATCH),
    ("GET", "/api/connections", WATCH),
    ("POST", "/api/machines/m/drain", OPERATE),
    ("POST", "/api/machines/m/undrain", OPERATE),
    ("POST", "/api/workers/w/drain", OPERATE),
    ("POST", "/api/workers/w/undrain", OPERATE),
    ("POST", "/api/services/s/pause", OPERATE),
    ("POST", "/api/services/s/resume", OPERATE),
    ("PUT", "/api/machines/m", WORK),
    ("POST", "/api/machines/m/heartbeat", WORK),
    ("POST", "/api/machines/m/orders", WORK),
    ("DELETE", "/api/machines/m", WORK),
    ("PUT", "/api/workers/w", WORK),
    ("POST", "/api/workers/w/next", WORK),
    ("DELETE", "/api/workers/w", WORK),
    ("POST", "/api/leases/l/start", WORK),
    ("POST", "/api/leases/l/renew", WORK),
    ("POST", "/api/leases/l/progress", WORK),
    ("POST", "/api/leases/l/finish", WORK),
    ("POST", "/api/leases/l/fail", WORK),
    ("POST", "/api/leases/l/release", WORK),
    ("POST", "/api/tickets", SIGNED_IN),
    ("DELETE", "/api/session", SIGNED_IN),
    ("POST", "/api/session", ALL),
    ("GET", "/metrics", WATCH),
    ("GET", "/health", ALL),
    ("GET", "/health/live", ALL),
    ("GET", "/health/ready", ALL),
    ("GET", "/version", ALL),
    ("GET", "/", ALL),
    ("GET", "/icon.svg", ALL),
    ("GET", "/assets/a", ALL),
    ("GET", "/docs", ALL),
    ("GET", "/api/openapi.json", ALL),
];

const ROLES: [&str; 4] = ["client", "monitor", "worker", "admin"];
const TOKENS: [&str; 3] = ["client=client", "monitor=monitor", "worker=worker"];

#[tokio::test]
async fn every_door_lets_in_who_may_and_nobody_else() {
    let board = Board::guarded(&TOKENS, Config::default()).await;
    println!("{:<38}{:>8}{:>9}{:>8}{:>7}{:>10}", "door", "client", "monitor", "worker", "admin", "no token");
    let mut wrong = Vec::new();
    for (method, path, expected) in MATRIX {
        let mut found = Vec::new();
        for role in ROLES {
            found.push(word(board.guest(role).knock(method, path).await));
        }
        found.push(word(board.stranger().knock(method, path).await));
        let door = format!("{method} {path}");
        println!("{door:<38}{:>8}{:>9}{:>8}{:>7}{:>10}", found[0], found[1], found[2], found[3], found[4]);
        if found != expected {
            wrong.push(format!("{door}: {expected:?} is promised, {found:?} is so"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn word(status: u16) -> &'static str {
    match status {
        401 | 403 => NO,
        0 => "cut",
        _ => YES,
    }
}

#[tokio::test]
async fn a_socket_at_the_root_is_a_clients_and_the_page_is_for_all() {
    let board = Board::guarded(&["client=client", "monitor=monitor"], Config::default()).await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    assert_eq!(knock(board.at, "GET", "/", upgrade).await, 401);
    assert_eq!(board.guest("monitor").ask("GET", "/", upgrade, "").await.status, 403);
    assert_eq!(knock(board.at, "GET", "/", "").await, 200);
}

#[tokio::test]
async fn what_tells_of_everyone_is_not_for_a_token_bound_to_a_customer() {
    let board = Board::guarded(&["acme=client@acme+monitor", "monitor=monitor"], Config::default()).await;
    for (method, path, expected) in MATRIX.iter().filter(|(.., expected)| *expected == WATCH) {
        assert_eq!(expected[1], YES);
        assert_eq!(board.guest("acme").knock(method, path).await, 403, "{path}");
    }
    assert_eq!(board.guest("acme").get("/api/jobs").await.status, 200);
}

#[tokio::test]
async fn without_a_role_one_is_told_which_is_needed_and_without_a_token_that_one_is() {
    let board = Board::guarded(&["worker=worker"], Config::default()).await;
    let without_role = board.guest("worker").get("/api/jobs").await;
    assert_eq!(without_role.problem(), (403, "forbidden".to_owned()));
    assert!(without_role.text.contains("client or monitor or admin"), "{}", without_role.text);
    let without_token = board.stranger().get("/api/jobs").await;
    assert_eq!(without_token.problem(), (401, "unauthorized".to_owned()));
    assert!(without_token.head.to_lowercase().contains("www-authenticate: bearer"), "{}", without_token.head);
    assert_eq!(board.get("/nowhere").await.problem(), (404, "not_found".to_owned()));
    assert_eq!(board.delete("/api/jobs").await.problem(), (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn how_it_is_may_everyone_know_and_what_there_is_monitors_may() {
    let board = Board::guarded(&["client=client", "monitor=monitor"], Config::default()).await;
    for health in [board.stranger().get("/health").await, board.guest("client").get("/health").await] {
        let health = health.json();
        assert_eq!((&health["status"], health.get("store"), health.get("connections")), (&"ok".into(), None, None));
    }
    assert_eq!(board.guest("monitor").get("/health").await.json()["store"]["kind"], "memory");
}
