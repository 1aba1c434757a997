//! What may be read: a ledger folded from durable events, at most one batch behind the one
//! that decides.

use super::cut::Changes;
use super::facets::Facets;
use super::{Feed, Published};
use bytes::Bytes;
use fleet::{Chapter, Job, Ledger, Timestamp};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Facet, Position};
use wire::snapshot::Snapshot;
use wire::{EventId, monitor};

pub(crate) struct View {
    pub(crate) ledger: Ledger,
    /// The state is that after this position.
    pub(crate) position: Position,
    pub(super) facets: Facets,
    pub(super) changes: Mutex<Changes>,
    /// The snapshot at a position, made once for all who ask for it there.
    snapshot: Mutex<Option<(Position, Bytes)>>,
}

impl View {
    pub(super) fn new(ledger: Ledger, position: Position, changed: BTreeSet<Chapter>) -> View {
        let facets = Facets::of(&ledger);
        View { ledger, position, facets, changes: Mutex::new(Changes::since(changed)), snapshot: Mutex::new(None) }
    }

    /// `rows` are jobs that the deciding ledger knows alike; they are kept once.
    pub(super) fn fold(&mut self, published: &Published, rows: &[Arc<Job>]) {
        let changes = self.changes.get_mut().unwrap_or_else(PoisonError::into_inner);
        for entry in &published.entries {
            changes.heed(&self.ledger, &entry.event);
            let before = self.facets.before(&self.ledger, &entry.event);
            self.ledger.apply(&entry.event);
            self.facets.after(&self.ledger, &entry.event, before);
        }
        if let Some(last) = published.entries.last() {
            self.ledger.catch_up(last.event.at);
        }
        self.ledger.share(rows);
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
    /// The message of a snapshot but for its [`head`](monitor::snapshot_head), and the position it
    /// stands at.
    pub(crate) fn snapshot(&self, now: Timestamp) -> (EventId, Bytes) {
        let view = self.view();
        let mut made = view.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((position, rest)) = &*made
            && *position == view.position
        {
            return (event_id(*position), rest.clone());
        }
        let data = Snapshot::of(&view.ledger, &|job| self.progress(job), now);
        let id = view.event_id().to_string();
        let rest = Bytes::from(monitor::snapshot_rest(&data, &id, now));
        *made = Some((view.position, rest.clone()));
        (view.event_id(), rest)
    }
}

impl Feed {
    /// The same with another page of the completed jobs: `change` puts it in.
    pub(crate) fn changed_snapshot(
        &self,
        now: Timestamp,
        change: impl FnOnce(Snapshot) -> Snapshot,
    ) -> (EventId, Bytes) {
        let view = self.view();
        let data = change(Snapshot::of(&view.ledger, &|job| self.progress(job), now));
        let rest = monitor::snapshot_rest(&data, &view.event_id().to_string(), now);
        (view.event_id(), rest.into())
    }
}

impl View {
    /// The numbers of jobs below `below` of which one facet of each list holds, newest first.
    pub(crate) fn matching(&self, all_of: &[Vec<Facet>], below: u64) -> impl Iterator<Item = u64> {
        self.facets.postings().matching(all_of, below)
    }

    /// How many they are in all.
    pub(crate) fn count(&self, all_of: &[Vec<Facet>]) -> u64 {
        self.facets.postings().count(all_of, u64::MAX).0
    }

    /// The number of the first known job that was submitted at this time or later: numbers grow
    /// with time. Above all if there is none.
    pub(crate) fn order_at(&self, time: Timestamp) -> u64 {
        let (mut low, mut high) = (1, self.ledger.orders() + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            // The newest job up to there says how late it was.
            match self.ledger.submitted_before(middle + 1).next() {
                Some(job) if job.created_at >= time => high = middle.min(job.order),
                _ => low = middle + 1,
            }
        }
        low
    }
}
