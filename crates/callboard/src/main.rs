//! The one binary: reads arguments and environment, starts what they name, prints, and gives
//! the exit code.

mod args;
mod bench;
mod demo;
mod digest;
mod jobs;
mod keep;
mod run_agent;
mod say;
mod serve;
mod submit;
mod token;
mod upkeep;
mod watch;

use args::{Args, LogFormat, Verb};
use clap::Parser;
use say::note;
use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// A broker makes and drops small things on every thread at once, which the system's allocator pays for dearly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Signals so soon after the first are the same one.
const ONE_SIGNAL: Duration = Duration::from_millis(500);

/// What may still be in the middle of something when the process is to end, is waited for this long.
const LAST_WAIT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let args = Args::parse();
    let mut runtime = match &args.verb {
        // A load that shares the processor with what it measures must not wander between threads.
        Verb::Bench(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note(&format!("callboard: the system gives no threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match run(args).await {
            Ok(code) => code,
            Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
            Err(error) => {
                // The chain on one line: what failed, and why.
                note(&format!("callboard: {error:#}"));
                ExitCode::FAILURE
            }
        }
    });
    // Tasks are dropped here, and with them the programs they run.
    runtime.shutdown_timeout(LAST_WAIT);
    code
}

/// Whoever read our output has gone, as in `callboard watch | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Serve(args) => until_stopped("info", args.log_format, |stop| Box::pin(serve::run(*args, stop))).await,
        Verb::Agent(args) => until_stopped("info", LogFormat::Text, |stop| run_agent::run(args, stop)).await,
        Verb::Demo(args) => until_stopped("warn", LogFormat::Text, |stop| demo::run(args, stop)).await,
        Verb::Submit(args) => submit::run(args).await,
        Verb::Watch(args) => watch::run(args).await,
        Verb::Jobs(args::Jobs::Explain(args)) => jobs::explain(args).await,
        Verb::Store(args) => tokio::task::block_in_place(|| upkeep::run(args)),
        Verb::Token(args::Token::New(args)) => token::new(&args),
        Verb::Bench(args) => until_interrupted(Box::pin(bench::run(args))).await,
        Verb::DemoDigest(args) => digest::run(&args),
    }
}

/// Runs what runs until it is stopped: the first signal stops it in order, the second drops it.
async fn until_stopped<F>(
    level: &str,
    format: LogFormat,
    part: impl FnOnce(CancellationToken) -> F,
) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<()>>,
{
    log_to_stderr(level, format);
    let (stop, drop_it) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(count_signals(signals()?, stop.clone(), drop_it.clone()));
    tokio::select! {
        ended = part(stop) => match ended {
            Err(error) if format == LogFormat::Json => {
                tracing::error!("{error:#}");
                Ok(ExitCode::FAILURE)
            }
            ended => ended.map(|()| ExitCode::SUCCESS),
        },
        () = drop_it.cancelled() => {
            match format {
                LogFormat::Text => note("stopped at once"),
                LogFormat::Json => tracing::warn!("stopped at once"),
            }
            Ok(ExitCode::from(130))
        }
    }
}

/// Runs what ends by itself. Interrupted, it is dropped, and with it the programs and folders it made.
async fn until_interrupted(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let [mut interrupt, mut terminate, mut hangup] = signals()?;
    tokio::select! {
        ended = work => ended,
        _ = interrupt.recv() => Ok(ExitCode::from(130)),
        _ = terminate.recv() => Ok(ExitCode::from(143)),
        _ = hangup.recv() => Ok(ExitCode::from(129)),
    }
}

/// `CALLBOARD_LOG` says otherwise, in the syntax of `tracing`'s filters.
fn log_to_stderr(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_env("CALLBOARD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Ctrl-C, TERM, and the terminal that was closed.
fn signals() -> std::io::Result<[Signal; 3]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?])
}

async fn count_signals(
    [mut interrupt, mut terminate, mut hangup]: [Signal; 3],
    first: CancellationToken,
    second: CancellationToken,
) {
    let mut said = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    };
    said().await;
    first.cancel();
    // A process manager may tell the group and the process: that is one signal.
    let again = async {
        loop {
            said().await;
        }
    };
    let _ = tokio::time::timeout(ONE_SIGNAL, again).await;
    said().await;
    second.cancel();
}
