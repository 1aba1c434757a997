//! Why an agent ends without having been asked to.

use client::ClientError;

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The broker said no to the machine or the worker as the config describes it.
    #[error("the broker refuses {what}: {error}")]
    Refused {
        /// Such as `worker gpu-a1-0`.
        what: String,
        error: ClientError,
    },
    /// Another process has registered as the same worker. The newer one wins.
    #[error(
        "worker {worker} was taken over: another agent runs under the same id; stop one, or give each machine its own [machine] id"
    )]
    Replaced { worker: String },
}
