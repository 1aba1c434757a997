//! What a command is answered and which events it may lead to, told by what was so before it.

use crate::oracle::{Job, Oracle, Place};
use fleet::limits;
use fleet::{
    Answer, Beat, Command, Event, Fact, Fail, Grant, JoinWorker, LeaseId, Next, Outcome, Pulse, Refusal, Status,
    Timestamp, Told,
};

type Verdict = Result<(), String>;
type Given<'a> = Result<&'a Answer, &'a Refusal>;

pub(crate) fn check(
    before: &Oracle,
    after: &Oracle,
    command: &Command,
    now: Timestamp,
    answer: &Result<Answer, Refusal>,
    told: &Told,
) -> Verdict {
    let given = answer.as_ref();
    match command {
        Command::Submit { .. } | Command::Cancel { .. } => of_jobs(before, command, given, told),
        Command::Next(next) => next_is_answered(before, after, next, now, given, told),
        Command::Beat(beat) => beat_is_answered(before, beat, given, told),
        Command::TakeOrders { machine } => {
            let revoked = before.machine(machine).map(|m| m.revoked.clone());
            let orders = cancelled(given);
            law!(
                orders == revoked.as_deref(),
                "orders name every lease taken away, once",
                "{orders:?}, not {revoked:?}"
            );
            Ok(())
        }
        Command::JoinWorker(join) => registration_is_answered(before, join, given),
        Command::LeaveWorker { worker, .. } => {
            law!(given.is_ok() == before.worker(worker).is_some(), "who is known may leave", "{worker}: {given:?}");
            Ok(())
        }
        Command::LeaveMachine { machine } => {
            law!(given.is_ok() == before.machine(machine).is_some(), "who is known may leave", "{machine}: {given:?}");
            Ok(())
        }
        Command::StandDown { .. } => {
            law!(given == Ok(&Answer::Done) && *told == Told::default(), "standing down is silent", "{given:?}");
            Ok(())
        }
        Command::JoinMachine { .. } | Command::Tick => {
            law!(given.is_ok(), "joining and ticking are not refused", "{given:?}");
            Ok(())
        }
        Command::Start { lease }
        | Command::Renew { lease }
        | Command::Progress { lease, .. }
        | Command::Finish { lease, .. }
        | Command::Fail(Fail { lease, .. })
        | Command::Release { lease, .. } => match before.holder(*lease) {
            Some(job) => report_is_taken(job, command, now, given, told),
            None => late_report_is_refused(before, command, *lease, given, told),
        },
    }
}

fn of_jobs(before: &Oracle, command: &Command, given: Given<'_>, told: &Told) -> Verdict {
    let facts: Vec<&Fact> = told.events.iter().map(|event| &event.fact).collect();
    match command {
        Command::Submit { spec } => match before.job(&spec.id) {
            None => {
                law!(given == Ok(&Answer::Submitted { duplicate: false }), "a new job is accepted", "{given:?}");
                law!(matches!(facts[..], [Fact::JobSubmitted { .. }, ..]), "a new job is told", "{told:?}");
            }
            Some(known) if known.spec.digest == spec.digest => {
                law!(given == Ok(&Answer::Submitted { duplicate: true }), "a repetition is answered", "{given:?}");
                law!(facts.is_empty(), "a repetition changes nothing", "{told:?}");
            }
            Some(_) => {
                let conflict = matches!(given, Err(Refusal::JobIdConflict { .. }));
                law!(conflict, "another content under the same id is a conflict", "{given:?}");
            }
        },
        Command::Cancel { job } => {
            let cancelled = Fact::JobFinished {
                job: job.clone(),
                worker: before.job(job).and_then(Job::held).map(|held| held.worker.clone()),
                machine: before.job(job).and_then(Job::held).map(|held| held.machine.clone()),
                attempt: before.job(job).map_or(0, |job| job.attempt),
                runs_failed: before.job(job).map_or(0, |job| job.runs_failed),
                outcome: Outcome::Cancelled,
            };
            match before.job(job).map(Job::status) {
                None => law!(matches!(given, Err(Refusal::JobNotFound { .. })), "what is unknown is said", "{given:?}"),
                Some(Status::Cancelled) => {
                    law!(given == Ok(&Answer::Done) && facts.is_empty(), "cancelling twice is one cancel", "{told:?}");
                }
                Some(Status::Completed | Status::Failed) => {
                    let refused = matches!(given, Err(Refusal::AlreadyFinished { .. }));
                    law!(refused, "what has ended otherwise is not cancelled", "{given:?}");
                }
                Some(_) => {
                    law!(given == Ok(&Answer::Done), "what has not ended can be cancelled", "{given:?}");
                    law!(facts.first() == Some(&&cancelled), "a cancel is told at once", "{told:?}");
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn next_is_answered(
    before: &Oracle,
    after: &Oracle,
    next: &Next,
    now: Timestamp,
    given: Given<'_>,
    told: &Told,
) -> Verdict {
    let Some(worker) = before.worker(&next.worker) else {
        law!(matches!(given, Err(Refusal::UnknownWorker { .. })), "an unknown worker is refused", "{given:?}");
        return Ok(());
    };
    if worker.session != next.session {
        law!(matches!(given, Err(Refusal::SessionReplaced { .. })), "an old session is refused", "{given:?}");
        return Ok(());
    }
    let silent = before.machine(&worker.machine).is_some_and(|machine| machine.silent);
    let heard = matches!(told.events.first(), Some(Event { fact: Fact::MachineChanged { .. }, .. }));
    law!(heard == silent, "asking is a sign of life, told once before all else", "silent: {silent}, {told:?}");
    let Ok(Answer::Next { grant, orders }) = given else { return Err(format!("who asks is answered: {given:?}")) };
    let held = before.leases_of(&next.worker);
    let lost: Vec<LeaseId> = next.have.iter().filter(|lease| !held.contains(lease)).copied().collect();
    law!(orders.cancel == lost, "who asks is told which of its leases are lost", "{:?}, not {lost:?}", orders.cancel);
    let unheard: Vec<LeaseId> = held.into_iter().filter(|lease| !next.have.contains(lease)).collect();
    grant_is_due(before, after, next, now, grant.as_ref(), &unheard)
}

fn grant_is_due(
    before: &Oracle,
    after: &Oracle,
    next: &Next,
    now: Timestamp,
    grant: Option<&Grant>,
    unheard: &[LeaseId],
) -> Verdict {
    let pick = before.pick(&next.worker).filter(|_| before.has_room(&next.worker));
    let Some(grant) = grant else {
        let nothing = unheard.is_empty() && pick.is_none();
        law!(nothing, "who asks is given what there is", "nothing, not {:?}", pick.map(|job| &job.spec.id));
        return Ok(());
    };
    match unheard.is_empty() {
        false => law!(unheard.contains(&grant.lease), "what was not heard of comes first", "{grant:?}"),
        true => law!(grant.lease == next.lease, "a new lease is the one that was named", "{grant:?}"),
    }
    let held = after.holder(grant.lease).and_then(|job| Some((job, job.held()?)));
    let Some((job, held)) = held else { return Err(format!("what is granted is held: {grant:?}")) };
    law!(!next.start || held.started, "with `start` it counts as started", "{}", job.spec.id);
    let truth = (&job.spec.id, job.attempt, held.expires_at);
    let said = (&grant.job, grant.attempt, grant.expires_at);
    law!(said == truth, "a grant says what is so", "{said:?}, not {truth:?} at {now:?}");
    Ok(())
}

fn beat_is_answered(before: &Oracle, beat: &Beat, given: Given<'_>, told: &Told) -> Verdict {
    let Some(machine) = before.machine(&beat.machine) else {
        law!(matches!(given, Err(Refusal::UnknownMachine { .. })), "an unknown machine is refused", "{given:?}");
        return Ok(());
    };
    let held = |lease: &&LeaseId| before.holder(**lease).and_then(Job::held).is_some_and(|h| h.machine == beat.machine);
    let lost: Vec<LeaseId> = beat.leases.iter().filter(|lease| !held(lease)).copied().collect();
    let orders = cancelled(given);
    law!(orders == Some(&lost[..]), "a beat is told which of its leases are lost", "{orders:?}, not {lost:?}");
    let news = machine.silent || beat.phase.is_some_and(|phase| phase != machine.phase);
    let changes = told.events.iter().filter(|event| matches!(event.fact, Fact::MachineChanged { .. })).count();
    law!(changes == usize::from(news), "a beat tells what is new and nothing else", "{changes} changes, news: {news}");
    law!(told.events.len() <= changes + beat.workers.len(), "a beat with nothing new is silent", "{told:?}");
    Ok(())
}

fn registration_is_answered(before: &Oracle, join: &JoinWorker, given: Given<'_>) -> Verdict {
    if before.machine(&join.machine).is_none() {
        law!(matches!(given, Err(Refusal::UnknownMachine { .. })), "an unknown machine is refused", "{given:?}");
        return Ok(());
    }
    let stays = before.is_on(&join.worker, &join.machine);
    let held = before.leases_of(&join.worker);
    let lost: Vec<LeaseId> = join.resume.iter().filter(|lease| !stays || !held.contains(lease)).copied().collect();
    let orders = cancelled(given);
    law!(orders == Some(&lost[..]), "a session is told what it cannot resume", "{orders:?}, not {lost:?}");
    Ok(())
}

/// A report with a lease that is held.
fn report_is_taken(job: &Job, command: &Command, now: Timestamp, given: Given<'_>, told: &Told) -> Verdict {
    law!(given.is_ok(), "a report with a held lease is taken", "{given:?}");
    let id = &job.spec.id;
    let is_start = |event: &&Event| matches!(&event.fact, Fact::JobStarted { job, .. } if job == id);
    let started = told.events.iter().filter(is_start).count();
    let waits = job.status() == Status::Assigned;
    match command {
        Command::Start { .. } | Command::Progress { .. } | Command::Finish { .. } => {
            law!(started == usize::from(waits), "start, progress and finish imply one start", "{id}: {started}");
        }
        Command::Renew { .. } => law!(told.events.is_empty(), "a renewal is no event", "{told:?}"),
        Command::Fail(fail) => failure_is_answered(job, fail, now, given, told)?,
        _ => {}
    }
    let pulsed = told.pulses.iter().filter(|Pulse::Progress { job, .. }| job == id).count();
    let reports = usize::from(matches!(command, Command::Progress { .. }));
    law!(pulsed == reports && told.pulses.len() == reports, "only progress is a pulse", "{:?}", told.pulses);
    Ok(())
}

fn failure_is_answered(job: &Job, fail: &Fail, now: Timestamp, given: Given<'_>, told: &Told) -> Verdict {
    let run = job.runs_failed + 1;
    let another = fail.retry && fail.failure.kind.is_retryable() && run < job.spec.attempts_max;
    let Ok(Answer::Failed { retry_at }) = given else { return Err(format!("a failure is answered: {given:?}")) };
    law!(retry_at.is_some() == another, "a failure is retried while it may be", "{retry_at:?} after run {run}");
    let end = told.events.iter().find_map(|event| match &event.fact {
        Fact::JobFinished { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    let outcome = Outcome::Failed { error: fail.error.clone(), failure: fail.failure.clone() };
    law!(end == (!another).then_some(outcome), "the last failure is the end", "{end:?} after run {run}");
    if let Some(at) = retry_at {
        let ceiling = (limits::BACKOFF_BASE_MS * 2u64.pow(run - 1)).min(limits::BACKOFF_MS_MAX);
        let waits = at.since(now);
        match fail.retry_after_ms {
            Some(ms) => law!(waits == ms.min(limits::RETRY_AFTER_MS_MAX), "a retry waits as asked", "{waits}"),
            None => law!(waits < ceiling, "a backoff stays below its ceiling", "{waits} of {ceiling}"),
        }
    }
    Ok(())
}

/// A report with a lease that is not held.
fn late_report_is_refused(
    before: &Oracle,
    command: &Command,
    lease: LeaseId,
    given: Given<'_>,
    told: &Told,
) -> Verdict {
    law!(*told == Told::default(), "a report without a held lease changes nothing", "{told:?}");
    let repeated = before.jobs.iter().any(|job| match (&job.place, command) {
        (Place::Finished { outcome, by, .. }, Command::Finish { result, .. }) => {
            *by == Some(lease) && *outcome == Outcome::Completed { result: *result }
        }
        _ => false,
    });
    let expected = if repeated { Ok(&Answer::Done) } else { Err(&Refusal::LeaseLost) };
    law!(given == expected, "a report without a held lease is refused, a repeated finish is not", "{given:?}");
    Ok(())
}

fn cancelled<'a>(given: Given<'a>) -> Option<&'a [LeaseId]> {
    match given {
        Ok(Answer::Orders(orders)) => Some(&orders.cancel),
        _ => None,
    }
}
