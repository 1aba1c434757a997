//! What runs on the machines: one agent, its workers, and the engines that do the work.
//!
//! ```text
//! run ─┬─ machine: joins, beats (renewing every lease held here), waits for orders
//!      └─ worker × n: begins a session, asks for the next job
//!             └─ work × slots: engine → progress, then the report, repeated until it is heard
//! ```
//!
//! A broker that is away stops nothing that runs: leases are held, results are kept and told when
//! it is back. What the broker says is lost is stopped within a second.

pub mod config;
pub mod engine;
mod error;
mod host;
mod leases;
pub mod limits;
mod machine;
mod outage;
mod report;
mod site;
mod work;
mod worker;

pub use config::{Config, ConfigError};
pub use error::AgentError;

use client::Client;
use site::Site;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Serves the broker until `shutdown` is cancelled. Then nothing new is taken; what runs may go on
/// for `config.drain`, the rest is stopped and handed back unharmed; the machine leaves.
///
/// A broker that cannot be reached is waited for, also at the beginning.
///
/// Dropped before it is done, it ends everything at once: every program's group is killed, as soon
/// as the runtime gets to it or is dropped itself, and the broker is told nothing.
///
/// # Errors
/// The broker refuses this machine, or no worker is left: each was refused, or another copy of it
/// took over.
pub async fn run(config: Config, broker: Client, shutdown: CancellationToken) -> Result<(), AgentError> {
    let site = Arc::new(Site::new(config, broker, shutdown));
    if !machine::join(&site, true).await? {
        return Ok(());
    }
    let mut chores = JoinSet::new();
    chores.spawn(machine::beat(Arc::clone(&site)));
    chores.spawn(machine::follow_orders(Arc::clone(&site)));
    let mut workers = JoinSet::new();
    for index in 0..site.config.workers.len() {
        workers.spawn(worker::live(Arc::clone(&site), index));
    }
    let mut errors = Vec::new();
    // Ends by itself when every worker has an error.
    tokio::select! {
        () = site.shutdown.cancelled() => {}
        () = join_all(&mut workers, &mut errors) => {}
    }
    drain(&site, &mut workers, &mut errors).await;
    // First of all: a beat that hears it is not known any more would join again.
    chores.shutdown().await;
    // Where another copy lives on, this one may not take its machine away.
    if !errors.iter().any(|error| matches!(error, AgentError::Replaced { .. })) {
        machine::leave(&site).await;
    }
    let asked_to_end = site.shutdown.is_cancelled();
    match errors.into_iter().next() {
        Some(error) if !asked_to_end => Err(error),
        _ => Ok(()),
    }
}

/// Lets what runs end, then hands it back, then gives up. Bounded: `drain`, and after it the
/// longest grace and [`limits::KILLED_MS_MAX`] and twice [`limits::FAREWELL_MS_MAX`].
async fn drain(site: &Site, workers: &mut JoinSet<Result<(), AgentError>>, errors: &mut Vec<AgentError>) {
    if !workers.is_empty() {
        tracing::info!(
            seconds = site.config.drain.as_secs(),
            running = site.leases.len(),
            "ending: takes no more jobs"
        );
    }
    if timeout(site.config.drain, join_all(workers, errors)).await.is_ok() {
        return;
    }
    tracing::info!(running = site.leases.len(), "handing back what still runs");
    site.handback.cancel();
    let farewell = Duration::from_millis(limits::KILLED_MS_MAX + 2 * limits::FAREWELL_MS_MAX);
    if timeout(site.grace_max() + farewell, join_all(workers, errors)).await.is_err() {
        tracing::warn!(left = site.leases.len(), "some jobs could not be handed back; their leases will run out");
        workers.shutdown().await;
    }
}

async fn join_all(workers: &mut JoinSet<Result<(), AgentError>>, errors: &mut Vec<AgentError>) {
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!("{error}");
                errors.push(error);
            }
            Err(panic) => resume(panic),
        }
    }
}

/// A panic is a bug: it goes on where it can be seen.
fn resume(error: JoinError) {
    if let Ok(panic) = error.try_into_panic() {
        std::panic::resume_unwind(panic);
    }
}
