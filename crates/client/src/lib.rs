//! A Rust hand on the broker: submit, watch, take work, report, beat (`docs/wire.md`).
//!
//! A [`Client`] makes typed calls and repeats none of them: each error says through
//! [`ClientError::is_weather`] whether the same call may succeed later, and [`Backoff`] says how
//! long to wait. Streams ([`Events`], [`JobWatch`], [`FleetWatch`]) do come back by themselves,
//! because they know from where to go on.

mod backoff;
mod doors;
mod error;
mod events;
mod http;
pub mod limits;
mod new_job;
pub mod sse;
mod watch;

pub use backoff::{Backoff, roll};
pub use error::{ClientError, TokenError, UrlError};
pub use events::Events;
pub use http::{Client, is_id};
pub use new_job::NewJob;
pub use sse::Event;
pub use watch::{FleetWatch, JobWatch, Message};
