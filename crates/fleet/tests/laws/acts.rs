//! What may be done, drawn at random: names are numbers into small pools, so that they meet.

use proptest::prelude::*;
use std::ops::Range;

pub(crate) const WORKERS: u8 = 4;
pub(crate) const MACHINES: u8 = 3;
pub(crate) const SERVICES: u8 = 3;
pub(crate) const CLIENTS: u8 = 3;
/// The clients, and two that are none.
pub(crate) const OWNERS: u8 = 2 + CLIENTS;
/// Workers where many stand at once.
const CROWD: u8 = 8;

/// Time passes, then something is done.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) wait_ms: u64,
    /// Whether the clock ticks at every deadline on the way, as the dispatcher does it.
    pub(crate) ticking: bool,
    pub(crate) act: Act,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Submit(Wanted),
    SubmitAll(Vec<Wanted>),
    Retry {
        job: u8,
        again: u8,
        owner: u8,
    },
    Cancel {
        job: u8,
    },
    JoinMachine {
        machine: u8,
        facts: u8,
    },
    Beat {
        machine: u8,
        leases: Named,
        starting: Option<bool>,
        declared: Option<(u8, u8)>,
        /// A worker's service works, or does not.
        health: Option<(u8, u8, bool)>,
    },
    DrainMachine {
        machine: u8,
        is_draining: bool,
    },
    DrainWorker {
        worker: u8,
        is_draining: bool,
    },
    Pause {
        service: u8,
        is_paused: bool,
    },
    TakeOrders {
        machine: u8,
    },
    LeaveMachine {
        machine: u8,
    },
    JoinWorker {
        worker: u8,
        machine: u8,
        slots: u8,
        services: u8,
        /// What else it has.
        kind: u8,
        resume: Named,
    },
    LeaveWorker {
        worker: u8,
    },
    Next {
        worker: u8,
        stale: bool,
        have: Named,
        wait_ms: u64,
        start: bool,
    },
    StandDown {
        worker: u8,
        /// It names an earlier asking.
        earlier: bool,
    },
    Start {
        lease: Which,
    },
    Renew {
        lease: Which,
    },
    Progress {
        lease: Which,
    },
    Finish {
        lease: Which,
        result: u8,
    },
    Fail {
        lease: Which,
        kind: u8,
        retry: bool,
        retry_after_ms: Option<u64>,
        roll: u32,
    },
    Release {
        lease: Which,
    },
    Follow(Following),
    Unfollow(Following),
    /// Clients, and the number of the last event that each says it has.
    Seen(Vec<(u8, u64)>),
    Tick,
    /// All that ended before so long ago is in the archive.
    Archived {
        ms_ago: u64,
    },
    Restart {
        shortest: bool,
    },
}

/// What a client follows more, or less.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    pub(crate) client: u8,
    pub(crate) jobs: Vec<u8>,
    pub(crate) workflow: Option<u8>,
}

/// A job, by numbers into the pools.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) job: u8,
    pub(crate) service: u8,
    pub(crate) priority: u8,
    pub(crate) runs: u8,
    pub(crate) content: u8,
    pub(crate) needs: u8,
    pub(crate) customer: u8,
    pub(crate) owner: u8,
    /// Id, priority and time; 0 states none.
    pub(crate) workflow: Option<(u8, u8, u8)>,
    pub(crate) times: Option<Times>,
    pub(crate) key: Option<u8>,
    /// What the archive remembers of its workflow: priority and time.
    pub(crate) recalled: Option<(u8, u8)>,
}

/// In milliseconds from the submission on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) not_before: Option<i32>,
    pub(crate) start_by: Option<i32>,
    pub(crate) finish_by: Option<i32>,
    pub(crate) run_for_ms: Option<u64>,
    pub(crate) no_progress_ms: Option<u64>,
    pub(crate) fail_if_unmatched_ms: Option<u64>,
}

/// What is fixed for a whole life, and what happens in it.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    /// How many names of jobs there are.
    pub(crate) jobs: u8,
    pub(crate) starve_after_ms: Option<u64>,
    /// How many of the newest that ended are not forgotten.
    pub(crate) tail: usize,
    pub(crate) steps: Vec<Step>,
}

/// A lease that is held, one that ever was, or one that never was.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    Held(u8),
    Ever(u8),
    Never,
}

/// Which of its leases somebody names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    All,
    None,
    /// Those at odd places, and one that ever was.
    Mixed(u8),
}

impl Step {
    pub(crate) fn now(act: Act) -> Step {
        Step { wait_ms: 0, ticking: false, act }
    }
}

/// Most begin with a fleet in place.
pub(crate) fn life(steps: Range<usize>) -> impl Strategy<Value = Life> {
    let fleet = prop_oneof![9 => Just(fleet_in_place()), 1 => Just(Vec::new())];
    let starve_after_ms = prop::option::weighted(0.3, 1u64..20_000);
    (6u8..=30, starve_after_ms, 0usize..4, fleet, prop::collection::vec(step(), steps)).prop_map(
        |(jobs, starve_after_ms, tail, fleet, life)| Life {
            jobs,
            starve_after_ms,
            tail,
            steps: fleet.into_iter().chain(life).collect(),
        },
    )
}

fn fleet_in_place() -> Vec<Step> {
    let machines = (0..MACHINES).map(|machine| Act::JoinMachine { machine, facts: 0 });
    let services = |worker: u8| -> u8 { if worker == 0 { (1 << SERVICES) - 1 } else { 1 | (1 << (worker - 1)) } };
    let workers = (0..WORKERS).map(|worker| Act::JoinWorker {
        worker,
        machine: worker % MACHINES,
        slots: 1 + worker % 3,
        services: services(worker),
        kind: worker,
        resume: Named::None,
    });
    machines.chain(workers).map(Step::now).collect()
}

/// Workers hold jobs, others stand ready, and then something frees many jobs at once.
pub(crate) fn crowd() -> impl Strategy<Value = Life> {
    let worker = || 0..CROWD;
    let joins = prop::collection::vec((0..MACHINES, 1u8..4, 1u8..(1 << SERVICES)), usize::from(CROWD));
    let jobs = prop::collection::vec((0..SERVICES, 0u8..3), 3..12);
    let asking = |worker, wait_ms| Act::Next { worker, stale: false, have: Named::All, wait_ms, start: false };
    let asked = prop::collection::vec(worker().prop_map(move |worker| asking(worker, 0)), 3..16);
    let failed = prop::collection::vec((any::<u8>(), 0u64..3_000).prop_map(failing), 0..6);
    let standing = Just((0..CROWD).map(|worker| asking(worker, 60_000)).collect::<Vec<_>>()).prop_shuffle();
    let holding = (joins, jobs).prop_map(|(joins, jobs)| {
        let machines = (0..MACHINES).map(|machine| Act::JoinMachine { machine, facts: 0 });
        let joins = joins.into_iter().zip(0u8..).map(joining);
        let submits = jobs.into_iter().zip(0u8..).map(submitting);
        machines.chain(joins).chain(submits).collect::<Vec<Act>>()
    });
    let freeing = prop_oneof![
        3 => (3_000u64..9_000).prop_map(|wait_ms| Step { wait_ms, ..Step::now(Act::Tick) }),
        2 => (0..MACHINES).prop_map(|machine| Step::now(Act::LeaveMachine { machine })),
        1 => worker().prop_map(|worker| Step::now(Act::LeaveWorker { worker })),
        1 => (worker(), 0..MACHINES).prop_map(|(worker, machine)| Step::now(joining(((machine, 1, 1), worker)))),
    ];
    let freeing = prop::collection::vec(freeing, 1..3);
    (holding, asked, failed, standing, freeing).prop_map(|(holding, asked, failed, standing, freeing)| {
        let before = [holding, asked, failed, standing].concat();
        let steps = before.into_iter().map(Step::now).chain(freeing).collect();
        Life { jobs: u8::MAX, starve_after_ms: None, tail: 1, steps }
    })
}

/// Few jobs that come back without a run, again and again.
pub(crate) fn bouncing() -> impl Strategy<Value = Life> {
    let worker = || 0..WORKERS;
    let asking = |worker, start| Act::Next { worker, stale: false, have: Named::All, wait_ms: 0, start };
    let after = |wait_ms, act| Step { wait_ms, ticking: true, act };
    let held = || Which::Held(0);
    let down = Act::Fail { lease: held(), kind: 4, retry: true, retry_after_ms: None, roll: 0 };
    let back = prop_oneof![
        4 => Just(vec![Step::now(Act::Release { lease: held() })]),
        2 => Just(vec![after(5_000, Act::Renew { lease: held() }), after(5_001, Act::Tick)]),
        2 => worker().prop_map(move |worker| {
            let health = Some((worker, 0, true));
            let beat = Act::Beat { machine: worker % MACHINES, leases: Named::None, starting: None, declared: None, health };
            vec![Step::now(down.clone()), Step::now(beat)]
        }),
        1 => Just(vec![after(8_000, Act::Tick)]),
        1 => any::<bool>().prop_map(|shortest| vec![Step::now(Act::Restart { shortest })]),
        1 => step().prop_map(|step| vec![step]),
    ];
    let wait_ms = prop_oneof![2 => Just(31_000u64), 1 => Just(0u64)];
    let round = (wait_ms, worker(), prop::bool::weighted(0.2), back)
        .prop_map(move |(wait_ms, worker, start, back)| [vec![after(wait_ms, asking(worker, start))], back].concat());
    prop::collection::vec(round, 10..30).prop_map(|rounds| {
        let jobs = (0..2).map(|job| Step::now(submitting(((0, 1), job))));
        let steps = fleet_in_place().into_iter().chain(jobs).chain(rounds.concat()).collect();
        Life { jobs: 2, starve_after_ms: None, tail: 1, steps }
    })
}

fn joining(((machine, slots, services), worker): ((u8, u8, u8), u8)) -> Act {
    Act::JoinWorker { worker, machine, slots, services, kind: 0, resume: Named::None }
}

fn submitting(((service, priority), job): ((u8, u8), u8)) -> Act {
    let (needs, customer, owner, workflow, times, key, recalled) = (0, 0, 0, None, None, None, None);
    let (runs, content) = (3, 0);
    Act::Submit(Wanted {
        job,
        service,
        priority,
        runs,
        content,
        needs,
        customer,
        owner,
        workflow,
        times,
        key,
        recalled,
    })
}

fn failing((lease, after_ms): (u8, u64)) -> Act {
    Act::Fail { lease: Which::Held(lease), kind: 0, retry: true, retry_after_ms: Some(after_ms), roll: 0 }
}

fn step() -> impl Strategy<Value = Step> {
    let wait_ms = prop_oneof![
        100 => Just(0u64),
        60 => 0u64..500,
        30 => 500u64..3_000,
        12 => 3_000u64..12_000,
        8 => 12_000u64..70_000,
        2 => 70_000u64..660_000,
        1 => Just(25 * 3_600_000u64),
    ];
    (wait_ms, any::<bool>(), act()).prop_map(|(wait_ms, ticking, act)| Step { wait_ms, ticking, act })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        24 => of_jobs(),
        8 => of_clients(),
        26 => of_fleet(),
        32 => next(),
        36 => of_leases(),
        2 => (0..WORKERS, prop::bool::weighted(0.3)).prop_map(|(worker, earlier)| Act::StandDown { worker, earlier }),
        4 => Just(Act::Tick),
        4 => prop_oneof![2 => Just(0u64), 1 => 0u64..100_000].prop_map(|ms_ago| Act::Archived { ms_ago }),
        1 => any::<bool>().prop_map(|shortest| Act::Restart { shortest }),
    ]
}

fn of_jobs() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => wanted().prop_map(Act::Submit),
        1 => prop::collection::vec(wanted(), 1..5).prop_map(Act::SubmitAll),
        2 => any::<u8>().prop_map(|job| Act::Cancel { job }),
        1 => (any::<u8>(), any::<u8>(), 0..OWNERS).prop_map(|(job, again, owner)| Act::Retry { job, again, owner }),
    ]
}

fn of_clients() -> impl Strategy<Value = Act> {
    let following = || {
        let jobs = prop::collection::vec(any::<u8>(), 0..4);
        let following = (0..CLIENTS, jobs, prop::option::weighted(0.3, 0u8..2));
        following.prop_map(|(client, jobs, workflow)| Following { client, jobs, workflow })
    };
    let confirmed = prop_oneof![Just(0u64), 0u64..50];
    prop_oneof![
        4 => following().prop_map(Act::Follow),
        2 => following().prop_map(Act::Unfollow),
        2 => prop::collection::vec((0..CLIENTS, confirmed), 0..3).prop_map(Act::Seen),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let basics = (any::<u8>(), 0..SERVICES, 0u8..3, 1u8..4, 0u8..8);
    let needs = prop_oneof![4 => Just(0u8), 3 => 1u8..6];
    let workflow = prop::option::weighted(0.3, (0u8..3, 0u8..3, 0u8..3));
    let key = prop::option::weighted(0.1, 0u8..4);
    let recalled = prop::option::weighted(0.5, (0u8..3, 0u8..3));
    (basics, needs, (0u8..3, 0..OWNERS), (workflow, recalled), prop::option::weighted(0.4, times()), key).prop_map(
        |((job, service, priority, runs, content), needs, (customer, owner), (workflow, recalled), times, key)| {
            Wanted { job, service, priority, runs, content, needs, customer, owner, workflow, times, key, recalled }
        },
    )
}

fn times() -> impl Strategy<Value = Times> {
    let at = || prop::option::weighted(0.25, -1_000i32..20_000);
    let ms = |chance| prop::option::weighted(chance, 1u64..15_000);
    (at(), at(), at(), ms(0.3), ms(0.3), ms(0.3)).prop_map(
        |(not_before, start_by, finish_by, run_for_ms, no_progress_ms, fail_if_unmatched_ms)| Times {
            not_before,
            start_by,
            finish_by,
            run_for_ms,
            no_progress_ms,
            fail_if_unmatched_ms,
        },
    )
}

fn of_fleet() -> impl Strategy<Value = Act> {
    let machine = || 0..MACHINES;
    let worker = || 0..WORKERS;
    let declared = prop::option::weighted(0.3, (worker(), 0u8..3));
    let health = prop::option::weighted(0.2, (worker(), 0..SERVICES, any::<bool>()));
    let beat = (machine(), named(), prop::option::weighted(0.1, any::<bool>()), declared, health);
    let join = (worker(), machine(), 1u8..4, 1u8..(1 << SERVICES), 0u8..7, named());
    let is_draining = || prop::bool::weighted(0.4);
    prop_oneof![
        4 => (machine(), 0u8..6).prop_map(|(machine, facts)| Act::JoinMachine { machine, facts: facts / 5 }),
        9 => beat.prop_map(|(machine, leases, starting, declared, health)| Act::Beat {
            machine, leases, starting, declared, health,
        }),
        1 => (machine(), is_draining()).prop_map(|(machine, is_draining)| Act::DrainMachine { machine, is_draining }),
        1 => (worker(), is_draining()).prop_map(|(worker, is_draining)| Act::DrainWorker { worker, is_draining }),
        2 => (0..SERVICES, is_draining()).prop_map(|(service, is_paused)| Act::Pause { service, is_paused }),
        2 => machine().prop_map(|machine| Act::TakeOrders { machine }),
        1 => machine().prop_map(|machine| Act::LeaveMachine { machine }),
        5 => join.prop_map(|(worker, machine, slots, services, kind, resume)| Act::JoinWorker {
            worker, machine, slots, services, kind, resume,
        }),
        1 => worker().prop_map(|worker| Act::LeaveWorker { worker }),
    ]
}

fn next() -> impl Strategy<Value = Act> {
    let wait_ms = prop_oneof![1 => Just(0u64), 3 => 1u64..60_000];
    (0..WORKERS, prop::bool::weighted(0.05), named(), wait_ms, any::<bool>())
        .prop_map(|(worker, stale, have, wait_ms, start)| Act::Next { worker, stale, have, wait_ms, start })
}

fn of_leases() -> impl Strategy<Value = Act> {
    let after_ms = prop::option::weighted(0.3, prop_oneof![3 => 0u64..5_000, 1 => Just(100_000_000u64)]);
    let roll = prop_oneof![Just(0u32), Just(u32::MAX), any::<u32>()];
    let kind = prop_oneof![10 => 0u8..10, 4 => 3u8..5];
    let fail = (which(), kind, prop::bool::weighted(0.9), after_ms, roll);
    prop_oneof![
        5 => which().prop_map(|lease| Act::Start { lease }),
        2 => which().prop_map(|lease| Act::Renew { lease }),
        2 => which().prop_map(|lease| Act::Progress { lease }),
        4 => (which(), 0u8..2).prop_map(|(lease, result)| Act::Finish { lease, result }),
        4 => fail.prop_map(|(lease, kind, retry, retry_after_ms, roll)| Act::Fail {
            lease, kind, retry, retry_after_ms, roll,
        }),
        2 => which().prop_map(|lease| Act::Release { lease }),
    ]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        12 => any::<u8>().prop_map(Which::Held),
        4 => any::<u8>().prop_map(Which::Ever),
        1 => Just(Which::Never),
    ]
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![3 => Just(Named::All), 1 => Just(Named::None), 2 => any::<u8>().prop_map(Named::Mixed)]
}
