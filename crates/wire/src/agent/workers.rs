//! Workers register and ask for work.

use super::{CapabilitiesBody, Orders, lease_text, parse_leases};
use crate::{Malformed, jobs, json, rfc3339};
use fleet::limits as rules;
use fleet::{JoinWorker, LeaseId, MachineId, SessionId, WorkerId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// `PUT /api/workers/{id}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinWorkerBody {
    pub machine_id: String,
    pub services: Vec<String>,
    #[serde(default = "one")]
    pub slots: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resume: Vec<String>,
    #[serde(default, deserialize_with = "json::object")]
    pub capabilities: CapabilitiesBody,
}

fn one() -> u32 {
    1
}

impl JoinWorkerBody {
    /// `session` is fresh.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn join(self, worker: WorkerId, session: SessionId) -> Result<JoinWorker, Malformed> {
        let machine = MachineId::parse(&self.machine_id).map_err(|error| Malformed::field("machine_id", error))?;
        if self.services.is_empty() || self.services.len() > rules::SERVICES_PER_WORKER_MAX {
            let why = format!("must name 1 to {} services", rules::SERVICES_PER_WORKER_MAX);
            return Err(Malformed::field("services", why));
        }
        if !(1..=rules::SLOTS_MAX).contains(&self.slots) {
            let why = format!("is {}; it must be from 1 to {}", self.slots, rules::SLOTS_MAX);
            return Err(Malformed::field("slots", why));
        }
        self.capabilities.check(&self.services)?;
        let (capabilities, loaded_models) = self.capabilities.load(&self.services)?;
        let resume = parse_leases("resume", &self.resume)?;
        let (slots, capabilities) = (self.slots, Arc::new(capabilities));
        Ok(JoinWorker { worker, machine, session, slots, capabilities, loaded_models, resume })
    }
}

/// The answer to a worker that begins a session.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkerJoined {
    pub success: bool,
    pub worker_id: String,
    /// To be sent as `X-Worker-Session` with every `next`.
    pub session: String,
    /// A lease that is not renewed for so long is lost.
    pub lease_ms: u64,
    pub renew_ms: u64,
    /// A job that is not started for so long goes back to the queue.
    pub start_ms: u64,
    pub orders: Orders,
    /// The event of this decision; absent if nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// `POST /api/workers/{id}/next`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NextBody {
    /// The leases that the worker knows it holds.
    pub have: Vec<String>,
}

/// A lease and the job under it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    pub lease: LeaseView,
    pub job: jobs::JobView,
    pub orders: Orders,
    /// The event of this decision; absent if nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LeaseView {
    pub lease_id: String,
    pub attempt: u32,
    pub expires_at: String,
}

impl From<&fleet::Grant> for LeaseView {
    fn from(grant: &fleet::Grant) -> LeaseView {
        let (lease_id, expires_at) = (lease_text(grant.lease), rfc3339(grant.expires_at));
        LeaseView { lease_id, attempt: grant.attempt, expires_at }
    }
}

impl NextBody {
    /// # Errors
    /// A lease that is none.
    pub fn have(&self) -> Result<Vec<LeaseId>, Malformed> {
        parse_leases("have", &self.have)
    }
}
