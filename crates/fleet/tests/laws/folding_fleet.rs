//! Which events of machines and workers may follow which.

use crate::oracle::{Job, Machine, Oracle, Worker};
use fleet::limits;
use fleet::{Command, Declared, Fact, Fail, FailureKind, JobId, MachineId, Service, Timestamp, WorkerId, WorkerStatus};
use std::collections::BTreeSet;

type Verdict = Result<(), String>;

impl Oracle {
    pub(crate) fn fold_fleet(&mut self, fact: &Fact, command: &Command, now: Timestamp) -> Verdict {
        match fact {
            Fact::MachineJoined { machine, facts, phase } => {
                law!(self.machine(machine).is_none(), "a machine joins once", "{machine} again");
                self.machines.push(Machine {
                    id: machine.clone(),
                    facts: facts.clone(),
                    phase: *phase,
                    draining: false,
                    silent: false,
                    silent_at: now + limits::MACHINE_SILENT_MS,
                    gone_at: now + limits::MACHINE_GONE_MS,
                    grace: now,
                    revoked: Vec::new(),
                    untold: false,
                });
                Ok(())
            }
            Fact::MachineChanged { .. } => self.machine_changed(fact, command),
            Fact::MachineSilent { machine } => {
                let due = self.machine(machine).is_some_and(|m| !m.silent && m.silent_at.max(m.grace) <= now);
                law!(due, "a machine is silent when it said nothing for long", "{machine}, not before");
                self.machine_steps_back(machine);
                self.machine_mut(machine).into_iter().for_each(|m| m.silent = true);
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
            Fact::ServicePaused { service, is_paused } => {
                let asked = matches!(command, Command::PauseService { service: asked, .. } if asked == service);
                let changes = self.paused.contains(service) != *is_paused;
                law!(asked && changes, "a change changes something", "{service} paused: {is_paused}, again");
                match is_paused {
                    true => self.paused.insert(service.clone()),
                    false => self.paused.remove(service),
                };
                Ok(())
            }
            _ => self.fold_worker(fact, command),
        }
    }

    fn machine_changed(&mut self, fact: &Fact, command: &Command) -> Verdict {
        let Fact::MachineChanged { machine: id, facts, phase, is_draining, silent_since, .. } = fact else {
            return Ok(());
        };
        let silent = silent_since.is_some();
        let Some(known) = self.machine_mut(id) else { return Err(format!("a machine that changes is known: {id}")) };
        let old = (known.facts.clone(), known.phase, known.draining, known.silent);
        let new = (facts.clone(), *phase, *is_draining, silent);
        law!(old != new, "a change changes something", "{id}: {new:?} again");
        let drains = matches!(command, Command::DrainMachine { .. });
        law!(drains == (old.2 != new.2), "only an operator drains a machine", "{id}: {is_draining}");
        law!(!silent || drains && old.3, "who is heard is not silent", "{id}");
        known.untold |= drains;
        (known.facts, known.phase, known.draining, known.silent) = new;
        match drains {
            // What turns with it is told apart.
            true => Ok(()),
            false => self.show_reports(fact),
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
            Fact::WorkerJoined { .. } => self.worker_joined(fact),
            Fact::WorkerDeclared { worker: id, machine, declared, old, new } => {
                let worker = self.turning(id, machine, *old)?;
                law!(worker.declared != *declared, "a change changes something", "{id}: {declared:?} again");
                (worker.declared, worker.shown) = (*declared, *new);
                if *declared != Declared::Ready {
                    self.steps_back(id);
                }
                Ok(())
            }
            Fact::WorkerDrained { worker: id, machine, is_draining, old, new } => {
                let worker = self.turning(id, machine, *old)?;
                law!(worker.draining != *is_draining, "a change changes something", "{id}: {is_draining} again");
                (worker.draining, worker.shown) = (*is_draining, *new);
                Ok(())
            }
            Fact::ServiceTurned { worker, machine, service, is_down, reason } => {
                law!(self.is_on(worker, machine), "a service turns where its worker is", "{worker} on {machine}");
                law!(reason.is_some() == *is_down, "a service is down for a reason", "{service}: {reason:?}");
                self.service_turned(worker, service, *is_down, command)
            }
            Fact::WorkerTurned { worker: id, old, new, .. } => {
                let status = self.worker(id).map(|worker| self.status(worker));
                law!(status == Some(*new), "a worker turns to what it is", "{id}: {new:?}, not {status:?}");
                let shown = self.workers.iter_mut().find(|worker| worker.id == *id).map(|worker| &mut worker.shown);
                law!(shown.as_deref() == Some(old) && old != new, "a worker turns from what it was", "{id}: {old:?}");
                shown.into_iter().for_each(|shown| *shown = *new);
                Ok(())
            }
            Fact::WorkerLeft { worker, machine, reason } => {
                law!(self.is_on(worker, machine), "a worker leaves from where it is", "{worker} from {machine}");
                law!(self.leases_of(worker).is_empty(), "who leaves takes no job along", "{worker}");
                let (why, reason) = (leaves(command, worker, machine), reason.as_deref());
                law!(why == Some(reason), "who leaves has a reason", "{worker}: {reason:?}, not {why:?}");
                if reason == Some("moved") {
                    self.moved_draining = self.worker(worker).is_some_and(|worker| worker.draining);
                } else {
                    self.counts.remove(worker);
                }
                self.workers.retain(|known| known.id != *worker);
                self.steps_back(worker);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn turning(&mut self, id: &WorkerId, machine: &MachineId, old: WorkerStatus) -> Result<&mut Worker, String> {
        let worker = self.workers.iter_mut().find(|w| w.id == *id && w.machine == *machine);
        let Some(worker) = worker else { return Err(format!("a worker that changes is known: {id}")) };
        law!(worker.shown == old, "a worker turns from what it was", "{id}: {old:?}, not {:?}", worker.shown);
        Ok(worker)
    }

    fn worker_joined(&mut self, fact: &Fact) -> Verdict {
        let Fact::WorkerJoined { worker: id, machine, session, slots, capabilities, is_draining, .. } = fact else {
            return Ok(());
        };
        let Fact::WorkerJoined { jobs_completed, jobs_failed, .. } = fact else { return Ok(()) };
        law!(self.machine(machine).is_some(), "a worker is on a known machine", "{id} on {machine}");
        let elsewhere = self.worker(id).is_some_and(|known| known.machine != *machine);
        law!(!elsewhere, "a worker that moves leaves its old machine first", "{id} to {machine}");
        let counts = (*jobs_completed, *jobs_failed);
        let counted = *self.counts.entry(id.clone()).or_default();
        law!(counts == counted, "counts survive a new session", "{id}: {counts:?}, not {counted:?}");
        let moved = std::mem::take(&mut self.moved_draining);
        let drained = self.worker(id).map_or(moved, |known| known.draining);
        law!(drained == *is_draining, "an operator's drain survives a new session", "{id}: {is_draining}");
        self.workers.retain(|worker| worker.id != *id);
        let worker = Worker {
            id: id.clone(),
            machine: machine.clone(),
            session: *session,
            slots: *slots as usize,
            has: capabilities.clone(),
            declared: Declared::Ready,
            draining: *is_draining,
            down: BTreeSet::new(),
            shown: WorkerStatus::Idle,
        };
        let shown = self.status(&worker);
        self.workers.push(Worker { shown, ..worker });
        Ok(())
    }

    fn service_turned(&mut self, id: &WorkerId, service: &Service, is_down: bool, command: &Command) -> Verdict {
        let said = match command {
            Command::Beat(beat) => beat.services.iter().any(|(worker, said, _)| (worker, said) == (id, service)),
            Command::Fail(Fail { failure, .. }) => is_down && failure.kind == FailureKind::ServiceDown,
            _ => false,
        };
        law!(said, "a service turns when somebody says so", "{service} of {id}");
        let worker = self.workers.iter_mut().find(|worker| worker.id == *id);
        let Some(worker) = worker else { return Err(format!("a worker that changes is known: {id}")) };
        law!(worker.has.services.contains(service), "a worker says what it offers is down", "{service} of {id}");
        let changes = match is_down {
            true => worker.down.insert(service.clone()),
            false => worker.down.remove(service),
        };
        law!(changes, "a change changes something", "{service} of {id} down: {is_down}, again");
        Ok(())
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
