//! What the run was: figures that tell whether its silence means anything.

use super::demands::{cancelled, ended, per_second, refused};
use super::history::{History, silent};
use super::kills::{Kill, Phase};
use super::strikes::Strikes;
use super::{Kind, Report};
use crate::logs::Logs;
use crate::record::{Dumped, Heard, Life, Mark};
use std::collections::{BTreeMap, HashSet};

pub(crate) fn tell(
    logs: &Logs<'_>,
    history: &History<'_>,
    strikes: &Strikes<'_>,
    kills: &[Kill<'_>],
    report: &mut Report,
) {
    if logs.acks.is_empty() || logs.executions.is_empty() {
        report.object(Kind::Run, "nothing was acknowledged or nothing was executed");
    }
    tell_kills(logs, kills, report);
    tell_strikes(logs, strikes, report);
    tell_submissions(logs, kills, report);
    tell_executions(logs, history, kills, report);
    tell_weather(logs, history, report);
    tell_watchers(logs, history, report);
}

fn tell_kills(logs: &Logs<'_>, kills: &[Kill<'_>], report: &mut Report) {
    for (index, kill) in kills.iter().enumerate() {
        let Kill { phase, lived_us, running, in_flight, before, .. } = kill;
        let lived = lived_us / 1_000;
        report
            .kills
            .push(format!("{:>4}  {lived:>6} ms  {running:>7}  {in_flight:>9}  {before:>8}  {phase}", index + 1));
    }
    let mut phases: BTreeMap<Phase<'_>, usize> = BTreeMap::new();
    for kill in kills {
        *phases.entry(kill.phase).or_default() += 1;
    }
    let early = kills.iter().filter(|kill| kill.lived_us <= super::kills::EARLY_US).count();
    let unanswered = logs.lives.iter().filter(|life| life.killed && life.answered_at.is_none()).count();
    report.figure("kills (SIGKILL of the broker)", format!("{}, {unanswered} before any answer", kills.len()));
    let percent = |count: usize| count as f64 * 100.0 / kills.len().max(1) as f64;
    for (phase, count) in phases {
        report.figure("", format!("{count:>4} = {:>4.1} % {phase}", percent(count)));
    }
    report.figure("", format!("{early:>4} = {:>4.1} % within 100 ms of the start in all", percent(early)));
    report.figure("lives of the broker", millis(spread(kills.iter().map(|kill| kill.lived_us))));
    let restarts = logs.lives.iter().skip(1);
    let answered = restarts.filter_map(|life| life.answered_at.map(|at| at.saturating_sub(life.spawned_at)));
    report.figure("restart to first answer", millis(spread(answered)));
    let outages = spread(kills.iter().filter_map(|kill| kill.outage_us));
    report.figure("SIGKILL to a submission taken again", millis(outages));
    let ended = logs.lives.iter().filter(|life| !life.killed).count();
    if ended > 1 {
        report.figure("brokers that ended by themselves", (ended - 1).to_string());
    }
}

fn tell_strikes(logs: &Logs<'_>, strikes: &Strikes<'_>, report: &mut Report) {
    let stops = logs.strikes.iter().filter(|strike| strike.who == "broker");
    let stops = spread(stops.map(|strike| strike.until.saturating_sub(strike.at)));
    if stops.is_some() {
        report.figure("SIGSTOP and SIGCONT of the broker", millis(stops));
    }
    let (killed, stopped) = strikes.to_agents();
    if killed + stopped > 0 {
        report.figure("agents", format!("{killed} times killed, {stopped} times stopped"));
    }
}

fn tell_submissions(logs: &Logs<'_>, kills: &[Kill<'_>], report: &mut Report) {
    let (Some(first), Some(last)) = (logs.submissions.first(), logs.acks.last()) else { return };
    let jobs: HashSet<&str> = logs.acks.iter().map(|ack| ack.job).collect();
    let wall_us = last.at.saturating_sub(first.at).max(1);
    let overlap = |life: &Life<'_>| {
        let from = life.answered_at.unwrap_or(life.ended_at).max(first.at);
        life.ended_at.min(last.at).saturating_sub(from)
    };
    let up_us: u64 = logs.lives.iter().map(overlap).sum::<u64>().max(1);
    let jobs_count = jobs.len();
    let text = format!(
        "{jobs_count} in {:.1} s = {:.1}/s; while the broker answered ({:.1} s): {:.1}/s",
        wall_us as f64 / 1e6,
        per_second(logs),
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
    report.figure("acknowledged in the second before", plain(spread(kills.iter().map(|kill| kill.before))));
    report.figure("submissions in flight at a kill", plain(spread(kills.iter().map(|kill| kill.in_flight))));
    let large = logs.submissions.iter().filter(|submission| submission.bytes > 0);
    let bytes: usize = large.clone().map(|submission| submission.bytes).sum();
    let whole = logs.dump.iter().filter(|line| matches!(line, Dumped::Content { payload: true, result: true, .. }));
    let text = format!(
        "{} payloads of {:.1} MiB in all; {} whole in the end, with their results",
        large.count(),
        bytes as f64 / f64::from(1 << 20),
        whole.count()
    );
    report.figure("large jobs", text);
}

fn tell_executions(logs: &Logs<'_>, history: &History<'_>, kills: &[Kill<'_>], report: &mut Report) {
    let jobs: HashSet<&str> = logs.executions.iter().map(|execution| execution.job).collect();
    let starts = logs.executions.iter().filter(|execution| execution.mark == Mark::Start).count();
    report.figure("executions", format!("{starts} of {} jobs", jobs.len()));
    report.figure("running at a kill", plain(spread(kills.iter().map(|kill| kill.running))));
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for line in &logs.dump {
        if let Dumped::Job { status, reason, .. } = line {
            let word = reason.map_or_else(|| (*status).to_owned(), |reason| format!("{status} ({reason})"));
            *ends.entry(word).or_default() += 1;
        }
    }
    let ends: Vec<String> = ends.iter().map(|(word, count)| format!("{count} {word}")).collect();
    report.figure("in the end", ends.join(", "));
    let returned = |reason: &str| {
        let is = |detail: &str| detail.strip_prefix("pending:") == Some(reason);
        history.told.values().filter(|told| told.detail.is_some_and(is)).count()
    };
    let reasons: HashSet<&str> =
        history.told.values().filter_map(|told| told.detail?.strip_prefix("pending:")).collect();
    let mut reasons: Vec<String> = reasons.iter().map(|reason| format!("{} {reason}", returned(reason))).collect();
    reasons.sort_unstable();
    let text = if reasons.is_empty() { "none".to_owned() } else { reasons.join(", ") };
    report.figure("returned to the queue", text);
}

fn tell_weather(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    for window in logs.weather.iter().filter(|window| window.what == "full") {
        let text = format!(
            "{:.1} s: {} submissions refused with 507, {} jobs completed, {} cancelled",
            window.until.saturating_sub(window.from) as f64 / 1e6,
            refused(logs, window),
            ended(history, window),
            cancelled(logs, window)
        );
        report.figure("disk full", text);
    }
    let slow = logs.weather.iter().filter(|window| window.what == "slow");
    let slow_us: u64 = slow.clone().map(|window| window.until.saturating_sub(window.from)).sum();
    if slow_us > 0 {
        report.figure("disk slow", format!("{} times, {:.1} s in all", slow.count(), slow_us as f64 / 1e6));
    }
}

fn tell_watchers(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    let events: u64 = history.spans.iter().map(|span| span.events).sum();
    let (watchers, different, silent) = (history.spans.len(), history.told.len(), silent(history));
    let text = format!("{events} by {watchers} watchers, {different} different; {silent} told to nobody");
    report.figure("events checked", text);
    let resumes: Vec<String> = history
        .spans
        .iter()
        .map(|span| format!("{} {}", span.name.trim_start_matches("monitor-"), span.resumes))
        .collect();
    report.figure("resumed by Last-Event-ID", resumes.join(", "));
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
