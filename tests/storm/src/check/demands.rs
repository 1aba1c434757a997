//! A run's silence means something only if it was what it claims: so many kills, at such moments,
//! under such a load.

use super::history::History;
use super::kills::{Kill, Phase};
use super::strikes::Strikes;
use super::{Kind, Report};
use crate::logs::Logs;
use crate::record::{Life, Window};
use std::collections::HashSet;

pub(crate) fn check(
    logs: &Logs<'_>,
    history: &History<'_>,
    strikes: &Strikes<'_>,
    kills: &[Kill<'_>],
    report: &mut Report,
) {
    if logs.demands.is_empty() {
        report.object(Kind::Run, "the run does not say what it was meant to be");
    }
    for demand in &logs.demands {
        let percent = |is: fn(&Kill<'_>) -> bool| {
            let count = kills.iter().filter(|kill| is(kill)).count();
            (count * 100 / kills.len().max(1)) as u64
        };
        let was = match demand.of {
            "kills" => kills.len() as u64,
            "acknowledged_per_second" => per_second(logs) as u64,
            "running_at_each_kill" => kills.iter().map(|kill| kill.running).min().unwrap_or(u64::MAX),
            "early_kills_percent" => percent(|kill| kill.lived_us <= super::kills::EARLY_US),
            "amid_kills_percent" => percent(|kill| matches!(kill.phase, Phase::Amid(_))),
            "refused_while_full" => each_full(logs, |window| refused(logs, window)),
            "ended_while_full" => each_full(logs, |window| ended(history, window)),
            "cancelled_while_full" => each_full(logs, |window| cancelled(logs, window)),
            "agents_struck" => strikes.to_agents().0.min(strikes.to_agents().1) as u64,
            of => {
                report.object(Kind::Run, format!("nobody knows what {of} is"));
                continue;
            }
        };
        if was < demand.least {
            report.object(Kind::Run, format!("{} was {was}, and has to be {} at least", demand.of, demand.least));
        }
    }
    check_refusals(logs, report);
}

/// Jobs acknowledged for each second between the first submission and the last answer, outages
/// included.
pub(crate) fn per_second(logs: &Logs<'_>) -> f64 {
    let (Some(first), Some(last)) = (logs.submissions.first(), logs.acks.last()) else { return 0.0 };
    let jobs: HashSet<&str> = logs.acks.iter().map(|ack| ack.job).collect();
    jobs.len() as f64 * 1e6 / last.at.saturating_sub(first.at).max(1) as f64
}

/// The least of all times when the disk was full.
fn each_full(logs: &Logs<'_>, count: impl Fn(&Window<'_>) -> usize) -> u64 {
    logs.weather.iter().filter(|window| window.what == "full").map(count).min().unwrap_or(0) as u64
}

fn is_within(window: &Window<'_>, at: u64) -> bool {
    (window.from..window.until).contains(&at)
}

pub(crate) fn refused(logs: &Logs<'_>, window: &Window<'_>) -> usize {
    let refusals = logs.refusals.iter().filter(|refusal| is_within(window, refusal.at));
    refusals.filter(|refusal| (refusal.status, refusal.code) == (507, "store_full")).count()
}

pub(crate) fn ended(history: &History<'_>, window: &Window<'_>) -> usize {
    history.told.values().filter(|told| told.kind == "complete_job" && is_within(window, told.at)).count()
}

pub(crate) fn cancelled(logs: &Logs<'_>, window: &Window<'_>) -> usize {
    logs.cancels.iter().filter(|cancel| cancel.status == 200 && is_within(window, cancel.at)).count()
}

/// There is no room only while the disk is full, and it is said by its code.
fn check_refusals(logs: &Logs<'_>, report: &mut Report) {
    for refusal in logs.refusals.iter().filter(|refusal| refusal.status == 507) {
        // It may be full a while before the first refusal is written down, and a little after.
        let around = |window: &Window<'_>| {
            let (from, until) = (window.from.saturating_sub(2_000_000), window.until + 30_000_000);
            window.what == "full" && (from..until).contains(&refusal.at)
        };
        if !logs.weather.iter().any(around) || refusal.code != "store_full" {
            let why = format!("{} was refused with 507 {} while there was room", refusal.job, refusal.code);
            report.object(Kind::Run, why);
        }
    }
    let ended: Vec<&Life<'_>> = logs.lives.iter().filter(|life| !life.killed).collect();
    // The last one was told to; a disk that fails may end others.
    if ended.len() > 1 && !logs.weather.iter().any(|window| window.what == "slow") {
        report.object(Kind::Run, format!("{} brokers ended by themselves", ended.len() - 1));
    }
}
