//! A broker in a process of its own, and what the system says of a process.

use anyhow::{Context, bail};
use broker::Secret;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A broker that does not listen after this has failed; one that reads a large journal needs long.
const START_WAIT: Duration = Duration::from_secs(180);

/// What `/proc` counts processor time in: Linux says hundredths of a second to every program.
const TICK: Duration = Duration::from_millis(10);

/// A folder for one store; it goes with this.
pub(super) struct Home(TempDir);

impl Home {
    /// In `folder`, else where the system puts what is temporary.
    pub(super) fn new(folder: Option<&PathBuf>) -> anyhow::Result<Home> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("callboard-bench-");
        let made = match folder {
            Some(folder) => builder.tempdir_in(folder),
            None => builder.tempdir(),
        };
        made.map(Home).context("a folder for the store could not be made; name one with --dir")
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn store(&self) -> String {
        format!("sqlite:{}", self.path().join("callboard.db").display())
    }
}

/// This very program as a broker. It ends with this.
pub(super) struct Broker {
    process: Child,
    pub(super) address: SocketAddr,
    /// What it asks for, if it does.
    pub(super) token: Option<Secret>,
}

impl Broker {
    /// Starts it on a free port; it listens when this returns. What the environment says for
    /// `callboard serve` holds, except where it listens and what its store is.
    pub(super) async fn start(store: &str) -> anyhow::Result<Broker> {
        Broker::start_asking(store, None).await
    }

    /// The same, but it asks for this token.
    pub(super) async fn start_asking(store: &str, token: Option<Secret>) -> anyhow::Result<Broker> {
        let mut command = Command::new(std::env::current_exe()?);
        match &token {
            Some(token) => command.env("CALLBOARD_TOKEN", format!("admin:{}", token.expose())),
            None => command.env_remove("CALLBOARD_TOKEN"),
        };
        let mut process = command
            .args(["serve", "--listen", "127.0.0.1:0", "--store", store])
            .env_remove("CALLBOARD_TOKEN_FILE")
            .env_remove("CALLBOARD_LISTEN")
            .env_remove("CALLBOARD_STORE")
            .env("CALLBOARD_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the broker could not be started")?;
        let mut lines = BufReader::new(process.stderr.take().context("the broker has no standard error")?).lines();
        let address = async {
            let mut last = String::new();
            while let Some(line) = lines.next_line().await? {
                if let Some((_, address)) = line.split_once(" at http://") {
                    let address = address.split_whitespace().next().unwrap_or(address);
                    return address.parse().with_context(|| format!("the broker listens at {address:?}"));
                }
                last = line;
            }
            bail!("the broker ended before it listened: {last}")
        };
        let address = tokio::time::timeout(START_WAIT, address).await.context("the broker does not listen")??;
        // Nobody reads on; what it still says is let go.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Broker { process, address, token })
    }

    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process.id().context("the broker has ended")?)
    }

    /// SIGKILL; it is gone when this returns.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await.context("the broker could not be ended")
    }
}

/// What a process has used since it began, and holds now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// Memory that is there and not only promised.
    pub(super) rss_bytes: u64,
    /// The most that it ever held.
    pub(super) peak_rss_bytes: u64,
    /// What it has caused to be written to disks, page cache included.
    pub(super) written_bytes: u64,
}

impl Usage {
    pub(super) fn of(pid: u32) -> anyhow::Result<Usage> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read; benches need Linux"))
        };
        let number = |text: &str, key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok())
        };
        let ticks = cpu_ticks(&read("stat")?).context("/proc/…/stat is not understood")?;
        let status = read("status")?;
        let kib = |key| number(&status, key).with_context(|| format!("/proc/…/status has no {key}"));
        // Not every kernel counts what is written.
        let written_bytes = read("io").ok().and_then(|io| number(&io, "write_bytes:")).unwrap_or_default();
        Ok(Usage {
            cpu: TICK * u32::try_from(ticks)?,
            rss_bytes: kib("VmRSS:")? * 1024,
            peak_rss_bytes: kib("VmHWM:")? * 1024,
            written_bytes,
        })
    }

    /// Of this process: of the load.
    pub(super) fn mine() -> anyhow::Result<Usage> {
        Usage::of(std::process::id())
    }
}

/// `utime` and `stime`: the 14th and 15th field, counted behind the name, which may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
    Some(fields.next()?? + fields.next()??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "77 (a ) 9 9 b) S 1 2 3 4 5 6 7 8 9 10 120 45 0 0 20 0 5 0 100";
        assert_eq!(cpu_ticks(stat), Some(165));
        assert_eq!(cpu_ticks("77 (a) S 1"), None);
    }

    #[test]
    fn what_this_process_uses_is_something() {
        let usage = Usage::mine().unwrap();
        assert!(usage.rss_bytes > 1 << 20, "{usage:?}");
    }
}
