//! Faults on purpose: a run's logs are tampered with, and the checker has to object.

use crate::check::{Kind, check};
use crate::folder::{self, Folder};
use crate::logs::Logs;
use crate::record::{Dumped, Record, Refusal};
use anyhow::{Context, bail};
use std::path::Path;

/// A fault that a broker, an agent or a watcher's connection could have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    LostJob,
    UnfinishedJob,
    UnknownJob,
    ListedTwice,
    TakenInTwice,
    ExecutedTwice,
    NeverExecuted,
    EventSkipped,
    EventRepeated,
    EventsSwapped,
    EndMissing,
    CompletedTwice,
    OtherHistory,
    OlderTerm,
    AckOfAnotherHistory,
    LeaseLost,
    ResultOfAnother,
    Resync,
    StateInsteadOfEvents,
    StreamSkips,
    StreamRepeats,
    StreamEndsTwice,
    StreamWithoutEnd,
    PayloadChanged,
    ResultChanged,
    ExecutedWithAnother,
    FinishedTwice,
    EndedByNobody,
    RefusedWithRoom,
    FewKills,
    StreamLapses,
}

impl Fault {
    /// Each fault, its name, and what the checker has to call it.
    pub(crate) const ALL: [(Fault, &'static str, Kind); 31] = [
        (Fault::LostJob, "lost-job", Kind::Lost),
        (Fault::UnfinishedJob, "unfinished-job", Kind::Lost),
        (Fault::UnknownJob, "unknown-job", Kind::Unknown),
        (Fault::ListedTwice, "listed-twice", Kind::Doubled),
        (Fault::TakenInTwice, "taken-in-twice", Kind::Doubled),
        (Fault::ExecutedTwice, "executed-twice", Kind::Doubled),
        (Fault::NeverExecuted, "never-executed", Kind::Lost),
        (Fault::EventSkipped, "event-skipped", Kind::Gap),
        (Fault::EventRepeated, "event-repeated", Kind::Doubled),
        (Fault::EventsSwapped, "events-swapped", Kind::Gap),
        (Fault::EndMissing, "end-missing", Kind::Gap),
        (Fault::CompletedTwice, "completed-twice", Kind::Doubled),
        (Fault::OtherHistory, "other-history", Kind::Gap),
        (Fault::OlderTerm, "older-term", Kind::Gap),
        (Fault::AckOfAnotherHistory, "ack-of-another-history", Kind::Lost),
        (Fault::LeaseLost, "lease-lost", Kind::Lease),
        (Fault::ResultOfAnother, "result-of-another", Kind::Lease),
        (Fault::Resync, "resync", Kind::Gap),
        (Fault::StateInsteadOfEvents, "state-instead-of-events", Kind::Gap),
        (Fault::StreamSkips, "stream-skips", Kind::Gap),
        (Fault::StreamRepeats, "stream-repeats", Kind::Doubled),
        (Fault::StreamEndsTwice, "stream-ends-twice", Kind::Doubled),
        (Fault::StreamWithoutEnd, "stream-without-end", Kind::Gap),
        (Fault::PayloadChanged, "payload-changed", Kind::Lost),
        (Fault::ResultChanged, "result-changed", Kind::Lost),
        (Fault::ExecutedWithAnother, "executed-with-another", Kind::Lost),
        (Fault::FinishedTwice, "finished-twice", Kind::Doubled),
        (Fault::EndedByNobody, "ended-by-nobody", Kind::Lease),
        (Fault::RefusedWithRoom, "refused-with-room", Kind::Run),
        (Fault::FewKills, "few-kills", Kind::Run),
        (Fault::StreamLapses, "stream-lapses", Kind::Gap),
    ];

    /// The same run with this fault.
    ///
    /// # Errors
    /// The run has no place for it.
    pub(crate) fn plant(self, sound: &Folder) -> anyhow::Result<Folder> {
        let mut folder = sound.clone();
        match self {
            Fault::LostJob | Fault::UnfinishedJob | Fault::UnknownJob | Fault::ListedTwice => self.dump(&mut folder)?,
            Fault::TakenInTwice | Fault::ExecutedTwice | Fault::NeverExecuted | Fault::AckOfAnotherHistory => {
                self.jobs(&mut folder)?;
            }
            Fault::StreamLapses
            | Fault::StreamSkips
            | Fault::StreamRepeats
            | Fault::StreamEndsTwice
            | Fault::StreamWithoutEnd => {
                self.stream(&mut folder)?;
            }
            Fault::OlderTerm | Fault::LeaseLost | Fault::ResultOfAnother | Fault::EndedByNobody => {
                self.everywhere(&mut folder)?;
            }
            Fault::PayloadChanged | Fault::ResultChanged => self.dump(&mut folder)?,
            Fault::ExecutedWithAnother => self.jobs(&mut folder)?,
            Fault::FinishedTwice => change(&mut folder, folder::FINISHES, |line| format!("{line}\n{line}"))?,
            Fault::FewKills => change(&mut folder, folder::DEMANDS, |line| format!("{line}000000"))?,
            Fault::RefusedWithRoom => {
                let refusal = Refusal { at: 0, job: "storm-1", status: 507, code: "store_full" };
                folder.0.entry(folder::REFUSALS.to_owned()).or_default().push_str(&format!("{}\n", refusal.line()));
            }
            _ => self.monitor(&mut folder)?,
        }
        Ok(folder)
    }

    fn dump(self, folder: &mut Folder) -> anyhow::Result<()> {
        let mut lines = Lines::of(folder, folder::DUMP)?;
        let content = matches!(self, Fault::PayloadChanged | Fault::ResultChanged);
        let job = lines.find(if content { "content\t" } else { "job\t" })?;
        match self {
            Fault::PayloadChanged => lines.0[job] = lines.0[job].replacen("true", "false", 1),
            Fault::ResultChanged => lines.0[job] = lines.0[job].replace("\ttrue\ttrue", "\ttrue\tfalse"),
            Fault::LostJob => drop(lines.0.remove(job)),
            Fault::UnfinishedJob => lines.0[job] = lines.0[job].replace("completed", "in_progress"),
            Fault::ListedTwice => lines.0.push(lines.0[job].clone()),
            _ => lines.0.push(Dumped::Job { job: "stranger", status: "completed", reason: None }.line()),
        }
        lines.put(folder, folder::DUMP)
    }

    fn jobs(self, folder: &mut Folder) -> anyhow::Result<()> {
        let name = match self {
            Fault::TakenInTwice | Fault::AckOfAnotherHistory => folder::ACKS,
            _ => folder::EXECUTIONS,
        };
        let mut lines = Lines::of(folder, name)?;
        let middle = lines.0.len() / 2;
        match self {
            Fault::TakenInTwice => {
                let new = lines.find("\tfalse\t")?;
                lines.0.push(lines.0[new].clone());
            }
            Fault::AckOfAnotherHistory => {
                let new = lines.find("\tfalse\t")?;
                lines.0[new] = with_another_hash(&lines.0[new]);
            }
            Fault::ExecutedWithAnother => {
                let start = lines.find("start\t")?;
                lines.0.push(lines.0[start].replace("start\t", "wrong\t"));
            }
            Fault::ExecutedTwice => {
                let start = lines.find("start\t")?;
                lines.0.push(lines.0[start].clone());
            }
            _ => {
                let job = lines.0[middle].split('\t').nth(2).context("an execution has no job")?.to_owned();
                lines.0.retain(|line| line.split('\t').nth(2) != Some(&job));
            }
        }
        lines.put(folder, name)
    }

    /// Tampers with one watcher of everything.
    fn monitor(self, folder: &mut Folder) -> anyhow::Result<()> {
        let name = folder.0.keys().find(|name| name.starts_with("monitor-")).context("nobody watched")?.clone();
        let mut lines = Lines::of(folder, &name)?;
        let event = lines.pair("event\t")?;
        match self {
            Fault::EventSkipped => drop(lines.0.remove(event)),
            Fault::EventRepeated => lines.0.insert(event, lines.0[event].clone()),
            Fault::EventsSwapped => lines.0.swap(event, event + 1),
            Fault::EndMissing => lines.0.truncate(event),
            Fault::CompletedTwice => {
                let end = lines.find("\tcomplete_job\t")?;
                lines.0.insert(end + 1, lines.0[end].clone());
            }
            Fault::OtherHistory => lines.0[event] = with_another_hash(&lines.0[event]),
            Fault::Resync => lines.0.insert(event, "odd\t0\tresync: expired".to_owned()),
            _ => {
                let id = lines.0[event].split('\t').nth(2).context("an event has no id")?;
                lines.0[event] = format!("state\t0\t{id}\tfull_state_snapshot");
            }
        }
        lines.put(folder, &name)
    }

    /// Tampers with one event as all watchers of everything tell it: they agree, and are wrong.
    fn everywhere(self, folder: &mut Folder) -> anyhow::Result<()> {
        let names: Vec<String> = folder.0.keys().filter(|name| name.starts_with("monitor-")).cloned().collect();
        let of = match self {
            Fault::LeaseLost => "\tin_progress",
            Fault::ResultOfAnother | Fault::EndedByNobody => "@",
            _ => "event\t",
        };
        let first = Lines::of(folder, names.first().context("nobody watched")?)?;
        let sound = first.0[first.find(of)?].clone();
        let id = sound.split('\t').nth(2).context("an event has no id")?.to_owned();
        let wrong_id = match id.split_once('-') {
            Some((_, rest)) if self == Fault::OlderTerm => format!("99999999999-{rest}"),
            _ => id.clone(),
        };
        for name in names {
            let mut lines = Lines::of(folder, &name)?;
            for line in lines.0.iter_mut().filter(|line| line.split('\t').nth(2) == Some(&id)) {
                *line = line.replace(&id, &wrong_id);
                match self {
                    Fault::LeaseLost => *line = line.replace("\tin_progress", "\tpending:lease_expired"),
                    Fault::ResultOfAnother => {
                        *line =
                            line.rsplit_once('\t').map(|(rest, _)| format!("{rest}\tanother@1")).unwrap_or_default();
                    }
                    Fault::EndedByNobody => {
                        let failed = line.replace("\tcomplete_job\t", "\tjob_failed\t");
                        *line =
                            failed.rsplit_once('\t').map(|(rest, _)| format!("{rest}\tcancelled")).unwrap_or_default();
                    }
                    _ => {}
                }
            }
            lines.put(folder, &name)?;
        }
        Ok(())
    }

    /// Tampers with one watcher of single jobs.
    fn stream(self, folder: &mut Folder) -> anyhow::Result<()> {
        let of = match self {
            Fault::StreamSkips => "\tjob_status_changed\t",
            _ => "\tcomplete_job\t",
        };
        let is_event = |line: &str| line.starts_with("event\t") && line.contains(of);
        let has_event = |(_, text): &(&str, &str)| text.lines().any(is_event);
        let name = folder.texts("stream-").find(has_event).map(|(name, _)| format!("{name}.log"));
        let name = name.with_context(|| format!("no single job was followed through {of:?}"))?;
        let mut lines = Lines::of(folder, &name)?;
        let event = lines.0.iter().position(|line| is_event(line)).unwrap_or_default();
        match self {
            Fault::StreamRepeats => lines.0.insert(event, lines.0[event].clone()),
            Fault::StreamLapses => {
                let at = lines.0[event].split('\t').nth(1).context("an event has no time")?;
                let lapsed = format!("lapsed\t{at}");
                lines.0.insert(event, lapsed);
            }
            Fault::StreamEndsTwice => lines.0.insert(event, with_another_hash(&lines.0[event])),
            _ => drop(lines.0.remove(event)),
        }
        lines.put(folder, &name)
    }
}

/// The lines of one log.
struct Lines(Vec<String>);

impl Lines {
    fn of(folder: &Folder, name: &str) -> anyhow::Result<Lines> {
        Ok(Lines(folder.text(name)?.lines().map(str::to_owned).collect()))
    }

    fn put(self, folder: &mut Folder, name: &str) -> anyhow::Result<()> {
        folder.0.insert(name.to_owned(), self.0.iter().map(|line| format!("{line}\n")).collect());
        Ok(())
    }

    /// A line with `what` from the middle on: what happens there happens under load.
    fn find(&self, what: &str) -> anyhow::Result<usize> {
        let middle = self.0.len() / 2;
        let mut order = (middle..self.0.len()).chain(0..middle);
        order.find(|index| self.0[*index].contains(what)).with_context(|| format!("no line has {what:?}"))
    }

    /// Two lines with `what`, one after the other.
    fn pair(&self, what: &str) -> anyhow::Result<usize> {
        let middle = self.0.len() / 2;
        let is_pair =
            |index: &usize| self.0[*index..].iter().take(2).filter(|line| line.starts_with(what)).count() == 2;
        (middle..self.0.len()).chain(0..middle).find(is_pair).with_context(|| format!("no two lines have {what:?}"))
    }
}

/// Changes the line in the middle of a log.
fn change(folder: &mut Folder, name: &str, with: impl Fn(&str) -> String) -> anyhow::Result<()> {
    let mut lines = Lines::of(folder, name)?;
    let middle = lines.find("")?;
    lines.0[middle] = with(&lines.0[middle]);
    lines.put(folder, name)
}

/// An id says which history it is of by its last field.
fn with_another_hash(line: &str) -> String {
    let is_id = |field: &&str| crate::record::position(field).is_some();
    match line.split('\t').find(is_id).and_then(|id| id.rsplit_once('-').map(|(place, _)| (id, place))) {
        Some((id, place)) => line.replace(id, &format!("{place}-ffffffffffffffff")),
        None => line.to_owned(),
    }
}

/// Plants `fault`, or all of them, in copies of the run in `dir`; `true` if each was caught.
pub(crate) fn plant_all(dir: &Path, fault: &str) -> anyhow::Result<bool> {
    let sound = Folder::load(dir)?;
    if !check(&Logs::read(&sound)?).is_clean() {
        bail!("the run in {} is not sound itself", dir.display());
    }
    let faults: Vec<_> = Fault::ALL.iter().filter(|(_, name, _)| fault == "all" || fault == *name).collect();
    if faults.is_empty() {
        let names: Vec<&str> = Fault::ALL.iter().map(|(_, name, _)| *name).collect();
        bail!("{fault:?} is no fault; there are: all, {}", names.join(", "));
    }
    let (mut caught, mut missed) = (0, 0);
    for (fault, name, kind) in &faults {
        let planted = match fault.plant(&sound) {
            Ok(planted) => planted,
            Err(why) => {
                println!("{name:<26} not planted: {why:#}");
                continue;
            }
        };
        let copy = dir.join("planted").join(name);
        planted.store(&copy)?;
        let report = check(&Logs::read(&Folder::load(&copy)?)?);
        match report.count(*kind) {
            0 => missed += 1,
            _ => caught += 1,
        }
        let verdict = if report.count(*kind) > 0 { "caught" } else { "NOT CAUGHT" };
        println!("{name:<26} {verdict}: {} × {kind:?}", report.count(*kind));
    }
    println!("{caught} of {} planted faults caught, {missed} not, the rest found no place", faults.len());
    // A run in which hardly a fault can be planted is not worth much either.
    Ok(missed == 0 && caught * 10 >= faults.len() * 9)
}
