//! Workers that are given the same jobs.

use super::whose::Whose;
use super::{ClassId, OrderKey, ProfileId};
use crate::{Service, WorkerId};
use std::collections::{BTreeMap, BTreeSet};

/// Profiles that fit the same classes and take the same customers' and workflow's jobs: however
/// much else they differ in, the same job is first for all of them.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) whose: Whose,
    pub(super) profiles: BTreeSet<ProfileId>,
    pub(super) classes: BTreeSet<ClassId>,
    /// Of its classes, in no order: groups with other ones have other classes.
    pub(super) signature: u64,
    /// The first job of every class, in order; apart by service, so that one can be left out.
    pub(super) heads: BTreeMap<Service, BTreeSet<(OrderKey, ClassId)>>,
    /// Those that stand ready, longest first.
    pub(super) standing: BTreeSet<(u64, ProfileId, WorkerId)>,
}

impl Group {
    pub(super) fn new(whose: Whose) -> Group {
        Group {
            whose,
            profiles: BTreeSet::new(),
            classes: BTreeSet::new(),
            signature: 0,
            heads: BTreeMap::new(),
            standing: BTreeSet::new(),
        }
    }

    pub(super) fn add_class(&mut self, class: ClassId) {
        if self.classes.insert(class) {
            self.signature ^= sign(class);
        }
    }

    pub(super) fn remove_class(&mut self, class: ClassId) {
        if self.classes.remove(&class) {
            self.signature ^= sign(class);
        }
    }

    pub(super) fn move_head(
        &mut self,
        service: &Service,
        class: ClassId,
        old: Option<OrderKey>,
        new: Option<OrderKey>,
    ) {
        if let (Some(old), Some(heads)) = (old, self.heads.get_mut(service)) {
            heads.remove(&(old, class));
        }
        let Some(new) = new else { return };
        match self.heads.get_mut(service) {
            Some(heads) => heads.insert((new, class)),
            None => self.heads.entry(service.clone()).or_default().insert((new, class)),
        };
    }
}

/// What a class adds to a signature: a number without a pattern (the finaliser of `SplitMix64`).
pub(super) fn sign(class: ClassId) -> u64 {
    let mut x = u64::from(class.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
