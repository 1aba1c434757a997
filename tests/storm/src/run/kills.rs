//! The storm itself: blow after blow, each followed at once by a new start.

use super::log::Log;
use super::plan::Blow;
use super::stage::Stage;
use super::theatre::Theatre;
use crate::clock::{now_us, pause, pause_until};
use crate::folder;
use crate::record::Life;
use std::fs::File;
use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A life of the broker that is going on.
pub(crate) struct Living {
    spawned: Instant,
    spawned_at: u64,
    answered_at: Option<u64>,
}

pub(crate) struct Kills<'a> {
    pub(crate) theatre: &'a Theatre<'a>,
    pub(crate) stage: &'a Stage,
    pub(crate) log: &'a Log,
}

impl Kills<'_> {
    /// Starts the broker; it need not answer yet.
    pub(crate) fn begin(&self) -> anyhow::Result<Living> {
        let (spawned, spawned_at) = (Instant::now(), now_us());
        self.theatre.start_broker()?;
        Ok(Living { spawned, spawned_at, answered_at: None })
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
        mut before: impl FnMut(usize),
    ) -> anyhow::Result<Living> {
        let mut marks = Marks::default();
        let mut acknowledged = self.stage.acknowledged.load(Ordering::Relaxed);
        for (index, blow) in blows.iter().enumerate() {
            before(index);
            self.wait_for(*blow, &mut living)?;
            let running = marks.running(self.theatre)?;
            self.theatre.kill_broker()?;
            let now = self.stage.acknowledged.load(Ordering::Relaxed);
            let lived = living.spawned.elapsed();
            self.note(&living, true);
            let rate = (now - acknowledged) as f64 / lived.as_secs_f64();
            println!(
                "kill {:>3}/{}: lived {:>5} ms, answered after {}, {rate:.0} acknowledged/s in this life, {running} running",
                index + 1,
                blows.len(),
                lived.as_millis(),
                living
                    .answered_at
                    .map_or_else(|| "never".to_owned(), |at| format!("{} ms", (at - living.spawned_at) / 1_000)),
            );
            acknowledged = now;
            living = self.begin()?;
        }
        self.await_answer(&mut living)?;
        Ok(living)
    }

    fn wait_for(&self, blow: Blow, living: &mut Living) -> anyhow::Result<()> {
        match blow {
            Blow::AfterStart(delay) => {
                let until = living.spawned + delay;
                if living.answered_at.is_none() && self.theatre.answers_before(until) {
                    living.answered_at = Some(now_us());
                }
                pause_until(until);
            }
            Blow::AfterAnswer(delay) => {
                self.await_answer(living)?;
                pause(delay);
            }
        }
        Ok(())
    }

    /// Writes down a life that is over, or whose part in the storm is.
    pub(crate) fn note(&self, living: &Living, killed: bool) {
        let Living { spawned_at, answered_at, .. } = *living;
        self.log.put(&Life { spawned_at, answered_at, ended_at: now_us(), killed });
    }
}

/// How many programs are running, from the marks that they leave.
#[derive(Default)]
struct Marks {
    file: Option<File>,
    running: i64,
}

impl Marks {
    fn running(&mut self, theatre: &Theatre<'_>) -> anyhow::Result<i64> {
        if self.file.is_none() {
            // There is none before the first job has run.
            self.file = File::open(theatre.dir.join(folder::EXECUTIONS)).ok();
        }
        if let Some(file) = &mut self.file {
            let mut new = String::new();
            file.read_to_string(&mut new)?;
            self.running += new.lines().map(|line| if line.starts_with("start") { 1 } else { -1 }).sum::<i64>();
        }
        Ok(self.running)
    }
}
