//! Weather: disks that are slow, full or broken, and the power that goes. Made by a small library
//! between the broker and the C library (`shim.c`), which obeys a control file.

pub(crate) mod undo;

use anyhow::{Context, bail};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SHIM: &str = include_str!("shim.c");
/// Words of the control file, as the shim numbers them.
const SLOW_MIN_US: u64 = 0;
const SLOW_MAX_US: u64 = 1;
const QUOTA_BYTES: u64 = 2;
const EIO_LEFT: u64 = 3;
const SYNCS: u64 = 4;
const REFUSED: u64 = 5;
const FAILED: u64 = 6;
const CONTROL_BYTES: u64 = 4096;

/// The weather over one folder; fair until something else is said.
pub(crate) struct Weather {
    library: PathBuf,
    control_path: PathBuf,
    control: File,
    store: PathBuf,
    /// Where the shim notes what a power loss undoes, if it does.
    undo: Option<PathBuf>,
}

impl Weather {
    /// Weather over the folder `store`, made with files in `dir`.
    ///
    /// # Errors
    /// There is no C compiler `cc`, or it does not take the shim.
    pub(crate) fn over(store: &Path, dir: &Path, power: bool) -> anyhow::Result<Weather> {
        let (source, library, control_path) = (dir.join("shim.c"), dir.join("shim.so"), dir.join("weather"));
        std::fs::write(&source, SHIM)?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).arg("-ldl").arg("-lpthread");
        let status = cc.status().context("weather needs the C compiler `cc`")?;
        if !status.success() {
            bail!("`cc` did not take {}: {status}", source.display());
        }
        let control = File::options().read(true).write(true).create(true).truncate(true).open(&control_path)?;
        control.set_len(CONTROL_BYTES)?;
        let undo = power.then(|| dir.join("undo"));
        if let Some(undo) = &undo {
            std::fs::create_dir_all(undo)?;
        }
        Ok(Weather { library, control_path, control, store: store.to_owned(), undo })
    }

    /// The program will not outlive the thread that starts it.
    pub(crate) fn end_with_us(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
    }

    /// The program will have this weather, and not outlive the thread that starts it.
    pub(crate) fn put_over(&self, command: &mut Command) {
        self.end_with_us(command);
        command.env("STORM_WEATHER", &self.control_path);
        command.env("STORM_STORE", format!("{}/", self.store.display()));
        if let Some(undo) = &self.undo {
            command.env("STORM_UNDO", undo);
        }
    }

    /// Each sync takes so much longer, evenly spread.
    pub(crate) fn slow(&self, from: Duration, to: Duration) -> anyhow::Result<()> {
        self.set(SLOW_MIN_US, from.as_micros() as u64)?;
        self.set(SLOW_MAX_US, to.as_micros() as u64)
    }

    /// Files may grow until all are of so many bytes.
    pub(crate) fn quota(&self, bytes: Option<u64>) -> anyhow::Result<()> {
        self.set(QUOTA_BYTES, bytes.unwrap_or(0))
    }

    /// The next syncs fail.
    pub(crate) fn fail_syncs(&self, count: u64) -> anyhow::Result<()> {
        self.set(EIO_LEFT, count)
    }

    pub(crate) fn syncs(&self) -> anyhow::Result<u64> {
        self.word(SYNCS)
    }

    /// Writes refused for want of room.
    pub(crate) fn refused(&self) -> anyhow::Result<u64> {
        self.word(REFUSED)
    }

    /// Syncs that failed.
    pub(crate) fn failed(&self) -> anyhow::Result<u64> {
        self.word(FAILED)
    }

    /// The power went when the broker was killed: takes back what was not synced, or a part of it
    /// that chance chooses. Says how many writes that were.
    pub(crate) fn lose_power(&self, how: undo::Loss, dice: &mut crate::dice::Dice) -> anyhow::Result<undo::Lost> {
        let undo = self.undo.as_ref().context("nobody noted what a power loss undoes")?;
        undo::lose_power(&self.store, undo, how, dice)
    }

    fn set(&self, word: u64, value: u64) -> anyhow::Result<()> {
        self.control.write_all_at(&value.to_ne_bytes(), word * 8).context("the weather cannot be changed")
    }

    fn word(&self, word: u64) -> anyhow::Result<u64> {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, word * 8)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}

/// Bytes of all files below `dir`.
pub(crate) fn bytes_below(dir: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        // A file may be gone since it was listed.
        let Ok(data) = entry.metadata() else { continue };
        sum += if data.is_dir() { bytes_below(&entry.path())? } else { data.len() };
    }
    Ok(sum)
}
