//! Who is given what, and why a job waits: random fleets and a thousand jobs each, beside a
//! scan that looks at every job and every worker and knows nothing else (`agreement/scan.rs`).
//!
//! `AGREEMENT_FLEETS` asks for more fleets, `AGREEMENT_SEED` for those from that seed on. A
//! failure names the seed and the step; `AGREEMENT_SEED=<seed> AGREEMENT_FLEETS=1` repeats it.

#![allow(clippy::unwrap_used, reason = "clippy sees no test in what a test calls")]

#[path = "agreement/check.rs"]
mod check;
#[path = "agreement/dice.rs"]
mod dice;
#[path = "agreement/draw.rs"]
mod draw;
#[path = "agreement/fleet_life.rs"]
mod fleet_life;
#[path = "agreement/meets.rs"]
mod meets;
#[path = "agreement/scan.rs"]
mod scan;

use fleet_life::{Counted, FleetLife};

const FLEETS: u64 = 8;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_worker_is_given_what_a_scan_finds_and_every_explanation_says_what_it_counts() {
    let first = asked("AGREEMENT_SEED").unwrap_or(1);
    let mut counted = Counted::default();
    for seed in first..first + asked("AGREEMENT_FLEETS").unwrap_or(FLEETS) {
        let mut life = FleetLife::new(seed);
        if let Err(differs) = life.live() {
            panic!("seed {seed}, step {}: {differs}", life.step);
        }
        counted.add(&life.counted);
    }
    println!("{counted:?}");
    let Counted { leases, standing, explanations, .. } = counted;
    assert!(leases > 0 && standing > 0 && explanations > 0, "something was compared: {counted:?}");
}
