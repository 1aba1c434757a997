//! What the agents run for each job: leaves a mark that it ran, works for a while, says so.
//!
//! It speaks what every program of the `command` engine speaks: the job as JSON on standard
//! input, JSON lines on standard output.

use crate::clock::{now_us, pause};
use crate::content::{self, Part};
use crate::record::{Execution, Mark, Record};
use anyhow::Context;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write, stdin, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

/// Names the file that the marks go to.
pub(crate) const EXECUTIONS_ENV: &str = "STORM_EXECUTIONS";
/// Names the agent.
pub(crate) const AGENT_ENV: &str = "STORM_AGENT";
/// Names the file that ends all work early.
pub(crate) const HURRY_ENV: &str = "STORM_HURRY";
/// Names the process without which nobody wants the work.
pub(crate) const STORM_ENV: &str = "STORM_PID";

/// No job of a storm works longer; whatever asks for more is no job of ours.
const WORK_MS_MAX: u64 = 60_000;
/// How often long work looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn execute() -> anyhow::Result<()> {
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    let given: Value = serde_json::from_str(&text).context("standard input is not a job")?;
    let job = given["id"].as_str().context("the job has no id")?;
    let payload = &given["payload"];
    let work = Duration::from_millis(payload["work_ms"].as_u64().unwrap_or(0).min(WORK_MS_MAX));
    let attempts = given["attempts"].as_array();
    let attempt = attempts.and_then(|all| all.last()?["attempt"].as_u64()).unwrap_or(0);
    let attempt = u32::try_from(attempt)?;

    let mut marks = OpenOptions::new().append(true).create(true).open(variable(EXECUTIONS_ENV)?)?;
    let (agent, pid) = (variable(AGENT_ENV)?, std::process::id());
    let mut mark = |mark| put(&mut marks, &Execution { mark, at: now_us(), job, attempt, pid, agent: &agent });
    mark(Mark::Start)?;
    if !is_as_submitted(job, payload)? {
        mark(Mark::Wrong)?;
    }
    rest(work / 2)?;
    say(&json!({ "progress": 0.5, "message": "half of it" }))?;
    rest(work - work / 2)?;
    let bytes = usize::try_from(payload["result_bytes"].as_u64().unwrap_or(0))?;
    mark(Mark::End)?;
    say(&json!({ "result": { "job": job, "pid": pid, "text": content::text(job, Part::Result, bytes) } }))
}

fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

/// Byte for byte.
fn is_as_submitted(job: &str, payload: &Value) -> anyhow::Result<bool> {
    let bytes = usize::try_from(payload["bytes"].as_u64().context("the payload does not say how long it is")?)?;
    Ok(payload["text"].as_str() == Some(content::text(job, Part::Payload, bytes).as_str()))
}

/// Works for so long, but not after the storm is over or gone.
fn rest(work: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + work;
    let (hurry, storm) = (variable(HURRY_ENV)?, Pid::from_raw(variable(STORM_ENV)?.parse()?));
    while Instant::now() < until && !Path::new(&hurry).exists() && kill(storm, None).is_ok() {
        pause(LOOK_EVERY.min(until.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

/// One write to a file opened for appending: lines of many processes do not mix.
fn put(marks: &mut File, execution: &Execution<'_>) -> std::io::Result<()> {
    marks.write_all(format!("{}\n", execution.line()).as_bytes())
}

fn say(line: &Value) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
