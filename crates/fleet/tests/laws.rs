//! Laws that hold whatever is commanded, in whatever order, however time passes and however
//! often the broker restarts. Random commands on few names are told to a ledger and, in the
//! same breath, to an oracle that scans plain lists and follows `wire.md` §8c.
//!
//! A broken law is named in the failure: `law broken at step 7: no worker is above its slots: …`,
//! followed by the fewest steps that break it. `PROPTEST_CASES` asks for more cases.

#![allow(clippy::unwrap_used, reason = "clippy sees no test in what a test calls")]

/// `law!(holds, "the claim", "what was seen instead")`
macro_rules! law {
    ($holds:expr, $claim:literal, $($seen:tt)*) => {
        if !$holds {
            return Err(format!("{}: {}", $claim, format_args!($($seen)*)));
        }
    };
}

#[path = "laws/acts.rs"]
mod acts;
#[path = "laws/answers.rs"]
mod answers;
#[path = "laws/clients.rs"]
mod clients;
#[path = "laws/comparing.rs"]
mod comparing;
#[path = "laws/folding.rs"]
mod folding;
#[path = "laws/folding_fleet.rs"]
mod folding_fleet;
#[path = "agreement/meets.rs"]
mod meets;
#[path = "laws/oracle.rs"]
mod oracle;
#[path = "laws/places.rs"]
mod places;
#[path = "laws/pools.rs"]
mod pools;
#[path = "laws/world.rs"]
mod world;

use acts::{Act, Life, Step};
use fleet::{ClientId, ClientKey, Command, Event, Fact, JobId, Ledger, PrincipalId, Rules, Service, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;
use world::World;

fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

/// Plays the steps; the first broken law ends it.
fn play(life: &Life, mut each: impl FnMut(&World) -> Result<(), String>) -> Result<World, TestCaseError> {
    let mut world = World::new(
        life.jobs,
        Rules { starve_after_ms: life.starve_after_ms, finished_tail: life.tail, ..Rules::default() },
    );
    for (number, step) in life.steps.iter().enumerate() {
        let lived = world.live(step).and_then(|()| each(&world));
        lived.map_err(|broken| TestCaseError::fail(format!("law broken at step {number}: {broken}")))?;
    }
    Ok(world)
}

fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Ledger {
    let mut ledger = Ledger::default();
    events.into_iter().for_each(|event| ledger.apply(event));
    ledger
}

fn replay_and_shortest_story_agree(world: &World) -> Result<(), String> {
    let replayed = replay(&world.events);
    law!(world.ledger.remembers_the_same_as(&replayed), "replay remembers the same", "it does not");
    let story: Vec<Event> = world.ledger.shortest_story().collect();
    let retold = replay(&story);
    law!(
        world.ledger.remembers_the_same_as(&retold),
        "the shortest story remembers the same",
        "{story:#?} leads to {retold:#?}"
    );
    let again: Vec<Event> = retold.shortest_story().collect();
    law!(again == story, "the shortest story of a retold ledger is the same story", "{again:#?}");
    Ok(())
}

proptest! {
    #![proptest_config(config(300))]

    /// Everything the oracle knows, checked after every command.
    #[test]
    fn the_ledger_does_what_the_oracle_says(life in acts::life(1..120)) {
        play(&life, |_| Ok(()))?;
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn what_becomes_free_in_one_command_is_given_in_strict_order(life in acts::crowd()) {
        play(&life, |_| Ok(()))?;
    }

    #[test]
    fn what_comes_back_again_and_again_is_held_off_and_ends(life in acts::bouncing()) {
        play(&life, |_| Ok(()))?;
    }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn replay_and_the_shortest_story_remember_the_same_at_every_moment(life in acts::life(1..60)) {
        play(&life, replay_and_shortest_story_agree)?;
    }

    /// A ledger rebuilt from either decides all that follows as the one that was never lost
    /// would: the oracle, which knows of no rebuilding but the grace, agrees to the end.
    #[test]
    fn a_restart_changes_nothing_but_the_grace(life in acts::life(1..60), every in 1usize..7) {
        let mut restless = Vec::new();
        for (number, step) in life.steps.into_iter().enumerate() {
            restless.push(step);
            if number % every == 0 {
                restless.push(Step { act: Act::Restart { shortest: number % 2 == 0 }, ..Step::now(Act::Tick) });
            }
        }
        play(&Life { steps: restless, ..life }, |_| Ok(()))?;
    }

    /// `apply` is total: a journal with holes in it is replayed without a panic.
    #[test]
    fn a_journal_with_holes_is_replayed(life in acts::life(1..100), holes in prop::collection::vec(0u8..4, 400)) {
        let world = play(&life, |_| Ok(()))?;
        let kept = world.events.iter().zip(holes.iter().cycle()).filter(|(_, hole)| **hole != 0);
        let mut ledger = replay(kept.map(|(event, _)| event));
        ledger.resume(world.now);
        let story: Vec<Event> = ledger.shortest_story().collect();
        replay(&story);
    }
}

/// More kinds of requirements than are remembered while idle: they are swept, and the next
/// job of a swept kind finds its worker all the same.
#[test]
fn a_swept_class_is_decided_again() {
    let mut world = World::new(1, Rules::default());
    let service = |n: usize| Service::parse(&format!("kind-{n}")).unwrap();
    let kinds = fleet::limits::CLASSES_IDLE_MAX + 10;
    world.join("m1", "w1", (0..kinds).map(service).collect());
    for n in 0..kinds {
        world.submit(&format!("j{n}"), service(n));
        world.command(&Command::Cancel { job: JobId::parse(&format!("j{n}")).unwrap() }).unwrap();
    }
    world.submit("last", service(0));
    world.ask("w1", world.now + 1);
    assert!(world.ledger.job(&JobId::parse("last").unwrap()).unwrap().lease().is_some());
    world.submit("standing", service(1));
    assert!(world.ledger.job(&JobId::parse("standing").unwrap()).unwrap().lease().is_none(), "it has one slot");
}

/// To starve is to move in the queue; that must not hide that the last capable worker has left.
#[test]
fn a_job_that_starves_when_its_last_worker_leaves_is_told_unschedulable() {
    let mut world = World::new(1, Rules { starve_after_ms: Some(1_000), ..Rules::default() });
    world.join("m1", "w1", [Service::parse("hash").unwrap()].into());
    world.submit("j", Service::parse("hash").unwrap());
    world.live(&Step { wait_ms: 1_000, ticking: false, act: Act::LeaveWorker { worker: 1 } }).unwrap();
    world.live(&Step::now(Act::Tick)).unwrap();
    let job = world.ledger.job(&JobId::parse("j").unwrap()).unwrap();
    assert!(job.is_starving && job.waiting().is_some_and(|waiting| waiting.missing.is_some()));
}

/// Many clients of one principal drive out its own, not another's.
#[test]
fn another_client_takes_the_place_of_the_one_that_stayed_away_longest() {
    let key = |principal: &str, n: usize| ClientKey {
        principal: PrincipalId::parse(principal).unwrap(),
        client: ClientId::parse(&format!("c{n}")).unwrap(),
    };
    let mut ledger = Ledger::default();
    let mut seen = |clients: Vec<ClientKey>, at: i64| -> Vec<Fact> {
        let clients = clients.into_iter().map(|key| (key, 0)).collect();
        let mut told = fleet::Told::default();
        ledger.handle(Command::ClientsSeen { clients }, Timestamp(at), &mut told).unwrap();
        told.events.into_iter().map(|event| event.fact).collect()
    };
    let forgets = |key: ClientKey| Fact::ClientsForgotten { clients: vec![key] };
    let sees = |key: ClientKey| Fact::ClientsSeen { clients: vec![(key, 0)] };
    let max = fleet::limits::CLIENTS_MAX;
    seen(vec![key("acme", 0)], 0);
    seen((1..max - 1).map(|n| key("many", n)).collect(), 1);
    seen(vec![key("acme", 1)], 2);
    // Whoever comes again needs no room.
    assert_eq!(
        seen(vec![key("acme", 0), key("many", 1)], 60_002),
        [Fact::ClientsSeen { clients: vec![(key("acme", 0), 0), (key("many", 1), 0)] }]
    );
    // The first of the names that stayed away equally long.
    let first = (1..max - 1).map(|n| key("many", n)).filter(|known| *known != key("many", 1)).min().unwrap();
    assert_eq!(seen(vec![key("many", max)], 60_003), [forgets(first), sees(key("many", max))]);
    assert_eq!(seen(vec![key("acme", 2)], 60_003), [forgets(key("acme", 1)), sees(key("acme", 2))]);
    let told = seen(vec![key("new", 0), key("acme", 2)], 60_004);
    assert!(
        matches!(&told[..], [Fact::ClientsForgotten { clients }, seen]
        if clients[0].principal == key("many", 0).principal && *seen == sees(key("new", 0))),
        "{told:?}"
    );
}

/// What has ended a client follows still, but so many at most: those that ended last.
#[test]
fn of_ended_jobs_a_client_follows_so_many() {
    let client = pools::client_key(0);
    let mut ledger = Ledger::default();
    let mut told = fleet::Told::default();
    let max = fleet::limits::FOLLOWED_ENDED_MAX;
    let id = |n: usize| JobId::parse(&format!("j{n}")).unwrap();
    for n in 0..=max {
        let now = Timestamp(n as i64);
        let spec = Arc::new(pools::spec(&format!("j{n}"), Service::parse("hash").unwrap()));
        ledger.handle(Command::Submit { spec, recalled: None }, now, &mut told).unwrap();
        let follow = Command::Follow { client: client.clone(), jobs: vec![id(n)], workflow: None };
        ledger.handle(follow, now, &mut told).unwrap();
        ledger.handle(Command::Cancel { job: id(n) }, now, &mut told).unwrap();
    }
    let known = ledger.client(&client).unwrap();
    assert_eq!((known.jobs.len(), known.jobs.get(&id(0)), known.jobs.contains_key(&id(1))), (max, None, true));
    assert!(replay(&ledger.shortest_story().collect::<Vec<_>>()).remembers_the_same_as(&ledger));
}

/// The worst that can come due at once is more than one tick forgets.
#[test]
fn ticks_come_to_rest_when_more_is_due_than_one_tick_does() {
    let mut ledger = Ledger::default();
    let mut told = fleet::Told::default();
    let tail = fleet::limits::FINISHED_TAIL;
    let jobs = fleet::limits::FORGOTTEN_PER_TICK_MAX + tail + 1;
    for n in 0..jobs {
        let spec = pools::spec(&format!("j{n}"), Service::parse("hash").unwrap());
        let job = spec.id.clone();
        let spec = Arc::new(spec);
        ledger.handle(Command::Submit { spec, recalled: None }, Timestamp(0), &mut told).unwrap();
        ledger.handle(Command::Cancel { job }, Timestamp(0), &mut told).unwrap();
    }
    assert_eq!(ledger.next_deadline(), None, "nothing is in the archive");
    ledger.handle(Command::Archived { before: Timestamp(1) }, Timestamp(0), &mut told).unwrap();
    let now = ledger.next_deadline().unwrap();
    let mut ticks = 0;
    while ledger.next_deadline().is_some_and(|at| at <= now) {
        ledger.handle(Command::Tick, now, &mut told).unwrap();
        ticks += 1;
    }
    assert_eq!((ticks, ledger.unhappy().count(), ledger.tally().jobs()), (2, tail, jobs as u64));
}
