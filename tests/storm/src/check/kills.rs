//! What was going on at each kill of the broker.

use super::executions::{by_job, ended_at};
use super::history::History;
use crate::logs::Logs;
use crate::record::Life;
use std::fmt;

/// A kill is early if the process had been started no longer ago than this.
pub(crate) const EARLY_US: u64 = 100_000;
/// Over how long before a kill submissions are counted.
const BEFORE_US: u64 = 1_000_000;

/// What the broker was doing. Of several the rarest counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase<'a> {
    /// It had said that it writes a checkpoint, or trims, and not that it is done.
    Amid(&'a str),
    /// Within 100 ms of its start.
    Early,
    /// It had been stopped.
    Stopped,
    Busy,
}

impl fmt::Display for Phase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Phase::Amid(doing) => write!(f, "amid a {doing}"),
            Phase::Early => f.write_str("within 100 ms of its start"),
            Phase::Stopped => f.write_str("while it was stopped"),
            Phase::Busy => f.write_str("at work"),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Kill<'a> {
    pub(crate) phase: Phase<'a>,
    pub(crate) lived_us: u64,
    /// Jobs that had begun and not ended.
    pub(crate) running: u64,
    /// Submissions sent and not answered.
    pub(crate) in_flight: u64,
    /// Submissions acknowledged in the second before.
    pub(crate) before: u64,
    /// From the kill to the first submission acknowledged by a later life.
    pub(crate) outage_us: Option<u64>,
}

pub(crate) fn of<'a>(logs: &'a Logs<'a>, history: &History<'_>) -> Vec<Kill<'a>> {
    let mut acks: Vec<u64> = logs.acks.iter().map(|ack| ack.at).collect();
    acks.sort_unstable();
    let (begins, ends) = runs(logs, history);
    let kill = |(index, life): (usize, &Life<'a>)| {
        let at = life.ended_at;
        // What a stopped broker had running, it still has, though programs end meanwhile.
        let seen = life.stopped_at.unwrap_or(at);
        // An answer may have been on its way when its sender was killed.
        let again = logs.lives.get(index + 1).map_or(u64::MAX, |next| next.spawned_at);
        let first = acks.get(up_to(&acks, again)).copied();
        Kill {
            phase: phase(life),
            lived_us: at.saturating_sub(life.spawned_at),
            running: up_to(&begins, seen).saturating_sub(up_to(&ends, seen)) as u64,
            in_flight: life.in_flight,
            before: (up_to(&acks, at) - up_to(&acks, at.saturating_sub(BEFORE_US))) as u64,
            outage_us: first.map(|first| first.saturating_sub(at)),
        }
    };
    logs.lives.iter().enumerate().filter(|(_, life)| life.killed).map(kill).collect()
}

fn phase<'a>(life: &Life<'a>) -> Phase<'a> {
    match (life.amid, life.stopped_at) {
        (Some(doing), _) => Phase::Amid(doing),
        _ if life.ended_at.saturating_sub(life.spawned_at) <= EARLY_US => Phase::Early,
        (None, Some(_)) => Phase::Stopped,
        (None, None) => Phase::Busy,
    }
}

/// When each job began to run and when it ended, each sorted.
fn runs(logs: &Logs<'_>, history: &History<'_>) -> (Vec<u64>, Vec<u64>) {
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for (job, runs) in by_job(logs) {
        let Some(first) = runs.starts.first() else { continue };
        begins.push(first.at);
        let told = ended_at(history, job);
        let marked = runs.ends.iter().map(|end| end.at).max();
        ends.extend(marked.into_iter().chain(told).min());
    }
    begins.sort_unstable();
    ends.sort_unstable();
    (begins, ends)
}

fn up_to(sorted: &[u64], at: u64) -> usize {
    sorted.partition_point(|other| *other <= at)
}
