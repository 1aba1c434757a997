//! A state of the view that stands still while it is written down, piece by piece, and the view
//! goes on: what is about to change is taken first.

use super::Feed;
use super::view::View;
use fleet::{Chapter, Event, Ledger};
use std::collections::BTreeSet;
use std::sync::PoisonError;
use store::Position;

/// What changed since the last checkpoint, and the checkpoint that is being written.
#[derive(Default)]
pub(super) struct Changes {
    /// Parts that changed since the cut, or since the last checkpoint if there is none.
    dirty: BTreeSet<Chapter>,
    cut: Option<Cut>,
}

struct Cut {
    /// Not taken yet; they are as they were at the cut.
    left: BTreeSet<Chapter>,
    /// Taken because they were about to change.
    taken: Vec<(Chapter, Vec<Event>)>,
}

impl Changes {
    /// These parts changed since the last checkpoint.
    pub(super) fn since(dirty: BTreeSet<Chapter>) -> Changes {
        Changes { dirty, cut: None }
    }

    /// Before `event` is applied to `ledger`.
    pub(super) fn heed(&mut self, ledger: &Ledger, event: &Event) {
        let Changes { dirty, cut } = self;
        ledger.touched_by(event, &mut |part| {
            if let Some(cut) = cut
                && cut.left.remove(&part)
            {
                let story = ledger.story_of(&part);
                cut.taken.push((part.clone(), story));
            }
            dirty.insert(part);
        });
    }
}

impl View {
    /// How many parts changed since the last cut.
    pub(crate) fn changed_parts(&self) -> usize {
        self.changes().dirty.len()
    }
}

impl Feed {
    /// Makes the state as it is now stand still: what changed since the last cut, or everything.
    /// Returns its place and how many parts those are. One cut at a time.
    pub(crate) fn cut(&self, whole: bool) -> (Position, usize) {
        let view = self.view();
        let mut changes = view.changes();
        let mut left = std::mem::take(&mut changes.dirty);
        if whole {
            left = view.ledger.chapters().collect();
        }
        let parts = left.len();
        changes.cut = Some(Cut { left, taken: Vec::new() });
        (view.position, parts)
    }

    /// The next parts of the state that stands still, at most `max` and in no order; a part that
    /// was gone has no events. Empty: that was all, and it stands still no more.
    pub(crate) fn take_of_cut(&self, max: usize) -> Vec<(Chapter, Vec<Event>)> {
        let view = self.view();
        let mut changes = view.changes();
        let Some(cut) = &mut changes.cut else { return Vec::new() };
        let mut taken = std::mem::take(&mut cut.taken);
        while taken.len() < max
            && let Some(part) = cut.left.pop_first()
        {
            let story = view.ledger.story_of(&part);
            taken.push((part, story));
        }
        if taken.is_empty() {
            changes.cut = None;
        }
        taken
    }

    /// The cut was not written down: its parts, of which these were taken, count as changed again.
    pub(crate) fn mend_cut(&self, taken: Vec<Chapter>) {
        let view = self.view();
        let mut changes = view.changes();
        changes.dirty.extend(taken);
        if let Some(cut) = changes.cut.take() {
            changes.dirty.extend(cut.left);
            changes.dirty.extend(cut.taken.into_iter().map(|(part, _)| part));
        }
    }
}

impl View {
    fn changes(&self) -> std::sync::MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
