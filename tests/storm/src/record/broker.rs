//! What was done to the broker and the agents.

use super::{Fields, Record, dash};

/// One life of the broker, and its end.
#[derive(Clone, Debug)]
pub(crate) struct Life<'a> {
    pub(crate) spawned_at: u64,
    /// `None`: it was killed before it answered anything.
    pub(crate) answered_at: Option<u64>,
    /// For the last one: when the submissions stopped; it was not killed.
    pub(crate) ended_at: u64,
    pub(crate) killed: bool,
    /// It was stopped at this time and killed without going on.
    pub(crate) stopped_at: Option<u64>,
    /// What it had said to begin and not to have ended.
    pub(crate) amid: Option<&'a str>,
    /// Submissions sent and not answered.
    pub(crate) in_flight: u64,
}

impl<'a> Record<'a> for Life<'a> {
    fn line(&self) -> String {
        let Life { spawned_at, ended_at, killed, in_flight, .. } = self;
        let (answered_at, stopped_at, amid) = (dash(self.answered_at), dash(self.stopped_at), dash(self.amid));
        format!("{spawned_at}\t{answered_at}\t{ended_at}\t{killed}\t{stopped_at}\t{amid}\t{in_flight}")
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let (spawned_at, answered_at) = (fields.value()?, fields.maybe_value()?);
        let (ended_at, killed) = (fields.value()?, fields.value()?);
        let (stopped_at, amid) = (fields.maybe_value()?, fields.maybe()?);
        Ok(Life { spawned_at, answered_at, ended_at, killed, stopped_at, amid, in_flight: fields.value()? })
    }
}

/// A process was killed, or stopped for a while.
#[derive(Clone, Debug)]
pub(crate) struct Strike<'a> {
    pub(crate) who: &'a str,
    pub(crate) killed: bool,
    pub(crate) at: u64,
    /// When it went on, or was there again.
    pub(crate) until: u64,
}

impl<'a> Record<'a> for Strike<'a> {
    fn line(&self) -> String {
        let word = if self.killed { "killed" } else { "stopped" };
        format!("{word}\t{}\t{}\t{}", self.who, self.at, self.until)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let killed = fields.word()? == "killed";
        Ok(Strike { killed, who: fields.word()?, at: fields.value()?, until: fields.value()? })
    }
}

/// A time of bad weather.
#[derive(Clone, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) what: &'a str,
    pub(crate) from: u64,
    pub(crate) until: u64,
}

impl<'a> Record<'a> for Window<'a> {
    fn line(&self) -> String {
        format!("{}\t{}\t{}", self.what, self.from, self.until)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        Ok(Window { what: fields.word()?, from: fields.value()?, until: fields.value()? })
    }
}

/// What a run has to have been for its silence to mean anything.
#[derive(Clone, Debug)]
pub(crate) struct Demand<'a> {
    pub(crate) of: &'a str,
    pub(crate) least: u64,
}

impl<'a> Record<'a> for Demand<'a> {
    fn line(&self) -> String {
        format!("{}\t{}", self.of, self.least)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        Ok(Demand { of: fields.word()?, least: fields.value()? })
    }
}
