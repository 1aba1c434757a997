//! The one binary: reads arguments and environment, starts what they name, prints, and gives
//! the exit code.

mod args;
mod digest;
mod serve;

use args::{Args, Verb};
use clap::Parser;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("callboard: the system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(args)) {
        Ok(code) => code,
        Err(error) => {
            // The chain on one line: what failed, and why.
            eprintln!("callboard: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Serve(serve) => {
            log_to_stderr();
            serve::run(serve, ends_by_signal()?).await.map(|()| ExitCode::SUCCESS)
        }
        Verb::DemoDigest(digest) => digest::run(&digest),
        _ => anyhow::bail!("no"),
    }
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("CALLBOARD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}

/// Cancelled by the first Ctrl-C or TERM; the second ends the process at once.
fn ends_by_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let token = CancellationToken::new();
    let ends = token.clone();
    tokio::spawn(async move {
        for again in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if again {
                std::process::exit(130);
            }
            ends.cancel();
        }
    });
    Ok(token)
}
