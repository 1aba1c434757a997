//! Who waits for something about one worker, machine or job, found by what it is about.

use super::Feed;
use fleet::{Fact, JobId, MachineId, WorkerId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    Worker(WorkerId),
    Machine(MachineId),
    Job(JobId),
}

#[derive(Default)]
pub(super) struct Bells(Mutex<HashMap<Key, Hung>>);

#[derive(Default)]
struct Hung {
    notify: Arc<Notify>,
    holders: usize,
}

/// Somebody waits. The entry goes when the last one who waits for it is gone.
pub(crate) struct Bell {
    feed: Arc<Feed>,
    key: Key,
    /// Enable `notified()` *before* looking, so that what happens meanwhile is not missed.
    pub(crate) notify: Arc<Notify>,
}

impl Bell {
    /// Rings at every event that concerns `key`.
    pub(crate) fn hang(feed: &Arc<Feed>, key: Key) -> Bell {
        let notify = {
            let mut all = feed.bells.all();
            let hung = all.entry(key.clone()).or_default();
            hung.holders += 1;
            Arc::clone(&hung.notify)
        };
        Bell { feed: Arc::clone(feed), key, notify }
    }
}

impl Bells {
    pub(super) fn ring(&self, key: &Key) {
        if let Some(hung) = self.all().get(key) {
            hung.notify.notify_waiters();
        }
    }

    pub(super) fn ring_all_of(&self, which: impl Fn(&Key) -> bool) {
        let all = self.all();
        all.iter().filter(|(key, _)| which(key)).for_each(|(_, hung)| hung.notify.notify_waiters());
    }

    /// Wakes those whom a fact gives something to do.
    pub(super) fn ring_for(&self, fact: &Fact) {
        if let Some(job) = wire::client::subject(fact) {
            self.ring(&Key::Job(job.clone()));
        }
        match fact {
            Fact::JobAssigned { worker, .. }
            | Fact::WorkerJoined { worker, .. }
            | Fact::WorkerDeclared { worker, .. }
            | Fact::WorkerDrained { worker, .. }
            | Fact::WorkerLeft { worker, .. } => self.ring(&Key::Worker(worker.clone())),
            // The worker has room again, and its machine may have to stop something.
            Fact::JobReturned { machine, worker, .. }
            | Fact::JobFinished { machine: Some(machine), worker: Some(worker), .. } => {
                self.ring(&Key::Worker(worker.clone()));
                self.ring(&Key::Machine(machine.clone()));
            }
            // Heard again, or drained no longer: who waits there stands ready again. And whether it
            // drains is an order.
            Fact::MachineChanged { machine, workers, .. } => {
                self.ring(&Key::Machine(machine.clone()));
                workers.iter().for_each(|report| self.ring(&Key::Worker(report.worker.clone())));
            }
            Fact::MachineLeft { machine, .. } => self.ring(&Key::Machine(machine.clone())),
            _ => {}
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, Hung>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let mut all = self.feed.bells.all();
        let Some(hung) = all.get_mut(&self.key) else { return };
        hung.holders -= 1;
        if hung.holders == 0 {
            all.remove(&self.key);
        }
    }
}
