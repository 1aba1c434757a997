//! Who is next. The index is kept so that neither giving a job nor taking one in ever looks
//! at jobs it does not concern.
//!
//! ```text
//!   job ─▶ class (equal requirements) ─ keeps its eligible jobs in order
//!                    │ fits
//!                    ▼
//!                  group (the same classes fit) ─ keeps the first job of each of them, in
//!                    ▲                            order, and its workers that stand ready
//!                    │
//!   worker ─▶ profile (equal capabilities)
//! ```
//!
//! Class and profile are compared once, when the later of them appears; profiles for which that
//! comes out the same in everything share a group. A worker's best job is the first of its
//! group; a new job's worker stands first in one of its class's groups. The cost depends on the
//! number of groups, never on the number of jobs, and hardly on that of workers.
//!
//! Whose job it is can matter too: a group may take some customers only, or one workflow. A
//! class keeps the first job of each customer at hand, so that what a worker may not take is
//! passed over by the customer and not one by one.

mod class;
mod fitting;
mod group;
mod merge;
mod names;
mod profile;
mod reading;
mod slab;
#[cfg(test)]
mod tests;
mod whose;

pub use reading::{Ahead, ClassReport};

use crate::{Capabilities, CustomerId, Number, Requirements, Service, Timestamp, WorkerId, WorkflowId, limits};
use class::{Class, Demand};
use group::Group;
use names::Names;
use profile::Profile;
use slab::{Place, Slab};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use whose::NOBODY;

/// The place of a job among all others: smaller runs first. One sortable value, so that a
/// later rule changes how it is made and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OrderKey {
    /// 0 for a starving job, else 1 more than what `PRIORITY_MAX` exceeds the priority by.
    rank: u32,
    at: Timestamp,
    order: u64,
}

impl OrderKey {
    const FIRST: OrderKey = OrderKey { rank: 0, at: Timestamp(i64::MIN), order: 0 };

    pub(crate) fn new(priority: u32, at: Timestamp, order: u64) -> OrderKey {
        OrderKey { rank: 1 + limits::PRIORITY_MAX.saturating_sub(priority), at, order }
    }

    /// The number of the job's submission.
    pub(crate) fn number(self) -> u64 {
        self.order
    }

    /// Before everything that does not starve, the longest waiting first.
    pub(crate) fn starving(created_at: Timestamp, order: u64) -> OrderKey {
        OrderKey { rank: 0, at: created_at, order }
    }
}

macro_rules! places {
    ($($name:ident),*) => {$(
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub(crate) struct $name(u32);

        impl Place for $name {
            fn of(place: u32) -> $name {
                $name(place)
            }

            fn place(self) -> u32 {
                self.0
            }
        }
    )*};
}

places! { ClassId, ProfileId, GroupId }

/// A job as far as the schedule looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Seat<'a> {
    pub(crate) key: OrderKey,
    pub(crate) requirements: &'a Arc<Requirements>,
    pub(crate) more_than_gb: Option<Number>,
    pub(crate) customer: Option<&'a CustomerId>,
    pub(crate) workflow: Option<&'a WorkflowId>,
}

/// The waiting jobs and the workers that stand ready.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    classes: Slab<ClassId, Class>,
    class_of: HashMap<Demand, ClassId>,
    /// The classes that want no more memory than is stated, by the place of their requirements,
    /// which are theirs as long as they are. Most jobs share them.
    by_place: HashMap<usize, ClassId>,
    groups: Slab<GroupId, Group>,
    profiles: Slab<ProfileId, Profile>,
    profile_of: HashMap<Arc<Capabilities>, ProfileId>,
    by_service: HashMap<Service, OfService>,
    customers: Names<CustomerId>,
    workflows: Names<WorkflowId>,
    /// Classes of which nothing waits.
    idle: BTreeSet<ClassId>,
    /// Classes of which a job may have found somebody who could run it, or have nobody any
    /// more, and from which member on they are to be looked through.
    turned: BTreeMap<ClassId, u64>,
    /// Services of which nothing is given.
    paused: BTreeSet<Service>,
    /// How often a kind of worker came or went.
    changes: u64,
}

/// Only what shares a service is ever compared.
#[derive(Clone, Debug, Default)]
struct OfService {
    classes: BTreeSet<ClassId>,
    profiles: BTreeSet<ProfileId>,
}

impl Schedule {
    /// Whether a job with these requirements could be queued without breaking the limit.
    pub(crate) fn has_room_for(&self, requirements: &Arc<Requirements>) -> bool {
        match self.class_of_stated(requirements) {
            Some(class) if !self.idle.contains(&class) => true,
            _ => self.class_of.len() - self.idle.len() < limits::CLASSES_MAX,
        }
    }

    /// The requirements that are already known and equal to these: one copy serves all.
    pub(crate) fn known(&self, requirements: &Arc<Requirements>) -> Option<Arc<Requirements>> {
        let class = self.classes.get(self.class_of_stated(requirements)?)?;
        Some(Arc::clone(&class.demand.requirements))
    }

    /// The customer's name that is already known: one copy serves all.
    pub(crate) fn known_customer(&self, customer: &CustomerId) -> Option<CustomerId> {
        self.customers.known(customer).cloned()
    }

    /// The class of those that have not wanted more memory.
    fn class_of_stated(&self, requirements: &Arc<Requirements>) -> Option<ClassId> {
        let by_place = self.by_place.get(&place_of(requirements)).copied();
        by_place.or_else(|| self.class_of.get(&Demand { requirements: Arc::clone(requirements), more: None }).copied())
    }

    /// The job waits; `may_run` says whether it may be given already.
    pub(crate) fn insert(&mut self, seat: Seat<'_>, may_run: bool) {
        let id = self.class_for(seat);
        self.idle.remove(&id);
        let Some(class) = self.classes.get_mut(id) else { return };
        class.members.insert(seat.key.order);
        match may_run {
            true => self.queue(seat, id),
            false => drop(class.resting.insert(seat.key)),
        }
    }

    /// A job that waited may be given from now on.
    pub(crate) fn wake(&mut self, seat: Seat<'_>) {
        let Some(id) = self.find(seat) else { return };
        if self.classes.get_mut(id).is_some_and(|class| class.resting.remove(&seat.key)) {
            self.queue(seat, id);
        }
    }

    fn queue(&mut self, seat: Seat<'_>, id: ClassId) {
        let customer = seat.customer.map_or(NOBODY, |customer| self.hold_customer(customer));
        let workflow = seat.workflow.map(|workflow| self.hold_workflow(workflow));
        if let Some(moved) = self.classes.get_mut(id).map(|class| class.queue(seat.key, customer, workflow)) {
            self.move_heads(id, moved);
        }
    }

    fn hold_customer(&mut self, name: &CustomerId) -> u32 {
        let (number, is_new) = self.customers.hold(name);
        if is_new {
            self.groups.values_mut().for_each(|group| group.whose.name_customer(number, Some(name)));
        }
        number
    }

    fn hold_workflow(&mut self, name: &WorkflowId) -> u32 {
        let (number, is_new) = self.workflows.hold(name);
        if is_new {
            self.groups.values_mut().for_each(|group| group.whose.name_workflow(number, Some(name)));
        }
        number
    }

    fn release(&mut self, customer: u32, workflow: Option<u32>) {
        if self.customers.release(customer) {
            self.groups.values_mut().for_each(|group| group.whose.name_customer(customer, None));
        }
        if let Some(workflow) = workflow.filter(|workflow| self.workflows.release(*workflow)) {
            self.groups.values_mut().for_each(|group| group.whose.name_workflow(workflow, None));
        }
    }

    /// The job waits no more. `may_run` says whether it could have been given.
    pub(crate) fn remove(&mut self, seat: Seat<'_>, may_run: bool) {
        let Some(id) = self.find(seat) else { return };
        if may_run {
            let customer = seat.customer.map_or(Some(NOBODY), |customer| self.customers.number(customer));
            let workflow = seat.workflow.and_then(|workflow| self.workflows.number(workflow));
            let Some(customer) = customer else { return };
            if let Some(moved) = self.classes.get_mut(id).map(|class| class.unqueue(seat.key, customer, workflow)) {
                self.move_heads(id, moved);
            }
            self.release(customer, workflow);
        }
        let Some(class) = self.classes.get_mut(id) else { return };
        class.members.remove(&seat.key.order);
        class.resting.remove(&seat.key);
        if class.is_idle() {
            self.idle.insert(id);
            self.turned.remove(&id);
            if self.idle.len() > limits::CLASSES_IDLE_MAX {
                self.sweep();
            }
        }
    }

    /// The submission number of the job that a worker of this profile should be given, but for
    /// jobs and services to be passed over.
    pub(crate) fn best(
        &self,
        profile: ProfileId,
        without: &BTreeSet<Service>,
        skip: &dyn Fn(u64) -> bool,
    ) -> Option<u64> {
        let group = self.groups.get(self.profiles.get(profile)?.group)?;
        let mut best: Option<OrderKey> = None;
        for (service, heads) in &group.heads {
            if self.paused.contains(service) || without.contains(service) {
                continue;
            }
            for (head, class) in heads {
                if best.is_some_and(|best| best < *head) {
                    break;
                }
                let found = match skip(head.order) {
                    false => Some(*head),
                    true => self.classes.get(*class).and_then(|class| class.first_for(&group.whose, Some(skip))),
                };
                best = best.into_iter().chain(found).min();
            }
        }
        best.map(|key| key.order)
    }

    /// Counts a worker in; its profile is decided against the classes of its services if it
    /// is new.
    pub(crate) fn join(&mut self, worker: &WorkerId, capabilities: &Arc<Capabilities>) -> ProfileId {
        let id = match self.profile_of.get(capabilities) {
            Some(id) => *id,
            None => self.new_profile(capabilities),
        };
        if let Some(profile) = self.profiles.get_mut(id) {
            profile.workers.insert(worker.clone());
        }
        id
    }

    /// Counts a worker out; the caller has made it step back before.
    pub(crate) fn leave(&mut self, worker: &WorkerId, id: ProfileId) {
        let Some(profile) = self.profiles.get_mut(id) else { return };
        profile.workers.remove(worker);
        if profile.workers.is_empty() {
            self.drop_profile(id);
        }
    }

    /// The worker stands ready; those who stand longer are served first.
    pub(crate) fn stand(&mut self, profile: ProfileId, since: u64, worker: WorkerId) {
        let group = self.profiles.get(profile).map(|profile| profile.group);
        if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
            group.standing.insert((since, profile, worker));
        }
    }

    pub(crate) fn step_back(&mut self, profile: ProfileId, since: u64, worker: &WorkerId) {
        let group = self.profiles.get(profile).map(|profile| profile.group);
        if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
            group.standing.remove(&(since, profile, worker.clone()));
        }
    }

    /// Who stands longest among the workers that may be given this job.
    pub(crate) fn standing_for(&self, seat: Seat<'_>, is_asked: &dyn Fn(&WorkerId) -> bool) -> Option<WorkerId> {
        if self.paused.contains(&seat.requirements.service) {
            return None;
        }
        let class = self.classes.get(self.find(seat)?)?;
        let first = |(id, _): &(GroupId, Option<OrderKey>)| {
            let group = self.groups.get(*id).filter(|group| group.whose.takes(seat.customer, seat.workflow))?;
            group.standing.iter().find(|(.., worker)| is_asked(worker))
        };
        class.fits.iter().filter_map(first).min().map(|(.., worker)| worker.clone())
    }

    /// All that stand ready and offer the service, longest first.
    pub(crate) fn standing_at(&self, service: &Service) -> Vec<WorkerId> {
        let profiles = self.by_service.get(service).map(|of| &of.profiles);
        let offers = |(_, profile, _): &&(u64, ProfileId, WorkerId)| profiles.is_some_and(|all| all.contains(profile));
        let mut standing: Vec<_> = self.groups.values().flat_map(|group| &group.standing).filter(offers).collect();
        standing.sort();
        standing.into_iter().map(|(.., worker)| worker.clone()).collect()
    }

    /// The same without those that stand ready, and with nothing to be looked through.
    pub(crate) fn for_reading(&self) -> Schedule {
        let mut copy = Schedule { turned: BTreeMap::new(), ..self.clone() };
        copy.groups.values_mut().for_each(|group| group.standing.clear());
        copy
    }

    /// How often a kind of worker came or went.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether there are workers for whom it matters whose job it is.
    pub(crate) fn matters_whose(&self) -> bool {
        self.groups.values().any(|group| !group.whose.is_open())
    }

    pub(crate) fn pause(&mut self, service: &Service, paused: bool) {
        match paused {
            true => self.paused.insert(service.clone()),
            false => self.paused.remove(service),
        };
    }

    pub(crate) fn paused(&self) -> &BTreeSet<Service> {
        &self.paused
    }

    /// The next members, by number, of classes that turned, at most `max`. What is named is
    /// not named again until the class turns once more.
    pub(crate) fn take_turned(&mut self, max: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        while let Some((id, from)) = self.turned.pop_first() {
            let Some(class) = self.classes.get(id) else { continue };
            taken.extend(class.members.range(from..).take(max - taken.len()));
            if let Some(last) = taken.last().filter(|_| taken.len() == max) {
                let next = last + 1;
                if class.members.range(next..).next().is_some() {
                    self.turned.insert(id, next);
                }
                break;
            }
        }
        taken
    }

    /// Whether [`take_turned`](Self::take_turned) has something.
    pub(crate) fn has_turned(&self) -> bool {
        !self.turned.is_empty()
    }

    /// Nobody will look.
    pub(crate) fn forget_turned(&mut self) {
        self.turned.clear();
    }

    /// Every class is to be looked at again.
    pub(crate) fn turn_all(&mut self) {
        let waiting = self.class_of.values().filter(|id| !self.idle.contains(id));
        self.turned = waiting.map(|id| (*id, 0)).collect();
    }

    fn find(&self, seat: Seat<'_>) -> Option<ClassId> {
        match seat.more_than_gb {
            None => self.class_of_stated(seat.requirements),
            Some(_) => self.class_of.get(&Demand::of(seat)).copied(),
        }
    }
}

fn place_of(requirements: &Arc<Requirements>) -> usize {
    Arc::as_ptr(requirements) as usize
}
