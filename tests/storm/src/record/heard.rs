//! What watchers write.

use super::{Fields, Record, dash};

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
    /// What follows the last position is kept no longer; the state comes next.
    Lapsed {
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
            Heard::Lapsed { at } => format!("lapsed\t{at}"),
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
            "lapsed" => Heard::Lapsed { at },
            "nothing" => Heard::Nothing { at },
            "odd" => Heard::Odd { at, what: fields.word()? },
            word => anyhow::bail!("{word:?} is no kind of line"),
        })
    }
}
