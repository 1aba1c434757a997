//! The storm itself: blow after blow to the broker, each kill followed at once by a new start.

use super::ear::Ear;
use super::log::Log;
use super::plan::Blow;
use super::stage::Stage;
use super::theatre::Theatre;
use crate::clock::{now_us, pause, pause_until};
use crate::dice::Dice;
use crate::record::{Life, Strike};
use crate::weather::undo::Loss;
use nix::sys::signal::Signal;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A life of the broker that is going on.
pub(crate) struct Living {
    ear: Ear,
    spawned: Instant,
    spawned_at: u64,
    answered_at: Option<u64>,
}

pub(crate) struct Kills<'a> {
    pub(crate) theatre: &'a Theatre<'a>,
    pub(crate) stage: &'a Stage,
    pub(crate) log: &'a Log,
    pub(crate) strikes: &'a Log,
    /// How long a checkpoint or trim is waited for; then the kill comes without.
    pub(crate) amid_wait: Duration,
    /// With each kill the power goes.
    pub(crate) power: bool,
    /// Kills so far, and in all.
    pub(crate) dealt: Cell<usize>,
    pub(crate) planned: usize,
}

impl Kills<'_> {
    /// Starts the broker; it need not answer yet.
    pub(crate) fn begin(&self) -> anyhow::Result<Living> {
        let (spawned, spawned_at) = (Instant::now(), now_us());
        let ear = self.theatre.start_broker()?;
        Ok(Living { ear, spawned, spawned_at, answered_at: None })
    }

    pub(crate) fn await_answer(&self, living: &mut Living) -> anyhow::Result<()> {
        if living.answered_at.is_none() {
            self.theatre.await_answer()?;
            living.answered_at = Some(now_us());
        }
        Ok(())
    }

    /// Deals all blows, and says `before` each which one it is; the broker that is left is alive
    /// and answers.
    pub(crate) fn storm(
        &self,
        mut living: Living,
        blows: &[Blow],
        dice: &mut Dice,
        mut before: impl FnMut(usize),
    ) -> anyhow::Result<Living> {
        for (index, blow) in blows.iter().enumerate() {
            before(index);
            let stopped_at = self.deal(*blow, &mut living)?;
            if blow.is_kill() {
                living = self.kill(living, stopped_at, dice)?;
            }
        }
        self.await_answer(&mut living)?;
        Ok(living)
    }

    /// Kills what is living and starts it again.
    pub(crate) fn kill(&self, living: Living, stopped_at: Option<u64>, dice: &mut Dice) -> anyhow::Result<Living> {
        let in_flight = self.stage.in_flight.load(Ordering::Relaxed);
        let ended_at = now_us();
        self.theatre.kill_broker()?;
        let lived = living.spawned.elapsed();
        let amid = living.ear.amid()?.map(|index| self.theatre.doings[index].name());
        let (spawned_at, answered_at) = (living.spawned_at, living.answered_at);
        self.log.put(&Life { spawned_at, answered_at, ended_at, killed: true, stopped_at, amid, in_flight });
        let power = match self.power {
            true => {
                let how = [Loss::All, Loss::Tail, Loss::Scattered][dice.between(0, 2) as usize];
                let lost = self.theatre.weather()?.lose_power(how, dice)?;
                format!(", power lost ({how:?}): {} of {} unsynced writes", lost.undone, lost.unsynced)
            }
            false => String::new(),
        };
        let answered = answered_at.map_or_else(|| "never".to_owned(), |at| format!("{} ms", (at - spawned_at) / 1_000));
        let phase = match (amid, stopped_at) {
            (Some(doing), _) => format!(", amid a {doing}"),
            (None, Some(_)) => ", while it was stopped".to_owned(),
            (None, None) => String::new(),
        };
        let lived = lived.as_millis();
        self.dealt.set(self.dealt.get() + 1);
        let label = format!("kill {:>3}/{}", self.dealt.get(), self.planned);
        println!("{label}: lived {lived:>5} ms, answered after {answered}, {in_flight} in flight{phase}{power}");
        self.begin()
    }

    /// Up to the kill; when the broker was stopped if it still is.
    fn deal(&self, blow: Blow, living: &mut Living) -> anyhow::Result<Option<u64>> {
        match blow {
            Blow::AfterStart(delay) => {
                let until = living.spawned + delay;
                if living.answered_at.is_none() && self.theatre.answers_before(until) {
                    living.answered_at = Some(now_us());
                }
                pause_until(until);
                Ok(None)
            }
            Blow::AfterAnswer(delay) => {
                self.await_answer(living)?;
                pause(delay);
                Ok(None)
            }
            Blow::Amid(delay) => {
                self.await_answer(living)?;
                if living.ear.await_beginning(Instant::now() + self.amid_wait) {
                    pause(delay);
                }
                Ok(None)
            }
            Blow::Frozen { after, stopped } => {
                self.await_answer(living)?;
                pause(after);
                Ok(Some(self.stop_for(stopped)?))
            }
            Blow::Stopped { after, stopped } => {
                self.await_answer(living)?;
                pause(after);
                let at = self.stop_for(stopped)?;
                self.theatre.signal_broker(Signal::SIGCONT)?;
                self.strikes.put(&Strike { who: "broker", killed: false, at, until: now_us() });
                println!("stopped for {} ms, and let go on", stopped.as_millis());
                Ok(None)
            }
        }
    }

    fn stop_for(&self, stopped: Duration) -> anyhow::Result<u64> {
        let at = now_us();
        self.theatre.signal_broker(Signal::SIGSTOP)?;
        pause(stopped);
        Ok(at)
    }

    /// If the broker ended by itself, as it may when its disk fails, it is started again, as a
    /// service manager would.
    pub(crate) fn revive(&self, living: Living) -> anyhow::Result<(Living, bool)> {
        let Some(status) = self.theatre.broker_ended()? else { return Ok((living, false)) };
        println!("the broker ended by itself: {status}");
        self.note(&living);
        Ok((self.begin()?, true))
    }

    /// Writes down a life that was not ended by a kill, or whose part in the storm is over.
    pub(crate) fn note(&self, living: &Living) {
        let Living { spawned_at, answered_at, .. } = *living;
        let (ended_at, killed) = (now_us(), false);
        self.log.put(&Life { spawned_at, answered_at, ended_at, killed, stopped_at: None, amid: None, in_flight: 0 });
    }
}
