//! One fleet and a thousand jobs: what happens, drawn at random.

use crate::dice::Dice;
use crate::draw;
use crate::scan::{Machine, Place, Scan};
use fleet::{
    Answer, Beat, Capabilities, Command, Content, Declared, Fail, Failure, FailureKind, Health, JobId, JobSpec,
    JoinWorker, LeaseId, Ledger, MachineFacts, MachineId, Next, Refusal, Requirements, Rules, SessionId, Timestamp,
    Told, WorkerId,
};
use std::collections::BTreeSet;
use std::sync::Arc;

const JOBS: usize = 1_000;
/// After the last submission.
const STEPS_MORE: usize = 300;
const STEPS_BETWEEN_CHECKS: usize = 20;
/// In some fleets, so many kinds of jobs come and go that what idles is forgotten.
const STEPS_BETWEEN_FLOODS: usize = 900;
const FLOOD: usize = fleet::limits::CLASSES_IDLE_MAX + 20;
const EXPLAINED_AT_ONCE: usize = 4;

type Same = Result<(), String>;

/// What was compared.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Counted {
    pub(crate) fleets: u64,
    pub(crate) steps: u64,
    /// Leases that were asked for, each against a scan.
    pub(crate) leases: u64,
    /// Leases given to who stood ready, each against a scan.
    pub(crate) standing: u64,
    /// Who asked and was given nothing: the scan found nothing.
    pub(crate) nothing: u64,
    pub(crate) explanations: u64,
    pub(crate) classes: u64,
}

impl Counted {
    pub(crate) fn add(&mut self, other: &Counted) {
        let Counted { fleets, steps, leases, standing, nothing, explanations, classes } = other;
        self.fleets += fleets;
        self.steps += steps;
        self.leases += leases;
        self.standing += standing;
        self.nothing += nothing;
        self.explanations += explanations;
        self.classes += classes;
    }
}

pub(crate) struct FleetLife {
    pub(crate) ledger: Ledger,
    pub(crate) scan: Scan,
    pub(crate) now: Timestamp,
    /// Who asked, got nothing and waits until then.
    pub(crate) standing: Vec<(WorkerId, Timestamp)>,
    pub(crate) step: usize,
    pub(crate) counted: Counted,
    dice: Dice,
    kinds: Vec<Arc<Requirements>>,
    /// Capabilities that a worker may come with; several workers come with the same.
    models: Vec<Arc<Capabilities>>,
    workers: usize,
    machines: usize,
    /// Machines that say nothing.
    mute: BTreeSet<MachineId>,
    submitted: usize,
    /// How often in a hundred steps something is submitted: workers wait for jobs, or jobs for
    /// workers.
    rush: u64,
    is_flooded: bool,
    names: u128,
}

impl FleetLife {
    pub(crate) fn new(seed: u64) -> FleetLife {
        let mut dice = Dice::of(seed);
        let starve_after_ms = dice.chance(25).then(|| dice.between(5_000, 120_000));
        let (rush, kinds) = (dice.one(&[8, 15, 40]), dice.between(5, 80));
        let kinds = (0..kinds).map(|_| Arc::new(draw::requirements(&mut dice))).collect();
        let (workers, machines) = (dice.between(3, 40) as usize, dice.between(1, 15) as usize);
        let models = (0..2 * workers).map(|_| Arc::new(draw::capabilities(&mut dice))).collect();
        FleetLife {
            ledger: Ledger::with(Rules { starve_after_ms, ..Rules::default() }),
            scan: Scan { starve_after_ms, ..Scan::default() },
            now: Timestamp(1_000_000),
            standing: Vec::new(),
            step: 0,
            counted: Counted { fleets: 1, ..Counted::default() },
            dice,
            kinds,
            models,
            workers,
            machines,
            mute: BTreeSet::new(),
            submitted: 0,
            rush,
            is_flooded: seed.is_multiple_of(4),
            names: 0,
        }
    }

    pub(crate) fn live(&mut self) -> Same {
        for n in 0..self.workers {
            if self.dice.chance(85) {
                self.join(n)?;
            }
        }
        let mut steps_left = STEPS_MORE;
        while steps_left > 0 {
            self.step += 1;
            self.counted.steps += 1;
            steps_left -= usize::from(self.submitted >= JOBS);
            self.act()?;
            if self.is_flooded && self.step.is_multiple_of(STEPS_BETWEEN_FLOODS) {
                self.flood()?;
            }
            if self.step.is_multiple_of(STEPS_BETWEEN_CHECKS) {
                self.check()?;
            }
        }
        self.come_to_rest()?;
        self.marks_agree()?;
        self.explanations_agree(&(0..JOBS).collect::<Vec<_>>())
    }

    fn check(&mut self) -> Same {
        self.come_to_rest()?;
        self.nobody_stands_in_vain(&self.standing)?;
        let known = self.scan.jobs.len().max(1);
        let sample: Vec<usize> = (0..EXPLAINED_AT_ONCE).map(|_| self.dice.below(known)).collect();
        self.explanations_agree(&sample)?;
        self.the_queue_agrees()?;
        if self.dice.chance(40) {
            self.marks_agree()?;
        }
        let service = self.dice.chance(30).then(|| draw::any_service(&mut self.dice));
        let max = self.dice.one(&[3, usize::MAX]);
        self.counted.classes += 1;
        self.classes_agree(service.as_ref(), max)
    }

    fn act(&mut self) -> Same {
        if self.dice.chance(self.rush) {
            return self.submit();
        }
        match self.dice.below(160) {
            0..54 => self.ask(),
            54..120 => self.end_one(),
            120..134 => self.pass(),
            134..140 => self.start_one(),
            140..144 => self.cancel(),
            144..149 => self.come_and_go(),
            149..151 => self.drain(),
            151..154 => self.pause(),
            154..157 => self.declare(),
            157 => self.retry(),
            158 => self.lose_machine(),
            _ => self.hand_back_many(),
        }
    }

    // What is asked, with what must be true of the answer.

    fn command(&mut self, command: &Command) -> Result<Result<Answer, Refusal>, String> {
        let mut told = Told::default();
        self.scan.now = self.now;
        let answer = self.ledger.handle(command.clone(), self.now, &mut told);
        self.follow(command, &told.events).map_err(|differs| format!("{differs}\n after {command:?}"))?;
        Ok(answer)
    }

    fn must(&mut self, command: &Command) -> Result<Answer, String> {
        self.command(command)?.map_err(|refusal| format!("{command:?} is refused: {refusal}"))
    }

    fn lease_name(&mut self) -> LeaseId {
        self.names += 1;
        LeaseId(self.names)
    }

    fn submit(&mut self) -> Same {
        let most = if self.dice.chance(20) { 8 } else { 2 };
        let jobs = (1 + self.dice.below(most)).min(JOBS.saturating_sub(self.submitted));
        let from = self.submitted;
        let specs = from..from + jobs;
        let specs: Vec<_> = specs.map(|n| Arc::new(draw::spec(&mut self.dice, n, &self.kinds, self.now))).collect();
        self.submitted += jobs;
        self.must(&Command::SubmitAll { specs: specs.into_iter().map(|spec| (spec, None)).collect() }).map(drop)
    }

    fn any_worker(&mut self) -> Option<WorkerId> {
        let known = self.scan.workers.len();
        (known > 0).then(|| self.scan.workers[self.dice.below(known)].id.clone())
    }

    fn ask(&mut self) -> Same {
        let Some(worker) = self.any_worker() else { return Ok(()) };
        let wait_ms = self.dice.one(&[0, 1_000, 60_000, 60_000]);
        self.ask_as(&worker, wait_ms).map(drop)
    }

    fn ask_as(&mut self, worker: &WorkerId, wait_ms: u64) -> Result<Option<LeaseId>, String> {
        self.standing.retain(|(id, _)| id != worker);
        let session = self.scan.worker(worker).map_or(0, |worker| worker.session);
        let next = Next {
            worker: worker.clone(),
            session: SessionId(session),
            have: self.scan.leases_of(worker),
            lease: self.lease_name(),
            until: self.now + wait_ms,
            start: self.dice.chance(60),
        };
        let Answer::Next { grant, .. } = self.must(&Command::Next(next))? else { return Ok(None) };
        if grant.is_none() {
            if let Some(job) = self.scan.pick(worker) {
                return Err(format!("{worker} is given nothing, but the scan finds {:#?}", job.spec));
            }
            self.counted.nothing += 1;
            if wait_ms > 0 && self.scan.worker(worker).is_some_and(|worker| self.scan.has_room(worker)) {
                self.standing.push((worker.clone(), self.now + wait_ms));
            }
        }
        Ok(grant.map(|grant| grant.lease))
    }

    fn any_lease(&mut self) -> Option<(LeaseId, WorkerId, JobId)> {
        let held = self.scan.jobs.iter().filter_map(|job| match &job.place {
            Place::Held { lease, worker, .. } => Some((*lease, worker.clone(), job.spec.id.clone())),
            _ => None,
        });
        let held: Vec<_> = held.collect();
        (!held.is_empty()).then(|| held[self.dice.below(held.len())].clone())
    }

    fn start_one(&mut self) -> Same {
        let Some((lease, ..)) = self.any_lease() else { return Ok(()) };
        self.must(&Command::Start { lease }).map(drop)
    }

    fn end_one(&mut self) -> Same {
        let Some((lease, worker, job)) = self.any_lease() else { return Ok(()) };
        match self.dice.below(20) {
            0..11 => self.must(&Command::Finish { lease, result: Content { hash: [1; 32], bytes: 1 } }).map(drop),
            11..17 => self.fail(lease, &worker, &job),
            _ => self.must(&Command::Release { lease, reason: None }).map(drop),
        }
    }

    fn fail(&mut self, lease: LeaseId, worker: &WorkerId, job: &JobId) -> Same {
        use FailureKind::{BadInput, Internal, OutOfMemory, ServiceDown};
        let kind = self.dice.one(&[Internal, Internal, OutOfMemory, OutOfMemory, ServiceDown, BadInput]);
        let fail = Fail {
            lease,
            error: "it did not work".into(),
            failure: Failure { kind, reason: None },
            retry: self.dice.chance(90),
            retry_after_ms: self.dice.one(&[None, None, Some(0), Some(3_000)]),
            roll: self.dice.roll() as u32,
        };
        if kind == ServiceDown {
            let service = self.scan.job_mut(job).map(|job| job.spec.requirements.service.clone());
            if let (Some(worker), Some(service)) = (self.scan.worker_mut(worker), service) {
                worker.down.insert(service);
            }
        }
        self.must(&Command::Fail(fail)).map(drop)
    }

    /// A worker takes what it can and hands it all back: so much is held off at last that it is
    /// given nothing at all.
    fn hand_back_many(&mut self) -> Same {
        let Some(worker) = self.any_worker() else { return Ok(()) };
        for _ in 0..70 {
            let Some(lease) = self.ask_as(&worker, 0)? else { return Ok(()) };
            self.must(&Command::Release { lease, reason: None })?;
        }
        Ok(())
    }

    fn cancel(&mut self) -> Same {
        let known = self.scan.jobs.len();
        if known == 0 {
            return Ok(());
        }
        let job = self.scan.jobs[self.dice.below(known)].spec.id.clone();
        self.command(&Command::Cancel { job }).map(drop)
    }

    /// As many kinds of jobs as are not remembered, called off at once.
    fn flood(&mut self) -> Same {
        let known = self.scan.jobs.len();
        let specs = (0..FLOOD).map(|n| {
            let kind = draw::rare_requirements(&mut self.dice, n);
            Arc::new(draw::spec(&mut self.dice, JOBS + n + self.step * FLOOD, &[Arc::new(kind)], self.now))
        });
        let specs: Vec<_> = specs.collect();
        self.must(&Command::SubmitAll { specs: specs.iter().map(|spec| (Arc::clone(spec), None)).collect() })?;
        for spec in specs {
            // Some have expired instead.
            self.command(&Command::Cancel { job: spec.id.clone() }).map(drop)?;
        }
        self.scan.jobs.truncate(known);
        Ok(())
    }

    fn retry(&mut self) -> Same {
        let over = self.scan.jobs.iter().filter(|job| job.place == Place::Over);
        let over: Vec<Arc<JobSpec>> = over.map(|job| Arc::clone(&job.spec)).collect();
        if over.is_empty() || self.submitted >= JOBS {
            return Ok(());
        }
        let again = JobId::parse(&format!("j{}", self.submitted)).unwrap();
        self.submitted += 1;
        let spec = Arc::new(self.dice.one(&over).again(again, Arc::default(), self.now));
        self.must(&Command::Submit { spec, recalled: None }).map(drop)
    }

    /// Time passes; whoever is not mute is heard, and then the clock mostly ticks.
    fn pass(&mut self) -> Same {
        self.now = self.now + self.dice.between(1, 2_500);
        if self.dice.chance(5) {
            let machine = draw::machine_id(self.dice.below(self.machines));
            if !self.mute.remove(&machine) {
                self.mute.insert(machine);
            }
        }
        let heard = self.scan.machines.iter().map(|machine| machine.id.clone());
        for machine in heard.filter(|machine| !self.mute.contains(machine)).collect::<Vec<_>>() {
            let workers = self.scan.workers.iter().filter(|worker| worker.machine == machine);
            let leases = workers.flat_map(|worker| self.scan.leases_of(&worker.id)).collect();
            let (workers, services) = (Vec::new(), Vec::new());
            self.must(&Command::Beat(Beat { machine, phase: None, leases, workers, services }))?;
        }
        match self.dice.chance(70) {
            true => self.come_to_rest(),
            false => Ok(()),
        }
    }

    fn come_to_rest(&mut self) -> Same {
        for _ in 0..1_000 {
            self.must(&Command::Tick)?;
            if self.ledger.next_deadline().is_none_or(|at| at > self.now) {
                return Ok(());
            }
        }
        Err("ticks do not come to rest".into())
    }

    fn come_and_go(&mut self) -> Same {
        let n = self.dice.below(self.workers);
        let worker = draw::worker_id(n);
        if self.scan.worker(&worker).is_some() && self.dice.chance(40) {
            self.standing.retain(|(id, _)| *id != worker);
            return self.must(&Command::LeaveWorker { worker, session: None }).map(drop);
        }
        self.join(n)
    }

    /// A worker comes, or comes again with what it has now.
    fn join(&mut self, n: usize) -> Same {
        let worker = draw::worker_id(n);
        let machine = self.scan.worker(&worker).map(|worker| worker.machine.clone());
        let machine = machine.unwrap_or_else(|| draw::machine_id(self.dice.below(self.machines)));
        if self.scan.machine(&machine).is_none() {
            let facts = MachineFacts::default();
            self.must(&Command::JoinMachine { machine: machine.clone(), facts })?;
            self.scan.machines.push(Machine { id: machine.clone(), drained: false, silent: false });
        }
        self.standing.retain(|(id, _)| *id != worker);
        let resume = if self.dice.chance(70) { self.scan.leases_of(&worker) } else { Vec::new() };
        self.names += 1;
        let join = JoinWorker {
            worker,
            machine,
            session: SessionId(self.names as u64),
            slots: self.dice.one(&[1, 1, 2, 4]),
            capabilities: self.dice.one(&self.models),
            loaded_models: BTreeSet::new(),
            resume,
        };
        self.must(&Command::JoinWorker(join)).map(drop)
    }

    fn drain(&mut self) -> Same {
        let is_draining = self.dice.chance(30);
        if self.dice.chance(50) {
            let Some(worker) = self.any_worker() else { return Ok(()) };
            self.scan.worker_mut(&worker).into_iter().for_each(|worker| worker.drained = is_draining);
            if is_draining {
                self.standing.retain(|(id, _)| *id != worker);
            }
            return self.must(&Command::DrainWorker { worker, is_draining }).map(drop);
        }
        let machine = draw::machine_id(self.dice.below(self.machines));
        let Some(known) = self.scan.machines.iter_mut().find(|known| known.id == machine) else { return Ok(()) };
        known.drained = is_draining;
        if is_draining {
            self.forget_standing_on(&machine);
        }
        self.must(&Command::DrainMachine { machine, is_draining }).map(drop)
    }

    fn forget_standing_on(&mut self, machine: &MachineId) {
        let on_it = self.scan.workers.iter().filter(|worker| worker.machine == *machine);
        let on_it: Vec<WorkerId> = on_it.map(|worker| worker.id.clone()).collect();
        self.standing.retain(|(id, _)| !on_it.contains(id));
    }

    fn pause(&mut self) -> Same {
        let service = draw::any_service(&mut self.dice);
        let is_paused = self.dice.chance(25);
        match is_paused {
            true => self.scan.paused.insert(service.clone()),
            false => self.scan.paused.remove(&service),
        };
        self.must(&Command::PauseService { service, is_paused }).map(drop)
    }

    /// A machine tells how one of its workers and a service of it are.
    fn declare(&mut self) -> Same {
        let Some(worker) = self.any_worker() else { return Ok(()) };
        let Some(known) = self.scan.worker_mut(&worker) else { return Ok(()) };
        let machine = known.machine.clone();
        let offered: Vec<_> = known.has.services.iter().cloned().collect();
        let (service, health) = (self.dice.one(&offered), self.dice.one(&[Health::Up, Health::Up, Health::Down]));
        let declared = match self.dice.below(8) {
            0 => Declared::Error,
            1 => Declared::Draining,
            _ => Declared::Ready,
        };
        known.ready = declared == Declared::Ready;
        match health {
            Health::Up => known.down.remove(&service),
            Health::Down => known.down.insert(service.clone()),
        };
        if declared != Declared::Ready {
            self.standing.retain(|(id, _)| *id != worker);
        }
        let (workers, services) = (vec![(worker.clone(), declared)], vec![(worker, service, health)]);
        self.must(&Command::Beat(Beat { machine, phase: None, leases: Vec::new(), workers, services })).map(drop)
    }

    /// It takes its workers and their jobs with it.
    fn lose_machine(&mut self) -> Same {
        let machine = draw::machine_id(self.dice.below(self.machines));
        if self.scan.machine(&machine).is_none() {
            return Ok(());
        }
        self.forget_standing_on(&machine);
        self.must(&Command::LeaveMachine { machine: machine.clone() })?;
        self.scan.machines.retain(|known| known.id != machine);
        Ok(())
    }
}
