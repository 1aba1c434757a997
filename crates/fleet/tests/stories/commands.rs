//! How a line becomes a command.

use crate::naming::{content, job, machine, owner, service, worker};
use crate::stage::{Read, Stage};
use crate::words::Words;
use crate::{asked, following, offered, telling};
use fleet::{
    Beat, Command, Declared, Fail, Failure, FailureKind, Health, JoinWorker, LeaseId, MachineFacts, Next, Phase,
    Progress, Service, SessionId, Timestamp, WorkerId,
};
use std::sync::Arc;

impl Stage {
    /// One, or as many as the line says.
    pub(crate) fn commands(&mut self, mut words: Words) -> Read<Vec<Command>> {
        if words.next_if("submit") {
            return asked::submissions(words);
        }
        let command = self.command(&mut words)?;
        words.end()?;
        Ok(vec![command])
    }

    fn command(&mut self, words: &mut Words) -> Read<Command> {
        let subject = words.next()?;
        match subject.as_str() {
            "tick" => Ok(Command::Tick),
            "archived" => {
                let before = words.time_after("before")?.map(Timestamp);
                Ok(Command::Archived { before: before.ok_or("archived is all `before` a time")? })
            }
            "cancel" => Ok(Command::Cancel { job: job(&words.next()?)? }),
            "retry" => {
                let again = job(&words.after("as")?.ok_or("a retry is `as` another job")?)?;
                let by = owner(words.after("by")?.as_deref())?;
                let ended = self.ledger.job(&job(&words.next()?)?).filter(|job| job.finished_at().is_some());
                let spec = ended.ok_or("only what has ended is retried")?.spec.again(again, by, Timestamp(self.now));
                Ok(Command::Submit { spec: Arc::new(spec), recalled: None })
            }
            "drain" => draining(words, true),
            "undrain" => draining(words, false),
            "pause" => Ok(Command::PauseService { service: service(&words.next()?)?, is_paused: true }),
            "resume" => Ok(Command::PauseService { service: service(&words.next()?)?, is_paused: false }),
            "client" => following::of_client(words),
            "seen" => following::seen(words),
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
                let (workers, services) = (declared(words)?, health(words)?);
                Ok(Command::Beat(Beat { machine, phase, leases, workers, services }))
            }
            other => Err(format!("a machine does not know how to `{other}`")),
        }
    }

    fn registration(&mut self, words: &mut Words) -> Read<Command> {
        let id = worker(&words.next()?)?;
        if words.next_if("leaves") {
            return Ok(Command::LeaveWorker { worker: id, session: words.number_after("session")?.map(SessionId) });
        }
        words.expect("of")?;
        let machine = machine(&words.next()?)?;
        words.expect("registers")?;
        let resume = words.list_after("resuming")?.unwrap_or_default();
        let resume = resume.iter().map(|job| self.lease(&id, job)).collect::<Read<_>>()?;
        let slots = words.number_after("slots")?.unwrap_or(1);
        let loaded_models = words.list_after("loaded")?.unwrap_or_default().into_iter().collect();
        let capabilities = offered::capabilities(words)?.into();
        let sessions = self.sessions.entry(id.clone()).or_default();
        *sessions += 1;
        let session = SessionId(*sessions);
        Ok(Command::JoinWorker(JoinWorker { worker: id, machine, session, slots, capabilities, loaded_models, resume }))
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
        let is_it = |given: &&crate::stage::Given| {
            given.worker == *worker && given.job == id && attempt.is_none_or(|attempt| attempt == given.attempt)
        };
        Ok(self.leases.iter().rev().find(is_it).map_or(LeaseId(u128::MAX), |given| given.lease))
    }
}

/// `drain machine m1`, `undrain worker w1`
fn draining(words: &mut Words, is_draining: bool) -> Read<Command> {
    let (whose, name) = (words.next()?, words.next()?);
    match whose.as_str() {
        "machine" => Ok(Command::DrainMachine { machine: machine(&name)?, is_draining }),
        "worker" => Ok(Command::DrainWorker { worker: worker(&name)?, is_draining }),
        other => Err(format!("a {other} cannot be drained")),
    }
}

/// `drains w1`, `errs w1`, `recovers w1`: what a heartbeat says of workers.
fn declared(words: &mut Words) -> Read<Vec<(WorkerId, Declared)>> {
    let mut workers = Vec::new();
    for (word, declared) in [("drains", Declared::Draining), ("errs", Declared::Error), ("recovers", Declared::Ready)] {
        if let Some(id) = words.after(word)? {
            workers.push((worker(&id)?, declared));
        }
    }
    Ok(workers)
}

/// `down w1/hash` and `up w1/hash,w2/hash`: what a heartbeat says of services.
fn health(words: &mut Words) -> Read<Vec<(WorkerId, Service, Health)>> {
    let mut services = Vec::new();
    for (word, health) in [("down", Health::Down), ("up", Health::Up)] {
        for name in words.list_after(word)?.unwrap_or_default() {
            let (holder, name) = name.split_once('/').ok_or("a worker's service is called `w1/hash`")?;
            services.push((worker(holder)?, service(name)?, health));
        }
    }
    Ok(services)
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
    let retry_after_ms = words.ms_after("after")?;
    let failure = Failure { kind, reason: None };
    Ok(Command::Fail(Fail { lease, error, failure, retry: !words.says("finally"), retry_after_ms, roll }))
}
