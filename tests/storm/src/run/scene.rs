//! Who does what during a storm, and in which order.

use super::agents::Agents;
use super::ending;
use super::filling::Filling;
use super::follower::Follower;
use super::http::Http;
use super::kills::{Kills, Living};
use super::log::Log;
use super::monitor::{Monitor, Reached};
use super::options::{Options, Sky};
use super::plan::{self, Wanted};
use super::rough;
use super::stage::{Phase, Stage};
use super::submitter::{Pace, Submitter};
use super::theatre::Theatre;
use crate::clock::pause;
use crate::dice::Dice;
use crate::folder;
use anyhow::bail;
use std::cell::Cell;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// What each watcher of everything is for: two stay, one hangs up now and then, one comes late.
const MONITORS: [&str; 4] = ["steady-1", "steady-2", "restless", "late"];
const LATE: usize = 3;
const RESTLESS: usize = 2;
const FOLLOWERS: usize = 8;
/// The storm is watched from before its first job.
const WATCH_WAIT: Duration = Duration::from_secs(10);
/// Load before the first kill counts and after the last one.
const CALM: Duration = Duration::from_secs(1);
const CALL_WAIT: Duration = Duration::from_secs(20);
/// Of a run without power: how long a sync takes, so that a kill finds something unsynced.
const POWER_SYNC: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(25)];
/// Between two times when the disk is full.
const BETWEEN_FULL: Duration = Duration::from_secs(8);
/// Between two blows to agents, on average.
const AGENTS_GAP: Duration = Duration::from_millis(2_500);
/// Syncs that fail on a bad disk, before each kill.
const FAILED_SYNCS: usize = 1;

/// Everything that is written during a run.
pub(crate) struct Logs {
    submissions: Log,
    acks: Log,
    refusals: Log,
    cancels: Log,
    kills: Log,
    strikes: Log,
    weather: Log,
    pub(crate) demands: Log,
    pub(crate) finishes: Log,
    dump: Log,
    monitors: Vec<Log>,
    followers: Vec<Log>,
    reached: [Reached; MONITORS.len()],
}

impl Logs {
    pub(crate) fn create(theatre: &Theatre<'_>) -> anyhow::Result<Logs> {
        let log = |name: &str| Log::create(&theatre.dir, name);
        let followers = (1..=FOLLOWERS).map(|number| log(&folder::stream_log(&number.to_string())));
        Ok(Logs {
            submissions: log(folder::SUBMISSIONS)?,
            acks: log(folder::ACKS)?,
            refusals: log(folder::REFUSALS)?,
            cancels: log(folder::CANCELS)?,
            kills: log(folder::KILLS)?,
            strikes: log(folder::STRIKES)?,
            weather: log(folder::WEATHER)?,
            demands: log(folder::DEMANDS)?,
            finishes: log(folder::FINISHES)?,
            dump: log(folder::DUMP)?,
            monitors: MONITORS.iter().map(|name| log(&folder::monitor_log(name))).collect::<Result<_, _>>()?,
            followers: followers.collect::<Result<_, _>>()?,
            reached: Default::default(),
        })
    }

    pub(crate) fn are_whole(&self) -> anyhow::Result<()> {
        let taken_in = [&self.submissions, &self.acks, &self.refusals, &self.cancels];
        let done = [&self.kills, &self.strikes, &self.weather, &self.demands, &self.finishes, &self.dump];
        let single = taken_in.into_iter().chain(done);
        single.chain(&self.monitors).chain(&self.followers).try_for_each(Log::is_whole)
    }
}

pub(crate) fn storm<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    theatre: &'env Theatre<'env>,
    stage: &'env Stage,
    logs: &'env Logs,
    options: &Options,
) -> anyhow::Result<()> {
    let kills = Kills {
        theatre,
        stage,
        log: &logs.kills,
        strikes: &logs.strikes,
        amid_wait: Duration::from_millis(options.amid_wait_ms),
        power: options.weather == Sky::Power,
        dealt: Cell::new(0),
        planned: options.kills(),
    };
    let mut living = kills.begin()?;
    kills.await_answer(&mut living)?;
    (0..LATE).for_each(|index| watch(scope, stage, logs, index));
    let follow = |(index, log): (usize, &'env Log)| {
        let follower = Follower { stage, log, dice: Dice::new(stage.seed, u64::MAX - 1 - index as u64) };
        scope.spawn(|| follower.run())
    };
    let followers: Vec<_> = logs.followers.iter().enumerate().map(follow).collect();
    await_monitors(logs)?;
    theatre.start_agents()?;
    let submitters = submit(scope, stage, logs, options);
    let others = trouble(scope, theatre, stage, logs, options);
    pause(CALM);
    let late = || watch(scope, stage, logs, LATE);
    living = blows(&kills, logs, options, living, late)?;
    pause(CALM);
    if theatre.weather.as_ref().is_some_and(|weather| weather.syncs().is_ok_and(|syncs| syncs == 0)) {
        bail!("the broker writes past the weather: it was not seen to sync once");
    }

    stage.enter(Phase::Calm);
    kills.note(&living);
    std::fs::write(theatre.hurry(), "")?;
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
    ending::dump_contents(&mut http, &stage.large(), &logs.dump)?;
    theatre.end_all()?;
    stage.enter(Phase::Over);
    for other in others {
        other.join().map_err(|_| anyhow::anyhow!("who made trouble panicked"))??;
    }
    Ok(())
}

fn watch<'scope, 'env>(scope: &'scope Scope<'scope, 'env>, stage: &'env Stage, logs: &'env Logs, index: usize) {
    let restless = (index == RESTLESS).then(|| Dice::new(stage.seed, u64::MAX));
    let (log, reached) = (&logs.monitors[index], &logs.reached[index]);
    let monitor = Monitor { stage, log, reached, restless, last_id: None };
    scope.spawn(|| monitor.run());
}

type Worker<'scope> = ScopedJoinHandle<'scope, anyhow::Result<()>>;

fn submit<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    stage: &'env Stage,
    logs: &'env Logs,
    options: &Options,
) -> Vec<Worker<'scope>> {
    let pace = Arc::new(Pace::new(options.rate(), options.long_ms()));
    let submit = |_| {
        let pace = Arc::clone(&pace);
        let Logs { submissions, acks, refusals, .. } = logs;
        scope.spawn(move || Submitter { stage, pace: &pace, submissions, acks, refusals }.run())
    };
    (0..options.submitters).map(submit).collect()
}

/// What goes on beside the kills of the broker.
fn trouble<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    theatre: &'env Theatre<'env>,
    stage: &'env Stage,
    logs: &'env Logs,
    options: &Options,
) -> Vec<Worker<'scope>> {
    let mut all = Vec::new();
    let dice = Dice::new(stage.seed, u64::MAX / 2);
    if options.agents {
        let mean_gap = AGENTS_GAP / if options.short { 3 } else { 1 };
        let mut agents =
            Agents { theatre, stage, log: &logs.strikes, mean_gap, dice: dice.clone(), is_stop_next: false };
        all.push(scope.spawn(move || {
            agents.strike()?;
            // What this thread has started ends with it.
            while !stage.is_past(Phase::Unfollowed) {
                pause(CALM / 10);
            }
            Ok(())
        }));
    }
    if options.weather == Sky::Slow {
        all.push(scope.spawn(move || rough::blow(theatre, stage, &logs.weather, dice)));
    }
    all
}

/// The blows themselves; `late` is called when a third is over.
fn blows(
    kills: &Kills<'_>,
    logs: &Logs,
    options: &Options,
    mut living: Living,
    late: impl Fn(),
) -> anyhow::Result<Living> {
    let (theatre, stage) = (kills.theatre, kills.stage);
    let mut dice = Dice::new(options.seed, 0);
    let wanted = Wanted {
        kills: options.kills(),
        mean_gap: options.mean_gap(),
        amid: options.weather == Sky::Calm && !options.agents,
        stops: options.stops(),
    };
    let planned = plan::plan(wanted, &mut dice);
    let third = planned.len() / 3;
    match options.weather {
        Sky::Full | Sky::FullMount => {
            let mounted = options.weather == Sky::FullMount;
            let (weather_log, cancels) = (&logs.weather, &logs.cancels);
            let long = options.full_for();
            let filling = Filling { theatre, stage, kills, weather_log, cancels, mounted, long };
            living = filling.fill(living, false, &mut dice)?;
            late();
            if !options.short {
                // So that there is a load again.
                pause(BETWEEN_FULL);
                living = filling.fill(living, !options.full_stops_all, &mut dice)?;
            }
            Ok(living)
        }
        Sky::Slow => {
            for (index, blow) in planned.iter().enumerate() {
                if index == third {
                    late();
                }
                for _ in 0..FAILED_SYNCS {
                    living = rough::fail_a_sync(kills, living)?;
                }
                living = kills.storm(living, &[*blow], &mut dice, |_| ())?;
            }
            Ok(living)
        }
        Sky::Power => {
            theatre.weather()?.slow(POWER_SYNC[0], POWER_SYNC[1])?;
            kills.storm(living, &planned, &mut dice, |index| {
                if index == third {
                    late();
                }
            })
        }
        Sky::Calm => kills.storm(living, &planned, &mut dice, |index| {
            if index == third {
                late();
            }
        }),
    }
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
