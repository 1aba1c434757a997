//! Each fact in its stored form, and back.

use super::parts::{StoredMachine, StoredOutcome, StoredReason, StoredReport, StoredSpec, id, load_spec, store_spec};
use crate::agent::{CapabilitiesBody, lease_text, parse_lease, parse_session, session_text};
use crate::words::{DeclaredWord, JobStatus, PhaseWord, WorkerWord};
use fleet::{Counts, Fact, JobId, JobSpec, MachineId, Number, Rank, Service, Timestamp, WorkerId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
pub(super) enum StoredFact {
    JobSubmitted(Box<StoredSpec>),
    JobAssigned {
        job: String,
        lease: String,
        attempt: u32,
        worker: String,
        machine: String,
        session: String,
    },
    JobStarted {
        job: String,
        worker: String,
    },
    JobReturned {
        job: String,
        worker: String,
        machine: String,
        from: JobStatus,
        reason: StoredReason,
        retry_at: Option<i64>,
        runs_failed: u32,
        lost_in_a_row: u32,
        #[serde(default)]
        handed_back: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more_than_gb: Option<f64>,
    },
    JobUnschedulable {
        job: String,
        missing: Vec<String>,
    },
    JobSchedulable {
        job: String,
    },
    JobStarved {
        job: String,
    },
    JobFinished {
        job: String,
        worker: Option<String>,
        machine: Option<String>,
        attempt: u32,
        runs_failed: u32,
        outcome: StoredOutcome,
    },
    JobForgotten {
        job: String,
    },
    MachineJoined {
        machine: String,
        facts: StoredMachine,
        phase: PhaseWord,
    },
    MachineChanged {
        machine: String,
        facts: StoredMachine,
        phase: PhaseWord,
        #[serde(default)]
        draining: bool,
        #[serde(default)]
        silent_since: Option<i64>,
        workers: Vec<StoredReport>,
    },
    MachineSilent {
        machine: String,
    },
    MachineLeft {
        machine: String,
        reason: Option<String>,
    },
    WorkerJoined {
        worker: String,
        machine: String,
        session: String,
        slots: u32,
        services: Vec<String>,
        capabilities: CapabilitiesBody,
        #[serde(default)]
        draining: bool,
        jobs_completed: u64,
        jobs_failed: u64,
    },
    WorkerDeclared {
        worker: String,
        machine: String,
        declared: DeclaredWord,
        old: WorkerWord,
        new: WorkerWord,
    },
    WorkerDrained {
        worker: String,
        machine: String,
        draining: bool,
        old: WorkerWord,
        new: WorkerWord,
    },
    ServiceTurned {
        worker: String,
        machine: String,
        service: String,
        down: bool,
        reason: Option<String>,
    },
    ServicePaused {
        service: String,
        paused: bool,
    },
    WorkerTurned {
        worker: String,
        machine: String,
        old: WorkerWord,
        new: WorkerWord,
        job: Option<String>,
    },
    WorkerLeft {
        worker: String,
        machine: String,
        reason: Option<String>,
    },
}

impl From<&Fact> for StoredFact {
    fn from(fact: &Fact) -> StoredFact {
        match fact {
            Fact::JobSubmitted { spec, order, rank, workflow_rank } => {
                StoredFact::JobSubmitted(Box::new(store_spec(spec, *order, *rank, *workflow_rank)))
            }
            Fact::JobAssigned { job, lease, attempt, worker, machine, session } => StoredFact::JobAssigned {
                job: job.to_string(),
                lease: lease_text(*lease),
                attempt: *attempt,
                worker: worker.to_string(),
                machine: machine.to_string(),
                session: session_text(*session),
            },
            Fact::JobStarted { job, worker } => {
                StoredFact::JobStarted { job: job.to_string(), worker: worker.to_string() }
            }
            Fact::JobReturned { job, worker, machine, from, reason, retry_at, counts, more_than_gb } => {
                StoredFact::JobReturned {
                    job: job.to_string(),
                    worker: worker.to_string(),
                    machine: machine.to_string(),
                    from: (*from).into(),
                    reason: reason.into(),
                    retry_at: retry_at.map(|at| at.0),
                    runs_failed: counts.runs_failed,
                    lost_in_a_row: counts.lost_in_a_row,
                    handed_back: counts.handed_back,
                    more_than_gb: more_than_gb.map(Number::get),
                }
            }
            Fact::JobUnschedulable { job, missing } => {
                StoredFact::JobUnschedulable { job: job.to_string(), missing: missing.to_vec() }
            }
            Fact::JobSchedulable { job } => StoredFact::JobSchedulable { job: job.to_string() },
            Fact::JobStarved { job } => StoredFact::JobStarved { job: job.to_string() },
            Fact::JobFinished { job, worker, machine, attempt, runs_failed, outcome } => StoredFact::JobFinished {
                job: job.to_string(),
                worker: worker.as_ref().map(ToString::to_string),
                machine: machine.as_ref().map(ToString::to_string),
                attempt: *attempt,
                runs_failed: *runs_failed,
                outcome: outcome.into(),
            },
            Fact::JobForgotten { job } => StoredFact::JobForgotten { job: job.to_string() },
            Fact::ServicePaused { service, is_paused } => {
                StoredFact::ServicePaused { service: service.to_string(), paused: *is_paused }
            }
            Fact::MachineJoined { .. }
            | Fact::MachineChanged { .. }
            | Fact::MachineSilent { .. }
            | Fact::MachineLeft { .. } => store_machine(fact),
            Fact::WorkerJoined { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::WorkerDrained { .. }
            | Fact::WorkerTurned { .. }
            | Fact::ServiceTurned { .. }
            | Fact::WorkerLeft { .. } => store_worker(fact),
        }
    }
}

/// The facts about machines.
fn store_machine(fact: &Fact) -> StoredFact {
    match fact {
        Fact::MachineJoined { machine, facts, phase } => {
            StoredFact::MachineJoined { machine: machine.to_string(), facts: facts.into(), phase: (*phase).into() }
        }
        Fact::MachineChanged { machine, facts, phase, is_draining, silent_since, workers } => {
            StoredFact::MachineChanged {
                machine: machine.to_string(),
                facts: facts.into(),
                phase: (*phase).into(),
                draining: *is_draining,
                silent_since: silent_since.map(|at| at.0),
                workers: workers.iter().map(Into::into).collect(),
            }
        }
        Fact::MachineSilent { machine } => StoredFact::MachineSilent { machine: machine.to_string() },
        Fact::MachineLeft { machine, reason } => {
            StoredFact::MachineLeft { machine: machine.to_string(), reason: reason.as_deref().map(str::to_owned) }
        }
        _ => StoredFact::from(fact),
    }
}

/// The facts about workers.
fn store_worker(fact: &Fact) -> StoredFact {
    match fact {
        Fact::WorkerJoined {
            worker,
            machine,
            session,
            slots,
            capabilities,
            loaded_models,
            is_draining,
            jobs_completed,
            jobs_failed,
        } => StoredFact::WorkerJoined {
            worker: worker.to_string(),
            machine: machine.to_string(),
            session: session_text(*session),
            slots: *slots,
            services: capabilities.services.iter().map(ToString::to_string).collect(),
            capabilities: CapabilitiesBody::of(capabilities, loaded_models),
            draining: *is_draining,
            jobs_completed: *jobs_completed,
            jobs_failed: *jobs_failed,
        },
        Fact::WorkerDeclared { worker, machine, declared, old, new } => StoredFact::WorkerDeclared {
            worker: worker.to_string(),
            machine: machine.to_string(),
            declared: (*declared).into(),
            old: (*old).into(),
            new: (*new).into(),
        },
        Fact::WorkerDrained { worker, machine, is_draining, old, new } => StoredFact::WorkerDrained {
            worker: worker.to_string(),
            machine: machine.to_string(),
            draining: *is_draining,
            old: (*old).into(),
            new: (*new).into(),
        },
        Fact::ServiceTurned { worker, machine, service, is_down, reason } => StoredFact::ServiceTurned {
            worker: worker.to_string(),
            machine: machine.to_string(),
            service: service.to_string(),
            down: *is_down,
            reason: reason.as_deref().map(str::to_owned),
        },
        Fact::WorkerTurned { worker, machine, old, new, job } => StoredFact::WorkerTurned {
            worker: worker.to_string(),
            machine: machine.to_string(),
            old: (*old).into(),
            new: (*new).into(),
            job: job.as_ref().map(ToString::to_string),
        },
        Fact::WorkerLeft { worker, machine, reason } => StoredFact::WorkerLeft {
            worker: worker.to_string(),
            machine: machine.to_string(),
            reason: reason.as_deref().map(str::to_owned),
        },
        _ => StoredFact::from(fact),
    }
}

impl StoredFact {
    /// The fact that happened at `at`.
    pub(super) fn into_fact(self, at: Timestamp) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::JobSubmitted(stored) => {
                let (order, rank, workflow_rank) = (stored.order, stored.rank, stored.workflow_rank.map(Into::into));
                let spec = load_spec(*stored)?;
                let rank = rank.map_or_else(|| rank_of(&spec, at), Into::into);
                Fact::JobSubmitted { order, rank, workflow_rank, spec: Arc::new(spec) }
            }
            StoredFact::JobAssigned { job, lease, attempt, worker, machine, session } => Fact::JobAssigned {
                job: id(JobId::parse, &job)?,
                lease: parse_lease(&lease).ok_or("a lease is no lease")?,
                attempt,
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                session: parse_session(&session).ok_or("a session is no session")?,
            },
            StoredFact::JobStarted { job, worker } => {
                Fact::JobStarted { job: id(JobId::parse, &job)?, worker: id(WorkerId::parse, &worker)? }
            }
            StoredFact::JobReturned {
                job,
                worker,
                machine,
                from,
                reason,
                retry_at,
                runs_failed,
                lost_in_a_row,
                handed_back,
                more_than_gb,
            } => Fact::JobReturned {
                job: id(JobId::parse, &job)?,
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                from: from.into(),
                reason: reason.into(),
                retry_at: retry_at.map(Timestamp),
                counts: Counts { runs_failed, lost_in_a_row, handed_back },
                more_than_gb: more_than_gb.and_then(Number::new),
            },
            StoredFact::JobUnschedulable { job, missing } => {
                Fact::JobUnschedulable { job: id(JobId::parse, &job)?, missing: missing.into() }
            }
            StoredFact::JobSchedulable { job } => Fact::JobSchedulable { job: id(JobId::parse, &job)? },
            StoredFact::JobStarved { job } => Fact::JobStarved { job: id(JobId::parse, &job)? },
            StoredFact::JobFinished { job, worker, machine, attempt, runs_failed, outcome } => Fact::JobFinished {
                job: id(JobId::parse, &job)?,
                worker: worker.map(|worker| id(WorkerId::parse, &worker)).transpose()?,
                machine: machine.map(|machine| id(MachineId::parse, &machine)).transpose()?,
                attempt,
                runs_failed,
                outcome: outcome.load()?,
            },
            StoredFact::JobForgotten { job } => Fact::JobForgotten { job: id(JobId::parse, &job)? },
            StoredFact::ServicePaused { service, paused } => {
                Fact::ServicePaused { service: id(Service::parse, &service)?, is_paused: paused }
            }
            other => other.into_machine_fact()?,
        })
    }

    fn into_machine_fact(self) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::MachineJoined { machine, facts, phase } => Fact::MachineJoined {
                machine: id(MachineId::parse, &machine)?,
                facts: facts.into(),
                phase: phase.into(),
            },
            StoredFact::MachineChanged { machine, facts, phase, draining, silent_since, workers } => {
                Fact::MachineChanged {
                    machine: id(MachineId::parse, &machine)?,
                    facts: facts.into(),
                    phase: phase.into(),
                    is_draining: draining,
                    silent_since: silent_since.map(Timestamp),
                    workers: workers.into_iter().map(StoredReport::load).collect::<Result<_, _>>()?,
                }
            }
            StoredFact::MachineSilent { machine } => Fact::MachineSilent { machine: id(MachineId::parse, &machine)? },
            StoredFact::MachineLeft { machine, reason } => {
                Fact::MachineLeft { machine: id(MachineId::parse, &machine)?, reason: reason.map(Into::into) }
            }
            other => other.into_worker_fact()?,
        })
    }

    fn into_worker_fact(self) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::WorkerJoined {
                worker,
                machine,
                session,
                slots,
                services,
                capabilities,
                draining,
                jobs_completed,
                jobs_failed,
            } => {
                let (capabilities, loaded_models) = capabilities.load(&services).map_err(|error| error.to_string())?;
                Fact::WorkerJoined {
                    worker: id(WorkerId::parse, &worker)?,
                    machine: id(MachineId::parse, &machine)?,
                    session: parse_session(&session).ok_or("a session is no session")?,
                    slots,
                    capabilities: Arc::new(capabilities),
                    loaded_models,
                    is_draining: draining,
                    jobs_completed,
                    jobs_failed,
                }
            }
            StoredFact::WorkerDeclared { worker, machine, declared, old, new } => Fact::WorkerDeclared {
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                declared: declared.into(),
                old: old.into(),
                new: new.into(),
            },
            StoredFact::WorkerDrained { worker, machine, draining, old, new } => Fact::WorkerDrained {
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                is_draining: draining,
                old: old.into(),
                new: new.into(),
            },
            StoredFact::ServiceTurned { worker, machine, service, down, reason } => Fact::ServiceTurned {
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                service: id(Service::parse, &service)?,
                is_down: down,
                reason: reason.map(Into::into),
            },
            StoredFact::WorkerTurned { worker, machine, old, new, job } => Fact::WorkerTurned {
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                old: old.into(),
                new: new.into(),
                job: job.map(|job| id(JobId::parse, &job)).transpose()?,
            },
            StoredFact::WorkerLeft { worker, machine, reason } => Fact::WorkerLeft {
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                reason: reason.map(Into::into),
            },
            _ => return Err("a fact stands among those about workers".to_owned()),
        })
    }
}

/// Records of the first version have no rank: it was always that of the job itself.
fn rank_of(spec: &JobSpec, at: Timestamp) -> Rank {
    let workflow = spec.workflow.as_ref();
    let priority = workflow.and_then(|workflow| workflow.priority).unwrap_or(spec.priority);
    Rank { priority, at: workflow.and_then(|workflow| workflow.at).unwrap_or(at) }
}
