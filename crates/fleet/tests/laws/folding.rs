//! Which events may follow which: the oracle takes in one event, or says what is wrong with it.

use crate::oracle::{Held, Job, Machine, Oracle, Place, Worker};
use fleet::limits;
use fleet::{
    Command, Declared, Fact, FailureKind, JobId, LeaseId, MachineId, Outcome, ReturnReason, SessionId, Status,
    Timestamp, WorkerId, WorkerStatus,
};

type Verdict = Result<(), String>;

impl Oracle {
    pub(crate) fn fold(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        let gives = matches!(fact, Fact::JobAssigned { .. } | Fact::JobStarted { .. } | Fact::WorkerTurned { .. });
        law!(gives || !self.giving, "what became free is given at the end of the command", "then {fact:?}");
        match fact {
            Fact::JobSubmitted { spec, order } => {
                law!(self.job(&spec.id).is_none(), "a job is submitted once", "{} again", spec.id);
                let above = self.jobs.iter().all(|known| known.order < *order);
                law!(above, "a submission's number is above those of all known jobs", "{order}");
                let (spec, place) = (spec.clone(), Place::Waiting { retry_at: None, awake: true });
                self.jobs.push(Job { spec, at: now, order: *order, attempt: 0, runs_failed: 0, lost: 0, place });
                Ok(())
            }
            Fact::JobAssigned { job, lease, attempt, worker, machine, session } => {
                self.may_assign(job, worker, command, now)?;
                self.assigned(job, *lease, *attempt, (worker, machine, *session), now)
            }
            Fact::JobStarted { job, worker } => match self.job_mut(job)?.place {
                Place::Held(ref mut held) if !held.started && held.worker == *worker => {
                    held.started = true;
                    Ok(())
                }
                _ => Err(format!("only an assigned job starts: {job}")),
            },
            Fact::JobReturned { .. } => self.returned(fact, command, now),
            Fact::JobFinished { .. } => self.finished(fact, now),
            Fact::JobForgotten { job } => {
                let place = &self.job_mut(job)?.place;
                let old = matches!(place, Place::Finished { at, .. } if *at + limits::FINISHED_KEPT_MS <= now);
                law!(old, "only what ended a day ago is forgotten", "{job}");
                self.jobs.retain(|known| known.spec.id != *job);
                Ok(())
            }
            _ => self.fold_fleet(fact, command, now),
        }
    }

    fn job_mut(&mut self, id: &JobId) -> Result<&mut Job, String> {
        self.jobs.iter_mut().find(|job| job.spec.id == *id).ok_or(format!("events name known jobs: {id}"))
    }

    /// Strict order over all that may be given at this moment, longest-standing first.
    fn may_assign(&mut self, job: &JobId, id: &WorkerId, command: &Command, now: Timestamp) -> Verdict {
        if matches!(command, Command::Tick) {
            self.wake(now);
        }
        let pick = self.pick(id).map(|job| job.spec.id.clone());
        law!(pick.as_ref() == Some(job), "the job given is the oracle's", "{job}, not {pick:?}, to {id}");
        law!(self.has_room(id), "no worker is given more than it has room for", "{job} to {id}");
        if matches!(command, Command::Next(next) if next.worker == *id) {
            return Ok(());
        }
        self.giving = true;
        let Some((first, longest)) = self.next_to_give(now) else {
            return Err(format!("only who asks or stands is given a job: {job} to {id}"));
        };
        let first = &first.spec.id;
        law!(first == job, "what became free is given in the order of the queue", "{job} to {id} before {first}");
        law!(longest == id, "who stands longest is served first", "{job} to {id}, not {longest}");
        self.steps_back(id);
        Ok(())
    }

    fn assigned(
        &mut self,
        id: &JobId,
        lease: LeaseId,
        attempt: u32,
        (worker, machine, session): (&WorkerId, &MachineId, SessionId),
        now: Timestamp,
    ) -> Verdict {
        let fits = self.worker(worker).is_some_and(|w| w.machine == *machine && w.session == session);
        law!(fits, "a lease names its worker's machine and session", "{id} to {worker}");
        law!(self.given.insert(lease), "a lease is given once", "{id}");
        let (expires_at, start_by) = (now + limits::LEASE_MS, now + limits::START_MS);
        let (worker, machine) = (worker.clone(), machine.clone());
        let job = self.job_mut(id)?;
        law!(matches!(job.place, Place::Waiting { .. }), "no job is under two leases at once", "{id}");
        law!(attempt == job.attempt + 1, "attempts are numbered one by one", "{id}: {attempt} after {}", job.attempt);
        job.attempt = attempt;
        job.place = Place::Held(Held { lease, worker, machine, started: false, expires_at, start_by });
        Ok(())
    }

    fn returned(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        let Fact::JobReturned { job: id, worker, machine, from, reason, retry_at, runs_failed, lost_in_a_row } = fact
        else {
            return Ok(());
        };
        law!(returns(command, reason), "a return has a reason", "{id}: {reason:?}");
        let failed = matches!(reason, ReturnReason::Failed { .. });
        self.count(worker, (0, u64::from(failed)));
        let job = self.job_mut(id)?;
        let status = job.status();
        let Place::Held(held) = &job.place else { return Err(format!("only a held job returns: {id}")) };
        let held = held.clone();
        law!(held.worker == *worker && held.machine == *machine, "a job returns from its holder", "{id}: {worker}");
        law!(status == *from, "a return says where it came from", "{id}: {from:?}, not {status:?}");
        let expired = held.expires_at <= now;
        match reason {
            ReturnReason::LeaseExpired => law!(expired, "a lease expires when it is due", "{id}, not before"),
            ReturnReason::NotStarted => {
                let due = !held.started && held.start_by <= now && !expired;
                law!(due, "what was not started in time returns", "{id}, not before");
            }
            _ => {}
        }
        let counts = job.counts_after(reason);
        let told = (*runs_failed, *lost_in_a_row);
        law!(counts == told, "runs and losses are counted", "{id}: {told:?}, not {counts:?} after {reason:?}");
        law!(counts.1 < limits::LOST_IN_A_ROW_MAX, "the third loss in a row is the last", "{id}");
        law!(failed == retry_at.is_some(), "only a failed run is followed by a backoff", "{id}");
        (job.runs_failed, job.lost) = counts;
        job.place = Place::Waiting { retry_at: *retry_at, awake: retry_at.is_none() };
        let by_worker = failed || matches!(reason, ReturnReason::Released { .. });
        self.revoke(&held, by_worker);
        Ok(())
    }

    fn finished(&mut self, fact: &Fact, now: Timestamp) -> Verdict {
        let Fact::JobFinished { job: id, worker, machine, attempt, runs_failed, outcome } = fact else { return Ok(()) };
        let job = self.job_mut(id)?;
        law!(!matches!(job.place, Place::Finished { .. }), "a job finishes once", "{id} again");
        law!(*attempt == job.attempt, "the end names the last attempt", "{id}: {attempt}");
        let held = job.held().cloned();
        let by = (held.as_ref().map(|held| &held.worker), held.as_ref().map(|held| &held.machine));
        law!(by == (worker.as_ref(), machine.as_ref()), "the end names the holder", "{id}: {worker:?}, not {by:?}");
        let (runs, by_worker) = match outcome {
            Outcome::Completed { .. } => {
                law!(job.status() == Status::InProgress, "only a running job is completed", "{id}");
                (job.runs_failed, true)
            }
            Outcome::Cancelled => (job.runs_failed, false),
            Outcome::Failed { failure, .. } if failure.kind == FailureKind::Broker => {
                let third = job.status() == Status::InProgress && job.lost + 1 == limits::LOST_IN_A_ROW_MAX;
                law!(third, "poison is the third loss in a row", "{id} after {}, {:?}", job.lost, job.status());
                (job.runs_failed, false)
            }
            Outcome::Failed { .. } => (job.runs_failed + 1, true),
        };
        law!(*runs_failed == runs, "failed runs are counted", "{id}: {runs_failed}, not {runs}");
        let lease = held.as_ref().map(|held| held.lease);
        (job.runs_failed, job.lost) = (runs, 0);
        job.place = Place::Finished { at: now, outcome: outcome.clone(), by: lease };
        if let Some(held) = held {
            let (completed, failed) = (outcome.status() == Status::Completed, outcome.status() == Status::Failed);
            self.count(&held.worker, (u64::from(completed), u64::from(failed)));
            self.revoke(&held, by_worker);
        }
        Ok(())
    }

    fn count(&mut self, worker: &WorkerId, (completed, failed): (u64, u64)) {
        let counts = self.counts.entry(worker.clone()).or_default();
        *counts = (counts.0 + completed, counts.1 + failed);
    }

    fn revoke(&mut self, held: &Held, by_worker: bool) {
        let machine = self.machines.iter_mut().find(|machine| machine.id == held.machine && !by_worker);
        machine.into_iter().for_each(|machine| machine.revoked.push(held.lease));
    }

    fn fold_fleet(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        match fact {
            Fact::MachineJoined { machine, facts, phase } => {
                law!(self.machine(machine).is_none(), "a machine joins once", "{machine} again");
                self.machines.push(Machine {
                    id: machine.clone(),
                    facts: facts.clone(),
                    phase: *phase,
                    silent: false,
                    silent_at: now + limits::MACHINE_SILENT_MS,
                    gone_at: now + limits::MACHINE_GONE_MS,
                    grace: now,
                    revoked: Vec::new(),
                });
                Ok(())
            }
            Fact::MachineChanged { machine, facts, phase, .. } => {
                let known = self.machine(machine).map(|m| (&m.facts, m.phase, m.silent));
                law!(known.is_some(), "a machine that changes is known", "{machine}");
                law!(known != Some((facts, *phase, false)), "a change changes something", "{machine}");
                let changed = (facts.clone(), *phase, false);
                for m in self.machines.iter_mut().filter(|m| m.id == *machine) {
                    (m.facts, m.phase, m.silent) = changed.clone();
                }
                self.show_reports(fact)
            }
            Fact::MachineSilent { machine } => {
                let due = self.machine(machine).is_some_and(|m| !m.silent && m.silent_at.max(m.grace) <= now);
                law!(due, "a machine is silent when it said nothing for long", "{machine}, not before");
                self.machine_steps_back(machine);
                self.machines.iter_mut().filter(|m| m.id == *machine).for_each(|m| m.silent = true);
                let on_it = |w: &&mut Worker| w.machine == *machine;
                self.workers.iter_mut().filter(on_it).for_each(|w| w.shown = WorkerStatus::Offline);
                Ok(())
            }
            Fact::MachineLeft { machine, reason } => {
                let gone = reason.is_none() || self.machine(machine).is_some_and(|m| m.silent && m.gone_at <= now);
                law!(gone, "a machine is gone when it said nothing for very long", "{machine}, not before");
                law!(self.workers.iter().all(|w| w.machine != *machine), "its workers leave first", "{machine}");
                self.machines.retain(|m| m.id != *machine);
                Ok(())
            }
            _ => self.fold_worker(fact, command),
        }
    }

    fn show_reports(&mut self, fact: &Fact) -> Verdict {
        let Fact::MachineChanged { machine, workers, .. } = fact else { return Ok(()) };
        let on_it = self.workers.iter().filter(|w| w.machine == *machine).count();
        law!(on_it == workers.len(), "a change names all workers of the machine", "{workers:?}");
        for report in workers {
            let held = self.leases_of(&report.worker);
            let holds = |job: &JobId| self.job(job).and_then(Job::held).is_some_and(|h| held.contains(&h.lease));
            law!(report.job.is_some() != held.is_empty(), "a report names a job of the worker", "{report:?}");
            law!(report.job.as_ref().is_none_or(holds), "a report names a job of the worker", "{report:?}");
            let shown = self.workers.iter_mut().filter(|w| w.id == report.worker);
            shown.for_each(|w| w.shown = report.status);
        }
        Ok(())
    }

    fn fold_worker(&mut self, fact: &Fact, command: &Command) -> Verdict {
        match fact {
            Fact::WorkerJoined { worker: id, machine, session, slots, capabilities, jobs_completed, jobs_failed } => {
                law!(self.machine(machine).is_some(), "a worker is on a known machine", "{id} on {machine}");
                let elsewhere = self.worker(id).is_some_and(|known| known.machine != *machine);
                law!(!elsewhere, "a worker that moves leaves its old machine first", "{id} to {machine}");
                let counts = (*jobs_completed, *jobs_failed);
                let counted = *self.counts.entry(id.clone()).or_default();
                law!(counts == counted, "counts survive a new session", "{id}: {counts:?}, not {counted:?}");
                self.workers.retain(|worker| worker.id != *id);
                let worker = Worker {
                    id: id.clone(),
                    machine: machine.clone(),
                    session: *session,
                    slots: *slots as usize,
                    services: capabilities.services.clone(),
                    declared: Declared::Ready,
                    shown: WorkerStatus::Idle,
                };
                let shown = self.status(&worker);
                self.workers.push(Worker { shown, ..worker });
            }
            Fact::WorkerDeclared { worker: id, machine, declared, old, new } => {
                let worker = self.workers.iter_mut().find(|w| w.id == *id && w.machine == *machine);
                let Some(worker) = worker else { return Err(format!("a worker that declares is known: {id}")) };
                law!(worker.shown == *old, "a worker turns from what it was", "{id}: {old:?}, not {:?}", worker.shown);
                law!(worker.declared != *declared, "a change changes something", "{id}: {declared:?} again");
                (worker.declared, worker.shown) = (*declared, *new);
                if *declared != Declared::Ready {
                    self.steps_back(id);
                }
            }
            Fact::WorkerTurned { worker: id, old, new, .. } => {
                let status = self.worker(id).map(|worker| self.status(worker));
                law!(status == Some(*new), "a worker turns to what it is", "{id}: {new:?}, not {status:?}");
                let shown = self.workers.iter_mut().find(|worker| worker.id == *id).map(|worker| &mut worker.shown);
                law!(shown.as_deref() == Some(old) && old != new, "a worker turns from what it was", "{id}: {old:?}");
                shown.into_iter().for_each(|shown| *shown = *new);
            }
            Fact::WorkerLeft { worker, machine, reason } => {
                law!(self.is_on(worker, machine), "a worker leaves from where it is", "{worker} from {machine}");
                law!(self.leases_of(worker).is_empty(), "who leaves takes no job along", "{worker}");
                let (why, reason) = (leaves(command, worker, machine), reason.as_deref());
                law!(why == Some(reason), "who leaves has a reason", "{worker}: {reason:?}, not {why:?}");
                if reason != Some("moved") {
                    self.counts.remove(worker);
                }
                self.workers.retain(|known| known.id != *worker);
                self.steps_back(worker);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether this command can lead to a return for this reason.
fn returns(command: &Command, reason: &ReturnReason) -> bool {
    match reason {
        ReturnReason::Failed { .. } => matches!(command, Command::Fail(_)),
        ReturnReason::Released { .. } => matches!(command, Command::Release { .. }),
        ReturnReason::NotStarted | ReturnReason::LeaseExpired => matches!(command, Command::Tick),
        ReturnReason::SessionReplaced => matches!(command, Command::JoinWorker(_)),
        ReturnReason::WorkerLeft => matches!(command, Command::LeaveWorker { .. }),
        ReturnReason::MachineLeft => matches!(command, Command::LeaveMachine { .. } | Command::Tick),
    }
}

/// For which reason this command can make this worker leave this machine, if it can.
fn leaves<'a>(command: &Command, worker: &WorkerId, machine: &MachineId) -> Option<Option<&'a str>> {
    match command {
        Command::Tick => Some(Some("gone")),
        Command::LeaveMachine { machine: left } if left == machine => Some(None),
        Command::LeaveWorker { worker: left, .. } if left == worker => Some(None),
        Command::JoinWorker(join) if join.worker == *worker && join.machine != *machine => Some(Some("moved")),
        _ => None,
    }
}

impl Job {
    /// Failed runs and losses in a row after a return: a run that began and was lost is a
    /// loss, one that failed ends the row, and nothing else counts.
    fn counts_after(&self, reason: &ReturnReason) -> (u32, u32) {
        use ReturnReason::{Failed, NotStarted, Released};
        match reason {
            Failed { .. } => (self.runs_failed + 1, 0),
            Released { .. } | NotStarted => (self.runs_failed, self.lost),
            _ => (self.runs_failed, self.lost + u32::from(self.status() == Status::InProgress)),
        }
    }
}
