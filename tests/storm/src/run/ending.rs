//! After the storm: waits until nothing is left to do and writes down what the broker then says.

use super::http::Http;
use super::log::Log;
use super::monitor::Reached;
use super::stage::Large;
use super::theatre::{AGENTS, Theatre, agent_name};
use crate::clock::pause;
use crate::content::{self, Part};
use crate::record::{Dumped, Finish, position};
use anyhow::{Context, bail};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// If no job ends for so long none will, and the checker says what is left. On a busy machine
/// the backlog of the last outage may take longer as a whole.
const STUCK_WAIT: Duration = Duration::from_secs(30);
/// All watchers are at the end after so long, or the checker says who is not.
const REACH_WAIT: Duration = Duration::from_secs(20);
/// Watchers that stand at the same place for so long have heard everything.
const STILL_WAIT: Duration = Duration::from_secs(1);
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

/// Notes what is the last event now, and waits until all watchers have reached it. The last ones may
/// be told to nobody: then all watchers stand at the same place and hear nothing more.
pub(crate) fn await_watchers(http: &mut Http, reached: &[Reached], dump: &Log) -> anyhow::Result<()> {
    let health = http.get("/health")?.json()?;
    let id = health["store"]["event_id"].as_str().context("health names no last event")?;
    let head = position(id).with_context(|| format!("{id:?} is no event id"))?;
    dump.put(&Dumped::Head { id });
    let places = || -> Vec<Option<u64>> { reached.iter().map(Reached::seq).collect() };
    let (mut before, mut since) = (places(), Instant::now());
    let until = Instant::now() + REACH_WAIT;
    while places().iter().any(|place| *place < Some(head.seq)) && Instant::now() < until {
        let now = places();
        if now != before {
            (before, since) = (now, Instant::now());
        }
        if before.windows(2).all(|pair| pair[0] == pair[1]) && since.elapsed() > STILL_WAIT {
            break;
        }
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
            let reason = row["failure"]["reason"].as_str();
            dump.put(&Dumped::Job { job: text("id")?, status: text("status")?, reason });
        }
        match &answer["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return Ok(()),
        }
    }
    bail!("the list of jobs has no end")
}

/// What the broker holds of each large job, byte for byte.
pub(crate) fn dump_contents(http: &mut Http, large: &[(String, Large)], dump: &Log) -> anyhow::Result<()> {
    for (job, large) in large {
        let answer = http.get(&format!("/api/jobs/{job}"))?.json()?;
        let is = |part: Part, bytes: usize, value: &Value| {
            value["text"].as_str() == Some(content::text(job, part, bytes).as_str())
        };
        let payload = is(Part::Payload, large.payload, &answer["job"]["payload"]);
        let result = is(Part::Result, large.result, &answer["job"]["result"]);
        dump.put(&Dumped::Content { job, payload, result });
    }
    Ok(())
}

/// Which results the broker took, as the agents say that it did. A killed agent may not have got
/// to saying it.
pub(crate) fn note_finishes(theatre: &Theatre<'_>, finishes: &Log) -> anyhow::Result<()> {
    for number in 1..=AGENTS {
        let agent = agent_name(number);
        let said = std::fs::read(theatre.said(&agent))?;
        for line in String::from_utf8_lossy(&said).lines().filter(|line| line.contains(" completed ")) {
            if let Some(job) = line.split("job=\"").nth(1).and_then(|rest| rest.split('"').next()) {
                finishes.put(&Finish { agent: &agent, job });
            }
        }
    }
    Ok(())
}

/// `callboard store check`, if there is such a verb.
///
/// # Errors
/// It objects.
pub(crate) fn check_store(theatre: &Theatre<'_>) -> anyhow::Result<()> {
    let verb = |args: &[&str]| {
        let mut command = Command::new(&theatre.callboard);
        command.arg("store").args(args).env("CALLBOARD_STORE", theatre.store_url()).stdin(Stdio::null());
        command
    };
    if !verb(&["check", "--help"]).output()?.status.success() {
        println!("storm: this callboard has no `store check`");
        return Ok(());
    }
    let output = verb(&["check"]).output()?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        bail!("`callboard store check` objects ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
