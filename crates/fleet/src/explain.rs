//! Why a job waits, told by what decides: the same needs are asked, one by one.

use crate::ledger::seat;
use crate::schedule::Seat;
use crate::{
    Ahead, Capabilities, CustomerId, Job, JobId, Ledger, Machine, MachineId, Missing, Need, Part, Requirements,
    Service, Timestamp, Worker, WorkerId, WorkflowId, limits,
};
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// How it stands with a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A worker that could run it has room.
    Ready,
    /// All workers that could run it are taken, or may not be given it now.
    Busy,
    /// No worker of the fleet could run it.
    NoCapableWorker,
    /// Its service is paused.
    Paused,
    /// It may not run yet: its backoff is not over, or its submitter said so.
    BackingOff {
        until: Timestamp,
    },
    /// A worker has it.
    Running,
    Finished,
}

/// One thing that a worker would need and has not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lack {
    Service(Service),
    Need(Need),
    /// It has what it must not have.
    Bar(Need),
    /// It does not take this customer's jobs, or none without a customer.
    Customer(Option<CustomerId>),
    /// It takes another workflow's jobs only.
    Workflow(Option<WorkflowId>),
}

/// The whole answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    pub verdict: Verdict,
    pub workers: usize,
    pub machines: usize,
    /// Workers that could run it.
    pub capable_workers: usize,
    pub capable_machines: usize,
    /// Of the capable ones, those that could take it now.
    pub free_workers: usize,
    /// Each requirement that fails somewhere, and on how many machines no worker meets it.
    pub failing: Vec<(Lack, usize)>,
    /// Of all that cannot run it, the one that lacks least.
    pub nearest: Option<Nearest>,
    /// The best that machines with the service have of the one amount that is missing.
    pub best: Option<Best>,
    /// While it may be given.
    pub ahead: Option<Ahead>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nearest {
    pub machine: MachineId,
    pub worker: WorkerId,
    pub lacks: Vec<Lack>,
}

/// How much of an amount there is, when that is all that is missing.
#[derive(Clone, PartialEq, Debug)]
pub struct Best {
    pub part: Part,
    pub wanted: f64,
    pub largest: f64,
    /// How many machines have the service.
    pub machines: usize,
}

/// What is asked of a worker for one job.
#[derive(Clone, Copy)]
struct Asked<'a> {
    requirements: &'a Requirements,
    customer: Option<&'a CustomerId>,
    workflow: Option<&'a WorkflowId>,
}

impl<'a> Asked<'a> {
    fn of(job: &'a Job) -> Asked<'a> {
        let (customer, workflow) = (job.spec.customer.as_ref(), job.spec.workflow_id());
        Asked { requirements: &job.spec.requirements, customer, workflow }
    }

    /// Everything that can fail, in the order in which it is told.
    fn all(self) -> Vec<Lack> {
        let needs = self.requirements.needs.iter().cloned().map(Lack::Need);
        let bars = self.requirements.bars.iter().cloned().map(Lack::Bar);
        let whose = [Lack::Customer(self.customer.cloned()), Lack::Workflow(self.workflow.cloned())];
        std::iter::once(Lack::Service(self.requirements.service.clone()))
            .chain(needs)
            .chain(bars)
            .chain(whose)
            .collect()
    }

    fn fails(self, lack: &Lack, worker: &Capabilities) -> bool {
        let service = &self.requirements.service;
        match lack {
            Lack::Service(service) => !worker.services.contains(service),
            Lack::Need(need) => !need.is_met_by(worker, service),
            Lack::Bar(bar) => bar.is_met_by(worker, service),
            Lack::Customer(_) => !worker.takes_customer(self.customer),
            Lack::Workflow(_) => !worker.takes_workflow(self.workflow),
        }
    }

    /// Which of all it lacks, by their places.
    fn judge(self, all: &[Lack], worker: &Capabilities) -> Vec<usize> {
        (0..all.len()).filter(|n| self.fails(&all[*n], worker)).collect()
    }
}

/// What was counted while all workers were asked.
#[derive(Default)]
struct Count<'a> {
    workers: usize,
    capable_workers: usize,
    capable_machines: usize,
    free_workers: usize,
    /// For each requirement, the machines of which no worker meets it.
    failing: Vec<usize>,
    /// How far it is, what it lacks, and who it is.
    nearest: Option<(usize, Vec<usize>, &'a MachineId, &'a WorkerId)>,
}

/// What was seen of one machine's workers.
struct OnMachine {
    gives_work: bool,
    is_capable: bool,
    met: Vec<bool>,
}

/// Whether the machine's workers are given anything now.
fn gives_work(machine: &Machine) -> bool {
    machine.silent_since.is_none() && !machine.is_draining
}

impl Ledger {
    /// How it stands with the job at `now`; `None` if it is not known.
    #[must_use]
    pub fn verdict(&self, id: &JobId, now: Timestamp) -> Option<Verdict> {
        let job = self.job(id)?;
        Some(self.stands(job, now, || self.schedulable(job)))
    }

    fn stands(&self, job: &Job, now: Timestamp, schedulable: impl FnOnce() -> Verdict) -> Verdict {
        let Some(waiting) = job.waiting() else {
            return if job.finished_at().is_some() { Verdict::Finished } else { Verdict::Running };
        };
        match (schedulable(), waiting.not_before.filter(|until| *until > now)) {
            (Verdict::NoCapableWorker, _) => Verdict::NoCapableWorker,
            _ if self.schedule().paused().contains(&job.spec.requirements.service) => Verdict::Paused,
            (_, Some(until)) => Verdict::BackingOff { until },
            (schedulable, None) => schedulable,
        }
    }

    /// Whether the fleet could run a waiting job, whatever else holds it back: ready, busy or
    /// without a capable worker.
    #[must_use]
    pub fn schedulable(&self, job: &Job) -> Verdict {
        let mut workers = self.schedule().capable(seat(job)).filter_map(|id| self.worker(id));
        let is_free = |worker: &Worker| {
            let machine = self.machine(&worker.machine);
            machine.is_some_and(gives_work) && self.may_take(worker, job)
        };
        match self.schedule().is_capable(seat(job)) {
            false => Verdict::NoCapableWorker,
            true if workers.any(is_free) => Verdict::Ready,
            true => Verdict::Busy,
        }
    }

    /// Whether a worker that could run the job has room for it, as far as its machine allows.
    fn may_take(&self, worker: &Worker, job: &Job) -> bool {
        worker.has_room() && !worker.down.contains(&job.spec.requirements.service) && !self.keeps_away(&worker.id, job)
    }

    /// Why the job waits, or how else it stands; `None` if it is not known.
    #[must_use]
    pub fn explain(&self, id: &JobId, now: Timestamp) -> Option<Explanation> {
        let job = self.job(id)?;
        let asked = Asked::of(job);
        let all = asked.all();
        let count = self.count(job, asked, &all);
        let schedulable = match (count.capable_workers, count.free_workers) {
            (0, _) => Verdict::NoCapableWorker,
            (_, 0) => Verdict::Busy,
            _ => Verdict::Ready,
        };
        let verdict = self.stands(job, now, || schedulable);
        let nearest = count.nearest.map(|(_, lacks, machine, worker)| Nearest {
            machine: machine.clone(),
            worker: worker.clone(),
            lacks: lacks.iter().map(|n| all[*n].clone()).collect(),
        });
        let best = matches!(verdict, Verdict::NoCapableWorker).then(|| self.best(asked, nearest.as_ref()));
        let is_eligible = matches!(verdict, Verdict::Ready | Verdict::Busy);
        let failing = all.iter().cloned().zip(count.failing).filter(|(_, machines)| *machines > 0);
        Some(Explanation {
            verdict,
            workers: count.workers,
            machines: self.machines().count(),
            capable_workers: count.capable_workers,
            capable_machines: count.capable_machines,
            free_workers: count.free_workers,
            failing: failing.collect(),
            nearest,
            best: best.flatten(),
            ahead: is_eligible.then(|| self.ahead_of(job)),
        })
    }

    /// Asks every kind of worker for every requirement, and every worker whether it has room.
    fn count<'a>(&'a self, job: &Job, asked: Asked<'_>, all: &[Lack]) -> Count<'a> {
        // That more memory is wanted holds while it waits.
        let seat = Seat { more_than_gb: job.waiting().and(job.more_than_gb), ..seat(job) };
        let capable: BTreeSet<_> = self.schedule().capable_profiles(seat).collect();
        let kinds: HashMap<_, _> = self.schedule().kinds().map(|(id, kind)| (id, asked.judge(all, kind))).collect();
        let mut machines: HashMap<&MachineId, OnMachine> = HashMap::new();
        let mut count = Count::default();
        for worker in self.workers() {
            let Some(profile) = self.profile_of(&worker.id) else { continue };
            let Some(lacks) = kinds.get(&profile) else { continue };
            count.workers += 1;
            let on = machines.entry(&worker.machine).or_insert_with(|| OnMachine {
                gives_work: self.machine(&worker.machine).is_some_and(gives_work),
                is_capable: false,
                met: vec![false; all.len()],
            });
            let mut lacking = lacks.iter().peekable();
            for (n, met) in on.met.iter_mut().enumerate() {
                *met |= lacking.next_if_eq(&&n).is_none();
            }
            if capable.contains(&profile) {
                count.capable_workers += 1;
                on.is_capable = true;
                count.free_workers += usize::from(on.gives_work && self.may_take(worker, job));
            } else if !lacks.is_empty() {
                // Whoever has the service is nearer than who has not.
                let far = lacks.len() + if lacks[0] == 0 { all.len() } else { 0 };
                let this = (far, lacks.clone(), &worker.machine, &worker.id);
                if count.nearest.as_ref().is_none_or(|nearest| this < *nearest) {
                    count.nearest = Some(this);
                }
            }
        }
        count.capable_machines = machines.values().filter(|on| on.is_capable).count();
        count.failing = (0..all.len()).map(|n| machines.values().filter(|on| !on.met[n]).count()).collect();
        count
    }

    /// If the nearest lacks nothing but an amount: how much those with the service have of it.
    fn best(&self, asked: Asked<'_>, nearest: Option<&Nearest>) -> Option<Best> {
        let [Lack::Need(Need::Hardware(part, wanted))] = nearest?.lacks.as_slice() else { return None };
        let offers = |worker: &&Worker| worker.capabilities.services.contains(&asked.requirements.service);
        let workers: Vec<&Worker> = self.workers().filter(offers).collect();
        let largest = workers.iter().map(|worker| worker.capabilities.hardware.has(*part)).max()?;
        // Somebody has enough and lacks something else: then this is not the whole story.
        if largest >= *wanted {
            return None;
        }
        let machines = workers.iter().map(|worker| &worker.machine).collect::<BTreeSet<_>>().len();
        Some(Best { part: *part, wanted: wanted.get(), largest: largest.get(), machines })
    }

    fn ahead_of(&self, job: &Job) -> Ahead {
        let whose = |order: u64| {
            let spec = &self.job_of(order)?.spec;
            Some((spec.customer.clone(), spec.workflow_id().cloned()))
        };
        self.schedule().ahead_of(seat(job), &whose)
    }

    /// What the nearest kind of worker lacks to run the job, in words.
    #[must_use]
    pub fn missing(&self, id: &JobId) -> Missing {
        self.job(id).map(|job| self.lacked(job)).unwrap_or_default()
    }

    pub(crate) fn lacked(&self, job: &Job) -> Missing {
        let asked = Asked::of(job);
        let service = &asked.requirements.service;
        let all = asked.all();
        // The order of `all` is that of `Lack`, so places compare as what they stand for.
        let lacks = self.schedule().kinds_of(service).map(|kind| asked.judge(&all, kind));
        let least = lacks.min_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        // Nobody offers the service: that is all there is to say.
        let least = least.unwrap_or_else(|| vec![0]);
        least.iter().take(limits::MISSING_MAX).map(|n| all[*n].to_string()).collect()
    }
}

/// As `missing` shows it.
impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Service(service) => write!(f, "service: {service}"),
            Lack::Need(need) => need.fmt(f),
            Lack::Bar(bar) => write!(f, "not {bar}"),
            Lack::Customer(Some(customer)) => write!(f, "open to customer {customer}"),
            Lack::Customer(None) => f.write_str("open to jobs without a customer"),
            Lack::Workflow(Some(workflow)) => write!(f, "not bound to another workflow than {workflow}"),
            Lack::Workflow(None) => f.write_str("not bound to a workflow"),
        }
    }
}
