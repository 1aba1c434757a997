//! Files that end with the process.

use super::{Files, Hold, Holds};
use crate::{FileHash, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Holds everything in memory; a clone is another way to the same files.
#[derive(Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<BTreeMap<FileHash, Held>>>, Holds);

struct Held {
    bytes: Bytes,
    /// By tokio's clock, which tests can move.
    put_at: Instant,
}

impl MemoryFiles {
    /// No files.
    #[must_use]
    pub fn new() -> MemoryFiles {
        MemoryFiles::default()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<FileHash, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Files for MemoryFiles {
    async fn put(&self, bytes: Bytes) -> Result<FileHash, StoreError> {
        let file = FileHash::of(&bytes);
        self.held().insert(file, Held { bytes, put_at: Instant::now() });
        Ok(file)
    }

    async fn get(&self, file: FileHash) -> Result<Option<Bytes>, StoreError> {
        Ok(self.held().get(&file).map(|held| held.bytes.clone()))
    }

    async fn older_than(
        &self,
        age: Duration,
        after: Option<FileHash>,
        max: usize,
    ) -> Result<Vec<FileHash>, StoreError> {
        let held = self.held();
        let following = held.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
        let old = following.filter(|(file, held)| held.put_at.elapsed() >= age && !self.1.has(**file));
        Ok(old.map(|(file, _)| *file).take(max).collect())
    }

    fn hold(&self, file: FileHash) -> Hold {
        self.1.hold(file)
    }

    async fn remove(&self, file: FileHash, age: Duration) -> Result<bool, StoreError> {
        let mut held = self.held();
        let is_old = held.get(&file).is_some_and(|held| held.put_at.elapsed() >= age);
        Ok(is_old && !self.1.has(file) && held.remove(&file).is_some())
    }

    async fn extent(&self) -> Result<(u64, u64), StoreError> {
        let held = self.held();
        Ok((held.len() as u64, held.values().map(|held| held.bytes.len() as u64).sum()))
    }
}
