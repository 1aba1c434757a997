//! A rule says no. That is an answer, not an error.

use crate::{ClientId, JobId, MachineId, Status, WorkerId, limits};

/// Each variant has a stable code on the wire; the sentence is for the person who reads it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("no job is called {job}")]
    JobNotFound { job: JobId },
    #[error("job id {job} is taken by a job with other content")]
    JobIdConflict { job: JobId },
    #[error("this idempotency key was used for a job with other content")]
    IdempotencyConflict,
    #[error("job {job} has not ended yet: only an ended job can be submitted again")]
    NotFinished { job: JobId },
    #[error("job {job} has already ended: {status:?}")]
    AlreadyFinished { job: JobId, status: Status },
    #[error("this lease is no longer held: stop the work and throw its result away")]
    LeaseLost,
    #[error("worker {worker} was registered again since: this session's leases and calls count no more")]
    SessionReplaced { worker: WorkerId },
    #[error("no machine is called {machine}: join with PUT /api/machines/{machine}")]
    UnknownMachine { machine: MachineId },
    #[error("no worker is called {worker}: register with PUT /api/workers/{worker}")]
    UnknownWorker { worker: WorkerId },
    #[error("the board has {max} machines, which is its limit", max = limits::MACHINES_MAX)]
    TooManyMachines,
    #[error("machine {machine} has {max} workers, which is the limit", max = limits::WORKERS_PER_MACHINE_MAX)]
    TooManyWorkers { machine: MachineId },
    #[error("waiting jobs have {max} different sets of requirements, which is the limit", max = limits::CLASSES_MAX)]
    TooManyClasses,
    #[error(
        "client {client} submitted and follows {max} jobs that have not ended, which is the limit: \
         wait until some end, or unsubscribe from others' jobs",
        max = limits::FOLLOWED_MAX
    )]
    TooManyFollowed { client: ClientId },
    #[error(
        "client {client} follows {max} workflows, which is the limit: unsubscribe from some",
        max = limits::FOLLOWED_WORKFLOWS_MAX
    )]
    TooManyWorkflowsFollowed { client: ClientId },
}
