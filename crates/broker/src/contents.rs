//! Payloads and results: where they are kept, and how they are read again.

use crate::feed::Feed;
use crate::limits;
use bytes::Bytes;
use fleet::{Content, Event, Fact, Job, Ledger, Outcome};
use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;
use store::{Body, FileHash, Hold, Store, StoreError};

/// What a job has besides its record. The number of a content is the job's order and one of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slot {
    Payload = 0,
    Ctx = 1,
    Result = 2,
}

const SLOTS: usize = 3;
const SLOT_BITS: u32 = 8;

pub(crate) fn number(order: u64, slot: Slot) -> u64 {
    (order << SLOT_BITS) | slot as u64
}

/// The numbers of everything that belongs to a job.
pub(crate) fn all_of(order: u64) -> RangeInclusive<u64> {
    (order << SLOT_BITS)..=((order << SLOT_BITS) | ((1 << SLOT_BITS) - 1))
}

/// Bytes that come with a command, and the file they lie in already if they are large.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub(crate) content: Content,
    pub(crate) bytes: Bytes,
    /// Held until a record names it, however long that takes.
    file: Option<Arc<Hold>>,
}

impl Attached {
    /// Makes `bytes` ready to be named by a command: large ones are durable when this returns. A disk
    /// that has no room for them is full for the journal too: one that went on to take in small jobs
    /// would soon have no room for their ends.
    pub(crate) async fn new(store: &Store, content: Content, bytes: Bytes) -> Result<Attached, StoreError> {
        if bytes.len() <= limits::INLINE_BYTES_MAX {
            return Ok(Attached { content, bytes, file: None });
        }
        let hold = store.files.hold(FileHash(content.hash));
        match store.files.put(bytes.clone()).await {
            Ok(_) => Ok(Attached { content, bytes, file: Some(Arc::new(hold)) }),
            Err(error) => {
                if let StoreError::Full { why } = &error {
                    store.journal.be_told_full(why);
                }
                Err(error)
            }
        }
    }

    /// The same for what must go on: where there is no room for a file it goes with its record, for
    /// which the journal keeps a reserve.
    pub(crate) async fn pressing(store: &Store, content: Content, bytes: Bytes) -> Result<Attached, StoreError> {
        match Attached::new(store, content, bytes.clone()).await {
            Err(StoreError::Full { .. }) => Ok(Attached { content, bytes, file: None }),
            outcome => outcome,
        }
    }

    fn body(&self) -> Body {
        self.file.as_ref().map_or_else(|| Body::Inline(self.bytes.clone()), |hold| Body::File(hold.file()))
    }
}

/// What these events name of what came with their command, under the numbers of its jobs.
pub(crate) fn named(events: &[Event], attached: &[Attached], ledger: &Ledger) -> Vec<store::Content> {
    let by_hash: HashMap<_, _> = attached.iter().map(|attached| (attached.content.hash, attached)).collect();
    let mut contents = Vec::with_capacity(attached.len());
    let mut name = |content: &Content, order: u64, slot: Slot| {
        if let Some(attached) = by_hash.get(&content.hash) {
            contents.push(store::Content { number: number(order, slot), body: attached.body() });
        }
    };
    for event in events {
        match &event.fact {
            Fact::JobSubmitted { spec, order, .. } => {
                name(&spec.payload, *order, Slot::Payload);
                if let Some(ctx) = spec.ctx() {
                    name(&ctx, *order, Slot::Ctx);
                }
            }
            Fact::JobFinished { job, outcome: Outcome::Completed { result }, .. } => {
                if let Some(job) = ledger.job(job) {
                    name(result, job.order, Slot::Result);
                }
            }
            _ => {}
        }
    }
    contents
}

/// Contents that were written lately, by their numbers: most are read soon after, by the worker
/// that is given the job and by whoever waits for the result.
#[derive(Default)]
pub(crate) struct Recent {
    bytes_of: HashMap<u64, Bytes>,
    /// Oldest first.
    numbers: VecDeque<u64>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn put(&mut self, contents: Vec<store::Content>) {
        for content in contents {
            let Body::Inline(bytes) = content.body else { continue };
            self.bytes += bytes.len() + limits::RECENT_OVERHEAD_BYTES;
            match self.bytes_of.insert(content.number, bytes) {
                None => self.numbers.push_back(content.number),
                Some(old) => self.bytes -= old.len() + limits::RECENT_OVERHEAD_BYTES,
            }
        }
        while self.bytes > limits::RECENT_BYTES_MAX {
            let Some(oldest) = self.numbers.pop_front() else { return };
            if let Some(bytes) = self.bytes_of.remove(&oldest) {
                self.bytes -= bytes.len() + limits::RECENT_OVERHEAD_BYTES;
            }
        }
    }

    /// The contents of these jobs are gone.
    pub(crate) fn forget(&mut self, orders: &[u64]) {
        for number in orders.iter().flat_map(|order| all_of(*order).take(SLOTS)) {
            if let Some(bytes) = self.bytes_of.remove(&number) {
                self.bytes -= bytes.len() + limits::RECENT_OVERHEAD_BYTES;
            }
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<Bytes> {
        self.bytes_of.get(&number).cloned()
    }
}

/// The bytes of a content, or `None` if its job is over and they were dropped since.
///
/// # Errors
/// `Damaged` if other bytes are there than were put.
pub(crate) async fn read(
    feed: &Feed,
    store: &Store,
    content: &Content,
    order: u64,
    slot: Slot,
) -> Result<Option<Bytes>, StoreError> {
    let number = number(order, slot);
    if let Some(bytes) = feed.recent().get(number) {
        return Ok(Some(bytes));
    }
    let bytes = match store.journal.content(number).await? {
        None => return Ok(None),
        Some(Body::Inline(bytes)) => bytes,
        Some(Body::File(file)) => match store.files.get(file).await? {
            Some(bytes) => bytes,
            None => return Err(damaged(content, "its file is gone")),
        },
    };
    match wire::jobs::content(&bytes).hash == content.hash {
        true => Ok(Some(bytes)),
        false => Err(damaged(content, "its bytes are not those that were put")),
    }
}

/// The bytes of a content that must be there: its job lives.
pub(crate) async fn must_read(
    feed: &Feed,
    store: &Store,
    content: &Content,
    order: u64,
    slot: Slot,
) -> Result<Bytes, StoreError> {
    read(feed, store, content, order, slot).await?.ok_or_else(|| damaged(content, "it is not there"))
}

fn damaged(content: &Content, why: &str) -> StoreError {
    let error =
        StoreError::Damaged { why: format!("content {:?}: {why}; see callboard store check", FileHash(content.hash)) };
    tracing::error!(%error, "a payload or result could not be read");
    error
}

/// Bytes of everything that belongs to a job.
pub(crate) fn bytes_of(job: &Job) -> u64 {
    let result = match job.outcome() {
        Some(Outcome::Completed { result }) => result.bytes,
        _ => 0,
    };
    job.spec.payload.bytes + job.spec.ctx().map_or(0, |ctx| ctx.bytes) + result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Also while a full disk lets its decision wait for hours, or the clock is set.
    #[tokio::test(start_paused = true)]
    async fn a_file_that_no_record_names_yet_stays_as_long_as_somebody_has_it_in_hand() {
        let store = store::open("memory:", &store::Options::default()).unwrap();
        let bytes = Bytes::from(vec![b'1'; limits::INLINE_BYTES_MAX + 1]);
        let file = FileHash::of(&bytes);
        let attached = Attached::new(&store, wire::jobs::content(&bytes), bytes).await.unwrap();
        let decided = attached.clone();
        drop(attached);
        tokio::time::advance(2 * limits::FILE_AGE_MIN).await;
        assert_eq!(store.files.older_than(limits::FILE_AGE_MIN, None, 1).await.unwrap(), []);
        assert!(!store.files.remove(file, Duration::ZERO).await.unwrap());
        drop(decided);
        assert!(store.files.remove(file, Duration::ZERO).await.unwrap());
    }
}
