//! The parts of stored facts, and back.

use crate::agent::HostInfo;
use crate::jobs::TimingView;
use crate::words::{FailureType, WorkerWord, hex, unhex};
use crate::{Json, requirements};
use fleet::{
    Content, CustomerId, Expiry, Failure, IdError, JobId, JobSpec, MachineFacts, Outcome, Rank, ReturnReason, Service,
    Timestamp, WorkerId, WorkerReport, Workflow, WorkflowId,
};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredSpec {
    id: String,
    pub(super) order: u64,
    service: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requirements: Option<Json>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timing: Option<TimingView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<String>,
    digest: String,
    /// Absent in records of the first version, which had no workflows to remember.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rank: Option<StoredRank>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) workflow_rank: Option<StoredRank>,
}

/// Priority and time.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct StoredRank(u32, i64);

impl From<Rank> for StoredRank {
    fn from(rank: Rank) -> StoredRank {
        StoredRank(rank.priority, rank.at.0)
    }
}

impl From<StoredRank> for Rank {
    fn from(StoredRank(priority, at): StoredRank) -> Rank {
        Rank { priority, at: Timestamp(at) }
    }
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
    ExpiredStartBy(i64),
    ExpiredFinishBy(i64),
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

pub(super) fn store_spec(spec: &JobSpec, order: u64, rank: Rank, workflow_rank: Option<Rank>) -> StoredSpec {
    StoredSpec {
        id: spec.id.to_string(),
        order,
        service: spec.requirements.service.to_string(),
        requirements: requirements::show(&spec.requirements).and_then(|shown| to_raw_value(&shown).ok()),
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
        timing: spec.timing.as_deref().map(TimingView::of),
        idempotency_key: spec.idempotency_key.as_deref().map(str::to_owned),
        retry_of: spec.retry_of.as_ref().map(ToString::to_string),
        digest: hex(&spec.digest),
        rank: Some(rank.into()),
        workflow_rank: workflow_rank.map(Into::into),
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
    let service = id(Service::parse, &stored.service)?;
    let asked = requirements::parse(stored.requirements.as_deref(), service).map_err(|error| error.to_string())?;
    Ok(JobSpec {
        id: id(JobId::parse, &stored.id)?,
        requirements: Arc::new(asked.requirements),
        payload: stored.payload.load()?,
        ctx: stored.ctx.map(StoredContent::load).transpose()?,
        priority: stored.priority,
        attempts_max: stored.attempts_max,
        customer: stored.customer.map(|text| id(CustomerId::parse, &text)).transpose()?,
        workflow: stored.workflow.map(workflow).transpose()?,
        labels: stored.labels,
        timing: stored.timing.map(|timing| timing.read().map(Box::new)).transpose()?,
        idempotency_key: stored.idempotency_key.map(Into::into),
        retry_of: stored.retry_of.map(|text| id(JobId::parse, &text)).transpose()?,
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
            Outcome::Expired(Expiry::StartBy(at)) => StoredOutcome::ExpiredStartBy(at.0),
            Outcome::Expired(Expiry::FinishBy(at)) => StoredOutcome::ExpiredFinishBy(at.0),
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
            StoredOutcome::ExpiredStartBy(at) => Outcome::Expired(Expiry::StartBy(Timestamp(at))),
            StoredOutcome::ExpiredFinishBy(at) => Outcome::Expired(Expiry::FinishBy(Timestamp(at))),
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
