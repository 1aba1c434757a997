//! Which events of jobs may follow which: the oracle takes in one event, or says what is wrong
//! with it.

use crate::oracle::{Due, Giving, Held, Job, Oracle, Place, Wait};
use fleet::limits;
use fleet::{
    Command, Expiry, Fact, Fail, Failure, FailureKind, JobId, JobSpec, LeaseId, MachineId, Number, Outcome,
    PrincipalId, Rank, ReturnReason, SessionId, Status, Timestamp, WorkerId, WorkflowId,
};
use std::sync::Arc;

type Verdict = Result<(), String>;

impl Oracle {
    pub(crate) fn fold(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        let expires = matches!(fact, Fact::JobFinished { outcome: Outcome::Expired(_), worker: None, .. });
        let gives = matches!(
            fact,
            Fact::JobAssigned { .. }
                | Fact::JobStarted { .. }
                | Fact::WorkerTurned { .. }
                | Fact::JobSchedulable { .. }
        );
        let giving = self.giving != Giving::NotYet;
        law!(gives || expires || !giving, "what became free is given at the end of the command", "then {fact:?}");
        match fact {
            Fact::JobSubmitted { spec, order, rank, workflow_rank } => {
                self.is_submitted(spec, *order, (*rank, *workflow_rank), command, now)
            }
            Fact::JobAssigned { job, lease, attempt, worker, machine, session, seq } => {
                self.told(job, *seq)?;
                self.may_assign(job, worker, command, now)?;
                self.assigned(job, *lease, *attempt, (worker, machine, *session), now)
            }
            Fact::JobStarted { job, worker, seq } => {
                self.told(job, *seq)?;
                self.started(job, worker, now)
            }
            Fact::JobUnschedulable { job, missing } => {
                law!(!missing.is_empty(), "what is missing is named", "{job}");
                self.marked(job, true, now)
            }
            Fact::JobSchedulable { job } => self.marked(job, false, now),
            Fact::JobStarved { job: id } => {
                let starve_after_ms = self.rules.starve_after_ms;
                let job = self.job_mut(id)?;
                let is_old = starve_after_ms.is_some_and(|ms| job.at + ms <= now) && job.waiting().is_some();
                law!(is_old && !job.starves, "who waits for too long starves, once", "{id}");
                job.starves = true;
                Ok(())
            }
            Fact::JobReturned { job, seq, .. } => {
                self.told(job, *seq)?;
                self.returned(fact, command, now)
            }
            Fact::JobFinished { job, seq, .. } => {
                self.told(job, *seq)?;
                self.followed_has_ended(job, now);
                self.finished(fact, command, now)
            }
            Fact::ClientFollows { .. }
            | Fact::ClientUnfollows { .. }
            | Fact::ClientsSeen { .. }
            | Fact::ClientsForgotten { .. } => self.fold_clients(fact, command, now),
            Fact::JobsForgotten { completed, unhappy } => self.forgotten(*completed, *unhappy, command, now),
            _ => self.fold_fleet(fact, command, now),
        }
    }

    pub(crate) fn job_mut(&mut self, id: &JobId) -> Result<&mut Job, String> {
        self.jobs.iter_mut().find(|job| job.spec.id == *id).ok_or(format!("events name known jobs: {id}"))
    }

    /// What clients are told of a job is numbered.
    fn told(&mut self, id: &JobId, seq: u32) -> Verdict {
        let job = self.job_mut(id)?;
        job.told += 1;
        law!(seq == job.told, "what clients are told of a job is numbered one by one", "{id}: {seq}, not {}", job.told);
        Ok(())
    }

    /// All that may be forgotten at once, and nothing else.
    fn forgotten(&mut self, completed: u32, unhappy: u32, command: &Command, now: Timestamp) -> Verdict {
        law!(matches!(command, Command::Tick), "only time lets jobs be forgotten", "{command:?}");
        let due = |completed| self.forgettable(completed).iter().filter(|at| **at <= now).count();
        let (due, told) = ((due(true), due(false)), (completed as usize, unhappy as usize));
        law!(
            told == due && told != (0, 0),
            "what is archived, old and not among the newest is forgotten",
            "{told:?}, not {due:?}"
        );
        let first = |completed, count| self.ended_first(completed).into_iter().take(count).map(|job| job.order);
        let gone: Vec<u64> = first(true, told.0).chain(first(false, told.1)).collect();
        self.jobs.retain(|known| !gone.contains(&known.order));
        let jobs = &self.jobs;
        let is_of = |job: &Job, of: &PrincipalId, id: &WorkflowId| {
            job.spec.owner.principal == *of && job.spec.workflow_id() == Some(id)
        };
        self.workflows.retain(|(of, id, _)| jobs.iter().any(|job| is_of(job, of, id)));
        for client in &mut self.clients {
            client.muted.retain(|id| jobs.iter().any(|job| job.spec.id == *id));
        }
        Ok(())
    }

    fn is_submitted(
        &mut self,
        spec: &Arc<JobSpec>,
        order: u64,
        told: (Rank, Option<Rank>),
        command: &Command,
        now: Timestamp,
    ) -> Verdict {
        let id = &spec.id;
        law!(self.job(id).is_none(), "a job is submitted once", "{id} again");
        self.submitted += 1;
        law!(order == self.submitted, "submissions are numbered one by one", "{order}, not {}", self.submitted);
        let principal = &spec.owner.principal;
        let is_it = |of: &PrincipalId, workflow| of == principal && spec.workflow_id() == Some(workflow);
        let fixed = self.workflows.iter().find(|(of, workflow, _)| is_it(of, workflow));
        let recalled = || recalled(command, spec).filter(|_| spec.workflow_id().is_some());
        let fixed = fixed.map(|(.., rank)| *rank).or_else(recalled);
        let is_first = self.workflows.iter().all(|(of, workflow, _)| !is_it(of, workflow));
        let stated = spec.workflow().map_or((None, None), |workflow| (workflow.priority, workflow.at));
        let unstated = fixed.unwrap_or(Rank { priority: spec.priority, at: now });
        let rank = Rank { priority: stated.0.unwrap_or(unstated.priority), at: stated.1.unwrap_or(unstated.at) };
        let first = spec.workflow_id().map(|_| fixed.unwrap_or(rank));
        law!(told == (rank, first), "a workflow's first job fixes its rank", "{id}: {told:?}, not {rank:?}, {first:?}");
        if let (Some(workflow), Some(first), true) = (spec.workflow_id(), first, is_first) {
            self.workflows.push((principal.clone(), workflow.clone(), first));
        }
        let not_before = spec.timing().not_before.filter(|at| *at > now);
        let wait = Wait { since: now, not_before, awake: not_before.is_none(), marked: false };
        self.jobs.push(Job {
            spec: spec.clone(),
            at: now,
            order,
            told: 1,
            rank,
            starves: false,
            attempt: 0,
            runs_failed: 0,
            lost: 0,
            handed_back: 0,
            too_little: None,
            place: Place::Waiting(wait),
        });
        self.followed_has_begun(spec);
        Ok(())
    }

    /// What holds of every job that is given, and which comes first.
    fn may_assign(&mut self, job: &JobId, id: &WorkerId, command: &Command, now: Timestamp) -> Verdict {
        let ended = self.kept_away.iter().any(|(_, _, until)| *until <= now);
        if matches!(command, Command::Tick) {
            self.wake(now);
        }
        law!(self.has_room(id), "who drains, is in error or has no free slot is given nothing", "{job} to {id}");
        let (Some(given), Some(worker)) = (self.job(job), self.worker(id)) else {
            return Err(format!("events name known jobs and workers: {job}, {id}"));
        };
        let service = &given.spec.requirements.service;
        law!(!self.paused.contains(service), "nothing of a paused service is given", "{job} to {id}");
        law!(!worker.down.contains(service), "nothing of a service that is down is given", "{job} to {id}");
        law!(self.could_run(worker, given), "a worker is given what it can run", "{job} to {id}");
        let kept_away = self.kept_away.iter().any(|(kept, order, _)| (kept, *order) == (id, given.order));
        law!(!kept_away, "what a worker handed back is not offered to it for a while", "{job} to {id}");
        law!(!given.is_overdue(now), "what should have started or ended by now is not given", "{job} to {id}");
        let marked = given.waiting().is_some_and(|wait| wait.marked);
        law!(!marked, "what is given was told to be schedulable", "{job} to {id}");
        let pick = self.pick(id).map(|job| job.spec.id.clone());
        law!(pick.as_ref() == Some(job), "the job given is the oracle's", "{job}, not {pick:?}, to {id}");
        if matches!(command, Command::Next(next) if next.worker == *id) {
            return Ok(());
        }
        if self.giving == Giving::NotYet {
            self.giving = match command {
                Command::Tick if ended => Giving::Mixed,
                Command::PauseService { .. } | Command::Beat(_) => Giving::InTurn,
                _ => Giving::InOrder,
            };
        }
        self.is_next(job, id, now)?;
        self.steps_back(id);
        Ok(())
    }

    fn is_next(&self, job: &JobId, id: &WorkerId, now: Timestamp) -> Verdict {
        let stands = self.standing.iter().any(|standing| standing.worker == *id && standing.until > now);
        law!(stands, "only who asks or stands is given a job", "{job} to {id}");
        match self.giving {
            Giving::InOrder => {
                let Some((first, longest)) = self.next_to_give(now) else { return Ok(()) };
                let first = &first.spec.id;
                law!(first == job, "what became free is given in the order of the queue", "{job} before {first}");
                law!(longest == id, "who stands longest is served first", "{job} to {id}, not {longest}");
            }
            Giving::InTurn => {
                let first = self.next_to_serve(now);
                law!(first == Some(id), "who stands longest is served first", "{job} to {id}, not {first:?}");
            }
            Giving::Mixed | Giving::NotYet => {}
        }
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
        let job = self.job_mut(id)?;
        law!(job.waiting().is_some(), "no job is under two leases at once", "{id}");
        law!(attempt == job.attempt + 1, "attempts are numbered one by one", "{id}: {attempt} after {}", job.attempt);
        job.attempt = attempt;
        job.place = Place::Held(Held {
            lease,
            worker: worker.clone(),
            machine: machine.clone(),
            started: None,
            expires_at: now + limits::LEASE_MS,
            start_by: now + limits::START_MS,
            run_until: None,
            progress_by: None,
        });
        Ok(())
    }

    fn started(&mut self, id: &JobId, worker: &WorkerId, now: Timestamp) -> Verdict {
        let job = self.job_mut(id)?;
        let timing = job.spec.timing();
        let held = job.held_mut().filter(|held| held.started.is_none() && held.worker == *worker);
        let Some(held) = held else { return Err(format!("only an assigned job starts: {id}")) };
        held.started = Some(now);
        held.run_until = timing.run_for_ms.map(|ms| now + ms);
        held.progress_by = timing.no_progress_ms.map(|ms| now + ms);
        Ok(())
    }

    /// The verdicts on a job take turns, and each is true when it is told.
    fn marked(&mut self, id: &JobId, marked: bool, now: Timestamp) -> Verdict {
        let capable = self.job(id).is_some_and(|job| self.is_capable(job));
        law!(capable != marked, "a verdict is true when it is told", "{id}: unschedulable: {marked}");
        let Some(wait) = self.job_mut(id)?.waiting_mut() else {
            return Err(format!("a verdict is told of a waiting job: {id}"));
        };
        law!(wait.marked != marked, "verdicts take turns", "{id}: unschedulable: {marked}, again");
        (wait.marked, wait.since) = (marked, now);
        Ok(())
    }

    fn returned(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        let Fact::JobReturned { job: id, worker, machine, from, reason, retry_at, counts, more_than_gb, .. } = fact
        else {
            return Ok(());
        };
        law!(returns(command, reason), "a return has a reason", "{id}: {reason:?}");
        let had = self.worker(worker).map(|worker| worker.has.hardware.gpu_memory_gb);
        let failed = matches!(reason, ReturnReason::Failed { .. });
        self.count(worker, (0, u64::from(failed)));
        let job = self.job_mut(id)?;
        let status = job.status();
        let Some(held) = job.held().cloned() else { return Err(format!("only a held job returns: {id}")) };
        law!(held.worker == *worker && held.machine == *machine, "a job returns from its holder", "{id}: {worker}");
        law!(status == *from, "a return says where it came from", "{id}: {from:?}, not {status:?}");
        time_is_up(id, &held, command, due(reason), now)?;
        let expected = job.counts_after(reason);
        let told = (counts.runs_failed, counts.lost_in_a_row, counts.handed_back);
        law!(expected == told, "runs, losses and returns are counted", "{id}: {told:?}, not {expected:?}, {reason:?}");
        law!(told.1 < limits::LOST_IN_A_ROW_MAX, "the third loss in a row is the last", "{id}");
        law!(told.2 < limits::HANDED_BACK_MAX, "the tenth return is the last", "{id}");
        law!(told.0 == 0 || told.0 < job.spec.attempts_max, "runs are counted against what is allowed", "{id}");
        let is_run = failed && !is_service_down(reason);
        law!(!is_run || retry_at.is_some(), "a failed run is followed by a backoff", "{id}");
        law!(failed || retry_at.is_none(), "what was no run is not delayed", "{id}");
        let too_little = too_little(job.too_little, reason, had);
        law!(*more_than_gb == too_little, "what was too little is remembered", "{id}: {more_than_gb:?}");
        (job.runs_failed, job.lost, job.handed_back) = told;
        job.too_little = too_little;
        let wait = Wait { since: now, not_before: *retry_at, awake: retry_at.is_none(), marked: false };
        job.place = Place::Waiting(wait);
        let order = job.order;
        if matches!(reason, ReturnReason::Released { .. } | ReturnReason::NotStarted) {
            self.kept_away.retain(|(kept, held_off, _)| (kept, *held_off) != (worker, order));
            self.kept_away.push((worker.clone(), order, now + limits::HOLD_OFF_MS));
        }
        self.revoke(&held, by_worker(command));
        Ok(())
    }

    fn finished(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        let Fact::JobFinished { job: id, worker, machine, attempt, runs_failed, outcome, .. } = fact else {
            return Ok(());
        };
        let job = self.job_mut(id)?;
        law!(!matches!(job.place, Place::Finished { .. }), "a job finishes once", "{id} again");
        law!(*attempt == job.attempt, "the end names the last attempt", "{id}: {attempt}");
        let held = job.held().cloned();
        let by = (held.as_ref().map(|held| &held.worker), held.as_ref().map(|held| &held.machine));
        law!(by == (worker.as_ref(), machine.as_ref()), "the end names the holder", "{id}: {worker:?}, not {by:?}");
        may_end(job, outcome, command, now)?;
        let is_run = matches!(outcome, Outcome::Failed { failure, .. } if failure.kind != FailureKind::Broker);
        let runs = job.runs_failed + u32::from(is_run);
        law!(*runs_failed == runs, "failed runs are counted", "{id}: {runs_failed}, not {runs}");
        let lease = held.as_ref().map(|held| held.lease);
        (job.runs_failed, job.lost) = (runs, 0);
        *self.ended.entry(outcome.status()).or_default() += 1;
        let job = self.job_mut(id)?;
        job.place = Place::Finished { at: now, outcome: outcome.clone(), by: lease };
        if let Some(held) = held {
            let failed = matches!(outcome, Outcome::Failed { .. });
            let completed = matches!(outcome, Outcome::Completed { .. });
            self.count(&held.worker, (u64::from(completed), u64::from(failed)));
            let told = completed || (is_run && by_worker(command));
            self.revoke(&held, told);
        }
        Ok(())
    }

    fn count(&mut self, worker: &WorkerId, (completed, failed): (u64, u64)) {
        let counts = self.counts.entry(worker.clone()).or_default();
        *counts = (counts.0 + completed, counts.1 + failed);
    }

    fn revoke(&mut self, held: &Held, by_worker: bool) {
        let machine = self.machine_mut(&held.machine).filter(|_| !by_worker);
        machine.into_iter().for_each(|machine| machine.revoked.push(held.lease));
    }
}

/// What the command says that the archive remembers of the job's workflow.
fn recalled(command: &Command, spec: &JobSpec) -> Option<Rank> {
    match command {
        Command::Submit { recalled, .. } => *recalled,
        Command::SubmitAll { specs } => {
            specs.iter().find(|(one, _)| **one == *spec).and_then(|(_, recalled)| *recalled)
        }
        _ => None,
    }
}

/// Whether the job may end like this, now.
fn may_end(job: &Job, outcome: &Outcome, command: &Command, now: Timestamp) -> Verdict {
    let (id, timing) = (&job.spec.id, job.spec.timing());
    let ticks = matches!(command, Command::Tick);
    let running = job.status() == Status::InProgress;
    let about_to_be_given = job.waiting().is_some_and(|wait| wait.awake);
    match outcome {
        Outcome::Completed { .. } => law!(running, "only a running job is completed", "{id}"),
        Outcome::Cancelled => {}
        Outcome::Expired(Expiry::FinishBy(at)) => {
            let due = (ticks || about_to_be_given) && timing.finish_by == Some(*at) && *at <= now;
            law!(due, "a job expires when it should have ended", "{id}, not before");
        }
        Outcome::Expired(Expiry::StartBy(at)) => {
            let due = (ticks || about_to_be_given) && timing.start_by == Some(*at) && *at <= now && !running;
            law!(due, "a job expires when it should have started", "{id}, not before");
        }
        Outcome::Failed { failure: Failure { kind: FailureKind::Broker, reason }, .. } => match reason.as_deref() {
            Some("poison") => {
                let third = running && job.lost + 1 == limits::LOST_IN_A_ROW_MAX;
                law!(third, "poison is the third loss in a row", "{id} after {}, {:?}", job.lost, job.status());
            }
            Some("undeliverable") => {
                let tenth = job.held().is_some() && job.handed_back + 1 == limits::HANDED_BACK_MAX;
                law!(tenth, "undeliverable is the tenth return", "{id} after {}", job.handed_back);
            }
            Some("unschedulable") => {
                let marked = job.waiting().filter(|wait| ticks && wait.marked);
                let due = marked.zip(timing.fail_if_unmatched_ms).is_some_and(|(wait, ms)| wait.since + ms <= now);
                law!(due, "a lasting verdict ends the job if it says so", "{id}, not before");
            }
            reason => return Err(format!("the broker says why it gives up: {id}: {reason:?}")),
        },
        Outcome::Failed { failure, .. } => {
            law!(job.held().is_some(), "only a held job fails", "{id}");
            let said = matches!(command, Command::Fail(fail) if fail.failure == *failure);
            law!(said || ticks, "a failure has a reason", "{id}: {failure:?}");
            if let Some(held) = job.held().filter(|_| ticks) {
                time_is_up(id, held, command, timeout(failure), now)?;
            }
        }
    }
    Ok(())
}

/// Of what time alone does to a lease, the earliest decides.
fn time_is_up(id: &JobId, held: &Held, command: &Command, due: Option<Due>, now: Timestamp) -> Verdict {
    if !matches!(command, Command::Tick) {
        return Ok(());
    }
    let (at, ends) = held.ends();
    // A machine that is gone takes its leases along, whatever else is due.
    law!(
        due.is_none_or(|due| due == ends && at <= now),
        "the earliest deadline decides",
        "{id}: {due:?}, not {ends:?}"
    );
    Ok(())
}

fn due(reason: &ReturnReason) -> Option<Due> {
    match reason {
        ReturnReason::LeaseExpired => Some(Due::Expired),
        ReturnReason::NotStarted => Some(Due::NotStarted),
        ReturnReason::Failed { failure, .. } => timeout(failure),
        _ => None,
    }
}

fn timeout(failure: &Failure) -> Option<Due> {
    match failure.reason.as_deref() {
        Some("no_progress") => Some(Due::NoProgress),
        Some("run_for") => Some(Due::RunFor),
        _ => None,
    }
}

/// Whether the worker knows that its lease ended, because it ended it.
fn by_worker(command: &Command) -> bool {
    matches!(command, Command::Fail(_) | Command::Release { .. })
}

fn is_service_down(reason: &ReturnReason) -> bool {
    matches!(reason, ReturnReason::Failed { failure, .. } if failure.kind == FailureKind::ServiceDown)
}

fn too_little(known: Option<Number>, reason: &ReturnReason, had: Option<Number>) -> Option<Number> {
    match reason {
        ReturnReason::Failed { failure, .. } if failure.kind == FailureKind::OutOfMemory => known.max(had),
        _ => known,
    }
}

/// Whether this command can lead to a return for this reason.
fn returns(command: &Command, reason: &ReturnReason) -> bool {
    match reason {
        ReturnReason::Failed { failure, .. } => match command {
            Command::Fail(Fail { failure: said, .. }) => said == failure,
            Command::Tick => timeout(failure).is_some() && failure.kind == FailureKind::Timeout,
            _ => false,
        },
        ReturnReason::Released { .. } => matches!(command, Command::Release { .. }),
        ReturnReason::NotStarted | ReturnReason::LeaseExpired => matches!(command, Command::Tick),
        ReturnReason::SessionReplaced => matches!(command, Command::JoinWorker(_)),
        ReturnReason::WorkerLeft => matches!(command, Command::LeaveWorker { .. }),
        ReturnReason::MachineLeft => matches!(command, Command::LeaveMachine { .. } | Command::Tick),
    }
}

impl Job {
    /// Failed runs, losses in a row and returns without a run: a run that began and was lost is
    /// a loss, one that failed ends the row, and what was not run was handed back.
    fn counts_after(&self, reason: &ReturnReason) -> (u32, u32, u32) {
        use ReturnReason::{Failed, NotStarted, Released};
        let (runs, lost, handed_back) = (self.runs_failed, self.lost, self.handed_back);
        match reason {
            Failed { .. } if is_service_down(reason) => (runs, lost, handed_back + 1),
            Failed { .. } => (runs + 1, 0, handed_back),
            Released { .. } | NotStarted => (runs, lost, handed_back + 1),
            _ => (runs, lost + u32::from(self.status() == Status::InProgress), handed_back),
        }
    }
}
