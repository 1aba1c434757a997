//! The lines of the logs: written by the run, read by the checker. Fields stand between tabs,
//! `-` is an absent one, times are microseconds since 1970.

mod broker;
mod heard;

pub(crate) use broker::{Demand, Life, Strike, Window};
pub(crate) use heard::Heard;

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

    fn maybe_value<T: FromStr>(&mut self) -> anyhow::Result<Option<T>> {
        let Some(word) = self.maybe()? else { return Ok(None) };
        word.parse().map(Some).ok().with_context(|| format!("{word:?} is no such value"))
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
    /// Bytes of the text in its payload; 0 for most.
    pub(crate) bytes: usize,
}

impl<'a> Record<'a> for Submission<'a> {
    fn line(&self) -> String {
        format!("{}\t{}\t{}", self.at, self.job, self.bytes)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        Ok(Submission { at: fields.value()?, job: fields.word()?, bytes: fields.value()? })
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

/// What a job's program says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    Start,
    End,
    /// It was given another payload than was submitted.
    Wrong,
}

/// A mark of a job's program.
#[derive(Clone, Debug)]
pub(crate) struct Execution<'a> {
    pub(crate) mark: Mark,
    pub(crate) at: u64,
    pub(crate) job: &'a str,
    pub(crate) attempt: u32,
    pub(crate) pid: u32,
    /// Who ran it.
    pub(crate) agent: &'a str,
}

impl<'a> Record<'a> for Execution<'a> {
    fn line(&self) -> String {
        let word = match self.mark {
            Mark::Start => "start",
            Mark::End => "end",
            Mark::Wrong => "wrong",
        };
        format!("{word}\t{}\t{}\t{}\t{}\t{}", self.at, self.job, self.attempt, self.pid, self.agent)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let mark = match fields.word()? {
            "start" => Mark::Start,
            "end" => Mark::End,
            "wrong" => Mark::Wrong,
            word => anyhow::bail!("{word:?} is no mark"),
        };
        let (at, job, attempt) = (fields.value()?, fields.word()?, fields.value()?);
        Ok(Execution { mark, at, job, attempt, pid: fields.value()?, agent: fields.word()? })
    }
}

/// The broker did not take a submission and said why; the submitter goes on trying.
#[derive(Clone, Debug)]
pub(crate) struct Refusal<'a> {
    pub(crate) at: u64,
    pub(crate) job: &'a str,
    pub(crate) status: u16,
    pub(crate) code: &'a str,
}

impl<'a> Record<'a> for Refusal<'a> {
    fn line(&self) -> String {
        format!("{}\t{}\t{}\t{}", self.at, self.job, self.status, self.code)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        let (at, job) = (fields.value()?, fields.word()?);
        Ok(Refusal { at, job, status: fields.value()?, code: fields.word()? })
    }
}

/// A running job was cancelled, and the broker answered.
#[derive(Clone, Debug)]
pub(crate) struct Cancel<'a> {
    pub(crate) at: u64,
    pub(crate) job: &'a str,
    pub(crate) status: u16,
}

impl<'a> Record<'a> for Cancel<'a> {
    fn line(&self) -> String {
        format!("{}\t{}\t{}", self.at, self.job, self.status)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        Ok(Cancel { at: fields.value()?, job: fields.word()?, status: fields.value()? })
    }
}

/// An agent wrote that the broker took a job's result from it.
#[derive(Clone, Debug)]
pub(crate) struct Finish<'a> {
    pub(crate) agent: &'a str,
    pub(crate) job: &'a str,
}

impl<'a> Record<'a> for Finish<'a> {
    fn line(&self) -> String {
        format!("{}\t{}", self.agent, self.job)
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        Ok(Finish { agent: fields.word()?, job: fields.word()? })
    }
}

/// The end, as the broker tells it.
#[derive(Clone, Debug)]
pub(crate) enum Dumped<'a> {
    /// The last event at a moment when no job was left; every watcher has to reach it.
    Head { id: &'a str },
    /// How many jobs the list says that it has.
    Total { jobs: u64 },
    Job {
        job: &'a str,
        status: &'a str,
        /// Why it failed.
        reason: Option<&'a str>,
    },
    /// A job with a large payload: whether payload and result are what they have to be.
    Content { job: &'a str, payload: bool, result: bool },
}

impl<'a> Record<'a> for Dumped<'a> {
    fn line(&self) -> String {
        match self {
            Dumped::Head { id } => format!("head\t{id}"),
            Dumped::Total { jobs } => format!("total\t{jobs}"),
            Dumped::Job { job, status, reason } => format!("job\t{job}\t{status}\t{}", dash(*reason)),
            Dumped::Content { job, payload, result } => format!("content\t{job}\t{payload}\t{result}"),
        }
    }

    fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        match fields.word()? {
            "head" => Ok(Dumped::Head { id: fields.word()? }),
            "total" => Ok(Dumped::Total { jobs: fields.value()? }),
            "job" => Ok(Dumped::Job { job: fields.word()?, status: fields.word()?, reason: fields.maybe()? }),
            "content" => Ok(Dumped::Content { job: fields.word()?, payload: fields.value()?, result: fields.value()? }),
            word => anyhow::bail!("{word:?} is no kind of line"),
        }
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
