//! One event of each kind, by the name of its golden file.

use bytes::Bytes;
use fleet::{
    Capabilities, Content, CustomerId, Declared, Event, Fact, Failure, FailureKind, Hardware, JobId, JobSpec, LeaseId,
    MachineFacts, MachineId, Outcome, Phase, Requirements, ReturnReason, Service, SessionId, Status, Timestamp,
    WorkerId, WorkerReport, WorkerStatus, Workflow, WorkflowId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) const PAYLOAD: &str = r#"{"prompt":"a lighthouse"}"#;
pub(crate) const RESULT: &str = r#"{"image":"lighthouse.png"}"#;

pub(crate) fn content(text: &str) -> Content {
    wire::jobs::content(&Bytes::copy_from_slice(text.as_bytes()))
}

/// The two contents there are; a third is gone.
pub(crate) fn contents(content: &Content) -> Option<Bytes> {
    [PAYLOAD, RESULT]
        .into_iter()
        .find(|text| self::content(text) == *content)
        .map(|text| Bytes::from_static(text.as_bytes()))
}

fn job() -> JobId {
    JobId::parse("job-123").unwrap()
}

fn worker() -> WorkerId {
    WorkerId::parse("worker-1").unwrap()
}

fn machine() -> MachineId {
    MachineId::parse("machine-1").unwrap()
}

fn comfyui() -> Service {
    Service::parse("comfyui").unwrap()
}

pub(crate) fn spec(payload: Content) -> JobSpec {
    JobSpec {
        id: job(),
        requirements: Requirements { service: comfyui() },
        payload,
        ctx: Some(content(RESULT)),
        priority: 5,
        attempts_max: 3,
        customer: Some(CustomerId::parse("acme").unwrap()),
        workflow: Some(Workflow {
            id: Some(WorkflowId::parse("wf-1").unwrap()),
            priority: Some(70),
            at: Some(Timestamp(1_642_699_000_000)),
            step: Some(1),
            steps: Some(2),
        }),
        labels: BTreeMap::from([("team".to_owned(), "blue".to_owned())]),
        digest: [7; 32],
    }
}

pub(crate) fn facts() -> MachineFacts {
    MachineFacts {
        hostname: Some("gpu-a1".to_owned()),
        ip_address: Some("10.0.0.7".to_owned()),
        os: Some("linux".to_owned()),
        cpu_cores: 16,
        total_ram_gb: 64.0,
        gpu_count: 2,
        gpu_models: vec!["RTX 4090".to_owned()],
        labels: BTreeMap::from([("rack".to_owned(), "b".to_owned())]),
    }
}

pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        services: BTreeSet::from([comfyui()]),
        hardware: Hardware {
            gpu_count: 1,
            gpu_memory_gb: 24.0,
            gpu_model: Some("RTX 4090".to_owned()),
            cpu_cores: 8,
            ram_gb: 32.0,
        },
        models: BTreeMap::from([("comfyui".to_owned(), vec!["sdxl".to_owned()])]),
    }
}

fn failure() -> Failure {
    Failure { kind: FailureKind::OutOfMemory, reason: Some("24 GB were not enough".into()) }
}

fn returned(reason: ReturnReason, retry_at: Option<Timestamp>) -> Fact {
    Fact::JobReturned {
        job: job(),
        worker: worker(),
        machine: machine(),
        from: Status::InProgress,
        reason,
        retry_at,
        runs_failed: 1,
        lost_in_a_row: 0,
    }
}

fn finished(worker: Option<WorkerId>, outcome: Outcome) -> Fact {
    let machine = worker.as_ref().map(|_| machine());
    Fact::JobFinished { job: job(), worker, machine, attempt: 2, runs_failed: 1, outcome }
}

/// Every kind of fact, and where a kind has several messages, each of them.
pub(crate) fn events() -> Vec<(&'static str, Event)> {
    let at = Timestamp(1_642_700_000_000);
    let mut all = job_facts(at);
    all.extend(fleet_facts());
    all.into_iter().map(|(name, fact)| (name, Event { at, fact })).collect()
}

fn job_facts(at: Timestamp) -> Vec<(&'static str, Fact)> {
    let large = Content { hash: [9; 32], bytes: 40_000 };
    let failed = || ReturnReason::Failed { error: "out of memory".into(), failure: failure() };
    vec![
        ("job_submitted", Fact::JobSubmitted { spec: Arc::new(spec(content(PAYLOAD))), order: 1 }),
        ("job_submitted_large", Fact::JobSubmitted { spec: Arc::new(spec(large)), order: 1 }),
        (
            "job_assigned",
            Fact::JobAssigned {
                job: job(),
                lease: LeaseId(42),
                attempt: 1,
                worker: worker(),
                machine: machine(),
                session: SessionId(7),
            },
        ),
        ("job_started", Fact::JobStarted { job: job(), worker: worker() }),
        ("job_returned_failed", returned(failed(), Some(at + 800))),
        ("job_returned_released", returned(ReturnReason::Released { reason: Some("draining".into()) }, None)),
        ("job_returned_not_started", returned(ReturnReason::NotStarted, None)),
        ("job_returned_lease_expired", returned(ReturnReason::LeaseExpired, None)),
        ("job_returned_session_replaced", returned(ReturnReason::SessionReplaced, None)),
        ("job_returned_worker_left", returned(ReturnReason::WorkerLeft, None)),
        ("job_returned_machine_left", returned(ReturnReason::MachineLeft, None)),
        ("complete_job", finished(Some(worker()), Outcome::Completed { result: content(RESULT) })),
        ("complete_job_large", finished(Some(worker()), Outcome::Completed { result: large })),
        ("job_failed", finished(Some(worker()), Outcome::Failed { error: "out of memory".into(), failure: failure() })),
        ("job_cancelled", finished(None, Outcome::Cancelled)),
        ("job_forgotten", Fact::JobForgotten { job: job() }),
    ]
}

fn fleet_facts() -> Vec<(&'static str, Fact)> {
    let report = WorkerReport {
        worker: worker(),
        services: BTreeSet::from([comfyui()]),
        status: WorkerStatus::Busy,
        job: Some(job()),
    };
    let turned = |old, new, job| Fact::WorkerTurned { worker: worker(), machine: machine(), old, new, job };
    vec![
        ("machine_startup", Fact::MachineJoined { machine: machine(), facts: facts(), phase: Phase::Starting }),
        (
            "machine_status_change",
            Fact::MachineChanged { machine: machine(), facts: facts(), phase: Phase::Ready, workers: vec![report] },
        ),
        ("machine_disconnected", Fact::MachineSilent { machine: machine() }),
        ("machine_shutdown", Fact::MachineLeft { machine: machine(), reason: Some("gone".into()) }),
        (
            "worker_connected",
            Fact::WorkerJoined {
                worker: worker(),
                machine: machine(),
                session: SessionId(7),
                slots: 1,
                capabilities: Arc::new(capabilities()),
                jobs_completed: 12,
                jobs_failed: 1,
            },
        ),
        ("worker_turned_busy", turned(WorkerStatus::Idle, WorkerStatus::Busy, Some(job()))),
        ("worker_turned_idle", turned(WorkerStatus::Busy, WorkerStatus::Idle, None)),
        (
            "worker_declared",
            Fact::WorkerDeclared {
                worker: worker(),
                machine: machine(),
                declared: Declared::Draining,
                old: WorkerStatus::Idle,
                new: WorkerStatus::Draining,
            },
        ),
        ("worker_disconnected", Fact::WorkerLeft { worker: worker(), machine: machine(), reason: None }),
    ]
}
