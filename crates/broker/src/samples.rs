//! Events of jobs for the tests of this crate. Each happens at the millisecond of its number.
#![allow(clippy::unwrap_used)]

use fleet::{
    Counts, CustomerId, Event, Fact, JobId, JobSpec, LeaseId, MachineId, Outcome, Rank, ReturnReason, SessionId,
    Status, Timestamp, WorkerId,
};
use std::sync::{Arc, LazyLock};

pub(crate) fn id(order: u64) -> JobId {
    JobId::parse(&format!("j{order}")).unwrap()
}

fn at(order: u64, fact: Fact) -> Event {
    Event { at: Timestamp(order.cast_signed()), fact, by: None }
}

/// Job `order`, of the customer `even` or `odd`.
pub(crate) fn submitted(order: u64) -> Event {
    static SPEC: LazyLock<JobSpec> = LazyLock::new(|| {
        let submission = wire::jobs::parse_submission(br#"{"job_type":"hash"}"#, id(0), None, Timestamp(0));
        submission.unwrap().spec
    });
    let customer = CustomerId::parse(if order.is_multiple_of(2) { "even" } else { "odd" }).unwrap();
    let spec = Arc::new(JobSpec { id: id(order), customer: Some(customer), ..SPEC.clone() });
    let rank = Rank { priority: 50, at: Timestamp(order.cast_signed()) };
    at(order, Fact::JobSubmitted { spec, order, rank, workflow_rank: None })
}

pub(crate) fn assigned(order: u64, attempt: u32, worker: &str) -> Event {
    let (worker, machine) = (WorkerId::parse(worker).unwrap(), MachineId::parse("m").unwrap());
    let (lease, session) = (LeaseId(attempt.into()), SessionId(1));
    at(order, Fact::JobAssigned { job: id(order), lease, attempt, worker, machine, session, seq: 0 })
}

pub(crate) fn returned(order: u64, worker: &str) -> Event {
    let (worker, machine) = (WorkerId::parse(worker).unwrap(), MachineId::parse("m").unwrap());
    let fact = Fact::JobReturned {
        job: id(order),
        worker,
        machine,
        from: Status::Assigned,
        reason: ReturnReason::NotStarted,
        retry_at: None,
        counts: Counts::default(),
        more_than_gb: None,
        seq: 0,
    };
    at(order, fact)
}

pub(crate) fn cancelled(order: u64) -> Event {
    let fact = Fact::JobFinished {
        job: id(order),
        worker: None,
        machine: None,
        attempt: 0,
        runs_failed: 0,
        outcome: Outcome::Cancelled,
        seq: 0,
    };
    at(order, fact)
}

pub(crate) fn forgotten(order: u64) -> Event {
    at(order, Fact::JobForgotten { job: id(order) })
}
