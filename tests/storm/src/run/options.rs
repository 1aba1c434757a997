//! What a run may be told, and what follows from it.

use super::ear::Doing;
use super::log::Log;
use super::plan::STOPPED_MS;
use crate::record::Demand;
use std::path::PathBuf;
use std::time::Duration;

/// What the broker's disk does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sky {
    /// Nothing.
    #[default]
    Calm,
    /// It is full, twice, and there is room again.
    Full,
    /// As `full`, on a real file system of its own, where one may be mounted.
    FullMount,
    /// Each sync takes long, now 200 ms, now 3 s; some fail.
    Slow,
    /// With each kill the power goes: what was not synced is lost.
    Power,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// SIGKILLs of the broker [default: 200; with agents or weather fewer]
    #[arg(long)]
    kills: Option<usize>,
    /// Submissions a second, over all
    #[arg(long)]
    rate: Option<u32>,
    /// The same seed plans the same kills and jobs
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where logs and the store go; it must not exist or be empty
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The program under test [default: beside this one]
    #[arg(long)]
    pub(crate) callboard: Option<PathBuf>,
    /// Agents are killed and stopped as well
    #[arg(long)]
    pub(crate) agents: bool,
    /// What the broker's disk does
    #[arg(long, value_enum, default_value_t)]
    pub(crate) weather: Sky,
    /// Few kills: over within half a minute where nothing else runs
    #[arg(long)]
    pub(crate) short: bool,
    /// Threads that submit
    #[arg(long, default_value_t = 16)]
    pub(crate) submitters: usize,
    /// Mean time from the first answer to the next blow
    #[arg(long)]
    mean_gap_ms: Option<u64>,
    /// After so long everything is killed and the storm has failed
    #[arg(long, env = "STORM_DEADLINE_S")]
    deadline_s: Option<u64>,
    /// Words of the broker that begin something, and those that end it; kills are timed by them
    #[arg(
        long = "doing",
        value_name = "BEGINS=ENDS",
        value_delimiter = ',',
        default_value = "checkpoint begins=checkpoint written,trim begins=trimmed"
    )]
    pub(crate) doings: Vec<Doing>,
    /// How long a kill waits for one of them, then it comes without
    #[arg(long, default_value_t = 30_000)]
    pub(crate) amid_wait_ms: u64,
    /// Kills that have to come amid one of them, in percent
    #[arg(long)]
    amid_percent: Option<u64>,
    /// What the broker logs, in the syntax of `CALLBOARD_LOG`
    #[arg(long, default_value = "info,broker=debug")]
    pub(crate) serve_log: String,
    /// One more argument for `callboard serve`; may be repeated
    #[arg(long = "serve-arg", value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) serve_args: Vec<String>,
    /// On a full disk nothing has to go on
    #[arg(long)]
    pub(crate) full_stops_all: bool,
    /// Where the store is, if it is not below `dir`
    #[arg(long, hide = true)]
    pub(crate) mounted: bool,
}

/// Figures for each kind of run: kills, submissions a second, mean gap, deadline.
struct Usual {
    kills: usize,
    rate: u32,
    gap_ms: u64,
    deadline_s: u64,
}

/// Acknowledged jobs of those that are submitted: less shows nothing. A short storm is over before
/// a busy machine has caught up, and where agents are struck as well others are at the centre.
const LOAD_PERCENT: u32 = 86;
const LESS_LOAD_PERCENT: u32 = 40;
/// Running jobs at each kill.
const RUNNING_MIN: u64 = 50;
/// Where half of the agents may be down.
const AGENTS_RUNNING_MIN: u64 = 20;
const SHORT_STOPPED_MS: [u64; 2] = [1_000, 3_000];
const EARLY_PERCENT: u64 = 10;
const AMID_PERCENT: u64 = 5;
/// Kills below which a percentage means nothing.
const PERCENT_OF_MIN: usize = 50;

impl Options {
    fn usual(&self) -> Usual {
        let usual = |kills, rate, gap_ms, deadline_s| Usual { kills, rate, gap_ms, deadline_s };
        match (self.weather, self.agents, self.short) {
            (Sky::Calm, false, false) => usual(200, 240, 1_100, 900),
            (Sky::Calm, true, false) => usual(20, 200, 4_000, 600),
            (Sky::Calm, false, true) => usual(10, 200, 900, 180),
            (Sky::Calm, true, true) => usual(4, 150, 2_500, 180),
            (Sky::Full | Sky::FullMount, ..) => usual(1, 150, 0, 300),
            (Sky::Slow, _, false) => usual(5, 60, 8_000, 300),
            (Sky::Slow, _, true) => usual(1, 60, 4_000, 180),
            // Longer than ended jobs stay in the broker's memory (60 s): then the archive counts.
            (Sky::Power, _, false) => usual(40, 100, 2_000, 400),
            (Sky::Power, _, true) => usual(5, 100, 600, 180),
        }
    }

    pub(crate) fn kills(&self) -> usize {
        self.kills.unwrap_or(self.usual().kills)
    }

    pub(crate) fn rate(&self) -> u32 {
        self.rate.unwrap_or(self.usual().rate)
    }

    pub(crate) fn mean_gap(&self) -> Duration {
        Duration::from_millis(self.mean_gap_ms.unwrap_or(self.usual().gap_ms))
    }

    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_s.unwrap_or(self.usual().deadline_s))
    }

    /// How long the broker is stopped now and then, in milliseconds.
    pub(crate) fn stops(&self) -> Option<[u64; 2]> {
        match (self.weather, self.agents, self.short) {
            (Sky::Calm, false, true) => Some(SHORT_STOPPED_MS),
            (Sky::Calm, _, false) => Some(STOPPED_MS),
            _ => None,
        }
    }

    /// The journal is trimmed during the run.
    pub(crate) fn trims(&self) -> bool {
        !self.agents && matches!(self.weather, Sky::Calm | Sky::Power)
    }

    /// How long the disk stays full: longer than a lease (8 s).
    pub(crate) fn full_for(&self) -> Duration {
        Duration::from_secs(if self.short { 9 } else { 15 })
    }

    /// How long a long job works, in milliseconds. Where agents are killed it is short enough to
    /// end between two kills most of the time.
    pub(crate) fn long_ms(&self) -> [u64; 2] {
        match (self.weather, self.agents) {
            (_, true) => [2_000, 6_000],
            // So many outlive a broker that is stopped for 20 s.
            (Sky::Calm, false) => [20_000, 60_000],
            _ => [8_000, 22_000],
        }
    }

    /// Writes down what the run has to have been.
    pub(crate) fn demand(&self, log: &Log) {
        let put = |of, least| log.put(&Demand { of, least });
        let is_full = matches!(self.weather, Sky::Full | Sky::FullMount);
        let kills = if is_full && self.short { 0 } else { self.kills() };
        put("kills", kills as u64);
        // Otherwise the load is what the disk allows.
        if matches!(self.weather, Sky::Calm) {
            let percent = if self.short || self.agents { LESS_LOAD_PERCENT } else { LOAD_PERCENT };
            put("acknowledged_per_second", u64::from(self.rate() * percent / 100));
            put("running_at_each_kill", if self.agents { AGENTS_RUNNING_MIN } else { RUNNING_MIN });
        }
        if self.weather == Sky::Calm && !self.agents && kills >= PERCENT_OF_MIN {
            put("early_kills_percent", EARLY_PERCENT);
            put("amid_kills_percent", self.amid_percent.unwrap_or(AMID_PERCENT));
        }
        if is_full {
            put("refused_while_full", 1);
            put("ended_while_full", u64::from(!self.full_stops_all) * 5);
            put("cancelled_while_full", u64::from(!self.full_stops_all));
        }
        if self.agents {
            put("agents_struck", if self.short { 1 } else { 10 });
        }
    }
}
