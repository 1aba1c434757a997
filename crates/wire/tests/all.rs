//! One test binary: each module's purpose is in its first line.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "it/capabilities.rs"]
mod capabilities;
#[path = "it/digest.rs"]
mod digest;
#[path = "it/explained.rs"]
mod explained;
#[path = "it/golden.rs"]
mod golden;
#[path = "it/requirements.rs"]
mod requirements;
#[path = "it/requirements_hostile.rs"]
mod requirements_hostile;
#[path = "it/requirements_shown.rs"]
mod requirements_shown;
#[path = "it/samples.rs"]
mod samples;
#[path = "it/samples_newer.rs"]
mod samples_newer;
#[path = "it/stored.rs"]
mod stored;
#[path = "it/submission.rs"]
mod submission;
#[path = "it/submission_parts.rs"]
mod submission_parts;
