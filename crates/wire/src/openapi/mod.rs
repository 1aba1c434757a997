//! The reference: every door there is, as an OpenAPI 3.1 document. It is made from one table, a row
//! an operation, and from the shapes that `wire` reads and writes.
//!
//! ```text
//!   jobs streams agents operators ─ rows ──────┐
//!   derived shapes ◀─ reported: what is checked ├─▶ document ─▶ GET /api/openapi.json, golden/openapi.json
//!   submission: shapes that are read by hand ───┤
//!   sockets, codes ─────────────────────────────┘
//! ```

mod agents;
mod codes;
mod jobs;
mod operation;
mod operators;
mod parameters;
mod reported;
mod sockets;
mod streams;
mod submission;

pub(crate) use codes::is_promised;
pub use codes::{ProblemCode, problem_codes};
pub use operation::Operation;

use crate::Problem;
use crate::topics::Topics;
use operation::Schemas;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

const ABOUT: &str = "Callboard takes jobs, gives them to workers that pull, and tells everybody what happens.\n\n\
    JSON in UTF-8. Times in bodies are RFC 3339 in UTC with milliseconds, in messages Unix milliseconds; durations end \
    in `_ms`. A refusal is `application/problem+json` with a stable `code`; its `detail` is for people. 429, 503 and 507 \
    carry `Retry-After`. After 503 `store_unavailable` nobody knows yet whether it happened: name your jobs (`job_id` or \
    `Idempotency-Key`), then asking again tells and does nothing twice. An answer to a decision says its `event_id`, \
    absent if nothing happened. Bodies hold no other fields than these; what is added later is in answers and messages.\n\n\
    A board without tokens listens on loopback and takes everybody for an administrator.";

type Rows = fn() -> Vec<Operation>;

/// In the order in which a reader wants them.
const TAGS: [(&str, &str, Rows); 10] = [
    ("Jobs", "Submit, look, cancel, retry.", jobs::rows),
    ("Streams", streams::ABOUT, streams::rows),
    (
        "Machines",
        "A machine joins, beats every 2.5 s, takes orders and leaves. 8 s of silence: its jobs go back.",
        agents::machines,
    ),
    ("Workers", "A worker registers and asks for jobs.", agents::workers),
    (
        "Leases",
        "A lease lasts 8 s and is renewed by its machine's heartbeat or any report. Once it has ended it is never \
      accepted again: stop the work and throw its result away.",
        agents::leases,
    ),
    ("Fleet", "What is there.", operators::fleet),
    ("Operations", "What operators hold back and let go.", operators::holding),
    ("Access", "Signing in, and tickets.", operators::access),
    ("Health", "How the broker is.", operators::health),
    ("Page", "What people look at.", operators::page),
];

/// Every operation, tag by tag.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let rows = |(tag, _, rows): &(&'static str, &str, Rows)| {
        let tag = *tag;
        rows().into_iter().map(move |row| row.tagged(tag))
    };
    TAGS.iter().flat_map(rows).collect()
}

/// The paths of the WebSocket doors.
#[must_use]
pub fn sockets() -> Vec<String> {
    let doors = sockets::doors();
    let path = |door: &Value| door["path"].as_str().map(str::to_owned);
    doors.as_array().into_iter().flatten().filter_map(path).collect()
}

/// The document, in as few bytes as may be.
#[must_use]
pub fn json() -> String {
    document().to_string()
}

/// The document, to be read and compared.
#[must_use]
pub fn pretty() -> String {
    format!("{:#}\n", document())
}

fn document() -> Value {
    let operations = operations();
    let mut paths = Map::new();
    for operation in &operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] = operation.render();
    }
    let tag = |(name, about, _): &(&str, &str, Rows)| json!({ "name": name, "description": about });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Callboard",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": TAGS.iter().map(tag).collect::<Vec<_>>(),
        "paths": paths,
        "security": [{ "bearer": [] }, { "session": [] }],
        "components": {
            "schemas": schemas(&operations),
            "responses": operations.iter().flat_map(Operation::refusals).collect::<Map<_, _>>(),
            "securitySchemes": security(),
            "headers": headers(),
        },
        "x-websockets": sockets::doors(),
        "x-problems": codes::told(),
    })
}

fn schemas(operations: &[Operation]) -> Map<String, Value> {
    let mut derived = Schemas::new();
    operations.iter().for_each(|operation| operation.add_schemas(&mut derived));
    derived.insert(Problem::name().into_owned(), Problem::schema());
    derived.insert(ProblemCode::name().into_owned(), ProblemCode::schema());
    let value = |schema| serde_json::to_value(schema).unwrap_or_default();
    let mut schemas: Map<String, Value> = derived.into_iter().map(|(name, schema)| (name, value(schema))).collect();
    for (name, checks) in reported::checks() {
        lay_over(&mut schemas[name], checks);
    }
    for (name, example) in reported::examples() {
        schemas[name]["examples"] = json!([example]);
    }
    let text = || json!({ "type": "string" });
    let required =
        |field: &str, properties: Value| json!({ "type": "object", "required": [field], "properties": properties });
    let written = [
        ("Topic", json!({ "type": "string", "enum": Topics::NAMES })),
        ("SignIn", required("token", json!({ "token": text() }))),
        ("Ticket", required("ticket", json!({ "ticket": text() }))),
    ];
    let written = written.into_iter().chain(submission::schemas()).chain(reported::schemas());
    schemas.extend(written.map(|(name, schema)| (name.to_owned(), schema)));
    schemas
}

/// An object is added to; anything else takes the place of what was there.
fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            over.into_iter().for_each(|(name, over)| lay_over(under.entry(name).or_insert(Value::Null), over));
        }
        (under, over) => *under = over,
    }
}

fn security() -> Value {
    let in_query =
        |name: &str, about: &str| json!({ "type": "apiKey", "in": "query", "name": name, "description": about });
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <token>`." },
        "session": {
            "type": "apiKey", "in": "cookie", "name": "callboard_session",
            "description": "What a browser has after signing in.",
        },
        "token": in_query("token", "The token in the address of a socket or stream, where no header can be set."),
        "ticket": in_query("ticket", "A single-use ticket for a socket or stream, from another site."),
    })
}

fn headers() -> Value {
    let text = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
    let seconds = json!({ "type": "integer", "minimum": 0 });
    json!({
        "Location": text("The job."),
        "Preference-Applied": text("`wait`, if that was asked for."),
        "Retry-After": { "description": "Seconds after which to ask again.", "schema": seconds },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn everything_that_is_named_is_there_and_has_a_name_of_its_own() {
        let document = document();
        let text = document.to_string();
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().unwrap_or_default();
            assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
        }
        let operations = operations();
        let ids: BTreeSet<_> = operations.iter().map(|operation| operation.id).collect();
        assert_eq!(ids.len(), operations.len(), "an operationId is used twice");
        for operation in &operations {
            let unknown: Vec<_> = operation.codes().filter(|code| codes::about(code).is_none()).collect();
            assert_eq!(unknown, [""; 0], "{}: codes that the table of codes does not have", operation.id);
        }
    }

    #[test]
    fn nothing_is_laid_over_a_field_that_is_not_there() {
        let mut derived = Schemas::new();
        operations().iter().for_each(|operation| operation.add_schemas(&mut derived));
        for (name, checks) in reported::checks() {
            let schema = serde_json::to_value(&derived[name]).unwrap();
            for field in checks["properties"].as_object().unwrap().keys() {
                assert!(schema["properties"].get(field).is_some(), "{name} has no field {field}");
            }
        }
    }

    #[test]
    fn what_open_paths_leave_open_is_a_parameter() {
        for operation in operations() {
            let rendered = operation.render();
            let parameters = rendered["parameters"].as_array().cloned().unwrap_or_default();
            let told: BTreeSet<_> =
                parameters.iter().filter(|one| one["in"] == "path").map(|one| one["name"].as_str()).collect();
            let open = operation.path.split('{').skip(1).map(|rest| rest.split('}').next()).collect();
            assert_eq!(told, open, "{}", operation.path);
        }
    }
}
