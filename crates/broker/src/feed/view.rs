//! What may be read: a ledger folded from durable events, at most one batch behind the one
//! that decides.

use super::{Feed, Published};
use bytes::Bytes;
use fleet::{Ledger, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use store::Position;
use wire::snapshot::Snapshot;
use wire::{EventId, monitor};

pub(crate) struct View {
    pub(crate) ledger: Ledger,
    /// The state is that after this position.
    pub(crate) position: Position,
    /// The snapshot at a position, made once for all who ask for it there.
    snapshot: Mutex<Option<(Position, Bytes)>>,
}

impl View {
    pub(super) fn new(ledger: Ledger, position: Position) -> View {
        View { ledger, position, snapshot: Mutex::new(None) }
    }

    pub(super) fn fold(&mut self, published: &Arc<Published>) {
        for entry in &published.entries {
            self.ledger.apply(&entry.event);
        }
        if let Some(last) = published.entries.last() {
            self.ledger.catch_up(last.event.at);
        }
        self.position = published.position;
    }

    pub(crate) fn event_id(&self) -> EventId {
        event_id(self.position)
    }
}

pub(crate) fn event_id(position: Position) -> EventId {
    EventId { epoch: position.epoch, seq: position.seq, hash: position.hash }
}

impl Feed {
    /// The frame of a snapshot, and the position it stands at.
    pub(crate) fn snapshot(&self, monitor_id: &str, now: Timestamp) -> (EventId, Bytes) {
        let view = self.view();
        let mut made = view.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((position, frame)) = &*made
            && *position == view.position
        {
            return (event_id(*position), frame.clone());
        }
        let data = Snapshot::of(&view.ledger, &|job| self.progress(job), now);
        let id = view.event_id().to_string();
        let frame = super::published::frame(Some(&id), &monitor::snapshot(&data, monitor_id, &id, now));
        *made = Some((view.position, frame.clone()));
        (view.event_id(), frame)
    }
}
