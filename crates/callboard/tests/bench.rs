//! Every bench once, as small as it can be: that it runs, checks and tells what it says it tells.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use serde_json::Value;
use std::process::Command;

/// What a bench prints, what it says, and its exit code.
fn bench(name: &str, args: &[&str]) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callboard"));
    let output = command.args(["bench", name]).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// The parts of a bench's report by what they measured. Nothing of it may stay behind.
fn parts(name: &str, args: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let folder_name = folder.path().to_str().unwrap();
    let (printed, said, code) = bench(name, &[args, &["--json", "--dir", folder_name]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a store stayed behind");
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&report["bench"], &report["store"]), (&name.into(), &"sqlite".into()));
    assert!(report["version"].is_string() && report["cores"].as_u64() >= Some(1), "{report}");
    report["parts"].as_array().unwrap().clone()
}

/// All parts have these figures in every run and in the median, and they are more than nothing.
fn have(parts: &[Value], figures: &[&str]) {
    for part in parts {
        let runs = part["runs"].as_array().unwrap();
        for run in runs.iter().chain([&part["median"]]) {
            for figure in figures {
                assert!(run[*figure].as_f64() > Some(0.0), "{figure}: {part}");
            }
        }
    }
}

const FEW: [&str; 4] = ["--runs", "1", "--jobs", "100"];

#[test]
fn submissions_are_measured_one_by_one_in_batches_and_at_a_steady_rate() {
    let few = [&FEW[..], &["--connections", "4", "--batch", "10", "--rate", "100", "--seconds", "1"]].concat();
    let parts = parts("submit", &few);
    assert_eq!(parts.len(), 3);
    have(
        &parts,
        &["jobs_per_s", "answer_p50_us", "answer_p99_us", "answer_max_us", "broker_rss_mib", "jobs_per_append"],
    );
    have(&parts[2..], &["longest_pause_ms", "longest_plain_fdatasync_ms"]);
}

#[test]
fn lives_are_measured_step_by_step_chained_bare_and_with_a_fleet_that_stands_ready() {
    let few = [&FEW[..], &["--connections", "4", "--workers", "20", "--rate", "200", "--watchers", "1"]].concat();
    let parts = parts("life", &few);
    assert_eq!(parts.len(), 4);
    have(&parts, &["jobs_per_s", "broker_rss_mib"]);
    have(&parts[..3], &["submit_p99_us", "finish_p99_us"]);
    have(&[parts[0].clone(), parts[3].clone()], &["submit_to_lease_p50_us", "submit_to_lease_p99_us"]);
}

#[test]
fn a_killed_broker_is_timed_until_its_first_right_answer() {
    let parts = parts("restart", &FEW);
    have(&parts, &["listens_s", "first_next_s", "rss_mib", "peak_rss_mib"]);
}

#[test]
fn memory_is_measured_empty_full_and_after_a_restart() {
    let parts = parts("memory", &FEW);
    have(&parts, &["empty_rss_mib", "waiting_rss_mib", "restarted_rss_mib", "store_bytes_per_job"]);
}

#[test]
fn lists_are_measured_under_every_filter_that_the_broker_knows() {
    let parts = parts("lists", &[&FEW[..], &["--times", "4"]].concat());
    let of: Vec<_> = parts.iter().map(|part| part["what"].as_str().unwrap()).collect();
    assert!(["(all)", "status", "service", "status + service"].iter().all(|filter| of.contains(filter)), "{of:?}");
    have(&parts, &["p50_ms", "p95_ms", "max_ms"]);
}

#[test]
fn people_are_told_in_a_table() {
    let (printed, said, code) = bench("submit", &[&FEW[..], &["--part", "each", "--connections", "4"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(printed.contains("100 jobs of 1024 B, one POST each, 4 connections; median of 1"), "{printed}");
    assert!(printed.contains("broker_cpu_us_per_job"), "{printed}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_argument_that_says_so() {
    for (name, args, sentence) in [
        ("submit", ["--jobs", "0"], "--runs, --jobs and --connections: at least 1"),
        ("submit", ["--batch", "1001"], "--batch: from 1 to 1000"),
        ("submit", ["--payload", "10"], "--payload: at least 64 bytes"),
        ("life", ["--workers", "0"], "--rate and --workers: more than 0"),
        ("restart", ["--runs", "1000"], "--runs: fewer than --jobs"),
        ("lists", ["--broker", "nowhere"], "it looks like http://127.0.0.1:3331"),
    ] {
        let (_, said, code) = bench(name, &args);
        assert_eq!(code, Some(1), "{name} {args:?}: {said}");
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn the_bench_measures_in_this_process_and_through_the_doors() {
    let few = ["--waiting", "1000", "--claims", "200", "--runs", "1", "--workers", "20", "--profiles", "5", "--json"];
    let (printed, said, code) = bench("claim", &few);
    assert_eq!(code, Some(0), "{said}");
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let through: Vec<_> = rows.iter().map(|row| row["through"].as_str().unwrap()).collect();
    assert_eq!(through, ["in process", "doors"]);
    for row in rows {
        for figure in ["claim", "join", "leave", "explain"] {
            assert!(row[figure]["p50_us"].as_f64().unwrap() > 0.0, "{figure}: {row}");
        }
    }
    for (args, sentence) in [
        (["--waiting", "10"], "--waiting: at least 1000 jobs must wait"),
        (["--runs", "0"], "--runs and --claims: at least 1"),
        (["--claims", "0"], "--runs and --claims: at least 1"),
    ] {
        let (_, said, code) = bench("claim", &args);
        assert_eq!(code, Some(1));
        assert!(said.contains(sentence), "{said}");
    }
}
