//! The fourth way of `callboard bench life`: a fleet that stands in long polls.

use super::args::BenchLife;
use super::content;
use super::fleet::{Fleet, Lease, Worker};
use super::life::Book;
use super::load::{Connection, text_after};
use super::measure::Samples;
use super::process::{Broker, Usage};
use super::report::Figures;
use anyhow::{Context, ensure};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

const POLL_MS: u32 = 60_000;
/// Connections that submit; more than are busy at any time.
const SUBMITTERS: u64 = 16;
/// The last job has long been given when this is over.
const LAST_WAIT: Duration = Duration::from_secs(30);
/// All workers stand there within this.
const STAND_WAIT: Duration = Duration::from_secs(60);

/// What all see.
struct Scene {
    address: SocketAddr,
    payload: usize,
    book: Mutex<Book>,
    /// When the answer to a submission and its lease arrived.
    times: Mutex<HashMap<u64, Times>>,
    finished: Mutex<u64>,
    changed: Notify,
}

#[derive(Clone, Copy, Default)]
struct Times {
    sent: Option<Instant>,
    answered: Option<Instant>,
    leased: Option<Instant>,
}

pub(super) async fn run(args: &BenchLife, broker: &Broker) -> anyhow::Result<Figures> {
    let jobs = args.jobs.min(args.waiting);
    let fleet = Fleet::join(broker.address, args.workers).await?;
    let scene = Arc::new(Scene {
        address: broker.address,
        payload: args.payload,
        book: Mutex::new(Book::new(jobs)),
        times: Mutex::default(),
        finished: Mutex::new(0),
        changed: Notify::new(),
    });
    let mut workers = JoinSet::new();
    for worker in fleet.workers() {
        workers.spawn(Arc::clone(&scene).work(worker));
    }
    until_all_stand(broker, args.workers).await?;
    let (broker_before, load_before, started) = (broker.usage()?, Usage::mine()?, Instant::now());
    let mut submitters = JoinSet::new();
    for turn in 0..SUBMITTERS.min(jobs) {
        submitters.spawn(Arc::clone(&scene).submit(turn, jobs, args.rate));
    }
    while let Some(submitter) = submitters.join_next().await {
        submitter??;
    }
    let all = async {
        while *lock(&scene.finished) < jobs {
            tokio::select! {
                () = scene.changed.notified() => {}
                Some(ended) = workers.join_next() => ended??,
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LAST_WAIT, all).await.context("some jobs were not given and finished in time")??;
    let (time, broker_after, load_after) = (started.elapsed(), broker.usage()?, Usage::mine()?);
    workers.shutdown().await;
    let scene = Arc::try_unwrap(scene).ok().context("a worker still stands")?;
    scene.book.into_inner().unwrap_or_else(PoisonError::into_inner).check(broker.address, args.payload).await?;
    let mut figures = Figures::default();
    let (mut from_sent, mut from_answer) = (Samples::default(), Samples::default());
    for times in scene.times.into_inner().unwrap_or_else(PoisonError::into_inner).values() {
        let Times { sent: Some(sent), answered: Some(answered), leased: Some(leased) } = *times else { continue };
        from_sent.put(leased - sent);
        // A lease may be there before the answer that the job is taken in.
        from_answer.put(leased.saturating_duration_since(answered));
    }
    figures.put_spread("submit_to_lease", from_sent.spread());
    figures.put_spread("answer_to_lease", from_answer.spread());
    let (broker_usage, load_usage) = ([broker_before, broker_after], [load_before, load_after]);
    figures.put_cost("job", jobs as usize, time, broker_usage, load_usage);
    Ok(figures)
}

/// The broker counts who waits at it.
async fn until_all_stand(broker: &Broker, workers: u64) -> anyhow::Result<()> {
    let mut connection = Connection::open(broker.address).await?;
    let started = Instant::now();
    loop {
        let health: serde_json::Value = serde_json::from_slice(connection.get("/health").await?)?;
        if health["connections"]["workers"].as_u64() >= Some(workers) {
            return Ok(());
        }
        ensure!(started.elapsed() < STAND_WAIT, "not all of {workers} workers wait at the broker: {health}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Scene {
    async fn work(self: Arc<Self>, worker: Worker) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address).await?;
        loop {
            let answer = worker.next(&mut connection, POLL_MS, true).await?;
            if answer.is_empty() {
                continue;
            }
            let leased = Instant::now();
            let lease = Lease::of(answer, self.payload)?;
            lock(&self.book).leased(&lease)?;
            lock(&self.times).entry(lease.n).or_default().leased = Some(leased);
            let result = format!("{{\"result\":{}}}", content::result(lease.n));
            connection.post(&lease.path("finish"), result.as_bytes()).await?;
            lock(&self.book).finished(lease.n);
            *lock(&self.finished) += 1;
            self.changed.notify_one();
        }
    }

    /// Every so manieth job, at its time.
    async fn submit(self: Arc<Self>, turn: u64, jobs: u64, rate: f64) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address).await?;
        let (mut body, started) = (Vec::new(), Instant::now());
        for turn in (turn..jobs).step_by(SUBMITTERS as usize) {
            tokio::time::sleep_until(started + Duration::from_secs_f64(turn as f64 / rate)).await;
            let Some(n) = lock(&self.book).take() else { return Ok(()) };
            body.clear();
            content::put_job(&mut body, n, self.payload);
            let sent = Instant::now();
            let answer = connection.post("/api/jobs", &body).await?;
            let answered = Instant::now();
            let id = text_after(answer, "\"job_id\":\"").context("a submission was answered without an id")?;
            lock(&self.book).taken_in(n, id.to_owned());
            let mut times = lock(&self.times);
            let times = times.entry(n).or_default();
            (times.sent, times.answered) = (Some(sent), Some(answered));
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
