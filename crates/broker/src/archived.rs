//! Jobs that have ended, as the archive holds them: the words in which they are put there, and
//! how they are read again.

use crate::contents::{self, Slot};
use crate::desk::Desk;
use crate::feed::facets;
use fleet::{Event, Job, JobId, JobSpec, Outcome, PrincipalId, Rank, Timestamp, WorkflowId};
use store::{CountedBy, Entry, Memo, Row, StoreError};
use wire::stored;

/// How long the archive remembers a job's idempotency key and its workflow's rank after its end.
const MEMO_MS: i64 = 24 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) fn job_name(job: &JobId) -> String {
    format!("job:{job}")
}

/// A key is its principal's. The names of `local` are those that were given before there were
/// principals; the others differ from all of them, and no principal's name holds a `/`.
fn key_name(principal: &PrincipalId, key: &str) -> String {
    match *principal == PrincipalId::default() {
        true => format!("key:{key}"),
        false => format!("key/{principal}/{key}"),
    }
}

fn workflow_name(principal: &PrincipalId, workflow: &WorkflowId) -> String {
    match *principal == PrincipalId::default() {
        true => format!("workflow:{workflow}"),
        false => format!("workflow/{principal}/{workflow}"),
    }
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
        let principal = &spec.owner.principal;
        let key = spec.idempotency_key().map(|key| Memo {
            name: key_name(principal, key),
            until,
            bytes: spec.id.as_str().to_owned().into(),
        });
        let rank = spec.workflow_id().map(|workflow| Memo {
            name: workflow_name(principal, workflow),
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
            let known = self.store.archive.memo(&key_name(&spec.owner.principal, key), now).await?;
            let known = known.and_then(|id| JobId::parse(&String::from_utf8_lossy(&id)).ok());
            if let Some(id) = known
                && let Some(job) = self.archived(&id).await?
            {
                let is_same = job.spec.is_same_submission(spec);
                return Ok(if is_same { Recalled::Same(Box::new(job)) } else { Recalled::OtherOfThisKey });
            }
        }
        if !is_minted && let Some(job) = self.archived(&spec.id).await? {
            let is_same = job.spec.is_same_submission(spec);
            return Ok(if is_same { Recalled::Same(Box::new(job)) } else { Recalled::OtherOfThisId });
        }
        self.recalled_rank(spec).await.map(Recalled::Nothing)
    }

    /// The rank of the job's workflow, if only the archive remembers it.
    pub(crate) async fn recalled_rank(&self, spec: &JobSpec) -> Result<Option<Rank>, StoreError> {
        let Some(workflow) = spec.workflow_id() else { return Ok(None) };
        if self.feed.view().ledger.workflow_rank(&spec.owner.principal, workflow).is_some() {
            return Ok(None);
        }
        let known = self.store.archive.memo(&workflow_name(&spec.owner.principal, workflow), self.now().0).await?;
        let known = known.and_then(|id| JobId::parse(&String::from_utf8_lossy(&id)).ok());
        let Some(id) = known else { return Ok(None) };
        let row = self.store.archive.named(&job_name(&id)).await?;
        Ok(row.as_ref().map(read).transpose()?.and_then(|(_, rank)| rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use fleet::{Chapter, ClientId, Fact, Ledger, Owner};
    use std::sync::Arc;
    use store::{Archive, Facet, MemoryArchive, Place, Position, Query};

    /// Job `order` of this owner has ended.
    fn ended(order: u64, principal: &str, client: Option<&str>) -> Ended {
        let owner = Owner {
            principal: PrincipalId::parse(principal).unwrap(),
            client: client.map(|client| ClientId::parse(client).unwrap()),
        };
        let mut submitted = samples::submitted(order);
        if let Fact::JobSubmitted { spec, .. } = &mut submitted.fact {
            let options = fleet::Options { idempotency_key: Some("k".into()), ..fleet::Options::default() };
            *spec = Arc::new(JobSpec { owner: Arc::new(owner), options: options.stated(), ..JobSpec::clone(spec) });
        }
        let (mut ledger, end) = (Ledger::default(), samples::cancelled(order));
        ledger.apply(&submitted);
        ledger.apply(&end);
        let story = ledger.story_of(&Chapter::Ended(end.at, order));
        Ended { job: ledger.job_of(order).unwrap().clone(), story, at: end.at, seq: order }
    }

    #[tokio::test]
    async fn a_principals_jobs_are_found_and_those_from_before_there_were_principals_are_locals() {
        let archive = MemoryArchive::new(false);
        let mut encoder = stored::Encoder::default();
        let all =
            [ended(1, "local", None), ended(2, "local", None), ended(3, "acme", Some("app")), ended(4, "acme", None)];
        let mut entries = all.map(|ended| ended.entry(None, &mut encoder));
        let is_of_owner = |facet: &Facet| facet.kind >= facets::Kind::Principal as u8;
        entries[0].facets.retain(|facet| !is_of_owner(facet));
        let position = Position { epoch: 1, seq: 4, hash: [0; 8] };
        archive.put(entries.into(), Vec::new(), Place { position, before: 5 }).await.unwrap();
        let found = async |of: Facet| {
            let query = Query {
                all_of: vec![vec![of]],
                assumed: Some(facets::assumed()),
                below: u64::MAX,
                began_from: None,
                began_before: None,
                text: None,
                limit: 9,
                skip: 0,
                count_max: 9,
            };
            let found = archive.find(&query).await.unwrap();
            found.rows.iter().map(|row| row.number).collect::<Vec<_>>()
        };
        let principal = |name: &str| facets::principal(&PrincipalId::parse(name).unwrap());
        let client = fleet::ClientKey::of(&ended(3, "acme", Some("app")).job.spec.owner).unwrap();
        assert_eq!(found(principal("local")).await, [2, 1]);
        assert_eq!(found(principal("acme")).await, [4, 3]);
        assert_eq!(found(facets::client(&client)).await, [3]);
        assert_eq!(facets::client(&client).value, "acme/app");
    }

    #[test]
    fn keys_are_remembered_by_principal_and_those_of_local_by_the_names_they_had() {
        let name = |principal: &str| ended(1, principal, None).memos().remove(0).name;
        assert_eq!((name("local"), name("acme")), ("key:k".to_owned(), "key/acme/k".to_owned()));
        let workflow = |of: &str| workflow_name(&PrincipalId::parse(of).unwrap(), &WorkflowId::parse("w").unwrap());
        assert_eq!((workflow("local"), workflow("acme")), ("workflow:w".to_owned(), "workflow/acme/w".to_owned()));
    }
}
