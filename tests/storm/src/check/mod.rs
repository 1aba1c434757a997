//! Says from the logs of a run whether jobs were lost or doubled and whether any watcher missed,
//! repeated or reordered anything. It is pure and knows nothing of the broker's code.

mod figures;
mod history;
mod jobs;
mod report;
mod streams;
#[cfg(test)]
pub(crate) mod tests;

use crate::logs::Logs;
pub(crate) use report::{Kind, Report};

pub(crate) fn check(logs: &Logs<'_>) -> Report {
    let mut report = Report::default();
    let history = history::check(logs, &mut report);
    history::check_acks(logs, &history, &mut report);
    history::check_stories(&history, &mut report);
    jobs::check(logs, &history, &mut report);
    streams::check(logs, &history, &mut report);
    figures::tell(logs, &history, &mut report);
    report
}
