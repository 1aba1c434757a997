//! A run as its logs tell it.

use crate::folder::{self, Folder};
use crate::record::{
    Ack, Cancel, Demand, Dumped, Execution, Finish, Heard, Life, Refusal, Strike, Submission, Window, lines,
};
use anyhow::bail;

#[derive(Debug)]
pub(crate) struct Logs<'a> {
    pub(crate) submissions: Vec<Submission<'a>>,
    pub(crate) acks: Vec<Ack<'a>>,
    pub(crate) executions: Vec<Execution<'a>>,
    pub(crate) lives: Vec<Life<'a>>,
    pub(crate) strikes: Vec<Strike<'a>>,
    pub(crate) refusals: Vec<Refusal<'a>>,
    pub(crate) cancels: Vec<Cancel<'a>>,
    pub(crate) finishes: Vec<Finish<'a>>,
    pub(crate) weather: Vec<Window<'a>>,
    pub(crate) demands: Vec<Demand<'a>>,
    pub(crate) dump: Vec<Dumped<'a>>,
    pub(crate) monitors: Vec<Watcher<'a>>,
    pub(crate) streams: Vec<Watcher<'a>>,
}

/// What one watcher heard, in its order.
#[derive(Debug)]
pub(crate) struct Watcher<'a> {
    pub(crate) name: &'a str,
    pub(crate) heard: Vec<Heard<'a>>,
}

impl<'a> Logs<'a> {
    /// # Errors
    /// A file is missing or a line cannot be read: then nothing can be said about the run.
    pub(crate) fn read(folder: &'a Folder) -> anyhow::Result<Logs<'a>> {
        let watchers = |prefix: &str| {
            let watcher = |(name, text): (&'a str, &'a str)| Ok(Watcher { name, heard: lines(name, text)? });
            folder.texts(prefix).map(watcher).collect::<anyhow::Result<Vec<_>>>()
        };
        let (monitors, streams) = (watchers("monitor-")?, watchers("stream-")?);
        if monitors.is_empty() {
            bail!("there is no log of a watcher");
        }
        Ok(Logs {
            submissions: lines(folder::SUBMISSIONS, folder.text(folder::SUBMISSIONS)?)?,
            acks: lines(folder::ACKS, folder.text(folder::ACKS)?)?,
            executions: lines(folder::EXECUTIONS, folder.text(folder::EXECUTIONS)?)?,
            lives: lines(folder::KILLS, folder.text(folder::KILLS)?)?,
            strikes: lines(folder::STRIKES, folder.text(folder::STRIKES)?)?,
            refusals: lines(folder::REFUSALS, folder.text(folder::REFUSALS)?)?,
            cancels: lines(folder::CANCELS, folder.text(folder::CANCELS)?)?,
            finishes: lines(folder::FINISHES, folder.text(folder::FINISHES)?)?,
            weather: lines(folder::WEATHER, folder.text(folder::WEATHER)?)?,
            demands: lines(folder::DEMANDS, folder.text(folder::DEMANDS)?)?,
            dump: lines(folder::DUMP, folder.text(folder::DUMP)?)?,
            monitors,
            streams,
        })
    }
}
