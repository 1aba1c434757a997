//! What operators ask.

use crate::monitor::Upstream;
use crate::snapshot::{MachineView, StatsView, WorkerView};
use serde::Serialize;
use utoipa::ToSchema;

/// `GET /api/stats`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Stats {
    pub success: bool,
    pub stats: StatsView,
    pub timestamp: String,
}

/// `GET /api/machines`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Machines {
    pub success: bool,
    pub machines: Vec<MachineView>,
    pub timestamp: String,
}

/// `GET /api/workers`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Workers {
    pub success: bool,
    pub workers: Vec<WorkerView>,
    pub timestamp: String,
}

/// `GET /health`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok` or `degraded`.
    pub status: String,
    pub upstream: Upstream,
    pub connections: Connections,
    pub store: StoreHealth,
    pub timestamp: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Connections {
    pub monitors: u64,
    pub clients: u64,
    pub workers: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StoreHealth {
    pub kind: String,
    /// The last event that is durable.
    pub event_id: String,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// There is room only for what must go on, so submissions are refused; why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<String>,
    /// Events that the archive has not read yet.
    pub archive_lag_events: u64,
    /// Jobs in memory: those that live, and those that ended lately.
    pub jobs_in_memory: u64,
}

/// `GET /version`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Version {
    pub api_version: String,
    pub name: String,
    pub version: String,
    pub uptime_seconds: u64,
    pub environment: String,
    pub timestamp: String,
}
