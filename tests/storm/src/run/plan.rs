//! When the broker is killed: chance, from a seed, with the rare moments made certain.

use crate::dice::Dice;
use std::time::Duration;

/// One blow to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// Killed so long after the process was started: it opens its store, replays, begins to listen.
    AfterStart(Duration),
    /// Killed so long after it first answered: it is busy.
    AfterAnswer(Duration),
    /// Killed so long after it said that it writes a checkpoint, or trims.
    Amid(Duration),
    /// Stopped so long after its first answer, and killed without going on.
    Frozen { after: Duration, stopped: Duration },
    /// Stopped, and let go on: no kill.
    Stopped { after: Duration, stopped: Duration },
}

impl Blow {
    pub(crate) fn is_kill(self) -> bool {
        !matches!(self, Blow::Stopped { .. })
    }
}

/// An early kill comes within this; with the kill itself it is 100 ms at most.
const EARLY_MAX: Duration = Duration::from_millis(90);
/// One kill in so many is early, one at least.
const EARLY_ONE_IN: usize = 6;
/// One kill in so many comes amid a checkpoint or trim. Some of them will come just too late.
const AMID_ONE_IN: usize = 10;
/// A checkpoint may be over in so little time.
const AMID_MAX: Duration = Duration::from_millis(4);
/// One kill in so many is of a stopped broker, and so many more times it goes on.
const FROZEN_ONE_IN: usize = 25;
/// How long a broker is stopped: some of it is longer than a lease (8 s).
pub(crate) const STOPPED_MS: [u64; 2] = [1_000, 20_000];
/// Exponential gaps have no end; this one has, so that a run has.
const GAPS_MAX: u32 = 4;

/// What is asked of chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) kills: usize,
    /// From the first answer to the next blow.
    pub(crate) mean_gap: Duration,
    /// The broker says when it writes a checkpoint or trims.
    pub(crate) amid: bool,
    /// It is stopped now and then, for so many milliseconds.
    pub(crate) stops: Option<[u64; 2]>,
}

pub(crate) fn plan(wanted: Wanted, dice: &mut Dice) -> Vec<Blow> {
    let Wanted { kills, mean_gap, .. } = wanted;
    let early = kills.div_ceil(EARLY_ONE_IN);
    let amid = early + if wanted.amid { kills.div_ceil(AMID_ONE_IN) } else { 0 };
    let frozen = if wanted.stops.is_some() { kills.div_ceil(FROZEN_ONE_IN) } else { 0 };
    let gap = |dice: &mut Dice| dice.gap(mean_gap).min(mean_gap * GAPS_MAX);
    // The longest and the shortest are certain, the rest is chance, shorter ones more often.
    let stopped = |dice: &mut Dice, index: usize| {
        let [least, most] = wanted.stops.unwrap_or(STOPPED_MS);
        let ms = if index == 0 && frozen > 1 { most } else { dice.between(least, dice.clone().between(least, most)) };
        Duration::from_millis(ms)
    };
    let mut blows: Vec<Blow> = (0..kills)
        .map(|index| match index {
            _ if index < early => {
                Blow::AfterStart(Duration::from_micros(dice.between(0, EARLY_MAX.as_micros() as u64)))
            }
            _ if index < amid => Blow::Amid(Duration::from_micros(dice.between(0, AMID_MAX.as_micros() as u64))),
            _ if index < amid + frozen => Blow::Frozen { after: gap(dice), stopped: stopped(dice, index - amid) },
            _ => Blow::AfterAnswer(gap(dice)),
        })
        .collect();
    blows.extend((0..frozen).map(|index| Blow::Stopped { after: gap(dice), stopped: stopped(dice, index) }));
    // Fisher and Yates.
    for index in (1..blows.len()).rev() {
        let other = dice.between(0, index as u64) as usize;
        blows.swap(index, other);
    }
    // The first life began before the storm: an early kill would come late in it.
    if let Some(busy) = blows.iter().position(|blow| matches!(blow, Blow::AfterAnswer(_))) {
        blows.swap(0, busy);
    }
    // After a stop the process is no longer young: an early kill of it comes later.
    for index in 1..blows.len() {
        if !blows[index - 1].is_kill() && matches!(blows[index], Blow::AfterStart(_)) {
            let kind = |blow: &Blow| matches!(blow, Blow::AfterAnswer(_));
            if let Some(later) = (index + 1..blows.len()).find(|later| kind(&blows[*later])) {
                blows.swap(index, later);
            }
        }
    }
    blows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rare_moments_are_certain_and_the_same_seed_plans_the_same() {
        for kills in [1, 2, 6, 50, 200] {
            let wanted = Wanted { kills, mean_gap: Duration::from_secs(2), amid: true, stops: Some(STOPPED_MS) };
            let blows = plan(wanted, &mut Dice::new(3, 0));
            assert_eq!(blows, plan(wanted, &mut Dice::new(3, 0)));
            let count = |is: fn(&Blow) -> bool| blows.iter().filter(|blow| is(blow)).count();
            assert!(count(|blow| matches!(blow, Blow::AfterStart(delay) if *delay <= EARLY_MAX)) * 10 >= kills);
            assert_eq!(count(|blow| blow.is_kill()), kills);
            if kills >= 50 {
                assert!(count(|blow| matches!(blow, Blow::Amid(_))) * 20 > kills);
                let is_long = |blow: &Blow| match blow {
                    Blow::Frozen { stopped, .. } | Blow::Stopped { stopped, .. } => *stopped > Duration::from_secs(8),
                    _ => false,
                };
                assert!(count(is_long) >= 2);
                assert!(!matches!(blows[0], Blow::AfterStart(_)), "{blows:?}");
            }
        }
    }
}
