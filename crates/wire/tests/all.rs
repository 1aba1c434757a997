//! One test binary: each module's purpose is in its first line.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "it/golden.rs"]
mod golden;
#[path = "it/samples.rs"]
mod samples;
#[path = "it/stored.rs"]
mod stored;
#[path = "it/submission.rs"]
mod submission;
