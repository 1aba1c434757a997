//! What the holder of a lease reports.

use super::Assignment;
use crate::words::FailureType;
use crate::{Json, Malformed, compact, json, limits, words};
use bytes::Bytes;
use fleet::{Fail, Failure, FailureKind, LeaseId, Progress};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// `POST /api/leases/{lease}/progress`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgressBody {
    /// 0 to 1.
    pub progress: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_step: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_steps: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_completion: Option<String>,
}

impl ProgressBody {
    /// # Errors
    /// The fraction is not one.
    pub fn progress(self) -> Result<Progress, Malformed> {
        if !(0.0..=1.0).contains(&self.progress) {
            let why = format!("is {}; it is a fraction and must be from 0 to 1", self.progress);
            return Err(Malformed::field("progress", why));
        }
        Ok(Progress {
            fraction: self.progress,
            message: self.message.map(|text| words::cut(text, limits::MESSAGE_BYTES_MAX)),
            current_step: self.current_step,
            total_steps: self.total_steps,
            estimated_completion: self.estimated_completion.map(|text| words::cut(text, 64)),
        })
    }
}

/// `POST /api/leases/{lease}/finish`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishBody {
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    pub result: Option<Json>,
}

impl FinishBody {
    /// The result's bytes; an absent one is `null`.
    ///
    /// # Errors
    /// It is too large.
    pub fn result(self) -> Result<Bytes, Malformed> {
        match self.result {
            Some(result) => compact(&result, "result", limits::RESULT_BYTES_MAX),
            None => Ok(Bytes::from_static(b"null")),
        }
    }
}

/// `POST /api/leases/{lease}/fail`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailBody {
    pub error: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "json::maybe_object")]
    pub failure: Option<FailureBody>,
    #[serde(default = "yes")]
    pub retry: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureBody {
    #[serde(rename = "type")]
    pub kind: FailureType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl FailBody {
    /// `roll` is random. A failure without a type counts as `internal`.
    ///
    /// # Errors
    /// `broker` is a failure that only the broker tells.
    pub fn fail(self, lease: LeaseId, roll: u32) -> Result<Fail, Malformed> {
        let failure = match self.failure {
            Some(FailureBody { kind: FailureType::Broker, .. }) => {
                return Err(Malformed::field("failure.type", "\"broker\" is what only the broker tells"));
            }
            Some(FailureBody { kind, reason }) => Failure { kind: kind.into(), reason: reason.map(cut_error) },
            None => Failure { kind: FailureKind::Internal, reason: None },
        };
        let error = cut_error(self.error);
        Ok(Fail { lease, error, failure, retry: self.retry, retry_after_ms: self.retry_after_ms, roll })
    }
}

/// The answer to a failure.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FailAnswer {
    pub success: bool,
    pub will_retry: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
    /// With `?next=1`, if there is another job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Assignment>,
    /// The event of this decision; absent if nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// The answer to a finish.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FinishAnswer {
    pub success: bool,
    /// With `?next=1`, if there is another job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Assignment>,
    /// The event of this decision; absent if nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// `POST /api/leases/{lease}/release`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReleaseBody {
    pub reason: Option<String>,
}

impl ReleaseBody {
    #[must_use]
    pub fn reason(self) -> Option<Arc<str>> {
        self.reason.map(cut_error)
    }
}

fn cut_error(text: String) -> Arc<str> {
    words::cut(text, limits::ERROR_BYTES_MAX).into()
}
