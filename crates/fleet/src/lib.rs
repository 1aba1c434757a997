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

mod client;
mod command;
mod event;
mod explain;
mod ids;
mod job;
mod lease;
mod ledger;
pub mod limits;
mod machine;
mod matching;
mod number;
mod presence;
mod refusal;
mod requirements;
mod schedule;
mod time;
mod worker;

pub use client::{Client, ClientKey};
pub use command::{Answer, Beat, Command, Fail, Grant, Health, JoinWorker, Next, Orders, Submitted};
pub use event::{Event, Fact, Pulse, ReturnReason, Told, WorkerReport};
pub use explain::{Best, Explanation, Lack, Nearest, Verdict};
pub use ids::{
    ClientId, CustomerId, Id, IdError, JobId, LeaseId, MachineId, PrincipalId, Service, SessionId, WorkerId, WorkflowId,
};
pub use job::{
    Attempt, AttemptEnd, Backoff, Content, Counts, Expiry, Failure, FailureKind, Finished, Job, JobSpec, Missing,
    Options, Outcome, Owner, Progress, Rank, State, Status, Timing, Waiting, Workflow,
};
pub use lease::Lease;
pub use ledger::{Chapter, Ledger, Rules, Tally};
pub use machine::{Machine, MachineFacts, Phase};
pub use number::Number;
pub use presence::Presence;
pub use refusal::Refusal;
pub use requirements::{Need, Part, Requirements, Scalar, Test, Value};
pub use schedule::{Ahead, ClassReport, OrderKey};
pub use time::Timestamp;
pub use worker::{Capabilities, CustomerAccess, Declared, Hardware, Isolation, Worker, WorkerStatus};
