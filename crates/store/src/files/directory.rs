//! Files in a folder.

use super::folders::{Folders, age};
use super::{Files, Hold};
use crate::{FileHash, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Large contents in a folder of their own, `ab/<64 hexadecimal digits>`. Its disk should be that
/// of the journal; the folder itself may be a link to another one, nothing in it may.
pub struct DirectoryFiles(Arc<Folders>);

impl DirectoryFiles {
    /// The files in the folder `path`, which is created in one that exists. What an earlier
    /// process left unfinished there for an hour is removed.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the folder cannot be created or read.
    pub fn new(path: impl AsRef<Path>) -> Result<DirectoryFiles, StoreError> {
        let folders = Folders::at(path.as_ref());
        folders.prepare()?;
        Ok(DirectoryFiles(Arc::new(folders)))
    }

    /// Runs `work` on a thread that may block. It goes on if the caller stops waiting.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folders) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folders = self.0.clone();
        let ended = tokio::task::spawn_blocking(move || work(&folders)).await;
        ended.unwrap_or_else(|error| Err(StoreError::Unavailable { why: format!("the files' thread ended: {error}") }))
    }
}

#[async_trait]
impl Files for DirectoryFiles {
    async fn put(&self, bytes: Bytes) -> Result<FileHash, StoreError> {
        self.run(move |folders| {
            let file = FileHash::of(&bytes);
            folders.put(file, &bytes).map(|()| file)
        })
        .await
    }

    async fn get(&self, file: FileHash) -> Result<Option<Bytes>, StoreError> {
        self.run(move |folders| Ok(folders.get(file)?.map(Bytes::from))).await
    }

    async fn older_than(
        &self,
        age_min: Duration,
        after: Option<FileHash>,
        max: usize,
    ) -> Result<Vec<FileHash>, StoreError> {
        self.run(move |folders| {
            let mut found = Vec::new();
            let is_old = |file, found: &_| age(found) >= age_min && !folders.holds.has(file);
            for first in after.map_or(0, |after| after.0[0])..=u8::MAX {
                let files = folders.list(first)?.into_iter();
                let old = files.filter(|(file, found)| Some(*file) > after && is_old(*file, found));
                found.extend(old.map(|(file, _)| file).take(max - found.len()));
                if found.len() >= max {
                    break;
                }
            }
            Ok(found)
        })
        .await
    }

    fn hold(&self, file: FileHash) -> Hold {
        self.0.holds.hold(file)
    }

    async fn remove(&self, file: FileHash, age: Duration) -> Result<bool, StoreError> {
        self.run(move |folders| folders.remove(file, age)).await
    }

    async fn extent(&self) -> Result<(u64, u64), StoreError> {
        self.run(|folders| {
            let (mut files, mut bytes) = (0, 0);
            for first in 0..=u8::MAX {
                for (_, found) in folders.list(first)? {
                    (files, bytes) = (files + 1, bytes + found.len());
                }
            }
            Ok((files, bytes))
        })
        .await
    }
}
