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
mod contents;
mod desk;
mod dispatcher;
mod doors;
mod examine;
mod feed;
mod fill;
mod keeper;
pub mod limits;
mod office;
#[cfg(test)]
mod samples;
mod server;

pub use config::{Config, KeepFor};
pub use dispatcher::Stopped;
pub use examine::{Examined, examine};
pub use fill::{FillError, Lives, fill};
pub use server::{Broker, StartError};
