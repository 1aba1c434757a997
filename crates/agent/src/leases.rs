//! The leases that are held here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Every lease of this machine, from the answer that gave it until its end is told. A lease whose
/// result waits for the broker is still held: it is named in `have`, `resume` and heartbeats.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<BTreeMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    /// Index of the worker.
    worker: usize,
    lost: CancellationToken,
}

/// One lease that is held; dropping it lets it go.
#[derive(Debug)]
pub(crate) struct Held {
    leases: Arc<Leases>,
    pub id: String,
    /// The broker has said that it is no longer ours.
    pub lost: CancellationToken,
}

impl Leases {
    /// `None` if it is held already: the broker gives out again what it has not heard of.
    pub(crate) fn hold(self: &Arc<Leases>, id: &str, worker: usize) -> Option<Held> {
        let mut entries = self.lock();
        if entries.contains_key(id) {
            return None;
        }
        let lost = CancellationToken::new();
        entries.insert(id.to_owned(), Entry { worker, lost: lost.clone() });
        Some(Held { leases: Arc::clone(self), id: id.to_owned(), lost })
    }

    /// These are no longer ours. Those that are not held are none of our business any more.
    pub(crate) fn lose(&self, ids: &[String]) {
        let entries = self.lock();
        ids.iter().filter_map(|id| entries.get(id)).for_each(|entry| entry.lost.cancel());
    }

    /// All of one worker are no longer ours.
    pub(crate) fn lose_all_of(&self, worker: usize) {
        self.lock().values().filter(|entry| entry.worker == worker).for_each(|entry| entry.lost.cancel());
    }

    pub(crate) fn of(&self, worker: usize) -> Vec<String> {
        self.lock().iter().filter(|(_, entry)| entry.worker == worker).map(|(id, _)| id.clone()).collect()
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.leases.lock().remove(&self.id);
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
        drop(held);
        assert!(leases.hold("a", 0).is_some());
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
