//! Jobs, workers, machines, and what may happen to them: the rules, and nothing else.
//!
//! This crate does no I/O, reads no clock, draws no random number and makes no id: time, ids
//! and dice enter as arguments. It does not serialise; `wire` gives its values a shape.
//!
//! ```text
//!   Command, now ──▶ Ledger::handle ──▶ Events (to be journalled), Pulses (to be told), Answer
//!                        │
//!                        └── every change goes through Ledger::apply(&Event)
//! ```
//!
//! The [`Ledger`] holds what is remembered and can be replayed. Inside it, [`Presence`] holds
//! what is merely heard – who is alive, who stands ready – and is rebuilt by the next
//! heartbeat.

mod command;
mod event;
mod ids;
mod job;
mod lease;
mod ledger;
pub mod limits;
mod machine;
mod matching;
mod presence;
mod refusal;
mod requirements;
mod schedule;
mod time;
mod worker;

pub use command::{Answer, Beat, Command, Fail, Grant, JoinWorker, Next, Orders};
pub use event::{Event, Fact, Pulse, ReturnReason, Told, WorkerReport};
pub use ids::{CustomerId, Id, IdError, JobId, LeaseId, MachineId, Service, SessionId, WorkerId, WorkflowId};
pub use job::{
    Attempt, AttemptEnd, Content, Failure, FailureKind, Job, JobSpec, Outcome, Progress, State, Status, Workflow,
};
pub use lease::Lease;
pub use ledger::{Ledger, Tally};
pub use machine::{Machine, MachineFacts, Phase};
pub use presence::Presence;
pub use refusal::Refusal;
pub use requirements::Requirements;
pub use schedule::OrderKey;
pub use time::Timestamp;
pub use worker::{Capabilities, Declared, Hardware, Worker, WorkerStatus};
