//! `callboard bench`: figures that anyone can measure again, each run with its own check.

pub(crate) mod args;
mod board;
mod claim;
mod content;
mod disk;
mod doors;
mod fill;
mod fleet;
mod in_process;
mod life;
mod lists;
mod load;
mod measure;
mod million;
mod process;
mod report;
mod scenario;
mod standing;
mod submit;
mod watcher;

pub(crate) use args::Bench;
use std::process::ExitCode;

pub(crate) async fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Claim(args) => claim::claim(args).await,
        Bench::Fill(args) => fill::fill(args).await,
        Bench::Life(args) => life::life(args).await,
        Bench::Restart(args) => million::restart(args).await,
        Bench::Memory(args) => million::memory(args).await,
        Bench::Lists(args) => lists::lists(args).await,
        Bench::Submit(args) => submit::submit(args).await,
    }
}
