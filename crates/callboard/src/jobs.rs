//! `callboard jobs`.

use crate::args::Explain;
use crate::say::say;
use crate::watch;
use std::process::ExitCode;
use wire::explain::Explained;

pub(crate) async fn explain(args: Explain) -> anyhow::Result<ExitCode> {
    let broker = args.broker.client()?.on_outage(watch::tell_outage);
    let explained = broker.explain(&args.job).await?;
    match args.json {
        true => say(&serde_json::to_string_pretty(&explained)?)?,
        false => tell(&explained)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The sentence first; then what stands behind it, as far as there is something.
fn tell(explained: &Explained) -> std::io::Result<()> {
    say(&explained.sentence)?;
    let Explained { workers, machines, .. } = explained;
    say(&format!(
        "  workers that could run it: {} of {}, with room now: {}; machines: {} of {}",
        workers.capable, workers.total, workers.free, machines.capable, machines.total
    ))?;
    for failing in &explained.requirements {
        say(&format!("  not met on {} of {} machines: {}", failing.machines, machines.total, failing.requirement))?;
    }
    if let Some(nearest) = &explained.nearest {
        let lacks = nearest.lacks.join("; ");
        say(&format!("  nearest that cannot: {} on {}, lacks {lacks}", nearest.worker_id, nearest.machine_id))?;
    }
    Ok(())
}
