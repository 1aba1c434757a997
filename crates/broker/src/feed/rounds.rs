//! What several watchers that stand at the same place are given next, joined once for all of them.

use super::published::Variant;
use crate::limits;
use bytes::Bytes;
use std::collections::VecDeque;
use wire::EventId;

/// The newest joined pieces.
#[derive(Default)]
pub(super) struct Rounds(VecDeque<Round>);

struct Round {
    variant: Variant,
    after: u64,
    to: EventId,
    frames: Bytes,
}

impl Rounds {
    /// What comes after number `after`, and up to where.
    pub(super) fn get(&self, variant: Variant, after: u64) -> Option<(EventId, Bytes)> {
        let round = self.0.iter().rev().find(|round| round.after == after && round.variant == variant)?;
        Some((round.to, round.frames.clone()))
    }

    pub(super) fn put(&mut self, variant: Variant, after: u64, to: EventId, frames: Bytes) {
        if self.0.len() == limits::ROUNDS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Round { variant, after, to, frames });
    }
}
