//! A worker: what takes jobs.

use crate::{CustomerId, LeaseId, MachineId, Number, Part, Service, SessionId, Timestamp, Value, WorkerId, WorkflowId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A worker as the ledger knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Worker {
    pub id: WorkerId,
    pub machine: MachineId,
    pub session: SessionId,
    pub capabilities: Arc<Capabilities>,
    /// Of its models, those that it need not load first.
    pub loaded_models: BTreeSet<String>,
    /// How many leases it may hold at once.
    pub slots: u32,
    pub declared: Declared,
    /// An operator drains it.
    pub is_draining: bool,
    /// Its services that do not work now, so that it is given no jobs of them.
    pub down: BTreeSet<Service>,
    pub connected_at: Timestamp,
    pub leases: BTreeSet<LeaseId>,
    pub jobs_completed: u64,
    pub jobs_failed: u64,
}

/// What a worker can do and for whom: all that matching looks at. Workers with equal
/// capabilities share a profile.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Capabilities {
    pub services: BTreeSet<Service>,
    pub hardware: Hardware,
    /// By service.
    pub models: BTreeMap<String, BTreeSet<String>>,
    pub access: CustomerAccess,
    pub region: Option<String>,
    pub tags: BTreeSet<String>,
    /// What else it declares, by dotted path.
    pub custom: BTreeMap<String, Value>,
    /// The only workflow whose jobs it takes.
    pub workflow: Option<WorkflowId>,
}

/// What is not declared is zero.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Hardware {
    pub gpu_count: u32,
    pub gpu_memory_gb: Number,
    pub gpu_model: Option<String>,
    pub cpu_cores: u32,
    pub ram_gb: Number,
}

/// Whose jobs a worker takes. `denied` wins over `allowed`; an empty `allowed` is everyone.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct CustomerAccess {
    pub isolation: Isolation,
    pub allowed: BTreeSet<CustomerId>,
    pub denied: BTreeSet<CustomerId>,
}

/// How far a worker keeps the jobs of different customers apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Isolation {
    Strict,
    Loose,
    #[default]
    None,
}

impl Hardware {
    #[must_use]
    pub fn has(&self, part: Part) -> Number {
        match part {
            Part::GpuMemoryGb => self.gpu_memory_gb,
            Part::RamGb => self.ram_gb,
            Part::CpuCores => self.cpu_cores.into(),
            Part::GpuCount => self.gpu_count.into(),
        }
    }
}

/// What a worker says of its own readiness. Whether it is busy is never said: leases tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Declared {
    #[default]
    Ready,
    /// Finishes what it has and takes nothing new.
    Draining,
    /// Cannot work; takes nothing.
    Error,
}

/// How a worker is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerStatus {
    Idle,
    Busy,
    Draining,
    Error,
    Offline,
}

impl Worker {
    /// Whether it may be given another job now, as far as it is concerned.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.declared == Declared::Ready && !self.is_draining && self.leases.len() < self.slots as usize
    }

    /// `offline` while its machine is silent, else whether it or its machine is drained, else
    /// what it declared, else what its leases say.
    #[must_use]
    pub fn status(&self, machine_is_silent: bool, machine_is_draining: bool) -> WorkerStatus {
        match self.declared {
            _ if machine_is_silent => WorkerStatus::Offline,
            Declared::Error => WorkerStatus::Error,
            Declared::Draining => WorkerStatus::Draining,
            Declared::Ready if self.is_draining || machine_is_draining => WorkerStatus::Draining,
            Declared::Ready if self.leases.is_empty() => WorkerStatus::Idle,
            Declared::Ready => WorkerStatus::Busy,
        }
    }
}
