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
    /// For who may see everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
    /// As `connections`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreHealth>,
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

/// `GET /api/connections`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Watching {
    pub monitor_connections: Vec<WatcherView>,
    /// Clients, over sockets and streams.
    pub client_connections: Vec<WatcherView>,
    /// Those of both that are sockets.
    pub websocket_connections: Vec<WatcherView>,
    pub stats: WatchingStats,
    pub timestamp: String,
}

/// One connection, and how far behind it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WatcherView {
    /// What it calls itself.
    pub id: Option<String>,
    /// `monitor`, `client` or `legacy`.
    pub kind: String,
    /// `websocket` or `sse`.
    pub transport: String,
    pub principal: String,
    pub address: String,
    pub connected_at: String,
    /// Events that it was not given yet, also those that are not for it.
    pub lag_events: u64,
    /// Since when it has not had everything.
    pub lag_ms: u64,
    /// Bytes that wait for it to take them, beside those in the kernel.
    pub queued_bytes: u64,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct WatchingStats {
    pub monitors: usize,
    pub clients: usize,
    pub websockets: usize,
    pub lag_events_max: u64,
    pub lag_ms_max: u64,
    pub queued_bytes: u64,
}
