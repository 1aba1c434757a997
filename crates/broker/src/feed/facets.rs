//! What jobs are filtered by: the same of those that live and of those in the archive.

use fleet::{Chapter, Event, Fact, Job, JobId, Ledger, Status};
use store::{Facet, Postings};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Status = 0,
    Service = 1,
    Customer = 2,
    Workflow = 3,
    Worker = 4,
    Machine = 5,
}

pub(crate) fn facet(kind: Kind, value: &str) -> Facet {
    Facet { kind: kind as u8, value: value.to_owned() }
}

pub(crate) fn status(status: Status) -> Facet {
    facet(Kind::Status, wire::JobStatus::from(status).as_str())
}

/// Everything a job is found by. Who ran it is everyone who ever did.
pub(crate) fn of(job: &Job) -> Vec<Facet> {
    let mut facets = vec![status(job.status()), facet(Kind::Service, job.spec.requirements.service.as_str())];
    facets.extend(job.spec.customer.as_ref().map(|customer| facet(Kind::Customer, customer.as_str())));
    facets.extend(job.spec.workflow_id().map(|workflow| facet(Kind::Workflow, workflow.as_str())));
    for attempt in &job.attempts {
        facets.push(facet(Kind::Worker, attempt.worker.as_str()));
        facets.push(facet(Kind::Machine, attempt.machine.as_str()));
    }
    facets.sort();
    facets.dedup();
    facets
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
    pub(crate) fn before(&mut self, ledger: &Ledger, event: &Event) -> Option<Status> {
        if let Fact::JobsForgotten { .. } | Fact::JobForgotten { .. } = event.fact {
            ledger.touched_by(event, &mut |part| {
                if let Chapter::Ended(_, order) = part
                    && let Some(job) = ledger.job_of(order)
                {
                    of(job).iter().for_each(|facet| self.0.remove(order, facet));
                }
            });
        }
        subject(&event.fact).and_then(|job| ledger.job(job)).map(Job::status)
    }

    /// After it: what it led to is put in.
    pub(crate) fn after(&mut self, ledger: &Ledger, event: &Event, before: Option<Status>) {
        let Some(job) = subject(&event.fact).and_then(|job| ledger.job(job)) else { return };
        let Some(before) = before else { return self.add(job) };
        if before != job.status() {
            self.0.remove(job.order, &status(before));
            self.0.add(job.order, status(job.status()));
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
