//! Each fact in its stored form, and back.

use super::following::{StoredClient, StoredFollowing, StoredSight, store_client};
use super::known::Knowledge;
use super::parts::{Shown, StoredMachine, StoredOutcome, StoredReason, StoredReport, StoredSpec, id};
use super::text::{Text, Words};
use crate::agent::{CapabilitiesBody, lease_text, parse_lease, parse_session, session_text};
use crate::words::{DeclaredWord, JobStatus, PhaseWord, WorkerWord};
use fleet::{Counts, Fact, JobId, JobSpec, Number, Rank, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
pub(super) enum StoredFact<'a> {
    JobSubmitted(#[serde(borrow)] Box<StoredSpec<'a>>),
    JobAssigned {
        job: Text<'a>,
        lease: Text<'a>,
        attempt: u32,
        worker: Text<'a>,
        machine: Text<'a>,
        session: Text<'a>,
        #[serde(default, skip_serializing_if = "is_zero")]
        seq: u32,
    },
    JobStarted {
        job: Text<'a>,
        worker: Text<'a>,
        #[serde(default, skip_serializing_if = "is_zero")]
        seq: u32,
    },
    JobReturned {
        job: Text<'a>,
        worker: Text<'a>,
        machine: Text<'a>,
        from: JobStatus,
        reason: StoredReason<'a>,
        retry_at: Option<i64>,
        runs_failed: u32,
        lost_in_a_row: u32,
        #[serde(default)]
        handed_back: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more_than_gb: Option<f64>,
        #[serde(default, skip_serializing_if = "is_zero")]
        seq: u32,
    },
    JobUnschedulable {
        job: Text<'a>,
        #[serde(borrow)]
        missing: Words<'a>,
    },
    JobSchedulable {
        job: Text<'a>,
    },
    JobStarved {
        job: Text<'a>,
    },
    JobFinished {
        job: Text<'a>,
        worker: Option<Text<'a>>,
        machine: Option<Text<'a>>,
        attempt: u32,
        runs_failed: u32,
        outcome: StoredOutcome<'a>,
        #[serde(default, skip_serializing_if = "is_zero")]
        seq: u32,
    },
    JobForgotten {
        job: Text<'a>,
    },
    JobsForgotten {
        completed: u32,
        unhappy: u32,
    },
    Counted {
        orders: u64,
        completed: u64,
        failed: u64,
        cancelled: u64,
    },
    MachineJoined {
        machine: Text<'a>,
        facts: StoredMachine,
        phase: PhaseWord,
    },
    MachineChanged {
        machine: Text<'a>,
        facts: StoredMachine,
        phase: PhaseWord,
        #[serde(default)]
        draining: bool,
        #[serde(default)]
        silent_since: Option<i64>,
        workers: Vec<StoredReport>,
    },
    MachineSilent {
        machine: Text<'a>,
    },
    MachineLeft {
        machine: Text<'a>,
        reason: Option<Text<'a>>,
    },
    WorkerJoined {
        worker: Text<'a>,
        machine: Text<'a>,
        session: Text<'a>,
        slots: u32,
        services: Vec<String>,
        capabilities: CapabilitiesBody,
        #[serde(default)]
        draining: bool,
        jobs_completed: u64,
        jobs_failed: u64,
    },
    WorkerDeclared {
        worker: Text<'a>,
        machine: Text<'a>,
        declared: DeclaredWord,
        old: WorkerWord,
        new: WorkerWord,
    },
    WorkerDrained {
        worker: Text<'a>,
        machine: Text<'a>,
        draining: bool,
        old: WorkerWord,
        new: WorkerWord,
    },
    ServiceTurned {
        worker: Text<'a>,
        machine: Text<'a>,
        service: Text<'a>,
        down: bool,
        reason: Option<Text<'a>>,
    },
    ServicePaused {
        service: Text<'a>,
        paused: bool,
    },
    WorkerTurned {
        worker: Text<'a>,
        machine: Text<'a>,
        old: WorkerWord,
        new: WorkerWord,
        job: Option<Text<'a>>,
    },
    WorkerLeft {
        worker: Text<'a>,
        machine: Text<'a>,
        reason: Option<Text<'a>>,
    },
    ClientFollows(StoredFollowing<'a>),
    ClientUnfollows(StoredFollowing<'a>),
    ClientsSeen(Vec<StoredSight<'a>>),
    ClientsForgotten(Vec<StoredClient<'a>>),
}

/// Absent in records of earlier versions.
fn is_zero(seq: &u32) -> bool {
    *seq == 0
}

impl<'a> StoredFact<'a> {
    /// With the requirements of each job as they are to be said.
    pub(super) fn of(fact: &'a Fact, shown: &'a Shown) -> StoredFact<'a> {
        match fact {
            Fact::JobSubmitted { spec, order, rank, workflow_rank } => {
                StoredFact::JobSubmitted(Box::new(StoredSpec::of(spec, shown, *order, *rank, *workflow_rank)))
            }
            Fact::JobAssigned { job, lease, attempt, worker, machine, session, seq } => StoredFact::JobAssigned {
                job: job.as_str().into(),
                lease: lease_text(*lease).into(),
                attempt: *attempt,
                worker: worker.as_str().into(),
                machine: machine.as_str().into(),
                session: session_text(*session).into(),
                seq: *seq,
            },
            Fact::JobStarted { job, worker, seq } => {
                StoredFact::JobStarted { job: job.as_str().into(), worker: worker.as_str().into(), seq: *seq }
            }
            Fact::JobReturned { job, worker, machine, from, reason, retry_at, counts, more_than_gb, seq } => {
                StoredFact::JobReturned {
                    job: job.as_str().into(),
                    worker: worker.as_str().into(),
                    machine: machine.as_str().into(),
                    from: (*from).into(),
                    reason: reason.into(),
                    retry_at: retry_at.map(|at| at.0),
                    runs_failed: counts.runs_failed,
                    lost_in_a_row: counts.lost_in_a_row,
                    handed_back: counts.handed_back,
                    more_than_gb: more_than_gb.map(Number::get),
                    seq: *seq,
                }
            }
            Fact::JobUnschedulable { job, missing } => {
                StoredFact::JobUnschedulable { job: job.as_str().into(), missing: Words::Told(missing) }
            }
            Fact::JobSchedulable { job } => StoredFact::JobSchedulable { job: job.as_str().into() },
            Fact::JobStarved { job } => StoredFact::JobStarved { job: job.as_str().into() },
            Fact::JobFinished { job, worker, machine, attempt, runs_failed, outcome, seq } => StoredFact::JobFinished {
                job: job.as_str().into(),
                worker: worker.as_ref().map(|id| id.as_str().into()),
                machine: machine.as_ref().map(|id| id.as_str().into()),
                attempt: *attempt,
                runs_failed: *runs_failed,
                outcome: outcome.into(),
                seq: *seq,
            },
            Fact::JobForgotten { job } => StoredFact::JobForgotten { job: job.as_str().into() },
            Fact::JobsForgotten { completed, unhappy } => {
                StoredFact::JobsForgotten { completed: *completed, unhappy: *unhappy }
            }
            Fact::Counted { orders, completed, failed, cancelled } => {
                StoredFact::Counted { orders: *orders, completed: *completed, failed: *failed, cancelled: *cancelled }
            }
            Fact::MachineJoined { .. }
            | Fact::MachineChanged { .. }
            | Fact::MachineSilent { .. }
            | Fact::MachineLeft { .. }
            | Fact::ServicePaused { .. } => store_machine(fact, shown),
            Fact::WorkerJoined { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::WorkerDrained { .. }
            | Fact::WorkerTurned { .. }
            | Fact::ServiceTurned { .. }
            | Fact::WorkerLeft { .. } => store_worker(fact, shown),
            Fact::ClientFollows { .. }
            | Fact::ClientUnfollows { .. }
            | Fact::ClientsSeen { .. }
            | Fact::ClientsForgotten { .. } => store_client(fact, shown),
        }
    }
}

/// The facts about machines and services.
fn store_machine<'a>(fact: &'a Fact, shown: &'a Shown) -> StoredFact<'a> {
    match fact {
        Fact::MachineJoined { machine, facts, phase } => {
            StoredFact::MachineJoined { machine: machine.as_str().into(), facts: facts.into(), phase: (*phase).into() }
        }
        Fact::MachineChanged { machine, facts, phase, is_draining, silent_since, workers } => {
            StoredFact::MachineChanged {
                machine: machine.as_str().into(),
                facts: facts.into(),
                phase: (*phase).into(),
                draining: *is_draining,
                silent_since: silent_since.map(|at| at.0),
                workers: workers.iter().map(Into::into).collect(),
            }
        }
        Fact::MachineSilent { machine } => StoredFact::MachineSilent { machine: machine.as_str().into() },
        Fact::MachineLeft { machine, reason } => {
            StoredFact::MachineLeft { machine: machine.as_str().into(), reason: reason.as_deref().map(Into::into) }
        }
        Fact::ServicePaused { service, is_paused } => {
            StoredFact::ServicePaused { service: service.as_str().into(), paused: *is_paused }
        }
        _ => StoredFact::of(fact, shown),
    }
}

/// The facts about workers.
fn store_worker<'a>(fact: &'a Fact, shown: &'a Shown) -> StoredFact<'a> {
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
            worker: worker.as_str().into(),
            machine: machine.as_str().into(),
            session: session_text(*session).into(),
            slots: *slots,
            services: capabilities.services.iter().map(ToString::to_string).collect(),
            capabilities: CapabilitiesBody::of(capabilities, loaded_models),
            draining: *is_draining,
            jobs_completed: *jobs_completed,
            jobs_failed: *jobs_failed,
        },
        Fact::WorkerDeclared { worker, machine, declared, old, new } => StoredFact::WorkerDeclared {
            worker: worker.as_str().into(),
            machine: machine.as_str().into(),
            declared: (*declared).into(),
            old: (*old).into(),
            new: (*new).into(),
        },
        Fact::WorkerDrained { worker, machine, is_draining, old, new } => StoredFact::WorkerDrained {
            worker: worker.as_str().into(),
            machine: machine.as_str().into(),
            draining: *is_draining,
            old: (*old).into(),
            new: (*new).into(),
        },
        Fact::ServiceTurned { worker, machine, service, is_down, reason } => StoredFact::ServiceTurned {
            worker: worker.as_str().into(),
            machine: machine.as_str().into(),
            service: service.as_str().into(),
            down: *is_down,
            reason: reason.as_deref().map(Into::into),
        },
        Fact::WorkerTurned { worker, machine, old, new, job } => StoredFact::WorkerTurned {
            worker: worker.as_str().into(),
            machine: machine.as_str().into(),
            old: (*old).into(),
            new: (*new).into(),
            job: job.as_ref().map(|id| id.as_str().into()),
        },
        Fact::WorkerLeft { worker, machine, reason } => StoredFact::WorkerLeft {
            worker: worker.as_str().into(),
            machine: machine.as_str().into(),
            reason: reason.as_deref().map(Into::into),
        },
        _ => StoredFact::of(fact, shown),
    }
}

impl StoredFact<'_> {
    /// The fact that happened at `at`.
    pub(super) fn into_fact(self, at: Timestamp, known: &mut Knowledge) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::JobSubmitted(stored) => {
                let (order, rank, workflow_rank) = (stored.order, stored.rank, stored.workflow_rank.map(Into::into));
                let spec = stored.load(known)?;
                let rank = rank.map_or_else(|| rank_of(&spec, at), Into::into);
                Fact::JobSubmitted { order, rank, workflow_rank, spec: Arc::new(spec) }
            }
            StoredFact::JobAssigned { job, lease, attempt, worker, machine, session, seq } => Fact::JobAssigned {
                job: id(JobId::parse, &job)?,
                lease: parse_lease(&lease).ok_or("a lease is no lease")?,
                attempt,
                worker: known.worker(&worker)?,
                machine: known.machine(&machine)?,
                session: parse_session(&session).ok_or("a session is no session")?,
                seq,
            },
            StoredFact::JobStarted { job, worker, seq } => {
                Fact::JobStarted { job: id(JobId::parse, &job)?, worker: known.worker(&worker)?, seq }
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
                seq,
            } => Fact::JobReturned {
                job: id(JobId::parse, &job)?,
                worker: known.worker(&worker)?,
                machine: known.machine(&machine)?,
                from: from.into(),
                reason: reason.into(),
                retry_at: retry_at.map(Timestamp),
                counts: Counts { runs_failed, lost_in_a_row, handed_back },
                more_than_gb: more_than_gb.and_then(Number::new),
                seq,
            },
            StoredFact::JobUnschedulable { job, missing } => {
                Fact::JobUnschedulable { job: id(JobId::parse, &job)?, missing: known.missing(&missing)? }
            }
            StoredFact::JobSchedulable { job } => Fact::JobSchedulable { job: id(JobId::parse, &job)? },
            StoredFact::JobStarved { job } => Fact::JobStarved { job: id(JobId::parse, &job)? },
            StoredFact::JobFinished { job, worker, machine, attempt, runs_failed, outcome, seq } => Fact::JobFinished {
                job: id(JobId::parse, &job)?,
                worker: worker.map(|worker| known.worker(&worker)).transpose()?,
                machine: machine.map(|machine| known.machine(&machine)).transpose()?,
                attempt,
                runs_failed,
                outcome: outcome.into(),
                seq,
            },
            StoredFact::JobForgotten { job } => Fact::JobForgotten { job: id(JobId::parse, &job)? },
            StoredFact::JobsForgotten { completed, unhappy } => Fact::JobsForgotten { completed, unhappy },
            StoredFact::Counted { orders, completed, failed, cancelled } => {
                Fact::Counted { orders, completed, failed, cancelled }
            }
            StoredFact::ServicePaused { service, paused } => {
                Fact::ServicePaused { service: known.service(&service)?, is_paused: paused }
            }
            other => other.into_machine_fact(known)?,
        })
    }

    fn into_machine_fact(self, known: &mut Knowledge) -> Result<Fact, String> {
        Ok(match self {
            StoredFact::MachineJoined { machine, facts, phase } => {
                Fact::MachineJoined { machine: known.machine(&machine)?, facts: facts.into(), phase: phase.into() }
            }
            StoredFact::MachineChanged { machine, facts, phase, draining, silent_since, workers } => {
                Fact::MachineChanged {
                    machine: known.machine(&machine)?,
                    facts: facts.into(),
                    phase: phase.into(),
                    is_draining: draining,
                    silent_since: silent_since.map(Timestamp),
                    workers: workers.into_iter().map(StoredReport::load).collect::<Result<_, _>>()?,
                }
            }
            StoredFact::MachineSilent { machine } => Fact::MachineSilent { machine: known.machine(&machine)? },
            StoredFact::MachineLeft { machine, reason } => {
                Fact::MachineLeft { machine: known.machine(&machine)?, reason: reason.map(|reason| (*reason).into()) }
            }
            other => other.into_worker_fact(known)?,
        })
    }

    fn into_worker_fact(self, known: &mut Knowledge) -> Result<Fact, String> {
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
                    worker: known.worker(&worker)?,
                    machine: known.machine(&machine)?,
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
                worker: known.worker(&worker)?,
                machine: known.machine(&machine)?,
                declared: declared.into(),
                old: old.into(),
                new: new.into(),
            },
            StoredFact::WorkerDrained { worker, machine, draining, old, new } => Fact::WorkerDrained {
                worker: known.worker(&worker)?,
                machine: known.machine(&machine)?,
                is_draining: draining,
                old: old.into(),
                new: new.into(),
            },
            StoredFact::ServiceTurned { worker, machine, service, down, reason } => Fact::ServiceTurned {
                worker: known.worker(&worker)?,
                machine: known.machine(&machine)?,
                service: known.service(&service)?,
                is_down: down,
                reason: reason.map(|reason| (*reason).into()),
            },
            StoredFact::WorkerTurned { worker, machine, old, new, job } => Fact::WorkerTurned {
                worker: known.worker(&worker)?,
                machine: known.machine(&machine)?,
                old: old.into(),
                new: new.into(),
                job: job.map(|job| id(JobId::parse, &job)).transpose()?,
            },
            StoredFact::WorkerLeft { worker, machine, reason } => Fact::WorkerLeft {
                worker: known.worker(&worker)?,
                machine: known.machine(&machine)?,
                reason: reason.map(|reason| (*reason).into()),
            },
            other => other.into_client_fact()?,
        })
    }
}

/// Records of the first version have no rank: it was always that of the job itself.
fn rank_of(spec: &JobSpec, at: Timestamp) -> Rank {
    let workflow = spec.workflow();
    let priority = workflow.and_then(|workflow| workflow.priority).unwrap_or(spec.priority);
    Rank { priority, at: workflow.and_then(|workflow| workflow.at).unwrap_or(at) }
}
