//! What happened, and what is merely passing.

use crate::{
    Capabilities, ClientKey, Counts, Declared, Failure, JobId, JobSpec, LeaseId, MachineFacts, MachineId, Missing,
    Number, Outcome, Phase, PrincipalId, Progress, Rank, Service, SessionId, Status, Timestamp, WorkerId, WorkerStatus,
    WorkflowId,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something that happened: journalled, then told, and enough to replay it.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub at: Timestamp,
    pub fact: Fact,
    /// Whose act led to it, if that was an administrator's. No rule asks for it: whoever takes the
    /// command down writes it, for those who want to know later.
    pub by: Option<PrincipalId>,
}

/// `seq` numbers what clients are told of one job: its submission is the first, and then one by one;
/// 0 in what earlier versions wrote.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    JobSubmitted {
        spec: Arc<JobSpec>,
        order: u64,
        rank: Rank,
        /// That of the first job of its workflow: steps that state none of their own take it.
        workflow_rank: Option<Rank>,
    },
    JobAssigned {
        job: JobId,
        lease: LeaseId,
        attempt: u32,
        worker: WorkerId,
        machine: MachineId,
        session: SessionId,
        seq: u32,
    },
    JobStarted {
        job: JobId,
        worker: WorkerId,
        seq: u32,
    },
    /// No worker of the fleet could run it any more; or, when it comes with a job that waits,
    /// yet.
    JobUnschedulable {
        job: JobId,
        missing: Missing,
    },
    /// Some worker of the fleet could run it again.
    JobSchedulable {
        job: JobId,
    },
    /// It has waited so long that it goes before all that wait less. Told to nobody.
    JobStarved {
        job: JobId,
    },
    /// Back to the queue. What is counted and wanted is as it is after it.
    JobReturned {
        job: JobId,
        worker: WorkerId,
        machine: MachineId,
        from: Status,
        reason: ReturnReason,
        retry_at: Option<Timestamp>,
        counts: Counts,
        more_than_gb: Option<Number>,
        seq: u32,
    },
    /// The end. `worker` and `machine` are those of the lease it ended, if one was held.
    JobFinished {
        job: JobId,
        worker: Option<WorkerId>,
        machine: Option<MachineId>,
        attempt: u32,
        runs_failed: u32,
        outcome: Outcome,
        seq: u32,
    },
    /// Out of the ledger, which knows its id no more. Told to nobody; journals of earlier versions
    /// have it, and it is not decided any more.
    JobForgotten {
        job: JobId,
    },
    /// Out of the ledger: so many of the completed jobs and of the failed and cancelled ones, those
    /// of each that ended first. Told to nobody.
    JobsForgotten {
        completed: u32,
        unhappy: u32,
    },
    /// The largest [`order`](crate::Job::order) that was given, and how those jobs ended that are
    /// not known any more. Only the shortest story tells it, before all else.
    Counted {
        orders: u64,
        completed: u64,
        failed: u64,
        cancelled: u64,
    },

    MachineJoined {
        machine: MachineId,
        facts: MachineFacts,
        phase: Phase,
    },
    /// Other facts, another phase, drained or no longer, or heard again after a silence; as it
    /// now is, whole.
    MachineChanged {
        machine: MachineId,
        facts: MachineFacts,
        phase: Phase,
        is_draining: bool,
        silent_since: Option<Timestamp>,
        workers: Vec<WorkerReport>,
    },
    MachineSilent {
        machine: MachineId,
    },
    MachineLeft {
        machine: MachineId,
        reason: Option<Arc<str>>,
    },

    /// A session begins; leases that the worker still holds go on under it. The counts are
    /// those of the worker's whole life.
    WorkerJoined {
        worker: WorkerId,
        machine: MachineId,
        session: SessionId,
        slots: u32,
        capabilities: Arc<Capabilities>,
        loaded_models: BTreeSet<String>,
        is_draining: bool,
        jobs_completed: u64,
        jobs_failed: u64,
    },
    WorkerDeclared {
        worker: WorkerId,
        machine: MachineId,
        declared: Declared,
        old: WorkerStatus,
        new: WorkerStatus,
    },
    /// An operator drains it, or does no longer.
    WorkerDrained {
        worker: WorkerId,
        machine: MachineId,
        is_draining: bool,
        old: WorkerStatus,
        new: WorkerStatus,
    },
    /// Of the services that it offers, one does not work there, or does again: it is given no
    /// jobs of it meanwhile.
    ServiceTurned {
        worker: WorkerId,
        machine: MachineId,
        service: Service,
        is_down: bool,
        reason: Option<Arc<str>>,
    },
    /// Derived from leases: changes nothing, but is told in its place.
    WorkerTurned {
        worker: WorkerId,
        machine: MachineId,
        old: WorkerStatus,
        new: WorkerStatus,
        job: Option<JobId>,
    },
    WorkerLeft {
        worker: WorkerId,
        machine: MachineId,
        reason: Option<Arc<str>>,
    },

    /// Nothing of the service is given, whatever comes in; or it is again.
    ServicePaused {
        service: Service,
        is_paused: bool,
    },

    /// A client follows more: what it did not follow before. This and what follows is told to nobody.
    ClientFollows {
        client: ClientKey,
        jobs: Vec<JobId>,
        workflow: Option<WorkflowId>,
    },
    /// A client follows less; of its own jobs it is told no more.
    ClientUnfollows {
        client: ClientKey,
        jobs: Vec<JobId>,
        workflow: Option<WorkflowId>,
    },
    /// These were there, and have heard so far.
    ClientsSeen {
        clients: Vec<(ClientKey, u64)>,
    },
    /// They stayed away for too long, or had to make room for others.
    ClientsForgotten {
        clients: Vec<ClientKey>,
    },
}

/// One worker of a machine, as a report on the machine shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerReport {
    pub worker: WorkerId,
    pub services: BTreeSet<Service>,
    pub status: WorkerStatus,
    pub job: Option<JobId>,
}

/// Why a job went back to the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReturnReason {
    /// The run failed and another one is allowed.
    Failed {
        error: Arc<str>,
        failure: Failure,
    },
    /// The worker handed it back.
    Released {
        reason: Option<Arc<str>>,
    },
    NotStarted,
    LeaseExpired,
    SessionReplaced,
    WorkerLeft,
    MachineLeft,
}

impl ReturnReason {
    /// A stable word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            ReturnReason::Failed { .. } => "failed",
            ReturnReason::Released { .. } => "released",
            ReturnReason::NotStarted => "not_started",
            ReturnReason::LeaseExpired => "lease_expired",
            ReturnReason::SessionReplaced => "session_replaced",
            ReturnReason::WorkerLeft => "worker_left",
            ReturnReason::MachineLeft => "machine_left",
        }
    }

    /// Whether the worker had it and did nothing with it.
    #[must_use]
    pub fn is_handed_back(&self) -> bool {
        matches!(self, ReturnReason::Released { .. } | ReturnReason::NotStarted)
    }
}

/// Passing: told latest-wins to whoever listens now, never written.
#[derive(Clone, PartialEq, Debug)]
pub enum Pulse {
    Progress { job: JobId, worker: WorkerId, progress: Progress, at: Timestamp },
}

/// What one or several commands led to, in order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Told {
    pub events: Vec<Event>,
    pub pulses: Vec<Pulse>,
}
