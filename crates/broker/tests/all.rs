//! One test binary; each module's purpose is in its first line. The modules mirror the doors.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "it/access.rs"]
mod access;
#[path = "it/archived.rs"]
mod archived;
#[path = "it/behind.rs"]
mod behind;
#[path = "it/board.rs"]
mod board;
#[path = "it/damage.rs"]
mod damage;
#[path = "it/embedded.rs"]
mod embedded;
#[path = "it/events.rs"]
mod events;
#[path = "it/explaining.rs"]
mod explaining;
#[path = "it/holding.rs"]
mod holding;
#[path = "it/http.rs"]
mod http;
#[path = "it/jobs.rs"]
mod jobs;
#[path = "it/matrix.rs"]
mod matrix;
#[path = "it/metrics.rs"]
mod metrics;
#[path = "it/own.rs"]
mod own;
#[path = "it/reference.rs"]
mod reference;
#[path = "it/sessions.rs"]
mod sessions;
#[path = "it/socket.rs"]
mod socket;
#[path = "it/sockets.rs"]
mod sockets;
#[path = "it/strangers.rs"]
mod strangers;
#[path = "it/submitting.rs"]
mod submitting;
#[path = "it/timing.rs"]
mod timing;
#[path = "it/waiting.rs"]
mod waiting;
#[path = "it/weather.rs"]
mod weather;
#[path = "it/workers.rs"]
mod workers;
