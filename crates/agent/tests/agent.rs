//! An agent and real programs against a broker that has good and bad days.
#![allow(clippy::unwrap_used)]

mod board;

use agent::{AgentError, Config};
use board::{Board, runs, until};
use client::Client;
use serde_json::{Value, json};
use std::path::Path;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running agent; its service `script` runs the script that a job brings as its argument.
struct Agent {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), AgentError>>,
}

impl Agent {
    fn start(board: &Board) -> Agent {
        Agent::with(board, 1)
    }

    fn with(board: &Board, drain_s: u32) -> Agent {
        let config = config(drain_s);
        let (client, shutdown) = (Client::new(&board.url()).unwrap(), CancellationToken::new());
        let task = tokio::spawn(agent::run(config, client, shutdown.clone()));
        Agent { shutdown, task }
    }

    async fn end(self) -> Result<(), AgentError> {
        self.shutdown.cancel();
        self.task.await.unwrap()
    }
}

fn config(drain_s: u32) -> Config {
    let text = format!(
        r#"
            [machine]
            id = "m"
            drain_s = {drain_s}
            [[workers]]
            slots = 2
            [services.script]
            engine = "command"
            program = "sh"
            args = ["-c", "eval \"$1\"", "sh"]
            job_args = true
            grace_s = 1
            [services.nap]
            engine = "simulated"
            steps = 100
            duration_ms = 600000
            "#
    );
    Config::parse(&text, "agent.toml").unwrap()
}

fn script(text: &str) -> Value {
    json!({"args": [text]})
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test]
async fn a_job_is_taken_worked_on_and_told() {
    let board = Board::open();
    let agent = Agent::start(&board);
    let text = r#"echo '{"progress":0.5,"message":"half"}'; sleep 0.3; echo '{"result":{"answer":42}}'"#;
    board.submit("j-1", "script", &script(text));
    assert_eq!(board.until_said("finish").await, json!({"result": {"answer": 42}}));
    let progress = board.until_said("progress").await;
    assert_eq!((&progress["progress"], &progress["message"]), (&json!(0.5), &json!("half")));
    board.until("ready", |state| state.beaten.iter().any(|beat| beat["phase"] == "ready").then_some(())).await;
    agent.end().await.unwrap();
    board.change(|state| assert_eq!(state.left, ["m-0", "m"]));
}

#[tokio::test]
async fn slots_work_side_by_side_and_are_named_in_have() {
    let board = Board::open();
    let agent = Agent::start(&board);
    ["a", "b", "c"].iter().for_each(|id| board.submit(id, "nap", &json!({})));
    board
        .until("two leases in a beat", |state| {
            state.beaten.iter().find(|beat| beat["leases"].as_array().unwrap().len() == 2).map(|_| ())
        })
        .await;
    board.change(|state| {
        assert_eq!((state.leases.len(), state.queue.len()), (2, 1));
        assert_eq!(state.have.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
    });
    board.cancel("a");
    board.until("the third job", |state| state.queue.is_empty().then_some(())).await;
    agent.end().await.unwrap();
}

#[tokio::test]
async fn a_cancel_ends_the_whole_group_with_a_grandchild_that_ignores_term() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&board);
    let file = folder.path().join("pid");
    let grandchild = format!("trap '' TERM; echo $$ > {}; while :; do sleep 0.05; done", file.display());
    board.submit("j-1", "script", &script(&format!("sh -c \"{}\" & wait", grandchild.replace('$', "\\$"))));
    until("a grandchild", || read(&file).ends_with('\n')).await;
    let pid = read(&file);
    assert!(runs(&pid));
    // It is the waiting call for orders that brings it, not the next heartbeat.
    board.change(|state| state.beats_say_nothing = true);
    board.cancel("j-1");
    until("the grandchild's end", || !runs(&pid)).await;
    agent.end().await.unwrap();
    board.change(|state| assert!(state.said("finish").is_empty() && state.said("fail").is_empty(), "{state:#?}"));
}

#[tokio::test]
async fn a_lease_that_progress_finds_lost_ends_the_work() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&board);
    let (pid, go) = (folder.path().join("pid"), folder.path().join("go"));
    let (pid_path, go_path) = (pid.display(), go.display());
    let text = format!(
        "echo $$ > {pid_path}; while [ ! -e {go_path} ]; do sleep 0.02; done; echo '{{\"progress\":0.1}}'; sleep 60"
    );
    board.submit("j-1", "script", &script(&text));
    until("the program", || read(&pid).ends_with('\n')).await;
    // No order and no heartbeat tells it.
    board.change(|state| (state.beats_say_nothing = true, state.leases.clear()));
    std::fs::write(&go, "").unwrap();
    let pid = read(&pid);
    until("the program's end", || !runs(&pid)).await;
    agent.end().await.unwrap();
}

#[tokio::test]
async fn a_result_survives_a_broker_that_is_busy_and_then_away() {
    let (mut board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&board);
    let go = folder.path().join("go");
    let text = format!("while [ ! -e {} ]; do sleep 0.02; done; echo '{{\"result\":7}}'", go.display());
    board.submit("j-1", "script", &script(&text));
    board.until("a lease", |state| (!state.leases.is_empty()).then_some(())).await;
    board.change(|state| state.answer_reports = Some((503, "store_unavailable")));
    std::fs::write(&go, "").unwrap();
    board.until("two refused finishes", |state| (state.said("refused finish").len() >= 2).then_some(())).await;
    board.go_down();
    board.change(|state| state.answer_reports = None);
    let refused = board.change(|state| state.said.len());
    board.go_up();
    assert_eq!(board.until_said("finish").await, json!({"result": 7}));
    board.change(|state| {
        assert_eq!(state.said.len(), refused + 1);
        assert_eq!(state.resumed.len(), 1, "the session was still good");
    });
    agent.end().await.unwrap();
}

#[tokio::test]
async fn a_result_that_is_lost_is_thrown_away_and_work_goes_on() {
    let board = Board::open();
    let agent = Agent::start(&board);
    board.change(|state| state.answer_reports = Some((409, "lease_lost")));
    board.submit("j-1", "script", &script("echo '{\"result\":1}'"));
    board.until_said("refused finish").await;
    board.change(|state| (state.leases.clear(), state.answer_reports = None));
    board.submit("j-2", "script", &script("echo '{\"result\":2}'"));
    assert_eq!(board.until_said("finish").await, json!({"result": 2}));
    agent.end().await.unwrap();
    board.change(|state| assert_eq!(state.said("refused finish").len(), 1));
}

#[tokio::test]
async fn a_broker_that_forgot_the_machine_is_joined_again_and_keeps_what_runs() {
    let board = Board::open();
    let agent = Agent::start(&board);
    board.submit("j-1", "nap", &json!({}));
    let lease = board.until("a lease", |state| state.leases.keys().next().cloned()).await;
    board.until("the lease in a beat", |state| (state.beaten.last()?["leases"][0] == json!(lease)).then_some(())).await;
    board.change(|state| state.knows_machine = false);
    let resumed = board.until("a resumed session", |state| state.resumed.get(1).cloned()).await;
    assert_eq!(resumed, [lease]);
    board.change(|state| assert_eq!(state.machine_joins, 2));
    agent.end().await.unwrap();
    board.change(|state| assert_eq!(state.said("release").len(), 1));
}

#[tokio::test]
async fn the_newer_of_two_agents_wins_at_once_and_the_other_ends_with_a_sentence() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let older = Agent::start(&board);
    let file = folder.path().join("pid");
    board.submit("j-1", "script", &script(&format!("echo $$ > {}; sleep 60", file.display())));
    until("the program", || read(&file).ends_with('\n')).await;
    let newer = Agent::start(&board);
    let error = older.task.await.unwrap().unwrap_err();
    assert!(matches!(&error, AgentError::Replaced { worker } if worker == "m-0"), "{error}");
    assert!(error.to_string().contains("another agent runs under the same id"), "{error}");
    assert!(!runs(&read(&file)), "its job was stopped");
    board.submit("j-2", "script", &script("echo '{\"result\":2}'"));
    assert_eq!(board.until_said("finish").await, json!({"result": 2}));
    board.change(|state| {
        assert_eq!(state.resumed, [Vec::<String>::new(), Vec::new()], "nobody registered again");
        assert!(state.left.is_empty(), "the newer one's machine stays: {:?}", state.left);
    });
    newer.end().await.unwrap();
}

#[tokio::test]
async fn an_own_registration_that_comes_late_is_no_takeover() {
    let board = Board::open();
    board.change(|state| state.lose_registrations = 1);
    let agent = Agent::start(&board);
    board.until("a repeated registration", |state| (state.resumed.len() == 1).then_some(())).await;
    // The first one, which was not answered, arrives after the second.
    board.change(|state| state.resumed.push(Vec::new()));
    board.until("a third", |state| (state.resumed.len() == 3).then_some(())).await;
    board.submit("j-1", "script", &script("echo '{\"result\":1}'"));
    board.until_said("finish").await;
    // From now on it is one.
    board.change(|state| state.resumed.push(Vec::new()));
    assert!(matches!(agent.task.await.unwrap(), Err(AgentError::Replaced { .. })));
    board.change(|state| assert_eq!(state.resumed.len(), 4));
}

#[tokio::test]
async fn whoever_was_taken_over_leaves_its_machine_to_the_other_at_the_end() {
    let board = Board::open();
    let agent = Agent::start(&board);
    // With both slots taken it asks for nothing, so it cannot hear of a takeover.
    ["a", "b"].iter().for_each(|id| board.submit(id, "nap", &json!({})));
    board.until("two leases", |state| (state.leases.len() == 2).then_some(())).await;
    board.change(|state| state.resumed.push(Vec::new()));
    agent.end().await.unwrap();
    board.change(|state| assert!(state.left.is_empty(), "{:?}", state.left));
}

#[tokio::test]
async fn a_program_that_term_ends_together_with_the_agent_is_handed_back() {
    for agent_first in [true, false] {
        let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
        let agent = Agent::with(&board, 600);
        let file = folder.path().join("pid");
        board.submit("j-1", "script", &script(&format!("echo $$ > {}; sleep 60", file.display())));
        until("the program", || read(&file).ends_with('\n')).await;
        let leader = nix::unistd::Pid::from_raw(read(&file).trim().parse().unwrap());
        let term = || nix::sys::signal::killpg(leader, nix::sys::signal::Signal::SIGTERM).unwrap();
        if agent_first {
            agent.shutdown.cancel();
            term();
        } else {
            term();
            agent.shutdown.cancel();
        }
        agent.task.await.unwrap().unwrap();
        board.change(|state| {
            assert_eq!((state.said("release").len(), state.said("fail").len()), (1, 0), "{:?}", state.said);
        });
    }
}

#[tokio::test]
async fn a_program_that_term_ends_alone_has_failed() {
    let board = Board::open();
    let agent = Agent::start(&board);
    board.submit("j-1", "script", &script("kill -TERM $$"));
    let failed = board.until_said("fail").await;
    assert_eq!(failed["error"], "the program was killed by SIGTERM (15)");
    agent.end().await.unwrap();
}

#[tokio::test]
async fn an_agent_that_is_dropped_leaves_no_process_behind() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&board);
    let file = folder.path().join("pids");
    board.submit("j-1", "script", &script(&format!("sh -c 'sleep 60' & echo $$ $! > {}; wait", file.display())));
    until("the programs", || read(&file).ends_with('\n')).await;
    agent.task.abort();
    assert!(agent.task.await.unwrap_err().is_cancelled());
    let pids = read(&file);
    until("their end", || !pids.split_whitespace().any(runs)).await;
}

/// As in the binary: what runs is dropped, and the runtime right after it.
#[test]
fn an_agent_whose_runtime_is_dropped_leaves_no_process_behind() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let file = folder.path().join("pids");
    board.submit("j-1", "script", &script(&format!("sh -c 'sleep 60' & echo $$ $! > {}; wait", file.display())));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let run = agent::run(config(1), Client::new(&board.url()).unwrap(), CancellationToken::new());
        tokio::select! {
            ended = run => panic!("{ended:?}"),
            () = until("the programs", || read(&file).ends_with('\n')) => {}
        }
    });
    drop(runtime);
    let pids = read(&file);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(until("their end", || !pids.split_whitespace().any(runs)));
}

#[tokio::test]
async fn at_the_end_short_jobs_finish_and_long_ones_are_handed_back_unharmed() {
    let (board, folder) = (Board::open(), tempfile::tempdir().unwrap());
    let agent = Agent::with(&board, 2);
    let go = folder.path().join("go");
    let text = format!("while [ ! -e {} ]; do sleep 0.02; done; echo '{{\"result\":7}}'", go.display());
    board.submit("short", "script", &script(&text));
    board.submit("long", "nap", &json!({}));
    board.until("two leases", |state| (state.leases.len() == 2).then_some(())).await;
    agent.shutdown.cancel();
    board
        .until("a draining beat", |state| {
            (state.beaten.last()?["workers"]["m-0"]["status"] == "draining").then_some(())
        })
        .await;
    std::fs::write(&go, "").unwrap();
    agent.end().await.unwrap();
    board.change(|state| {
        let said: Vec<_> = state
            .said
            .iter()
            .filter(|(verb, ..)| verb != "progress")
            .map(|(verb, job, _)| (verb.as_str(), job.as_str()))
            .collect();
        assert_eq!(said, [("finish", "short"), ("release", "long")]);
        assert_eq!(state.left, ["m-0", "m"]);
    });
}

#[tokio::test]
async fn a_broker_that_hangs_on_progress_slows_no_work() {
    let board = Board::open();
    let agent = Agent::start(&board);
    board.change(|state| state.progress_hangs = true);
    let text = "i=0; while [ $i -lt 200 ]; do echo '{\"progress\":0.5}'; i=$((i+1)); done; echo '{\"result\":1}'";
    board.submit("j-1", "script", &script(text));
    board.until_said("finish").await;
    agent.end().await.unwrap();
}

#[tokio::test]
async fn a_result_that_is_too_large_is_a_failed_run() {
    let board = Board::open();
    let agent = Agent::start(&board);
    board.submit(
        "j-1",
        "script",
        &script("printf '{\"result\":\"'; head -c 300000 /dev/zero | tr '\\0' x; echo '\"}'"),
    );
    let failed = board.until_said("fail").await;
    assert_eq!(failed["failure"]["type"], "bad_output");
    assert!(failed["error"].as_str().unwrap().contains("262144"), "{failed}");
    agent.end().await.unwrap();
}

#[tokio::test]
async fn a_refused_machine_is_told_and_an_absent_broker_waited_for() {
    let mut board = Board::open();
    board.change(|state| state.answer_all = Some((401, "unauthorized")));
    let error = Agent::start(&board).task.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the broker refuses machine m: the test says unauthorized (unauthorized)");
    board.change(|state| state.answer_all = None);
    board.go_down();
    let agent = Agent::start(&board);
    board.go_up();
    board.until("a worker", |state| (!state.resumed.is_empty()).then_some(())).await;
    agent.end().await.unwrap();
}
