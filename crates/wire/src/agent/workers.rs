//! Workers register and ask for work.

use super::{Orders, check_count, check_name, lease_text, parse_leases};
use crate::{Malformed, jobs, limits, rfc3339};
use fleet::limits as rules;
use fleet::{Capabilities, Hardware, JoinWorker, LeaseId, MachineId, Service, SessionId, WorkerId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    #[serde(default)]
    pub capabilities: CapabilitiesBody,
}

fn one() -> u32 {
    1
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CapabilitiesBody {
    pub hardware: HardwareBody,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HardwareBody {
    pub gpu_count: u32,
    pub gpu_memory_gb: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_model: Option<String>,
    pub cpu_cores: u32,
    pub ram_gb: f64,
}

impl HardwareBody {
    pub(crate) fn of(hardware: &Hardware) -> HardwareBody {
        HardwareBody {
            gpu_count: hardware.gpu_count,
            gpu_memory_gb: hardware.gpu_memory_gb,
            gpu_model: hardware.gpu_model.clone(),
            cpu_cores: hardware.cpu_cores,
            ram_gb: hardware.ram_gb,
        }
    }
}

impl From<HardwareBody> for Hardware {
    fn from(body: HardwareBody) -> Hardware {
        Hardware {
            gpu_count: body.gpu_count,
            gpu_memory_gb: body.gpu_memory_gb,
            gpu_model: body.gpu_model,
            cpu_cores: body.cpu_cores,
            ram_gb: body.ram_gb,
        }
    }
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
        let services = self.services.iter().map(|name| Service::parse(name)).collect::<Result<_, _>>();
        let models = &self.capabilities.models;
        check_count("capabilities.models", models.values().map(|names| names.len().max(1)).sum(), limits::MODELS_MAX)?;
        check_name("capabilities.models", models.keys().chain(models.values().flatten()))?;
        let names = models.keys().chain(models.values().flatten()).chain(&self.services);
        let bytes: usize = names.map(String::len).sum();
        if bytes > limits::CAPABILITIES_BYTES_MAX {
            let max = limits::CAPABILITIES_BYTES_MAX;
            let why = format!("its names and those of services are {bytes} bytes long; at most {max} are allowed");
            return Err(Malformed::field("capabilities.models", why));
        }
        check_name("capabilities.hardware.gpu_model", self.capabilities.hardware.gpu_model.as_ref())?;
        let capabilities = Capabilities {
            services: services.map_err(|error| Malformed::field("services", error))?,
            hardware: self.capabilities.hardware.into(),
            models: self.capabilities.models,
        };
        let resume = parse_leases("resume", &self.resume)?;
        Ok(JoinWorker { worker, machine, session, slots: self.slots, capabilities: Arc::new(capabilities), resume })
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
