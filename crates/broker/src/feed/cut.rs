//! A state of the view that stands still while it is written down, piece by piece, and the view
//! goes on: what is about to change is taken first.

use super::Feed;
use super::view::View;
use crate::limits;
use fleet::{Chapter, Event, Ledger};
use std::collections::BTreeSet;
use std::sync::PoisonError;
use store::Position;

/// What changed since the last checkpoint, and the checkpoint that is being written.
#[derive(Default)]
pub(super) struct Changes {
    /// Parts that changed since the cut, or since the last checkpoint if there is none.
    dirty: BTreeSet<Chapter>,
    /// So many had changed that they were let go: the next cut is of everything.
    is_whole_due: bool,
    cut: Option<Cut>,
    /// The last cut, which may have been taken to its end, was of everything.
    was_whole: bool,
}

struct Cut {
    left: Left,
    /// Taken because they were about to change.
    taken: Vec<(Chapter, Vec<Event>)>,
}

/// Not taken yet, and as it was at the cut.
enum Left {
    Changed(BTreeSet<Chapter>),
    /// Everything beyond `walked` but what changed since.
    All {
        walked: Option<Chapter>,
        changed: BTreeSet<Chapter>,
    },
    Nothing,
}

impl Left {
    /// Whether `part` was left, which it is not any more.
    fn remove(&mut self, part: &Chapter) -> bool {
        match self {
            Left::Changed(left) => left.remove(part),
            Left::All { walked, changed } => walked.as_ref() < Some(part) && changed.insert(part.clone()),
            Left::Nothing => false,
        }
    }
}

impl Changes {
    /// These parts changed since the last checkpoint.
    pub(super) fn since(dirty: BTreeSet<Chapter>) -> Changes {
        Changes { dirty, ..Changes::default() }
    }

    /// Before `event` is applied to `ledger`.
    pub(super) fn heed(&mut self, ledger: &Ledger, event: &Event) {
        let Changes { dirty, is_whole_due, cut, .. } = self;
        ledger.touched_by(event, &mut |part| {
            if let Some(cut) = cut
                && cut.left.remove(&part)
            {
                cut.take(ledger, part.clone());
            }
            if !*is_whole_due {
                dirty.insert(part);
            }
        });
        self.let_go(ledger);
    }

    /// While no checkpoint can be written, also jobs that came and went would be noted for ever.
    fn let_go(&mut self, ledger: &Ledger) {
        if self.dirty.len() > limits::CHANGED_PARTS_MAX.max(ledger.jobs_known()) {
            self.is_whole_due = true;
            self.dirty.clear();
        }
    }
}

impl Cut {
    fn take(&mut self, ledger: &Ledger, part: Chapter) {
        let story = ledger.story_of(&part);
        // Of everything nothing is written that was not there.
        if !story.is_empty() || matches!(self.left, Left::Changed(_)) {
            self.taken.push((part, story));
        }
    }

    /// Takes what is next, until so much was looked at.
    fn go_on(&mut self, ledger: &Ledger, max: usize) {
        let mut next = Vec::with_capacity(max);
        match &mut self.left {
            Left::Changed(left) => next.extend(std::iter::from_fn(|| left.pop_first()).take(max)),
            Left::All { walked, .. } => {
                next.extend(ledger.chapters_after(walked.as_ref()).take(max));
                match next.last() {
                    Some(last) => *walked = Some(last.clone()),
                    None => self.left = Left::Nothing,
                }
            }
            Left::Nothing => {}
        }
        if let Left::All { changed, .. } = &self.left {
            next.retain(|part| !changed.contains(part));
        }
        next.into_iter().for_each(|part| self.take(ledger, part));
    }

    fn is_over(&self) -> bool {
        let is_left = match &self.left {
            Left::Changed(left) => !left.is_empty(),
            Left::All { .. } => true,
            Left::Nothing => false,
        };
        !is_left && self.taken.is_empty()
    }
}

impl View {
    /// How many parts changed since the last cut.
    pub(crate) fn changed_parts(&self) -> usize {
        let changes = self.changes();
        if changes.is_whole_due { self.ledger.jobs_known().max(1) } else { changes.dirty.len() }
    }
}

/// A state that stands still.
pub(crate) struct Still {
    pub(crate) at: Position,
    /// How many parts there are to take, near enough.
    pub(crate) parts: usize,
    /// They are everything, and not what changed since the last cut.
    pub(crate) is_whole: bool,
}

impl Feed {
    /// Makes the state as it is now stand still: what changed since the last cut, or everything
    /// if that is asked for or what changed is not known. One cut at a time.
    pub(crate) fn cut(&self, whole: bool) -> Still {
        let view = self.view();
        let mut changes = view.changes();
        let changed = std::mem::take(&mut changes.dirty);
        let is_whole = std::mem::take(&mut changes.is_whole_due) || whole;
        let parts = if is_whole { view.ledger.jobs_known() } else { changed.len() };
        let left = match is_whole {
            true => Left::All { walked: None, changed: BTreeSet::new() },
            false => Left::Changed(changed),
        };
        changes.cut = Some(Cut { left, taken: Vec::new() });
        changes.was_whole = is_whole;
        Still { at: view.position, parts, is_whole }
    }

    /// The next parts of the state that stands still, some `max` and in no order; a part that
    /// was gone has no events. Empty: that was all, and it stands still no more.
    pub(crate) fn take_of_cut(&self, max: usize) -> Vec<(Chapter, Vec<Event>)> {
        loop {
            let view = self.view();
            let mut changes = view.changes();
            let Some(cut) = &mut changes.cut else { return Vec::new() };
            if cut.taken.len() < max {
                cut.go_on(&view.ledger, max - cut.taken.len());
            }
            let taken = std::mem::take(&mut cut.taken);
            if !taken.is_empty() {
                return taken;
            }
            if cut.is_over() {
                changes.cut = None;
            }
        }
    }

    /// The cut was not written down: its parts, of which these were taken, count as changed again.
    pub(crate) fn mend_cut(&self, taken: Vec<Chapter>) {
        let view = self.view();
        let mut changes = view.changes();
        let cut = changes.cut.take();
        if changes.was_whole {
            changes.is_whole_due = true;
            changes.dirty.clear();
            return;
        }
        changes.dirty.extend(taken);
        if let Some(cut) = cut {
            if let Left::Changed(left) = cut.left {
                changes.dirty.extend(left);
            }
            changes.dirty.extend(cut.taken.into_iter().map(|(part, _)| part));
        }
        changes.let_go(&view.ledger);
    }
}

impl View {
    fn changes(&self) -> std::sync::MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Published;
    use crate::samples::{assigned, cancelled, forgotten, returned, submitted};
    use std::collections::BTreeMap;

    type Story = BTreeMap<Chapter, Vec<Event>>;

    fn feed() -> Feed {
        Feed::new(Ledger::default(), Position::START, BTreeSet::new())
    }

    fn tell(feed: &Feed, events: Vec<Event>) {
        let before = feed.position();
        let position = Position { seq: before.seq + events.len() as u64, ..before };
        feed.publish(Published::new(position, before.seq + 1, events, 0, Vec::new()), &[]);
    }

    /// The number of the next job.
    fn next(feed: &Feed) -> u64 {
        feed.view().ledger.orders() + 1
    }

    /// Each chapter of the view.
    fn story(feed: &Feed) -> Story {
        let view = feed.view();
        view.ledger.chapters().map(|chapter| (chapter.clone(), view.ledger.story_of(&chapter))).collect()
    }

    /// Puts the parts of the cut over the last checkpoint, while more happens.
    fn write_down(feed: &Feed, checkpoint: &mut Story, mut meanwhile: impl Iterator<Item = Vec<Event>>) {
        loop {
            let taken = feed.take_of_cut(3);
            if taken.is_empty() {
                return;
            }
            for (chapter, events) in taken {
                if events.is_empty() {
                    checkpoint.remove(&chapter)
                } else {
                    checkpoint.insert(chapter, events)
                };
            }
            meanwhile.next().into_iter().for_each(|events| tell(feed, events));
        }
    }

    /// Jobs before and behind the place where the checkpoint is come, change, end and are forgotten.
    fn busy(from: u64) -> impl Iterator<Item = Vec<Event>> {
        (0..).map(move |step| {
            let (new, old, young) = (from + step, 2 + step * 3, from.saturating_sub(step * 3));
            vec![
                submitted(new),
                cancelled(old),
                assigned(young, 1, "w"),
                cancelled(new),
                forgotten(old),
                returned(young, "w"),
            ]
        })
    }

    #[test]
    fn a_checkpoint_of_everything_is_the_state_at_its_beginning_whatever_happens_meanwhile() {
        let feed = feed();
        tell(&feed, (1..=90).map(submitted).collect());
        tell(&feed, (1..=40).map(|step| cancelled(step * 2)).collect());
        for is_asked_for in [true, false] {
            feed.view().changes().is_whole_due = !is_asked_for;
            let expected = story(&feed);
            assert!(feed.cut(is_asked_for).is_whole);
            let mut checkpoint = Story::new();
            let more = busy(next(&feed));
            write_down(&feed, &mut checkpoint, more);
            assert_eq!(checkpoint, expected);
            // What happened meanwhile is what the next one changes.
            let expected = story(&feed);
            assert!(!feed.cut(false).is_whole);
            let more = busy(next(&feed));
            write_down(&feed, &mut checkpoint, more);
            assert_eq!(checkpoint, expected);
        }
    }

    #[test]
    fn while_no_checkpoint_can_be_written_no_more_is_noted_than_there_is() {
        let feed = feed();
        // Each is noted as it was alive and as it had ended.
        let many = limits::CHANGED_PARTS_MAX as u64 / 2 + 500;
        for first in (1..many).step_by(500) {
            let orders = first..first + 500;
            tell(&feed, orders.flat_map(|order| [submitted(order), cancelled(order), forgotten(order)]).collect());
            assert!(feed.view().changes().dirty.len() <= limits::CHANGED_PARTS_MAX);
        }
        let first = next(&feed);
        tell(&feed, (first..first + 5).map(submitted).collect());
        assert!(feed.view().changed_parts() > 0, "a checkpoint is due");
        // It fails once more, before and after it was taken.
        for is_taken in [false, true] {
            assert!(feed.cut(false).is_whole);
            let mut drawn = Story::new();
            if is_taken {
                write_down(&feed, &mut drawn, std::iter::empty());
            }
            feed.mend_cut(drawn.into_keys().collect());
        }
        assert!(feed.cut(false).is_whole);
        let mut checkpoint = Story::new();
        write_down(&feed, &mut checkpoint, std::iter::empty());
        assert_eq!(checkpoint, story(&feed));
        assert_eq!((feed.view().changed_parts(), feed.cut(false).is_whole), (0, false));
    }
}
