//! What can be said on the command line.

use crate::bench::Bench;
use crate::keep::keep;
use broker::KeepFor;
use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A job broker for fleets of GPU machines.
///
/// Programs submit jobs over HTTP, machines pull the ones they can run, and everyone
/// concerned watches it happen.
#[derive(Debug, Parser)]
#[command(version, name = "callboard")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the broker
    Serve(Serve),
    /// Run this machine's workers
    Agent(Agent),
    /// Submit a job
    Submit(Submit),
    /// Watch one job to its end, or everything
    Watch(Watch),
    /// Ask about jobs
    #[command(subcommand)]
    Jobs(Jobs),
    /// Look after what a broker keeps: check it, back it up, restore it
    #[command(subcommand)]
    Store(Store),
    /// Measure it, on this machine
    #[command(subcommand)]
    Bench(Bench),
    /// See it work: a broker, three machines and a stream of jobs
    Demo(Demo),
    #[command(hide = true)]
    DemoDigest(DemoDigest),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  callboard serve
  callboard serve --listen 127.0.0.1:8080 --store sqlite:/var/lib/callboard/callboard.db")]
pub(crate) struct Serve {
    /// Where to listen. Another address than loopback needs --insecure-no-auth
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3331", env = "CALLBOARD_LISTEN", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Where everything is kept: sqlite:<path>, or memory: (gone at the end)
    #[arg(long, value_name = "URL", default_value = "sqlite:callboard.db", env = "CALLBOARD_STORE")]
    pub(crate) store: String,

    /// Answer to this host name too; may be given more than once
    #[arg(long, value_name = "NAME", env = "CALLBOARD_ALLOW_HOST", value_delimiter = ',')]
    pub(crate) allow_host: Vec<String>,

    /// A job that has waited this long goes before all younger ones, whatever its priority (30m, 2h);
    /// without it, order is strict
    #[arg(long, value_name = "TIME", env = "CALLBOARD_STARVE_AFTER", value_parser = duration)]
    pub(crate) starve_after: Option<Duration>,

    /// How long what happened stays in the journal, for watchers who come back and for replay, and
    /// how much of it at most
    #[arg(long, value_name = "AGE[,SIZE]", default_value = "24h,4GiB", env = "CALLBOARD_JOURNAL_KEEP", value_parser = keep)]
    pub(crate) journal_keep: KeepFor,

    /// How long ended jobs are kept (24h at least); payloads and results of the oldest are dropped
    /// when all are larger than SIZE
    #[arg(long, value_name = "AGE[,SIZE]", default_value = "90d,50GiB", env = "CALLBOARD_ARCHIVE_KEEP", value_parser = keep)]
    pub(crate) archive_keep: KeepFor,

    /// When something has changed, write a checkpoint at the latest after this; a start after a crash
    /// replays no more than that
    #[arg(long, value_name = "TIME", default_value = "1m", env = "CALLBOARD_CHECKPOINT_EVERY", value_parser = duration)]
    pub(crate) checkpoint_every: Duration,

    /// Keep the text of ended jobs, so that they can be searched (?q=); takes disk space
    #[arg(long, env = "CALLBOARD_SEARCH")]
    pub(crate) search: bool,

    /// Let anyone who reaches the address do everything
    #[arg(long, env = "CALLBOARD_INSECURE_NO_AUTH")]
    pub(crate) insecure_no_auth: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  callboard agent --broker http://127.0.0.1:3331 --config agent.toml")]
pub(crate) struct Agent {
    /// The broker to work for
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3331", env = "CALLBOARD_BROKER")]
    pub(crate) broker: String,

    /// What this machine offers; docs/agent.md describes the file
    #[arg(long, value_name = "FILE", default_value = "agent.toml", env = "CALLBOARD_AGENT_CONFIG")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  callboard submit --service upscale --payload '{\"image\":\"cat.png\"}'
  callboard submit --service upscale --payload @job.json --watch
  echo '{\"image\":\"cat.png\"}' | callboard submit --service upscale --payload -

Exit codes with --watch: 0 the job completed, 1 it did not.")]
pub(crate) struct Submit {
    /// The broker to give it to
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3331", env = "CALLBOARD_BROKER")]
    pub(crate) broker: String,

    /// Which service the job needs
    #[arg(long, value_name = "NAME")]
    pub(crate) service: String,

    /// The payload: JSON, @file, or - for standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) payload: String,

    /// What the worker must have: a JSON object, such as '{"hardware":{"gpu_memory_gb":24}}'
    #[arg(long, value_name = "JSON")]
    pub(crate) requirements: Option<String>,

    /// 0 to 1000000; larger runs first
    #[arg(long, value_name = "N")]
    pub(crate) priority: Option<u32>,

    /// The job's id; submitting the same job under the same id again is harmless
    #[arg(long, value_name = "ID")]
    pub(crate) job_id: Option<String>,

    /// Stay until the job has ended
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  callboard watch                 everything, one message a line
  callboard watch 0199a4c5-…      one job to its end

Exit codes with a job: 0 it completed, 1 it did not.")]
pub(crate) struct Watch {
    /// The broker to listen to
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3331", env = "CALLBOARD_BROKER")]
    pub(crate) broker: String,

    /// The job to watch; without it, everything
    #[arg(value_name = "JOB")]
    pub(crate) job: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// Say why a job waits, and what would help
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  callboard jobs explain 0199a4c5-…

The first line is the answer; --json prints all that the broker says.")]
pub(crate) struct Explain {
    /// The broker to ask
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3331", env = "CALLBOARD_BROKER")]
    pub(crate) broker: String,

    /// The job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    /// Print the broker's answer as it is
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Check that everything in a store is what was written
    Check(StoreCheck),
    /// Copy a store into one file; the broker may go on meanwhile
    Backup(StoreBackup),
    /// Make a store out of a backup
    Restore(StoreRestore),
    /// Say what a store holds, and how much room it takes
    Stats(StoreStats),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Reads everything and changes nothing; the broker may go on meanwhile.

Examples:
  callboard store check
  callboard store check --deep sqlite:/var/lib/callboard/callboard.db

Exit codes: 0 it is sound (leftovers are told and harm nothing), 1 something is damaged,
2 it could not be checked.")]
pub(crate) struct StoreCheck {
    /// Read every large content and every index as well; takes longer
    #[arg(long)]
    pub(crate) deep: bool,

    /// The store: sqlite:<path>, or the path
    #[arg(value_name = "STORE", default_value = "sqlite:callboard.db", env = "CALLBOARD_STORE", value_parser = store_path)]
    pub(crate) store: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Everything is in the one file: what was decided, what has ended, and all payloads and results.
About twice the store's size is taken where FILE goes until it is done.

Example:
  callboard store backup /backups/callboard-$(date +%F).tar sqlite:/var/lib/callboard/callboard.db

Exit codes: 0 all is in the backup, 1 it is made but something was lost before,
2 there is no backup.")]
pub(crate) struct StoreBackup {
    /// The file to write; nothing may be there
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The store: sqlite:<path>, or the path
    #[arg(value_name = "STORE", default_value = "sqlite:callboard.db", env = "CALLBOARD_STORE", value_parser = store_path)]
    pub(crate) store: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Start the broker on the new store when this is done: callboard serve --store sqlite:<path>

Example:
  callboard store restore /backups/callboard-2026-11-24.tar sqlite:/var/lib/callboard/callboard.db

Exit codes: 0 it is restored and sound, 1 it is restored and something is damaged,
2 nothing was restored.")]
pub(crate) struct StoreRestore {
    /// A file that `callboard store backup` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The new store: sqlite:<path>, or the path; nothing may be there
    #[arg(value_name = "STORE", default_value = "sqlite:callboard.db", env = "CALLBOARD_STORE", value_parser = store_path)]
    pub(crate) store: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StoreStats {
    /// Print the figures as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The store: sqlite:<path>, or the path
    #[arg(value_name = "STORE", default_value = "sqlite:callboard.db", env = "CALLBOARD_STORE", value_parser = store_path)]
    pub(crate) store: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3331", env = "CALLBOARD_LISTEN", value_parser = address)]
    pub(crate) listen: SocketAddr,

    #[arg(long, value_name = "URL", default_value = "memory:", env = "CALLBOARD_STORE")]
    pub(crate) store: String,

    /// The folder whose files are hashed and compressed
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) root: PathBuf,
}

/// The program of the demo's machine: hashes and compresses the file that a job names.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoDigest {
    #[arg(long)]
    pub(crate) root: PathBuf,
}

/// `127.0.0.1:3331`, `[::1]:3331` or `localhost:3331`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let parsed = named.as_deref().unwrap_or(text).parse();
    parsed.map_err(|_| "an address to listen on looks like 127.0.0.1:3331 or [::1]:3331".to_owned())
}

/// `30m`, `1h 30m`, `90s`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.filter(|duration| !duration.is_zero()).ok_or_else(|| "a time looks like 90s, 30m or 2h".to_owned())
}

/// `sqlite:<path>`, or a path.
fn store_path(text: &str) -> Result<PathBuf, String> {
    match text.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(path.into()),
        Some(("memory", _)) => Err("memory: is gone with its process, there is nothing on disk".to_owned()),
        Some(("sqlite", _)) => Err("the path is missing: sqlite:<path>".to_owned()),
        _ => Ok(text.into()),
    }
}
