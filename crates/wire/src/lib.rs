//! The shapes that cross a border – the network, the disk – and the only crate that serialises.
//!
//! It holds no state and opens no socket. What comes in is parsed here into `fleet`'s closed
//! types or refused as [`Malformed`]; what goes out is given its words here, once for each of
//! the two dialects. `docs/wire.md` tells the same to people outside.

pub mod access;
pub mod agent;
pub mod client;
mod event_id;
pub mod explain;
mod filters;
pub mod jobs;
mod json;
pub mod limits;
mod malformed;
pub mod monitor;
pub mod openapi;
pub mod ops;
pub mod problem;
pub mod requests;
mod requirements;
pub mod snapshot;
pub mod stored;
mod time;
mod topics;
mod tree;
mod words;

pub use event_id::EventId;
pub use filters::{About, Filters, FiltersBody};
pub use json::{Fields, Json, compact, parse};
pub use malformed::Malformed;
pub use problem::Problem;
pub use time::{parse_rfc3339, rfc3339};
pub use topics::Topics;
pub use words::{DeclaredWord, FailureType, IsolationWord, JobStatus, PhaseWord, WorkerWord};

/// Looks up the bytes that an event names by their hash. `None`: they are gone.
pub type Contents<'a> = &'a dyn Fn(&fleet::Content) -> Option<bytes::Bytes>;
