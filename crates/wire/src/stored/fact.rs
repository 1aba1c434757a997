//! Each fact in its stored form, and back.

use super::parts::{
    StoredMachine, StoredOutcome, StoredReason, StoredReport, StoredSpec, id, load_capabilities, load_spec, store_spec,
};
use crate::agent::{CapabilitiesBody, HardwareBody, lease_text, parse_lease, parse_session, session_text};
use crate::words::{DeclaredWord, JobStatus, PhaseWord, WorkerWord};
use fleet::{Fact, JobId, MachineId, Timestamp, WorkerId};
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
            Fact::JobSubmitted { spec, order } => StoredFact::JobSubmitted(Box::new(store_spec(spec, *order))),
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
            Fact::JobReturned { job, worker, machine, from, reason, retry_at, runs_failed, lost_in_a_row } => {
                StoredFact::JobReturned {
                    job: job.to_string(),
                    worker: worker.to_string(),
                    machine: machine.to_string(),
                    from: (*from).into(),
                    reason: reason.into(),
                    retry_at: retry_at.map(|at| at.0),
                    runs_failed: *runs_failed,
                    lost_in_a_row: *lost_in_a_row,
                }
            }
            Fact::JobFinished { job, worker, machine, attempt, runs_failed, outcome } => StoredFact::JobFinished {
                job: job.to_string(),
                worker: worker.as_ref().map(ToString::to_string),
                machine: machine.as_ref().map(ToString::to_string),
                attempt: *attempt,
                runs_failed: *runs_failed,
                outcome: outcome.into(),
            },
            Fact::JobForgotten { job } => StoredFact::JobForgotten { job: job.to_string() },
            _ => store_fleet(fact),
        }
    }
}

/// The facts about machines and workers.
fn store_fleet(fact: &Fact) -> StoredFact {
    match fact {
        Fact::MachineJoined { machine, facts, phase } => {
            StoredFact::MachineJoined { machine: machine.to_string(), facts: facts.into(), phase: (*phase).into() }
        }
        Fact::MachineChanged { machine, facts, phase, workers } => StoredFact::MachineChanged {
            machine: machine.to_string(),
            facts: facts.into(),
            phase: (*phase).into(),
            workers: workers.iter().map(Into::into).collect(),
        },
        Fact::MachineSilent { machine } => StoredFact::MachineSilent { machine: machine.to_string() },
        Fact::MachineLeft { machine, reason } => {
            StoredFact::MachineLeft { machine: machine.to_string(), reason: reason.as_deref().map(str::to_owned) }
        }
        Fact::WorkerJoined { worker, machine, session, slots, capabilities, jobs_completed, jobs_failed } => {
            StoredFact::WorkerJoined {
                worker: worker.to_string(),
                machine: machine.to_string(),
                session: session_text(*session),
                slots: *slots,
                services: capabilities.services.iter().map(ToString::to_string).collect(),
                capabilities: CapabilitiesBody {
                    hardware: HardwareBody::of(&capabilities.hardware),
                    models: capabilities.models.clone(),
                },
                jobs_completed: *jobs_completed,
                jobs_failed: *jobs_failed,
            }
        }
        Fact::WorkerDeclared { worker, machine, declared, old, new } => StoredFact::WorkerDeclared {
            worker: worker.to_string(),
            machine: machine.to_string(),
            declared: (*declared).into(),
            old: (*old).into(),
            new: (*new).into(),
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
        Fact::JobSubmitted { .. }
        | Fact::JobAssigned { .. }
        | Fact::JobStarted { .. }
        | Fact::JobReturned { .. }
        | Fact::JobFinished { .. }
        | Fact::JobForgotten { .. } => StoredFact::from(fact),
    }
}

impl StoredFact {
    pub(super) fn into_fact(self) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::JobSubmitted(spec) => {
                Fact::JobSubmitted { order: spec.order, spec: Arc::new(load_spec(*spec)?) }
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
            StoredFact::JobReturned { job, worker, machine, from, reason, retry_at, runs_failed, lost_in_a_row } => {
                Fact::JobReturned {
                    job: id(JobId::parse, &job)?,
                    worker: id(WorkerId::parse, &worker)?,
                    machine: id(MachineId::parse, &machine)?,
                    from: from.into(),
                    reason: reason.into(),
                    retry_at: retry_at.map(Timestamp),
                    runs_failed,
                    lost_in_a_row,
                }
            }
            StoredFact::JobFinished { job, worker, machine, attempt, runs_failed, outcome } => Fact::JobFinished {
                job: id(JobId::parse, &job)?,
                worker: worker.map(|worker| id(WorkerId::parse, &worker)).transpose()?,
                machine: machine.map(|machine| id(MachineId::parse, &machine)).transpose()?,
                attempt,
                runs_failed,
                outcome: outcome.load()?,
            },
            StoredFact::JobForgotten { job } => Fact::JobForgotten { job: id(JobId::parse, &job)? },
            other => other.into_fleet_fact()?,
        })
    }

    fn into_fleet_fact(self) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::MachineJoined { machine, facts, phase } => Fact::MachineJoined {
                machine: id(MachineId::parse, &machine)?,
                facts: facts.into(),
                phase: phase.into(),
            },
            StoredFact::MachineChanged { machine, facts, phase, workers } => Fact::MachineChanged {
                machine: id(MachineId::parse, &machine)?,
                facts: facts.into(),
                phase: phase.into(),
                workers: workers.into_iter().map(StoredReport::load).collect::<Result<_, _>>()?,
            },
            StoredFact::MachineSilent { machine } => Fact::MachineSilent { machine: id(MachineId::parse, &machine)? },
            StoredFact::MachineLeft { machine, reason } => {
                Fact::MachineLeft { machine: id(MachineId::parse, &machine)?, reason: reason.map(Into::into) }
            }
            StoredFact::WorkerJoined {
                worker,
                machine,
                session,
                slots,
                services,
                capabilities,
                jobs_completed,
                jobs_failed,
            } => Fact::WorkerJoined {
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                session: parse_session(&session).ok_or("a session is no session")?,
                slots,
                capabilities: Arc::new(load_capabilities(&services, capabilities)?),
                jobs_completed,
                jobs_failed,
            },
            StoredFact::WorkerDeclared { worker, machine, declared, old, new } => Fact::WorkerDeclared {
                worker: id(WorkerId::parse, &worker)?,
                machine: id(MachineId::parse, &machine)?,
                declared: declared.into(),
                old: old.into(),
                new: new.into(),
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
            _ => return Err("a fact about a job stands among those about machines".to_owned()),
        })
    }
}
