//! The parts of stored facts, and back.

use super::known::Knowledge;
use super::text::{Hash, Text};
use crate::agent::HostInfo;
use crate::jobs::TimingView;
use crate::words::{FailureType, WorkerWord};
use crate::{Json, requirements};
use fleet::{
    Content, Expiry, Failure, IdError, JobId, JobSpec, MachineFacts, Options, Outcome, PrincipalId, Rank, Requirements,
    ReturnReason, Service, Timestamp, WorkerId, WorkerReport, Workflow, WorkflowId,
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredSpec<'a> {
    id: Text<'a>,
    pub(super) order: u64,
    service: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    requirements: Option<&'a RawValue>,
    payload: StoredContent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ctx: Option<StoredContent>,
    priority: u32,
    attempts_max: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<Text<'a>>,
    /// Absent: `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow: Option<StoredWorkflow<'a>>,
    #[serde(default, skip_serializing_if = "labels_are_empty")]
    labels: Cow<'a, BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timing: Option<TimingView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<Text<'a>>,
    digest: Hash,
    /// Absent in records of the first version, which had no workflows to remember.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rank: Option<StoredRank>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) workflow_rank: Option<StoredRank>,
}

fn labels_are_empty(labels: &BTreeMap<String, String>) -> bool {
    labels.is_empty()
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
struct StoredWorkflow<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    priority: Option<u32>,
    at: Option<i64>,
    step: Option<u32>,
    steps: Option<u32>,
}

/// The hash in hex, and the length.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct StoredContent(Hash, u64);

#[derive(Serialize, Deserialize)]
pub(super) enum StoredReason<'a> {
    Failed {
        #[serde(borrow)]
        error: Text<'a>,
        failure: StoredFailure<'a>,
    },
    Released {
        reason: Option<Text<'a>>,
    },
    NotStarted,
    LeaseExpired,
    SessionReplaced,
    WorkerLeft,
    MachineLeft,
}

#[derive(Serialize, Deserialize)]
pub(super) enum StoredOutcome<'a> {
    Completed {
        result: StoredContent,
    },
    Failed {
        #[serde(borrow)]
        error: Text<'a>,
        failure: StoredFailure<'a>,
    },
    Cancelled,
    ExpiredStartBy(i64),
    ExpiredFinishBy(i64),
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredFailure<'a> {
    kind: FailureType,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
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

/// Requirements as they are said, by the copy that all jobs of a class share.
#[derive(Default)]
pub(super) struct Shown(HashMap<usize, (Arc<Requirements>, Option<Json>)>);

/// So many are known; then all of them are forgotten.
const SHOWN_MAX: usize = 20_000;

impl Shown {
    pub(super) fn learn(&mut self, requirements: &Arc<Requirements>) {
        let place = Arc::as_ptr(requirements) as usize;
        if self.0.contains_key(&place) {
            return;
        }
        if self.0.len() == SHOWN_MAX {
            self.0.clear();
        }
        let said = requirements::show(requirements).and_then(|shown| to_raw_value(&shown).ok());
        self.0.insert(place, (Arc::clone(requirements), said));
    }

    fn get(&self, requirements: &Arc<Requirements>) -> Option<&RawValue> {
        self.0.get(&(Arc::as_ptr(requirements) as usize))?.1.as_deref()
    }
}

impl<'a> StoredSpec<'a> {
    pub(super) fn of(
        spec: &'a JobSpec,
        shown: &'a Shown,
        order: u64,
        rank: Rank,
        workflow_rank: Option<Rank>,
    ) -> StoredSpec<'a> {
        StoredSpec {
            id: spec.id.as_str().into(),
            order,
            service: spec.requirements.service.as_str().into(),
            requirements: shown.get(&spec.requirements),
            payload: spec.payload.into(),
            ctx: spec.ctx().map(Into::into),
            priority: spec.priority,
            attempts_max: spec.attempts_max,
            customer: spec.customer.as_ref().map(|customer| customer.as_str().into()),
            principal: (spec.owner.principal != PrincipalId::default()).then(|| spec.owner.principal.as_str().into()),
            client: spec.owner.client.as_ref().map(|client| client.as_str().into()),
            workflow: spec.workflow().map(|workflow| StoredWorkflow {
                id: workflow.id.as_ref().map(|id| id.as_str().into()),
                priority: workflow.priority,
                at: workflow.at.map(|at| at.0),
                step: workflow.step,
                steps: workflow.steps,
            }),
            labels: spec.labels().map(Cow::Borrowed).unwrap_or_default(),
            timing: spec.stated_timing().map(TimingView::of),
            idempotency_key: spec.idempotency_key().map(Into::into),
            retry_of: spec.retry_of().map(|job| job.as_str().into()),
            digest: Hash(spec.digest),
            rank: Some(rank.into()),
            workflow_rank: workflow_rank.map(Into::into),
        }
    }

    pub(super) fn load(self, known: &mut Knowledge) -> Result<JobSpec, String> {
        let workflow = |stored: StoredWorkflow<'_>| -> Result<Workflow, String> {
            Ok(Workflow {
                id: stored.id.map(|text| id(WorkflowId::parse, &text)).transpose()?,
                priority: stored.priority,
                at: stored.at.map(Timestamp),
                step: stored.step,
                steps: stored.steps,
            })
        };
        Ok(JobSpec {
            id: id(JobId::parse, &self.id)?,
            requirements: known.requirements(self.requirements, &self.service)?,
            payload: self.payload.into(),
            priority: self.priority,
            attempts_max: self.attempts_max,
            customer: self.customer.map(|text| known.customer(&text)).transpose()?,
            owner: known.owner(self.principal.as_deref(), self.client.as_deref())?,
            options: Options {
                ctx: self.ctx.map(Into::into),
                workflow: self.workflow.map(workflow).transpose()?,
                labels: self.labels.into_owned(),
                timing: self.timing.map(|timing| timing.read().map(Box::new)).transpose()?,
                idempotency_key: self.idempotency_key.map(|key| (*key).into()),
                retry_of: self.retry_of.map(|text| id(JobId::parse, &text)).transpose()?,
            }
            .stated(),
            digest: self.digest.0,
        })
    }
}

impl From<Content> for StoredContent {
    fn from(content: Content) -> StoredContent {
        StoredContent(Hash(content.hash), content.bytes)
    }
}

impl From<StoredContent> for Content {
    fn from(StoredContent(Hash(hash), bytes): StoredContent) -> Content {
        Content { hash, bytes }
    }
}

impl<'a> From<&'a ReturnReason> for StoredReason<'a> {
    fn from(reason: &'a ReturnReason) -> StoredReason<'a> {
        match reason {
            ReturnReason::Failed { error, failure } => {
                StoredReason::Failed { error: (&**error).into(), failure: failure.into() }
            }
            ReturnReason::Released { reason } => StoredReason::Released { reason: reason.as_deref().map(Into::into) },
            ReturnReason::NotStarted => StoredReason::NotStarted,
            ReturnReason::LeaseExpired => StoredReason::LeaseExpired,
            ReturnReason::SessionReplaced => StoredReason::SessionReplaced,
            ReturnReason::WorkerLeft => StoredReason::WorkerLeft,
            ReturnReason::MachineLeft => StoredReason::MachineLeft,
        }
    }
}

impl From<StoredReason<'_>> for ReturnReason {
    fn from(stored: StoredReason<'_>) -> ReturnReason {
        match stored {
            StoredReason::Failed { error, failure } => {
                ReturnReason::Failed { error: (*error).into(), failure: failure.into() }
            }
            StoredReason::Released { reason } => {
                ReturnReason::Released { reason: reason.map(|reason| (*reason).into()) }
            }
            StoredReason::NotStarted => ReturnReason::NotStarted,
            StoredReason::LeaseExpired => ReturnReason::LeaseExpired,
            StoredReason::SessionReplaced => ReturnReason::SessionReplaced,
            StoredReason::WorkerLeft => ReturnReason::WorkerLeft,
            StoredReason::MachineLeft => ReturnReason::MachineLeft,
        }
    }
}

impl<'a> From<&'a Outcome> for StoredOutcome<'a> {
    fn from(outcome: &'a Outcome) -> StoredOutcome<'a> {
        match outcome {
            Outcome::Completed { result } => StoredOutcome::Completed { result: (*result).into() },
            Outcome::Failed { error, failure } => {
                StoredOutcome::Failed { error: (&**error).into(), failure: failure.into() }
            }
            Outcome::Cancelled => StoredOutcome::Cancelled,
            Outcome::Expired(Expiry::StartBy(at)) => StoredOutcome::ExpiredStartBy(at.0),
            Outcome::Expired(Expiry::FinishBy(at)) => StoredOutcome::ExpiredFinishBy(at.0),
        }
    }
}

impl From<StoredOutcome<'_>> for Outcome {
    fn from(stored: StoredOutcome<'_>) -> Outcome {
        match stored {
            StoredOutcome::Completed { result } => Outcome::Completed { result: result.into() },
            StoredOutcome::Failed { error, failure } => {
                Outcome::Failed { error: (*error).into(), failure: failure.into() }
            }
            StoredOutcome::Cancelled => Outcome::Cancelled,
            StoredOutcome::ExpiredStartBy(at) => Outcome::Expired(Expiry::StartBy(Timestamp(at))),
            StoredOutcome::ExpiredFinishBy(at) => Outcome::Expired(Expiry::FinishBy(Timestamp(at))),
        }
    }
}

impl<'a> From<&'a Failure> for StoredFailure<'a> {
    fn from(failure: &'a Failure) -> StoredFailure<'a> {
        StoredFailure { kind: failure.kind.into(), reason: failure.reason.as_deref().map(Into::into) }
    }
}

impl From<StoredFailure<'_>> for Failure {
    fn from(stored: StoredFailure<'_>) -> Failure {
        Failure { kind: stored.kind.into(), reason: stored.reason.map(|reason| (*reason).into()) }
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
