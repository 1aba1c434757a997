//! One storm from beginning to end.

mod agents;
mod ear;
mod ending;
mod filling;
mod follower;
mod http;
mod kills;
mod log;
mod monitor;
mod options;
mod plan;
mod processes;
mod rough;
mod scene;
mod sse;
mod stage;
mod submitter;
mod theatre;

use crate::clock::now_us;
use crate::dice::Dice;
use crate::weather::Weather;
use anyhow::{Context, bail};
pub(crate) use options::Options;
use options::Sky;
use processes::Processes;
use scene::Logs;
use stage::{Phase, Stage};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use theatre::Theatre;

/// Bytes of the file system that `full-mount` fills.
const MOUNT_BYTES: u64 = 512 << 20;

/// Storms, then checks; `true` if the checker has no objection.
pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    let begun = Instant::now();
    if options.weather == Sky::FullMount && !options.mounted {
        if may_mount() {
            return run_on_a_mount(options);
        }
        println!("storm: no file system can be mounted here; a quota stands in for it");
        let mut on_quota = options.clone();
        on_quota.weather = Sky::Full;
        return run(&on_quota);
    }
    let processes = Arc::new(Processes::default());
    processes::guard(&processes, options.deadline())?;
    let dir = prepared(options)?;
    let address = theatre::free_address(&mut Dice::new(now_us(), 0))?;
    let callboard = callboard(options)?;
    let theatre = Theatre {
        processes: &processes,
        serve_args: Theatre::serve_args(&callboard, &options.serve_args, options.trims())?,
        callboard,
        address,
        doings: options.doings.clone(),
        serve_log: options.serve_log.clone(),
        weather: weather(options, &dir)?,
        dir,
    };
    let (kills, rate, seed) = (options.kills(), options.rate(), options.seed);
    println!("storm: {kills} kills, {rate}/s, seed {seed}, {address}, {}", theatre.dir.display());
    let stage = Stage::new(address, options.seed);
    let logs = Logs::create(&theatre)?;
    options.demand(&logs.demands);
    let stormed = std::thread::scope(|scope| {
        let stormed = scene::storm(scope, &theatre, &stage, &logs, options);
        // However it went: no thread waits for a broker that is gone.
        stage.enter(Phase::Over);
        processes.kill_all();
        stormed
    });
    stormed.with_context(|| format!("the run in {} came to no end", theatre.dir.display()))?;
    ending::note_finishes(&theatre, &logs.finishes)?;
    logs.are_whole()?;
    let report = crate::check_folder(&theatre.dir)?;
    ending::check_store(&theatre)?;
    println!("storm: over after {:.0} s, logs in {}", begun.elapsed().as_secs_f64(), theatre.dir.display());
    Ok(report.is_clean())
}

/// The same again in a mount namespace of its own: what is mounted there is gone with its last
/// process, however that ends.
fn run_on_a_mount(options: &Options) -> anyhow::Result<bool> {
    let store = Theatre::store(&empty_dir(&options.dir)?);
    std::fs::create_dir(&store)?;
    let script = format!("mount -t tmpfs -o size={MOUNT_BYTES} storm \"$0\" && exec \"$@\"");
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private", "sh", "-c", &script]).arg(store);
    again.arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).arg("--mounted");
    Ok(again.status().context("`unshare` cannot be started")?.success())
}

/// Whether there is `unshare` and we may.
fn may_mount() -> bool {
    let script = "mount -t tmpfs storm /tmp";
    let args = ["--mount", "--propagation", "private", "sh", "-c", script];
    Command::new("unshare").args(args).output().is_ok_and(|output| output.status.success())
}

fn prepared(options: &Options) -> anyhow::Result<PathBuf> {
    if options.mounted {
        return Ok(options.dir.canonicalize()?);
    }
    let dir = empty_dir(&options.dir)?;
    std::fs::create_dir(Theatre::store(&dir))?;
    Ok(dir)
}

fn empty_dir(dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be created", dir.display()))?;
    if std::fs::read_dir(dir)?.next().is_some() {
        bail!("{} is not empty; a run wants a folder of its own", dir.display());
    }
    Ok(dir.canonicalize()?)
}

/// Where the disk does nothing, a storm does without a C compiler.
fn weather(options: &Options, dir: &Path) -> anyhow::Result<Option<Weather>> {
    match Weather::over(&Theatre::store(dir), dir, options.weather == Sky::Power) {
        Ok(weather) => Ok(Some(weather)),
        Err(error) if matches!(options.weather, Sky::Calm | Sky::FullMount) => {
            println!("storm: no weather can be made ({error:#}); this run needs none");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn callboard(options: &Options) -> anyhow::Result<PathBuf> {
    let beside = || -> anyhow::Result<PathBuf> { Ok(std::env::current_exe()?.with_file_name("callboard")) };
    let path = options.callboard.clone().map_or_else(beside, Ok)?;
    path.canonicalize()
        .with_context(|| format!("there is no {}; build it, or name it with --callboard", path.display()))
}
