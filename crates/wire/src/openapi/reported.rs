//! What the readers of agents' bodies check beyond their shape (`wire.md` §9), laid over the derived schemas.

use super::parameters::{id, lease, service};
use super::submission::{bytes, labels};
use crate::limits;
use fleet::limits as rules;
use serde_json::{Value, json};

type Check = (&'static str, Value);

/// What is added to a derived schema, by name. An object is added to, anything else takes the place
/// of what was there.
pub(super) fn checks() -> impl Iterator<Item = Check> {
    of_machines().into_iter().chain(of_workers()).chain(of_reports())
}

fn name() -> Value {
    bytes(limits::NAME_BYTES_MAX)
}

fn short() -> Value {
    json!({ "maxLength": limits::NAME_BYTES_MAX })
}

fn count() -> Value {
    json!({ "maximum": u32::MAX })
}

fn leases() -> Value {
    json!({ "items": lease(), "maxItems": limits::LEASES_NAMED_MAX })
}

fn of_machines() -> [Check; 4] {
    let host = json!({
        "hostname": short(),
        "ip_address": short(),
        "os": short(),
        "cpu_cores": count(),
        "gpu_count": count(),
        "gpu_models": { "items": name(), "maxItems": limits::GPU_MODELS_MAX },
    });
    let services = json!({ "propertyNames": service(), "maxProperties": rules::SERVICES_PER_WORKER_MAX });
    [
        of("JoinMachineBody", json!({ "hostname": short(), "labels": labels() })),
        of("HostInfo", host),
        of("HeartbeatBody", json!({ "workers": { "propertyNames": id() }, "leases": leases() })),
        of("WorkerSays", json!({ "services": services })),
    ]
}

fn of_workers() -> [Check; 5] {
    let customers = || json!({ "items": id(), "maxItems": limits::CUSTOMERS_MAX });
    let worker = json!({
        "machine_id": id(),
        "services": { "items": service(), "minItems": 1, "maxItems": rules::SERVICES_PER_WORKER_MAX },
        "slots": { "minimum": 1, "maximum": rules::SLOTS_MAX, "default": 1 },
        "resume": leases(),
    });
    let capabilities = json!({
        "models": { "propertyNames": name(), "additionalProperties": { "items": name() } },
        "loaded_models": { "items": name(), "maxItems": limits::MODELS_MAX },
        "region": short(),
        "tags": { "items": name(), "maxItems": limits::TAGS_MAX },
        "custom": { "anyOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Custom" }] },
        "workflow_id": { "pattern": id()["pattern"] },
    });
    let within = format!(
        "All names together, those of services too: {} bytes. Models: {} in all.",
        limits::CAPABILITIES_BYTES_MAX,
        limits::MODELS_MAX
    );
    [
        of("JoinWorkerBody", worker),
        ("CapabilitiesBody", json!({ "description": within, "properties": capabilities })),
        of("HardwareBody", json!({ "gpu_count": count(), "cpu_cores": count(), "gpu_model": short() })),
        of("CustomerAccessBody", json!({ "allowed_customers": customers(), "denied_customers": customers() })),
        of("NextBody", json!({ "have": leases() })),
    ]
}

fn of_reports() -> [Check; 4] {
    let long = |max: usize| json!({ "description": format!("Longer than {max} bytes: cut.") });
    let progress = json!({
        "progress": { "minimum": 0, "maximum": 1 },
        "message": long(limits::MESSAGE_BYTES_MAX),
        "current_step": count(),
        "total_steps": count(),
    });
    let kind = json!({ "not": { "const": "broker" }, "description": "`broker` is what only the broker tells." });
    [
        of("ProgressBody", progress),
        of("FinishBody", json!({ "result": { "description": "Any JSON, 256 KiB without white space." } })),
        of("FailBody", json!({ "error": long(limits::ERROR_BYTES_MAX), "retry_after_ms": { "maximum": u64::MAX } })),
        of("FailureBody", json!({ "type": kind })),
    ]
}

fn of(name: &'static str, properties: Value) -> Check {
    (name, Value::Object([("properties".to_owned(), properties)].into_iter().collect()))
}

/// What a body looks like.
pub(super) fn examples() -> [(&'static str, Value); 5] {
    let capabilities =
        json!({ "hardware": { "gpu_count": 1, "gpu_memory_gb": 24 }, "models": { "upscale": ["esrgan"] } });
    [
        ("JoinMachineBody", json!({ "hostname": "gpu-a1", "labels": { "rack": "b" } })),
        ("JoinWorkerBody", json!({ "machine_id": "gpu-a1", "services": ["upscale"], "capabilities": capabilities })),
        ("ProgressBody", json!({ "progress": 0.5, "message": "tile 3/8" })),
        ("FinishBody", json!({ "result": { "url": "https://example.org/large.png" } })),
        ("FailBody", json!({ "error": "out of memory", "failure": { "type": "out_of_memory" } })),
    ]
}

/// Schemas that the derived ones do not have.
pub(super) fn schemas() -> [(&'static str, Value); 1] {
    let scalar = || json!({ "type": ["number", "string", "boolean"], "maxLength": limits::NAME_BYTES_MAX });
    let path = format!("^[^.]+(\\.[^.]+){{0,{}}}$", limits::CUSTOM_DEPTH_MAX - 1);
    let custom = json!({
        "type": "object",
        "description": format!(
            "What else jobs may ask for, nested or with dotted names; {} levels and {} values at most.",
            limits::CUSTOM_DEPTH_MAX,
            limits::CUSTOM_LEAVES_MAX
        ),
        "propertyNames": { "maxLength": limits::NAME_BYTES_MAX, "pattern": path },
        "additionalProperties": { "anyOf": [
            scalar(),
            { "type": "array", "items": scalar() },
            { "$ref": "#/components/schemas/Custom" },
        ] },
    });
    [("Custom", custom)]
}
