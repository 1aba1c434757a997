//! Files that are about to be named by a record.

use crate::FileHash;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which files are held, and how often.
#[derive(Clone, Default)]
pub(crate) struct Holds(Arc<Mutex<BTreeMap<FileHash, usize>>>);

/// While it lives its file is not removed, whatever its age: ages are told by a clock that is set
/// now and then.
pub struct Hold {
    file: FileHash,
    holds: Holds,
}

impl Holds {
    pub(crate) fn hold(&self, file: FileHash) -> Hold {
        *self.held().entry(file).or_default() += 1;
        Hold { file, holds: self.clone() }
    }

    pub(crate) fn has(&self, file: FileHash) -> bool {
        self.held().contains_key(&file)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<FileHash, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Which it holds.
    #[must_use]
    pub fn file(&self) -> FileHash {
        self.file
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.holds.held();
        if let Some(times) = held.get_mut(&self.file) {
            *times -= 1;
            if *times == 0 {
                held.remove(&self.file);
            }
        }
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hold({:?})", self.file)
    }
}
