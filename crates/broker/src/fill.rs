//! A store as it is after many jobs: for measuring what a long life leads to, without living it.

use crate::archived::Ended;
use crate::contents::{Slot, number};
use bytes::Bytes;
use fleet::{Chapter, Command, Event, Fact, IdError, JobId, Ledger, Rules, Status, Timestamp, Told};
use std::sync::Arc;
use store::{Batch, Body, Content, Keep, Place, Position, Store, StoreError};
use wire::stored;

/// Jobs in one record of a filled journal.
const JOBS_PER_RECORD: usize = 500;
/// Records between two checkpoints of a filled store.
const RECORDS_PER_TRIM: usize = 200;

/// Why a store was not filled.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the store holds {0} events already; filling begins with an empty one")]
    NotEmpty(u64),
    #[error("a rule refused what filling asked for: {0:?}")]
    Refused(fleet::Refusal),
    #[error("a job could not be made: {0}")]
    Malformed(#[from] wire::Malformed),
    #[error("a job's id {0}")]
    Id(#[from] IdError),
}

/// What filling makes of its `n`th job: how it is submitted, who runs it, and how it ends.
pub trait Lives {
    /// The job's id, and the body of `POST /api/jobs` with it.
    ///
    /// # Errors
    /// The id is none.
    fn submission(&self, n: u64) -> Result<(JobId, Bytes), IdError>;
    /// Its result, if it completes.
    fn result(&self, n: u64) -> Bytes;
    /// The commands that lead the board from its beginning to where jobs can run.
    fn beginning(&self) -> Vec<Command>;
    /// What happens to the job until it has ended.
    fn life(&self, n: u64, job: &JobId) -> Vec<Command>;
}

/// Leads `jobs` jobs through their lives on an empty `store`: decided by the rules, written to the
/// journal, put into the archive, with a checkpoint at the end; a second of board time apart each
/// record. Calls `progress` with the number of jobs that are over.
///
/// # Errors
/// The store is not empty or fails.
pub async fn fill(
    store: &Store,
    lives: &dyn Lives,
    jobs: u64,
    began: i64,
    mut progress: impl FnMut(u64),
) -> Result<(), FillError> {
    let opened = store.journal.open(1).await?;
    if opened.tail != Position::START {
        return Err(FillError::NotEmpty(opened.tail.seq));
    }
    let rules = Rules { finished_kept_ms: 0, finished_tail: 200, ..Rules::default() };
    let mut filling = Filling {
        store,
        ledger: Ledger::with(rules),
        epoch: opened.epoch,
        tail: opened.tail,
        encoder: stored::Encoder::default(),
    };
    let mut now = Timestamp(began);
    let mut told = Told::default();
    for command in lives.beginning() {
        filling.ledger.handle(command, now, &mut told).map_err(FillError::Refused)?;
    }
    filling.write(&told.events, Vec::new()).await?;
    let mut done = 0;
    while done < jobs {
        now = now + 1_000;
        let mut told = Told::default();
        let mut contents = Vec::new();
        let until = jobs.min(done + JOBS_PER_RECORD as u64);
        for n in done..until {
            let (job, body) = lives.submission(n)?;
            let submission = wire::jobs::parse_submission(&body, job.clone(), None, now)?;
            let spec = Arc::new(submission.spec);
            filling
                .ledger
                .handle(Command::Submit { spec, recalled: None }, now, &mut told)
                .map_err(FillError::Refused)?;
            let order = filling.ledger.job(&job).map_or(0, |job| job.order);
            contents.push(Content { number: number(order, Slot::Payload), body: Body::Inline(submission.payload) });
            for command in lives.life(n, &job) {
                filling.ledger.handle(command, now, &mut told).map_err(FillError::Refused)?;
            }
            if filling.ledger.job(&job).is_some_and(|job| job.status() == Status::Completed) {
                contents.push(Content { number: number(order, Slot::Result), body: Body::Inline(lives.result(n)) });
            }
        }
        filling.write(&told.events, contents).await?;
        filling.put(&told.events, now).await?;
        let mut told = Told::default();
        let before = now + 1;
        for command in [Command::Archived { before }, Command::Tick] {
            filling.ledger.handle(command, before, &mut told).map_err(FillError::Refused)?;
        }
        filling.write(&told.events, Vec::new()).await?;
        done = until;
        if done.is_multiple_of((JOBS_PER_RECORD * RECORDS_PER_TRIM) as u64) || done == jobs {
            filling.checkpoint_and_trim().await?;
            progress(done);
        }
    }
    Ok(())
}

struct Filling<'a> {
    store: &'a Store,
    ledger: Ledger,
    epoch: u64,
    tail: Position,
    encoder: stored::Encoder,
}

impl Filling<'_> {
    async fn write(&mut self, events: &[Event], contents: Vec<Content>) -> Result<(), StoreError> {
        let Some(last) = events.last() else { return Ok(()) };
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let batch = Batch { events: count, at: last.at.0, bytes: self.encoder.encode(events), contents };
        self.tail = self.store.journal.append(self.epoch, self.tail, &batch).await?;
        Ok(())
    }

    async fn put(&mut self, events: &[Event], now: Timestamp) -> Result<(), StoreError> {
        let first = self.tail.seq + 1 - events.len() as u64;
        let (mut entries, mut memos) = (Vec::new(), Vec::new());
        for (event, seq) in events.iter().zip(first..) {
            let Fact::JobFinished { job, .. } = &event.fact else { continue };
            let Some(job) = self.ledger.job(job).cloned() else { continue };
            let story = self.ledger.story_of(&Chapter::Ended(event.at, job.order));
            let ended = Ended { job, story, at: event.at, seq };
            memos.extend(ended.memos());
            entries.push(ended.entry(None, &mut self.encoder));
        }
        let place = Place { position: self.tail, before: now.0 + 1 };
        self.store.archive.put(entries, memos, place).await
    }

    async fn checkpoint_and_trim(&mut self) -> Result<(), StoreError> {
        let parts: Vec<_> = self.ledger.chapters().collect();
        let stories: Vec<_> = parts
            .iter()
            .map(|part| (stored::part_key(part), Some(stored::encode(&self.ledger.story_of(part)))))
            .collect();
        self.store.journal.checkpoint(self.epoch, None, self.tail, Box::new(stories.into_iter())).await?;
        let keep = Keep { from: self.tail.seq, at_min: i64::MAX, bytes_max: 64 << 20 };
        while self.store.journal.trim(keep).await?.more {}
        Ok(())
    }
}
