//! Lost, doubled and unknown jobs.

use super::history::History;
use super::{Kind, Report};
use crate::logs::Logs;
use crate::record::Dumped;
use std::collections::{HashMap, HashSet};

pub(crate) fn check(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    let submitted: HashSet<&str> = logs.submissions.iter().map(|submission| submission.job).collect();
    let acknowledged = check_acks(logs, &submitted, report);
    let dumped = check_dump(logs, &submitted, report);
    check_executions(logs, &submitted, &acknowledged, report);
    let mut in_order: Vec<&str> = acknowledged.into_iter().collect();
    in_order.sort_unstable();
    for job in in_order {
        match dumped.get(job) {
            None => report.object(Kind::Lost, format!("{job} was acknowledged and is not in the dump")),
            Some(&"completed") => {}
            Some(status) => report.object(Kind::Lost, format!("{job} was acknowledged and is {status} at the end")),
        }
        let ends = |seq: &u64| history.told[seq].kind == "complete_job";
        if !history.stories.get(job).is_some_and(|story| story.iter().any(ends)) {
            report.object(Kind::Lost, format!("{job} was acknowledged and no watcher heard of its end"));
        }
    }
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

fn check_dump<'a>(logs: &Logs<'a>, submitted: &HashSet<&str>, report: &mut Report) -> HashMap<&'a str, &'a str> {
    let mut dumped = HashMap::new();
    let mut total = None;
    for line in &logs.dump {
        match line {
            Dumped::Job { job, status } => {
                if dumped.insert(*job, *status).is_some() {
                    report.object(Kind::Doubled, format!("{job} is in the dump twice"));
                }
                if !submitted.contains(job) {
                    report.object(Kind::Unknown, format!("{job} is in the dump and was never submitted"));
                }
            }
            Dumped::Total { jobs } => total = Some(*jobs),
            Dumped::Head { .. } => {}
        }
    }
    let listed = dumped.len() as u64;
    match total {
        Some(total) if total != listed => {
            report.object(Kind::Lost, format!("the list says that it has {total} jobs and holds {listed}"));
        }
        Some(_) => {}
        None => report.object(Kind::Run, "the dump does not say how many jobs there are"),
    }
    dumped
}

/// No agent was killed, so each job ran once and to its end.
fn check_executions(logs: &Logs<'_>, submitted: &HashSet<&str>, acknowledged: &HashSet<&str>, report: &mut Report) {
    let mut runs: HashMap<&str, (u32, u32)> = HashMap::new();
    for execution in &logs.executions {
        let (starts, ends) = runs.entry(execution.job).or_default();
        *if execution.start { starts } else { ends } += 1;
    }
    let mut in_order: Vec<_> = runs.iter().collect();
    in_order.sort_unstable();
    for (job, (starts, ends)) in in_order {
        if *starts > 1 {
            report.object(Kind::Doubled, format!("{job} was executed {starts} times"));
        }
        if starts != ends {
            report.object(Kind::Lease, format!("{job} was started {starts} times and ended {ends} times"));
        }
        if !submitted.contains(job) {
            report.object(Kind::Unknown, format!("{job} was executed and never submitted"));
        }
    }
    for job in acknowledged.iter().filter(|job| !runs.contains_key(*job)) {
        report.object(Kind::Lost, format!("{job} was acknowledged and never executed"));
    }
}
