//! Which worker fits which class: compared when the later of them appears, and kept by groups.

use super::class::{Class, Demand, Effect, Moved};
use super::group::{Group, sign};
use super::profile::Profile;
use super::whose::Whose;
use super::{ClassId, GroupId, ProfileId, Schedule, Seat};
use crate::{Capabilities, Service};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Schedule {
    pub(super) fn class_for(&mut self, seat: Seat<'_>) -> ClassId {
        if let Some(id) = self.find(seat) {
            return id;
        }
        let demand = Demand::of(seat);
        let id = self.classes.insert(Class::new(demand.clone()));
        self.by_service.entry(demand.requirements.service.clone()).or_default().classes.insert(id);
        if demand.more.is_none() {
            self.by_place.insert(super::place_of(&demand.requirements), id);
        }
        self.class_of.insert(demand, id);
        self.idle.insert(id);
        self.decide(id);
        id
    }

    /// Compares a class with all profiles of its service: those that have more memory than was
    /// too little, or all that fit if there are none.
    fn decide(&mut self, id: ClassId) {
        let Some(class) = self.classes.get(id) else { return };
        let demand = &class.demand;
        let profiles = self.by_service.get(&demand.requirements.service).into_iter().flat_map(|of| &of.profiles);
        let fits = |id: &&ProfileId| self.profiles.get(**id).is_some_and(|p| demand.requirements.fits(&p.capabilities));
        let fits: BTreeSet<ProfileId> = profiles.filter(fits).copied().collect();
        let has_more = |id: &&ProfileId| self.profiles.get(**id).is_some_and(|p| demand.has_more(&p.capabilities));
        let strict: BTreeSet<ProfileId> = fits.iter().filter(has_more).copied().collect();
        let is_strict = demand.more.is_none() || !strict.is_empty();
        if let Some(class) = self.classes.get_mut(id) {
            class.is_strict = is_strict;
        }
        self.set_fits(id, if is_strict { &strict } else { &fits });
    }

    /// From now on these profiles fit the class, and no others. A group of which only some do
    /// becomes two.
    fn set_fits(&mut self, id: ClassId, fits: &BTreeSet<ProfileId>) {
        let had = self.classes.get(id).into_iter().flat_map(|class| &class.fits).map(|(group, _)| *group);
        let have = fits.iter().filter_map(|profile| self.profiles.get(*profile)).map(|profile| profile.group);
        let groups: BTreeSet<GroupId> = had.chain(have).collect();
        for group_id in groups {
            let Some(group) = self.groups.get(group_id) else { continue };
            let inside: BTreeSet<ProfileId> = group.profiles.intersection(fits).copied().collect();
            let (all, did) = (inside.len() == group.profiles.len(), group.classes.contains(&id));
            match (inside.is_empty(), all, did) {
                (true, _, true) => self.unfit(id, group_id),
                (false, true, false) => self.fit(id, group_id),
                (false, false, _) => {
                    let apart = self.split(group_id, inside);
                    match did {
                        true => self.unfit(id, group_id),
                        false => self.fit(id, apart),
                    }
                }
                (true, _, false) | (false, true, true) => {}
            }
        }
    }

    /// Takes profiles out of a group into a new one with the same classes.
    fn split(&mut self, from: GroupId, apart: BTreeSet<ProfileId>) -> GroupId {
        let Some(group) = self.groups.get_mut(from) else { return from };
        let mut new = Group::new(group.whose.clone());
        (new.classes, new.signature, new.heads) = (group.classes.clone(), group.signature, group.heads.clone());
        group.profiles.retain(|profile| !apart.contains(profile));
        let standing = std::mem::take(&mut group.standing);
        let (moved, stays) = standing.into_iter().partition(|(_, profile, _)| apart.contains(profile));
        (new.standing, group.standing) = (moved, stays);
        let (classes, is_open) = (group.classes.clone(), group.whose.is_open());
        new.profiles = apart.clone();
        let id = self.groups.insert(new);
        for profile in apart {
            if let Some(profile) = self.profiles.get_mut(profile) {
                profile.group = id;
            }
        }
        for class in classes {
            let Some(class) = self.classes.get_mut(class) else { continue };
            let head = class.place_in_fits(from).ok().and_then(|place| class.fits[place].1);
            if let Err(place) = class.place_in_fits(id) {
                class.fits.insert(place, (id, head));
                class.open += usize::from(is_open);
            }
        }
        id
    }

    /// The group can be given the class's jobs.
    fn fit(&mut self, id: ClassId, group_id: GroupId) {
        let (Some(class), Some(group)) = (self.classes.get_mut(id), self.groups.get_mut(group_id)) else { return };
        let Err(place) = class.place_in_fits(group_id) else { return };
        let head = class.first_for(&group.whose, None);
        class.fits.insert(place, (group_id, head));
        let turned = class.open == 0;
        class.open += usize::from(group.whose.is_open());
        group.add_class(id);
        group.move_head(&class.demand.requirements.service, id, None, head);
        self.note_turn(id, turned);
    }

    /// The group cannot be given the class's jobs any more.
    fn unfit(&mut self, id: ClassId, group_id: GroupId) {
        let (Some(class), Some(group)) = (self.classes.get_mut(id), self.groups.get_mut(group_id)) else { return };
        let Ok(place) = class.place_in_fits(group_id) else { return };
        let (_, head) = class.fits.remove(place);
        class.open -= usize::from(group.whose.is_open());
        let turned = class.open == 0;
        group.remove_class(id);
        group.move_head(&class.demand.requirements.service, id, head, None);
        self.note_turn(id, turned);
    }

    fn note_turn(&mut self, id: ClassId, turned: bool) {
        if turned && self.classes.get(id).is_some_and(|class| !class.is_idle()) {
            self.turned.insert(id, 0);
        }
    }

    pub(super) fn new_profile(&mut self, capabilities: &Arc<Capabilities>) -> ProfileId {
        let (classes, overdue) = self.classes_for(capabilities);
        let whose = Whose::of(capabilities, &self.customers, &self.workflows);
        let known = self.group_of(&whose, &classes);
        let group = known.unwrap_or_else(|| self.groups.insert(Group::new(whose)));
        let profile = Profile { capabilities: Arc::clone(capabilities), workers: BTreeSet::new(), group };
        let id = self.profiles.insert(profile);
        self.changes += 1;
        self.profile_of.insert(Arc::clone(capabilities), id);
        for service in &capabilities.services {
            self.by_service.entry(service.clone()).or_default().profiles.insert(id);
        }
        if let Some(group) = self.groups.get_mut(group) {
            group.profiles.insert(id);
        }
        if known.is_none() {
            for class in classes {
                self.fit(class, group);
            }
        }
        for class in overdue {
            self.decide(class);
        }
        id
    }

    /// The classes that a new kind of worker fits; and those that it turns to it alone, because it
    /// is the first that has more memory than was too little.
    fn classes_for(&self, worker: &Capabilities) -> (BTreeSet<ClassId>, Vec<ClassId>) {
        let (mut fits, mut turns) = (BTreeSet::new(), Vec::new());
        let of = worker.services.iter().filter_map(|service| self.by_service.get(service));
        for id in of.flat_map(|of| &of.classes) {
            let Some(class) = self.classes.get(*id) else { continue };
            if !class.demand.requirements.fits(worker) {
                continue;
            }
            match (class.is_strict, class.demand.has_more(worker)) {
                (true, true) | (false, false) => {
                    fits.insert(*id);
                }
                (false, true) => turns.push(*id),
                (true, false) => {}
            }
        }
        (fits, turns)
    }

    /// The group of exactly these classes, if there is one.
    fn group_of(&self, whose: &Whose, classes: &BTreeSet<ClassId>) -> Option<GroupId> {
        let signature = classes.iter().fold(0, |signature, class| signature ^ sign(*class));
        let same = |group: &Group| group.signature == signature && group.classes == *classes && group.whose == *whose;
        self.groups.iter().find(|(_, group)| same(group)).map(|(id, _)| id)
    }

    pub(super) fn drop_profile(&mut self, id: ProfileId) {
        let Some(profile) = self.profiles.remove(id) else { return };
        self.changes += 1;
        self.profile_of.remove(&profile.capabilities);
        for service in &profile.capabilities.services {
            if let Some(of) = self.by_service.get_mut(service) {
                of.profiles.remove(&id);
            }
            self.forget_service(service);
        }
        let Some(group) = self.groups.get_mut(profile.group) else { return };
        debug_assert!(group.standing.iter().all(|(_, standing, _)| *standing != id), "who left stands no more");
        group.profiles.remove(&id);
        if !group.profiles.is_empty() {
            return;
        }
        for class in group.classes.clone() {
            self.unfit(class, profile.group);
            let Some(class_left) = self.classes.get(class) else { continue };
            if class_left.fits.is_empty() && class_left.is_strict && class_left.demand.more.is_some() {
                // Those with no more memory than was too little will do now.
                self.decide(class);
            }
        }
        self.groups.remove(profile.group);
    }

    /// Tells the groups that fit a class which job of it is first now.
    pub(super) fn move_heads(&mut self, id: ClassId, moved: Moved) {
        let Some(class) = self.classes.get_mut(id) else { return };
        let mut fits = std::mem::take(&mut class.fits);
        let service = &class.demand.requirements.service;
        for (group, head) in &mut fits {
            let Some(group) = self.groups.get_mut(*group) else { continue };
            let new = match moved.effect_on(&group.whose, *head) {
                Effect::None => continue,
                Effect::First(first) => Some(first),
                Effect::Unknown => class.first_for(&group.whose, None),
            };
            if *head != new {
                group.move_head(service, id, *head, new);
                *head = new;
            }
        }
        class.fits = fits;
    }

    /// Forgets the classes of which nothing waits; one that appears again is decided again. What
    /// only they told apart is one group again.
    pub(super) fn sweep(&mut self) {
        for id in std::mem::take(&mut self.idle) {
            let Some(class) = self.classes.remove(id) else { continue };
            self.class_of.remove(&class.demand);
            if class.demand.more.is_none() {
                self.by_place.remove(&super::place_of(&class.demand.requirements));
            }
            self.turned.remove(&id);
            for (group, _) in &class.fits {
                if let Some(group) = self.groups.get_mut(*group) {
                    group.remove_class(id);
                }
            }
            let service = &class.demand.requirements.service;
            if let Some(of) = self.by_service.get_mut(service) {
                of.classes.remove(&id);
            }
            self.forget_service(service);
        }
        self.merge_groups();
    }

    fn merge_groups(&mut self) {
        let mut kept: Vec<GroupId> = Vec::new();
        let all: Vec<GroupId> = self.groups.iter().map(|(id, _)| id).collect();
        for id in all {
            let Some(group) = self.groups.get(id) else { continue };
            let same = |other: &&GroupId| {
                self.groups.get(**other).is_some_and(|other| {
                    other.signature == group.signature && other.whose == group.whose && other.classes == group.classes
                })
            };
            match kept.iter().find(same).copied() {
                Some(into) => self.merge(id, into),
                None => kept.push(id),
            }
        }
    }

    fn merge(&mut self, id: GroupId, into: GroupId) {
        let Some(group) = self.groups.remove(id) else { return };
        for class in &group.classes {
            let Some(class) = self.classes.get_mut(*class) else { continue };
            if let Ok(place) = class.place_in_fits(id) {
                class.fits.remove(place);
                class.open -= usize::from(group.whose.is_open());
            }
        }
        for profile in &group.profiles {
            if let Some(profile) = self.profiles.get_mut(*profile) {
                profile.group = into;
            }
        }
        if let Some(into) = self.groups.get_mut(into) {
            into.profiles.extend(group.profiles);
            into.standing.extend(group.standing);
        }
    }

    fn forget_service(&mut self, service: &Service) {
        if self.by_service.get(service).is_some_and(|of| of.classes.is_empty() && of.profiles.is_empty()) {
            self.by_service.remove(service);
        }
    }
}
