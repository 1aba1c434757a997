//! Lost, doubled and unknown jobs: acknowledgements against what the broker has in the end.

use super::history::History;
use super::{Kind, Report};
use crate::logs::Logs;
use crate::record::Dumped;
use std::collections::{HashMap, HashSet};

/// How a job may end that nobody cancelled and whose program never fails: by rule, when it lost
/// three workers in a row or came back ten times.
const BY_RULE: [&str; 2] = ["poison", "undeliverable"];

pub(crate) fn check(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    let submitted: HashSet<&str> = logs.submissions.iter().map(|submission| submission.job).collect();
    let acknowledged = check_acks(logs, &submitted, report);
    let dumped = check_dump(logs, &submitted, report);
    // A cancellation that was not answered may have happened or not.
    let cancels: HashMap<&str, u16> = logs.cancels.iter().map(|cancel| (cancel.job, cancel.status)).collect();
    let mut in_order: Vec<&str> = acknowledged.into_iter().collect();
    in_order.sort_unstable();
    for job in in_order {
        let cancel = cancels.get(job).copied();
        match dumped.get(job) {
            None => report.object(Kind::Lost, format!("{job} was acknowledged and is not in the dump")),
            Some(("completed", _)) if cancel != Some(200) => {}
            Some(("cancelled", _)) if cancel.is_some() => {}
            Some(("failed", Some(reason))) if BY_RULE.contains(reason) => {}
            Some((status, _)) => {
                report.object(Kind::Lost, format!("{job} was acknowledged and is {status} at the end"));
            }
        }
        if !was_told(history, job, "complete_job") && !was_told(history, job, "job_failed") {
            report.object(Kind::Lost, format!("{job} was acknowledged and no watcher heard of its end"));
        }
    }
    check_contents(logs, &dumped, report);
}

fn was_told(history: &History<'_>, job: &str, kind: &str) -> bool {
    history.stories.get(job).is_some_and(|story| story.iter().any(|seq| history.told[seq].kind == kind))
}

/// A job is taken in once: whatever else is acknowledged says that it is a repeat.
fn check_acks<'a>(logs: &Logs<'a>, submitted: &HashSet<&str>, report: &mut Report) -> HashSet<&'a str> {
    let mut acknowledged = HashSet::new();
    let mut taken_in = HashSet::new();
    for ack in &logs.acks {
        if !submitted.contains(ack.job) {
            report.object(Kind::Unknown, format!("{} was acknowledged and never submitted", ack.job));
        }
        acknowledged.insert(ack.job);
        if !ack.duplicate && !taken_in.insert(ack.job) {
            report.object(Kind::Doubled, format!("{} was acknowledged as new twice", ack.job));
        }
    }
    acknowledged
}

type Dump<'a> = HashMap<&'a str, (&'a str, Option<&'a str>)>;

fn check_dump<'a>(logs: &Logs<'a>, submitted: &HashSet<&str>, report: &mut Report) -> Dump<'a> {
    let mut dumped = HashMap::new();
    let mut total = None;
    for line in &logs.dump {
        match line {
            Dumped::Job { job, status, reason } => {
                if dumped.insert(*job, (*status, *reason)).is_some() {
                    report.object(Kind::Doubled, format!("{job} is in the dump twice"));
                }
                if !submitted.contains(job) {
                    report.object(Kind::Unknown, format!("{job} is in the dump and was never submitted"));
                }
            }
            Dumped::Total { jobs } => total = Some(*jobs),
            Dumped::Head { .. } | Dumped::Content { .. } => {}
        }
    }
    let listed = dumped.len() as u64;
    match total {
        // Above 10,000 the broker counts no further.
        Some(total) if total > listed || (total < listed && total < COUNTED_MAX) => {
            report.object(Kind::Lost, format!("the list says that it has {total} jobs and holds {listed}"));
        }
        Some(_) => {}
        None => report.object(Kind::Run, "the dump does not say how many jobs there are"),
    }
    dumped
}

const COUNTED_MAX: u64 = 10_000;

/// Each large payload and result is what it was, byte for byte.
fn check_contents(logs: &Logs<'_>, dumped: &Dump<'_>, report: &mut Report) {
    let mut seen = HashSet::new();
    for line in &logs.dump {
        let Dumped::Content { job, payload, result } = line else { continue };
        seen.insert(*job);
        if !payload {
            report.object(Kind::Lost, format!("{job} has another payload in the end than was submitted"));
        }
        if !result && dumped.get(job).is_some_and(|(status, _)| *status == "completed") {
            report.object(Kind::Lost, format!("{job} has another result in the end than its program gave"));
        }
    }
    let acknowledged: HashSet<&str> = logs.acks.iter().map(|ack| ack.job).collect();
    for large in logs.submissions.iter().filter(|submission| submission.bytes > 0) {
        if acknowledged.contains(large.job) && !seen.contains(large.job) {
            report.object(Kind::Run, format!("nobody looked at the payload of {} in the end", large.job));
        }
    }
}
