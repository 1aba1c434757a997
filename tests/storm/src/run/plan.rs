//! When the broker is killed: chance, from a seed, with the rare moments made certain.

use crate::dice::Dice;
use std::time::Duration;

/// One kill. Later storms kill other things too; they get their kinds here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// So long after the process was started: it opens its store, replays, begins to listen.
    AfterStart(Duration),
    /// So long after it first answered: it is busy.
    AfterAnswer(Duration),
}

/// An early kill comes within this; with the kill itself it is 100 ms at most.
const EARLY_MAX: Duration = Duration::from_millis(90);
/// One kill in so many is early, one at least.
const EARLY_ONE_IN: usize = 6;
/// Exponential gaps have no end; this one has, so that a run has.
const GAPS_MAX: u32 = 4;

pub(crate) fn plan(kills: usize, mean_gap: Duration, dice: &mut Dice) -> Vec<Blow> {
    let early = kills.div_ceil(EARLY_ONE_IN);
    let mut blows: Vec<Blow> = (0..kills)
        .map(|index| match index < early {
            true => Blow::AfterStart(Duration::from_micros(dice.between(0, EARLY_MAX.as_micros() as u64))),
            false => Blow::AfterAnswer(dice.gap(mean_gap).min(mean_gap * GAPS_MAX)),
        })
        .collect();
    // Fisher and Yates.
    for index in (1..blows.len()).rev() {
        let other = dice.between(0, index as u64) as usize;
        blows.swap(index, other);
    }
    // The first life began before the storm: an early kill would come late in it.
    if let Some(busy) = blows.iter().position(|blow| matches!(blow, Blow::AfterAnswer(_))) {
        blows.swap(0, busy);
    }
    blows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_kills_is_early_and_the_same_seed_plans_the_same() {
        for kills in [1, 2, 6, 50, 200] {
            let mean = Duration::from_secs(2);
            let blows = plan(kills, mean, &mut Dice::new(3, 0));
            assert_eq!(blows, plan(kills, mean, &mut Dice::new(3, 0)));
            assert_eq!(blows.len(), kills);
            let is_early = |blow: &&Blow| matches!(blow, Blow::AfterStart(delay) if *delay <= EARLY_MAX);
            assert!(blows.iter().filter(is_early).count() * 10 >= kills);
            assert!(kills == 1 || !is_early(&&blows[0]), "{blows:?}");
        }
    }
}
