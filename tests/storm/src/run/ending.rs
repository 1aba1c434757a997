//! After the storm: waits until nothing is left to do and writes down what the broker then says.

use super::http::Http;
use super::log::Log;
use super::monitor::Reached;
use crate::clock::pause;
use crate::record::{Dumped, position};
use anyhow::{Context, bail};
use serde_json::Value;
use std::time::{Duration, Instant};

/// If no job ends for so long none will, and the checker says what is left. On a busy machine
/// the backlog of the last outage may take longer as a whole.
const STUCK_WAIT: Duration = Duration::from_secs(30);
/// All watchers are at the end after so long, or the checker says who is not.
const REACH_WAIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Pages of the dump; a list that goes on beyond has no end.
const PAGES_MAX: usize = 2_000;

/// Waits until no job is pending or active; says how many are if that does not come.
pub(crate) fn await_quiet(http: &mut Http) -> anyhow::Result<()> {
    let (mut fewest, mut since) = (u64::MAX, Instant::now());
    loop {
        let answer = http.get("/api/stats")?.json()?;
        let count = |name: &str| answer["stats"][name].as_u64().with_context(|| format!("stats have no {name}"));
        let left = count("pending_jobs")? + count("active_jobs")?;
        if left == 0 {
            return Ok(());
        }
        if left < fewest {
            (fewest, since) = (left, Instant::now());
        }
        if since.elapsed() > STUCK_WAIT {
            eprintln!("storm: {left} jobs are left, and none has ended for {} s", STUCK_WAIT.as_secs());
            return Ok(());
        }
        pause(LOOK_EVERY);
    }
}

/// Waits until all watchers have reached what is the last event now, and notes it.
pub(crate) fn await_watchers(http: &mut Http, reached: &[Reached], dump: &Log) -> anyhow::Result<()> {
    let health = http.get("/health")?.json()?;
    let id = health["store"]["event_id"].as_str().context("health names no last event")?;
    let head = position(id).with_context(|| format!("{id:?} is no event id"))?;
    dump.put(&Dumped::Head { id });
    let until = Instant::now() + REACH_WAIT;
    while reached.iter().any(|reached| reached.seq() < Some(head.seq)) && Instant::now() < until {
        pause(LOOK_EVERY);
    }
    Ok(())
}

/// Every job that the broker lists.
pub(crate) fn dump_jobs(http: &mut Http, dump: &Log) -> anyhow::Result<()> {
    let mut cursor = String::new();
    for page in 0..PAGES_MAX {
        let answer = http.get(&format!("/api/jobs?limit=500{cursor}"))?.json()?;
        if page == 0 {
            let jobs = answer["total"].as_u64().context("the list has no total")?;
            dump.put(&Dumped::Total { jobs });
        }
        for row in answer["jobs"].as_array().context("the list has no jobs")? {
            let text = |field: &str| row[field].as_str().with_context(|| format!("a row has no {field}: {row}"));
            dump.put(&Dumped::Job { job: text("id")?, status: text("status")? });
        }
        match &answer["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return Ok(()),
        }
    }
    bail!("the list of jobs has no end")
}
