//! How events, pulses, answers and refusals read in a story.

use crate::stage::Given;
use crate::words::time_text;
use fleet::{
    Answer, Content, Fact, Failure, FailureKind, Grant, Job, LeaseId, MachineId, Orders, Outcome, Phase, Pulse,
    Refusal, ReturnReason, State, Status, Timestamp, WorkerStatus,
};

pub(crate) fn fact(fact: &Fact) -> String {
    match fact {
        Fact::JobSubmitted { spec, .. } => format!("{} submitted", spec.id),
        Fact::JobAssigned { job, attempt, worker, machine, .. } => {
            format!("{job} assigned to {worker} on {machine}, attempt {attempt}")
        }
        Fact::JobStarted { job, worker } => format!("{job} started by {worker}"),
        Fact::JobReturned { job, worker, from, reason, retry_at, runs_failed, lost_in_a_row, .. } => {
            let retry = retry_at.map_or_else(String::new, |at| format!(", retry at {}", time(at)));
            let counts = format!("runs failed {runs_failed}, lost in a row {lost_in_a_row}");
            format!("{job} returned by {worker} from {}: {}{retry}; {counts}", status(*from), returned(reason))
        }
        Fact::JobFinished { job, worker, machine, attempt, runs_failed, outcome } => {
            let of = worker.as_ref().zip(machine.as_ref());
            let of = of.map_or_else(String::new, |(worker, machine)| format!(" of {worker} on {machine}"));
            format!("{job} {}; attempt {attempt}{of}, runs failed {runs_failed}", self::outcome(outcome))
        }
        Fact::JobForgotten { job } => format!("{job} forgotten"),
        Fact::MachineJoined { machine, facts, phase } => {
            machine_is("joined", machine, facts.hostname.as_deref(), *phase)
        }
        Fact::MachineChanged { machine, facts, phase, workers } => {
            let workers = workers.iter().map(|report| {
                let job = report.job.as_ref().map_or_else(String::new, |job| format!(" with {job}"));
                format!(" {} {}{job}", report.worker, worker_status(report.status))
            });
            let workers: Vec<String> = workers.collect();
            format!("{}:{}", machine_is("is", machine, facts.hostname.as_deref(), *phase), workers.join(","))
        }
        Fact::MachineSilent { machine } => format!("{machine} silent"),
        Fact::MachineLeft { machine, reason } => format!("{machine} left{}", because(reason.as_deref())),
        Fact::WorkerJoined { worker, machine, slots, capabilities, jobs_completed, jobs_failed, .. } => {
            let services: Vec<&str> = capabilities.services.iter().map(|service| service.as_str()).collect();
            let counts = format!("completed {jobs_completed}, failed {jobs_failed}");
            format!("{worker} joined on {machine} for {}, slots {slots}; {counts}", services.join(","))
        }
        Fact::WorkerDeclared { worker, old, new, .. } => {
            format!("{worker} declares itself {}, was {}", worker_status(*new), worker_status(*old))
        }
        Fact::WorkerTurned { worker, old, new, job, .. } => {
            let job = job.as_ref().map_or_else(String::new, |job| format!(" with {job}"));
            format!("{worker} turns {}{job}, was {}", worker_status(*new), worker_status(*old))
        }
        Fact::WorkerLeft { worker, reason, .. } => format!("{worker} left{}", because(reason.as_deref())),
    }
}

pub(crate) fn pulse(pulse: &Pulse) -> String {
    let Pulse::Progress { job, worker, progress, .. } = pulse;
    let message = progress.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    format!("~ {job} at {}% says {worker}{message}", progress.fraction * 100.0)
}

pub(crate) fn answer(answer: &Result<Answer, Refusal>, leases: &[Given]) -> String {
    match answer {
        Ok(Answer::Done) => "= done".to_owned(),
        Ok(Answer::Submitted { duplicate: false }) => "= accepted".to_owned(),
        Ok(Answer::Submitted { duplicate: true }) => "= accepted before".to_owned(),
        Ok(Answer::Orders(orders)) => format!("= {}", stops(orders, leases).unwrap_or("no orders".to_owned())),
        Ok(Answer::Next { grant, orders }) => {
            let grant = grant.as_ref().map_or("nothing".to_owned(), |grant| granted(grant, leases));
            let stops = stops(orders, leases).map_or_else(String::new, |stops| format!("; {stops}"));
            format!("= {grant}{stops}")
        }
        Ok(Answer::Failed { retry_at: Some(at) }) => format!("= will retry at {}", time(*at)),
        Ok(Answer::Failed { retry_at: None }) => "= will not retry".to_owned(),
        Err(refusal) => format!("! {}", refused(refusal)),
    }
}

pub(crate) fn job(job: Option<&Job>) -> String {
    let Some(job) = job else { return "unknown".to_owned() };
    let since = match &job.state {
        State::Waiting { retry_at: Some(at) } => format!(" until {}", time(*at)),
        State::Running { started_at, .. } => format!(" since {}", time(*started_at)),
        State::Finished { at, .. } => format!(" at {}", time(*at)),
        State::Waiting { retry_at: None } | State::Assigned { .. } => String::new(),
    };
    let attempts = job.attempts.iter().map(|attempt| {
        let end = attempt.end.as_ref().map(|end| end.returned.as_ref().map_or("the end", ReturnReason::word));
        format!("; {} by {}: {}", attempt.number, attempt.worker, end.unwrap_or("holds it"))
    });
    let counts = format!("runs failed {}, lost in a row {}", job.runs_failed, job.lost_in_a_row);
    format!("{}{since}, {counts}{}", status(job.status()), attempts.collect::<String>())
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

fn status(status: Status) -> &'static str {
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

fn stops(orders: &Orders, leases: &[Given]) -> Option<String> {
    let names: Vec<String> = orders.cancel.iter().map(|lease| lease_name(*lease, leases)).collect();
    (!names.is_empty()).then(|| format!("stop {}", names.join(", ")))
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
        Refusal::AlreadyFinished { job, status: ended } => format!("already finished: {job} {}", status(*ended)),
        Refusal::LeaseLost => "lease lost".to_owned(),
        Refusal::SessionReplaced { worker } => format!("session replaced: {worker}"),
        Refusal::UnknownMachine { machine } => format!("unknown machine: {machine}"),
        Refusal::UnknownWorker { worker } => format!("unknown worker: {worker}"),
        other => other.to_string(),
    }
}
