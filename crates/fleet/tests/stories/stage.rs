//! Where a story is played: a ledger, its clock, and the names by which the story knows leases.

use crate::words::Words;
use crate::{shown, telling};
use fleet::{Command, Event, Fact, JobId, LeaseId, Ledger, Rules, Timestamp, Told, WorkerId};
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) ledger: Ledger,
    rules: Rules,
    /// What somebody knows who only hears the events.
    view: Ledger,
    pub(crate) now: i64,
    events: Vec<Event>,
    pub(crate) leases: Vec<Given>,
    /// How often each worker registered.
    pub(crate) sessions: HashMap<WorkerId, u64>,
    pub(crate) asked: Vec<(WorkerId, LeaseId)>,
}

/// A lease as the story calls it: worker, job, attempt.
pub(crate) struct Given {
    pub(crate) lease: LeaseId,
    pub(crate) worker: WorkerId,
    pub(crate) job: JobId,
    pub(crate) attempt: u32,
}

pub(crate) type Read<T> = Result<T, String>;

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
            self.is_seen_as_it_is();
            return Ok(shown);
        }
        let times = words.number_after("repeat")?;
        let mut lines = Vec::new();
        for n in 1..=times.unwrap_or(1u32) {
            let words = if times.is_some() { words.with("x", &format!("x{n}")) } else { words.clone() };
            for command in self.commands(words)? {
                lines.extend(self.happens(command));
            }
        }
        self.is_seen_as_it_is();
        Ok(telling::sum(lines))
    }

    fn happens(&mut self, command: Command) -> Vec<String> {
        let mut told = Told::default();
        let answer = self.ledger.handle(command, Timestamp(self.now), &mut told);
        for event in &told.events {
            if let Fact::JobAssigned { job, lease, attempt, worker, .. } = &event.fact {
                let (worker, job) = (worker.clone(), job.clone());
                self.leases.push(Given { lease: *lease, worker, job, attempt: *attempt });
            }
            self.view.apply(event);
        }
        let mut lines: Vec<String> = told.events.iter().map(|event| telling::fact(&event.fact)).collect();
        lines.extend(told.pulses.iter().map(telling::pulse));
        lines.extend(telling::answer(&answer, &self.leases));
        self.events.extend(told.events);
        lines
    }

    /// What changes nothing, or everything: looking, restarting, and the rules at the beginning.
    fn look(&mut self, words: &mut Words) -> Read<Option<Vec<String>>> {
        let now = Timestamp(self.now);
        if words.next_if("look") {
            words.expect("at")?;
            let id = crate::naming::job(&words.next()?)?;
            return Ok(Some(vec![shown::job(self.ledger.job(&id))]));
        }
        if words.next_if("why") {
            let id = crate::naming::job(&words.next()?)?;
            return Ok(Some(shown::explanation(self.ledger.explain(&id, now))));
        }
        if words.next_if("queue") {
            let queue: Vec<&str> = self.ledger.pending().map(|job| job.spec.id.as_str()).collect();
            return Ok(Some(vec![if queue.is_empty() { "empty".to_owned() } else { queue.join(", ") }]));
        }
        if words.next_if("tally") {
            return Ok(Some(vec![shown::tally(self.ledger.tally())]));
        }
        if words.next_if("deadline") {
            return Ok(Some(vec![shown::deadline(self.ledger.next_deadline())]));
        }
        if words.next_if("rules") {
            assert!(self.events.is_empty(), "rules stand at the beginning");
            self.rules.starve_after_ms = words.ms_after("starve-after")?;
            if let Some(tail) = words.number_after("tail")? {
                self.rules.finished_tail = tail;
            }
            self.ledger = Ledger::with(self.rules);
            return Ok(Some(Vec::new()));
        }
        if words.next_if("restart") {
            self.remembers_itself();
            let story: Vec<Event> = self.ledger.shortest_story().collect();
            self.ledger = replay(&story, self.rules);
            self.ledger.resume(now);
            return Ok(Some(Vec::new()));
        }
        // Deciding was away, and is back with all that it knew.
        if words.next_if("standstill") {
            self.ledger.resume(now);
            return Ok(Some(Vec::new()));
        }
        crate::following::look(&self.ledger, words)
    }

    /// Who hears the events knows after every command what the ledger remembers.
    fn is_seen_as_it_is(&self) {
        assert!(self.view.remembers_the_same_as(&self.ledger), "who hears the events sees something else");
    }

    /// Whatever the story was, it is told the same again.
    pub(crate) fn remembers_itself(&self) {
        let story: Vec<Event> = self.ledger.shortest_story().collect();
        assert!(replay(&self.events, self.rules).remembers_the_same_as(&self.ledger), "replay remembers otherwise");
        let short = replay(&story, self.rules);
        assert!(short.remembers_the_same_as(&self.ledger), "the shortest story remembers otherwise");
    }
}

fn replay(events: &[Event], rules: Rules) -> Ledger {
    let mut ledger = Ledger::with(rules);
    events.iter().for_each(|event| ledger.apply(event));
    ledger
}
