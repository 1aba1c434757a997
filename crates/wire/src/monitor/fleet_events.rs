//! The messages about machines and workers.

use super::{MonitorBody, ServiceInfo, WorkerData};
use crate::agent::HostInfo;
use crate::snapshot::{CapabilitiesView, MachineStatus, Structure};
use crate::words::WorkerWord;
use fleet::{Fact, Machine, Timestamp};

pub(super) fn machine(fact: &Fact, at: Timestamp) -> Option<MonitorBody<'_>> {
    Some(match fact {
        Fact::MachineJoined { machine, facts, phase } => MonitorBody::MachineStartup {
            machine_id: machine.as_str(),
            phase: (*phase).into(),
            host_info: HostInfo::of(facts),
        },
        Fact::MachineChanged { machine: id, facts, phase, is_draining, silent_since, workers } => {
            let machine = Machine {
                id: id.clone(),
                facts: facts.clone(),
                phase: *phase,
                joined_at: at,
                silent_since: *silent_since,
                is_draining: *is_draining,
                workers: workers.iter().map(|report| report.worker.clone()).collect(),
            };
            MonitorBody::MachineStatusChange {
                machine_id: id.as_str(),
                host_info: HostInfo::of(facts),
                structure: Structure::of(&machine, workers),
                status_data: MachineStatus::of(&machine, workers, None),
            }
        }
        Fact::MachineSilent { machine } => {
            MonitorBody::MachineDisconnected { machine_id: machine.as_str(), reason: Some("silent") }
        }
        Fact::MachineLeft { machine, reason } => {
            MonitorBody::MachineShutdown { machine_id: machine.as_str(), reason: reason.as_deref() }
        }
        _ => return None,
    })
}

pub(super) fn worker(fact: &Fact, at: Timestamp) -> Option<MonitorBody<'_>> {
    Some(match fact {
        Fact::WorkerJoined {
            worker, machine, slots, capabilities, loaded_models, jobs_completed, jobs_failed, ..
        } => {
            let worker_data = WorkerData {
                id: worker.as_str(),
                status: WorkerWord::Idle,
                capabilities: CapabilitiesView::of(capabilities, loaded_models, *slots),
                connected_at: at.0,
                jobs_completed: *jobs_completed,
                jobs_failed: *jobs_failed,
            };
            MonitorBody::WorkerConnected { worker_id: worker.as_str(), machine_id: machine.as_str(), worker_data }
        }
        Fact::WorkerDeclared { worker, machine, old, new, .. }
        | Fact::WorkerDrained { worker, machine, old, new, .. } => MonitorBody::WorkerStatusChanged {
            worker_id: worker.as_str(),
            machine_id: machine.as_str(),
            old_status: (*old).into(),
            new_status: (*new).into(),
            current_job_id: None,
        },
        Fact::WorkerTurned { worker, machine, old, new, job } => MonitorBody::WorkerStatusChanged {
            worker_id: worker.as_str(),
            machine_id: machine.as_str(),
            old_status: (*old).into(),
            new_status: (*new).into(),
            current_job_id: job.as_ref().map(fleet::JobId::as_str),
        },
        Fact::ServiceTurned { worker, service, is_down, reason, .. } => MonitorBody::ConnectorStatusChanged {
            connector_id: format!("{worker}:{service}"),
            service_type: service.as_str(),
            worker_id: worker.as_str(),
            status: if *is_down { "error" } else { "active" },
            service_info: reason.as_deref().map(|reason| ServiceInfo { reason }),
        },
        Fact::WorkerLeft { worker, machine, reason } => MonitorBody::WorkerDisconnected {
            worker_id: worker.as_str(),
            machine_id: machine.as_str(),
            reason: reason.as_deref(),
        },
        _ => return None,
    })
}
