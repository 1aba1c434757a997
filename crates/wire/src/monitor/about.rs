//! Whom an event is about.

use fleet::{Fact, JobId, MachineId, WorkerId};

/// The job that an event is about.
#[must_use]
pub fn job_of(fact: &Fact) -> Option<&JobId> {
    match fact {
        Fact::JobUnschedulable { job, .. } | Fact::JobSchedulable { job } => Some(job),
        fact => crate::client::subject(fact),
    }
}

/// The workers and machines that an event names, before it and after.
#[must_use]
pub fn named(fact: &Fact) -> (Vec<WorkerId>, Vec<MachineId>) {
    let one = |worker: &WorkerId, machine: &MachineId| (vec![worker.clone()], vec![machine.clone()]);
    match fact {
        Fact::JobAssigned { worker, machine, .. }
        | Fact::JobReturned { worker, machine, .. }
        | Fact::WorkerJoined { worker, machine, .. }
        | Fact::WorkerDeclared { worker, machine, .. }
        | Fact::WorkerDrained { worker, machine, .. }
        | Fact::ServiceTurned { worker, machine, .. }
        | Fact::WorkerTurned { worker, machine, .. }
        | Fact::WorkerLeft { worker, machine, .. } => one(worker, machine),
        Fact::JobStarted { worker, .. } => (vec![worker.clone()], Vec::new()),
        Fact::JobFinished { worker, machine, .. } => {
            (worker.iter().cloned().collect(), machine.iter().cloned().collect())
        }
        Fact::MachineChanged { machine, workers, .. } => {
            (workers.iter().map(|report| report.worker.clone()).collect(), vec![machine.clone()])
        }
        Fact::MachineJoined { machine, .. } | Fact::MachineSilent { machine } | Fact::MachineLeft { machine, .. } => {
            (Vec::new(), vec![machine.clone()])
        }
        _ => (Vec::new(), Vec::new()),
    }
}
