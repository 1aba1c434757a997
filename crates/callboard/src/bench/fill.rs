//! `callboard bench fill`: a store as it is after very many jobs, for `bench lists` and for whoever
//! wants to see a full one.

use super::args::BenchFill;
use super::scenario::spread;
use crate::say::{note, say};
use anyhow::ensure;
use broker::Lives;
use bytes::Bytes;
use fleet::{
    Command, Fail, Failure, FailureKind, IdError, JobId, JoinWorker, LeaseId, MachineFacts, MachineId, Next, Service,
    SessionId, Timestamp, WorkerId,
};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

const SERVICES: usize = 20;
const CUSTOMERS: usize = 1_000;
const WORKERS: usize = 1_000;
const WORKERS_PER_MACHINE: usize = 4;
/// Jobs of one workflow.
const STEPS: u64 = 10;

pub(crate) async fn fill(args: BenchFill) -> anyhow::Result<ExitCode> {
    ensure!(args.jobs > 0, "--jobs: at least 1");
    let store = store::open(&args.store, &store::Options::default())?;
    let began = Instant::now();
    // So that the last one ends about now.
    let seconds = i64::try_from(args.jobs.div_ceil(500))?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let cast = Cast::new()?;
    broker::fill(&store, &cast, args.jobs, now - seconds * 1_000, |jobs| note(&format!("{jobs} jobs"))).await?;
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("{} jobs have ended in {}, in {seconds:.0} s", args.jobs, args.store))?;
    Ok(ExitCode::SUCCESS)
}

/// Who runs what: job `n` asks for service `n % 20`, and one of that service's 50 workers runs it.
struct Cast {
    workers: Vec<WorkerId>,
    machines: Vec<MachineId>,
    services: Vec<Service>,
}

impl Cast {
    fn new() -> Result<Cast, IdError> {
        let services = (0..SERVICES).map(|n| Service::parse(&format!("service-{n}")));
        let workers = (0..WORKERS).map(|n| WorkerId::parse(&format!("worker-{n}")));
        let machines = (0..WORKERS / WORKERS_PER_MACHINE).map(|n| MachineId::parse(&format!("machine-{n}")));
        Ok(Cast {
            workers: workers.collect::<Result<_, _>>()?,
            machines: machines.collect::<Result<_, _>>()?,
            services: services.flatten().collect(),
        })
    }

    fn worker_of(&self, n: u64) -> usize {
        let service = (n % SERVICES as u64) as usize;
        service + SERVICES * (spread(n as usize / SERVICES) % (WORKERS / SERVICES))
    }
}

impl Lives for Cast {
    fn submission(&self, n: u64) -> Result<(JobId, Bytes), IdError> {
        let job = JobId::parse(&format!("filled-{n:010}"))?;
        let (service, workflow) = (n % SERVICES as u64, n / STEPS);
        let customer = spread(n as usize) % CUSTOMERS;
        let body = format!(
            r#"{{"job_id":"{job}","job_type":"service-{service}","customer_id":"customer-{customer}","workflow_id":"flow-{workflow}","max_attempts":1,"payload":{{"n":{n}}}}}"#
        );
        Ok((job, body.into()))
    }

    fn result(&self, n: u64) -> Bytes {
        format!("{{\"n\":{n}}}").into()
    }

    fn beginning(&self) -> Vec<Command> {
        let machines = self
            .machines
            .iter()
            .map(|machine| Command::JoinMachine { machine: machine.clone(), facts: MachineFacts::default() });
        let workers = self.workers.iter().enumerate().map(|(n, worker)| {
            let services = BTreeSet::from([self.services[n % SERVICES].clone()]);
            Command::JoinWorker(JoinWorker {
                worker: worker.clone(),
                machine: self.machines[n / WORKERS_PER_MACHINE].clone(),
                session: SessionId(1),
                slots: 1,
                capabilities: Arc::new(fleet::Capabilities { services, ..fleet::Capabilities::default() }),
                loaded_models: BTreeSet::new(),
                resume: Vec::new(),
            })
        });
        machines.chain(workers).collect()
    }

    fn life(&self, n: u64, job: &JobId) -> Vec<Command> {
        let lease = LeaseId(u128::from(n) + 1);
        let next = Command::Next(Next {
            worker: self.workers[self.worker_of(n)].clone(),
            session: SessionId(1),
            have: Vec::new(),
            lease,
            until: Timestamp::default(),
            start: true,
        });
        // One in fifty is called off before it runs, one in a hundred while it does, one in ten fails.
        match n % 100 {
            0 | 50 => vec![Command::Cancel { job: job.clone() }],
            99 => vec![next, Command::Cancel { job: job.clone() }],
            n if n % 10 == 1 => {
                let failure = Failure { kind: FailureKind::BadInput, reason: None };
                let error = "the prompt is empty".into();
                vec![next, Command::Fail(Fail { lease, error, failure, retry: false, retry_after_ms: None, roll: 0 })]
            }
            _ => vec![next, Command::Finish { lease, result: wire::jobs::content(&self.result(n)) }],
        }
    }
}
