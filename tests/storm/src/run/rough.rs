//! A slow disk that also fails now and then.

use super::kills::{Kills, Living};
use super::log::Log;
use super::stage::{Phase, Stage};
use super::theatre::Theatre;
use crate::clock::{now_us, pause};
use crate::dice::Dice;
use crate::record::Window;
use std::time::{Duration, Instant};

/// How long it stays as it is.
const SPELL_MS: [u64; 2] = [500, 4_000];
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A sync is failed, and after so long somebody must have synced.
const FAIL_WAIT: Duration = Duration::from_secs(15);

/// Changes how long a sync takes until the storm is over.
pub(crate) fn blow(theatre: &Theatre<'_>, stage: &Stage, log: &Log, mut dice: Dice) -> anyhow::Result<()> {
    let weather = theatre.weather()?;
    let ms = Duration::from_millis;
    while !stage.is_past(Phase::Storm) {
        let (from, to) = match dice.between(0, 3) {
            0 => (ms(0), ms(0)),
            1 => (ms(200), ms(400)),
            2 => (ms(0), ms(1_000)),
            _ => (ms(1_000), ms(3_000)),
        };
        let since = now_us();
        weather.slow(from, to)?;
        let until = Instant::now() + ms(dice.between(SPELL_MS[0], SPELL_MS[1]));
        while Instant::now() < until && !stage.is_past(Phase::Storm) {
            pause(LOOK_EVERY);
        }
        if !to.is_zero() {
            log.put(&Window { what: "slow", from: since, until: now_us() });
        }
    }
    weather.slow(Duration::ZERO, Duration::ZERO)
}

/// One sync fails. A broker may go on without it or end; then it is started again.
pub(crate) fn fail_a_sync(kills: &Kills<'_>, mut living: Living) -> anyhow::Result<Living> {
    let weather = kills.theatre.weather()?;
    kills.await_answer(&mut living)?;
    let (before, until) = (weather.failed()?, Instant::now() + FAIL_WAIT);
    weather.fail_syncs(1)?;
    while weather.failed()? == before && Instant::now() < until {
        pause(LOOK_EVERY);
    }
    weather.fail_syncs(0)?;
    println!("a sync failed");
    // It ends at once or does not.
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        let (alive, again) = kills.revive(living)?;
        living = alive;
        if again {
            break;
        }
        pause(LOOK_EVERY);
    }
    kills.await_answer(&mut living)?;
    Ok(living)
}
