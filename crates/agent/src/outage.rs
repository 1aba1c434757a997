//! Says once that the broker is away, and once that it is back.

use client::ClientError;
use tokio::time::Instant;

/// How one kind of call has been going.
#[derive(Debug)]
pub(crate) struct Outage {
    what: String,
    since: Option<Instant>,
}

impl Outage {
    /// `what` completes "cannot …".
    pub(crate) fn of(what: impl Into<String>) -> Outage {
        Outage { what: what.into(), since: None }
    }

    pub(crate) fn failed(&mut self, error: &ClientError) {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            tracing::warn!("cannot {}: {error}; tries again", self.what);
        } else {
            tracing::debug!("still cannot {}: {error}", self.what);
        }
    }

    /// Says whether it had failed before.
    pub(crate) fn went_well(&mut self) -> bool {
        let since = self.since.take();
        if let Some(since) = since {
            tracing::info!(seconds = since.elapsed().as_secs(), "can {} again", self.what);
        }
        since.is_some()
    }
}
