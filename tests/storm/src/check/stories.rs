//! The life of each job as it was told: submitted, assigned, started, ended once. It goes back to
//! the queue only before it was started, or when its agent was struck.

use super::history::{History, Told};
use super::strikes::Strikes;
use super::{Kind, Report};
use crate::logs::Logs;
use std::collections::HashSet;

/// The third loss in a row ends a job (`docs/rules.md`), as does the tenth return without a start.
const LOST_MAX: u32 = 3;
const RETURNED_MAX: u32 = 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Nothing,
    Pending,
    Assigned,
    Running,
    Ended,
}

/// Where a story has got to.
struct Job<'a> {
    state: State,
    worker: &'a str,
    assigned_at: u64,
    lost: u32,
    returned: u32,
}

pub(crate) fn check(logs: &Logs<'_>, history: &History<'_>, strikes: &Strikes<'_>, report: &mut Report) {
    let cancelled: HashSet<&str> = logs.cancels.iter().map(|cancel| cancel.job).collect();
    for (job, story) in &history.stories {
        let mut at = Job { state: State::Nothing, worker: "", assigned_at: 0, lost: 0, returned: 0 };
        for seq in story {
            let told = &history.told[seq];
            if !step(&mut at, told, cancelled.contains(job), strikes) {
                let word = told.detail.unwrap_or_default();
                let kind = if at.state == State::Ended { Kind::Doubled } else { Kind::Lease };
                let why = format!("{job}: {} {word} while {:?} (event {})", told.kind, at.state, told.id);
                report.object(kind, why);
                break;
            }
            if let ("complete_job", Some((of, _))) = (told.kind, result_of(told))
                && of != *job
            {
                report.object(Kind::Lease, format!("{job}: completed with the result of {of}"));
            }
        }
    }
}

/// Which job a told result names, and the process that made it.
pub(crate) fn result_of<'a>(told: &Told<'a>) -> Option<(&'a str, &'a str)> {
    told.detail?.split_once('@')
}

/// Whether this may follow.
fn step<'a>(job: &mut Job<'a>, told: &Told<'a>, may_be_cancelled: bool, strikes: &Strikes<'_>) -> bool {
    use State::{Assigned, Ended, Nothing, Pending, Running};
    let detail = told.detail.unwrap_or_default();
    let loses = |job: &Job<'_>| strikes.excuse_loss(job.worker, job.assigned_at, told.at);
    job.state = match (job.state, told.kind, detail) {
        (Nothing, "job_submitted", _) => Pending,
        (Pending, "job_assigned", worker) => {
            (job.worker, job.assigned_at) = (worker, told.at);
            Assigned
        }
        (Assigned, "job_status_changed", "in_progress") => Running,
        (Assigned, "job_status_changed", "pending:not_started" | "pending:released") => {
            job.returned += 1;
            Pending
        }
        (Assigned | Running, "job_status_changed", detail) if detail.starts_with("pending:") && loses(job) => {
            job.lost += 1;
            Pending
        }
        (Running, "complete_job", _) => Ended,
        (Pending | Assigned | Running, "job_failed", "cancelled") if may_be_cancelled => Ended,
        (Assigned | Running, "job_failed", "poison") if job.lost + 1 >= LOST_MAX && loses(job) => Ended,
        (Assigned, "job_failed", "undeliverable") if job.returned + 1 >= RETURNED_MAX => Ended,
        _ => return false,
    };
    true
}
