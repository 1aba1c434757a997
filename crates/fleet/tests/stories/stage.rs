//! Where a story is played: a ledger, its clock, and the names by which the story knows leases.

use crate::telling;
use crate::words::Words;
use fleet::{
    Beat, Capabilities, Command, Content, Declared, Event, Fact, Fail, Failure, FailureKind, JobId, JobSpec,
    JoinWorker, LeaseId, Ledger, MachineFacts, MachineId, Next, Phase, Progress, Requirements, Service, SessionId,
    Timestamp, Told, WorkerId, Workflow, limits,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Stage {
    ledger: Ledger,
    now: i64,
    events: Vec<Event>,
    leases: Vec<Given>,
    /// How often each worker registered.
    sessions: HashMap<WorkerId, u64>,
    asked: Vec<(WorkerId, LeaseId)>,
}

/// A lease as the story calls it: worker, job, attempt.
pub(crate) struct Given {
    pub(crate) lease: LeaseId,
    pub(crate) worker: WorkerId,
    pub(crate) job: JobId,
    pub(crate) attempt: u32,
}

type Read<T> = Result<T, String>;

impl Stage {
    /// Plays one command and tells what happened.
    pub(crate) fn play(&mut self, line: &str) -> Read<Vec<String>> {
        let mut words = Words::of(line);
        if let Some(at) = words.moment(self.now) {
            if at < self.now {
                return Err("time does not go backwards".to_owned());
            }
            self.now = at;
        }
        if let Some(shown) = self.look(&mut words)? {
            words.end()?;
            return Ok(shown);
        }
        let command = self.command(&mut words)?;
        words.end()?;
        let mut told = Told::default();
        let answer = self.ledger.handle(command, Timestamp(self.now), &mut told);
        for event in &told.events {
            if let Fact::JobAssigned { job, lease, attempt, worker, .. } = &event.fact {
                let (worker, job) = (worker.clone(), job.clone());
                self.leases.push(Given { lease: *lease, worker, job, attempt: *attempt });
            }
        }
        let mut lines: Vec<String> = told.events.iter().map(|event| telling::fact(&event.fact)).collect();
        lines.extend(told.pulses.iter().map(telling::pulse));
        lines.push(telling::answer(&answer, &self.leases));
        self.events.extend(told.events);
        Ok(lines)
    }

    /// What changes nothing, or everything: looking, and restarting.
    fn look(&mut self, words: &mut Words) -> Read<Option<Vec<String>>> {
        if words.next_if("look") {
            words.expect("at")?;
            let id = job(&words.next()?)?;
            return Ok(Some(vec![telling::job(self.ledger.job(&id))]));
        }
        if words.next_if("queue") {
            let queue: Vec<&str> = self.ledger.pending().map(|job| job.spec.id.as_str()).collect();
            return Ok(Some(vec![if queue.is_empty() { "empty".to_owned() } else { queue.join(", ") }]));
        }
        if words.next_if("deadline") {
            let deadline = self.ledger.next_deadline();
            return Ok(Some(vec![deadline.map_or_else(|| "none".to_owned(), telling::time)]));
        }
        if words.next_if("restart") {
            self.remembers_itself();
            let story: Vec<Event> = self.ledger.shortest_story().collect();
            self.ledger = replay(&story);
            self.ledger.resume(Timestamp(self.now));
            return Ok(Some(Vec::new()));
        }
        Ok(None)
    }

    /// Whatever the story was, it is told the same again.
    pub(crate) fn remembers_itself(&self) {
        let story: Vec<Event> = self.ledger.shortest_story().collect();
        assert!(replay(&self.events).remembers_the_same_as(&self.ledger), "replay remembers otherwise");
        assert!(replay(&story).remembers_the_same_as(&self.ledger), "the shortest story remembers otherwise");
    }

    fn command(&mut self, words: &mut Words) -> Read<Command> {
        let subject = words.next()?;
        match subject.as_str() {
            "tick" => Ok(Command::Tick),
            "submit" => submission(words),
            "cancel" => Ok(Command::Cancel { job: job(&words.next()?)? }),
            "machine" => self.of_machine(words),
            "worker" => self.registration(words),
            _ => self.of_worker(&worker(&subject)?, words),
        }
    }

    fn of_machine(&self, words: &mut Words) -> Read<Command> {
        let machine = machine(&words.next()?)?;
        match words.next()?.as_str() {
            "joins" => {
                let facts = MachineFacts { hostname: words.after("as")?, ..MachineFacts::default() };
                Ok(Command::JoinMachine { machine, facts })
            }
            "leaves" => Ok(Command::LeaveMachine { machine }),
            "takes" => words.expect("orders").map(|()| Command::TakeOrders { machine }),
            "beats" => {
                let mut leases = Vec::new();
                for name in words.list_after("with")?.unwrap_or_default() {
                    let (holder, job) = name.split_once('/').ok_or("a lease is called `w1/j1`")?;
                    leases.push(self.lease(&worker(holder)?, job)?);
                }
                let phase = words.after("phase")?.map(|phase| match phase.as_str() {
                    "starting" => Phase::Starting,
                    "configuring" => Phase::Configuring,
                    _ => Phase::Ready,
                });
                let mut workers = Vec::new();
                for (word, declared) in
                    [("drains", Declared::Draining), ("errs", Declared::Error), ("recovers", Declared::Ready)]
                {
                    if let Some(id) = words.after(word)? {
                        workers.push((worker(&id)?, declared));
                    }
                }
                Ok(Command::Beat(Beat { machine, phase, leases, workers }))
            }
            other => Err(format!("a machine does not know how to `{other}`")),
        }
    }

    fn registration(&mut self, words: &mut Words) -> Read<Command> {
        let id = worker(&words.next()?)?;
        if words.next_if("leaves") {
            return Ok(Command::LeaveWorker { worker: id, session: None });
        }
        words.expect("of")?;
        let machine = machine(&words.next()?)?;
        words.expect("registers")?;
        let mut services = words.list_after("for")?.unwrap_or_default().into_iter().map(|name| service(&name));
        let services = services.by_ref().collect::<Read<_>>()?;
        let resume = words.list_after("resuming")?.unwrap_or_default();
        let resume = resume.iter().map(|job| self.lease(&id, job)).collect::<Read<_>>()?;
        let sessions = self.sessions.entry(id.clone()).or_default();
        *sessions += 1;
        Ok(Command::JoinWorker(JoinWorker {
            worker: id,
            machine,
            session: SessionId(*sessions),
            slots: words.number_after("slots")?.unwrap_or(1),
            capabilities: Arc::new(Capabilities { services, ..Capabilities::default() }),
            resume,
        }))
    }

    fn of_worker(&mut self, id: &WorkerId, words: &mut Words) -> Read<Command> {
        let verb = words.next()?;
        if verb == "asks" {
            return self.asking(id, words);
        }
        let lease = self.lease(id, &words.next()?)?;
        match verb.as_str() {
            "starts" => Ok(Command::Start { lease }),
            "renews" => Ok(Command::Renew { lease }),
            "reports" => {
                let percent: f64 = words.number_after("percent")?.unwrap_or_default();
                let progress =
                    Progress { fraction: percent / 100.0, message: words.after("saying")?, ..Progress::default() };
                Ok(Command::Progress { lease, progress })
            }
            "finishes" => {
                Ok(Command::Finish { lease, result: content(&words.after("with")?.unwrap_or("done".to_owned())) })
            }
            "fails" => failing(lease, words),
            "releases" => Ok(Command::Release { lease, reason: words.after("because")?.map(Into::into) }),
            other => Err(format!("a worker does not know how to `{other}`")),
        }
    }

    /// A worker has heard of all its leases unless the line says what it has.
    fn asking(&mut self, id: &WorkerId, words: &mut Words) -> Read<Command> {
        if words.next_if("no") {
            words.expect("more")?;
            let mut askings = self.asked.iter().rev().filter(|(worker, _)| worker == id).map(|(_, lease)| *lease);
            let asking = if words.says("earlier") { askings.nth(1) } else { askings.next() };
            let lease = asking.unwrap_or(LeaseId(u128::MAX));
            return Ok(Command::StandDown { worker: id.clone(), lease });
        }
        words.expect("for")?;
        words.expect("work")?;
        let have = match words.list_after("having")? {
            Some(jobs) => jobs.iter().map(|job| self.lease(id, job)).collect::<Read<_>>()?,
            None => self.ledger.worker(id).map(|w| w.leases.iter().copied().collect()).unwrap_or_default(),
        };
        let newest = self.sessions.get(id).copied().unwrap_or_default();
        let lease = LeaseId(self.asked.len() as u128 + 1);
        self.asked.push((id.clone(), lease));
        Ok(Command::Next(Next {
            worker: id.clone(),
            session: SessionId(words.number_after("session")?.unwrap_or(newest)),
            have,
            lease,
            until: Timestamp(words.time_after("until")?.unwrap_or(self.now)),
            start: words.says("starting"),
        }))
    }

    /// `j1` or `j1#2`; a lease that never was if the worker had none.
    fn lease(&self, worker: &WorkerId, name: &str) -> Read<LeaseId> {
        let (id, attempt) = match name.split_once('#') {
            Some((id, attempt)) => (id, Some(attempt.parse::<u32>().map_err(|_| format!("no attempt: `{attempt}`"))?)),
            None => (name, None),
        };
        let id = job(id)?;
        let is_it = |given: &&Given| {
            given.worker == *worker && given.job == id && attempt.is_none_or(|attempt| attempt == given.attempt)
        };
        Ok(self.leases.iter().rev().find(is_it).map_or(LeaseId(u128::MAX), |given| given.lease))
    }
}

fn replay(events: &[Event]) -> Ledger {
    let mut ledger = Ledger::default();
    events.iter().for_each(|event| ledger.apply(event));
    ledger
}

fn submission(words: &mut Words) -> Read<Command> {
    let id = job(&words.next()?)?;
    let requirements = Requirements { service: service(&words.after("for")?.ok_or("a job is `for` a service")?)? };
    let payload = content(&words.after("payload")?.unwrap_or_default());
    let (workflow_priority, workflow_at) =
        (words.number_after("workflow-priority")?, words.time_after("workflow-time")?);
    let workflow = (workflow_priority.is_some() || workflow_at.is_some()).then(|| Workflow {
        id: None,
        priority: workflow_priority,
        at: workflow_at.map(Timestamp),
        step: None,
        steps: None,
    });
    let spec = JobSpec {
        id,
        requirements,
        payload,
        ctx: None,
        priority: words.number_after("priority")?.unwrap_or(limits::PRIORITY_DEFAULT),
        attempts_max: words.number_after("runs")?.unwrap_or(limits::ATTEMPTS_DEFAULT),
        customer: None,
        workflow,
        labels: BTreeMap::new(),
        digest: payload.hash,
    };
    Ok(Command::Submit { spec: Arc::new(spec) })
}

/// `w1 fails j1 "boom" as bad_input finally after 5s roll max`
fn failing(lease: LeaseId, words: &mut Words) -> Read<Command> {
    let error = words.next()?.into();
    let kind = match words.after("as")?.as_deref() {
        None => FailureKind::Internal,
        Some(word) => telling::failure_kind(word).ok_or_else(|| format!("no kind of failure: `{word}`"))?,
    };
    let roll = match words.after("roll")?.as_deref() {
        None | Some("half") => 1 << 31,
        Some("min") => 0,
        Some("max") => u32::MAX,
        Some(other) => return Err(format!("no roll: `{other}`")),
    };
    let retry_after_ms = words.time_after("after")?.and_then(|ms| u64::try_from(ms).ok());
    let failure = Failure { kind, reason: None };
    Ok(Command::Fail(Fail { lease, error, failure, retry: !words.says("finally"), retry_after_ms, roll }))
}

/// Stands for bytes; which ones does not matter, only whether they are the same.
fn content(text: &str) -> Content {
    let mut hash = [0; 32];
    text.bytes().zip(&mut hash).for_each(|(byte, place)| *place = byte);
    Content { hash, bytes: text.len() as u64 }
}

fn job(text: &str) -> Read<JobId> {
    JobId::parse(text).map_err(|error| format!("job `{text}` {error}"))
}

fn worker(text: &str) -> Read<WorkerId> {
    WorkerId::parse(text).map_err(|error| format!("worker `{text}` {error}"))
}

fn machine(text: &str) -> Read<MachineId> {
    MachineId::parse(text).map_err(|error| format!("machine `{text}` {error}"))
}

fn service(text: &str) -> Read<Service> {
    Service::parse(text).map_err(|error| format!("service `{text}` {error}"))
}
