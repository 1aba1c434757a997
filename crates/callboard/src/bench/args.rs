//! What can be said after `callboard bench`.

use super::{life, submit};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// What giving a job costs while few or many wait, what a worker costs that joins, and what
    /// explaining costs
    Claim(BenchClaim),
    /// How many jobs are taken in, each of them durable before its answer
    Submit(BenchSubmit),
    /// Whole lives of jobs over the doors
    Life(BenchLife),
    /// How soon a broker works again that was killed while very many jobs wait
    Restart(BenchRestart),
    /// What memory waiting jobs cost, also after a restart
    Memory(BenchMemory),
    /// How soon the first page of a list is there, under every filter and every two of them
    Lists(BenchLists),
    /// Makes a store as it is after very many jobs
    Fill(BenchFill),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Decided by the rules and written as a broker would, without doors: about as large as a real one.

Example:
  callboard bench fill --jobs 10000000 sqlite:/var/tmp/full.db
  callboard bench lists --store sqlite:/var/tmp/full.db"
)]
pub(crate) struct BenchFill {
    /// Jobs that have ended
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) jobs: u64,

    /// The new store; nothing may be there
    #[arg(value_name = "STORE")]
    pub(crate) store: String,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Measures in this process and through the doors of a broker that it starts on
loopback. Ends by itself; every lease is checked: no job given twice, none lost.

Examples:
  callboard bench claim
  callboard bench claim --waiting 1000,100000 --runs 3 --json")]
pub(crate) struct BenchClaim {
    /// How many jobs wait, for each measurement
    #[arg(long, value_name = "N,…", default_value = "1000,100000,1000000", value_delimiter = ',')]
    pub(crate) waiting: Vec<usize>,

    /// Different sets of requirements that no worker meets
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) sets: usize,

    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) customers: usize,

    /// Different kinds of workers
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) profiles: usize,

    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) workers: usize,

    /// Leases measured in each run
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) claims: usize,

    /// Each measurement is taken so often; the median counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) runs: usize,

    /// Only in this process
    #[arg(long, conflicts_with = "doors")]
    pub(crate) in_process: bool,

    /// Only through the doors
    #[arg(long)]
    pub(crate) doors: bool,

    /// Print the figures as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Starts a broker of its own on loopback with a store in a temporary folder. Ends by
itself; after every run each acknowledged job must be there exactly once, and no other.

Examples:
  callboard bench submit
  callboard bench submit --part each --jobs 20000 --runs 1 --json")]
pub(crate) struct BenchSubmit {
    /// What is measured
    #[arg(long, value_enum, value_name = "PART,…", default_value = "each,batch,pause", value_delimiter = ',')]
    pub(crate) part: Vec<submit::Part>,

    /// Jobs of one run; in batches three times as many
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) jobs: u64,

    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) connections: u64,

    /// Jobs in one call of `batch`
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) batch: u64,

    /// Size of each payload; no two are alike
    #[arg(long, value_name = "BYTES", default_value_t = 1_024)]
    pub(crate) payload: usize,

    /// Calls in a second of `pause`
    #[arg(long, value_name = "N", default_value_t = 2_000.0)]
    pub(crate) rate: f64,

    /// How long `pause` looks
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) seconds: u64,

    /// The broker asks for a token, and every call shows it
    #[arg(long)]
    pub(crate) tokens: bool,

    #[command(flatten)]
    pub(crate) all: BenchAll,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Starts a broker of its own on loopback with a store in a temporary folder. Ends by
itself; after every run each job must have been given once and finished once, and have the
payload and the result that were sent; with watchers, each was told so once.

Examples:
  callboard bench life
  callboard bench life --way chained --watchers 1 --runs 1 --json")]
pub(crate) struct BenchLife {
    /// How a job goes through its life
    #[arg(long, value_enum, value_name = "WAY,…", default_value = "steps,chained,bare,waiting", value_delimiter = ',')]
    pub(crate) way: Vec<life::Way>,

    /// Jobs of one run
    #[arg(long, value_name = "N", default_value_t = 30_000)]
    pub(crate) jobs: u64,

    /// Jobs on their way at once: each on a connection, under a worker of its own
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) connections: u64,

    /// Size of each payload; no two are alike
    #[arg(long, value_name = "BYTES", default_value_t = 1_024)]
    pub(crate) payload: usize,

    /// Monitors that are told everything meanwhile
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) watchers: usize,

    /// Workers of `waiting`
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) workers: u64,

    /// Jobs in a second of `waiting`
    #[arg(long, value_name = "N", default_value_t = 500.0)]
    pub(crate) rate: f64,

    /// Jobs of one run of `waiting`, if --jobs are not fewer
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub(crate) waiting: u64,

    #[command(flatten)]
    pub(crate) all: BenchAll,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Fills a board once, then kills and starts the broker again and again. Each time the
first worker that asks must be given the oldest job, and all others must still wait.

Examples:
  callboard bench restart
  callboard bench restart --jobs 100000 --runs 3 --json")]
pub(crate) struct BenchRestart {
    /// The broker is killed so often; the median counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) runs: usize,

    #[command(flatten)]
    pub(crate) many: BenchMany,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  callboard bench memory --jobs 100000")]
pub(crate) struct BenchMemory {
    /// A board is filled so often; the median counts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) runs: usize,

    #[command(flatten)]
    pub(crate) many: BenchMany,
}

/// A board on which many jobs wait.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchMany {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) jobs: u64,

    /// Size of each payload; no two are alike
    #[arg(long, value_name = "BYTES", default_value_t = 1_024)]
    pub(crate) payload: usize,

    /// Where the store is put, in a folder that is removed; without it: where the system puts what
    /// is temporary
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,

    /// Print the figures as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Takes the values to filter by from the list itself, those of one job and of two in
turn. Every row of every page must pass the filter.

Examples:
  callboard bench lists
  callboard bench lists --store sqlite:/var/lib/callboard/copy.db
  callboard bench lists --broker http://127.0.0.1:3331")]
pub(crate) struct BenchLists {
    /// A broker that runs
    #[arg(long, value_name = "URL", conflicts_with = "store")]
    pub(crate) broker: Option<String>,

    /// A store that no broker has; without it and --broker, one is filled first
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,

    /// Jobs of the store that is filled
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) jobs: usize,

    /// Pages of each filter in one run
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub(crate) times: usize,

    /// Rows of a page
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) all: BenchAll,
}

/// What every bench that starts a broker understands.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchAll {
    /// Each measurement is taken so often; the median counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) runs: usize,

    /// Where the stores are put, each in a folder that is removed; its disk is what is measured.
    /// Without it: where the system puts what is temporary
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,

    /// Print the figures as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
