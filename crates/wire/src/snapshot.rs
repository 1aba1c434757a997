//! The whole state in one message (`wire.md` §4), and the shapes that lists and events share with it.

use crate::agent::{self, CustomerAccessBody, HostInfo};
use crate::jobs::{CANCELLED, expired, retry_at};
use crate::limits;
use crate::words::{JobStatus, PhaseWord, WorkerWord};
use fleet::{Capabilities, Job, JobId, Ledger, Machine, Outcome, Progress, Tally, Timestamp, Worker};
use fleet::{WorkerReport, WorkflowId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// `data` of `full_state_snapshot`. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Snapshot {
    pub workers: Vec<WorkerView>,
    pub machines: Vec<MachineView>,
    pub jobs: JobsView,
    pub system_stats: StatsView,
    pub pagination: Pagination,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobsView {
    /// The first ones in the order they will run.
    pub pending: Vec<JobRow>,
    /// All of them.
    pub active: Vec<JobRow>,
    /// The newest ones.
    pub completed: Vec<JobRow>,
    /// Failed, cancelled and expired, the newest ones.
    pub failed: Vec<JobRow>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobRow {
    pub id: String,
    pub status: JobStatus,
    pub job_type: String,
    pub worker_id: Option<String>,
    pub created_at: i64,
    pub assigned_at: Option<i64>,
    pub started_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub failed_at: Option<i64>,
    pub priority: u32,
    /// What decides its place in the queue.
    pub rank: RankView,
    pub retry_count: u32,
    pub max_retries: u32,
    /// When a job whose last run failed may run again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<i64>,
    /// What the nearest workers lack, while no worker of the fleet could run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    pub workflow_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_datetime: Option<i64>,
    pub customer_id: Option<String>,
    pub progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_message: Option<String>,
    pub error: Option<String>,
}

/// What decides the order: larger priorities first, then earlier times, then submission. What the
/// job itself does not state may come from its workflow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct RankView {
    pub priority: u32,
    /// Unix milliseconds.
    pub at: i64,
    /// It waits so long that it goes before all that wait less.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub starving: bool,
}

impl From<fleet::Rank> for RankView {
    fn from(rank: fleet::Rank) -> RankView {
        RankView { priority: rank.priority, at: rank.at.0, starving: false }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerView {
    pub id: String,
    pub machine_id: String,
    pub status: WorkerWord,
    pub capabilities: CapabilitiesView,
    pub current_job_id: Option<String>,
    pub connected_at: i64,
    pub total_jobs_completed: u64,
    pub total_jobs_failed: u64,
    pub connections: Vec<ConnectionView>,
}

/// What a worker can do and for whom. What it does not declare is zero or absent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CapabilitiesView {
    pub gpu_count: u32,
    pub gpu_memory_gb: f64,
    pub gpu_model: Option<String>,
    pub cpu_cores: u32,
    pub ram_gb: f64,
    pub services: Vec<String>,
    pub models: BTreeMap<String, BTreeSet<String>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub loaded_models: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_access: Option<CustomerAccessBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// By dotted path.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    pub max_concurrent_jobs: u32,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConnectionView {
    pub service_type: String,
    pub status: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MachineView {
    pub machine_id: String,
    pub gpu_count: u32,
    pub capabilities: Vec<String>,
    pub phase: PhaseWord,
    pub uptime_ms: u64,
    pub worker_count: usize,
    pub timestamp: i64,
    /// Since when nothing was heard of it.
    pub silent_since: Option<i64>,
    pub host_info: HostInfo,
    pub structure: Structure,
    pub status: MachineStatus,
}

/// What a machine is made of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Structure {
    pub gpu_count: u32,
    pub capabilities: Vec<String>,
    pub workers: BTreeMap<String, WorkerStructure>,
    pub services: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerStructure {
    pub worker_id: String,
    pub services: Vec<String>,
}

/// How a machine is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MachineStatus {
    pub machine: PhaseStatus,
    pub workers: BTreeMap<String, WorkerState>,
    pub services: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PhaseStatus {
    pub phase: PhaseWord,
    /// An operator drains the machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
    /// In a snapshot; an event does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerState {
    pub status: WorkerWord,
    pub current_job_id: Option<String>,
}

/// Counts of everything, not of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct StatsView {
    pub total_workers: u64,
    pub active_workers: u64,
    pub total_jobs: u64,
    pub pending_jobs: u64,
    pub active_jobs: u64,
    pub completed_jobs: u64,
    pub failed_jobs: u64,
    pub total_machines: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Pagination {
    #[serde(rename = "finishedJobs")]
    pub finished_jobs: Page,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub page: u64,
    pub page_size: u64,
    pub total_count: u64,
    pub has_next_page: bool,
    pub has_previous_page: bool,
}

impl Snapshot {
    /// The state of `ledger`; `progress` is what was last heard of a running job.
    #[must_use]
    pub fn of(ledger: &Ledger, progress: &dyn Fn(&JobId) -> Option<Progress>, now: Timestamp) -> Snapshot {
        let row = |job: &Job| JobRow::of(job, progress(&job.spec.id));
        let completed = ledger.completed().take(limits::SNAPSHOT_FINISHED_MAX);
        let failed = ledger.unhappy().take(limits::SNAPSHOT_FINISHED_MAX);
        let tally = ledger.tally();
        Snapshot {
            workers: ledger.workers().map(|worker| WorkerView::of(ledger, worker)).collect(),
            machines: ledger.machines().map(|machine| MachineView::of(ledger, machine, now)).collect(),
            jobs: JobsView {
                pending: ledger.pending().take(limits::SNAPSHOT_PENDING_MAX).map(row).collect(),
                active: ledger.active().map(row).collect(),
                completed: completed.map(row).collect(),
                failed: failed.map(row).collect(),
            },
            system_stats: tally.into(),
            pagination: Pagination {
                finished_jobs: Page {
                    page: 1,
                    page_size: limits::SNAPSHOT_FINISHED_MAX as u64,
                    total_count: tally.completed,
                    has_next_page: tally.completed > limits::SNAPSHOT_FINISHED_MAX as u64,
                    has_previous_page: false,
                },
            },
        }
    }
}

impl Snapshot {
    /// With this page of the completed jobs, counted from 1, instead of the newest ones.
    #[must_use]
    pub fn with_page(mut self, completed: &[Job], (page, page_size): (u64, u64), total: u64, more: bool) -> Snapshot {
        self.jobs.completed = completed.iter().map(|job| JobRow::of(job, None)).collect();
        self.pagination.finished_jobs =
            Page { page, page_size, total_count: total, has_next_page: more, has_previous_page: page > 1 };
        self
    }
}

impl From<Tally> for StatsView {
    fn from(tally: Tally) -> StatsView {
        StatsView {
            total_workers: tally.workers,
            active_workers: tally.workers_busy,
            total_jobs: tally.jobs(),
            pending_jobs: tally.pending,
            active_jobs: tally.assigned + tally.in_progress,
            completed_jobs: tally.completed,
            failed_jobs: tally.failed + tally.cancelled,
            total_machines: tally.machines,
        }
    }
}

impl JobRow {
    fn of(job: &Job, progress: Option<Progress>) -> JobRow {
        let spec = &job.spec;
        let workflow = spec.workflow();
        let last = job.attempts.last();
        let is_completed = job.status() == fleet::Status::Completed;
        let ended = job.finished_at().map(|at| at.0);
        let error = match job.outcome() {
            Some(Outcome::Failed { error, .. }) => Some(error.to_string()),
            Some(Outcome::Cancelled) => Some(CANCELLED.to_owned()),
            Some(Outcome::Expired(expiry)) => Some(expired(*expiry)),
            _ => None,
        };
        JobRow {
            id: spec.id.to_string(),
            status: job.status().into(),
            job_type: spec.requirements.service.to_string(),
            worker_id: last.map(|attempt| attempt.worker.to_string()),
            created_at: job.created_at.0,
            assigned_at: last.map(|attempt| attempt.assigned_at.0),
            started_at: last.and_then(|attempt| attempt.started_at).map(|at| at.0),
            completed_at: ended.filter(|_| is_completed),
            failed_at: ended.filter(|_| !is_completed),
            priority: spec.priority,
            rank: RankView { starving: job.is_starving, ..job.rank.into() },
            retry_count: job.counts.runs_failed,
            max_retries: spec.attempts_max,
            retry_at: retry_at(job).map(|at| at.0),
            missing: job.waiting().and_then(|waiting| waiting.missing.as_ref()).map(|missing| missing.to_vec()),
            workflow_id: workflow.and_then(|w| w.id.as_ref()).map(WorkflowId::to_string),
            workflow_priority: workflow.and_then(|w| w.priority),
            workflow_datetime: workflow.and_then(|w| w.at).map(|at| at.0),
            customer_id: spec.customer.as_ref().map(ToString::to_string),
            progress: if is_completed { Some(1.0) } else { progress.as_ref().map(|progress| progress.fraction) },
            progress_message: progress.and_then(|progress| progress.message),
            error,
        }
    }
}

impl CapabilitiesView {
    #[must_use]
    pub fn of(capabilities: &Capabilities, loaded_models: &BTreeSet<String>, slots: u32) -> CapabilitiesView {
        let Capabilities { services, hardware, models, access, region, tags, custom, workflow } = capabilities;
        let access = CustomerAccessBody::of(access);
        CapabilitiesView {
            gpu_count: hardware.gpu_count,
            gpu_memory_gb: hardware.gpu_memory_gb.get(),
            gpu_model: hardware.gpu_model.clone(),
            cpu_cores: hardware.cpu_cores,
            ram_gb: hardware.ram_gb.get(),
            services: services.iter().map(ToString::to_string).collect(),
            models: models.clone(),
            loaded_models: loaded_models.clone(),
            customer_access: (!access.says_nothing()).then_some(access),
            region: region.clone(),
            tags: tags.clone(),
            custom: agent::show_custom(custom),
            workflow_id: workflow.as_ref().map(ToString::to_string),
            max_concurrent_jobs: slots,
        }
    }
}

impl WorkerView {
    #[must_use]
    pub fn of(ledger: &Ledger, worker: &Worker) -> WorkerView {
        let status: WorkerWord = ledger.worker_status(worker).into();
        let capabilities = &worker.capabilities;
        let connection = |service: &fleet::Service| {
            let state = match status {
                WorkerWord::Offline => "inactive",
                _ if worker.down.contains(service) => "error",
                _ => "active",
            };
            ConnectionView { service_type: service.to_string(), status: state.to_owned() }
        };
        WorkerView {
            id: worker.id.to_string(),
            machine_id: worker.machine.to_string(),
            status,
            capabilities: CapabilitiesView::of(capabilities, &worker.loaded_models, worker.slots),
            current_job_id: ledger.current_job(worker).map(ToString::to_string),
            connected_at: worker.connected_at.0,
            total_jobs_completed: worker.jobs_completed,
            total_jobs_failed: worker.jobs_failed,
            connections: capabilities.services.iter().map(connection).collect(),
        }
    }
}

impl MachineView {
    #[must_use]
    pub fn of(ledger: &Ledger, machine: &Machine, now: Timestamp) -> MachineView {
        let report = |id| {
            let worker = ledger.worker(id)?;
            Some(WorkerReport {
                worker: worker.id.clone(),
                services: worker.capabilities.services.clone(),
                status: ledger.worker_status(worker),
                job: ledger.current_job(worker).cloned(),
            })
        };
        let workers: Vec<WorkerReport> = machine.workers.iter().filter_map(report).collect();
        let structure = Structure::of(machine, &workers);
        MachineView {
            machine_id: machine.id.to_string(),
            gpu_count: machine.facts.gpu_count,
            capabilities: structure.capabilities.clone(),
            phase: machine.phase.into(),
            uptime_ms: now.since(machine.joined_at),
            worker_count: workers.len(),
            timestamp: now.0,
            silent_since: machine.silent_since.map(|at| at.0),
            host_info: HostInfo::of(&machine.facts),
            structure,
            status: MachineStatus::of(machine, &workers, Some(now.since(machine.joined_at))),
        }
    }
}

impl Structure {
    #[must_use]
    pub fn of(machine: &Machine, workers: &[WorkerReport]) -> Structure {
        let services = |report: &WorkerReport| report.services.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut capabilities: Vec<_> = workers.iter().flat_map(services).collect();
        capabilities.sort();
        capabilities.dedup();
        let worker = |report: &WorkerReport| {
            let worker_id = report.worker.to_string();
            (worker_id.clone(), WorkerStructure { worker_id, services: services(report) })
        };
        Structure {
            gpu_count: machine.facts.gpu_count,
            capabilities,
            workers: workers.iter().map(worker).collect(),
            services: BTreeMap::new(),
        }
    }
}

impl MachineStatus {
    #[must_use]
    pub fn of(machine: &Machine, workers: &[WorkerReport], uptime_ms: Option<u64>) -> MachineStatus {
        let state = |report: &WorkerReport| {
            let current_job_id = report.job.as_ref().map(ToString::to_string);
            (report.worker.to_string(), WorkerState { status: report.status.into(), current_job_id })
        };
        MachineStatus {
            machine: PhaseStatus { phase: machine.phase.into(), draining: machine.is_draining, uptime_ms },
            workers: workers.iter().map(state).collect(),
            services: BTreeMap::new(),
        }
    }
}
