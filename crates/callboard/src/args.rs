//! What can be said on the command line.

use crate::bench::Bench;
use crate::keep::keep;
use broker::{AllowOrigin, KeepFor, Secret};
use clap::{Parser, Subcommand, ValueEnum};
use client::Client;
use std::net::SocketAddr;
use std::num::NonZeroU32;
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
    Serve(Box<Serve>),
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
    /// Make the tokens that a broker asks for
    #[command(subcommand)]
    Token(Token),
    /// Measure it, on this machine
    #[command(subcommand)]
    Bench(Bench),
    /// See it work: a broker, three machines and a stream of jobs
    Demo(Demo),
    #[command(hide = true)]
    DemoDigest(DemoDigest),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// To read
    Text,
    /// To collect: one object a line
    Json,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  callboard serve
  callboard serve --listen 127.0.0.1:8080 --store sqlite:/var/lib/callboard/callboard.db
  callboard serve --listen 0.0.0.0:3331 --token-file /etc/callboard/tokens
  CALLBOARD_TOKEN=admin:…,worker@gpu-a*:… callboard serve --listen 0.0.0.0:3331

docs/operate.md says how tokens are made, written down and taken back.")]
pub(crate) struct Serve {
    /// Where to listen. Another address than loopback needs tokens, or --insecure-no-auth
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3331", env = "CALLBOARD_LISTEN", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Where everything is kept: sqlite:<path>, or memory: (gone at the end)
    #[arg(long, value_name = "URL", default_value = "sqlite:callboard.db", env = "CALLBOARD_STORE")]
    pub(crate) store: String,

    /// Let in whoever shows SECRET, with these roles: client, monitor, worker, admin, joined by +. A
    /// role may be bound: client@CUSTOMER, worker@MACHINE or worker@PREFIX*. The principal is called as
    /// its roles are written, or NAME=ROLES:SECRET. May be given more than once
    #[arg(long, value_name = "ROLES:SECRET", env = "CALLBOARD_TOKEN", hide_env_values = true, value_delimiter = ',')]
    pub(crate) token: Vec<Secret>,

    /// The same from a file, one a line: NAME ROLES [customer=ID] [machines=PREFIX*] sha256:HEX. It is
    /// read again when it changes
    #[arg(long, value_name = "FILE", env = "CALLBOARD_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Let pages of this origin speak to the board, such as https://app.example; * for all, which then
    /// need a token of their own. May be given more than once
    #[arg(long, value_name = "ORIGIN", env = "CALLBOARD_ALLOW_ORIGIN", value_delimiter = ',')]
    pub(crate) allow_origin: Vec<AllowOrigin>,

    /// Take at most so many submissions a second from one principal; each job of a batch is one
    #[arg(long, value_name = "N", env = "CALLBOARD_RATE_LIMIT")]
    pub(crate) rate_limit: Option<NonZeroU32>,

    /// Show monitors no payloads and no results
    #[arg(long, env = "CALLBOARD_REDACT_PAYLOADS")]
    pub(crate) redact_payloads: bool,

    /// Answer to this host name too, while there are no tokens; may be given more than once
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

    /// How the log is written to standard error; CALLBOARD_LOG says how much (info, or debug for every
    /// stream and socket that opens or ends)
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "CALLBOARD_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,

    /// Let anyone who reaches the address do everything
    #[arg(long, env = "CALLBOARD_INSECURE_NO_AUTH", conflicts_with_all = ["token", "token_file"])]
    pub(crate) insecure_no_auth: bool,
}

/// Which broker to speak to, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Address {
    /// The broker's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3331", env = "CALLBOARD_BROKER")]
    pub(crate) broker: String,

    /// The secret that the broker asks for. Others on this machine see a command line, not the environment
    #[arg(long = "token", value_name = "SECRET", env = "CALLBOARD_BROKER_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<Secret>,
}

impl Address {
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let broker = Client::new(&self.broker)?;
        match &self.token {
            Some(token) => Ok(broker.with_token(token.expose())?),
            None => Ok(broker),
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  callboard agent --broker http://127.0.0.1:3331 --config agent.toml")]
pub(crate) struct Agent {
    #[command(flatten)]
    pub(crate) broker: Address,

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
    #[command(flatten)]
    pub(crate) broker: Address,

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
    #[command(flatten)]
    pub(crate) broker: Address,

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
    #[command(flatten)]
    pub(crate) broker: Address,

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

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a secret, and the line of the token file that lets it in
    New(NewToken),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "The line goes to standard output, the secret to standard error, once: it is kept nowhere.

Examples:
  callboard token new api --role client --role monitor >> /etc/callboard/tokens
  callboard token new acme --role client --customer acme
  callboard token new rack-a --role worker --machines 'gpu-a*'

A second line of the same name is a second secret of the same principal: add it, give it to the
programs, then remove the first line.")]
pub(crate) struct NewToken {
    /// What its bearer is called: jobs belong to this name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// client, monitor, worker or admin; may be given more than once
    #[arg(long, value_name = "ROLE", required = true, value_delimiter = ',')]
    pub(crate) role: Vec<String>,

    /// Sees this customer's jobs only, and submits for no other
    #[arg(long, value_name = "ID")]
    pub(crate) customer: Option<String>,

    /// Works for this machine only, or with a star at the end for all whose ids begin so
    #[arg(long, value_name = "PREFIX*")]
    pub(crate) machines: Option<String>,
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
