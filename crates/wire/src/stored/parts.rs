//! The parts of stored facts, and back.

use crate::agent::{CapabilitiesBody, HostInfo};
use crate::words::{FailureType, WorkerWord, hex, unhex};
use fleet::{
    Capabilities, Content, CustomerId, Failure, Hardware, IdError, JobId, JobSpec, MachineFacts, Outcome, Requirements,
    ReturnReason, Service, Timestamp, WorkerId, WorkerReport, Workflow, WorkflowId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredSpec {
    id: String,
    pub(super) order: u64,
    service: String,
    payload: StoredContent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ctx: Option<StoredContent>,
    priority: u32,
    attempts_max: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow: Option<StoredWorkflow>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    digest: String,
}

#[derive(Serialize, Deserialize)]
struct StoredWorkflow {
    id: Option<String>,
    priority: Option<u32>,
    at: Option<i64>,
    step: Option<u32>,
    steps: Option<u32>,
}

/// The hash in hex, and the length.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredContent(String, u64);

#[derive(Serialize, Deserialize)]
pub(super) enum StoredReason {
    Failed { error: String, failure: StoredFailure },
    Released { reason: Option<String> },
    NotStarted,
    LeaseExpired,
    SessionReplaced,
    WorkerLeft,
    MachineLeft,
}

#[derive(Serialize, Deserialize)]
pub(super) enum StoredOutcome {
    Completed { result: StoredContent },
    Failed { error: String, failure: StoredFailure },
    Cancelled,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredFailure {
    kind: FailureType,
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredMachine {
    host: HostInfo,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredReport {
    worker: String,
    services: Vec<String>,
    status: WorkerWord,
    job: Option<String>,
}

pub(super) fn id<T>(parse: impl Fn(&str) -> Result<T, IdError>, text: &str) -> Result<T, String> {
    parse(text).map_err(|error| format!("the id {text:?} {error}"))
}

pub(super) fn store_spec(spec: &JobSpec, order: u64) -> StoredSpec {
    StoredSpec {
        id: spec.id.to_string(),
        order,
        service: spec.requirements.service.to_string(),
        payload: spec.payload.into(),
        ctx: spec.ctx.map(Into::into),
        priority: spec.priority,
        attempts_max: spec.attempts_max,
        customer: spec.customer.as_ref().map(ToString::to_string),
        workflow: spec.workflow.as_ref().map(|workflow| StoredWorkflow {
            id: workflow.id.as_ref().map(ToString::to_string),
            priority: workflow.priority,
            at: workflow.at.map(|at| at.0),
            step: workflow.step,
            steps: workflow.steps,
        }),
        labels: spec.labels.clone(),
        digest: hex(&spec.digest),
    }
}

pub(super) fn load_spec(stored: StoredSpec) -> Result<JobSpec, String> {
    let workflow = |stored: StoredWorkflow| -> Result<Workflow, String> {
        Ok(Workflow {
            id: stored.id.map(|text| id(WorkflowId::parse, &text)).transpose()?,
            priority: stored.priority,
            at: stored.at.map(Timestamp),
            step: stored.step,
            steps: stored.steps,
        })
    };
    Ok(JobSpec {
        id: id(JobId::parse, &stored.id)?,
        requirements: Requirements { service: id(Service::parse, &stored.service)? },
        payload: stored.payload.load()?,
        ctx: stored.ctx.map(StoredContent::load).transpose()?,
        priority: stored.priority,
        attempts_max: stored.attempts_max,
        customer: stored.customer.map(|text| id(CustomerId::parse, &text)).transpose()?,
        workflow: stored.workflow.map(workflow).transpose()?,
        labels: stored.labels,
        digest: unhex(&stored.digest).ok_or("a digest is no digest")?,
    })
}

impl From<Content> for StoredContent {
    fn from(content: Content) -> StoredContent {
        StoredContent(hex(&content.hash), content.bytes)
    }
}

impl StoredContent {
    pub(super) fn load(self) -> Result<Content, String> {
        Ok(Content { hash: unhex(&self.0).ok_or("a content's hash is no hash")?, bytes: self.1 })
    }
}

impl From<&ReturnReason> for StoredReason {
    fn from(reason: &ReturnReason) -> StoredReason {
        match reason {
            ReturnReason::Failed { error, failure } => {
                StoredReason::Failed { error: error.to_string(), failure: failure.into() }
            }
            ReturnReason::Released { reason } => {
                StoredReason::Released { reason: reason.as_deref().map(str::to_owned) }
            }
            ReturnReason::NotStarted => StoredReason::NotStarted,
            ReturnReason::LeaseExpired => StoredReason::LeaseExpired,
            ReturnReason::SessionReplaced => StoredReason::SessionReplaced,
            ReturnReason::WorkerLeft => StoredReason::WorkerLeft,
            ReturnReason::MachineLeft => StoredReason::MachineLeft,
        }
    }
}

impl From<StoredReason> for ReturnReason {
    fn from(stored: StoredReason) -> ReturnReason {
        match stored {
            StoredReason::Failed { error, failure } => {
                ReturnReason::Failed { error: error.into(), failure: failure.into() }
            }
            StoredReason::Released { reason } => ReturnReason::Released { reason: reason.map(Into::into) },
            StoredReason::NotStarted => ReturnReason::NotStarted,
            StoredReason::LeaseExpired => ReturnReason::LeaseExpired,
            StoredReason::SessionReplaced => ReturnReason::SessionReplaced,
            StoredReason::WorkerLeft => ReturnReason::WorkerLeft,
            StoredReason::MachineLeft => ReturnReason::MachineLeft,
        }
    }
}

impl From<&Outcome> for StoredOutcome {
    fn from(outcome: &Outcome) -> StoredOutcome {
        match outcome {
            Outcome::Completed { result } => StoredOutcome::Completed { result: (*result).into() },
            Outcome::Failed { error, failure } => {
                StoredOutcome::Failed { error: error.to_string(), failure: failure.into() }
            }
            Outcome::Cancelled => StoredOutcome::Cancelled,
        }
    }
}

impl StoredOutcome {
    pub(super) fn load(self) -> Result<Outcome, String> {
        Ok(match self {
            StoredOutcome::Completed { result } => Outcome::Completed { result: result.load()? },
            StoredOutcome::Failed { error, failure } => {
                Outcome::Failed { error: error.into(), failure: failure.into() }
            }
            StoredOutcome::Cancelled => Outcome::Cancelled,
        })
    }
}

impl From<&Failure> for StoredFailure {
    fn from(failure: &Failure) -> StoredFailure {
        StoredFailure { kind: failure.kind.into(), reason: failure.reason.as_deref().map(str::to_owned) }
    }
}

impl From<StoredFailure> for Failure {
    fn from(stored: StoredFailure) -> Failure {
        Failure { kind: stored.kind.into(), reason: stored.reason.map(Into::into) }
    }
}

impl From<&MachineFacts> for StoredMachine {
    fn from(facts: &MachineFacts) -> StoredMachine {
        StoredMachine { host: HostInfo::of(facts), labels: facts.labels.clone() }
    }
}

impl From<StoredMachine> for MachineFacts {
    fn from(stored: StoredMachine) -> MachineFacts {
        MachineFacts { labels: stored.labels, ..stored.host.into_facts() }
    }
}

impl From<&WorkerReport> for StoredReport {
    fn from(report: &WorkerReport) -> StoredReport {
        StoredReport {
            worker: report.worker.to_string(),
            services: report.services.iter().map(ToString::to_string).collect(),
            status: report.status.into(),
            job: report.job.as_ref().map(ToString::to_string),
        }
    }
}

impl StoredReport {
    pub(super) fn load(self) -> Result<WorkerReport, String> {
        Ok(WorkerReport {
            worker: id(WorkerId::parse, &self.worker)?,
            services: self.services.iter().map(|name| id(Service::parse, name)).collect::<Result<_, _>>()?,
            status: self.status.into(),
            job: self.job.map(|job| id(JobId::parse, &job)).transpose()?,
        })
    }
}

pub(super) fn load_capabilities(services: &[String], stored: CapabilitiesBody) -> Result<Capabilities, String> {
    Ok(Capabilities {
        services: services.iter().map(|name| id(Service::parse, name)).collect::<Result<_, _>>()?,
        hardware: Hardware::from(stored.hardware),
        models: stored.models,
    })
}
