//! What a worker may declare, how a mistake is named, and that the journal keeps all of it.

use crate::samples;
use fleet::{
    Capabilities, CustomerId, Event, Fact, Isolation, JoinWorker, MachineId, Number, Scalar, SessionId, Timestamp,
    Value, WorkerId, WorkflowId,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use wire::agent::JoinWorkerBody;
use wire::{Malformed, Problem, snapshot, stored};

fn join(capabilities: &str) -> Result<JoinWorker, Malformed> {
    let body = format!(r#"{{"machine_id":"m","services":["comfyui"],"capabilities":{capabilities}}}"#);
    wire::parse::<JoinWorkerBody>(body.as_bytes())?.join(WorkerId::parse("w").unwrap(), SessionId(7))
}

fn custom(custom: &str) -> Vec<(String, Value)> {
    let joined = join(&format!(r#"{{"custom":{custom}}}"#)).unwrap_or_else(|error| panic!("{custom}: {error}"));
    joined.capabilities.custom.clone().into_iter().collect()
}

fn shown(capabilities: &Capabilities) -> serde_json::Value {
    let view = snapshot::CapabilitiesView::of(capabilities, &BTreeSet::new(), 1);
    serde_json::to_value(view).unwrap()
}

/// What the journal says when it is read again.
fn kept(capabilities: Capabilities, loaded_models: BTreeSet<String>) -> (Arc<Capabilities>, BTreeSet<String>) {
    let fact = Fact::WorkerJoined {
        worker: WorkerId::parse("w").unwrap(),
        machine: MachineId::parse("m").unwrap(),
        session: SessionId(7),
        slots: 1,
        capabilities: Arc::new(capabilities),
        loaded_models,
        is_draining: false,
        jobs_completed: 0,
        jobs_failed: 0,
    };
    let record = stored::encode(&[Event { at: Timestamp(0), fact, by: None }]);
    match stored::decode(&record).unwrap().remove(0).fact {
        Fact::WorkerJoined { capabilities, loaded_models, .. } => (capabilities, loaded_models),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_worker_declares_what_it_can_do_and_for_whom() {
    let joined = join(
        r#"{"hardware":{"gpu_count":1,"gpu_memory_gb":24},"models":{"comfyui":["sdxl","sdxl"]},"loaded_models":["sdxl"],
            "customer_access":{"isolation":"strict","allowed_customers":["acme"],"denied_customers":["umbrella"]},
            "region":"eu-north","tags":["fast","fast","quiet"],"custom":{"disk":{"free_gb":931.5},"is_spot":false},
            "workflow_id":"wf-1"}"#,
    )
    .unwrap();
    let Capabilities { services, hardware, models, access, region, tags, custom, workflow } = &*joined.capabilities;
    assert_eq!((services.len(), hardware.gpu_memory_gb), (1, 24.into()));
    assert_eq!((models["comfyui"].len(), joined.loaded_models.len()), (1, 1));
    assert_eq!(access.isolation, Isolation::Strict);
    assert_eq!(access.allowed, BTreeSet::from([CustomerId::parse("acme").unwrap()]));
    assert_eq!(access.denied, BTreeSet::from([CustomerId::parse("umbrella").unwrap()]));
    assert_eq!((region.as_deref(), tags.len()), (Some("eu-north"), 2));
    assert_eq!(custom["disk.free_gb"], Value::One(Scalar::Number(Number::new(931.5).unwrap())));
    assert_eq!(*workflow, Some(WorkflowId::parse("wf-1").unwrap()));
    assert_eq!(*join("{}").unwrap().capabilities, Capabilities { services: services.clone(), ..Default::default() });
}

#[test]
fn what_else_it_declares_is_known_by_its_dotted_path() {
    let same = custom(r#"{"a":{"b":{"c":1}},"d":["y","x","x"]}"#);
    assert_eq!(same, custom(r#"{"d":["x","y"],"a.b":{"c":1.0}}"#));
    assert_eq!(same.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["a.b.c", "d"]);
    assert_eq!(custom(r#"{"a":[],"b":{},"c.d":{}}"#), [("a".to_owned(), Value::List(BTreeSet::new()))]);
    assert_eq!(custom(r#"{"a.b.c.d.e.f":"x"}"#), custom(r#"{"a":{"b":{"c":{"d":{"e":{"f":"x"}}}}}}"#));
    assert_eq!(custom("null"), custom("{}"));
}

#[test]
fn what_it_does_not_declare_is_not_shown() {
    let plain = json!({
        "gpu_count": 1, "gpu_memory_gb": 24.0, "gpu_model": "RTX 4090", "cpu_cores": 8, "ram_gb": 32.0,
        "services": ["comfyui"], "models": { "comfyui": ["sdxl"] }, "max_concurrent_jobs": 1,
    });
    assert_eq!(shown(&samples::capabilities()), plain);
    let choosy = shown(&samples::choosy());
    let access = json!({ "isolation": "strict", "allowed_customers": ["acme"], "denied_customers": ["umbrella"] });
    assert_eq!(choosy["customer_access"], access);
    let custom = json!({ "disk.free_gb": 931.5, "formats": ["mp4", "webm"], "is_spot": false });
    assert_eq!((&choosy["custom"], &choosy["workflow_id"]), (&custom, &json!("wf-1")));
}

#[test]
fn the_journal_keeps_all_of_it_to_the_last_bit() {
    let loaded = BTreeSet::from(["sdxl".to_owned()]);
    assert_eq!(kept(samples::choosy(), loaded.clone()), (Arc::new(samples::choosy()), loaded));
    for written in ["0.30000000000000004", "31.245270191439438", "23.6900000000000013", "1e300", "9007199254740991"] {
        let number = format!(r#"{{"hardware":{{"ram_gb":{written}}},"custom":{{"a":[{written}],"b":-{written}}}}}"#);
        let declared = Capabilities::clone(&join(&number).unwrap().capabilities);
        let exact: f64 = written.parse().unwrap();
        assert_eq!(declared.hardware.ram_gb.get().to_bits(), exact.to_bits(), "{written}");
        assert_eq!(*kept(declared.clone(), BTreeSet::new()).0, declared, "{written}");
    }
}

#[test]
fn a_mistake_is_named_by_its_dotted_field() {
    let many = |count: usize| (0..count).map(|n| format!(r#""x{n}""#)).collect::<Vec<_>>().join(",");
    let (long, tags, customers) = ("x".repeat(257), many(257), many(257));
    let table = [
        (r#"{"colour":"red"}"#.to_owned(), "colour is not a field of this request"),
        (r#"{"customer_access":{"allow":[]}}"#.to_owned(), "allow is not a field of this request"),
        (
            r#"{"customer_access":{"isolation":"all"}}"#.to_owned(),
            "capabilities.customer_access.isolation: unknown variant `all`",
        ),
        (
            r#"{"customer_access":{"denied_customers":["no/slash"]}}"#.to_owned(),
            "capabilities.customer_access.denied_customers: may not contain '/'",
        ),
        (
            format!(r#"{{"customer_access":{{"allowed_customers":[{customers}]}}}}"#),
            "capabilities.customer_access.allowed_customers: has 257 entries",
        ),
        (format!(r#"{{"tags":[{tags}]}}"#), "capabilities.tags: has 257 entries; at most 256 are allowed"),
        (format!(r#"{{"tags":["{long}"]}}"#), "capabilities.tags: is 257 bytes long"),
        (format!(r#"{{"region":"{long}"}}"#), "capabilities.region: is 257 bytes long"),
        (format!(r#"{{"loaded_models":["{long}"]}}"#), "capabilities.loaded_models: is 257 bytes long"),
        (format!(r#"{{"loaded_models":[{}]}}"#, many(2_001)), "capabilities.loaded_models: has 2001 entries"),
        (r#"{"workflow_id":""}"#.to_owned(), "capabilities.workflow_id: must not be empty"),
        (r#"{"custom":[1]}"#.to_owned(), "capabilities.custom: is a list; it must be an object"),
        (r#"{"custom":{"a":null}}"#.to_owned(), "capabilities.custom.a: is null"),
        (r#"{"custom":{"a":{"b":[[1]]}}}"#.to_owned(), "capabilities.custom.a.b.0: is a list"),
        (r#"{"custom":{"a.b":1,"a":{"b":1}}}"#.to_owned(), "capabilities.custom.a.b: is given twice"),
        (r#"{"custom":{"a":1,"a.b":1}}"#.to_owned(), "capabilities.custom.a.b: is given twice"),
        (r#"{"custom":{"a":1,"a":1}}"#.to_owned(), "capabilities.custom.a: is given twice"),
        (r#"{"custom":{"a..b":1}}"#.to_owned(), "capabilities.custom.a..b: has an empty part in its name"),
        (r#"{"custom":{"a":9007199254740993}}"#.to_owned(), "capabilities.custom.a: is 9007199254740993"),
        (r#"{"custom":{"a":1e999}}"#.to_owned(), "capabilities.custom.a: is 1e999"),
        (r#"{"custom":{"a":"\ud800"}}"#.to_owned(), "capabilities.custom.a: has half of a surrogate pair"),
        (format!(r#"{{"custom":{{"a":"{long}"}}}}"#), "capabilities.custom.a: is 257 bytes long"),
        (
            r#"{"custom":{"a.b.c.d.e.f.g":1}}"#.to_owned(),
            "capabilities.custom.a.b.c.d.e.f.g: is nested more than 6 levels deep",
        ),
        (r#"{"custom":{"a.b.c.d.e.f":[1]}}"#.to_owned(), "is nested more than 6 levels deep"),
        (format!(r#"{{"custom":{{"a":[{}]}}}}"#, many(257)), "capabilities.custom: holds more than 256 values"),
        (format!(r#"{{"custom":{{"a":[{}],"b":1}}}}"#, many(256)), "capabilities.custom: holds more than 256 values"),
    ];
    for (capabilities, sentence) in table {
        let malformed = join(&capabilities).expect_err(sentence);
        assert!(malformed.to_string().contains(sentence), "{malformed} is not {sentence}");
        assert_eq!(Problem::from(&malformed).status, 400);
    }
    assert!(join(&format!(r#"{{"custom":{{"a":[{}]}}}}"#, many(256))).is_ok());
}

#[test]
fn all_names_and_texts_together_have_a_limit() {
    let texts = |of: usize| (0..250).map(|n| format!(r#""{n:0of$}""#)).collect::<Vec<_>>().join(",");
    let body = |of: usize| format!(r#"{{"tags":[{0}],"custom":{{"a":[{0}]}}}}"#, texts(of));
    assert!(join(&body(120)).is_ok());
    let malformed = join(&body(140)).unwrap_err().to_string();
    assert!(malformed.starts_with("capabilities: its names and those of services are "), "{malformed}");
    assert!(malformed.ends_with(" bytes long; at most 65536 are allowed"), "{malformed}");
}
