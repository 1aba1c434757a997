//! The disk is full, and later there is room again: by the shim's quota, or on a small file system
//! of its own that a ballast fills.

use super::http::Http;
use super::kills::{Kills, Living};
use super::log::Log;
use super::stage::Stage;
use super::theatre::Theatre;
use crate::clock::{now_us, pause};
use crate::dice::Dice;
use crate::record::{Cancel, Window};
use crate::weather::{Weather, bytes_below};
use anyhow::{Context, bail};
use std::fs::File;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Room left when the disk is about to be full.
const MARGIN_BYTES: u64 = 2 << 20;
/// More than twice what a store may hold in reserve (64 MiB), and room to go on with.
const ROOM_BYTES: u64 = 400 << 20;
/// After so long the load has filled what was left, or it never does.
const FILL_WAIT: Duration = Duration::from_secs(60);
/// After so long with room, submissions are taken again, or they never are.
const RECOVER_WAIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Jobs cancelled while it is.
const CANCELS: usize = 5;
const CALL_WAIT: Duration = Duration::from_secs(5);
const BALLAST_PIECE_BYTES: usize = 1 << 20;

pub(crate) struct Filling<'a> {
    pub(crate) theatre: &'a Theatre<'a>,
    pub(crate) stage: &'a Stage,
    pub(crate) kills: &'a Kills<'a>,
    pub(crate) weather_log: &'a Log,
    pub(crate) cancels: &'a Log,
    /// The store lies on a file system of its own.
    pub(crate) mounted: bool,
    /// How long the disk stays full.
    pub(crate) long: Duration,
}

impl Filling<'_> {
    /// Full once, and where `kill` says so with a kill of the broker in the middle of it.
    pub(crate) fn fill(&self, mut living: Living, kill: bool, dice: &mut Dice) -> anyhow::Result<Living> {
        let refused = || self.stage.refused.load(Ordering::Relaxed);
        let before = refused();
        self.take_room()?;
        self.until("the disk was never full", FILL_WAIT, || refused() > before)?;
        let from = now_us();
        println!("full: the first submission was refused");
        let until = Instant::now() + self.long;
        pause(self.long / 4);
        self.cancel_some();
        if kill {
            living = self.kills.kill(living, None, dice)?;
            self.kills.await_answer(&mut living)?;
        }
        pause(until.saturating_duration_since(Instant::now()));
        self.give_room()?;
        self.weather_log.put(&Window { what: "full", from, until: now_us() });
        let (begun, acknowledged) = (Instant::now(), self.stage.acknowledged.load(Ordering::Relaxed));
        let goes_on = || self.stage.acknowledged.load(Ordering::Relaxed) > acknowledged;
        self.until("nothing was taken in with room again", RECOVER_WAIT, goes_on)?;
        let writes = self.theatre.weather.as_ref().map_or(Ok(0), Weather::refused)?;
        println!(
            "full: {} submissions and {writes} writes refused; one was taken {} ms after there was room",
            refused() - before,
            begun.elapsed().as_millis()
        );
        Ok(living)
    }

    fn take_room(&self) -> anyhow::Result<()> {
        if self.mounted {
            let mut ballast = File::create(self.ballast())?;
            let piece = vec![0; BALLAST_PIECE_BYTES];
            // Up to the brim, then back to the margin.
            while ballast.write_all(&piece).is_ok() {}
            let brim = ballast.metadata()?.len();
            return Ok(ballast.set_len(brim.saturating_sub(MARGIN_BYTES))?);
        }
        let used = bytes_below(&Theatre::store(&self.theatre.dir))?;
        self.theatre.weather()?.quota(Some(used + MARGIN_BYTES))
    }

    fn give_room(&self) -> anyhow::Result<()> {
        if self.mounted {
            return std::fs::remove_file(self.ballast()).context("the ballast cannot be removed");
        }
        let used = bytes_below(&Theatre::store(&self.theatre.dir))?;
        self.theatre.weather()?.quota(Some(used + ROOM_BYTES))
    }

    /// In the folder of the store, where it takes room of the same file system.
    fn ballast(&self) -> std::path::PathBuf {
        Theatre::store(&self.theatre.dir).join("ballast")
    }

    fn cancel_some(&self) {
        let mut http = Http::new(self.stage.address, CALL_WAIT);
        for _ in 0..CANCELS {
            let Some(job) = self.stage.take_long() else { return };
            let status = http.call("POST", &format!("/api/jobs/{job}/cancel"), "{}").map_or(0, |reply| reply.status);
            self.cancels.put(&Cancel { at: now_us(), job: &job, status });
        }
    }

    fn until(&self, otherwise: &str, wait: Duration, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
        let until = Instant::now() + wait;
        while !is_so() {
            if Instant::now() > until {
                bail!("{otherwise} within {} s", wait.as_secs());
            }
            pause(LOOK_EVERY);
        }
        Ok(())
    }
}
