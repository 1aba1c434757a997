//! How what is looked at reads in a story.

use crate::telling::{status, time};
use fleet::{Explanation, Job, Lack, ReturnReason, State, Tally, Timestamp, Verdict};

pub(crate) fn job(job: Option<&Job>) -> String {
    let Some(job) = job else { return "unknown".to_owned() };
    let since = match &job.state {
        State::Waiting(waiting) => {
            let until = waiting.not_before.map_or_else(String::new, |at| format!(" until {}", time(at)));
            let unschedulable =
                waiting.missing.as_ref().map(|_| format!(", unschedulable since {}", time(waiting.since)));
            until + &unschedulable.unwrap_or_default()
        }
        State::Running { started_at, .. } => format!(" since {}", time(*started_at)),
        State::Finished(finished) => format!(" at {}", time(finished.at)),
        State::Assigned { .. } => String::new(),
    };
    let attempts = job.attempts.iter().map(|attempt| {
        let end = attempt.end.as_ref().map(|end| end.returned.as_ref().map_or("the end", ReturnReason::word));
        format!("; {} by {}: {}", attempt.number, attempt.worker, end.unwrap_or("holds it"))
    });
    let of = job.spec.retry_of().map_or_else(String::new, |of| format!(", retry of {of}"));
    let more = job.more_than_gb.map_or_else(String::new, |gb| format!(", wants more than {gb} GB"));
    let starves = if job.is_starving { ", starves" } else { "" };
    let counts = crate::telling::counts(job.counts);
    format!("{}{since}, {counts}{more}{of}{starves}{}", status(job.status()), attempts.collect::<String>())
}

pub(crate) fn deadline(deadline: Option<Timestamp>) -> String {
    match deadline {
        None => "none".to_owned(),
        Some(Timestamp(i64::MIN)) => "at once".to_owned(),
        Some(at) => time(at),
    }
}

pub(crate) fn tally(tally: Tally) -> String {
    let Tally { pending, assigned, in_progress, completed, failed, cancelled, .. } = tally;
    format!(
        "{pending} pending, {assigned} assigned, {in_progress} in progress; in all {completed} completed, {failed} failed, {cancelled} cancelled"
    )
}

pub(crate) fn explanation(explanation: Option<Explanation>) -> Vec<String> {
    let Some(explanation) = explanation else { return vec!["unknown".to_owned()] };
    let Explanation { workers, machines, capable_workers, capable_machines, free_workers, .. } = explanation;
    let mut lines = vec![
        verdict(explanation.verdict),
        format!(
            "of {workers} workers on {machines} machines, {capable_workers} on {capable_machines} capable, {free_workers} free"
        ),
    ];
    let fails = explanation.failing.iter().map(|(lack, machines)| format!("{lack} (on {machines})"));
    let fails: Vec<String> = fails.collect();
    if !fails.is_empty() {
        lines.push(format!("fails: {}", fails.join("; ")));
    }
    if let Some(nearest) = explanation.nearest {
        let lacks: Vec<String> = nearest.lacks.iter().map(Lack::to_string).collect();
        lines.push(format!("nearest: {} on {} lacks {}", nearest.worker, nearest.machine, lacks.join("; ")));
    }
    if let Some(best) = explanation.best {
        let (part, wanted, largest, machines) = (best.part.word(), best.wanted, best.largest, best.machines);
        lines.push(format!("best: {largest} of {wanted} {part} on {machines} machines"));
    }
    if let Some(ahead) = explanation.ahead {
        lines.push(format!("ahead: {}{}", if ahead.is_exact { "" } else { "at least " }, ahead.jobs));
    }
    lines
}

fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Ready => "ready".to_owned(),
        Verdict::Busy => "busy".to_owned(),
        Verdict::NoCapableWorker => "no capable worker".to_owned(),
        Verdict::Paused => "paused".to_owned(),
        Verdict::BackingOff { until } => format!("backing off until {}", time(until)),
        Verdict::Running => "running".to_owned(),
        Verdict::Finished => "finished".to_owned(),
    }
}
