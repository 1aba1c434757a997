//! What jobs are filtered by: the same of those that live and of those in the archive.

use fleet::limits::ATTEMPTS_KEPT_MAX;
use fleet::{Attempt, Chapter, ClientKey, Event, Fact, Job, JobId, Ledger, PrincipalId, Status};
use store::{Facet, Postings};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Status = 0,
    Service = 1,
    Customer = 2,
    Workflow = 3,
    Worker = 4,
    Machine = 5,
    Principal = 6,
    Client = 7,
}

pub(crate) fn facet(kind: Kind, value: &str) -> Facet {
    Facet { kind: kind as u8, value: value.to_owned() }
}

pub(crate) fn status(status: Status) -> Facet {
    facet(Kind::Status, wire::JobStatus::from(status).as_str())
}

/// Whose jobs.
pub(crate) fn principal(principal: &PrincipalId) -> Facet {
    facet(Kind::Principal, principal.as_str())
}

/// Submitted by this client. No id holds a `/`.
pub(crate) fn client(client: &ClientKey) -> Facet {
    facet(Kind::Client, &format!("{}/{}", client.principal, client.client))
}

/// What holds of jobs that were archived before they had principals: they are `local`'s.
pub(crate) fn assumed() -> Facet {
    principal(&PrincipalId::default())
}

/// Everything a job is found by. Who ran it is everyone of the attempts that are kept.
pub(crate) fn of(job: &Job) -> Vec<Facet> {
    let mut facets = vec![status(job.status()), facet(Kind::Service, job.spec.requirements.service.as_str())];
    facets.push(facet(Kind::Principal, job.spec.owner.principal.as_str()));
    facets.extend(job.spec.customer.as_ref().map(|customer| facet(Kind::Customer, customer.as_str())));
    facets.extend(job.spec.workflow_id().map(|workflow| facet(Kind::Workflow, workflow.as_str())));
    facets.push(principal(&job.spec.owner.principal));
    facets.extend(ClientKey::of(&job.spec.owner).map(|key| client(&key)));
    for attempt in &job.attempts {
        facets.push(facet(Kind::Worker, attempt.worker.as_str()));
        facets.push(facet(Kind::Machine, attempt.machine.as_str()));
    }
    facets.sort();
    facets.dedup();
    facets
}

/// What of a job an event may change.
pub(crate) struct Before {
    status: Status,
    /// The attempt that is kept no longer.
    oldest: Option<Attempt>,
}

/// The facets of all jobs of a ledger, kept up with its events.
#[derive(Default)]
pub(crate) struct Facets(Postings);

impl Facets {
    pub(crate) fn of(ledger: &Ledger) -> Facets {
        let mut facets = Facets::default();
        for job in ledger.submitted_before(u64::MAX) {
            facets.add(job);
        }
        facets
    }

    pub(crate) fn postings(&self) -> &Postings {
        &self.0
    }

    /// Before `event` is applied: what it changes is taken out. Returns what [`after`](Self::after) needs.
    pub(crate) fn before(&mut self, ledger: &Ledger, event: &Event) -> Option<Before> {
        if let Fact::JobsForgotten { .. } | Fact::JobForgotten { .. } = event.fact {
            ledger.touched_by(event, &mut |part| {
                if let Chapter::Ended(_, order) = part
                    && let Some(job) = ledger.job_of(order)
                {
                    of(job).iter().for_each(|facet| self.0.remove(order, facet));
                }
            });
        }
        let job = subject(&event.fact).and_then(|job| ledger.job(job))?;
        let is_dropped = matches!(event.fact, Fact::JobAssigned { .. }) && job.attempts.len() == ATTEMPTS_KEPT_MAX;
        let oldest = job.attempts.first().filter(|_| is_dropped).cloned();
        Some(Before { status: job.status(), oldest })
    }

    /// After it: what it led to is put in.
    pub(crate) fn after(&mut self, ledger: &Ledger, event: &Event, before: Option<Before>) {
        let Some(job) = subject(&event.fact).and_then(|job| ledger.job(job)) else { return };
        let Some(before) = before else { return self.add(job) };
        if before.status != job.status() {
            self.0.remove(job.order, &status(before.status));
            self.0.add(job.order, status(job.status()));
        }
        if let Some(Attempt { worker, machine, .. }) = &before.oldest {
            if job.attempts.iter().all(|attempt| attempt.worker != *worker) {
                self.0.remove(job.order, &facet(Kind::Worker, worker.as_str()));
            }
            if job.attempts.iter().all(|attempt| attempt.machine != *machine) {
                self.0.remove(job.order, &facet(Kind::Machine, machine.as_str()));
            }
        }
        if let Fact::JobAssigned { worker, machine, .. } = &event.fact {
            self.0.add(job.order, facet(Kind::Worker, worker.as_str()));
            self.0.add(job.order, facet(Kind::Machine, machine.as_str()));
        }
    }

    fn add(&mut self, job: &Job) {
        of(job).into_iter().for_each(|facet| self.0.add(job.order, facet));
    }
}

/// The job whose status or workers a fact may change.
fn subject(fact: &Fact) -> Option<&JobId> {
    match fact {
        Fact::JobSubmitted { spec, .. } => Some(&spec.id),
        Fact::JobAssigned { job, .. }
        | Fact::JobStarted { job, .. }
        | Fact::JobReturned { job, .. }
        | Fact::JobFinished { job, .. } => Some(job),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{assigned, cancelled, forgotten, returned, submitted};

    #[test]
    fn a_job_is_found_by_who_had_it_as_long_as_that_is_known_and_by_nothing_once_it_is_forgotten() {
        let (mut ledger, mut facets) = (Ledger::default(), Facets::default());
        let mut apply = |event: Event| {
            let before = facets.before(&ledger, &event);
            ledger.apply(&event);
            facets.after(&ledger, &event, before);
            let of_worker = |worker: &str| vec![vec![facet(Kind::Worker, worker)]];
            ["first", "second", "last"].map(|worker| facets.postings().count(&of_worker(worker), 9).0)
        };
        apply(submitted(1));
        let mut attempt = 0;
        let mut had = |worker: &str| {
            attempt += 1;
            apply(assigned(1, attempt, worker));
            apply(returned(1, worker))
        };
        had("first");
        for _ in 1..ATTEMPTS_KEPT_MAX - 1 {
            had("second");
        }
        assert_eq!(had("first"), [1, 1, 0]);
        assert_eq!(had("last"), [1, 1, 1], "its other attempt is kept");
        for _ in 0..ATTEMPTS_KEPT_MAX - 2 {
            had("second");
        }
        assert_eq!(had("second"), [0, 1, 1]);
        assert_eq!(apply(cancelled(1)), [0, 1, 1]);
        assert_eq!(apply(forgotten(1)), [0, 0, 0]);
    }
}
