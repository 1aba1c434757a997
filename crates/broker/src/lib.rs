//! The server: decide, write, tell.
//!
//! ```text
//!   doors ── Ask ──▶ dispatcher ── append ──▶ journal
//!     ▲                  │ durable
//!     └── answer ────────┤
//!                        ▼
//!                      feed ──▶ view (what may be read), log and cursors (what is told)
//! ```

mod clock;
mod config;
mod desk;
mod dispatcher;
mod doors;
mod feed;
pub mod limits;
mod office;
mod server;

pub use config::Config;
pub use dispatcher::Stopped;
pub use server::{Broker, StartError};
