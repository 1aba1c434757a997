//! A machine that joins is on the page: seen by a real browser on a real server.
//!
//! `ui/e2e/page.mjs` looks at the page and speaks in lines; this side runs the broker and joins
//! the machine.

use crate::process::{self, Output, Process};
use crate::programs::command;
use crate::{http, places, setup};
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is promised, on a machine that has nothing else to do.
const PROMISED_MS: u64 = 1_000;
/// What is failed at: a busy machine of a test run is slow for reasons of its own.
const ENDURED_MS: u64 = 5_000;

/// # Errors
/// The page did not show the machine in time, or something else about it was wrong.
pub(crate) fn run() -> Result<()> {
    let (broker, address) = process::broker(&[])?;
    let shots = places::target()?.join("browser");
    let browser = setup::browser().context("there is no chromium; run `cargo xtask setup`")?;
    let mut look = command("node", ["e2e/page.mjs"]);
    look.arg(&shots).current_dir(places::ui());
    look.env("CALLBOARD_URL", format!("http://{address}")).env("CHROMIUM", browser);
    let mut page = Process::start(look.stdin(Stdio::piped()), Output::Stdout)?;
    page.line_with("READY")?;

    let joined_at = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_millis();
    join(address)?;
    page.tell(&format!("GO {joined_at}"))?;
    let shown = page.line_with("SHOWN ")?;
    let shown_ms = shown.trim_start_matches("SHOWN ").parse().with_context(|| format!("the page said {shown:?}"))?;
    page.line_with("DONE")?;
    let status = page.end()?;
    ensure!(status.success(), "the look at the page failed ({status}); its lines above say why");
    drop(broker);
    println!("xtask: screenshots are in {}", places::short(&shots));
    judge(shown_ms)
}

fn judge(shown_ms: u64) -> Result<()> {
    println!("xtask: a machine with its worker was on the page {shown_ms} ms after it began to join");
    ensure!(shown_ms <= ENDURED_MS, "the page took {shown_ms} ms; more than {ENDURED_MS} ms is broken, not slow");
    if shown_ms > PROMISED_MS {
        println!("xtask: WARNING: {PROMISED_MS} ms are promised; is this machine busy?");
    }
    Ok(())
}

fn join(broker: SocketAddr) -> Result<()> {
    let machine = r#"{"hostname":"gpu-1","host_info":{"gpu_count":1,"cpu_cores":8,"total_ram_gb":32}}"#;
    http::put(broker, "/api/machines/gpu-1", machine)?;
    http::put(broker, "/api/workers/gpu-1-a", r#"{"machine_id":"gpu-1","services":["upscale"]}"#)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_endured_and_broken_is_not() {
        assert!(judge(12).is_ok() && judge(ENDURED_MS).is_ok());
        assert!(judge(ENDURED_MS + 1).is_err());
    }
}
