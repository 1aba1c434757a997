//! The few things that jobs need and workers have, so that they meet.

use crate::acts::{Times, Wanted};
use fleet::{
    Capabilities, ClientId, ClientKey, Content, CustomerAccess, CustomerId, FailureKind, Hardware, JobId, JobSpec,
    MachineId, Need, Number, Options, Owner, Part, PrincipalId, Rank, Requirements, Scalar, Service, Test, Timestamp,
    Timing, Value, WorkerId, Workflow, WorkflowId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) fn machine_id(n: u8) -> MachineId {
    MachineId::parse(&format!("m{n}")).unwrap()
}

pub(crate) fn worker_id(n: u8) -> WorkerId {
    WorkerId::parse(&format!("w{n}")).unwrap()
}

pub(crate) fn service(n: u8) -> Service {
    Service::parse(&format!("s{n}")).unwrap()
}

fn customer(n: u8) -> CustomerId {
    CustomerId::parse(["acme", "beta"][usize::from(n) % 2]).unwrap()
}

pub(crate) fn client_key(n: u8) -> ClientKey {
    let (principal, client) = [("local", "c1"), ("local", "c2"), ("other", "c1")][usize::from(n) % 3];
    ClientKey { principal: PrincipalId::parse(principal).unwrap(), client: ClientId::parse(client).unwrap() }
}

/// One of the clients, or a principal without one.
pub(crate) fn owner(n: u8) -> Arc<Owner> {
    let ClientKey { principal, client } = client_key(if n == 1 { 2 } else { n });
    Arc::new(match n {
        0 => Owner::default(),
        1 => Owner { principal, client: None },
        _ => Owner { principal, client: Some(client) },
    })
}

pub(crate) fn workflow_id(n: u8) -> WorkflowId {
    WorkflowId::parse(["wf-1", "wf-2"][usize::from(n) % 2]).unwrap()
}

/// What is needed, by number; most need nothing but the service.
pub(crate) fn requirements(n: u8, service: Service) -> Requirements {
    let mut wanted = Requirements::of(service);
    let gpu = |gb: u32| Need::Hardware(Part::GpuMemoryGb, Number::from(gb));
    match n {
        1 => drop(wanted.needs.insert(gpu(16))),
        2 => drop(wanted.bars.insert(gpu(16))),
        3 => drop(wanted.needs.insert(Need::Region("eu".into()))),
        4 => {
            let tests = BTreeSet::from([Test::AtLeast(Number::from(2))]);
            wanted.needs.insert(Need::Custom { path: "disk".into(), tests });
            wanted.bars.insert(Need::Tags(BTreeSet::from(["spot".into()])));
        }
        5 => drop(wanted.needs.insert(gpu(1_000))),
        _ => {}
    }
    wanted
}

/// What a worker has beside its services, by number.
pub(crate) fn capabilities(n: u8, services: BTreeSet<Service>) -> Capabilities {
    let (gpu, region) = [(0, None), (16, Some("eu")), (24, Some("eu")), (48, Some("us"))][usize::from(n) % 4];
    let mut access = CustomerAccess::default();
    match n {
        4 => drop(access.allowed.insert(customer(0))),
        5 => drop(access.denied.insert(customer(0))),
        _ => {}
    }
    Capabilities {
        services,
        hardware: Hardware { gpu_memory_gb: Number::from(gpu), ..Hardware::default() },
        access,
        region: region.map(String::from),
        tags: if n == 3 { BTreeSet::from(["spot".into()]) } else { BTreeSet::new() },
        custom: BTreeMap::from([("disk".into(), Value::One(Scalar::Number(Number::from(u32::from(n)))))]),
        workflow: (n == 6).then(|| workflow_id(0)),
        ..Capabilities::default()
    }
}

pub(crate) fn wanted(wanted: &Wanted, job: JobId, now: Timestamp) -> JobSpec {
    let workflow = wanted.workflow.map(|(id, priority, at)| Workflow {
        id: (id > 0).then(|| workflow_id(id)),
        priority: (priority > 0).then_some(u32::from(priority)),
        at: (at > 0).then_some(Timestamp(i64::from(at) * 1_000)),
        step: None,
        steps: None,
    });
    JobSpec {
        id: job,
        requirements: Arc::new(requirements(wanted.needs, service(wanted.service))),
        priority: u32::from(wanted.priority),
        attempts_max: u32::from(wanted.runs),
        customer: (wanted.customer > 0).then(|| customer(wanted.customer)),
        owner: owner(wanted.owner),
        options: Options {
            workflow,
            timing: wanted.times.map(|times| Box::new(timing(times, now))),
            idempotency_key: wanted.key.map(|key| format!("key-{key}").into()),
            ..Options::default()
        }
        .stated(),
        digest: [wanted.content / 7; 32],
        ..spec("any", service(0))
    }
}

/// What the archive remembers of the job's workflow.
pub(crate) fn recalled(wanted: &Wanted) -> Option<Rank> {
    let (priority, at) = wanted.recalled?;
    Some(Rank { priority: u32::from(priority), at: Timestamp(i64::from(at) * 1_000) })
}

fn timing(times: Times, now: Timestamp) -> Timing {
    let at = |ms: Option<i32>| ms.map(|ms| Timestamp(now.0 + i64::from(ms)));
    Timing {
        not_before: at(times.not_before),
        start_by: at(times.start_by),
        finish_by: at(times.finish_by),
        run_for_ms: times.run_for_ms,
        no_progress_ms: times.no_progress_ms,
        fail_if_unmatched_ms: times.fail_if_unmatched_ms,
        ..Timing::default()
    }
}

pub(crate) fn spec(job: &str, service: Service) -> JobSpec {
    JobSpec {
        id: JobId::parse(job).unwrap(),
        requirements: Arc::new(Requirements::of(service)),
        payload: Content { hash: [0; 32], bytes: 2 },
        priority: 0,
        attempts_max: 3,
        customer: None,
        owner: Arc::default(),
        options: None,
        digest: [0; 32],
    }
}

/// What a worker can say; `broker` is the broker's word.
pub(crate) const KINDS: [FailureKind; 10] = [
    FailureKind::Internal,
    FailureKind::BadInput,
    FailureKind::Refusal,
    FailureKind::OutOfMemory,
    FailureKind::ServiceDown,
    FailureKind::Timeout,
    FailureKind::RateLimit,
    FailureKind::Auth,
    FailureKind::Network,
    FailureKind::BadOutput,
];
