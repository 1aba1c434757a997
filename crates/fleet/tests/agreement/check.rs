//! The scan follows what is told, and every difference is named.

use crate::fleet_life::FleetLife;
use crate::scan::{Place, Queue, Scan};
use fleet::{
    Command, Event, Fact, FailureKind, JobId, JoinWorker, LeaseId, MachineId, ReturnReason, Timestamp, WorkerId, limits,
};
use std::collections::BTreeSet;
use std::sync::Arc;

type Same = Result<(), String>;

impl FleetLife {
    /// Takes in what a command led to; before each lease the scan says which job it must be.
    pub(crate) fn follow(&mut self, command: &Command, events: &[Event]) -> Same {
        let mut has_ticked = !matches!(command, Command::Tick);
        for event in events {
            if matches!(event.fact, Fact::JobAssigned { .. }) && !has_ticked {
                self.scan.tick(self.now);
                has_ticked = true;
            }
            self.follow_one(command, &event.fact)?;
        }
        if !has_ticked {
            self.scan.tick(self.now);
        }
        Ok(())
    }

    fn follow_one(&mut self, command: &Command, fact: &Fact) -> Same {
        match fact {
            Fact::JobSubmitted { spec, order, .. } => self.scan.submit(spec, *order, self.now),
            Fact::JobAssigned { job, lease, worker, .. } => self.assigned(command, job, *lease, worker)?,
            Fact::JobStarted { job, .. } => {
                if let Some(Place::Held { started, .. }) = self.scan.job_mut(job).map(|job| &mut job.place) {
                    *started = true;
                }
            }
            Fact::JobReturned { .. } => self.returned(fact)?,
            Fact::JobFinished { job, .. } => {
                self.scan.job_mut(job).into_iter().for_each(|job| job.place = Place::Over);
            }
            Fact::WorkerJoined { .. } => self.joined(command),
            Fact::WorkerLeft { worker, .. } => self.scan.workers.retain(|known| known.id != *worker),
            Fact::MachineSilent { machine } => {
                self.hear(machine, true);
                let on_it = |id: &WorkerId| self.scan.worker(id).is_some_and(|worker| worker.machine == *machine);
                let gone: Vec<WorkerId> = self.standing.iter().map(|(id, _)| id.clone()).filter(on_it).collect();
                self.standing.retain(|(id, _)| !gone.contains(id));
            }
            Fact::MachineChanged { machine, silent_since, .. } => self.hear(machine, silent_since.is_some()),
            _ => {}
        }
        Ok(())
    }

    fn hear(&mut self, machine: &MachineId, is_silent: bool) {
        let known = self.scan.machines.iter_mut().find(|known| known.id == *machine);
        known.into_iter().for_each(|machine| machine.silent = is_silent);
    }

    fn assigned(&mut self, command: &Command, job: &JobId, lease: LeaseId, worker: &WorkerId) -> Same {
        let must = self.scan.pick(worker);
        if must.map(|job| &job.spec.id) != Some(job) {
            let given = self.scan.jobs.iter().find(|known| known.spec.id == *job);
            let given = given.map(|job| (job.key(), &job.place, &job.spec));
            let must = must.map(|job| (job.key(), &job.spec));
            return Err(format!("{worker} is given {job}, but the scan finds {must:#?}; given: {given:#?}"));
        }
        match command {
            Command::Next(next) if next.worker == *worker => self.counted.leases += 1,
            _ => {
                let stood = self.standing.iter().position(|(id, until)| id == worker && *until > self.now);
                let Some(stood) = stood else { return Err(format!("{worker} is given {job}, but did not ask")) };
                self.standing.remove(stood);
                self.counted.standing += 1;
            }
        }
        let place = Place::Held { lease, worker: worker.clone(), started: false };
        self.scan.job_mut(job).into_iter().for_each(|job| job.place = place.clone());
        Ok(())
    }

    fn returned(&mut self, fact: &Fact) -> Same {
        let Fact::JobReturned { job: id, worker, reason, retry_at, more_than_gb, .. } = fact else { return Ok(()) };
        let had = self.scan.worker(worker).map(|worker| worker.has.hardware.gpu_memory_gb);
        let now = self.now;
        let Some(job) = self.scan.job_mut(id) else { return Err(format!("{id} is not known")) };
        if let ReturnReason::Failed { failure, .. } = reason
            && failure.kind == FailureKind::OutOfMemory
        {
            job.too_little = job.too_little.max(had);
        }
        if job.too_little != *more_than_gb {
            return Err(format!("{id} wants more than {more_than_gb:?}, not {:?}", job.too_little));
        }
        job.place = Place::Waiting { not_before: *retry_at, awake: retry_at.is_none() };
        let order = job.order;
        if matches!(reason, ReturnReason::Released { .. } | ReturnReason::NotStarted) {
            let kept_away = &mut self.scan.kept_away;
            kept_away.retain(|(id, held_off, _)| (id, *held_off) != (worker, order));
            kept_away.push((worker.clone(), order, now + limits::HOLD_OFF_MS));
        }
        Ok(())
    }

    fn joined(&mut self, command: &Command) {
        let Command::JoinWorker(join) = command else { return };
        let JoinWorker { worker, machine, session, slots, capabilities, .. } = join;
        let old = self.scan.workers.iter().position(|known| known.id == *worker);
        let drained = old.is_some_and(|old| self.scan.workers[old].drained);
        let worker = crate::scan::Worker {
            id: worker.clone(),
            machine: machine.clone(),
            session: session.0,
            slots: *slots as usize,
            has: Arc::clone(capabilities),
            ready: true,
            drained,
            down: BTreeSet::new(),
        };
        match old {
            Some(old) => self.scan.workers[old] = worker,
            None => self.scan.workers.push(worker),
        }
    }

    /// Who stands has nothing to be given: a job for it would have been given.
    pub(crate) fn nobody_stands_in_vain(&self, of: &[(WorkerId, Timestamp)]) -> Same {
        for (worker, until) in of {
            let waits = self.scan.pick(worker).filter(|_| *until > self.now);
            if let Some(job) = waits {
                return Err(format!("{worker} stands ready and {} waits for it", job.spec.id));
            }
        }
        Ok(())
    }

    /// What is told of some jobs, whole.
    pub(crate) fn explanations_agree(&mut self, sample: &[usize]) -> Same {
        let queue = Queue::of(&self.scan);
        for n in sample {
            let Some(job) = self.scan.jobs.get(*n) else { continue };
            let id = &job.spec.id;
            let (told, found) = (self.ledger.explain(id, self.now), queue.explain(job, self.now));
            if told.as_ref() != Some(&found) {
                let spec = &job.spec;
                return Err(format!("{id} is explained as {told:#?}, but the scan finds {found:#?} for {spec:?}"));
            }
            if self.ledger.verdict(id, self.now) != Some(found.verdict) {
                return Err(format!("{id} has a verdict that is not that of its explanation"));
            }
            if spec_contradicts(&job.spec.requirements) && found.capable_workers > 0 {
                return Err(format!("{id} contradicts itself, but a worker could run it: {:?}", job.spec));
            }
            self.counted.explanations += 1;
        }
        Ok(())
    }

    /// When ticks are at rest, exactly those are marked that nobody could run.
    pub(crate) fn marks_agree(&self) -> Same {
        for job in self.scan.jobs.iter().filter(|job| job.waits()) {
            let told = self.ledger.job(&job.spec.id).and_then(fleet::Job::waiting);
            let is_marked = told.is_some_and(|waiting| waiting.missing.is_some());
            let nobody = !self.scan.workers.iter().any(|worker| self.scan.could_run(worker, job));
            if is_marked != nobody {
                return Err(format!("{}: told that nobody could run it: {is_marked}, so: {nobody}", job.spec.id));
            }
        }
        Ok(())
    }

    pub(crate) fn classes_agree(&self, service: Option<&fleet::Service>, max: usize) -> Same {
        let mut found = self.scan.classes(service);
        let count = found.len();
        found.truncate(max);
        let (told, told_count) = self.ledger.classes(service, max);
        let told = told.into_iter().map(|class| crate::scan::ClassFound {
            requirements: class.requirements,
            too_little: class.more_than_gb,
            waiting: class.waiting,
            oldest: class.oldest,
            capable: class.capable.iter().copied().collect(),
        });
        let told: Vec<_> = told.collect();
        if (told_count, &told) != (count, &found) {
            let differs = told.iter().zip(&found).find(|(told, found)| told != found);
            return Err(format!("{told_count} classes are told, the scan finds {count}; (told, found): {differs:#?}"));
        }
        Ok(())
    }

    /// Waiting jobs are listed as the scan would order them.
    pub(crate) fn the_queue_agrees(&self) -> Same {
        let told: Vec<&JobId> = self.ledger.pending().map(|job| &job.spec.id).collect();
        let Scan { jobs, .. } = &self.scan;
        let mut found: Vec<_> = jobs.iter().filter(|job| job.waits()).map(|job| (job.key(), &job.spec.id)).collect();
        found.sort();
        match told.iter().zip(&found).find(|(told, (_, found))| *told != found) {
            None if told.len() == found.len() => Ok(()),
            differs => Err(format!("the queue differs: {differs:?}")),
        }
    }
}

fn spec_contradicts(requirements: &fleet::Requirements) -> bool {
    requirements.contradiction().is_some() || requirements.needs.iter().any(fleet::Need::is_impossible)
}
