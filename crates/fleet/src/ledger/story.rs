//! The fewest events that lead to a ledger, so that a checkpoint needs no format of its own.

use super::{Gone, Ledger, clients};
use crate::{
    Attempt, ClientKey, Declared, Event, Fact, Finished, Job, LeaseId, Machine, MachineId, Missing, ReturnReason,
    Service, SessionId, State, Status, Timestamp, Waiting, Worker, WorkerId,
};
use std::ops::Bound::{self, Excluded, Unbounded};
use std::sync::Arc;

/// A part of the shortest story that is told anew by itself when something of it changes. In
/// their order they are the story: jobs come first with all that has ended, so that no worker
/// counts it twice; then machines and workers; then what is held now.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Chapter {
    /// How many there were, and how those ended that are forgotten.
    Counted,
    /// A job that has ended, and when; by its number.
    Ended(Timestamp, u64),
    /// Another job, up to the end of its last attempt that ended.
    Live(u64),
    Paused(Service),
    Machine(MachineId),
    Worker(WorkerId),
    /// The attempt of a job that is under a lease.
    Held(u64),
    /// What a client follows, once all jobs are known.
    Client(ClientKey),
}

impl Ledger {
    /// Replayed onto an empty ledger, these events lead to one that remembers the same and
    /// decides the same.
    pub fn shortest_story(&self) -> impl Iterator<Item = Event> {
        self.chapters().flat_map(|chapter| self.story_of(&chapter))
    }

    /// What the shortest story consists of, in order.
    pub fn chapters(&self) -> impl Iterator<Item = Chapter> {
        let is_told = |chapter: &Chapter| match chapter {
            Chapter::Live(order) => self.rows.get(*order).is_some_and(|job| !job.has_ended()),
            _ => true,
        };
        self.chapters_after(None).filter(is_told)
    }

    /// What of it comes after this chapter, in order, each found at once. Names jobs that have ended
    /// among those that live, too; they have no events there.
    pub fn chapters_after(&self, last: Option<&Chapter>) -> impl Iterator<Item = Chapter> {
        let counted = (self.orders > 0 && last.is_none()).then_some(Chapter::Counted);
        let ended = beyond(last, 1, |last| match last {
            Chapter::Ended(at, order) => Some((*at, *order)),
            _ => None,
        });
        let ended = ended.map(|from| (from, Unbounded));
        let ended = ended.map(|range| merged(self.completed.range(range), self.unhappy.range(range)));
        let ended = ended.into_iter().flatten().map(|(at, order)| Chapter::Ended(at, order));
        let order = |last: &Chapter| match last {
            Chapter::Live(order) | Chapter::Held(order) => Some(*order),
            _ => None,
        };
        let live = beyond(last, 2, order).into_iter().flat_map(|from| self.rows.after(from));
        let live = live.map(|job| Chapter::Live(job.order));
        let paused = beyond(last, 3, |last| if let Chapter::Paused(service) = last { Some(service) } else { None });
        let paused = paused.into_iter().flat_map(|from| self.paused.range::<Service, _>((from, Unbounded)));
        let machines = beyond(last, 4, |last| if let Chapter::Machine(machine) = last { Some(machine) } else { None });
        let machines = machines.into_iter().flat_map(|from| self.machines.range::<MachineId, _>((from, Unbounded)));
        let workers = beyond(last, 5, |last| if let Chapter::Worker(worker) = last { Some(worker) } else { None });
        let workers = workers.into_iter().flat_map(|from| self.workers.range::<WorkerId, _>((from, Unbounded)));
        let held = beyond(last, 6, order).into_iter().flat_map(|from| self.active.range((from, Unbounded)));
        let paused = paused.map(|(service, _)| Chapter::Paused(service.clone()));
        let machines = machines.map(|(machine, _)| Chapter::Machine(machine.clone()));
        let workers = workers.map(|(worker, _)| Chapter::Worker(worker.clone()));
        let held = held.map(|order| Chapter::Held(*order));
        let clients = beyond(last, 7, |last| if let Chapter::Client(client) = last { Some(client) } else { None });
        let clients = clients.into_iter().flat_map(|from| self.clients.after(from)).cloned().map(Chapter::Client);
        let fleet = paused.chain(machines).chain(workers).chain(held);
        counted.into_iter().chain(ended).chain(live).chain(fleet).chain(clients)
    }

    /// The events of one chapter; none if it is not in the story any more.
    #[must_use]
    pub fn story_of(&self, chapter: &Chapter) -> Vec<Event> {
        match chapter {
            Chapter::Counted => self.counted().into_iter().collect(),
            Chapter::Ended(at, order) => {
                let job = self.rows.get(*order).filter(|job| job.finished_at() == Some(*at));
                job.map(|job| self.history(job)).unwrap_or_default()
            }
            Chapter::Live(order) => {
                let job = self.rows.get(*order).filter(|job| !job.has_ended());
                job.map(|job| self.history(job)).unwrap_or_default()
            }
            Chapter::Paused(service) => self.paused.get(service).map(|at| paused(service, *at)).into_iter().collect(),
            Chapter::Machine(machine) => self.machines.get(machine).map(machine_story).unwrap_or_default(),
            Chapter::Worker(worker) => self.workers.get(worker).map(worker_story).unwrap_or_default(),
            Chapter::Held(order) => self.rows.get(*order).map(current).unwrap_or_default(),
            Chapter::Client(key) => self.clients.get(key).map(|client| clients::story(key, client)).unwrap_or_default(),
        }
    }

    fn counted(&self) -> Option<Event> {
        let Gone { completed, failed, cancelled } = self.gone;
        let fact = Fact::Counted { orders: self.orders, completed, failed, cancelled };
        (self.orders > 0).then_some(Event { at: Timestamp::default(), fact, by: None })
    }

    /// A job up to the end of its last ended attempt, and its end if it has ended.
    fn history(&self, job: &Job) -> Vec<Event> {
        let workflow = job.spec.workflow_id();
        let principal = &job.spec.owner.principal;
        let submitted = Fact::JobSubmitted {
            spec: Arc::clone(&job.spec),
            order: job.order,
            rank: job.rank,
            workflow_rank: workflow.and_then(|workflow| self.workflow_rank(principal, workflow)),
        };
        let mut story = vec![Event { at: job.created_at, fact: submitted, by: None }];
        if job.is_starving {
            // While it certainly waits.
            story.push(Event { at: job.created_at, fact: Fact::JobStarved { job: job.spec.id.clone() }, by: None });
        }
        let mut since = job.created_at;
        for attempt in &job.attempts {
            let Some(end) = &attempt.end else { continue };
            story.extend(begun(job, attempt, ended_by(job), SessionId(0)));
            if let Some(reason) = &end.returned {
                since = end.at;
                story.push(Event { at: end.at, fact: returned(job, attempt, reason.clone()), by: None });
            }
        }
        story.extend(waits(job, since));
        if let Some(Finished { at, outcome, by }) = job.finished() {
            let last = job.attempts.last().filter(|_| by.is_some());
            let fact = Fact::JobFinished {
                job: job.spec.id.clone(),
                worker: last.map(|attempt| attempt.worker.clone()),
                machine: last.map(|attempt| attempt.machine.clone()),
                attempt: job.attempt(),
                runs_failed: job.counts.runs_failed,
                outcome: outcome.clone(),
                seq: 0,
            };
            story.push(Event { at: *at, fact, by: None });
        }
        number(&mut story, job.told.saturating_sub(current(job).len() as u32));
        story
    }
}

impl Chapter {
    /// Its place among the kinds.
    fn kind(&self) -> u8 {
        match self {
            Chapter::Counted => 0,
            Chapter::Ended(..) => 1,
            Chapter::Live(_) => 2,
            Chapter::Paused(_) => 3,
            Chapter::Machine(_) => 4,
            Chapter::Worker(_) => 5,
            Chapter::Held(_) => 6,
            Chapter::Client(_) => 7,
        }
    }
}

/// Where chapters of this kind go on after the last one, if any of them come after it.
fn beyond<'a, K>(last: Option<&'a Chapter>, kind: u8, key: impl Fn(&'a Chapter) -> Option<K>) -> Option<Bound<K>> {
    match last.filter(|last| last.kind() >= kind) {
        None => Some(Unbounded),
        Some(last) if last.kind() == kind => key(last).map(Excluded),
        Some(_) => None,
    }
}

fn worker_story(worker: &Worker) -> Vec<Event> {
    let joined = Fact::WorkerJoined {
        worker: worker.id.clone(),
        machine: worker.machine.clone(),
        session: worker.session,
        slots: worker.slots,
        capabilities: Arc::clone(&worker.capabilities),
        loaded_models: worker.loaded_models.clone(),
        is_draining: worker.is_draining,
        jobs_completed: worker.jobs_completed,
        jobs_failed: worker.jobs_failed,
    };
    let mut story = vec![Event { at: worker.connected_at, fact: joined, by: None }];
    if worker.declared != Declared::Ready {
        let status = worker.status(false, false);
        let fact = Fact::WorkerDeclared {
            worker: worker.id.clone(),
            machine: worker.machine.clone(),
            declared: worker.declared,
            old: status,
            new: status,
        };
        story.push(Event { at: worker.connected_at, fact, by: None });
    }
    for service in &worker.down {
        let fact = Fact::ServiceTurned {
            worker: worker.id.clone(),
            machine: worker.machine.clone(),
            service: service.clone(),
            is_down: true,
            reason: None,
        };
        story.push(Event { at: worker.connected_at, fact, by: None });
    }
    story
}

fn paused(service: &Service, at: Timestamp) -> Event {
    Event { at, fact: Fact::ServicePaused { service: service.clone(), is_paused: true }, by: None }
}

/// Both, in the order of the ends.
pub(super) fn merged<'a>(
    a: impl Iterator<Item = &'a (Timestamp, u64)>,
    b: impl Iterator<Item = &'a (Timestamp, u64)>,
) -> impl Iterator<Item = (Timestamp, u64)> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(first), Some(second)) if second < first => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    })
    .copied()
}

/// The verdict that was last told of a waiting job, since when it waits so.
fn waits(job: &Job, since: Timestamp) -> Option<Event> {
    let waiting = job.waiting()?;
    let job = job.spec.id.clone();
    let fact = match &waiting.missing {
        Some(missing) => Fact::JobUnschedulable { job, missing: Missing::clone(missing) },
        None if waiting.since > since => Fact::JobSchedulable { job },
        None => return None,
    };
    Some(Event { at: waiting.since, fact, by: None })
}

fn machine_story(machine: &Machine) -> Vec<Event> {
    let joined =
        Fact::MachineJoined { machine: machine.id.clone(), facts: machine.facts.clone(), phase: machine.phase };
    let mut story = vec![Event { at: machine.joined_at, fact: joined, by: None }];
    if machine.is_draining {
        let fact = Fact::MachineChanged {
            machine: machine.id.clone(),
            facts: machine.facts.clone(),
            phase: machine.phase,
            is_draining: true,
            silent_since: None,
            workers: Vec::new(),
        };
        story.push(Event { at: machine.joined_at, fact, by: None });
    }
    if let Some(at) = machine.silent_since {
        story.push(Event { at, fact: Fact::MachineSilent { machine: machine.id.clone() }, by: None });
    }
    story
}

/// The attempt that is held now.
fn current(job: &Job) -> Vec<Event> {
    let (Some(lease), Some(attempt)) = (job.lease(), job.attempts.last()) else { return Vec::new() };
    let mut story = begun(job, attempt, lease.id, lease.session);
    number(&mut story, job.told);
    story
}

/// Attempts are left out from the first on, so what is told of the others has the last numbers.
fn number(story: &mut [Event], told: u32) {
    let mut next = told;
    for event in story.iter_mut().rev() {
        if let Fact::JobAssigned { seq, .. }
        | Fact::JobStarted { seq, .. }
        | Fact::JobReturned { seq, .. }
        | Fact::JobFinished { seq, .. } = &mut event.fact
        {
            *seq = next;
            next = next.saturating_sub(1);
        }
    }
}

/// The lease that ended the job; for attempts before it any name will do, it is dropped at once.
fn ended_by(job: &Job) -> LeaseId {
    job.finished().and_then(|finished| finished.by).unwrap_or(LeaseId(0))
}

fn begun(job: &Job, attempt: &Attempt, lease: LeaseId, session: SessionId) -> Vec<Event> {
    let assigned = Fact::JobAssigned {
        job: job.spec.id.clone(),
        lease,
        attempt: attempt.number,
        worker: attempt.worker.clone(),
        machine: attempt.machine.clone(),
        session,
        seq: 0,
    };
    let mut story = vec![Event { at: attempt.assigned_at, fact: assigned, by: None }];
    if let Some(at) = attempt.started_at {
        let fact = Fact::JobStarted { job: job.spec.id.clone(), worker: attempt.worker.clone(), seq: 0 };
        story.push(Event { at, fact, by: None });
    }
    story
}

/// Only the last return's counts and time matter; a later one overwrites an earlier one's.
fn returned(job: &Job, attempt: &Attempt, reason: ReturnReason) -> Fact {
    let retry_at = match job.state {
        State::Waiting(Waiting { not_before, .. }) => not_before,
        _ => None,
    };
    Fact::JobReturned {
        job: job.spec.id.clone(),
        worker: attempt.worker.clone(),
        machine: attempt.machine.clone(),
        from: if attempt.started_at.is_some() { Status::InProgress } else { Status::Assigned },
        reason,
        retry_at,
        counts: job.counts,
        more_than_gb: job.more_than_gb,
        seq: 0,
    }
}
