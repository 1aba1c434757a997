//! The reference and the router say the same, both ways.

use crate::board::Board;
use crate::http::{raw, request};
use std::collections::BTreeSet;
use std::path::Path;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// Every path that is a route, read where routes are written.
fn routed() -> BTreeSet<String> {
    let doors = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doors");
    let files = std::fs::read_dir(doors).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap());
    let paths = |text: String| {
        text.split(".route(").skip(1).filter_map(|rest| rest.split('"').nth(1).map(str::to_owned)).collect::<Vec<_>>()
    };
    texts.flat_map(paths).map(|path| path.replace("{*", "{")).collect()
}

/// Whether a door takes a method: some address under this path, with nothing in it.
async fn takes(board: &Board, method: &str, path: &str) -> bool {
    let open = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    let path: Vec<_> = path.split('/').map(open).collect();
    // A stream answers with its head, and would go on.
    let path = path.join("/");
    if method == "GET" && (path.contains("/events") || path.ends_with("/progress")) {
        return board.stream(&path, None).await.status != 405;
    }
    let answer = request(board.at, method, &path, "", "").await;
    answer.status != 405 && !(answer.status == 404 && answer.text.contains("there is nothing at"))
}

#[tokio::test]
async fn every_door_is_in_the_reference_and_the_other_way_round() {
    let board = Board::start().await;
    let told: BTreeSet<_> =
        wire::openapi::operations().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    let mut built = BTreeSet::new();
    for path in routed() {
        for method in METHODS {
            if takes(&board, method, &path).await {
                built.insert(format!("{method} {path}"));
            }
        }
    }
    let sockets =
        |door: &&String| door.contains(" /ws") || wire::openapi::sockets().iter().any(|path| door.ends_with(path));
    let untold: Vec<_> = built.difference(&told).filter(|door| !sockets(door)).collect();
    assert!(untold.is_empty(), "doors that crates/wire/src/openapi does not tell of: {untold:?}");
    let unbuilt: Vec<_> = told.difference(&built).collect();
    assert!(unbuilt.is_empty(), "doors that the reference tells of and nobody built: {unbuilt:?}");
}

#[tokio::test]
async fn the_reference_is_given_compressed_to_who_takes_that() {
    let board = Board::start().await;
    let plain = board.get("/api/openapi.json").await;
    assert_eq!((plain.status, plain.json()["openapi"].as_str()), (200, Some("3.1.0")));
    assert!(plain.head.contains("application/json") && !plain.head.contains("gzip"), "{}", plain.head);
    let ask = format!(
        "GET /api/openapi.json HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept-Encoding: br, gzip\r\n\r\n",
        board.at
    );
    let small = raw(board.at, ask.as_bytes()).await;
    assert!(
        small.head.contains("content-encoding: gzip") && small.head.contains("vary: accept-encoding"),
        "{}",
        small.head
    );
    let bytes = |head: &str| -> usize {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        length.parse().unwrap()
    };
    assert!(bytes(&small.head) * 4 < bytes(&plain.head), "{} {}", small.head, plain.head);
}

#[tokio::test]
async fn a_method_that_a_door_does_not_take_is_told_which_it_takes() {
    let board = Board::start().await;
    let answer = request(board.at, "PATCH", "/api/jobs", "", "").await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
    let allow = answer.head.lines().find_map(|line| line.strip_prefix("allow: "));
    assert_eq!(allow, Some("POST,GET"), "{}", answer.head);
}
