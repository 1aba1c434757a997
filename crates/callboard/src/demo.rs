//! `callboard demo`: all of it in one process, for somebody who has just arrived.

use crate::args::Demo;
use crate::say::say;
use crate::serve;
use anyhow::{Context, bail};
use client::{Client, NewJob};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A file to hash comes so often; a simulated job every other time.
const SUBMIT_EVERY: Duration = Duration::from_millis(900);
/// Files of the folder that take turns.
const FILES_MAX: usize = 500;
/// Larger files are left out.
const FILE_BYTES_MAX: u64 = 4 << 20;

pub(crate) async fn run(args: Demo, shutdown: CancellationToken) -> anyhow::Result<()> {
    if !args.listen.ip().is_loopback() {
        bail!("the demo is for this machine only: choose an address like 127.0.0.1:3331");
    }
    let files = files(&args.root)?;
    let listener = serve::bind(args.listen).await?;
    let broker = serve::start(&args.store, serve::config_for(&args.store)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let client = Client::new(&url)?;
    // The broker outlives the machines, so that they can say goodbye.
    let closing = CancellationToken::new();
    let serving = tokio::spawn(broker.serve(listener, closing.clone()));
    let mut parts = JoinSet::new();
    for config in machines(&args.root)? {
        parts.spawn(work(config, client.clone(), shutdown.clone()));
    }
    parts.spawn(submit_for_ever(client, files, shutdown.clone()));
    say(&format!("Callboard is at {url}   (Ctrl-C ends it)"))?;
    let mut failed = None;
    while let Some(part) = parts.join_next().await {
        if let Err(error) = part? {
            failed.get_or_insert(error);
            shutdown.cancel();
        }
    }
    closing.cancel();
    serving.await??;
    match failed {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

async fn work(config: agent::Config, broker: Client, shutdown: CancellationToken) -> anyhow::Result<()> {
    agent::run(config, broker, shutdown).await?;
    Ok(())
}

/// This machine, which really works, and two that only seem to.
fn machines(root: &Path) -> anyhow::Result<[agent::Config; 3]> {
    let program = std::env::current_exe().context("this program cannot find itself")?;
    let root = root.canonicalize().with_context(|| format!("{} is no folder", root.display()))?;
    // JSON strings are TOML strings too.
    let (program, root) = (json!(program).to_string(), json!(root).to_string());
    let this = format!(
        "[machine]\nid = \"this-machine\"\ndrain_s = 2\n\
         [[workers]]\nid = \"this-machine-cpu\"\nslots = 2\nservices = [\"digest\"]\n\
         [services.digest]\nengine = \"command\"\nprogram = {program}\nargs = [\"demo-digest\", \"--root\", {root}]\n"
    );
    let simulated = |id: &str, gpu_gb: u32, workers: u32, failures: f64| {
        format!(
            "[machine]\nid = \"{id}\"\ndrain_s = 2\n\
             [[workers]]\nid = \"{id}-gpu\"\ncount = {workers}\nservices = [\"upscale\", \"caption\"]\n\
             [workers.capabilities.hardware]\ngpu_count = 1\ngpu_memory_gb = {gpu_gb}\ngpu_model = \"simulated {gpu_gb} GB\"\n\
             [services.upscale]\nengine = \"simulated\"\nsteps = 20\nduration_ms = 6000\nfailure_rate = {failures:?}\n\
             [services.caption]\nengine = \"simulated\"\nsteps = 5\nduration_ms = 2000\n"
        )
    };
    Ok([
        agent::Config::parse(&this, "this-machine")?,
        agent::Config::parse(&simulated("simulated-a", 24, 2, 0.0), "simulated-a")?,
        agent::Config::parse(&simulated("simulated-b", 16, 1, 0.1), "simulated-b")?,
    ])
}

async fn submit_for_ever(broker: Client, files: Vec<String>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut due = Instant::now();
    for turn in 0_usize.. {
        let job = match turn % 4 {
            1 => NewJob::new("upscale", json!({ "image": format!("tile-{turn}.png"), "factor": 4 })),
            3 => NewJob::new("caption", json!({ "image": format!("tile-{turn}.png") })).priority(70),
            _ => NewJob::new("digest", json!({ "path": files[turn / 2 % files.len()] })),
        };
        if let Err(error) = broker.submit(&job).await
            && !shutdown.is_cancelled()
        {
            tracing::warn!(%error, "the demo could not submit a job");
        }
        due += SUBMIT_EVERY;
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = shutdown.cancelled() => break,
        }
    }
    Ok(())
}

/// Files below `root`, as paths from there, without what is hidden or built.
fn files(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(".");
            if name.starts_with('.') || ["target", "node_modules", "dist"].contains(&name) || path.is_symlink() {
                continue;
            }
            match path.metadata() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() && kind.len() <= FILE_BYTES_MAX && found.len() < FILES_MAX => {
                    found.extend(path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    if found.is_empty() {
        bail!("there are no files in {}; name another folder with --root", root.display());
    }
    Ok(found)
}
