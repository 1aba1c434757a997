//! One durable record as it is told, encoded at most once for each dialect.

use super::Feed;
use crate::contents::{self, Attached, Slot};
use bytes::{BufMut, Bytes, BytesMut};
use fleet::{Content, Event, Fact, JobId, Outcome};
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
    monitor: OnceLock<Bytes>,
}

/// One event, and what it is in each dialect. Frames are made when first asked for.
pub(crate) struct Entry {
    pub(crate) id: EventId,
    pub(crate) event: Event,
    pub(crate) topics: Topics,
    contents: Arc<Contents>,
    client: OnceLock<Bytes>,
}

/// Why a record could not be told from the journal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unreadable(#[from] stored::Unreadable),
}

type Contents = HashMap<[u8; 32], Bytes>;

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
        contents: Contents,
    ) -> Published {
        let contents = Arc::new(contents);
        let entry = |(event, seq): (Event, u64)| {
            let id = EventId { epoch: position.epoch, seq, hash: position.hash };
            let topics = Topics::of(&event.fact);
            Arc::new(Entry { id, event, topics, contents: Arc::clone(&contents), client: OnceLock::new() })
        };
        let entries = events.into_iter().zip(first_seq..).map(entry).collect();
        Published { position, entries, record_bytes, monitor: OnceLock::new() }
    }

    /// A record of the journal, with the contents that are told: those of all jobs, or `only` of
    /// one. What was dropped since, or cannot be read any more, is told of without them.
    pub(crate) async fn read(
        feed: &Feed,
        store: &Store,
        record: &Record,
        only: Option<&JobId>,
    ) -> Result<Published, ReadError> {
        let events = stored::decode(&record.bytes)?;
        let mut contents = Contents::new();
        for event in events.iter().filter(|event| only.is_none() || client::subject(&event.fact) == only) {
            let Some((content, slot)) = told(&event.fact) else { continue };
            match feed.content_of(store, &event.fact, &content, slot).await {
                Ok(bytes) => contents.extend(bytes.map(|bytes| (content.hash, bytes))),
                // Waiting would not mend it, and would keep back all that happened since.
                Err(error) if error.is_damage() => {
                    tracing::warn!(%error, event = record.first, "an event is told without its payload or result");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Published::with(record.position, record.first, events, record.bytes.len(), contents))
    }

    /// The frames of all events to a monitor that is subscribed to everything.
    pub(crate) fn monitor_sse(&self) -> &Bytes {
        self.monitor.get_or_init(|| self.monitor_sse_of(Topics::ALL, 0))
    }

    /// The frames of the events after number `after` that share a topic with `topics`.
    pub(crate) fn monitor_sse_of(&self, topics: Topics, after: u64) -> Bytes {
        let mut frames = BytesMut::new();
        for entry in self.entries.iter().filter(|entry| entry.id.seq > after && entry.topics.shares(topics)) {
            let id = entry.id.to_string();
            if let Some(message) = monitor::event(&entry.event, &id, &|content| entry.content(content)) {
                put_frame(&mut frames, Some(&id), &message);
            }
        }
        frames.freeze()
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.entries.first().map_or(self.position.seq, |entry| entry.id.seq)
    }

    /// What it costs to keep, near enough: the events, both encodings, and the contents.
    pub(crate) fn bytes(&self) -> usize {
        const ENTRY_BYTES: usize = 512;
        let contents = self.entries.first().map_or(0, |entry| entry.contents.values().map(Bytes::len).sum());
        self.entries.len() * ENTRY_BYTES + 3 * (self.record_bytes + contents)
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
    /// The frame of this event to those who watch its job; empty if they are told nothing.
    pub(crate) fn client_sse(&self) -> &Bytes {
        self.client.get_or_init(|| {
            let id = self.id.to_string();
            let message = client::event(&self.event, &id, &|content| self.content(content));
            message.map(|message| frame(Some(&id), &message)).unwrap_or_default()
        })
    }

    fn content(&self, content: &Content) -> Option<Bytes> {
        self.contents.get(&content.hash).cloned()
    }
}

/// One SSE frame. Messages are JSON on one line, so one `data:` is enough.
pub(crate) fn frame(id: Option<&str>, message: &str) -> Bytes {
    let mut frames = BytesMut::with_capacity(message.len() + 64);
    put_frame(&mut frames, id, message);
    frames.freeze()
}

pub(super) fn put_frame(frames: &mut BytesMut, id: Option<&str>, message: &str) {
    if let Some(id) = id {
        frames.put_slice(b"id: ");
        frames.put_slice(id.as_bytes());
        frames.put_slice(b"\n");
    }
    frames.put_slice(b"data: ");
    frames.put_slice(message.as_bytes());
    frames.put_slice(b"\n\n");
}
