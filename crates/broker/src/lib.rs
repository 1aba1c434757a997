//! The server: decide, write, tell.
//!
//! ```text
//!   doors ── Ask ──▶ dispatcher ── append ──▶ journal
//!     ▲                  │ durable
//!     └── answer ────────┤
//!                        ▼
//!                      feed ──▶ view (what may be read), log and cursors (what is told)
//!                        │
//!          archiver ◀────┴────▶ keeper
//!     puts away what ended      checkpoints, trims, removes what is too old
//! ```

mod access;
mod archived;
mod archiver;
mod clock;
mod config;
mod connections;
mod contents;
mod desk;
mod dispatcher;
mod doors;
mod embedded;
mod examine;
mod feed;
mod fill;
mod keeper;
pub mod limits;
mod metrics;
mod office;
#[cfg(test)]
mod samples;
mod seen;
mod server;
mod socket;

pub use access::{AllowOrigin, KnownToken, OriginError, Secret, TokenError};
pub use config::{Config, KeepFor};
pub use dispatcher::Stopped;
pub use embedded::{Event, Feed, Lost, Subscription, Told};
pub use examine::{Examined, examine};
pub use feed::Of;
pub use fill::{FillError, Lives, fill};
pub use server::{Broker, StartError};
/// What events and those who follow them are named by.
pub use {
    fleet::{ClientId, ClientKey, Fact, JobId, PrincipalId, WorkflowId},
    wire::EventId,
};
