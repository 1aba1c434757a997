//! What the index knows, for those who ask why a job waits.

use super::class::Class;
use super::group::Group;
use super::{ClassId, GroupId, ProfileId, Schedule, Seat};
use crate::{Capabilities, CustomerId, Number, Requirements, Service, WorkerId, WorkflowId, limits};
use std::collections::HashMap;
use std::sync::Arc;

/// How much eligible work goes before a job, of all that its workers could run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ahead {
    pub jobs: usize,
    /// Otherwise there are at least so many.
    pub is_exact: bool,
}

/// The waiting jobs of equal requirements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassReport<'a> {
    pub requirements: &'a Arc<Requirements>,
    /// A worker with so much GPU memory had too little for these.
    pub more_than_gb: Option<Number>,
    pub waiting: usize,
    /// The number of the one that was submitted first.
    pub oldest: u64,
    /// Workers that could run such a job, whosever it is. Classes that fit the same share one list.
    pub capable: Arc<Vec<&'a WorkerId>>,
}

/// Whose a job is.
pub(crate) type Owner = (Option<CustomerId>, Option<WorkflowId>);

impl Schedule {
    /// Whether some worker of the fleet could run the job.
    pub(crate) fn is_capable(&self, seat: Seat<'_>) -> bool {
        match self.class_of_seat(seat) {
            Some(class) => class.open > 0 || self.capable_groups(class, seat).next().is_some(),
            None => false,
        }
    }

    /// The workers that could run the job.
    pub(crate) fn capable<'a>(&'a self, seat: Seat<'a>) -> impl Iterator<Item = &'a WorkerId> {
        self.capable_profiles(seat).filter_map(|id| self.profiles.get(id)).flat_map(|profile| &profile.workers)
    }

    /// The kinds of workers that could run the job.
    pub(crate) fn capable_profiles<'a>(&'a self, seat: Seat<'a>) -> impl Iterator<Item = ProfileId> + 'a {
        let class = self.class_of_seat(seat);
        let groups = class.into_iter().flat_map(move |class| self.capable_groups(class, seat));
        let known = groups.flat_map(|(_, group)| group.profiles.iter().copied());
        // Of a job that does not wait the class may be forgotten.
        let unknown = self.by_service.get(&seat.requirements.service).filter(|_| class.is_none());
        let fits = move |id: &&ProfileId| {
            self.profiles.get(**id).is_some_and(|p| {
                seat.requirements.fits(&p.capabilities) && p.capabilities.takes(seat.customer, seat.workflow)
            })
        };
        known.chain(unknown.into_iter().flat_map(|of| &of.profiles).filter(fits).copied())
    }

    fn class_of_seat(&self, seat: Seat<'_>) -> Option<&Class> {
        self.classes.get(self.find(seat)?)
    }

    fn capable_groups<'a>(
        &'a self,
        class: &'a Class,
        seat: Seat<'a>,
    ) -> impl Iterator<Item = (GroupId, &'a Group)> + 'a {
        let groups = class.fits.iter().filter_map(|(id, _)| Some((*id, self.groups.get(*id)?)));
        groups.filter(move |(_, group)| group.whose.takes(seat.customer, seat.workflow))
    }

    /// The kinds of workers there are.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (ProfileId, &Capabilities)> {
        self.profiles.iter().map(|(id, profile)| (id, &*profile.capabilities))
    }

    /// The kinds of workers that offer the service.
    pub(crate) fn kinds_of(&self, service: &Service) -> impl Iterator<Item = &Capabilities> {
        let profiles = self.by_service.get(service).into_iter().flat_map(|of| &of.profiles);
        profiles.filter_map(|id| self.profiles.get(*id)).map(|profile| &*profile.capabilities)
    }

    /// Counts the jobs that go before this one on at least one of its workers. `whose` tells the
    /// customer and workflow of the job of a number.
    pub(crate) fn ahead_of(&self, seat: Seat<'_>, whose: &dyn Fn(u64) -> Option<Owner>) -> Ahead {
        let Some(class) = self.class_of_seat(seat) else { return Ahead { jobs: 0, is_exact: true } };
        let ours: Vec<(GroupId, &Group)> = self.capable_groups(class, seat).collect();
        let mut classes: Vec<ClassId> = ours.iter().flat_map(|(_, group)| &group.classes).copied().collect();
        classes.sort_unstable();
        classes.dedup();
        let mut ahead = Ahead { jobs: 0, is_exact: true };
        for class in classes.into_iter().filter_map(|id| self.classes.get(id)) {
            if self.paused.contains(&class.demand.requirements.service) {
                continue;
            }
            let shared = ours.iter().filter(|(id, _)| class.place_in_fits(*id).is_ok()).map(|(_, group)| *group);
            let max = limits::AHEAD_COUNTED_MAX - ahead.jobs;
            let of_class = ahead_in(class, seat, &shared.collect::<Vec<_>>(), whose, max);
            ahead.jobs += of_class.jobs;
            ahead.is_exact &= of_class.is_exact;
            if ahead.jobs == limits::AHEAD_COUNTED_MAX {
                return Ahead { is_exact: false, ..ahead };
            }
        }
        ahead
    }

    /// The classes of which something waits, those with most first.
    pub(crate) fn reports(&self, service: Option<&Service>, max: usize) -> (Vec<ClassReport<'_>>, usize) {
        let is_asked = |class: &&Class| {
            !class.is_idle() && service.is_none_or(|service| *service == class.demand.requirements.service)
        };
        let mut classes: Vec<&Class> = self.classes.values().filter(is_asked).collect();
        let count = classes.len();
        classes.sort_by_key(|class| (std::cmp::Reverse(class.members.len()), class.members.first().copied()));
        classes.truncate(max);
        let mut known = HashMap::new();
        (classes.into_iter().map(|class| self.report(class, &mut known)).collect(), count)
    }

    /// How many wait for each service.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&Service, usize)> {
        let count = |of: &super::OfService| {
            of.classes.iter().filter_map(|id| self.classes.get(*id)).map(|class| class.members.len()).sum()
        };
        self.by_service.iter().map(move |(service, of)| (service, count(of)))
    }

    fn report<'a>(
        &'a self,
        class: &'a Class,
        known: &mut HashMap<Vec<GroupId>, Arc<Vec<&'a WorkerId>>>,
    ) -> ClassReport<'a> {
        let groups: Vec<GroupId> = class.fits.iter().map(|(group, _)| *group).collect();
        let capable = known.entry(groups).or_insert_with_key(|groups| {
            let groups = groups.iter().filter_map(|id| self.groups.get(*id));
            let profiles = groups.flat_map(|group| &group.profiles).filter_map(|id| self.profiles.get(*id));
            Arc::new(profiles.flat_map(|profile| &profile.workers).collect())
        });
        ClassReport {
            requirements: &class.demand.requirements,
            more_than_gb: class.demand.more.as_ref().map(|more| more.than_gb),
            waiting: class.members.len(),
            oldest: class.members.first().copied().unwrap_or_default(),
            capable: Arc::clone(capable),
        }
    }
}

/// The eligible jobs of one class that go before, as far as one of these groups takes them.
fn ahead_in(
    class: &Class,
    seat: Seat<'_>,
    groups: &[&Group],
    whose: &dyn Fn(u64) -> Option<Owner>,
    max: usize,
) -> Ahead {
    if groups.iter().any(|group| group.whose.is_open()) {
        return Ahead { jobs: class.count_before(seat.key, max), is_exact: true };
    }
    let is_taken = |order: u64| {
        let owner = whose(order);
        owner.is_some_and(|(customer, workflow)| {
            groups.iter().any(|group| group.whose.takes(customer.as_ref(), workflow.as_ref()))
        })
    };
    let (mut jobs, mut looked_at) = (0, 0);
    for order in class.before(seat.key) {
        if jobs == max || looked_at == limits::AHEAD_LOOKED_AT_MAX {
            return Ahead { jobs, is_exact: false };
        }
        looked_at += 1;
        jobs += usize::from(is_taken(order));
    }
    Ahead { jobs, is_exact: true }
}
