//! The disk under the store, for comparison: a plain write and `fdatasync`, again and again.

use super::measure::{Samples, Spread};
use anyhow::Context;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Where it writes, over and over: as a log is written that keeps its file.
const FILE_BYTES: u64 = 4 << 20;
const WRITE_BYTES: usize = 4 << 10;
/// Often enough to see a pause, seldom enough not to be one.
const EVERY: Duration = Duration::from_millis(20);

/// A thread that writes and syncs until it is told to stop.
pub(super) struct Disk {
    /// Dropped, it stops the thread.
    running: SyncSender<()>,
    thread: JoinHandle<std::io::Result<Samples>>,
}

impl Disk {
    pub(super) fn watch(folder: &Path) -> anyhow::Result<Disk> {
        let mut file = File::create(folder.join("plain"))?;
        file.write_all(&vec![0; FILE_BYTES as usize])?;
        file.sync_all()?;
        let (running, stopped) = sync_channel::<()>(0);
        let thread = std::thread::Builder::new().name("disk".to_owned()).spawn(move || {
            let mut samples = Samples::default();
            let mut at = 0;
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                file.seek(SeekFrom::Start(at))?;
                at = (at + WRITE_BYTES as u64) % FILE_BYTES;
                let bytes = [at as u8; WRITE_BYTES];
                samples.time(|| file.write_all(&bytes).and_then(|()| file.sync_data()))?;
            }
            Ok(samples)
        })?;
        Ok(Disk { running, thread })
    }

    /// What the writes took.
    pub(super) fn stop(self) -> anyhow::Result<Spread> {
        drop(self.running);
        let samples = self.thread.join().map_err(|_| anyhow::anyhow!("the thread that writes panicked"))?;
        Ok(samples.context("a plain write beside the store failed")?.spread())
    }
}
