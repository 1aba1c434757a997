//! One durable record as it is told, encoded at most once for each dialect.

use super::{Feed, Framing};
use crate::contents::{self, Attached, Slot};
use bytes::{Bytes, BytesMut};
use fleet::{Content, Event, Fact, JobId, JobSpec, Outcome};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use store::{Position, Record, Store, StoreError};
use wire::limits::TOLD_BYTES_MAX;
use wire::{EventId, Topics, client, monitor, stored};

/// A record and its events, in order.
pub(crate) struct Published {
    /// After the last event.
    pub(crate) position: Position,
    pub(crate) entries: Vec<Arc<Entry>>,
    /// The size of the stored record.
    record_bytes: usize,
    /// All monitor frames one after the other, for those who are told everything.
    monitor: [OnceLock<Bytes>; VARIANTS],
}

/// How a monitor is told: over what, and with payloads or without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Variant {
    pub(crate) framing: Framing,
    pub(crate) payloads: bool,
}

const VARIANTS: usize = 4;

impl Variant {
    fn index(self) -> usize {
        usize::from(self.framing == Framing::Socket) * 2 + usize::from(self.payloads)
    }
}

/// One event, and what it is in each dialect. Frames are made when first asked for.
pub(crate) struct Entry {
    pub(crate) id: EventId,
    pub(crate) event: Event,
    pub(crate) topics: Topics,
    contents: Arc<ByHash>,
    /// The message to monitors, without payloads and with them; empty if they are told nothing.
    monitor: [OnceLock<Bytes>; 2],
    client: OnceLock<Bytes>,
    /// The job that it is about, once somebody asked; `None` inside if it is about none.
    spec: OnceLock<Option<Arc<JobSpec>>>,
}

/// Why a record could not be told from the journal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unreadable(#[from] stored::Unreadable),
}

type ByHash = HashMap<[u8; 32], Bytes>;

/// Whether payloads and results are read with the records of the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Contents {
    Read,
    /// They are for those events that turn out to be wanted, see [`Entry::whole`].
    Unread,
}

impl Published {
    /// What was just written in `record_bytes` bytes: `events` from number `first_seq` on, with
    /// what came along. Contents that nobody is told are let go.
    pub(crate) fn new(
        position: Position,
        first_seq: u64,
        events: Vec<Event>,
        record_bytes: usize,
        attached: Vec<Attached>,
    ) -> Published {
        let told: HashSet<_> =
            events.iter().filter_map(|event| told(&event.fact)).map(|(content, _)| content.hash).collect();
        let attached = attached.into_iter().filter(|attached| told.contains(&attached.content.hash));
        let contents = attached.map(|attached| (attached.content.hash, attached.bytes)).collect();
        Published::with(position, first_seq, events, record_bytes, contents)
    }

    fn with(
        position: Position,
        first_seq: u64,
        events: Vec<Event>,
        record_bytes: usize,
        contents: ByHash,
    ) -> Published {
        let contents = Arc::new(contents);
        let entry = |(event, seq): (Event, u64)| {
            let id = EventId { epoch: position.epoch, seq, hash: position.hash };
            let topics = Topics::of(&event.fact);
            Arc::new(Entry {
                id,
                event,
                topics,
                contents: Arc::clone(&contents),
                monitor: Default::default(),
                client: OnceLock::new(),
                spec: OnceLock::new(),
            })
        };
        let entries = events.into_iter().zip(first_seq..).map(entry).collect();
        Published { position, entries, record_bytes, monitor: Default::default() }
    }

    /// A record of the journal. What was dropped of its contents since, or cannot be read any more,
    /// is told of without them.
    pub(crate) async fn read(
        feed: &Feed,
        store: &Store,
        record: &Record,
        which: Contents,
    ) -> Result<Published, ReadError> {
        let events = stored::decode(&record.bytes)?;
        let mut contents = ByHash::new();
        for event in events.iter().filter(|_| which == Contents::Read) {
            contents.extend(feed.told_with(store, event).await?);
        }
        Ok(Published::with(record.position, record.first, events, record.bytes.len(), contents))
    }

    /// The frames of all events to a monitor that is subscribed to everything.
    pub(crate) fn monitor(&self, variant: Variant) -> &Bytes {
        self.monitor[variant.index()].get_or_init(|| {
            let mut frames = BytesMut::new();
            self.entries.iter().for_each(|entry| entry.put(variant, &mut frames));
            frames.freeze()
        })
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.entries.first().map_or(self.position.seq, |entry| entry.id.seq)
    }

    /// What it costs to keep, near enough: the events, their messages, two framings, and the contents.
    pub(crate) fn bytes(&self) -> usize {
        const ENTRY_BYTES: usize = 512;
        let contents = self.entries.first().map_or(0, |entry| entry.contents.values().map(Bytes::len).sum());
        self.entries.len() * ENTRY_BYTES + 5 * (self.record_bytes + contents)
    }
}

/// The content that somebody is told of with this fact: a small payload, or any result.
fn told(fact: &Fact) -> Option<(Content, Slot)> {
    match fact {
        Fact::JobSubmitted { spec, .. } => {
            Some((spec.payload, Slot::Payload)).filter(|(payload, _)| payload.bytes <= TOLD_BYTES_MAX as u64)
        }
        Fact::JobFinished { outcome: Outcome::Completed { result }, .. } => Some((*result, Slot::Result)),
        _ => None,
    }
}

impl Feed {
    /// The content that somebody is told of with this event, if it still can be read.
    async fn told_with(&self, store: &Store, event: &Event) -> Result<Option<([u8; 32], Bytes)>, StoreError> {
        let Some((content, slot)) = told(&event.fact) else { return Ok(None) };
        match self.content_of(store, &event.fact, &content, slot).await {
            Ok(bytes) => Ok(bytes.map(|bytes| (content.hash, bytes))),
            // Waiting would not mend it, and would keep back all that happened since.
            Err(error) if error.is_damage() => {
                tracing::warn!(%error, "an event is told without its payload or result");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The content of a job that may be over and forgotten.
    async fn content_of(
        &self,
        store: &Store,
        fact: &Fact,
        content: &Content,
        slot: Slot,
    ) -> Result<Option<Bytes>, StoreError> {
        let order = match fact {
            Fact::JobSubmitted { order, .. } => Some(*order),
            fact => self.order_of(store, client::subject(fact)).await?,
        };
        match order {
            Some(order) => contents::read(self, store, content, order, slot).await,
            None => Ok(None),
        }
    }

    async fn order_of(&self, store: &Store, job: Option<&JobId>) -> Result<Option<u64>, StoreError> {
        let Some(job) = job else { return Ok(None) };
        if let Some(known) = self.view().ledger.job(job) {
            return Ok(Some(known.order));
        }
        Ok(store.archive.named(&crate::archived::job_name(job)).await?.map(|row| row.number))
    }
}

impl Entry {
    /// Puts the frame to a monitor, if monitors are told of this event.
    pub(crate) fn put(&self, variant: Variant, frames: &mut BytesMut) {
        let message = self.monitor(variant.payloads);
        if !message.is_empty() {
            variant.framing.put(frames, Some(&self.id.to_string()), message);
        }
    }

    /// The message to monitors; empty if they are told nothing.
    pub(crate) fn monitor(&self, payloads: bool) -> &Bytes {
        self.monitor[usize::from(payloads)].get_or_init(|| {
            let id = self.id.to_string();
            let content = |content: &Content| self.content(content).filter(|_| payloads);
            monitor::event(&self.event, &id, &content).map(Bytes::from).unwrap_or_default()
        })
    }

    /// The message to those who watch its job; empty if they are told nothing.
    pub(crate) fn client(&self) -> &Bytes {
        self.client.get_or_init(|| self.client_for(None).map(Bytes::from).unwrap_or_default())
    }

    /// The same for the socket from which the request came that led to it.
    pub(crate) fn client_for(&self, reference: Option<&wire::Json>) -> Option<String> {
        client::event(&self.event, &self.id.to_string(), &|content| self.content(content), reference)
    }

    /// The same event with its contents, which a record of the journal may have been read without.
    pub(crate) async fn whole(self: &Arc<Entry>, feed: &Feed, store: &Store) -> Result<Arc<Entry>, StoreError> {
        if told(&self.event.fact).is_none_or(|(content, _)| self.contents.contains_key(&content.hash)) {
            return Ok(Arc::clone(self));
        }
        let contents = feed.told_with(store, &self.event).await?.into_iter().collect();
        let Entry { id, event, topics, spec, .. } = &**self;
        Ok(Arc::new(Entry {
            id: *id,
            event: event.clone(),
            topics: *topics,
            contents: Arc::new(contents),
            monitor: Default::default(),
            client: OnceLock::new(),
            spec: spec.clone(),
        }))
    }

    fn content(&self, content: &Content) -> Option<Bytes> {
        self.contents.get(&content.hash).cloned()
    }

    /// What its job was asked for; `None` if it is about none, or about one that nobody knows any more.
    pub(crate) async fn spec(&self, feed: &Feed, store: &Store) -> Result<Option<&Arc<JobSpec>>, StoreError> {
        if let Some(known) = self.spec.get() {
            return Ok(known.as_ref());
        }
        let found = match (&self.event.fact, monitor::job_of(&self.event.fact)) {
            (Fact::JobSubmitted { spec, .. }, _) => Some(Arc::clone(spec)),
            (_, Some(job)) => feed.spec_of(store, job).await?,
            (_, None) => None,
        };
        Ok(self.spec.get_or_init(|| found).as_ref())
    }
}

impl Feed {
    /// What a job was asked for, alive or archived.
    pub(crate) async fn spec_of(&self, store: &Store, job: &JobId) -> Result<Option<Arc<JobSpec>>, StoreError> {
        if let Some(known) = self.view().ledger.job(job) {
            return Ok(Some(Arc::clone(&known.spec)));
        }
        let row = store.archive.named(&crate::archived::job_name(job)).await?;
        Ok(row.as_ref().map(crate::archived::job_of).transpose()?.map(|job| job.spec))
    }
}
