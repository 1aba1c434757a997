//! How events, pulses, answers and refusals read in a story.

use crate::stage::Given;
use crate::words::time_text;
use fleet::{
    Answer, Content, Counts, Expiry, Fact, Failure, FailureKind, Grant, LeaseId, MachineId, Orders, Outcome, Phase,
    Pulse, Rank, Refusal, ReturnReason, Status, Submitted, Timestamp, WorkerStatus,
};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

pub(crate) fn fact(fact: &Fact) -> String {
    match fact {
        Fact::JobSubmitted { spec, rank, workflow_rank, .. } => {
            let fixed = workflow_rank.map_or_else(String::new, |fixed| ranked(*rank, fixed));
            format!("{} submitted{fixed}", spec.id)
        }
        Fact::JobAssigned { job, attempt, worker, machine, .. } => {
            format!("{job} assigned to {worker} on {machine}, attempt {attempt}")
        }
        Fact::JobStarted { job, worker, .. } => format!("{job} started by {worker}"),
        Fact::JobReturned { job, worker, from, reason, retry_at, counts, more_than_gb, .. } => {
            let retry = retry_at.map_or_else(String::new, |at| format!(", retry at {}", time(at)));
            let more = more_than_gb.map_or_else(String::new, |gb| format!(", wants more than {gb} GB"));
            let (from, counts) = (status(*from), self::counts(*counts));
            format!("{job} returned by {worker} from {from}: {}{retry}; {counts}{more}", returned(reason))
        }
        Fact::JobUnschedulable { job, missing } => format!("{job} unschedulable, missing {}", missing.join("; ")),
        Fact::JobSchedulable { job } => format!("{job} schedulable"),
        Fact::JobStarved { job } => format!("{job} starves"),
        Fact::JobFinished { job, worker, machine, attempt, runs_failed, outcome, .. } => {
            let of = worker.as_ref().zip(machine.as_ref());
            let of = of.map_or_else(String::new, |(worker, machine)| format!(" of {worker} on {machine}"));
            format!("{job} {}; attempt {attempt}{of}, runs failed {runs_failed}", self::outcome(outcome))
        }
        Fact::JobForgotten { job } => format!("{job} forgotten"),
        Fact::JobsForgotten { completed, unhappy } => format!("forgotten: {completed} completed, {unhappy} others"),
        Fact::Counted { .. } => "counted".to_owned(),
        Fact::ServicePaused { service, is_paused: true } => format!("{service} paused"),
        Fact::ServicePaused { service, is_paused: false } => format!("{service} resumed"),
        Fact::ClientFollows { .. }
        | Fact::ClientUnfollows { .. }
        | Fact::ClientsSeen { .. }
        | Fact::ClientsForgotten { .. } => crate::following::fact(fact),
        fact => of_fleet(fact),
    }
}

/// What concerns machines and workers.
fn of_fleet(fact: &Fact) -> String {
    match fact {
        Fact::MachineJoined { machine, facts, phase } => {
            machine_is("joined", machine, facts.hostname.as_deref(), *phase)
        }
        Fact::MachineChanged { machine, facts, phase, is_draining, workers, .. } => {
            let workers = workers.iter().map(|report| {
                let job = report.job.as_ref().map_or_else(String::new, |job| format!(" with {job}"));
                format!(" {} {}{job}", report.worker, worker_status(report.status))
            });
            let (workers, drains) = (workers.collect::<Vec<String>>().join(","), drained(*is_draining));
            format!("{}{drains}:{workers}", machine_is("is", machine, facts.hostname.as_deref(), *phase))
        }
        Fact::MachineSilent { machine } => format!("{machine} silent"),
        Fact::MachineLeft { machine, reason } => format!("{machine} left{}", because(reason.as_deref())),
        Fact::WorkerJoined {
            worker, machine, slots, capabilities, is_draining, jobs_completed, jobs_failed, ..
        } => {
            let services: Vec<&str> = capabilities.services.iter().map(|service| service.as_str()).collect();
            let counts = format!("completed {jobs_completed}, failed {jobs_failed}");
            let (services, drains) = (services.join(","), drained(*is_draining));
            format!("{worker} joined on {machine} for {services}, slots {slots}{drains}; {counts}")
        }
        Fact::WorkerDeclared { worker, old, new, .. } => {
            format!("{worker} declares itself {}, was {}", worker_status(*new), worker_status(*old))
        }
        Fact::WorkerDrained { worker, is_draining, old, new, .. } => {
            let no_more = if *is_draining { "" } else { " no more" };
            format!("{worker} is drained{no_more}: {}, was {}", worker_status(*new), worker_status(*old))
        }
        Fact::ServiceTurned { worker, service, is_down: true, reason, .. } => {
            format!("{worker} has {service} down{}", because(reason.as_deref()))
        }
        Fact::ServiceTurned { worker, service, .. } => format!("{worker} has {service} up"),
        Fact::WorkerTurned { worker, old, new, job, .. } => {
            let job = job.as_ref().map_or_else(String::new, |job| format!(" with {job}"));
            format!("{worker} turns {}{job}, was {}", worker_status(*new), worker_status(*old))
        }
        Fact::WorkerLeft { worker, reason, .. } => format!("{worker} left{}", because(reason.as_deref())),
        fact => format!("{fact:?}"),
    }
}

/// Jobs called `x` and a number are a crowd: lines that are alike but for the number are told
/// once and counted.
pub(crate) fn sum(lines: Vec<String>) -> Vec<String> {
    if !lines.iter().any(|line| line.split(' ').any(is_of_crowd)) {
        return lines;
    }
    let (mut sums, mut places): (Vec<(String, u32)>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    for line in lines {
        let alike: Vec<String> = line.split(' ').map(of_crowd).collect();
        match places.entry(alike.join(" ")) {
            Entry::Occupied(place) => {
                sums[*place.get()].1 += 1;
                sums[*place.get()].0.clone_from(place.key());
            }
            Entry::Vacant(place) => {
                place.insert(sums.len());
                sums.push((line, 1));
            }
        }
    }
    let told = sums.into_iter().map(|(line, times)| if times == 1 { line } else { format!("{line} ({times} times)") });
    told.collect()
}

fn is_of_crowd(word: &str) -> bool {
    of_crowd(word) != word
}

/// `x…` for `x7`, and whatever stands behind it.
fn of_crowd(word: &str) -> String {
    let name = word.trim_end_matches([',', ';', ':']);
    let number = name.strip_prefix('x').filter(|number| !number.is_empty());
    match number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
        true => format!("x…{}", &word[name.len()..]),
        false => word.to_owned(),
    }
}

fn ranked(rank: Rank, fixed: Rank) -> String {
    let text = |rank: Rank| format!("priority {} of {}", rank.priority, time(rank.at));
    match rank == fixed {
        true => format!(" with its workflow's {}", text(fixed)),
        false => format!(" with {}; its workflow has {}", text(rank), text(fixed)),
    }
}

fn drained(is_draining: bool) -> &'static str {
    if is_draining { ", drained" } else { "" }
}

pub(crate) fn counts(counts: Counts) -> String {
    let back = match counts.handed_back {
        0 => String::new(),
        times => format!(", handed back {times}"),
    };
    format!("runs failed {}, lost in a row {}{back}", counts.runs_failed, counts.lost_in_a_row)
}

pub(crate) fn pulse(pulse: &Pulse) -> String {
    let Pulse::Progress { job, worker, progress, .. } = pulse;
    let message = progress.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    format!("~ {job} at {}% says {worker}{message}", progress.fraction * 100.0)
}

/// One line, or one for each.
pub(crate) fn answer(answer: &Result<Answer, Refusal>, leases: &[Given]) -> Vec<String> {
    if let Ok(Answer::SubmittedAll(all)) = answer {
        return all.iter().map(|one| told(&one.clone().map(Answer::Submitted), leases)).collect();
    }
    vec![told(answer, leases)]
}

fn told(answer: &Result<Answer, Refusal>, leases: &[Given]) -> String {
    match answer {
        Ok(Answer::Done) => "= done".to_owned(),
        Ok(Answer::Submitted(Submitted { duplicate: false, .. })) => "= accepted".to_owned(),
        Ok(Answer::Submitted(Submitted { job, duplicate: true })) => format!("= accepted before as {job}"),
        Ok(Answer::SubmittedAll(all)) => format!("= {} answers", all.len()),
        Ok(Answer::Orders(orders)) => format!("= {}", ordered(orders, leases).unwrap_or("no orders".to_owned())),
        Ok(Answer::TakenOrders { orders, is_new }) => match (is_new, ordered(orders, leases)) {
            (true, Some(orders)) => format!("= {orders}"),
            (true, None) => "= drain no more".to_owned(),
            (false, Some(orders)) => format!("= no new orders: {orders}"),
            (false, None) => "= no orders".to_owned(),
        },
        Ok(Answer::Next { grant, orders }) => {
            let grant = grant.as_ref().map_or("nothing".to_owned(), |grant| granted(grant, leases));
            let orders = ordered(orders, leases).map_or_else(String::new, |orders| format!("; {orders}"));
            format!("= {grant}{orders}")
        }
        Ok(Answer::Failed { retry_at: Some(at) }) => format!("= will retry at {}", time(*at)),
        Ok(Answer::Failed { retry_at: None }) => "= will not retry".to_owned(),
        Err(refusal) => format!("! {}", refused(refusal)),
    }
}

pub(crate) fn time(at: Timestamp) -> String {
    time_text(at.0)
}

const FAILURES: [(&str, FailureKind); 11] = [
    ("bad_input", FailureKind::BadInput),
    ("refusal", FailureKind::Refusal),
    ("out_of_memory", FailureKind::OutOfMemory),
    ("service_down", FailureKind::ServiceDown),
    ("timeout", FailureKind::Timeout),
    ("rate_limit", FailureKind::RateLimit),
    ("auth", FailureKind::Auth),
    ("network", FailureKind::Network),
    ("bad_output", FailureKind::BadOutput),
    ("internal", FailureKind::Internal),
    ("broker", FailureKind::Broker),
];

pub(crate) fn failure_kind(word: &str) -> Option<FailureKind> {
    FAILURES.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
}

fn failed(error: &str, failure: &Failure) -> String {
    let kind = FAILURES.iter().find(|(_, kind)| *kind == failure.kind).map_or("?", |(name, _)| name);
    let reason = failure.reason.as_ref().map_or_else(String::new, |reason| format!(" {reason}"));
    format!("failed \"{error}\" ({kind}{reason})")
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed { result } => format!("completed with \"{}\"", text(result)),
        Outcome::Failed { error, failure } => failed(error, failure),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Expired(Expiry::StartBy(at)) => format!("expired, not started by {}", time(*at)),
        Outcome::Expired(Expiry::FinishBy(at)) => format!("expired, not finished by {}", time(*at)),
    }
}

/// A story's contents are their own hashes.
fn text(content: &Content) -> String {
    content.hash.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
}

fn returned(reason: &ReturnReason) -> String {
    match reason {
        ReturnReason::Failed { error, failure } => failed(error, failure),
        ReturnReason::Released { reason: Some(reason) } => format!("released \"{reason}\""),
        other => other.word().to_owned(),
    }
}

fn machine_is(what: &str, machine: &MachineId, hostname: Option<&str>, phase: Phase) -> String {
    let hostname = hostname.map_or_else(String::new, |name| format!(" as {name}"));
    format!("{machine} {what}{hostname} {}", format!("{phase:?}").to_lowercase())
}

fn worker_status(status: WorkerStatus) -> String {
    format!("{status:?}").to_lowercase()
}

pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Assigned => "assigned",
        Status::InProgress => "in_progress",
        Status::Completed => "completed",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn granted(grant: &Grant, leases: &[Given]) -> String {
    let held = leases.iter().any(|given| given.lease == grant.lease && given.job == grant.job);
    let under = if held { "" } else { " under a lease that was never given" };
    format!("{}, attempt {}, expires at {}{under}", grant.job, grant.attempt, time(grant.expires_at))
}

fn ordered(orders: &Orders, leases: &[Given]) -> Option<String> {
    let names: Vec<String> = orders.cancel.iter().map(|lease| lease_name(*lease, leases)).collect();
    match (names.is_empty(), orders.drain) {
        (true, false) => None,
        (true, true) => Some("drain".to_owned()),
        (false, false) => Some(format!("stop {}", names.join(", "))),
        (false, true) => Some(format!("stop {}; drain", names.join(", "))),
    }
}

fn lease_name(lease: LeaseId, leases: &[Given]) -> String {
    let known = leases.iter().find(|given| given.lease == lease);
    known.map_or_else(
        || "an unknown lease".to_owned(),
        |given| format!("{}/{}#{}", given.worker, given.job, given.attempt),
    )
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::JobNotFound { job } => format!("job not found: {job}"),
        Refusal::JobIdConflict { job } => format!("job id conflict: {job}"),
        Refusal::IdempotencyConflict => "idempotency conflict".to_owned(),
        Refusal::NotFinished { job } => format!("not finished: {job}"),
        Refusal::AlreadyFinished { job, status: ended } => format!("already finished: {job} {}", status(*ended)),
        Refusal::LeaseLost => "lease lost".to_owned(),
        Refusal::SessionReplaced { worker } => format!("session replaced: {worker}"),
        Refusal::UnknownMachine { machine } => format!("unknown machine: {machine}"),
        Refusal::UnknownWorker { worker } => format!("unknown worker: {worker}"),
        other => other.to_string(),
    }
}
