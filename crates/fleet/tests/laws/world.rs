//! A ledger, a view that folds what it tells, and the oracle, living through the same steps.

use crate::acts::{Act, Following, Named, Step, Wanted, Which};
use crate::oracle::Oracle;
use crate::pools::{self, KINDS, machine_id, service, worker_id};
use fleet::{
    Beat, Capabilities, Chapter, ClientKey, Command, Content, Declared, Event, Fail, Failure, Health, JobId, JobSpec,
    JoinWorker, LeaseId, Ledger, MachineFacts, MachineId, Next, Phase, Progress, Rules, Service, SessionId, Timestamp,
    Told, WorkerId, WorkflowId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) events: Vec<Event>,
    pub(crate) oracle: Oracle,
    pub(crate) now: Timestamp,
    rules: Rules,
    view: Ledger,
    /// The shortest story as it is kept by who tells only what was touched.
    book: BTreeMap<Chapter, Vec<Event>>,
    jobs: u8,
    /// Every lease that was ever offered as a name.
    leases: Vec<LeaseId>,
    sessions: u64,
}

/// Ticks that one step may need at most.
const TICKS_MAX: usize = 5_000;

impl World {
    pub(crate) fn new(jobs: u8, rules: Rules) -> World {
        World {
            ledger: Ledger::with(rules),
            events: Vec::new(),
            oracle: Oracle { rules, ..Oracle::default() },
            now: Timestamp(1_000),
            rules,
            view: Ledger::default(),
            book: BTreeMap::new(),
            jobs,
            leases: Vec::new(),
            sessions: 0,
        }
    }

    pub(crate) fn live(&mut self, step: &Step) -> Result<(), String> {
        self.pass(step.wait_ms, step.ticking)?;
        match step.act {
            Act::Restart { shortest } => self.restart(shortest),
            Act::Tick => self.tick_to_rest(),
            ref act => {
                let command = self.command_for(act);
                self.command(&command)
            }
        }
    }

    fn pass(&mut self, ms: u64, ticking: bool) -> Result<(), String> {
        let target = self.now + ms;
        let mut ticks = 0;
        while let Some(at) = self.ledger.next_deadline().filter(|at| ticking && *at <= target) {
            self.now = self.now.max(at);
            self.command(&Command::Tick)?;
            ticks += 1;
            law!(ticks < TICKS_MAX, "ticks come to rest", "still due at {at:?} on the way to {target:?}");
        }
        self.now = target;
        Ok(())
    }

    fn tick_to_rest(&mut self) -> Result<(), String> {
        self.command(&Command::Tick)?;
        self.pass(0, true)?;
        let due = self.ledger.next_deadline();
        law!(due.is_none_or(|at| at > self.now), "after a tick nothing is due", "{due:?} at {:?}", self.now);
        self.oracle.rests(self.now)
    }

    /// Decides a command and checks all that is known of it.
    pub(crate) fn command(&mut self, command: &Command) -> Result<(), String> {
        let deadline = self.ledger.next_deadline();
        let mut told = Told::default();
        let answer = self.ledger.handle(command.clone(), self.now, &mut told);
        if let Err(refusal) = &answer {
            law!(told == Told::default(), "a refusal tells nothing", "{refusal} but {told:?}");
            law!(self.ledger.next_deadline() == deadline, "a refusal changes nothing", "{refusal}: another deadline");
        }
        for event in &told.events {
            law!(event.at == self.now, "an event happens now", "{event:?} at {:?}", self.now);
            let mut touched = BTreeSet::new();
            self.view.touched_by(event, &mut |chapter| {
                touched.insert(chapter);
            });
            self.view.apply(event);
            for chapter in touched {
                match self.view.story_of(&chapter) {
                    story if story.is_empty() => self.book.remove(&chapter),
                    story => self.book.insert(chapter, story),
                };
            }
        }
        self.book_is_whole()?;
        self.rows_are_shared(&told.events)?;
        law!(self.ledger.remembers_the_same_as(&self.view), "what is told is all that changes", "after {command:?}");
        self.oracle.judge(command, self.now, &answer, &told).map_err(|broken| {
            format!("{broken}\n  command {command:?} at {:?}\n  answer {answer:?}\n  told {told:#?}", self.now)
        })?;
        self.events.extend(told.events);
        let compared = self.oracle.compare(&self.ledger, self.now);
        compared.map_err(|broken| format!("{broken}\n  after {command:?} at {:?}", self.now))
    }

    /// Nothing was left untold that had changed.
    fn book_is_whole(&self) -> Result<(), String> {
        let told: Vec<(&Chapter, &Vec<Event>)> = self.book.iter().collect();
        let chapters: Vec<Chapter> = self.ledger.chapters().collect();
        let stories: Vec<Vec<Event>> = chapters.iter().map(|chapter| self.ledger.story_of(chapter)).collect();
        let whole: Vec<(&Chapter, &Vec<Event>)> = chapters.iter().zip(&stories).collect();
        law!(told == whole, "what was touched is all of the story that changes", "{told:#?}, not {whole:#?}");
        let at = self.events.len() % chapters.len().max(1);
        let after = self.ledger.chapters_after(chapters.get(at));
        let after: Vec<Chapter> = after.filter(|chapter| !self.ledger.story_of(chapter).is_empty()).collect();
        let rest = chapters.get(at + 1..).unwrap_or_default();
        law!(after == rest, "the story goes on after any chapter", "{after:#?}, not {rest:#?}, after {at}");
        Ok(())
    }

    /// What the ledger and its view know alike exists once.
    fn rows_are_shared(&mut self, events: &[Event]) -> Result<(), String> {
        let rows = self.ledger.rows_of(events);
        self.view.share(&rows);
        let same = self.view.rows_of(events);
        let is_one = rows.len() == same.len() && rows.iter().zip(&same).all(|(one, other)| Arc::ptr_eq(one, other));
        law!(is_one, "what two ledgers know alike exists once", "{rows:#?}, {same:#?}");
        law!(self.ledger.remembers_the_same_as(&self.view), "sharing changes nothing", "{events:?}");
        Ok(())
    }

    /// The broker dies and comes back.
    fn restart(&mut self, shortest: bool) -> Result<(), String> {
        let mut ledger = Ledger::with(self.rules);
        match shortest {
            true => self.book.values().flatten().for_each(|event| ledger.apply(event)),
            false => self.events.iter().for_each(|event| ledger.apply(event)),
        }
        law!(ledger.remembers_the_same_as(&self.ledger), "a restart remembers the same", "shortest: {shortest}");
        ledger.resume(self.now);
        self.view = ledger.for_reading();
        law!(ledger.remembers_the_same_as(&self.view), "a view remembers the same", "it does not");
        self.ledger = ledger;
        self.oracle.restart(self.now);
        self.oracle.compare(&self.ledger, self.now)
    }

    fn command_for(&mut self, act: &Act) -> Command {
        let lease = |which| self.lease(which);
        match *act {
            Act::Submit(ref wanted) => Command::Submit { spec: self.spec(wanted), recalled: pools::recalled(wanted) },
            Act::SubmitAll(ref all) => {
                Command::SubmitAll { specs: all.iter().map(|one| (self.spec(one), pools::recalled(one))).collect() }
            }
            Act::Retry { job, again, owner } => {
                let ended = self.ledger.job(&self.job(job)).filter(|job| job.finished_at().is_some());
                let spec = ended.map(|job| Arc::new(job.spec.again(self.job(again), pools::owner(owner), self.now)));
                spec.map_or(Command::Tick, |spec| Command::Submit { spec, recalled: None })
            }
            Act::DrainMachine { machine, is_draining } => {
                Command::DrainMachine { machine: machine_id(machine), is_draining }
            }
            Act::DrainWorker { worker, is_draining } => Command::DrainWorker { worker: worker_id(worker), is_draining },
            Act::Pause { service: n, is_paused } => Command::PauseService { service: service(n), is_paused },
            Act::Follow(ref following) => {
                let (client, jobs, workflow) = self.following(following);
                Command::Follow { client, jobs, workflow }
            }
            Act::Unfollow(ref following) => {
                let (client, jobs, workflow) = self.following(following);
                Command::Unfollow { client, jobs, workflow }
            }
            Act::Seen(ref clients) => {
                let seen = clients.iter().map(|(client, confirmed)| (pools::client_key(*client), *confirmed));
                Command::ClientsSeen { clients: seen.collect() }
            }
            Act::Cancel { job } => Command::Cancel { job: self.job(job) },
            Act::JoinMachine { machine, facts } => Command::JoinMachine {
                machine: machine_id(machine),
                facts: MachineFacts { cpu_cores: u32::from(facts), ..MachineFacts::default() },
            },
            Act::Beat { .. } => self.beat(act),
            Act::TakeOrders { machine } => Command::TakeOrders { machine: machine_id(machine) },
            Act::LeaveMachine { machine } => Command::LeaveMachine { machine: machine_id(machine) },
            Act::JoinWorker { .. } => self.join_worker(act),
            Act::LeaveWorker { worker } => Command::LeaveWorker { worker: worker_id(worker), session: None },
            Act::Next { worker, stale, have, wait_ms, start } => self.next(worker, stale, have, wait_ms, start),
            Act::StandDown { worker, earlier } => {
                let worker = worker_id(worker);
                let standing = self.oracle.standing.iter().find(|standing| standing.worker == worker && !earlier);
                let lease = standing.map_or_else(|| self.lease(Which::Ever(9)), |standing| standing.lease);
                Command::StandDown { worker, lease }
            }
            Act::Start { lease: which } => Command::Start { lease: lease(which) },
            Act::Renew { lease: which } => Command::Renew { lease: lease(which) },
            Act::Progress { lease: which } => {
                Command::Progress { lease: lease(which), progress: Progress { fraction: 0.5, ..Progress::default() } }
            }
            Act::Finish { lease: which, result } => {
                Command::Finish { lease: lease(which), result: Content { hash: [result; 32], bytes: 1 } }
            }
            Act::Fail { lease: which, kind, retry, retry_after_ms, roll } => Command::Fail(Fail {
                lease: lease(which),
                error: "boom".into(),
                failure: Failure { kind: KINDS[usize::from(kind) % KINDS.len()], reason: None },
                retry,
                retry_after_ms,
                roll,
            }),
            Act::Archived { ms_ago } => Command::Archived { before: Timestamp(self.now.0 - ms_ago as i64) },
            Act::Release { lease: which } => Command::Release { lease: lease(which), reason: None },
            Act::Tick | Act::Restart { .. } => Command::Tick,
        }
    }

    fn following(&self, following: &Following) -> (ClientKey, Vec<JobId>, Option<WorkflowId>) {
        let jobs = following.jobs.iter().map(|job| self.job(*job)).collect();
        (pools::client_key(following.client), jobs, following.workflow.map(pools::workflow_id))
    }

    fn beat(&self, act: &Act) -> Command {
        let Act::Beat { machine, leases, starting, declared, health } = *act else { return Command::Tick };
        let machine = machine_id(machine);
        let held = self.oracle.held().filter(|(_, worker)| self.oracle.is_on(worker, &machine));
        let leases = self.named(leases, held.map(|(lease, _)| lease).collect());
        let phase = starting.map(|starting| if starting { Phase::Starting } else { Phase::Ready });
        let word = |n: u8| [Declared::Ready, Declared::Draining, Declared::Error][usize::from(n)];
        let workers = declared.map(|(worker, n)| (worker_id(worker), word(n))).into_iter().collect();
        let word = |is_up: bool| if is_up { Health::Up } else { Health::Down };
        let services = health.map(|(worker, n, is_up)| (worker_id(worker), service(n), word(is_up)));
        Command::Beat(Beat { machine, phase, leases, workers, services: services.into_iter().collect() })
    }

    fn join_worker(&mut self, act: &Act) -> Command {
        let Act::JoinWorker { worker, machine, slots, services, kind, resume } = *act else { return Command::Tick };
        let worker = worker_id(worker);
        let resume = self.named(resume, self.oracle.leases_of(&worker));
        let services = (0..8).filter(|n| services >> n & 1 == 1).map(service).collect();
        let capabilities = pools::capabilities(kind, services);
        self.registration(worker, machine_id(machine), u32::from(slots), capabilities, resume)
    }

    fn registration(
        &mut self,
        worker: WorkerId,
        machine: MachineId,
        slots: u32,
        capabilities: Capabilities,
        resume: Vec<LeaseId>,
    ) -> Command {
        self.sessions += 1;
        let (session, capabilities) = (SessionId(self.sessions), Arc::new(capabilities));
        let loaded_models = BTreeSet::new();
        Command::JoinWorker(JoinWorker { worker, machine, session, slots, capabilities, loaded_models, resume })
    }

    fn next(&mut self, worker: u8, stale: bool, have: Named, wait_ms: u64, start: bool) -> Command {
        let worker = worker_id(worker);
        let have = self.named(have, self.oracle.leases_of(&worker));
        let session = self.oracle.session(&worker).filter(|_| !stale).unwrap_or(SessionId(0));
        let lease = self.fresh_lease();
        Command::Next(Next { worker, session, have, lease, until: self.now + wait_ms, start })
    }

    /// In no order, as random ids are.
    fn fresh_lease(&mut self) -> LeaseId {
        let lease = LeaseId((self.leases.len() as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
        self.leases.push(lease);
        lease
    }

    fn lease(&self, which: Which) -> LeaseId {
        let held: Vec<LeaseId> = self.oracle.held().map(|(lease, _)| lease).collect();
        match which {
            Which::Held(n) if !held.is_empty() => held[usize::from(n) % held.len()],
            Which::Held(n) | Which::Ever(n) if !self.leases.is_empty() => {
                self.leases[self.leases.len() - 1 - usize::from(n) % self.leases.len()]
            }
            _ => LeaseId(u128::MAX),
        }
    }

    fn named(&self, named: Named, held: Vec<LeaseId>) -> Vec<LeaseId> {
        match named {
            Named::All => held,
            Named::None => Vec::new(),
            Named::Mixed(n) => held.into_iter().skip(1).step_by(2).chain([self.lease(Which::Ever(n))]).collect(),
        }
    }

    fn spec(&self, wanted: &Wanted) -> Arc<JobSpec> {
        Arc::new(pools::wanted(wanted, self.job(wanted.job), self.now))
    }

    fn job(&self, n: u8) -> JobId {
        JobId::parse(&format!("j{}", n % self.jobs)).unwrap()
    }

    // For tests that choose their commands themselves; a broken law panics.

    pub(crate) fn join(&mut self, machine: &str, worker: &str, services: BTreeSet<Service>) {
        let machine = MachineId::parse(machine).unwrap();
        self.command(&Command::JoinMachine { machine: machine.clone(), facts: MachineFacts::default() }).unwrap();
        let capabilities = Capabilities { services, ..Capabilities::default() };
        let join = self.registration(WorkerId::parse(worker).unwrap(), machine, 1, capabilities, Vec::new());
        self.command(&join).unwrap();
    }

    pub(crate) fn submit(&mut self, job: &str, service: Service) {
        self.command(&Command::Submit { spec: Arc::new(pools::spec(job, service)), recalled: None }).unwrap();
    }

    pub(crate) fn ask(&mut self, worker: &str, until: Timestamp) {
        let worker = WorkerId::parse(worker).unwrap();
        let session = self.oracle.session(&worker).unwrap();
        let lease = self.fresh_lease();
        let next = Next { worker, session, have: Vec::new(), lease, until, start: false };
        self.command(&Command::Next(next)).unwrap();
    }
}
