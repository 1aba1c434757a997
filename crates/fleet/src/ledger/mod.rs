//! What is remembered, and the one place where it changes.

mod apply;
mod clients;
mod clock;
mod drain;
mod ends;
mod followed;
mod forget;
mod hold_offs;
mod jobs;
mod leases;
mod machines;
mod owners;
mod rows;
mod sharing;
mod story;
mod touched;
mod verdicts;
mod workers;

use crate::schedule::{ProfileId, Schedule, Seat};
use crate::{
    Answer, ClassReport, Command, Event, Fact, Job, JobId, Lease, LeaseId, Machine, MachineId, Presence, PrincipalId,
    Rank, Refusal, Service, Status, Timestamp, Told, Worker, WorkerId, WorkerReport, WorkerStatus, WorkflowId, limits,
};
use followed::Clients;
use hold_offs::HoldOffs;
use owners::Owners;
use rows::Rows;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
pub use story::Chapter;
use verdicts::MissingKnown;

/// Jobs, workers and machines. [`handle`](Ledger::handle) decides, [`apply`](Ledger::apply)
/// changes, and nothing else does.
#[derive(Debug, Default)]
pub struct Ledger {
    rows: Rows,
    machines: BTreeMap<MachineId, Machine>,
    workers: BTreeMap<WorkerId, Worker>,
    /// The leases that are held, and those that completed their job, while it is known.
    leases: HashMap<LeaseId, u64>,
    /// The rank that the first job of a principal's workflow fixed, as long as any job of it is known.
    workflows: HashMap<(PrincipalId, WorkflowId), WorkflowRank>,
    clients: Clients,
    /// Services of which nothing is given, since when.
    paused: BTreeMap<Service, Timestamp>,
    /// The largest number of submission that was given.
    orders: u64,
    /// How those ended that are not known any more.
    gone: Gone,

    // Indexes: derived from the above.
    schedule: Schedule,
    owners: Owners,
    /// When something of a job's timing passes, by its number of submission.
    alarms: BTreeSet<(Timestamp, u64)>,
    hold_offs: HoldOffs,
    missing: MissingKnown,
    /// When jobs are looked at next because workers came or went, if not at once.
    next_look: Option<Timestamp>,
    profiles: HashMap<WorkerId, ProfileId>,
    delayed: BTreeSet<(Timestamp, u64)>,
    active: BTreeSet<u64>,
    /// By their ends, then by number; the two kinds apart, so that the newest of each are at hand.
    completed: BTreeSet<(Timestamp, u64)>,
    unhappy: BTreeSet<(Timestamp, u64)>,
    tally: Tally,

    rules: Rules,
    presence: Presence,
    /// Jobs that this command made free to be given; empty between commands.
    freed: Vec<u64>,
    /// Standing workers that this command made something else free for; empty between commands.
    unbarred: Vec<WorkerId>,
    /// Standing workers for which there was too much that had expired; the next tick serves them.
    unserved: Vec<WorkerId>,
}

/// What an operator may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// A job that waits longer goes before all that wait less.
    pub starve_after_ms: Option<u64>,
    /// How many of the newest completed jobs, and of the newest others that ended, are not
    /// forgotten.
    pub finished_tail: usize,
    /// For so long after its end no job is forgotten.
    pub finished_kept_ms: u64,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            starve_after_ms: None,
            finished_tail: limits::FINISHED_TAIL,
            finished_kept_ms: limits::FINISHED_KEPT_MS,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct WorkflowRank {
    rank: Rank,
    /// How many jobs of it are known.
    jobs: u64,
}

/// Jobs that ended and were forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Gone {
    completed: u64,
    failed: u64,
    cancelled: u64,
}

/// How many there are; of those that ended, how many there ever were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    pub pending: u64,
    pub assigned: u64,
    pub in_progress: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub workers: u64,
    pub workers_busy: u64,
    pub machines: u64,
}

impl Tally {
    pub(crate) fn of(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Pending => &mut self.pending,
            Status::Assigned => &mut self.assigned,
            Status::InProgress => &mut self.in_progress,
            Status::Completed => &mut self.completed,
            Status::Failed => &mut self.failed,
            Status::Cancelled => &mut self.cancelled,
        }
    }

    /// All that were ever submitted.
    #[must_use]
    pub fn jobs(&self) -> u64 {
        self.pending + self.assigned + self.in_progress + self.completed + self.failed + self.cancelled
    }
}

impl Ledger {
    /// An empty ledger that decides by these rules.
    #[must_use]
    pub fn with(rules: Rules) -> Ledger {
        Ledger { rules, ..Ledger::default() }
    }

    /// Decides `command` at `now`, which is never before an earlier call's. What is added to
    /// `told` has already happened *here*; the caller makes it durable before it answers or
    /// tells anyone.
    ///
    /// # Errors
    /// A refusal changes nothing and adds nothing.
    pub fn handle(&mut self, command: Command, now: Timestamp, told: &mut Told) -> Result<Answer, Refusal> {
        let answer = match command {
            Command::Submit { spec, recalled } => self.submit(spec, recalled, now, told).map(Answer::Submitted),
            Command::SubmitAll { specs } => Ok(self.submit_all(specs, now, told)),
            Command::Cancel { job } => self.cancel(&job, now, told),
            Command::JoinMachine { machine, facts } => self.join_machine(&machine, facts, now, told),
            Command::Beat(beat) => self.beat(beat, now, told),
            Command::TakeOrders { machine } => self.take_orders(&machine),
            Command::LeaveMachine { machine } => self.leave_machine(&machine, now, told),
            Command::DrainMachine { machine, is_draining } => self.drain_machine(&machine, is_draining, now, told),
            Command::JoinWorker(join) => self.join_worker(join, now, told),
            Command::LeaveWorker { worker, session } => self.leave_worker(&worker, session, now, told),
            Command::DrainWorker { worker, is_draining } => self.drain_worker(&worker, is_draining, now, told),
            Command::PauseService { service, is_paused } => self.pause_service(&service, is_paused, now, told),
            Command::Next(next) => self.next(next, now, told),
            Command::StandDown { worker, lease } => self.stand_down(&worker, lease),
            Command::Start { lease } => self.start(lease, now, told),
            Command::Renew { lease } => self.renew(lease, now),
            Command::Progress { lease, progress } => self.progress(lease, progress, now, told),
            Command::Finish { lease, result } => self.finish(lease, result, now, told),
            Command::Fail(fail) => self.fail(fail, now, told),
            Command::Release { lease, reason } => self.release(lease, reason, now, told),
            Command::Follow { client, jobs, workflow } => self.follow(client, jobs, workflow, now, told),
            Command::Unfollow { client, jobs, workflow } => Ok(self.unfollow(client, jobs, workflow, now, told)),
            Command::ClientsSeen { clients } => Ok(self.clients_seen(clients, now, told)),
            Command::Archived { before } => self.heed_archive(before),
            Command::Tick => self.tick(now, told),
        };
        self.offer_freed(now, told);
        self.serve_unbarred(now, told);
        answer
    }

    /// Records what was decided: the change here, and what presence has to follow.
    fn emit(&mut self, fact: Fact, now: Timestamp, told: &mut Told) {
        let event = Event { at: now, fact, by: None };
        self.heed(&event);
        self.apply(&event);
        told.events.push(event);
    }

    /// [`emit`](Self::emit) for a fact that may turn a worker busy or idle, which is told after it.
    fn emit_turning(&mut self, fact: Fact, worker: &WorkerId, now: Timestamp, told: &mut Told) {
        let old = self.status_of_worker(worker);
        self.emit(fact, now, told);
        self.tell_turn(worker, old, now, told);
    }

    fn status_of_worker(&self, id: &WorkerId) -> Option<WorkerStatus> {
        self.workers.get(id).map(|worker| self.worker_status(worker))
    }

    /// Tells that the worker's status is not what it was, if so.
    fn tell_turn(&mut self, id: &WorkerId, old: Option<WorkerStatus>, now: Timestamp, told: &mut Told) {
        let (Some(old), Some(worker)) = (old, self.workers.get(id)) else { return };
        let new = self.worker_status(worker);
        if old != new {
            let (machine, job) = (worker.machine.clone(), self.current_job(worker).cloned());
            self.emit(Fact::WorkerTurned { worker: id.clone(), machine, old, new, job }, now, told);
        }
    }

    fn worker_report(&self, id: &WorkerId) -> Option<WorkerReport> {
        let worker = self.workers.get(id)?;
        let (services, job) = (worker.capabilities.services.clone(), self.current_job(worker).cloned());
        Some(WorkerReport { worker: id.clone(), services, status: self.worker_status(worker), job })
    }

    // What may be read. On the deciding side nothing but tests does; a view folds the same
    // events into a ledger of its own and is read instead.

    #[must_use]
    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.rows.of_id(id)
    }

    /// The job that this idempotency key of a principal stands for.
    #[must_use]
    pub fn job_by_key(&self, principal: &PrincipalId, key: &str) -> Option<&Job> {
        self.rows.of_key(principal, key)
    }

    #[must_use]
    pub fn worker(&self, id: &WorkerId) -> Option<&Worker> {
        self.workers.get(id)
    }

    #[must_use]
    pub fn machine(&self, id: &MachineId) -> Option<&Machine> {
        self.machines.get(id)
    }

    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    pub fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.workers.values()
    }

    /// The lease of this name, while it is held.
    #[must_use]
    pub fn lease(&self, id: LeaseId) -> Option<&Lease> {
        let lease = self.rows.get(*self.leases.get(&id)?)?.lease()?;
        (lease.id == id).then_some(lease)
    }

    /// Waiting jobs in the order they will run; costs what there is of classes, and then what is
    /// read.
    pub fn pending(&self) -> impl Iterator<Item = &Job> {
        self.schedule.in_order().filter_map(|key| self.rows.get(key.number()))
    }

    /// Jobs under a lease.
    pub fn active(&self) -> impl Iterator<Item = &Job> {
        self.active.iter().filter_map(|number| self.rows.get(*number))
    }

    /// Completed jobs, newest first, as far as they are known.
    pub fn completed(&self) -> impl Iterator<Item = &Job> {
        self.completed.iter().rev().filter_map(|(_, number)| self.rows.get(*number))
    }

    /// Failed and cancelled jobs, newest first, as far as they are known.
    pub fn unhappy(&self) -> impl Iterator<Item = &Job> {
        self.unhappy.iter().rev().filter_map(|(_, number)| self.rows.get(*number))
    }

    /// How many jobs are known.
    #[must_use]
    pub fn jobs_known(&self) -> usize {
        self.rows.len()
    }

    /// The largest [`order`](Job::order) that was given.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.orders
    }

    /// Known jobs in the order of their ends and then of their numbers, from there on.
    pub fn ended_from(&self, at: Timestamp, order: u64) -> impl Iterator<Item = (Timestamp, &Arc<Job>)> {
        let from = (at, order)..;
        let ended = story::merged(self.completed.range(from.clone()), self.unhappy.range(from));
        ended.filter_map(|(at, order)| Some((at, self.row_of(order)?)))
    }

    /// What the first job of a principal's workflow fixed, as long as any job of it is known.
    #[must_use]
    pub fn workflow_rank(&self, principal: &PrincipalId, workflow: &WorkflowId) -> Option<Rank> {
        self.workflows.get(&(principal.clone(), workflow.clone())).map(|known| known.rank)
    }

    /// All jobs submitted before number `before` (see [`Job::order`]), newest first.
    pub fn submitted_before(&self, before: u64) -> impl Iterator<Item = &Job> {
        self.rows.before(before)
    }

    #[must_use]
    pub fn tally(&self) -> Tally {
        let (workers, machines) = (self.workers.len() as u64, self.machines.len() as u64);
        Tally { workers, machines, ..self.tally }
    }

    #[must_use]
    pub fn worker_status(&self, worker: &Worker) -> WorkerStatus {
        let machine = self.machines.get(&worker.machine);
        let is_silent = machine.is_none_or(|machine| machine.silent_since.is_some());
        worker.status(is_silent, machine.is_some_and(|machine| machine.is_draining))
    }

    /// Whether the worker may be given another job now.
    pub(crate) fn has_room(&self, worker: &Worker) -> bool {
        worker.has_room() && self.machines.get(&worker.machine).is_some_and(|machine| !machine.is_draining)
    }

    /// Services of which nothing is given, and since when.
    pub fn paused(&self) -> impl Iterator<Item = (&Service, Timestamp)> {
        self.paused.iter().map(|(service, at)| (service, *at))
    }

    /// The classes of equal requirements of which something waits, those with most first and at
    /// most `max`; and how many there are.
    #[must_use]
    pub fn classes(&self, service: Option<&Service>, max: usize) -> (Vec<ClassReport<'_>>, usize) {
        self.schedule.reports(service, max)
    }

    /// The services that are offered or waited for, and how many jobs wait for each.
    pub fn waiting_by_service(&self) -> impl Iterator<Item = (&Service, usize)> {
        self.schedule.waiting()
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(crate) fn profile_of(&self, worker: &WorkerId) -> Option<ProfileId> {
        self.profiles.get(worker).copied()
    }

    /// Whether the job is not to be offered to the worker now.
    pub(crate) fn keeps_away(&self, worker: &WorkerId, job: &Job) -> bool {
        self.hold_offs.keep_away(worker, job.order)
    }

    /// The job of this number (see [`Job::order`]).
    #[must_use]
    pub fn job_of(&self, order: u64) -> Option<&Job> {
        self.rows.get(order)
    }

    /// Its row, to be held on to.
    #[must_use]
    pub fn row_of(&self, order: u64) -> Option<&Arc<Job>> {
        self.rows.shared(order)
    }

    /// The first job that the worker holds.
    #[must_use]
    pub fn current_job(&self, worker: &Worker) -> Option<&JobId> {
        let job = worker.leases.first().and_then(|lease| self.leases.get(lease))?;
        self.rows.get(*job).map(|job| &job.spec.id)
    }

    /// Whether both remember the same. Indexes and presence are derived and do not count.
    #[must_use]
    pub fn remembers_the_same_as(&self, other: &Ledger) -> bool {
        self.rows == other.rows
            && self.machines == other.machines
            && self.workers == other.workers
            && self.leases == other.leases
            && (&self.completed, &self.unhappy) == (&other.completed, &other.unhappy)
            && (self.orders, self.gone) == (other.orders, other.gone)
            && self.workflows == other.workflows
            && self.clients == other.clients
            && self.paused == other.paused
            && self.tally == other.tally
    }
}

/// A job as the schedule looks at it.
pub(crate) fn seat(job: &Job) -> Seat<'_> {
    Seat {
        key: job.order_key(),
        requirements: &job.spec.requirements,
        more_than_gb: job.more_than_gb,
        customer: job.spec.customer.as_ref(),
        workflow: job.spec.workflow_id(),
    }
}
