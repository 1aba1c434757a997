//! `callboard agent`.

use crate::args::Agent;
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(args: Agent, shutdown: CancellationToken) -> anyhow::Result<()> {
    let config = agent::Config::from_file(&args.config)?;
    let broker = args.broker.client()?;
    let (machine, workers) = (config.machine.as_str(), config.workers.len());
    tracing::info!(machine, workers, broker = broker.url(), "this machine works for");
    agent::run(config, broker, shutdown).await?;
    Ok(())
}
