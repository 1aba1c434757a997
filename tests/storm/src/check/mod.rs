//! Says from the logs of a run whether jobs were lost or doubled and whether any watcher missed,
//! repeated or reordered anything. It is pure and knows nothing of the broker's code.
//!
//! The words `lost`, `doubled` and `gap` are defined in `tests/storm/README.md`; each check says at
//! its head which part of that it is.

mod demands;
mod executions;
mod figures;
mod history;
mod jobs;
mod kills;
mod report;
mod stories;
mod streams;
mod strikes;
#[cfg(test)]
pub(crate) mod tests;

use crate::logs::Logs;
pub(crate) use report::{Kind, Report};

pub(crate) fn check(logs: &Logs<'_>) -> Report {
    let mut report = Report::default();
    let history = history::check(logs, &mut report);
    history::check_acks(logs, &history, &mut report);
    let strikes = strikes::Strikes::of(logs);
    stories::check(logs, &history, &strikes, &mut report);
    jobs::check(logs, &history, &mut report);
    executions::check(logs, &history, &strikes, &mut report);
    streams::check(logs, &history, &mut report);
    let kills = kills::of(logs, &history);
    demands::check(logs, &history, &strikes, &kills, &mut report);
    figures::tell(logs, &history, &strikes, &kills, &mut report);
    report
}
