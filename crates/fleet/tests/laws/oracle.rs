//! What should be so, kept in plain lists and found by looking at all of them.

use crate::clients::Client;
use fleet::limits;
use fleet::{
    Answer, Capabilities, Command, Declared, JobId, JobSpec, LeaseId, MachineFacts, MachineId, Number, Outcome, Phase,
    PrincipalId, Rank, Refusal, Rules, Service, SessionId, Status, Timestamp, Told, WorkerId, WorkerStatus, WorkflowId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Clone, Default)]
pub(crate) struct Oracle {
    pub(crate) rules: Rules,
    pub(crate) now: Timestamp,
    pub(crate) jobs: Vec<Job>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) machines: Vec<Machine>,
    /// Who asked and got nothing, longest first.
    pub(crate) standing: Vec<Standing>,
    /// Every lease that was ever given.
    pub(crate) given: BTreeSet<LeaseId>,
    /// How many jobs each worker completed and failed in its whole life.
    pub(crate) counts: BTreeMap<WorkerId, (u64, u64)>,
    /// What the first job of a principal's workflow fixed, while any job of it is known.
    pub(crate) workflows: Vec<(PrincipalId, WorkflowId, Rank)>,
    /// How many were submitted, and how many ended how, in all its life.
    pub(crate) submitted: u64,
    pub(crate) ended: BTreeMap<Status, u64>,
    /// What ended before is in the archive, as far as was heard.
    pub(crate) archived: Option<Timestamp>,
    pub(crate) paused: BTreeSet<Service>,
    /// Which job is not offered to which worker, and until when; a tick ends it.
    pub(crate) kept_away: Vec<(WorkerId, u64, Timestamp)>,
    pub(crate) giving: Giving,
    pub(crate) clients: Vec<Client>,
    /// Until when the opening grace protects them.
    pub(crate) clients_until: Timestamp,
    /// Whether the worker that just left to join elsewhere was drained.
    pub(crate) moved_draining: bool,
}

/// How far a command is with giving jobs to those who stand.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Giving {
    #[default]
    NotYet,
    /// Jobs became free: the first in the queue is given first.
    InOrder,
    /// Workers became free to take what waited: who stands longest takes first.
    InTurn,
    /// Both, in one tick; only that each takes the best there is for it.
    Mixed,
}

#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) worker: WorkerId,
    pub(crate) until: Timestamp,
    pub(crate) lease: LeaseId,
}

#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) spec: Arc<JobSpec>,
    pub(crate) at: Timestamp,
    pub(crate) order: u64,
    /// How often clients were told of it.
    pub(crate) told: u32,
    pub(crate) rank: Rank,
    pub(crate) starves: bool,
    pub(crate) attempt: u32,
    pub(crate) runs_failed: u32,
    pub(crate) lost: u32,
    pub(crate) handed_back: u32,
    pub(crate) too_little: Option<Number>,
    pub(crate) place: Place,
}

#[derive(Clone)]
pub(crate) enum Place {
    Waiting(Wait),
    Held(Held),
    Finished { at: Timestamp, outcome: Outcome, by: Option<LeaseId> },
}

#[derive(Clone)]
pub(crate) struct Wait {
    pub(crate) since: Timestamp,
    pub(crate) not_before: Option<Timestamp>,
    /// A tick has seen that `not_before` has come.
    pub(crate) awake: bool,
    /// Told that nobody could run it.
    pub(crate) marked: bool,
}

#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) lease: LeaseId,
    pub(crate) worker: WorkerId,
    pub(crate) machine: MachineId,
    pub(crate) started: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
    pub(crate) start_by: Timestamp,
    pub(crate) run_until: Option<Timestamp>,
    pub(crate) progress_by: Option<Timestamp>,
}

/// What ends a lease by time, in the order that decides between equal times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Due {
    Expired,
    NotStarted,
    NoProgress,
    RunFor,
}

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) machine: MachineId,
    pub(crate) session: SessionId,
    pub(crate) slots: usize,
    pub(crate) has: Arc<Capabilities>,
    pub(crate) declared: Declared,
    pub(crate) draining: bool,
    pub(crate) down: BTreeSet<Service>,
    /// How somebody who only follows events would show it.
    pub(crate) shown: WorkerStatus,
}

#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) id: MachineId,
    pub(crate) facts: MachineFacts,
    pub(crate) phase: Phase,
    pub(crate) draining: bool,
    pub(crate) silent: bool,
    pub(crate) silent_at: Timestamp,
    pub(crate) gone_at: Timestamp,
    /// Until when the opening grace protects it.
    pub(crate) grace: Timestamp,
    /// Leases taken from it that it was not told of.
    pub(crate) revoked: Vec<LeaseId>,
    /// It was not told that it drains, or no longer does.
    pub(crate) untold: bool,
}

impl Oracle {
    /// Follows a command that was decided, and says which law the decision broke.
    pub(crate) fn judge(
        &mut self,
        command: &Command,
        now: Timestamp,
        answer: &Result<Answer, Refusal>,
        told: &Told,
    ) -> Result<(), String> {
        self.now = now;
        let before = self.clone();
        self.giving = Giving::NotYet;
        if answer.is_ok() {
            self.step_back_for(command);
        }
        for event in &told.events {
            self.fold(&event.fact, command, now)?;
        }
        if answer.is_ok() {
            self.hear(command, answer, now);
        }
        if matches!(command, Command::Tick) {
            self.wake(now);
        }
        crate::answers::check(&before, self, command, now, answer, told)
    }

    /// What the command means for those who stand, before anything is decided.
    fn step_back_for(&mut self, command: &Command) {
        match command {
            Command::Next(next) => self.steps_back(&next.worker),
            Command::StandDown { worker, lease } => {
                self.standing.retain(|standing| standing.worker != *worker || standing.lease != *lease);
            }
            Command::JoinWorker(join) => self.steps_back(&join.worker),
            Command::LeaveWorker { worker, .. } | Command::DrainWorker { worker, is_draining: true } => {
                self.steps_back(worker);
            }
            Command::LeaveMachine { machine } | Command::DrainMachine { machine, is_draining: true } => {
                self.machine_steps_back(machine);
            }
            _ => {}
        }
    }

    pub(crate) fn steps_back(&mut self, worker: &WorkerId) {
        self.standing.retain(|standing| standing.worker != *worker);
    }

    pub(crate) fn machine_steps_back(&mut self, machine: &MachineId) {
        for worker in self.workers.clone() {
            if worker.machine == *machine {
                self.steps_back(&worker.id);
            }
        }
    }

    /// What was heard with the command: it journals nothing.
    fn hear(&mut self, command: &Command, answer: &Result<Answer, Refusal>, now: Timestamp) {
        match (command, answer) {
            (Command::JoinMachine { machine, .. }, _) => {
                self.hear_machine(machine, now);
                self.machine_mut(machine).into_iter().for_each(|machine| machine.untold = false);
            }
            (Command::Beat(beat), Ok(Answer::Orders(orders))) => {
                self.hear_machine(&beat.machine, now);
                for lease in &beat.leases {
                    if self.held().any(|(held, worker)| held == *lease && self.is_on(&worker, &beat.machine)) {
                        self.renew(*lease, now);
                    }
                }
                if let Some(machine) = self.machine_mut(&beat.machine) {
                    machine.untold = false;
                    machine.revoked.retain(|lease| !orders.cancel.contains(lease));
                }
            }
            (Command::TakeOrders { machine }, _) => {
                let machine = self.machine_mut(machine);
                machine.into_iter().for_each(|m| (m.revoked, m.untold) = (Vec::new(), false));
            }
            (Command::JoinWorker(join), Ok(Answer::Orders(orders))) => {
                let resumed = join.resume.iter().filter(|lease| !orders.cancel.contains(lease));
                resumed.for_each(|lease| self.renew(*lease, now));
            }
            (Command::Next(next), Ok(Answer::Next { grant, .. })) => {
                if let Some(machine) = self.worker(&next.worker).map(|worker| worker.machine.clone()) {
                    self.hear_machine(&machine, now);
                }
                if let Some(grant) = grant {
                    self.renew(grant.lease, now);
                } else if next.until > now && self.has_room(&next.worker) {
                    let (worker, until, lease) = (next.worker.clone(), next.until, next.lease);
                    self.standing.push(Standing { worker, until, lease });
                }
            }
            (Command::Archived { before }, _) => self.archived = self.archived.max(Some(*before)),
            (Command::Start { lease } | Command::Renew { lease }, _) => self.renew(*lease, now),
            (Command::Progress { lease, .. }, _) => {
                self.renew(*lease, now);
                self.progresses(*lease, now);
            }
            _ => {}
        }
    }

    fn hear_machine(&mut self, id: &MachineId, now: Timestamp) {
        if let Some(machine) = self.machine_mut(id) {
            machine.silent_at = now + limits::MACHINE_SILENT_MS;
            machine.gone_at = now + limits::MACHINE_GONE_MS;
        }
    }

    fn renew(&mut self, lease: LeaseId, now: Timestamp) {
        for held in self.jobs.iter_mut().filter_map(Job::held_mut).filter(|held| held.lease == lease) {
            held.expires_at = held.expires_at.max(now + limits::LEASE_MS);
        }
    }

    /// Nothing shortens the grace after a restart.
    fn progresses(&mut self, lease: LeaseId, now: Timestamp) {
        for job in &mut self.jobs {
            let no_progress_ms = job.spec.timing().no_progress_ms;
            if let Some(held) = job.held_mut().filter(|held| held.lease == lease) {
                held.progress_by = held.progress_by.max(no_progress_ms.map(|ms| now + ms));
            }
        }
    }

    /// Delays and hold-offs that are over: their jobs may be given.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        for wait in self.jobs.iter_mut().filter_map(Job::waiting_mut) {
            wait.awake |= wait.not_before.is_none_or(|at| at <= now);
        }
        self.kept_away.retain(|(_, _, until)| *until > now);
    }

    /// What was merely heard is lost; deadlines begin anew with the grace.
    pub(crate) fn restart(&mut self, now: Timestamp) {
        let grace = now + limits::OPENING_GRACE_MS;
        self.standing.clear();
        self.archived = None;
        self.clients_until = grace;
        for machine in &mut self.machines {
            (machine.revoked, machine.untold) = (Vec::new(), false);
            machine.grace = grace;
            machine.silent_at = grace;
            machine.gone_at = grace + (limits::MACHINE_GONE_MS - limits::MACHINE_SILENT_MS);
        }
        for job in &mut self.jobs {
            let timing = job.spec.timing();
            if let Some(held) = job.held_mut() {
                (held.expires_at, held.start_by) = (grace, grace);
                let ends = |ms: Option<u64>| held.started.zip(ms).map(|(at, ms)| (at + ms).max(grace));
                (held.run_until, held.progress_by) = (ends(timing.run_for_ms), ends(timing.no_progress_ms));
            }
        }
        self.wake(now);
    }

    // What it knows.

    pub(crate) fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.spec.id == *id)
    }

    pub(crate) fn worker(&self, id: &WorkerId) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.id == *id)
    }

    pub(crate) fn machine(&self, id: &MachineId) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.id == *id)
    }

    pub(crate) fn machine_mut(&mut self, id: &MachineId) -> Option<&mut Machine> {
        self.machines.iter_mut().find(|machine| machine.id == *id)
    }

    pub(crate) fn session(&self, id: &WorkerId) -> Option<SessionId> {
        self.worker(id).map(|worker| worker.session)
    }

    pub(crate) fn is_on(&self, worker: &WorkerId, machine: &MachineId) -> bool {
        self.worker(worker).is_some_and(|worker| worker.machine == *machine)
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = (LeaseId, WorkerId)> {
        self.jobs.iter().filter_map(Job::held).map(|held| (held.lease, held.worker.clone()))
    }

    pub(crate) fn holder(&self, lease: LeaseId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.held().is_some_and(|held| held.lease == lease))
    }

    pub(crate) fn leases_of(&self, worker: &WorkerId) -> Vec<LeaseId> {
        self.held().filter(|(_, holder)| holder == worker).map(|(lease, _)| lease).collect()
    }

    /// Whether it, or its machine, is drained by an operator.
    pub(crate) fn drains(&self, worker: &Worker) -> bool {
        worker.draining || self.machine(&worker.machine).is_some_and(|machine| machine.draining)
    }

    pub(crate) fn has_room(&self, id: &WorkerId) -> bool {
        let held = self.leases_of(id).len();
        let ready = |worker: &Worker| worker.declared == Declared::Ready && !self.drains(worker);
        self.worker(id).is_some_and(|worker| ready(worker) && held < worker.slots)
    }

    pub(crate) fn status(&self, worker: &Worker) -> WorkerStatus {
        match worker.declared {
            _ if self.machine(&worker.machine).is_none_or(|machine| machine.silent) => WorkerStatus::Offline,
            Declared::Draining => WorkerStatus::Draining,
            Declared::Error => WorkerStatus::Error,
            Declared::Ready if self.drains(worker) => WorkerStatus::Draining,
            Declared::Ready if self.leases_of(&worker.id).is_empty() => WorkerStatus::Idle,
            Declared::Ready => WorkerStatus::Busy,
        }
    }

    /// Whether the worker could run the job, whatever else holds it back now: scans all who
    /// have more memory than was too little.
    pub(crate) fn could_run(&self, worker: &Worker, job: &Job) -> bool {
        let suits = |worker: &Worker| job.suits(&worker.has);
        let has_more = |worker: &Worker| job.too_little.is_none_or(|gb| worker.has.hardware.gpu_memory_gb > gb);
        suits(worker) && (has_more(worker) || !self.workers.iter().any(|other| has_more(other) && suits(other)))
    }

    pub(crate) fn is_capable(&self, job: &Job) -> bool {
        self.workers.iter().any(|worker| self.could_run(worker, job))
    }

    /// Whether it may be given the job now, if it has room.
    pub(crate) fn may_take(&self, worker: &Worker, job: &Job) -> bool {
        let service = &job.spec.requirements.service;
        let is_kept_away = self.kept_away.iter().any(|(id, order, _)| (id, *order) == (&worker.id, job.order));
        let is_barred = self.paused.contains(service) || worker.down.contains(service) || is_kept_away;
        !is_barred && self.could_run(worker, job)
    }

    /// The job that the worker should be given: scans them all.
    pub(crate) fn pick(&self, id: &WorkerId) -> Option<&Job> {
        let worker = self.worker(id)?;
        let fits = |job: &&Job| job.is_eligible(self.now) && self.may_take(worker, job);
        self.jobs.iter().filter(fits).min_by_key(|job| job.place_in_queue())
    }

    /// Who should be given this job, of those who stand: who stands longest.
    pub(crate) fn longest_standing(&self, job: &Job, now: Timestamp) -> Option<&WorkerId> {
        let can = |standing: &&Standing| {
            let worker = self.worker(&standing.worker);
            standing.until > now && worker.is_some_and(|worker| self.may_take(worker, job))
        };
        self.standing.iter().find(can).map(|standing| &standing.worker)
    }

    /// What should be given next to one who stands: scans all jobs.
    pub(crate) fn next_to_give(&self, now: Timestamp) -> Option<(&Job, &WorkerId)> {
        let wanted = self.jobs.iter().filter(|job| job.is_eligible(now));
        let wanted = wanted.filter_map(|job| Some((job, self.longest_standing(job, now)?)));
        wanted.min_by_key(|(job, _)| job.place_in_queue())
    }

    /// Who should be served next, of those who stand: who stands longest and can have something.
    pub(crate) fn next_to_serve(&self, now: Timestamp) -> Option<&WorkerId> {
        let can = |standing: &&Standing| standing.until > now && self.pick(&standing.worker).is_some();
        self.standing.iter().find(can).map(|standing| &standing.worker)
    }
}
