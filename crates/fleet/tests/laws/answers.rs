//! What a command is answered and which events it may lead to, told by what was so before it.

use crate::oracle::{Job, Oracle, Place};
use fleet::limits;
use fleet::{
    Answer, Beat, Command, Event, Fact, Fail, FailureKind, Grant, JobId, JobSpec, JoinWorker, LeaseId, Next, Outcome,
    PrincipalId, Pulse, Rank, Refusal, Status, Submitted, Timestamp, Told,
};
use std::sync::Arc;

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
        Command::Submit { spec, .. } => {
            times_are_kept(before, spec, now)?;
            submission_is_answered(&known(before), spec, given, told)
        }
        Command::SubmitAll { specs } => batch_is_answered(before, specs, given, told),
        Command::Follow { .. } | Command::Unfollow { .. } | Command::ClientsSeen { .. } => {
            crate::clients::following_is_answered(before, command, now, given, told)
        }
        Command::Cancel { job } => cancel_is_answered(before, job, given, told),
        Command::Next(next) => next_is_answered(before, after, next, now, given, told),
        Command::Beat(beat) => beat_is_answered(before, beat, given, told),
        Command::TakeOrders { machine } => {
            let machine = before.machine(machine);
            let revoked = machine.map(|m| m.revoked.clone());
            let (orders, is_new) = match given {
                Ok(Answer::TakenOrders { orders, is_new }) => (Some(&orders.cancel), *is_new),
                _ => (None, false),
            };
            law!(orders == revoked.as_ref(), "orders name every lease taken away, once", "{orders:?}, not {revoked:?}");
            let news = machine.is_some_and(|machine| machine.untold || !machine.revoked.is_empty());
            law!(is_new == news, "orders say whether there is anything new", "{is_new}, not {news}");
            drain_is_told(machine.is_some_and(|machine| machine.draining), given)
        }
        Command::JoinWorker(join) => registration_is_answered(before, join, given),
        Command::LeaveWorker { worker, .. } | Command::DrainWorker { worker, .. } => {
            law!(
                given.is_ok() == before.worker(worker).is_some(),
                "who is known may leave or be drained",
                "{worker}: {given:?}"
            );
            Ok(())
        }
        Command::LeaveMachine { machine } | Command::DrainMachine { machine, .. } => {
            law!(
                given.is_ok() == before.machine(machine).is_some(),
                "who is known may leave or be drained",
                "{machine}: {given:?}"
            );
            Ok(())
        }
        Command::StandDown { .. } | Command::Archived { .. } => {
            let silent = given == Ok(&Answer::Done) && *told == Told::default();
            law!(silent, "standing down is silent, and so is the archive", "{given:?}");
            Ok(())
        }
        Command::JoinMachine { .. } | Command::Tick | Command::PauseService { .. } => {
            law!(given.is_ok(), "joining, ticking and pausing are not refused", "{given:?}");
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

/// The id of a job, its principal's key, its content and its principal: what makes a submission the same.
type Name<'a> = (&'a JobId, Option<(&'a PrincipalId, &'a str)>, ([u8; 32], &'a PrincipalId));

fn name(spec: &JobSpec) -> Name<'_> {
    let principal = &spec.owner.principal;
    (&spec.id, spec.idempotency_key().map(|key| (principal, key)), (spec.digest, principal))
}

fn known(before: &Oracle) -> Vec<Name<'_>> {
    before.jobs.iter().map(|job| name(&job.spec)).collect()
}

/// What a submission is answered if these are known: its key is asked first.
fn expected<'a>(known: &[Name<'a>], spec: &'a JobSpec) -> Result<Submitted, Refusal> {
    let (id, key, content) = name(spec);
    let by_key = known.iter().find(|(_, known, _)| key.is_some() && *known == key);
    let by_id = known.iter().find(|(known, ..)| *known == id);
    match (by_key, by_id) {
        (Some((_, _, other)), _) if *other != content => Err(Refusal::IdempotencyConflict),
        (None, Some((_, _, other))) if *other != content => Err(Refusal::JobIdConflict { job: id.clone() }),
        (Some((known, ..)), _) | (None, Some((known, ..))) => Ok(Submitted { job: (*known).clone(), duplicate: true }),
        (None, None) => Ok(Submitted { job: id.clone(), duplicate: false }),
    }
}

/// Which jobs were told to be new, in their order.
fn new_jobs(told: &Told) -> Vec<&JobSpec> {
    let new = |event: &'_ Event| matches!(event.fact, Fact::JobSubmitted { .. });
    let specs = told.events.iter().filter(|event| new(event)).filter_map(|event| match &event.fact {
        Fact::JobSubmitted { spec, .. } => Some(&**spec),
        _ => None,
    });
    specs.collect()
}

fn submission_is_answered(known: &[Name<'_>], spec: &JobSpec, given: Given<'_>, told: &Told) -> Verdict {
    let expected = expected(known, spec);
    let submitted = match given {
        Ok(Answer::Submitted(submitted)) => Ok(submitted),
        Ok(other) => return Err(format!("a submission is answered: {other:?}")),
        Err(refusal) => Err(refusal),
    };
    law!(submitted == expected.as_ref(), "a job is new, known or in conflict", "{given:?}, not {expected:?}");
    let is_new = expected.is_ok_and(|submitted| !submitted.duplicate);
    let new = new_jobs(told);
    law!(new.len() == usize::from(is_new), "a new job is told, a repetition is not", "{new:?}");
    law!(is_new || told.events.is_empty(), "a repetition changes nothing", "{told:?}");
    Ok(())
}

/// Each as if it were submitted alone, in order.
fn batch_is_answered(
    before: &Oracle,
    specs: &[(Arc<JobSpec>, Option<Rank>)],
    given: Given<'_>,
    told: &Told,
) -> Verdict {
    let Ok(Answer::SubmittedAll(results)) = given else { return Err(format!("a batch is answered: {given:?}")) };
    let (mut known, mut new) = (known(before), Vec::new());
    let mut all = Vec::new();
    for (spec, _) in specs {
        let expected = expected(&known, spec);
        if expected.as_ref().is_ok_and(|submitted| !submitted.duplicate) {
            known.push(name(spec));
            new.push(&spec.id);
        }
        all.push(expected);
    }
    law!(*results == all, "each of a batch is answered as if alone", "{results:?}, not {all:?}");
    let told: Vec<&JobId> = new_jobs(told).into_iter().map(|spec| &spec.id).collect();
    law!(told == new, "the new ones of a batch are told in order", "{told:?}, not {new:?}");
    Ok(())
}

/// What is done again says what it repeats, which may be known still.
fn times_are_kept(before: &Oracle, spec: &JobSpec, now: Timestamp) -> Verdict {
    let Some(job) = spec.retry_of().and_then(|id| before.job(id)) else { return Ok(()) };
    law!(matches!(job.place, Place::Finished { .. }), "only what has ended is done again", "{spec:?}");
    let times = |spec: &JobSpec| [spec.timing().not_before, spec.timing().start_by, spec.timing().finish_by];
    let kept = times(&job.spec).map(|time| time.filter(|time| *time > now));
    law!(times(spec) == kept, "what is done again keeps the times that have not passed", "{spec:?}");
    Ok(())
}

fn cancel_is_answered(before: &Oracle, id: &JobId, given: Given<'_>, told: &Told) -> Verdict {
    let Some(job) = before.job(id) else {
        law!(matches!(given, Err(Refusal::JobNotFound { .. })), "what is unknown is said", "{given:?}");
        return Ok(());
    };
    let cancelled = Fact::JobFinished {
        job: id.clone(),
        worker: job.held().map(|held| held.worker.clone()),
        machine: job.held().map(|held| held.machine.clone()),
        attempt: job.attempt,
        runs_failed: job.runs_failed,
        outcome: Outcome::Cancelled,
        seq: job.told + 1,
    };
    match job.status() {
        Status::Cancelled => {
            let silent = given == Ok(&Answer::Done) && told.events.is_empty();
            law!(silent, "cancelling twice is one cancel", "{told:?}");
        }
        Status::Completed | Status::Failed => {
            let refused = matches!(given, Err(Refusal::AlreadyFinished { .. }));
            law!(refused, "what has ended otherwise is not cancelled", "{given:?}");
        }
        Status::Pending | Status::Assigned | Status::InProgress => {
            law!(given == Ok(&Answer::Done), "what has not ended can be cancelled", "{given:?}");
            let first = told.events.first().map(|event| &event.fact);
            law!(first == Some(&cancelled), "a cancel is told at once", "{told:?}");
        }
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
    drain_is_told(before.drains(worker), given)?;
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
    law!(!next.start || held.started.is_some(), "with `start` it counts as started", "{}", job.spec.id);
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
    let fleet = |event: &&Event| matches!(event.fact, Fact::WorkerDeclared { .. } | Fact::ServiceTurned { .. });
    let said = told.events.iter().filter(fleet).count();
    law!(said <= beat.workers.len() + beat.services.len(), "a beat tells what it says", "{told:?}");
    law!(changes + said > 0 || told.events.is_empty(), "a beat with nothing new is silent", "{told:?}");
    drain_is_told(machine.draining, given)
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
    let drained = before.worker(&join.worker).is_some_and(|worker| worker.draining);
    drain_is_told(drained || before.machine(&join.machine).is_some_and(|machine| machine.draining), given)
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
    let Ok(Answer::Failed { retry_at }) = given else { return Err(format!("a failure is answered: {given:?}")) };
    let end = told.events.iter().find_map(|event| match &event.fact {
        Fact::JobFinished { job: id, outcome: outcome @ Outcome::Failed { .. }, .. } => {
            (*id == job.spec.id).then(|| outcome.clone())
        }
        _ => None,
    });
    let run = job.runs_failed + 1;
    let asked = fail.retry_after_ms.map(|ms| ms.min(limits::RETRY_AFTER_MS_MAX));
    if fail.failure.kind == FailureKind::ServiceDown && fail.retry {
        // Counts no run, but a return, of which the tenth is the last.
        let last = job.handed_back + 1 == limits::HANDED_BACK_MAX;
        law!(end.is_some() == last, "a service that is down ends no job before its tenth return", "{end:?}");
        let expected = (!last).then(|| now + asked.unwrap_or(0));
        law!(*retry_at == expected, "what was no run is not delayed", "{retry_at:?}, not {expected:?}");
        return Ok(());
    }
    let another = fail.retry && fail.failure.kind.is_retryable() && run < job.spec.attempts_max;
    law!(retry_at.is_some() == another, "a failure is retried while it may be", "{retry_at:?} after run {run}");
    let outcome = Outcome::Failed { error: fail.error.clone(), failure: fail.failure.clone() };
    law!(end == (!another).then_some(outcome), "the last failure is the end", "{end:?} after run {run}");
    if let Some(at) = retry_at {
        let ceiling = (limits::BACKOFF_BASE_MS * 2u64.pow(run - 1)).min(limits::BACKOFF_MS_MAX);
        let waits = at.since(now);
        match asked {
            Some(ms) => law!(waits == ms, "a retry waits as asked", "{waits}"),
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

fn drain_is_told(drains: bool, given: Given<'_>) -> Verdict {
    let told = match given {
        Ok(Answer::Orders(orders) | Answer::Next { orders, .. } | Answer::TakenOrders { orders, .. }) => orders.drain,
        _ => return Ok(()),
    };
    law!(told == drains, "every answer with orders says whether to drain", "{told}, not {drains}");
    Ok(())
}
