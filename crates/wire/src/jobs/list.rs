//! `GET /api/jobs`: what is asked for, and the page that is given.

use super::JobView;
use crate::words::{self, JobStatus};
use crate::{Malformed, limits, parse_rfc3339};
use fleet::Timestamp;
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
    /// Several with commas, here and below.
    pub status: Option<String>,
    pub service: Option<String>,
    pub customer_id: Option<String>,
    pub workflow_id: Option<String>,
    /// Jobs that ever ran there.
    pub worker_id: Option<String>,
    pub machine_id: Option<String>,
    /// Submitted at this time or later: RFC 3339, or Unix milliseconds.
    pub since: Option<String>,
    /// Submitted before this time.
    pub until: Option<String>,
    /// Words that must all occur in the text of a job that has ended.
    pub q: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
    pub offset: Option<usize>,
}

/// A query that holds together. An empty list of values lets everything pass.
#[derive(Clone, Debug)]
pub struct List {
    pub statuses: Vec<fleet::Status>,
    pub services: Vec<String>,
    pub customers: Vec<String>,
    pub workflows: Vec<String>,
    pub workers: Vec<String>,
    pub machines: Vec<String>,
    /// Who submitted it. Not asked for: it is what the caller may see.
    pub principals: Vec<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub text: Option<String>,
    pub limit: usize,
    /// Jobs submitted before this number.
    pub before: u64,
    /// Rows to pass over first.
    pub skip: usize,
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
        let statuses = values("status", self.status)?.into_iter().map(status).collect::<Result<Vec<_>, _>>()?;
        let limit = check_limit(self.limit)?;
        let skip = self.offset.unwrap_or(0);
        if skip > limits::OFFSET_MAX {
            let why = format!("is {skip}; at most {} rows can be passed over, go on with cursor", limits::OFFSET_MAX);
            return Err(Malformed::field("offset", why));
        }
        if skip > 0 && self.cursor.is_some() {
            return Err(Malformed::field("offset", "cannot be combined with cursor"));
        }
        let before = match self.cursor {
            None => u64::MAX,
            Some(cursor) => cursor.parse().map_err(|_| Malformed::field("cursor", "is not one that a list gave"))?,
        };
        if self.q.as_ref().is_some_and(|q| q.len() > limits::SEARCH_BYTES_MAX) {
            return Err(Malformed::field("q", format!("is longer than {} bytes", limits::SEARCH_BYTES_MAX)));
        }
        Ok(List {
            statuses,
            services: values("service", self.service)?,
            customers: values("customer_id", self.customer_id)?,
            workflows: values("workflow_id", self.workflow_id)?,
            workers: values("worker_id", self.worker_id)?,
            machines: values("machine_id", self.machine_id)?,
            principals: Vec::new(),
            since: time("since", self.since)?,
            until: time("until", self.until)?,
            text: self.q.filter(|q| !q.trim().is_empty()),
            limit,
            before,
            skip,
        })
    }
}

/// What stands between commas.
fn values(name: &str, given: Option<String>) -> Result<Vec<String>, Malformed> {
    let given = given.unwrap_or_default();
    let values: Vec<_> = given.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    match values.len() <= limits::FILTER_VALUES_MAX {
        true => Ok(values),
        false => {
            let why = format!("has {} values; at most {} are allowed", values.len(), limits::FILTER_VALUES_MAX);
            Err(Malformed::field(name, why))
        }
    }
}

fn status(word: String) -> Result<fleet::Status, Malformed> {
    let why = "is no status; there are pending, assigned, in_progress, completed, failed, cancelled";
    let status = serde_json::from_value::<JobStatus>(serde_json::Value::String(word.clone())).map(Into::into);
    status.map_err(|_| Malformed::field("status", format!("{:?} {why}", words::cut(word, 64))))
}

fn time(name: &str, given: Option<String>) -> Result<Option<Timestamp>, Malformed> {
    let Some(text) = given.filter(|text| !text.is_empty()) else { return Ok(None) };
    let time = text.parse().ok().map(Timestamp).or_else(|| parse_rfc3339(&text));
    let why = || {
        let shown = words::cut(text.clone(), 64);
        format!("is {shown:?}; it must be a time like 2026-11-21T22:44:16.746Z, or Unix milliseconds")
    };
    time.map(Some).ok_or_else(|| Malformed::field(name, why()))
}

impl List {
    /// Whether nothing is asked of a job but its status and service.
    #[must_use]
    pub fn is_by_status_and_service(&self) -> bool {
        let others = [&self.customers, &self.workflows, &self.workers, &self.machines, &self.principals];
        others.iter().all(|values| values.is_empty())
            && self.since.is_none()
            && self.until.is_none()
            && self.text.is_none()
    }
}
