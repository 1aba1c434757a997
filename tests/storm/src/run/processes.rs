//! The processes of a storm: started here, ended by their id, and none of them outlives it.

use crate::clock::pause;
use anyhow::{Context, bail};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::process::{Child, ChildStderr, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a process that was asked to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// All processes that are alive, by name. Dropping it kills them.
#[derive(Debug, Default)]
pub(crate) struct Processes(Mutex<BTreeMap<String, Child>>);

impl Processes {
    fn alive(&self) -> MutexGuard<'_, BTreeMap<String, Child>> {
        // Whoever panicked with it in hand did not end the processes: they still have to be.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its standard error, if `command` pipes it.
    pub(crate) fn start(&self, name: &str, command: &mut Command) -> anyhow::Result<Option<ChildStderr>> {
        let mut alive = self.alive();
        if alive.contains_key(name) {
            bail!("{name} is running already");
        }
        // A child inherits which signals are held back, and has to hear them. Who stops the storm
        // in just this moment stops it without `guard`: a matter of a millisecond.
        guarded_signals().thread_unblock()?;
        let child = command.spawn();
        guarded_signals().thread_block()?;
        let mut child = child.with_context(|| format!("{name} cannot be started"))?;
        let stderr = child.stderr.take();
        alive.insert(name.to_owned(), child);
        Ok(stderr)
    }

    /// Sends it a signal that it does not end from: SIGSTOP or SIGCONT.
    ///
    /// # Errors
    /// It was gone before.
    pub(crate) fn signal(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        self.still_there(name)?;
        let alive = self.alive();
        let child = alive.get(name).with_context(|| format!("{name} was not started"))?;
        Ok(kill(Pid::from_raw(i32::try_from(child.id())?), signal)?)
    }

    /// How it ended, if it did so by itself; then it may be started again.
    pub(crate) fn ended(&self, name: &str) -> anyhow::Result<Option<ExitStatus>> {
        let mut alive = self.alive();
        let status = alive.get_mut(name).with_context(|| format!("{name} was not started"))?.try_wait()?;
        if status.is_some() {
            alive.remove(name);
        }
        Ok(status)
    }

    /// SIGKILL, and the process is gone when this returns.
    ///
    /// # Errors
    /// It was gone before: it ended by itself.
    pub(crate) fn kill(&self, name: &str) -> anyhow::Result<()> {
        self.still_there(name)?;
        let mut child = self.take(name)?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// SIGTERM, and after `patience` SIGKILL.
    pub(crate) fn end(&self, name: &str, patience: Duration) -> anyhow::Result<ExitStatus> {
        self.still_there(name)?;
        let mut child = self.take(name)?;
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            pause(LOOK_EVERY);
        }
        child.kill()?;
        child.wait()?;
        bail!("{name} did not end within {} s of SIGTERM", patience.as_secs())
    }

    /// # Errors
    /// The process ended without being told to.
    pub(crate) fn still_there(&self, name: &str) -> anyhow::Result<()> {
        let mut alive = self.alive();
        let child = alive.get_mut(name).with_context(|| format!("{name} was not started"))?;
        match child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{name} ended by itself: {status}; its .err file says why"),
        }
    }

    pub(crate) fn kill_all(&self) {
        for (_, mut child) in std::mem::take(&mut *self.alive()) {
            // It may have ended meanwhile.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn take(&self, name: &str) -> anyhow::Result<Child> {
        self.alive().remove(name).with_context(|| format!("{name} was not started"))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Ends everything when the storm is told to stop or has taken longer than `deadline`. Call it
/// before any other thread is started: threads inherit which signals are held back.
pub(crate) fn guard(processes: &Arc<Processes>, deadline: Duration) -> anyhow::Result<()> {
    let signals = guarded_signals();
    signals.thread_block()?;
    let held = Arc::clone(processes);
    std::thread::spawn(move || {
        if signals.wait().is_ok() {
            held.kill_all();
            eprintln!("storm: was told to stop; everything is killed");
            std::process::exit(130);
        }
    });
    let late = Arc::clone(processes);
    std::thread::spawn(move || {
        pause(deadline);
        eprintln!("storm: not over after {} s; everything is killed", deadline.as_secs());
        late.kill_all();
        std::process::exit(2);
    });
    Ok(())
}

/// What people and service managers stop a program with.
fn guarded_signals() -> SigSet {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
}
