//! What later versions than the first can tell: one event of each new kind, by the name of its golden file.

use crate::samples::{
    PAYLOAD, content, demanding, facts, failure, finished, job, joined, machine, options, report, returned, spec,
    submitted, worker,
};
use fleet::{
    Backoff, ClientId, ClientKey, Counts, Event, Expiry, Fact, Failure, FailureKind, JobId, JobSpec, LeaseId, Number,
    Options, Outcome, Owner, Phase, PrincipalId, Rank, ReturnReason, Service, SessionId, Timestamp, Timing,
    WorkerReport, WorkerStatus, WorkflowId,
};
use std::collections::BTreeSet;
use std::sync::Arc;

const MISSING: [&str; 2] = ["hardware.gpu_memory_gb >= 24", "models: sdxl"];

const UNDELIVERABLE: &str = "came back 10 times without a run, the last time: released";

/// A submission that states all there is to state.
pub(crate) fn whole_spec() -> JobSpec {
    let timing = Timing {
        not_before: Some(Timestamp(1_642_700_060_000)),
        start_by: Some(Timestamp(1_642_703_600_000)),
        finish_by: Some(Timestamp(1_642_707_200_001)),
        run_for_ms: Some(900_000),
        no_progress_ms: Some(60_000),
        fail_if_unmatched_ms: Some(86_400_000),
        backoff: Backoff { base_ms: 250, factor: Number::new(1.5).unwrap(), max_ms: 10_000 },
    };
    JobSpec {
        requirements: Arc::new(demanding()),
        options: Options {
            timing: Some(Box::new(timing)),
            idempotency_key: Some("order-17#3".into()),
            retry_of: Some(JobId::parse("job-122").unwrap()),
            ..options()
        }
        .stated(),
        ..spec(content(PAYLOAD))
    }
}

fn broker_failure(reason: &str) -> Failure {
    Failure { kind: FailureKind::Broker, reason: Some(reason.into()) }
}

pub(crate) fn facts_of_jobs() -> Vec<(&'static str, Fact)> {
    let failed = |error: &str, failure| Outcome::Failed { error: error.into(), failure };
    let out_of_memory = ReturnReason::Failed { error: "out of memory".into(), failure: failure() };
    let handed_back = |reason| match returned(reason, None) {
        Fact::JobReturned { job, worker, machine, from, reason, retry_at, seq, .. } => {
            let counts = Counts { runs_failed: 1, lost_in_a_row: 0, handed_back: 4 };
            Fact::JobReturned { job, worker, machine, from, reason, retry_at, counts, more_than_gb: None, seq }
        }
        other => other,
    };
    let wants_more = match returned(out_of_memory, Some(Timestamp(1_642_700_000_800))) {
        Fact::JobReturned { job, worker, machine, from, reason, retry_at, counts, seq, .. } => {
            let more_than_gb = Number::new(24.0);
            Fact::JobReturned { job, worker, machine, from, reason, retry_at, counts, more_than_gb, seq }
        }
        other => other,
    };
    let ranks = Rank { priority: 70, at: Timestamp(1_642_699_000_000) };
    let whole = Fact::JobSubmitted { spec: Arc::new(whole_spec()), order: 2, rank: ranks, workflow_rank: Some(ranks) };
    vec![
        ("job_submitted_whole", whole),
        ("job_returned_handed_back", handed_back(ReturnReason::Released { reason: Some("no disk".into()) })),
        ("job_returned_wants_more", wants_more),
        (
            "job_unschedulable",
            Fact::JobUnschedulable { job: job(), missing: MISSING.map(str::to_owned).to_vec().into() },
        ),
        ("job_schedulable", Fact::JobSchedulable { job: job() }),
        ("job_starved", Fact::JobStarved { job: job() }),
        ("job_expired_start_by", finished(None, Outcome::Expired(Expiry::StartBy(Timestamp(1_642_699_999_000))))),
        (
            "job_expired_finish_by",
            finished(Some(worker()), Outcome::Expired(Expiry::FinishBy(Timestamp(1_642_699_999_000)))),
        ),
        ("job_failed_undeliverable", finished(Some(worker()), failed(UNDELIVERABLE, broker_failure("undeliverable")))),
    ]
}

/// All of them.
pub(crate) fn all() -> Vec<(&'static str, Fact)> {
    let mut all = facts_of_jobs();
    all.extend(facts_of_the_fleet());
    all
}

fn facts_of_the_fleet() -> Vec<(&'static str, Fact)> {
    let comfyui = || Service::parse("comfyui").unwrap();
    let paused = |is_paused| Fact::ServicePaused { service: comfyui(), is_paused };
    let turned = |is_down, reason: Option<&str>| Fact::ServiceTurned {
        worker: worker(),
        machine: machine(),
        service: comfyui(),
        is_down,
        reason: reason.map(Into::into),
    };
    let drained =
        |is_draining, old, new| Fact::WorkerDrained { worker: worker(), machine: machine(), is_draining, old, new };
    let changed = |is_draining, silent_since, status| Fact::MachineChanged {
        machine: machine(),
        facts: facts(),
        phase: Phase::Ready,
        is_draining,
        silent_since,
        workers: vec![WorkerReport { status, ..report() }],
    };
    let draining = match joined(crate::samples::capabilities(), BTreeSet::new()) {
        Fact::WorkerJoined { worker, machine, session, slots, capabilities, loaded_models, .. } => Fact::WorkerJoined {
            worker,
            machine,
            session,
            slots,
            capabilities,
            loaded_models,
            is_draining: true,
            jobs_completed: 12,
            jobs_failed: 1,
        },
        other => other,
    };
    vec![
        ("service_paused", paused(true)),
        ("service_resumed", paused(false)),
        ("connector_status_changed_error", turned(true, Some("the model does not load"))),
        ("connector_status_changed_active", turned(false, None)),
        ("worker_drained", drained(true, WorkerStatus::Idle, WorkerStatus::Draining)),
        ("worker_undrained", drained(false, WorkerStatus::Draining, WorkerStatus::Idle)),
        ("worker_connected_draining", draining),
        ("machine_status_change_draining", changed(true, None, WorkerStatus::Draining)),
        ("machine_status_change_silent", changed(true, Some(Timestamp(1_642_699_990_000)), WorkerStatus::Offline)),
    ]
}

/// Nobody is told of these, so they have no golden files but that of the journal.
pub(crate) fn third_events() -> Vec<Event> {
    let counted = Fact::Counted { orders: 1_000_000, completed: 900_000, failed: 17, cancelled: 3 };
    let forgotten = Fact::JobsForgotten { completed: 999, unhappy: 1 };
    let at = Timestamp(1_642_700_000_000);
    [counted, forgotten].into_iter().map(|fact| Event { at, fact, by: None }).collect()
}

/// What the fourth version was the first to tell: whose jobs, what number, and what clients follow.
pub(crate) fn fourth_events() -> Vec<Event> {
    let (acme, app) = (PrincipalId::parse("acme").unwrap(), ClientId::parse("app-1").unwrap());
    let owner = Owner { principal: acme.clone(), client: Some(app.clone()) };
    let spec = JobSpec { owner: Arc::new(owner), ..spec(content(PAYLOAD)) };
    let (key, local) = (
        ClientKey { principal: acme, client: app.clone() },
        ClientKey { principal: PrincipalId::default(), client: app },
    );
    let workflow = WorkflowId::parse("wf-1").unwrap();
    let mut facts = vec![
        submitted(spec),
        Fact::JobAssigned {
            job: job(),
            lease: LeaseId(42),
            attempt: 1,
            worker: worker(),
            machine: machine(),
            session: SessionId(7),
            seq: 2,
        },
        Fact::JobStarted { job: job(), worker: worker(), seq: 3 },
        returned(ReturnReason::LeaseExpired, None),
        finished(None, Outcome::Cancelled),
        Fact::ClientFollows { client: key.clone(), jobs: vec![job()], workflow: Some(workflow.clone()) },
        Fact::ClientFollows { client: local.clone(), jobs: Vec::new(), workflow: Some(workflow.clone()) },
        Fact::ClientUnfollows { client: local.clone(), jobs: vec![job()], workflow: None },
        Fact::ClientUnfollows { client: key.clone(), jobs: Vec::new(), workflow: Some(workflow) },
        Fact::ClientsSeen { clients: vec![(key.clone(), 1_234_567), (local.clone(), 0)] },
        Fact::ClientsForgotten { clients: vec![key, local] },
    ];
    for fact in &mut facts {
        match fact {
            Fact::JobReturned { seq, .. } => *seq = 4,
            Fact::JobFinished { seq, .. } => *seq = 5,
            _ => {}
        }
    }
    let at = Timestamp(1_642_700_000_000);
    facts.into_iter().map(|fact| Event { at, fact, by: None }).collect()
}
