//! What workers and machines say, and what they are told (`wire.md` §9).

use crate::words::{DeclaredWord, FailureType, PhaseWord};
use crate::{Json, Malformed, compact, jobs, limits, rfc3339, words};
use bytes::Bytes;
use fleet::limits as rules;
use fleet::{
    Beat, Capabilities, Fail, Failure, FailureKind, Hardware, JoinWorker, LeaseId, MachineFacts, MachineId, Progress,
    Service, SessionId, WorkerId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// `PUT /api/machines/{id}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JoinMachineBody {
    pub hostname: Option<String>,
    pub labels: BTreeMap<String, String>,
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
}

/// `POST /api/machines/{id}/heartbeat`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HeartbeatBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<PhaseWord>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub workers: BTreeMap<String, WorkerSays>,
    /// The leases that are worked on; they are renewed, and no others.
    pub leases: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerSays {
    pub status: DeclaredWord,
}

impl HeartbeatBody {
    /// # Errors
    /// Names the field that is wrong.
    pub fn beat(self, machine: MachineId) -> Result<Beat, Malformed> {
        let worker = |(id, says): (String, WorkerSays)| {
            let worker = WorkerId::parse(&id).map_err(|error| Malformed::field("workers", error))?;
            Ok((worker, says.status.into()))
        };
        Ok(Beat {
            machine,
            phase: self.phase.map(Into::into),
            leases: parse_leases("leases", &self.leases)?,
            workers: self.workers.into_iter().map(worker).collect::<Result<_, _>>()?,
        })
    }
}

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

/// What the caller should do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Orders {
    /// Leases that are no longer held: stop their work.
    pub cancel: Vec<String>,
    /// Finish what runs and take nothing new.
    pub drain: bool,
}

impl From<&fleet::Orders> for Orders {
    fn from(orders: &fleet::Orders) -> Orders {
        Orders { cancel: orders.cancel.iter().copied().map(lease_text).collect(), drain: false }
    }
}

/// The answer to a call that may carry orders.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Done {
    pub success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Orders>,
}

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
}

/// The answer to a finish.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FinishAnswer {
    pub success: bool,
    /// With `?next=1`, if there is another job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Assignment>,
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

/// A body without fields.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

fn check_name<'a>(field: &str, names: impl IntoIterator<Item = &'a String>) -> Result<(), Malformed> {
    match names.into_iter().find(|name| name.len() > limits::NAME_BYTES_MAX) {
        Some(name) => {
            let why = format!("is {} bytes long; at most {} are allowed", name.len(), limits::NAME_BYTES_MAX);
            Err(Malformed::field(field, why))
        }
        None => Ok(()),
    }
}

fn check_count(field: &str, count: usize, max: usize) -> Result<(), Malformed> {
    match count > max {
        true => Err(Malformed::field(field, format!("has {count} entries; at most {max} are allowed"))),
        false => Ok(()),
    }
}

fn cut_error(text: String) -> Arc<str> {
    words::cut(text, limits::ERROR_BYTES_MAX).into()
}

/// 32 hex digits.
#[must_use]
pub fn lease_text(lease: LeaseId) -> String {
    format!("{:032x}", lease.0)
}

/// The lease that a text names; `None` if it is no such text.
#[must_use]
pub fn parse_lease(text: &str) -> Option<LeaseId> {
    words::unhex::<16>(text).map(|bytes| LeaseId(u128::from_be_bytes(bytes)))
}

fn parse_leases(field: &str, texts: &[String]) -> Result<Vec<LeaseId>, Malformed> {
    if texts.len() > limits::LEASES_NAMED_MAX {
        let why = format!("names {} leases; at most {} are allowed", texts.len(), limits::LEASES_NAMED_MAX);
        return Err(Malformed::field(field, why));
    }
    let lease = |text: &String| parse_lease(text).ok_or_else(|| Malformed::field(field, "a lease is 32 hex digits"));
    texts.iter().map(lease).collect()
}

impl NextBody {
    /// # Errors
    /// A lease that is none.
    pub fn have(&self) -> Result<Vec<LeaseId>, Malformed> {
        parse_leases("have", &self.have)
    }
}

/// 16 hex digits.
#[must_use]
pub fn session_text(session: SessionId) -> String {
    format!("{:016x}", session.0)
}

/// The session that a text names; `None` if it is no such text.
#[must_use]
pub fn parse_session(text: &str) -> Option<SessionId> {
    words::unhex::<8>(text).map(|bytes| SessionId(u64::from_be_bytes(bytes)))
}
