//! Programs that run beside this one and speak in lines.

use crate::places;
use crate::programs::{command, line_of};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// For any line of a program; longer than each of the page's own waits.
const LINE_WAIT: Duration = Duration::from_secs(45);
/// Lines that wait to be read.
const LINES_MAX: usize = 1_024;

/// A broker that keeps everything in memory, as it was built, and where it listens.
///
/// # Errors
/// It does not start.
pub(crate) fn broker(args: &[&str]) -> Result<(Process, SocketAddr)> {
    let mut serve = command(places::built("callboard")?, ["serve", "--listen", "127.0.0.1:0", "--store", "memory:"]);
    let broker = Process::start(serve.args(args).env("NO_COLOR", "1"), Output::Stderr)?;
    let line = broker.line_with(" at http://")?;
    Ok((broker, address_in(&line).with_context(|| format!("the broker says no address: {line}"))?))
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.split("http://").nth(1)?.split_whitespace().next()?.parse().ok()
}

/// What of a program is read.
#[derive(Clone, Copy)]
pub(crate) enum Output {
    Stdout,
    Stderr,
}

/// A program that speaks in lines. It ends with this value, at the latest.
pub(crate) struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(command: &mut Command, output: Output) -> Result<Process> {
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
    ///
    /// # Errors
    /// It ended or fell silent before.
    pub(crate) fn line_with(&self, text: &str) -> Result<String> {
        loop {
            let line = self.lines.recv_timeout(LINE_WAIT);
            let line = line.with_context(|| format!("`{}` ended or fell silent before it said {text:?}", self.name))?;
            println!("  {line}");
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    /// # Errors
    /// It does not listen.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("it does not listen")?;
        writeln!(stdin, "{line}").with_context(|| format!("`{}` does not listen", self.name))
    }

    /// Waits for its end: nobody tells it anything any more, and it closes its output.
    ///
    /// # Errors
    /// It does not end.
    pub(crate) fn end(&mut self) -> Result<ExitStatus> {
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
    fn a_program_that_ends_early_is_an_error_that_names_it() {
        let process = Process::start(&mut command("echo", ["hello"]), Output::Stdout).unwrap();
        assert_eq!(process.line_with("hello").unwrap(), "hello");
        let error = process.line_with("READY").unwrap_err().to_string();
        assert_eq!(error, "`echo hello` ended or fell silent before it said \"READY\"");
    }
}
