//! A program and all that it starts: one process group, ended as one.

use crate::limits::{GROUP_LOOK_MS, KILLED_MS_MAX};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

/// A running program that leads its own process group. Dropping it kills the whole group.
pub(super) struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Group {
    /// `child` was started with `process_group(0)`.
    pub(super) fn of(child: Child) -> Group {
        // A leader's process id is its group's id, and stays reserved while the group has members.
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Group { child, leader }
    }

    /// Waits until the leader has ended. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks the group to end, gives it `grace`, then kills what is left. After it nothing of the
    /// group runs, except what hangs in the kernel for longer than [`KILLED_MS_MAX`].
    pub(super) async fn end(&mut self, grace: Duration) {
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + grace;
        // The leader may go first and leave others behind; they have the same grace.
        while self.has_members() && Instant::now() < deadline {
            let look = Duration::from_millis(GROUP_LOOK_MS).min(deadline - Instant::now());
            // Waiting on the leader reaps it, so that it is no member any more.
            tokio::select! {
                _ = self.child.wait(), if self.child.id().is_some() => {}
                () = sleep(look) => {}
            }
        }
        let pid = self.leader;
        self.kill_rest();
        if timeout(Duration::from_millis(KILLED_MS_MAX), self.child.wait()).await.is_err() {
            tracing::warn!(?pid, "a killed program does not vanish; it is left to the kernel");
        }
    }

    /// Kills whoever is left, without a grace.
    pub(super) fn kill_rest(&mut self) {
        self.signal(Signal::SIGKILL);
        // The id is free from now on and may become someone else's: it is not used again.
        self.leader = None;
    }

    fn has_members(&self) -> bool {
        let Some(leader) = self.leader.filter(|leader| killpg(*leader, None).is_ok()) else { return false };
        // A signal also finds the dead that init has not buried yet, and some take a second.
        self.child.id().is_some() || has_living(leader).unwrap_or(true)
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // The only error left is that nobody is there.
            let _ = killpg(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill_rest();
    }
}

/// Whether anyone of the group still runs, by Linux's `/proc`; `None` where there is none. A few
/// hundred small reads from memory, and only after the leader has ended.
fn has_living(group: Pid) -> Option<bool> {
    let group = group.to_string();
    let of_group = |stat: String| {
        // "<pid> (<name>) <state> <parent> <group> …", and the name may hold anything.
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
        let state = fields.next().unwrap_or_default();
        fields.nth(1) == Some(&group) && !matches!(state, "Z" | "X")
    };
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    Some(stats.any(of_group))
}
