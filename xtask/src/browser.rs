//! A machine that joins is on the page: seen by a real browser on a real server.
//!
//! `ui/e2e/page.mjs` looks at the page and speaks in lines; this side runs the broker and joins
//! the machine.

use crate::programs::{command, line_of};
use crate::{http, places, setup};
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is promised, on a machine that has nothing else to do.
const PROMISED_MS: u64 = 1_000;
/// What is failed at: a busy machine of a test run is slow for reasons of its own.
const ENDURED_MS: u64 = 5_000;
/// For any line of either program; longer than each of the page's own waits.
const LINE_WAIT: Duration = Duration::from_secs(45);
/// Lines that wait to be read.
const LINES_MAX: usize = 1_024;

/// # Errors
/// The page did not show the machine in time, or something else about it was wrong.
pub(crate) fn run() -> Result<()> {
    let (broker, address) = start_broker()?;
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

fn start_broker() -> Result<(Process, SocketAddr)> {
    let mut serve = command(places::built("callboard")?, ["serve", "--listen", "127.0.0.1:0", "--store", "memory:"]);
    let broker = Process::start(serve.env("NO_COLOR", "1"), Output::Stderr)?;
    let line = broker.line_with(" at http://")?;
    Ok((broker, address_in(&line).with_context(|| format!("the broker says no address: {line}"))?))
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.split("http://").nth(1)?.split_whitespace().next()?.parse().ok()
}

fn join(broker: SocketAddr) -> Result<()> {
    let machine = r#"{"hostname":"gpu-1","host_info":{"gpu_count":1,"cpu_cores":8,"total_ram_gb":32}}"#;
    http::put(broker, "/api/machines/gpu-1", machine)?;
    http::put(broker, "/api/workers/gpu-1-a", r#"{"machine_id":"gpu-1","services":["upscale"]}"#)
}

#[derive(Clone, Copy)]
enum Output {
    Stdout,
    Stderr,
}

/// A program that speaks in lines. It ends with this value, at the latest.
struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    fn start(command: &mut Command, output: Output) -> Result<Process> {
        let name = line_of(command);
        println!("xtask: {name}");
        let spawned = match output {
            Output::Stdout => command.stdout(Stdio::piped()).spawn(),
            Output::Stderr => command.stderr(Stdio::piped()).spawn(),
        };
        let mut child = spawned.with_context(|| format!("`{name}` cannot be started"))?;
        let stdin = child.stdin.take();
        let lines = match (child.stdout.take(), child.stderr.take()) {
            (Some(stdout), _) => lines_of(stdout),
            (None, Some(stderr)) => lines_of(stderr),
            (None, None) => bail!("`{name}` has no output to read"),
        };
        Ok(Process { name, child, stdin, lines })
    }

    /// The next line that contains `text`; what comes before it is passed over.
    fn line_with(&self, text: &str) -> Result<String> {
        loop {
            let line = self.lines.recv_timeout(LINE_WAIT);
            let line = line.with_context(|| format!("`{}` ended or fell silent before it said {text:?}", self.name))?;
            println!("  {line}");
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("it does not listen")?;
        writeln!(stdin, "{line}").with_context(|| format!("`{}` does not listen", self.name))
    }

    /// Waits for its end: nobody tells it anything any more, and it closes its output.
    fn end(&mut self) -> Result<ExitStatus> {
        self.stdin = None;
        loop {
            match self.lines.recv_timeout(LINE_WAIT) {
                Ok(line) => println!("  {line}"),
                Err(RecvTimeoutError::Disconnected) => return Ok(self.child.wait()?),
                Err(RecvTimeoutError::Timeout) => bail!("`{}` does not end", self.name),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on after the last line that anyone waits for, so that the program never blocks on us.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES_MAX);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody waits for more, or far too much was said: it is read and forgotten.
            let _ = sender.try_send(line);
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_log() {
        let line = "2026-11-24T07:14:45Z  INFO callboard 0.1.0 at http://127.0.0.1:39995 store=memory:";
        assert_eq!(address_in(line), Some(SocketAddr::from(([127, 0, 0, 1], 39995))));
        assert_eq!(address_in("at http://nowhere"), None);
    }

    #[test]
    fn slow_is_endured_and_broken_is_not() {
        assert!(judge(12).is_ok() && judge(ENDURED_MS).is_ok());
        assert!(judge(ENDURED_MS + 1).is_err());
    }

    #[test]
    fn a_program_that_ends_early_is_an_error_that_names_it() {
        let process = Process::start(&mut command("echo", ["hello"]), Output::Stdout).unwrap();
        assert_eq!(process.line_with("hello").unwrap(), "hello");
        let error = process.line_with("READY").unwrap_err().to_string();
        assert_eq!(error, "`echo hello` ended or fell silent before it said \"READY\"");
    }
}
