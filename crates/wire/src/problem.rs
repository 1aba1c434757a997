//! How a refusal is told over HTTP: RFC 9457 `application/problem+json`, with a stable `code`.

use crate::openapi::ProblemCode;
use crate::{Malformed, limits, openapi, words};
use fleet::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every answer from 400 up. `success` and `error` repeat it for older callers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Stable: programs may depend on it. `detail` is for people and may change.
    #[schema(value_type = ProblemCode)]
    pub code: String,
    /// Where in the submission a bad requirement stands, as a JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    pub success: bool,
    pub error: String,
}

impl Problem {
    #[must_use]
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Problem {
        debug_assert!(openapi::is_promised(status, code), "{status} {code} is not in openapi/codes.rs");
        let detail = words::cut(detail.into(), limits::DETAIL_BYTES_MAX);
        Problem {
            kind: "about:blank".to_owned(),
            title: code.replace('_', " "),
            status,
            error: detail.clone(),
            detail,
            code: code.to_owned(),
            pointer: None,
            success: false,
        }
    }

    /// As it is sent by those who write an answer by hand.
    #[must_use]
    pub fn json(&self) -> String {
        // Texts and a number: there is nothing that can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Problem {
        let (status, code) = match refusal {
            Refusal::JobNotFound { .. } => (404, "job_not_found"),
            Refusal::JobIdConflict { .. } => (409, "job_id_conflict"),
            Refusal::IdempotencyConflict => (409, "idempotency_conflict"),
            Refusal::NotFinished { .. } => (409, "not_finished"),
            Refusal::AlreadyFinished { .. } => (409, "already_finished"),
            Refusal::LeaseLost => (409, "lease_lost"),
            Refusal::SessionReplaced { .. } => (409, "session_replaced"),
            Refusal::UnknownMachine { .. } => (404, "unknown_machine"),
            Refusal::UnknownWorker { .. } => (404, "unknown_worker"),
            Refusal::TooManyMachines | Refusal::TooManyWorkers { .. } => (400, "bad_field"),
            Refusal::TooManyFollowed { .. } | Refusal::TooManyWorkflowsFollowed { .. } => (429, "rate_limited"),
            Refusal::TooManyClasses => (503, "too_many_classes"),
        };
        Problem::new(status, code, refusal.to_string())
    }
}

impl From<&Malformed> for Problem {
    fn from(malformed: &Malformed) -> Problem {
        let (status, code) = match malformed {
            Malformed::Json { .. } => (400, "bad_json"),
            Malformed::Field { .. } => (400, "bad_field"),
            Malformed::Unknown { .. } => (400, "unknown_field"),
            Malformed::Requirement { .. } => (400, "bad_requirement"),
            Malformed::TooLarge { .. } | Malformed::TooMany { .. } => (413, "payload_too_large"),
        };
        let pointer = match malformed {
            Malformed::Requirement { pointer, .. } => Some(pointer.clone()),
            _ => None,
        };
        Problem { pointer, ..Problem::new(status, code, malformed.to_string()) }
    }
}
