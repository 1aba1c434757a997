//! `callboard agent`.

use crate::args::Agent;
use client::Client;
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(args: Agent, shutdown: CancellationToken) -> anyhow::Result<()> {
    let config = agent::Config::from_file(&args.config)?;
    let broker = Client::new(&args.broker)?;
    let (machine, workers) = (config.machine.as_str(), config.workers.len());
    tracing::info!(machine, workers, broker = broker.url(), "this machine works for");
    agent::run(config, broker, shutdown).await?;
    Ok(())
}
