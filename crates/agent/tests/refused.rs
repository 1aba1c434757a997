//! Reports that the broker refuses, and a network that swallows everything for a while.
#![allow(clippy::unwrap_used)]

mod board;

use agent::Config;
use board::Board;
use client::Client;
use serde_json::{Value, json};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Runs an agent against the board while `test` lasts.
async fn with_agent(board: &Board, test: impl Future<Output = ()>) {
    let text = r#"
        [machine]
        id = "m"
        drain_s = 1
        [[workers]]
        slots = 2
        [services.script]
        engine = "command"
        program = "sh"
        args = ["-c", "eval \"$1\"", "sh"]
        job_args = true
        output_bytes_max = 100000000
        [services.nap]
        engine = "simulated"
        duration_ms = 600000
        "#;
    let config = Config::parse(text, "agent.toml").unwrap();
    let shutdown = CancellationToken::new();
    let agent = tokio::spawn(agent::run(config, Client::new(&board.url()).unwrap(), shutdown.clone()));
    test.await;
    shutdown.cancel();
    agent.await.unwrap().unwrap();
}

/// A script that leaves a line in `file` each time it is started.
fn script(file: &Path, text: &str) -> Value {
    json!({"args": [format!("echo started >> {}; {text}", file.display())]})
}

fn starts(file: &Path) -> usize {
    std::fs::read_to_string(file).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn an_error_that_is_larger_than_a_body_may_be_is_cut_and_told() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let file = folder.path().join("starts");
    board.change(|state| state.gives_again = true);
    let text = "printf '{\"error\":\"'; head -c 12000000 /dev/zero | tr '\\0' x; \
                printf '\",\"failure\":{\"type\":\"internal\",\"reason\":\"'; head -c 100000 /dev/zero | tr '\\0' y; \
                echo '\"}}'; exit 1";
    board.submit("j-1", "script", &script(&file, text));
    with_agent(&board, async {
        let failed = board.until_said("fail").await;
        assert_eq!(failed["error"].as_str().unwrap().len(), wire::limits::ERROR_BYTES_MAX);
        assert_eq!(failed["failure"]["reason"].as_str().unwrap().len(), wire::limits::ERROR_BYTES_MAX);
    })
    .await;
    assert_eq!(starts(&file), 1);
}

#[tokio::test]
async fn a_report_that_is_refused_is_told_in_less_and_less_words() {
    for (refused, told) in [(1, "fail"), (2, "release")] {
        let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
        let file = folder.path().join("starts");
        board.change(|state| (state.gives_again = true, state.refuse_reports = refused));
        board.submit("j-1", "script", &script(&file, "echo '{\"error\":\"it broke\"}'; exit 1"));
        with_agent(&board, async {
            let body = board.until_said(told).await;
            assert!(body.to_string().contains("the broker refused the report: the test says"), "{body}");
            board.change(|state| assert_eq!(state.said("refused fail")[0]["error"], "it broke"));
        })
        .await;
        assert_eq!(starts(&file), 1);
    }
}

#[tokio::test]
async fn a_lease_whose_end_nobody_hears_is_given_up_and_not_started_again() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let file = folder.path().join("starts");
    board.change(|state| (state.gives_again = true, state.answer_reports = Some((413, "payload_too_large"))));
    board.submit("j-1", "script", &script(&file, "exit 1"));
    with_agent(&board, async {
        board.until_said("refused release").await;
        board.change(|state| assert_eq!(state.said("refused fail").len(), 2));
        let lease = board.change(|state| state.leases.keys().next().cloned().unwrap());
        // It is not renewed any more, so that it runs out.
        board.change(|state| state.beaten.clear());
        board.until("a beat without it", |state| (state.beaten.last()?["leases"] == json!([])).then_some(())).await;
        board.change(|state| (state.answer_reports = None, state.have.clear()));
        for n in 2..5 {
            board.submit(&format!("j-{n}"), "script", &json!({"args": ["echo '{\"result\":1}'"]}));
            board.until("a result", |state| (state.said("finish").len() == n - 1).then_some(())).await;
        }
        board.until("more calls", |state| (state.have.len() >= 3).then_some(())).await;
        board.change(|state| assert!(state.have.iter().all(|have| have.contains(&lease)), "{:?}", state.have));
        // Once it is lost it need not be named any more.
        board.cancel("j-1");
        for n in 4.. {
            if board.change(|state| !state.have.last().unwrap().contains(&lease)) {
                break;
            }
            board.submit(&format!("j-{n}"), "script", &json!({"args": ["echo '{\"result\":1}'"]}));
            board.until("a result", |state| (state.said("finish").len() == n).then_some(())).await;
        }
    })
    .await;
    assert_eq!(starts(&file), 1);
}

#[tokio::test]
async fn after_a_network_that_swallowed_everything_jobs_and_orders_come_at_once() {
    let board = Board::open();
    board.submit("nap", "nap", &json!({}));
    with_agent(&board, async {
        board.until("both calls", |state| (state.have.len() == 2 && state.beats > 0).then_some(())).await;
        board.change(|state| state.black_hole = true);
        board.until("two beats that failed", |state| (state.swallowed >= 2).then_some(())).await;
        // The calls that hang were asked to wait longer than this test does.
        board.change(|state| (state.black_hole = false, state.beats_say_nothing = true));
        board.submit("j-1", "script", &json!({"args": ["echo '{\"result\":1}'"]}));
        board.until_said("finish").await;
        board.cancel("nap");
        board.until("its end", |state| (state.beaten.last()?["leases"] == json!([])).then_some(())).await;
    })
    .await;
}
