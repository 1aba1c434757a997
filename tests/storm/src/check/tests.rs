//! A small sound run, and every fault planted in it.

use super::{Kind, Report, check};
use crate::folder::{self, Folder};
use crate::logs::Logs;
use crate::plant::Fault;
use crate::record::{Ack, Demand, Dumped, Execution, Finish, Heard, Life, Mark, Record, Strike, Submission};

const JOBS: u64 = 8;
/// Events of each job.
const STEPS: [(&str, Option<&str>); 4] = [
    ("job_submitted", None),
    ("job_assigned", Some("a-w")),
    ("job_status_changed", Some("in_progress")),
    ("complete_job", None),
];

/// Logs of what need not happen in a run.
const MAY_BE_EMPTY: [&str; 5] = [folder::STRIKES, folder::REFUSALS, folder::CANCELS, folder::FINISHES, folder::WEATHER];

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
    let must = [folder::SUBMISSIONS, folder::ACKS, folder::EXECUTIONS, folder::KILLS, folder::DUMP, folder::DEMANDS];
    for name in must.into_iter().chain(MAY_BE_EMPTY) {
        folder.0.insert(name.to_owned(), String::new());
    }
    put(&mut folder, folder::DEMANDS, &Demand { of: "kills", least: 2 });
    let (early, late, stream) = (folder::monitor_log("a"), folder::monitor_log("late"), folder::stream_log("1"));
    put(&mut folder, &early, &Heard::Opened { at: 0, since: None });
    put(&mut folder, &early, &Heard::State { at: 0, id: &format!("0-0-{:016x}", 0), kind: "full_state_snapshot" });
    put(&mut folder, &late, &Heard::Opened { at: 0, since: None });
    put(&mut folder, &late, &Heard::State { at: 0, id: &id(7), kind: "full_state_snapshot" });
    for (spawned_at, answered_at, ended_at, killed) in
        [(0, Some(1), 150_000, true), (150_000, None, 160_000, true), (160_000, Some(190_000), 300_000, false)]
    {
        let life = Life { spawned_at, answered_at, ended_at, killed, stopped_at: None, amid: None, in_flight: 1 };
        put(&mut folder, folder::KILLS, &life);
    }
    for number in 0..JOBS {
        let job = format!("job-{number}");
        let (at, first) = (number * 1_000, number * STEPS.len() as u64 + 1);
        put(&mut folder, folder::SUBMISSIONS, &Submission { at, job: &job, bytes: 7 });
        let ack = Ack { at, job: &job, event: Some(&id(first)), duplicate: false, tries: 1 };
        put(&mut folder, folder::ACKS, &ack);
        put(&mut folder, folder::ACKS, &Ack { event: None, duplicate: true, ..ack });
        for mark in [Mark::Start, Mark::End] {
            put(&mut folder, folder::EXECUTIONS, &Execution { mark, at, job: &job, attempt: 1, pid: 7, agent: "a" });
        }
        put(&mut folder, folder::FINISHES, &Finish { agent: "a", job: &job });
        put(&mut folder, folder::DUMP, &Dumped::Job { job: &job, status: "completed", reason: None });
        put(&mut folder, folder::DUMP, &Dumped::Content { job: &job, payload: true, result: true });
        let result = format!("{job}@7");
        for ((kind, detail), seq) in STEPS.into_iter().zip(first..) {
            let detail = if kind == "complete_job" { Some(result.as_str()) } else { detail };
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
        let may_be = MAY_BE_EMPTY.contains(&name.as_str()) && name != folder::FINISHES;
        assert!(may_be || !report_on(&empty).is_clean(), "{name}");
    }
}

/// The last job goes back to the queue once, from the state that `from` led to, and runs again.
fn returned(from: &str, word: &str) -> Folder {
    let mut folder = sound();
    let job = format!("job-{}", JOBS - 1);
    let result = format!("{job}@7");
    let base = JOBS * STEPS.len() as u64 - 3;
    let steps = STEPS.iter().position(|(kind, _)| *kind == from).unwrap();
    let mut story: Vec<(&str, Option<&str>)> = STEPS[..=steps].to_vec();
    story.push(("job_status_changed", Some(word)));
    story.extend(&STEPS[1..3]);
    story.push(("complete_job", Some(&result)));
    for name in ["a", "late"].map(folder::monitor_log) {
        let text = folder.0.get_mut(&name).unwrap();
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains(&job)).collect();
        *text = kept.iter().map(|line| format!("{line}\n")).collect();
        for ((kind, detail), seq) in story.iter().zip(base..) {
            let id = id(seq);
            let event = Heard::Event { at: LATER, id: &id, kind, job: Some(&job), detail: *detail };
            put(&mut folder, &name, &event);
        }
    }
    folder
}

/// Long after everything else in the run.
const LATER: u64 = 1_000_000_000;

fn struck(folder: &mut Folder, at: u64) {
    put(folder, folder::STRIKES, &Strike { who: "a", killed: true, at, until: at });
}

#[test]
fn an_assignment_may_return_before_it_is_started_and_a_run_only_when_its_agent_was_struck() {
    for (from, word, struck_at, is_clean) in [
        ("job_assigned", "pending:not_started", None, true),
        ("job_status_changed", "pending:not_started", None, false),
        ("job_status_changed", "pending:session_replaced", None, false),
        ("job_status_changed", "pending:session_replaced", Some(LATER - 1_000_000), true),
        // Long before, or long after.
        ("job_status_changed", "pending:lease_expired", Some(LATER - 100_000_000), false),
        ("job_status_changed", "pending:lease_expired", Some(LATER + 100_000_000), false),
    ] {
        let mut folder = returned(from, word);
        struck_at.into_iter().for_each(|at| struck(&mut folder, at));
        let report = report_on(&folder);
        assert_eq!(report.is_clean(), is_clean, "{from} {word} {struck_at:?}: {report}");
        assert_eq!(report.count(Kind::Lease) > 0, !is_clean, "{report}");
    }
}

#[test]
fn a_job_begins_again_only_when_its_agent_was_struck_and_it_was_given_again() {
    let again = |folder: &mut Folder| {
        let job = format!("job-{}", JOBS - 1);
        for mark in [Mark::Start, Mark::End] {
            let execution = Execution { mark, at: LATER, job: &job, attempt: 2, pid: 8, agent: "b" };
            put(folder, folder::EXECUTIONS, &execution);
        }
    };
    let mut well = returned("job_status_changed", "pending:lease_expired");
    again(&mut well);
    assert!(report_on(&well).count(Kind::Doubled) > 0);
    // The first program began long before, and its agent was struck since.
    struck(&mut well, LATER - 1_000_000);
    assert!(report_on(&well).is_clean(), "{}", report_on(&well));
    let mut not_given = sound();
    again(&mut not_given);
    struck(&mut not_given, LATER - 1_000_000);
    assert!(report_on(&not_given).count(Kind::Doubled) > 0);
}

#[test]
fn a_job_that_loses_three_workers_may_fail_and_no_other() {
    for (losses, is_clean) in [(2, true), (1, false)] {
        let mut folder = sound();
        let job = format!("job-{}", JOBS - 1);
        struck(&mut folder, LATER);
        let mut story = vec![("job_submitted", None)];
        for _ in 0..losses {
            story.extend(&STEPS[1..3]);
            story.push(("job_status_changed", Some("pending:lease_expired")));
        }
        story.extend(&STEPS[1..3]);
        story.push(("job_failed", Some("poison")));
        let base = JOBS * STEPS.len() as u64 - 3;
        for name in ["a", "late"].map(folder::monitor_log) {
            let text = folder.0.get_mut(&name).unwrap();
            let kept: Vec<&str> = text.lines().filter(|line| !line.contains(&job)).collect();
            *text = kept.iter().map(|line| format!("{line}\n")).collect();
            for ((kind, detail), seq) in story.iter().zip(base..) {
                put(
                    &mut folder,
                    &name,
                    &Heard::Event { at: LATER, id: &id(seq), kind, job: Some(&job), detail: *detail },
                );
            }
        }
        let dump = folder.0.get_mut(folder::DUMP).unwrap();
        *dump = dump.replace(&format!("job\t{job}\tcompleted\t-"), &format!("job\t{job}\tfailed\tpoison"));
        let report = report_on(&folder);
        assert_eq!(report.is_clean(), is_clean, "{losses}: {report}");
    }
}
