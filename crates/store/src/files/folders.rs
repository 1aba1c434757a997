//! Where a file stands, and what it takes that it stands there for good.

use super::Holds;
use crate::{FileHash, StoreError};
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What was not given its name in this time never will be: its writer has ended.
const UNFINISHED_AGE: Duration = Duration::from_secs(60 * 60);

/// A name that is not there yet ends with this.
const UNFINISHED: &str = ".unfinished";

/// Names tried for a file that has none yet; another process may count alike.
const UNFINISHED_TRIES_MAX: u64 = 1_000;

/// One file per content: `<root>/ab/<64 hexadecimal digits>`, in the folder of its first two.
/// Nothing else in there is followed, read or removed. Blocks.
pub(crate) struct Folders {
    root: PathBuf,
    /// For each folder, whether it is known to be on disk. Held while one of its files is put or
    /// removed: a `put` that finds the file and a `remove` that finds it old must not overlap.
    locks: Vec<Mutex<bool>>,
    unfinished: AtomicU64,
    /// What is not removed now.
    pub(crate) holds: Holds,
}

impl Folders {
    /// The files below `root`, if there are any. Creates nothing.
    pub(crate) fn at(root: &Path) -> Folders {
        let locks = (0..=u8::MAX).map(|_| Mutex::new(false)).collect();
        Folders { root: root.to_owned(), locks, unfinished: AtomicU64::new(0), holds: Holds::default() }
    }

    /// Creates the folder `root` and removes what a process that ended was in the middle of.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        let unusable = |error: std::io::Error| StoreError::Unusable {
            path: self.root.display().to_string(),
            why: format!("large contents are kept in this folder: {error}"),
        };
        match fs::create_dir(&self.root) {
            Ok(()) => sync(self.root.parent().unwrap_or(Path::new(".")))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unusable(error)),
        }
        for entry in fs::read_dir(&self.root).map_err(unusable)? {
            let entry = entry.map_err(unusable)?;
            let is_unfinished = entry.file_name().to_string_lossy().ends_with(UNFINISHED);
            // What cannot be looked at or removed is in nobody's way.
            if is_unfinished && entry.metadata().is_ok_and(|found| age(&found) >= UNFINISHED_AGE) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Stores `bytes` under `file`, their hash. When this returns, no loss of power takes the
    /// bytes or the name away.
    ///
    /// Bytes are synced before they get their name, so a name never stands for a part of them.
    /// Whoever finds the name may not rely on more: the process that renamed may have ended before
    /// it synced the folder, and a copy made by hand was not synced at all. So both are synced
    /// here too, which costs little when there is nothing to write.
    pub(crate) fn put(&self, file: FileHash, bytes: &[u8]) -> Result<(), StoreError> {
        let (folder, path) = (self.folder(file), self.path(file));
        let mut is_on_disk = self.lock(file);
        if !*is_on_disk {
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(weather(&folder, &error)),
                _ => sync(&self.root)?,
            }
            *is_on_disk = true;
        }
        // Unreadable, torn or something else altogether: it is replaced by what belongs there.
        if self.read(file).is_ok_and(|found| found.is_some_and(|found| found == bytes)) {
            let found = File::options().write(true).open(&path).map_err(|error| weather(&path, &error))?;
            found.set_modified(SystemTime::now()).map_err(|error| weather(&path, &error))?;
            found.sync_all().map_err(|error| weather(&path, &error))?;
            return sync(&folder);
        }
        self.check_folder(file)?;
        self.write(&path, bytes)?;
        sync(&folder).inspect_err(|_| {
            // After a failed sync the next one succeeds without having done anything. Without the
            // file the next `put` has something to sync.
            let _ = fs::remove_file(&path);
        })
    }

    /// Writes all under another name first, in the same file system.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let (unfinished, mut file) = self.begin()?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&unfinished, path));
        written.map_err(|error| {
            let _ = fs::remove_file(&unfinished);
            weather(path, &error)
        })
    }

    fn begin(&self) -> Result<(PathBuf, File), StoreError> {
        let mut tried = 0;
        loop {
            let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
            let path = self.root.join(format!("{}-{number}{UNFINISHED}", std::process::id()));
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((path, file)),
                // Of another process with our number, or of an earlier one.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && tried < UNFINISHED_TRIES_MAX => tried += 1,
                Err(error) => return Err(weather(&path, &error)),
            }
        }
    }

    /// The bytes under this name, whatever they are; `None` if there are none.
    pub(crate) fn read(&self, file: FileHash) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(file);
        if self.look_at(file)?.is_none() {
            return Ok(None);
        }
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(weather(&path, &error)),
        }
    }

    /// The bytes of this name, which are those it is named after.
    pub(crate) fn get(&self, file: FileHash) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = self.read(file)?;
        if bytes.as_ref().is_some_and(|bytes| FileHash::of(bytes) != file) {
            let why = format!("{} is damaged: its bytes are not those it is named after", self.path(file).display());
            return Err(StoreError::Damaged { why });
        }
        Ok(bytes)
    }

    /// Removes the file if it was put at least `age` ago and nobody holds it. Not synced: if the disk forgets it, the
    /// file is there again, whole and as old, and is removed again.
    pub(crate) fn remove(&self, file: FileHash, age_min: Duration) -> Result<bool, StoreError> {
        let _alone = self.lock(file);
        if self.holds.has(file) || self.look_at(file)?.is_none_or(|found| age(&found) < age_min) {
            return Ok(false);
        }
        let path = self.path(file);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(weather(&path, &error)),
        }
    }

    /// The files whose names begin with `first`, in order.
    pub(crate) fn list(&self, first: u8) -> Result<Vec<(FileHash, Metadata)>, StoreError> {
        let folder = self.root.join(format!("{first:02x}"));
        let weather = |error: &std::io::Error| weather(&folder, error);
        match fs::symlink_metadata(&folder) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(weather(&error)),
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|error| weather(&error))? {
            let entry = entry.map_err(|error| weather(&error))?;
            let Some(file) = entry.file_name().to_str().and_then(FileHash::from_hex).filter(|file| file.0[0] == first)
            else {
                continue;
            };
            match entry.metadata() {
                Ok(found) if found.is_file() => files.push((file, found)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(weather(&error)),
            }
        }
        files.sort_unstable_by_key(|(file, _)| *file);
        Ok(files)
    }

    /// What stands there; a link or a folder is an error, and so is a folder that is a link.
    fn look_at(&self, file: FileHash) -> Result<Option<Metadata>, StoreError> {
        let path = self.path(file);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(weather(&path, &error)),
            Ok(found) if found.is_file() => self.check_folder(file).map(|()| Some(found)),
            Ok(_) => Err(StoreError::Damaged { why: format!("{} is no file; move it away", path.display()) }),
        }
    }

    fn check_folder(&self, file: FileHash) -> Result<(), StoreError> {
        let folder = self.folder(file);
        match fs::symlink_metadata(&folder) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(StoreError::Unavailable { why: format!("{} is no folder; move it away", folder.display()) }),
            Err(error) => Err(weather(&folder, &error)),
        }
    }

    fn lock(&self, file: FileHash) -> std::sync::MutexGuard<'_, bool> {
        self.locks[usize::from(file.0[0])].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, file: FileHash) -> PathBuf {
        self.root.join(format!("{:02x}", file.0[0]))
    }

    pub(crate) fn path(&self, file: FileHash) -> PathBuf {
        self.folder(file).join(file.to_string())
    }
}

/// How long ago it was put; nothing if that is in the future.
pub(crate) fn age(found: &Metadata) -> Duration {
    found.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default()
}

/// Makes the names in this folder durable.
pub(crate) fn sync(folder: &Path) -> Result<(), StoreError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(|error| weather(folder, &error))
}

/// The error of an operation on `path`.
pub(crate) fn weather(path: &Path, error: &std::io::Error) -> StoreError {
    let why = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { why },
        _ => StoreError::Unavailable { why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_space_and_no_quota_are_a_full_store_and_all_else_is_weather() {
        let said = |kind: ErrorKind| weather(Path::new("/x"), &kind.into());
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            assert!(matches!(said(kind), StoreError::Full { why } if why.starts_with("/x: ")));
        }
        assert!(matches!(said(ErrorKind::PermissionDenied), StoreError::Unavailable { .. }));
    }
}
