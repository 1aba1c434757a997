//! The codes of problems (`wire.md` §11): what programs may depend on.

use serde_json::json;
use std::borrow::Cow;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A status, its code, and when it is given.
type Code = (u16, &'static str, &'static str);

pub(super) const CODES: [Code; 32] = [
    (400, "bad_json", "the body is not JSON, or is nested too deeply"),
    (400, "bad_field", "a field, parameter or header is wrong; `detail` names it, its value and its limit"),
    (400, "unknown_field", "there is no such field here"),
    (400, "bad_requirement", "a requirement is wrong; `pointer` says where it stands"),
    (400, "unknown_type", "a socket's message has a `type` that its door does not know"),
    (400, "bad_body", "the body could not be read to its end"),
    (401, "unauthorized", "no token, or one that is not known (any more)"),
    (403, "forbidden", "the token's roles do not allow it, or the request is for another host or from another site"),
    (404, "job_not_found", "there is no such job, or none that the caller may see"),
    (404, "unknown_machine", "there is no such machine: join with `PUT /api/machines/{id}`"),
    (404, "unknown_worker", "there is no such worker: register with `PUT /api/workers/{id}`"),
    (404, "not_found", "there is nothing at this path"),
    (405, "method_not_allowed", "the path does not take this method; `Allow` says which it takes"),
    (408, "timeout", "the body did not arrive in time"),
    (409, "job_id_conflict", "the job id is taken by a job with other content"),
    (409, "idempotency_conflict", "the idempotency key was used for a job with other content"),
    (409, "not_finished", "the job has not ended yet"),
    (409, "already_finished", "the job has ended already"),
    (409, "already_assigned", "a worker holds the job"),
    (409, "lease_lost", "the lease is no longer held: stop the work and throw its result away"),
    (409, "session_replaced", "the worker was registered again since: this session's calls count no more"),
    (410, "payload_gone", "the job's payload was dropped since, or is damaged"),
    (413, "payload_too_large", "the body, or a part of it, is larger than its limit"),
    (426, "upgrade_required", "this door is for WebSockets of version 13"),
    (429, "rate_limited", "too many requests; `Retry-After` says when to come back"),
    (500, "internal", "a bug, in this request alone; the server's log says where"),
    (503, "inbox_full", "too much waits to be decided; ask again"),
    (503, "store_unavailable", "the store is away: nobody knows yet whether it happened; asking again tells"),
    (503, "too_many_classes", "waiting jobs have too many different sets of requirements"),
    (503, "too_many_connections", "too many connections are open"),
    (503, "shutting_down", "this broker is shutting down; ask again"),
    (507, "store_full", "there is no room for more jobs; what runs goes on"),
];

/// The status that comes with a code, and the sentence; `None` if the code is not promised.
pub(super) fn about(code: &str) -> Option<(u16, &'static str)> {
    CODES.iter().find(|(_, known, _)| *known == code).map(|(status, _, why)| (*status, *why))
}

/// Whether programs may meet this code, with this status.
pub(crate) fn is_promised(status: u16, code: &str) -> bool {
    about(code).is_some_and(|(known, _)| known == status)
}

/// All of them.
pub fn problem_codes() -> impl Iterator<Item = &'static str> {
    CODES.iter().map(|(_, code, _)| *code)
}

/// All of them, for who reads.
pub(super) fn told() -> Vec<serde_json::Value> {
    let one = |(status, code, why): &Code| json!({ "status": status, "code": code, "description": format!("{why}.") });
    CODES.iter().map(one).collect()
}

/// Stands for the text of a code where a shape has one.
#[derive(Debug)]
pub struct ProblemCode;

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let about = "Stable: programs may depend on it. `detail` is for people and may change.";
        let codes = CODES.iter().map(|(_, code, _)| *code);
        let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(about)).enum_values(Some(codes));
        schema.into()
    }
}

impl ToSchema for ProblemCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProblemCode")
    }
}
