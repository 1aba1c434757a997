//! Who is next. The index is kept so that neither giving a job nor taking one in ever looks
//! at jobs it does not concern.
//!
//! ```text
//!   job ─▶ class (equal requirements) ─ keeps its eligible jobs in order
//!                    │ fits
//!                    ▼
//!   worker ─▶ profile (equal offers) ─ keeps the first job of every class that fits it,
//!                                      in order, and its workers that stand ready
//! ```
//!
//! Class and profile are compared once, when the later of them appears. A worker's best job
//! is the first of its profile; a new job's worker stands first in one of its class's
//! profiles. The cost depends on the number of profiles, never on the number of jobs.

use crate::matching::Offer;
use crate::{JobId, Requirements, Timestamp, WorkerId, limits};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The place of a job among all others: smaller runs first. One sortable value, so that a
/// later rule changes how it is made and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OrderKey {
    /// `PRIORITY_MAX` minus the priority.
    rank: u32,
    at: Timestamp,
    order: u64,
}

impl OrderKey {
    pub(crate) fn new(priority: u32, at: Timestamp, order: u64) -> OrderKey {
        OrderKey { rank: limits::PRIORITY_MAX.saturating_sub(priority), at, order }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct ClassId(u64);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ProfileId(u64);

#[derive(Debug)]
struct Class {
    requirements: Requirements,
    waiting: BTreeMap<OrderKey, JobId>,
    fits: BTreeSet<ProfileId>,
}

#[derive(Debug)]
struct Profile {
    offer: Offer,
    workers: usize,
    heads: BTreeSet<(OrderKey, ClassId)>,
    standing: BTreeSet<(u64, WorkerId)>,
}

/// The eligible jobs and the workers that stand ready.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    classes: HashMap<ClassId, Class>,
    class_of: HashMap<Requirements, ClassId>,
    profiles: HashMap<ProfileId, Profile>,
    profile_of: HashMap<Offer, ProfileId>,
    /// Classes of which nothing waits.
    idle: BTreeSet<ClassId>,
    ids: u64,
}

impl Schedule {
    /// Whether a job with these requirements could be queued without breaking the limit.
    pub(crate) fn has_room_for(&self, requirements: &Requirements) -> bool {
        match self.class_of.get(requirements) {
            Some(class) if !self.idle.contains(class) => true,
            _ => self.classes.len() - self.idle.len() < limits::CLASSES_MAX,
        }
    }

    /// Queues a job: it may be given from now on.
    pub(crate) fn insert(&mut self, key: OrderKey, job: JobId, requirements: &Requirements) {
        let id = self.class(requirements);
        self.idle.remove(&id);
        let Some(class) = self.classes.get_mut(&id) else { return };
        let old_head = class.head();
        class.waiting.insert(key, job);
        self.move_head(id, old_head);
    }

    /// Takes a job out, wherever in its class it stands. Says whether it was there.
    pub(crate) fn remove(&mut self, key: OrderKey, requirements: &Requirements) -> bool {
        let Some(&id) = self.class_of.get(requirements) else { return false };
        let Some(class) = self.classes.get_mut(&id) else { return false };
        let old_head = class.head();
        let found = class.waiting.remove(&key).is_some();
        if class.waiting.is_empty() {
            self.idle.insert(id);
        }
        self.move_head(id, old_head);
        if self.idle.len() > limits::CLASSES_IDLE_MAX {
            self.sweep();
        }
        found
    }

    /// The job that a worker of this profile should be given.
    pub(crate) fn best(&self, profile: ProfileId) -> Option<&JobId> {
        let (key, class) = self.profiles.get(&profile)?.heads.first()?;
        self.classes.get(class)?.waiting.get(key)
    }

    /// Counts a worker in; its profile is decided against all classes if it is new.
    pub(crate) fn join(&mut self, offer: Offer) -> ProfileId {
        let id = match self.profile_of.get(&offer) {
            Some(id) => *id,
            None => self.new_profile(offer),
        };
        if let Some(profile) = self.profiles.get_mut(&id) {
            profile.workers += 1;
        }
        id
    }

    /// Counts a worker out; the caller has made it step back before.
    pub(crate) fn leave(&mut self, id: ProfileId) {
        let Some(profile) = self.profiles.get_mut(&id) else { return };
        profile.workers -= 1;
        if profile.workers > 0 {
            return;
        }
        debug_assert!(profile.standing.is_empty(), "a worker that left stands no more");
        if let Some(profile) = self.profiles.remove(&id) {
            self.profile_of.remove(&profile.offer);
        }
        for class in self.classes.values_mut() {
            class.fits.remove(&id);
        }
    }

    /// The worker stands ready; those who stand longer are served first.
    pub(crate) fn stand(&mut self, profile: ProfileId, since: u64, worker: WorkerId) {
        if let Some(profile) = self.profiles.get_mut(&profile) {
            profile.standing.insert((since, worker));
        }
    }

    pub(crate) fn step_back(&mut self, profile: ProfileId, since: u64, worker: &WorkerId) {
        if let Some(profile) = self.profiles.get_mut(&profile) {
            profile.standing.remove(&(since, worker.clone()));
        }
    }

    /// Who stands longest among the workers that can run such a job.
    pub(crate) fn standing_for(&self, requirements: &Requirements) -> Option<WorkerId> {
        let class = self.classes.get(self.class_of.get(requirements)?)?;
        let first = |id: &ProfileId| self.profiles.get(id)?.standing.first();
        class.fits.iter().filter_map(first).min().map(|(_, worker)| worker.clone())
    }

    fn class(&mut self, requirements: &Requirements) -> ClassId {
        if let Some(id) = self.class_of.get(requirements) {
            return *id;
        }
        self.ids += 1;
        let id = ClassId(self.ids);
        let fits = self.profiles.iter().filter(|(_, p)| p.offer.fits(requirements)).map(|(id, _)| *id).collect();
        let class = Class { requirements: requirements.clone(), waiting: BTreeMap::new(), fits };
        self.classes.insert(id, class);
        self.class_of.insert(requirements.clone(), id);
        self.idle.insert(id);
        id
    }

    fn new_profile(&mut self, offer: Offer) -> ProfileId {
        self.ids += 1;
        let id = ProfileId(self.ids);
        let mut heads = BTreeSet::new();
        for (class_id, class) in &mut self.classes {
            if offer.fits(&class.requirements) {
                class.fits.insert(id);
                heads.extend(class.head().map(|key| (key, *class_id)));
            }
        }
        self.profile_of.insert(offer.clone(), id);
        self.profiles.insert(id, Profile { offer, workers: 0, heads, standing: BTreeSet::new() });
        id
    }

    /// Tells the profiles that fit a class that another job of it is first now.
    fn move_head(&mut self, id: ClassId, old: Option<OrderKey>) {
        let Some(class) = self.classes.get(&id) else { return };
        let new = class.head();
        if new == old {
            return;
        }
        for profile in &class.fits {
            let Some(profile) = self.profiles.get_mut(profile) else { continue };
            if let Some(old) = old {
                profile.heads.remove(&(old, id));
            }
            if let Some(new) = new {
                profile.heads.insert((new, id));
            }
        }
    }

    /// Forgets the classes of which nothing waits; one that appears again is decided again.
    fn sweep(&mut self) {
        for id in std::mem::take(&mut self.idle) {
            if let Some(class) = self.classes.remove(&id) {
                self.class_of.remove(&class.requirements);
            }
        }
    }
}

impl Class {
    fn head(&self) -> Option<OrderKey> {
        self.waiting.first_key_value().map(|(key, _)| *key)
    }
}
