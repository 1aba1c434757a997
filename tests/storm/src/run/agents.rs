//! Blows to the agents: killed, stopped for a while, or stopped and then killed. Each is there again
//! in the end.

use super::log::Log;
use super::stage::{Phase, Stage};
use super::theatre::{AGENTS, Theatre, agent_name};
use crate::clock::{now_us, pause};
use crate::dice::Dice;
use crate::record::Strike;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Agents that are down at the same time at most: the others have to hold the load.
const DOWN_MAX: usize = 2;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A killed agent is there again after up to so long; one in [`LONG_ONE_IN`] after longer than its
/// leases last (8 s, and 16 s after a start of the broker).
const GONE_MS_MAX: u64 = 3_000;
const GONE_LONG_MS: [u64; 2] = [10_000, 25_000];
const STOPPED_MS_MAX: u64 = 6_000;
const STOPPED_LONG_MS: [u64; 2] = [9_000, 20_000];
const LONG_ONE_IN: u64 = 4;

pub(crate) struct Agents<'a> {
    pub(crate) theatre: &'a Theatre<'a>,
    pub(crate) stage: &'a Stage,
    pub(crate) log: &'a Log,
    pub(crate) mean_gap: Duration,
    pub(crate) dice: Dice,
    pub(crate) is_stop_next: bool,
}

/// An agent that is not at work.
struct Down {
    number: usize,
    since: u64,
    until: Instant,
    is_stopped: bool,
    /// A stopped one is killed rather than let go on.
    then_killed: bool,
}

impl Agents<'_> {
    /// Returns when the storm is over and all agents are at work.
    pub(crate) fn strike(&mut self) -> anyhow::Result<()> {
        let mut down: Vec<Down> = Vec::new();
        let mut next = Instant::now() + self.dice.gap(self.mean_gap);
        loop {
            let is_over = self.stage.is_past(Phase::Storm);
            let (due, rest): (Vec<_>, Vec<_>) =
                down.into_iter().partition(|down| is_over || down.until <= Instant::now());
            down = rest;
            for agent in due {
                down.extend(self.recover(&agent)?);
            }
            if is_over && down.is_empty() {
                return Ok(());
            }
            if !is_over && next <= Instant::now() && down.len() < DOWN_MAX {
                down.push(self.blow(&down)?);
                next = Instant::now() + self.dice.gap(self.mean_gap);
            }
            pause(LOOK_EVERY);
        }
    }

    fn blow(&mut self, down: &[Down]) -> anyhow::Result<Down> {
        let is_up = |number: &usize| down.iter().all(|down| down.number != *number);
        let up: Vec<usize> = (1..=AGENTS).filter(is_up).collect();
        let number = up[self.dice.between(0, up.len() as u64 - 1) as usize];
        // By turns, so that a short storm has both.
        self.is_stop_next = !self.is_stop_next;
        let (is_stopped, then_killed) = (self.is_stop_next, self.dice.one_in(2));
        let (since, name) = (now_us(), agent_name(number));
        match is_stopped {
            true => self.theatre.processes.signal(&name, Signal::SIGSTOP)?,
            false => self.theatre.processes.kill(&name)?,
        }
        let (short, [least, most]) =
            if is_stopped { (STOPPED_MS_MAX, STOPPED_LONG_MS) } else { (GONE_MS_MAX, GONE_LONG_MS) };
        let ms =
            if self.dice.one_in(LONG_ONE_IN) { self.dice.between(least, most) } else { self.dice.between(0, short) };
        Ok(Down { number, since, until: Instant::now() + Duration::from_millis(ms), is_stopped, then_killed })
    }

    /// It goes on or is started again; one that is killed now is down for a while more.
    fn recover(&mut self, down: &Down) -> anyhow::Result<Option<Down>> {
        let name = agent_name(down.number);
        let put = |killed, at| self.log.put(&Strike { who: &name, killed, at, until: now_us() });
        if !down.is_stopped {
            self.theatre.start_agent(down.number)?;
            put(true, down.since);
            return Ok(None);
        }
        if !down.then_killed {
            self.theatre.processes.signal(&name, Signal::SIGCONT)?;
            put(false, down.since);
            return Ok(None);
        }
        self.theatre.processes.kill(&name)?;
        put(false, down.since);
        let until = Instant::now() + Duration::from_millis(self.dice.between(0, GONE_MS_MAX));
        Ok(Some(Down { since: now_us(), until, is_stopped: false, ..*down }))
    }
}
