//! The rules alone: no door, no store, no other thread.

use super::measure::{Samples, Spread};
use super::scenario::{self, Scenario, finds_a_worker, job_id, spread, worker_id};
use anyhow::{Context, bail, ensure};
use fleet::{
    Answer, Command, Content, JobId, LeaseId, Ledger, MachineFacts, MachineId, Next, SessionId, Timestamp, Told,
    WorkerId,
};
use std::collections::HashSet;
use std::sync::Arc;
use wire::agent::JoinWorkerBody;
use wire::jobs::parse_submission;

/// A ledger with its fleet and its queue.
pub(super) struct Board {
    scenario: Scenario,
    waiting: usize,
    ledger: Ledger,
    now: Timestamp,
    /// The number of the next job.
    jobs: usize,
    leases: u128,
    finished: HashSet<JobId>,
}

/// What one run measured.
pub(super) struct Run {
    pub(super) claim: Spread,
    pub(super) join: Spread,
    pub(super) leave: Spread,
    pub(super) explain: Spread,
}

impl Board {
    pub(super) fn new(scenario: Scenario, waiting: usize) -> anyhow::Result<Board> {
        let (ledger, now) = (Ledger::default(), Timestamp(1));
        let (leases, finished) = (0, HashSet::new());
        let mut board = Board { scenario, waiting, ledger, now, jobs: 0, leases, finished };
        for n in 0..scenario.workers {
            let machine = MachineId::parse(&scenario::machine_id(n))?;
            board.decide(Command::JoinMachine { machine, facts: MachineFacts::default() })?;
            board.join(n, &scenario.worker(n))?;
        }
        for _ in 0..waiting {
            board.submit()?;
        }
        Ok(board)
    }

    fn decide(&mut self, command: Command) -> anyhow::Result<Answer> {
        let answer = self.ledger.handle(command, self.now, &mut Told::default());
        answer.context("a command was refused")
    }

    fn join_of(&self, n: usize, body: &serde_json::Value) -> anyhow::Result<Command> {
        let body: JoinWorkerBody = serde_json::from_value(body.clone())?;
        let join = body.join(WorkerId::parse(&worker_id(n))?, SessionId(n as u64 + 1))?;
        Ok(Command::JoinWorker(join))
    }

    fn join(&mut self, n: usize, body: &serde_json::Value) -> anyhow::Result<()> {
        let join = self.join_of(n, body)?;
        self.decide(join).map(drop)
    }

    fn submit(&mut self) -> anyhow::Result<()> {
        let body = self.scenario.job(self.jobs).to_string();
        let minted = JobId::parse(&job_id(self.jobs))?;
        let spec = parse_submission(body.as_bytes(), minted, None, self.now)?.spec;
        self.jobs += 1;
        self.decide(Command::Submit { spec: Arc::new(spec), recalled: None }).map(drop)
    }

    /// Measures, and leaves as many waiting as before.
    pub(super) fn run(&mut self, claims: usize, joins: usize, explains: usize) -> anyhow::Result<Run> {
        let claim = self.claims(claims)?;
        let (join, leave) = self.joins(joins)?;
        let explain = self.explains(explains)?;
        let pending = self.ledger.tally().pending;
        ensure!(pending == self.waiting as u64, "{pending} jobs wait after it, not {}", self.waiting);
        Ok(Run { claim, join, leave, explain })
    }

    fn claims(&mut self, count: usize) -> anyhow::Result<Spread> {
        let mut samples = Samples::default();
        for n in 0..count {
            self.now = self.now + 1;
            self.leases += 1;
            let number = spread(n) % self.scenario.workers;
            let next = Command::Next(Next {
                worker: WorkerId::parse(&worker_id(number))?,
                session: SessionId(number as u64 + 1),
                have: Vec::new(),
                lease: LeaseId(self.leases),
                until: self.now,
                start: true,
            });
            let mut told = Told::default();
            let answer = samples.time(|| self.ledger.handle(next, self.now, &mut told)).context("next was refused")?;
            let Answer::Next { grant, .. } = answer else { bail!("next was answered with something else") };
            // Workers that serve few customers may find nothing.
            let Some(grant) = grant else { continue };
            let job = grant.job.clone();
            ensure!(finds_a_worker(job.as_str()), "{job} was given to a worker that cannot run it");
            ensure!(self.finished.insert(job.clone()), "{job} was given twice");
            self.decide(Command::Finish { lease: grant.lease, result: Content { hash: [0; 32], bytes: 4 } })?;
            self.replace()?;
        }
        Ok(samples.spread())
    }

    /// Another job that finds a worker, in place of one that ended.
    fn replace(&mut self) -> anyhow::Result<()> {
        // The odd numbers are those that find nobody.
        self.jobs += self.jobs % 2;
        self.submit()
    }

    fn joins(&mut self, count: usize) -> anyhow::Result<(Spread, Spread)> {
        let (mut joins, mut leaves) = (Samples::default(), Samples::default());
        for n in 0..count {
            // On machines that have room for one more.
            let number = n % self.scenario.workers;
            let body = self.scenario.newcomer(number);
            let Command::JoinWorker(mut join) = self.join_of(number, &body)? else { bail!("no join") };
            join.worker = WorkerId::parse(&format!("newcomer-{n}"))?;
            let worker = join.worker.clone();
            let join = Command::JoinWorker(join);
            let mut told = Told::default();
            joins.time(|| self.ledger.handle(join, self.now, &mut told)).context("a join was refused")?;
            let leave = Command::LeaveWorker { worker, session: None };
            leaves.time(|| self.ledger.handle(leave, self.now, &mut told)).context("a leave was refused")?;
        }
        Ok((joins.spread(), leaves.spread()))
    }

    fn explains(&mut self, count: usize) -> anyhow::Result<Spread> {
        let waiting: Vec<JobId> = self.ledger.pending().map(|job| job.spec.id.clone()).collect();
        let mut samples = Samples::default();
        for n in 0..count {
            let job = &waiting[spread(n) % waiting.len()];
            let told = samples.time(|| self.ledger.explain(job, self.now)).context("a waiting job is not known")?;
            let is_capable = told.capable_workers > 0;
            ensure!(is_capable == finds_a_worker(job.as_str()), "{job} is explained wrongly");
        }
        Ok(samples.spread())
    }
}
