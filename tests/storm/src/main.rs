//! The kill storm: a real broker is killed over and over under load, and a checker that knows
//! nothing of it says from the logs whether anything was lost, doubled or left out.
//!
//! ```text
//!   run      broker, agents, submitters, watchers, kills ──▶ logs in a folder ──▶ check
//!   check    logs ──▶ figures and violations
//!   plant    logs, tampered with ──▶ check must object
//!   execute  what the agents run for each job
//! ```

mod check;
mod clock;
mod content;
mod dice;
mod execute;
mod folder;
mod logs;
mod plant;
mod record;
mod run;
mod weather;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Kills the broker under load and checks that nothing was lost, doubled or left out.
#[derive(Debug, Parser)]
#[command(name = "storm", version)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Storm, then check
    Run(Box<run::Options>),
    /// Check the logs of a run again
    Check { dir: PathBuf },
    /// Tamper with a copy of a run's logs; succeeds if the checker objects
    Plant {
        dir: PathBuf,
        /// A fault's name, or `all`
        fault: String,
    },
    /// The program of each job: marks the job as executed and works for as long as it asks
    #[command(hide = true)]
    Execute,
}

fn main() -> ExitCode {
    let done = match Args::parse().verb {
        Verb::Run(options) => run::run(&options),
        Verb::Check { dir } => check_folder(&dir).map(|report| report.is_clean()),
        Verb::Plant { dir, fault } => plant::plant_all(&dir, &fault),
        Verb::Execute => execute::execute().map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("storm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what the checker finds in the logs of `dir`.
fn check_folder(dir: &Path) -> anyhow::Result<check::Report> {
    let folder = folder::Folder::load(dir)?;
    let report = check::check(&logs::Logs::read(&folder)?);
    print!("{report}");
    Ok(report)
}
