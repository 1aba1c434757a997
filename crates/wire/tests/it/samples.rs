//! One event of each kind, by the name of its golden file.

use bytes::Bytes;
use fleet::{
    Capabilities, Content, Counts, CustomerAccess, CustomerId, Declared, Event, Fact, Failure, FailureKind, Hardware,
    Isolation, JobId, JobSpec, LeaseId, MachineFacts, MachineId, Need, Number, Options, Outcome, Part, Phase, Rank,
    Requirements, ReturnReason, Scalar, Service, SessionId, Status, Test, Timestamp, Value, WorkerId, WorkerReport,
    WorkerStatus, Workflow, WorkflowId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::samples_newer as newer;

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

pub(crate) fn job() -> JobId {
    JobId::parse("job-123").unwrap()
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::parse("worker-1").unwrap()
}

pub(crate) fn machine() -> MachineId {
    MachineId::parse("machine-1").unwrap()
}

pub(crate) fn comfyui() -> Service {
    Service::parse("comfyui").unwrap()
}

pub(crate) fn spec(payload: Content) -> JobSpec {
    JobSpec {
        id: job(),
        requirements: Arc::new(Requirements::of(comfyui())),
        payload,
        priority: 5,
        attempts_max: 3,
        customer: Some(CustomerId::parse("acme").unwrap()),
        owner: Arc::default(),
        options: options().stated(),
        digest: [7; 32],
    }
}

pub(crate) fn options() -> Options {
    Options {
        ctx: Some(content(RESULT)),
        workflow: Some(Workflow {
            id: Some(WorkflowId::parse("wf-1").unwrap()),
            priority: Some(70),
            at: Some(Timestamp(1_642_699_000_000)),
            step: Some(1),
            steps: Some(2),
        }),
        labels: BTreeMap::from([("team".to_owned(), "blue".to_owned())]),
        ..Options::default()
    }
}

/// As the first version took it in: its place is what it states itself.
pub(crate) fn submitted(spec: JobSpec) -> Fact {
    let rank = Rank { priority: 70, at: Timestamp(1_642_699_000_000) };
    Fact::JobSubmitted { spec: Arc::new(spec), order: 1, rank, workflow_rank: None }
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
            gpu_memory_gb: 24.into(),
            gpu_model: Some("RTX 4090".to_owned()),
            cpu_cores: 8,
            ram_gb: 32.into(),
        },
        models: BTreeMap::from([("comfyui".to_owned(), set(["sdxl"]))]),
        ..Capabilities::default()
    }
}

fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

/// One need of each kind, and a bar.
pub(crate) fn demanding() -> Requirements {
    let custom =
        |path: &str, tests: &[Test]| Need::Custom { path: path.to_owned(), tests: tests.iter().cloned().collect() };
    let between = [Test::AtLeast(2.into()), Test::AtMost(Number::new(7.5).unwrap())];
    Requirements {
        needs: BTreeSet::from([
            Need::Hardware(Part::GpuMemoryGb, 24.into()),
            Need::GpuModel(set(["RTX 4090", "RTX 5090"])),
            Need::Models(set(["sdxl"])),
            Need::StrictIsolation,
            Need::Region("eu-north".to_owned()),
            Need::Tags(set(["fast", "quiet"])),
            custom("disk.free_gb", &[Test::AtLeast(100.into())]),
            custom("driver.version", &between),
        ]),
        bars: BTreeSet::from([custom("is_spot", &[Test::Has(Scalar::Bool(true))])]),
        ..Requirements::of(comfyui())
    }
}

/// All that a worker can declare.
pub(crate) fn choosy() -> Capabilities {
    let formats = ["mp4", "webm"].map(|format| Scalar::Text(format.to_owned()));
    Capabilities {
        access: CustomerAccess {
            isolation: Isolation::Strict,
            allowed: BTreeSet::from([CustomerId::parse("acme").unwrap()]),
            denied: BTreeSet::from([CustomerId::parse("umbrella").unwrap()]),
        },
        region: Some("eu-north".to_owned()),
        tags: set(["fast", "quiet"]),
        custom: BTreeMap::from([
            ("disk.free_gb".to_owned(), Value::One(Scalar::Number(Number::new(931.5).unwrap()))),
            ("formats".to_owned(), Value::List(formats.into())),
            ("is_spot".to_owned(), Value::One(Scalar::Bool(false))),
        ]),
        workflow: Some(WorkflowId::parse("wf-1").unwrap()),
        ..capabilities()
    }
}

pub(crate) fn joined(capabilities: Capabilities, loaded_models: BTreeSet<String>) -> Fact {
    Fact::WorkerJoined {
        worker: worker(),
        machine: machine(),
        session: SessionId(7),
        slots: 1,
        capabilities: Arc::new(capabilities),
        loaded_models,
        is_draining: false,
        jobs_completed: 12,
        jobs_failed: 1,
    }
}

pub(crate) fn failure() -> Failure {
    Failure { kind: FailureKind::OutOfMemory, reason: Some("24 GB were not enough".into()) }
}

pub(crate) fn returned(reason: ReturnReason, retry_at: Option<Timestamp>) -> Fact {
    Fact::JobReturned {
        job: job(),
        worker: worker(),
        machine: machine(),
        from: Status::InProgress,
        reason,
        retry_at,
        counts: Counts { runs_failed: 1, ..Counts::default() },
        more_than_gb: None,
        seq: 0,
    }
}

pub(crate) fn finished(worker: Option<WorkerId>, outcome: Outcome) -> Fact {
    let machine = worker.as_ref().map(|_| machine());
    Fact::JobFinished { job: job(), worker, machine, attempt: 2, runs_failed: 1, outcome, seq: 0 }
}

/// Every kind of fact, and where a kind has several messages, each of them.
pub(crate) fn events() -> Vec<(&'static str, Event)> {
    let mut all = first_events();
    let demanding = JobSpec { requirements: Arc::new(demanding()), ..spec(content(PAYLOAD)) };
    all.extend(at_once(vec![
        ("job_submitted_demanding", submitted(demanding)),
        ("worker_connected_choosy", joined(choosy(), set(["sdxl"]))),
    ]));
    all.extend(at_once(newer::all()));
    all
}

/// What the first version could tell.
pub(crate) fn first_events() -> Vec<(&'static str, Event)> {
    let mut all = job_facts(AT);
    all.extend(fleet_facts());
    at_once(all)
}

const AT: Timestamp = Timestamp(1_642_700_000_000);

fn at_once(facts: Vec<(&'static str, Fact)>) -> Vec<(&'static str, Event)> {
    facts.into_iter().map(|(name, fact)| (name, Event { at: AT, fact, by: None })).collect()
}

fn job_facts(at: Timestamp) -> Vec<(&'static str, Fact)> {
    let large = Content { hash: [9; 32], bytes: 40_000 };
    let failed = || ReturnReason::Failed { error: "out of memory".into(), failure: failure() };
    vec![
        ("job_submitted", submitted(spec(content(PAYLOAD)))),
        ("job_submitted_large", submitted(spec(large))),
        (
            "job_assigned",
            Fact::JobAssigned {
                job: job(),
                lease: LeaseId(42),
                attempt: 1,
                worker: worker(),
                machine: machine(),
                session: SessionId(7),
                seq: 0,
            },
        ),
        ("job_started", Fact::JobStarted { job: job(), worker: worker(), seq: 0 }),
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

pub(crate) fn report() -> WorkerReport {
    WorkerReport {
        worker: worker(),
        services: BTreeSet::from([comfyui()]),
        status: WorkerStatus::Busy,
        job: Some(job()),
    }
}

fn fleet_facts() -> Vec<(&'static str, Fact)> {
    let turned = |old, new, job| Fact::WorkerTurned { worker: worker(), machine: machine(), old, new, job };
    vec![
        ("machine_startup", Fact::MachineJoined { machine: machine(), facts: facts(), phase: Phase::Starting }),
        (
            "machine_status_change",
            Fact::MachineChanged {
                machine: machine(),
                facts: facts(),
                phase: Phase::Ready,
                is_draining: false,
                silent_since: None,
                workers: vec![report()],
            },
        ),
        ("machine_disconnected", Fact::MachineSilent { machine: machine() }),
        ("machine_shutdown", Fact::MachineLeft { machine: machine(), reason: Some("gone".into()) }),
        ("worker_connected", joined(capabilities(), BTreeSet::new())),
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
