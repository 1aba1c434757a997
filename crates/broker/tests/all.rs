//! One test binary; each module's purpose is in its first line. The modules mirror the doors.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "it/archived.rs"]
mod archived;
#[path = "it/behind.rs"]
mod behind;
#[path = "it/board.rs"]
mod board;
#[path = "it/damage.rs"]
mod damage;
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
#[path = "it/strangers.rs"]
mod strangers;
#[path = "it/submitting.rs"]
mod submitting;
#[path = "it/timing.rs"]
mod timing;
#[path = "it/weather.rs"]
mod weather;
#[path = "it/workers.rs"]
mod workers;
