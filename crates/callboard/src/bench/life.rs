//! `callboard bench life`: whole lives of jobs over the doors, several at once.

use super::args::BenchLife;
use super::board::TakenIn;
use super::content;
use super::fleet::{Fleet, Lease, Worker};
use super::load::{Connection, text_after};
use super::measure::Samples;
use super::process::{Broker, Home, Usage};
use super::report::{Figures, Report};
use super::standing;
use super::watcher::Watcher;
use crate::say::note;
use anyhow::{Context, ensure};
use clap::ValueEnum;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Barrier;
use tokio::time::Instant;

/// Waiting jobs that each lane has in stock where the next lease comes with a finish.
const STOCK: u64 = 2;
const NEXT_WAIT_MS: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Seven calls: submit, next, start, progress, progress, finish, GET
    Steps,
    /// Four: submit, progress, progress, finish with the next lease in its answer
    Chained,
    /// Two: submit, finish with the next lease in its answer
    Bare,
    /// A fleet stands in long polls while jobs come at a steady rate: how soon each is given
    Waiting,
}

/// What becomes of every job, by its number.
pub(super) struct Book {
    jobs: Vec<Entry>,
    next: u64,
}

#[derive(Clone)]
struct Entry {
    id: String,
    sent: Option<Instant>,
    leases: u32,
    finishes: u32,
}

/// What one lane has timed.
#[derive(Default)]
struct Timed {
    submit: Samples,
    lease: Samples,
    finish: Samples,
}

pub(crate) async fn life(args: BenchLife) -> anyhow::Result<ExitCode> {
    ensure!(args.all.runs > 0 && args.jobs > 0 && args.connections > 0, "--runs, --jobs, --connections: at least 1");
    ensure!(args.payload >= content::PAYLOAD_BYTES_MIN, "--payload: at least {} bytes", content::PAYLOAD_BYTES_MIN);
    ensure!(args.rate > 0.0 && args.workers > 0, "--rate and --workers: more than 0");
    let mut report = Report::new("life");
    for way in &args.way {
        let mut runs = Vec::new();
        for run in 1..=args.all.runs {
            note(&format!("life, {way:?}: run {run} of {}", args.all.runs));
            let home = Home::new(args.all.dir.as_ref())?;
            let mut broker = Broker::start(&home.store()).await?;
            runs.push(match way {
                Way::Waiting => standing::run(&args, &broker).await?,
                way => lives(&args, *way, &broker).await?,
            });
            broker.kill().await?;
        }
        report.add(title(&args, *way), runs);
    }
    report.tell(args.all.json)?;
    Ok(ExitCode::SUCCESS)
}

fn title(args: &BenchLife, way: Way) -> String {
    let (jobs, bytes, lanes, watchers) = (args.jobs, args.payload, args.connections, args.watchers);
    let calls = match way {
        Way::Steps => "7 calls: submit, next, start, progress, progress, finish, GET",
        Way::Chained => "4 calls: submit, progress, progress, finish?next=1",
        Way::Bare => "2 calls: submit, finish?next=1",
        Way::Waiting => {
            let (workers, rate) = (args.workers, args.rate);
            return format!("{} jobs, {rate} a second, {workers} workers in long polls", args.jobs.min(args.waiting));
        }
    };
    format!("{jobs} lives of {bytes} B, {calls}; {lanes} lanes, {watchers} watchers")
}

async fn lives(args: &BenchLife, way: Way, broker: &Broker) -> anyhow::Result<Figures> {
    let watchers = Watcher::start(broker.address, args.watchers).await?;
    let stock = if way == Way::Steps { 0 } else { STOCK * args.connections };
    let book = Arc::new(Mutex::new(Book::new(args.jobs + stock)));
    let fleet = Fleet::join(broker.address, args.connections).await?;
    let (filled, ready) =
        (Arc::new(Barrier::new(args.connections as usize)), Barrier::new(args.connections as usize + 1));
    let (ready, ended) = (Arc::new(ready), Arc::new(Barrier::new(args.connections as usize + 1)));
    let mut lanes = Vec::new();
    for worker in fleet.workers() {
        let lane = Lane {
            connection: Connection::open(broker.address).await?,
            worker,
            book: Arc::clone(&book),
            payload: args.payload,
            body: Vec::new(),
            timed: Timed::default(),
        };
        let (filled, ready, ended) = (Arc::clone(&filled), Arc::clone(&ready), Arc::clone(&ended));
        lanes.push(tokio::spawn(async move {
            match way {
                Way::Steps => lane.steps(&ready, &ended).await,
                _ => lane.chained(way == Way::Chained, &filled, &ready, &ended).await,
            }
        }));
    }
    ready.wait().await;
    let (broker_before, load_before, started) = (broker.usage()?, Usage::mine()?, Instant::now());
    ended.wait().await;
    let (time, broker_after, load_after) = (started.elapsed(), broker.usage()?, Usage::mine()?);
    let mut timed = Timed::default();
    for lane in lanes {
        let lane = lane.await??;
        timed.submit.merge(lane.submit);
        timed.lease.merge(lane.lease);
        timed.finish.merge(lane.finish);
    }
    drop(fleet);
    let book = Arc::try_unwrap(book).ok().context("a lane still runs")?;
    let book = book.into_inner().unwrap_or_else(PoisonError::into_inner);
    book.check(broker.address, args.payload).await?;
    watchers.check(&book.ids()).await?;
    let mut figures = Figures::default();
    let (broker_usage, load_usage) = ([broker_before, broker_after], [load_before, load_after]);
    figures.put_cost("job", args.jobs as usize, time, broker_usage, load_usage);
    figures.put_spread("submit", timed.submit.spread());
    if way == Way::Steps {
        figures.put_spread("submit_to_lease", timed.lease.spread());
    }
    figures.put_spread("finish", timed.finish.spread());
    Ok(figures)
}

/// One connection, one worker, one job at a time.
struct Lane {
    connection: Connection,
    worker: Worker,
    book: Arc<Mutex<Book>>,
    payload: usize,
    body: Vec<u8>,
    timed: Timed,
}

impl Lane {
    async fn steps(mut self, ready: &Barrier, ended: &Barrier) -> anyhow::Result<Timed> {
        ready.wait().await;
        let outcome = self.all_steps().await;
        ended.wait().await;
        outcome.map(|()| self.timed)
    }

    async fn all_steps(&mut self) -> anyhow::Result<()> {
        while self.submit().await? {
            let answer = self.worker.next(&mut self.connection, NEXT_WAIT_MS, false).await?;
            let lease = Lease::of(answer, self.payload)?;
            let since_sent = self.leased(&lease)?;
            self.timed.lease.put(since_sent);
            self.connection.post(&lease.path("start"), b"{}").await?;
            self.progress(&lease).await?;
            self.finish(&lease, false).await?;
            let job = self.connection.get(&format!("/api/jobs/{}", lease.job)).await?;
            ensure!(content::is_completed(job, lease.n), "{} has another result than was sent", lease.job);
        }
        Ok(())
    }

    /// Before it is measured every lane holds a lease and jobs wait; afterwards what is left is
    /// run to its end.
    async fn chained(
        mut self,
        with_progress: bool,
        filled: &Barrier,
        ready: &Barrier,
        ended: &Barrier,
    ) -> anyhow::Result<Timed> {
        let first = self.first_lease(filled).await;
        self.timed = Timed::default();
        ready.wait().await;
        let held = match first {
            Ok(first) => self.chain(first, with_progress).await,
            Err(error) => Err(error),
        };
        ended.wait().await;
        let mut held = held?;
        while let Some(lease) = held {
            held = self.finish(&lease, true).await?;
        }
        Ok(self.timed)
    }

    async fn first_lease(&mut self, filled: &Barrier) -> anyhow::Result<Lease> {
        let mut stocked = Ok(true);
        for _ in 0..STOCK {
            stocked = stocked.and(self.submit().await);
        }
        filled.wait().await;
        stocked?;
        let answer = self.worker.next(&mut self.connection, NEXT_WAIT_MS, true).await?;
        let lease = Lease::of(answer, self.payload)?;
        self.leased(&lease)?;
        Ok(lease)
    }

    async fn chain(&mut self, first: Lease, with_progress: bool) -> anyhow::Result<Option<Lease>> {
        let mut held = Some(first);
        while self.submit().await? {
            let lease = held.take().context("jobs wait, and a finish brought no lease")?;
            if with_progress {
                self.progress(&lease).await?;
            }
            held = self.finish(&lease, true).await?;
        }
        Ok(held)
    }

    /// The next job; `false` if all are submitted.
    async fn submit(&mut self) -> anyhow::Result<bool> {
        let Some(n) = self.book().take() else { return Ok(false) };
        self.body.clear();
        content::put_job(&mut self.body, n, self.payload);
        let sent = Instant::now();
        let answer = self.connection.post("/api/jobs", &self.body).await?;
        let id = text_after(answer, "\"job_id\":\"").context("a submission was answered without an id")?.to_owned();
        self.timed.submit.put(sent.elapsed());
        self.book().taken_in(n, id);
        Ok(true)
    }

    async fn progress(&mut self, lease: &Lease) -> anyhow::Result<()> {
        for progress in [r#"{"progress":0.25,"message":"half"}"#, r#"{"progress":0.75}"#] {
            self.connection.post(&lease.path("progress"), progress.as_bytes()).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, lease: &Lease, next: bool) -> anyhow::Result<Option<Lease>> {
        let (result, payload) = (format!("{{\"result\":{}}}", content::result(lease.n)), self.payload);
        let path = lease.path(if next { "finish?next=1" } else { "finish" });
        let sent = Instant::now();
        let answer = self.connection.post(&path, result.as_bytes()).await?;
        let next = text_after(answer, "\"lease_id\":\"").map(|_| Lease::of(answer, payload)).transpose()?;
        self.timed.finish.put(sent.elapsed());
        self.book().finished(lease.n);
        if let Some(next) = &next {
            self.leased(next)?;
        }
        Ok(next)
    }

    fn leased(&mut self, lease: &Lease) -> anyhow::Result<std::time::Duration> {
        self.book().leased(lease)
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    pub(super) fn new(jobs: u64) -> Book {
        let entry = Entry { id: String::new(), sent: None, leases: 0, finishes: 0 };
        Book { jobs: vec![entry; jobs as usize], next: 0 }
    }

    /// The number of the next job, which is sent now.
    pub(super) fn take(&mut self) -> Option<u64> {
        let n = self.next;
        self.jobs.get_mut(n as usize)?.sent = Some(Instant::now());
        self.next += 1;
        Some(n)
    }

    pub(super) fn taken_in(&mut self, n: u64, id: String) {
        if let Some(job) = self.jobs.get_mut(n as usize) {
            job.id = id;
        }
    }

    /// How long ago it was sent.
    pub(super) fn leased(&mut self, lease: &Lease) -> anyhow::Result<std::time::Duration> {
        let job = self.jobs.get_mut(lease.n as usize).context("a lease for a job that was never sent")?;
        job.leases += 1;
        ensure!(job.leases == 1, "{} was given twice", lease.job);
        ensure!(job.id.is_empty() || job.id == lease.job, "{} has the payload of {}", lease.job, job.id);
        Ok(job.sent.context("a lease for a job that was not sent yet")?.elapsed())
    }

    pub(super) fn finished(&mut self, n: u64) {
        if let Some(job) = self.jobs.get_mut(n as usize) {
            job.finishes += 1;
        }
    }

    pub(super) fn ids(&self) -> Vec<&str> {
        self.jobs.iter().map(|job| job.id.as_str()).collect()
    }

    /// The delivery check: all are there once and no other, each was given once and finished
    /// once, and has the result and the payload that were sent.
    pub(super) async fn check(&self, address: SocketAddr, payload: usize) -> anyhow::Result<()> {
        let mut taken = TakenIn::default();
        let mut connection = Connection::open(address).await?;
        for (job, n) in self.jobs.iter().zip(0..) {
            let (id, leases, finishes) = (&job.id, job.leases, job.finishes);
            ensure!(
                (leases, finishes) == (1, 1),
                "job {n} ({id:?}) was given {leases} times and finished {finishes} times"
            );
            taken.put(id, n)?;
            let view = connection.get(&format!("/api/jobs/{id}")).await?;
            ensure!(content::is_completed(view, n), "{id} is not completed with the result that was sent");
            ensure!(content::number_of(view, payload) == Some(n), "{id} lost its payload");
        }
        taken.check(&mut connection).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(n: u64, job: &str) -> Lease {
        let mut answer =
            format!("{{\"lease\":{{\"lease_id\":\"x\"}},\"job\":{{\"id\":\"{job}\",\"payload\":").into_bytes();
        content::put_payload(&mut answer, n, 64);
        Lease::of(&answer, 64).unwrap()
    }

    #[test]
    fn a_job_that_is_given_twice_or_never_sent_is_seen() {
        let mut book = Book::new(2);
        assert_eq!(book.take(), Some(0));
        book.taken_in(0, "a".to_owned());
        assert!(book.leased(&lease(1, "b")).is_err(), "not sent yet");
        assert!(book.leased(&lease(7, "z")).is_err(), "never sent");
        book.leased(&lease(0, "a")).unwrap();
        assert!(book.leased(&lease(0, "a")).unwrap_err().to_string().contains("given twice"));
    }

    #[test]
    fn a_payload_under_another_id_is_seen() {
        let mut book = Book::new(1);
        book.take();
        book.taken_in(0, "a".to_owned());
        assert!(book.leased(&lease(0, "b")).unwrap_err().to_string().contains("has the payload of a"));
    }
}
