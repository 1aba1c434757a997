//! The same through the doors of a broker of its own.

use super::in_process::Run;
use super::measure::Samples;
use super::process::Broker;
use super::scenario::{self, Scenario, finds_a_worker, job_id, spread, worker_id};
use anyhow::{Context, ensure};
use client::Client;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use wire::agent::{JoinMachineBody, JoinWorkerBody};

/// A broker in a process of its own, with its fleet and its queue. It ends with this.
pub(super) struct Board {
    scenario: Scenario,
    waiting: usize,
    broker: Client,
    process: Broker,
    sessions: HashMap<usize, String>,
    jobs: usize,
    finished: HashSet<String>,
}

/// Jobs of one call while the queue is filled.
const FILL: usize = 1_000;

impl Board {
    pub(super) async fn new(scenario: Scenario, waiting: usize) -> anyhow::Result<Board> {
        let process = Broker::start("memory:").await?;
        let broker = Client::new(&format!("http://{}", process.address))?;
        let (sessions, finished) = (HashMap::new(), HashSet::new());
        let mut board = Board { scenario, waiting, broker, process, sessions, jobs: 0, finished };
        for n in 0..scenario.workers {
            if n % scenario::WORKERS_PER_MACHINE == 0 {
                board.broker.join_machine(&scenario::machine_id(n), &JoinMachineBody::default()).await?;
            }
            let body: JoinWorkerBody = serde_json::from_value(scenario.worker(n))?;
            let joined = board.broker.join_worker(&worker_id(n), &body).await?;
            board.sessions.insert(n, joined.session);
        }
        while board.jobs < waiting {
            let jobs: Vec<_> = (board.jobs..waiting.min(board.jobs + FILL)).map(|n| scenario.job(n)).collect();
            let results = board.broker.submit_all(&jobs).await?.results;
            let refused = results.iter().find_map(|item| item.error.as_ref());
            ensure!(refused.is_none(), "a job was refused: {refused:?}");
            board.jobs += jobs.len();
        }
        Ok(board)
    }

    pub(super) async fn run(&mut self, claims: usize, joins: usize, explains: usize) -> anyhow::Result<Run> {
        let mut claimed = Samples::default();
        for n in 0..claims {
            let number = spread(n) % self.scenario.workers;
            let session = self.sessions.get(&number).context("a worker has no session")?;
            let worker = worker_id(number);
            let next = self.broker.next(&worker, session, Vec::new(), 0, true);
            let Some(assignment) = claimed.time_async(next).await? else { continue };
            let job = assignment.job.id;
            ensure!(finds_a_worker(&job), "{job} was given to a worker that cannot run it");
            self.broker.finish(&assignment.lease.lease_id, RawValue::from_string("null".to_owned())?, false).await?;
            ensure!(self.finished.insert(job), "a job was given twice");
            self.jobs += self.jobs % 2;
            self.broker.submit(&self.scenario.job(self.jobs)).await?;
            self.jobs += 1;
        }
        let (mut joined, mut left) = (Samples::default(), Samples::default());
        for n in 0..joins {
            let body: JoinWorkerBody = serde_json::from_value(self.scenario.newcomer(n % self.scenario.workers))?;
            let worker = format!("newcomer-{n}");
            let session = joined.time_async(self.broker.join_worker(&worker, &body)).await?.session;
            left.time_async(self.broker.leave_worker(&worker, &session)).await?;
        }
        let stats = self.broker.stats().await?;
        let pending = stats["stats"]["pending_jobs"].as_u64();
        ensure!(pending == Some(self.waiting as u64), "{pending:?} jobs wait after it, not {}", self.waiting);
        let mut explained = Samples::default();
        for n in 0..explains {
            // Among those that were there at first, the odd ones still wait.
            let job = job_id(2 * (spread(n) % (self.waiting / 2)) + 1);
            let told = explained.time_async(self.broker.explain(&job)).await?;
            ensure!(told.workers.capable == 0, "{job} is explained wrongly: {}", told.sentence);
        }
        Ok(Run { claim: claimed.spread(), join: joined.spread(), leave: left.spread(), explain: explained.spread() })
    }

    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        self.process.kill().await
    }
}
