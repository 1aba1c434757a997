//! Large contents, one file each, named by their hash.

pub mod contract;
mod directory;
mod folders;
mod holds;
mod memory;

pub use directory::DirectoryFiles;
pub(crate) use folders::{Folders, age, sync, weather};
pub use holds::Hold;
pub(crate) use holds::Holds;
pub use memory::MemoryFiles;

use crate::{FileHash, StoreError};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Large contents. They are put before a record names them, and removed when none does.
#[async_trait]
pub trait Files: Send + Sync {
    /// Stores `bytes` durably, name included, and returns their name. If they are there already
    /// their age begins anew.
    ///
    /// # Errors
    /// `Full` if there is no room, `Unavailable` for all other weather.
    async fn put(&self, bytes: Bytes) -> Result<FileHash, StoreError>;

    /// The bytes of this name, or `None` if there are none.
    ///
    /// # Errors
    /// `Damaged` if the bytes are not those they are named after.
    async fn get(&self, file: FileHash) -> Result<Option<Bytes>, StoreError>;

    /// Names of files that were put longer than `age` ago, are held by nobody, and follow `after` in
    /// the order of their names, at most `max`. One that is listed and that no record names then
    /// may be removed: what is held later was put later.
    async fn older_than(&self, age: Duration, after: Option<FileHash>, max: usize)
    -> Result<Vec<FileHash>, StoreError>;

    /// Keeps the file of this name, if there is one or comes to be one, from being listed as old and
    /// removed through this value while what is returned lives. Whoever will have a record name a file holds it
    /// first and puts it then.
    fn hold(&self, file: FileHash) -> Hold;

    /// Removes the file, unless it is held or was put again less than `age` ago. Says whether it did.
    async fn remove(&self, file: FileHash, age: Duration) -> Result<bool, StoreError>;

    /// How many files there are, and their bytes.
    async fn extent(&self) -> Result<(u64, u64), StoreError>;
}

impl FileHash {
    /// The name that [`Display`](fmt::Display) writes: 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<FileHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut hash = [0; 32];
        if pairs.len() != hash.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(FileHash(hash))
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
