//! The marks of the jobs' programs against what was told: no job ran without being given, and none
//! began again without a reason.

use super::history::History;
use super::stories::result_of;
use super::strikes::Strikes;
use super::{Kind, Report};
use crate::logs::Logs;
use crate::record::{Execution, Mark};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The programs of one job.
#[derive(Default)]
pub(crate) struct Runs<'a> {
    pub(crate) starts: Vec<&'a Execution<'a>>,
    pub(crate) ends: Vec<&'a Execution<'a>>,
}

impl Runs<'_> {
    fn ended(&self, start: &Execution<'_>) -> bool {
        self.ends.iter().any(|end| (end.pid, end.agent) == (start.pid, start.agent))
    }
}

pub(crate) fn by_job<'a>(logs: &'a Logs<'a>) -> BTreeMap<&'a str, Runs<'a>> {
    let mut all: BTreeMap<&str, Runs<'_>> = BTreeMap::new();
    for execution in &logs.executions {
        let runs = all.entry(execution.job).or_default();
        match execution.mark {
            Mark::Start => runs.starts.push(execution),
            Mark::End => runs.ends.push(execution),
            Mark::Wrong => {}
        }
    }
    all.values_mut().for_each(|runs| runs.starts.sort_by_key(|start| start.at));
    all
}

/// When a job's end was first heard of.
pub(crate) fn ended_at(history: &History<'_>, job: &str) -> Option<u64> {
    let story = history.stories.get(job)?;
    let end = story.iter().find(|seq| matches!(history.told[seq].kind, "complete_job" | "job_failed"))?;
    Some(history.told[end].at)
}

pub(crate) fn check(logs: &Logs<'_>, history: &History<'_>, strikes: &Strikes<'_>, report: &mut Report) {
    let submitted: HashSet<&str> = logs.submissions.iter().map(|submission| submission.job).collect();
    let cancelled: HashSet<&str> = logs.cancels.iter().map(|cancel| cancel.job).collect();
    for wrong in logs.executions.iter().filter(|execution| execution.mark == Mark::Wrong) {
        report.object(Kind::Lost, format!("{} was executed with another payload than was submitted", wrong.job));
    }
    let all = by_job(logs);
    for (job, runs) in &all {
        if !submitted.contains(job) {
            report.object(Kind::Unknown, format!("{job} was executed and never submitted"));
        }
        check_repeats(job, runs, history, strikes, report);
        for start in runs.starts.iter().filter(|start| !runs.ended(start)) {
            if !cancelled.contains(job) && !strikes.hit(start.agent, start.at, u64::MAX / 2) {
                report.object(Kind::Lease, format!("{job} was started by {} and never ended", start.agent));
            }
        }
        check_result(job, runs, history, report);
    }
    check_finishes(logs, history, report);
    let acknowledged: HashSet<&str> = logs.acks.iter().map(|ack| ack.job).collect();
    for job in acknowledged.iter().filter(|job| !all.contains_key(*job)) {
        let completed = |told: u64| history.told[&told].kind == "complete_job";
        let is_completed = history.stories.get(*job).is_none_or(|story| story.iter().copied().any(completed));
        if is_completed {
            report.object(Kind::Lost, format!("{job} was acknowledged and never executed"));
        }
    }
}

/// A program runs once for each time that its job is given to a worker, and not after its end.
fn check_repeats(job: &str, runs: &Runs<'_>, history: &History<'_>, strikes: &Strikes<'_>, report: &mut Report) {
    let empty = Vec::new();
    let story = history.stories.get(job).unwrap_or(&empty);
    let given = story.iter().filter(|seq| history.told[seq].kind == "job_assigned").count();
    if runs.starts.len() > given.max(1) {
        let why = format!("{job} was executed {} times and given to a worker {given} times", runs.starts.len());
        report.object(Kind::Doubled, why);
    }
    for pair in runs.starts.windows(2) {
        let [first, second] = [pair[0], pair[1]];
        // Or the second one is late: it was given first, and its agent stood still.
        let excused = strikes.hit(first.agent, first.at, second.at) || strikes.hit(second.agent, second.at, second.at);
        if !excused {
            let why = format!("{job} began again at {} while {} was well", second.agent, first.agent);
            report.object(Kind::Doubled, why);
        }
    }
    let Some(ended_at) = ended_at(history, job) else { return };
    for start in runs.starts.iter().filter(|start| start.at > ended_at) {
        if !strikes.hit(start.agent, start.at, start.at) {
            report.object(Kind::Doubled, format!("{job} began at {} after its end was told", start.agent));
        }
    }
}

/// The result that counts was made by a program that ran to its end.
fn check_result(job: &str, runs: &Runs<'_>, history: &History<'_>, report: &mut Report) {
    let Some(story) = history.stories.get(job) else { return };
    for told in story.iter().map(|seq| &history.told[seq]).filter(|told| told.kind == "complete_job") {
        let Some((_, pid)) = result_of(told) else { continue };
        if !runs.ends.iter().any(|end| end.pid.to_string() == pid) {
            report.object(Kind::Unknown, format!("{job} completed by process {pid}, which did not run it to its end"));
        }
    }
}

/// A result is taken from one agent, once.
fn check_finishes(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    let mut taken: HashMap<&str, u32> = HashMap::new();
    for finish in &logs.finishes {
        *taken.entry(finish.job).or_default() += 1;
    }
    for (job, times) in taken.iter().filter(|(_, times)| **times > 1) {
        report.object(Kind::Doubled, format!("{job} was completed and acknowledged {times} times"));
    }
    let completed = history.told.values().filter(|told| told.kind == "complete_job").count();
    if taken.len() * 2 < completed {
        let why = format!("the agents speak of {} results, and {completed} were told", taken.len());
        report.object(Kind::Run, why);
    }
}
