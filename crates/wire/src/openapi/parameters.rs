//! What stands in paths, queries and headers.

use crate::limits;
use fleet::limits as rules;
use serde_json::{Value, json};

/// A parameter; its schema is made when it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    name: &'static str,
    place: Place,
    about: &'static str,
    schema: fn() -> Value,
    is_required: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Place {
    Path,
    Query,
    Header,
}

const fn path(name: &'static str, about: &'static str, schema: fn() -> Value) -> Parameter {
    Parameter { name, place: Place::Path, about, schema, is_required: true }
}

pub(super) const fn query(name: &'static str, about: &'static str, schema: fn() -> Value) -> Parameter {
    Parameter { name, place: Place::Query, about, schema, is_required: false }
}

const fn header(name: &'static str, about: &'static str, schema: fn() -> Value) -> Parameter {
    Parameter { name, place: Place::Header, about, schema, is_required: false }
}

impl Parameter {
    pub(super) const fn required(self) -> Parameter {
        Parameter { is_required: true, ..self }
    }

    pub(super) fn render(&self) -> Value {
        let place = match self.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
        };
        let schema = (self.schema)();
        let mut parameter = json!({ "name": self.name, "in": place, "description": self.about, "schema": schema });
        if self.is_required {
            parameter["required"] = true.into();
        }
        // Several values stand between commas.
        if self.place == Place::Query && parameter["schema"]["type"] == "array" {
            parameter["style"] = "form".into();
            parameter["explode"] = false.into();
        }
        parameter
    }
}

/// `[A-Za-z0-9][A-Za-z0-9._:@=+~-]{0,127}`.
pub(super) fn id() -> Value {
    let rest = rules::ID_BYTES_MAX - 1;
    json!({ "type": "string", "pattern": format!("^[A-Za-z0-9][A-Za-z0-9._:@=+~-]{{0,{rest}}}$") })
}

/// The name of a service, or of anything else that may not hold control characters.
pub(super) fn service() -> Value {
    let pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";
    json!({ "type": "string", "minLength": 1, "maxLength": limits::SERVICE_BYTES_MAX, "pattern": pattern })
}

/// 128 random bits: a secret.
pub(super) fn lease() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{32}$" })
}

fn session() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{16}$" })
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// Empty ones do not count.
fn texts() -> Value {
    let counted = json!({ "minLength": 1 });
    let max = limits::FILTER_VALUES_MAX;
    json!({ "type": "array", "items": text(), "contains": counted, "minContains": 0, "maxContains": max })
}

fn ids() -> Value {
    json!({ "type": "array", "items": id(), "maxItems": limits::FILTER_VALUES_MAX })
}

fn statuses() -> Value {
    let items = json!({ "$ref": "#/components/schemas/JobStatus" });
    json!({ "type": "array", "items": items, "maxItems": limits::FILTER_VALUES_MAX })
}

fn topics() -> Value {
    json!({ "type": "array", "items": { "$ref": "#/components/schemas/Topic" } })
}

/// The same in a query, where an empty one is the same as absent.
fn time_or_empty() -> Value {
    let empty = json!({ "type": "string", "maxLength": 0 });
    json!({ "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "integer", "format": "unix-ms" }, empty] })
}

/// RFC 3339, or Unix milliseconds.
pub(super) fn time() -> Value {
    json!({ "oneOf": [{ "type": "string", "format": "date-time" }, { "type": "integer", "format": "unix-ms" }] })
}

fn flag_off() -> Value {
    json!({ "type": "integer", "enum": [0, 1], "default": 0 })
}

fn flag_on() -> Value {
    json!({ "type": "integer", "enum": [0, 1], "default": 1 })
}

fn position() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]+-[0-9]+-[0-9a-f]{16}$" })
}

fn idempotency_key() -> Value {
    json!({ "type": "string", "pattern": format!("^[ -~]{{1,{}}}$", rules::IDEMPOTENCY_KEY_BYTES_MAX) })
}

fn limit() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": limits::PAGE_MAX, "default": limits::PAGE_DEFAULT })
}

fn offset() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": limits::OFFSET_MAX, "default": 0 })
}

fn cursor() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{1,19}$" })
}

fn search() -> Value {
    json!({ "type": "string", "maxLength": limits::SEARCH_BYTES_MAX })
}

fn wait_ms() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": limits::WAIT_MS_MAX, "default": 0 })
}

fn priorities() -> Value {
    let priority = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    json!({ "type": "array", "items": priority, "minItems": 2, "maxItems": 2 })
}

/// On every `GET` of JSON that needs a token.
pub(super) const AFTER: Parameter =
    query("after", "Read your writes: waits up to 2 s until this event was seen, else 503.", position);

pub(super) const JOB: Parameter = path("id", "The job.", id);
pub(super) const MACHINE: Parameter = path("id", "The machine.", id);
pub(super) const WORKER: Parameter = path("id", "The worker.", id);
pub(super) const LEASE: Parameter = path("lease", "The lease: a secret that the worker was given.", lease);
pub(super) const SERVICE: Parameter = path("name", "The service.", service);
pub(super) const ASSET: Parameter = path("path", "A file of the page.", text);

pub(super) const IDEMPOTENCY_KEY: Parameter = header(
    "Idempotency-Key",
    "Stands for this submission until 24 h after its job ended. Item `i` of a batch has the key `<key>#<i>`.",
    idempotency_key,
);
pub(super) const STRICT: Parameter =
    header("Prefer", "`handling=strict`: fields that are not known are refused, not ignored (RFC 7240).", text);
pub(super) const PREFER: Parameter = header(
    "Prefer",
    "`wait=N`: wait up to N seconds, 60 at most, for the job's end. `handling=strict`: fields that are not known are \
     refused, not ignored. Both with a comma between them (RFC 7240).",
    text,
);
pub(super) const CLIENT_ID: Parameter =
    header("X-Client-Id", "The client that follows the job: `GET /api/events/client?client_id=` tells it.", id);
pub(super) const SESSION: Parameter =
    header("X-Worker-Session", "The session that `PUT /api/workers/{id}` gave.", session);
pub(super) const LAST_EVENT_ID: Parameter =
    header("Last-Event-ID", "Go on after this event; a browser sends it by itself. Goes before `since`.", text);

pub(super) const SINCE_EVENT: Parameter = query("since", "Go on after this event: no gap, no repeat.", text);
pub(super) const TOPICS: Parameter = query("topics", "What is told; all but logs and partial results.", topics);
pub(super) const WANTED_SNAPSHOT: Parameter = query("snapshot", "0 leaves out the snapshot.", flag_on);
pub(super) const PAYLOADS: Parameter = query("payloads", "0 leaves out payloads and results.", flag_on);
pub(super) const WAIT_MS: Parameter = query("wait_ms", "How long to wait if there is nothing yet.", wait_ms);
pub(super) const START: Parameter = query("start", "1: the job counts as started.", flag_off);
pub(super) const NEXT: Parameter = query("next", "1: give the next job too, if there is one.", flag_off);
pub(super) const LIMIT: Parameter = query("limit", "Rows of the page.", limit);
pub(super) const ONE_SERVICE: Parameter = query("service", "Only this service.", service);

/// The filters and the page of `GET /api/jobs`. All have to hold; of several values one suffices.
pub(super) const JOB_LIST: [Parameter; 12] = [
    query("status", "In one of these states.", statuses),
    query("service", "Of one of these services.", texts),
    query("customer_id", "Of one of these customers.", texts),
    query("workflow_id", "Of one of these workflows.", texts),
    query("worker_id", "Ran on one of these workers, in its last 32 attempts.", texts),
    query("machine_id", "Ran on one of these machines, in its last 32 attempts.", texts),
    query("since", "Submitted then or later.", time_or_empty),
    query("until", "Submitted before that.", time_or_empty),
    query(
        "q",
        "Words that all stand in the text of an ended job: its payload up to 64 KiB, error, labels, ids. Needs \
         `serve --search`. What ended a moment ago is found once the archive has it.",
        search,
    ),
    LIMIT,
    query("cursor", "`next_cursor` of the page before. Goes on there whatever was added meanwhile.", cursor),
    query("offset", "Rows to pass over; not together with `cursor`.", offset),
];

/// What narrows a monitor's stream. An event passes if all of these let it pass.
pub(super) const FILTERS: [Parameter; 6] = [
    query("job_types", "Jobs of one of these services.", texts),
    query("worker_ids", "Events of one of these workers.", texts),
    query("machine_ids", "Events of one of these machines.", texts),
    query("priority_range", "Jobs whose priority is from the first to the second.", priorities),
    query("customer_ids", "Jobs of one of these customers.", texts),
    query("workflow_ids", "Jobs of one of these workflows.", texts),
];

pub(super) const CLIENT_STREAM: [Parameter; 3] = [
    query("client_id", "All jobs that this client submits, here and over HTTP with `X-Client-Id`.", id),
    query("job_id", "These jobs.", ids),
    query("workflow_id", "All jobs of this workflow that the caller may see.", id),
];
