//! The lines of the logs: written by the run, read by the checker. Fields stand between tabs,
//! `-` is an absent one, times are microseconds since 1970.

use anyhow::Context;
use std::fmt::Display;
use std::str::{FromStr, Split};

/// One line of a log.
pub(crate) trait Record<'a>: Sized {
    fn line(&self) -> String;
    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self>;
}

/// The fields of a line, one after the other.
#[derive(Debug)]
pub(crate) struct Fields<'a>(Split<'a, char>);

impl<'a> Fields<'a> {
    fn word(&mut self) -> anyhow::Result<&'a str> {
        self.0.next().context("a field is missing")
    }

    fn value<T: FromStr>(&mut self) -> anyhow::Result<T> {
        let word = self.word()?;
        word.parse().ok().with_context(|| format!("{word:?} is no such value"))
    }

    fn maybe(&mut self) -> anyhow::Result<Option<&'a str>> {
        self.word().map(|word| Some(word).filter(|word| *word != "-"))
    }
}

fn dash<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// All lines of a log.
///
/// # Errors
/// A line is not what the log holds; it names the line.
pub(crate) fn lines<'a, R: Record<'a>>(name: &str, text: &'a str) -> anyhow::Result<Vec<R>> {
    let line = |(index, line): (usize, &'a str)| {
        R::read(&mut Fields(line.split('\t'))).with_context(|| format!("{name}, line {}: {line:?}", index + 1))
    };
    text.lines().enumerate().map(line).collect()
}

/// A job is about to be submitted for the first time.
#[derive(Clone, Debug)]
pub(crate) struct Submission<'a> {
    pub(crate) at: u64,
    pub(crate) job: &'a str,
}

impl<'a> Record<'a> for Submission<'a> {
    fn line(&self) -> String {
        format!("{}\t{}", self.at, self.job)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        Ok(Submission { at: fields.value()?, job: fields.word()? })
    }
}

/// The broker said that it has a job.
#[derive(Clone, Debug)]
pub(crate) struct Ack<'a> {
    pub(crate) at: u64,
    pub(crate) job: &'a str,
    pub(crate) event: Option<&'a str>,
    pub(crate) duplicate: bool,
    /// Posts until this answer came, this one included.
    pub(crate) tries: u32,
}

impl<'a> Record<'a> for Ack<'a> {
    fn line(&self) -> String {
        format!("{}\t{}\t{}\t{}\t{}", self.at, self.job, dash(self.event), self.duplicate, self.tries)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let (at, job, event) = (fields.value()?, fields.word()?, fields.maybe()?);
        Ok(Ack { at, job, event, duplicate: fields.value()?, tries: fields.value()? })
    }
}

/// A job's program began (`start`) or ended.
#[derive(Clone, Debug)]
pub(crate) struct Execution<'a> {
    pub(crate) start: bool,
    pub(crate) at: u64,
    pub(crate) job: &'a str,
    pub(crate) attempt: u32,
    pub(crate) pid: u32,
}

impl<'a> Record<'a> for Execution<'a> {
    fn line(&self) -> String {
        let word = if self.start { "start" } else { "end" };
        format!("{word}\t{}\t{}\t{}\t{}", self.at, self.job, self.attempt, self.pid)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let (start, at, job) = (fields.word()? == "start", fields.value()?, fields.word()?);
        Ok(Execution { start, at, job, attempt: fields.value()?, pid: fields.value()? })
    }
}

/// One life of the broker, and its end.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) spawned_at: u64,
    /// `None`: it was killed before it answered anything.
    pub(crate) answered_at: Option<u64>,
    /// For the last one: when the submissions stopped; it was not killed.
    pub(crate) ended_at: u64,
    pub(crate) killed: bool,
}

impl<'a> Record<'a> for Life {
    fn line(&self) -> String {
        format!("{}\t{}\t{}\t{}", self.spawned_at, dash(self.answered_at), self.ended_at, self.killed)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let spawned_at = fields.value()?;
        let answered_at = fields.maybe()?.map(str::parse).transpose()?;
        Ok(Life { spawned_at, answered_at, ended_at: fields.value()?, killed: fields.value()? })
    }
}

/// The end, as the broker tells it.
#[derive(Clone, Debug)]
pub(crate) enum Dumped<'a> {
    /// The last event at a moment when no job was left; every watcher has to reach it.
    Head {
        id: &'a str,
    },
    /// How many jobs the list says that it has.
    Total {
        jobs: u64,
    },
    Job {
        job: &'a str,
        status: &'a str,
    },
}

impl<'a> Record<'a> for Dumped<'a> {
    fn line(&self) -> String {
        match self {
            Dumped::Head { id } => format!("head\t{id}"),
            Dumped::Total { jobs } => format!("total\t{jobs}"),
            Dumped::Job { job, status } => format!("job\t{job}\t{status}"),
        }
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        match fields.word()? {
            "head" => Ok(Dumped::Head { id: fields.word()? }),
            "total" => Ok(Dumped::Total { jobs: fields.value()? }),
            "job" => Ok(Dumped::Job { job: fields.word()?, status: fields.word()? }),
            word => anyhow::bail!("{word:?} is no kind of line"),
        }
    }
}

/// What a watcher did and heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// Watchers of single jobs: what follows is about this one.
    Follow {
        at: u64,
        job: &'a str,
    },
    /// A stream began; `since` is the position it resumes after.
    Opened {
        at: u64,
        since: Option<&'a str>,
    },
    /// The state after an event, as a stream begins with it when nothing is resumed.
    State {
        at: u64,
        id: &'a str,
        kind: &'a str,
    },
    Event {
        at: u64,
        id: &'a str,
        kind: &'a str,
        job: Option<&'a str>,
        detail: Option<&'a str>,
    },
    /// The broker ended the stream of a single job.
    Ended {
        at: u64,
    },
    /// 204: there is nothing left to hear of the job.
    Nothing {
        at: u64,
    },
    /// Anything that must not happen: a resync, another status, a frame that makes no sense.
    Odd {
        at: u64,
        what: &'a str,
    },
}

impl<'a> Record<'a> for Heard<'a> {
    fn line(&self) -> String {
        match self {
            Heard::Follow { at, job } => format!("follow\t{at}\t{job}"),
            Heard::Opened { at, since } => format!("opened\t{at}\t{}", dash(*since)),
            Heard::State { at, id, kind } => format!("state\t{at}\t{id}\t{kind}"),
            Heard::Event { at, id, kind, job, detail } => {
                format!("event\t{at}\t{id}\t{kind}\t{}\t{}", dash(*job), dash(*detail))
            }
            Heard::Ended { at } => format!("ended\t{at}"),
            Heard::Nothing { at } => format!("nothing\t{at}"),
            // It may be anything, and must stay one field of one line.
            Heard::Odd { at, what } => format!("odd\t{at}\t{}", what.replace(['\t', '\n', '\r'], " ")),
        }
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let (word, at) = (fields.word()?, fields.value()?);
        Ok(match word {
            "follow" => Heard::Follow { at, job: fields.word()? },
            "opened" => Heard::Opened { at, since: fields.maybe()? },
            "state" => Heard::State { at, id: fields.word()?, kind: fields.word()? },
            "event" => {
                let (id, kind) = (fields.word()?, fields.word()?);
                Heard::Event { at, id, kind, job: fields.maybe()?, detail: fields.maybe()? }
            }
            "ended" => Heard::Ended { at },
            "nothing" => Heard::Nothing { at },
            "odd" => Heard::Odd { at, what: fields.word()? },
            word => anyhow::bail!("{word:?} is no kind of line"),
        })
    }
}

/// The number in the middle of `<epoch>-<seq>-<hash>`, and the epoch before it.
pub(crate) fn position(id: &str) -> Option<Position> {
    let mut parts = id.split('-');
    let (epoch, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (parts.next().is_some_and(|hash| hash.len() == 16) && parts.next().is_none()).then_some(Position { epoch, seq })
}

/// Where an event stands. `wire.md` §1 gives ids this form; programs must not look inside, this
/// one has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
}
