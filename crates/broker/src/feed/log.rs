//! The newest records, as told: what readers that are nearly up to date are served from.

use super::Published;
use crate::limits;
use std::collections::VecDeque;
use std::sync::Arc;
use store::Position;

pub(super) struct Log {
    records: VecDeque<Arc<Published>>,
    /// The number of the last event before the oldest record.
    before: u64,
    head: Position,
    bytes: usize,
    events: usize,
}

impl Log {
    pub(super) fn after(at: Position) -> Log {
        Log { records: VecDeque::new(), before: at.seq, head: at, bytes: 0, events: 0 }
    }

    pub(super) fn push(&mut self, published: Arc<Published>) {
        debug_assert_eq!(published.first_seq(), self.head.seq + 1, "records are told in order, without a gap");
        self.head = published.position;
        self.bytes += published.bytes();
        self.events += published.entries.len();
        self.records.push_back(published);
        while self.bytes > limits::LOG_BYTES_MAX || self.events > limits::LOG_EVENTS_MAX {
            let Some(oldest) = self.records.pop_front() else { break };
            self.before = oldest.position.seq;
            self.bytes -= oldest.bytes();
            self.events -= oldest.entries.len();
        }
    }

    pub(super) fn head(&self) -> Position {
        self.head
    }

    /// The records that hold events after number `seq`; `None` if the log begins later.
    pub(super) fn after_seq(&self, seq: u64) -> Option<impl Iterator<Item = &Arc<Published>>> {
        if seq < self.before {
            return None;
        }
        let from = self.records.partition_point(|record| record.position.seq <= seq);
        Some(self.records.range(from..))
    }

    /// Event number `seq`, while it is here.
    pub(super) fn entry(&self, seq: u64) -> Option<&Arc<super::Entry>> {
        let record = self.holding(seq)?;
        record.entries.get(usize::try_from(seq - record.first_seq()).ok()?)
    }

    /// The record that holds event number `seq`.
    pub(super) fn holding(&self, seq: u64) -> Option<&Arc<Published>> {
        let at = self.records.partition_point(|record| record.position.seq < seq);
        self.records.get(at).filter(|record| record.first_seq() <= seq)
    }
}
