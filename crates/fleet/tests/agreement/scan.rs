//! The rules of `wire.md` §8b and §8c once more, by looking at everything: no index, no class,
//! no kind of worker, and nothing of the code that is judged but its plain data.

use crate::meets::{amount, fits, meets};
use fleet::{
    Ahead, Best, Capabilities, Explanation, JobId, JobSpec, Lack, LeaseId, MachineId, Nearest, Need, Number,
    PrincipalId, Requirements, Service, Timestamp, Verdict, WorkerId, WorkflowId,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many jobs held off leave a worker with nothing; §8c names no number, the limit does.
const KEPT_AWAY_MAX: usize = fleet::limits::HOLD_OFFS_PER_WORKER_MAX;

pub(crate) struct Job {
    pub(crate) spec: Arc<JobSpec>,
    pub(crate) created_at: Timestamp,
    pub(crate) order: u64,
    pub(crate) priority: u32,
    pub(crate) at: Timestamp,
    pub(crate) starves: bool,
    /// A worker with so much GPU memory had too little.
    pub(crate) too_little: Option<Number>,
    pub(crate) place: Place,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Place {
    /// `awake`: a tick has seen that `not_before` is over.
    Waiting {
        not_before: Option<Timestamp>,
        awake: bool,
    },
    Held {
        lease: LeaseId,
        worker: WorkerId,
        started: bool,
    },
    Over,
}

pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) machine: MachineId,
    pub(crate) session: u64,
    pub(crate) slots: usize,
    pub(crate) has: Arc<Capabilities>,
    /// It declared itself ready, and no operator drains it.
    pub(crate) ready: bool,
    pub(crate) drained: bool,
    pub(crate) down: BTreeSet<Service>,
}

pub(crate) struct Machine {
    pub(crate) id: MachineId,
    pub(crate) drained: bool,
    pub(crate) silent: bool,
}

#[derive(Default)]
pub(crate) struct Scan {
    pub(crate) now: Timestamp,
    pub(crate) jobs: Vec<Job>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) paused: BTreeSet<Service>,
    /// Which job is not offered to which worker, and until when.
    pub(crate) kept_away: Vec<(WorkerId, u64, Timestamp)>,
    /// What the first job of a principal's workflow fixed.
    pub(crate) workflows: Vec<(PrincipalId, WorkflowId, u32, Timestamp)>,
    pub(crate) starve_after_ms: Option<u64>,
}

type Key = (bool, Reverse<u32>, Timestamp, u64);

impl Job {
    pub(crate) fn key(&self) -> Key {
        match self.starves {
            true => (false, Reverse(0), self.created_at, self.order),
            false => (true, Reverse(self.priority), self.at, self.order),
        }
    }

    pub(crate) fn waits(&self) -> bool {
        matches!(self.place, Place::Waiting { .. })
    }

    fn is_awake(&self) -> bool {
        matches!(self.place, Place::Waiting { awake: true, .. })
    }

    /// It should have started or ended by now: it expires and is not given.
    fn is_overdue(&self, now: Timestamp) -> bool {
        let timing = self.spec.timing();
        [timing.start_by, timing.finish_by].into_iter().flatten().any(|at| at <= now)
    }

    fn service(&self) -> &Service {
        &self.spec.requirements.service
    }

    fn workflow(&self) -> Option<&WorkflowId> {
        self.spec.workflow_id()
    }

    /// Everything that a worker may lack.
    fn asks(&self) -> Vec<Lack> {
        let Requirements { service, needs, bars } = &*self.spec.requirements;
        let mut asks = vec![Lack::Service(service.clone())];
        asks.extend(needs.iter().cloned().map(Lack::Need));
        asks.extend(bars.iter().cloned().map(Lack::Bar));
        asks.push(Lack::Customer(self.spec.customer.clone()));
        asks.push(Lack::Workflow(self.workflow().cloned()));
        asks
    }

    fn is_refused(&self, ask: &Lack, has: &Capabilities) -> bool {
        match ask {
            Lack::Service(service) => !has.services.contains(service),
            Lack::Need(need) => !meets(need, has, self.service()),
            Lack::Bar(bar) => meets(bar, has, self.service()),
            Lack::Customer(_) => !admits(has, self),
            Lack::Workflow(_) => has.workflow.is_some() && has.workflow.as_ref() != self.workflow(),
        }
    }
}

fn admits(has: &Capabilities, job: &Job) -> bool {
    match &job.spec.customer {
        None => has.access.allowed.is_empty(),
        Some(customer) if has.access.denied.iter().any(|denied| denied == customer) => false,
        Some(customer) => has.access.allowed.is_empty() || has.access.allowed.iter().any(|allowed| allowed == customer),
    }
}

/// Whether it could run the job, but for the memory that another worker had too little of.
fn suits(has: &Capabilities, job: &Job) -> bool {
    fits(&job.spec.requirements, has)
        && admits(has, job)
        && (has.workflow.is_none() || has.workflow.as_ref() == job.workflow())
}

fn has_more(worker: &Worker, job: &Job) -> bool {
    job.too_little.is_none_or(|too_little| worker.has.hardware.gpu_memory_gb.get() > too_little.get())
}

impl Scan {
    pub(crate) fn worker(&self, id: &WorkerId) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.id == *id)
    }

    pub(crate) fn worker_mut(&mut self, id: &WorkerId) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.id == *id)
    }

    pub(crate) fn job_mut(&mut self, id: &JobId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.spec.id == *id)
    }

    pub(crate) fn machine(&self, id: &MachineId) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.id == *id)
    }

    pub(crate) fn leases_of(&self, id: &WorkerId) -> Vec<LeaseId> {
        let held = |job: &Job| match &job.place {
            Place::Held { lease, worker, .. } if worker == id => Some(*lease),
            _ => None,
        };
        self.jobs.iter().filter_map(held).collect()
    }

    pub(crate) fn submit(&mut self, spec: &Arc<JobSpec>, order: u64, now: Timestamp) {
        let workflow = spec.workflow();
        let id = workflow.and_then(|workflow| workflow.id.as_ref());
        let principal = &spec.owner.principal;
        let fixed = self.workflows.iter().find(|(of, known, ..)| of == principal && Some(known) == id);
        let (fixed_priority, fixed_at) = fixed.map_or((spec.priority, now), |(.., priority, at)| (*priority, *at));
        let priority = workflow.and_then(|workflow| workflow.priority).unwrap_or(fixed_priority);
        let at = workflow.and_then(|workflow| workflow.at).unwrap_or(fixed_at);
        if let (Some(id), None) = (id, fixed) {
            self.workflows.push((principal.clone(), id.clone(), priority, at));
        }
        let not_before = spec.stated_timing().and_then(|timing| timing.not_before).filter(|time| *time > now);
        let place = Place::Waiting { not_before, awake: not_before.is_none() };
        let spec = Arc::clone(spec);
        self.jobs.push(Job { spec, created_at: now, order, priority, at, starves: false, too_little: None, place });
    }

    /// What a tick changes of who may be given what.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        for job in &mut self.jobs {
            if let Place::Waiting { not_before, awake } = &mut job.place {
                *awake |= not_before.is_none_or(|time| time <= now);
                job.starves |= self.starve_after_ms.is_some_and(|ms| job.created_at + ms <= now);
            }
        }
        self.kept_away.retain(|(_, _, until)| *until > now);
    }

    /// Whether the worker could run the job, whatever else holds it back now.
    pub(crate) fn could_run(&self, worker: &Worker, job: &Job) -> bool {
        suits(&worker.has, job) && (has_more(worker, job) || !self.is_more_known(job))
    }

    /// Whether anyone who suits the job but for that has more memory than was too little.
    fn is_more_known(&self, job: &Job) -> bool {
        self.workers.iter().any(|worker| has_more(worker, job) && suits(&worker.has, job))
    }

    pub(crate) fn has_room(&self, worker: &Worker) -> bool {
        let drained = worker.drained || self.machine(&worker.machine).is_none_or(|machine| machine.drained);
        worker.ready && !drained && self.leases_of(&worker.id).len() < worker.slots
    }

    fn is_kept_away(&self, worker: &Worker, job: &Job) -> bool {
        let of = self.kept_away.iter().filter(|(id, ..)| *id == worker.id);
        of.clone().any(|(_, order, _)| *order == job.order) || of.count() >= KEPT_AWAY_MAX
    }

    /// The job that the worker is given if it asks now.
    pub(crate) fn pick(&self, id: &WorkerId) -> Option<&Job> {
        let worker = self.worker(id).filter(|worker| self.has_room(worker))?;
        let may_have = |job: &&Job| {
            job.is_awake()
                && !job.is_overdue(self.now)
                && !self.paused.contains(job.service())
                && !worker.down.contains(job.service())
                && self.could_run(worker, job)
                && !self.is_kept_away(worker, job)
        };
        self.jobs.iter().filter(may_have).min_by_key(|job| job.key())
    }

    fn could_take_now(&self, worker: &Worker, job: &Job) -> bool {
        self.machine(&worker.machine).is_some_and(|machine| !machine.silent)
            && self.has_room(worker)
            && !worker.down.contains(job.service())
            && !self.is_kept_away(worker, job)
    }

    /// The classes of waiting jobs: what they need, how many wait, the first one's number, and
    /// who could run one. Jobs that ran out of memory are apart by whose they are.
    pub(crate) fn classes(&self, service: Option<&Service>) -> Vec<ClassFound<'_>> {
        let mut found: BTreeMap<_, Vec<&Job>> = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| job.waits() && service.is_none_or(|s| s == job.service())) {
            let whose = job.too_little.map(|too_little| (too_little, &job.spec.customer, job.workflow()));
            found.entry((&*job.spec.requirements, whose)).or_default().push(job);
        }
        let found = found.into_iter().map(|((requirements, whose), jobs)| {
            let could = |worker: &&Worker| match whose {
                Some(_) if self.is_more_known(jobs[0]) => suits(&worker.has, jobs[0]) && has_more(worker, jobs[0]),
                _ => fits(requirements, &worker.has),
            };
            ClassFound {
                requirements,
                too_little: jobs[0].too_little,
                waiting: jobs.len(),
                oldest: jobs.iter().map(|job| job.order).min().unwrap_or_default(),
                capable: self.workers.iter().filter(could).map(|worker| &worker.id).collect(),
            }
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|class| (Reverse(class.waiting), class.oldest));
        found
    }
}

#[derive(PartialEq, Debug)]
pub(crate) struct ClassFound<'a> {
    pub(crate) requirements: &'a Requirements,
    pub(crate) too_little: Option<Number>,
    pub(crate) waiting: usize,
    pub(crate) oldest: u64,
    pub(crate) capable: BTreeSet<&'a WorkerId>,
}

/// The jobs that may be given at one moment, in order.
pub(crate) struct Queue<'a> {
    scan: &'a Scan,
    eligible: Vec<&'a Job>,
}

impl<'a> Queue<'a> {
    pub(crate) fn of(scan: &'a Scan) -> Queue<'a> {
        let eligible = |job: &&Job| job.is_awake() && !scan.paused.contains(job.service());
        let mut eligible: Vec<&Job> = scan.jobs.iter().filter(eligible).collect();
        eligible.sort_by_key(|job| job.key());
        Queue { scan, eligible }
    }

    /// How many go before it that one of its workers could run as well.
    fn ahead(&self, job: &Job, capable: &[&Worker]) -> usize {
        let before = self.eligible.iter().take_while(|other| other.key() < job.key());
        before.filter(|other| capable.iter().any(|worker| self.scan.could_run(worker, other))).count()
    }

    pub(crate) fn explain(&self, job: &Job, now: Timestamp) -> Explanation {
        let scan = self.scan;
        // Of a job that does not wait it does not matter what its last run had too little of.
        let could = |worker: &&Worker| if job.waits() { scan.could_run(worker, job) } else { suits(&worker.has, job) };
        let capable: Vec<&Worker> = scan.workers.iter().filter(could).collect();
        let free = capable.iter().filter(|worker| scan.could_take_now(worker, job)).count();
        let verdict = self.verdict(job, capable.len(), free, now);
        let nearest = nearest(scan, job, &capable);
        let best = match verdict {
            Verdict::NoCapableWorker => nearest.as_ref().and_then(|nearest| best(scan, job, nearest)),
            _ => None,
        };
        let is_eligible = matches!(verdict, Verdict::Ready | Verdict::Busy);
        Explanation {
            verdict,
            workers: scan.workers.len(),
            machines: scan.machines.len(),
            capable_workers: capable.len(),
            capable_machines: capable.iter().map(|worker| &worker.machine).collect::<BTreeSet<_>>().len(),
            free_workers: free,
            failing: failing(scan, job),
            nearest,
            best,
            ahead: is_eligible.then(|| Ahead { jobs: self.ahead(job, &capable), is_exact: true }),
        }
    }

    fn verdict(&self, job: &Job, capable: usize, free: usize, now: Timestamp) -> Verdict {
        match &job.place {
            Place::Over => Verdict::Finished,
            Place::Held { .. } => Verdict::Running,
            Place::Waiting { .. } if capable == 0 => Verdict::NoCapableWorker,
            Place::Waiting { .. } if self.scan.paused.contains(job.service()) => Verdict::Paused,
            Place::Waiting { not_before: Some(until), .. } if *until > now => Verdict::BackingOff { until: *until },
            Place::Waiting { .. } if free > 0 => Verdict::Ready,
            Place::Waiting { .. } => Verdict::Busy,
        }
    }
}

/// For each thing asked: on how many machines that have workers none of these has it.
fn failing(scan: &Scan, job: &Job) -> Vec<(Lack, usize)> {
    let on = |machine: &Machine| -> Vec<&Worker> {
        scan.workers.iter().filter(|worker| worker.machine == machine.id).collect()
    };
    let fleet: Vec<Vec<&Worker>> = scan.machines.iter().map(on).filter(|workers| !workers.is_empty()).collect();
    let count = |ask: Lack| {
        let none = |workers: &&Vec<&Worker>| workers.iter().all(|worker| job.is_refused(&ask, &worker.has));
        let machines = fleet.iter().filter(none).count();
        (ask, machines)
    };
    job.asks().into_iter().map(count).filter(|(_, machines)| *machines > 0).collect()
}

/// Who lacks least; whoever offers the service is nearer than who does not.
fn nearest(scan: &Scan, job: &Job, capable: &[&Worker]) -> Option<Nearest> {
    let mut unable = Vec::new();
    for worker in scan.workers.iter().filter(|worker| capable.iter().all(|capable| capable.id != worker.id)) {
        let lacks: Vec<Lack> = job.asks().into_iter().filter(|ask| job.is_refused(ask, &worker.has)).collect();
        if !lacks.is_empty() {
            let is_far = !worker.has.services.contains(job.service());
            unable.push((is_far, lacks.len(), lacks, worker.machine.clone(), worker.id.clone()));
        }
    }
    unable.sort();
    let (_, _, lacks, machine, worker) = unable.into_iter().next()?;
    Some(Nearest { machine, worker, lacks })
}

/// How much there is, if all that is missing is more than anyone has.
fn best(scan: &Scan, job: &Job, nearest: &Nearest) -> Option<Best> {
    let [Lack::Need(Need::Hardware(part, wanted))] = nearest.lacks.as_slice() else { return None };
    let offering = scan.workers.iter().filter(|worker| worker.has.services.contains(job.service()));
    let offering: Vec<&Worker> = offering.collect();
    let largest = offering.iter().map(|worker| amount(&worker.has, *part)).fold(0.0, f64::max);
    if largest >= wanted.get() {
        return None;
    }
    let machines = offering.iter().map(|worker| &worker.machine).collect::<BTreeSet<_>>().len();
    Some(Best { part: *part, wanted: wanted.get(), largest, machines })
}
