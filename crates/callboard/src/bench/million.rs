//! `callboard bench restart` and `bench memory`: a board on which very many jobs wait.

use super::args::{BenchMany, BenchMemory, BenchRestart};
use super::board::pending;
use super::content;
use super::fleet::{Lease, Worker};
use super::load::{Connection, find};
use super::process::{Broker, Home};
use super::report::{Figures, Report, mib};
use crate::say::note;
use anyhow::{Context, ensure};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Jobs of one call while the board is filled: the broker's limit.
const FILL: u64 = 1_000;
/// Calls on their way at once while it is filled.
const FILLERS: usize = 4;
/// Long enough for a worker that asks right after a restart.
const NEXT_WAIT_MS: u32 = 10_000;
/// After so long nothing is left of the work of filling: what memory is held now is held.
const SETTLE: Duration = Duration::from_secs(1);

/// A broker, the jobs that wait on it, and how many of them were run meanwhile.
struct Full {
    home: Home,
    broker: Broker,
    jobs: u64,
    payload: usize,
    finished: u64,
    rss_empty: u64,
    fill: Duration,
}

pub(crate) async fn restart(args: BenchRestart) -> anyhow::Result<ExitCode> {
    ensure!(args.runs > 0, "--runs: at least 1");
    ensure!((args.runs as u64) < args.many.jobs.min(FILL), "--runs: fewer than --jobs and than {FILL}");
    let mut full = Full::new(&args.many).await?;
    let mut runs = Vec::new();
    for run in 1..=args.runs {
        note(&format!("restart: run {run} of {}", args.runs));
        runs.push(full.restart().await?);
    }
    let mut report = Report::new("restart");
    report.add(format!("SIGKILL while {} jobs of {} B wait", args.many.jobs, args.many.payload), runs);
    report.tell(args.many.json)?;
    full.broker.kill().await?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn memory(args: BenchMemory) -> anyhow::Result<ExitCode> {
    ensure!(args.runs > 0, "--runs: at least 1");
    let mut runs = Vec::new();
    for run in 1..=args.runs {
        note(&format!("memory: run {run} of {}", args.runs));
        let mut full = Full::new(&args.many).await?;
        tokio::time::sleep(SETTLE).await;
        let each = |bytes: u64| bytes.saturating_sub(full.rss_empty) as f64 / full.jobs as f64;
        let filled = full.broker.usage()?.rss_bytes;
        let mut figures = Figures::default();
        figures.put("empty_rss_mib", mib(full.rss_empty));
        figures.put("waiting_rss_mib", mib(filled));
        figures.put("waiting_bytes_per_job", each(filled));
        figures.put("filled_jobs_per_s", full.jobs as f64 / full.fill.as_secs_f64());
        full.restart().await?;
        tokio::time::sleep(SETTLE).await;
        let usage = full.broker.usage()?;
        let restarted = usage.rss_bytes;
        figures.put("restarted_rss_mib", mib(restarted));
        figures.put("restarted_peak_rss_mib", mib(usage.peak_rss_bytes));
        figures.put("restarted_bytes_per_job", restarted.saturating_sub(full.rss_empty) as f64 / full.jobs as f64);
        figures.put("store_bytes_per_job", full.stored_bytes()? as f64 / full.jobs as f64);
        full.broker.kill().await?;
        runs.push(figures);
    }
    let mut report = Report::new("memory");
    report.add(format!("{} waiting jobs of {} B", args.many.jobs, args.many.payload), runs);
    report.tell(args.many.json)?;
    Ok(ExitCode::SUCCESS)
}

impl Full {
    async fn new(args: &BenchMany) -> anyhow::Result<Full> {
        ensure!(args.jobs > 0, "--jobs: at least 1");
        ensure!(args.payload >= content::PAYLOAD_BYTES_MIN, "--payload: at least {} bytes", content::PAYLOAD_BYTES_MIN);
        let home = Home::new(args.dir.as_ref())?;
        let broker = Broker::start(&home.store()).await?;
        let rss_empty = broker.usage()?.rss_bytes;
        note(&format!("{} jobs are submitted", args.jobs));
        let started = Instant::now();
        // Those that workers will ask for come first of all.
        let first = args.jobs.min(FILL);
        fill(broker.address, 0..first, args.payload).await?;
        fill(broker.address, first..args.jobs, args.payload).await?;
        let fill = started.elapsed();
        let (jobs, payload) = (args.jobs, args.payload);
        let full = Full { home, broker, jobs, payload, finished: 0, rss_empty, fill };
        full.check().await?;
        Ok(full)
    }

    /// SIGKILL, another start, and a worker that joins and asks: it must be given the oldest job.
    async fn restart(&mut self) -> anyhow::Result<Figures> {
        let killed = Instant::now();
        let store = self.home.store();
        self.broker.kill().await?;
        self.broker = Broker::start(&store).await?;
        let listening = killed.elapsed();
        let mut connection = Connection::open(self.broker.address).await?;
        let name = format!("worker-{}", self.finished);
        connection.put("/api/machines/machine", b"{}").await?;
        let worker = Worker::join(&mut connection, &name, "machine", &["render".to_owned()]).await?;
        let lease = Lease::of(worker.next(&mut connection, NEXT_WAIT_MS, true).await?, self.payload)?;
        let answered = killed.elapsed();
        ensure!(lease.n == self.finished, "job {} was given, and job {} is the oldest", lease.n, self.finished);
        let usage = self.broker.usage()?;
        let result = format!("{{\"result\":{}}}", content::result(lease.n));
        connection.post(&lease.path("finish"), result.as_bytes()).await?;
        self.finished += 1;
        self.check().await?;
        let mut figures = Figures::default();
        figures.put("listens_s", listening.as_secs_f64());
        figures.put("first_next_s", answered.as_secs_f64());
        figures.put("broker_cpu_s", usage.cpu.as_secs_f64());
        figures.put("rss_mib", mib(usage.rss_bytes));
        figures.put("peak_rss_mib", mib(usage.peak_rss_bytes));
        Ok(figures)
    }

    /// The delivery check: all that were taken in and not run still wait.
    async fn check(&self) -> anyhow::Result<()> {
        let waiting = pending(&mut Connection::open(self.broker.address).await?).await?;
        let expected = self.jobs - self.finished;
        ensure!(waiting == expected, "{waiting} jobs wait, and {expected} should");
        Ok(())
    }

    /// All files of the store; what it only holds in reserve does not count.
    fn stored_bytes(&self) -> anyhow::Result<u64> {
        let entries = std::fs::read_dir(self.home.path())?.collect::<std::io::Result<Vec<_>>>()?;
        let kept = entries.iter().filter(|entry| entry.path().extension().is_none_or(|kind| kind != "reserve"));
        let sizes = kept.map(|entry| Ok(entry.metadata()?.len()));
        sizes.sum::<std::io::Result<u64>>().context("the store's folder cannot be read")
    }
}

async fn fill(address: SocketAddr, numbers: std::ops::Range<u64>, payload: usize) -> anyhow::Result<()> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut fillers = JoinSet::new();
    for _ in 0..FILLERS {
        let (next, end) = (Arc::clone(&next), numbers.end);
        let mut connection = Connection::open(address).await?;
        fillers.spawn(async move {
            let mut body = Vec::new();
            loop {
                let first = next.fetch_add(FILL, Ordering::Relaxed);
                let last = end.min(first + FILL);
                if first >= last {
                    return anyhow::Ok(());
                }
                content::put_batch(&mut body, first..last, payload);
                let answer = connection.post("/api/jobs:batch", &body).await?;
                let refused = find(answer, b"\"status\":\"refused\"");
                ensure!(refused.is_none(), "a job was refused: {}", String::from_utf8_lossy(answer));
            }
        });
    }
    while let Some(filler) = fillers.join_next().await {
        filler??;
    }
    Ok(())
}
