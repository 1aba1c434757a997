//! What the agents run for each job: leaves a mark that it ran, works for a while, says so.
//!
//! It speaks what every program of the `command` engine speaks: the job as JSON on standard
//! input, JSON lines on standard output.

use crate::clock::{now_us, pause};
use crate::record::{Execution, Record};
use anyhow::Context;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write, stdin, stdout};
use std::time::Duration;

/// Names the file that the marks go to.
pub(crate) const EXECUTIONS_ENV: &str = "STORM_EXECUTIONS";

/// No job of a storm works longer; whatever asks for more is no job of ours.
const WORK_MS_MAX: u64 = 10_000;

pub(crate) fn execute() -> anyhow::Result<()> {
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    let given: Value = serde_json::from_str(&text).context("standard input is not a job")?;
    let job = given["id"].as_str().context("the job has no id")?;
    let work_ms = given["payload"]["work_ms"].as_u64().unwrap_or(0).min(WORK_MS_MAX);
    let attempts = given["attempts"].as_array();
    let attempt = attempts.and_then(|all| all.last()?["attempt"].as_u64()).unwrap_or(0);
    let attempt = u32::try_from(attempt)?;

    let path = std::env::var_os(EXECUTIONS_ENV).with_context(|| format!("{EXECUTIONS_ENV} is not set"))?;
    let mut marks = OpenOptions::new().append(true).create(true).open(path)?;
    let pid = std::process::id();
    mark(&mut marks, &Execution { start: true, at: now_us(), job, attempt, pid })?;
    pause(Duration::from_millis(work_ms / 2));
    say(&json!({ "progress": 0.5, "message": "half of it" }))?;
    pause(Duration::from_millis(work_ms - work_ms / 2));
    mark(&mut marks, &Execution { start: false, at: now_us(), job, attempt, pid })?;
    say(&json!({ "result": { "job": job, "pid": pid } }))
}

/// One write to a file opened for appending: lines of many processes do not mix.
fn mark(marks: &mut File, execution: &Execution<'_>) -> std::io::Result<()> {
    marks.write_all(format!("{}\n", execution.line()).as_bytes())
}

fn say(line: &Value) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
