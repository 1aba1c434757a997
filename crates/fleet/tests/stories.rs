//! Stories: text in, transcript out. Each file in `stories/` makes one claim in the comment at
//! its top and tells it as one command a line; what followed stands indented below.
//!
//! ```text
//! > submit j1 for hash priority 80      a command; see `stories/{commands,asked,offered,following}.rs`
//!   j1 submitted                        an event
//!   ~ j1 at 40% says w1                 a pulse
//!   = accepted                          the answer
//!   ! lease lost                        or the refusal
//! ```
//!
//! `> repeat 64 w1 releases x` is 64 lines with `x1` to `x64`; what happens to a crowd of that
//! name alike is told once and counted. `> rules starve-after 30m tail 2` may stand at the beginning.
//! After every command whoever only heard the events must know what the ledger remembers.
//!
//! Time begins at 0 and passes only where a command says so: `> +8s tick` is 8 seconds after
//! the line before it, `> 20s tick` is at 20 seconds. A lease goes by its worker and job; `j1`
//! is the newest that the worker had of it, `j1#2` the one of attempt 2. Lease ids are secrets
//! and not shown.
//!
//! `UPDATE_STORIES=1 cargo test -p fleet --test stories` rewrites what stands indented. A
//! transcript is a promise: read the change against `wire.md` §8c before you keep it.

#![allow(clippy::unwrap_used, reason = "clippy sees no test in what a test calls")]

#[path = "stories/asked.rs"]
mod asked;
#[path = "stories/commands.rs"]
mod commands;
#[path = "stories/following.rs"]
mod following;
#[path = "stories/naming.rs"]
mod naming;
#[path = "stories/offered.rs"]
mod offered;
#[path = "stories/shown.rs"]
mod shown;
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
    a_finished_job_is_forgotten_when_it_is_archived,
    orders_tell_once_which_leases_are_lost,
    what_becomes_free_in_one_command_is_given_in_order,
    a_silent_machines_workers_are_not_given_jobs,
    asking_for_work_is_a_sign_of_life,
    a_worker_that_moves_leaves_its_old_machine,
    who_asks_is_told_which_leases_it_has_lost,
    a_batch_is_decided_together,
    a_call_of_an_earlier_session_is_refused,
    a_drained_machine_finishes_what_it_has,
    a_drained_worker_finishes_what_it_has,
    a_finish_by_ends_a_job_wherever_it_is,
    a_job_is_not_given_before_its_time,
    a_job_states_its_own_backoff,
    a_job_that_waits_too_long_goes_first,
    a_job_that_was_handed_back_is_held_off_its_worker,
    a_paused_service_waits_alone,
    a_report_on_what_has_ended_is_refused,
    a_retry_is_a_new_job,
    a_run_that_says_nothing_of_its_progress_fails,
    a_run_that_takes_too_long_fails,
    a_service_that_is_down_gets_no_jobs_until_it_is_up,
    a_start_by_passes_before_the_start_or_not_at_all,
    a_verdict_that_lasts_too_long_ends_a_job_that_says_so,
    a_worker_takes_the_jobs_of_its_customers_only,
    a_worker_that_comes_again_with_other_models_gets_other_jobs,
    a_worker_that_is_bound_to_a_workflow_takes_nothing_else,
    a_workflows_first_job_fixes_priority_and_time,
    after_a_restart_a_run_out_of_time_gets_the_grace,
    after_a_restart_delays_go_on,
    after_a_restart_names_are_still_taken,
    after_a_restart_verdicts_go_on,
    after_a_restart_what_is_held_back_is_held_back,
    after_a_restart_who_starves_goes_first,
    after_too_little_memory_more_is_wanted_while_somebody_has_it,
    an_idempotency_key_stands_for_one_submission,
    every_need_must_hold_and_nothing_that_is_excluded,
    of_several_deadlines_the_earliest_decides,
    a_thousand_ahead_are_counted_and_no_more,
    after_a_standstill_nothing_is_forgotten,
    a_crowd_that_has_expired_does_not_stand_in_the_way,
    ten_thousand_ahead_neither_stand_in_the_way_nor_stop_anything,
    the_tenth_return_without_a_run_is_the_last,
    what_cannot_run_does_not_stand_in_the_way,
    what_nobody_can_run_waits_and_is_told_so,
    why_a_job_waits_is_explained,
    a_worker_that_hands_back_everything_gets_nothing_for_a_while,
    only_bad_input_and_refusal_are_never_retried,
    a_client_follows_so_many_jobs_and_workflows,
    a_client_is_told_of_its_jobs_and_of_what_it_follows,
    a_client_that_stays_away_is_forgotten,
    what_a_principal_names_is_its_own,
    what_clients_are_told_of_a_job_is_numbered,
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
