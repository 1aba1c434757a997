//! The watchers of everything: each must have heard one dense history, and all the same one.

use super::{Kind, Report};
use crate::logs::{Logs, Watcher};
use crate::record::{Dumped, Heard, Position, position};
use std::collections::HashMap;

/// One event, as whoever heard it first was told of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
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
            Heard::Event { id, kind, job, detail, .. } => {
                let (Some(at), Some(span)) = (position(id), &mut span) else {
                    report.object(Kind::Gap, format!("{name}: {kind} with the id {id:?} before any state"));
                    continue;
                };
                step(span, at, kind, report);
                agree(name, at, Told { id, epoch: at.epoch, kind, job: *job, detail: *detail }, history, report);
                if let (&"complete_job", Some(job)) = (kind, job) {
                    *ends.entry(*job).or_default() += 1;
                }
            }
            Heard::Odd { what, .. } => report.object(Kind::Gap, format!("{name}: {what}")),
            Heard::Follow { .. } | Heard::Ended { .. } | Heard::Nothing { .. } => {}
        }
    }
    for (job, times) in ends.iter().filter(|(_, times)| **times > 1) {
        report.object(Kind::Doubled, format!("{name}: {times} times complete_job of {job}"));
    }
    if span.is_none() {
        report.object(Kind::Run, format!("{name}: heard nothing"));
    }
    span.map(|span| Span { resumes, ..span })
}

/// The next number is the last one and one more.
fn step(span: &mut Span<'_>, at: Position, kind: &str, report: &mut Report) {
    let (name, last, seq) = (span.name, span.last, at.seq);
    span.events += 1;
    if seq == last {
        report.object(Kind::Doubled, format!("{name}: event {seq} ({kind}) twice in a row"));
    } else if seq < last {
        report.object(Kind::Gap, format!("{name}: event {seq} ({kind}) again, or late, after {last}"));
    } else if seq > last + 1 {
        report.object(Kind::Gap, format!("{name}: after event {last} came {seq} ({kind}); {} missing", seq - last - 1));
    }
    span.last = last.max(seq);
}

/// Whoever is told of a number is told the same.
fn agree<'a>(name: &str, at: Position, told: Told<'a>, history: &mut History<'a>, report: &mut Report) {
    let known = *history.told.entry(at.seq).or_insert(told);
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

/// Nobody stopped short of the end.
fn check_ends(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    let head = logs.dump.iter().find_map(|line| match line {
        Dumped::Head { id } => position(id),
        _ => None,
    });
    let Some(head) = head else { return report.object(Kind::Run, "the dump does not say where the end is") };
    for span in history.spans.iter().filter(|span| span.last < head.seq) {
        let why = format!("{}: heard up to {}, and the end is {}", span.name, span.last, head.seq);
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

/// Submitted, assigned, started, completed, each once. An assignment may go back to the queue
/// before it is started; a run may not, because no agent was killed.
pub(crate) fn check_stories(history: &History<'_>, report: &mut Report) {
    for (job, story) in &history.stories {
        let mut state = "nothing";
        for seq in story {
            let told = &history.told[seq];
            let word = match told.kind {
                "job_status_changed" => told.detail.unwrap_or_default(),
                kind => kind,
            };
            let next = match (state, word) {
                ("nothing", "job_submitted") => "pending",
                ("pending", "job_assigned") => "assigned",
                ("assigned", "in_progress") => "running",
                ("assigned", "pending:not_started" | "pending:released") => "pending",
                ("running", "complete_job") => "completed",
                _ => {
                    let kind = if state == "completed" { Kind::Doubled } else { Kind::Lease };
                    report.object(kind, format!("{job}: {word} while {state} (event {})", told.id));
                    break;
                }
            };
            state = next;
            if let ("complete_job", Some(of)) = (told.kind, told.detail)
                && of != *job
            {
                report.object(Kind::Lease, format!("{job}: completed with the result of {of}"));
            }
        }
    }
}
