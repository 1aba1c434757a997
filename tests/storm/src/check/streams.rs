//! The watchers of single jobs: each stream is the job's story from where it began to its end.

use super::history::History;
use super::{Kind, Report};
use crate::logs::Logs;
use crate::record::{Heard, position};

/// What was heard of one job, over all its connections.
struct Story<'a> {
    job: &'a str,
    /// Everything after this number has to follow.
    after: Option<u64>,
    heard: Vec<(u64, &'a str)>,
    /// Ends heard, the one that a first state may be included.
    ends: u32,
    is_over: bool,
    /// When anything was heard last.
    heard_at: u64,
}

/// The journal is kept for longer than this: who was told something since must be told what followed.
const KEPT_US: u64 = 60_000_000;

pub(crate) fn check(logs: &Logs<'_>, history: &History<'_>, report: &mut Report) {
    for watcher in &logs.streams {
        let mut story: Option<Story<'_>> = None;
        for heard in &watcher.heard {
            if let Heard::Follow { job, at } = heard {
                conclude(watcher.name, story.take(), history, report);
                story = Some(Story { job, after: None, heard: Vec::new(), ends: 0, is_over: false, heard_at: *at });
            } else if let Some(story) = &mut story {
                hear(watcher.name, story, heard, report);
            }
        }
        conclude(watcher.name, story, history, report);
    }
}

fn hear<'a>(name: &str, story: &mut Story<'a>, heard: &Heard<'a>, report: &mut Report) {
    let job = story.job;
    match heard {
        Heard::State { at: heard_at, id, kind } => {
            story.heard_at = *heard_at;
            match (position(id), story.after) {
                (Some(at), None) => story.after = Some(at.seq),
                (None, _) => report.object(Kind::Gap, format!("{name}: {job}: its state has the id {id:?}")),
                (_, Some(_)) => report.object(Kind::Gap, format!("{name}: {job}: its state again, not what followed")),
            }
            story.ends += u32::from(*kind == "complete_job");
        }
        Heard::Event { at: heard_at, id, kind, .. } => {
            story.heard_at = *heard_at;
            let Some(at) = position(id) else {
                return report.object(Kind::Gap, format!("{name}: {job}: {kind} has the id {id:?}"));
            };
            let last = story.heard.last().map(|(seq, _)| *seq).or(story.after);
            if story.heard.iter().any(|(_, known)| known == id) {
                report.object(Kind::Doubled, format!("{name}: {job}: event {id} ({kind}) twice"));
            } else if last.is_none_or(|last| at.seq <= last) {
                report.object(Kind::Gap, format!("{name}: {job}: event {id} ({kind}) after number {last:?}"));
            }
            story.heard.push((at.seq, id));
            story.ends += u32::from(*kind == "complete_job");
        }
        // A job may wait for longer than the journal is kept; then its story begins anew.
        Heard::Lapsed { at } if at.saturating_sub(story.heard_at) > KEPT_US => {
            (story.after, story.heard_at) = (None, *at);
            story.heard.clear();
        }
        Heard::Lapsed { .. } => {
            report.object(Kind::Gap, format!("{name}: {job}: what followed was kept for less than a minute"));
        }
        Heard::Ended { .. } => story.is_over = true,
        Heard::Nothing { .. } if story.ends == 0 => {
            report
                .object(Kind::Gap, format!("{name}: {job}: the broker says that its end was heard, which it was not"));
        }
        Heard::Nothing { .. } => story.is_over = true,
        Heard::Odd { what, .. } => report.object(Kind::Gap, format!("{name}: {job}: {what}")),
        Heard::Follow { .. } | Heard::Opened { .. } => {}
    }
}

fn conclude(name: &str, story: Option<Story<'_>>, history: &History<'_>, report: &mut Report) {
    let Some(Story { job, after, heard, ends, is_over, .. }) = story else { return };
    match ends {
        1 if is_over => {}
        1 => report.object(Kind::Gap, format!("{name}: {job}: the stream went on after its end")),
        0 => report.object(Kind::Gap, format!("{name}: {job}: its end never came")),
        _ => report.object(Kind::Doubled, format!("{name}: {job}: {ends} times complete_job")),
    }
    let Some(after) = after else { return };
    let empty = Vec::new();
    for seq in history.stories.get(job).unwrap_or(&empty).iter().filter(|seq| **seq > after) {
        let told = &history.told[seq];
        if !heard.iter().any(|(_, id)| *id == told.id) {
            report.object(Kind::Gap, format!("{name}: {job}: event {} ({}) never came", told.id, told.kind));
        }
    }
    for (seq, id) in &heard {
        if history.told.get(seq).is_none_or(|told| told.id != *id || told.job != Some(job)) {
            report.object(Kind::Gap, format!("{name}: {job}: event {id} is of another history"));
        }
    }
}
