//! What the run was: figures that tell whether its silence means anything.

use super::history::History;
use super::{Kind, Report};
use crate::logs::Logs;
use crate::record::{Heard, Life};
use std::collections::HashSet;

/// A kill is early if the broker had lived for no longer than this.
const EARLY_US: u64 = 100_000;
/// Over how long before a kill submissions are counted.
const BEFORE_KILL_US: u64 = 1_000_000;

pub(crate) fn tell(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    if logs.acks.is_empty() || logs.executions.is_empty() {
        report.object(Kind::Run, "nothing was acknowledged or nothing was executed");
    }
    tell_kills(logs, report);
    tell_submissions(logs, report);
    tell_executions(logs, report);
    tell_watchers(logs, history, report);
}

fn tell_kills(logs: &Logs<'_>, report: &mut Report) {
    let kills: Vec<&Life> = logs.lives.iter().filter(|life| life.killed).collect();
    let early = kills.iter().filter(|life| life.ended_at.saturating_sub(life.spawned_at) <= EARLY_US).count();
    let unanswered = kills.iter().filter(|life| life.answered_at.is_none()).count();
    let text = format!("{}, {early} within 100 ms of the start, {unanswered} before any answer", kills.len());
    report.figure("kills (SIGKILL of the broker)", text);
    let lived = spread(kills.iter().map(|life| life.ended_at.saturating_sub(life.spawned_at)));
    report.figure("lives of the broker", millis(lived));
    let restarts = logs.lives.iter().skip(1);
    let answered = restarts.filter_map(|life| life.answered_at.map(|at| at.saturating_sub(life.spawned_at)));
    report.figure("restart to first answer", millis(spread(answered)));
}

fn tell_submissions(logs: &Logs<'_>, report: &mut Report) {
    let (Some(first), Some(last)) = (logs.submissions.first(), logs.acks.last()) else { return };
    let jobs: HashSet<&str> = logs.acks.iter().map(|ack| ack.job).collect();
    let wall_us = last.at.saturating_sub(first.at).max(1);
    let overlap = |life: &Life| {
        let from = life.answered_at.unwrap_or(life.ended_at).max(first.at);
        life.ended_at.min(last.at).saturating_sub(from)
    };
    let up_us: u64 = logs.lives.iter().map(overlap).sum::<u64>().max(1);
    let jobs_count = jobs.len();
    report.per_second = jobs_count as f64 * 1e6 / wall_us as f64;
    let text = format!(
        "{jobs_count} in {:.1} s = {:.1}/s; while the broker answered ({:.1} s): {:.1}/s",
        wall_us as f64 / 1e6,
        report.per_second,
        up_us as f64 / 1e6,
        jobs_count as f64 * 1e6 / up_us as f64,
    );
    report.figure("jobs acknowledged", text);
    let repeated = logs.acks.iter().filter(|ack| ack.tries > 1).count();
    let lost_answers = logs.acks.iter().filter(|ack| ack.tries > 1 && ack.duplicate).count();
    let on_purpose = logs.acks.len() - jobs_count;
    let text = format!(
        "{repeated} jobs needed more than one post, {lost_answers} of them had been taken in; {on_purpose} posted again on purpose"
    );
    report.figure("submissions repeated", text);
    let before = |life: &Life| {
        let from = life.ended_at.saturating_sub(BEFORE_KILL_US);
        logs.acks.iter().filter(|ack| (from..life.ended_at).contains(&ack.at)).count() as u64
    };
    let rates = spread(logs.lives.iter().filter(|life| life.killed).map(before));
    report.figure("acknowledged in the second before", plain(rates));
}

fn tell_executions(logs: &Logs<'_>, report: &mut Report) {
    let jobs: HashSet<&str> = logs.executions.iter().map(|execution| execution.job).collect();
    let starts = logs.executions.iter().filter(|execution| execution.start).count();
    report.figure("executions", format!("{starts} of {} jobs", jobs.len()));
    let running = |life: &Life| {
        let before = logs.executions.iter().filter(|execution| execution.at <= life.ended_at);
        before.map(|execution| if execution.start { 1i64 } else { -1 }).sum::<i64>().unsigned_abs()
    };
    let running = spread(logs.lives.iter().filter(|life| life.killed).map(running));
    report.figure("running at a kill", plain(running));
}

fn tell_watchers(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    let events: u64 = history.spans.iter().map(|span| span.events).sum();
    let text = format!("{events} by {} watchers, {} different", history.spans.len(), history.told.len());
    report.figure("events checked", text);
    let resumes: Vec<String> = history
        .spans
        .iter()
        .map(|span| format!("{} {}", span.name.trim_start_matches("monitor-"), span.resumes))
        .collect();
    report.figure("resumed by Last-Event-ID", resumes.join(", "));
    let returned = history.told.values().filter(|told| told.detail.is_some_and(|detail| detail.starts_with("pending")));
    report.figure("assignments returned unstarted", returned.count().to_string());
    let (mut followed, mut across) = (0, 0);
    for watcher in &logs.streams {
        for story in watcher.heard.split(|heard| matches!(heard, Heard::Follow { .. })).skip(1) {
            followed += 1;
            // The last resume asks a finished stream whether there is more, and is told no.
            let resumed = |heard: &&Heard<'_>| matches!(heard, Heard::Opened { since: Some(_), .. });
            let asked_after_end = u64::from(story.iter().any(|heard| matches!(heard, Heard::Nothing { .. })));
            across += u64::from(story.iter().filter(resumed).count() as u64 > asked_after_end);
        }
    }
    report.figure("job streams followed", format!("{followed}, {across} of them across a restart"));
}

/// Least, median and most.
fn spread(values: impl Iterator<Item = u64>) -> Option<[u64; 3]> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    Some([*values.first()?, values[values.len() / 2], *values.last()?])
}

fn plain(spread: Option<[u64; 3]>) -> String {
    spread.map_or_else(|| "–".to_owned(), |[min, median, max]| format!("min {min}, median {median}, max {max}"))
}

fn millis(spread: Option<[u64; 3]>) -> String {
    let ms = |us: u64| us as f64 / 1e3;
    spread.map_or_else(
        || "–".to_owned(),
        |[min, p50, max]| format!("min {:.0} ms, median {:.0} ms, max {:.0} ms", ms(min), ms(p50), ms(max)),
    )
}
