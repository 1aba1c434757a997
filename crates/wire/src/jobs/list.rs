//! `GET /api/jobs`: what is asked for, and the page that is given.

use super::JobView;
use crate::words::{self, JobStatus};
use crate::{Malformed, limits};
use fleet::Job;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to `GET /api/jobs`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    pub success: bool,
    pub jobs: Vec<JobView>,
    /// How many jobs pass the filter.
    pub total: u64,
    /// `exact`, or `at_least` when not all were looked at.
    pub total_is: String,
    /// Give it as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    pub timestamp: String,
}

/// The filter and page of `GET /api/jobs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListQuery {
    /// Several with commas.
    pub status: Option<String>,
    pub service: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// A query that holds together.
#[derive(Clone, Debug)]
pub struct List {
    pub statuses: Vec<fleet::Status>,
    pub service: Option<String>,
    pub limit: usize,
    /// Jobs submitted before this number.
    pub before: u64,
}

/// # Errors
/// Not a number of rows that one page may have.
pub(crate) fn check_limit(asked: Option<usize>) -> Result<usize, Malformed> {
    let limit = asked.unwrap_or(limits::PAGE_DEFAULT);
    match (1..=limits::PAGE_MAX).contains(&limit) {
        true => Ok(limit),
        false => Err(Malformed::field("limit", format!("is {limit}; it must be from 1 to {}", limits::PAGE_MAX))),
    }
}

impl ListQuery {
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn check(self) -> Result<List, Malformed> {
        let words = self.status.as_deref().unwrap_or_default().split(',').filter(|word| !word.is_empty());
        let statuses = words
            .map(|word| {
                let quoted = serde_json::Value::String(word.to_owned());
                let status = serde_json::from_value::<JobStatus>(quoted).map(Into::into);
                let why = "is no status; there are pending, assigned, in_progress, completed, failed, cancelled";
                status.map_err(|_| Malformed::field("status", format!("{:?} {why}", words::cut(word.to_owned(), 64))))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let limit = check_limit(self.limit)?;
        let before = match self.cursor {
            None => u64::MAX,
            Some(cursor) => cursor.parse().map_err(|_| Malformed::field("cursor", "is not one that a list gave"))?,
        };
        Ok(List { statuses, service: self.service, limit, before })
    }
}

impl List {
    #[must_use]
    pub fn passes(&self, job: &Job) -> bool {
        let service = job.spec.requirements.service.as_str();
        (self.statuses.is_empty() || self.statuses.contains(&job.status()))
            && self.service.as_deref().is_none_or(|wanted| wanted == service)
    }
}
