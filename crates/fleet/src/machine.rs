//! A machine: where workers live.

use crate::{MachineId, Timestamp, WorkerId};
use std::collections::{BTreeMap, BTreeSet};

/// A machine as the ledger knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Machine {
    pub id: MachineId,
    pub facts: MachineFacts,
    pub phase: Phase,
    pub joined_at: Timestamp,
    /// Since when nothing was heard of it, while that is so.
    pub silent_since: Option<Timestamp>,
    /// An operator drains it: its workers finish what they have and get nothing new.
    pub is_draining: bool,
    pub workers: BTreeSet<WorkerId>,
}

/// What a machine says of itself when it joins.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MachineFacts {
    pub hostname: Option<String>,
    pub ip_address: Option<String>,
    pub os: Option<String>,
    pub cpu_cores: u32,
    pub total_ram_gb: f64,
    pub gpu_count: u32,
    pub gpu_models: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// How far a machine's start is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    Starting,
    Configuring,
    #[default]
    Ready,
}
