//! A worker: what takes jobs.

use crate::{LeaseId, MachineId, Service, SessionId, Timestamp, WorkerId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A worker as the ledger knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Worker {
    pub id: WorkerId,
    pub machine: MachineId,
    pub session: SessionId,
    pub capabilities: Arc<Capabilities>,
    /// How many leases it may hold at once.
    pub slots: u32,
    pub declared: Declared,
    pub connected_at: Timestamp,
    pub leases: BTreeSet<LeaseId>,
    pub jobs_completed: u64,
    pub jobs_failed: u64,
}

/// What a worker can do.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Capabilities {
    pub services: BTreeSet<Service>,
    pub hardware: Hardware,
    /// By service.
    pub models: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Hardware {
    pub gpu_count: u32,
    pub gpu_memory_gb: f64,
    pub gpu_model: Option<String>,
    pub cpu_cores: u32,
    pub ram_gb: f64,
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
    /// Whether it may be given another job now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.declared == Declared::Ready && self.leases.len() < self.slots as usize
    }

    /// `offline` while its machine is silent, else what it declared, else what its leases say.
    #[must_use]
    pub fn status(&self, machine_is_silent: bool) -> WorkerStatus {
        match self.declared {
            _ if machine_is_silent => WorkerStatus::Offline,
            Declared::Draining => WorkerStatus::Draining,
            Declared::Error => WorkerStatus::Error,
            Declared::Ready if self.leases.is_empty() => WorkerStatus::Idle,
            Declared::Ready => WorkerStatus::Busy,
        }
    }
}
