//! What may be asked of the ledger, and what it answers.

use crate::{
    Capabilities, ClientKey, Content, Declared, Failure, JobId, JobSpec, LeaseId, MachineFacts, MachineId, Phase,
    Progress, Rank, Refusal, Service, SessionId, Timestamp, WorkerId, WorkflowId,
};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Of a job of a workflow: what the archive remembers of the workflow's rank. It holds only if
    /// the ledger knows none.
    Submit {
        spec: Arc<JobSpec>,
        recalled: Option<Rank>,
    },
    /// Each as if it were submitted alone, in order; what they free is given when all are in.
    SubmitAll {
        specs: Vec<(Arc<JobSpec>, Option<Rank>)>,
    },
    Cancel {
        job: JobId,
    },

    JoinMachine {
        machine: MachineId,
        facts: MachineFacts,
    },
    Beat(Beat),
    /// Takes the orders that wait for a machine; they are not given twice.
    TakeOrders {
        machine: MachineId,
    },
    LeaveMachine {
        machine: MachineId,
    },

    DrainMachine {
        machine: MachineId,
        is_draining: bool,
    },

    JoinWorker(JoinWorker),
    /// With a session, only if it is still the worker's.
    LeaveWorker {
        worker: WorkerId,
        session: Option<SessionId>,
    },
    DrainWorker {
        worker: WorkerId,
        is_draining: bool,
    },
    PauseService {
        service: Service,
        is_paused: bool,
    },
    Next(Next),
    /// The worker that stands ready under this lease's name asks no more.
    StandDown {
        worker: WorkerId,
        lease: LeaseId,
    },

    Start {
        lease: LeaseId,
    },
    Renew {
        lease: LeaseId,
    },
    Progress {
        lease: LeaseId,
        progress: Progress,
    },
    Finish {
        lease: LeaseId,
        result: Content,
    },
    Fail(Fail),
    Release {
        lease: LeaseId,
        reason: Option<Arc<str>>,
    },

    /// A client wants to be told of these jobs, and of all of this workflow that its principal has
    /// or submits later. What it submitted itself it is told of anyway, unless it unfollowed that.
    Follow {
        client: ClientKey,
        jobs: Vec<JobId>,
        workflow: Option<WorkflowId>,
    },
    Unfollow {
        client: ClientKey,
        jobs: Vec<JobId>,
        workflow: Option<WorkflowId>,
    },
    /// These clients are connected or were a moment ago, each with the number of the last event
    /// that it has for sure; 0 says nothing.
    ClientsSeen {
        clients: Vec<(ClientKey, u64)>,
    },

    /// All that ended before this time can be read elsewhere, and may be forgotten in time. Heard
    /// and not remembered: said again after a restart.
    Archived {
        before: Timestamp,
    },

    /// Time has passed.
    Tick,
}

/// A machine is alive. Renews the leases it names, and no others.
#[derive(Clone, PartialEq, Debug)]
pub struct Beat {
    pub machine: MachineId,
    pub phase: Option<Phase>,
    pub leases: Vec<LeaseId>,
    pub workers: Vec<(WorkerId, Declared)>,
    /// Which of its workers' services work, of those it says something of.
    pub services: Vec<(WorkerId, Service, Health)>,
}

/// Whether a service does its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    Up,
    Down,
}

/// A worker begins a session. Leases of an earlier one that `resume` does not name go back
/// to the queue.
#[derive(Clone, PartialEq, Debug)]
pub struct JoinWorker {
    pub worker: WorkerId,
    pub machine: MachineId,
    /// Fresh.
    pub session: SessionId,
    pub slots: u32,
    pub capabilities: Arc<Capabilities>,
    /// Of its models, those that it need not load first.
    pub loaded_models: BTreeSet<String>,
    pub resume: Vec<LeaseId>,
}

/// A worker asks for work. What it was given and has not heard of comes first.
#[derive(Clone, PartialEq, Debug)]
pub struct Next {
    pub worker: WorkerId,
    pub session: SessionId,
    /// The leases it knows of.
    pub have: Vec<LeaseId>,
    /// Fresh; the name of the lease if one is given, now or while it stands.
    pub lease: LeaseId,
    /// If there is nothing now, it stands ready until then.
    pub until: Timestamp,
    /// An assignment counts as started.
    pub start: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Fail {
    pub lease: LeaseId,
    pub error: Arc<str>,
    pub failure: Failure,
    /// `false`: final, whatever is left.
    pub retry: bool,
    pub retry_after_ms: Option<u64>,
    /// A random number, for the jitter of the backoff.
    pub roll: u32,
}

/// What the caller is told when the command was not refused.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    Done,
    Submitted(Submitted),
    /// One for each, in their order.
    SubmittedAll(Vec<Result<Submitted, Refusal>>),
    Orders(Orders),
    /// `is_new`: there is something that the machine was not told before.
    TakenOrders {
        orders: Orders,
        is_new: bool,
    },
    /// Without a grant there is nothing now; the worker stands ready if it said until when and
    /// has room.
    Next {
        grant: Option<Grant>,
        orders: Orders,
    },
    /// `retry_at` is when the job may run again; `None`: the failure was final.
    Failed {
        retry_at: Option<Timestamp>,
    },
}

/// A submission that stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submitted {
    pub job: JobId,
    /// The same submission was there before, and nothing happened.
    pub duplicate: bool,
}

/// A lease as its holder learns of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Grant {
    pub lease: LeaseId,
    pub attempt: u32,
    pub expires_at: Timestamp,
    pub job: JobId,
}

/// What the caller should do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Orders {
    /// Leases that are no longer held: stop their work.
    pub cancel: Vec<LeaseId>,
    /// Finish what runs and take nothing new.
    pub drain: bool,
}
