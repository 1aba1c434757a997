//! What does a job's work. An engine knows the job and whom to tell; leases, the broker and
//! what is retried are not its business.

pub mod command;
mod group;
mod said;
mod simulated;
mod tell;

use crate::config::EngineConfig;
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use wire::jobs::JobView;
use wire::{FailureType, Json};

pub use simulated::Simulated;
pub(crate) use tell::cut;
pub use tell::{Level, Tell};

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    Done(Json),
    Failed(Failed),
    /// Somebody outside ended it with TERM or INT: as part of ending the agent, or it has failed.
    ToldToEnd(Failed),
    /// It was told to stop and has stopped; nothing of it runs any more.
    Stopped,
}

/// Why a run failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// For people.
    pub error: String,
    pub kind: FailureType,
    pub reason: Option<String>,
    /// Whether another run could go better.
    pub retry: bool,
}

impl Outcome {
    /// A failure that another run may not meet.
    #[must_use]
    pub fn failed(kind: FailureType, error: impl Into<String>) -> Outcome {
        let retry = !matches!(kind, FailureType::BadInput | FailureType::Refusal);
        Outcome::Failed(Failed { error: error.into(), kind, reason: None, retry })
    }
}

/// A run in progress. Dropping it ends the work at once, without a grace.
pub type Run<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Does the work of one service, for any number of jobs at once.
pub trait Engine: Send + Sync {
    /// Works on `job` until it is done, has failed, or `stop` is cancelled; then it ends what it
    /// began, within a bounded time, and says [`Outcome::Stopped`].
    fn run<'a>(&'a self, job: &'a JobView, tell: Tell, stop: CancellationToken) -> Run<'a>;
}

/// The engine that the config describes.
#[must_use]
pub fn of(config: &EngineConfig) -> Arc<dyn Engine> {
    match config {
        EngineConfig::Command(config) => Arc::new(command::Command(config.clone())),
        EngineConfig::Simulated(config) => Arc::new(Simulated(config.clone())),
    }
}
