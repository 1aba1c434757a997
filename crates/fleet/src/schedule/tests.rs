//! The index is what it says, whatever was done to it.

use super::group::sign;
use super::*;
use crate::{CustomerAccess, Hardware, Need, Part, Test, Value};

/// Numbers without a pattern, the same at every run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % n
    }
}

fn service(n: u64) -> Service {
    Service::parse(&format!("s{n}")).unwrap()
}

fn customer(n: u64) -> CustomerId {
    CustomerId::parse(&format!("c{n}")).unwrap()
}

fn workflow(n: u64) -> WorkflowId {
    WorkflowId::parse(&format!("w{n}")).unwrap()
}

fn capabilities(dice: &mut Dice) -> Arc<Capabilities> {
    let few = |dice: &mut Dice| (0..dice.below(3)).map(|_| customer(dice.below(4))).collect::<BTreeSet<_>>();
    let is_choosy = dice.below(3) == 0;
    let (allowed, denied) = if is_choosy { (few(dice), few(dice)) } else { Default::default() };
    let number = |n: u64| Number::from(u32::try_from(n).unwrap());
    Arc::new(Capabilities {
        services: (0..2).filter(|_| dice.below(3) > 0).map(service).collect(),
        hardware: Hardware { gpu_memory_gb: number(8 * dice.below(3)), ..Hardware::default() },
        access: CustomerAccess { allowed, denied, ..CustomerAccess::default() },
        custom: [("rack".to_owned(), Value::One(crate::Scalar::Number(number(dice.below(3)))))].into(),
        workflow: (dice.below(6) == 0).then(|| workflow(dice.below(2))),
        ..Capabilities::default()
    })
}

struct Waits {
    key: OrderKey,
    requirements: Arc<Requirements>,
    more_than_gb: Option<Number>,
    customer: Option<CustomerId>,
    workflow: Option<WorkflowId>,
    may_run: bool,
}

impl Waits {
    fn drawn(dice: &mut Dice, order: u64) -> Waits {
        let number = |n: u64| Number::from(u32::try_from(n).unwrap());
        let mut requirements = Requirements::of(service(dice.below(2)));
        if dice.below(2) == 0 {
            requirements.needs.insert(Need::Hardware(Part::GpuMemoryGb, number(8 * (1 + dice.below(2)))));
        }
        if dice.below(2) == 0 {
            let tests = [Test::AtLeast(number(dice.below(3)))].into();
            let need = Need::Custom { path: "rack".to_owned(), tests };
            if dice.below(2) == 0 { &mut requirements.needs } else { &mut requirements.bars }.insert(need);
        }
        Waits {
            key: OrderKey::new(u32::try_from(dice.below(3)).unwrap(), Timestamp(0), order),
            requirements: Arc::new(requirements),
            more_than_gb: (dice.below(5) == 0).then(|| number(8 * dice.below(3))),
            customer: (dice.below(4) > 0).then(|| customer(dice.below(4))),
            workflow: (dice.below(3) == 0).then(|| workflow(dice.below(2))),
            may_run: dice.below(5) > 0,
        }
    }

    fn seat(&self) -> Seat<'_> {
        let Waits { key, requirements, more_than_gb, customer, workflow, .. } = self;
        Seat {
            key: *key,
            requirements,
            more_than_gb: *more_than_gb,
            customer: customer.as_ref(),
            workflow: workflow.as_ref(),
        }
    }
}

/// Everything that is kept twice agrees.
fn check(schedule: &Schedule, jobs: &[Waits]) {
    for (id, class) in schedule.classes.iter() {
        let groups = || class.fits.iter().map(|(group, head)| (*group, schedule.groups.get(*group).unwrap(), *head));
        assert_eq!(class.open, groups().filter(|(_, group, _)| group.whose.is_open()).count(), "{id:?} is open");
        for (_, group, head) in groups() {
            assert!(group.classes.contains(&id), "a group knows its classes");
            assert_eq!(head, class.first_for(&group.whose, None), "{id:?} has its head");
            let service = &class.demand.requirements.service;
            let found = group.heads.get(service).into_iter().flatten().find(|(_, class)| *class == id);
            assert_eq!(found.map(|(key, _)| *key), head, "and its group has the same");
        }
        let fitting = |more: bool| {
            let fits = move |(_, profile): &(ProfileId, &Profile)| {
                class.demand.requirements.fits(&profile.capabilities)
                    && (!more || class.demand.has_more(&profile.capabilities))
            };
            schedule.profiles.iter().filter(fits).map(|(id, _)| id).collect::<BTreeSet<_>>()
        };
        let wanted = if fitting(true).is_empty() { fitting(false) } else { fitting(true) };
        let have: BTreeSet<_> = groups().flat_map(|(_, group, _)| group.profiles.iter().copied()).collect();
        assert_eq!(have, wanted, "{id:?} is compared with everyone");
    }
    for (id, group) in schedule.groups.iter() {
        assert!(!group.profiles.is_empty(), "no group is empty");
        assert_eq!(group.signature, group.classes.iter().fold(0, |all, class| all ^ sign(*class)));
        for class in &group.classes {
            assert!(schedule.classes.get(*class).unwrap().place_in_fits(id).is_ok(), "a class knows its groups");
        }
        for profile in &group.profiles {
            assert_eq!(schedule.profiles.get(*profile).unwrap().group, id);
        }
        assert!(group.standing.iter().all(|(_, profile, _)| group.profiles.contains(profile)), "who stands is its own");
    }
    for job in jobs {
        let class = schedule.classes.get(schedule.find(job.seat()).unwrap()).unwrap();
        assert!(class.members.contains(&job.key.order));
    }
}

#[test]
fn what_the_index_keeps_twice_agrees() {
    for seed in 0..30 {
        let mut dice = Dice(seed);
        let (mut schedule, mut jobs, mut workers) = (Schedule::default(), Vec::<Waits>::new(), Vec::new());
        for n in 0..150 {
            match dice.below(10) {
                0..=3 => {
                    let job = Waits::drawn(&mut dice, n);
                    schedule.insert(job.seat(), job.may_run);
                    jobs.push(job);
                }
                4..=5 if !jobs.is_empty() => {
                    let job = jobs.swap_remove(dice.below(jobs.len() as u64) as usize);
                    schedule.remove(job.seat(), job.may_run);
                }
                6..=7 => {
                    let (id, kind) = (WorkerId::parse(&format!("worker-{n}")).unwrap(), capabilities(&mut dice));
                    let profile = schedule.join(&id, &kind);
                    schedule.stand(profile, n, id.clone());
                    workers.push((n, id, profile));
                }
                8 if !workers.is_empty() => {
                    let (since, id, profile) = workers.swap_remove(dice.below(workers.len() as u64) as usize);
                    schedule.step_back(profile, since, &id);
                    schedule.leave(&id, profile);
                }
                _ => schedule.sweep(),
            }
            check(&schedule, &jobs);
            let standing: usize = schedule.groups.values().map(|group| group.standing.len()).sum();
            assert_eq!(standing, workers.len(), "nobody who stands is forgotten");
        }
    }
}

#[test]
fn what_only_a_forgotten_class_told_apart_is_one_group_again() {
    let mut schedule = Schedule::default();
    let kind = |rack: u32| {
        let rack = Value::One(crate::Scalar::Number(Number::from(rack)));
        let custom = [("rack".to_owned(), rack)].into();
        Arc::new(Capabilities { services: [service(0)].into(), custom, ..Capabilities::default() })
    };
    for n in 0..4 {
        schedule.join(&WorkerId::parse(&format!("worker-{n}")).unwrap(), &kind(n));
    }
    let job = |needs: Option<u32>, order| {
        let mut requirements = Requirements::of(service(0));
        let need = |least: u32| [Test::AtLeast(Number::from(least))].into();
        requirements.needs.extend(needs.map(|least| Need::Custom { path: "rack".to_owned(), tests: need(least) }));
        let (more_than_gb, customer, workflow) = (None, None, None);
        let key = OrderKey::new(0, Timestamp(0), order);
        Waits { key, requirements: Arc::new(requirements), more_than_gb, customer, workflow, may_run: true }
    };
    let count = |schedule: &Schedule| schedule.groups.values().count();
    schedule.insert(job(None, 1).seat(), true);
    assert_eq!(count(&schedule), 1, "kinds that differ in what nobody asks for are one group");
    let picky = job(Some(2), 2);
    schedule.insert(picky.seat(), true);
    assert_eq!(count(&schedule), 2);
    schedule.remove(picky.seat(), true);
    schedule.sweep();
    assert_eq!(count(&schedule), 1);
    check(&schedule, &[job(None, 1)]);
}
