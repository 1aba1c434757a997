//! One storm from beginning to end.

mod ending;
mod follower;
mod http;
mod kills;
mod log;
mod monitor;
mod plan;
mod processes;
mod sse;
mod stage;
mod submitter;
mod theatre;

use crate::clock::{now_us, pause};
use crate::dice::Dice;
use crate::folder;
use anyhow::{Context, bail};
use follower::Follower;
use http::Http;
use kills::Kills;
use log::Log;
use monitor::{Monitor, Reached};
use processes::Processes;
use stage::{Phase, Stage};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::Scope;
use std::time::{Duration, Instant};
use submitter::{Pace, Submitter};
use theatre::Theatre;

/// What each watcher of everything is for: two stay, one hangs up now and then, one comes late.
const MONITORS: [&str; 4] = ["steady-1", "steady-2", "restless", "late"];
const LATE: usize = 3;
const RESTLESS: usize = 2;
const FOLLOWERS: usize = 8;
/// The storm is watched from before its first job.
const WATCH_WAIT: Duration = Duration::from_secs(10);
/// Load before the first kill counts and after the last one.
const CALM: Duration = Duration::from_secs(1);
const CALL_WAIT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// SIGKILLs of the broker
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// Submissions a second, over all
    #[arg(long, default_value_t = 120)]
    rate: u32,
    /// The same seed plans the same kills and jobs
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where logs and the store go; it must not exist or be empty
    #[arg(long)]
    dir: PathBuf,
    /// The program under test [default: beside this one]
    #[arg(long)]
    callboard: Option<PathBuf>,
    /// Few kills: over within a minute where nothing else runs
    #[arg(long)]
    short: bool,
    /// Threads that submit
    #[arg(long, default_value_t = 8)]
    submitters: usize,
    /// Mean time from the first answer to the next kill
    #[arg(long, default_value_t = 2_000)]
    mean_gap_ms: u64,
    /// After so long everything is killed and the storm has failed
    #[arg(long, default_value_t = 900, env = "STORM_DEADLINE_S")]
    deadline_s: u64,
}

/// Less of the asked rate shows nothing: 120/s have to be 100/s.
const LOAD_MIN: f64 = 100.0 / 120.0;

/// What `--short` means.
const SHORT_KILLS: usize = 12;
const SHORT_DEADLINE_S: u64 = 180;
const SHORT_GAP_MS: u64 = 1_200;

/// Storms, then checks; `true` if the checker has no objection.
pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let short = options.short;
    let kills = if short { options.kills.min(SHORT_KILLS) } else { options.kills };
    let deadline_s = if short { options.deadline_s.min(SHORT_DEADLINE_S) } else { options.deadline_s };
    let processes = Arc::new(Processes::default());
    processes::guard(&processes, Duration::from_secs(deadline_s))?;
    let dir = empty_dir(&options.dir)?;
    let address = theatre::free_address(&mut Dice::new(now_us(), 0))?;
    let theatre = Theatre { processes: &processes, callboard: callboard(options)?, dir, address };
    println!("storm: {kills} kills, {}/s, seed {}, {address}, {}", options.rate, options.seed, theatre.dir.display());

    let mean_gap_ms = if short { options.mean_gap_ms.min(SHORT_GAP_MS) } else { options.mean_gap_ms };
    let blows = plan::plan(kills, Duration::from_millis(mean_gap_ms), &mut Dice::new(options.seed, 0));
    let stage = Stage::new(address, options.seed);
    let logs = Logs::create(&theatre)?;
    let stormed = std::thread::scope(|scope| {
        let stormed = storm(scope, &theatre, &stage, &logs, &blows, options);
        // However it went: no thread waits for a broker that is gone.
        stage.enter(Phase::Over);
        processes.kill_all();
        stormed
    });
    stormed.with_context(|| format!("the run in {} came to no end", theatre.dir.display()))?;
    logs.are_whole()?;
    let report = crate::check_folder(&theatre.dir)?;
    println!("storm: over after {:.0} s, logs in {}", begun.elapsed().as_secs_f64(), theatre.dir.display());
    let is_loaded = report.per_second >= f64::from(options.rate) * LOAD_MIN;
    if !is_loaded {
        println!(
            "storm: {:.0}/s were acknowledged of {}/s: the load was not what it claims",
            report.per_second, options.rate
        );
    }
    Ok(report.is_clean() && is_loaded)
}

/// Everything that is written during a run.
struct Logs {
    submissions: Log,
    acks: Log,
    kills: Log,
    dump: Log,
    monitors: Vec<Log>,
    followers: Vec<Log>,
    reached: [Reached; MONITORS.len()],
}

impl Logs {
    fn create(theatre: &Theatre<'_>) -> anyhow::Result<Logs> {
        let log = |name: &str| Log::create(&theatre.dir, name);
        let followers = (1..=FOLLOWERS).map(|number| log(&folder::stream_log(&number.to_string())));
        Ok(Logs {
            submissions: log(folder::SUBMISSIONS)?,
            acks: log(folder::ACKS)?,
            kills: log(folder::KILLS)?,
            dump: log(folder::DUMP)?,
            monitors: MONITORS.iter().map(|name| log(&folder::monitor_log(name))).collect::<Result<_, _>>()?,
            followers: followers.collect::<Result<_, _>>()?,
            reached: Default::default(),
        })
    }

    fn are_whole(&self) -> anyhow::Result<()> {
        let single = [&self.submissions, &self.acks, &self.kills, &self.dump];
        single.into_iter().chain(&self.monitors).chain(&self.followers).try_for_each(Log::is_whole)
    }
}

fn storm<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    theatre: &'env Theatre<'env>,
    stage: &'env Stage,
    logs: &'env Logs,
    blows: &[plan::Blow],
    options: &Options,
) -> anyhow::Result<()> {
    let kills = Kills { theatre, stage, log: &logs.kills };
    let mut living = kills.begin()?;
    kills.await_answer(&mut living)?;
    let watch = |index: usize| {
        let restless = (index == RESTLESS).then(|| Dice::new(stage.seed, u64::MAX));
        let (log, reached) = (&logs.monitors[index], &logs.reached[index]);
        let monitor = Monitor { stage, log, reached, restless, last_id: None };
        scope.spawn(|| monitor.run());
    };
    (0..LATE).for_each(watch);
    let follow = |(index, log): (usize, &'env Log)| {
        let follower = Follower { stage, log, dice: Dice::new(stage.seed, u64::MAX - 1 - index as u64) };
        scope.spawn(|| follower.run())
    };
    let followers: Vec<_> = logs.followers.iter().enumerate().map(follow).collect();
    await_monitors(logs)?;
    theatre.start_agents()?;

    let pace = Arc::new(Pace {
        begin: Instant::now(),
        every: Duration::from_secs(1) / options.rate.max(1),
        next: AtomicU64::new(0),
    });
    let submit = |_| {
        let pace = Arc::clone(&pace);
        scope.spawn(move || Submitter { stage, pace: &pace, submissions: &logs.submissions, acks: &logs.acks }.run())
    };
    let submitters: Vec<_> = (0..options.submitters).map(submit).collect();
    pause(CALM);
    let third = blows.len() / 3;
    living = kills.storm(living, blows, |index| {
        if index == third {
            watch(LATE);
        }
    })?;
    pause(CALM);

    stage.enter(Phase::Calm);
    kills.note(&living, false);
    for submitter in submitters {
        submitter.join().map_err(|_| anyhow::anyhow!("a submitter panicked"))??;
    }
    let mut http = Http::new(stage.address, CALL_WAIT);
    ending::await_quiet(&mut http)?;
    stage.enter(Phase::Unfollowed);
    // Streams of jobs that have ended end by themselves.
    for follower in followers {
        follower.join().map_err(|_| anyhow::anyhow!("a watcher panicked"))?;
    }
    ending::await_watchers(&mut http, &logs.reached, &logs.dump)?;
    ending::dump_jobs(&mut http, &logs.dump)?;
    stage.enter(Phase::Over);
    theatre.end_all()
}

/// The steady watchers are there before anything happens.
fn await_monitors(logs: &Logs) -> anyhow::Result<()> {
    let until = Instant::now() + WATCH_WAIT;
    let are_there = || logs.reached[..LATE].iter().all(|reached| reached.seq().is_some());
    while !are_there() {
        if Instant::now() > until {
            bail!("the watchers were not let in within {} s", WATCH_WAIT.as_secs());
        }
        pause(Duration::from_millis(5));
    }
    Ok(())
}

fn empty_dir(dir: &PathBuf) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be created", dir.display()))?;
    if std::fs::read_dir(dir)?.next().is_some() {
        bail!("{} is not empty; a run wants a folder of its own", dir.display());
    }
    Ok(dir.canonicalize()?)
}

fn callboard(options: &Options) -> anyhow::Result<PathBuf> {
    let beside = || -> anyhow::Result<PathBuf> { Ok(std::env::current_exe()?.with_file_name("callboard")) };
    let path = options.callboard.clone().map_or_else(beside, Ok)?;
    path.canonicalize()
        .with_context(|| format!("there is no {}; build it, or name it with --callboard", path.display()))
}
