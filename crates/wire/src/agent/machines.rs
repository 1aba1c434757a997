//! Machines join and beat.

use super::{Orders, check_count, check_name, parse_leases};
use crate::words::{DeclaredWord, PhaseWord};
use crate::{Malformed, jobs, json, limits};
use fleet::limits as rules;
use fleet::{Beat, Health, MachineFacts, MachineId, Service, WorkerId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `PUT /api/machines/{id}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JoinMachineBody {
    pub hostname: Option<String>,
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "json::object")]
    pub host_info: HostInfo,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HostInfo {
    pub hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    pub os: Option<String>,
    pub cpu_cores: u32,
    pub total_ram_gb: f64,
    pub gpu_count: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gpu_models: Vec<String>,
}

impl JoinMachineBody {
    /// # Errors
    /// Names the field that is wrong.
    pub fn facts(self) -> Result<MachineFacts, Malformed> {
        let labels = jobs::check_labels("labels", self.labels)?;
        let host = &self.host_info;
        check_count("host_info.gpu_models", host.gpu_models.len(), limits::GPU_MODELS_MAX)?;
        check_name("hostname", self.hostname.as_ref())?;
        check_name("host_info.hostname", host.hostname.as_ref())?;
        check_name("host_info.ip_address", host.ip_address.as_ref())?;
        check_name("host_info.os", host.os.as_ref())?;
        check_name("host_info.gpu_models", &host.gpu_models)?;
        let facts = self.host_info.into_facts();
        Ok(MachineFacts { hostname: self.hostname.or(facts.hostname.clone()), labels, ..facts })
    }
}

impl HostInfo {
    #[must_use]
    pub fn of(facts: &MachineFacts) -> HostInfo {
        HostInfo {
            hostname: facts.hostname.clone(),
            ip_address: facts.ip_address.clone(),
            os: facts.os.clone(),
            cpu_cores: facts.cpu_cores,
            total_ram_gb: facts.total_ram_gb,
            gpu_count: facts.gpu_count,
            gpu_models: facts.gpu_models.clone(),
        }
    }

    pub(crate) fn into_facts(self) -> MachineFacts {
        MachineFacts {
            hostname: self.hostname,
            ip_address: self.ip_address,
            os: self.os,
            cpu_cores: self.cpu_cores,
            total_ram_gb: self.total_ram_gb,
            gpu_count: self.gpu_count,
            gpu_models: self.gpu_models,
            labels: BTreeMap::new(),
        }
    }
}

/// The answer to a machine that joins.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MachineJoined {
    pub success: bool,
    pub machine_id: String,
    /// How often to beat.
    pub heartbeat_ms: u64,
    pub orders: Orders,
    /// The event of this decision; absent if nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// `POST /api/machines/{id}/heartbeat`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HeartbeatBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<PhaseWord>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "json::objects")]
    pub workers: BTreeMap<String, WorkerSays>,
    /// The leases that are worked on; they are renewed, and no others.
    pub leases: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerSays {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeclaredWord>,
    /// Which of its services work. One that is not named is as it was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceWord>,
}

/// Whether a worker's service does its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceWord {
    Active,
    Inactive,
    Error,
}

impl From<ServiceWord> for Health {
    fn from(word: ServiceWord) -> Health {
        match word {
            ServiceWord::Active => Health::Up,
            ServiceWord::Inactive | ServiceWord::Error => Health::Down,
        }
    }
}

impl HeartbeatBody {
    /// # Errors
    /// Names the field that is wrong.
    pub fn beat(self, machine: MachineId) -> Result<Beat, Malformed> {
        let (mut workers, mut services) = (Vec::new(), Vec::new());
        for (id, says) in self.workers {
            let worker = WorkerId::parse(&id).map_err(|error| Malformed::field("workers", error))?;
            check_count("workers.services", says.services.len(), rules::SERVICES_PER_WORKER_MAX)?;
            for (name, word) in says.services {
                let service = Service::parse(&name).map_err(|error| Malformed::field("workers.services", error))?;
                services.push((worker.clone(), service, word.into()));
            }
            workers.extend(says.status.map(|status| (worker, status.into())));
        }
        Ok(Beat {
            machine,
            phase: self.phase.map(Into::into),
            leases: parse_leases("leases", &self.leases)?,
            workers,
            services,
        })
    }
}
