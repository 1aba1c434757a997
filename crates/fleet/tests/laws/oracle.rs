//! What should be so, kept in plain lists and found by looking at all of them.

use fleet::limits;
use fleet::{
    Answer, Command, Declared, JobId, JobSpec, LeaseId, Ledger, MachineFacts, MachineId, Outcome, Phase, Refusal,
    Service, SessionId, Status, Timestamp, Told, WorkerId, WorkerStatus,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Clone, Default)]
pub(crate) struct Oracle {
    pub(crate) jobs: Vec<Job>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) machines: Vec<Machine>,
    /// Who asked and got nothing, longest first.
    pub(crate) standing: Vec<Standing>,
    /// Every lease that was ever given.
    pub(crate) given: BTreeSet<LeaseId>,
    /// How many jobs each worker completed and failed in its whole life.
    pub(crate) counts: BTreeMap<WorkerId, (u64, u64)>,
    /// Whether this command has begun to give jobs to those who stand.
    pub(crate) giving: bool,
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
    pub(crate) attempt: u32,
    pub(crate) runs_failed: u32,
    pub(crate) lost: u32,
    pub(crate) place: Place,
}

#[derive(Clone)]
pub(crate) enum Place {
    /// A tick has to wake it once `retry_at` has come.
    Waiting {
        retry_at: Option<Timestamp>,
        awake: bool,
    },
    Held(Held),
    Finished {
        at: Timestamp,
        outcome: Outcome,
        by: Option<LeaseId>,
    },
}

#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) lease: LeaseId,
    pub(crate) worker: WorkerId,
    pub(crate) machine: MachineId,
    pub(crate) started: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) start_by: Timestamp,
}

#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) machine: MachineId,
    pub(crate) session: SessionId,
    pub(crate) slots: usize,
    pub(crate) services: BTreeSet<Service>,
    pub(crate) declared: Declared,
    /// How somebody who only follows events would show it.
    pub(crate) shown: WorkerStatus,
}

#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) id: MachineId,
    pub(crate) facts: MachineFacts,
    pub(crate) phase: Phase,
    pub(crate) silent: bool,
    pub(crate) silent_at: Timestamp,
    pub(crate) gone_at: Timestamp,
    /// Until when the opening grace protects it.
    pub(crate) grace: Timestamp,
    /// Leases taken from it that it was not told of.
    pub(crate) revoked: Vec<LeaseId>,
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
        let before = self.clone();
        self.giving = false;
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
            Command::LeaveWorker { worker, .. } => self.steps_back(worker),
            Command::LeaveMachine { machine } => self.machine_steps_back(machine),
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
            (Command::JoinMachine { machine, .. }, _) => self.hear_machine(machine, now),
            (Command::Beat(beat), Ok(Answer::Orders(orders))) => {
                self.hear_machine(&beat.machine, now);
                for lease in &beat.leases {
                    if self.held().any(|(held, worker)| held == *lease && self.is_on(&worker, &beat.machine)) {
                        self.renew(*lease, now);
                    }
                }
                if let Some(machine) = self.machines.iter_mut().find(|m| m.id == beat.machine) {
                    machine.revoked.retain(|lease| !orders.cancel.contains(lease));
                }
            }
            (Command::TakeOrders { machine }, _) => {
                self.machines.iter_mut().filter(|m| m.id == *machine).for_each(|m| m.revoked.clear());
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
            (Command::Start { lease } | Command::Renew { lease } | Command::Progress { lease, .. }, _) => {
                self.renew(*lease, now);
            }
            _ => {}
        }
    }

    fn hear_machine(&mut self, id: &MachineId, now: Timestamp) {
        if let Some(machine) = self.machines.iter_mut().find(|machine| machine.id == *id) {
            machine.silent_at = now + limits::MACHINE_SILENT_MS;
            machine.gone_at = now + limits::MACHINE_GONE_MS;
        }
    }

    fn renew(&mut self, lease: LeaseId, now: Timestamp) {
        for job in &mut self.jobs {
            if let Place::Held(held) = &mut job.place
                && held.lease == lease
            {
                held.expires_at = held.expires_at.max(now + limits::LEASE_MS);
            }
        }
    }

    /// Backoffs that are over: their jobs may be given.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        for job in &mut self.jobs {
            if let Place::Waiting { retry_at: Some(at), awake } = &mut job.place {
                *awake |= *at <= now;
            }
        }
    }

    /// What was merely heard is lost; deadlines begin anew with the grace.
    pub(crate) fn restart(&mut self, now: Timestamp) {
        let grace = now + limits::OPENING_GRACE_MS;
        self.standing.clear();
        for machine in &mut self.machines {
            machine.revoked.clear();
            machine.grace = grace;
            machine.silent_at = grace;
            machine.gone_at = grace + (limits::MACHINE_GONE_MS - limits::MACHINE_SILENT_MS);
        }
        for job in &mut self.jobs {
            match &mut job.place {
                Place::Held(held) => (held.expires_at, held.start_by) = (grace, grace),
                Place::Waiting { retry_at: Some(_), awake } => *awake = false,
                _ => {}
            }
        }
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

    pub(crate) fn has_room(&self, id: &WorkerId) -> bool {
        let held = self.leases_of(id).len();
        self.worker(id).is_some_and(|worker| worker.declared == Declared::Ready && held < worker.slots)
    }

    pub(crate) fn status(&self, worker: &Worker) -> WorkerStatus {
        match worker.declared {
            _ if self.machine(&worker.machine).is_none_or(|machine| machine.silent) => WorkerStatus::Offline,
            Declared::Draining => WorkerStatus::Draining,
            Declared::Error => WorkerStatus::Error,
            Declared::Ready if self.leases_of(&worker.id).is_empty() => WorkerStatus::Idle,
            Declared::Ready => WorkerStatus::Busy,
        }
    }

    /// The job that the worker should be given: scans them all.
    pub(crate) fn pick(&self, id: &WorkerId) -> Option<&Job> {
        let worker = self.worker(id)?;
        let fits = |job: &&Job| job.is_eligible() && worker.services.contains(&job.spec.requirements.service);
        self.jobs.iter().filter(fits).min_by_key(|job| job.rank())
    }

    /// Who should be given this job, of those who stand: who stands longest.
    pub(crate) fn longest_standing(&self, job: &Job, now: Timestamp) -> Option<&WorkerId> {
        let service = &job.spec.requirements.service;
        let can = |standing: &&Standing| {
            let worker = self.worker(&standing.worker);
            standing.until > now && worker.is_some_and(|worker| worker.services.contains(service))
        };
        self.standing.iter().find(can).map(|standing| &standing.worker)
    }

    /// What should be given next to one who stands: scans all jobs.
    pub(crate) fn next_to_give(&self, now: Timestamp) -> Option<(&Job, &WorkerId)> {
        let wanted = self.jobs.iter().filter(|job| job.is_eligible());
        let wanted = wanted.filter_map(|job| Some((job, self.longest_standing(job, now)?)));
        wanted.min_by_key(|(job, _)| job.rank())
    }

    /// When time alone has to do something next.
    pub(crate) fn obligation(&self) -> Option<Timestamp> {
        let jobs = self.jobs.iter().filter_map(|job| match &job.place {
            Place::Waiting { retry_at: Some(at), awake: false } => Some(*at),
            Place::Waiting { .. } => None,
            Place::Held(held) if held.started => Some(held.expires_at),
            Place::Held(held) => Some(held.expires_at.min(held.start_by)),
            Place::Finished { at, .. } => Some(*at + limits::FINISHED_KEPT_MS),
        });
        let machines = self.machines.iter().map(|m| if m.silent { m.gone_at } else { m.silent_at.max(m.grace) });
        jobs.chain(machines).min()
    }

    /// Compares with what the ledger shows.
    pub(crate) fn compare(&self, ledger: &Ledger, now: Timestamp) -> Result<(), String> {
        let deadline = ledger.next_deadline();
        if let Some(at) = self.obligation() {
            law!(deadline.is_some_and(|d| d <= at), "no deadline is missed", "{deadline:?}, but {at:?} is due");
        }
        for Standing { worker: id, until, .. } in &self.standing {
            let waits = self.pick(id).filter(|_| *until > now && self.has_room(id));
            let waits = waits.map(|job| &job.spec.id);
            law!(waits.is_none(), "no job waits while a worker stands ready for it", "{waits:?} waits for {id}");
        }
        self.compare_jobs(ledger)?;
        self.compare_fleet(ledger)
    }

    fn compare_jobs(&self, ledger: &Ledger) -> Result<(), String> {
        for job in &self.jobs {
            let id = &job.spec.id;
            let shown = ledger.job(id).map(|j| (j.status(), j.runs_failed, j.lost_in_a_row, j.order, j.created_at));
            let expected = (job.status(), job.runs_failed, job.lost, job.order, job.at);
            law!(shown == Some(expected), "an accepted job is there until forgotten", "{id}: {shown:?}, {expected:?}");
            let lease = job.held().map(|held| held.lease);
            let found = lease.and_then(|lease| ledger.lease(lease)).map(|lease| lease.id);
            law!(found == lease, "a held lease is found by its name", "{id}");
            if let Place::Finished { by: Some(lease), .. } = job.place {
                law!(ledger.lease(lease).is_none(), "a lease that ended is found no more", "{id}");
            }
            let number = ledger.job(id).and_then(|j| j.attempts.last()).map_or(0, |attempt| attempt.number);
            law!(number == job.attempt, "attempts are numbered one by one", "{id}: {number}, not {}", job.attempt);
        }
        let listed: Vec<&JobId> = ledger.pending().map(|job| &job.spec.id).collect();
        let mut waiting: Vec<&Job> = self.jobs.iter().filter(|job| job.status() == Status::Pending).collect();
        waiting.sort_by_key(|job| job.rank());
        let waiting: Vec<&JobId> = waiting.into_iter().map(|job| &job.spec.id).collect();
        law!(listed == waiting, "pending jobs are listed in the order they run", "{listed:?}, not {waiting:?}");
        let submitted: Vec<u64> = ledger.submitted_before(u64::MAX).map(|job| job.order).collect();
        let mut orders: Vec<u64> = self.jobs.iter().map(|job| job.order).collect();
        orders.sort_by_key(|order| Reverse(*order));
        law!(submitted == orders, "all jobs are listed by submission", "{submitted:?}, not {orders:?}");
        let active: BTreeSet<&JobId> = ledger.active().map(|job| &job.spec.id).collect();
        let held = self.jobs.iter().filter(|job| job.held().is_some()).map(|job| &job.spec.id).collect();
        law!(active == held, "active jobs are those under a lease", "{active:?}, not {held:?}");
        let completed: Vec<_> = ledger.completed().map(fleet::Job::finished_at).collect();
        let unhappy: Vec<_> = ledger.unhappy().map(fleet::Job::finished_at).collect();
        let ended = self.jobs.iter().filter(|job| matches!(job.place, Place::Finished { .. })).count();
        law!(completed.len() + unhappy.len() == ended, "what has ended is listed", "not {ended}");
        let newest_first = completed.is_sorted_by_key(|at| Reverse(*at)) && unhappy.is_sorted_by_key(|at| Reverse(*at));
        law!(newest_first, "finished jobs are listed newest first", "they are not");
        Ok(())
    }

    fn compare_fleet(&self, ledger: &Ledger) -> Result<(), String> {
        for worker in &self.workers {
            let Some(known) = ledger.worker(&worker.id) else {
                return Err(format!("{} is known: it is not", worker.id));
            };
            let (shown, status) = (worker.shown, self.status(worker));
            law!(ledger.worker_status(known) == status, "a worker's status follows from leases", "not {status:?}");
            law!(shown == status, "who follows events shows workers as they are", "{shown:?}, not {status:?}");
            let leases: BTreeSet<LeaseId> = self.leases_of(&worker.id).into_iter().collect();
            law!(known.leases == leases, "a worker's leases are those of its jobs", "{}", worker.id);
            let counts = (known.jobs_completed, known.jobs_failed);
            let counted = self.counts.get(&worker.id).copied().unwrap_or_default();
            law!(counts == counted, "a worker's counts are a recount", "{}: {counts:?}, not {counted:?}", worker.id);
            let mut sessions = leases.iter().filter_map(|lease| ledger.lease(*lease)).map(|lease| lease.session);
            let same = sessions.all(|session| session == worker.session);
            law!(same, "a lease that goes on goes on under the new session", "{}", worker.id);
        }
        for machine in &self.machines {
            let workers = ledger.machine(&machine.id).map(|known| known.workers.clone());
            let on_it = |worker: &&Worker| worker.machine == machine.id;
            let expected = self.workers.iter().filter(on_it).map(|worker| worker.id.clone()).collect();
            law!(workers.as_ref() == Some(&expected), "a machine has its workers", "{workers:?}, not {expected:?}");
        }
        let count = |status| self.jobs.iter().filter(|job| job.status() == status).count() as u64;
        let busy = self.workers.iter().filter(|worker| !self.leases_of(&worker.id).is_empty()).count();
        let recount = fleet::Tally {
            pending: count(Status::Pending),
            assigned: count(Status::Assigned),
            in_progress: count(Status::InProgress),
            completed: count(Status::Completed),
            failed: count(Status::Failed),
            cancelled: count(Status::Cancelled),
            workers: self.workers.len() as u64,
            workers_busy: busy as u64,
            machines: self.machines.len() as u64,
        };
        let tally = ledger.tally();
        law!(tally == recount, "the tally is a recount", "{tally:?}, not {recount:?}");
        Ok(())
    }
}

impl Job {
    pub(crate) fn held(&self) -> Option<&Held> {
        match &self.place {
            Place::Held(held) => Some(held),
            _ => None,
        }
    }

    fn is_eligible(&self) -> bool {
        matches!(self.place, Place::Waiting { awake: true, .. })
    }

    pub(crate) fn status(&self) -> Status {
        match &self.place {
            Place::Waiting { .. } => Status::Pending,
            Place::Held(held) if held.started => Status::InProgress,
            Place::Held(_) => Status::Assigned,
            Place::Finished { outcome, .. } => outcome.status(),
        }
    }

    /// Priority, then time, then submission.
    fn rank(&self) -> (Reverse<u32>, Timestamp, u64) {
        let workflow = self.spec.workflow.as_ref();
        let priority = workflow.and_then(|w| w.priority).unwrap_or(self.spec.priority);
        (Reverse(priority), workflow.and_then(|w| w.at).unwrap_or(self.at), self.order)
    }
}
