//! What a submission may say: read by hand, so told by hand (`wire.md` §8a, §8b). What no schema can
//! say is said in words.

use super::operation::reference;
use super::parameters::{id, service, time};
use crate::limits;
use fleet::limits as rules;
use serde_json::{Value, json};

/// The schemas by name.
pub(super) fn schemas() -> [(&'static str, Value); 8] {
    [
        ("Submission", submission()),
        ("Batch", batch()),
        ("Requirements", requirements()),
        ("Demands", demands(false)),
        ("HardwareDemands", hardware(false)),
        ("Exclusions", demands(true)),
        ("HardwareExclusions", hardware(true)),
        ("CustomDemand", custom_demand()),
    ]
}

/// The same, or `null`, which is the same as absent.
fn maybe(mut schema: Value, about: &str) -> Value {
    let kind = schema["type"].take();
    schema["type"] = json!([kind, "null"]);
    schema["description"] = about.into();
    schema
}

fn integer(min: u64, max: u64) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": max })
}

fn with_default(mut schema: Value, default: impl Into<Value>) -> Value {
    schema["default"] = default.into();
    schema
}

/// Text of at most so many bytes; no text of more characters can be.
pub(super) fn bytes(max: usize) -> Value {
    json!({ "type": "string", "maxLength": max })
}

pub(super) fn labels() -> Value {
    let text = bytes(limits::LABEL_BYTES_MAX);
    json!({
        "type": "object",
        "maxProperties": limits::LABELS_MAX,
        "propertyNames": { "maxLength": limits::LABEL_BYTES_MAX },
        "additionalProperties": text,
    })
}

/// The calendar's first and last millisecond.
const TIME_MS: (i64, i64) = (-377_705_023_201_000, 253_402_207_200_000);

fn moment(about: &str) -> Value {
    let mut schema = time();
    schema["oneOf"][1]["minimum"] = TIME_MS.0.into();
    schema["oneOf"][1]["maximum"] = TIME_MS.1.into();
    if let Some(kinds) = schema["oneOf"].as_array_mut() {
        kinds.push(json!({ "type": "null" }));
    }
    schema["description"] = about.into();
    schema
}

/// The name stands in one of three fields; the first that is there counts.
fn named() -> Value {
    let absent = json!({ "type": "null" });
    json!([
        { "required": ["service_required"], "properties": { "service_required": service() } },
        {
            "required": ["job_type"],
            "properties": { "service_required": absent, "job_type": service() },
        },
        {
            "required": ["type"],
            "properties": { "service_required": absent, "job_type": absent, "type": service() },
        },
    ])
}

fn submission() -> Value {
    let any_text = || json!({ "type": "string" });
    let ms = || integer(1, rules::TIMING_MS_MAX);
    let step = || integer(1, u64::from(u32::MAX));
    let attempts = || integer(0, rules::ATTEMPTS_MAX.into());
    let priority = || integer(0, rules::PRIORITY_MAX.into());
    let key = format!("^[ -~]{{1,{}}}$", rules::IDEMPOTENCY_KEY_BYTES_MAX);
    let key = json!({ "type": "string", "pattern": key });
    let properties = json!({
        "service_required": maybe(any_text(), "What the job needs a worker for: 1–128 bytes, no control characters."),
        "job_type": maybe(any_text(), "The same, if `service_required` is absent."),
        "type": maybe(any_text(), "The same, if `job_type` is absent too."),
        "payload": { "description": "Any JSON, 8 MiB without white space; kept as it is written. Half of a surrogate \
            pair and numbers beyond a double are refused.", "default": {} },
        "ctx": { "description": "Any JSON, 8 MiB, for the worker alone; monitors are never shown it." },
        "job_id": maybe(id(), "The job's id; minted (UUID v7) if absent."),
        "priority": with_default(maybe(priority(), "Larger runs first."), rules::PRIORITY_DEFAULT),
        "requirements": { "anyOf": [reference("Requirements"), { "type": "null" }] },
        "max_attempts": with_default(maybe(attempts(), "Runs in all; 0 and 1 are one."), rules::ATTEMPTS_DEFAULT),
        "max_retries": maybe(attempts(), "Means the same as `max_attempts`; both given and different is refused."),
        "customer_id": maybe(id(), "For whom. A token that is bound to a customer submits under no other."),
        "workflow_id": maybe(id(), "Its first job fixes priority and time for later steps that state none."),
        "workflow_priority": maybe(priority(), "Goes before `priority`."),
        "workflow_datetime": maybe(json!({ "type": "integer", "format": "unix-ms" }),
            "Unix ms, moved to within the last 7 days. Decides among equal priorities; earlier runs first."),
        "current_step": maybe(step(), "From 1."),
        "step_number": maybe(step(), "The same, if `current_step` is absent."),
        "total_steps": maybe(step(), "From 1."),
        "not_before": moment("It is not given to a worker before."),
        "start_by": moment("It expires if it has not started by then; after `not_before`."),
        "finish_by": moment("It expires if it has not ended by then; after `not_before`."),
        "run_for_ms": maybe(ms(), "A run that takes longer fails as `timeout` and is retried. Also \
            `requirements.timeout_minutes`; both given and different is refused."),
        "no_progress_ms": maybe(ms(), "So does a run that says nothing for so long."),
        "fail_if_unmatched_ms": maybe(ms(), "It fails when no worker of the fleet could run it for so long."),
        "backoff": maybe(backoff(), "How long to wait between runs, with full jitter."),
        "labels": maybe(labels(), "Texts by name."),
        "idempotency_key": maybe(key, "As the header `Idempotency-Key`; both given and different is refused."),
    });
    json!({
        "type": "object",
        "description": "A job to be run. `null` is the same as absent. Other fields are ignored and listed in the \
            answer (`id`, `timestamp`, `metadata`, `output_field`, `retry_count` and `webhook_url` come from older \
            programs), or refused with `Prefer: handling=strict`. No field may be given twice; 64 levels at most.",
        "examples": [example()],
        "anyOf": named(),
        // Equal ones are taken too; nobody needs to say it twice.
        "not": { "required": ["max_attempts", "max_retries"] },
        "properties": properties,
    })
}

fn example() -> Value {
    let payload = json!({ "url": "https://example.org/small.png" });
    json!({ "service_required": "upscale", "payload": payload, "requirements": { "hardware": { "gpu_memory_gb": 16 } } })
}

fn backoff() -> Value {
    let ms = || integer(0, rules::TIMING_MS_MAX);
    let factor = json!({ "type": "number", "minimum": 1, "maximum": rules::BACKOFF_FACTOR_MAX });
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "base_ms": with_default(maybe(ms(), "At most before the second run."), rules::BACKOFF_BASE_MS),
            "factor": with_default(maybe(factor, "Each further run multiplies it."), rules::BACKOFF_FACTOR),
            "max_ms": with_default(maybe(ms(), "It grows no longer."), rules::BACKOFF_MS_MAX),
        },
    })
}

fn batch() -> Value {
    let jobs = json!({
        "type": "array",
        "maxItems": rules::BATCH_JOBS_MAX,
        "description": "Submissions. One that is none is refused alone, in its place.",
        "items": { "anyOf": [reference("Submission"), {}] },
    });
    json!({
        "type": "object",
        "description": "Many jobs, 32 MiB together.",
        "examples": [{ "jobs": [example(), example()] }],
        "required": ["jobs"],
        "additionalProperties": false,
        "properties": { "jobs": jobs },
    })
}

/// An empty list or object asks for nothing, wherever something is asked for.
fn nothing() -> Value {
    json!({ "type": ["object", "array"], "maxProperties": 0, "maxItems": 0 })
}

fn or_nothing(schemas: impl IntoIterator<Item = Value>, about: &str) -> Value {
    let schemas: Vec<_> = schemas.into_iter().chain([nothing()]).collect();
    json!({ "description": about, "anyOf": schemas })
}

fn name() -> Value {
    bytes(limits::NAME_BYTES_MAX)
}

fn names() -> Value {
    json!({ "type": "array", "items": name() })
}

fn requirements() -> Value {
    let mut schema = demands(false);
    schema["description"] = "What a worker must have; a capability that a worker does not declare satisfies nothing. \
        At most 6 levels and 64 values; `\"a.b\": 1` is the same as `\"a\": {\"b\": 1}`, and nothing may be said twice. \
        Integers must be exact: from -2^53 to 2^53. A requirement that contradicts itself is refused; one that nobody \
        meets waits."
        .into();
    schema["properties"]["positive_requirements"] = reference("Demands");
    schema["properties"]["negative_requirements"] = reference("Exclusions");
    schema
}

fn demands(excludes: bool) -> Value {
    let hardware = if excludes { "HardwareExclusions" } else { "HardwareDemands" };
    let isolation = json!({ "enum": ["strict", "loose", "none"] });
    let mut schema = json!({
        "type": "object",
        "description": "As if its keys stood at the top of the requirements.",
        "properties": {
            "hardware": or_nothing([reference(hardware)], "At least that much."),
            "models": or_nothing([name(), names()], "Has all of these for the job's service; `\"all\"`: no demand."),
            "tags": or_nothing([name(), names()], "Has all of these."),
            "region": or_nothing([name()], "Is there; not together with `geographic_region`."),
            "geographic_region": or_nothing([name()], "The same as `region`."),
            "customer_isolation": or_nothing([isolation], "`strict` needs a strict worker; the others: no demand."),
            "component": { "description": "`\"all\"`: no demand; else like any other key.",
                "anyOf": [reference("CustomDemand")] },
            "workflow": { "description": "`\"all\"`: no demand; else like any other key.",
                "anyOf": [reference("CustomDemand")] },
            "service_type": { "description": "Ignored." },
            "timeout_minutes": { "type": "number", "minimum": 0.5 / 60_000.0, "maximum": rules::TIMING_MS_MAX / 60_000,
                "description": "About the job: `run_for_ms` in minutes; it must come to 1 ms at least." },
            "positive_requirements": false,
            "negative_requirements": false,
        },
        "not": { "required": ["region", "geographic_region"] },
        "propertyNames": { "maxLength": limits::NAME_BYTES_MAX, "pattern": NAME_PATTERN },
        "additionalProperties": reference("CustomDemand"),
    });
    if excludes {
        schema["description"] = "Excludes a worker that satisfies any of its keys.".into();
        schema["properties"]["timeout_minutes"] = false.into();
    }
    schema
}

/// No empty part between dots, and no comparison.
const NAME_PATTERN: &str = "^(?!\\$)[^.]+(\\.[^.]+){0,5}$";

fn hardware(excludes: bool) -> Value {
    let mut number = json!({ "type": "number", "minimum": 0 });
    if excludes {
        number = json!({ "type": "number", "exclusiveMinimum": 0 });
    }
    let least = || or_nothing([number.clone(), json!({ "const": "all" })], "At least that much; `\"all\"`: no demand.");
    let model = or_nothing([name(), names()], "Is one of these; `\"all\"`: no demand.");
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "gpu_memory_gb": least(),
            "ram_gb": least(),
            "cpu_cores": least(),
            "gpu_count": least(),
            "gpu_model": model,
        },
    })
}

fn custom_demand() -> Value {
    let scalar = || json!({ "type": ["number", "string", "boolean"], "maxLength": limits::NAME_BYTES_MAX });
    let list = || json!({ "type": "array", "items": scalar() });
    let one = |about: &str| {
        let mut schema = scalar();
        schema["description"] = about.into();
        schema
    };
    let number = |about: &str| json!({ "type": "number", "description": about });
    // Others together are taken too, if they do not contradict one another; nobody needs that.
    let comparisons = |properties: Value| json!({ "type": "object", "minProperties": 1, "additionalProperties": false, "properties": properties });
    let options = json!({ "type": "array", "items": scalar(), "minItems": 1, "description": "One of these." });
    let range = comparisons(json!({ "$gte": number("At least."), "$lte": number("At most.") }));
    let equal = comparisons(json!({ "$eq": one("Equal.") }));
    let contained = comparisons(json!({ "$contains": one("In the worker's list.") }));
    let option = comparisons(json!({ "$in": options }));
    let nested = json!({
        "type": "object",
        "propertyNames": { "maxLength": limits::NAME_BYTES_MAX, "pattern": NAME_PATTERN },
        "additionalProperties": reference("CustomDemand"),
    });
    json!({
        "description": "A capability that the worker declares in `custom`. A number: at least; a text or truth: equal, \
            or in the worker's list; a list: contained in the worker's list; an object: by dotted path, or comparisons.",
        "anyOf": [scalar(), list(), range, equal, contained, option, nested],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse_rfc3339, rfc3339};
    use fleet::Timestamp;

    #[test]
    fn the_first_and_last_moments_are_those_that_can_be_shown_and_read() {
        let is_one = |ms: i64| parse_rfc3339(&rfc3339(Timestamp(ms))) == Some(Timestamp(ms));
        assert!(is_one(TIME_MS.0) && is_one(TIME_MS.1));
        assert!(!is_one(TIME_MS.0 - 1) && !is_one(TIME_MS.1 + 1));
    }
}
