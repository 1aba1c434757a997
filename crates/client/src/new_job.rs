//! A submission, put together field by field.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What [`crate::Client::submit`] sends; the fields and defaults are those of `wire.md` §8a.
#[derive(Clone, Debug, Serialize)]
pub struct NewJob<P> {
    service_required: String,
    payload: P,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requirements: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_id: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Value>,
}

impl<P: Serialize> NewJob<P> {
    /// The payload is sent as it serialises; raw JSON stays as it is written.
    #[must_use]
    pub fn new(service: impl Into<String>, payload: P) -> NewJob<P> {
        NewJob {
            service_required: service.into(),
            payload,
            job_id: None,
            priority: None,
            max_attempts: None,
            requirements: None,
            customer_id: None,
            workflow_id: None,
            labels: BTreeMap::new(),
            ctx: None,
        }
    }

    /// With an id of its own a submission may be repeated: it stays one job.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> NewJob<P> {
        self.job_id = Some(id.into());
        self
    }

    /// 0 to 1,000,000, larger first; 50 if not given.
    #[must_use]
    pub fn priority(mut self, priority: u32) -> NewJob<P> {
        self.priority = Some(priority);
        self
    }

    /// Runs in all, 1 to 100; 3 if not given.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> NewJob<P> {
        self.max_attempts = Some(attempts);
        self
    }

    /// What the worker must have, as the reference (`/docs`) describes it.
    #[must_use]
    pub fn requirements(mut self, requirements: Value) -> NewJob<P> {
        self.requirements = Some(requirements);
        self
    }

    #[must_use]
    pub fn customer(mut self, id: impl Into<String>) -> NewJob<P> {
        self.customer_id = Some(id.into());
        self
    }

    #[must_use]
    pub fn workflow(mut self, id: impl Into<String>) -> NewJob<P> {
        self.workflow_id = Some(id.into());
        self
    }

    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> NewJob<P> {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Given to the worker beside the payload, never shown to monitors.
    #[must_use]
    pub fn ctx(mut self, ctx: Value) -> NewJob<P> {
        self.ctx = Some(ctx);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_said_is_not_sent() {
        let job = NewJob::new("digest", serde_json::json!({"a": 1})).id("j-1").label("k", "v");
        let said = serde_json::to_string(&job).unwrap();
        assert_eq!(said, r#"{"service_required":"digest","payload":{"a":1},"job_id":"j-1","labels":{"k":"v"}}"#);
    }
}
