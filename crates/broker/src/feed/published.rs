//! One durable record as it is told, encoded at most once for each dialect.

use bytes::{BufMut, Bytes, BytesMut};
use fleet::{Content, Event};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use store::{Blob, BlobHash, Journal, Position, Record};
use wire::{EventId, Topics, client, monitor, stored};

/// A record and its events, in order.
pub(crate) struct Published {
    /// After the last event.
    pub(crate) position: Position,
    pub(crate) entries: Vec<Arc<Entry>>,
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

type Contents = HashMap<[u8; 32], Bytes>;

impl Published {
    /// What was just written: `events` from number `first_seq` on, with the blobs they name.
    pub(crate) fn new(position: Position, first_seq: u64, events: Vec<Event>, blobs: Vec<Blob>) -> Published {
        let contents: Arc<Contents> = Arc::new(blobs.into_iter().map(|blob| (blob.hash.0, blob.bytes)).collect());
        let entry = |(event, seq): (Event, u64)| {
            let id = EventId { epoch: position.epoch, seq, hash: position.hash };
            let topics = Topics::of(&event.fact);
            Arc::new(Entry { id, event, topics, contents: Arc::clone(&contents), client: OnceLock::new() })
        };
        let entries = events.into_iter().zip(first_seq..).map(entry).collect();
        Published { position, entries, monitor: OnceLock::new() }
    }

    /// A record of the journal, with the blobs it names.
    pub(crate) async fn read(store: &dyn Journal, record: &Record) -> Result<Published, stored::Unreadable> {
        let events = stored::decode(&record.bytes)?;
        let named: Vec<Content> = events.iter().flat_map(|event| event.fact.contents()).flatten().collect();
        let mut blobs = Vec::with_capacity(named.len());
        for content in named {
            if let Some(bytes) = super::content(store, &content).await {
                blobs.push(Blob { hash: BlobHash(content.hash), bytes });
            }
        }
        Ok(Published::new(record.position, record.first, events, blobs))
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

    /// What it costs to keep, near enough.
    pub(crate) fn bytes(&self) -> usize {
        const ENTRY_BYTES: usize = 1_024;
        let contents = self.entries.first().map_or(0, |entry| entry.contents.values().map(Bytes::len).sum());
        self.entries.len() * ENTRY_BYTES + contents
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
