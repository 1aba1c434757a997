//! The answers to those who submit and cancel.

use super::JobView;
use crate::openapi::ProblemCode;
use crate::words::JobStatus;
use fleet::JobId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to `POST /api/jobs`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Submitted {
    pub success: bool,
    pub job_id: String,
    pub status: JobStatus,
    pub message: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    pub urls: JobUrls,
    /// The event that took the job in; absent for a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// For a retry: the ended job that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    pub timestamp: String,
}

/// The answer to `POST /api/jobs` with `Prefer: wait=N` about a job that has ended: that of
/// `GET /api/jobs/{id}`, and what a submission is answered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EndedInTime {
    pub success: bool,
    pub job_id: String,
    pub job: JobView,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// The event that took the job in; absent for a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub timestamp: String,
}

/// The answer to `POST /api/jobs:batch`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SubmittedAll {
    /// The batch was read; what became of each job stands with it.
    pub success: bool,
    pub results: Vec<BatchItem>,
    /// The first event of this decision; absent if nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub timestamp: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchItem {
    pub index: usize,
    pub status: BatchStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ProblemCode>)]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    Created,
    Duplicate,
    Refused,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobUrls {
    #[serde(rename = "self")]
    pub itself: String,
    pub events: String,
    pub cancel: String,
    /// Why it waits.
    pub explain: String,
}

impl JobUrls {
    #[must_use]
    pub fn of(job: &JobId) -> JobUrls {
        let itself = format!("/api/jobs/{job}");
        JobUrls {
            events: format!("{itself}/events"),
            cancel: format!("{itself}/cancel"),
            explain: format!("{itself}/explain"),
            itself,
        }
    }
}

/// The answer to `POST /api/jobs/{id}/cancel`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Cancelled {
    pub success: bool,
    pub job_id: String,
    pub status: JobStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub timestamp: String,
}
