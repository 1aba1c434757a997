//! Workers and jobs drawn from small pools, so that what is needed meets what is there.

use crate::dice::Dice;
use fleet::{
    Backoff, Capabilities, ClientId, Content, CustomerAccess, CustomerId, Hardware, Isolation, JobId, JobSpec,
    MachineId, Need, Number, Options, Owner, Part, PrincipalId, Requirements, Scalar, Service, Test, Timestamp, Timing,
    Value, WorkerId, Workflow, WorkflowId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SERVICES: [&str; 4] = ["image", "video", "text", "sound"];
const MODELS: [&str; 4] = ["sdxl", "flux", "llama", "whisper"];
const GPUS: [&str; 3] = ["A100", "H100", "RTX4090"];
const CUSTOMERS: [&str; 3] = ["acme", "beta", "gamma"];
const PRINCIPALS: [&str; 2] = ["local", "other"];
const CLIENTS: [&str; 2] = ["c1", "c2"];
const WORKFLOWS: [&str; 3] = ["wf-1", "wf-2", "wf-3"];
const REGIONS: [&str; 3] = ["eu", "us", "asia"];
const TAGS: [&str; 3] = ["fast", "spot", "lab"];
const TEXTS: [&str; 3] = ["de", "en", "fr"];

pub(crate) fn service(name: &str) -> Service {
    Service::parse(name).unwrap()
}

pub(crate) fn any_service(dice: &mut Dice) -> Service {
    service(dice.one(&SERVICES))
}

pub(crate) fn machine_id(n: usize) -> MachineId {
    MachineId::parse(&format!("m{n}")).unwrap()
}

pub(crate) fn worker_id(n: usize) -> WorkerId {
    WorkerId::parse(&format!("w{n}")).unwrap()
}

fn number(n: u32) -> Number {
    Number::from(n)
}

fn text(dice: &mut Dice) -> Scalar {
    Scalar::Text(dice.one(&TEXTS).into())
}

fn texts(dice: &mut Dice, percent: u64) -> BTreeSet<Scalar> {
    dice.some(&TEXTS, percent).into_iter().map(|text| Scalar::Text(text.into())).collect()
}

fn names(dice: &mut Dice, pool: &[&str], percent: u64) -> BTreeSet<String> {
    dice.some(pool, percent).into_iter().map(String::from).collect()
}

/// As [`names`], but at least one.
fn some_names(dice: &mut Dice, pool: &[&str], percent: u64) -> BTreeSet<String> {
    let first = dice.one(pool).to_string();
    names(dice, pool, percent).into_iter().chain([first]).collect()
}

// Workers.

pub(crate) fn capabilities(dice: &mut Dice) -> Capabilities {
    let services: BTreeSet<Service> = dice.some(&SERVICES, 60).into_iter().map(service).collect();
    let services = if services.is_empty() { BTreeSet::from([any_service(dice)]) } else { services };
    let models = dice.some(&SERVICES, 60);
    let models = models.into_iter().map(|service| (service.into(), names(dice, &MODELS, 60))).collect();
    Capabilities {
        services,
        hardware: hardware(dice),
        models,
        access: access(dice),
        region: dice.chance(70).then(|| dice.one(&REGIONS).into()),
        tags: names(dice, &TAGS, 50),
        custom: custom(dice),
        workflow: dice.chance(8).then(|| workflow_id(dice)),
    }
}

fn hardware(dice: &mut Dice) -> Hardware {
    Hardware {
        gpu_count: dice.one(&[0, 1, 2, 4]),
        gpu_memory_gb: number(dice.one(&[0, 8, 16, 24, 24, 48, 80])),
        gpu_model: dice.chance(75).then(|| dice.one(&GPUS).into()),
        cpu_cores: dice.one(&[4, 16, 64]),
        ram_gb: number(dice.one(&[16, 64, 256])),
    }
}

fn access(dice: &mut Dice) -> CustomerAccess {
    let mut customers = |percent: u64, each: u64| -> BTreeSet<CustomerId> {
        if !dice.chance(percent) {
            return BTreeSet::new();
        }
        dice.some(&CUSTOMERS, each).into_iter().map(customer).collect()
    };
    let (allowed, denied) = (customers(20, 60), customers(20, 40));
    CustomerAccess { isolation: dice.one(&[Isolation::Strict, Isolation::Loose, Isolation::None]), allowed, denied }
}

fn customer(name: &str) -> CustomerId {
    CustomerId::parse(name).unwrap()
}

/// Of one of two principals, some by a client.
fn owner(dice: &mut Dice) -> Arc<Owner> {
    let client = dice.chance(50).then(|| ClientId::parse(dice.one(&CLIENTS)).unwrap());
    Arc::new(Owner { principal: PrincipalId::parse(dice.one(&PRINCIPALS)).unwrap(), client })
}

fn workflow_id(dice: &mut Dice) -> WorkflowId {
    WorkflowId::parse(dice.one(&WORKFLOWS)).unwrap()
}

fn custom(dice: &mut Dice) -> BTreeMap<String, Value> {
    let mut custom = BTreeMap::new();
    let mut declare = |path: &str, value: Value| custom.insert(path.to_string(), value);
    if dice.chance(70) {
        declare("disk", Value::One(Scalar::Number(number(dice.one(&[1, 2, 5])))));
    }
    if dice.chance(60) {
        declare("secure", Value::One(Scalar::Bool(dice.chance(50))));
    }
    if dice.chance(70) {
        let one = dice.chance(40);
        let value = if one { Value::One(text(dice)) } else { Value::List(texts(dice, 60)) };
        declare("speech.langs", value);
    }
    if dice.chance(50) {
        let scores = dice.some(&[1u32, 2, 5], 60).into_iter().map(|n| Scalar::Number(number(n))).collect();
        declare("scores", if dice.chance(70) { Value::List(scores) } else { Value::One(text(dice)) });
    }
    custom
}

// Jobs.

pub(crate) fn requirements(dice: &mut Dice) -> Requirements {
    let service = any_service(dice);
    let (needs, bars) = (dice.one(&[0, 0, 0, 0, 1, 1, 1, 2, 3]), dice.one(&[0, 0, 0, 0, 1, 1, 2]));
    let needs = (0..needs).map(|_| need(dice)).collect();
    let bars = (0..bars).map(|_| need(dice)).collect();
    Requirements { service, needs, bars }
}

/// Needed by nobody else: there is something that a worker must not have and none has.
pub(crate) fn rare_requirements(dice: &mut Dice, n: usize) -> Requirements {
    let mut rare = requirements(dice);
    let tests = BTreeSet::from([Test::AtLeast(number(0))]);
    rare.bars.insert(Need::Custom { path: format!("rare.{n}"), tests });
    rare
}

fn need(dice: &mut Dice) -> Need {
    match dice.below(12) {
        0 | 1 => Need::Hardware(Part::GpuMemoryGb, number(dice.one(&[8, 16, 24, 48, 96]))),
        2 => Need::Hardware(Part::RamGb, number(dice.one(&[16, 64, 256]))),
        3 => Need::Hardware(Part::CpuCores, number(dice.one(&[4, 16, 64]))),
        4 => Need::Hardware(Part::GpuCount, number(dice.one(&[1, 2, 4]))),
        5 => Need::GpuModel(some_names(dice, &GPUS, 30)),
        6 => Need::Models(some_names(dice, &MODELS, 20)),
        7 => Need::StrictIsolation,
        8 => Need::Region(dice.one(&REGIONS).into()),
        9 => Need::Tags(some_names(dice, &TAGS, 20)),
        _ => {
            let path = dice.one(&["disk", "secure", "speech.langs", "scores", "absent"]).to_string();
            let tests = (0..dice.one(&[1, 1, 1, 2])).map(|_| test(dice, &path)).collect();
            Need::Custom { path, tests }
        }
    }
}

fn test(dice: &mut Dice, path: &str) -> Test {
    let scalar = |dice: &mut Dice| match path {
        "secure" => Scalar::Bool(dice.chance(50)),
        "speech.langs" => text(dice),
        _ => Scalar::Number(number(dice.one(&[1, 2, 5]))),
    };
    match dice.below(if path == "disk" { 4 } else { 8 }) {
        0 | 1 => Test::AtLeast(number(dice.one(&[1, 2, 5]))),
        2 => Test::AtMost(number(dice.one(&[1, 2, 5]))),
        3 => Test::Equals(scalar(dice)),
        4 | 5 => Test::Has(scalar(dice)),
        6 => Test::ContainsAll((0..2).map(|_| scalar(dice)).collect()),
        _ => Test::OneOf((0..2).map(|_| scalar(dice)).collect()),
    }
}

/// A job that needs one of `kinds`.
pub(crate) fn spec(dice: &mut Dice, n: usize, kinds: &[Arc<Requirements>], now: Timestamp) -> JobSpec {
    let not_before = dice.chance(6).then(|| Timestamp(now.0 - 2_000 + dice.between(0, 22_000) as i64));
    let mut passes = |percent: u64| {
        let ms = dice.between(0, 60_000) as i64;
        dice.chance(percent).then(|| Timestamp(now.0 - 500 + ms))
    };
    let (start_by, finish_by) = (passes(8), passes(5));
    let backoff = Backoff { base_ms: dice.one(&[0, 1_000, 4_000]), ..Backoff::default() };
    JobSpec {
        id: JobId::parse(&format!("j{n}")).unwrap(),
        requirements: dice.one(kinds),
        payload: Content { hash: [0; 32], bytes: 2 },
        priority: dice.one(&[0, 10, 50, 50, 50, 50]),
        attempts_max: dice.one(&[1, 2, 3, 3, 10]),
        customer: dice.chance(50).then(|| customer(dice.one(&CUSTOMERS))),
        owner: owner(dice),
        options: Options {
            workflow: dice.chance(40).then(|| workflow(dice, now)),
            timing: dice
                .chance(30)
                .then(|| Box::new(Timing { not_before, start_by, finish_by, backoff, ..Timing::default() })),
            ..Options::default()
        }
        .stated(),
        digest: [0; 32],
    }
}

fn workflow(dice: &mut Dice, now: Timestamp) -> Workflow {
    Workflow {
        id: dice.chance(80).then(|| workflow_id(dice)),
        priority: dice.chance(30).then(|| dice.one(&[0, 10, 50, 60])),
        // In seconds, so that many are equal.
        at: dice.chance(30).then(|| Timestamp(now.0 / 1_000 * 1_000 - 1_000 * dice.below(20) as i64)),
        step: None,
        steps: None,
    }
}
