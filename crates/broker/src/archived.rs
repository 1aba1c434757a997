//! Jobs that have ended, as the archive holds them: the words in which they are put there, and
//! how they are read again.

use crate::contents::{self, Slot};
use crate::desk::Desk;
use crate::feed::facets;
use fleet::{Event, Job, JobId, JobSpec, Outcome, Rank, Timestamp, WorkflowId};
use store::{CountedBy, Entry, Memo, Row, StoreError};
use wire::stored;

/// How long the archive remembers a job's idempotency key and its workflow's rank after its end.
const MEMO_MS: i64 = 24 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) fn job_name(job: &JobId) -> String {
    format!("job:{job}")
}

fn key_name(key: &str) -> String {
    format!("key:{key}")
}

fn workflow_name(workflow: &WorkflowId) -> String {
    format!("workflow:{workflow}")
}

/// A job that has ended, and what is needed beside it to put it away.
pub(crate) struct Ended {
    pub(crate) job: Job,
    pub(crate) story: Vec<Event>,
    pub(crate) at: Timestamp,
    /// Of the event that ended it.
    pub(crate) seq: u64,
}

impl Ended {
    pub(crate) fn entry(&self, text: Option<String>, encoder: &mut stored::Encoder) -> Entry {
        let job = &self.job;
        let word = wire::JobStatus::from(job.status()).as_str().to_owned();
        let day = i32::try_from(self.at.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX);
        Entry {
            number: job.order,
            seq: self.seq,
            began: job.created_at.0,
            ended: self.at.0,
            names: vec![job_name(&job.spec.id)],
            facets: facets::of(job),
            counted: CountedBy { day, group: job.spec.requirements.service.as_str().to_owned(), word },
            content_bytes: contents::bytes_of(job),
            bytes: encoder.encode(&self.story),
            text,
        }
    }

    /// What holds for a while after the end: which job a key stands for, and which one tells its
    /// workflow's rank.
    pub(crate) fn memos(&self) -> Vec<Memo> {
        let until = self.at.0.saturating_add(MEMO_MS);
        let spec = &self.job.spec;
        let key = spec.idempotency_key().map(|key| Memo {
            name: key_name(key),
            until,
            bytes: spec.id.as_str().to_owned().into(),
        });
        let rank = spec.workflow_id().map(|workflow| Memo {
            name: workflow_name(workflow),
            until,
            bytes: spec.id.as_str().to_owned().into(),
        });
        key.into_iter().chain(rank).collect()
    }

    /// What the job can be found by in words.
    pub(crate) async fn text(&self, desk: &Desk) -> String {
        let spec = &self.job.spec;
        let mut text = said(&self.job);
        if spec.payload.bytes > crate::limits::SEARCHED_BYTES_MAX as u64 {
            return text;
        }
        let payload = contents::read(&desk.feed, &desk.store, &spec.payload, self.job.order, Slot::Payload).await;
        if let Ok(Some(payload)) = payload {
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(&payload));
        }
        text
    }
}

/// The texts that a job has by itself.
fn said(job: &Job) -> String {
    let spec = &job.spec;
    let mut texts = vec![spec.id.as_str(), spec.requirements.service.as_str()];
    texts.extend(spec.customer.as_ref().map(|customer| customer.as_str()));
    texts.extend(spec.workflow_id().map(|workflow| workflow.as_str()));
    texts.extend(spec.labels().into_iter().flatten().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    if let Some(Outcome::Failed { error, .. }) = job.outcome() {
        texts.push(error);
    }
    texts.join("\n")
}

/// The job that was put away here.
///
/// # Errors
/// `Damaged`: its bytes cannot be read, which is damage or a newer version's.
pub(crate) fn job_of(row: &Row) -> Result<Job, StoreError> {
    read(row).map(|(job, _)| job)
}

/// The job, and what its workflow's first job fixed.
fn read(row: &Row) -> Result<(Job, Option<Rank>), StoreError> {
    stored::job(&row.bytes).map_err(|error| {
        let error = StoreError::Damaged { why: format!("job number {} of the archive: {error}", row.number) };
        tracing::error!(%error, "an archived job could not be read");
        error
    })
}

/// A submission that the archive knows.
pub(crate) enum Recalled {
    /// Nothing of it, or only the rank of its workflow.
    Nothing(Option<Rank>),
    /// The same, under this id and in this state.
    Same(Box<Job>),
    /// Another one of the same id.
    OtherOfThisId,
    /// Another one of the same idempotency key.
    OtherOfThisKey,
}

impl Desk {
    /// The job of this id, alive or archived.
    pub(crate) async fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        if let Some(job) = self.feed.view().ledger.job(id) {
            return Ok(Some(job.clone()));
        }
        self.archived(id).await
    }

    pub(crate) async fn archived(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let row = self.store.archive.named(&job_name(id)).await?;
        row.as_ref().map(job_of).transpose()
    }

    /// The event that ended this job, if the archive has it and can be read.
    pub(crate) async fn archived_end(&self, job: &Job) -> Option<u64> {
        let row = self.store.archive.named(&job_name(&job.spec.id)).await.ok().flatten();
        row.filter(|row| row.number == job.order).map(|row| row.seq)
    }

    /// What only the archive knows of a submission. `is_minted`: its id cannot be known yet.
    pub(crate) async fn recall(&self, spec: &JobSpec, is_minted: bool) -> Result<Recalled, StoreError> {
        let now = self.now().0;
        if let Some(key) = spec.idempotency_key() {
            let known = self.store.archive.memo(&key_name(key), now).await?;
            let known = known.and_then(|id| JobId::parse(&String::from_utf8_lossy(&id)).ok());
            if let Some(id) = known
                && let Some(job) = self.archived(&id).await?
            {
                let is_same = job.spec.digest == spec.digest;
                return Ok(if is_same { Recalled::Same(Box::new(job)) } else { Recalled::OtherOfThisKey });
            }
        }
        if !is_minted && let Some(job) = self.archived(&spec.id).await? {
            let is_same = job.spec.digest == spec.digest;
            return Ok(if is_same { Recalled::Same(Box::new(job)) } else { Recalled::OtherOfThisId });
        }
        self.recalled_rank(spec).await.map(Recalled::Nothing)
    }

    /// The rank of the job's workflow, if only the archive remembers it.
    pub(crate) async fn recalled_rank(&self, spec: &JobSpec) -> Result<Option<Rank>, StoreError> {
        let Some(workflow) = spec.workflow_id() else { return Ok(None) };
        if self.feed.view().ledger.workflow_rank(workflow).is_some() {
            return Ok(None);
        }
        let known = self.store.archive.memo(&workflow_name(workflow), self.now().0).await?;
        let known = known.and_then(|id| JobId::parse(&String::from_utf8_lossy(&id)).ok());
        let Some(id) = known else { return Ok(None) };
        let row = self.store.archive.named(&job_name(&id)).await?;
        Ok(row.as_ref().map(read).transpose()?.and_then(|(_, rank)| rank))
    }
}
