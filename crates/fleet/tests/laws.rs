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
#[path = "laws/pools.rs"]
mod pools;
#[path = "laws/world.rs"]
mod world;

use acts::{Act, Life, Step};
use fleet::{Command, Event, JobId, Ledger, Rules, Service, Timestamp};
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
