//! The one binary: reads arguments and environment, starts what they name, prints, and gives
//! the exit code.

mod args;
mod demo;
mod digest;
mod run_agent;
mod serve;
mod submit;
mod watch;

use args::{Args, Verb};
use clap::Parser;
use std::io::IsTerminal;
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
            log_to_stderr("info");
            serve::run(serve, ends_by_signal()?).await.map(|()| ExitCode::SUCCESS)
        }
        Verb::Agent(agent) => {
            log_to_stderr("info");
            run_agent::run(agent, ends_by_signal()?).await.map(|()| ExitCode::SUCCESS)
        }
        Verb::Demo(demo) => {
            log_to_stderr("warn");
            demo::run(demo, ends_by_signal()?).await.map(|()| ExitCode::SUCCESS)
        }
        Verb::Submit(submit) => submit::run(submit).await,
        Verb::Watch(watch) => watch::run(watch).await,
        Verb::DemoDigest(digest) => digest::run(&digest),
    }
}

/// `CALLBOARD_LOG` says otherwise, in the syntax of `tracing`'s filters.
fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_env("CALLBOARD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
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
