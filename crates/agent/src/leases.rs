//! The leases that are held here.

use crate::limits::{GIVEN_UP_MAX, LEASE_MS_DEFAULT, LEASE_MS_MAX};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Every lease of this machine, from the answer that gave it until its end is told. A lease whose
/// result waits for the broker is still held: it is named in `have`, `resume` and heartbeats.
///
/// One whose end the broker did not take is given up: it is not renewed any more, and is named in
/// `have` until it is lost, so that it is not offered again. It is never held a second time.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    held: BTreeMap<String, Entry>,
    /// The oldest first; at most [`GIVEN_UP_MAX`].
    given_up: VecDeque<GivenUp>,
    /// How long one lasts that is not renewed.
    lasts: Duration,
}

impl Default for Inner {
    fn default() -> Inner {
        let lasts = Duration::from_millis(LEASE_MS_DEFAULT);
        Inner { held: BTreeMap::new(), given_up: VecDeque::new(), lasts }
    }
}

#[derive(Debug)]
struct GivenUp {
    id: String,
    worker: usize,
    /// By then it has certainly run out, unless the broker was away.
    until: Instant,
}

#[derive(Debug)]
struct Entry {
    /// Index of the worker.
    worker: usize,
    lost: CancellationToken,
}

/// One lease that is held. Dropping it lets it go if its end was told or it is lost, and gives it
/// up otherwise, such as after a panic.
#[derive(Debug)]
pub(crate) struct Held {
    leases: Arc<Leases>,
    pub id: String,
    /// The broker has said that it is no longer ours.
    pub lost: CancellationToken,
    told: AtomicBool,
}

impl Held {
    /// The broker has taken how it ended.
    pub(crate) fn is_told(&self) {
        self.told.store(true, Ordering::Release);
    }
}

impl Leases {
    /// `None` if it is or was held already: the broker gives out again what it has not heard of.
    pub(crate) fn hold(self: &Arc<Leases>, id: &str, worker: usize) -> Option<Held> {
        let mut inner = self.lock();
        let until = inner.until();
        if let Some(again) = inner.given_up.iter_mut().find(|given_up| given_up.id == id) {
            // It has not run out after all.
            (again.until, again.worker) = (until, worker);
            return None;
        }
        if inner.held.contains_key(id) {
            return None;
        }
        let lost = CancellationToken::new();
        inner.held.insert(id.to_owned(), Entry { worker, lost: lost.clone() });
        Some(Held { leases: Arc::clone(self), id: id.to_owned(), lost, told: AtomicBool::new(false) })
    }

    /// How long a lease lasts that is not renewed, as the broker says.
    pub(crate) fn last(&self, lease_ms: u64) {
        self.lock().lasts = Duration::from_millis(lease_ms.min(LEASE_MS_MAX));
    }

    /// These are no longer ours. Those that are not held are none of our business any more.
    pub(crate) fn lose(&self, ids: &[String]) {
        let mut inner = self.lock();
        ids.iter().filter_map(|id| inner.held.get(id)).for_each(|entry| entry.lost.cancel());
        inner.given_up.retain(|given_up| !ids.contains(&given_up.id));
    }

    /// All of one worker are no longer ours.
    pub(crate) fn lose_all_of(&self, worker: usize) {
        self.lock().held.values().filter(|entry| entry.worker == worker).for_each(|entry| entry.lost.cancel());
    }

    /// What is held of one worker.
    pub(crate) fn of(&self, worker: usize) -> Vec<String> {
        self.lock().held.iter().filter(|(_, entry)| entry.worker == worker).map(|(id, _)| id.clone()).collect()
    }

    /// What the broker need not offer to one worker: what is held, and what is given up.
    pub(crate) fn known_of(&self, worker: usize) -> Vec<String> {
        let (mut known, now) = (self.of(worker), Instant::now());
        let inner = self.lock();
        let given_up = inner.given_up.iter().filter(|given_up| given_up.worker == worker && given_up.until > now);
        known.extend(given_up.map(|given_up| given_up.id.clone()));
        known
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().held.keys().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().held.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// When what is given up now has run out. A renewal may just be on its way, so twice its time.
    fn until(&self) -> Instant {
        Instant::now() + 2 * self.lasts
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut inner = self.leases.lock();
        let Some(entry) = inner.held.remove(&self.id) else { return };
        if *self.told.get_mut() || self.lost.is_cancelled() {
            return;
        }
        if inner.given_up.len() == GIVEN_UP_MAX {
            inner.given_up.pop_front();
        }
        let until = inner.until();
        inner.given_up.push_back(GivenUp { id: std::mem::take(&mut self.id), worker: entry.worker, until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_once_and_until_it_is_dropped() {
        let leases = Arc::new(Leases::default());
        let held = leases.hold("a", 0).unwrap();
        let _other = leases.hold("b", 1).unwrap();
        assert!(leases.hold("a", 0).is_none());
        assert_eq!((leases.of(0), leases.len()), (vec!["a".to_owned()], 2));
        held.is_told();
        drop(held);
        assert!(leases.hold("a", 0).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_told_is_given_up_named_until_it_has_run_out_and_never_held_again() {
        let leases = Arc::new(Leases::default());
        leases.last(1_000);
        drop(leases.hold("a", 0).unwrap());
        assert!(leases.hold("a", 0).is_none());
        assert_eq!((leases.all(), leases.of(0), leases.known_of(1)), (vec![], vec![], vec![]));
        assert_eq!(leases.known_of(0), ["a"]);
        tokio::time::advance(Duration::from_millis(2_001)).await;
        assert!(leases.known_of(0).is_empty());
        // The broker was away meanwhile.
        assert!(leases.hold("a", 0).is_none());
        assert_eq!(leases.known_of(0), ["a"]);
        leases.lose(&["a".to_owned()]);
        assert!(leases.known_of(0).is_empty());
    }

    #[test]
    fn what_is_lost_is_not_given_up_and_the_oldest_given_up_go_first() {
        let leases = Arc::new(Leases::default());
        let lost = leases.hold("lost", 0).unwrap();
        leases.lose(&["lost".to_owned()]);
        drop(lost);
        assert!(leases.known_of(0).is_empty());
        (0..=GIVEN_UP_MAX).for_each(|n| drop(leases.hold(&n.to_string(), 0).unwrap()));
        let known = leases.known_of(0);
        assert_eq!((known.len(), known[0].as_str()), (GIVEN_UP_MAX, "1"));
    }

    #[test]
    fn only_what_the_broker_names_is_lost() {
        let leases = Arc::new(Leases::default());
        let (a, b) = (leases.hold("a", 0).unwrap(), leases.hold("b", 0).unwrap());
        leases.lose(&["b".to_owned(), "unknown".to_owned()]);
        assert!(!a.lost.is_cancelled() && b.lost.is_cancelled());
        leases.lose_all_of(0);
        assert!(a.lost.is_cancelled());
    }
}
