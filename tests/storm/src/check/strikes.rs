//! What may be excused: an agent that was killed or stopped loses its leases, and its jobs begin
//! again elsewhere.

use crate::logs::Logs;
use crate::record::Strike;
use std::collections::HashMap;

/// How far clocks of events, marks and blows may lie apart: an event is heard after it happened,
/// and a program writes its first mark a while after it was given its job.
const SLACK_US: u64 = 5_000_000;
/// How long after a blow its leases may still run out: a lease (8 s), or the grace after a start of
/// the broker (16 s), and a while for the queue of a busy machine.
const LEASES_US: u64 = 30_000_000;

/// The blows to each agent.
#[derive(Debug, Default)]
pub(crate) struct Strikes<'a>(HashMap<&'a str, Vec<&'a Strike<'a>>>);

impl<'a> Strikes<'a> {
    pub(crate) fn of(logs: &'a Logs<'a>) -> Strikes<'a> {
        let mut strikes = Strikes::default();
        for strike in &logs.strikes {
            strikes.0.entry(strike.who).or_default().push(strike);
        }
        strikes
    }

    /// Whether a lease that this worker got at `from` may have been lost at `until`.
    pub(crate) fn excuse_loss(&self, worker: &str, from: u64, until: u64) -> bool {
        let is_of = |agent: &str| worker.strip_prefix(agent).is_some_and(|rest| rest.starts_with('-'));
        let mut blows = self.0.iter().filter(|(agent, _)| is_of(agent)).flat_map(|(_, blows)| blows);
        blows.any(|blow| blow.at <= until + SLACK_US && blow.until + LEASES_US >= from)
    }

    /// Whether the agent was struck between `from` and `until`, or just before.
    pub(crate) fn hit(&self, agent: &str, from: u64, until: u64) -> bool {
        let blows = self.0.get(agent).map_or(&[][..], Vec::as_slice);
        blows.iter().any(|blow| blow.at <= until + SLACK_US && blow.until + SLACK_US >= from)
    }

    /// Blows to agents: killed and stopped.
    pub(crate) fn to_agents(&self) -> (usize, usize) {
        let agents = self.0.iter().filter(|(who, _)| **who != "broker").flat_map(|(_, blows)| blows);
        let killed = agents.clone().filter(|blow| blow.killed).count();
        (killed, agents.count() - killed)
    }
}
