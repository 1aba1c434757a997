//! The command engine and real programs, well-behaved and not.
#![allow(clippy::unwrap_used)]

mod board;

use agent::config::{CommandConfig, Config, EngineConfig};
use agent::engine::{Engine, Failed, Outcome, Tell, command::Command};
use board::{runs, until};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wire::FailureType;
use wire::jobs::JobView;

/// A service whose program is this script; the job's arguments are its `$1`, `$2` …
fn service(script: &str) -> CommandConfig {
    let text = "[services.s]\nengine = \"command\"\nprogram = \"sh\"\n[machine]\nid = \"m\"";
    let config = Config::parse(text, "agent.toml").unwrap();
    let Some(EngineConfig::Command(config)) = config.services.get("s").cloned() else { unreachable!() };
    CommandConfig {
        args: ["-c", script, "sh"].map(str::to_owned).to_vec(),
        grace: Duration::from_millis(300),
        ..config
    }
}

fn job(payload: &str) -> JobView {
    serde_json::from_str(&format!(r#"{{"id":"j-1","service_required":"s","payload":{payload},"ctx":{{"k":1}}}}"#))
        .unwrap()
}

async fn run_job(config: CommandConfig, job: JobView) -> Outcome {
    let engine = Command(config);
    let run = engine.run(&job, Tell::new("j-1").0, CancellationToken::new());
    tokio::time::timeout(Duration::from_secs(20), run).await.expect("the engine waits for ever")
}

async fn run(script: &str) -> Outcome {
    run_job(service(script), job("{}")).await
}

fn result(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done(result) => result.get().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn failed(outcome: Outcome) -> Failed {
    match outcome {
        Outcome::Failed(failed) => failed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_job_is_on_standard_input_with_payload_and_ctx() {
    let job = job(r#"{"a":[1, 2]}"#);
    let given = result(run_job(service(r#"printf '{"result":'; cat; echo '}'"#), job).await);
    let given: serde_json::Value = serde_json::from_str(&given).unwrap();
    assert_eq!((&given["id"], &given["payload"]["a"][1], &given["ctx"]["k"]), (&"j-1".into(), &2.into(), &1.into()));
}

#[tokio::test]
async fn exit_code_zero_is_completed_whatever_was_said() {
    assert_eq!(result(run("true").await), "null");
    assert_eq!(result(run("echo hello; echo '{\"result\":1}'; echo '{\"result\":2}'").await), "2");
    assert_eq!(result(run("printf '\\000\\377\\376\\n{\\n'; printf '{\"result\":3}'").await), "3");
    assert_eq!(result(run("echo '{\"error\":\"no\"}'").await), "null");
}

#[tokio::test]
async fn a_result_that_cannot_be_read_is_not_completed() {
    for line in ["{\"result\":{\"loss\":NaN}}", "{\"result\":1,\"result\":2}"] {
        let told = failed(run(&format!("echo '{line}'")).await);
        assert_eq!((told.kind, told.retry), (FailureType::BadOutput, true));
        assert!(told.error.starts_with("the program's result line cannot be read: "), "{}", told.error);
    }
    assert_eq!(failed(run("printf '{\"result\":\"\\377\"}'").await).kind, FailureType::BadOutput);
    assert_eq!(result(run("echo '{\"result\":NaN}'; echo '{\"result\":4,\"message\":5}'").await), "4");
    assert_eq!(failed(run("echo '{\"result\":NaN}'; exit 2").await).error, "the program ended with code 2");
}

#[tokio::test]
async fn whoever_was_told_to_end_from_outside_is_told_apart() {
    for script in ["kill -TERM $$", "kill -INT $$", "exit 143", "exit 130"] {
        let outcome = run(script).await;
        assert!(matches!(outcome, Outcome::ToldToEnd(_)), "{script}: {outcome:?}");
    }
    let Outcome::ToldToEnd(told) = run("kill -TERM $$").await else { panic!() };
    assert_eq!(told.error, "the program was killed by SIGTERM (15)");
}

#[tokio::test]
async fn another_exit_code_is_failed_with_what_was_said() {
    let told = failed(run("echo 'it broke' >&2; exit 3").await);
    assert_eq!(told.error, "the program ended with code 3: it broke");
    assert_eq!((told.kind, told.retry), (FailureType::Internal, true));
    let told = failed(
        run("echo '{\"error\":\"no such image\",\"failure\":{\"type\":\"bad_input\",\"reason\":\"404\"}}'; exit 1")
            .await,
    );
    assert_eq!((told.error.as_str(), told.kind, told.retry), ("no such image", FailureType::BadInput, false));
    assert_eq!(told.reason.as_deref(), Some("404"));
    let told = failed(run("head -c 100000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1").await);
    assert!(told.error.ends_with("xthe end") && told.error.len() < 5_000);
}

#[tokio::test]
async fn a_signal_is_named() {
    let told = failed(run("kill -SEGV $$").await);
    assert_eq!(told.error, "the program was killed by SIGSEGV (11)");
}

#[tokio::test]
async fn a_program_that_is_too_slow_is_ended() {
    let config = CommandConfig { timeout: Duration::from_millis(200), ..service("sleep 60") };
    let told = failed(run_job(config, job("{}")).await);
    assert_eq!((told.kind, told.retry), (FailureType::Timeout, true));
}

#[tokio::test]
async fn a_flood_is_ended_and_a_flood_of_log_lines_is_not() {
    let config = CommandConfig { output_bytes_max: 10_000, ..service("yes | tr -d '\\n'") };
    let told = failed(run_job(config, job("{}")).await);
    assert_eq!(told.kind, FailureType::BadOutput);
    assert!(told.error.contains("10000 bytes"), "{}", told.error);
    let quick = CommandConfig { output_bytes_max: 9, ..service("echo 0123456789") };
    assert_eq!(failed(run_job(quick, job("{}")).await).kind, FailureType::BadOutput);
    let config = CommandConfig { output_bytes_max: 100, ..service("yes | head -c 1000000; yes | head -c 1000000 >&2") };
    assert_eq!(result(run_job(config, job("{}")).await), "null");
}

#[tokio::test]
async fn a_grandchild_that_holds_the_output_open_is_not_waited_for() {
    assert_eq!(result(run("sleep 60 & echo '{\"result\":1}'").await), "1");
    // This one even leaves the group.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "setsid sh -c 'echo $$ > {0}; exec sleep 60' & while [ ! -s {0} ]; do sleep 0.02; done; echo '{{\"result\":2}}'",
        file.display()
    );
    assert_eq!(result(run(&script).await), "2");
    let pid = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn whoever_is_left_of_the_group_after_a_normal_end_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("(trap '' TERM HUP; sleep 60) & echo $! > {}", file.display());
    assert_eq!(result(run(&script).await), "null");
    let pid = std::fs::read_to_string(&file).unwrap();
    until("its end", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let (engine, job) = (Command(service(&format!("echo $$ > {}; sleep 60", file.display()))), job("{}"));
    let started = until("a start", || std::fs::read_to_string(&file).is_ok_and(|pid| pid.ends_with('\n')));
    tokio::select! {
        outcome = engine.run(&job, Tell::new("j").0, CancellationToken::new()) => panic!("{outcome:?}"),
        () = started => {}
    }
    let pid = std::fs::read_to_string(&file).unwrap();
    until("its end", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_group_that_ends_on_term_needs_no_grace() {
    let (stop, job) = (CancellationToken::new(), job("{}"));
    let config = CommandConfig { grace: Duration::from_secs(600), ..service("sleep 60; true") };
    let engine = Command(config);
    let run = engine.run(&job, Tell::new("j").0, stop.clone());
    stop.cancel();
    let outcome = tokio::time::timeout(Duration::from_secs(20), run).await.unwrap();
    assert!(matches!(outcome, Outcome::Stopped));
}

#[tokio::test]
async fn arguments_of_the_job_are_given_only_where_the_service_allows_it() {
    let script = r#"echo "{\"result\":\"$#:$1\"}""#;
    let with = |allowed| CommandConfig { job_args: allowed, ..service(script) };
    let args = r#"{"args":["$(id); x","b"]}"#;
    assert_eq!(result(run_job(with(true), job(args)).await), r#""2:$(id); x""#);
    assert_eq!(result(run_job(with(false), job(args)).await), r#""0:""#);
    assert_eq!(result(run_job(with(true), job("[1]")).await), r#""0:""#);
    assert_eq!(result(run_job(with(true), job(r#"{"args":null}"#)).await), r#""0:""#);
    for (payload, why) in [
        (r#"{"args":"x"}"#.to_owned(), "must be a list of strings"),
        (r#"{"args":[1]}"#.to_owned(), "must be a list of strings"),
        (format!(r#"{{"args":{:?}}}"#, vec!["x"; 65]), "65 entries; at most 64"),
        (format!(r#"{{"args":["{}"]}}"#, "x".repeat(4_097)), "payload.args[0] has 4097 bytes"),
        (r#"{"args":["a\u0000b"]}"#.to_owned(), "cannot be given these arguments"),
    ] {
        let told = failed(run_job(with(true), job(&payload)).await);
        assert_eq!((told.kind, told.retry), (FailureType::BadInput, false));
        assert!(told.error.contains(why), "{}", told.error);
    }
}

#[tokio::test]
async fn a_program_that_reads_nothing_is_no_mistake() {
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    assert_eq!(result(run_job(service("exit 0"), job(&large)).await), "null");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_service_that_is_down() {
    let config = CommandConfig { program: "/no/such/program".into(), ..service("") };
    let told = failed(run_job(config, job("{}")).await);
    assert_eq!(told.kind, FailureType::ServiceDown);
    assert!(told.error.contains("/no/such/program cannot be started"), "{}", told.error);
}

#[tokio::test]
async fn the_environment_is_what_the_config_says_and_little_more() {
    let mut config = service(r#"echo "{\"result\":\"$KEY,$CARGO_MANIFEST_DIR,${PATH:+path}\"}""#);
    config.env.insert("KEY".to_owned(), "value".to_owned());
    assert_eq!(result(run_job(config, job("{}")).await), r#""value,,path""#);
}
