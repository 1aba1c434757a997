//! The watchers of everything: each must have heard one dense history, and all the same one.

use super::{Kind, Report};
use crate::logs::{Logs, Watcher};
use crate::record::{Dumped, Heard, Position, position};
use std::collections::HashMap;
use std::ops::Range;

/// One event, as whoever heard it first was told of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    /// When it was first heard.
    pub(crate) at: u64,
    pub(crate) id: &'a str,
    pub(crate) epoch: u64,
    pub(crate) kind: &'a str,
    pub(crate) job: Option<&'a str>,
    pub(crate) detail: Option<&'a str>,
}

/// What all watchers together were told, by number.
#[derive(Debug, Default)]
pub(crate) struct History<'a> {
    pub(crate) told: HashMap<u64, Told<'a>>,
    pub(crate) spans: Vec<Span<'a>>,
    /// What watchers were not told between two events: who, and the numbers left out.
    left_out: Vec<(&'a str, Range<u64>)>,
    /// Events of each job, in order.
    pub(crate) stories: HashMap<&'a str, Vec<u64>>,
}

/// What one watcher has heard all of: everything after `after`, up to `last`.
#[derive(Debug)]
pub(crate) struct Span<'a> {
    pub(crate) name: &'a str,
    pub(crate) after: u64,
    pub(crate) last: u64,
    pub(crate) events: u64,
    pub(crate) resumes: u64,
}

pub(crate) fn check<'a>(logs: &Logs<'a>, report: &mut Report) -> History<'a> {
    let mut history = History::default();
    for watcher in &logs.monitors {
        let span = follow(watcher, &mut history, report);
        history.spans.extend(span);
    }
    let mut numbers: Vec<u64> = history.told.keys().copied().collect();
    numbers.sort_unstable();
    check_left_out(&history, report);
    check_terms(&numbers, &history, report);
    for seq in numbers {
        if let Some(job) = history.told[&seq].job.filter(|_| is_of_a_job(history.told[&seq].kind)) {
            history.stories.entry(job).or_default().push(seq);
        }
    }
    check_ends(logs, &history, report);
    history
}

/// What a job's story consists of; other events may name a job too.
fn is_of_a_job(kind: &str) -> bool {
    matches!(kind, "job_submitted" | "job_assigned" | "job_status_changed" | "complete_job" | "job_failed")
}

/// One watcher's log, line by line: its numbers are dense across all its connections.
fn follow<'a>(watcher: &Watcher<'a>, history: &mut History<'a>, report: &mut Report) -> Option<Span<'a>> {
    let name = watcher.name;
    let mut span: Option<Span<'a>> = None;
    let mut ends: HashMap<&str, u32> = HashMap::new();
    let mut resumes = 0;
    for heard in &watcher.heard {
        match heard {
            Heard::Opened { since, .. } => resumes += u64::from(since.is_some()),
            Heard::State { id, .. } => match (position(id), &span) {
                (Some(at), None) => {
                    span = Some(Span { name, after: at.seq, last: at.seq, events: 0, resumes: 0 });
                }
                (None, _) => report.object(Kind::Gap, format!("{name}: the state has the id {id:?}")),
                (_, Some(span)) => {
                    let why = format!("{name}: was given a new state after {} instead of what followed", span.last);
                    report.object(Kind::Gap, why);
                }
            },
            Heard::Event { at: heard_at, id, kind, job, detail } => {
                let (Some(at), Some(span)) = (position(id), &mut span) else {
                    report.object(Kind::Gap, format!("{name}: {kind} with the id {id:?} before any state"));
                    continue;
                };
                let left_out = step(span, at, kind, report);
                history.left_out.extend((!left_out.is_empty()).then_some((name, left_out)));
                let told = Told { at: *heard_at, id, epoch: at.epoch, kind, job: *job, detail: *detail };
                agree(name, at, told, history, report);
                if let (&("complete_job" | "job_failed"), Some(job)) = (kind, job) {
                    *ends.entry(*job).or_default() += 1;
                }
            }
            Heard::Odd { what, .. } => report.object(Kind::Gap, format!("{name}: {what}")),
            Heard::Lapsed { .. } => report.object(Kind::Gap, format!("{name}: what followed was kept no longer")),
            Heard::Follow { .. } | Heard::Ended { .. } | Heard::Nothing { .. } => {}
        }
    }
    for (job, times) in ends.iter().filter(|(_, times)| **times > 1) {
        report.object(Kind::Doubled, format!("{name}: {times} times the end of {job}"));
    }
    if span.is_none() {
        report.object(Kind::Run, format!("{name}: heard nothing"));
    }
    span.map(|span| Span { resumes, ..span })
}

/// Numbers only grow; those between the last one and this one are returned.
fn step(span: &mut Span<'_>, at: Position, kind: &str, report: &mut Report) -> Range<u64> {
    let (name, last, seq) = (span.name, span.last, at.seq);
    span.events += 1;
    if seq == last {
        report.object(Kind::Doubled, format!("{name}: event {seq} ({kind}) twice in a row"));
    } else if seq < last {
        report.object(Kind::Gap, format!("{name}: event {seq} ({kind}) again, or late, after {last}"));
    }
    span.last = last.max(seq);
    last + 1..seq
}

/// Some events are told to nobody; a number that any watcher heard of must be told to all. Those
/// that were told to nobody are few, or watchers are left in the dark together.
fn check_left_out(history: &History<'_>, report: &mut Report) {
    for (name, numbers) in &history.left_out {
        let missing = numbers.clone().filter(|seq| history.told.contains_key(seq)).count();
        if missing > 0 {
            let why = format!("{name}: after event {} came {}; {missing} missing", numbers.start - 1, numbers.end);
            report.object(Kind::Gap, why);
        }
    }
    let silent = silent(history);
    if silent * SILENT_ONE_IN > history.told.len() as u64 {
        report.object(Kind::Gap, format!("{silent} events were told to nobody, and {} were", history.told.len()));
    }
}

const SILENT_ONE_IN: u64 = 10;

/// Events that were told to nobody.
pub(crate) fn silent(history: &History<'_>) -> u64 {
    let whole = history.spans.iter().find(|span| span.after == 0);
    whole.map_or(0, |span| span.last.saturating_sub(history.told.len() as u64))
}

/// Whoever is told of a number is told the same.
fn agree<'a>(name: &str, at: Position, told: Told<'a>, history: &mut History<'a>, report: &mut Report) {
    let entry = history.told.entry(at.seq).or_insert(told);
    entry.at = entry.at.min(told.at);
    let known = *entry;
    if known.id != told.id {
        let why = format!("{name}: event {} is {} here and {} elsewhere", at.seq, told.id, known.id);
        report.object(Kind::Gap, why);
    } else if (known.kind, known.job, known.detail) != (told.kind, told.job, told.detail) {
        report.object(Kind::Gap, format!("{name}: event {} is told as {told:?}, elsewhere as {known:?}", at.seq));
    }
}

/// Terms of writing only go up.
fn check_terms(numbers: &[u64], history: &History<'_>, report: &mut Report) {
    for pair in numbers.windows(2) {
        let [before, after] = [&history.told[&pair[0]], &history.told[&pair[1]]];
        if after.epoch < before.epoch {
            report.object(Kind::Gap, format!("{} comes after {}, of a later term", after.id, before.id));
        }
    }
}

/// Nobody stopped short of the end: of the last event that anyone was told of, which need not be
/// the last one there is.
fn check_ends(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    let head = logs.dump.iter().find_map(|line| match line {
        Dumped::Head { id } => position(id),
        _ => None,
    });
    let Some(head) = head else { return report.object(Kind::Run, "the dump does not say where the end is") };
    let last = history.told.keys().copied().filter(|seq| *seq <= head.seq).max().unwrap_or(head.seq);
    for span in history.spans.iter().filter(|span| span.last < last) {
        let why = format!("{}: heard up to {}, and the end is {last}", span.name, span.last);
        report.object(Kind::Gap, why);
    }
    if !history.spans.iter().any(|span| span.after == 0) {
        report.object(Kind::Run, "no watcher was there from the beginning");
    }
}

/// What was acknowledged under an id was told under that id, to everyone who was there.
pub(crate) fn check_acks(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    for ack in &logs.acks {
        let Some(id) = ack.event else { continue };
        let told = position(id).and_then(|at| history.told.get(&at.seq));
        match told {
            Some(told) if told.id != id => {
                let why = format!("{} was acknowledged as event {id}, told was {}", ack.job, told.id);
                report.object(Kind::Lost, why);
            }
            Some(told) if (told.kind, told.job) != ("job_submitted", Some(ack.job)) => {
                report.object(Kind::Lost, format!("{} was acknowledged as event {id}, which is {told:?}", ack.job));
            }
            Some(_) => {}
            None => report.object(Kind::Lost, format!("{}: its acknowledged event {id} was told to nobody", ack.job)),
        }
    }
}
