//! A small sound run, and every fault planted in it.

use super::{Kind, Report, check};
use crate::folder::{self, Folder};
use crate::logs::Logs;
use crate::plant::Fault;
use crate::record::{Ack, Dumped, Execution, Heard, Life, Record, Submission};

const JOBS: u64 = 8;
/// Events of each job.
const STEPS: [(&str, Option<&str>); 4] = [
    ("job_submitted", None),
    ("job_assigned", None),
    ("job_status_changed", Some("in_progress")),
    ("complete_job", None),
];

fn id(seq: u64) -> String {
    format!("{}-{seq}-{seq:016x}", 100 + seq / 16)
}

fn put<'a>(folder: &mut Folder, name: &str, record: &impl Record<'a>) {
    let line = record.line();
    let text = folder.0.entry(name.to_owned()).or_default();
    *text = format!("{text}{line}\n");
}

/// Eight jobs one after the other, two watchers of everything – one of them late and resuming –
/// and one that follows a job across a restart.
pub(crate) fn sound() -> Folder {
    let mut folder = Folder::default();
    for name in [folder::SUBMISSIONS, folder::ACKS, folder::EXECUTIONS, folder::KILLS, folder::DUMP] {
        folder.0.insert(name.to_owned(), String::new());
    }
    let (early, late, stream) = (folder::monitor_log("a"), folder::monitor_log("late"), folder::stream_log("1"));
    put(&mut folder, &early, &Heard::Opened { at: 0, since: None });
    put(&mut folder, &early, &Heard::State { at: 0, id: &format!("0-0-{:016x}", 0), kind: "full_state_snapshot" });
    put(&mut folder, &late, &Heard::Opened { at: 0, since: None });
    put(&mut folder, &late, &Heard::State { at: 0, id: &id(7), kind: "full_state_snapshot" });
    put(&mut folder, folder::KILLS, &Life { spawned_at: 0, answered_at: Some(1), ended_at: 150_000, killed: true });
    put(&mut folder, folder::KILLS, &Life { spawned_at: 150_000, answered_at: None, ended_at: 160_000, killed: true });
    put(
        &mut folder,
        folder::KILLS,
        &Life { spawned_at: 160_000, answered_at: Some(190_000), ended_at: 300_000, killed: false },
    );
    for number in 0..JOBS {
        let job = format!("job-{number}");
        let (at, first) = (number * 1_000, number * STEPS.len() as u64 + 1);
        put(&mut folder, folder::SUBMISSIONS, &Submission { at, job: &job });
        let ack = Ack { at, job: &job, event: Some(&id(first)), duplicate: false, tries: 1 };
        put(&mut folder, folder::ACKS, &ack);
        put(&mut folder, folder::ACKS, &Ack { event: None, duplicate: true, ..ack });
        for start in [true, false] {
            put(&mut folder, folder::EXECUTIONS, &Execution { start, at, job: &job, attempt: 1, pid: 7 });
        }
        put(&mut folder, folder::DUMP, &Dumped::Job { job: &job, status: "completed" });
        for ((kind, detail), seq) in STEPS.into_iter().zip(first..) {
            let detail = if kind == "complete_job" { Some(job.as_str()) } else { detail };
            let (id, before) = (id(seq), id(seq - 1));
            let event = Heard::Event { at, id: &id, kind, job: Some(&job), detail };
            put(&mut folder, &early, &event);
            if seq > 7 {
                put(&mut folder, &late, &event);
            }
            if seq % 5 == 0 && seq > 8 {
                put(&mut folder, &late, &Heard::Opened { at, since: Some(&id) });
            }
            if number == 5 {
                follow(&mut folder, &stream, &event, &before);
            }
        }
    }
    put(&mut folder, folder::DUMP, &Dumped::Total { jobs: JOBS });
    put(&mut folder, folder::DUMP, &Dumped::Head { id: &id(JOBS * STEPS.len() as u64) });
    folder
}

/// A stream begins with the state, is lost once, and ends twice: with its end, and with 204.
fn follow(folder: &mut Folder, stream: &str, event: &Heard<'_>, before: &str) {
    let Heard::Event { at, id, kind, job: Some(job), .. } = *event else { return };
    match kind {
        "job_submitted" => {
            put(folder, stream, &Heard::Follow { at, job });
            put(folder, stream, &Heard::Opened { at, since: None });
            put(folder, stream, &Heard::State { at, id, kind: "job_accepted" });
        }
        "complete_job" => {
            put(folder, stream, &Heard::Opened { at, since: Some(before) });
            put(folder, stream, event);
            put(folder, stream, &Heard::Ended { at });
            put(folder, stream, &Heard::Opened { at, since: Some(id) });
            put(folder, stream, &Heard::Nothing { at });
        }
        _ => put(folder, stream, event),
    }
}

fn report_on(folder: &Folder) -> Report {
    check(&Logs::read(folder).unwrap())
}

#[test]
fn a_sound_run_is_clean() {
    let report = report_on(&sound());
    assert!(report.is_clean(), "{report}");
    assert!(report.to_string().ends_with("0 lost, 0 doubled, 0 gaps\n"), "{report}");
}

#[test]
fn every_planted_fault_is_caught_and_called_by_its_name() {
    for (fault, name, kind) in Fault::ALL {
        let report = report_on(&fault.plant(&sound()).unwrap());
        assert!(report.count(kind) > 0, "{name}: {report}");
    }
}

#[test]
fn no_run_is_sound_with_a_log_missing_or_empty() {
    let sound = sound();
    for name in sound.0.keys().filter(|name| !name.starts_with("stream-")) {
        let mut without = sound.clone();
        without.0.remove(name);
        let watchers_left = without.0.keys().any(|name| name.starts_with("monitor-a"));
        let read = Logs::read(&without);
        // The late watcher alone does not know the beginning; without it the other one still does.
        let objects = read.map_or(true, |logs| !check(&logs).is_clean());
        assert!(objects || (watchers_left && name.starts_with("monitor-late")), "{name}");

        let mut empty = sound.clone();
        empty.0.insert(name.clone(), String::new());
        assert!(name == folder::KILLS || !report_on(&empty).is_clean(), "{name}");
    }
}

#[test]
fn an_assignment_may_return_before_it_is_started_and_a_run_may_not() {
    for (from, returned, is_clean) in
        [("job_assigned", "pending:not_started", true), ("job_status_changed", "pending:session_replaced", false)]
    {
        let mut folder = sound();
        // The last job returns once more: its events are told again from the assignment on.
        let log = folder::monitor_log("a");
        let job = format!("job-{}", JOBS - 1);
        let base = JOBS * STEPS.len() as u64 - 3;
        let steps = STEPS[..].iter().position(|(kind, _)| *kind == from).unwrap();
        let mut story: Vec<(&str, Option<&str>)> = STEPS[..=steps].to_vec();
        story.push(("job_status_changed", Some(returned)));
        story.extend(&STEPS[1..3]);
        story.push(("complete_job", Some(&job)));
        for name in [log, folder::monitor_log("late")] {
            let text = folder.0.get_mut(&name).unwrap();
            let kept: Vec<&str> = text.lines().filter(|line| !line.contains(&job)).collect();
            *text = kept.iter().map(|line| format!("{line}\n")).collect();
            for ((kind, detail), seq) in story.iter().zip(base..) {
                let id = id(seq);
                put(&mut folder, &name, &Heard::Event { at: 0, id: &id, kind, job: Some(&job), detail: *detail });
            }
        }
        let report = report_on(&folder);
        assert_eq!(report.is_clean(), is_clean, "{report}");
        assert_eq!(report.count(Kind::Lease) > 0, !is_clean, "{report}");
    }
}
