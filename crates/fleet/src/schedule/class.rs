//! The waiting jobs of equal requirements, and who can run them.

use super::whose::Whose;
use super::{GroupId, OrderKey, Seat};
use crate::{Capabilities, CustomerId, Number, Requirements, WorkflowId};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// What makes a class: equal demands are one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Demand {
    pub(super) requirements: Arc<Requirements>,
    pub(super) more: Option<More>,
}

/// A worker with so much GPU memory had too little: more is wanted while somebody has it who
/// takes these jobs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct More {
    pub(super) than_gb: Number,
    pub(super) customer: Option<CustomerId>,
    pub(super) workflow: Option<WorkflowId>,
}

impl Demand {
    pub(super) fn of(seat: Seat<'_>) -> Demand {
        let whose = || (seat.customer.cloned(), seat.workflow.cloned());
        let more = |than_gb| {
            let (customer, workflow) = whose();
            More { than_gb, customer, workflow }
        };
        let more = seat.more_than_gb.map(more);
        Demand { requirements: Arc::clone(seat.requirements), more }
    }

    /// Whether the worker has more than was too little, if anything was.
    pub(super) fn has_more(&self, worker: &Capabilities) -> bool {
        self.more.as_ref().is_none_or(|more| {
            worker.hardware.gpu_memory_gb > more.than_gb && worker.takes(more.customer.as_ref(), more.workflow.as_ref())
        })
    }
}

/// Jobs to be passed over, by their numbers.
pub(super) type Skip<'a> = &'a dyn Fn(u64) -> bool;

#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) demand: Demand,
    /// All that wait, by number of submission.
    pub(super) members: BTreeSet<u64>,
    /// Those that may not be given yet.
    pub(super) resting: BTreeSet<OrderKey>,
    /// Those that may be given, by customer and in order.
    lanes: BTreeSet<(u32, OrderKey)>,
    /// The first of each customer, in order.
    heads: BTreeSet<(OrderKey, u32)>,
    /// Those of a workflow, for workers that are bound to one.
    bound: BTreeSet<(u32, u32, OrderKey)>,
    /// The groups that can run it, in order, and what each has as its head of this class.
    pub(super) fits: Vec<(GroupId, Option<OrderKey>)>,
    /// How many of them take everyone's jobs.
    pub(super) open: usize,
    /// Whether those that fit have more memory than was too little; otherwise nobody known has,
    /// and the rest will do.
    pub(super) is_strict: bool,
}

/// What became of a customer's first job of a class, and of the workflow's if the job had one.
#[derive(Clone, Copy)]
pub(super) struct Moved {
    pub(super) customer: u32,
    pub(super) workflow: Option<u32>,
    pub(super) old: Option<OrderKey>,
    pub(super) new: Option<OrderKey>,
}

/// Whose head a change can be.
pub(super) enum Effect {
    None,
    /// This job comes first now.
    First(OrderKey),
    /// What was first is to be looked up again.
    Unknown,
}

impl Moved {
    /// What it does to a group that had `head` as its first job of the class.
    pub(super) fn effect_on(self, whose: &Whose, head: Option<OrderKey>) -> Effect {
        if whose.is_bound() {
            let is_its = self.workflow.is_some_and(|workflow| whose.is_bound_to(workflow));
            return if is_its { Effect::Unknown } else { Effect::None };
        }
        if self.old == self.new || !whose.takes_number(self.customer) {
            return Effect::None;
        }
        match (head, self.new) {
            (None, Some(new)) => Effect::First(new),
            (Some(head), Some(new)) if new < head => Effect::First(new),
            (Some(head), _) if self.old == Some(head) => Effect::Unknown,
            _ => Effect::None,
        }
    }
}

impl Class {
    pub(super) fn new(demand: Demand) -> Class {
        let is_strict = demand.more.is_none();
        Class {
            demand,
            members: BTreeSet::new(),
            resting: BTreeSet::new(),
            lanes: BTreeSet::new(),
            heads: BTreeSet::new(),
            bound: BTreeSet::new(),
            fits: Vec::new(),
            open: 0,
            is_strict,
        }
    }

    /// The job may be given.
    pub(super) fn queue(&mut self, key: OrderKey, customer: u32, workflow: Option<u32>) -> Moved {
        let old = self.first_of(customer);
        self.lanes.insert((customer, key));
        if let Some(workflow) = workflow {
            self.bound.insert((workflow, customer, key));
        }
        let new = old.into_iter().chain([key]).min();
        self.move_head(Moved { customer, workflow, old, new })
    }

    /// The job may not be given any more.
    pub(super) fn unqueue(&mut self, key: OrderKey, customer: u32, workflow: Option<u32>) -> Moved {
        let old = self.first_of(customer);
        self.lanes.remove(&(customer, key));
        if let Some(workflow) = workflow {
            self.bound.remove(&(workflow, customer, key));
        }
        let new = if old == Some(key) { self.first_of(customer) } else { old };
        self.move_head(Moved { customer, workflow, old, new })
    }

    fn first_of(&self, customer: u32) -> Option<OrderKey> {
        let (found, key) = self.lanes.range((customer, OrderKey::FIRST)..).next()?;
        (*found == customer).then_some(*key)
    }

    fn move_head(&mut self, moved: Moved) -> Moved {
        let Moved { customer, old, new, .. } = moved;
        if new != old {
            if let Some(old) = old {
                self.heads.remove(&(old, customer));
            }
            if let Some(new) = new {
                self.heads.insert((new, customer));
            }
        }
        moved
    }

    /// Those that may be given, of each customer by itself: its first, in order of these, and
    /// what comes after that.
    pub(super) fn by_customer(&self) -> impl Iterator<Item = (OrderKey, impl Iterator<Item = OrderKey>)> {
        let after = move |head: OrderKey, customer: u32| {
            let lane = self.lanes.range((Bound::Excluded((customer, head)), Bound::Unbounded));
            lane.take_while(move |(found, _)| *found == customer).map(|(_, key)| *key)
        };
        self.heads.iter().map(move |(head, customer)| (*head, after(*head, *customer)))
    }

    /// The first job for workers that take these, but for those to be skipped.
    pub(super) fn first_for(&self, whose: &Whose, skip: Option<Skip<'_>>) -> Option<OrderKey> {
        if whose.is_bound() {
            return self.first_of_workflow(whose, skip);
        }
        // In order, as long as that is not more than to look at each customer that is allowed.
        let steps = whose.few().map_or(usize::MAX, <[u32]>::len);
        let mut best: Option<OrderKey> = None;
        for (head, customer) in self.heads.iter().take(steps) {
            if best.is_some_and(|best| best < *head) {
                return best;
            }
            if whose.takes_number(*customer) {
                if !skip.is_some_and(|skip| skip(head.order)) {
                    return best.into_iter().chain([*head]).min();
                }
                best = best.into_iter().chain(self.first_in_lane(*customer, *head, skip)).min();
            }
        }
        match whose.few() {
            Some(few) if self.heads.len() > steps => {
                few.iter().filter_map(|customer| self.first_in_lane(*customer, OrderKey::FIRST, skip)).min()
            }
            _ => best,
        }
    }

    fn first_in_lane(&self, customer: u32, from: OrderKey, skip: Option<Skip<'_>>) -> Option<OrderKey> {
        let lane = self.lanes.range((customer, from)..).take_while(|(found, _)| *found == customer);
        lane.map(|(_, key)| *key).find(|key| !skip.is_some_and(|skip| skip(key.order)))
    }

    /// Customer by customer of the workflow, which are few.
    fn first_of_workflow(&self, whose: &Whose, skip: Option<Skip<'_>>) -> Option<OrderKey> {
        let workflow = whose.bound_number()?;
        let (mut best, mut from) = (None, Some(0));
        while let Some(least) = from {
            let next = self.bound.range((workflow, least, OrderKey::FIRST)..).next();
            let Some((_, customer, _)) = next.filter(|(found, ..)| *found == workflow) else { break };
            if whose.takes_number(*customer) {
                let lane = self.bound.range((workflow, *customer, OrderKey::FIRST)..);
                let lane = lane.take_while(|(w, c, _)| (*w, *c) == (workflow, *customer));
                let first = lane.map(|(_, _, key)| *key).find(|key| !skip.is_some_and(|skip| skip(key.order)));
                best = best.into_iter().chain(first).min();
            }
            from = customer.checked_add(1);
        }
        best
    }

    pub(super) fn place_in_fits(&self, group: GroupId) -> Result<usize, usize> {
        self.fits.binary_search_by_key(&group, |(group, _)| *group)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.members.is_empty()
    }

    /// How many that may be given stand before `key`, customer by customer; counts no further
    /// than `max`.
    pub(super) fn count_before(&self, key: OrderKey, max: usize) -> usize {
        let mut count = 0;
        for (_, customer) in self.heads.iter().take_while(|(head, _)| *head < key) {
            count += self.lanes.range((*customer, OrderKey::FIRST)..(*customer, key)).take(max - count).count();
            if count == max {
                break;
            }
        }
        count
    }

    /// The numbers of those that may be given and stand before `key`.
    pub(super) fn before(&self, key: OrderKey) -> impl Iterator<Item = u64> {
        let heads = self.heads.iter().take_while(move |(head, _)| *head < key);
        let lane = move |(_, customer): &(OrderKey, u32)| {
            self.lanes.range((*customer, OrderKey::FIRST)..(*customer, key)).map(|(_, key)| key.order)
        };
        heads.flat_map(lane)
    }
}
