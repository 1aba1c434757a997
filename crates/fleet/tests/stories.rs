//! Stories: text in, transcript out. Each file in `stories/` makes one claim in the comment at
//! its top and tells it as one command a line; what followed stands indented below.
//!
//! ```text
//! > submit j1 for hash priority 80      a command; the words are in `stories/words.rs`
//!   j1 submitted                        an event
//!   ~ j1 at 40% says w1                 a pulse
//!   = accepted                          the answer
//!   ! lease lost                        or the refusal
//! ```
//!
//! Time begins at 0 and passes only where a command says so: `> +8s tick` is 8 seconds after
//! the line before it, `> 20s tick` is at 20 seconds. A lease goes by its worker and job; `j1`
//! is the newest that the worker had of it, `j1#2` the one of attempt 2. Lease ids are secrets
//! and not shown.
//!
//! `UPDATE_STORIES=1 cargo test -p fleet --test stories` rewrites what stands indented. A
//! transcript is a promise: read the change against `wire.md` §8c before you keep it.

#![allow(clippy::unwrap_used, reason = "clippy sees no test in what a test calls")]

#[path = "stories/stage.rs"]
mod stage;
#[path = "stories/telling.rs"]
mod telling;
#[path = "stories/words.rs"]
mod words;

use stage::Stage;
use std::fmt::Write;
use std::path::PathBuf;

macro_rules! stories {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            tell(stringify!($name));
        })*
    };
}

stories! {
    a_job_lives_from_submission_to_its_result,
    a_cancel_ends_a_job_in_whatever_state_it_is,
    a_failed_run_is_retried_after_a_backoff_until_the_last_run,
    a_failure_that_no_retry_can_mend_is_final,
    a_released_job_goes_back_without_a_run,
    what_is_not_started_in_time_goes_back,
    a_lease_that_is_not_renewed_is_lost,
    a_new_session_of_a_worker_replaces_the_old_one,
    a_machine_takes_its_jobs_with_it_to_the_queue,
    a_machine_falls_silent_is_heard_again_or_is_gone,
    a_job_that_loses_three_workers_in_a_row_is_poison,
    finishing_twice_is_one_finish_if_the_result_is_the_same,
    the_same_submission_again_is_answered_and_changes_nothing,
    order_is_priority_then_time_then_submission,
    a_worker_that_stands_ready_gets_a_job_at_once,
    an_answer_that_got_lost_is_given_again,
    a_worker_holds_as_many_jobs_as_it_has_slots,
    a_worker_that_drains_or_is_in_error_gets_nothing,
    after_a_restart_nothing_expires_before_a_grace_has_passed,
    a_finished_job_is_forgotten_after_a_day,
    orders_tell_once_which_leases_are_lost,
    what_becomes_free_in_one_command_is_given_in_order,
    a_silent_machines_workers_are_not_given_jobs,
    asking_for_work_is_a_sign_of_life,
    a_worker_that_moves_leaves_its_old_machine,
    who_asks_is_told_which_leases_it_has_lost,
}

#[test]
fn every_story_is_told() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".story").map(str::to_owned))
        .collect();
    let mut names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names);
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stories")
}

/// Plays a story and compares what happens with what is written.
fn tell(name: &str) {
    let path = folder().join(format!("{name}.story"));
    let written = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(written.starts_with('#'), "{name}: a story begins with its claim");
    let told = play(name, &written);
    if told == written {
        return;
    }
    if std::env::var_os("UPDATE_STORIES").is_some() {
        return std::fs::write(&path, told).unwrap();
    }
    panic!("{} happens otherwise (- written, + happens):\n{}", path.display(), difference(&written, &told));
}

fn play(name: &str, written: &str) -> String {
    let mut stage = Stage::default();
    let mut told = String::new();
    for (number, line) in written.lines().enumerate() {
        if line.starts_with("  ") {
            continue;
        }
        writeln!(told, "{line}").unwrap();
        if let Some(command) = line.strip_prefix('>') {
            let happened = stage.play(command).unwrap_or_else(|why| panic!("{name}:{}: {why}: {line}", number + 1));
            for line in happened {
                writeln!(told, "  {line}").unwrap();
            }
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "{name}:{}: not a line of a story: {line}", number + 1);
        }
    }
    stage.remembers_itself();
    told
}

/// Line by line, by the longest common subsequence.
fn difference(written: &str, told: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (written.lines().collect(), told.lines().collect());
    let mut common = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        let (mark, line) = if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            (' ', old[i - 1])
        } else if j < new.len() && (i == old.len() || common[i][j + 1] > common[i + 1][j]) {
            j += 1;
            ('+', new[j - 1])
        } else {
            i += 1;
            ('-', old[i - 1])
        };
        writeln!(lines, "{mark} {line}").unwrap();
    }
    lines
}
