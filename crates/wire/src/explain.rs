//! Why a job waits, in data and in a sentence (`GET /api/jobs/{id}/explain`, `GET /api/classes`).

use crate::words::JobStatus;
use crate::{Malformed, jobs, rfc3339};
use fleet::{
    Expiry, Explanation, Finished, Job, Lack, Lease, Ledger, MachineId, Outcome, Part, State, Timestamp, Verdict,
    WorkerId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use utoipa::ToSchema;

/// How it stands with a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// A worker that could run it has room.
    Ready,
    /// All workers that could run it are taken, or may not be given it now.
    Busy,
    /// No worker of the fleet could run it.
    NoCapableWorker,
    /// Its service is paused.
    Paused,
    /// It may not run yet.
    BackingOff,
    /// A worker has it.
    Running,
    Finished,
}

impl From<Verdict> for VerdictWord {
    fn from(verdict: Verdict) -> VerdictWord {
        match verdict {
            Verdict::Ready => VerdictWord::Ready,
            Verdict::Busy => VerdictWord::Busy,
            Verdict::NoCapableWorker => VerdictWord::NoCapableWorker,
            Verdict::Paused => VerdictWord::Paused,
            Verdict::BackingOff { .. } => VerdictWord::BackingOff,
            Verdict::Running => VerdictWord::Running,
            Verdict::Finished => VerdictWord::Finished,
        }
    }
}

/// `schedulable` of a waiting job: whether the fleet could run it, since when that is so, and
/// what the nearest workers lack if it could not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SchedulableView {
    /// `ready`, `busy` or `no_capable_worker`.
    pub verdict: VerdictWord,
    pub since: String,
    pub missing: Vec<String>,
}

impl SchedulableView {
    /// Of a job that was told to be one that nobody could run; others are not looked up.
    pub(crate) fn told(job: &Job) -> Option<SchedulableView> {
        let waiting = job.waiting()?;
        let missing = waiting.missing.as_ref()?.to_vec();
        Some(SchedulableView { verdict: VerdictWord::NoCapableWorker, since: rfc3339(waiting.since), missing })
    }

    /// Of any waiting job.
    #[must_use]
    pub fn of(ledger: &Ledger, job: &Job) -> Option<SchedulableView> {
        let waiting = job.waiting()?;
        let verdict = VerdictWord::from(ledger.schedulable(job));
        let missing = match verdict {
            VerdictWord::NoCapableWorker => ledger.missing(&job.spec.id).to_vec(),
            _ => Vec::new(),
        };
        Some(SchedulableView { verdict, since: rfc3339(waiting.since), missing })
    }
}

/// The answer to `GET /api/jobs/{id}/explain`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Explained {
    pub success: bool,
    pub job_id: String,
    pub status: JobStatus,
    pub verdict: VerdictWord,
    /// The same for a person.
    pub sentence: String,
    /// While it may not run yet: until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    pub workers: WorkerCounts,
    pub machines: MachineCounts,
    /// What fails somewhere, and on how many machines no worker meets it.
    pub requirements: Vec<FailingView>,
    /// Of all workers that could not run it, the one that lacks least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<NearestView>,
    /// While it may be given: how much goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<AheadView>,
    pub timestamp: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkerCounts {
    pub total: usize,
    /// Those that could run it.
    pub capable: usize,
    /// Of these, those that could take it now.
    pub free: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MachineCounts {
    pub total: usize,
    /// Those with a worker that could run it.
    pub capable: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FailingView {
    pub requirement: String,
    pub machines: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NearestView {
    pub machine_id: String,
    pub worker_id: String,
    pub lacks: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AheadView {
    pub jobs: usize,
    /// `exact`, or `at_least` when there are too many to count.
    pub jobs_is: String,
}

impl Explained {
    /// `None`: the job is not known. Without `names` no worker and no machine is named.
    #[must_use]
    pub fn of(ledger: &Ledger, id: &fleet::JobId, names: bool, now: Timestamp) -> Option<Explained> {
        let (job, why) = (ledger.job(id)?, ledger.explain(id, now)?);
        let shown = |lacks: &[Lack]| lacks.iter().map(ToString::to_string).collect();
        let jobs_is = |is_exact| if is_exact { "exact" } else { "at_least" };
        Some(Explained {
            success: true,
            job_id: id.to_string(),
            status: job.status().into(),
            verdict: why.verdict.into(),
            sentence: sentence(ledger, job, &why, names),
            until: match why.verdict {
                Verdict::BackingOff { until } => Some(rfc3339(until)),
                _ => None,
            },
            workers: WorkerCounts { total: why.workers, capable: why.capable_workers, free: why.free_workers },
            machines: MachineCounts { total: why.machines, capable: why.capable_machines },
            requirements: why
                .failing
                .iter()
                .map(|(lack, machines)| FailingView { requirement: lack.to_string(), machines: *machines })
                .collect(),
            nearest: why.nearest.as_ref().filter(|_| names).map(|nearest| NearestView {
                machine_id: nearest.machine.to_string(),
                worker_id: nearest.worker.to_string(),
                lacks: shown(&nearest.lacks),
            }),
            ahead: why.ahead.map(|ahead| AheadView { jobs: ahead.jobs, jobs_is: jobs_is(ahead.is_exact).to_owned() }),
            timestamp: rfc3339(now),
        })
    }

    /// Of a job that only the archive knows: it is over.
    #[must_use]
    pub fn of_ended(job: &Job, now: Timestamp) -> Explained {
        Explained {
            success: true,
            job_id: job.spec.id.to_string(),
            status: job.status().into(),
            verdict: VerdictWord::Finished,
            sentence: ended(job),
            until: None,
            workers: WorkerCounts { total: 0, capable: 0, free: 0 },
            machines: MachineCounts { total: 0, capable: 0 },
            requirements: Vec::new(),
            nearest: None,
            ahead: None,
            timestamp: rfc3339(now),
        }
    }
}

fn sentence(ledger: &Ledger, job: &Job, why: &Explanation, names: bool) -> String {
    let service = &job.spec.requirements.service;
    match why.verdict {
        Verdict::Finished => ended(job),
        Verdict::Running => held(job, names),
        Verdict::NoCapableWorker => nobody(job, why, names),
        Verdict::Paused => {
            let since = ledger.paused().find(|(paused, _)| *paused == service).map(|(_, at)| rfc3339(at));
            let since = since.map_or_else(String::new, |since| format!(" since {since}"));
            format!("{service} has been paused{since}; its jobs wait until it is resumed")
        }
        Verdict::BackingOff { until } => {
            let reason = match job.attempts.is_empty() {
                true => "its submitter asked for that (not_before)",
                false => "its last run failed, and it is tried again then",
            };
            format!("may not run before {}: {reason}", rfc3339(until))
        }
        Verdict::Busy => {
            let who = match why.capable_workers {
                1 => "the one worker that can run it is not".to_owned(),
                workers => format!("none of the {workers} workers that can run it is"),
            };
            format!("waits: {who} free now{}", ahead(why))
        }
        Verdict::Ready => {
            let free = some(why.free_workers, "worker that can run it is", "workers that can run it are");
            format!("is ready: {free} free{}", ahead(why))
        }
    }
}

fn ended(job: &Job) -> String {
    match job.finished() {
        Some(Finished { at, outcome, .. }) => {
            let at = rfc3339(*at);
            match outcome {
                Outcome::Completed { .. } => format!("completed at {at}"),
                Outcome::Cancelled => format!("was cancelled at {at}"),
                Outcome::Failed { error, .. } => format!("failed at {at}: {error}"),
                Outcome::Expired(Expiry::StartBy(by)) => {
                    format!("expired at {at}: it had not started by {}", rfc3339(*by))
                }
                Outcome::Expired(Expiry::FinishBy(by)) => {
                    format!("expired at {at}: it had not ended by {}", rfc3339(*by))
                }
            }
        }
        None => String::new(),
    }
}

fn held(job: &Job, names: bool) -> String {
    let by = |lease: &Lease| whom(&lease.worker, &lease.machine, names);
    match &job.state {
        State::Assigned { lease } => format!("was given to {}, which has not started it yet", by(lease)),
        State::Running { lease, started_at } => {
            format!("has been running on {} since {}", by(lease), rfc3339(*started_at))
        }
        _ => String::new(),
    }
}

fn whom(worker: &WorkerId, machine: &MachineId, names: bool) -> String {
    if names { format!("{worker} on {machine}") } else { "a worker".to_owned() }
}

/// "needs 24 GB of GPU memory; the largest of 3 machines with comfyui has 16 GB"
fn nobody(job: &Job, why: &Explanation, names: bool) -> String {
    let service = &job.spec.requirements.service;
    // Where there is enough of it, something else is missing there.
    if let Some(best) = why.best.as_ref().filter(|best| best.largest < best.wanted) {
        let (amount, unit) = (spoken(best.part), unit(best.part));
        let who = match best.machines {
            1 => format!("the one machine with {service}"),
            machines => format!("the largest of {machines} machines with {service}"),
        };
        return format!("needs {}{unit} {amount}; {who} has {}{unit}", best.wanted, best.largest);
    }
    let lacks_service = |lacks: &[Lack]| lacks.iter().any(|lack| matches!(lack, Lack::Service(_)));
    match &why.nearest {
        None => format!("needs {service}; no worker is registered"),
        Some(nearest) if lacks_service(&nearest.lacks) => {
            let none = match why.machines {
                1 => "the one machine there is does not offer".to_owned(),
                machines => format!("none of {machines} machines offers"),
            };
            format!("needs {service}; {none} it")
        }
        Some(nearest) => {
            let (mut unmet, mut excluded) = (Vec::new(), Vec::new());
            for lack in &nearest.lacks {
                match lack {
                    Lack::Bar(bar) => excluded.push(bar.to_string()),
                    other => unmet.push(other.to_string()),
                }
            }
            let told = |what: &str, list: &[String]| (!list.is_empty()).then(|| format!("{what}: {}", list.join("; ")));
            let unmet = told("does not meet", &unmet).into_iter().chain(told("has what is excluded", &excluded));
            let nearest = whom(&nearest.worker, &nearest.machine, names);
            let unmet = unmet.collect::<Vec<_>>().join(", and ");
            format!("no worker can run it; the nearest, {nearest}, {unmet}")
        }
    }
}

fn spoken(part: Part) -> &'static str {
    match part {
        Part::GpuMemoryGb => "of GPU memory",
        Part::RamGb => "of memory",
        Part::CpuCores => "CPU cores",
        Part::GpuCount => "GPUs",
    }
}

fn unit(part: Part) -> &'static str {
    match part {
        Part::GpuMemoryGb | Part::RamGb => " GB",
        Part::CpuCores | Part::GpuCount => "",
    }
}

fn ahead(why: &Explanation) -> String {
    match why.ahead {
        Some(ahead) if ahead.jobs == 0 => "; it is next in line".to_owned(),
        Some(ahead) if !ahead.is_exact => format!("; at least {} jobs go before it", ahead.jobs),
        Some(ahead) => format!("; {} before it", some(ahead.jobs, "job goes", "jobs go")),
        None => String::new(),
    }
}

fn some(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The filter and length of `GET /api/classes`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassesQuery {
    pub service: Option<String>,
    pub limit: Option<usize>,
}

impl ClassesQuery {
    /// The service that is asked for, and how many classes at most.
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn check(self) -> Result<(Option<fleet::Service>, usize), Malformed> {
        let service = self.service.as_deref().map(fleet::Service::parse).transpose();
        let limit = jobs::check_limit(self.limit)?;
        Ok((service.map_err(|error| Malformed::field("service", error))?, limit))
    }
}

/// The answer to `GET /api/classes`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Classes {
    pub success: bool,
    /// Those with most waiting jobs first.
    pub classes: Vec<ClassView>,
    /// How many there are.
    pub total: usize,
    pub timestamp: String,
}

/// The waiting jobs of equal requirements.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClassView {
    pub service: String,
    /// As in a submission; absent if only the service is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirements: Option<serde_json::Value>,
    /// These ran out of memory on workers with so much, so more is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_than_gpu_memory_gb: Option<f64>,
    pub waiting: usize,
    pub oldest_job_id: String,
    pub oldest_at: String,
    /// Whosever the jobs are.
    pub capable_workers: usize,
    pub capable_machines: usize,
    /// What the nearest workers lack, if there is no capable one.
    pub missing: Vec<String>,
}

impl Classes {
    #[must_use]
    pub fn of(ledger: &Ledger, service: Option<&fleet::Service>, max: usize, now: Timestamp) -> Classes {
        let (reports, total) = ledger.classes(service, max);
        // Counted once for all classes that the same workers can run.
        let mut machines = HashMap::new();
        let view = |class: fleet::ClassReport<'_>| {
            let oldest = ledger.job_of(class.oldest)?;
            let machines = *machines.entry(std::sync::Arc::as_ptr(&class.capable).cast::<()>()).or_insert_with(|| {
                let workers = class.capable.iter().filter_map(|id| ledger.worker(id));
                workers.map(|worker| &worker.machine).collect::<BTreeSet<_>>().len()
            });
            let is_capable = !class.capable.is_empty();
            Some(ClassView {
                service: class.requirements.service.to_string(),
                requirements: crate::requirements::show(class.requirements),
                more_than_gpu_memory_gb: class.more_than_gb.map(fleet::Number::get),
                waiting: class.waiting,
                oldest_job_id: oldest.spec.id.to_string(),
                oldest_at: rfc3339(oldest.created_at),
                capable_workers: class.capable.len(),
                capable_machines: machines,
                missing: if is_capable { Vec::new() } else { ledger.missing(&oldest.spec.id).to_vec() },
            })
        };
        let classes = reports.into_iter().filter_map(view).collect();
        Classes { success: true, classes, total, timestamp: rfc3339(now) }
    }
}

/// The answer to `GET /api/services`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Services {
    pub success: bool,
    pub services: Vec<ServiceView>,
    pub timestamp: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServiceView {
    pub name: String,
    pub paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<String>,
    pub waiting: usize,
    pub running: usize,
    /// Workers that offer it.
    pub workers: usize,
    /// Of these, those where it does not work now.
    pub workers_down: usize,
}

impl Services {
    #[must_use]
    pub fn of(ledger: &Ledger, now: Timestamp) -> Services {
        let mut services = std::collections::BTreeMap::new();
        for (service, waiting) in ledger.waiting_by_service() {
            services.insert(service.clone(), ServiceView { waiting, ..ServiceView::named(service) });
        }
        for (service, since) in ledger.paused() {
            let view = services.entry(service.clone()).or_insert_with(|| ServiceView::named(service));
            (view.paused, view.paused_since) = (true, Some(rfc3339(since)));
        }
        for worker in ledger.workers() {
            for service in &worker.capabilities.services {
                let view = services.entry(service.clone()).or_insert_with(|| ServiceView::named(service));
                view.workers += 1;
                view.workers_down += usize::from(worker.down.contains(service));
            }
        }
        for job in ledger.active() {
            let service = &job.spec.requirements.service;
            services.entry(service.clone()).or_insert_with(|| ServiceView::named(service)).running += 1;
        }
        let is_of_use = |view: &ServiceView| view.paused || view.waiting > 0 || view.running > 0 || view.workers > 0;
        let services = services.into_values().filter(is_of_use).collect();
        Services { success: true, services, timestamp: rfc3339(now) }
    }
}

impl ServiceView {
    fn named(service: &fleet::Service) -> ServiceView {
        ServiceView {
            name: service.to_string(),
            paused: false,
            paused_since: None,
            waiting: 0,
            running: 0,
            workers: 0,
            workers_down: 0,
        }
    }
}
