//! `callboard bench submit`: how many jobs are taken in, each durable before its answer.

use super::args::BenchSubmit;
use super::board::{self, TakenIn};
use super::content::{self, put_job};
use super::disk::Disk;
use super::load::{Connection, find, text_after};
use super::measure::Samples;
use super::process::{Broker, Home, Usage};
use super::report::{Figures, Report};
use crate::say::note;
use anyhow::{Context, ensure};
use broker::Secret;
use clap::ValueEnum;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::time::Instant;

/// So many jobs are read back and compared with what was sent.
const READ_BACK: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// One call for each job
    Each,
    /// Many jobs in one call
    Batch,
    /// One call for each job, at a steady rate that leaves room: the longest pause
    Pause,
}

/// When a lane sends.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as the last answer is there.
    Full,
    /// All lanes together so many calls in a second.
    Rate(f64),
}

/// What one lane has seen.
#[derive(Default)]
struct Seen {
    latency: Samples,
    taken: TakenIn,
    records: HashSet<u64>,
    answered: Vec<Instant>,
}

/// What all lanes do.
#[derive(Clone)]
struct Load {
    address: SocketAddr,
    token: Option<Secret>,
    lanes: u64,
    /// The number of the next job, and the number before which it ends.
    next: Arc<AtomicU64>,
    end: u64,
    per_call: u64,
    payload: usize,
    pace: Pace,
    ready: Arc<Barrier>,
}

pub(crate) async fn submit(args: BenchSubmit) -> anyhow::Result<ExitCode> {
    ensure!(args.all.runs > 0 && args.jobs > 0 && args.connections > 0, "--runs, --jobs and --connections: at least 1");
    ensure!((1..=1_000).contains(&args.batch), "--batch: from 1 to 1000 jobs, which is the broker's limit");
    ensure!(args.payload >= content::PAYLOAD_BYTES_MIN, "--payload: at least {} bytes", content::PAYLOAD_BYTES_MIN);
    ensure!(args.rate > 0.0 && args.seconds > 0, "--rate and --seconds: more than 0");
    let mut report = Report::new("submit");
    for part in &args.part {
        let mut runs = Vec::new();
        for run in 1..=args.all.runs {
            note(&format!("submit, {part:?}: run {run} of {}", args.all.runs));
            runs.push(match part {
                Part::Each => full(&args, args.jobs, 1).await?,
                Part::Batch => full(&args, args.jobs * 3, args.batch).await?,
                Part::Pause => pause(&args).await?,
            });
        }
        let (jobs, lanes, bytes, batch) = (args.jobs, args.connections, args.payload, args.batch);
        report.add(
            match part {
                Part::Each => format!("{jobs} jobs of {bytes} B, one POST each, {lanes} connections"),
                Part::Batch => format!("{} jobs of {bytes} B, {batch} per POST, {lanes} connections", jobs * 3),
                Part::Pause => format!("{} jobs a second for {} s while {jobs} wait", args.rate, args.seconds),
            },
            runs,
        );
    }
    report.tell(args.all.json)?;
    Ok(ExitCode::SUCCESS)
}

fn token(args: &BenchSubmit) -> anyhow::Result<Option<Secret>> {
    Ok(if args.tokens { Some(Secret::fresh()?) } else { None })
}

async fn full(args: &BenchSubmit, jobs: u64, per_call: u64) -> anyhow::Result<Figures> {
    let home = Home::new(args.all.dir.as_ref())?;
    let mut broker = Broker::start_asking(&home.store(), token(args)?).await?;
    let (broker_before, load_before) = (broker.usage()?, Usage::mine()?);
    let (seen, time) = run(args, &broker, 0..jobs, per_call, Pace::Full).await?;
    let (broker_after, load_after) = (broker.usage()?, Usage::mine()?);
    check(&broker, &seen.taken, args.payload).await?;
    let mut figures = Figures::default();
    let (broker_usage, load_usage) = ([broker_before, broker_after], [load_before, load_after]);
    figures.put_cost("job", jobs as usize, time, broker_usage, load_usage);
    figures.put_spread("answer", seen.latency.spread());
    figures.put("jobs_per_append", jobs as f64 / seen.records.len().max(1) as f64);
    broker.kill().await?;
    Ok(figures)
}

async fn pause(args: &BenchSubmit) -> anyhow::Result<Figures> {
    let home = Home::new(args.all.dir.as_ref())?;
    let mut broker = Broker::start_asking(&home.store(), token(args)?).await?;
    let (before, _) = run(args, &broker, 0..args.jobs, args.batch, Pace::Full).await?;
    let calls = (args.rate * args.seconds as f64) as u64;
    let (broker_before, load_before) = (broker.usage()?, Usage::mine()?);
    let disk = Disk::watch(home.path())?;
    let (mut seen, time) = run(args, &broker, args.jobs..args.jobs + calls, 1, Pace::Rate(args.rate)).await?;
    let plain = disk.stop()?;
    let (broker_after, load_after) = (broker.usage()?, Usage::mine()?);
    seen.answered.sort_unstable();
    let gaps = seen.answered.windows(2).map(|pair| pair[1] - pair[0]);
    let gap = gaps.max().unwrap_or_default();
    seen.taken.merge(before.taken)?;
    check(&broker, &seen.taken, args.payload).await?;
    let mut figures = Figures::default();
    figures.put("longest_pause_ms", gap.as_secs_f64() * 1e3);
    figures.put("longest_plain_fdatasync_ms", plain.max_us / 1e3);
    figures.put("plain_fdatasync_p50_ms", plain.p50_us / 1e3);
    figures.put_spread("answer", seen.latency.spread());
    let (broker_usage, load_usage) = ([broker_before, broker_after], [load_before, load_after]);
    figures.put_cost("job", calls as usize, time, broker_usage, load_usage);
    figures.put("jobs_per_append", calls as f64 / seen.records.len().max(1) as f64);
    broker.kill().await?;
    Ok(figures)
}

/// Submits the jobs of these numbers over all connections, and says what was seen and how long
/// it took.
async fn run(
    args: &BenchSubmit,
    broker: &Broker,
    numbers: std::ops::Range<u64>,
    per_call: u64,
    pace: Pace,
) -> anyhow::Result<(Seen, Duration)> {
    let load = Load {
        address: broker.address,
        token: broker.token.clone(),
        lanes: args.connections,
        next: Arc::new(AtomicU64::new(numbers.start)),
        end: numbers.end,
        per_call,
        payload: args.payload,
        pace,
        ready: Arc::new(Barrier::new(args.connections as usize + 1)),
    };
    let lanes: Vec<_> = (0..args.connections).map(|lane| tokio::spawn(load.clone().lane(lane))).collect();
    load.ready.wait().await;
    let started = Instant::now();
    let mut all = Seen::default();
    for lane in lanes {
        let seen = lane.await??;
        all.latency.merge(seen.latency);
        all.taken.merge(seen.taken)?;
        all.records.extend(seen.records);
        all.answered.extend(seen.answered);
    }
    Ok((all, started.elapsed()))
}

impl Load {
    async fn lane(self, lane: u64) -> anyhow::Result<Seen> {
        let opened = Connection::open(self.address).await;
        self.ready.wait().await;
        let (mut connection, started) = (opened?.showing(self.token.as_ref()), Instant::now());
        let (mut seen, mut body, mut turn) = (Seen::default(), Vec::new(), lane);
        loop {
            let first = self.next.fetch_add(self.per_call, Ordering::Relaxed);
            let end = self.end.min(first + self.per_call);
            if first >= end {
                return Ok(seen);
            }
            let mut due = Instant::now();
            if let Pace::Rate(rate) = self.pace {
                due = started + Duration::from_secs_f64(turn as f64 / rate);
                turn += self.lanes;
                tokio::time::sleep_until(due).await;
                // A timer is late by up to a millisecond; that is not the broker's.
                due = Instant::now();
            }
            let answer = match self.per_call {
                1 => self.one(&mut connection, &mut body, first, &mut seen.taken).await?,
                _ => self.many(&mut connection, &mut body, first..end, &mut seen.taken).await?,
            };
            seen.records.extend(board::record(answer));
            let now = Instant::now();
            seen.latency.put(now - due);
            seen.answered.push(now);
        }
    }

    async fn one<'a>(
        &self,
        connection: &'a mut Connection,
        body: &mut Vec<u8>,
        n: u64,
        taken: &mut TakenIn,
    ) -> anyhow::Result<&'a [u8]> {
        body.clear();
        put_job(body, n, self.payload);
        let answer = connection.post("/api/jobs", body).await?;
        taken.put(text_after(answer, "\"job_id\":\"").context("a submission was answered without an id")?, n)?;
        Ok(answer)
    }

    async fn many<'a>(
        &self,
        connection: &'a mut Connection,
        body: &mut Vec<u8>,
        numbers: std::ops::Range<u64>,
        taken: &mut TakenIn,
    ) -> anyhow::Result<&'a [u8]> {
        content::put_batch(body, numbers.clone(), self.payload);
        let answer = connection.post("/api/jobs:batch", body).await?;
        // The results stand in the order of the jobs.
        let mut rest = answer;
        for n in numbers {
            let at = find(rest, b"\"status\":\"created\"").context("a job of a batch was refused")?;
            rest = &rest[at + 1..];
            taken.put(text_after(rest, "\"job_id\":\"").context("a job of a batch has no id")?, n)?;
        }
        Ok(answer)
    }
}

/// Every acknowledged job is there exactly once and no other; some are read back.
async fn check(broker: &Broker, taken: &TakenIn, payload: usize) -> anyhow::Result<()> {
    let mut connection = Connection::open(broker.address).await?.showing(broker.token.as_ref());
    taken.check(&mut connection).await?;
    for (id, n) in taken.iter().take(READ_BACK) {
        let job = connection.get(&format!("/api/jobs/{id}")).await?;
        ensure!(content::number_of(job, payload) == Some(n), "{id} does not have the payload it was sent with");
    }
    Ok(())
}
